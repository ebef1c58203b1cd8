// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Writers that die, or whose system call fails, at each point where they can: the maps hold the
 * state before or the state after, nothing between, and the next writer works.
 *
 * link: -Wl,--wrap=syscall -Wl,--wrap=flock
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "fill.h"
#include "policy.h"
#include "scratch.h"

enum {
	CONTEXTS = 64,
	FILTERS = 2048,
	KILLED = 128 + SIGKILL,
	ADDRESSES = 40, /* of one filter: each is a selector */
	OLD_FILTERS = 60,
	NEW_FILTERS = 300, /* with 43 operations and more each: two runs at least */
	FEW = 12,
	SPI = 0x1000,
};

/* --- faults ------------------------------------------------------------------------------------- */

enum fault_calls {
	FAULT_RUNS = 1, /* of a program */
	FAULT_OTHERS = 2, /* bpf() for anything else, flock() */
};

/* At the k-th of the calls that are counted. */
static struct {
	unsigned int at; /* 0: none */
	unsigned int seen;
	unsigned int calls; /* enum fault_calls */
	int error; /* 0: die before the call */
} fault;

static bool fault_hits(enum fault_calls call)
{
	if (!fault.at || !(fault.calls & call) || ++fault.seen != fault.at)
		return false;
	if (!fault.error)
		raise(SIGKILL);
	errno = fault.error;
	return true;
}

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_bpf && fault_hits(a == BPF_PROG_TEST_RUN ? FAULT_RUNS : FAULT_OTHERS))
		return -1;
	return __real_syscall(number, a, b, c, d, e, f);
}

/* What is held can always be given back; who dies before that has committed. */
int __wrap_flock(int fd, int operation)
{
	return operation != LOCK_UN && fault_hits(FAULT_OTHERS) ? -1 : __real_flock(fd, operation);
}

static void fault_arm(unsigned int at, unsigned int calls, int error)
{
	fault.at = at;
	fault.seen = 0;
	fault.calls = calls;
	fault.error = error;
}

static void fault_disarm(void)
{
	fault.at = 0;
}

/* --- the instance --------------------------------------------------------------------------------- */

struct death_test {
	const char *instance;
	HANDLE engine; /* of the next writer */
	struct instance *inst;
	struct dump *before;
	UINT64 old[OLD_FILTERS];
	unsigned int olds;
	UINT64 policy; /* provider context */
	UINT64 outbound, inbound; /* filters of contexts */
	unsigned int at; /* the fault of the round */
	unsigned int filters; /* that a transaction adds */
};

static const GUID tunnel_key = { 0x5a7d0001, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } };
static const GUID other_tunnel_key = { 0x5a7d0002, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } };
static const GUID named_key = { 0x5a7d0003, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } };

/* What filters name: each object names the provider, too. */
static void named_add(HANDLE engine)
{
	static wchar_t title[] = L"named";
	const FWPM_PROVIDER0 provider = { .providerKey = named_key, .displayData.name = title };
	const FWPM_SUBLAYER0 sublayer = {
		.subLayerKey = named_key,
		.displayData.name = title,
		.providerKey = (GUID *)&named_key,
		.weight = 1000,
	};
	const FWPM_CALLOUT0 callout = {
		.calloutKey = named_key,
		.displayData.name = title,
		.providerKey = (GUID *)&named_key,
		.applicableLayer = FWPM_LAYER_INBOUND_TRANSPORT_V4,
	};

	require(!FwpmProviderAdd0(engine, &provider, NULL), "%s", saxdp_error());
	require(!FwpmSubLayerAdd0(engine, &sublayer, NULL), "%s", saxdp_error());
	require(!FwpmCalloutAdd0(engine, &callout, NULL, NULL), "%s", saxdp_error());
}

static void named_delete(HANDLE engine)
{
	require(!FwpmCalloutDeleteByKey0(engine, &named_key), "%s", saxdp_error());
	require(!FwpmSubLayerDeleteByKey0(engine, &named_key), "%s", saxdp_error());
	require(!FwpmProviderDeleteByKey0(engine, &named_key), "%s", saxdp_error());
}

