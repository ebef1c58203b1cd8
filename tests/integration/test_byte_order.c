// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * In which order the bytes of addresses, masks, ports and SPIs stand, one test for each place: in
 * host order for whatever is of IPv4 or a number, IPv6 addresses as on the wire, and in the maps
 * everything as on the wire. A session may have IPv6 addresses reversed in traffic and endpoints.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

enum { CONTEXTS = 16, SPI = 0x01020304 };

/* As on the wire. */
static const UINT8 local6[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const UINT8 remote6[16] = { 0x20, 1,  0xd, 0xb8, 21, 22, 23, 24,
				   25,	 26, 27,  28,	29, 30, 31, 32 };

static struct client client;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "byte-order", CONTEXTS);
	return 0;
}

static int teardown(void **state)
{
	unsetenv("SAXDP_QUIRKS");
	client_close(&client);
	return scratch_teardown(state);
}

static void reverse(const UINT8 from[16], UINT8 to[16])
{
	for (int i = 0; i < 16; i++)
		to[i] = from[15 - i];
}

/* --- without a quirk ------------------------------------------------------------------------------------- */

static void ipv4_addresses_of_traffic_are_in_host_order(void **state)
{
	struct saxdp_context c;
	struct path p;
	UINT64 id;

	(void)state;
	path_make(&client, PATH_TUNNEL, 1, &p);
	p.traffic.localV4Address = 0x0a010203; /* 10.1.2.3 */
	p.traffic.remoteV4Address = 0x0a040506;
	id = path_create(&p);
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(c.local, "\x0a\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(c.remote, "\x0a\x04\x05\x06\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void ipv6_addresses_of_traffic_are_as_on_the_wire(void **state)
{
	struct saxdp_context c;
	struct path p;
	UINT64 id;

	(void)state;
	path_make(&client, PATH_TUNNEL | PATH_V6, 1, &p);
	memcpy(p.traffic.localV6Address, local6, 16);
	memcpy(p.traffic.remoteV6Address, remote6, 16);
	id = path_create(&p);
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(c.local, local6, 16);
	assert_memory_equal(c.remote, remote6, 16);
}

static void ports_are_in_host_order(void **state)
{
	IPSEC_V4_UDP_ENCAPSULATION0 encap = { 0x1194, 0xc350 }; /* 4500, 50000 */
	IPSEC_TRAFFIC1 *inbound;
	struct saxdp_context c;
	struct path p;
	UINT64 id;

	(void)state;
	path_make(&client, PATH_TRANSPORT, 1, &p);
	inbound = &p.get.inboundIpsecTraffic;
	p.traffic.ipProtocol = inbound->ipProtocol = 17;
	p.traffic.localPort = inbound->localPort = 0x06a5; /* 1701 */
	p.traffic.remotePort = inbound->remotePort = 0x1234;
	p.get.inboundUdpEncapsulation = &encap;
	id = path_larval(&p, SPI);
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(&c.local_port, "\x06\xa5", 2);
	assert_memory_equal(&c.remote_port, "\x12\x34", 2);
	assert_memory_equal(&c.encap_local, "\x11\x94", 2);
	assert_memory_equal(&c.encap_remote, "\xc3\x50", 2);
}

static void spis_are_in_host_order(void **state)
{
	struct made_bundle b;
	struct saxdp_context c;
	IPSEC_SA_SPI chosen;
	struct path p;
	UINT64 id;

	(void)state;
	path_make(&client, PATH_TUNNEL, 1, &p);
	id = path_larval(&p, SPI);
	made_bundle(&b, FWP_IP_VERSION_V4, SPI, 0x05060708);
	assert_ok(IPsecSaContextAddInbound1(client.engine, id, &b.bundle));
	made_bundle(&b, FWP_IP_VERSION_V4, 0x11121314, 0);
	assert_ok(IPsecSaContextAddOutbound1(client.engine, id, &b.bundle));
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(&c.inbound_spi, "\1\2\3\4", 4);
	assert_memory_equal(&c.inbound.spi[0], "\1\2\3\4", 4);
	assert_memory_equal(&c.inbound.spi[1], "\5\6\7\10", 4);
	assert_memory_equal(&c.outbound.spi[0], "\x11\x12\x13\x14", 4);
	/* maps_sa() makes keys as packets have them. */
	assert_true(maps_sa(client.instance, &p, SAXDP_INBOUND, SA_ESP, SPI, NULL));
	id = path_create(&p);
	assert_ok(IPsecSaContextGetSpi1(client.engine, id, &p.get, &chosen));
	assert_true(maps_sa(client.instance, &p, SAXDP_INBOUND, SA_LARVAL, chosen, NULL));
}

static void expect_endpoints(UINT64 policy, const UINT8 local[16], const UINT8 remote[16])
{
	struct saxdp_prov_context c;

	assert_true(maps_get(client.instance, "prov_context", &policy, &c));
	assert_memory_equal(c.local, local, 16);
	assert_memory_equal(c.remote, remote, 16);
}

static void endpoints_of_policies_are_as_in_traffic(void **state)
{
	IPSEC_TUNNEL_ENDPOINTS0 ends = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0x0a010203,
		.remoteV4Address = 0x0a040506,
	};

	(void)state;
	expect_endpoints(tunnel_policy_make(client.engine, &ends),
			 (const UINT8 *)"\x0a\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0",
			 (const UINT8 *)"\x0a\x04\x05\x06\0\0\0\0\0\0\0\0\0\0\0");
	ends.ipVersion = FWP_IP_VERSION_V6;
	memcpy(ends.localV6Address, local6, 16);
	memcpy(ends.remoteV6Address, remote6, 16);
	expect_endpoints(tunnel_policy_make(client.engine, &ends), local6, remote6);
}

static UINT64 inbound_filter_of(const struct path *p)
{
	UINT64 id, filter;

	assert_ok(IPsecSaContextCreate1(p->engine, &p->traffic, NULL, &filter, &id));
	context_delete(p->engine, id);
	return filter;
}

/* Of two filters only the one whose address and mask are in the order that traffic has is found. */
static void addresses_and_masks_of_conditions_are_as_in_traffic(void **state)
{
	FWP_V4_ADDR_AND_MASK net = { 0x0a040000, 0xffff0000 },
			     reversed = { 0x0000040a, 0x0000ffff };
	FWPM_FILTER_CONDITION0 condition = {
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_V4_ADDR_MASK, .v4AddrMask = &net },
	};
	FWP_V6_ADDR_AND_MASK net6 = { .prefixLength = 64 };
	struct path p;
	UINT64 filter;
	DWORD result;

	(void)state;
	path_make(&client, PATH_TRANSPORT, 1, &p);
	p.traffic.remoteV4Address = 0x0a040506; /* 10.4.5.6 */
	filter = filter_make(client.engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, &condition, 1,
			     NULL);
	assert_int_equal(inbound_filter_of(&p), filter);
	p.traffic.remoteV4Address = 0x0605040a;
	assert_int_equal(inbound_filter_of(&p), 0);
	/* A mask in the other order has a gap or is another net: never this one. */
	condition.conditionValue.v4AddrMask = &reversed;
	result = FwpmFilterAdd0(client.engine,
				&(FWPM_FILTER0){ .displayData.name = (wchar_t[]){ L'x', 0 },
						 .layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4,
						 .action.type = FWP_ACTION_PERMIT,
						 .numFilterConditions = 1,
						 .filterCondition = &condition },
				NULL, NULL);
	assert_int_equal(result, FWP_E_INVALID_NET_MASK);

	path_make(&client, PATH_TRANSPORT | PATH_V6, 1, &p);
	memcpy(p.traffic.remoteV6Address, remote6, 16);
	memcpy(net6.addr, remote6, 8);
	condition.conditionValue =
		(FWP_CONDITION_VALUE0){ .type = FWP_V6_ADDR_MASK, .v6AddrMask = &net6 };
	filter = filter_make(client.engine, &FWPM_LAYER_INBOUND_TRANSPORT_V6, NULL, &condition, 1,
			     NULL);
	assert_int_equal(inbound_filter_of(&p), filter);
	reverse(remote6, p.traffic.remoteV6Address);
	assert_int_equal(inbound_filter_of(&p), 0);
}

