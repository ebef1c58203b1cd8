/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Contexts as they were at one view, kept so that they can be given out later, any number of times
 * and in any form: by IPsecSaContextGetById0() and 1 at once, by enumerations when a page is asked
 * for. What is given out was alive at one generation also where it is gone by then.
 */
#ifndef SAXDP_SA_STORED_H
#define SAXDP_SA_STORED_H

#include "look.h"
#include "sa.h"

struct sa_stored {
	uint64_t id;
	struct saxdp_context fixed;
	struct traffic traffic; /* outbound */
	bool has[2]; /* a bundle, by enum saxdp_direction */
	struct blob rest[2];
	const struct filter_stored *filter[2]; /* the snapshot's; NULL in tunnel mode */
};

struct sa_snapshot {
	uint32_t quirks;
	struct list contexts; /* struct sa_stored */
	struct list filters; /* struct filter_stored *, each once */
	struct pairs filter_place; /* filter -> its place in that list */
};

/* Zeroed is empty. */
void sa_snapshot_clear(struct sa_snapshot *s);
/* FWP_E_NOT_FOUND when no context of this id lives at the view. */
int sa_snapshot_one(struct sa_snapshot *s, struct view *v, uint64_t id);
/* All of which fn says so, in the order of their ids. */
int sa_snapshot_all(struct sa_snapshot *s, struct view *v,
		    bool (*fn)(const void *ctx, const struct saxdp_context *c), const void *ctx);

/* IPSEC_SA_CONTEXT0 or 1, and IPSEC_SA_DETAILS0 or 1 of one direction, with all that is in them. */
int sa_context_out(const struct sa_stored *c, uint32_t quirks, unsigned int form, struct out *o,
		   void **ret);
int sa_details_out(const struct sa_stored *c, uint8_t direction, uint32_t quirks, unsigned int form,
		   struct out *o, void **ret);

#endif
