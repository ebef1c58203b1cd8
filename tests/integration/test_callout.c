// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The calls on callouts on real maps: every code that their docstrings name, what other processes see
 * of their effect, references, lifetimes, enumeration, and what filters do that ask one.
 */
#include <string.h>
#include <wchar.h>

#include "internal.h"

#include "check.h"
#include "child.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

enum { CONTEXTS = 16, FILTERS = 64 };

static const GUID some_key = { .Data1 = 0x11111111 }, other_key = { .Data1 = 0x22222222 };
static const GUID null_key;
static wchar_t title[] = L"caf\u00e9", text[] = L"where it is";
static const char *name;
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	(void)state;
	name = policy_load("callout", CONTEXTS, FILTERS);
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

static FWPM_CALLOUT0 callout_of(const GUID *key)
{
	return (FWPM_CALLOUT0){
		.calloutKey = *key,
		.displayData.name = title,
		.applicableLayer = FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
	};
}

static void add(HANDLE session, const GUID *key)
{
	FWPM_CALLOUT0 callout = callout_of(key);
	DWORD err = FwpmCalloutAdd0(session, &callout, NULL, NULL);

	require(!err, "callout: 0x%x %s", err, saxdp_error());
}

static void delete (HANDLE session, const GUID *key)
{
	DWORD err = FwpmCalloutDeleteByKey0(session, key);

	require(!err, "callout: 0x%x %s", err, saxdp_error());
}

static DWORD get(HANDLE session, const GUID *key)
{
	FWPM_CALLOUT0 *callout = NULL;
	DWORD err = FwpmCalloutGetByKey0(session, key, &callout);

	assert_true(!err == (callout != NULL));
	if (!err)
		assert_memory_equal(&callout->calloutKey, key, sizeof(*key));
	FwpmFreeMemory0((void **)&callout);
	return err;
}

/* What another process finds. */
struct look {
	const GUID *key;
	DWORD wanted;
};

static int look_elsewhere(struct child *self, void *arg)
{
	const struct look *look = arg;
	HANDLE session = policy_open(0, 0);

	(void)self;
	assert_int_equal(get(session, look->key), look->wanted);
	policy_close(session);
	return 0;
}

static void others_find(const GUID *key, DWORD wanted)
{
	struct look look = { key, wanted };

	child_run(NULL, look_elsewhere, &look);
}

/* --- refusals ------------------------------------------------------------------------------------- */

