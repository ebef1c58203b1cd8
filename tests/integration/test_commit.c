// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The commit program: lists that fail are undone, the dead make room, and nobody gets by it what is
 * not his.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "fill.h"
#include "policy.h"
#include "scratch.h"

enum {
	CONTEXTS = 64,
	FILTERS = 64,
	FEW_CONTEXTS = 4,
	MANY_CONTEXTS = 65536,
	CYCLES = 1000,
	SPI = 0x1000,
	SHORT_WAIT_MS = 30,
};

static const gid_t reader_groups[] = { POLICY_READERS };
static const gid_t writer_groups[] = { POLICY_READERS, POLICY_WRITERS };
static const struct identity stranger = { .uid = POLICY_STRANGER, .gid = POLICY_STRANGER };
static const struct identity reader = {
	.uid = POLICY_STRANGER,
	.gid = POLICY_STRANGER,
	.groups = reader_groups,
	.n_groups = 1,
};
static const struct identity writer = {
	.uid = POLICY_STRANGER,
	.gid = POLICY_STRANGER,
	.groups = writer_groups,
	.n_groups = 2,
};

struct commit_test {
	const char *instance;
	HANDLE engine;
	struct session *session;
	struct fill fill;
	struct dump *before;
	UINT64 policy, outbound, inbound;
	UINT64 served,
		bare; /* a context with all it can have; one of the same tunnel with nothing */
	struct saxdp_tunnel_key tunnel;
};

static void load_and_open(struct commit_test *t, uint32_t contexts)
{
	*t = (struct commit_test){ .instance = policy_load("commit", contexts, FILTERS) };
	t->engine = policy_open(0, 0);
	require(!session_get(t->engine, &t->session), "%s", saxdp_error());
	t->fill = (struct fill){ .instance = t->instance, .engine = t->engine };
}

static int setup(void **state)
{
	static struct commit_test t;
	struct fill_context c = {
		.local = "192.0.2.1",
		.remote = "198.51.100.7",
		.spi = SPI,
		.outbound_spi = SPI + 1,
	};

	load_and_open(&t, CONTEXTS);
	t.policy = policy_tunnel_add(t.engine, NULL);
	t.outbound = c.policy = fill_filter(&t.fill, "out", false, c.remote);
	t.inbound = c.inbound_filter = fill_filter(&t.fill, "in", true, c.remote);
	t.served = fill_context(&t.fill, &c);
	c.spi = c.outbound_spi = 0;
	t.bare = fill_context(&t.fill, &c);
	t.tunnel = (struct saxdp_tunnel_key){
		.policy = t.outbound,
		.local = { inet_addr(c.local) },
		.remote = { inet_addr(c.remote) },
		.family = 4,
	};
	*state = &t;
	return 0;
}

static int setup_few(void **state)
{
	static struct commit_test t;

	load_and_open(&t, FEW_CONTEXTS);
	*state = &t;
	return 0;
}

/* More than the grave of the SAs has places. */
static int setup_many(void **state)
{
	static struct commit_test t;

	load_and_open(&t, MANY_CONTEXTS);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct commit_test *t = *state;

	dump_free(t->before);
	session_put(t->session);
	if (t->engine)
		FwpmEngineClose0(t->engine);
	saxdp_unload(t->instance, true);
	return scratch_teardown(state);
}

static void remember(struct commit_test *t)
{
	dump_free(t->before);
	t->before = dump_take(t->session->inst);
}

static uint64_t commits_since(const struct commit_test *t, enum saxdp_epoch_id epoch)
{
	struct saxdp_engine e;

	require(!store_engine(t->session->inst, &e), "engine: %m");
	return e.epoch[epoch].generation - dump_generation(t->before, epoch);
}

static void require_unchanged(const struct commit_test *t, const char *when)
{
	struct dump *after = dump_take(t->session->inst);

	dump_require_same(t->before, after, when);
	dump_free(after);
	assert_int_equal(commits_since(t, SAXDP_EPOCH_POLICY), 0);
	assert_int_equal(commits_since(t, SAXDP_EPOCH_SA), 0);
	dump_require_sound(t->session->inst, when);
}

static int run_program(int program, struct saxdp_commit *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(*args));

	return bpf_prog_test_run_opts(program, &opts) ? -errno : args->error;
}

/* --- lists that fail -------------------------------------------------------------------------------- */

static struct saxdp_sa4_key sa_key(const char *destination, uint32_t spi, uint8_t direction)
{
	return (struct saxdp_sa4_key){
		.destination = inet_addr(destination),
		.spi = htonl(spi),
		.protocol = IPPROTO_ESP,
		.direction = direction,
	};
}

