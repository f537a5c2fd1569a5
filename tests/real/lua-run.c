/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lua-run.c - a Lua script handed in as bytes, what it prints handed out as a string.  As a guest
 * it offers RunLua(); with -DNATIVE it is a program that does the same with a file, to compare
 * with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static struct {
    char *text;
    size_t len, room;
} printed;

static void append(const char *s, size_t n)
{
    if (printed.len + n + 1 > printed.room) {
        size_t room = 2 * (printed.len + n + 1);
        char *more = realloc(printed.text, room);
        if (!more)
            return;
        printed.text = more;
        printed.room = room;
    }
    memcpy(printed.text + printed.len, s, n);
    printed.len += n;
    printed.text[printed.len] = 0;
}

/* print() of the script: into our text, not to stdout. */
static int print(lua_State *L)
{
    int n = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        size_t len;
        const char *s = luaL_tolstring(L, i, &len);
        append(i > 1 ? "\t" : "", i > 1);
        append(s, len);
        lua_pop(L, 1);
    }
    append("\n", 1);
    return 0;
}

static const char *run(const void *script, size_t size)
{
    lua_State *L = luaL_newstate();
    printed.len = 0;
    append("", 0);
    if (!L)
        return "no memory for a state";
    luaL_openlibs(L);
    lua_register(L, "print", print);
    if (luaL_loadbufferx(L, script, size, "=script", "t") || lua_pcall(L, 0, 0, 0)) {
        const char *why = lua_tostring(L, -1);
        append("error: ", 7);
        append(why ? why : "?", why ? strlen(why) : 1);
        append("\n", 1);
    }
    lua_close(L);
    return printed.text ? printed.text : "";
}

#ifdef NATIVE
int main(int argc, char **argv)
{
    static char script[1 << 20];
    FILE *f = argc > 1 ? fopen(argv[1], "rb") : stdin;
    if (!f)
        return 2;
    size_t size = fread(script, 1, sizeof(script), f);
    fputs(run(script, size), stdout);
    return 0;
}
#else
#include <hl/guest.h>

HL_FUNCTION(string, RunLua, (bytes, script))
{
    return run(script.data, script.len);
}
#endif
