// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Sessions: FwpmEngineOpen0 with each of its codes, FwpmEngineClose0, FwpmFreeMemory0; what a handle
 * is worth to other processes and after its own is gone; and many threads on one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "bpffs.h"
#include "check.h"
#include "child.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"
#include "wait.h"

enum { CONTEXTS = 64, SPI = 0x1000 };

static struct client client;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "engine", CONTEXTS);
	return 0;
}

static int teardown(void **state)
{
	setenv("SAXDP_INSTANCE", client.instance, 1);
	client_close(&client);
	return scratch_teardown(state);
}

static DWORD open_with(const FWPM_SESSION0 *session, HANDLE *ret)
{
	return FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, session, ret);
}

/* --- open ---------------------------------------------------------------------------------------------- */

static unsigned int sessions(void)
{
	return maps_count(client.instance, "session");
}

static void arguments_that_cannot_be_are_refused(void **state)
{
	const wchar_t server[] = L"server";
	SEC_WINNT_AUTH_IDENTITY_W identity = {};
	HANDLE untouched = (HANDLE)&client, engine = untouched;
	const UINT32 services[] = { 0, 1, 9, 16, 0xfffffffe };
	const unsigned int before = sessions();

	(void)state;
	assert_result(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, NULL),
		      FWP_E_NULL_POINTER);
	assert_result(FwpmEngineOpen0(server, 0, &identity, NULL, NULL), FWP_E_NULL_POINTER);
	assert_result(FwpmEngineOpen0(server, RPC_C_AUTHN_WINNT, NULL, NULL, &engine),
		      ERROR_INVALID_PARAMETER);
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
		assert_result(FwpmEngineOpen0(NULL, services[i], NULL, NULL, &engine),
			      RPC_S_UNKNOWN_AUTHN_SERVICE);
	assert_result(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, &identity, NULL, &engine),
		      ERROR_NOT_SUPPORTED);
	for (int bit = 0; bit < 32; bit++) {
		const FWPM_SESSION0 session = { .flags = 1U << bit };

		if (session.flags != FWPM_SESSION_FLAG_DYNAMIC)
			assert_result(open_with(&session, &engine), FWP_E_INVALID_FLAGS);
	}
	assert_ptr_equal(engine, untouched);
	assert_int_equal(sessions(), before);
}

static void a_session_is_registered_while_it_is_open(void **state)
{
	static wchar_t name[] = L"name";
	const FWPM_SESSION0 wanted = {
		.sessionKey = { 0x12345678, 1, 2, { 3 } },
		.displayData.name = name,
		.flags = FWPM_SESSION_FLAG_DYNAMIC,
		.txnWaitTimeoutInMSec = 1234,
		/* Ignored, as they are outputs of other calls. */
		.processId = 1,
		.kernelMode = TRUE,
	};
	const unsigned int before = sessions();
	struct saxdp_session entry;
	unsigned int found = 0;
	HANDLE engine;

	(void)state;
	assert_ok(open_with(&wanted, &engine));
	assert_int_equal(sessions(), before + 1);
	for (uint32_t slot = 0; slot < SAXDP_SESSIONS; slot++) {
		if (!maps_get(client.instance, "session", &slot, &entry) ||
		    memcmp(entry.key, &wanted.sessionKey, sizeof(GUID)))
			continue;
		found++;
		assert_int_equal(entry.slot, slot);
		assert_int_equal(entry.pid, getpid());
		assert_int_equal(entry.uid, getuid());
		assert_int_equal(entry.flags, FWPM_SESSION_FLAG_DYNAMIC);
		assert_int_equal(entry.txn_wait_ms, 1234);
		assert_int_not_equal(entry.opened_ns, 0);
	}
	assert_int_equal(found, 1);
	client_session_end(engine);
	assert_int_equal(sessions(), before);
}

static void both_ways_of_authentication_open(void **state)
{
	HANDLE engine;

	(void)state;
	assert_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine));
	client_session_end(engine);
	assert_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine));
	client_session_end(engine);
}

static void a_session_key_is_that_of_one_open_session(void **state)
{
	const FWPM_SESSION0 keyed = { .sessionKey = { 0xabcdef01, 2, 3, { 4 } } }, none = {};
	unsigned int before = sessions();
	HANDLE first, second = NULL;

	(void)state;
	assert_ok(open_with(&keyed, &first));
	assert_result(open_with(&keyed, &second), FWP_E_ALREADY_EXISTS);
	assert_null(second);
	assert_int_equal(sessions(), before + 1);
	client_session_end(first);
	assert_ok(open_with(&keyed, &first));
	client_session_end(first);
	/* Without a key each gets one. */
	assert_ok(open_with(&none, &first));
	assert_ok(open_with(&none, &second));
	client_session_end(first);
	client_session_end(second);
}

