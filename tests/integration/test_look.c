// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What saxdp.h shows of an instance that was filled through the public API. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "check.h"
#include "child.h"
#include "fill.h"
#include "scratch.h"

#define LOCAL	"192.0.2.1"
#define REMOTE	"198.51.100.2"
#define REMOTE2 "198.51.100.3"
#define LOCAL6	"2001:db8::1"
#define REMOTE6 "2001:db8:ffff::2"

enum {
	ESP = 50,
	AH = 51,
	SPI_IN = 0x1001,
	SPI_OUT = 0x2001,
	SPI_AH = 0x3001,
	CONTEXTS = 64,
	MANY = 10000,
	REKEYS = 400, /* more than a reclaim's worth of deaths */
	BESIDE = 500, /* lists and commits at the same time */
	NOBODY = 61003,
};

struct look {
	struct fill fill;
	struct saxdp *s;
};

static void look_open(struct look *l, uint32_t contexts)
{
	fill_open(&l->fill, "look", contexts);
	require(!saxdp_open(l->fill.instance, &l->s), "%s", saxdp_error());
}

static void look_close(struct look *l)
{
	saxdp_close(l->s);
	fill_close(&l->fill);
}

static struct saxdp_status status(struct look *l)
{
	struct saxdp_status st;

	require(!saxdp_status_get(l->s, &st), "%s", saxdp_error());
	return st;
}

static struct saxdp_context_info context(struct look *l, uint64_t id)
{
	struct saxdp_context_info info;

	require(!saxdp_context_get(l->s, id, &info), "%s", saxdp_error());
	return info;
}

static struct saxdp_sa_info *sas(struct look *l, size_t expected)
{
	struct saxdp_sa_info *list;
	size_t count;

	require(!saxdp_sa_list(l->s, &list, &count), "%s", saxdp_error());
	assert_int_equal(count, expected);
	return list;
}

static struct saxdp_tunnel_info *tunnels(struct look *l, size_t expected)
{
	struct saxdp_tunnel_info *list;
	size_t count;

	require(!saxdp_tunnel_list(l->s, &list, &count), "%s", saxdp_error());
	assert_int_equal(count, expected);
	return list;
}

static struct saxdp_tunnel_info tunnel(struct look *l)
{
	struct saxdp_tunnel_info *list = tunnels(l, 1), t = list[0];

	free(list);
	return t;
}

/* A tunnel-mode context of the first policy, with both bundles. */
static struct fill_context keyed(uint64_t policy, uint32_t serial)
{
	return (struct fill_context){
		.tunnel = true,
		.local = LOCAL,
		.remote = REMOTE,
		.policy = policy,
		.spi = SPI_IN + serial,
		.outbound_spi = SPI_OUT + serial,
	};
}

/* --- one state ------------------------------------------------------------------------------------ */

static void nothing_is_listed_of_an_empty_instance(void **state)
{
	struct saxdp_context_info *contexts = (void *)1;
	struct saxdp_filter_info *filters = (void *)1;
	struct saxdp_status st;
	size_t count = 1;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	free(sas(&l, 0));
	free(tunnels(&l, 0));
	assert_int_equal(saxdp_context_list(l.s, &contexts, &count), 0);
	assert_int_equal(count, 0);
	free(contexts);
	assert_int_equal(saxdp_filter_list(l.s, &filters, &count), 0);
	assert_int_equal(count, 0);
	free(filters);
	st = status(&l);
	assert_int_equal(st.abi_version, SAXDP_ABI_VERSION);
	assert_int_equal(st.mode, SAXDP_MODE_MONITOR);
	assert_int_equal(st.max_contexts, CONTEXTS);
	assert_int_equal(st.contexts + st.filters + st.tunnels + st.sas, 0);
	assert_int_equal(st.sessions, 1);
	look_close(&l);
}

