#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# link.sh PREFIX - what hl-cc links runs, whatever the linker, the compiler and the options; or hl-cc
# refuses it in its own words and leaves nothing.  What a refused link would give the host is never
# made.  Linkers and compilers that are not installed are skipped.
# shellcheck disable=SC2015 # no && || here is an if-else
set -u

prefix=$(cd "${1:?usage: link.sh PREFIX}" && pwd -P) || exit 1
cc=$prefix/bin/hl-cc dev=$prefix/bin/hl-dev
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
unset HL_REAL_CC HL_MUSL COMPILER_PATH
export LC_ALL=C
status=0

ok() { echo "ok $1"; }
skip() { echo "skip $1: $2"; }
fail() # NAME WHY
{
    echo "not ok $1: $2"
    head -n 5 log | cut -c 1-200 | sed 's/^/# /'
    status=1
}

# gives NAME CALL RESULT ARG...: links quietly, and the call gives the result
gives()
{
    local name=$1 call=$2 want=$3 got
    shift 3
    rm -f g
    "$cc" "$@" -o g >log 2>&1 && [ ! -s log ] || { fail "$name" "hl-cc $*"; return; }
    got=$("$dev" run g --image-max 4G --call "$call" 2>log)
    [ "$got" = "$call = $want" ] && ok "$name" || fail "$name" "'$got', not $want"
}

# prints NAME TEXT ARG...: links, and main() prints this
prints()
{
    local name=$1 want=$2 got
    shift 2
    rm -f g
    "$cc" "$@" -o g >log 2>&1 || { fail "$name" "hl-cc $*"; return; }
    got=$("$dev" run g 2>log)
    [ "$got" = "$want" ] && ok "$name" || fail "$name" "'$got'"
}

# refused NAME STATUS TEXT ARG...: no file, our words, a hint, and not to build it again
refused()
{
    local name=$1 want=$2 text=$3 rc
    shift 3
    rm -f g
    "$cc" "$@" -o g >log 2>&1
    rc=$?
    if [ $rc != "$want" ]; then fail "$name" "status $rc, not $want: hl-cc $*"
    elif [ -e g ]; then fail "$name" "left a file"
    elif ! grep -q "^hl-cc: error: .*$text" log; then fail "$name" "no '$text'"
    elif ! grep -q '^hint: ' log || grep -q 'build it again' log; then fail "$name" "the hint"
    else ok "$name"; fi
}

cat >plain.c <<'END'
#include <hl/guest.h>
int number = 40;
int *pointers[100] = {&number, &number, [70] = &number, [99] = &number};
HL_FUNCTION(i32, Run) { return *pointers[0] + *pointers[70] - *pointers[99] + 2; }
END
cat >tls.c <<'END'
#include <hl/guest.h>
static _Thread_local int first = 41;
static _Thread_local char zeros[100];
static _Alignas(128) _Thread_local int wide = 1000;
HL_FUNCTION(i32, Run) { return ((uintptr_t)&wide & 127) ? -1 : ++first + zeros[99] + wide - 1000; }
END
cat >cxx.cc <<'END'
#include <hl/guest.h>
extern thread_local int n;
struct object { int value; object(int v) : value(v) {} ~object() { value = 0; } };
static object global(41);
HL_FUNCTION(i32, Run) { return ++n + global.value - 41; }
END
echo 'thread_local int n = 41;' >cxx2.cc
# Symbols that nobody defines, in each way that one can refer to them.
cat >weak.c <<'END'
#include <hl/guest.h>
extern int hook(int) __attribute__((weak));
extern int hidden(int) __attribute__((weak, visibility("hidden")));
extern int data __attribute__((weak));
int (*volatile functions[])(int) = {hook, hidden};
int *volatile places[] = {&data};
HL_FUNCTION(i32, Run)
{
    int *at = &data;
    __asm__("" : "+r"(at));
    return (hook ? hook(1) : 2) + (hidden ? hidden(1) : 10) + (at ? *at : 10) +
           (functions[0] || functions[1] ? 0 : 10) + (places[0] ? 0 : 10);
}
END

