/* Compiles only where the header has the layout of the file GOLDEN. C11 and C++17. */
#include "vestibule_plugin.h"

#ifdef __cplusplus
#define _Static_assert static_assert
#endif

#define CONSTANT(name, value) _Static_assert((long long)(name) == (value), "the value of " #name " has changed");
#define STRUCT(type, size) _Static_assert(sizeof(type) == (size), "the size of " #type " has changed");
#define FIELD(type, field, offset) \
    _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved");

#if UINTPTR_MAX == UINT64_MAX
#include GOLDEN
#endif
