#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gate-inside.sh PREFIX [PROBE]: gate.sh's checks, inside the machine.
B=$1 probe=${2-}
status=0
ok() { echo "ok $1"; }
bad() { echo "not ok $1: $(echo "$2" | tail -n 3 | tr '\n' ' ')"; status=1; }
# NAME WANTED-STATUS PATTERN COMMAND...: both streams must have the pattern.
expect() {
    name=$1 want=$2 pattern=$3
    shift 3
    out=$("$@" 2>&1)
    rc=$?
    if [ $rc != "$want" ]; then bad "$name" "status $rc instead of $want: $out"
    elif ! echo "$out" | grep -q -- "$pattern"; then bad "$name" "no $pattern in: $out"
    else ok "$name"
    fi
}

if [ -n "$probe" ]; then "$probe" || status=1; fi
expect "machine example" 0 'port 0x80: 126' "$B/tests/machine-example"
expect "guests run" 0 'guests run on this machine' "$B/bin/hl-dev" doctor
expect "a function is called" 0 '^Greet("gate") = "Hello, gate!"$' \
    "$B/bin/hl-dev" run "$B/tests/guest/gate" --call 'Greet("gate")'
expect "libc prints and main exits" 7 '^main with 2 arguments$' \
    "$B/bin/hl-dev" run "$B/tests/guest/gate" -- one
for fault in '0 #DE' '3 #BP' '6 #UD' '13 #GP' '14 #PF'; do
    expect "fault ${fault#* }" 134 "vector ${fault% *} ${fault#* }" \
        "$B/bin/hl-dev" run "$B/tests/guest/gate" --call "Fault(${fault% *})"
done
expect "a spinning guest is stopped" 124 'time limit' \
    "$B/bin/hl-dev" run "$B/tests/guest/gate" --timeout 1 --call 'Spin()'
routes=$("$B/bin/hl-dev" doctor | sed -n 's/.*debug traps: //p')
bash "$(dirname "$0")/../gdb/gate.sh" "$B" | sed "1s/^\(not ok\|ok\) gdb/& ($routes)/" >/tmp/gdb.$$
cat /tmp/gdb.$$
! grep -q '^not ok' /tmp/gdb.$$ || status=1
exit $status
