// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * SA contexts with their SAs. A list reads each map once and joins in memory: 100,000 contexts are
 * some 300 system calls. What that cannot say is which inbound filter fits a context: it is asked
 * once per tunnel policy and once per tunnel in transport mode, at some 10 system calls.
 */
#include "look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sa.h"

/* Where SAs, tunnels and answers about filters come from. */
struct sources {
	struct view *view;
	bool whole; /* from what was read of all of them, else by lookups */
	struct list sas;
	struct table sa_by_name;
	struct pairs steer; /* tunnel -> its word */
	struct pairs tunnel_filter; /* tunnel policy -> inbound filter */
	struct pairs transport_filter; /* tunnel -> inbound filter */
	struct list contexts; /* what is made of it */
};

static void sources_clear(struct sources *x)
{
	list_clear(&x->sas);
	table_release(&x->sa_by_name);
	pairs_clear(&x->steer);
	pairs_clear(&x->tunnel_filter);
	pairs_clear(&x->transport_filter);
	list_clear(&x->contexts);
}

/* --- one SA ---------------------------------------------------------------------------------------- */

static uint32_t name_hash(const struct sa_name *n)
{
	struct {
		uint32_t destination[4];
		uint32_t spi;
		uint8_t family, protocol, direction, zero;
	} words = {
		.spi = n->spi,
		.family = n->family,
		.protocol = n->protocol,
		.direction = n->direction,
	};

	memcpy(words.destination, n->destination, sizeof(words.destination));
	return table_hash(&words, sizeof(words));
}

static bool name_is(const struct sa_name *n, const struct saxdp_sa_info *sa)
{
	return n->spi == sa->spi && n->protocol == sa->protocol && n->direction == sa->direction &&
	       n->family == sa->family &&
	       !memcmp(n->destination, sa->destination, sizeof(sa->destination));
}

static int sas_index(struct sources *x)
{
	const struct saxdp_sa_info *sa = x->sas.element;
	int err = 0;

	for (size_t i = 0; !err && i < x->sas.count; i++) {
		struct sa_name name = {
			.destination = sa[i].destination,
			.spi = sa[i].spi,
			.family = sa[i].family,
			.protocol = sa[i].protocol,
			.direction = sa[i].direction,
		};

		err = table_add(&x->sa_by_name, name_hash(&name), i);
	}
	return err;
}

static int sa_find(const struct sources *x, const struct sa_name *n, struct saxdp_sa_info *ret)
{
	const struct saxdp_sa_info *sa = x->sas.element;
	uint32_t hash, at, i;

	if (!x->whole)
		return sa_info_find(x->view, n, ret);
	for (hash = at = name_hash(n); table_next(&x->sa_by_name, hash, &at, &i);) {
		if (!name_is(n, &sa[i]))
			continue;
		*ret = sa[i];
		return 0;
	}
	return -ENOENT;
}

static int bundle_show(const struct sources *x, uint64_t id, const struct saxdp_context *c,
		       uint8_t direction, uint32_t *ret_sas,
		       struct saxdp_sa_info ret[SAXDP_BUNDLE_SAS])
{
	bool inbound = direction == SAXDP_INBOUND;
	const struct saxdp_bundle *b = inbound ? &c->inbound : &c->outbound;
	struct sa_name name = {
		.destination = inbound ? c->local : c->remote,
		.family = c->family,
		.direction = direction,
	};
	int err = 0;

	if (!view_stamped(x->view, b->born))
		return 0;
	for (unsigned int i = 0; !err && i < b->sas && i < SAXDP_BUNDLE_SAS; i++) {
		name.spi = b->spi[i];
		name.protocol = transform_protocol(&b->transform[i]);
		err = sa_find(x, &name, &ret[i]);
		if (err == -ENOENT)
			fail(err, "context %llu: one of its SAs is not in the maps",
			     (unsigned long long)id);
	}
	*ret_sas = b->sas;
	return err;
}

/* --- what the policy says of it ---------------------------------------------------------------------- */

/*
 * In tunnel mode the answer follows from the policy alone, in transport mode from what makes the
 * key of the tunnel.
 */
static int filter_find(struct sources *x, const struct saxdp_context *c, uint64_t *ret)
{
	struct pairs *known = c->type == SAXDP_TUNNEL ? &x->tunnel_filter : &x->transport_filter;
	uint64_t key = c->type == SAXDP_TUNNEL ? c->policy : c->tunnel;
	const struct pair *pair = pairs_find(known, key);
	struct traffic t;
	int err;

	if (pair) {
		*ret = pair->value;
		return 0;
	}
	traffic_of_context(c, &t);
	err = traffic_inbound_filter(x->view, &t, ret);
	return err ? err : pairs_add(known, key, *ret);
}