gc='-O2 -ffunction-sections -fdata-sections -Wl,--gc-sections'
# every NAME OPTION...: each kind of guest, flavour and way of compiling
every()
{
    local name=$1 pie free how
    shift
    for pie in -no-pie -static-pie; do
        for free in '' --freestanding; do
            for how in '' "$gc" '-O2 -flto' '-O1 -fPIC -fno-plt'; do
                # gcc's intermediate code is gcc's; clang's is clang's
                [ "$how$name" != '-O2 -fltolld' ] || continue
                # shellcheck disable=SC2086 # lists of words
                {
                    gives "$name $pie $free plain $how" 'Run()' 42 "$@" $pie $free $how plain.c
                    gives "$name $pie $free tls $how" 'Run()' 42 "$@" $pie $free $how tls.c
                    gives "$name $pie $free weak $how" 'Run()' 42 "$@" $pie $free $how weak.c
                    gives "$name $pie $free cxx $how" 'Run()' 42 "$@" $pie $free $how cxx.cc cxx2.cc
                }
            done
        done
    done
}

has() { command -v "$1" >/dev/null; }

every bfd
printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' >hello.c
prints 'bfd hello static-pie' hello -static-pie hello.c
if has ld.lld; then
    every lld -fuse-ld=lld
    # no thread-local variables at all: musl computes with the alignment of PT_TLS
    prints 'lld hello' hello -fuse-ld=lld hello.c
    prints 'lld hello static-pie' hello -fuse-ld=lld -static-pie hello.c
    mkdir lld && ln -s "$(command -v ld.lld)" lld/ld
    gives 'lld by -B' 'Run()' 42 -Blld -static-pie plain.c
    readelf -p .comment g | grep -q LLD && ok 'lld by -B is lld' || fail 'lld by -B is lld' 'it is not'
    rm -f g
    "$cc" -fuse-ld=lld -flto plain.c -o g >log 2>&1 || grep -q 'lld cannot link what gcc -flto' log &&
        [ ! -e g ] && ok 'lld gcc lto' || fail 'lld gcc lto' 'not refused'
else
    skip lld 'ld.lld is not installed'
fi
for linker in gold mold; do
    has ld.$linker || { skip $linker "ld.$linker is not installed"; continue; }
    mkdir $linker && ln -s "$(command -v ld.$linker)" $linker/ld
    for pie in -no-pie -static-pie; do
        refused "$linker $pie" 1 "$linker cannot link a guest" -fuse-ld=$linker $pie plain.c
        refused "$linker $pie by -B" 1 "$linker cannot link a guest" -B$linker $pie plain.c
        PATH=$work/$linker:$PATH refused "$linker $pie in PATH" 1 "$linker cannot link a guest" \
            $pie --freestanding plain.c
    done
done

# Large models: 3 GiB, and the libraries' own variables still within reach
cat >big.c <<'END'
#include <hl/guest.h>
char big[3ull << 30];
HL_FUNCTION(i32, Touch, (u64, at)) { return ++big[at]; }
END
memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
for pie in -no-pie -static-pie; do
    [ "$memory" -gt 3200 ] || { skip "large models $pie" "$memory MiB of memory here, 3200 needed"; continue; }
    gives "medium $pie" 'Touch(3221225471)' 1 -O2 -mcmodel=medium $pie big.c
    gives "large $pie" 'Touch(3221225471)' 1 -O2 -mcmodel=large $pie big.c
    gives "medium free $pie" 'Touch(0)' 1 --freestanding -mcmodel=medium $pie big.c
done
gives 'kernel model' 'Run()' 42 -mcmodel=kernel plain.c

# Constructors of every age, in the order of a native program
cat >order.c <<'END'
#include <hl/guest.h>
#define SAY(n) static __attribute__((used)) void f_##n(void) { hl_print(#n " "); }
SAY(pre) SAY(init) SAY(a) SAY(b) SAY(c100) SAY(c200) SAY(i101) SAY(i102) SAY(da) SAY(db) SAY(d100)
SAY(d200) SAY(fini) SAY(e101)
typedef void function(void);
#define IN(s, n, ...) static function *n[] __attribute__((section(s), used, aligned(8))) = {__VA_ARGS__};
IN(".preinit_array", v1, f_pre)
IN(".ctors", v2, f_a, f_b) IN(".ctors.65435", v3, f_c100) IN(".ctors.65335", v4, f_c200)
IN(".dtors", v5, f_da, f_db) IN(".dtors.65435", v6, f_d100) IN(".dtors.65335", v7, f_d200)
__asm__(".pushsection .init,\"ax\",@progbits\ncall f_init\n.popsection\n"
        ".pushsection .fini,\"ax\",@progbits\ncall f_fini\n.popsection");
