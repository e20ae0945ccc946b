//! The structs of the header, member for member. The header says what each member means.

use core::ffi::c_void;

/// Borrowed UTF-8 text; a length of 0 means that there is none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Str {
    /// The first byte; may be null when `len` is 0.
    pub ptr: *const u8,
    /// How many bytes.
    pub len: usize,
}

impl Str {
    /// No text.
    pub const EMPTY: Self = Self { ptr: core::ptr::null(), len: 0 };

    /// Points at `text`. The receiver may read it only as long as `text` lives.
    pub const fn new(text: &str) -> Self {
        Self { ptr: text.as_ptr(), len: text.len() }
    }
}

/// One operation in progress: opaque, the host's.
#[repr(C)]
pub struct Call {
    _opaque: [u8; 0],
}

/// The log of one instance: opaque, the host's.
#[repr(C)]
pub struct Logger {
    _opaque: [u8; 0],
}

/// What the host offers. A pointer is `None` only in a copy that was cut from an older host's table.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// The size of the host's own struct.
    pub struct_size: u32,
    /// [`crate::MAJOR`] of the host.
    pub abi_major: u16,
    /// [`crate::MINOR`] of the host.
    pub abi_minor: u16,
    /// Writes a message.
    pub log: Option<unsafe extern "C" fn(*mut Logger, i32, Str, Str)>,
    /// Whether a level is written at all.
    pub log_enabled: Option<unsafe extern "C" fn(*mut Logger, i32) -> i32>,
    /// Gives the answer.
    pub reply: Option<unsafe extern "C" fn(*mut Call, Str) -> i32>,
    /// Says what went wrong.
    pub set_error: Option<unsafe extern "C" fn(*mut Call, Str)>,
    /// Says how long the answer may be used again.
    pub set_ttl: Option<unsafe extern "C" fn(*mut Call, u32)>,
    /// How long the host still waits.
    pub remaining_ms: Option<unsafe extern "C" fn(*mut Call) -> i64>,
}

/// A user wants a permission token.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PermissionRequest {
    /// The size of the host's own struct.
    pub struct_size: u32,
    /// None are defined.
    pub flags: u32,
    /// The name that the client asked for.
    pub service: Str,
    /// The user's id.
    pub user_id: Str,
    /// `{"user":{...}}`, and more with [`crate::flag::IDENTITIES`].
    pub context_json: Str,
}

/// Something happened to a user.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct UserEvent {
    /// The size of the host's own struct.
    pub struct_size: u32,
    /// None are defined.
    pub flags: u32,
    /// The user, an object.
    pub user_json: Str,
    /// An object, empty for now.
    pub context_json: Str,
}

/// A request came with a token that is not one of the service's own. Since 1.2.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TokenRequest {
    /// The size of the host's own struct.
    pub struct_size: u32,
    /// None are defined.
    pub flags: u32,
    /// The token, a secret.
    pub token: Str,
    /// Where and for what it was presented.
    pub context_json: Str,
}

/// Makes an instance.
pub type CreateFn =
    unsafe extern "C" fn(*const Host, *mut Logger, *mut Call, Str, Str, *mut *mut c_void) -> i32;
/// Ends an instance.
pub type DestroyFn = unsafe extern "C" fn(*mut c_void);
/// Answers permissions, with or without the reasons.
pub type PermissionsFn = unsafe extern "C" fn(*mut c_void, *mut Call, *const PermissionRequest) -> i32;
/// Hears of an event.
pub type EventFn = unsafe extern "C" fn(*mut c_void, *mut Call, *const UserEvent) -> i32;
/// Says whom a token stands for.
pub type TokenFn = unsafe extern "C" fn(*mut c_void, *mut Call, *const TokenRequest) -> i32;
/// Says whether the instance is able to work.
pub type HealthFn = unsafe extern "C" fn(*mut c_void, *mut Call) -> i32;
/// The exported function, [`crate::ENTRY_SYMBOL`].
pub type EntryFn = unsafe extern "C" fn() -> *const Plugin;

/// What a plugin is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Plugin {
    /// [`crate::MAGIC`].
    pub magic: u32,
    /// [`crate::MAJOR`] that the plugin was written for.
    pub abi_major: u16,
    /// The least [`crate::MINOR`] of the host that it can work with.
    pub abi_minor: u16,
    /// The size of the plugin's own struct.
    pub struct_size: u32,
    /// Bits of [`crate::flag`].
    pub flags: u32,
    /// Its name.
    pub name: Str,
    /// Its version.
    pub version: Str,
    /// How it was built.
    pub build_info: Str,
    /// A JSON Schema of its configuration.
    pub config_schema: Str,
    /// Makes an instance; must be there.
    pub create: Option<CreateFn>,
    /// Ends an instance.
    pub destroy: Option<DestroyFn>,
    /// Answers permissions.
    pub get_permissions: Option<PermissionsFn>,
    /// A user was made.
    pub on_new_user: Option<EventFn>,
    /// A user signed in.
    pub on_user_login: Option<EventFn>,
    /// A user signed out.
    pub on_user_logout: Option<EventFn>,
    /// Is the instance able to work?
    pub health: Option<HealthFn>,
    /// Answers permissions and says why. Since 1.1.
    pub explain: Option<PermissionsFn>,
    /// Says whom a token stands for. Since 1.2.
    pub resolve_token: Option<TokenFn>,
}