/* Every operation there is on the SA database, each where it can be done. */
static void list_of_sas(const struct commit_test *t, struct change *c)
{
	struct saxdp_sa4_key fresh = sa_key("192.0.2.1", SPI + 32, SAXDP_INBOUND);
	struct saxdp_sa4_key shared = sa_key("198.51.100.7", SPI + 1, SAXDP_OUTBOUND);
	struct saxdp_sa4_key own = sa_key("192.0.2.1", SPI, SAXDP_INBOUND);
	struct saxdp_endpoint_key here = { .address = { inet_addr("192.0.2.1") }, .family = 4 };
	struct saxdp_endpoint_key there = { .address = { inet_addr("192.0.2.77") }, .family = 4 };
	struct saxdp_blob_key text = { .kind = SAXDP_BLOB_CONTEXT, .id = t->bare };
	struct saxdp_sa sa = { .context = t->bare, .users = 1 };
	struct saxdp_tunnel_key other = t->tunnel;
	struct saxdp_tunnel tunnel = { .id = 4711 };
	struct saxdp_bundle bundle = { .sas = 1, .spi = { htonl(SPI + 32) } };
	struct saxdp_endpoint endpoint = {};
	struct saxdp_context context = { .policy = t->outbound };
	struct saxdp_blob blob = { .data = "text" };
	uint64_t id = 1 << 20;
	uint32_t zero = 0;

	other.remote[0]++;
	change_word(c, SAXDP_OP_ABSENT, SAXDP_KIND_SA4, &fresh, 0, 0);
	change_insert(c, SAXDP_KIND_SA4, &fresh, &sa);
	change_ensure(c, SAXDP_KIND_SA4, &shared, &sa); /* one user more */
	change_word(c, SAXDP_OP_DIE, SAXDP_KIND_SA4, &shared, 0, t->served); /* and one less */
	change_word(c, SAXDP_OP_DIE, SAXDP_KIND_SA4, &shared, 0, t->bare);
	change_word(c, SAXDP_OP_STORE, SAXDP_KIND_SA4, &own, offsetof(struct saxdp_sa, tunnel), 1);
	change_word(c, SAXDP_OP_DIE, SAXDP_KIND_SA4, &own, 0, t->served);
	change_ensure(c, SAXDP_KIND_ENDPOINT, &here, &endpoint);
	change_ensure(c, SAXDP_KIND_ENDPOINT, &there, &endpoint);
	change_word(c, SAXDP_OP_ADD, SAXDP_KIND_ENDPOINT, &there,
		    offsetof(struct saxdp_endpoint, contexts), 5);
	change_word(c, SAXDP_OP_ADD, SAXDP_KIND_TUNNEL, &t->tunnel,
		    offsetof(struct saxdp_tunnel, contexts), -1);
	change_insert(c, SAXDP_KIND_TUNNEL, &other, &tunnel);
	change_fill(c, t->bare, offsetof(struct saxdp_context, spi_born),
		    (const char *)&context + offsetof(struct saxdp_context, inbound_policy),
		    offsetof(struct saxdp_context, tunnel) -
			    offsetof(struct saxdp_context, inbound_policy));
	change_fill(c, t->bare, offsetof(struct saxdp_context, inbound),
		    (const char *)&bundle + sizeof(bundle.born),
		    sizeof(bundle) - sizeof(bundle.born));
	change_fill(c, t->bare, offsetof(struct saxdp_context, outbound),
		    (const char *)&bundle + sizeof(bundle.born),
		    sizeof(bundle) - sizeof(bundle.born));
	change_serve(c, &t->tunnel, t->bare);
	change_word(c, SAXDP_OP_SERVED, SAXDP_KIND_TUNNEL, &t->tunnel, 0, t->served);
	change_insert(c, SAXDP_KIND_BLOB, &text, &blob);
	change_die(c, SAXDP_KIND_CONTEXT, &t->served);
	change_insert(c, SAXDP_KIND_CONTEXT, &id, &context);
	change_die(c, SAXDP_KIND_TUNNEL, &t->tunnel);
	change_word(c, SAXDP_OP_STORE, SAXDP_KIND_ENGINE, &zero,
		    offsetof(struct saxdp_engine, default_steer), SAXDP_STEER(2, 1));
}

static struct saxdp_selector4_key selector_key_of(uint32_t remote)
{
	return (struct saxdp_selector4_key){
		.layer = SAXDP_INBOUND_TRANSPORT_V4,
		.mask = 31,
		.remote = htonl(remote),
	};
}

enum { FULL_BUCKET = SAXDP_CANDIDATES + 1 };

static void list_of_policy(const struct commit_test *t, struct change *c)
{
	struct saxdp_selector4_key first = selector_key_of(1), second = selector_key_of(2);
	struct saxdp_blob_key text = { .kind = SAXDP_BLOB_FILTER, .id = 1 << 20, .part = 1 };
	struct saxdp_candidate candidate = { .weight = 1 };
	struct saxdp_filter filter = {
		.flags = SAXDP_FILTER_HAS_PROV_CONTEXT,
		.context = t->policy,
	};
	struct saxdp_prov_context policy = { .family = 4 };
	struct saxdp_blob blob = { .data = "text" };
	GUID name = { .Data1 = 0x5a7d };
	uint64_t id = 1 << 20;

	change_insert(c, SAXDP_KIND_FILTER, &id,
		      &filter); /* the provider context has a user more */
	change_guid(c, SAXDP_OP_GUID_ADD, SAXDP_KIND_FILTER, &name, id);
	change_insert(c, SAXDP_KIND_BLOB, &text, &blob);
	candidate.filter = id;
	for (int i = 0; i < FULL_BUCKET; i++) /* a bucket and its continuation */
		change_candidate_add(c, SAXDP_KIND_SELECTOR4, &first, &candidate);
	change_candidate_add(c, SAXDP_KIND_SELECTOR4, &second, &candidate);
	change_candidate_die(c, SAXDP_KIND_SELECTOR4, &first, id);
	change_guid(c, SAXDP_OP_GUID_DIE, SAXDP_KIND_FILTER, &name, id);
	change_guid(c, SAXDP_OP_GUID_ADD, SAXDP_KIND_FILTER, &name, id + 1);
	change_guid(c, SAXDP_OP_GUID_DIE, SAXDP_KIND_FILTER, &name, id + 1);
	change_guid(c, SAXDP_OP_GUID_ADD, SAXDP_KIND_FILTER, &name, id + 2);
	change_die(c, SAXDP_KIND_FILTER, &id); /* and one less */
	change_word(c, SAXDP_OP_ADD, SAXDP_KIND_FILTER, &t->inbound,
		    offsetof(struct saxdp_filter, users), 3);
	change_insert(c, SAXDP_KIND_PROV_CONTEXT, &id, &policy);
	change_die(c, SAXDP_KIND_PROV_CONTEXT, &t->policy);
}

