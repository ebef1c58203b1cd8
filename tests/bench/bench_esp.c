// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What does the full ESP path cost?
 *
 *   (a) an empty program
 *   (b) the least that finds an SA: Ethernet, IP, ESP, a lookup of the same key in a map of as many
 *       entries, whose value has 8 bytes
 *   (c) xdp_ingress: parse, find, count packets, bytes and last use, steer to a CPU
 *
 * over the same frame. Hot is one SA, whose lines stay in the cache. With 1,048,576 SAs a wrapper
 * gives each packet the SPI of another and hands it on by a tail call; its own cost, with (a)
 * behind it, is subtracted. SAs belong to the CPU that this runs on, as with one RX queue.
 *
 * Nothing but the wrapper lies between two packets, so that the processor begins with the next while
 * it waits for the memory of this one: as long as both fit into its window of some 300 instructions,
 * which they do in (b) and not in (c). A driver has more than that to do between two packets. Hence
 * two tables: "one by one", where the wrapper waits for what the packet before has loaded, and
 * "overlapping", where it does not.
 *
 * The instance is loaded by the library for so many contexts and its SAs are put into the maps by
 * hand. What BPF_PROG_RUN does around each run is in (a), (b) and (c) alike. It does not carry out
 * redirects: the helper is called, and what a driver does afterwards is not in (c).
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <unistd.h>

#include "bench.h"
#include "bench_esp.skel.h"
#include "bpffs.h"
#include "pin.h"
#include "saxdp.h"
#include "spi.h"
#include "testrun.h"
#include "xdp_ingress.skel.h"

enum {
	SAS = 1 << BENCH_SPI_BITS,
	FILL = 1 << 14, /* entries a system call */
	HOT_RUNS = 1000000,
	SCATTER_RUNS = 400000,
	PAYLOAD = 64,
	STEER_TO = 0,
};

static const uint32_t local4 = 0xc0000201; /* 192.0.2.1 */
static const uint8_t local6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }; /* 2001:db8::1 */

struct esp_frame4 {
	struct ethhdr eth;
	struct iphdr ip;
	uint32_t esp[2];
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

struct esp_frame6 {
	struct ethhdr eth;
	struct ipv6hdr ip;
	uint32_t esp[2];
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

static struct frame esp_frame(int family)
{
	static struct esp_frame4 v4 = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ESP },
	};
	static struct esp_frame6 v6 = {
		.ip = { .version = 6, .hop_limit = 64, .nexthdr = IPPROTO_ESP },
	};

	v4.eth.h_proto = htons(ETH_P_IP);
	v4.ip.tot_len = htons(sizeof(v4) - sizeof(v4.eth));
	v4.ip.daddr = htonl(local4);
	v4.esp[0] = bench_spi(0);
	v6.eth.h_proto = htons(ETH_P_IPV6);
	v6.ip.payload_len = htons(sizeof(v6) - sizeof(v6.eth) - sizeof(v6.ip));
	memcpy(&v6.ip.daddr, local6, sizeof(local6));
	v6.esp[0] = bench_spi(0);
	return family == 4 ? (struct frame){ &v4, sizeof(v4) } : (struct frame){ &v6, sizeof(v6) };
}

/* --- maps ------------------------------------------------------------------------------------------- */

static void *zeroed(size_t count, size_t size)
{
	void *ret = calloc(count, size);

	require(ret, "out of memory");
	return ret;
}

/* @value of @value_size bytes for the first @sas SPIs. */
static void fill(int fd, int family, uint32_t sas, const void *value, size_t value_size)
{
	size_t key_size = family == 4 ? sizeof(struct saxdp_sa4_key) : sizeof(struct saxdp_sa6_key);
	char *keys = zeroed(FILL, key_size), *values = zeroed(FILL, value_size);

	for (uint32_t i = 0; i < FILL; i++)
		memcpy(values + i * value_size, value, value_size);
	for (uint32_t done = 0; done < sas;) {
		uint32_t n = sas - done < FILL ? sas - done : FILL;

		for (uint32_t i = 0; i < n; i++) {
			struct saxdp_sa4_key key4 = { .destination = htonl(local4) };
			struct saxdp_sa6_key key6 = {};

			memcpy(key6.destination, local6, sizeof(local6));
			key4.spi = key6.spi = bench_spi(done + i);
			key4.protocol = key6.protocol = IPPROTO_ESP;
			key4.direction = key6.direction = SAXDP_INBOUND;
			memcpy(keys + i * key_size, family == 4 ? (void *)&key4 : (void *)&key6,
			       key_size);
		}
		require(!bpf_map_update_batch(fd, keys, values, &n, NULL), "filling: %m");
		done += n;
	}
	free(keys);
	free(values);
}

