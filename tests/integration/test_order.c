// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The order that programs written for WFP use, watched from another process: policy, context, SPI,
 * inbound bundle, outbound bundle, rekey by a second context, delete. After each step the maps hold
 * what that step adds and nothing else, and the context that serves is the one that the rule at
 * struct saxdp_serve names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

enum { CONTEXTS = 32, FIRST_SPI = 0x1000, SECOND_SPI = 0x2000, PEER_SPI = 0x100 };

static struct client client;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "order", CONTEXTS);
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

/* --- one daemon, watched ---------------------------------------------------------------------------------- */

struct daemon {
	unsigned int kind;
	bool chooses; /* SetSpi0 instead of GetSpi1 */
	unsigned int peer;
	unsigned int tunnels; /* that others have left, for their totals */
	/* What it tells the watcher. */
	struct path path;
	UINT64 first, second;
	UINT32 first_spi, second_spi;
};

static UINT32 take_spi(const struct daemon *d, HANDLE engine, UINT64 id, UINT32 chosen)
{
	IPSEC_SA_SPI spi = chosen;

	if (d->chooses)
		assert_ok(IPsecSaContextSetSpi0(engine, id, &d->path.get, chosen));
	else
		assert_ok(IPsecSaContextGetSpi1(engine, id, &d->path.get, &spi));
	return spi;
}

static int run_daemon(struct child *self, void *arg)
{
	struct daemon *d = *(struct daemon **)arg; /* shared with the watcher */
	struct client own = { .instance = client.instance, .engine = client_session(0, 0) };
	struct path *p = &d->path;

	path_make(&own, d->kind, d->peer, p);
	child_hold(self);
	d->first = path_create(p);
	child_hold(self);
	d->first_spi = take_spi(d, own.engine, d->first, FIRST_SPI);
	child_hold(self);
	path_inbound(p, d->first, d->first_spi);
	child_hold(self);
	path_outbound(p, d->first, PEER_SPI * 1);
	child_hold(self);
	d->second = path_create(p);
	child_hold(self);
	d->second_spi = take_spi(d, own.engine, d->second, SECOND_SPI);
	path_inbound(p, d->second, d->second_spi);
	child_hold(self);
	path_outbound(p, d->second, PEER_SPI * 2);
	child_hold(self);
	context_delete(own.engine, d->first);
	child_hold(self);
	context_delete(own.engine, d->second);
	child_hold(self);
	path_release(p);
	client_session_end(own.engine);
	return 0;
}

static void expect_count(const char *step, const char *map, unsigned int wanted)
{
	unsigned int count = maps_count(client.instance, map);

	if (count != wanted)
		fail_msg("%s: %u entries in %s, not %u", step, count, map, wanted);
}

struct expected {
	const char *step;
	unsigned int contexts, sas;
	unsigned int larval, inbound,
		outbound; /* which contexts have it: bits, 1 the first, 2 the second */
	unsigned int serves; /* 1 or 2; 0: none */
};

static const struct expected steps[] = {
	{ "policy", 0, 0, 0, 0, 0, 0 },
	{ "create", 1, 0, 0, 0, 0, 0 },
	{ "SPI", 1, 1, 1, 0, 0, 0 },
	{ "inbound", 1, 1, 0, 1, 0, 0 },
	{ "outbound", 1, 2, 0, 1, 1, 1 },
	{ "second create", 2, 2, 0, 1, 1, 1 },
	{ "second inbound", 2, 3, 0, 3, 1, 1 },
	{ "second outbound", 2, 4, 0, 3, 3, 2 },
	{ "first deleted", 1, 2, 0, 2, 2, 2 },
	{ "second deleted", 0, 0, 0, 0, 0, 0 },
};

