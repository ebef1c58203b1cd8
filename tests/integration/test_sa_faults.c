// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
 * link: -Wl,--wrap=syscall,--wrap=clock_gettime,--wrap=openat
 *
 * Calls on SA contexts in a process that is out of memory, and beside a kernel that is: each call
 * fails with its code and changes nothing, or works, and loses no memory either way. And the codes
 * that no test can provoke in time: the kernel's answers are given for it here. (test_commit_death.c
 * fails the system calls themselves.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXTS = 16, SPI = 0x1000, LIVE_MAX = 4096 };

/* --- memory ------------------------------------------------------------------------------------------- */

static struct {
	unsigned int at; /* the k-th allocation fails, 0: none */
	unsigned int seen;
	bool on; /* and all that follow */
	void *live[LIVE_MAX]; /* what was allocated here and not freed */
	unsigned int count;
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static bool refuse_memory(void)
{
	if (!memory.at)
		return false;
	memory.seen++;
	if (memory.seen != memory.at && !(memory.on && memory.seen > memory.at))
		return false;
	errno = ENOMEM;
	return true;
}

static void *live_add(void *p)
{
	if (!p)
		return NULL;
	if (memory.count == LIVE_MAX)
		abort();
	memory.live[memory.count++] = p;
	return p;
}

static void live_remove(const void *p)
{
	for (unsigned int i = memory.count; p && i > 0; i--) {
		if (memory.live[i - 1] != p)
			continue;
		memory.live[i - 1] = memory.live[--memory.count];
		return;
	}
}

void *__wrap_malloc(size_t size)
{
	return refuse_memory() ? NULL : live_add(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse_memory() ? NULL : live_add(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	void *moved;

	if (refuse_memory())
		return NULL;
	live_remove(p);
	moved = __real_realloc(p, size);
	return live_add(moved ? moved : p) ? moved : NULL;
}

void __wrap_free(void *p)
{
	live_remove(p);
	__real_free(p);
}

static void memory_arm(unsigned int at, bool on)
{
	memory.seen = 0;
	memory.on = on;
	memory.at = at;
}

/* True: the fault has come to pass. */
static bool memory_disarm(void)
{
	bool hit = memory.at && memory.seen >= memory.at;

	memory.at = 0;
	return hit;
}

/* --- the kernel ------------------------------------------------------------------------------------------ */

static struct {
	int commit; /* what a commit answers instead of being done, 0: it is done */
	int engine; /* descriptor of a map `engine` in which something is reclaimed at each look */
	uint64_t reclaimed;
	int64_t hurry_ns; /* added to the monotonic clock at each look at it */
	int64_t ahead_ns;
	unsigned int locks; /* attempts to take the writer lock */
} kernel;

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	const union bpf_attr *attr = (const union bpf_attr *)b;
	long result;

	if (number != SYS_bpf)
		return __real_syscall(number, a, b, c, d, e, f);
	if (a == BPF_PROG_TEST_RUN && kernel.commit &&
	    attr->test.ctx_size_in == sizeof(struct saxdp_commit)) {
		struct saxdp_commit *args = (struct saxdp_commit *)(uintptr_t)attr->test.ctx_in;

		if (args->count) {
			args->error = kernel.commit;
			args->failed = 0;
			return 0;
		}
	}
	result = __real_syscall(number, a, b, c, d, e, f);
	if (a == BPF_MAP_LOOKUP_ELEM && kernel.engine > 0 && (int)attr->map_fd == kernel.engine) {
		struct saxdp_engine *engine = (struct saxdp_engine *)(uintptr_t)attr->value;

		engine->epoch[SAXDP_EPOCH_SA].removed += ++kernel.reclaimed;
	}
	return result;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = __real_clock_gettime(clock, ret);

	if (clock == CLOCK_MONOTONIC && kernel.hurry_ns) {
		kernel.ahead_ns += kernel.hurry_ns;
		ret->tv_sec += kernel.ahead_ns / 1000000000;
	}
	return result;
}

int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	kernel.locks += !strcmp(path, "queue");
	return __real_openat(dir, path, flags, mode);
}

/* --- the calls -------------------------------------------------------------------------------------------- */

static struct client client;
static struct path path;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-faults", CONTEXTS);
	path_make(&client, PATH_TRANSPORT, 1, &path);
	/* The first of each kind allocates what stays. */
	context_delete(client.engine, path_context(&path, SPI, SPI));
	return 0;
}

