// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Handles and sessions: which are none, what ends with them, and what a fork and other threads do
 * to them.
 *
 * link: -Wl,--wrap=syscall
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "datapath.h"
#include "fill.h"
#include "pin.h"
#include "policy.h"
#include "scratch.h"
#include "testrun.h"
#include "wait.h"
#include "xdp_ingress.skel.h"

enum {
	CONTEXTS = 64,
	FILTERS = 64,
	REOPENED = 3 * SAXDP_SESSIONS,
	THREADS = 4,
	ROUNDS = 100, /* of closing under them */
	SHORT_MS = 50,
};

/* --- a process stopped before it takes a session away -------------------------------------------- */

static struct {
	struct child *self; /* NULL: nobody waits */
	const struct saxdp_op *staging;
} stop;

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static bool takes_a_session_away(const union bpf_attr *attr)
{
	const struct saxdp_commit *args = (const void *)(uintptr_t)attr->test.ctx_in;

	return attr->test.ctx_size_in == sizeof(*args) && args->count == 1 &&
	       stop.staging[args->first].code == SAXDP_OP_REMOVE;
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (stop.self && number == SYS_bpf && a == BPF_PROG_TEST_RUN &&
	    takes_a_session_away((const union bpf_attr *)b)) {
		struct child *self = stop.self;

		stop.self = NULL;
		child_hold(self);
	}
	return __real_syscall(number, a, b, c, d, e, f);
}

/* --- the instance ------------------------------------------------------------------------------------ */

struct session_test {
	const char *instance;
	HANDLE engine;
	struct instance *inst;
	struct xdp_ingress_bpf *ingress;
};

static int setup(void **state)
{
	static struct session_test t;

	t = (struct session_test){ .instance = policy_load("session", CONTEXTS, FILTERS) };
	t.engine = policy_open(0, 0);
	require(!instance_get(t.instance, INSTANCE_READ, &t.inst), "%s", saxdp_error());
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct session_test *t = *state;

	xdp_ingress_bpf__destroy(t->ingress);
	instance_put(t->inst);
	if (t->engine)
		FwpmEngineClose0(t->engine);
	saxdp_unload(t->instance, true);
	return scratch_teardown(state);
}

static DWORD open_with_key(const GUID *key, HANDLE *ret)
{
	const FWPM_SESSION0 session = { .sessionKey = *key };

	return FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, ret);
}

static DWORD open_any(HANDLE *ret)
{
	return FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, ret);
}

struct session_search {
	pid_t pid;
	struct saxdp_session found;
	unsigned int count;
};

static int session_compare(void *ctx, const void *key, const void *value)
{
	const struct saxdp_session *entry = value;
	struct session_search *s = ctx;

	(void)key;
	if (s->pid && entry->pid != (uint32_t)s->pid)
		return 0;
	s->found = *entry;
	s->count++;
	return 0;
}

/* How many sessions there are of a process (0: of all), and one of them. */
static unsigned int sessions(const struct session_test *t, pid_t pid, struct saxdp_session *ret)
{
	struct session_search s = { .pid = pid };

	require(!store_each(t->inst, SAXDP_KIND_SESSION, session_compare, &s), "%m");
	if (ret)
		*ret = s.found;
	return s.count;
}

static unsigned int filters(const struct session_test *t)
{
	struct dump *d = dump_take(t->inst);
	unsigned int count = dump_count(d, SAXDP_KIND_FILTER);

	dump_free(d);
	return count;
}

/* --- handles ------------------------------------------------------------------------------------------- */

static const FWPM_FILTER0 no_filter;
static const FWPM_PROVIDER_CONTEXT0 no_context;
static const IPSEC_TRAFFIC1 no_traffic;
static const IPSEC_GETSPI1 no_spi;
static const IPSEC_SA_BUNDLE0 no_bundle0;
static const IPSEC_SA_BUNDLE1 no_bundle1;

static DWORD call_close(HANDLE h)
{
	return FwpmEngineClose0(h);
}

static DWORD call_begin(HANDLE h)
{
	return FwpmTransactionBegin0(h, 0);
}

static DWORD call_commit(HANDLE h)
{
	return FwpmTransactionCommit0(h);
}

