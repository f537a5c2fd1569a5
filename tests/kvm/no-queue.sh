#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# no-queue.sh PREFIX: kicks, limits, interrupts, break-ins and samples where the user's queue of real-time
# signals has no place (RLIMIT_SIGPENDING).
set -u
B=$1
status=0
ulimit -i 0 || exit 77
for suite in kvm/kick conformance/interrupt sandbox/limit sandbox/limit_many debug/debug debug/life \
    profile/profile profile/sample; do
    out=$("$B/tests/${suite%/*}/kvm_${suite#*/}")
    rc=$?
    echo "$out" | sed "s|^\(\(not \)\{0,1\}ok [0-9]* - \)|\1$suite: |"
    [ $rc = 0 ] || status=1
done
exit $status
