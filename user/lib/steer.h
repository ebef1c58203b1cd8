/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What contexts and interfaces need to know of steering. */
#ifndef SAXDP_STEER_H
#define SAXDP_STEER_H

#include "internal.h"
#include "link.h"

/*
 * The steer word that a new inbound SA gets: its virtual interface before its tunnel's word, and
 * that before the default. Both may be set meanwhile, so whoever adds the SA
 *  - expects the tunnel's words in the same commit:
 *    SAXDP_OP_EXPECT at offsetof(struct saxdp_tunnel, id), and
 *  - calls steer_settle() after it when the context has a virtual interface.
 */
int steer_effective(const struct instance *inst, const struct saxdp_context *context,
		    uint32_t tunnel_steer, uint32_t *ret);

/* The caller holds the session's lock, as for any change. */
int steer_settle(struct session *s, const struct saxdp_context *context, enum saxdp_kind kind,
		 const void *sa_key);

/* Whether anything is steered to CPUs. */
int steer_uses_cpus(const struct instance *inst, bool *ret);

/*
 * -EREMOTEIO when a veth brings packets whose checksum nobody made, which a cpumap loses. In the
 * network namespace of the interface.
 */
int steer_checksum_check(const struct link *l);

#endif
