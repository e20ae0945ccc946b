/* Stands in front of the C library and lets the disk fail under the files of one program.
 *
 * DISK_SHIM_FILES is how the paths of those files begin. DISK_SHIM_CONTROL names a file with a struct control, which is
 * mapped, so that whoever writes it changes the disk of the running program. DISK_SHIM_DURABLE names a folder that
 * gets a copy of a file whenever the program has waited for it to reach the disk: what a power loss would leave. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault { NONE, FULL, BROKEN, READ_ONLY, BROKEN_SYNC };

struct control {
    int32_t fault;
    int32_t unused;
    uint64_t syncs;
};

static struct control *control;
static const char *files;
static const char *durable;

static const char *copy_of(const char *variable)
{
    const char *value = getenv(variable);
    return value ? strdup(value) : NULL;
}

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("DISK_SHIM_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    /* Copies: the program wipes its environment. */
    files = copy_of("DISK_SHIM_FILES");
    durable = copy_of("DISK_SHIM_DURABLE");
    if (page != MAP_FAILED && files)
        control = page;
}

static int32_t fault(void)
{
    return control ? __atomic_load_n(&control->fault, __ATOMIC_SEQ_CST) : NONE;
}

/* The path behind a descriptor, if it is one of the files. */
static int is_ours(int file, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strncmp(path, files, strlen(files)) == 0;
}

/* The error that a change of this file meets, or 0. */
static int obstacle(int file)
{
    char path[PATH_MAX];
    int32_t now = fault();
    if (now == NONE || now == BROKEN_SYNC || !is_ours(file, path))
        return 0;
    return now == FULL ? ENOSPC : now == READ_ONLY ? EROFS : EIO;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    int error = obstacle(file);
    if (error) {
        errno = error;
        return -1;
    }
    return syscall(SYS_write, file, bytes, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    int error = obstacle(file);
    if (error) {
        errno = error;
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, count, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(file, bytes, count, offset);
}

int ftruncate64(int file, off64_t length)
{
    int error = obstacle(file);
    if (error == ENOSPC)
        error = 0; /* Making a file shorter needs no room. */
    if (error) {
        errno = error;
        return -1;
    }
    return syscall(SYS_ftruncate, file, length);
}

int ftruncate(int file, off_t length)
{
    return ftruncate64(file, length);
}

static int open_any(int folder, const char *path, int flags, va_list arguments)
{
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    int changes = flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
    if (fault() == READ_ONLY && changes && strncmp(path, files, strlen(files)) == 0) {
        int is_taken = flags & O_EXCL && access(path, F_OK) == 0;
        errno = is_taken ? EEXIST : EROFS;
        return -1;
    }
    return syscall(SYS_openat, folder, path, flags, mode);
}

#define OPEN(name, ...)                                                                                                \
    {                                                                                                                  \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        int file = open_any(__VA_ARGS__, path, flags, arguments);                                                      \
        va_end(arguments);                                                                                             \
        return file;                                                                                                   \
    }

int open(const char *path, int flags, ...) OPEN(open, AT_FDCWD)
int open64(const char *path, int flags, ...) OPEN(open64, AT_FDCWD)
int openat(int folder, const char *path, int flags, ...) OPEN(openat, folder)
int openat64(int folder, const char *path, int flags, ...) OPEN(openat64, folder)

/* What is in the file now is what the disk has. The copy appears as a whole. The file is not opened anew for it: closing it
 * again would drop the program's locks on it. */
static void keep_copy(int file, const char *path)
{
    char bytes[65536], part[PATH_MAX], whole[PATH_MAX];
    const char *name = strrchr(path, '/') + 1;
    if (snprintf(part, sizeof part, "%s/.%s.%d", durable, name, gettid()) >= PATH_MAX)
        return;
    snprintf(whole, sizeof whole, "%s/%s", durable, name);
    int to = syscall(SYS_openat, AT_FDCWD, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t count;
    for (off64_t at = 0; (count = pread64(file, bytes, sizeof bytes, at)) > 0; at += count)
        if (syscall(SYS_write, to, bytes, count) != count)
            abort();
    close(to);
    rename(part, whole);
}

static int sync_with(long call, int file)
{
    char path[PATH_MAX];
    int ours = control && is_ours(file, path);
    if (ours && (fault() == BROKEN_SYNC || fault() == BROKEN)) {
        errno = EIO;
        return -1;
    }
    if (syscall(call, file) != 0)
        return -1;
    if (ours) {
        if (durable)
            keep_copy(file, path);
        __atomic_add_fetch(&control->syncs, 1, __ATOMIC_SEQ_CST);
    }
    return 0;
}

int fsync(int file)
{
    return sync_with(SYS_fsync, file);
}

int fdatasync(int file)
{
    return sync_with(SYS_fdatasync, file);
}

/* A name that is removed is taken to stay removed. */
int unlink(const char *path)
{
    char copy[PATH_MAX];
    const char *name = strrchr(path, '/');
    if (control && durable && name && strncmp(path, files, strlen(files)) == 0) {
        snprintf(copy, sizeof copy, "%s%s", durable, name);
        syscall(SYS_unlinkat, AT_FDCWD, copy, 0);
    }
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
