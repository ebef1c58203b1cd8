// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "scapy.h"

#include <stdlib.h>

#include "check.h"
#include "run.h"

/* Not the first python3 of the path: python3-scapy belongs to Debian's. */
#define PYTHON "/usr/bin/python3"

enum {
	SCAPY_ARGS_MAX = 32,
	SCAPY_TIMEOUT_MS = 120000, /* it needs seconds to start on an emulated machine */
};

char *scapy_run(const char *netns, const char *script, const char *const args[])
{
	const struct run_opts opts = { .netns = netns, .timeout_ms = SCAPY_TIMEOUT_MS };
	const char *argv[SCAPY_ARGS_MAX] = { PYTHON, script };
	struct run_result r;
	int n = 2;

	for (; args && *args; args++) {
		require(n < SCAPY_ARGS_MAX - 1, "too many arguments for %s", script);
		argv[n++] = *args;
	}
	run_argv(argv, &opts, &r);
	if (r.status != 0) {
		run_show(argv, &r);
		run_result_release(&r);
		fail_msg("%s failed", script);
	}
	free(r.err);
	return r.out;
}
