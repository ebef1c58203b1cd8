// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * THE COMMIT PROTOCOL
 *
 * The engine has no journal. It is multi-versioned: entries carry the generations at which they
 * were born and died, and one word, the generation of their epoch, says which of them count. A
 * commit is one run of the BPF program `commit` over a list of operations in `staging`.
 *
 * Invariants:
 *
 *  1. Only the commit program writes what packets or other processes read; packets only count.
 *  2. A run holds engine.busy, taken by compare-and-swap. It goes to its end even when its process
 *     is killed, so nobody waits for the dead. Who meets the word taken fails and tries again.
 *  3. What a run creates is born, and what it ends dies, at generation + 1, stamped by the program.
 *     The generation is stored last, by an atomic exchange: before it, nobody sees anything of the
 *     run; after it, everybody sees all of it.
 *  4. A run that fails has undone what it did before it gives engine.busy back.
 *  5. Whoever read the generation g sees exactly what has born <= g < died. Packets read g once,
 *     inside an RCU read section.
 *  6. An entry that packets count in is never replaced while it lives. It changes by stores in
 *     place, which user space cannot do without copying stale counters back.
 *  7. What died at generation d is removed, reused or written over only when d <= graced: when an
 *     RCU grace period has passed since d was the newest generation, so that no packet still
 *     judges by an older one. The same holds for the two things that are written over in place, the
 *     older serving context of a tunnel and the mask set of the other parity. A run that meets
 *     something not yet graced says EAGAIN; the wait is here, at most once for a commit.
 *  8. `reclaimed` is raised to d before the first entry that died at d goes, and `removed` counts
 *     each that goes. A process that reads without a lock compares both afterwards, and starts
 *     again if its generation was passed or memory changed hands while it copied.
 *  9. Every death is queued in `grave`, in order. Reclaiming takes from the old end; undo and
 *     recovery take from the new end.
 * 10. A single call takes no lock. It passes what it has read as expectations: the policy's
 *     generation, words of entries. If one no longer holds the run fails, and the call reads again.
 * 11. An explicit transaction holds the writer lock (lock.c) and its session's number in engine.txn
 *     from begin to end. Runs of others fail meanwhile, and wait for the lock instead; except those
 *     without an epoch, by which sessions come and go, as nothing they write has a version.
 * 12. Only a transaction may take several runs; all but the last leave the generation as it is. If
 *     it fails or dies in between, the next holder of the lock runs `recover`, which removes what
 *     was born after the generation and revives what died after it. engine.txn with the lock free
 *     is how it knows.
 * 13. Reclaiming holds the writer lock exclusively, a reader at its third try shared: so readers
 *     get through beside a busy writer.
 *
 * Each session stages in a part of `staging` of its own, so that a call is one system call; lists
 * that do not fit there, and transactions, use the common part, which belongs to the lock.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

enum {
	DEAD_MANY = 16384, /* reclaim when so many wait, half of the SAs' grave, */
	DEAD_AGE_NS = 1000000000, /* or some for a second */
	RECLAIM_RUN = DEAD_MANY, /* entries a run: about 4 ms, in which packets are served */
	YIELDS = 64, /* before a busy engine is waited for by the clock */
	PAUSE_NS = 50000,
	NSEC_PER_MSEC = 1000000,
	NSEC_PER_SEC = 1000000000,
	INDEX_BUCKETS = 4096,
	NO_OP = 0xffffffff,
};

