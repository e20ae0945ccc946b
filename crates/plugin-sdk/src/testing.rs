//! Test a plugin without a host: [`Harness`] goes through the very table that a host would read, so codes, JSON, panics
//! and errors are those of production.
//!
//! ```
//! use vestibule_plugin_sdk::testing::Harness;
//! use vestibule_plugin_sdk::{CallCtx, Logger, Map, OnUserLogin, Patch, Plugin, Result, User, Value, export_plugin, json};
//!
//! struct Greeter(Logger);
//!
//! impl Plugin for Greeter {
//!     type Config = Map<String, Value>;
//!
//!     fn create(_alias: &str, _config: Self::Config, log: Logger) -> Result<Self> {
//!         Ok(Self(log))
//!     }
//! }
//!
//! impl OnUserLogin for Greeter {
//!     fn on_user_login(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
//!         self.0.info("hello");
//!         Ok(Some(Patch::new().set("attributes.greeted", user.id.as_str())))
//!     }
//! }
//!
//! export_plugin!(Greeter: on_user_login);
//!
//! let plugin = Harness::<Greeter>::new(&json!({})).unwrap();
//! let answer = plugin.on_user_login(&json!({"id": "u1"})).unwrap();
//! assert_eq!(answer.reply, Some(json!({"attributes": {"greeted": "u1"}})));
//! assert_eq!(plugin.log()[0].1, "hello");
//! assert_eq!(plugin.get_permissions("billing", "u1"), None);
//! ```

mod host;

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_plugin_abi::{
    Call, EventFn, PermissionRequest, PermissionsFn, Str, TokenRequest, UserEvent, code,
};

use crate::Level;
use crate::export::Export;
use host::LogBook;

/// The time that a host gives to `create`.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);
/// More than a host's two seconds: machines that run tests are slow.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

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
    timeout: Duration,
    plugin: PhantomData<P>,
}

// SAFETY: the header allows operations on any thread, and `Plugin` asks for Send and Sync.
unsafe impl<P: Export> Send for Harness<P> {}
// SAFETY: as above.
unsafe impl<P: Export> Sync for Harness<P> {}

impl<P: Export> Harness<P> {
    /// Makes an instance under the alias `test`; `Err` holds what the operator would see at the start.
    pub fn new(config: &Value) -> Result<Self, Answer> {
        Self::named("test", config)
    }

    /// Makes an instance under an alias.
    pub fn named(alias: &str, config: &Value) -> Result<Self, Answer> {
        // OWNERSHIP: a log lives as long as the process: that is what plugins are promised.
        let log: &'static LogBook = Box::leak(Box::default());
        let config = config.to_string();
        let mut instance = ptr::null_mut();
        let answer = host::record(CREATE_TIMEOUT, |call| {
            let create = P::table().create?;
            // SAFETY: every argument lives until `create` returns, host and log for ever.
            Some(unsafe {
                create(
                    host::table(),
                    log.as_abi(),
                    call,
                    Str::new(alias),
                    Str::new(&config),
                    &raw mut instance,
                )
            })
        });
        match answer {
            Some(answer) if answer.code == code::OK => {
                Ok(Self { instance, log, timeout: CALL_TIMEOUT, plugin: PhantomData })
            }
            Some(answer) => Err(answer),
            None => {
                Err(Answer { code: code::FATAL, reply: None, error: Some("no create".to_owned()), ttl: None })
            }
        }
    }

    /// From now on `CallCtx::remaining` begins at `timeout` in each operation; at first it is ten seconds. Zero is a host
    /// that has given up. An operation that takes longer is not ended: it would not be by a host either.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// From now on the log takes only what matters at least that much; at first it takes everything.
    pub fn set_log_level(&self, least: Level) {
        self.log.set_level(least.number());
    }

    /// Asks for permissions; `None` when the plugin does not provide them.
    pub fn get_permissions(&self, service: &str, user_id: &str) -> Option<Answer> {
        self.get_permissions_of(service, &json!({"id": user_id}))
    }

    /// Asks for permissions of a user who has more than an id; `None` when the plugin does not provide them.
    pub fn get_permissions_of(&self, service: &str, user: &Value) -> Option<Answer> {
        self.get_permissions_in(service, &json!({"user": user}))
    }

    /// Asks for permissions in a whole context, as a plugin that is exported with `identities` gets it; `None` when the
    /// plugin does not provide them.
    pub fn get_permissions_in(&self, service: &str, context: &Value) -> Option<Answer> {
        self.ask(P::table().get_permissions?, service, context)
    }

    /// Asks why a user who is known by nothing but an id has the permissions that they have; `None` when the plugin does not
    /// say.
    pub fn explain(&self, service: &str, user_id: &str) -> Option<Answer> {
        self.explain_in(service, &json!({"user": {"id": user_id}}))
    }

    /// Asks why, in a whole context: `{"user": {"id": ...}, "identities": [...]}`.
    pub fn explain_in(&self, service: &str, context: &Value) -> Option<Answer> {
        self.ask(P::table().explain?, service, context)
    }

    fn ask(&self, entry: PermissionsFn, service: &str, context: &Value) -> Option<Answer> {
        let user_id = context.pointer("/user/id").and_then(Value::as_str).unwrap_or_default();
        let context = context.to_string();
        let request = PermissionRequest {
            struct_size: host::size_of_struct::<PermissionRequest>(),
            flags: 0,
            service: Str::new(service),
            user_id: Str::new(user_id),
            context_json: Str::new(&context),
        };
        // SAFETY: every argument lives until the entry returns.
        host::record(self.timeout, |call| Some(unsafe { entry(self.instance, call, &raw const request) }))
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

    /// Asks whom a token stands for that came to the service itself; `None` when the plugin does not handle tokens.
    pub fn resolve_token(&self, token: &str) -> Option<Answer> {
        self.resolve_token_in(
            token,
            &json!({"purpose": "api", "method": "GET", "path": "/auth/session", "ip": "127.0.0.1"}),
        )
    }

    /// Asks whom a token stands for that came in this context; `None` when the plugin does not handle tokens.
    pub fn resolve_token_in(&self, token: &str, context: &Value) -> Option<Answer> {
        let entry = P::table().resolve_token?;
        let context = context.to_string();
        let request = TokenRequest {
            struct_size: host::size_of_struct::<TokenRequest>(),
            flags: 0,
            token: Str::new(token),
            context_json: Str::new(&context),
        };
        // SAFETY: every argument lives until the entry returns.
        host::record(self.timeout, |call| Some(unsafe { entry(self.instance, call, &raw const request) }))
    }

    /// Asks whether it is able to work; `None` when the plugin does not say.
    pub fn health(&self) -> Option<Answer> {
        let entry = P::table().health?;
        // SAFETY: every argument lives until the entry returns.
        host::record(self.timeout, |call| Some(unsafe { entry(self.instance, call) }))
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
        let operation = |call: *mut Call| {
            // SAFETY: every argument lives until the entry returns.
            Some(unsafe { entry(self.instance, call, &raw const event) })
        };
        host::record(self.timeout, operation)
    }
}

impl<P: Export> Drop for Harness<P> {
    fn drop(&mut self) {
        if let Some(destroy) = P::table().destroy {
            // SAFETY: `create` made it, no operation runs, and it is not used again.
            unsafe { destroy(self.instance) }
        }
    }
}
