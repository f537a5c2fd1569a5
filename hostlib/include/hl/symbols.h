/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/symbols.h - names and source lines for guest addresses, and backtraces (elfutils libdw).
 *
 * An object belongs to one thread at a time.  Nothing here changes a sandbox.  Guest files are not
 * trusted: damaged symbols or debug information give fewer answers, never a failure.  256 KiB of
 * the caller's stack are enough.  Names are the file's own bytes:
 * escape them before a terminal sees them.  C++ and Rust names are as their authors wrote them
 * (app::Box<int>::get(int*) const), unless that would take more than 4095 bytes.
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
 * What symbols and debug information of one guest, with all the files that they lead to, may cost
 * in the life of one hl_symbols: the processor's time, on a slow machine, and memory.  Nothing that
 * a compiler writes comes near.  Once it is spent, names are those of the symbol table, without
 * lines and inlined functions, and hl_symbols_missing() says HL_SYMBOLS_SPENT.
 */
#define HL_SYMBOLS_SECONDS 2
#define HL_SYMBOLS_BYTES ((uint64_t)512 << 20)
#define HL_SYMBOLS_SPENT "it takes more than 2 s or 512 MiB to read"

/*
 * The image need not outlive it.  A stripped guest opens too: it just knows less.  Cheap: tables are
 * read at the first question that needs them.  Errors: BAD_IMAGE, MEMORY.
 */
HL_API int hl_symbols_open(struct hl_symbols **symbols, const struct hl_image *image,
                           struct hl_error *error);
HL_API void hl_symbols_close(struct hl_symbols *symbols); /* NULL is fine */

/*
 * Debug information may be in other files, as gcc and objcopy make them: .dwo files and a .dwp
 * (-gsplit-dwarf), one named by the build ID or by .gnu_debuglink, one shared (dwz).  They are
 * looked for where GDB does, in /usr/lib/debug or the directories of HL_DEBUG_DIR (with colons),
 * and count only if build ID, CRC or DWO ID prove that they are this guest's.  An image from memory
 * has no such files, and with HL_DEBUG_DIR=none no guest has.
 *
 * After a question: the file that was not there, or what was wrong with the debug information.
 * NULL: nothing is known to be missing.  The text lives until the next question or close.
 */
HL_API const char *hl_symbols_missing(const struct hl_symbols *symbols);

/* What is known of one address; pointers live as long as the hl_symbols. */
struct hl_location {
    const char *function; /* NULL: unknown */
    uint64_t offset;      /* into the function */
    const char *file;     /* as the compiler recorded it; NULL: no line information */
    int line;             /* 0: unknown */
    int column;           /* 0: unknown */
    const char *linkage;  /* function as in the symbol table, mangled; NULL: unknown */
};

/*
 * Address as in the running guest (bias included).  False where nothing is known.  The function is
 * the one that owns the instruction; file and line are of the source it came from, which is another
 * function's where code was inlined (hl_symbols_backtrace() tells them apart).
 */
HL_API bool hl_symbols_find(struct hl_symbols *symbols, hl_gva_t address,
                            struct hl_location *location);

/*
 * Address of the function or object called name in the symbol table, 0 where there is none.
 */
HL_API hl_gva_t hl_symbols_address(struct hl_symbols *symbols, const char *name);

/*
 * The functions that name can mean: the one that the symbol table calls so, else those of C++ and
 * Rust, with or without parameters and outer scopes (f, outer::f, outer::f(int)).  Fills in the
 * addresses of at most max of them; returns how many there are.
 */
HL_API size_t hl_symbols_match(struct hl_symbols *symbols, const char *name, hl_gva_t *entries,
                               size_t max);

/*
 * Where a debugger stops for `break FUNCTION`: after its prologue, so that its arguments can be
 * read.  0 where there is no such function; the first where there are more.
 * hl_symbols_after_prologue() is the same for a function at a known address.
 */
HL_API hl_gva_t hl_symbols_breakpoint(struct hl_symbols *symbols, const char *function);
HL_API hl_gva_t hl_symbols_after_prologue(struct hl_symbols *symbols, hl_gva_t entry);

struct hl_frame {
    hl_gva_t pc;    /* frame 0: the instruction; others: the return address */
    hl_gva_t cfa;   /* canonical frame address, 0 where unknown */
    bool inlined;   /* location is of a function inlined into the next frame, with its pc, cfa */
    bool uncertain; /* found without unwind information: a plausible guess */
    struct hl_location location; /* of the call, for callers: looked up at pc - 1 */
};

/*
 * Walk the guest's stack from regs: DWARF CFI where there is some, else frame pointers, else a
 * return address on the stack that follows a call (uncertain, unless that call names the very
 * function).  Stops at crt0, at max, or where nothing more is known; an overwritten return address
 * is shown, uncertain, as the last frame.  Guest memory is read through read(opaque, ...), which
 * returns the number of bytes it could copy.  behind: rip is behind the instruction that stopped
 * the guest (#BP, #OF, an `out`, a system call), which is the one to be shown.  Returns the number
 * of frames, at least 1 when max is.
 */
typedef size_t hl_read_fn(void *opaque, hl_gva_t gva, void *buf, size_t size);
HL_API size_t hl_symbols_backtrace(struct hl_symbols *symbols, const struct hl_regs *regs,
                                   bool behind, hl_read_fn *read, void *opaque,
                                   struct hl_frame *frames, size_t max);

/*
 * The same in two parts, for who walks often and wants names later, once for each place: the walk
 * gives code addresses, innermost first; expanding one gives its frame and those inlined there,
 * innermost first, with pc, cfa and uncertain left 0.  Both return how many, at most max.
 */
struct hl_place {
    hl_gva_t pc;  /* as in struct hl_frame */
    hl_gva_t at;  /* where to look it up: pc, or pc - 1 for one behind its instruction */
    hl_gva_t cfa; /* 0 where unknown */
    bool uncertain;
};
HL_API size_t hl_symbols_walk(struct hl_symbols *symbols, const struct hl_regs *regs, bool behind,
                              hl_read_fn *read, void *opaque, struct hl_place *places, size_t max);
HL_API size_t hl_symbols_expand(struct hl_symbols *symbols, hl_gva_t at, struct hl_frame *frames,
                                size_t max);

/*
 * Which of the frames (innermost first) is the author's own that caused an exit: the first with a
 * source line that is neither of the SDK nor the stub of the host function called import (may be
 * NULL).  0 where none is: the innermost.
 */
HL_API size_t hl_symbols_site(const struct hl_frame *frames, size_t count, const char *import);
/* Is it of libhlguest or crt0?  Any thread. */
HL_API bool hl_frame_is_runtime(const struct hl_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
