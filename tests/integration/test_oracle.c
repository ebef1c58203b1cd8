// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Does the engine say of packets what the rules say? Random policies through the public API, random
 * frames through the real xdp_ingress, and the model of tests/model for what should come of it:
 *
 *	one instance
 *	  some rounds: a policy of filters, tunnel policies and contexts, drawn from one number
 *	    some batches: the policy changes a little, then frames run and counters are compared
 *
 * A batch is compared by what it adds to the counters of filters, of tunnels and of the engine. When
 * they differ its frames run one by one until one does; that and the policy are printed.
 *
 *	SAXDP_ORACLE_SEED=N		the number that all is drawn from; else the time
 *	SAXDP_ORACLE_ROUND=N		only this round of it
 *	SAXDP_ORACLE_JUDGEMENTS=N	how many packets are to be judged; else 1,000,000, and with
 *					SAXDP_TEST_LONG=1 twenty times as many
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "bpffs.h"
#include "check.h"
#include "draw.h"
#include "fwpmu.h"
#include "model.h"
#include "pin.h"
#include "saxdp.h"
#include "scratch.h"
#include "tell.h"
#include "testrun.h"
#include "xdp_ingress.skel.h"

enum {
	JUDGEMENTS = 1000000,
	JUDGEMENTS_LONG = 20 * JUDGEMENTS,
	INSTANCE_ROUNDS = 24,
	BATCHES = 6, /* of a round */
	FRAMES = 2000, /* of a batch */
	FILTERS = 128, /* at once */
	FIRST_FILTERS = 80,
	CONTEXTS = 24,
	POLICIES = 4,
	CHANGES = 8, /* in one go */
	CHANGES_ALONE = 3, /* without a transaction: most of them wait for a grace period each */
	LOADED_FILTERS = 2048,
	NAT_PORT = 4510, /* of every second instance */
};

/*
 * The built-in sublayers that packets are judged by. Windows documents the weight of none of them; the
 * order is the project's: what belongs to IPsec before UNIVERSAL, what belongs to the firewall after.
 */
static const struct {
	const GUID *key;
	UINT16 weight;
} sublayers[] = {
	{ &FWPM_SUBLAYER_RPC_AUDIT, 49152 },
	{ &FWPM_SUBLAYER_IPSEC_DOSP, 47104 },
	{ &FWPM_SUBLAYER_IPSEC_TUNNEL, 45056 },
	{ &FWPM_SUBLAYER_IPSEC_FORWARD_OUTBOUND_TUNNEL, 43008 },
	{ &FWPM_SUBLAYER_IPSEC_SECURITY_REALM, 40960 },
	{ &FWPM_SUBLAYER_LIPS, 36864 },
	{ &FWPM_SUBLAYER_SECURE_SOCKET, 34816 },
	{ &FWPM_SUBLAYER_UNIVERSAL, 32768 },
	{ &FWPM_SUBLAYER_TEREDO, 30720 },
	{ &FWPM_SUBLAYER_MPSSVC_WSH, 28672 },
	{ &FWPM_SUBLAYER_MPSSVC_WF, 26624 },
	{ &FWPM_SUBLAYER_MPSSVC_QUARANTINE, 24576 },
	{ &FWPM_SUBLAYER_MPSSVC_EDP, 22528 },
	{ &FWPM_SUBLAYER_MPSSVC_TENANT_RESTRICTIONS, 20480 },
	{ &FWPM_SUBLAYER_MPSSVC_APP_ISOLATION, 18432 },
	{ &FWPM_SUBLAYER_TCP_CHIMNEY_OFFLOAD, 4096 },
};

enum { SUBLAYERS = sizeof(sublayers) / sizeof(sublayers[0]) };

/* A filter of the policy. */
struct entry {
	UINT64 id;
	FWPM_FILTER0 *filter; /* as the API returns it; NULL until it is committed */
	bool dynamic;
	bool deleted; /* and not yet committed */
};

struct counted {
	uint64_t packets, bytes;
};

/* What the engine has counted so far, or what it should have. */
struct snapshot {
	struct saxdp_filter_info *filter;
	size_t filters;
	struct saxdp_tunnel_info *tunnel;
	size_t tunnels;
	struct saxdp_stats stats;
};

struct wanted {
	struct counted filter[FILTERS]; /* by place in oracle.entry */
	struct counted context[CONTEXTS]; /* by place in oracle.traffic: of its tunnel */
	struct counted engine[SAXDP_COUNT_COUNT];
};

