/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Callouts: what filters need of them. */
#ifndef SAXDP_CALLOUT_H
#define SAXDP_CALLOUT_H

#include "object.h"

/*
 * The id of the one that a filter of `owner` at this layer (a place in the table) names.
 * FWP_E_CALLOUT_NOT_FOUND, FWP_E_INCOMPATIBLE_LAYER, FWP_E_LIFETIME_MISMATCH.
 */
int callout_name(struct policy *p, const GUID *key, uint32_t layer, uint64_t owner, __u64 *ret);
/* Which IPsec callout it is; SAXDP_PERMIT or SAXDP_CALLOUT: none. */
enum saxdp_action callout_action(uint64_t id);
int callout_read_key(const struct reader *r, uint64_t id, GUID *ret);

#endif
