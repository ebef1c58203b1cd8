// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * IPsecSaContextCreate1, GetById1 and DeleteById0: what they put into the maps and take out of
 * them, what they return, and each code that only they have (test_sa_call.c has the others).
 */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

enum { CONTEXTS = 16, SPI = 0x1000, UNTOUCHED = 0x5a5a5a5a };

static struct client client;
static struct path paths[PATH_KINDS];

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-context", CONTEXTS);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &paths[kind]);
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

/* --- create ------------------------------------------------------------------------------------------ */

static uint64_t policy_users(const struct path *p, UINT64 policy)
{
	struct saxdp_prov_context prov_context;
	struct saxdp_filter filter;

	if (path_tunnel(p)) {
		assert_true(maps_get(client.instance, "prov_context", &policy, &prov_context));
		return prov_context.users;
	}
	assert_true(maps_get(client.instance, "filter", &policy, &filter));
	return filter.users;
}

static void expect_entries(const struct path *p, UINT64 id,
			   const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *virtual_if)
{
	const IPSEC_TRAFFIC1 *t = &p->traffic;
	uint32_t local[4], remote[4];
	struct saxdp_context c;
	struct saxdp_tunnel tunnel;

	maps_local(p, local);
	maps_remote(p, remote);
	assert_true(maps_context(client.instance, id, &c));
	assert_int_equal(c.policy, p->outbound);
	assert_memory_equal(c.local, local, sizeof(local));
	assert_memory_equal(c.remote, remote, sizeof(remote));
	assert_int_equal(c.local_port, htons(t->localPort));
	assert_int_equal(c.remote_port, htons(t->remotePort));
	assert_int_equal(c.protocol, t->ipProtocol);
	assert_int_equal(c.family, path_v6(p) ? 6 : 4);
	assert_int_equal(c.type, path_tunnel(p) ? SAXDP_TUNNEL : SAXDP_TRANSPORT);
	assert_int_equal(!!(c.flags & SAXDP_CONTEXT_VIRTUAL_IF), virtual_if != NULL);
	assert_int_equal(c.virtual_if, virtual_if ? virtual_if->virtualIfTunnelId : 0);
	assert_int_equal(c.traffic_selector, virtual_if ? virtual_if->trafficSelectorId : 0);
	assert_int_equal(c.spi_born, 0);
	assert_int_equal(c.inbound.born, 0);
	assert_int_equal(c.outbound.born, 0);

	assert_true(maps_tunnel(client.instance, p, &tunnel));
	assert_int_equal(tunnel.id, c.tunnel);
	assert_int_equal(tunnel.contexts, 1);
	assert_int_equal(tunnel.type, c.type);
	assert_int_equal(maps_serving(client.instance, p), 0);
	assert_int_equal(maps_endpoint(client.instance, p), 1);
	assert_int_equal(policy_users(p, p->outbound), 1);
	assert_int_equal(maps_count(client.instance, "sa4"), 0);
	assert_int_equal(maps_count(client.instance, "sa6"), 0);
}

static void a_context_of_each_kind_is_created(void **state)
{
	const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 info = { 0x1122334455667788, 0x99aabbccddeeff00 };
	unsigned int made = 0;
	UINT64 id, filter;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];

		for (int optional = 0; optional < 4; optional++) {
			const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *given = optional & 1 ? &info : NULL;
			struct saxdp_engine before, after;

			id = 0;
			filter = UNTOUCHED;
			maps_engine(client.instance, &before);
			assert_ok(IPsecSaContextCreate1(client.engine, &p->traffic, given,
							optional & 2 ? &filter : NULL, &id));
			maps_engine(client.instance, &after);
			assert_int_not_equal(id, 0);
			if (optional & 2 && filter != (path_tunnel(p) ? 0 : p->inbound))
				fail_msg("%s: inbound filter %llu, not %llu", path_kind_name(kind),
					 (unsigned long long)filter,
					 (unsigned long long)(path_tunnel(p) ? 0 : p->inbound));
			expect_entries(p, id, given);
			/* One commit, of the SA epoch. */
			assert_int_equal(after.epoch[SAXDP_EPOCH_SA].generation,
					 before.epoch[SAXDP_EPOCH_SA].generation + 1);
			assert_int_equal(after.epoch[SAXDP_EPOCH_POLICY].generation,
					 before.epoch[SAXDP_EPOCH_POLICY].generation);
			assert_int_equal(after.contexts, 1);
			client_sound(&client, path_kind_name(kind));
			context_delete(client.engine, id);
			made++;
		}
	}
	assert_int_equal(made, 16);
}

