//! Every fault, and what comes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use crate::authorize::plugins::PluginFolder;

/// Where the code of a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    Thread,
    Process,
    Inline,
}

/// How a plugin comes to have a fault.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// By this word in the configuration of `faulty-plugin`.
    Rust(&'static str),
    /// From `turns.c`, which has the fault for some users, with this option.
    Turns(&'static str),
    /// From `variant.c`, with this option.
    Variant(&'static str),
    /// By what is done to a good library; false: that cannot be done here.
    Spoilt(fn(&PluginFolder, &str) -> bool),
}

/// What comes of a fault.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// The service does not start, and says which file and this reason.
    Refused(&'static str),
    /// The call is answered 503 with this `Retry-After` and counted under this word; the next call is answered.
    Fails(&'static str, &'static str),
    /// The service ends, its last line begins like this, and it can be started again.
    Ends(&'static str),
    /// Every call is answered, and the service ends well when it is told to.
    Harmless,
    /// It is not tried, for this reason.
    NotTried(&'static str),
}

use Made::{Rust, Spoilt, Turns, Variant};
use Outcome::{Ends, Fails, Harmless, NotTried, Refused};

/// One way to fail.
pub(super) struct Fault {
    /// The service, the alias of the instance and, for plugins in C, the plugin.
    pub(super) name: &'static str,
    pub(super) made: Made,
    thread: Outcome,
    process: Outcome,
    inline: Outcome,
}

const LATE: Outcome = Fails("2", "timeout");
const CRASHED: Outcome = Fails("2", "crashed");
const PANIC: Outcome = Fails("30", "panic");
const BAD: Outcome = Fails("30", "bad_answer");
const FAILED: Outcome = Fails("30", "failed");
const SEGV: Outcome = Ends("fatal signal SIGSEGV");
const ABRT: Outcome = Ends("fatal signal SIGABRT");
const EXIT: Outcome = Ends("exit called");
const CUT: Outcome = Refused("while it ended the instance: signal SIGSEGV");
const FOR_EVER: Outcome = NotTried("nothing bounds a call on the thread of the request");
const HURTS: Outcome = NotTried("nothing bounds what the service itself takes: the machine would suffer");

/// Every line that says one outcome has it under every isolation.
pub(super) const FAULTS: &[Fault] = &[
    // In a call: what comes of it on a thread, in a process, inline
    differs("sleeps", Rust("sleep"), LATE, LATE, FOR_EVER),
    differs("spins", Turns("SPIN"), LATE, LATE, FOR_EVER),
    differs("takes-all-memory", Turns("MEMORY"), HURTS, FAILED, HURTS),
    differs("starts-threads", Turns("THREADS"), HURTS, FAILED, HURTS),
    differs("follows-a-bad-pointer", Turns("SEGFAULT"), SEGV, CRASHED, SEGV),
    differs("aborts", Rust("abort"), ABRT, CRASHED, ABRT),
    differs("overflows-its-stack", Turns("OVERFLOW"), ABRT, CRASHED, ABRT),
    differs("exits", Turns("EXIT"), EXIT, CRASHED, EXIT),
    same("panics-in-a-call", Rust("panic-in-call"), PANIC),
    same("gives-up", Rust("fatal"), FAILED),
    same("asks-to-try-later", Rust("retry"), Fails("2", "retry")),
    same("does-not-reply", Rust("no-reply"), BAD),
    same("replies-twice", Rust("two-replies"), BAD),
    same("is-not-json", Rust("not-json"), BAD),
    same("is-not-utf-8", Rust("not-utf8"), BAD),
    same("is-not-an-object", Rust("not-an-object"), BAD),
    same("is-one-mebibyte", Rust("too-big"), BAD),
    same("is-too-deep", Rust("too-deep"), BAD),
    same("has-an-unknown-code", Rust("unknown-code"), BAD),
    // At the start and at the end
    same("panics-in-create", Rust("panic-in-create"), Refused("panicked while starting")),
    same("panics-in-destroy", Rust("panic-in-destroy"), Harmless),
    same("crashes-in-create", Turns("CRASH_IN_CREATE"), Refused("while it made an instance: signal SIGSEGV")),
    same("exits-in-create", Turns("EXIT_IN_CREATE"), Refused("while it made an instance: exit status 70")),
    differs("crashes-in-destroy", Turns("CRASH_IN_DESTROY"), CUT, Harmless, CUT),
    // In the library
    same("has-another-major", Variant("MAJOR=2"), Refused("version 2.0 of the plugin ABI")),
    same("has-a-later-minor", Variant("MINOR=99"), Refused("version 1.99 of the plugin ABI")),
    same("has-a-short-table", Variant("SIZE=80"), Refused("too small")),
    same("has-no-entry", Variant("SYMBOL=another_name"), Refused("does not export vestibule_plugin_v1")),
    same("lacks-a-symbol", Variant("UNRESOLVED"), Refused("undefined symbol: absent")),
    // In the file
    same("is-cut-short", Spoilt(cut), Refused("is not a library that can be loaded")),
    same("is-a-link", Spoilt(link), Refused("is a symbolic link")),
    same("others-may-write", Spoilt(open_file), Refused("may be written by its group or by everybody")),
    same("folder-is-open", Spoilt(open_folder), Refused("is in a folder where others may change files")),
    same("is-another-s", Spoilt(give_away), Refused("belongs to the user 12345")),
    same("folder-is-another-s", Spoilt(give_folder_away), Refused("is in a folder of the user 12345")),
];

const fn differs(
    name: &'static str,
    made: Made,
    thread: Outcome,
    process: Outcome,
    inline: Outcome,
) -> Fault {
    Fault { name, made, thread, process, inline }
}

const fn same(name: &'static str, made: Made, outcome: Outcome) -> Fault {
    differs(name, made, outcome, outcome, outcome)
}

impl Fault {
    pub(super) fn outcome(&self, isolation: Isolation) -> Outcome {
        match isolation {
            Isolation::Thread => self.thread,
            Isolation::Process => self.process,
            Isolation::Inline => self.inline,
        }
    }
}

impl Isolation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Inline => "inline",
        }
    }
}

fn cut(folder: &PluginFolder, name: &str) -> bool {
    let whole = fs::read(folder.file(name)).unwrap();
    folder.write(name, &whole[..whole.len() / 2]);
    true
}

fn link(folder: &PluginFolder, name: &str) -> bool {
    fs::rename(folder.file(name), folder.file("real")).unwrap();
    symlink(folder.file("real"), folder.file(name)).unwrap();
    true
}

fn open_file(folder: &PluginFolder, name: &str) -> bool {
    folder.set_mode(name, 0o777);
    true
}

fn open_folder(folder: &PluginFolder, _name: &str) -> bool {
    fs::set_permissions(folder.directory(), fs::Permissions::from_mode(0o777)).unwrap();
    true
}

/// Only root can give a file away.
fn give_away(folder: &PluginFolder, name: &str) -> bool {
    chown(folder.file(name), Some(12_345), None).is_ok()
}

fn give_folder_away(folder: &PluginFolder, _name: &str) -> bool {
    chown(folder.directory(), Some(12_345), None).is_ok()
}

#[test]
fn the_reasons_for_what_is_not_tried_are_given() {
    let mut reasons = 0;
    for fault in FAULTS {
        for isolation in [Isolation::Thread, Isolation::Process, Isolation::Inline] {
            if let NotTried(reason) = fault.outcome(isolation) {
                assert!(isolation != Isolation::Process && !reason.is_empty(), "{}", fault.name);
                reasons += 1;
            }
        }
    }
    assert_eq!(reasons, 6, "four faults, where nothing bounds them");
}
