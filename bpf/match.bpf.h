/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which filters hold a flow: tuple-space search over the selectors of one layer.
 *
 * For each mask of the layer the fields that it looks at are cut out of the flow and looked up as a
 * key; what is found is a chain of buckets whose candidates carry the rest of their condition. So a
 * flow costs one lookup for each mask, however many filters there are. In each sublayer the
 * candidate of highest weight wins, of equal ones the filter that was added first.
 *
 * The search is a global function, not an inlined part: the verifier then proves it once, instead
 * of once for each way through the parser that leads here and for each layer that is searched.
 */
#ifndef SAXDP_MATCH_BPF_H
#define SAXDP_MATCH_BPF_H

#include "maps.bpf.h"
#include "parse.bpf.h"

/*
 * What selectors ask about a packet, seen from this host: `local` is the destination of what
 * arrives and the source of what leaves.
 *
 * Ports are ranges, in host order: that of a packet begins and ends at its port, or for ICMP at its
 * type (local) and code (remote). A packet without any has all of them: a candidate asks whether
 * its range holds the flow's, and only one that means any port does then.
 */
struct flow {
	__u32 local[4], remote[4]; /* network order; IPv4 in word 0 */
	__u16 local_port_low, local_port_high;
	__u16 remote_port_low, remote_port_high;
	__u8 family; /* 4 or 6 */
	__u8 protocol;
	__u16 zero;
};

struct winner {
	__u64 filter;
	__u64 weight;
	__u32 action; /* enum saxdp_action */
	__u32 zero;
};

/* By slot of the sublayer; too much for the 512 bytes of a BPF stack. */
struct winners {
	struct winner sublayer[SAXDP_SUBLAYERS];
};

struct search {
	struct flow *flow;
	struct winners *winners;
	__u64 generation;
	__u32 layer;
	__u32 found; /* bit per slot of a sublayer that has a winner */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct winners);
} scratch SEC(".maps");

static __always_inline struct winners *winners_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

static __always_inline int flow_has_ports(const struct flow *f)
{
	return f->local_port_low == f->local_port_high;
}

static __always_inline void flow_set_ports(struct flow *f, __u16 local, __u16 remote)
{
	f->local_port_low = f->local_port_high = local;
	f->remote_port_low = f->remote_port_high = remote;
}

/* The flow of a packet that arrives. */
static __always_inline void flow_arriving(struct flow *f, const struct packet *p)
{
	*f = (struct flow){ .family = p->family, .protocol = p->proto };
	f->local[0] = p->daddr[0];
	f->local[1] = p->daddr[1];
	f->local[2] = p->daddr[2];
	f->local[3] = p->daddr[3];
	f->remote[0] = p->saddr[0];
	f->remote[1] = p->saddr[1];
	f->remote[2] = p->saddr[2];
	f->remote[3] = p->saddr[3];
	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		flow_set_ports(f, bpf_ntohs(p->dport), bpf_ntohs(p->sport));
		break;
	default:
		if (p->proto == (p->family == 4 ? IPPROTO_ICMP : NEXTHDR_ICMP))
			flow_set_ports(f, p->icmp_type, p->icmp_code);
		else
			f->local_port_high = f->remote_port_high = 0xffff;
	}
}

/* Word `word` of the mask of an address, in network order. */
static __always_inline __be32 prefix_word(__u32 prefix, __u32 word)
{
	__u32 before = 32 * word, bits;

	if (prefix <= before)
		return 0;
	bits = prefix - before;
	if (bits >= 32)
		return ~0U;
	return bpf_htonl(~0U << (32 - bits));
}

static __always_inline int owner_dead(__u32 owner)
{
	__u32 slot = owner - 1;
	struct saxdp_engine *e;

	if (!owner)
		return 0;
	e = engine_get();
	return e && e->dead_session[slot / 64 % SAXDP_SESSION_WORDS] >> (slot % 64) & 1;
}

static __always_inline int candidate_holds(const struct saxdp_candidate *c, const struct flow *f,
					   __u64 generation)
{
	return life_at(&c->life, generation) && c->local_port_low <= f->local_port_low &&
	       f->local_port_high <= c->local_port_high &&
	       c->remote_port_low <= f->remote_port_low &&
	       f->remote_port_high <= c->remote_port_high && !owner_dead(c->owner);
}

static __always_inline __u32 candidate_contend(const struct saxdp_candidate *c, struct winners *w,
					       __u32 found)
{
	__u32 slot = c->slot;
	struct winner *best;

	if (slot >= SAXDP_SUBLAYERS)
		return found;
	best = &w->sublayer[slot];
	if (found >> slot & 1) {
		if (c->weight < best->weight)
			return found;
		if (c->weight == best->weight && c->filter > best->filter)
			return found;
	}
	best->filter = c->filter;
	best->weight = c->weight;
	best->action = c->action;
	return found | 1U << slot;
}

