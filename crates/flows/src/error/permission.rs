//! Why there is no permission token.

use thiserror::Error;
use vestibule_plugin_host::CallFailure;

/// Why there is no permission token.
#[derive(Debug, Error)]
pub enum PermissionError {
    /// Policy: a plugin that may deny has denied.
    #[error("a plugin denied the request")]
    Denied,
    /// A plugin: permissions could not be had.
    #[error("permissions are unavailable: {0}")]
    Unavailable(CallFailure),
}
