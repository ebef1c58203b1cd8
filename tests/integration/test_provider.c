// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The calls on providers on real maps: every code that their docstrings name, what other processes
 * see of their effect, references, lifetimes, and enumeration handles.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "internal.h"

#include "check.h"
#include "child.h"
#include "dump.h"
#include "policy.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXTS = 16, FILTERS = 16 };

static const GUID some_key = { .Data1 = 0x11111111 }, other_key = { .Data1 = 0x22222222 };
static const GUID null_key;
static wchar_t title[] = L"caf\u00e9", text[] = L"who it is", service[] = L"svc";
static const char *name;
static HANDLE engine;
static struct instance *inst;

static int setup(void **state)
{
	(void)state;
	name = policy_load("provider", CONTEXTS, FILTERS);
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

static FWPM_PROVIDER0 provider_of(const GUID *key)
{
	return (FWPM_PROVIDER0){ .providerKey = *key, .displayData.name = title };
}

static void add(HANDLE session, const GUID *key)
{
	FWPM_PROVIDER0 provider = provider_of(key);
	DWORD err = FwpmProviderAdd0(session, &provider, NULL);

	require(!err, "provider: 0x%x %s", err, saxdp_error());
}

static void delete (HANDLE session, const GUID *key)
{
	DWORD err = FwpmProviderDeleteByKey0(session, key);

	require(!err, "provider: 0x%x %s", err, saxdp_error());
}

static DWORD get(HANDLE session, const GUID *key)
{
	FWPM_PROVIDER0 *provider = NULL;
	DWORD err = FwpmProviderGetByKey0(session, key, &provider);

	assert_true(!err == (provider != NULL));
	if (!err)
		assert_memory_equal(&provider->providerKey, key, sizeof(*key));
	FwpmFreeMemory0((void **)&provider);
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

static void each_bad_provider_has_its_code(void **state)
{
	wchar_t surrogate[] = { 0xdfff, 0 };
	SECURITY_DESCRIPTOR sd = {};
	struct dump *before = dump_take(inst), *after;
	FWPM_PROVIDER0 p;

	(void)state;
	assert_int_equal(FwpmProviderAdd0(engine, NULL, NULL), FWP_E_NULL_POINTER);
#define REFUSE(wanted, ...)                                              \
	do {                                                             \
		p = provider_of(&some_key);                              \
		__VA_ARGS__;                                             \
		if (FwpmProviderAdd0(engine, &p, NULL) != (wanted))      \
			fail_msg("%s: %s", #__VA_ARGS__, saxdp_error()); \
	} while (0)
	REFUSE(FWP_E_NULL_POINTER, p.providerData.size = 1);
	REFUSE(FWP_E_NULL_DISPLAY_NAME, p.displayData.name = NULL);
	REFUSE(FWP_E_INVALID_PARAMETER, p.displayData.description = surrogate);
	REFUSE(FWP_E_INVALID_PARAMETER, p.serviceName = surrogate);
	REFUSE(FWP_E_INVALID_FLAGS, p.flags = 0x80);
	REFUSE(FWP_E_INVALID_FLAGS, p.flags = FWPM_PROVIDER_FLAG_DISABLED);
	REFUSE(FWP_E_ALREADY_EXISTS, p.providerKey = FWPM_PROVIDER_IKEEXT);
	REFUSE(ERROR_NOT_SUPPORTED, p.flags = FWPM_PROVIDER_FLAG_PERSISTENT);
	p = provider_of(&some_key);
	assert_int_equal(FwpmProviderAdd0(engine, &p, &sd), ERROR_NOT_SUPPORTED);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
}

static void what_is_not_there_is_not_found(void **state)
{
	FWPM_PROVIDER0 p = provider_of(&some_key), *got = NULL;
	HANDLE closed = policy_open(0, 0);

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_PROVIDER_NOT_FOUND);
	assert_int_equal(FwpmProviderGetByKey0(engine, &some_key, &got), FWP_E_PROVIDER_NOT_FOUND);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderGetByKey0(engine, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderGetByKey0(engine, &some_key, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderAdd0(closed, &p, NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderDeleteByKey0(closed, &some_key), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderGetByKey0(closed, &some_key, &got), ERROR_INVALID_HANDLE);
	assert_null(got);
}

static void what_is_built_in_stays(void **state)
{
	FWPM_PROVIDER0 *got;

	(void)state;
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &FWPM_PROVIDER_IKEEXT),
			 FWP_E_BUILTIN_OBJECT);
	assert_int_equal(FwpmProviderGetByKey0(engine, &FWPM_PROVIDER_IKEEXT, &got), 0);
	assert_memory_equal(&got->providerKey, &FWPM_PROVIDER_IKEEXT, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, L"FWPM_PROVIDER_IKEEXT"), 0);
	FwpmFreeMemory0((void **)&got);
}

/* --- what is kept --------------------------------------------------------------------------------- */

static int all_comes_back(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_PROVIDER0 *got;

	(void)self;
	(void)arg;
	assert_int_equal(FwpmProviderGetByKey0(session, &some_key, &got), 0);
	assert_memory_equal(&got->providerKey, &some_key, sizeof(GUID));
	assert_int_equal(wcscmp(got->displayData.name, title), 0);
	assert_int_equal(wcscmp(got->displayData.description, text), 0);
	assert_int_equal(wcscmp(got->serviceName, service), 0);
	assert_int_equal(got->providerData.size, 3);
	assert_memory_equal(got->providerData.data, "\1\0\2", 3);
	assert_int_equal(got->flags, 0);
	FwpmFreeMemory0((void **)&got);
	assert_null(got);
	policy_close(session);
	return 0;
}

static void another_process_finds_what_was_added(void **state)
{
	UINT8 data[] = { 1, 0, 2 };
	FWPM_PROVIDER0 p = provider_of(&some_key);

	(void)state;
	p.displayData.description = text;
	p.serviceName = service;
	p.providerData = (FWP_BYTE_BLOB){ sizeof(data), data };
	others_find(&some_key, FWP_E_PROVIDER_NOT_FOUND);
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), 0);
	memset(data, 0xee, sizeof(data));
	child_run(NULL, all_comes_back, NULL);
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), FWP_E_ALREADY_EXISTS);
	delete (engine, &some_key);
	others_find(&some_key, FWP_E_PROVIDER_NOT_FOUND);
	add(engine, &some_key);
	others_find(&some_key, 0);
}