static void transport_context_shows_what_was_added(void **state)
{
	struct saxdp_context_info c;
	uint64_t in, out, id;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	out = fill_filter(&l.fill, "out", false, REMOTE);
	in = fill_filter(&l.fill, "in", true, REMOTE);
	id = fill_context(&l.fill, &(struct fill_context){
					   .local = LOCAL,
					   .remote = REMOTE,
					   .policy = out,
					   .inbound_filter = in,
					   .protocol = IPPROTO_TCP,
					   .local_port = 443,
					   .remote_port = 1024,
					   .spi = SPI_IN,
					   .outbound_spi = SPI_OUT,
				   });
	c = context(&l, id);
	assert_int_equal(c.id, id);
	assert_int_equal(c.type, SAXDP_TRANSPORT);
	assert_int_equal(c.family, 4);
	assert_int_equal(c.local[0], inet_addr(LOCAL));
	assert_int_equal(c.remote[0], inet_addr(REMOTE));
	assert_int_equal(c.protocol, IPPROTO_TCP);
	assert_int_equal(c.local_port, htons(443));
	assert_int_equal(c.remote_port, htons(1024));
	assert_int_equal(c.policy, out);
	assert_int_equal(c.inbound_filter_id, in);
	assert_int_equal(c.reserved_spi, 0);
	assert_int_equal(c.inbound_sas, 1);
	assert_int_equal(c.inbound[0].spi, htonl(SPI_IN));
	assert_int_equal(c.inbound[0].protocol, ESP);
	assert_int_equal(c.inbound[0].context, id);
	assert_int_equal(c.inbound[0].tunnel, c.tunnel);
	assert_int_equal(c.inbound[0].cpu, -1);
	assert_int_equal(c.inbound[0].last_used_ns, 0);
	assert_int_equal(c.outbound_sas, 1);
	assert_int_equal(c.outbound[0].spi, htonl(SPI_OUT));
	assert_int_equal(c.outbound[0].destination[0], inet_addr(REMOTE));
	look_close(&l);
}

static void inbound_filter_of_a_context_is_the_one_that_fits_now(void **state)
{
	uint64_t out, in, id;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	out = fill_filter(&l.fill, "out", false, REMOTE);
	id = fill_context(
		&l.fill, &(struct fill_context){ .local = LOCAL, .remote = REMOTE, .policy = out });
	assert_int_equal(context(&l, id).inbound_filter_id, 0);
	in = fill_filter(&l.fill, "in", true, REMOTE);
	assert_int_equal(context(&l, id).inbound_filter_id, in);
	assert_int_equal(FwpmFilterDeleteById0(l.fill.engine, in), ERROR_SUCCESS);
	assert_int_equal(context(&l, id).inbound_filter_id, 0);
	look_close(&l);
}

static void ipv6_context_shows_what_was_added(void **state)
{
	struct saxdp_context_info c;
	uint32_t address[4];
	struct look l;
	uint64_t id;

	(void)state;
	look_open(&l, CONTEXTS);
	id = fill_context(&l.fill, &(struct fill_context){
					   .tunnel = true,
					   .local = LOCAL6,
					   .remote = REMOTE6,
					   .policy = fill_tunnel_policy(&l.fill, LOCAL6, REMOTE6),
					   .spi = SPI_IN,
					   .outbound_spi = SPI_OUT,
				   });
	fill_count(&l.fill, &(struct fill_count){
				    .destination = REMOTE6,
				    .spi = SPI_OUT,
				    .protocol = ESP,
				    .direction = SAXDP_OUTBOUND,
				    .packets = 3,
				    .bytes = 300,
			    });
	c = context(&l, id);
	assert_int_equal(c.family, 6);
	assert_int_equal(c.type, SAXDP_TUNNEL);
	inet_pton(AF_INET6, LOCAL6, address);
	assert_memory_equal(c.local, address, sizeof(address));
	assert_memory_equal(c.inbound[0].destination, address, sizeof(address));
	inet_pton(AF_INET6, REMOTE6, address);
	assert_memory_equal(c.outbound[0].destination, address, sizeof(address));
	assert_int_equal(c.outbound[0].packets, 3);
	assert_int_equal(tunnel(&l).outbound.bytes, 300);
	look_close(&l);
}

