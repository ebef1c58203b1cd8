// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the full ESP path is compared with: nothing at all, and the least that finds an SA. `scatter`
 * gives each packet another SPI and hands it on.
 *
 * All are SEC("xdp.frags"), as the kernel lets only programs of one kind into a map of programs.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../bench/spi.h"
#include "proto.bpf.h"
#include "saxdp_abi.h"

#define BARE_MAP(key_type)                    \
	__uint(type, BPF_MAP_TYPE_HASH);      \
	__uint(map_flags, BPF_F_NO_PREALLOC); \
	__uint(max_entries, 1);               \
	__type(key, key_type);                \
	__type(value, __u64)

struct {
	BARE_MAP(struct saxdp_sa4_key);
} bare4 SEC(".maps");

struct {
	BARE_MAP(struct saxdp_sa6_key);
} bare6 SEC(".maps");

/* Where `scatter` goes. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

__u64 state; /* of the generator: one CPU runs this */

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

/*
 * By whole words, protocol and direction too: who loads four bytes of which one was stored just
 * before waits for the store, and (b) is to be the least.
 */
struct bare4_key {
	__u32 destination;
	__be32 spi;
	__be32 rest;
};

struct bare6_key {
	__u32 destination[4];
	__be32 spi;
	__be32 rest;
};

_Static_assert(sizeof(struct bare4_key) == sizeof(struct saxdp_sa4_key), "bare4_key");
_Static_assert(sizeof(struct bare6_key) == sizeof(struct saxdp_sa6_key), "bare6_key");
#define BARE_REST bpf_htonl(IPPROTO_ESP << 24 | SAXDP_INBOUND << 16)

static __always_inline struct ip_esp_hdr *esp4(struct iphdr *ip, void *end)
{
	struct ip_esp_hdr *esp;

	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_ESP)
		return NULL;
	esp = (void *)ip + ip->ihl * 4;
	return (void *)(esp + 1) > end ? NULL : esp;
}

static __always_inline struct ip_esp_hdr *esp6(struct ipv6hdr *ip6, void *end)
{
	struct ip_esp_hdr *esp = (void *)(ip6 + 1);

	return (void *)(esp + 1) > end || ip6->nexthdr != IPPROTO_ESP ? NULL : esp;
}

/*
 * One program for each family: where clang lets two lookups share one call, as here it would, the
 * kernel does not know the map and calls it indirectly (20 ns of 56).
 */
SEC("xdp.frags")
int bare_v4(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct bare4_key key = { .rest = BARE_REST };
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ip_esp_hdr *esp;
	__u64 *found;

	if ((void *)(eth + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	esp = esp4(ip, end);
	if (!esp)
		return XDP_PASS;
	key.destination = ip->daddr;
	key.spi = esp->spi;
	found = bpf_map_lookup_elem(&bare4, &key);
	return found && *found ? XDP_TX : XDP_PASS;
}

SEC("xdp.frags")
int bare_v6(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct bare6_key key = { .rest = BARE_REST };
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct ip_esp_hdr *esp;
	__u64 *found;

	if ((void *)(eth + 1) > end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	esp = esp6(ip6, end);
	if (!esp)
		return XDP_PASS;
	key.destination[0] = ip6->daddr.in6_u.u6_addr32[0];
	key.destination[1] = ip6->daddr.in6_u.u6_addr32[1];
	key.destination[2] = ip6->daddr.in6_u.u6_addr32[2];
	key.destination[3] = ip6->daddr.in6_u.u6_addr32[3];
	key.spi = esp->spi;
	found = bpf_map_lookup_elem(&bare6, &key);
	return found && *found ? XDP_TX : XDP_PASS;
}

/* Knuth's MMIX generator; its upper bits are the good ones. */
static __always_inline __u32 next_place(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> (64 - BENCH_SPI_BITS);
}

static __always_inline int scatter_to(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ip_esp_hdr *esp;

	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		esp = esp4((void *)(eth + 1), end);
	else
		esp = esp6((void *)(eth + 1), end);
	if (!esp)
		return XDP_ABORTED;
	esp->spi = bench_spi(next_place());
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int scatter(struct xdp_md *ctx)
{
	return scatter_to(ctx);
}

/* Reading the clock waits until all loads before are done: no packet overlaps the one before. */
SEC("xdp.frags")
int scatter_apart(struct xdp_md *ctx)
{
	state += bpf_ktime_get_ns() & 1;
	return scatter_to(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
