/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that packets and the commit program share, each once; what they hold is said in
 * saxdp_abi.h. Sizes of 1 are set by `load`. Hash maps allocate per entry: an instance sized for
 * 100,000 contexts costs what it holds, not twice the worst case of both address families.
 *
 * Maps that only writers may touch stand in the program file that uses them.
 */
#ifndef SAXDP_MAPS_BPF_H
#define SAXDP_MAPS_BPF_H

#include "saxdp_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct saxdp_engine);
} engine SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_sa4_key);
	__type(value, struct saxdp_sa);
} sa4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_sa6_key);
	__type(value, struct saxdp_sa);
} sa6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_context);
} context SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_tunnel_key);
	__type(value, struct saxdp_tunnel);
} tunnel SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_endpoint_key);
	__type(value, struct saxdp_endpoint);
} endpoint SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_selector4_key);
	__type(value, struct saxdp_bucket);
} selector4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_selector6_key);
	__type(value, struct saxdp_bucket);
} selector6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAXDP_LAYERS * 2);
	__type(key, __u32);
	__type(value, struct saxdp_mask_set);
} mask SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct saxdp_sublayer_order);
} sublayer_order SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_filter);
} filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_prov_context);
} prov_context SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_virtual_if);
} virtual_if SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SAXDP_COUNT_COUNT);
	__type(key, __u32);
	__type(value, struct saxdp_traffic_count);
} engine_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} steer_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} steer_dev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64); /* RX queues */
	__type(key, __u32);
	__type(value, __u32);
} steer_xsk SEC(".maps");

static __always_inline struct saxdp_engine *engine_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&engine, &zero);
}

/*
 * Loads before it are done before loads after it, which x86-64 sees to by itself. Elsewhere: an atomic
 * operation that returns its value is a full barrier in the BPF memory model; one whose value is not
 * used is none, and clang makes that of it unless it is.
 */
static __always_inline void load_barrier(void)
{
#if !defined(__TARGET_ARCH_x86)
	__u64 word = 0;

	asm volatile("" ::"r"(__sync_fetch_and_add(&word, 0)));
#endif
}

/* A generation is read once, before everything that is judged by it. */
static __always_inline __u64 generation_read(struct saxdp_engine *e, enum saxdp_epoch_id id)
{
	__u64 generation = *(volatile __u64 *)&e->epoch[id].generation;

	load_barrier(); /* a lookup could be satisfied before the load above */
	return generation;
}

/*
 * `died` is read first. What is dead for this packet may be taken away under it, and the kernel gives
 * the memory to another entry at once; so may a place of a bucket. The newcomer is born later than
 * the packet's generation, and what goes is marked as never born before it does (life_close()). So
 * whoever sees a new `died` sees a `born` that is too late; read the other way round, with an
 * interrupt in between, they would be the birth of the old and the death of the new.
 */
static __always_inline int life_at(const struct saxdp_life *life, __u64 generation)
{
	__u64 died = *(const volatile __u64 *)&life->died, born;

	if (generation >= died)
		return 0;
	load_barrier();
	born = *(const volatile __u64 *)&life->born;
	return born <= generation;
}

/* Before the memory of what is dead is given back: for nobody is it ever born. */
static __always_inline void life_close(struct saxdp_life *life)
{
	*(volatile __u64 *)&life->born = SAXDP_NEVER;
}

#endif
