/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Providers: what the objects that name one need of it. */
#ifndef SAXDP_PROVIDER_H
#define SAXDP_PROVIDER_H

#include "object.h"

/*
 * The id of the provider that an object of `owner` is to name; key NULL: 0. FWP_E_PROVIDER_NOT_FOUND,
 * FWP_E_LIFETIME_MISMATCH.
 */
int provider_name(struct policy *p, const char *what, const GUID *key, uint64_t owner, __u64 *ret);
/* Its key; nothing for id 0. */
int provider_read_key(const struct reader *r, uint64_t id, GUID *ret);
/* providerKey of what goes out. */
int provider_key_get(uint64_t id, const GUID *key, struct out *o, GUID **ret);

#endif
