/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files that look at an instance share. A list is what was alive at one generation: it is
 * read without a lock by the reader's algorithm (store.c), whole maps at a time, and joined here.
 */
#ifndef SAXDP_LOOK_H
#define SAXDP_LOOK_H

#include "open.h"
#include "table.h"

/* An error of the library as one of saxdp.h, which knows errno values only. */
int look_result(const struct saxdp *s, int err);

/* An array that grows; elements are of the list's size. */
struct list {
	void *element;
	size_t size, count, room;
};

/* Zeroed; NULL when the process is out of memory. */
void *list_add(struct list *l);
void *list_extend(struct list *l, size_t n);
void list_clear(struct list *l);
/* The array, sorted, is the caller's to free from here on. */
void list_give(struct list *l, int (*order)(const void *a, const void *b), void *ret,
	       size_t *ret_count);

/* One number by another: steering or filter by tunnel, ... */
struct pair {
	uint64_t key, value;
};

struct pairs {
	struct list pair;
	struct table by_key;
};

int pairs_add(struct pairs *p, uint64_t key, uint64_t value);
/* NULL: no such key. */
const struct pair *pairs_find(const struct pairs *p, uint64_t key);
void pairs_clear(struct pairs *p);

/* A stamp of the SA epoch that the view sees. */
static inline bool view_stamped(const struct view *v, uint64_t born)
{
	return born && born <= v->engine.epoch[SAXDP_EPOCH_SA].generation;
}

struct sa_name;

/* --- look_sa.c --------------------------------------------------------------------------------------- */

/* Of a key and value as the maps have them, whether they live or not. */
void sa_info_of(const struct saxdp_engine *engine, enum saxdp_kind kind, const void *key,
		const struct saxdp_sa *sa, struct saxdp_sa_info *ret);
/* -ENOENT when it does not live at the view. */
int sa_info_find(const struct view *v, const struct sa_name *n, struct saxdp_sa_info *ret);
/* All that live at the view, but larval ones, in no order: a list of struct saxdp_sa_info. */
int sa_info_collect(struct view *v, struct list *ret);

/* --- look_tunnel.c ----------------------------------------------------------------------------------- */

/* All, in no order: a list of struct saxdp_tunnel_info. Begins the view, and ends it. */
int tunnel_info_collect(struct view *v, struct list *ret);

#endif
