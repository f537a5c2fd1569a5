/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/file.c - copy the bytes of a guest file, once.
 *
 * Everything that is checked, mapped or passed to symbolisers is the copy: changes to the file
 * during or after the copy do not affect what was checked.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_errno.h"
#include "retry.h"

#define CHUNK (256u << 10)
/* Up to e_type. */
#define HEAD_SIZE (offsetof(Elf64_Ehdr, e_type) + sizeof(Elf64_Half))

/* Holes of the file stay holes of the copy. */
static size_t next_data(int fd, size_t at, size_t size)
{
    off_t data = lseek(fd, (off_t)at, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? size : at; /* no holes known */
    return (size_t)data < size ? (size_t)data : size;
}

static int no_memory(const char *name, struct hl_error *error)
{
    return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", name);
}

/* Into the buffer, or directly to the destination. */
static int read_data(int fd, const char *path, struct memfile *bytes, uint8_t *buffer,
                     struct hl_error *error)
{
    for (size_t at = next_data(fd, 0, bytes->size); at < bytes->size;) {
        size_t left = bytes->size - at;
        uint8_t *to = buffer ? buffer : bytes->data + at;
        ssize_t n = RETRY(pread(fd, to, left < CHUNK ? left : CHUNK, (off_t)at));
        if (n <= 0)
            return error_file(error, path, n ? errno : EIO);
        if (buffer && !memfile_put(bytes, at, buffer, (size_t)n))
            return no_memory(path, error);
        at = next_data(fd, at + (size_t)n, bytes->size);
    }
    return 0;
}

static int read_all(int fd, const char *path, struct memfile *bytes, struct hl_error *error)
{
    struct stat st;
    /* Plain memory needs no holes. */
    uint8_t *buffer = bytes->fd < 0 ? NULL : malloc(CHUNK);
    if (bytes->fd >= 0 && !buffer)
        return no_memory(path, error);
    int rc = read_data(fd, path, bytes, buffer, error);
    free(buffer);
    /* A hole looks the same as the end of a file that was truncated. */
    if (!rc && (fstat(fd, &st) || (uint64_t)st.st_size < bytes->size))
        rc = error_file(error, path, EIO);
    return rc;
}

/* A PIE is mapped from its relocated copy instead. */
static bool is_mapped(const uint8_t *head, size_t size)
{
    Elf64_Half type;
    memcpy(&type, head + offsetof(Elf64_Ehdr, e_type), sizeof(type));
    return size >= IMAGE_MAP_MIN && type == ET_EXEC;
}

static int new_bytes(const char *name, const uint8_t *head, size_t size, struct memfile *bytes,
                     struct hl_error *error)
{
    if (size < HEAD_SIZE || memcmp(head, ELFMAG, SELFMAG) != 0)
        return hl_error_set(error, HL_ERR_NOT_GUEST, "%s: not an ELF file", name);
    return memfile_new(bytes, "hl-image", size, is_mapped(head, size)) ? 0 : no_memory(name, error);
}

static int check_size(const char *name, uint64_t size, uint64_t max, struct hl_error *error)
{
    const char *bound = max < HL_IMAGE_FILE_MAX ? "image_max" : "HL_IMAGE_FILE_MAX";
    if (max > HL_IMAGE_FILE_MAX)
        max = HL_IMAGE_FILE_MAX;
    if (size <= max)
        return 0;
    return hl_error_set(error, HL_ERR_LIMIT, "%s: a file of %llu KiB, more than the %llu of %s",
                        name, (unsigned long long)size >> 10, (unsigned long long)max >> 10, bound);
}

static int read_regular(int fd, const char *path, uint64_t max, struct memfile *bytes,
                        struct hl_error *error)
{
    uint8_t head[HEAD_SIZE] = {0};
    struct stat st;
    if (fstat(fd, &st))
        return error_file(error, path, errno);
    if (S_ISDIR(st.st_mode))
        return error_file(error, path, EISDIR);
    if (!S_ISREG(st.st_mode))
        return hl_error_set(error, HL_ERR_FILE, "%s: not a regular file", path);
    if (st.st_size == 0)
        return hl_error_set(error, HL_ERR_NOT_GUEST, "%s: an empty file", path);
    int rc = check_size(path, (uint64_t)st.st_size, max, error);
    if (!rc && RETRY(pread(fd, head, sizeof(head), 0)) < 0)
        rc = error_file(error, path, errno);
    if (!rc)
        rc = new_bytes(path, head, (size_t)st.st_size, bytes, error);
    return rc ? rc : read_all(fd, path, bytes, error);
}

int image_read_file(const char *path, uint64_t max, struct memfile *bytes, struct hl_error *error)
{
    *bytes = (struct memfile){.fd = -1};
    /* O_NONBLOCK: a fifo must not hang the host before it is refused. */
    int fd = RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (fd < 0)
        return error_file(error, path, errno);
    int rc = read_regular(fd, path, max, bytes, error);
    close(fd);
    if (rc)
        memfile_free(bytes);
    else
        memfile_seal(bytes);
    return rc;
}

int image_copy_bytes(const char *name, const void *data, size_t size, struct memfile *bytes,
                     struct hl_error *error)
{
    int rc = check_size(name, size, HL_IMAGE_FILE_MAX, error);
    if (!rc)
        rc = new_bytes(name, data, size, bytes, error);
    if (rc)
        return rc;
    if (!memfile_put(bytes, 0, data, size)) {
        memfile_free(bytes);
        return no_memory(name, error);
    }
    memfile_seal(bytes);
    return 0;
}