__attribute__((constructor(102))) static void k2(void) { f_i102(); }
__attribute__((constructor(101))) static void k1(void) { f_i101(); }
__attribute__((destructor(101))) static void e1(void) { f_e101(); }
int main(void) { hl_print("main "); return 0; }
END
order='pre init c100 i101 i102 c200 b a main da db d200 e101 d100 fini '
for pie in -no-pie -static-pie; do
    for free in '' --freestanding; do
        # shellcheck disable=SC2086
        prints "order $pie $free" "$order" $pie $free order.c
        # shellcheck disable=SC2086
        prints "order gc $pie $free" "$order" $pie $free -ffunction-sections -Wl,--gc-sections order.c
    done
done
! has ld.lld || refused_by_lld=$("$cc" -fuse-ld=lld order.c -o g 2>&1)
case ${refused_by_lld-lld cannot order} in
*'lld cannot order'*) ok 'order lld' ;;
*) fail 'order lld' 'linked' ;;
esac

# Options of the linker
gives relr 'Run()' 42 -static-pie -Wl,-z,pack-relative-relocs plain.c
readelf -dW g | grep -q '(RELR)' && ok 'relr is used' || skip 'relr is used' 'this ld has none'
for option in -z,norelro -z,relro -z,now -z,separate-code -z,noseparate-code -s --build-id=none \
    --emit-relocs -z,max-page-size=0x200000 -Ttext=0x500000 --no-relax -E; do
    gives "-Wl,$option" 'Run()' 42 -Wl,$option plain.c
    [ $option = -Ttext=0x500000 ] || gives "pie -Wl,$option" 'Run()' 42 -static-pie -Wl,$option plain.c
done
for option in -n --nmagic -N --omagic -shared -Bshareable -z,execstack; do
    refused "-Wl,$option" 1 'cannot give a guest' -Wl,$option plain.c
done
# The last of two options counts, and a library may be followed by the switch back to shared ones.
gives 'noexecstack after execstack' 'Run()' 42 -Wl,-z,execstack -Wl,-znoexecstack plain.c
gives 'no-omagic after -N' 'Run()' 42 -Wl,-N,--no-omagic plain.c
refused 'execstack after noexecstack' 1 'cannot give' -Wl,-z,noexecstack -Wl,-z,execstack plain.c
gives -Bdynamic 'Run()' 42 -Wl,-Bstatic -lm -Wl,-Bdynamic plain.c
gives '-Bdynamic free' 'Run()' 42 --freestanding -Wl,-Bdynamic plain.c
echo '-N' >ld.rsp
refused '-Wl,@file' 1 'option -N cannot give a guest' -Wl,@ld.rsp plain.c
refused -Xlinker 1 'option -N cannot give a guest' -Xlinker -N plain.c
refused max-page-size 1 'share a page' -Wl,-z,max-page-size=1024 plain.c
refused entry 1 'an entry point' -Wl,-e,0x10 plain.c
refused nostdlib 1 'without the guest ABI note' -nostdlib -Wl,-e,Run -xc - <<<'int Run(void) { return 0; }'
refused textrel 1 'relocations in its code' -static-pie -fno-pie -Wl,-z,notext -w -Wl,--no-warnings plain.c
sed 's/FLAGS(5)/FLAGS(7)/' "$prefix/lib/hl/hl-guest.ld" >wx.ld
refused 'own script' 1 'writable and executable' -T wx.ld plain.c
for option in -m32 -mx32 -fsplit-stack -fsanitize=address -fsanitize=thread; do
    refused $option 64 'guest' $option plain.c
