// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "netns.h"

#define PREFIX	"saxdp-test-"
#define TMP_DIR "/tmp"

static struct {
	scratch_remove_fn remove; /* NULL: free; stored last, cleared first */
	char name[SCRATCH_NAME_MAX];
} entries[SCRATCH_ENTRIES_MAX];

static pid_t owner; /* 0 until the first registration */

static void remove_entry(int i)
{
	scratch_remove_fn remove = entries[i].remove;

	if (!remove)
		return;
	/* Stays registered until it is gone: a signal in between removes twice, which is harmless. */
	remove(entries[i].name);
	entries[i].remove = NULL;
}

static void remove_all(void)
{
	if (owner != getpid())
		return;
	for (int i = SCRATCH_ENTRIES_MAX - 1; i >= 0; i--)
		remove_entry(i);
}

static void remove_all_and_die(int sig)
{
	remove_all();
	/* SA_RESETHAND restored the default, and the signal is blocked until we return. */
	raise(sig);
}

static void take_over(void)
{
	static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT };
	struct sigaction old, act = { .sa_handler = remove_all_and_die, .sa_flags = SA_RESETHAND };

	if (owner == getpid())
		return;
	/* In a child that registers something of its own the parent's entries are not its own. */
	memset(entries, 0, sizeof(entries));
	if (!owner)
		require(atexit(remove_all) == 0, "atexit failed");
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		sigaction(deadly[i], NULL, &old);
		if (old.sa_handler == SIG_DFL)
			sigaction(deadly[i], &act, NULL);
	}
	owner = getpid();
	scratch_sweep(TMP_DIR, scratch_remove_tree);
}

void scratch_name(const char *label, char ret_name[SCRATCH_NAME_MAX])
{
	static unsigned int serial;

	snprintf(ret_name, SCRATCH_NAME_MAX, PREFIX "%d-%s-%u", getpid(), label, serial++);
}

const char *scratch_register(scratch_remove_fn remove, const char *name)
{
	take_over();
	/* Upwards without reuse below the newest, so that removal is in reverse order. */
	int i = SCRATCH_ENTRIES_MAX;

	while (i > 0 && !entries[i - 1].remove)
		i--;
	require(i < SCRATCH_ENTRIES_MAX, "more than %d scratch entries", SCRATCH_ENTRIES_MAX);
	require(strlen(name) < SCRATCH_NAME_MAX, "scratch name too long: %s", name);
	strcpy(entries[i].name, name);
	__atomic_signal_fence(__ATOMIC_RELEASE);
	entries[i].remove = remove;
	return entries[i].name;
}

void scratch_remove(const char *name)
{
	for (int i = 0; i < SCRATCH_ENTRIES_MAX; i++) {
		if (entries[i].remove && strcmp(entries[i].name, name) == 0) {
			remove_entry(i);
			return;
		}
	}
	fail_msg("not registered: %s", name);
}

static void kill_process(const char *name)
{
	pid_t pid = atoi(name);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void scratch_register_process(pid_t pid)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	scratch_register(kill_process, name);
}

void scratch_forget_process(pid_t pid)
{
	for (int i = 0; i < SCRATCH_ENTRIES_MAX; i++) {
		if (entries[i].remove == kill_process && atoi(entries[i].name) == pid)
			entries[i].remove = NULL;
	}
}

int scratch_teardown(void **state)
{
	(void)state;
	netns_go_home();
	remove_all();
	return 0;
}

/* The PID in a name of ours, 0 if it is none of ours. */
static pid_t name_pid(const char *name)
{
	char *end;
	long pid;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	pid = strtol(name + strlen(PREFIX), &end, 10);
	return *end == '-' && pid > 0 ? (pid_t)pid : 0;
}

void scratch_sweep(const char *dir, scratch_remove_fn remove)
{
	DIR *d = opendir(dir);
	char path[SCRATCH_NAME_MAX];
	struct dirent *e;

	if (!d)
		return; /* nothing was ever made there */
	while ((e = readdir(d)) != NULL) {
		pid_t pid = name_pid(e->d_name);

		if (!pid || kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			remove(path);
	}
	closedir(d);
}

/* readdir() allocates; this one may run in a signal handler. */
static void remove_tree_at(int at, const char *name)
{
	struct linux_dirent64 {
		ino64_t d_ino;
		off64_t d_off;
		unsigned short d_reclen;
		unsigned char d_type;
		char d_name[];
	};
	char buf[2048] __attribute__((aligned(8)));
	long n;
	int fd;

	if (unlinkat(at, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long pos = 0; pos < n;) {
			struct linux_dirent64 *e = (void *)(buf + pos);

			pos += e->d_reclen;
			if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
				remove_tree_at(fd, e->d_name);
		}
	}
	close(fd);
	unlinkat(at, name, AT_REMOVEDIR);
}

void scratch_remove_tree(const char *path)
{
	int saved = errno;

	remove_tree_at(AT_FDCWD, path);
	errno = saved;
}

const char *scratch_dir(const char *label)
{
	char name[SCRATCH_NAME_MAX], path[SCRATCH_NAME_MAX + sizeof(TMP_DIR)];
	const char *dir;

	scratch_name(label, name);
	snprintf(path, sizeof(path), TMP_DIR "/%s", name);
	dir = scratch_register(scratch_remove_tree, path);
	require(mkdir(dir, 0700) == 0, "mkdir %s: %m", dir);
	return dir;
}

void scratch_write(const char *dir, const char *name, const char *fmt, ...)
{
	char path[2 * SCRATCH_NAME_MAX];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	require(f, "cannot write %s: %m", path);
	va_start(ap, fmt);
	require(vfprintf(f, fmt, ap) >= 0, "cannot write %s: %m", path);
	va_end(ap);
	require(fclose(f) == 0, "cannot write %s: %m", path);
}
