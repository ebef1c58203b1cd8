/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Network namespaces, entered by the calling thread only and left on every path:
 *
 *	int ns = netns_open(name), home = -1;
 *
 *	err = ns < 0 ? ns : netns_enter(ns, &home);
 *	...
 *	netns_leave(home);
 *	netns_close(ns);
 *
 * Pins are opened before: inside there may be another /sys.
 */
#ifndef SAXDP_NETNS_H
#define SAXDP_NETNS_H

#include <stdint.h>

/* A name of `ip netns`, or NULL for the thread's own. A descriptor, or -ENODEV with a text. */
int netns_open(const char *name);
/* By inode: looked for where names are and in all processes. -ENODEV: gone, or out of sight. */
int netns_find(uint64_t inode);
/* By the id that it has in the thread's own namespace. */
int netns_find_id(int32_t id);
int netns_inode(int fd, uint64_t *ret);
int netns_enter(int fd, int *ret_home);
void netns_leave(int home); /* -1: was never entered */
void netns_close(int fd); /* a negative one is allowed */

#endif
