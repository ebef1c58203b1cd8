// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The commit program: the only writer of what packets and other processes read.
 *
 * User space checks, compiles and writes a change list into `staging`; one run of `commit` applies
 * it and stores the generation last. A run goes to its end even when its process is killed, and
 * fails as a whole: an operation that cannot be done undoes those before it. The protocol and its
 * invariants are numbered at the head of user/lib/commit.c.
 *
 * Reclaiming happens here as well: every death is queued in `grave`, and a run first removes those
 * whose grace period is over.
 */
#include "vmlinux.h"
#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>
#include "proto.bpf.h"
#include "maps.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

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

/* The kinds whose value begins with its life and is inserted as it is staged. */
#define PLAIN_KINDS(X)                \
	X(SA4, sa4)                   \
	X(SA6, sa6)                   \
	X(CONTEXT, context)           \
	X(TUNNEL, tunnel)             \
	X(ENDPOINT, endpoint)         \
	X(FILTER, filter)             \
	X(PROV_CONTEXT, prov_context) \
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
 * The word at an offset of a value. The mask before the comparison is for the verifier: it loses
 * the bound of a value that clang reloads ("invalid access to map value").
 */
#define WORD_AT(type, value, offset)                                                        \
	({                                                                                  \
		__u64 o_ = (offset)&0x3f8;                                                  \
		asm volatile("" : "+r"(o_));                                                \
		(value) && o_ <= sizeof(type) - 8 ? (__u64 *)((char *)(value) + o_) : NULL; \
	})

static __always_inline __u64 *word_lookup(__u8 kind, const void *name, __u16 offset)
{
	switch (kind) {
	case SAXDP_KIND_SA4:
		return WORD_AT(struct saxdp_sa, bpf_map_lookup_elem(&sa4, name), offset);
	case SAXDP_KIND_SA6:
		return WORD_AT(struct saxdp_sa, bpf_map_lookup_elem(&sa6, name), offset);
	case SAXDP_KIND_CONTEXT:
		return WORD_AT(struct saxdp_context, bpf_map_lookup_elem(&context, name), offset);
	case SAXDP_KIND_TUNNEL:
		return WORD_AT(struct saxdp_tunnel, bpf_map_lookup_elem(&tunnel, name), offset);
	case SAXDP_KIND_ENDPOINT:
		return WORD_AT(struct saxdp_endpoint, bpf_map_lookup_elem(&endpoint, name), offset);
	case SAXDP_KIND_FILTER:
		return WORD_AT(struct saxdp_filter, bpf_map_lookup_elem(&filter, name), offset);
	case SAXDP_KIND_PROV_CONTEXT:
		return WORD_AT(struct saxdp_prov_context, bpf_map_lookup_elem(&prov_context, name),
			       offset);
	case SAXDP_KIND_ENGINE:
		return WORD_AT(struct saxdp_engine, bpf_map_lookup_elem(&engine, name), offset);
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
		       WORDS(struct saxdp_sa, context, steer);
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

/* --- the grave -------------------------------------------------------------------------------- */

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

/* Before something that died is removed: readers of an older generation have to start again. */
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

		if (!f || !(f->flags & SAXDP_FILTER_HAS_PROV_CONTEXT))
			return;
		id = f->context;
		p = bpf_map_lookup_elem(&prov_context, &id);
		if (p)
			p->users += by;
	}
}

static __always_inline void mask_use_add(__u8 layer, __u8 number, __s64 by)
{
	__u32 index = layer;
	struct saxdp_mask_use *use = bpf_map_lookup_elem(&mask_use, &index);

	if (use && number < SAXDP_MASKS)
		use->candidates[number] += by;
}

/* --- plain entries -------------------------------------------------------------------------------- */

