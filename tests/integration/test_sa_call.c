// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What all calls on the SA database have in common: the codes that do not depend on what the call
 * does, in the order in which they are checked, and that a refused call leaves maps and outputs
 * alone. Each row is shown to work before and after, so that nothing else can have refused it.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "child.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXTS = 64, SPI = 0x1000, UNTOUCHED = 0x5a5a5a5a };

/* A context in the state that a call wants, and what the call gets and returns. */
struct args {
	struct path *path;
	UINT64 id;
	UINT32 spi; /* that it has, where it has one */
	unsigned int null; /* this output or input, counted from 1, is NULL */
	bool bad_traffic;
	UINT64 ret_id, ret_filter;
	IPSEC_SA_SPI ret_spi;
	IPSEC_SA_CONTEXT1 *ret_copy;
};

static struct client client;
static struct path path;
static UINT32 next_spi = SPI;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-call", CONTEXTS);
	path_make(&client, PATH_TUNNEL, 1, &path);
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

/* --- the calls ------------------------------------------------------------------------------------ */

static DWORD call_create(HANDLE engine, struct args *a)
{
	IPSEC_TRAFFIC1 traffic = a->path->traffic;

	if (a->bad_traffic)
		traffic.ipVersion = FWP_IP_VERSION_NONE;
	return IPsecSaContextCreate1(engine, a->null == 1 ? NULL : &traffic, NULL, &a->ret_filter,
				     a->null == 2 ? NULL : &a->ret_id);
}

static DWORD call_delete(HANDLE engine, struct args *a)
{
	return IPsecSaContextDeleteById0(engine, a->id);
}

static DWORD call_get_by_id(HANDLE engine, struct args *a)
{
	return IPsecSaContextGetById1(engine, a->id, a->null == 1 ? NULL : &a->ret_copy);
}

static DWORD call_get_spi(HANDLE engine, struct args *a)
{
	IPSEC_GETSPI1 get = a->path->get;

	if (a->bad_traffic)
		get.inboundIpsecTraffic.ipVersion = FWP_IP_VERSION_NONE;
	return IPsecSaContextGetSpi1(engine, a->id, a->null == 1 ? NULL : &get,
				     a->null == 2 ? NULL : &a->ret_spi);
}

static DWORD call_set_spi(HANDLE engine, struct args *a)
{
	IPSEC_GETSPI1 get = a->path->get;

	if (a->bad_traffic)
		get.inboundIpsecTraffic.ipVersion = FWP_IP_VERSION_NONE;
	return IPsecSaContextSetSpi0(engine, a->id, a->null == 1 ? NULL : &get, next_spi++);
}

static void bundle_of(const struct args *a, struct made_bundle *ret)
{
	made_bundle(ret, FWP_IP_VERSION_V4, a->spi, 0);
	if (a->bad_traffic)
		ret->bundle.ipVersion = FWP_IP_VERSION_NONE;
}

static DWORD call_add_inbound0(HANDLE engine, struct args *a)
{
	struct made_bundle b;
	IPSEC_SA_BUNDLE0 older;

	bundle_of(a, &b);
	older = made_bundle_older(&b);
	return IPsecSaContextAddInbound0(engine, a->id, a->null == 1 ? NULL : &older);
}

static DWORD call_add_inbound1(HANDLE engine, struct args *a)
{
	struct made_bundle b;

	bundle_of(a, &b);
	return IPsecSaContextAddInbound1(engine, a->id, a->null == 1 ? NULL : &b.bundle);
}

static DWORD call_add_outbound0(HANDLE engine, struct args *a)
{
	struct made_bundle b;
	IPSEC_SA_BUNDLE0 older;

	bundle_of(a, &b);
	older = made_bundle_older(&b);
	return IPsecSaContextAddOutbound0(engine, a->id, a->null == 1 ? NULL : &older);
}

static DWORD call_add_outbound1(HANDLE engine, struct args *a)
{
	struct made_bundle b;

	bundle_of(a, &b);
	return IPsecSaContextAddOutbound1(engine, a->id, a->null == 1 ? NULL : &b.bundle);
}

enum needs { NEEDS_NOTHING, NEEDS_CONTEXT, NEEDS_SPI, NEEDS_INBOUND };