done
gives ubsan-trap 'Run()' 42 -fsanitize=undefined -fsanitize-undefined-trap-on-error plain.c
gives march 'Run()' 42 -O3 -march=native plain.c
gives rdynamic 'Run()' 42 -rdynamic -static-pie plain.c
for option in -pg --coverage -fprofile-generate -fsanitize=undefined; do
    "$cc" $option plain.c -o g >log 2>&1 || grep -q "^hint: $option needs" log && [ ! -e g ] &&
        ok "hint $option" || fail "hint $option" 'no hint'
    rm -f g
done

# What was not linked is the author's: a.out is the default name.
echo mine >a.out
for option in --version --help --target-help -N; do
    "$cc" plain.c -Wl,$option >log 2>&1
    [ "$(cat a.out)" = mine ] && ok "a.out after $option" || fail "a.out after $option" 'is lost'
done
rm -f a.out

# A directory that cannot be written, as it is for root only if he gives that up.
mkdir closed && echo old >closed/g && chmod 666 closed/g && chmod 755 . && chmod 555 closed
as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
if $as_nobody test -x "$cc" 2>log; then
    $as_nobody "$cc" -nostdlib -Wl,-e,Run plain.c -o closed/g >log 2>&1
    [ $? = 1 ] && [ ! -s closed/g ] && ok 'closed directory' || fail 'closed directory' 'left a file'
else
    skip 'closed directory' "cannot become nobody, or he cannot read $prefix"
fi

# What libtool does: it asks for the linker and runs it
"$cc" -c plain.c -o plain.o >log 2>&1 && ld=$("$cc" -print-prog-name=ld) &&
    "$ld" -r plain.o -o again.o >>log 2>&1 && ok 'ld -r' || fail 'ld -r' ''
gives 'from ld -r' 'Run()' 42 again.o
rm -f g
"$ld" plain.o -o g >log 2>&1
grep -q '^hint: a guest needs crt0.o' log && [ ! -e g ] && ok 'ld alone' || fail 'ld alone' 'no hint'

# What is called ld
mkdir -p directory/ld broken && echo garbage >broken/ld && chmod +x broken/ld
gives 'a directory called ld, by -B' 'Run()' 42 -Bdirectory plain.c
PATH=$work/directory:$PATH gives 'a directory called ld, in PATH' 'Run()' 42 plain.c
refused 'broken linker' 1 'broken/*ld is neither GNU ld nor lld' -Bbroken plain.c

# Names with everything that a shell or a linker could misread
odd="it's \"a\" \$dir"
mkdir "$odd" && cp plain.c "$odd/p;l.c"
gives 'odd names' 'Run()' 42 "$odd/p;l.c"
"$cc" --freestanding "$odd/p;l.c" -o "$odd/--freestanding" >log 2>&1 &&
    [ "$("$dev" run "$odd/--freestanding" --call 'Run()' 2>log)" = 'Run() = 42' ] &&
    ok 'odd names, freestanding' || fail 'odd names, freestanding' ''
(cd "$odd" && rm -- *sta* && "$cc" --freestanding -c 'p;l.c' -o --freestanding && [ -f ./--freestanding ]) \
    >log 2>&1 && ok '-o --freestanding' || fail '-o --freestanding' ''
# In time that grows with their number, not with its square: 40,000 took minutes.
: >empty.c
# shellcheck disable=SC2046 # words
timeout 20 "$cc" --freestanding -w -c empty.c -o empty.o $(seq -f -I%g 40000) >log 2>&1
[ $? != 124 ] && ok 'many words' || fail 'many words' 'too slow'

# IFUNCs, by name
cat >ifunc.c <<'END'
static int one(void) { return 1; }
static int (*resolve(void))(void) { return one; }
int chosen(void) __attribute__((ifunc("resolve")));
END
for use in 'return chosen();' 'int (*volatile f)(void) = chosen; return f();'; do
    { cat ifunc.c; echo "int main(void) { $use }"; } >use.c
    refused "ifunc: $use" 1 'IFUNCs: nothing would resolve chosen' use.c
    refused "ifunc pie: $use" 1 'IFUNCs: nothing would resolve chosen' -static-pie use.c
