// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp steer, virtual-if */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static const struct {
	const char *name;
	enum saxdp_steer_kind kind;
	bool has_argument;
} kinds[] = {
	{ "pass", SAXDP_STEER_PASS, false },
	{ "cpu", SAXDP_STEER_CPU, true },
	{ "spread", SAXDP_STEER_SPREAD, false },
	{ "dev", SAXDP_STEER_DEV, true },
	{ "xsk", SAXDP_STEER_XSK, false },
	/* As all others are: for one tunnel only. */
	{ "default", SAXDP_STEER_DEFAULT, false },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void target_of(char **words, struct saxdp_steer_target *ret)
{
	size_t i = 0;

	while (i < KINDS && strcmp(kinds[i].name, words[0]))
		i++;
	if (i == KINDS)
		usage_error("'%s' is no target: pass, cpu, spread, dev, xsk or default", words[0]);
	if (kinds[i].has_argument != !!words[1])
		usage_error("%s takes %s", words[0], words[1] ? "no argument" : "an argument");
	*ret = (struct saxdp_steer_target){ .kind = kinds[i].kind };
	if (ret->kind == SAXDP_STEER_CPU)
		ret->cpu = cmd_number(words[1], SAXDP_STEER_ARG, "number of a CPU");
	else
		ret->ifname = words[1];
}

static int steer(int argc, char *argv[])
{
	struct saxdp_steer_target target;
	uint32_t tunnel = 0;
	struct saxdp *s;
	char **words;
	int err;

	cmd_option(argc, argv, NULL);
	words = cmd_arguments(argc, argv, 2, 3);
	if (strcmp(words[0], "default")) {
		tunnel = cmd_number(words[0], UINT32_MAX, "id of a tunnel");
		if (!tunnel)
			usage_error("'%s' is no id of a tunnel", words[0]);
	}
	target_of(words + 1, &target);
	if (!tunnel && target.kind == SAXDP_STEER_DEFAULT)
		usage_error("the default cannot be the default");
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_steer(s, tunnel, &target);
	saxdp_close(s);
	return err ? cmd_failed() : 0;
}

static int virtual_if(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "unbind", no_argument, NULL, 'u' },
		{},
	};
	bool unbind = false;
	struct saxdp *s;
	char **words;
	uint64_t id;
	int err;

	while (cmd_option(argc, argv, options) == 'u')
		unbind = true;
	words = cmd_arguments(argc, argv, unbind ? 1 : 2, unbind ? 1 : 2);
	id = cmd_number(words[0], UINT64_MAX, "id of a virtual interface");
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_virtual_if_bind(s, id, unbind ? NULL : words[1]);
	saxdp_close(s);
	return err ? cmd_failed() : 0;
}

static const struct cmd cmds[] = {
	{
		.name = "steer",
		.args = "TUNNEL|default TARGET",
		.help = "say where the packets of a tunnel go, or of all others",
		.options = "\n"
			   "  pass              to the stack, where they arrived\n"
			   "  cpu N             to the stack on CPU N\n"
			   "  spread            over the CPUs of load --cpus, each SA on one\n"
			   "  dev IFACE         out by an interface\n"
			   "  xsk               to the AF_XDP socket of their queue\n"
			   "  default           for a tunnel: as `steer default` says\n",
		.run = steer,
	},
	{
		.name = "virtual-if",
		.args = "ID IFACE | ID --unbind",
		.help = "say which interface a virtualIfTunnelId is",
		.options =
			"\n"
			"  --unbind          none: its packets pass, and steer_missing counts them\n",
		.run = virtual_if,
	},
	{},
};

const struct group steer_group = { NULL, cmds };
