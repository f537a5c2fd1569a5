/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from the guest to host functions. */
#include "state.h"

_Static_assert(HL_DETAIL_CODE_void == HL_VOID && HL_DETAIL_CODE_i32 == HL_I32 &&
                   HL_DETAIL_CODE_u32 == HL_U32 && HL_DETAIL_CODE_i64 == HL_I64 &&
                   HL_DETAIL_CODE_u64 == HL_U64 && HL_DETAIL_CODE_f32 == HL_F32 &&
                   HL_DETAIL_CODE_f64 == HL_F64 && HL_DETAIL_CODE_bool == HL_BOOL &&
                   HL_DETAIL_CODE_string == HL_STRING && HL_DETAIL_CODE_bytes == HL_BYTES,
               "the digits in hl/guest-detail.h are enum hl_type");

/* Weak: no import at all is fine. */
extern const struct hl_desc __start_hl_imports[] __attribute__((weak));

struct hl_slot *hl_detail_arguments(void)
{
    return hl_state.output->message.slot;
}

void hl_detail_put_string(struct hl_slot *slot, const char *value)
{
    if (!value)
        value = hl_null_string;
    hl_detail_put(slot, HL_STRING, (uint64_t)(uintptr_t)value, hl_length(value));
}

static const struct hl_slot *failed(int code, const char *message)
{
    static const struct hl_slot nothing;
    /* 0 is what says "fine", so a failure needs another number. */
    hl_state.error_code = code ? code : -1;
    hl_state.error_message = message;
    return &nothing;
}

const struct hl_slot *hl_detail_call(const struct hl_desc *import)
{
    struct hl_message *message = &hl_state.output->message;
    const struct hl_message *reply = &hl_state.input->reply;
    const struct hl_slot *slot = &reply->slot[0];
    message->kind = HL_MSG_CALL;
    message->index = (uint32_t)(import - __start_hl_imports);
    message->count = import->count;
    message->code = 0;
    hl_port_out(HL_PORT_CALL);

    if (reply->kind == HL_MSG_ERROR)
        return failed(reply->code, slot->type == HL_STRING && slot->bits
                                       ? hl_detail_get_string(slot)
                                       : "the host function failed");
    if (reply->kind != HL_MSG_RESULT || slot->type != import->result)
        return failed(-1, "the host's answer has the wrong type");

    hl_state.error_code = 0;
    hl_state.error_message = "";
    return slot;
}

int hl_error_code(void)
{
    return hl_state.error_code;
}

const char *hl_error_message(void)
{
    return hl_state.error_message;
}