static void traffic_narrows_a_filter_by_protocol_and_ports(void **state)
{
	static const UINT8 with_ports[] = { 6, 17, 33, 132, 136 };
	struct path p;
	UINT64 id;

	(void)state;
	for (unsigned int v6 = 0; v6 <= PATH_V6; v6 += PATH_V6) {
		for (size_t i = 0; i < sizeof(with_ports); i++) {
			p = paths[v6];
			p.traffic.ipProtocol = with_ports[i];
			p.traffic.localPort = 1701;
			id = path_create(&p);
			expect_entries(&p, id, NULL);
			context_delete(client.engine, id);
			p.traffic.remotePort = 4321;
			id = path_create(&p);
			expect_entries(&p, id, NULL);
			context_delete(client.engine, id);
		}
		p = paths[v6];
		p.traffic.ipProtocol = 47; /* without ports: GRE */
		id = path_create(&p);
		expect_entries(&p, id, NULL);
		context_delete(client.engine, id);
	}
}

/* The filter says which protocol the ports are of. */
static void a_port_may_take_its_protocol_from_the_filter(void **state)
{
	struct row {
		UINT8 protocol; /* the filter's */
		DWORD wanted;
	} rows[] = {
		{ 17, ERROR_SUCCESS },
		{ 6, ERROR_SUCCESS },
		{ 47, FWP_E_INVALID_PARAMETER },
		{ 0, FWP_E_INVALID_PARAMETER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		FWPM_FILTER_CONDITION0 protocol = {
			.fieldKey = FWPM_CONDITION_IP_PROTOCOL,
			.matchType = FWP_MATCH_EQUAL,
			.conditionValue = { .type = FWP_UINT8, .uint8 = rows[i].protocol },
		};
		struct path p = paths[PATH_TRANSPORT];
		UINT64 id = 0;

		p.traffic.ipsecFilterId = filter_make(client.engine,
						      &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL,
						      &protocol, rows[i].protocol ? 1 : 0, NULL);
		p.traffic.remotePort = 500;
		assert_result(IPsecSaContextCreate1(client.engine, &p.traffic, NULL, NULL, &id),
			      rows[i].wanted);
		p.traffic.remotePort = 0;
		p.traffic.localPort = 500;
		assert_result(IPsecSaContextCreate1(client.engine, &p.traffic, NULL, NULL, &id),
			      rows[i].wanted);
	}
}

/* Ids are unique among filters and among provider contexts, and contexts may have the same ends. */
static void a_filter_and_a_tunnel_policy_of_one_number_are_two_policies(void **state)
{
	struct path transport = paths[PATH_TRANSPORT], tunnel = paths[PATH_TUNNEL];
	struct saxdp_tunnel of_transport, of_tunnel;
	UINT64 first, second;

	(void)state;
	while (transport.outbound != tunnel.outbound) {
		struct path *behind = transport.outbound < tunnel.outbound ? &transport : &tunnel;

		path_make(&client, behind->kind, 1, behind);
	}
	first = path_context(&transport, SPI, SPI);
	second = path_context(&tunnel, SPI + 1, SPI + 1);
	assert_true(maps_tunnel(client.instance, &transport, &of_transport));
	assert_true(maps_tunnel(client.instance, &tunnel, &of_tunnel));
	assert_int_not_equal(of_transport.id, of_tunnel.id);
	assert_int_equal(of_transport.type, SAXDP_TRANSPORT);
	assert_int_equal(of_tunnel.type, SAXDP_TUNNEL);
	assert_int_equal(maps_serving(client.instance, &transport), first);
	assert_int_equal(maps_serving(client.instance, &tunnel), second);
}

/* --- refusals ------------------------------------------------------------------------------------------- */

static void refuse(const char *what, const struct path *p, DWORD wanted)
{
	struct dump *before = client_dump(&client);
	UINT64 id = UNTOUCHED, filter = UNTOUCHED;
	const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 info = { 1, 2 };
	DWORD result = IPsecSaContextCreate1(client.engine, &p->traffic, &info, &filter, &id);

	if (result != wanted || id != UNTOUCHED || filter != UNTOUCHED)
		fail_msg("%s, %s: 0x%08x, not 0x%08x; id %llu, filter %llu (%s)",
			 path_kind_name(p->kind), what, result, wanted, (unsigned long long)id,
			 (unsigned long long)filter, saxdp_error());
	client_same(&client, before, what);
}

#define REFUSE(kind, wanted, ...)                 \
	do {                                      \
		struct path p = paths[kind];      \
		IPSEC_TRAFFIC1 *t = &p.traffic;   \
		__VA_ARGS__;                      \
		refuse(#__VA_ARGS__, &p, wanted); \
	} while (0)

static void traffic_that_cannot_be_is_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->ipVersion = FWP_IP_VERSION_NONE);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->ipVersion = FWP_IP_VERSION_MAX);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->ipVersion = (FWP_IP_VERSION)-1);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->trafficType = IPSEC_TRAFFIC_TYPE_MAX);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->trafficType = (IPSEC_TRAFFIC_TYPE)-1);
		/* Version before addresses, addresses before ports, ports before the policy. */
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->ipVersion = FWP_IP_VERSION_MAX,
		       t->localPort = 1, memset(t->localV6Address, 0, 16), t->ipsecFilterId = 0);
	}
}

