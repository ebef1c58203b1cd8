/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* BPF_PROG_RUN: a program over a frame, without an interface or through a real one. */
#ifndef TESTS_LIB_TESTRUN_H
#define TESTS_LIB_TESTRUN_H

#include <linux/types.h>
#include <stddef.h>

#include "packet.h"

struct testrun {
	const void *ctx; /* xdp_md or __sk_buff for the program; NULL: none */
	__u32 ctx_size;
	__u32 repeat; /* 0: once */
	void *out; /* what the frame became; NULL: not wanted */
	__u32 out_size;

	/* results */
	__u32 retval;
	__u32 out_len;
	__u32 duration_ns; /* of one run, on average */
};

/*
 * Runs @prog_fd (XDP or TC) over @frame (at least 14 bytes). Returns 0 or -errno, so that a test
 * can hold what the kernel must refuse.
 */
int testrun_frame(int prog_fd, const struct frame *frame, struct testrun *t);

/* The verdict of one run; fails the test if there is none. */
__u32 testrun_verdict(int prog_fd, const struct frame *frame);

/*
 * Lets @count frames really go where the XDP program sends them (XDP_TX, redirects, XDP_PASS), as
 * if received by @ifindex. Their pages are used again: a program must write all that varies each
 * time.
 */
void testrun_live(int prog_fd, const struct frame *frame, __u32 count, __u32 ifindex);

/* Runs a SEC("syscall") program; returns 0 or -errno, @ctx and *@ret_retval are its results. */
int testrun_syscall(int prog_fd, void *ctx, __u32 ctx_size, __u32 *ret_retval);

#endif
