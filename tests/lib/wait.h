/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Waiting without sleeping: each function returns true as soon as it happened and false when the
 * time is up. The limits are there so that a broken test ends; none is meant to be reached.
 */
#ifndef TESTS_LIB_WAIT_H
#define TESTS_LIB_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WAIT_MS = 20000 }; /* the usual limit: long enough for an emulated machine */

/* CLOCK_MONOTONIC in milliseconds. */
int64_t wait_now_ms(void);

/* Data, end of file or an error on @fd. */
bool wait_readable(int fd, int timeout_ms);

/* The end of child @pid, which stays to be reaped by the caller. */
bool wait_exit(pid_t pid, int timeout_ms);

/* @path exists (an inotify watch on its directory, which must exist). */
bool wait_path(const char *path, int timeout_ms);

/* The file @path, which exists and only grows, holds a line with @text (an inotify watch). */
bool wait_text(const char *path, const char *text, int timeout_ms);

/* The state letter of @pid in /proc is one of @states ("T", "SD", ...). */
bool wait_process_state(pid_t pid, const char *states, int timeout_ms);

/*
 * cond(arg) is true. For what has no event: counters in a BPF map, an entry of /proc. Whatever has
 * a descriptor to poll is waited for by one of the others.
 */
bool wait_until(bool (*cond)(void *arg), void *arg, int timeout_ms);

#endif
