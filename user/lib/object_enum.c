// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Reading the objects of the policy.
 *
 * An object is read as it is in the maps, with all it has, under one view: the newest commit, or in
 * a transaction what the session's own calls see. Only then it becomes the caller's structure, from
 * what was read. So an enumeration reads all it will give out when it is made, and what follows
 * needs no map and no lock of the engine.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object_enum.h"

/* --- lists ----------------------------------------------------------------------------------------- */

static void list_clear(struct object_list *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		l->type->release(object_list_at(l, i));
	l->count = 0;
}

void object_list_free(void *list)
{
	struct object_list *l = list;

	if (!l)
		return;
	list_clear(l);
	free(l->item);
	free(l);
}

static void *list_extend(struct object_list *l)
{
	uint32_t room = l->room ? l->room * 2 : 16;
	char *more;

	if (l->count == l->room) {
		more = realloc(l->item, room * l->type->item_size);
		if (!more)
			return NULL;
		l->item = more;
		l->room = room;
	}
	return memset(object_list_at(l, l->count++), 0, l->type->item_size);
}

void object_list_drop(struct object_list *l, uint32_t i)
{
	l->type->release(object_list_at(l, i));
	l->count--;
	memmove(object_list_at(l, i), object_list_at(l, i + 1),
		(l->count - i) * l->type->item_size);
}

static int list_take(struct object_list *l, const struct reader *r, uint64_t id,
		     const void *template)
{
	void *item = list_extend(l);
	bool keep = true;
	int err;

	if (!item)
		return -ENOMEM;
	err = l->type->read(r, id, item);
	if (!err && template && l->type->keep)
		err = l->type->keep(item, template, &keep);
	if (err || !keep)
		object_list_drop(l, l->count - 1);
	return err;
}

static int list_read(struct object_list *l, struct policy *p, const void *template)
{
	const struct object_type *type = l->type;
	const struct reader r = { .policy = p };
	struct id_list ids = {};
	int err = 0;

	list_clear(l);
	for (uint32_t i = 1; i <= type->builtin && !err; i++)
		err = list_take(l, &r, SAXDP_BUILTIN | i, template);
	if (!err && type->kind != SAXDP_KIND_COUNT)
		err = object_ids(p, type->kind, &ids);
	for (uint32_t i = 0; i < ids.count && !err; i++)
		err = list_take(l, &r, ids.id[i], template);
	free(ids.id);
	if (!err && template && type->arrange)
		err = type->arrange(l, template);
	return err;
}

/* --- one object ------------------------------------------------------------------------------------ */

static int entry_out(const struct object_form *form, const void *item, struct out *o, void **ret)
{
	*ret = out_alloc(o, form->size);
	return *ret ? form->get(item, o, *ret) : -ENOMEM;
}

static int item_out(const struct object_form *form, const void *item, void **ret)
{
	struct out o = {};
	void *entry;
	int err;

	do
		err = entry_out(form, item, &o, &entry);
	while (out_again(&o, &err));
	if (!err)
		*ret = o.base;
	return err;
}

/* key NULL: by id. */
static int item_read(struct session *s, const struct object_type *type, const GUID *key,
		     uint64_t id, void *item)
{
	struct policy p;
	const struct reader r = { .policy = &p };
	int err;

	err = policy_read_begin(&p, s);
	if (err)
		return err;
	do {
		type->release(item);
		memset(item, 0, type->item_size);
		if (key)
			err = type->find(&p, key, &id);
		if (!err)
			err = type->read(&r, id, item);
	} while (policy_read_again(&p, &err));
	return err == -ENOENT ?
		       fail(FWP(type->not_found), "%s: no such %s", type->what, type->what) :
		       err;
}

static int session_get_object(struct session *s, const struct object_type *type, unsigned int form,
			      const GUID *key, uint64_t id, void **ret)
{
	void *item = calloc(1, type->item_size);
	int err;

	if (!item)
		return -ENOMEM;
	err = item_read(s, type, key, id, item);
	if (!err)
		err = item_out(&type->form[form], item, ret);
	type->release(item);
	free(item);
	return err;
}

static DWORD object_copy(HANDLE engine, const struct object_type *type, unsigned int form,
			 bool good, const GUID *key, uint64_t id, void **ret)
{
	struct session *s;
	int err = session_get(engine, &s);

	if (err)
		return fwp_result(err);
	err = good ? session_get_object(s, type, form, key, id, ret) :
		     fail(FWP(FWP_E_NULL_POINTER), "%s: NULL", type->what);
	session_put(s);
	return fwp_result(err);
}

DWORD object_get_by_key(HANDLE engine, const struct object_type *type, unsigned int form,
			const GUID *key, void **ret)
{
	return object_copy(engine, type, form, key && ret, key, 0, ret);
}

DWORD object_get_by_id(HANDLE engine, const struct object_type *type, unsigned int form,
		       uint64_t id, void **ret)
{
	return object_copy(engine, type, form, ret, NULL, id, ret);
}

/* --- all of them ----------------------------------------------------------------------------------- */

int object_list_out(const void *list, size_t index, unsigned int form, struct out *o, void **ret)
{
	const struct object_list *l = list;

	return entry_out(&l->type->form[form], object_list_at(l, index), o, ret);
}

static int session_enumerate(struct session *s, const struct object_type *type, void *template,
			     HANDLE *ret)
{
	struct object_list *l;
	struct policy p;
	int err = 0;

	if (!ret)
		return fail(FWP(FWP_E_NULL_POINTER), "%s: enumHandle is NULL", type->what);
	if (template && type->check)
		err = type->check(template);
	if (err)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->type = type;
	err = policy_read_begin(&p, s);
	if (!err) {
		do
			err = list_read(l, &p, template);
		while (policy_read_again(&p, &err));
	}
	if (!err) {
		pthread_mutex_lock(&s->lock);
		err = enumeration_open(s, &type->ops, l, l->count, ret);
		pthread_mutex_unlock(&s->lock);
	}
	if (err)
		object_list_free(l);
	return err;
}

DWORD object_enum_create(HANDLE engine, const struct object_type *type, void *template, HANDLE *ret)
{
	struct session *s;
	int err = session_get(engine, &s);

	if (err)
		return fwp_result(err);
	err = session_enumerate(s, type, template, ret);
	session_put(s);
	return fwp_result(err);
}

DWORD object_enum(HANDLE engine, const struct object_type *type, unsigned int form, HANDLE handle,
		  UINT32 requested, void **ret, UINT32 *ret_count)
{
	struct session *s;
	void **entries;
	int err = session_get(engine, &s);

	if (err)
		return fwp_result(err);
	if (!ret || !ret_count) {
		err = fail(FWP(FWP_E_NULL_POINTER), "%s: entries or their number is NULL",
			   type->what);
	} else {
		pthread_mutex_lock(&s->lock);
		err = enumeration_next(s, &type->ops, handle, form, requested, &entries, ret_count);
		pthread_mutex_unlock(&s->lock);
	}
	if (!err)
		*ret = entries;
	session_put(s);
	return fwp_result(err);
}

DWORD object_enum_destroy(HANDLE engine, const struct object_type *type, HANDLE handle)
{
	struct session *s;
	int err = session_get(engine, &s);

	if (err)
		return fwp_result(err);
	pthread_mutex_lock(&s->lock);
	err = enumeration_close(s, &type->ops, handle);
	pthread_mutex_unlock(&s->lock);
	session_put(s);
	return fwp_result(err);
}
