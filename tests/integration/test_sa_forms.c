// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The older forms IPsecSaContextCreate0, GetById0 and GetSpi0 and the newer ones see each other's
 * contexts, also from another process, and refuse the same.
 */
#include <string.h>

#include "check.h"
#include "child.h"
#include "client.h"
#include "scratch.h"

enum { CONTEXTS = 16, SPI = 0x1000, UNTOUCHED = 0x5a5a5a5a };

static struct client client;
static struct path paths[PATH_KINDS];

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-forms", CONTEXTS);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &paths[kind]);
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

static IPSEC_TRAFFIC0 traffic_older(const IPSEC_TRAFFIC1 *t)
{
	IPSEC_TRAFFIC0 older = {
		.ipVersion = t->ipVersion,
		.trafficType = t->trafficType,
		.ipsecFilterId = t->ipsecFilterId,
		.remotePort = t->remotePort,
	};

	memcpy(older.localV6Address, t->localV6Address, 16);
	memcpy(older.remoteV6Address, t->remoteV6Address, 16);
	return older;
}

static IPSEC_GETSPI0 get_older(const IPSEC_GETSPI1 *get)
{
	return (IPSEC_GETSPI0){
		.inboundIpsecTraffic = traffic_older(&get->inboundIpsecTraffic),
		.ipVersion = get->ipVersion,
		.inboundUdpEncapsulation = get->inboundUdpEncapsulation,
	};
}

/* --- one form from the other ---------------------------------------------------------------------- */

struct made {
	const struct path *path;
	UINT64 id;
	UINT32 spi;
	IPSEC_TRAFFIC1 traffic; /* what it must have */
};

static void expect_older(const IPSEC_SA_DETAILS0 *d, const IPSEC_SA_DETAILS1 *newer)
{
	IPSEC_TRAFFIC0 traffic = traffic_older(&newer->traffic);

	assert_int_equal(d->ipVersion, newer->ipVersion);
	assert_int_equal(d->saDirection, newer->saDirection);
	assert_int_equal(d->traffic.ipVersion, traffic.ipVersion);
	assert_int_equal(d->traffic.trafficType, traffic.trafficType);
	assert_memory_equal(d->traffic.localV6Address, traffic.localV6Address, 16);
	assert_memory_equal(d->traffic.remoteV6Address, traffic.remoteV6Address, 16);
	assert_int_equal(d->traffic.ipsecFilterId, traffic.ipsecFilterId);
	assert_int_equal(d->traffic.remotePort, traffic.remotePort);

	assert_int_equal(d->saBundle.flags, newer->saBundle.flags);
	assert_memory_equal(&d->saBundle.lifetime, &newer->saBundle.lifetime,
			    sizeof(IPSEC_SA_LIFETIME0));
	assert_int_equal(d->saBundle.idleTimeoutSeconds, newer->saBundle.idleTimeoutSeconds);
	assert_int_equal(d->saBundle.napContext, newer->saBundle.napContext);
	assert_int_equal(d->saBundle.qmSaId, newer->saBundle.qmSaId);
	assert_int_equal(d->saBundle.mmSaId, newer->saBundle.mmSaId);
	assert_int_equal(d->saBundle.pfsGroup, newer->saBundle.pfsGroup);
	assert_int_equal(d->saBundle.ipVersion, newer->saBundle.ipVersion);
	assert_int_equal(d->saBundle.numSAs, newer->saBundle.numSAs);
	assert_int_equal(d->saBundle.saList[0].spi, newer->saBundle.saList[0].spi);
	assert_int_equal(d->saBundle.saList[0].saTransformType,
			 newer->saBundle.saList[0].saTransformType);
	assert_int_equal(!d->udpEncapsulation, !newer->udpEncapsulation);
	if (d->udpEncapsulation)
		assert_memory_equal(d->udpEncapsulation, newer->udpEncapsulation,
				    sizeof(*d->udpEncapsulation));
	assert_int_equal(!d->transportFilter, !newer->transportFilter);
	if (d->transportFilter)
		assert_int_equal(d->transportFilter->filterId, newer->transportFilter->filterId);
}

