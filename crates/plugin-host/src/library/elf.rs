//! Is this file a whole library for this machine? The dynamic loader checks much of that too, but a file that was cut short
//! it maps all the same, and the process dies at the first touch of a page that is not there.

use std::env::consts::ARCH;

const MAGIC: &[u8] = b"\x7fELF";
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const TYPE_SHARED: u16 = 3;
const SEGMENT_LOAD: u32 = 1;

/// Checks 64-bit little-endian files, which is what our machines load; leaves any other system to its own loader.
pub(super) fn check(bytes: &[u8]) -> Result<(), &'static str> {
    if cfg!(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))) {
        return Ok(());
    }
    if !bytes.starts_with(MAGIC) {
        return Err("it is not an ELF file");
    }
    if bytes.get(4) != Some(&CLASS_64) || bytes.get(5) != Some(&LITTLE_ENDIAN) {
        return Err("it is made for another kind of machine");
    }
    let header = Header::read(bytes).ok_or("it is cut short")?;
    if header.kind != TYPE_SHARED {
        return Err("it is not a shared library");
    }
    if machine().is_some_and(|machine| machine != header.machine) {
        return Err("it is made for another processor");
    }
    if header.is_whole(bytes) { Ok(()) } else { Err("it is cut short") }
}

/// The number that ELF gives to our processor, where we know it.
fn machine() -> Option<u16> {
    match ARCH {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "riscv64" => Some(243),
        _ => None,
    }
}

/// The members of `Elf64_Ehdr` that say where everything is.
struct Header {
    kind: u16,
    machine: u16,
    segments: Array,
    sections: Array,
}

/// A table inside the file.
struct Array {
    offset: u64,
    entry_size: u16,
    count: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let array = |offset, sizes| {
            let (entry_size, count) = (u16_at(bytes, sizes)?, u16_at(bytes, sizes + 2)?);
            Some(Array { offset: u64_at(bytes, offset)?, entry_size, count })
        };
        Some(Self {
            kind: u16_at(bytes, 16)?,
            machine: u16_at(bytes, 18)?,
            segments: array(32, 54)?,
            sections: array(40, 58)?,
        })
    }

    /// Whether the file reaches to the end of its section table, which linkers put last, and of all that is to be mapped.
    fn is_whole(&self, bytes: &[u8]) -> bool {
        let length = bytes.len() as u64;
        let reaches = |end: Option<u64>| end.is_some_and(|end| end <= length);
        reaches(self.sections.end())
            && reaches(self.segments.end())
            && self.segments.offsets().all(|segment| reaches(mapped_end(bytes, segment)))
    }
}

impl Array {
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.entry_size) * u64::from(self.count))
    }

    fn offsets(&self) -> impl Iterator<Item = u64> {
        (0..u64::from(self.count)).map(|n| self.offset.saturating_add(n * u64::from(self.entry_size)))
    }
}

/// Where in the file a segment ends: `p_offset` and `p_filesz` of an `Elf64_Phdr`, for what is loaded.
fn mapped_end(bytes: &[u8], segment: u64) -> Option<u64> {
    let at = usize::try_from(segment).ok()?;
    let kind = read(bytes, at).map(u32::from_le_bytes)?;
    if kind != SEGMENT_LOAD {
        return Some(0);
    }
    u64_at(bytes, at.checked_add(8)?)?.checked_add(u64_at(bytes, at.checked_add(32)?)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    read(bytes, at).map(u16::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    read(bytes, at).map(u64::from_le_bytes)
}

fn read<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))]
mod tests {
    use super::*;

    /// Our own program: a position-independent executable has the shape of a library.
    fn own_program() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    #[test]
    fn e6_a_file_cut_anywhere_is_refused() {
        let whole = own_program();
        assert_eq!(check(&whole), Ok(()));
        for part in [1, 2, 10, 100, 1_000, whole.len() / 2] {
            assert!(check(&whole[..whole.len() - part]).is_err(), "without the last {part} bytes");
        }
        for kept in 0..200 {
            assert!(check(&whole[..kept]).is_err(), "the first {kept} bytes");
        }
    }

    #[test]
    fn e6_another_machine_is_refused() {
        let mut foreign = own_program();
        foreign[18] ^= 0x40;
        assert_eq!(check(&foreign), Err("it is made for another processor"));
        foreign[4] = 1;
        assert_eq!(check(&foreign), Err("it is made for another kind of machine"));
        assert_eq!(check(b"#!/bin/sh"), Err("it is not an ELF file"));
    }

    #[test]
    fn e6_sizes_that_overflow_are_refused() {
        let mut odd = own_program();
        odd[40..48].fill(0xff);
        assert_eq!(check(&odd), Err("it is cut short"));
    }
}
