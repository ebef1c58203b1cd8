// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * IPsecSaContextAddInbound0/1 and AddOutbound0/1: the SAs that bundles become, what is returned of
 * them, and each code (test_sa_call.c has those that all calls share, test_bundle.c the full table
 * of algorithms and keys).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXTS = 64, SPI = 0x1000 };

static struct client client;
static struct path paths[PATH_KINDS];

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-bundle", CONTEXTS);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &paths[kind]);
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

/* The four calls: 0 and 1 for each direction. */
static DWORD add(UINT64 id, bool inbound, int form, const struct made_bundle *b)
{
	IPSEC_SA_BUNDLE0 older = made_bundle_older(b);

	if (form)
		return inbound ? IPsecSaContextAddInbound1(client.engine, id, &b->bundle) :
				 IPsecSaContextAddOutbound1(client.engine, id, &b->bundle);
	return inbound ? IPsecSaContextAddInbound0(client.engine, id, &older) :
			 IPsecSaContextAddOutbound0(client.engine, id, &older);
}

/* A context that waits for the bundle of that direction. */
static UINT64 waiting(const struct path *p, bool inbound)
{
	UINT64 id = path_larval(p, SPI);

	if (!inbound)
		path_inbound(p, id, SPI);
	return id;
}

/* --- the SAs ------------------------------------------------------------------------------------------------ */

static void expect_sa(const struct path *p, UINT64 id, uint8_t direction, uint8_t protocol,
		      UINT32 spi)
{
	struct saxdp_context c;
	struct saxdp_sa sa;

	assert_true(maps_context(client.instance, id, &c));
	if (!maps_sa(client.instance, p, direction, protocol, spi, &sa))
		fail_msg("%s: no SA, direction %u, protocol %u, SPI 0x%x", path_kind_name(p->kind),
			 direction, protocol, spi);
	assert_int_equal(sa.context, id);
	assert_int_equal(sa.tunnel, c.tunnel);
	assert_int_equal(sa.users, 1);
	assert_int_equal(sa.packets + sa.bytes + sa.packets_other + sa.bytes_other, 0);
	assert_int_equal(sa.last_used, 0);
	assert_int_equal(sa.owner_cpu, 0);
}

static void bundles_of_one_and_two_become_sas(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS * 4; kind++) {
		const struct path *p = &paths[kind % PATH_KINDS];
		const char *map = path_v6(p) ? "sa6" : "sa4";
		int form = kind / PATH_KINDS % 2;
		bool two = kind / PATH_KINDS / 2;
		UINT64 id = path_larval(p, SPI);
		struct made_bundle b;
		struct saxdp_sa sa;

		assert_int_equal(maps_count(client.instance, map), 1);
		made_bundle(&b, p->traffic.ipVersion, SPI, two ? SPI + 1 : 0);
		assert_ok(add(id, true, form, &b));
		expect_sa(p, id, SAXDP_INBOUND, SA_ESP, SPI);
		if (two)
			expect_sa(p, id, SAXDP_INBOUND, SA_AH, SPI + 1);
		assert_false(maps_sa(client.instance, p, SAXDP_INBOUND, SA_LARVAL, SPI, &sa));
		assert_int_equal(maps_count(client.instance, map), two ? 2 : 1);
		assert_int_equal(maps_serving(client.instance, p), 0);

		made_bundle(&b, p->traffic.ipVersion, SPI + 7, two ? SPI + 8 : 0);
		assert_ok(add(id, false, form, &b));
		expect_sa(p, id, SAXDP_OUTBOUND, SA_ESP, SPI + 7);
		if (two)
			expect_sa(p, id, SAXDP_OUTBOUND, SA_AH, SPI + 8);
		assert_int_equal(maps_count(client.instance, map), two ? 4 : 2);
		assert_int_equal(maps_serving(client.instance, p), id);
		client_sound(&client, path_kind_name(p->kind));
		context_delete(client.engine, id);
		assert_int_equal(maps_count(client.instance, map), 0);
	}
}

