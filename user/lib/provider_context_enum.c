// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Reading provider contexts: FwpmProviderContextGetById0, FwpmProviderContextGetByKey0 and
 * enumeration.
 */
#include <errno.h>
#include <string.h>

#include "object_enum.h"
#include "provider.h"
#include "provider_context.h"

/* A provider context as it is in the maps. */
struct stored {
	uint64_t id;
	struct saxdp_prov_context fixed;
	GUID provider;
	bool reversed; /* the session wants IPv6 addresses so */
	struct blob blob;
};

static int find(struct policy *p, const GUID *key, uint64_t *ret)
{
	return policy_guid(p, SAXDP_KIND_PROV_CONTEXT, key, ret);
}

static int stored_read(const struct reader *r, uint64_t id, void *item)
{
	struct stored *ret = item;
	int err;

	ret->id = id;
	ret->reversed = r->policy->session->quirks & SAXDP_QUIRK_V6_REVERSED;
	err = reader_lookup(r, SAXDP_KIND_PROV_CONTEXT, &id, &ret->fixed);
	if (!err)
		err = provider_read_key(r, ret->fixed.provider, &ret->provider);
	if (!err)
		err = reader_blob(r, SAXDP_BLOB_PROV_CONTEXT, id, ret->fixed.blob_bytes,
				  &ret->blob);
	return err;
}

static void stored_release(void *item)
{
	blob_release(&((struct stored *)item)->blob);
}

static int get(const void *item, struct out *o, void *entry)
{
	const struct stored *c = item;
	struct blob b = c->blob; /* read from its front in each pass */
	FWPM_PROVIDER_CONTEXT0 *ret = entry;
	int err;

	memcpy(&ret->providerContextKey, c->fixed.key, sizeof(ret->providerContextKey));
	ret->providerContextId = c->id;
	ret->flags = c->fixed.fwp_flags;
	ret->type = c->fixed.type;
	err = object_get(&b, o, &ret->displayData, &ret->providerData);
	if (!err)
		err = provider_key_get(c->fixed.provider, &c->provider, o, &ret->providerKey);
	/* Both types of tunnel policy have the same form. */
	return err ? err :
		     prov_context_policy_get(&c->fixed, c->reversed, &b, o,
					     &ret->ikeQmTunnelPolicy);
}

static int check(void *template)
{
	const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *wanted = template;

	if ((unsigned int)wanted->providerContextType >= FWPM_PROVIDER_CONTEXT_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR),
			    "provider context: providerContextType %d",
			    wanted->providerContextType);
	return 0;
}

static int keep(const void *item, const void *template, bool *ret)
{
	const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *wanted = template;
	const struct stored *c = item;

	*ret = c->fixed.type == (uint32_t)wanted->providerContextType &&
	       (!wanted->providerKey ||
		(c->fixed.provider &&
		 !memcmp(wanted->providerKey, &c->provider, sizeof(c->provider))));
	return 0;
}

static const struct object_type prov_contexts = {
	.ops = OBJECT_SNAPSHOT,
	.what = "provider context",
	.not_found = FWP_E_PROVIDER_CONTEXT_NOT_FOUND,
	.kind = SAXDP_KIND_PROV_CONTEXT,
	.blob = SAXDP_BLOB_PROV_CONTEXT,
	.item_size = sizeof(struct stored),
	.form = { { sizeof(FWPM_PROVIDER_CONTEXT0), get } },
	.find = find,
	.read = stored_read,
	.release = stored_release,
	.check = check,
	.keep = keep,
};

DWORD FwpmProviderContextGetById0(HANDLE engineHandle, UINT64 id,
				  FWPM_PROVIDER_CONTEXT0 **providerContext)
{
	void *entry;
	DWORD result = object_get_by_id(engineHandle, &prov_contexts, 0, id,
					providerContext ? &entry : NULL);

	if (!result)
		*providerContext = entry;
	return result;
}

DWORD FwpmProviderContextGetByKey0(HANDLE engineHandle, const GUID *key,
				   FWPM_PROVIDER_CONTEXT0 **providerContext)
{
	void *entry;
	DWORD result = object_get_by_key(engineHandle, &prov_contexts, 0, key,
					 providerContext ? &entry : NULL);

	if (!result)
		*providerContext = entry;
	return result;
}

DWORD FwpmProviderContextCreateEnumHandle0(HANDLE engineHandle,
					   const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
					   HANDLE *enumHandle)
{
	return object_enum_create(engineHandle, &prov_contexts, (void *)enumTemplate, enumHandle);
}

DWORD FwpmProviderContextEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			       FWPM_PROVIDER_CONTEXT0 ***entries, UINT32 *numEntriesReturned)
{
	void *array;
	DWORD result = object_enum(engineHandle, &prov_contexts, 0, enumHandle, numEntriesRequested,
				   entries ? &array : NULL, numEntriesReturned);

	if (!result)
		*entries = array;
	return result;
}

DWORD FwpmProviderContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &prov_contexts, enumHandle);
}
