#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rooms of the source (folders) and their walls: usage: rooms.sh BUILD [--table]
# Compiling enforces what a room may include; this checks what compiling cannot: that rooms are
# listed from the bottom up, that no object takes a symbol from a room that it does not see, that
# NAME_impl.h stays in its room, that no files need each other, that what enters the library or a
# guest from outside does so by its one door, that no file has more than 500 lines, and that
# docs/design.md shows the rooms as they are.
set -u
build=$1
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/hl-rooms.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
status=0
ok() { echo "ok $*"; }
fail() { echo "not ok $*"; status=1; }

# ROOM: ROOM... on each line, lower rooms first
MAKEFLAGS='' make -s list-rooms >"$work/rooms" || exit 1

# The table of docs/design.md: room, lines, what it sees.
table()
{
    local room sees lines
    while IFS=: read -r room sees; do
        lines=$(cat "$room"/*.[chS] | wc -l)
        # shellcheck disable=SC2086 # a list of words
        printf '| `%s` | %d | %s |\n' "$room" "$lines" "$(for r in $sees; do printf '%s ' "${r##*/}"; done | sed 's/ $//')"
    done <"$work/rooms"
}
if [ "${2-}" = --table ]; then table; exit; fi

# What rooms see lies below them.
above=$(awk -F: '{ n = split($2, sees, " "); for (i = 1; i <= n; i++)
    if (!(sees[i] in seen)) print $1 " -> " sees[i]; seen[$1] = 1 }' "$work/rooms")
[ -z "$above" ] && ok 'rooms are listed from the bottom up' || fail "looks up: $above"

# The objects of a folder's sources, without those that are left by a source that has moved.
objects()
{
    find "$build/obj/$1" "${@:2}" -name '*.o' | while read -r object; do
        source=${object#"$build/obj/"}
        [ -e "${source%.o}.c" ] || [ -e "${source%.o}.S" ] && echo "$object"
    done
}

# Symbols: defined where, wanted by whom.
cut -d: -f1 "$work/rooms" | while read -r room; do
    objects "$room" -maxdepth 1 | xargs -r nm -A | sed "s|^[^:]*:|$room |"
done >"$work/nm"
awk -v rooms="$work/rooms" '
    function component(room) { sub("/.*", "", room); return room }
    BEGIN { while ((getline line < rooms) > 0) {
        split(line, part, ":"); n = split(part[2], list, " ")
        may[part[1], part[1]] = 1
        for (i = 1; i <= n; i++) may[part[1], list[i]] = 1 } }
    # another component (hostlib, gdbstub, tools) is used by its public functions, which headers say;
    # common is used by all and uses none
    $3 ~ /^[TDBRV]$/ { home[component($1), $4] = $1; if ($1 != "common") outside[$4] = $1 }
    $2 == "U" { want[$1, $3] = 1 }
    END { for (key in want) { split(key, k, SUBSEP)
        from = k[1] == "common" ? outside[k[2]] : home[component(k[1]), k[2]]
        if (from && !((k[1], from) in may)) print k[1] " takes " k[2] " of " from } }
' "$work/nm" | sort >"$work/wrong"
if [ ! -s "$work/nm" ]; then fail 'no objects to look at'
elif [ -s "$work/wrong" ]; then while read -r line; do fail "$line"; done <"$work/wrong"
else ok 'symbols come from rooms that are seen'; fi

# NAME_impl.h is for its own room: an -I list cannot say so.
private=$(cut -d: -f1 "$work/rooms" | while read -r room; do
    for header in "$room"/*_impl.h; do
        [ -e "$header" ] || continue
        grep -rl "^#include \"${header##*/}\"" hostlib/src gdbstub/src tools --include='*.[ch]' | grep -v "^$room/"
    done
done)
[ -z "$private" ] && ok 'NAME_impl.h is included in its own room' ||
    fail "includes another room's NAME_impl.h: $private"

# Files: no circle of symbols.  parts.c is known from below by the three tables that it fills in.
for folder in common hostlib gdbstub tools; do objects $folder; done | xargs -r nm -A |
    sed "s|^$build/obj/||; s|\.o:| |" >"$work/all"
awk '
    function component(file) { sub("/.*", "", file); return file }
    FNR == NR { if ($3 ~ /^[TDBRV]$/) home[component($1), $4] = $1; next }
    $2 == "U" { from = home[component($1), $3]
        if (from && from != $1 && from !~ /parts$/ && !((from, $1) in seen)) { seen[from, $1]; print from, $1 } }
' "$work/all" "$work/all" >"$work/edges"
tsort "$work/edges" >"$work/order" 2>"$work/loops"
if [ ! -s "$work/edges" ]; then fail 'no objects to look at'
elif [ -s "$work/loops" ]; then fail 'files in a circle'; sed 's/^tsort: .*loop:$/# loop:/; s/^tsort: /#   /' "$work/loops"
else ok 'no circle of files'; fi

# Doors: the environment is read by one room, and a personality has time and chance from source.h.
awk '
    $2 != "U" { next }
    $1 ~ /^(hostlib\/|common)/ && $1 != "hostlib/src/env" && $3 ~ /^(secure_)?getenv$|^_*environ$/ ||
    $1 == "hostlib/src/linux" &&
        $3 ~ /^(time|gettimeofday|clock_[a-z]+|getrandom|getentropy|rand|random|deadline_[a-z]+)$/ {
        print $1 " calls " $3 }
' "$work/nm" | sort -u >"$work/doors"
# The door itself has to be seen, or nothing was looked at.
if ! grep -q '^hostlib/src/env U secure_getenv$' <(tr -s ' ' <"$work/nm"); then fail 'the room env reads no environment'
elif [ -s "$work/doors" ]; then while read -r line; do fail "$line"; done <"$work/doors"
else ok 'one room reads the environment, and a personality asks the source alone'; fi

long=$(find common hostlib/src gdbstub/src tools guest-sdk/src tests -name '*.[ch]' -exec wc -l {} + |
    awk '$2 != "total" && $1 > 500 { print $2 " " $1 }')
[ -z "$long" ] && ok 'no file over 500 lines' || fail "over 500 lines: $long"

# The number of lines is not compared: it changes with each commit.
plain() { awk -F'|' '{ gsub(/ +/, " ", $4); print $2 "|" $4 }'; }
table | plain >"$work/now"
grep '^| `\(common`\|hostlib/\|gdbstub/\|tools/\)' docs/design.md | plain >"$work/documented"
diff "$work/documented" "$work/now" >"$work/diff" && ok 'docs/design.md has the rooms as they are' ||
    { fail 'docs/design.md: tests/rooms.sh BUILD --table prints the table'; sed 's/^/# /' "$work/diff"; }
exit $status
