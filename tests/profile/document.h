/* SPDX-License-Identifier: Apache-2.0 */
/* document.h - a sandbox with a profile, and that profile as the document it becomes. */
#ifndef TESTS_DOCUMENT_H
#define TESTS_DOCUMENT_H

#include "box.h"
#include "sandbox.h"
#include "thread.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <hl/observe.h>
#include <hl/profile.h>
#include <hl/snapshot.h>

struct prof {
    struct box box;
    struct hl_profile *profile;
    json_t *doc;
    int rc; /* of a call in another thread, once it is over */
    atomic_bool over;
};

static inline int host_tick(void *opaque, const struct hl_value *args, size_t count,
                            struct hl_value *result, struct hl_error *error)
{
    unsigned *ticks = opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    if (ticks)
        ++*ticks;
    return 0;
}

static inline uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int host_slow(void *opaque, const struct hl_value *args, size_t count,
                            struct hl_value *result, struct hl_error *error)
{
    uint64_t end = now(CLOCK_MONOTONIC) + args[0].u32 * 1000ull;
    (void)opaque;
    (void)count;
    (void)result;
    (void)error;
    while (now(CLOCK_MONOTONIC) < end)
        ;
    return 0;
}

static inline void open_sandbox(struct prof *p, const char *guest)
{
    box_create(&p->box, guest, (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&p->box, "HostAdd", "i32(i32, i32)", kit_host_add, NULL);
    box_register(&p->box, "HostTick", "void()", host_tick, NULL);
    box_register(&p->box, "HostSlow", "void(u32)", host_slow, NULL);
}

static inline void open_profile(struct prof *p, const char *guest, struct hl_profile_config config)
{
    open_sandbox(p, guest);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, &config, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
}

static inline void read_profile(struct prof *p)
{
    char *text = NULL;
    json_error_t why;
    assert_int_equal(hl_profile_json(p->profile, &text, &p->box.error), 0);
    json_decref(p->doc);
    p->doc = json_loads(text, 0, &why);
    if (!p->doc)
        fail_msg("%s", why.text);
    free(text);
}

static inline int prof_setup(void **state)
{
    *state = calloc(1, sizeof(struct prof));
    return *state ? 0 : -1;
}

static inline int prof_teardown(void **state)
{
    struct prof *p = *state;
    box_close(&p->box);
    hl_profile_destroy(p->profile);
    json_decref(p->doc);
    free(p);
    return 0;
}
#define PROF_TEST(test) cmocka_unit_test_setup_teardown(test, prof_setup, prof_teardown)

/* ---- reading the document ---- */

static inline json_int_t number(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v))
        fail_msg("no number %s", name);
    return json_integer_value(v);
}

static inline const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static inline const json_t *list(const struct prof *p, const char *name)
{
    const json_t *l = json_object_get(p->doc, name);
    assert_true(json_is_array(l));
    return l;
}

/* A frame of the stack entry, and which entry called it. */
static inline const json_t *frame_of(const struct prof *p, json_int_t node, json_int_t *parent)
{
    const json_t *pair = json_array_get(list(p, "stacks"), (size_t)node);
    assert_int_equal(json_array_size(pair), 2);
    *parent = json_integer_value(json_array_get(pair, 0));
    assert_true(*parent < node);
    const json_t *frame =
        json_array_get(list(p, "frames"), (size_t)json_integer_value(json_array_get(pair, 1)));
    assert_non_null(frame);
    return frame;
}

static inline const json_t *find_kind(const struct prof *p, const char *reason, const char *name)
{
    const json_t *kind;
    size_t i;
    json_array_foreach(list(p, "kinds"), i,
                       kind) if (strcmp(text(kind, "reason"), reason) == 0 &&
                                 strcmp(text(kind, "name"), name) == 0) return kind;
    return NULL;
}

static inline json_int_t count_of(const struct prof *p, const char *reason, const char *name)
{
    const json_t *kind = find_kind(p, reason, name);
    return kind ? number(kind, "count") : 0;
}

static inline const json_t *call_of(const struct prof *p, const char *name)
{
    const json_t *call;
    size_t i;
    json_array_foreach(list(p, "calls"), i,
                       call) if (strcmp(text(call, "name"), name) == 0) return call;
    fail_msg("no call %s", name);
    return NULL;
}

/* ---- exits ---- */

static inline void call_all(struct prof *p)
{
    CALL0(&p->box, "Thousand");
    CALL0(&p->box, "Ten");
    CALL0(&p->box, "Five");
    CALL0(&p->box, "Deep");
}

#endif