static __always_inline void plain_remove(__u8 kind, const void *name)
{
	const struct saxdp_sa *sa;

	if (kind == SAXDP_KIND_SA4) {
		sa = bpf_map_lookup_elem(&sa4, name);
		if (sa)
			sa_carry(sa, ((const struct saxdp_sa4_key *)name)->direction);
	} else if (kind == SAXDP_KIND_SA6) {
		sa = bpf_map_lookup_elem(&sa6, name);
		if (sa)
			sa_carry(sa, ((const struct saxdp_sa6_key *)name)->direction);
	}
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

/*
 * An outbound SA that lives gets one more user: two peers behind one NAT chose the same SPI. What
 * it counts belongs to the newest of them.
 */
static __always_inline void sa_share(struct saxdp_op *op)
{
	const struct saxdp_sa *staged = (const void *)op->value;
	struct saxdp_sa *sa = sa_lookup(op->kind, op->key);

	if (!sa)
		return;
	op->saved = sa->context;
	sa->context = staged->context;
	__sync_fetch_and_add(&sa->users, 1);
	op->done = DONE_CHANGED;
}

static __always_inline int op_insert(struct run *r, struct saxdp_op *op)
{
	struct saxdp_life *life = plain_lookup(op->kind, op->key), *staged = (void *)op->value;
	int err;

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
		reclaimed_note(r, life->died);
		plain_remove(op->kind, op->key);
	}
	staged->born = r->next;
	staged->died = SAXDP_NEVER;
	err = plain_insert(op->kind, op->key, op->value);
	if (err)
		return err;
	links_add(op->kind, op->key, 1);
	op->done = DONE_CREATED;
	return 0;
}

static __always_inline int op_die(struct run *r, struct saxdp_op *op)
{
	struct saxdp_life *life = plain_lookup(op->kind, op->key);
	struct saxdp_sa *sa;
	int err;

	if (!life || life->died != SAXDP_NEVER)
		return -ESTALE;
	sa = sa_lookup(op->kind, op->key);
	if (sa && sa->users > 1) {
		__sync_fetch_and_add(&sa->users, -1);
		op->done = DONE_CREATED; /* other than a death */
		return 0;
	}
	if (sa) {
		/* What it has counted goes to the tunnel of the last to leave. */
		op->saved = sa->context;
		sa->context = op->word;
	}
	err = grave_push(r, op->kind, op->key, 0);
	if (err)
		return err;
	links_add(op->kind, op->key, -1);
	life->died = r->next;
	op->done = DONE_CHANGED;
	return 0;
}

/* --- words of a value ------------------------------------------------------------------------------ */

