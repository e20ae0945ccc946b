//! The packets between the service and a plugin's process.
//!
//! One packet of a sequenced-packet socket is one message, so nothing has to be put together, and several threads of the
//! child can wait on one socket. The first byte says what a packet is. Orders and reports, which are rare, are JSON; questions and
//! answers are numbers and texts, each text behind its length.
//!
//! The child is not trusted once the plugin's code runs in it: whatever does not parse is the end of it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::confine::Sandbox;
use crate::Hook;
use crate::answer::{RawAnswer, RawReply};
use crate::bad_reply::BadReply;
use crate::library::PluginDescription;
use crate::question::Question;

/// The longest packet. Well below what a socket holds on any common system (212,992 bytes).
pub(crate) const MAX_PACKET: usize = 160 * 1024;

/// The longest piece of a configuration in one packet.
pub(super) const MAX_PIECE: usize = 64 * 1024;

const LOAD: u8 = b'L';
const PIECE: u8 = b'P';
const CREATE: u8 = b'C';
const ASK: u8 = b'Q';
const REPORT: u8 = b'R';
const ANSWER: u8 = b'A';
const LOG: u8 = b'G';

/// What the child is to load, with the library itself as a file descriptor beside it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LoadOrder {
    /// The service; a child whose parent is another process by now has nothing to do.
    pub(super) parent: u32,
    /// Where the library came from, for people.
    pub(super) file: std::path::PathBuf,
    /// Its SHA-256.
    pub(super) sha256: [u8; 32],
    /// How many calls will run at once.
    pub(super) threads: usize,
    /// What it may do.
    pub(super) sandbox: Sandbox,
    /// The least important level that the service's log takes from plugins.
    pub(super) log_level: i32,
}

/// The instance that the child is to make, after the pieces of its configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateOrder {
    pub(super) alias: String,
    pub(super) left: Duration,
}

/// What the child says of an order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Loaded(Box<PluginDescription>),
    Created,
    Failed(String),
}

/// What the service sends.
pub(super) enum ToChild {
    Load(LoadOrder),
    Piece(Vec<u8>),
    Create(CreateOrder),
    Ask { id: u64, left: Duration, question: Question },
}

/// What the child sends.
pub(super) enum FromChild {
    Report(Report),
    Answer { id: u64, answer: RawAnswer },
    Log { level: i32, message: String, fields: String },
}

/// A packet that breaks the rules.
#[derive(Debug)]
pub(super) struct BadPacket;

impl ToChild {
    pub(super) fn parse(packet: &[u8]) -> Result<Self, BadPacket> {
        let (kind, rest) = packet.split_first().ok_or(BadPacket)?;
        match *kind {
            LOAD => json(rest).map(Self::Load),
            PIECE => Ok(Self::Piece(rest.to_vec())),
            CREATE => json(rest).map(Self::Create),
            ASK => parse_ask(Reader(rest)),
            _ => Err(BadPacket),
        }
    }
}

impl FromChild {
    pub(super) fn parse(packet: &[u8]) -> Result<Self, BadPacket> {
        let (kind, rest) = packet.split_first().ok_or(BadPacket)?;
        match *kind {
            REPORT => json(rest).map(Self::Report),
            ANSWER => parse_answer(Reader(rest)),
            LOG => parse_log(Reader(rest)),
            _ => Err(BadPacket),
        }
    }
}

pub(super) fn load(order: &LoadOrder) -> Vec<u8> {
    with_json(LOAD, order)
}

pub(super) fn piece(bytes: &[u8]) -> Vec<u8> {
    [&[PIECE], bytes].concat()
}

pub(super) fn create(order: &CreateOrder) -> Vec<u8> {
    with_json(CREATE, order)
}

pub(super) fn report(report: &Report) -> Vec<u8> {
    with_json(REPORT, report)
}

/// A question with the time that is left for it.
pub(super) fn ask(id: u64, left: Duration, question: &Question) -> Vec<u8> {
    let (number, texts): (u8, [&str; 3]) = match question {
        Question::Permissions { service, user_id, context_json } => (0, [service, user_id, context_json]),
        Question::Event { hook: Hook::NewUser, user_json } => (1, [user_json, "", ""]),
        Question::Event { hook: Hook::UserLogin, user_json } => (2, [user_json, "", ""]),
        Question::Event { hook: Hook::UserLogout, user_json } => (3, [user_json, "", ""]),
        Question::Health => (4, [""; 3]),
        Question::Explain { service, user_id, context_json } => (5, [service, user_id, context_json]),
        Question::Token { token, context_json } => (6, [token, context_json, ""]),
    };
    let mut packet = vec![ASK, number];
    packet.extend(id.to_le_bytes());
    packet.extend(u64::try_from(left.as_micros()).unwrap_or(u64::MAX).to_le_bytes());
    for text in texts {
        put_bytes(&mut packet, text.as_bytes());
    }
    packet
}

