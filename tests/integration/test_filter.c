// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * FwpmFilterAdd0, FwpmFilterDeleteById0, FwpmFilterGetById0 on real maps: every code that their
 * docstrings name, what is in the maps afterwards, and that a failure leaves maps and outputs alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "classify.h"

#include "bpffs.h"
#include "check.h"
#include "child.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXTS = 16, FILTERS = 64, UNTOUCHED = 0x5a5a };

static const GUID some_key = { .Data1 = 0x11111111 }, other_key = { .Data1 = 0x22222222 };
static const char *name;
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	(void)state;
	name = policy_load("filter", CONTEXTS, FILTERS);
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

static FWPM_FILTER0 plain(void)
{
	return policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, 0);
}

static FWPM_FILTER_CONDITION0 port_equal(UINT16 port)
{
	return (FWPM_FILTER_CONDITION0){ FWPM_CONDITION_IP_REMOTE_PORT,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_UINT16, .uint16 = port } };
}

/* --- the maps ----------------------------------------------------------------------------------- */

/* How many masks the layer is searched by now. */
static uint32_t masks_in_use(enum saxdp_layer layer, struct saxdp_mask_set *ret)
{
	struct saxdp_mask_use use;
	struct saxdp_engine e;
	uint32_t element, index = layer, used = 0;

	assert_int_equal(store_engine(inst, &e), 0);
	element = layer * 2 + (e.epoch[SAXDP_EPOCH_POLICY].generation & 1);
	assert_int_equal(store_lookup(inst, SAXDP_KIND_MASK, &element, ret), 0);
	assert_int_equal(store_lookup(inst, SAXDP_KIND_MASK_USE, &index, &use), 0);
	for (int i = 0; i < SAXDP_MASKS; i++)
		used += use.candidates[i] != 0;
	assert_int_equal(used, ret->count);
	return ret->count;
}

/* --- refusals ------------------------------------------------------------------------------------- */

static void refuse(const char *what, const FWPM_FILTER0 *filter, void *sd, DWORD wanted)
{
	struct dump *before = dump_take(inst), *after;
	UINT64 id = UNTOUCHED;
	DWORD err = FwpmFilterAdd0(engine, filter, sd, &id);

	if (err != wanted || id != UNTOUCHED)
		fail_msg("%s: 0x%x instead of 0x%x, id %llu", what, err, wanted,
			 (unsigned long long)id);
	after = dump_take(inst);
	dump_require_same(before, after, what);
	dump_free(before);
	dump_free(after);
}

