// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Explicit transactions, and the frame in which every call reads and changes the policy.
 *
 * A transaction that changes things holds the writer lock from begin to end and gathers its
 * operations on the heap; nothing of it is in a map before the commit. Who dies in it leaves the
 * engine as it was. A call inside sees the transaction's changes by looking through the list first.
 *
 * A read-only transaction reads at the generation of its beginning. Who may write holds the lock
 * shared, which keeps explicit transactions and reclaiming out; single calls take no lock, and who
 * may only read gets none. So each read asks afterwards whether something that has died since was
 * reclaimed. If so the transaction cannot go on seeing one state, and says so. Beyond that it is a
 * view like others: it reads again what was read while anything was removed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

enum {
	RESTARTS = 1000, /* of one call by quicker writers, before it is called a timeout */
	NSEC_PER_SEC = 1000000000,
	NSEC_PER_MSEC = 1000000,
	SHARED_PAUSE_NS = 200000,
};

struct transaction {
	bool read_only;
	int shared; /* descriptor of the shared lock of a read-only one, else -1 */
	struct saxdp_engine engine; /* at its beginning: nobody else commits meanwhile */
	struct change change;
	struct mask_plan *masks;
};

static int engine_read(const struct session *s, struct saxdp_engine *ret)
{
	int err = store_engine(s->inst, ret);

	if (!err && ret->state == SAXDP_STATE_GONE)
		return fail(FWP(RPC_E_DISCONNECTED), "instance %s: unloaded", s->inst->name);
	return err;
}

/* --- explicit transactions ---------------------------------------------------------------------------- */

static int shared_take(struct session *s, int *ret)
{
	const struct timespec pause = { .tv_nsec = SHARED_PAUSE_NS };
	int64_t waited_ns = 0;
	int fd;

	for (;;) {
		fd = write_lock_try_shared(s->inst);
		if (fd != -EWOULDBLOCK) {
			if (fd >= 0)
				*ret = fd;
			return fd < 0 ? fd : 0;
		}
		if (waited_ns >= s->txn_wait_ms * (int64_t)NSEC_PER_MSEC)
			return FWP(FWP_E_TIMEOUT);
		nanosleep(&pause, NULL);
		waited_ns += SHARED_PAUSE_NS;
	}
}

static void transaction_free(struct session *s)
{
	struct transaction *t = s->txn;

	if (!t)
		return;
	if (!t->read_only)
		change_release(&t->change);
	lock_close(&t->shared);
	mask_plan_free(t->masks);
	free(t);
	s->txn = NULL;
}

static int transaction_begin(struct session *s, bool read_only)
{
	struct transaction *t;
	int err;

	if (s->txn)
		return fail(FWP(FWP_E_TXN_IN_PROGRESS), "session: a transaction is in progress");
	if (!read_only && !session_writes(s))
		return fail(WIN32(ERROR_ACCESS_DENIED), "session: may only read");
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->read_only = read_only;
	t->shared = -1;
	if (!read_only) {
		change_init(&t->change, s, SAXDP_EPOCH_POLICY);
		err = change_index_init(&t->change);
		if (!err)
			err = commit_begin(s);
	} else {
		err = session_writes(s) ? shared_take(s, &t->shared) : 0;
	}
	s->txn = t;
	if (!err) {
		err = engine_read(s, &t->engine);
		if (err && !read_only)
			(void)commit_end(s, NULL);
	}
	if (err)
		transaction_free(s);
	return err;
}

static int transaction_commit(struct session *s)
{
	struct transaction *t = s->txn;
	struct policy p;
	int err = 0;

	if (!t)
		return fail(FWP(FWP_E_NO_TXN_IN_PROGRESS),
			    "session: no transaction is in progress");
	if (!t->read_only) {
		p = (struct policy){
			.session = s,
			.change = &t->change,
			.engine = t->engine,
			.masks = t->masks,
		};
		err = t->change.err ? t->change.err : mask_plan_commit(&p);
		t->masks = p.masks;
		if (!err)
			err = t->change.err;
		if (err)
			(void)commit_end(s, NULL);
		else
			err = commit_end(s, &t->change);
	}
	transaction_free(s);
	return err;
}

int transaction_abort(struct session *s)
{
	int err = 0;

	if (!s->txn)
		return fail(FWP(FWP_E_NO_TXN_IN_PROGRESS),
			    "session: no transaction is in progress");
	if (!s->txn->read_only)
		err = commit_end(s, NULL);
	transaction_free(s);
	return err;
}

