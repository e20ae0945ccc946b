/* A plugin of version 1.1 with every operation and every flag, compiled with the header of that version. */
#include "vestibule_plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct museum {
    const vestibule_host *host;
    vestibule_logger *logger;
    int unwell;
};

static int has(vestibule_str text, const char *part) {
    size_t length = strlen(part);
    for (size_t at = 0; at + length <= text.len; at++)
        if (memcmp(text.ptr + at, part, length) == 0) return 1;
    return 0;
}

static int is(vestibule_str text, const char *other) {
    return text.len == strlen(other) && has(text, other);
}

static vestibule_str text(const char *text) {
    return (vestibule_str){ text, strlen(text) };
}

static int32_t create(const vestibule_host *host, vestibule_logger *logger, vestibule_call *call,
                      vestibule_str alias, vestibule_str config_json, void **self) {
    if (host->abi_major != VESTIBULE_ABI_MAJOR || host->abi_minor < VESTIBULE_ABI_MINOR) return VESTIBULE_FATAL;
    if (host->struct_size < sizeof *host) return VESTIBULE_FATAL;
    if (host->log_enabled(logger, VESTIBULE_LOG_INFO)) host->log(logger, VESTIBULE_LOG_INFO, alias, text("{}"));
    if (has(config_json, "\"refuse\"")) {
        host->set_error(call, text("it refuses"));
        return VESTIBULE_FATAL;
    }
    struct museum *museum = malloc(sizeof *museum);
    if (!museum) return VESTIBULE_RETRY;
    *museum = (struct museum){ host, logger, has(config_json, "\"unwell\"") };
    *self = museum;
    return VESTIBULE_OK;
}

static int32_t failed(struct museum *museum, vestibule_call *call, int32_t code, const char *why) {
    museum->host->set_error(call, text(why));
    return code;
}

static int32_t answer(struct museum *museum, vestibule_call *call, const vestibule_permission_request *request,
                      const char *form) {
    if (is(request->user_id, "retry")) return failed(museum, call, VESTIBULE_RETRY, "later");
    if (is(request->user_id, "deny")) return failed(museum, call, VESTIBULE_DENY, "not you");
    if (is(request->user_id, "fatal")) return failed(museum, call, VESTIBULE_FATAL, "broken");
    if (is(request->user_id, "silent")) return VESTIBULE_NO_OPINION;
    if (is(request->user_id, "panic")) return failed(museum, call, VESTIBULE_PANIC, "an exception");
    if (museum->host->remaining_ms(call) <= 0) return failed(museum, call, VESTIBULE_RETRY, "too late");
    if (!has(request->context_json, "\"identities\":[")) return failed(museum, call, VESTIBULE_FATAL, "no identities");
    museum->host->set_ttl(call, 60);
    char json[512];
    int length = snprintf(json, sizeof json, form, (int)request->service.len, request->service.ptr,
                          (int)request->user_id.len, request->user_id.ptr,
                          has(request->context_json, "Ada Lovelace") ? "true" : "false");
    return museum->host->reply(call, (vestibule_str){ json, (size_t)length });
}

static int32_t get_permissions(void *self, vestibule_call *call, const vestibule_permission_request *request) {
    return answer(self, call, request, "{\"service\":\"%.*s\",\"user\":\"%.*s\",\"named\":%s}");
}

static int32_t explain(void *self, vestibule_call *call, const vestibule_permission_request *request) {
    return answer(self, call, request, "{\"permissions\":{\"service\":\"%.*s\",\"user\":\"%.*s\",\"named\":%s},"
                                       "\"because\":[{\"rule\":\"museum\",\"gave\":[],\"text\":\"it always did\"}]}");
}

static int32_t on_new_user(void *self, vestibule_call *call, const vestibule_user_event *event) {
    (void)event;
    return ((struct museum *)self)->host->reply(call, text("{\"attributes\":{\"museum\":\"new\"}}"));
}

static int32_t on_user_login(void *self, vestibule_call *call, const vestibule_user_event *event) {
    (void)event;
    return ((struct museum *)self)->host->reply(call, text("{\"attributes\":{\"museum\":\"login\"}}"));
}

static int32_t on_user_logout(void *self, vestibule_call *call, const vestibule_user_event *event) {
    struct museum *museum = self;
    (void)call;
    museum->host->log(museum->logger, VESTIBULE_LOG_INFO, text("signed out"), event->context_json);
    return VESTIBULE_OK;
}

static int32_t health(void *self, vestibule_call *call) {
    struct museum *museum = self;
    return museum->unwell ? failed(museum, call, VESTIBULE_FATAL, "unwell") : VESTIBULE_OK;
}

static const vestibule_plugin plugin = {
    .magic = VESTIBULE_ABI_MAGIC, .abi_major = VESTIBULE_ABI_MAJOR, .abi_minor = VESTIBULE_ABI_MINOR,
    .struct_size = sizeof(vestibule_plugin), .flags = VESTIBULE_F_SERIAL | VESTIBULE_F_IDENTITIES,
    .name = VESTIBULE_LITERAL("museum-c-1-1"), .version = VESTIBULE_LITERAL("0.1.0"),
    .config_schema = VESTIBULE_LITERAL("{}"),
    .create = create, .destroy = free, .get_permissions = get_permissions, .on_new_user = on_new_user,
    .on_user_login = on_user_login, .on_user_logout = on_user_logout, .health = health, .explain = explain,
};

const vestibule_plugin *vestibule_plugin_v1(void) { return &plugin; }
