// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * link: -Wl,--wrap=getrandom
 *
 * IPsecSaContextGetSpi1 and SetSpi0: what an SPI takes in the maps, whom it keeps from having it, and
 * each code that only these calls have (test_sa_call.c has the others).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

enum { CONTEXTS = 128, SPI = 0x1000, UNTOUCHED = 0x5a5a5a5a, LAST = 0xffffffff };

static struct client client;
static struct path paths[PATH_KINDS];

/* What getrandom() says to the library; the last number is repeated. */
static struct {
	const UINT32 *spi; /* NULL: really random */
	size_t count, at;
} dice;

ssize_t __real_getrandom(void *buf, size_t size, unsigned int flags);

ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags)
{
	UINT32 spi;

	if (!dice.spi || size != sizeof(spi))
		return __real_getrandom(buf, size, flags);
	spi = htonl(dice.spi[dice.at < dice.count ? dice.at : dice.count - 1]);
	dice.at++;
	memcpy(buf, &spi, sizeof(spi));
	return sizeof(spi);
}

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-spi", CONTEXTS);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &paths[kind]);
	return 0;
}

static int teardown(void **state)
{
	dice.spi = NULL;
	client_close(&client);
	return scratch_teardown(state);
}

static UINT32 get_spi(const struct path *p, UINT64 id)
{
	IPSEC_SA_SPI spi = 0;

	assert_ok(IPsecSaContextGetSpi1(p->engine, id, &p->get, &spi));
	return spi;
}

/* --- what it takes -------------------------------------------------------------------------------------- */

static void expect_larval(const struct path *p, UINT64 id, UINT32 spi, bool chosen)
{
	const IPSEC_V4_UDP_ENCAPSULATION0 *encap = path_v6(p) ? NULL :
								p->get.inboundUdpEncapsulation;
	struct saxdp_context c;
	struct saxdp_sa sa;

	assert_true(maps_context(client.instance, id, &c));
	assert_int_not_equal(c.spi_born, 0);
	assert_int_equal(c.inbound_spi, htonl(spi));
	assert_int_equal(c.spi_chosen, chosen);
	assert_int_equal(c.inbound_policy, p->inbound);
	assert_int_equal(c.encap_local, encap ? htons(encap->localUdpEncapPort) : 0);
	assert_int_equal(c.encap_remote, encap ? htons(encap->remoteUdpEncapPort) : 0);
	assert_int_equal(c.inbound.born, 0);
	assert_true(maps_sa(client.instance, p, SAXDP_INBOUND, SA_LARVAL, spi, &sa));
	assert_int_equal(sa.context, id);
	assert_int_equal(sa.tunnel, c.tunnel);
	/* No packet may find it. */
	assert_false(maps_sa(client.instance, p, SAXDP_INBOUND, SA_ESP, spi, &sa));
	assert_false(maps_sa(client.instance, p, SAXDP_INBOUND, SA_AH, spi, &sa));
	client_sound(&client, path_kind_name(p->kind));
}

static void an_spi_is_kept_for_the_context(void **state)
{
	IPSEC_V4_UDP_ENCAPSULATION0 encap = { 4500, 32100 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		for (int given = 0; given < 2; given++) {
			struct path p = paths[kind];
			UINT64 set = path_create(&p), got = path_create(&p);

			p.get.inboundUdpEncapsulation = given ? &encap : NULL;
			assert_ok(IPsecSaContextSetSpi0(client.engine, set, &p.get, SPI));
			expect_larval(&p, set, SPI, true);
			expect_larval(&p, got, get_spi(&p, got), false);
			context_delete(client.engine, set);
			context_delete(client.engine, got);
		}
	}
	assert_int_equal(maps_count(client.instance, "sa4"), 0);
	assert_int_equal(maps_count(client.instance, "sa6"), 0);
}

static void the_first_and_the_last_spi_can_be_set(void **state)
{
	static const UINT32 ends[] = { 256, LAST };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		for (int i = 0; i < 2; i++) {
			UINT64 id = path_larval(&paths[kind], ends[i]);

			expect_larval(&paths[kind], id, ends[i], true);
			path_inbound(&paths[kind], id, ends[i]);
			context_delete(client.engine, id);
		}
	}
}

static void a_chosen_spi_stays_the_same(void **state)
{
	HANDLE other = client_session(0, 0);

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind];
		UINT64 id = path_create(&p);
		UINT32 spi = get_spi(&p, id);
		struct dump *before = client_dump(&client);

		assert_in_range(spi, 256, LAST);
		assert_int_equal(get_spi(&p, id), spi);
		p.engine = other;
		assert_int_equal(get_spi(&p, id), spi);
		client_same(&client, before, "GetSpi1 again");
	}
	client_session_end(other);
}

