//! Whatever a plugin returns and replies, nothing but an answer is one.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::answer::RawReply;
use crate::json::parse_object;

const OPERATIONS: [Operation; 7] = [
    Operation::Permissions,
    Operation::Explain,
    Operation::ResolveToken,
    Operation::NewUser,
    Operation::UserLogin,
    Operation::UserLogout,
    Operation::Health,
];

fn replied() -> impl Strategy<Value = Vec<u8>> {
    let objects = select(&["{}", "{\"read\":true}", " {\"a\":{\"b\":[1]}} "][..])
        .prop_map(|text| text.as_bytes().to_vec());
    let others = select(&["", "[]", "null", "{", "{}{}", "{\"a\":1,\"a\":2}", "NaN"][..])
        .prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![objects, others, vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn e7_only_success_with_an_object_gives_permissions(
        code in prop_oneof![-1..8, any::<i32>()],
        replies in vec(replied(), 0..3),
        may_deny in any::<bool>(),
        operation in select(&OPERATIONS[..]),
    ) {
        let mut reply = RawReply::None;
        for bytes in &replies {
            reply.give(bytes);
        }
        let object = match &replies[..] {
            [one] => parse_object(one).ok(),
            _ => None,
        };
        let answer = RawAnswer { code, reply, error: "because".to_owned(), ttl_seconds: None };
        let verdict = interpret("acl", operation, may_deny, answer);
        let needed = matches!(operation, Operation::Permissions | Operation::Explain);
        if needed {
            let expected = object.filter(|_| code == code::OK);
            prop_assert_eq!(verdict.clone().ok(), expected.map(Some));
        } else if let Ok(Some(patch)) = &verdict {
            prop_assert!(code == code::OK && object.as_ref() == Some(patch));
        } else if verdict == Ok(None) {
            prop_assert!(code == code::NO_OPINION || (code == code::OK && replies.is_empty()));
        }
        if let Err(CallFailure::Denied(_)) = verdict {
            prop_assert!(may_deny && code == code::DENY);
        }
    }
}
