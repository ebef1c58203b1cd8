// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

int64_t wait_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = wait_now_ms() + timeout_ms;
	int n;

	do {
		int64_t left = end - wait_now_ms();

		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	require(n >= 0, "poll: %m");
	return n > 0;
}

bool wait_exit(pid_t pid, int timeout_ms)
{
	int fd = pidfd_open(pid, 0);
	bool ended;

	require(fd >= 0, "pidfd_open %d: %m", pid);
	ended = wait_readable(fd, timeout_ms);
	close(fd);
	return ended;
}

bool wait_path(const char *path, int timeout_ms)
{
	int64_t end = wait_now_ms() + timeout_ms;
	char dir[PATH_MAX], events[4096];
	bool there = false;
	int fd;

	require(strlen(path) < sizeof(dir), "path too long: %s", path);
	strcpy(dir, path);
	fd = inotify_init1(IN_CLOEXEC);
	require(fd >= 0, "inotify_init1: %m");
	require(inotify_add_watch(fd, dirname(dir), IN_CREATE | IN_MOVED_TO) >= 0,
		"cannot watch for %s: %m", path);
	/* Looking after the watch is set: what came before it is seen here. */
	while (!(there = access(path, F_OK) == 0)) {
		int64_t left = end - wait_now_ms();

		if (left <= 0 || !wait_readable(fd, (int)left))
			break;
		require(read(fd, events, sizeof(events)) > 0, "inotify: %m");
	}
	close(fd);
	return there;
}

static bool file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	require(f, "%s: %m", path);
	while (!found && getline(&line, &size, f) >= 0)
		found = strstr(line, text) != NULL;
	free(line);
	fclose(f);
	return found;
}

bool wait_text(const char *path, const char *text, int timeout_ms)
{
	int64_t end = wait_now_ms() + timeout_ms;
	char events[4096];
	bool found;
	int fd;

	fd = inotify_init1(IN_CLOEXEC);
	require(fd >= 0, "inotify_init1: %m");
	require(inotify_add_watch(fd, path, IN_MODIFY) >= 0, "cannot watch %s: %m", path);
	/* Looking after the watch is set: what came before it is seen here. */
	while (!(found = file_has(path, text))) {
		int64_t left = end - wait_now_ms();

		if (left <= 0 || !wait_readable(fd, (int)left))
			break;
		require(read(fd, events, sizeof(events)) > 0, "inotify: %m");
	}
	close(fd);
	return found;
}

struct process_state {
	pid_t pid;
	const char *states;
};

static bool process_state_is(void *arg)
{
	const struct process_state *want = arg;
	char path[32], stat[256] = "", *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", want->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	/* "PID (name) S ...": the name may hold brackets and blanks. */
	end = n > 0 ? strrchr(stat, ')') : NULL;
	return end && end[1] == ' ' && end[2] && strchr(want->states, end[2]);
}

bool wait_process_state(pid_t pid, const char *states, int timeout_ms)
{
	struct process_state want = { .pid = pid, .states = states };

	return wait_until(process_state_is, &want, timeout_ms);
}

bool wait_until(bool (*cond)(void *arg), void *arg, int timeout_ms)
{
	/*
	 * The only place of the tests that steps through time: map values and /proc notify nobody.
	 * It orders nothing, it only looks again; the step bounds what looking costs.
	 */
	const struct timespec step = { .tv_nsec = 1000000 };
	int64_t end = wait_now_ms() + timeout_ms;

	while (!cond(arg)) {
		if (wait_now_ms() >= end)
			return cond(arg);
		nanosleep(&step, NULL);
	}
	return true;
}