/* In a process of its own. */
static int both_forms_show_it(struct child *self, void *arg)
{
	const struct made *m = arg;
	HANDLE engine = client_session(0, 0);
	IPSEC_SA_CONTEXT0 *older;
	IPSEC_SA_CONTEXT1 *newer;

	(void)self;
	assert_ok(IPsecSaContextGetById0(engine, m->id, &older));
	assert_ok(IPsecSaContextGetById1(engine, m->id, &newer));
	assert_int_equal(older->saContextId, m->id);
	assert_non_null(newer->outboundSa);
	assert_int_equal(newer->outboundSa->traffic.ipsecFilterId, m->traffic.ipsecFilterId);
	assert_int_equal(newer->outboundSa->traffic.localPort, m->traffic.localPort);
	assert_int_equal(newer->outboundSa->traffic.remotePort, m->traffic.remotePort);
	assert_int_equal(newer->outboundSa->traffic.ipProtocol, m->traffic.ipProtocol);
	assert_memory_equal(newer->outboundSa->traffic.localV6Address, m->traffic.localV6Address,
			    path_v6(m->path) ? 16 : 4);
	assert_memory_equal(newer->outboundSa->traffic.remoteV6Address, m->traffic.remoteV6Address,
			    path_v6(m->path) ? 16 : 4);
	assert_int_equal(newer->inboundSa->saBundle.saList[0].spi, m->spi);
	assert_int_equal(newer->outboundSa->saBundle.saList[0].spi, SPI);
	expect_older(older->inboundSa, newer->inboundSa);
	expect_older(older->outboundSa, newer->outboundSa);
	FwpmFreeMemory0((void **)&older);
	FwpmFreeMemory0((void **)&newer);
	client_session_end(engine);
	return 0;
}

static void bundles_add(const struct path *p, UINT64 id, UINT32 spi, bool older)
{
	struct made_bundle b;
	IPSEC_SA_BUNDLE0 b0;

	made_bundle(&b, p->traffic.ipVersion, spi, 0);
	b.bundle.lifetime = (IPSEC_SA_LIFETIME0){ 3600, 1000000, 500000 };
	b.bundle.idleTimeoutSeconds = 300;
	b.bundle.qmSaId = 7;
	b.bundle.mmSaId = 0x123456789abc;
	b.bundle.napContext = 9;
	b.bundle.pfsGroup = IPSEC_PFS_2;
	b0 = made_bundle_older(&b);
	if (older)
		assert_ok(IPsecSaContextAddInbound0(client.engine, id, &b0));
	else
		assert_ok(IPsecSaContextAddInbound1(client.engine, id, &b.bundle));
	b.sa[0].spi = SPI;
	b0 = made_bundle_older(&b);
	if (older)
		assert_ok(IPsecSaContextAddOutbound0(client.engine, id, &b0));
	else
		assert_ok(IPsecSaContextAddOutbound1(client.engine, id, &b.bundle));
}

static void what_the_older_forms_make_the_newer_show(void **state)
{
	IPSEC_V4_UDP_ENCAPSULATION0 encap = { 4500, 61234 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind];
		struct made m = { .path = &p, .traffic = p.traffic };
		IPSEC_TRAFFIC0 traffic = traffic_older(&p.traffic);
		UINT64 filter = UNTOUCHED;
		IPSEC_GETSPI0 get;

		p.get.inboundUdpEncapsulation = &encap;
		get = get_older(&p.get);
		assert_ok(IPsecSaContextCreate0(client.engine, &traffic, &filter, &m.id));
		assert_int_equal(filter, path_tunnel(&p) ? 0 : p.inbound);
		assert_ok(IPsecSaContextGetSpi0(client.engine, m.id, &get, &m.spi));
		bundles_add(&p, m.id, m.spi, true);
		child_run(NULL, both_forms_show_it, &m);
		client_sound(&client, path_kind_name(kind));
		context_delete(client.engine, m.id);
		assert_ok(IPsecSaContextCreate0(client.engine, &traffic, NULL, &m.id));
		context_delete(client.engine, m.id);
	}
}

