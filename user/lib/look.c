// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What all lists need, and the state of the instance as a whole. */
#include "look.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int look_result(const struct saxdp *s, int err)
{
	enum { LOWEST_ERRNO = -4095 };

	switch (err) {
	case 0:
		return 0;
	case FWP(RPC_E_DISCONNECTED):
		return fail(-ENOENT, "instance %s: unloaded since it was opened", s->inst->name);
	case FWP(FWP_E_TIMEOUT):
		return fail(-ETIMEDOUT, "instance %s: it changes too fast to be read as one state",
			    s->inst->name);
	case FWP(FWP_E_NOT_FOUND):
		return -ENOENT; /* whoever found it missing has said what */
	}
	if (err < LOWEST_ERRNO)
		return fail(-EIO, "instance %s: its maps contradict each other (0x%08x)",
			    s->inst->name, (unsigned int)err);
	return fail(err, "instance %s: %s", s->inst->name, strerror(-err));
}

/* --- arrays that grow ------------------------------------------------------------------------------- */

void *list_extend(struct list *l, size_t n)
{
	enum { FIRST_ROOM = 64 };
	size_t room = l->room ? l->room : FIRST_ROOM;
	void *more;

	while (room - l->count < n)
		room *= 2;
	if (room != l->room) {
		more = realloc(l->element, room * l->size);
		if (!more)
			return NULL;
		l->element = more;
		l->room = room;
	}
	more = memset((char *)l->element + l->count * l->size, 0, n * l->size);
	l->count += n;
	return more;
}

void *list_add(struct list *l)
{
	return list_extend(l, 1);
}

void list_clear(struct list *l)
{
	free(l->element);
	l->element = NULL;
	l->count = l->room = 0;
}

void list_give(struct list *l, int (*order)(const void *a, const void *b), void *ret,
	       size_t *ret_count)
{
	if (l->count)
		qsort(l->element, l->count, l->size, order);
	*(void **)ret = l->element;
	*ret_count = l->count;
	*l = (struct list){};
}

int pairs_add(struct pairs *p, uint64_t key, uint64_t value)
{
	struct pair *pair;

	p->pair.size = sizeof(*pair);
	pair = list_add(&p->pair);
	if (!pair)
		return -ENOMEM;
	*pair = (struct pair){ key, value };
	return table_add(&p->by_key, table_hash(&key, sizeof(key)), p->pair.count - 1);
}

const struct pair *pairs_find(const struct pairs *p, uint64_t key)
{
	const struct pair *pair = p->pair.element;
	uint32_t hash = table_hash(&key, sizeof(key)), at = hash, i;

	while (table_next(&p->by_key, hash, &at, &i))
		if (pair[i].key == key)
			return &pair[i];
	return NULL;
}

void pairs_clear(struct pairs *p)
{
	list_clear(&p->pair);
	table_release(&p->by_key);
}

/* --- status ------------------------------------------------------------------------------------------ */

struct census {
	struct view *view;
	uint64_t count;
};

/* Of the kinds whose value begins with its life. */
static int count_alive(void *ctx, const void *key, const void *value)
{
	struct census *c = ctx;

	(void)key;
	c->count += view_alive(c->view, SAXDP_EPOCH_SA, value);
	return 0;
}

static int count_filter(void *ctx, const void *key, const void *value)
{
	struct census *c = ctx;

	(void)key;
	c->count += view_alive(c->view, SAXDP_EPOCH_POLICY, value);
	return 0;
}

static int count_sa4(void *ctx, const void *key, const void *value)
{
	return ((const struct saxdp_sa4_key *)key)->protocol ? count_alive(ctx, key, value) : 0;
}

static int count_sa6(void *ctx, const void *key, const void *value)
{
	return ((const struct saxdp_sa6_key *)key)->protocol ? count_alive(ctx, key, value) : 0;
}

static int count_session(void *ctx, const void *key, const void *value)
{
	struct census *c = ctx;

	(void)key;
	c->count += session_seen_alive(c->view, value);
	return 0;
}

static int status_count(struct view *v, struct saxdp_status *st)
{
	const struct {
		enum saxdp_kind kind;
		int (*fn)(void *ctx, const void *key, const void *value);
		uint64_t *sum;
	} counts[] = {
		{ SAXDP_KIND_CONTEXT, count_alive, &st->contexts },
		{ SAXDP_KIND_TUNNEL, count_alive, &st->tunnels },
		{ SAXDP_KIND_SA4, count_sa4, &st->sas },
		{ SAXDP_KIND_SA6, count_sa6, &st->sas },
		{ SAXDP_KIND_FILTER, count_filter, &st->filters },
		{ SAXDP_KIND_SESSION, count_session, &st->sessions },
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(counts) / sizeof(*counts); i++) {
		struct census c = { .view = v };

		err = store_each(v->inst, counts[i].kind, counts[i].fn, &c);
		*counts[i].sum += c.count;
	}
	return err;
}

static uint64_t dead_entries(const struct saxdp_epoch *epoch)
{
	return epoch->grave_head - epoch->grave_tail;
}

int saxdp_status_get(struct saxdp *s, struct saxdp_status *ret)
{
	struct view v = VIEW_INIT(s->inst);
	const struct saxdp_engine *e = &v.engine;
	struct saxdp_status st;
	int err;

	do {
		st = (struct saxdp_status){};
		err = view_begin(&v);
		if (err)
			break;
		err = status_count(&v, &st);
	} while (view_again(&v, &err));
	if (err)
		return look_result(s, err);
	st.mode = e->mode;
	st.abi_version = e->abi_version;
	st.policy_generation = e->epoch[SAXDP_EPOCH_POLICY].generation;
	st.sa_generation = e->epoch[SAXDP_EPOCH_SA].generation;
	st.max_contexts = e->max_contexts;
	st.max_filters = e->max_filters;
	st.dead_policy = dead_entries(&e->epoch[SAXDP_EPOCH_POLICY]);
	st.dead_sa = dead_entries(&e->epoch[SAXDP_EPOCH_SA]);
	st.default_steer = e->default_steer;
	st.encap_port = ntohs(e->encap_port);
	st.spread_cpus = e->spread_cpus < SAXDP_SPREAD_CPUS ? e->spread_cpus : SAXDP_SPREAD_CPUS;
	memcpy(st.spread_cpu, e->spread_cpu, sizeof(st.spread_cpu));
	*ret = st;
	return 0;
}
