/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Filters, contexts and frames drawn at random, so that they meet: a draw has a few hosts, prefix
 * lengths and ports of its own, filters are made of these, and frames of the edges of what filters
 * and contexts say. Of the project's headers only include/fwp*, as in the model.
 */
#ifndef TESTS_MODEL_DRAW_H
#define TESTS_MODEL_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwpmtypes.h"

enum {
	DRAW_HOSTS = 6,
	DRAW_PREFIXES = 4,
	DRAW_PORTS = 6,
	DRAW_FIELDS = 5,
	DRAW_ALTERNATIVES = 3, /* conditions on one field */
	DRAW_CONDITIONS = DRAW_FIELDS * DRAW_ALTERNATIVES,
	DRAW_FRAME_MAX = 1024,
};

struct draw {
	uint64_t state;
	int hosts, ports; /* in use: with few of them filters share their selectors */
	UINT32 host4[DRAW_HOSTS];
	UINT8 host6[DRAW_HOSTS][16];
	UINT8 prefix4[DRAW_PREFIXES], prefix6[DRAW_PREFIXES];
	UINT16 port[DRAW_PORTS];
};

/* The same seed draws the same again. */
void draw_begin(struct draw *d, uint64_t seed);
uint64_t draw_below(struct draw *d, uint64_t bound);
bool draw_once_in(struct draw *d, unsigned int times);

/* Points into itself: made in place, never copied. */
struct drawn_filter {
	FWPM_FILTER0 filter;
	FWPM_FILTER_CONDITION0 condition[DRAW_CONDITIONS];
	struct drawn_value {
		FWP_RANGE0 range;
		FWP_BYTE_ARRAY16 low, high;
		FWP_V4_ADDR_AND_MASK subnet4;
		FWP_V6_ADDR_AND_MASK subnet6;
	} value[DRAW_CONDITIONS];
	UINT64 weight;
};

/*
 * What FwpmFilterAdd0() takes: any layer, conditions, weight and action of those that are judged.
 * @sublayers: to choose from beside the null GUID; @policies: tunnel policies, their keys.
 */
void draw_filter(struct draw *d, const GUID *sublayers, size_t sublayer_count, const GUID *policies,
		 size_t policy_count, struct drawn_filter *ret);

void draw_tunnel_ends(struct draw *d, IPSEC_TUNNEL_ENDPOINTS0 *ret);

/*
 * Outbound traffic that a context may have: for an outbound filter, the same narrowed in another way,
 * or for a tunnel policy.
 */
void draw_narrow(struct draw *d, const FWPM_FILTER0 *filter, IPSEC_TRAFFIC1 *traffic);
void draw_transport(struct draw *d, const FWPM_FILTER0 *filter, IPSEC_TRAFFIC1 *ret);
void draw_tunnel(struct draw *d, UINT64 policy, const IPSEC_TUNNEL_ENDPOINTS0 *ends,
		 IPSEC_TRAFFIC1 *ret);

/*
 * A frame about what a filter or a context says (either may be NULL), of any kind and not always
 * whole. Returns its length.
 */
size_t draw_frame(struct draw *d, const FWPM_FILTER0 *filter, const IPSEC_TRAFFIC1 *traffic,
		  UINT16 nat_port, UINT8 ret[DRAW_FRAME_MAX]);

#endif
