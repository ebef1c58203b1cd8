// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Filters with what they matched. */
#include "look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callout.h"
#include "sublayer.h"

/* Names stand behind each other; a filter knows where, as their memory moves while they grow. */
struct filters {
	struct view *view;
	struct list info, name_at, names;
};

static void filters_clear(struct filters *x)
{
	list_clear(&x->info);
	list_clear(&x->name_at);
	list_clear(&x->names);
}

static int name_read(struct filters *x, uint64_t id, const struct saxdp_filter *f)
{
	struct blob blob = {};
	const char *name;
	size_t size = 0;
	char *place;
	int err;

	err = blob_read(x->view, SAXDP_BLOB_FILTER, id, f->blob_bytes, &blob);
	if (err)
		return err;
	name = blob_get_utf8(&blob, &size);
	err = blob.err;
	place = err ? NULL : list_extend(&x->names, (name ? size : 0) + 1);
	if (!err && !place)
		err = -ENOMEM;
	if (!err && name)
		memcpy(place, name, size);
	blob_release(&blob);
	return err;
}

static int add_filter(void *ctx, const void *key, const void *value)
{
	uint64_t id = *(const uint64_t *)key;
	const struct saxdp_filter *f = value;
	const struct layer *layer = layer_at(f->layer);
	struct saxdp_filter_info *info;
	struct filters *x = ctx;
	const struct reader r = { .view = x->view };
	GUID sublayer = {}, callout = {};
	uint16_t weight;
	size_t *name_at;
	int err;

	if (!view_alive(x->view, SAXDP_EPOCH_POLICY, &f->life))
		return 0;
	info = list_add(&x->info);
	name_at = list_add(&x->name_at);
	if (!info || !name_at)
		return -ENOMEM;
	*info = (struct saxdp_filter_info){
		.id = id,
		.layer = f->layer,
		.sublayer = f->sublayer & SAXDP_BUILTIN ? (f->sublayer & ~SAXDP_BUILTIN) - 1 :
							  SAXDP_NOT_BUILTIN,
		.action_type = f->action_type,
		.callout = !f->callout		      ? 0 :
			   f->callout & SAXDP_BUILTIN ? f->callout & ~SAXDP_BUILTIN :
							SAXDP_NOT_BUILTIN,
		.weight = f->effective_weight,
		.conditions = f->conditions,
		.selectors = f->selectors,
		.enforced = layer && layer->enforced,
		.users = f->users,
		.matched = { f->packets, f->bytes },
	};
	memcpy(info->key, f->key, sizeof(info->key));
	*name_at = x->names.count;
	err = sublayer_read(&r, f->sublayer, &sublayer, &weight);
	memcpy(info->sublayer_key, &sublayer, sizeof(sublayer));
	if (!err && f->callout)
		err = callout_read_key(&r, f->callout, &callout);
	memcpy(info->callout_key, &callout, sizeof(callout));
	return err ? err : name_read(x, id, f);
}

static int filter_order(const void *a, const void *b)
{
	const struct saxdp_filter_info *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Filters and names become one allocation. */
static int filters_pack(const struct filters *x, struct saxdp_filter_info **ret)
{
	size_t bytes = x->info.count * sizeof(struct saxdp_filter_info);
	const size_t *name_at = x->name_at.element;
	struct saxdp_filter_info *info;
	char *names;

	*ret = NULL;
	if (!x->info.count)
		return 0;
	info = malloc(bytes + x->names.count);
	if (!info)
		return -ENOMEM;
	names = (char *)info + bytes;
	memcpy(info, x->info.element, bytes);
	memcpy(names, x->names.element, x->names.count);
	for (size_t i = 0; i < x->info.count; i++)
		info[i].name = names + name_at[i];
	qsort(info, x->info.count, sizeof(*info), filter_order);
	*ret = info;
	return 0;
}

int saxdp_filter_list(struct saxdp *s, struct saxdp_filter_info **ret, size_t *ret_count)
{
	struct view v = VIEW_INIT(s->inst);
	struct filters x = {
		.view = &v,
		.info.size = sizeof(struct saxdp_filter_info),
		.name_at.size = sizeof(size_t),
		.names.size = 1,
	};
	struct saxdp_filter_info *packed;
	int err;

	do {
		filters_clear(&x);
		err = view_begin(&v);
		if (err)
			break;
		err = store_each(s->inst, SAXDP_KIND_FILTER, add_filter, &x);
	} while (view_again(&v, &err));
	if (!err)
		err = filters_pack(&x, &packed);
	if (!err) {
		*ret = packed;
		*ret_count = x.info.count;
	}
	filters_clear(&x);
	return look_result(s, err);
}
