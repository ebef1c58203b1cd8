/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sublayers: what filters need of them. */
#ifndef SAXDP_SUBLAYER_H
#define SAXDP_SUBLAYER_H

#include "object.h"

/* The id of the one that a filter of `owner` names. FWP_E_SUBLAYER_NOT_FOUND, FWP_E_LIFETIME_MISMATCH. */
int sublayer_name(struct policy *p, const GUID *key, uint64_t owner, __u64 *ret);
/* -ENOENT */
int sublayer_read(const struct reader *r, uint64_t id, GUID *ret_key, uint16_t *ret_weight);
/* Which of two is judged first. */
bool sublayer_before(uint64_t a, uint16_t a_weight, uint64_t b, uint16_t b_weight);

#endif
