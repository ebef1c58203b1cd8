/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Candidates of a selector. They share a bucket, and buckets of one masked key form a chain, so that
 * filters with the same selector cost packets one lookup.
 */
#ifndef SAXDP_BUCKET_BPF_H
#define SAXDP_BUCKET_BPF_H

#include "grave.bpf.h"

static __always_inline void mask_use_add(__u8 layer, __u8 number, __s64 by)
{
	__u32 index = layer;
	struct saxdp_mask_use *use = bpf_map_lookup_elem(&mask_use, &index);

	if (use && number < SAXDP_MASKS)
		use->candidates[number] += by;
}

/* Both keys begin alike: layer, mask, chain. */
struct selector_name {
	__u8 layer;
	__u8 mask;
	__u8 chain;
};

static __always_inline struct saxdp_bucket *bucket_lookup(__u8 kind, const void *name)
{
	return kind == SAXDP_KIND_SELECTOR4 ? bpf_map_lookup_elem(&selector4, name) :
					      bpf_map_lookup_elem(&selector6, name);
}

static __always_inline long bucket_insert(__u8 kind, const void *name, const void *value)
{
	return kind == SAXDP_KIND_SELECTOR4 ?
		       bpf_map_update_elem(&selector4, name, value, BPF_NOEXIST) :
		       bpf_map_update_elem(&selector6, name, value, BPF_NOEXIST);
}

static __always_inline void bucket_delete(__u8 kind, const void *name)
{
	if (kind == SAXDP_KIND_SELECTOR4)
		bpf_map_delete_elem(&selector4, name);
	else
		bpf_map_delete_elem(&selector6, name);
}

static __always_inline void candidate_fill(struct saxdp_candidate *to,
					   const struct saxdp_candidate *from, __u64 born)
{
	__u64 *t = (__u64 *)to;
	const __u64 *f = (const __u64 *)from;

	for (__u32 i = 2; i < sizeof(*to) / 8; i++)
		t[i] = f[i];
	*(volatile __u64 *)&to->life.born = born;
	__sync_lock_test_and_set(&to->life.died, SAXDP_NEVER);
}

static __always_inline void candidate_clear(struct saxdp_candidate *c)
{
	__sync_lock_test_and_set(&c->life.died, 0);
	c->life.born = 0;
	c->filter = 0;
}

static __always_inline void bucket_close(struct saxdp_bucket *b)
{
	for (int i = 0; i < SAXDP_CANDIDATES; i++)
		life_close(&b->candidate[i].life);
}

/* Free continuations at the end of a chain, and the bucket itself when nothing is left. */
static __always_inline void chain_trim(__u8 kind, struct selector_name *name)
{
	for (int i = 0; i < SAXDP_CHAIN; i++) {
		struct saxdp_bucket *b = bucket_lookup(kind, name);

		if (!b || b->used || b->more)
			return;
		if (name->chain) {
			struct saxdp_bucket *before;

			name->chain--;
			before = bucket_lookup(kind, name);
			if (before)
				before->more = 0;
			name->chain++;
		}
		bucket_close(b);
		bucket_delete(kind, name);
		if (!name->chain)
			return;
		name->chain--;
	}
}

static __noinline int op_candidate_add(struct run *r, struct saxdp_op *op)
{
	struct saxdp_bucket *staged = (void *)op->value, *b, *last = NULL;
	struct selector_name *name = (void *)op->key;
	int err;

	for (int chain = 0; chain < SAXDP_CHAIN; chain++) {
		name->chain = chain;
		b = bucket_lookup(op->kind, name);
		if (!b) {
			staged->used = 1;
			staged->more = 0;
			staged->candidate[0].life.born = r->next;
			staged->candidate[0].life.died = SAXDP_NEVER;
			err = bucket_insert(op->kind, name, staged);
			if (err)
				return err;
			if (last)
				last->more = 1;
			op->done = DONE_CREATED;
			op->place = 0;
			mask_use_add(name->layer, name->mask, 1);
			return 0;
		}
		for (int i = 0; i < SAXDP_CANDIDATES; i++) {
			struct saxdp_candidate *c = &b->candidate[i];

			if (c->life.born || c->life.died)
				continue;
			candidate_fill(c, &staged->candidate[0], r->next);
			b->used++;
			op->done = DONE_CHANGED;
			op->place = i;
			mask_use_add(name->layer, name->mask, 1);
			return 0;
		}
		last = b;
	}
	name->chain = 0;
	return -ENOSPC;
}

static __noinline int undo_candidate_add(struct saxdp_op *op)
{
	struct selector_name *name = (void *)op->key;
	struct saxdp_bucket *b = bucket_lookup(op->kind, name);
	__u32 place = op->place;

	if (!b || place >= SAXDP_CANDIDATES)
		return 0;
	candidate_clear(&b->candidate[place]);
	b->used--;
	mask_use_add(name->layer, name->mask, -1);
	chain_trim(op->kind, name);
	return 0;
}

static __noinline int op_candidate_die(struct run *r, struct saxdp_op *op)
{
	struct selector_name *name = (void *)op->key;
	int err;

	for (int chain = 0; chain < SAXDP_CHAIN; chain++) {
		struct saxdp_bucket *b;

		name->chain = chain;
		b = bucket_lookup(op->kind, name);
		if (!b)
			return -ESTALE;
		for (int i = 0; i < SAXDP_CANDIDATES; i++) {
			struct saxdp_candidate *c = &b->candidate[i];

			if (c->filter != op->word || c->life.died != SAXDP_NEVER)
				continue;
			err = grave_push(r, op->kind, op->key, op->word);
			if (err)
				return err;
			*(volatile __u64 *)&c->life.died = r->next;
			mask_use_add(name->layer, name->mask, -1);
			op->done = DONE_CHANGED;
			op->place = i;
			return 0;
		}
		if (!b->more)
			return -ESTALE;
	}
	return -ESTALE;
}

/* The candidate of this filter that died at this generation, in this bucket: alive again. */
static __always_inline int candidate_revive(__u8 kind, const void *name, __u64 id, __u64 died)
{
	const struct selector_name *part = name;
	struct saxdp_bucket *b = bucket_lookup(kind, name);

	if (!b)
		return 0;
	for (int i = 0; i < SAXDP_CANDIDATES; i++) {
		struct saxdp_candidate *c = &b->candidate[i];

		if (c->filter != id || c->life.died != died)
			continue;
		*(volatile __u64 *)&c->life.died = SAXDP_NEVER;
		mask_use_add(part->layer, part->mask, 1);
		break;
	}
	return 0;
}

#endif
