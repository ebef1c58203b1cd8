// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * FwpmProviderContextAdd0 and FwpmProviderContextDeleteById0 on real maps: every code that their
 * docstrings name, what is in the maps afterwards, and that a failure leaves maps and outputs alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"

#include "check.h"
#include "child.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

enum { CONTEXTS = 16, FILTERS = 16, UNTOUCHED = 0x5a5a };

static const GUID some_key = { .Data1 = 0x11111111 }, other_key = { .Data1 = 0x22222222 };
static const char *name;
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	(void)state;
	name = policy_load("provider-context", CONTEXTS, FILTERS);
	engine = policy_open(0, 0);
	assert_int_equal(instance_get(name, INSTANCE_READ, &inst), 0);
	return 0;
}

static int teardown_unloaded(void **state)
{
	instance_put(inst);
	FwpmEngineClose0(engine);
	return scratch_teardown(state);
}

static int teardown(void **state)
{
	dump_require_sound(inst, "afterwards");
	return teardown_unloaded(state);
}

static void lookup(enum saxdp_kind kind, const void *key, void *ret)
{
	assert_int_equal(store_lookup(inst, kind, key, ret), 0);
}

static void tunnel_delete(HANDLE session, UINT64 id)
{
	DWORD err = FwpmProviderContextDeleteById0(session, id);

	require(!err, "provider context %llu: 0x%x %s", (unsigned long long)id, err, saxdp_error());
}

/* --- refusals ------------------------------------------------------------------------------------- */

static void refuse(const char *what, const FWPM_PROVIDER_CONTEXT0 *context, void *sd, DWORD wanted)
{
	struct dump *before = dump_take(inst), *after;
	UINT64 id = UNTOUCHED;
	DWORD err = FwpmProviderContextAdd0(engine, context, sd, &id);

	if (err != wanted || id != UNTOUCHED)
		fail_msg("%s: 0x%x instead of 0x%x, id %llu", what, err, wanted,
			 (unsigned long long)id);
	after = dump_take(inst);
	dump_require_same(before, after, what);
	dump_free(before);
	dump_free(after);
}

