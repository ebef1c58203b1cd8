// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The counters of an instance, over all CPUs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "open.h"

int saxdp_stats_get(struct saxdp *s, struct saxdp_stats *ret)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct saxdp_traffic_count *count;
	struct saxdp_stats sum = {};

	if (cpus < 0)
		return fail(cpus, "stats: cannot count CPUs: %s", strerror(-cpus));
	count = calloc(cpus, sizeof(*count));
	if (!count)
		return fail(-ENOMEM, "stats: out of memory");
	for (uint32_t i = 0; !err && i < SAXDP_COUNT_COUNT; i++) {
		if (bpf_map_lookup_elem(s->inst->engine_count, &i, count))
			err = fail(-errno, "map engine_count: %s", strerror(errno));
		for (int cpu = 0; !err && cpu < cpus; cpu++) {
			sum.counter[i].packets += count[cpu].packets;
			sum.counter[i].bytes += count[cpu].bytes;
		}
	}
	free(count);
	if (!err)
		*ret = sum;
	return err;
}

static const char *const keys[] = {
#define X(name, key, text) [SAXDP_COUNT_##name] = #key,
	SAXDP_COUNTERS(X)
#undef X
};

static const char *const texts[] = {
#define X(name, key, text) [SAXDP_COUNT_##name] = text,
	SAXDP_COUNTERS(X)
#undef X
};

const char *saxdp_counter_key(uint32_t counter)
{
	return counter < SAXDP_COUNT_COUNT ? keys[counter] : "?";
}

const char *saxdp_counter_text(uint32_t counter)
{
	return counter < SAXDP_COUNT_COUNT ? texts[counter] : "?";
}
