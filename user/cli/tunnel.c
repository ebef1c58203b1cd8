// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp tunnel */
#include <stdlib.h>

#include "show.h"

static void tunnel_show(struct out *o, const struct saxdp_tunnel_info *t)
{
	out_row_begin(o);
	out_u64(o, "id", "ID", t->id);
	out_text(o, "mode", NULL, mode_text(t->type));
	show_protocol(o, "protocol", t->protocol);
	show_port(o, "local_port", t->local_port);
	show_port(o, "remote_port", t->remote_port);
	out_u64(o, "policy_id", NULL, t->policy);
	out_u64(o, "contexts", NULL, t->contexts);
	show_id(o, "serving_context_id", "SERVING", t->serving);
	show_count(o, "inbound", "IN", &t->inbound);
	show_count(o, "outbound", "OUT", &t->outbound);
	show_count(o, "clear", "CLEAR", &t->clear);
	show_time(o, "first_seen_ns", NULL, t->first_seen_ns);
	show_time(o, "last_used_ns", "IDLE", t->last_used_ns);
	show_steer(o, "steer", "STEER", t->steer);
	show_address(o, "local", "LOCAL", t->family, t->local);
	show_address(o, "remote", "REMOTE", t->family, t->remote);
	out_row_end(o);
}

static int list(int argc, char *argv[])
{
	struct saxdp_tunnel_info *tunnels;
	struct out o = {};
	struct saxdp *s;
	size_t count;
	int err;

	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_tunnel_list(s, &tunnels, &count);
	saxdp_close(s);
	if (err)
		return cmd_failed();
	out_list_begin(&o, NULL);
	for (size_t i = 0; i < count; i++)
		tunnel_show(&o, &tunnels[i]);
	out_list_end(&o);
	free(tunnels);
	return 0;
}

static const struct cmd cmds[] = {
	{
		.name = "list",
		.help = "tunnels, with the packets of all SAs they ever had",
		.run = list,
	},
	{},
};

const struct group tunnel_group = { "tunnel", cmds };
