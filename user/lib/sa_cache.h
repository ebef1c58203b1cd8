/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a session remembers of contexts, tunnels and policies between its calls on the SA database,
 * so that a call need not ask the maps again. Nothing of it is trusted: every commit carries what
 * was taken from here as an expectation.
 */
#ifndef SAXDP_SA_CACHE_H
#define SAXDP_SA_CACHE_H

#include "internal.h"

struct traffic;

struct tunnel_known {
	struct saxdp_tunnel_key key;
	uint32_t id, steer; /* id 0: there is none yet */
};

/* The policy that some traffic names was found to exist and to fit. */
struct policy_known {
	uint64_t generation; /* of the policy: with another one it means nothing */
	uint64_t inbound_filter; /* that corresponds, 0 = none */
	bool has_filter; /* it was asked for */
};

struct sa_cache;

struct sa_cache *sa_cache_new(void);
void sa_cache_free(struct sa_cache *cache);

/* NULL: not known. Valid until the next addition. */
const struct saxdp_context *sa_cache_context(const struct sa_cache *cache, uint64_t id);
const struct tunnel_known *sa_cache_tunnel(const struct sa_cache *cache,
					   const struct saxdp_tunnel_key *key);
const struct policy_known *sa_cache_policy(const struct sa_cache *cache, const struct traffic *t,
					   bool inbound);

/* Out of memory they forget: the maps know. */
void sa_cache_add_context(struct sa_cache *cache, uint64_t id, const struct saxdp_context *context);
void sa_cache_drop_context(struct sa_cache *cache, uint64_t id);
void sa_cache_add_tunnel(struct sa_cache *cache, const struct tunnel_known *t);
void sa_cache_add_policy(struct sa_cache *cache, const struct traffic *t, bool inbound,
			 const struct policy_known *known);

/* Bits of engine.tunnel_ports that are known to be set: they stay. */
uint32_t *sa_cache_shapes(struct sa_cache *cache);

#endif