static int spi_compare(const void *a, const void *b)
{
	const UINT32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void chosen_spis_are_different_and_random(void **state)
{
	enum { MANY = 100 };
	UINT32 spi[MANY];
	UINT64 spread = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		spi[i] = get_spi(&paths[PATH_TUNNEL], path_create(&paths[PATH_TUNNEL]));
		spread |= 1ULL << (spi[i] >> 26);
	}
	qsort(spi, MANY, sizeof(*spi), spi_compare);
	for (int i = 1; i < MANY; i++)
		assert_int_not_equal(spi[i - 1], spi[i]);
	/* 100 of 64 equal ranges: fewer than 20 of them hit has odds of 10^-30. */
	assert_in_range(__builtin_popcountll(spread), 20, 64);
}

/* Reserved numbers and those of others are passed over. */
static void a_chosen_spi_is_nobodys(void **state)
{
	static const UINT32 numbers[] = { 0, 1, 255, SPI, SPI + 1, SPI + 2, SPI + 3, SPI + 4 };
	struct path far;
	UINT64 id;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		struct made_bundle b;
		UINT64 larval, esp, ah, elsewhere;

		far = *p;
		path_set_local(&far, 2);
		larval = path_larval(p, SPI);
		esp = path_larval(p, SPI + 1);
		path_inbound(p, esp, SPI + 1);
		ah = path_larval(p, SPI + 2);
		made_bundle(&b, p->traffic.ipVersion, SPI + 2, 0);
		b.sa[0] = (IPSEC_SA0){ .spi = SPI + 2,
				       .saTransformType = IPSEC_TRANSFORM_AH,
				       .ahInformation = &b.ah };
		assert_ok(IPsecSaContextAddInbound1(client.engine, ah, &b.bundle));
		/* Another address, and the peer's SPIs, are no obstacle. */
		elsewhere = path_larval(&far, SPI + 3);
		path_outbound(p, esp, SPI + 3);

		dice.spi = numbers;
		dice.count = sizeof(numbers) / sizeof(*numbers);
		dice.at = 0;
		id = path_create(p);
		assert_int_equal(get_spi(p, id), SPI + 3);
		assert_int_equal(dice.at, 7);
		dice.spi = NULL;
		context_delete(client.engine, larval);
		context_delete(client.engine, esp);
		context_delete(client.engine, ah);
		context_delete(client.engine, elsewhere);
		context_delete(client.engine, id);
	}
}

static void no_spi_is_found_where_all_that_come_up_are_taken(void **state)
{
	static const UINT32 taken[] = { SPI };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 id = path_create(p), owner = path_larval(p, SPI);
		struct dump *before = client_dump(&client);
		IPSEC_SA_SPI spi = UNTOUCHED;

		dice.spi = taken;
		dice.count = 1;
		assert_result(IPsecSaContextGetSpi1(client.engine, id, &p->get, &spi),
			      ERROR_NO_SYSTEM_RESOURCES);
		assert_int_equal(spi, UNTOUCHED);
		client_same(&client, before, "GetSpi1 without luck");
		context_delete(client.engine, owner);
		assert_int_equal(get_spi(p, id), SPI);
		dice.spi = NULL;
		context_delete(client.engine, id);
	}
}

/* --- whose it is ------------------------------------------------------------------------------------------ */

static void refuse_set(const char *what, const struct path *p, UINT64 id, UINT32 spi, DWORD wanted)
{
	struct dump *before = client_dump(&client);
	DWORD result = IPsecSaContextSetSpi0(client.engine, id, &p->get, spi);

	if (result != wanted)
		fail_msg("%s, SetSpi0 %s: 0x%08x, not 0x%08x (%s)", path_kind_name(p->kind), what,
			 result, wanted, saxdp_error());
	client_same(&client, before, what);
}

static void refuse_get(const char *what, const struct path *p, UINT64 id, DWORD wanted)
{
	struct dump *before = client_dump(&client);
	IPSEC_SA_SPI spi = UNTOUCHED;
	DWORD result = IPsecSaContextGetSpi1(client.engine, id, &p->get, &spi);

	if (result != wanted || spi != UNTOUCHED)
		fail_msg("%s, GetSpi1 %s: 0x%08x, not 0x%08x (%s)", path_kind_name(p->kind), what,
			 result, wanted, saxdp_error());
	client_same(&client, before, what);
}

static void a_reserved_spi_is_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		UINT64 id = path_create(&paths[kind]);

		for (UINT32 spi = 0; spi < 256; spi += spi < 4 || spi >= 252 ? 1 : 62)
			refuse_set("reserved", &paths[kind], id, spi, FWP_E_OUT_OF_BOUNDS);
		refuse_set("reserved, of no context", &paths[kind], id + (1ULL << 40), 255,
			   FWP_E_OUT_OF_BOUNDS);
	}
}

