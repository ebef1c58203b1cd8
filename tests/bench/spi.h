/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SPIs in no order, the same for who fills the maps and for who sends. */
#ifndef TESTS_BENCH_SPI_H
#define TESTS_BENCH_SPI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum { BENCH_SPI_BITS = 20 }; /* 1,048,576 of them */

/* The finalizer of MurmurHash3: one to one, so no SPI comes twice. */
static inline __attribute__((always_inline)) __u32 bench_spi(__u32 place)
{
	__u32 spi = place;

	spi ^= spi >> 16;
	spi *= 0x85ebca6b;
	spi ^= spi >> 13;
	spi *= 0xc2b2ae35;
	return spi ^ spi >> 16;
}

#endif
