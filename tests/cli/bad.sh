#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bad.sh PREFIX - bad input to hl-dev, and what a nasty user does: always one clear line, a hint
# where there is one, the documented status, nothing left behind.
# shellcheck disable=SC2016,SC1003,SC2094,SC2238 # single quotes are meant; `cut` is a file here
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

compile values "$here/guest/values.c"
compile object.o -c "$here/guest/values.c"
gcc=${CC:-gcc}
printf 'int main(void) { return 0; }\n' >plain.c
$gcc -shared -fPIC -I"$prefix/include" -o host.so "$here/guest/values-host.c" &&
    $gcc -o dynamic plain.c && $gcc -static -o static plain.c || exit 1

# patch FROM TO OFFSET BYTES: a copy of a guest with some bytes (printf escapes) changed
patch() {
    cp "$1" "$2"
    # shellcheck disable=SC2059 # the escapes are the point
    printf "$4" | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}
# Place of the ABI note's descriptor: after name size 3, size 40, type "HL" and the name itself.
note=$(grep -obUaP '\x03\0\0\0\x28\0\0\0\x4c\x48\0\0HL\0\0' values | head -n 1 | cut -d: -f1)

# ---- What is no guest

for what in run inspect; do
    refused "$what: missing file" 100 'nothing: No such file or directory' - $what nothing
    refused "$what: empty name" 100 "target's name is empty" - $what ''
    refused "$what: below a file" 100 'values/x: Not a directory' - $what values/x
    refused "$what: directory" 100 'tmp: no hl.ini in this directory' 'hl-new NAME' $what "$TMPDIR"
    refused "$what: text file" 100 'plain.c: not an ELF file' 'hl-cc' $what plain.c
    : >empty
    refused "$what: empty file" 100 'empty: an empty file' 'hl-cc' $what empty
    refused "$what: dynamic executable" 100 'dynamic: a dynamically linked program' 'hl-cc' $what dynamic
    refused "$what: static executable that is no guest" 100 'static: .*(note|guest)' 'hl-cc' $what static
    refused "$what: object file" 100 'object.o: ' 'hl-cc' $what object.o
    refused "$what: shared object" 100 'host.so: ' 'hl-cc' $what host.so
    patch values arm 18 '\267\0'
    refused "$what: ARM" 100 'arm: .*another machine .*183' 'hl-cc' $what arm
    patch values b32 4 '\1'
    refused "$what: 32-bit" 100 'b32: .*(32-bit|another machine)' 'hl-cc' $what b32
    patch values big 5 '\2'
    refused "$what: big-endian" 100 'big: ' 'hl-cc' $what big
    patch values other $((note + 16)) '\143'
    refused "$what: another ABI version" 100 'other: .*ABI.*99' 'hl-cc of this version' $what other
    rm -f fifo && mkfifo fifo
    refused "$what: fifo" 100 'fifo: not a regular file' - $what fifo
    refused "$what: device" 100 '/dev/zero: not a regular file' - $what /dev/zero
    refused "$what: terminal" 100 '/dev/tty: ' - $what /dev/tty
    ln -sf loop loop
    refused "$what: symbolic link to itself" 100 'loop: Too many levels' - $what loop
    refused "$what: a name longer than any" 100 'File name too long' - $what "$(printf '%0300d' 0)"
    refused "$what: a name that drives terminals" 100 'no\\x1b\[31mthing: No such' - \
        $what "$(printf 'no\033[31mthing')"
    refused "$what: a name of two lines" 100 'one\\ntwo: No such' - $what $'one\ntwo'
done
if command -v python3 >/dev/null &&
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")' 2>/dev/null; then
    refused 'socket' 100 'socket: ' - run socket
fi

# Cut anywhere: what the loader needs is either there or the file is refused.
size=$(stat -c %s values)
for cut in 1 3 4 16 63 64 100 200 500 1000 4095 4096 8192 $((size / 3)) $((size / 2)) $((size - 1)); do
    head -c "$cut" values >cut
    hl run cut --host host.so --call 'I32(1)'
    case $rc in
    0) ok "truncated to $cut bytes: still all of it" ;;
    100) refused "truncated to $cut bytes" 100 'cut: ' 'hl-cc' run cut ;;
    *) fail "truncated to $cut bytes" "exit status $rc" ;;
    esac
done
head -c 300 values >cut
refused 'truncated ELF' 100 'cut: truncated' 'again with hl-cc' run cut
rm -f cut

# ---- Call expressions

