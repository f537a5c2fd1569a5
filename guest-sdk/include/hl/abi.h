/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/abi.h - the only contract between a guest and its host.
 *
 * Dual-use: compiled by the host library, by libhlguest (with or without a libc) and, for the
 * constants, by the assembler.  Every offset is asserted; a change of one changes
 * HL_ABI_VERSION, and the host refuses a guest of another version.
 *
 * A guest is a static ELF64 program at ring 3.  It talks to its host by four `out` instructions,
 * one port each, with a message in the output buffer, and by the `syscall` instruction for the
 * few Linux system calls a libc needs (docs/abi.md lists them).  Addresses in messages are guest
 * virtual addresses (GVA).  All integers are little-endian.
 */
#ifndef HL_ABI_H
#define HL_ABI_H

#define HL_ABI_VERSION 1

/*
 * Ports a guest may write, one byte each; the value written is ignored.  The TSS I/O permission
 * bitmap allows these and no other: anything else is #GP in the guest.
 */
#define HL_PORT_WAIT 0xe0  /* READY, RESULT or ERROR is in the output buffer; wait for a call */
#define HL_PORT_CALL 0xe1  /* CALL: a host function; its answer is in hl_input.reply afterwards */
#define HL_PORT_LOG 0xe2   /* LOG: one line for the host's log */
#define HL_PORT_ABORT 0xe3 /* ABORT: the guest gives up; the host never resumes it */

#define HL_MAX_ARGS 16  /* arguments of a function */
#define HL_NAME_SIZE 88 /* a function's name with its NUL */
#define HL_PAGE_SIZE 4096

#define HL_NOTE_NAME "HL" /* ELF note: name with its NUL, type HL_NOTE_TYPE, struct hl_note */
#define HL_NOTE_TYPE 0x484c

