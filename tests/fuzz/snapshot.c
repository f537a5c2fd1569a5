/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c - a snapshot file of anybody's: refused, or a clone of it lives and can be restored.
 *
 * Its checksums are made right first, as a forger would make them.  HL_FUZZ_SEED=FILE writes a good
 * one to begin with.
 */
#include <fcntl.h>
#include <hl/snapshot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "snapshot_file.h"
#include "tiny.h"

static char path[64];

static void remove_file(void)
{
    unlink(path);
}

static void write_seed(const char *to)
{
    const struct hl_sandbox_config config = {
        .heap = 64 << 10, .stack = 1, .input = 1, .output = 1, .no_debugger = true};
    struct hl_sandbox *sb = NULL;
    struct hl_snapshot *s = NULL;
    script_ready();
    if (hl_sandbox_create(&sb, tiny_image(), &config, NULL) || hl_sandbox_start(sb, NULL) ||
        hl_snapshot_take(&s, sb, NULL) || hl_snapshot_save(s, to, NULL))
        abort();
    hl_snapshot_destroy(s);
    hl_sandbox_destroy(sb);
}

static void set_up(void)
{
    snprintf(path, sizeof(path), "/dev/shm/hl-fuzz-snapshot.%d", getpid());
    atexit(remove_file);
    if (getenv("HL_FUZZ_SEED"))
        write_seed(getenv("HL_FUZZ_SEED"));
}

static void forge(uint8_t *bytes, size_t size)
{
    struct snapshot_header h;
    struct snapshot_layout l;
    if (size < sizeof(h))
        return;
    memcpy(&h, bytes, sizeof(h));
    h.image_size = tiny_image()->size;
    h.image_sum = sum_of(tiny_image()->data, tiny_image()->size);
    h.file_size = size;
    h.index_sum = 0;
    memcpy(bytes, &h, sizeof(h));
    if (!snapshot_layout_of(&h, &l) || l.contents > size)
        return;
    h.index_sum = sum_of(bytes, l.contents);
    memcpy(bytes, &h, sizeof(h));
}

static void live(const struct hl_snapshot *s)
{
    struct hl_sandbox *sb = NULL;
    struct hl_value result;
    struct hl_error error = {0};
    if (hl_sandbox_create_from(&sb, s, NULL, &error)) {
        if (!error.text[0])
            abort();
        return;
    }
    script_set((const uint8_t *)"\x02\x01", 2);
    if (!hl_sandbox_start(sb, NULL)) {
        hl_sandbox_call_index(sb, 0, NULL, 0, &result, &error);
        if (!hl_sandbox_restore(sb, s, NULL) && hl_sandbox_state(sb) != HL_SANDBOX_READY)
            abort();
    }
    hl_sandbox_destroy(sb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hl_snapshot *s = NULL;
    struct hl_error error = {0};
    if (!path[0])
        set_up();
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    forge(copy, size);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
        abort();
    close(fd);
    free(copy);
    unsigned flags = size && data[size - 1] & 1 ? HL_SNAPSHOT_VERIFY : 0;
    int rc = hl_snapshot_load(&s, tiny_image(), path, flags, &error);
    if (!rc)
        live(s);
    else if (s || error.code != rc || !error.text[0])
        abort();
    hl_snapshot_destroy(s);
    return 0;
}
