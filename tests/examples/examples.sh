#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# examples.sh PREFIX: every code block of README.md, docs/*.md, the templates' README.md and the
# comments of the public headers compiles, without a warning.
#
# The info string of a fence says what it is; in a header it is always C:
#
#     c guest           a guest's source file: hl-cc compiles and links it
#     c++ guest         the same in C++
#     asm guest         the same in assembler, without the SDK's runtime
#     c guest part      a part of one: after tests/examples/guest.h
#     c host            a host program's source file, or a plug-in's
#     c++ host          the same in C++
#     c host part       a part of one: after tests/examples/host.h
#     c host body       statements of a function in such a part
#     c from FILE       these very lines stand in FILE
#     ini               an hl.ini that hl-dev accepts
#     no WHY            not compiled
#
# A block of another kind is an error; `console`, `sh` and `text` are for tests/docs.sh.  Tables and
# lists in headers stand further left than examples.
. "$(dirname "$0")/../cli/lib.sh"
root=$(cd "$here/../.." && pwd) mine=$root/tests/examples
include=$prefix/include
warn='-Wall -Wextra -Werror -Wno-unused-function -Wno-unused-variable'
guest="$cc -O2 $warn"
host="gcc -std=c11 -pedantic -D_GNU_SOURCE $warn -Wno-unused-but-set-variable -I$include -I$mine -c -o block.o"

# found FILE: its lines, in this order, one after another, stand in that file of the project
found() {
    [ -s "$block" ] && [ -f "$root/$1" ] &&
        awk 'NR == FNR { want[++n] = $0; next }
             { have[++m] = $0 }
             END { for (i = 0; i + n <= m; i++) {
                       for (j = 1; j <= n && have[i + j] == want[j]; j++) ;
                       if (j > n) exit 0
                   }
                   exit 1 }' "$block" "$root/$1"
}

# An hl.ini is read before the guest that it names is looked for.
ini() {
    mkdir -p ini && cp "$block" ini/hl.ini || return 1
    (cd ini && "$dev" run 2>&1) | grep 'build/hello: No such file'
}

compiles() {
    case $kind in
    'c guest') $guest -o block -x c "$block" ;;
    'c++ guest') $guest -o block -x c++ "$block" ;;
    'c guest part') $guest -include "$mine/guest.h" -o block -x c "$block" ;;
    'asm guest')
        gcc -nostdlib -static -Wl,-z,separate-code -I"$include" -o block -x assembler-with-cpp "$block" ;;
    'c host') $host -x c "$block" ;;
    'c++ host') g++ -std=c++17 -pedantic $warn -I"$include" -c -o block.o -x c++ "$block" ;;
    'c host part') $host -include "$mine/host.h" -x c "$block" ;;
    'c host body')
        { echo '#include "host.h"'; echo 'void example(void); void example(void) {'
          echo "#line ${where##*:} \"${where%:*}\""; cat "$block"; echo '}'; } >body.c
        $host body.c ;;
    'c from '*) found "${kind#c from }" ;;
    ini) ini ;;
    *) echo "'$kind' is no kind: see tests/examples/examples.sh"; false ;;
    esac
}

# blocks DIR HEADER FILE...: files by their names in the project
blocks() {
    mkdir "$1" && (cd "$root" && awk -v DIR="$tmp/work/$1" -v HEADER="$2" -f "$mine/blocks.awk" "${@:3}")
}
cd "$root" || exit 1
md=(README.md docs/*.md templates/*/README.md)
guests=(guest-sdk/include/hl/*.h) hosts=(hostlib/include/hl/*.h gdbstub/include/hl/*.h)
cd "$tmp/work" || exit 1
{
    blocks md '' "${md[@]}"
    blocks guest 'c guest' "${guests[@]}"
    blocks host 'c host body' "${hosts[@]}"
} >list

while IFS=$'\t' read -r where kind block; do
    case $kind in 'no '?*) skip "$where" "${kind#no }"; continue ;; esac
    if compiles >"$out" 2>"$err" </dev/null; then ok "$where, $kind"
    else fail "$where, $kind" 'does not compile'; fi
done <list

# Whole files.
for file in "$root"/docs/*.c "$root"/docs/*/*.c; do
    where=${file#"$root/"} block=$file
    if grep -q '<hl/guest.h>' "$file"; then kind='c guest'; else kind='c host'; fi
    if compiles >"$out" 2>"$err"; then ok "$where, $kind"; else fail "$where, $kind" 'does not compile'; fi
done

# What finds the blocks finds them: in each kind of file some, and the one that is broken.
for where in README.md docs/guide.md docs/abi.md templates/function/README.md guest.h sandbox.h gdb.h; do
    if grep -q "$where:" list; then ok "a block in $where"; else fail "a block in $where" 'not found'; fi
done
printf '%s\n' 'Text.' '```c host body' 'int x = 1' '```' '```c' 'int y;' '```' >broken.md
printf '%s\n' '/*' ' * Text.' ' *' ' *     hl_nothing();' ' *' ' *     int z' ' */' >broken.h
awk -v DIR="$tmp/work" -v HEADER='c host body' -f "$mine/blocks.awk" broken.md broken.h >list
same 'three broken ones' 'broken.md:3 broken.md:6 broken.h:4' "$(cut -f 1 list | xargs)"
while IFS=$'\t' read -r where kind block; do
    if compiles >"$out" 2>"$err"; then fail "$where does not compile" 'it does'
    else ok "$where does not compile"; fi
done <list

# The manuals have commands only.
if awk '/^\.Bd/ { on = 1 } /^\.Ed/ { on = 0 } on && /[;{]$|^#include/' "$root"/docs/man/*.[1-9] |
    tee "$out" | grep -q .; then fail 'no C in the manuals' 'this test would have to compile it'
else ok 'no C in the manuals'; fi
exit $status
