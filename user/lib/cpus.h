/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Lists of CPUs. */
#ifndef SAXDP_CPUS_H
#define SAXDP_CPUS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Those that are on-line, in ascending order, at most @room; what is beyond is left out. Returns
 * their number or -errno.
 */
int cpus_online(uint32_t *ret_cpu, uint32_t room);
/*
 * "0-3,6", each once. Returns their number; -EINVAL (not a list, or more than @room), -ENXIO (one
 * is absent or off-line: saxdp_error() names it).
 */
int cpus_parse(const char *list, uint32_t *ret_cpu, uint32_t room);
bool cpu_is_online(uint32_t cpu);

#endif
