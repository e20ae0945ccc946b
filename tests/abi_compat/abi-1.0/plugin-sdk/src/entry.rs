//! The functions behind the table: from the C interface to the traits.

use std::ffi::c_void;

use serde::de::DeserializeOwned;
use vestibule_plugin_abi::{self as abi, Call, Host, Str, UserEvent, code};

use crate::raw::{self, HostRef};
use crate::{
    CallCtx, Error, Health, Logger, OnNewUser, OnUserLogin, OnUserLogout, Patch, PermissionProvider,
    PermissionRequest, Plugin, Result, User, fence,
};

/// What `self` points at.
struct Instance<P> {
    plugin: P,
    host: HostRef,
    log: Logger,
}

pub(crate) unsafe extern "C" fn create<P: Plugin>(
    host: *const Host,
    logger: *mut abi::Logger,
    call: *mut Call,
    alias: Str,
    config_json: Str,
    out: *mut *mut c_void,
) -> i32 {
    // SAFETY: the host hands over its own table.
    let Some(host) = (unsafe { HostRef::from_raw(host) }) else { return code::FATAL };
    fence::install_panic_hook();
    let log = Logger::new(host, logger);
    let call = CallCtx::new(host, call);
    fence::operation(&call, log, || {
        // SAFETY: arguments of this operation.
        let (alias, config) = unsafe { (raw::text(alias)?, raw::text(config_json)?) };
        let plugin = P::create(alias, parse_config(config)?, log)?;
        let instance = Box::new(Instance { plugin, host, log });
        // SAFETY: the host gives a place to write to.
        unsafe { *out = Box::into_raw(instance).cast() };
        Ok(())
    })
}

fn parse_config<T: DeserializeOwned>(json: &str) -> Result<T> {
    let json = if json.is_empty() { "{}" } else { json };
    serde_json::from_str(json)
        .map_err(|error| Error::fatal(format!("configuration: {}", without_texts(&error.to_string()))))
}

/// The message without the texts that the operator wrote, one of which may be a secret. serde puts those in double quotes
/// and the names of fields in backquotes.
fn without_texts(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            let (before, after) = (message.get(..first), message.get(last + 1..));
            format!("{}(text){}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => message.to_owned(),
    }
}

pub(crate) unsafe extern "C" fn destroy<P: Plugin>(instance: *mut c_void) {
    if instance.is_null() {
        return;
    }
    // SAFETY: `create` made it for the same `P`, and the host passes it here once, after the last operation.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<P>>()) };
    let log = instance.log;
    fence::quietly(log, move || drop(instance));
}

/// Runs an operation of an instance inside the fence.
///
/// # Safety
/// `instance` was made by `create::<P>` and not yet destroyed; `call` is in progress on this thread.
unsafe fn run<P: Plugin>(
    instance: *mut c_void,
    call: *mut Call,
    operation: impl FnOnce(&P, &CallCtx<'_>) -> Result<()>,
) -> i32 {
    // SAFETY: the caller says so; nobody has it mutably.
    let Some(instance) = (unsafe { instance.cast::<Instance<P>>().as_ref() }) else { return code::FATAL };
    let call = CallCtx::new(instance.host, call);
    fence::operation(&call, instance.log, || operation(&instance.plugin, &call))
}

pub(crate) unsafe extern "C" fn get_permissions<P: PermissionProvider>(
    instance: *mut c_void,
    call: *mut Call,
    request: *const abi::PermissionRequest,
) -> i32 {
    let answer = |plugin: &P, call: &CallCtx<'_>| {
        // SAFETY: the host lends a request of at least the size that version 1.0 has.
        let request = unsafe { request.as_ref() }.ok_or_else(|| Error::fatal("the host gave no request"))?;
        // SAFETY: arguments of this operation.
        let (service, user_id, context) = unsafe {
            (raw::text(request.service)?, raw::text(request.user_id)?, raw::text(request.context_json)?)
        };
        let permissions = plugin.get_permissions(call, &PermissionRequest::new(service, user_id, context))?;
        call.reply(&permissions)
    };
    // SAFETY: arguments of this operation.
    unsafe { run::<P>(instance, call, answer) }
}

pub(crate) unsafe extern "C" fn on_new_user<P: OnNewUser>(
    instance: *mut c_void,
    call: *mut Call,
    event: *const UserEvent,
) -> i32 {
    // SAFETY: arguments of this operation.
    unsafe {
        run::<P>(instance, call, |plugin, call| hear(call, event, |user| plugin.on_new_user(call, user)))
    }
}

pub(crate) unsafe extern "C" fn on_user_login<P: OnUserLogin>(
    instance: *mut c_void,
    call: *mut Call,
    event: *const UserEvent,
) -> i32 {
    // SAFETY: arguments of this operation.
    unsafe {
        run::<P>(instance, call, |plugin, call| hear(call, event, |user| plugin.on_user_login(call, user)))
    }
}

pub(crate) unsafe extern "C" fn on_user_logout<P: OnUserLogout>(
    instance: *mut c_void,
    call: *mut Call,
    event: *const UserEvent,
) -> i32 {
    // SAFETY: arguments of this operation.
    unsafe {
        run::<P>(instance, call, |plugin, call| hear(call, event, |user| plugin.on_user_logout(call, user)))
    }
}

/// Reads the event and replies with the patch, if there is one.
///
/// # Safety
/// `event` is an argument of the operation in progress.
unsafe fn hear(
    call: &CallCtx<'_>,
    event: *const UserEvent,
    hook: impl FnOnce(&User) -> Result<Option<Patch>>,
) -> Result<()> {
    // SAFETY: the host lends an event of at least the size that version 1.0 has.
    let event = unsafe { event.as_ref() }.ok_or_else(|| Error::fatal("the host gave no event"))?;
    // SAFETY: an argument of this operation.
    let user = User::from_json(unsafe { raw::text(event.user_json) }?)?;
    hook(&user)?.map_or(Ok(()), |patch| call.reply(&patch))
}

pub(crate) unsafe extern "C" fn health<P: Health>(instance: *mut c_void, call: *mut Call) -> i32 {
    // SAFETY: arguments of this operation.
    unsafe { run::<P>(instance, call, P::health) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_error_names_the_field_and_hides_the_text() {
        let error = r#"invalid type: string "hunter\"2", expected u64 at line 1 column 9"#;
        assert_eq!(without_texts(error), "invalid type: string (text), expected u64 at line 1 column 9");
        let error = "unknown field `grantd`, expected `granted`";
        assert_eq!(without_texts(error), error);
    }
}
