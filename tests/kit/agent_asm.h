/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_asm.h - an assembler for agent expressions, by the names of GDB's manual:
 *
 *     const8 7 const8 3 add end
 *     printf 2 %d-%d          the number of arguments, and a format without blanks
 *     hex 340100              bytes as they are, for what no compiler would write
 */
#ifndef TESTS_AGENT_ASM_H
#define TESTS_AGENT_ASM_H

#define AGENT_MAX 256

static const struct agent_op {
    const char *name;
    uint8_t code, operand; /* bytes of it, the high ones first */
} agent_ops[] = {
    {"add", 0x02, 0},          {"sub", 0x03, 0},          {"mul", 0x04, 0},
    {"div_signed", 0x05, 0},   {"div_unsigned", 0x06, 0}, {"rem_signed", 0x07, 0},
    {"rem_unsigned", 0x08, 0}, {"lsh", 0x09, 0},          {"rsh_signed", 0x0a, 0},
    {"rsh_unsigned", 0x0b, 0}, {"log_not", 0x0e, 0},      {"bit_and", 0x0f, 0},
    {"bit_or", 0x10, 0},       {"bit_xor", 0x11, 0},      {"bit_not", 0x12, 0},
    {"equal", 0x13, 0},        {"less_signed", 0x14, 0},  {"less_unsigned", 0x15, 0},
    {"ext", 0x16, 1},          {"ref8", 0x17, 0},         {"ref16", 0x18, 0},
    {"ref32", 0x19, 0},        {"ref64", 0x1a, 0},        {"if_goto", 0x20, 2},
    {"goto", 0x21, 2},         {"const8", 0x22, 1},       {"const16", 0x23, 2},
    {"const32", 0x24, 4},      {"const64", 0x25, 8},      {"reg", 0x26, 2},
    {"end", 0x27, 0},          {"dup", 0x28, 0},          {"pop", 0x29, 0},
    {"zero_ext", 0x2a, 1},     {"swap", 0x2b, 0},         {"pick", 0x32, 1},
    {"rot", 0x33, 0},          {"printf", 0x34, 1},       {"hex", 0, 0},
};

static inline const struct agent_op *agent_op_of(const char *name)
{
    for (size_t i = 0; i < sizeof(agent_ops) / sizeof(agent_ops[0]); i++)
        if (strcmp(agent_ops[i].name, name) == 0)
            return &agent_ops[i];
    fail_msg("no instruction %s", name);
    return NULL;
}

static inline uint8_t *agent_number(uint8_t *at, uint64_t value, unsigned size)
{
    while (size--)
        *at++ = (uint8_t)(value >> 8 * size);
    return at;
}

/* A format, with its size before it. */
static inline uint8_t *agent_text(uint8_t *at, const char *text)
{
    size_t size = strlen(text) + 1;
    at = agent_number(at, size, 2);
    memcpy(at, text, size);
    return at + size;
}

static inline uint8_t *agent_hex(uint8_t *at, const char *text)
{
    for (unsigned byte; sscanf(text, "%2x", &byte) == 1; text += 2)
        *at++ = (uint8_t)byte;
    return at;
}

/* The size of the code. */
static inline size_t agent_assemble(const char *source, uint8_t code[AGENT_MAX])
{
    char copy[4 * AGENT_MAX], *rest;
    uint8_t *at = code;
    assert_true(strlen(source) < AGENT_MAX); /* no word becomes more bytes than it has, and 8 */
    strcpy(copy, source);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        const struct agent_op *op = agent_op_of(word);
        if (strcmp(word, "hex") == 0) {
            at = agent_hex(at, strtok_r(NULL, " ", &rest));
            continue;
        }
        *at++ = op->code;
        if (op->operand)
            at = agent_number(at, strtoull(strtok_r(NULL, " ", &rest), NULL, 0), op->operand);
        if (strcmp(word, "printf") == 0)
            at = agent_text(at, strtok_r(NULL, " ", &rest));
    }
    return (size_t)(at - code);
}

#endif
