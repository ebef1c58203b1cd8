// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Real ESP of a real daemon: two strongSwan daemons talk ESP in UDP over a veth pair, one end of
 * which the engine is attached to. Contexts are made from the SPIs that the daemon lists, and the
 * daemon's own counters are the oracle.
 *
 *	10.1.0.1 [charon gw] sx0 192.0.2.1 ==== veth ==== 192.0.2.2 sx1 [charon peer] 10.2.0.1
 *	                     XDP in, TC out
 */
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <unistd.h>

#include "bpffs.h"
#include "check.h"
#include "fill.h"
#include "netns.h"
#include "scratch.h"
#include "strongswan.h"
#include "veth.h"

enum {
	PACKETS = 500, /* each way, each time */
	PAYLOAD = 200,
	ESP_PROTOCOL = 50,
	/* RFC 791, 768, 4303 2.1, 4106 3.1 and 6: what AES-GCM in UDP adds in front and behind. */
	IP_UDP = 20 + 8,
	ESP_AND_IV = 8 + 8,
	PAD_AND_NEXT = 2,
	ICV = 16,
};

struct pair {
	struct strongswan s;
	struct fill f;
	struct saxdp *saxdp;
	uint64_t policy;
};

/* RFC 4303 2.4: payload, padding and the two bytes behind it end on a boundary of 4. */
static uint64_t outer_bytes(uint64_t payload)
{
	uint64_t inner = IP_UDP + payload;

	return IP_UDP + ESP_AND_IV + (inner + PAD_AND_NEXT + 3) / 4 * 4 + ICV;
}

static void pair_start(struct pair *p)
{
	const char *gw = netns_create("gw"), *peer = netns_create("peer");
	struct veth_end a = { .netns = gw, .ifname = "sx0", .addr4 = "192.0.2.1/24" };
	struct veth_end b = { .netns = peer, .ifname = "sx1", .addr4 = "192.0.2.2/24" };
	struct strongswan_host host_a = { .netns = gw, .outer = "192.0.2.1", .inner = "10.1.0.1" };
	struct strongswan_host host_b = { .netns = peer,
					  .outer = "192.0.2.2",
					  .inner = "10.2.0.1" };
	struct saxdp_attach_opts attach = {
		.size = sizeof(attach),
		.ifname = "sx0",
		.netns = gw,
		.mode = SAXDP_XDP_NATIVE,
	};

	veth_create(&a, &b);
	fill_open(&p->f, "strongswan", 16);
	require(!saxdp_open(p->f.instance, &p->saxdp), "%s", saxdp_error());
	require(!saxdp_attach(p->saxdp, &attach), "%s", saxdp_error());
	p->policy = fill_tunnel_policy(&p->f, "192.0.2.1", "192.0.2.2");
	strongswan_start(&p->s, &host_a, &host_b, STRONGSWAN_USER_ESP);
	strongswan_up(&p->s);
}

static void pair_stop(struct pair *p)
{
	strongswan_stop(&p->s);
	saxdp_close(p->saxdp);
	fill_close(&p->f);
}

/* The context of the CHILD_SA that the gateway has now. */
static uint64_t pair_context(struct pair *p, struct strongswan_sa *ret)
{
	struct fill_context context = {
		.tunnel = true,
		.local = "192.0.2.1",
		.remote = "192.0.2.2",
		.policy = p->policy,
	};

	*ret = strongswan_current(&p->s, STRONGSWAN_A);
	assert_true(ret->encap);
	context.spi = ret->spi_in;
	context.outbound_spi = ret->spi_out;
	return fill_context(&p->f, &context);
}

static struct saxdp_sa_info sa_of(struct pair *p, uint32_t direction, uint32_t spi)
{
	struct saxdp_sa_info *list, found = {};
	size_t count, matches = 0;

	require(!saxdp_sa_list(p->saxdp, &list, &count), "%s", saxdp_error());
	for (size_t i = 0; i < count; i++) {
		if (list[i].direction != direction || list[i].spi != htonl(spi) ||
		    list[i].protocol != ESP_PROTOCOL)
			continue;
		found = list[i];
		matches++;
	}
	free(list);
	assert_int_equal(matches, 1);
	return found;
}

static struct strongswan_sa daemon_sa(struct pair *p, uint32_t spi_in)
{
	struct strongswan_sa list[STRONGSWAN_SAS_MAX];
	size_t count = strongswan_list(&p->s, STRONGSWAN_A, list);

	for (size_t i = 0; i < count; i++)
		if (list[i].spi_in == spi_in)
			return list[i];
	fail_msg("the daemon does not list SPI 0x%x any more", spi_in);
	return (struct strongswan_sa){};
}

