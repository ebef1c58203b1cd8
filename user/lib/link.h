/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the kernel knows of an interface, in the network namespace of the calling thread. */
#ifndef SAXDP_LINK_H
#define SAXDP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "saxdp_abi.h"

struct link {
	uint32_t index;
	char name[SAXDP_IFNAME];
	char kind[16]; /* "veth", "vlan", "ipip"; empty for hardware */
	uint16_t type; /* ARPHRD_* */
	uint32_t flags; /* IFF_* */
	uint32_t lower; /* the interface below, or a veth's peer; 0: none */
	bool lower_elsewhere; /* in another network namespace: */
	int32_t lower_netns; /* its id */
	uint32_t xdp; /* program id, 0: none */
};

/* -ENODEV with a text. */
int link_get(const char *name, struct link *ret);
int link_get_index(uint32_t index, struct link *ret);

static inline bool link_is(const struct link *l, const char *kind)
{
	return !__builtin_strcmp(l->kind, kind);
}

/*
 * The other end of a veth pair. @ret_netns receives a descriptor of its namespace, to be closed, or
 * -1 when it is the thread's own. -ENODEV when its namespace is out of sight.
 */
int link_peer(const struct link *veth, struct link *ret, int *ret_netns);

/* What ethtool shows: -errno when the driver has no answer. In the thread's own namespace. */
int link_tx_checksum(const struct link *l, bool *ret);
int link_gro(const struct link *l, bool *ret);

/* Whether XDP programs may send by it: what the kernel or, before 6.3, the look of a veth says. */
int link_xdp_transmits(const struct link *l, bool *ret);

#endif
