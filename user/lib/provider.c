// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Providers: FwpmProviderAdd0, FwpmProviderDeleteByKey0, FwpmProviderGetByKey0 and enumeration.
 *
 * Its blob is what object_put() makes, and then serviceName.
 */
#include <errno.h>
#include <string.h>

#include "object_add.h"
#include "provider.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const GUID *key;
	wchar_t *name;
} builtin[] = {
#define X(guid, ...) { &(guid), (wchar_t[]){ L## #guid } },
	FWP_GUID_LIST_PROVIDERS(X)
#undef X
};

static int find(struct policy *p, const GUID *key, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
		if (!memcmp(builtin[i].key, key, sizeof(*key))) {
			*ret = SAXDP_BUILTIN | (i + 1);
			return 0;
		}
	}
	return policy_guid(p, SAXDP_KIND_PROVIDER, key, ret);
}

/* --- for what names one ------------------------------------------------------------------------------ */

int provider_name(struct policy *p, const char *what, const GUID *key, uint64_t owner, __u64 *ret)
{
	struct saxdp_provider provider;
	uint64_t id;
	int err;

	*ret = 0;
	if (!key)
		return 0;
	err = find(p, key, &id);
	if (!err && !(id & SAXDP_BUILTIN)) {
		err = policy_lookup(p, SAXDP_KIND_PROVIDER, &id, &provider);
		if (!err)
			err = object_lifetime_check(what, "provider", id, provider.object.owner,
						    owner);
	}
	if (err == -ENOENT)
		err = fail(FWP(FWP_E_PROVIDER_NOT_FOUND), "%s: no such provider", what);
	if (!err)
		*ret = id;
	return err;
}

int provider_read_key(const struct reader *r, uint64_t id, GUID *ret)
{
	struct saxdp_provider provider;
	uint64_t place = (id & ~SAXDP_BUILTIN) - 1;
	int err;

	if (!id)
		return 0;
	if (id & SAXDP_BUILTIN) {
		if (place >= ARRAY_SIZE(builtin))
			return -EPROTO;
		*ret = *builtin[place].key;
		return 0;
	}
	err = reader_lookup(r, SAXDP_KIND_PROVIDER, &id, &provider);
	if (!err)
		memcpy(ret, provider.object.key, sizeof(*ret));
	return err;
}

int provider_key_get(uint64_t id, const GUID *key, struct out *o, GUID **ret)
{
	if (!id)
		return 0;
	*ret = out_copy(o, key, sizeof(*key));
	return *ret ? 0 : -ENOMEM;
}

/* --- reading ------------------------------------------------------------------------------------------- */

/* A provider as it is in the maps, or its place among the built-in ones. */
struct stored {
	uint64_t id;
	struct saxdp_provider fixed;
	struct blob blob;
};

static int stored_read(const struct reader *r, uint64_t id, void *item)
{
	struct stored *ret = item;
	int err;

	ret->id = id;
	if (id & SAXDP_BUILTIN)
		return 0;
	err = reader_lookup(r, SAXDP_KIND_PROVIDER, &id, &ret->fixed);
	if (!err)
		err = reader_blob(r, SAXDP_BLOB_PROVIDER, id, ret->fixed.object.blob_bytes,
				  &ret->blob);
	return err;
}

static void stored_release(void *item)
{
	blob_release(&((struct stored *)item)->blob);
}

static int get(const void *item, struct out *o, void *entry)
{
	const struct stored *provider = item;
	struct blob b = provider->blob; /* read from its front in each pass */
	FWPM_PROVIDER0 *ret = entry;
	int err;

	if (provider->id & SAXDP_BUILTIN) {
		size_t place = (provider->id & ~SAXDP_BUILTIN) - 1;

		ret->providerKey = *builtin[place].key;
		ret->displayData.name = builtin[place].name;
		return 0;
	}
	memcpy(&ret->providerKey, provider->fixed.object.key, sizeof(ret->providerKey));
	ret->flags = provider->fixed.object.fwp_flags;
	err = object_get(&b, o, &ret->displayData, &ret->providerData);
	ret->serviceName = blob_get_text(&b, o);
	return err ? err : b.err;
}

static const struct object_type providers = {
	.ops = OBJECT_SNAPSHOT,
	.what = "provider",
	.not_found = FWP_E_PROVIDER_NOT_FOUND,
	.kind = SAXDP_KIND_PROVIDER,
	.blob = SAXDP_BLOB_PROVIDER,
	.builtin = ARRAY_SIZE(builtin),
	.item_size = sizeof(struct stored),
	.form = { { sizeof(FWPM_PROVIDER0), get } },
	.find = find,
	.read = stored_read,
	.release = stored_release,
};

DWORD FwpmProviderGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_PROVIDER0 **provider)
{
	void *entry;
	DWORD result =
		object_get_by_key(engineHandle, &providers, 0, key, provider ? &entry : NULL);

	if (!result)
		*provider = entry;
	return result;
}

DWORD FwpmProviderCreateEnumHandle0(HANDLE engineHandle,
				    const FWPM_PROVIDER_ENUM_TEMPLATE0 *enumTemplate,
				    HANDLE *enumHandle)
{
	return object_enum_create(engineHandle, &providers, (void *)enumTemplate, enumHandle);
}

DWORD FwpmProviderEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			FWPM_PROVIDER0 ***entries, UINT32 *numEntriesReturned)
{
	void *array;
	DWORD result = object_enum(engineHandle, &providers, 0, enumHandle, numEntriesRequested,
				   entries ? &array : NULL, numEntriesReturned);

	if (!result)
		*entries = array;
	return result;
}

DWORD FwpmProviderDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &providers, enumHandle);
}

/* --- adding and deleting -------------------------------------------------------------------------------- */

static int check(const FWPM_PROVIDER0 *provider, const void *sd)
{
	int err = object_check("provider", &provider->displayData, &provider->providerData, sd);

	if (err)
		return err;
	if (provider->flags & ~(UINT32)FWPM_PROVIDER_FLAG_PERSISTENT)
		return fail(FWP(FWP_E_INVALID_FLAGS),
			    "provider: flags 0x%x: unknown, or never set on add", provider->flags);
	if (provider->flags)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "provider: persistent: not supported yet");
	return 0;
}

static int add(struct session *s, const FWPM_PROVIDER0 *provider, const void *sd)
{
	struct object_new n = { .type = &providers };

	if (!provider)
		return fail(FWP(FWP_E_NULL_POINTER), "provider: NULL");
	n.key = &provider->providerKey;
	n.err = check(provider, sd);
	if (!n.err) {
		n.fixed.object.fwp_flags = provider->flags;
		object_put(&n.blob, &provider->displayData, &provider->providerData);
		blob_put_text(&n.blob, provider->serviceName);
	}
	return object_add(s, &n, SAXDP_ID_PROVIDER, NULL);
}

DWORD FwpmProviderAdd0(HANDLE engineHandle, const FWPM_PROVIDER0 *provider, PSECURITY_DESCRIPTOR sd)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = add(s, provider, sd);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmProviderDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
	return object_delete_by_key(engineHandle, &providers, key);
}

int provider_delete_owned(struct policy *p, uint64_t owner)
{
	return object_delete_owned(p, &providers, owner);
}
