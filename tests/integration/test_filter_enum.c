// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Filters by key, and enumeration with each member of its template: what is found, in which order,
 * and every code that the docstrings name.
 */
#include <string.h>

#include "internal.h"

#include "check.h"
#include "child.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

enum { FILTERS = 32, ANY_ACTION = -1 };

static const GUID some_key = { .Data1 = 0x11111111 }, other_key = { .Data1 = 0x22222222 };
static const GUID null_key;
static const char *name;
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	(void)state;
	name = policy_load("filter-enum", 16, FILTERS);
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

/* --- filters --------------------------------------------------------------------------------------- */

static FWPM_FILTER_CONDITION0 remote(UINT32 address, UINT32 mask, FWP_V4_ADDR_AND_MASK *place)
{
	*place = (FWP_V4_ADDR_AND_MASK){ address, mask };
	return (FWPM_FILTER_CONDITION0){
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_V4_ADDR_MASK, .v4AddrMask = place },
	};
}

static FWPM_FILTER_CONDITION0 protocol(UINT8 number)
{
	return (FWPM_FILTER_CONDITION0){
		.fieldKey = FWPM_CONDITION_IP_PROTOCOL,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_UINT8, .uint8 = number },
	};
}

static FWPM_FILTER0 outbound(FWPM_FILTER_CONDITION0 *conditions, UINT32 count)
{
	return policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, conditions, count);
}

static UINT64 weighed(const GUID *layer, const GUID *sublayer, UINT64 weight, UINT32 action)
{
	FWPM_FILTER0 f = policy_filter(layer, NULL, 0);

	f.subLayerKey = *sublayer;
	f.weight = (FWP_VALUE0){ .type = FWP_UINT64, .uint64 = &weight };
	f.action.type = action;
	if (action & FWP_ACTION_FLAG_CALLOUT)
		f.action.calloutKey = FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V4_SILENT_DROP;
	return policy_add(engine, &f);
}

/* --- what is enumerated ---------------------------------------------------------------------------- */

static FWPM_FILTER_ENUM_TEMPLATE0 all(void)
{
	return (FWPM_FILTER_ENUM_TEMPLATE0){ .actionMask = (UINT32)ANY_ACTION };
}

static UINT32 enumerate(HANDLE session, const FWPM_FILTER_ENUM_TEMPLATE0 *template, UINT32 step,
			UINT64 ret[FILTERS])
{
	FWPM_FILTER0 **entries;
	UINT32 got, count = 0;
	HANDLE handle;
	DWORD err;

	err = FwpmFilterCreateEnumHandle0(session, template, &handle);
	require(!err, "enumeration: 0x%x %s", err, saxdp_error());
	do {
		assert_int_equal(FwpmFilterEnum0(session, handle, step, &entries, &got), 0);
		for (UINT32 i = 0; i < got; i++) {
			assert_true(count < FILTERS);
			ret[count++] = entries[i]->filterId;
		}
		FwpmFreeMemory0((void **)&entries);
	} while (got == step);
	assert_int_equal(FwpmFilterDestroyEnumHandle0(session, handle), 0);
	return count;
}

/* Exactly these, in this order. */
#define assert_found(template, ...)                                                           \
	do {                                                                                  \
		const UINT64 wanted_[] = { __VA_ARGS__ };                                     \
		const UINT32 count_ = sizeof(wanted_) / sizeof(*wanted_);                     \
		UINT64 found_[FILTERS];                                                       \
                                                                                              \
		for (UINT32 step_ = 1; step_ < 5; step_ += 3) {                               \
			assert_int_equal(enumerate(engine, template, step_, found_), count_); \
			assert_memory_equal(found_, wanted_, sizeof(wanted_));                \
		}                                                                             \
	} while (0)

static void assert_none(const FWPM_FILTER_ENUM_TEMPLATE0 *template)
{
	UINT64 found[FILTERS];

	assert_int_equal(enumerate(engine, template, 10, found), 0);
}

