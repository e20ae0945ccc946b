//! Random packets: each is refused, or holds what a packet may hold.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::LazyJust;

use super::fuzzing::plugin_packets;
use super::*;
use crate::answer::MAX_REPLY_BYTES;

fn any_reply() -> impl Strategy<Value = RawReply> {
    prop_oneof![
        LazyJust::new(|| RawReply::None),
        vec(any::<u8>(), 0..50).prop_map(RawReply::One),
        select(&[MAX_REPLY_BYTES - 1, MAX_REPLY_BYTES, MAX_REPLY_BYTES + 1, 2 * MAX_REPLY_BYTES][..])
            .prop_map(|length| RawReply::One(vec![b' '; length])),
        LazyJust::new(|| RawReply::Bad(BadReply::TooLarge)),
        LazyJust::new(|| RawReply::Bad(BadReply::Several)),
    ]
}

fn any_answer() -> impl Strategy<Value = (u64, RawAnswer)> {
    let parts = (any::<u64>(), any::<i32>(), any_reply(), any::<String>(), option::of(1..=u32::MAX));
    parts
        .prop_map(|(id, code, reply, error, ttl_seconds)| (id, RawAnswer { code, reply, error, ttl_seconds }))
}

/// What a question is made of, which is shown if a test fails.
fn any_parts() -> impl Strategy<Value = (usize, [String; 3])> {
    (0..7_usize, any::<[String; 3]>())
}

fn question((kind, [service, user_id, json]): (usize, [String; 3])) -> Question {
    let event = |hook, user_json| Question::Event { hook, user_json };
    match kind {
        0 => Question::Permissions { service, user_id, context_json: json.into() },
        1 => Question::Explain { service, user_id, context_json: json.into() },
        2 => event(Hook::NewUser, json),
        3 => event(Hook::UserLogin, json),
        4 => event(Hook::UserLogout, json),
        5 => Question::Token { token: user_id.into(), context_json: json },
        _ => Question::Health,
    }
}

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any_answer().prop_map(|(id, given)| answer(id, &given)),
        (any::<u64>(), any::<u64>(), any_parts()).prop_map(|(id, micros, parts)| ask(
            id,
            Duration::from_micros(micros),
            &question(parts)
        )),
        (any::<i32>(), any::<String>(), any::<String>())
            .prop_map(|(level, message, fields)| log(level, &message, &fields)),
        any::<String>().prop_map(|text| report(&Report::Failed(text))),
        (any::<String>(), any::<u32>()).prop_map(|(alias, seconds)| create(&CreateOrder {
            alias,
            left: Duration::from_secs(u64::from(seconds))
        })),
        vec(any::<u8>(), 0..100).prop_map(|bytes| piece(&bytes)),
    ]
}

/// What happens to a packet.
#[derive(Debug, Clone)]
enum Change {
    Byte(Index, u8),
    /// Four bytes in a row become a number, which may be the length of a text.
    Number(Index, u32),
    Cut(Index),
    Add(Index, Vec<u8>),
}

impl Change {
    fn make(&self, packet: &mut Vec<u8>) {
        let within = |at: &Index, packet: &[u8]| at.index(packet.len() + 1);
        match self {
            Self::Byte(at, byte) => {
                let at = within(at, packet);
                packet.iter_mut().skip(at).take(1).for_each(|place| *place = *byte);
            }
            Self::Number(at, number) => {
                let at = within(at, packet);
                packet.iter_mut().skip(at).zip(number.to_le_bytes()).for_each(|(place, byte)| *place = byte);
            }
            Self::Cut(at) => packet.truncate(within(at, packet)),
            Self::Add(at, bytes) => {
                let at = within(at, packet);
                packet.splice(at..at, bytes.iter().copied());
            }
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (any::<Index>(), prop_oneof![0..64_u32, any::<u32>()])
            .prop_map(|(at, number)| Change::Number(at, number)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Add(at, bytes)),
    ]
}

proptest! {
    #[test]
    fn e7_any_bytes_at_all_are_refused_or_within_bounds(
        kind in prop_oneof![any::<u8>(), select(&[LOAD, PIECE, CREATE, ASK, REPORT, ANSWER, LOG][..])],
        rest in vec(any::<u8>(), 0..300),
    ) {
        plugin_packets(&rest);
        plugin_packets(&[&[kind], &rest[..]].concat());
    }

    #[test]
    fn e7_a_packet_with_anything_changed_is_refused_or_within_bounds(
        mut packet in any_packet(),
        changes in vec(any_change(), 1..5),
    ) {
        for change in changes {
            change.make(&mut packet);
            plugin_packets(&packet);
        }
    }

    #[test]
    fn any_answer_arrives_as_it_was_given_unless_it_is_too_large((id, given) in any_answer()) {
        let Ok(FromChild::Answer { id: read_id, answer: read }) = FromChild::parse(&answer(id, &given)) else {
            return Err(TestCaseError::fail("it is refused"));
        };
        prop_assert_eq!((read_id, read.code, read.ttl_seconds), (id, given.code, given.ttl_seconds));
        let expected = match given.reply {
            RawReply::One(bytes) if bytes.len() > MAX_REPLY_BYTES => RawReply::Bad(BadReply::TooLarge),
            other => other,
        };
        prop_assert_eq!(read.reply, expected);
    }

    #[test]
    fn any_question_arrives_as_it_was_asked(parts in any_parts(), id in any::<u64>(), micros in any::<u64>()) {
        let packet = ask(id, Duration::from_micros(micros), &question(parts));
        let Ok(ToChild::Ask { id: read_id, left, question: read }) = ToChild::parse(&packet) else {
            return Err(TestCaseError::fail("it is refused"));
        };
        prop_assert_eq!((read_id, left), (id, Duration::from_micros(micros)));
        prop_assert_eq!(ask(id, left, &read), packet);
    }
}