#define HL_BOOT_MAGIC 0x544f4f42 /* "BOOT" */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define HL_ABI_ASSERT static_assert
extern "C" {
#else
#define HL_ABI_ASSERT __extension__ _Static_assert
#endif

/* Value types of arguments and results. */
enum hl_type {
    HL_VOID = 0, /* result only */
    HL_I32 = 1,
    HL_U32 = 2,
    HL_I64 = 3,
    HL_U64 = 4,
    HL_F32 = 5,
    HL_F64 = 6,
    HL_BOOL = 7,   /* 0 or 1 */
    HL_STRING = 8, /* without an embedded NUL */
    HL_BYTES = 9,
    HL_TYPE_COUNT
};

/*
 * One value.  Scalars stand in `bits`, zero-extended (signed ones sign-extended to their own width,
 * then zero-extended), floats as their IEEE bits.  STRING and BYTES: `bits` is the GVA of the first
 * byte and `len` their number.  Host to guest they lie in the input buffer, a string with a NUL
 * after it that `len` does not count; guest to host they lie wherever the guest can read, and the
 * host copies them once, through the page tables, before the guest runs again.
 */
struct hl_slot {
    uint32_t type;
    uint32_t reserved;
    uint64_t bits;
    uint64_t len;
};

/* What a message is; host to guest in hl_input, guest to host in hl_output. */
enum hl_message_kind {
    HL_MSG_NONE = 0,
    HL_MSG_CALL = 1,   /* index: function (to the guest) or import (to the host); count args */
    HL_MSG_MAIN = 2,   /* to the guest: run main() and exit with its status */
    HL_MSG_RESULT = 3, /* slot[0], type HL_VOID for none; count is 1 */
    HL_MSG_ERROR = 4,  /* code, and slot[0] = STRING message: the callee reports a failure */
    HL_MSG_READY = 5,  /* to the host: set-up is done, waiting for the first call */
    HL_MSG_LOG = 6,    /* to the host: code = level, slot[0] = STRING */
    HL_MSG_ABORT = 7   /* to the host: code, slot[0] = STRING */
};

struct hl_message {
    uint32_t kind;  /* enum hl_message_kind */
    uint32_t index; /* CALL: position in the function or import table */
    uint32_t count; /* slots in use */
    int32_t code;   /* ERROR, ABORT: the author's number; LOG: the level */
    struct hl_slot slot[HL_MAX_ARGS];
};

/*
 * The input buffer: written by the host while the guest is parked, the guest's to change
 * afterwards.  `reply` has a place of its own so that a host function's answer leaves the
 * arguments of the guest function in progress alone.  Payload (strings, bytes) follows; that of a
 * reply lives until the guest's next host call, that of a call until the call's result is sent.
 */
struct hl_input {
    struct hl_message call;
    struct hl_message reply;
};

/*
 * The output buffer: the message, then scratch memory that libhlguest hands out for results.  The
 * host reads `message` only, once, at the guest's `out`.
 */
struct hl_output {
    struct hl_message message;
};

enum hl_log_level { HL_LOG_ERROR = 1, HL_LOG_WARN = 2, HL_LOG_INFO = 3, HL_LOG_DEBUG = 4 };

/* hl_boot.features */
#define HL_FEATURE_FSGSBASE 1u /* rdfsbase, wrfsbase and their gs twins work at ring 3 */

/*
 * The boot block, read-only to the guest.  Its GVA is in %rdi when the entry point is reached; the
 * stack then holds argc, argv, envp and the auxiliary vector as a Linux process finds them (System
 * V ABI, AMD64 supplement, 3.4.1), and every other general register is 0.
 */
struct hl_boot {
    uint32_t magic;   /* HL_BOOT_MAGIC */
    uint32_t version; /* HL_ABI_VERSION */
    uint32_t size;    /* of this structure */
    uint32_t features;
    uint64_t input; /* struct hl_input */
    uint64_t input_size;
    uint64_t output; /* struct hl_output */
    uint64_t output_size;
    uint64_t heap; /* brk grows up from here, anonymous mmap down from its end */
    uint64_t heap_size;
    uint64_t stack; /* lowest address */
    uint64_t stack_size;
    uint64_t load_bias; /* added to every p_vaddr: 0 unless the guest is PIE */
    uint64_t random[2]; /* fresh for every sandbox */
};

/*
 * A guest function (section `hl_functions`) or an imported host function (section `hl_imports`).
 * The tables can be read from the file alone; `entry` and `thunk` are relocated in a PIE.
 */
struct hl_desc {
    uint64_t entry; /* the author's function; 0 in an import */
    uint64_t thunk; /* void (*)(const struct hl_slot *args, struct hl_slot *result); 0 likewise */
    uint8_t result; /* enum hl_type */
    uint8_t count;  /* of args */
    uint8_t args[HL_MAX_ARGS];
    uint8_t reserved[6];
    char name[HL_NAME_SIZE]; /* NUL-terminated, unique in its table, printable ASCII, no spaces */
};

/*
 * Descriptor of the ELF note that makes a file a guest.  The four places are relative to the
 * address of their own field, so that a PIE needs no relocation to be inspected.
 */
struct hl_note {
    uint32_t version; /* HL_ABI_VERSION */
    uint32_t flags;   /* HL_NOTE_* */
    int64_t functions;
    int64_t functions_end;
    int64_t imports;
    int64_t imports_end;
};

#define HL_NOTE_LIBC 1u /* linked with a libc: set-up makes system calls */
#define HL_NOTE_MAIN 2u /* has a main() of its own */

HL_ABI_ASSERT(sizeof(struct hl_slot) == 24, "hl_slot");
HL_ABI_ASSERT(offsetof(struct hl_slot, bits) == 8, "hl_slot.bits");
HL_ABI_ASSERT(offsetof(struct hl_slot, len) == 16, "hl_slot.len");
HL_ABI_ASSERT(sizeof(struct hl_message) == 400, "hl_message");
HL_ABI_ASSERT(offsetof(struct hl_message, index) == 4, "hl_message.index");
HL_ABI_ASSERT(offsetof(struct hl_message, count) == 8, "hl_message.count");
HL_ABI_ASSERT(offsetof(struct hl_message, code) == 12, "hl_message.code");
HL_ABI_ASSERT(offsetof(struct hl_message, slot) == 16, "hl_message.slot");
HL_ABI_ASSERT(sizeof(struct hl_input) == 800, "hl_input");
HL_ABI_ASSERT(offsetof(struct hl_input, reply) == 400, "hl_input.reply");
HL_ABI_ASSERT(sizeof(struct hl_output) == 400, "hl_output");
HL_ABI_ASSERT(sizeof(struct hl_boot) == 104, "hl_boot");
HL_ABI_ASSERT(offsetof(struct hl_boot, input) == 16, "hl_boot.input");
HL_ABI_ASSERT(offsetof(struct hl_boot, output) == 32, "hl_boot.output");
HL_ABI_ASSERT(offsetof(struct hl_boot, heap) == 48, "hl_boot.heap");
HL_ABI_ASSERT(offsetof(struct hl_boot, stack) == 64, "hl_boot.stack");
HL_ABI_ASSERT(offsetof(struct hl_boot, load_bias) == 80, "hl_boot.load_bias");
HL_ABI_ASSERT(offsetof(struct hl_boot, random) == 88, "hl_boot.random");
HL_ABI_ASSERT(sizeof(struct hl_desc) == 128, "hl_desc");
HL_ABI_ASSERT(offsetof(struct hl_desc, result) == 16, "hl_desc.result");
HL_ABI_ASSERT(offsetof(struct hl_desc, args) == 18, "hl_desc.args");
HL_ABI_ASSERT(offsetof(struct hl_desc, name) == 40, "hl_desc.name");
HL_ABI_ASSERT(sizeof(struct hl_note) == 40, "hl_note");
HL_ABI_ASSERT(offsetof(struct hl_note, functions) == 8, "hl_note.functions");
HL_ABI_ASSERT(offsetof(struct hl_note, imports) == 24, "hl_note.imports");

#ifdef __cplusplus
}
#endif
#endif /* !__ASSEMBLER__ */
#endif
