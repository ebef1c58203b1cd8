// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Steering: what reaches the words of SAs, and what is refused when it is set.
 *
 *	[ netns a ] va ======== vb [ netns b ]
 *	  attached		  the sender
 *
 * Contexts and SAs are put into the maps by hand, as the calls that make them are not under test.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Before cmocka, which has a macro fail(). */
#include "internal.h"
#include "steer.h"

#include "bpffs.h"
#include "check.h"
#include "child.h"
#include "fwpmu.h"
#include "run.h"
#include "saxdp.h"
#include "scratch.h"
#include "netns.h"
#include "veth.h"

enum {
	SOMEBODY = 61003,
	READERS = 61001,
	WRITERS = 61002,
	TUNNEL = 7,
	OTHER_TUNNEL = 8,
	VIRTUAL_IF = 42,
	XSK_QUEUES = 64,
};

/* Contexts: two of the tunnel, one of them with a virtual interface, and one of another tunnel. */
enum { PLAIN = 1, VIRTUAL, OTHER, CONTEXTS = OTHER };

struct site {
	const char *a, *b;
	const char *instance;
	struct saxdp *s;
	int sa4, sa6, context, tunnel;
};

static int pin_fd(const char *instance, const char *entry)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/%s", instance, entry);
	fd = bpf_obj_get(path);
	require(fd >= 0, "%s: %m", path);
	return fd;
}

static void put(int map, const void *key, const void *value)
{
	require(!bpf_map_update_elem(map, key, value, BPF_NOEXIST), "%m");
}

static const struct saxdp_life life = { .born = 1, .died = SAXDP_NEVER };

static struct saxdp_sa4_key sa4_key(uint32_t spi, enum saxdp_direction direction)
{
	return (struct saxdp_sa4_key){
		.destination = 1,
		.spi = spi,
		.protocol = 50,
		.direction = direction,
	};
}

static struct saxdp_sa6_key sa6_key(uint32_t spi)
{
	return (struct saxdp_sa6_key){ .destination = { 1 }, .spi = spi, .protocol = 50 };
}

static struct saxdp_tunnel_key tunnel_key(uint32_t id)
{
	return (struct saxdp_tunnel_key){ .policy = id, .family = 4 };
}

/* Each context: an inbound and an outbound IPv4 SA and an inbound IPv6 one, SPI = context. */
static void context_put(const struct site *site, uint64_t id, uint32_t tunnel, bool virtual)
{
	struct saxdp_context context = {
		.life = life,
		.policy = tunnel,
		.family = 4,
		.tunnel = tunnel,
		.flags = virtual ? SAXDP_CONTEXT_VIRTUAL_IF : 0,
		.virtual_if = virtual ? VIRTUAL_IF : 0,
	};
	struct saxdp_sa sa = { .life = life, .context = id, .tunnel = tunnel };
	struct saxdp_sa4_key in = sa4_key(id, SAXDP_INBOUND), out = sa4_key(id, SAXDP_OUTBOUND);
	struct saxdp_sa6_key in6 = sa6_key(id);

	put(site->context, &id, &context);
	put(site->sa4, &out, &sa);
	if (virtual)
		sa.steer = SAXDP_STEER(SAXDP_STEER_MISSING, 0);
	put(site->sa4, &in, &sa);
	put(site->sa6, &in6, &sa);
}

static void site_make(struct site *site)
{
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.contexts = 16384,
		.filters = 16,
		.readers = "61001",
		.writers = "61002",
		.cpus = "0",
	};
	struct saxdp_tunnel tunnel = { .life = life };

	site->a = netns_create("a");
	site->b = netns_create("b");
	veth_create(&(struct veth_end){ .netns = site->a, .ifname = "va" },
		    &(struct veth_end){ .netns = site->b, .ifname = "vb" });
	opts.instance = site->instance = bpffs_instance("steer");
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	require(!saxdp_open(site->instance, &site->s), "%s", saxdp_error());
	site->sa4 = pin_fd(site->instance, "sa4");
	site->sa6 = pin_fd(site->instance, "sa6");
	site->context = pin_fd(site->instance, "context");
	site->tunnel = pin_fd(site->instance, "tunnel");
	for (uint32_t id = TUNNEL; id <= OTHER_TUNNEL; id++) {
		struct saxdp_tunnel_key key = tunnel_key(id);

		tunnel.id = id;
		put(site->tunnel, &key, &tunnel);
	}
	context_put(site, PLAIN, TUNNEL, false);
	context_put(site, VIRTUAL, TUNNEL, true);
	context_put(site, OTHER, OTHER_TUNNEL, false);
}