struct oracle {
	struct draw draw;
	uint64_t seed;
	unsigned int round, batch;
	/* the instance */
	const char *instance;
	struct saxdp *look;
	struct xdp_ingress_bpf *ingress;
	UINT16 nat_port;
	HANDLE fixed, dynamic;
	/* its policy */
	struct entry entry[FILTERS];
	size_t entries;
	FWPM_PROVIDER_CONTEXT0 policy[POLICIES];
	IPSEC_TUNNEL_POLICY0 tunnel_policy[POLICIES];
	GUID policy_key[POLICIES];
	size_t policies;
	IPSEC_TRAFFIC1 traffic[CONTEXTS];
	UINT64 context[CONTEXTS];
	size_t contexts;
	/* the same for the model */
	const FWPM_FILTER0 *filter[FILTERS];
	struct model_sublayer sublayer[SUBLAYERS];
	GUID sublayer_key[SUBLAYERS];
	struct model_policy model;
	/* a batch */
	UINT8 frame[FRAMES][DRAW_FRAME_MAX];
	size_t length[FRAMES];
	/* what was seen at all: a comparison of nothing would agree too */
	uint64_t judged, decided, several, violations, added, refused, commits, aborts,
		kinds[MODEL_KINDS];
};

/* A test's whole state is too much for the stack. */
static struct oracle the_oracle;

/* --- the instance ------------------------------------------------------------------------------------ */

#define require_ok(call)                                                           \
	do {                                                                       \
		DWORD result_ = (call);                                            \
		require(!result_, "%s: 0x%08x %s", #call, result_, saxdp_error()); \
	} while (0)

static HANDLE session_open(UINT32 flags)
{
	const FWPM_SESSION0 session = { .flags = flags };
	HANDLE engine;

	require_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine));
	return engine;
}

static void instance_open(struct oracle *o)
{
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.contexts = CONTEXTS,
		.filters = LOADED_FILTERS,
		.readers = "61031",
		.writers = "61032",
	};
	int err;

	o->nat_port = draw_once_in(&o->draw, 2) ? NAT_PORT : 0;
	o->instance = bpffs_instance("oracle");
	opts.instance = o->instance;
	opts.encap_port = o->nat_port;
	require(!saxdp_load(&opts, NULL), "load: %s", saxdp_error());
	setenv("SAXDP_INSTANCE", o->instance, 1);
	require(!saxdp_open(o->instance, &o->look), "open: %s", saxdp_error());
	o->ingress = xdp_ingress_bpf__open();
	require(o->ingress, "xdp_ingress: %m");
	o->ingress->rodata->role = SAXDP_ROLE_OUTSIDE;
	require(!pin_reuse(o->instance, o->ingress->obj), "xdp_ingress: %s", saxdp_error());
	err = xdp_ingress_bpf__load(o->ingress);
	require(!err, "xdp_ingress: %d", err);
	o->fixed = session_open(0);
	o->dynamic = session_open(FWPM_SESSION_FLAG_DYNAMIC);
}

static void instance_close(struct oracle *o)
{
	require_ok(FwpmEngineClose0(o->dynamic));
	require_ok(FwpmEngineClose0(o->fixed));
	xdp_ingress_bpf__destroy(o->ingress);
	saxdp_close(o->look);
	require(!saxdp_unload(o->instance, false), "unload: %s", saxdp_error());
}

/* --- the policy ---------------------------------------------------------------------------------------- */

/* What the rules say of a weight by itself: as given, or in its range, and 0 there without conditions. */
static void weight_check(const FWPM_FILTER0 *f)
{
	UINT64 effective = *f->effectiveWeight.uint64, range = effective >> FWPM_AUTO_WEIGHT_BITS;
	bool right;

	if (f->weight.type == FWP_UINT64)
		right = effective == *f->weight.uint64;
	else
		right = range == (f->weight.type == FWP_UINT8 ? f->weight.uint8 : 0) &&
			(f->numFilterConditions || effective == range << FWPM_AUTO_WEIGHT_BITS);
	require(right && f->effectiveWeight.type == FWP_UINT64,
		"weight of filter %" PRIu64 ": 0x%" PRIx64, (uint64_t)f->filterId,
		(uint64_t)effective);
}

