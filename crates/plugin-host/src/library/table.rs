//! A plugin's table, read without trust.

use std::mem::{MaybeUninit, offset_of};
use std::ptr;

use vestibule_plugin_abi::{MAGIC, MAJOR, MINOR, Plugin, flag};

use crate::error::LoadFault;

/// Copies as much of the table as both sides have; members that the plugin's does not have become zero, that is, absent.
///
/// # Safety
/// `source` is what a plugin's entry function returned, and its library stays mapped.
pub(super) unsafe fn copy(source: *const Plugin) -> Result<Plugin, LoadFault> {
    if source.is_null() || !source.is_aligned() {
        return Err(LoadFault::Table("there is none"));
    }
    // The table may be shorter than ours, so no reference to it is ever formed.
    // SAFETY: the first three members are in the table of every version that exports this symbol.
    let (magic, major, minor) = unsafe { ((*source).magic, (*source).abi_major, (*source).abi_minor) };
    if magic != MAGIC {
        return Err(LoadFault::Table("it does not begin with the magic number"));
    }
    if major != MAJOR || minor > MINOR {
        return Err(LoadFault::OtherAbi { major, minor });
    }
    // SAFETY: this member is in every table of our major version.
    let size = unsafe { (*source).struct_size } as usize;
    if size < offset_of!(Plugin, get_permissions) {
        return Err(LoadFault::Table("it is too small to hold anything"));
    }
    let mut table = MaybeUninit::<Plugin>::zeroed();
    // SAFETY: `size` bytes may be read there, and as many as our struct has may be written here.
    unsafe {
        ptr::copy_nonoverlapping(
            source.cast::<u8>(),
            table.as_mut_ptr().cast::<u8>(),
            size.min(size_of::<Plugin>()),
        );
    }
    // SAFETY: every member is a number or a nullable pointer, for which zero is a value.
    let table = unsafe { table.assume_init() };
    check(&table).map(|()| table)
}

/// The flags that this host keeps its side of.
const KNOWN_FLAGS: u32 = flag::SERIAL | flag::IDENTITIES;

fn check(table: &Plugin) -> Result<(), LoadFault> {
    if table.flags & !KNOWN_FLAGS != 0 {
        return Err(LoadFault::Table("it has a flag that this version does not know"));
    }
    if table.create.is_none() {
        return Err(LoadFault::Table("there is no create"));
    }
    let hooks = [table.on_new_user, table.on_user_login, table.on_user_logout];
    if table.get_permissions.is_none() && table.resolve_token.is_none() && hooks.iter().all(Option::is_none) {
        return Err(LoadFault::Table("it provides neither permissions nor a hook nor resolve_token"));
    }
    if table.explain.is_some() && table.get_permissions.is_none() {
        return Err(LoadFault::Table("it explains permissions and does not provide any"));
    }
    Ok(())
}
