/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Provider contexts: what reading them needs of how they are packed. */
#ifndef SAXDP_PROVIDER_CONTEXT_H
#define SAXDP_PROVIDER_CONTEXT_H

#include "object.h"

/* The policy, from the blob behind object_get(); reversed: IPv6 addresses, as a session's quirk. */
int prov_context_policy_get(const struct saxdp_prov_context *c, bool reversed, struct blob *b,
			    struct out *o, IPSEC_TUNNEL_POLICY0 **ret);

#endif