static void site_release(struct site *site)
{
	close(site->sa4);
	close(site->sa6);
	close(site->context);
	close(site->tunnel);
	saxdp_close(site->s);
	require(!saxdp_unload(site->instance, false), "%s", saxdp_error());
}

static void attach_va(const struct site *site)
{
	struct saxdp_attach_opts opts = { .size = sizeof(opts), .ifname = "va", .netns = site->a };

	require(!saxdp_attach(site->s, &opts), "%s", saxdp_error());
}

static int steer(const struct site *site, uint32_t tunnel, uint32_t kind, uint32_t cpu)
{
	return saxdp_steer(site->s, tunnel,
			   &(struct saxdp_steer_target){ .kind = kind, .cpu = cpu });
}

static int steer_dev(const struct site *site, const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	int err = saxdp_steer(site->s, TUNNEL,
			      &(struct saxdp_steer_target){ SAXDP_STEER_DEV, .ifname = ifname });

	close_netns(token);
	return err;
}

static int bind_virtual(const struct site *site, const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	int err = saxdp_virtual_if_bind(site->s, VIRTUAL_IF, ifname);

	close_netns(token);
	return err;
}

static unsigned int index_in(const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	unsigned int index = link_index(ifname);

	close_netns(token);
	return index;
}

static struct saxdp_sa sa_at(int map, const void *key)
{
	struct saxdp_sa sa;

	require(!bpf_map_lookup_elem(map, key, &sa), "%m");
	return sa;
}

/* The word of a context's inbound SAs, which are alike; the outbound one is never steered. */
static uint32_t word_of(const struct site *site, uint64_t context)
{
	struct saxdp_sa4_key in = sa4_key(context, SAXDP_INBOUND);
	struct saxdp_sa4_key out = sa4_key(context, SAXDP_OUTBOUND);
	struct saxdp_sa6_key in6 = sa6_key(context);
	struct saxdp_sa sa = sa_at(site->sa4, &in);

	assert_int_equal(sa_at(site->sa4, &out).steer, 0);
	assert_int_equal(sa_at(site->sa6, &in6).steer, sa.steer);
	/* What shares the word is as it was. */
	assert_int_equal(sa.tunnel, context == OTHER ? OTHER_TUNNEL : TUNNEL);
	assert_int_equal(sa.context, context);
	return sa.steer;
}

static uint32_t tunnel_word(const struct site *site, uint32_t id)
{
	struct saxdp_tunnel_key key = tunnel_key(id);
	struct saxdp_tunnel tunnel;

	require(!bpf_map_lookup_elem(site->tunnel, &key, &tunnel), "%m");
	assert_int_equal(tunnel.id, id);
	return tunnel.steer;
}

static struct saxdp_engine engine_of(const struct site *site)
{
	int fd = pin_fd(site->instance, "engine");
	struct saxdp_engine e;
	uint32_t zero = 0;

	require(!bpf_map_lookup_elem(fd, &zero, &e), "%m");
	close(fd);
	return e;
}

/* --- what is set --------------------------------------------------------------------------------- */

static void tunnel_and_its_inbound_sas_get_the_word(void **state)
{
	uint32_t cpu = SAXDP_STEER(SAXDP_STEER_CPU, 0),
		 missing = SAXDP_STEER(SAXDP_STEER_MISSING, 0);
	struct site site;

	(void)state;
	site_make(&site);
	require(!steer(&site, TUNNEL, SAXDP_STEER_CPU, 0), "%s", saxdp_error());
	assert_int_equal(tunnel_word(&site, TUNNEL), cpu);
	assert_int_equal(word_of(&site, PLAIN), cpu);
	assert_int_equal(word_of(&site, VIRTUAL), missing); /* its interface goes first */
	assert_int_equal(tunnel_word(&site, OTHER_TUNNEL), 0);
	assert_int_equal(word_of(&site, OTHER), 0);

	require(!steer(&site, TUNNEL, SAXDP_STEER_DEFAULT, 0), "%s", saxdp_error());
	assert_int_equal(tunnel_word(&site, TUNNEL), 0);
	assert_int_equal(word_of(&site, PLAIN), 0);
	site_release(&site);
}