static void each_bad_callout_has_its_code(void **state)
{
	wchar_t surrogate[] = { 0xdfff, 0 };
	SECURITY_DESCRIPTOR sd = {};
	struct dump *before = dump_take(inst), *after;
	FWPM_CALLOUT0 s;

	(void)state;
	assert_int_equal(FwpmCalloutAdd0(engine, NULL, NULL, NULL), FWP_E_NULL_POINTER);
#define REFUSE(wanted, ...)                                              \
	do {                                                             \
		s = callout_of(&some_key);                               \
		__VA_ARGS__;                                             \
		if (FwpmCalloutAdd0(engine, &s, NULL, NULL) != (wanted)) \
			fail_msg("%s: %s", #__VA_ARGS__, saxdp_error()); \
	} while (0)
	REFUSE(FWP_E_NULL_POINTER, s.providerData.size = 1);
	REFUSE(FWP_E_NULL_DISPLAY_NAME, s.displayData.name = NULL);
	REFUSE(FWP_E_INVALID_PARAMETER, s.displayData.description = surrogate);
	REFUSE(FWP_E_INVALID_FLAGS, s.flags = 0x80);
	REFUSE(FWP_E_INVALID_FLAGS, s.flags = FWPM_CALLOUT_FLAG_REGISTERED);
	REFUSE(FWP_E_LAYER_NOT_FOUND, s.applicableLayer = some_key);
	REFUSE(FWP_E_PROVIDER_NOT_FOUND, s.providerKey = (GUID *)&other_key);
	REFUSE(FWP_E_ALREADY_EXISTS, s.calloutKey = FWPM_CALLOUT_IPSEC_ALE_CONNECT_V4);
	REFUSE(ERROR_NOT_SUPPORTED, s.flags = FWPM_CALLOUT_FLAG_PERSISTENT);
	s = callout_of(&some_key);
	assert_int_equal(FwpmCalloutAdd0(engine, &s, &sd, NULL), ERROR_NOT_SUPPORTED);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
}

static void what_is_not_there_is_not_found(void **state)
{
	FWPM_CALLOUT0 s = callout_of(&some_key), *got = NULL;
	HANDLE closed = policy_open(0, 0);

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &some_key), FWP_E_CALLOUT_NOT_FOUND);
	assert_int_equal(FwpmCalloutGetByKey0(engine, &some_key, &got), FWP_E_CALLOUT_NOT_FOUND);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmCalloutGetByKey0(engine, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmCalloutGetByKey0(engine, &some_key, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmCalloutAdd0(closed, &s, NULL, NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmCalloutDeleteByKey0(closed, &some_key), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmCalloutDeleteById0(closed, 1), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmCalloutGetById0(closed, 1, &got), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmCalloutGetById0(engine, 1, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmCalloutGetById0(engine, 1, &got), FWP_E_CALLOUT_NOT_FOUND);
	assert_int_equal(FwpmCalloutDeleteById0(engine, 1), FWP_E_CALLOUT_NOT_FOUND);
	assert_int_equal(FwpmCalloutGetByKey0(closed, &some_key, &got), ERROR_INVALID_HANDLE);
	assert_null(got);
}

static void what_is_built_in_stays(void **state)
{
	FWPM_CALLOUT0 *got;
	UINT32 id;

	(void)state;
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6),
			 FWP_E_BUILTIN_OBJECT);
	assert_int_equal(FwpmCalloutGetByKey0(engine, &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6, &got),
			 0);
	assert_memory_equal(&got->calloutKey, &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, L"FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6"),
			 0);
	assert_int_equal(got->flags, FWPM_CALLOUT_FLAG_REGISTERED);
	assert_memory_equal(&got->applicableLayer, &FWPM_LAYER_OUTBOUND_TRANSPORT_V6, sizeof(GUID));
	id = got->calloutId;
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmCalloutGetById0(engine, id, &got), 0);
	assert_memory_equal(&got->calloutKey, &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmCalloutDeleteById0(engine, id), FWP_E_BUILTIN_OBJECT);
	assert_int_equal(FwpmCalloutDeleteById0(engine, id | 0xffff), FWP_E_CALLOUT_NOT_FOUND);
	assert_int_equal(FwpmCalloutGetById0(engine, id | 0xffff, &got), FWP_E_CALLOUT_NOT_FOUND);
}

/* --- what is kept --------------------------------------------------------------------------------- */

static int all_comes_back(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_CALLOUT0 *got;

	(void)self;
	assert_int_equal(FwpmCalloutGetByKey0(session, &some_key, &got), 0);
	assert_memory_equal(&got->calloutKey, &some_key, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, title), 0);
	assert_int_equal(wcscmp(got->displayData.description, text), 0);
	assert_memory_equal(got->providerKey, &FWPM_PROVIDER_IKEEXT, sizeof(GUID));
	assert_int_equal(got->providerData.size, 3);
	assert_memory_equal(got->providerData.data, "\1\0\2", 3);
	assert_int_equal(got->flags, FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT);
	assert_memory_equal(&got->applicableLayer, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, sizeof(GUID));
	assert_int_equal(got->calloutId, *(UINT32 *)arg);
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmCalloutGetById0(session, *(UINT32 *)arg, &got), 0);
	assert_memory_equal(&got->calloutKey, &some_key, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	policy_close(session);
	return 0;
}

static void another_process_finds_what_was_added(void **state)
{
	UINT8 data[] = { 1, 0, 2 };
	UINT32 id;
	FWPM_CALLOUT0 s = callout_of(&some_key);

	(void)state;
	s.displayData.description = text;
	s.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	s.providerData = (FWP_BYTE_BLOB){ sizeof(data), data };
	s.flags = FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT;
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, &id), 0);
	memset(data, 0xee, sizeof(data));
	child_run(NULL, all_comes_back, &id);
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, NULL), FWP_E_ALREADY_EXISTS);
	delete (engine, &some_key);
	others_find(&some_key, FWP_E_CALLOUT_NOT_FOUND);
}

