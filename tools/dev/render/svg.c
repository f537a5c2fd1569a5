/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render/svg.c - a flame graph that is one file: it shows all there is without its script, which
 * adds search, zoom and the other weight (flame.js says what it expects of the picture).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile_color.h"
#include "profile_output.h"
#include "profile_text.h"
#include "profile_tree.h"
#include "quote.h"
#include "utf8.h"

enum { WIDTH = 1200, MARGIN = 12, ROW = 20, TOP = 92, FOOT = 34 }; /* the script has them, too */
#define CHAR 7.23
#define NODES_MAX 6000 /* more of them make a picture slow: the narrowest are left out */

__asm__(".section .rodata\n"
        "profile_flame_js:\n.incbin \"tools/dev/render/flame.js\"\n.byte 0\n"
        "profile_flame_css:\n.incbin \"tools/dev/render/flame.css\"\n.byte 0\n"
        ".previous\n");
extern const char profile_flame_js[], profile_flame_css[];

struct picture {
    FILE *out;
    const struct view *view;
    const struct profile_tree *tree;
    enum profile_weight weight;
    bool compares;
    uint64_t most;    /* the greatest change */
    uint64_t parts;   /* what is less than one of as many in all is left out; 0: nothing is */
    uint32_t *number; /* of each node in the picture */
    double *x;        /* of each node's next child */
    uint32_t shown;
    unsigned height;
};

static void xml(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *name = quote_xml(*text);
        if (name)
            fputs(name, out);
        else
            fputc(*text, out);
    }
}

/* As much of it as there is room for, or nothing. */
static void xml_short(FILE *out, const char *text, double px)
{
    size_t room = px < 7 ? 0 : (size_t)((px - 7) / CHAR);
    char *part;
    if (utf8_count(text) <= room) {
        xml(out, text);
        return;
    }
    if (room < 4)
        return;
    part = strndup(text, utf8_start(text, room - 2));
    xml(out, part ? part : "");
    fputs("..", out);
    free(part);
}

static uint64_t weight(const struct picture *p, const struct view_node *node)
{
    return p->weight == PROFILE_TIME ? node->ns : node->count;
}

static uint64_t before(const struct picture *p, const struct view_node *node)
{
    return p->weight == PROFILE_TIME ? node->old_ns : node->old_count;
}

static const char *unit(const struct picture *p)
{
    return p->view->cpu ? "samples" : "exits";
}

/* What the frame's own name does not say. */
static const char *place(const struct view_node *node)
{
    return node->cell.frame && !*node->cell.at ? node->cell.frame->place : "";
}

static void title(struct picture *p, const struct view_node *node, const char *name)
{
    const struct view_node *all = p->tree->node;
    char share[PROFILE_NUMBER], time[PROFILE_NUMBER], time_share[PROFILE_NUMBER];
    fputs("<title>", p->out);
    xml(p->out, name);
    if (*place(node)) {
        fputs("\n", p->out);
        xml(p->out, place(node));
        fputs(node->several ? " and others" : "", p->out);
    }
    if (node->cell.frame && node->cell.frame->inlined)
        fputs("\ninlined", p->out);
    if (node->cell.frame && node->cell.frame->uncertain)
        fputs("\nuncertain: found without unwind information", p->out);
    fprintf(p->out, "\n%" PRIu64 " %.*s  %s\n%s  %s", node->count,
            (int)strlen(unit(p)) - (node->count == 1), unit(p),
            profile_percent(share, node->count, all->count), profile_time(time, node->ns),
            profile_percent(time_share, node->ns, all->ns));
    if (p->compares)
        fprintf(p->out, "\nwas %" PRIu64 " %s, %s", node->old_count, unit(p),
                profile_time(time, node->old_ns));
    fputs("</title>", p->out);
}

static void data(struct picture *p, const struct view_node *node, const char *name)
{
    const struct view_frame *f = node->cell.frame;
    fprintf(p->out, "<g class=\"f%s%s\"", f && f->inlined ? " i" : "",
            f && f->uncertain ? " u" : "");
    fprintf(p->out, " data-p=\"%" PRIu32 "\" data-c=\"%" PRIu64 "\" data-t=\"%" PRIu64 "\"",
            p->number[node->parent], node->count, node->ns);
    if (p->compares)
        fprintf(p->out, " data-oc=\"%" PRIu64 "\" data-ot=\"%" PRIu64 "\"", node->old_count,
                node->old_ns);
    fputs(" data-n=\"", p->out);
    xml(p->out, name);
    if (*place(node)) {
        fputs("\" data-f=\"", p->out);
        xml(p->out, place(node));
        fputs(node->several ? " and others" : "", p->out);
    }
    fputs("\">", p->out);
}