struct change_index {
	uint32_t bucket[INDEX_BUCKETS]; /* newest operation */
	uint32_t *next; /* by operation; room of the change */
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

/* --- change lists ------------------------------------------------------------------------------ */

static struct saxdp_op *session_staging(const struct session *s)
{
	return s->inst->staging + SAXDP_STAGING_HEAD + (size_t)s->slot * SAXDP_SESSION_OPS;
}

static bool change_on_heap(const struct change *c)
{
	return c->op != session_staging(c->session);
}

void change_init(struct change *c, struct session *s, enum saxdp_epoch_id epoch)
{
	*c = (struct change){
		.session = s,
		.epoch = epoch,
		.op = session_staging(s),
		.room = SAXDP_SESSION_OPS,
	};
}

int change_index_init(struct change *c)
{
	c->index = malloc(sizeof(*c->index));
	if (!c->index)
		return -ENOMEM;
	memset(c->index->bucket, 0xff, sizeof(c->index->bucket));
	c->index->next = NULL;
	/* A transaction's list lives longer than a call, the session's staging does not. */
	c->op = NULL;
	c->room = 0;
	return 0;
}

void change_release(struct change *c)
{
	if (c->index)
		free(c->index->next);
	free(c->index);
	if (change_on_heap(c))
		free(c->op);
	c->index = NULL;
	c->op = session_staging(c->session);
	c->count = 0;
	c->room = SAXDP_SESSION_OPS;
}

static int change_grow(struct change *c)
{
	uint32_t room = c->room ? c->room * 2 : SAXDP_SESSION_OPS;
	struct saxdp_op *op;
	uint32_t *next;

	op = realloc(change_on_heap(c) ? c->op : NULL, room * sizeof(*op));
	if (!op)
		return -ENOMEM;
	if (!change_on_heap(c))
		memcpy(op, c->op, c->count * sizeof(*op));
	c->op = op;
	if (c->index) {
		next = realloc(c->index->next, room * sizeof(*next));
		if (!next)
			return -ENOMEM;
		c->index->next = next;
	}
	c->room = room;
	return 0;
}

static uint32_t key_hash(enum saxdp_kind kind, const void *key)
{
	const unsigned char *k = key;
	uint32_t hash = 2166136261U ^ kind; /* FNV-1a */

	for (size_t i = 0; i < kind_key_size(kind); i++)
		hash = (hash ^ k[i]) * 16777619U;
	return (hash ^ hash >> 15) % INDEX_BUCKETS;
}

static bool op_indexed(const struct saxdp_op *op)
{
	switch (op->code) {
	case SAXDP_OP_INSERT:
	case SAXDP_OP_ENSURE:
	case SAXDP_OP_DIE:
	case SAXDP_OP_GUID_ADD:
	case SAXDP_OP_GUID_DIE:
		return true;
	}
	return false;
}

static struct saxdp_op *change_add(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind,
				   const void *key)
{
	struct saxdp_op *op;

	if (!c->err && c->count == c->room)
		c->err = change_grow(c);
	if (c->err)
		return NULL;
	op = &c->op[c->count];
	memset(op, 0, offsetof(struct saxdp_op, value));
	op->code = code;
	op->kind = kind;
	memcpy(op->key, key, kind_key_size(kind));
	if (c->index && op_indexed(op)) {
		uint32_t *bucket = &c->index->bucket[key_hash(kind, key)];

		c->index->next[c->count] = *bucket;
		*bucket = c->count;
	}
	c->count++;
	return op;
}

const struct saxdp_op *change_find(const struct change *c, enum saxdp_kind kind, const void *key)
{
	if (!c->index)
		return NULL;
	for (uint32_t i = c->index->bucket[key_hash(kind, key)]; i != NO_OP; i = c->index->next[i])
		if (c->op[i].kind == kind && !memcmp(c->op[i].key, key, kind_key_size(kind)))
			return &c->op[i];
	return NULL;
}

void change_truncate(struct change *c, uint32_t count)
{
	while (c->count > count) {
		const struct saxdp_op *op = &c->op[--c->count];

		if (c->index && op_indexed(op))
			c->index->bucket[key_hash(op->kind, op->key)] = c->index->next[c->count];
	}
	c->err = 0;
}

static struct saxdp_op *change_value(struct change *c, enum saxdp_op_code code,
				     enum saxdp_kind kind, const void *key, const void *value)
{
	struct saxdp_op *op = change_add(c, code, kind, key);

