// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_SIZE = 64,
	FULL_PERCENT = 50, /* beyond that, runs of taken places grow long */
};

struct table_place {
	uint32_t hash;
	uint32_t element; /* + 1; 0 = free */
};

uint32_t table_hash(const void *words, size_t size)
{
	const unsigned char *bytes = words;
	uint64_t h = size;
	uint32_t word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio, odd */
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static void place_take(struct table *t, uint32_t hash, uint32_t element)
{
	uint32_t at = hash;

	while (t->place[at & (t->size - 1)].element)
		at++;
	t->place[at & (t->size - 1)] = (struct table_place){ hash, element };
}

static int grow(struct table *t)
{
	struct table bigger = { .size = t->size ? t->size * 2 : FIRST_SIZE, .used = t->used };

	bigger.place = calloc(bigger.size, sizeof(*bigger.place));
	if (!bigger.place)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->size; i++)
		if (t->place[i].element)
			place_take(&bigger, t->place[i].hash, t->place[i].element);
	table_release(t);
	*t = bigger;
	return 0;
}

int table_add(struct table *t, uint32_t hash, uint32_t element)
{
	int err = 0;

	if ((uint64_t)t->used * 100 >= (uint64_t)t->size * FULL_PERCENT)
		err = grow(t);
	if (err)
		return err;
	place_take(t, hash, element + 1);
	t->used++;
	return 0;
}

bool table_next(const struct table *t, uint32_t hash, uint32_t *at, uint32_t *ret)
{
	const struct table_place *p;

	if (!t->size)
		return false;
	for (;;) {
		p = &t->place[(*at)++ & (t->size - 1)];
		if (!p->element)
			return false;
		if (p->hash != hash)
			continue;
		*ret = p->element - 1;
		return true;
	}
}

void table_release(struct table *t)
{
	free(t->place);
	*t = (struct table){};
}
