// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "size.h"

#include <errno.h>
#include <string.h>

enum {
	/* A transaction may end every selector, and each death needs its place. */
	GRAVE_POLICY_MIN = 4096,
	/* The more may wait, the fewer grace periods: one for some 3,000 contexts that end. */
	GRAVE_SA = 32768,
	SELECTORS_PER_FILTER = 8,
};

static const struct rule {
	const char *map;
	uint32_t per_context, per_filter;
	bool pow2;
} rules[] = {
	/*
	 * Two live; an SPI that a context holds and the dead take places too. The kernel makes a power
	 * of two of buckets anyway, so the same number of entries costs nothing.
	 */
	{ "sa4", .per_context = 2, .pow2 = true },
	{ "sa6", .per_context = 2, .pow2 = true },
	/* A promise, hence exact. */
	{ "context", .per_context = 1 },
	{ "filter", .per_filter = 1 },
	{ "prov_context", .per_filter = 1 },
	{ "provider", .per_filter = 1 },
	{ "sublayer", .per_filter = 1 },
	{ "callout", .per_filter = 1 },
	/* They outlive their contexts: room for as many that have none. */
	{ "tunnel", .per_context = 2 },
	{ "endpoint", .per_context = 1 },
	{ "virtual_if", .per_context = 1 },
	/*
	 * A range of addresses becomes a few prefixes, a range of ports stays in the candidate. What is
	 * empty costs the 16 bytes of a bucket.
	 */
	{ "selector4", .per_filter = SELECTORS_PER_FILTER },
	{ "selector6", .per_filter = SELECTORS_PER_FILTER },
	/* Of a filter, of a provider context and which filters name it, and of each other object. */
	{ "key", .per_filter = 6 },
	/*
	 * 192 bytes each: a filter with a name and five conditions has one or two, a tunnel policy
	 * three. Contexts and bundles have one only when fields are given that rarely are.
	 */
	{ "blob", .per_filter = 4, .per_context = 4 },
};

static uint32_t pow2_roundup(uint64_t n)
{
	uint64_t pow2 = 1;

	while (pow2 < n)
		pow2 *= 2;
	return pow2;
}

uint32_t size_grave(const struct size *size, enum saxdp_epoch_id epoch)
{
	if (epoch == SAXDP_EPOCH_SA)
		return GRAVE_SA;
	return pow2_roundup(size->filters > GRAVE_POLICY_MIN / SELECTORS_PER_FILTER ?
				    (uint64_t)size->filters * SELECTORS_PER_FILTER :
				    GRAVE_POLICY_MIN);
}

static int entries_set(struct bpf_object *obj, const char *name, uint64_t entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map || bpf_map__set_max_entries(map, entries))
		return fail(map ? -errno : -ENOENT, "map %s: cannot have %llu entries", name,
			    (unsigned long long)entries);
	return 0;
}

int size_set(const struct size *size, struct bpf_object *obj)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	uint64_t entries;

	if (cpus < 0)
		return fail(cpus, "cannot count CPUs: %s", strerror(-cpus));
	for (size_t i = 0; !err && i < sizeof(rules) / sizeof(*rules); i++) {
		entries = (uint64_t)size->contexts * rules[i].per_context +
			  (uint64_t)size->filters * rules[i].per_filter;
		err = entries_set(obj, rules[i].map,
				  rules[i].pow2 ? pow2_roundup(entries) : entries);
	}
	if (!err)
		err = entries_set(obj, "grave",
				  (uint64_t)size_grave(size, SAXDP_EPOCH_POLICY) + GRAVE_SA);
	if (!err)
		err = entries_set(obj, "steer_cpu", cpus);
	return err;
}

/* --- what it costs -------------------------------------------------------------------------------- */

/*
 * As the kernel accounts it (memlock in /proc/<pid>/fdinfo of the map). The allocator's classes come
 * on top: 304 bytes of a context are taken from kmalloc-512, 152 of an SA from kmalloc-192.
 */
enum {
	HTAB_HEAD = 48, /* struct htab_elem before the key */
	HTAB_BUCKET = 16, /* struct bucket */
	ALLOC_LINK = 8, /* of bpf_mem_alloc's free list, in front of each element */
	SAS_OF_CONTEXT = 2,
};

static uint64_t roundup8(uint64_t n)
{
	return (n + 7) & ~7ULL;
}

static uint64_t element_bytes(const struct bpf_map *map)
{
	return ALLOC_LINK + HTAB_HEAD + roundup8(bpf_map__key_size(map)) +
	       roundup8(bpf_map__value_size(map));
}

/* Of an empty map; the fixed head of each map in the kernel is left out. */
static uint64_t empty_bytes(const struct bpf_map *map)
{
	uint64_t entries = bpf_map__max_entries(map);

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_HASH:
		return HTAB_BUCKET * (uint64_t)pow2_roundup(entries);
	case BPF_MAP_TYPE_ARRAY:
		return entries * roundup8(bpf_map__value_size(map));
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return entries * roundup8(bpf_map__value_size(map)) * libbpf_num_possible_cpus();
	default: /* of pointers */
		return entries * sizeof(void *);
	}
}

void size_cost(const struct size *size, const struct bpf_object *commit,
	       const struct bpf_object *tick, struct saxdp_load_result *ret)
{
	const struct bpf_map *context = bpf_object__find_map_by_name(commit, "context");
	const struct bpf_map *sa4 = bpf_object__find_map_by_name(commit, "sa4");
	const struct bpf_map *sa6 = bpf_object__find_map_by_name(commit, "sa6");
	uint64_t buckets = empty_bytes(context) + empty_bytes(sa4) + empty_bytes(sa6);
	const struct bpf_map *map = NULL;

	ret->context_bytes = element_bytes(context) + SAS_OF_CONTEXT * element_bytes(sa4) +
			     (buckets + size->contexts - 1) / size->contexts;
	ret->tunnel_bytes = element_bytes(bpf_object__find_map_by_name(commit, "tunnel"));
	ret->fixed_bytes = (uint64_t)size->steer_cpus * STEER_CPU_QUEUE * sizeof(void *) - buckets;
	while ((map = bpf_object__next_map(commit, map)))
		ret->fixed_bytes += empty_bytes(map);
	while ((map = bpf_object__next_map(tick, map)))
		if (!bpf_object__find_map_by_name(commit, bpf_map__name(map)))
			ret->fixed_bytes += empty_bytes(map);
}
