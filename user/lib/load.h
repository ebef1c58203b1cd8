/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What attach shares with load. */
#ifndef SAXDP_LOAD_H
#define SAXDP_LOAD_H

/* 0, or -EPERM with a text that names what is missing. */
int load_permitted(const char *what);
/* Held by whoever changes which instances there are or what they are attached to; close() it. */
int load_lock(void);
/* Starts the tick, if it does not run: 0 or -errno. @prog_fd: of tick_arm. */
int tick_start(int prog_fd);

#endif
