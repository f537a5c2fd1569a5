#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# doctor.sh PREFIX - `hl-dev doctor`, `completion`, `help` and `--version`.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# ---- doctor

if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
    hl doctor
    same 'doctor: status' 0 $rc
    same 'doctor: nothing on stderr' '' "$(cat "$err")"
    has 'doctor: system' "$out" "^ok +system +Linux .* $(nproc) CPUs, [0-9]+ MiB\$"
    has 'doctor: kvm' "$out" '^ok +kvm +/dev/kvm'
    for probe in machine exit syscall protection simd kick; do
        has "doctor: $probe" "$out" "^ok +$probe +[^:]+: .+"
    done
    same 'doctor: last line' 'guests run on this machine' "$(tail -n 1 "$out")"
    hl doctor --json
    same 'doctor --json: status' 0 $rc
    member 'doctor --json' true usable
    member 'doctor --json: a probe' '"ok"' protection status
else
    skip 'doctor where guests run' 'no usable /dev/kvm'
fi
# tool NAME COMMAND: what is there is not called missing, however much it prints
tool() {
    hl doctor
    if command -v "$1" >/dev/null; then has "doctor: finds $1" "$out" "^ok +$1 +[^ ]"
    else has "doctor: misses $1" "$out" "^miss +$1 +not found\$"; fi
}
tool gcc
tool make
tool gdb
mkdir none
saved=$PATH
# shellcheck disable=SC2123 # an empty PATH is the point
PATH=$PWD/none
"$dev" doctor >"$out" 2>"$err" </dev/null
PATH=$saved
same 'doctor: how to get what is missing' 1 "$(grep -A1 -E '^miss +gdb +not found$' "$out" |
    grep -cE '^ +remedy +apt-get install gdb$')"
HL_KVM_DEVICE=/nonexistent hl doctor
same 'doctor: no KVM: status' 100 $rc
has 'doctor: no KVM: the device' "$out" '^FAIL +kvm +this machine has no usable /dev/kvm: /nonexistent: No such'
same 'doctor: no KVM: the cause once' 1 "$(grep -c 'nonexistent\|FAIL' "$out")"
has 'doctor: no KVM: the remedy' "$out" '^ +remedy +HL_KVM_DEVICE in the environment names it'
same 'doctor: no KVM: last line' 'guests cannot run on this machine' "$(tail -n 1 "$out")"
# remedy NAME PATTERN: what doctor, which is in $out, advises; its lines are put together
remedy() {
    local text
    text=$(awk '/^ +remedy /{ on = 1 } on && !/^ /{ exit } on' "$out" | tr -s ' \n' '  ')
    if [[ $text =~ $2 ]]; then ok "doctor: $1"; else fail "doctor: $1" "'$text' does not match '$2'"; fi
    same "doctor: $1: said once" 1 "$(grep -c '^FAIL' "$out")"
}
mkdir empty
# elsewhere COMMAND: as root, with mounts of its own
elsewhere() { unshare -m bash -c "$1" 2>"$err"; }
if elsewhere true && command -v setpriv >/dev/null; then
    copy=$PWD/hl-dev-copy
    cp "$dev" "$copy" && chmod 755 "$copy" .
    elsewhere "mount --bind empty /dev && '$copy' doctor" >"$out"
    same 'doctor: no device: status' 100 $?
    if grep -q ' kvm$' /proc/misc && [ -e /.dockerenv ]; then
        remedy 'a container without the device' 'the kernel has KVM, but this container .* --device /dev/kvm'
    elif grep -q ' kvm$' /proc/misc; then remedy 'no node' 'mknod /dev/kvm c 10 232'
    elif grep -qw 'vmx\|svm' /proc/cpuinfo; then remedy 'no module' 'modprobe kvm_'
    else remedy 'no virtualization' 'nested virtualization'; fi
    # as_nobody GROUPS MODE OWNER: doctor where the device is that
    as_nobody() {
        printf 'root:x:0:\nnogroup:x:65534:\n%s' "$1" >group
        elsewhere "mount --bind group /etc/group && mount -t tmpfs none /mnt && cp '$copy' /mnt/hl-dev &&
            : >/mnt/locked && chown $3 /mnt/locked && chmod $2 /mnt/locked && HL_KVM_DEVICE=/mnt/locked \
            setpriv --reuid 65534 --regid 65534 --clear-groups /mnt/hl-dev doctor" >"$out"
    }
    as_nobody '' 600 0:0
    remedy 'no group kvm' 'as root, groupadd -r kvm && chgrp kvm .*/locked && chmod 660'
    as_nobody $'kvm:x:108:\n' 600 0:0
    remedy 'a group kvm' 'as root, chgrp kvm .*/locked && chmod 660 .* usermod -aG kvm .USER'
    as_nobody $'virt:x:108:\n' 660 0:108
    remedy 'its group' 'belongs to the group virt: sudo usermod -aG virt .USER, then log in again'
    as_nobody $'virt:x:108:nobody\n' 660 0:108
    remedy 'its group, already joined' 'in its group virt, but not yet in this session: log in again'
    as_nobody '' 660 0:108
    remedy 'a group without a name' 'the group 108, .*--group-add 108'
else
    skip 'doctor: remedies' 'no mount namespace of our own, or no setpriv'
