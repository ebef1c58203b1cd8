// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * SA contexts: create, get, delete. Their SPI is got in sa_spi.c, their bundles added in sa_add.c.
 *
 * A context hangs on its policy (a filter or a tunnel policy, which counts its users and cannot be
 * deleted before them), on its tunnel and on its local endpoint. All of that changes in one commit.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "sa_stored.h"

enum { NSEC_PER_SEC = 1000000000 };

static enum saxdp_kind policy_kind(uint8_t type)
{
	return type == SAXDP_TUNNEL ? SAXDP_KIND_PROV_CONTEXT : SAXDP_KIND_FILTER;
}

static void change_policy_users(struct change *c, uint8_t type, uint64_t policy, int64_t by)
{
	change_word(c, SAXDP_OP_ADD, policy_kind(type), &policy,
		    type == SAXDP_TUNNEL ? offsetof(struct saxdp_prov_context, users) :
					   offsetof(struct saxdp_filter, users),
		    by);
}

static void change_tunnel_contexts(struct change *c, const struct saxdp_tunnel_key *key, int32_t by)
{
	/* The type shares the word and keeps its value: it is the second half. */
	change_word(c, SAXDP_OP_ADD, SAXDP_KIND_TUNNEL, key,
		    offsetof(struct saxdp_tunnel, contexts),
		    by < 0 ? -word_of(-by, 0) : word_of(by, 0));
}

static void endpoint_key_of(const struct saxdp_context *c, struct saxdp_endpoint_key *ret)
{
	memcpy(ret->address, c->local, sizeof(ret->address));
	ret->family = c->family;
}

/* --- IPsecSaContextCreate1 --------------------------------------------------------------------------- */

/* Packets try only the shapes of tunnel keys that are in use. */
static int change_tunnel_shape(struct sa_call *c, const struct saxdp_tunnel_key *key)
{
	uint32_t bit = 1U << tunnel_shape(key), zero = 0;
	struct saxdp_engine engine;
	int err;

	if (*sa_cache_shapes(c->session->sa_cache) & bit)
		return 0;
	err = store_engine(c->session->inst, &engine);
	if (err)
		return err;
	*sa_cache_shapes(c->session->sa_cache) |= engine.tunnel_ports;
	if (engine.tunnel_ports & bit)
		return 0;
	change_word(&c->change, SAXDP_OP_EXPECT, SAXDP_KIND_ENGINE, &zero,
		    offsetof(struct saxdp_engine, default_steer),
		    word_of(engine.default_steer, engine.tunnel_ports));
	change_word(&c->change, SAXDP_OP_STORE, SAXDP_KIND_ENGINE, &zero,
		    offsetof(struct saxdp_engine, default_steer),
		    word_of(engine.default_steer, engine.tunnel_ports | bit));
	return 0;
}

static int change_tunnel(struct sa_call *c, const struct saxdp_context *context,
			 struct tunnel_known *ret)
{
	struct saxdp_tunnel_key key;
	struct saxdp_tunnel tunnel = { .type = context->type, .contexts = 1 };
	struct timespec now;
	uint64_t id;
	int err;

	tunnel_key_of(context, &key);
	err = sa_call_tunnel(c, &key, ret);
	if (err)
		return err;
	if (ret->id) {
		change_word(&c->change, SAXDP_OP_EXPECT, SAXDP_KIND_TUNNEL, &key,
			    offsetof(struct saxdp_tunnel, id), word_of(ret->id, ret->steer));
		change_tunnel_contexts(&c->change, &key, 1);
		return 0;
	}
	err = id_reserve(c->session, SAXDP_ID_TUNNEL, &id);
	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	tunnel.id = ret->id = id;
	tunnel.first_ns = now.tv_sec * (uint64_t)NSEC_PER_SEC + now.tv_nsec;
	change_insert(&c->change, SAXDP_KIND_TUNNEL, &key, &tunnel);
	return change_tunnel_shape(c, &key);
}

static void change_context_rest(struct change *c, uint64_t id, const struct traffic *t)
{
	struct blob rest = {};

	blob_put_u64(&rest, t->if_luid);
	blob_put_u32(&rest, t->profile);
	if (rest.err)
		c->err = rest.err;
	else
		blob_insert(&rest, c, SAXDP_BLOB_CONTEXT, id);
	blob_release(&rest);
}