static void default_is_one_word_beside_another(void **state)
{
	struct saxdp_engine before, after;
	struct site site;

	(void)state;
	site_make(&site);
	before = engine_of(&site);
	require(!steer(&site, 0, SAXDP_STEER_SPREAD, 0), "%s", saxdp_error());
	after = engine_of(&site);
	assert_int_equal(after.default_steer, SAXDP_STEER(SAXDP_STEER_SPREAD, 0));
	assert_int_equal(after.tunnel_ports, before.tunnel_ports);
	for (int i = 0; i < SAXDP_EPOCHS; i++)
		assert_int_equal(after.epoch[i].generation, before.epoch[i].generation);
	assert_int_equal(word_of(&site, PLAIN), 0);
	require(!steer(&site, 0, SAXDP_STEER_PASS, 0), "%s", saxdp_error());
	site_release(&site);
}

static void counts_are_not_touched(void **state)
{
	struct saxdp_sa4_key key = sa4_key(PLAIN, SAXDP_INBOUND);
	struct saxdp_sa sa;
	struct site site;

	(void)state;
	site_make(&site);
	sa = sa_at(site.sa4, &key);
	sa.packets = 1;
	sa.bytes = 2;
	sa.last_used = 3;
	sa.owner_cpu = 4;
	sa.users = 5;
	sa.packets_other = 6;
	sa.bytes_other = 7;
	require(!bpf_map_update_elem(site.sa4, &key, &sa, BPF_EXIST), "%m");
	require(!steer(&site, TUNNEL, SAXDP_STEER_XSK, 0), "%s", saxdp_error());
	sa.steer = SAXDP_STEER(SAXDP_STEER_XSK, 0);
	assert_memory_equal(&(struct saxdp_sa[]){ sa_at(site.sa4, &key) }, &sa, sizeof(sa));
	site_release(&site);
}

static void more_sas_than_one_run_takes(void **state)
{
	enum { MANY = SAXDP_RUN_OPS + 1 }; /* two operations each: three runs */
	uint32_t word = SAXDP_STEER(SAXDP_STEER_PASS, 0);
	struct saxdp_sa sa = { .life = life, .context = PLAIN, .tunnel = TUNNEL };
	struct site site;

	(void)state;
	site_make(&site);
	for (uint32_t i = 0; i < MANY; i++) {
		struct saxdp_sa4_key key = sa4_key(1000 + i, SAXDP_INBOUND);

		put(site.sa4, &key, &sa);
	}
	require(!steer(&site, TUNNEL, SAXDP_STEER_PASS, 0), "%s", saxdp_error());
	for (uint32_t i = 0; i < MANY; i++) {
		struct saxdp_sa4_key key = sa4_key(1000 + i, SAXDP_INBOUND);

		if (sa_at(site.sa4, &key).steer != word)
			fail_msg("SA %u of %u was left out", i, MANY);
	}
	site_release(&site);
}

static void interface_becomes_a_target(void **state)
{
	struct bpf_devmap_val value;
	struct site site;
	uint32_t index;
	int fd;

	(void)state;
	site_make(&site);
	attach_va(&site); /* gives vb a peer that receives */
	index = index_in(site.b, "vb");
	require(!steer_dev(&site, site.b, "vb"), "%s", saxdp_error());
	assert_int_equal(word_of(&site, PLAIN), SAXDP_STEER(SAXDP_STEER_DEV, index));
	fd = pin_fd(site.instance, "steer_dev");
	require(!bpf_map_lookup_elem(fd, &index, &value), "%m");
	assert_int_equal(value.ifindex, index);
	close(fd);
	site_release(&site);
}

