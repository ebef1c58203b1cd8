/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The kernel's jiffies against a clock that user space has. */
#ifndef SAXDP_CLOCK_H
#define SAXDP_CLOCK_H

#include <stdint.h>

#include "saxdp_abi.h"

struct load_bpf;

/* Fills hz and the pair of clocks; takes about 11 ticks. @load: loaded. */
int clock_note(struct load_bpf *load, struct saxdp_engine *engine);

#endif
