// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What arrives by an interface: parse, find its SA or match it, account, steer. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "parse.bpf.h"
#include "maps.bpf.h"
#include "match.bpf.h"
#include "judge.bpf.h"
#include "account.bpf.h"
#include "steer.bpf.h"

const volatile __u32 role; /* enum saxdp_role: of the interface this program is attached to */

SEC("xdp.frags")
int xdp_ingress(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct cursor c = { .pos = data, .end = end };
	struct saxdp_engine *e = engine_get();
	__u64 policy_generation, sa_generation;
	__u32 frame_len = end - data;
	struct saxdp_sa *sa;
	struct packet p;
	struct flow f;

	if (!e || e->state != SAXDP_STATE_LOADED)
		return XDP_PASS;
	policy_generation = generation_read(e, SAXDP_EPOCH_POLICY);
	sa_generation = generation_read(e, SAXDP_EPOCH_SA);

	/*
	 * A packet that ends within the linear part parses the same by that part's length, and to ask
	 * for the frame's is a call, an eighth of the whole path. No loop: Linux 6.1 refuses one whose
	 * head is fallen into from its end ("back-edge from insn 43 to 44").
	 */
	packet_parse(&c, frame_len, e->encap_port, &p);
	if (!packet_has_bytes(&p)) {
		c = (struct cursor){ .pos = data, .end = end };
		frame_len = bpf_xdp_get_buff_len(ctx);
		packet_parse(&c, frame_len, e->encap_port, &p);
	}
	class_count(&p, frame_len);

	if (packet_has_spi(&p)) {
		sa = sa_find(&p, SAXDP_INBOUND, sa_generation);
		if (sa) {
			sa_account(sa, 1, p.bytes);
			/* A CPU of its own would part a first fragment from the others. */
			return p.fragment ? XDP_PASS : steer(e, sa, &p, ctx->rx_queue_index);
		}
		if (endpoint_serves(&p, sa_generation))
			counter_add(SAXDP_COUNT_UNKNOWN_SPI, p.bytes);
	} else if (p.class == CLASS_CLEAR && role == SAXDP_ROLE_OUTSIDE &&
		   clear_is_judged(&p, policy_generation)) {
		flow_arriving(&f, &p);
		if (clear_judge(&f, p.bytes, policy_generation, sa_generation))
			counter_add(SAXDP_COUNT_CLEAR_MATCHED, p.bytes);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
