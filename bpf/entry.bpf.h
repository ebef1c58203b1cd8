/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries that are inserted as they are staged, with a life at their beginning: how they are born,
 * die and change while they live.
 */
#ifndef SAXDP_ENTRY_BPF_H
#define SAXDP_ENTRY_BPF_H

#include "grave.bpf.h"

/* The kinds whose value begins with its life and is inserted as it is staged. */
#define PLAIN_KINDS(X)                \
	X(SA4, sa4)                   \
	X(SA6, sa6)                   \
	X(CONTEXT, context)           \
	X(TUNNEL, tunnel)             \
	X(ENDPOINT, endpoint)         \
	X(FILTER, filter)             \
	X(PROV_CONTEXT, prov_context) \
	X(PROVIDER, provider)         \
	X(SUBLAYER, sublayer)         \
	X(CALLOUT, callout)           \
	X(BLOB, blob)

static __always_inline struct saxdp_life *plain_lookup(__u8 kind, const void *name)
{
	switch (kind) {
#define X(kind, map)            \
	case SAXDP_KIND_##kind: \
		return bpf_map_lookup_elem(&map, name);
		PLAIN_KINDS(X)
#undef X
	}
	return NULL;
}

static __always_inline long plain_insert(__u8 kind, const void *name, const void *value)
{
	switch (kind) {
#define X(kind, map)            \
	case SAXDP_KIND_##kind: \
		return bpf_map_update_elem(&map, name, value, BPF_NOEXIST);
		PLAIN_KINDS(X)
#undef X
	}
	return -EINVAL;
}

static __always_inline void plain_delete(__u8 kind, const void *name)
{
	switch (kind) {
#define X(kind, map)                             \
	case SAXDP_KIND_##kind:                  \
		bpf_map_delete_elem(&map, name); \
		break;
		PLAIN_KINDS(X)
#undef X
	}
}

/*
 * A word of a value. The barriers are for the verifier: before the comparison, as it loses the bound
 * of an offset that clang reloads; after it, as clang adds the offset first and compares then
 * ("invalid access to map value").
 */
#define WORD_AT(type, value, offset)                              \
	({                                                        \
		__u64 at_ = (offset)&0x3f8, *word_ = NULL;        \
                                                                  \
		asm volatile("" : "+r"(at_));                     \
		if (at_ <= sizeof(struct type) - 8) {             \
			asm volatile("" : "+r"(at_));             \
			word_ = (__u64 *)((char *)(value) + at_); \
		}                                                 \
		word_;                                            \
	})

/* A word of an entry that lives. */
#define WORD_OF(type, map, name, offset)                                                   \
	({                                                                                 \
		struct saxdp_life *life_ = bpf_map_lookup_elem(&map, name);                \
                                                                                           \
		life_ && life_->died == SAXDP_NEVER ? WORD_AT(type, life_, offset) : NULL; \
	})

static __always_inline __u64 *word_lookup(__u8 kind, const void *name, __u16 offset)
{
	struct saxdp_engine *e;

	switch (kind) {
	case SAXDP_KIND_SA4:
		return WORD_OF(saxdp_sa, sa4, name, offset);
	case SAXDP_KIND_SA6:
		return WORD_OF(saxdp_sa, sa6, name, offset);
	case SAXDP_KIND_CONTEXT:
		return WORD_OF(saxdp_context, context, name, offset);
	case SAXDP_KIND_TUNNEL:
		return WORD_OF(saxdp_tunnel, tunnel, name, offset);
	case SAXDP_KIND_ENDPOINT:
		return WORD_OF(saxdp_endpoint, endpoint, name, offset);
	case SAXDP_KIND_FILTER:
		return WORD_OF(saxdp_filter, filter, name, offset);
	case SAXDP_KIND_PROV_CONTEXT:
		return WORD_OF(saxdp_prov_context, prov_context, name, offset);
	case SAXDP_KIND_ENGINE:
		e = engine_get();
		return e ? WORD_AT(saxdp_engine, e, offset) : NULL;
	}
	return NULL;
}

#define WORDS(type, from, to) \
	(offset >= offsetof(type, from) && offset < offsetof(type, to) + sizeof(((type *)0)->to))

