#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bombs.sh PREFIX - debug information that asks for a lot: what is left are names, a line that says
# so, and time limits, SIGTERM and Ctrl-C that work.  tests/symbols/test_bombs.c has more kinds.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

spent='^hint: its debug information cannot be read in full: it takes more than 2 s or 512 MiB to read$'
memory=$((1500 * 1024)) # of addresses, with the guest's own; a sanitizer needs more
[ "$slow" = 1 ] || memory=unlimited

python3 -c 'import zlib' 2>/dev/null || { skip bombs 'no python3'; exit 0; }
"$cc" --freestanding -O1 -o guest "$here/guest/bombs.c" && python3 "$here/../symbols/bombs.py" . units || exit 1
objcopy --remove-section '.debug_*' guest units.guest || exit 1
for section in units.debug_*; do
    objcopy --add-section ".${section#*.}=$section" units.guest || exit 1
done

# bounded ARG...: hl-dev with little memory
bounded() {
    (ulimit -v $memory && timeout -k 5 $((60 * slow)) "$dev" "$@") >"$out" 2>"$err" </dev/null
    rc=$?
}

bounded run units.guest --call 'Crash(1)'
same 'crash: its status' 134 $rc
has 'crash: a name without a line' "$err" '^  #0  0x[0-9a-f]{16} in Crash\+0x[0-9a-f]+$'
has 'crash: says why' "$err" "$spent"
bounded trace units.guest --call 'Crash(1)'
has 'trace: says why' "$err" "$spent"
bounded inspect units.guest
has 'inspect: the function is there' "$out" 'Crash'
has 'inspect: says why' "$err" "$spent"
bounded run units.guest --core core --call 'Crash(1)'
bounded core core
has 'core: a name without a line' "$out" '#0 .* in Crash\+0x'
has 'core: says why' "$err" "$spent"
rm -f core
bounded profile --timeout 0.5 units.guest --call 'Spin(1)'
same 'profile: --timeout' 124 $rc
has 'profile: names' "$out" 'Spin'
has 'profile: says why' "$err" "$spent"

# ended SIGNAL STATUS: a profile gets the signal, once the guest runs
ended() {
    : >"$err" # of the run before, which has the word as well
    (ulimit -v $memory && exec timeout -k 5 $((60 * slow)) "$dev" profile units.guest --call 'Spin(1)') \
        >"$out" 2>"$err" </dev/null &
    local child=$!
    until grep -q round "$err"; do kill -0 $child 2>/dev/null || break; done
    kill -"$1" $child
    wait $child
    same "profile: $1" "$2" $?
}
if [ "$slow" = 1 ]; then
    ended TERM 143
    ended INT 130
    has 'profile: INT: shows what there is' "$out" 'Spin'
else
    skip 'profile: signals' 'names of a bomb take longer here than hl-dev waits for a report'
fi

# pkg-config knows of sanitizers the library was built with.
# shellcheck disable=SC2046 # these are words
${CC:-gcc} -Wall -Wextra -o host "$here/guest/bombs-host.c" \
    $(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs hl) -Wl,-rpath,"$prefix/lib" || exit 1
HL_PROFILE=profile.json timeout $((60 * slow)) ./host units.guest >"$out" 2>"$err"
read -r code ms <"$out"
[ "$ms" -lt $((200 * slow)) ] && ok 'HL_PROFILE: a limit of 100 ms is one' || fail 'HL_PROFILE: a limit of 100 ms is one' "it took $ms ms, with $code"
same 'HL_PROFILE: its document says why' "${spent#*full: }" \
    "$(python3 -c 'import json; print(json.load(open("profile.json"))["missing"] + "$")')"
exit $status