static void a_full_map_is_refused(void **state)
{
	DWORD err = 0;

	(void)state;
	for (int i = 0; i < 100 * FILTERS && !err; i++) {
		FWPM_PROVIDER0 p = provider_of(&null_key);

		err = FwpmProviderAdd0(engine, &p, NULL);
	}
	assert_int_equal(err, ERROR_NO_SYSTEM_RESOURCES);
}

/* --- who names it --------------------------------------------------------------------------------- */

static FWPM_FILTER0 filter_of(const GUID *provider)
{
	FWPM_FILTER0 f = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4, NULL, 0);

	f.providerKey = (GUID *)provider;
	return f;
}

static DWORD context_add(HANDLE session, const GUID *provider, UINT64 *id)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 c = policy_tunnel(&policy);

	c.providerKey = (GUID *)provider;
	return FwpmProviderContextAdd0(session, &c, NULL, id);
}

static void one_that_is_named_stays(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key), *got;
	UINT64 filter, context;

	(void)state;
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_PROVIDER_NOT_FOUND);
	assert_int_equal(context_add(engine, &some_key, NULL), FWP_E_PROVIDER_NOT_FOUND);
	add(engine, &some_key);
	filter = policy_add(engine, &f);
	assert_int_equal(FwpmFilterGetById0(engine, filter, &got), 0);
	assert_memory_equal(got->providerKey, &some_key, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	assert_int_equal(context_add(engine, &some_key, &context), 0);
	policy_delete(engine, filter);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, context), 0);
	delete (engine, &some_key);
	others_find(&some_key, FWP_E_PROVIDER_NOT_FOUND);
}

