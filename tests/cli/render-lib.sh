# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# render-lib.sh: what the tests of the renderers share; sourced after lib.sh.
docs=$(cd "$here/../profile" && pwd -P)
exits=$docs/exits.json later=$docs/exits-later.json cpu=$docs/cpu.json hostile=$docs/hostile.json

# r ARG...: run the renderers; output in $out and $err, status in rc
r() {
    timeout -k 5 $((20 * slow)) "$prefix/tests/profile/render" "$@" >"$out" 2>"$err" </dev/null
    rc=$?
}

# shows NAME ARG...: exactly what is on stdin
shows() {
    local name=$1
    shift
    cat >"$tmp/want"
    r "$@"
    if [ $rc != 0 ]; then fail "$name" "exit status $rc"
    elif ! diff "$tmp/want" "$out" >"$err"; then fail "$name" 'not what it should be'
    else ok "$name"; fi
}

# says NAME PATTERN ARG...: a line of the output
says() {
    local name=$1 pattern=$2
    shift 2
    r "$@"
    has "$name" "$out" "$pattern"
}

# refuses NAME CODE PATTERN ARG...: one line of error, nothing on stdout
refuses() {
    local name=$1 code=$2 pattern=$3
    shift 3
    r "$@"
    if [ $rc != 1 ]; then fail "$name" "exit status $rc"
    elif [ -s "$out" ]; then fail "$name" 'something on stdout'
    elif [ "$(grep -c '^error: ' "$err")" != 1 ]; then fail "$name" 'not exactly one error'
    elif ! sed -n 1p "$err" | grep -Eq -- "^error: $code: .*$pattern"; then
        fail "$name" "the error does not match '$pattern'"
    else ok "$name"; fi
}
