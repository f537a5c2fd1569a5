#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# driver.sh BUILD: the fuzz driver finds what an input must not do (bomb.c), and keeps the input.
set -u
bomb=$(realpath "$1/tests/fuzz/bomb-corpus")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
say() { # say NAME CONDITION...
    if "${@:2}"; then echo "ok $1"; else echo "not ok $1: see above"; cat log; failed=1; fi
}
found() { # found INPUT TEXT: it is reported, and kept
    rm -rf corpus kept-*
    mkdir corpus
    printf %s "$1" >corpus/input
    "$bomb" -artifact_prefix=kept- corpus >log 2>&1 && return 1
    grep -q "^not ok corpus input: " log && grep -q "$2" log || return 1
    [ "$1" = leak ] || cmp -s kept-* corpus/input
}
say time found time 'bomb: one input took more than 1 s of processor time'
say alloc found alloc 'exceeds maximum supported size'
say exit found exit 'a finding'
say leak found leak 'LeakSanitizer: detected memory leaks'
if [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -gt 2500 ]; then
    say resident found resident 'bomb: more than 1024 MiB are resident'
else
    echo 'skip resident: less than 2500 MiB are available'
fi

harmless() {
    rm -rf corpus && mkdir corpus && printf fine >corpus/input
    "$bomb" corpus >log 2>&1 && grep -q '^ok corpus input' log
}
say harmless harmless
# Step by step, as what takes a new edge is built upon.
guided() {
    "$bomb" -max_total_time=60 -seed=1 -artifact_prefix=deep- corpus >log 2>&1 && return 1
    [ "$(head -c 4 deep-*)" = deep ]
}
say guided guided
empty() {
    mkdir -p empty
    ! "$bomb" empty >log 2>&1 && grep -q 'nothing in it' log
}
say empty empty
exit $failed