/* RFC 4301 4.1: destination, SPI and protocol together name an SA. */
static void one_spi_names_four_sas(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		struct path far = *p;
		struct made_bundle ah;
		UINT64 ids[4];

		path_set_local(&far, 2);
		for (int i = 0; i < 4; i++) {
			const struct path *way = i < 2 ? p : &far;

			ids[i] = path_larval(way, SPI);
			made_bundle(&ah, way->traffic.ipVersion, 0, SPI);
			ah.bundle.numSAs = 1;
			ah.bundle.saList = &ah.sa[1];
			if (i % 2)
				assert_ok(add(ids[i], true, 1, &ah));
			else
				path_inbound(way, ids[i], SPI);
		}
		expect_sa(p, ids[0], SAXDP_INBOUND, SA_ESP, SPI);
		expect_sa(p, ids[1], SAXDP_INBOUND, SA_AH, SPI);
		expect_sa(&far, ids[2], SAXDP_INBOUND, SA_ESP, SPI);
		expect_sa(&far, ids[3], SAXDP_INBOUND, SA_AH, SPI);
		client_sound(&client, path_kind_name(kind));
		for (int i = 0; i < 4; i++)
			context_delete(client.engine, ids[i]);
	}
}

static void an_spi_of_anothers_bundle_is_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 owner = path_larval(p, SPI), id;
		struct dump *before;
		struct made_bundle b;

		made_bundle(&b, p->traffic.ipVersion, SPI, SPI);
		assert_ok(add(owner, true, 1, &b));
		id = path_larval(p, SPI);
		before = client_dump(&client);
		made_bundle(&b, p->traffic.ipVersion, SPI, 0);
		assert_result(add(id, true, 1, &b), FWP_E_ALREADY_EXISTS);
		client_same(&client, before, "the SPI of the first SA");
		context_delete(client.engine, id);

		id = path_larval(p, SPI + 1);
		before = client_dump(&client);
		made_bundle(&b, p->traffic.ipVersion, SPI + 1, SPI);
		assert_result(add(id, true, 0, &b), FWP_E_ALREADY_EXISTS);
		client_same(&client, before, "the SPI of the second SA");
		/* The context waits for another bundle. */
		made_bundle(&b, p->traffic.ipVersion, SPI + 1, SPI + 1);
		assert_ok(add(id, true, 0, &b));
		context_delete(client.engine, owner);
		context_delete(client.engine, id);
		client_sound(&client, path_kind_name(kind));
	}
}

/* --- peers behind one NAT ------------------------------------------------------------------------------------- */

static void outbound_put(const struct path *p, UINT32 spi, uint64_t packets, uint64_t bytes)
{
	struct saxdp_sa sa;

	assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, spi, &sa));
	sa.packets += packets;
	sa.bytes += bytes;
	maps_sa_put(client.instance, p, SAXDP_OUTBOUND, SA_ESP, spi, &sa);
}

static uint64_t tunnels_outbound_packets(void)
{
	struct saxdp_tunnel_info *tunnels;
	uint64_t packets = 0;
	struct saxdp *s;
	size_t count;

	assert_int_equal(saxdp_open(client.instance, &s), 0);
	assert_int_equal(saxdp_tunnel_list(s, &tunnels, &count), 0);
	for (size_t i = 0; i < count; i++)
		packets += tunnels[i].outbound.packets;
	free(tunnels);
	saxdp_close(s);
	return packets;
}

static bool listed_as_ambiguous(UINT32 spi)
{
	struct saxdp_sa_info *sas;
	unsigned int found = 0;
	bool ambiguous = false;
	struct saxdp *s;
	size_t count;

	assert_int_equal(saxdp_open(client.instance, &s), 0);
	assert_int_equal(saxdp_sa_list(s, &sas, &count), 0);
	for (size_t i = 0; i < count; i++) {
		if (sas[i].direction != SAXDP_OUTBOUND || sas[i].spi != htonl(spi))
			continue;
		ambiguous = sas[i].ambiguous;
		found++;
	}
	free(sas);
	saxdp_close(s);
	assert_int_equal(found, 1);
	return ambiguous;
}

