/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a test leaves in the system, and its removal.
 *
 * Everything that outlives a process (network namespaces, directories) is named
 * "saxdp-test-PID-LABEL" and registered here *before* it is created. It is removed
 *  - by scratch_teardown(), made to be a cmocka teardown,
 *  - else at exit() and by SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGABRT,
 *  - else, after a SIGKILL, by the next test program that registers anything: it removes all names
 *    whose PID is dead.
 * A child made by fork() owns nothing and removes nothing. Processes of run.h and child.h are
 * killed by the same teardown; whatever ends the test, PR_SET_PDEATHSIG ends them.
 */
#ifndef TESTS_LIB_SCRATCH_H
#define TESTS_LIB_SCRATCH_H

#include <sys/types.h>

enum {
	SCRATCH_NAME_MAX = 200,
	SCRATCH_ENTRIES_MAX = 64, /* alive at once; the largest story uses about ten */
};

/* Removes the thing called @name. Must be async-signal-safe, and content if it does not exist. */
typedef void (*scratch_remove_fn)(const char *name);

/*
 * Writes the name for @label into @ret_name. Labels may repeat: each call gives another name.
 * Contains letters, digits and '-' only.
 */
void scratch_name(const char *label, char ret_name[SCRATCH_NAME_MAX]);

/* Returns a copy of @name that lives until it is removed. */
const char *scratch_register(scratch_remove_fn remove, const char *name);

/* Removes one registered thing now. */
void scratch_remove(const char *name);

/*
 * Kills @pid, a child of this process, with the rest; forget it before it is reaped, since its
 * number may then be another's.
 */
void scratch_register_process(pid_t pid);
void scratch_forget_process(pid_t pid);

/* Goes home from any namespace and removes everything registered, newest first; returns 0. */
int scratch_teardown(void **state);

/* For each leftover of a dead process in @dir: remove(its path). Called by those who own @dir. */
void scratch_sweep(const char *dir, scratch_remove_fn remove);

/* A scratch_remove_fn for a directory (or file) and everything below it. */
void scratch_remove_tree(const char *path);

/* Makes an empty directory, mode 0700, under /tmp and returns its path. */
const char *scratch_dir(const char *label);

/* Writes a file of @dir, printf-like; fails the test if it cannot. */
void scratch_write(const char *dir, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