static void each_bad_filter_has_its_code(void **state)
{
	FWPM_FILTER_CONDITION0 bad = port_equal(1), *none = NULL;
	FWP_V4_ADDR_AND_MASK gap = { 1, 0xff00ff00 };
	wchar_t surrogate[] = { 0xd800, 0 };
	SECURITY_DESCRIPTOR sd = {};
	GUID reserved = {};
	FWPM_FILTER0 f;

	(void)state;
	refuse("NULL", NULL, NULL, FWP_E_NULL_POINTER);

#define REFUSE(wanted, ...)                             \
	do {                                            \
		f = plain();                            \
		__VA_ARGS__;                            \
		refuse(#__VA_ARGS__, &f, NULL, wanted); \
	} while (0)

	REFUSE(FWP_E_NULL_POINTER, f.numFilterConditions = 1, f.filterCondition = none);
	REFUSE(FWP_E_NULL_POINTER, f.weight.type = FWP_UINT64);
	REFUSE(FWP_E_NULL_POINTER, f.providerData.size = 1);
	REFUSE(FWP_E_NULL_DISPLAY_NAME, f.displayData.name = NULL);
	REFUSE(FWP_E_INVALID_PARAMETER, f.displayData.description = surrogate);
	REFUSE(FWP_E_INVALID_FLAGS, f.flags = 0x80000000);
	REFUSE(FWP_E_INVALID_FLAGS, f.flags = FWPM_FILTER_FLAG_RESERVED0);
	REFUSE(FWP_E_INVALID_FLAGS, f.flags = FWPM_FILTER_FLAG_DISABLED);
	REFUSE(FWP_E_INVALID_FLAGS, f.flags = FWPM_FILTER_FLAG_INDEXED);
	REFUSE(FWP_E_INVALID_FLAGS,
	       f.flags = FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_BOOTTIME);
	REFUSE(FWP_E_INVALID_FLAGS, f.flags = FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED);
	REFUSE(FWP_E_INVALID_FLAGS, f.flags = FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED,
	       f.action.type = FWP_ACTION_CALLOUT_INSPECTION,
	       f.action.calloutKey = FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4);
	REFUSE(FWP_E_RESERVED, f.reserved = &reserved);
	REFUSE(FWP_E_LAYER_NOT_FOUND, f.layerKey = some_key);
	REFUSE(FWP_E_LAYER_NOT_FOUND, f.layerKey = (GUID){});
	REFUSE(FWP_E_SUBLAYER_NOT_FOUND, f.subLayerKey = some_key);
	REFUSE(FWP_E_PROVIDER_NOT_FOUND, f.providerKey = (GUID *)&some_key);
	REFUSE(FWP_E_PROVIDER_CONTEXT_NOT_FOUND, f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT,
	       f.providerContextKey = some_key);
	REFUSE(FWP_E_INVALID_ACTION_TYPE, f.action.type = FWP_ACTION_CONTINUE);
	REFUSE(FWP_E_INVALID_ACTION_TYPE, f.action.type = 0);
	REFUSE(FWP_E_CALLOUT_NOT_FOUND, f.action.type = FWP_ACTION_CALLOUT_TERMINATING,
	       f.action.calloutKey = some_key);
	REFUSE(FWP_E_INCOMPATIBLE_LAYER, f.action.type = FWP_ACTION_CALLOUT_TERMINATING,
	       f.action.calloutKey = FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4);
	REFUSE(FWP_E_INCOMPATIBLE_LAYER, f.action.type = FWP_ACTION_CALLOUT_TERMINATING,
	       f.action.calloutKey = FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6);
	REFUSE(FWP_E_INVALID_WEIGHT, f.weight.type = FWP_UINT16);
	REFUSE(FWP_E_INVALID_WEIGHT, f.weight.type = FWP_UINT8, f.weight.uint8 = 16);
	REFUSE(ERROR_NOT_SUPPORTED, f.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4);
	REFUSE(ERROR_NOT_SUPPORTED, f.flags = FWPM_FILTER_FLAG_PERSISTENT);
	REFUSE(ERROR_NOT_SUPPORTED, f.flags = FWPM_FILTER_FLAG_BOOTTIME);
	REFUSE(ERROR_NOT_SUPPORTED, f.flags = FWPM_FILTER_FLAG_SILENT_MODE);

	/* test_condition.c has all of them; here, that they arrive. */
	f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &bad, 1);
	bad.fieldKey = some_key;
	refuse("field", &f, NULL, FWP_E_CONDITION_NOT_FOUND);
	bad = port_equal(1);
	bad.matchType = FWP_MATCH_TYPE_MAX;
	refuse("match type", &f, NULL, FWP_E_INVALID_ENUMERATOR);
	bad = port_equal(1);
	bad.conditionValue.type = FWP_UINT8;
	refuse("type", &f, NULL, FWP_E_TYPE_MISMATCH);
	bad = port_equal(1);
	bad.matchType = FWP_MATCH_RANGE;
	refuse("pair", &f, NULL, FWP_E_MATCH_TYPE_MISMATCH);
	bad.conditionValue.type = FWP_RANGE_TYPE;
	bad.conditionValue.rangeValue =
		&(FWP_RANGE0){ { FWP_UINT16, { .uint16 = 2 } }, { FWP_UINT16, { .uint16 = 1 } } };
	refuse("range", &f, NULL, FWP_E_INVALID_RANGE);
	bad = (FWPM_FILTER_CONDITION0){ FWPM_CONDITION_IP_LOCAL_ADDRESS,
					FWP_MATCH_EQUAL,
					{ .type = FWP_V4_ADDR_MASK, .v4AddrMask = &gap } };
	refuse("mask", &f, NULL, FWP_E_INVALID_NET_MASK);
	bad = port_equal(1);
	bad.matchType = FWP_MATCH_NOT_EQUAL;
	refuse("match", &f, NULL, ERROR_NOT_SUPPORTED);

	f = plain();
	refuse("sd", &f, &sd, ERROR_NOT_SUPPORTED);
}

