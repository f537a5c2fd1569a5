#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# inspect.sh PREFIX - `hl-dev inspect`, as text and as JSON; needs no KVM.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
export HL_KVM_DEVICE=/nonexistent

compile values "$here/guest/values.c"
compile crash-pie -static-pie "$here/guest/crash.c"
compile crash-free --freestanding "$here/guest/crash.c"

hl inspect values
same 'inspect: status' 0 $rc
same 'inspect: nothing on stderr' '' "$(cat "$err")"
has 'inspect: what it is' "$out" \
    "^values: libc guest, ABI 1, non-PIE, $(stat -c %s values) bytes, entry 0x[0-9a-f]+\$"
has 'inspect: main' "$out" '^main +yes$'
count=$(grep -c '^HL_FUNCTION' "$here/guest/values.c")
has 'inspect: number of functions' "$out" "^functions $count\$"
for f in 'Nothing\(\) -> void' 'String\(string\) -> string' 'math\.add-2\(i32, i32\) -> i32' \
    'Many\(i32, u32, i64, u64, f32, f64, bool, string, bytes(, i32){7}\) -> u64'; do
    has "inspect: $f" "$out" "^  $f +.*values\.c:[0-9]+\$"
done
# The code of a function begins at its brace.
first=$(($(grep -n 'i32, I32' "$here/guest/values.c" | cut -d: -f1) + 1))
has 'inspect: file and line' "$out" "I32\\(i32\\) -> i32 .*values\\.c:$first\$"
has 'inspect: imports' "$out" '^imports +3$'
has 'inspect: an import' "$out" '^  HostName\(\) -> string *$'
has 'inspect: code is not writable' "$out" '^  0x[0-9a-f]{12}-0x[0-9a-f]{12} r-x +[0-9]+ in the file$'
same 'inspect: nothing is both writable and executable' '' "$(grep ' rwx' "$out")"
for region in image boot input output heap stack; do
    has "inspect: region $region" "$out" "^  0x[0-9a-f]{12}-0x[0-9a-f]{12} .* KiB  $region\$"
done
hl inspect values --heap 8M --stack 2M --input 3M --output 4M
for region in '8192 KiB  heap' '2048 KiB  stack' '3072 KiB  input' '4096 KiB  output'; do
    has "inspect: $region" "$out" " $region\$"
done
hl inspect crash-pie
has 'inspect: PIE' "$out" '^crash-pie: libc guest, ABI 1, PIE, '
hl inspect crash-free
has 'inspect: freestanding' "$out" '^crash-free: freestanding guest, '
has 'inspect: no main' "$out" '^main +no$'
strip -o stripped values
hl inspect stripped
has 'inspect: a stripped guest has its functions' "$out" '^  I32\(i32\) -> i32 *$'

hl inspect values --json
same 'inspect --json: status' 0 $rc
same 'inspect --json: nothing on stderr' '' "$(cat "$err")"
member 'inspect --json: guest' '"values"' guest
member 'inspect --json: abi' 1 abi
member 'inspect --json: libc' true libc
member 'inspect --json: pie' false pie
member 'inspect --json: main' true main
member 'inspect --json: size' "$(stat -c %s values)" size
member 'inspect --json: function' '"I32"' functions 1 name
member 'inspect --json: result' '"i32"' functions 1 result
member 'inspect --json: arguments' '["i32"]' functions 1 args
member 'inspect --json: line' "$first" functions 1 line
member 'inspect --json: imports' '"HostName"' imports 0 name
member 'inspect --json: memory' '"image"' memory 0 name
hl inspect nothing --json
same 'inspect --json: error status' 100 $rc
member 'inspect --json: error' '"FILE"' error code
member 'inspect --json: status in it' 100 status

esc=$(printf '\033')
hl inspect values --color always
has 'inspect --color always' "$out" "$esc\\[1m"
hl inspect values
same 'inspect: no colour in a file' '' "$(grep "$esc" "$out")"
cp values "$(printf 'esc\033[31m')"
hl inspect "$(printf 'esc\033[31m')"
same 'inspect: a name cannot drive a terminal' '' "$(grep "$esc" "$out")"

mkdir project
printf 'guest = guest\nheap = 8M\n' >project/hl.ini
cp "$here/guest/crash.c" project/
# Make expands it, not the shell.
# shellcheck disable=SC2016
printf 'guest: crash.c\n\t@echo building\n\t$(HL_BIN)/hl-cc -o $@ $<\n' >project/Makefile
hl inspect project
same 'inspect: a project is built first' 0 $rc
has "inspect: the project's sizes" "$out" ' 8192 KiB  heap$'
same "inspect: make's output is not on stdout" '' "$(grep building "$out")"
hl inspect --help
same 'inspect --help' '0/Usage: hl-dev inspect [TARGET]' "$rc/$(head -n 1 "$out")"

finish