static int teardown(void **state)
{
	memory.at = 0;
	memset(&kernel, 0, sizeof(kernel));
	client_close(&client);
	return scratch_teardown(state);
}

struct step {
	UINT64 id; /* that the call is about, or that it made */
	IPSEC_SA_CONTEXT1 *copy;
	bool gone;
};

/* A bundle whose blob has more parts than a session stages. */
static void large_bundle(struct made_bundle *b, IPSEC_KEYMODULE_STATE0 *state)
{
	static UINT8 bytes[20000];

	made_bundle(b, FWP_IP_VERSION_V4, SPI, SPI);
	*state = (IPSEC_KEYMODULE_STATE0){ .stateBlob = { sizeof(bytes), bytes } };
	b->bundle.keyModuleState = state;
}

static DWORD do_create(struct step *s)
{
	IPSEC_TRAFFIC1 traffic = path.traffic;

	traffic.localIfLuid = 1; /* so it has a blob */
	return IPsecSaContextCreate1(client.engine, &traffic, NULL, NULL, &s->id);
}

static DWORD do_set_spi(struct step *s)
{
	return IPsecSaContextSetSpi0(client.engine, s->id, &path.get, SPI);
}

static DWORD do_get_spi(struct step *s)
{
	IPSEC_SA_SPI spi;

	return IPsecSaContextGetSpi1(client.engine, s->id, &path.get, &spi);
}

static DWORD do_inbound(struct step *s)
{
	IPSEC_KEYMODULE_STATE0 state;
	struct made_bundle b;

	large_bundle(&b, &state);
	return IPsecSaContextAddInbound1(client.engine, s->id, &b.bundle);
}

static DWORD do_outbound(struct step *s)
{
	IPSEC_KEYMODULE_STATE0 state;
	struct made_bundle b;

	large_bundle(&b, &state);
	return IPsecSaContextAddOutbound1(client.engine, s->id, &b.bundle);
}

static DWORD do_get(struct step *s)
{
	return IPsecSaContextGetById1(client.engine, s->id, &s->copy);
}

/* All that it makes is freed again, whatever fails. */
static DWORD do_enumerate(struct step *s)
{
	IPSEC_SA_CONTEXT1 **contexts = NULL;
	HANDLE handle;
	UINT32 count;
	DWORD result;

	result = IPsecSaContextCreateEnumHandle0(client.engine, NULL, &handle);
	if (result)
		return result;
	result = IPsecSaContextEnum1(client.engine, handle, CONTEXTS, &contexts, &count);
	if (!result) {
		assert_int_equal(count, 1);
		assert_int_equal(contexts[0]->saContextId, s->id);
	}
	FwpmFreeMemory0((void **)&contexts);
	assert_ok(IPsecSaContextDestroyEnumHandle0(client.engine, handle));
	return result;
}

static DWORD do_enumerate_sas(struct step *s)
{
	IPSEC_SA_DETAILS0 **sas = NULL;
	HANDLE handle;
	UINT32 count;
	DWORD result;

	(void)s;
	result = IPsecSaCreateEnumHandle0(client.engine, NULL, &handle);
	if (result)
		return result;
	result = IPsecSaEnum0(client.engine, handle, CONTEXTS, &sas, &count);
	if (!result)
		assert_int_equal(count, 2);
	FwpmFreeMemory0((void **)&sas);
	assert_ok(IPsecSaDestroyEnumHandle0(client.engine, handle));
	return result;
}

static DWORD do_statistics(struct step *s)
{
	IPSEC_STATISTICS1 statistics;
	DWORD result = IPsecGetStatistics1(client.engine, &statistics);

	(void)s;
	if (!result)
		assert_int_equal(statistics.aggregateSaStatistics.activeSas, 2);
	return result;
}

static DWORD do_delete(struct step *s)
{
	DWORD result = IPsecSaContextDeleteById0(client.engine, s->id);

	s->gone = !result;
	return result;
}

enum state { NONE, CREATED, HAS_SPI, HAS_INBOUND, HAS_BOTH };

