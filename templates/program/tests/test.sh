#!/bin/sh
# Runs the guest in a micro-VM and checks what it prints and its exit status.
# HL_BIN: where hl-dev is; `make test` sets it.
cd "$(dirname "$0")/.." || exit 1
hl_dev=${HL_BIN:+$HL_BIN/}hl-dev
passed=0
failed=0

expect() # NAME STATUS STDOUT STDERR [ARGUMENT...]
{
    name=$1 want_status=$2 want_out=$3 want_err=$4
    shift 4
    out=$("$hl_dev" run -q build/{{name}} -- "$@" 2>build/test.stderr)
    status=$?
    err=$(cat build/test.stderr)
    if [ $status = "$want_status" ] && [ "$out" = "$want_out" ] && [ "$err" = "$want_err" ]; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name"
        printf '# %s\n' "status: $status, not $want_status" "stdout: $out" "expected: $want_out" \
            "stderr: $err" "expected: $want_err"
        failed=$((failed + 1))
    fi
}

expect world 0 'Hello, world!' ''
expect a_name 0 'Hello, you there!' '' 'you there'
expect too_many_arguments 2 '' 'usage: {{name}} [NAME]' one two

echo "$passed passed, $failed failed"
[ $failed = 0 ]