static void entry_drop(struct oracle *o, size_t i)
{
	FwpmFreeMemory0((void **)&o->entry[i].filter);
	o->entry[i] = o->entry[--o->entries];
}

/* What was added and deleted since is in force, or was taken back. */
static void entries_settle(struct oracle *o, bool in_force)
{
	for (size_t i = o->entries; i-- > 0;) {
		struct entry *e = &o->entry[i];

		if (in_force ? e->deleted : !e->filter) {
			entry_drop(o, i);
			continue;
		}
		e->deleted = false;
		if (e->filter)
			continue;
		require_ok(FwpmFilterGetById0(o->fixed, e->id, &e->filter));
		assert_true(e->filter->filterId == e->id);
		weight_check(e->filter);
	}
}

/* The conditions, weight and sublayer of another filter: which of them decides is a matter of age. */
static void twin_make(const struct entry *other, FWPM_FILTER0 *f)
{
	const FWPM_FILTER0 *like = other->filter;

	if (!like || memcmp(&f->layerKey, &like->layerKey, sizeof(GUID)))
		return;
	f->subLayerKey = like->subLayerKey;
	f->weight = like->weight;
	f->filterCondition = like->filterCondition;
	f->numFilterConditions = like->numFilterConditions;
}

static void filter_add(struct oracle *o, bool dynamic)
{
	struct drawn_filter drawn;
	UINT64 id = 0;
	DWORD err;

	if (o->entries == FILTERS)
		return;
	draw_filter(&o->draw, o->sublayer_key, SUBLAYERS, o->policy_key, o->policies, &drawn);
	if (o->entries && draw_once_in(&o->draw, 6))
		twin_make(&o->entry[draw_below(&o->draw, o->entries)], &drawn.filter);
	err = FwpmFilterAdd0(dynamic ? o->dynamic : o->fixed, &drawn.filter, NULL, &id);
	/* Too many selectors of one filter, or masks of one layer. */
	if (err == ERROR_NO_SYSTEM_RESOURCES) {
		o->refused++;
		return;
	}
	require(!err, "filter: 0x%08x %s", err, saxdp_error());
	o->added++;
	o->entry[o->entries++] = (struct entry){ .id = id, .dynamic = dynamic };
}

static bool has_contexts(const struct oracle *o, UINT64 filter)
{
	for (size_t i = 0; i < o->contexts; i++)
		if (o->traffic[i].trafficType == IPSEC_TRAFFIC_TYPE_TRANSPORT &&
		    o->traffic[i].ipsecFilterId == filter)
			return true;
	return false;
}

static void filter_delete(struct oracle *o, bool dynamic)
{
	struct entry *e;

	if (!o->entries)
		return;
	e = &o->entry[draw_below(&o->draw, o->entries)];
	if (e->dynamic != dynamic || e->deleted || has_contexts(o, e->id))
		return;
	require_ok(FwpmFilterDeleteById0(dynamic ? o->dynamic : o->fixed, e->id));
	e->deleted = true;
}

static void filters_change(struct oracle *o, size_t adds, size_t deletes)
{
	bool dynamic = draw_once_in(&o->draw, 4), in_force = true;
	bool transaction = adds + deletes > CHANGES_ALONE || draw_once_in(&o->draw, 2);
	HANDLE session = dynamic ? o->dynamic : o->fixed;
	DWORD err;

	if (transaction)
		require_ok(FwpmTransactionBegin0(session, 0));
	while (adds || deletes) {
		bool add = draw_below(&o->draw, adds + deletes) < adds;

		if (add)
			filter_add(o, dynamic);
		else
			filter_delete(o, dynamic);
		*(add ? &adds : &deletes) -= 1;
	}
	if (transaction && draw_once_in(&o->draw, 6)) {
		require_ok(FwpmTransactionAbort0(session));
		in_force = false;
		o->aborts++;
	} else if (transaction) {
		err = FwpmTransactionCommit0(session);
		/* More candidates for one key than a chain of buckets has. */
		require(!err || err == ERROR_NO_SYSTEM_RESOURCES, "commit: 0x%08x %s", err,
			saxdp_error());
		in_force = !err;
		o->commits++;
	}
	entries_settle(o, in_force);
}

static void dynamic_end(struct oracle *o)
{
	require_ok(FwpmEngineClose0(o->dynamic));
	for (size_t i = o->entries; i-- > 0;)
		if (o->entry[i].dynamic)
			entry_drop(o, i);
	o->dynamic = session_open(FWPM_SESSION_FLAG_DYNAMIC);
}