static const struct call {
	const char *name;
	DWORD (*fn)(struct step *s);
	enum state from;
	bool reads;
} calls[] = {
	{ "Create1", do_create, NONE, false },
	{ "SetSpi0", do_set_spi, CREATED, false },
	{ "GetSpi1", do_get_spi, CREATED, false },
	{ "AddInbound1", do_inbound, HAS_SPI, false },
	{ "AddOutbound1", do_outbound, HAS_INBOUND, false },
	{ "GetById1", do_get, HAS_BOTH, true },
	{ "ContextEnum1", do_enumerate, HAS_BOTH, true },
	{ "SaEnum0", do_enumerate_sas, HAS_BOTH, true },
	{ "GetStatistics1", do_statistics, HAS_BOTH, true },
	{ "DeleteById0", do_delete, HAS_BOTH, false },
	{ "DeleteById0", do_delete, CREATED, false },
};

static void prepare(const struct call *call, struct step *s)
{
	static DWORD (*const way[])(struct step * s) = { do_create, do_set_spi, do_inbound,
							 do_outbound };

	*s = (struct step){};
	for (int i = 0; i < (int)call->from; i++)
		assert_ok(way[i](s));
}

static void finish(struct step *s)
{
	FwpmFreeMemory0((void **)&s->copy);
	if (s->id && !s->gone)
		context_delete(client.engine, s->id);
}

/* Another session than that which remembers: nothing is in its cache. */
static void session_renew(void)
{
	client_session_end(client.engine);
	client.engine = client_session(0, 0);
	path.engine = client.engine;
	context_delete(client.engine, path_create(&path));
}

/* --- out of memory ------------------------------------------------------------------------------------------ */

/* Returns false once the call allocates less than so often. */
static bool fail_allocation(const struct call *call, unsigned int at, bool on)
{
	unsigned int live;
	struct dump *before;
	struct step s;
	DWORD result;
	char what[64];
	bool hit;

	prepare(call, &s);
	snprintf(what, sizeof(what), "%s, allocation %u%s", call->name, at, on ? " and on" : "");
	before = client_dump(&client);
	live = memory.count;
	memory_arm(at, on);
	result = call->fn(&s);
	hit = memory_disarm();
	if (result && (!hit || result != ERROR_NOT_ENOUGH_MEMORY))
		fail_msg("%s: 0x%08x (%s)", what, result, saxdp_error());
	if (memory.count != live + (s.copy != NULL))
		fail_msg("%s: %u allocations became %u", what, live, memory.count);
	if (result)
		client_same(&client, before, what);
	else
		dump_free(before);
	client_sound(&client, what);
	finish(&s);
	return hit;
}

static void a_call_without_memory_fails_whole_or_works(void **state)
{
	unsigned int points = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls) * 2; i++) {
		unsigned int at = 1;

		while (fail_allocation(&calls[i / 2], at, i % 2)) {
			at++;
			assert_in_range(at, 1, 1000);
		}
		points += at - 1;
	}
	/* Blobs, change lists and copies: if these are fewer the test has lost its grip. */
	printf("# %u allocations failed\n", points);
	assert_in_range(points, 20, UINT32_MAX);
}

/* What a session allocates once is allocated at its first call. */
static void the_first_call_of_a_session_without_memory_fails(void **state)
{
	struct dump *before;
	UINT64 id = 0;

	(void)state;
	client_session_end(client.engine);
	client.engine = client_session(0, 0);
	before = client_dump(&client);
	memory_arm(1, false);
	assert_result(IPsecSaContextCreate1(client.engine, &path.traffic, NULL, NULL, &id),
		      ERROR_NOT_ENOUGH_MEMORY);
	assert_true(memory_disarm());
	assert_int_equal(id, 0);
	client_same(&client, before, "a first call");
	assert_ok(IPsecSaContextCreate1(client.engine, &path.traffic, NULL, NULL, &id));
	path.engine = client.engine;
}

