// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Commits on one CPU, packets or readers on the other: nobody sees half of a commit, no count is
 * lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "datapath.h"
#include "fill.h"
#include "looks.skel.h"
#include "pin.h"
#include "policy.h"
#include "scratch.h"
#include "testrun.h"
#include "wait.h"
#include "xdp_ingress.skel.h"

enum {
	CONTEXTS = 64,
	FILTERS = 512,
	LOOKS = 2000000, /* at least, beside */
	LOOK_COMMITS = 400, /* at least: each waits some 10 ms for the busy CPU */
	CHANGES = 1000, /* at least, */
	ROUNDS = 20, /* beside so many times XDP_RUNS packets */
	CYCLES = 100,
	PACKETS_EACH = 1000, /* at least, by each SA of those */
	/* Runs of a program at once; the kernel pauses for each call with an XDP program. */
	TC_RUNS = 500,
	XDP_RUNS = 20000,
	SPI = 0x1000,

	/* looks.bpf.c */
	LOOK_SAS = 8,
	LOOK_SETS = 2,
	LOOK_FLOWS = 4,
	LOOK_SPI = 0x2000,
	LOOK_DESTINATION = 0xc0000209,
	LOOK_REMOTE = 0x0a090001,
};

static const gid_t reader_groups[] = { POLICY_READERS };
static const struct identity reader = {
	.uid = POLICY_STRANGER,
	.gid = POLICY_STRANGER,
	.groups = reader_groups,
	.n_groups = 1,
};

/* Shared with the process that sends packets or reads. */
struct beside {
	volatile int stop;
	volatile uint64_t rounds;
	volatile uint64_t timeouts, retries;
	int prog;
	unsigned int runs; /* at once */
	struct frame frame;
	uint8_t bytes[FRAME_SPEC_MAX];
	char instance[SCRATCH_NAME_MAX];
	uint64_t objects; /* that a whole state has */
};

struct traffic_test {
	const char *instance;
	HANDLE engine;
	struct session *session;
	struct looks_bpf *looks;
	struct xdp_ingress_bpf *ingress;
	struct saxdp *admin;
	struct beside *beside;
	struct child child;
	bool running;
	uint64_t wanted;
	cpu_set_t cpus;
};

/* --- two CPUs ------------------------------------------------------------------------------------- */

static void cpu_take(const cpu_set_t *of, int number)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, of) || number--)
			continue;
		CPU_SET(cpu, &one);
		break;
	}
	require(!sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity: %m");
}

static void require_two_cpus(struct traffic_test *t)
{
	if (CPU_COUNT(&t->cpus) >= 2)
		return;
	printf("# skip: two CPUs to run at the same time\n");
	skip();
}

static void beside_start(struct traffic_test *t, const struct child_opts *opts, child_fn fn)
{
	t->beside->stop = 0;
	t->beside->rounds = 0;
	snprintf(t->beside->instance, sizeof(t->beside->instance), "%s", t->instance);
	cpu_take(&t->cpus, 1);
	child_start(&t->child, opts, fn, t->beside);
	t->running = true;
	cpu_take(&t->cpus, 0);
	child_await(&t->child);
}

static void beside_stop(struct traffic_test *t)
{
	t->beside->stop = 1;
	t->running = false;
	child_finish(&t->child);
	require(!sched_setaffinity(0, sizeof(t->cpus), &t->cpus), "sched_setaffinity: %m");
}

/* --- packets ---------------------------------------------------------------------------------------- */

static int packets_send(struct child *self, void *arg)
{
	struct beside *b = arg;

	child_reach(self);
	while (!b->stop) {
		struct testrun run = { .repeat = b->runs };

		require(!testrun_frame(b->prog, &b->frame, &run), "BPF_PROG_RUN: %m");
		b->rounds++;
	}
	return 0;
}

static void packets_start(struct traffic_test *t, const struct bpf_program *prog,
			  const struct frame_spec *spec)
{
	t->beside->frame.len = frame_build(spec, t->beside->bytes);
	t->beside->frame.data = t->beside->bytes;
	t->beside->prog = bpf_program__fd(prog);
	t->beside->runs = bpf_program__type(prog) == BPF_PROG_TYPE_XDP ? XDP_RUNS : TC_RUNS;
	beside_start(t, NULL, packets_send);
}