/*
 * Which words STORE, ADD and STAMP may change: never a life, a counter of packets, or what the
 * protocol itself keeps. So a writer's list can be wrong, but it cannot forge a generation, lose a
 * count or take the lock.
 */
static __always_inline int word_writable(__u8 kind, __u16 offset)
{
	switch (kind) {
	case SAXDP_KIND_SA4:
	case SAXDP_KIND_SA6:
		return offset == offsetof(struct saxdp_sa, owner_cpu) || /* users share the word */
		       WORDS(struct saxdp_sa, tunnel, context);
	case SAXDP_KIND_CONTEXT:
		return WORDS(struct saxdp_context, policy, outbound);
	case SAXDP_KIND_TUNNEL:
		return WORDS(struct saxdp_tunnel, id, type);
	case SAXDP_KIND_ENDPOINT:
		return WORDS(struct saxdp_endpoint, contexts, contexts);
	case SAXDP_KIND_FILTER:
		return WORDS(struct saxdp_filter, users, users);
	case SAXDP_KIND_PROV_CONTEXT:
		return WORDS(struct saxdp_prov_context, users, users);
	case SAXDP_KIND_ENGINE:
		return WORDS(struct saxdp_engine, mode, tunnel_ports) ||
		       WORDS(struct saxdp_engine, spread_cpu, spread_cpu);
	}
	return 0;
}

/* --- what hangs on an entry -------------------------------------------------------------------- */

static __always_inline void tunnel_key_of(const struct saxdp_context *c, struct saxdp_tunnel_key *k)
{
	k->policy = c->policy;
	for (int i = 0; i < 4; i++) {
		k->local[i] = c->local[i];
		k->remote[i] = c->remote[i];
	}
	k->local_port = c->local_port;
	k->remote_port = c->remote_port;
	k->protocol = c->protocol;
	k->family = c->family;
	k->type = c->type;
	k->zero = 0;
}

/* What an SA has counted goes on in its tunnel. No packet counts in it any more. */
static __noinline int sa_carry(const struct saxdp_sa *sa, __u32 direction)
{
	struct saxdp_tunnel_key k;
	struct saxdp_context *c;
	struct saxdp_tunnel *t;
	__u64 id = sa->context;

	c = bpf_map_lookup_elem(&context, &id);
	if (!c)
		return 0;
	tunnel_key_of(c, &k);
	t = bpf_map_lookup_elem(&tunnel, &k);
	if (!t)
		return 0;
	t->gone[direction & 1].packets += sa->packets + sa->packets_other;
	t->gone[direction & 1].bytes += sa->bytes + sa->bytes_other;
	if (sa->last_used > t->last_used)
		t->last_used = sa->last_used;
	return 0;
}

static __always_inline void provider_use(__u64 id, __s64 by)
{
	struct saxdp_provider *p = bpf_map_lookup_elem(&provider, &id);

	if (p)
		p->object.users += by;
}

static __always_inline void callout_use(__u64 id, __s64 by)
{
	struct saxdp_callout *c = bpf_map_lookup_elem(&callout, &id);

	if (c)
		c->object.users += by;
}

static __always_inline void sublayer_use_add(const struct saxdp_filter *f, __s64 by)
{
	struct saxdp_sublayer_use *use;
	struct saxdp_sublayer *s;
	__u64 id = f->sublayer;
	__u32 zero = 0;

	s = bpf_map_lookup_elem(&sublayer, &id);
	if (s)
		s->object.users += by;
	use = bpf_map_lookup_elem(&sublayer_use, &zero);
	if (use && f->selectors)
		use->filters[f->slot % SAXDP_SUBLAYERS] += by;
}

/*
 * Counts that follow from which entries live, so that undo and recovery keep them right too. The
 * entry is looked up by its own kind once more: the verifier cannot know that a kind which is read
 * again from `staging` is still the same, and it is right.
 */
