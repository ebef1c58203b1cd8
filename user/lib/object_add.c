// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Adding and ending providers, sublayers and the like.
 *
 * What names such an object says so by an id in its own fixed part, and the commit program counts:
 * each birth, death, undo and recovery passes links_add(). Names in `key`, as prov_link.c has them
 * for provider contexts, would also say which objects these are, and nobody asks for that.
 *
 * All of it changes with the policy's generation, which a commit expects unchanged since its checks.
 * So nobody can begin to use an object that is being deleted, as an SA context could a filter.
 */
#include <errno.h>
#include <string.h>

#include "object_add.h"
#include "provider.h"

/* --- adding -------------------------------------------------------------------------------------------- */

static int object_insert(struct policy *p, const struct object_new *n, uint64_t id)
{
	const struct object_type *type = n->type;
	struct object_new add = *n; /* a second try begins anew */
	struct blob b = n->blob;
	uint64_t other;
	GUID key;
	int err;

	if (!type->find(p, n->key, &other) && other & SAXDP_BUILTIN)
		return fail(FWP(FWP_E_ALREADY_EXISTS), "%s: a built-in one has this key",
			    type->what);
	err = object_key(p, type->what, type->kind, n->key, &key);
	if (!err)
		err = provider_name(p, type->what, n->provider, n->fixed.object.owner,
				    &add.fixed.object.provider);
	if (err)
		return err;
	memcpy(add.fixed.object.key, &key, sizeof(key));
	change_insert(p->change, type->kind, &id, &add.fixed);
	change_guid(p->change, SAXDP_OP_GUID_ADD, type->kind, &key, id);
	blob_insert(&b, p->change, type->blob, id);
	return 0;
}

int object_add(struct session *s, struct object_new *n, enum saxdp_id ids, uint64_t *ret)
{
	struct policy p;
	uint64_t id = 0;
	int err, early;

	err = policy_begin(&p, s);
	if (err)
		goto out;
	n->fixed.object.owner = object_owner(s);
	n->fixed.object.blob_bytes = n->blob.size;
	early = n->err ? n->err : n->blob.err;
	if (!early)
		early = id_reserve(s, ids, &id);
	do {
		err = early;
		if (!err)
			err = object_insert(&p, n, id);
	} while (policy_again(&p, &err));
	if (err == -ENOSPC)
		fail(err, "%s: the maps of instance %s are full", n->type->what, s->inst->name);
	if (!err && ret)
		*ret = id;
out:
	blob_release(&n->blob);
	return err;
}

/* --- ending -------------------------------------------------------------------------------------------- */

/* Each kind's own fixed part begins with what is wanted here. */
union object_any {
	struct saxdp_object object;
	uint8_t bytes[SAXDP_OP_VALUE];
};

static int users_count(struct policy *p, const struct object_type *type, uint64_t id,
		       const struct saxdp_object *o, uint64_t *ret)
{
	int64_t pending = 0;
	int err = object_users_pending(p, type->kind, id, &pending);

	*ret = o->users + pending;
	return err;
}

static void object_end(struct policy *p, const struct object_type *type, uint64_t id,
		       const struct saxdp_object *o)
{
	GUID key;

	memcpy(&key, o->key, sizeof(key));
	change_guid(p->change, SAXDP_OP_GUID_DIE, type->kind, &key, id);
	blob_die(p->change, type->blob, id, o->blob_bytes);
	change_die(p->change, type->kind, &id);
}

/* key NULL: by id. */
static int object_remove(struct policy *p, const struct object_type *type, const GUID *key,
			 uint64_t id)
{
	union object_any any = {};
	uint64_t users = 0;
	int err = 0;

	if (key)
		err = type->find(p, key, &id);
	if (!err && id & SAXDP_BUILTIN && (id & ~SAXDP_BUILTIN) - 1 < type->builtin)
		return fail(FWP(FWP_E_BUILTIN_OBJECT), "%s: built in", type->what);
	if (!err)
		err = policy_lookup(p, type->kind, &id, &any);
	if (err == -ENOENT)
		return fail(FWP(type->not_found), "%s: no such %s", type->what, type->what);
	if (!err)
		err = object_owner_check(type->what, p->session, any.object.owner);
	if (!err)
		err = users_count(p, type, id, &any.object, &users);
	if (err)
		return err;
	if (users)
		return fail(FWP(FWP_E_IN_USE), "%s: other objects name it", type->what);
	object_end(p, type, id, &any.object);
	return 0;
}

static int session_delete(struct session *s, const struct object_type *type, const GUID *key,
			  uint64_t id)
{
	struct policy p;
	int err;

	err = policy_begin(&p, s);
	if (err)
		return err;
	do
		err = object_remove(&p, type, key, id);
	while (policy_again(&p, &err));
	return err;
}

DWORD object_delete_by_key(HANDLE engine, const struct object_type *type, const GUID *key)
{
	struct session *s;
	int err = session_get(engine, &s);

	if (err)
		return fwp_result(err);
	err = key ? session_delete(s, type, key, 0) :
		    fail(FWP(FWP_E_NULL_POINTER), "%s: key is NULL", type->what);
	session_put(s);
	return fwp_result(err);
}

DWORD object_delete_by_id(HANDLE engine, const struct object_type *type, uint64_t id)
{
	struct session *s;
	int err = session_get(engine, &s);

	if (err)
		return fwp_result(err);
	err = session_delete(s, type, NULL, id);
	session_put(s);
	return fwp_result(err);
}

static int owned_end(struct policy *p, uint64_t id, const void *type)
{
	const struct object_type *t = type;
	union object_any any;
	uint64_t users = 0;
	int err;

	err = policy_lookup(p, t->kind, &id, &any);
	if (!err)
		err = users_count(p, t, id, &any.object, &users);
	if (!err && !users)
		object_end(p, t, id, &any.object);
	return err;
}

int object_delete_owned(struct policy *p, const struct object_type *type, uint64_t owner)
{
	return object_each_owned(p, type->kind, offsetof(struct saxdp_object, owner), owner,
				 owned_end, type);
}