static void expect_sas(const struct daemon *d, const struct expected *e, unsigned int which)
{
	UINT32 spi = which == 1 ? d->first_spi : d->second_spi;
	struct saxdp_sa sa;

	if (maps_sa(client.instance, &d->path, SAXDP_INBOUND, SA_LARVAL, spi, &sa) !=
	    !!(e->larval & which))
		fail_msg("%s: larval SA of context %u", e->step, which);
	if (maps_sa(client.instance, &d->path, SAXDP_INBOUND, SA_ESP, spi, &sa) !=
	    !!(e->inbound & which))
		fail_msg("%s: inbound SA of context %u", e->step, which);
	if (maps_sa(client.instance, &d->path, SAXDP_OUTBOUND, SA_ESP, PEER_SPI * which, &sa) !=
	    !!(e->outbound & which))
		fail_msg("%s: outbound SA of context %u", e->step, which);
}

static void expect_context(const struct daemon *d, const struct expected *e, unsigned int which)
{
	UINT64 id = which == 1 ? d->first : d->second;
	IPSEC_SA_CONTEXT1 *copy;

	if (IPsecSaContextGetById1(client.engine, id, &copy))
		return; /* counted apart */
	assert_int_equal(copy->saContextId, id);
	if (!!copy->inboundSa != !!(e->inbound & which) ||
	    !!copy->outboundSa != !!(e->outbound & which))
		fail_msg("%s: GetById1 of context %u", e->step, which);
	FwpmFreeMemory0((void **)&copy);
}

static void expect_step(const struct daemon *d, const struct expected *e)
{
	const struct path *p = &d->path;
	bool began = e != &steps[0];
	UINT64 serves = e->serves == 1 ? d->first : e->serves == 2 ? d->second : 0;
	struct saxdp_engine engine;
	struct saxdp_tunnel tunnel;

	expect_count(e->step, "context", e->contexts);
	expect_count(e->step, path_v6(p) ? "sa6" : "sa4", e->sas);
	expect_count(e->step, path_v6(p) ? "sa4" : "sa6", 0);
	expect_count(e->step, "tunnel", d->tunnels + began);
	assert_int_equal(maps_tunnel(client.instance, p, &tunnel), began);
	if (began)
		assert_int_equal(tunnel.contexts, e->contexts);
	assert_int_equal(maps_endpoint(client.instance, p), e->contexts);
	maps_engine(client.instance, &engine);
	assert_int_equal(engine.contexts, e->contexts);
	if (maps_serving(client.instance, p) != serves)
		fail_msg("%s: %llu serves, not %llu", e->step,
			 (unsigned long long)maps_serving(client.instance, p),
			 (unsigned long long)serves);
	for (unsigned int which = 1; which <= 2; which++) {
		expect_sas(d, e, which);
		expect_context(d, e, which);
	}
	client_sound(&client, e->step);
}

static void each_step_adds_what_it_says(void **state)
{
	struct daemon *d =
		mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	require(d != MAP_FAILED, "mmap: %m");
	for (unsigned int i = 0; i < PATH_KINDS * 2; i++) {
		struct child child;

		*d = (struct daemon){ .kind = i / 2, .chooses = i % 2, .peer = i + 1, .tunnels = i };
		child_start(&child, NULL, run_daemon, &d);
		for (size_t s = 0; s < sizeof(steps) / sizeof(*steps); s++) {
			child_await(&child);
			expect_step(d, &steps[s]);
			child_go(&child);
		}
		child_finish(&child);
		expect_count("released", "filter", 0);
		expect_count("released", "prov_context", 0);
	}
	munmap(d, sizeof(*d));
}

/* --- daemons that come and go ---------------------------------------------------------------------------- */

static int make_and_wait(struct child *self, void *arg)
{
	struct path p = *(const struct path *)arg;

	p.engine = client_session(0, 0);
	(void)path_context(&p, FIRST_SPI, PEER_SPI);
	child_hold(self);
	return 0;
}

