#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD [CHECK...]: what tools find in the sources without running them.  Each check prints
# `ok CHECK`, `not ok CHECK` after its findings, or `left out CHECK: why`.  Status 0: all are ok;
# 1: one has findings; 77: none has, but a tool is missing.  With LINT_PARTIAL=1 that is 0, too.
set -u
build=$1
shift
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/hl-lint.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# Everything that people wrote, and no corpus of the fuzzers.
find . \( -path ./build -o -path ./.git -o -name '*-corpus' \) -prune -o -type f -print |
    sed 's|^\./||' | sort >"$work/files"
grep '\.[ch]$' "$work/files" >"$work/c"
xargs -d '\n' awk 'FNR == 1 && (FILENAME ~ /\.sh$/ || /^#!.*sh( |$)/) { print FILENAME }' \
    <"$work/files" 2>/dev/null >"$work/shell"

clang_format() { xargs -n 40 -P 2 clang-format --dry-run -Werror <"$work/c"; }

# In a make of its own, to use every processor.
clang_tidy() { MAKEFLAGS='' make -s -k -j "$(nproc)" B="$build" tidy; }

# The product; tests/lint/cppcheck.txt lists the findings that are not errors.
cppcheck_() {
    local rooms
    rooms=$(MAKEFLAGS='' make -s list-rooms | sed 's/:.*//; s/^/-I/')
    # shellcheck disable=SC2086 # a list of words
    cppcheck -q -j "$(nproc)" --enable=warning,portability,performance --std=c11 --error-exitcode=1 \
        --suppressions-list=tests/lint/cppcheck.txt -D_GNU_SOURCE -D__x86_64__ -Ihostlib/include \
        -Iguest-sdk/include -Igdbstub/include $rooms --template='{file}:{line}: {id}: {message}' \
        hostlib/src gdbstub/src guest-sdk tools
}

shellcheck_() { xargs shellcheck -S warning -f gcc <"$work/shell"; }

# Not what others wrote, nor what is wrong on purpose.
codespell_() {
    grep -v '^tests/real/lua/\|^tests/lint/codespell.txt\|\.svg$\|^tests/gdb/suite/.*\.txt$' \
        "$work/files" | xargs codespell -I tests/lint/codespell.txt
}

mandoc_() { mandoc -Tlint -W warning docs/man/*.1; }

rooms() { bash tests/rooms.sh "$build"; }

words() { bash tests/words.sh -l; }

# Prose is wrapped at 110 columns.  Tables, code and a line that is one long link cannot be.
width() {
    awk 'FNR == 1 { code = 0 }
        /^ *```/ { code = !code }
        code || /^\|/ || /^    / || /^<!--/ || !/ .* / { next }
        length > 110 { print FILENAME ":" FNR ": " length " columns"; bad = 1 }
        END { exit bad }' README.md docs/*.md
}

# CHECK TOOL FUNCTION
checks='rooms make rooms
width awk width
words sed words
mandoc mandoc mandoc_
codespell codespell codespell_
shellcheck shellcheck shellcheck_
clang-format clang-format clang_format
cppcheck cppcheck cppcheck_
clang-tidy clang-tidy clang_tidy'

status=0 partial=0 count=0
for name in "$@"; do
    grep -q "^$name " <<<"$checks" && continue
    echo "lint: error: no check $name" >&2
    echo "hint: there are: $(cut -d' ' -f1 <<<"$checks" | paste -sd' ')" >&2
    exit 64
done
while read -r name tool function; do
    [ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
    count=$((count + 1))
    if ! command -v "$tool" >/dev/null; then
        echo "left out $name: there is no $tool on this machine (tools/packages -l install)"
        partial=$((partial + 1))
    elif LC_ALL=C.UTF-8 $function >"$work/out" 2>&1 </dev/null; then
        echo "ok $name"
    else
        cat "$work/out"
        echo "not ok $name"
        status=1
    fi
done <<<"$checks"
[ $partial = 0 ] || echo "lint: $partial of $count checks were left out"
[ $status = 0 ] && [ $partial != 0 ] && [ "${LINT_PARTIAL-}" != 1 ] && exit 77
exit $status
