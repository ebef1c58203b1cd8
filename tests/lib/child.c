// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "netns.h"
#include "scratch.h"
#include "wait.h"

enum {
	EXIT_ORPHAN = 124,
	CHILD_TIMEOUT_MS = 120000,
};

static _Noreturn void child_main(struct child *self, const struct child_opts *opts, pid_t parent,
				 child_fn fn, void *arg)
{
	const struct rlimit no_core = {};
	int status;

	dup2(self->text, STDOUT_FILENO);
	dup2(self->text, STDERR_FILENO);
	setrlimit(RLIMIT_CORE, &no_core);
	/*
	 * A failed assertion jumps to where cmocka runs tests: here that would go on with the rest of
	 * the parent's tests. With this variable it prints its text and aborts instead.
	 */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	if (opts && opts->netns)
		netns_enter(opts->netns);
	if (opts && opts->as)
		identity_assume(opts->as);
	/* After the change of identity, which would clear it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_ORPHAN);
	status = fn(self, arg);
	fflush(NULL);
	/* Not exit(): handlers and leak reports are the parent's. */
	_exit(status);
}

void child_start(struct child *c, const struct child_opts *opts, child_fn fn, void *arg)
{
	pid_t parent = getpid();
	int points[2], go[2];

	require(pipe2(points, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0, "pipe: %m");
	c->text = memfd_create("child", MFD_CLOEXEC);
	require(c->text >= 0, "memfd_create: %m");
	require(fcntl(c->text, F_SETFL, O_APPEND) == 0, "memfd: %m");
	fflush(NULL);
	c->pid = fork();
	require(c->pid >= 0, "fork: %m");
	if (c->pid == 0) {
		close(points[0]);
		close(go[1]);
		*c = (struct child){ .points = points[1], .go = go[0], .text = c->text };
		child_main(c, opts, parent, fn, arg);
	}
	scratch_register_process(c->pid);
	close(points[1]);
	close(go[0]);
	c->points = points[0];
	c->go = go[1];
}

void child_reach(struct child *self)
{
	if (write(self->points, "", 1) != 1)
		_exit(EXIT_ORPHAN);
}

void child_hold(struct child *self)
{
	char c;

	child_reach(self);
	if (read(self->go, &c, 1) != 1)
		_exit(EXIT_ORPHAN);
}

void child_await(struct child *c)
{
	char *text, byte;
	int status;

	require(wait_readable(c->points, CHILD_TIMEOUT_MS), "the child reached no point in %d ms",
		CHILD_TIMEOUT_MS);
	if (read(c->points, &byte, 1) == 1)
		return;
	status = child_join(c, &text);
	fprintf(stderr, "%s", text);
	free(text);
	fail_msg("the child ended (status %d) before the point awaited", status);
}

void child_go(struct child *c)
{
	require(write(c->go, "", 1) == 1, "the child is gone: %m");
}

static int reap(struct child *c)
{
	int status;

	scratch_forget_process(c->pid);
	while (waitpid(c->pid, &status, 0) < 0)
		require(errno == EINTR, "waitpid %d: %m", c->pid);
	close(c->points);
	close(c->go);
	c->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child_kill(struct child *c)
{
	kill(c->pid, SIGKILL);
	reap(c);
	close(c->text);
}

int child_join(struct child *c, char **ret_text)
{
	bool ended = wait_exit(c->pid, CHILD_TIMEOUT_MS);
	struct stat st;
	int status;

	if (!ended)
		kill(c->pid, SIGKILL);
	status = reap(c);
	if (ret_text) {
		require(fstat(c->text, &st) == 0, "memfd: %m");
		*ret_text = calloc(1, st.st_size + 1);
		require(*ret_text, "out of memory");
		require(pread(c->text, *ret_text, st.st_size, 0) == st.st_size, "memfd: %m");
	}
	close(c->text);
	require(ended, "the child did not end in %d ms", CHILD_TIMEOUT_MS);
	return status;
}

void child_finish(struct child *c)
{
	char *text;
	int status = child_join(c, &text);

	if (status != 0)
		fprintf(stderr, "%s", text);
	free(text);
	require(status == 0, "the child failed: status %d", status);
}

void child_run(const struct child_opts *opts, child_fn fn, void *arg)
{
	struct child c;

	child_start(&c, opts, fn, arg);
	child_finish(&c);
}
