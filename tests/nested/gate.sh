#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gate.sh PREFIX: the part of check-nested that is cheap enough for every `make check`: a standard
# KVM boots, shows its debug events on a raw probe guest, and runs and faults guests of ours.
# Skips with the reason if the machine is not available.
set -u
B=$1
here=$(dirname "$0")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
status=0

features=$("$here/run" -F 2>"$tmp/why")
rc=$?
if [ $rc = 77 ]; then
    echo "skip standard KVM: $(tail -n 1 "$tmp/why")"
    exit 0
elif [ $rc != 0 ]; then
    echo "not ok standard KVM is set up: $(tail -n 1 "$tmp/why")"
    exit 1
fi
machine=$("$here/setup")

# Pass the lines of a run on, its checks' names led by a word; a run that breaks off is a failure.
pass_on() { # NAME STATUS FILE
    sed -n "s/^\(not ok\|ok\|skip\) /\1 $1: /p" "$3"
    grep -q '^not ok ' "$3" && status=1
    [ "$2" = 0 ] && return
    status=1
    grep -q '^not ok ' "$3" || echo "not ok $1: ended with status $2: $(tail -n 1 "$3")"
}

# The two machines boot side by side: what a standard KVM does, and our other route for int3, which
# an emulator that is only mended for ports takes to the guest's IDT.
"$here/run" -t 150 sh "$here/gate-inside.sh" "$B" "$machine/probe" >"$tmp/full" 2>&1 &
full=$!
if [ -x "$machine/qemu-io-only" ] && [ "$(cat "$machine/default")" = full ]; then
    "$here/run" -V io-only -t 150 sh "$here/gate-inside.sh" "$B" >"$tmp/io-only" 2>&1 &
    io_only=$!
    wait $io_only
    pass_on 'int3 through the IDT' $? "$tmp/io-only"
else
    echo "skip int3 through the IDT: no such variant of the machine"
fi
wait $full
rc=$?
case $features in
*io-bitmap*) pass_on kvm_amd $rc "$tmp/full" ;;
*) echo "skip kvm_amd: this QEMU refuses ring 3 every port, and its build is not one we can mend" ;;
esac
exit $status
