/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher: waits for the host, runs what it asks for, answers. */
#include "state.h"

/* build.mk, start.S and hl-sections.ld have these as numbers. */
_Static_assert(HL_NOTE_LIBC == 1 && HL_NOTE_MAIN == 2, "note flags");
_Static_assert(offsetof(struct hl_note, flags) == 4, "__hl_note_flags: 16 bytes of header + 4");

typedef void hl_thunk(const struct hl_slot *args, struct hl_slot *result);

/* All weak: a guest may have functions, a main(), both, or be a test of something else. */
extern const struct hl_desc __start_hl_functions[] __attribute__((weak));
extern const struct hl_desc __stop_hl_functions[] __attribute__((weak));
extern int main(int argc, char **argv, char **envp) __attribute__((weak));

/*
 * The author's main(), or NULL.  Only its address is taken, and from the GOT: a direct call of what
 * may be undefined would make the linker add a PLT to a PIE, which has nothing to fill it.
 */
static int (*author_main(void))(int, char **, char **)
{
    int (*address)(int, char **, char **) = main;

    __asm__("" : "+r"(address));
    return address;
}

static void answer_error(int code, const char *text)
{
    struct hl_message *out = &hl_state.output->message;
    out->kind = HL_MSG_ERROR;
    out->index = 0;
    out->count = 1;
    out->code = code;
    hl_detail_put_string(&out->slot[0], text);
}

static void answer_result(const struct hl_slot *result)
{
    struct hl_message *out = &hl_state.output->message;
    if (result->type == HL_STRING && result->bits == (uintptr_t)hl_null_string) {
        answer_error(-1, "the guest function returned NULL for a string");
        return;
    }
    if (result->type == HL_BYTES && result->len && !result->bits) {
        answer_error(-1, "the guest function returned NULL for bytes with a length");
        return;
    }
    out->kind = HL_MSG_RESULT;
    out->index = 0;
    out->count = 1;
    out->code = 0;
    out->slot[0] = *result;
}

static void run_function(const struct hl_message *call)
{
    size_t functions = (size_t)(__stop_hl_functions - __start_hl_functions);
    const struct hl_desc *desc;
    struct hl_slot result;
    if (call->index >= functions) {
        answer_error(-1, "the guest has no function of this number");
        return;
    }
    desc = &__start_hl_functions[call->index];
    if (call->count != desc->count) {
        answer_error(-1, "wrong number of arguments");
        return;
    }

    hl_state.scratch = (uintptr_t)hl_state.output + sizeof(struct hl_output);
    hl_state.failed = 0;
    hl_state.error_code = 0;
    hl_state.error_message = "";
    ((hl_thunk *)(uintptr_t)desc->thunk)(call->slot, &result);

    if (hl_state.failed)
        answer_error(hl_state.fail_code, hl_state.fail_message);
    else
        answer_result(&result);
}

int hl_serve(int argc, char **argv, char **envp, void (*flush)(void))
{
    const struct hl_message *call = &hl_state.input->call;
    struct hl_message *out = &hl_state.output->message;
    if (flush)
        flush();
    out->kind = HL_MSG_READY;
    out->index = 0;
    out->count = 0;
    out->code = 0;

    for (;;) {
        hl_port_out(HL_PORT_WAIT);
        if (call->kind == HL_MSG_MAIN && author_main())
            return author_main()(argc, argv, envp);
        if (call->kind == HL_MSG_CALL)
            run_function(call);
        else
            answer_error(-1, call->kind == HL_MSG_MAIN ? "the guest has no main()"
                                                       : "the guest does not know this message");
        if (flush)
            flush();
    }
}
