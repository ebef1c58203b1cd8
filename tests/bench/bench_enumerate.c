// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What does a list of 100,000 SA contexts with their SAs cost?
 *
 * saxdp_context_list(), and IPsecSaContextEnum1() in pages of 1,000, beside batched lookups of all
 * that is in the same maps (sa4, sa6, tunnel, context), with nothing done with it: the least that
 * anyone pays who reads them. The enumeration reads the context map alone, and copies for each
 * context its filters, which the list does not return.
 *
 * Three instances, as the list asks for the inbound filter of each tunnel policy and, in transport
 * mode, of each tunnel: few tunnels with many contexts, and one tunnel a context in either mode.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "gateway.h"
#include "pin.h"

enum {
	CONTEXTS = 100000,
	BATCH = 1024, /* as the library has it */
	ROUNDS = 7,
	PAGE = 1000,
	SPI_FIRST = 0x1000,
};

static size_t map_read(int fd, size_t key_size, size_t value_size)
{
	char *keys = malloc(BATCH * key_size), *values = malloc(BATCH * value_size);
	uint32_t in, next, count;
	bool first = true, last = false;
	size_t ret = 0;

	require(keys && values, "out of memory");
	while (!last) {
		count = BATCH;
		if (bpf_map_lookup_batch(fd, first ? NULL : &in, &next, keys, values, &count,
					 NULL)) {
			require(errno == ENOENT, "batch: %m");
			last = true;
		}
		ret += count;
		in = next;
		first = false;
	}
	free(keys);
	free(values);
	return ret;
}

static const struct {
	const char *name;
	size_t key, value;
} maps[] = {
	{ "sa4", sizeof(struct saxdp_sa4_key), sizeof(struct saxdp_sa) },
	{ "sa6", sizeof(struct saxdp_sa6_key), sizeof(struct saxdp_sa) },
	{ "tunnel", sizeof(struct saxdp_tunnel_key), sizeof(struct saxdp_tunnel) },
	{ "context", sizeof(uint64_t), sizeof(struct saxdp_context) },
};

enum { MAPS = sizeof(maps) / sizeof(*maps) };

static double list_ms(struct saxdp *s)
{
	struct saxdp_context_info *info;
	double start = bench_thread_ns(), took;
	size_t count;

	require(!saxdp_context_list(s, &info, &count), "%s", saxdp_error());
	took = (bench_thread_ns() - start) / 1e6;
	require(count == CONTEXTS, "%zu contexts", count);
	for (size_t i = 0; i < count; i++)
		require(info[i].inbound_sas == 1 && info[i].outbound_sas == 1, "context %llu",
			(unsigned long long)info[i].id);
	free(info);
	return took;
}

static double enumerate_ms(HANDLE engine)
{
	double start = bench_thread_ns();
	size_t seen = 0;
	HANDLE handle;
	UINT32 count;

	gateway_call(IPsecSaContextCreateEnumHandle0(engine, NULL, &handle));
	do {
		IPSEC_SA_CONTEXT1 **entries;

		gateway_call(IPsecSaContextEnum1(engine, handle, PAGE, &entries, &count));
		for (UINT32 i = 0; i < count; i++)
			require(entries[i]->inboundSa && entries[i]->outboundSa, "context %llu",
				(unsigned long long)entries[i]->saContextId);
		FwpmFreeMemory0((void **)&entries);
		seen += count;
	} while (count == PAGE);
	gateway_call(IPsecSaContextDestroyEnumHandle0(engine, handle));
	require(seen == CONTEXTS, "%zu contexts", seen);
	return (bench_thread_ns() - start) / 1e6;
}

static double read_ms(const int fd[MAPS])
{
	double start = bench_thread_ns();

	for (int i = 0; i < MAPS; i++)
		map_read(fd[i], maps[i].key, maps[i].value);
	return (bench_thread_ns() - start) / 1e6;
}

static void measure(const char *title, bool tunnel_mode, uint32_t peers)
{
	struct sample list = {}, pages = {}, bare = {}, list_ratio, pages_ratio;
	struct gateway g;
	struct saxdp *s;
	int fd[MAPS];

	gateway_open(&g, tunnel_mode, peers, CONTEXTS);
	for (uint32_t i = 0; i < CONTEXTS; i++)
		gateway_context(&g, i % peers, SPI_FIRST + i);
	require(!saxdp_open(g.instance, &s), "%s", saxdp_error());
	for (int i = 0; i < MAPS; i++) {
		fd[i] = pin_map_open(g.instance, maps[i].name);
		require(fd[i] >= 0, "%s: %m", maps[i].name);
	}
	for (int round = 0; round < ROUNDS; round++) {
		sample_add(&list, list_ms(s));
		sample_add(&pages, enumerate_ms(g.engine));
		sample_add(&bare, read_ms(fd));
	}
	for (int i = 0; i < MAPS; i++)
		close(fd[i]);
	saxdp_close(s);
	gateway_close(&g);

	list_ratio = sample_ratio(&list, &bare);
	pages_ratio = sample_ratio(&pages, &bare);
	bench_title(title, "ms", "ratio");
	bench_row("batched lookups", &bare, NULL, "");
	bench_row("saxdp_context_list()", &list, &list_ratio, "<1 s");
	bench_row("IPsecSaContextEnum1()", &pages, &pages_ratio, "<1 s");
}

int main(void)
{
	bench_stay();
	measure("list, 1,000 tunnels", true, 1000);
	measure("list, 100,000 tunnels", true, CONTEXTS);
	measure("list, 100,000 in transport mode", false, CONTEXTS);
	return 0;
}
