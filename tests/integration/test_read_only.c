// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Read-only transactions, in one process while another changes the policy: what they see, whom they
 * keep waiting and how they end, for those who may write and those who may not.
 */
#include <stdlib.h>
#include <string.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "client.h"
#include "policy.h"
#include "scratch.h"
#include "wait.h"

enum {
	CONTEXTS = 16,
	FILTERS = 16,
	SHORT_MS = 50,
	FULL = 10 * FILTERS, /* rounds that fill any map of so many filters with dead ones */
};

static wchar_t title[] = L"test";
static const GUID some_key = { .Data1 = 0x4ead0911 };
static const char *name;
static HANDLE engine;
static struct instance *inst;
static UINT64 old;

static UINT64 add(HANDLE session)
{
	FWPM_FILTER0 filter = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, 0);

	return policy_add(session, &filter);
}

static int setup(void **state)
{
	(void)state;
	name = policy_load("read-only", CONTEXTS, FILTERS);
	engine = policy_open(0, SHORT_MS);
	assert_int_equal(instance_get(name, INSTANCE_READ, &inst), 0);
	old = add(engine);
	return 0;
}

static int teardown(void **state)
{
	dump_require_sound(inst, "afterwards");
	instance_put(inst);
	FwpmEngineClose0(engine);
	saxdp_unload(name, true);
	return scratch_teardown(state);
}

static DWORD look(HANDLE session, UINT64 id)
{
	FWPM_FILTER0 *filter = NULL;
	DWORD result = FwpmFilterGetById0(session, id, &filter);

	if (!result)
		assert_int_equal(filter->filterId, id);
	else
		assert_null(filter);
	FwpmFreeMemory0((void **)&filter);
	return result;
}

static DWORD look_by_key(HANDLE session)
{
	FWPM_PROVIDER0 *provider = NULL;
	DWORD result = FwpmProviderGetByKey0(session, &some_key, &provider);

	FwpmFreeMemory0((void **)&provider);
	return result;
}

static void begin(HANDLE session)
{
	assert_ok(FwpmTransactionBegin0(session, FWPM_TXN_READ_ONLY));
}

static const gid_t groups[] = { POLICY_READERS };
static const struct identity reader = { POLICY_STRANGER, POLICY_STRANGER, groups, 1 };
static const struct child_opts as_reader = { .as = &reader };

/* --- what is refused ------------------------------------------------------------------------------- */

static int try_changes(struct child *self, void *arg)
{
	FWPM_FILTER0 filter = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, 0);
	FWPM_PROVIDER0 provider = { .displayData.name = title };
	IPSEC_TUNNEL_POLICY0 tunnel;
	FWPM_PROVIDER_CONTEXT0 context = policy_tunnel(&tunnel);
	IPSEC_SA_BUNDLE1 bundle = {};
	IPSEC_TRAFFIC1 traffic = {};
	IPSEC_GETSPI1 get = {};
	IPSEC_SA_SPI spi;
	HANDLE session = policy_open(0, 0);
	UINT64 id = 4711;

	(void)self;
	(void)arg;
	begin(session);
	assert_result(FwpmFilterAdd0(session, &filter, NULL, &id), FWP_E_INCOMPATIBLE_TXN);
	assert_result(FwpmFilterDeleteById0(session, old), FWP_E_INCOMPATIBLE_TXN);
	assert_result(FwpmProviderAdd0(session, &provider, NULL), FWP_E_INCOMPATIBLE_TXN);
	assert_result(FwpmProviderDeleteByKey0(session, &some_key), FWP_E_INCOMPATIBLE_TXN);
	assert_result(FwpmProviderContextAdd0(session, &context, NULL, &id),
		      FWP_E_INCOMPATIBLE_TXN);
	assert_result(FwpmProviderContextDeleteById0(session, 1), FWP_E_INCOMPATIBLE_TXN);

	assert_result(IPsecSaContextCreate1(session, &traffic, NULL, NULL, &id),
		      FWP_E_TXN_IN_PROGRESS);
	assert_result(IPsecSaContextDeleteById0(session, 1), FWP_E_TXN_IN_PROGRESS);
	assert_result(IPsecSaContextGetSpi1(session, 1, &get, &spi), FWP_E_TXN_IN_PROGRESS);
	assert_result(IPsecSaContextSetSpi0(session, 1, &get, 256), FWP_E_TXN_IN_PROGRESS);
	assert_result(IPsecSaContextAddInbound1(session, 1, &bundle), FWP_E_TXN_IN_PROGRESS);
	assert_result(IPsecSaContextAddOutbound1(session, 1, &bundle), FWP_E_TXN_IN_PROGRESS);

	assert_result(FwpmTransactionBegin0(session, FWPM_TXN_READ_ONLY), FWP_E_TXN_IN_PROGRESS);
	assert_int_equal(id, 4711);
	assert_ok(look(session, old));
	assert_ok(FwpmTransactionCommit0(session));
	assert_result(FwpmTransactionCommit0(session), FWP_E_NO_TXN_IN_PROGRESS);
	policy_close(session);
	return 0;
}