static const struct frame_spec any_frame = {
	.src = "198.51.100.7",
	.dst = "192.0.2.1",
	.proto = IPPROTO_ESP,
	.spi = SPI,
	.payload = 100,
};

/* --- the instance -------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	static struct traffic_test t;

	t = (struct traffic_test){ .instance = policy_load("traffic", CONTEXTS, FILTERS) };
	require(!sched_getaffinity(0, sizeof(t.cpus), &t.cpus), "sched_getaffinity: %m");
	t.engine = policy_open(0, 0);
	require(!session_get(t.engine, &t.session), "%s", saxdp_error());
	require(!saxdp_open(NULL, &t.admin), "%s", saxdp_error());
	t.looks = looks_bpf__open();
	t.ingress = xdp_ingress_bpf__open();
	require(t.looks && t.ingress, "cannot open the programs: %m");
	require(!pin_reuse(t.instance, t.looks->obj) && !pin_reuse(t.instance, t.ingress->obj),
		"%s", saxdp_error());
	require(!looks_bpf__load(t.looks) && !xdp_ingress_bpf__load(t.ingress), "load: %m");
	t.beside = mmap(NULL, sizeof(*t.beside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	require(t.beside != MAP_FAILED, "mmap: %m");
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct traffic_test *t = *state;

	if (t->running)
		child_kill(&t->child);
	(void)sched_setaffinity(0, sizeof(t->cpus), &t->cpus);
	looks_bpf__destroy(t->looks);
	xdp_ingress_bpf__destroy(t->ingress);
	munmap(t->beside, sizeof(*t->beside));
	saxdp_close(t->admin);
	session_put(t->session);
	FwpmEngineClose0(t->engine);
	saxdp_unload(t->instance, true);
	return scratch_teardown(state);
}

static void commit(struct change *c, int wanted)
{
	int err = change_commit(c);

	require(err == wanted, "commit: %d at operation %u", err, c->failed);
	change_release(c);
}

/* Takes away everything that is dead. */
static void reclaim_all(struct session *s)
{
	const struct instance *inst = s->inst;
	struct saxdp_commit args = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	uint32_t zero = 0;

	for (uint32_t epoch = 0; epoch < SAXDP_EPOCHS; epoch++) {
		args = (struct saxdp_commit){
			.epoch = epoch,
			.graced = instance_mirror(inst)->generation[epoch],
			.reclaim = UINT32_MAX,
		};
		require(!bpf_map_update_elem(inst->grace, &zero, &inst->grace_inner, BPF_ANY),
			"grace: %m");
		require(!bpf_prog_test_run_opts(inst->commit, &opts) && !args.error, "reclaim: %d",
			args.error);
		assert_int_equal(instance_mirror(inst)->dead[epoch], 0);
	}
}

/* --- packets see one state -------------------------------------------------------------------------- */

static struct saxdp_sa4_key look_sa(uint32_t set, uint32_t i)
{
	return (struct saxdp_sa4_key){
		.destination = htonl(LOOK_DESTINATION),
		.spi = htonl(LOOK_SPI + set * LOOK_SAS + i),
		.protocol = IPPROTO_ESP,
		.direction = SAXDP_INBOUND,
	};
}

/*
 * The other set is born, the one before dies: each key changes in each commit, so in any three in a
 * row.
 */
static void sas_swap(struct traffic_test *t, uint64_t number)
{
	struct saxdp_sa sa = { .context = number };
	struct saxdp_sa4_key key;
	struct change c;

	change_init(&c, t->session, SAXDP_EPOCH_SA);
	for (uint32_t i = 0; i < LOOK_SAS; i++) {
		key = look_sa(number % 2, i);
		change_insert(&c, SAXDP_KIND_SA4, &key, &sa);
		key = look_sa(number % 2 ^ 1, i);
		/* The word becomes its context at once, as who dies last gets the counts. */
		if (number > 1)
			change_word(&c, SAXDP_OP_DIE, SAXDP_KIND_SA4, &key, 0, number - 1);
	}
	commit(&c, 0);
}

