/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_load.h - loading a snapshot file: snapshot/load.c reads, snapshot/check.c checks. */
#ifndef HL_SNAPSHOT_LOAD_H
#define HL_SNAPSHOT_LOAD_H

#include "snapshot_file.h"

struct loading {
    const char *path;
    const struct backend *backend; /* it is to run on */
    int fd;
    uint64_t size, on_disk;
    struct snapshot_header header;
    struct snapshot_layout layout;
    uint8_t *index; /* everything before the contents; its checksum was right */
    struct hl_error *error;
};

/* BAD_SNAPSHOT; the text says what is wrong. */
int loading_bad(const struct loading *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Could this image's guest, on this host, have been in this state?  The contents of pages are not
 * checked: they are only the guest's memory.  BAD_SNAPSHOT, ABI_VERSION, LIMIT, MEMORY, KVM.
 */
int loading_check(const struct loading *in, const struct hl_image *image);

#endif
