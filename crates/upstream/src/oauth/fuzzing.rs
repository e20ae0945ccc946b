//! The target of the fuzzer for the answers of token endpoints.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use oauth2::TokenResponse as _;
use oauth2::basic::{BasicErrorResponse, BasicTokenType};
use serde_json::Value;

use super::{TokenAnswer, failure_of_code};
use crate::oidc::TokenEndpointAuthMethod::ClientSecretBasic;

/// What is taken for an answer has the tokens that it states; an error shows nothing but words of ours.
pub fn token_answers(bytes: &[u8]) {
    if let Ok(answer) = serde_json::from_slice::<TokenAnswer>(bytes) {
        assert_eq!(*answer.token_type(), BasicTokenType::Bearer);
        // Whoever reads members by their names reads the same.
        if let Ok(Value::Object(members)) = serde_json::from_slice(bytes) {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            assert_eq!(text("access_token"), Some(answer.access_token()));
            assert_eq!(text("id_token"), answer.id_token());
        }
        assert_eq!(format!("{answer:?}"), "TokenAnswer(..)");
    }
    if let Ok(answer) = serde_json::from_slice::<BasicErrorResponse>(bytes) {
        let code = answer.error().as_ref();
        let (failure, of_others) =
            (failure_of_code(code, ClientSecretBasic), failure_of_code("\0", ClientSecretBasic));
        let is_ours = || code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(failure == of_others || is_ours() && failure.to_string().contains(code), "{code:?}");
    }
}