static const struct call {
	const char *name;
	DWORD (*fn)(HANDLE engine, struct args *a);
	enum needs needs;
	unsigned int pointers; /* that must not be NULL */
	bool reads; /* allowed in a transaction and to readers */
	bool static_only; /* refused in a dynamic session */
} calls[] = {
	{ "Create1", call_create, NEEDS_NOTHING, 2, false, true },
	{ "DeleteById0", call_delete, NEEDS_INBOUND, 0, false, true },
	{ "GetById1", call_get_by_id, NEEDS_INBOUND, 1, true, false },
	{ "GetSpi1", call_get_spi, NEEDS_CONTEXT, 2, false, false },
	{ "SetSpi0", call_set_spi, NEEDS_CONTEXT, 1, false, false },
	{ "AddInbound0", call_add_inbound0, NEEDS_SPI, 1, false, false },
	{ "AddInbound1", call_add_inbound1, NEEDS_SPI, 1, false, false },
	{ "AddOutbound0", call_add_outbound0, NEEDS_INBOUND, 1, false, false },
	{ "AddOutbound1", call_add_outbound1, NEEDS_INBOUND, 1, false, false },
};

static void prepare(const struct call *call, struct args *ret)
{
	*ret = (struct args){
		.path = &path,
		.spi = next_spi++,
		.ret_id = UNTOUCHED,
		.ret_filter = UNTOUCHED,
		.ret_spi = UNTOUCHED,
	};
	if (call->needs == NEEDS_CONTEXT)
		ret->id = path_create(&path);
	else if (call->needs != NEEDS_NOTHING)
		ret->id = path_larval(&path, ret->spi);
	if (call->needs == NEEDS_INBOUND)
		path_inbound(&path, ret->id, ret->spi);
}

static void finish(const struct args *a)
{
	void *copy = a->ret_copy;

	FwpmFreeMemory0(&copy);
	if (a->id)
		(void)IPsecSaContextDeleteById0(client.engine,
						a->id); /* it may have been the call */
	if (a->ret_id != UNTOUCHED)
		context_delete(client.engine, a->ret_id);
}

/* The call is refused with the code, and nothing has changed. */
static void refuse(const char *what, const struct call *call, HANDLE engine, struct args *a,
		   DWORD wanted)
{
	struct dump *before = client_dump(&client);
	DWORD result = call->fn(engine, a);

	if (result != wanted)
		fail_msg("%s %s: 0x%08x, not 0x%08x (%s)", call->name, what, result, wanted,
			 saxdp_error());
	if (a->ret_id != UNTOUCHED || a->ret_filter != UNTOUCHED || a->ret_spi != UNTOUCHED ||
	    a->ret_copy)
		fail_msg("%s %s: an output was touched", call->name, what);
	client_same(&client, before, call->name);
}

static void allow(const char *what, const struct call *call, HANDLE engine, struct args *a)
{
	DWORD result = call->fn(engine, a);

	if (result != ERROR_SUCCESS)
		fail_msg("%s %s: 0x%08x (%s)", call->name, what, result, saxdp_error());
}

/* --- handles ---------------------------------------------------------------------------------------- */

static void a_handle_that_is_none_is_refused(void **state)
{
	HANDLE closed = client_session(0, 0);
	const HANDLE handles[] = {
		NULL,
		closed,
		(HANDLE)-1,
		(HANDLE)1,
		(HANDLE)&client,
		(HANDLE)(uintptr_t)0xdeadbeef,
		(HANDLE)((uintptr_t)client.engine + 1),
		(HANDLE)((uintptr_t)client.engine ^ (uintptr_t)1 << 63),
	};
	struct args a;

	(void)state;
	client_session_end(closed);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		prepare(&calls[i], &a);
		for (size_t j = 0; j < ARRAY_SIZE(handles); j++) {
			refuse("with a bad handle", &calls[i], handles[j], &a,
			       ERROR_INVALID_HANDLE);
			a.null = 1;
			refuse("with a bad handle and NULL", &calls[i], handles[j], &a,
			       ERROR_INVALID_HANDLE);
			a.null = 0;
		}
		allow("with a good handle", &calls[i], client.engine, &a);
		finish(&a);
	}
}

static int use_inherited_handle(struct child *self, void *arg)
{
	struct args a = { .path = &path, .ret_id = UNTOUCHED };
	HANDLE own;

	(void)self;
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].fn(client.engine, &a) != ERROR_INVALID_HANDLE)
			fail_msg("%s works with an inherited handle", calls[i].name);
	assert_result(FwpmEngineClose0(client.engine), ERROR_INVALID_HANDLE);
	own = client_session(0, 0);
	a.ret_id = UNTOUCHED;
	assert_ok(call_create(own, &a));
	client_session_end(own);
	return 0;
}

static void an_inherited_handle_is_refused_and_the_parents_still_works(void **state)
{
	struct saxdp_engine e;

	(void)state;
	child_run(NULL, use_inherited_handle, NULL);
	maps_engine(client.instance, &e);
	assert_int_equal(e.contexts, 1); /* a context is not its session's */
	(void)path_create(&path);
}

/* --- arguments -------------------------------------------------------------------------------------- */

