/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace/stream.c - stdout and stderr replaced (GNU libc lets a program assign them) by streams that
 * notify the trace before they write.
 */
#include "trace_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "full_io.h"

static struct trace *notified;
static FILE *own, *was_stdout, *was_stderr; /* NULL: not taken */
static bool mid_line;

static ssize_t write_to(int fd, const char *data, size_t size)
{
    trace_text_interrupt(notified);
    mid_line = size && data[size - 1] != '\n';
    return write_full(fd, data, size) ? (ssize_t)size : 0; /* a cookie's way to fail */
}

static ssize_t write_stdout(void *cookie, const char *data, size_t size)
{
    (void)cookie;
    return write_to(STDOUT_FILENO, data, size);
}

static ssize_t write_stderr(void *cookie, const char *data, size_t size)
{
    (void)cookie;
    return write_to(STDERR_FILENO, data, size);
}

static bool same_file(int a, int b)
{
    struct stat one, two;
    return fstat(a, &one) == 0 && fstat(b, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

static FILE *replace(FILE **stream, cookie_write_function_t *function)
{
    FILE *before = *stream, *f = fopencookie(NULL, "w", (cookie_io_functions_t){.write = function});
    if (!f)
        return NULL;
    fflush(before);
    setvbuf(f, NULL, _IOLBF, 0);
    *stream = f;
    return before;
}

int trace_stream_take(struct trace *t, struct hl_error *error)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    own = fd < 0 ? NULL : fdopen(fd, "w");
    if (!own) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return hl_error_set(error, HL_ERR_SYSTEM, "no stream for the trace: %s", strerror(why));
    }
    notified = t;
    t->out = own;
    t->mid_line = &mid_line;
    t->shares_stdout = same_file(STDOUT_FILENO, STDERR_FILENO);
    was_stderr = replace(&stderr, write_stderr);
    was_stdout = t->shares_stdout ? replace(&stdout, write_stdout) : NULL;
    return 0;
}

static void put_back(FILE **stream, FILE **was)
{
    FILE *f = *stream;
    if (!*was)
        return;
    fflush(f);
    *stream = *was;
    *was = NULL;
    fclose(f);
}

bool trace_stream_give_back(void)
{
    put_back(&stdout, &was_stdout);
    put_back(&stderr, &was_stderr);
    bool whole = !own || !ferror(own);
    if (own && fclose(own))
        whole = false;
    own = NULL;
    return whole;
}
