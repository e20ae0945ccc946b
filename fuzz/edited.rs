//! For targets whose good inputs nobody can guess: what the fuzzer gives says how a good one is changed.

/// The text with every change that `bytes` describes, three of them for each: where, and what takes the place of the byte there.
pub(crate) fn edited(good: &[u8], bytes: &[u8]) -> Vec<u8> {
    const REMOVE: u8 = 0xff;
    const CUT: u8 = 0xfe;
    const REPEAT: u8 = 0xfd;
    /// Longer than anything that is read; repetitions double.
    const LONG: usize = 64 * 1024;
    let mut text = good.to_vec();
    for change in bytes.chunks_exact(3) {
        let [high, low, what] = change else { break };
        let Some(at) = usize::from(u16::from_be_bytes([*high, *low])).checked_rem(text.len()) else { break };
        match *what {
            REMOVE => drop(text.remove(at)),
            CUT => text.truncate(at),
            REPEAT if text.len() < LONG => text.extend_from_within(at..),
            REPEAT => {}
            other => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = other;
                }
            }
        }
    }
    text
}