call() { # NAME STATUS ERROR HINT EXPR
    refused "call: $1" "$2" "$3" "$4" run values --host host.so --call "$5"
}
wanted='wanted: Name\(arg, \.\.\.\)'
bad() { call "$1" 64 "bad call expression: $2" "$wanted" "$3"; }
bad 'empty' 'a function name is missing at character 1' ''
bad 'spaces' 'a function name is missing' '   '
bad 'no parentheses' 'an opening parenthesis is missing at character 4' 'I32'
bad 'no name' 'a function name is missing' '(1)'
bad 'not closed' 'a comma or a closing parenthesis is missing at character 6' 'I32(1'
bad 'nothing after the parenthesis' 'an argument is missing at character 5' 'I32('
bad 'first argument missing' 'an argument is missing' 'math.add-2(,1)'
bad 'last argument missing' 'an argument is missing' 'math.add-2(1,)'
bad 'no comma' 'a comma or a closing' 'math.add-2(1 2)'
bad 'something after it' 'something follows the closing parenthesis at character 8' 'I32(1) I32(2)'
bad 'string not closed' 'a string without its closing quote' 'String("abc)'
bad 'string ends in a backslash' 'a(n unknown escape| string without)' 'String("abc\'
bad 'unknown escape' 'an unknown escape at character 10' 'String("\q")'
bad 'octal escape too large' 'an unknown escape' 'String("\400")'
bad 'empty hexadecimal escape' 'an unknown escape' 'String("\xg")'
bad 'bytes: odd number of digits' 'bytes are pairs of hexadecimal digits' 'Bytes(x"123")'
bad 'bytes: no digits' 'bytes are pairs' 'Bytes(x"gg")'
bad 'bytes: not closed' 'bytes are pairs' 'Bytes(x"00)'
bad '@ alone' '@ without a file name' 'Bytes(@)'
bad '@ with an empty name' '@ without a file name' 'Bytes(@"")'
bad '@ with a name that is not closed' 'a string without its closing quote' 'Bytes(@"values'
bad 'single quotes' 'an argument is missing' "String('x')"
bad 'a name longer than any' 'a name that is too long' "$(printf '%0200d' 0)()"
bad 'a number longer than any' 'a word that is too long' "F64($(printf '%0200d' 0))"
list='it has: Nothing, I32, U32, .*math\.add-2'
call 'unknown function' 100 'values: no function Nope' "$list" 'Nope()'
call 'names are case-sensitive' 100 'no function i32' "$list" 'i32(1)'
call 'main is no function' 100 'no function main' "$list" 'main()'
call 'a C name of one with another name' 100 'no function add2' "$list" 'add2(1, 2)'
call 'too few arguments' 100 'too few arguments for math\.add-2\(i32, i32\) -> i32' - 'math.add-2(1)'
call 'too many arguments' 100 'too many arguments for I32\(i32\) -> i32' - 'I32(1, 2)'
call 'arguments for none' 100 'too many arguments for Nothing\(\)' - 'Nothing(1)'
call 'no arguments for one' 100 'too few arguments for I32' - 'I32()'
wrong() { call "$1" 100 "argument $2: .* where $3 is wanted" - "$4"; }
beyond() { call "$1" 100 "argument $2: .* is out of range for $3" - "$4"; }
wrong 'string for i32' 1 i32 'I32("1")'
wrong 'float for i32' 1 i32 'I32(1.5)'
wrong 'float for i32, exponent' 1 i32 'I32(1e3)'
wrong 'bool for i32' 1 i32 'I32(true)'
wrong 'bytes for i32' 1 i32 'I32(x"00")'
wrong 'file for i32' 1 i32 'I32(@values)'
wrong 'word for i32' 2 i32 'math.add-2(1, two)'
beyond 'i32 too large' 1 i32 'I32(2147483648)'
beyond 'i32 too small' 1 i32 'I32(-2147483649)'
wrong 'i32 two signs' 1 i32 'I32(--1)'
wrong 'i32 hexadecimal too large' 1 i32 'I32(0x80000000)'
beyond 'u32 negative' 1 u32 'U32(-1)'
beyond 'u32 too large' 1 u32 'U32(4294967296)'
beyond 'i64 too large' 1 i64 'I64(9223372036854775808)'
beyond 'u64 too large' 1 u64 'U64(18446744073709551616)'
beyond 'u64 far too large' 1 u64 'U64(99999999999999999999999999)'
wrong 'f32 too large' 1 f32 'F32(1e39)'
wrong 'f64 too large' 1 f64 'F64(1e999)'
wrong 'word for f64' 1 f64 'F64(pi)'
wrong 'number for bool' 1 bool 'Bool(1)'
wrong 'capitals for bool' 1 bool 'Bool(True)'
wrong 'number for string' 1 string 'String(1)'
wrong 'word for string' 1 string 'String(abc)'
wrong 'bytes for string' 1 string 'String(x"41")'
wrong 'NUL in a string' 1 string 'String("a\0b")'
wrong 'NUL in a file for string' 1 string 'String(@values)'
wrong 'number for bytes' 1 bytes 'Bytes(1)'
call 'no such @FILE' 100 'nothing: No such file' - 'Bytes(@nothing)'
call '@FILE is a directory' 100 '/: Is a directory' - 'Bytes(@/)'
if [ "${HL_TEST_HUGE-}" ]; then
    call '@FILE without end' 100 '/dev/zero: larger than [0-9]+ MiB' - 'Bytes(@/dev/zero)'
