#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# core.sh PREFIX - core files: hl-dev run --core writes them, hl-dev core reads them, whatever is in
# them; and hl-dev run --restore.
# shellcheck disable=SC2016 # single quotes are meant
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

compile crash "$here/guest/crash.c"
compile pie -pie "$here/guest/crash.c"
compile rewind "$here/../guest/rewind.c"

# frame LINE FUNCTION: what frame 0 or its caller has to be
frame() { echo "in $2 at .*/crash\.c:$(line crash.c "$1")\$"; }

# ---- Writing

# writes NAME STATUS FILE ARG...: a run that ends so, with a core file of one owner
writes() {
    local name=$1 want=$2 file=$3
    shift 3
    rm -f "$file"
    hl run "$@" --core "$file"
    if [ $rc != "$want" ]; then fail "$name" "exit status $rc, not $want"
    elif [ ! -s "$file" ]; then fail "$name" 'no core file'
    elif [ "$(stat -c %a "$file")" != 600 ]; then fail "$name" 'others can read it'
    elif ! grep -q "hint: .*hl-dev core '$file'" "$err"; then fail "$name" 'no hint at it'
    else ok "$name"; fi
}
writes 'store through NULL' 134 store.core crash --call 'Store()'
writes 'divide by zero' 134 divide.core crash --call 'Divide(0)'
writes 'abort' 134 abort.core crash --call 'Abort()'
writes 'abort of a libc' 134 libcabort.core crash --call 'LibcAbort()'
writes 'stack overflow' 134 overflow.core crash --call 'Overflow()'
writes 'PIE' 134 pie.core pie --call 'Inlined()'
writes 'main()' 134 main.core crash
writes 'time limit' 124 time.core rewind --timeout 0.2 -q --call 'Spin()'
hl run crash --json --core json.core --call 'Store()'
member 'JSON names it' '"json.core"' calls 0 crash core

hl run crash --core none.core --call 'Fine()'
same 'no crash: status' 0 $rc
same 'no crash, no core file' '' "$(ls none.core 2>/dev/null)"
rm -f none.core
hl run crash --core missing/x.core --call 'Store()'
same 'where none can be written: the status is that of the crash' 134 $rc
has 'where none can be written: a warning' "$err" \
    'hl-dev: warning: cannot create the core file missing/x.core: No such file'
if [ -w /dev/full ]; then
    hl run crash --core /dev/full --call 'Store()'
    has 'disk full: a warning' "$err" 'hl-dev: warning: cannot write the core file /dev/full: No space'
    same 'disk full: the device is still there' yes "$([ -c /dev/full ] && echo yes)"
fi
refused 'empty name' 64 'bad value for --core: ' 'name of a file' run crash --core ''
refused 'debug has no --core' 64 'debug has no option --core' '--help' debug crash --core x
refused 'inspect has no --restore' 64 'inspect has no option --restore' '--help' inspect crash --restore

# ---- Reading

# reports NAME FILE PATTERN...: status 0, and lines that match
reports() {
    local name=$1 file=$2 pattern
    shift 2
    hl core "$file"
    if [ $rc != 0 ]; then
        fail "$name" "exit status $rc"
        return
    fi
    for pattern; do
        grep -Eq -- "$pattern" "$out" || {
            fail "$name" "no line matches '$pattern'"
            return
        }
    done
    ok "$name"
}
reports 'store' store.core '^store.core: core file of crash' \
    'signal 11 SIGSEGV: an address where nothing is mapped: 0x10$' "#0 .* $(frame store Store)" \
    '^ +rax [0-9a-f]{16} +rbx ' ' rip 0000000000[0-9a-f]{6} +flags '
has 'a hint at gdb' "$err" "^hint: .*gdb '.*/crash' 'store.core'"
reports 'divide' divide.core 'signal 8 SIGFPE: integer division by zero' "#0 .* $(frame divide Divide)"
reports 'abort: on the instruction, not after it' abort.core 'signal 6 SIGABRT' '#0 .* in hl_abort at ' \
    "#1 .* $(frame abort Abort)"