static void what_the_newer_forms_make_the_older_show(void **state)
{
	static const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 info = { 5, 6 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind];
		struct made m = { .path = &p };

		p.traffic.localIfLuid = 0x1122334455667788;
		p.traffic.realIfProfileId = 9;
		if (!path_tunnel(&p)) {
			p.traffic.ipProtocol = p.get.inboundIpsecTraffic.ipProtocol = 17;
			p.traffic.localPort = p.get.inboundIpsecTraffic.localPort = 1701;
			p.traffic.remotePort = p.get.inboundIpsecTraffic.remotePort = 4321;
		}
		m.traffic = p.traffic;
		assert_ok(IPsecSaContextCreate1(client.engine, &p.traffic, &info, NULL, &m.id));
		assert_ok(IPsecSaContextGetSpi1(client.engine, m.id, &p.get, &m.spi));
		bundles_add(&p, m.id, m.spi, false);
		child_run(NULL, both_forms_show_it, &m);
		context_delete(client.engine, m.id);
	}
}

/* The older form cannot name the local port and the protocol: they are the context's. */
static void both_forms_get_one_spi(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		for (int older_first = 0; older_first < 2; older_first++) {
			struct path p = paths[kind];
			IPSEC_SA_SPI spi[2] = {}, untouched = UNTOUCHED;
			IPSEC_GETSPI0 get;
			UINT64 id;

			if (!path_tunnel(&p)) {
				p.traffic.ipProtocol = p.get.inboundIpsecTraffic.ipProtocol = 17;
				p.traffic.localPort = p.get.inboundIpsecTraffic.localPort = 1701;
				p.traffic.remotePort = p.get.inboundIpsecTraffic.remotePort = 4321;
			}
			id = path_create(&p);
			get = get_older(&p.get);
			for (int i = 0; i < 2; i++) {
				if (i != older_first)
					assert_ok(IPsecSaContextGetSpi0(client.engine, id, &get,
									&spi[i]));
				else
					assert_ok(IPsecSaContextGetSpi1(client.engine, id, &p.get,
									&spi[i]));
			}
			assert_int_equal(spi[0], spi[1]);
			assert_true(spi[0] >= 256);
			if (!path_tunnel(&p)) {
				get.inboundIpsecTraffic.remotePort++;
				assert_result(IPsecSaContextGetSpi0(client.engine, id, &get,
								    &untouched),
					      FWP_E_TRAFFIC_MISMATCH);
			}
			get = get_older(&p.get);
			get.inboundIpsecTraffic.remoteV6Address[3] ^= 1;
			assert_result(IPsecSaContextGetSpi0(client.engine, id, &get, &untouched),
				      FWP_E_TRAFFIC_MISMATCH);
			assert_int_equal(untouched, UNTOUCHED);
			context_delete(client.engine, id);
		}
	}
}

/* --- refusals ------------------------------------------------------------------------------------------- */

/* What a fault does to the arguments of all calls; each must have one answer in both forms. */
struct fault {
	const char *name;
	void (*make)(struct path *p);
	DWORD create, spi;
};

static void none(struct path *p)
{
	(void)p;
}

static void no_version(struct path *p)
{
	p->traffic.ipVersion = p->get.inboundIpsecTraffic.ipVersion = FWP_IP_VERSION_NONE;
}

static void no_type(struct path *p)
{
	p->traffic.trafficType = IPSEC_TRAFFIC_TYPE_MAX;
	p->get.inboundIpsecTraffic.trafficType = IPSEC_TRAFFIC_TYPE_MAX;
}

static void no_peer(struct path *p)
{
	memset(p->traffic.remoteV6Address, 0, 16);
	memset(p->get.inboundIpsecTraffic.remoteV6Address, 0, 16);
}

static void no_policy(struct path *p)
{
	p->traffic.ipsecFilterId = p->get.inboundIpsecTraffic.ipsecFilterId = 1ULL << 40;
}

static void wrong_layer(struct path *p)
{
	p->traffic.ipsecFilterId = p->inbound;
	p->get.inboundIpsecTraffic.ipsecFilterId = p->outbound;
}

static void a_port_alone(struct path *p)
{
	p->traffic.remotePort = 1;
	p->get.inboundIpsecTraffic.remotePort = 1;
}