static void policy_add(struct oracle *o)
{
	static wchar_t name[] = L"tunnel policy";
	size_t i = o->policies;
	FWPM_PROVIDER_CONTEXT0 *p = &o->policy[i];

	o->tunnel_policy[i] = (IPSEC_TUNNEL_POLICY0){};
	draw_tunnel_ends(&o->draw, &o->tunnel_policy[i].tunnelEndpoints);
	*p = (FWPM_PROVIDER_CONTEXT0){
		.providerContextKey.Data1 = i + 1,
		.displayData.name = name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = &o->tunnel_policy[i],
	};
	require_ok(FwpmProviderContextAdd0(o->fixed, p, NULL, &p->providerContextId));
	o->policy_key[i] = p->providerContextKey;
	o->policies++;
}

static bool is_outbound(const FWPM_FILTER0 *f)
{
	return !memcmp(&f->layerKey, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, sizeof(GUID)) ||
	       !memcmp(&f->layerKey, &FWPM_LAYER_OUTBOUND_TRANSPORT_V6, sizeof(GUID));
}

static bool is_transport(const FWPM_FILTER0 *f)
{
	const GUID *callout = &f->action.calloutKey;

	return !memcmp(callout, &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, sizeof(GUID)) ||
	       !memcmp(callout, &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V6, sizeof(GUID));
}

static const FWPM_FILTER0 *filter_of(const struct oracle *o, UINT64 id)
{
	size_t i = 0;

	while (o->entry[i].id != id)
		i++;
	return o->entry[i].filter;
}

/* A rekey, or other traffic between the same hosts. */
static void context_like(struct oracle *o, IPSEC_TRAFFIC1 *t)
{
	*t = o->traffic[draw_below(&o->draw, o->contexts)];
	if (t->trafficType == IPSEC_TRAFFIC_TYPE_TRANSPORT && !draw_once_in(&o->draw, 3))
		draw_narrow(&o->draw, filter_of(o, t->ipsecFilterId), t);
}

static void context_add(struct oracle *o)
{
	IPSEC_TRAFFIC1 *t = &o->traffic[o->contexts];
	size_t policy = draw_below(&o->draw, POLICIES), tries = FILTERS;
	const struct entry *e = NULL;

	if (o->contexts == CONTEXTS)
		return;
	if (o->contexts && draw_once_in(&o->draw, 2)) {
		context_like(o, t);
	} else if (policy < o->policies && draw_once_in(&o->draw, 3)) {
		draw_tunnel(&o->draw, o->policy[policy].providerContextId,
			    &o->tunnel_policy[policy].tunnelEndpoints, t);
	} else {
		for (; o->entries && tries; tries--) {
			e = &o->entry[draw_below(&o->draw, o->entries)];
			if (is_outbound(e->filter) && !e->dynamic &&
			    (is_transport(e->filter) || draw_once_in(&o->draw, 8)))
				break;
		}
		if (!e || !tries)
			return;
		draw_transport(&o->draw, e->filter, t);
	}
	require_ok(IPsecSaContextCreate1(o->fixed, t, NULL, NULL, &o->context[o->contexts]));
	o->contexts++;
}

static void context_delete(struct oracle *o)
{
	size_t i;

	if (!o->contexts)
		return;
	i = draw_below(&o->draw, o->contexts--);
	require_ok(IPsecSaContextDeleteById0(o->fixed, o->context[i]));
	o->context[i] = o->context[o->contexts];
	o->traffic[i] = o->traffic[o->contexts];
}

static void policy_open(struct oracle *o)
{
	size_t policies = draw_below(&o->draw, POLICIES + 1);
	size_t filters = draw_once_in(&o->draw, 8) ? 4 : FIRST_FILTERS;
	size_t contexts = draw_once_in(&o->draw, 8) ? 0 : CONTEXTS;

	while (o->policies < policies)
		policy_add(o);
	for (size_t i = 0; i < filters; i += filters / 4)
		filters_change(o, filters / 4, 0);
	for (size_t i = 0; i < contexts; i++)
		context_add(o);
}

static void policy_change(struct oracle *o)
{
	filters_change(o, draw_below(&o->draw, CHANGES), draw_below(&o->draw, CHANGES));
	if (draw_once_in(&o->draw, 6))
		dynamic_end(o);
	if (draw_once_in(&o->draw, 2))
		context_delete(o);
	if (draw_once_in(&o->draw, 2))
		context_add(o);
}