static void an_end_that_is_no_host_is_refused(void **state)
{
	static const UINT32 v4[] = { 0, 0xe0000001, 0xefffffff, 0xffffffff };
	static const UINT8 v6[][16] = { {}, { 0xff, 0x02, [15] = 1 }, { 0xff } };

	(void)state;
	for (unsigned int type = 0; type <= PATH_TUNNEL; type++) {
		DWORD wanted = type ? FWP_E_INVALID_TUNNEL_ENDPOINT : FWP_E_INVALID_PARAMETER;

		for (size_t i = 0; i < sizeof(v4) / sizeof(*v4); i++) {
			REFUSE(type, wanted, t->localV4Address = v4[i]);
			REFUSE(type, wanted, t->remoteV4Address = v4[i], t->ipsecFilterId = 0);
		}
		for (size_t i = 0; i < sizeof(v6) / sizeof(*v6); i++) {
			REFUSE(type | PATH_V6, wanted, memcpy(t->localV6Address, v6[i], 16));
			REFUSE(type | PATH_V6, wanted, memcpy(t->remoteV6Address, v6[i], 16),
			       t->ipsecFilterId = 0);
		}
	}
}

static void ports_where_there_are_none_are_refused(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 <= PATH_V6; v6 += PATH_V6) {
		REFUSE(v6, FWP_E_INVALID_PARAMETER, t->localPort = 1);
		REFUSE(v6, FWP_E_INVALID_PARAMETER, t->remotePort = 1);
		REFUSE(v6, FWP_E_INVALID_PARAMETER, t->remotePort = 1, t->ipProtocol = 1);
		REFUSE(v6, FWP_E_INVALID_PARAMETER, t->localPort = 1, t->ipProtocol = 50);
		REFUSE(v6, FWP_E_INVALID_PARAMETER, t->localPort = 1, t->ipProtocol = 58,
		       t->ipsecFilterId = 0);
		REFUSE(v6 | PATH_TUNNEL, FWP_E_INVALID_PARAMETER, t->localPort = 1,
		       t->ipProtocol = 17);
		REFUSE(v6 | PATH_TUNNEL, FWP_E_INVALID_PARAMETER, t->remotePort = 1,
		       t->ipProtocol = 17);
		REFUSE(v6 | PATH_TUNNEL, FWP_E_INVALID_PARAMETER, t->ipProtocol = 17,
		       t->tunnelPolicyId = 0);
	}
}

static void the_type_of_a_policy_put(UINT64 id, uint32_t type)
{
	struct saxdp_prov_context c;

	assert_true(maps_get(client.instance, "prov_context", &id, &c));
	c.type = type;
	maps_put(client.instance, "prov_context", &id, &c);
}

