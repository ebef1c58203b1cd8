/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The selectors of a filter in the maps, and the weight that orders them. */
#ifndef SAXDP_CLASSIFY_H
#define SAXDP_CLASSIFY_H

#include "selector.h"

/* FWP_E_INVALID_WEIGHT, FWP_E_NULL_POINTER. */
int classify_weight(const FWP_VALUE0 *weight, uint64_t automatic, uint64_t *ret);

/* The candidate is the same for each selector but for the rest of its condition. */
int classify_add(struct policy *p, enum saxdp_layer layer, const struct selector_set *set,
		 const struct saxdp_candidate *candidate);
int classify_remove(struct policy *p, enum saxdp_layer layer, const struct selector_set *set,
		    uint64_t filter);

/*
 * mask.c: the number of the mask with this shape at the layer in the generation to come, with one
 * candidate more or less. ERROR_NO_SYSTEM_RESOURCES when SAXDP_MASKS are in use.
 */
int mask_plan_take(struct policy *p, enum saxdp_layer layer, struct saxdp_mask *mask);
int mask_plan_give(struct policy *p, enum saxdp_layer layer, struct saxdp_mask *mask);
/* The same for the slot of a sublayer (order.c), with one filter more or less. */
int slot_plan_take(struct policy *p, uint64_t sublayer, uint8_t *ret);
int slot_plan_give(struct policy *p, uint8_t slot);

#endif
