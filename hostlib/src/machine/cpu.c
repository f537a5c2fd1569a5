/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_cpu.h"

#include "machine_impl.h"

unsigned machine_features(const struct hl_machine *m)
{
    return m->backend->features();
}

uint64_t machine_xcr0(const struct hl_machine *m)
{
    return m->backend->xcr0(m->vcpu);
}

size_t machine_xsave_size(const struct hl_machine *m)
{
    return m->backend->xsave_size(m->vcpu);
}

size_t machine_xsave_used(const struct hl_machine *m)
{
    return m->backend->xsave_used(m->vcpu);
}

int machine_get_xsave(struct hl_machine *m, void *area, struct hl_error *error)
{
    return m->backend->get_xsave(m->vcpu, area, error);
}

int machine_set_xsave(struct hl_machine *m, const void *area, struct hl_error *error)
{
    int rc = machine_can_set(m, error);
    return rc ? rc : m->backend->set_xsave(m->vcpu, area, error);
}

int machine_get_system(struct hl_machine *m, struct vcpu_system *system, struct hl_error *error)
{
    return m->backend->get_system(m->vcpu, system, error);
}

int machine_sample(struct hl_machine *m, uint64_t period, struct hl_error *error)
{
    if (!m->backend->sample)
        return hl_error_set(error, HL_ERR_STATE, "no timer for samples");
    return m->backend->sample(m->vcpu, period, error);
}

size_t machine_stats(struct hl_machine *m, struct vcpu_stat *list)
{
    return m->backend->stats ? m->backend->stats(m->vcpu, list, VCPU_STATS) : 0;
}