static void a_built_in_one_can_be_named(void **state)
{
	FWPM_FILTER0 f = filter_of(&FWPM_PROVIDER_MPSSVC_WF), *got;
	UINT64 id = policy_add(engine, &f);

	(void)state;
	assert_int_equal(FwpmFilterGetById0(engine, id, &got), 0);
	assert_memory_equal(got->providerKey, &FWPM_PROVIDER_MPSSVC_WF, sizeof(GUID));
	FwpmFreeMemory0((void **)&got);
}

static void a_transaction_counts_its_own_users(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key);
	HANDLE other = policy_open(0, 0);
	UINT64 first, second, context;

	(void)state;
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	add(engine, &some_key);
	first = policy_add(engine, &f);
	assert_int_equal(context_add(engine, &some_key, &context), 0);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	second = policy_add(engine, &f);
	policy_delete(engine, second);
	assert_int_equal(FwpmProviderContextDeleteById0(engine, context), 0);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_IN_USE);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_IN_USE);

	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, first);
	delete (engine, &some_key);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_PROVIDER_NOT_FOUND);
	assert_int_equal(get(engine, &some_key), FWP_E_PROVIDER_NOT_FOUND);
	assert_int_equal(get(other, &some_key), 0);
	assert_int_equal(FwpmTransactionCommit0(engine), 0);
	others_find(&some_key, FWP_E_PROVIDER_NOT_FOUND);
	policy_close(other);
}

static void an_aborted_transaction_changes_nothing(void **state)
{
	FWPM_FILTER0 f = filter_of(&some_key);
	struct dump *before, *after;
	UINT64 id;

	(void)state;
	add(engine, &some_key);
	id = policy_add(engine, &f);
	before = dump_take(inst);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	policy_delete(engine, id);
	delete (engine, &some_key);
	add(engine, &some_key);
	add(engine, &other_key);
	assert_int_equal(get(engine, &other_key), 0);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	after = dump_take(inst);
	dump_require_same(before, after, __func__);
	dump_free(before);
	dump_free(after);
	others_find(&other_key, FWP_E_PROVIDER_NOT_FOUND);
}

/* --- transactions, sessions, rights ----------------------------------------------------------------- */

static void a_read_only_transaction_refuses_changes(void **state)
{
	FWPM_PROVIDER0 p = provider_of(&other_key);

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY), 0);
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_INCOMPATIBLE_TXN);
	assert_int_equal(get(engine, &some_key), 0);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
}

static void waiting_for_another_transaction_ends_in_time(void **state)
{
	HANDLE hasty = policy_open(0, 1);
	FWPM_PROVIDER0 p = provider_of(&other_key);

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	assert_int_equal(FwpmProviderAdd0(hasty, &p, NULL), FWP_E_TIMEOUT);
	assert_int_equal(FwpmProviderDeleteByKey0(hasty, &some_key), FWP_E_TIMEOUT);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	policy_close(hasty);
}

