// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Selectors of filters in the maps, and the inbound filter that corresponds to outbound traffic.
 *
 * Traffic and filters are seen from this host, local and remote, so the mirror of an outbound flow
 * is the same flow at the inbound layer. Which filters hold all of it is asked as packets ask: one
 * lookup for each mask of the layer. A mask that looks at more than the flow fixes cannot say it,
 * so only the others are tried; what is found is compared as a whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callout.h"
#include "classify.h"
#include "filter.h"

enum {
	WEIGHT_RANGE_SHIFT = FWPM_AUTO_WEIGHT_BITS, /* FWP_UINT8: the upper four bits */
};

int classify_weight(const FWP_VALUE0 *weight, uint64_t automatic, uint64_t *ret)
{
	switch (weight->type) {
	case FWP_EMPTY:
		*ret = automatic;
		return 0;
	case FWP_UINT8:
		if (weight->uint8 > FWPM_WEIGHT_RANGE_MAX)
			return fail(FWP(FWP_E_INVALID_WEIGHT),
				    "filter: weight range %u is above %u", weight->uint8,
				    (unsigned int)FWPM_WEIGHT_RANGE_MAX);
		*ret = (uint64_t)weight->uint8 << WEIGHT_RANGE_SHIFT | automatic;
		return 0;
	case FWP_UINT64:
		if (!weight->uint64)
			return fail(FWP(FWP_E_NULL_POINTER), "filter: weight is NULL");
		*ret = *weight->uint64;
		return 0;
	default:
		return fail(FWP(FWP_E_INVALID_WEIGHT), "filter: weight has data type %d",
			    weight->type);
	}
}

int classify_add(struct policy *p, enum saxdp_layer layer, const struct selector_set *set,
		 const struct saxdp_candidate *candidate)
{
	struct saxdp_candidate c = *candidate;
	union selector_key key;
	enum saxdp_kind kind;
	int err;

	for (uint32_t i = 0; i < set->count; i++) {
		const struct selector *s = &set->selector[i];
		struct saxdp_mask mask = s->mask;

		err = mask_plan_take(p, layer, &mask);
		if (err)
			return err;
		kind = selector_key(layer, &mask, s, &key);
		c.local_port_low = s->local_port_low;
		c.local_port_high = s->local_port_high;
		c.remote_port_low = s->remote_port_low;
		c.remote_port_high = s->remote_port_high;
		change_candidate_add(p->change, kind, &key, &c);
	}
	return 0;
}

int classify_remove(struct policy *p, enum saxdp_layer layer, const struct selector_set *set,
		    uint64_t filter)
{
	union selector_key key;
	enum saxdp_kind kind;
	int err;

	for (uint32_t i = 0; i < set->count; i++) {
		const struct selector *s = &set->selector[i];
		struct saxdp_mask mask = s->mask;

		err = mask_plan_give(p, layer, &mask);
		if (err)
			return err;
		kind = selector_key(layer, &mask, s, &key);
		change_candidate_die(p->change, kind, &key, filter);
	}
	return 0;
}

/* --- which filters hold all of some flows ------------------------------------------------------- */

struct holder {
	uint64_t filter, weight;
	uint8_t rank, action; /* of its sublayer; 0 is judged first */
	bool kept; /* holds the flows that were asked about last */
};

struct holders {
	struct holder *holder;
	uint32_t count, room;
	uint8_t rank[SAXDP_SUBLAYERS]; /* by slot */
};

/* At the generation of the view. A slot that is not in use is after all others. */
static int ranks_read(struct view *v, uint8_t ret[SAXDP_SUBLAYERS])
{
	uint32_t parity = v->engine.epoch[SAXDP_EPOCH_POLICY].generation & 1;
	struct saxdp_sublayer_order order;
	int err;

	err = store_lookup(v->inst, SAXDP_KIND_SUBLAYER_ORDER, &parity, &order);
	if (err)
		return err;
	memset(ret, SAXDP_SUBLAYERS, SAXDP_SUBLAYERS);
	for (uint32_t i = 0; i < order.count && i < SAXDP_SUBLAYERS; i++)
		ret[order.slot[i] % SAXDP_SUBLAYERS] = i;
	return 0;
}