else
    skip 'call: @FILE without end' 'it takes 4 GiB of memory; HL_TEST_HUGE=1 runs it'
fi
hl run values --host host.so --call 'I32(1)' --call 'Nope()'
same 'nothing runs when one call of many is bad' "100/" "$rc/$(cat "$out")"

# Garbage is refused, never a crash; the generator is fixed so that a failure can be repeated.
bad=0 garbage=
RANDOM=4711
pieces=('I32(' ')' '"' '\' 'x"' '@' ',' '1' $'\377' $'\001' '-' '.' 'String(' 'true' ' ' '0x' '(' 'e9' '\x' 'Bytes(')
for _ in $(seq 60); do
    garbage=
    for _ in $(seq $((RANDOM % 8 + 1))); do garbage+=${pieces[RANDOM % ${#pieces[@]}]}; done
    hl run values --host host.so --call "$garbage"
    case $rc in 0 | 64 | 100) ;; *) bad=$rc && break ;; esac
done
same "garbage expressions (last: $(printf '%q' "$garbage"))" 0 $bad
refused 'binary garbage' 100 'no function' 'it has' run values --call "$(printf 'I\001\377\033[3(1)')"

# ---- Options

usage='`hl-dev run --help` lists the options'
refused 'no command' 64 'no command given' '`hl-dev help`'
refused 'unknown command' 64 'unknown command walk' '`hl-dev help`' walk
refused 'empty command' 64 'unknown command' '`hl-dev help`' ''
refused 'help for an unknown command' 64 'unknown command walk' '`hl-dev help`' help walk
refused 'unknown option' 64 'unknown option --walk' "$usage" run --walk values
refused 'unknown short option' 64 'unknown option -w' "$usage" run -w values
refused 'unknown option after the target' 64 'unknown option --walk' "$usage" run values --walk
refused '--call without a value' 64 'option --call needs a value' "$usage" run values --call
refused '--call without a value before --' 64 'option --call needs a value' "$usage" run values --call --
refused 'an option that takes no value' 64 '--json' "$usage" run values --json=yes
refused 'an ambiguous option' 64 '--he' "$usage" run values --he
HL_TEST_TAIL=0 "$here/../run" "$prefix" no-such-suite >"$out" 2>"$err"
same 'tests/run refuses an unknown suite' 64 $?
refused 'inspect with a call' 64 'inspect has no option --call' '' inspect values --call 'F()'
refused 'doctor with a target' 64 'doctor takes no argument: values' '' doctor values
refused 'two targets' 64 'one target at a time: dynamic' 'after --' run values dynamic
for option in heap stack input output; do
    for value in '' x -1 0 1X 1MM 1.5M 99999999999999999999 99999999999999T; do
        refused "--$option '$value'" 64 "bad value for --$option: $value\$" 'a size' \
            run values "--$option" "$value"
    done
done
for value in '' x -1 1x nan inf 1e99; do
    refused "--timeout '$value'" 64 "bad value for --timeout: $value\$" 'seconds' run values --timeout "$value"
done
for value in '' x -1 0 1x 1.5 99999999999999999999; do
    refused "--repeat '$value'" 64 "bad value for --repeat: $value\$" '1 or more' run values --repeat "$value"
done
for value in '' red Always; do
    refused "--color '$value'" 64 "bad value for --color: $value\$" 'always' run values --color "$value"
done
refused 'no main() and no call' 100 'no main\(\)' '--call' run "$(
    printf '#include <hl/guest.h>\nHL_FUNCTION(void, F) {}\n' >no-main.c
    "$cc" -o no-main no-main.c && echo no-main)"

# ---- Memory

mem=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
if [ $((mem * 2)) -lt 262144 ]; then
    refused 'a heap larger than memory' 100 "wants $((mem * 2))?[0-9]* MiB of memory|memory" \
        'smaller heap' run values --heap $((mem * 2))M
    refused 'such a heap in hl.ini' 100 'memory' 'smaller heap' run "$(
        mkdir -p huge && printf 'guest = ../values\nheap = %dM\n' $((mem * 2)) >huge/hl.ini && echo huge)"