	if (op)
		memcpy(op->value, value, kind_value_size(kind));
	return op;
}

struct saxdp_op *change_insert(struct change *c, enum saxdp_kind kind, const void *key,
			       const void *value)
{
	return change_value(c, SAXDP_OP_INSERT, kind, key, value);
}

struct saxdp_op *change_ensure(struct change *c, enum saxdp_kind kind, const void *key,
			       const void *value)
{
	return change_value(c, SAXDP_OP_ENSURE, kind, key, value);
}

void change_die(struct change *c, enum saxdp_kind kind, const void *key)
{
	change_add(c, SAXDP_OP_DIE, kind, key);
}

void change_sa_op(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind, const void *key,
		  const struct saxdp_sa *sa, uint64_t word)
{
	static const struct saxdp_sa none;
	struct saxdp_op *op = change_value(c, code, kind, key, sa ? sa : &none);

	if (op)
		op->word = word;
}

void change_word(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind, const void *key,
		 size_t offset, uint64_t word)
{
	struct saxdp_op *op = change_add(c, code, kind, key);

	if (op) {
		op->offset = offset;
		op->word = word;
	}
}

static void change_bytes(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind,
			 const void *key, size_t offset, const void *bytes, size_t length)
{
	struct saxdp_op *op = change_add(c, code, kind, key);

	if (op) {
		op->offset = offset;
		op->length = length;
		memcpy(op->value, bytes, length);
	}
}

void change_write(struct change *c, enum saxdp_kind kind, uint32_t index, size_t offset,
		  const void *bytes, size_t length)
{
	change_bytes(c, SAXDP_OP_WRITE, kind, &index, offset, bytes, length);
}

void change_fill(struct change *c, uint64_t context, size_t offset, const void *bytes,
		 size_t length)
{
	change_bytes(c, SAXDP_OP_FILL, SAXDP_KIND_CONTEXT, &context, offset, bytes, length);
}

void change_serve(struct change *c, const struct saxdp_tunnel_key *tunnel, uint64_t context)
{
	struct saxdp_op *op = change_add(c, SAXDP_OP_SERVE, SAXDP_KIND_TUNNEL, tunnel);

	if (op)
		op->word = context;
}

void change_candidate_add(struct change *c, enum saxdp_kind kind, const void *key,
			  const struct saxdp_candidate *candidate)
{
	struct saxdp_op *op = change_add(c, SAXDP_OP_CANDIDATE_ADD, kind, key);
	struct saxdp_bucket *bucket;

	if (!op)
		return;
	bucket = (struct saxdp_bucket *)op->value;
	memset(bucket, 0, sizeof(*bucket));
	bucket->candidate[0] = *candidate;
}

void change_candidate_die(struct change *c, enum saxdp_kind kind, const void *key, uint64_t filter)
{
	struct saxdp_op *op = change_add(c, SAXDP_OP_CANDIDATE_DIE, kind, key);

	if (op)
		op->word = filter;
}

void change_guid(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind, const GUID *guid,
		 uint64_t id)
{
	struct saxdp_guid_key key = { .kind = kind };
	struct saxdp_op *op;

	memcpy(key.guid, guid, sizeof(key.guid));
	op = change_add(c, code, SAXDP_KIND_KEY, &key);
	if (op)
		op->word = id;
}

void change_put(struct change *c, enum saxdp_kind kind, const void *key, const void *value)
{
	change_value(c, SAXDP_OP_PUT, kind, key, value);
}

void change_remove(struct change *c, enum saxdp_kind kind, const void *key)
{
	change_add(c, SAXDP_OP_REMOVE, kind, key);
}

/* --- runs ----------------------------------------------------------------------------------------- */

static int program_run(int program, struct saxdp_commit *args)
{
	/* A syscall program's results come back in ctx_in; ctx_out is refused. */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(*args));

	if (bpf_prog_test_run_opts(program, &opts))
		return -errno;
	return args->error;
}

/* Every packet that began before this call is done when it returns. */
static int grace_wait(const struct instance *inst)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(inst->grace, &zero, &inst->grace_inner, BPF_ANY) ? -errno : 0;
}

/* After it, what died up to the generation that was the newest before may go. */
static int grace_for(const struct instance *inst, struct saxdp_commit *args)
{
	uint64_t generation;
	int err;

	if (args->epoch >= SAXDP_EPOCHS)
		return 0;
	generation = instance_mirror(inst)->generation[args->epoch];
	err = grace_wait(inst);
	if (!err)
		args->graced = generation;
	return err;
}

static void pause_for_others(unsigned int tries)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };

	if (tries < YIELDS)
		sched_yield();
	else
		nanosleep(&pause, NULL);
}

static bool reclaim_due(const struct instance *inst, uint32_t epoch)
{
	const volatile struct saxdp_mirror *m = instance_mirror(inst);

	if (epoch >= SAXDP_EPOCHS || !m->dead[epoch])
		return false;
	return m->dead[epoch] >= DEAD_MANY || now_ns() - (int64_t)m->reclaim_ns > DEAD_AGE_NS;
}

static int recover_run(const struct instance *inst)
{
	struct saxdp_commit args = {};
	int err;

	for (unsigned int tries = 0;; tries++) {
		err = program_run(inst->recover, &args);
		if (err != -EBUSY)
			return err;
		pause_for_others(tries);
	}
}

/*
 * One run, with everything that can stand in its way: others at work, a transaction (waits for the
 * lock), a grace period that is due, full maps that hold what is dead. `lock` is the caller's when
 * it is in a transaction, else taken and released here as needed.
 */
