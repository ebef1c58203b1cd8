// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"
#include "netlink.h"
#include "net_namespace.h"

static void text_take(const struct nlattr *attr, char *ret, size_t size)
{
	if (attr && attr->nla_len > NLA_HDRLEN)
		snprintf(ret, size, "%.*s", attr->nla_len - NLA_HDRLEN,
			 (const char *)attr + NLA_HDRLEN);
}

static const struct nlattr *nested(const struct nlattr *attr, uint16_t type)
{
	return attr ? netlink_attr((const char *)attr + NLA_HDRLEN, attr->nla_len - NLA_HDRLEN,
				   type) :
		      NULL;
}

static void link_take(void *ctx, const struct nlmsghdr *answer)
{
	const struct ifinfomsg *info = NLMSG_DATA(answer);
	struct link *l = ctx;

	if (answer->nlmsg_type != RTM_NEWLINK || answer->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return;
#define ATTR(type) netlink_answer_attr(answer, sizeof(*info), type)
	l->index = info->ifi_index;
	l->type = info->ifi_type;
	l->flags = info->ifi_flags;
	text_take(ATTR(IFLA_IFNAME), l->name, sizeof(l->name));
	text_take(nested(ATTR(IFLA_LINKINFO), IFLA_INFO_KIND), l->kind, sizeof(l->kind));
	netlink_attr_get(ATTR(IFLA_LINK), &l->lower, sizeof(l->lower));
	l->lower_elsewhere =
		!netlink_attr_get(ATTR(IFLA_LINK_NETNSID), &l->lower_netns, sizeof(l->lower_netns));
	netlink_attr_get(nested(ATTR(IFLA_XDP), IFLA_XDP_PROG_ID), &l->xdp, sizeof(l->xdp));
#undef ATTR
}

static int link_ask(struct netlink_request *r, struct link *ret)
{
	struct link l = {};
	int err;

	err = netlink_ask(NETLINK_ROUTE, r, link_take, &l);
	if (!err && !l.index)
		err = -ENODEV;
	if (!err)
		*ret = l;
	return err;
}

int link_get(const char *name, struct link *ret)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct netlink_request r;
	int err;

	if (!*name || strlen(name) >= SAXDP_IFNAME)
		return fail(-ENODEV, "interface '%s': no such interface", name);
	netlink_request_init(&r, RTM_GETLINK, 0, &body, sizeof(body));
	netlink_request_put(&r, IFLA_IFNAME, name, strlen(name) + 1);
	err = link_ask(&r, ret);
	if (err == -ENODEV)
		return fail(err, "interface %s: no such interface", name);
	return err ? fail(err, "interface %s: %s", name, strerror(-err)) : 0;
}

int link_get_index(uint32_t index, struct link *ret)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct netlink_request r;
	int err;

	netlink_request_init(&r, RTM_GETLINK, 0, &body, sizeof(body));
	err = link_ask(&r, ret);
	return err ? fail(err, "interface %u: %s", index, strerror(-err)) : 0;
}

int link_peer(const struct link *veth, struct link *ret, int *ret_netns)
{
	int err, ns = -1, home = -1;

	if (veth->lower_elsewhere) {
		ns = ns_find_id(veth->lower_netns);
		if (ns < 0)
			return fail(-ENODEV,
				    "interface %s: its peer is in a network namespace that "
				    "cannot be found",
				    veth->name);
		err = ns_enter(ns, &home);
		if (err)
			goto out;
	}
	err = link_get_index(veth->lower, ret);
	ns_leave(home);
out:
	if (err)
		ns_close(ns);
	else
		*ret_netns = ns;
	return err;
}

/* --- ethtool ----------------------------------------------------------------------------------------- */