fi
refused 'a heap above the limit' 100 'heap of [0-9]+ MiB: the limit is [0-9]+ MiB' - run values --heap 1024G
refused 'a stack above the limit' 100 'stack of [0-9]+ MiB: the limit is [0-9]+ MiB' - run values --stack 1024G
refused 'an input buffer above the limit' 100 'input buffer of [0-9]+ MiB: the limit' - run values --input 1024G
refused 'an output buffer above the limit' 100 'output buffer of [0-9]+ MiB: the limit' - run values --output 1024G
for command in run inspect; do
    refused "$command: a file that asks for too much" 100 'segments need [0-9]+ KiB, more than the 8 of image_max' \
        'raise image_max' $command values --image-max 8K
done

# ---- KVM

HL_KVM_DEVICE=/nonexistent refused 'no /dev/kvm' 100 'no usable /dev/kvm: /nonexistent: No such file' \
    'HL_KVM_DEVICE' run values
HL_KVM_DEVICE=/dev/null refused 'a device that is not KVM' 100 '/dev/null is not a KVM device' \
    'HL_KVM_DEVICE' run values
HL_KVM_DEVICE=$PWD/fifo refused 'a fifo that is not KVM' 100 'fifo is not a KVM device' \
    'HL_KVM_DEVICE' run values
HL_KVM_DEVICE=/ refused 'a directory that is not KVM' 100 '/: Is a directory' 'HL_KVM_DEVICE' run values
HL_KVM_DEVICE=/nonexistent hl run values --json
member 'no /dev/kvm with --json' '"NO_KVM"' error code
: >locked
chmod 000 locked
if [ "$(id -u)" != 0 ]; then
    HL_KVM_DEVICE=$PWD/locked refused 'no permission on /dev/kvm' 100 'no permission .*locked: Permission denied' \
        '(usermod -aG|chgrp) kvm|cannot be entered' run values
    refused 'no permission on the guest' 100 'locked: Permission denied' - run locked
elif command -v setpriv >/dev/null; then
    # The build may lie where nobody else may look: the tool is run from a copy.
    cp "$dev" hl-dev-copy && chmod 755 hl-dev-copy . values
    real=$dev
    printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups %q "$@"\n' \
        "$PWD/hl-dev-copy" >as-nobody && chmod 755 as-nobody
    dev=$PWD/as-nobody
    if setpriv --reuid 65534 --regid 65534 --clear-groups "$PWD/hl-dev-copy" --version >/dev/null 2>&1; then
        HL_KVM_DEVICE=$PWD/locked refused 'no permission on /dev/kvm' 100 \
            'no permission .*locked: Permission denied' '(usermod -aG|chgrp) kvm|cannot be entered' run values
        refused 'no permission on the guest' 100 'locked: Permission denied' - run locked
    else
        skip 'no permission on /dev/kvm' 'another user cannot run programs here'
    fi
    dev=$real
else
    skip 'no permission on /dev/kvm' 'root is allowed everything, and there is no setpriv'
fi

# ---- Odd surroundings

args=()
for _ in $(seq 10000); do args+=(--call 'Count()'); done
hl run values --host host.so "${args[@]}"
same '10,000 calls' "0/10000/Count() = 10000" "$rc/$(wc -l <"$out")/$(tail -n 1 "$out")"
hl run values --host host.so --call "Length(\"$(printf '%0120000d' 0)\")"
same 'an expression of 120,000 characters' '0/ = 120000' "$rc/$(tail -c 10 "$out")"
hl run values --call "Nope($(printf '%0120000d' 0))"
same 'a bad one of 120,000 characters' 100/2 "$rc/$(wc -l <"$err")"