static void draw(struct picture *p, uint32_t n)
{
    const struct view_node *node = p->tree->node + n, *all = p->tree->node;
    double whole = (double)weight(p, all), scale = whole > 0 ? (WIDTH - 2 * MARGIN) / whole : 0;
    double x = n ? p->x[node->parent] : MARGIN, w = (double)weight(p, node) * scale;
    unsigned y = TOP + (p->tree->depth - node->depth) * ROW;
    unsigned color = p->compares ? profile_change_color(weight(p, node), before(p, node), p->most)
                                 : profile_color(profile_hue(&node->cell), node->cell.name);
    char name[2 * PROFILE_TEXT_MAX + 16];
    if (n)
        p->x[node->parent] += w;
    else
        w = WIDTH - 2 * MARGIN;
    p->x[n] = x;
    p->number[n] = p->shown++;
    const char *at = node->cell.at;
    snprintf(name, sizeof(name), "%s%s%s%s", node->cell.name, *at ? " (" : "", at, *at ? ")" : "");
    data(p, node, name);
    title(p, node, name);
    fprintf(p->out, "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"2\" ", x, y,
            w > 3 ? w - 0.8 : w * 0.8, ROW - 1);
    fprintf(p->out, "fill=\"#%06x\"/><text x=\"%.1f\" y=\"%u\">", color, x + 4, y + 14);
    xml_short(p->out, name, w);
    fputs("</text></g>\n", p->out);
}

/* Its callers are at least as wide. */
static bool visible(const struct picture *p, const struct view_node *node)
{
    const struct view_node *all = p->tree->node;
    return !p->parts || node->count > all->count / p->parts || node->ns > all->ns / p->parts;
}

static void find_parts(struct picture *p)
{
    size_t count = p->tree->count;
    for (uint64_t parts = 20000; count > NODES_MAX && parts; parts /= 2) {
        p->parts = parts;
        count = 0;
        for (size_t i = 0; i < p->tree->count; i++)
            count += visible(p, p->tree->node + i);
    }
}

static uint32_t first_visible(const struct picture *p, uint32_t n)
{
    while (n && !visible(p, p->tree->node + n))
        n = p->tree->node[n].sibling;
    return n;
}

/* Parents first, siblings in their order; it may be too deep for a recursion. */
static void draw_all(struct picture *p)
{
    const struct view_node *node = p->tree->node;
    uint32_t at = 0, next = 0;
    do {
        draw(p, next);
        at = next;
        next = first_visible(p, node[at].child);
        while (at && !next) {
            next = first_visible(p, node[at].sibling);
            at = node[at].parent;
        }
    } while (next);
}

static void button(FILE *out, const char *id, int x, int width, const char *text, bool on)
{
    fprintf(out,
            "<g id=\"%s\" class=\"button%s\" role=\"button\" tabindex=\"0\" aria-label=\"%s\">"
            "<rect x=\"%d\" y=\"14\" width=\"%d\" height=\"26\" rx=\"5\"/>"
            "<text x=\"%d\" y=\"31\">%s</text></g>\n",
            id, on ? " on" : "", text, x, width, x + width / 2, text);
}

static void head(struct picture *p)
{
    FILE *out = p->out;
    const struct view_node *all = p->tree->node;
    const struct profile_totals *t = &p->view->totals;
    bool time = p->weight == PROFILE_TIME;
    char buf[PROFILE_NUMBER];
    fprintf(out, "<g id=\"head\"><rect id=\"back\" width=\"%d\" height=\"%d\"/>\n", WIDTH, TOP - 6);
    fprintf(out, "<text id=\"title\" x=\"%d\" y=\"32\">", MARGIN);
    xml_short(out, *p->view->guest ? p->view->guest : "guest", 400);
    fprintf(out, "</text>\n<text id=\"sub\" x=\"%d\" y=\"54\">%" PRIu64 " %s, %s", MARGIN,
            all->count, unit(p), profile_time(buf, all->ns));
    fprintf(out, " %s  -  %" PRIu64 " run%s, wall %s", p->view->cpu ? "in all" : "to serve them",
            t->runs, t->runs == 1 ? "" : "s", profile_time(buf, t->wall_ns));
    if (p->compares)
        fprintf(out, "  -  before: %" PRIu64 " %s, %s", all->old_count, unit(p),
                profile_time(buf, all->old_ns));
    fprintf(out, "</text>\n<text class=\"static\" x=\"%d\" y=\"32\" text-anchor=\"end\">",
            WIDTH - MARGIN);
    fprintf(out, "widths: %s</text>\n", time ? "time" : unit(p));
    fprintf(out,
            "<text id=\"keys\" class=\"js\" x=\"%d\" y=\"76\">click or Enter: zoom   arrows: move"
            "   w: other weight   i: upside down   Ctrl-F: search   Esc: back</text>\n",
            MARGIN);
    fprintf(out, "<text id=\"matched\" class=\"js\" x=\"%d\" y=\"62\" text-anchor=\"end\"/>\n",
            WIDTH - MARGIN);
    fprintf(out, "<g id=\"tools\" class=\"js\" transform=\"translate(%d,0)\">\n",
            WIDTH - MARGIN - 520);
    button(out, "by-count", 0, 74, unit(p), !time);
    button(out, "by-time", 78, 62, "time", time);
    button(out, "reset", 152, 94, "reset zoom", false);
    fputs("<foreignObject x=\"260\" y=\"14\" width=\"260\" height=\"27\"><input id=\"input\" "
          "xmlns=\"http://www.w3.org/1999/xhtml\" type=\"text\" aria-label=\"search\" "
          "spellcheck=\"false\" "
          "placeholder=\"search: a regular expression\"/></foreignObject>\n</g></g>\n",
          out);
}