static struct saxdp_sa sa_of_cpu(int cpu)
{
	return (struct saxdp_sa){
		.life = { .born = 1, .died = SAXDP_NEVER },
		.owner_cpu = cpu + 1,
		.users = 1,
		.context = 1,
		.tunnel = 1,
		.steer = SAXDP_STEER(SAXDP_STEER_CPU, STEER_TO),
	};
}

/* --- programs ---------------------------------------------------------------------------------------- */

struct bench {
	int family;
	const char *instance;
	uint32_t entries; /* of the maps of SAs */
	struct bench_esp_bpf *beside;
	struct xdp_ingress_bpf *product, *preallocated;
};

/* Over the instance's maps, but for those of SAs when they are to be preallocated. */
static struct xdp_ingress_bpf *product_open(const struct bench *b, bool preallocated)
{
	struct xdp_ingress_bpf *ret = xdp_ingress_bpf__open();
	struct bpf_map *map;
	int fd;

	require(ret, "xdp_ingress: %m");
	bpf_object__for_each_map(map, ret->obj) {
		if (preallocated && !strncmp(bpf_map__name(map), "sa", 2)) {
			bpf_map__set_map_flags(map, 0);
			bpf_map__set_max_entries(map, b->entries);
			continue;
		}
		fd = pin_map_open(b->instance, bpf_map__name(map));
		if (fd < 0)
			continue;
		require(!bpf_map__reuse_fd(map, fd), "%s: %m", bpf_map__name(map));
		close(fd);
	}
	require(!xdp_ingress_bpf__load(ret), "xdp_ingress: %m");
	return ret;
}

static struct bpf_map *sa_map(const struct bench *b, struct xdp_ingress_bpf *product)
{
	return b->family == 4 ? product->maps.sa4 : product->maps.sa6;
}

static void product_fill(const struct bench *b, struct xdp_ingress_bpf *product, uint32_t sas)
{
	struct saxdp_sa sa = sa_of_cpu(sched_getcpu());

	fill(bpf_map__fd(sa_map(b, product)), b->family, sas, &sa, sizeof(sa));
}

static void bench_open(struct bench *b, int family, uint32_t contexts, uint32_t sas)
{
	struct saxdp_load_opts opts = { .size = sizeof(opts), .contexts = contexts };
	uint64_t one = 1;
	int fd;

	*b = (struct bench){ .family = family, .instance = bpffs_instance("bench") };
	opts.instance = b->instance;
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	b->product = product_open(b, false);
	b->entries = bpf_map__max_entries(sa_map(b, b->product));
	b->preallocated = product_open(b, true);
	product_fill(b, b->product, sas);
	product_fill(b, b->preallocated, sas);

	b->beside = bench_esp_bpf__open();
	require(b->beside, "bench_esp: %m");
	bpf_map__set_max_entries(family == 4 ? b->beside->maps.bare4 : b->beside->maps.bare6,
				 b->entries);
	require(!bench_esp_bpf__load(b->beside), "bench_esp: %m");
	fd = bpf_map__fd(family == 4 ? b->beside->maps.bare4 : b->beside->maps.bare6);
	fill(fd, family, sas, &one, sizeof(one));
}

static void bench_close(struct bench *b)
{
	bench_esp_bpf__destroy(b->beside);
	xdp_ingress_bpf__destroy(b->preallocated);
	xdp_ingress_bpf__destroy(b->product);
	require(!saxdp_unload(b->instance, true), "%s", saxdp_error());
}

/* --- measuring --------------------------------------------------------------------------------------- */

enum { EMPTY, BARE, PATH, PATH_PREALLOCATED, CASES };

static const struct {
	const char *text;
	uint32_t verdict;
} cases[CASES] = {
	[EMPTY] = { "(a) empty program", XDP_PASS },
	[BARE] = { "(b) parse, bare lookup", XDP_TX },
	[PATH] = { "(c) full path", XDP_REDIRECT },
	[PATH_PREALLOCATED] = { "    the same, preallocated map", XDP_REDIRECT },
};

static int case_program(const struct bench *b, int which)
{
	switch (which) {
	case EMPTY:
		return bpf_program__fd(b->beside->progs.empty);
	case BARE:
		return bpf_program__fd(b->family == 4 ? b->beside->progs.bare_v4 :
							b->beside->progs.bare_v6);
	case PATH:
		return bpf_program__fd(b->product->progs.xdp_ingress);
	default:
		return bpf_program__fd(b->preallocated->progs.xdp_ingress);
	}
}