static void a_handle_that_is_none_is_refused(void **state)
{
	FWPM_FILTER0 f = plain(), *got = (FWPM_FILTER0 *)&f;
	HANDLE closed = policy_open(0, 0);

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmFilterAdd0(NULL, &f, NULL, NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmFilterAdd0(closed, &f, NULL, NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmFilterDeleteById0(closed, 1), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmFilterGetById0(closed, 1, &got), ERROR_INVALID_HANDLE);
	assert_ptr_equal(got, &f);
}

static void a_filter_that_is_not_there_is_not_found(void **state)
{
	FWPM_FILTER0 here, *got = &here;

	(void)state;
	assert_int_equal(FwpmFilterGetById0(engine, 12345, &got), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(FwpmFilterGetById0(engine, 0, &got), FWP_E_FILTER_NOT_FOUND);
	assert_ptr_equal(got, &here);
	assert_int_equal(FwpmFilterGetById0(engine, 1, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmFilterDeleteById0(engine, 12345), FWP_E_FILTER_NOT_FOUND);
}

/* --- what was added comes back ------------------------------------------------------------------------ */

static void a_filter_comes_back_as_it_was(void **state)
{
	UINT8 data[] = { 1, 2, 3 };
	UINT64 weight = 0x123456789;
	wchar_t title[] = L"n\u00e4me", text[] = L"description";
	FWPM_FILTER_CONDITION0 c[] = { port_equal(500), port_equal(4500) };
	FWPM_FILTER0 f = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					     &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, c, 2);
	FWPM_FILTER0 *got;
	UINT64 id;

	(void)state;
	f.filterKey = some_key;
	f.displayData = (FWPM_DISPLAY_DATA0){ title, text };
	f.flags = FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT |
		  FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
	f.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	f.providerData = (FWP_BYTE_BLOB){ sizeof(data), data };
	f.subLayerKey = FWPM_SUBLAYER_IPSEC_TUNNEL;
	f.weight = (FWP_VALUE0){ .type = FWP_UINT64, .uint64 = &weight };
	f.rawContext = FWPM_CONTEXT_IPSEC_OUTBOUND_SUPPRESS_NEGOTIATION;
	id = policy_add(engine, &f);

	assert_int_equal(FwpmFilterGetById0(engine, id, &got), 0);
	assert_int_equal(got->filterId, id);
	assert_memory_equal(&got->filterKey, &some_key, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, title), 0);
	assert_int_equal(wcscmp(got->displayData.description, text), 0);
	assert_int_equal(got->flags, f.flags);
	assert_memory_equal(got->providerKey, &FWPM_PROVIDER_IKEEXT, sizeof(GUID));
	assert_int_equal(got->providerData.size, sizeof(data));
	assert_memory_equal(got->providerData.data, data, sizeof(data));
	assert_memory_equal(&got->layerKey, &f.layerKey, sizeof(GUID));
	assert_memory_equal(&got->subLayerKey, &f.subLayerKey, sizeof(GUID));
	assert_int_equal(got->weight.type, FWP_UINT64);
	assert_int_equal(*got->weight.uint64, weight);
	assert_int_equal(got->effectiveWeight.type, FWP_UINT64);
	assert_int_equal(*got->effectiveWeight.uint64, weight);
	assert_int_equal(got->numFilterConditions, 2);
	for (int i = 0; i < 2; i++) {
		assert_memory_equal(&got->filterCondition[i].fieldKey, &c[i].fieldKey,
				    sizeof(GUID));
		assert_int_equal(got->filterCondition[i].conditionValue.uint16,
				 c[i].conditionValue.uint16);
	}
	assert_int_equal(got->action.type, f.action.type);
	assert_memory_equal(&got->action.calloutKey, &f.action.calloutKey, sizeof(GUID));
	assert_int_equal(got->rawContext, f.rawContext);
	assert_null(got->reserved);
	FwpmFreeMemory0((void **)&got);
	assert_null(got);
}

static void what_was_left_out_is_filled_in(void **state)
{
	FWPM_FILTER_CONDITION0 c = port_equal(80);
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V6, &c, 1), *got, *again;
	UINT64 id = policy_add(engine, &f), second;

	(void)state;
	f.weight = (FWP_VALUE0){ .type = FWP_UINT8, .uint8 = 12 };
	second = policy_add(engine, &f);
	assert_int_equal(FwpmFilterGetById0(engine, id, &got), 0);
	assert_int_equal(FwpmFilterGetById0(engine, second, &again), 0);
	/* RFC 9562: version 4, variant 10 */
	assert_int_equal(got->filterKey.Data3 >> 12, 4);
	assert_int_equal(got->filterKey.Data4[0] >> 6, 2);
	assert_memory_not_equal(&got->filterKey, &again->filterKey, sizeof(GUID));
	assert_memory_equal(&got->subLayerKey, &FWPM_SUBLAYER_UNIVERSAL, sizeof(GUID));
	assert_int_equal(got->weight.type, FWP_EMPTY);
	assert_true(*got->effectiveWeight.uint64 > 0);
	assert_true(*got->effectiveWeight.uint64 <= FWPM_AUTO_WEIGHT_MAX);
	assert_int_equal(again->weight.uint8, 12);
	assert_int_equal(*again->effectiveWeight.uint64,
			 12ULL << FWPM_AUTO_WEIGHT_BITS | *got->effectiveWeight.uint64);
	assert_null(got->providerKey);
	assert_null(got->providerData.data);
	assert_null(got->displayData.description);
	FwpmFreeMemory0((void **)&got);
	FwpmFreeMemory0((void **)&again);
}

