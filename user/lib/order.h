/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Slots of sublayers: which are in use, and in which order packets go through them. */
#ifndef SAXDP_ORDER_H
#define SAXDP_ORDER_H

#include "internal.h"

/* The generation to come, while a call or transaction makes it. Part of its mask plan. */
struct order_plan {
	struct saxdp_sublayer_order order; /* also sublayers that have lost their last filter */
	uint64_t filters[SAXDP_SUBLAYERS]; /* by slot */
};

int order_read(const struct policy *p, struct order_plan *ret);
/* A slot for one filter more of this sublayer; FWP_E_TOO_MANY_SUBLAYERS. */
int order_take(struct policy *p, struct order_plan *o, uint64_t sublayer, uint8_t *ret_slot);
int order_give(struct order_plan *o, uint8_t slot);
/* Adds the writes of the order to the change, if it differs from what stands in its place. */
int order_commit(struct policy *p, const struct order_plan *o);

#endif