static __always_inline void links_add(__u8 kind, const void *name, __s64 by)
{
	if (kind == SAXDP_KIND_CONTEXT) {
		struct saxdp_engine *e = engine_get();

		if (e)
			e->contexts += by;
	} else if (kind == SAXDP_KIND_FILTER) {
		const struct saxdp_filter *f = bpf_map_lookup_elem(&filter, name);
		struct saxdp_prov_context *p;
		__u64 id;

		if (!f)
			return;
		provider_use(f->provider, by);
		sublayer_use_add(f, by);
		callout_use(f->callout, by);
		if (!(f->flags & SAXDP_FILTER_HAS_PROV_CONTEXT))
			return;
		id = f->context;
		p = bpf_map_lookup_elem(&prov_context, &id);
		if (p)
			p->users += by;
	} else if (kind == SAXDP_KIND_PROV_CONTEXT) {
		const struct saxdp_prov_context *c = bpf_map_lookup_elem(&prov_context, name);

		if (c)
			provider_use(c->provider, by);
	} else if (kind == SAXDP_KIND_SUBLAYER) {
		const struct saxdp_sublayer *s = bpf_map_lookup_elem(&sublayer, name);

		if (s)
			provider_use(s->object.provider, by);
	} else if (kind == SAXDP_KIND_CALLOUT) {
		const struct saxdp_callout *c = bpf_map_lookup_elem(&callout, name);

		if (c)
			provider_use(c->object.provider, by);
	}
}

/* --- plain entries -------------------------------------------------------------------------------- */

static __always_inline void plain_remove(__u8 kind, const void *name)
{
	const struct saxdp_sa *sa;
	struct saxdp_life *life;

	if (kind == SAXDP_KIND_SA4) {
		sa = bpf_map_lookup_elem(&sa4, name);
		if (sa)
			sa_carry(sa, ((const struct saxdp_sa4_key *)name)->direction);
	} else if (kind == SAXDP_KIND_SA6) {
		sa = bpf_map_lookup_elem(&sa6, name);
		if (sa)
			sa_carry(sa, ((const struct saxdp_sa6_key *)name)->direction);
	}
	life = plain_lookup(kind, name);
	if (life)
		life_close(life);
	plain_delete(kind, name);
}

static __always_inline struct saxdp_sa *sa_lookup(__u8 kind, const void *name)
{
	if (kind == SAXDP_KIND_SA4)
		return bpf_map_lookup_elem(&sa4, name);
	if (kind == SAXDP_KIND_SA6)
		return bpf_map_lookup_elem(&sa6, name);
	return NULL;
}

/* Whose the counts of an SA are: the staged owner and the one of the map change places. */
static __always_inline void sa_swap_owner(struct saxdp_sa *sa, struct saxdp_op *op)
{
	struct saxdp_sa *staged = (void *)op->value;
	struct saxdp_sa old = { .context = sa->context, .tunnel = sa->tunnel };

	sa->context = staged->context;
	sa->tunnel = staged->tunnel;
	staged->context = old.context;
	staged->tunnel = old.tunnel;
}

/*
 * An outbound SA that lives gets one more user: two peers behind one NAT chose the same SPI. What
 * it counts belongs to the newest of them.
 */
static __always_inline void sa_share(struct saxdp_op *op)
{
	struct saxdp_sa *sa = sa_lookup(op->kind, op->key);

	if (!sa)
		return;
	sa_swap_owner(sa, op);
	__sync_fetch_and_add(&sa->users, 1);
	op->done = DONE_CHANGED;
}

/* One of several users goes. Where the counts are its own, the operation names who inherits them. */
static __always_inline int sa_leave(struct saxdp_sa *sa, struct saxdp_op *op)
{
	const struct saxdp_sa *heir = (const void *)op->value;

	op->place = sa->context == op->word;
	if (op->place) {
		if (!heir->context)
			return -ENODATA;
		sa_swap_owner(sa, op);
	}
	__sync_fetch_and_add(&sa->users, -1);
	op->done = DONE_CREATED; /* other than a death */
	return 0;
}

/* The newborn of this run, where nothing of that name is in the way. */
static __always_inline int entry_create(struct run *r, struct saxdp_op *op)
{
	struct saxdp_life *staged = (void *)op->value;
	int err;

	staged->born = r->next;
	staged->died = SAXDP_NEVER;
	err = plain_insert(op->kind, op->key, op->value);
	if (err)
		return err;
	links_add(op->kind, op->key, 1);
	op->done = DONE_CREATED;
	return 0;
}