static DWORD call_abort(HANDLE h)
{
	return FwpmTransactionAbort0(h);
}

static DWORD call_filter_add(HANDLE h)
{
	return FwpmFilterAdd0(h, &no_filter, NULL, NULL);
}

static DWORD call_filter_get(HANDLE h)
{
	FWPM_FILTER0 *filter;

	return FwpmFilterGetById0(h, 1, &filter);
}

static DWORD call_filter_delete(HANDLE h)
{
	return FwpmFilterDeleteById0(h, 1);
}

static DWORD call_context_add(HANDLE h)
{
	return FwpmProviderContextAdd0(h, &no_context, NULL, NULL);
}

static DWORD call_context_delete(HANDLE h)
{
	return FwpmProviderContextDeleteById0(h, 1);
}

static DWORD call_create(HANDLE h)
{
	UINT64 id;

	return IPsecSaContextCreate1(h, &no_traffic, NULL, NULL, &id);
}

static DWORD call_get(HANDLE h)
{
	IPSEC_SA_CONTEXT1 *context;

	return IPsecSaContextGetById1(h, 1, &context);
}

static DWORD call_delete(HANDLE h)
{
	return IPsecSaContextDeleteById0(h, 1);
}

static DWORD call_get_spi(HANDLE h)
{
	IPSEC_SA_SPI spi;

	return IPsecSaContextGetSpi1(h, 1, &no_spi, &spi);
}

static DWORD call_set_spi(HANDLE h)
{
	return IPsecSaContextSetSpi0(h, 1, &no_spi, 256);
}

static DWORD call_add_inbound0(HANDLE h)
{
	return IPsecSaContextAddInbound0(h, 1, &no_bundle0);
}

static DWORD call_add_inbound1(HANDLE h)
{
	return IPsecSaContextAddInbound1(h, 1, &no_bundle1);
}

static DWORD call_add_outbound0(HANDLE h)
{
	return IPsecSaContextAddOutbound0(h, 1, &no_bundle0);
}

static DWORD call_add_outbound1(HANDLE h)
{
	return IPsecSaContextAddOutbound1(h, 1, &no_bundle1);
}

static const struct call {
	const char *name;
	DWORD (*call)(HANDLE h);
} calls[] = {
	{ "close", call_close },
	{ "begin", call_begin },
	{ "commit", call_commit },
	{ "abort", call_abort },
	{ "filter add", call_filter_add },
	{ "filter get", call_filter_get },
	{ "filter delete", call_filter_delete },
	{ "provider context add", call_context_add },
	{ "provider context delete", call_context_delete },
	{ "create", call_create },
	{ "get", call_get },
	{ "delete", call_delete },
	{ "get SPI", call_get_spi },
	{ "set SPI", call_set_spi },
	{ "add inbound 0", call_add_inbound0 },
	{ "add inbound 1", call_add_inbound1 },
	{ "add outbound 0", call_add_outbound0 },
	{ "add outbound 1", call_add_outbound1 },
};

static void require_no_handle(HANDLE h, const char *what)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		DWORD result = calls[i].call(h);

		require(result == ERROR_INVALID_HANDLE, "%s, %s: 0x%x", calls[i].name, what,
			result);
	}
	assert_int_equal(saxdp_session_quirks(h, 0), -EBADF);
}

static void numbers_that_are_no_handles_are_refused(void **state)
{
	static const struct {
		uintptr_t value;
		const char *name;
	} numbers[] = {
		{ 0, "NULL" },
		{ UINTPTR_MAX, "INVALID_HANDLE_VALUE" },
		{ 1, "one" },
		{ 0xfffff, "an index and no age" },
		{ (uintptr_t)1 << 20, "an age and no index" },
		{ 0xdeadbeefdeadbeef, "garbage" },
	};
	struct session_test *t = *state;
	int on_the_stack;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		require_no_handle((HANDLE)numbers[i].value, numbers[i].name);
	require_no_handle(&on_the_stack, "an address");
	require_no_handle((HANDLE)((uintptr_t)t->engine + 1), "the next index");
	require_no_handle((HANDLE)((uintptr_t)t->engine + (1 << 20)), "the next age");
	require_no_handle((HANDLE)((uintptr_t)t->engine - (1 << 20)), "the age before");
}

