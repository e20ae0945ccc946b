//! One line of text, made and written without anything that a signal handler must not do.

use super::{Note, Site};

/// Less than a pipe takes in one piece.
const CAPACITY: usize = 1024;
/// How long the end is put off for a reader that takes nothing.
const PATIENCE_MILLIS: libc::c_int = 200;

/// What is cut when the line becomes too long is its end.
pub(super) struct Line {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { bytes: [0; CAPACITY], length: 0 }
    }

    pub(super) fn push(&mut self, text: &str) {
        // One byte is for the end of the line.
        for (place, byte) in self.bytes.iter_mut().take(CAPACITY - 1).skip(self.length).zip(text.bytes()) {
            *place = byte;
            self.length += 1;
        }
    }

    pub(super) fn push_note(&mut self, note: &Note) {
        self.push_site(note.site, note.operation);
    }

    /// `"acl" (get_permissions, /plugins/libacl.so, sha256 9f2c...)`
    pub(super) fn push_site(&mut self, site: &Site, doing: &str) {
        for part in [&site.name, " (", doing, ", ", &site.origin, ")"] {
            self.push(part);
        }
    }

    /// Writes it to standard error, in one piece, unless it would block: a process that is to end must not wait for whatever
    /// reads that.
    pub(super) fn write(mut self) {
        if let Some(end) = self.bytes.get_mut(self.length) {
            *end = b'\n';
            self.length += 1;
        }
        let mut error = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
        // SAFETY: one such structure is there.
        if unsafe { libc::poll(&raw mut error, 1, PATIENCE_MILLIS) } == 0 {
            return;
        }
        // SAFETY: so many bytes are there. A failure cannot be reported any further.
        unsafe { libc::write(libc::STDERR_FILENO, self.bytes.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_cut_and_still_ends() {
        let mut line = Line::new();
        for _ in 0..100 {
            line.push("0123456789abcdef");
        }
        assert_eq!(line.length, CAPACITY - 1);
    }
}