static void peers_behind_one_nat_share_the_sa_of_their_spi(void **state)
{
	uint64_t total = 0;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		for (int newer_first = 0; newer_first < 2; newer_first++) {
			/* Two policies, one address of the NAT. */
			const struct path *p = &paths[kind];
			struct path second;
			struct saxdp_sa sa;
			UINT64 ids[2];

			path_make(&client, kind, 1, &second);
			ids[0] = path_context(p, SPI, SPI);
			outbound_put(p, SPI, 10, 1000);
			assert_false(listed_as_ambiguous(SPI));
			ids[1] = path_context(&second, SPI + 1, SPI);
			assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI, &sa));
			assert_int_equal(sa.users, 2);
			assert_int_equal(sa.context, ids[1]);
			assert_int_equal(sa.packets, 10);
			assert_true(listed_as_ambiguous(SPI));
			outbound_put(p, SPI, 5, 500);
			client_sound(&client, path_kind_name(kind));

			context_delete(client.engine, ids[newer_first]);
			assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI, &sa));
			assert_int_equal(sa.users, 1);
			assert_int_equal(sa.context, ids[!newer_first]);
			assert_int_equal(sa.packets, 15);
			assert_false(listed_as_ambiguous(SPI));
			outbound_put(p, SPI, 1, 100);
			client_sound(&client, path_kind_name(kind));

			context_delete(client.engine, ids[!newer_first]);
			assert_false(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI, &sa));
			total += 16;
			assert_int_equal(tunnels_outbound_packets(), total);
			client_sound(&client, path_kind_name(kind));
		}
	}
}

/* A rekey may come with the SPI that the peer had before. */
static void a_context_may_take_the_outbound_spi_of_the_one_before(void **state)
{
	struct saxdp_sa sa;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 first = path_context(p, SPI, SPI), second = path_context(p, SPI + 1, SPI);

		assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI, &sa));
		assert_int_equal(sa.users, 2);
		context_delete(client.engine, first);
		assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, SA_ESP, SPI, &sa));
		assert_int_equal(sa.users, 1);
		assert_int_equal(sa.context, second);
		context_delete(client.engine, second);
	}
}

/* --- refusals --------------------------------------------------------------------------------------------------- */

static void refuse(const char *what, const struct path *p, UINT64 id, bool inbound,
		   const struct made_bundle *b, DWORD wanted)
{
	for (int form = 0; form < 2; form++) {
		struct dump *before = client_dump(&client);
		DWORD result = add(id, inbound, form, b);

		if (result != wanted)
			fail_msg("%s, Add%sbound%d, %s: 0x%08x, not 0x%08x (%s)",
				 path_kind_name(p->kind), inbound ? "In" : "Out", form, what,
				 result, wanted, saxdp_error());
		client_same(&client, before, what);
	}
}

