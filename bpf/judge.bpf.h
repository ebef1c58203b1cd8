/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What it means that a packet arrived clear: the filters that decided are counted, and when they
 * say that it should have been protected, the tunnel that should have.
 *
 *   winner of the inbound layer          the tunnel is found by
 *   --------------------------------     ---------------------------------------------------------
 *   a callout for tunnels                its provider context
 *   a callout for transport              the winner of the outbound layer for the same local and
 *                                        remote side, as contexts are made of outbound filters
 *   none                                 the same: a context alone says that traffic is protected
 *   only permits and blocks              no tunnel: somebody allowed or forbade it clear
 *
 * Of several sublayers the first whose winner is an IPsec callout names the policy.
 */
#ifndef SAXDP_JUDGE_BPF_H
#define SAXDP_JUDGE_BPF_H

#include "maps.bpf.h"
#include "match.bpf.h"

static __always_inline int action_is_ipsec(__u32 action)
{
	return action == SAXDP_IPSEC_TRANSPORT || action == SAXDP_IPSEC_TUNNEL;
}

/* The winner of the heaviest sublayer where it is an IPsec callout; NULL when none is. */
static __always_inline struct winner *winner_ipsec(struct winners *w, __u32 found, __u64 generation)
{
	__u32 parity = generation & 1, i, slot;
	struct saxdp_sublayer_order *order;

	if (!found)
		return NULL;
	order = bpf_map_lookup_elem(&sublayer_order, &parity);
	if (!order)
		return NULL;
	for (i = 0; i < SAXDP_SUBLAYERS && i < order->count; i++) {
		slot = order->slot[i] % SAXDP_SUBLAYERS;
		if (found >> slot & 1 && action_is_ipsec(w->sublayer[slot].action))
			return &w->sublayer[slot];
	}
	return NULL;
}

static __always_inline void winners_count(const struct winners *w, __u32 found, __u32 bytes)
{
	struct saxdp_filter *decided;
	__u32 slot;
	__u64 id;

	for (slot = 0; slot < SAXDP_SUBLAYERS; slot++) {
		if (!(found >> slot & 1))
			continue;
		id = w->sublayer[slot].filter;
		decided = bpf_map_lookup_elem(&filter, &id);
		if (!decided)
			continue;
		__sync_fetch_and_add(&decided->packets, 1);
		__sync_fetch_and_add(&decided->bytes, bytes);
	}
}

/* 1 when such a tunnel lives and a context serves it. */
static __always_inline int tunnel_count_clear(const struct saxdp_tunnel_key *key, __u32 bytes,
					      __u64 generation)
{
	struct saxdp_tunnel *t = bpf_map_lookup_elem(&tunnel, key);

	if (!t || !life_at(&t->life, generation) || !t->contexts)
		return 0;
	__sync_fetch_and_add(&t->clear.packets, 1);
	__sync_fetch_and_add(&t->clear.bytes, bytes);
	return 1;
}

/* By the provider context of a filter: its endpoints, whatever the packet's addresses are. */
static __always_inline int clear_tunnel_mode(__u64 filter_id, __u32 bytes, __u64 generation)
{
	struct saxdp_filter *decided = bpf_map_lookup_elem(&filter, &filter_id);
	struct saxdp_tunnel_key key = {};
	struct saxdp_prov_context *policy;

	if (!decided || !(decided->flags & SAXDP_FILTER_HAS_PROV_CONTEXT))
		return 0;
	key.policy = decided->context;
	policy = bpf_map_lookup_elem(&prov_context, &key.policy);
	if (!policy)
		return 0;
	key.local[0] = policy->local[0];
	key.local[1] = policy->local[1];
	key.local[2] = policy->local[2];
	key.local[3] = policy->local[3];
	key.remote[0] = policy->remote[0];
	key.remote[1] = policy->remote[1];
	key.remote[2] = policy->remote[2];
	key.remote[3] = policy->remote[3];
	key.family = policy->family;
	key.type = SAXDP_TUNNEL;
	return tunnel_count_clear(&key, bytes, generation);
}

