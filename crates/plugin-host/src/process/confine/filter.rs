//! A filter of system calls, as the kernel takes one (seccomp(2)): a program of comparisons over the number of a call and its arguments.

use std::io;

use libc::{c_long, sock_filter, sock_fprog};

/// What becomes of one system call.
pub(super) struct Rule {
    call: c_long,
    answer: Answer,
}

/// What becomes of a call. Of an argument the lower half is looked at, which is all that the kernel takes of a number of 32 bits.
#[derive(Clone)]
pub(super) enum Answer {
    /// `EPERM`.
    Refused,
    /// `ENOSYS`, as of a kernel that is older.
    Unknown,
    /// Refused, unless the argument is one of these.
    OnlyFor { argument: u32, values: Vec<u32> },
    /// Refused, if the argument is one of these.
    NotFor { argument: u32, values: Vec<u32> },
    /// Refused, unless the argument has the flag.
    OnlyWith { argument: u32, flag: u32 },
}

impl Rule {
    pub(super) fn new(call: c_long, answer: Answer) -> Self {
        Self { call, answer }
    }
}

/// `AUDIT_ARCH_*` of the calls whose numbers we know. There are others on the same processor.
#[cfg(target_arch = "x86_64")]
const NATIVE: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const NATIVE: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const NATIVE: Option<u32> = None;

/// Where `struct seccomp_data` has what is compared.
const CALL: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
/// The first number of the x32 calls of x86-64, which would be a way around the rules.
const X32: u32 = 0x4000_0000;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const IS: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IS_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const HAS: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// Puts the filter before this process, for good. The process has given up gaining privileges, and has one thread.
pub(super) fn install(rules: &[Rule]) -> io::Result<()> {
    let native =
        NATIVE.ok_or_else(|| io::Error::other("its system calls are not known on this processor"))?;
    let mut program = program(native, rules);
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the program, whose length is right.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn program(native: u32, rules: &[Rule]) -> Vec<sock_filter> {
    let mut program = vec![step(LOAD, ARCHITECTURE, 0, 0), step(IS, native, 1, 0), refuse(libc::EPERM)];
    program.push(step(LOAD, CALL, 0, 0));
    program.extend([step(IS_AT_LEAST, X32, 0, 1), refuse(libc::ENOSYS)]);
    for Rule { call, answer } in rules {
        let body = body(answer);
        let number = u32::try_from(*call).unwrap_or(u32::MAX);
        program.push(step(IS, number, 0, u8::try_from(body.len()).unwrap_or(u8::MAX)));
        program.extend(body);
    }
    program.push(allow());
    program
}

/// Comes to an end in each case.
fn body(answer: &Answer) -> Vec<sock_filter> {
    match answer {
        Answer::Refused => vec![refuse(libc::EPERM)],
        Answer::Unknown => vec![refuse(libc::ENOSYS)],
        Answer::OnlyFor { argument, values } => {
            compare(IS, *argument, values, [refuse(libc::EPERM), allow()])
        }
        Answer::NotFor { argument, values } => compare(IS, *argument, values, [allow(), refuse(libc::EPERM)]),
        Answer::OnlyWith { argument, flag } => {
            compare(HAS, *argument, &[*flag], [refuse(libc::EPERM), allow()])
        }
    }
}

/// Comes to the second end if a comparison holds, else to the first.
fn compare(how: u32, argument: u32, values: &[u32], ends: [sock_filter; 2]) -> Vec<sock_filter> {
    let mut steps = vec![step(LOAD, ARGUMENTS + 8 * argument, 0, 0)];
    // How many steps lie between a comparison and the second end: those that come, and the first end.
    let distances = (1..=u8::try_from(values.len()).unwrap_or(u8::MAX)).rev();
    steps.extend(values.iter().zip(distances).map(|(value, distance)| step(how, *value, distance, 0)));
    steps.extend(ends);
    steps
}

fn allow() -> sock_filter {
    step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0)
}

fn refuse(error: i32) -> sock_filter {
    step(RETURN, libc::SECCOMP_RET_ERRNO | error.unsigned_abs(), 0, 0)
}

/// One instruction: how many are to be skipped if it holds, and if it does not.
fn step(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}
