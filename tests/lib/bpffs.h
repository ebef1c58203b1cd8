/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#ifndef TESTS_LIB_BPFFS_H
#define TESTS_LIB_BPFFS_H

/* Mounts /sys/fs/bpf unless it is mounted. */
void bpffs_mount(void);

/*
 * A name for an instance of this test alone. Its directory under /sys/fs/bpf/saxdp is not made, but
 * registered (scratch.h): whatever is pinned there goes with the test. The name lives as long.
 */
const char *bpffs_instance(const char *label);

/* The directory of an instance. */
void bpffs_instance_path(const char *instance, char *ret_path, unsigned int size);

#endif
