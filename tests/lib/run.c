// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Output is captured in memfds, not in pipes: nothing has to be read while the program runs, so
 * nothing can block, and a daemon that keeps its parent's descriptors holds nobody up.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "netns.h"
#include "scratch.h"
#include "wait.h"

enum {
	RUN_ARGS_MAX = 64,
	RUN_LINE_MAX = 4096,
	EXIT_CANNOT_EXEC = 127, /* as the shell has it */
};

static int memory_file(const char *text)
{
	int fd = memfd_create("run", MFD_CLOEXEC);

	require(fd >= 0, "memfd_create: %m");
	if (text) {
		require(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "memfd: %m");
		lseek(fd, 0, SEEK_SET);
	} else {
		/* Programs that open /dev/stderr again must not start over at offset 0. */
		require(fcntl(fd, F_SETFL, O_APPEND) == 0, "memfd: %m");
	}
	return fd;
}

static char *memory_file_text(int fd)
{
	struct stat st;
	char *text;

	require(fstat(fd, &st) == 0, "memfd: %m");
	text = calloc(1, st.st_size + 1);
	require(text, "out of memory");
	require(pread(fd, text, st.st_size, 0) == st.st_size, "memfd: %m");
	return text;
}

static _Noreturn void exec_child(const char *const argv[], const struct run_opts *opts,
				 pid_t parent, int in, int out, int err)
{
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT_EXEC);
	if (opts->netns)
		netns_enter(opts->netns);
	if (opts->as)
		identity_assume(opts->as);
	for (const char *const *e = opts->env; e && *e; e++)
		putenv((char *)*e);
	/* After the change of identity, which would clear it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_CANNOT_EXEC);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "cannot run %s: %m\n", argv[0]);
	_exit(EXIT_CANNOT_EXEC);
}

static pid_t start(const char *const argv[], const struct run_opts *opts, int in, int out, int err)
{
	static const struct run_opts none;
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	require(pid >= 0, "fork: %m");
	if (pid == 0)
		exec_child(argv, opts ? opts : &none, parent, in, out, err);
	return pid;
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		require(errno == EINTR, "waitpid %d: %m", pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_argv(const char *const argv[], const struct run_opts *opts, struct run_result *ret)
{
	int timeout = opts && opts->timeout_ms ? opts->timeout_ms : RUN_TIMEOUT_MS;
	int in = memory_file(opts && opts->input ? opts->input : "");
	int out = memory_file(NULL), err = memory_file(NULL);
	pid_t pid = start(argv, opts, in, out, err);
	bool ended = wait_exit(pid, timeout);

	if (!ended)
		kill(pid, SIGKILL);
	ret->status = reap(pid);
	ret->out = memory_file_text(out);
	ret->err = memory_file_text(err);
	close(in);
	close(out);
	close(err);
	if (!ended) {
		run_show(argv, ret);
		fail_msg("%s did not end in %d ms", argv[0], timeout);
	}
}

void run_result_release(struct run_result *r)
{
	free(r->out);
	free(r->err);
	r->out = r->err = NULL;
}

void run_show(const char *const argv[], const struct run_result *r)
{
	fprintf(stderr, "$");
	for (; *argv; argv++)
		fprintf(stderr, " %s", *argv);
	fprintf(stderr, "\n%s%s(exit status %d)\n", r->out, r->err, r->status);
}

/* Formats and splits in @line, which argv then points into. */
static void split(char line[RUN_LINE_MAX], const char *argv[RUN_ARGS_MAX], const char *fmt,
		  va_list ap)
{
	char *save = NULL;
	int n = 0;

	require(vsnprintf(line, RUN_LINE_MAX, fmt, ap) < RUN_LINE_MAX, "command too long: %s", fmt);
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		require(n < RUN_ARGS_MAX - 1, "too many arguments: %s", fmt);
		argv[n++] = w;
	}
	argv[n] = NULL;
	require(n > 0, "empty command");
}

static void run_checked(const char *const argv[], const struct run_opts *opts,
			struct run_result *ret)
{
	run_argv(argv, opts, ret);
	if (ret->status != 0) {
		run_show(argv, ret);
		run_result_release(ret);
		fail_msg("%s failed", argv[0]);
	}
}

void run(const char *fmt, ...)
{
	const char *argv[RUN_ARGS_MAX];
	struct run_result r;
	char line[RUN_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	split(line, argv, fmt, ap);
	va_end(ap);
	run_checked(argv, NULL, &r);
	run_result_release(&r);
}

void run_in(const char *netns, const char *fmt, ...)
{
	const struct run_opts opts = { .netns = netns };
	const char *argv[RUN_ARGS_MAX];
	struct run_result r;
	char line[RUN_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	split(line, argv, fmt, ap);
	va_end(ap);
	run_checked(argv, &opts, &r);
	run_result_release(&r);
}

char *run_output(const char *fmt, ...)
{
	const char *argv[RUN_ARGS_MAX];
	struct run_result r;
	char line[RUN_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	split(line, argv, fmt, ap);
	va_end(ap);
	run_checked(argv, NULL, &r);
	free(r.err);
	return r.out;
}

int run_try(struct run_result *ret, const struct run_opts *opts, const char *fmt, ...)
{
	const char *argv[RUN_ARGS_MAX];
	struct run_result r;
	char line[RUN_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	split(line, argv, fmt, ap);
	va_end(ap);
	run_argv(argv, opts, &r);
	if (ret)
		*ret = r;
	else
		run_result_release(&r);
	return r.status;
}

void process_start(struct process *p, const char *const argv[], const struct run_opts *opts,
		   const char *log)
{
	int in = memory_file(opts && opts->input ? opts->input : "");
	int out = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	require(out >= 0, "cannot write %s: %m", log);
	p->pid = start(argv, opts, in, out, out);
	scratch_register_process(p->pid);
	close(in);
	close(out);
}

int process_stop(struct process *p, int sig)
{
	kill(p->pid, sig);
	return process_join(p, RUN_TIMEOUT_MS);
}

int process_join(struct process *p, int timeout_ms)
{
	bool ended = wait_exit(p->pid, timeout_ms);
	pid_t pid = p->pid;
	int status;

	if (!ended)
		kill(pid, SIGKILL);
	scratch_forget_process(pid);
	status = reap(pid);
	p->pid = 0;
	require(ended, "process %d did not end in %d ms", pid, timeout_ms);
	return status;
}
