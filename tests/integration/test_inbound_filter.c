// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Which inbound filter corresponds to outbound traffic: what classify.c answers, for each kind of
 * filter that may be there, compared at the end with a model that walks all of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "classify.h"

#include "check.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	CONTEXTS = 16,
	FILTERS = 256,
	LOCAL = 0x0a000001, /* 10.0.0.1 */
	REMOTE = 0x0a010001, /* 10.1.0.1 */
	TCP = 6,
	UDP = 17,
};

static const GUID tunnel_key = { .Data1 = 0x33333333 };
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	const char *name = policy_load("inbound", CONTEXTS, FILTERS);

	(void)state;
	engine = policy_open(0, 0);
	assert_int_equal(instance_get(name, INSTANCE_READ, &inst), 0);
	return 0;
}

static int teardown(void **state)
{
	dump_require_sound(inst, "afterwards");
	instance_put(inst);
	FwpmEngineClose0(engine);
	return scratch_teardown(state);
}

/* --- filters -------------------------------------------------------------------------------------- */

/* Conditions of one filter; each set_ adds one. */
struct rule {
	FWPM_FILTER_CONDITION0 condition[16];
	FWP_V4_ADDR_AND_MASK net[16];
	FWP_RANGE0 range[16];
	FWP_BYTE_ARRAY16 v6[16];
	UINT32 count;
};

static FWPM_FILTER_CONDITION0 *rule_next(struct rule *r, const GUID *field, FWP_DATA_TYPE type)
{
	FWPM_FILTER_CONDITION0 *c = &r->condition[r->count++];

	*c = (FWPM_FILTER_CONDITION0){ .fieldKey = *field, .conditionValue.type = type };
	return c;
}

static void rule_net(struct rule *r, const GUID *field, UINT32 address, int prefix)
{
	FWP_V4_ADDR_AND_MASK *net = &r->net[r->count];

	*net = (FWP_V4_ADDR_AND_MASK){ address, prefix ? ~0U << (32 - prefix) : 0 };
	rule_next(r, field, FWP_V4_ADDR_MASK)->conditionValue.v4AddrMask = net;
}

static void rule_between(struct rule *r, UINT32 local, int local_prefix, UINT32 remote,
			 int remote_prefix)
{
	rule_net(r, &FWPM_CONDITION_IP_LOCAL_ADDRESS, local, local_prefix);
	rule_net(r, &FWPM_CONDITION_IP_REMOTE_ADDRESS, remote, remote_prefix);
}

static void rule_protocol(struct rule *r, UINT8 protocol)
{
	rule_next(r, &FWPM_CONDITION_IP_PROTOCOL, FWP_UINT8)->conditionValue.uint8 = protocol;
}

static void rule_port(struct rule *r, const GUID *field, UINT16 port)
{
	rule_next(r, field, FWP_UINT16)->conditionValue.uint16 = port;
}

static void rule_ports(struct rule *r, const GUID *field, UINT16 low, UINT16 high)
{
	FWP_RANGE0 *range = &r->range[r->count];
	FWPM_FILTER_CONDITION0 *c = rule_next(r, field, FWP_RANGE_TYPE);

	*range = (FWP_RANGE0){ { .type = FWP_UINT16, .uint16 = low },
			       { .type = FWP_UINT16, .uint16 = high } };
	c->matchType = FWP_MATCH_RANGE;
	c->conditionValue.rangeValue = range;
}

static void rule_v6(struct rule *r, const GUID *field, UINT8 last)
{
	FWP_BYTE_ARRAY16 *address = &r->v6[r->count];

	*address = (FWP_BYTE_ARRAY16){ { 0x20, 1, 0xd, 0xb8, [15] = last } };
	rule_next(r, field, FWP_BYTE_ARRAY16_TYPE)->conditionValue.byteArray16 = address;
}

static struct rule exact(void)
{
	return (struct rule){};
}

static UINT64 add_at(const GUID *layer, struct rule *r)
{
	FWPM_FILTER0 f = policy_filter(layer, r->condition, r->count);

	return policy_add(engine, &f);
}