static int steer_find(const struct sources *x, const struct saxdp_context *c, uint32_t *ret)
{
	const struct pair *pair = pairs_find(&x->steer, c->tunnel);
	struct saxdp_tunnel_key key;
	struct saxdp_tunnel t;
	int err;

	if (x->whole) {
		*ret = pair ? pair->value : 0;
		return pair ? 0 : -ENOENT;
	}
	tunnel_key_of(c, &key);
	err = store_lookup(x->view->inst, SAXDP_KIND_TUNNEL, &key, &t);
	if (!err)
		*ret = t.steer;
	return err;
}

/* --- one context ------------------------------------------------------------------------------------- */

static int context_show(struct sources *x, uint64_t id, const struct saxdp_context *c,
			struct saxdp_context_info *ret)
{
	int err;

	*ret = (struct saxdp_context_info){
		.id = id,
		.tunnel = c->tunnel,
		.type = c->type,
		.family = c->family,
		.protocol = c->protocol,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.policy = c->policy,
		.has_virtual_if = c->flags & SAXDP_CONTEXT_VIRTUAL_IF,
		.virtual_if = c->flags & SAXDP_CONTEXT_VIRTUAL_IF ? c->virtual_if : 0,
	};
	memcpy(ret->local, c->local, sizeof(ret->local));
	memcpy(ret->remote, c->remote, sizeof(ret->remote));
	err = bundle_show(x, id, c, SAXDP_INBOUND, &ret->inbound_sas, ret->inbound);
	if (!err)
		err = bundle_show(x, id, c, SAXDP_OUTBOUND, &ret->outbound_sas, ret->outbound);
	if (!err)
		err = filter_find(x, c, &ret->inbound_filter_id);
	if (err)
		return err;
	err = steer_find(x, c, &ret->steer);
	if (err)
		return fail(err, "context %llu: its tunnel %u is not in the maps",
			    (unsigned long long)id, c->tunnel);
	if (!view_stamped(x->view, c->spi_born))
		return 0;
	ret->has_encap = c->encap_local || c->encap_remote;
	ret->encap_local = c->encap_local;
	ret->encap_remote = c->encap_remote;
	ret->reserved_spi = ret->inbound_sas ? 0 : c->inbound_spi;
	return 0;
}

int saxdp_context_get(struct saxdp *s, uint64_t id, struct saxdp_context_info *ret)
{
	struct view v = VIEW_INIT(s->inst);
	struct sources x = { .view = &v };
	struct saxdp_context_info info;
	struct saxdp_context c;
	int err;

	do {
		sources_clear(&x);
		err = view_begin(&v);
		if (err)
			break;
		err = store_lookup(s->inst, SAXDP_KIND_CONTEXT, &id, &c);
		if (err == -ENOENT || (!err && !view_alive(&v, SAXDP_EPOCH_SA, &c.life)))
			err = fail(FWP(FWP_E_NOT_FOUND), "context %llu: no such context",
				   (unsigned long long)id);
		if (!err)
			err = context_show(&x, id, &c, &info);
	} while (view_again(&v, &err));
	sources_clear(&x);
	if (err)
		return look_result(s, err);
	*ret = info;
	return 0;
}

/* --- all of them --------------------------------------------------------------------------------------- */

static int add_steer(void *ctx, const void *key, const void *value)
{
	const struct saxdp_tunnel *t = value;
	struct sources *x = ctx;

	(void)key;
	return view_alive(x->view, SAXDP_EPOCH_SA, &t->life) ?
		       pairs_add(&x->steer, t->id, t->steer) :
		       0;
}

static int add_context(void *ctx, const void *key, const void *value)
{
	const struct saxdp_context *c = value;
	struct saxdp_context_info *info;
	struct sources *x = ctx;

	if (!view_alive(x->view, SAXDP_EPOCH_SA, &c->life))
		return 0;
	info = list_add(&x->contexts);
	return info ? context_show(x, *(const uint64_t *)key, c, info) : -ENOMEM;
}

static int contexts_read(struct sources *x)
{
	const struct instance *inst = x->view->inst;
	int err;

	x->contexts.size = sizeof(struct saxdp_context_info);
	err = sa_info_collect(x->view, &x->sas);
	if (!err)
		err = sas_index(x);
	if (!err)
		err = store_each(inst, SAXDP_KIND_TUNNEL, add_steer, x);
	if (!err)
		err = store_each(inst, SAXDP_KIND_CONTEXT, add_context, x);
	return err;
}

static int context_order(const void *a, const void *b)
{
	const struct saxdp_context_info *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int saxdp_context_list(struct saxdp *s, struct saxdp_context_info **ret, size_t *ret_count)
{
	struct view v = VIEW_INIT(s->inst);
	struct sources x = { .view = &v, .whole = true };
	int err;

	do {
		sources_clear(&x);
		err = view_begin(&v);
		if (err)
			break;
		err = contexts_read(&x);
	} while (view_again(&v, &err));
	if (!err)
		list_give(&x.contexts, context_order, ret, ret_count);
	sources_clear(&x);
	return look_result(s, err);
}
