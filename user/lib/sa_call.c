// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The frame of a call on the SA database: begin, check, commit, and again from the maps when what
 * the session remembers (sa_cache.c) was out of date.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sa.h"

enum {
	RESTARTS = 1000, /* by quicker writers, before it is called a timeout */
	COLLECT = 16, /* idle tunnels or endpoints at a time */
};

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
			s->sa_cache = sa_cache_new();
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
	const struct saxdp_context *known = sa_cache_context(c->session->sa_cache, id);
	int err;

	c->id = id;
	if (!c->fresh && known) {
		c->context = *known;
		return 0;
	}
	err = store_lookup(c->session->inst, SAXDP_KIND_CONTEXT, &id, &c->context);
	if (err == -ENOENT || (!err && c->context.life.died != SAXDP_NEVER)) {
		sa_cache_drop_context(c->session->sa_cache, id);
		return fail(FWP(FWP_E_NOT_FOUND), "context %llu: no such context",
			    (unsigned long long)id);
	}
	if (!err)
		sa_cache_add_context(c->session->sa_cache, id, &c->context);
	return err;
}

int sa_call_tunnel(struct sa_call *c, const struct saxdp_tunnel_key *key, struct tunnel_known *ret)
{
	const struct tunnel_known *known = sa_cache_tunnel(c->session->sa_cache, key);
	struct saxdp_tunnel t;
	int err;

	if (!c->fresh && known && known->id) {
		*ret = *known;
		return 0;
	}
	*ret = (struct tunnel_known){ .key = *key };
	err = store_lookup(c->session->inst, SAXDP_KIND_TUNNEL, key, &t);
	if (!err && t.life.died == SAXDP_NEVER) {
		ret->id = t.id;
		ret->steer = t.steer;
	}
	if (err && err != -ENOENT)
		return err;
	sa_cache_add_tunnel(c->session->sa_cache, ret);
	return 0;
}

int sa_call_policy(struct sa_call *c, const struct traffic *t, uint64_t *ret_inbound_filter)
{
	struct session *s = c->session;
	bool inbound = !ret_inbound_filter;
	const struct policy_known *known = sa_cache_policy(s->sa_cache, t, inbound);
	struct view v = VIEW_SESSION_INIT(s);
	struct policy_known found = { .has_filter = !inbound };
	int err;

	if (c->fresh || !known || (!inbound && !known->has_filter) ||
	    known->generation != instance_mirror(s->inst)->generation[SAXDP_EPOCH_POLICY]) {
		do {
			err = view_begin(&v);
			if (err)
				return err;
			err = traffic_check_policy(&v, t, inbound);
			if (!err && !inbound)
				err = traffic_inbound_filter(&v, t, &found.inbound_filter);
		} while (view_again(&v, &err));
		if (err)
			return err;
		found.generation = v.engine.epoch[SAXDP_EPOCH_POLICY].generation;
		sa_cache_add_policy(s->sa_cache, t, inbound, &found);
		known = &found;
	}
	c->change.expect_policy = known->generation;
	if (ret_inbound_filter)
		*ret_inbound_filter = known->inbound_filter;
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