static void each_null_pointer_is_refused(void **state)
{
	struct args a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		prepare(&calls[i], &a);
		for (a.null = 1; a.null <= calls[i].pointers; a.null++)
			refuse("with NULL", &calls[i], client.engine, &a, FWP_E_NULL_POINTER);
		a.null = 0;
		allow("without NULL", &calls[i], client.engine, &a);
		finish(&a);
	}
}

static void an_unknown_id_is_refused(void **state)
{
	struct args a;
	UINT64 id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].needs == NEEDS_NOTHING)
			continue;
		prepare(&calls[i], &a);
		id = a.id;
		a.id = 0;
		refuse("of id 0", &calls[i], client.engine, &a, FWP_E_NOT_FOUND);
		a.id = id + (1ULL << 40);
		refuse("of an id that was never given", &calls[i], client.engine, &a,
		       FWP_E_NOT_FOUND);
		a.id = id;
		context_delete(client.engine, id);
		refuse("of a deleted context", &calls[i], client.engine, &a, FWP_E_NOT_FOUND);
	}
}

/* --- sessions ------------------------------------------------------------------------------------------ */

static void what_changes_is_refused_in_a_transaction(void **state)
{
	static const UINT32 flags[] = { 0, FWPM_TXN_READ_ONLY };
	HANDLE dynamic = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0);
	struct args a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls) * 2; i++) {
		const struct call *call = &calls[i / 2];

		prepare(call, &a);
		assert_ok(FwpmTransactionBegin0(client.engine, flags[i % 2]));
		if (call->reads) {
			allow("in a transaction", call, client.engine, &a);
		} else {
			refuse("in a transaction", call, client.engine, &a, FWP_E_TXN_IN_PROGRESS);
			a.bad_traffic = true;
			refuse("in a transaction, with bad arguments", call, client.engine, &a,
			       FWP_E_TXN_IN_PROGRESS);
			a.bad_traffic = false;
			/* A NULL pointer is told first. */
			for (a.null = 1; a.null <= call->pointers; a.null++)
				refuse("in a transaction, with NULL", call, client.engine, &a,
				       FWP_E_NULL_POINTER);
			a.null = 0;
		}
		assert_ok(FwpmTransactionAbort0(client.engine));
		if (!call->reads) {
			assert_ok(FwpmTransactionBegin0(dynamic, FWPM_TXN_READ_ONLY));
			refuse("in a dynamic session's transaction", call, dynamic, &a,
			       FWP_E_TXN_IN_PROGRESS);
			assert_ok(FwpmTransactionAbort0(dynamic));
			allow("after a transaction", call, client.engine, &a);
		}
		finish(&a);
	}
	client_session_end(dynamic);
}

static void contexts_are_not_made_or_deleted_in_a_dynamic_session(void **state)
{
	HANDLE dynamic = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0);
	struct args a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		prepare(&calls[i], &a);
		if (calls[i].static_only) {
			refuse("in a dynamic session", &calls[i], dynamic, &a,
			       FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
			a.bad_traffic = true;
			refuse("in a dynamic session, with bad arguments", &calls[i], dynamic, &a,
			       FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
			a.bad_traffic = false;
			for (a.null = 1; a.null <= calls[i].pointers; a.null++)
				refuse("in a dynamic session, with NULL", &calls[i], dynamic, &a,
				       FWP_E_NULL_POINTER);
			a.null = 0;
			allow("in another session", &calls[i], client.engine, &a);
		} else {
			allow("in a dynamic session", &calls[i], dynamic, &a);
		}
		finish(&a);
	}
	client_session_end(dynamic);
}

/* --- rights --------------------------------------------------------------------------------------------- */

/* By the parent's hand: a reader cannot prepare anything, nor read the writers' maps. */
struct reader_job {
	UINT64 id[ARRAY_SIZE(calls)];
};

static void reader_refused(const char *what, const struct call *call, HANDLE engine, UINT64 id,
			   unsigned int null, DWORD wanted)
{
	struct args a = { .path = &path, .id = id, .null = null, .ret_id = UNTOUCHED };
	DWORD result = call->fn(engine, &a);

	if (result != wanted)
		fail_msg("%s %s: 0x%08x, not 0x%08x (%s)", call->name, what, result, wanted,
			 saxdp_error());
}