reports 'abort of a libc' libcabort.core 'signal 6 SIGABRT' " $(frame libcabort LibcAbort)"
reports 'recursion is shown once' overflow.core "#0 .* $(frame overflow deeper)" 'the same [0-9]{3,} times more' \
    '#[0-9]{3,} 0x[0-9a-f]* in hl_serve'
reports 'PIE, inlined' pie.core "#0 +\(inlined\) +$(frame inlined inner)" "#1 .* $(frame caller outer)"
reports 'main()' main.core "#0 .* $(frame main main)"
reports 'interrupted' time.core 'no signal: the guest was idle, or interrupted' '#0 .* in Spin at '

hl core -v store.core
has 'its memory' "$out" '^  0x0000004[0-9a-f]{5}-0x[0-9a-f]{12} r-x +[0-9]+ KiB$'
hl core store.core --json
member 'JSON: signal' '"SIGSEGV"' signal name
member 'JSON: address' '"0x10"' signal address
member 'JSON: function' '"Store"' frames 0 function
member 'JSON: line' "$(line crash.c store)" frames 0 line
member 'JSON: guest' "\"$PWD/crash\"" guest
member 'JSON: status' 0 status
same 'JSON: nothing else' '' "$(cat "$err")"
hl core time.core --json
member 'JSON: no signal' null signal
if command -v gdb >/dev/null; then
    gdb -nx -batch -ex bt crash store.core >"$out" 2>"$err"
    has 'gdb reads it' "$out" "#0 .*Store.*crash\.c:$(line crash.c store)"
else
    skip 'gdb reads it' 'no gdb'
fi

# ---- The guest's file

mv crash moved
hl core store.core
same 'guest gone: status' 0 $rc
has 'guest gone: a warning' "$err" 'hl-dev: warning: .*/crash: No such file .*no names and lines'
has 'guest gone: the address at least' "$out" '#0 +0x0000000000[0-9a-f]{6} in \?\?'
hl core store.core moved
has 'guest as second word' "$out" "#0 .* $(frame store Store)"
refused 'guest as second word, not there' 100 'nowhere: No such file' - core store.core nowhere
refused 'guest as second word, another one' 100 'pie: not the guest that the core file is of' \
    'was rebuilt' core store.core pie
refused 'guest as second word, no guest' 100 'store.core: ' 'hl-cc' core store.core store.core
"$cc" -O0 -o crash "$here/guest/crash.c"
hl core store.core
has 'guest built anew: a warning' "$err" 'hl-dev: warning: .*/crash: not the guest'
mv moved crash
# The same code, and every line another one: only the build ID knows.
{ echo; cat "$here/guest/crash.c"; } >crash.c
"$cc" -I"$here/guest" -o lines crash.c
refused 'same code, other lines: both build IDs' 100 \
    'lines: not the guest .* build ID is [0-9a-f]{40}, that of the core [0-9a-f]{40}' 'GUEST' \
    core store.core lines
# Without build IDs, what nobody writes to is compared.
"$cc" -Wl,--build-id=none -o plain "$here/guest/crash.c"
hl run plain --core plain.core --call 'Store()'
hl core plain.core
has 'no build ID: its own core' "$out" "#0 .* $(frame store Store)"
"$cc" -Wl,--build-id=none -O2 -o other "$here/guest/crash.c"
refused 'no build ID: another guest' 100 'other: not the guest' 'GUEST' core plain.core other
# Where it ran, it was stripped: the file it was stripped from has the names, as for gdb.
for how in -no-pie -pie -Wl,--build-id=none; do
    "$cc" $how -o full "$here/guest/crash.c"
    strip -o shipped full
    hl run shipped --core shipped.core --call 'Store()'
    hl core shipped.core full
    has "$how: core of a stripped guest, and the one with names" "$out" "#0 .* $(frame store Store)"
done

# ---- What is no core file

