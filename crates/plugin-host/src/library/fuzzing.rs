//! The target of the fuzzer for files that are said to be libraries.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use super::elf::check;

/// How far what is read of the header reaches.
const HEADER: usize = 62;

/// A file that is taken for whole has a whole header, and is taken for whole with anything behind it.
pub fn plugin_files(bytes: &[u8]) {
    let elf = [b"\x7fELF\x02\x01".as_slice(), bytes].concat();
    for file in [bytes, &elf] {
        if check(file).is_ok() && cfg!(target_os = "linux") {
            assert!(file.starts_with(b"\x7fELF"));
            assert!(check(&[file, b"more"].concat()).is_ok(), "what is put behind it does no harm");
            let cut = file.get(..HEADER - 1).unwrap_or_default();
            assert!(file.len() >= HEADER && check(cut).is_err());
        }
    }
}
