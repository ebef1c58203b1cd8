// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What goes out to the caller: one allocation, which FwpmFreeMemory0() frees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct out_scratch {
	struct out_scratch *next;
	max_align_t data[];
};

static void scratch_free(struct out *o)
{
	while (o->scratch) {
		struct out_scratch *next = o->scratch->next;

		free(o->scratch);
		o->scratch = next;
	}
}

/* Also where the second pass wants more than there is, so that its caller goes on to out_again(). */
static void *scratch_alloc(struct out *o, size_t size)
{
	struct out_scratch *s = calloc(1, sizeof(*s) + size);

	if (!s)
		return NULL;
	s->next = o->scratch;
	o->scratch = s;
	return s->data;
}

void *out_alloc(struct out *o, size_t size)
{
	size_t at = o->used;

	o->used += (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!o->base || o->used > o->size)
		return scratch_alloc(o, size);
	return o->base + at;
}

void *out_copy(struct out *o, const void *from, size_t size)
{
	void *to = out_alloc(o, size);

	return to ? memcpy(to, from, size) : NULL;
}

wchar_t *out_ascii(struct out *o, const char *text)
{
	size_t size = strlen(text) + 1;
	wchar_t *wide = out_alloc(o, size * sizeof(*wide));

	for (size_t i = 0; wide && i < size; i++)
		wide[i] = (unsigned char)text[i];
	return wide;
}

bool out_again(struct out *o, int *err)
{
	scratch_free(o);
	if (!o->base && !*err) {
		o->base = calloc(1, o->used);
		o->size = o->used;
		o->used = 0;
		if (o->base)
			return true;
		*err = -ENOMEM;
	}
	if (!*err && o->used > o->size)
		*err = -ESTALE;
	if (*err) {
		free(o->base);
		o->base = NULL;
	}
	return false;
}
