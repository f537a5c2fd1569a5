/* SPDX-License-Identifier: Apache-2.0 */
#include "project.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ini_lines.h"
#include "number.h"

#define INI_MAX (1u << 20) /* bytes of hl.ini */

bool project_parse_size(const char *text, size_t *size)
{
    static const char units[] = "KMGT";
    bool hex = text[0] == '0' && text[1] == 'x';
    uint64_t n;
    unsigned shift = 0;
    const char *end = number_read(hex ? text + 2 : text, hex ? 16 : 10, UINT64_MAX, &n);
    if (!end)
        return false;
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        if (*end == 'i')
            end++;
        if (*end == 'B')
            end++;
    }
    /* 0 would mean the default, which is not what its author wants */
    if (*end || !n || n > (SIZE_MAX >> shift))
        return false;
    *size = (size_t)n << shift;
    return true;
}

bool project_parse_seconds(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    return end != text && !*end && isfinite(*seconds) && *seconds >= 0 && *seconds < 1e9;
}

struct reader {
    struct project *project;
    const char *path;
    struct ini ini;
    unsigned seen[16]; /* lines of the keys, in the order of keys[]; 0: not there */
    struct hl_error *error;
};

static int __attribute__((format(printf, 2, 3))) refuse(struct reader *r, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return hl_error_set(r->error, HL_ERR_ARGUMENT, "%s:%u: %s", r->path, r->ini.line, what);
}

static int bad_value(struct reader *r)
{
    return refuse(r, "bad value for %s: %s", r->ini.key, *r->ini.value ? r->ini.value : "(empty)");
}

static int set_path(struct reader *r, void *to)
{
    char **path = to;
    if (!*r->ini.value)
        return bad_value(r);
    *path = file_join(r->project->directory, r->ini.value);
    return *path ? 0 : hl_error_set(r->error, HL_ERR_MEMORY, "out of memory");
}

static int set_size(struct reader *r, void *to)
{
    return project_parse_size(r->ini.value, to) ? 0 : bad_value(r);
}

static int set_seconds(struct reader *r, void *to)
{
    return project_parse_seconds(r->ini.value, to) ? 0 : bad_value(r);
}

static int add_call(struct reader *r, void *to)
{
    struct project *p = r->project;
    char **call = realloc(p->call, (p->call_count + 1) * sizeof(*call));
    unsigned *line = realloc(p->call_line, (p->call_count + 1) * sizeof(*line));
    (void)to;
    p->call = call ? call : p->call;
    p->call_line = line ? line : p->call_line;
    if (!call || !line || !(call[p->call_count] = strdup(r->ini.value)))
        return hl_error_set(r->error, HL_ERR_MEMORY, "out of memory");
    line[p->call_count++] = r->ini.line;
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct reader *r, void *to);
    size_t at; /* in struct project */
    bool many; /* may be there more than once */
} keys[] = {
    {"guest", set_path, offsetof(struct project, guest), false},
    {"host", set_path, offsetof(struct project, host), false},
    {"heap", set_size, offsetof(struct project, heap), false},
    {"stack", set_size, offsetof(struct project, stack), false},
    {"input", set_size, offsetof(struct project, input), false},
    {"output", set_size, offsetof(struct project, output), false},
    {"image_max", set_size, offsetof(struct project, image_max), false},
    {"timeout", set_seconds, offsetof(struct project, timeout), false},
    {"call", add_call, 0, true},
};

static int take_entry(struct reader *r)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(r->ini.key, keys[i].name) != 0)
            continue;
        if (r->seen[i] && !keys[i].many)
            return refuse(r, "%s a second time; the first is in line %u", keys[i].name, r->seen[i]);
        r->seen[i] = r->ini.line;
        return keys[i].set(r, (char *)r->project + keys[i].at);
    }
    return refuse(r,
                  "unknown key %.80s (known: guest, host, heap, stack, input, output, "
                  "image_max, timeout, call)",
                  r->ini.key);
}

