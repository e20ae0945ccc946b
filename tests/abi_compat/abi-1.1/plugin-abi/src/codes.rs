//! The numbers that cross the border.

/// What an operation returns. Any other number counts as [`code::FATAL`].
pub mod code {
    /// Done; the answer, if any, was given by `reply`.
    pub const OK: i32 = 0;
    /// The plugin has nothing to say about this user.
    pub const NO_OPINION: i32 = 1;
    /// The user is refused; heeded only where the operator allows it.
    pub const DENY: i32 = 2;
    /// The failure may pass.
    pub const RETRY: i32 = 3;
    /// The failure stays until somebody mends it.
    pub const FATAL: i32 = 4;
    /// The plugin caught a panic of its own.
    pub const PANIC: i32 = 5;
}

/// Levels of the log. Any other number counts as [`level::ERROR`].
pub mod level {
    /// Something is broken.
    pub const ERROR: i32 = 1;
    /// Something is odd.
    pub const WARN: i32 = 2;
    /// Something worth knowing happened.
    pub const INFO: i32 = 3;
    /// For whoever looks for a fault.
    pub const DEBUG: i32 = 4;
    /// Everything.
    pub const TRACE: i32 = 5;
}

/// Bits of a plugin's `flags`. A host refuses a plugin that sets a bit which it does not know.
pub mod flag {
    /// Never two calls of one instance at once.
    pub const SERIAL: u32 = 1;
    /// The context of a permission request also says what the host knows of the person's identities. Since 1.1.
    pub const IDENTITIES: u32 = 2;
}
