// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the objects of the policy have in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "object.h"

static const GUID null_key;

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

int object_check(const char *what, const FWPM_DISPLAY_DATA0 *names, const FWP_BYTE_BLOB *data,
		 const void *security_descriptor)
{
	if (!names->name)
		return fail(FWP(FWP_E_NULL_DISPLAY_NAME), "%s: displayData.name is NULL", what);
	if (data->size && !data->data)
		return fail(FWP(FWP_E_NULL_POINTER), "%s: providerData is NULL", what);
	if (security_descriptor)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "%s: only the default rights can be given",
			    what);
	return 0;
}

void object_put(struct blob *b, const FWPM_DISPLAY_DATA0 *names, const FWP_BYTE_BLOB *data)
{
	blob_put_text(b, names->name);
	blob_put_text(b, names->description);
	blob_put_data(b, data);
}

int object_get(struct blob *b, struct out *o, FWPM_DISPLAY_DATA0 *names, FWP_BYTE_BLOB *data)
{
	names->name = blob_get_text(b, o);
	names->description = blob_get_text(b, o);
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

int object_lifetime_check(const char *what, const char *named, uint64_t id, uint64_t named_owner,
			  uint64_t owner)
{
	if (!named_owner || named_owner == owner)
		return 0;
	return fail(FWP(FWP_E_LIFETIME_MISMATCH), "%s: %s %llu ends with another session", what,
		    named, (unsigned long long)id);
}

/* --- who uses an object ---------------------------------------------------------------------------- */

/* Must say the same as links_add() of the commit program. */
static bool object_names(enum saxdp_kind kind, const void *value, enum saxdp_kind named,
			 uint64_t id)
{
	const struct saxdp_prov_context *c = value;
	const struct saxdp_filter *f = value;
	const struct saxdp_object *o = value;

	switch (kind) {
	case SAXDP_KIND_FILTER:
		if (named == SAXDP_KIND_PROV_CONTEXT)
			return f->flags & SAXDP_FILTER_HAS_PROV_CONTEXT && f->context == id;
		return id == (named == SAXDP_KIND_PROVIDER ? f->provider :
			      named == SAXDP_KIND_SUBLAYER ? f->sublayer :
			      named == SAXDP_KIND_CALLOUT  ? f->callout :
							     0);
	case SAXDP_KIND_PROV_CONTEXT:
		return named == SAXDP_KIND_PROVIDER && c->provider == id;
	case SAXDP_KIND_SUBLAYER:
	case SAXDP_KIND_CALLOUT:
		return named == SAXDP_KIND_PROVIDER && o->provider == id;
	default:
		return false;
	}
}

static bool kind_names(enum saxdp_kind kind)
{
	return kind == SAXDP_KIND_FILTER || kind == SAXDP_KIND_PROV_CONTEXT ||
	       kind == SAXDP_KIND_SUBLAYER || kind == SAXDP_KIND_CALLOUT;
}

int object_users_pending(struct policy *p, enum saxdp_kind kind, uint64_t id, int64_t *ret)
{
	const struct change *c = p->change;
	union {
		uint64_t aligned;
		char bytes[SAXDP_OP_VALUE];
	} value;
	int err;

	*ret = 0;
	for (uint32_t i = 0; i < c->count; i++) {
		const struct saxdp_op *op = &c->op[i];

		if (op->code != SAXDP_OP_INSERT && op->code != SAXDP_OP_DIE)
			continue;
		if (!kind_names(op->kind) || change_find(c, op->kind, op->key) != op)
			continue;
		memcpy(value.bytes, op->value, sizeof(value.bytes));
		if (op->code == SAXDP_OP_DIE) {
			err = store_lookup(p->session->inst, op->kind, op->key, &value);
			if (err == -ENOENT)
				continue; /* added by this transaction as well */
			if (err)
				return err;
		}
		if (object_names(op->kind, &value, kind, id))
			*ret += op->code == SAXDP_OP_INSERT ? 1 : -1;
	}
	return 0;
}

/* --- all of a kind --------------------------------------------------------------------------------- */

static int id_add(struct id_list *l, const void *key)
{
	uint32_t room = l->room ? l->room * 2 : 16;
	uint64_t *more;

	if (l->count == l->room) {
		more = realloc(l->id, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->id = more;
		l->room = room;
	}
	memcpy(&l->id[l->count++], key, sizeof(*l->id));
	return 0;
}

static int id_collect(void *ctx, const void *key, const void *value)
{
	(void)value;
	return id_add(ctx, key);
}

static int id_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int object_ids(struct policy *p, enum saxdp_kind kind, struct id_list *ret)
{
	int err = policy_each(p, kind, id_collect, ret);

	if (!err && ret->count)
		qsort(ret->id, ret->count, sizeof(*ret->id), id_order);
	return err;
}

struct owned {
	size_t owner_at;
	uint64_t owner;
	struct id_list list;
};

static int owned_collect(void *ctx, const void *key, const void *value)
{
	struct owned *o = ctx;
	uint64_t owner;

	memcpy(&owner, (const char *)value + o->owner_at, sizeof(owner));
	return owner == o->owner ? id_add(&o->list, key) : 0;
}

int object_each_owned(struct policy *p, enum saxdp_kind kind, size_t owner_at, uint64_t owner,
		      int (*end)(struct policy *p, uint64_t id, const void *ctx), const void *ctx)
{
	struct owned o = { .owner_at = owner_at, .owner = owner };
	int err;

	err = policy_each(p, kind, owned_collect, &o);
	/* Each has to see what the ones before it have changed. */
	if (!err && o.list.count && !p->change->index && !p->change->count)
		err = change_index_init(p->change);
	for (uint32_t i = 0; i < o.list.count && !err; i++)
		err = end(p, o.list.id[i], ctx);
	free(o.list.id);
	return err;
}
