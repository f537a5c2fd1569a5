#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh PREFIX: an installed tree works from any directory, also when it has been moved.
B=$1
status=0
root=$(pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
check() { # NAME COMMAND...
    name=$1 && shift
    if "$@" >"$tmp/out" 2>&1; then echo "ok $name"
    else echo "not ok $name: $(tail -n 3 "$tmp/out" | tr '\n' ' ')"; status=1
    fi
}
SAN=${B#*san-}; [ "$SAN" != "$B" ] && SAN=$(echo "$SAN" | tr - ,) || SAN=
unset MAKEFLAGS MAKELEVEL
check "make install" make -s install DESTDIR="$tmp/stage" PREFIX=/opt/hl SAN="$SAN"
# Moved, and not where PREFIX said: nothing may remember a path.
mv "$tmp/stage/opt/hl" "$tmp/moved prefix"
bin="$tmp/moved prefix/bin"
for f in bin/hl-dev bin/hl-new bin/hl-cc lib/libhl.a lib/libhl.so lib/pkgconfig/hl.pc \
    include/hl/hl.h include/hl/abi.h lib/hl/crt0.o share/man/man1/hl-dev.1 share/hl/gdb/hl.py share/hl/gdb/hl_unwind.py \
    share/bash-completion/completions/hl-dev share/zsh/site-functions/_hl-dev; do
    check "installed $f" test -s "$tmp/moved prefix/$f"
done
check "no build path inside" sh -c "! grep -rlF '$root/build' '$tmp/moved prefix/bin/hl-cc' \
    '$tmp/moved prefix/lib/pkgconfig' '$tmp/moved prefix/lib/hl' --include=*.pc --include=hl-cc --include=*.specs --include=*.ld"
mkdir "$tmp/elsewhere" && cd "$tmp/elsewhere" || exit 1
PATH=$bin:$PATH
check "hl-new" hl-new -q hello
check "make" make -s -C hello
check "make test" make -s -C hello test
if [ "$(hl-dev run hello 2>/dev/null | tail -n 1)" = 'Greet("world") = "Hello, world!"' ]; then
    echo "ok hl-dev run"
else echo "not ok hl-dev run: $(hl-dev run hello 2>&1 | tail -n 3)"; status=1
fi
check "gdbinit finds the helpers" sh -c 'gdb -nx -batch -x hello/gdbinit -ex hl | grep -q "^hl maps "'
# A host program of one's own, by pkg-config, against the shared library.
cat >own.c <<'E'
#include <stdio.h>
#include <hl/hl.h>
int main(void)
{
    struct hl_image *image;
    struct hl_error error;
    if (hl_image_open(&image, "hello/build/hello", &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    printf("%zu\n", hl_image_function_count(image));
    hl_image_close(image);
    return 0;
}
E
export PKG_CONFIG_PATH="$tmp/moved prefix/lib/pkgconfig"
check "pkg-config" sh -c 'eval gcc -Wall -Werror own.c -o own $(pkg-config --cflags --libs hl)'
check "shared library" env LD_LIBRARY_PATH="$tmp/moved prefix/lib" ./own
cd "$root" || exit 1
check "make uninstall" sh -c "make -s install uninstall DESTDIR='$tmp/stage' PREFIX=/opt/hl SAN=$SAN &&
    test -z \"\$(find '$tmp/stage' -type f -o -type l)\""
exit $status
