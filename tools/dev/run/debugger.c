/* SPDX-License-Identifier: Apache-2.0 */
#include "debugger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quote.h"
#include "ui.h"

static bool is_stdio(const struct options *o)
{
    return o->gdb && o->endpoint && strcmp(o->endpoint, "stdio") == 0;
}

/*
 * Under GDB's `target remote | hl-dev ...` stderr is a socket that GDB stops reading when it waits
 * for us to end: then what does not fit is lost, rather than both of us.
 */
static void drop_what_nobody_reads(void)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode))
        fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK);
}

/* Plug-ins and libraries print, too: the protocol moves away, and stdout becomes stderr. */
int debugger_take_streams(struct session *s, struct hl_error *error)
{
    s->debug_in = s->debug_out = -1;
    if (!is_stdio(s->options))
        return 0;
    s->debug_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    s->debug_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (s->debug_in < 0 || s->debug_out < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        if (null >= 0)
            close(null);
        return hl_error_set(error, HL_ERR_SYSTEM, "cannot move the standard streams: %s",
                            strerror(errno));
    }
    close(null);
    drop_what_nobody_reads();
    return 0;
}

bool debugger_has_console(const struct session *s)
{
    return (s->options->under_gdb || is_stdio(s->options)) && s->sandbox &&
           hl_sandbox_debug_attached(s->sandbox);
}

static int unknown_place(const struct session *s, const char *name, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_NO_FUNCTION, "%s: no function %s to stop at", s->project.guest,
                 name);
    hl_error_hint(error,
                  "--stop-at takes entry, main, none or a function; a stripped guest has none");
    return HL_ERR_NO_FUNCTION;
}

#define CANDIDATES 64

/* Names and lines of what it can be, as many as the hint has room for. */
static int many_places(const struct session *s, struct hl_symbols *symbols, const char *name,
                       const hl_gva_t *entry, size_t count, struct hl_error *error)
{
    char list[sizeof(error->hint) - 64] = "";
    size_t used = 0, shown = 0;
    for (; shown < count && shown < CANDIDATES; shown++) {
        struct hl_location l;
        hl_symbols_find(symbols, entry[shown], &l);
        const char *slash = l.file ? strrchr(l.file, '/') : NULL;
        int n = snprintf(list + used, sizeof(list) - used, "%s%s (%s:%d)", shown ? ", " : "",
                         l.function ? l.function : "?",
                         slash    ? slash + 1
                         : l.file ? l.file
                                  : "?",
                         l.line);
        if (n < 0 || (size_t)n >= sizeof(list) - used)
            break;
        used += (size_t)n;
    }
    list[used] = '\0';
    hl_error_set(error, HL_ERR_NO_FUNCTION, "%s: %zu functions are called %s", s->project.guest,
                 count, name);
    hl_error_hint(error, "write more of it, or FILE:FUNCTION: %s%s", list,
                  shown < count ? ", ..." : "");
    return HL_ERR_NO_FUNCTION;
}

/* `FILE:FUNCTION`, as gdb has it: keep those of the file.  Returns FUNCTION, or name itself. */
static const char *split_file(const char *name, size_t *file)
{
    const char *colon = strchr(name, ':');
    *file = colon && colon[1] != ':' && colon > name ? (size_t)(colon - name) : 0;
    return *file ? colon + 1 : name;
}

static size_t of_file(struct hl_symbols *symbols, const char *file, size_t length, hl_gva_t *entry,
                      size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct hl_location l;
        size_t all = hl_symbols_find(symbols, entry[i], &l) && l.file ? strlen(l.file) : 0;
        if (all >= length && memcmp(l.file + all - length, file, length) == 0 &&
            (all == length || l.file[all - length - 1] == '/'))
            entry[kept++] = entry[i];
    }
    return kept;
}

