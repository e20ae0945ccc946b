//! Request framing that hyper accepts and a proxy may read differently: lines that end without a carriage return, and
//! `Content-Length` beside chunks. Two parsers that disagree about the end of a request make request smuggling possible
//! (RFC 9112 section 11.2).

use memchr::memchr;

/// Length of the longest header name that matters, with its colon.
const NAME: usize = "transfer-encoding:".len();

/// Reads the bytes of a connection from head to head, in one pass; bodies are skipped.
pub(crate) struct Framing {
    position: Position,
    /// The beginning of the current line, in lower case.
    start: [u8; NAME + LENGTH_DIGITS],
    length: usize,
    last: u8,
    has_request_line: bool,
    content_length: Option<u64>,
    chunked: bool,
    sound: bool,
}

/// Room for some spaces and every number of 64 bits.
const LENGTH_DIGITS: usize = 24;

/// What the next bytes belong to.
enum Position {
    Head,
    /// A body of which this many bytes are still to come.
    Body(u64),
    /// Anything after a chunked body has begun. It is not read: the connection ends with that body.
    AfterChunks,
}

impl Framing {
    pub(crate) fn new() -> Self {
        Self {
            position: Position::Head,
            start: [0; NAME + LENGTH_DIGITS],
            length: 0,
            last: 0,
            has_request_line: false,
            content_length: None,
            chunked: false,
            sound: true,
        }
    }

    /// Reads the next bytes. False once a request was framed ambiguously.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> bool {
        while self.sound && !bytes.is_empty() {
            bytes = match self.position {
                Position::Head => self.take_line(bytes),
                Position::Body(rest) => self.skip(bytes, rest),
                Position::AfterChunks => return true,
            };
        }
        self.sound
    }

    fn skip<'a>(&mut self, bytes: &'a [u8], rest: u64) -> &'a [u8] {
        let here = usize::try_from(rest).unwrap_or(usize::MAX).min(bytes.len());
        let left = rest - here as u64;
        self.position = if left == 0 { Position::Head } else { Position::Body(left) };
        bytes.get(here..).unwrap_or_default()
    }

    fn take_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            self.remember(bytes);
            return &[];
        };
        self.remember(bytes.get(..end).unwrap_or_default());
        if self.last == b'\r' {
            self.end_line();
        } else {
            self.sound = false;
        }
        (self.length, self.last) = (0, 0);
        bytes.get(end + 1..).unwrap_or_default()
    }

    fn remember(&mut self, piece: &[u8]) {
        self.last = piece.last().copied().unwrap_or(self.last);
        let room = self.start.get_mut(self.length.min(NAME + LENGTH_DIGITS)..).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(piece) {
            *slot = byte.to_ascii_lowercase();
        }
        self.length = self.length.saturating_add(piece.len());
    }

    fn end_line(&mut self) {
        let start = self.start.get(..self.length.min(NAME + LENGTH_DIGITS)).unwrap_or_default();
        let is_whole = self.length <= start.len();
        match start {
            b"\r" if self.has_request_line => self.end_head(),
            // Empty lines before a request are ignored (RFC 9112 section 2.2).
            b"\r" => {}
            _ if start.starts_with(b"transfer-encoding:") => self.chunked = true,
            // Padded so far that its last digits are not in `start`.
            _ if start.starts_with(b"content-length:") && !is_whole => self.sound = false,
            _ if start.starts_with(b"content-length:") => self.content_length = Some(number_in(start)),
            _ => self.has_request_line = true,
        }
    }

    fn end_head(&mut self) {
        self.sound = !(self.chunked && self.content_length.is_some());
        self.position = match self.content_length.take() {
            _ if self.chunked => Position::AfterChunks,
            None | Some(0) => Position::Head,
            Some(length) => Position::Body(length),
        };
        self.has_request_line = false;
    }
}

/// The digits of a `Content-Length`. hyper refuses a value that is not a number.
fn number_in(line: &[u8]) -> u64 {
    let digits = line.iter().skip("content-length:".len()).filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole, byte by byte, and in every two pieces.
    fn is_sound(bytes: &str) -> bool {
        let whole = Framing::new().take(bytes.as_bytes());
        let mut dripping = Framing::new();
        let dripped = bytes.as_bytes().chunks(1).map(|byte| dripping.take(byte)).last();
        assert_eq!(dripped, Some(whole), "{bytes:?}");
        for at in 0..bytes.len() {
            let mut halves = Framing::new();
            halves.take(&bytes.as_bytes()[..at]);
            assert_eq!(halves.take(&bytes.as_bytes()[at..]), whole, "{bytes:?} at {at}");
        }
        whole
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nHost: x\r\ncontent-Length: 12\r\n\r\na=1\nb=2\n\n\nc";

    #[test]
    fn k4_well_formed_requests_are_sound_alone_and_one_after_another() {
        let chunked =
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n";
        assert!(is_sound(&[GET, POST, GET, "\r\n", POST, POST, chunked].concat()));
    }

    #[test]
    fn k4_a_line_without_carriage_return_is_not() {
        assert!(!is_sound("GET / HTTP/1.1\nHost: x\n\n"));
        assert!(!is_sound("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"));
        assert!(!is_sound(&[POST, "GET / HTTP/1.1\r\nHost: x\r\n\n"].concat()), "also behind a body");
        assert!(!is_sound(&[GET, "\n", GET].concat()));
    }

    #[test]
    fn k4_a_length_whose_digits_are_out_of_sight_is_not() {
        // A body that looks like a head, which says that the next request is a body.
        let inner = "GET / HTTP/1.1\r\nContent-Length: 500\r\n\r\n";
        for padding in [" ".repeat(40), "0".repeat(40), format!(" {}", "0".repeat(24))] {
            let request =
                format!("POST / HTTP/1.1\r\nContent-Length:{padding}{}\r\n\r\n{inner}", inner.len());
            assert!(!is_sound(&format!("{request}GET / HTTP/1.1\nHost: x\n\n")), "{request}");
        }
        assert!(is_sound("POST / HTTP/1.1\r\nContent-Length: 00000000000000000003\r\n\r\nabc"));
    }

    #[test]
    fn k4_a_length_beside_chunks_is_not_in_whatever_order() {
        for fields in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "TRANSFER-ENCODING:chunked\r\nA: b\r\nCONTENT-LENGTH:3\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        ] {
            assert!(!is_sound(&format!("POST / HTTP/1.1\r\n{fields}\r\nabc")), "{fields}");
        }
    }
}
