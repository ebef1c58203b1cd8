// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Provider contexts read back, by id, by key and by enumeration, and deleted by key: that all of a
 * policy returns, and every code that the docstrings name.
 */
#include <string.h>
#include <wchar.h>

#include "internal.h"

#include "check.h"
#include "child.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

static const GUID some_key = { .Data1 = 0x11111111 }, other_key = { .Data1 = 0x22222222 };
static GUID module = { .Data1 = 0x33333333 };
static wchar_t text[] = L"what it is";
static const char *name;
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	(void)state;
	name = policy_load("provider-context-enum", 16, 16);
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

/* --- all of it ------------------------------------------------------------------------------------- */

/* Two proposals with a transform of each form between them. */
struct whole {
	IPSEC_AUTH_TRANSFORM0 auth;
	IPSEC_CIPHER_TRANSFORM0 cipher;
	IPSEC_AUTH_AND_CIPHER_TRANSFORM0 both;
	IPSEC_SA_TRANSFORM0 first[3], second[1];
	IPSEC_PROPOSAL0 proposal[2];
	IPSEC_TUNNEL_POLICY0 policy;
	UINT8 data[3];
	FWPM_PROVIDER_CONTEXT0 context;
};

static void whole_make(struct whole *w)
{
	*w = (struct whole){
		.auth = { { IPSEC_AUTH_SHA_1, IPSEC_AUTH_CONFIG_HMAC_SHA_1_96 }, &module },
		.cipher = { { IPSEC_CIPHER_TYPE_AES_128, IPSEC_CIPHER_CONFIG_CBC_AES_128 }, NULL },
		.both = {
			{ { IPSEC_AUTH_SHA_256, IPSEC_AUTH_CONFIG_HMAC_SHA_256_128 }, NULL },
			{ { IPSEC_CIPHER_TYPE_AES_256, IPSEC_CIPHER_CONFIG_GCM_AES_256 }, &module },
		},
		.first = {
			{ IPSEC_TRANSFORM_AH, { .ahTransform = &w->auth } },
			{ IPSEC_TRANSFORM_ESP_CIPHER, { .espCipherTransform = &w->cipher } },
			{ IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
			  { .espAuthAndCipherTransform = &w->both } },
		},
		.second = { { IPSEC_TRANSFORM_ESP_AUTH, { .espAuthTransform = &w->auth } } },
		.proposal = {
			{ { 3600, 100000, 0x7fffffff }, 3, w->first, IPSEC_PFS_14 },
			{ { 60, 0, 0 }, 1, w->second, IPSEC_PFS_NONE },
		},
		.data = { 1, 0, 2 },
	};
	w->context = policy_tunnel(&w->policy);
	w->context.providerContextKey = some_key;
	w->context.displayData.description = text;
	w->context.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	w->context.providerData = (FWP_BYTE_BLOB){ sizeof(w->data), w->data };
	w->context.type = FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT;
	w->policy.flags = IPSEC_POLICY_FLAG_SITE_TO_SITE_TUNNEL | IPSEC_POLICY_FLAG_ND_SECURE;
	w->policy.saIdleTimeout = (IPSEC_SA_IDLE_TIMEOUT0){ 300, 60 };
	w->policy.numIpsecProposals = 2;
	w->policy.ipsecProposals = w->proposal;
}

static void auth_same(const IPSEC_AUTH_TRANSFORM0 *a, const IPSEC_AUTH_TRANSFORM0 *b)
{
	assert_int_equal(a->authTransformId.authType, b->authTransformId.authType);
	assert_int_equal(a->authTransformId.authConfig, b->authTransformId.authConfig);
	assert_true(!a->cryptoModuleId == !b->cryptoModuleId);
	if (a->cryptoModuleId)
		assert_memory_equal(a->cryptoModuleId, b->cryptoModuleId, sizeof(GUID));
}

