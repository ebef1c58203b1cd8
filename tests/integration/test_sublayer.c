// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The calls on sublayers on real maps: every code that their docstrings name, what other processes see
 * of their effect, references, lifetimes, enumeration, and in which order packets go through them.
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
	name = policy_load("sublayer", CONTEXTS, FILTERS);
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

static FWPM_SUBLAYER0 sublayer_of(const GUID *key)
{
	return (FWPM_SUBLAYER0){ .subLayerKey = *key, .displayData.name = title };
}

static void add(HANDLE session, const GUID *key)
{
	FWPM_SUBLAYER0 sublayer = sublayer_of(key);
	DWORD err = FwpmSubLayerAdd0(session, &sublayer, NULL);

	require(!err, "sublayer: 0x%x %s", err, saxdp_error());
}

static void delete (HANDLE session, const GUID *key)
{
	DWORD err = FwpmSubLayerDeleteByKey0(session, key);

	require(!err, "sublayer: 0x%x %s", err, saxdp_error());
}

static DWORD get(HANDLE session, const GUID *key)
{
	FWPM_SUBLAYER0 *sublayer = NULL;
	DWORD err = FwpmSubLayerGetByKey0(session, key, &sublayer);

	assert_true(!err == (sublayer != NULL));
	if (!err)
		assert_memory_equal(&sublayer->subLayerKey, key, sizeof(*key));
	FwpmFreeMemory0((void **)&sublayer);
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

static void each_bad_sublayer_has_its_code(void **state)
{
	wchar_t surrogate[] = { 0xdfff, 0 };
	SECURITY_DESCRIPTOR sd = {};
	struct dump *before = dump_take(inst), *after;
	FWPM_SUBLAYER0 s;

	(void)state;
	assert_int_equal(FwpmSubLayerAdd0(engine, NULL, NULL), FWP_E_NULL_POINTER);
#define REFUSE(wanted, ...)                                              \
	do {                                                             \
		s = sublayer_of(&some_key);                              \
		__VA_ARGS__;                                             \
		if (FwpmSubLayerAdd0(engine, &s, NULL) != (wanted))      \
			fail_msg("%s: %s", #__VA_ARGS__, saxdp_error()); \
	} while (0)
	REFUSE(FWP_E_NULL_POINTER, s.providerData.size = 1);
	REFUSE(FWP_E_NULL_DISPLAY_NAME, s.displayData.name = NULL);
	REFUSE(FWP_E_INVALID_PARAMETER, s.displayData.description = surrogate);
	REFUSE(FWP_E_INVALID_FLAGS, s.flags = 0x80);
	REFUSE(FWP_E_PROVIDER_NOT_FOUND, s.providerKey = (GUID *)&other_key);
	REFUSE(FWP_E_ALREADY_EXISTS, s.subLayerKey = FWPM_SUBLAYER_LIPS);
	REFUSE(ERROR_NOT_SUPPORTED, s.flags = FWPM_SUBLAYER_FLAG_PERSISTENT);
	s = sublayer_of(&some_key);
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, &sd), ERROR_NOT_SUPPORTED);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
}

static void what_is_not_there_is_not_found(void **state)
{
	FWPM_SUBLAYER0 s = sublayer_of(&some_key), *got = NULL;
	HANDLE closed = policy_open(0, 0);

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &some_key), FWP_E_SUBLAYER_NOT_FOUND);
	assert_int_equal(FwpmSubLayerGetByKey0(engine, &some_key, &got), FWP_E_SUBLAYER_NOT_FOUND);
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmSubLayerGetByKey0(engine, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmSubLayerGetByKey0(engine, &some_key, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmSubLayerAdd0(closed, &s, NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmSubLayerDeleteByKey0(closed, &some_key), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmSubLayerGetByKey0(closed, &some_key, &got), ERROR_INVALID_HANDLE);
	assert_null(got);
}

static void what_is_built_in_stays(void **state)
{
	FWPM_SUBLAYER0 *got;

	(void)state;
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &FWPM_SUBLAYER_UNIVERSAL),
			 FWP_E_BUILTIN_OBJECT);
	assert_int_equal(FwpmSubLayerGetByKey0(engine, &FWPM_SUBLAYER_UNIVERSAL, &got), 0);
	assert_memory_equal(&got->subLayerKey, &FWPM_SUBLAYER_UNIVERSAL, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, L"FWPM_SUBLAYER_UNIVERSAL"), 0);
	assert_int_equal(got->weight, 32768);
	FwpmFreeMemory0((void **)&got);
}