static UINT64 add_out(struct rule *r)
{
	return add_at(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, r);
}

static UINT64 add_in(struct rule *r)
{
	return add_at(&FWPM_LAYER_INBOUND_TRANSPORT_V4, r);
}

static UINT64 add_in_weighing(struct rule *r, UINT64 weight, const GUID *sublayer)
{
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, r->condition, r->count);

	f.weight = (FWP_VALUE0){ .type = FWP_UINT64, .uint64 = &weight };
	f.subLayerKey = *sublayer;
	return policy_add(engine, &f);
}

static UINT64 add_ipsec(const GUID *layer, const GUID *callout, struct rule *r)
{
	FWPM_FILTER0 f = policy_ipsec_filter(layer, callout, r->condition, r->count);

	return policy_add(engine, &f);
}

static UINT64 add_tunnel(const GUID *layer, const GUID *callout, struct rule *r)
{
	FWPM_FILTER0 f = policy_ipsec_filter(layer, callout, r->condition, r->count);

	f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	f.providerContextKey = tunnel_key;
	return policy_add(engine, &f);
}

/* The filter of everything between the two hosts. */
static struct rule between_hosts(void)
{
	struct rule r = exact();

	rule_between(&r, LOCAL, 32, REMOTE, 32);
	return r;
}

/* A rule keeps pointers into itself, so it is fixed up where it has come to stand. */
static struct rule *here(struct rule *r)
{
	for (UINT32 i = 0; i < r->count; i++) {
		FWP_CONDITION_VALUE0 *v = &r->condition[i].conditionValue;

		if (v->type == FWP_V4_ADDR_MASK)
			v->v4AddrMask = &r->net[i];
		else if (v->type == FWP_RANGE_TYPE)
			v->rangeValue = &r->range[i];
		else if (v->type == FWP_BYTE_ARRAY16_TYPE)
			v->byteArray16 = &r->v6[i];
	}
	return r;
}

/* --- questions ------------------------------------------------------------------------------------ */

static uint64_t ask(uint64_t outbound, const struct flow *flow)
{
	struct view v = VIEW_INIT(inst);
	uint64_t ret = 0;
	int err;

	do {
		err = view_begin(&v);
		if (!err)
			err = classify_inbound_transport(&v, outbound, flow, &ret);
	} while (view_again(&v, &err));
	require(!err, "classify_inbound_transport: %d", err);
	return ret;
}

static struct flow flow_v4(uint32_t local, uint32_t remote)
{
	return (struct flow){
		.family = 4,
		.local = { htonl(local) },
		.remote = { htonl(remote) },
	};
}

static uint64_t ask_hosts(uint64_t outbound)
{
	struct flow flow = flow_v4(LOCAL, REMOTE);

	return ask(outbound, &flow);
}

static uint64_t ask_tunnel(uint64_t prov_context)
{
	struct view v = VIEW_INIT(inst);
	uint64_t ret = 0;
	int err;

	do {
		err = view_begin(&v);
		if (!err)
			err = classify_inbound_tunnel(&v, prov_context, &ret);
	} while (view_again(&v, &err));
	require(!err, "classify_inbound_tunnel: %d", err);
	return ret;
}

/* The same through the API. */
static UINT64 create(UINT64 outbound)
{
	const IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = LOCAL,
		.remoteV4Address = REMOTE,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
		.ipsecFilterId = outbound,
	};
	UINT64 inbound = ~0ULL, id;

	assert_int_equal(IPsecSaContextCreate1(engine, &traffic, NULL, &inbound, &id), 0);
	assert_int_equal(IPsecSaContextDeleteById0(engine, id), 0);
	return inbound;
}

/* --- transport mode --------------------------------------------------------------------------------- */

static void without_an_inbound_filter_there_is_none(void **state)
{
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r));

	(void)state;
	assert_int_equal(ask_hosts(out), 0);
	assert_int_equal(create(out), 0);
}