static void looks_require(struct traffic_test *t, uint64_t commits)
{
	uint64_t looks = t->looks->bss->looks, mixtures = t->looks->bss->mixtures;

	printf("# %llu commits, %llu looks, %llu mixtures\n", (unsigned long long)commits,
	       (unsigned long long)looks, (unsigned long long)mixtures);
	/* Neither was the other kept from going on. */
	assert_true(t->looks->bss->seen_sets[0] > LOOK_COMMITS);
	assert_true(t->looks->bss->seen_sets[1] > LOOK_COMMITS);
	assert_int_equal(mixtures, 0);
}

static bool looks_enough(const struct traffic_test *t, uint64_t commits)
{
	return commits >= LOOK_COMMITS && t->looks->bss->looks >= LOOKS;
}

static void packets_see_no_mixture_of_sas(void **state)
{
	struct traffic_test *t = *state;
	uint64_t number = 1;

	require_two_cpus(t);
	sas_swap(t, number);
	packets_start(t, t->looks->progs.look_sas, &any_frame);
	while (!looks_enough(t, number))
		sas_swap(t, ++number);
	beside_stop(t);
	looks_require(t, number);
}

/*
 * Each commit replaces the filter of each flow. Those of even numbers look at one address and two
 * ports, the others at a prefix and the protocol: no mask of one set is in the next.
 */
static void filters_swap(struct traffic_test *t, UINT64 number, UINT64 ids[LOOK_FLOWS])
{
	require(!FwpmTransactionBegin0(t->engine, 0), "%s", saxdp_error());
	for (uint32_t i = 0; i < LOOK_FLOWS; i++) {
		uint32_t remote = LOOK_REMOTE + (i << 8);
		FWP_V4_ADDR_AND_MASK prefix = { remote & 0xffffff00, 0xffffff00 };
		FWPM_FILTER_CONDITION0 conditions[] = {
			{
				.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
				.matchType = FWP_MATCH_EQUAL,
				.conditionValue = { .type = FWP_UINT32, .uint32 = remote },
			},
			{
				.fieldKey = FWPM_CONDITION_IP_PROTOCOL,
				.matchType = FWP_MATCH_EQUAL,
				.conditionValue = { .type = FWP_UINT8, .uint8 = IPPROTO_UDP },
			},
			{
				.fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
				.matchType = FWP_MATCH_EQUAL,
				.conditionValue = { .type = FWP_UINT16, .uint16 = 2000 },
			},
		};
		FWPM_FILTER0 filter = policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, conditions,
						    number % 2 ? 2 : 3);

		if (number % 2) {
			conditions[0].conditionValue.type = FWP_V4_ADDR_MASK;
			conditions[0].conditionValue.v4AddrMask = &prefix;
		}
		filter.weight.type = FWP_UINT64;
		filter.weight.uint64 = &number;
		if (ids[i])
			policy_delete(t->engine, ids[i]);
		ids[i] = policy_add(t->engine, &filter);
	}
	require(!FwpmTransactionCommit0(t->engine), "%s", saxdp_error());
}

static void packets_see_no_mixture_of_filters_and_masks(void **state)
{
	struct traffic_test *t = *state;
	UINT64 ids[LOOK_FLOWS] = {}, number = 1;

	require_two_cpus(t);
	filters_swap(t, number, ids);
	packets_start(t, t->looks->progs.look_flows, &any_frame);
	while (!looks_enough(t, number))
		filters_swap(t, ++number, ids);
	beside_stop(t);
	looks_require(t, number);
	dump_require_sound(t->session->inst, "after the commits");
}

/* --- no count is lost ------------------------------------------------------------------------------------ */

struct counted {
	struct fill fill;
	struct fill_context context;
	UINT64 id;
};

static void counted_init(struct traffic_test *t, struct counted *c)
{
	*c = (struct counted){ .fill = { .instance = t->instance, .engine = t->engine } };
	c->context = (struct fill_context){
		.tunnel = true,
		.local = any_frame.dst,
		.remote = any_frame.src,
		.policy = fill_tunnel_policy(&c->fill, any_frame.dst, any_frame.src),
		.spi = SPI,
		.outbound_spi = SPI + 1,
	};
	c->id = fill_context(&c->fill, &c->context);
}

/* Of the tunnel that the frames come from. */
static struct saxdp_tunnel_info tunnel_info(struct traffic_test *t)
{
	struct saxdp_tunnel_info *list, found = {};
	size_t count;

