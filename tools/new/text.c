/* SPDX-License-Identifier: Apache-2.0 */
#include "new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "full_io.h"
#include "grow.h"

static int reserve(struct new_text *text, size_t more)
{
    size_t need;
    char *data = NULL;

    if (!__builtin_add_overflow(text->len, more, &need) && need != SIZE_MAX)
        data = array_grow(text->data, &text->size, need + 1, 1);
    if (!data)
        return new_error(NEW_SYSTEM, "out of memory");
    text->data = data;
    return 0;
}

int new_text_add(struct new_text *text, const void *data, size_t len)
{
    int status = reserve(text, len);
    if (status)
        return status;
    if (len)
        memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
    return 0;
}

int new_text_puts(struct new_text *text, const char *string)
{
    return new_text_add(text, string, strlen(string));
}

static int read_all(struct new_text *text, int fd, const char *path, size_t max)
{
    size_t start = text->len;
    for (;;) {
        char block[16384];
        size_t n = read_full(fd, block, sizeof(block));
        int status;

        if (n < sizeof(block) && errno)
            return new_error_errno("cannot read %s", path);
        if (n > max - (text->len - start))
            return new_error(NEW_USER, "%s is too large for a template (over %zu bytes)", path,
                             max);
        status = new_text_add(text, block, n);
        if (status || n == 0)
            return status;
    }
}

int new_text_read(struct new_text *text, const char *path, size_t max)
{
    /* O_NONBLOCK: a FIFO in the template is refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int status;

    if (fd < 0)
        return new_error_errno("cannot open %s", path);
    if (fstat(fd, &st))
        status = new_error_errno("cannot read %s", path);
    else if (!S_ISREG(st.st_mode))
        status = new_error(NEW_USER, "%s is neither a file nor a directory", path);
    else
        status = read_all(text, fd, path, max);
    close(fd);
    return status;
}

void new_text_free(struct new_text *text)
{
    free(text->data);
    *text = (struct new_text){0};
}