/* No two are neighbours, which would be one prefix. */
static UINT64 filter_add(HANDLE engine, uint32_t number, const GUID *tunnel)
{
	FWPM_FILTER_CONDITION0 conditions[ADDRESSES];
	FWP_BYTE_ARRAY16 address6[ADDRESSES];
	bool v6 = number % 2;
	FWPM_FILTER0 filter;

	for (uint32_t i = 0; i < ADDRESSES; i++) {
		conditions[i] = (FWPM_FILTER_CONDITION0){
			.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
			.matchType = FWP_MATCH_EQUAL,
		};
		if (v6) {
			address6[i] = (FWP_BYTE_ARRAY16){ { 0x20, 1, 0xd, 0xb8 } };
			address6[i].byteArray16[13] = number >> 8;
			address6[i].byteArray16[14] = number;
			address6[i].byteArray16[15] = i * 2;
			conditions[i].conditionValue.type = FWP_BYTE_ARRAY16_TYPE;
			conditions[i].conditionValue.byteArray16 = &address6[i];
		} else {
			conditions[i].conditionValue.type = FWP_UINT32;
			conditions[i].conditionValue.uint32 = 0x0a000000 + number * 256 + i * 2;
		}
	}
	filter = policy_filter(v6 ? &FWPM_LAYER_INBOUND_TRANSPORT_V6 :
				    &FWPM_LAYER_INBOUND_TRANSPORT_V4,
			       conditions, ADDRESSES);
	if (tunnel) {
		filter.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
		filter.providerContextKey = *tunnel;
	}
	filter.providerKey = (GUID *)&named_key;
	if (number % 3)
		filter.subLayerKey = named_key;
	if (!v6) {
		filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
		filter.action.calloutKey = named_key;
	}
	return policy_add(engine, &filter);
}

static void context_traffic(const struct death_test *t, struct fill_context *ret)
{
	*ret = (struct fill_context){
		.local = "192.0.2.1",
		.remote = "198.51.100.7",
		.policy = t->outbound,
		.inbound_filter = t->inbound,
		.spi = SPI,
		.outbound_spi = SPI + 1,
	};
}

static struct fill fill_of(const struct death_test *t, HANDLE engine)
{
	return (struct fill){ .instance = t->instance, .engine = engine };
}

static int setup(void **state)
{
	static struct death_test t;
	struct fill_context traffic;
	struct fill f;

	t = (struct death_test){ .instance = policy_load("death", CONTEXTS, FILTERS) };
	t.engine = policy_open(0, 0);
	require(!instance_get(t.instance, INSTANCE_READ, &t.inst), "%s", saxdp_error());
	f = fill_of(&t, t.engine);
	named_add(t.engine);
	t.policy = policy_tunnel_add(t.engine, &tunnel_key);
	for (t.olds = 0; t.olds < FEW; t.olds++)
		t.old[t.olds] = filter_add(t.engine, t.olds, t.olds < FEW / 2 ? &tunnel_key : NULL);
	t.outbound = fill_filter(&f, "out", false, "198.51.100.7");
	t.inbound = fill_filter(&f, "in", true, "198.51.100.7");
	/* One context that stays, and what a deleted one leaves: its tunnel and endpoint. */
	context_traffic(&t, &traffic);
	fill_context_delete(&f, fill_context(&f, &traffic));
	traffic.spi += 16;
	traffic.outbound_spi += 16;
	fill_context(&f, &traffic);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct death_test *t = *state;

	fault_disarm();
	dump_free(t->before);
	if (t->engine)
		FwpmEngineClose0(t->engine);
	instance_put(t->inst);
	saxdp_unload(t->instance, true);
	return scratch_teardown(state);
}

static void remember(struct death_test *t)
{
	dump_free(t->before);
	t->before = dump_take(t->inst);
}

/* The number of commits of an epoch since remember(). */
static uint64_t commits_since(const struct death_test *t, enum saxdp_epoch_id epoch)
{
	struct saxdp_engine e;

	require(!store_engine(t->inst, &e), "engine: %m");
	return e.epoch[epoch].generation - dump_generation(t->before, epoch);
}

