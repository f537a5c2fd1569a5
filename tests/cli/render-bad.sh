#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# render-bad.sh PREFIX - profile documents that are none: each is refused in every format, in one line
# that says where it is damaged, and nothing is printed.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=render-lib.sh
. "$here/render-lib.sh"

# bad NAME PATTERN SED: exits.json changed so, in each format
bad() {
    local format
    sed "$3" "$exits" >bad.json
    cmp -s bad.json "$exits" && fail "bad: $1" 'the document was not changed'
    for format in table json folded svg callgrind speedscope; do
        refuses "bad: $1: $format" FILE "$2" bad.json --format $format
    done
}
bad 'another format' 'format: not "hl-profile"' 's/hl-profile/perf/'
bad 'a later version' 'version: not 1' 's/"version": 1/"version": 2/'
bad 'no mode' 'mode: missing' 's/"mode"/"mood"/'
bad 'another mode' 'mode: neither' 's/"mode": "exits"/"mode": "rest"/'
bad 'no frames' 'frames: missing' 's/"frames"/"farmes"/'
bad 'frames that are none' 'frames\[0\]: not an object' 's/{"function": "main", .* 40}/7/'
bad 'a function that is a number' 'frames\[1\]\.function: not a string' 's/"serve"/5/'
bad 'a line before the first' 'frames\[0\]\.line: not a whole number' 's/"line": 40/"line": -40/'
bad 'a flag that is a word' 'frames\[5\]\.inlined: neither true nor false' 's/"inlined": true/"inlined": "yes"/'
bad 'a stack that is its own caller' 'stacks\[1\]: its parent' 's/\[0, 1\]/[1, 1]/'
bad 'a stack before its caller' 'stacks\[1\]: its parent' 's/\[0, 1\]/[5, 1]/'
bad 'a missing frame' 'stacks\[1\]: there is no such frame' 's/\[0, 1\]/[0, 11]/'
bad 'a stack of three' 'stacks\[1\]: not a pair' 's/\[0, 1\]/[0, 1, 2]/'
bad 'a missing kind' 'exits\[0\]\.kind: not an index' 's/"kind": 0, "stack": 2/"kind": 5, "stack": 2/'
bad 'no kind' 'exits\[0\]\.kind: there is no such kind' 's/"kind": 0, "stack": 2/"kind": -1, "stack": 2/'
bad 'a missing stack' 'exits\[0\]\.stack: not an index' 's/"stack": 2/"stack": 13/'
bad 'a site of another stack' 'exits\[0\]\.site: not in the stack' 's/"site": 1/"site": 7/'
bad 'a count below 0' 'exits\[0\]\.count: not a whole number' 's/"count": 60/"count": -1/'
bad 'a count that is no whole number' 'exits\[0\]\.count: not a whole number' 's/"count": 60/"count": 1.5/'
bad 'a huge count' 'exits\[0\]\.count: not a whole number' 's/"count": 60/"count": 9007199254740992/'
bad 'counts that add up to too much' 'exits\[1\]\.count: the sum is too large' 's/"count": [56]0/"count": 9007199254740991/'
bad 'times that add up to too much' 'kinds\[1\]\.ns: the sum is too large' 's/"ns": [24][05]0*,/"ns": 9007199254740991,/'
bad 'a longest time that is a word' 'exits\[0\]\.max_ns: not a whole number' 's/"max_ns": 120000}/"max_ns": "long"}/'
bad 'a histogram of 2^64' 'kinds\[0\]\.histogram: not a list' 's/\[13, 10\]/[64, 10]/'
bad 'pages that are a word' 'calls\[0\]\.pages_dirtied: not an object' 's/{"min": 12, .* 12}/"12"/'
bad 'memory that is a list' 'memory: not an object' 's/"memory": {/"memory": [], "x": {/'
refuses 'bad: a number too long for JSON' FILE 'not JSON: line 1' <(echo '{"a": 99999999999999999999}')
refuses 'bad: UTF-8' FILE 'not JSON' <(printf '{"a": "\xff"}')
refuses 'bad: a NUL' FILE 'not JSON' <(printf '{"a": "\\u0000"}')
refuses 'bad: nothing' FILE 'not JSON' /dev/null
refuses 'bad: a list' FILE 'damaged profile: not an object|: not an object' <(echo '[]')
refuses 'bad: no such file' FILE 'No such file' nowhere.json
refuses 'bad: nested' FILE 'not JSON' <(head -c 100000 /dev/zero | tr '\0' '[')
deep() { seq 0 "$1" | sed 's/.*/[&,0]/; s/^\[0,/[-1,/' | awk -F'[[,]' 'NR > 1 { $0 = "[" NR - 2 ",0]" } 1' | paste -sd,; }
for n in 1023 1024; do
    echo "{\"format\":\"hl-profile\",\"version\":1,\"mode\":\"exits\",\"kinds\":[{\"reason\":\"log\",\"name\":\"log\",\"count\":1,\"ns\":1}],
        \"frames\":[{\"function\":\"f\"}],\"stacks\":[$(deep $n)],
        \"exits\":[{\"kind\":0,\"stack\":$n,\"site\":$n,\"count\":1,\"ns\":1}]}" >deep$n.json
done
for format in table json folded svg callgrind speedscope; do
    r deep1023.json --format $format
    same "deep: 1024 frames as $format" 0 $rc
done
refuses 'deep: 1025 frames' FILE 'stacks\[1024\]: deeper than 1024 frames' deep1024.json
finish
