// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp attach, detach */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static uint32_t role_of(const char *text)
{
	if (!strcmp(text, "outside"))
		return SAXDP_ROLE_OUTSIDE;
	if (!strcmp(text, "inside"))
		return SAXDP_ROLE_INSIDE;
	if (!strcmp(text, "tunnel"))
		return SAXDP_ROLE_TUNNEL;
	usage_error("'%s' is no role: outside, inside or tunnel", text);
}

static void mode_set(struct saxdp_attach_opts *opts, uint32_t mode)
{
	if (opts->mode != SAXDP_XDP_AUTO && opts->mode != mode)
		usage_error("--native and --generic exclude each other");
	opts->mode = mode;
}

static int attach(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "native", no_argument, NULL, 'n' },	  { "generic", no_argument, NULL, 'g' },
		{ "role", required_argument, NULL, 'r' }, { "netns", required_argument, NULL, 'N' },
		{ "force", no_argument, NULL, 'f' },	  {},
	};
	struct saxdp_attach_opts opts = { .size = sizeof(opts) };
	struct saxdp *s;
	int option, err;

	while ((option = cmd_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'n':
			mode_set(&opts, SAXDP_XDP_NATIVE);
			break;
		case 'g':
			mode_set(&opts, SAXDP_XDP_GENERIC);
			break;
		case 'r':
			opts.role = role_of(optarg);
			break;
		case 'N':
			opts.netns = optarg;
			break;
		case 'f':
			opts.force = true;
			break;
		}
	}
	opts.ifname = *cmd_arguments(argc, argv, 1, 1);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_attach(s, &opts);
	saxdp_close(s);
	return err ? cmd_failed() : 0;
}

static int detach(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "netns", required_argument, NULL, 'N' },
		{},
	};
	const char *netns = NULL, *ifname;
	struct saxdp *s;
	int err;

	while (cmd_option(argc, argv, options) == 'N')
		netns = optarg;
	ifname = *cmd_arguments(argc, argv, 1, 1);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_detach(s, ifname, netns);
	saxdp_close(s);
	return err ? cmd_failed() : 0;
}

static const struct cmd cmds[] = {
	{
		.name = "attach",
		.args = "IFACE [OPTIONS]",
		.help = "put the programs on an Ethernet interface",
		.options =
			"\n"
			"  --native          XDP in the driver, which is the default\n"
			"  --generic         XDP in the stack, for any driver\n"
			"  --role ROLE       what it carries: outside (the default), inside, tunnel\n"
			"  --netns NAME      an interface in that network namespace\n"
			"  --force           replace a program that cannot share the interface\n",
		.run = attach,
	},
	{
		.name = "detach",
		.args = "IFACE [--netns NAME]",
		.help = "take away what attach has put there",
		.options = "\n"
			   "  --netns NAME      an interface in that network namespace\n",
		.run = detach,
	},
	{},
};

const struct group attach_group = { NULL, cmds };