static void an_exact_filter_is_found(void **state)
{
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r)), in = add_in(&r);

	(void)state;
	assert_int_equal(ask_hosts(out), in);
	assert_int_equal(create(out), in);
}

static void a_filter_of_prefixes_is_found(void **state)
{
	struct rule r = between_hosts(), nets = exact(), others = exact();
	UINT64 out = add_out(here(&r)), in;

	(void)state;
	rule_between(&others, LOCAL, 24, REMOTE + 0x100, 24);
	add_in(&others);
	rule_between(&nets, LOCAL, 8, REMOTE, 24);
	in = add_in(&nets);
	assert_int_equal(ask_hosts(out), in);
	assert_int_equal(create(out), in);
}

static void of_two_the_heavier_is_found(void **state)
{
	struct rule r = between_hosts(), nets = exact();
	UINT64 out = add_out(here(&r)), exact_one, heavy;

	(void)state;
	exact_one = add_in(&r);
	rule_between(&nets, LOCAL, 16, REMOTE, 16);
	add_in(&nets);
	assert_int_equal(ask_hosts(out), exact_one);
	heavy = add_in_weighing(&nets, UINT64_MAX, &FWPM_SUBLAYER_UNIVERSAL);
	assert_int_equal(ask_hosts(out), heavy);
	assert_int_equal(create(out), heavy);
	policy_delete(engine, heavy);
	assert_int_equal(ask_hosts(out), exact_one);
}

static void of_equals_the_older_is_found(void **state)
{
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r)), first = add_in(&r), second = add_in(&r);

	(void)state;
	assert_true(first < second);
	assert_int_equal(ask_hosts(out), first);
	policy_delete(engine, first);
	assert_int_equal(ask_hosts(out), second);
}

static void the_sublayer_counts_before_the_weight(void **state)
{
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r)), light;

	(void)state;
	add_in_weighing(&r, UINT64_MAX, &FWPM_SUBLAYER_UNIVERSAL);
	light = add_in_weighing(&r, 1, &FWPM_SUBLAYER_IPSEC_TUNNEL);
	assert_int_equal(ask_hosts(out), light);
}

static void the_ipsec_callout_counts_before_the_sublayer(void **state)
{
	struct rule r = between_hosts(), nets = exact();
	UINT64 out = add_out(here(&r)), ipsec;

	(void)state;
	add_in_weighing(&r, UINT64_MAX, &FWPM_SUBLAYER_IPSEC_TUNNEL);
	add_ipsec(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4, &r);
	rule_between(&nets, LOCAL, 8, REMOTE, 8);
	ipsec = add_ipsec(&FWPM_LAYER_INBOUND_TRANSPORT_V4,
			  &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, &nets);
	assert_int_equal(ask_hosts(out), ipsec);
	assert_int_equal(create(out), ipsec);
}

static void a_deleted_filter_is_never_found(void **state)
{
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r)), in = add_in(&r);

	(void)state;
	policy_delete(engine, in);
	assert_int_equal(ask_hosts(out), 0);
	assert_int_equal(create(out), 0);
}

static void a_filter_of_the_other_direction_is_none(void **state)
{
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r));

	(void)state;
	add_out(&r);
	assert_int_equal(ask_hosts(out), 0);
	assert_int_equal(create(out), 0);
}

/* Of IPv6 everything; of IPv4 nothing. */
static void a_filter_of_the_other_family_is_none(void **state)
{
	struct rule r = between_hosts(), any = exact();
	UINT64 out = add_out(here(&r));

	(void)state;
	add_at(&FWPM_LAYER_INBOUND_TRANSPORT_V6, &any);
	assert_int_equal(ask_hosts(out), 0);
	assert_int_equal(create(out), 0);
}

