// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Reading filters: FwpmFilterGetById0, FwpmFilterGetByKey0 and enumeration with its template.
 *
 * The conditions of a template are compiled as those of a filter are. A filter contains them when
 * each of their selectors is covered by one of its own, and overlaps them when one of theirs meets
 * one of its own. As equal sets of values make equal selectors, alternatives that lie side by side
 * have become one, and a set is not missed for being said in two conditions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "filter.h"
#include "sublayer.h"

enum {
	FLAGS = FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH | FWP_FILTER_ENUM_FLAG_SORTED |
		FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY | FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME |
		FWP_FILTER_ENUM_FLAG_INCLUDE_DISABLED,
};

#define ANY_ACTION 0xffffffffU

static const GUID null_key;

/* A template with its conditions compiled, where the layer's filters can have any. */
struct wanted {
	const FWPM_FILTER_ENUM_TEMPLATE0 *template;
	const struct layer *layer; /* NULL: all */
	struct selector_set flows;
};

/* --- templates --------------------------------------------------------------------------------------- */

static int conditions_check(const FWPM_FILTER_ENUM_TEMPLATE0 *t, struct wanted *w)
{
	if (!t->filterCondition)
		return fail(FWP(FWP_E_NULL_POINTER), "filter: filterCondition is NULL");
	if (!w->layer)
		return fail(FWP(FWP_E_LAYER_NOT_FOUND), "filter: conditions of no layer");
	for (UINT32 i = 0; i < t->numFilterConditions; i++)
		for (UINT32 j = 0; j < i; j++)
			if (!memcmp(&t->filterCondition[i].fieldKey,
				    &t->filterCondition[j].fieldKey, sizeof(GUID)))
				return fail(FWP(FWP_E_DUPLICATE_CONDITION),
					    "filter: conditions %u and %u are on one field", j, i);
	if (!w->layer->enforced)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "filter: %s: no conditions yet",
			    w->layer->name);
	return conditions_compile(w->layer, t->filterCondition, t->numFilterConditions, &w->flows);
}

/* Compiles as well: what is checked is used. */
static int check(void *template)
{
	struct wanted *w = template;
	const FWPM_FILTER_ENUM_TEMPLATE0 *t = w->template;
	int layer = layer_find(&t->layerKey);

	if (layer < 0 && memcmp(&t->layerKey, &null_key, sizeof(null_key)))
		return fail(FWP(FWP_E_LAYER_NOT_FOUND), "filter: no such layer");
	w->layer = layer < 0 ? NULL : layer_at(layer);
	if ((unsigned int)t->enumType >= FWP_FILTER_ENUM_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "filter: enumType %d", t->enumType);
	if (t->flags & ~(UINT32)FLAGS)
		return fail(FWP(FWP_E_INVALID_FLAGS), "filter: enumeration flags 0x%x: unknown",
			    t->flags);
	if (t->calloutKey && !(t->actionMask & FWP_ACTION_FLAG_CALLOUT))
		return fail(FWP(FWP_E_INVALID_PARAMETER),
			    "filter: calloutKey, and actionMask 0x%x is without callouts",
			    t->actionMask);
	if (t->providerContextTemplate &&
	    (unsigned int)t->providerContextTemplate->providerContextType >=
		    FWPM_PROVIDER_CONTEXT_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "filter: providerContextType %d",
			    t->providerContextTemplate->providerContextType);
	return t->numFilterConditions ? conditions_check(t, w) : 0;
}

/* --- which filters ----------------------------------------------------------------------------------- */

static bool action_fits(const FWPM_FILTER_ENUM_TEMPLATE0 *t, const struct filter_stored *f)
{
	if (t->actionMask != ANY_ACTION && !(t->actionMask & f->fixed.action_type))
		return false;
	return !t->calloutKey ||
	       (f->fixed.callout && !memcmp(t->calloutKey, &f->callout, sizeof(f->callout)));
}

static bool context_fits(const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *t,
			 const struct filter_stored *f)
{
	if (!t)
		return true;
	return f->fixed.flags & SAXDP_FILTER_HAS_PROV_CONTEXT &&
	       f->context.type == (uint32_t)t->providerContextType &&
	       (!t->providerKey ||
		(f->context.provider &&
		 !memcmp(t->providerKey, &f->context_provider, sizeof(f->context_provider))));
}

static bool flows_covered(const struct selector_set *filter, const struct selector_set *flows)
{
	for (uint32_t i = 0; i < flows->count; i++) {
		bool covered = false;

		for (uint32_t j = 0; j < filter->count && !covered; j++)
			covered = selector_covers(&filter->selector[j], &flows->selector[i]);
		if (!covered)
			return false;
	}
	return true;
}

static bool flows_met(const struct selector_set *filter, const struct selector_set *flows)
{
	for (uint32_t i = 0; i < flows->count; i++)
		for (uint32_t j = 0; j < filter->count; j++)
			if (selector_meets(&filter->selector[j], &flows->selector[i]))
				return true;
	return false;
}

/* Also of one that only inspects, which has no selectors in the maps. */
static int flows_fit(const struct wanted *w, const struct filter_stored *f, bool *ret)
{
	struct selector_set set = {};
	FWPM_FILTER0 filter;
	struct out o = {};
	int err;

	if (!w->template->numFilterConditions) {
		*ret = true;
		return 0;
	}
	do {
		filter = (FWPM_FILTER0){};
		err = filter_stored_out(f, &o, &filter);
	} while (out_again(&o, &err));
	if (!err)
		err = conditions_compile(w->layer, filter.filterCondition,
					 filter.numFilterConditions, &set);
	if (!err)
		*ret = w->template->enumType == FWP_FILTER_ENUM_FULLY_CONTAINED ?
			       flows_covered(&set, &w->flows) :
			       flows_met(&set, &w->flows);
	selector_set_release(&set);
	free(o.base);
	return err;
}

