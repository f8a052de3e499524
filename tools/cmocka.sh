#!/bin/sh
# cmocka.sh OUTDIR - fetches cmocka's source (Debian source package, pinned) as an ordinary user with a private
# apt state, checks its hash, and compiles its one C file for i386 into OUTDIR/cmocka.o with the header beside it.
set -eu
version=1.1.5-2.1
sha256=f0ccd8242d55e2fd74b16ba518359151f6f8383ff8aef4976e48393f77bba8b6
mkdir -p "$1"; out=$(cd "$1" && pwd)
[ -f "$out/cmocka.o" ] && exit 0
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/cache/archives/partial"
: >"$tmp/status"
# the machine's own Debian mirrors, asked for sources instead of binaries
{
        cat /etc/apt/sources.list 2>/dev/null | sed -n 's/^deb /deb-src /p'
} >"$tmp/sources.list"
mkdir "$tmp/sources.d"
for f in /etc/apt/sources.list.d/debian*.sources; do
        [ -f "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" >"$tmp/sources.d/$(basename "$f")"
done
opts="-o Dir::State=$tmp/apt -o Dir::State::status=$tmp/status -o Dir::Cache=$tmp/apt/cache -o Dir::Etc::sourcelist=$tmp/sources.list -o Dir::Etc::sourceparts=$tmp/sources.d"
cd "$tmp"
apt-get $opts update >"$tmp/log" 2>&1 || { tail -n 5 "$tmp/log" >&2; echo "cmocka.sh: apt-get update failed" >&2; exit 1; }
apt-get $opts source --download-only --only-source cmocka=$version >"$tmp/log" 2>&1 || {
        tail -n 5 "$tmp/log" >&2; echo "cmocka.sh: cmocka $version is not in the archive any more; choose another version here and check its hash" >&2; exit 1; }
echo "$sha256  $(ls cmocka_*.orig.tar.*z)" | sha256sum -c - >/dev/null || { sha256sum cmocka_*.orig.tar.*z >&2; echo "cmocka.sh: wrong hash" >&2; exit 1; }
mkdir src && tar -xf cmocka_*.orig.tar.*z -C src --strip-components=1
cp src/include/cmocka.h "$out/cmocka.h"
gcc -m32 -O1 -g -w -Isrc/include -DHAVE_MALLOC_H -DHAVE_INTTYPES_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -DHAVE_CLOCK_GETTIME -DHAVE_STRUCT_TIMESPEC -D_GNU_SOURCE \
        -DCMOCKA_PRINTF_ATTRIBUTE=1 -DHAVE_STDNORETURN_H -c src/src/cmocka.c -o "$out/cmocka.o"
