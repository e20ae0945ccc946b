//! Texts of plugins, made fit for a log.

use std::slice;

use vestibule_plugin_abi::Str;

use crate::secret;

/// The longest text of a plugin that we keep.
pub(crate) const MAX_BYTES: usize = 4 * 1024;

/// Copies a text that a plugin lends: at most [`MAX_BYTES`], the secret of the operation hidden, control characters escaped, bad
/// UTF-8 replaced.
///
/// # Safety
/// Unless null, `text` points at as many bytes as it says, which nothing writes to meanwhile.
pub(crate) unsafe fn copy_printable(text: Str) -> String {
    if text.ptr.is_null() || text.len == 0 {
        return String::new();
    }
    // A secret that begins in what is kept is read to its end, so that no part of it is left.
    let read = text.len.min(MAX_BYTES + secret::length());
    // SAFETY: not null, and no longer than the text.
    let bytes = unsafe { slice::from_raw_parts(text.ptr, read) };
    let whole = String::from_utf8_lossy(bytes);
    let hidden = secret::hide(&whole);
    let kept = beginning(&hidden);
    let mut copy = printable(kept);
    if read < text.len || kept.len() < hidden.len() {
        copy.push_str(" (cut)");
    }
    copy
}

/// As much of a text as is kept.
fn beginning(text: &str) -> &str {
    let end = (0..=MAX_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end.min(text.len())).unwrap_or(text)
}

/// Escapes whatever could forge a line of the log or change how it is read.
pub fn printable(text: &str) -> String {
    let mut copy = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            copy.extend(c.escape_default());
        } else {
            copy.push(c);
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_forge_a_line_of_the_log() {
        assert_eq!(printable("a\r\nINFO ok\u{1b}[31m\u{202e}ä"), "a\\r\\nINFO ok\\u{1b}[31m\\u{202e}ä");
    }

    #[test]
    fn h11_no_part_of_a_secret_is_left_where_a_text_is_cut() {
        let _held = secret::hold(&"hunter2".repeat(500));
        for before in [0, 10, MAX_BYTES - 10, MAX_BYTES - 1, MAX_BYTES] {
            let text = format!("{}{}.", "x".repeat(before), "hunter2".repeat(500));
            // SAFETY: the text is whole.
            let copy = unsafe { copy_printable(Str::new(&text)) };
            assert!(!copy.contains("hun"), "{before}: {copy}");
        }
    }

    #[test]
    fn e7_a_long_or_broken_text_is_cut_and_mended() {
        let long = "x".repeat(MAX_BYTES + 1);
        // SAFETY: the texts are whole.
        unsafe {
            assert_eq!(copy_printable(Str::new(&long)).len(), MAX_BYTES + " (cut)".len());
            let broken = b"a\xffb";
            assert_eq!(copy_printable(Str { ptr: broken.as_ptr(), len: 3 }), "a\u{fffd}b");
            assert_eq!(copy_printable(Str { ptr: std::ptr::null(), len: 50_000_000 }), "");
        }
    }
}