static void all_filters_are_enumerated_by_age(void **state)
{
	const UINT32 permit = FWP_ACTION_PERMIT;
	UINT64 a = weighed(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &null_key, 1, permit);
	UINT64 b = weighed(&FWPM_LAYER_OUTBOUND_TRANSPORT_V6, &null_key, 3, permit);
	UINT64 c = weighed(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &null_key, 2, permit);
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();

	(void)state;
	assert_found(NULL, a, b, c);
	assert_found(&t, a, b, c);
	t.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4;
	assert_found(&t, a, c);
	t.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	assert_none(&t);
	t.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
	assert_none(&t);
	t = all();
	t.flags = FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME | FWP_FILTER_ENUM_FLAG_INCLUDE_DISABLED;
	assert_found(&t, a, b, c);
	t.flags = FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY;
	assert_none(&t);
}

static void a_template_names_a_provider(void **state)
{
	FWPM_PROVIDER0 p = { .providerKey = some_key,
			     .displayData = policy_filter(&null_key, NULL, 0).displayData };
	FWPM_FILTER0 f = outbound(NULL, 0);
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();
	UINT64 mine, theirs;

	(void)state;
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), 0);
	policy_add(engine, &f);
	f.providerKey = (GUID *)&some_key;
	mine = policy_add(engine, &f);
	f.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	theirs = policy_add(engine, &f);
	t.providerKey = (GUID *)&some_key;
	assert_found(&t, mine);
	t.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_found(&t, theirs);
	t.providerKey = (GUID *)&other_key;
	assert_none(&t);
}

static void a_template_names_actions_and_callouts(void **state)
{
	const GUID *layer = &FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	UINT64 permit = weighed(layer, &null_key, 1, FWP_ACTION_PERMIT);
	UINT64 block = weighed(layer, &null_key, 1, FWP_ACTION_BLOCK);
	UINT64 inspect = weighed(layer, &null_key, 1, FWP_ACTION_CALLOUT_INSPECTION);
	FWPM_FILTER0 f =
		policy_ipsec_filter(layer, &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL, 0);
	UINT64 ipsec = policy_add(engine, &f);
	FWPM_FILTER_ENUM_TEMPLATE0 t = { .actionMask = FWP_ACTION_FLAG_TERMINATING };

	(void)state;
	assert_found(&t, permit, block, ipsec);
	t.actionMask = FWP_ACTION_FLAG_NON_TERMINATING;
	assert_found(&t, inspect);
	t.actionMask = FWP_ACTION_FLAG_CALLOUT;
	assert_found(&t, inspect, ipsec);
	t.actionMask = 0;
	assert_none(&t);
	t.actionMask = (UINT32)ANY_ACTION;
	t.calloutKey = (GUID *)&FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4;
	assert_found(&t, ipsec);
	t.calloutKey = (GUID *)&some_key;
	assert_none(&t);
}

static void a_template_names_provider_contexts(void **state)
{
	FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 wanted = {
		.providerContextType = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
	};
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();
	FWPM_FILTER0 f = outbound(NULL, 0);
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);
	UINT64 with, owned;

	(void)state;
	policy_add(engine, &f);
	policy_tunnel_add(engine, &some_key);
	c.providerContextKey = other_key;
	c.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_int_equal(FwpmProviderContextAdd0(engine, &c, NULL, NULL), 0);
	f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	f.providerContextKey = some_key;
	with = policy_add(engine, &f);
	f.providerContextKey = other_key;
	owned = policy_add(engine, &f);
	t.providerContextTemplate = &wanted;
	assert_found(&t, with, owned);
	wanted.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_found(&t, owned);
	wanted.providerKey = (GUID *)&some_key;
	assert_none(&t);
	wanted = (FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0){
		.providerContextType = FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT,
	};
	assert_none(&t);
}

/* --- conditions ------------------------------------------------------------------------------------ */

