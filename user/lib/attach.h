/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What load and steering need of the interfaces an instance is attached to. */
#ifndef SAXDP_ATTACH_H
#define SAXDP_ATTACH_H

#include "internal.h"
#include "link.h"

/* Detaches everything that the instance's pins, also of one that is GONE, know of. */
int attached_detach_all(const char *instance);

/*
 * Calls @fn inside the namespace of each attached interface that is there; stops with what it
 * returns when that is not 0.
 */
int attached_each(int attached_fd, int (*fn)(void *ctx, const struct link *l), void *ctx);

#endif