static int ethtool_get(const struct link *l, uint32_t command, bool *ret)
{
	struct ethtool_value value = { .cmd = command };
	struct ifreq ifr = {};
	int err, fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(-errno, "interface %s: %s", l->name, strerror(errno));
	memcpy(ifr.ifr_name, l->name, sizeof(ifr.ifr_name));
	ifr.ifr_data = (char *)&value;
	err = ioctl(fd, SIOCETHTOOL, &ifr) ?
		      fail(-errno, "interface %s: ethtool: %s", l->name, strerror(errno)) :
		      0;
	close(fd);
	if (!err)
		*ret = value.data;
	return err;
}

int link_tx_checksum(const struct link *l, bool *ret)
{
	return ethtool_get(l, ETHTOOL_GTXCSUM, ret);
}

int link_gro(const struct link *l, bool *ret)
{
	return ethtool_get(l, ETHTOOL_GGRO, ret);
}

/* --- whether XDP may transmit ---------------------------------------------------------------------- */

/* Generic netlink family "netdev", of Linux 6.3: newer than the headers that this builds with. */
enum {
	DEV_GET = 1, /* NETDEV_CMD_DEV_GET */
	DEV_IFINDEX = 1, /* NETDEV_A_DEV_IFINDEX */
	DEV_XDP_FEATURES = 3, /* NETDEV_A_DEV_XDP_FEATURES */
	XDP_NDO_XMIT = 4, /* NETDEV_XDP_ACT_NDO_XMIT */
};

static void family_take(void *ctx, const struct nlmsghdr *answer)
{
	netlink_attr_get(netlink_answer_attr(answer, sizeof(struct genlmsghdr),
					     CTRL_ATTR_FAMILY_ID),
			 ctx, sizeof(uint16_t));
}

static void features_take(void *ctx, const struct nlmsghdr *answer)
{
	netlink_attr_get(netlink_answer_attr(answer, sizeof(struct genlmsghdr), DEV_XDP_FEATURES),
			 ctx, sizeof(uint64_t));
}

/* -ENOENT: the kernel has no such family. */
static int xdp_features(uint32_t index, uint64_t *ret)
{
	struct genlmsghdr family = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct genlmsghdr get = { .cmd = DEV_GET, .version = 1 };
	static const char name[] = "netdev";
	struct netlink_request r;
	uint16_t type = 0;
	int err;

	netlink_request_init(&r, GENL_ID_CTRL, 0, &family, sizeof(family));
	netlink_request_put(&r, CTRL_ATTR_FAMILY_NAME, name, sizeof(name));
	err = netlink_ask(NETLINK_GENERIC, &r, family_take, &type);
	if (err)
		return err;
	*ret = 0;
	netlink_request_init(&r, type, 0, &get, sizeof(get));
	netlink_request_put(&r, DEV_IFINDEX, &index, sizeof(index));
	return netlink_ask(NETLINK_GENERIC, &r, features_take, ret);
}

/* A veth hands frames to its peer's NAPI, which exists when that has an XDP program or GRO. */
static int veth_transmits(const struct link *l, bool *ret)
{
	int err, ns = -1, home = -1;
	struct link peer;
	bool gro = false;

	err = link_peer(l, &peer, &ns);
	if (err)
		return err;
	if (!peer.xdp) {
		if (ns >= 0)
			err = ns_enter(ns, &home);
		if (!err)
			err = link_gro(&peer, &gro);
		ns_leave(home);
	}
	ns_close(ns);
	if (!err)
		*ret = peer.xdp || gro;
	return err;
}

int link_xdp_transmits(const struct link *l, bool *ret)
{
	uint64_t features;
	int err;

	err = xdp_features(l->index, &features);
	if (!err)
		*ret = features & XDP_NDO_XMIT;
	else if (err != -ENOENT && err != -EOPNOTSUPP)
		err = fail(err, "interface %s: XDP features: %s", l->name, strerror(-err));
	else if (link_is(l, "veth"))
		err = veth_transmits(l, ret);
	else
		err = 0, *ret = true; /* only its driver knows */
	return err;
}
