//! One instance of a plugin, as the ABI has it.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use vestibule_plugin_abi::{Call, PermissionRequest, PermissionsFn, Str, TokenRequest, UserEvent, code};

use crate::Hook;
use crate::answer::RawAnswer;
use crate::callbacks::{CallState, HOST, InstanceLog, size_of_abi};
use crate::config::ResolvedConfig;
use crate::crash::{self, Site};
use crate::error::LoadFault;
use crate::library::Library;
use crate::question::Question;
use crate::secret;

/// An instance that `create` has made. Dropping it runs `destroy`.
pub(crate) struct RawInstance {
    library: Arc<Library>,
    state: *mut c_void,
    site: &'static Site,
}

// SAFETY: the header demands that every operation may run on any thread, several at once; runners see to the exception,
// plugins that are called one at a time. `destroy` runs when the last owner lets go, that is, after the last operation.
unsafe impl Send for RawInstance {}
// SAFETY: as above.
unsafe impl Sync for RawInstance {}

impl RawInstance {
    /// Runs `create` on this thread.
    pub(crate) fn create(
        library: Arc<Library>,
        alias: &str,
        config: &ResolvedConfig,
        deadline: Instant,
    ) -> Result<Self, LoadFault> {
        let create = library.table().create.ok_or(LoadFault::Table("there is no create"))?;
        let config = config.to_json();
        let (mut call, mut state) = (CallState::new(deadline), ptr::null_mut());
        let logger = InstanceLog::leak(alias);
        let site = library.site_of(alias);
        let (alias, config) = (Str::new(alias), Str::new(&config));
        let code = crash::within(site, "create", || {
            // SAFETY: the host's table and the logger live as long as the process, the rest until `create` returns.
            unsafe { create(&raw const HOST, logger, call.as_abi(), alias, config, &raw mut state) }
        });
        crash::watch();
        match code {
            code::OK => Ok(Self { library, state, site }),
            other => Err(LoadFault::Create { ending: ending_of(other), message: call.finish(other).error }),
        }
    }

    /// Runs one operation on this thread, for as long as it takes.
    pub(crate) fn ask(&self, question: &Question, deadline: Instant) -> RawAnswer {
        let mut call = CallState::new(deadline);
        let run = || self.run(question, call.as_abi());
        match crash::within(self.site, question.operation().as_str(), run) {
            Some(code) => call.finish(code),
            None => RawAnswer::fatal("the operation is not provided"),
        }
    }

    fn run(&self, question: &Question, call: *mut Call) -> Option<i32> {
        match question {
            Question::Permissions { service, user_id, context_json } => {
                let entry = self.library.table().get_permissions;
                self.answer(entry, call, service, user_id, context_json)
            }
            Question::Explain { service, user_id, context_json } => {
                let entry = self.library.table().explain;
                self.answer(entry, call, service, user_id, context_json)
            }
            Question::Event { hook, user_json } => self.tell(call, *hook, user_json),
            Question::Token { token, context_json } => self.resolve(call, token, context_json),
            Question::Health => {
                // SAFETY: the state is `create`'s; the call lives until the operation returns.
                self.library.table().health.map(|health| unsafe { health(self.state, call) })
            }
        }
    }

    fn answer(
        &self,
        entry: Option<PermissionsFn>,
        call: *mut Call,
        service: &str,
        user_id: &str,
        context: &str,
    ) -> Option<i32> {
        let entry = entry?;
        let request = PermissionRequest {
            struct_size: size_of_abi::<PermissionRequest>(),
            flags: 0,
            service: Str::new(service),
            user_id: Str::new(user_id),
            context_json: Str::new(context),
        };
        // SAFETY: the state is `create`'s; every argument lives until the operation returns.
        Some(unsafe { entry(self.state, call, &raw const request) })
    }

    fn resolve(&self, call: *mut Call, token: &str, context: &str) -> Option<i32> {
        let entry = self.library.table().resolve_token?;
        let _hidden = secret::hold(token);
        let request = TokenRequest {
            struct_size: size_of_abi::<TokenRequest>(),
            flags: 0,
            token: Str::new(token),
            context_json: Str::new(context),
        };
        // SAFETY: the state is `create`'s; every argument lives until the operation returns.
        Some(unsafe { entry(self.state, call, &raw const request) })
    }

    fn tell(&self, call: *mut Call, hook: Hook, user: &str) -> Option<i32> {
        let table = self.library.table();
        let entry = match hook {
            Hook::NewUser => table.on_new_user,
            Hook::UserLogin => table.on_user_login,
            Hook::UserLogout => table.on_user_logout,
        };
        let event = UserEvent {
            struct_size: size_of_abi::<UserEvent>(),
            flags: 0,
            user_json: Str::new(user),
            context_json: Str::new("{}"),
        };
        // SAFETY: the state is `create`'s; every argument lives until the operation returns.
        entry.map(|entry| unsafe { entry(self.state, call, &raw const event) })
    }
}

impl Drop for RawInstance {
    fn drop(&mut self) {
        if let Some(destroy) = self.library.table().destroy {
            // SAFETY: `create` made the state; no operation runs, since each holds the instance; it is not used again.
            crash::within(self.site, "destroy", || unsafe { destroy(self.state) });
        }
    }
}

/// What a code means that `create` has returned.
pub(crate) fn ending_of(code: i32) -> &'static str {
    match code {
        code::NO_OPINION | code::DENY => "answers its creation with a code that means nothing there",
        code::RETRY => "cannot start now",
        code::FATAL => "cannot start",
        code::PANIC => "panicked while starting",
        _ => "answers its creation with an unknown code",
    }
}
