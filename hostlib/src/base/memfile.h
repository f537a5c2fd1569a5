/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile.h - bytes that are written once and then mapped, copy-on-write, into many guests.
 *
 * They are kept in a memfd of the library, never in the file that they came from: that file may be
 * truncated (a SIGBUS for its mappings) or changed after it was checked.  If a memfd cannot be
 * created (RLIMIT_FSIZE, no descriptors, seccomp), they are in plain memory and guests get copies.
 */
#ifndef HL_MEMFILE_H
#define HL_MEMFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memfile {
    uint8_t *data; /* NULL: none */
    size_t size;
    int fd; /* -1: plain memory */
    dev_t dev;
    ino_t inode; /* of fd; checked before use */
};

/* A new file of size zeros.  0, or errno, with -1 in *fd. */
int memfile_open(int *fd, const char *name, size_t size);

/*
 * The file is written with pwrite_full(), not through a mapping: a child that another thread forks
 * meanwhile would inherit the mapping, and a file with a writable mapping cannot be sealed.
 */

/* size zeros, writable until sealed; plain memory unless mappable.  False: out of memory. */
bool memfile_new(struct memfile *f, const char *name, size_t size, bool mappable);
/* As memcpy() to data + at, but without a page fault for each page of the file. */
bool memfile_put(struct memfile *f, size_t at, const void *bytes, size_t size);
/* From now on neither the contents nor the size can change. */
void memfile_seal(struct memfile *f);
/*
 * A descriptor to map it by, or -1 if it cannot be mapped, also if the program has closed the
 * descriptor.
 */
int memfile_fd(const struct memfile *f);
void memfile_free(struct memfile *f);

#endif
