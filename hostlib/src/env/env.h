/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env.h - the environment variables of the library; no other file reads the environment.
 *
 * They are the user's settings for programs that may know nothing of the library; the program's own
 * settings are in the config structures.  In a program with more rights than its user (set-user-ID,
 * capabilities) they are all ignored.
 */
#ifndef HL_ENV_H
#define HL_ENV_H

enum env_variable {
    ENV_GDB,         /* HL_GDB: an endpoint for a debugger of each sandbox */
    ENV_PROFILE,     /* HL_PROFILE: the file to write a profile of all guests to */
    ENV_PROFILE_HZ,  /* HL_PROFILE_HZ: its samples a second */
    ENV_KVM_DEVICE,  /* HL_KVM_DEVICE: in place of /dev/kvm */
    ENV_DEBUG_DIR,   /* HL_DEBUG_DIR: where debug files are, as GDB's debug-file-directory */
    ENV_RUNTIME_DIR, /* XDG_RUNTIME_DIR: where `hl-dev ps` looks for sandboxes */
};

/* NULL if it is not set.  Valid until the program changes its environment, as for getenv(). */
const char *env_value(enum env_variable variable);

#endif
