// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Who decides in each sublayer, what comes of it, and which tunnel a clear packet should have come
 * by. The tunnel:
 *
 *  18  Of the sublayers that have one, the first whose deciding filter is a built-in IPsec callout
 *	says how. A callout for tunnels means its provider context, and the tunnel between the ends
 *	that this names. A callout for transport at the inbound layer means what the outbound layer
 *	says about the same local and remote side, as contexts are made for outbound filters; at the
 *	outbound layer, the contexts of its filter whose traffic this is.
 *  19  Where no inbound filter decided, the outbound layer is asked: a context alone says that its
 *	traffic is protected. Where only permits, blocks and other callouts decided, nobody is.
 *  20  Of the contexts of one outbound filter those count that narrow its traffic furthest: by both
 *	ports, by the remote, by the local, by none; of these those that name the protocol.
 */
#include <string.h>

#include "fwp/guid.h"
#include "model.h"

static bool same(const GUID *a, const GUID *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* --- what running a filter gives -------------------------------------------------------------------- */

enum callout_mode { CALLOUT_UNREGISTERED, CALLOUT_TRANSPORT, CALLOUT_TUNNEL };

/* The built-in ones that are there; all others are not registered. */
static enum callout_mode callout_mode(const GUID *key)
{
	static const struct {
		const GUID *key;
		enum callout_mode mode;
	} callouts[] = {
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, CALLOUT_TRANSPORT },
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V6, CALLOUT_TRANSPORT },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, CALLOUT_TRANSPORT },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V6, CALLOUT_TRANSPORT },
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4, CALLOUT_TUNNEL },
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V6, CALLOUT_TUNNEL },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4, CALLOUT_TUNNEL },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6, CALLOUT_TUNNEL },
	};

	for (size_t i = 0; i < sizeof(callouts) / sizeof(callouts[0]); i++)
		if (same(callouts[i].key, key))
			return callouts[i].mode;
	return CALLOUT_UNREGISTERED;
}

static bool names_callout(const FWPM_FILTER0 *f)
{
	return f->action.type & FWP_ACTION_FLAG_CALLOUT;
}

static bool is_ipsec(const FWPM_FILTER0 *f)
{
	return f && names_callout(f) && callout_mode(&f->action.calloutKey) != CALLOUT_UNREGISTERED;
}

struct outcome {
	FWP_ACTION_TYPE action; /* PERMIT, BLOCK or CONTINUE */
	bool hard;
	bool by_callout;
};

/*
 * Rules 5, 6, 10 and 11. A packet that arrives clear has not come by an SA, and what would go back
 * has none to go by as far as this model knows: the IPsec callouts block both.
 */
static struct outcome run(const FWPM_FILTER0 *f)
{
	bool cleared = f->flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;

	switch (f->action.type) {
	case FWP_ACTION_PERMIT:
		return (struct outcome){ FWP_ACTION_PERMIT, cleared, false };
	case FWP_ACTION_BLOCK:
		return (struct outcome){ FWP_ACTION_BLOCK, true, false };
	case FWP_ACTION_CALLOUT_TERMINATING:
	case FWP_ACTION_CALLOUT_UNKNOWN:
		if (callout_mode(&f->action.calloutKey) != CALLOUT_UNREGISTERED)
			return (struct outcome){ FWP_ACTION_BLOCK, cleared, true };
		if (f->flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED)
			return (struct outcome){ FWP_ACTION_PERMIT, cleared, false };
		return (struct outcome){ FWP_ACTION_BLOCK, true, false };
	default: /* FWP_ACTION_CALLOUT_INSPECTION */
		return (struct outcome){ FWP_ACTION_CONTINUE, false, false };
	}
}

/* --- one layer --------------------------------------------------------------------------------------- */

static const GUID *layer_key(const struct model_view *view)
{
	if (view->packet->version == 4)
		return view->outbound ? &FWPM_LAYER_OUTBOUND_TRANSPORT_V4 :
					&FWPM_LAYER_INBOUND_TRANSPORT_V4;
	return view->outbound ? &FWPM_LAYER_OUTBOUND_TRANSPORT_V6 :
				&FWPM_LAYER_INBOUND_TRANSPORT_V6;
}

/* Rules 2 and 12. */
static bool runs_before(const FWPM_FILTER0 *a, const FWPM_FILTER0 *b)
{
	UINT64 a_weight = *a->effectiveWeight.uint64, b_weight = *b->effectiveWeight.uint64;

	return a_weight != b_weight ? a_weight > b_weight : a->filterId < b->filterId;
}