hint='--core FILE'
refused 'no file named' 64 'which core file' 'hl-dev core FILE' core
refused 'three words' 64 'one core file and one guest: c' 'hl-dev core FILE' core a b c
refused 'not there' 100 'nowhere: No such file' - core nowhere
refused 'a directory' 100 'work: not a regular file' "$hint" core "$tmp/work"
refused 'a device' 100 '/dev/zero: not a regular file' "$hint" core /dev/zero
mkfifo fifo
refused 'a fifo' 100 'fifo: not a regular file' "$hint" core fifo
: >empty
refused 'empty' 100 'empty: an empty file' "$hint" core empty
echo 'a text of some length, more than any ELF header would have, and still not one at all' >text
refused 'text' 100 'text: not an ELF file' "$hint" core text
refused 'a guest' 100 'crash: not a core file' "$hint" core crash
ar rc archive.a crash 2>/dev/null && refused 'an archive' 100 'archive.a: not an ELF file' "$hint" core archive.a

# damaged FILE OFFSET BYTES (printf escapes)
damaged() {
    cp --sparse=always store.core "$1"
    # shellcheck disable=SC2059 # the escapes are the point
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
damaged b32 4 '\1'
refused '32-bit' 100 'b32: ' "$hint" core b32
damaged arm 18 '\267\0'
refused 'ARM' 100 'arm: a core file of another machine' "$hint" core arm
damaged big 5 '\2'
refused 'big-endian' 100 'big: ' "$hint" core big
damaged none 56 '\0\0'
refused 'no program headers' 100 'none: .*no program headers' "$hint" core none
damaged far 32 '\377\377\377\377\377\377\377\177'
refused 'program headers far away' 100 'far: a damaged core file' "$hint" core far
damaged many 56 '\377\377'
refused 'more program headers than there are' 100 'many: ' "$hint" core many
damaged nonote 64 '\6'
refused 'no notes' 100 'nonote: a core file without registers' "$hint" core nonote
damaged longnote 96 '\377\377\377\377\377\377\377\177'
hl core longnote
same 'notes of any length' 0 $rc

hl core text --json
same 'JSON of an error: status' 100 $rc
member 'JSON of an error: code' '"FILE"' error code

# Cut off anywhere, and with any byte of what is looked at changed: an answer or one clear line.
sane() { # NAME
    case $rc in
    0) ;;
    100) [ "$(grep -c '^hl-dev: error: ' "$err")" = 1 ] || {
        fail "$1" 'not exactly one error line'
        return 1
    } ;;
    *)
        fail "$1" "exit status $rc"
        return 1
        ;;
    esac
    grep -q 'Sanitizer\|runtime error' "$err" && {
        fail "$1" 'a sanitizer complains'
        return 1
    }
    return 0
}
good=1
for cut in 1 3 16 63 64 65 120 500 1000 2000 3000 4000 4096 5000 8192 20000 100000; do
    head -c "$cut" store.core >part
    hl core part crash
    sane "cut to $cut bytes" || good=
done
[ -z "$good" ] || ok 'cut off anywhere'
head -c 20000 store.core >part
hl core part crash
has 'cut off: said' "$err" 'hl-dev: warning: part is cut off: [0-9]+ bytes of memory are missing'

RANDOM=1
good=1
cp --sparse=always store.core flip
for ((i = 0; i < 120; i++)); do
    # Headers and notes: the first pages of the file.
    at=$((i % 3 ? RANDOM % 900 : RANDOM % 5000))
    old=$(dd if=store.core bs=1 skip=$at count=1 status=none | od -An -tu1)
    # shellcheck disable=SC2059 # the escapes are the point
    printf "\\$(printf %03o $(((old + 1 + RANDOM % 255) % 256)))" |
        dd of=flip bs=1 seek=$at conv=notrunc status=none
    hl core flip crash
    sane "byte $at changed (change $i)" || good=
    if ((i % 4 == 3)); then cp --sparse=always store.core flip; fi
done
[ -z "$good" ] || ok 'bytes changed at random, up to four at once'

# ---- Files that cost more than they should: bounded in time and memory, as the manual says

