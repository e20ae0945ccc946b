//! Test a plugin without a host: [`Harness`] goes through the very table that a host would read, so codes, JSON, panics
//! and errors are those of production.

mod host;

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_plugin_abi::{Call, EventFn, PermissionRequest, Str, UserEvent, code};

use crate::export::Export;
use host::LogBook;

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// One of [`abi::code`](vestibule_plugin_abi::code).
    pub code: i32,
    /// What was replied.
    pub reply: Option<Value>,
    /// What the operator would read.
    pub error: Option<String>,
    /// How long the answer may be used again.
    pub ttl: Option<Duration>,
}

/// One instance of a plugin, driven through its table.
pub struct Harness<P: Export> {
    instance: *mut c_void,
    log: &'static LogBook,
    plugin: PhantomData<P>,
}

// SAFETY: the header allows operations on any thread, and `Plugin` asks for Send and Sync.
unsafe impl<P: Export> Send for Harness<P> {}
// SAFETY: as above.
unsafe impl<P: Export> Sync for Harness<P> {}

impl<P: Export> Harness<P> {
    /// Makes an instance under the alias `test`; `Err` holds what the operator would see at the start.
    pub fn new(config: &Value) -> Result<Self, Answer> {
        // OWNERSHIP: a log lives as long as the process: that is what plugins are promised.
        let log: &'static LogBook = Box::leak(Box::default());
        let config = config.to_string();
        let mut instance = ptr::null_mut();
        let answer = host::record(|call| {
            let create = P::table().create?;
            // SAFETY: every argument lives until `create` returns, host and log for ever.
            Some(unsafe {
                create(
                    host::table(),
                    log.as_abi(),
                    call,
                    Str::new("test"),
                    Str::new(&config),
                    &raw mut instance,
                )
            })
        });
        match answer {
            Some(answer) if answer.code == code::OK => Ok(Self { instance, log, plugin: PhantomData }),
            Some(answer) => Err(answer),
            None => {
                Err(Answer { code: code::FATAL, reply: None, error: Some("no create".to_owned()), ttl: None })
            }
        }
    }

    /// Asks for permissions; `None` when the plugin does not provide them.
    pub fn get_permissions(&self, service: &str, user_id: &str) -> Option<Answer> {
        self.get_permissions_of(service, &json!({"id": user_id}))
    }

    /// Asks for permissions of a user who has more than an id; `None` when the plugin does not provide them.
    pub fn get_permissions_of(&self, service: &str, user: &Value) -> Option<Answer> {
        let entry = P::table().get_permissions?;
        let user_id = user.get("id").and_then(Value::as_str).unwrap_or_default();
        let context = json!({"user": user}).to_string();
        let request = PermissionRequest {
            struct_size: host::size_of_struct::<PermissionRequest>(),
            flags: 0,
            service: Str::new(service),
            user_id: Str::new(user_id),
            context_json: Str::new(&context),
        };
        // SAFETY: every argument lives until the entry returns.
        host::record(|call| Some(unsafe { entry(self.instance, call, &raw const request) }))
    }

    /// Tells of a new user; `None` when the plugin does not listen.
    pub fn on_new_user(&self, user: &Value) -> Option<Answer> {
        self.tell(P::table().on_new_user?, user)
    }

    /// Tells of a sign-in; `None` when the plugin does not listen.
    pub fn on_user_login(&self, user: &Value) -> Option<Answer> {
        self.tell(P::table().on_user_login?, user)
    }

    /// Tells of a sign-out; `None` when the plugin does not listen.
    pub fn on_user_logout(&self, user: &Value) -> Option<Answer> {
        self.tell(P::table().on_user_logout?, user)
    }

    /// Asks whether it is able to work; `None` when the plugin does not say.
    pub fn health(&self) -> Option<Answer> {
        let entry = P::table().health?;
        // SAFETY: every argument lives until the entry returns.
        host::record(|call| Some(unsafe { entry(self.instance, call) }))
    }

    /// What the instance has logged: level, message, details.
    pub fn log(&self) -> Vec<(i32, String, String)> {
        self.log.lines()
    }

    fn tell(&self, entry: EventFn, user: &Value) -> Option<Answer> {
        let user = user.to_string();
        let event = UserEvent {
            struct_size: host::size_of_struct::<UserEvent>(),
            flags: 0,
            user_json: Str::new(&user),
            context_json: Str::new("{}"),
        };
        // SAFETY: every argument lives until the entry returns.
        host::record(|call: *mut Call| Some(unsafe { entry(self.instance, call, &raw const event) }))
    }
}

impl<P: Export> Drop for Harness<P> {
    fn drop(&mut self) {
        if let Some(destroy) = P::table().destroy {
            // SAFETY: `create` made it, no operation runs, and nobody uses it again.
            unsafe { destroy(self.instance) }
        }
    }
}