/* --- what is kept --------------------------------------------------------------------------------- */

static int all_comes_back(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_SUBLAYER0 *got;

	(void)self;
	(void)arg;
	assert_int_equal(FwpmSubLayerGetByKey0(session, &some_key, &got), 0);
	assert_memory_equal(&got->subLayerKey, &some_key, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, title), 0);
	assert_int_equal(wcscmp(got->displayData.description, text), 0);
	assert_memory_equal(got->providerKey, &FWPM_PROVIDER_IKEEXT, sizeof(GUID));
	assert_int_equal(got->providerData.size, 3);
	assert_memory_equal(got->providerData.data, "\1\0\2", 3);
	assert_int_equal(got->flags, 0);
	assert_int_equal(got->weight, 0xfedc);
	FwpmFreeMemory0((void **)&got);
	policy_close(session);
	return 0;
}

static void another_process_finds_what_was_added(void **state)
{
	UINT8 data[] = { 1, 0, 2 };
	FWPM_SUBLAYER0 s = sublayer_of(&some_key);

	(void)state;
	s.displayData.description = text;
	s.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	s.providerData = (FWP_BYTE_BLOB){ sizeof(data), data };
	s.weight = 0xfedc;
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), 0);
	memset(data, 0xee, sizeof(data));
	child_run(NULL, all_comes_back, NULL);
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), FWP_E_ALREADY_EXISTS);
	delete (engine, &some_key);
	others_find(&some_key, FWP_E_SUBLAYER_NOT_FOUND);
}

static void a_full_map_is_refused(void **state)
{
	DWORD err = 0;

	(void)state;
	for (int i = 0; i < 100 * FILTERS && !err; i++) {
		FWPM_SUBLAYER0 s = sublayer_of(&null_key);

		err = FwpmSubLayerAdd0(engine, &s, NULL);
	}
	assert_int_equal(err, ERROR_NO_SYSTEM_RESOURCES);
}

/* --- who names it, and whom it names ---------------------------------------------------------------- */

static FWPM_FILTER0 filter_of(const GUID *sublayer)
{
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, 0);

	f.subLayerKey = *sublayer;
	return f;
}

static void one_that_is_named_stays(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key), *got;
	UINT64 filter;

	(void)state;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_SUBLAYER_NOT_FOUND);
	add(engine, &some_key);
	filter = policy_add(engine, &f);
	assert_int_equal(FwpmFilterGetById0(engine, filter, &got), 0);
	assert_memory_equal(&got->subLayerKey, &some_key, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	policy_delete(engine, filter);
	delete (engine, &some_key);
	others_find(&some_key, FWP_E_SUBLAYER_NOT_FOUND);
}

static void its_provider_stays_as_long(void **state)
{
	FWPM_PROVIDER0 p = { .providerKey = other_key, .displayData.name = title };
	FWPM_SUBLAYER0 s = sublayer_of(&some_key);

	(void)state;
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), 0);
	s.providerKey = (GUID *)&other_key;
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), 0);
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
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);

	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, first);
	delete (engine, &some_key);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_SUBLAYER_NOT_FOUND);
	assert_int_equal(get(other, &some_key), 0);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(get(other, &some_key), FWP_E_SUBLAYER_NOT_FOUND);
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
	FWPM_SUBLAYER0 s = sublayer_of(&other_key);

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &some_key), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(get(engine, &some_key), 0);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
}

static void waiting_for_another_transaction_ends_in_time(void **state)
{
	HANDLE hasty = policy_open(0, 1);
	FWPM_SUBLAYER0 s = sublayer_of(&other_key);

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmSubLayerAdd0(hasty, &s, NULL), FWP_E_TIMEOUT);
	assert_int_equal(FwpmSubLayerDeleteByKey0(hasty, &some_key), FWP_E_TIMEOUT);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(hasty);
}