static void ports_of_conditions_are_in_host_order(void **state)
{
	FWPM_FILTER_CONDITION0 conditions[] = {
		{ FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, { FWP_UINT8, { 17 } } },
		{ FWPM_CONDITION_IP_REMOTE_PORT,
		  FWP_MATCH_EQUAL,
		  { .type = FWP_UINT16, .uint16 = 0x1234 } },
	};
	struct path p;
	UINT64 filter;

	(void)state;
	path_make(&client, PATH_TRANSPORT, 1, &p);
	/* Without the callout, so it is found only where the path's own is not. */
	assert_ok(FwpmFilterDeleteById0(client.engine, p.inbound));
	filter = filter_make(client.engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, conditions, 2,
			     NULL);
	p.traffic.ipProtocol = 17;
	p.traffic.remotePort = 0x1234;
	assert_int_equal(inbound_filter_of(&p), filter);
	p.traffic.remotePort = 0x3412;
	assert_int_equal(inbound_filter_of(&p), 0);
}

/* --- the helpers ------------------------------------------------------------------------------------------- */

static void the_helpers_give_what_a_session_without_quirks_wants(void **state)
{
	struct saxdp_context c;
	struct in6_addr in, back;
	IPSEC_SA_CONTEXT1 *copy;
	struct path p;
	UINT64 id;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:102:304:506:708:90a:b0c", &in), 1);
	assert_memory_equal(&in, local6, 16);
	path_make(&client, PATH_TUNNEL | PATH_V6, 1, &p);
	saxdp_in6_to_array(&in, p.traffic.localV6Address);
	saxdp_in6_to_array(&in, p.get.inboundIpsecTraffic.localV6Address);
	id = path_context(&p, SPI, SPI);
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(c.local, &in, 16);
	assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
	saxdp_array_to_in6(copy->outboundSa->traffic.localV6Address, &back);
	assert_memory_equal(&back, &in, 16);
	FwpmFreeMemory0((void **)&copy);
}

