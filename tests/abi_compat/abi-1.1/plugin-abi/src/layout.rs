//! Where every member lies. A mistake in the mirror does not compile; a test compares the list with the golden file.

use crate::{Host, MAGIC, MAJOR, MINOR, PermissionRequest, Plugin, Str, UserEvent, code, flag, level};

macro_rules! layout {
    (
        constants { $($constant_name:literal = $constant:expr),* $(,)? }
        $($struct_name:literal = $mirror:ty, size $size:literal { $($field:ident: $offset:literal),* $(,)? })*
    ) => {
        $(
            #[cfg(target_pointer_width = "64")]
            const _: () = {
                assert!(size_of::<$mirror>() == $size);
                $(assert!(core::mem::offset_of!($mirror, $field) == $offset);)*
            };
        )*

        /// Every constant, struct and member of the ABI by its C name, with its value, size or offset (64-bit pointers).
        pub const LAYOUT: &[(&str, i64)] = &[
            $(($constant_name, $constant as i64),)*
            $(
                ($struct_name, $size),
                $((concat!($struct_name, ".", stringify!($field)), $offset),)*
            )*
        ];
    };
}

layout! {
    constants {
        "VESTIBULE_ABI_MAGIC" = MAGIC,
        "VESTIBULE_ABI_MAJOR" = MAJOR,
        "VESTIBULE_ABI_MINOR" = MINOR,
        "VESTIBULE_OK" = code::OK,
        "VESTIBULE_NO_OPINION" = code::NO_OPINION,
        "VESTIBULE_DENY" = code::DENY,
        "VESTIBULE_RETRY" = code::RETRY,
        "VESTIBULE_FATAL" = code::FATAL,
        "VESTIBULE_PANIC" = code::PANIC,
        "VESTIBULE_LOG_ERROR" = level::ERROR,
        "VESTIBULE_LOG_WARN" = level::WARN,
        "VESTIBULE_LOG_INFO" = level::INFO,
        "VESTIBULE_LOG_DEBUG" = level::DEBUG,
        "VESTIBULE_LOG_TRACE" = level::TRACE,
        "VESTIBULE_F_SERIAL" = flag::SERIAL,
        "VESTIBULE_F_IDENTITIES" = flag::IDENTITIES,
    }
    "vestibule_str" = Str, size 16 { ptr: 0, len: 8 }
    "vestibule_host" = Host, size 56 {
        struct_size: 0, abi_major: 4, abi_minor: 6,
        log: 8, log_enabled: 16, reply: 24, set_error: 32, set_ttl: 40, remaining_ms: 48,
    }
    "vestibule_permission_request" = PermissionRequest, size 56 {
        struct_size: 0, flags: 4, service: 8, user_id: 24, context_json: 40,
    }
    "vestibule_user_event" = UserEvent, size 40 {
        struct_size: 0, flags: 4, user_json: 8, context_json: 24,
    }
    "vestibule_plugin" = Plugin, size 144 {
        magic: 0, abi_major: 4, abi_minor: 6, struct_size: 8, flags: 12,
        name: 16, version: 32, build_info: 48, config_schema: 64,
        create: 80, destroy: 88, get_permissions: 96,
        on_new_user: 104, on_user_login: 112, on_user_logout: 120, health: 128, explain: 136,
    }
}
