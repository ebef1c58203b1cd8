// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The parser alone, as both hooks run it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "parse.bpf.h"

__be16 encap_port;
struct packet found;

SEC("xdp.frags")
int frames_xdp(struct xdp_md *ctx)
{
	struct cursor c = { .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	struct packet p;

	packet_parse(&c, bpf_xdp_get_buff_len(ctx), encap_port, &p);
	found = p;
	return XDP_PASS;
}

SEC("tc")
int frames_tc(struct __sk_buff *ctx)
{
	struct cursor c = { .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	struct packet p;

	packet_parse(&c, ctx->len, encap_port, &p);
	found = p;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