# one_error NAME STATUS: of the last command, whose stdout was elsewhere
one_error() {
    if [ $rc != "$2" ]; then fail "$1" "exit status $rc, not $2"
    elif [ "$(grep -c '^hl-dev: error: ' "$err")" != 1 ]; then fail "$1" 'not exactly one error line'
    elif ! grep -q 'cannot write to standard output' "$err"; then fail "$1" 'another error'
    else ok "$1"; fi
}
: >"$out"
full() { # NAME ARG...
    local name=$1
    shift
    timeout -k 5 $((60 * slow)) "$dev" "$@" >/dev/full 2>"$err" </dev/null
    rc=$?
    one_error "full disk: $name" 111
    timeout -k 5 $((60 * slow)) "$dev" "$@" >&- 2>"$err" </dev/null
    rc=$?
    one_error "closed stdout: $name" 111
}
full 'results' run values --host host.so --call 'I32(1)'
full "the guest's output" run values -q --host host.so --call 'Print("x")'
full 'main' run values --host host.so
full 'run --json' run values --host host.so --json --call 'I32(1)'
full 'run --help' run --help
full 'inspect' inspect values
full 'inspect --json' inspect values --json
full 'doctor' doctor
full 'doctor --json' doctor --json
full 'completion' completion bash
full 'help' help
full '--version' --version
"$dev" trace values --host host.so --call 'I32(1)' >"$out" 2>/dev/full </dev/null
same 'full disk: a trace on standard error' '111/I32(1) = 1' "$?/$(cat "$out")"
"$dev" run values --host host.so --call 'I32(1)' >"$out" 2>"$err" <&-
same 'closed stdin' '0/I32(1) = 1' "$?/$(cat "$out")"
"$dev" run values --host host.so --call 'I32(1)' >"$out" 2>&-
same 'closed stderr' '0/I32(1) = 1' "$?/$(cat "$out")"
"$dev" run values --call 'Nope()' >"$out" 2>&- </dev/null
same 'closed stderr and an error' '100/' "$?/$(cat "$out")"
timeout -k 5 $((60 * slow)) "$dev" run values -q --host host.so --repeat 1000000000 \
    --call 'Print("x\n")' 2>"$err" </dev/null | head -n 1 >"$out"
same 'a reader that goes away ends it' '141 x' "${PIPESTATUS[0]} $(cat "$out")"

# Few descriptors, little memory: an error and perhaps a hint, never an abort.  What the loader says
# about its own is not ours (127).
mkdir "$tmp/run"
export XDG_RUNTIME_DIR=$tmp/run # `attach` would find what others serve
# little NAME KIND LIMITS ARG...
little() {
    local name=$1 kind=$2 limits=$3 limit bad=
    shift 3
    for limit in $limits; do
        (ulimit "-$kind" "$limit" && exec "$dev" "$@") >"$out" 2>"$err" </dev/null
        rc=$?
        case $rc in 0 | 127) continue ;; esac
        if [ $rc != 100 ] && [ $rc != 111 ]; then bad="exit status $rc"
        elif [ "$(grep -c '^hl-dev: error: ' "$err")" != 1 ]; then bad='not exactly one error line'
        elif [ "$(wc -l <"$err")" -gt 2 ]; then bad='more than an error and a hint'; fi
        [ -z "$bad" ] || break
    done
    if [ -z "$bad" ]; then ok "ulimit -$kind: $name"; else fail "ulimit -$kind $limit: $name" "$bad"; fi
}
"$dev" profile values --host host.so --call 'I32(1)' --json -o ../p.json >"$out" 2>&1
if grep -aq __asan_init "$dev"; then
    skip 'few descriptors, little memory' 'a sanitizer needs more'
else
    # 5 MB is what the loader takes, and 80 a guest
    for limit in 'n 3 4 5 6 7 8 9 10 11 12' 'v 6000 8000 10000 15000 20000 40000 70000 90000'; do
        for args in 'run values --call I32(1)' 'run values --json --call I32(1)' \
            'run values --repeat 3 --restore --call I32(1)' 'run values --timeout 9 --call I32(1)' \
            'run values --gdb --stop-at none --call I32(1)' 'trace values --call I32(1)' \
            'trace values --json --call I32(1)' 'profile values --call I32(1)' \
            'profile values --cpu --call I32(1)' 'profile --from ../p.json' 'inspect values' \
            'inspect values --json' 'core values' ps attach help version 'completion bash'; do
            # shellcheck disable=SC2086 # words are wanted
            little "$args" "${limit%% *}" "${limit#* }" $args
        done
    done
fi

# A signal ends it as it ends any program, while the guest runs.
mkfifo started
"$dev" run values -q --host host.so --call 'Print("up\n")' --call 'Spin()' >started 2>"$err" </dev/null &
pid=$!
read -r word <started
kill -INT $pid 2>/dev/null # a background job of a script ignores SIGINT
kill -TERM $pid
wait $pid
same 'SIGTERM ends it' "up 143" "$word $?"
rm started

finish
