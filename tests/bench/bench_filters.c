// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * How many filters does one thread add in a second, and where does the time go?
 *
 * 10,000 filters in one transaction, each for a remote address, a protocol and a local port of its
 * own; then they are deleted, in a transaction too. Rates are by the
 * thread's own time, parts by the wall clock. From the second round on the commit also reclaims what
 * died in the one before.
 *
 * link: -Wl,--wrap=syscall
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway.h"

enum {
	FILTERS = 10000,
	PORTS = 1000,
	ROUNDS = 7,
};

/* --- time in bpf() ---------------------------------------------------------------------------------------- */

static struct {
	unsigned long lookups, runs, others;
	double lookup_ns, run_ns, other_ns;
} in_bpf;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	double start = bench_now_ns(), took; /* the thread's clock is a system call itself */
	va_list args;
	long arg[6], ret;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	ret = __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	took = bench_now_ns() - start;
	if (number == SYS_bpf && arg[0] == BPF_PROG_TEST_RUN) {
		in_bpf.runs++;
		in_bpf.run_ns += took;
	} else if (number == SYS_bpf && arg[0] == BPF_MAP_LOOKUP_ELEM) {
		in_bpf.lookups++;
		in_bpf.lookup_ns += took;
	} else {
		in_bpf.others++;
		in_bpf.other_ns += took;
	}
	return ret;
}

/* --- filters ------------------------------------------------------------------------------------------------ */

static UINT64 add(HANDLE engine, uint32_t n)
{
	static wchar_t name[] = L"filter";
	FWPM_FILTER_CONDITION0 conditions[] = {
		{
			.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
			.matchType = FWP_MATCH_EQUAL,
			.conditionValue = { .type = FWP_UINT32, .uint32 = GATEWAY_PEERS + n },
		},
		{
			.fieldKey = FWPM_CONDITION_IP_PROTOCOL,
			.matchType = FWP_MATCH_EQUAL,
			.conditionValue = { .type = FWP_UINT8, .uint8 = IPPROTO_UDP },
		},
		{
			.fieldKey = FWPM_CONDITION_IP_LOCAL_PORT,
			.matchType = FWP_MATCH_EQUAL,
			.conditionValue = { .type = FWP_UINT16, .uint16 = 1 + n % PORTS },
		},
	};
	FWPM_FILTER0 filter = {
		.displayData.name = name,
		.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4,
		.action.type = FWP_ACTION_BLOCK,
		.numFilterConditions = sizeof(conditions) / sizeof(*conditions),
		.filterCondition = conditions,
	};
	UINT64 id;

	gateway_call(FwpmFilterAdd0(engine, &filter, NULL, &id));
	return id;
}

/* Microseconds a filter. */
enum part { ADD_USER, ADD_LOOKUP, ADD_OTHER, COMMIT_USER, COMMIT_RUN, COMMIT_OTHER, PARTS };

static const char *const part_text[PARTS] = {
	[ADD_USER] = "FwpmFilterAdd0, in the library", [ADD_LOOKUP] = "FwpmFilterAdd0, lookups",
	[ADD_OTHER] = "FwpmFilterAdd0, other calls",   [COMMIT_USER] = "commit, in the library",
	[COMMIT_RUN] = "commit, the commit program",   [COMMIT_OTHER] = "commit, other calls",
};

static double each_us(double ns)
{
	return ns / FILTERS / 1e3;
}

int main(void)
{
	struct sample added = {}, deleted = {}, part[PARTS] = {};
	struct saxdp_load_opts opts = { .size = sizeof(opts), .filters = FILTERS };
	unsigned long lookups = 0, runs = 0, others = 0;
	static UINT64 id[FILTERS];
	double start, calls, commit, thread;
	HANDLE engine;

	bench_stay();
	bpffs_mount();
	opts.instance = bpffs_instance("bench");
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	setenv("SAXDP_INSTANCE", opts.instance, 1);
	gateway_call(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine));

	for (int round = 0; round < ROUNDS; round++) {
		memset(&in_bpf, 0, sizeof(in_bpf));
		thread = bench_thread_ns();
		start = bench_now_ns();
		gateway_call(FwpmTransactionBegin0(engine, 0));
		for (uint32_t i = 0; i < FILTERS; i++)
			id[i] = add(engine, i);
		calls = bench_now_ns() - start;
		lookups = in_bpf.lookups;
		others = in_bpf.others + in_bpf.runs;
		in_bpf.other_ns += in_bpf.run_ns;
		sample_add(&part[ADD_LOOKUP], each_us(in_bpf.lookup_ns));
		sample_add(&part[ADD_OTHER], each_us(in_bpf.other_ns));
		sample_add(&part[ADD_USER], each_us(calls - in_bpf.lookup_ns - in_bpf.other_ns));

		memset(&in_bpf, 0, sizeof(in_bpf));
		start = bench_now_ns();
		gateway_call(FwpmTransactionCommit0(engine));
		commit = bench_now_ns() - start;
		sample_add(&added, FILTERS * 1e9 / (bench_thread_ns() - thread));
		runs = in_bpf.runs;
		in_bpf.other_ns += in_bpf.lookup_ns;
		sample_add(&part[COMMIT_RUN], each_us(in_bpf.run_ns));
		sample_add(&part[COMMIT_OTHER], each_us(in_bpf.other_ns));
		sample_add(&part[COMMIT_USER], each_us(commit - in_bpf.run_ns - in_bpf.other_ns));

		start = bench_thread_ns();
		gateway_call(FwpmTransactionBegin0(engine, 0));
		for (uint32_t i = 0; i < FILTERS; i++)
			gateway_call(FwpmFilterDeleteById0(engine, id[i]));
		gateway_call(FwpmTransactionCommit0(engine));
		sample_add(&deleted, FILTERS * 1e9 / (bench_thread_ns() - start));
	}
	gateway_call(FwpmEngineClose0(engine));
	require(!saxdp_unload(opts.instance, true), "%s", saxdp_error());

	bench_title("10,000 filters, one transaction", "1/s", "");
	bench_row("added", &added, NULL, "");
	bench_row("deleted", &deleted, NULL, "");
	bench_title("adding, for each filter", "us", "");
	for (int i = 0; i < PARTS; i++)
		bench_row(part_text[i], &part[i], NULL, "");
	bench_note("%.2f lookups and %.2f other calls a filter, %lu runs of the commit program",
		   (double)lookups / FILTERS, (double)others / FILTERS, runs);
	return 0;
}
