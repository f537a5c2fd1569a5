#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ticking.sh PREFIX: the suites of a sandbox's life under a signal each 0.2 ms (tests/kvm/tick.c),
# once with SA_RESTART and once without: nothing of libhl may notice.
set -u
B=$1
status=0
for how in restart break; do
    for suite in machine/machine sandbox/life sandbox/fail sandbox/poisoned snapshot/snapshot \
        snapshot/restore snapshot/clone snapshot/file core/core sandbox/share sandbox/share_refuse \
        debug/debug debug/life debug/watch; do
        out=$(HL_TEST_TICK=$how "$B/tests/${suite%/*}/kvm_${suite#*/}")
        rc=$?
        echo "$out" | sed "s|^\(\(not \)\{0,1\}ok [0-9]* - \)|\1$how, $suite: |"
        [ $rc = 0 ] || status=1
    done
done
exit $status