static void the_id_may_be_left_out(void **state)
{
	FWPM_FILTER0 f = plain();

	(void)state;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), 0);
}

static void a_provider_context_is_named_by_its_key(void **state)
{
	UINT64 context = policy_tunnel_add(engine, &some_key);
	FWPM_FILTER0 f = plain(), *got;
	UINT64 id;

	(void)state;
	f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	f.providerContextKey = some_key;
	id = policy_add(engine, &f);
	assert_int_equal(FwpmFilterGetById0(engine, id, &got), 0);
	assert_memory_equal(&got->providerContextKey, &some_key, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, context), FWP_E_IN_USE);
	policy_delete(engine, id);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, context), 0);
}

static void each_sublayer_and_each_callout_can_be_named(void **state)
{
	FWPM_FILTER0 f;

	(void)state;
	/* Stay, so that no mask comes and goes. */
	for (unsigned int l = 0; layer_at(l); l++) {
		f = policy_filter(layer_at(l)->key, NULL, 0);
		if (layer_at(l)->enforced)
			policy_add(engine, &f);
	}
	for (unsigned int i = 0; sublayer_at(i); i++) {
		UINT64 id = UNTOUCHED;
		DWORD err;

		f = plain();
		f.subLayerKey = *sublayer_at(i)->key;
		err = FwpmFilterAdd0(engine, &f, NULL, &id);
		assert_int_equal(err, 0);
		policy_delete(engine, id);
	}
	for (unsigned int i = 0; callout_at(i); i++) {
		const struct callout *callout = callout_at(i);

		for (unsigned int l = 0; layer_at(l); l++) {
			bool fits = callout->action == SAXDP_CALLOUT ||
				    (callout->inbound == layer_at(l)->inbound &&
				     callout->family == layer_at(l)->family);
			UINT64 id = UNTOUCHED;
			DWORD err;

			if (!layer_at(l)->enforced)
				continue;
			f = policy_ipsec_filter(layer_at(l)->key, callout->key, NULL, 0);
			err = FwpmFilterAdd0(engine, &f, NULL, &id);
			assert_int_equal(err, fits ? 0 : FWP_E_INCOMPATIBLE_LAYER);
			if (!err)
				policy_delete(engine, id);
		}
	}
}

/* More than a session stages: the list goes through the common part. */
static void a_long_filter_comes_back_as_it_was(void **state)
{
	enum { LETTERS = 20000, PORTS = 200 };
	wchar_t *title = calloc(LETTERS + 1, sizeof(*title));
	FWPM_FILTER_CONDITION0 c[PORTS];
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, c, PORTS), *got;
	struct saxdp_mask_set masks;
	UINT64 id;

	(void)state;
	require(title, "%m");
	for (int i = 0; i < LETTERS; i++)
		title[i] = 0x100 + i % 0x1000;
	for (int i = 0; i < PORTS; i++)
		c[i] = port_equal(2 * i);
	f.displayData.name = title;
	id = policy_add(engine, &f);
	assert_int_equal(FwpmFilterGetById0(engine, id, &got), 0);
	assert_int_equal(wcscmp(got->displayData.name, title), 0);
	assert_int_equal(got->numFilterConditions, PORTS);
	for (int i = 0; i < PORTS; i++)
		assert_int_equal(got->filterCondition[i].conditionValue.uint16, 2 * i);
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 1);
	policy_delete(engine, id);
	assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 0);
	free(title);
}

/* --- keys and ids --------------------------------------------------------------------------------------- */

