// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * How many life cycles of an SA context does one thread do in a second?
 *
 * A cycle is IPsecSaContextCreate1, SetSpi0, AddInbound1, AddOutbound1, DeleteById0, for 1,000 peers
 * in turn whose tunnels stay. Beside it, what the same changes take as single operations on maps of
 * the same shape and flags, by a program that knows every value and checks nothing:
 *
 *                   context   larval SA  inbound SA  outbound SA  tunnel   endpoint  policies
 *   Create1         insert                                        update   update    update
 *   SetSpi0         update    insert                                                 (update)
 *   AddInbound1     update    delete     insert
 *   AddOutbound1    update                           insert       update
 *   DeleteById0     delete               delete      delete       update   update    update (x2)
 *
 * In tunnel mode a context counts as a user of one policy, so that is 4 inserts, 10 updates and 4
 * deletes; in transport mode of its outbound filter and, in brackets, from its SPI on of its inbound
 * filter: 2 updates more. Not counted, though the library does it: reading, the generation, the
 * queue of the dead, the wait for their reuse.
 *
 * System calls of libbpf are counted in this process.
 *
 * link: -Wl,--wrap=syscall
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway.h"

enum {
	PEERS = 1000,
	CONTEXTS = 16384,
	ROUND_CYCLES = 3000, /* a few reclaims of the dead each */
	SPI_FIRST = 0x1000,
};

/* --- system calls -------------------------------------------------------------------------------------- */

static unsigned long bpf_calls, program_runs, waits;
static double wait_ns;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	bool waits_for_packets = false;
	double start = 0;
	va_list args;
	long arg[6], ret;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf) {
		bpf_calls++;
		program_runs += arg[0] == BPF_PROG_TEST_RUN;
		/* The library's only update of a map is how it waits for a grace period. */
		waits_for_packets = arg[0] == BPF_MAP_UPDATE_ELEM;
	}
	if (waits_for_packets)
		start = bench_now_ns();
	ret = __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (waits_for_packets) {
		waits++;
		wait_ns += bench_now_ns() - start;
	}
	return ret;
}

/* --- through the API ------------------------------------------------------------------------------------ */

enum call { CALL_CREATE, CALL_SET_SPI, CALL_ADD_INBOUND, CALL_ADD_OUTBOUND, CALL_DELETE, CALLS };

static const char *const call_text[CALLS] = {
	[CALL_CREATE] = "IPsecSaContextCreate1",
	[CALL_SET_SPI] = "IPsecSaContextSetSpi0",
	[CALL_ADD_INBOUND] = "IPsecSaContextAddInbound1",
	[CALL_ADD_OUTBOUND] = "IPsecSaContextAddOutbound1",
	[CALL_DELETE] = "IPsecSaContextDeleteById0",
};

struct calls {
	unsigned long made, bpf[CALLS], runs[CALLS], waits;
	double wait_ns;
};

static void calls_note(struct calls *c, enum call which)
{
	c->bpf[which] += bpf_calls;
	c->runs[which] += program_runs;
	c->waits += waits;
	c->wait_ns += wait_ns;
	bpf_calls = program_runs = waits = 0;
	wait_ns = 0;
}

static void cycle(const struct gateway *g, uint32_t peer, uint32_t spi, struct calls *c)
{
	UINT64 id;

	bpf_calls = program_runs = waits = 0;
	wait_ns = 0;
	id = gateway_create(g, peer);
	calls_note(c, CALL_CREATE);
	gateway_set_spi(g, id, peer, spi);
	calls_note(c, CALL_SET_SPI);
	gateway_bundle(g, id, spi, true);
	calls_note(c, CALL_ADD_INBOUND);
	gateway_bundle(g, id, spi, false);
	calls_note(c, CALL_ADD_OUTBOUND);
	gateway_delete(g, id);
	calls_note(c, CALL_DELETE);
	c->made++;
}

/* --- by single operations -------------------------------------------------------------------------------- */

struct bare {
	int context, sa, tunnel, endpoint, policy;
};

