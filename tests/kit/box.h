/* SPDX-License-Identifier: Apache-2.0 */
/* box.h - a sandbox of one of the guests in tests/guest, with its output caught. */
#ifndef TESTS_BOX_H
#define TESTS_BOX_H

#include "host_add.h"
#include "kit.h"

#include <hl/image.h>
#include <hl/sandbox.h>

struct box {
    struct hl_image *image;
    struct hl_sandbox *sb;
    struct hl_error error;
    struct hl_value result;
    char out[4096], err[4096]; /* what the guest printed */
    size_t out_size, err_size;
    char log[HL_LOG_MAX + 64];
    int log_level;
    unsigned logs;
};

static inline void box_console(void *opaque, int fd, const void *data, size_t size)
{
    struct box *box = opaque;
    char *to = fd == 1 ? box->out : box->err;
    size_t *at = fd == 1 ? &box->out_size : &box->err_size;
    size_t room = sizeof(box->out) - 1 - *at;
    memcpy(to + *at, data, size < room ? size : room);
    /* Tests look at it from other threads. */
    __atomic_store_n(at, *at + (size < room ? size : room), __ATOMIC_RELEASE);
}

static inline void box_log(void *opaque, int level, const char *text)
{
    struct box *box = opaque;
    box->log_level = level;
    __atomic_fetch_add(&box->logs, 1, __ATOMIC_RELAXED);
    snprintf(box->log, sizeof(box->log), "%s", text);
}

/* A sandbox that is still NEW. */
static inline void box_create(struct box *box, const char *guest, struct hl_sandbox_config config)
{
    char path[512];
    snprintf(path, sizeof(path), TEST_BUILD "/tests/guest/%s", guest);
    config.console = box_console;
    config.log = box_log;
    config.opaque = box;
    if (!box->image && hl_image_open(&box->image, path, &box->error))
        fail_msg("%s", box->error.text);
    if (hl_sandbox_create(&box->sb, box->image, &config, &box->error))
        fail_msg("%s", box->error.text);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_NEW);
}

static inline void box_register(struct box *box, const char *name, const char *signature,
                                hl_host_fn *fn, void *opaque)
{
    if (hl_sandbox_register(box->sb, name, signature, fn, opaque, &box->error))
        fail_msg("%s", box->error.text);
}

static inline void box_start(struct box *box)
{
    if (hl_sandbox_start(box->sb, &box->error))
        fail_msg("%s", box->error.text);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
}

static inline void box_open(struct box *box, const char *guest)
{
    box_create(box, guest, (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_start(box);
}

static inline void box_close(struct box *box)
{
    hl_sandbox_destroy(box->sb);
    hl_image_close(box->image);
    memset(box, 0, sizeof(*box));
}

static inline int box_setup(void **state)
{
    *state = calloc(1, sizeof(struct box));
    return *state ? 0 : -1;
}

static inline int box_teardown(void **state)
{
    box_close(*state);
    free(*state);
    return 0;
}
#define BOX_TEST(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

#define value_i32 hl_i32
#define value_u32 hl_u32
#define value_u64 hl_u64
#define value_string hl_string
#define value_bytes hl_bytes

/* Call; the result is in box->result, an error in box->error. */
static inline int box_try(struct box *box, const char *name, const struct hl_value *args,
                          size_t count)
{
    memset(&box->result, 0x5a, sizeof(box->result));
    int rc = hl_sandbox_call(box->sb, name, args, count, &box->result, &box->error);
    if (rc)
        check_error(&box->error, rc);
    return rc;
}
/* box_try() with the arguments in a row; there is at least one. */
#define TRY(box, name, ...)                                                                        \
    box_try(box, name, (const struct hl_value[]){__VA_ARGS__},                                     \
            COUNT(((const struct hl_value[]){__VA_ARGS__})))
#define TRY0(box, name) box_try(box, name, NULL, 0)

static inline const struct hl_value *box_fine(struct box *box, int rc)
{
    if (rc)
        fail_msg("%s", box->error.text);
    return &box->result;
}
#define CALL(box, name, ...) box_fine(box, TRY(box, name, __VA_ARGS__))
#define CALL0(box, name) box_fine(box, TRY0(box, name))

static inline void expect_text(const struct hl_value *value, const char *text)
{
    assert_int_equal(value->type, HL_STRING);
    assert_string_equal(value->data, text);
    assert_int_equal(value->len, strlen(text));
}

#endif
