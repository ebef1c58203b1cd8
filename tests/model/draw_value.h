/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What draw.c and draw_frame.c share. */
#ifndef TESTS_MODEL_DRAW_VALUE_H
#define TESTS_MODEL_DRAW_VALUE_H

#include "draw.h"

typedef unsigned __int128 draw_integer; /* a value of any field, addresses too */

draw_integer draw_of_bytes(const UINT8 bytes[16]);
void draw_to_bytes(draw_integer n, UINT8 ret[16]);

/* The values that a condition holds. */
void draw_bounds(const FWP_CONDITION_VALUE0 *v, draw_integer *low, draw_integer *high);
/* Those of one of the filter's conditions on a field; false: it has none. */
bool draw_field(struct draw *d, const FWPM_FILTER0 *f, const GUID *key, draw_integer *low,
		draw_integer *high);

UINT8 draw_protocol(struct draw *d);
bool draw_has_ports(UINT8 protocol);

#endif