	require(!saxdp_tunnel_list(t->admin, &list, &count), "%s", saxdp_error());
	for (size_t i = 0; i < count; i++)
		if (list[i].remote[0] == inet_addr(any_frame.src))
			found = list[i];
	free(list);
	require(found.id, "no such tunnel");
	return found;
}

static uint64_t counter(struct traffic_test *t, enum saxdp_counter which)
{
	struct saxdp_stats stats;

	require(!saxdp_stats_get(t->admin, &stats), "%s", saxdp_error());
	return stats.counter[which].packets;
}

/* Another peer behind the same NAT comes and goes: the number of users is in the SA's value. */
static void users_change(struct traffic_test *t, const struct counted *c, uint32_t tunnel)
{
	struct saxdp_sa4_key key = {
		.destination = inet_addr(any_frame.dst),
		.spi = htonl(SPI),
		.protocol = IPPROTO_ESP,
		.direction = SAXDP_INBOUND,
	};
	struct saxdp_sa sa = { .context = c->id, .tunnel = tunnel, .users = 1 };
	struct change change;

	change_init(&change, t->session, SAXDP_EPOCH_SA);
	change_ensure(&change, SAXDP_KIND_SA4, &key, &sa);
	commit(&change, 0);
	change_init(&change, t->session, SAXDP_EPOCH_SA);
	change_die(&change, SAXDP_KIND_SA4, &key);
	commit(&change, 0);
}

static void changes_in_place_lose_no_count(void **state)
{
	static const struct saxdp_steer_target targets[] = {
		{ .kind = SAXDP_STEER_PASS },
		{ .kind = SAXDP_STEER_DEFAULT },
	};
	struct traffic_test *t = *state;
	struct saxdp_tunnel_info tunnel;
	struct counted c;
	unsigned int changes = 0;
	uint64_t sent;

	require_two_cpus(t);
	counted_init(t, &c);
	tunnel = tunnel_info(t);
	packets_start(t, t->ingress->progs.xdp_ingress, &any_frame);
	for (; changes < CHANGES || t->beside->rounds < ROUNDS; changes++) {
		require(!saxdp_steer(t->admin, tunnel.id, &targets[changes % 2]), "%s",
			saxdp_error());
		users_change(t, &c, tunnel.id);
	}
	beside_stop(t);
	sent = t->beside->rounds * t->beside->runs;
	tunnel = tunnel_info(t);
	printf("# %llu packets beside %u changes\n", (unsigned long long)sent, 3 * changes);
	assert_int_equal(tunnel.inbound.packets, sent);
	assert_int_equal(tunnel.inbound.bytes, sent * frame_counted(&any_frame));
	assert_int_equal(counter(t, SAXDP_COUNT_ESP), sent);
	dump_require_sound(t->session->inst, "after the changes");
}

static bool packets_arrived(void *arg)
{
	struct traffic_test *t = arg;

	return tunnel_info(t).inbound.packets >= t->wanted;
}

static void deleting_and_taking_the_same_spi_under_traffic_loses_no_count(void **state)
{
	struct traffic_test *t = *state;
	struct saxdp_tunnel_info tunnel;
	struct fill_context other;
	uint64_t sent, before = 0;
	struct counted c;

	require_two_cpus(t);
	counted_init(t, &c);
	/* Keeps the address an endpoint: packets without an SA are counted as such. */
	other = c.context;
	other.remote = "198.51.100.8";
	other.policy = fill_tunnel_policy(&c.fill, other.local, other.remote);
	other.spi = SPI + 2;
	fill_context(&c.fill, &other);
	packets_start(t, t->ingress->progs.xdp_ingress, &any_frame);
	for (int i = 0; i < CYCLES; i++) {
		fill_context_delete(&c.fill, c.id);
		if (i % 8 == 0)
			reclaim_all(t->session);
		c.id = fill_context(&c.fill, &c.context);
		/* What an SA has counted is always in one place or the other. */
		tunnel = tunnel_info(t);
		assert_true(tunnel.inbound.packets >= before);
		before = tunnel.inbound.packets + PACKETS_EACH;
		t->wanted = before;
		assert_true(wait_until(packets_arrived, t, WAIT_MS));
	}
	beside_stop(t);
	sent = t->beside->rounds * t->beside->runs;
	tunnel = tunnel_info(t);
	printf("# %llu packets, %llu while they had no SA\n", (unsigned long long)sent,
	       (unsigned long long)counter(t, SAXDP_COUNT_UNKNOWN_SPI));
	assert_int_equal(counter(t, SAXDP_COUNT_ESP), sent);
	assert_int_equal(tunnel.inbound.packets + counter(t, SAXDP_COUNT_UNKNOWN_SPI), sent);
	reclaim_all(t->session);
	assert_int_equal(tunnel_info(t).inbound.packets, tunnel.inbound.packets);
	dump_require_sound(t->session->inst, "after the deletes");
}