/*
 * By an outbound filter and the packet's own addresses. Contexts of one filter may narrow its traffic
 * by protocol and ports: each shape in use is tried, the narrowest first. Ports count for more than
 * the protocol, which a filter may say for all of its contexts. A packet without ports, or with 0
 * there, has none of the shapes that look at them: its key would be that of a wider tunnel.
 */
static __always_inline int clear_transport_mode(const struct flow *f, __u64 filter_id, __u32 shapes,
						__u32 bytes, __u64 generation)
{
	struct saxdp_tunnel_key key = {};
	int narrow, shape;

	key.policy = filter_id;
	key.local[0] = f->local[0];
	key.local[1] = f->local[1];
	key.local[2] = f->local[2];
	key.local[3] = f->local[3];
	key.remote[0] = f->remote[0];
	key.remote[1] = f->remote[1];
	key.remote[2] = f->remote[2];
	key.remote[3] = f->remote[3];
	key.family = f->family;
	key.type = SAXDP_TRANSPORT;
	for (narrow = SAXDP_SHAPES - 1; narrow >= 0; narrow--) {
		shape = narrow >> 1 | (narrow & 1 ? SAXDP_SHAPE_PROTOCOL : 0);
		if (!(shapes >> shape & 1))
			continue;
		if ((shape & SAXDP_SHAPE_LOCAL_PORT && !f->local_port_low) ||
		    (shape & SAXDP_SHAPE_REMOTE_PORT && !f->remote_port_low))
			continue;
		key.protocol = shape & SAXDP_SHAPE_PROTOCOL ? f->protocol : 0;
		key.local_port = shape & SAXDP_SHAPE_LOCAL_PORT ? bpf_htons(f->local_port_low) : 0;
		key.remote_port = shape & SAXDP_SHAPE_REMOTE_PORT ? bpf_htons(f->remote_port_low) :
								    0;
		if (tunnel_count_clear(&key, bytes, generation))
			return 1;
	}
	return 0;
}

static __always_inline enum saxdp_layer inbound_layer(__u8 family)
{
	return family == 6 ? SAXDP_INBOUND_TRANSPORT_V6 : SAXDP_INBOUND_TRANSPORT_V4;
}

static __always_inline enum saxdp_layer outbound_layer(__u8 family)
{
	return family == 6 ? SAXDP_OUTBOUND_TRANSPORT_V6 : SAXDP_OUTBOUND_TRANSPORT_V4;
}

/* Is there any filter that could say something? What has no policy shall cost nothing. */
static __always_inline int clear_is_judged(const struct packet *p, __u64 generation)
{
	return layer_has_masks(inbound_layer(p->family), generation) ||
	       layer_has_masks(outbound_layer(p->family), generation);
}

/*
 * Returns 1 when a tunnel should have protected the packet. Global, for the verifier, as
 * layer_search() is.
 */
__noinline int clear_judge(struct flow *f, __u32 bytes, __u64 policy_generation,
			   __u64 sa_generation)
{
	struct saxdp_engine *e = engine_get();
	struct winners *w = winners_get();
	struct winner *ipsec;
	int found;

	if (!f || !e || !w)
		return 0;
	found = layer_search(f, inbound_layer(f->family), policy_generation);
	winners_count(w, found, bytes);
	if (!e->contexts)
		return 0;
	ipsec = winner_ipsec(w, found, policy_generation);
	if (found && !ipsec)
		return 0;
	if (ipsec && ipsec->action == SAXDP_IPSEC_TUNNEL)
		return clear_tunnel_mode(ipsec->filter, bytes, sa_generation);

	found = layer_search(f, outbound_layer(f->family), policy_generation);
	ipsec = winner_ipsec(w, found, policy_generation);
	if (!ipsec)
		return 0;
	if (ipsec->action == SAXDP_IPSEC_TUNNEL)
		return clear_tunnel_mode(ipsec->filter, bytes, sa_generation);
	return clear_transport_mode(f, ipsec->filter, e->tunnel_ports, bytes, sa_generation);
}

#endif