static void a_policy_that_does_not_fit_is_refused(void **state)
{
	const struct path *v4 = &paths[PATH_TRANSPORT], *v6 = &paths[PATH_TRANSPORT | PATH_V6];
	const struct path *tunnel4 = &paths[PATH_TUNNEL], *tunnel6 = &paths[PATH_TUNNEL | PATH_V6];
	UINT64 deleted =
		filter_make(client.engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, NULL, 0, NULL);

	(void)state;
	assert_ok(FwpmFilterDeleteById0(client.engine, deleted));
	REFUSE(PATH_TRANSPORT, FWP_E_FILTER_NOT_FOUND, t->ipsecFilterId = 0);
	REFUSE(PATH_TRANSPORT, FWP_E_FILTER_NOT_FOUND, t->ipsecFilterId = deleted);
	REFUSE(PATH_TRANSPORT, FWP_E_FILTER_NOT_FOUND, t->ipsecFilterId = 1ULL << 40);
	REFUSE(PATH_TRANSPORT, FWP_E_INCOMPATIBLE_LAYER, t->ipsecFilterId = v4->inbound);
	REFUSE(PATH_TRANSPORT, FWP_E_INCOMPATIBLE_LAYER, t->ipsecFilterId = v6->inbound);
	REFUSE(PATH_TRANSPORT, FWP_E_INVALID_PARAMETER, t->ipsecFilterId = v6->outbound);
	REFUSE(PATH_TRANSPORT | PATH_V6, FWP_E_INVALID_PARAMETER, t->ipsecFilterId = v4->outbound);
	REFUSE(PATH_TRANSPORT | PATH_V6, FWP_E_INCOMPATIBLE_LAYER, t->ipsecFilterId = v6->inbound);

	REFUSE(PATH_TUNNEL, FWP_E_PROVIDER_CONTEXT_NOT_FOUND, t->tunnelPolicyId = 0);
	REFUSE(PATH_TUNNEL, FWP_E_PROVIDER_CONTEXT_NOT_FOUND, t->tunnelPolicyId = 1ULL << 40);
	REFUSE(PATH_TUNNEL, FWP_E_INVALID_PARAMETER, t->tunnelPolicyId = tunnel6->outbound);
	REFUSE(PATH_TUNNEL | PATH_V6, FWP_E_INVALID_PARAMETER,
	       t->tunnelPolicyId = tunnel4->outbound);
	/* No call adds other provider contexts yet. */
	the_type_of_a_policy_put(tunnel4->outbound, FWPM_IPSEC_IKE_MM_CONTEXT);
	REFUSE(PATH_TUNNEL, FWP_E_PROVIDER_CONTEXT_MISMATCH, t->tunnelPolicyId = tunnel4->outbound);
	the_type_of_a_policy_put(tunnel4->outbound, FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT);
	context_delete(client.engine, path_create(tunnel4));
}

/* What a session remembers of the policy must not outlive it. */
static void a_policy_that_was_deleted_is_refused_to_whoever_used_it(void **state)
{
	HANDLE other = client_session(0, 0);

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind];
		DWORD wanted = path_tunnel(&p) ? FWP_E_PROVIDER_CONTEXT_NOT_FOUND :
						 FWP_E_FILTER_NOT_FOUND;

		context_delete(client.engine, path_create(&p));
		p.engine = other;
		path_release(&p);
		refuse("deleted by another session", &p, wanted);
	}
	client_session_end(other);
}

/* --- the inbound filter ------------------------------------------------------------------------------------ */

static UINT64 inbound_filter(const struct path *p)
{
	UINT64 id, filter = UNTOUCHED;

	assert_ok(IPsecSaContextCreate1(client.engine, &p->traffic, NULL, &filter, &id));
	context_delete(client.engine, id);
	return filter;
}