static void a_key_belongs_to_one_filter(void **state)
{
	FWPM_FILTER0 f = plain();
	UINT64 first, second;

	(void)state;
	f.filterKey = some_key;
	first = policy_add(engine, &f);
	refuse("the same key", &f, NULL, FWP_E_ALREADY_EXISTS);
	f.filterKey = other_key;
	policy_add(engine, &f);
	policy_delete(engine, first);
	f.filterKey = some_key;
	second = policy_add(engine, &f);
	assert_true(second > first);
	assert_int_equal(FwpmFilterDeleteById0(engine, first), FWP_E_FILTER_NOT_FOUND);
}

static void an_id_is_not_given_again(void **state)
{
	FWPM_FILTER0 f = plain();
	UINT64 last = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		UINT64 id = policy_add(engine, &f);

		assert_true(id > last);
		last = id;
		policy_delete(engine, id);
	}
}

/* --- masks and selectors ---------------------------------------------------------------------------------- */

static void selectors_are_found_where_packets_look(void **state)
{
	FWPM_FILTER_CONDITION0 c[] = {
		port_equal(443),
		{ FWPM_CONDITION_IP_LOCAL_ADDRESS,
		  FWP_MATCH_EQUAL,
		  { .type = FWP_UINT32, .uint32 = 0x0a000001 } },
	};
	FWPM_FILTER0 f = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					     &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4, c, 2);
	UINT64 weight = 77, id;
	struct saxdp_selector4_key key = {
		.layer = SAXDP_OUTBOUND_TRANSPORT_V4,
		.local = htonl(0x0a000001),
		.remote_port = htons(443),
	};
	struct saxdp_mask_set masks;
	struct saxdp_bucket bucket;
	struct saxdp_filter fixed;

	(void)state;
	f.weight = (FWP_VALUE0){ .type = FWP_UINT64, .uint64 = &weight };
	f.subLayerKey = FWPM_SUBLAYER_IPSEC_TUNNEL;
	id = policy_add(engine, &f);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 1);
	assert_int_equal(masks.mask[0].local_prefix, 32);
	assert_int_equal(masks.mask[0].remote_prefix, 0);
	assert_int_equal(masks.mask[0].fields, SAXDP_FIELD_REMOTE_PORT);
	key.mask = masks.mask[0].number;
	assert_int_equal(store_lookup(inst, SAXDP_KIND_SELECTOR4, &key, &bucket), 0);
	assert_int_equal(bucket.used, 1);
	assert_int_equal(bucket.candidate[0].filter, id);
	assert_int_equal(bucket.candidate[0].weight, 77);
	assert_int_equal(bucket.candidate[0].action, SAXDP_IPSEC_TUNNEL);
	assert_int_equal(store_lookup(inst, SAXDP_KIND_FILTER, &id, &fixed), 0);
	assert_int_equal(fixed.sublayer,
			 SAXDP_BUILTIN | (sublayer_find(&FWPM_SUBLAYER_IPSEC_TUNNEL) + 1));
	assert_int_equal(bucket.candidate[0].slot, fixed.slot);
	assert_int_equal(bucket.candidate[0].owner, 0);
	assert_int_equal(bucket.candidate[0].remote_port_low, 443);
	assert_int_equal(bucket.candidate[0].remote_port_high, 443);
	assert_int_equal(bucket.candidate[0].local_port_low, 0);
	assert_int_equal(bucket.candidate[0].local_port_high, 0xffff);
	policy_delete(engine, id);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 0);
}

/* One that never decides must not hide those of less weight. */
static void a_filter_that_inspects_has_no_selector(void **state)
{
	FWPM_FILTER0 f = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					     &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL, 0);
	struct saxdp_mask_set masks;
	UINT64 id;

	(void)state;
	f.action.type = FWP_ACTION_CALLOUT_INSPECTION;
	id = policy_add(engine, &f);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 0);
	policy_delete(engine, id);
}

/* Commits that change another layer, or no mask at all, carry every set into their parity. */
static void masks_live_as_long_as_their_filters(void **state)
{
	FWPM_FILTER_CONDITION0 c = port_equal(1);
	FWPM_FILTER0 with = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &c, 1);
	FWPM_FILTER0 without = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, 0);
	FWPM_FILTER0 elsewhere = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V6, NULL, 0);
	struct saxdp_mask_set masks;
	UINT64 first, second, third;

	(void)state;
	first = policy_add(engine, &with);
	for (int i = 0; i < 5; i++) {
		policy_delete(engine, policy_add(engine, &elsewhere));
		assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 1);
		assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V6, &masks), 0);
		policy_tunnel_add(engine, NULL);
		assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 1);
	}
	second = policy_add(engine, &without);
	third = policy_add(engine, &without);
	assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 2);
	policy_delete(engine, second);
	assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 2);
	policy_delete(engine, first);
	assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 1);
	assert_int_equal(masks.mask[0].fields, 0);
	policy_delete(engine, third);
	assert_int_equal(masks_in_use(SAXDP_INBOUND_TRANSPORT_V4, &masks), 0);
}

