/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How large the maps of an instance are, and what that costs. */
#ifndef SAXDP_SIZE_H
#define SAXDP_SIZE_H

#include <bpf/libbpf.h>
#include <stdint.h>

#include "internal.h"

enum {
	/* Frames that wait for a CPU: 32 full polls of a driver. */
	STEER_CPU_QUEUE = 2048,
};

struct size {
	uint32_t contexts, filters;
	uint32_t steer_cpus; /* that steering may use */
};

/* Sizes the maps of an object that is opened and not yet loaded. */
int size_set(const struct size *size, struct bpf_object *obj);
/* struct saxdp_engine's, by enum saxdp_epoch_id. */
uint32_t size_grave(const struct size *size, enum saxdp_epoch_id epoch);
/* The bytes in @ret of an instance whose maps are in these objects, each once. */
void size_cost(const struct size *size, const struct bpf_object *commit,
	       const struct bpf_object *tick, struct saxdp_load_result *ret);

#endif