static void references_do_not_outlive_a_session(void **state)
{
	HANDLE mine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	HANDLE theirs = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_FILTER0 f = filter_of(&some_key);

	(void)state;
	add(theirs, &some_key);
	add(engine, &other_key);
	assert_int_equal(FwpmFilterAdd0(engine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(mine, &f, NULL, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(context_add(engine, &some_key, NULL), FWP_E_LIFETIME_MISMATCH);
	assert_int_equal(FwpmFilterAdd0(theirs, &f, NULL, NULL), 0);
	f = filter_of(&other_key);
	assert_int_equal(FwpmFilterAdd0(mine, &f, NULL, NULL), 0);
	assert_int_equal(FwpmProviderDeleteByKey0(mine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), FWP_E_WRONG_SESSION);
	assert_int_equal(FwpmProviderDeleteByKey0(mine, &other_key),
			 FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &other_key), FWP_E_IN_USE);
	policy_close(theirs);
	others_find(&some_key, FWP_E_PROVIDER_NOT_FOUND);
	policy_close(mine);
	delete (engine, &other_key);
}

static int add_and_wait(struct child *self, void *arg)
{
	HANDLE session = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	FWPM_FILTER0 f = filter_of(&some_key);

	(void)arg;
	add(session, &some_key);
	policy_add(session, &f);
	child_hold(self);
	return 0;
}

static void a_killed_process_leaves_none(void **state)
{
	struct child c;

	(void)state;
	child_start(&c, NULL, add_and_wait, NULL);
	child_await(&c);
	others_find(&some_key, 0);
	child_kill(&c);
	/* Opening a session removes what the dead left. */
	policy_close(policy_open(0, 0));
	assert_int_equal(get(engine, &some_key), FWP_E_PROVIDER_NOT_FOUND);
}

static int call_as_reader(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0), handle;
	FWPM_PROVIDER0 p = provider_of(&other_key);

	(void)self;
	(void)arg;
	assert_int_equal(FwpmProviderAdd0(session, &p, NULL), ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmProviderDeleteByKey0(session, &some_key), ERROR_ACCESS_DENIED);
	assert_int_equal(get(session, &some_key), 0);
	assert_int_equal(FwpmProviderCreateEnumHandle0(session, NULL, &handle), 0);
	assert_int_equal(FwpmProviderDestroyEnumHandle0(session, handle), 0);
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
	FWPM_PROVIDER0 p = provider_of(&some_key), *got = NULL;
	HANDLE handle = NULL;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmProviderAdd0(engine, &p, NULL), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderDeleteByKey0(engine, &some_key), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderGetByKey0(engine, &some_key, &got), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, &handle), RPC_E_DISCONNECTED);
	assert_null(got);
	assert_null(handle);
}

/* --- enumeration ---------------------------------------------------------------------------------- */

static HANDLE enumerate(HANDLE session)
{
	HANDLE handle;
	DWORD err = FwpmProviderCreateEnumHandle0(session, NULL, &handle);

	require(!err, "enumeration: 0x%x %s", err, saxdp_error());
	return handle;
}

/* How many there are, by so many a call, and whether this one is among them. */
static unsigned int count(HANDLE session, HANDLE handle, UINT32 step, const GUID *key, bool *ret)
{
	FWPM_PROVIDER0 **entries;
	unsigned int all = 0;
	UINT32 got;

	*ret = false;
	do {
		assert_int_equal(FwpmProviderEnum0(session, handle, step, &entries, &got), 0);
		assert_true(got <= step && !got == !entries);
		for (UINT32 i = 0; i < got; i++) {
			assert_non_null(entries[i]->displayData.name);
			*ret |= !memcmp(&entries[i]->providerKey, key, sizeof(*key));
		}
		all += got;
		FwpmFreeMemory0((void **)&entries);
	} while (got == step);
	return all;
}

static const GUID *const builtin[] = {
#define X(guid, ...) &(guid),
	FWP_GUID_LIST_PROVIDERS(X)
#undef X
};

static void all_are_enumerated(void **state)
{
	static const UINT32 steps[] = { 1, 2, 5, 1000, UINT32_MAX };
	const FWPM_PROVIDER_ENUM_TEMPLATE0 template = {};
	bool found;

	(void)state;
	add(engine, &some_key);
	add(engine, &null_key);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		HANDLE handle = enumerate(engine);

		assert_int_equal(count(engine, handle, steps[i], &some_key, &found),
				 ARRAY_SIZE(builtin) + 2);
		assert_true(found);
		/* The end is the end. */
		assert_int_equal(count(engine, handle, steps[i], &some_key, &found), 0);
		assert_int_equal(FwpmProviderDestroyEnumHandle0(engine, handle), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
		HANDLE handle;

		assert_int_equal(FwpmProviderCreateEnumHandle0(engine, &template, &handle), 0);
		count(engine, handle, 100, builtin[i], &found);
		assert_true(found);
	}
}