static void closed_handle_stays_closed(void **state)
{
	HANDLE closed = policy_open(0, 0), next;

	(void)state;
	policy_close(closed);
	require_no_handle(closed, "closed");
	/* The next one takes its place and is another. */
	next = policy_open(0, 0);
	assert_ptr_not_equal(next, closed);
	require_no_handle(closed, "closed, and its place taken");
	policy_close(next);
}

static int use_foreign(struct child *self, void *arg)
{
	(void)self;
	/* Here nobody ever opened one. */
	require_no_handle(arg, "of another process");
	return 0;
}

static int open_and_use(struct child *self, void *arg)
{
	HANDLE own = policy_open(0, 0);
	UINT64 id;

	require_no_handle(arg, "inherited");
	assert_ptr_not_equal(own, arg);
	id = fill_filter(&(struct fill){ .engine = own }, "own", true, "203.0.113.1");
	policy_delete(own, id);
	policy_close(own);
	require_no_handle(arg, "inherited, after closing one");
	child_hold(self);
	return 0;
}

static void inherited_handle_is_none_in_the_child_and_goes_on_in_the_parent(void **state)
{
	struct session_test *t = *state;
	HANDLE dynamic = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	struct fill f = { .engine = dynamic };
	UINT64 id = fill_filter(&f, "parent", true, "203.0.113.2");
	FWPM_FILTER0 *filter;
	struct child c;

	child_run(NULL, use_foreign, dynamic);
	child_start(&c, NULL, open_and_use, dynamic);
	child_await(&c);
	assert_int_equal(FwpmFilterGetById0(dynamic, id, &filter), ERROR_SUCCESS);
	FwpmFreeMemory0((void **)&filter);
	child_go(&c);
	child_finish(&c);
	/* The child's end, like that of any, is not the end of what the parent has. */
	policy_delete(t->engine, fill_filter(&(struct fill){ .engine = t->engine }, "other", true,
					     "203.0.113.3"));
	assert_int_equal(filters(t), 1);
	policy_delete(dynamic, id);
	policy_close(dynamic);
}

static int hold(struct child *self, void *arg)
{
	(void)arg;
	child_hold(self);
	return 0;
}

static int inherit_and_outlive(struct child *self, void *arg)
{
	HANDLE dynamic = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
	struct fill f = { .engine = dynamic };
	const UINT32 *flags = arg;
	pid_t pid;

	fill_filter(&f, "gone with its process", true, "203.0.113.4");
	require(!FwpmTransactionBegin0(policy_open(0, 0), *flags), "%s", saxdp_error());
	pid = fork();
	require(pid >= 0, "fork: %m");
	if (pid == 0) {
		child_hold(self); /* lives on when its parent is killed */
		_exit(0);
	}
	child_hold(self);
	return 0;
}

/* Neither the parent's sessions nor its locks live on in a child that outlives it. */
static void child_that_outlives_its_parent_keeps_nothing(void **state)
{
	struct session_test *t = *state;

	for (UINT32 flags = 0; flags <= FWPM_TXN_READ_ONLY; flags++) {
		struct child c;
		HANDLE other;

		child_start(&c, NULL, inherit_and_outlive, &flags);
		child_await(&c);
		child_await(&c);
		/* Not child_kill(): the pipe by which the grandchild is held stays open. */
		kill(c.pid, SIGKILL);
		assert_true(wait_exit(c.pid, WAIT_MS));
		other = policy_open(0, SHORT_MS);
		assert_int_equal(FwpmTransactionBegin0(other, 0), ERROR_SUCCESS);
		assert_int_equal(FwpmTransactionAbort0(other), ERROR_SUCCESS);
		policy_close(other);
		assert_int_equal(filters(t), 0);
		child_kill(&c); /* reaps, and ends the grandchild */
	}
}

/* What a thread of the parent held at the fork, it can give back while the child lives. */
static void lock_that_a_child_inherits_is_given_back(void **state)
{
	struct session_test *t = *state;
	HANDLE other = policy_open(0, SHORT_MS);

	for (UINT32 flags = 0; flags <= FWPM_TXN_READ_ONLY; flags++) {
		struct child c;

		require(!FwpmTransactionBegin0(t->engine, flags), "%s", saxdp_error());
		child_start(&c, NULL, hold, NULL);
		child_await(&c);
		require(!FwpmTransactionAbort0(t->engine), "%s", saxdp_error());
		assert_int_equal(FwpmTransactionBegin0(other, 0), ERROR_SUCCESS);
		assert_int_equal(FwpmTransactionAbort0(other), ERROR_SUCCESS);
		child_go(&c);
		child_finish(&c);
	}
	policy_close(other);
}

