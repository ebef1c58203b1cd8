/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which contexts are meant: IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 of enumerations and subscriptions. */
#ifndef SAXDP_SA_TEMPLATE_H
#define SAXDP_SA_TEMPLATE_H

#include "internal.h"

struct sa_subnet {
	uint8_t family; /* 0: any address */
	uint32_t address[4], mask[4]; /* network order, IPv4 in word 0 */
};

struct sa_template {
	struct sa_subnet local, remote;
};

/* Checked and copied; NULL means all. */
int sa_template_check(const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 *t, struct sa_template *ret);
/* By the ends of its traffic, which all its SAs have. */
bool sa_template_matches(const struct sa_template *t, const struct saxdp_context *c);

#endif