/* Ways to fail, and with what. */
static void add_expectation(const struct commit_test *t, struct change *c)
{
	change_word(c, SAXDP_OP_EXPECT, SAXDP_KIND_FILTER, &t->inbound,
		    offsetof(struct saxdp_filter, weight), 1234567);
}

static void add_existing(const struct commit_test *t, struct change *c)
{
	struct saxdp_filter filter = {};

	change_insert(c, SAXDP_KIND_FILTER, &t->inbound, &filter);
}

static void add_missing(const struct commit_test *t, struct change *c)
{
	uint64_t id = 1 << 21;

	(void)t;
	change_die(c, SAXDP_KIND_CONTEXT, &id);
}

static void add_forbidden(const struct commit_test *t, struct change *c)
{
	change_word(c, SAXDP_OP_STORE, SAXDP_KIND_FILTER, &t->inbound,
		    offsetof(struct saxdp_filter, packets), 1);
}

static void add_unknown(const struct commit_test *t, struct change *c)
{
	(void)t;
	change_word(c, 255, SAXDP_KIND_FILTER, &t->inbound, 0, 0);
}

static const struct failure {
	const char *name;
	void (*add)(const struct commit_test *t, struct change *c);
	int err;
} failures[] = {
	{ "an expectation that does not hold", add_expectation, -ESTALE },
	{ "an entry that exists", add_existing, -EEXIST },
	{ "an entry that does not", add_missing, -ESTALE },
	{ "a word that is not the writers'", add_forbidden, -EPERM },
	{ "no operation", add_unknown, -EINVAL },
};

static void each_length_is_undone(struct commit_test *t, enum saxdp_epoch_id epoch,
				  void (*list)(const struct commit_test *t, struct change *c))
{
	uint32_t length, count = 1;
	char when[128];
	struct change c;
	int err;

	remember(t);
	for (length = 0; length < count; length++) {
		for (size_t f = 0; f < sizeof(failures) / sizeof(*failures); f++) {
			change_init(&c, t->session, epoch);
			list(t, &c);
			require(!c.err, "list: %d", c.err);
			count = c.count;
			change_truncate(&c, length);
			failures[f].add(t, &c);
			err = change_commit(&c);
			snprintf(when, sizeof(when), "%u operations, then %s", length,
				 failures[f].name);
			require(err == failures[f].err, "%s: %d at %u", when, err, c.failed);
			assert_int_equal(c.failed, length);
			change_release(&c);
			require_unchanged(t, when);
		}
	}
	/* Without the failure it can be done: no operation of it was refused. */
	change_init(&c, t->session, epoch);
	list(t, &c);
	err = change_commit(&c);
	require(!err, "whole list: %d at %u", err, c.failed);
	change_release(&c);
	assert_int_equal(commits_since(t, epoch), 1);
	printf("# %u operations\n", count);
}

static void list_on_sas_that_fails_is_undone_at_each_length(void **state)
{
	each_length_is_undone(*state, SAXDP_EPOCH_SA, list_of_sas);
}

static void list_on_the_policy_that_fails_is_undone_at_each_length(void **state)
{
	each_length_is_undone(*state, SAXDP_EPOCH_POLICY, list_of_policy);
}

static void full_map_undoes_the_list(void **state)
{
	struct commit_test *t = *state;
	struct saxdp_context context = { .policy = 1 };
	uint64_t id = 1 << 20;
	struct change c;

	remember(t);
	change_init(&c, t->session, SAXDP_EPOCH_SA);
	for (int i = 0; i <= FEW_CONTEXTS; i++, id++)
		change_insert(&c, SAXDP_KIND_CONTEXT, &id, &context);
	assert_int_equal(change_commit(&c), -ENOSPC);
	assert_int_equal(c.failed, FEW_CONTEXTS);
	change_release(&c);
	require_unchanged(t, "more contexts than there is room for");
}

static void expectation_of_another_policy_fails_before_anything(void **state)
{
	struct commit_test *t = *state;
	struct change c;

	remember(t);
	for (int by = -1; by <= 1; by++) {
		change_init(&c, t->session, SAXDP_EPOCH_SA);
		list_of_sas(t, &c);
		c.expect_policy = dump_generation(t->before, SAXDP_EPOCH_POLICY) + by;
		assert_int_equal(change_commit(&c), by ? -ESTALE : 0);
		change_release(&c);
		if (by)
			assert_int_equal(commits_since(t, SAXDP_EPOCH_SA), 0);
		if (!by)
			break;
	}
	assert_int_equal(commits_since(t, SAXDP_EPOCH_SA), 1);
}

