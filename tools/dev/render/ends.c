/* SPDX-License-Identifier: Apache-2.0 */
/* render/ends.c - what a table has above and below its rows: where the time went, calls, memory.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "profile_grid.h"
#include "profile_output.h"
#include "profile_text.h"

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void part(struct profile_grid *grid, const char *name, uint64_t ns, uint64_t whole,
                 const char *what)
{
    profile_grid_cell(grid, "%s", name);
    profile_grid_time(grid, ns);
    if (whole)
        profile_grid_percent(grid, ns, whole);
    else
        profile_grid_cell(grid, "%s", "");
    profile_grid_cell(grid, "%s", what);
}

/* What the profile itself took is in none of the parts, nor in their sum. */
static bool times(FILE *out, const struct profile_totals *t, const struct profile_colors *colors)
{
    struct profile_grid grid = {.align = "lrrl"};
    uint64_t all = t->guest_ns + t->host_ns + t->vmm_ns;
    char time[PROFILE_NUMBER], more[PROFILE_NUMBER + 48] = "";
    part(&grid, "guest", t->guest_ns, all, "running the guest, with KVM's entry and exit");
    part(&grid, "host", t->host_ns, all, "in host functions");
    part(&grid, "vmm", t->vmm_ns, all, "in libhl: system calls, arguments, output, log");
    if (t->observer_ns)
        snprintf(more, sizeof(more), "and %s for making this profile",
                 profile_time(time, t->observer_ns));
    part(&grid, "total", all, 0, more);
    return profile_grid_print(&grid, out, colors);
}

static void sampling(FILE *out, const struct view *view)
{
    const struct profile_totals *t = &view->totals;
    char share[PROFILE_NUMBER];
    fprintf(out, "sampled %" PRIu64 " times a second: %" PRIu64 " sample%s", view->rate_hz,
            t->samples, plural(t->samples));
    if (t->lost)
        fprintf(out, ", %" PRIu64 " lost (%s of those due)", t->lost,
                profile_percent(share, t->lost, t->samples + t->lost));
    fputs(t->lost ? "\n" : ", none lost\n", out);
}

bool profile_table_head(FILE *out, const struct view *view, bool color)
{
    const struct profile_totals *t = &view->totals;
    const struct profile_colors *c = &profile_colors[color];
    fprintf(out, "%s%s%s: %" PRIu64 " run%s, %" PRIu64 " exit%s", c->bold,
            *view->guest ? view->guest : "(guest)", c->plain, t->runs, plural(t->runs), t->exits,
            plural(t->exits));
    if (t->interrupts && !view->cpu) /* there almost all are samples */
        fprintf(out, ", %" PRIu64 " interrupt%s", t->interrupts, plural(t->interrupts));
    fputc('\n', out);
    bool fine = times(out, t, c);
    if (view->cpu)
        sampling(out, view);
    if (t->stacks_dropped)
        fprintf(out,
                "the stack of %" PRIu64 " exit%s is unknown: there were too many different ones\n",
                t->stacks_dropped, plural(t->stacks_dropped));
    fputc('\n', out);
    return fine;
}

static void title(FILE *out, const struct profile_colors *c, const char *text)
{
    fprintf(out, "\n%s%s%s\n", c->bold, text, c->plain);
}

static void range(struct profile_grid *grid, const struct profile_range *r)
{
    if (!r->known)
        profile_grid_cell(grid, "%s", "");
    else if (r->min == r->max)
        profile_grid_cell(grid, "%.0f", r->mean);
    else
        profile_grid_cell(grid, "%.0f-%.0f", r->min, r->max);
}

/* Nothing where it is 0, so that a column of that goes away. */
static void some(struct profile_grid *grid, uint64_t n)
{
    if (n)
        profile_grid_cell(grid, "%" PRIu64, n);
    else
        profile_grid_cell(grid, "%s", "");
}

static void call_row(struct profile_grid *grid, const struct view_call *call)
{
    uint64_t all = call->guest_ns + call->host_ns + call->vmm_ns;
    uint64_t own = call->failed > call->interrupted ? call->failed - call->interrupted : 0;
    profile_grid_cell(grid, "%" PRIu64, call->count);
    some(grid, own);
    some(grid, call->interrupted);
    profile_grid_cell(grid, "%" PRIu64, call->exits);
    profile_grid_time(grid, all);
    profile_grid_percent(grid, call->guest_ns, all);
    profile_grid_percent(grid, call->host_ns, all);
    profile_grid_percent(grid, call->vmm_ns, all);
    profile_grid_time(grid, call->p50_ns);
    profile_grid_time(grid, call->p99_ns);
    profile_grid_time(grid, call->max_ns);
    profile_grid_cell(grid, "%s", call->name);
}

