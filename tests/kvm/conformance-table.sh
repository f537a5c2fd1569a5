#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# conformance-table.sh PREFIX: run the conformance tests and print docs/conformance.md's table.
set -u
B=$1
export CMOCKA_MESSAGE_OUTPUT=tap
for program in kvm/test_conformance kvm/test_conformance_fault kvm/test_conformance_hostile \
    kvm/test_conformance_interrupt kvm/test_conformance_restore unit/test_conformance_files \
    kvm/test_threads; do
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
            sub(/.*\//, "", file)
            printf "| %s | `%s` `%s` | %s |\n", name, file, test[name], result
        }'
done