static void require_unchanged(const struct death_test *t, const char *when)
{
	struct dump *after = dump_take(t->inst);

	dump_require_same(t->before, after, when);
	dump_free(after);
}

/* --- a transaction ---------------------------------------------------------------------------------- */

/* Replaces filters, what they name, and names; takes more than one run. */
static void rewrite(const struct death_test *t, HANDLE engine)
{
	FWPM_PROVIDER_CONTEXT0 context;
	IPSEC_TUNNEL_POLICY0 policy;

	for (unsigned int i = 0; i < t->olds; i++)
		policy_delete(engine, t->old[i]);
	named_delete(engine);
	named_add(engine);
	require(!FwpmProviderContextDeleteById0(engine, t->policy), "%s", saxdp_error());
	context = policy_tunnel(&policy);
	context.providerKey = (GUID *)&named_key;
	context.providerContextKey = tunnel_key; /* another one of the same name */
	require(!FwpmProviderContextAdd0(engine, &context, NULL, NULL), "%s", saxdp_error());
	context.providerContextKey = other_tunnel_key;
	require(!FwpmProviderContextAdd0(engine, &context, NULL, NULL), "%s", saxdp_error());
	for (unsigned int i = 0; i < t->filters; i++)
		filter_add(engine, i, i % 2 ? &tunnel_key : NULL);
}

static int rewrite_and_die(struct child *self, void *arg)
{
	const struct death_test *t = arg;
	HANDLE engine = policy_open(0, 0);

	(void)self;
	require(!FwpmTransactionBegin0(engine, 0), "%s", saxdp_error());
	rewrite(t, engine);
	fault_arm(t->at, FAULT_RUNS | FAULT_OTHERS, 0);
	require(!FwpmTransactionCommit0(engine), "%s", saxdp_error());
	fault_disarm();
	return 0;
}

/* Alternately: the two ways in which a writer meets what is left. */
static void next_writer_works(struct death_test *t, unsigned int round)
{
	struct fill f = fill_of(t, t->engine);
	UINT64 id;

	if (round % 2) {
		require(!FwpmTransactionBegin0(t->engine, 0), "%s", saxdp_error());
		require(!FwpmTransactionAbort0(t->engine), "%s", saxdp_error());
		require_unchanged(t, "after an empty transaction");
		dump_require_sound(t->inst, "after an empty transaction");
	}
	id = fill_filter(&f, "next", true, "203.0.113.9");
	policy_delete(t->engine, id);
	dump_require_sound(t->inst, "after the next writer");
	require_unchanged(t, "after the next writer");
}

static void killed_in_the_commit_of_a_transaction_leaves_the_old_state(void **state)
{
	struct death_test *t = *state;
	struct child c;
	int status;

	t->filters = NEW_FILTERS;
	for (t->at = 1;; t->at++) {
		char *text;

		remember(t);
		child_start(&c, NULL, rewrite_and_die, t);
		status = child_join(&c, &text);
		if (!status) {
			free(text);
			break;
		}
		require(status == KILLED, "status %d: %s", status, text);
		free(text);
		assert_int_equal(commits_since(t, SAXDP_EPOCH_POLICY), 0);
		next_writer_works(t, t->at);
	}
	printf("# killed before each of %u system calls of the commit\n", t->at - 1);
	/* Two runs and what is between them were among them. */
	assert_true(t->at > 3);
	assert_int_equal(commits_since(t, SAXDP_EPOCH_POLICY), 1);
	dump_require_sound(t->inst, "after the commit");
	remember(t);
	assert_int_equal(dump_count(t->before, SAXDP_KIND_FILTER), t->filters + 2);
	assert_true(dump_count(t->before, SAXDP_KIND_SELECTOR4) +
			    dump_count(t->before, SAXDP_KIND_SELECTOR6) >
		    SAXDP_RUN_OPS);
}

