// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The bundles of a context. From the commit on, packets find the SAs; with the outbound bundle the
 * context serves its tunnel, so that a rekey is this one commit.
 */
#include <errno.h>
#include <string.h>

#include "sa.h"
#include "steer.h"

static int check_state(const struct sa_call *c, bool inbound)
{
	const struct saxdp_context *context = &c->context;
	const char *what = NULL;

	if (inbound && !context->spi_born)
		what = "no SPI yet";
	else if (inbound && context->inbound.born)
		what = "an inbound bundle already";
	else if (!inbound && !context->inbound.born)
		what = "no inbound bundle yet";
	else if (!inbound && context->outbound.born)
		what = "an outbound bundle already";
	return what ? fail(FWP(FWP_E_INCOMPATIBLE_SA_STATE), "context %llu: it has %s",
			   (unsigned long long)c->id, what) :
		      0;
}

/* The steering of a new inbound SA is its tunnel's, which must not change before the commit. */
static int inbound_steer(struct sa_call *c, uint32_t *ret)
{
	struct saxdp_tunnel_key key;
	struct tunnel_known tunnel;
	int err;

	tunnel_key_of(&c->context, &key);
	err = sa_call_tunnel(c, &key, &tunnel);
	if (err)
		return err;
	change_word(&c->change, SAXDP_OP_EXPECT, SAXDP_KIND_TUNNEL, &key,
		    offsetof(struct saxdp_tunnel, id), word_of(tunnel.id, tunnel.steer));
	return steer_effective(c->session->inst, &c->context, tunnel.steer, ret);
}

static void change_bundle(struct change *c, uint64_t id, size_t offset, const struct bundle *b)
{
	enum { BORN = sizeof(b->fixed.born) };

	change_fill(c, id, offset, (const char *)&b->fixed + BORN, sizeof(b->fixed) - BORN);
}

static int add_inbound(struct sa_call *c, struct bundle *b)
{
	struct saxdp_context *context = &c->context;
	struct saxdp_sa sa = { .context = c->id, .tunnel = context->tunnel, .users = 1 };
	struct sa_name name = {
		.destination = context->local,
		.spi = context->inbound_spi,
		.family = context->family,
		.protocol = LARVAL,
		.direction = SAXDP_INBOUND,
	};
	int err;

	if (b->fixed.spi[0] != context->inbound_spi)
		return fail(FWP(FWP_E_INVALID_PARAMETER),
			    "bundle: its first SPI is not that of context %llu",
			    (unsigned long long)c->id);
	err = inbound_steer(c, &sa.steer);
	if (err)
		return err;
	change_bundle(&c->change, c->id, offsetof(struct saxdp_context, inbound), b);
	for (int i = 0; i < b->fixed.sas; i++) {
		name.spi = b->fixed.spi[i];
		name.protocol = b->protocol[i];
		change_sa(&c->change, SAXDP_OP_INSERT, &name, &sa, 0);
	}
	name.spi = context->inbound_spi;
	name.protocol = LARVAL;
	change_sa(&c->change, SAXDP_OP_DIE, &name, NULL, c->id);
	blob_insert(&b->rest, &c->change, SAXDP_BLOB_INBOUND, c->id);
	return 0;
}

static int add_outbound(struct sa_call *c, struct bundle *b)
{
	struct saxdp_context *context = &c->context;
	struct saxdp_sa sa = { .context = c->id, .tunnel = context->tunnel, .users = 1 };
	struct sa_name name = {
		.destination = context->remote,
		.family = context->family,
		.direction = SAXDP_OUTBOUND,
	};
	struct saxdp_tunnel_key tunnel;

	tunnel_key_of(context, &tunnel);
	change_bundle(&c->change, c->id, offsetof(struct saxdp_context, outbound), b);
	for (int i = 0; i < b->fixed.sas; i++) {
		name.spi = b->fixed.spi[i];
		name.protocol = b->protocol[i];
		change_sa(&c->change, SAXDP_OP_ENSURE, &name, &sa, 0);
	}
	blob_insert(&b->rest, &c->change, SAXDP_BLOB_OUTBOUND, c->id);
	change_serve(&c->change, &tunnel, c->id);
	return 0;
}