static __always_inline int op_word(struct run *r, struct saxdp_op *op)
{
	struct saxdp_life *life;
	__u64 *word;

	if (op->kind != SAXDP_KIND_ENGINE) {
		life = plain_lookup(op->kind, op->key);
		if (!life || life->died != SAXDP_NEVER)
			return -ESTALE;
	}
	word = word_lookup(op->kind, op->key, op->offset);
	if (!word)
		return -EINVAL;
	if (op->code == SAXDP_OP_EXPECT)
		return *word == op->word ? 0 : -ESTALE;
	if (!word_writable(op->kind, op->offset))
		return -EPERM;
	if (op->code == SAXDP_OP_STAMP) {
		if (*word)
			return -ESTALE;
		op->word = r->next;
	}
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

static __always_inline int words_copy(char *to, __u64 size, const struct saxdp_op *op)
{
	__u64 from = op->offset & 0xfc, words = op->length / 4;

	for (__u64 i = 0; i < SAXDP_OP_VALUE / 4 && i < words; i++) {
		__u64 at = from + i * 4;

		if (at > size - 4)
			return -EINVAL;
		*(__u32 *)(to + at) = *(const __u32 *)(op->value + i * 4);
	}
	return 0;
}

/*
 * Plain bytes where no reader looks yet: the mask set of the generation to come, a bundle before
 * its stamp.
 */
static __always_inline int op_write(struct run *r, struct saxdp_op *op)
{
	char *value;

	if (op->kind == SAXDP_KIND_MASK) {
		__u32 index = *(__u32 *)op->key;

		if ((index & 1) != (r->next & 1))
			return -EPERM;
		/* Packets of the generation before the current one used this set. */
		if (r->graced < r->next - 1)
			return -EAGAIN;
		value = bpf_map_lookup_elem(&mask, &index);
		return value ? words_copy(value, sizeof(struct saxdp_mask_set), op) : -EINVAL;
	}
	if (op->kind == SAXDP_KIND_CONTEXT) {
		if (op->offset < offsetof(struct saxdp_context, policy))
			return -EPERM;
		value = bpf_map_lookup_elem(&context, op->key);
		return value ? words_copy(value, sizeof(struct saxdp_context), op) : -ESTALE;
	}
	return -EINVAL;
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

/* --- candidates of a selector ------------------------------------------------------------------------ */

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

/* --- names ----------------------------------------------------------------------------------------------- */

static __always_inline void guid_version_clear(struct saxdp_guid_version *v)
{
	v->life.died = 0;
	v->life.born = 0;
	v->id = 0;
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
	op->place = g->version[0].life.died > g->version[1].life.died; /* the older one goes */
	v = op->place ? &g->version[1] : &g->version[0];
	if (v->life.died > r->graced)
		return -EAGAIN;
	reclaimed_note(r, v->life.died);
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
	if (r->epoch != SAXDP_EPOCH_NONE)
		return -EPERM;
	switch (op->kind) {
	case SAXDP_KIND_SESSION:
		session_mark(*(__u32 *)op->key, 0);
		return bpf_map_delete_elem(&session, op->key);
	case SAXDP_KIND_VIRTUAL_IF:
		return bpf_map_delete_elem(&virtual_if, op->key);
	}
	return -EINVAL;
}

/* --- the loops -------------------------------------------------------------------------------------------- */

static long apply(__u32 i, struct run *r)
{
	__u32 index = r->first + i;
	struct saxdp_op *op = bpf_map_lookup_elem(&staging, &index);
	int err = -EINVAL;

	r->failed = i;
	if (!op || index < SAXDP_STAGING_HEAD) {
		r->error = -EINVAL;
		return 1;
	}
	op->done = DONE_NOTHING;
	switch (op->code) {
	case SAXDP_OP_INSERT:
	case SAXDP_OP_ENSURE:
	case SAXDP_OP_ABSENT:
		err = op_insert(r, op);
		break;
	case SAXDP_OP_DIE:
		err = op_die(r, op);
		break;
	case SAXDP_OP_EXPECT:
	case SAXDP_OP_STORE:
	case SAXDP_OP_ADD:
	case SAXDP_OP_STAMP:
		err = op_word(r, op);
		break;
	case SAXDP_OP_WRITE:
		err = op_write(r, op);
		break;
	case SAXDP_OP_SERVE:
		err = op_serve(r, op);
		break;
	case SAXDP_OP_SERVED:
		err = op_served(op);
		break;
	case SAXDP_OP_CANDIDATE_ADD:
		err = op_candidate_add(r, op);
		break;
	case SAXDP_OP_CANDIDATE_DIE:
		err = op_candidate_die(r, op);
		break;
	case SAXDP_OP_GUID_ADD:
		err = op_guid_add(r, op);
		break;
	case SAXDP_OP_GUID_DIE:
		err = op_guid_die(r, op);
		break;
	case SAXDP_OP_PUT:
		err = op_put(r, op);
		break;
	case SAXDP_OP_REMOVE:
		err = op_remove(r, op);
		break;
	}
	r->error = err;
	return err != 0;
}

static long undo(__u32 i, struct run *r)
{
	__u32 index = r->first + r->failed - 1 - i;
	struct saxdp_op *op = bpf_map_lookup_elem(&staging, &index);
	struct saxdp_life *life;
	struct saxdp_sa *sa;

	if (!op || op->done == DONE_NOTHING)
		return 0;
	switch (op->code) {
	case SAXDP_OP_INSERT:
	case SAXDP_OP_ENSURE:
		sa = sa_lookup(op->kind, op->key);
		if (op->done == DONE_CHANGED) {
			if (sa) {
				sa->context = op->saved;
				__sync_fetch_and_add(&sa->users, -1);
			}
			break;
		}
		links_add(op->kind, op->key, -1);
		plain_delete(op->kind, op->key);
		break;
	case SAXDP_OP_DIE:
		sa = sa_lookup(op->kind, op->key);
		if (op->done == DONE_CREATED) {
			if (sa)
				__sync_fetch_and_add(&sa->users, 1);
			break;
		}
		if (sa)
			sa->context = op->saved;
		life = plain_lookup(op->kind, op->key);
		if (life) {
			life->died = SAXDP_NEVER;
			links_add(op->kind, op->key, 1);
		}
		grave_pop(r);
		break;
	case SAXDP_OP_STORE:
	case SAXDP_OP_ADD:
	case SAXDP_OP_STAMP:
		undo_word(op);
		break;
	case SAXDP_OP_SERVE:
		undo_serve(op);
		break;
	case SAXDP_OP_CANDIDATE_ADD:
		undo_candidate_add(op);
		break;
	case SAXDP_OP_CANDIDATE_DIE:
		candidate_revive(op->kind, op->key, op->word, r->next);
		grave_pop(r);
		break;
	case SAXDP_OP_GUID_ADD:
		undo_guid_add(op);
		break;
	case SAXDP_OP_GUID_DIE:
		guid_revive(op->key, op->word, r->next);
		grave_pop(r);
		break;
	}
	op->done = DONE_NOTHING;
	return 0;
}

static __noinline int candidate_reclaim(struct saxdp_grave *g)
{
	struct saxdp_bucket *b;

	b = bucket_lookup(g->kind, g->key);
	if (!b)
		return 0;
	for (int i = 0; i < SAXDP_CANDIDATES; i++) {
		struct saxdp_candidate *c = &b->candidate[i];

		if (c->filter != g->word || c->life.died != g->died)
			continue;
		candidate_clear(c);
		b->used--;
		chain_trim(g->kind, (void *)g->key);
		break;
	}
	return 0;
}

static __always_inline void guid_reclaim(struct saxdp_grave *g)
{
	struct saxdp_guid *names = bpf_map_lookup_elem(&key, g->key);

	if (!names)
		return;
	for (int i = 0; i < 2; i++) {
		struct saxdp_guid_version *v = &names->version[i];

		if (v->id == g->word && v->life.died == g->died)
			guid_version_clear(v);
	}
	if (!names->version[0].life.born && !names->version[1].life.born)
		bpf_map_delete_elem(&key, g->key);
}

/* The oldest death, when its grace period is over. */
static long reclaim(__u32 i __attribute__((unused)), struct run *r)
{
	struct saxdp_engine *e = engine_get();
	struct saxdp_epoch *epoch;
	struct saxdp_grave *g;
	struct saxdp_life *life;

	if (!e)
		return 1;
	epoch = &e->epoch[r->epoch & 1];
	if (epoch->grave_tail == epoch->grave_head)
		return 1;
	g = grave_at(e, r->epoch, epoch->grave_tail);
	if (!g || g->died > r->graced)
		return 1;
	reclaimed_note(r, g->died);
	if (g->kind == SAXDP_KIND_SELECTOR4 || g->kind == SAXDP_KIND_SELECTOR6) {
		candidate_reclaim(g);
	} else if (g->kind == SAXDP_KIND_KEY) {
		guid_reclaim(g);
	} else {
		/* An insert of the same key may have been quicker; then another lives there now. */
		life = plain_lookup(g->kind, g->key);
		if (life && life->died == g->died)
			plain_remove(g->kind, g->key);
	}
	epoch->grave_tail++;
	return 0;
}

static __always_inline void mirror(struct saxdp_engine *e)
{
	struct saxdp_mirror *m;
	__u32 head = 0;

	m = bpf_map_lookup_elem(&staging, &head);
	if (!m)
		return;
	for (int i = 0; i < SAXDP_EPOCHS; i++) {
		m->generation[i] = e->epoch[i].generation;
		m->graced[i] = e->epoch[i].graced;
		m->dead[i] = e->epoch[i].grave_head - e->epoch[i].grave_tail;
	}
	m->reclaim_ns = e->reclaim_ns;
	m->txn = e->txn;
	m->state = e->state;
}

static __always_inline int busy_take(struct saxdp_engine *e)
{
	return __sync_val_compare_and_swap(&e->busy, 0, 1) == 0;
}

static __always_inline void busy_release(struct saxdp_engine *e)
{
	__sync_lock_test_and_set(&e->busy, 0);
}

static __always_inline int commit_run(struct saxdp_engine *e, volatile struct saxdp_commit *args)
{
	struct saxdp_epoch *epoch;
	struct run r = {
		.epoch = args->epoch,
		.first = args->first,
		.count = args->count,
	};

	if (e->state == SAXDP_STATE_GONE)
		return -ESHUTDOWN;
	if (e->txn != args->txn && !(args->flags & SAXDP_COMMIT_BEGIN && !e->txn))
		return -EBUSY;
	if (args->expect_policy && args->expect_policy != e->epoch[SAXDP_EPOCH_POLICY].generation)
		return -ESTALE;
	if (r.count > SAXDP_RUN_OPS || r.epoch > SAXDP_EPOCH_NONE)
		return -EINVAL;

	epoch = &e->epoch[r.epoch & 1];
	if (args->graced > epoch->graced && args->graced <= epoch->generation &&
	    r.epoch != SAXDP_EPOCH_NONE)
		epoch->graced = args->graced;
	r.next = epoch->generation + 1;
	r.graced = epoch->graced;
	if (args->reclaim && r.epoch != SAXDP_EPOCH_NONE) {
		bpf_loop(args->reclaim, reclaim, &r, 0);
		e->reclaim_ns = bpf_ktime_get_ns();
	}

	if (args->flags & SAXDP_COMMIT_MORE)
		e->txn_dirty = 1;
#ifdef TEST_COMMIT_EARLY
	/* What the tests have to notice: a generation that is seen before its entries. */
	if (r.epoch != SAXDP_EPOCH_NONE && r.count)
		__sync_lock_test_and_set(&epoch->generation, r.next);
#endif
	bpf_loop(r.count, apply, &r, 0);
	if (r.error) {
		args->failed = r.failed;
		bpf_loop(r.failed, undo, &r, 0);
#ifdef TEST_COMMIT_EARLY
		if (r.epoch != SAXDP_EPOCH_NONE)
			__sync_lock_test_and_set(&epoch->generation, r.next - 1);
#endif
		return r.error;
	}

	if (args->flags & SAXDP_COMMIT_BEGIN)
		e->txn = args->txn;
	if (args->flags & SAXDP_COMMIT_END) {
		e->txn = 0;
		e->txn_dirty = 0;
	}
	args->generation = r.next;
	/* An atomic exchange: on every processor all stores above are seen before this one. */
	if (r.epoch != SAXDP_EPOCH_NONE && r.count && !(args->flags & SAXDP_COMMIT_MORE))
		__sync_lock_test_and_set(&epoch->generation, r.next);
	return 0;
}

SEC("syscall")
int commit(struct saxdp_commit *ctx)
{
	/* "dereference of modified ctx ptr": clang must not compute addresses inside the context. */
	volatile struct saxdp_commit *args = ctx;
	struct saxdp_engine *e = engine_get();

	if (!e) {
		args->error = -EINVAL;
		return 0;
	}
	if (args->id_count) {
		__u32 kind = args->id_kind;

		if (kind >= SAXDP_IDS) {
			args->error = -EINVAL;
			return 0;
		}
		args->id = __sync_fetch_and_add(&e->next_id[kind], args->id_count);
		args->error = e->state == SAXDP_STATE_GONE ? -ESHUTDOWN : 0;
		return 0;
	}
	if (!busy_take(e)) {
		args->error = -EBUSY;
		return 0;
	}
	args->error = commit_run(e, args);
	mirror(e);
	busy_release(e);
	return 0;
}

/* --- a transaction whose process died between two of its runs ------------------------------------------ */

static long unborn_plain(void *map, const void *name, struct saxdp_life *life, struct run *r)
{
	if (life->born >= r->next)
		bpf_map_delete_elem(map, name);
	return 0;
}

static long unborn_filter(void *map, const void *name, struct saxdp_filter *f, struct run *r)
{
	if (f->life.born >= r->next) {
		links_add(SAXDP_KIND_FILTER, name, -1);
		bpf_map_delete_elem(map, name);
	}
	return 0;
}

static long unborn_guid(void *map, const void *name, struct saxdp_guid *g, struct run *r)
{
	for (int i = 0; i < 2; i++)
		if (g->version[i].life.born >= r->next)
			guid_version_clear(&g->version[i]);
	if (!g->version[0].life.born && !g->version[1].life.born)
		bpf_map_delete_elem(map, name);
	return 0;
}

/* Emptied buckets stay until a death or birth in their chain trims it. */
static long unborn_bucket(void *map, const struct selector_name *name, struct saxdp_bucket *b,
			  struct run *r)
{
	__u8 layer = name->layer, number = name->mask;

	for (int i = 0; i < SAXDP_CANDIDATES; i++) {
		struct saxdp_candidate *c = &b->candidate[i];

		if (c->life.born < r->next)
			continue;
		candidate_clear(c);
		b->used--;
		mask_use_add(layer, number, -1);
	}
	if (!b->used && !b->more && !name->chain)
		bpf_map_delete_elem(map, name);
	return 0;
}

/* The newest death, when the commit that it belongs to never came. */
static long revive(__u32 i __attribute__((unused)), struct run *r)
{
	struct saxdp_engine *e = engine_get();
	struct saxdp_epoch *epoch;
	struct saxdp_grave *g;
	struct saxdp_life *life;

	if (!e)
		return 1;
	epoch = &e->epoch[r->epoch & 1];
	if (epoch->grave_head == epoch->grave_tail)
		return 1;
	g = grave_at(e, r->epoch, epoch->grave_head - 1);
	if (!g || g->died < r->next)
		return 1;
	if (g->kind == SAXDP_KIND_SELECTOR4 || g->kind == SAXDP_KIND_SELECTOR6) {
		candidate_revive(g->kind, g->key, g->word, g->died);
	} else if (g->kind == SAXDP_KIND_KEY) {
		guid_revive(g->key, g->word, g->died);
	} else {
		life = plain_lookup(g->kind, g->key);
		if (life && life->died == g->died) {
			life->died = SAXDP_NEVER;
			links_add(g->kind, g->key, 1);
		}
	}
	epoch->grave_head--;
	return 0;
}

/*
 * Run by whoever holds the write lock and finds that engine.txn has an owner all the same. Only
 * explicit transactions take several runs, and they only change the policy.
 */
SEC("syscall")
int recover(struct saxdp_commit *ctx)
{
	volatile struct saxdp_commit *args = ctx;
	struct saxdp_engine *e = engine_get();
	struct run r = { .epoch = SAXDP_EPOCH_POLICY };

	args->error = -EBUSY;
	if (!e || !busy_take(e))
		return 0;
	if (e->txn_dirty) {
		r.next = e->epoch[SAXDP_EPOCH_POLICY].generation + 1;
		bpf_loop(e->grave_size[SAXDP_EPOCH_POLICY], revive, &r, 0);
		bpf_for_each_map_elem(&filter, unborn_filter, &r, 0);
		bpf_for_each_map_elem(&prov_context, unborn_plain, &r, 0);
		bpf_for_each_map_elem(&blob, unborn_plain, &r, 0);
		bpf_for_each_map_elem(&key, unborn_guid, &r, 0);
		bpf_for_each_map_elem(&selector4, unborn_bucket, &r, 0);
		bpf_for_each_map_elem(&selector6, unborn_bucket, &r, 0);
	}
	e->txn_dirty = 0;
	e->txn = 0;
	mirror(e);
	busy_release(e);
	args->error = 0;
	return 0;
}
