// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "net_namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "netlink.h"

#define NAMED_DIR "/run/netns"
#define OWN	  "/proc/thread-self/ns/net"

static int open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int ns_open(const char *name)
{
	char path[PATH_MAX];
	int fd;

	if (!name) {
		fd = open_path(OWN);
		return fd < 0 ? fail(fd, "network namespace: %s", strerror(-fd)) : fd;
	}
	if (!*name || strchr(name, '/') || strlen(name) >= SAXDP_NETNS_NAME)
		return fail(-ENODEV, "network namespace '%s': not a name", name);
	snprintf(path, sizeof(path), NAMED_DIR "/%s", name);
	fd = open_path(path);
	if (fd == -ENOENT)
		return fail(-ENODEV, "network namespace %s: not found", name);
	return fd < 0 ? fail(fd, "network namespace %s: %s", name, strerror(-fd)) : fd;
}

void ns_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

int ns_inode(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(-errno, "network namespace: %s", strerror(errno));
	*ret = st.st_ino;
	return 0;
}

int ns_enter(int fd, int *ret_home)
{
	int home = open_path(OWN);

	if (home < 0)
		return fail(home, "network namespace: %s", strerror(-home));
	if (setns(fd, CLONE_NEWNET)) {
		int err = fail(-errno, "network namespace: cannot enter: %s", strerror(errno));

		close(home);
		return err;
	}
	*ret_home = home;
	return 0;
}

void ns_leave(int home)
{
	if (home < 0)
		return;
	/* Elsewhere than at home every later call of the program would act on the wrong interfaces. */
	if (setns(home, CLONE_NEWNET))
		abort();
	close(home);
}

/* --- looking for one ------------------------------------------------------------------------------- */

typedef bool (*match_fn)(int fd, const void *wanted);

/* The one below a directory (its entries, with something behind the name) that matches. */
static int search(const char *dir_path, const char *suffix, match_fn match, const void *wanted)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int found = -ENODEV, fd;
	DIR *dir;

	dir = opendir(dir_path);
	while (dir && found < 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir_path, entry->d_name, suffix);
		fd = open_path(path);
		if (fd < 0)
			continue;
		if (match(fd, wanted))
			found = fd;
		else
			close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int search_all(match_fn match, const void *wanted)
{
	int fd = open_path(OWN);

	if (fd >= 0 && match(fd, wanted))
		return fd;
	ns_close(fd);
	fd = search(NAMED_DIR, "", match, wanted);
	return fd >= 0 ? fd : search("/proc", "/ns/net", match, wanted);
}

static bool match_inode(int fd, const void *wanted)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == *(const uint64_t *)wanted;
}

int ns_find(uint64_t inode)
{
	return search_all(match_inode, &inode);
}

static void id_take(void *ctx, const struct nlmsghdr *answer)
{
	netlink_attr_get(netlink_answer_attr(answer, sizeof(struct rtgenmsg), NETNSA_NSID), ctx,
			 sizeof(int32_t));
}

static bool match_id(int fd, const void *wanted)
{
	struct rtgenmsg body = { .rtgen_family = AF_UNSPEC };
	int32_t id = NETNSA_NSID_NOT_ASSIGNED;
	struct netlink_request r;
	uint32_t ns_fd = fd;

	netlink_request_init(&r, RTM_GETNSID, 0, &body, sizeof(body));
	netlink_request_put(&r, NETNSA_FD, &ns_fd, sizeof(ns_fd));
	return !netlink_ask(NETLINK_ROUTE, &r, id_take, &id) && id == *(const int32_t *)wanted;
}

int ns_find_id(int32_t id)
{
	return search_all(match_id, &id);
}