/* --- the dead make room ---------------------------------------------------------------------------------- */

static DWORD tunnel_context(const struct commit_test *t, uint32_t remote, UINT64 *ret)
{
	IPSEC_TRAFFIC1 traffic = {
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = 0xc0000201,
		.remoteV4Address = remote,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
		.ipsecFilterId = t->outbound,
	};

	return IPsecSaContextCreate1(t->engine, &traffic, NULL, NULL, ret);
}

/* Without conditions: any remote address fits. */
static void any_filter_add(struct commit_test *t)
{
	FWPM_FILTER0 filter = policy_ipsec_filter(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
						  &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, NULL,
						  0);

	t->outbound = policy_add(t->engine, &filter);
}

static void deleted_contexts_make_room_a_thousand_times(void **state)
{
	struct commit_test *t = *state;
	UINT64 ids[FEW_CONTEXTS], one_more;
	uint32_t remote = 0x0a000000;

	any_filter_add(t);
	for (int i = 0; i < FEW_CONTEXTS; i++)
		assert_int_equal(tunnel_context(t, ++remote, &ids[i]), ERROR_SUCCESS);
	remember(t);
	assert_int_equal(tunnel_context(t, ++remote, &one_more), ERROR_NO_SYSTEM_RESOURCES);
	require_unchanged(t, "the fifth of four");
	for (int i = 0; i < CYCLES; i++) {
		UINT64 *id = &ids[i % FEW_CONTEXTS];

		assert_int_equal(IPsecSaContextDeleteById0(t->engine, *id), ERROR_SUCCESS);
		/* Odd: where one was before. Even: with a tunnel that nobody has had. */
		assert_int_equal(tunnel_context(t, i % 2 ? remote : ++remote, id), ERROR_SUCCESS);
		if (i % 64 == 0)
			dump_require_sound(t->session->inst, "delete and create");
	}
	remember(t);
	assert_int_equal(tunnel_context(t, ++remote, &one_more), ERROR_NO_SYSTEM_RESOURCES);
	require_unchanged(t, "the fifth of four, afterwards");
}

static void spi_is_taken_again_at_once(void **state)
{
	struct commit_test *t = *state;
	struct fill_context c = {
		.local = "192.0.2.1",
		.remote = "198.51.100.7",
		.policy = t->outbound,
		.inbound_filter = t->inbound,
		.spi = SPI,
		.outbound_spi = SPI + 1,
	};

	fill_context_delete(&t->fill, t->served);
	for (int i = 0; i < 100; i++)
		fill_context_delete(&t->fill, fill_context(&t->fill, &c));
	dump_require_sound(t->session->inst, "the same SPI, a hundred times");
}

/* A death needs its place in the grave: without one the list fails, and nothing is lost. */
static void grave_does_not_overflow(void **state)
{
	struct commit_test *t = *state;
	struct saxdp_endpoint_key key = { .family = 4 };
	struct saxdp_endpoint endpoint = {};
	uint32_t size, deaths = 0;
	struct saxdp_engine e;
	struct change c;
	char path[256];
	int lock, err;

	require(!store_engine(t->session->inst, &e), "engine: %m");
	size = e.grave_size[SAXDP_EPOCH_SA];
	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/write", t->instance);
	lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* As a reader at its third try: nobody may take away what is dead. */
	require(lock >= 0 && !flock(lock, LOCK_SH), "%s: %m", path);
	t->session->txn_wait_ms = SHORT_WAIT_MS;
	for (;;) {
		change_init(&c, t->session, SAXDP_EPOCH_SA);
		for (int i = 0; i < SAXDP_SESSION_OPS / 2; i++) {
			key.address[0] = deaths + i + 1;
			change_insert(&c, SAXDP_KIND_ENDPOINT, &key, &endpoint);
			change_die(&c, SAXDP_KIND_ENDPOINT, &key);
		}
		if (size - deaths < SAXDP_SESSION_OPS)
			remember(t);
		err = change_commit(&c);
		if (err)
			break;
		deaths += SAXDP_SESSION_OPS / 2;
		change_release(&c);
		require(deaths <= size, "%u deaths in a grave of %u", deaths, size);
	}
	assert_int_equal(err, FWP(FWP_E_TIMEOUT));
	assert_true(deaths > size - SAXDP_SESSION_OPS);
	require_unchanged(t, "a death without a grave");
	assert_int_equal(flock(lock, LOCK_UN), 0);
	assert_int_equal(change_commit(&c), 0);
	change_release(&c);
	/* One run takes half of a full grave. */
	assert_true(instance_mirror(t->session->inst)->dead[SAXDP_EPOCH_SA] <=
		    size / 2 + SAXDP_SESSION_OPS);
	dump_require_sound(t->session->inst, "after reclaiming");
	close(lock);
}

static void same_selector_is_filled_and_emptied_again_and_again(void **state)
{
	struct commit_test *t = *state;

	for (int i = 0; i < 3 * SAXDP_CHAIN * SAXDP_CANDIDATES; i++)
		policy_delete(t->engine, fill_filter(&t->fill, "again", true, "203.0.113.9"));
	dump_require_sound(t->session->inst, "the same selector");
}