static int take_item(void *opaque, enum ini_item item, const struct ini *ini)
{
    struct reader *r = opaque;
    r->ini = *ini;
    switch (item) {
    case INI_ENTRY:
        return take_entry(r);
    case INI_SECTION:
        return strcmp(ini->section, "guest") == 0
                   ? 0
                   : refuse(r, "unknown section [%.80s] (known: [guest])", ini->section);
    case INI_BAD:
    default:
        return refuse(r, "not a line of the form key = value");
    }
}

static int read_ini(struct project *p, const char *path, struct hl_error *error)
{
    struct reader r = {.project = p, .path = path, .error = error};
    char *text;
    size_t len;
    int rc = file_read(path, INI_MAX, &text, &len, error);
    if (rc)
        return rc;
    rc = ini_read(text, len, take_item, &r);
    free(text);
    if (rc == HL_ERR_MEMORY)
        return hl_error_set(error, rc, "%s: out of memory", path);
    if (!rc && !p->guest)
        return hl_error_set(error, HL_ERR_ARGUMENT, "%s: no guest = PATH in it", path);
    return rc;
}

static int open_directory(struct project *p, const char *directory, struct hl_error *error)
{
    p->directory = strdup(directory);
    char *path = file_join(directory, "hl.ini");
    if (!p->directory || !path) {
        free(path);
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    }
    int rc;
    if (access(path, F_OK)) {
        rc = hl_error_set(error, HL_ERR_FILE, "%s: no hl.ini in this directory", directory);
        hl_error_hint(error, "name a guest file or a project; `hl-new NAME` makes one");
    } else {
        rc = read_ini(p, path, error);
    }
    free(path);
    return rc;
}

int project_open(struct project *project, const char *target, struct hl_error *error)
{
    struct stat st;
    *project = (struct project){0};
    if (!*target)
        return hl_error_set(error, HL_ERR_FILE, "the target's name is empty");
    if (stat(target, &st)) {
        hl_error_set(error, HL_ERR_FILE, "%s: %s", target, strerror(errno));
        return HL_ERR_FILE;
    }
    if (S_ISDIR(st.st_mode))
        return open_directory(project, target, error);
    project->guest = strdup(target);
    return project->guest ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}

void project_free(struct project *p)
{
    for (size_t i = 0; i < p->call_count; i++)
        free(p->call[i]);
    free(p->call);
    free(p->call_line);
    free(p->guest);
    free(p->host);
    free(p->directory);
    *p = (struct project){0};
}

int project_blame(const struct project *p, size_t call, struct hl_error *error)
{
    struct hl_error why = *error;
    hl_error_set(error, why.code, "%s/hl.ini:%u: %s", p->directory, p->call_line[call], why.text);
    hl_error_hint(error, "%s", why.hint);
    return why.code;
}

/* In the child: make's own output must not mix with the guest's. */
static void exec_make(const struct project *p, bool quiet)
{
    char *bin = file_own_directory();
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (bin)
        setenv("HL_BIN", bin, 0);
    /* As a child of some make, ours would wait for a job server it was not given. */
    unsetenv("MAKEFLAGS");
    unsetenv("MAKELEVEL");
    if (quiet)
        execlp("make", "make", "-s", "--no-print-directory", "-C", p->directory, (char *)NULL);
    else
        execlp("make", "make", "--no-print-directory", "-C", p->directory, (char *)NULL);
    _exit(127);
}

int project_build(const struct project *p, bool quiet, struct hl_error *error)
{
    int status;
    if (!p->directory)
        return 0;
    char *makefile = file_join(p->directory, "Makefile");
    bool has_makefile = makefile && access(makefile, F_OK) == 0;
    free(makefile);
    if (!has_makefile)
        return 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exec_make(p, quiet);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        return hl_error_set(error, HL_ERR_SYSTEM, "cannot start make: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return hl_error_set(error, HL_ERR_FILE, "%s: make was killed by signal %d", p->directory,
                            WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return hl_error_set(error, HL_ERR_FILE, "make is not installed");
    if (WEXITSTATUS(status))
        return hl_error_set(error, HL_ERR_FILE, "%s: make failed with status %d", p->directory,
                            WEXITSTATUS(status));
    return 0;
}