static FWPM_FILTER_CONDITION0 remote_net(FWP_V4_ADDR_AND_MASK *net)
{
	return (FWPM_FILTER_CONDITION0){ FWPM_CONDITION_IP_REMOTE_ADDRESS,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_V4_ADDR_MASK, .v4AddrMask = net } };
}

static void too_many_masks_are_refused(void **state)
{
	struct saxdp_mask_set masks;
	FWP_V4_ADDR_AND_MASK net;
	FWPM_FILTER_CONDITION0 c[] = { remote_net(&net), port_equal(1) };
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, c, 1);
	UINT64 id[SAXDP_MASKS];

	(void)state;
	for (int i = 0; i < SAXDP_MASKS; i++) {
		net = (FWP_V4_ADDR_AND_MASK){ 0x0a000000, ~0U << (31 - i) };
		id[i] = policy_add(engine, &f);
	}
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), SAXDP_MASKS);
	f.numFilterConditions = 2;
	refuse("another mask", &f, NULL, ERROR_NO_SYSTEM_RESOURCES);
	f.numFilterConditions = 1;
	policy_delete(engine, policy_add(engine, &f)); /* none of its own */
	policy_delete(engine, id[7]);
	f.numFilterConditions = 2;
	id[7] = policy_add(engine, &f);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), SAXDP_MASKS);
	for (int i = 0; i < SAXDP_MASKS; i++)
		policy_delete(engine, id[i]);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 0);
}

static void a_full_chain_is_refused(void **state)
{
	enum { PLACES = SAXDP_CANDIDATES * SAXDP_CHAIN };
	FWPM_FILTER0 f = plain();
	UINT64 id[PLACES];

	(void)state;
	for (int i = 0; i < PLACES; i++)
		id[i] = policy_add(engine, &f);
	refuse("one more with the same selector", &f, NULL, ERROR_NO_SYSTEM_RESOURCES);
	for (int i = 0; i < 10; i++) {
		policy_delete(engine, id[i]);
		id[i] = policy_add(engine, &f);
	}
}

static void a_full_map_is_refused(void **state)
{
	struct dump *before, *after;
	UINT64 id = UNTOUCHED, first = 0;
	FWPM_FILTER_CONDITION0 c = port_equal(0);
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &c, 1);
	DWORD err = 0;

	(void)state;
	for (int i = 0; i < 100 * FILTERS && !err; i++) {
		c = port_equal(i);
		before = dump_take(inst);
		err = FwpmFilterAdd0(engine, &f, NULL, &id);
		if (!first)
			first = id;
		if (!err) {
			assert_int_not_equal(id, UNTOUCHED);
			id = UNTOUCHED;
			dump_free(before);
		}
	}
	assert_int_equal(err, ERROR_NO_SYSTEM_RESOURCES);
	assert_int_equal(id, UNTOUCHED);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	for (int i = 0; i < 300; i++) {
		policy_delete(engine, first);
		first = policy_add(engine, &f);
	}
}

/* --- transactions ------------------------------------------------------------------------------------------- */

static DWORD get(HANDLE session, UINT64 id)
{
	FWPM_FILTER0 *got = NULL;
	DWORD err = FwpmFilterGetById0(session, id, &got);

	FwpmFreeMemory0((void **)&got);
	return err;
}

static void a_transaction_sees_its_own_changes_only_itself(void **state)
{
	FWPM_FILTER0 f = plain();
	HANDLE other = policy_open(0, 0);
	UINT64 old = policy_add(engine, &f), new;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	f.filterKey = some_key;
	new = policy_add(engine, &f);
	policy_delete(engine, old);
	assert_int_equal(get(engine, new), 0);
	assert_int_equal(get(engine, old), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(get(other, new), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(get(other, old), 0);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_ALREADY_EXISTS);
	assert_int_equal(FwpmFilterDeleteById0(engine, old), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(get(other, new), 0);
	assert_int_equal(get(other, old), FWP_E_FILTER_NOT_FOUND);
	policy_close(other);
}

static void an_aborted_transaction_changes_nothing(void **state)
{
	FWPM_FILTER_CONDITION0 c = port_equal(1);
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &c, 1);
	UINT64 old = policy_add(engine, &f);
	struct dump *before = dump_take(inst), *after;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, old);
	c = port_equal(2);
	policy_add(engine, &f);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	policy_delete(engine, old);
}

