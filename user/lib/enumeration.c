// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Enumeration handles, and pages of a snapshot. */
#include "enumeration.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A session's handle has never zero in so many low bits (session.c). */
enum { ZERO_BITS = 20 };

struct enumeration {
	struct enumeration *next; /* its session's lock guards all of it */
	uintptr_t number;
	const struct snapshot_ops *ops;
	void *snapshot;
	size_t count, at;
};

static atomic_uintptr_t numbers;

/* Where the pointer to it is, or NULL. */
static struct enumeration **place_of(struct session *s, const struct snapshot_ops *ops,
				     HANDLE handle)
{
	struct enumeration **e;

	for (e = &s->enumerations; *e; e = &(*e)->next)
		if ((*e)->number == (uintptr_t)handle && (*e)->ops == ops)
			return e;
	fail(WIN32(ERROR_INVALID_HANDLE),
	     "handle %p: not an open enumeration of this kind and session", handle);
	return NULL;
}

static void enumeration_free(struct enumeration *e)
{
	e->ops->free(e->snapshot);
	free(e);
}

int enumeration_open(struct session *s, const struct snapshot_ops *ops, void *snapshot,
		     size_t count, HANDLE *ret)
{
	struct enumeration *e = malloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	*e = (struct enumeration){
		.next = s->enumerations,
		.number = (atomic_fetch_add(&numbers, 1) + 1) << ZERO_BITS,
		.ops = ops,
		.snapshot = snapshot,
		.count = count,
	};
	s->enumerations = e;
	*ret = (HANDLE)e->number;
	return 0;
}

static int page_out(const struct enumeration *e, unsigned int form, size_t count, struct out *o)
{
	void **entries = out_alloc(o, count * sizeof(*entries));
	int err = entries ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++)
		err = e->ops->out(e->snapshot, e->at + i, form, o, &entries[i]);
	return err;
}

int enumeration_next(struct session *s, const struct snapshot_ops *ops, HANDLE handle,
		     unsigned int form, UINT32 requested, void ***ret, UINT32 *ret_count)
{
	struct enumeration **place = place_of(s, ops, handle), *e;
	struct saxdp_engine engine;
	struct out o = {};
	size_t count;
	int err;

	if (!place)
		return WIN32(ERROR_INVALID_HANDLE);
	e = *place;
	err = store_engine(s->inst, &engine);
	if (!err && engine.state == SAXDP_STATE_GONE)
		err = fail(FWP(RPC_E_DISCONNECTED), "instance %s: unloaded", s->inst->name);
	if (err)
		return err;
	count = e->count - e->at;
	if (count > requested)
		count = requested;
	if (count) {
		do
			err = page_out(e, form, count, &o);
		while (out_again(&o, &err));
	}
	if (err)
		return err;
	e->at += count;
	*ret = (void **)o.base;
	*ret_count = count;
	return 0;
}

int enumeration_close(struct session *s, const struct snapshot_ops *ops, HANDLE handle)
{
	struct enumeration **place = place_of(s, ops, handle), *e;

	if (!place)
		return WIN32(ERROR_INVALID_HANDLE);
	e = *place;
	*place = e->next;
	enumeration_free(e);
	return 0;
}

void enumeration_close_all(struct session *s)
{
	struct enumeration *next;

	for (struct enumeration *e = s->enumerations; e; e = next) {
		next = e->next;
		enumeration_free(e);
	}
	s->enumerations = NULL;
}
