//! Cuts what a process prints into lines that are short enough for a log.

/// The longest line that is kept whole, in bytes.
pub(super) const MAX_LINE: usize = 2 * 1024;

/// The beginning of a line whose end has not come yet.
#[derive(Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    is_cut: bool,
}

impl Lines {
    /// Takes more text and passes on the lines that it completes. Empty lines are left out.
    pub(super) fn push(&mut self, text: &[u8], mut pass_on: impl FnMut(&str)) {
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = MAX_LINE.saturating_sub(self.begun.len());
            self.begun.extend(text.iter().take(room));
            self.is_cut |= text.len() > room;
            if is_whole {
                self.finish(&mut pass_on);
            }
        }
    }

    /// Passes on the line that has begun.
    pub(super) fn finish(&mut self, mut pass_on: impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.begun);
        let line = line.trim_end();
        if self.is_cut {
            pass_on(&format!("{line} (cut)"));
        } else if !line.is_empty() {
            pass_on(line);
        }
        self.begun.clear();
        self.is_cut = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(parts: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut passed_on) = (Lines::default(), Vec::new());
        for part in parts {
            lines.push(part, |line| passed_on.push(line.to_owned()));
        }
        lines.finish(|line| passed_on.push(line.to_owned()));
        passed_on
    }

    #[test]
    fn lines_are_put_together_from_parts_and_bad_text_is_mended() {
        assert_eq!(lines_of(&[b"a", b"b\nc\r\n\n", b"d\xff"]), ["ab", "c", "d\u{fffd}"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_says_so() {
        let whole = "x".repeat(MAX_LINE);
        assert_eq!(lines_of(&[whole.as_bytes(), b"\ny"]), [whole.as_str(), "y"]);
        assert_eq!(lines_of(&[whole.as_bytes(), b"zz", b"z\ny"]), [format!("{whole} (cut)"), "y".to_owned()]);
    }
}