static int read_only_calls(struct child *self, void *arg)
{
	const struct reader_job *job = arg;
	HANDLE engine = client_session(0, 0),
	       dynamic = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *call = &calls[i];

		reader_refused("by a reader", call, engine, job->id[i], 0,
			       call->reads ? ERROR_SUCCESS : ERROR_ACCESS_DENIED);
		if (call->pointers)
			reader_refused("by a reader, with NULL", call, engine, job->id[i], 1,
				       FWP_E_NULL_POINTER);
		if (call->static_only)
			reader_refused("by a reader, in a dynamic session", call, dynamic,
				       job->id[i], 0, FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
		if (!call->reads) {
			assert_ok(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY));
			reader_refused("by a reader, in a transaction", call, engine, job->id[i], 0,
				       FWP_E_TXN_IN_PROGRESS);
			assert_ok(FwpmTransactionAbort0(engine));
		}
	}
	child_hold(self);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		reader_refused("by a reader, after unload", &calls[i], engine, job->id[i], 0,
			       calls[i].reads ? RPC_E_DISCONNECTED : ERROR_ACCESS_DENIED);
	client_session_end(engine);
	client_session_end(dynamic);
	return 0;
}

static void what_changes_is_refused_to_a_reader(void **state)
{
	static const struct identity reader = { .uid = 61098, .gid = CLIENT_READERS };
	const struct child_opts as_reader = { .as = &reader };
	struct reader_job job = {};
	struct child child;
	struct args a;
	struct dump *before;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		prepare(&calls[i], &a);
		job.id[i] = a.id;
	}
	before = client_dump(&client);
	child_start(&child, &as_reader, read_only_calls, &job);
	child_await(&child);
	client_same(&client, before, "a reader's calls");
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	child_go(&child);
	child_finish(&child);
}

/* --- unload ------------------------------------------------------------------------------------------------ */

static void every_call_is_refused_once_the_engine_is_unloaded(void **state)
{
	struct args a[ARRAY_SIZE(calls)];
	DWORD result;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		prepare(&calls[i], &a[i]);
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (a[i].null = 0; a[i].null <= calls[i].pointers; a[i].null++) {
			for (int bad = 0; bad < 2; bad++) {
				a[i].bad_traffic = bad;
				result = calls[i].fn(client.engine, &a[i]);
				if (result != (a[i].null ? FWP_E_NULL_POINTER : RPC_E_DISCONNECTED))
					fail_msg("%s after unload: 0x%08x (%s)", calls[i].name,
						 result, saxdp_error());
			}
		}
		assert_int_equal(a[i].ret_id, UNTOUCHED);
		assert_int_equal(a[i].ret_filter, UNTOUCHED);
		assert_int_equal(a[i].ret_spi, UNTOUCHED);
		assert_null(a[i].ret_copy);
	}
}

/* Another instance of the same name is another engine. */
static void a_new_load_does_not_revive_an_old_handle(void **state)
{
	HANDLE old = client.engine;
	struct saxdp_load_opts opts = { .size = sizeof(opts),
					.instance = client.instance,
					.contexts = CONTEXTS,
					.filters = CLIENT_FILTERS };
	struct path new_path;

	(void)state;
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	assert_int_equal(saxdp_load(&opts, NULL), 0);
	client.engine = client_session(0, 0);
	path_make(&client, PATH_TUNNEL, 1, &new_path);
	(void)path_create(&new_path);
	assert_result(IPsecSaContextCreate1(old, &new_path.traffic, NULL, NULL, &(UINT64){ 0 }),
		      RPC_E_DISCONNECTED);
	assert_ok(FwpmEngineClose0(old));
	assert_int_equal(maps_count(client.instance, "context"), 1);
}

/* --- waiting ------------------------------------------------------------------------------------------------ */

static void what_changes_waits_for_a_transaction_and_no_longer_than_its_session(void **state)
{
	HANDLE impatient = client_session(0, 1), holder = client_session(0, 0);
	struct args a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		prepare(&calls[i], &a);
		assert_ok(FwpmTransactionBegin0(holder, 0));
		if (calls[i].reads)
			allow("beside a transaction", &calls[i], impatient, &a);
		else
			refuse("beside a transaction", &calls[i], impatient, &a, FWP_E_TIMEOUT);
		assert_ok(FwpmTransactionAbort0(holder));
		if (!calls[i].reads)
			allow("after it", &calls[i], impatient, &a);
		finish(&a);
	}
	client_session_end(impatient);
	client_session_end(holder);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(a_handle_that_is_none_is_refused),
		STORY(an_inherited_handle_is_refused_and_the_parents_still_works),
		STORY(each_null_pointer_is_refused),
		STORY(an_unknown_id_is_refused),
		STORY(what_changes_is_refused_in_a_transaction),
		STORY(contexts_are_not_made_or_deleted_in_a_dynamic_session),
		STORY(what_changes_is_refused_to_a_reader),
		STORY(every_call_is_refused_once_the_engine_is_unloaded),
		STORY(a_new_load_does_not_revive_an_old_handle),
		STORY(what_changes_waits_for_a_transaction_and_no_longer_than_its_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
