/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Conditions of filters: checked and compiled when they come in, packed, and unpacked as given. */
#ifndef SAXDP_CONDITION_H
#define SAXDP_CONDITION_H

#include "blob.h"
#include "selector.h"

/*
 * At a layer that packets are judged at. Conditions on one field are alternatives, on different
 * fields they must all hold. The caller releases `ret`, which a failure leaves empty.
 */
int conditions_compile(const struct layer *layer, const FWPM_FILTER_CONDITION0 *conditions,
		       uint32_t count, struct selector_set *ret);

/* Of conditions that were compiled. */
void conditions_put(struct blob *b, const FWPM_FILTER_CONDITION0 *conditions, uint32_t count);
int conditions_get(struct blob *b, struct out *o, uint32_t count, FWPM_FILTER_CONDITION0 **ret);

#endif
