/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env.h - the environment variables that the library knows, each asked for here and nowhere else.
 *
 * They are the user's word to a program that may know nothing of the library; the program's own is
 * in the config structures.  A program with more rights than its user (set-user-ID, capabilities)
 * has none of them.
 */
#ifndef HL_ENV_H
#define HL_ENV_H

enum env_variable {
    ENV_GDB,         /* HL_GDB: an endpoint for a debugger of each sandbox */
    ENV_PROFILE,     /* HL_PROFILE: the file to write a profile of all guests to */
    ENV_PROFILE_HZ,  /* HL_PROFILE_HZ: its samples a second */
    ENV_KVM_DEVICE,  /* HL_KVM_DEVICE: in place of /dev/kvm */
    ENV_DEBUG_DIR,   /* HL_DEBUG_DIR: where debug files lie, as GDB's debug-file-directory */
    ENV_RUNTIME_DIR, /* XDG_RUNTIME_DIR: where `hl-dev ps` looks for what runs */
};

/* NULL where it is not set.  As getenv()'s: gone when the program changes its environment. */
const char *env_value(enum env_variable variable);

#endif
