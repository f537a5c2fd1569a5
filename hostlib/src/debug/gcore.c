/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/gcore.c - `monitor gcore`: a core file on the host.
 *
 * A debugger owns the guest, not the host's account: it can only create a new file, in the one
 * directory that the program chose, and never a hidden one.
 */
#include "debug_monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "utf8.h"

int debug_core_open(struct hl_debug *d, struct hl_error *error)
{
    const char *path = d->config.core_directory;
    d->config.core_directory = NULL; /* valid only during the call */
    d->core_directory = open(path ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (d->core_directory >= 0 || !path)
        return 0; /* without a current directory only `gcore` fails */
    return hl_error_set(error, HL_ERR_ARGUMENT, "%s: no directory for core files: %m", path);
}

void debug_core_close(struct hl_debug *d)
{
    if (d->core_directory >= 0)
        close(d->core_directory);
}

/* The name of the directory; the debugger's user may not know it, as it is on the host. */
static const char *directory_name(const struct hl_debug *d, char *name, size_t room)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", d->core_directory);
    ssize_t n = readlink(link, name, room - 1);
    snprintf(name + (n > 0 ? n : 0), room - (size_t)(n > 0 ? n : 0), "%s", n > 0 ? "" : ".");
    return name;
}

/*
 * The name may begin with the directory, as we name it, or with "./": returns what follows it, or
 * NULL.  A path given by a debugger is never looked up, as even that may mount a file system, or
 * block.
 */
static const char *name_inside(const char *directory, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return path;
    size_t n = (size_t)(slash - path);
    bool ours = (n == 1 && *path == '.') ||
                (n == strlen(directory) && strncmp(path, directory, n) == 0) ||
                (n == 0 && strcmp(directory, "/") == 0);
    return ours ? slash + 1 : NULL;
}

/* Names that a shell, or a program that lists the directory, would misread. */
static bool is_plain(const char *name)
{
    size_t n = strlen(name);
    return n && *name != '.' && *name != '-' && utf8_escape(NULL, 0, name, n) == n;
}

int debug_on_gcore(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    struct hl_error error;
    char directory[1024];
    siginfo_t info;
    if (d->core_directory < 0)
        return debug_refuse(p, "gcore", "the host has no directory for it");
    const char *name = name_inside(directory_name(d, directory, sizeof(directory)), args);
    if (!name) {
        debug_say(p, "gcore: %.200s: only a new file in %.200s can be written\n", args, directory);
        return REPORTED;
    }
    if (!is_plain(name))
        return debug_refuse(p, "gcore",
                            "takes the name of a new file that does not begin with '.' or '-'");
    if (debug_siginfo(d, &info))
        memset(&info, 0, sizeof(info));
    if (core_write_new(d->sb, &info, d->core_directory, name, &error))
        return debug_refuse(p, "gcore", error.text);
    debug_say(p, "written: %.400s/%.100s\n", directory, name);
    return 0;
}