static int keep(const void *item, const void *template, bool *ret)
{
	const struct wanted *w = template;
	const FWPM_FILTER_ENUM_TEMPLATE0 *t = w->template;
	const struct filter_stored *f = item;

	*ret = false;
	if (w->layer && layer_at(f->fixed.layer) != w->layer)
		return 0;
	if (t->flags & FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY)
		return 0; /* there is none */
	if (t->providerKey &&
	    (!f->fixed.provider || memcmp(t->providerKey, &f->provider, sizeof(f->provider)) != 0))
		return 0;
	if (!action_fits(t, f) || !context_fits(t->providerContextTemplate, f))
		return 0;
	return flows_fit(w, f, ret);
}

/* --- in which order ---------------------------------------------------------------------------------- */

/* As packets are judged: by layer, heavier sublayers, heavier filters, the older of equals. */
static int judged_order(const void *a, const void *b)
{
	const struct filter_stored *x = a, *y = b;
	uint64_t x_weight = x->fixed.effective_weight, y_weight = y->fixed.effective_weight;

	if (x->fixed.layer != y->fixed.layer)
		return x->fixed.layer < y->fixed.layer ? -1 : 1;
	if (x->fixed.sublayer != y->fixed.sublayer)
		return sublayer_before(x->fixed.sublayer, x->sublayer_weight, y->fixed.sublayer,
				       y->sublayer_weight) ?
			       -1 :
			       1;
	if (x_weight != y_weight)
		return x_weight > y_weight ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* Of each sublayer of each layer the first that decides. The list is in the order of judgement. */
static void best_keep(struct object_list *l)
{
	const struct filter_stored *best = NULL, *f;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		f = object_list_at(l, i);
		if (!(f->fixed.action_type & FWP_ACTION_FLAG_TERMINATING) ||
		    (best && best->fixed.layer == f->fixed.layer &&
		     best->fixed.sublayer == f->fixed.sublayer)) {
			l->type->release(object_list_at(l, i));
			continue;
		}
		best = memmove(object_list_at(l, kept++), f, sizeof(*f));
	}
	l->count = kept;
}

static int arrange(struct object_list *l, const void *template)
{
	const struct wanted *w = template;
	UINT32 flags = w->template->flags;

	if (!(flags & (FWP_FILTER_ENUM_FLAG_SORTED | FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH)))
		return 0;
	if (l->count)
		qsort(l->item, l->count, l->type->item_size, judged_order);
	if (flags & FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH)
		best_keep(l);
	return 0;
}

/* --- calls ------------------------------------------------------------------------------------------- */

static int find(struct policy *p, const GUID *key, uint64_t *ret)
{
	return policy_guid(p, SAXDP_KIND_FILTER, key, ret);
}

static int item_read(const struct reader *r, uint64_t id, void *item)
{
	return filter_read(r, id, item);
}

static void item_release(void *item)
{
	blob_release(&((struct filter_stored *)item)->blob);
}

static int item_get(const void *item, struct out *o, void *ret)
{
	return filter_stored_out(item, o, ret);
}

const struct object_type filters = {
	.ops = OBJECT_SNAPSHOT,
	.what = "filter",
	.not_found = FWP_E_FILTER_NOT_FOUND,
	.kind = SAXDP_KIND_FILTER,
	.blob = SAXDP_BLOB_FILTER,
	.item_size = sizeof(struct filter_stored),
	.form = { { sizeof(FWPM_FILTER0), item_get } },
	.find = find,
	.read = item_read,
	.release = item_release,
	.check = check,
	.keep = keep,
	.arrange = arrange,
};

DWORD FwpmFilterGetById0(HANDLE engineHandle, UINT64 id, FWPM_FILTER0 **filter)
{
	void *entry;
	DWORD result = object_get_by_id(engineHandle, &filters, 0, id, filter ? &entry : NULL);

	if (!result)
		*filter = entry;
	return result;
}

DWORD FwpmFilterGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_FILTER0 **filter)
{
	void *entry;
	DWORD result = object_get_by_key(engineHandle, &filters, 0, key, filter ? &entry : NULL);

	if (!result)
		*filter = entry;
	return result;
}

DWORD FwpmFilterCreateEnumHandle0(HANDLE engineHandle,
				  const FWPM_FILTER_ENUM_TEMPLATE0 *enumTemplate,
				  HANDLE *enumHandle)
{
	struct wanted w = { .template = enumTemplate };
	DWORD result =
		object_enum_create(engineHandle, &filters, enumTemplate ? &w : NULL, enumHandle);

	selector_set_release(&w.flows);
	return result;
}

DWORD FwpmFilterEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		      FWPM_FILTER0 ***entries, UINT32 *numEntriesReturned)
{
	void *array;
	DWORD result = object_enum(engineHandle, &filters, 0, enumHandle, numEntriesRequested,
				   entries ? &array : NULL, numEntriesReturned);

	if (!result)
		*entries = array;
	return result;
}

DWORD FwpmFilterDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &filters, enumHandle);
}