static void changes_are_refused_whoever_begins(void **state)
{
	struct dump *before = dump_take(inst), *after;

	(void)state;
	child_run(NULL, try_changes, NULL);
	child_run(&as_reader, try_changes, NULL);
	after = dump_take(inst);
	dump_require_same(before, after, "after changes that were refused");
	dump_free(before);
	dump_free(after);
	assert_ok(look(engine, old));
}

/* --- one state --------------------------------------------------------------------------------------- */

static uint64_t generation(void)
{
	struct saxdp_engine e;

	assert_int_equal(store_engine(inst, &e), 0);
	return e.epoch[SAXDP_EPOCH_POLICY].generation;
}

/* Deleting and adding go on until what was deleted first has made room. */
static bool reclaimed(void *arg)
{
	const uint64_t *since = arg;
	struct saxdp_engine e;

	policy_delete(engine, add(engine));
	assert_int_equal(store_engine(inst, &e), 0);
	return e.epoch[SAXDP_EPOCH_POLICY].reclaimed > *since;
}

static int read_one_state(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0), handle = NULL;
	FWPM_PROVIDER0 **providers;
	UINT64 fresh = old + 1; /* the next id of the parent's session, or none */
	UINT32 count;

	(void)arg;
	begin(session);
	assert_ok(look(session, old));
	assert_result(look_by_key(session), FWP_E_PROVIDER_NOT_FOUND);
	child_hold(self); /* the parent commits */
	assert_ok(look(session, old));
	for (UINT64 id = fresh; id < fresh + SESSION_IDS; id++)
		assert_result(look(session, id), FWP_E_FILTER_NOT_FOUND);
	assert_result(look_by_key(session), FWP_E_PROVIDER_NOT_FOUND);
	assert_ok(FwpmProviderCreateEnumHandle0(session, NULL, &handle));
	assert_ok(FwpmProviderEnum0(session, handle, 1000, &providers, &count));
	for (UINT32 i = 0; i < count; i++)
		assert_memory_not_equal(&providers[i]->providerKey, &some_key, sizeof(some_key));
	FwpmFreeMemory0((void **)&providers);
	assert_ok(FwpmProviderDestroyEnumHandle0(session, handle));
	child_hold(self); /* the parent makes room */
	assert_result(look(session, old), FWP_E_TXN_ABORTED);
	assert_result(look_by_key(session), FWP_E_TXN_ABORTED);
	assert_result(FwpmProviderCreateEnumHandle0(session, NULL, &handle), FWP_E_TXN_ABORTED);
	assert_ok(FwpmTransactionAbort0(session));
	begin(session);
	assert_result(look(session, old), FWP_E_FILTER_NOT_FOUND);
	assert_ok(look_by_key(session));
	assert_ok(FwpmTransactionCommit0(session));
	policy_close(session);
	return 0;
}

static void reader_sees_one_state_or_is_told(void **state)
{
	const FWPM_PROVIDER0 provider = { .providerKey = some_key, .displayData.name = title };
	uint64_t since = generation();
	struct child c;

	(void)state;
	child_start(&c, &as_reader, read_one_state, NULL);
	child_await(&c);
	/* In one commit: the next may already make room. */
	assert_ok(FwpmTransactionBegin0(engine, 0));
	policy_delete(engine, old);
	add(engine);
	assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
	assert_ok(FwpmTransactionCommit0(engine));
	child_go(&c);
	child_await(&c);
	/* It holds no lock: room is made, and explicit transactions go on. */
	assert_ok(FwpmTransactionBegin0(engine, 0));
	assert_ok(FwpmTransactionAbort0(engine));
	assert_true(wait_until(reclaimed, &since, WAIT_MS));
	child_go(&c);
	child_finish(&c);
}

static int hold_one_state(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)arg;
	begin(session);
	child_hold(self); /* the parent fills the engine with dead filters */
	assert_ok(look(session, old));
	assert_ok(FwpmTransactionCommit0(session));
	assert_result(look(session, old), FWP_E_FILTER_NOT_FOUND);
	child_hold(self);
	policy_close(session);
	return 0;
}

