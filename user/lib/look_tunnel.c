// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Tunnels with the totals of all SAs they ever had. What an SA has counted moves to its tunnel when
 * the SA is reclaimed; until then it is found in the SA, dead or alive, and added here.
 *
 * A commit that puts a new SA in the place of a dead one moves counts too, and leaves no trace that
 * view_again() could see. So tunnels are read before the SAs and once more after them: where their
 * own totals differ something moved meanwhile, and would be counted twice or not at all.
 */
#include "look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sa.h"

enum { MOVED_TRIES = 100 };

/* A tunnel as it is being added up; last_used in jiffies. */
struct tunnel_sum {
	struct saxdp_tunnel_key key;
	struct saxdp_tunnel t;
	uint64_t last_used;
	uint64_t serving, serving_born;
	uint32_t contexts;
	struct saxdp_traffic_count count[2]; /* by enum saxdp_direction */
};

struct tunnels {
	struct view *view;
	struct list sum;
	struct table by_id;
};

static void tunnels_clear(struct tunnels *x)
{
	list_clear(&x->sum);
	table_release(&x->by_id);
}

static struct tunnel_sum *tunnel_find(const struct tunnels *x, uint32_t id)
{
	struct tunnel_sum *sum = x->sum.element;
	uint32_t hash = table_hash(&id, sizeof(id)), at = hash, i;

	while (table_next(&x->by_id, hash, &at, &i))
		if (sum[i].t.id == id)
			return &sum[i];
	return NULL;
}

static int add_tunnel(void *ctx, const void *key, const void *value)
{
	const struct saxdp_tunnel *t = value;
	struct tunnels *x = ctx;
	struct tunnel_sum *sum;

	if (!view_alive(x->view, SAXDP_EPOCH_SA, &t->life))
		return 0;
	sum = list_add(&x->sum);
	if (!sum)
		return -ENOMEM;
	sum->key = *(const struct saxdp_tunnel_key *)key;
	sum->t = *t;
	sum->last_used = t->last_used;
	memcpy(sum->count, t->gone, sizeof(sum->count));
	return table_add(&x->by_id, table_hash(&t->id, sizeof(t->id)), x->sum.count - 1);
}

static void sa_sum(const struct tunnels *x, uint8_t direction, const struct saxdp_sa *sa)
{
	struct tunnel_sum *sum;

	/* The dead count as well. */
	if (sa->life.born > x->view->engine.epoch[SAXDP_EPOCH_SA].generation)
		return;
	sum = tunnel_find(x, sa->tunnel);
	if (!sum)
		return;
	sum->count[direction & 1].packets += sa->packets + sa->packets_other;
	sum->count[direction & 1].bytes += sa->bytes + sa->bytes_other;
	if (sa->last_used > sum->last_used)
		sum->last_used = sa->last_used;
}

static int add_sa4(void *ctx, const void *key, const void *value)
{
	sa_sum(ctx, ((const struct saxdp_sa4_key *)key)->direction, value);
	return 0;
}

static int add_sa6(void *ctx, const void *key, const void *value)
{
	sa_sum(ctx, ((const struct saxdp_sa6_key *)key)->direction, value);
	return 0;
}

/* Of the two places of its tunnel, does the context hold the newer one that serves? */
static int add_context(void *ctx, const void *key, const void *value)
{
	uint64_t id = *(const uint64_t *)key;
	const struct saxdp_context *c = value;
	struct tunnels *x = ctx;
	struct tunnel_sum *sum;

	if (!view_alive(x->view, SAXDP_EPOCH_SA, &c->life))
		return 0;
	sum = tunnel_find(x, c->tunnel);
	if (!sum)
		return fail(-ENOENT, "context %llu: its tunnel %u is not in the maps",
			    (unsigned long long)id, c->tunnel);
	sum->contexts++;
	if (!view_stamped(x->view, c->outbound.born))
		return 0;
	for (int i = 0; i < 2; i++) {
		const struct saxdp_serve *place = &sum->t.serve[i];

		if (place->context != id || !view_stamped(x->view, place->born) ||
		    place->born <= sum->serving_born)
			continue;
		sum->serving = id;
		sum->serving_born = place->born;
	}
	return 0;
}

