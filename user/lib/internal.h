/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files of the library share.
 *
 * Every function that can fail returns 0, -errno, or a code of the API as a negative int: FWP_E_*
 * and RPC_E_* as they are, Win32 codes through WIN32(). Only fwp_result() in error.c makes a DWORD.
 */
#ifndef SAXDP_INTERNAL_H
#define SAXDP_INTERNAL_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwpmu.h"
#include "saxdp.h"
#include "saxdp_abi.h"

/* As HRESULT_FROM_WIN32; fwp_result() takes it back. */
#define WIN32(code) ((int)(0x80070000U | (code)))
#define FWP(code)   ((int)(code))

struct out;
struct session;

/* --- error.c -------------------------------------------------------------------------------------- */

DWORD fwp_result(int err);
/* Keeps the text for saxdp_error() and returns err. */
int fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- instance.c: the pins of one instance, opened ----------------------------------------------------- */

/*
 * Shared by all handles of a process on the same instance; counted. Descriptors are O_CLOEXEC, and
 * -1 where the process may not have them: `commit` >= 0 says that it may write.
 */
struct instance {
	unsigned int refs; /* instances_lock */
	struct instance *next; /* instances_lock */
	char name[64];
	uint32_t engine_id; /* of the map: another load is another instance */
	int map[SAXDP_KIND_COUNT];
	int engine_count, attached, steer_cpu, steer_dev, steer_xsk;
	int write_dir; /* O_PATH of write/ */
	int commit, recover, tick_arm;
	int alive, grace, grace_inner, staging_fd;
	struct saxdp_op *staging; /* mapped, SAXDP_STAGING_OPS */
};

enum instance_access {
	INSTANCE_READ, /* maps read-only; write/ when the process may */
	INSTANCE_ROOT, /* maps read and write, for load, attach and steer */
};

int instance_get(const char *name, enum instance_access access, struct instance **ret);
struct instance *instance_ref(struct instance *inst); /* one more of an open one */
void instance_put(struct instance *inst);
/* Closes everything in a child after fork(); the memory is leaked, as another thread may use it. */
void instance_forked(void);
/* "/sys/fs/bpf/saxdp/NAME/ENTRY"; entry may be "" for the directory. */
int instance_path(char *buf, size_t size, const char *name, const char *entry);
/* NULL: environment or default. -EINVAL when it cannot be a directory's name. */
int instance_name(const char *name, const char **ret);

static inline const volatile struct saxdp_mirror *instance_mirror(const struct instance *inst)
{
	return (const volatile struct saxdp_mirror *)inst->staging;
}

/* --- store.c: typed reads of the maps ----------------------------------------------------------------- */

/* What is alive at one generation, seen without a lock: the reader's algorithm of saxdp_abi.h. */
struct view {
	const struct instance *inst;
	struct saxdp_engine engine;
	unsigned int tries;
	int lock; /* held shared from the third try on, by who may write; else -1 */
	uint32_t wait_ms; /* until FWP_E_TIMEOUT; 0: 15 s */
	int64_t deadline_ns;
};

/*
 *	struct view v = VIEW_INIT(inst);
 *
 *	do {
 *		err = view_begin(&v);
 *		if (err)
 *			break;
 *		err = ...reads...;	(a failure may come from what was being reclaimed)
 *	} while (view_again(&v, &err));
 */
#define VIEW_INIT(instance)                    \
	{                                      \
		.inst = (instance), .lock = -1 \
	}
/* Of a call in a session, which says how long it waits. */
#define VIEW_SESSION_INIT(s)                                               \
	{                                                                  \
		.inst = (s)->inst, .lock = -1, .wait_ms = (s)->txn_wait_ms \
	}
int view_begin(struct view *v);
bool view_again(struct view *v, int *err);

static inline bool view_alive(const struct view *v, enum saxdp_epoch_id epoch,
			      const struct saxdp_life *life)
{
	uint64_t generation = v->engine.epoch[epoch].generation;

	return life->born <= generation && generation < life->died;
}

size_t kind_key_size(enum saxdp_kind kind);
size_t kind_value_size(enum saxdp_kind kind);