static void an_spi_of_another_context_is_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		struct path far = *p;
		UINT64 owner = path_larval(p, SPI), id = path_create(p), second;

		path_set_local(&far, 2);
		refuse_set("of a context without bundle", p, id, SPI, FWP_E_ALREADY_EXISTS);
		/* The SPI is one of its destination (RFC 4301 4.1). */
		second = path_larval(&far, SPI);
		expect_larval(&far, second, SPI, true);
		/* Once the owner's is for ESP, there may be one for AH. */
		path_inbound(p, owner, SPI);
		assert_ok(IPsecSaContextSetSpi0(client.engine, id, &p->get, SPI));
		context_delete(client.engine, id);
		/* What a deleted context had is free at once. */
		context_delete(client.engine, owner);
		id = path_larval(p, SPI);
		context_delete(client.engine, id);
		context_delete(client.engine, second);
	}
	/* IPv4 and IPv6 are two worlds. */
	(void)path_larval(&paths[PATH_TUNNEL], SPI);
	(void)path_larval(&paths[PATH_TUNNEL | PATH_V6], SPI);
}

static void an_spi_is_got_or_set_once(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 set = path_larval(p, SPI), got = path_create(p);
		UINT32 spi = get_spi(p, got);

		refuse_set("after SetSpi0", p, set, SPI, FWP_E_INCOMPATIBLE_SA_STATE);
		refuse_set("after SetSpi0", p, set, SPI + 1, FWP_E_INCOMPATIBLE_SA_STATE);
		refuse_get("after SetSpi0", p, set, FWP_E_INCOMPATIBLE_SA_STATE);
		refuse_set("after GetSpi1", p, got, SPI + 1, FWP_E_INCOMPATIBLE_SA_STATE);
		path_inbound(p, set, SPI);
		path_inbound(p, got, spi);
		refuse_set("after the inbound bundle", p, set, SPI, FWP_E_INCOMPATIBLE_SA_STATE);
		refuse_get("after the inbound bundle", p, got, FWP_E_INCOMPATIBLE_SA_STATE);
		context_delete(client.engine, set);
		context_delete(client.engine, got);
	}
}

/* What another session did in the meantime counts, whatever this one remembers. */
static void the_state_is_that_of_the_maps(void **state)
{
	HANDLE other = client_session(0, 0);

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind], theirs = p;
		UINT64 id = path_create(&p);

		theirs.engine = other;
		assert_ok(IPsecSaContextSetSpi0(other, id, &p.get, SPI));
		refuse_get("after another session's SetSpi0", &p, id, FWP_E_INCOMPATIBLE_SA_STATE);
		path_inbound(&p, id, SPI);
		path_outbound(&theirs, id, SPI);
		context_delete(other, id);
		refuse_get("after another session's delete", &p, id, FWP_E_NOT_FOUND);
		refuse_set("after another session's delete", &p, id, SPI, FWP_E_NOT_FOUND);
	}
	client_session_end(other);
}

/* --- the traffic that comes in ------------------------------------------------------------------------------ */

#define REFUSE(kind, wanted, ...)                               \
	do {                                                    \
		struct path p = paths[kind];                    \
		IPSEC_TRAFFIC1 *t = &p.get.inboundIpsecTraffic; \
		UINT64 id = path_create(&p);                    \
                                                                \
		__VA_ARGS__;                                    \
		(void)t;                                        \
		refuse_set(#__VA_ARGS__, &p, id, SPI, wanted);  \
		refuse_get(#__VA_ARGS__, &p, id, wanted);       \
		context_delete(client.engine, id);              \
	} while (0)

static void traffic_that_cannot_be_is_refused(void **state)
{
	static const UINT8 multicast[16] = { 0xff, 0x02, [15] = 1 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		bool v6 = kind & PATH_V6;
		DWORD no_host = kind & PATH_TUNNEL ? FWP_E_INVALID_TUNNEL_ENDPOINT :
						     FWP_E_INVALID_PARAMETER;

		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->ipVersion = FWP_IP_VERSION_NONE);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->ipVersion = (FWP_IP_VERSION)-1);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, t->trafficType = IPSEC_TRAFFIC_TYPE_MAX);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, p.get.ipVersion = FWP_IP_VERSION_NONE);
		REFUSE(kind, FWP_E_INVALID_ENUMERATOR, p.get.ipVersion = (FWP_IP_VERSION)-1);
		REFUSE(kind, FWP_E_INVALID_PARAMETER,
		       p.get.ipVersion = v6 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6);
		REFUSE(kind, no_host, memset(t->localV6Address, 0, 16));
		REFUSE(kind, no_host, memset(t->remoteV6Address, 0, 16));
		if (v6)
			REFUSE(kind, no_host, memcpy(t->localV6Address, multicast, 16));
		else
			REFUSE(kind, no_host, t->remoteV4Address = 0xe0000001);
		REFUSE(kind, FWP_E_INVALID_PARAMETER, t->localPort = 1, t->ipProtocol = 1);
		if (kind & PATH_TUNNEL) {
			REFUSE(kind, FWP_E_INVALID_PARAMETER, t->ipProtocol = 17);
			REFUSE(kind, FWP_E_INVALID_PARAMETER, t->remotePort = 500);
		}
	}
}

