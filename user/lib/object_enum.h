/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Reading the objects of the policy: one by its key or id, or all by an enumeration handle. */
#ifndef SAXDP_OBJECT_ENUM_H
#define SAXDP_OBJECT_ENUM_H

#include "enumeration.h"
#include "object.h"

enum { OBJECT_FORMS = 4 }; /* of one object: the numbers in the names of calls */

/* What one item looks like to the caller. */
struct object_form {
	size_t size;
	int (*get)(const void *item, struct out *o, void *ret);
};

/* Objects as they were at one generation: what is built in first, then by id. */
struct object_list {
	const struct object_type *type;
	uint32_t count, room;
	char *item; /* as object_type.read fills them */
};

struct object_type {
	struct snapshot_ops ops; /* OBJECT_SNAPSHOT */
	const char *what; /* begins the text of saxdp_error() */
	DWORD not_found;
	enum saxdp_kind kind; /* SAXDP_KIND_COUNT: only what is built in */
	enum saxdp_blob_kind blob;
	uint32_t builtin;
	size_t item_size;
	struct object_form form[OBJECT_FORMS];
	/* -ENOENT. Those that are built in and those that are not. */
	int (*find)(struct policy *p, const GUID *key, uint64_t *ret);
	/* The item is zeroed, and released also after a failure. */
	int (*read)(const struct reader *r, uint64_t id, void *item);
	void (*release)(void *item);
	/* Each may be NULL. Of a template that is not: is it one? Does an item fit? What goes out? */
	int (*check)(void *template); /* may fill in what the others want of it */
	int (*keep)(const void *item, const void *template, bool *ret);
	int (*arrange)(struct object_list *l, const void *template);
};

int object_list_out(const void *list, size_t index, unsigned int form, struct out *o, void **ret);
void object_list_free(void *list);

#define OBJECT_SNAPSHOT                                          \
	{                                                        \
		.out = object_list_out, .free = object_list_free \
	}

static inline void *object_list_at(const struct object_list *l, uint32_t i)
{
	return l->item + i * l->type->item_size;
}

void object_list_drop(struct object_list *l, uint32_t i);

/* Whole calls, down to the result. `ret` NULL: the caller's place for it was. */
DWORD object_get_by_key(HANDLE engine, const struct object_type *type, unsigned int form,
			const GUID *key, void **ret);
DWORD object_get_by_id(HANDLE engine, const struct object_type *type, unsigned int form,
		       uint64_t id, void **ret);
DWORD object_enum_create(HANDLE engine, const struct object_type *type, void *template,
			 HANDLE *ret);
DWORD object_enum(HANDLE engine, const struct object_type *type, unsigned int form, HANDLE handle,
		  UINT32 requested, void **ret, UINT32 *ret_count);
DWORD object_enum_destroy(HANDLE engine, const struct object_type *type, HANDLE handle);

#endif
