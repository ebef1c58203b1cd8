/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libbpf and libxdp print; this library does not. Between quiet_begin() and quiet_end() what they
 * say is kept instead, so that an error can name its cause. Calls nest and may come from several
 * threads; what the program itself has set is put back by the last quiet_end().
 */
#ifndef SAXDP_QUIET_H
#define SAXDP_QUIET_H

void quiet_begin(void);
void quiet_end(void);
/* The first warning in this thread since its quiet_begin(), without a newline; "" if none. */
const char *quiet_said(void);

#endif