static int holders_add(struct holders *h, const struct saxdp_candidate *c)
{
	uint32_t room = h->room ? h->room * 2 : SAXDP_CANDIDATES;
	struct holder *more;

	if (h->count == h->room) {
		more = realloc(h->holder, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		h->holder = more;
		h->room = room;
	}
	h->holder[h->count++] = (struct holder){
		.filter = c->filter,
		.weight = c->weight,
		.rank = h->rank[c->slot % SAXDP_SUBLAYERS],
		.action = c->action,
		.kept = true,
	};
	return 0;
}

static void holders_keep(struct holders *h, uint64_t filter)
{
	for (uint32_t i = 0; i < h->count; i++)
		if (h->holder[i].filter == filter)
			h->holder[i].kept = true;
}

/* Drops who did not hold the flows that were asked about last, and asks about others. */
static void holders_sift(struct holders *h)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < h->count; i++) {
		if (!h->holder[i].kept)
			continue;
		h->holder[count] = h->holder[i];
		h->holder[count++].kept = false;
	}
	h->count = count;
}

static bool owner_dead(const struct view *v, uint32_t owner_slot)
{
	uint32_t slot = owner_slot - 1;

	return owner_slot && slot < SAXDP_SESSIONS &&
	       v->engine.dead_session[slot / 64] >> (slot % 64) & 1;
}

static bool candidate_holds(const struct view *v, const struct saxdp_candidate *c,
			    const struct selector *flows)
{
	return view_alive(v, SAXDP_EPOCH_POLICY, &c->life) && !owner_dead(v, c->owner) &&
	       c->local_port_low <= flows->local_port_low &&
	       flows->local_port_high <= c->local_port_high &&
	       c->remote_port_low <= flows->remote_port_low &&
	       flows->remote_port_high <= c->remote_port_high;
}

static bool mask_can_hold(const struct saxdp_mask *mask, const struct saxdp_mask *flows)
{
	return mask->local_prefix <= flows->local_prefix &&
	       mask->remote_prefix <= flows->remote_prefix && !(mask->fields & ~flows->fields);
}

static void key_set_chain(enum saxdp_kind kind, union selector_key *key, uint8_t chain)
{
	if (kind == SAXDP_KIND_SELECTOR4)
		key->v4.chain = chain;
	else
		key->v6.chain = chain;
}

static int chain_search(struct view *v, enum saxdp_kind kind, union selector_key *key,
			const struct selector *flows, bool first, struct holders *h)
{
	struct saxdp_bucket bucket = { .more = 1 };
	int err = 0;

	for (uint8_t chain = 0; chain < SAXDP_CHAIN && bucket.more && !err; chain++) {
		key_set_chain(kind, key, chain);
		err = store_lookup(v->inst, kind, key, &bucket);
		if (err)
			return err == -ENOENT ? 0 : err;
		for (int i = 0; i < SAXDP_CANDIDATES && !err; i++) {
			const struct saxdp_candidate *c = &bucket.candidate[i];

			if (!candidate_holds(v, c, flows))
				continue;
			if (first)
				err = holders_add(h, c);
			else
				holders_keep(h, c->filter);
		}
	}
	return err;
}

/* The filters of a layer that hold each of the sets of flows. */
static int holders_find(struct view *v, enum saxdp_layer layer, const struct selector_set *flows,
			struct holders *h)
{
	uint32_t element = layer * 2 + (v->engine.epoch[SAXDP_EPOCH_POLICY].generation & 1);
	struct saxdp_mask_set masks;
	union selector_key key;
	enum saxdp_kind kind;
	int err;