/* --- slots ------------------------------------------------------------------------------------------------ */

static void five_hundred_and_twelve_sessions_and_no_more(void **state)
{
	struct session_test *t = *state;
	const struct rlimit files = { 2048, 2048 };
	struct rlimit before;
	HANDLE open[SAXDP_SESSIONS], one_more = NULL;

	require(!getrlimit(RLIMIT_NOFILE, &before), "%m");
	if (before.rlim_cur < files.rlim_cur)
		require(!setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE: %m");
	for (int i = 0; i < SAXDP_SESSIONS - 1; i++)
		open[i] = policy_open(0, 0);
	assert_int_equal(open_any(&one_more), ERROR_NO_SYSTEM_RESOURCES);
	assert_null(one_more);
	assert_int_equal(sessions(t, 0, NULL), SAXDP_SESSIONS);
	policy_close(open[77]);
	open[77] = policy_open(0, 0);
	assert_int_equal(open_any(&one_more), ERROR_NO_SYSTEM_RESOURCES);
	for (int i = 0; i < SAXDP_SESSIONS - 1; i++)
		policy_close(open[i]);
	assert_int_equal(sessions(t, 0, NULL), 1);
	(void)setrlimit(RLIMIT_NOFILE, &before); /* what was allowed before */
}

static void slots_are_used_again(void **state)
{
	struct session_test *t = *state;
	struct saxdp_engine e;
	unsigned int open = 0;

	for (int i = 0; i < REOPENED; i++)
		policy_close(policy_open(i % 2 ? FWPM_SESSION_FLAG_DYNAMIC : 0, 0));
	assert_int_equal(sessions(t, 0, NULL), 1);
	require(!store_engine(t->inst, &e), "%m");
	for (int i = 0; i < SAXDP_SESSION_WORDS; i++) {
		open += __builtin_popcountll(e.open_session[i]);
		assert_int_equal(e.dead_session[i], 0);
	}
	assert_int_equal(open, 1);
}

static void session_key_is_of_one_open_session(void **state)
{
	static const GUID key = { .Data1 = 0x5a7d }, other = { .Data1 = 0x5a7e };
	struct session_test *t = *state;
	HANDLE first, second = NULL;

	assert_int_equal(open_with_key(&key, &first), ERROR_SUCCESS);
	assert_int_equal(open_with_key(&key, &second), FWP_E_ALREADY_EXISTS);
	assert_null(second);
	assert_int_equal(sessions(t, 0, NULL), 2);
	assert_int_equal(open_with_key(&other, &second), ERROR_SUCCESS);
	policy_close(first);
	assert_int_equal(open_with_key(&key, &first), ERROR_SUCCESS);
	policy_close(first);
	policy_close(second);
}

/* --- what ends with a session ---------------------------------------------------------------------------- */

enum ending { ENDS_CLOSED, ENDS_EXITED, ENDS_KILLED, ENDINGS };

static int add_dynamic(struct child *self, void *arg)
{
	const enum ending *ending = arg;
	struct fill f = { .engine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0) };

	fill_filter(&f, "dynamic", true, "198.51.100.7");
	fill_tunnel_policy(&f, "192.0.2.1", "192.0.2.2");
	child_hold(self);
	if (*ending == ENDS_CLOSED)
		policy_close(f.engine);
	return 0;
}

static void arrive(struct session_test *t)
{
	static const struct frame_spec spec = {
		.src = "198.51.100.7",
		.dst = "192.0.2.1",
		.proto = IPPROTO_UDP,
		.sport = 1000,
		.dport = 2000,
	};
	uint8_t bytes[FRAME_SPEC_MAX];
	struct frame frame = { bytes, frame_build(&spec, bytes) };

	(void)testrun_verdict(bpf_program__fd(t->ingress->progs.xdp_ingress), &frame);
}

