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
#include "bucket.bpf.h"
#include "entry.bpf.h"
#include "name.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* BPF_MAX_LOOPS of the kernel: of more, bpf_loop() does nothing at all and returns E2BIG. */
enum { LOOP_MAX = 1 << 23 };

/* What a run without an epoch may do: nothing that has a version. */
static __always_inline int op_unversioned(const struct saxdp_op *op)
{
	switch (op->code) {
	case SAXDP_OP_PUT:
	case SAXDP_OP_REMOVE:
		return 1;
	case SAXDP_OP_EXPECT:
	case SAXDP_OP_STORE:
		return op->kind == SAXDP_KIND_ENGINE;
	}
	return 0;
}

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
	if (r->epoch == SAXDP_EPOCH_NONE && !op_unversioned(op)) {
		r->error = -EPERM;
		return 1;
	}
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
		err = op_word(op);
		break;
	case SAXDP_OP_FILL:
		err = op_fill(r, op);
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
				sa_swap_owner(sa, op);
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
			if (sa && op->place)
				sa_swap_owner(sa, op);
			break;
		}
		life = plain_lookup(op->kind, op->key);
		if (life) {
			life->died = SAXDP_NEVER;
			links_add(op->kind, op->key, 1);
		}
		grave_pop(r);
		break;
	case SAXDP_OP_STORE:
	case SAXDP_OP_ADD:
		undo_word(op);
		break;
	case SAXDP_OP_FILL:
		undo_fill(op);
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
	removed_note(r, g->died);
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
	/* Sessions come and go, and switches are turned, beside a transaction. */
	if (e->txn != args->txn && !(args->flags & SAXDP_COMMIT_BEGIN && !e->txn) &&
	    !(r.epoch == SAXDP_EPOCH_NONE && !args->flags))
		return -EBUSY;
	if (args->expect_policy && args->expect_policy != e->epoch[SAXDP_EPOCH_POLICY].generation)
		return -ESTALE;
	if (r.count > SAXDP_RUN_OPS || r.epoch > SAXDP_EPOCH_NONE)
		return -EINVAL;

	/* What one run of several wrote only recovery takes back: it needs a transaction to know of. */
	if (args->flags & SAXDP_COMMIT_MORE && (!args->txn || r.epoch != SAXDP_EPOCH_POLICY))
		return -EPERM;

	epoch = &e->epoch[r.epoch & 1];
	if (args->graced > epoch->graced && args->graced <= epoch->generation &&
	    r.epoch != SAXDP_EPOCH_NONE)
		epoch->graced = args->graced;
	r.next = epoch->generation + 1;
	r.graced = epoch->graced;
	if (args->reclaim && r.epoch != SAXDP_EPOCH_NONE) {
		__u32 most = args->reclaim;

		bpf_loop(most < LOOP_MAX ? most : LOOP_MAX, reclaim, &r, 0);
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

static long unborn_prov_context(void *map, const void *name, struct saxdp_prov_context *c,
				struct run *r)
{
	if (c->life.born >= r->next) {
		links_add(SAXDP_KIND_PROV_CONTEXT, name, -1);
		bpf_map_delete_elem(map, name);
	}
	return 0;
}

static long unborn_sublayer(void *map, const void *name, struct saxdp_sublayer *s, struct run *r)
{
	if (s->object.life.born >= r->next) {
		links_add(SAXDP_KIND_SUBLAYER, name, -1);
		bpf_map_delete_elem(map, name);
	}
	return 0;
}

static long unborn_callout(void *map, const void *name, struct saxdp_callout *c, struct run *r)
{
	if (c->object.life.born >= r->next) {
		links_add(SAXDP_KIND_CALLOUT, name, -1);
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
	if (!b->used && !b->more && !name->chain) {
		bucket_close(b);
		bpf_map_delete_elem(map, name);
	}
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
		/* The largest grave has twice as many; each loop ends at the first that may stay dead. */
		bpf_loop(LOOP_MAX, revive, &r, 0);
		bpf_loop(LOOP_MAX, revive, &r, 0);
		bpf_for_each_map_elem(&filter, unborn_filter, &r, 0);
		bpf_for_each_map_elem(&prov_context, unborn_prov_context, &r, 0);
		bpf_for_each_map_elem(&sublayer, unborn_sublayer, &r, 0);
		bpf_for_each_map_elem(&callout, unborn_callout, &r, 0);
		bpf_for_each_map_elem(&provider, unborn_plain, &r, 0);
		bpf_for_each_map_elem(&blob, unborn_plain, &r, 0);
		bpf_for_each_map_elem(&key, unborn_guid, &r, 0);
		bpf_for_each_map_elem(&selector4, unborn_bucket, &r, 0);
		bpf_for_each_map_elem(&selector6, unborn_bucket, &r, 0);
		/*
		 * Two on, which keeps the parity and so mask sets and order: a writer without the lock may
		 * have read what was taken back, the use of masks for one, and must read again.
		 */
		__sync_lock_test_and_set(&e->epoch[SAXDP_EPOCH_POLICY].generation, r.next + 1);
	}
	e->txn_dirty = 0;
	e->txn = 0;
	mirror(e);
	busy_release(e);
	args->error = 0;
	return 0;
}