static void ipv6_is_mirrored_too(void **state)
{
	struct flow flow = { .family = 6 };
	struct rule r = exact();
	UINT64 out, in;

	(void)state;
	rule_v6(&r, &FWPM_CONDITION_IP_LOCAL_ADDRESS, 1);
	rule_v6(&r, &FWPM_CONDITION_IP_REMOTE_ADDRESS, 2);
	memcpy(flow.local, &r.v6[0], sizeof(flow.local));
	memcpy(flow.remote, &r.v6[1], sizeof(flow.remote));
	out = add_at(&FWPM_LAYER_OUTBOUND_TRANSPORT_V6, &r);
	assert_int_equal(ask(out, &flow), 0);
	in = add_at(&FWPM_LAYER_INBOUND_TRANSPORT_V6, &r);
	assert_int_equal(ask(out, &flow), in);
	((uint8_t *)flow.remote)[15] = 3;
	assert_int_equal(ask(out, &flow), 0);
}

/* Addresses stay local and remote: an inbound filter with the two exchanged is another flow's. */
static void the_mirror_keeps_local_and_remote(void **state)
{
	struct rule r = between_hosts(), exchanged = exact();
	UINT64 out = add_out(here(&r));

	(void)state;
	rule_between(&exchanged, REMOTE, 32, LOCAL, 32);
	add_in(&exchanged);
	assert_int_equal(ask_hosts(out), 0);
}

/* --- all of the flow ----------------------------------------------------------------------------------- */

static void a_filter_of_less_than_the_flow_is_none(void **state)
{
	struct rule r = between_hosts(), tcp = between_hosts(), port = between_hosts();
	UINT64 out = add_out(here(&r)), all;

	(void)state;
	rule_protocol(here(&tcp), TCP);
	add_in(&tcp);
	rule_ports(here(&port), &FWPM_CONDITION_IP_LOCAL_PORT, 0, 65534);
	add_in(&port);
	assert_int_equal(ask_hosts(out), 0);
	all = add_in(&r);
	assert_int_equal(ask_hosts(out), all);
}

static void the_flow_itself_may_narrow_its_filter(void **state)
{
	struct rule r = between_hosts(), tcp = between_hosts(), port = between_hosts();
	struct flow flow = flow_v4(LOCAL, REMOTE);
	UINT64 out = add_out(here(&r)), in_tcp, in_port;

	(void)state;
	rule_protocol(here(&tcp), TCP);
	in_tcp = add_in(&tcp);
	port = tcp;
	rule_port(here(&port), &FWPM_CONDITION_IP_REMOTE_PORT, 443);
	in_port = add_in(&port);
	assert_int_equal(ask(out, &flow), 0);
	flow.protocol = TCP;
	assert_int_equal(ask(out, &flow), in_tcp);
	flow.has_remote_port = true;
	flow.remote_port = 443;
	assert_int_equal(ask(out, &flow), in_port);
	flow.remote_port = 80;
	assert_int_equal(ask(out, &flow), in_tcp);
	flow.protocol = UDP;
	assert_int_equal(ask(out, &flow), 0);
}

static void the_filter_says_what_the_flow_leaves_open(void **state)
{
	struct rule r = between_hosts(), wider = between_hosts(), narrower = between_hosts();
	UINT64 out, in_wider, in_same;

	(void)state;
	rule_protocol(here(&r), UDP);
	rule_ports(&r, &FWPM_CONDITION_IP_LOCAL_PORT, 1000, 2000);
	rule_port(&r, &FWPM_CONDITION_IP_REMOTE_PORT, 53);
	out = add_out(&r);
	rule_ports(here(&narrower), &FWPM_CONDITION_IP_LOCAL_PORT, 1001, 2000);
	add_in(&narrower);
	assert_int_equal(ask_hosts(out), 0);
	rule_ports(here(&wider), &FWPM_CONDITION_IP_LOCAL_PORT, 999, 2000);
	in_wider = add_in(&wider);
	assert_int_equal(ask_hosts(out), in_wider);
	in_same = add_in(&r);
	assert_int_equal(ask_hosts(out), in_same);
	policy_delete(engine, in_same);
	assert_int_equal(ask_hosts(out), in_wider);
}