/* --- who may do what ------------------------------------------------------------------------------------- */

/* Everything that a writer could forge with a word, and that no word is. */
static const struct forgery {
	const char *name;
	enum saxdp_kind kind;
	size_t offset;
} forgeries[] = {
	{ "an SA's birth", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, life.born) },
	{ "an SA's death", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, life.died) },
	{ "an SA's packets", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, packets) },
	{ "an SA's bytes", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, bytes) },
	{ "an SA's last use", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, last_used) },
	{ "an SA's packets of others", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, packets_other) },
	{ "an SA's bytes of others", SAXDP_KIND_SA4, offsetof(struct saxdp_sa, bytes_other) },
	{ "a context's birth", SAXDP_KIND_CONTEXT, offsetof(struct saxdp_context, life.born) },
	{ "a context's death", SAXDP_KIND_CONTEXT, offsetof(struct saxdp_context, life.died) },
	{ "a tunnel's birth", SAXDP_KIND_TUNNEL, offsetof(struct saxdp_tunnel, life.born) },
	{ "a tunnel's death", SAXDP_KIND_TUNNEL, offsetof(struct saxdp_tunnel, life.died) },
	{ "a tunnel's totals", SAXDP_KIND_TUNNEL, offsetof(struct saxdp_tunnel, gone) },
	{ "a tunnel's clear packets", SAXDP_KIND_TUNNEL, offsetof(struct saxdp_tunnel, clear) },
	{ "who serves", SAXDP_KIND_TUNNEL, offsetof(struct saxdp_tunnel, serve) },
	{ "a filter's birth", SAXDP_KIND_FILTER, offsetof(struct saxdp_filter, life.born) },
	{ "a filter's death", SAXDP_KIND_FILTER, offsetof(struct saxdp_filter, life.died) },
	{ "a filter's packets", SAXDP_KIND_FILTER, offsetof(struct saxdp_filter, packets) },
	{ "a filter's owner", SAXDP_KIND_FILTER, offsetof(struct saxdp_filter, owner) },
	{ "the policy's generation", SAXDP_KIND_ENGINE,
	  offsetof(struct saxdp_engine, epoch[SAXDP_EPOCH_POLICY].generation) },
	{ "the SAs' generation", SAXDP_KIND_ENGINE,
	  offsetof(struct saxdp_engine, epoch[SAXDP_EPOCH_SA].generation) },
	{ "what is graced", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, epoch[0].graced) },
	{ "what is reclaimed", SAXDP_KIND_ENGINE,
	  offsetof(struct saxdp_engine, epoch[0].reclaimed) },
	{ "the grave", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, epoch[1].grave_head) },
	{ "the dead sessions", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, dead_session) },
	{ "the open sessions", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, open_session) },
	{ "the ids", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, next_id) },
	{ "that it is busy", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, busy) },
	{ "its transaction", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, txn) & ~(size_t)7 },
	{ "its state", SAXDP_KIND_ENGINE, offsetof(struct saxdp_engine, abi_version) },
	{ "its limits", SAXDP_KIND_ENGINE,
	  offsetof(struct saxdp_engine, max_contexts) & ~(size_t)7 },
	{ "its groups", SAXDP_KIND_ENGINE,
	  offsetof(struct saxdp_engine, readers_gid) & ~(size_t)7 },
	{ "what lies behind it", SAXDP_KIND_ENGINE, sizeof(struct saxdp_engine) },
	{ "what lies far behind it", SAXDP_KIND_ENGINE, 0xfff8 },
	{ "the middle of a word", SAXDP_KIND_ENGINE,
	  offsetof(struct saxdp_engine, epoch[0].generation) + 4 },
};

static const void *forgery_key(const struct commit_test *t, enum saxdp_kind kind)
{
	static struct saxdp_sa4_key sa;
	static uint32_t zero;

	switch (kind) {
	case SAXDP_KIND_SA4:
		sa = sa_key("192.0.2.1", SPI, SAXDP_INBOUND);
		return &sa;
	case SAXDP_KIND_CONTEXT:
		return &t->served;
	case SAXDP_KIND_TUNNEL:
		return &t->tunnel;
	case SAXDP_KIND_FILTER:
		return &t->inbound;
	default:
		return &zero;
	}
}

static void words_that_are_not_the_writers_are_refused(void **state)
{
	static const enum saxdp_op_code codes[] = { SAXDP_OP_STORE, SAXDP_OP_ADD };
	struct commit_test *t = *state;
	struct change c;
	int err;

	remember(t);
	for (size_t i = 0; i < sizeof(forgeries) / sizeof(*forgeries); i++) {
		const struct forgery *f = &forgeries[i];

		for (size_t code = 0; code < sizeof(codes) / sizeof(*codes); code++) {
			for (int epoch = 0; epoch <= SAXDP_EPOCH_NONE; epoch++) {
				change_init(&c, t->session, epoch);
				change_word(&c, codes[code], f->kind, forgery_key(t, f->kind),
					    f->offset, 1);
				err = change_commit(&c);
				require(err == -EPERM || err == -ESTALE, "%s: %d", f->name, err);
				change_release(&c);
				require_unchanged(t, f->name);
			}
		}
	}
}