/*
 * Global too, as 256 buckets' worth of candidates in one function are more than the verifier takes
 * ("The sequence of 8193 jumps is too complex").
 */
__noinline int bucket_judge(struct saxdp_bucket *b, struct flow *f, struct winners *w,
			    __u64 generation, __u32 found)
{
	__u32 place;

	if (!b || !f || !w)
		return found;
	for (place = 0; place < SAXDP_CANDIDATES; place++) {
		if (candidate_holds(&b->candidate[place], f, generation))
			found = candidate_contend(&b->candidate[place], w, found);
	}
	return found;
}

static __always_inline void mask_search4(struct search *s, const struct saxdp_mask *m)
{
	struct flow *f = s->flow;
	struct saxdp_selector4_key key = {};
	struct saxdp_bucket *b;
	__u32 chain;

	key.layer = s->layer;
	key.mask = m->number;
	if (m->fields & SAXDP_FIELD_PROTOCOL)
		key.protocol = f->protocol;
	key.local = f->local[0] & prefix_word(m->local_prefix, 0);
	key.remote = f->remote[0] & prefix_word(m->remote_prefix, 0);
	if (m->fields & SAXDP_FIELD_LOCAL_PORT)
		key.local_port = bpf_htons(f->local_port_low);
	if (m->fields & SAXDP_FIELD_REMOTE_PORT)
		key.remote_port = bpf_htons(f->remote_port_low);
	for (chain = 0; chain < SAXDP_CHAIN; chain++) {
		key.chain = chain;
		b = bpf_map_lookup_elem(&selector4, &key);
		if (!b)
			break;
		s->found = bucket_judge(b, f, s->winners, s->generation, s->found);
		if (!b->more)
			break;
	}
}

static __always_inline void mask_search6(struct search *s, const struct saxdp_mask *m)
{
	struct flow *f = s->flow;
	struct saxdp_selector6_key key = {};
	struct saxdp_bucket *b;
	__u32 chain;

	key.layer = s->layer;
	key.mask = m->number;
	if (m->fields & SAXDP_FIELD_PROTOCOL)
		key.protocol = f->protocol;
	if (m->fields & SAXDP_FIELD_LOCAL_PORT)
		key.local_port = bpf_htons(f->local_port_low);
	if (m->fields & SAXDP_FIELD_REMOTE_PORT)
		key.remote_port = bpf_htons(f->remote_port_low);
	key.local[0] = f->local[0] & prefix_word(m->local_prefix, 0);
	key.local[1] = f->local[1] & prefix_word(m->local_prefix, 1);
	key.local[2] = f->local[2] & prefix_word(m->local_prefix, 2);
	key.local[3] = f->local[3] & prefix_word(m->local_prefix, 3);
	key.remote[0] = f->remote[0] & prefix_word(m->remote_prefix, 0);
	key.remote[1] = f->remote[1] & prefix_word(m->remote_prefix, 1);
	key.remote[2] = f->remote[2] & prefix_word(m->remote_prefix, 2);
	key.remote[3] = f->remote[3] & prefix_word(m->remote_prefix, 3);
	for (chain = 0; chain < SAXDP_CHAIN; chain++) {
		key.chain = chain;
		b = bpf_map_lookup_elem(&selector6, &key);
		if (!b)
			break;
		s->found = bucket_judge(b, f, s->winners, s->generation, s->found);
		if (!b->more)
			break;
	}
}

static __always_inline struct saxdp_mask_set *masks_get(__u32 layer, __u64 generation)
{
	__u32 index = layer * 2 + (generation & 1);

	return bpf_map_lookup_elem(&mask, &index);
}

static __always_inline int layer_has_masks(__u32 layer, __u64 generation)
{
	struct saxdp_mask_set *set = masks_get(layer, generation);

	return set && set->count;
}

/*
 * Searches one layer at one policy generation. The winners stand in winners_get() until the next
 * search on this CPU; returned is which sublayers have one.
 */
__noinline int layer_search(struct flow *f, __u32 layer, __u64 generation)
{
	struct search s = { .flow = f, .layer = layer, .generation = generation };
	struct saxdp_mask_set *set = masks_get(layer, generation);
	const struct saxdp_mask *m;
	__u32 i;

	s.winners = winners_get();
	if (!f || !s.winners || !set)
		return 0;
	for (i = 0; i < SAXDP_MASKS && i < set->count; i++) {
		m = &set->mask[i];
		if (m->fields & (SAXDP_FIELD_LOCAL_PORT | SAXDP_FIELD_REMOTE_PORT) &&
		    !flow_has_ports(f))
			continue;
		if (f->family == 4)
			mask_search4(&s, m);
		else
			mask_search6(&s, m);
	}
	return s.found;
}

#endif