DWORD FwpmTransactionBegin0(HANDLE engineHandle, UINT32 flags)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	pthread_mutex_lock(&s->lock);
	if (flags & ~(UINT32)FWPM_TXN_READ_ONLY)
		err = fail(FWP(FWP_E_INVALID_FLAGS), "transaction flags 0x%x: unknown", flags);
	else
		err = transaction_begin(s, flags & FWPM_TXN_READ_ONLY);
	pthread_mutex_unlock(&s->lock);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmTransactionCommit0(HANDLE engineHandle)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	pthread_mutex_lock(&s->lock);
	err = transaction_commit(s);
	pthread_mutex_unlock(&s->lock);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmTransactionAbort0(HANDLE engineHandle)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	pthread_mutex_lock(&s->lock);
	err = transaction_abort(s);
	pthread_mutex_unlock(&s->lock);
	session_put(s);
	return fwp_result(err);
}

bool transaction_open(const struct session *s)
{
	return s->txn;
}

void transaction_forked(struct session *s)
{
	if (s->txn && s->txn->shared >= 0)
		close(s->txn->shared);
}

/* --- the frame of a call -------------------------------------------------------------------------------- */

static bool any_dead(const struct saxdp_engine *e)
{
	uint64_t any = 0;

	for (int i = 0; i < SAXDP_SESSION_WORDS; i++)
		any |= e->dead_session[i];
	return any;
}

static void policy_own_reset(struct policy *p)
{
	change_release(&p->own);
	change_init(&p->own, p->session, SAXDP_EPOCH_POLICY);
	p->own.expect_policy = p->engine.epoch[SAXDP_EPOCH_POLICY].generation;
	mask_plan_free(p->masks);
	p->masks = NULL;
}

int policy_begin(struct policy *p, struct session *s)
{
	int err;

	*p = (struct policy){ .session = s };
	pthread_mutex_lock(&s->lock);
	if (s->txn && s->txn->read_only)
		err = fail(FWP(FWP_E_INCOMPATIBLE_TXN), "session: its transaction is read-only");
	else if (!session_writes(s))
		err = fail(WIN32(ERROR_ACCESS_DENIED), "session: may only read");
	else
		err = engine_read(s, &p->engine);
	/* Who writes next removes what dead sessions left. */
	if (!err && !s->txn && !s->sweeping && any_dead(&p->engine)) {
		s->sweeping = true;
		pthread_mutex_unlock(&s->lock);
		err = session_sweep(s);
		pthread_mutex_lock(&s->lock);
		s->sweeping = false;
		if (!err)
			err = engine_read(s, &p->engine);
	}
	if (err) {
		pthread_mutex_unlock(&s->lock);
		return err;
	}
	change_init(&p->own, s, SAXDP_EPOCH_POLICY);
	p->own.expect_policy = p->engine.epoch[SAXDP_EPOCH_POLICY].generation;
	p->change = &p->own;
	if (s->txn) {
		p->engine = s->txn->engine;
		p->change = &s->txn->change;
		p->mark = p->change->count;
		p->masks = mask_plan_copy(s->txn->masks);
		if (!p->masks && s->txn->masks)
			err = -ENOMEM;
	}
	if (err)
		pthread_mutex_unlock(&s->lock);
	return err;
}

static bool policy_finish(struct policy *p)
{
	change_release(&p->own);
	mask_plan_free(p->masks);
	pthread_mutex_unlock(&p->session->lock);
	return false;
}

bool policy_again(struct policy *p, int *err)
{
	struct transaction *t = p->session->txn;
	struct saxdp_engine now;

	if (!*err)
		*err = p->change->err;
	if (t) {
		if (*err) {
			change_truncate(p->change, p->mark);
		} else {
			mask_plan_free(t->masks);
			t->masks = p->masks;
			p->masks = NULL;
		}
		return policy_finish(p);
	}

	if (!*err)
		*err = mask_plan_commit(p);
	if (!*err)
		*err = change_commit(&p->own);
	if (!*err)
		return policy_finish(p);
	/* A failure counts only if it was found in the policy that is still the newest. */
	if (engine_read(p->session, &now)) {
		*err = FWP(RPC_E_DISCONNECTED);
		return policy_finish(p);
	}
	if (now.epoch[SAXDP_EPOCH_POLICY].generation ==
		    p->engine.epoch[SAXDP_EPOCH_POLICY].generation &&
	    *err != -ESTALE)
		return policy_finish(p);
	if (++p->tries >= RESTARTS) {
		*err = FWP(FWP_E_TIMEOUT);
		return policy_finish(p);
	}
	p->engine = now;
	policy_own_reset(p);
	return true;
}