static int filter_take(void *ctx, const void *key, const void *value)
{
	const struct saxdp_filter *f = value;

	(void)key;
	if (f->life.died == SAXDP_NEVER)
		*(struct saxdp_filter *)ctx = *f;
	return 0;
}

static uint64_t decided(const struct session_test *t)
{
	struct saxdp_filter f = {};

	require(!store_each(t->inst, SAXDP_KIND_FILTER, filter_take, &f), "%m");
	return f.packets;
}

static bool any_dead_marked(void *arg)
{
	const struct session_test *t = arg;
	struct saxdp_engine e;
	uint64_t any = 0;

	require(!store_engine(t->inst, &e), "%m");
	for (int i = 0; i < SAXDP_SESSION_WORDS; i++)
		any |= e.dead_session[i];
	return any;
}

static void dynamic_filter_ends_with_its_session(void **state)
{
	struct session_test *t = *state;

	t->ingress = xdp_ingress_bpf__open();
	require(t->ingress && !pin_reuse(t->instance, t->ingress->obj) &&
			!xdp_ingress_bpf__load(t->ingress),
		"xdp_ingress: %m");
	for (enum ending ending = 0; ending < ENDINGS; ending++) {
		struct fill f = { .engine = t->engine };
		struct saxdp_session entry;
		struct saxdp_engine e;
		struct child c;
		pid_t pid;

		child_start(&c, NULL, add_dynamic, &ending);
		child_await(&c);
		assert_int_equal(filters(t), 1);
		pid = c.pid;
		assert_int_equal(sessions(t, pid, &entry), 1);
		assert_int_equal(entry.flags, FWPM_SESSION_FLAG_DYNAMIC);
		assert_int_equal(decided(t), 0);
		arrive(t);
		assert_int_equal(decided(t), 1);
		require(!store_engine(t->inst, &e), "%m");
		if (ending == ENDS_KILLED) {
			child_kill(&c);
		} else {
			child_go(&c);
			child_finish(&c);
		}
		if (ending != ENDS_CLOSED) {
			uint64_t generation = e.epoch[SAXDP_EPOCH_POLICY].generation;

			/* No process acts: the tick sees it, and packets see the tick's mark. */
			assert_true(wait_until(any_dead_marked, t, WAIT_MS));
			arrive(t);
			assert_int_equal(decided(t), 1);
			assert_int_equal(filters(t), 1);
			require(!store_engine(t->inst, &e), "%m");
			assert_int_equal(e.epoch[SAXDP_EPOCH_POLICY].generation, generation);
			/* Whoever writes next takes it away. */
			policy_delete(t->engine, fill_filter(&f, "next", true, "203.0.113.5"));
		}
		assert_int_equal(filters(t), 0);
		assert_int_equal(sessions(t, pid, NULL), 0);
		assert_false(any_dead_marked(t));
		dump_require_sound(t->inst, "after the session has ended");
	}
}

static int sweep(struct child *self, void *arg)
{
	const struct session_test *t = arg;
	struct instance *inst;
	HANDLE engine;

	(void)t;
	/* Opening sweeps: it finds the dead session, and is held before it takes the entry away. */
	require(!instance_get(NULL, INSTANCE_READ, &inst), "%s", saxdp_error());
	stop.staging = inst->staging;
	stop.self = self;
	engine = policy_open(0, 0);
	policy_close(engine);
	instance_put(inst);
	return 0;
}

static int open_and_hold(struct child *self, void *arg)
{
	(void)arg;
	policy_open(0, 0);
	child_hold(self);
	return 0;
}

