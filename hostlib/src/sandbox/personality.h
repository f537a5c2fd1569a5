/* SPDX-License-Identifier: Apache-2.0 */
/*
 * personality.h - answer a guest's system calls and keep their state: the seam between a sandbox
 * and the operating system that the library provides.
 *
 * A sandbox has one personality from creation to destruction (sb->personality), with private state
 * (sb->os).  All functions except wake are called on the thread that has the sandbox, and none may
 * be NULL.  linux/linux.c is the library's own: the calls of a libc, of which a guest without one
 * also uses a few.  tests/sandbox/kvm_personality.c has a minimal one.
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

    /*
     * Create sb->os, for a sandbox whose regions are laid out; free() is called even if it fails.
     */
    int (*init)(struct hl_sandbox *sb, struct hl_error *error);
    void (*free)(struct hl_sandbox *sb);

    /*
     * An exit for a system call.  Returns RUN_ON, or the error with which the guest's run ends.  If
     * the call returns, set its result with hl_machine_syscall_result(), and sb->answer and
     * sb->answered for observers.
     */
    int (*syscall)(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error);
    /* An exception.  *handled: the guest continues in a handler of its own. */
    int (*fault)(struct hl_sandbox *sb, const struct hl_fault *fault, bool *handled,
                 struct hl_error *error);
    /* Must deliver() be called before the guest is entered?  Called at each entry: must be fast. */
    bool (*due)(const struct hl_sandbox *sb);
    /* 0, or an error: a pending signal ends the guest. */
    int (*deliver)(struct hl_sandbox *sb, struct hl_error *error);
    /* A debugger sends Linux's signal `number`.  True: the guest continues. */
    bool (*strike)(struct hl_sandbox *sb, int number);
    /* From any thread: end a sleep of the guest. */
    void (*wake)(struct hl_sandbox *sb);

    /*
     * The heap region, whose pages the personality allocates.  The use of a page, or NULL: not
     * allocated.
     */
    const char *(*page_use)(const struct hl_sandbox *sb, hl_gva_t gva);
    uint64_t (*heap_used)(const struct hl_sandbox *sb); /* bytes allocated */
    /* Allocate pages for a debugger; whole pages, or false. */
    bool (*lend)(struct hl_sandbox *sb, uint64_t size, hl_gva_t *gva);
    /* False: stopped early, as the guest's thread is wanted; call again. */
    bool (*take_back)(struct hl_sandbox *sb, hl_gva_t gva, uint64_t size);

    /*
     * Snapshots: the state as bytes without pointers, whose number depends only on the heap's size
     * (a multiple of 8).  State from a file is checked first: NULL, or what is wrong with it.
     */
    size_t (*saved_size)(size_t heap);
    void (*save)(struct hl_sandbox *sb, void *saved);
    const char *(*check)(const void *saved, const struct hl_region *heap);
    /* maps: mappings may differ; all: everything may differ. */
    int (*restore)(struct hl_sandbox *sb, const void *saved, bool maps, bool all,
                   struct hl_error *error);
    /* The sandbox is in the state `saved` now: a later change makes restore's `all` true. */
    void (*begin)(struct hl_sandbox *sb);
};

/* The default personality (parts.c). */
extern const struct personality *const personality_default;

#endif
