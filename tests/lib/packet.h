/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Prepared frames out of an interface, and counting what arrives. In the thread's own namespace. */
#ifndef TESTS_LIB_PACKET_H
#define TESTS_LIB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
	const void *data; /* from the Ethernet header on */
	size_t len;
};

/* An AF_PACKET socket that sends on @ifname; close() it. */
int packet_sender(const char *ifname);

/*
 * Sends @frames @rounds times and returns how many really left: those the socket took less those
 * the interface then dropped (a veth whose peer's ring is full drops in silence).
 */
size_t packet_send(int fd, const char *ifname, const struct frame *frames, size_t n, size_t rounds);

/*
 * Sends @n UDP datagrams of @len bytes from a socket of the kernel's own (so with whatever checksum
 * offload the interface has): @from and @to are addresses of one family.
 */
void udp_send(const char *from, const char *to, uint16_t port, size_t n, size_t len);

/* A bound UDP socket; @addr is an IPv4 or IPv6 address. Its buffer holds at least 8 MiB. */
int udp_receiver(const char *addr, uint16_t port);

/* A socket that receives every frame that comes in by @ifname and reaches the stack. */
int packet_receiver(const char *ifname);

/* Says whether a received datagram or frame counts. */
typedef bool (*receiver_match_fn)(const void *data, size_t len, void *arg);

/*
 * Receives until @want of them counted or the time is up, then takes what else has arrived already,
 * and returns how many counted: more than @want is seen as well. @match NULL: all count.
 */
size_t receiver_count(int fd, size_t want, receiver_match_fn match, void *arg, int timeout_ms);

#endif