/* Masks too: the failed call had begun to count its own. */
static void a_failure_in_a_transaction_takes_back_itself_only(void **state)
{
	FWP_V4_ADDR_AND_MASK net;
	FWPM_FILTER_CONDITION0 c[] = { remote_net(&net), port_equal(1), port_equal(3) };
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, c, 1);
	struct saxdp_mask_set masks;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	for (int i = 0; i < SAXDP_MASKS; i++) {
		net = (FWP_V4_ADDR_AND_MASK){ 0x0a000000, ~0U << (31 - i) };
		policy_add(engine, &f);
	}
	f.numFilterConditions = 3;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), ERROR_NO_SYSTEM_RESOURCES);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), SAXDP_MASKS);
}

static void a_transaction_may_add_and_delete_again(void **state)
{
	FWPM_FILTER_CONDITION0 c = port_equal(1);
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &c, 1);
	struct saxdp_mask_set masks;
	UINT64 id = 0;

	(void)state;
	f.filterKey = some_key;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	for (int i = 0; i < 4; i++) {
		id = policy_add(engine, &f);
		policy_delete(engine, id);
	}
	id = policy_add(engine, &f);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(get(engine, id), 0);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 1);
	policy_delete(engine, id);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 0);
}

static void a_read_only_transaction_refuses_changes(void **state)
{
	FWPM_FILTER0 f = plain();
	UINT64 id = policy_add(engine, &f), untouched = UNTOUCHED;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, &untouched), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmFilterDeleteById0(engine, id), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(untouched, UNTOUCHED);
	assert_int_equal(get(engine, id), 0);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
}

static void waiting_for_another_transaction_ends_in_time(void **state)
{
	HANDLE hasty = policy_open(0, 1);
	FWPM_FILTER0 f = plain();
	UINT64 id = policy_add(engine, &f), untouched = UNTOUCHED;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmFilterAdd0(hasty, &f, NULL, &untouched), FWP_E_TIMEOUT);
	assert_int_equal(FwpmFilterDeleteById0(hasty, id), FWP_E_TIMEOUT);
	assert_int_equal(untouched, UNTOUCHED);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(hasty);
}

/* --- sessions, rights ------------------------------------------------------------------------------------------ */