/* The members change, the rest is a bundle of ESP and AH that would be taken. */
#define REFUSE(wanted, ...)                                       \
	do {                                                      \
		struct made_bundle b;                             \
		IPSEC_SA_BUNDLE1 *bundle = &b.bundle;             \
                                                                  \
		made_bundle(&b, p->traffic.ipVersion, SPI, SPI);  \
		__VA_ARGS__;                                      \
		(void)bundle;                                     \
		refuse(#__VA_ARGS__, p, id, inbound, &b, wanted); \
	} while (0)

#define REFUSE_BOTH(...)             \
	do {                         \
		bool inbound = true; \
		REFUSE(__VA_ARGS__); \
		inbound = false;     \
		id = waits[1];       \
		REFUSE(__VA_ARGS__); \
		id = waits[0];       \
	} while (0)

static void each_bad_bundle_has_its_code(void **state)
{
	GUID module = { .Data1 = 1 };
	IPSEC_ID0 no_tokens = { .numTokens = 1 };
	IPSEC_KEYMODULE_STATE0 no_data = { .stateBlob.size = 1 };
	static UINT8 bytes[2 << 20];
	IPSEC_KEYMODULE_STATE0 long_state = { .stateBlob = { 48961, bytes } };
	IPSEC_KEYMODULE_STATE0 longest_state = { .stateBlob = { sizeof(bytes), bytes } };
	wchar_t surrogate[] = { 0xd800, 0 };
	IPSEC_ID0 bad_name = { .mmTargetName = surrogate };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		struct path second = *p;
		UINT64 waits[2], id;

		waits[0] = id = waiting(p, true);
		path_set_local(&second, 2);
		waits[1] = waiting(&second, false);

		REFUSE_BOTH(FWP_E_NULL_POINTER, bundle->saList = NULL);
		REFUSE_BOTH(FWP_E_NULL_POINTER, b.sa[0].espAuthAndCipherInformation = NULL);
		REFUSE_BOTH(FWP_E_NULL_POINTER, b.sa[1].ahInformation = NULL);
		REFUSE_BOTH(FWP_E_NULL_POINTER, b.ah.authKey.data = NULL);
		REFUSE_BOTH(FWP_E_NULL_POINTER, b.esp.saAuthInformation.authKey.data = NULL);
		REFUSE_BOTH(FWP_E_NULL_POINTER, b.esp.saCipherInformation.cipherKey.data = NULL);
		REFUSE_BOTH(FWP_E_NULL_POINTER, bundle->ipsecId = &no_tokens);
		REFUSE_BOTH(FWP_E_NULL_POINTER, bundle->keyModuleState = &no_data);
		REFUSE_BOTH(FWP_E_ZERO_LENGTH_ARRAY, bundle->numSAs = 0);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, bundle->numSAs = 3);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, bundle->numSAs = UINT32_MAX);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, b.sa[0].spi = 0);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, b.sa[0].spi = 255);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, b.sa[1].spi = 1);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, bundle->keyModuleState = &long_state);
		REFUSE_BOTH(FWP_E_OUT_OF_BOUNDS, bundle->keyModuleState = &longest_state);
		REFUSE_BOTH(FWP_E_INVALID_FLAGS, bundle->flags = 0x08000000);
		REFUSE_BOTH(FWP_E_INVALID_FLAGS, bundle->flags = 0x00000100);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR, bundle->ipVersion = FWP_IP_VERSION_NONE);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR, bundle->ipVersion = (FWP_IP_VERSION)-1);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR, bundle->pfsGroup = IPSEC_PFS_MAX);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR, bundle->pfsGroup = (IPSEC_PFS_GROUP)-1);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR,
			    b.sa[0].saTransformType = IPSEC_TRANSFORM_TYPE_MAX);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR,
			    b.sa[0].saTransformType = (IPSEC_TRANSFORM_TYPE)0);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR,
			    b.ah.authTransform.authTransformId.authType = IPSEC_AUTH_MAX);
		REFUSE_BOTH(FWP_E_INVALID_ENUMERATOR,
			    b.esp.saCipherInformation.cipherTransform.cipherTransformId.cipherType =
				    IPSEC_CIPHER_TYPE_MAX);
		REFUSE_BOTH(FWP_E_INVALID_AUTH_TRANSFORM,
			    b.ah.authTransform.authTransformId.authConfig++);
		REFUSE_BOTH(FWP_E_INVALID_AUTH_TRANSFORM, b.ah.authKey.size--);
		REFUSE_BOTH(FWP_E_INVALID_AUTH_TRANSFORM, b.ah.authKey.size = 0);
		REFUSE_BOTH(
			FWP_E_INVALID_CIPHER_TRANSFORM,
			b.esp.saCipherInformation.cipherTransform.cipherTransformId.cipherConfig++);
		REFUSE_BOTH(FWP_E_INVALID_CIPHER_TRANSFORM,
			    b.esp.saCipherInformation.cipherKey.size++);
		REFUSE_BOTH(FWP_E_INVALID_TRANSFORM_COMBINATION,
			    b.esp.saAuthInformation = b.ah); /* GCM with HMAC */
		REFUSE_BOTH(FWP_E_INVALID_TRANSFORM_COMBINATION, b.sa[1] = b.sa[0]);
		REFUSE_BOTH(FWP_E_INVALID_TRANSFORM_COMBINATION, b.sa[2] = b.sa[0],
			    bundle->saList = &b.sa[1]); /* AH before ESP */
		REFUSE_BOTH(FWP_E_INVALID_PARAMETER,
			    bundle->ipVersion = path_v6(p) ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6);
		REFUSE_BOTH(FWP_E_INVALID_PARAMETER, bundle->ipsecId = &bad_name);
		REFUSE_BOTH(ERROR_NOT_SUPPORTED, b.ah.authTransform.cryptoModuleId = &module);
		REFUSE_BOTH(ERROR_NOT_SUPPORTED,
			    b.esp.saCipherInformation.cipherTransform.cryptoModuleId = &module);
		if (!path_tunnel(p)) {
			REFUSE_BOTH(FWP_E_INVALID_FLAGS,
				    bundle->flags = IPSEC_SA_BUNDLE_FLAG_CLEAR_DF_ON_TUNNEL);
			REFUSE_BOTH(FWP_E_INVALID_FLAGS,
				    bundle->flags =
					    IPSEC_SA_BUNDLE_FLAG_FORCE_OUTBOUND_CONNECTIONS);
			REFUSE_BOTH(FWP_E_INVALID_FLAGS,
				    bundle->flags = IPSEC_SA_BUNDLE_FLAG_FORWARD_PATH_INITIATOR);
		}
		{
			bool inbound = true;

			REFUSE(FWP_E_INVALID_PARAMETER, b.sa[0].spi = SPI + 1);
		}
		context_delete(client.engine, waits[0]);
		context_delete(client.engine, waits[1]);
	}
}

