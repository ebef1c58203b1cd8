// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What filters and provider contexts have in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "object.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* An object in the maps names its provider by the place in this table, + 1. */
static const GUID *const providers[] = {
#define X(guid, ...) &(guid),
	FWP_GUID_LIST_PROVIDERS(X)
#undef X
};

static const GUID null_key;

static uint8_t provider_find(const GUID *provider)
{
	for (uint8_t i = 0; i < ARRAY_SIZE(providers); i++)
		if (!memcmp(providers[i], provider, sizeof(*provider)))
			return i + 1;
	return 0;
}

int reader_lookup(const struct reader *r, enum saxdp_kind kind, const void *key, void *ret)
{
	int err;

	if (r->policy)
		return policy_lookup(r->policy, kind, key, ret);
	err = store_lookup(r->view->inst, kind, key, ret);
	return err || view_alive(r->view, SAXDP_EPOCH_POLICY, ret) ? err : -ENOENT;
}

int reader_blob(const struct reader *r, enum saxdp_blob_kind kind, uint64_t id, size_t size,
		struct blob *ret)
{
	return r->policy ? blob_policy_read(r->policy, kind, id, size, ret) :
			   blob_read(r->view, kind, id, size, ret);
}

int object_check(const char *what, const FWPM_DISPLAY_DATA0 *names, const GUID *provider,
		 const FWP_BYTE_BLOB *data, const void *security_descriptor)
{
	if (!names->name)
		return fail(FWP(FWP_E_NULL_DISPLAY_NAME), "%s: displayData.name is NULL", what);
	if (provider && !provider_find(provider))
		return fail(FWP(FWP_E_PROVIDER_NOT_FOUND), "%s: no such provider", what);
	if (data->size && !data->data)
		return fail(FWP(FWP_E_NULL_POINTER), "%s: providerData is NULL", what);
	if (security_descriptor)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "%s: only the default rights can be given",
			    what);
	return 0;
}

void object_put(struct blob *b, const FWPM_DISPLAY_DATA0 *names, const GUID *provider,
		const FWP_BYTE_BLOB *data)
{
	blob_put_text(b, names->name);
	blob_put_text(b, names->description);
	blob_put_u8(b, provider ? provider_find(provider) : 0);
	blob_put_data(b, data);
}

int object_get(struct blob *b, struct out *o, FWPM_DISPLAY_DATA0 *names, GUID **provider,
	       FWP_BYTE_BLOB *data)
{
	uint8_t index;

	names->name = blob_get_text(b, o);
	names->description = blob_get_text(b, o);
	index = blob_get_u8(b);
	if (index > ARRAY_SIZE(providers))
		return -EPROTO;
	if (index)
		*provider = out_copy(o, providers[index - 1], sizeof(**provider));
	blob_get_data(b, o, data);
	return b->err;
}

int guid_make(GUID *ret)
{
	if (getrandom(ret, sizeof(*ret), 0) != sizeof(*ret))
		return -errno;
	/* RFC 9562 5.4: version 4, variant 10. */
	ret->Data3 = (ret->Data3 & 0x0fff) | 0x4000;
	ret->Data4[0] = (ret->Data4[0] & 0x3f) | 0x80;
	return 0;
}

int object_key(struct policy *p, const char *what, enum saxdp_kind kind, const GUID *given,
	       GUID *ret)
{
	uint64_t id;
	int err;

	if (!memcmp(given, &null_key, sizeof(null_key)))
		return guid_make(ret);
	err = policy_guid(p, kind, given, &id);
	if (!err)
		return fail(FWP(FWP_E_ALREADY_EXISTS), "%s: %s %llu has this key", what, what,
			    (unsigned long long)id);
	*ret = *given;
	return err == -ENOENT ? 0 : err;
}

uint64_t object_owner(const struct session *s)
{
	return s->dynamic ? s->id : 0;
}

int object_owner_check(const char *what, const struct session *s, uint64_t owner)
{
	if (owner == object_owner(s))
		return 0;
	if (owner)
		return fail(FWP(FWP_E_WRONG_SESSION), "%s: belongs to another dynamic session",
			    what);
	return fail(FWP(FWP_E_DYNAMIC_SESSION_IN_PROGRESS),
		    "%s: does not belong to this dynamic session", what);
}

struct owned {
	size_t owner_at;
	uint64_t owner;
	uint64_t *id;
	uint32_t count, room;
};

static int owned_collect(void *ctx, const void *key, const void *value)
{
	struct owned *o = ctx;
	uint32_t room = o->room ? o->room * 2 : 16;
	uint64_t owner, *more;

	memcpy(&owner, (const char *)value + o->owner_at, sizeof(owner));
	if (owner != o->owner)
		return 0;
	if (o->count == o->room) {
		more = realloc(o->id, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		o->id = more;
		o->room = room;
	}
	memcpy(&o->id[o->count++], key, sizeof(*o->id));
	return 0;
}

int object_each_owned(struct policy *p, enum saxdp_kind kind, size_t owner_at, uint64_t owner,
		      int (*end)(struct policy *p, uint64_t id))
{
	struct owned o = { .owner_at = owner_at, .owner = owner };
	int err;

	err = policy_each(p, kind, owned_collect, &o);
	/* Each has to see what the ones before it have changed. */
	if (!err && o.count && !p->change->index && !p->change->count)
		err = change_index_init(p->change);
	for (uint32_t i = 0; i < o.count && !err; i++)
		err = end(p, o.id[i]);
	free(o.id);
	return err;
}