static void readers_see_the_old_state_between_two_runs(void **state)
{
	struct death_test *t = *state;
	unsigned int filters, selectors4, selectors6;
	struct saxdp_engine e;
	struct dump *now;
	struct child c;

	t->filters = NEW_FILTERS;
	remember(t);
	filters = dump_count(t->before, SAXDP_KIND_FILTER);
	selectors4 = dump_count(t->before, SAXDP_KIND_SELECTOR4);
	selectors6 = dump_count(t->before, SAXDP_KIND_SELECTOR6);
	/* The last run before the state shows that the first has written. */
	for (t->at = 1;; t->at++) {
		char *text;
		int status;

		child_start(&c, NULL, rewrite_and_die, t);
		status = child_join(&c, &text);
		require(status == KILLED, "status %d: %s", status, text);
		free(text);
		require(!store_engine(t->inst, &e), "engine: %m");
		if (e.txn_dirty)
			break;
		next_writer_works(t, 1);
	}
	now = dump_take(t->inst);
	assert_int_equal(dump_generation(now, SAXDP_EPOCH_POLICY), e.epoch[0].generation);
	assert_int_equal(dump_count(now, SAXDP_KIND_FILTER), filters);
	assert_int_equal(dump_count(now, SAXDP_KIND_SELECTOR4), selectors4);
	assert_int_equal(dump_count(now, SAXDP_KIND_SELECTOR6), selectors6);
	dump_free(now);
	next_writer_works(t, 0);
}

static int rewrite_and_hold(struct child *self, void *arg)
{
	const struct death_test *t = arg;
	HANDLE engine = policy_open(0, 0);

	require(!FwpmTransactionBegin0(engine, 0), "%s", saxdp_error());
	rewrite(t, engine);
	child_hold(self);
	return 0;
}

static void killed_before_the_commit_frees_the_engine(void **state)
{
	struct death_test *t = *state;
	struct child c;

	t->filters = FEW;
	for (unsigned int round = 0; round < 2; round++) {
		remember(t);
		child_start(&c, NULL, rewrite_and_hold, t);
		child_await(&c);
		require_unchanged(t, "while a transaction is open, apart from its holder");
		child_kill(&c);
		next_writer_works(t, round);
	}
}

static void transaction_whose_call_fails_is_undone(void **state)
{
	struct death_test *t = *state;
	unsigned int at;
	DWORD result;

	t->filters = NEW_FILTERS;
	for (at = 1;; at++) {
		remember(t);
		require(!FwpmTransactionBegin0(t->engine, 0), "%s", saxdp_error());
		rewrite(t, t->engine);
		fault_arm(at, FAULT_RUNS | FAULT_OTHERS, EPERM);
		result = FwpmTransactionCommit0(t->engine);
		fault_disarm();
		if (!result)
			break;
		/* Taking back what a run did costs two generations, which nobody sees. */
		assert_int_equal(commits_since(t, SAXDP_EPOCH_POLICY) % 2, 0);
		require_unchanged(t, "after the commit has failed");
		next_writer_works(t, at);
	}
	assert_true(fault.seen < at); /* no failure was passed over */
	assert_int_equal(commits_since(t, SAXDP_EPOCH_POLICY), 1);
	printf("# failed at each of %u system calls of the commit\n", at - 1);
	dump_require_sound(t->inst, "after the commit");
}

/* --- single calls ------------------------------------------------------------------------------------- */

struct life {
	const struct death_test *t;
	HANDLE engine;
	UINT64 context, filter;
	IPSEC_TRAFFIC1 traffic;
	IPSEC_GETSPI1 get;
	IPSEC_SA0 sa;
	IPSEC_SA_BUNDLE1 bundle;
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 esp;
};

static UINT8 gcm_key[20];