static void bundles_in_another_order_are_refused(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 id = path_create(p);
		struct made_bundle b;

		made_bundle(&b, p->traffic.ipVersion, SPI, 0);
		refuse("without an SPI", p, id, true, &b, FWP_E_INCOMPATIBLE_SA_STATE);
		refuse("without an SPI", p, id, false, &b, FWP_E_INCOMPATIBLE_SA_STATE);
		assert_ok(IPsecSaContextSetSpi0(client.engine, id, &p->get, SPI));
		refuse("before the inbound one", p, id, false, &b, FWP_E_INCOMPATIBLE_SA_STATE);
		assert_ok(add(id, true, 1, &b));
		refuse("a second time", p, id, true, &b, FWP_E_INCOMPATIBLE_SA_STATE);
		assert_ok(add(id, false, 1, &b));
		refuse("a second time", p, id, true, &b, FWP_E_INCOMPATIBLE_SA_STATE);
		refuse("a second time", p, id, false, &b, FWP_E_INCOMPATIBLE_SA_STATE);
		context_delete(client.engine, id);
		refuse("of a deleted context", p, id, true, &b, FWP_E_NOT_FOUND);
		refuse("of a deleted context", p, id, false, &b, FWP_E_NOT_FOUND);
	}
}

/* --- what is returned ---------------------------------------------------------------------------------------------- */

/* Everything that a bundle can say. */
struct full {
	struct made_bundle made;
	IPSEC_ID0 id;
	IPSEC_TOKEN0 token[2];
	IPSEC_KEYMODULE_STATE0 state;
	UINT8 *state_bytes;
};

static const wchar_t *const target = L"peer.example, \u00df \u20ac \U0001f511";
static const wchar_t *const user = L"";

