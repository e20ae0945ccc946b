//! What a plugin is asked: plain data, whatever road it takes.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::observer::Operation;

/// One operation with its arguments. Not `Debug`: it holds personal data, or a secret.
pub(crate) enum Question {
    Permissions { service: String, user_id: String, context_json: Arc<str> },
    Event { hook: crate::Hook, user_json: String },
    Health,
    Explain { service: String, user_id: String, context_json: Arc<str> },
    Token { token: Zeroizing<String>, context_json: String },
}

impl Question {
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Permissions { .. } => Operation::Permissions,
            Self::Event { hook, .. } => (*hook).into(),
            Self::Health => Operation::Health,
            Self::Explain { .. } => Operation::Explain,
            Self::Token { .. } => Operation::ResolveToken,
        }
    }
}