static void an_instance_that_is_not_loaded_is_no_server(void **state)
{
	HANDLE engine = NULL;

	(void)state;
	setenv("SAXDP_INSTANCE", "there-is-no-such-instance", 1);
	assert_result(open_with(NULL, &engine), RPC_S_SERVER_UNAVAILABLE);
	setenv("SAXDP_INSTANCE", client.instance, 1);
	client_session_end(client.engine);
	client.engine = NULL;
	assert_int_equal(saxdp_unload(client.instance, false), 0);
	assert_result(open_with(NULL, &engine), RPC_S_SERVER_UNAVAILABLE);
	assert_null(engine);
}

/* A directory as another version would have it: only the engine's first words mean the same. */
static void pin_engine(const char *instance, uint32_t version, uint32_t value_size)
{
	char path[256];
	uint32_t zero = 0;
	char *value = calloc(1, value_size);
	int fd;

	require(value, "out of memory");
	memcpy(value, &version, sizeof(version));
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "engine", sizeof(zero), value_size, 1, NULL);
	require(fd >= 0, "map: %m");
	require(!bpf_map_update_elem(fd, &zero, value, BPF_ANY), "map: %m");
	bpffs_instance_path(instance, path, sizeof(path));
	require(!mkdir(path, 0755), "%s: %m", path);
	strcat(path, "/engine");
	require(!bpf_obj_pin(fd, path), "%s: %m", path);
	close(fd);
	free(value);
}

static void an_instance_of_another_version_has_another_interface(void **state)
{
	const struct {
		uint32_t version, size;
	} others[] = {
		{ SAXDP_ABI_VERSION + 1, sizeof(struct saxdp_engine) },
		{ SAXDP_ABI_VERSION, sizeof(struct saxdp_engine) + 8 },
		{ SAXDP_ABI_VERSION + 1, 64 },
		{ 0, sizeof(struct saxdp_engine) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		const char *name = bpffs_instance("other-abi");
		struct saxdp_load_opts opts = { .size = sizeof(opts), .instance = name };
		HANDLE engine = NULL;
		struct saxdp *s;

		pin_engine(name, others[i].version, others[i].size);
		setenv("SAXDP_INSTANCE", name, 1);
		assert_result(open_with(NULL, &engine), RPC_S_UNKNOWN_IF);
		assert_null(engine);
		assert_int_equal(saxdp_open(name, &s), -EPROTO);
		assert_int_equal(saxdp_load(&opts, NULL), -EPROTO);
		assert_int_equal(saxdp_unload(name, true), -EPROTO);
	}
}

static void an_instance_has_so_many_sessions_and_no_more(void **state)
{
	HANDLE *engines = calloc(SAXDP_SESSIONS, sizeof(*engines)), one_more = NULL;
	unsigned int open = sessions();

	(void)state;
	require(engines, "out of memory");
	for (unsigned int i = open; i < SAXDP_SESSIONS; i++)
		engines[i] = client_session(0, 0);
	assert_int_equal(sessions(), SAXDP_SESSIONS);
	assert_result(open_with(NULL, &one_more), ERROR_NO_SYSTEM_RESOURCES);
	assert_null(one_more);
	/* Each is a session of its own. */
	for (unsigned int i = open + 1; i < SAXDP_SESSIONS; i++)
		assert_ptr_not_equal(engines[i - 1], engines[i]);
	client_session_end(engines[open]);
	engines[open] = client_session(0, 0);
	for (unsigned int i = open; i < SAXDP_SESSIONS; i++)
		client_session_end(engines[i]);
	free(engines);
	assert_int_equal(sessions(), open);
}

static void without_descriptors_there_is_no_session(void **state)
{
	struct rlimit old, none;
	HANDLE engine = NULL;
	int lowest;

	(void)state;
	client_session_end(client.engine);
	client.engine = NULL;
	instance_put(client.maps);
	client.maps = NULL;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(lowest);
	/* From none at all to one less than it takes. */
	for (int more = 0;; more++) {
		DWORD result;

		none = (struct rlimit){ lowest + more, old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
		result = open_with(NULL, &engine);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (!result)
			break;
		if (result != ERROR_NOT_ENOUGH_MEMORY)
			fail_msg("%d descriptors: 0x%08x (%s)", more, result, saxdp_error());
		assert_null(engine);
		assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), lowest);
		close(lowest);
		assert_in_range(more, 0, 100);
	}
	client_session_end(engine);
}

