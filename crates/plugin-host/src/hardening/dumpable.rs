//! The *dumpable* attribute of this process (prctl(2)): whether others of its user may look into it.

use std::io;

use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

pub(super) fn disable() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

pub(super) fn require_not_dumpable() -> io::Result<()> {
    if dumpable_behavior()? == DumpableBehavior::Dumpable {
        return Err(io::Error::other("other processes of this user could look into this one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In one test, since it is about the whole process.
    #[test]
    fn n5_a_process_that_others_may_look_into_is_known_and_can_be_closed() {
        set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
        assert!(require_not_dumpable().unwrap_err().to_string().contains("look into this one"));
        disable().unwrap();
        require_not_dumpable().unwrap();
    }
}