static bool matches(const FWPM_FILTER0 *f, const GUID *sublayer, const struct model_view *view)
{
	return same(&f->layerKey, layer_key(view)) && same(&f->subLayerKey, sublayer) &&
	       !(f->flags & FWPM_FILTER_FLAG_DISABLED) &&
	       model_conditions_hold(f->filterCondition, f->numFilterConditions, view);
}

/* The matching filter that is run after `last`; NULL: the first of all. */
static const FWPM_FILTER0 *next_filter(const struct model_policy *policy, const GUID *sublayer,
				       const struct model_view *view, const FWPM_FILTER0 *last)
{
	const FWPM_FILTER0 *best = NULL;

	for (size_t i = 0; i < policy->filters; i++) {
		const FWPM_FILTER0 *f = policy->filter[i];

		if ((last && !runs_before(last, f)) || (best && !runs_before(f, best)))
			continue;
		if (matches(f, sublayer, view))
			best = f;
	}
	return best;
}

/* Rules 4, 6 and 7: what the sublayers so far have said, and one more. */
static void arbitrate(struct model_decision *d, const struct outcome *o)
{
	if (d->hard) {
		if (d->action == FWP_ACTION_PERMIT && o->action == FWP_ACTION_BLOCK &&
		    o->by_callout) {
			d->action = FWP_ACTION_BLOCK;
			d->veto = true;
		}
		return;
	}
	d->action = o->action;
	d->hard = o->hard;
}

/* The place of the sublayer that comes after that of weight `below`; -1: there is none. */
static int next_sublayer(const struct model_policy *policy, int below)
{
	int best = -1;

	for (size_t i = 0; i < policy->sublayers; i++)
		if (policy->sublayer[i].weight < below &&
		    (best < 0 || policy->sublayer[i].weight > policy->sublayer[best].weight))
			best = i;
	return best;
}

static void classify(const struct model_policy *policy, const struct model_view *view,
		     struct model_decision *ret)
{
	int sublayer = next_sublayer(policy, UINT16_MAX + 1);

	*ret = (struct model_decision){ .action = FWP_ACTION_NONE_NO_MATCH };
	for (size_t place = 0; sublayer >= 0 && place < MODEL_SUBLAYERS; place++) { /* rules 1, 3 */
		const struct model_sublayer *s = &policy->sublayer[sublayer];
		const FWPM_FILTER0 *f = next_filter(policy, &s->key, view, NULL);

		for (; f; f = next_filter(policy, &s->key, view, f)) {
			struct outcome o = run(f);

			if (ret->action == FWP_ACTION_NONE_NO_MATCH)
				ret->action = FWP_ACTION_NONE; /* rule 9 */
			if (o.action == FWP_ACTION_CONTINUE)
				continue;
			arbitrate(ret, &o);
			ret->decided[place] = f;
			ret->any = true;
			break;
		}
		sublayer = next_sublayer(policy, s->weight);
	}
}

/* --- the tunnel --------------------------------------------------------------------------------------- */

static bool address_is(FWP_IP_VERSION version, UINT32 v4, const UINT8 *v6, const UINT8 *bytes)
{
	if (version == FWP_IP_VERSION_V6)
		return !memcmp(v6, bytes, 16);
	return bytes[0] == v4 >> 24 && bytes[1] == (v4 >> 16 & 0xff) &&
	       bytes[2] == (v4 >> 8 & 0xff) && bytes[3] == (v4 & 0xff);
}

static bool of_version(const IPSEC_TRAFFIC1 *t, const struct model_packet *p)
{
	return t->ipVersion == (p->version == 4 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6);
}

static bool local_is(const IPSEC_TRAFFIC1 *t, const struct model_packet *p)
{
	return of_version(t, p) &&
	       address_is(t->ipVersion, t->localV4Address, t->localV6Address, p->destination);
}

static bool remote_is(const IPSEC_TRAFFIC1 *t, const struct model_packet *p)
{
	return of_version(t, p) &&
	       address_is(t->ipVersion, t->remoteV4Address, t->remoteV6Address, p->source);
}