static void sessions_come_and_go_beside_a_transaction(void **state)
{
	const FWPM_SESSION0 impatient = { .txnWaitTimeoutInMSec = 1 };
	unsigned int before = sessions();
	HANDLE engine = NULL;

	(void)state;
	assert_ok(FwpmTransactionBegin0(client.engine, 0));
	assert_ok(open_with(&impatient, &engine));
	assert_int_equal(sessions(), before + 1);
	client_session_end(engine);
	assert_int_equal(sessions(), before);
	assert_ok(FwpmTransactionAbort0(client.engine));
}

/* --- close --------------------------------------------------------------------------------------------- */

static void a_handle_is_closed_once(void **state)
{
	HANDLE engine = client_session(0, 0), again;

	(void)state;
	client_session_end(engine);
	assert_result(FwpmEngineClose0(engine), ERROR_INVALID_HANDLE);
	assert_result(FwpmEngineClose0(NULL), ERROR_INVALID_HANDLE);
	assert_result(FwpmEngineClose0((HANDLE)(uintptr_t)0xdeadbeef), ERROR_INVALID_HANDLE);
	assert_result(FwpmEngineClose0((HANDLE)&client), ERROR_INVALID_HANDLE);
	/* The next may stand in the same place, under another name. */
	for (int i = 0; i < 100; i++) {
		again = client_session(0, 0);
		assert_ptr_not_equal(again, engine);
		assert_result(FwpmEngineClose0(engine), ERROR_INVALID_HANDLE);
		client_session_end(again);
	}
}

static void close_aborts_the_transaction_and_ends_what_is_dynamic(void **state)
{
	HANDLE dynamic = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0);
	const unsigned int filters = maps_count(client.instance, "filter");
	struct path p;
	UINT64 id;

	(void)state;
	(void)filter_make(dynamic, &FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, NULL, 0, NULL);
	assert_int_equal(maps_count(client.instance, "filter"), filters + 1);
	assert_ok(FwpmTransactionBegin0(dynamic, 0));
	(void)filter_make(dynamic, &FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, NULL, 0, NULL);
	client_session_end(dynamic);
	assert_int_equal(maps_count(client.instance, "filter"), filters);
	client_sound(&client, "after close");
	/* Contexts are not a session's, whatever it was. */
	path_make(&client, PATH_TUNNEL, 1, &p);
	p.engine = client_session(0, 0);
	id = path_context(&p, SPI, SPI);
	client_session_end(p.engine);
	context_delete(client.engine, id);
}

static void close_works_after_an_unload(void **state)
{
	HANDLE dynamic = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0), plain = client_session(0, 0);

	(void)state;
	(void)filter_make(dynamic, &FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, NULL, 0, NULL);
	assert_int_equal(saxdp_unload(client.instance, false), -EBUSY);
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	assert_ok(FwpmEngineClose0(dynamic));
	assert_ok(FwpmEngineClose0(plain));
	assert_result(FwpmEngineClose0(plain), ERROR_INVALID_HANDLE);
}

/* --- other processes ------------------------------------------------------------------------------------ */

static int hold_a_session(struct child *self, void *arg)
{
	HANDLE engine = client_session(FWPM_SESSION_FLAG_DYNAMIC, 0);

	(void)arg;
	(void)filter_make(engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4, NULL, NULL, 0, NULL);
	child_hold(self);
	client_session_end(engine);
	return 0;
}

static bool no_dynamic_filter(void *arg)
{
	HANDLE engine = client_session(0, 0); /* the next writer sweeps */

	(void)arg;
	client_session_end(engine);
	return maps_count(client.instance, "filter") == 0;
}

static void a_killed_session_leaves_nothing(void **state)
{
	const unsigned int before = sessions();
	struct child child;

	(void)state;
	child_start(&child, NULL, hold_a_session, NULL);
	child_await(&child);
	assert_int_equal(sessions(), before + 1);
	assert_int_equal(maps_count(client.instance, "filter"), 1);
	assert_int_equal(saxdp_unload(client.instance, false), -EBUSY);
	child_kill(&child);
	assert_true(wait_until(no_dynamic_filter, NULL, WAIT_MS));
	assert_int_equal(sessions(), before);
	client_sound(&client, "after a kill");
}