static void each_bad_provider_context_has_its_code(void **state)
{
	IPSEC_AUTH_TRANSFORM0 auth;
	IPSEC_CIPHER_TRANSFORM0 cipher;
	IPSEC_SA_TRANSFORM0 transform;
	IPSEC_PROPOSAL0 proposal;
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c;
	SECURITY_DESCRIPTOR sd = {};
	wchar_t surrogate[] = { 0xdfff, 0 };

	(void)state;
	refuse("NULL", NULL, NULL, FWP_E_NULL_POINTER);

	/* A policy with one proposal of one transform, and what is wrong with it. */
#define REFUSE(wanted, ...)                                                                       \
	do {                                                                                      \
		c = policy_tunnel(&policy);                                                       \
		auth = (IPSEC_AUTH_TRANSFORM0){};                                                 \
		cipher = (IPSEC_CIPHER_TRANSFORM0){};                                             \
		cipher.cipherTransformId.cipherType = IPSEC_CIPHER_TYPE_AES_128;                  \
		transform = (IPSEC_SA_TRANSFORM0){ .ipsecTransformType = IPSEC_TRANSFORM_AH,      \
						   .ahTransform = &auth };                        \
		proposal = (IPSEC_PROPOSAL0){ .numSaTransforms = 1, .saTransforms = &transform }; \
		policy.numIpsecProposals = 1;                                                     \
		policy.ipsecProposals = &proposal;                                                \
		__VA_ARGS__;                                                                      \
		refuse(#__VA_ARGS__, &c, NULL, wanted);                                           \
	} while (0)

	REFUSE(FWP_E_NULL_POINTER, c.ikeQmTunnelPolicy = NULL);
	REFUSE(FWP_E_NULL_POINTER, c.providerData.size = 1);
	REFUSE(FWP_E_NULL_POINTER, policy.ipsecProposals = NULL);
	REFUSE(FWP_E_NULL_POINTER, proposal.saTransforms = NULL);
	REFUSE(FWP_E_NULL_POINTER, transform.ahTransform = NULL);
	REFUSE(FWP_E_NULL_POINTER, transform.ipsecTransformType = IPSEC_TRANSFORM_ESP_CIPHER,
	       transform.espCipherTransform = NULL);
	REFUSE(FWP_E_NULL_POINTER,
	       transform.ipsecTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
	       transform.espAuthAndCipherTransform = NULL);
	REFUSE(FWP_E_NULL_DISPLAY_NAME, c.displayData.name = NULL);
	REFUSE(FWP_E_INVALID_PARAMETER, c.displayData.description = surrogate);
	REFUSE(FWP_E_INVALID_FLAGS, c.flags = 0x80);
	REFUSE(FWP_E_INVALID_FLAGS, c.flags = FWPM_PROVIDER_CONTEXT_FLAG_DOWNLEVEL);
	REFUSE(FWP_E_INVALID_FLAGS, policy.flags = 1);
	REFUSE(FWP_E_INVALID_FLAGS, policy.flags = IPSEC_POLICY_FLAG_RESERVED1);
	REFUSE(FWP_E_PROVIDER_NOT_FOUND, c.providerKey = (GUID *)&some_key);
	REFUSE(FWP_E_INVALID_ENUMERATOR, c.type = FWPM_PROVIDER_CONTEXT_TYPE_MAX);
	REFUSE(FWP_E_INVALID_ENUMERATOR, c.type = (FWPM_PROVIDER_CONTEXT_TYPE)-1);
	REFUSE(FWP_E_INVALID_ENUMERATOR, policy.tunnelEndpoints.ipVersion = FWP_IP_VERSION_NONE);
	REFUSE(FWP_E_INVALID_ENUMERATOR, policy.tunnelEndpoints.ipVersion = (FWP_IP_VERSION)77);
	REFUSE(FWP_E_INVALID_ENUMERATOR, proposal.pfsGroup = IPSEC_PFS_MAX);
	REFUSE(FWP_E_INVALID_ENUMERATOR, transform.ipsecTransformType = IPSEC_TRANSFORM_TYPE_MAX);
	REFUSE(FWP_E_INVALID_ENUMERATOR, transform.ipsecTransformType = (IPSEC_TRANSFORM_TYPE)0);
	REFUSE(FWP_E_INVALID_ENUMERATOR, auth.authTransformId.authType = IPSEC_AUTH_MAX);
	REFUSE(FWP_E_INVALID_ENUMERATOR, transform.ipsecTransformType = IPSEC_TRANSFORM_ESP_CIPHER,
	       transform.espCipherTransform = &cipher,
	       cipher.cipherTransformId.cipherType = (IPSEC_CIPHER_TYPE)0);
	REFUSE(FWP_E_INVALID_TUNNEL_ENDPOINT, policy.tunnelEndpoints.localV4Address = 0);
	REFUSE(FWP_E_INVALID_TUNNEL_ENDPOINT, policy.tunnelEndpoints.remoteV4Address = 0xe0000001);
	REFUSE(FWP_E_INVALID_TUNNEL_ENDPOINT, policy.tunnelEndpoints.ipVersion = FWP_IP_VERSION_V6,
	       memset(policy.tunnelEndpoints.localV6Address, 0x20, 16),
	       memset(policy.tunnelEndpoints.remoteV6Address, 0, 16));
	REFUSE(FWP_E_INVALID_TUNNEL_ENDPOINT, policy.tunnelEndpoints.ipVersion = FWP_IP_VERSION_V6,
	       memset(policy.tunnelEndpoints.localV6Address, 0xff, 16),
	       memset(policy.tunnelEndpoints.remoteV6Address, 0x20, 16));
	REFUSE(ERROR_NOT_SUPPORTED, c.type = FWPM_GENERAL_CONTEXT);
	REFUSE(ERROR_NOT_SUPPORTED, c.flags = FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT);
	c = policy_tunnel(&policy);
	refuse("sd", &c, &sd, ERROR_NOT_SUPPORTED);
}

static void what_is_not_there_is_not_found(void **state)
{
	FWPM_PROVIDER_CONTEXT0 c = {};
	HANDLE closed = policy_open(0, 0);

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, 12345),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
	assert_int_equal(FwpmProviderContextAdd0(closed, &c, NULL, NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextDeleteById0(closed, 1), ERROR_INVALID_HANDLE);
}

/* --- in the maps ---------------------------------------------------------------------------------- */

static void a_tunnel_policy_is_kept(void **state)
{
	GUID module = other_key;
	IPSEC_AUTH_AND_CIPHER_TRANSFORM0 both = {
		.authTransform = { { IPSEC_AUTH_SHA_256, IPSEC_AUTH_CONFIG_HMAC_SHA_256_128 },
				   &module },
		.cipherTransform.cipherTransformId = { IPSEC_CIPHER_TYPE_AES_256,
						       IPSEC_CIPHER_CONFIG_CBC_AES_256 },
	};
	IPSEC_SA_TRANSFORM0 transform = { IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
					  { .espAuthAndCipherTransform = &both } };
	IPSEC_PROPOSAL0 proposal = { { 1, 2, 3 }, 1, &transform, IPSEC_PFS_14 };
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	struct saxdp_blob_key blob_key = { .kind = SAXDP_BLOB_PROV_CONTEXT };
	struct saxdp_prov_context fixed;
	struct saxdp_blob part;
	struct blob b;
	IPSEC_SA_IDLE_TIMEOUT0 idle;
	IPSEC_SA_LIFETIME0 lifetime;
	size_t size;
	UINT64 id;
	GUID got;

	(void)state;
	c.providerContextKey = some_key;
	c.type = FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT;
	policy.flags = IPSEC_POLICY_FLAG_SITE_TO_SITE_TUNNEL | IPSEC_POLICY_FLAG_BANDWIDTH4;
	policy.saIdleTimeout = (IPSEC_SA_IDLE_TIMEOUT0){ 300, 60 };
	policy.numIpsecProposals = 1;
	policy.ipsecProposals = &proposal;
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, &id), 0);

	lookup(SAXDP_KIND_PROV_CONTEXT, &id, &fixed);
	assert_memory_equal(fixed.key, &some_key, sizeof(GUID));
	assert_int_equal(fixed.type, FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT);
	assert_int_equal(fixed.family, 4);
	assert_int_equal(fixed.local[0], htonl(0xc0000201));
	assert_int_equal(fixed.remote[0], htonl(0xc0000202));
	assert_int_equal(fixed.owner, 0);
	assert_int_equal(fixed.users, 0);
	assert_int_equal(fixed.provider, 0);

	blob_key.id = id;
	lookup(SAXDP_KIND_BLOB, &blob_key, &part);
	assert_true(fixed.blob_bytes <= sizeof(part.data));
	b = (struct blob){ .data = part.data, .size = fixed.blob_bytes };
	assert_memory_equal(blob_get_utf8(&b, &size), "test", 4);
	assert_int_equal(size, 4);
	assert_null(blob_get_utf8(&b, &size));
	assert_int_equal(blob_get_u32(&b), 0); /* no data */
	assert_int_equal(blob_get_u32(&b), policy.flags);
	blob_get(&b, &idle, sizeof(idle));
	assert_int_equal(idle.idleTimeoutSecondsFailOver, 60);
	assert_int_equal(blob_get_u32(&b), 1);
	blob_get(&b, &lifetime, sizeof(lifetime));
	assert_int_equal(lifetime.lifetimePackets, 3);
	assert_int_equal(blob_get_u8(&b), IPSEC_PFS_14);
	assert_int_equal(blob_get_u32(&b), 1);
	assert_int_equal(blob_get_u8(&b), IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER);
	assert_int_equal(blob_get_u8(&b), IPSEC_AUTH_SHA_256);
	assert_int_equal(blob_get_u8(&b), IPSEC_AUTH_CONFIG_HMAC_SHA_256_128);
	assert_int_equal(blob_get_u8(&b), 1);
	blob_get(&b, &got, sizeof(got));
	assert_memory_equal(&got, &module, sizeof(got));
	assert_int_equal(blob_get_u8(&b), IPSEC_CIPHER_TYPE_AES_256);
	assert_int_equal(blob_get_u8(&b), IPSEC_CIPHER_CONFIG_CBC_AES_256);
	assert_int_equal(blob_get_u8(&b), 0);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.at, b.size);
	tunnel_delete(engine, id);
}