	err = store_lookup(v->inst, SAXDP_KIND_MASK, &element, &masks);
	for (uint32_t i = 0; i < flows->count && !err; i++) {
		const struct selector *s = &flows->selector[i];

		if (i)
			holders_sift(h);
		if (i && !h->count)
			break;
		for (uint32_t m = 0; m < SAXDP_MASKS && m < masks.count && !err; m++) {
			if (!mask_can_hold(&masks.mask[m], &s->mask))
				continue;
			kind = selector_key(layer, &masks.mask[m], s, &key);
			err = chain_search(v, kind, &key, s, i == 0, h);
		}
	}
	if (!err)
		holders_sift(h);
	return err;
}

/* --- which of them is meant ------------------------------------------------------------------------ */

/* The callout for the mode in question first; then as packets are judged, equals by age. */
static bool holder_before(const struct holder *a, const struct holder *b, enum saxdp_action wanted)
{
	if ((a->action == wanted) != (b->action == wanted))
		return a->action == wanted;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return a->filter < b->filter;
}

static void holder_contend(struct holder *best, const struct holder *other,
			   enum saxdp_action wanted)
{
	if (!best->filter || holder_before(other, best, wanted))
		*best = *other;
}

static int mirror_find(struct view *v, enum saxdp_layer inbound, const struct selector_set *flows,
		       enum saxdp_action wanted, struct holder *best)
{
	struct holders h = {};
	int err;

	err = ranks_read(v, h.rank);
	if (!err)
		err = holders_find(v, inbound, flows, &h);
	for (uint32_t i = 0; i < h.count && !err; i++)
		holder_contend(best, &h.holder[i], wanted);
	free(h.holder);
	return err;
}

static enum saxdp_layer inbound_layer(uint8_t family)
{
	return family == 4 ? SAXDP_INBOUND_TRANSPORT_V4 : SAXDP_INBOUND_TRANSPORT_V6;
}

/* --- transport mode ---------------------------------------------------------------------------------- */

/* What the flow itself says; what it leaves open is the filter's to say. */
static void flow_selector(const struct flow *flow, struct selector *ret)
{
	uint8_t prefix = flow->family == 4 ? 32 : 128;

	*ret = (struct selector){
		.mask.local_prefix = prefix,
		.mask.remote_prefix = prefix,
		.local_port_high = PORT_MAX,
		.remote_port_high = PORT_MAX,
	};
	address_cut(flow->local, prefix, ret->local);
	address_cut(flow->remote, prefix, ret->remote);
	if (flow->protocol) {
		ret->mask.fields |= SAXDP_FIELD_PROTOCOL;
		ret->protocol = flow->protocol;
	}
	if (flow->has_local_port) {
		ret->mask.fields |= SAXDP_FIELD_LOCAL_PORT;
		ret->local_port_low = ret->local_port_high = flow->local_port;
	}
	if (flow->has_remote_port) {
		ret->mask.fields |= SAXDP_FIELD_REMOTE_PORT;
		ret->remote_port_low = ret->remote_port_high = flow->remote_port;
	}
}

static bool ports_meet(uint16_t *low, uint16_t *high, uint16_t other_low, uint16_t other_high)
{
	if (other_low > *low)
		*low = other_low;
	if (other_high < *high)
		*high = other_high;
	return *low <= *high;
}

/* What of the flow one selector of its filter lets through; false: nothing. */
static bool flow_narrow(struct selector *flow, const struct selector *filter)
{
	uint8_t fields = filter->mask.fields;
	uint32_t cut[4];

	address_cut(flow->local, filter->mask.local_prefix, cut);
	if (memcmp(cut, filter->local, sizeof(cut)))
		return false;
	address_cut(flow->remote, filter->mask.remote_prefix, cut);
	if (memcmp(cut, filter->remote, sizeof(cut)))
		return false;
	if (fields & SAXDP_FIELD_PROTOCOL) {
		if (flow->mask.fields & SAXDP_FIELD_PROTOCOL && flow->protocol != filter->protocol)
			return false;
		flow->protocol = filter->protocol;
	}
	flow->mask.fields |= fields;
	return ports_meet(&flow->local_port_low, &flow->local_port_high, filter->local_port_low,
			  filter->local_port_high) &&
	       ports_meet(&flow->remote_port_low, &flow->remote_port_high, filter->remote_port_low,
			  filter->remote_port_high);
}

