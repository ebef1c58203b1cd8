// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The enumeration of sessions: what each process sees of the others', whatever it may do and however
 * they end.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "fwpmu.h"
#include "saxdp.h"

#include "check.h"
#include "child.h"
#include "client.h"
#include "policy.h"
#include "scratch.h"
#include "wait.h"

enum {
	CONTEXTS = 16,
	FILTERS = 16,
	NOBODY = 61234, /* a user that no system has */
	WAIT_TXN_MS = 4321,
	MANY = 7,
};

static const char *name;
static HANDLE engine;

static int setup(void **state)
{
	(void)state;
	name = policy_load("session-enum", CONTEXTS, FILTERS);
	engine = policy_open(0, 0);
	return 0;
}

static int teardown(void **state)
{
	FwpmEngineClose0(engine);
	saxdp_unload(name, true);
	return scratch_teardown(state);
}

static HANDLE enumerate(HANDLE session)
{
	HANDLE handle;

	assert_ok(FwpmSessionCreateEnumHandle0(session, NULL, &handle));
	return handle;
}

/* All sessions of a snapshot; the caller frees the array. */
static FWPM_SESSION0 **all(HANDLE session, UINT32 *ret_count)
{
	HANDLE handle = enumerate(session);
	FWPM_SESSION0 **entries;

	assert_ok(FwpmSessionEnum0(session, handle, 1000, &entries, ret_count));
	assert_ok(FwpmSessionDestroyEnumHandle0(session, handle));
	return entries;
}

static const FWPM_SESSION0 *find(FWPM_SESSION0 **entries, UINT32 count, const GUID *key)
{
	for (UINT32 i = 0; i < count; i++)
		if (!memcmp(&entries[i]->sessionKey, key, sizeof(*key)))
			return entries[i];
	return NULL;
}

static bool seen(HANDLE session, const GUID *key)
{
	UINT32 count;
	FWPM_SESSION0 **entries = all(session, &count);
	bool found = find(entries, count, key);

	FwpmFreeMemory0((void **)&entries);
	return found;
}

static UINT32 number(HANDLE session)
{
	UINT32 count;
	FWPM_SESSION0 **entries = all(session, &count);

	FwpmFreeMemory0((void **)&entries);
	return count;
}

/* --- what is shown ------------------------------------------------------------------------------- */

static const GUID keys[] = { { .Data1 = 0x5e551011 }, { .Data1 = 0x5e551012 } };

static HANDLE open_keyed(const GUID *key, UINT32 flags, UINT32 wait_ms)
{
	const FWPM_SESSION0 wanted = {
		.sessionKey = *key,
		.flags = flags,
		.txnWaitTimeoutInMSec = wait_ms,
	};
	HANDLE session;

	assert_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &wanted, &session));
	return session;
}

static int hold_open(struct child *self, void *arg)
{
	const GUID *key = arg;
	HANDLE session = open_keyed(key, FWPM_SESSION_FLAG_DYNAMIC, WAIT_TXN_MS);

	child_hold(self);
	policy_close(session);
	child_hold(self);
	return 0;
}

static int hold_plain(struct child *self, void *arg)
{
	open_keyed(arg, 0, 0);
	child_hold(self);
	return 0;
}

static void sessions_of_other_processes_are_shown(void **state)
{
	const gid_t groups[] = { POLICY_READERS, POLICY_WRITERS };
	const struct identity writer = { NOBODY, NOBODY, groups, 2 };
	const struct child_opts opts = { .as = &writer };
	const FWPM_SESSION0 *first, *second;
	FWPM_SESSION0 **entries;
	struct child root, other;
	UINT32 count;

	(void)state;
	child_start(&root, NULL, hold_open, (void *)&keys[0]);
	child_await(&root);
	child_start(&other, &opts, hold_plain, (void *)&keys[1]);
	child_await(&other);
	entries = all(engine, &count);
	assert_int_equal(count, 3);
	first = find(entries, count, &keys[0]);
	second = find(entries, count, &keys[1]);
	assert_ptr_equal(entries[1], first);
	assert_ptr_equal(entries[2], second);

	assert_int_equal(entries[0]->processId, getpid());
	assert_int_equal(first->processId, root.pid);
	assert_int_equal(first->flags, FWPM_SESSION_FLAG_DYNAMIC);
	assert_int_equal(first->txnWaitTimeoutInMSec, WAIT_TXN_MS);
	assert_true(!wcscmp(first->username, L"root"));
	assert_null(first->displayData.name);
	assert_null(first->displayData.description);
	assert_false(first->kernelMode);

	assert_int_equal(second->processId, other.pid);
	assert_int_equal(second->flags, 0);
	assert_int_equal(second->txnWaitTimeoutInMSec, 15000);
	assert_true(!wcscmp(second->username, L"61234"));
	assert_int_equal(second->sid->Revision, 1);
	assert_int_equal(second->sid->SubAuthorityCount, 2);
	assert_memory_equal(second->sid->IdentifierAuthority.Value, "\0\0\0\0\0\x16", 6);
	assert_int_equal(second->sid->SubAuthority[0], 1);
	assert_int_equal((&second->sid->SubAuthority[0])[1], NOBODY);
	FwpmFreeMemory0((void **)&entries);
	assert_null(entries);

	child_kill(&other);
	assert_false(seen(engine, &keys[1]));
	child_go(&root);
	child_await(&root);
	assert_false(seen(engine, &keys[0]));
	child_kill(&root);
	assert_int_equal(number(engine), 1);
}

