// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Contexts read whole and given out later. Reading takes the maps by batches; only what is rare
 * (identities, keying state, interfaces) and each filter once are looked up one by one.
 */
#include "sa_stored.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

/* --- reading ---------------------------------------------------------------------------------------- */

void sa_snapshot_clear(struct sa_snapshot *s)
{
	struct sa_stored *c = s->contexts.element;
	struct filter_stored **f = s->filters.element;

	for (size_t i = 0; i < s->contexts.count; i++) {
		blob_release(&c[i].rest[SAXDP_INBOUND]);
		blob_release(&c[i].rest[SAXDP_OUTBOUND]);
	}
	for (size_t i = 0; i < s->filters.count; i++)
		filter_stored_free(f[i]);
	list_clear(&s->contexts);
	list_clear(&s->filters);
	pairs_clear(&s->filter_place);
}

static int filter_get(struct sa_snapshot *s, struct view *v, uint64_t id,
		      const struct filter_stored **ret)
{
	const struct pair *known = pairs_find(&s->filter_place, id);
	struct filter_stored **place;
	int err;

	if (known) {
		*ret = ((struct filter_stored **)s->filters.element)[known->value];
		return 0;
	}
	s->filters.size = sizeof(*place);
	place = list_add(&s->filters);
	if (!place)
		return -ENOMEM;
	err = filter_stored_read(v, id, place);
	if (err)
		return err;
	*ret = *place;
	return pairs_add(&s->filter_place, id, s->filters.count - 1);
}

static int traffic_rest(struct view *v, struct sa_stored *c)
{
	struct blob rest = {};
	int err = 0;

	if (c->fixed.flags & SAXDP_CONTEXT_REST)
		err = blob_read(v, SAXDP_BLOB_CONTEXT, c->id, SAXDP_BLOB_BYTES, &rest);
	if (!err && rest.size) {
		c->traffic.if_luid = blob_get_u64(&rest);
		c->traffic.profile = blob_get_u32(&rest);
	}
	blob_release(&rest);
	return err;
}

static int bundle_rest(struct sa_snapshot *s, struct view *v, struct sa_stored *c,
		       uint8_t direction)
{
	bool inbound = direction == SAXDP_INBOUND;
	const struct saxdp_bundle *b = inbound ? &c->fixed.inbound : &c->fixed.outbound;
	int err = 0;

	if (!view_stamped(v, b->born))
		return 0;
	c->has[direction] = true;
	if (b->rest)
		err = blob_read(v, inbound ? SAXDP_BLOB_INBOUND : SAXDP_BLOB_OUTBOUND, c->id,
				(size_t)b->rest * SAXDP_BLOB_BYTES, &c->rest[direction]);
	if (err || c->fixed.type != SAXDP_TRANSPORT)
		return err;
	return filter_get(s, v, inbound ? c->fixed.inbound_policy : c->fixed.policy,
			  &c->filter[direction]);
}

/* What hangs on a context whose fixed part is there. */
static int context_rest(struct sa_snapshot *s, struct view *v, struct sa_stored *c)
{
	int err;

	traffic_of_context(&c->fixed, &c->traffic);
	err = traffic_rest(v, c);
	if (!err)
		err = bundle_rest(s, v, c, SAXDP_INBOUND);
	if (!err)
		err = bundle_rest(s, v, c, SAXDP_OUTBOUND);
	return err;
}

static struct sa_stored *context_add(struct sa_snapshot *s)
{
	s->contexts.size = sizeof(struct sa_stored);
	return list_add(&s->contexts);
}

int sa_snapshot_one(struct sa_snapshot *s, struct view *v, uint64_t id)
{
	struct sa_stored *c = context_add(s);
	int err;

	if (!c)
		return -ENOMEM;
	c->id = id;
	err = store_lookup(v->inst, SAXDP_KIND_CONTEXT, &id, &c->fixed);
	if (err == -ENOENT || (!err && !view_alive(v, SAXDP_EPOCH_SA, &c->fixed.life)))
		return fail(FWP(FWP_E_NOT_FOUND), "context %llu: no such context",
			    (unsigned long long)id);
	return err ? err : context_rest(s, v, c);
}

struct search {
	struct sa_snapshot *snapshot;
	const struct view *view;
	bool (*fn)(const void *ctx, const struct saxdp_context *c);
	const void *ctx;
};

static int context_compare(void *ctx, const void *key, const void *value)
{
	const struct saxdp_context *fixed = value;
	struct search *search = ctx;
	struct sa_stored *c;

	if (!view_alive(search->view, SAXDP_EPOCH_SA, &fixed->life) ||
	    !search->fn(search->ctx, fixed))
		return 0;
	c = context_add(search->snapshot);
	if (!c)
		return -ENOMEM;
	c->id = *(const uint64_t *)key;
	c->fixed = *fixed;
	return 0;
}