static int change_elsewhere(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)self;
	(void)arg;
	delete (session, &some_key);
	add(session, &other_key);
	policy_close(session);
	return 0;
}

static void an_enumeration_is_a_snapshot(void **state)
{
	HANDLE before, after;
	bool found;

	(void)state;
	add(engine, &some_key);
	before = enumerate(engine);
	child_run(NULL, change_elsewhere, NULL);
	after = enumerate(engine);
	assert_int_equal(count(engine, before, 3, &some_key, &found), ARRAY_SIZE(builtin) + 1);
	assert_true(found);
	assert_int_equal(count(engine, after, 3, &some_key, &found), ARRAY_SIZE(builtin) + 1);
	assert_false(found);
}

static void a_transaction_enumerates_its_own_view(void **state)
{
	HANDLE handle, other = policy_open(0, 0), theirs;
	bool found;

	(void)state;
	add(engine, &some_key);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), 0);
	delete (engine, &some_key);
	add(engine, &other_key);
	handle = enumerate(engine);
	theirs = enumerate(other);
	assert_int_equal(FwpmTransactionAbort0(engine), 0);
	count(engine, handle, 100, &other_key, &found);
	assert_true(found);
	count(other, theirs, 100, &other_key, &found);
	assert_false(found);
	policy_close(other);
}

static void only_its_own_session_knows_a_handle(void **state)
{
	HANDLE other = policy_open(0, 0), handle = enumerate(engine);
	HANDLE bad[] = { NULL, (HANDLE)-1, engine, (HANDLE)0x1234567, handle };
	FWPM_PROVIDER0 **entries = NULL;
	UINT32 got = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(FwpmProviderEnum0(other, bad[i], 1, &entries, &got),
				 ERROR_INVALID_HANDLE);
		assert_int_equal(FwpmProviderDestroyEnumHandle0(other, bad[i]),
				 ERROR_INVALID_HANDLE);
	}
	assert_int_equal(FwpmProviderEnum0(handle, handle, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderEnum0(engine, handle, 1, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderEnum0(engine, handle, 1, &entries, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderDestroyEnumHandle0(engine, handle), 0);
	assert_int_equal(FwpmProviderDestroyEnumHandle0(engine, handle), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderEnum0(engine, handle, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_null(entries);
	assert_int_equal(got, 77);
	policy_close(other);
}

static void an_enumeration_ends_with_its_session_and_process(void **state)
{
	HANDLE session = policy_open(0, 0), handle = enumerate(session);
	FWPM_PROVIDER0 **entries;
	UINT32 got;
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (!pid)
		_exit(FwpmProviderEnum0(session, handle, 1, &entries, &got) !=
		      ERROR_INVALID_HANDLE);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	policy_close(session);
	assert_int_equal(FwpmProviderEnum0(session, handle, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderDestroyEnumHandle0(session, handle), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmProviderCreateEnumHandle0(session, NULL, &handle),
			 ERROR_INVALID_HANDLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_bad_provider_has_its_code),
		TEST(what_is_not_there_is_not_found),
		TEST(what_is_built_in_stays),
		TEST(another_process_finds_what_was_added),
		TEST(a_full_map_is_refused),
		TEST(one_that_is_named_stays),
		TEST(a_built_in_one_can_be_named),
		TEST(a_transaction_counts_its_own_users),
		TEST(an_aborted_transaction_changes_nothing),
		TEST(a_read_only_transaction_refuses_changes),
		TEST(waiting_for_another_transaction_ends_in_time),
		TEST(references_do_not_outlive_a_session),
		TEST(a_killed_process_leaves_none),
		TEST(a_reader_may_look),
		TEST(all_are_enumerated),
		TEST(an_enumeration_is_a_snapshot),
		TEST(a_transaction_enumerates_its_own_view),
		TEST(only_its_own_session_knows_a_handle),
		TEST(an_enumeration_ends_with_its_session_and_process),
		cmocka_unit_test_setup_teardown(a_handle_outlives_its_engine_with_a_code, setup,
						teardown_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
