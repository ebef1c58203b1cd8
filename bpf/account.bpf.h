/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding the SA of a packet, and counting. Nothing here changes what another program wrote:
 * elements are looked up and added to.
 */
#ifndef SAXDP_ACCOUNT_BPF_H
#define SAXDP_ACCOUNT_BPF_H

#include "maps.bpf.h"
#include "parse.bpf.h"

/* Callers run with softirqs off, so that a CPU's own counters need no atomics. */
static __always_inline void counter_add(enum saxdp_counter which, __u32 bytes)
{
	__u32 key = which;
	struct saxdp_traffic_count *count = bpf_map_lookup_elem(&engine_count, &key);

	if (!count)
		return;
	count->packets++;
	count->bytes += bytes;
}

/* The one counter that each packet has: without a default, so that a new class cannot be missed. */
static __always_inline enum saxdp_counter class_counter(enum packet_class class)
{
	switch (class) {
	case CLASS_ESP:
		return SAXDP_COUNT_ESP;
	case CLASS_AH:
		return SAXDP_COUNT_AH;
	case CLASS_ESP_UDP:
		return SAXDP_COUNT_ESP_IN_UDP;
	case CLASS_IKE:
		return SAXDP_COUNT_IKE;
	case CLASS_KEEPALIVE:
		return SAXDP_COUNT_KEEPALIVE;
	case CLASS_FRAGMENT:
		return SAXDP_COUNT_FRAGMENT;
	case CLASS_MALFORMED:
		return SAXDP_COUNT_MALFORMED;
	case CLASS_CLEAR:
	case CLASS_OTHER:
	case CLASS_UNSEEN:
	case CLASS_COUNT:
		break;
	}
	return SAXDP_COUNT_OTHER;
}

/* Was an IP length found that is to be believed? */
static __always_inline int packet_has_bytes(const struct packet *p)
{
	return p->class != CLASS_OTHER && p->class != CLASS_MALFORMED && p->class != CLASS_UNSEEN;
}

static __always_inline void class_count(const struct packet *p, __u32 frame_len)
{
	counter_add(class_counter(p->class), packet_has_bytes(p) ? p->bytes : frame_len);
}

static __always_inline int packet_has_spi(const struct packet *p)
{
	return p->class == CLASS_ESP || p->class == CLASS_AH || p->class == CLASS_ESP_UDP;
}

static __always_inline struct saxdp_sa *sa_find4(const struct packet *p, __u8 protocol,
						 enum saxdp_direction direction)
{
	struct saxdp_sa4_key key = {};

	key.destination = p->daddr[0];
	key.spi = p->spi;
	key.protocol = protocol;
	key.direction = direction;
	return bpf_map_lookup_elem(&sa4, &key);
}

static __always_inline struct saxdp_sa *sa_find6(const struct packet *p, __u8 protocol,
						 enum saxdp_direction direction)
{
	struct saxdp_sa6_key key = {};

	/* By words: byte stores of a memcpy would defeat store forwarding (1.1 times, not 1.6). */
	key.destination[0] = p->daddr[0];
	key.destination[1] = p->daddr[1];
	key.destination[2] = p->daddr[2];
	key.destination[3] = p->daddr[3];
	key.spi = p->spi;
	key.protocol = protocol;
	key.direction = direction;
	return bpf_map_lookup_elem(&sa6, &key);
}

/* The SA of a packet that has an SPI, if one lives. */
static __always_inline struct saxdp_sa *sa_find(const struct packet *p,
						enum saxdp_direction direction, __u64 generation)
{
	__u8 protocol = p->class == CLASS_AH ? IPPROTO_AH : IPPROTO_ESP;
	struct saxdp_sa *sa = p->family == 4 ? sa_find4(p, protocol, direction) :
					       sa_find6(p, protocol, direction);

	return sa && life_at(&sa->life, generation) ? sa : NULL;
}

/*
 * One SA arrives on one RX queue, nearly always: the CPU that sees it first counts without atomics,
 * and any other beside it, in the second pair (atomics on one pair cost half as much again).
 */
static __always_inline void sa_account(struct saxdp_sa *sa, __u32 packets, __u32 bytes)
{
	__u32 self = bpf_get_smp_processor_id() + 1, owner = sa->owner_cpu;
	__u64 now = bpf_jiffies64();

	if (!owner) {
		owner = __sync_val_compare_and_swap(&sa->owner_cpu, 0, self);
		if (!owner)
			owner = self;
	}
	if (owner == self) {
		sa->packets += packets;
		sa->bytes += bytes;
	} else {
		__sync_fetch_and_add(&sa->packets_other, packets);
		__sync_fetch_and_add(&sa->bytes_other, bytes);
	}
	/* A store for each packet would take the line away from other CPUs for nothing. */
	if (sa->last_used != now)
		sa->last_used = now;
}

/* Is the packet for an address that contexts have? Asked only when it has no SA. */
static __always_inline int endpoint_serves(const struct packet *p, __u64 generation)
{
	struct saxdp_endpoint_key key = {};
	struct saxdp_endpoint *found;

	key.address[0] = p->daddr[0];
	key.address[1] = p->daddr[1];
	key.address[2] = p->daddr[2];
	key.address[3] = p->daddr[3];
	key.family = p->family;
	found = bpf_map_lookup_elem(&endpoint, &key);
	return found && life_at(&found->life, generation) && found->contexts;
}

#endif