static void full_make(const struct path *p, UINT32 spi, UINT32 state_size, struct full *f)
{
	IPSEC_SA_BUNDLE1 *b = &f->made.bundle;

	memset(f, 0, sizeof(*f));
	made_bundle(&f->made, p->traffic.ipVersion, spi, spi + 1);
	f->token[0] = (IPSEC_TOKEN0){ IPSEC_TOKEN_TYPE_MACHINE, IPSEC_TOKEN_PRINCIPAL_LOCAL,
				      IPSEC_TOKEN_MODE_MAIN, 0x1111222233334444 };
	f->token[1] = (IPSEC_TOKEN0){ IPSEC_TOKEN_TYPE_IMPERSONATION, IPSEC_TOKEN_PRINCIPAL_PEER,
				      IPSEC_TOKEN_MODE_EXTENDED, 0x5555666677778888 };
	f->id = (IPSEC_ID0){ (wchar_t *)target, (wchar_t *)user,    2,
			     f->token,		0x0102030405060708, 0x1122334455667788 };
	f->state_bytes = malloc(state_size);
	require(f->state_bytes, "out of memory");
	for (UINT32 i = 0; i < state_size; i++)
		f->state_bytes[i] = i ^ i >> 8;
	f->state = (IPSEC_KEYMODULE_STATE0){
		.keyModuleKey = { 0x01234567, 0x89ab, 0xcdef, { 1, 2, 3, 4, 5, 6, 7, 8 } },
		.stateBlob = { state_size, f->state_bytes },
	};
	b->flags = IPSEC_SA_BUNDLE_FLAG_ND_SECURE | IPSEC_SA_BUNDLE_FLAG_TUNNEL_BANDWIDTH4;
	b->lifetime = (IPSEC_SA_LIFETIME0){ 3600, 100000, 0x7fffffff };
	b->idleTimeoutSeconds = 300;
	b->ndAllowClearTimeoutSeconds = 7;
	b->ipsecId = &f->id;
	b->napContext = 0xcafe;
	b->qmSaId = 0xbeef;
	b->keyModuleState = &f->state;
	if (!path_v6(p))
		b->peerV4PrivateAddress = 0x0a000001;
	b->mmSaId = 0xfedcba9876543210;
	b->pfsGroup = IPSEC_PFS_24;
	b->saLookupContext = (GUID){ 9, 8, 7, { 6, 5, 4, 3, 2, 1, 0, 255 } };
	b->qmFilterId = 0x0123456789abcdef;
}

static void expect_bundle(const IPSEC_SA_BUNDLE1 *given, int form, const IPSEC_SA_BUNDLE1 *got)
{
	static const GUID null_guid;
	const IPSEC_ID0 *id = got->ipsecId;

	assert_int_equal(got->flags, given->flags);
	assert_memory_equal(&got->lifetime, &given->lifetime, sizeof(got->lifetime));
	assert_int_equal(got->idleTimeoutSeconds, given->idleTimeoutSeconds);
	assert_int_equal(got->ndAllowClearTimeoutSeconds, given->ndAllowClearTimeoutSeconds);
	assert_int_equal(got->napContext, given->napContext);
	assert_int_equal(got->qmSaId, given->qmSaId);
	assert_int_equal(got->ipVersion, given->ipVersion);
	assert_int_equal(got->peerV4PrivateAddress, given->peerV4PrivateAddress);
	assert_int_equal(got->mmSaId, given->mmSaId);
	assert_int_equal(got->pfsGroup, given->pfsGroup);
	assert_memory_equal(&got->saLookupContext, form ? &given->saLookupContext : &null_guid,
			    sizeof(GUID));
	assert_int_equal(got->qmFilterId, form ? given->qmFilterId : 0);

	assert_non_null(id);
	assert_ptr_not_equal(id, given->ipsecId);
	assert_int_equal(wcscmp(id->mmTargetName, given->ipsecId->mmTargetName), 0);
	assert_int_equal(wcscmp(id->emTargetName, given->ipsecId->emTargetName), 0);
	assert_int_equal(id->explicitCredentials, given->ipsecId->explicitCredentials);
	assert_int_equal(id->logonId, given->ipsecId->logonId);
	assert_int_equal(id->numTokens, given->ipsecId->numTokens);
	for (UINT32 i = 0; i < id->numTokens; i++) {
		assert_int_equal(id->tokens[i].type, given->ipsecId->tokens[i].type);
		assert_int_equal(id->tokens[i].principal, given->ipsecId->tokens[i].principal);
		assert_int_equal(id->tokens[i].mode, given->ipsecId->tokens[i].mode);
		assert_int_equal(id->tokens[i].token, given->ipsecId->tokens[i].token);
	}
	assert_memory_equal(&got->keyModuleState->keyModuleKey,
			    &given->keyModuleState->keyModuleKey, sizeof(GUID));
	assert_int_equal(got->keyModuleState->stateBlob.size,
			 given->keyModuleState->stateBlob.size);
	assert_memory_equal(got->keyModuleState->stateBlob.data,
			    given->keyModuleState->stateBlob.data,
			    given->keyModuleState->stateBlob.size);

	assert_int_equal(got->numSAs, given->numSAs);
	for (UINT32 i = 0; i < got->numSAs; i++) {
		assert_int_equal(got->saList[i].spi, given->saList[i].spi);
		assert_int_equal(got->saList[i].saTransformType, given->saList[i].saTransformType);
	}
}