static void cipher_same(const IPSEC_CIPHER_TRANSFORM0 *a, const IPSEC_CIPHER_TRANSFORM0 *b)
{
	assert_int_equal(a->cipherTransformId.cipherType, b->cipherTransformId.cipherType);
	assert_int_equal(a->cipherTransformId.cipherConfig, b->cipherTransformId.cipherConfig);
	assert_true(!a->cryptoModuleId == !b->cryptoModuleId);
	if (a->cryptoModuleId)
		assert_memory_equal(a->cryptoModuleId, b->cryptoModuleId, sizeof(GUID));
}

static void transform_same(const IPSEC_SA_TRANSFORM0 *a, const IPSEC_SA_TRANSFORM0 *b)
{
	assert_int_equal(a->ipsecTransformType, b->ipsecTransformType);
	if (a->ipsecTransformType == IPSEC_TRANSFORM_ESP_CIPHER) {
		cipher_same(a->espCipherTransform, b->espCipherTransform);
	} else if (a->ipsecTransformType == IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER) {
		auth_same(&a->espAuthAndCipherTransform->authTransform,
			  &b->espAuthAndCipherTransform->authTransform);
		cipher_same(&a->espAuthAndCipherTransform->cipherTransform,
			    &b->espAuthAndCipherTransform->cipherTransform);
	} else {
		auth_same(a->ahTransform, b->ahTransform);
	}
}

static void context_same(const FWPM_PROVIDER_CONTEXT0 *a, const FWPM_PROVIDER_CONTEXT0 *b)
{
	const IPSEC_TUNNEL_POLICY0 *p = a->ikeQmTunnelPolicy, *q = b->ikeQmTunnelPolicy;

	assert_memory_equal(&a->providerContextKey, &b->providerContextKey, sizeof(GUID));
	assert_int_equal(wcscmp(a->displayData.name, b->displayData.name), 0);
	assert_int_equal(wcscmp(a->displayData.description, b->displayData.description), 0);
	assert_memory_equal(a->providerKey, b->providerKey, sizeof(GUID));
	assert_int_equal(a->providerData.size, b->providerData.size);
	assert_memory_equal(a->providerData.data, b->providerData.data, a->providerData.size);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->type, b->type);
	assert_int_equal(p->flags, q->flags);
	assert_memory_equal(&p->tunnelEndpoints, &q->tunnelEndpoints, sizeof(p->tunnelEndpoints));
	assert_memory_equal(&p->saIdleTimeout, &q->saIdleTimeout, sizeof(p->saIdleTimeout));
	assert_null(p->emPolicy);
	assert_int_equal(p->numIpsecProposals, q->numIpsecProposals);
	for (UINT32 i = 0; i < p->numIpsecProposals; i++) {
		const IPSEC_PROPOSAL0 *x = &p->ipsecProposals[i], *y = &q->ipsecProposals[i];

		assert_memory_equal(&x->lifetime, &y->lifetime, sizeof(x->lifetime));
		assert_int_equal(x->pfsGroup, y->pfsGroup);
		assert_int_equal(x->numSaTransforms, y->numSaTransforms);
		for (UINT32 j = 0; j < x->numSaTransforms; j++)
			transform_same(&x->saTransforms[j], &y->saTransforms[j]);
	}
}

struct look {
	UINT64 id;
	const FWPM_PROVIDER_CONTEXT0 *wanted;
};

static int look_elsewhere(struct child *self, void *arg)
{
	const struct look *look = arg;
	HANDLE session = policy_open(0, 0), handle;
	FWPM_PROVIDER_CONTEXT0 *got, **entries;
	UINT32 count;

	(void)self;
	assert_int_equal(FwpmProviderContextGetById0(session, look->id, &got), 0);
	assert_int_equal(got->providerContextId, look->id);
	context_same(got, look->wanted);
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(
		FwpmProviderContextGetByKey0(session, &look->wanted->providerContextKey, &got), 0);
	assert_int_equal(got->providerContextId, look->id);
	context_same(got, look->wanted);
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmProviderContextCreateEnumHandle0(session, NULL, &handle), 0);
	assert_int_equal(FwpmProviderContextEnum0(session, handle, 10, &entries, &count), 0);
	assert_int_equal(count, 1);
	context_same(entries[0], look->wanted);
	FwpmFreeMemory0((void **)&entries);
	policy_close(session);
	return 0;
}

