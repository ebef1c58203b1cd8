// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The options of the engine: what every process is told, and who may set them to what. */
#include <unistd.h>

#include "fwpmu.h"
#include "saxdp.h"

#include "check.h"
#include "child.h"
#include "client.h"
#include "policy.h"
#include "scratch.h"

enum { CONTEXTS = 16, FILTERS = 16 };

static const char *name;
static HANDLE engine;

static int setup(void **state)
{
	(void)state;
	name = policy_load("engine-option", CONTEXTS, FILTERS);
	engine = policy_open(0, 0);
	return 0;
}

static int teardown(void **state)
{
	FwpmEngineClose0(engine);
	saxdp_unload(name, true);
	return scratch_teardown(state);
}

static const FWP_VALUE0 off = { .type = FWP_UINT32, .uint32 = 0 };
static const FWP_VALUE0 on = { .type = FWP_UINT32, .uint32 = 1 };

static void require_off(HANDLE session)
{
	for (int option = 0; option < FWPM_ENGINE_OPTION_MAX; option++) {
		FWP_VALUE0 *value = NULL;

		assert_ok(FwpmEngineGetOption0(session, option, &value));
		assert_int_equal(value->type, FWP_UINT32);
		assert_int_equal(value->uint32, 0);
		FwpmFreeMemory0((void **)&value);
		assert_null(value);
	}
}

static int read_options(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)self;
	(void)arg;
	require_off(session);
	if (getuid())
		assert_result(FwpmEngineSetOption0(session, 0, &off), ERROR_ACCESS_DENIED);
	policy_close(session);
	return 0;
}

static void every_process_reads_that_nothing_is_on(void **state)
{
	const gid_t groups[] = { POLICY_READERS };
	const struct identity reader = { POLICY_STRANGER, POLICY_STRANGER, groups, 1 };
	const struct child_opts opts = { .as = &reader };

	(void)state;
	for (int option = 0; option < FWPM_ENGINE_OPTION_MAX; option++) {
		assert_ok(FwpmEngineSetOption0(engine, option, &off));
		assert_result(FwpmEngineSetOption0(engine, option, &on), ERROR_NOT_SUPPORTED);
	}
	require_off(engine);
	child_run(NULL, read_options, NULL);
	child_run(&opts, read_options, NULL);
}

static void each_refusal_has_its_code(void **state)
{
	const FWP_VALUE0 byte = { .type = FWP_UINT8, .uint8 = 0 };
	HANDLE dynamic = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWP_VALUE0 *value = NULL;

	(void)state;
	assert_result(FwpmEngineGetOption0(NULL, 0, &value), ERROR_INVALID_HANDLE);
	assert_result(FwpmEngineGetOption0(engine, 0, NULL), FWP_E_NULL_POINTER);
	assert_result(FwpmEngineGetOption0(engine, FWPM_ENGINE_OPTION_MAX, &value),
		      FWP_E_INVALID_ENUMERATOR);
	assert_result(FwpmEngineGetOption0(engine, (FWPM_ENGINE_OPTION)-1, &value),
		      FWP_E_INVALID_ENUMERATOR);
	assert_null(value);

	assert_result(FwpmEngineSetOption0(NULL, 0, &off), ERROR_INVALID_HANDLE);
	assert_result(FwpmEngineSetOption0(engine, 0, NULL), FWP_E_NULL_POINTER);
	assert_result(FwpmEngineSetOption0(engine, 0, &byte), FWP_E_TYPE_MISMATCH);
	assert_result(FwpmEngineSetOption0(engine, FWPM_ENGINE_OPTION_MAX, &off),
		      FWP_E_INVALID_ENUMERATOR);
	assert_result(FwpmEngineSetOption0(dynamic, 0, &off), FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	for (UINT32 flags = 0; flags <= FWPM_TXN_READ_ONLY; flags++) {
		assert_ok(FwpmTransactionBegin0(engine, flags));
		assert_result(FwpmEngineSetOption0(engine, 0, &off), FWP_E_TXN_IN_PROGRESS);
		require_off(engine);
		assert_ok(FwpmTransactionAbort0(engine));
	}
	policy_close(dynamic);
}

static void unloaded_engine_has_no_options(void **state)
{
	FWP_VALUE0 *value = NULL;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_result(FwpmEngineGetOption0(engine, 0, &value), RPC_E_DISCONNECTED);
	assert_result(FwpmEngineSetOption0(engine, 0, &off), RPC_E_DISCONNECTED);
	assert_null(value);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_process_reads_that_nothing_is_on),
		TEST(each_refusal_has_its_code),
		TEST(unloaded_engine_has_no_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
