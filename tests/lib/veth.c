// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "veth.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "netns.h"
#include "run.h"

enum { DEFAULT_MTU = 1500 };

static int end_mtu(const struct veth_end *e)
{
	return e->mtu ? e->mtu : DEFAULT_MTU;
}

/* @peer_addr without its prefix length */
static void add_neighbour(const struct veth_end *e, const char *peer_addr, const char *peer_mac)
{
	run("ip -n %s neigh replace %.*s lladdr %s dev %s nud permanent", e->netns,
	    (int)strcspn(peer_addr, "/"), peer_addr, peer_mac, e->ifname);
}

static void configure(const struct veth_end *e, const struct veth_end *peer, const char *peer_mac)
{
	struct nstoken *token;
	char path[64];

	if (!e->addr6) {
		snprintf(path, sizeof(path), "ipv6/conf/%s/disable_ipv6", e->ifname);
		netns_sysctl(e->netns, path, "1");
	}
	token = open_netns(e->netns);
	link_set_tx_checksum(e->ifname, e->tx_checksum_left_on);
	close_netns(token);
	if (e->addr4)
		run("ip -n %s address add %s dev %s", e->netns, e->addr4, e->ifname);
	if (e->addr6)
		run("ip -n %s address add %s dev %s nodad", e->netns, e->addr6, e->ifname);
	run("ip -n %s link set %s addrgenmode none up", e->netns, e->ifname);
	if (e->addr4 && peer->addr4)
		add_neighbour(e, peer->addr4, peer_mac);
	if (e->addr6 && peer->addr6)
		add_neighbour(e, peer->addr6, peer_mac);
}

void veth_create(const struct veth_end *a, const struct veth_end *b)
{
	const char *mac_a = a->mac ? a->mac : VETH_MAC_A;
	const char *mac_b = b->mac ? b->mac : VETH_MAC_B;

	run("ip link add %s netns %s address %s mtu %d type veth "
	    "peer name %s netns %s address %s mtu %d",
	    a->ifname, a->netns, mac_a, end_mtu(a), b->ifname, b->netns, mac_b, end_mtu(b));
	configure(a, b, mac_b);
	configure(b, a, mac_a);
}

unsigned int link_index(const char *ifname)
{
	unsigned int index = if_nametoindex(ifname);

	require(index, "no interface %s: %m", ifname);
	return index;
}

static __u32 ethtool_value(const char *ifname, __u32 cmd, __u32 value)
{
	struct ethtool_value arg = { .cmd = cmd, .data = value };
	struct ifreq ifr = { .ifr_data = (void *)&arg };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	require(fd >= 0, "socket: %m");
	require(strlen(ifname) < sizeof(ifr.ifr_name), "name too long: %s", ifname);
	strcpy(ifr.ifr_name, ifname);
	require(ioctl(fd, SIOCETHTOOL, &ifr) == 0, "ethtool %#x on %s: %m", cmd, ifname);
	close(fd);
	return arg.data;
}

void link_set_tx_checksum(const char *ifname, bool on)
{
	ethtool_value(ifname, ETHTOOL_STXCSUM, on);
	require(link_has_tx_checksum(ifname) == on, "%s: tx checksum offload stays %s", ifname,
		on ? "off" : "on");
}

bool link_has_tx_checksum(const char *ifname)
{
	return ethtool_value(ifname, ETHTOOL_GTXCSUM, 0);
}

void link_stats(const char *ifname, struct link_stats *ret)
{
	struct ifaddrs *list;
	bool found = false;

	/* /sys shows the namespace it was mounted in; this asks by netlink, in the thread's own. */
	require(getifaddrs(&list) == 0, "getifaddrs: %m");
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		const struct rtnl_link_stats *s = a->ifa_data;

		if (!s || !a->ifa_addr || a->ifa_addr->sa_family != AF_PACKET ||
		    strcmp(a->ifa_name, ifname) != 0)
			continue;
		*ret = (struct link_stats){
			.rx_packets = s->rx_packets,
			.rx_bytes = s->rx_bytes,
			.rx_dropped = s->rx_dropped,
			.tx_packets = s->tx_packets,
			.tx_bytes = s->tx_bytes,
			.tx_dropped = s->tx_dropped,
		};
		found = true;
	}
	freeifaddrs(list);
	require(found, "no interface %s", ifname);
}