/* In another order than it was made, and some of it in one transaction. */
static void policy_close(struct oracle *o)
{
	bool transaction = o->entries > CHANGES || draw_once_in(&o->draw, 2);

	while (o->contexts)
		context_delete(o);
	dynamic_end(o);
	if (transaction)
		require_ok(FwpmTransactionBegin0(o->fixed, 0));
	while (o->entries) {
		size_t i = draw_below(&o->draw, o->entries);

		require_ok(FwpmFilterDeleteById0(o->fixed, o->entry[i].id));
		entry_drop(o, i);
	}
	if (transaction)
		require_ok(FwpmTransactionCommit0(o->fixed));
	while (o->policies)
		require_ok(FwpmProviderContextDeleteById0(
			o->fixed, o->policy[--o->policies].providerContextId));
}

static void model_update(struct oracle *o)
{
	for (size_t i = 0; i < o->entries; i++)
		o->filter[i] = o->entry[i].filter;
	o->model = (struct model_policy){
		.filter = o->filter,
		.filters = o->entries,
		.sublayer = o->sublayer,
		.sublayers = SUBLAYERS,
		.tunnel_policy = o->policy,
		.tunnel_policies = o->policies,
		.context = o->traffic,
		.contexts = o->contexts,
		.nat_port = o->nat_port,
	};
}

/* --- what is wanted ------------------------------------------------------------------------------------ */

static void add(struct counted *c, uint64_t bytes)
{
	c->packets++;
	c->bytes += bytes;
}

static size_t filter_place(const struct oracle *o, const FWPM_FILTER0 *f)
{
	size_t i = 0;

	while (o->entry[i].filter != f)
		i++;
	return i;
}

static void wanted_add(const struct oracle *o, const struct model_answer *a, struct wanted *w)
{
	static const enum saxdp_counter counters[MODEL_KINDS] = {
		[MODEL_NOT_IP] = SAXDP_COUNT_OTHER,
		[MODEL_CLEAR] = SAXDP_COUNT_OTHER,
		[MODEL_ESP] = SAXDP_COUNT_ESP,
		[MODEL_AH] = SAXDP_COUNT_AH,
		[MODEL_ESP_IN_UDP] = SAXDP_COUNT_ESP_IN_UDP,
		[MODEL_IKE] = SAXDP_COUNT_IKE,
		[MODEL_KEEPALIVE] = SAXDP_COUNT_KEEPALIVE,
		[MODEL_LATER_FRAGMENT] = SAXDP_COUNT_FRAGMENT,
		[MODEL_MALFORMED] = SAXDP_COUNT_MALFORMED,
	};
	UINT32 bytes = a->packet.bytes;

	add(&w->engine[counters[a->packet.kind]], bytes);
	if (a->unknown_spi)
		add(&w->engine[SAXDP_COUNT_UNKNOWN_SPI], bytes);
	for (int i = 0; i < MODEL_SUBLAYERS; i++)
		if (a->inbound.decided[i])
			add(&w->filter[filter_place(o, a->inbound.decided[i])], bytes);
	if (a->tunnel >= 0) {
		add(&w->engine[SAXDP_COUNT_CLEAR_MATCHED], bytes);
		add(&w->context[a->tunnel], bytes);
	}
}

static void seen_add(struct oracle *o, const struct model_answer *a)
{
	int deciders = 0;

	for (int i = 0; i < MODEL_SUBLAYERS; i++)
		deciders += a->inbound.decided[i] != NULL;
	o->kinds[a->packet.kind]++;
	o->judged += a->packet.kind == MODEL_CLEAR;
	o->decided += deciders > 0;
	o->several += deciders > 1;
	o->violations += a->tunnel >= 0;
}

/* --- what was counted ------------------------------------------------------------------------------------ */

static void snapshot_take(const struct oracle *o, struct snapshot *ret)
{
	require(!saxdp_filter_list(o->look, &ret->filter, &ret->filters), "%s", saxdp_error());
	require(!saxdp_tunnel_list(o->look, &ret->tunnel, &ret->tunnels), "%s", saxdp_error());
	require(!saxdp_stats_get(o->look, &ret->stats), "%s", saxdp_error());
}

static void snapshot_free(struct snapshot *s)
{
	free(s->filter);
	free(s->tunnel);
}

