// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What leaves by an interface: parse, find its SA, account. Engine-wide counters are of packets
 * that arrive, so none is added to here; and whatever a packet is, the filters after this one go on.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "parse.bpf.h"
#include "maps.bpf.h"
#include "account.bpf.h"

enum {
	PULL_BYTES = 256, /* from Ethernet to the SPI, with a few IPv6 extensions */
};

static __always_inline struct cursor skb_cursor(const struct __sk_buff *skb)
{
	return (struct cursor){
		.pos = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	struct saxdp_engine *e = engine_get();
	__u32 headers, packets;
	__u64 sa_generation;
	struct saxdp_sa *sa;
	struct cursor c;
	struct packet p;

	if (!e || e->state != SAXDP_STATE_LOADED)
		return TC_ACT_UNSPEC;
	sa_generation = generation_read(e, SAXDP_EPOCH_SA);

	c = skb_cursor(skb);
	packet_parse(&c, skb->len, e->encap_port, &p);
	/* Only where it is missed: most of what leaves has its headers linear, and little more. */
	if (p.class == CLASS_UNSEEN &&
	    !bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES)) {
		c = skb_cursor(skb);
		packet_parse(&c, skb->len, e->encap_port, &p);
	}
	if (!packet_has_spi(&p))
		return TC_ACT_UNSPEC;
	sa = sa_find(&p, SAXDP_OUTBOUND, sa_generation);
	if (!sa)
		return TC_ACT_UNSPEC;

	/* One buffer of a UDP_SEGMENT socket becomes many packets, each with headers of its own. */
	packets = skb->gso_segs ? skb->gso_segs : 1;
	headers = p.l4_off - p.l3_off + sizeof(struct udphdr);
	sa_account(sa, packets, p.bytes + (packets - 1) * headers);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