/* --- the quirk --------------------------------------------------------------------------------------------- */

/* In that session; everything but IPv6 addresses of traffic and endpoints stays as it was. */
static void expect_reversed(HANDLE engine)
{
	struct client own = { .instance = client.instance, .engine = engine };
	IPSEC_TUNNEL_ENDPOINTS0 ends = { .ipVersion = FWP_IP_VERSION_V6 };
	struct saxdp_context c;
	IPSEC_SA_CONTEXT1 *copy;
	struct path p, v4;
	UINT8 local[16], remote[16];
	FWPM_FILTER0 *filter;
	UINT64 id;

	reverse(local6, local);
	reverse(remote6, remote);
	memcpy(ends.localV6Address, local, 16);
	memcpy(ends.remoteV6Address, remote, 16);
	expect_endpoints(tunnel_policy_make(engine, &ends), local6, remote6);

	/* Filters as on the wire, traffic reversed: they fit each other. */
	path_make(&own, PATH_TRANSPORT | PATH_V6, 1, &p);
	reverse(p.traffic.localV6Address, local);
	reverse(p.traffic.remoteV6Address, remote);
	for (int i = 0; i < 2; i++) {
		IPSEC_TRAFFIC1 *t = i ? &p.get.inboundIpsecTraffic : &p.traffic;

		memcpy(t->localV6Address, local, 16);
		memcpy(t->remoteV6Address, remote, 16);
	}
	assert_int_equal(inbound_filter_of(&p), p.inbound);
	id = path_context(&p, SPI, SPI);
	assert_true(maps_context(client.instance, id, &c));
	assert_ok(IPsecSaContextGetById1(engine, id, &copy));
	assert_memory_equal(copy->inboundSa->traffic.localV6Address, p.traffic.localV6Address, 16);
	assert_memory_equal(copy->outboundSa->traffic.remoteV6Address, p.traffic.remoteV6Address,
			    16);
	/* A condition is no traffic. */
	filter = copy->outboundSa->transportFilter;
	assert_memory_equal(filter->filterCondition->conditionValue.byteArray16->byteArray16,
			    c.remote, 16);
	FwpmFreeMemory0((void **)&copy);
	/* Another session sees the same addresses as on the wire. */
	assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
	assert_memory_equal(copy->outboundSa->traffic.localV6Address, c.local, 16);
	assert_memory_equal(copy->outboundSa->traffic.remoteV6Address, c.remote, 16);
	FwpmFreeMemory0((void **)&copy);
	context_delete(engine, id);

	path_make(&own, PATH_TUNNEL, 1, &v4);
	id = path_create(&v4);
	assert_true(maps_context(client.instance, id, &c));
	assert_int_equal(c.local[0], inet_addr("192.0.2.1"));
	context_delete(engine, id);
}