if command -v python3 >/dev/null; then
bomb() { # NAME KIND STATUS PATTERN
    python3 "$here/core_bomb.py" "$2" store.core bomb
    ([ "$room" = no ] || ulimit -v "$room" && timeout $((20 * slow)) "$dev" core bomb >"$out" 2>"$err" </dev/null)
    rc=$?
    same "$1: status" "$3" $rc
    if [ "$rc" = 0 ]; then has "$1" "$out" "$4"; else has "$1" "$err" "$4"; fi
}
room=400000
case $prefix in *san-*) room=no ;; esac
limit='error: bomb: the limit for notes is 64 MiB$'
bomb 'notes over each other' same 100 "$limit"
bomb 'notes of no length' empty 100 "$limit"
bomb 'notes far from each other' far 100 "$limit"
bomb 'names without an end' files 0 'core file of crash'
bomb 'a million ranges' loads 0 'core file of crash'
bomb 'too many headers' count 100 'error: bomb: 1048577 program headers, the limit is 1048576'
python3 "$here/core_bomb.py" loads store.core bomb
hl core bomb --json
same 'a million ranges as JSON' 0 $rc
member 'a million ranges as JSON: what is left out' 983039 memory_omitted

# What a core file names as its guest nobody asked for.
names() { # NAME PATH WHY
    python3 "$here/core_bomb.py" named store.core named "$2"
    hl core named
    same "$1: status" 0 $rc
    has "$1" "$err" "warning: the core file names .* as its guest, which is not opened: $3"
}
mkdir -p "it's; touch pwned"
cp crash "it's; touch pwned/crash"
python3 "$here/core_bomb.py" named store.core named "$PWD/it's; touch pwned/crash"
hl core named
same 'a path with a quotation mark: status' 0 $rc
hint=$(sed -n 's/^hint: .*: gdb //p' "$err")
eval "set -- $hint"
same 'a path with a quotation mark: one word' "$PWD/it's; touch pwned/crash" "$1"
names 'a relative path' crash 'its path is not absolute'
ln -sf crash link
names 'a symbolic link' "$PWD/link" 'not a regular file'
names 'a fifo' "$PWD/fifo" 'not a regular file'
names 'a device' /dev/zero 'not a regular file'
names 'a file of /proc' /proc/self/environ 'not a regular file'
cp crash open && chmod o+w open
names 'a file that anybody can write to' "$PWD/open" 'anybody can write to it'
if [ "$(id -u)" = 0 ]; then
    cp crash theirs && chown 65534 theirs
    names "another user's" "$PWD/theirs" "it is another user's"
    hl core store.core theirs
    has "another user's, by the user's own word" "$out" "#0 .* $(frame store Store)"
else
    skip "another user's" 'not root'
fi
else
    skip 'core files that cost more than they should' 'no python3 to make them with'
fi

# ---- Writing where something else is

for what in link fifo; do
    hl run crash --core "$what" --call 'Store()'
    has "--core over a $what" "$err" "warning: cannot create the core file $what: "
done
same '--core over a link: it is still one, of what it was' crash "$(readlink link)"

# ---- --restore

count() { grep -c "^Count() = $1\$" "$out"; }
hl run rewind --call 'Count()' --call 'Count()' --repeat 3
same 'without: one sandbox counts on' "1 1" "$(count 1) $(count 6)"
hl run rewind --restore --call 'Count()' --call 'Count()' --repeat 3
same '--restore: each call begins anew' "6 0" "$(count 1) $(count 2)"
same '--restore: status' 0 $rc
hl run rewind --restore --call 'Fail(3)' --call 'Count()'
same '--restore: an error still ends the run' 1 $rc
cat >twice.c <<'C'
#include <stdio.h>
static int runs;
int main(void) { printf("run %d\n", ++runs); return 0; }
C
compile twice twice.c
prints '--restore: main() again, in the same sandbox' 0 $'run 1\nrun 1\nrun 1\n' run twice --restore --repeat 3

finish
