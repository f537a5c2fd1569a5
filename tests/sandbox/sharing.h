/* SPDX-License-Identifier: Apache-2.0 */
/* sharing.h - a sandbox with room for shared memory, and files to map there. */
#ifndef TESTS_SHARING_H
#define TESTS_SHARING_H

#include "left.h"
#include "files.h"
#include "thread.h"
#include "box.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <hl/core.h>
#include <hl/share.h>
#include <hl/snapshot.h>

#define ROOM (16u << 20)
#define GUARD HL_GUARD_SIZE

static inline void open_share(struct box *box, size_t room)
{
    box_create(box, "share", (struct hl_sandbox_config){.shared = room});
    box_start(box);
}

/* A file of our own: byte i is seed + i / 4096 + i. */
static inline uint8_t byte_at(uint32_t seed, size_t i)
{
    return (uint8_t)(seed + i / PAGE + i);
}

static inline int new_file(size_t size, uint32_t seed, bool sealed)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    uint8_t *data = malloc(size);
    assert_true(fd >= 0);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = byte_at(seed, i);
    assert_int_equal(write(fd, data, size), size);
    free(data);
    if (sealed)
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    return fd;
}

static inline uint8_t file_byte(int fd, size_t at)
{
    uint8_t byte = 0;
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    return byte;
}

static inline hl_gva_t map_at(struct box *box, hl_gva_t at, int fd, size_t size, unsigned flags)
{
    if (hl_sandbox_map_file(box->sb, &at, fd, 0, size, flags, &box->error))
        fail_msg("%s", box->error.text);
    return at;
}

static inline hl_gva_t map(struct box *box, int fd, size_t size, unsigned flags)
{
    return map_at(box, 0, fd, size, flags);
}

static inline uint32_t get(struct box *box, hl_gva_t at)
{
    return CALL(box, "Get", value_u64(at))->u32;
}

static inline void put(struct box *box, hl_gva_t at, uint32_t value)
{
    CALL(box, "Put", value_u64(at), value_u32(value));
}

static inline void expect_fault(struct box *box, int rc, hl_gva_t at, uint32_t error_code)
{
    assert_int_equal(rc, HL_ERR_FAULT);
    const struct hl_fault *f = hl_sandbox_fault(box->sb);
    assert_non_null(f);
    assert_int_equal(f->vector, 14);
    assert_int_equal(f->address, at);
    assert_int_equal(f->error_code, error_code);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
}

enum { READ_UNMAPPED = 4, WRITE_PRESENT = 7, FETCH_PRESENT = 0x15 };

static inline struct hl_snapshot *take(struct box *box)
{
    struct hl_snapshot *s;
    if (hl_snapshot_take(&s, box->sb, &box->error))
        fail_msg("%s", box->error.text);
    return s;
}

static inline void restore(struct box *box, const struct hl_snapshot *s)
{
    if (hl_sandbox_restore(box->sb, s, &box->error))
        fail_msg("%s", box->error.text);
}

static inline void unmap(struct box *box, hl_gva_t at)
{
    if (hl_sandbox_unmap(box->sb, at, &box->error))
        fail_msg("%s", box->error.text);
}

#endif