/* Runs and lists that no library makes. */
static void runs_that_are_not_in_order_are_refused(void **state)
{
	struct commit_test *t = *state;
	const struct instance *inst = t->session->inst;
	uint32_t first = SAXDP_STAGING_HEAD + t->session->slot * SAXDP_SESSION_OPS;
	struct saxdp_op *op = inst->staging + first;
	const struct {
		const char *name;
		struct saxdp_commit args;
		int err;
	} runs[] = {
		{ "more operations than one run has",
		  { .first = first, .count = SAXDP_RUN_OPS + 1 },
		  -EINVAL },
		{ "an epoch that is none",
		  { .epoch = SAXDP_EPOCHS + 1, .first = first, .count = 1 },
		  -EINVAL },
		{ "operations behind the staging",
		  { .first = SAXDP_STAGING_OPS - 1, .count = 2 },
		  -EINVAL },
		{ "operations far behind the staging",
		  { .first = UINT32_MAX, .count = 3 },
		  -EINVAL },
		{ "the head of the staging", { .first = 0, .count = 1 }, -EINVAL },
		{ "ids of no kind", { .id_kind = SAXDP_IDS, .id_count = 1 }, -EINVAL },
		{ "the runs of a transaction without one",
		  { .flags = SAXDP_COMMIT_MORE, .first = first, .count = 1 },
		  -EPERM },
		{ "the runs of a transaction on SAs",
		  { .epoch = SAXDP_EPOCH_SA,
		    .flags = SAXDP_COMMIT_MORE | SAXDP_COMMIT_BEGIN,
		    .txn = 1,
		    .first = first,
		    .count = 1 },
		  -EPERM },
		{ "a transaction that is not there",
		  { .txn = 1, .first = first, .count = 1 },
		  -EBUSY },
	};
	struct saxdp_commit args;

	remember(t);
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		uint32_t zero = 0;

		*op = (struct saxdp_op){
			.code = SAXDP_OP_EXPECT,
			.kind = SAXDP_KIND_ENGINE,
			.word = 0x0000000100000001, /* ABI version and state, as they are */
		};
		memcpy(op->key, &zero, sizeof(zero));
		args = runs[i].args;
		int err = run_program(inst->commit, &args);

		require(err == runs[i].err, "%s: %d", runs[i].name, err);
		require_unchanged(t, runs[i].name);
	}
}

/* Kinds that an operation is not for. */
static void operations_on_the_wrong_kind_are_refused(void **state)
{
	static const enum saxdp_op_code codes[] = {
		SAXDP_OP_INSERT, SAXDP_OP_ENSURE, SAXDP_OP_DIE, SAXDP_OP_STORE,	 SAXDP_OP_ADD,
		SAXDP_OP_FILL,	 SAXDP_OP_WRITE,  SAXDP_OP_PUT, SAXDP_OP_REMOVE,
	};
	static const uint8_t kinds[] = {
		SAXDP_KIND_KEY,	      SAXDP_KIND_SELECTOR4,
		SAXDP_KIND_SELECTOR6, SAXDP_KIND_MASK_USE,
		SAXDP_KIND_SESSION,   SAXDP_KIND_VIRTUAL_IF,
		SAXDP_KIND_COUNT,     255,
	};
	struct commit_test *t = *state;
	uint32_t first = SAXDP_STAGING_HEAD + t->session->slot * SAXDP_SESSION_OPS;
	const struct instance *inst = t->session->inst;

	remember(t);
	for (size_t c = 0; c < sizeof(codes) / sizeof(*codes); c++) {
		for (size_t k = 0; k < sizeof(kinds); k++) {
			for (uint32_t epoch = 0; epoch < SAXDP_EPOCHS; epoch++) {
				struct saxdp_commit args = {
					.epoch = epoch,
					.first = first,
					.count = 1,
				};
				int err;

				inst->staging[first] = (struct saxdp_op){
					.code = codes[c],
					.kind = kinds[k],
				};
				err = run_program(inst->commit, &args);
				require(err, "operation %d on kind %d was done", codes[c],
					kinds[k]);
				require_unchanged(t, "an operation on the wrong kind");
			}
		}
	}
}

static const char *const map_names[] = {
#define X(kind, map) #map,
	SAXDP_KINDS(X)
#undef X
		"engine_count",
	"attached",
	"steer_cpu",
	"steer_dev",
	"steer_xsk",
	"grave",
	"tick",
	"write/grace_inner",
};

static int pin_open(const char *instance, const char *name, uint32_t flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char path[256];
	int fd;

	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/%s", instance, name);
	fd = bpf_obj_get_opts(path, &opts);
	return fd < 0 ? -errno : fd;
}

/* Neither by opening it for writing nor by writing to what was opened for reading. */
static void require_not_writable(const char *instance, const char *name)
{
	static const uint8_t key[SAXDP_OP_KEY];
	static uint8_t value[1024];
	int fd = pin_open(instance, name, 0);

	require(fd == -EACCES || fd == -EPERM, "%s: opened for writing: %d", name, fd);
	fd = pin_open(instance, name, BPF_F_RDONLY);
	if (fd < 0)
		return;
	require(bpf_map_update_elem(fd, key, value, BPF_ANY) && errno == EPERM,
		"%s: updated by who may read (%m)", name);
	require(bpf_map_delete_elem(fd, key) && errno == EPERM, "%s: deleted (%m)", name);
	close(fd);
}

