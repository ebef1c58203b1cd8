// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Callouts: FwpmCalloutAdd0, FwpmCalloutDeleteById0, FwpmCalloutDeleteByKey0, FwpmCalloutGetById0,
 * FwpmCalloutGetByKey0 and enumeration.
 *
 * A callout that a client adds is a name for code that a driver would register with the kernel, and
 * there is none here: it is never registered, and filters that ask it block or permit by their flag.
 * Its blob is what object_put() makes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callout.h"
#include "object_add.h"
#include "provider.h"

/* The caller's ids have 32 bits; of those with this bit the rest is the place in the table, + 1. */
#define ID_BUILTIN 0x80000000U

static const GUID null_key;

static int find(struct policy *p, const GUID *key, uint64_t *ret)
{
	int place = callout_find(key);

	if (place < 0)
		return policy_guid(p, SAXDP_KIND_CALLOUT, key, ret);
	*ret = SAXDP_BUILTIN | (place + 1);
	return 0;
}

/* NULL: it is not built in. */
static const struct callout *builtin_at(uint64_t id)
{
	return id & SAXDP_BUILTIN ? callout_at((id & ~SAXDP_BUILTIN) - 1) : NULL;
}

/* --- for filters ---------------------------------------------------------------------------------------- */

int callout_name(struct policy *p, const GUID *key, uint32_t layer, uint64_t owner, __u64 *ret)
{
	struct saxdp_callout callout;
	uint64_t id;
	int err = find(p, key, &id);

	if (!err && !(id & SAXDP_BUILTIN)) {
		err = policy_lookup(p, SAXDP_KIND_CALLOUT, &id, &callout);
		if (!err && callout.layer != layer)
			return fail(FWP(FWP_E_INCOMPATIBLE_LAYER), "filter: its callout is for %s",
				    layer_at(callout.layer)->name);
		if (!err)
			err = object_lifetime_check("filter", "callout", id, callout.object.owner,
						    owner);
	}
	if (err == -ENOENT)
		err = fail(FWP(FWP_E_CALLOUT_NOT_FOUND), "filter: no such callout");
	if (!err)
		*ret = id;
	return err;
}

enum saxdp_action callout_action(uint64_t id)
{
	const struct callout *builtin = builtin_at(id);

	return builtin ? builtin->action : SAXDP_PERMIT;
}

int callout_read_key(const struct reader *r, uint64_t id, GUID *ret)
{
	const struct callout *builtin = builtin_at(id);
	struct saxdp_callout callout;
	int err;

	if (builtin) {
		*ret = *builtin->key;
		return 0;
	}
	err = reader_lookup(r, SAXDP_KIND_CALLOUT, &id, &callout);
	if (!err)
		memcpy(ret, callout.object.key, sizeof(*ret));
	return err;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* A callout as it is in the maps, or its id where it is built in. */
struct stored {
	uint64_t id;
	struct saxdp_callout fixed;
	GUID provider;
	struct blob blob;
};

static int stored_read(const struct reader *r, uint64_t id, void *item)
{
	struct stored *ret = item;
	int err;

	ret->id = id;
	if (id & SAXDP_BUILTIN)
		return builtin_at(id) ? 0 : -ENOENT;
	err = reader_lookup(r, SAXDP_KIND_CALLOUT, &id, &ret->fixed);
	if (!err)
		err = provider_read_key(r, ret->fixed.object.provider, &ret->provider);
	if (!err)
		err = reader_blob(r, SAXDP_BLOB_CALLOUT, id, ret->fixed.object.blob_bytes,
				  &ret->blob);
	return err;
}

static void stored_release(void *item)
{
	blob_release(&((struct stored *)item)->blob);
}

static int get(const void *item, struct out *o, void *entry)
{
	const struct stored *callout = item;
	const struct callout *builtin = builtin_at(callout->id);
	struct blob b = callout->blob; /* read from its front in each pass */
	FWPM_CALLOUT0 *ret = entry;
	int err;

	if (builtin) {
		ret->calloutKey = *builtin->key;
		ret->displayData.name = out_ascii(o, builtin->name);
		ret->calloutId = ID_BUILTIN | (uint32_t)callout->id;
		ret->flags = FWPM_CALLOUT_FLAG_REGISTERED;
		if (builtin->layer)
			ret->applicableLayer = *builtin->layer;
		return ret->displayData.name ? 0 : -ENOMEM;
	}
	memcpy(&ret->calloutKey, callout->fixed.object.key, sizeof(ret->calloutKey));
	ret->flags = callout->fixed.object.fwp_flags;
	ret->calloutId = callout->id;
	ret->applicableLayer = *layer_at(callout->fixed.layer)->key;
	err = object_get(&b, o, &ret->displayData, &ret->providerData);
	if (!err)
		err = provider_key_get(callout->fixed.object.provider, &callout->provider, o,
				       &ret->providerKey);
	return err;
}

/* providerKey NULL: any; those that are built in have none. layerKey null: any. */
static int keep(const void *item, const void *template, bool *ret)
{
	const FWPM_CALLOUT_ENUM_TEMPLATE0 *wanted = template;
	const struct stored *callout = item;
	const struct callout *builtin = builtin_at(callout->id);
	const GUID *layer = builtin ? builtin->layer : layer_at(callout->fixed.layer)->key;

	*ret = !wanted->providerKey ||
	       (callout->fixed.object.provider &&
		!memcmp(&callout->provider, wanted->providerKey, sizeof(GUID)));
	if (*ret && memcmp(&wanted->layerKey, &null_key, sizeof(null_key)))
		*ret = layer && !memcmp(layer, &wanted->layerKey, sizeof(*layer));
	return 0;
}

static int check_template(void *template)
{
	const FWPM_CALLOUT_ENUM_TEMPLATE0 *wanted = template;

	if (memcmp(&wanted->layerKey, &null_key, sizeof(null_key)) &&
	    layer_find(&wanted->layerKey) < 0)
		return fail(FWP(FWP_E_LAYER_NOT_FOUND), "callout: no such layer");
	return 0;
}

static const struct object_type callouts = {
	.ops = OBJECT_SNAPSHOT,
	.what = "callout",
	.not_found = FWP_E_CALLOUT_NOT_FOUND,
	.kind = SAXDP_KIND_CALLOUT,
	.blob = SAXDP_BLOB_CALLOUT,
	.builtin = CALLOUTS_BUILTIN,
	.item_size = sizeof(struct stored),
	.form = { { sizeof(FWPM_CALLOUT0), get } },
	.find = find,
	.read = stored_read,
	.release = stored_release,
	.check = check_template,
	.keep = keep,
};

static uint64_t id_of(UINT32 id)
{
	return id & ID_BUILTIN ? SAXDP_BUILTIN | (id & ~ID_BUILTIN) : id;
}

DWORD FwpmCalloutGetById0(HANDLE engineHandle, UINT32 id, FWPM_CALLOUT0 **callout)
{
	void *entry;
	DWORD result =
		object_get_by_id(engineHandle, &callouts, 0, id_of(id), callout ? &entry : NULL);

	if (!result)
		*callout = entry;
	return result;
}

DWORD FwpmCalloutGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_CALLOUT0 **callout)
{
	void *entry;
	DWORD result = object_get_by_key(engineHandle, &callouts, 0, key, callout ? &entry : NULL);

	if (!result)
		*callout = entry;
	return result;
}

