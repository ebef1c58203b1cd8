// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Filters: FwpmFilterAdd0, FwpmFilterDeleteById0, FwpmFilterDeleteByKey0.
 *
 * A filter is in the maps as its fixed part (`filter`), its key (`key`), its blob (object_put(), the
 * type of its action, conditions_put()) and the candidates of its selectors. One commit makes all of
 * it, one ends it. Which candidates there are is not kept: its conditions compile to them again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callout.h"
#include "classify.h"
#include "condition.h"
#include "filter.h"
#include "provider.h"
#include "sublayer.h"

enum {
	FLAGS_SUPPORTED = FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT |
			  FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT |
			  FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED,
	FLAGS_NOT_YET = FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_BOOTTIME |
			FWPM_FILTER_FLAG_HAS_SECURITY_REALM_PROVIDER_CONTEXT |
			FWPM_FILTER_FLAG_SYSTEMOS_ONLY | FWPM_FILTER_FLAG_GAMEOS_ONLY |
			FWPM_FILTER_FLAG_SILENT_MODE | FWPM_FILTER_FLAG_IPSEC_NO_ACQUIRE_INITIATE,
};

static const GUID null_key;

/* --- checking ------------------------------------------------------------------------------------- */

/* What is to be added, as far as it can be said without the maps. */
struct filter_new {
	const struct layer *layer;
	struct selector_set selectors;
	uint64_t weight; /* effective */
	struct blob blob;
	struct saxdp_filter fixed;
	struct saxdp_candidate candidate;
};

static void filter_new_release(struct filter_new *n)
{
	selector_set_release(&n->selectors);
	blob_release(&n->blob);
}

static int flags_check(const FWPM_FILTER0 *f)
{
	const UINT32 both = FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_BOOTTIME;

	if (f->flags & ~(UINT32)(FLAGS_SUPPORTED | FLAGS_NOT_YET))
		return fail(FWP(FWP_E_INVALID_FLAGS),
			    "filter: flags 0x%x: unknown, or never set on add", f->flags);
	if ((f->flags & both) == both)
		return fail(FWP(FWP_E_INVALID_FLAGS),
			    "filter: flags 0x%x: persistent excludes boot-time", f->flags);
	if (f->flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED &&
	    f->action.type != FWP_ACTION_CALLOUT_TERMINATING &&
	    f->action.type != FWP_ACTION_CALLOUT_UNKNOWN)
		return fail(FWP(FWP_E_INVALID_FLAGS),
			    "filter: flags 0x%x: action 0x%x does not ask a callout to decide",
			    f->flags, f->action.type);
	if (f->flags & FLAGS_NOT_YET)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "filter: flags 0x%x: not supported yet",
			    f->flags);
	return 0;
}

static int place_check(const FWPM_FILTER0 *f, struct filter_new *n)
{
	int layer = layer_find(&f->layerKey);

	if (layer < 0)
		return fail(FWP(FWP_E_LAYER_NOT_FOUND), "filter: no such layer");
	n->layer = layer_at(layer);
	if (!n->layer->enforced)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "filter: %s: not supported yet",
			    n->layer->name);
	n->fixed.layer = layer;
	return 0;
}

static int callout_check(const FWPM_FILTER0 *f, struct filter_new *n)
{
	int index = callout_find(&f->action.calloutKey);
	const struct callout *callout;

	if (index < 0) {
		/* If it exists, it is not registered with a kernel. */
		n->candidate.action = f->flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED ?
					      SAXDP_PERMIT :
					      SAXDP_BLOCK;
		return 0;
	}
	callout = callout_at(index);
	if (callout->action != SAXDP_CALLOUT &&
	    (callout->inbound != n->layer->inbound || callout->family != n->layer->family))
		return fail(FWP(FWP_E_INCOMPATIBLE_LAYER), "filter: %s is not for %s",
			    callout->name, n->layer->name);
	n->candidate.action = callout->action;
	return 0;
}

