//! The raw answer of a plugin, before it is interpreted.

use serde_json::{Map, Value};
use vestibule_plugin_abi::code;

use crate::bad_reply::BadReply;
use crate::json::parse_object;
use crate::unavailability::Unavailability;

/// The most that a plugin may reply.
pub(crate) const MAX_REPLY_BYTES: usize = 64 * 1024;

/// What comes back from a plugin: plain data, whatever road it took.
#[derive(Debug, Default)]
pub(crate) struct RawAnswer {
    pub(crate) code: i32,
    pub(crate) reply: RawReply,
    /// What the plugin says about a failure; printable.
    pub(crate) error: String,
    /// How long the plugin lets its answer be used again, if it says so.
    pub(crate) ttl_seconds: Option<u32>,
}

/// What a runner sends back for a call: what came from the plugin, or why nothing did.
pub(crate) type CallResult = Result<RawAnswer, Unavailability>;

/// The reply, if any.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum RawReply {
    #[default]
    None,
    One(Vec<u8>),
    Bad(BadReply),
}

impl RawAnswer {
    /// An answer for a plugin that cannot give one.
    pub(crate) fn fatal(error: &str) -> Self {
        Self { code: code::FATAL, error: error.to_owned(), ..Self::default() }
    }

    /// The replied object.
    pub(crate) fn object(reply: RawReply) -> Result<Option<Map<String, Value>>, BadReply> {
        match reply {
            RawReply::None => Ok(None),
            RawReply::One(bytes) => parse_object(&bytes).map(Some),
            RawReply::Bad(fault) => Err(fault),
        }
    }
}

impl RawReply {
    /// Keeps a reply, or notes what is wrong with it. Whatever was wrong once stays wrong.
    pub(crate) fn give(&mut self, bytes: &[u8]) -> bool {
        *self = match self {
            Self::None if bytes.len() <= MAX_REPLY_BYTES => Self::One(bytes.to_vec()),
            Self::None => Self::Bad(BadReply::TooLarge),
            Self::One(_) => Self::Bad(BadReply::Several),
            Self::Bad(fault) => Self::Bad(*fault),
        };
        matches!(self, Self::One(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e7_the_second_reply_spoils_the_first() {
        let mut reply = RawReply::None;
        assert!(reply.give(b"{}"));
        assert!(!reply.give(b"{}"));
        assert!(!reply.give(b"{}"));
        assert_eq!(RawAnswer::object(reply), Err(BadReply::Several));
    }

    #[test]
    fn e7_a_large_reply_is_not_even_copied() {
        let mut reply = RawReply::None;
        assert!(!reply.give(&vec![b' '; MAX_REPLY_BYTES + 1]));
        assert_eq!(reply, RawReply::Bad(BadReply::TooLarge));
    }
}