int store_engine(const struct instance *inst, struct saxdp_engine *ret);
/* -ENOENT when the key is not there, alive or dead. */
int store_lookup(const struct instance *inst, enum saxdp_kind kind, const void *key, void *ret);
/* Batched; stops with what fn returns when that is not 0. */
int store_each(const struct instance *inst, enum saxdp_kind kind,
	       int (*fn)(void *ctx, const void *key, const void *value), void *ctx);
/* CLOCK_REALTIME of a last_used in jiffies; 0 for 0. */
uint64_t store_realtime_ns(const struct saxdp_engine *engine, uint64_t jiffies);

/* --- lock.c: the writer lock --------------------------------------------------------------------------- */

/* Descriptors of one holder; a flock belongs to the open file, so each holder opens its own. */
struct write_lock {
	int queue, write;
};

#define WRITE_LOCK_INIT \
	{               \
		-1, -1  \
	}
int write_lock_take(struct write_lock *l, const struct instance *inst, unsigned int timeout_ms);
void write_lock_release(struct write_lock *l);
/* Shared: a descriptor for lock_close(), or -EWOULDBLOCK. */
int write_lock_try_shared(const struct instance *inst);
void lock_close(int *fd); /* < 0: nothing */

/* --- commit.c: the commit protocol --------------------------------------------------------------------- */

struct session;

/* A change list on its way into one commit. */
struct change {
	struct session *session;
	enum saxdp_epoch_id epoch;
	struct saxdp_op *op; /* in `staging` for a single call, on the heap for a transaction */
	uint32_t count, room;
	int err; /* the first failure to add; change_commit() returns it */
	uint64_t expect_policy; /* generation that the checks were made against, 0 = any */
	uint32_t failed; /* out: the operation that could not be done */
	uint64_t generation; /* out */
	struct change_index *index; /* transaction: operations by kind and key, for change_find() */
};

void change_init(struct change *c, struct session *s, enum saxdp_epoch_id epoch);
void change_release(struct change *c);
int change_index_init(struct change *c); /* of a transaction, right after change_init() */
/* Each adds one operation; the value is copied. The returned operation is valid until the next. */
struct saxdp_op *change_insert(struct change *c, enum saxdp_kind kind, const void *key,
			       const void *value);
struct saxdp_op *change_ensure(struct change *c, enum saxdp_kind kind, const void *key,
			       const void *value);
void change_die(struct change *c, enum saxdp_kind kind, const void *key);
/* Any operation on an SA that has a value or a word; sa NULL: none. */
void change_sa_op(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind, const void *key,
		  const struct saxdp_sa *sa, uint64_t word);
void change_word(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind, const void *key,
		 size_t offset, uint64_t word);
void change_write(struct change *c, enum saxdp_kind kind, uint32_t index, size_t offset,
		  const void *bytes, size_t length);
/* A part of a context: what follows the generation at `offset`, which the program stores. */
void change_fill(struct change *c, uint64_t context, size_t offset, const void *bytes,
		 size_t length);
void change_serve(struct change *c, const struct saxdp_tunnel_key *tunnel, uint64_t context);
void change_candidate_add(struct change *c, enum saxdp_kind kind, const void *key,
			  const struct saxdp_candidate *candidate);
void change_candidate_die(struct change *c, enum saxdp_kind kind, const void *key, uint64_t filter);
void change_guid(struct change *c, enum saxdp_op_code code, enum saxdp_kind kind, const GUID *guid,
		 uint64_t id);
/* The newest operation of the list on this key, or NULL. */
const struct saxdp_op *change_find(const struct change *c, enum saxdp_kind kind, const void *key);
void change_truncate(struct change *c, uint32_t count);
void change_put(struct change *c, enum saxdp_kind kind, const void *key, const void *value);
void change_remove(struct change *c, enum saxdp_kind kind, const void *key);

/*
 * -ESTALE: an expectation no longer holds (failed says which), read again and start over.
 * -EEXIST, -ENOSPC (also after reclaiming), FWP_E_TIMEOUT, RPC_E_DISCONNECTED, …
 */
int change_commit(struct change *c);

/* The engine for one transaction: lock and engine.txn; released by its commit or abort. */
int commit_begin(struct session *s);
int commit_end(struct session *s, struct change *c); /* c NULL: nothing was changed, or abort */

int id_reserve(struct session *s, enum saxdp_id kind, uint64_t *ret);

