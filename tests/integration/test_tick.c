// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The timer that marks sessions whose process is gone, over maps of the test's own. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "check.h"
#include "child.h"
#include "saxdp_abi.h"
#include "scratch.h"
#include "testrun.h"
#include "tick.skel.h"
#include "wait.h"

enum {
	TICK_MS = 100,
	MANY_RUNS = 5, /* of the tick: what it would do, it has done */
	SLOT = 77, /* in the second word of the bitmaps */
	LAST_SLOT = SAXDP_SESSIONS - 1,
};

struct tick_test {
	struct tick_bpf *skel;
	struct saxdp_engine engine;
	uint32_t slot;
	uint64_t runs;
};

static void publish(struct tick_test *t)
{
	uint32_t zero = 0;

	require(!bpf_map_update_elem(bpf_map__fd(t->skel->maps.engine), &zero, &t->engine, 0),
		"engine: %m");
}

static struct saxdp_engine engine_now(const struct tick_test *t)
{
	struct saxdp_engine e;
	uint32_t zero = 0;

	require(!bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.engine), &zero, &e), "engine: %m");
	return e;
}

static uint64_t runs_now(const struct tick_test *t)
{
	struct {
		uint64_t timer[2];
		uint64_t runs;
	} value;
	uint32_t zero = 0;

	require(bpf_map__value_size(t->skel->maps.tick) == sizeof(value), "another struct tick");
	require(!bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.tick), &zero, &value), "tick: %m");
	return value.runs;
}

static bool has_run(void *arg)
{
	struct tick_test *t = arg;

	return runs_now(t) >= t->runs;
}

/* So many whole runs that begin from now on: one may be half done. */
static void await_runs(struct tick_test *t, uint64_t n)
{
	t->runs = runs_now(t) + n + 1;
	require(wait_until(has_run, t, WAIT_MS), "the tick does not go");
}

static bool is_marked(const struct tick_test *t, uint32_t slot)
{
	return engine_now(t).dead_session[slot / 64] >> slot % 64 & 1;
}

static bool slot_is_marked(void *arg)
{
	struct tick_test *t = arg;

	return is_marked(t, t->slot);
}

static int arm(struct child *self, void *arg)
{
	uint8_t data[64] = {};
	struct frame frame = { data, sizeof(data) };
	struct tick_test *t = arg;

	(void)self;
	return testrun_verdict(bpf_program__fd(t->skel->progs.tick_arm), &frame) != XDP_PASS;
}

/* As a session does: a socket that nobody else holds, put into a slot of its own. */
static int claim(struct tick_test *t, uint32_t slot)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t value = fd;

	require(fd >= 0, "socket: %m");
	require(!bpf_map_update_elem(bpf_map__fd(t->skel->maps.alive), &slot, &value, BPF_NOEXIST),
		"slot %u: %m", slot);
	return fd;
}

static int claim_and_hold(struct child *self, void *arg)
{
	struct tick_test *t = arg;

	claim(t, t->slot);
	child_hold(self);
	return 0;
}

static void open_slot(struct tick_test *t, uint32_t slot)
{
	t->engine.open_session[slot / 64] |= 1ULL << slot % 64;
	publish(t);
}

static int open_loaded(void **state)
{
	static struct tick_test t;
	struct bpf_map *map;

	t = (struct tick_test){ .skel = tick_bpf__open() };
	require(t.skel, "cannot open the program: %m");
	bpf_object__for_each_map(map, t.skel->obj) {
		/* What tick.bpf.c does not use is not made. */
		if (map != t.skel->maps.engine && map != t.skel->maps.alive &&
		    map != t.skel->maps.tick)
			bpf_map__set_autocreate(map, false);
	}
	require(!tick_bpf__load(t.skel), "tick: %m");
	t.engine.state = SAXDP_STATE_LOADED;
	publish(&t);
	*state = &t;
	return 0;
}

static int close_all(void **state)
{
	struct tick_test *t = *state;

	tick_bpf__destroy(t->skel);
	return scratch_teardown(state);
}

static void tick_goes_on_without_the_process_that_armed_it(void **state)
{
	struct tick_test *t = *state;

	assert_int_equal(runs_now(t), 0);
	child_run(NULL, arm, t);
	await_runs(t, MANY_RUNS);
}

static void arming_again_is_harmless(void **state)
{
	struct tick_test *t = *state;

	child_run(NULL, arm, t);
	await_runs(t, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(arm(NULL, t), 0);
	await_runs(t, MANY_RUNS);
}

static void session_of_a_killed_process_is_marked(void **state)
{
	static const uint32_t slots[] = { 0, SLOT, LAST_SLOT };
	struct tick_test *t = *state;
	struct child c;

	child_run(NULL, arm, t);
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		t->slot = slots[i];
		child_start(&c, NULL, claim_and_hold, t);
		child_await(&c);
		open_slot(t, t->slot);
		await_runs(t, MANY_RUNS);
		assert_false(is_marked(t, t->slot));

		int64_t killed = wait_now_ms();

		child_kill(&c);
		assert_true(wait_until(slot_is_marked, t, WAIT_MS));
		printf("# slot %u: marked %d ms after SIGKILL\n", t->slot,
		       (int)(wait_now_ms() - killed));
		/* publish() of the next round takes the mark away, as the commit program does. */
	}
}

static void only_sessions_that_ended_are_marked(void **state)
{
	struct tick_test *t = *state;
	int fd = claim(t, SLOT);

	open_slot(t, SLOT);
	open_slot(t, SLOT + 1); /* its process is gone */
	child_run(NULL, arm, t);
	await_runs(t, MANY_RUNS);
	for (uint32_t slot = 0; slot < SAXDP_SESSIONS; slot++)
		assert_int_equal(is_marked(t, slot), slot == SLOT + 1);
	close(fd);
}

static void mark_stays_when_the_slot_is_claimed_again(void **state)
{
	struct tick_test *t = *state;
	int fd;

	open_slot(t, SLOT);
	t->slot = SLOT;
	child_run(NULL, arm, t);
	assert_true(wait_until(slot_is_marked, t, WAIT_MS));
	fd = claim(t, SLOT);
	await_runs(t, MANY_RUNS);
	assert_true(is_marked(t, SLOT));
	close(fd);
}

static void tick_ends_with_the_engine(void **state)
{
	struct tick_test *t = *state;

	child_run(NULL, arm, t);
	await_runs(t, 1);
	t->engine.state = SAXDP_STATE_GONE;
	publish(t);
	open_slot(t, SLOT);
	/* Nothing tells that a timer does not go: ten of its periods without a run must do. */
	assert_int_equal(arm(NULL, t), 0);
	t->runs = runs_now(t) + 2; /* one may have begun before */
	assert_false(wait_until(has_run, t, 10 * TICK_MS));
	assert_false(is_marked(t, SLOT));
	t->engine.state = SAXDP_STATE_LOADED;
	publish(t);
	assert_int_equal(arm(NULL, t), 0);
	await_runs(t, MANY_RUNS);
	assert_true(is_marked(t, SLOT));
}

#define tick_test(test) cmocka_unit_test_setup_teardown(test, open_loaded, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tick_test(tick_goes_on_without_the_process_that_armed_it),
		tick_test(arming_again_is_harmless),
		tick_test(session_of_a_killed_process_is_marked),
		tick_test(only_sessions_that_ended_are_marked),
		tick_test(mark_stays_when_the_slot_is_claimed_again),
		tick_test(tick_ends_with_the_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
