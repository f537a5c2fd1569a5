/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile.h - bytes that are written once and then mapped, copy on write, into any number of
 * guests.
 *
 * They lie in a file in memory (memfd) of our own, never in the file they came from: that one may
 * be truncated (a mapping of it would be SIGBUS) or changed after it was checked.  Where there can
 * be no such file (RLIMIT_FSIZE, no descriptors, seccomp) it is plain memory, and guests get
 * copies.
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
    ino_t inode; /* what fd has to be */
};

/* A new file of size zeros.  0, or errno, with -1 in *fd. */
int memfile_open(int *fd, const char *name, size_t size);

/*
 * What such a file holds is written (pwrite_full()), not stored through a mapping: a child that
 * another thread makes meanwhile would have that, and what is mapped to be written cannot be
 * sealed.
 */

/* size zeros, to be written to until it is sealed; plain memory unless mappable.  False: no memory.
 */
bool memfile_new(struct memfile *f, const char *name, size_t size, bool mappable);
/* The same as a memcpy() to data + at, without a page fault for each page of a file. */
bool memfile_put(struct memfile *f, size_t at, const void *bytes, size_t size);
/* From now on nobody changes it, nor its size. */
void memfile_seal(struct memfile *f);
/* To map it by: -1 where that cannot be, also when the program has closed what was not its own. */
int memfile_fd(const struct memfile *f);
void memfile_free(struct memfile *f);

#endif
