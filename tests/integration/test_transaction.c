// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Explicit transactions: what they exclude, what they show to whom, and whose turn it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "fill.h"
#include "policy.h"
#include "scratch.h"
#include "wait.h"

enum {
	CONTEXTS = 16,
	FILTERS = 64,
	SHORT_MS = 50,
	PROCESSES = 4,
	/* Of all of them: much longer than the kernel leaves a process without a CPU. */
	TURNS = 4000,
	SHARE = TURNS / PROCESSES / 10, /* at least */
};

struct transaction_test {
	const char *instance;
	HANDLE engine, other;
	struct instance *inst;
	struct dump *before;
	UINT64 outbound;
};

static int setup(void **state)
{
	static struct transaction_test t;
	FWPM_FILTER0 any = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					       &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL, 0);

	t = (struct transaction_test){
		.instance = policy_load("transaction", CONTEXTS, FILTERS),
	};
	t.engine = policy_open(0, 0);
	t.other = policy_open(0, SHORT_MS);
	require(!instance_get(t.instance, INSTANCE_READ, &t.inst), "%s", saxdp_error());
	t.outbound = policy_add(t.engine, &any);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct transaction_test *t = *state;

	dump_free(t->before);
	instance_put(t->inst);
	if (t->engine)
		FwpmEngineClose0(t->engine);
	FwpmEngineClose0(t->other);
	saxdp_unload(t->instance, true);
	return scratch_teardown(state);
}

static void begin(HANDLE engine, UINT32 flags)
{
	require(!FwpmTransactionBegin0(engine, flags), "%s", saxdp_error());
}

static void remember(struct transaction_test *t)
{
	dump_free(t->before);
	t->before = dump_take(t->inst);
}

static void require_unchanged(const struct transaction_test *t, const char *when)
{
	struct dump *after = dump_take(t->inst);

	dump_require_same(t->before, after, when);
	for (int e = 0; e < SAXDP_EPOCHS; e++)
		assert_int_equal(dump_generation(after, e), dump_generation(t->before, e));
	dump_free(after);
}

static FWPM_FILTER0 filter_make(uint32_t remote, FWPM_FILTER_CONDITION0 *condition)
{
	*condition = (FWPM_FILTER_CONDITION0){
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_UINT32, .uint32 = remote },
	};
	return policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, condition, 1);
}

static DWORD filter_try(HANDLE engine, uint32_t remote, const GUID *key, UINT64 *ret)
{
	FWPM_FILTER_CONDITION0 condition;
	FWPM_FILTER0 filter = filter_make(remote, &condition);

	if (key)
		filter.filterKey = *key;
	return FwpmFilterAdd0(engine, &filter, NULL, ret);
}

static UINT64 filter_add(HANDLE engine, uint32_t remote)
{
	UINT64 id;

	require(!filter_try(engine, remote, NULL, &id), "%s", saxdp_error());
	return id;
}

static DWORD filter_look(HANDLE engine, UINT64 id)
{
	FWPM_FILTER0 *filter = NULL;
	DWORD result = FwpmFilterGetById0(engine, id, &filter);

	if (!result)
		assert_int_equal(filter->filterId, id);
	FwpmFreeMemory0((void **)&filter);
	return result;
}

static DWORD context_try(const struct transaction_test *t, HANDLE engine, UINT64 *ret)
{
	IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0xc0000201,
		.remoteV4Address = 0xc6336407,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
		.ipsecFilterId = t->outbound,
	};

	return IPsecSaContextCreate1(engine, &traffic, NULL, NULL, ret);
}

/* --- what it shows ---------------------------------------------------------------------------------- */