static void references_do_not_outlive_a_session(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_PROVIDER0 p = { .providerKey = some_key, .displayData.name = title };
	FWPM_SUBLAYER0 s = sublayer_of(&null_key);
	FWPM_FILTER0 f = filter_of(&some_key);

	(void)state;
	add(theirs, &some_key);
	add(engine, &other_key);
	assert_int_equal(FwpmProviderAdd0(theirs, &p, NULL), 0);
	s.providerKey = (GUID *)&some_key;
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(mine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(theirs, &f, NULL, NULL), 0);
	f = filter_of(&other_key);
	assert_int_equal(FwpmFilterAdd0(mine, &f, NULL, NULL), 0);
	assert_int_equal(FwpmSubLayerDeleteByKey0(mine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmSubLayerDeleteByKey0(mine, &other_key),
			 FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	policy_close(theirs);
	others_find(&some_key, FWP_E_SUBLAYER_NOT_FOUND);
	policy_close(mine);
	delete (engine, &other_key);
}

static int call_as_reader(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_SUBLAYER0 s = sublayer_of(&other_key);

	(void)self;
	(void)arg;
	assert_int_equal(FwpmSubLayerAdd0(session, &s, NULL), ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmSubLayerDeleteByKey0(session, &some_key), ERROR_ACCESS_DENIED);
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
	FWPM_SUBLAYER0 s = sublayer_of(&some_key), *got = NULL;
	HANDLE handle = NULL;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmSubLayerDeleteByKey0(engine, &some_key), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmSubLayerGetByKey0(engine, &some_key, &got), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmSubLayerCreateEnumHandle0(engine, NULL, &handle), RPC_E_DISCONNECTED);
	assert_null(got);
	assert_null(handle);
}

/* --- enumeration ---------------------------------------------------------------------------------- */

static UINT32 enumerate(const FWPM_SUBLAYER_ENUM_TEMPLATE0 *template, const GUID *key)
{
	FWPM_SUBLAYER0 **entries;
	HANDLE handle;
	UINT32 got, found = 0;

	assert_int_equal(FwpmSubLayerCreateEnumHandle0(engine, template, &handle), 0);
	assert_int_equal(FwpmSubLayerEnum0(engine, handle, 1000, &entries, &got), 0);
	for (UINT32 i = 0; i < got; i++)
		found += !memcmp(&entries[i]->subLayerKey, key, sizeof(*key));
	assert_int_equal(found, got ? 1 : 0);
	FwpmFreeMemory0((void **)&entries);
	assert_int_equal(FwpmSubLayerDestroyEnumHandle0(engine, handle), 0);
	assert_int_equal(FwpmSubLayerDestroyEnumHandle0(engine, handle), ERROR_INVALID_HANDLE);
	return got;
}

static void those_of_a_provider_are_enumerated(void **state)
{
	FWPM_SUBLAYER_ENUM_TEMPLATE0 template = {};
	FWPM_SUBLAYER0 s = sublayer_of(&other_key);

	(void)state;
	add(engine, &some_key);
	s.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_int_equal(FwpmSubLayerAdd0(engine, &s, NULL), 0);
	assert_int_equal(enumerate(NULL, &some_key), SUBLAYERS_BUILTIN + 2);
	assert_int_equal(enumerate(&template, &FWPM_SUBLAYER_LIPS), SUBLAYERS_BUILTIN + 2);
	template.providerKey = (GUID *)&FWPM_PROVIDER_IKEEXT;
	assert_int_equal(enumerate(&template, &other_key), 1);
	template.providerKey = (GUID *)&FWPM_PROVIDER_MPSSVC_WF;
	assert_int_equal(enumerate(&template, &other_key), 0);
}

static void handles_of_other_objects_are_not_taken(void **state)
{
	FWPM_SUBLAYER0 **entries = NULL;
	HANDLE handle, providers;
	UINT32 got = 77;

	(void)state;
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, &providers), 0);
	assert_int_equal(FwpmSubLayerEnum0(engine, providers, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmSubLayerDestroyEnumHandle0(engine, providers), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmSubLayerCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmSubLayerCreateEnumHandle0(engine, NULL, &handle), 0);
	assert_int_equal(FwpmSubLayerEnum0(engine, handle, 1, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmSubLayerEnum0(engine, handle, 1, &entries, NULL), FWP_E_NULL_POINTER);
	assert_null(entries);
	assert_int_equal(got, 77);
}

/* --- the order ------------------------------------------------------------------------------------ */

static GUID numbered(unsigned int i)
{
	return (GUID){ .Data1 = 0x33333333, .Data2 = i };
}

static GUID weighed(unsigned int i, UINT16 weight)
{
	GUID key = numbered(i);
	FWPM_SUBLAYER0 s = sublayer_of(&key);

	s.weight = weight;
	require(!FwpmSubLayerAdd0(engine, &s, NULL), "sublayer: %s", saxdp_error());
	return key;
}

/* The keys in use at the newest generation, as packets go through them. */
static unsigned int order_read(GUID ret[SAXDP_SUBLAYERS])
{
	struct saxdp_sublayer_order order;
	struct saxdp_sublayer sublayer;
	struct saxdp_engine e;
	uint32_t parity;

	assert_int_equal(store_engine(inst, &e), 0);
	parity = e.epoch[SAXDP_EPOCH_POLICY].generation & 1;
	assert_int_equal(store_lookup(inst, SAXDP_KIND_SUBLAYER_ORDER, &parity, &order), 0);
	assert_true(order.count <= SAXDP_SUBLAYERS);
	for (uint32_t i = 0; i < order.count; i++) {
		uint64_t id = order.sublayer[order.slot[i]];

		if (id & SAXDP_BUILTIN) {
			ret[i] = *sublayer_at((id & ~SAXDP_BUILTIN) - 1)->key;
			continue;
		}
		assert_int_equal(store_lookup(inst, SAXDP_KIND_SUBLAYER, &id, &sublayer), 0);
		memcpy(&ret[i], sublayer.object.key, sizeof(ret[i]));
	}
	return order.count;
}

#define assert_order(...)                                                             \
	do {                                                                          \
		const GUID wanted_[] = { __VA_ARGS__ };                               \
		GUID there_[SAXDP_SUBLAYERS];                                         \
                                                                                      \
		assert_int_equal(order_read(there_), sizeof(wanted_) / sizeof(GUID)); \
		assert_memory_equal(there_, wanted_, sizeof(wanted_));                \
	} while (0)

static UINT64 filter_in(const GUID *sublayer)
{
	FWPM_FILTER0 f = filter_of(sublayer);

	return policy_add(engine, &f);
}

static void heavier_sublayers_come_first(void **state)
{
	GUID light = weighed(1, 100), heavy = weighed(2, 60000), middle = weighed(3, 40000);
	GUID unused = weighed(4, 50000), there[SAXDP_SUBLAYERS];
	UINT64 light_filter, middle_filter;

	(void)state;
	(void)unused;
	assert_int_equal(order_read(there), 0);
	light_filter = filter_in(&light);
	assert_order(light);
	filter_in(&heavy);
	assert_order(heavy, light);
	filter_in(&null_key);
	assert_order(heavy, FWPM_SUBLAYER_UNIVERSAL, light);
	middle_filter = filter_in(&middle);
	filter_in(&light);
	assert_order(heavy, middle, FWPM_SUBLAYER_UNIVERSAL, light);
	policy_delete(engine, light_filter);
	assert_order(heavy, middle, FWPM_SUBLAYER_UNIVERSAL, light);
	policy_delete(engine, middle_filter);
	assert_order(heavy, FWPM_SUBLAYER_UNIVERSAL, light);
	filter_in(&middle);
	assert_order(heavy, middle, FWPM_SUBLAYER_UNIVERSAL, light);
}

static void of_equal_weights_the_older_comes_first(void **state)
{
	GUID first = weighed(1, 32768), second = weighed(2, 32768);

	(void)state;
	filter_in(&second);
	filter_in(&first);
	filter_in(&FWPM_SUBLAYER_UNIVERSAL);
	assert_order(FWPM_SUBLAYER_UNIVERSAL, first, second);
}

static void one_transaction_changes_all_of_the_order(void **state)
{
	GUID first = weighed(1, 1000), second = weighed(2, 2000), third;
	UINT64 id = filter_in(&first);

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, id);
	third = weighed(3, 3000);
	filter_in(&second);
	filter_in(&third);
	assert_order(first);
	delete (engine, &first);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_order(third, second);
}