static void conditions_are_compared_as_sets(void **state)
{
	FWP_V4_ADDR_AND_MASK net8, net24, half, other_half, one;
	FWPM_FILTER_CONDITION0 c[2] = { remote(0x0a000000, 0xff000000, &net8) };
	FWPM_FILTER0 f = outbound(c, 1);
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();
	UINT64 any, wide, narrow, halves, tcp;

	(void)state;
	wide = policy_add(engine, &f);
	c[0] = remote(0x0a010200, 0xffffff00, &net24);
	narrow = policy_add(engine, &f);
	c[0] = remote(0x0a010000, 0xffff8000, &half);
	c[1] = remote(0x0a018000, 0xffff8000, &other_half);
	f.numFilterConditions = 2;
	halves = policy_add(engine, &f);
	c[0] = protocol(6);
	f.numFilterConditions = 1;
	tcp = policy_add(engine, &f);
	f.numFilterConditions = 0;
	any = policy_add(engine, &f);

	t.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	t.filterCondition = c;
	t.numFilterConditions = 1;
	c[0] = remote(0x0a010203, 0xffffffff, &one);
	assert_found(&t, wide, narrow, halves, any);
	t.enumType = FWP_FILTER_ENUM_OVERLAPPING;
	assert_found(&t, wide, narrow, halves, tcp, any);
	/* Both halves together, said as one. */
	c[0] = remote(0x0a010000, 0xffff0000, &one);
	assert_found(&t, wide, narrow, halves, tcp, any);
	t.enumType = FWP_FILTER_ENUM_FULLY_CONTAINED;
	assert_found(&t, wide, halves, any);
	c[0] = remote(0x0a020000, 0xffff0000, &one);
	assert_found(&t, wide, any);
	t.enumType = FWP_FILTER_ENUM_OVERLAPPING;
	assert_found(&t, wide, tcp, any);
	c[1] = protocol(17);
	t.numFilterConditions = 2;
	assert_found(&t, wide, any);
	c[1] = protocol(6);
	t.enumType = FWP_FILTER_ENUM_FULLY_CONTAINED;
	assert_found(&t, wide, tcp, any);
}

static void ports_are_compared_as_ranges(void **state)
{
	FWP_RANGE0 range = { { .type = FWP_UINT16, .uint16 = 100 },
			     { .type = FWP_UINT16, .uint16 = 199 } };
	FWPM_FILTER_CONDITION0 c = {
		.fieldKey = FWPM_CONDITION_IP_LOCAL_PORT,
		.matchType = FWP_MATCH_RANGE,
		.conditionValue = { .type = FWP_RANGE_TYPE, .rangeValue = &range },
	};
	FWPM_FILTER0 f = outbound(&c, 1);
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();
	UINT64 id = policy_add(engine, &f);

	(void)state;
	t.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	t.filterCondition = &c;
	t.numFilterConditions = 1;
	range.valueLow.uint16 = 150;
	assert_found(&t, id);
	range.valueHigh.uint16 = 200;
	assert_none(&t);
	t.enumType = FWP_FILTER_ENUM_OVERLAPPING;
	assert_found(&t, id);
	range.valueLow.uint16 = 200;
	assert_none(&t);
}

/* What only inspects has no selectors, and is compared all the same. */
static void filters_that_inspect_are_compared_too(void **state)
{
	FWPM_FILTER_CONDITION0 c = protocol(6);
	FWPM_FILTER0 f = outbound(&c, 1);
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();
	UINT64 id;

	(void)state;
	f.action.type = FWP_ACTION_CALLOUT_INSPECTION;
	f.action.calloutKey = FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V4_SILENT_DROP;
	id = policy_add(engine, &f);
	t.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	t.filterCondition = &c;
	t.numFilterConditions = 1;
	assert_found(&t, id);
	c = protocol(17);
	assert_none(&t);
}

/* --- order ----------------------------------------------------------------------------------------- */

static void the_order_is_that_of_judgement(void **state)
{
	const GUID *in = &FWPM_LAYER_INBOUND_TRANSPORT_V4, *heavy = &FWPM_SUBLAYER_IPSEC_TUNNEL;
	UINT64 light_in_universal = weighed(in, &null_key, 5, FWP_ACTION_PERMIT);
	UINT64 in_universal = weighed(in, &null_key, 1000, FWP_ACTION_BLOCK);
	UINT64 inspect = weighed(in, &null_key, 2000, FWP_ACTION_CALLOUT_INSPECTION);
	UINT64 in_heavy = weighed(in, heavy, 1, FWP_ACTION_PERMIT);
	UINT64 same = weighed(in, heavy, 1, FWP_ACTION_BLOCK);
	UINT64 elsewhere =
		weighed(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, heavy, 9000, FWP_ACTION_PERMIT);
	FWPM_FILTER_ENUM_TEMPLATE0 t = all();

	(void)state;
	t.flags = FWP_FILTER_ENUM_FLAG_SORTED;
	assert_found(&t, in_heavy, same, inspect, in_universal, light_in_universal, elsewhere);
	t.flags = FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH;
	assert_found(&t, in_heavy, in_universal, elsewhere);
	t.layerKey = *in;
	t.actionMask = FWP_ACTION_FLAG_CALLOUT;
	assert_none(&t);
}