struct search {
	const char *text;
	size_t value_size;
	bool found;
};

static int value_search(void *ctx, const void *key, const void *value)
{
	struct search *s = ctx;

	(void)key;
	s->found |= memmem(value, s->value_size, s->text, strlen(s->text)) != NULL;
	return 0;
}

static bool maps_contain(const char *text)
{
	struct search s = { .text = text };

	for (int kind = 0; kind < SAXDP_KIND_COUNT; kind++) {
		s.value_size = kind_value_size(kind);
		assert_int_equal(store_each(inst, kind, value_search, &s), 0);
	}
	return s.found;
}

/* A pre-shared key may be in it. */
static void the_extended_mode_policy_is_not_kept(void **state)
{
	static char secret[] = "saxdp-test-secret";
	static wchar_t title[] = L"saxdp-test-title";
	IKEEXT_AUTHENTICATION_METHOD0 method = {
		.authenticationMethodType = IKEEXT_PRESHARED_KEY,
		.presharedKeyAuthentication.presharedKey = { sizeof(secret), (UINT8 *)secret },
	};
	IKEEXT_EM_POLICY0 extended = { 1, &method, IKEEXT_IMPERSONATION_NONE };
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	UINT64 id;

	(void)state;
	policy.emPolicy = &extended;
	c.displayData.name = title;
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, &id), 0);
	assert_true(maps_contain("saxdp-test-title"));
	assert_false(maps_contain(secret));
}