static void arrive(struct traffic_test *t, unsigned int packets)
{
	uint8_t bytes[FRAME_SPEC_MAX];
	struct frame frame = { bytes, frame_build(&any_frame, bytes) };
	struct testrun run = { .repeat = packets };

	require(!testrun_frame(bpf_program__fd(t->ingress->progs.xdp_ingress), &frame, &run),
		"BPF_PROG_RUN: %m");
}

/* Whatever the dead SA meets first: being reclaimed, or that its SPI is taken again. */
static void counts_of_an_sa_that_is_gone_are_in_its_tunnel_once(void **state)
{
	struct traffic_test *t = *state;
	uint64_t sent = 0;
	struct counted c;

	counted_init(t, &c);
	for (unsigned int i = 1; i <= 40; i++) {
		arrive(t, i);
		sent += i;
		assert_int_equal(tunnel_info(t).inbound.packets, sent);
		fill_context_delete(&c.fill, c.id);
		assert_int_equal(tunnel_info(t).inbound.packets, sent);
		if (i % 3 == 0) {
			reclaim_all(t->session);
			assert_int_equal(tunnel_info(t).inbound.packets, sent);
		}
		c.id = fill_context(&c.fill, &c.context);
		assert_int_equal(tunnel_info(t).inbound.packets, sent);
	}
	fill_context_delete(&c.fill, c.id);
	reclaim_all(t->session);
	assert_int_equal(tunnel_info(t).inbound.packets, sent);
	assert_int_equal(tunnel_info(t).inbound.bytes, sent * frame_counted(&any_frame));
	assert_int_equal(counter(t, SAXDP_COUNT_UNKNOWN_SPI), 0);
}

/* --- readers see one state ------------------------------------------------------------------------------ */

enum { TOGETHER = 24, ENUMERATIONS = 300, MOVES = 300 };

struct state_seen {
	const struct view *view;
	uint64_t count, first;
	bool mixed;
};

static int filter_see(void *ctx, const void *key, const void *value)
{
	const struct saxdp_filter *f = value;
	struct state_seen *s = ctx;

	(void)key;
	if (!view_alive(s->view, SAXDP_EPOCH_POLICY, &f->life))
		return 0;
	s->mixed |= s->count && f->weight != s->first;
	s->first = f->weight;
	s->count++;
	return 0;
}

/* Filters by the library's own reading, and by its list; a reader may be told to come again. */
static int filters_enumerate(struct child *self, void *arg)
{
	struct saxdp_filter_info *list;
	struct beside *b = arg;
	struct saxdp *s;
	size_t count;
	int err;

	require(!saxdp_open(b->instance, &s), "%s", saxdp_error());
	child_reach(self);
	while (!b->stop) {
		err = saxdp_filter_list(s, &list, &count);
		b->rounds++;
		if (err == -ETIMEDOUT) {
			b->timeouts++;
			continue;
		}
		require(!err, "list: %d %s", err, saxdp_error());
		require(count == b->objects, "%zu filters of %llu", count,
			(unsigned long long)b->objects);
		for (size_t i = 1; i < count; i++)
			require(list[i].weight == list[0].weight, "filters of two commits");
		free(list);
	}
	saxdp_close(s);
	return 0;
}

