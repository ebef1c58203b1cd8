/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* GUIDs that name objects, and what has no version: sessions and virtual interfaces. */
#ifndef SAXDP_NAME_BPF_H
#define SAXDP_NAME_BPF_H

#include "grave.bpf.h"

static __always_inline void guid_version_clear(struct saxdp_guid_version *v)
{
	v->life.died = 0;
	v->life.born = 0;
	v->id = 0;
}

/* Free, or born and died in this very run: nobody has it in view. */
static __always_inline int guid_version_unseen(const struct saxdp_guid_version *v)
{
	return v->life.born == v->life.died;
}

static __noinline int op_guid_add(struct run *r, struct saxdp_op *op)
{
	struct saxdp_guid *g = bpf_map_lookup_elem(&key, op->key);
	struct saxdp_guid *staged = (void *)op->value;
	struct saxdp_guid_version *v = NULL;
	int err;

	if (!g) {
		staged->version[0].life.born = r->next;
		staged->version[0].life.died = SAXDP_NEVER;
		staged->version[0].id = op->word;
		guid_version_clear(&staged->version[1]);
		err = bpf_map_update_elem(&key, op->key, staged, BPF_NOEXIST);
		if (!err)
			op->done = DONE_CREATED;
		return err;
	}
	if (g->version[0].life.died == SAXDP_NEVER || g->version[1].life.died == SAXDP_NEVER)
		return -EEXIST;
	/* One that nobody has seen goes, else the older one. */
	op->place = guid_version_unseen(&g->version[1]) ||
		    (!guid_version_unseen(&g->version[0]) &&
		     g->version[0].life.died > g->version[1].life.died);
	v = op->place ? &g->version[1] : &g->version[0];
	if (!guid_version_unseen(v)) {
		if (v->life.died > r->graced)
			return -EAGAIN;
		reclaimed_note(r, v->life.died);
	}
	v->id = op->word;
	v->life.born = r->next;
	v->life.died = SAXDP_NEVER;
	op->done = DONE_CHANGED;
	return 0;
}

static __always_inline void undo_guid_add(struct saxdp_op *op)
{
	struct saxdp_guid *g = bpf_map_lookup_elem(&key, op->key);

	if (!g)
		return;
	if (op->done == DONE_CREATED)
		bpf_map_delete_elem(&key, op->key);
	else
		guid_version_clear(op->place ? &g->version[1] : &g->version[0]);
}

static __noinline int op_guid_die(struct run *r, struct saxdp_op *op)
{
	struct saxdp_guid *g = bpf_map_lookup_elem(&key, op->key);
	struct saxdp_guid_version *v;
	int err;

	if (!g)
		return -ESTALE;
	op->place = g->version[1].life.died == SAXDP_NEVER;
	v = op->place ? &g->version[1] : &g->version[0];
	if (v->life.died != SAXDP_NEVER || v->id != op->word)
		return -ESTALE;
	err = grave_push(r, SAXDP_KIND_KEY, op->key, op->word);
	if (err)
		return err;
	v->life.died = r->next;
	op->done = DONE_CHANGED;
	return 0;
}

static __always_inline void guid_revive(const void *name, __u64 id, __u64 died)
{
	struct saxdp_guid *g = bpf_map_lookup_elem(&key, name);

	if (!g)
		return;
	if (g->version[0].id == id && g->version[0].life.died == died)
		g->version[0].life.died = SAXDP_NEVER;
	else if (g->version[1].id == id && g->version[1].life.died == died)
		g->version[1].life.died = SAXDP_NEVER;
}

/* --- what has no version: sessions, virtual interfaces ------------------------------------------------- */

static __always_inline void session_mark(__u32 slot, int open)
{
	struct saxdp_engine *e = engine_get();
	__u32 word = slot / 64;
	__u64 bit = 1ULL << (slot % 64);

	if (!e || word >= SAXDP_SESSION_WORDS)
		return;
	/*
	 * The dead bit goes with the session's entry: whoever takes a slot again has removed what
	 * the dead one left.
	 */
	if (open)
		__sync_fetch_and_or(&e->open_session[word], bit);
	else
		__sync_fetch_and_and(&e->open_session[word], ~bit);
	__sync_fetch_and_and(&e->dead_session[word], ~bit);
}

static __always_inline int op_put(struct run *r, struct saxdp_op *op)
{
	int err;

	if (r->epoch != SAXDP_EPOCH_NONE)
		return -EPERM;
	switch (op->kind) {
	case SAXDP_KIND_SESSION:
		err = bpf_map_update_elem(&session, op->key, op->value, BPF_NOEXIST);
		if (!err)
			session_mark(*(__u32 *)op->key, 1);
		return err;
	case SAXDP_KIND_VIRTUAL_IF:
		return bpf_map_update_elem(&virtual_if, op->key, op->value, BPF_ANY);
	}
	return -EINVAL;
}

static __always_inline int op_remove(struct run *r, struct saxdp_op *op)
{
	const struct saxdp_session *s;

	if (r->epoch != SAXDP_EPOCH_NONE)
		return -EPERM;
	switch (op->kind) {
	case SAXDP_KIND_SESSION:
		/* Two may bury the same session, and another have its slot before the second does. */
		s = bpf_map_lookup_elem(&session, op->key);
		if (!s || s->id != op->word)
			return -ENOENT;
		session_mark(*(__u32 *)op->key, 0);
		return bpf_map_delete_elem(&session, op->key);
	case SAXDP_KIND_VIRTUAL_IF:
		return bpf_map_delete_elem(&virtual_if, op->key);
	}
	return -EINVAL;
}

#endif
