//! Groups whose only member is our own user.
//!
//! What the system's own files say counts. A directory service that adds people to a group of this process is not asked.

use std::collections::HashSet;
use std::fs;

use crate::{ROOT, our_user};

/// Whether our user is in this group, and no other user but root is.
pub(crate) fn is_ours_alone(group: u32) -> bool {
    if !is_ours(group) {
        return false;
    }
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    has_nobody_else(group, our_user(), &read("/etc/passwd"), &read("/etc/group"))
}

fn is_ours(group: u32) -> bool {
    let ours = rustix::process::getegid().as_raw() == group;
    ours || rustix::process::getgroups().is_ok_and(|groups| groups.iter().any(|ours| ours.as_raw() == group))
}

/// By the texts of passwd(5) and group(5): whether neither the first group of another user is this one, nor another user is
/// listed in it.
fn has_nobody_else(group: u32, us: u32, passwd: &str, groups: &str) -> bool {
    let mut trusted_names = HashSet::new();
    for (name, user, first) in passwd.lines().filter_map(entry_of) {
        if user == us || user == ROOT {
            trusted_names.insert(name);
        } else if first == group {
            return false;
        }
    }
    let lines = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let of_group = lines.filter(|fields| fields.get(2).and_then(|id| id.parse().ok()) == Some(group));
    let mut lists = of_group.filter_map(|fields| fields.get(3).copied());
    let is_trusted = |name: &str| name.is_empty() || trusted_names.contains(name);
    lists.all(|members| members.split(',').all(is_trusted))
}

/// The name, the user and the first group of a line of passwd(5).
fn entry_of(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    Some((name, fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nvestibule:x:10001:10001::/:/bin/false\n\
        alice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\n";
    const GROUPS: &str =
        "root:x:0:\nvestibule:x:10001:vestibule,root\nops:x:200:vestibule,alice\nusers:x:100:\n";

    #[test]
    fn a_private_group_has_nobody_else() {
        for (group, alone) in [(10001, true), (200, false), (100, false), (1000, false), (5555, true)] {
            assert_eq!(has_nobody_else(group, 10001, PASSWD, GROUPS), alone, "{group}");
        }
        assert!(has_nobody_else(1000, 1000, PASSWD, GROUPS), "alice's own");
        assert!(has_nobody_else(0, 10001, "", ""), "no files, no users");
    }

    #[test]
    fn a_group_that_we_are_not_in_is_not_ours() {
        assert!(!is_ours_alone(0x7fff_fff0));
    }
}