/* test_inbound_filter.c asks which filter it is; here it is that the answer is never an old one. */
static void the_inbound_filter_is_never_stale(void **state)
{
	HANDLE other = client_session(0, 0);
	UINT64 again;

	(void)state;
	for (unsigned int v6 = 0; v6 <= PATH_V6; v6 += PATH_V6) {
		const struct path *p = &paths[v6];
		const GUID *layer = v6 ? &FWPM_LAYER_INBOUND_TRANSPORT_V6 :
					 &FWPM_LAYER_INBOUND_TRANSPORT_V4;

		assert_int_equal(inbound_filter(p), p->inbound);
		assert_int_equal(inbound_filter(p), p->inbound);
		assert_ok(FwpmFilterDeleteById0(other, p->inbound));
		assert_int_equal(inbound_filter(p), 0);
		again = filter_make(other, layer, NULL, NULL, 0, NULL);
		assert_int_equal(inbound_filter(p), again);
		assert_ok(FwpmTransactionBegin0(other, 0));
		assert_ok(FwpmFilterDeleteById0(other, again));
		assert_ok(FwpmTransactionAbort0(other));
		assert_int_equal(inbound_filter(p), again);
		assert_ok(FwpmTransactionBegin0(other, 0));
		assert_ok(FwpmFilterDeleteById0(other, again));
		assert_ok(FwpmTransactionCommit0(other));
		assert_int_equal(inbound_filter(p), 0);
	}
	client_session_end(other);
}

/* --- ids ---------------------------------------------------------------------------------------------------- */

static int id_compare(const void *a, const void *b)
{
	const UINT64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void no_id_is_given_twice(void **state)
{
	enum { SESSIONS = 4, OF_EACH = 200, IDS = SESSIONS * OF_EACH };
	HANDLE engine[SESSIONS];
	struct path p = paths[PATH_TUNNEL];
	UINT64 ids[IDS];

	(void)state;
	for (int i = 0; i < SESSIONS; i++)
		engine[i] = client_session(0, 0);
	for (int i = 0; i < IDS; i++) {
		p.engine = engine[i % SESSIONS];
		ids[i] = path_create(&p);
		context_delete(client.engine, ids[i]);
		if (i % 97 == 0) {
			client_session_end(engine[0]);
			engine[0] = client_session(0, 0);
		}
	}
	for (int i = 0; i < SESSIONS; i++)
		client_session_end(engine[i]);
	qsort(ids, IDS, sizeof(*ids), id_compare);
	assert_int_not_equal(ids[0], 0);
	for (int i = 1; i < IDS; i++)
		assert_int_not_equal(ids[i - 1], ids[i]);
}

/* --- delete -------------------------------------------------------------------------------------------------- */

static void what_a_context_uses_cannot_be_deleted_before_it(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 id = path_create(p);

		if (path_tunnel(p)) {
			assert_result(FwpmProviderContextDeleteById0(client.engine, p->outbound),
				      FWP_E_IN_USE);
		} else {
			assert_result(FwpmFilterDeleteById0(client.engine, p->outbound),
				      FWP_E_IN_USE);
			/* Of the inbound filter the context knows nothing yet. */
			assert_int_equal(policy_users(p, p->inbound), 0);
			assert_ok(IPsecSaContextSetSpi0(client.engine, id, &p->get, SPI));
			assert_int_equal(policy_users(p, p->inbound), 1);
			assert_result(FwpmFilterDeleteById0(client.engine, p->inbound),
				      FWP_E_IN_USE);
		}
		context_delete(client.engine, id);
		assert_int_equal(policy_users(p, p->outbound), 0);
		assert_int_equal(policy_users(p, p->inbound), 0);
		path_release(p);
	}
	client_sound(&client, "after all");
}

static void delete_takes_away_what_was_made_in_each_state(void **state)
{
	struct saxdp_tunnel tunnel;
	struct dump *before, *after;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];

		/* The tunnel and the endpoint stay. */
		context_delete(client.engine, path_create(p));
		for (int state_of = 0; state_of < 4; state_of++) {
			UINT64 id;

			before = client_dump(&client);
			id = state_of ? path_larval(p, SPI) : path_create(p);
			if (state_of > 1)
				path_inbound(p, id, SPI);
			if (state_of > 2)
				path_outbound(p, id, SPI);
			assert_int_equal(maps_serving(client.instance, p), state_of > 2 ? id : 0);
			context_delete(client.engine, id);
			assert_int_equal(maps_serving(client.instance, p), 0);
			after = client_dump(&client);
			dump_require_same(before, after, path_kind_name(kind));
			dump_free(before);
			dump_free(after);
			client_sound(&client, path_kind_name(kind));
		}
		assert_true(maps_tunnel(client.instance, p, &tunnel));
		assert_int_equal(tunnel.contexts, 0);
		assert_int_equal(maps_endpoint(client.instance, p), 0);
	}
}