static unsigned int descriptors(void)
{
	unsigned int open = 0;

	for (int fd = 0; fd < 1024; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

static void opening_without_memory_loses_nothing(void **state)
{
	unsigned int live, open;
	HANDLE engine;
	DWORD result;

	(void)state;
	/* Nothing of the instance is open, so that all of it is opened. */
	client_session_end(client.engine);
	client.engine = NULL;
	instance_put(client.maps);
	client.maps = NULL;
	live = memory.count;
	open = descriptors();
	for (unsigned int at = 1;; at++) {
		bool hit;

		engine = NULL;
		memory_arm(at, false);
		result = FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine);
		hit = memory_disarm();
		if (result && (!hit || result != ERROR_NOT_ENOUGH_MEMORY || engine))
			fail_msg("allocation %u: 0x%08x (%s)", at, result, saxdp_error());
		if (!result) {
			/* Closing cannot fail, whatever it has to leave to the next writer. */
			memory_arm(1, true);
			result = FwpmEngineClose0(engine);
			memory_disarm();
			assert_int_equal(result, ERROR_SUCCESS);
		}
		if (memory.count != live || descriptors() != open)
			fail_msg("allocation %u: %u became %u, %u descriptors became %u", at, live,
				 memory.count, open, descriptors());
		if (!hit)
			break;
		assert_in_range(at, 1, 1000);
	}
	/* The next writer has swept. */
	engine = client_session(0, 0);
	assert_int_equal(maps_count(client.instance, "session"), 1);
	client_session_end(engine);
}

/* --- the kernel's answers -------------------------------------------------------------------------------------- */

static void what_the_kernel_refuses_has_its_code(void **state)
{
	static const struct {
		int answer;
		DWORD code;
	} rows[] = {
		{ -ENOMEM, ERROR_NOT_ENOUGH_MEMORY },
		{ -ENOSPC, ERROR_NO_SYSTEM_RESOURCES },
		{ -E2BIG, ERROR_NO_SYSTEM_RESOURCES },
		{ -ESHUTDOWN, RPC_E_DISCONNECTED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls) * ARRAY_SIZE(rows); i++) {
		const struct call *call = &calls[i / ARRAY_SIZE(rows)];
		unsigned int live;
		struct dump *before;
		struct step s;
		DWORD result;

		if (call->reads)
			continue;
		prepare(call, &s);
		before = client_dump(&client);
		live = memory.count;
		kernel.commit = rows[i % ARRAY_SIZE(rows)].answer;
		result = call->fn(&s);
		kernel.commit = 0;
		if (result != rows[i % ARRAY_SIZE(rows)].code)
			fail_msg("%s, answer %d: 0x%08x (%s)", call->name,
				 rows[i % ARRAY_SIZE(rows)].answer, result, saxdp_error());
		assert_int_equal(memory.count, live);
		client_same(&client, before, call->name);
		finish(&s);
		session_renew();
	}
}

/* What others change again and again cannot be read, and no lock is held forever for it. */
static void a_read_that_others_overtake_ends(void **state)
{
	unsigned int reads = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int live;
		struct step s;

		if (!calls[i].reads)
			continue;
		prepare(&calls[i], &s);
		live = memory.count;
		kernel.reclaimed = 0;
		kernel.engine = client.maps->map[SAXDP_KIND_ENGINE]; /* the session reads it, too */
		kernel.hurry_ns = 1000000000;
		assert_result(calls[i].fn(&s), FWP_E_TIMEOUT);
		assert_null(s.copy);
		assert_int_equal(memory.count, live);
		assert_in_range(kernel.reclaimed, 4, 1000);
		kernel.engine = 0;
		kernel.hurry_ns = 0;
		assert_ok(calls[i].fn(&s));
		finish(&s);
		reads++;
	}
	assert_int_equal(reads, 4);
}

/* A call waits as long as its session allows, not once more for each attempt. */
static void a_call_waits_for_others_once(void **state)
{
	HANDLE holder = client_session(0, 0), mine = client.engine;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		HANDLE impatient = client_session(0, 1);
		struct step s;

		if (calls[i].reads) {
			client_session_end(impatient);
			continue;
		}
		prepare(&calls[i], &s);
		assert_ok(FwpmTransactionBegin0(holder, 0));
		client.engine = impatient;
		kernel.locks = 0;
		assert_result(calls[i].fn(&s), FWP_E_TIMEOUT);
		if (kernel.locks != 1)
			fail_msg("%s took the lock %u times", calls[i].name, kernel.locks);
		client.engine = mine;
		assert_ok(FwpmTransactionAbort0(holder));
		finish(&s);
		client_session_end(impatient);
	}
	client_session_end(holder);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(a_call_without_memory_fails_whole_or_works),
		STORY(the_first_call_of_a_session_without_memory_fails),
		STORY(opening_without_memory_loses_nothing),
		STORY(what_the_kernel_refuses_has_its_code),
		STORY(a_read_that_others_overtake_ends),
		STORY(a_call_waits_for_others_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
