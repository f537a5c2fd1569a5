/* SPDX-License-Identifier: Apache-2.0 */
/* One line for the host's log. */
#include "state.h"

void hl_log(enum hl_log_level level, const char *message)
{
    struct hl_message *out = &hl_state.output->message;
    out->kind = HL_MSG_LOG;
    out->index = 0;
    out->count = 1;
    out->code = (int32_t)level;
    hl_detail_put_string(&out->slot[0], message);
    hl_port_out(HL_PORT_LOG);
}
