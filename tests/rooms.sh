#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rooms of the source (folders) and their walls: usage: rooms.sh BUILD [--table]
# The compiler has no other -I than those of a room's list; this checks what that leaves open: that
# rooms are listed from the bottom up, that no object was made of a header (by a path, say) or takes
# a symbol from a room that it does not see, that NAME_impl.h stays in its room, that no files need
# each other, that hidden names are not called as public ones are, that what enters the library or a
# guest from outside does so by its one door, that no file has more than 500 lines, that files which
# comments and docs name are there, and that docs/design.md shows the rooms as they are.
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

# What the checks below have in common; `awk -v rooms=FILE`.
words='
    function room_of(file) { sub("/[^/]*$", "", file); return file }
    function name_of(file) { sub(".*/", "", file); return file }
    function component(file) { sub("/.*", "", file); return file }
    function is_seen(from, room) { return (room, from) in may || from == room || from == "common" }
    function is_wanted(type) { return type ~ /^[Uwv]$/ } # w, v: weakly
    function is_offered(type, name) { return type ~ /^[A-TV-Zu]$/ && name != "main" && name !~ /^_|\./ }
    BEGIN { while ((getline line < rooms) > 0) {
        split(line, part, ":"); n = split(part[2], list, " ")
        for (i = 1; i <= n; i++) may[part[1], list[i]] = 1 }
        floor["common"] = 0; floor["gdbstub"] = 1; floor["hostlib"] = 2; floor["tools"] = 3 }
'
judge() # WHAT LOOKED-AT FINDINGS
{
    if [ ! -s "$2" ]; then fail "$1: nothing to look at"
    elif [ -s "$3" ]; then while read -r line; do fail "$line"; done <"$3"
    else ok "$1"; fi
}