static struct counted difference(const struct saxdp_traffic_count *before,
				 const struct saxdp_traffic_count *after)
{
	return (struct counted){ after->packets - before->packets, after->bytes - before->bytes };
}

static struct counted filter_counted(const struct snapshot *before, const struct snapshot *after,
				     UINT64 id)
{
	const struct saxdp_traffic_count *from = NULL, *to = NULL;

	for (size_t i = 0; i < before->filters; i++)
		if (before->filter[i].id == id)
			from = &before->filter[i].matched;
	for (size_t i = 0; i < after->filters; i++)
		if (after->filter[i].id == id)
			to = &after->filter[i].matched;
	require(from && to, "filter %" PRIu64 " is not listed", (uint64_t)id);
	return difference(from, to);
}

static bool address_is(const uint32_t words[4], FWP_IP_VERSION version, UINT32 v4, const UINT8 *v6)
{
	return version == FWP_IP_VERSION_V4 ? words[0] == htonl(v4) : !memcmp(words, v6, 16);
}

static bool tunnel_is(const struct saxdp_tunnel_info *t, const IPSEC_TRAFFIC1 *c)
{
	/* ipsecFilterId and tunnelPolicyId are one union. */
	return t->policy == c->ipsecFilterId && t->protocol == c->ipProtocol &&
	       t->family == (c->ipVersion == FWP_IP_VERSION_V4 ? 4 : 6) &&
	       t->type == (c->trafficType == IPSEC_TRAFFIC_TYPE_TUNNEL ? SAXDP_TUNNEL :
									 SAXDP_TRANSPORT) &&
	       ntohs(t->local_port) == c->localPort && ntohs(t->remote_port) == c->remotePort &&
	       address_is(t->local, c->ipVersion, c->localV4Address, c->localV6Address) &&
	       address_is(t->remote, c->ipVersion, c->remoteV4Address, c->remoteV6Address);
}

/* Of the tunnel that a context belongs to. */
static struct counted tunnel_counted(const struct snapshot *before, const struct snapshot *after,
				     const IPSEC_TRAFFIC1 *c)
{
	for (size_t i = 0; i < after->tunnels; i++) {
		if (!tunnel_is(&after->tunnel[i], c))
			continue;
		for (size_t j = 0; j < before->tunnels; j++)
			if (before->tunnel[j].id == after->tunnel[i].id)
				return difference(&before->tunnel[j].clear,
						  &after->tunnel[i].clear);
	}
	fail_msg("a context has no tunnel in the list");
	return (struct counted){};
}

static bool same(const struct counted *a, const struct counted *b)
{
	return a->packets == b->packets && a->bytes == b->bytes;
}

static bool report(bool quiet, const char *what, uint64_t which, const struct counted *got,
		   const struct counted *wanted)
{
	if (same(got, wanted))
		return true;
	if (!quiet)
		print_error("%s %" PRIu64 ": %" PRIu64 " packets of %" PRIu64 " bytes, not %" PRIu64
			    " of %" PRIu64 "\n",
			    what, which, got->packets, got->bytes, wanted->packets, wanted->bytes);
	return false;
}

static bool compare(const struct oracle *o, const struct snapshot *before,
		    const struct snapshot *after, const struct wanted *w, bool quiet)
{
	struct counted got, all = {}, tunnels = {};
	bool agree = true;

	require(after->filters == o->entries, "%zu filters are listed, %zu were added",
		after->filters, o->entries);
	for (size_t i = 0; i < o->entries; i++) {
		got = filter_counted(before, after, o->entry[i].id);
		agree &= report(quiet, "filter", o->entry[i].id, &got, &w->filter[i]);
	}
	for (size_t i = 0; i < o->contexts; i++) {
		struct counted wanted = {};
		size_t first = i;

		/* Contexts of one tunnel: what is wanted of it stands with one of them. */
		for (size_t j = o->contexts; j-- > 0;) {
			if (memcmp(&o->traffic[j], &o->traffic[i], sizeof(o->traffic[i])))
				continue;
			wanted.packets += w->context[j].packets;
			wanted.bytes += w->context[j].bytes;
			first = j;
		}
		got = tunnel_counted(before, after, &o->traffic[i]);
		agree &= report(quiet, "tunnel of context", o->context[i], &got, &wanted);
		if (first == i) {
			tunnels.packets += got.packets;
			tunnels.bytes += got.bytes;
		}
	}
	for (size_t i = 0; i < after->tunnels; i++) {
		all.packets += after->tunnel[i].clear.packets;
		all.bytes += after->tunnel[i].clear.bytes;
	}
	for (size_t i = 0; i < before->tunnels; i++) {
		all.packets -= before->tunnel[i].clear.packets;
		all.bytes -= before->tunnel[i].clear.bytes;
	}
	agree &= report(quiet, "all tunnels", after->tunnels, &all, &tunnels);
	for (int i = 0; i < SAXDP_COUNT_COUNT; i++) {
		got = difference(&before->stats.counter[i], &after->stats.counter[i]);
		agree &= report(quiet, saxdp_counter_key(i), 0, &got, &w->engine[i]);
	}
	return agree;
}

