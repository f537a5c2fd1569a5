# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# wait.sh: the one way to wait for what gives no sign of its own; sourced.

# wait_until COMMAND...: look, nap, look again; status 1 when it has lasted far longer than any machine
# needs.
wait_until() {
    local end=$((SECONDS + 60 * ${HL_TEST_SLOW:-1}))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}

# ended PID: that process is over, perhaps not yet waited for
ended() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ -z "$state" ] || [ "$state" = Z ]
}

# shown PATTERN FILE PID: the file has a line that matches, or nothing more will come of the process
shown() { grep -qE -- "$1" "$2" 2>/dev/null || ended "$3"; }