/* Another may have taken it away as well, and a third have opened in its place since. */
static void one_who_is_late_to_bury_leaves_the_next_session_alone(void **state)
{
	struct session_test *t = *state;
	const struct rlimit files = { 2048, 2048 };
	HANDLE open[SAXDP_SESSIONS];
	struct saxdp_session dead, next;
	struct rlimit before;
	struct child c, late;
	unsigned int count = 0;
	pid_t pid;

	require(!getrlimit(RLIMIT_NOFILE, &before), "%m");
	if (before.rlim_cur < files.rlim_cur)
		require(!setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE: %m");
	child_start(&c, NULL, open_and_hold, NULL);
	child_await(&c);
	pid = c.pid;
	assert_int_equal(sessions(t, pid, &dead), 1);
	child_kill(&c);
	child_start(&late, NULL, sweep, t);
	child_await(&late);
	/* All slots are taken now, that of the dead one too. */
	while (count < SAXDP_SESSIONS && !open_any(&open[count]))
		count++;
	assert_int_equal(sessions(t, pid, NULL), 0);
	require(!store_lookup(t->inst, SAXDP_KIND_SESSION, &dead.slot, &next), "slot %u: %m",
		dead.slot);
	assert_int_not_equal(next.id, dead.id);
	child_go(&late);
	child_finish(&late);
	require(!store_lookup(t->inst, SAXDP_KIND_SESSION, &dead.slot, &next),
		"the session in slot %u has lost its entry", dead.slot);
	while (count)
		policy_close(open[--count]);
	assert_int_equal(sessions(t, 0, NULL), 1);
	(void)setrlimit(RLIMIT_NOFILE, &before); /* what was allowed before */
}

/* --- threads --------------------------------------------------------------------------------------------- */

struct shared {
	_Atomic(HANDLE) engine;
	_Atomic bool stop;
	_Atomic unsigned long done, refused;
	unsigned long wanted;
};

static bool used_enough(void *arg)
{
	struct shared *s = arg;

	return s->done + s->refused >= s->wanted;
}

static void *use_handle(void *arg)
{
	struct shared *s = arg;
	FWPM_FILTER_CONDITION0 condition = {
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_UINT32, .uint32 = 0x0a000001 },
	};
	FWPM_FILTER0 filter = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &condition, 1);
	DWORD wrong = ERROR_SUCCESS;

	while (!s->stop && !wrong) {
		HANDLE engine = s->engine;
		FWPM_FILTER0 *found = NULL;
		UINT64 id;
		DWORD result = FwpmFilterAdd0(engine, &filter, NULL, &id);

		if (!result)
			result = FwpmFilterGetById0(engine, id, &found);
		FwpmFreeMemory0((void **)&found);
		if (!result)
			result = FwpmFilterDeleteById0(engine, id);
		if (!result)
			s->done++;
		else if (result == ERROR_INVALID_HANDLE || result == FWP_E_FILTER_NOT_FOUND)
			s->refused++; /* closed meanwhile; dynamic, so what it had is gone */
		else
			wrong = result;
	}
	return (void *)(uintptr_t)wrong;
}

static void handle_is_closed_by_one_thread_and_used_by_others(void **state)
{
	struct session_test *t = *state;
	struct shared s = { .engine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0) };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		require(!pthread_create(&threads[i], NULL, use_handle, &s), "pthread_create");
	for (int i = 0; i < ROUNDS; i++) {
		HANDLE closed = s.engine;

		s.wanted = s.done + s.refused + THREADS;
		require(wait_until(used_enough, &s, WAIT_MS), "the threads do not go on");
		s.engine = policy_open(FWPM_SESSION_FLAG_DYNAMIC, 0);
		policy_close(closed);
	}
	s.stop = true;
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		require(!pthread_join(threads[i], &wrong), "pthread_join");
		require(!wrong, "a thread got 0x%lx", (unsigned long)(uintptr_t)wrong);
	}
	policy_close(s.engine);
	printf("# %lu times done, %lu times the handle was closed\n", s.done, s.refused);
	assert_true(s.done > 0);
	assert_int_equal(filters(t), 0);
	assert_int_equal(sessions(t, 0, NULL), 1);
	dump_require_sound(t->inst, "after the threads");
}

#define session_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		session_test(numbers_that_are_no_handles_are_refused),
		session_test(closed_handle_stays_closed),
		session_test(inherited_handle_is_none_in_the_child_and_goes_on_in_the_parent),
		session_test(child_that_outlives_its_parent_keeps_nothing),
		session_test(lock_that_a_child_inherits_is_given_back),
		session_test(five_hundred_and_twelve_sessions_and_no_more),
		session_test(slots_are_used_again),
		session_test(session_key_is_of_one_open_session),
		session_test(dynamic_filter_ends_with_its_session),
		session_test(one_who_is_late_to_bury_leaves_the_next_session_alone),
		session_test(handle_is_closed_by_one_thread_and_used_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