/* A context is not its session's: packets go on while the daemon starts again and rekeys. */
static void a_killed_daemon_leaves_its_contexts_to_the_next(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct saxdp_tunnel first, second;
		struct saxdp_context context;
		struct child child;
		struct path p;
		UINT64 old, new;

		path_make(&client, kind, 1, &p);
		child_start(&child, NULL, make_and_wait, &p);
		child_await(&child);
		child_kill(&child);
		old = maps_serving(client.instance, &p);
		assert_int_not_equal(old, 0);
		assert_true(maps_tunnel(client.instance, &p, &first));

		new = path_context(&p, SECOND_SPI, PEER_SPI * 2);
		assert_int_equal(maps_serving(client.instance, &p), new);
		context_delete(client.engine, old);
		assert_false(maps_context(client.instance, old, &context));
		assert_int_equal(maps_serving(client.instance, &p), new);
		/* It is the same tunnel, with its steering and its history. */
		assert_true(maps_tunnel(client.instance, &p, &second));
		assert_int_equal(second.id, first.id);
		assert_int_equal(second.first_ns, first.first_ns);
		context_delete(client.engine, new);
		path_release(&p);
	}
}

static void a_rekey_keeps_the_steering(void **state)
{
	const struct saxdp_steer_target pass = { .kind = SAXDP_STEER_PASS };
	struct saxdp *s;

	(void)state;
	assert_int_equal(saxdp_open(client.instance, &s), 0);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		struct saxdp_tunnel tunnel;
		struct saxdp_sa sa;
		struct path p;

		path_make(&client, kind, 1, &p);
		(void)path_context(&p, FIRST_SPI, PEER_SPI);
		assert_true(maps_tunnel(client.instance, &p, &tunnel));
		assert_int_equal(saxdp_steer(s, tunnel.id, &pass), 0);
		assert_true(maps_sa(client.instance, &p, SAXDP_INBOUND, SA_ESP, FIRST_SPI, &sa));
		assert_int_equal(sa.steer, SAXDP_STEER(SAXDP_STEER_PASS, 0));
		(void)path_context(&p, SECOND_SPI, PEER_SPI * 2);
		assert_true(maps_sa(client.instance, &p, SAXDP_INBOUND, SA_ESP, SECOND_SPI, &sa));
		assert_int_equal(sa.steer, SAXDP_STEER(SAXDP_STEER_PASS, 0));
		for (UINT32 spi = FIRST_SPI; spi <= SECOND_SPI; spi += SECOND_SPI - FIRST_SPI) {
			assert_true(maps_sa(client.instance, &p, SAXDP_INBOUND, SA_ESP, spi, &sa));
			context_delete(client.engine, sa.context);
		}
		path_release(&p);
	}
	saxdp_close(s);
}

/* --- which context serves --------------------------------------------------------------------------------- */

enum { ABREAST = 6 };

/* The slow, obvious rule: the one that lives and got its outbound bundle last. */
struct model {
	UINT64 id[ABREAST]; /* 0: none */
	unsigned int outbound[ABREAST]; /* when it got its outbound bundle; 0: not yet */
	unsigned int now;
};

static UINT64 model_serving(const struct model *m)
{
	unsigned int newest = 0;
	UINT64 id = 0;

	for (int i = 0; i < ABREAST; i++) {
		if (!m->id[i] || m->outbound[i] <= newest)
			continue;
		newest = m->outbound[i];
		id = m->id[i];
	}
	return id;
}

static void model_context(struct model *m, const struct path *p, int i)
{
	UINT32 spi = FIRST_SPI + p->kind * ABREAST + i;

	m->id[i] = path_larval(p, spi);
	path_inbound(p, m->id[i], spi);
	m->outbound[i] = 0;
}

static void model_outbound(struct model *m, const struct path *p, int i)
{
	path_outbound(p, m->id[i], PEER_SPI * (i + 1));
	m->outbound[i] = ++m->now;
}

