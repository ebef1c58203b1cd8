/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sublayers: what filters need of them. */
#ifndef SAXDP_SUBLAYER_H
#define SAXDP_SUBLAYER_H

#include "object.h"

/* The id of the one that a filter of `owner` names. FWP_E_SUBLAYER_NOT_FOUND, FWP_E_LIFETIME_MISMATCH. */
int sublayer_name(struct policy *p, const GUID *key, uint64_t owner, __u64 *ret);
int sublayer_weight(struct policy *p, uint64_t id, uint16_t *ret); /* -ENOENT */
int sublayer_read_key(const struct reader *r, uint64_t id, GUID *ret);

#endif