/* Ours are what the daemon counts since the context was made. */
static void check_counts(struct pair *p, const struct strongswan_sa *before)
{
	struct saxdp_sa_info in = sa_of(p, SAXDP_INBOUND, before->spi_in);
	struct saxdp_sa_info out = sa_of(p, SAXDP_OUTBOUND, before->spi_out);
	struct strongswan_sa now = daemon_sa(p, before->spi_in);

	assert_int_equal(in.packets, now.packets_in - before->packets_in);
	assert_int_equal(out.packets, now.packets_out - before->packets_out);
	assert_int_equal(in.bytes, in.packets * outer_bytes(PAYLOAD));
	assert_int_equal(out.bytes, out.packets * outer_bytes(PAYLOAD));
}

static void exchange(struct pair *p)
{
	assert_int_equal(strongswan_send(&p->s, STRONGSWAN_B, PACKETS, PAYLOAD), PACKETS);
	assert_int_equal(strongswan_send(&p->s, STRONGSWAN_A, PACKETS, PAYLOAD), PACKETS);
}

static struct saxdp_tunnel_info the_tunnel(struct pair *p)
{
	struct saxdp_tunnel_info *list, tunnel;
	size_t count;

	require(!saxdp_tunnel_list(p->saxdp, &list, &count), "%s", saxdp_error());
	assert_int_equal(count, 1);
	tunnel = list[0];
	free(list);
	return tunnel;
}

static void counts_equal_the_daemons_own_over_a_rekey(void **state)
{
	struct strongswan_sa first_sa, second_sa;
	struct saxdp_tunnel_info tunnel;
	struct pair p = {};
	uint64_t first, second;

	(void)state;
	pair_start(&p);
	first = pair_context(&p, &first_sa);
	exchange(&p);
	check_counts(&p, &first_sa);
	assert_int_equal(sa_of(&p, SAXDP_INBOUND, first_sa.spi_in).packets, PACKETS);

	/* The old context keeps what it has counted, and the new one begins at nothing. */
	strongswan_rekey(&p.s);
	second = pair_context(&p, &second_sa);
	assert_int_not_equal(first_sa.spi_in, second_sa.spi_in);
	assert_int_equal(the_tunnel(&p).serving, second);
	exchange(&p);
	check_counts(&p, &first_sa);
	check_counts(&p, &second_sa);

	/* What lives on is the tunnel: one, with the totals of both. */
	fill_context_delete(&p.f, first);
	tunnel = the_tunnel(&p);
	assert_int_equal(tunnel.contexts, 1);
	assert_int_equal(tunnel.inbound.packets, 2 * PACKETS);
	assert_int_equal(tunnel.outbound.packets, 2 * PACKETS);
	fill_context_delete(&p.f, second);
	tunnel = the_tunnel(&p);
	assert_int_equal(tunnel.contexts, 0);
	assert_int_equal(tunnel.serving, 0);
	assert_int_equal(tunnel.inbound.bytes, 2 * PACKETS * outer_bytes(PAYLOAD));
	pair_stop(&p);
}

/* From a real socket, by way of another CPU's kernel thread, to the daemon's socket. */
static void steered_esp_in_udp_arrives_at_the_socket(void **state)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct strongswan_sa sa;
	struct pair p = {};

	(void)state;
	pair_start(&p);
	pair_context(&p, &sa);
	for (long cpu = 0; cpu < cpus; cpu++) {
		struct saxdp_steer_target target = { .kind = SAXDP_STEER_CPU, .cpu = cpu };

		require(!saxdp_steer(p.saxdp, the_tunnel(&p).id, &target), "%s", saxdp_error());
		exchange(&p);
		check_counts(&p, &sa);
	}
	pair_stop(&p);
}

static void the_classes_of_a_daemons_packets_are_told_apart(void **state)
{
	struct strongswan_sa sa;
	struct saxdp_stats stats;
	struct pair p = {};

	(void)state;
	pair_start(&p);
	pair_context(&p, &sa);
	exchange(&p);
	strongswan_rekey(&p.s);
	require(!saxdp_stats_get(p.saxdp, &stats), "%s", saxdp_error());
	assert_int_equal(stats.counter[SAXDP_COUNT_ESP_IN_UDP].packets, PACKETS);
	assert_int_equal(stats.counter[SAXDP_COUNT_UNKNOWN_SPI].packets, 0);
	assert_int_equal(stats.counter[SAXDP_COUNT_MALFORMED].packets, 0);
	/* IKE_SA_INIT, IKE_AUTH and CREATE_CHILD_SA, each a packet from the peer at least. */
	assert_true(stats.counter[SAXDP_COUNT_IKE].packets >= 3);
	pair_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(counts_equal_the_daemons_own_over_a_rekey,
					  scratch_teardown),
		cmocka_unit_test_teardown(steered_esp_in_udp_arrives_at_the_socket,
					  scratch_teardown),
		cmocka_unit_test_teardown(the_classes_of_a_daemons_packets_are_told_apart,
					  scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
