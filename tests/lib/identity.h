/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Numeric identities for tests of rights; no entry in /etc/passwd is needed. The kernel compares
 * numbers only. See child.h and run.h for running something under one.
 */
#ifndef TESTS_LIB_IDENTITY_H
#define TESTS_LIB_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct identity {
	uid_t uid; /* not 0: root keeps his capabilities */
	gid_t gid;
	const gid_t *groups; /* supplementary; NULL: none */
	size_t n_groups;
};

/*
 * Becomes @who for good, without any capability and without a way back. For a child between fork()
 * and its work; on failure it prints why and the process exits with 125.
 */
void identity_assume(const struct identity *who);

/* True when any of the effective, permitted, inheritable or ambient sets is not empty. */
bool identity_has_capabilities(void);

#endif
