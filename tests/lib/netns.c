// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "check.h"
#include "run.h"
#include "scratch.h"

#define NETNS_DIR "/run/netns"

enum { EXIT_CANNOT_ENTER = 125 };

struct nstoken {
	int before;
};

static int home = -1;

/* As `ip netns del` does it, in two calls that a signal handler may make. */
static void unmount(const char *path)
{
	umount2(path, MNT_DETACH);
	unlink(path);
}

static void remove_named(const char *name)
{
	char path[SCRATCH_NAME_MAX + sizeof(NETNS_DIR)] = NETNS_DIR "/";

	strcat(path, name);
	unmount(path);
}

static int open_by_name(const char *name)
{
	char path[SCRATCH_NAME_MAX + sizeof(NETNS_DIR)];

	if (snprintf(path, sizeof(path), NETNS_DIR "/%s", name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_current(void)
{
	/* thread-self: setns() moves a thread, not the process */
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

const char *netns_create(const char *label)
{
	char buf[SCRATCH_NAME_MAX];
	const char *name;

	if (home < 0) {
		home = open_current();
		require(home >= 0, "cannot open own network namespace: %m");
		scratch_sweep(NETNS_DIR, unmount);
	}
	scratch_name(label, buf);
	name = scratch_register(remove_named, buf);
	run("ip netns add %s", name);
	run("ip -n %s link set lo up", name);
	return name;
}

void netns_remove(const char *name)
{
	netns_go_home();
	scratch_remove(name);
}

struct nstoken *open_netns(const char *name)
{
	struct nstoken *token = malloc(sizeof(*token));
	int fd = open_by_name(name);

	require(token, "out of memory");
	require(fd >= 0, "no network namespace %s: %m", name);
	token->before = open_current();
	require(token->before >= 0, "cannot open own network namespace: %m");
	require(setns(fd, CLONE_NEWNET) == 0, "setns %s: %m", name);
	close(fd);
	return token;
}

void close_netns(struct nstoken *token)
{
	if (!token)
		return;
	require(setns(token->before, CLONE_NEWNET) == 0, "setns back: %m");
	close(token->before);
	free(token);
}

void netns_enter(const char *name)
{
	int fd = open_by_name(name);

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
		dprintf(STDERR_FILENO, "cannot enter network namespace %s: %m\n", name);
		_exit(EXIT_CANNOT_ENTER);
	}
	close(fd);
}

void netns_go_home(void)
{
	if (home >= 0)
		require(setns(home, CLONE_NEWNET) == 0, "setns home: %m");
}

void netns_sysctl(const char *name, const char *path, const char *value)
{
	struct nstoken *token = open_netns(name);
	char file[256];
	ssize_t len = (ssize_t)strlen(value);
	int fd;

	snprintf(file, sizeof(file), "/proc/sys/net/%s", path);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	require(fd >= 0, "%s: %m", file);
	require(write(fd, value, len) == len, "%s = %s: %m", file, value);
	close(fd);
	close_netns(token);
}
