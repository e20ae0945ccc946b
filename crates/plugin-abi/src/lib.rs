//! The plugin ABI, version 1: the Rust mirror of `include/vestibule_plugin.h`.
//!
//! **Owns** the header, its mirror, and the golden file that both are held to (`golden/`). **Does not own** a single
//! line of behaviour: the host's half is in `plugin-host`, the plugin's half in `plugin-sdk`. It depends on nothing,
//! not even on the standard library.
//!
//! To add an operation: append a nullable pointer to the end of `vestibule_plugin` in the header and to [`Plugin`]
//! here, raise the minor version in both, and write a new golden file: the old one and the new lines. Never
//! insert, reorder or retype a member; a new meaning gets a new flag.
#![no_std]

mod codes;
mod layout;
mod tables;

pub use codes::{code, flag, level};
pub use layout::LAYOUT;
pub use tables::{
    Call, CreateFn, DestroyFn, EntryFn, EventFn, HealthFn, Host, Logger, PermissionRequest, PermissionsFn,
    Plugin, Str, TokenFn, TokenRequest, UserEvent,
};

/// The first member of every plugin's table.
pub const MAGIC: u32 = 0x4254_5356;
/// The version of the whole interface: both sides must have the same.
pub const MAJOR: u16 = 1;
/// The version of what was appended: a host serves every plugin that asks for this or less.
pub const MINOR: u16 = 2;
/// The one symbol that a plugin exports, with the NUL that the dynamic loader wants.
pub const ENTRY_SYMBOL: &core::ffi::CStr = c"vestibule_plugin_v1";
