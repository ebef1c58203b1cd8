// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "netlink.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void netlink_request_init(struct netlink_request *r, uint16_t type, uint16_t flags,
			  const void *body, size_t size)
{
	assert(NLMSG_ALIGN(size) <= sizeof(r->body));
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags = NLM_F_REQUEST | flags;
	r->head.nlmsg_len = NLMSG_LENGTH(NLMSG_ALIGN(size));
	memcpy(r->body, body, size);
}

void netlink_request_put(struct netlink_request *r, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attr = (struct nlattr *)((char *)r + r->head.nlmsg_len);

	assert(r->head.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(size) <= sizeof(*r));
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	memcpy((char *)attr + NLA_HDRLEN, data, size);
	r->head.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(size);
}

/* Whether the exchange is over; *err is then its result. */
static bool answers_take(const char *buf, size_t size, netlink_fn fn, void *ctx, int *err)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

	for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
		if (h->nlmsg_type == NLMSG_ERROR) {
			*err = ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			return true;
		}
		if (h->nlmsg_type == NLMSG_DONE)
			return true;
		if (fn)
			fn(ctx, h);
		if (!(h->nlmsg_flags & NLM_F_MULTI))
			return true;
	}
	return false;
}

int netlink_ask(int protocol, struct netlink_request *r, netlink_fn fn, void *ctx)
{
	enum { BUFFER = 65536 }; /* a dump's messages are no longer than 32 KiB */
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char *buf = NULL;
	int err = 0, fd;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	buf = malloc(BUFFER);
	if (!buf) {
		err = -ENOMEM;
		goto out;
	}
	if (sendto(fd, r, r->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		err = -errno;
		goto out;
	}
	do {
		n = recv(fd, buf, BUFFER, MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		else if (n > BUFFER)
			err = -EMSGSIZE;
		if (err)
			goto out;
	} while (n < 0 || !answers_take(buf, n, fn, ctx, &err));
out:
	free(buf);
	close(fd);
	return err;
}

const struct nlattr *netlink_attr(const void *attrs, size_t size, uint16_t type)
{
	const struct nlattr *attr = attrs;

	while (size >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN && attr->nla_len <= size) {
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		if ((size_t)NLA_ALIGN(attr->nla_len) >= size)
			break;
		size -= NLA_ALIGN(attr->nla_len);
		attr = (const struct nlattr *)((const char *)attr + NLA_ALIGN(attr->nla_len));
	}
	return NULL;
}

const struct nlattr *netlink_answer_attr(const struct nlmsghdr *answer, size_t header,
					 uint16_t type)
{
	header = NLMSG_ALIGN(header);
	if (answer->nlmsg_len < NLMSG_LENGTH(header))
		return NULL;
	return netlink_attr((const char *)NLMSG_DATA(answer) + header,
			    answer->nlmsg_len - NLMSG_LENGTH(header), type);
}

int netlink_attr_get(const struct nlattr *attr, void *ret, size_t size)
{
	if (!attr || attr->nla_len != NLA_HDRLEN + size)
		return -EBADMSG;
	memcpy(ret, (const char *)attr + NLA_HDRLEN, size);
	return 0;
}
