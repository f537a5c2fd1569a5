/* SPDX-License-Identifier: Apache-2.0 */
/* image/table.c - the ABI note and the tables of functions and imports it points to. */
#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hl/machine.h>

/* Bytes of the ABI note's descriptor, and the address of its first one. */
struct found_note {
    const uint8_t *bytes;
    size_t size;
    hl_gva_t address;
};

/* Search one PT_NOTE; at most *left notes may still be read (ELF gABI, "Note Section"). */
static void find_in_notes(const struct hl_image *image, const Elf64_Phdr *ph, size_t *left,
                          struct found_note *found)
{
    if (ph->p_offset > image->size || ph->p_filesz > image->size - ph->p_offset)
        return;
    const uint8_t *notes = image->data + ph->p_offset;
    const uint64_t mask = ph->p_align == 8 ? 7 : 3, end = ph->p_filesz;
    uint64_t next;
    for (uint64_t at = 0; at <= end && end - at >= sizeof(Elf64_Nhdr) && *left;
         at = next, --*left) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof(note));
        uint64_t name = at + sizeof(note);
        uint64_t desc = (name + note.n_namesz + mask) & ~mask;
        next = (desc + note.n_descsz + mask) & ~mask;
        if (desc > end || note.n_descsz > end - desc)
            return;
        if (note.n_type != HL_NOTE_TYPE || note.n_namesz != sizeof(HL_NOTE_NAME) ||
            memcmp(notes + name, HL_NOTE_NAME, sizeof(HL_NOTE_NAME)) != 0)
            continue;
        *found = (struct found_note){notes + desc, note.n_descsz, ph->p_vaddr + image->bias + desc};
        return;
    }
}

int image_find_note(struct hl_image *image, struct hl_error *error)
{
    struct found_note found = {0};
    size_t left = HL_IMAGE_NOTES_MAX;
    for (size_t i = 0; i < image->phnum && !found.bytes; i++) {
        Elf64_Phdr ph = image_header(image, i);
        if (ph.p_type == PT_NOTE)
            find_in_notes(image, &ph, &left, &found);
    }
    if (!found.bytes && !left)
        return image_error(image, error, HL_ERR_LIMIT, "no guest ABI note among the first %d notes",
                           HL_IMAGE_NOTES_MAX);
    if (!found.bytes)
        return image_error(image, error, HL_ERR_NOT_GUEST, "%s without the guest ABI note",
                           image->pie ? "a shared object or PIE program" : "a program");
    uint32_t version = 0;
    if (found.size >= sizeof(version))
        memcpy(&version, found.bytes, sizeof(version));
    if (version != HL_ABI_VERSION)
        return image_error(image, error, HL_ERR_ABI_VERSION,
                           "built for guest ABI version %u, this host speaks %u", version,
                           HL_ABI_VERSION);
    if (found.size != sizeof(image->note))
        return image_bad(image, error, "an ABI note of the wrong size");
    memcpy(&image->note, found.bytes, sizeof(image->note));
    image->note_at = found.address;
    return 0;
}

static bool good_name(const char *name)
{
    size_t n = strnlen(name, HL_NAME_SIZE);
    if (n == 0 || n == HL_NAME_SIZE)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] > '~' || strchr("(),\"\\", name[i]))
            return false;
    return true;
}

static bool good_signature(const struct hl_desc *desc)
{
    if (desc->result >= HL_TYPE_COUNT || desc->count > HL_MAX_ARGS)
        return false;
    for (unsigned i = 0; i < desc->count; i++)
        if (desc->args[i] == HL_VOID || desc->args[i] >= HL_TYPE_COUNT)
            return false;
    return true;
}

static int read_entry(const struct hl_image *image, const struct hl_desc *desc, bool import,
                      struct hl_function *f, struct hl_error *error)
{
    if (!good_name(desc->name))
        return image_bad(image, error, "a function table entry with a bad name");
    if (!good_signature(desc))
        return image_error(image, error, HL_ERR_BAD_IMAGE, "function %s has a bad signature",
                           desc->name);
    if (!import && (!image_in_code(image, desc->entry) || !image_in_code(image, desc->thunk)))
        return image_error(image, error, HL_ERR_BAD_IMAGE,
                           "function %s starts outside the program's code", desc->name);
    f->name = desc->name;
    f->entry = import ? 0 : desc->entry;
    f->signature.result = (enum hl_type)desc->result;
    f->signature.count = desc->count;
    for (unsigned i = 0; i < desc->count; i++)
        f->signature.args[i] = (enum hl_type)desc->args[i];
    return 0;
}