static double run(int prog, const struct frame *frame, uint32_t repeat, int which)
{
	struct testrun t = { .repeat = repeat };
	double start = bench_thread_ns(), took;

	require(!testrun_frame(prog, frame, &t), "%s: %m", cases[which].text);
	took = bench_thread_ns() - start;
	require(t.retval == cases[which].verdict, "%s: verdict %u", cases[which].text, t.retval);
	/* duration_ns is a whole number; the call around it is nothing over so many runs. */
	return took / repeat;
}

enum order { HOT, SCATTERED, APART };

static void measure(const struct bench *b, enum order order, struct sample ret[CASES])
{
	struct frame frame = esp_frame(b->family);
	uint32_t zero = 0, repeat = order == HOT ? HOT_RUNS : SCATTER_RUNS;
	int wrapper = bpf_program__fd(order == APART ? b->beside->progs.scatter_apart :
						       b->beside->progs.scatter);
	int target = bpf_map__fd(b->beside->maps.target);

	memset(ret, 0, CASES * sizeof(*ret));
	/* Round -1 warms up. */
	for (int round = -1; round < BENCH_ROUNDS; round++) {
		for (int which = 0; which < CASES; which++) {
			int prog = case_program(b, which);
			double ns;

			if (order != HOT) {
				require(!bpf_map_update_elem(target, &zero, &prog, BPF_ANY),
					"target: %m");
				prog = wrapper;
			}
			ns = run(prog, &frame, repeat, which);
			if (round >= 0)
				sample_add(&ret[which], ns);
		}
	}
}

/* What is measured has to have happened: the SA has counted every packet. */
static void check_counted(const struct bench *b)
{
	struct saxdp_sa4_key key4 = {
		.destination = htonl(local4),
		.spi = bench_spi(0),
		.protocol = IPPROTO_ESP,
	};
	struct saxdp_sa6_key key6 = { .spi = bench_spi(0), .protocol = IPPROTO_ESP };
	const void *key = b->family == 4 ? (void *)&key4 : (void *)&key6;
	uint64_t runs = (uint64_t)HOT_RUNS * (BENCH_ROUNDS + 1);
	struct saxdp_sa sa;

	memcpy(key6.destination, local6, sizeof(local6));
	require(!bpf_map_lookup_elem(bpf_map__fd(sa_map(b, b->product)), key, &sa), "SA: %m");
	require(sa.packets == runs && !sa.packets_other && sa.last_used, "%llu of %llu counted",
		(unsigned long long)sa.packets, (unsigned long long)runs);
}

static void hot(int family)
{
	struct sample ns[CASES], ratio;
	struct bench b;

	bench_open(&b, family, 0, 1);
	measure(&b, HOT, ns);
	check_counted(&b);
	bench_close(&b);

	bench_title(family == 4 ? "ESP, IPv4, one SA" : "ESP, IPv6, one SA", "ns", "to (b)");
	for (int which = 0; which < CASES; which++) {
		ratio = sample_ratio(&ns[which], &ns[BARE]);
		bench_row(cases[which].text, &ns[which], which == BARE ? NULL : &ratio,
			  which == PATH ? "<=1.3" : "");
	}
}

static void scattered_show(const struct bench *b, enum order order, const char *title)
{
	struct sample ns[CASES], own[CASES], ratio;

	measure(b, order, ns);
	bench_title(title, "ns", "to (b)");
	bench_row("    wrapper, subtracted below", &ns[EMPTY], NULL, "");
	for (int which = BARE; which < CASES; which++)
		own[which] = sample_minus(&ns[which], &ns[EMPTY]);
	for (int which = BARE; which < CASES; which++) {
		ratio = sample_ratio(&own[which], &own[BARE]);
		bench_row(cases[which].text, &own[which], which == BARE ? NULL : &ratio,
			  which == PATH ? "<=1.2" : "");
	}
}

static void scattered(int family)
{
	struct bench b;

	bench_open(&b, family, SAS / 2, SAS);
	scattered_show(&b, APART,
		       family == 4 ? "IPv4, 1,048,576 SAs, one by one" :
				     "IPv6, 1,048,576 SAs, one by one");
	scattered_show(&b, SCATTERED,
		       family == 4 ? "IPv4, 1,048,576 SAs, overlapping" :
				     "IPv6, 1,048,576 SAs, overlapping");
	bench_close(&b);
}

int main(void)
{
	bench_stay();
	bpffs_mount();
	hot(4);
	hot(6);
	scattered(4);
	scattered(6);
	return 0;
}
