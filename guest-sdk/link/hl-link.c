/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl-link.c - the linker of hl-cc.  The compiler finds it under every name that a linker may have
 * (lib/hl/linkers), so however one is chosen, it comes by here.  hl-link runs the real one, with
 * our script unless the author has his own, and opens what was linked as the host will: what the
 * host would refuse does not leave hl-cc.
 *
 *   hl-link NAME [ARGUMENT]...     link; environment of a compiler without specs (clang):
 *                                  HL_CC_START, HL_CC_LIBS (words), HL_CC_END,
 *                                  HL_CC_LD (the linker's name)
 *   hl-link --words [ARGUMENT]...  print the arguments, quoted for the shell, @FILE expanded
 *   hl-link --compiler-words [ARGUMENT]...  the same, without the options that only hl-cc has
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hl/error.h>
#include <hl/image.h>

#include "ifunc.h"
#include "linker.h"
#include "options.h"
#include "quote.h"
#include "words.h"

static int fail(const char *what, const char *hint)
{
    fprintf(stderr, "hl-cc: error: %s\n", what);
    if (hint && *hint)
        fprintf(stderr, "hint: %s\n", hint);
    return 1;
}

static int words_failed(void)
{
    return fail(errno == ELOOP ? "response files (@FILE) that include each other" : "out of memory",
                NULL);
}

static bool print_word(const char *word)
{
    char *quoted = quote_plain_word(word);
    bool made = quoted && printf("%s ", quoted) > 0;
    free(quoted);
    return made;
}

static int print_words(char **argv, bool for_compiler)
{
    struct words words = {0};
    bool ok = true;
    for (; *argv && ok; argv++)
        ok = words_expand(&words, *argv);
    for (size_t i = 0; i < words.count && ok; i++) {
        bool file = i && strcmp(words.word[i - 1], "-o") == 0;
        if (!for_compiler || file || strcmp(words.word[i], "--freestanding") != 0)
            ok = print_word(words.word[i]);
    }
    words_free(&words);
    return ok && fflush(stdout) == 0 ? 0 : words_failed();
}

/* Only these two follow a script that decides about segments. */
static int check_linker(const struct linker *linker)
{
    char text[sizeof(linker->path) + 64];
    const char *name = linker->kind == LINKER_GOLD   ? "gold"
                       : linker->kind == LINKER_MOLD ? "mold"
                                                     : linker->path;
    if (linker->kind == LINKER_BFD || linker->kind == LINKER_LLD)
        return 0;
    if (linker->kind == LINKER_UNKNOWN)
        snprintf(text, sizeof(text), "%s is neither GNU ld nor lld", name);
    else
        snprintf(text, sizeof(text), "%s cannot link a guest: it does not follow linker scripts",
                 name);
    return fail(text, "link with -fuse-ld=bfd or -fuse-ld=lld");
}

static int check_options(const struct options *options)
{
    char text[256];
    if (!options->refused)
        return 0;
    snprintf(text, sizeof(text), "the linker's option %s cannot give a guest: %s",
             options->refused_word, options->refused->why);
    return fail(text, options->refused->hint);
}

static bool add_file(struct words *words, const char *path)
{
    return !path || !*path || words_add(words, path);
}

/* Words of an environment variable, which are libraries of ours and of the compiler. */
static bool add_words(struct words *words, const char *text)
{
    char word[PATH_MAX];
    for (const char *end; text && *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, ' ');
        int n = snprintf(word, sizeof(word), "%.*s", (int)(end - text), text);
        if ((size_t)n >= sizeof(word) || (n && !words_add(words, word)))
            return false;
    }
    return true;
}

/* The command line of the real linker: our defaults first, for the author's options to override. */
static bool compose(struct words *out, const struct linker *linker, const struct options *options,
                    const char *lib, char **argv)
{
    static const char *const defaults[] = {"-z",
                                           "noexecstack",
                                           "-z",
                                           "max-page-size=4096",
                                           "--hash-style=gnu",
                                           "--eh-frame-hdr",
                                           "--build-id"};
    char text[PATH_MAX];
    bool guest = !options->relocatable && !options->query;
    bool ok = words_add(out, linker->path);
    for (size_t i = 0; guest && i < sizeof(defaults) / sizeof(defaults[0]); i++)
        ok = ok && words_add(out, defaults[i]);
    /* Without it an undefined weak function gets a PLT, which nothing would fill. */
    if (guest && linker->kind == LINKER_BFD)
        ok = ok && words_add(out, "-z") && words_add(out, "nodynamic-undefined-weak");
    if (guest && linker->kind == LINKER_LLD) {
        snprintf(text, sizeof(text), "-L%s/lld", lib); /* hl-linker.ld */
        ok = ok && words_add(out, text);
    }
    if (guest)
        ok = ok && add_file(out, getenv("HL_CC_START"));
    for (; *argv && ok; argv++)
        ok = words_add(out, *argv);
    if (guest)
        ok = ok && add_words(out, getenv("HL_CC_LIBS")) && add_file(out, getenv("HL_CC_END"));
    /* The script after the options, so that it finds what it includes by -L. */
    if (guest && !options->script) {
        ok = ok && words_add(out, "-L") && words_add(out, lib);
        snprintf(text, sizeof(text), "%s/hl-guest%s.ld", lib, options->pie ? "-pie" : "");
        ok = ok && words_add(out, "-T") && words_add(out, text);
    }
    return ok;
}

