#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# manual.sh PREFIX - the manuals say of commands and options what the tables say.
set -u
prefix=$(cd "${1:?usage: manual.sh PREFIX}" && pwd -P) || exit 64
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-manual.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
status=0
ok() { echo "ok $1"; }
fail() { echo "not ok $1: $2"; status=1; }
manual=$prefix/obj/manual

for name in hl-dev hl-new; do
    page=docs/man/$name.1
    "$manual" <$page >"$tmp/made" 2>"$tmp/err"
    if [ $? != 0 ]; then fail "$name.1" "$(head -n 1 "$tmp/err")"
    elif cmp -s "$tmp/made" $page; then ok "$name.1 is what the tables say"
    else fail "$name.1 is what the tables say" '`make man` puts them in' && diff $page "$tmp/made" | sed 's/^/# /'; fi
done

# A change on either side is seen.
sed 's/^\.It Fl -heap Ar size$/.It Fl -heap Ar bytes/' docs/man/hl-dev.1 >"$tmp/changed"
if "$manual" <"$tmp/changed" | cmp -s - "$tmp/changed"; then fail 'a changed line is seen' 'it is not'
elif "$manual" <"$tmp/changed" | cmp -s - docs/man/hl-dev.1; then ok 'a changed line is seen, and put right'
else fail 'a changed line is seen' 'another one was changed'; fi
for text in '.\" table: nosuch' '.\" table: options nosuch' '.\" table: synopsis'; do
    if echo "$text" | "$manual" >"$tmp/made" 2>"$tmp/err"; then fail "refused: $text" 'it is taken'
    elif [ "$(wc -l <"$tmp/err")" = 0 ]; then fail "refused: $text" 'no message'
    else ok "refused: $text"; fi
done

for page in docs/man/*.1; do
    if command -v mandoc >/dev/null; then
        mandoc -Tlint -W error "$page" >"$tmp/made" 2>&1
        if [ -s "$tmp/made" ]; then fail "mandoc -Tlint $page" "$(head -n 1 "$tmp/made")"; else ok "mandoc -Tlint $page"; fi
    else
        echo "skip mandoc -Tlint $page: mandoc is not installed"
    fi
done
exit $status
