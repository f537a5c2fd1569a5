/* SPDX-License-Identifier: Apache-2.0 */
#include "project.h"

#include <errno.h>
#include <ini.h>
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

bool project_parse_size(const char *text, size_t *size)
{
    static const char units[] = "KMGT";
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
    unsigned shift = 0;
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
    if (errno || *end || !n || n > (SIZE_MAX >> shift))
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

/* inih tells the line of the first error only afterwards: keep the words until then. */
struct reader {
    struct project *project;
    int rc;
    char what[256];
};

/* inih's handlers return 0 for an error at this line, 1 to go on. */
static int refuse(struct reader *r, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->what, sizeof(r->what), format, args);
    va_end(args);
    r->rc = code;
    return 0;
}

static int bad_value(struct reader *r, const char *name, const char *value)
{
    return refuse(r, HL_ERR_ARGUMENT, "bad value for %s: %s", name, value);
}

static int set_path(struct reader *r, char **path, const char *value)
{
    free(*path);
    *path = file_join(r->project->directory, value);
    return *path ? 1 : refuse(r, HL_ERR_MEMORY, "out of memory");
}

static int add_call(struct reader *r, const char *value)
{
    struct project *p = r->project;
    char **call = realloc(p->call, (p->call_count + 1) * sizeof(*call));
    if (call)
        p->call = call;
    if (!call || !(p->call[p->call_count] = strdup(value)))
        return refuse(r, HL_ERR_MEMORY, "out of memory");
    p->call_count++;
    return 1;
}

static int on_entry(void *opaque, const char *section, const char *name, const char *value)
{
    struct reader *r = opaque;
    struct project *p = r->project;
    const struct {
        const char *name;
        size_t *size;
    } sizes[] = {
        {"heap", &p->heap}, {"stack", &p->stack}, {"input", &p->input}, {"output", &p->output}};
    if (r->rc)
        return 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (strcmp(name, sizes[i].name) == 0)
            return project_parse_size(value, sizes[i].size) || bad_value(r, name, value);
    if (strcmp(name, "timeout") == 0)
        return project_parse_seconds(value, &p->timeout) || bad_value(r, name, value);
    if ((strcmp(name, "guest") == 0 || strcmp(name, "host") == 0) && !*value)
        return bad_value(r, name, "(empty)");
    if (strcmp(name, "guest") == 0)
        return set_path(r, &p->guest, value);
    if (strcmp(name, "host") == 0)
        return set_path(r, &p->host, value);
    if (strcmp(name, "call") == 0)
        return add_call(r, value);
    (void)section; /* one section is enough; its name is the author's */
    return refuse(r, HL_ERR_ARGUMENT,
                  "unknown key %s (known: guest, host, heap, stack, input, output, timeout, call)",
                  name);
}

static int read_ini(struct project *p, const char *path, struct hl_error *error)
{
    struct reader r = {.project = p};
    /* A call may be long and have " ;" in a string: comments stand on lines of their own. */
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_max_line = 1 << 20;
    char *text;
    size_t len;
    int rc = file_read(path, 1 << 20, &text, &len, error);
    if (rc)
        return rc;
    int line = strlen(text) == len ? ini_parse_string(text, on_entry, &r) : 1;
    free(text);
    if (r.rc)
        return hl_error_set(error, r.rc, "%s:%d: %s", path, line, r.what);
    if (line)
        return hl_error_set(error, HL_ERR_ARGUMENT, "%s:%d: not a line of the form key = value",
                            path, line > 0 ? line : 1);
    if (!p->guest)
        return hl_error_set(error, HL_ERR_ARGUMENT, "%s: no guest = PATH in it", path);
    return 0;
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
    free(p->guest);
    free(p->host);
    free(p->directory);
    *p = (struct project){0};
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
        return hl_error_set(error, HL_ERR_FILE, "%s: make was ended by signal %d", p->directory,
                            WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return hl_error_set(error, HL_ERR_FILE, "make is not installed");
    if (WEXITSTATUS(status))
        return hl_error_set(error, HL_ERR_FILE, "%s: make failed with status %d", p->directory,
                            WEXITSTATUS(status));
    return 0;
}