static void virtual_interface_goes_before_the_tunnel(void **state)
{
	uint32_t missing = SAXDP_STEER(SAXDP_STEER_MISSING, 0), dev;
	struct site site;

	(void)state;
	site_make(&site);
	attach_va(&site);
	dev = SAXDP_STEER(SAXDP_STEER_DEV, index_in(site.b, "vb"));
	require(!bind_virtual(&site, site.b, "vb"), "%s", saxdp_error());
	assert_int_equal(word_of(&site, VIRTUAL), dev);
	assert_int_equal(word_of(&site, PLAIN), 0);
	require(!steer(&site, TUNNEL, SAXDP_STEER_PASS, 0), "%s", saxdp_error());
	assert_int_equal(word_of(&site, VIRTUAL), dev);
	assert_int_equal(word_of(&site, PLAIN), SAXDP_STEER(SAXDP_STEER_PASS, 0));

	require(!saxdp_virtual_if_bind(site.s, VIRTUAL_IF, NULL), "%s", saxdp_error());
	assert_int_equal(word_of(&site, VIRTUAL), missing);
	require(!saxdp_virtual_if_bind(site.s, VIRTUAL_IF, NULL), "%s", saxdp_error());
	site_release(&site);
}

/* What a new SA gets, asked as the one that adds it does. */
static void new_sas_get_what_holds_now(void **state)
{
	struct saxdp_context plain = {}, virtual = { .flags = SAXDP_CONTEXT_VIRTUAL_IF,
						     .virtual_if = VIRTUAL_IF };
	uint32_t pass = SAXDP_STEER(SAXDP_STEER_PASS, 0), word;
	struct instance *inst;
	struct site site;

	(void)state;
	site_make(&site);
	attach_va(&site);
	require(!instance_get(site.instance, INSTANCE_READ, &inst), "%s", saxdp_error());
	assert_int_equal(steer_effective(inst, &plain, pass, &word), 0);
	assert_int_equal(word, pass);
	assert_int_equal(steer_effective(inst, &virtual, pass, &word), 0);
	assert_int_equal(word, SAXDP_STEER(SAXDP_STEER_MISSING, 0));
	require(!bind_virtual(&site, site.b, "vb"), "%s", saxdp_error());
	assert_int_equal(steer_effective(inst, &virtual, pass, &word), 0);
	assert_int_equal(word, SAXDP_STEER(SAXDP_STEER_DEV, index_in(site.b, "vb")));
	instance_put(inst);
	site_release(&site);
}

/* An SA added by somebody who looked at the virtual interface before it was bound. */
static void settling_corrects_a_binding_that_came_between(void **state)
{
	struct saxdp_sa4_key key = sa4_key(99, SAXDP_INBOUND);
	struct saxdp_sa sa = {
		.life = life,
		.context = VIRTUAL,
		.tunnel = TUNNEL,
		.steer = SAXDP_STEER(SAXDP_STEER_MISSING, 0),
	};
	struct saxdp_context context;
	uint64_t id = VIRTUAL;
	struct session *session;
	struct site site;
	HANDLE handle;

	(void)state;
	site_make(&site);
	attach_va(&site);
	require(!bind_virtual(&site, site.b, "vb"), "%s", saxdp_error());
	put(site.sa4, &key, &sa);
	require(!bpf_map_lookup_elem(site.context, &id, &context), "%m");
	require(!session_open(site.instance, NULL, &handle), "%s", saxdp_error());
	require(!session_get(handle, &session), "%s", saxdp_error());
	pthread_mutex_lock(&session->lock);
	assert_int_equal(steer_settle(session, &context, SAXDP_KIND_SA4, &key), 0);
	pthread_mutex_unlock(&session->lock);
	session_put(session);
	session_close(handle);
	assert_int_equal(sa_at(site.sa4, &key).steer, word_of(&site, VIRTUAL));
	assert_int_equal(sa_at(site.sa4, &key).steer,
			 SAXDP_STEER(SAXDP_STEER_DEV, index_in(site.b, "vb")));
	site_release(&site);
}

/* --- what is refused -------------------------------------------------------------------------------- */