static void life_init(struct life *l, const struct death_test *t, HANDLE engine)
{
	*l = (struct life){
		.t = t,
		.engine = engine,
		.traffic = {
			.ipVersion = FWP_IP_VERSION_V4,
			.localV4Address = 0xc0000201,
			.remoteV4Address = 0xc6336407,
			.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
			.ipsecFilterId = t->outbound,
		},
		.esp = {
			.saCipherInformation = {
				.cipherTransform.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
				.cipherKey = { sizeof(gcm_key), gcm_key },
			},
			.saAuthInformation = {
				.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
				.authKey = { sizeof(gcm_key), gcm_key },
			},
		},
		.bundle = { .numSAs = 1, .ipVersion = FWP_IP_VERSION_V4 },
	};
	l->get.inboundIpsecTraffic = l->traffic;
	l->get.inboundIpsecTraffic.ipsecFilterId = t->inbound;
	l->get.ipVersion = FWP_IP_VERSION_V4;
	l->sa.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER;
}

static DWORD life_create(struct life *l)
{
	return IPsecSaContextCreate1(l->engine, &l->traffic, NULL, NULL, &l->context);
}

static DWORD life_set_spi(struct life *l)
{
	return IPsecSaContextSetSpi0(l->engine, l->context, &l->get, SPI);
}

static DWORD life_add(struct life *l, bool inbound)
{
	l->sa.spi = inbound ? SPI : SPI + 1;
	l->sa.espAuthAndCipherInformation = &l->esp;
	l->bundle.saList = &l->sa;
	return inbound ? IPsecSaContextAddInbound1(l->engine, l->context, &l->bundle) :
			 IPsecSaContextAddOutbound1(l->engine, l->context, &l->bundle);
}

static DWORD life_add_inbound(struct life *l)
{
	return life_add(l, true);
}

static DWORD life_add_outbound(struct life *l)
{
	return life_add(l, false);
}

static DWORD life_delete(struct life *l)
{
	return IPsecSaContextDeleteById0(l->engine, l->context);
}

static DWORD life_filter_add(struct life *l)
{
	FWPM_FILTER_CONDITION0 condition = {
		.fieldKey = FWPM_CONDITION_IP_LOCAL_PORT,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_UINT16, .uint16 = 500 },
	};
	FWPM_FILTER0 filter = policy_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V6, &condition, 1);

	filter.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	filter.providerContextKey = tunnel_key;
	return FwpmFilterAdd0(l->engine, &filter, NULL, &l->filter);
}

static DWORD life_filter_delete(struct life *l)
{
	return FwpmFilterDeleteById0(l->engine, l->filter);
}

/* In the order of a life; each is one commit of its epoch. */
static const struct step {
	const char *name;
	DWORD (*call)(struct life *l);
	enum saxdp_epoch_id epoch;
} steps[] = {
	{ "create", life_create, SAXDP_EPOCH_SA },
	{ "set SPI", life_set_spi, SAXDP_EPOCH_SA },
	{ "add inbound", life_add_inbound, SAXDP_EPOCH_SA },
	{ "add outbound", life_add_outbound, SAXDP_EPOCH_SA },
	{ "delete", life_delete, SAXDP_EPOCH_SA },
	{ "add filter", life_filter_add, SAXDP_EPOCH_POLICY },
	{ "delete filter", life_filter_delete, SAXDP_EPOCH_POLICY },
};

enum {
	STEPS = sizeof(steps) / sizeof(*steps),
	DELETED = 5, /* steps after which the context is gone */
	FILTER_ADDED = 1, /* commits of the policy after which the filter is there */
};

static int live_and_die(struct child *self, void *arg)
{
	const struct death_test *t = arg;
	struct life l;

	(void)self;
	fault_arm(t->at, FAULT_RUNS | FAULT_OTHERS, 0);
	life_init(&l, t, policy_open(0, 0));
	for (int i = 0; i < STEPS; i++)
		require(!steps[i].call(&l), "%s: %s", steps[i].name, saxdp_error());
	policy_close(l.engine);
	fault_disarm();
	return 0;
}

struct newest {
	UINT64 id;
};

static int newest_take(void *ctx, const void *key, const void *value)
{
	const struct saxdp_life *life = value;
	struct newest *n = ctx;
	UINT64 id = *(const UINT64 *)key;

	if (life->died == SAXDP_NEVER && id > n->id)
		n->id = id;
	return 0;
}

