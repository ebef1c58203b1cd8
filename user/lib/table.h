/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Finds elements of an array by a hash of what names them. The array and the comparison are the
 * caller's: elements are known by their place, so that the array may move as it grows.
 *
 *	for (at = hash; table_next(&t, hash, &at, &element);)
 *		if (...array[element] is the one...)
 */
#ifndef SAXDP_TABLE_H
#define SAXDP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	struct table_place *place; /* NULL: empty */
	uint32_t size, used; /* size: a power of two */
};

/* Of whole 32-bit words. */
uint32_t table_hash(const void *words, size_t size);
/* 0 or -ENOMEM. */
int table_add(struct table *t, uint32_t hash, uint32_t element);
/* The next element with this hash. */
bool table_next(const struct table *t, uint32_t hash, uint32_t *at, uint32_t *ret);
void table_release(struct table *t);

#endif
