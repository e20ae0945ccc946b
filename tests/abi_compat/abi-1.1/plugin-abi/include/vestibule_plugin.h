/*
 * vestibule_plugin.h - the plugin ABI of Vestibule, major version 1.
 *
 * A plugin is a shared library that exports one function, vestibule_plugin_v1. It returns a table that says what the
 * plugin is called and which operations it provides. Everything else is reached through that table and through the
 * table that the host hands to create().
 *
 * Three rules carry the whole interface:
 *
 *   Memory   Whoever allocates frees. Arguments are borrowed: they may be read until the function that got them
 *            returns. A plugin answers by calling host->reply, which copies. Nothing is ever freed across the border.
 *   Growth   Members are only ever appended. Every struct opens with, or contains, its own size, and each side reads
 *            no further than the smaller of the two sizes. A member that is absent counts as zero.
 *   Failure  Whatever is not understood is a failure: an unknown code, an unknown flag, a missing answer.
 *
 * A plugin runs inside the process of the host, with all of its rights. docs/plugins/ explains the rest.
 */
#ifndef VESTIBULE_PLUGIN_H
#define VESTIBULE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the memory of a little-endian machine these are the letters VSTB. */
#define VESTIBULE_ABI_MAGIC 0x42545356u
#define VESTIBULE_ABI_MAJOR 1
#define VESTIBULE_ABI_MINOR 1

#if defined(__GNUC__) || defined(__clang__)
#define VESTIBULE_EXPORT __attribute__((visibility("default")))
#else
#define VESTIBULE_EXPORT
#endif

/* UTF-8 text of len bytes. It is not terminated by NUL. A len of 0 means that there is no text; ptr may then be NULL. */
typedef struct vestibule_str {
    const char *ptr;
    size_t len;
} vestibule_str;

/* Initialises a vestibule_str from a string literal. */
#define VESTIBULE_LITERAL(text) { (text), sizeof(text) - 1 }

/* What an operation returns. Any other number counts as VESTIBULE_FATAL. */
enum {
    VESTIBULE_OK = 0,         /* done; the answer, if any, was given by reply */
    VESTIBULE_NO_OPINION = 1, /* this plugin has nothing to say about the user; not the same as an empty answer */
    VESTIBULE_DENY = 2,       /* the user is refused; heeded only where the operator allows it */
    VESTIBULE_RETRY = 3,      /* the failure may pass: a database is away, a limit is reached */
    VESTIBULE_FATAL = 4,      /* the failure stays until somebody mends it */
    VESTIBULE_PANIC = 5       /* the plugin caught a panic or an exception of its own */
};

/* Levels of the log. Any other number counts as VESTIBULE_LOG_ERROR. */
enum {
    VESTIBULE_LOG_ERROR = 1,
    VESTIBULE_LOG_WARN = 2,
    VESTIBULE_LOG_INFO = 3,
    VESTIBULE_LOG_DEBUG = 4,
    VESTIBULE_LOG_TRACE = 5
};

/* Set in vestibule_plugin.flags. A host refuses a plugin that sets a flag which it does not know. */
/* The host never makes two calls of one instance at once. */
#define VESTIBULE_F_SERIAL 1u
/* Since 1.1: context_json of a permission request also says what the host knows of the person's identities. */
#define VESTIBULE_F_IDENTITIES 2u

/* One operation in progress. Belongs to the host; for the thread that runs the operation, until it returns. */
typedef struct vestibule_call vestibule_call;

/* The log of one instance. Belongs to the host; for any thread, as long as the process lives. */
typedef struct vestibule_logger vestibule_logger;