/* --- one filter ------------------------------------------------------------------------------------ */

static int look_and_delete(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_FILTER0 *got = NULL;

	(void)self;
	assert_int_equal(FwpmFilterGetByKey0(session, &some_key, &got), 0);
	assert_int_equal(got->filterId, *(UINT64 *)arg);
	assert_memory_equal(&got->filterKey, &some_key, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmFilterDeleteByKey0(session, &some_key), 0);
	assert_int_equal(FwpmFilterDeleteByKey0(session, &some_key), FWP_E_FILTER_NOT_FOUND);
	policy_close(session);
	return 0;
}

static void a_key_is_as_good_as_an_id(void **state)
{
	FWPM_FILTER0 f = outbound(NULL, 0), *got = NULL;
	UINT64 id;

	(void)state;
	assert_int_equal(FwpmFilterGetByKey0(engine, &some_key, &got), FWP_E_FILTER_NOT_FOUND);
	f.filterKey = some_key;
	id = policy_add(engine, &f);
	child_run(NULL, look_and_delete, &id);
	assert_int_equal(FwpmFilterGetById0(engine, id, &got), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(FwpmFilterGetByKey0(engine, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmFilterGetByKey0(engine, &some_key, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmFilterDeleteByKey0(engine, NULL), FWP_E_NULL_POINTER);
	assert_null(got);
}

static void rules_of_sessions_hold_by_key(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_FILTER0 f = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					     &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL, 0);
	IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0xc0000201,
		.remoteV4Address = 0xc0000202,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
	};
	UINT64 context;

	(void)state;
	f.filterKey = some_key;
	policy_add(theirs, &f);
	f.filterKey = other_key;
	traffic.ipsecFilterId = policy_add(engine, &f);
	assert_int_equal(FwpmFilterDeleteByKey0(mine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmFilterDeleteByKey0(mine, &other_key),
			 FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	assert_int_equal(IPsecSaContextCreate1(engine, &traffic, NULL, NULL, &context), 0);
	assert_int_equal(FwpmFilterDeleteByKey0(engine, &other_key), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmFilterDeleteByKey0(engine, &other_key), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(mine);
	policy_close(theirs);
}

/* --- snapshots and codes --------------------------------------------------------------------------- */

static int delete_elsewhere(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)self;
	policy_delete(session, *(UINT64 *)arg);
	policy_close(session);
	return 0;
}

static void an_enumeration_is_a_snapshot(void **state)
{
	FWPM_FILTER0 f = outbound(NULL, 0), **entries;
	UINT64 id = policy_add(engine, &f), found[FILTERS];
	HANDLE handle, other = policy_open(0, 0);
	UINT32 got;

	(void)state;
	assert_int_equal(FwpmFilterCreateEnumHandle0(engine, NULL, &handle), 0);
	child_run(NULL, delete_elsewhere, &id);
	assert_int_equal(FwpmFilterEnum0(engine, handle, 10, &entries, &got), 0);
	assert_int_equal(got, 1);
	assert_int_equal(entries[0]->filterId, id);
	assert_int_equal(entries[0]->effectiveWeight.type, FWP_UINT64);
	FwpmFreeMemory0((void **)&entries);
	assert_none(NULL);

	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	id = policy_add(engine, &f);
	assert_found(NULL, id);
	assert_int_equal(enumerate(other, NULL, 10, found), 0);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(enumerate(other, NULL, 10, found), 1);
	policy_close(other);
}

static void refuse(const char *what, const FWPM_FILTER_ENUM_TEMPLATE0 *template, DWORD wanted)
{
	HANDLE handle = NULL;
	DWORD err = FwpmFilterCreateEnumHandle0(engine, template, &handle);

	if (err != wanted || handle)
		fail_msg("%s: 0x%x instead of 0x%x", what, err, wanted);
}

static void each_bad_template_has_its_code(void **state)
{
	FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 contexts = {
		.providerContextType = FWPM_PROVIDER_CONTEXT_TYPE_MAX,
	};
	FWP_V4_ADDR_AND_MASK place;
	FWP_RANGE0 range = { { .type = FWP_UINT8, .uint8 = 9 }, { .type = FWP_UINT8, .uint8 = 8 } };
	FWPM_FILTER_CONDITION0 c[2];
	FWPM_FILTER_ENUM_TEMPLATE0 t;

	(void)state;
#define REFUSE(wanted, ...)                                   \
	do {                                                  \
		c[0] = protocol(6);                           \
		c[1] = remote(1, 0xffffffff, &place);         \
		t = all();                                    \
		t.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4; \
		t.numFilterConditions = 2;                    \
		t.filterCondition = c;                        \
		__VA_ARGS__;                                  \
		refuse(#__VA_ARGS__, &t, wanted);             \
	} while (0)
	REFUSE(FWP_E_NULL_POINTER, t.filterCondition = NULL);
	REFUSE(FWP_E_NULL_POINTER, c[1].conditionValue.v4AddrMask = NULL);
	REFUSE(FWP_E_LAYER_NOT_FOUND, t.layerKey = some_key);
	REFUSE(FWP_E_LAYER_NOT_FOUND, t.layerKey = null_key);
	REFUSE(FWP_E_INVALID_ENUMERATOR, t.enumType = FWP_FILTER_ENUM_TYPE_MAX);
	REFUSE(FWP_E_INVALID_ENUMERATOR, t.providerContextTemplate = &contexts);
	REFUSE(FWP_E_INVALID_ENUMERATOR, c[0].matchType = FWP_MATCH_TYPE_MAX);
	REFUSE(FWP_E_INVALID_FLAGS, t.flags = 0x40);
	REFUSE(FWP_E_INVALID_PARAMETER, t.calloutKey = (GUID *)&some_key, t.actionMask = 0x1000);
	REFUSE(FWP_E_DUPLICATE_CONDITION, c[1] = protocol(17));
	REFUSE(FWP_E_CONDITION_NOT_FOUND, c[0].fieldKey = some_key);
	REFUSE(FWP_E_TYPE_MISMATCH, c[0].conditionValue.type = FWP_UINT16);
	REFUSE(FWP_E_MATCH_TYPE_MISMATCH, c[0].matchType = FWP_MATCH_EQUAL_CASE_INSENSITIVE);
	REFUSE(FWP_E_INVALID_RANGE, c[0].matchType = FWP_MATCH_RANGE,
	       c[0].conditionValue.type = FWP_RANGE_TYPE, c[0].conditionValue.rangeValue = &range);
	REFUSE(FWP_E_INVALID_NET_MASK, place.mask = 0xff00ff00);
	REFUSE(ERROR_NOT_SUPPORTED, t.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4);
}

static void each_mistake_with_a_handle_has_its_code(void **state)
{
	HANDLE closed = policy_open(0, 0), handle = NULL, providers;
	FWPM_FILTER0 **entries = NULL;
	UINT32 got = 77;

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmFilterCreateEnumHandle0(closed, NULL, &handle), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmFilterCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmFilterDeleteByKey0(closed, &some_key), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, &providers), 0);
	assert_int_equal(FwpmFilterEnum0(engine, providers, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmFilterDestroyEnumHandle0(engine, providers), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmFilterCreateEnumHandle0(engine, NULL, &handle), 0);
	assert_int_equal(FwpmFilterEnum0(engine, handle, 1, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmFilterEnum0(engine, handle, 1, &entries, NULL), FWP_E_NULL_POINTER);
	assert_null(entries);
	assert_int_equal(got, 77);
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmFilterCreateEnumHandle0(engine, NULL, &handle), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmFilterDeleteByKey0(engine, &some_key), RPC_E_DISCONNECTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_filters_are_enumerated_by_age),
		TEST(a_template_names_a_provider),
		TEST(a_template_names_actions_and_callouts),
		TEST(a_template_names_provider_contexts),
		TEST(conditions_are_compared_as_sets),
		TEST(ports_are_compared_as_ranges),
		TEST(filters_that_inspect_are_compared_too),
		TEST(the_order_is_that_of_judgement),
		TEST(a_key_is_as_good_as_an_id),
		TEST(rules_of_sessions_hold_by_key),
		TEST(an_enumeration_is_a_snapshot),
		TEST(each_bad_template_has_its_code),
		cmocka_unit_test_setup_teardown(each_mistake_with_a_handle_has_its_code, setup,
						teardown_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