static int create(struct sa_call *c, const IPSEC_TRAFFIC1 *traffic,
		  const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *virtual_if, uint64_t *ret_filter,
		  uint64_t *ret)
{
	struct saxdp_endpoint endpoint = {};
	struct saxdp_endpoint_key endpoint_key;
	struct saxdp_context context = {};
	struct tunnel_known tunnel;
	struct traffic t;
	uint64_t filter = 0, id = 0;
	int err;

	err = traffic_check(traffic, c->session->quirks, &t);
	if (err)
		return err;
	context.policy = t.policy;
	memcpy(context.local, t.local, sizeof(context.local));
	memcpy(context.remote, t.remote, sizeof(context.remote));
	context.local_port = t.local_port;
	context.remote_port = t.remote_port;
	context.protocol = t.protocol;
	context.family = t.family;
	context.type = t.type;
	if (virtual_if) {
		context.flags |= SAXDP_CONTEXT_VIRTUAL_IF;
		context.virtual_if = virtual_if->virtualIfTunnelId;
		context.traffic_selector = virtual_if->trafficSelectorId;
	}
	if (t.if_luid || t.profile)
		context.flags |= SAXDP_CONTEXT_REST;
	endpoint_key_of(&context, &endpoint_key);
	context.life.died = SAXDP_NEVER;

	do {
		err = sa_call_policy(c, &t, &filter);
		if (!err)
			err = id_reserve(c->session, SAXDP_ID_CONTEXT, &id);
		if (!err)
			err = change_tunnel(c, &context, &tunnel);
		if (err)
			continue;
		context.tunnel = tunnel.id;
		change_policy_users(&c->change, t.type, t.policy, 1);
		change_ensure(&c->change, SAXDP_KIND_ENDPOINT, &endpoint_key, &endpoint);
		change_word(&c->change, SAXDP_OP_ADD, SAXDP_KIND_ENDPOINT, &endpoint_key,
			    offsetof(struct saxdp_endpoint, contexts), 1);
		change_insert(&c->change, SAXDP_KIND_CONTEXT, &id, &context);
		if (context.flags & SAXDP_CONTEXT_REST)
			change_context_rest(&c->change, id, &t);
	} while (sa_call_again(c, &err));
	if (err == -ENOSPC)
		return fail(WIN32(ERROR_NO_SYSTEM_RESOURCES),
			    "instance %s: full, it is loaded for so many contexts",
			    c->session->inst->name);
	if (err)
		return err;
	context.life.born = c->change.generation;
	sa_cache_add_context(c->session->sa_cache, id, &context);
	sa_cache_add_tunnel(c->session->sa_cache, &tunnel);
	*ret = id;
	*ret_filter = filter;
	return 0;
}

DWORD IPsecSaContextCreate0(HANDLE engineHandle, const IPSEC_TRAFFIC0 *outboundTraffic,
			    UINT64 *inboundFilterId, UINT64 *id)
{
	IPSEC_TRAFFIC1 traffic;

	if (outboundTraffic)
		traffic_from_0(outboundTraffic, &traffic);
	return IPsecSaContextCreate1(engineHandle, outboundTraffic ? &traffic : NULL, NULL,
				     inboundFilterId, id);
}

DWORD IPsecSaContextCreate1(HANDLE engineHandle, const IPSEC_TRAFFIC1 *outboundTraffic,
			    const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *virtualIfTunnelInfo,
			    UINT64 *inboundFilterId, UINT64 *id)
{
	uint64_t filter = 0, context = 0;
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engineHandle, SA_CALL_WRITES | SA_CALL_NOT_DYNAMIC,
			    !outboundTraffic ? "outboundTraffic" :
			    !id		     ? "id" :
					       NULL);
	if (err)
		return fwp_result(err);
	err = create(&c, outboundTraffic, virtualIfTunnelInfo, &filter, &context);
	if (!err) {
		*id = context;
		if (inboundFilterId)
			*inboundFilterId = filter;
	}
	return sa_call_end(&c, err);
}

/* --- IPsecSaContextDeleteById0 ---------------------------------------------------------------------- */