static void the_quirk_is_set_for_a_session(void **state)
{
	HANDLE engine = client_session(0, 0), closed = client_session(0, 0);

	(void)state;
	client_session_end(closed);
	assert_int_equal(saxdp_session_quirks(closed, 0), -EBADF);
	assert_int_equal(saxdp_session_quirks(NULL, SAXDP_QUIRK_V6_REVERSED), -EBADF);
	assert_int_equal(saxdp_session_quirks(engine, 2), -EINVAL);
	assert_int_equal(saxdp_session_quirks(engine, 0xffffffff), -EINVAL);
	assert_int_equal(saxdp_session_quirks(engine, SAXDP_QUIRK_V6_REVERSED), 0);
	expect_reversed(engine);
	client_session_end(engine);
}

static void the_quirk_can_be_taken_back(void **state)
{
	struct saxdp_context c;
	struct path p;
	UINT64 id;

	(void)state;
	assert_int_equal(saxdp_session_quirks(client.engine, SAXDP_QUIRK_V6_REVERSED), 0);
	assert_int_equal(saxdp_session_quirks(client.engine, 0), 0);
	path_make(&client, PATH_TUNNEL | PATH_V6, 1, &p);
	id = path_create(&p);
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(c.local, p.traffic.localV6Address, 16);
}

/* Of a program that cannot be changed: another process, with nothing but its environment. */
static int with_environment(struct child *self, void *arg)
{
	HANDLE engine;

	(void)self;
	setenv("SAXDP_QUIRKS", arg, 1);
	engine = client_session(0, 0);
	client.engine = client_session(0, 0);
	assert_int_equal(saxdp_session_quirks(client.engine, 0), 0); /* what the code says counts */
	expect_reversed(engine);
	return 0;
}

static int with_other_environment(struct child *self, void *arg)
{
	struct client own = { .instance = client.instance };
	struct saxdp_context c;
	struct path p;
	UINT64 id;

	(void)self;
	setenv("SAXDP_QUIRKS", arg, 1);
	own.engine = client_session(0, 0);
	path_make(&own, PATH_TUNNEL | PATH_V6, 1, &p);
	id = path_create(&p);
	assert_true(maps_context(client.instance, id, &c));
	assert_memory_equal(c.local, p.traffic.localV6Address, 16);
	client_session_end(own.engine);
	return 0;
}

static void the_quirk_is_set_by_the_environment(void **state)
{
	char reversed[] = "v6-reversed", nothing[] = "", unknown[] = "v6-reversed-not";

	(void)state;
	child_run(NULL, with_environment, reversed);
	child_run(NULL, with_other_environment, nothing);
	child_run(NULL, with_other_environment, unknown);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(ipv4_addresses_of_traffic_are_in_host_order),
		STORY(ipv6_addresses_of_traffic_are_as_on_the_wire),
		STORY(ports_are_in_host_order),
		STORY(spis_are_in_host_order),
		STORY(endpoints_of_policies_are_as_in_traffic),
		STORY(addresses_and_masks_of_conditions_are_as_in_traffic),
		STORY(ports_of_conditions_are_in_host_order),
		STORY(the_helpers_give_what_a_session_without_quirks_wants),
		STORY(the_quirk_is_set_for_a_session),
		STORY(the_quirk_can_be_taken_back),
		STORY(the_quirk_is_set_by_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