static __always_inline int op_insert(struct run *r, struct saxdp_op *op)
{
	struct saxdp_life *life;
	int err;

	if (op->code == SAXDP_OP_INSERT) {
		err = entry_create(r, op);
		if (err != -EEXIST)
			return err;
	}
	life = plain_lookup(op->kind, op->key);
	if (life && life->died == SAXDP_NEVER) {
		if (op->code != SAXDP_OP_ENSURE)
			return -EEXIST;
		sa_share(op);
		return 0;
	}
	if (op->code == SAXDP_OP_ABSENT)
		return 0;
	if (life) {
		if (life->died > r->graced)
			return -EAGAIN;
		removed_note(r, life->died);
		plain_remove(op->kind, op->key);
	}
	return entry_create(r, op);
}

static __always_inline int op_die(struct run *r, struct saxdp_op *op)
{
	struct saxdp_life *life = plain_lookup(op->kind, op->key);
	struct saxdp_sa *sa;
	int err;

	if (!life || life->died != SAXDP_NEVER)
		return -ESTALE;
	sa = sa_lookup(op->kind, op->key);
	if (sa && sa->users > 1)
		return sa_leave(sa, op);
	err = grave_push(r, op->kind, op->key, 0);
	if (err)
		return err;
	links_add(op->kind, op->key, -1);
	life->died = r->next;
	op->done = DONE_CHANGED;
	return 0;
}

/* --- words of a value ------------------------------------------------------------------------------ */

static __always_inline int op_word(struct saxdp_op *op)
{
	__u64 *word = word_lookup(op->kind, op->key, op->offset);

	if (!word)
		return -ESTALE;
	if (op->code == SAXDP_OP_EXPECT)
		return *word == op->word ? 0 : -ESTALE;
	if (!word_writable(op->kind, op->offset))
		return -EPERM;
	if (op->code == SAXDP_OP_ADD) {
		__sync_fetch_and_add(word, op->word);
	} else {
		op->saved = *word;
		*(volatile __u64 *)word = op->word;
	}
	op->done = DONE_CHANGED;
	return 0;
}

static __always_inline void undo_word(struct saxdp_op *op)
{
	__u64 *word = word_lookup(op->kind, op->key, op->offset);

	if (!word)
		return;
	if (op->code == SAXDP_OP_ADD)
		__sync_fetch_and_add(word, -op->word);
	else
		*(volatile __u64 *)word = op->saved;
}

static __always_inline int words_copy(char *to, __u64 size, __u64 from, const struct saxdp_op *op)
{
	__u64 words = op->length / 4;

	for (__u64 i = 0; i < SAXDP_OP_VALUE / 4 && i < words; i++) {
		__u64 at = from + i * 4;

		if (at > size - 4)
			return -EINVAL;
		*(__u32 *)(to + at) = *(const __u32 *)(op->value + i * 4);
	}
	return 0;
}

/* A part of a mask set or of the order of sublayers of the generation to come. */
static __always_inline int op_write(struct run *r, struct saxdp_op *op)
{
	__u32 index = *(__u32 *)op->key;
	char *set;

	if ((op->kind != SAXDP_KIND_MASK && op->kind != SAXDP_KIND_SUBLAYER_ORDER) ||
	    (index & 1) != (r->next & 1))
		return -EPERM;
	/* Packets of the generation before the current one used this set. */
	if (r->graced < r->next - 1)
		return -EAGAIN;
	reclaimed_note(r, r->next - 1);
	if (op->kind == SAXDP_KIND_SUBLAYER_ORDER) {
		set = bpf_map_lookup_elem(&sublayer_order, &index);
		return set ? words_copy(set, sizeof(struct saxdp_sublayer_order), op->offset & 0xfc,
					op) :
			     -EINVAL;
	}
	set = bpf_map_lookup_elem(&mask, &index);
	return set ? words_copy(set, sizeof(struct saxdp_mask_set), op->offset & 0xfc, op) :
		     -EINVAL;
}

