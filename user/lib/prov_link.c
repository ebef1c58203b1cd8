// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Which filters name a provider context.
 *
 * In tunnel mode the inbound filter of an SA context is found through its policy, and that must not
 * cost a look at every filter. So each filter that names a provider context has a name in `key` as
 * well: the provider context and a number. The numbers in use are those from 0 on, without a gap:
 * a filter that goes leaves its own to the last one.
 */
#include <errno.h>
#include <string.h>

#include "filter.h"

/* Kind of these names; those of objects have the object's. */
#define KIND_LINK SAXDP_KIND_COUNT

static GUID link_name(uint64_t id, uint64_t number)
{
	uint64_t words[2] = { id, number };
	GUID name;

	_Static_assert(sizeof(words) == sizeof(name), "a name is a provider context and a number");
	memcpy(&name, words, sizeof(name));
	return name;
}

static int link_get(struct policy *p, uint64_t id, uint64_t number, uint64_t *ret)
{
	GUID name = link_name(id, number);

	return policy_guid(p, KIND_LINK, &name, ret);
}

static void link_change(struct policy *p, enum saxdp_op_code code, uint64_t id, uint64_t number,
			uint64_t filter)
{
	GUID name = link_name(id, number);

	change_guid(p->change, code, KIND_LINK, &name, filter);
}

/* How many there are: numbers have no gap, so the first free one is found by halving. */
static int link_count(struct policy *p, uint64_t id, uint64_t *ret)
{
	uint64_t low = 0, high = 1, middle, filter;
	int err;

	while (!(err = link_get(p, id, high - 1, &filter))) {
		low = high;
		high *= 2;
	}
	/* low is taken up to low - 1, high - 1 is free */
	while (err == -ENOENT && low < high - 1) {
		middle = low + (high - low) / 2;
		err = link_get(p, id, middle - 1, &filter);
		if (!err) {
			low = middle;
			err = -ENOENT;
		} else if (err == -ENOENT) {
			high = middle;
		}
	}
	if (err != -ENOENT)
		return err;
	*ret = low;
	return 0;
}

int prov_context_link(struct policy *p, uint64_t id, uint64_t filter)
{
	uint64_t count;
	int err = link_count(p, id, &count);

	if (!err)
		link_change(p, SAXDP_OP_GUID_ADD, id, count, filter);
	return err;
}

/* The last one takes its number. */
int prov_context_unlink(struct policy *p, uint64_t id, uint64_t filter)
{
	uint64_t count, number, other, last;
	int err = link_count(p, id, &count);

	for (number = 0; !err; number++) {
		err = link_get(p, id, number, &other);
		if (!err && other == filter)
			break;
	}
	if (!err)
		err = link_get(p, id, count - 1, &last);
	if (err)
		return err == -ENOENT ? fail(-EPROTO, "provider context %llu: lost a filter",
					     (unsigned long long)id) :
					err;
	link_change(p, SAXDP_OP_GUID_DIE, id, number, filter);
	if (number == count - 1)
		return 0;
	link_change(p, SAXDP_OP_GUID_DIE, id, count - 1, last);
	link_change(p, SAXDP_OP_GUID_ADD, id, number, last);
	return 0;
}

static int view_link(struct view *v, uint64_t id, uint64_t number, uint64_t *ret)
{
	struct saxdp_guid_key key = { .kind = KIND_LINK };
	GUID name = link_name(id, number);
	struct saxdp_guid names;
	int err;

	memcpy(key.guid, &name, sizeof(key.guid));
	err = store_lookup(v->inst, SAXDP_KIND_KEY, &key, &names);
	for (int i = 0; i < 2 && !err; i++) {
		if (names.version[i].life.born &&
		    view_alive(v, SAXDP_EPOCH_POLICY, &names.version[i].life)) {
			*ret = names.version[i].id;
			return 0;
		}
	}
	return err ? err : -ENOENT;
}

int prov_context_each_filter(struct view *v, uint64_t id, int (*fn)(void *ctx, uint64_t filter),
			     void *ctx)
{
	uint64_t filter;
	int err = 0;

	for (uint64_t number = 0; !err; number++) {
		err = view_link(v, id, number, &filter);
		if (err)
			return err == -ENOENT ? 0 : err;
		err = fn(ctx, filter);
	}
	return err;
}
