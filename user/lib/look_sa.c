// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* SAs as an operator sees them: both pairs of counters added, times by the clock on the wall. */
#include "look.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sa.h"

void sa_info_of(const struct saxdp_engine *engine, enum saxdp_kind kind, const void *key,
		const struct saxdp_sa *sa, struct saxdp_sa_info *ret)
{
	const struct saxdp_sa4_key *key4 = key;
	const struct saxdp_sa6_key *key6 = key;

	*ret = (struct saxdp_sa_info){
		.ambiguous = sa->users > 1,
		.context = sa->context,
		.tunnel = sa->tunnel,
		.steer = sa->steer,
		.cpu = (int32_t)sa->owner_cpu - 1,
		.packets = sa->packets + sa->packets_other,
		.bytes = sa->bytes + sa->bytes_other,
		.last_used_ns = store_realtime_ns(engine, sa->last_used),
	};
	if (kind == SAXDP_KIND_SA4) {
		ret->family = 4;
		ret->direction = key4->direction;
		ret->protocol = key4->protocol;
		ret->spi = key4->spi;
		ret->destination[0] = key4->destination;
	} else {
		ret->family = 6;
		ret->direction = key6->direction;
		ret->protocol = key6->protocol;
		ret->spi = key6->spi;
		memcpy(ret->destination, key6->destination, sizeof(ret->destination));
	}
}

int sa_info_find(const struct view *v, const struct sa_name *n, struct saxdp_sa_info *ret)
{
	struct saxdp_sa4_key key4 = {
		.destination = n->destination[0],
		.spi = n->spi,
		.protocol = n->protocol,
		.direction = n->direction,
	};
	struct saxdp_sa6_key key6 = {
		.spi = n->spi,
		.protocol = n->protocol,
		.direction = n->direction,
	};
	enum saxdp_kind kind = n->family == 4 ? SAXDP_KIND_SA4 : SAXDP_KIND_SA6;
	const void *key = n->family == 4 ? (void *)&key4 : (void *)&key6;
	struct saxdp_sa sa;
	int err;

	memcpy(key6.destination, n->destination, sizeof(key6.destination));
	err = store_lookup(v->inst, kind, key, &sa);
	if (!err && !view_alive(v, SAXDP_EPOCH_SA, &sa.life))
		err = -ENOENT;
	if (!err)
		sa_info_of(&v->engine, kind, key, &sa, ret);
	return err;
}

struct collect {
	struct view *view;
	struct list *list;
	enum saxdp_kind kind;
};

static int collect_sa(void *ctx, const void *key, const void *value)
{
	const struct saxdp_sa *sa = value;
	struct collect *c = ctx;
	struct saxdp_sa_info info, *place;

	if (!view_alive(c->view, SAXDP_EPOCH_SA, &sa->life))
		return 0;
	sa_info_of(&c->view->engine, c->kind, key, sa, &info);
	if (info.protocol == LARVAL)
		return 0;
	place = list_add(c->list);
	if (!place)
		return -ENOMEM;
	*place = info;
	return 0;
}

int sa_info_collect(struct view *v, struct list *ret)
{
	static const enum saxdp_kind kinds[] = { SAXDP_KIND_SA4, SAXDP_KIND_SA6 };
	int err = 0;

	ret->size = sizeof(struct saxdp_sa_info);
	for (size_t i = 0; !err && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct collect c = { .view = v, .list = ret, .kind = kinds[i] };

		err = store_each(v->inst, kinds[i], collect_sa, &c);
	}
	return err;
}

/* By context, inbound first, ESP before AH. */
static int sa_info_order(const void *a, const void *b)
{
	const struct saxdp_sa_info *x = a, *y = b;

	if (x->context != y->context)
		return x->context < y->context ? -1 : 1;
	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	return (int)x->protocol - y->protocol;
}

int saxdp_sa_list(struct saxdp *s, struct saxdp_sa_info **ret, size_t *ret_count)
{
	struct view v = VIEW_INIT(s->inst);
	struct list list = {};
	int err;

	do {
		list_clear(&list);
		err = view_begin(&v);
		if (err)
			break;
		err = sa_info_collect(&v, &list);
	} while (view_again(&v, &err));
	if (!err)
		list_give(&list, sa_info_order, ret, ret_count);
	list_clear(&list);
	return look_result(s, err);
}

int saxdp_sa_get(struct saxdp *s, const struct saxdp_sa_name *name, struct saxdp_sa_info *ret)
{
	const struct sa_name n = {
		.destination = name->destination,
		.spi = name->spi,
		.family = name->family,
		.protocol = name->protocol,
		.direction = name->direction,
	};
	struct view v = VIEW_INIT(s->inst);
	struct saxdp_sa_info info;
	int err;

	if ((name->family != 4 && name->family != 6) ||
	    (name->protocol != ESP && name->protocol != AH) || name->direction > SAXDP_OUTBOUND)
		return fail(-EINVAL, "SA: family %u, protocol %u, direction %u", name->family,
			    name->protocol, name->direction);
	do {
		err = view_begin(&v);
		if (err)
			break;
		err = sa_info_find(&v, &n, &info);
		if (err == -ENOENT)
			err = fail(FWP(FWP_E_NOT_FOUND), "SA 0x%08x: no such SA", ntohl(name->spi));
	} while (view_again(&v, &err));
	if (err)
		return look_result(s, err);
	*ret = info;
	return 0;
}
