//! Cuts what a worker prints into lines that are short enough for a log.

/// The longest line that is kept whole.
pub(super) const MAX_LINE: usize = 2 * 1024;

/// The beginning of a line whose end has not come yet.
#[derive(Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    too_long: bool,
}

impl Lines {
    /// Takes more text and gives the lines that it completes. Empty lines are left out.
    pub(super) fn push(&mut self, text: &[u8], mut give: impl FnMut(&str)) {
        let mut parts = text.split(|byte| *byte == b'\n');
        if let Some(rest) = parts.next() {
            self.extend(rest);
        }
        for part in parts {
            self.finish(&mut give);
            self.extend(part);
        }
    }

    /// Gives the line that has begun.
    pub(super) fn finish(&mut self, mut give: impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.begun);
        let line = line.trim_end();
        if self.too_long {
            give(&format!("{line} (cut)"));
        } else if !line.is_empty() {
            give(line);
        }
        self.begun.clear();
        self.too_long = false;
    }

    fn extend(&mut self, part: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.begun.len());
        self.begun.extend(part.iter().take(room));
        self.too_long |= part.len() > room;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(parts: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut given) = (Lines::default(), Vec::new());
        for part in parts {
            lines.push(part, |line| given.push(line.to_owned()));
        }
        lines.finish(|line| given.push(line.to_owned()));
        given
    }

    #[test]
    fn lines_are_put_together_from_parts() {
        assert_eq!(lines_of(&[b"a", b"b\nc\r\n\n", b"d"]), ["ab", "c", "d"]);
        assert_eq!(
            lines_of(&["gr\u{fc}n".as_bytes().get(..3).unwrap(), b"\xbcn\n\xff"]),
            ["gr\u{fc}n", "\u{fffd}"]
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_said_to_be_cut() {
        let whole = "x".repeat(MAX_LINE);
        assert_eq!(lines_of(&[whole.as_bytes(), b"\ny"]), [whole.as_str(), "y"]);
        assert_eq!(lines_of(&[whole.as_bytes(), b"zz", b"z\ny"]), [format!("{whole} (cut)"), "y".to_owned()]);
    }
}