static void ipv6_endpoints_are_as_the_session_gives_them(void **state)
{
	static const UINT8 local[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const UINT8 remote[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);

	(void)state;
	for (uint32_t quirks = 0; quirks <= SAXDP_QUIRK_V6_REVERSED; quirks++) {
		struct saxdp_prov_context fixed;
		UINT64 id;

		assert_int_equal(saxdp_session_quirks(engine, quirks), 0);
		policy.tunnelEndpoints.ipVersion = FWP_IP_VERSION_V6;
		for (int i = 0; i < 16; i++) {
			int to = quirks ? 15 - i : i;

			policy.tunnelEndpoints.localV6Address[to] = local[i];
			policy.tunnelEndpoints.remoteV6Address[to] = remote[i];
		}
		assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, &id), 0);
		lookup(SAXDP_KIND_PROV_CONTEXT, &id, &fixed);
		assert_int_equal(fixed.family, 6);
		assert_memory_equal(fixed.local, local, sizeof(local));
		assert_memory_equal(fixed.remote, remote, sizeof(remote));
	}
}

static void a_key_belongs_to_one_provider_context(void **state)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	UINT64 first = policy_tunnel_add(engine, &some_key), second;

	(void)state;
	c.providerContextKey = some_key;
	refuse("the same key", &c, NULL, FWP_E_ALREADY_EXISTS);
	policy_tunnel_add(engine, &other_key);
	policy_tunnel_add(engine, NULL);
	policy_tunnel_add(engine, NULL);
	tunnel_delete(engine, first);
	second = policy_tunnel_add(engine, &some_key);
	assert_true(second > first);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, first),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
}

static void the_id_may_be_left_out(void **state)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);

	(void)state;
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, NULL), 0);
}

static void a_full_map_is_refused(void **state)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	UINT64 first = 0, id;
	DWORD err = 0;

	(void)state;
	for (int i = 0; i < 100 * FILTERS && !err; i++) {
		id = UNTOUCHED;
		err = FwpmProviderContextAdd0(engine, &c, NULL, &id);
		if (!first)
			first = id;
	}
	assert_int_equal(err, ERROR_NO_SYSTEM_RESOURCES);
	assert_int_equal(id, UNTOUCHED);
	refuse("one more", &c, NULL, ERROR_NO_SYSTEM_RESOURCES);
	for (int i = 0; i < 300; i++) {
		tunnel_delete(engine, first);
		first = policy_tunnel_add(engine, NULL);
	}
}

/* --- who uses it ------------------------------------------------------------------------------------ */

static FWPM_FILTER0 filter_that_names(const GUID *key)
{
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, 0);

	f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	f.providerContextKey = *key;
	return f;
}

static void one_that_is_used_stays(void **state)
{
	UINT64 id = policy_tunnel_add(engine, &some_key), context, filter;
	FWPM_FILTER0 f = filter_that_names(&some_key);
	IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0xc0000201,
		.remoteV4Address = 0xc0000202,
		.trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL,
		.tunnelPolicyId = id,
	};

	(void)state;
	filter = policy_add(engine, &f);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_IN_USE);
	policy_delete(engine, filter);
	assert_int_equal(IPsecSaContextCreate1(engine, &traffic, NULL, NULL, &context), 0);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_IN_USE);
	assert_int_equal(IPsecSaContextDeleteById0(engine, context), 0);
	tunnel_delete(engine, id);
}

