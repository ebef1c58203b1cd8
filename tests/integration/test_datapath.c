// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Counting and steering, by BPF_PROG_RUN over maps filled by hand, and at the end over a veth:
 *
 *	      namespace a                     namespace b
 *	  192.0.2.1  veth-a ------------- veth-b  192.0.2.2
 *	              tc_egress           xdp_ingress -> cpumap -> UDP socket
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/ip.h>

#include "check.h"
#include "datapath.h"
#include "netns.h"
#include "scratch.h"
#include "tc_egress.skel.h"
#include "testrun.h"
#include "veth.h"
#include "wait.h"
#include "xdp_ingress.skel.h"

#define PEER  "192.0.2.1"
#define HOST  "192.0.2.2"
#define PEER6 "2001:db8::1"
#define HOST6 "2001:db8::2"

enum {
	SPI = 0x1234,
	RUNS = 200000, /* of each of two CPUs: long enough to run beside each other */
	LIVE_PACKETS = 128,
	NO_CPU = 0xffff,
	NO_DEVICE = 0xfffff,
	JUMBO_PAYLOAD = 8000, /* a frame of three pages */
	JUMBO_MTU = 9000,
};

static const struct frame_spec esp4 = {
	.src = PEER,
	.dst = HOST,
	.proto = IPPROTO_ESP,
	.spi = SPI,
	.payload = 100,
};
static const struct frame_spec esp6 = {
	.src = PEER6,
	.dst = HOST6,
	.proto = IPPROTO_ESP,
	.spi = SPI,
	.payload = 60,
};
static const struct frame_spec ah4 = {
	.src = PEER,
	.dst = HOST,
	.proto = IPPROTO_AH,
	.spi = SPI,
	.payload = 40,
};
static const struct frame_spec esp_udp = {
	.src = PEER,
	.dst = HOST,
	.proto = IPPROTO_UDP,
	.sport = 4500,
	.dport = 4500,
	.spi = SPI,
	.payload = 80,
};

static const struct saxdp_sa living = { .life = { 1, SAXDP_NEVER } };

static int open_outside(void **state)
{
	static struct datapath d;

	datapath_open(&d, SAXDP_ROLE_OUTSIDE);
	*state = &d;
	return 0;
}

static int open_inside(void **state)
{
	static struct datapath d;

	datapath_open(&d, SAXDP_ROLE_INSIDE);
	*state = &d;
	return 0;
}

static int close_all(void **state)
{
	scratch_teardown(state);
	datapath_close(*state);
	return 0;
}

/* --- classes ------------------------------------------------------------------------------------- */

static void every_packet_has_one_class_counter(void **state)
{
	static const struct {
		enum saxdp_counter counter;
		struct frame_spec frame;
	} rows[] = {
		{ SAXDP_COUNT_ESP, { .src = PEER, .dst = HOST, .proto = IPPROTO_ESP, .spi = 300 } },
		{ SAXDP_COUNT_AH, { .src = PEER, .dst = HOST, .proto = IPPROTO_AH, .spi = 300 } },
		{ SAXDP_COUNT_ESP_IN_UDP,
		  { .src = PEER,
		    .dst = HOST,
		    .proto = IPPROTO_UDP,
		    .sport = 4500,
		    .dport = 4500,
		    .spi = 300 } },
		{ SAXDP_COUNT_IKE,
		  { .src = PEER,
		    .dst = HOST,
		    .proto = IPPROTO_UDP,
		    .sport = 500,
		    .dport = 500,
		    .payload = 40 } },
		{ SAXDP_COUNT_FRAGMENT,
		  { .src = PEER,
		    .dst = HOST,
		    .proto = IPPROTO_ESP,
		    .fragment = 185,
		    .payload = 40 } },
		{ SAXDP_COUNT_MALFORMED,
		  { .src = PEER,
		    .dst = HOST,
		    .proto = IPPROTO_GRE,
		    .ethertype = ETH_P_IPV6,
		    .payload = 60 } },
		{ SAXDP_COUNT_OTHER,
		  { .src = PEER, .dst = HOST, .ethertype = ETH_P_ARP, .payload = 10 } },
		{ SAXDP_COUNT_OTHER,
		  { .src = PEER6, .dst = HOST6, .proto = IPPROTO_TCP, .payload = 10 } },
	};
	struct saxdp_traffic_count want[SAXDP_COUNT_COUNT] = {};
	struct datapath *d = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(datapath_arrive(d, &rows[i].frame), XDP_PASS);
		want[rows[i].counter].packets++;
		want[rows[i].counter].bytes += frame_counted(&rows[i].frame);
		for (int c = 0; c < SAXDP_COUNT_COUNT; c++) {
			struct saxdp_traffic_count found = datapath_counter(d, c);

			if (found.packets != want[c].packets || found.bytes != want[c].bytes)
				fail_msg("row %zu, counter %d: %llu packets, %llu bytes", i, c,
					 found.packets, found.bytes);
		}
	}
}

