// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Sublayers: FwpmSubLayerAdd0, FwpmSubLayerDeleteByKey0, FwpmSubLayerGetByKey0 and enumeration.
 *
 * Its blob is what object_put() makes. What packets know of a sublayer is order.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object_add.h"
#include "provider.h"
#include "sublayer.h"

static int find(struct policy *p, const GUID *key, uint64_t *ret)
{
	int place = sublayer_find(key);

	if (place < 0)
		return policy_guid(p, SAXDP_KIND_SUBLAYER, key, ret);
	*ret = SAXDP_BUILTIN | (place + 1);
	return 0;
}

/* NULL: it is not built in. */
static const struct sublayer *builtin_at(uint64_t id)
{
	return id & SAXDP_BUILTIN ? sublayer_at((id & ~SAXDP_BUILTIN) - 1) : NULL;
}

/* --- for filters ---------------------------------------------------------------------------------------- */

int sublayer_name(struct policy *p, const GUID *key, uint64_t owner, __u64 *ret)
{
	struct saxdp_sublayer sublayer;
	uint64_t id;
	int err = find(p, key, &id);

	if (!err && !(id & SAXDP_BUILTIN)) {
		err = policy_lookup(p, SAXDP_KIND_SUBLAYER, &id, &sublayer);
		if (!err)
			err = object_lifetime_check("filter", "sublayer", id, sublayer.object.owner,
						    owner);
	}
	if (err == -ENOENT)
		err = fail(FWP(FWP_E_SUBLAYER_NOT_FOUND), "filter: no such sublayer");
	if (!err)
		*ret = id;
	return err;
}

int sublayer_read(const struct reader *r, uint64_t id, GUID *ret_key, uint16_t *ret_weight)
{
	const struct sublayer *builtin = builtin_at(id);
	struct saxdp_sublayer sublayer;
	int err;

	if (builtin) {
		*ret_key = *builtin->key;
		*ret_weight = builtin->weight;
		return 0;
	}
	err = reader_lookup(r, SAXDP_KIND_SUBLAYER, &id, &sublayer);
	if (err)
		return err;
	memcpy(ret_key, sublayer.object.key, sizeof(*ret_key));
	*ret_weight = sublayer.weight;
	return 0;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* A sublayer as it is in the maps, or its id where it is built in. */
struct stored {
	uint64_t id;
	struct saxdp_sublayer fixed;
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
	err = reader_lookup(r, SAXDP_KIND_SUBLAYER, &id, &ret->fixed);
	if (!err)
		err = provider_read_key(r, ret->fixed.object.provider, &ret->provider);
	if (!err)
		err = reader_blob(r, SAXDP_BLOB_SUBLAYER, id, ret->fixed.object.blob_bytes,
				  &ret->blob);
	return err;
}

static void stored_release(void *item)
{
	blob_release(&((struct stored *)item)->blob);
}

static int get(const void *item, struct out *o, void *entry)
{
	const struct stored *sublayer = item;
	const struct sublayer *builtin = builtin_at(sublayer->id);
	struct blob b = sublayer->blob; /* read from its front in each pass */
	FWPM_SUBLAYER0 *ret = entry;
	int err;

	if (builtin) {
		ret->subLayerKey = *builtin->key;
		ret->displayData.name = out_ascii(o, builtin->name);
		ret->weight = builtin->weight;
		return ret->displayData.name ? 0 : -ENOMEM;
	}
	memcpy(&ret->subLayerKey, sublayer->fixed.object.key, sizeof(ret->subLayerKey));
	ret->flags = sublayer->fixed.object.fwp_flags;
	ret->weight = sublayer->fixed.weight;
	err = object_get(&b, o, &ret->displayData, &ret->providerData);
	if (!err)
		err = provider_key_get(sublayer->fixed.object.provider, &sublayer->provider, o,
				       &ret->providerKey);
	return err;
}

/* providerKey NULL: any. Those that are built in have none. */
static int keep(const void *item, const void *template, bool *ret)
{
	const FWPM_SUBLAYER_ENUM_TEMPLATE0 *wanted = template;
	const struct stored *sublayer = item;

	*ret = !wanted->providerKey ||
	       (sublayer->fixed.object.provider &&
		!memcmp(&sublayer->provider, wanted->providerKey, sizeof(GUID)));
	return 0;
}

static const struct object_type sublayers = {
	.ops = OBJECT_SNAPSHOT,
	.what = "sublayer",
	.not_found = FWP_E_SUBLAYER_NOT_FOUND,
	.kind = SAXDP_KIND_SUBLAYER,
	.blob = SAXDP_BLOB_SUBLAYER,
	.builtin = SUBLAYERS_BUILTIN,
	.item_size = sizeof(struct stored),
	.form = { { sizeof(FWPM_SUBLAYER0), get } },
	.find = find,
	.read = stored_read,
	.release = stored_release,
	.keep = keep,
};

DWORD FwpmSubLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_SUBLAYER0 **subLayer)
{
	void *entry;
	DWORD result =
		object_get_by_key(engineHandle, &sublayers, 0, key, subLayer ? &entry : NULL);

	if (!result)
		*subLayer = entry;
	return result;
}

DWORD FwpmSubLayerCreateEnumHandle0(HANDLE engineHandle,
				    const FWPM_SUBLAYER_ENUM_TEMPLATE0 *enumTemplate,
				    HANDLE *enumHandle)
{
	return object_enum_create(engineHandle, &sublayers, (void *)enumTemplate, enumHandle);
}

DWORD FwpmSubLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			FWPM_SUBLAYER0 ***entries, UINT32 *numEntriesReturned)
{
	void *array;
	DWORD result = object_enum(engineHandle, &sublayers, 0, enumHandle, numEntriesRequested,
				   entries ? &array : NULL, numEntriesReturned);

	if (!result)
		*entries = array;
	return result;
}

DWORD FwpmSubLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &sublayers, enumHandle);
}

/* --- adding and deleting -------------------------------------------------------------------------------- */

static int check(const FWPM_SUBLAYER0 *sublayer, const void *sd)
{
	int err = object_check("sublayer", &sublayer->displayData, &sublayer->providerData, sd);

	if (err)
		return err;
	if (sublayer->flags & ~(UINT32)FWPM_SUBLAYER_FLAG_PERSISTENT)
		return fail(FWP(FWP_E_INVALID_FLAGS), "sublayer: flags 0x%x: unknown",
			    sublayer->flags);
	if (sublayer->flags)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "sublayer: persistent: not supported yet");
	return 0;
}

static int add(struct session *s, const FWPM_SUBLAYER0 *sublayer, const void *sd)
{
	struct object_new n = { .type = &sublayers };

	if (!sublayer)
		return fail(FWP(FWP_E_NULL_POINTER), "sublayer: NULL");
	n.key = &sublayer->subLayerKey;
	n.provider = sublayer->providerKey;
	n.err = check(sublayer, sd);
	if (!n.err) {
		n.fixed.object.fwp_flags = sublayer->flags;
		n.fixed.sublayer.weight = sublayer->weight;
		object_put(&n.blob, &sublayer->displayData, &sublayer->providerData);
	}
	return object_add(s, &n, SAXDP_ID_SUBLAYER, NULL);
}

DWORD FwpmSubLayerAdd0(HANDLE engineHandle, const FWPM_SUBLAYER0 *subLayer, PSECURITY_DESCRIPTOR sd)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = add(s, subLayer, sd);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmSubLayerDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
	return object_delete_by_key(engineHandle, &sublayers, key);
}

int sublayer_delete_owned(struct policy *p, uint64_t owner)
{
	return object_delete_owned(p, &sublayers, owner);
}
