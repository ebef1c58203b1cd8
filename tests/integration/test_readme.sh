#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# What README.md says is so: the files that it names exist, and its C compiles without a warning,
# uninstalled, and makes the context that it says.
set -euo pipefail

root=$(realpath "$(dirname "$0")/../..")
export PKG_CONFIG_PATH=$BUILD SAXDP_INSTANCE=saxdp-test-$$-readme
dir=$(mktemp -d)
finish() {
	[ ! -e "/sys/fs/bpf/saxdp/$SAXDP_INSTANCE" ] || "$dir/program" unload
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
fail() {
	echo "README.md: $*"
	exit 1
}

cd "$dir"
files=$(grep -o '](\([^)]*\))' "$root/README.md" | tr -d '()]')
for file in $files; do
	[ -e "$root/$file" ] || fail "names $file, which is not there"
done

awk '/^```c$/ { code = 1; next } /^```$/ { code = 0 } code' "$root/README.md" >program.c
grep -q IPsecSaContextCreate1 program.c || fail "has lost its C"
cat >>program.c <<'EOC'

#include <arpa/inet.h>
#include <saxdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char *argv[])
{
	const char *instance = getenv("SAXDP_INSTANCE");
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.instance = instance,
		.contexts = 4,
		.filters = 4,
	};
	struct saxdp_context_info c;
	struct saxdp *s;
	UINT64 id = 0;
	DWORD result;
	int err;

	if (argc > 1 && strcmp(argv[1], "unload") == 0)
		return saxdp_unload(instance, true) != 0;
	err = saxdp_load(&opts, NULL);
	result = err ? 0 : make_context(&id);
	if (!err && !result)
		err = saxdp_open(instance, &s);
	if (!err && !result)
		err = saxdp_context_get(s, id, &c);
	if (err || result) {
		printf("%d 0x%08x %s\n", err, result, saxdp_error());
		return 1;
	}
	printf("%s %s", c.type == SAXDP_TUNNEL ? "tunnel" : "transport",
	       inet_ntoa((struct in_addr){ c.local[0] }));
	printf(" %s\n", inet_ntoa((struct in_addr){ c.remote[0] }));
	return 0;
}
EOC
# shellcheck disable=SC2046
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -Wshadow $(pkg-config --cflags saxdp) -o program \
	program.c $(pkg-config --static --libs saxdp) || fail "its C does not compile"
made=$(./program) || fail "its C fails: $made"
[ "$made" = "tunnel 192.0.2.1 192.0.2.2" ] || fail "its C makes another context: $made"