static bool reader_misses_the_dead(void *arg)
{
	return !seen(*(HANDLE *)arg, &keys[0]);
}

static int read_sessions(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);

	(void)arg;
	assert_int_equal(number(session), 2); /* not this one */
	assert_true(seen(session, &keys[0]));
	child_hold(self); /* its process is killed */
	assert_true(wait_until(reader_misses_the_dead, &session, WAIT_MS));
	policy_close(session);
	return 0;
}

static void reader_sees_writers_and_no_reader(void **state)
{
	const gid_t groups[] = { POLICY_READERS };
	const struct identity who = { POLICY_STRANGER, POLICY_STRANGER, groups, 1 };
	const struct child_opts opts = { .as = &who };
	struct child writer, reader;

	(void)state;
	child_start(&writer, NULL, hold_plain, (void *)&keys[0]);
	child_await(&writer);
	child_start(&reader, &opts, read_sessions, NULL);
	child_await(&reader);
	assert_int_equal(number(engine), 2);
	child_kill(&writer);
	child_go(&reader);
	child_finish(&reader);
}

/* --- the snapshot -------------------------------------------------------------------------------- */

static void enumeration_is_a_snapshot_in_pages(void **state)
{
	FWPM_SESSION_ENUM_TEMPLATE0 template = { .reserved = 1 };
	HANDLE sessions[MANY], handle;
	FWPM_SESSION0 **entries;
	GUID last = {};
	UINT32 count, total = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		sessions[i] = policy_open(0, 0);
	assert_ok(FwpmSessionCreateEnumHandle0(engine, &template, &handle));
	for (int i = 0; i < MANY; i++)
		policy_close(sessions[i]);
	assert_int_equal(number(engine), 1);
	do {
		assert_ok(FwpmSessionEnum0(engine, handle, 3, &entries, &count));
		total += count;
		for (UINT32 i = 0; i < count; i++) {
			assert_memory_not_equal(&entries[i]->sessionKey, &last, sizeof(last));
			last = entries[i]->sessionKey;
		}
		FwpmFreeMemory0((void **)&entries);
	} while (count == 3);
	assert_int_equal(total, MANY + 1);
	assert_ok(FwpmSessionEnum0(engine, handle, 3, &entries, &count));
	assert_int_equal(count, 0);
	assert_null(entries);
	assert_ok(FwpmSessionDestroyEnumHandle0(engine, handle));
}

/* --- refusals -------------------------------------------------------------------------------------- */

static void each_refusal_has_its_code(void **state)
{
	HANDLE other = policy_open(0, 0), handle = NULL, providers, mine;
	FWPM_SESSION0 **entries = NULL;
	UINT32 count = 4711;

	(void)state;
	assert_result(FwpmSessionCreateEnumHandle0(NULL, NULL, &handle), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
	for (UINT32 flags = 0; flags <= FWPM_TXN_READ_ONLY; flags++) {
		assert_ok(FwpmTransactionBegin0(engine, flags));
		assert_result(FwpmSessionCreateEnumHandle0(engine, NULL, &handle),
			      FWP_E_TXN_IN_PROGRESS);
		assert_ok(FwpmTransactionAbort0(engine));
	}
	assert_null(handle);

	mine = enumerate(engine);
	assert_ok(FwpmProviderCreateEnumHandle0(engine, NULL, &providers));
	assert_result(FwpmSessionEnum0(NULL, mine, 1, &entries, &count), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionEnum0(engine, NULL, 1, &entries, &count), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionEnum0(other, mine, 1, &entries, &count), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionEnum0(engine, providers, 1, &entries, &count),
		      ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionEnum0(engine, mine, 1, NULL, &count), FWP_E_NULL_POINTER);
	assert_result(FwpmSessionEnum0(engine, mine, 1, &entries, NULL), FWP_E_NULL_POINTER);
	assert_result(FwpmSessionDestroyEnumHandle0(NULL, mine), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionDestroyEnumHandle0(other, mine), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionDestroyEnumHandle0(engine, providers), ERROR_INVALID_HANDLE);
	assert_null(entries);
	assert_int_equal(count, 4711);
	assert_ok(FwpmSessionDestroyEnumHandle0(engine, mine));
	assert_result(FwpmSessionDestroyEnumHandle0(engine, mine), ERROR_INVALID_HANDLE);
	assert_result(FwpmSessionEnum0(engine, mine, 1, &entries, &count), ERROR_INVALID_HANDLE);
	policy_close(other);
}

static void unloaded_engine_has_no_sessions(void **state)
{
	HANDLE handle = enumerate(engine), none = NULL;
	FWPM_SESSION0 **entries = NULL;
	UINT32 count;

	(void)state;
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_result(FwpmSessionCreateEnumHandle0(engine, NULL, &none), RPC_E_DISCONNECTED);
	assert_result(FwpmSessionEnum0(engine, handle, 1, &entries, &count), RPC_E_DISCONNECTED);
	assert_null(none);
	assert_null(entries);
	assert_ok(FwpmSessionDestroyEnumHandle0(engine, handle));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sessions_of_other_processes_are_shown),
		TEST(reader_sees_writers_and_no_reader),
		TEST(enumeration_is_a_snapshot_in_pages),
		TEST(each_refusal_has_its_code),
		TEST(unloaded_engine_has_no_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