static int filters_view(struct child *self, void *arg)
{
	struct beside *b = arg;
	struct instance *inst;
	int err;

	require(!instance_get(b->instance, INSTANCE_READ, &inst), "%s", saxdp_error());
	child_reach(self);
	while (!b->stop) {
		struct view v = VIEW_INIT(inst);
		struct state_seen seen;

		do {
			seen = (struct state_seen){ .view = &v };
			err = view_begin(&v);
			if (err)
				break;
			err = store_each(inst, SAXDP_KIND_FILTER, filter_see, &seen);
		} while (view_again(&v, &err));
		b->rounds++;
		require(!err, "view: %d", err);
		require(seen.count == b->objects && !seen.mixed, "%llu filters%s",
			(unsigned long long)seen.count, seen.mixed ? " of two commits" : "");
		assert_true(v.lock < 0); /* given back */
		b->retries += v.tries;
	}
	instance_put(inst);
	return 0;
}

/* All filters are replaced in each commit, and all that is dead is taken away after it. */
static void filters_move(struct traffic_test *t, UINT64 ids[TOGETHER], UINT64 number)
{
	require(!FwpmTransactionBegin0(t->engine, 0), "%s", saxdp_error());
	for (int i = 0; i < TOGETHER; i++) {
		FWPM_FILTER_CONDITION0 condition = {
			.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
			.matchType = FWP_MATCH_EQUAL,
			.conditionValue = { .type = FWP_UINT32, .uint32 = LOOK_REMOTE + i },
		};
		FWPM_FILTER0 filter =
			policy_filter(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &condition, 1);

		filter.weight.type = FWP_UINT64;
		filter.weight.uint64 = &number;
		if (ids[i])
			policy_delete(t->engine, ids[i]);
		ids[i] = policy_add(t->engine, &filter);
	}
	require(!FwpmTransactionCommit0(t->engine), "%s", saxdp_error());
}

/* As the library does it: under the writer lock, that a reader may hold shared. */
static void reclaim_locked(struct traffic_test *t)
{
	struct write_lock lock = WRITE_LOCK_INIT;

	require(!write_lock_take(&lock, t->session->inst, 15000), "%s", saxdp_error());
	reclaim_all(t->session);
	write_lock_release(&lock);
}

static void enumerate_beside_commits(struct traffic_test *t, const struct child_opts *opts,
				     child_fn fn)
{
	UINT64 ids[TOGETHER] = {}, number = 1;

	require_two_cpus(t);
	t->beside->objects = TOGETHER;
	t->beside->timeouts = 0;
	filters_move(t, ids, number);
	beside_start(t, opts, fn);
	while ((t->beside->rounds < ENUMERATIONS || number < MOVES) &&
	       !wait_exit(t->child.pid, 0)) {
		filters_move(t, ids, ++number);
		reclaim_locked(t);
	}
	beside_stop(t);
	printf("# %llu enumerations beside %llu commits, %llu told to come again\n",
	       (unsigned long long)t->beside->rounds, (unsigned long long)number,
	       (unsigned long long)t->beside->timeouts);
	assert_true(t->beside->rounds - t->beside->timeouts >= ENUMERATIONS / 2);
}

static void enumeration_beside_commits_is_one_state(void **state)
{
	struct traffic_test *t = *state;

	enumerate_beside_commits(t, NULL, filters_view);
	printf("# %llu began again\n", (unsigned long long)t->beside->retries);
	assert_true(t->beside->retries > 0);
}

static void list_beside_commits_is_one_state(void **state)
{
	struct traffic_test *t = *state;

	enumerate_beside_commits(t, NULL, filters_enumerate);
	assert_int_equal(t->beside->timeouts, 0);
}

/* Who may not hold a writer up gets one state or a timeout, never something between. */
static void list_of_a_mere_reader_is_one_state(void **state)
{
	const struct child_opts opts = { .as = &reader };

	enumerate_beside_commits(*state, &opts, filters_enumerate);
}

#define traffic_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		traffic_test(packets_see_no_mixture_of_sas),
		traffic_test(packets_see_no_mixture_of_filters_and_masks),
		traffic_test(changes_in_place_lose_no_count),
		traffic_test(deleting_and_taking_the_same_spi_under_traffic_loses_no_count),
		traffic_test(counts_of_an_sa_that_is_gone_are_in_its_tunnel_once),
		traffic_test(enumeration_beside_commits_is_one_state),
		traffic_test(list_beside_commits_is_one_state),
		traffic_test(list_of_a_mere_reader_is_one_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
