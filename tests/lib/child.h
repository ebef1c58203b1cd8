/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A part of a test that runs in a process of its own: under another identity, in another network
 * namespace, or to be killed at a point it names.
 *
 *	struct child c;
 *
 *	child_start(&c, NULL, write_half_a_transaction, &args);	 calls child_hold(self)
 *	child_await(&c);
 *	child_kill(&c);
 *
 * cmocka's assertions work in the child: their text and the failure arrive in the parent.
 */
#ifndef TESTS_LIB_CHILD_H
#define TESTS_LIB_CHILD_H

#include <sys/types.h>

#include "identity.h"

struct child {
	pid_t pid;
	int points; /* parent reads, child writes: one byte for each point reached */
	int go; /* parent writes, child reads */
	int text; /* what the child printed */
};

struct child_opts {
	const char *netns; /* NULL: the caller's */
	const struct identity *as; /* NULL: the caller's */
};

/* Its return value (0 to 123) is the exit status; 0 means success. */
typedef int (*child_fn)(struct child *self, void *arg);

void child_start(struct child *c, const struct child_opts *opts, child_fn fn, void *arg);

/* In the child: tell the parent, and go on (reach) or wait for its child_go() or SIGKILL (hold). */
void child_reach(struct child *self);
void child_hold(struct child *self);

/* In the parent: wait for the next point; if the child ends first the test fails with its text. */
void child_await(struct child *c);
void child_go(struct child *c);

/* SIGKILL, and reap. */
void child_kill(struct child *c);

/*
 * Waits for the end: exit status, or 128 + signal (an assertion that failed: 128 + SIGABRT).
 * @ret_text, if not NULL, gets what the child printed, to be freed.
 */
int child_join(struct child *c, char **ret_text);

/* child_join(), and the test fails with the child's text unless the status is 0. */
void child_finish(struct child *c);

/* child_start() and child_finish(). */
void child_run(const struct child_opts *opts, child_fn fn, void *arg);

#endif
