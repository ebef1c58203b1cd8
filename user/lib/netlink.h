/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Questions to the kernel over netlink, in the network namespace of the calling thread. */
#ifndef SAXDP_NETLINK_H
#define SAXDP_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct netlink_request {
	struct nlmsghdr head;
	char body[256]; /* every question here is short */
};

/* @body is the family's header after struct nlmsghdr. */
void netlink_request_init(struct netlink_request *r, uint16_t type, uint16_t flags,
			  const void *body, size_t size);
void netlink_request_put(struct netlink_request *r, uint16_t type, const void *data, size_t size);

typedef void (*netlink_fn)(void *ctx, const struct nlmsghdr *answer);
/* Calls @fn for each answer. 0 or -errno, the kernel's included. */
int netlink_ask(int protocol, struct netlink_request *r, netlink_fn fn, void *ctx);

/* An attribute of a list of attributes, or NULL; struct rtattr looks the same. */
const struct nlattr *netlink_attr(const void *attrs, size_t size, uint16_t type);
/* The same in a message, after the family's header. */
const struct nlattr *netlink_answer_attr(const struct nlmsghdr *answer, size_t header,
					 uint16_t type);
/* What an attribute that must have this size holds: copied to @ret, or -EBADMSG. */
int netlink_attr_get(const struct nlattr *attr, void *ret, size_t size);

#endif
