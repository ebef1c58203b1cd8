/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Adding and ending the objects whose fixed part begins with struct saxdp_object: each is that, its
 * key (`key`) and its blob, and nothing else hangs on it.
 */
#ifndef SAXDP_OBJECT_ADD_H
#define SAXDP_OBJECT_ADD_H

#include "object_enum.h"

struct object_new {
	const struct object_type *type;
	const GUID *key, *provider; /* as given */
	union {
		struct saxdp_object object;
		struct saxdp_provider provider;
		struct saxdp_sublayer sublayer;
		struct saxdp_callout callout;
	} fixed; /* life, key, owner, users, provider and blob_bytes are filled in */
	struct blob blob; /* released */
	int err; /* what is wrong with it, found without the maps */
};

int object_add(struct session *s, struct object_new *n, enum saxdp_id ids, uint64_t *ret);
DWORD object_delete_by_key(HANDLE engine, const struct object_type *type, const GUID *key);
DWORD object_delete_by_id(HANDLE engine, const struct object_type *type, uint64_t id);
/* Of a dynamic session; one that is in use stays. */
int object_delete_owned(struct policy *p, const struct object_type *type, uint64_t owner);

#endif