static int context_order(const void *a, const void *b)
{
	const struct sa_stored *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int sa_snapshot_all(struct sa_snapshot *s, struct view *v,
		    bool (*fn)(const void *ctx, const struct saxdp_context *c), const void *ctx)
{
	struct search search = { .snapshot = s, .view = v, .fn = fn, .ctx = ctx };
	struct sa_stored *c;
	int err;

	err = store_each(v->inst, SAXDP_KIND_CONTEXT, context_compare, &search);
	if (err || !s->contexts.count)
		return err;
	c = s->contexts.element;
	qsort(c, s->contexts.count, sizeof(*c), context_order);
	for (size_t i = 0; i < s->contexts.count && !err; i++)
		err = context_rest(s, v, &c[i]);
	return err;
}

/* --- giving out ---------------------------------------------------------------------------------- */

static int details_fill(const struct sa_stored *c, uint8_t direction, uint32_t quirks,
			struct out *o, IPSEC_SA_DETAILS1 *ret)
{
	bool inbound = direction == SAXDP_INBOUND;
	const struct saxdp_context *f = &c->fixed;
	struct blob rest = c->rest[direction]; /* read from its front in each pass */
	struct traffic t = c->traffic;
	int err;

	if (inbound && f->type == SAXDP_TRANSPORT)
		t.policy = f->inbound_policy;
	ret->ipVersion = f->family == 4 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6;
	ret->saDirection = inbound ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND;
	traffic_out(&t, quirks, &ret->traffic);
	err = bundle_out(o, inbound ? &f->inbound : &f->outbound, f->family, &rest, &ret->saBundle);
	if (err)
		return err;
	if (f->encap_local || f->encap_remote) {
		ret->udpEncapsulation = out_alloc(o, sizeof(*ret->udpEncapsulation));
		if (!ret->udpEncapsulation)
			return -ENOMEM;
		ret->udpEncapsulation->localUdpEncapPort = ntohs(f->encap_local);
		ret->udpEncapsulation->remoteUdpEncapPort = ntohs(f->encap_remote);
	}
	if (f->flags & SAXDP_CONTEXT_VIRTUAL_IF) {
		ret->virtualIfTunnelInfo.virtualIfTunnelId = f->virtual_if;
		ret->virtualIfTunnelInfo.trafficSelectorId = f->traffic_selector;
	}
	if (!c->filter[direction])
		return 0;
	ret->transportFilter = out_alloc(o, sizeof(*ret->transportFilter));
	return ret->transportFilter ?
		       filter_stored_out(c->filter[direction], o, ret->transportFilter) :
		       -ENOMEM;
}

static void traffic_to_0(const IPSEC_TRAFFIC1 *t, IPSEC_TRAFFIC0 *ret)
{
	ret->ipVersion = t->ipVersion;
	memcpy(ret->localV6Address, t->localV6Address, sizeof(ret->localV6Address));
	memcpy(ret->remoteV6Address, t->remoteV6Address, sizeof(ret->remoteV6Address));
	ret->trafficType = t->trafficType;
	ret->ipsecFilterId = t->ipsecFilterId;
	ret->remotePort = t->remotePort;
}

static void details_to_0(const IPSEC_SA_DETAILS1 *d, IPSEC_SA_DETAILS0 *ret)
{
	ret->ipVersion = d->ipVersion;
	ret->saDirection = d->saDirection;
	traffic_to_0(&d->traffic, &ret->traffic);
	/* The older form is the beginning of the newer one. */
	_Static_assert(offsetof(IPSEC_SA_BUNDLE1, saLookupContext) ==
			       offsetof(IPSEC_SA_BUNDLE0, pfsGroup) + sizeof(IPSEC_PFS_GROUP),
		       "what IPSEC_SA_BUNDLE1 adds follows IPSEC_SA_BUNDLE0");
	memcpy(&ret->saBundle, &d->saBundle, offsetof(IPSEC_SA_BUNDLE1, saLookupContext));
	ret->udpEncapsulation = d->udpEncapsulation;
	ret->transportFilter = d->transportFilter;
}

int sa_details_out(const struct sa_stored *c, uint8_t direction, uint32_t quirks, unsigned int form,
		   struct out *o, void **ret)
{
	IPSEC_SA_DETAILS1 details = {};
	void *place;
	int err;

	place = out_alloc(o, form ? sizeof(IPSEC_SA_DETAILS1) : sizeof(IPSEC_SA_DETAILS0));
	if (!place)
		return -ENOMEM;
	err = details_fill(c, direction, quirks, o, &details);
	if (err)
		return err;
	if (form)
		*(IPSEC_SA_DETAILS1 *)place = details;
	else
		details_to_0(&details, place);
	*ret = place;
	return 0;
}

int sa_context_out(const struct sa_stored *c, uint32_t quirks, unsigned int form, struct out *o,
		   void **ret)
{
	void *sa[2] = {}, *place;
	int err = 0;

	place = out_alloc(o, form ? sizeof(IPSEC_SA_CONTEXT1) : sizeof(IPSEC_SA_CONTEXT0));
	if (!place)
		return -ENOMEM;
	for (uint8_t direction = SAXDP_INBOUND; direction <= SAXDP_OUTBOUND && !err; direction++)
		if (c->has[direction])
			err = sa_details_out(c, direction, quirks, form, o, &sa[direction]);
	if (err)
		return err;
	if (form)
		*(IPSEC_SA_CONTEXT1 *)place = (IPSEC_SA_CONTEXT1){
			.saContextId = c->id,
			.inboundSa = sa[SAXDP_INBOUND],
			.outboundSa = sa[SAXDP_OUTBOUND],
		};
	else
		*(IPSEC_SA_CONTEXT0 *)place = (IPSEC_SA_CONTEXT0){
			.saContextId = c->id,
			.inboundSa = sa[SAXDP_INBOUND],
			.outboundSa = sa[SAXDP_OUTBOUND],
		};
	*ret = place;
	return 0;
}
