/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A virtual cable between two namespaces, quiet enough to count packets on. */
#ifndef TESTS_LIB_VETH_H
#define TESTS_LIB_VETH_H

#include <stdbool.h>
#include <stdint.h>

struct veth_end {
	const char *netns;
	const char *ifname;
	const char *mac; /* NULL: VETH_MAC_A or VETH_MAC_B */
	const char *addr4; /* "192.0.2.1/24"; NULL: none */
	const char *addr6; /* "2001:db8::1/64"; NULL: none, and IPv6 off, so that nothing is sent */
	int mtu; /* 0: 1500 */
	/*
	 * Left on, packets of a socket leave this end with a half-made checksum, and whatever the other
	 * end redirects to a CPU is lost (cpumap forgets the offload state). Off is the default.
	 */
	bool tx_checksum_left_on;
};

#define VETH_MAC_A "02:00:00:00:00:0a"
#define VETH_MAC_B "02:00:00:00:00:0b"

/*
 * Both ends exist, are up, have their addresses (no duplicate detection) and know each other's MAC
 * (permanent neighbours): no ARP and no neighbour discovery appears between packets.
 */
void veth_create(const struct veth_end *a, const struct veth_end *b);

/* What follows acts in the calling thread's namespace. */

unsigned int link_index(const char *ifname);

/* `ethtool -K IFNAME tx on|off` */
void link_set_tx_checksum(const char *ifname, bool on);
bool link_has_tx_checksum(const char *ifname);

struct link_stats {
	uint64_t rx_packets, rx_bytes, rx_dropped;
	uint64_t tx_packets, tx_bytes, tx_dropped;
};

void link_stats(const char *ifname, struct link_stats *ret);

#endif
