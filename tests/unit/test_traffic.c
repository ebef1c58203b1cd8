// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* traffic_check() and its way back: which traffic there is, and in which byte order it is kept. */
#include <arpa/inet.h>
#include <string.h>

#include "sa.h"

#include "check.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const UINT8 local6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
static const UINT8 remote6[16] = { 0x20, 1, 0xd, 0xb8, 2, [15] = 9 };

static IPSEC_TRAFFIC1 traffic_of(FWP_IP_VERSION version, IPSEC_TRAFFIC_TYPE type)
{
	IPSEC_TRAFFIC1 t = {
		.ipVersion = version,
		.trafficType = type,
		.ipsecFilterId = 0x1122334455667788,
		.localIfLuid = 0x8877665544332211,
		.realIfProfileId = 0xabcdef01,
	};

	if (version == FWP_IP_VERSION_V6) {
		memcpy(t.localV6Address, local6, 16);
		memcpy(t.remoteV6Address, remote6, 16);
	} else {
		t.localV4Address = 0xc0000201;
		t.remoteV4Address = 0xc6336402;
	}
	return t;
}

static DWORD check(const IPSEC_TRAFFIC1 *traffic)
{
	struct traffic ret;

	return fwp_result(traffic_check(traffic, 0, &ret));
}

static void versions_and_types_are_those_of_the_enumerations(void **state)
{
	(void)state;
	for (int version = -2; version < 5; version++) {
		for (int type = -2; type < 5; type++) {
			bool good =
				(version == FWP_IP_VERSION_V4 || version == FWP_IP_VERSION_V6) &&
				(type == IPSEC_TRAFFIC_TYPE_TRANSPORT ||
				 type == IPSEC_TRAFFIC_TYPE_TUNNEL);
			IPSEC_TRAFFIC1 t = traffic_of(version, type);

			assert_int_equal(check(&t),
					 good ? ERROR_SUCCESS : FWP_E_INVALID_ENUMERATOR);
		}
	}
}

static void addresses_are_those_of_hosts(void **state)
{
	static const struct {
		const char *address;
		bool good;
	} rows[] = {
		{ "0.0.0.0", false },
		{ "0.0.0.1", true },
		{ "10.0.0.1", true },
		{ "127.0.0.1", true },
		{ "169.254.1.1", true },
		{ "223.255.255.255", true },
		{ "224.0.0.0", false },
		{ "239.255.255.255", false },
		{ "240.0.0.1", true },
		{ "255.255.255.254", true },
		{ "255.255.255.255", false },
		{ "::", false },
		{ "::1", true },
		{ "fe80::1", true },
		{ "fe00::", true },
		{ "2001:db8::", true },
		{ "ff00::", false },
		{ "ff02::1", false },
		{ "feff::1", true },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows) * 4; i++) {
		const char *text = rows[i / 4].address;
		bool v6 = strchr(text, ':'), tunnel = i % 2, remote = i / 2 % 2;
		IPSEC_TRAFFIC1 t = traffic_of(v6 ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4,
					      tunnel ? IPSEC_TRAFFIC_TYPE_TUNNEL :
						       IPSEC_TRAFFIC_TYPE_TRANSPORT);
		UINT8 *bytes = remote ? t.remoteV6Address : t.localV6Address;
		DWORD result, wanted = rows[i / 4].good ? ERROR_SUCCESS :
				       tunnel		? FWP_E_INVALID_TUNNEL_ENDPOINT :
							  FWP_E_INVALID_PARAMETER;
		UINT32 v4;

		assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes), 1);
		if (!v6) {
			memcpy(&v4, bytes, 4);
			v4 = ntohl(v4);
			memcpy(bytes, &v4, 4);
		}
		result = check(&t);
		if (result != wanted)
			fail_msg("%s as %s of a %s: 0x%08x, not 0x%08x", text,
				 remote ? "remote" : "local", tunnel ? "tunnel" : "transport",
				 result, wanted);
	}
}