static void another_process_finds_all_of_a_policy(void **state)
{
	struct whole w, changed;
	struct look look = { .wanted = &w.context };

	(void)state;
	whole_make(&w);
	whole_make(&changed);
	assert_int_equal(FwpmProviderContextAdd0(engine, &changed.context, NULL, &look.id), 0);
	/* It was copied. */
	memset(changed.first, 0xee, sizeof(changed.first));
	memset(changed.proposal, 0xee, sizeof(changed.proposal));
	memset(changed.data, 0xee, sizeof(changed.data));
	child_run(NULL, look_elsewhere, &look);
}

static void ipv6_endpoints_return_as_the_session_has_them(void **state)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy), *got;
	const IPSEC_TUNNEL_ENDPOINTS0 *ends;
	UINT64 id;

	(void)state;
	policy.tunnelEndpoints = (IPSEC_TUNNEL_ENDPOINTS0){
		.ipVersion = FWP_IP_VERSION_V6,
		.localV6Address = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
		.remoteV6Address = { 0x20, 1, 0xd, 0xb8, [15] = 2 },
	};
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, &id), 0);
	assert_int_equal(FwpmProviderContextGetById0(engine, id, &got), 0);
	ends = &got->ikeQmTunnelPolicy->tunnelEndpoints;
	assert_memory_equal(ends, &policy.tunnelEndpoints, sizeof(*ends));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(saxdp_session_quirks(engine, SAXDP_QUIRK_V6_REVERSED), 0);
	assert_int_equal(FwpmProviderContextGetById0(engine, id, &got), 0);
	ends = &got->ikeQmTunnelPolicy->tunnelEndpoints;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(ends->localV6Address[i],
				 policy.tunnelEndpoints.localV6Address[15 - i]);
		assert_int_equal(ends->remoteV6Address[i],
				 policy.tunnelEndpoints.remoteV6Address[15 - i]);
	}
	FwpmFreeMemory0((void **)&got);
}

/* --- enumeration ----------------------------------------------------------------------------------- */

static UINT32 enumerate(HANDLE session, const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *template,
			const GUID *key)
{
	FWPM_PROVIDER_CONTEXT0 **entries;
	UINT32 got, count = 0;
	bool found = false;
	HANDLE handle;

	assert_int_equal(FwpmProviderContextCreateEnumHandle0(session, template, &handle), 0);
	do {
		assert_int_equal(FwpmProviderContextEnum0(session, handle, 1, &entries, &got), 0);
		if (got)
			found |= !memcmp(&entries[0]->providerContextKey, key, sizeof(*key));
		count += got;
		FwpmFreeMemory0((void **)&entries);
	} while (got);
	assert_int_equal(FwpmProviderContextDestroyEnumHandle0(session, handle), 0);
	assert_int_equal(found, count != 0);
	return count;
}

static void a_template_names_provider_and_type(void **state)
{
	FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 t = {
		.providerContextType = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
	};
	struct whole w;

	(void)state;
	policy_tunnel_add(engine, &other_key);
	whole_make(&w);
	assert_int_equal(FwpmProviderContextAdd0(engine, &w.context, NULL, NULL), 0);
	assert_int_equal(enumerate(engine, NULL, &some_key), 2);
	assert_int_equal(enumerate(engine, &t, &other_key), 1);
	t.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_int_equal(enumerate(engine, &t, &some_key), 0);
	t.providerContextType = FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT;
	assert_int_equal(enumerate(engine, &t, &some_key), 1);
	t.providerKey = (GUID *)&FWPM_PROVIDER_MPSSVC_WF;
	assert_int_equal(enumerate(engine, &t, &some_key), 0);
	t = (FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0){ .providerContextType = FWPM_GENERAL_CONTEXT };
	assert_int_equal(enumerate(engine, &t, &some_key), 0);
}

