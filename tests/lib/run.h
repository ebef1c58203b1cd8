/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Running other programs: no shell, output captured, the command line shown when it fails. A
 * program ends with the test that started it (PR_SET_PDEATHSIG), whatever ends the test.
 */
#ifndef TESTS_LIB_RUN_H
#define TESTS_LIB_RUN_H

#include <sys/types.h>

#include "identity.h"

struct run_opts {
	const char *netns; /* NULL: the caller's */
	const struct identity *as; /* NULL: the caller's */
	const char *input; /* text for its standard input; NULL: none */
	const char *const *env; /* "NAME=value" to add, NULL at the end; may be NULL */
	int timeout_ms; /* 0: RUN_TIMEOUT_MS; when it is up the test fails */
};

enum { RUN_TIMEOUT_MS = 60000 };

struct run_result {
	int status; /* exit status, or 128 + the signal that ended it */
	char *out; /* what it wrote, NUL at the end; never NULL */
	char *err;
};

/*
 * Runs @argv to its end. Fails the test only if it cannot be started or does not end; the status is
 * the caller's to judge. @opts may be NULL. Release @ret with run_result_release().
 */
void run_argv(const char *const argv[], const struct run_opts *opts, struct run_result *ret);
void run_result_release(struct run_result *r);

/* Prints the command line, status and output to stderr, for a failure the caller found. */
void run_show(const char *const argv[], const struct run_result *r);

/*
 * The same for a command line, split at blanks (no quoting: use run_argv() for arguments with
 * blanks). run() and run_output() fail the test, showing everything, unless the status is 0.
 */
void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void run_in(const char *netns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Returns standard output, to be freed. */
char *run_output(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Returns the status; @ret may be NULL. */
int run_try(struct run_result *ret, const struct run_opts *opts, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A program in the background. Its output goes to the file @log (stdout and stderr), or nowhere
 * when @log is NULL.
 */
struct process {
	pid_t pid;
};

void process_start(struct process *p, const char *const argv[], const struct run_opts *opts,
		   const char *log);
/* Sends @sig, waits for the end and returns the status as run_result has it. */
int process_stop(struct process *p, int sig);
/* Waits for the end and returns the status. */
int process_join(struct process *p, int timeout_ms);

#endif