static void others_see_a_transaction_when_it_is_committed(void **state)
{
	struct transaction_test *t = *state;
	UINT64 old = filter_add(t->engine, 1), fresh;

	remember(t);
	begin(t->engine, 0);
	policy_delete(t->engine, old);
	fresh = filter_add(t->engine, 2);
	assert_int_equal(filter_look(t->engine, old), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(filter_look(t->engine, fresh), ERROR_SUCCESS);
	assert_int_equal(filter_look(t->other, old), ERROR_SUCCESS);
	assert_int_equal(filter_look(t->other, fresh), FWP_E_FILTER_NOT_FOUND);
	require_unchanged(t, "in the middle of a transaction");
	require(!FwpmTransactionCommit0(t->engine), "%s", saxdp_error());
	assert_int_equal(filter_look(t->other, old), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(filter_look(t->other, fresh), ERROR_SUCCESS);
	dump_require_sound(t->inst, "after the commit");
}

static void aborted_transaction_leaves_nothing(void **state)
{
	struct transaction_test *t = *state;
	UINT64 old = filter_add(t->engine, 1);

	remember(t);
	begin(t->engine, 0);
	policy_delete(t->engine, old);
	filter_add(t->engine, 2);
	policy_tunnel_add(t->engine, NULL);
	require(!FwpmTransactionAbort0(t->engine), "%s", saxdp_error());
	require_unchanged(t, "after the abort");
	dump_require_sound(t->inst, "after the abort");
}

static void failed_call_takes_back_only_what_it_did(void **state)
{
	static const GUID key = { .Data1 = 0x5a7d };
	struct transaction_test *t = *state;
	UINT64 first, second, id = 4711;

	begin(t->engine, 0);
	require(!filter_try(t->engine, 1, &key, &first), "%s", saxdp_error());
	assert_int_equal(filter_try(t->engine, 2, &key, &id), FWP_E_ALREADY_EXISTS);
	assert_int_equal(id, 4711);
	assert_int_equal(FwpmFilterDeleteById0(t->engine, 1 << 20), FWP_E_FILTER_NOT_FOUND);
	second = filter_add(t->engine, 3);
	require(!FwpmTransactionCommit0(t->engine), "%s", saxdp_error());
	assert_int_equal(filter_look(t->other, first), ERROR_SUCCESS);
	assert_int_equal(filter_look(t->other, second), ERROR_SUCCESS);
	dump_require_sound(t->inst, "after the commit");
}

static void filter_that_comes_and_goes_in_one_transaction_was_never_there(void **state)
{
	struct transaction_test *t = *state;
	UINT64 id;

	remember(t);
	begin(t->engine, 0);
	id = filter_add(t->engine, 1);
	policy_delete(t->engine, id);
	assert_int_equal(filter_look(t->engine, id), FWP_E_FILTER_NOT_FOUND);
	require(!FwpmTransactionCommit0(t->engine), "%s", saxdp_error());
	assert_int_equal(filter_look(t->other, id), FWP_E_FILTER_NOT_FOUND);
	dump_require_sound(t->inst, "after the commit");
}

/* A name has two versions, and each round wants another. */
static int name_retake(struct child *self, void *arg)
{
	static const GUID key = { .Data1 = 0x5a7d };
	struct transaction_test *t = arg;
	HANDLE engine = policy_open(0, 0);
	UINT64 id;

	(void)self;
	for (int commits = 0; commits < 3; commits++) {
		begin(engine, 0);
		for (int i = 0; i < 5; i++) {
			require(!filter_try(engine, 1, &key, &id), "%s", saxdp_error());
			if (i < 4 || commits < 2)
				policy_delete(engine, id);
		}
		require(!FwpmTransactionCommit0(engine), "%s", saxdp_error());
	}
	assert_int_equal(filter_look(engine, id), ERROR_SUCCESS);
	policy_delete(engine, id);
	dump_require_sound(t->inst, "after the commits");
	return 0;
}

static void name_is_taken_again_and_again_in_one_transaction(void **state)
{
	child_run(NULL, name_retake, *state);
}

/* Each that goes leaves its place at the provider context to the last one. */
static int tunnel_filters_go(struct child *self, void *arg)
{
	static const GUID key = { .Data1 = 0x5a7e };
	struct transaction_test *t = arg;
	HANDLE engine = policy_open(0, 0);
	UINT64 ids[8];

	(void)self;
	policy_tunnel_add(engine, &key);
	for (int i = 0; i < 8; i++) {
		FWPM_FILTER_CONDITION0 condition;
		FWPM_FILTER0 filter = filter_make(i, &condition);

		filter.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
		filter.providerContextKey = key;
		ids[i] = policy_add(engine, &filter);
	}
	begin(engine, 0);
	for (int i = 0; i < 8; i++)
		policy_delete(engine, ids[i]);
	require(!FwpmTransactionCommit0(engine), "%s", saxdp_error());
	dump_require_sound(t->inst, "after the commit");
	return 0;
}

static void all_filters_of_a_provider_context_go_in_one_transaction(void **state)
{
	child_run(NULL, tunnel_filters_go, *state);
}

static void transactions_are_not_nested_and_not_ended_twice(void **state)
{
	struct transaction_test *t = *state;

	assert_int_equal(FwpmTransactionCommit0(t->engine), FWP_E_NO_TXN_IN_PROGRESS);
	assert_int_equal(FwpmTransactionAbort0(t->engine), FWP_E_NO_TXN_IN_PROGRESS);
	begin(t->engine, 0);
	assert_int_equal(FwpmTransactionBegin0(t->engine, 0), FWP_E_TXN_IN_PROGRESS);
	assert_int_equal(FwpmTransactionCommit0(t->engine), ERROR_SUCCESS);
	assert_int_equal(FwpmTransactionCommit0(t->engine), FWP_E_NO_TXN_IN_PROGRESS);
	begin(t->engine, FWPM_TXN_READ_ONLY);
	assert_int_equal(FwpmTransactionBegin0(t->engine, 0), FWP_E_TXN_IN_PROGRESS);
	assert_int_equal(FwpmTransactionAbort0(t->engine), ERROR_SUCCESS);
	assert_int_equal(FwpmTransactionAbort0(t->engine), FWP_E_NO_TXN_IN_PROGRESS);
	assert_int_equal(FwpmTransactionBegin0(t->engine, 2), FWP_E_INVALID_FLAGS);
	assert_int_equal(FwpmTransactionAbort0(t->engine), FWP_E_NO_TXN_IN_PROGRESS);
}

/* --- read-only ------------------------------------------------------------------------------------------ */

static void read_only_transaction_sees_one_state(void **state)
{
	struct transaction_test *t = *state;
	UINT64 old = filter_add(t->engine, 1), fresh;

	begin(t->engine, FWPM_TXN_READ_ONLY);
	/* Those without a transaction are not kept out. */
	policy_delete(t->other, old);
	fresh = filter_add(t->other, 2);
	assert_int_equal(filter_look(t->engine, old), ERROR_SUCCESS);
	assert_int_equal(filter_look(t->engine, fresh), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(filter_try(t->engine, 3, NULL, NULL), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmFilterDeleteById0(t->engine, fresh), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmTransactionCommit0(t->engine), ERROR_SUCCESS);
	assert_int_equal(filter_look(t->engine, old), FWP_E_FILTER_NOT_FOUND);
	assert_int_equal(filter_look(t->engine, fresh), ERROR_SUCCESS);
	dump_require_sound(t->inst, "after a read-only transaction");
}

static void read_only_transactions_share_and_exclude_writers(void **state)
{
	struct transaction_test *t = *state;

	begin(t->engine, FWPM_TXN_READ_ONLY);
	begin(t->other, FWPM_TXN_READ_ONLY);
	assert_int_equal(FwpmTransactionAbort0(t->other), ERROR_SUCCESS);
	assert_int_equal(FwpmTransactionBegin0(t->other, 0), FWP_E_TIMEOUT);
	assert_int_equal(FwpmTransactionAbort0(t->engine), ERROR_SUCCESS);
	begin(t->other, 0);
	assert_int_equal(FwpmTransactionAbort0(t->other), ERROR_SUCCESS);
}

/* --- who is kept out --------------------------------------------------------------------------------------- */

static void others_wait_for_a_transaction_as_long_as_they_said(void **state)
{
	struct transaction_test *t = *state;
	UINT64 id = 4711;
	int64_t began;

	begin(t->engine, 0);
	remember(t);
	began = wait_now_ms();
	assert_int_equal(FwpmTransactionBegin0(t->other, 0), FWP_E_TIMEOUT);
	assert_int_equal(FwpmTransactionBegin0(t->other, FWPM_TXN_READ_ONLY), FWP_E_TIMEOUT);
	assert_int_equal(filter_try(t->other, 1, NULL, &id), FWP_E_TIMEOUT);
	assert_int_equal(FwpmFilterDeleteById0(t->other, t->outbound), FWP_E_TIMEOUT);
	assert_int_equal(context_try(t, t->other, &id), FWP_E_TIMEOUT);
	assert_true(wait_now_ms() - began >= 5 * SHORT_MS);
	assert_int_equal(id, 4711);
	require_unchanged(t, "after those who waited");
	assert_int_equal(FwpmTransactionAbort0(t->engine), ERROR_SUCCESS);
	assert_int_equal(filter_try(t->other, 1, NULL, &id), ERROR_SUCCESS);
	assert_int_equal(context_try(t, t->other, &id), ERROR_SUCCESS);
	dump_require_sound(t->inst, "after the transaction");
}

static void sa_calls_are_refused_in_a_transaction(void **state)
{
	struct transaction_test *t = *state;
	IPSEC_GETSPI1 get = {};
	IPSEC_SA_BUNDLE1 bundle = {};
	IPSEC_SA_SPI spi;
	UINT64 id;

	remember(t);
	for (UINT32 flags = 0; flags <= FWPM_TXN_READ_ONLY; flags++) {
		begin(t->engine, flags);
		assert_int_equal(context_try(t, t->engine, &id), FWP_E_TXN_IN_PROGRESS);
		assert_int_equal(IPsecSaContextDeleteById0(t->engine, 1), FWP_E_TXN_IN_PROGRESS);
		assert_int_equal(IPsecSaContextGetSpi1(t->engine, 1, &get, &spi),
				 FWP_E_TXN_IN_PROGRESS);
		assert_int_equal(IPsecSaContextSetSpi0(t->engine, 1, &get, 256),
				 FWP_E_TXN_IN_PROGRESS);
		assert_int_equal(IPsecSaContextAddInbound1(t->engine, 1, &bundle),
				 FWP_E_TXN_IN_PROGRESS);
		assert_int_equal(IPsecSaContextAddOutbound1(t->engine, 1, &bundle),
				 FWP_E_TXN_IN_PROGRESS);
		assert_int_equal(FwpmTransactionCommit0(t->engine), ERROR_SUCCESS);
	}
	require_unchanged(t, "after calls that were refused");
}

struct waiter {
	const struct transaction_test *t;
	DWORD (*call)(const struct transaction_test *t, HANDLE engine);
};

static DWORD wait_begin(const struct transaction_test *t, HANDLE engine)
{
	DWORD result = FwpmTransactionBegin0(engine, 0);

	(void)t;
	return result ? result : FwpmTransactionAbort0(engine);
}

static DWORD wait_read(const struct transaction_test *t, HANDLE engine)
{
	DWORD result = FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY);

	(void)t;
	return result ? result : FwpmTransactionAbort0(engine);
}

static DWORD wait_filter(const struct transaction_test *t, HANDLE engine)
{
	UINT64 id;
	DWORD result = filter_try(engine, 9, NULL, &id);

	(void)t;
	return result ? result : FwpmFilterDeleteById0(engine, id);
}

static DWORD wait_context(const struct transaction_test *t, HANDLE engine)
{
	UINT64 id;
	DWORD result = context_try(t, engine, &id);

	return result ? result : IPsecSaContextDeleteById0(engine, id);
}

static int wait_and_go_on(struct child *self, void *arg)
{
	const struct waiter *w = arg;
	HANDLE engine = policy_open(0, WAIT_MS);

	child_hold(self); /* a session could not be opened beside a transaction */
	child_reach(self);
	require(!w->call(w->t, engine), "%s", saxdp_error());
	policy_close(engine);
	return 0;
}

static void calls_that_wait_go_on_when_the_transaction_ends(void **state)
{
	static DWORD (*const calls[])(const struct transaction_test *t, HANDLE engine) = {
		wait_begin,
		wait_read,
		wait_filter,
		wait_context,
	};
	struct transaction_test *t = *state;
	struct child c;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct waiter w = { .t = t, .call = calls[i] };

		child_start(&c, NULL, wait_and_go_on, &w);
		child_await(&c);
		begin(t->engine, 0);
		filter_add(t->engine, i);
		child_go(&c);
		child_await(&c);
		assert_true(wait_process_state(c.pid, "S", WAIT_MS));
		assert_false(wait_exit(c.pid, 0));
		if (i % 2)
			require(!FwpmTransactionCommit0(t->engine), "%s", saxdp_error());
		else
			require(!FwpmTransactionAbort0(t->engine), "%s", saxdp_error());
		child_finish(&c);
	}
	dump_require_sound(t->inst, "after those who waited");
}

static int begin_and_hold(struct child *self, void *arg)
{
	HANDLE engine = policy_open(0, 0);

	(void)arg;
	begin(engine, 0);
	filter_add(engine, 1);
	child_hold(self);
	return 0;
}

static void killed_holder_frees_the_engine_at_once(void **state)
{
	struct transaction_test *t = *state;
	UINT64 id;
	struct child c;

	remember(t);
	for (int i = 0; i < 3; i++) {
		child_start(&c, NULL, begin_and_hold, NULL);
		child_await(&c);
		assert_int_equal(FwpmTransactionBegin0(t->other, 0), FWP_E_TIMEOUT);
		child_kill(&c);
		switch (i) {
		case 0:
			begin(t->other, 0);
			assert_int_equal(FwpmTransactionAbort0(t->other), ERROR_SUCCESS);
			break;
		case 1:
			assert_int_equal(context_try(t, t->other, &id), ERROR_SUCCESS);
			assert_int_equal(IPsecSaContextDeleteById0(t->other, id), ERROR_SUCCESS);
			break;
		default:
			policy_delete(t->other, filter_add(t->other, 1));
		}
		dump_require_sound(t->inst, "after the holder was killed");
	}
}

static int begin_and_close(struct child *self, void *arg)
{
	HANDLE engine = policy_open(0, 0);
	const bool *closes = arg;

	begin(engine, 0);
	filter_add(engine, 1);
	if (*closes)
		policy_close(engine);
	child_hold(self);
	return 0;
}

static void closing_the_session_ends_its_transaction(void **state)
{
	struct transaction_test *t = *state;
	struct child c;
	bool closes = true;

	remember(t);
	child_start(&c, NULL, begin_and_close, &closes);
	child_await(&c);
	begin(t->other, 0); /* while the process lives on */
	assert_int_equal(FwpmTransactionAbort0(t->other), ERROR_SUCCESS);
	child_go(&c);
	child_finish(&c);
	require_unchanged(t, "after the session was closed");

	closes = false;
	child_start(&c, NULL, begin_and_close, &closes);
	child_await(&c);
	assert_int_equal(FwpmTransactionBegin0(t->other, 0), FWP_E_TIMEOUT);
	child_go(&c);
	child_finish(&c); /* it has ended without closing */
	begin(t->other, 0);
	assert_int_equal(FwpmTransactionAbort0(t->other), ERROR_SUCCESS);
	require_unchanged(t, "after the process has ended");
	dump_require_sound(t->inst, "after the process has ended");
}

/* --- whose turn it is -------------------------------------------------------------------------------------- */

struct turns {
	volatile uint32_t all, of[PROCESSES];
	volatile int holders, go;
	uint32_t next;
};

static int take_turns(struct child *self, void *arg)
{
	struct turns *turns = arg;
	uint32_t own = __sync_fetch_and_add(&turns->next, 1);
	HANDLE engine = policy_open(0, 0);

	child_hold(self);
	while (turns->all < TURNS) {
		begin(engine, 0);
		require(__sync_fetch_and_add(&turns->holders, 1) == 0, "two transactions at once");
		filter_add(engine, own);
		turns->of[own]++;
		turns->all++;
		__sync_fetch_and_sub(&turns->holders, 1);
		require(!FwpmTransactionAbort0(engine), "%s", saxdp_error());
	}
	policy_close(engine);
	return 0;
}

static void each_process_gets_its_share_of_transactions(void **state)
{
	struct transaction_test *t = *state;
	struct child c[PROCESSES];
	struct turns *turns;

	turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	require(turns != MAP_FAILED, "mmap: %m");
	for (int i = 0; i < PROCESSES; i++)
		child_start(&c[i], NULL, take_turns, turns);
	for (int i = 0; i < PROCESSES; i++)
		child_await(&c[i]);
	for (int i = 0; i < PROCESSES; i++)
		child_go(&c[i]);
	for (int i = 0; i < PROCESSES; i++)
		child_finish(&c[i]);
	printf("# %u turns:", turns->all);
	for (int i = 0; i < PROCESSES; i++)
		printf(" %u", turns->of[i]);
	printf("\n");
	for (int i = 0; i < PROCESSES; i++)
		assert_true(turns->of[i] >= SHARE);
	munmap(turns, sizeof(*turns));
	dump_require_sound(t->inst, "after all turns");
}

#define transaction_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		transaction_test(others_see_a_transaction_when_it_is_committed),
		transaction_test(aborted_transaction_leaves_nothing),
		transaction_test(failed_call_takes_back_only_what_it_did),
		transaction_test(filter_that_comes_and_goes_in_one_transaction_was_never_there),
		transaction_test(name_is_taken_again_and_again_in_one_transaction),
		transaction_test(all_filters_of_a_provider_context_go_in_one_transaction),
		transaction_test(transactions_are_not_nested_and_not_ended_twice),
		transaction_test(read_only_transaction_sees_one_state),
		transaction_test(read_only_transactions_share_and_exclude_writers),
		transaction_test(others_wait_for_a_transaction_as_long_as_they_said),
		transaction_test(sa_calls_are_refused_in_a_transaction),
		transaction_test(calls_that_wait_go_on_when_the_transaction_ends),
		transaction_test(killed_holder_frees_the_engine_at_once),
		transaction_test(closing_the_session_ends_its_transaction),
		transaction_test(each_process_gets_its_share_of_transactions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
