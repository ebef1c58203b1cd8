/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The handle of saxdp.h. */
#ifndef SAXDP_OPEN_H
#define SAXDP_OPEN_H

#include "internal.h"

struct saxdp {
	struct instance *inst; /* INSTANCE_READ; nothing here changes while it is open */
};

#endif