static void ports_are_of_protocols_that_have_them(void **state)
{
	(void)state;
	for (int protocol = 0; protocol <= UINT8_MAX; protocol++) {
		for (int ports = 0; ports < 4; ports++) {
			/* TCP, UDP, DCCP, SCTP, UDP-Lite; 0 leaves it to the filter. */
			bool has = protocol == 6 || protocol == 17 || protocol == 33 ||
				   protocol == 132 || protocol == 136 || protocol == 0;
			IPSEC_TRAFFIC1 t =
				traffic_of(FWP_IP_VERSION_V4, IPSEC_TRAFFIC_TYPE_TRANSPORT);

			t.ipProtocol = protocol;
			t.localPort = ports & 1 ? 1 : 0;
			t.remotePort = ports & 2 ? 0xffff : 0;
			if (check(&t) != (has || !ports ? ERROR_SUCCESS : FWP_E_INVALID_PARAMETER))
				fail_msg("protocol %d, ports %d: 0x%08x", protocol, ports,
					 check(&t));
			t.trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL;
			if (check(&t) !=
			    (protocol || ports ? FWP_E_INVALID_PARAMETER : ERROR_SUCCESS))
				fail_msg("tunnel, protocol %d, ports %d: 0x%08x", protocol, ports,
					 check(&t));
		}
	}
}

static void numbers_are_kept_in_network_order(void **state)
{
	IPSEC_TRAFFIC1 t = traffic_of(FWP_IP_VERSION_V4, IPSEC_TRAFFIC_TYPE_TRANSPORT);
	struct traffic kept;
	UINT32 words[4] = {};

	(void)state;
	t.ipProtocol = 17;
	t.localPort = 0x1234;
	t.remotePort = 0x5678;
	assert_int_equal(traffic_check(&t, 0, &kept), 0);
	assert_int_equal(kept.family, 4);
	assert_int_equal(kept.type, SAXDP_TRANSPORT);
	words[0] = inet_addr("192.0.2.1");
	assert_memory_equal(kept.local, words, 16);
	words[0] = inet_addr("198.51.100.2");
	assert_memory_equal(kept.remote, words, 16);
	assert_memory_equal(&kept.local_port, "\x12\x34", 2);
	assert_memory_equal(&kept.remote_port, "\x56\x78", 2);
	assert_int_equal(kept.policy, t.ipsecFilterId);

	t = traffic_of(FWP_IP_VERSION_V6, IPSEC_TRAFFIC_TYPE_TUNNEL);
	assert_int_equal(traffic_check(&t, 0, &kept), 0);
	assert_int_equal(kept.family, 6);
	assert_int_equal(kept.type, SAXDP_TUNNEL);
	assert_memory_equal(kept.local, local6, 16);
	assert_memory_equal(kept.remote, remote6, 16);
}

static void the_quirk_reverses_ipv6_addresses_and_nothing_else(void **state)
{
	IPSEC_TRAFFIC1 t = traffic_of(FWP_IP_VERSION_V6, IPSEC_TRAFFIC_TYPE_TUNNEL), back;
	UINT8 reversed[16];
	struct traffic kept;

	(void)state;
	for (int i = 0; i < 16; i++)
		reversed[i] = local6[15 - i];
	memcpy(t.localV6Address, reversed, 16);
	/* Multicast is judged by what the address is, not by how it came. */
	memset(t.remoteV6Address, 0, 16);
	t.remoteV6Address[0] = 0xff;
	t.remoteV6Address[15] = 0x20;
	assert_int_equal(traffic_check(&t, SAXDP_QUIRK_V6_REVERSED, &kept), 0);
	assert_memory_equal(kept.local, local6, 16);
	traffic_out(&kept, SAXDP_QUIRK_V6_REVERSED, &back);
	assert_memory_equal(back.localV6Address, t.localV6Address, 16);
	assert_memory_equal(back.remoteV6Address, t.remoteV6Address, 16);
	traffic_out(&kept, 0, &back);
	assert_memory_equal(back.localV6Address, local6, 16);
	t.remoteV6Address[15] = 0xff;
	assert_int_equal(fwp_result(traffic_check(&t, SAXDP_QUIRK_V6_REVERSED, &kept)),
			 FWP_E_INVALID_TUNNEL_ENDPOINT);

	t = traffic_of(FWP_IP_VERSION_V4, IPSEC_TRAFFIC_TYPE_TUNNEL);
	assert_int_equal(traffic_check(&t, SAXDP_QUIRK_V6_REVERSED, &kept), 0);
	assert_int_equal(kept.local[0], inet_addr("192.0.2.1"));
	traffic_out(&kept, SAXDP_QUIRK_V6_REVERSED, &back);
	assert_int_equal(back.localV4Address, t.localV4Address);
}