/*
 * The flows of the context: those of its filter between its addresses. A filter that does not hold
 * the flow says nothing about it.
 */
static int flow_set(struct view *v, uint64_t outbound_filter, const struct flow *flow,
		    struct selector_set *ret)
{
	struct selector whole, part;
	struct saxdp_filter filter;
	uint32_t count = 0;
	int err;

	flow_selector(flow, &whole);
	err = filter_view(v, outbound_filter, &filter);
	if (!err)
		err = filter_view_selectors(v, outbound_filter, &filter, ret);
	if (err)
		return err;
	for (uint32_t i = 0; i < ret->count; i++) {
		part = whole;
		if (flow_narrow(&part, &ret->selector[i]))
			ret->selector[count++] = part;
	}
	if (!count)
		ret->selector[count++] = whole;
	ret->count = count;
	return 0;
}

int classify_inbound_transport(struct view *v, uint64_t outbound_filter, const struct flow *flow,
			       uint64_t *ret)
{
	struct selector_set flows = {};
	struct holder best = {};
	int err;

	err = flow_set(v, outbound_filter, flow, &flows);
	if (!err)
		err = mirror_find(v, inbound_layer(flow->family), &flows, SAXDP_IPSEC_TRANSPORT,
				  &best);
	selector_set_release(&flows);
	if (!err)
		*ret = best.filter;
	return err;
}

/* --- tunnel mode ------------------------------------------------------------------------------------- */

struct tunnel_search {
	struct view *view;
	bool mirror; /* of outbound filters, instead of inbound ones themselves */
	uint8_t rank[SAXDP_SUBLAYERS];
	struct holder best;
};

static int tunnel_filter_mirror(struct tunnel_search *t, uint64_t id, const struct saxdp_filter *f)
{
	struct selector_set flows;
	int err;

	err = filter_view_selectors(t->view, id, f, &flows);
	if (err)
		return err;
	err = mirror_find(t->view, inbound_layer(layer_at(f->layer)->family), &flows,
			  SAXDP_IPSEC_TUNNEL, &t->best);
	selector_set_release(&flows);
	return err;
}

static int tunnel_filter(void *ctx, uint64_t id)
{
	struct tunnel_search *t = ctx;
	struct saxdp_filter f;
	struct holder h;
	int err;

	err = filter_view(t->view, id, &f);
	if (err)
		return err;
	if (owner_dead(t->view, f.owner_slot) || layer_at(f.layer)->inbound == t->mirror)
		return 0;
	if (t->mirror)
		return tunnel_filter_mirror(t, id, &f);
	h = (struct holder){
		.filter = id,
		.weight = f.effective_weight,
		.rank = f.selectors ? t->rank[f.slot % SAXDP_SUBLAYERS] : SAXDP_SUBLAYERS,
		.action = callout_action(f.callout),
	};
	holder_contend(&t->best, &h, SAXDP_IPSEC_TUNNEL);
	return 0;
}

int classify_inbound_tunnel(struct view *v, uint64_t prov_context, uint64_t *ret)
{
	struct tunnel_search t = { .view = v };
	int err;

	err = ranks_read(v, t.rank);
	if (!err)
		err = prov_context_each_filter(v, prov_context, tunnel_filter, &t);
	if (!err && !t.best.filter) {
		t.mirror = true;
		err = prov_context_each_filter(v, prov_context, tunnel_filter, &t);
	}
	if (!err)
		*ret = t.best.filter;
	return err;
}