static void what_the_sas_counted_goes_on_in_the_tunnel(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		struct saxdp_tunnel_info *tunnels;
		UINT64 id = path_context(p, SPI, SPI + 1);
		struct saxdp_sa sa;
		struct saxdp *s;
		size_t count, found = 0;

		assert_true(maps_sa(client.instance, p, SAXDP_INBOUND, SA_ESP, SPI, &sa));
		sa.packets = 10;
		sa.bytes = 1000;
		sa.packets_other = 1;
		sa.bytes_other = 100;
		maps_sa_put(client.instance, p, SAXDP_INBOUND, SA_ESP, SPI, &sa);
		assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI + 1, &sa));
		sa.packets = 20;
		sa.bytes = 3000;
		maps_sa_put(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI + 1, &sa);
		context_delete(client.engine, id);

		assert_int_equal(saxdp_open(client.instance, &s), 0);
		assert_int_equal(saxdp_tunnel_list(s, &tunnels, &count), 0);
		for (size_t i = 0; i < count; i++) {
			if (tunnels[i].policy != p->outbound ||
			    tunnels[i].type != (path_tunnel(p) ? SAXDP_TUNNEL : SAXDP_TRANSPORT))
				continue;
			found++;
			assert_int_equal(tunnels[i].inbound.packets, 11);
			assert_int_equal(tunnels[i].inbound.bytes, 1100);
			assert_int_equal(tunnels[i].outbound.packets, 20);
			assert_int_equal(tunnels[i].outbound.bytes, 3000);
		}
		assert_int_equal(found, 1);
		free(tunnels);
		saxdp_close(s);
	}
}

/* --- get ------------------------------------------------------------------------------------------------------ */

static void expect_inside(const void *block, const void *pointer, size_t size)
{
	const char *from = block, *at = pointer;

	assert_true(at >= from && at + size <= from + malloc_usable_size((void *)block));
}

static void expect_traffic(const IPSEC_TRAFFIC1 *given, const IPSEC_TRAFFIC1 *got)
{
	bool v6 = given->ipVersion == FWP_IP_VERSION_V6;

	assert_int_equal(got->ipVersion, given->ipVersion);
	assert_int_equal(got->trafficType, given->trafficType);
	assert_memory_equal(got->localV6Address, given->localV6Address, v6 ? 16 : 4);
	assert_memory_equal(got->remoteV6Address, given->remoteV6Address, v6 ? 16 : 4);
	assert_int_equal(got->ipsecFilterId, given->ipsecFilterId);
	assert_int_equal(got->localPort, given->localPort);
	assert_int_equal(got->remotePort, given->remotePort);
	assert_int_equal(got->ipProtocol, given->ipProtocol);
	assert_int_equal(got->localIfLuid, given->localIfLuid);
	assert_int_equal(got->realIfProfileId, given->realIfProfileId);
}

static void expect_filter(const void *block, UINT64 id, const FWPM_FILTER0 *got)
{
	FWPM_FILTER0 *own;

	expect_inside(block, got, sizeof(*got));
	assert_ok(FwpmFilterGetById0(client.engine, id, &own));
	assert_int_equal(got->filterId, id);
	assert_memory_equal(&got->filterKey, &own->filterKey, sizeof(GUID));
	assert_memory_equal(&got->layerKey, &own->layerKey, sizeof(GUID));
	assert_memory_equal(&got->action, &own->action, sizeof(got->action));
	assert_int_equal(got->numFilterConditions, own->numFilterConditions);
	expect_inside(block, got->filterCondition, sizeof(*got->filterCondition));
	assert_memory_equal(&got->filterCondition->fieldKey, &own->filterCondition->fieldKey,
			    sizeof(GUID));
	expect_inside(block, got->displayData.name, sizeof(wchar_t));
	expect_inside(block, got->effectiveWeight.uint64, sizeof(UINT64));
	assert_int_equal(*got->effectiveWeight.uint64, *own->effectiveWeight.uint64);
	FwpmFreeMemory0((void **)&own);
}