/* The count in the map knows nothing yet of what the transaction does. */
static void a_transaction_counts_its_own_users(void **state)
{
	FWPM_FILTER0 f = filter_that_names(&some_key);
	UINT64 id, first, second;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	id = policy_tunnel_add(engine, &some_key);
	first = policy_add(engine, &f);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_IN_USE);
	second = policy_add(engine, &f);
	policy_delete(engine, second);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_IN_USE);

	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_IN_USE);
	policy_delete(engine, first);
	tunnel_delete(engine, id);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
}

/* --- transactions, sessions, rights ----------------------------------------------------------------- */

static void an_aborted_transaction_changes_nothing(void **state)
{
	UINT64 id = policy_tunnel_add(engine, &some_key);
	struct dump *before = dump_take(inst), *after;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	tunnel_delete(engine, id);
	policy_tunnel_add(engine, &some_key);
	policy_tunnel_add(engine, NULL);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	tunnel_delete(engine, id);
}

static void a_read_only_transaction_refuses_changes(void **state)
{
	UINT64 id = policy_tunnel_add(engine, NULL), untouched = UNTOUCHED;
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, &untouched),
			 FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, id), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(untouched, UNTOUCHED);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
}

static void waiting_for_another_transaction_ends_in_time(void **state)
{
	HANDLE hasty = policy_open(0, 1);
	UINT64 id = policy_tunnel_add(engine, NULL);
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmProviderContextAdd0(hasty, &c, NULL, NULL), FWP_E_TIMEOUT);
	assert_int_equal(FwpmProviderContextDeleteById0(hasty, id), FWP_E_TIMEOUT);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(hasty);
}

static void a_dynamic_one_ends_with_its_session(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	UINT64 dynamic = policy_tunnel_add(theirs, &some_key);
	UINT64 fixed = policy_tunnel_add(engine, NULL);

	(void)state;
	assert_int_equal(FwpmProviderContextDeleteById0(mine, dynamic), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, dynamic), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmProviderContextDeleteById0(mine, fixed),
			 FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	policy_close(theirs);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, dynamic),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
	tunnel_delete(engine, policy_tunnel_add(engine, &some_key));
	tunnel_delete(engine, fixed);
	policy_close(mine);
}

static int call_as_reader(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	UINT64 untouched = UNTOUCHED;

	(void)self;
	assert_int_equal(FwpmProviderContextAdd0(session, &c, NULL, &untouched),
			 ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmProviderContextDeleteById0(session, *(UINT64 *)arg),
			 ERROR_ACCESS_DENIED);
	assert_int_equal(untouched, UNTOUCHED);
	policy_close(session);
	return 0;
}

static void a_reader_is_refused(void **state)
{
	static const gid_t groups[] = { POLICY_READERS };
	const struct identity reader = { POLICY_STRANGER, POLICY_STRANGER, groups, 1 };
	const struct child_opts as_reader = { .as = &reader };
	UINT64 id = policy_tunnel_add(engine, NULL);

	(void)state;
	child_run(&as_reader, call_as_reader, &id);
	tunnel_delete(engine, id);
}

static void a_handle_outlives_its_engine_with_a_code(void **state)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	UINT64 untouched = UNTOUCHED;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, &untouched), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, 1), RPC_E_DISCONNECTED);
	assert_int_equal(untouched, UNTOUCHED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_bad_provider_context_has_its_code),
		TEST(what_is_not_there_is_not_found),
		TEST(a_tunnel_policy_is_kept),
		TEST(the_extended_mode_policy_is_not_kept),
		TEST(ipv6_endpoints_are_as_the_session_gives_them),
		TEST(a_key_belongs_to_one_provider_context),
		TEST(the_id_may_be_left_out),
		TEST(a_full_map_is_refused),
		TEST(one_that_is_used_stays),
		TEST(a_transaction_counts_its_own_users),
		TEST(an_aborted_transaction_changes_nothing),
		TEST(a_read_only_transaction_refuses_changes),
		TEST(waiting_for_another_transaction_ends_in_time),
		TEST(a_dynamic_one_ends_with_its_session),
		TEST(a_reader_is_refused),
		cmocka_unit_test_setup_teardown(a_handle_outlives_its_engine_with_a_code, setup,
						teardown_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