static int run_until_done(struct session *s, struct saxdp_commit *args)
{
	struct write_lock own = WRITE_LOCK_INIT;
	struct instance *inst = s->inst;
	int64_t deadline = 0;
	bool locked = s->write_lock.write >= 0, reclaimed = false;
	unsigned int busy = 0;
	int err = 0;

	args->session = s->slot + 1;
	if (reclaim_due(inst, args->epoch) && (locked || !write_lock_take(&own, inst, 0))) {
		err = grace_for(inst, args);
		args->reclaim = RECLAIM_RUN;
	}
	while (!err) {
		err = program_run(inst->commit, args);
		/* Done once; the lock it needed is not kept for what follows. */
		if (own.write >= 0 && args->reclaim && err != -EBUSY) {
			args->reclaim = 0;
			write_lock_release(&own);
		}
		if (err == -EBUSY) {
			uint32_t txn = instance_mirror(inst)->txn;

			if (!deadline)
				deadline = now_ns() + s->txn_wait_ms * (int64_t)NSEC_PER_MSEC;
			err = now_ns() < deadline ? 0 : FWP(FWP_E_TIMEOUT);
			if (err || !txn || txn == args->txn || locked) {
				pause_for_others(busy++);
				continue;
			}
			if (own.write < 0)
				err = write_lock_take(&own, inst, s->txn_wait_ms);
			/* Ours: whoever engine.txn still names is gone. */
			if (!err && instance_mirror(inst)->txn)
				err = recover_run(inst);
		} else if (err == -EAGAIN) {
			err = grace_for(inst, args);
		} else if ((err == -E2BIG || err == -ENOSPC || err == -ENOMEM) && !reclaimed &&
			   args->epoch < SAXDP_EPOCHS) {
			/* Full means full after reclaiming. */
			reclaimed = true;
			err = locked || own.write >= 0 ?
				      0 :
				      write_lock_take(&own, inst, s->txn_wait_ms);
			if (!err)
				err = grace_for(inst, args);
			args->reclaim = UINT32_MAX;
		} else {
			break;
		}
	}
	write_lock_release(&own);
	if (err == -ESHUTDOWN)
		return FWP(RPC_E_DISCONNECTED);
	if (err == -E2BIG)
		return -ENOSPC;
	return err;
}

int change_commit(struct change *c)
{
	struct session *s = c->session;
	struct saxdp_commit args = {
		.epoch = c->epoch,
		.first = session_staging(s) - s->inst->staging,
		.count = c->count,
		.expect_policy = c->expect_policy,
	};
	int err;

	if (c->err || !c->count)
		return c->err;
	if (change_on_heap(c)) {
		err = commit_begin(s);
		return err ? err : commit_end(s, c);
	}
	err = run_until_done(s, &args);
	c->failed = args.failed;
	c->generation = args.generation;
	return err;
}

int commit_begin(struct session *s)
{
	struct saxdp_commit args = {
		.epoch = SAXDP_EPOCH_NONE,
		.flags = SAXDP_COMMIT_BEGIN,
		.txn = s->slot + 1,
	};
	int err;

	err = write_lock_take(&s->write_lock, s->inst, s->txn_wait_ms);
	if (err)
		return err;
	if (instance_mirror(s->inst)->txn)
		err = recover_run(s->inst);
	if (!err)
		err = run_until_done(s, &args);
	if (err)
		write_lock_release(&s->write_lock);
	return err;
}

int commit_end(struct session *s, struct change *c)
{
	struct saxdp_commit end = {
		.epoch = SAXDP_EPOCH_NONE,
		.flags = SAXDP_COMMIT_END,
		.txn = s->slot + 1,
	};
	uint32_t done = 0;
	int err = 0;

	while (c && done < c->count && !err) {
		uint32_t left = c->count - done, n = left < SAXDP_RUN_OPS ? left : SAXDP_RUN_OPS;
		struct saxdp_commit args = {
			.epoch = c->epoch,
			.flags = n == left ? SAXDP_COMMIT_END : SAXDP_COMMIT_MORE,
			.first = SAXDP_STAGING_TXN,
			.count = n,
			.txn = s->slot + 1,
			.expect_policy = c->expect_policy,
		};

		memcpy(s->inst->staging + SAXDP_STAGING_TXN, c->op + done, n * sizeof(*c->op));
		err = run_until_done(s, &args);
		c->failed = done + args.failed;
		c->generation = args.generation;
		if (!err)
			done += n;
	}
	if (err && done)
		recover_run(s->inst); /* takes back the runs before this one, and engine.txn */
	else if (err || !c || !c->count)
		run_until_done(s, &end);
	write_lock_release(&s->write_lock);
	return err;
}

int id_reserve(struct session *s, enum saxdp_id kind, uint64_t *ret)
{
	struct id_pool *pool = &s->ids[kind];
	struct saxdp_commit args = {
		.epoch = SAXDP_EPOCH_NONE,
		.id_kind = kind,
		.id_count = pool->last ? pool->last * 2 : 1,
	};
	int err;

	if (pool->next == pool->end) {
		if (args.id_count > SESSION_IDS)
			args.id_count = SESSION_IDS;
		err = program_run(s->inst->commit, &args);
		if (err)
			return err == -ESHUTDOWN ? FWP(RPC_E_DISCONNECTED) : err;
		pool->last = args.id_count;
		pool->next = args.id;
		pool->end = args.id + args.id_count;
	}
	*ret = pool->next++;
	return 0;
}
