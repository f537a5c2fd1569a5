/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/guest.h - what the author of a guest includes.
 *
 *     #include <hl/guest.h>
 *
 *     HL_HOST_FUNCTION(string, HostName);             // offered by the host
 *
 *     HL_FUNCTION(i32, Add, (i32, a), (i32, b))       // offered to the host
 *     {
 *         return a + b;
 *     }
 *
 * A guest is built by hl-cc and is single-threaded.  It offers functions, or has an ordinary
 * main(argc, argv, envp), or both; the host decides which to run.  Constructors have run before
 * either.  C89 or C++11, or later; nothing here needs a libc except where said.
 *
 * Types in the two macros, and what they are in C:
 *
 *   void    void        (result only)       f32     float
 *   i32     int32_t                         f64     double
 *   u32     uint32_t                        bool    _Bool, or bool in C++
 *   i64     int64_t                         string  const char *
 *   u64     uint64_t                        bytes   struct hl_bytes
 *
 * Lifetimes, the whole rule:
 *   - a string or bytes argument of a guest function lives until that function has returned and
 *     its result was sent.  It may be changed in place, and may be (part of) the result;
 *   - a string or bytes result of a host function lives until the next host call, and so does
 *     hl_error_message().  Copy what has to last longer;
 *   - a string or bytes result of a guest function must outlive its return: a literal, static or
 *     heap memory, an argument, or hl_scratch() / hl_format().  Never a local array.
 */
#ifndef HL_GUEST_H
#define HL_GUEST_H

#if defined(__cplusplus) && __cplusplus < 201103L
#error "hl/guest.h needs C++11: compile with -std=c++11 or later"
#endif

#include <hl/abi.h>

#ifdef __cplusplus
#define HL_NORETURN [[noreturn]]
extern "C" {
#else
#define HL_NORETURN __attribute__((noreturn))
#endif

/* A byte array.  `data` may be NULL only where `len` is 0. */
struct hl_bytes {
    uint8_t *data;
    size_t len;
};

/* The `len` bytes at `data`, as an argument for a host function or as a result. */
static __inline__ __attribute__((unused)) struct hl_bytes hl_bytes_of(const void *data, size_t len)
{
    struct hl_bytes bytes = {(uint8_t *)(uintptr_t)data, len};

    return bytes;
}

/* ---- Functions the guest offers -------------------------------------------------------------- */

/*
 * HL_FUNCTION(result, name, (type, argument)...) { body }
 *
 * Defines a C function `name` with external linkage (extern "C" in C++) that the host can call by
 * that name, with 0 to 16 arguments.  Use it at file scope.  Two functions of one name do not
 * link.  A `string` result must not be NULL: the host would get that as an error.
 *
 * From a static library, a function is offered only if its object file is linked: refer to it, or
 * link with -Wl,--whole-archive.
 */
#define HL_FUNCTION(result, ...)                                                                   \
    HL_DETAIL_FUNCTION(HL_DETAIL_COUNT(__VA_ARGS__), result,                                       \
                       HL_DETAIL_STR(HL_DETAIL_FIRST(__VA_ARGS__, 0)), __VA_ARGS__)

/*
 * HL_FUNCTION_NAMED("any-name", result, fn, (type, argument)...) { body }
 *
 * The same, for a name that is no C identifier or is taken: the host calls it "any-name", C calls
 * it `fn`.  Printable ASCII without spaces, parentheses, commas, double quotes and backslashes.
 */
#define HL_FUNCTION_NAMED(name, result, ...)                                                       \
    HL_DETAIL_FUNCTION(HL_DETAIL_COUNT(__VA_ARGS__), result, name, __VA_ARGS__)

/*
 * Marks the guest function in progress as failed: when it returns, the host gets `code` and
 * `message` instead of the result, and the guest stays usable.  `message` is copied; NULL stands
 * for an empty one.  The last call counts.  No effect in main() or in a constructor.
 */
void hl_fail(int code, const char *message);

/*
 * Memory that is valid until the result of the guest function in progress has been sent: for
 * results, without a malloc or free.  Aligned to 16 bytes, not cleared.  NULL when none is left;
 * the host sets how much there is (`output` buffer size).
 */
void *hl_scratch(size_t size);

/* ---- Functions of the host ------------------------------------------------------------------- */

/*
 * HL_HOST_FUNCTION(result, name, (type, argument)...);
 *
 * Declares a host function, which is then called like any C function.  It may stand in a header
 * that many files include; the guest asks its host for those functions only that its code calls.
 * Two declarations of one name that differ in type do not link.
 *
 * NULL for a `string` argument is sent as "".  If the host function fails, the call returns 0,
 * false, NULL or an empty hl_bytes, and hl_error_code() is not 0.  A fine call may also return
 * these values; ask hl_error_code() where that matters.
 */
#define HL_HOST_FUNCTION(result, ...)                                                              \
    HL_DETAIL_IMPORT(HL_DETAIL_COUNT(__VA_ARGS__), result,                                         \
                     HL_DETAIL_STR(HL_DETAIL_FIRST(__VA_ARGS__, 0)), __VA_ARGS__)

/* HL_HOST_FUNCTION_NAMED("any-name", result, fn, (type, argument)...); see HL_FUNCTION_NAMED */
#define HL_HOST_FUNCTION_NAMED(name, result, ...)                                                  \
    HL_DETAIL_IMPORT(HL_DETAIL_COUNT(__VA_ARGS__), result, name, __VA_ARGS__)

/* 0 if the last host call was fine or there was none yet in this guest function; else its code. */
int hl_error_code(void);

/* What the host said about it; "" if the last call was fine.  Valid until the next host call. */
const char *hl_error_message(void);

/* ---- Talking to the host --------------------------------------------------------------------- */

/* A line for the host's log. */
void hl_log(enum hl_log_level level, const char *message);

/*
 * Gives up: the host gets `code` and `message`, and never resumes the guest.  Nothing is flushed
 * and no destructor runs.  May be called anywhere, from a constructor or with a broken heap too.
 */
HL_NORETURN void hl_abort(int code, const char *message);

/* Writes to standard output at once, past stdio's buffer.  Works without a libc. */
void hl_print(const char *text);

/* The boot block: sizes and places of heap, stack and buffers, and fresh random numbers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* g++: a function of a structure's name */
const struct hl_boot *hl_boot(void);
#pragma GCC diagnostic pop

#if __STDC_HOSTED__
/*
 * printf into hl_scratch() memory: NULL when it does not fit, or the format is wrong.
 * Needs a libc (vsnprintf).
 */
char *hl_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
#else
/*
 * Grows the heap by `size` bytes (a multiple of 16 keeps alignment) and returns its former end,
 * the first byte of the new, zeroed memory; NULL when the heap is full.  hl_sbrk(0) is the current
 * end.  Only in a guest built with --freestanding: with a libc, use malloc.
 */
void *hl_sbrk(size_t size);
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif

#include <hl/guest-detail.h>

#endif