static int action_check(const FWPM_FILTER0 *f, struct filter_new *n)
{
	n->fixed.action_type = f->action.type;
	switch (f->action.type) {
	case FWP_ACTION_PERMIT:
		n->candidate.action = SAXDP_PERMIT;
		return 0;
	case FWP_ACTION_BLOCK:
		n->candidate.action = SAXDP_BLOCK;
		return 0;
	case FWP_ACTION_CALLOUT_TERMINATING:
	case FWP_ACTION_CALLOUT_INSPECTION:
	case FWP_ACTION_CALLOUT_UNKNOWN:
		return callout_check(f, n);
	default:
		return fail(FWP(FWP_E_INVALID_ACTION_TYPE), "filter: action type 0x%x: unknown",
			    f->action.type);
	}
}

/* One that only inspects never decides, so packets do not look for it. */
static int selectors_make(const struct layer *layer, UINT32 action_type,
			  const FWPM_FILTER_CONDITION0 *conditions, uint32_t count,
			  struct selector_set *ret)
{
	int err = conditions_compile(layer, conditions, count, ret);

	if (action_type == FWP_ACTION_CALLOUT_INSPECTION)
		ret->count = 0;
	return err;
}

static int filter_check(const FWPM_FILTER0 *f, const void *sd, struct filter_new *n)
{
	int err;

	if (f->numFilterConditions && !f->filterCondition)
		return fail(FWP(FWP_E_NULL_POINTER), "filter: filterCondition is NULL");
	if (f->reserved)
		return fail(FWP(FWP_E_RESERVED), "filter: reserved is not NULL");
	err = object_check("filter", &f->displayData, &f->providerData, sd);
	if (!err)
		err = flags_check(f);
	if (!err)
		err = place_check(f, n);
	if (!err)
		err = action_check(f, n);
	if (!err)
		err = selectors_make(n->layer, f->action.type, f->filterCondition,
				     f->numFilterConditions, &n->selectors);
	if (!err)
		err = classify_weight(&f->weight, n->selectors.weight, &n->weight);
	return err;
}

static void filter_fill(const FWPM_FILTER0 *f, const struct session *s, struct filter_new *n)
{
	n->fixed.effective_weight = n->weight;
	n->candidate.weight = n->weight;
	n->fixed.weight_type = f->weight.type;
	if (f->weight.type != FWP_EMPTY)
		n->fixed.weight = f->weight.type == FWP_UINT8 ? f->weight.uint8 : *f->weight.uint64;
	n->fixed.owner = object_owner(s);
	if (n->fixed.owner)
		n->fixed.owner_slot = s->slot + 1;
	n->candidate.owner = n->fixed.owner_slot;
	n->fixed.fwp_flags = f->flags;
	n->fixed.conditions = f->numFilterConditions;
	n->fixed.selectors = n->selectors.count;
	if (!(f->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT))
		n->fixed.context = f->rawContext;
	object_put(&n->blob, &f->displayData, &f->providerData);
	blob_put(&n->blob,
		 f->action.type & FWP_ACTION_FLAG_CALLOUT ? &null_key : &f->action.filterType,
		 sizeof(GUID));
	conditions_put(&n->blob, f->filterCondition, f->numFilterConditions);
	n->fixed.blob_bytes = n->blob.size;
}

/* --- adding --------------------------------------------------------------------------------------- */

static int filter_link(struct policy *p, const GUID *key, struct saxdp_filter *f, uint64_t id)
{
	struct saxdp_prov_context context;
	uint64_t context_id;
	int err;

	err = policy_guid(p, SAXDP_KIND_PROV_CONTEXT, key, &context_id);
	if (!err)
		err = policy_lookup(p, SAXDP_KIND_PROV_CONTEXT, &context_id, &context);
	if (err == -ENOENT)
		return fail(FWP(FWP_E_PROVIDER_CONTEXT_NOT_FOUND),
			    "filter: no such provider context");
	if (err)
		return err;
	err = object_lifetime_check("filter", "provider context", context_id, context.owner,
				    f->owner);
	if (err)
		return err;
	f->flags |= SAXDP_FILTER_HAS_PROV_CONTEXT;
	f->context = context_id;
	return prov_context_link(p, context_id, id);
}