static UINT64 newest(const struct death_test *t, enum saxdp_kind kind)
{
	struct newest n = {};

	require(!store_each(t->inst, kind, newest_take, &n), "%m");
	return n.id;
}

static void killed_in_a_single_call_leaves_the_state_before_or_after_it(void **state)
{
	struct death_test *t = *state;
	unsigned int reached[STEPS + 1] = {};
	struct child c;
	int status;

	for (t->at = 1;; t->at++) {
		uint64_t sa, policy;
		char *text;

		remember(t);
		child_start(&c, NULL, live_and_die, t);
		status = child_join(&c, &text);
		require(!status || status == KILLED, "call %u: status %d: %s", t->at, status, text);
		free(text);
		sa = commits_since(t, SAXDP_EPOCH_SA);
		policy = commits_since(t, SAXDP_EPOCH_POLICY);
		require(sa <= DELETED && (!policy || sa == DELETED), "commits out of order");
		reached[sa + policy]++;
		dump_require_sound(t->inst, "after the kill");
		if (sa == 0)
			require_unchanged(t, "before the first commit");
		else if (sa < DELETED)
			assert_int_equal(IPsecSaContextDeleteById0(t->engine,
								   newest(t, SAXDP_KIND_CONTEXT)),
					 ERROR_SUCCESS);
		if (policy == FILTER_ADDED)
			policy_delete(t->engine, newest(t, SAXDP_KIND_FILTER));
		require_unchanged(t, "when what the dead one had is deleted");
		next_writer_works(t, t->at);
		if (!status)
			break;
	}
	for (int i = 0; i <= STEPS; i++)
		require(reached[i], "nobody died after %d steps", i);
	printf("# killed before each of %u system calls\n", t->at - 1);
}

/* A life up to a step; the other half of it. */
static void live_until(struct life *l, const struct death_test *t, int step)
{
	life_init(l, t, t->engine);
	for (int i = 0; i < step; i++)
		require(!steps[i].call(l), "%s: %s", steps[i].name, saxdp_error());
}

static void live_on_from(struct life *l, int done)
{
	if (done && done < DELETED)
		require(!life_delete(l), "%s", saxdp_error());
	if (done == DELETED + FILTER_ADDED)
		require(!life_filter_delete(l), "%s", saxdp_error());
}

/* A call that fails has changed nothing; one that knows another way has done all of it. */
static void single_call_whose_system_call_fails_has_changed_nothing(void **state)
{
	static const int errors[] = { EPERM, ENOMEM, EINTR };
	struct death_test *t = *state;
	unsigned int at, failed = 0, passed = 0;
	bool hit;

	for (size_t e = 0; e < sizeof(errors) / sizeof(*errors); e++) {
		for (int i = 0; i < STEPS; i++) {
			at = 0;
			do {
				struct life l;
				DWORD result;

				live_until(&l, t, i);
				remember(t);
				fault_arm(++at, FAULT_RUNS | FAULT_OTHERS, errors[e]);
				result = steps[i].call(&l);
				hit = fault.seen >= at;
				fault_disarm();
				require(hit || !result, "%s: %s", steps[i].name, saxdp_error());
				dump_require_sound(t->inst, steps[i].name);
				assert_int_equal(commits_since(t, steps[i].epoch), !result);
				if (result)
					require_unchanged(t, steps[i].name);
				failed += hit && result;
				passed += hit && !result;
				live_on_from(&l, result ? i : i + 1);
			} while (hit);
		}
	}
	printf("# %u calls failed, %u knew another way\n", failed, passed);
	assert_true(failed > STEPS);
}

#define death_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		death_test(killed_in_the_commit_of_a_transaction_leaves_the_old_state),
		death_test(readers_see_the_old_state_between_two_runs),
		death_test(killed_before_the_commit_frees_the_engine),
		death_test(transaction_whose_call_fails_is_undone),
		death_test(killed_in_a_single_call_leaves_the_state_before_or_after_it),
		death_test(single_call_whose_system_call_fails_has_changed_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
