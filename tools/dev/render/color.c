/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_color.h"

#include <string.h>

/* From where to where, in degrees and percent. */
static const struct palette {
    double hue[2], saturation[2], light[2];
} palettes[] = {
    [HUE_GUEST] = {{14, 50}, {76, 92}, {60, 69}},
    [HUE_RUNTIME] = {{28, 46}, {24, 34}, {74, 80}},
    [HUE_HOST] = {{206, 226}, {62, 76}, {66, 73}},
    [HUE_SYSCALL] = {{158, 176}, {40, 52}, {60, 67}},
    [HUE_FAULT] = {{342, 354}, {68, 80}, {64, 70}},
    [HUE_OTHER] = {{262, 284}, {44, 58}, {71, 77}},
    [HUE_ROOT] = {{36, 36}, {12, 12}, {80, 80}},
};

enum profile_hue profile_hue(const struct profile_cell *cell)
{
    if (cell->type == PROFILE_CELL_ROOT)
        return HUE_ROOT;
    if (cell->type == PROFILE_CELL_FRAME)
        return strcmp(cell->name, "[unknown]") == 0 ? HUE_ROOT
               : cell->frame->runtime               ? HUE_RUNTIME
                                                    : HUE_GUEST;
    const char *reason = cell->kind->reason;
    if (strcmp(reason, "host") == 0)
        return HUE_HOST;
    if (strcmp(reason, "syscall") == 0)
        return HUE_SYSCALL;
    return strcmp(reason, "fault") == 0 || strcmp(reason, "abort") == 0 ||
                   strcmp(reason, "shutdown") == 0
               ? HUE_FAULT
               : HUE_OTHER;
}

static double between(const double range[2], uint32_t hash)
{
    return range[0] + (range[1] - range[0]) * (hash & 0xff) / 255;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* https://www.w3.org/TR/css-color-3/#hsl-color, without the library of mathematics */
static unsigned channel(double hue, double saturation, double light, double shift)
{
    double k = shift + hue / 30 < 12 ? shift + hue / 30 : shift + hue / 30 - 12;
    double a = saturation * least(light, 1 - light), wave = least(least(k - 3, 9 - k), 1);
    return (unsigned)(255 * (light - a * (wave > -1 ? wave : -1)) + 0.5);
}

unsigned profile_color(enum profile_hue hue, const char *name)
{
    uint32_t hash = 2166136261; /* FNV-1a, and mixed: names often differ in the last letter only */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619;
    hash = (hash ^ hash >> 15) * 0x85ebca6b;
    hash ^= hash >> 13;
    const struct palette *p = &palettes[hue];
    double h = between(p->hue, hash), s = between(p->saturation, hash >> 8) / 100;
    double l = between(p->light, hash >> 16) / 100;
    return channel(h, s, l, 0) << 16 | channel(h, s, l, 8) << 8 | channel(h, s, l, 4);
}

/* The script does the same (compareColors). */
unsigned profile_change_color(uint64_t now, uint64_t before, uint64_t most)
{
    uint64_t change = now > before ? now - before : before - now;
    if (!change)
        return 0xeeece8;
    unsigned pale = (unsigned)(198.5 - 110 * (double)change / (double)(most ? most : 1));
    return now > before ? 0xf00000 | pale << 8 | pale : pale << 16 | pale << 8 | 0xf5;
}
