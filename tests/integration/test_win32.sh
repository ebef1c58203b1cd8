#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Sources written for Windows compile with what pkg-config saxdp-win32 says, as C11 and C++17, with
# gcc and clang, without a warning; they link to both libraries; and manual_keying.c, which has
# nothing of Linux in it, makes and deletes an SA context.
#
# Both saxdp-win32.pc are used: that of the build tree and that which `make install` writes.
set -euo pipefail

root=$(realpath "$(dirname "$0")/../..")
PATH=$BUILD:$PATH
export SAXDP_INSTANCE=saxdp-test-win32-$$
dir=$(mktemp -d)
finish() {
	[ ! -e "/sys/fs/bpf/saxdp/$SAXDP_INSTANCE" ] || saxdp unload --force
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

fail() {
	echo "$*"
	exit 1
}

# `-o all`: a test that runs does not build.
env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" -o all O="$BUILD" PREFIX="$dir/prefix" install
flags() {
	PKG_CONFIG_PATH=$1 pkg-config "${@:2}" saxdp-win32
}
installed=$dir/prefix/lib/pkgconfig
[ "$(flags "$installed" --modversion)" = "$(flags "$BUILD" --modversion)" ]
warn='-Wall -Wextra -Werror -Wshadow -pedantic'
compilers=(
	'gcc -std=c11 -x c'
	'g++ -std=c++17 -x c++'
	'clang-19 -std=c11 -x c'
	'clang++-19 -std=c++17 -x c++'
)

# Every source with every compiler; the objects of the installed headers are kept for linking.
for compiler in "${compilers[@]}"; do
	out=$dir/${compiler%% *}
	mkdir -p "$out"
	for source in "$root"/tests/win32/*.c; do
		object=$out/$(basename "$source" .c).o
		$compiler $warn $(flags "$installed" --cflags) -fPIC -c -o "$object" \
			"$source"
		$compiler $warn $(flags "$BUILD" --cflags) -DUNICODE= -fsyntax-only "$source"
	done
done
# The names of version_independent.c are those of Windows 10; here they are those of Vista.
for compiler in "${compilers[@]}"; do
	$compiler $warn $(flags "$installed" --cflags) -D_WIN32_WINNT=0x0600 -c \
		-o "$dir/${compiler%% *}/version_vista.o" "$root/tests/win32/version_independent.c"
done
for compiler in g++ clang++-19; do
	$compiler -std=c++17 $warn $(flags "$installed" --cflags) -c \
		-o "$dir/$compiler/ike_threads.o" "$root/tests/win32/ike_threads.cpp"
done

# Every header by itself and in every spelling, and again after windows.h.
for header in $(cd "$dir/prefix/include/saxdp/win32" && ls ./*.h spelled); do
	name=${header#./}
	[ "$name" != spelled: ] || continue
	for compiler in "${compilers[@]}"; do
		printf '#include <%s>\n#include <windows.h>\n#include <%s>\ntypedef int unit;\n' \
			"$name" "$name" | $compiler $warn $(flags "$installed" --cflags) \
			-fsyntax-only - || fail "$compiler: $name"
	done
done

# What the headers say is not there is refused, not lost. The last one is: it has to compile.
refused() {
	printf '#define WIN32_LEAN_AND_MEAN\n#include <windows.h>\n%s\n' "$1" |
		gcc -std=c11 $(flags "$installed" --cflags) -fsyntax-only -x c - 2>"$dir/errors"
}
for line in '__declspec(thread) int x;' 'SOCKET s;' 'UUID u;' 'int f(void) { __try { } }' \
	'HWND w;'; do
	! refused "$line" || fail "compiles: $line"
done
refused '__declspec(noreturn) void f(void); __declspec(align(16)) extern int x; int SOCKET;' ||
	fail "$(cat "$dir/errors")"

shared=$(flags "$installed" --libs)
static=$(flags "$installed" --static --libs | sed 's/-lsaxdp/-l:libsaxdp.a/')
export LD_LIBRARY_PATH=$dir/prefix/lib
for compiler in gcc g++ clang-19 clang++-19; do
	cd "$dir/$compiler"
	for libs in shared static; do
		$compiler -o "guids-$libs" guids.o guids_other.o ${!libs}
		"./guids-$libs" || fail "$compiler, $libs: guids.c found mistake $?"
		$compiler -o "guids_own-$libs" guids_own.o ${!libs}
		"./guids_own-$libs" || fail "$compiler, $libs: guids_own.c found mistake $?"
		$compiler -o "manual_keying-$libs" manual_keying.o ${!libs}
		for names in version_independent version_vista; do
			$compiler -o "$names-$libs" $names.o ${!libs}
		done
		[ ! -e ike_threads.o ] || $compiler -o "ike_threads-$libs" ike_threads.o ${!libs}
	done
	# Those without main() are a plugin, in which nothing is left open.
	$compiler -shared -o plugin.so -Wl,-z,defs ale_filters.o ike_backend.o $shared
done

# A context of each program, while those of the others stand.
saxdp load --contexts 8 --filters 64
i=0
for compiler in gcc g++ clang-19 clang++-19; do
	for libs in shared static; do
		i=$((i + 1))
		"$dir/$compiler/manual_keying-$libs" add 192.0.2.1 198.51.100.$i 0x1000$i \
			>"$dir/made.$i" || fail "$compiler, $libs: manual_keying add"
	done
done
saxdp -j context list >"$dir/contexts"
/usr/bin/python3 - "$dir" $i <<'EOP'
import json, sys
dir, programs = sys.argv[1], int(sys.argv[2])
found = {(c["id"], c["mode"], c["local"], c["remote"]) for c in json.load(open(dir + "/contexts"))}
wanted = {(int(open(f"{dir}/made.{i}").read().split()[0]), "transport", "192.0.2.1",
           f"198.51.100.{i}") for i in range(1, programs + 1)}
if found != wanted:
    sys.exit(f"contexts {found}, not {wanted}")
EOP
for made in "$dir"/made.*; do
	"$dir/gcc/manual_keying-shared" delete $(cat "$made")
	! "$dir/gcc/manual_keying-shared" delete $(cat "$made") 2>/dev/null ||
		fail 'a context was deleted twice'
done
[ "$(saxdp -j context list)" = '[]' ] || fail 'contexts are left'

# Names without a version are the calls that these programs need.
for program in "$dir"/*/version_*-{shared,static}; do
	"$program" || fail "${program#"$dir"/}: step $? failed"
done

# Its last call names no tunnel policy, and that is what it says.
for compiler in g++ clang++-19; do
	! "$dir/$compiler/ike_threads-shared" 2 >"$dir/out" 2>"$dir/errors" ||
		fail "$compiler: ike_threads had no error"
	[ "$(cat "$dir/out")" = 'IKE daemon in' ] || fail "$compiler: $(cat "$dir/out")"
	[ "$(cat "$dir/errors")" = 'IPsecSaContextCreate1 failed: 0x8032003d' ] ||
		fail "$compiler: $(cat "$dir/errors")"
done