static void nat_keepalive_is_counted(void **state)
{
	struct frame_spec s = { .src = PEER,
				.dst = HOST,
				.proto = IPPROTO_UDP,
				.sport = 4500,
				.dport = 4500,
				.payload = 1 };
	uint8_t data[FRAME_SPEC_MAX];
	struct datapath *d = *state;
	struct frame frame = { data, frame_build(&s, data) };

	data[frame.len - 1] = 0xff;
	assert_int_equal(testrun_verdict(bpf_program__fd(d->in->progs.xdp_ingress), &frame),
			 XDP_PASS);
	datapath_counted(d, SAXDP_COUNT_KEEPALIVE, &s, 1);
}

static void jumbo_of_several_buffers_is_counted_by_its_whole_length(void **state)
{
	struct frame_spec esp = esp4, arp = { .src = PEER, .dst = HOST, .ethertype = ETH_P_ARP };
	struct datapath *d = *state;

	esp.payload = arp.payload = JUMBO_PAYLOAD;
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	datapath_arrive(d, &esp);
	datapath_arrive(d, &arp);
	datapath_counted(d, SAXDP_COUNT_ESP, &esp, 1);
	datapath_counted(d, SAXDP_COUNT_OTHER, &arp, 1);
	assert_int_equal(sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND).bytes,
			 frame_counted(&esp));
}

static void configured_port_carries_esp_in_udp(void **state)
{
	struct frame_spec s = esp_udp;
	struct datapath *d = *state;

	s.sport = s.dport = 5555;
	datapath_arrive(d, &s);
	datapath_counted(d, SAXDP_COUNT_OTHER, &s, 1);
	d->engine->encap_port = htons(5555);
	datapath_publish(d);
	datapath_arrive(d, &s);
	datapath_counted(d, SAXDP_COUNT_ESP_IN_UDP, &s, 1);
}

static void engine_that_is_not_loaded_leaves_packets_alone(void **state)
{
	static const uint32_t states[] = { SAXDP_STATE_LOADING, SAXDP_STATE_GONE };
	struct datapath *d = *state;
	struct saxdp_sa sa = living;

	sa.steer = SAXDP_STEER(SAXDP_STEER_MISSING, 0);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &sa);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &sa);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		d->engine->state = states[i];
		datapath_publish(d);
		assert_int_equal(datapath_arrive(d, &esp4), XDP_PASS);
		assert_int_equal((int32_t)datapath_leave(d, &esp4), TC_ACT_UNSPEC);
	}
	datapath_counted(d, SAXDP_COUNT_ESP, &esp4, 0);
	datapath_counted(d, SAXDP_COUNT_STEER_MISSING, &esp4, 0);
	assert_int_equal(sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND).packets, 0);
	assert_int_equal(sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND).packets, 0);
}