/* What the host offers. Lives as long as the process. No pointer is NULL. */
typedef struct vestibule_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /* Writes a message. fields_json is a JSON object with details, or empty. Long texts are cut. */
    void (*log)(vestibule_logger *logger, int32_t level, vestibule_str message, vestibule_str fields_json);
    /* Not 0 when a message of this level would be written. */
    int32_t (*log_enabled)(vestibule_logger *logger, int32_t level);
    /* Gives the answer: a JSON object. At most once a call. Not VESTIBULE_OK: the host refused it, the call has failed. */
    int32_t (*reply)(vestibule_call *call, vestibule_str json_object);
    /* Says what went wrong, for the operator. People who sign in never read it. The last one counts. */
    void (*set_error)(vestibule_call *call, vestibule_str message);
    /* Says how long the answer may be used again. Without it: not at all. A host may use it for less long, or not. */
    void (*set_ttl)(vestibule_call *call, uint32_t seconds);
    /* How long the host still waits, in milliseconds. 0 or less: nobody waits any more, so return. */
    int64_t (*remaining_ms)(vestibule_call *call);
} vestibule_host;

/*
 * A user wants a permission token. context_json: {"user":{...}}, and with VESTIBULE_F_IDENTITIES also verified_emails,
 * identities and roles. Members that are not known are to be ignored.
 */
typedef struct vestibule_permission_request {
    uint32_t struct_size;
    uint32_t flags;
    vestibule_str service;
    vestibule_str user_id;
    vestibule_str context_json;
} vestibule_permission_request;

/* Something happened to a user. user_json: an object; context_json: an object, empty for now. */
typedef struct vestibule_user_event {
    uint32_t struct_size;
    uint32_t flags;
    vestibule_str user_json;
    vestibule_str context_json;
} vestibule_user_event;

/*
 * What a plugin is. Static and constant.
 *
 * After create has returned, every operation may run on any thread of the host, several at once (but see
 * VESTIBULE_F_SERIAL), on a stack of 2 MiB or more. destroy runs after the last operation, once for each successful
 * create, or not at all when the process ends first. An operation that is NULL is not provided; create and at least one
 * of get_permissions and the three on_... must be there. A plugin installs no signal handlers, does not fork, does
 * not end the process and does not change the environment. No exception leaves an operation.
 */
typedef struct vestibule_plugin {
    uint32_t magic;        /* VESTIBULE_ABI_MAGIC */
    uint16_t abi_major;    /* VESTIBULE_ABI_MAJOR */
    uint16_t abi_minor;    /* the least minor version of the host that the plugin can work with */
    uint32_t struct_size;  /* sizeof(vestibule_plugin) */
    uint32_t flags;        /* VESTIBULE_F_... */
    vestibule_str name;
    vestibule_str version;
    vestibule_str build_info;    /* compiler, options; for the operator; may be empty */
    vestibule_str config_schema; /* a JSON Schema of the configuration; may be empty */

    /* Makes an instance. config_json is an object. On VESTIBULE_OK, *self is what the other functions get; NULL is fine. */
    int32_t (*create)(const vestibule_host *host, vestibule_logger *logger, vestibule_call *call,
                      vestibule_str alias, vestibule_str config_json, void **self);
    /* Ends an instance. */
    void (*destroy)(void *self);
    /* Answers the permissions of a user for a service. VESTIBULE_OK without a reply is a failure. */
    int32_t (*get_permissions)(void *self, vestibule_call *call, const vestibule_permission_request *request);
    /* A user was made, signed in, signed out. The reply, if any, is a merge patch (RFC 7396) to the user. */
    int32_t (*on_new_user)(void *self, vestibule_call *call, const vestibule_user_event *event);
    int32_t (*on_user_login)(void *self, vestibule_call *call, const vestibule_user_event *event);
    int32_t (*on_user_logout)(void *self, vestibule_call *call, const vestibule_user_event *event);
    /* Is the instance able to work? Anything but VESTIBULE_OK says no; set_error says why. */
    int32_t (*health)(void *self, vestibule_call *call);
    /*
     * Since 1.1. The same answer as get_permissions, and why, for the operator: {"permissions":{...},"because":[...]},
     * with a {"rule":"...","gave":{...} or [...],"text":"..."} for each rule that had a part in it. Only beside get_permissions.
     */
    int32_t (*explain)(void *self, vestibule_call *call, const vestibule_permission_request *request);
} vestibule_plugin;

/* The one symbol that a plugin exports. Without side effects; always returns the same static table. */
VESTIBULE_EXPORT const vestibule_plugin *vestibule_plugin_v1(void);

#ifdef __cplusplus
}
#endif

#endif
