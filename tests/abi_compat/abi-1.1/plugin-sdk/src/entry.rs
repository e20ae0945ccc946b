//! The functions behind the table: from the C interface to the traits.

use std::ffi::c_void;

use serde::{Serialize, de::DeserializeOwned};
use vestibule_plugin_abi::{self as abi, Call, Host, Str, UserEvent, code};

use crate::raw::{self, HostRef};
use crate::{
    CallCtx, Error, Explain, Health, Logger, OnNewUser, OnUserLogin, OnUserLogout, Patch, PermissionProvider,
    PermissionRequest, Plugin, Result, User, fence, hide_texts,
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
    #[cfg(any(feature = "log", feature = "tracing"))]
    crate::forward::install(log);
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
        .map_err(|error| Error::fatal(format!("configuration: {}", hide_texts(&error.to_string()))))
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
    // SAFETY: the caller says so; there is no mutable reference to it.
    let Some(instance) = (unsafe { instance.cast::<Instance<P>>().as_ref() }) else { return code::FATAL };
    let call = CallCtx::new(instance.host, call);
    fence::operation(&call, instance.log, || operation(&instance.plugin, &call))
}

pub(crate) unsafe extern "C" fn get_permissions<P: PermissionProvider>(
    instance: *mut c_void,
    call: *mut Call,
    request: *const abi::PermissionRequest,
) -> i32 {
    // SAFETY: arguments of this operation.
    unsafe {
        run::<P>(instance, call, |plugin, call| {
            answer(call, request, |request| plugin.get_permissions(call, request))
        })
    }
}

pub(crate) unsafe extern "C" fn explain<P: Explain>(
    instance: *mut c_void,
    call: *mut Call,
    request: *const abi::PermissionRequest,
) -> i32 {
    // SAFETY: arguments of this operation.
    unsafe {
        run::<P>(instance, call, |plugin, call| {
            answer(call, request, |request| plugin.explain(call, request))
        })
    }
}

/// Reads the request and replies with what the plugin makes of it.
///
/// # Safety
/// `request` is an argument of the operation in progress.
unsafe fn answer<T: Serialize>(
    call: &CallCtx<'_>,
    request: *const abi::PermissionRequest,
    provider: impl FnOnce(&PermissionRequest<'_>) -> Result<T>,
) -> Result<()> {
    // SAFETY: the host lends a request of at least the size that version 1.0 has.
    let request = unsafe { request.as_ref() }.ok_or_else(|| Error::fatal("the host gave no request"))?;
    // SAFETY: arguments of this operation.
    let (service, user_id, context) = unsafe {
        (raw::text(request.service)?, raw::text(request.user_id)?, raw::text(request.context_json)?)
    };
    call.reply(&provider(&PermissionRequest::new(service, user_id, context))?)
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