fi
HL_KVM_DEVICE=/nonexistent hl doctor --json
same 'doctor --json: no KVM: status' 100 $rc
member 'doctor --json: no KVM' false usable
member 'doctor --json: no KVM: the device' '"FAIL"' kvm status
esc=$(printf '\033')
HL_KVM_DEVICE=/nonexistent hl doctor --color always
has 'doctor --color always' "$out" "^$esc"
hl doctor --help
same 'doctor --help' '0/Usage: hl-dev doctor' "$rc/$(head -n 1 "$out")"

# ---- help and version

same_help() {
    local name=$1
    shift
    hl "$@"
    same "$name is help" "0/Usage: $name_of" "$rc/$(head -n 1 "$out" | cut -d' ' -f1-3)"
}
name_of='hl-dev COMMAND'
for words in help --help -h 'help help' 'help --help' 'help -h' '--help --help'; do
    # shellcheck disable=SC2086 # words are wanted
    same_help "hl-dev $words" $words
done
name_of='hl-dev run'
for words in 'help run' '--help run' '-h run' 'run --help' 'run -h'; do
    # shellcheck disable=SC2086 # words are wanted
    same_help "hl-dev $words" $words
done
hl version
same 'hl-dev version' "0/$("$dev" --version)" "$rc/$(cat "$out")"
refused 'no command' 64 'no command given' 'hl-dev help'
refused 'help of no command' 64 'unknown command nosuch' '`hl-dev help` lists' help nosuch
refused 'a command that is nearly one' 64 'unknown command isnpect' 'did you mean inspect\?' isnpect
refused 'help of nearly a command' 64 'unknown command rnu' 'did you mean run\?' help rnu
hl help
same 'help' '0/Usage: hl-dev COMMAND [ARG...]' "$rc/$(head -n 1 "$out")"
cp "$out" commands
for command in run trace inspect doctor completion; do
    has "help lists $command" commands "^  $command +[a-z]"
    hl help $command
    same "help $command" "0/Usage: hl-dev $command" "$rc/$(head -n 1 "$out" | cut -d' ' -f1-3)"
    cp "$out" help
    hl $command --help
    same "$command --help is help $command" 0 "$rc$(cmp "$out" help)"
done
for option in --version -V; do
    hl $option
    has "$option" "$out" '^hl-dev [0-9]+\.[0-9]+'
done
hl run --help
for option in call host heap stack input output timeout repeat json color quiet verbose; do
    has "run --help lists --$option" "$out" "--$option"
done

# ---- completion

hl completion bash
cp "$out" completion
same 'completion bash: status' 0 $rc
# complete WORD...: what bash offers for the last word
complete_words() {
    bash --norc -c '
        . ./completion
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _hl_dev
        echo "${COMPREPLY[*]}"' bash "$@" 2>&1
}
same 'completion bash: a command' inspect "$(complete_words hl-dev ins)"
same 'completion bash: an option' --timeout "$(complete_words hl-dev run --ti)"
same 'completion bash: a value' always "$(complete_words hl-dev run --color al)"
same 'completion bash: a file' completion "$(complete_words hl-dev run compl)"
same 'completion bash: a class of trace' syscall "$(complete_words hl-dev trace -e sys)"
same 'completion bash: an option of trace' --string-limit "$(complete_words hl-dev trace --stri)"
same 'completion bash: a file of trace' completion "$(complete_words hl-dev trace -o compl)"
same 'completion bash: a shell' zsh "$(complete_words hl-dev completion z)"
same 'completion bash: no file where no word is taken' '' "$(complete_words hl-dev ps '')"
same 'completion bash: help of a command' trace "$(complete_words hl-dev help tr)"
same 'completion bash: no value to offer' '' "$(complete_words hl-dev run --heap '')"
# What is offered is what --help has, of each command.
for command in run debug profile trace ps attach inspect core doctor completion; do
    hl $command --help
    same "completion bash: the options of $command" \
        "$(sed -n '/^  --\{0,1\}[a-z]/p' "$out" | grep -Eo '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u)" \
        "$(complete_words hl-dev $command - | tr ' ' '\n' | sort -u)"
done

offered=$(complete_words hl-dev trace -)
hl completion zsh
cp "$out" completion
has 'completion zsh' "$out" '^#compdef hl-dev$'
if command -v zsh >/dev/null; then
    same 'completion zsh: syntax' '' "$(zsh -n completion 2>&1)"
    cat >zsh-rig <<'END'
compdef() { :; }
compadd() { shift; print -r -- "$*"; }
_files() { print files; }
. ./completion
words=("$@") CURRENT=$#
_hl_dev
END
    # zsh WORD...: what it offers, with the functions of its completion system as above
    zsh_words() { zsh -f zsh-rig "$@" 2>&1; }
    same 'completion zsh: values' 'auto always never' "$(zsh_words hl-dev run --color '')"
    same 'completion zsh: a file' files "$(zsh_words hl-dev run x)"
    same 'completion zsh: options' "$offered" "$(zsh_words hl-dev trace -)"
else
    skip 'completion zsh: syntax' 'no zsh'
fi
refused 'completion: no shell' 64 'which shell\?' 'completion bash' completion
refused 'completion: another shell' 64 'fish' 'completion bash' completion fish
refused 'completion: two shells' 64 '' 'completion bash' completion bash zsh

finish
