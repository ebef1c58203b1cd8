// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The frame of a call on the SA database, and what a session remembers between calls.
 *
 * The cache is direct-mapped and never trusted: every commit carries what was taken from it as an
 * expectation, and a commit that fails for it is done again from the maps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sa.h"

enum {
	CACHED_CONTEXTS = 64, /* being set up at once by one session */
	CACHED_TUNNELS = 256,
	CACHED_POLICIES = 64,
	RESTARTS = 1000,
	COLLECT = 16, /* idle tunnels or endpoints at a time */
};

struct policy_known {
	uint64_t generation;
	uint64_t inbound_filter;
	bool inbound; /* direction that the traffic was checked for */
	struct traffic traffic;
};

struct sa_cache {
	uint64_t context_id[CACHED_CONTEXTS];
	struct saxdp_context context[CACHED_CONTEXTS];
	struct tunnel_known tunnel[CACHED_TUNNELS];
	struct policy_known policy[CACHED_POLICIES];
	uint32_t shapes; /* bits of engine.tunnel_ports that are set: they stay */
};

static uint32_t hash(const void *bytes, size_t size)
{
	const unsigned char *b = bytes;
	uint32_t h = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		h = (h ^ b[i]) * 16777619U;
	return h ^ h >> 16;
}

void sa_cache_free(struct sa_cache *cache)
{
	free(cache);
}

/* --- the frame -------------------------------------------------------------------------------------- */

int sa_call_begin(struct sa_call *c, HANDLE handle, unsigned int flags, const char *missing)
{
	struct session *s;
	int err;

	err = session_get(handle, &s);
	if (err)
		return err;
	*c = (struct sa_call){ .session = s };
	pthread_mutex_lock(&s->lock);
	if (missing)
		err = fail(FWP(FWP_E_NULL_POINTER), "%s: NULL", missing);
	else if (flags & (SA_CALL_WRITES | SA_CALL_NO_TXN) && transaction_open(s))
		err = fail(FWP(FWP_E_TXN_IN_PROGRESS), "session: a transaction is in progress");
	else if (flags & SA_CALL_NOT_DYNAMIC && s->dynamic)
		err = fail(FWP(FWP_E_DYNAMIC_SESSION_IN_PROGRESS), "session: it is dynamic");
	else if (flags & SA_CALL_WRITES && !session_writes(s))
		err = fail(WIN32(ERROR_ACCESS_DENIED), "session: may only read");
	else if (flags & SA_CALL_WRITES && instance_mirror(s->inst)->state == SAXDP_STATE_GONE)
		err = fail(FWP(RPC_E_DISCONNECTED), "instance %s: unloaded", s->inst->name);
	if (!err && flags & SA_CALL_WRITES) {
		if (!s->sa_cache)
			s->sa_cache = calloc(1, sizeof(*s->sa_cache));
		if (!s->sa_cache)
			err = -ENOMEM;
		change_init(&c->change, s, SAXDP_EPOCH_SA);
	}
	if (err) {
		pthread_mutex_unlock(&s->lock);
		session_put(s);
	}
	return err;
}

/* Tunnels without contexts are kept for their totals, until their place is needed. */
struct collect {
	struct change *change;
	unsigned int count;
};

static int collect_tunnel(void *ctx, const void *key, const void *value)
{
	const struct saxdp_tunnel *t = value;
	struct collect *c = ctx;

	if (t->life.died != SAXDP_NEVER || t->contexts || c->count == COLLECT)
		return 0;
	change_word(c->change, SAXDP_OP_EXPECT, SAXDP_KIND_TUNNEL, key,
		    offsetof(struct saxdp_tunnel, contexts), word_of(0, t->type));
	change_die(c->change, SAXDP_KIND_TUNNEL, key);
	c->count += 2;
	return 0;
}

static int collect_endpoint(void *ctx, const void *key, const void *value)
{
	const struct saxdp_endpoint *e = value;
	struct collect *c = ctx;

	if (e->life.died != SAXDP_NEVER || e->contexts || c->count == COLLECT)
		return 0;
	change_word(c->change, SAXDP_OP_EXPECT, SAXDP_KIND_ENDPOINT, key,
		    offsetof(struct saxdp_endpoint, contexts), 0);
	change_die(c->change, SAXDP_KIND_ENDPOINT, key);
	c->count += 2;
	return 0;
}