static void a_filter_that_only_inspects_takes_no_slot(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key);
	GUID there[SAXDP_SUBLAYERS];

	(void)state;
	add(engine, &some_key);
	f.action.type = FWP_ACTION_CALLOUT_INSPECTION;
	f.action.calloutKey = FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V4_SILENT_DROP;
	policy_add(engine, &f);
	assert_int_equal(order_read(there), 0);
}

static void packets_are_judged_by_32_sublayers_at_once(void **state)
{
	UINT64 id[SAXDP_SUBLAYERS], untouched = 77;
	GUID key[SAXDP_SUBLAYERS + 1];
	struct dump *before, *after;
	FWPM_FILTER0 f;

	(void)state;
	for (unsigned int i = 0; i <= SAXDP_SUBLAYERS; i++)
		key[i] = weighed(i, i * 7 % 32);
	for (unsigned int i = 0; i < SAXDP_SUBLAYERS; i++)
		id[i] = filter_in(&key[i]);
	before = dump_take(inst);
	f = filter_of(&key[SAXDP_SUBLAYERS]);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, &untouched), FWP_E_TOO_MANY_SUBLAYERS);
	assert_int_equal(untouched, 77);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	/* Those that have a slot take more filters, and a slot that is free is given again. */
	policy_delete(engine, filter_in(&key[0]));
	policy_delete(engine, id[5]);
	filter_in(&key[SAXDP_SUBLAYERS]);
	f = filter_of(&key[5]);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_TOO_MANY_SUBLAYERS);
}

