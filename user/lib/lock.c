// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The writer lock: flocks on the directories write/queue and write/. Who wants it takes the queue
 * first and gives it back once it holds the lock, so at most one process competes with the next
 * release; a single polled lock starves (once in 5 s against a busy holder, with the queue at most
 * 22 ms). The kernel releases both when their process dies.
 *
 * flock() knows no timeout, hence the polling: of the queue by those who wait in it, of the lock by
 * the one at its head.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

enum {
	POLL_MIN_NS = 20000,
	POLL_MAX_NS = 2000000,
	NSEC_PER_MSEC = 1000000,
	NSEC_PER_SEC = 1000000000,
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

static int lock_until(int fd, int64_t deadline)
{
	struct timespec pause = { .tv_nsec = POLL_MIN_NS };

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (now_ns() >= deadline)
			return FWP(FWP_E_TIMEOUT);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < POLL_MAX_NS)
			pause.tv_nsec *= 2;
	}
	return 0;
}

/* Unlocked, not only closed: a child that was forked meanwhile may have the same open file. */
void lock_close(int *fd)
{
	if (*fd < 0)
		return;
	(void)flock(*fd, LOCK_UN); /* what is open can be unlocked */
	close(*fd);
	*fd = -1;
}

int write_lock_take(struct write_lock *l, const struct instance *inst, unsigned int timeout_ms)
{
	int64_t deadline = now_ns() + (int64_t)timeout_ms * NSEC_PER_MSEC;
	int err;

	l->queue = openat(inst->write_dir, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	l->write = openat(inst->write_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->queue < 0 || l->write < 0) {
		/* unload has removed the directories. */
		err = errno == ENOENT ? FWP(RPC_E_DISCONNECTED) : -errno;
		goto out;
	}
	err = lock_until(l->queue, deadline);
	if (!err)
		err = lock_until(l->write, deadline);
out:
	lock_close(&l->queue);
	if (err)
		write_lock_release(l);
	return err;
}

void write_lock_release(struct write_lock *l)
{
	lock_close(&l->write);
}

int write_lock_try_shared(const struct instance *inst)
{
	int fd = openat(inst->write_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB)) {
		close(fd);
		return -EWOULDBLOCK;
	}
	return fd < 0 ? -errno : fd;
}