/* --- what is printed of a difference --------------------------------------------------------------------- */

static int version_of(const FWPM_FILTER0 *f)
{
	return !memcmp(&f->layerKey, &FWPM_LAYER_INBOUND_TRANSPORT_V4, sizeof(GUID)) ||
			       !memcmp(&f->layerKey, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
				       sizeof(GUID)) ?
		       4 :
		       6;
}

static UINT16 sublayer_weight(const FWPM_FILTER0 *f)
{
	size_t i = 0;

	while (memcmp(sublayers[i].key, &f->subLayerKey, sizeof(GUID)))
		i++;
	return sublayers[i].weight;
}

/* Of the layers that the frame was judged at; a star: the model says that it decided. */
static void print_policy(const struct oracle *o, const struct model_answer *a)
{
	for (size_t i = 0; i < o->entries; i++) {
		const FWPM_FILTER0 *f = o->entry[i].filter;
		bool decided = false;

		if (a->packet.version && version_of(f) != a->packet.version)
			continue;
		for (int s = 0; s < MODEL_SUBLAYERS; s++)
			decided |= a->inbound.decided[s] == f || a->outbound.decided[s] == f;
		tell_filter(f, sublayer_weight(f), decided);
	}
	for (size_t i = 0; i < o->contexts; i++)
		tell_context(o->context[i], &o->traffic[i], a->tunnel == (int)i);
}

/* --- batches ------------------------------------------------------------------------------------------------ */

static void frame_run(const struct oracle *o, size_t i)
{
	const struct frame frame = { .data = o->frame[i], .len = o->length[i] };

	/* Nothing is dropped in monitor mode. */
	require(testrun_verdict(bpf_program__fd(o->ingress->progs.xdp_ingress), &frame) == XDP_PASS,
		"a frame did not pass");
}

/* One frame by itself; false: it is counted otherwise. */
static bool frame_agrees(const struct oracle *o, size_t i, bool quiet)
{
	struct snapshot before, after;
	struct wanted wanted = {};
	struct model_answer a;
	bool agree;

	model_judge(&o->model, o->frame[i], o->length[i], &a);
	wanted_add(o, &a, &wanted);
	snapshot_take(o, &before);
	frame_run(o, i);
	snapshot_take(o, &after);
	agree = compare(o, &before, &after, &wanted, quiet);
	snapshot_free(&before);
	snapshot_free(&after);
	return agree;
}

static void batch_explain(const struct oracle *o)
{
	struct model_answer a;

	for (size_t i = 0; i < FRAMES; i++) {
		if (frame_agrees(o, i, true))
			continue;
		model_judge(&o->model, o->frame[i], o->length[i], &a);
		print_policy(o, &a);
		print_error("frame %zu of batch %u: ", i, o->batch);
		tell_frame(o->frame[i], o->length[i]);
		print_error("by itself:\n");
		frame_agrees(o, i, false);
		fail_msg("again with SAXDP_ORACLE_SEED=0x%" PRIx64 " SAXDP_ORACLE_ROUND=%u",
			 o->seed, o->round);
	}
	fail_msg("batch %u: each frame by itself agrees; SAXDP_ORACLE_SEED=0x%" PRIx64
		 " SAXDP_ORACLE_ROUND=%u",
		 o->batch, o->seed, o->round);
}

static void frame_draw(struct oracle *o, size_t i)
{
	const FWPM_FILTER0 *filter = NULL;
	const IPSEC_TRAFFIC1 *traffic = NULL;

	if (o->entries && !draw_once_in(&o->draw, 6))
		filter = o->entry[draw_below(&o->draw, o->entries)].filter;
	if (o->contexts && draw_once_in(&o->draw, 3))
		traffic = &o->traffic[draw_below(&o->draw, o->contexts)];
	o->length[i] = draw_frame(&o->draw, filter, traffic, o->nat_port, o->frame[i]);
}