static void a_transaction_enumerates_its_own_view(void **state)
{
	HANDLE other = policy_open(0, 0);

	(void)state;
	policy_tunnel_add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmProviderContextDeleteByKey0(engine, &some_key), 0);
	policy_tunnel_add(engine, &other_key);
	assert_int_equal(enumerate(engine, NULL, &other_key), 1);
	assert_int_equal(enumerate(other, NULL, &some_key), 1);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(enumerate(other, NULL, &other_key), 1);
	policy_close(other);
}

/* --- deleting by key, and codes --------------------------------------------------------------------- */

static int delete_elsewhere(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)self;
	(void)arg;
	assert_int_equal(FwpmProviderContextDeleteByKey0(session, &some_key), 0);
	assert_int_equal(FwpmProviderContextDeleteByKey0(session, &some_key),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
	policy_close(session);
	return 0;
}

static void a_key_is_as_good_as_an_id(void **state)
{
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, 0);
	UINT64 id = policy_tunnel_add(engine, &some_key), filter;
	FWPM_PROVIDER_CONTEXT0 *got = NULL;

	(void)state;
	f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	f.providerContextKey = some_key;
	filter = policy_add(engine, &f);
	assert_int_equal(FwpmProviderContextDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	policy_delete(engine, filter);
	child_run(NULL, delete_elsewhere, NULL);
	assert_int_equal(FwpmProviderContextGetById0(engine, id, &got),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
	assert_int_equal(FwpmProviderContextGetByKey0(engine, &some_key, &got),
			 FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
	assert_null(got);
}

static void rules_of_sessions_hold_by_key(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);

	(void)state;
	policy_tunnel_add(theirs, &some_key);
	policy_tunnel_add(engine, &other_key);
	assert_int_equal(FwpmProviderContextDeleteByKey0(mine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmProviderContextDeleteByKey0(mine, &other_key),
			 FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmProviderContextDeleteByKey0(engine, &other_key),
			 FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(mine);
	policy_close(theirs);
}

static void each_mistake_has_its_code(void **state)
{
	const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 bad = {
		.providerContextType = FWPM_PROVIDER_CONTEXT_TYPE_MAX,
	};
	HANDLE closed = policy_open(0, 0), handle = NULL, providers;
	FWPM_PROVIDER_CONTEXT0 *c = NULL, **entries = NULL;
	UINT32 got = 77;

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmProviderContextGetById0(closed, 1, &c), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextGetByKey0(closed, &some_key, &c), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextDeleteByKey0(closed, &some_key), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextCreateEnumHandle0(closed, NULL, &handle),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextGetById0(engine, 1, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderContextGetByKey0(engine, NULL, &c), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderContextGetByKey0(engine, &some_key, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderContextDeleteByKey0(engine, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderContextCreateEnumHandle0(engine, NULL, NULL),
			 FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderContextCreateEnumHandle0(engine, &bad, &handle),
			 FWP_E_INVALID_ENUMERATOR);
	assert_null(handle);
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, &providers), 0);
	assert_int_equal(FwpmProviderContextEnum0(engine, providers, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextDestroyEnumHandle0(engine, providers),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderContextCreateEnumHandle0(engine, NULL, &handle), 0);
	assert_int_equal(FwpmProviderContextEnum0(engine, handle, 1, NULL, &got),
			 FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderContextEnum0(engine, handle, 1, &entries, NULL),
			 FWP_E_NULL_POINTER);
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmProviderContextGetById0(engine, 1, &c), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderContextGetByKey0(engine, &some_key, &c), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderContextDeleteByKey0(engine, &some_key), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderContextCreateEnumHandle0(engine, NULL, &handle),
			 RPC_E_DISCONNECTED);
	assert_null(c);
	assert_null(entries);
	assert_int_equal(got, 77);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_process_finds_all_of_a_policy),
		TEST(ipv6_endpoints_return_as_the_session_has_them),
		TEST(a_template_names_provider_and_type),
		TEST(a_transaction_enumerates_its_own_view),
		TEST(a_key_is_as_good_as_an_id),
		TEST(rules_of_sessions_hold_by_key),
		cmocka_unit_test_setup_teardown(each_mistake_has_its_code, setup,
						teardown_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
