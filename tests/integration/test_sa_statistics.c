// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * IPsecGetStatistics0 and 1: what the programs have counted of real frames, as another process is
 * told it.
 */
#include <netinet/in.h>
#include <string.h>

#include "xdp_ingress.skel.h" /* before cmocka, which has a macro fail() */

#include "dump.h"

#include "check.h"
#include "child.h"
#include "client.h"
#include "datapath.h"
#include "maps.h"
#include "pin.h"
#include "scratch.h"
#include "testrun.h"

enum { CONTEXTS = 16, SPI = 0x1000, AH_SPI = 0x2000, UNKNOWN_SPI = 0x9999 };

static struct client client;
static struct path transport, tunnel;
static struct xdp_ingress_bpf *ingress;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "sa-statistics", CONTEXTS);
	path_make(&client, PATH_TRANSPORT, 1, &transport);
	path_make(&client, PATH_TUNNEL, 2, &tunnel);
	ingress = xdp_ingress_bpf__open();
	require(ingress && !pin_reuse(client.instance, ingress->obj) &&
			!xdp_ingress_bpf__load(ingress),
		"xdp_ingress: %m");
	return 0;
}

static int teardown(void **state)
{
	xdp_ingress_bpf__destroy(ingress);
	ingress = NULL;
	client_close(&client);
	return scratch_teardown(state);
}

/* So many frames arrive; returns the bytes that they count. */
static uint64_t arrive(const char *src, uint8_t proto, uint32_t spi, unsigned int packets)
{
	const struct frame_spec spec = {
		.src = src,
		.dst = "192.0.2.1",
		.proto = proto,
		.spi = spi,
		.sport = 1000,
		.dport = 2000,
		.payload = 100,
	};
	uint8_t bytes[FRAME_SPEC_MAX];
	struct frame frame = { bytes, frame_build(&spec, bytes) };
	struct testrun run = { .repeat = packets };

	require(!testrun_frame(bpf_program__fd(ingress->progs.xdp_ingress), &frame, &run),
		"BPF_PROG_RUN: %m");
	return packets * frame_counted(&spec);
}

/* An outbound SA as if so much had left by it. */
static void leave(const struct path *p, uint8_t protocol, UINT32 spi, uint64_t packets,
		  uint64_t bytes)
{
	struct saxdp_sa sa;

	assert_true(maps_sa(client.instance, p, SAXDP_OUTBOUND, protocol, spi, &sa));
	sa.packets = packets;
	sa.bytes = bytes;
	maps_sa_put(client.instance, p, SAXDP_OUTBOUND, protocol, spi, &sa);
}

static int statistics_are(struct child *self, void *arg)
{
	const IPSEC_STATISTICS1 *wanted = arg;
	HANDLE engine = client_session(0, 0);
	IPSEC_STATISTICS1 newer;
	IPSEC_STATISTICS0 older;

	(void)self;
	memset(&newer, 0x5a, sizeof(newer));
	memset(&older, 0x5a, sizeof(older));
	assert_ok(IPsecGetStatistics1(engine, &newer));
	assert_ok(IPsecGetStatistics0(engine, &older));
#define SAME(part) assert_memory_equal(&newer.part, &wanted->part, sizeof(newer.part))
	SAME(aggregateSaStatistics.activeSas);
	SAME(aggregateSaStatistics.pendingSaNegotiations);
	SAME(aggregateSaStatistics.activeTunnels);
	SAME(aggregateSaStatistics);
	SAME(espDropPacketStatistics);
	SAME(ahDropPacketStatistics);
	SAME(aggregateDropPacketStatistics);
	SAME(inboundTrafficStatistics);
	SAME(outboundTrafficStatistics);
#undef SAME
#define SAME(part) assert_memory_equal(&older.part, &wanted->part, sizeof(older.part))
	SAME(aggregateSaStatistics);
	SAME(espDropPacketStatistics);
	SAME(ahDropPacketStatistics);
	SAME(aggregateDropPacketStatistics);
	SAME(inboundTrafficStatistics);
	SAME(outboundTrafficStatistics);
#undef SAME
	client_session_end(engine);
	return 0;
}