static void batch_run(struct oracle *o)
{
	struct snapshot before, after;
	struct wanted wanted = {};
	struct model_answer a;
	bool agree;

	model_update(o);
	snapshot_take(o, &before);
	for (size_t i = 0; i < FRAMES; i++) {
		frame_draw(o, i);
		model_judge(&o->model, o->frame[i], o->length[i], &a);
		wanted_add(o, &a, &wanted);
		seen_add(o, &a);
		frame_run(o, i);
	}
	snapshot_take(o, &after);
	agree = compare(o, &before, &after, &wanted, false);
	snapshot_free(&before);
	snapshot_free(&after);
	if (!agree)
		batch_explain(o);
}

static void round_run(struct oracle *o, unsigned int round)
{
	o->round = round;
	/* A round by itself is the same as that round among others. */
	draw_begin(&o->draw, o->seed + round);
	policy_open(o);
	for (o->batch = 0; o->batch < BATCHES; o->batch++) {
		if (o->batch)
			policy_change(o);
		batch_run(o);
	}
	policy_close(o);
}

/* --- the test ------------------------------------------------------------------------------------------------ */

static uint64_t environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_seen(const struct oracle *o)
{
	printf("# %" PRIu64 " packets judged, %" PRIu64 " of them decided by filters, %" PRIu64
	       " in several sublayers; %" PRIu64 " should have come by a tunnel\n",
	       o->judged, o->decided, o->several, o->violations);
	printf("# %" PRIu64 " filters added, %" PRIu64 " refused for want of room; %" PRIu64
	       " transactions, %" PRIu64 " aborted\n",
	       o->added, o->refused, o->commits, o->aborts);
	printf("# not judged: %" PRIu64 " ESP, %" PRIu64 " AH, %" PRIu64 " ESP in UDP, %" PRIu64
	       " IKE, %" PRIu64 " keep-alives, %" PRIu64 " later fragments, %" PRIu64
	       " malformed, %" PRIu64 " not IP\n",
	       o->kinds[MODEL_ESP], o->kinds[MODEL_AH], o->kinds[MODEL_ESP_IN_UDP],
	       o->kinds[MODEL_IKE], o->kinds[MODEL_KEEPALIVE], o->kinds[MODEL_LATER_FRAGMENT],
	       o->kinds[MODEL_MALFORMED], o->kinds[MODEL_NOT_IP]);
}

static void engine_says_what_the_rules_say(void **state)
{
	uint64_t wanted = environment("SAXDP_ORACLE_JUDGEMENTS",
				      getenv("SAXDP_TEST_LONG") ? JUDGEMENTS_LONG : JUDGEMENTS);
	bool one = getenv("SAXDP_ORACLE_ROUND");
	unsigned int round = environment("SAXDP_ORACLE_ROUND", 0), rounds = 0;
	struct oracle *o = *state;

	printf("# seed 0x%" PRIx64 "\n", o->seed);
	while (rounds == 0 || (!one && o->judged < wanted)) {
		/* The instance is the first draw of its first round. */
		draw_begin(&o->draw, ~(o->seed + round / INSTANCE_ROUNDS));
		instance_open(o);
		do
			round_run(o, round++);
		while (!one && o->judged < wanted && round % INSTANCE_ROUNDS);
		instance_close(o);
		rounds++;
	}
	print_seen(o);

	/* Each of what the frames and policies are drawn for was there. */
	for (int i = 0; i < MODEL_KINDS; i++)
		assert_true(one || o->kinds[i]);
	assert_true(one || o->decided > o->judged / 4);
	assert_true(one || o->several > o->judged / 20);
	assert_true(one || o->violations > o->judged / 50);
	assert_true(one || o->refused < o->added);
}

static int oracle_setup(void **state)
{
	struct oracle *o = &the_oracle;

	o->seed = environment("SAXDP_ORACLE_SEED", time(NULL));
	for (int i = 0; i < SUBLAYERS; i++) {
		o->sublayer[i] = (struct model_sublayer){ *sublayers[i].key, sublayers[i].weight };
		o->sublayer_key[i] = *sublayers[i].key;
	}
	*state = o;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(engine_says_what_the_rules_say, oracle_setup,
						scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
