/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Selectors: the masked keys that packets look filters up by. The conditions of a filter are a set
 * of values for each field; as packets can only ask for prefixes of addresses and single values, the
 * set is cut into such pieces, and each combination of pieces is one selector. What is left of a
 * range of ports is checked when the selector was found.
 */
#ifndef SAXDP_SELECTOR_H
#define SAXDP_SELECTOR_H

#include "internal.h"

enum {
	/* Of one filter: the pieces of its fields multiply. */
	SELECTORS_MAX = 256,
	PORT_MAX = 0xffff,
};

enum selector_field {
	SELECTOR_PROTOCOL,
	SELECTOR_LOCAL_ADDRESS,
	SELECTOR_REMOTE_ADDRESS,
	SELECTOR_LOCAL_PORT,
	SELECTOR_REMOTE_PORT,
	SELECTOR_FIELDS,
	SELECTOR_NONE = SELECTOR_FIELDS,
};

typedef unsigned __int128 integer; /* a value of any field, addresses too, as an integer */

struct range {
	integer low, high; /* inclusive */
};

/* Zeroed to begin with; no range at all is no restriction. */
struct range_set {
	struct range *range;
	uint32_t count, room;
};

int range_set_add(struct range_set *set, integer low, integer high);
void range_set_release(struct range_set *set);

struct selector {
	struct saxdp_mask mask; /* its number is not set */
	uint8_t protocol;
	uint32_t local[4], remote[4]; /* network order, cut to the mask's prefixes */
	uint16_t local_port_low, local_port_high; /* host order; equal when the mask has them */
	uint16_t remote_port_low, remote_port_high;
};

struct selector_set {
	struct selector *selector;
	uint32_t count;
	uint64_t weight; /* automatic: below 2^60 */
};

/*
 * Sorts and merges the sets in place. Equal sets, however they were said, make equal selectors.
 * ERROR_NO_SYSTEM_RESOURCES when they are more than SELECTORS_MAX.
 */
int selector_set_make(uint8_t family, struct range_set set[SELECTOR_FIELDS],
		      struct selector_set *ret);
void selector_set_release(struct selector_set *set);

union selector_key {
	struct saxdp_selector4_key v4;
	struct saxdp_selector6_key v6;
};

/* The first bucket of the chain where `mask` looks for `s`. Returns the kind of the key. */
enum saxdp_kind selector_key(enum saxdp_layer layer, const struct saxdp_mask *mask,
			     const struct selector *s, union selector_key *ret);

/* Every flow of `inner` is one of `outer`. */
bool selector_covers(const struct selector *outer, const struct selector *inner);
/* Some flow is one of both. */
bool selector_meets(const struct selector *a, const struct selector *b);

void address_cut(const uint32_t address[4], unsigned int prefix, uint32_t ret[4]);

#endif