static int legend(FILE *out, int x, unsigned y, unsigned color, const char *text)
{
    fprintf(out,
            "<rect x=\"%d\" y=\"%u\" width=\"12\" height=\"12\" rx=\"2\" fill=\"#%06x\"/>"
            "<text x=\"%d\" y=\"%u\" font-size=\"12\">%s</text>\n",
            x, y, color, x + 17, y + 10, text);
    return x + 17 + (int)(6.6 * (double)strlen(text)) + 20;
}

static void foot(struct picture *p)
{
    static const char *const hues[] = {"guest",       "its runtime",    "host function",
                                       "system call", "fault or abort", "other exit"};
    unsigned y = p->height - FOOT + 12;
    char time[PROFILE_NUMBER];
    int x = MARGIN;
    if (p->compares) {
        x = legend(p->out, x, y, profile_change_color(1, 0, 1), "more than before");
        x = legend(p->out, x, y, profile_change_color(0, 1, 1), "less");
        x = legend(p->out, x, y, profile_change_color(0, 0, 1), "the same");
    } else {
        for (unsigned i = 0; i < sizeof(hues) / sizeof(*hues); i++)
            x = legend(p->out, x, y, profile_color((enum profile_hue)i, "serve"), hues[i]);
    }
    fprintf(p->out, "<text id=\"note\" x=\"%d\" y=\"%u\">", x, y + 10);
    if (p->tree->gone_count || p->tree->gone_ns)
        fprintf(p->out, "gone, and not shown: %" PRIu64 " %s, %s  ", p->tree->gone_count, unit(p),
                profile_time(time, p->tree->gone_ns));
    if (p->shown < p->tree->count)
        fprintf(p->out, "%zu frames are too narrow to be shown", p->tree->count - p->shown);
    fputs("</text>\n", p->out);
}

static void picture(struct picture *p)
{
    FILE *out = p->out;
    p->height = TOP + (p->tree->depth + 1) * ROW + FOOT;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
            "width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" role=\"img\" data-unit=\"%s\" "
            "data-weight=\"%s\"%s>\n<title>",
            WIDTH, p->height, WIDTH, p->height, unit(p),
            p->weight == PROFILE_TIME ? "time" : "count", p->compares ? " data-diff=\"1\"" : "");
    xml(out, *p->view->guest ? p->view->guest : "guest");
    fprintf(out, "</title>\n<style><![CDATA[\n%s]]></style>\n", profile_flame_css);
    fprintf(out, "<rect id=\"page\" width=\"%d\" height=\"%u\"/>\n<g id=\"frames\">\n", WIDTH,
            p->height);
    draw_all(p);
    fputs("</g>\n", out);
    foot(p);
    head(p);
    fputs("<g id=\"tip\"><rect rx=\"5\"/><text/></g>\n", out);
    fprintf(out, "<script><![CDATA[\n%s]]></script>\n</svg>\n", profile_flame_js);
}

static void find_most(struct picture *p)
{
    for (size_t i = 0; i < p->tree->count; i++) {
        uint64_t now = weight(p, p->tree->node + i), was = before(p, p->tree->node + i);
        uint64_t change = now > was ? now - was : was - now;
        p->most = change > p->most ? change : p->most;
    }
}

int profile_svg(FILE *out, const struct view *view, const struct view *old,
                const struct profile_options *options, struct hl_error *error)
{
    struct profile_tree tree = {0}, before_tree = {0};
    struct picture p = {.out = out, .view = view, .tree = &tree, .weight = options->weight};
    int rc = profile_tree_make(&tree, view, options->by, error);
    if (!rc && old)
        rc = profile_tree_make(&before_tree, old, options->by, error);
    if (!rc && old)
        rc = profile_tree_compare(&tree, &before_tree, error);
    if (!rc) {
        p.compares = old != NULL;
        p.number = calloc(tree.count, sizeof(*p.number));
        p.x = calloc(tree.count, sizeof(*p.x));
        if (p.number && p.x) {
            find_most(&p);
            find_parts(&p);
            picture(&p);
        } else {
            rc = hl_error_set(error, HL_ERR_MEMORY, "out of memory");
        }
        free(p.number);
        free(p.x);
    }
    profile_tree_free(&tree);
    profile_tree_free(&before_tree);
    return rc;
}