static int compare_gone(void *ctx, const void *key, const void *value)
{
	const struct saxdp_tunnel *t = value;
	const struct tunnels *x = ctx;
	const struct tunnel_sum *sum;

	(void)key;
	if (!view_alive(x->view, SAXDP_EPOCH_SA, &t->life))
		return 0;
	sum = tunnel_find(x, t->id);
	return sum && !memcmp(sum->t.gone, t->gone, sizeof(t->gone)) ? 0 : -EAGAIN;
}

static int tunnels_read(struct tunnels *x)
{
	const struct {
		enum saxdp_kind kind;
		int (*fn)(void *ctx, const void *key, const void *value);
	} passes[] = {
		{ SAXDP_KIND_TUNNEL, add_tunnel },   { SAXDP_KIND_SA4, add_sa4 },
		{ SAXDP_KIND_SA6, add_sa6 },	     { SAXDP_KIND_CONTEXT, add_context },
		{ SAXDP_KIND_TUNNEL, compare_gone },
	};
	int err = 0;

	x->sum.size = sizeof(struct tunnel_sum);
	for (size_t i = 0; !err && i < sizeof(passes) / sizeof(*passes); i++)
		err = store_each(x->view->inst, passes[i].kind, passes[i].fn, x);
	return err;
}

static void tunnel_show(const struct saxdp_engine *engine, const struct tunnel_sum *sum,
			struct saxdp_tunnel_info *ret)
{
	*ret = (struct saxdp_tunnel_info){
		.id = sum->t.id,
		.type = sum->t.type,
		.family = sum->key.family,
		.protocol = sum->key.protocol,
		.local_port = sum->key.local_port,
		.remote_port = sum->key.remote_port,
		.policy = sum->key.policy,
		.contexts = sum->contexts,
		.serving = sum->serving,
		.steer = sum->t.steer,
		.first_seen_ns = sum->t.first_ns,
		.last_used_ns = store_realtime_ns(engine, sum->last_used),
		.inbound = sum->count[SAXDP_INBOUND],
		.outbound = sum->count[SAXDP_OUTBOUND],
		.clear = sum->t.clear,
	};
	memcpy(ret->local, sum->key.local, sizeof(ret->local));
	memcpy(ret->remote, sum->key.remote, sizeof(ret->remote));
}

static int tunnel_order(const void *a, const void *b)
{
	const struct saxdp_tunnel_info *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int tunnel_info_collect(struct view *v, struct list *ret)
{
	struct tunnels x = { .view = v };
	const struct tunnel_sum *sum;
	struct saxdp_tunnel_info *info;
	int err, tries = 0;

	do {
		tunnels_clear(&x);
		err = view_begin(v);
		if (err)
			break;
		err = tunnels_read(&x);
	} while (view_again(v, &err) || (err == -EAGAIN && ++tries < MOVED_TRIES));
	if (err == -EAGAIN)
		err = FWP(FWP_E_TIMEOUT);
	ret->size = sizeof(*info);
	sum = x.sum.element;
	for (size_t i = 0; !err && i < x.sum.count; i++) {
		info = list_add(ret);
		if (!info)
			err = -ENOMEM;
		else
			tunnel_show(&v->engine, &sum[i], info);
	}
	tunnels_clear(&x);
	return err;
}

int saxdp_tunnel_list(struct saxdp *s, struct saxdp_tunnel_info **ret, size_t *ret_count)
{
	struct view v = VIEW_INIT(s->inst);
	struct list list = {};
	int err;

	err = tunnel_info_collect(&v, &list);
	if (!err)
		list_give(&list, tunnel_order, ret, ret_count);
	list_clear(&list);
	return look_result(s, err);
}

int saxdp_tunnel_get(struct saxdp *s, uint32_t tunnel, struct saxdp_tunnel_info *ret)
{
	const struct saxdp_tunnel_info *t;
	struct view v = VIEW_INIT(s->inst);
	struct list list = {};
	int err;

	err = tunnel_info_collect(&v, &list);
	t = list.element;
	if (!err) {
		err = fail(FWP(FWP_E_NOT_FOUND), "tunnel %u: no such tunnel", tunnel);
		for (size_t i = 0; i < list.count; i++) {
			if (t[i].id != tunnel)
				continue;
			*ret = t[i];
			err = 0;
		}
	}
	list_clear(&list);
	return look_result(s, err);
}
