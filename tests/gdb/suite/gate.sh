#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gate.sh PREFIX [KIND]: the files of GDB's testsuite that must be clean (`gate`), with what stands
# between GDB and the program: guest (default), native or gdbserver (lib.sh).  A file is clean when
# it came to its end without a FAIL or an error, with the PASSes `gate` asks for: a test that does
# not run at all is not one that passes.
set -u
here=$(dirname "$0")
. "$here/lib.sh"
B=$1 kind=${2:-guest}
work=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb-gate.XXXXXX") || exit 1
trap 'suite_end "$work"; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM

suite_begin "$B" "$kind" "$work" 60 2>"$work/why"
rc=$?
tail -n 1 "$work/why"
[ $rc = 0 ] || exit $rc
. "$work/env"
declare -A wanted
files=()
while read -r file pass nested; do
    case $file in '' | '#'*) continue ;; esac
    [ -z "${HL_NESTED-}" ] || [ -n "$nested" ] || continue
    # The numbers are those of one version; another's tests are others.
    case $(cat "$KIT/version.in") in 13.1*) wanted[$file]=$pass ;; *) wanted[$file]=1 ;; esac
    files+=("$file")
done <"$here/gate"

logs=$B/tests/logs/gdb-$kind
rm -rf "$logs"
status=0
suite_run "$work" "${files[@]}"
while read -r file pass fail bad not seconds end <&8; do
    case $end in
    ended) why= ;;
    timeout) why="over its limit of $LIMIT s" ;;
    *) why="no summary; $(tail -n 1 "$work/out/${file#*/}/console")" ;;
    esac
    if [ -z "$why" ] && [ $((fail + bad)) != 0 ]; then
        why="$((fail + bad)) FAIL: $(grep -m 1 -E '^(FAIL|UNRESOLVED|ERROR|KPASS|XPASS): ' \
            "$work/logs/$file.sum" | sed 's/^[A-Z]*: [^ ]*: //')"
    elif [ -z "$why" ] && [ "$pass" -lt "${wanted[$file]}" ]; then
        why="$pass PASS instead of ${wanted[$file]}; $not not run"
    fi
    if [ -z "$why" ]; then
        echo "ok $file"
        continue
    fi
    status=1
    echo "not ok $file: $why"
    mkdir -p "$logs"
    cp "$work/logs/$file.log" "$logs/${file#*/}.log"
done
[ $status = 0 ] || echo "# GDB's own logs are in $logs"
exit $status
