/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the packet of an SA goes. A target that is not there means XDP_PASS and a counter: whatever
 * an operator sets, steering alone loses no packet that this program can see.
 */
#ifndef SAXDP_STEER_BPF_H
#define SAXDP_STEER_BPF_H

#include "account.bpf.h"
#include "maps.bpf.h"

/*
 * Place of an SPI among n. Daemons give SPIs at random or one after the other: the finalizer of
 * MurmurHash3 spreads both, and the multiplication maps the hash to 0..n-1 without a division.
 */
static __always_inline __u32 spread_place(__be32 spi, __u32 n)
{
	__u32 hash = spi;

	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	hash ^= hash >> 16;
	return (__u64)hash * n >> 32;
}

/*
 * Each call has a map of its own: the kernel then calls that map's redirect directly. Merged into
 * one call, as clang does without the barriers, it goes through the helper for any map and an
 * indirect call, which cost a tenth of the whole path.
 *
 * rx_queue: by which an AF_XDP socket is found.
 */
static __always_inline int steer(const struct saxdp_engine *e, const struct saxdp_sa *sa,
				 const struct packet *p, __u32 rx_queue)
{
	__u32 word = sa->steer, arg, place;
	int verdict = XDP_PASS;

	if (word >> SAXDP_STEER_SHIFT == SAXDP_STEER_DEFAULT)
		word = e->default_steer;
	arg = word & SAXDP_STEER_ARG;
	switch (word >> SAXDP_STEER_SHIFT) {
	case SAXDP_STEER_CPU:
		verdict = bpf_redirect_map(&steer_cpu, arg, XDP_PASS);
		barrier_var(verdict);
		break;
	case SAXDP_STEER_SPREAD:
		if (!e->spread_cpus)
			break;
		place = spread_place(p->spi, e->spread_cpus) % SAXDP_SPREAD_CPUS;
		verdict = bpf_redirect_map(&steer_cpu, e->spread_cpu[place], XDP_PASS);
		barrier_var(verdict);
		break;
	case SAXDP_STEER_DEV:
		verdict = bpf_redirect_map(&steer_dev, arg, XDP_PASS);
		barrier_var(verdict);
		break;
	case SAXDP_STEER_XSK:
		verdict = bpf_redirect_map(&steer_xsk, rx_queue, XDP_PASS);
		barrier_var(verdict);
		break;
	case SAXDP_STEER_MISSING:
		break;
	default:
		return XDP_PASS;
	}
	if (verdict != XDP_REDIRECT)
		counter_add(SAXDP_COUNT_STEER_MISSING, p->bytes);
	return verdict;
}

#endif