static int bare_map(const char *name, uint32_t key, uint32_t value, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, name, key, value, entries, &opts);

	require(fd >= 0, "map %s: %m", name);
	return fd;
}

static void put(int fd, const void *key, const void *value, uint64_t flags)
{
	require(!bpf_map_update_elem(fd, key, value, flags), "update: %m");
}

static void end(int fd, const void *key)
{
	require(!bpf_map_delete_elem(fd, key), "delete: %m");
}

struct bare_keys {
	uint64_t context, policy[2];
	struct saxdp_sa4_key larval, inbound, outbound;
	struct saxdp_tunnel_key tunnel;
	struct saxdp_endpoint_key endpoint;
};

static void bare_keys(uint64_t id, uint32_t peer, uint32_t spi, struct bare_keys *ret)
{
	uint32_t local = htonl(GATEWAY_LOCAL), remote = htonl(GATEWAY_PEERS + peer);

	*ret = (struct bare_keys){
		.context = id,
		.policy = { peer, PEERS },
		.larval = { .destination = local, .spi = htonl(spi) },
		.inbound = { .destination = local, .spi = htonl(spi), .protocol = IPPROTO_ESP },
		.outbound = { .destination = remote,
			      .spi = htonl(spi),
			      .protocol = IPPROTO_ESP,
			      .direction = SAXDP_OUTBOUND },
		.tunnel = { .policy = peer, .local = { local }, .remote = { remote }, .family = 4 },
		.endpoint = { .address = { local }, .family = 4 },
	};
}

static void bare_open(struct bare *b)
{
	struct saxdp_prov_context policy = {};
	struct saxdp_endpoint endpoint = {};
	struct saxdp_tunnel tunnel = {};
	struct bare_keys k;

	*b = (struct bare){
		.context = bare_map("context", 8, sizeof(struct saxdp_context), CONTEXTS),
		.sa = bare_map("sa4", sizeof(struct saxdp_sa4_key), sizeof(struct saxdp_sa),
			       2 * CONTEXTS),
		.tunnel = bare_map("tunnel", sizeof(struct saxdp_tunnel_key),
				   sizeof(struct saxdp_tunnel), 2 * CONTEXTS),
		.endpoint = bare_map("endpoint", sizeof(struct saxdp_endpoint_key),
				     sizeof(struct saxdp_endpoint), CONTEXTS),
		.policy = bare_map("policy", 8, sizeof(struct saxdp_prov_context), PEERS + 1),
	};
	for (uint32_t peer = 0; peer < PEERS; peer++) {
		bare_keys(0, peer, SPI_FIRST, &k);
		put(b->tunnel, &k.tunnel, &tunnel, BPF_ANY);
		put(b->endpoint, &k.endpoint, &endpoint, BPF_ANY);
		put(b->policy, &k.policy[0], &policy, BPF_ANY);
		put(b->policy, &k.policy[1], &policy, BPF_ANY);
	}
}

static void bare_close(const struct bare *b)
{
	close(b->context);
	close(b->sa);
	close(b->tunnel);
	close(b->endpoint);
	close(b->policy);
}