pub(super) fn answer(id: u64, answer: &RawAnswer) -> Vec<u8> {
    let (kind, reply): (u8, &[u8]) = match &answer.reply {
        RawReply::None => (0, &[]),
        RawReply::One(bytes) => (1, bytes),
        RawReply::Bad(fault) => (2 + number_of(*fault), &[]),
    };
    let mut packet = vec![ANSWER, kind];
    packet.extend(id.to_le_bytes());
    packet.extend(answer.code.to_le_bytes());
    packet.extend(answer.ttl_seconds.unwrap_or(0).to_le_bytes());
    put_bytes(&mut packet, reply);
    put_bytes(&mut packet, answer.error.as_bytes());
    packet
}

pub(super) fn log(level: i32, message: &str, fields: &str) -> Vec<u8> {
    let mut packet = vec![LOG];
    packet.extend(level.to_le_bytes());
    put_bytes(&mut packet, message.as_bytes());
    put_bytes(&mut packet, fields.as_bytes());
    packet
}

fn parse_ask(mut reader: Reader<'_>) -> Result<ToChild, BadPacket> {
    let [number] = reader.array()?;
    let id = u64::from_le_bytes(reader.array()?);
    let left = Duration::from_micros(u64::from_le_bytes(reader.array()?));
    let texts = [reader.text()?, reader.text()?, reader.text()?];
    let event = |hook, [user_json, ..]: [String; 3]| Question::Event { hook, user_json };
    let question = match number {
        0 => {
            let [service, user_id, context_json] = texts;
            Question::Permissions { service, user_id, context_json: context_json.into() }
        }
        1 => event(Hook::NewUser, texts),
        2 => event(Hook::UserLogin, texts),
        3 => event(Hook::UserLogout, texts),
        4 => Question::Health,
        5 => {
            let [service, user_id, context_json] = texts;
            Question::Explain { service, user_id, context_json: context_json.into() }
        }
        6 => {
            let [token, context_json, ..] = texts;
            Question::Token { token: token.into(), context_json }
        }
        _ => return Err(BadPacket),
    };
    reader.end().map(|()| ToChild::Ask { id, left, question })
}

fn parse_answer(mut reader: Reader<'_>) -> Result<FromChild, BadPacket> {
    let [kind] = reader.array()?;
    let id = u64::from_le_bytes(reader.array()?);
    let code = i32::from_le_bytes(reader.array()?);
    let ttl = u32::from_le_bytes(reader.array()?);
    let bytes = reader.bytes()?;
    let mut reply = RawReply::None;
    match kind {
        0 => {}
        // Counted again on this side: the child may say anything.
        1 => drop(reply.give(bytes)),
        bad => reply = RawReply::Bad(fault_of(bad - 2).ok_or(BadPacket)?),
    }
    let error = crate::text::printable(&reader.text()?);
    let answer = RawAnswer { code, reply, error, ttl_seconds: (ttl > 0).then_some(ttl) };
    reader.end().map(|()| FromChild::Answer { id, answer })
}

fn parse_log(mut reader: Reader<'_>) -> Result<FromChild, BadPacket> {
    let level = i32::from_le_bytes(reader.array()?);
    let (message, fields) = (reader.text()?, reader.text()?);
    let printable = crate::text::printable;
    reader.end().map(|()| FromChild::Log { level, message: printable(&message), fields: printable(&fields) })
}

/// What `RawReply::give` can find wrong; the reader of the reply finds the rest.
fn number_of(fault: BadReply) -> u8 {
    u8::from(fault == BadReply::Several)
}

fn fault_of(number: u8) -> Option<BadReply> {
    [BadReply::TooLarge, BadReply::Several].get(usize::from(number)).copied()
}

fn with_json(kind: u8, message: &impl Serialize) -> Vec<u8> {
    let mut packet = vec![kind];
    // Writing to memory does not fail, and every message is a struct of texts and numbers.
    drop(serde_json::to_writer(&mut packet, message));
    packet
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadPacket> {
    serde_json::from_slice(bytes).map_err(|_| BadPacket)
}

fn put_bytes(packet: &mut Vec<u8>, bytes: &[u8]) {
    packet.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    packet.extend(bytes);
}

/// Takes a packet apart from its front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadPacket> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(BadPacket)?;
        self.0 = rest;
        Ok(*first)
    }

    fn bytes(&mut self) -> Result<&'a [u8], BadPacket> {
        let length = usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| BadPacket)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(BadPacket)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, BadPacket> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| BadPacket)
    }

    fn end(self) -> Result<(), BadPacket> {
        if self.0.is_empty() { Ok(()) } else { Err(BadPacket) }
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