static void expect_no_keys(const IPSEC_SA_BUNDLE1 *got)
{
	const IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 *esp =
		got->saList[0].espAuthAndCipherInformation;
	const IPSEC_SA_AUTH_INFORMATION0 *ah = got->saList[1].ahInformation;

	assert_int_equal(esp->saCipherInformation.cipherTransform.cipherTransformId.cipherType,
			 IPSEC_CIPHER_TYPE_AES_128);
	assert_int_equal(esp->saCipherInformation.cipherTransform.cipherTransformId.cipherConfig,
			 IPSEC_CIPHER_CONFIG_GCM_AES_128);
	assert_int_equal(esp->saAuthInformation.authTransform.authTransformId.authType,
			 IPSEC_AUTH_AES_128);
	assert_int_equal(ah->authTransform.authTransformId.authType, IPSEC_AUTH_SHA_256);
	assert_int_equal(ah->authTransform.authTransformId.authConfig,
			 IPSEC_AUTH_CONFIG_HMAC_SHA_256_128);
	assert_int_equal(esp->saCipherInformation.cipherKey.size, 0);
	assert_null(esp->saCipherInformation.cipherKey.data);
	assert_int_equal(esp->saAuthInformation.authKey.size, 0);
	assert_null(esp->saAuthInformation.authKey.data);
	assert_int_equal(ah->authKey.size, 0);
	assert_null(ah->authKey.data);
	assert_null(ah->authTransform.cryptoModuleId);
}

static void all_but_the_keys_is_returned(void **state)
{
	/* Some parts of a blob; more than a session stages, so a transaction; the most there can be. */
	static const UINT32 state_sizes[] = { 1, 500, 20000, 48700 };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(state_sizes) * 2; i++) {
			const struct path *p = &paths[kind];
			UINT32 size = state_sizes[i / 2];
			struct full in, out;
			IPSEC_SA_CONTEXT1 *copy;
			int form = i % 2;
			UINT64 id;

			id = path_larval(p, SPI);
			full_make(p, SPI, size, &in);
			full_make(p, SPI + 5, 3, &out);
			assert_ok(add(id, true, form, &in.made));
			assert_ok(add(id, false, form, &out.made));
			assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
			expect_bundle(&in.made.bundle, form, &copy->inboundSa->saBundle);
			expect_bundle(&out.made.bundle, form, &copy->outboundSa->saBundle);
			expect_no_keys(&copy->inboundSa->saBundle);
			expect_no_keys(&copy->outboundSa->saBundle);
			FwpmFreeMemory0((void **)&copy);
			client_sound(&client, path_kind_name(kind));
			context_delete(client.engine, id);
			client_sound(&client, path_kind_name(kind));
			free(in.state_bytes);
			free(out.state_bytes);
		}
	}
}