int policy_read_begin(struct policy *p, struct session *s)
{
	int err;

	*p = (struct policy){ .session = s, .view = VIEW_SESSION_INIT(s) };
	pthread_mutex_lock(&s->lock);
	err = view_begin(&p->view);
	p->engine = s->txn ? s->txn->engine : p->view.engine;
	if (s->txn && !s->txn->read_only)
		p->change = &s->txn->change;
	if (err)
		pthread_mutex_unlock(&s->lock);
	return err;
}

/* Entries alive at the beginning may be gone: their absence proves nothing. */
static int transaction_still(const struct session *s)
{
	uint64_t generation = s->txn->engine.epoch[SAXDP_EPOCH_POLICY].generation;
	struct saxdp_engine now;
	int err = engine_read(s, &now);

	if (!err && now.epoch[SAXDP_EPOCH_POLICY].reclaimed > generation)
		err = fail(FWP(FWP_E_TXN_ABORTED),
			   "session: what its transaction may still see was reclaimed");
	return err;
}

bool policy_read_again(struct policy *p, int *err)
{
	const struct transaction *t = p->session->txn;
	int ended = 0;

	if (t && t->read_only)
		ended = transaction_still(p->session);
	/* One that changes holds the lock: nothing is removed beside it. */
	if (!ended && (!t || t->read_only) && view_again(&p->view, err)) {
		ended = view_begin(&p->view);
		if (!t)
			p->engine = p->view.engine;
		if (!ended)
			return true;
	}
	if (ended)
		*err = ended;
	lock_close(&p->view.lock);
	pthread_mutex_unlock(&p->session->lock);
	return false;
}

static bool alive_now(const struct policy *p, const void *value)
{
	const struct saxdp_life *life = value;
	uint64_t generation = p->engine.epoch[SAXDP_EPOCH_POLICY].generation;

	return life->born <= generation && generation < life->died;
}

int policy_lookup(struct policy *p, enum saxdp_kind kind, const void *key, void *ret)
{
	const struct saxdp_op *op = p->change ? change_find(p->change, kind, key) : NULL;
	int err;

	if (op && op->code == SAXDP_OP_DIE)
		return -ENOENT;
	if (op) {
		memcpy(ret, op->value, kind_value_size(kind));
		return 0;
	}
	err = store_lookup(p->session->inst, kind, key, ret);
	return err ? err : alive_now(p, ret) ? 0 : -ENOENT;
}

int policy_guid(struct policy *p, enum saxdp_kind kind, const GUID *guid, uint64_t *ret)
{
	uint64_t generation = p->engine.epoch[SAXDP_EPOCH_POLICY].generation;
	struct saxdp_guid_key key = { .kind = kind };
	const struct saxdp_op *op;
	struct saxdp_guid names;
	int err;

	memcpy(key.guid, guid, sizeof(key.guid));
	op = p->change ? change_find(p->change, SAXDP_KIND_KEY, &key) : NULL;
	if (op) {
		if (op->code == SAXDP_OP_GUID_DIE)
			return -ENOENT;
		*ret = op->word;
		return 0;
	}
	err = store_lookup(p->session->inst, SAXDP_KIND_KEY, &key, &names);
	for (int i = 0; i < 2 && !err; i++) {
		const struct saxdp_guid_version *v = &names.version[i];

		if (v->life.born && v->life.born <= generation && generation < v->life.died) {
			*ret = v->id;
			return 0;
		}
	}
	return err ? err : -ENOENT;
}

struct each {
	struct policy *policy;
	enum saxdp_kind kind;
	int (*fn)(void *ctx, const void *key, const void *value);
	void *ctx;
};

static int each_filter(void *ctx, const void *key, const void *value)
{
	struct each *e = ctx;
	const struct saxdp_op *op;

	if (!alive_now(e->policy, value))
		return 0;
	op = e->policy->change ? change_find(e->policy->change, e->kind, key) : NULL;
	return op ? 0 : e->fn(e->ctx, key, value);
}

int policy_each(struct policy *p, enum saxdp_kind kind,
		int (*fn)(void *ctx, const void *key, const void *value), void *ctx)
{
	struct each e = { .policy = p, .kind = kind, .fn = fn, .ctx = ctx };
	int err;

	err = store_each(p->session->inst, kind, each_filter, &e);
	for (uint32_t i = 0; p->change && i < p->change->count && !err; i++) {
		const struct saxdp_op *op = &p->change->op[i];

		if (op->kind == kind && op->code == SAXDP_OP_INSERT &&
		    change_find(p->change, kind, op->key) == op)
			err = fn(ctx, op->key, op->value);
	}
	return err;
}
