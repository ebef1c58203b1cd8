/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Commands. Each file has a table of its own, and with it their help; main.c knows the files.
 *
 * A command returns its exit status. What the caller got wrong ends in usage_error().
 */
#ifndef SAXDP_CMD_H
#define SAXDP_CMD_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "saxdp.h"

enum { EXIT_USAGE = 2 };

struct cmd {
	const char *name; /* NULL ends a table */
	const char *args; /* as in its usage line; NULL: none */
	const char *help; /* one line */
	const char *options; /* lines about its own options; NULL: none */
	int (*run)(int argc, char *argv[]); /* argv[0] is the program's name */
};

struct group {
	const char *name; /* NULL: its commands stand without it, as `load` */
	const struct cmd *cmds; /* the first is what the name alone means */
};

extern const struct group engine_group, attach_group, context_group, sa_group, tunnel_group,
	filter_group, steer_group, stats_group;

/* What the options of all commands have set. */
struct cli {
	const char *instance; /* NULL: the environment's, or the default */
	bool json;
};

extern struct cli cli;

/* The next of the command's own options, -1 when there is none left; `own` NULL: it has none. */
int cmd_option(int argc, char *argv[], const struct option *own);
/* What is left when the options are gone: between min and max arguments, else a usage error. */
char **cmd_arguments(int argc, char *argv[], int min, int max);

/* "saxdp: TEXT" and the end, with EXIT_USAGE. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number from 0 to max, or a usage error that calls it `what`. */
uint64_t cmd_number(const char *text, uint64_t max, const char *what);

/* "saxdp: " and what the library says of its failure; returns EXIT_FAILURE. */
int cmd_failed(void);
/* Likewise, of our own. */
int cmd_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* NULL after cmd_failed(). */
struct saxdp *cmd_open(void);

#endif
