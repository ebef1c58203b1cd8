/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Network namespaces, by the names that `ip netns` and `saxdp attach --netns` know.
 *
 * Entering is setns(2) in this process, never `ip netns exec`: that mounts a fresh /sys, in which
 * no BPF pin is seen.
 */
#ifndef TESTS_LIB_NETNS_H
#define TESTS_LIB_NETNS_H

struct nstoken;

/* Makes an empty namespace with its loopback up; the name lives until it is removed. */
const char *netns_create(const char *label);

/* Removes it now; scratch_teardown() does it for all. */
void netns_remove(const char *name);

/*
 * Moves the calling thread into @name until close_netns() (which takes NULL). A test that fails in
 * between is brought back by scratch_teardown().
 */
struct nstoken *open_netns(const char *name);
void close_netns(struct nstoken *token);

/* Moves the calling thread there for good: for children, which exit with 125 if it cannot be. */
void netns_enter(const char *name);

/* Back to the namespace in which the first netns_create() was called. */
void netns_go_home(void);

/* Writes /proc/sys/net/@path ("ipv4/ip_forward") of that namespace. */
void netns_sysctl(const char *name, const char *path, const char *value);

#endif
