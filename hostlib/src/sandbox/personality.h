/* SPDX-License-Identifier: Apache-2.0 */
/*
 * personality.h - who answers a guest's system calls and keeps what they imply: the seam between a
 * sandbox and an operating system of the library's.
 *
 * A sandbox has one from its creation to its end (sb->personality), with a state of its own that
 * nobody else looks into (sb->os).  All functions but wake are called on the thread that has the
 * sandbox, and none may be NULL.  linux/linux.c is the library's: the calls of a libc, a few of
 * which a guest without one makes, too.  tests/kvm/test_personality.c has the least there can be.
 */
#ifndef HL_PERSONALITY_H
#define HL_PERSONALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>

struct hl_sandbox;

struct personality {
    const char *name;

    /* Make sb->os, of a sandbox whose regions are laid out; free() is called even if it fails. */
    int (*init)(struct hl_sandbox *sb, struct hl_error *error);
    void (*free)(struct hl_sandbox *sb);

    /*
     * An exit for a system call.  RUN_ON, or the error with which the guest's run ends.  A call
     * that returns gets its result by hl_machine_syscall_result(), and sb->answer and sb->answered
     * say so to observers.
     */
    int (*syscall)(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error);
    /* An exception: *handled says whether the guest goes on in a handler of its own. */
    int (*fault)(struct hl_sandbox *sb, const struct hl_fault *fault, bool *handled,
                 struct hl_error *error);
    /* Is deliver() to be called before the guest is entered?  Asked at each entry: be quick. */
    bool (*due)(const struct hl_sandbox *sb);
    /* 0, or an error: what has arrived ends the guest. */
    int (*deliver)(struct hl_sandbox *sb, struct hl_error *error);
    /* A debugger sends Linux's signal `number`.  true: the guest goes on. */
    bool (*strike)(struct hl_sandbox *sb, int number);
    /* From any thread: end a sleep of the guest's. */
    void (*wake)(struct hl_sandbox *sb);

    /* The heap region, whose pages it gives out.  What a page is used for, or NULL: not given out.
     */
    const char *(*page_use)(const struct hl_sandbox *sb, hl_gva_t gva);
    uint64_t (*heap_used)(const struct hl_sandbox *sb); /* bytes given out */
    /* Pages for a debugger; whole pages, or false. */
    bool (*lend)(struct hl_sandbox *sb, uint64_t size, hl_gva_t *gva);
    /* false: broken off, as the guest's thread is wanted; to be called again. */
    bool (*take_back)(struct hl_sandbox *sb, hl_gva_t gva, uint64_t size);

    /*
     * Snapshots: the state as bytes without pointers, whose number depends on the heap's size
     * alone (a multiple of 8).  What a file has is checked first: NULL, or what is wrong with it.
     */
    size_t (*saved_size)(size_t heap);
    void (*save)(struct hl_sandbox *sb, void *saved);
    const char *(*check)(const void *saved, const struct hl_region *heap);
    /* maps: mappings may differ; all: everything may. */
    int (*restore)(struct hl_sandbox *sb, const void *saved, bool maps, bool all,
                   struct hl_error *error);
    /* The sandbox is as `saved` now: what changes from here on makes restore's `all` true. */
    void (*begin)(struct hl_sandbox *sb);
};

/* The one of sandboxes whose maker has no wish (parts.c). */
extern const struct personality *const personality_default;

#endif