/* Where the guest's function is, by the name that its author, or the symbol table, has for it. */
static int find_function(const struct session *s, struct hl_symbols *symbols, const char *name,
                         hl_gva_t *at, struct hl_error *error)
{
    hl_gva_t entry[CANDIDATES];
    size_t file, count;
    const char *function = split_file(name, &file);
    count = hl_symbols_match(symbols, function, entry, CANDIDATES);
    if (file)
        count = of_file(symbols, name, file, entry, count < CANDIDATES ? count : CANDIDATES);
    if (count > 1)
        return many_places(s, symbols, name, entry, count, error);
    *at = count ? hl_symbols_after_prologue(symbols, entry[0]) : 0;
    return 0;
}

static int find_place(const struct session *s, struct hl_symbols *symbols,
                      struct hl_debug_config *config, struct hl_error *error)
{
    const char *name = s->options->stop_at;
    const struct hl_function *f = NULL;
    int index = !name && s->expr_count ? (int)s->expr[0].function
                : name                 ? hl_image_find(s->image, name)
                                       : -1;
    if (index >= 0)
        f = hl_image_function(s->image, (size_t)index);
    config->hold = HL_HOLD_ADDRESS;
    if (f) {
        config->hold_at = hl_symbols_after_prologue(symbols, f->entry);
        config->hold_at = config->hold_at ? config->hold_at : f->entry;
        return 0;
    }
    int rc = find_function(s, symbols, name ? name : "main", &config->hold_at, error);
    if (rc || config->hold_at)
        return rc;
    if (name)
        return unknown_place(s, name, error);
    ui_warning("cannot find main; stopping at the guest's first instruction");
    config->hold = HL_HOLD_ENTRY;
    return 0;
}

static int set_hold(const struct session *s, struct hl_debug_config *config, struct hl_error *error)
{
    const char *name = s->options->stop_at;
    struct hl_symbols *symbols;
    if (name && strcmp(name, "none") == 0)
        return 0;
    config->created = true;
    if (name && strcmp(name, "entry") == 0) {
        config->hold = HL_HOLD_ENTRY;
        return 0;
    }
    int rc = hl_symbols_open(&symbols, s->image, error);
    if (rc)
        return rc;
    rc = find_place(s, symbols, config, error);
    hl_symbols_close(symbols);
    return rc;
}

static void add_hint(int rc, struct hl_error *error)
{
    if (!error || error->hint[0])
        return;
    if (rc == HL_ERR_ARGUMENT)
        hl_error_hint(error,
                      "stdio, unix:PATH or tcp:[HOST:]PORT on this machine (else use ssh -L)");
    else if (rc == HL_ERR_STATE)
        hl_error_hint(error,
                      "--gdb without a value picks a free place; `hl-dev ps` lists those in use");
}

int debugger_serve(struct session *s, struct hl_error *error)
{
    struct hl_debug_config config = HL_DEBUG_CONFIG_INIT;
    int rc = set_hold(s, &config, error);
    if (rc)
        return rc;
    config.fds = is_stdio(s->options);
    config.fd_in = s->debug_in;
    config.fd_out = s->debug_out;
    rc = hl_sandbox_debug(s->sandbox, s->options->endpoint, &config, error);
    if (rc)
        add_hint(rc, error);
    else if (s->served)
        rc = s->served(s, error);
    return rc;
}

int debugger_announce(struct session *s, struct hl_error *error)
{
    const char *remote = hl_sandbox_debug_remote(s->sandbox);
    const char *at = s->options->stop_at;
    char *full, command[1024];
    (void)error;
    if (is_stdio(s->options))
        return 0;
    /* It is typed in another terminal, and perhaps in another directory. */
    full = strncmp(hl_sandbox_debug_endpoint(s->sandbox), "unix:", 5) == 0 ? realpath(remote, NULL)
                                                                           : NULL;
    snprintf(command, sizeof(command), "target remote %s", full ? full : remote);
    free(full);
    fflush(stdout);
    fputs(at && strcmp(at, "none") == 0
              ? "hl-dev: gdb can attach at any time, in another terminal:\n"
              : "hl-dev: waiting for gdb, in another terminal:\n",
          stderr);
    char *word = quote_word(command);
    fprintf(stderr, "  gdb -ex %s\n", word ? word : command);
    free(word);
    return 0;
}