# What the compiler opened: SOURCE HEADER on each line; SOURCE - where there is no object.
cut -d: -f1 "$work/rooms" | while read -r room; do
    for source in "$room"/*.[cS]; do
        object=$build/obj/${source%.*}
        if [ -e "$object.o" ] && [ -e "$object.d" ]; then
            sed '/^[^ ]*:$/d; s/^[^ ]*: //; s/\\$//' "$object.d" | tr -s ' ' '\n' | sed -n "s|^.|$source &|p"
        else echo "$source -"; fi
    done
done >"$work/made"
# Other components have public headers; the stub may see those that its own public ones include.
awk -v rooms="$work/rooms" "$words"'
    { while (sub("[^/]+/\\.\\./", "", $2)) continue }
    $2 == "-" { print $1 " is not built"; next }
    $1 == $2 || $2 ~ "^/" { next }
    $2 ~ "/include/" {
        if (component($1) == "gdbstub" && $2 !~ "^gdbstub/|/(error|export|sized)\\.h$")
            print $1 " includes " $2
        next }
    !is_seen(room_of($2), room_of($1)) || $2 ~ "_impl\\.h$" && room_of($1) != room_of($2) {
        print $1 " includes " $2 }
' "$work/made" | sort -u >"$work/wrong"
judge 'headers come from rooms that are seen' "$work/made" "$work/wrong"

# Symbols: defined where, wanted by whom.
cut -d: -f1 "$work/rooms" | while read -r room; do
    objects "$room" -maxdepth 1 | xargs -r nm -A | sed "s|^[^:]*:|$room |"
done >"$work/nm"
# A component is used from above, by its public functions, which headers say; common uses none.
awk -v rooms="$work/rooms" "$words"'
    is_wanted($2) { want[$1, $3] = 1; next }
    is_offered($3, $4) {
        if ($4 in home) print $4 " is in " home[$4] " and in " $1
        home[$4] = $1 }
    END { for (key in want) { split(key, k, SUBSEP)
        from = home[k[2]]
        if (from && !is_seen(from, k[1]) && floor[component(from)] >= floor[component(k[1])])
            print k[1] " takes " k[2] " of " from } }
' "$work/nm" | sort >"$work/wrong"
judge 'symbols come from rooms that are seen' "$work/nm" "$work/wrong"

# hl_ is for what a public header declares (hl/gdb_target.h: by GDB_LINKED); rooms have their own.
awk '$3 ~ /^[A-TV-Z]$/ && $4 ~ /^hl_/ { print $4, $1 }' "$work/nm" >"$work/public"
while read -r name room; do
    grep -qwE "$name|GDB_LINKED\\(${name#hl_}\\)" {hostlib,gdbstub}/include/hl/*.h || echo "$name of $room is in no public header"
done <"$work/public" >"$work/wrong"
judge 'hl_ is for public names' "$work/public" "$work/wrong"

# Files are included by name: a name is that of one header of a component or of common.
find common hostlib gdbstub tools -name '*.h' >"$work/headers"
awk -v rooms="$work/rooms" "$words"'
    { for (i = 1; i <= count; i++)
        if (name_of(file[i]) == name_of($0) && (file[i] ~ /include/) == (/include/) &&
            (component(file[i]) == component($0) || component(file[i]) == "common"))
            print file[i] " and " $0 " have one name"
      file[++count] = $0 }
' "$work/headers" >"$work/wrong"
judge 'headers have names of their own' "$work/headers" "$work/wrong"

# No circle of files: by the symbols of objects, and by the headers that headers include.  parts.c
# is known from below by the three tables that it fills in.
for folder in common hostlib gdbstub tools; do objects $folder; done | xargs -r nm -A |
    sed "s|^$build/obj/||; s|\.o:| |" >"$work/all"
awk -v rooms="$work/rooms" "$words"'
    FNR == NR { if (is_offered($3, $4)) home[$4] = $1; next }
    is_wanted($2) { from = home[$3]
        if (from && from != $1 && from != "hostlib/src/parts" && !seen[from, $1]++) print from, $1 }
' "$work/all" "$work/all" >"$work/edges"
xargs grep -H '^ *# *include *["<]' <"$work/headers" | awk -F '["<>]' -v rooms="$work/rooms" "$words"'
    FNR == NR { place[/\/include\// ? "hl/" name_of($0) : component($0) " " name_of($0)] = $0; next }
    { by = $1; sub(":.*", "", by); own = component(by) " " name_of($2); shared = "common " name_of($2)
      to = $2 in place ? $2 : own in place ? own : shared
      if (to in place) print place[to], by }
' "$work/headers" - >>"$work/edges"
tsort "$work/edges" >"$work/order" 2>"$work/loops"
if [ ! -s "$work/edges" ]; then fail 'no objects to look at'
elif [ -s "$work/loops" ]; then fail 'files in a circle'; sed 's/^tsort: .*loop:$/# loop:/; s/^tsort: /#   /' "$work/loops"
else ok 'no circle of files'; fi

# Doors: the environment is read by one room, and a personality has time and chance from source.h.
awk '
    $2 != "U" { next }
    $1 ~ /^(hostlib\/|common)/ && $1 != "hostlib/src/env" && $3 ~ /^(secure_)?getenv$|^_*environ$/ ||
    $1 == "hostlib/src/linux" && $3 ~ /^(syscall|open.*|fopen.*|.*time.*|clock.*|.*rand.*|getentropy|deadline_.*)$/ &&
        $3 !~ /^(linux|source)_/ {
        print $1 " calls " $3 }
' "$work/nm" | sort -u >"$work/doors"
# The door itself has to be seen, or nothing was looked at.
if ! grep -q '^hostlib/src/env U secure_getenv$' <(tr -s ' ' <"$work/nm"); then fail 'the room env reads no environment'
elif [ -s "$work/doors" ]; then while read -r line; do fail "$line"; done <"$work/doors"
else ok 'one room reads the environment, and a personality asks the source alone'; fi

long=$(find common hostlib gdbstub tools guest-sdk templates tests -type f \( ! -path 'tests/*' -o -name '*.[ch]' \) \
    -exec wc -l {} + | awk '$2 != "total" && $1 > 500 { print $2 " " $1 }')
[ -z "$long" ] && ok 'no file over 500 lines' || fail "over 500 lines: $long"

# What a comment or a document sends its reader to is there.
grep -rnoE --include='*.[chS]' --include='*.mk' --include='*.md' --include='*.py' \
    '(^|[^A-Za-z0-9_./$}-])(common|docs|gdbstub|guest-sdk|hostlib|tests|tools)/[A-Za-z0-9_./-]+\.(c|h|S|sh|md|mk|py)\b' \
    README.md common docs gdbstub guest-sdk hostlib tests tools Makefile | sed 's/:[^A-Za-z]*\([a-z-]*\/[^:]*\)$/ \1/' >"$work/named"
while read -r place file; do [ -e "$file" ] || echo "$place names $file, which is not there"; done <"$work/named" >"$work/wrong"
judge 'files that are named are there' "$work/named" "$work/wrong"

# The number of lines is not compared: it changes with each commit.
plain() { awk -F'|' '{ gsub(/ +/, " ", $4); print $2 "|" $4 }'; }
table | plain >"$work/now"
grep '^| `\(common`\|hostlib/\|gdbstub/\|tools/\)' docs/design.md | plain >"$work/documented"
diff "$work/documented" "$work/now" >"$work/diff" && ok 'docs/design.md has the rooms as they are' ||
    { fail 'docs/design.md: tests/rooms.sh BUILD --table prints the table'; sed 's/^/# /' "$work/diff"; }
exit $status