static void versions_differ(struct path *p)
{
	p->get.ipVersion = FWP_IP_VERSION_V6;
}

static const struct fault faults[] = {
	{ "none", none, ERROR_SUCCESS, ERROR_SUCCESS },
	{ "no version", no_version, FWP_E_INVALID_ENUMERATOR, FWP_E_INVALID_ENUMERATOR },
	{ "no type", no_type, FWP_E_INVALID_ENUMERATOR, FWP_E_INVALID_ENUMERATOR },
	{ "no peer", no_peer, FWP_E_INVALID_PARAMETER, FWP_E_INVALID_PARAMETER },
	{ "no policy", no_policy, FWP_E_FILTER_NOT_FOUND, FWP_E_FILTER_NOT_FOUND },
	{ "wrong layer", wrong_layer, FWP_E_INCOMPATIBLE_LAYER, FWP_E_INCOMPATIBLE_LAYER },
	{ "a port alone", a_port_alone, FWP_E_INVALID_PARAMETER, FWP_E_TRAFFIC_MISMATCH },
	{ "versions differ", versions_differ, ERROR_SUCCESS, FWP_E_INVALID_PARAMETER },
};

static void both_forms_refuse_the_same(void **state)
{
	UINT64 context = path_create(&paths[PATH_TRANSPORT]), id;
	UINT64 other = path_create(&paths[PATH_TRANSPORT]);

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct path p = paths[PATH_TRANSPORT];
		IPSEC_SA_SPI spi;
		IPSEC_TRAFFIC0 traffic;
		IPSEC_GETSPI0 get;
		DWORD result[4];

		faults[i].make(&p);
		traffic = traffic_older(&p.traffic);
		get = get_older(&p.get);
		result[0] = IPsecSaContextCreate0(client.engine, &traffic, NULL, &id);
		if (!result[0])
			context_delete(client.engine, id);
		result[1] = IPsecSaContextCreate1(client.engine, &p.traffic, NULL, NULL, &id);
		if (!result[1])
			context_delete(client.engine, id);
		result[2] = IPsecSaContextGetSpi0(client.engine, context, &get, &spi);
		result[3] = IPsecSaContextGetSpi1(client.engine, other, &p.get, &spi);
		for (int call = 0; call < 4; call++) {
			DWORD wanted = call < 2 ? faults[i].create : faults[i].spi;

			if (result[call] != wanted)
				fail_msg("%s: %s%d: 0x%08x, not 0x%08x", faults[i].name,
					 call < 2 ? "Create" : "GetSpi", call % 2, result[call],
					 wanted);
		}
		if (!i) { /* the others have to refuse a context that has no SPI */
			context_delete(client.engine, context);
			context_delete(client.engine, other);
			context = path_create(&paths[PATH_TRANSPORT]);
			other = path_create(&paths[PATH_TRANSPORT]);
		}
	}
}

