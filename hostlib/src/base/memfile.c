/* SPDX-License-Identifier: Apache-2.0 */
#include "memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retry.h"

/* For kernel headers older than 5.1. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

int memfile_open(int *fd, const char *name, size_t size)
{
    struct file_limit limit;
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return errno;
    file_limit_begin(&limit);
    int e = RETRY(ftruncate(*fd, (off_t)size)) ? errno : 0;
    file_limit_end(&limit);
    if (!e)
        return 0;
    close(*fd);
    *fd = -1;
    return e;
}

static void map_file(struct memfile *f, const char *name)
{
    struct stat st;
    if (memfile_open(&f->fd, name, f->size))
        return;
    void *data = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (data != MAP_FAILED && fstat(f->fd, &st) == 0) {
        f->data = data;
        f->dev = st.st_dev;
        f->inode = st.st_ino;
        return;
    }
    if (data != MAP_FAILED)
        munmap(data, f->size);
    close(f->fd);
    f->fd = -1;
}

bool memfile_new(struct memfile *f, const char *name, size_t size, bool mappable)
{
    *f = (struct memfile){.size = size, .fd = -1};
    if (mappable)
        map_file(f, name);
    if (!f->data)
        f->data = calloc(1, size ? size : 1);
    return f->data;
}

bool memfile_put(struct memfile *f, size_t at, const void *bytes, size_t size)
{
    if (f->fd >= 0)
        return pwrite_full(f->fd, bytes, size, at);
    memcpy(f->data + at, bytes, size);
    return true;
}

void memfile_seal(struct memfile *f)
{
    const int size = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (f->fd < 0)
        return;
    mprotect(f->data, f->size, PROT_READ);
    if (fcntl(f->fd, F_ADD_SEALS, size | F_SEAL_FUTURE_WRITE))
        fcntl(f->fd, F_ADD_SEALS, size); /* a kernel before 5.1 */
}

int memfile_fd(const struct memfile *f)
{
    struct stat st;
    bool ours =
        f->fd >= 0 && fstat(f->fd, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->inode;
    return ours ? f->fd : -1;
}

void memfile_free(struct memfile *f)
{
    int fd = memfile_fd(f);
    if (f->fd >= 0)
        munmap(f->data, f->size); /* still mapped, though the descriptor may be reused */
    else
        free(f->data);
    if (fd >= 0)
        close(fd);
    *f = (struct memfile){.fd = -1};
}