static void context_without_bundles_shows_its_reserved_spi(void **state)
{
	uint64_t policy, without, with;
	struct saxdp_context_info c;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	policy = fill_tunnel_policy(&l.fill, LOCAL, REMOTE);
	without = fill_context(&l.fill, &(struct fill_context){ .tunnel = true,
								.local = LOCAL,
								.remote = REMOTE,
								.policy = policy });
	with = fill_context(&l.fill, &(struct fill_context){ .tunnel = true,
							     .local = LOCAL,
							     .remote = REMOTE,
							     .policy = policy,
							     .spi = SPI_IN,
							     .no_inbound = true });
	c = context(&l, without);
	assert_int_equal(c.reserved_spi, 0);
	assert_int_equal(c.inbound_sas + c.outbound_sas, 0);
	c = context(&l, with);
	assert_int_equal(c.reserved_spi, htonl(SPI_IN));
	assert_int_equal(c.inbound_sas + c.outbound_sas, 0);
	/* A larval SA is none yet. */
	free(sas(&l, 0));
	assert_int_equal(status(&l).sas, 0);
	look_close(&l);
}

static void bundle_of_esp_and_ah_shows_both(void **state)
{
	struct saxdp_context_info c;
	struct fill_context spec;
	struct saxdp_sa_info *list;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	spec = keyed(fill_tunnel_policy(&l.fill, LOCAL, REMOTE), 0);
	spec.ah_spi = SPI_AH;
	c = context(&l, fill_context(&l.fill, &spec));
	assert_int_equal(c.inbound_sas, 2);
	assert_int_equal(c.inbound[0].protocol, ESP);
	assert_int_equal(c.inbound[1].protocol, AH);
	assert_int_equal(c.inbound[1].spi, htonl(SPI_AH));
	assert_int_equal(c.outbound_sas, 1);
	list = sas(&l, 3);
	assert_int_equal(list[0].protocol, ESP);
	assert_int_equal(list[1].protocol, AH);
	assert_int_equal(list[2].direction, SAXDP_OUTBOUND);
	assert_int_equal(status(&l).sas, 3);
	free(list);
	look_close(&l);
}