static void every_alternative_of_the_filter_must_be_held(void **state)
{
	struct rule both = between_hosts(), tcp = between_hosts(), more = between_hosts();
	UINT64 out, in;

	(void)state;
	rule_protocol(here(&both), TCP);
	rule_protocol(&both, UDP);
	out = add_out(&both);
	rule_protocol(here(&tcp), TCP);
	add_in(&tcp);
	assert_int_equal(ask_hosts(out), 0);
	rule_protocol(here(&more), 132);
	rule_protocol(&more, UDP);
	rule_protocol(&more, TCP);
	in = add_in(&more);
	assert_int_equal(ask_hosts(out), in);
}

static void a_filter_without_conditions_holds_everything(void **state)
{
	struct rule r = between_hosts(), any = exact();
	UINT64 out = add_out(here(&r)), in = add_in(&any);

	(void)state;
	assert_int_equal(ask_hosts(out), in);
}

/* 40 filters share a selector: the chain is followed to its end. */
static void a_chain_is_searched_to_its_end(void **state)
{
	enum { PLACES = SAXDP_CANDIDATES * SAXDP_CHAIN };
	struct rule r = between_hosts();
	UINT64 out = add_out(here(&r)), id[PLACES];

	(void)state;
	for (int i = 0; i < PLACES; i++)
		id[i] = add_in_weighing(&r, i, &FWPM_SUBLAYER_UNIVERSAL);
	for (int i = PLACES - 1; i >= 0; i--) {
		assert_int_equal(ask_hosts(out), id[i]);
		policy_delete(engine, id[i]);
	}
	assert_int_equal(ask_hosts(out), 0);
}

/* Closing removes it; a session that died and was not swept yet is test_tick.c's. */
static void a_filter_of_a_closed_session_is_none(void **state)
{
	HANDLE dynamic = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	struct rule r = between_hosts();
	FWPM_FILTER0 f =
		policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, here(&r)->condition, r.count);
	UINT64 out = add_out(&r), in = policy_add(dynamic, &f);

	(void)state;
	assert_int_equal(ask_hosts(out), in);
	policy_close(dynamic);
	assert_int_equal(ask_hosts(out), 0);
}

/* --- tunnel mode ------------------------------------------------------------------------------------------ */

static void an_inbound_filter_that_names_the_policy_is_found(void **state)
{
	UINT64 policy = policy_tunnel_add(engine, &tunnel_key), first, second;
	struct rule wide = exact(), narrow = exact();

	(void)state;
	assert_int_equal(ask_tunnel(policy), 0);
	rule_between(&wide, 0x0b000000, 8, 0x0c000000, 8);
	rule_between(&narrow, 0x0b000000, 24, 0x0c000000, 24);
	add_tunnel(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4,
		   &narrow);
	assert_int_equal(ask_tunnel(policy), 0);
	first = add_tunnel(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4,
			   &wide);
	assert_int_equal(ask_tunnel(policy), first);
	second = add_tunnel(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4,
			    &narrow);
	assert_int_equal(ask_tunnel(policy), second);
	policy_delete(engine, second);
	assert_int_equal(ask_tunnel(policy), first);
	policy_delete(engine, first);
	assert_int_equal(ask_tunnel(policy), 0);
}

static void else_the_mirror_of_an_outbound_one_is_found(void **state)
{
	UINT64 policy = policy_tunnel_add(engine, &tunnel_key), in;
	struct rule nets = exact(), less = exact();

	(void)state;
	rule_between(&nets, 0x0b000000, 24, 0x0c000000, 24);
	rule_between(&less, 0x0b000000, 25, 0x0c000000, 24);
	add_tunnel(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4,
		   &nets);
	add_in(&less);
	assert_int_equal(ask_tunnel(policy), 0);
	in = add_in(&nets);
	assert_int_equal(ask_tunnel(policy), in);
}

