// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The saxdp command: finds the command, and what all commands share. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "output.h"

struct cli cli;

/* The one that runs, for its usage line. */
static const struct group *group;
static const struct cmd *cmd;
static char program[] = "saxdp";

/* --- what goes wrong --------------------------------------------------------------------------------- */

static void say(const char *format, va_list args)
{
	fprintf(stderr, "%s: ", program);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

int cmd_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return EXIT_FAILURE;
}

int cmd_failed(void)
{
	const char *text = saxdp_error();

	return cmd_fail("%s", *text ? text : "failed, and nobody has said why");
}

struct saxdp *cmd_open(void)
{
	struct saxdp *s;

	if (!saxdp_open(cli.instance, &s))
		return s;
	cmd_failed();
	return NULL;
}

uint64_t cmd_number(const char *text, uint64_t max, const char *what)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* strtoull() takes signs and blanks, too. */
	if (text[0] < '0' || text[0] > '9' || *end || errno || value > max)
		usage_error("'%s' is no %s", text, what);
	return value;
}

/* What was printed has arrived, or the command has failed after all. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout))
		return cmd_fail("standard output: %s", strerror(errno));
	return status;
}

/* --- version ------------------------------------------------------------------------------------------ */

static int version_show(void)
{
	struct out o = {};

	if (!cli.json) {
		printf("%s %s, maps of ABI version %d\n", program, SAXDP_VERSION,
		       SAXDP_ABI_VERSION);
		return 0;
	}
	out_row_begin(&o);
	out_text(&o, "version", NULL, SAXDP_VERSION);
	out_u64(&o, "abi_version", NULL, SAXDP_ABI_VERSION);
	out_row_end(&o);
	return 0;
}

static int version(int argc, char *argv[])
{
	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	return version_show();
}

static const struct cmd own_cmds[] = {
	{
		.name = "version",
		.help = "of this command and of the maps it understands",
		.run = version,
	},
	{},
};

static const struct group own_group = { NULL, own_cmds };

static const struct group *const groups[] = {
	&engine_group, &attach_group, &context_group, &sa_group,  &tunnel_group,
	&filter_group, &steer_group,  &stats_group,   &own_group,
};

#define GROUPS (sizeof(groups) / sizeof(*groups))

/* --- help --------------------------------------------------------------------------------------------- */

static void usage_line(FILE *to, const struct group *g, const struct cmd *c)
{
	fprintf(to, "%s %s%s%s%s%s", program, g->name ? g->name : "", g->name ? " " : "", c->name,
		c->args ? " " : "", c->args ? c->args : "");
}

static void help_options(void)
{
	printf("\nOptions of all commands:\n"
	       "  -i, --instance NAME  else SAXDP_INSTANCE of the environment, else %s\n"
	       "  -j, --json           JSON instead of tables\n"
	       "  -h, --help           this\n",
	       SAXDP_DEFAULT_INSTANCE);
}

static void help_cmd(const struct group *g, const struct cmd *c)
{
	usage_line(stdout, g, c);
	printf("\n\t%s\n%s", c->help, c->options ? c->options : "");
}

/* One command, or the commands of a group. */
static int help_group(const struct group *g, const struct cmd *only)
{
	for (const struct cmd *c = g->cmds; c->name; c++)
		if (!only || c == only)
			help_cmd(g, c);
	help_options();
	return 0;
}

static int help_all(void)
{
	printf("usage: %s [-i INSTANCE] [-j] COMMAND\n\n", program);
	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct cmd *c = groups[i]->cmds; c->name; c++) {
			char name[32];

			snprintf(name, sizeof(name), "%s%s%s",
				 groups[i]->name ? groups[i]->name : "", groups[i]->name ? " " : "",
				 c->name);
			printf("  %-16s%s\n", name, c->help);
		}
	}
	printf("\n'%s COMMAND -h' says more, %s(8) all.\n", program, program);
	return 0;
}

/* --- finding the command ------------------------------------------------------------------------------- */

static const struct cmd *cmd_find(const struct group *g, const char *name)
{
	for (const struct cmd *c = g->cmds; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "help") || !strcmp(arg, "-h") || !strcmp(arg, "--help");
}

/* How many words the command takes: `load` one, `context show` two, `context` alone one. */
static int cmd_select(int argc, char *argv[])
{
	for (size_t i = 0; i < GROUPS; i++) {
		group = groups[i];
		if (!group->name) {
			cmd = cmd_find(group, argv[0]);
			if (cmd)
				return 1;
			continue;
		}
		if (strcmp(group->name, argv[0]))
			continue;
		/* No word, or an option: the first command. */
		if (argc == 1 || argv[1][0] == '-') {
			cmd = is_help(argc > 1 ? argv[1] : "") ? NULL : group->cmds;
			return 1;
		}
		cmd = cmd_find(group, argv[1]);
		if (!cmd && !is_help(argv[1]))
			usage_error("unknown command '%s %s': see %s %s help", argv[0], argv[1],
				    program, argv[0]);
		return 2;
	}
	usage_error("unknown command '%s': see %s help", argv[0], program);
}

/* --- options -------------------------------------------------------------------------------------------- */

#define GLOBAL_SHORT "i:jhV"

static const struct option global_options[] = {
	{ "instance", required_argument, NULL, 'i' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{},
};

static bool global_option(int option)
{
	switch (option) {
	case 'i':
		cli.instance = optarg;
		return true;
	case 'j':
		cli.json = true;
		return true;
	case 'V':
		exit(finish(version_show()));
	case '?':
		exit(EXIT_USAGE); /* getopt has said what */
	}
	return false;
}

int cmd_option(int argc, char *argv[], const struct option *own)
{
	enum { ROOM = 16 };
	struct option all[ROOM + sizeof(global_options) / sizeof(*global_options)];
	int count = 0, option;

	for (; own && own->name && count < ROOM; own++)
		all[count++] = *own;
	memcpy(all + count, global_options, sizeof(global_options));
	do {
		option = getopt_long(argc, argv, GLOBAL_SHORT, all, NULL);
		if (option == 'h')
			exit(finish(help_group(group, cmd)));
	} while (global_option(option));
	return option;
}

char **cmd_arguments(int argc, char *argv[], int min, int max)
{
	int count = argc - optind;

	if (count < min || count > max) {
		fprintf(stderr, "%s: usage: ", program);
		usage_line(stderr, group, cmd);
		fputc('\n', stderr);
		exit(EXIT_USAGE);
	}
	return argv + optind;
}

static int help(int argc, char *argv[])
{
	if (argc < 2)
		return help_all();
	cmd_select(argc - 1, argv + 1);
	return help_group(group, cmd && argc == 2 && group->name ? NULL : cmd);
}

int main(int argc, char *argv[])
{
	int option, words;

	argv[0] = program; /* getopt's messages begin with it */
	while ((option = getopt_long(argc, argv, "+" GLOBAL_SHORT, global_options, NULL)) != -1) {
		if (option == 'h')
			return finish(help_all());
		global_option(option);
	}
	argc -= optind;
	argv += optind;
	if (!argc)
		usage_error("no command: see %s help", program);
	if (is_help(argv[0]))
		return finish(help(argc, argv));
	words = cmd_select(argc, argv);
	if (!cmd)
		return finish(help_group(group, NULL));
	argc -= words - 1;
	argv += words - 1;
	argv[0] = program;
	optind = 0; /* glibc: begin anew */
	return finish(cmd->run(argc, argv));
}
