/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/error.h - how the library reports errors.
 *
 * Functions return 0 or a negative `enum hl_err`.  Details are stored in the caller's `struct
 * hl_error`, which may be NULL and is written on failure only.  The library never prints, exits or
 * aborts.
 */
#ifndef HL_ERROR_H
#define HL_ERROR_H

#include <hl/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, number, text, hint): the hint is what helps in most cases, or "". */
#define HL_ERRORS(X)                                                                               \
    X(ARGUMENT, 1, "invalid argument", "")                                                         \
    X(MEMORY, 2, "out of memory", "")                                                              \
    X(SYSTEM, 3, "system call failed", "")                                                         \
    X(NO_KVM, 4, "this machine has no usable /dev/kvm",                                            \
      "load kvm_intel or kvm_amd, or enable nested virtualisation; `hl-dev doctor` says more")     \
    X(KVM_ACCESS, 5, "no permission to open /dev/kvm",                                             \
      "add yourself to the group that owns it: sudo usermod -aG kvm $USER, then log in again")     \
    X(KVM, 6, "KVM refused", "run `hl-dev doctor` to see what this machine supports")              \
    X(FILE, 7, "cannot read the file", "")                                                         \
    X(NOT_GUEST, 8, "not a guest program", "build it with hl-cc")                                  \
    X(BAD_IMAGE, 9, "damaged or unsupported guest file", "build it again with hl-cc")              \
    X(ABI_VERSION, 10, "built for another version of the guest ABI",                               \
      "build it again with the hl-cc of this version")                                             \
    X(LIMIT, 11, "too large", "")                                                                  \
    X(STATE, 12, "not possible in the sandbox's present state", "")                                \
    X(BUSY, 13, "the sandbox is in use", "one thread at a time; a host function cannot call back") \
    X(NO_FUNCTION, 14, "the guest has no such function", "")                                       \
    X(NO_MAIN, 15, "the guest has no main()",                                                      \
      "call one of its functions: --call 'NAME(ARG, ...)'")                                        \
    X(SIGNATURE, 16, "wrong arguments", "")                                                        \
    X(HOST_FUNCTION, 17, "host function failed", "")                                               \
    X(GUEST_ERROR, 18, "the guest function reported an error", "")                                 \
    X(GUEST_ABORT, 19, "the guest aborted", "")                                                    \
    X(FAULT, 20, "the guest crashed", "")                                                          \
    X(EXITED, 21, "the guest exited", "")                                                          \
    X(INTERRUPTED, 22, "the guest was interrupted", "")                                            \
    X(PROTOCOL, 23, "the guest broke the ABI", "")                                                 \
    X(BAD_SNAPSHOT, 24, "damaged or unsuitable snapshot", "take it again, on this machine")

enum hl_err {
    HL_OK = 0,
#define X(name, number, text, hint) HL_ERR_##name = -(number),
    HL_ERRORS(X)
#undef X
};

struct hl_error {
    int code;       /* enum hl_err */
    int sys_errno;  /* of the failed system call, or 0 */
    char text[768]; /* one line: what went wrong, with the names and numbers of this case */
    char hint[512]; /* one line: what would help, or "" */
};

/*
 * The name without its prefix ("NO_KVM"), "OK" for 0, "UNKNOWN" for a number that is not an enum
 * hl_err.  A static string.
 */
HL_API const char *hl_err_name(int code);

/* General text and hint of a code: static strings, never NULL. */
HL_API const char *hl_err_text(int code);
HL_API const char *hl_err_hint(int code);

/*
 * Fill *error (may be NULL) and return code.  The hint is set to the general one of the code.  Host
 * functions and plug-ins may use it too: the text that a host function sets reaches the guest as
 * its error message.
 */
HL_API int hl_error_set(struct hl_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Replace the hint; returns error->code, or HL_ERR_ARGUMENT for NULL. */
HL_API int hl_error_hint(struct hl_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
