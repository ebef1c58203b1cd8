// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What `load` and `unload` need a program for, run once and never pinned: a reading of two clocks
 * at one moment, and a store into `engine` that leaves everything around it alone, as
 * bpf_map_update_elem would copy back what a commit has changed meanwhile.
 */
#include "vmlinux.h"
#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>

#include "proto.bpf.h"
#include "maps.bpf.h"

__u64 clock_jiffies, clock_boot_ns;

SEC("syscall")
int clock(void *ctx)
{
	(void)ctx;
	clock_jiffies = bpf_jiffies64();
	clock_boot_ns = bpf_ktime_get_boot_ns();
	return 0;
}

SEC("syscall")
int retire(void *ctx)
{
	struct saxdp_engine *e = engine_get();

	(void)ctx;
	if (!e)
		return -ENOENT;
	__sync_lock_test_and_set(&e->state, SAXDP_STATE_GONE);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
