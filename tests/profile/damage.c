/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damage.c - documents that were damaged, in every format: either they are refused in order, or
 * what comes of them is text that can do no harm.  Built with sanitizers.
 *
 * usage: damage SEED COUNT FILE...
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harmless.h"
#include "profile_render.h"

enum { FILES_MAX = 8, FORMATS = 6, BYS = 5 };

static uint64_t seed;

/* https://prng.di.unimi.it/splitmix64.c */
static size_t below(size_t n)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ? (size_t)((z ^ z >> 31) % n) : 0;
}

static json_t *nasty_text(void)
{
    static const char *const texts[] = {
        "",
        "]]>",
        "<script>alert(1)</script>",
        "a;b\nc",
        "\033[31m",
        "\xff\xfe\x80",
        "\xc2\x9b"
        "1m",
        "\xe2\x80\xae"
        "evil",
        "&amp;\"'<",
        "(1) x",
        "%s%n",
        "0x",
        "hl-profile",
        "cpu",
        "host",
        "\xed\xa0\x80",
    };
    size_t i = below(sizeof(texts) / sizeof(*texts) + 1);
    if (i < sizeof(texts) / sizeof(*texts))
        return json_stringn_nocheck(texts[i], strlen(texts[i]));
    char *text = malloc(5000);
    memset(text, 'x' + (int)below(3), 5000);
    json_t *string = json_stringn_nocheck(text, 5000 - below(5000));
    free(text);
    return string;
}

static json_t *nasty(void)
{
    static const json_int_t numbers[] = {
        -1,
        0,
        1,
        2,
        63,
        64,
        1 << 24,
        INT32_MAX,
        (INT64_C(1) << 53) - 1,
        INT64_C(1) << 53,
        INT64_MAX,
        INT64_MIN,
    };
    switch (below(8)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(below(2));
    case 2:
        return json_real(below(2) ? 1e308 : -0.5);
    case 3:
        return below(2) ? json_array() : json_object();
    case 4:
    case 5:
        return nasty_text();
    default:
        return json_integer(numbers[below(sizeof(numbers) / sizeof(*numbers))]);
    }
}

static void damage_list(json_t *list, size_t i)
{
    json_t *other = json_array_get(list, below(json_array_size(list)));
    switch (below(4)) {
    case 0:
        json_array_remove(list, i);
        break;
    case 1:
        json_array_append_new(list, json_deep_copy(other));
        break;
    case 2:
        json_array_set_new(list, i, json_deep_copy(other));
        break;
    default:
        json_array_set_new(list, i, nasty());
    }
}

static void damage_object(json_t *object, const char *key)
{
    if (below(4) == 0)
        json_object_del(object, key);
    else
        json_object_set_new_nocheck(object, key, nasty());
}

static const char *random_key(json_t *object)
{
    void *at = json_object_iter(object);
    for (size_t i = below(json_object_size(object)); i; i--)
        at = json_object_iter_next(object, at);
    return json_object_iter_key(at);
}

/* Go down by chance, and change something where it ends. */
static void damage(json_t *value)
{
    for (;;) {
        json_t *child;
        if (json_array_size(value)) {
            size_t i = below(json_array_size(value));
            child = json_array_get(value, i);
            if (!json_is_array(child) && !json_is_object(child))
                child = NULL;
            if (!child || below(6) == 0) {
                damage_list(value, i);
                return;
            }
        } else if (json_object_size(value)) {
            const char *key = random_key(value);
            child = json_object_get(value, key);
            if (!json_array_size(child) && !json_object_size(child))
                child = NULL;
            if (!child || below(12) == 0) {
                damage_object(value, key);
                return;
            }
        } else {
            return;
        }
        value = child;
    }
}

struct tally {
    unsigned long rendered, refused;
};

static bool try(const json_t *document, const json_t *old, struct tally *tally)
{
    struct profile_options options = {.format = (enum profile_format)below(FORMATS),
                                      .by = (enum profile_by)below(BYS),
                                      .weight = (enum profile_weight)below(2)};
    struct hl_error error = {0};
    char *text = NULL;
    size_t len = 0;
    if (options.format != PROFILE_FOLDED && options.format != PROFILE_CALLGRIND &&
        options.format != PROFILE_SPEEDSCOPE && below(4) == 0)
        options.old = old;
    FILE *out = open_memstream(&text, &len);
    int rc = profile_render(out, document, &options, &error);
    fclose(out);
    bool fine = rc ? rc == error.code && error.text[0] && rc != HL_ERR_MEMORY
                   : (len || options.format == PROFILE_FOLDED) &&
                         harmless((unsigned char *)text, len, options.format);
    if (!fine)
        printf("format %d by %d: %d %s\n", options.format, options.by, rc, error.text);
    tally->refused += rc != 0;
    tally->rendered += rc == 0;
    free(text);
    return fine;
}

static bool once(json_t *const *file, size_t files, struct tally *tally)
{
    json_t *document = json_deep_copy(file[below(files)]);
    const json_t *other = file[below(files)];
    bool fine = true;
    for (size_t i = 1 + below(3); i; i--)
        damage(document);
    for (int i = 0; i < 4 && fine; i++)
        fine = below(4) ? try(document, other, tally) : try(other, document, tally);
    if (!fine)
        json_dumpf(document, stdout, JSON_COMPACT);
    json_decref(document);
    return fine;
}

int main(int argc, char **argv)
{
    json_t *file[FILES_MAX];
    size_t files = 0;
    struct tally tally = {0};
    for (int i = 3; i < argc && files < FILES_MAX; i++)
        if (profile_load(&file[files++], argv[i], NULL)) {
            printf("not ok damage: cannot read %s\n", argv[i]);
            return 1;
        }
    if (!files)
        return 64;
    unsigned long first = strtoul(argv[1], NULL, 10), count = strtoul(argv[2], NULL, 10);
    bool fine = true;
    for (unsigned long i = first; i < first + count && fine; i++) {
        seed = i;
        fine = once(file, files, &tally);
        if (!fine)
            printf("\nnot ok damage: seed %lu\n", i);
    }
    for (size_t i = 0; i < files; i++)
        json_decref(file[i]);
    if (!fine)
        return 1;
    printf("# %lu rendered, %lu refused\n", tally.rendered, tally.refused);
    /* Were one of them never to come, nothing would have been shown. */
    bool both = tally.rendered > count / 4 && tally.refused > count / 4;
    puts(both ? "ok damage" : "not ok damage: hardly anything was rendered, or refused");
    return !both;
}