static void a_dynamic_filter_ends_with_its_session(void **state)
{
	HANDLE dynamic = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_FILTER_CONDITION0 c = port_equal(1);
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, &c, 1);
	struct saxdp_mask_set masks;
	UINT64 id[3];

	(void)state;
	f.filterKey = some_key;
	id[0] = policy_add(dynamic, &f);
	f.filterKey = (GUID){};
	id[1] = policy_add(dynamic, &f);
	c = port_equal(2);
	id[2] = policy_add(engine, &f);
	assert_int_equal(get(engine, id[0]), 0);
	policy_close(dynamic);
	assert_int_equal(get(engine, id[0]), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(get(engine, id[1]), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(get(engine, id[2]), 0);
	f.filterKey = some_key;
	policy_delete(engine, policy_add(engine, &f));
	policy_delete(engine, id[2]);
	assert_int_equal(masks_in_use(SAXDP_OUTBOUND_TRANSPORT_V4, &masks), 0);
}

static void a_filter_is_deleted_by_whom_it_belongs_to(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_FILTER0 f = plain();
	UINT64 fixed = policy_add(engine, &f), dynamic = policy_add(theirs, &f);

	(void)state;
	assert_int_equal(FwpmFilterDeleteById0(mine, dynamic), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmFilterDeleteById0(engine, dynamic), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmFilterDeleteById0(mine, fixed), FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	policy_delete(theirs, dynamic);
	policy_delete(engine, fixed);
	policy_close(mine);
	policy_close(theirs);
}

static void a_filter_does_not_outlive_its_provider_context(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_FILTER0 f = plain();

	(void)state;
	policy_tunnel_add(mine, &some_key);
	f.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	f.providerContextKey = some_key;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(theirs, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	policy_add(mine, &f);
	policy_tunnel_add(engine, &other_key);
	f.providerContextKey = other_key;
	policy_add(mine, &f);
	policy_close(mine);
	policy_close(theirs);
	/* Gone with their session, filters before what they name. */
	policy_tunnel_add(engine, &some_key);
}

static int call_as_reader(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_FILTER0 f = plain();
	UINT64 id = *(UINT64 *)arg, untouched = UNTOUCHED;

	(void)self;
	assert_int_equal(FwpmFilterAdd0(session, &f, NULL, &untouched), ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmFilterDeleteById0(session, id), ERROR_ACCESS_DENIED);
	assert_int_equal(untouched, UNTOUCHED);
	assert_int_equal(get(session, id), 0);
	policy_close(session);
	return 0;
}

static int call_as_writer(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_FILTER0 f = plain();

	(void)self;
	policy_delete(session, *(UINT64 *)arg);
	policy_delete(session, policy_add(session, &f));
	policy_close(session);
	return 0;
}

static void readers_read_and_writers_write(void **state)
{
	static const gid_t groups[] = { POLICY_READERS, POLICY_WRITERS };
	const struct identity reader = { POLICY_STRANGER, POLICY_STRANGER, groups, 1 };
	const struct identity writer = { POLICY_STRANGER, POLICY_STRANGER, groups, 2 };
	const struct child_opts as_reader = { .as = &reader }, as_writer = { .as = &writer };
	FWPM_FILTER0 f = plain();
	UINT64 id = policy_add(engine, &f);
	struct dump *before = dump_take(inst), *after;

	(void)state;
	child_run(&as_reader, call_as_reader, &id);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	child_run(&as_writer, call_as_writer, &id);
	assert_int_equal(get(engine, id), FWP_E_FILTER_NOT_FOUND);
}

static void a_handle_outlives_its_engine_with_a_code(void **state)
{
	FWPM_FILTER0 f = plain(), *got = &f;
	UINT64 id = policy_add(engine, &f), untouched = UNTOUCHED;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, &untouched), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmFilterDeleteById0(engine, id), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmFilterGetById0(engine, id, &got), RPC_E_DISCONNECTED);
	assert_int_equal(untouched, UNTOUCHED);
	assert_ptr_equal(got, &f);
}

static void a_filter_that_a_context_uses_stays(void **state)
{
	FWPM_FILTER0 f = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					     &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL, 0);
	IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0x0a000001,
		.remoteV4Address = 0x0a000002,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
	};
	UINT64 context;
	struct dump *before, *after;

	(void)state;
	traffic.ipsecFilterId = policy_add(engine, &f);
	assert_int_equal(IPsecSaContextCreate1(engine, &traffic, NULL, NULL, &context), 0);
	before = dump_take(inst);
	assert_int_equal(FwpmFilterDeleteById0(engine, traffic.ipsecFilterId), FWP_E_IN_USE);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmFilterDeleteById0(engine, traffic.ipsecFilterId), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	assert_int_equal(IPsecSaContextDeleteById0(engine, context), 0);
	policy_delete(engine, traffic.ipsecFilterId);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_bad_filter_has_its_code),
		TEST(a_handle_that_is_none_is_refused),
		TEST(a_filter_that_is_not_there_is_not_found),
		TEST(a_filter_comes_back_as_it_was),
		TEST(what_was_left_out_is_filled_in),
		TEST(the_id_may_be_left_out),
		TEST(a_provider_context_is_named_by_its_key),
		TEST(each_sublayer_and_each_callout_can_be_named),
		TEST(a_long_filter_comes_back_as_it_was),
		TEST(a_key_belongs_to_one_filter),
		TEST(an_id_is_not_given_again),
		TEST(selectors_are_found_where_packets_look),
		TEST(a_filter_that_inspects_has_no_selector),
		TEST(masks_live_as_long_as_their_filters),
		TEST(too_many_masks_are_refused),
		TEST(a_full_chain_is_refused),
		TEST(a_full_map_is_refused),
		TEST(a_transaction_sees_its_own_changes_only_itself),
		TEST(an_aborted_transaction_changes_nothing),
		TEST(a_failure_in_a_transaction_takes_back_itself_only),
		TEST(a_read_only_transaction_refuses_changes),
		TEST(waiting_for_another_transaction_ends_in_time),
		TEST(a_dynamic_filter_ends_with_its_session),
		TEST(a_filter_is_deleted_by_whom_it_belongs_to),
		TEST(a_filter_does_not_outlive_its_provider_context),
		TEST(readers_read_and_writers_write),
		TEST(a_filter_that_a_context_uses_stays),
		cmocka_unit_test_setup_teardown(a_handle_outlives_its_engine_with_a_code, setup,
						teardown_unloaded),
		TEST(a_transaction_may_add_and_delete_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