/* --- security associations ----------------------------------------------------------------------- */

static void sa_counted(struct datapath *d, const struct frame_spec *s, uint8_t protocol,
		       enum saxdp_direction direction, uint64_t packets)
{
	struct saxdp_sa sa = sa_get(d, s->dst, s->spi, protocol, direction);

	assert_int_equal(sa.packets + sa.packets_other, packets);
	assert_int_equal(sa.bytes + sa.bytes_other, packets * frame_counted(s));
	assert_int_equal(sa.last_used != 0, packets != 0);
}

static void sa_is_found_by_destination_spi_protocol_and_direction(void **state)
{
	struct frame_spec elsewhere = esp4, other_spi = esp4;
	struct datapath *d = *state;

	elsewhere.dst = "192.0.2.3";
	other_spi.spi = SPI + 1;
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	sa_put(d, HOST, SPI, IPPROTO_AH, SAXDP_INBOUND, &living);
	sa_put(d, HOST, SPI, 0, SAXDP_INBOUND, &living);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &living);
	sa_put(d, HOST, SPI + 1, IPPROTO_ESP, SAXDP_INBOUND, &living);
	sa_put(d, elsewhere.dst, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	sa_put(d, HOST6, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);

	for (int i = 0; i < 2; i++)
		datapath_arrive(d, &esp4);
	for (int i = 0; i < 3; i++)
		datapath_arrive(d, &ah4);
	for (int i = 0; i < 4; i++)
		datapath_arrive(d, &elsewhere);
	for (int i = 0; i < 5; i++)
		datapath_arrive(d, &other_spi);
	for (int i = 0; i < 6; i++)
		datapath_arrive(d, &esp6);
	for (int i = 0; i < 7; i++)
		datapath_leave(d, &esp4);

	sa_counted(d, &esp4, IPPROTO_ESP, SAXDP_INBOUND, 2);
	sa_counted(d, &ah4, IPPROTO_AH, SAXDP_INBOUND, 3);
	sa_counted(d, &elsewhere, IPPROTO_ESP, SAXDP_INBOUND, 4);
	sa_counted(d, &other_spi, IPPROTO_ESP, SAXDP_INBOUND, 5);
	sa_counted(d, &esp6, IPPROTO_ESP, SAXDP_INBOUND, 6);
	sa_counted(d, &esp4, IPPROTO_ESP, SAXDP_OUTBOUND, 7);
	sa_counted(d, &esp4, 0, SAXDP_INBOUND, 0);
}

static void esp_in_udp_counts_for_the_same_sa_as_esp(void **state)
{
	struct datapath *d = *state;
	struct saxdp_sa sa;

	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	datapath_arrive(d, &esp4);
	datapath_arrive(d, &esp_udp);
	sa = sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND);
	assert_int_equal(sa.packets + sa.packets_other, 2);
	assert_int_equal(sa.bytes + sa.bytes_other, frame_counted(&esp4) + frame_counted(&esp_udp));
}

static void sa_is_seen_from_its_birth_to_its_death(void **state)
{
	static const struct {
		uint64_t born, died;
		int seen;
	} rows[] = {
		{ 1, SAXDP_NEVER, 1 },
		{ DATAPATH_GENERATION, SAXDP_NEVER, 1 },
		{ DATAPATH_GENERATION + 1, SAXDP_NEVER, 0 },
		{ 1, DATAPATH_GENERATION, 0 },
		{ 1, DATAPATH_GENERATION + 1, 1 },
		{ DATAPATH_GENERATION, DATAPATH_GENERATION, 0 },
		{ 0, 0, 0 },
	};
	struct datapath *d = *state;

	/* The other epoch says nothing about SAs. */
	d->engine->epoch[SAXDP_EPOCH_POLICY].generation = 1000;
	datapath_publish(d);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct saxdp_sa in, out, sa = { .life = { rows[i].born, rows[i].died } };

		sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &sa);
		sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &sa);
		datapath_arrive(d, &esp4);
		datapath_leave(d, &esp4);
		in = sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND);
		out = sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND);
		if (in.packets != (uint64_t)rows[i].seen || out.packets != (uint64_t)rows[i].seen)
			fail_msg("row %zu: %llu and %llu packets", i, in.packets, out.packets);
	}
}