static void a_full_map_is_refused(void **state)
{
	DWORD err = 0;

	(void)state;
	for (int i = 0; i < 100 * FILTERS && !err; i++) {
		FWPM_CALLOUT0 s = callout_of(&null_key);

		err = FwpmCalloutAdd0(engine, &s, NULL, NULL);
	}
	assert_int_equal(err, ERROR_NO_SYSTEM_RESOURCES);
}

/* --- who names it, and whom it names ---------------------------------------------------------------- */

static FWPM_FILTER0 filter_of(const GUID *callout)
{
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, 0);

	f.action.type = FWP_ACTION_CALLOUT_TERMINATING;
	f.action.calloutKey = *callout;
	return f;
}

static void one_that_is_named_stays(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key), *got;
	UINT64 filter;

	(void)state;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_CALLOUT_NOT_FOUND);
	add(engine, &some_key);
	filter = policy_add(engine, &f);
	assert_int_equal(FwpmFilterGetById0(engine, filter, &got), 0);
	assert_memory_equal(&got->action.calloutKey, &some_key, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	policy_delete(engine, filter);
	delete (engine, &some_key);
	others_find(&some_key, FWP_E_CALLOUT_NOT_FOUND);
}

static void its_provider_stays_as_long(void **state)
{
	FWPM_PROVIDER0 p = { .providerKey = other_key, .displayData.name = title };
	FWPM_CALLOUT0 s = callout_of(&some_key);

	(void)state;
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), 0);
	s.providerKey = (GUID *)&other_key;
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, NULL), 0);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &other_key), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	delete (engine, &some_key);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &other_key), 0);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &other_key), FWP_E_PROVIDER_NOT_FOUND);
}

static void a_transaction_counts_its_own_users(void **state)
{
	HANDLE other = policy_open(0, 0);
	FWPM_FILTER0 f = filter_of(&some_key);
	UINT64 first, second;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	add(engine, &some_key);
	first = policy_add(engine, &f);
	second = policy_add(engine, &f);
	policy_delete(engine, second);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);

	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, first);
	delete (engine, &some_key);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_CALLOUT_NOT_FOUND);
	assert_int_equal(get(other, &some_key), 0);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(get(other, &some_key), FWP_E_CALLOUT_NOT_FOUND);
	policy_close(other);
}

static void an_aborted_transaction_changes_nothing(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key), g = filter_of(&other_key);
	struct dump *before, *after;
	UINT64 id;

	(void)state;
	add(engine, &some_key);
	id = policy_add(engine, &f);
	before = dump_take(inst);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, id);
	delete (engine, &some_key);
	add(engine, &other_key);
	policy_add(engine, &g);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
}

/* --- transactions, sessions, rights ----------------------------------------------------------------- */

static void a_read_only_transaction_refuses_changes(void **state)
{
	FWPM_CALLOUT0 s = callout_of(&other_key);

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, NULL), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &some_key), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(get(engine, &some_key), 0);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
}

static void waiting_for_another_transaction_ends_in_time(void **state)
{
	HANDLE hasty = policy_open(0, 1);
	FWPM_CALLOUT0 s = callout_of(&other_key);

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmCalloutAdd0(hasty, &s, NULL, NULL), FWP_E_TIMEOUT);
	assert_int_equal(FwpmCalloutDeleteByKey0(hasty, &some_key), FWP_E_TIMEOUT);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(hasty);
}