static int writer_acts(struct child *self, void *arg)
{
	struct commit_test *t = arg;
	struct fill_context c = {
		.local = "192.0.2.1",
		.remote = "198.51.100.7",
		.policy = t->outbound,
		.inbound_filter = t->inbound,
		.spi = SPI + 64,
		.outbound_spi = SPI + 65,
	};
	struct fill fill = { .instance = t->instance };

	(void)self;
	assert_false(identity_has_capabilities());
	fill.engine = policy_open(0, 0);
	fill_context_delete(&fill, fill_context(&fill, &c));
	policy_delete(fill.engine, fill_filter(&fill, "own", true, "203.0.113.9"));
	policy_close(fill.engine);
	for (size_t i = 0; i < sizeof(map_names) / sizeof(*map_names); i++)
		if (strcmp(map_names[i], "write/grace_inner"))
			require_not_writable(t->instance, map_names[i]);
	return 0;
}

static void writer_without_capabilities_commits_and_writes_no_map(void **state)
{
	const struct child_opts opts = { .as = &writer };
	struct commit_test *t = *state;

	child_run(&opts, writer_acts, t);
	dump_require_sound(t->session->inst, "after a writer without capabilities");
}

static int reader_acts(struct child *self, void *arg)
{
	static const char *const programs[] = { "write/commit", "write/recover", "write/tick_arm" };
	static const char *const maps[] = { "write/staging", "write/alive", "write/grace" };
	struct commit_test *t = arg;
	struct saxdp_context_info *list;
	struct saxdp *s;
	HANDLE engine;
	UINT64 id;
	size_t n;

	(void)self;
	assert_false(identity_has_capabilities());
	require(!saxdp_open(NULL, &s), "%s", saxdp_error());
	require(!saxdp_context_list(s, &list, &n), "%s", saxdp_error());
	assert_int_equal(n, 2);
	free(list);
	saxdp_close(s);
	engine = policy_open(0, 0);
	assert_int_equal(tunnel_context(t, 1, &id), ERROR_INVALID_HANDLE);
	assert_int_equal(IPsecSaContextDeleteById0(engine, t->served), ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmFilterDeleteById0(engine, t->inbound), ERROR_ACCESS_DENIED);
	assert_int_equal(FwpmTransactionBegin0(engine, 0), ERROR_ACCESS_DENIED);
	policy_close(engine);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pin_open(t->instance, programs[i], BPF_F_RDONLY), -EACCES);
		assert_int_equal(pin_open(t->instance, maps[i], BPF_F_RDONLY), -EACCES);
	}
	for (size_t i = 0; i < sizeof(map_names) / sizeof(*map_names); i++)
		require_not_writable(t->instance, map_names[i]);
	return 0;
}

static void reader_runs_no_program_and_writes_no_map(void **state)
{
	const struct child_opts opts = { .as = &reader };
	struct commit_test *t = *state;

	remember(t);
	child_run(&opts, reader_acts, t);
	require_unchanged(t, "after a reader");
}

static int stranger_acts(struct child *self, void *arg)
{
	struct commit_test *t = arg;
	HANDLE engine;

	(void)self;
	assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine),
			 ERROR_ACCESS_DENIED);
	for (size_t i = 0; i < sizeof(map_names) / sizeof(*map_names); i++)
		assert_int_equal(pin_open(t->instance, map_names[i], BPF_F_RDONLY), -EACCES);
	assert_int_equal(pin_open(t->instance, "write/commit", BPF_F_RDONLY), -EACCES);
	return 0;
}

static void stranger_opens_nothing(void **state)
{
	const struct child_opts opts = { .as = &stranger };

	child_run(&opts, stranger_acts, *state);
}

