//! A gzip file that is much larger inside than outside.

use flate2::{Compress, Compression, Crc, FlushCompress};

const MEBIBYTE: usize = 1024 * 1024;

/// A fixed header of RFC 1952: deflate, no name, no time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// An empty last block of RFC 1951.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// So many mebibytes of spaces, packed. One mebibyte is compressed and repeated: a full flush makes the block
/// independent of what came before it and end at a byte, so copies of it can stand in a row.
pub(super) fn spaces(mebibytes: usize) -> Vec<u8> {
    let plain = vec![b' '; MEBIBYTE];
    let block = compress(&plain);
    let mut checksum = Crc::new();
    let mut once = Crc::new();
    once.update(&plain);

    let mut file = HEADER.to_vec();
    for _ in 0..mebibytes {
        file.extend_from_slice(&block);
        checksum.combine(&once);
    }
    file.extend_from_slice(&LAST_BLOCK);
    file.extend_from_slice(&checksum.sum().to_le_bytes());
    file.extend_from_slice(&checksum.amount().to_le_bytes());
    file
}

fn compress(plain: &[u8]) -> Vec<u8> {
    // Room for the worst case, because `compress_vec` does not grow its output.
    let mut block = Vec::with_capacity(plain.len() + 1024);
    let packed =
        Compress::new(Compression::best(), false).compress_vec(plain, &mut block, FlushCompress::Full);
    debug_assert!(packed.is_ok(), "compression into a large enough buffer succeeds");
    block
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn it_is_a_good_gzip_file_of_that_size() {
        let file = spaces(3);
        assert!(file.len() < 20_000, "{}", file.len());
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(file.as_slice()).read_to_end(&mut plain).unwrap();
        assert_eq!(plain.len(), 3 * MEBIBYTE);
    }
}