/* --- session.c: handles ---------------------------------------------------------------------------------- */

/*
 * Ids that a session reserves at once: 1, then twice as many each time up to this. A daemon pays one
 * run for so many objects; a client that makes three leaves no gap.
 */
enum { SESSION_IDS = 64 };

struct id_pool {
	uint64_t next, end;
	uint32_t last; /* how many were reserved */
};

struct transaction; /* transaction.c */
struct sa_cache; /* sa_call.c */
struct enumeration; /* enumeration.c */

struct session {
	unsigned int refs; /* sessions_lock; the table has one while the handle is open */
	pthread_mutex_t lock; /* guards all below; held through each call that changes something */
	struct instance *inst;
	uint64_t id;
	uint32_t slot; /* in `alive`; SESSION_NO_SLOT for who may only read */
	int alive_fd; /* the socket that `alive` holds */
	bool dynamic;
	uint32_t quirks;
	uint32_t txn_wait_ms;
	GUID key;
	struct write_lock write_lock;
	bool sweeping;
	struct transaction *txn;
	struct sa_cache *sa_cache; /* NULL until the first call on the SA database */
	struct enumeration *enumerations;
	struct id_pool ids[SAXDP_IDS];
};

#define SESSION_NO_SLOT UINT32_MAX

int session_get(HANDLE handle, struct session **ret); /* a reference and nothing locked */
void session_put(struct session *s);
/* instance NULL: the environment's or the default; -ENOENT when it is not loaded. */
int session_open(const char *instance, const FWPM_SESSION0 *wanted, HANDLE *ret);
int session_sweep(struct session *s); /* removes what dead sessions left */
int session_close(HANDLE handle);

/*
 * Whether the process of a session is there: the kernel empties its slot when it ends. Who may not
 * look into the slots learns it from the tick's marks, a tick later.
 */
bool session_alive(const struct instance *inst, const struct saxdp_session *entry);
bool session_seen_alive(const struct view *v, const struct saxdp_session *entry);

static inline bool session_writes(const struct session *s)
{
	return s->slot != SESSION_NO_SLOT;
}

/* --- transaction.c: the frame of a call that changes or reads the policy ------------------------------- */

/*
 * A call that changes filters or provider contexts. Inside an explicit transaction its operations
 * join the transaction's list, and a failure takes back just its own; otherwise it is a commit of
 * its own. Reads through it see the transaction's changes.
 *
 *	err = policy_begin(&p, s);
 *	if (err)
 *		return err;
 *	do
 *		err = ...reads, checks, change_*(p.change, …)...;
 *	while (policy_again(&p, &err));		(commits; true: somebody was quicker, start over)
 *	return err;
 */
struct policy {
	struct session *session; /* locked from policy_begin() to the end */
	struct change *change; /* the transaction's, or `own` */
	struct change own;
	struct saxdp_engine engine; /* its policy generation is what the call is checked against */
	uint32_t mark; /* operations of the transaction before this call */
	struct mask_plan *masks; /* classify.c; this call's, NULL: none yet */
	struct view view; /* of a call that only reads */
	unsigned int tries;
};

bool transaction_open(const struct session *s); /* session locked */
void transaction_forked(struct session *s); /* in the child: the lock is the parent's */
int transaction_abort(struct session *s);

int policy_begin(struct policy *p, struct session *s); /* FWP_E_INCOMPATIBLE_TXN when read-only */
bool policy_again(struct policy *p, int *err);
/* -ENOENT; sees what the transaction has added and removed. */
int policy_lookup(struct policy *p, enum saxdp_kind kind, const void *key, void *ret);
int policy_guid(struct policy *p, enum saxdp_kind kind, const GUID *guid, uint64_t *ret);
/* All that live, the transaction's own included. */
int policy_each(struct policy *p, enum saxdp_kind kind,
		int (*fn)(void *ctx, const void *key, const void *value), void *ctx);

/*
 * The same for a call that only reads: in a transaction its session's view, else the newest commit.
 *
 *	err = policy_read_begin(&p, s);
 *	if (err)
 *		return err;
 *	do
 *		err = ...policy_lookup(&p, …)...;
 *	while (policy_read_again(&p, &err));
 */
int policy_read_begin(struct policy *p, struct session *s);
bool policy_read_again(struct policy *p, int *err);