/* Some members are rare, so each of them alone must be enough to be kept. */
static void each_rare_member_is_returned_alone(void **state)
{
	enum { MEMBERS = 7 };
	const struct path *p = &paths[PATH_TUNNEL];
	IPSEC_ID0 id_only = {};
	IPSEC_KEYMODULE_STATE0 state_only = {};
	IPSEC_SA_CONTEXT1 *copy;

	(void)state;
	for (int member = 0; member < MEMBERS + 1; member++) {
		UINT64 id = path_larval(p, SPI);
		const IPSEC_SA_BUNDLE1 *got;
		struct made_bundle b;

		made_bundle(&b, p->traffic.ipVersion, SPI, 0);
		switch (member) {
		case 0:
			b.bundle.ndAllowClearTimeoutSeconds = 1;
			break;
		case 1:
			b.bundle.napContext = 1;
			break;
		case 2:
			b.bundle.peerV4PrivateAddress = 1;
			break;
		case 3:
			b.bundle.qmFilterId = 1;
			break;
		case 4:
			b.bundle.saLookupContext.Data1 = 1;
			break;
		case 5:
			b.bundle.ipsecId = &id_only;
			break;
		case 6:
			b.bundle.keyModuleState = &state_only;
			break;
		}
		assert_ok(add(id, true, 1, &b));
		assert_ok(IPsecSaContextGetById1(client.engine, id, &copy));
		got = &copy->inboundSa->saBundle;
		assert_int_equal(got->ndAllowClearTimeoutSeconds, member == 0);
		assert_int_equal(got->napContext, member == 1);
		assert_int_equal(got->peerV4PrivateAddress, member == 2);
		assert_int_equal(got->qmFilterId, member == 3);
		assert_int_equal(got->saLookupContext.Data1, member == 4);
		assert_int_equal(got->ipsecId != NULL, member == 5);
		assert_int_equal(got->keyModuleState != NULL, member == 6);
		if (member == 5)
			assert_null(got->ipsecId->mmTargetName);
		if (member == 6)
			assert_null(got->keyModuleState->stateBlob.data);
		FwpmFreeMemory0((void **)&copy);
		context_delete(client.engine, id);
		assert_int_equal(maps_count(client.instance, "sa4"), 0);
	}
}

/* --- keys ------------------------------------------------------------------------------------------------------------ */

/* Any four bytes in a row would give a key away; the patterns have no byte that is common. */
static void expect_nowhere(const UINT8 *key, UINT32 size)
{
	const char *text = saxdp_error();

	for (UINT32 at = 0; at + 4 <= size; at += 4) {
		if (maps_contain(client.instance, key + at, 4))
			fail_msg("bytes %u to %u of a key are in a map", at, at + 3);
		if (memmem(text, strlen(text), key + at, 4))
			fail_msg("bytes %u to %u of a key are in \"%s\"", at, at + 3, text);
	}
}

static void a_key_never_reaches_a_map_or_an_error(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		UINT64 id = path_larval(p, SPI);
		struct full f;

		full_make(p, SPI, 20000, &f);
		for (UINT8 i = 0; i < BUNDLE_KEY_MAX; i++) {
			f.made.esp_key[i] = "\xd3\x9b\xe7\xb5"[i % 4] ^ i;
			f.made.ah_key[i] = "\xa9\xf3\x8d\xc7"[i % 4] ^ i;
		}
		/* Refused first, so that an error text speaks of them. */
		f.made.ah.authKey.size--;
		assert_result(add(id, true, 1, &f.made), FWP_E_INVALID_AUTH_TRANSFORM);
		expect_nowhere(f.made.ah_key, 32);
		f.made.ah.authKey.size++;
		f.made.esp.saCipherInformation.cipherKey.size--;
		assert_result(add(id, true, 1, &f.made), FWP_E_INVALID_CIPHER_TRANSFORM);
		expect_nowhere(f.made.esp_key, 20);
		f.made.esp.saCipherInformation.cipherKey.size++;
		assert_ok(add(id, true, 1, &f.made));
		assert_ok(add(id, false, 0, &f.made));
		expect_nowhere(f.made.esp_key, 20);
		expect_nowhere(f.made.ah_key, 32);
		/* The search itself finds what is there. */
		assert_true(maps_contain(client.instance, f.state_bytes, 64));
		free(f.state_bytes);
		context_delete(client.engine, id);
	}
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(bundles_of_one_and_two_become_sas),
		STORY(one_spi_names_four_sas),
		STORY(an_spi_of_anothers_bundle_is_refused),
		STORY(peers_behind_one_nat_share_the_sa_of_their_spi),
		STORY(a_context_may_take_the_outbound_spi_of_the_one_before),
		STORY(each_bad_bundle_has_its_code),
		STORY(bundles_in_another_order_are_refused),
		STORY(all_but_the_keys_is_returned),
		STORY(each_rare_member_is_returned_alone),
		STORY(a_key_never_reaches_a_map_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