static void expect_details(const struct path *p, const void *block, const IPSEC_SA_DETAILS1 *d,
			   bool inbound, UINT32 spi, const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *info)
{
	IPSEC_TRAFFIC1 traffic = p->traffic;

	expect_inside(block, d, sizeof(*d));
	if (inbound)
		traffic.ipsecFilterId = p->inbound;
	assert_int_equal(d->ipVersion, traffic.ipVersion);
	assert_int_equal(d->saDirection, inbound ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND);
	expect_traffic(&traffic, &d->traffic);
	assert_int_equal(d->saBundle.numSAs, 1);
	expect_inside(block, d->saBundle.saList, sizeof(IPSEC_SA0));
	assert_int_equal(d->saBundle.saList[0].spi, spi);
	assert_int_equal(d->virtualIfTunnelInfo.virtualIfTunnelId,
			 info ? info->virtualIfTunnelId : 0);
	assert_int_equal(d->virtualIfTunnelInfo.trafficSelectorId,
			 info ? info->trafficSelectorId : 0);
	if (path_tunnel(p))
		assert_null(d->transportFilter);
	else
		expect_filter(block, inbound ? p->inbound : p->outbound, d->transportFilter);
	if (path_v6(p)) {
		assert_null(d->udpEncapsulation);
		return;
	}
	expect_inside(block, d->udpEncapsulation, sizeof(*d->udpEncapsulation));
	assert_int_equal(d->udpEncapsulation->localUdpEncapPort, 4500);
	assert_int_equal(d->udpEncapsulation->remoteUdpEncapPort, 61234);
}

static void get_returns_all_that_was_given(void **state)
{
	IPSEC_V4_UDP_ENCAPSULATION0 encap = { 4500, 61234 };
	const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 info = { 77, 88 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS * 2; kind++) {
		const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *given = kind >= PATH_KINDS ? &info : NULL;
		struct path p = paths[kind % PATH_KINDS];
		IPSEC_SA_CONTEXT1 *copy;
		UINT64 id;

		if (given) {
			p.traffic.localIfLuid = 0x123456789abcdef0;
			p.traffic.realIfProfileId = 0x13579bdf;
		}
		if (!path_tunnel(&p)) {
			p.traffic.ipProtocol = 17;
			p.traffic.remotePort = 1701;
		}
		p.get.inboundIpsecTraffic.ipProtocol = p.traffic.ipProtocol;
		p.get.inboundIpsecTraffic.remotePort = p.traffic.remotePort;
		p.get.inboundUdpEncapsulation = &encap; /* ignored with V6 */
		assert_ok(IPsecSaContextCreate1(client.engine, &p.traffic, given, NULL, &id));

		assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
		assert_int_equal(copy->saContextId, id);
		assert_null(copy->inboundSa);
		assert_null(copy->outboundSa);
		FwpmFreeMemory0((void **)&copy);
		assert_null(copy);

		assert_ok(IPsecSaContextSetSpi0(client.engine, id, &p.get, SPI));
		assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
		assert_null(copy->inboundSa);
		FwpmFreeMemory0((void **)&copy);

		path_inbound(&p, id, SPI);
		assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
		expect_details(&p, copy, copy->inboundSa, true, SPI, given);
		assert_null(copy->outboundSa);
		FwpmFreeMemory0((void **)&copy);

		path_outbound(&p, id, SPI + 1);
		assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
		expect_details(&p, copy, copy->inboundSa, true, SPI, given);
		expect_details(&p, copy, copy->outboundSa, false, SPI + 1, given);
		context_delete(client.engine, id);
		/* The copy is the caller's: it does not change with the context, nor end with it. */
		assert_int_equal(copy->outboundSa->saBundle.saList[0].spi, SPI + 1);
		FwpmFreeMemory0((void **)&copy);
		copy = (IPSEC_SA_CONTEXT1 *)&encap;
		assert_result(IPsecSaContextGetById1(client.engine, id, &copy), FWP_E_NOT_FOUND);
		assert_ptr_equal(copy, &encap);
	}
}

/* --- full maps ---------------------------------------------------------------------------------------------- */

static int setup_small(void **state)
{
	(void)state;
	client_open(&client, "sa-full", 4);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &paths[kind]);
	return 0;
}