/* --- layer.c: what is built in ---------------------------------------------------------------------- */

struct layer {
	const GUID *key;
	const char *name;
	bool enforced; /* packets are judged there; `judged` says at which */
	enum saxdp_layer judged;
	uint8_t family; /* 4, 6 or 0 */
	bool inbound;
};

struct callout {
	const GUID *key;
	const char *name;
	const GUID *layer; /* it is for; NULL: not known */
	enum saxdp_action action; /* what it means to packets */
	bool tunnel, inbound;
	uint8_t family;
};

struct sublayer {
	const GUID *key;
	const char *name;
	uint16_t weight;
};

enum {
#define X(...) +1
	LAYERS_BUILTIN = 0 FWP_GUID_LIST_LAYERS(X),
	CALLOUTS_BUILTIN = 0 FWP_GUID_LIST_CALLOUTS(X),
	SUBLAYERS_BUILTIN = 0 FWP_GUID_LIST_SUBLAYERS(X),
#undef X
};

const struct layer *layer_at(unsigned int index); /* NULL past the end */
const struct callout *callout_at(unsigned int index);
const struct sublayer *sublayer_at(unsigned int index);
int layer_find(const GUID *key); /* index or -ENOENT */
int callout_find(const GUID *key);
int sublayer_find(const GUID *key);

/* --- classify.c: selectors of a filter, order of judgement --------------------------------------------- */

struct selector_set; /* condition.c: what conditions compile to */

/* The mask numbers of the next generation; made on first use. */
int mask_plan_commit(struct policy *p); /* adds the writes of the mask sets to the change */
void mask_plan_free(struct mask_plan *plan);
struct mask_plan *mask_plan_copy(const struct mask_plan *plan); /* for a call's savepoint */

/* A flow or range of flows seen from this host; the question of IPsecSaContextCreate1. */
struct flow {
	uint8_t family; /* 4 or 6 */
	uint8_t protocol; /* 0 = any */
	bool has_local_port, has_remote_port;
	uint16_t local_port, remote_port; /* host order */
	uint32_t local[4], remote[4]; /* network order */
};

/*
 * The inbound filter that corresponds to outbound traffic, at the policy generation of the view, or
 * 0. Transport: the heaviest inbound filter whose conditions hold for all of the mirrored flow; one
 * with the IPsec transport callout before any other. Tunnel: the heaviest inbound filter that names
 * the provider context.
 */
int classify_inbound_transport(struct view *v, uint64_t outbound_filter, const struct flow *flow,
			       uint64_t *ret);
int classify_inbound_tunnel(struct view *v, uint64_t prov_context, uint64_t *ret);

/* --- filter.c, provider_context.c, provider.c: what others need of them ------------------------------- */

/* Removes what a dynamic session leaves. */
int filter_delete_owned(struct policy *p, uint64_t owner);
int prov_context_delete_owned(struct policy *p, uint64_t owner);
int provider_delete_owned(struct policy *p, uint64_t owner);
int sublayer_delete_owned(struct policy *p, uint64_t owner);
int callout_delete_owned(struct policy *p, uint64_t owner);
/* FWPM_FILTER0 in one allocation, as it was added; -ENOENT. */
int filter_out(struct view *v, uint64_t id, struct out *o, FWPM_FILTER0 *ret);

/* --- memory.c: what goes out ------------------------------------------------------------------------------ */

/*
 * One allocation with everything that is in it, made in two passes of the same code: the first adds
 * up sizes in memory that out_again() frees, the second fills.
 *
 *	struct out o = {};
 *
 *	do
 *		err = ...out_alloc(&o, sizeof(*result)) and what hangs on it...;
 *	while (out_again(&o, &err));
 *	if (!err)
 *		*ret = o.base;		(what was allocated first)
 */
struct out {
	char *base; /* NULL in the first pass */
	size_t used, size;
	struct out_scratch *scratch;
};

/* Zeroed; NULL when the process is out of memory. */
void *out_alloc(struct out *o, size_t size);
void *out_copy(struct out *o, const void *from, size_t size);
wchar_t *out_ascii(struct out *o, const char *text); /* of the library's own tables */
/* -ESTALE when the second pass wanted more than the first: what it read has changed. */
bool out_again(struct out *o, int *err);

#endif
