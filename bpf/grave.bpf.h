/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rings of the dead: every death is queued, and taken out once its grace period is over. */
#ifndef SAXDP_GRAVE_BPF_H
#define SAXDP_GRAVE_BPF_H

#include "commit_maps.bpf.h"

static __always_inline struct saxdp_grave *grave_at(struct saxdp_engine *e, __u32 epoch, __u64 at)
{
	__u32 base = epoch == SAXDP_EPOCH_POLICY ? 0 : e->grave_size[SAXDP_EPOCH_POLICY];
	__u32 index = base + (at & (e->grave_size[epoch & 1] - 1));

	return bpf_map_lookup_elem(&grave, &index);
}

static __always_inline void key_copy(void *to, const void *from)
{
	__u64 *t = to;
	const __u64 *f = from;

	for (int i = 0; i < SAXDP_OP_KEY / 8; i++)
		t[i] = f[i];
}

/* Queue a death for reclaiming; ENOSPC asks the caller to reclaim first. */
static __always_inline int grave_push(struct run *r, __u32 kind, const void *name, __u64 word)
{
	struct saxdp_engine *e = engine_get();
	struct saxdp_epoch *epoch;
	struct saxdp_grave *g;

	if (!e)
		return -EINVAL;
	epoch = &e->epoch[r->epoch & 1];
	if (epoch->grave_head - epoch->grave_tail >= e->grave_size[r->epoch & 1])
		return -ENOSPC;
	g = grave_at(e, r->epoch, epoch->grave_head);
	if (!g)
		return -EINVAL;
	g->died = r->next;
	g->word = word;
	g->kind = kind;
	key_copy(g->key, name);
	epoch->grave_head++;
	return 0;
}

/* The list is undone backwards, so the newest entry is the one to take back. */
static __always_inline void grave_pop(struct run *r)
{
	struct saxdp_engine *e = engine_get();

	if (e)
		e->epoch[r->epoch & 1].grave_head--;
}

/* Before something that died is removed or written over: readers of an older generation start again. */
static __always_inline void reclaimed_note(struct run *r, __u64 died)
{
	struct saxdp_engine *e = engine_get();
	__u64 *reclaimed;

	if (!e)
		return;
	reclaimed = &e->epoch[r->epoch & 1].reclaimed;
	if (died > *reclaimed)
		__sync_lock_test_and_set(reclaimed, died);
}

/*
 * Before the memory of something dead is given back: whoever copies an element at this moment may
 * have begun with the old one and end with what takes its place, and starts again too.
 */
static __always_inline void removed_note(struct run *r, __u64 died)
{
	struct saxdp_engine *e = engine_get();

	reclaimed_note(r, died);
	if (e)
		__sync_fetch_and_add(&e->epoch[r->epoch & 1].removed, 1);
}

#endif
