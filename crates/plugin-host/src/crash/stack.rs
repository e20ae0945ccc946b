//! Room for signal handlers on threads that run plugin code. A thread that has overflowed its stack has none left there, and
//! what the standard library sets aside holds the frame of one signal but not always of two: its message about the overflow
//! is followed by `abort`, whose handler writes the last line.

use std::ptr;

use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, SS_DISABLE, c_void};

const BYTES: usize = 64 * 1024;
/// At least a page on any machine: a handler that needs more than the room must not write into other memory.
const GUARD: usize = 64 * 1024;

thread_local! {
    static STACK: Option<AlternateStack> = AlternateStack::install();
}

/// Makes sure that this thread has the room. Without it there may be no last line, and nothing else is different.
pub(super) fn prepare() {
    // At the end of a thread it is gone, and so is nearly all that could go wrong.
    STACK.try_with(|_| ()).unwrap_or_default();
}

struct AlternateStack(*mut c_void);

impl AlternateStack {
    fn install() -> Option<Self> {
        // SAFETY: new memory, at no particular place.
        let memory = unsafe {
            let access = PROT_READ | PROT_WRITE;
            libc::mmap(ptr::null_mut(), GUARD + BYTES, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        };
        if memory == MAP_FAILED {
            return None;
        }
        let stack = Self(memory);
        let alternate = libc::stack_t { ss_sp: stack.bottom(), ss_flags: 0, ss_size: BYTES };
        // SAFETY: the memory is ours, and no handler runs on this thread.
        let done = unsafe {
            libc::mprotect(memory, GUARD, PROT_NONE) == 0
                && libc::sigaltstack(&raw const alternate, ptr::null_mut()) == 0
        };
        done.then_some(stack)
    }

    /// Stacks grow towards the guard.
    fn bottom(&self) -> *mut c_void {
        self.0.wrapping_byte_add(GUARD)
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let mut present = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: SS_DISABLE, ss_size: BYTES };
        let none = present;
        // SAFETY: a question; then, only if the memory is what is in use, it is taken out of use before it goes.
        unsafe {
            if libc::sigaltstack(ptr::null(), &raw mut present) == 0 && present.ss_sp == self.bottom() {
                libc::sigaltstack(&raw const none, ptr::null_mut());
            }
            libc::munmap(self.0, GUARD + BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn present() -> libc::stack_t {
        let mut present = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: SS_DISABLE, ss_size: 0 };
        // SAFETY: a question.
        assert_eq!(unsafe { libc::sigaltstack(ptr::null(), &raw mut present) }, 0);
        present
    }

    #[test]
    fn a_thread_that_runs_plugin_code_has_room_for_two_handlers() {
        let check = || {
            prepare();
            let present = present();
            assert_eq!((present.ss_flags, present.ss_size), (0, BYTES));
        };
        thread::spawn(check).join().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        crate::pool::start_thread("test", 0, move || {
            check();
            sender.send(()).unwrap();
        })
        .unwrap();
        receiver.recv().expect("the thread has the room");
    }
}
