// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A packet that looks at several things which every commit changes together. It reads the
 * generation once, as the data path does, and so must find all of one commit and nothing of
 * another. For TC, as each BPF_PROG_RUN of an XDP program waits for the dispatcher to be rewritten.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "match.bpf.h"

enum {
	LOOK_SETS = 2,
	LOOK_SAS = 8, /* of a set, each with the number of its commit as its context */
	LOOK_FLOWS = 4, /* each held by one filter, whose weight is that of its commit */
};

/* SPIs from LOOK_SPI on are of the first set, those from LOOK_SPI + LOOK_SAS on of the second. */
#define LOOK_SPI	 0x2000
#define LOOK_DESTINATION 0xc0000209 /* 192.0.2.9 */
#define LOOK_REMOTE	 0x0a090001 /* 10.9.FLOW.1 */

volatile __u64 looks, mixtures;
volatile __u64 seen_sets[LOOK_SETS]; /* looks that found the set, or the mask of either parity */

static __always_inline void look_note(int whole, __u32 set)
{
	looks++;
	if (whole)
		seen_sets[set & 1]++;
	else
		mixtures++;
}

/* One of the two sets lives, all of it, and all of one commit. */
SEC("tc")
int look_sas(struct __sk_buff *ctx)
{
	struct saxdp_engine *e = engine_get();
	struct saxdp_sa4_key key = {};
	__u32 alive[LOOK_SETS] = {};
	__u64 generation, commit = 0;
	struct saxdp_sa *sa;
	int same = 1;

	(void)ctx;
	if (!e)
		return TC_ACT_SHOT;
	generation = generation_read(e, SAXDP_EPOCH_SA);
	key.destination = bpf_htonl(LOOK_DESTINATION);
	key.protocol = IPPROTO_ESP;
	for (__u32 i = 0; i < LOOK_SETS * LOOK_SAS; i++) {
		key.spi = bpf_htonl(LOOK_SPI + i);
		sa = bpf_map_lookup_elem(&sa4, &key);
		if (!sa || !life_at(&sa->life, generation))
			continue;
		alive[i / LOOK_SAS & 1]++;
		same &= !commit || commit == sa->context;
		commit = sa->context;
	}
	look_note(same && alive[0] + alive[1] == LOOK_SAS && (!alive[0] || !alive[1]), !alive[0]);
	return TC_ACT_OK;
}

/* Each flow is held by one filter, and all of these are of one commit. */
SEC("tc")
int look_flows(struct __sk_buff *ctx)
{
	struct saxdp_engine *e = engine_get();
	struct winners *w = winners_get();
	__u64 generation, weight = 0;
	struct flow f = {};
	int found, same = 1;

	(void)ctx;
	if (!e || !w)
		return TC_ACT_SHOT;
	generation = generation_read(e, SAXDP_EPOCH_POLICY);
	f.family = 4;
	f.protocol = IPPROTO_UDP;
	flow_set_ports(&f, 1000, 2000);
	f.local[0] = bpf_htonl(LOOK_DESTINATION);
	for (__u32 i = 0; i < LOOK_FLOWS; i++) {
		f.remote[0] = bpf_htonl(LOOK_REMOTE + (i << 8));
		found = layer_search(&f, SAXDP_INBOUND_TRANSPORT_V4, generation);
		same &= found && !(found & (found - 1));
		for (__u32 rank = 0; rank < SAXDP_SUBLAYERS; rank++) {
			if (!(found >> rank & 1))
				continue;
			same &= !weight || weight == w->sublayer[rank].weight;
			weight = w->sublayer[rank].weight;
		}
	}
	look_note(same, generation & 1);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
