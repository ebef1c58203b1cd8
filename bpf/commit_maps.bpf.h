/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps that only the commit program and its writers touch, and what one run carries. */
#ifndef SAXDP_COMMIT_MAPS_BPF_H
#define SAXDP_COMMIT_MAPS_BPF_H

#include "maps.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_blob_key);
	__type(value, struct saxdp_blob);
} blob SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct saxdp_guid_key);
	__type(value, struct saxdp_guid);
} key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_provider);
} provider SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_sublayer);
} sublayer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct saxdp_callout);
} callout SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct saxdp_sublayer_use);
} sublayer_use SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAXDP_LAYERS);
	__type(key, __u32);
	__type(value, struct saxdp_mask_use);
} mask_use SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SAXDP_SESSIONS);
	__type(key, __u32);
	__type(value, struct saxdp_session);
} session SEC(".maps");

/* Written by `attach` as root; here so that one skeleton makes every map. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 256);
	__type(key, struct saxdp_attached_key);
	__type(value, struct saxdp_attached);
} attached SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SAXDP_STAGING_OPS);
	__type(key, __u32);
	__type(value, struct saxdp_op);
} staging SEC(".maps");

/* The policy's ring, then that of the SAs; sizes in engine.grave_size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct saxdp_grave);
} grave SEC(".maps");

/* An update of a map in a map returns after an RCU grace period: how user space waits for one. */
struct grace_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} grace_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct grace_inner);
} grace SEC(".maps") = {
	.values = { &grace_inner },
};

/* What one run carries through its loops. */
struct run {
	__u32 epoch;
	__u32 first;
	__u32 count;
	__s32 error;
	__u32 failed;
	__u64 next; /* the generation that this commit makes */
	__u64 graced;
};

/* What undo has to take back of an operation (saxdp_op.done). */
enum { DONE_NOTHING, DONE_CHANGED, DONE_CREATED };

#endif
