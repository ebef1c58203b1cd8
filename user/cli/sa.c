// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp sa */
#include <stdlib.h>

#include "show.h"

static void sa_show(struct out *o, const struct saxdp_sa_info *sa)
{
	bool inbound = sa->direction == SAXDP_INBOUND;

	out_row_begin(o);
	out_text(o, "direction", NULL, inbound ? "inbound" : "outbound");
	out_text(o, NULL, "DIR", inbound ? "in" : "out");
	out_u64(o, "context_id", "CTX", sa->context);
	out_u64(o, "tunnel_id", NULL, sa->tunnel);
	show_sa(o, sa);
	show_address(o, "destination", "DESTINATION", sa->family, sa->destination);
	out_row_end(o);
}

static int list(int argc, char *argv[])
{
	struct saxdp_sa_info *sas;
	struct out o = {};
	struct saxdp *s;
	size_t count;
	int err;

	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_sa_list(s, &sas, &count);
	saxdp_close(s);
	if (err)
		return cmd_failed();
	out_list_begin(&o, NULL);
	for (size_t i = 0; i < count; i++)
		sa_show(&o, &sas[i]);
	out_list_end(&o);
	free(sas);
	return 0;
}

static const struct cmd cmds[] = {
	{
		.name = "list",
		.help = "all SAs, with what each has counted",
		.run = list,
	},
	{},
};

const struct group sa_group = { "sa", cmds };
