#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# example.sh PREFIX: docs/machine-example.c, compiled as it stands, says what the guide says.
B=$1
out=$("$B/tests/machine-example" 2>&1)
want='#PF: mapping it
port 0x80: 42
port 0x80: 84
port 0x80: 126'
if [ "$out" = "$want" ]; then echo "ok machine example"
else echo "not ok machine example: printed: $out"; exit 1
fi