static void references_do_not_outlive_a_session(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_PROVIDER0 p = { .providerKey = some_key, .displayData.name = title };
	FWPM_CALLOUT0 s = callout_of(&null_key);
	FWPM_FILTER0 f = filter_of(&some_key);

	(void)state;
	add(theirs, &some_key);
	add(engine, &other_key);
	assert_int_equal(FwpmProviderAdd0(theirs, &p, NULL), 0);
	s.providerKey = (GUID *)&some_key;
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(mine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(theirs, &f, NULL, NULL), 0);
	f = filter_of(&other_key);
	assert_int_equal(FwpmFilterAdd0(mine, &f, NULL, NULL), 0);
	assert_int_equal(FwpmCalloutDeleteByKey0(mine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmCalloutDeleteByKey0(mine, &other_key),
			 FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	policy_close(theirs);
	others_find(&some_key, FWP_E_CALLOUT_NOT_FOUND);
	policy_close(mine);
	delete (engine, &other_key);
}

static int call_as_reader(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_CALLOUT0 s = callout_of(&other_key);

	(void)self;
	(void)arg;
	assert_int_equal(FwpmCalloutAdd0(session, &s, NULL, NULL), ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmCalloutDeleteByKey0(session, &some_key), ERROR_ACCESS_DENIED);
	assert_int_equal(get(session, &some_key), 0);
	policy_close(session);
	return 0;
}

static void a_reader_may_look(void **state)
{
	static const gid_t groups[] = { POLICY_READERS };
	const struct identity reader = { POLICY_STRANGER, POLICY_STRANGER, groups, 1 };
	const struct child_opts as_reader = { .as = &reader };

	(void)state;
	add(engine, &some_key);
	child_run(&as_reader, call_as_reader, NULL);
}

static void a_handle_outlives_its_engine_with_a_code(void **state)
{
	FWPM_CALLOUT0 s = callout_of(&some_key), *got = NULL;
	HANDLE handle = NULL;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, NULL), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmCalloutDeleteByKey0(engine, &some_key), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmCalloutGetByKey0(engine, &some_key, &got), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmCalloutCreateEnumHandle0(engine, NULL, &handle), RPC_E_DISCONNECTED);
	assert_null(got);
	assert_null(handle);
}

/* --- enumeration ---------------------------------------------------------------------------------- */

static UINT32 enumerate(const FWPM_CALLOUT_ENUM_TEMPLATE0 *template, const GUID *key)
{
	FWPM_CALLOUT0 **entries;
	HANDLE handle;
	UINT32 got, found = 0;

	assert_int_equal(FwpmCalloutCreateEnumHandle0(engine, template, &handle), 0);
	assert_int_equal(FwpmCalloutEnum0(engine, handle, 1000, &entries, &got), 0);
	for (UINT32 i = 0; i < got; i++)
		found += !memcmp(&entries[i]->calloutKey, key, sizeof(*key));
	assert_int_equal(found, got ? 1 : 0);
	FwpmFreeMemory0((void **)&entries);
	assert_int_equal(FwpmCalloutDestroyEnumHandle0(engine, handle), 0);
	assert_int_equal(FwpmCalloutDestroyEnumHandle0(engine, handle), ERROR_INVALID_HANDLE);
	return got;
}

static void those_of_a_provider_or_layer_are_enumerated(void **state)
{
	FWPM_CALLOUT_ENUM_TEMPLATE0 template = {};
	HANDLE handle;
	FWPM_CALLOUT0 s = callout_of(&other_key);

	(void)state;
	add(engine, &some_key);
	s.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_int_equal(FwpmCalloutAdd0(engine, &s, NULL, NULL), 0);
	assert_int_equal(enumerate(NULL, &some_key), CALLOUTS_BUILTIN + 2);
	assert_int_equal(enumerate(&template, &FWPM_CALLOUT_IPSEC_ALE_CONNECT_V4),
			 CALLOUTS_BUILTIN + 2);
	template.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_int_equal(enumerate(&template, &other_key), 1);
	template.providerKey = (GUID *)&FWPM_PROVIDER_MPSSVC_WF;
	assert_int_equal(enumerate(&template, &other_key), 0);
	template = (FWPM_CALLOUT_ENUM_TEMPLATE0){ .layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4 };
	assert_int_equal(enumerate(&template, &some_key), 4); /* two of IPsec */
	template.layerKey = FWPM_LAYER_IPSEC_V4;
	assert_int_equal(enumerate(&template, &some_key), 0);
	template.layerKey = some_key;
	assert_int_equal(FwpmCalloutCreateEnumHandle0(engine, &template, &handle),
			 FWP_E_LAYER_NOT_FOUND);
}

