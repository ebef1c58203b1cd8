/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Filters and provider contexts, for the files that look at them by the view of a reader. */
#ifndef SAXDP_FILTER_H
#define SAXDP_FILTER_H

#include "object_enum.h"
#include "selector.h"

/* -ENOENT when it does not live at the generation of the view. */
int filter_view(struct view *v, uint64_t id, struct saxdp_filter *ret);
/* What its conditions compile to. The caller releases `ret`. */
int filter_view_selectors(struct view *v, uint64_t id, const struct saxdp_filter *f,
			  struct selector_set *ret);

/*
 * A filter read whole at a view, to be given out later and more than once.
 */
struct filter_stored {
	uint64_t id;
	struct saxdp_filter fixed;
	struct blob blob;
	struct saxdp_prov_context context; /* where it names one */
	GUID provider, sublayer, callout, context_provider;
	uint16_t sublayer_weight;
};

int filter_read(const struct reader *r, uint64_t id, struct filter_stored *ret); /* -ENOENT */

extern const struct object_type filters; /* filter_enum.c */

int filter_stored_read(struct view *v, uint64_t id, struct filter_stored **ret); /* -ENOENT */
int filter_stored_out(const struct filter_stored *f, struct out *o, FWPM_FILTER0 *ret);
void filter_stored_free(struct filter_stored *f);

/*
 * prov_link.c: the filters that name a provider context.
 */
int prov_context_link(struct policy *p, uint64_t id, uint64_t filter);
int prov_context_unlink(struct policy *p, uint64_t id, uint64_t filter);
/* Stops with what fn returns when that is not 0. */
int prov_context_each_filter(struct view *v, uint64_t id, int (*fn)(void *ctx, uint64_t filter),
			     void *ctx);

#endif