static bool calls(FILE *out, const struct view *view, const struct profile_colors *colors)
{
    static const char *const head[] = {"COUNT", "FAILED", "STOPPED", "EXITS", "TIME", "GUEST",
                                       "HOST",  "VMM",    "P50",     "P99",   "MAX",  "CALL"};
    struct profile_grid grid = {.align = "rrrrrrrrrrrl", .bold_head = true, .spare = "hjgf"};
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        profile_grid_cell(&grid, "%s", head[i]);
    for (size_t i = 0; i < view->call_count && i < PROFILE_TOP; i++)
        call_row(&grid, view->call + i);
    title(out, colors, "calls, their times and who took them");
    bool fine = profile_grid_print(&grid, out, colors);
    if (view->call_count > PROFILE_TOP)
        fprintf(out, "... and %zu more\n", view->call_count - PROFILE_TOP);
    return fine;
}

static bool has_pages(const struct view *view)
{
    for (size_t i = 0; i < view->call_count; i++)
        if (view->call[i].dirtied.known || view->call[i].touched.known)
            return true;
    return false;
}

static bool call_pages(FILE *out, const struct view *view, const struct profile_colors *colors)
{
    struct profile_grid grid = {.align = "rrrl", .bold_head = true};
    static const char *const head[] = {"COUNT", "WRITTEN", "TOUCHED", "CALL"};
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        profile_grid_cell(&grid, "%s", head[i]);
    for (size_t i = 0; i < view->call_count && i < PROFILE_TOP; i++) {
        profile_grid_cell(&grid, "%" PRIu64, view->call[i].count);
        range(&grid, &view->call[i].dirtied);
        range(&grid, &view->call[i].touched);
        profile_grid_cell(&grid, "%s", view->call[i].name);
    }
    title(out, colors, "pages that each call wrote to and touched");
    return profile_grid_print(&grid, out, colors);
}

static bool startup(FILE *out, const struct view *view, const struct profile_colors *colors)
{
    struct profile_grid grid = {.align = "lrl"};
    for (size_t i = 0; i < view->step_count && i < PROFILE_TOP; i++) {
        const struct profile_step *s = view->step + i;
        profile_grid_cell(&grid, "%s", s->name);
        profile_grid_time(&grid, s->ns);
        if (s->count > 1)
            profile_grid_cell(&grid, "mean of %" PRIu64, s->count);
        else
            profile_grid_cell(&grid, "%s", "");
    }
    title(out, colors, "start-up");
    return profile_grid_print(&grid, out, colors);
}

/* What was not counted is left out: --memory counts. */
static void pages(FILE *out, bool known, uint64_t n, const char *what)
{
    char size[PROFILE_NUMBER];
    if (known)
        fprintf(out, "pages  %" PRIu64 " %s (%s)\n", n, what, profile_bytes(size, n * 4096));
}

static void memory(FILE *out, const struct profile_memory *m, const struct profile_colors *colors)
{
    char high[PROFILE_NUMBER], size[PROFILE_NUMBER];
    title(out, colors, "memory");
    fprintf(out, "heap   at most %s of %s\n", profile_bytes(high, m->heap_high),
            profile_bytes(size, m->heap_size));
    fprintf(out, "stack  at most %s of %s\n", profile_bytes(high, m->stack_high),
            profile_bytes(size, m->stack_size));
    pages(out, m->dirtied_known, m->dirtied, "written to");
    pages(out, m->touched_known, m->touched, "touched");
}

static bool kvm(FILE *out, const struct view *view, const struct profile_colors *colors)
{
    struct profile_grid grid = {.align = "rll"};
    size_t zero = 0, shown = 0;
    for (size_t i = 0; i < view->counter_count; i++) {
        const struct view_counter *k = view->counter + i;
        if (fabs(k->value) < 1e-9) {
            zero++;
        } else if (shown++ < PROFILE_TOP) {
            profile_grid_cell(&grid, "%.0f", k->value);
            profile_grid_cell(&grid, "%s", k->name);
            profile_grid_cell(&grid, "%s", k->scope);
        }
    }
    title(out, colors, "what KVM counted meanwhile, for its own and the host's sake, too");
    bool fine = profile_grid_print(&grid, out, colors);
    if (shown > PROFILE_TOP)
        fprintf(out, "... and %zu more\n", shown - PROFILE_TOP);
    if (zero)
        fprintf(out, "%s%zu of its counters stayed at 0%s\n", colors->dim, zero, colors->plain);
    return fine;
}

bool profile_table_tail(FILE *out, const struct view *view, bool color)
{
    const struct profile_colors *colors = &profile_colors[color];
    bool fine = !view->call_count || calls(out, view, colors);
    fine = fine && (!has_pages(view) || call_pages(out, view, colors));
    fine = fine && (!view->step_count || startup(out, view, colors));
    if (view->memory.known)
        memory(out, &view->memory, colors);
    return fine && (!view->counter_count || kvm(out, view, colors));
}