/* --- two CPUs ------------------------------------------------------------------------------------ */

struct pinned_run {
	int prog_fd;
	int cpu;
	int err;
};

static void *run_pinned(void *arg)
{
	struct pinned_run *r = arg;
	uint8_t data[FRAME_SPEC_MAX];
	struct frame frame = { data, frame_build(&esp4, data) };
	struct testrun t = { .repeat = RUNS };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	r->err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (!r->err)
		r->err = testrun_frame(r->prog_fd, &frame, &t);
	return NULL;
}

/* The first two CPUs this thread may run on; false if there is only one. */
static bool two_cpus(int ret_cpu[2])
{
	cpu_set_t set;
	int n = 0;

	require(!sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity: %m");
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (CPU_ISSET(i, &set))
			ret_cpu[n++] = i;
	}
	return n == 2;
}

static void two_cpus_lose_no_count_of_one_sa(void **state)
{
	struct datapath *d = *state;
	struct pinned_run r[2];
	struct saxdp_sa sa;
	pthread_t t[2];
	int cpu[2];

	if (!two_cpus(cpu)) {
		printf("skip: this test needs two CPUs\n");
		skip();
	}
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	for (int i = 0; i < 2; i++) {
		r[i] = (struct pinned_run){ bpf_program__fd(d->in->progs.xdp_ingress), cpu[i], 0 };
		require(!pthread_create(&t[i], NULL, run_pinned, &r[i]), "no thread");
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(r[i].err, 0);
	}
	sa = sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND);
	/* One of the two owns the plain pair, so each pair has the runs of one CPU. */
	assert_int_equal(sa.packets, RUNS);
	assert_int_equal(sa.packets_other, RUNS);
	assert_int_equal(sa.bytes, RUNS * frame_counted(&esp4));
	assert_int_equal(sa.bytes_other, RUNS * frame_counted(&esp4));
	assert_true(sa.owner_cpu == (uint32_t)cpu[0] + 1 || sa.owner_cpu == (uint32_t)cpu[1] + 1);
	datapath_counted(d, SAXDP_COUNT_ESP, &esp4, 2 * RUNS);
}

/* --- unknown SPIs -------------------------------------------------------------------------------- */

static void spi_without_an_sa_is_unknown_only_at_an_endpoint(void **state)
{
	static const struct saxdp_endpoint served = { { 1, SAXDP_NEVER }, 1 },
					   unused = { { 1, SAXDP_NEVER }, 0 },
					   dead = { { 1, DATAPATH_GENERATION }, 1 };
	struct saxdp_sa gone = { .life = { 1, DATAPATH_GENERATION } };
	struct datapath *d = *state;

	datapath_arrive(d, &esp4);
	endpoint_put(d, HOST, &unused);
	datapath_arrive(d, &esp4);
	endpoint_put(d, HOST, &dead);
	datapath_arrive(d, &esp4);
	endpoint_put(d, PEER, &served);
	datapath_arrive(d, &esp4);
	datapath_counted(d, SAXDP_COUNT_UNKNOWN_SPI, &esp4, 0);

	endpoint_put(d, HOST, &served);
	assert_int_equal(datapath_arrive(d, &esp4), XDP_PASS);
	datapath_counted(d, SAXDP_COUNT_UNKNOWN_SPI, &esp4, 1);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &gone);
	datapath_arrive(d, &esp4);
	datapath_counted(d, SAXDP_COUNT_UNKNOWN_SPI, &esp4, 2);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	datapath_arrive(d, &esp4);
	datapath_counted(d, SAXDP_COUNT_UNKNOWN_SPI, &esp4, 2);
	datapath_counted(d, SAXDP_COUNT_ESP, &esp4, 7);
}

