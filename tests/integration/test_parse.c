// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The packet parser as clang makes it for BPF and the kernel runs it, at both hooks, against the
 * frames of tests/frames/. Those that BPF_PROG_RUN cannot give a program are for the unit test:
 * longer than 64 KiB, shorter than a header of Ethernet, or with a header behind the linear part.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include "check.h"
#include "frames.h"
#include "frames.skel.h"
#include "testrun.h"

/* BPF_PROG_RUN takes XDP frames of several buffers, but TC packets of one and with an IP header. */
enum {
	MIN_FRAME = 14,
	XDP_MAX_FRAME = 9100,
	TC_MAX_FRAME = 3000,
};

static struct known_frames known;
static struct frames_bpf *skel;

static void check_frames(int prog_fd, size_t max, bool cut_in_ip)
{
	uint8_t data[XDP_MAX_FRAME];
	size_t i, ran = 0, wrong = 0;

	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];
		const struct packet *wanted = &f->packet, *found = &skel->bss->found;
		struct frame frame = { .data = data, .len = f->frame_len };
		struct testrun run = {};
		bool same;

		if (wanted->class == CLASS_UNSEEN || f->frame_len < MIN_FRAME || f->frame_len > max)
			continue;
		if (!cut_in_ip && (!strcmp(f->cut, "ipv4") || !strcmp(f->cut, "ipv6")))
			continue;
		memset(data, 0, sizeof(data));
		memcpy(data, f->data, f->len);
		memset(&skel->bss->found, 0xaa, sizeof(*found));
		require(!testrun_frame(prog_fd, &frame, &run), "%s: %m", f->name);
		if (wanted->class == CLASS_MALFORMED)
			same = found->class == CLASS_MALFORMED && found->family == wanted->family;
		else
			same = !memcmp(found, wanted, sizeof(*found));
		if (!same)
			print_error("%s: %s instead of %s\n", f->name,
				    packet_class_name(found->class),
				    packet_class_name(wanted->class));
		wrong += !same;
		ran++;
	}
	printf("# %zu of %zu frames can be run here\n", ran, known.count);
	assert_true(ran > known.count / 2);
	if (wrong)
		fail_msg("%zu of %zu frames", wrong, ran);
}

static void xdp_finds_what_the_frames_were_built_as(void **state)
{
	(void)state;
	check_frames(bpf_program__fd(skel->progs.frames_xdp), XDP_MAX_FRAME, true);
}

static void tc_finds_what_the_frames_were_built_as(void **state)
{
	(void)state;
	check_frames(bpf_program__fd(skel->progs.frames_tc), TC_MAX_FRAME, false);
}

static int load(void **state)
{
	(void)state;
	frames_init(&known);
	skel = frames_bpf__open_and_load();
	require(skel, "frames.bpf.o: %m");
	skel->bss->encap_port = htons(FRAMES_ENCAP_PORT);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	frames_bpf__destroy(skel);
	frames_release(&known);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_finds_what_the_frames_were_built_as),
		cmocka_unit_test(tc_finds_what_the_frames_were_built_as),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
