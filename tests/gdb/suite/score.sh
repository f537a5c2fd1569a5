#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# score.sh PREFIX [KIND]: all of gdb.base, as a scoreboard beside `ceiling.txt`.  KIND: guest
# (default), native or gdbserver (lib.sh).  FILES="break gdb.trace/range-stepping" runs some.
# The scoreboard is build/gdb-suite/scoreboard[-KIND][-part].txt, the logs are beside it.
# With gdbserver and all files it also writes build/gdb-suite/ceiling.txt, in the form of the one beside
# this script: copy it there to move the ceiling, after a change of GDB's version.
# With guests, `explained` compares what is short with the table of docs/gdb-suite.md.
# Status 0 unless it could not be run.
set -u
here=$(dirname "$0")
. "$here/lib.sh"
B=$1 kind=${2:-guest}
name=scoreboard
[ "$kind" = guest ] || name=$name-$kind
[ -z "${FILES-}" ] || name=$name-part
mkdir -p build/gdb-suite
D=$(cd build/gdb-suite && pwd)
work=$D/$name
rm -rf "$work"
trap 'suite_end "$work"' EXIT
trap 'exit 143' INT TERM
suite_begin "$B" "$kind" "$work" 240 || exit
. "$work/env"
files=()
for f in ${FILES:-$(cd "$KIT/gdb/testsuite" && echo gdb.base/*.exp) gdb.trace/range-stepping}; do
    f=${f%.exp}
    case $f in */*) ;; *) f=gdb.base/$f ;; esac
    [ -f "$KIT/gdb/testsuite/$f.exp" ] || { echo "score.sh: error: no file $f" >&2; exit 64; }
    files+=("$f")
done

# clean: it came to its end, something passed, nothing failed; of a file that had nothing to test here
# neither is said.
# short: fewer PASS or more FAIL than gdbserver had, or it came to no end.
table='
    FNR == NR {
        if ($1 ~ /^#/)
            next
        ceiling[$1 ~ "/" ? $1 : "gdb.base/" $1] = $2 " " $3
        top_n++; top_clean += $2 && !$3; top_pass += $2; top_fail += $3
        next
    }
    {
        split($1 in ceiling ? ceiling[$1] : "- -", c, " ")
        clean = $7 == "ended" && $2 && $3 + $4 == 0
        short = c[1] != "-" && ($2 < c[1] || $3 > c[2] || ($7 != "ended" && c[1] > 0))
        printf "%-48s %6d %5d %6d %9s %5s %5d %s%s\n", $1, $2, $3, $4 + $5, c[1], c[2], $6,
            $7 == "ended" ? "" : $7 " ", short ? "short" : ""
        n++; cleans += clean; pass += $2; fail += $3; other += $4 + $5; shorts += short
    }
    END {
        printf "files %d, clean %d, PASS %d, FAIL %d, other %d, short of the ceiling %d\n",
            n, cleans, pass, fail, other, shorts
        printf "the ceiling, gdbserver on static musl programs: files %d, clean %d, PASS %d, FAIL %d\n",
            top_n, top_clean, top_pass, top_fail
    }'
started=$SECONDS
suite_run "$work" "${files[@]}"
while read -r line <&8; do
    echo "$line"
    echo "$line" >>"$work/results"
done
sort "$work/results" | awk "$table" "$here/ceiling.txt" - >"$work/table"
{
    echo "GDB $(cat "$KIT/version.in")'s testsuite, $kind: $HL_SUITE_STUB"
    tail -n 2 "$work/table"
    printf '\n%-48s %6s %5s %6s %9s %5s %5s\n' file PASS FAIL other ceiling FAIL s
    head -n -2 "$work/table"
} >"$D/$name.txt"
echo
grep ' short$' "$work/table"
tail -n 2 "$work/table"
if [ "$kind" = gdbserver ] && [ -z "${FILES-}" ]; then
    {
        echo "# gdb.base file, PASS, FAIL, other (ERROR, UNTESTED...) of gdbserver $(cat "$KIT/version.in") on static musl programs"
        sort "$work/results" | sed 's,^gdb\.base/,,' | awk '{ print $1, $2, $3, $4 + $5 }'
    } >"$D/ceiling.txt"
fi
[ "$kind" != guest ] || "$here/explained" "$D/$name.txt"
echo "$D/$name.txt, $((SECONDS - started)) s"