static void a_filter_of_another_policy_is_none(void **state)
{
	UINT64 other = policy_tunnel_add(engine, &tunnel_key),
	       policy = policy_tunnel_add(engine, NULL);
	struct rule any = exact();
	UINT64 in = add_tunnel(&FWPM_LAYER_INBOUND_TRANSPORT_V4,
			       &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4, &any);

	(void)state;
	assert_int_equal(ask_tunnel(policy), 0);
	assert_int_equal(ask_tunnel(other), in);
}

/* The list of a policy's filters has no gap, in whatever order they go, alone or at once. */
static void a_policy_keeps_its_filters_in_any_order(void **state)
{
	enum { MANY = 30, ROUNDS = 12 };
	UINT64 policy = policy_tunnel_add(engine, &tunnel_key), id[MANY], weight;
	unsigned int seed = time(NULL);
	struct rule any = exact();

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < ROUNDS; round++) {
		bool at_once = round % 2;

		for (int i = 0; i < MANY; i++) {
			FWPM_FILTER0 f = policy_ipsec_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4,
							     &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4,
							     any.condition, 0);

			weight = i;
			f.weight = (FWP_VALUE0){ .type = FWP_UINT64, .uint64 = &weight };
			f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
			f.providerContextKey = tunnel_key;
			id[i] = policy_add(engine, &f);
		}
		if (at_once)
			assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
		for (int left = MANY; left; left--) {
			int best = left - 1, gone = random() % left;

			if (!at_once)
				assert_int_equal(ask_tunnel(policy), id[best]);
			policy_delete(engine, id[gone]);
			memmove(&id[gone], &id[gone + 1], (left - gone - 1) * sizeof(*id));
		}
		if (at_once)
			assert_int_equal(FwpmTransactionCommit0(engine), 0);
		assert_int_equal(ask_tunnel(policy), 0);
	}
	assert_int_equal(FwpmProviderContextDeleteById0(engine, policy), 0);
}

/* --- against a model -------------------------------------------------------------------------------------- */

/* One inbound filter: what it says, in few numbers, and its weight. */
struct model_filter {
	UINT64 id, weight;
	UINT32 local, remote; /* third octets */
	int local_prefix, remote_prefix; /* 24 or 16 */
	UINT8 protocol; /* 0: any */
	UINT16 low, high; /* remote ports */
};

static UINT32 some(UINT32 below)
{
	return (UINT32)random() % below;
}

static void model_rule(const struct model_filter *m, struct rule *r)
{
	*r = exact();
	rule_between(r, 0x0a000000 | m->local << 8, m->local_prefix, 0x0b000000 | m->remote << 8,
		     m->remote_prefix);
	if (m->protocol)
		rule_protocol(r, m->protocol);
	if (m->low || m->high != 0xffff)
		rule_ports(r, &FWPM_CONDITION_IP_REMOTE_PORT, m->low, m->high);
}

static void model_random(struct model_filter *m)
{
	static const UINT8 protocols[] = { 0, 0, TCP, UDP };
	UINT16 a = some(6), b = some(6);

	*m = (struct model_filter){
		.weight = some(8),
		.local = some(3),
		.remote = some(3),
		.local_prefix = some(2) ? 24 : 16,
		.remote_prefix = some(2) ? 24 : 16,
		.protocol = protocols[some(ARRAY_SIZE(protocols))],
		.high = 0xffff,
	};
	if (some(2)) {
		m->low = a < b ? a : b;
		m->high = a < b ? b : a;
	}
}

/* Holds all flows between the hosts that the outbound filter lets through. */
static bool model_holds(const struct model_filter *in, const struct model_filter *out, UINT32 local,
			UINT32 remote)
{
	return (in->local_prefix == 16 || in->local == local) &&
	       (in->remote_prefix == 16 || in->remote == remote) &&
	       (!in->protocol || in->protocol == out->protocol) && in->low <= out->low &&
	       out->high <= in->high;
}

static bool model_lets_through(const struct model_filter *out, UINT32 local, UINT32 remote)
{
	return (out->local_prefix == 16 || out->local == local) &&
	       (out->remote_prefix == 16 || out->remote == remote);
}

