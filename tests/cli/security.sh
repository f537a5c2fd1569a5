#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# security.sh: the table of docs/security.md says what the source says.  Each constant in its fourth
# column is defined with that value, and each suite in its fifth is one.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0 rows=0
say() { # NAME PROBLEM
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $2"
        failed=1
    fi
}

# number "64 MiB": in bytes
number() {
    local n=${1%% *} unit=
    [[ $1 != *' '* ]] || unit=${1#* }
    n=${n//,/}
    case $unit in
    '') echo "$n" ;;
    KiB) echo $((n << 10)) ;;
    MiB) echo $((n << 20)) ;;
    GiB) echo $((n << 30)) ;;
    *) echo "no unit: $unit" ;;
    esac
}

# values NAME: of every definition of it that is a plain number
values() {
    local text
    grep -rhoE --include='*.[ch]' "^#define $1[[:space:]].*" hostlib gdbstub tools guest-sdk |
        sed -E "s/^#define $1[[:space:]]+//; s,/\*.*,,; s/\((size_t|off_t|uint64_t)\)//g; s/([0-9])[uUlL]+/\1/g" |
        while read -r text; do
            [[ $text =~ ^[0-9a-fx()\<\ *+-]+$ ]] && echo $((text))
        done
}

check_constant() { # "`NAME` VALUE"
    local name value
    name=$(sed -nE 's/^`([A-Z0-9_]+)` .*/\1/p' <<<"$1")
    value=$(sed -nE 's/^`[A-Z0-9_]+` ([0-9][0-9,]*( [KMG]iB)?)$/\1/p' <<<"$1")
    if [ -z "$name" ] || [ -z "$value" ]; then
        problem="not \`NAME\` NUMBER: $1"
    elif ! values "$name" | grep -qx -- "$(number "$value")"; then
        problem="$name is not $value, but: $(values "$name" | tr '\n' ' ')"
    fi
}

check_row() { # LINE
    local -a cell
    local input set_by shown one
    IFS='|' read -ra cell <<<"$1"
    input=$(sed 's/^ *//; s/ *$//' <<<"${cell[1]}") set_by=${cell[4]} shown=${cell[5]} problem=
    while read -r one; do
        [ -z "$one" ] || check_constant "$one"
    done < <(tr ';' '\n' <<<"$set_by" | sed 's/^ *//; s/ *$//')
    for one in $shown; do
        one=${one//\`/}
        grep -q "^$one " tests/suites || problem="no suite $one"
    done
    [ -n "${shown// /}" ] || problem='no suite shows it'
    say "$input" "$problem"
}

while read -r line; do
    rows=$((rows + 1))
    check_row "$line"
done < <(sed -n '/^## What an input may cost/,/^## What is not/p' docs/security.md | grep '^| ' | sed 1d)
say 'the table is there' "$([ $rows -ge 10 ] || echo "$rows rows")"

# What the document and the manual name besides exists.
for name in $(grep -oE '`hl_[a-z_]+\(\)`' docs/security.md | tr -d '`()' | sort -u); do
    say "$name()" "$(grep -rqw "$name" hostlib/include || echo 'no such function')"
done
for name in $(grep -oE '`config\.[a-z_]+`' docs/security.md | tr -d '`' | sort -u); do
    say "$name" "$(grep -qw "${name#config.}" hostlib/include/hl/*.h || echo 'no such member')"
done
exit $failed