/* The newest other context that has an outbound bundle: of the tunnel, or with one of its SAs. */
struct successor {
	const struct saxdp_context *gone;
	uint64_t gone_id, id, born;
	int sa; /* of the bundle that goes; -1: of the tunnel */
	uint32_t tunnel;
};

static bool bundle_has(const struct saxdp_bundle *b, __be32 spi, uint8_t protocol)
{
	for (int i = 0; i < b->sas; i++)
		if (b->spi[i] == spi && transform_protocol(&b->transform[i]) == protocol)
			return true;
	return false;
}

static bool succeeds(const struct successor *s, const struct saxdp_context *c)
{
	const struct saxdp_bundle *b = &s->gone->outbound;

	if (s->sa < 0)
		return c->tunnel == s->gone->tunnel;
	return c->family == s->gone->family &&
	       !memcmp(c->remote, s->gone->remote, sizeof(c->remote)) &&
	       bundle_has(&c->outbound, b->spi[s->sa], transform_protocol(&b->transform[s->sa]));
}

static int successor_compare(void *ctx, const void *key, const void *value)
{
	const struct saxdp_context *c = value;
	struct successor *s = ctx;
	uint64_t id = *(const uint64_t *)key;

	if (id != s->gone_id && c->life.died == SAXDP_NEVER && c->outbound.born > s->born &&
	    succeeds(s, c)) {
		s->id = id;
		s->born = c->outbound.born;
		s->tunnel = c->tunnel;
	}
	return 0;
}

/* It must still live when it inherits. */
static int successor_find(struct sa_call *c, struct successor *s)
{
	int err = store_each(c->session->inst, SAXDP_KIND_CONTEXT, successor_compare, s);

	if (!err && s->id)
		change_word(&c->change, SAXDP_OP_EXPECT, SAXDP_KIND_CONTEXT, &s->id,
			    offsetof(struct saxdp_context, outbound.born), s->born);
	return err;
}

/* heir: of the counts of each SA that others use too, where they are this context's. */
static void change_bundle_die(struct change *c, uint64_t id, const struct saxdp_context *context,
			      uint8_t direction, const struct saxdp_sa heir[SAXDP_BUNDLE_SAS])
{
	const struct saxdp_bundle *b = direction == SAXDP_INBOUND ? &context->inbound :
								    &context->outbound;
	struct sa_name name = {
		.destination = direction == SAXDP_INBOUND ? context->local : context->remote,
		.family = context->family,
		.direction = direction,
	};

	for (int i = 0; i < b->sas; i++) {
		name.spi = b->spi[i];
		name.protocol = transform_protocol(&b->transform[i]);
		change_sa(c, SAXDP_OP_DIE, &name, heir ? &heir[i] : NULL, id);
	}
	blob_die(c, direction == SAXDP_INBOUND ? SAXDP_BLOB_INBOUND : SAXDP_BLOB_OUTBOUND, id,
		 (size_t)b->rest * SAXDP_BLOB_BYTES);
}

/*
 * It must still be in the state that was read: a bundle added meanwhile would be left behind. Parts
 * are filled in order, so that the first empty one answers for all, and a full context for itself.
 */
static void change_expect_state(struct change *c, uint64_t id, const struct saxdp_context *context)
{
	size_t empty;

	if (context->outbound.born)
		return;
	empty = context->inbound.born ? offsetof(struct saxdp_context, outbound.born) :
		context->spi_born     ? offsetof(struct saxdp_context, inbound.born) :
					offsetof(struct saxdp_context, spi_born);
	change_word(c, SAXDP_OP_EXPECT, SAXDP_KIND_CONTEXT, &id, empty, 0);
}