/*
 * One filter of each mask that the model may need, for traffic that it does not have: the sets of
 * masks then stay as they are, and no commit waits for a grace period to change them.
 */
static void model_masks_hold(void)
{
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	for (int shape = 0; shape < 16; shape++) {
		struct rule r = exact();

		rule_between(&r, 0x0c000000, shape & 1 ? 24 : 16, 0x0d000000, shape & 2 ? 24 : 16);
		if (shape & 4)
			rule_protocol(&r, TCP);
		if (shape & 8)
			rule_port(&r, &FWPM_CONDITION_IP_REMOTE_PORT, 1);
		add_in(&r);
		add_out(&r);
	}
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
}

static void inbound_filters_are_those_of_the_model(void **state)
{
	enum { INBOUND_FILTERS = 40, STEPS = 2000, LONG_STEPS = 100000 };
	struct model_filter in[INBOUND_FILTERS] = {}, out;
	int steps = getenv("SAXDP_TEST_LONG") ? LONG_STEPS : STEPS, found = 0;
	unsigned int seed = time(NULL);
	struct rule r;

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	model_masks_hold();
	for (int step = 0; step < steps; step++) {
		struct model_filter *changed = &in[some(INBOUND_FILTERS)], *best = NULL;
		UINT32 local = some(3), remote = some(3);
		struct flow flow = flow_v4(0x0a000001 | local << 8, 0x0b000001 | remote << 8);
		uint64_t got;

		if (changed->id) {
			policy_delete(engine, changed->id);
			changed->id = 0;
		} else {
			model_random(changed);
			model_rule(changed, &r);
			changed->id =
				add_in_weighing(&r, changed->weight, &FWPM_SUBLAYER_UNIVERSAL);
		}
		do
			model_random(&out);
		while (!model_lets_through(&out, local, remote));
		model_rule(&out, &r);
		out.id = add_out(&r);
		for (int i = 0; i < INBOUND_FILTERS; i++) {
			if (!in[i].id || !model_holds(&in[i], &out, local, remote))
				continue;
			if (!best || in[i].weight > best->weight ||
			    (in[i].weight == best->weight && in[i].id < best->id))
				best = &in[i];
		}
		got = ask(out.id, &flow);
		if (got != (best ? best->id : 0))
			fail_msg("seed %u, step %d: filter %llu instead of %llu", seed, step,
				 (unsigned long long)got,
				 best ? (unsigned long long)best->id : 0ULL);
		found += best != NULL;
		policy_delete(engine, out.id);
	}
	assert_true(found > steps / 10);
	assert_true(found < steps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_an_inbound_filter_there_is_none),
		TEST(an_exact_filter_is_found),
		TEST(a_filter_of_prefixes_is_found),
		TEST(of_two_the_heavier_is_found),
		TEST(of_equals_the_older_is_found),
		TEST(the_sublayer_counts_before_the_weight),
		TEST(the_ipsec_callout_counts_before_the_sublayer),
		TEST(a_deleted_filter_is_never_found),
		TEST(a_filter_of_the_other_direction_is_none),
		TEST(a_filter_of_the_other_family_is_none),
		TEST(ipv6_is_mirrored_too),
		TEST(the_mirror_keeps_local_and_remote),
		TEST(a_filter_of_less_than_the_flow_is_none),
		TEST(the_flow_itself_may_narrow_its_filter),
		TEST(the_filter_says_what_the_flow_leaves_open),
		TEST(every_alternative_of_the_filter_must_be_held),
		TEST(a_filter_without_conditions_holds_everything),
		TEST(a_chain_is_searched_to_its_end),
		TEST(a_filter_of_a_closed_session_is_none),
		TEST(an_inbound_filter_that_names_the_policy_is_found),
		TEST(else_the_mirror_of_an_outbound_one_is_found),
		TEST(a_filter_of_another_policy_is_none),
		TEST(inbound_filters_are_those_of_the_model),
		TEST(a_policy_keeps_its_filters_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
