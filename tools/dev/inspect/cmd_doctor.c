/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/cmd_doctor.c - hl-dev doctor: what this machine supports, as measured. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "probe.h"
#include "options.h"
#include "ui.h"

#define INDENT 18 /* column of the text */

/* One line of the report, in both forms. */
struct report {
    bool json;
    json_t *document;
    json_t *last; /* what was said last, borrowed */
    bool broken;  /* guests cannot run */
};

static void say(struct report *r, const char *mark, const char *name, const char *text)
{
    if (r->json) {
        json_t *o = json_object();
        json_object_set_new(o, "status", json_string(mark));
        json_object_set_new(o, "text", json_text(text, strlen(text)));
        json_object_set_new(r->document, name, o);
        r->last = o;
        return;
    }
    bool bad = strcmp(mark, "FAIL") == 0;
    printf("%s%-5s%s %-11s", bad ? ui_red(stdout) : "", mark, bad ? ui_plain(stdout) : "", name);
    ui_wrap(stdout, text, INDENT, INDENT - 1);
}

/* Of what was said last. */
static void say_remedy(struct report *r, const char *text)
{
    if (!*text)
        return;
    if (r->json) {
        json_object_set_new(r->last, "remedy", json_text(text, strlen(text)));
        return;
    }
    fputs("      remedy     ", stdout);
    ui_wrap(stdout, text, INDENT, INDENT - 1);
}

static void say_machine(struct report *r)
{
    struct utsname u;
    char text[512];
    uname(&u);
    snprintf(text, sizeof(text), "%s %s %s, %ld CPUs, %ld MiB", u.sysname, u.release, u.machine,
             sysconf(_SC_NPROCESSORS_ONLN),
             (long)(sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024)));
    say(r, "ok", "system", text);
}

static const char *kvm_module(void)
{
    static const char *const names[] = {"kvm_intel", "kvm_amd", "kvm_pvm"};
    for (unsigned i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/sys/module/%s", names[i]);
        if (access(path, F_OK) == 0)
            return names[i];
    }
    return "unknown module";
}

/* A cause is said once: what needs the device is not tried without it. */
static void say_device(struct report *r)
{
    char text[1400];
    struct hl_error error;
    const char *own = secure_getenv("HL_KVM_DEVICE"), *path = own && *own ? own : "/dev/kvm";
    r->broken = probe_device(&error) != 0;
    if (r->broken) {
        say(r, "FAIL", "kvm", error.text);
        say_remedy(r, error.hint);
        return;
    }
    snprintf(text, sizeof(text), "%.300s (%s)", path, kvm_module());
    say(r, "ok", "kvm", text);
}

static void say_probe(struct report *r, const struct probe *p)
{
    struct hl_error error;
    char text[1400], figure[256] = "";
    if (p->run(figure, sizeof(figure), &error)) {
        snprintf(text, sizeof(text), "%s: %s", p->what, error.text);
        say(r, "FAIL", p->name, text);
        say_remedy(r, strcmp(error.hint, hl_err_hint(HL_ERR_KVM)) ? error.hint : "");
        r->broken = true;
        return;
    }
    snprintf(text, sizeof(text), "%s: %s", p->what, figure);
    say(r, "ok", p->name, text);
}

/* First line of what `command` prints; false when it cannot be run. */
static bool first_line(const char *command, char *text, size_t size)
{
    FILE *f = popen(command, "r");
    if (!f)
        return false;
    bool got = fgets(text, (int)size, f);
    char rest[256]; /* a tool that cannot write the rest would fail */
    while (fgets(rest, sizeof(rest), f))
        ;
    int status = pclose(f);
    text[strcspn(text, "\n")] = 0;
    return got && status == 0;
}

static void say_tool(struct report *r, const char *name, const char *command, const char *package)
{
    char text[256];
    if (first_line(command, text, sizeof(text))) {
        say(r, "ok", name, text);
        return;
    }
    say(r, "miss", name, "not found");
    snprintf(text, sizeof(text), "apt-get install %s", package);
    say_remedy(r, text);
}

static int doctor(const struct options *o)
{
    struct report r = {.json = o->json, .document = json_object()};
    say_machine(&r);
    say_device(&r);
    bool no_device = r.broken;
    for (unsigned i = 0; i < probe_count && !no_device; i++)
        say_probe(&r, &probes[i]);
    say_tool(&r, "gcc", "gcc --version 2>/dev/null", "gcc");
    say_tool(&r, "make", "make --version 2>/dev/null", "make");
    say_tool(&r, "musl", "ls /usr/lib/x86_64-linux-musl/libc.a 2>/dev/null", "musl-dev");
    say_tool(&r, "gdb", "gdb --version 2>/dev/null", "gdb");
    if (r.json) {
        json_object_set_new(r.document, "usable", json_boolean(!r.broken));
        return json_print(r.document, r.broken ? EXIT_USER : EXIT_FINE);
    }
    json_decref(r.document);
    puts(r.broken ? "guests cannot run on this machine" : "guests run on this machine");
    return ui_finish(r.broken ? EXIT_USER : EXIT_FINE);
}

int cmd_doctor(int argc, char **argv)
{
    struct options options;
    int status = options_parse(&options, COMMAND_DOCTOR, argc, argv);
    if (status < 0)
        status = doctor(&options);
    options_free(&options);
    return status;
}