static int delete_try(struct sa_call *c, uint64_t id, bool hand_over)
{
	struct saxdp_endpoint_key endpoint;
	struct saxdp_context *context = &c->context;
	struct successor next = { .gone = context, .gone_id = id, .sa = -1 };
	struct saxdp_sa heir[SAXDP_BUNDLE_SAS] = {};
	struct saxdp_tunnel_key tunnel;
	int err;

	err = sa_call_context(c, id);
	if (err)
		return err;
	tunnel_key_of(context, &tunnel);
	endpoint_key_of(context, &endpoint);
	change_expect_state(&c->change, id, context);
	if (context->outbound.born && hand_over) {
		err = successor_find(c, &next);
		if (!err && next.id)
			change_serve(&c->change, &tunnel, next.id);
		for (int i = 0; i < context->outbound.sas && !err; i++) {
			next = (struct successor){ .gone = context, .gone_id = id, .sa = i };
			err = successor_find(c, &next);
			heir[i].context = next.id;
			heir[i].tunnel = next.tunnel;
		}
		if (err)
			return err;
	} else if (context->outbound.born) {
		change_word(&c->change, SAXDP_OP_SERVED, SAXDP_KIND_TUNNEL, &tunnel, 0, id);
	}
	/* SAs first: when they are reclaimed, their context still says which tunnel gets the counts. */
	if (context->spi_born && !context->inbound.born) {
		struct sa_name larval = {
			.destination = context->local,
			.spi = context->inbound_spi,
			.family = context->family,
			.protocol = LARVAL,
			.direction = SAXDP_INBOUND,
		};

		change_sa(&c->change, SAXDP_OP_DIE, &larval, NULL, id);
	}
	if (context->inbound.born)
		change_bundle_die(&c->change, id, context, SAXDP_INBOUND, NULL);
	if (context->outbound.born)
		change_bundle_die(&c->change, id, context, SAXDP_OUTBOUND, heir);
	if (context->flags & SAXDP_CONTEXT_REST)
		blob_die(&c->change, SAXDP_BLOB_CONTEXT, id, SAXDP_BLOB_BYTES);
	change_policy_users(&c->change, context->type, context->policy, -1);
	if (context->spi_born && context->type == SAXDP_TRANSPORT)
		change_policy_users(&c->change, context->type, context->inbound_policy, -1);
	change_tunnel_contexts(&c->change, &tunnel, -1);
	change_word(&c->change, SAXDP_OP_ADD, SAXDP_KIND_ENDPOINT, &endpoint,
		    offsetof(struct saxdp_endpoint, contexts), -1);
	change_die(&c->change, SAXDP_KIND_CONTEXT, &id);
	return 0;
}

static int delete (struct sa_call *c, uint64_t id)
{
	bool hand_over = false;
	int err;

	do {
		err = delete_try(c, id, hand_over);
		if (!err)
			err = change_commit(&c->change);
		if (err == -ENODATA && !hand_over) {
			/*
			 * Rare: more than two contexts of one tunnel, and the newest two go; or
			 * the newest of those that share an outbound SA.
			 */
			hand_over = true;
			err = -ESTALE;
		}
	} while (err && sa_call_again(c, &err));
	if (!err)
		sa_cache_drop_context(c->session->sa_cache, id);
	return err;
}

DWORD IPsecSaContextDeleteById0(HANDLE engineHandle, UINT64 id)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engineHandle, SA_CALL_WRITES | SA_CALL_NOT_DYNAMIC, NULL);
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, delete (&c, id));
}

/* --- IPsecSaContextGetById0, 1 ------------------------------------------------------------------------ */

static int get_by_id(struct sa_call *c, uint64_t id, unsigned int form, void **ret)
{
	struct view v = VIEW_SESSION_INIT(c->session);
	struct sa_snapshot snapshot = {};
	struct out o = {};
	void *context;
	int err;

	do {
		sa_snapshot_clear(&snapshot);
		err = view_begin(&v);
		if (err)
			break;
		err = sa_snapshot_one(&snapshot, &v, id);
	} while (view_again(&v, &err));
	if (!err) {
		do
			err = sa_context_out(snapshot.contexts.element, c->session->quirks, form,
					     &o, &context);
		while (out_again(&o, &err));
	}
	sa_snapshot_clear(&snapshot);
	if (!err)
		*ret = o.base;
	return err;
}

static DWORD get_by_id_form(HANDLE engine, UINT64 id, unsigned int form, void **ret)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engine, 0, ret ? NULL : "saContext");
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, get_by_id(&c, id, form, ret));
}

DWORD IPsecSaContextGetById1(HANDLE engineHandle, UINT64 id, IPSEC_SA_CONTEXT1 **saContext)
{
	return get_by_id_form(engineHandle, id, 1, (void **)saContext);
}

DWORD IPsecSaContextGetById0(HANDLE engineHandle, UINT64 id, IPSEC_SA_CONTEXT0 **saContext)
{
	return get_by_id_form(engineHandle, id, 0, (void **)saContext);
}