DWORD FwpmCalloutCreateEnumHandle0(HANDLE engineHandle,
				   const FWPM_CALLOUT_ENUM_TEMPLATE0 *enumTemplate,
				   HANDLE *enumHandle)
{
	return object_enum_create(engineHandle, &callouts, (void *)enumTemplate, enumHandle);
}

DWORD FwpmCalloutEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		       FWPM_CALLOUT0 ***entries, UINT32 *numEntriesReturned)
{
	void *array;
	DWORD result = object_enum(engineHandle, &callouts, 0, enumHandle, numEntriesRequested,
				   entries ? &array : NULL, numEntriesReturned);

	if (!result)
		*entries = array;
	return result;
}

DWORD FwpmCalloutDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &callouts, enumHandle);
}

/* --- adding and deleting -------------------------------------------------------------------------------- */

static int check(const FWPM_CALLOUT0 *callout, const void *sd)
{
	const UINT32 known = FWPM_CALLOUT_FLAG_PERSISTENT | FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT;
	int err = object_check("callout", &callout->displayData, &callout->providerData, sd);

	if (err)
		return err;
	if (callout->flags & ~known)
		return fail(FWP(FWP_E_INVALID_FLAGS),
			    "callout: flags 0x%x: unknown, or never set on add", callout->flags);
	if (callout->flags & FWPM_CALLOUT_FLAG_PERSISTENT)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "callout: persistent: not supported yet");
	if (layer_find(&callout->applicableLayer) < 0)
		return fail(FWP(FWP_E_LAYER_NOT_FOUND), "callout: no such layer");
	return 0;
}

static int add(struct session *s, const FWPM_CALLOUT0 *callout, const void *sd, UINT32 *ret)
{
	struct object_new n = { .type = &callouts };
	uint64_t id;
	int err;

	if (!callout)
		return fail(FWP(FWP_E_NULL_POINTER), "callout: NULL");
	n.key = &callout->calloutKey;
	n.provider = callout->providerKey;
	n.err = check(callout, sd);
	if (!n.err) {
		n.fixed.object.fwp_flags = callout->flags;
		n.fixed.callout.layer = layer_find(&callout->applicableLayer);
		object_put(&n.blob, &callout->displayData, &callout->providerData);
	}
	err = object_add(s, &n, SAXDP_ID_CALLOUT, &id);
	if (!err && ret)
		*ret = id;
	return err;
}

DWORD FwpmCalloutAdd0(HANDLE engineHandle, const FWPM_CALLOUT0 *callout, PSECURITY_DESCRIPTOR sd,
		      UINT32 *id)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = add(s, callout, sd, id);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmCalloutDeleteById0(HANDLE engineHandle, UINT32 id)
{
	return object_delete_by_id(engineHandle, &callouts, id_of(id));
}

DWORD FwpmCalloutDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
	return object_delete_by_key(engineHandle, &callouts, key);
}

int callout_delete_owned(struct policy *p, uint64_t owner)
{
	return object_delete_owned(p, &callouts, owner);
}