static void model_delete(struct model *m, int i)
{
	context_delete(client.engine, m->id[i]);
	m->id[i] = 0;
	m->outbound[i] = 0;
}

static void model_compare(const struct model *m, const struct path *p, const char *what)
{
	UINT64 serving = maps_serving(client.instance, p), wanted = model_serving(m);

	if (serving != wanted)
		fail_msg("%s, %s: %llu serves, not %llu", path_kind_name(p->kind), what,
			 (unsigned long long)serving, (unsigned long long)wanted);
}

/* In each order in which four contexts can go. */
static void the_newest_that_is_left_serves(void **state)
{
	enum { AT_ONCE = 4, ORDERS = 24 };
	struct path p;

	(void)state;
	path_make(&client, PATH_TUNNEL, 1, &p);
	for (int order = 0; order < ORDERS; order++) {
		int left[AT_ONCE] = { 0, 1, 2, 3 }, number = order;
		struct model m = {};
		char what[64];

		for (int i = 0; i < AT_ONCE; i++) {
			model_context(&m, &p, i);
			model_outbound(&m, &p, i);
			model_compare(&m, &p, "a newer one came");
		}
		for (int n = AT_ONCE; n > 0; n--) {
			int at = number % n, i = left[at];

			number /= n;
			for (int k = at; k < n - 1; k++)
				left[k] = left[k + 1];
			model_delete(&m, i);
			snprintf(what, sizeof(what), "order %d, context %d went", order, i);
			model_compare(&m, &p, what);
		}
		client_sound(&client, "after an order");
	}
}

/* One that was made later may get its bundle before one that was made earlier. */
static void the_bundle_decides_and_not_the_context(void **state)
{
	struct model m = {};
	struct path p;

	(void)state;
	path_make(&client, PATH_TRANSPORT | PATH_V6, 1, &p);
	for (int i = 0; i < 3; i++)
		model_context(&m, &p, i);
	model_compare(&m, &p, "none has a bundle");
	model_outbound(&m, &p, 2);
	model_compare(&m, &p, "the third has one");
	model_outbound(&m, &p, 0);
	model_compare(&m, &p, "then the first");
	model_outbound(&m, &p, 1);
	model_compare(&m, &p, "then the second");
	model_delete(&m, 1);
	model_compare(&m, &p, "the second went");
	model_delete(&m, 0);
	model_compare(&m, &p, "the first went");
	model_delete(&m, 2);
	model_compare(&m, &p, "all went");
}

static void serving_contexts_are_those_of_the_model(void **state)
{
	const unsigned int rounds = getenv("SAXDP_TEST_LONG") ? 20000 : 1000;
	const char *given = getenv("SAXDP_TEST_SEED");
	unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 0) : 20240229;
	struct model m[PATH_KINDS] = {};
	struct path p[PATH_KINDS];
	char what[64];

	(void)state;
	printf("# seed %u\n", seed);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, 1, &p[kind]);
	for (unsigned int round = 0; round < rounds; round++) {
		unsigned int kind = rand_r(&seed) % PATH_KINDS;
		int i = rand_r(&seed) % ABREAST;
		struct model *own = &m[kind];

		if (!own->id[i])
			model_context(own, &p[kind], i);
		else if (!own->outbound[i] && rand_r(&seed) % 2)
			model_outbound(own, &p[kind], i);
		else
			model_delete(own, i);
		snprintf(what, sizeof(what), "round %u", round);
		for (kind = 0; kind < PATH_KINDS; kind++)
			model_compare(&m[kind], &p[kind], what);
		if (round % 100 == 0)
			client_sound(&client, what);
	}
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(each_step_adds_what_it_says),
		STORY(a_killed_daemon_leaves_its_contexts_to_the_next),
		STORY(a_rekey_keeps_the_steering),
		STORY(the_newest_that_is_left_serves),
		STORY(the_bundle_decides_and_not_the_context),
		STORY(serving_contexts_are_those_of_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