static void bare_cycle(const struct bare *b, bool tunnel_mode, uint64_t id, uint32_t peer,
		       uint32_t spi)
{
	struct saxdp_prov_context policy = {};
	struct saxdp_endpoint endpoint = {};
	struct saxdp_context context = {};
	struct saxdp_tunnel tunnel = {};
	struct saxdp_sa sa = {};
	struct bare_keys k;

	bare_keys(id, peer, spi, &k);

	put(b->context, &k.context, &context, BPF_NOEXIST);
	put(b->tunnel, &k.tunnel, &tunnel, BPF_EXIST);
	put(b->endpoint, &k.endpoint, &endpoint, BPF_EXIST);
	put(b->policy, &k.policy[0], &policy, BPF_EXIST);

	put(b->context, &k.context, &context, BPF_EXIST);
	put(b->sa, &k.larval, &sa, BPF_NOEXIST);
	if (!tunnel_mode)
		put(b->policy, &k.policy[1], &policy, BPF_EXIST);

	put(b->context, &k.context, &context, BPF_EXIST);
	put(b->sa, &k.inbound, &sa, BPF_NOEXIST);
	end(b->sa, &k.larval);

	put(b->context, &k.context, &context, BPF_EXIST);
	put(b->sa, &k.outbound, &sa, BPF_NOEXIST);
	put(b->tunnel, &k.tunnel, &tunnel, BPF_EXIST);

	end(b->sa, &k.inbound);
	end(b->sa, &k.outbound);
	end(b->context, &k.context);
	put(b->tunnel, &k.tunnel, &tunnel, BPF_EXIST);
	put(b->endpoint, &k.endpoint, &endpoint, BPF_EXIST);
	put(b->policy, &k.policy[0], &policy, BPF_EXIST);
	if (!tunnel_mode)
		put(b->policy, &k.policy[1], &policy, BPF_EXIST);
}

/* --- measuring -------------------------------------------------------------------------------------------- */

/* Wall time has the waits in it, and whatever else this machine does; thread time neither. */
struct rate {
	struct sample wall, thread;
};

struct watch {
	double wall, thread;
};

static struct watch watch_start(void)
{
	return (struct watch){ bench_now_ns(), bench_thread_ns() };
}

static void watch_stop(const struct watch *w, struct rate *ret)
{
	sample_add(&ret->wall, ROUND_CYCLES * 1e9 / (bench_now_ns() - w->wall));
	sample_add(&ret->thread, ROUND_CYCLES * 1e9 / (bench_thread_ns() - w->thread));
}

static void measure(bool tunnel_mode)
{
	struct rate api = {}, bare = {};
	struct sample wall, thread;
	struct calls calls = {};
	struct gateway g;
	struct watch w;
	struct bare b;
	uint32_t n = 0;

	gateway_open(&g, tunnel_mode, PEERS, CONTEXTS);
	bare_open(&b);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		cycle(&g, peer, SPI_FIRST + peer, &calls);
	memset(&calls, 0, sizeof(calls));

	for (int round = 0; round < BENCH_ROUNDS; round++) {
		w = watch_start();
		for (uint32_t i = 0; i < ROUND_CYCLES; i++, n++)
			cycle(&g, n % PEERS, SPI_FIRST + n, &calls);
		watch_stop(&w, &api);
		w = watch_start();
		for (uint32_t i = 0; i < ROUND_CYCLES; i++)
			bare_cycle(&b, tunnel_mode, n + i, i % PEERS, SPI_FIRST + i);
		watch_stop(&w, &bare);
	}

	wall = sample_ratio(&api.wall, &bare.wall);
	thread = sample_ratio(&api.thread, &bare.thread);
	bench_title(tunnel_mode ? "life cycles, tunnel mode" : "life cycles, transport mode", "1/s",
		    "ratio");
	bench_row(tunnel_mode ? "18 map operations, wall time" : "20 map operations, wall time",
		  &bare.wall, NULL, "");
	bench_row("5 calls of the API, wall time", &api.wall, &wall, ">=1.5");
	bench_row(tunnel_mode ? "18 map operations" : "20 map operations", &bare.thread, NULL, "");
	bench_row("5 calls of the API", &api.thread, &thread, ">=1.5");
	for (int i = 0; i < CALLS; i++)
		bench_note("%-30s %5.2f bpf() a call, of these %.2f runs", call_text[i],
			   (double)calls.bpf[i] / calls.made, (double)calls.runs[i] / calls.made);
	bench_note("waits for packets: %.2f in 1,000 cycles, %.1f ms each",
		   calls.waits * 1000.0 / calls.made,
		   calls.waits ? calls.wait_ns / calls.waits / 1e6 : 0);
	bare_close(&b);
	gateway_close(&g);
}

int main(void)
{
	bench_stay();
	measure(true);
	measure(false);
	return 0;
}
