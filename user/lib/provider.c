// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Providers: FwpmProviderAdd0, FwpmProviderDeleteByKey0, FwpmProviderGetByKey0 and enumeration.
 *
 * A provider is in the maps as its fixed part (`provider`), its key (`key`) and its blob
 * (object_put(), then serviceName). The commit program counts the objects that name it, as it does
 * for provider contexts: what names a provider says so by an id in its own fixed part, and each
 * birth, death, undo and recovery of it passes links_add(). Names in `key`, as prov_link.c has them,
 * would also say which objects these are, and nobody asks that of a provider.
 *
 * All of it changes with the policy's generation, which a commit expects unchanged since its checks;
 * so, other than SA contexts with a filter, nobody can begin to use a provider that is being deleted.
 */
#include <errno.h>
#include <string.h>

#include "object_enum.h"
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
			err = object_lifetime_check(what, "provider", id, provider.owner, owner);
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
		memcpy(ret, provider.key, sizeof(*ret));
	return err;
}

int provider_key_get(uint64_t id, const GUID *key, struct out *o, GUID **ret)
{
	if (!id)
		return 0;
	*ret = out_copy(o, key, sizeof(*key));
	return *ret ? 0 : -ENOMEM;
}

/* --- adding -------------------------------------------------------------------------------------------- */

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

static int insert(struct policy *p, const FWPM_PROVIDER0 *provider,
		  const struct saxdp_provider *value, struct blob *b, uint64_t id)
{
	struct saxdp_provider fixed = *value;
	uint64_t other;
	GUID key;
	int err;

	if (!find(p, &provider->providerKey, &other) && other & SAXDP_BUILTIN)
		return fail(FWP(FWP_E_ALREADY_EXISTS), "provider: a built-in one has this key");
	err = object_key(p, "provider", SAXDP_KIND_PROVIDER, &provider->providerKey, &key);
	if (err)
		return err;
	memcpy(fixed.key, &key, sizeof(fixed.key));
	change_insert(p->change, SAXDP_KIND_PROVIDER, &id, &fixed);
	change_guid(p->change, SAXDP_OP_GUID_ADD, SAXDP_KIND_PROVIDER, &key, id);
	blob_insert(b, p->change, SAXDP_BLOB_PROVIDER, id);
	return 0;
}

static int add(struct session *s, const FWPM_PROVIDER0 *provider, const void *sd)
{
	struct saxdp_provider fixed = { .owner = object_owner(s) };
	struct blob b = {};
	struct policy p;
	uint64_t id = 0;
	int err, early;

	if (!provider)
		return fail(FWP(FWP_E_NULL_POINTER), "provider: NULL");
	err = policy_begin(&p, s);
	if (err)
		return err;
	early = check(provider, sd);
	if (!early) {
		object_put(&b, &provider->displayData, &provider->providerData);
		blob_put_text(&b, provider->serviceName);
		fixed.fwp_flags = provider->flags;
		fixed.blob_bytes = b.size;
		early = b.err;
	}
	if (!early)
		early = id_reserve(s, SAXDP_ID_PROVIDER, &id);
	do {
		err = early;
		if (!err)
			err = insert(&p, provider, &fixed, &b, id);
	} while (policy_again(&p, &err));
	blob_release(&b);
	if (err == -ENOSPC)
		fail(err, "provider: the maps of instance %s are full", s->inst->name);
	return err;
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

/* --- deleting ------------------------------------------------------------------------------------------ */

static void end(struct policy *p, uint64_t id, const struct saxdp_provider *provider)
{
	GUID key;

	memcpy(&key, provider->key, sizeof(key));
	change_guid(p->change, SAXDP_OP_GUID_DIE, SAXDP_KIND_PROVIDER, &key, id);
	blob_die(p->change, SAXDP_BLOB_PROVIDER, id, provider->blob_bytes);
	change_die(p->change, SAXDP_KIND_PROVIDER, &id);
}

static int remove_by_key(struct policy *p, const GUID *key)
{
	struct saxdp_provider provider = {};
	int64_t pending = 0;
	uint64_t id;
	int err;

	err = find(p, key, &id);
	if (!err && id & SAXDP_BUILTIN)
		return fail(FWP(FWP_E_BUILTIN_OBJECT), "provider: built in");
	if (!err)
		err = policy_lookup(p, SAXDP_KIND_PROVIDER, &id, &provider);
	if (err == -ENOENT)
		return fail(FWP(FWP_E_PROVIDER_NOT_FOUND), "provider: no such provider");
	if (!err)
		err = object_owner_check("provider", p->session, provider.owner);
	if (!err)
		err = object_users_pending(p, SAXDP_KIND_PROVIDER, id, &pending);
	if (err)
		return err;
	if (provider.users + pending)
		return fail(FWP(FWP_E_IN_USE), "provider: other objects name it");
	end(p, id, &provider);
	return 0;
}

DWORD FwpmProviderDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
	return object_delete_by_key(engineHandle, "provider", key, remove_by_key);
}

static int owned_end(struct policy *p, uint64_t id)
{
	struct saxdp_provider provider;
	int64_t pending;
	int err;

	err = policy_lookup(p, SAXDP_KIND_PROVIDER, &id, &provider);
	if (!err)
		err = object_users_pending(p, SAXDP_KIND_PROVIDER, id, &pending);
	if (!err && !(provider.users + pending))
		end(p, id, &provider);
	return err;
}

int provider_delete_owned(struct policy *p, uint64_t owner)
{
	return object_each_owned(p, SAXDP_KIND_PROVIDER, offsetof(struct saxdp_provider, owner),
				 owner, owned_end);
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
		err = reader_blob(r, SAXDP_BLOB_PROVIDER, id, ret->fixed.blob_bytes, &ret->blob);
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
	memcpy(&ret->providerKey, provider->fixed.key, sizeof(ret->providerKey));
	ret->flags = provider->fixed.fwp_flags;
	err = object_get(&b, o, &ret->displayData, &ret->providerData);
	ret->serviceName = blob_get_text(&b, o);
	return err ? err : b.err;
}

static const struct object_type providers = {
	.ops = OBJECT_SNAPSHOT,
	.what = "provider",
	.not_found = FWP_E_PROVIDER_NOT_FOUND,
	.kind = SAXDP_KIND_PROVIDER,
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
	return object_enum_create(engineHandle, &providers, enumTemplate, enumHandle);
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