static void what_cannot_be_set_is_refused(void **state)
{
	static const struct {
		uint32_t tunnel;
		struct saxdp_steer_target target;
		int err;
		const char *text;
	} rows[] = {
		{ 99, { SAXDP_STEER_PASS, 0, NULL }, -ENOENT, "tunnel 99" },
		{ 0, { SAXDP_STEER_DEFAULT, 0, NULL }, -EINVAL, "default" },
		{ TUNNEL, { SAXDP_STEER_MISSING, 0, NULL }, -EINVAL, "kind 6" },
		{ TUNNEL, { 77, 0, NULL }, -EINVAL, "kind 77" },
		{ TUNNEL, { SAXDP_STEER_DEV, 0, NULL }, -EINVAL, "interface" },
		{ TUNNEL, { SAXDP_STEER_DEV, 0, "nosuch" }, -ENODEV, "nosuch" },
		{ TUNNEL, { SAXDP_STEER_CPU, 1, NULL }, -ENXIO, "CPU 1" }, /* loaded with 0 */
		{ TUNNEL, { SAXDP_STEER_CPU, 9999, NULL }, -ENXIO, "CPU 9999" },
		{ TUNNEL, { SAXDP_STEER_CPU, UINT32_MAX, NULL }, -ENXIO, "CPU 4294967295" },
	};
	struct saxdp_engine before, after;
	struct site site;

	(void)state;
	site_make(&site);
	before = engine_of(&site);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int err = saxdp_steer(site.s, rows[i].tunnel, &rows[i].target);

		if (err != rows[i].err || !strstr(saxdp_error(), rows[i].text))
			fail_msg("row %zu: %d %s", i, err, saxdp_error());
		assert_int_equal(tunnel_word(&site, TUNNEL), 0);
		assert_int_equal(word_of(&site, PLAIN), 0);
	}
	after = engine_of(&site);
	assert_int_equal(after.default_steer, before.default_steer);
	assert_int_equal(after.epoch[SAXDP_EPOCH_SA].generation,
			 before.epoch[SAXDP_EPOCH_SA].generation);
	site_release(&site);
}

static void interface_that_loses_packets_is_refused(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	/* Nobody receives at the other end: neither an XDP program nor GRO. */
	assert_int_equal(steer_dev(&site, site.b, "vb"), -EOPNOTSUPP);
	assert_non_null(strstr(saxdp_error(), "GRO"));
	assert_int_equal(bind_virtual(&site, site.b, "vb"), -EOPNOTSUPP);
	assert_int_equal(steer_dev(&site, site.b, "lo"), -EOPNOTSUPP);
	run("nsenter --net=/run/netns/%s ethtool -K va gro on", site.a);
	require(!steer_dev(&site, site.b, "vb"), "%s", saxdp_error());

	run("ip -n %s link set va down", site.a);
	assert_int_equal(steer_dev(&site, site.b, "vb"), -ENETDOWN);
	assert_non_null(strstr(saxdp_error(), "peer is down"));
	run("ip -n %s link set vb down", site.b);
	assert_int_equal(steer_dev(&site, site.b, "vb"), -ENETDOWN);
	assert_non_null(strstr(saxdp_error(), "vb: down"));
	assert_int_equal(bind_virtual(&site, site.b, "vb"), -ENETDOWN);
	assert_int_equal(bind_virtual(&site, site.b, "nosuch"), -ENODEV);
	assert_int_equal(word_of(&site, VIRTUAL), SAXDP_STEER(SAXDP_STEER_MISSING, 0));
	site_release(&site);
}

static void tx_checksum_of_peer(const struct site *site, bool on)
{
	struct nstoken *token = open_netns(site->b);

	link_set_tx_checksum("vb", on);
	close_netns(token);
}

