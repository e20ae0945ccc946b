//! From traits to the exported table.

use std::marker::PhantomData;

use vestibule_plugin_abi::{self as abi, MAGIC, MAJOR, Str, flag};

use crate::{Explain, Health, OnNewUser, OnUserLogin, OnUserLogout, PermissionProvider, Plugin, entry};

/// A plugin that [`export_plugin!`](crate::export_plugin) has given a table.
pub trait Export: Plugin {
    /// The table that the host reads.
    fn table() -> &'static abi::Plugin;
}

/// Builds a plugin's table at compile time. The macro does so; call it by hand only to change the table.
pub struct Table<P> {
    table: abi::Plugin,
    plugin: PhantomData<fn() -> P>,
}

const BUILD_INFO: &str =
    concat!(env!("SDK_BUILD_COMPILER"), "; ", env!("SDK_BUILD_TARGET"), "; sdk ", env!("CARGO_PKG_VERSION"));

impl<P: Plugin> Table<P> {
    /// The table of a plugin that provides nothing yet.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        let table = abi::Plugin {
            magic: MAGIC,
            abi_major: MAJOR,
            abi_minor: 0,
            struct_size: TABLE_SIZE,
            flags: 0,
            name: Str::new(name),
            version: Str::new(version),
            build_info: Str::new(BUILD_INFO),
            config_schema: Str::EMPTY,
            create: Some(entry::create::<P>),
            destroy: Some(entry::destroy::<P>),
            get_permissions: None,
            on_new_user: None,
            on_user_login: None,
            on_user_logout: None,
            health: None,
            explain: None,
        };
        Self { table, plugin: PhantomData }
    }

    /// Another name than the package's.
    #[must_use]
    pub const fn name(mut self, name: &'static str) -> Self {
        self.table.name = Str::new(name);
        self
    }

    /// Another version than the package's.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.table.version = Str::new(version);
        self
    }

    /// A JSON Schema of the configuration, which `vestibule plugin inspect` prints.
    #[must_use]
    pub const fn config_schema(mut self, schema: &'static str) -> Self {
        self.table.config_schema = Str::new(schema);
        self
    }

    /// Never two calls of one instance at once.
    #[must_use]
    pub const fn serial(mut self) -> Self {
        self.table.flags |= flag::SERIAL;
        self
    }

    /// The context of a request also holds what the host knows of the person's identities. A host of version 1.0 does not
    /// load such a plugin.
    #[must_use]
    pub const fn identities(mut self) -> Self {
        self.table.flags |= flag::IDENTITIES;
        self.needs_minor(1)
    }

    const fn needs_minor(mut self, minor: u16) -> Self {
        if self.table.abi_minor < minor {
            self.table.abi_minor = minor;
        }
        self
    }

    /// The finished table.
    ///
    /// # Panics
    /// When the plugin provides nothing, or reasons without permissions: at compile time, as a table is made for a static.
    pub const fn finish(self) -> abi::Plugin {
        let table = self.table;
        let hooks =
            table.on_new_user.is_some() || table.on_user_login.is_some() || table.on_user_logout.is_some();
        assert!(
            hooks || table.get_permissions.is_some(),
            "a plugin provides permissions or at least one hook"
        );
        assert!(
            table.explain.is_none() || table.get_permissions.is_some(),
            "a plugin that has `explain` also has `permissions`"
        );
        table
    }
}

#[expect(clippy::cast_possible_truncation, reason = "144 fits")]
const TABLE_SIZE: u32 = size_of::<abi::Plugin>() as u32;

impl<P: PermissionProvider> Table<P> {
    /// Provides permissions.
    #[must_use]
    pub const fn permissions(mut self) -> Self {
        self.table.get_permissions = Some(entry::get_permissions::<P>);
        self
    }
}

impl<P: Explain> Table<P> {
    /// Says why. A host of version 1.0 does not load such a plugin.
    #[must_use]
    pub const fn explain(mut self) -> Self {
        self.table.explain = Some(entry::explain::<P>);
        self.needs_minor(1)
    }
}

impl<P: OnNewUser> Table<P> {
    /// Hears of new users.
    #[must_use]
    pub const fn on_new_user(mut self) -> Self {
        self.table.on_new_user = Some(entry::on_new_user::<P>);
        self
    }
}

impl<P: OnUserLogin> Table<P> {
    /// Hears of sign-ins.
    #[must_use]
    pub const fn on_user_login(mut self) -> Self {
        self.table.on_user_login = Some(entry::on_user_login::<P>);
        self
    }
}

impl<P: OnUserLogout> Table<P> {
    /// Hears of sign-outs.
    #[must_use]
    pub const fn on_user_logout(mut self) -> Self {
        self.table.on_user_logout = Some(entry::on_user_logout::<P>);
        self
    }
}

impl<P: Health> Table<P> {
    /// Says whether it is able to work.
    #[must_use]
    pub const fn health(mut self) -> Self {
        self.table.health = Some(entry::health::<P>);
        self
    }
}

/// A finished table in a static.
#[repr(transparent)]
pub struct StaticTable(pub abi::Plugin);

// SAFETY: the table is never written, and its pointers lead to constants and code.
unsafe impl Sync for StaticTable {}

/// Exports a plugin: the type, then what it provides, out of `permissions`, `explain`, `on_new_user`, `on_user_login`,
/// `on_user_logout`, `health`; add `serial` when two calls of one instance must never run at once, and `identities` to be
/// told what the host knows of a person's identities.
///
/// Name and version are those of the package, unless given in braces, where `config_schema` may stand as well.
/// Use it once in a package, whose `crate-type` is `cdylib`.
///
/// ```text
/// export_plugin!(Acl: permissions, on_user_login);
/// export_plugin!(Acl { config_schema: include_str!("schema.json") }: permissions, explain, identities, serial);
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty $({ $($key:ident: $value:expr),* $(,)? })? : $($provides:ident),+ $(,)?) => {
        #[cfg(panic = "abort")]
        ::core::compile_error!("a plugin must be built with panic = \"unwind\": its panics would end the service");

        impl $crate::export::Export for $plugin {
            fn table() -> &'static $crate::abi::Plugin {
                static TABLE: $crate::export::StaticTable = $crate::export::StaticTable(
                    $crate::export::Table::<$plugin>::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                        $($(.$key($value))*)?
                        $(.$provides())+
                        .finish(),
                );
                &TABLE.0
            }
        }

        const _: () = {
            #[allow(unsafe_code, reason = "the exported symbol must keep its name")]
            #[unsafe(no_mangle)]
            extern "C" fn vestibule_plugin_v1() -> *const $crate::abi::Plugin {
                <$plugin as $crate::export::Export>::table()
            }
        };
    };
}