/* One that packets do not look for needs no slot. */
static int filter_place(struct policy *p, const GUID *key, struct saxdp_filter *f,
			struct saxdp_candidate *c)
{
	bool universal = !memcmp(key, &null_key, sizeof(null_key));
	int err;

	err = sublayer_name(p, universal ? &FWPM_SUBLAYER_UNIVERSAL : key, f->owner, &f->sublayer);
	if (!err && f->selectors)
		err = slot_plan_take(p, f->sublayer, &c->slot);
	if (!err)
		f->slot = c->slot;
	return err;
}

static int filter_insert(struct policy *p, const FWPM_FILTER0 *f, struct filter_new *n, uint64_t id)
{
	struct saxdp_filter fixed = n->fixed;
	GUID key;
	int err;

	err = object_key(p, "filter", SAXDP_KIND_FILTER, &f->filterKey, &key);
	if (!err)
		err = provider_name(p, "filter", f->providerKey, fixed.owner, &fixed.provider);
	if (!err && f->action.type & FWP_ACTION_FLAG_CALLOUT)
		err = callout_name(p, &f->action.calloutKey, fixed.layer, fixed.owner,
				   &fixed.callout);
	if (!err)
		err = filter_place(p, &f->subLayerKey, &fixed, &n->candidate);
	if (!err && f->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT)
		err = filter_link(p, &f->providerContextKey, &fixed, id);
	if (!err)
		err = classify_add(p, n->layer->judged, &n->selectors, &n->candidate);
	if (err)
		return err;
	memcpy(fixed.key, &key, sizeof(fixed.key));
	change_insert(p->change, SAXDP_KIND_FILTER, &id, &fixed);
	change_guid(p->change, SAXDP_OP_GUID_ADD, SAXDP_KIND_FILTER, &key, id);
	blob_insert(&n->blob, p->change, SAXDP_BLOB_FILTER, id);
	return 0;
}

static int filter_add(struct session *s, const FWPM_FILTER0 *f, const void *sd, uint64_t *ret)
{
	struct filter_new n = {};
	struct policy p;
	uint64_t id = 0;
	int err, early;

	if (!f)
		return fail(FWP(FWP_E_NULL_POINTER), "filter: NULL");
	err = filter_check(f, sd, &n);
	if (!err)
		err = policy_begin(&p, s);
	if (err)
		goto out;
	filter_fill(f, s, &n);
	early = n.blob.err;
	if (!early)
		early = id_reserve(s, SAXDP_ID_FILTER, &id);
	n.candidate.filter = id;
	do {
		err = early;
		if (!err)
			err = filter_insert(&p, f, &n, id);
	} while (policy_again(&p, &err));
	if (err == -ENOSPC)
		fail(err, "filter: the maps of instance %s are full", s->inst->name);
	if (!err && ret)
		*ret = id;
out:
	filter_new_release(&n);
	return err;
}

DWORD FwpmFilterAdd0(HANDLE engineHandle, const FWPM_FILTER0 *filter, PSECURITY_DESCRIPTOR sd,
		     UINT64 *id)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = filter_add(s, filter, sd, id);
	session_put(s);
	return fwp_result(err);
}

/* --- reading -------------------------------------------------------------------------------------- */

int filter_read(const struct reader *r, uint64_t id, struct filter_stored *ret)
{
	int err;

	ret->id = id;
	err = reader_lookup(r, SAXDP_KIND_FILTER, &id, &ret->fixed);
	if (!err && ret->fixed.flags & SAXDP_FILTER_HAS_PROV_CONTEXT)
		err = reader_lookup(r, SAXDP_KIND_PROV_CONTEXT, &ret->fixed.context, &ret->context);
	if (!err)
		err = provider_read_key(r, ret->context.provider, &ret->context_provider);
	if (!err)
		err = provider_read_key(r, ret->fixed.provider, &ret->provider);
	if (!err)
		err = sublayer_read(r, ret->fixed.sublayer, &ret->sublayer, &ret->sublayer_weight);
	if (!err && ret->fixed.callout)
		err = callout_read_key(r, ret->fixed.callout, &ret->callout);
	if (!err)
		err = reader_blob(r, SAXDP_BLOB_FILTER, id, ret->fixed.blob_bytes, &ret->blob);
	return err;
}

