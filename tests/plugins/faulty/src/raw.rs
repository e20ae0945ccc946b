//! The faults that the safe interface makes impossible. The operation asks for one in a thread-local and answers nothing;
//! the wrapper around its entry point then answers in its stead.
#![allow(unsafe_code, reason = "rubbish has to be sent past the safe interface")]

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use vestibule_plugin_sdk::abi::{self, Call, Host, Logger, PermissionRequest, Str, UserEvent, code};
use vestibule_plugin_sdk::export::{StaticTable, Table};

use crate::{Fault, Faulty};

thread_local! {
    static ASKED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// The host's table, from the first `create`. There is one host.
static HOST: AtomicPtr<Host> = AtomicPtr::new(ptr::null_mut());

/// Lets the wrapper around the present operation answer in this manner.
pub(crate) fn ask_for(fault: Fault) {
    ASKED.set(Some(fault));
}

const SAFE: abi::Plugin = Table::<Faulty>::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    .permissions()
    .on_new_user()
    .on_user_login()
    .on_user_logout()
    .health()
    .finish();

static TABLE: StaticTable = StaticTable(abi::Plugin {
    create: Some(create),
    get_permissions: Some(get_permissions),
    on_new_user: Some(on_new_user),
    on_user_login: Some(on_user_login),
    on_user_logout: Some(on_user_logout),
    ..SAFE
});

#[unsafe(no_mangle)]
extern "C" fn vestibule_plugin_v1() -> *const abi::Plugin {
    &raw const TABLE.0
}

unsafe extern "C" fn create(
    host: *const Host,
    logger: *mut Logger,
    call: *mut Call,
    alias: Str,
    config_json: Str,
    out: *mut *mut c_void,
) -> i32 {
    HOST.store(host.cast_mut(), Ordering::Release);
    // SAFETY: the host lends the text until `create` returns.
    end_if_brittle(unsafe { std::slice::from_raw_parts(config_json.ptr, config_json.len) });
    // SAFETY: the arguments are passed on as they came.
    SAFE.create.map_or(code::FATAL, |create| unsafe { create(host, logger, call, alias, config_json, out) })
}

/// What a parser in C might do about a member that nobody thought of.
#[expect(clippy::print_stderr, reason = "so does an assertion that fails")]
fn end_if_brittle(config: &[u8]) {
    let config = String::from_utf8_lossy(config);
    if config.contains("\"brittle\"") && config.contains("unknown") {
        eprintln!("brittle: assertion failed: no other member");
        std::process::abort();
    }
}

/// Writes where nothing is.
pub(crate) fn follow_a_bad_pointer() {
    // SAFETY: it is not. The process is to end here.
    unsafe { ptr::without_provenance_mut::<u8>(8).write_volatile(1) }
}

unsafe extern "C" fn get_permissions(
    instance: *mut c_void,
    call: *mut Call,
    request: *const PermissionRequest,
) -> i32 {
    wrapped(call, || {
        // SAFETY: the arguments are passed on as they came.
        SAFE.get_permissions.map_or(code::FATAL, |entry| unsafe { entry(instance, call, request) })
    })
}

macro_rules! wrapped_hook {
    ($hook:ident) => {
        unsafe extern "C" fn $hook(instance: *mut c_void, call: *mut Call, event: *const UserEvent) -> i32 {
            wrapped(call, || {
                // SAFETY: the arguments are passed on as they came.
                SAFE.$hook.map_or(code::FATAL, |entry| unsafe { entry(instance, call, event) })
            })
        }
    };
}

wrapped_hook!(on_new_user);
wrapped_hook!(on_user_login);
wrapped_hook!(on_user_logout);

/// Runs the operation, then answers as it asked.
fn wrapped(call: *mut Call, operation: impl FnOnce() -> i32) -> i32 {
    ASKED.set(None);
    let code = operation();
    ASKED.take().map_or(code, |fault| answer(call, fault))
}

fn answer(call: *mut Call, fault: Fault) -> i32 {
    match fault {
        Fault::NotJson => reply(call, b"{\"a\":NaN}"),
        Fault::NotUtf8 => reply(call, b"{\"a\":\"\xff\"}"),
        Fault::NotAnObject => reply(call, b"[true]"),
        Fault::TooBig => reply(call, format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20)).as_bytes()),
        Fault::TooDeep => {
            let deep = [r#"{"a":"#.repeat(10_000), "1".to_owned(), "}".repeat(10_000)].concat();
            reply(call, deep.as_bytes());
        }
        Fault::TwoReplies => {
            reply(call, b"{}");
            reply(call, b"{}");
        }
        Fault::UnknownCode => return 99,
        _ => {}
    }
    code::OK
}

fn reply(call: *mut Call, bytes: &[u8]) {
    // SAFETY: the host's table lives as long as the process; null before the first `create`.
    let host = unsafe { HOST.load(Ordering::Acquire).as_ref() };
    if let Some(reply) = host.and_then(|host| host.reply) {
        let text = Str { ptr: bytes.as_ptr(), len: bytes.len() };
        // SAFETY: the call is in progress on this thread, the bytes live until `reply` returns.
        unsafe { reply(call, text) };
    }
}
