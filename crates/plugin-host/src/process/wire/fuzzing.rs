//! What must hold of whatever comes over the socket, for the fuzzer and for the properties.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use super::{BadPacket, FromChild, Report, ToChild, answer, ask, log};
use crate::answer::{MAX_REPLY_BYTES, RawReply};

/// A packet is refused, or holds what a packet may hold and is written as it was read.
pub fn plugin_packets(packet: &[u8]) {
    if let Ok(ToChild::Ask { id, left, question }) = ToChild::parse(packet) {
        // An event has one text, a token two, and there is room for three.
        let written = ask(id, left, &question);
        assert!(written.len() <= packet.len());
        assert_eq!(ToChild::parse(&written).ok().map(|read| written_again(&read)), Some(Some(written)));
    }
    match FromChild::parse(packet) {
        Ok(FromChild::Answer { id, answer: read }) => {
            if let RawReply::One(bytes) = &read.reply {
                assert!(bytes.len() <= MAX_REPLY_BYTES);
            }
            assert_ne!(read.ttl_seconds, Some(0));
            assert_one_line(&read.error);
            let again = FromChild::parse(&answer(id, &read));
            let Ok(FromChild::Answer { id: same_id, answer: same }) = again else { unreachable!("refused") };
            assert_eq!((same_id, same.code, &same.reply), (id, read.code, &read.reply));
        }
        Ok(FromChild::Log { level, message, fields }) => {
            assert_one_line(&message);
            assert_one_line(&fields);
            assert!(matches!(FromChild::parse(&log(level, &message, &fields)), Ok(FromChild::Log { .. })));
        }
        Ok(FromChild::Report(Report::Loaded(description))) => {
            drop(description.to_string());
        }
        Ok(FromChild::Report(_)) | Err(BadPacket) => {}
    }
}

fn written_again(read: &ToChild) -> Option<Vec<u8>> {
    match read {
        ToChild::Ask { id, left, question } => Some(ask(*id, *left, question)),
        ToChild::Load(_) | ToChild::Piece(_) | ToChild::Create(_) => None,
    }
}

fn assert_one_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
