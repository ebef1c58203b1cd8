/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Policies in words, on stderr: what is to be read when oracle and engine differ. */
#ifndef TESTS_MODEL_TELL_H
#define TESTS_MODEL_TELL_H

#include <stdbool.h>
#include <stddef.h>

#include "fwpmtypes.h"

/* One line each, with a star in front where @marked. */
void tell_filter(const FWPM_FILTER0 *f, UINT16 sublayer_weight, bool marked);
void tell_context(UINT64 id, const IPSEC_TRAFFIC1 *outbound, bool marked);
void tell_frame(const UINT8 *frame, size_t length);

#endif