static int read_table(const struct hl_image *image, hl_gva_t start, hl_gva_t end, bool import,
                      struct hl_function **out, size_t *count, struct hl_error *error)
{
    uint64_t size = end - start;
    if (start > end || size % sizeof(struct hl_desc))
        return image_bad(image, error, "a function table of impossible size");
    *count = size / sizeof(struct hl_desc);
    if (*count > HL_IMAGE_FUNCTIONS_MAX)
        return image_error(image, error, HL_ERR_LIMIT, "more than %d functions",
                           HL_IMAGE_FUNCTIONS_MAX);
    if (!*count)
        return 0;
    const uint8_t *bytes = image_bytes(image, start, size);
    if (!bytes)
        return image_bad(image, error, "a function table outside the file's segments");
    struct hl_function *table = *out = calloc(*count, sizeof(*table));
    if (!table)
        return image_error(image, error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < *count; i++) {
        /*
         * Names stay where they are: the bytes are valid as long as the image.  No alignment
         * assumed.
         */
        struct hl_desc desc;
        memcpy(&desc, bytes + i * sizeof(desc), sizeof(desc));
        int rc = read_entry(image, &desc, import, &table[i], error);
        if (rc)
            return rc;
        table[i].name = (const char *)bytes + i * sizeof(desc) + offsetof(struct hl_desc, name);
    }
    return 0;
}

static int compare_names(const void *a, const void *b, void *functions)
{
    const struct hl_function *f = functions;
    return strcmp(f[*(const uint32_t *)a].name, f[*(const uint32_t *)b].name);
}

/* Indices of a table in the order of its names, which must be unique. */
static int sort_names(const struct hl_image *image, struct hl_function *table, size_t n,
                      uint32_t **sorted, struct hl_error *error)
{
    *sorted = calloc(n + 1, sizeof(**sorted));
    if (!*sorted)
        return image_error(image, error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++)
        (*sorted)[i] = (uint32_t)i;
    qsort_r(*sorted, n, sizeof(**sorted), compare_names, table);
    for (size_t i = 1; i < n; i++) {
        const char *name = table[(*sorted)[i]].name;
        if (strcmp(name, table[(*sorted)[i - 1]].name) == 0)
            return image_error(image, error, HL_ERR_BAD_IMAGE, "two functions called %s", name);
    }
    return 0;
}

int image_read_tables(struct hl_image *image, struct hl_error *error)
{
    const struct hl_note *note = &image->note;
#define PLACE(field) (image->note_at + offsetof(struct hl_note, field) + (uint64_t)note->field)
    int rc = read_table(image, PLACE(functions), PLACE(functions_end), false, &image->functions,
                        &image->function_count, error);
    if (!rc)
        rc = read_table(image, PLACE(imports), PLACE(imports_end), true, &image->imports,
                        &image->import_count, error);
#undef PLACE
    if (!rc)
        rc = sort_names(image, image->functions, image->function_count, &image->by_name, error);
    uint32_t *imports = NULL;
    if (!rc)
        rc = sort_names(image, image->imports, image->import_count, &imports, error);
    free(imports); /* sorted only to check that they are unique */
    return rc;
}

size_t hl_image_function_count(const struct hl_image *image)
{
    return image->function_count;
}

const struct hl_function *hl_image_function(const struct hl_image *image, size_t index)
{
    return index < image->function_count ? &image->functions[index] : NULL;
}

size_t hl_image_import_count(const struct hl_image *image)
{
    return image->import_count;
}

const struct hl_function *hl_image_import(const struct hl_image *image, size_t index)
{
    return index < image->import_count ? &image->imports[index] : NULL;
}

int hl_image_find(const struct hl_image *image, const char *name)
{
    size_t low = 0, high = image->function_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t i = image->by_name[middle];
        int order = strcmp(name, image->functions[i].name);
        if (order == 0)
            return (int)i;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* "it has: A, B and 3 more", as many as fit into a hint. */
static void hint_functions(const struct hl_image *image, struct hl_error *error)
{
    char list[sizeof(error->hint)];
    size_t at = 0;
    for (size_t i = 0; i < image->function_count; i++) {
        const char *name = image->functions[i].name;
        if (at + strlen(name) + 48 > sizeof(list)) {
            snprintf(list + at, sizeof(list) - at, " and %zu more", image->function_count - i);
            break;
        }
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", name);
    }
    if (image->function_count)
        hl_error_hint(error, "it has: %s", list);
    else
        hl_error_hint(error, "this guest has no functions");
}

int hl_image_require(const struct hl_image *image, const char *name, struct hl_error *error)
{
    int index = hl_image_find(image, name);
    if (index < 0) {
        index = image_error(image, error, HL_ERR_NO_FUNCTION, "no function %s", name);
        hint_functions(image, error);
    }
    return index;
}