/* Makes room in the map that the commit found full, when it holds what nobody uses. */
static bool collect_idle(struct sa_call *c)
{
	static const struct {
		enum saxdp_kind kind;
		int (*collect)(void *ctx, const void *key, const void *value);
	} idle[] = {
		{ SAXDP_KIND_TUNNEL, collect_tunnel },
		{ SAXDP_KIND_ENDPOINT, collect_endpoint },
	};
	struct session *s = c->session;
	struct change change;
	struct collect collect = { .change = &change };
	uint8_t kind;
	int err;

	if (c->change.failed >= c->change.count)
		return false;
	kind = c->change.op[c->change.failed].kind;
	for (size_t i = 0; i < sizeof(idle) / sizeof(*idle); i++) {
		if (idle[i].kind != kind || c->collected & 1U << i)
			continue;
		c->collected |= 1U << i;
		change_init(&change, s, SAXDP_EPOCH_SA);
		err = store_each(s->inst, kind, idle[i].collect, &collect);
		if (!err)
			err = change.count ? change_commit(&change) : -ENOSPC;
		change_release(&change);
		return !err;
	}
	return false;
}

bool sa_call_again(struct sa_call *c, int *err)
{
	bool inserts_tunnel = false;

	if (!*err)
		*err = change_commit(&c->change);
	if (!*err)
		return false;
	if (*err == -EEXIST && c->change.failed < c->change.count)
		inserts_tunnel = c->change.op[c->change.failed].kind == SAXDP_KIND_TUNNEL;
	if (*err == -ENOSPC) {
		if (!collect_idle(c))
			return false;
	} else if (*err == -ESTALE || inserts_tunnel) {
		if (++c->tries == RESTARTS) {
			*err = FWP(FWP_E_TIMEOUT);
			return false;
		}
		c->fresh = true;
	} else if (!c->fresh && *err != FWP(FWP_E_TIMEOUT)) {
		/* A failure counts only if it was found in what the maps hold; a wait was no such. */
		c->fresh = true;
	} else {
		return false;
	}
	change_release(&c->change);
	change_init(&c->change, c->session, SAXDP_EPOCH_SA);
	return true;
}

DWORD sa_call_end(struct sa_call *c, int err)
{
	struct session *s = c->session;

	if (c->change.session)
		change_release(&c->change);
	pthread_mutex_unlock(&s->lock);
	session_put(s);
	return fwp_result(err);
}

/* --- what is known ------------------------------------------------------------------------------------- */

int sa_call_context(struct sa_call *c, uint64_t id)
{
	struct sa_cache *cache = c->session->sa_cache;
	unsigned int place = id % CACHED_CONTEXTS;
	int err;

	c->id = id;
	if (!c->fresh && cache->context_id[place] == id) {
		c->context = cache->context[place];
		return 0;
	}
	err = store_lookup(c->session->inst, SAXDP_KIND_CONTEXT, &id, &c->context);
	if (err == -ENOENT || (!err && c->context.life.died != SAXDP_NEVER)) {
		sa_call_forget_context(c, id);
		return fail(FWP(FWP_E_NOT_FOUND), "context %llu: no such context",
			    (unsigned long long)id);
	}
	if (!err)
		sa_call_know_context(c, id, &c->context);
	return err;
}

void sa_call_know_context(struct sa_call *c, uint64_t id, const struct saxdp_context *context)
{
	struct sa_cache *cache = c->session->sa_cache;
	unsigned int place = id % CACHED_CONTEXTS;

	cache->context_id[place] = id;
	cache->context[place] = *context;
}

void sa_call_forget_context(struct sa_call *c, uint64_t id)
{
	struct sa_cache *cache = c->session->sa_cache;

	if (cache->context_id[id % CACHED_CONTEXTS] == id)
		cache->context_id[id % CACHED_CONTEXTS] = 0;
}

