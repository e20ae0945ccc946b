//! The handlers of fatal signals.

use std::mem;
use std::ptr;
use std::sync::OnceLock;

use libc::{c_int, c_void, siginfo_t};

use super::line::Line;
use super::{code, is_our_process, note, wait_for_the_others};
use crate::signal::name_of;

const FATAL: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// What was there before us: the standard library's handler for the overflow of a stack, and nothing else.
static EARLIER: OnceLock<[libc::sigaction; FATAL.len()]> = OnceLock::new();

pub(super) fn install() {
    EARLIER.get_or_init(|| FATAL.map(present));
    for signal in FATAL {
        if present(signal).sa_sigaction != libc::SIG_IGN {
            let handler: unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
            // On the alternate stack, if the thread has one: it may be the stack that is at its end.
            set(signal, handler as usize, libc::SA_SIGINFO | libc::SA_ONSTACK);
        }
    }
}

fn present(signal: c_int) -> libc::sigaction {
    // SAFETY: of numbers and nullable pointers, for which zero is a value.
    let mut present: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: a question.
    unsafe { libc::sigaction(signal, ptr::null(), &raw mut present) };
    present
}

fn set(signal: c_int, handler: usize, flags: c_int) {
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the handler is of the kind that the flags say, or the default.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// # Safety
/// Called by the system for a signal.
unsafe extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // The standard library's says that a stack has overflowed and aborts, which comes back here; or it does nothing.
    // SAFETY: the arguments are those that the earlier handler would have had.
    unsafe { call_earlier(signal, info, context) };
    if is_our_process() {
        wait_for_the_others();
        // SAFETY: the system's context of this signal.
        unsafe { report(signal, context) };
    }
    // The signal is blocked until this returns; then it ends the process, which has its status from it.
    set(signal, libc::SIG_DFL, 0);
    // SAFETY: no preconditions.
    unsafe { libc::raise(signal) };
}

/// # Safety
/// The arguments are those of a handler.
unsafe fn call_earlier(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let known = FATAL.iter().zip(EARLIER.get().into_iter().flatten());
    let Some((_, earlier)) = known.into_iter().find(|(fatal, _)| **fatal == signal) else { return };
    let handler = earlier.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    if earlier.sa_flags & libc::SA_SIGINFO == 0 {
        // SAFETY: without the flag a handler is of this type.
        let handler = unsafe { mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
        handler(signal);
    } else {
        type Handler = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
        // SAFETY: with the flag it is of this.
        unsafe { mem::transmute::<usize, Handler>(handler)(signal, info, context) };
    }
}

/// # Safety
/// The context is that of the signal.
unsafe fn report(signal: c_int, context: *mut c_void) {
    let mut line = Line::new();
    line.push("vestibule: fatal signal ");
    line.push(name_of(signal).unwrap_or("of unknown kind"));
    // SAFETY: as the caller says.
    let place = unsafe { FaultAddress::of(context) };
    if let Some(note) = note() {
        line.push(" in plugin ");
        line.push_note(note);
    } else if let Some(site) = code::find(place.code) {
        line.push(" in plugin ");
        line.push_site(site, "on a thread of its own");
    } else if let Some(site) = place.find_on_stack() {
        line.push(" near plugin ");
        line.push_site(site, "its code is on the stack of the thread");
    } else {
        line.push(" outside of any plugin");
    }
    line.write();
}

/// Where a thread was when it got a signal; zeros where that is not known.
#[derive(Default)]
struct FaultAddress {
    code: usize,
    stack: usize,
}

/// How much of a stack is looked through.
const STACK_WORDS: usize = 4096;
const WORD: usize = size_of::<usize>();

impl FaultAddress {
    /// # Safety
    /// The context is that of a signal.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    unsafe fn of(context: *mut c_void) -> Self {
        // SAFETY: the system passes such a context to handlers that ask for information.
        let Some(context) = (unsafe { context.cast::<libc::ucontext_t>().as_ref() }) else {
            return Self::default();
        };
        let register = |number: c_int| {
            let value = usize::try_from(number).ok().and_then(|number| context.uc_mcontext.gregs.get(number));
            value.map_or(0, |value| usize::from_ne_bytes(value.to_ne_bytes()))
        };
        Self { code: register(libc::REG_RIP), stack: register(libc::REG_RSP) }
    }

    /// # Safety
    /// The context is that of a signal.
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    unsafe fn of(context: *mut c_void) -> Self {
        // SAFETY: the system passes such a context to handlers that ask for information.
        let Some(context) = (unsafe { context.cast::<libc::ucontext_t>().as_ref() }) else {
            return Self::default();
        };
        let address = |register: u64| usize::from_ne_bytes(register.to_ne_bytes());
        Self { code: address(context.uc_mcontext.pc), stack: address(context.uc_mcontext.sp) }
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    unsafe fn of(_context: *mut c_void) -> Self {
        Self::default()
    }

    /// Looks for an address of plugin code on the stack: the fault may lie in a function of the system that a plugin has
    /// called, such as `abort` or `memcpy`.
    fn find_on_stack(&self) -> Option<&'static super::Site> {
        if self.stack == 0 {
            return None;
        }
        let words = (0..STACK_WORDS).map_while(|number| read_word(self.stack + number * WORD));
        words.into_iter().find_map(code::find)
    }
}

/// Reads through the system, which says no where a dereference would be the next fault.
#[cfg(target_os = "linux")]
fn read_word(address: usize) -> Option<usize> {
    let mut word = 0_usize;
    let here = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: WORD };
    let there = libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: WORD };
    // SAFETY: writes one word into `word`, or nothing.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const here, 1, &raw const there, 1, 0) };
    (usize::try_from(read) == Ok(WORD)).then_some(word)
}

#[cfg(not(target_os = "linux"))]
fn read_word(_address: usize) -> Option<usize> {
    None
}
