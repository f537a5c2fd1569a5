/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/symbols.h - names and source lines for guest addresses, and backtraces (elfutils libdw).
 *
 * An object belongs to one thread at a time.  These functions do not change a sandbox.  Guest files
 * are not trusted: damaged symbols or debug information give fewer answers, never a failure.  The
 * caller needs 256 KiB of stack.  Names are the bytes of the file: escape them before printing them
 * to a terminal.  C++ and Rust names are demangled (app::Box<int>::get(int*) const), unless that
 * takes more than 4095 bytes.
 */
#ifndef HL_SYMBOLS_H
#define HL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/image.h>
#include <hl/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_symbols;

/*
 * The budget of one hl_symbols over its life, for a guest's symbols and debug information and all
 * the files that they refer to: CPU time, on a slow machine, and memory.  No compiler's output
 * comes near it.  Once it is spent, names come from the symbol table only, without lines and
 * inlined functions, and hl_symbols_missing() returns HL_SYMBOLS_SPENT.
 */
#define HL_SYMBOLS_SECONDS 2
#define HL_SYMBOLS_BYTES ((uint64_t)512 << 20)
#define HL_SYMBOLS_SPENT "it takes more than 2 s or 512 MiB to read"

/*
 * The image may be closed before the hl_symbols.  A stripped guest can be opened too, and gives
 * fewer answers.  Opening is cheap: tables are read when they are first needed.  Errors: BAD_IMAGE,
 * MEMORY.
 */
HL_API int hl_symbols_open(struct hl_symbols **symbols, const struct hl_image *image,
                           struct hl_error *error);
HL_API void hl_symbols_close(struct hl_symbols *symbols); /* NULL is fine */

/*
 * Debug information may be in other files, as gcc and objcopy make them: .dwo files and a .dwp
 * (-gsplit-dwarf), a file named by the build ID or by .gnu_debuglink, a shared one (dwz).  They are
 * searched for as GDB does, in /usr/lib/debug or in the directories of HL_DEBUG_DIR (separated by
 * colons), and used only if the build ID, CRC or DWO ID matches this guest.  They are not searched
 * for if the image was opened from memory, or with HL_DEBUG_DIR=none.
 *
 * After a look-up, this function returns the name of the file that was not found, or what was wrong
 * with the debug information; NULL if nothing is known to be missing.  The text is valid until the
 * next look-up or close.
 */
HL_API const char *hl_symbols_missing(const struct hl_symbols *symbols);

/* What is known about an address; pointers are valid as long as the hl_symbols. */
struct hl_location {
    const char *function; /* NULL: unknown */
    uint64_t offset;      /* into the function */
    const char *file;     /* as the compiler recorded it; NULL: no line information */
    int line;             /* 0: unknown */
    int column;           /* 0: unknown */
    const char *linkage;  /* function as in the symbol table, mangled; NULL: unknown */
};

/*
 * Look up an address of the running guest (bias included).  False if nothing is known about it.
 * function is the one that contains the instruction.  file and line are those of the source that it
 * was compiled from, which belongs to another function if code was inlined; hl_symbols_backtrace()
 * shows inlined functions as frames of their own.
 */
HL_API bool hl_symbols_find(struct hl_symbols *symbols, hl_gva_t address,
                            struct hl_location *location);

/* Address of the function or object called name in the symbol table, 0 if it is not there. */
HL_API hl_gva_t hl_symbols_address(struct hl_symbols *symbols, const char *name);

/*
 * The functions that match name: the one with this name in the symbol table, else those of C++ and
 * Rust, with or without parameters and outer scopes (f, outer::f, outer::f(int)).  Stores the
 * addresses of the first max; returns the number of all.
 */
HL_API size_t hl_symbols_match(struct hl_symbols *symbols, const char *name, hl_gva_t *entries,
                               size_t max);

/*
 * Where a debugger stops for `break FUNCTION`: after the prologue, so that the arguments can be
 * read.  0 if no function matches; the first one if several do.  hl_symbols_after_prologue() is the
 * same for a function at a known address.
 */
HL_API hl_gva_t hl_symbols_breakpoint(struct hl_symbols *symbols, const char *function);
HL_API hl_gva_t hl_symbols_after_prologue(struct hl_symbols *symbols, hl_gva_t entry);

struct hl_frame {
    hl_gva_t pc;    /* frame 0: the instruction; others: the return address */
    hl_gva_t cfa;   /* canonical frame address, 0 if unknown */
    bool inlined;   /* the function is inlined into the next frame, which has the same pc and cfa */
    bool uncertain; /* a plausible guess, made without unwind information */
    struct hl_location location; /* frame 0: of pc; others: of the call, looked up at pc - 1 */
};

/*
 * Walk the guest's stack from regs, with DWARF CFI if the guest has it for that code, else with
 * frame pointers, else by looking for a return address on the stack that follows a call (uncertain,
 * unless that call names the current function).  The walk stops at crt0, at max, or when nothing
 * more is known; an overwritten return address is the last frame, uncertain.  Guest memory is read
 * through read(opaque, ...), which returns the number of bytes that it copied.  past: rip is past
 * the instruction that stopped the guest (#BP, #OF, an `out`, a system call); frame 0 is then that
 * instruction.  Returns the number of frames, at least 1 if max is.
 */
typedef size_t hl_read_fn(void *opaque, hl_gva_t gva, void *buf, size_t size);
HL_API size_t hl_symbols_backtrace(struct hl_symbols *symbols, const struct hl_regs *regs,
                                   bool past, hl_read_fn *read, void *opaque,
                                   struct hl_frame *frames, size_t max);

/*
 * The same in two parts, for a caller that walks often and looks up each place only once, later.
 * The walk gives code addresses, innermost first.  Expanding one gives its frame and the frames
 * inlined there, innermost first, with pc, cfa and uncertain set to 0.  Both return the number
 * stored, at most max.
 */
struct hl_place {
    hl_gva_t pc;  /* as in struct hl_frame */
    hl_gva_t at;  /* the address to look up: pc, or pc - 1 if pc is past the instruction */
    hl_gva_t cfa; /* 0 if unknown */
    bool uncertain;
};
HL_API size_t hl_symbols_walk(struct hl_symbols *symbols, const struct hl_regs *regs, bool past,
                              hl_read_fn *read, void *opaque, struct hl_place *places, size_t max);
HL_API size_t hl_symbols_expand(struct hl_symbols *symbols, hl_gva_t at, struct hl_frame *frames,
                                size_t max);

/*
 * Index of the frame in the guest author's own code that caused an exit: the first one, from the
 * innermost, that has a source line and is neither in the SDK nor the stub of the host function
 * called import (may be NULL).  0, the innermost, if no frame is.
 */
HL_API size_t hl_symbols_site(const struct hl_frame *frames, size_t count, const char *import);
/* True if the frame is in libhlguest or crt0.  Any thread. */
HL_API bool hl_frame_is_runtime(const struct hl_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
