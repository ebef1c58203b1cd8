// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "testrun.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "check.h"

/* 64 is what a veth ring of 256 takes without a loss; 256 lost frames. */
enum { LIVE_BATCH = 64 };

int testrun_frame(int prog_fd, const struct frame *frame, struct testrun *t)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
		    .data_size_in = (__u32)frame->len, .data_out = t->out,
		    .data_size_out = t->out ? t->out_size : 0, .ctx_in = t->ctx,
		    .ctx_size_in = t->ctx_size, .repeat = t->repeat ? (int)t->repeat : 1);
	int err = bpf_prog_test_run_opts(prog_fd, &opts);

	t->retval = opts.retval;
	t->out_len = opts.data_size_out;
	t->duration_ns = opts.duration;
	return err;
}

__u32 testrun_verdict(int prog_fd, const struct frame *frame)
{
	struct testrun t = {};
	int err = testrun_frame(prog_fd, frame, &t);

	require(!err, "BPF_PROG_RUN: %m");
	return t.retval;
}

void testrun_live(int prog_fd, const struct frame *frame, __u32 count, __u32 ifindex)
{
	struct xdp_md ctx = { .data_end = (__u32)frame->len, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
		    .data_size_in = (__u32)frame->len, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .repeat = (int)count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = LIVE_BATCH);

	require(bpf_prog_test_run_opts(prog_fd, &opts) == 0, "live frames: %m");
}

int testrun_syscall(int prog_fd, void *ctx, __u32 ctx_size, __u32 *ret_retval)
{
	/* No ctx_out: the kernel refuses it; results come back in ctx_in. */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = ctx_size);
	int err = bpf_prog_test_run_opts(prog_fd, &opts);

	if (!err && ret_retval)
		*ret_retval = opts.retval;
	return err;
}