static void who_may_write_keeps_what_he_saw(void **state)
{
	FWPM_FILTER0 filter = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, 0);
	uint64_t since = generation();
	struct saxdp_engine e;
	DWORD result = ERROR_SUCCESS;
	struct child c;
	UINT64 id;
	int rounds;

	(void)state;
	child_start(&c, NULL, hold_one_state, NULL);
	child_await(&c);
	policy_delete(engine, old);
	for (rounds = 0; rounds < FULL && !result; rounds++) {
		result = FwpmFilterAdd0(engine, &filter, NULL, &id);
		if (!result)
			result = FwpmFilterDeleteById0(engine, id);
	}
	assert_int_equal(result, FWP_E_TIMEOUT); /* reclaiming waits for the transaction */
	assert_int_equal(store_engine(inst, &e), 0);
	assert_true(e.epoch[SAXDP_EPOCH_POLICY].reclaimed <= since);
	child_go(&c);
	child_await(&c);
	policy_delete(engine, add(engine));
	child_go(&c);
	child_finish(&c);
}

/* A key has two versions; the third use takes the place of one that may still be seen. */
static void key_that_is_used_again_ends_the_transaction(void **state)
{
	const FWPM_PROVIDER0 provider = { .providerKey = some_key, .displayData.name = title };
	HANDLE session = policy_open(0, 0);
	DWORD result;
	int rounds;

	(void)state;
	assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
	begin(session);
	for (rounds = 0; rounds < 4; rounds++) {
		assert_ok(FwpmProviderDeleteByKey0(engine, &some_key));
		assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
		result = look_by_key(session);
		if (result)
			break;
	}
	assert_int_equal(result, FWP_E_TXN_ABORTED);
	assert_ok(FwpmTransactionCommit0(session));
	assert_ok(look_by_key(session));
	policy_close(session);
}

/* --- who waits --------------------------------------------------------------------------------------- */

static int hold_transaction(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)arg;
	begin(session);
	child_hold(self);
	assert_ok(FwpmTransactionCommit0(session));
	child_hold(self);
	return 0;
}

static void explicit_transactions_wait_for_who_may_write(void **state)
{
	struct child first, second;

	(void)state;
	child_start(&first, NULL, hold_transaction, NULL);
	child_await(&first);
	child_start(&second, NULL, hold_transaction, NULL); /* beside the first */
	child_await(&second);
	assert_result(FwpmTransactionBegin0(engine, 0), FWP_E_TIMEOUT);
	begin(engine);
	assert_ok(FwpmTransactionCommit0(engine));
	policy_delete(engine, add(engine));
	child_go(&first);
	child_await(&first);
	assert_result(FwpmTransactionBegin0(engine, 0), FWP_E_TIMEOUT);
	child_kill(&second);
	assert_ok(FwpmTransactionBegin0(engine, 0));
	assert_ok(FwpmTransactionAbort0(engine));
	child_kill(&first);
}

static int begin_beside(struct child *self, void *arg)
{
	const DWORD *wanted = arg;
	HANDLE session = policy_open(0, SHORT_MS);

	child_hold(self); /* the parent begins to change */
	assert_result(FwpmTransactionBegin0(session, FWPM_TXN_READ_ONLY), *wanted);
	assert_ok(look(session, old));
	if (!*wanted)
		assert_ok(FwpmTransactionCommit0(session));
	policy_close(session);
	return 0;
}

static void a_change_keeps_out_who_may_write_and_no_reader(void **state)
{
	DWORD timeout = FWP_E_TIMEOUT, success = ERROR_SUCCESS;
	struct child writing, reading;

	(void)state;
	child_start(&writing, NULL, begin_beside, &timeout);
	child_start(&reading, &as_reader, begin_beside, &success);
	child_await(&writing);
	child_await(&reading);
	assert_ok(FwpmTransactionBegin0(engine, 0));
	policy_delete(engine, old);
	child_go(&reading);
	child_finish(&reading);
	child_go(&writing);
	child_finish(&writing);
	assert_ok(FwpmTransactionAbort0(engine));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_are_refused_whoever_begins),
		TEST(reader_sees_one_state_or_is_told),
		TEST(who_may_write_keeps_what_he_saw),
		TEST(key_that_is_used_again_ends_the_transaction),
		TEST(explicit_transactions_wait_for_who_may_write),
		TEST(a_change_keeps_out_who_may_write_and_no_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