static void unknown_spi_to_an_ipv6_endpoint_is_counted(void **state)
{
	static const struct saxdp_endpoint served = { { 1, SAXDP_NEVER }, 2 };
	struct datapath *d = *state;

	endpoint_put(d, HOST6, &served);
	datapath_arrive(d, &esp6);
	datapath_counted(d, SAXDP_COUNT_UNKNOWN_SPI, &esp6, 1);
}

static void unknown_spi_is_counted_whatever_the_role(void **state)
{
	static const struct saxdp_endpoint served = { { 1, SAXDP_NEVER }, 2 };
	struct datapath *d = *state;

	endpoint_put(d, HOST, &served);
	datapath_arrive(d, &esp4);
	datapath_counted(d, SAXDP_COUNT_UNKNOWN_SPI, &esp4, 1);
}

/* --- steering ------------------------------------------------------------------------------------ */

static void steer_sa(struct datapath *d, uint32_t spi, uint32_t word)
{
	struct saxdp_sa sa = living;

	sa.steer = word;
	sa_put(d, HOST, spi, IPPROTO_ESP, SAXDP_INBOUND, &sa);
}

static void steer_default(struct datapath *d, uint32_t word)
{
	d->engine->default_steer = word;
	datapath_publish(d);
}

static void cpu_put(struct datapath *d, uint32_t cpu)
{
	struct bpf_cpumap_val value = { .qsize = 192 };

	require(!bpf_map_update_elem(bpf_map__fd(d->in->maps.steer_cpu), &cpu, &value, BPF_ANY),
		"CPU %u: %m", cpu);
}

static void steering_follows_the_sa_and_then_the_default(void **state)
{
	const uint32_t cpu = SAXDP_STEER(SAXDP_STEER_CPU, 0), none = SAXDP_STEER_DEFAULT,
		       pass = SAXDP_STEER(SAXDP_STEER_PASS, 0);
	const struct {
		uint32_t sa, otherwise, verdict;
	} rows[] = {
		{ none, none, XDP_PASS }, { none, pass, XDP_PASS },    { none, cpu, XDP_REDIRECT },
		{ pass, cpu, XDP_PASS },  { cpu, none, XDP_REDIRECT }, { cpu, pass, XDP_REDIRECT },
	};
	struct datapath *d = *state;

	cpu_put(d, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t verdict;

		steer_sa(d, SPI, rows[i].sa);
		steer_default(d, rows[i].otherwise);
		verdict = datapath_arrive(d, &esp4);
		if (verdict != rows[i].verdict)
			fail_msg("row %zu: verdict %u", i, verdict);
	}
	datapath_counted(d, SAXDP_COUNT_STEER_MISSING, &esp4, 0);
	sa_counted(d, &esp4, IPPROTO_ESP, SAXDP_INBOUND, 1);
}

static void missing_target_passes_and_is_counted(void **state)
{
	const uint32_t words[] = {
		SAXDP_STEER(SAXDP_STEER_CPU, 0),     SAXDP_STEER(SAXDP_STEER_CPU, NO_CPU),
		SAXDP_STEER(SAXDP_STEER_DEV, 1),     SAXDP_STEER(SAXDP_STEER_DEV, NO_DEVICE),
		SAXDP_STEER(SAXDP_STEER_XSK, 0),     SAXDP_STEER(SAXDP_STEER_SPREAD, 0),
		SAXDP_STEER(SAXDP_STEER_MISSING, 0),
	};
	struct datapath *d = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		steer_sa(d, SPI, words[i]);
		assert_int_equal(datapath_arrive(d, &esp4), XDP_PASS);
		datapath_counted(d, SAXDP_COUNT_STEER_MISSING, &esp4, i + 1);
	}
}

