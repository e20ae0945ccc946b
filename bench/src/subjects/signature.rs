//! What one RSA signature costs when nothing is around it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;

use crate::failure::{Outcome, While};

use super::{ourselves, start_and_read_line};

/// As long as the words of a permission token.
const MESSAGE: [u8; 500] = [b'a'; 500];

/// Signs for so long on one thread of a process of its own; how many signatures, and the processor time in seconds.
pub(crate) fn measure(duration: Duration) -> Outcome<(f64, f64)> {
    let milliseconds = duration.as_millis().to_string();
    let (_process, line) = start_and_read_line(ourselves(&["sign", &milliseconds])?)?;
    let (count, seconds) = line.split_once(' ').doing("two figures")?;
    Ok((count.parse().doing("a count")?, seconds.parse().doing("seconds")?))
}

/// Signs, and prints how often it did and how long that took.
pub(crate) fn sign(duration: Duration) -> Outcome<()> {
    let pair = KeyPair::generate(KeySize::Rsa2048).doing("a key")?;
    let random = SystemRandom::new();
    let mut signature = vec![0; pair.public_modulus_len()];
    let processor = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (started, before) = (Instant::now(), processor());
    let mut count = 0_u64;
    while started.elapsed() < duration {
        pair.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature).doing("a signature")?;
        black_box(&signature);
        count += 1;
    }
    let used = seconds(processor()) - seconds(before);
    println!("{count} {used}");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "seconds of one thread")]
fn seconds(time: rustix::time::Timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