static void what_does_not_fit_is_refused_and_fits_again_after_a_delete(void **state)
{
	UINT64 ids[4];

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		/* A tunnel without contexts, which a create that fails must not collect. */
		struct path p = paths[kind];

		path_set_peer(&p, 2);
		context_delete(client.engine, path_create(&p));
		for (int i = 0; i < 4; i++)
			ids[i] = path_context(&paths[kind], SPI + i, SPI + i);
		refuse("the fifth of four", &paths[kind], ERROR_NO_SYSTEM_RESOURCES);
		for (int i = 0; i < 1000; i++) {
			context_delete(client.engine, ids[i % 4]);
			ids[i % 4] = path_create(&paths[kind]);
		}
		refuse("the fifth of four, later", &paths[kind], ERROR_NO_SYSTEM_RESOURCES);
		client_sound(&client, path_kind_name(kind));
		for (int i = 0; i < 4; i++)
			context_delete(client.engine, ids[i]);
	}
}

/* Each leaves a tunnel and an endpoint behind: their maps hold 8 and 4 in all. */
static void idle_tunnels_and_endpoints_make_room(void **state)
{
	struct saxdp_engine e;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind];

		for (unsigned int i = 0; i < 100; i++) {
			path_set_peer(&p, 10 + i);
			path_set_local(&p, 10 + i % 50);
			context_delete(client.engine, path_context(&p, SPI, SPI));
		}
	}
	client_sound(&client, "after 400 peers");
	maps_engine(client.instance, &e);
	assert_int_equal(e.contexts, 0);
}

static void a_full_map_of_sas_refuses_bundles(void **state)
{
	/* Room for two SAs of each context, and each of these has four. */
	const struct path *p = &paths[PATH_TUNNEL];
	struct dump *before;
	struct made_bundle b;
	DWORD result = ERROR_SUCCESS;
	unsigned int refused = 0;
	UINT64 ids[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		ids[i] = path_create(p);
	for (int i = 0; i < 4; i++) {
		for (int step = 0; step < 3; step++) {
			before = client_dump(&client);
			made_bundle(&b, FWP_IP_VERSION_V4, SPI + i, SPI + i);
			if (step == 0)
				result = IPsecSaContextSetSpi0(client.engine, ids[i], &p->get,
							       SPI + i);
			else if (step == 1)
				result =
					IPsecSaContextAddInbound1(client.engine, ids[i], &b.bundle);
			else
				result = IPsecSaContextAddOutbound1(client.engine, ids[i],
								    &b.bundle);
			if (!result) {
				dump_free(before);
				continue;
			}
			assert_int_equal(result, ERROR_NO_SYSTEM_RESOURCES);
			client_same(&client, before, "a call on a full map");
			refused++;
			break;
		}
	}
	assert_int_equal(refused, 2);
	assert_int_equal(maps_count(client.instance, "sa4"), 8);
	for (int i = 0; i < 4; i++)
		context_delete(client.engine, ids[i]);
	client_sound(&client, "after all");
}

int main(void)
{
#define STORY(name)	  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SMALL_STORY(name) cmocka_unit_test_setup_teardown(name, setup_small, teardown)
	const struct CMUnitTest tests[] = {
		STORY(a_context_of_each_kind_is_created),
		STORY(traffic_narrows_a_filter_by_protocol_and_ports),
		STORY(a_port_may_take_its_protocol_from_the_filter),
		STORY(a_filter_and_a_tunnel_policy_of_one_number_are_two_policies),
		STORY(traffic_that_cannot_be_is_refused),
		STORY(an_end_that_is_no_host_is_refused),
		STORY(ports_where_there_are_none_are_refused),
		STORY(a_policy_that_does_not_fit_is_refused),
		STORY(a_policy_that_was_deleted_is_refused_to_whoever_used_it),
		STORY(the_inbound_filter_is_never_stale),
		STORY(no_id_is_given_twice),
		STORY(what_a_context_uses_cannot_be_deleted_before_it),
		STORY(delete_takes_away_what_was_made_in_each_state),
		STORY(what_the_sas_counted_goes_on_in_the_tunnel),
		STORY(get_returns_all_that_was_given),
		SMALL_STORY(what_does_not_fit_is_refused_and_fits_again_after_a_delete),
		SMALL_STORY(idle_tunnels_and_endpoints_make_room),
		SMALL_STORY(a_full_map_of_sas_refuses_bundles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