static void device_is_a_target(void **state)
{
	struct bpf_devmap_val value = { .ifindex = link_index("lo") };
	struct datapath *d = *state;

	require(!bpf_map_update_elem(bpf_map__fd(d->in->maps.steer_dev), &value.ifindex, &value,
				     BPF_ANY),
		"devmap: %m");
	steer_sa(d, SPI, SAXDP_STEER(SAXDP_STEER_DEV, value.ifindex));
	assert_int_equal(datapath_arrive(d, &esp4), XDP_REDIRECT);
	datapath_counted(d, SAXDP_COUNT_STEER_MISSING, &esp4, 0);
}

static void af_xdp_socket_of_the_queue_is_a_target(void **state)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct datapath *d = *state;
	uint32_t queue = 0;

	require(fd >= 0, "AF_XDP: %m");
	require(!bpf_map_update_elem(bpf_map__fd(d->in->maps.steer_xsk), &queue, &fd, BPF_ANY),
		"xskmap: %m");
	steer_sa(d, SPI, SAXDP_STEER(SAXDP_STEER_XSK, 0));
	assert_int_equal(datapath_arrive(d, &esp4), XDP_REDIRECT);
	close(fd);
}

static void spread_keeps_an_spi_and_uses_every_cpu(void **state)
{
	enum { SPIS = 128, PLACES = 4 };
	static const int steps[] = { 1, 0x100, 0x10000 }; /* daemons count, each in its own way */
	struct frame_spec s = esp4;
	struct datapath *d = *state;
	uint64_t missing = 0;

	steer_default(d, SAXDP_STEER(SAXDP_STEER_SPREAD, 0));
	cpu_put(d, 0);
	d->engine->spread_cpus = PLACES;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int redirected[PLACES] = {};

		for (int n = 0; n < SPIS; n++)
			steer_sa(d, 0x1000 + n * steps[i], SAXDP_STEER_DEFAULT);
		/* One place after the other has a CPU that is there: each SPI is redirected once. */
		for (int place = 0; place < PLACES; place++) {
			for (int p = 0; p < PLACES; p++)
				d->engine->spread_cpu[p] = p == place ? 0 : NO_CPU;
			datapath_publish(d);
			for (int n = 0; n < SPIS; n++) {
				s.spi = 0x1000 + n * steps[i];
				redirected[place] += datapath_arrive(d, &s) == XDP_REDIRECT;
			}
		}
		for (int place = 0; place < PLACES; place++)
			assert_in_range(redirected[place], SPIS / PLACES / 2, SPIS / PLACES * 2);
		assert_int_equal(redirected[0] + redirected[1] + redirected[2] + redirected[3],
				 SPIS);
		missing += SPIS * (PLACES - 1);
	}
	datapath_counted(d, SAXDP_COUNT_STEER_MISSING, &s, missing);
}

static void fragments_are_never_steered(void **state)
{
	struct frame_spec first = esp4, later = esp4;
	struct datapath *d = *state;

	first.fragment = IP_MF;
	later.fragment = 10;
	cpu_put(d, 0);
	steer_sa(d, SPI, SAXDP_STEER(SAXDP_STEER_CPU, 0));
	steer_default(d, SAXDP_STEER(SAXDP_STEER_CPU, 0));
	assert_int_equal(datapath_arrive(d, &first), XDP_PASS);
	sa_counted(d, &first, IPPROTO_ESP, SAXDP_INBOUND, 1);
	assert_int_equal(datapath_arrive(d, &later), XDP_PASS);
	sa_counted(d, &first, IPPROTO_ESP, SAXDP_INBOUND, 1);
	datapath_counted(d, SAXDP_COUNT_FRAGMENT, &later, 1);
	assert_int_equal(datapath_arrive(d, &esp4), XDP_REDIRECT);
}