static int weight_get(struct out *o, FWP_DATA_TYPE type, uint64_t weight, FWP_VALUE0 *ret)
{
	ret->type = type;
	if (type == FWP_UINT8)
		ret->uint8 = weight;
	if (type != FWP_UINT64)
		return 0;
	ret->uint64 = out_copy(o, &weight, sizeof(weight));
	return ret->uint64 ? 0 : -ENOMEM;
}

int filter_stored_out(const struct filter_stored *f, struct out *o, FWPM_FILTER0 *ret)
{
	struct blob b = f->blob; /* read from its front in each pass */
	GUID action_type;
	int err;

	memcpy(&ret->filterKey, f->fixed.key, sizeof(ret->filterKey));
	ret->filterId = f->id;
	ret->flags = f->fixed.fwp_flags;
	ret->layerKey = *layer_at(f->fixed.layer)->key;
	ret->subLayerKey = f->sublayer;
	err = weight_get(o, f->fixed.weight_type, f->fixed.weight, &ret->weight);
	if (!err)
		err = weight_get(o, FWP_UINT64, f->fixed.effective_weight, &ret->effectiveWeight);
	if (!err)
		err = object_get(&b, o, &ret->displayData, &ret->providerData);
	if (!err)
		err = provider_key_get(f->fixed.provider, &f->provider, o, &ret->providerKey);
	if (err)
		return err;
	blob_get(&b, &action_type, sizeof(action_type));
	ret->action.type = f->fixed.action_type;
	ret->action.filterType = f->fixed.callout ? f->callout : action_type;
	if (f->fixed.flags & SAXDP_FILTER_HAS_PROV_CONTEXT)
		memcpy(&ret->providerContextKey, f->context.key, sizeof(ret->providerContextKey));
	else
		ret->rawContext = f->fixed.context;
	ret->numFilterConditions = f->fixed.conditions;
	return conditions_get(&b, o, f->fixed.conditions, &ret->filterCondition);
}

int filter_out(struct view *v, uint64_t id, struct out *o, FWPM_FILTER0 *ret)
{
	const struct reader r = { .view = v };
	struct filter_stored f = {};
	int err;

	err = filter_read(&r, id, &f);
	if (!err)
		err = filter_stored_out(&f, o, ret);
	blob_release(&f.blob);
	return err;
}

int filter_stored_read(struct view *v, uint64_t id, struct filter_stored **ret)
{
	const struct reader r = { .view = v };
	struct filter_stored *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	err = filter_read(&r, id, f);
	if (err)
		filter_stored_free(f);
	else
		*ret = f;
	return err;
}

void filter_stored_free(struct filter_stored *f)
{
	if (!f)
		return;
	blob_release(&f->blob);
	free(f);
}

/* --- its selectors, again --------------------------------------------------------------------------- */

static int filter_selectors(const struct filter_stored *f, struct selector_set *ret)
{
	const struct layer *layer = layer_at(f->fixed.layer);
	FWPM_FILTER0 filter;
	struct out o = {};
	int err;

	do {
		filter = (FWPM_FILTER0){};
		err = filter_stored_out(f, &o, &filter);
	} while (out_again(&o, &err));
	if (!err)
		err = selectors_make(layer, f->fixed.action_type, filter.filterCondition,
				     filter.numFilterConditions, ret);
	free(o.base);
	return err;
}

int filter_view(struct view *v, uint64_t id, struct saxdp_filter *ret)
{
	const struct reader r = { .view = v };

	return reader_lookup(&r, SAXDP_KIND_FILTER, &id, ret);
}

