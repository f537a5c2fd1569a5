#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# table.sh PREFIX: run the conformance tests and print docs/conformance.md's table.
set -u
B=$1
export CMOCKA_MESSAGE_OUTPUT=tap
for program in conformance/kvm_conformance conformance/kvm_host_api conformance/kvm_fault \
    conformance/kvm_hostile conformance/kvm_interrupt conformance/kvm_restore \
    conformance/kvm_snapshot conformance/test_files sandbox/kvm_threads; do
    "$B/tests/$program" 2>/dev/null | awk -v source="tests/$program.c" '
        BEGIN {
            # { CASE("name", function) }, over one line or two
            while ((getline line < source) > 0) {
                if (line !~ /^        (CASE|TRACE)\(/) continue
                while (line !~ /\),$/ && (getline more < source) > 0) line = line more
                split(line, part, "\"")
                f = part[3]
                gsub(/[ ,()]/, "", f)
                test[part[2]] = f
            }
        }
        /^# / { reason = substr($0, 3) }
        /^(not )?ok [0-9]+/ {
            result = /# SKIP/ ? "skipped: " reason : /^ok/ ? "passes" : "FAILS"
            name = $0
            sub(/^(not )?ok [0-9]+ (- |# SKIP )/, "", name)
            file = source
            sub(/^tests\//, "", file)
            printf "| %s | `%s` `%s` | %s |\n", name, file, test[name], result
        }'
done