/* --- egress -------------------------------------------------------------------------------------- */

static void what_leaves_is_counted_for_outbound_sas_alone(void **state)
{
	static const struct saxdp_endpoint served = { { 1, SAXDP_NEVER }, 1 };
	struct datapath *d = *state;

	endpoint_put(d, HOST, &served);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_INBOUND, &living);
	assert_int_equal((int32_t)datapath_leave(d, &esp4), TC_ACT_UNSPEC);
	sa_counted(d, &esp4, IPPROTO_ESP, SAXDP_INBOUND, 0);

	sa_put(d, HOST, SPI, IPPROTO_AH, SAXDP_OUTBOUND, &living);
	sa_put(d, HOST6, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &living);
	assert_int_equal((int32_t)datapath_leave(d, &ah4), TC_ACT_UNSPEC);
	assert_int_equal((int32_t)datapath_leave(d, &esp6), TC_ACT_UNSPEC);
	sa_counted(d, &ah4, IPPROTO_AH, SAXDP_OUTBOUND, 1);
	sa_counted(d, &esp6, IPPROTO_ESP, SAXDP_OUTBOUND, 1);

	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &living);
	assert_int_equal((int32_t)datapath_leave(d, &esp_udp), TC_ACT_UNSPEC);
	sa_counted(d, &esp_udp, IPPROTO_ESP, SAXDP_OUTBOUND, 1);
	for (int c = 0; c < SAXDP_COUNT_COUNT; c++)
		assert_int_equal(datapath_counter(d, c).packets, 0);
}

static void segments_of_one_buffer_are_counted_as_packets(void **state)
{
	enum { SEGMENTS = 5, SEGMENT = 200 };
	struct frame_spec s = esp_udp;
	struct __sk_buff skb = { .gso_segs = SEGMENTS, .gso_size = SEGMENT };
	struct testrun t = { .ctx = &skb, .ctx_size = sizeof(skb) };
	uint8_t data[FRAME_SPEC_MAX];
	struct datapath *d = *state;
	struct frame frame;
	struct saxdp_sa sa;

	s.payload = SEGMENTS * SEGMENT - 8; /* the first has the SPI */
	frame = (struct frame){ data, frame_build(&s, data) };
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &living);
	require(!testrun_frame(bpf_program__fd(d->out->progs.tc_egress), &frame, &t), "%m");
	sa = sa_get(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND);
	assert_int_equal(sa.packets, SEGMENTS);
	assert_int_equal(sa.bytes, SEGMENTS * (20 + 8 + SEGMENT));
}

/* --- over a veth --------------------------------------------------------------------------------- */

struct cable {
	const char *a, *b;
};

static void cable_lay(struct cable *c, int mtu)
{
	c->a = netns_create("a");
	c->b = netns_create("b");
	veth_create(
		&(struct veth_end){
			.netns = c->a, .ifname = "veth-a", .addr4 = PEER "/24", .mtu = mtu },
		&(struct veth_end){
			.netns = c->b, .ifname = "veth-b", .addr4 = HOST "/24", .mtu = mtu });
}

static void attach_ingress(struct datapath *d, const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	int err = bpf_xdp_attach(link_index(ifname), bpf_program__fd(d->in->progs.xdp_ingress),
				 XDP_FLAGS_DRV_MODE, NULL);

	require(!err, "XDP on %s: %s", ifname, strerror(-err));
	close_netns(token);
}

static void attach_egress(struct datapath *d, const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = link_index(ifname),
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(d->out->progs.tc_egress));
	int err;

	require(!bpf_tc_hook_create(&hook), "clsact on %s: %m", ifname);
	err = bpf_tc_attach(&hook, &opts);
	require(!err, "TC on %s: %s", ifname, strerror(-err));
	close_netns(token);
}