static const char *hint_of(const struct options *options, const char *text, int code)
{
    if (strstr(text, "ABI note"))
        return "a guest needs crt0.o, which -nostartfiles and -nostdlib leave out";
    if (code == HL_ERR_LIMIT)
        return "hl-cc(1) and the guide have the limits of guests";
    return options->script ? "the linker script of -T makes it so; compare it with hl-guest.ld"
                           : "an option after -Wl makes it so: leave them out one by one";
}

/* No file stays that the host would refuse: an empty one if the directory cannot be written. */
static void remove_output(const char *path)
{
    if (unlink(path) && truncate(path, 0))
        fprintf(stderr, "hl-cc: error: cannot remove %s: %s\n", path, strerror(errno));
}

/* Has the linker left it as it was?  Some options make it link nothing, such as --target-help. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Opens the output as the host will, if it is not the one of before. */
static int check_output(const struct options *options, const struct stat *before)
{
    struct stat st;
    struct hl_image *image = NULL;
    struct hl_error error = {0};
    char name[128], text[256];
    if (stat(options->output, &st) || !S_ISREG(st.st_mode)) /* -o /dev/null */
        return 0;
    if (same_file(&st, before))
        return 0;
    if (ifunc_find(options->output, name, sizeof(name))) {
        remove_output(options->output);
        snprintf(text, sizeof(text), "a guest cannot have IFUNCs: nothing would resolve %s", name);
        return fail(text, "choose in the program, with __builtin_cpu_supports()");
    }
    int code = hl_image_open(&image, options->output, &error);
    hl_image_close(image);
    if (!code)
        return 0;
    remove_output(options->output);
    return fail(error.text, hint_of(options, error.text, code));
}

/* Links, and checks what was linked. */
static int link_and_check(const struct linker *linker, const struct options *options, char **argv)
{
    char text[sizeof(linker->path) + 128];
    struct stat before = {0};
    const char *hint = getenv("HL_CC_HINT");
    bool guest = !options->relocatable && !options->query;
    if (guest && stat(options->output, &before))
        before = (struct stat){0};
    int rc = linker_run(linker->path, argv);
    if (rc < 0) {
        snprintf(text, sizeof(text), "cannot run %s: %s", linker->path, strerror(errno));
        return fail(text, NULL);
    }
    if (rc && hint && *hint)
        fprintf(stderr, "hint: %s\n", hint);
    return rc || !guest ? rc : check_output(options, &before);
}

static int run_linker(const char *name, const char *lib, char **argv)
{
    struct words seen = {0}, out = {0};
    struct options options;
    struct linker linker;
    char own[PATH_MAX], text[PATH_MAX];
    const char *chosen = getenv("HL_CC_LD");
    int rc = 0;
    snprintf(own, sizeof(own), "%s/linkers", lib);
    if (chosen && *chosen)
        name = chosen;
    if (!linker_find(&linker, name, own)) {
        snprintf(text, sizeof(text), "there is no linker %s", name);
        return fail(text, "install it, or choose another with -fuse-ld");
    }
    for (char **a = argv; *a; a++)
        if (!words_expand(&seen, *a))
            rc = words_failed();
    options_read(&options, &seen);
    if (!rc && !options.relocatable && !options.query) {
        rc = check_linker(&linker);
        rc = rc ? rc : check_options(&options);
    }
    if (!rc && !compose(&out, &linker, &options, lib, argv))
        rc = words_failed();
    if (!rc)
        rc = link_and_check(&linker, &options, out.word);
    words_free(&seen);
    words_free(&out);
    return rc;
}

int main(int argc, char **argv)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (argc < 2)
        return fail("hl-link is run by hl-cc", "hl-cc --help");
    if (strcmp(argv[1], "--words") == 0)
        return print_words(argv + 2, false);
    if (strcmp(argv[1], "--compiler-words") == 0)
        return print_words(argv + 2, true);
    if (n < 0)
        return fail("cannot find myself: /proc is not mounted", NULL);
    self[n] = '\0';
    return run_linker(argv[1], dirname(self), argv + 2);
}