int sa_call_tunnel(struct sa_call *c, const struct saxdp_tunnel_key *key, struct tunnel_known *ret)
{
	struct tunnel_known *known =
		&c->session->sa_cache->tunnel[hash(key, sizeof(*key)) % CACHED_TUNNELS];
	struct saxdp_tunnel t;
	int err;

	if (!c->fresh && known->id && !memcmp(&known->key, key, sizeof(*key))) {
		*ret = *known;
		return 0;
	}
	*ret = (struct tunnel_known){ .key = *key };
	err = store_lookup(c->session->inst, SAXDP_KIND_TUNNEL, key, &t);
	if (err == -ENOENT || (!err && t.life.died != SAXDP_NEVER)) {
		known->id = 0;
		return 0;
	}
	if (err)
		return err;
	ret->id = t.id;
	ret->steer = t.steer;
	*known = *ret;
	return 0;
}

void sa_call_know_tunnel(struct sa_call *c, const struct tunnel_known *t)
{
	c->session->sa_cache->tunnel[hash(&t->key, sizeof(t->key)) % CACHED_TUNNELS] = *t;
}

uint32_t *sa_call_shapes(struct sa_call *c)
{
	return &c->session->sa_cache->shapes;
}

/* In tunnel mode the answer does not depend on the endpoints. */
static void policy_question(const struct traffic *t, struct traffic *ret)
{
	*ret = (struct traffic){ .family = t->family, .type = t->type, .policy = t->policy };
	if (t->type == SAXDP_TUNNEL)
		return;
	*ret = *t;
	ret->if_luid = 0;
	ret->profile = 0;
}

int sa_call_policy(struct sa_call *c, const struct traffic *t, uint64_t *ret_inbound_filter)
{
	struct session *s = c->session;
	bool inbound = !ret_inbound_filter;
	struct view v = VIEW_SESSION_INIT(s);
	struct policy_known *known;
	struct traffic question;
	uint64_t filter = 0;
	int err;

	policy_question(t, &question);
	known = &s->sa_cache->policy[(hash(&question.policy, sizeof(question.policy)) ^
				      hash(question.remote, sizeof(question.remote)) ^ inbound) %
				     CACHED_POLICIES];
	if (!c->fresh &&
	    known->generation == instance_mirror(s->inst)->generation[SAXDP_EPOCH_POLICY] &&
	    known->inbound == inbound && known->traffic.policy == question.policy &&
	    traffic_same_ends(&known->traffic, &question)) {
		c->change.expect_policy = known->generation;
		if (ret_inbound_filter)
			*ret_inbound_filter = known->inbound_filter;
		return 0;
	}

	do {
		err = view_begin(&v);
		if (err)
			return err;
		err = traffic_check_policy(&v, t, inbound);
		if (!err && !inbound)
			err = traffic_inbound_filter(&v, t, &filter);
	} while (view_again(&v, &err));
	if (err)
		return err;
	*known = (struct policy_known){
		.generation = v.engine.epoch[SAXDP_EPOCH_POLICY].generation,
		.inbound_filter = filter,
		.inbound = inbound,
		.traffic = question,
	};
	c->change.expect_policy = known->generation;
	if (ret_inbound_filter)
		*ret_inbound_filter = filter;
	return 0;
}

/* --- operations on SAs ------------------------------------------------------------------------------------ */

void change_sa(struct change *c, enum saxdp_op_code code, const struct sa_name *name,
	       const struct saxdp_sa *sa, uint64_t word)
{
	struct saxdp_sa4_key key4 = {
		.destination = name->destination[0],
		.spi = name->spi,
		.protocol = name->protocol,
		.direction = name->direction,
	};
	struct saxdp_sa6_key key6 = {
		.spi = name->spi,
		.protocol = name->protocol,
		.direction = name->direction,
	};
	enum saxdp_kind kind = name->family == 4 ? SAXDP_KIND_SA4 : SAXDP_KIND_SA6;
	const void *key = name->family == 4 ? (void *)&key4 : (void *)&key6;

	memcpy(key6.destination, name->destination, sizeof(key6.destination));
	change_sa_op(c, code, kind, key, sa, word);
}

uint64_t word_of(uint32_t first, uint32_t second)
{
	uint32_t half[2] = { first, second };
	uint64_t word;

	memcpy(&word, half, sizeof(word));
	return word;
}