static int fork_and_die(struct child *self, void *arg)
{
	int *ends = arg;
	HANDLE engine = client_session(0, 0);
	char c;

	if (fork() == 0) {
		/* Outlives its parent, with all that it inherited, until the test closes the pipe. */
		close(ends[1]);
		assert_result(FwpmEngineClose0(engine), ERROR_INVALID_HANDLE);
		_exit(read(ends[0], &c, 1) != 0);
	}
	child_hold(self);
	return 0;
}

struct expected {
	unsigned int sessions;
};

static bool sessions_are(void *arg)
{
	HANDLE engine = client_session(0, 0);
	struct expected *e = arg;

	client_session_end(engine);
	return sessions() == e->sessions;
}

static void a_child_does_not_keep_its_parents_session_alive(void **state)
{
	struct expected e = { .sessions = sessions() };
	struct child child;
	int ends[2];

	(void)state;
	require(!pipe2(ends, O_CLOEXEC), "pipe: %m");
	child_start(&child, NULL, fork_and_die, ends);
	child_await(&child);
	assert_int_equal(sessions(), e.sessions + 1);
	child_kill(&child);
	assert_true(wait_until(sessions_are, &e, WAIT_MS));
	close(ends[0]);
	close(ends[1]);
}

/* --- threads --------------------------------------------------------------------------------------------- */

enum { THREADS = 8, CYCLES = 1000, SERVES = 16 };

struct worker {
	struct path path; /* of which some are shared by several */
	unsigned int number;
	pthread_t thread;
	char failure[256]; /* cmocka's assertions are for its own thread */
};

/* A thread fails by its text. */
#define step(w, call)                                                                        \
	({                                                                                   \
		DWORD result_ = (call);                                                      \
		if (result_)                                                                 \
			snprintf((w)->failure, sizeof((w)->failure), "%s: 0x%08x %s", #call, \
				 result_, saxdp_error());                                    \
		!result_;                                                                    \
	})

static bool cycle(struct worker *w, UINT32 spi)
{
	const struct path *p = &w->path;
	struct made_bundle in, out;
	IPSEC_SA_CONTEXT1 *copy;
	IPSEC_SA_SPI got = spi;
	UINT64 id, filter;

	if (!step(w, IPsecSaContextCreate1(p->engine, &p->traffic, NULL, &filter, &id)))
		return false;
	if (spi % 2 ? !step(w, IPsecSaContextGetSpi1(p->engine, id, &p->get, &got)) :
		      !step(w, IPsecSaContextSetSpi0(p->engine, id, &p->get, spi)))
		return false;
	made_bundle(&in, p->traffic.ipVersion, got, 0);
	made_bundle(&out, p->traffic.ipVersion, SPI, 0);
	if (!step(w, IPsecSaContextAddInbound1(p->engine, id, &in.bundle)))
		return false;
	/* What serves a tunnel, and an SPI that is used again, wait for a grace period each time. */
	if (spi % SERVES == 0) {
		if (!step(w, IPsecSaContextAddOutbound1(p->engine, id, &out.bundle)))
			return false;
		if (!step(w, IPsecSaContextGetById1(p->engine, id, &copy)))
			return false;
		if (copy->saContextId != id || !copy->outboundSa ||
		    copy->inboundSa->saBundle.saList[0].spi != got)
			snprintf(w->failure, sizeof(w->failure), "context %llu is another",
				 (unsigned long long)id);
		FwpmFreeMemory0((void **)&copy);
	}
	return step(w, IPsecSaContextDeleteById0(p->engine, id)) && !w->failure[0];
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (UINT32 i = 0; i < CYCLES; i++)
		if (!cycle(w, 0x10000 * (w->number + 1) + i))
			break;
	return NULL;
}