/*
 * A part of a context that is filled once: the generation at its beginning, which says since when
 * the words behind it count, is stored after them.
 */
static __always_inline int op_fill(struct run *r, struct saxdp_op *op)
{
	struct saxdp_context *c;
	__u64 *born, at = op->offset;
	int err;

	if (op->kind != SAXDP_KIND_CONTEXT || (at != offsetof(struct saxdp_context, spi_born) &&
					       at != offsetof(struct saxdp_context, inbound) &&
					       at != offsetof(struct saxdp_context, outbound)))
		return -EPERM;
	c = bpf_map_lookup_elem(&context, op->key);
	if (!c || c->life.died != SAXDP_NEVER)
		return -ESTALE;
	born = at == offsetof(struct saxdp_context, spi_born) ? &c->spi_born :
	       at == offsetof(struct saxdp_context, inbound)  ? &c->inbound.born :
								&c->outbound.born;
	if (*born)
		return -ESTALE;
	err = words_copy((char *)c, sizeof(*c), at + sizeof(*born), op);
	if (err)
		return err;
	__sync_lock_test_and_set(born, r->next);
	op->done = DONE_CHANGED;
	return 0;
}

static __always_inline void undo_fill(struct saxdp_op *op)
{
	struct saxdp_context *c = bpf_map_lookup_elem(&context, op->key);

	if (!c)
		return;
	if (op->offset == offsetof(struct saxdp_context, spi_born))
		c->spi_born = 0;
	else if (op->offset == offsetof(struct saxdp_context, inbound))
		c->inbound.born = 0;
	else
		c->outbound.born = 0;
}

/* --- which context serves a tunnel ------------------------------------------------------------------ */

/*
 * The older of the two places is written over. A packet of a generation before the newer one's may
 * be looking at it, unless it was never used: hence the grace period.
 */
static __always_inline int op_serve(struct run *r, struct saxdp_op *op)
{
	struct saxdp_tunnel *t = bpf_map_lookup_elem(&tunnel, op->key);
	struct saxdp_serve *older, *newer;

	if (!t || t->life.died != SAXDP_NEVER)
		return -ESTALE;
	op->place = t->serve[0].born > t->serve[1].born;
	older = op->place ? &t->serve[1] : &t->serve[0];
	newer = op->place ? &t->serve[0] : &t->serve[1];
	if (older->born) {
		if (newer->born > r->graced)
			return -EAGAIN;
		reclaimed_note(r, newer->born);
	}
	op->saved = older->born;
	*(__u64 *)op->value = older->context;
	*(volatile __u64 *)&older->born = 0;
	*(volatile __u64 *)&older->context = op->word;
	__sync_lock_test_and_set(&older->born, r->next);
	op->done = DONE_CHANGED;
	return 0;
}

static __always_inline void undo_serve(struct saxdp_op *op)
{
	struct saxdp_tunnel *t = bpf_map_lookup_elem(&tunnel, op->key);
	struct saxdp_serve *place;

	if (!t)
		return;
	place = op->place ? &t->serve[1] : &t->serve[0];
	*(volatile __u64 *)&place->born = 0;
	*(volatile __u64 *)&place->context = *(__u64 *)op->value;
	__sync_lock_test_and_set(&place->born, op->saved);
}

static __always_inline int serves(__u64 id, __u64 except)
{
	struct saxdp_context *c;

	if (!id || id == except)
		return 0;
	c = bpf_map_lookup_elem(&context, &id);
	return c && c->life.died == SAXDP_NEVER && c->outbound.born;
}

static __always_inline int op_served(struct saxdp_op *op)
{
	struct saxdp_tunnel *t = bpf_map_lookup_elem(&tunnel, op->key);

	if (!t || t->life.died != SAXDP_NEVER)
		return -ESTALE;
	if (t->contexts <= 1 || (!t->serve[0].born && !t->serve[1].born))
		return 0;
	return serves(t->serve[0].context, op->word) || serves(t->serve[1].context, op->word) ?
		       0 :
		       -ENODATA;
}

#endif