done
{ cat ifunc.c; echo 'int main(void) { return 0; }'; } >use.c
prints 'ifunc of no use' '' use.c

# Response files
mkdir 'a b' && cp tls.c "a b/t s.c"
echo "--freestanding '-O2' \"a b/t s.c\" -static-pie -o a\\ b/out" >inner.rsp
echo '@inner.rsp' >outer.rsp
"$cc" @outer.rsp >log 2>&1
"$dev" inspect 'a b/out' >log 2>&1
grep -q 'freestanding guest.* PIE' log && ! grep -q non-PIE log && ok 'nested response files' ||
    fail 'nested response files' 'not freestanding, or no PIE'
echo '-shared' >shared.rsp
refused 'response file: -shared' 64 -shared @shared.rsp plain.c
echo '-c' >c.rsp
"$cc" @c.rsp plain.c >log 2>&1 && [ -f plain.o ] && ok 'response file: -c' || fail 'response file: -c' ''
printf '%s' "-DA='a b' -DB=\"c d\" -DC=e\\ f -DD='\"' -DE=\"it's\" '' --freestanding" >quote.rsp
echo 'A B C D E' >quote.txt
"$cc" -E -P -w @quote.rsp -xc quote.txt >quoted 2>log
sed "s/'' --freestanding//" quote.rsp >gcc.rsp
gcc -E -P -w @gcc.rsp -xc quote.txt | cmp -s - quoted && ok 'response file: quotes' ||
    fail 'response file: quotes' "$(cat quoted)"
"$cc" @absent plain.c -o g >log 2>&1
grep -q '@absent: No such file' log && ok 'response file: absent' || fail 'response file: absent' ''
echo '@loop.rsp' >loop.rsp
"$cc" @loop.rsp plain.c >log 2>&1 && fail 'response file: loop' 'accepted' || ok 'response file: loop'

# Compilers
if has clang; then
    export HL_REAL_CC=clang
    every clang
    ! has ld.lld || gives 'clang lld lto' 'Run()' 42 -fuse-ld=lld -flto -O2 -static-pie plain.c
    ! has ld.mold || refused 'clang mold' 1 'mold cannot link' --ld-path="$(command -v mold)" plain.c
    refused 'clang nostdlib' 1 'without the guest ABI note' -nostdlib -Wl,-e,Run plain.c
    prints 'clang order' "$order" order.c
    unset HL_REAL_CC
else
    skip clang 'clang is not installed'
fi
HL_REAL_CC='env gcc' gives 'env gcc' 'Run()' 42 plain.c
for compiler in /bin/true cat no-such-compiler g++ musl-gcc "$cc" "env $cc"; do
    HL_REAL_CC=$compiler refused "compiler $compiler" 100 "$compiler" plain.c
done

# The header in every dialect
for std in c89 gnu89 c99 c11 c17 c2x; do
    "$cc" -std=$std -pedantic-errors -Wall -Wextra -Werror -c weak.c -o g.o >log 2>&1 &&
        ok "-std=$std" || fail "-std=$std" 'weak.c'
done
for std in c++11 c++14 c++17 c++20; do
    "$cc" -std=$std -pedantic-errors -Wall -Wextra -Werror -c cxx.cc -o g.o >log 2>&1 &&
        ok "-std=$std" || fail "-std=$std" 'cxx.cc'
done
"$cc" -std=c++98 -c cxx.cc -o g.o >log 2>&1
grep -q 'hl/guest.h needs C++11' log && ok '-std=c++98' || fail '-std=c++98' ''

# What compilers call without being asked
cat >calls.c <<'END'
#include <hl/guest.h>
int bcmp(const void *, const void *, size_t);
void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t),
    *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
HL_FUNCTION(i32, Run)
{
    char a[8], b[8];
    memset(a, 'x', 7);
    a[7] = 0;
    memcpy(b, a, 8);
    memmove(b + 1, b, 6);
    return !bcmp(a, b, 8) + (bcmp("a", "b", 1) != 0) + !memcmp(a, b, 8) + (int)strlen(a);
}
END
gives 'implicit calls' 'Run()' 10 --freestanding -fno-builtin calls.c

exit $status