static void run_without_the_lock_fails_beside_a_transaction(void **state)
{
	struct commit_test *t = *state;
	const struct instance *inst = t->session->inst;
	uint32_t first = SAXDP_STAGING_HEAD + t->session->slot * SAXDP_SESSION_OPS;
	HANDLE other = policy_open(0, 0);
	struct saxdp_commit args;
	uint32_t zero = 0;

	require(!FwpmTransactionBegin0(other, 0), "%s", saxdp_error());
	remember(t);
	inst->staging[first] = (struct saxdp_op){
		.code = SAXDP_OP_STORE,
		.kind = SAXDP_KIND_ENGINE,
		.offset = offsetof(struct saxdp_engine, default_steer),
	};
	memcpy(inst->staging[first].key, &zero, sizeof(zero));
	for (uint32_t epoch = 0; epoch <= SAXDP_EPOCH_NONE; epoch++) {
		for (uint32_t flags = 0; flags < 8; flags++) {
			struct dump *after;

			if (epoch == SAXDP_EPOCH_NONE && !flags)
				continue; /* a switch is turned beside a transaction */
			args = (struct saxdp_commit){
				.epoch = epoch,
				.flags = flags,
				.first = first,
				.count = 1,
			};
			assert_int_equal(run_program(inst->commit, &args), -EBUSY);
			after = dump_take(inst);
			dump_require_same(t->before, after, "a run without the lock");
			dump_free(after);
		}
	}
	require(!FwpmTransactionAbort0(other), "%s", saxdp_error());
	require_unchanged(t, "after the transaction");
	policy_close(other);
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static void view_starts_again_when_what_it_saw_may_be_gone(void **state)
{
	struct commit_test *t = *state;
	struct instance *inst = t->session->inst;
	struct view v = VIEW_INIT(inst);
	struct saxdp_commit args;
	uint32_t zero = 0;
	int err = 0;

	assert_int_equal(view_begin(&v), 0);
	assert_false(view_again(&v, &err));
	assert_int_equal(err, 0);

	/* What is born or dies meanwhile is no reason. */
	assert_int_equal(view_begin(&v), 0);
	policy_delete(t->engine, fill_filter(&t->fill, "short", true, "203.0.113.9"));
	assert_false(view_again(&v, &err));

	/* That something is taken away is one. */
	assert_int_equal(view_begin(&v), 0);
	for (uint32_t epoch = 0; epoch < SAXDP_EPOCHS; epoch++) {
		args = (struct saxdp_commit){
			.epoch = epoch,
			.graced = instance_mirror(inst)->generation[epoch],
			.reclaim = SAXDP_RUN_OPS,
		};
		require(!bpf_map_update_elem(inst->grace, &zero, &inst->grace_inner, BPF_ANY),
			"%m");
		assert_int_equal(run_program(inst->commit, &args), 0);
	}
	err = -ENOENT; /* from an entry that was being taken away */
	assert_true(view_again(&v, &err));
	assert_int_equal(view_begin(&v), 0);
	err = 0;
	assert_false(view_again(&v, &err));
	assert_int_equal(err, 0);
	assert_int_equal(v.lock, -1);
}

static void view_ends_when_the_engine_is_unloaded(void **state)
{
	struct commit_test *t = *state;
	struct view v = VIEW_INIT(t->session->inst);
	int err = 0;

	assert_int_equal(view_begin(&v), 0);
	require(!saxdp_unload(t->instance, true), "%s", saxdp_error());
	assert_false(view_again(&v, &err));
	assert_int_equal(err, FWP(RPC_E_DISCONNECTED));
	v = (struct view)VIEW_INIT(t->session->inst);
	assert_int_equal(view_begin(&v), FWP(RPC_E_DISCONNECTED));
}

enum { NSEC_PER_SEC = 1000000000 };

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * (uint64_t)NSEC_PER_SEC + now.tv_nsec;
}

static void last_use_becomes_a_time(void **state)
{
	struct commit_test *t = *state;
	struct saxdp_engine e;
	struct timespec boot;
	uint64_t now, jiffies, slack;

	require(!store_engine(t->session->inst, &e), "engine: %m");
	clock_gettime(CLOCK_BOOTTIME, &boot);
	now = realtime_ns();
	/* The jiffy that it is now, from the pair of clocks that `load` took. */
	jiffies = e.clock_jiffies +
		  (boot.tv_sec * (uint64_t)NSEC_PER_SEC + boot.tv_nsec - e.clock_boot_ns) /
			  (NSEC_PER_SEC / e.hz);
	slack = 2 * NSEC_PER_SEC / e.hz + NSEC_PER_SEC / 10; /* and the clock being set under us */
	assert_int_equal(store_realtime_ns(&e, 0), 0);
	assert_in_range(store_realtime_ns(&e, jiffies), now - slack, now + slack);
	assert_in_range(store_realtime_ns(&e, jiffies - 10 * e.hz),
			now - 10ULL * NSEC_PER_SEC - slack, now - 10ULL * NSEC_PER_SEC + slack);
	/* An SA may have been used before the pair was taken. */
	assert_true(store_realtime_ns(&e, e.clock_jiffies - e.hz) <
		    store_realtime_ns(&e, e.clock_jiffies));
}

#define commit_test(test)      cmocka_unit_test_setup_teardown(test, setup, teardown)
#define commit_many_test(test) cmocka_unit_test_setup_teardown(test, setup_many, teardown)
#define commit_few_test(test)  cmocka_unit_test_setup_teardown(test, setup_few, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		commit_test(list_on_sas_that_fails_is_undone_at_each_length),
		commit_test(list_on_the_policy_that_fails_is_undone_at_each_length),
		commit_few_test(full_map_undoes_the_list),
		commit_test(expectation_of_another_policy_fails_before_anything),
		commit_few_test(deleted_contexts_make_room_a_thousand_times),
		commit_test(spi_is_taken_again_at_once),
		commit_many_test(grave_does_not_overflow),
		commit_test(same_selector_is_filled_and_emptied_again_and_again),
		commit_test(words_that_are_not_the_writers_are_refused),
		commit_test(runs_that_are_not_in_order_are_refused),
		commit_test(operations_on_the_wrong_kind_are_refused),
		commit_test(writer_without_capabilities_commits_and_writes_no_map),
		commit_test(reader_runs_no_program_and_writes_no_map),
		commit_test(stranger_opens_nothing),
		commit_test(run_without_the_lock_fails_beside_a_transaction),
		commit_test(view_starts_again_when_what_it_saw_may_be_gone),
		commit_test(view_ends_when_the_engine_is_unloaded),
		commit_test(last_use_becomes_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