static void null_and_state_are_refused_as_documented(void **state)
{
	struct path p = paths[PATH_TUNNEL];
	IPSEC_TRAFFIC0 traffic = traffic_older(&p.traffic);
	IPSEC_GETSPI0 get = get_older(&p.get);
	UINT64 id = UNTOUCHED, filter = UNTOUCHED, context = path_create(&p);
	HANDLE dynamic = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0);
	IPSEC_SA_SPI spi = UNTOUCHED;
	IPSEC_SA_CONTEXT0 *copy = (IPSEC_SA_CONTEXT0 *)&id;

	(void)state;
	assert_result(IPsecSaContextCreate0(NULL, &traffic, &filter, &id), ERROR_INVALID_HANDLE);
	assert_result(IPsecSaContextCreate0(client.engine, NULL, &filter, &id), FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextCreate0(client.engine, &traffic, &filter, NULL),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextCreate0(dynamic, &traffic, &filter, &id),
		      FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	assert_result(IPsecSaContextGetSpi0(NULL, context, &get, &spi), ERROR_INVALID_HANDLE);
	assert_result(IPsecSaContextGetSpi0(client.engine, context, NULL, &spi),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextGetSpi0(client.engine, context, &get, NULL),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextGetSpi0(client.engine, 1ULL << 40, &get, &spi),
		      FWP_E_NOT_FOUND);
	assert_result(IPsecSaContextGetById0(NULL, context, &copy), ERROR_INVALID_HANDLE);
	assert_result(IPsecSaContextGetById0(client.engine, context, NULL), FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextGetById0(client.engine, 1ULL << 40, &copy), FWP_E_NOT_FOUND);

	assert_ok(FwpmTransactionBegin0(client.engine, 0));
	assert_result(IPsecSaContextCreate0(client.engine, &traffic, &filter, &id),
		      FWP_E_TXN_IN_PROGRESS);
	assert_result(IPsecSaContextGetSpi0(client.engine, context, &get, &spi),
		      FWP_E_TXN_IN_PROGRESS);
	assert_ok(FwpmTransactionAbort0(client.engine));

	assert_ok(IPsecSaContextSetSpi0(client.engine, context, &p.get, SPI));
	assert_result(IPsecSaContextGetSpi0(client.engine, context, &get, &spi),
		      FWP_E_INCOMPATIBLE_SA_STATE);
	assert_int_equal(id, UNTOUCHED);
	assert_int_equal(filter, UNTOUCHED);
	assert_int_equal(spi, UNTOUCHED);
	assert_ptr_equal(copy, &id);
	client_session_end(dynamic);
}

static int older_forms_of_a_reader(struct child *self, void *arg)
{
	UINT64 context = *(const UINT64 *)arg, id = UNTOUCHED;
	struct path p = paths[PATH_TUNNEL];
	IPSEC_TRAFFIC0 traffic = traffic_older(&p.traffic);
	IPSEC_GETSPI0 get = get_older(&p.get);
	HANDLE engine = client_session(0, 0);
	IPSEC_SA_SPI spi = UNTOUCHED;
	IPSEC_SA_CONTEXT0 *copy;

	(void)self;
	assert_result(IPsecSaContextCreate0(engine, &traffic, NULL, &id), ERROR_ACCESS_DENIED);
	assert_result(IPsecSaContextGetSpi0(engine, context, &get, &spi), ERROR_ACCESS_DENIED);
	assert_int_equal(id, UNTOUCHED);
	assert_int_equal(spi, UNTOUCHED);
	assert_ok(IPsecSaContextGetById0(engine, context, &copy));
	assert_int_equal(copy->saContextId, context);
	FwpmFreeMemory0((void **)&copy);
	client_session_end(engine);
	return 0;
}

static void rights_and_the_end_of_the_engine_are_those_of_the_newer_forms(void **state)
{
	const struct identity reader = { .uid = 61031, .gid = CLIENT_READERS };
	struct path p = paths[PATH_TUNNEL];
	IPSEC_TRAFFIC0 traffic = traffic_older(&p.traffic);
	IPSEC_GETSPI0 get = get_older(&p.get);
	UINT64 context = path_create(&p), id = UNTOUCHED;
	IPSEC_SA_CONTEXT0 *copy = (IPSEC_SA_CONTEXT0 *)&id;
	IPSEC_SA_SPI spi = UNTOUCHED;

	(void)state;
	child_run(&(struct child_opts){ .as = &reader }, older_forms_of_a_reader, &context);
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	assert_result(IPsecSaContextCreate0(client.engine, &traffic, NULL, &id),
		      RPC_E_DISCONNECTED);
	assert_result(IPsecSaContextGetSpi0(client.engine, context, &get, &spi),
		      RPC_E_DISCONNECTED);
	assert_result(IPsecSaContextGetById0(client.engine, context, &copy), RPC_E_DISCONNECTED);
	assert_int_equal(id, UNTOUCHED);
	assert_int_equal(spi, UNTOUCHED);
	assert_ptr_equal(copy, &id);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_the_older_forms_make_the_newer_show),
		STORY(what_the_newer_forms_make_the_older_show),
		STORY(both_forms_get_one_spi),
		STORY(both_forms_refuse_the_same),
		STORY(null_and_state_are_refused_as_documented),
		STORY(rights_and_the_end_of_the_engine_are_those_of_the_newer_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