static void work_all(struct worker workers[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		require(!pthread_create(&workers[i].thread, NULL, work, &workers[i]), "thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < THREADS; i++)
		if (workers[i].failure[0])
			fail_msg("thread %d: %s", workers[i].number, workers[i].failure);
}

static int work_in_a_child(struct child *self, void *arg)
{
	struct worker *workers = arg;
	HANDLE engine = client_session(0, 0);

	(void)self;
	for (int i = 0; i < THREADS; i++) {
		workers[i].path.engine = engine;
		workers[i].number += THREADS;
	}
	work_all(workers);
	client_session_end(engine);
	return 0;
}

/* Half of the threads share a tunnel and its outbound SA, with each other and with the child's. */
static void threads_share_a_handle_and_processes_an_engine(void **state)
{
	struct worker workers[THREADS] = {};
	struct path paths[PATH_KINDS];
	struct saxdp_engine engine;
	struct dump *before, *after;
	struct child child;

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &paths[kind]);
	for (int i = 0; i < THREADS; i++) {
		workers[i].number = i;
		workers[i].path = paths[i % PATH_KINDS];
		/* Another peer needs filters of its own only for the inbound filter, which may be 0. */
		if (i >= PATH_KINDS)
			path_set_peer(&workers[i].path, 2 + i);
	}
	/* Tunnels and endpoints stay, so they are there before. */
	for (int i = 0; i < THREADS; i++)
		context_delete(client.engine, path_context(&workers[i].path, SPI, SPI));
	before = client_dump(&client);
	child_start(&child, NULL, work_in_a_child, workers);
	work_all(workers);
	child_finish(&child);
	after = client_dump(&client);
	dump_require_same(before, after, "16,000 life cycles");
	dump_free(before);
	dump_free(after);
	client_sound(&client, "16,000 life cycles");
	maps_engine(client.instance, &engine);
	assert_int_equal(engine.contexts, 0);
	/* Every change was a commit, and none was lost. */
	assert_in_range(engine.epoch[SAXDP_EPOCH_SA].generation, 2 * THREADS * CYCLES * 4,
			UINT32_MAX);
}

static void *close_under_way(void *arg)
{
	FwpmEngineClose0(arg);
	return NULL;
}

/* Calls under way end as if the handle were open, later ones find it closed; nothing in between. */
static void a_handle_may_be_closed_while_it_is_used(void **state)
{
	struct path p;

	(void)state;
	path_make(&client, PATH_TUNNEL, 1, &p);
	for (int i = 0; i < 50; i++) {
		HANDLE engine = client_session(0, 0);
		pthread_t closer;
		DWORD result;
		UINT64 id;

		require(!pthread_create(&closer, NULL, close_under_way, engine), "thread");
		while (!(result = IPsecSaContextCreate1(engine, &p.traffic, NULL, NULL, &id)))
			context_delete(client.engine, id);
		pthread_join(closer, NULL);
		assert_int_equal(result, ERROR_INVALID_HANDLE);
	}
	client_sound(&client, "after closing under way");
}

/* --- memory ---------------------------------------------------------------------------------------------- */

static void memory_is_freed_and_forgotten(void **state)
{
	void *none = NULL;
	struct path p;
	IPSEC_SA_CONTEXT1 *copy;
	UINT64 id;

	(void)state;
	FwpmFreeMemory0(NULL);
	FwpmFreeMemory0(&none);
	assert_null(none);
	path_make(&client, PATH_TRANSPORT, 1, &p);
	p.engine = client_session(0, 0);
	id = path_context(&p, SPI, SPI);
	assert_ok(IPsecSaContextGetById1(p.engine, id, &copy));
	/* It belongs to the process, not to the session. */
	client_session_end(p.engine);
	assert_int_equal(copy->inboundSa->transportFilter->filterId, p.inbound);
	FwpmFreeMemory0((void **)&copy);
	assert_null(copy);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(arguments_that_cannot_be_are_refused),
		STORY(a_session_is_registered_while_it_is_open),
		STORY(both_ways_of_authentication_open),
		STORY(a_session_key_is_that_of_one_open_session),
		STORY(an_instance_that_is_not_loaded_is_no_server),
		STORY(an_instance_of_another_version_has_another_interface),
		STORY(an_instance_has_so_many_sessions_and_no_more),
		STORY(without_descriptors_there_is_no_session),
		STORY(sessions_come_and_go_beside_a_transaction),
		STORY(a_handle_is_closed_once),
		STORY(close_aborts_the_transaction_and_ends_what_is_dynamic),
		STORY(close_works_after_an_unload),
		STORY(a_killed_session_leaves_nothing),
		STORY(a_child_does_not_keep_its_parents_session_alive),
		STORY(threads_share_a_handle_and_processes_an_engine),
		STORY(a_handle_may_be_closed_while_it_is_used),
		STORY(memory_is_freed_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
