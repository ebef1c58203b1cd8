// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "veth.h"
#include "wait.h"

enum {
	SEND_BATCH = 64, /* a veth ring has 256 */
	RECEIVE_SIZE = 65536,
	RECEIVE_BUFFER = 8 << 20,
	MAX_UDP_PAYLOAD = 65507,
};

static int packet_socket(const char *ifname, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)link_index(ifname),
	};
	/* Protocol 0 until it is bound: nothing of another interface gets in before. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	require(fd >= 0, "packet socket: %m");
	require(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "bind to %s: %m", ifname);
	return fd;
}

int packet_sender(const char *ifname)
{
	return packet_socket(ifname, 0);
}

static size_t send_batch(int fd, const struct frame *frames, size_t n)
{
	struct mmsghdr msgs[SEND_BATCH] = {};
	struct iovec iov[SEND_BATCH];
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){ (void *)frames[i].data, frames[i].len };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < n) {
		int done = sendmmsg(fd, msgs + sent, (unsigned int)(n - sent), 0);

		if (done < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		require(done > 0, "sendmmsg: %m");
		sent += done;
	}
	return sent;
}

size_t packet_send(int fd, const char *ifname, const struct frame *frames, size_t n, size_t rounds)
{
	struct link_stats before, after;
	size_t sent = 0;

	link_stats(ifname, &before);
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n; i += SEND_BATCH)
			sent += send_batch(fd, frames + i, n - i < SEND_BATCH ? n - i : SEND_BATCH);
	}
	link_stats(ifname, &after);
	return sent - (size_t)(after.tx_dropped - before.tx_dropped);
}

static void big_buffer(int fd)
{
	int size = RECEIVE_BUFFER;

	require(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0,
		"SO_RCVBUFFORCE: %m");
}

union inet_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t inet_addr_parse(union inet_addr *ret, const char *addr, uint16_t port)
{
	*ret = (union inet_addr){ .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	if (inet_pton(AF_INET6, addr, &ret->v6.sin6_addr) == 1)
		return sizeof(ret->v6);
	*ret = (union inet_addr){ .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
	require(inet_pton(AF_INET, addr, &ret->v4.sin_addr) == 1, "not an address: %s", addr);
	return sizeof(ret->v4);
}

static int udp_socket(const char *addr, uint16_t port)
{
	union inet_addr a;
	socklen_t len = inet_addr_parse(&a, addr, port);
	int fd = socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	require(fd >= 0, "socket: %m");
	require(bind(fd, &a.any, len) == 0, "bind to %s port %u: %m", addr, port);
	return fd;
}

void udp_send(const char *from, const char *to, uint16_t port, size_t n, size_t len)
{
	static const char data[MAX_UDP_PAYLOAD];
	int fd = udp_socket(from, 0);
	union inet_addr a;
	socklen_t addr_len = inet_addr_parse(&a, to, port);

	require(len <= sizeof(data), "datagram of %zu bytes", len);
	while (n--) {
		require(sendto(fd, data, len, 0, &a.any, addr_len) == (ssize_t)len,
			"send to %s port %u: %m", to, port);
	}
	close(fd);
}

int udp_receiver(const char *addr, uint16_t port)
{
	int fd = udp_socket(addr, port);

	big_buffer(fd);
	return fd;
}

int packet_receiver(const char *ifname)
{
	int one = 1, fd = packet_socket(ifname, ETH_P_ALL);

	require(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) == 0,
		"PACKET_IGNORE_OUTGOING: %m");
	big_buffer(fd);
	return fd;
}

size_t receiver_count(int fd, size_t want, receiver_match_fn match, void *arg, int timeout_ms)
{
	static char data[RECEIVE_SIZE];
	int64_t end = wait_now_ms() + timeout_ms;
	size_t counted = 0;

	for (;;) {
		ssize_t len = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (len >= 0) {
			counted += !match || match(data, (size_t)len, arg);
			continue;
		}
		if (errno == EINTR)
			continue;
		require(errno == EAGAIN, "recv: %m");

		int64_t left = end - wait_now_ms();

		if (counted >= want || left <= 0 || !wait_readable(fd, (int)left))
			return counted;
	}
}
