/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_output.h"
int profile_diff(FILE *out, const struct profile_view *view, const struct profile_view *old,
                 const struct profile_options *options, struct hl_error *error)
{
    (void)out;
    (void)view;
    (void)old;
    (void)options;
    return hl_error_set(error, HL_ERR_ARGUMENT, "not yet");
}
