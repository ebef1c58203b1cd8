/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Network namespaces, entered by the calling thread only and left on every path:
 *
 *	int ns = ns_open(name), home = -1;
 *
 *	err = ns < 0 ? ns : ns_enter(ns, &home);
 *	...
 *	ns_leave(home);
 *	ns_close(ns);
 *
 * Pins are opened before: inside there may be another /sys.
 */
#ifndef SAXDP_NET_NAMESPACE_H
#define SAXDP_NET_NAMESPACE_H

#include <stdint.h>

/* A name of `ip netns`, or NULL for the thread's own. A descriptor, or -ENODEV with a text. */
int ns_open(const char *name);
/* By inode: looked for where names are and in all processes. -ENODEV: gone, or out of sight. */
int ns_find(uint64_t inode);
/* By the id that it has in the thread's own namespace. */
int ns_find_id(int32_t id);
int ns_inode(int fd, uint64_t *ret);
int ns_enter(int fd, int *ret_home);
void ns_leave(int home); /* -1: was never entered */
void ns_close(int fd); /* a negative one is allowed */

#endif