static void handles_of_other_objects_are_not_taken(void **state)
{
	FWPM_CALLOUT0 **entries = NULL;
	HANDLE handle, providers;
	UINT32 got = 77;

	(void)state;
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, &providers), 0);
	assert_int_equal(FwpmCalloutEnum0(engine, providers, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmCalloutDestroyEnumHandle0(engine, providers), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmCalloutCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmCalloutCreateEnumHandle0(engine, NULL, &handle), 0);
	assert_int_equal(FwpmCalloutEnum0(engine, handle, 1, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmCalloutEnum0(engine, handle, 1, &entries, NULL), FWP_E_NULL_POINTER);
	assert_null(entries);
	assert_int_equal(got, 77);
}

/* --- what filters do that ask one ----------------------------------------------------------------- */

static void filter_says(UINT32 type, UINT32 flags, unsigned int selectors, enum saxdp_action action)
{
	FWPM_FILTER0 f = filter_of(&some_key);
	struct saxdp_selector4_key key = { .layer = SAXDP_OUTBOUND_TRANSPORT_V4 };
	struct saxdp_bucket bucket;
	struct saxdp_filter fixed;
	UINT64 id;

	f.action.type = type;
	f.flags = flags;
	id = policy_add(engine, &f);
	assert_int_equal(store_lookup(inst, SAXDP_KIND_FILTER, &id, &fixed), 0);
	assert_int_equal(fixed.selectors, selectors);
	if (selectors) {
		assert_int_equal(store_lookup(inst, SAXDP_KIND_SELECTOR4, &key, &bucket), 0);
		for (int i = 0; i < SAXDP_CANDIDATES; i++)
			if (bucket.candidate[i].filter == id)
				assert_int_equal(bucket.candidate[i].action, action);
	}
	policy_delete(engine, id);
}

static void one_that_is_not_registered_blocks_or_permits(void **state)
{
	const UINT32 permit = FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;

	(void)state;
	add(engine, &some_key);
	filter_says(FWP_ACTION_CALLOUT_TERMINATING, 0, 1, SAXDP_BLOCK);
	filter_says(FWP_ACTION_CALLOUT_TERMINATING, permit, 1, SAXDP_PERMIT);
	filter_says(FWP_ACTION_CALLOUT_UNKNOWN, 0, 1, SAXDP_BLOCK);
	filter_says(FWP_ACTION_CALLOUT_UNKNOWN, permit, 1, SAXDP_PERMIT);
	filter_says(FWP_ACTION_CALLOUT_INSPECTION, 0, 0, SAXDP_BLOCK);
}

static void filters_at_another_layer_cannot_ask_it(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key);

	(void)state;
	add(engine, &some_key);
	f.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_INCOMPATIBLE_LAYER);
	f.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_bad_callout_has_its_code),
		TEST(what_is_not_there_is_not_found),
		TEST(what_is_built_in_stays),
		TEST(another_process_finds_what_was_added),
		TEST(a_full_map_is_refused),
		TEST(one_that_is_named_stays),
		TEST(its_provider_stays_as_long),
		TEST(a_transaction_counts_its_own_users),
		TEST(an_aborted_transaction_changes_nothing),
		TEST(a_read_only_transaction_refuses_changes),
		TEST(waiting_for_another_transaction_ends_in_time),
		TEST(references_do_not_outlive_a_session),
		TEST(a_reader_may_look),
		TEST(those_of_a_provider_or_layer_are_enumerated),
		TEST(handles_of_other_objects_are_not_taken),
		TEST(one_that_is_not_registered_blocks_or_permits),
		TEST(filters_at_another_layer_cannot_ask_it),
		cmocka_unit_test_setup_teardown(a_handle_outlives_its_engine_with_a_code, setup,
						teardown_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