static bool between(const IPSEC_TRAFFIC1 *t, const IPSEC_TUNNEL_ENDPOINTS0 *ends)
{
	if (t->ipVersion != ends->ipVersion)
		return false;
	if (t->ipVersion == FWP_IP_VERSION_V6)
		return !memcmp(t->localV6Address, ends->localV6Address, 16) &&
		       !memcmp(t->remoteV6Address, ends->remoteV6Address, 16);
	return t->localV4Address == ends->localV4Address &&
	       t->remoteV4Address == ends->remoteV4Address;
}

static int tunnel_of_policy(const struct model_policy *policy, const FWPM_FILTER0 *f)
{
	if (!(f->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT))
		return -1;
	for (size_t i = 0; i < policy->tunnel_policies; i++) {
		const FWPM_PROVIDER_CONTEXT0 *p = &policy->tunnel_policy[i];

		if (!same(&p->providerContextKey, &f->providerContextKey))
			continue;
		for (size_t c = 0; c < policy->contexts; c++) {
			const IPSEC_TRAFFIC1 *t = &policy->context[c];

			if (t->trafficType == IPSEC_TRAFFIC_TYPE_TUNNEL &&
			    t->tunnelPolicyId == p->providerContextId &&
			    between(t, &p->ikeQmTunnelPolicy->tunnelEndpoints))
				return c;
		}
	}
	return -1;
}

static bool carries(const IPSEC_TRAFFIC1 *t, const struct model_packet *p)
{
	if (!local_is(t, p) || !remote_is(t, p))
		return false;
	if (t->ipProtocol && t->ipProtocol != p->protocol)
		return false;
	if ((t->localPort || t->remotePort) && (!p->has_ports || p->is_icmp))
		return false;
	return (!t->localPort || t->localPort == p->destination_port) &&
	       (!t->remotePort || t->remotePort == p->source_port);
}

/* Rule 20. */
static int narrowness(const IPSEC_TRAFFIC1 *t)
{
	return (t->remotePort ? 4 : 0) + (t->localPort ? 2 : 0) + (t->ipProtocol ? 1 : 0);
}

static int tunnel_of_filter(const struct model_policy *policy, const FWPM_FILTER0 *f,
			    const struct model_packet *p)
{
	int best = -1;

	for (size_t c = 0; c < policy->contexts; c++) {
		const IPSEC_TRAFFIC1 *t = &policy->context[c];

		if (t->trafficType != IPSEC_TRAFFIC_TYPE_TRANSPORT ||
		    t->ipsecFilterId != f->filterId || !carries(t, p))
			continue;
		if (best < 0 || narrowness(t) > narrowness(&policy->context[best]))
			best = c;
	}
	return best;
}

static const FWPM_FILTER0 *first_ipsec(const struct model_decision *d)
{
	for (int i = 0; i < MODEL_SUBLAYERS; i++)
		if (is_ipsec(d->decided[i]))
			return d->decided[i];
	return NULL;
}

static bool wants_tunnel(const FWPM_FILTER0 *f)
{
	return callout_mode(&f->action.calloutKey) == CALLOUT_TUNNEL;
}

/* Rules 18 and 19. */
static int tunnel(const struct model_policy *policy, const struct model_answer *a)
{
	const FWPM_FILTER0 *in = first_ipsec(&a->inbound), *out = first_ipsec(&a->outbound);

	if (a->inbound.any && !in)
		return -1;
	if (in && wants_tunnel(in))
		return tunnel_of_policy(policy, in);
	if (!out)
		return -1;
	return wants_tunnel(out) ? tunnel_of_policy(policy, out) :
				   tunnel_of_filter(policy, out, &a->packet);
}

static bool has_endpoint(const struct model_policy *policy, const struct model_packet *p)
{
	for (size_t c = 0; c < policy->contexts; c++)
		if (local_is(&policy->context[c], p))
			return true;
	return false;
}

void model_judge(const struct model_policy *policy, const void *frame, size_t length,
		 struct model_answer *ret)
{
	struct model_view view = { .packet = &ret->packet, .interface = policy->interface };

	*ret = (struct model_answer){ .tunnel = -1 };
	model_frame(frame, length, policy->nat_port, &ret->packet);
	switch (ret->packet.kind) {
	case MODEL_ESP:
	case MODEL_AH:
	case MODEL_ESP_IN_UDP:
		ret->unknown_spi = has_endpoint(policy, &ret->packet);
		return;
	case MODEL_CLEAR:
		break;
	default:
		return;
	}
	classify(policy, &view, &ret->inbound);
	view.outbound = true;
	classify(policy, &view, &ret->outbound);
	ret->tunnel = tunnel(policy, ret);
}