static void what_comes_out_is_what_came_in(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		IPSEC_TRAFFIC1 t = traffic_of(i & 1 ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4,
					      i & 2 ? IPSEC_TRAFFIC_TYPE_TUNNEL :
						      IPSEC_TRAFFIC_TYPE_TRANSPORT);
		struct traffic kept;
		IPSEC_TRAFFIC1 back;

		if (!(i & 2)) {
			t.ipProtocol = 6;
			t.localPort = 1;
			t.remotePort = 65535;
		}
		memset(&back, 0x5a, sizeof(back));
		assert_int_equal(traffic_check(&t, 0, &kept), 0);
		traffic_out(&kept, 0, &back);
		assert_int_equal(back.ipVersion, t.ipVersion);
		assert_memory_equal(back.localV6Address, t.localV6Address, 16);
		assert_memory_equal(back.remoteV6Address, t.remoteV6Address, 16);
		assert_int_equal(back.trafficType, t.trafficType);
		assert_int_equal(back.ipsecFilterId, t.ipsecFilterId);
		assert_int_equal(back.remotePort, t.remotePort);
		assert_int_equal(back.localPort, t.localPort);
		assert_int_equal(back.ipProtocol, t.ipProtocol);
		assert_int_equal(back.localIfLuid, t.localIfLuid);
		assert_int_equal(back.realIfProfileId, t.realIfProfileId);
	}
}

static void the_same_ends_differ_in_nothing_but_the_policy(void **state)
{
	struct traffic a = { .family = 4,
			     .type = SAXDP_TRANSPORT,
			     .protocol = 17,
			     .local_port = 1,
			     .remote_port = 2,
			     .local = { 3, 4, 5, 6 },
			     .remote = { 7, 8, 9, 10 } };

	(void)state;
#define SAME(wanted, change)                                                    \
	do {                                                                    \
		struct traffic b = a;                                           \
		b.change;                                                       \
		if (traffic_same_ends(&a, &b) != (wanted))                      \
			fail_msg("%s: %s", #change, wanted ? "other" : "same"); \
	} while (0)
	SAME(true, policy = 99);
	SAME(true, if_luid = 99);
	SAME(true, profile = 99);
	SAME(false, family = 6);
	SAME(false, type = SAXDP_TUNNEL);
	SAME(false, protocol = 6);
	SAME(false, local_port = 9);
	SAME(false, remote_port = 9);
	SAME(false, local[0] = 9);
	SAME(false, local[3] = 9);
	SAME(false, remote[0] = 0);
	SAME(false, remote[3] = 0);
}

static void a_tunnels_key_has_all_that_makes_it_one(void **state)
{
	const struct saxdp_context c = {
		.policy = 1,
		.local = { 2, 3, 4, 5 },
		.remote = { 6, 7, 8, 9 },
		.local_port = 10,
		.remote_port = 11,
		.protocol = 12,
		.family = 6,
		.type = SAXDP_TUNNEL,
		.virtual_if = 99,
		.tunnel = 98,
	};
	const struct saxdp_tunnel_key wanted = {
		.policy = 1,
		.local = { 2, 3, 4, 5 },
		.remote = { 6, 7, 8, 9 },
		.local_port = 10,
		.remote_port = 11,
		.protocol = 12,
		.family = 6,
		.type = SAXDP_TUNNEL,
	};
	struct saxdp_tunnel_key key;

	(void)state;
	memset(&key, 0x5a, sizeof(key));
	tunnel_key_of(&c, &key);
	assert_memory_equal(&key, &wanted, sizeof(key));
	assert_int_equal(tunnel_shape(&key), 7);
	key.protocol = 0;
	assert_int_equal(tunnel_shape(&key), SAXDP_SHAPE_LOCAL_PORT | SAXDP_SHAPE_REMOTE_PORT);
	key.local_port = 0;
	assert_int_equal(tunnel_shape(&key), SAXDP_SHAPE_REMOTE_PORT);
	key.remote_port = 0;
	assert_int_equal(tunnel_shape(&key), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_and_types_are_those_of_the_enumerations),
		cmocka_unit_test(addresses_are_those_of_hosts),
		cmocka_unit_test(ports_are_of_protocols_that_have_them),
		cmocka_unit_test(numbers_are_kept_in_network_order),
		cmocka_unit_test(the_quirk_reverses_ipv6_addresses_and_nothing_else),
		cmocka_unit_test(what_comes_out_is_what_came_in),
		cmocka_unit_test(the_same_ends_differ_in_nothing_but_the_policy),
		cmocka_unit_test(a_tunnels_key_has_all_that_makes_it_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