int filter_view_selectors(struct view *v, uint64_t id, const struct saxdp_filter *fixed,
			  struct selector_set *ret)
{
	const struct reader r = { .view = v };
	struct filter_stored f = { .id = id, .fixed = *fixed };
	int err;

	*ret = (struct selector_set){};
	err = reader_blob(&r, SAXDP_BLOB_FILTER, id, fixed->blob_bytes, &f.blob);
	if (!err)
		err = filter_selectors(&f, ret);
	blob_release(&f.blob);
	return err;
}

/* --- deleting ------------------------------------------------------------------------------------- */

/* Ends all of it. That nobody uses it was checked, and is expected of the commit too. */
static int filter_end(struct policy *p, struct filter_stored *f)
{
	struct selector_set selectors;
	GUID key;
	int err;

	err = filter_selectors(f, &selectors);
	if (err)
		return err;
	err = classify_remove(p, layer_at(f->fixed.layer)->judged, &selectors, f->id);
	selector_set_release(&selectors);
	if (!err && f->fixed.selectors)
		err = slot_plan_give(p, f->fixed.slot);
	if (!err && f->fixed.flags & SAXDP_FILTER_HAS_PROV_CONTEXT)
		err = prov_context_unlink(p, f->fixed.context, f->id);
	if (err)
		return err;
	memcpy(&key, f->fixed.key, sizeof(key));
	change_word(p->change, SAXDP_OP_EXPECT, SAXDP_KIND_FILTER, &f->id,
		    offsetof(struct saxdp_filter, users), 0);
	change_guid(p->change, SAXDP_OP_GUID_DIE, SAXDP_KIND_FILTER, &key, f->id);
	blob_die(p->change, SAXDP_BLOB_FILTER, f->id, f->fixed.blob_bytes);
	change_die(p->change, SAXDP_KIND_FILTER, &f->id);
	return 0;
}

/* key NULL: by id. */
static int filter_remove(struct policy *p, const GUID *key, uint64_t id)
{
	const struct reader r = { .policy = p };
	struct filter_stored f = {};
	int err = 0;

	if (key)
		err = policy_guid(p, SAXDP_KIND_FILTER, key, &id);
	if (!err)
		err = filter_read(&r, id, &f);
	if (err == -ENOENT)
		err = fail(FWP(FWP_E_FILTER_NOT_FOUND), "filter: no such filter");
	if (!err)
		err = object_owner_check("filter", p->session, f.fixed.owner);
	if (!err && f.fixed.users)
		err = fail(FWP(FWP_E_IN_USE), "filter %llu: SA contexts use it",
			   (unsigned long long)id);
	if (!err)
		err = filter_end(p, &f);
	blob_release(&f.blob);
	return err;
}

static int filter_delete(struct session *s, const GUID *key, uint64_t id)
{
	struct policy p;
	int err;

	err = policy_begin(&p, s);
	if (err)
		return err;
	do {
		err = filter_remove(&p, key, id);
	} while (policy_again(&p, &err));
	return err;
}

DWORD FwpmFilterDeleteById0(HANDLE engineHandle, UINT64 id)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = filter_delete(s, NULL, id);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmFilterDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = key ? filter_delete(s, key, 0) : fail(FWP(FWP_E_NULL_POINTER), "filter: key is NULL");
	session_put(s);
	return fwp_result(err);
}

static int owned_end(struct policy *p, uint64_t id, const void *ctx)
{
	const struct reader r = { .policy = p };
	struct filter_stored f = {};
	int err;

	(void)ctx;
	err = filter_read(&r, id, &f);
	if (!err && !f.fixed.users)
		err = filter_end(p, &f);
	blob_release(&f.blob);
	return err;
}

int filter_delete_owned(struct policy *p, uint64_t owner)
{
	return object_each_owned(p, SAXDP_KIND_FILTER, offsetof(struct saxdp_filter, owner), owner,
				 owned_end, NULL);
}
