/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The frames of tests/frames/frames.tsv and what a parser must say of them. */
#ifndef TESTS_LIB_FRAMES_H
#define TESTS_LIB_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "parse.bpf.h"

/* The port for ESP in UDP, beside 4500, that the frames were made for. */
#define FRAMES_ENCAP_PORT 5500

struct known_frame {
	const char *name;
	const char *link; /* how it is put together */
	const char *net;
	const char *upper;
	const char *cut; /* the header inside which it ends, or "-" */
	uint8_t *data; /* the linear part */
	size_t len;
	size_t frame_len;
	size_t need; /* bytes to be seen for this outcome; 0 when class and family are all there is */
	struct packet packet; /* the outcome */
};

struct known_frames {
	struct known_frame *frame;
	size_t count;
	char *text;
};

/* Fails the running test when the file cannot be read or has a field it does not understand. */
void frames_init(struct known_frames *frames);
void frames_release(struct known_frames *frames);

const char *packet_class_name(unsigned int class);

#endif