static void expect(const IPSEC_STATISTICS1 *wanted)
{
	const struct identity reader = { .uid = 61031, .gid = CLIENT_READERS };

	child_run(NULL, statistics_are, (void *)wanted);
	child_run(&(struct child_opts){ .as = &reader }, statistics_are, (void *)wanted);
}

static void an_instance_without_anything_has_zeroes(void **state)
{
	const IPSEC_STATISTICS1 nothing = {};

	(void)state;
	expect(&nothing);
}

static void sas_and_tunnels_are_counted_as_they_come_and_go(void **state)
{
	IPSEC_STATISTICS1 s = {};
	IPSEC_AGGREGATE_SA_STATISTICS0 *a = &s.aggregateSaStatistics;
	UINT64 first, second;

	(void)state;
	first = path_larval(&transport, SPI);
	a->pendingSaNegotiations = 1;
	expect(&s);
	path_inbound(&transport, first, SPI);
	a->activeSas = 1;
	expect(&s);
	path_outbound(&transport, first, SPI);
	a->activeSas = 2;
	a->pendingSaNegotiations = 0;
	expect(&s);
	second = path_context(&tunnel, SPI + 1, SPI + 1);
	a->activeSas = 4;
	a->activeTunnels = 1; /* a tunnel of transport mode is none to the platform */
	expect(&s);
	context_delete(client.engine, second);
	a->activeSas = 2;
	a->activeTunnels = 0;
	expect(&s);
	context_delete(client.engine, first);
	a->activeSas = 0;
	expect(&s);
}

/* ESP and AH in one bundle; the other protocol's SA has a transform of its own. */
static UINT64 context_with_ah(const struct path *p)
{
	struct made_bundle b;
	UINT64 id = path_larval(p, SPI + 1);

	made_bundle(&b, p->traffic.ipVersion, SPI + 1, AH_SPI);
	assert_ok(IPsecSaContextAddInbound1(client.engine, id, &b.bundle));
	assert_ok(IPsecSaContextAddOutbound1(client.engine, id, &b.bundle));
	return id;
}

static void bytes_are_those_of_the_frames(void **state)
{
	IPSEC_STATISTICS1 s = {};
	IPSEC_TRAFFIC_STATISTICS1 *in = &s.inboundTrafficStatistics;
	IPSEC_TRAFFIC_STATISTICS1 *out = &s.outboundTrafficStatistics;
	uint64_t esp, esp_in_tunnel, ah;
	UINT64 first, second;

	(void)state;
	first = path_context(&transport, SPI, SPI);
	second = context_with_ah(&tunnel);
	s.aggregateSaStatistics =
		(IPSEC_AGGREGATE_SA_STATISTICS0){ .activeSas = 4, .activeTunnels = 1 };
	expect(&s);

	esp = arrive("198.51.0.1", IPPROTO_ESP, SPI, 5);
	esp_in_tunnel = arrive("198.51.0.2", IPPROTO_ESP, SPI + 1, 3);
	ah = arrive("198.51.0.2", IPPROTO_AH, AH_SPI, 2);
	leave(&transport, SA_ESP, SPI, 7, 7000);
	leave(&tunnel, SA_AH, AH_SPI, 11, 1100);
	in->encryptedByteCount = in->authenticatedESPByteCount = esp + esp_in_tunnel;
	in->authenticatedAHByteCount = ah;
	in->transportByteCount = esp;
	in->tunnelByteCount = esp_in_tunnel + ah;
	in->totalSuccessfulPackets = 10;
	out->encryptedByteCount = out->authenticatedESPByteCount = 7000;
	out->authenticatedAHByteCount = 1100;
	out->transportByteCount = 7000;
	out->tunnelByteCount = 1100;
	out->totalSuccessfulPackets = 18;
	expect(&s);

	/* Totals go on over contexts; what protected them is known of SAs that exist. */
	context_delete(client.engine, first);
	s.aggregateSaStatistics.activeSas = 2;
	in->encryptedByteCount = in->authenticatedESPByteCount = esp_in_tunnel;
	out->encryptedByteCount = out->authenticatedESPByteCount = 0;
	expect(&s);
	context_delete(client.engine, second);
	s.aggregateSaStatistics = (IPSEC_AGGREGATE_SA_STATISTICS0){};
	in->encryptedByteCount = in->authenticatedESPByteCount = in->authenticatedAHByteCount = 0;
	out->authenticatedAHByteCount = 0;
	expect(&s);
	first = path_context(&transport, SPI, SPI);
	s.aggregateSaStatistics.activeSas = 2;
	esp = arrive("198.51.0.1", IPPROTO_ESP, SPI, 1);
	in->encryptedByteCount = in->authenticatedESPByteCount = esp;
	in->transportByteCount += esp;
	in->totalSuccessfulPackets++;
	expect(&s);
}