static size_t send_frame(const char *netns, const char *ifname, const struct frame_spec *s,
			 size_t n)
{
	struct nstoken *token = open_netns(netns);
	int fd = packet_sender(ifname);
	uint8_t data[FRAME_SPEC_MAX];
	struct frame frame = { data, frame_build(s, data) };
	size_t sent = packet_send(fd, ifname, &frame, 1, n);

	close(fd);
	close_netns(token);
	return sent;
}

static void steered_esp_in_udp_reaches_its_socket(void **state)
{
	struct datapath *d = *state;
	struct nstoken *token;
	struct cable c;
	size_t sent;
	int fd;

	cable_lay(&c, 0);
	cpu_put(d, 0);
	steer_sa(d, SPI, SAXDP_STEER(SAXDP_STEER_CPU, 0));
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &living);
	attach_ingress(d, c.b, "veth-b");
	attach_egress(d, c.a, "veth-a");
	token = open_netns(c.b);
	fd = udp_receiver(HOST, 4500);
	close_netns(token);

	sent = send_frame(c.a, "veth-a", &esp_udp, LIVE_PACKETS);
	assert_int_equal(sent, LIVE_PACKETS);
	assert_int_equal(receiver_count(fd, sent, NULL, NULL, WAIT_MS), sent);
	sa_counted(d, &esp_udp, IPPROTO_ESP, SAXDP_INBOUND, sent);
	sa_counted(d, &esp_udp, IPPROTO_ESP, SAXDP_OUTBOUND, sent);
	datapath_counted(d, SAXDP_COUNT_STEER_MISSING, &esp_udp, 0);
	close(fd);
}

/* A packet socket leaves no more than the Ethernet header linear of a frame beyond a page. */
static void headers_behind_the_linear_part_are_counted(void **state)
{
	struct frame_spec jumbo = esp4;
	struct datapath *d = *state;
	struct cable c;

	jumbo.payload = JUMBO_PAYLOAD;
	cable_lay(&c, JUMBO_MTU);
	sa_put(d, HOST, SPI, IPPROTO_ESP, SAXDP_OUTBOUND, &living);
	attach_egress(d, c.a, "veth-a");
	assert_int_equal(send_frame(c.a, "veth-a", &jumbo, LIVE_PACKETS), LIVE_PACKETS);
	sa_counted(d, &jumbo, IPPROTO_ESP, SAXDP_OUTBOUND, LIVE_PACKETS);
}

#define outside(test) cmocka_unit_test_setup_teardown(test, open_outside, close_all)
#define inside(test)  cmocka_unit_test_setup_teardown(test, open_inside, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		outside(every_packet_has_one_class_counter),
		outside(nat_keepalive_is_counted),
		outside(jumbo_of_several_buffers_is_counted_by_its_whole_length),
		outside(configured_port_carries_esp_in_udp),
		outside(engine_that_is_not_loaded_leaves_packets_alone),
		outside(sa_is_found_by_destination_spi_protocol_and_direction),
		outside(esp_in_udp_counts_for_the_same_sa_as_esp),
		outside(sa_is_seen_from_its_birth_to_its_death),
		outside(two_cpus_lose_no_count_of_one_sa),
		outside(spi_without_an_sa_is_unknown_only_at_an_endpoint),
		outside(unknown_spi_to_an_ipv6_endpoint_is_counted),
		inside(unknown_spi_is_counted_whatever_the_role),
		outside(steering_follows_the_sa_and_then_the_default),
		outside(missing_target_passes_and_is_counted),
		outside(device_is_a_target),
		outside(af_xdp_socket_of_the_queue_is_a_target),
		outside(spread_keeps_an_spi_and_uses_every_cpu),
		outside(fragments_are_never_steered),
		outside(what_leaves_is_counted_for_outbound_sas_alone),
		outside(segments_of_one_buffer_are_counted_as_packets),
		outside(steered_esp_in_udp_reaches_its_socket),
		outside(headers_behind_the_linear_part_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