static void undone_checksums_keep_packets_off_other_cpus(void **state)
{
	static const uint32_t kinds[] = { SAXDP_STEER_CPU, SAXDP_STEER_SPREAD };
	struct site site;

	(void)state;
	site_make(&site);
	attach_va(&site);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		tx_checksum_of_peer(&site, true);
		for (uint32_t tunnel = 0; tunnel <= TUNNEL; tunnel += TUNNEL) {
			assert_int_equal(steer(&site, tunnel, kinds[i], 0), -EREMOTEIO);
			assert_non_null(strstr(saxdp_error(), "ethtool -K vb tx off"));
		}
		assert_int_equal(word_of(&site, PLAIN), 0);
		tx_checksum_of_peer(&site, false);
		require(!steer(&site, TUNNEL, kinds[i], 0), "%s", saxdp_error());
		require(!steer(&site, TUNNEL, SAXDP_STEER_DEFAULT, 0), "%s", saxdp_error());
	}
	/* What stays on its CPU needs no checksum. */
	tx_checksum_of_peer(&site, true);
	require(!steer(&site, TUNNEL, SAXDP_STEER_PASS, 0), "%s", saxdp_error());
	site_release(&site);
}

static void attach_makes_the_same_check(void **state)
{
	struct saxdp_attach_opts opts = { .size = sizeof(opts), .ifname = "va" };
	struct site site;

	(void)state;
	site_make(&site);
	opts.netns = site.a;
	tx_checksum_of_peer(&site, true);
	for (uint32_t tunnel = 0; tunnel <= TUNNEL; tunnel += TUNNEL) {
		require(!steer(&site, tunnel, SAXDP_STEER_CPU, 0), "%s", saxdp_error());
		assert_int_equal(saxdp_attach(site.s, &opts), -EREMOTEIO);
		assert_non_null(strstr(saxdp_error(), "ethtool -K vb tx off"));
		require(!steer(&site, tunnel, SAXDP_STEER_PASS, 0), "%s", saxdp_error());
	}
	attach_va(&site);
	site_release(&site);
}

/* --- rights, and an instance that goes --------------------------------------------------------------- */

static int steer_as_writer(struct child *self, void *arg)
{
	struct site site = *(struct site *)arg;

	(void)self;
	require(!saxdp_open(site.instance, &site.s), "%s", saxdp_error());
	require(!steer(&site, TUNNEL, SAXDP_STEER_PASS, 0), "%s", saxdp_error());
	require(!steer(&site, 0, SAXDP_STEER_XSK, 0), "%s", saxdp_error());
	assert_int_equal(steer(&site, TUNNEL, SAXDP_STEER_CPU, 0), -EPERM);
	assert_int_equal(steer(&site, TUNNEL, SAXDP_STEER_SPREAD, 0), -EPERM);
	assert_int_equal(
		saxdp_steer(site.s, TUNNEL,
			    &(struct saxdp_steer_target){ SAXDP_STEER_DEV, .ifname = "lo" }),
		-EPERM);
	assert_int_equal(saxdp_virtual_if_bind(site.s, VIRTUAL_IF, "lo"), -EPERM);
	require(!saxdp_virtual_if_bind(site.s, VIRTUAL_IF, NULL), "%s", saxdp_error());
	assert_int_equal(saxdp_xsk_set(site.s, 0, -1), -EPERM);
	saxdp_close(site.s);
	return 0;
}

static int steer_as_reader(struct child *self, void *arg)
{
	struct site site = *(struct site *)arg;

	(void)self;
	require(!saxdp_open(site.instance, &site.s), "%s", saxdp_error());
	for (uint32_t kind = SAXDP_STEER_PASS; kind <= SAXDP_STEER_XSK; kind++) {
		if (kind == SAXDP_STEER_DEV)
			continue;
		assert_int_equal(steer(&site, TUNNEL, kind, 0), -EPERM);
		assert_int_equal(steer(&site, 0, kind, 0), -EPERM);
	}
	assert_int_equal(saxdp_virtual_if_bind(site.s, VIRTUAL_IF, NULL), -EPERM);
	saxdp_close(site.s);
	return 0;
}