static void traffic_of_another_context_is_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, path_set_peer(&p, 2));
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, path_set_local(&p, 2));
		/* Local is this host in both directions: swapped it is other traffic. */
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH,
		       memcpy(t->localV6Address, p.traffic.remoteV6Address, 16),
		       memcpy(t->remoteV6Address, p.traffic.localV6Address, 16));
		/* The other type, and the other family. */
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, p.get = paths[kind ^ PATH_TUNNEL].get);
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, p.get = paths[kind ^ PATH_V6].get);
		if (kind & PATH_TUNNEL) {
			REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, t->tunnelPolicyId++);
			continue;
		}
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, t->ipProtocol = 17);
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, t->ipProtocol = 17, t->localPort = 500);
		REFUSE(kind, FWP_E_TRAFFIC_MISMATCH, t->ipProtocol = 17, t->remotePort = 500);
	}
}

static void an_inbound_filter_that_does_not_fit_is_refused(void **state)
{
	const struct path *v4 = &paths[PATH_TRANSPORT], *v6 = &paths[PATH_TRANSPORT | PATH_V6];

	(void)state;
	REFUSE(PATH_TRANSPORT, FWP_E_FILTER_NOT_FOUND, t->ipsecFilterId = 0);
	REFUSE(PATH_TRANSPORT, FWP_E_FILTER_NOT_FOUND, t->ipsecFilterId = 1ULL << 40);
	REFUSE(PATH_TRANSPORT, FWP_E_INCOMPATIBLE_LAYER, t->ipsecFilterId = v4->outbound);
	REFUSE(PATH_TRANSPORT, FWP_E_INVALID_PARAMETER, t->ipsecFilterId = v6->inbound);
	REFUSE(PATH_V6, FWP_E_INVALID_PARAMETER, t->ipsecFilterId = v4->inbound);
	REFUSE(PATH_V6, FWP_E_INCOMPATIBLE_LAYER, t->ipsecFilterId = v6->outbound);
}

static void get_again_with_other_traffic_is_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind], other;
		UINT64 id = path_create(&p);
		UINT32 spi = get_spi(&p, id);

		other = p;
		path_set_peer(&other, 2);
		refuse_get("again for another peer", &other, id, FWP_E_TRAFFIC_MISMATCH);
		if (!path_tunnel(&p)) {
			path_make(&client, kind, 1, &other);
			refuse_get("again for another filter", &other, id, FWP_E_TRAFFIC_MISMATCH);
		}
		assert_int_equal(get_spi(&p, id), spi);
	}
}

/* Interfaces and profiles are no part of what must agree, and the RNG is ours. */
static void what_is_only_kept_may_differ(void **state)
{
	GUID rng = { .Data1 = 1 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct path p = paths[kind];
		UINT64 id = path_create(&p);

		p.get.inboundIpsecTraffic.localIfLuid = 5;
		p.get.inboundIpsecTraffic.realIfProfileId = 6;
		p.get.rngCryptoModuleID = &rng;
		assert_in_range(get_spi(&p, id), 256, LAST);
	}
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(an_spi_is_kept_for_the_context),
		STORY(the_first_and_the_last_spi_can_be_set),
		STORY(a_chosen_spi_stays_the_same),
		STORY(chosen_spis_are_different_and_random),
		STORY(a_chosen_spi_is_nobodys),
		STORY(no_spi_is_found_where_all_that_come_up_are_taken),
		STORY(a_reserved_spi_is_refused),
		STORY(an_spi_of_another_context_is_refused),
		STORY(an_spi_is_got_or_set_once),
		STORY(the_state_is_that_of_the_maps),
		STORY(traffic_that_cannot_be_is_refused),
		STORY(traffic_of_another_context_is_refused),
		STORY(an_inbound_filter_that_does_not_fit_is_refused),
		STORY(get_again_with_other_traffic_is_refused),
		STORY(what_is_only_kept_may_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
