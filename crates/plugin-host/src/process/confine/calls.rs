//! Which system calls a child gives up, for itself and for whatever it executes.
//!
//! Nothing here is about files or the network: those are for the user that the service runs as, and for what is around it.

use std::io;

use libc::c_long;

use super::Sandbox;
use super::filter::{self, Answer, Rule};

pub(super) fn restrict(sandbox: Sandbox) -> io::Result<()> {
    let own = std::process::id();
    let mut rules = to_others(own);
    rules.extend(at_a_terminal());
    // A namespace of its own would give it all capabilities there, and with them more of the kernel.
    rules.extend(all(&[libc::SYS_unshare, libc::SYS_setns], &Answer::Refused));
    if sandbox == Sandbox::NoProcesses {
        // It ends with the service, whatever it would rather.
        let keeps_living =
            Answer::NotFor { argument: 0, values: vec![libc::PR_SET_PDEATHSIG.unsigned_abs()] };
        rules.push(Rule::new(libc::SYS_prctl, keeps_living));
        rules.extend(to_start_processes());
        rules.extend(to_send_signals(own));
    }
    filter::install(&rules)
}

/// To look into other processes, and to change what they may take.
fn to_others(own: u32) -> Vec<Rule> {
    let refused = [
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
    ];
    let mut rules = all(&refused, &Answer::Refused);
    rules.push(Rule::new(libc::SYS_prlimit64, Answer::OnlyFor { argument: 0, values: vec![0, own] }));
    rules
}

/// To type at the terminal that the service was started from (`TIOCSTI`, `TIOCLINUX`), and to have the kernel send a signal to whom
/// a socket is said to belong.
fn at_a_terminal() -> Vec<Rule> {
    const TIOCLINUX: u32 = 0x541C;
    const TIOCSTI: u32 = 0x5412;
    const FIOSETOWN: u32 = 0x8901;
    const SIOCSPGRP: u32 = 0x8902;
    let values = vec![TIOCLINUX, TIOCSTI, FIOSETOWN, SIOCSPGRP];
    vec![Rule::new(libc::SYS_ioctl, Answer::NotFor { argument: 1, values })]
}

/// A thread is started by the same calls. Of a new one the arguments are not to be seen, so it is not there: the C library takes the other.
fn to_start_processes() -> Vec<Rule> {
    #[cfg(target_arch = "x86_64")]
    let mut rules = all(&[libc::SYS_fork, libc::SYS_vfork], &Answer::Refused);
    #[cfg(not(target_arch = "x86_64"))]
    let mut rules = Vec::new();
    let is_thread = libc::CLONE_THREAD.unsigned_abs();
    rules.push(Rule::new(libc::SYS_clone, Answer::OnlyWith { argument: 0, flag: is_thread }));
    rules.push(Rule::new(libc::SYS_clone3, Answer::Unknown));
    rules
}

/// INVARIANT: the process starts no other, so its number is its own for good.
fn to_send_signals(own: u32) -> Vec<Rule> {
    let to_itself =
        [libc::SYS_kill, libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo];
    let mut rules = all(&to_itself, &Answer::OnlyFor { argument: 0, values: vec![own] });
    rules.extend(all(&[libc::SYS_tkill, libc::SYS_pidfd_send_signal], &Answer::Refused));
    let owners = [libc::F_SETOWN, F_SETSIG, F_SETOWN_EX].map(i32::unsigned_abs).to_vec();
    rules.push(Rule::new(libc::SYS_fcntl, Answer::NotFor { argument: 1, values: owners }));
    rules
}

const F_SETSIG: libc::c_int = 10;
const F_SETOWN_EX: libc::c_int = 15;

fn all(calls: &[c_long], answer: &Answer) -> Vec<Rule> {
    calls.iter().map(|call| Rule::new(*call, answer.clone())).collect()
}
