/* SPDX-License-Identifier: Apache-2.0 */
/*
 * general.h - the general registers and rip, once, in the order of struct hl_regs.  The flags are
 * not among them: not every structure calls them rflags.
 */
#ifndef HL_GENERAL_H
#define HL_GENERAL_H

/* X(rax, ...) X(rbx, ...) and so on. */
#define HL_GENERAL(X, ...)                                                                         \
    X(rax, __VA_ARGS__)                                                                            \
    X(rbx, __VA_ARGS__)                                                                            \
    X(rcx, __VA_ARGS__)                                                                            \
    X(rdx, __VA_ARGS__)                                                                            \
    X(rsi, __VA_ARGS__)                                                                            \
    X(rdi, __VA_ARGS__)                                                                            \
    X(rbp, __VA_ARGS__)                                                                            \
    X(rsp, __VA_ARGS__)                                                                            \
    X(r8, __VA_ARGS__)                                                                             \
    X(r9, __VA_ARGS__)                                                                             \
    X(r10, __VA_ARGS__)                                                                            \
    X(r11, __VA_ARGS__)                                                                            \
    X(r12, __VA_ARGS__)                                                                            \
    X(r13, __VA_ARGS__)                                                                            \
    X(r14, __VA_ARGS__)                                                                            \
    X(r15, __VA_ARGS__)                                                                            \
    X(rip, __VA_ARGS__)

/* From one structure that names them so to another; both are pointers. */
#define HL_GENERAL_COPY_ONE(name, to, from) (to)->name = (from)->name;
#define HL_GENERAL_COPY(to, from)                                                                  \
    do {                                                                                           \
        HL_GENERAL(HL_GENERAL_COPY_ONE, to, from)                                                  \
    } while (0)

#endif