/* The filter that IPsecSaContextCreate1 names is the one that decides. */
static void the_heavier_sublayer_names_the_inbound_filter(void **state)
{
	GUID light = weighed(1, 1000), heavy = weighed(2, 2000);
	FWPM_FILTER0 out = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					       &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL, 0);
	FWPM_FILTER0 in = policy_ipsec_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4,
					      &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, NULL, 0);
	IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0xc0000201,
		.remoteV4Address = 0xc0000202,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
	};
	UINT64 weight = UINT64_MAX, first, second, found, id;

	(void)state;
	traffic.ipsecFilterId = policy_add(engine, &out);
	in.subLayerKey = light;
	in.weight = (FWP_VALUE0){ .type = FWP_UINT64, .uint64 = &weight };
	first = policy_add(engine, &in);
	in.subLayerKey = heavy;
	in.weight = (FWP_VALUE0){};
	second = policy_add(engine, &in);
	assert_int_equal(IPsecSaContextCreate1(engine, &traffic, NULL, &found, &id), 0);
	assert_int_equal(found, second);
	policy_delete(engine, second);
	traffic.remoteV4Address++;
	assert_int_equal(IPsecSaContextCreate1(engine, &traffic, NULL, &found, &id), 0);
	assert_int_equal(found, first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_bad_sublayer_has_its_code),
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
		TEST(those_of_a_provider_are_enumerated),
		TEST(handles_of_other_objects_are_not_taken),
		TEST(heavier_sublayers_come_first),
		TEST(of_equal_weights_the_older_comes_first),
		TEST(one_transaction_changes_all_of_the_order),
		TEST(a_filter_that_only_inspects_takes_no_slot),
		TEST(packets_are_judged_by_32_sublayers_at_once),
		TEST(the_heavier_sublayer_names_the_inbound_filter),
		cmocka_unit_test_setup_teardown(a_handle_outlives_its_engine_with_a_code, setup,
						teardown_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
