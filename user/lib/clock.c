// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "load.skel.h"

#define NSEC_PER_SEC 1000000000ULL

struct clock_pair {
	uint64_t jiffies, boot_ns;
};

static int clock_read(struct load_bpf *load, struct clock_pair *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(load->progs.clock), &opts))
		return fail(-errno, "clock: %s", strerror(errno));
	ret->jiffies = load->bss->clock_jiffies;
	ret->boot_ns = load->bss->clock_boot_ns;
	return 0;
}

/*
 * Reads until jiffies moves. An edge counts when the reading before it is so recent that nothing
 * came between: whoever was off his CPU meanwhile saw it too late.
 */
static int clock_edge(struct load_bpf *load, struct clock_pair *ret)
{
	enum { EDGE_NS = 100000, ATTEMPTS = 1000000 };
	struct clock_pair before, now;
	int err;

	err = clock_read(load, &before);
	for (int i = 0; !err && i < ATTEMPTS; i++) {
		err = clock_read(load, &now);
		if (err)
			break;
		if (now.jiffies != before.jiffies && now.boot_ns - before.boot_ns < EDGE_NS) {
			*ret = now;
			return 0;
		}
		before = now;
	}
	return err ? err : fail(-EIO, "clock: the kernel's tick cannot be timed");
}

/* HZ is a choice of the kernel's builder that nothing but time tells. */
int clock_note(struct load_bpf *load, struct saxdp_engine *engine)
{
	static const uint32_t choices[] = { 100, 250, 300, 1000 };
	enum { TICKS = 10, ATTEMPTS = 10, TOLERANCE_PERCENT = 5 };
	struct clock_pair first, last;
	uint64_t hz;
	int err;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		err = clock_edge(load, &first);
		do {
			if (!err)
				err = clock_edge(load, &last);
			if (err)
				return err;
		} while (last.jiffies - first.jiffies < TICKS);
		hz = (last.jiffies - first.jiffies) * NSEC_PER_SEC / (last.boot_ns - first.boot_ns);
		for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
			if (llabs((long long)hz - choices[i]) * 100 >
			    choices[i] * TOLERANCE_PERCENT)
				continue;
			engine->hz = choices[i];
			engine->clock_jiffies = last.jiffies;
			engine->clock_boot_ns = last.boot_ns;
			return 0;
		}
	}
	return fail(-EIO, "clock: %llu ticks a second is no HZ that Linux has",
		    (unsigned long long)hz);
}