static void filter_shows_what_was_added(void **state)
{
	struct saxdp_filter_info *list;
	uint64_t out, in;
	struct look l;
	size_t count;

	(void)state;
	look_open(&l, CONTEXTS);
	out = fill_filter(&l.fill, "the outbound one", false, REMOTE);
	in = fill_filter(&l.fill, "in", true, REMOTE);
	fill_context(&l.fill,
		     &(struct fill_context){ .local = LOCAL, .remote = REMOTE, .policy = out });
	assert_int_equal(saxdp_filter_list(l.s, &list, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(list[0].id, out);
	assert_string_equal(list[0].name, "the outbound one");
	assert_string_equal(saxdp_layer_name(list[0].layer), "FWPM_LAYER_OUTBOUND_TRANSPORT_V4");
	assert_string_equal(saxdp_sublayer_name(list[0].sublayer), "FWPM_SUBLAYER_UNIVERSAL");
	assert_string_equal(saxdp_callout_name(list[0].callout),
			    "FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4");
	assert_int_equal(list[0].action_type, FWP_ACTION_CALLOUT_TERMINATING);
	assert_int_equal(list[0].conditions, 1);
	assert_int_equal(list[0].selectors, 1);
	assert_true(list[0].enforced);
	assert_int_equal(list[0].users, 1);
	assert_int_equal(list[1].id, in);
	assert_string_equal(list[1].name, "in");
	assert_int_equal(list[1].users, 0);
	free(list);
	assert_int_equal(status(&l).filters, 2);
	assert_int_equal(FwpmFilterDeleteById0(l.fill.engine, in), ERROR_SUCCESS);
	assert_int_equal(saxdp_filter_list(l.s, &list, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(list[0].id, out);
	free(list);
	look_close(&l);
}

/* --- counts ---------------------------------------------------------------------------------------- */

static void counters_of_owner_and_others_are_added(void **state)
{
	struct saxdp_sa_info *list;
	struct fill_context spec;
	struct saxdp_tunnel_info t;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	spec = keyed(fill_tunnel_policy(&l.fill, LOCAL, REMOTE), 0);
	fill_context(&l.fill, &spec);
	fill_count(&l.fill, &(struct fill_count){
				    .destination = LOCAL,
				    .spi = SPI_IN,
				    .protocol = ESP,
				    .direction = SAXDP_INBOUND,
				    .packets = 10,
				    .bytes = 1000,
				    .packets_other = 1,
				    .bytes_other = 100,
				    .owner_cpu = 2,
			    });
	list = sas(&l, 2);
	assert_int_equal(list[0].packets, 11);
	assert_int_equal(list[0].bytes, 1100);
	assert_int_equal(list[0].cpu, 1);
	assert_true(list[0].last_used_ns > 0);
	assert_int_equal(list[1].packets, 0);
	t = tunnel(&l);
	assert_int_equal(t.inbound.packets, 11);
	assert_int_equal(t.inbound.bytes, 1100);
	assert_int_equal(t.outbound.packets, 0);
	assert_true(t.last_used_ns > 0);
	free(list);
	look_close(&l);
}

static void totals_of_a_tunnel_outlive_its_contexts(void **state)
{
	struct saxdp_tunnel_info t;
	struct fill_context spec;
	struct saxdp_status st;
	uint64_t policy, id;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	policy = fill_tunnel_policy(&l.fill, LOCAL, REMOTE);
	/* Dead and waiting, reclaimed, and replaced by an SA of the same key: nothing gets lost. */
	for (uint32_t i = 0; i < REKEYS; i++) {
		spec = keyed(policy, i % 7);
		id = fill_context(&l.fill, &spec);
		fill_count(&l.fill, &(struct fill_count){
					    .destination = LOCAL,
					    .spi = spec.spi,
					    .protocol = ESP,
					    .direction = SAXDP_INBOUND,
					    .packets = 2,
					    .bytes = 200,
				    });
		fill_count(&l.fill, &(struct fill_count){
					    .destination = REMOTE,
					    .spi = spec.outbound_spi,
					    .protocol = ESP,
					    .direction = SAXDP_OUTBOUND,
					    .packets = 1,
					    .bytes = 50,
				    });
		fill_context_delete(&l.fill, id);
		t = tunnel(&l);
		assert_int_equal(t.inbound.packets, 2 * (i + 1));
		assert_int_equal(t.inbound.bytes, 200 * (i + 1));
		assert_int_equal(t.outbound.packets, i + 1);
		assert_int_equal(t.outbound.bytes, 50 * (i + 1));
		assert_int_equal(t.contexts, 0);
		assert_int_equal(t.serving, 0);
	}
	st = status(&l);
	assert_int_equal(st.contexts, 0);
	assert_int_equal(st.tunnels, 1);
	assert_true(st.dead_sa < REKEYS * 3);
	free(sas(&l, 0));
	look_close(&l);
}

static void shared_outbound_sa_is_listed_once_and_counted_in_one_tunnel(void **state)
{
	struct saxdp_tunnel_info *both;
	struct saxdp_sa_info *list;
	uint64_t first, second;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	/* Two peers behind one NAT: transport mode tells them apart by their ports. */
	first = fill_filter(&l.fill, "out", false, REMOTE);
	second = fill_filter(&l.fill, "in", true, REMOTE);
	struct fill_context spec = {
		.local = LOCAL,
		.remote = REMOTE,
		.policy = first,
		.inbound_filter = second,
		.protocol = IPPROTO_UDP,
		.remote_port = 1701,
		.spi = SPI_IN,
		.outbound_spi = SPI_OUT,
	};

	first = fill_context(&l.fill, &spec);
	spec.remote_port = 1702;
	spec.spi++;
	second = fill_context(&l.fill, &spec);
	fill_count(&l.fill, &(struct fill_count){
				    .destination = REMOTE,
				    .spi = SPI_OUT,
				    .protocol = ESP,
				    .direction = SAXDP_OUTBOUND,
				    .packets = 7,
				    .bytes = 700,
			    });
	list = sas(&l, 3);
	assert_int_equal(list[2].spi, htonl(SPI_OUT));
	assert_true(list[2].ambiguous);
	assert_false(list[0].ambiguous);
	free(list);
	assert_int_equal(context(&l, first).outbound[0].packets, 7);
	assert_int_equal(context(&l, second).outbound[0].packets, 7);
	assert_true(context(&l, first).outbound[0].ambiguous);
	both = tunnels(&l, 2);
	assert_int_equal(both[0].outbound.packets + both[1].outbound.packets, 7);
	free(both);
	look_close(&l);
}

static void newest_context_with_an_outbound_sa_serves(void **state)
{
	struct fill_context spec;
	uint64_t old, new, half;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	spec = keyed(fill_tunnel_policy(&l.fill, LOCAL, REMOTE), 0);
	old = fill_context(&l.fill, &spec);
	assert_int_equal(tunnel(&l).serving, old);
	spec.spi++;
	spec.outbound_spi = 0;
	half = fill_context(&l.fill, &spec);
	assert_int_equal(tunnel(&l).serving, old);
	spec.spi++;
	spec.outbound_spi = SPI_OUT + 2;
	new = fill_context(&l.fill, &spec);
	assert_int_equal(tunnel(&l).serving, new);
	assert_int_equal(tunnel(&l).contexts, 3);
	fill_context_delete(&l.fill, new);
	assert_int_equal(tunnel(&l).serving, old);
	fill_context_delete(&l.fill, old);
	assert_int_equal(tunnel(&l).serving, 0);
	assert_int_equal(tunnel(&l).contexts, 1);
	fill_context_delete(&l.fill, half);
	look_close(&l);
}

static void counters_have_keys_and_texts(void **state)
{
	struct saxdp_traffic_count *count;
	struct saxdp_stats stats;
	char path[256];
	uint32_t key = SAXDP_COUNT_IKE;
	struct look l;
	int cpus, fd;

	(void)state;
	look_open(&l, CONTEXTS);
	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/engine_count", l.fill.instance);
	fd = bpf_obj_get(path);
	cpus = libbpf_num_possible_cpus();
	count = calloc(cpus, sizeof(*count));
	require(fd >= 0 && count, "%m");
	for (int i = 0; i < cpus; i++)
		count[i] = (struct saxdp_traffic_count){ 1, 10 };
	require(!bpf_map_update_elem(fd, &key, count, BPF_ANY), "%m");
	assert_int_equal(saxdp_stats_get(l.s, &stats), 0);
	for (uint32_t i = 0; i < SAXDP_COUNT_COUNT; i++) {
		assert_int_equal(stats.counter[i].packets, i == key ? cpus : 0);
		assert_int_equal(stats.counter[i].bytes, i == key ? cpus * 10 : 0);
	}
	assert_string_equal(saxdp_counter_key(SAXDP_COUNT_ESP_IN_UDP), "esp_in_udp");
	assert_string_equal(saxdp_counter_text(SAXDP_COUNT_ESP_IN_UDP), "ESP in UDP");
	free(count);
	close(fd);
	look_close(&l);
}

/* --- many, and beside others -------------------------------------------------------------------------- */

/* Against the maps themselves, which nobody changes meanwhile. */
static void list_of_many_contexts_is_complete(void **state)
{
	struct saxdp_context_info *list;
	struct fill_context spec;
	struct saxdp_context c;
	struct saxdp_sa_info *all;
	uint64_t policy, key = 0, *at = NULL;
	size_t count, in_map = 0;
	char path[256], remote[16];
	struct look l;
	int fd;

	(void)state;
	look_open(&l, MANY);
	policy = fill_tunnel_policy(&l.fill, LOCAL, REMOTE);
	for (uint32_t i = 0; i < MANY; i++) {
		/* Each a tunnel of its own: a rekey waits for a grace period. */
		snprintf(remote, sizeof(remote), "10.0.%u.%u", i / 250, i % 250 + 1);
		spec = keyed(policy, 0);
		spec.remote = remote;
		spec.spi = 0x10000 + i;
		spec.outbound_spi = 0x20000 + i;
		fill_context(&l.fill, &spec);
	}
	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/context", l.fill.instance);
	fd = bpf_obj_get(path);
	require(fd >= 0, "%s: %m", path);
	while (!bpf_map_get_next_key(fd, at, &key)) {
		in_map++;
		at = &key;
	}
	assert_int_equal(in_map, MANY);
	assert_int_equal(saxdp_context_list(l.s, &list, &count), 0);
	assert_int_equal(count, MANY);
	for (size_t i = 0; i < count; i++) {
		if (i)
			assert_true(list[i - 1].id < list[i].id);
		assert_int_equal(bpf_map_lookup_elem(fd, &list[i].id, &c), 0);
		assert_int_equal(list[i].inbound_sas, 1);
		assert_int_equal(list[i].inbound[0].spi, c.inbound.spi[0]);
		assert_int_equal(list[i].inbound[0].context, list[i].id);
		assert_int_equal(list[i].outbound[0].spi, c.outbound.spi[0]);
		assert_int_equal(list[i].outbound[0].context, list[i].id);
	}
	close(fd);
	free(list);
	all = sas(&l, 2 * MANY);
	free(all);
	free(tunnels(&l, MANY));
	look_close(&l);
}

/* Rekeys until it is killed: a tunnel always has one context that serves and at most two. */
static int rekey_forever(struct child *self, void *arg)
{
	struct fill *parent = arg, f = { .instance = parent->instance };
	struct fill_context spec;
	uint64_t policy, old, new;

	require(!FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &f.engine), "%s",
		saxdp_error());
	policy = fill_tunnel_policy(&f, LOCAL, REMOTE);
	spec = keyed(policy, 0);
	old = fill_context(&f, &spec);
	fill_count(&f, &(struct fill_count){
			       .destination = LOCAL,
			       .spi = spec.spi,
			       .protocol = ESP,
			       .direction = SAXDP_INBOUND,
			       .packets = 1000,
			       .bytes = 100000,
		       });
	child_reach(self);
	for (uint32_t i = 1;; i++) {
		/* Keys come back soon: an insert over a dead SA moves its counts. */
		spec = keyed(policy, i % 3);
		new = fill_context(&f, &spec);
		fill_context_delete(&f, old);
		old = new;
	}
	return 0;
}

static void lists_beside_a_writer_show_one_state(void **state)
{
	struct saxdp_context_info *list;
	struct saxdp_tunnel_info t;
	struct child writer;
	uint64_t generation;
	struct look l;
	size_t count;

	(void)state;
	look_open(&l, CONTEXTS);
	child_start(&writer, NULL, rekey_forever, &l.fill);
	child_await(&writer);
	generation = status(&l).sa_generation;
	for (int i = 0; i < BESIDE || status(&l).sa_generation < generation + BESIDE; i++) {
		t = tunnel(&l);
		assert_true(t.serving != 0);
		assert_true(t.contexts == 1 || t.contexts == 2);
		assert_int_equal(t.inbound.packets, 1000);
		assert_int_equal(t.inbound.bytes, 100000);
		require(!saxdp_context_list(l.s, &list, &count), "%s", saxdp_error());
		assert_true(count == 1 || count == 2);
		/* The older of two is complete, as the newer was not begun before. */
		assert_int_equal(list[0].inbound_sas, 1);
		assert_int_equal(list[0].outbound_sas, 1);
		free(list);
	}
	child_kill(&writer);
	look_close(&l);
}

/* --- who may look ----------------------------------------------------------------------------------------- */

static int look_at_all(struct child *self, void *arg)
{
	const char *instance = arg;
	struct saxdp_attached_info *attached;
	struct saxdp_context_info *contexts;
	struct saxdp_tunnel_info *list;
	struct saxdp_filter_info *filters;
	struct saxdp_sa_info *all;
	struct saxdp_status st;
	struct saxdp_stats stats;
	struct saxdp *s;
	size_t count;

	(void)self;
	require(!saxdp_open(instance, &s), "%s", saxdp_error());
	require(!saxdp_status_get(s, &st), "%s", saxdp_error());
	assert_int_equal(st.contexts, 1);
	assert_int_equal(st.sessions, 1);
	require(!saxdp_context_list(s, &contexts, &count), "%s", saxdp_error());
	assert_int_equal(count, 1);
	require(!saxdp_sa_list(s, &all, &count), "%s", saxdp_error());
	assert_int_equal(count, 2);
	require(!saxdp_tunnel_list(s, &list, &count), "%s", saxdp_error());
	assert_int_equal(count, 1);
	require(!saxdp_filter_list(s, &filters, &count), "%s", saxdp_error());
	assert_int_equal(count, 0);
	require(!saxdp_attached_list(s, &attached, &count), "%s", saxdp_error());
	require(!saxdp_stats_get(s, &stats), "%s", saxdp_error());
	free(contexts);
	free(all);
	free(list);
	free(filters);
	free(attached);
	saxdp_close(s);
	return 0;
}

static int look_is_refused(struct child *self, void *arg)
{
	struct saxdp *s;

	(void)self;
	assert_int_equal(saxdp_open(arg, &s), -EACCES);
	assert_non_null(strstr(saxdp_error(), arg));
	return 0;
}

static void readers_see_all_and_strangers_nothing(void **state)
{
	static const gid_t groups[] = { FILL_READERS };
	static const struct identity reader = { NOBODY, NOBODY, groups, 1 };
	static const struct identity stranger = { .uid = NOBODY, .gid = NOBODY };
	struct fill_context spec;
	struct look l;

	(void)state;
	look_open(&l, CONTEXTS);
	spec = keyed(fill_tunnel_policy(&l.fill, LOCAL, REMOTE), 0);
	fill_context(&l.fill, &spec);
	child_run(&(struct child_opts){ .as = &reader }, look_at_all, (void *)l.fill.instance);
	child_run(&(struct child_opts){ .as = &stranger }, look_is_refused,
		  (void *)l.fill.instance);
	look_close(&l);
}

static void what_is_not_there_is_said(void **state)
{
	struct saxdp_context_info *list = (void *)1, info;
	struct saxdp_sa_info *all = (void *)1;
	struct saxdp_tunnel_info *t = (void *)1;
	struct saxdp_status st;
	size_t count = 77;
	struct look l;
	char text[128];

	(void)state;
	look_open(&l, CONTEXTS);
	assert_int_equal(saxdp_context_get(l.s, 7, &info), -ENOENT);
	assert_string_equal(saxdp_error(), "context 7: no such context");
	fill_close(&l.fill);
	snprintf(text, sizeof(text), "instance %s: unloaded since it was opened", l.fill.instance);
	assert_int_equal(saxdp_status_get(l.s, &st), -ENOENT);
	assert_string_equal(saxdp_error(), text);
	assert_int_equal(saxdp_context_list(l.s, &list, &count), -ENOENT);
	assert_int_equal(saxdp_sa_list(l.s, &all, &count), -ENOENT);
	assert_int_equal(saxdp_tunnel_list(l.s, &t, &count), -ENOENT);
	/* Outputs are as they were. */
	assert_int_equal(count, 77);
	assert_ptr_equal(list, (void *)1);
	assert_ptr_equal(all, (void *)1);
	assert_ptr_equal(t, (void *)1);
	saxdp_close(l.s);
	assert_int_equal(saxdp_open(l.fill.instance, &l.s), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_listed_of_an_empty_instance),
		TEST(transport_context_shows_what_was_added),
		TEST(inbound_filter_of_a_context_is_the_one_that_fits_now),
		TEST(ipv6_context_shows_what_was_added),
		TEST(context_without_bundles_shows_its_reserved_spi),
		TEST(bundle_of_esp_and_ah_shows_both),
		TEST(filter_shows_what_was_added),
		TEST(counters_of_owner_and_others_are_added),
		TEST(totals_of_a_tunnel_outlive_its_contexts),
		TEST(shared_outbound_sa_is_listed_once_and_counted_in_one_tunnel),
		TEST(newest_context_with_an_outbound_sa_serves),
		TEST(counters_have_keys_and_texts),
		TEST(list_of_many_contexts_is_complete),
		TEST(lists_beside_a_writer_show_one_state),
		TEST(readers_see_all_and_strangers_nothing),
		TEST(what_is_not_there_is_said),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