static void writers_steer_by_commits_alone(void **state)
{
	static const gid_t groups[] = { READERS, WRITERS };
	const struct identity reader = { SOMEBODY, SOMEBODY, groups, 1 };
	const struct identity writer = { SOMEBODY, SOMEBODY, groups, 2 };
	struct site site;

	(void)state;
	site_make(&site);
	child_run(&(struct child_opts){ .as = &reader }, steer_as_reader, &site);
	assert_int_equal(word_of(&site, PLAIN), 0);
	child_run(&(struct child_opts){ .as = &writer }, steer_as_writer, &site);
	assert_int_equal(word_of(&site, PLAIN), SAXDP_STEER(SAXDP_STEER_PASS, 0));
	assert_int_equal(engine_of(&site).default_steer, SAXDP_STEER(SAXDP_STEER_XSK, 0));
	site_release(&site);
}

static int steer_while_held(struct child *self, void *arg)
{
	struct site *site = arg;
	HANDLE engine;

	setenv("SAXDP_INSTANCE", site->instance, 1);
	require(FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine) == ERROR_SUCCESS,
		"open");
	require(FwpmTransactionBegin0(engine, 0) == ERROR_SUCCESS, "begin");
	child_hold(self);
	return FwpmTransactionAbort0(engine) != ERROR_SUCCESS;
}

static void transaction_that_does_not_end_times_steering_out(void **state)
{
	struct site site;
	struct child c;

	(void)state;
	site_make(&site);
	child_start(&c, NULL, steer_while_held, &site);
	child_await(&c);
	assert_int_equal(steer(&site, TUNNEL, SAXDP_STEER_PASS, 0), -ETIMEDOUT);
	assert_int_equal(word_of(&site, PLAIN), 0);
	child_go(&c);
	child_finish(&c);
	site_release(&site);
}

static void steering_an_unloaded_instance_is_refused(void **state)
{
	struct saxdp_load_opts opts = { .size = sizeof(opts), .contexts = 16, .filters = 16 };
	struct site site;

	(void)state;
	site_make(&site);
	require(!saxdp_unload(site.instance, false), "%s", saxdp_error());
	assert_int_equal(steer(&site, TUNNEL, SAXDP_STEER_PASS, 0), -ENOENT);
	opts.instance = site.instance;
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	assert_int_equal(steer(&site, 0, SAXDP_STEER_PASS, 0), -ENOENT);
	assert_non_null(strstr(saxdp_error(), "unloaded since"));
	site_release(&site);
}

/* --- AF_XDP ------------------------------------------------------------------------------------------ */

static void sockets_have_their_queue(void **state)
{
	struct site site;
	int fd;

	(void)state;
	site_make(&site);
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	require(fd >= 0, "AF_XDP: %m");
	require(!saxdp_xsk_set(site.s, 0, fd), "%s", saxdp_error());
	require(!saxdp_xsk_set(site.s, XSK_QUEUES - 1, fd), "%s", saxdp_error());
	assert_int_equal(saxdp_xsk_set(site.s, XSK_QUEUES, fd), -EINVAL);
	assert_int_equal(saxdp_xsk_set(site.s, XSK_QUEUES, -1), -EINVAL);
	require(!saxdp_xsk_set(site.s, 0, -1), "%s", saxdp_error());
	require(!saxdp_xsk_set(site.s, 0, -1), "%s", saxdp_error());
	assert_true(saxdp_xsk_set(site.s, 0, STDIN_FILENO) < 0); /* no such socket */
	close(fd);
	site_release(&site);
}

#define TEST(name) cmocka_unit_test_teardown(name, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tunnel_and_its_inbound_sas_get_the_word),
		TEST(default_is_one_word_beside_another),
		TEST(counts_are_not_touched),
		TEST(more_sas_than_one_run_takes),
		TEST(interface_becomes_a_target),
		TEST(virtual_interface_goes_before_the_tunnel),
		TEST(new_sas_get_what_holds_now),
		TEST(settling_corrects_a_binding_that_came_between),
		TEST(what_cannot_be_set_is_refused),
		TEST(interface_that_loses_packets_is_refused),
		TEST(undone_checksums_keep_packets_off_other_cpus),
		TEST(attach_makes_the_same_check),
		TEST(writers_steer_by_commits_alone),
		TEST(transaction_that_does_not_end_times_steering_out),
		TEST(steering_an_unloaded_instance_is_refused),
		TEST(sockets_have_their_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