/* A virtual interface may have been bound between the look at it and the commit. */
static int settle_steer(struct sa_call *c, const struct bundle *b)
{
	const struct saxdp_context *context = &c->context;
	struct saxdp_sa4_key key4 = { .destination = context->local[0],
				      .direction = SAXDP_INBOUND };
	struct saxdp_sa6_key key6 = { .direction = SAXDP_INBOUND };
	int err = 0;

	memcpy(key6.destination, context->local, sizeof(key6.destination));
	for (int i = 0; i < b->fixed.sas && !err; i++) {
		key4.spi = key6.spi = b->fixed.spi[i];
		key4.protocol = key6.protocol = b->protocol[i];
		err = context->family == 4 ?
			      steer_settle(c->session, context, SAXDP_KIND_SA4, &key4) :
			      steer_settle(c->session, context, SAXDP_KIND_SA6, &key6);
	}
	return err;
}

static int add(struct sa_call *c, uint64_t id, const IPSEC_SA_BUNDLE1 *bundle, int form,
	       bool inbound)
{
	struct saxdp_bundle *place = inbound ? &c->context.inbound : &c->context.outbound;
	struct bundle b = {};
	int err;

	do {
		bundle_release(&b);
		err = sa_call_context(c, id);
		if (!err)
			err = bundle_check(bundle, form, c->context.family, c->context.type, &b);
		if (!err)
			err = check_state(c, inbound);
		if (!err)
			err = inbound ? add_inbound(c, &b) : add_outbound(c, &b);
	} while (sa_call_again(c, &err));
	if (!err) {
		*place = b.fixed;
		place->born = c->change.generation;
		sa_cache_add_context(c->session->sa_cache, id, &c->context);
		if (inbound && c->context.flags & SAXDP_CONTEXT_VIRTUAL_IF)
			(void)settle_steer(c,
					   &b); /* the bundle is there; the next binding stores */
	} else if (err == -EEXIST) {
		err = fail(FWP(FWP_E_ALREADY_EXISTS),
			   "bundle: another context has one of its SPIs for this address");
	}
	bundle_release(&b);
	return err;
}

static DWORD add_call(HANDLE handle, uint64_t id, const IPSEC_SA_BUNDLE1 *bundle, int form,
		      bool inbound)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, handle, SA_CALL_WRITES,
			    bundle  ? NULL :
			    inbound ? "inboundBundle" :
				      "outboundBundle");
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, add(&c, id, bundle, form, inbound));
}

/* IPSEC_SA_BUNDLE0 has the same members up to where it ends; form 0 looks no further. */
_Static_assert(offsetof(IPSEC_SA_BUNDLE1, pfsGroup) == offsetof(IPSEC_SA_BUNDLE0, pfsGroup),
	       "IPSEC_SA_BUNDLE0 is the beginning of IPSEC_SA_BUNDLE1");

DWORD IPsecSaContextAddInbound0(HANDLE engineHandle, UINT64 id,
				const IPSEC_SA_BUNDLE0 *inboundBundle)
{
	return add_call(engineHandle, id, (const IPSEC_SA_BUNDLE1 *)inboundBundle, 0, true);
}

DWORD IPsecSaContextAddInbound1(HANDLE engineHandle, UINT64 id,
				const IPSEC_SA_BUNDLE1 *inboundBundle)
{
	return add_call(engineHandle, id, inboundBundle, 1, true);
}

DWORD IPsecSaContextAddOutbound0(HANDLE engineHandle, UINT64 id,
				 const IPSEC_SA_BUNDLE0 *outboundBundle)
{
	return add_call(engineHandle, id, (const IPSEC_SA_BUNDLE1 *)outboundBundle, 0, false);
}

DWORD IPsecSaContextAddOutbound1(HANDLE engineHandle, UINT64 id,
				 const IPSEC_SA_BUNDLE1 *outboundBundle)
{
	return add_call(engineHandle, id, outboundBundle, 1, false);
}