static void what_should_not_have_arrived_is_counted(void **state)
{
	IPSEC_STATISTICS1 s = {};
	IPSEC_AGGREGATE_DROP_PACKET_STATISTICS1 *d = &s.aggregateDropPacketStatistics;

	(void)state;
	(void)path_context(&transport, SPI, SPI);
	s.aggregateSaStatistics.activeSas = 2;
	arrive("198.51.0.1", IPPROTO_ESP, UNKNOWN_SPI, 4);
	arrive("198.51.0.1", IPPROTO_AH, UNKNOWN_SPI, 1);
	d->invalidSpisOnInbound = d->totalDropPacketsInbound = 5;
	expect(&s);
	arrive("198.51.0.1", IPPROTO_TCP, 0, 3);
	d->invalidClearTextInbound = 3;
	d->totalDropPacketsInbound = 8;
	expect(&s);
	arrive("198.51.0.77", IPPROTO_TCP, 0, 3); /* of whom no filter speaks */
	expect(&s);
}

static void refusals_touch_nothing(void **state)
{
	IPSEC_STATISTICS1 newer, same;
	IPSEC_STATISTICS0 older;

	(void)state;
	memset(&newer, 0x5a, sizeof(newer));
	memset(&older, 0x5a, sizeof(older));
	memset(&same, 0x5a, sizeof(same));
	assert_result(IPsecGetStatistics1(NULL, &newer), ERROR_INVALID_HANDLE);
	assert_result(IPsecGetStatistics0(NULL, &older), ERROR_INVALID_HANDLE);
	assert_result(IPsecGetStatistics1(client.engine, NULL), FWP_E_NULL_POINTER);
	assert_result(IPsecGetStatistics0(client.engine, NULL), FWP_E_NULL_POINTER);
	for (UINT32 flags = 0; flags <= FWPM_TXN_READ_ONLY; flags += FWPM_TXN_READ_ONLY) {
		assert_ok(FwpmTransactionBegin0(client.engine, flags));
		assert_result(IPsecGetStatistics1(client.engine, &newer), FWP_E_TXN_IN_PROGRESS);
		assert_result(IPsecGetStatistics0(client.engine, &older), FWP_E_TXN_IN_PROGRESS);
		assert_ok(FwpmTransactionAbort0(client.engine));
	}
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	assert_result(IPsecGetStatistics1(client.engine, &newer), RPC_E_DISCONNECTED);
	assert_result(IPsecGetStatistics0(client.engine, &older), RPC_E_DISCONNECTED);
	assert_memory_equal(&newer, &same, sizeof(newer));
	assert_memory_equal(&older, &same, sizeof(older));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_instance_without_anything_has_zeroes),
		STORY(sas_and_tunnels_are_counted_as_they_come_and_go),
		STORY(bytes_are_those_of_the_frames),
		STORY(what_should_not_have_arrived_is_counted),
		STORY(refusals_touch_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
