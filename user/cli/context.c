// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp context */
#include <stdio.h>
#include <stdlib.h>

#include "fwpmu.h"
#include "show.h"

/* A bundle as one SA; its two, if it has ESP and AH, follow as a list. */
static void bundle_show(struct out *o, const char *key, const char *title,
			const struct saxdp_sa_info *sa, uint32_t sas)
{
	struct saxdp_sa_info sum = sa[0];

	if (!sas) {
		out_null(o, key, title);
		return;
	}
	for (uint32_t i = 1; i < sas; i++) {
		sum.packets += sa[i].packets;
		sum.bytes += sa[i].bytes;
		if (sa[i].last_used_ns > sum.last_used_ns)
			sum.last_used_ns = sa[i].last_used_ns;
	}
	out_object_begin(o, key);
	show_spi(o, "spi", title, sum.spi);
	out_u64(o, "packets", NULL, sum.packets);
	out_u64(o, "bytes", NULL, sum.bytes);
	show_time(o, "last_used_ns", NULL, sum.last_used_ns);
	if (sas > 1) {
		out_list_begin(o, "sas");
		for (uint32_t i = 0; i < sas; i++) {
			out_row_begin(o);
			show_sa(o, &sa[i]);
			out_row_end(o);
		}
		out_list_end(o);
	}
	out_object_end(o);
}

static void context_show(struct out *o, const struct saxdp_context_info *c)
{
	out_row_begin(o);
	out_u64(o, "id", "ID", c->id);
	out_u64(o, "tunnel_id", "TUNNEL", c->tunnel);
	out_text(o, "mode", "MODE", mode_text(c->type));
	show_protocol(o, "protocol", c->protocol);
	show_port(o, "local_port", c->local_port);
	show_port(o, "remote_port", c->remote_port);
	out_u64(o, "policy_id", NULL, c->policy);
	out_u64(o, "inbound_filter_id", "FILTER", c->inbound_filter_id);
	if (c->has_virtual_if)
		out_u64(o, "virtual_if_id", NULL, c->virtual_if);
	else
		out_null(o, "virtual_if_id", NULL);
	show_port(o, "encap_local_port", c->encap_local);
	show_port(o, "encap_remote_port", c->encap_remote);
	if (c->reserved_spi)
		show_spi(o, "reserved_spi", NULL, c->reserved_spi);
	else
		out_null(o, "reserved_spi", NULL);
	show_steer(o, "steer", NULL, c->steer);
	bundle_show(o, "inbound", "IN-SPI", c->inbound, c->inbound_sas);
	bundle_show(o, "outbound", "OUT-SPI", c->outbound, c->outbound_sas);
	show_address(o, "local", "LOCAL", c->family, c->local);
	show_address(o, "remote", "REMOTE", c->family, c->remote);
	out_row_end(o);
}

static int list(int argc, char *argv[])
{
	struct saxdp_context_info *contexts;
	struct out o = {};
	struct saxdp *s;
	size_t count;
	int err;

	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_context_list(s, &contexts, &count);
	saxdp_close(s);
	if (err)
		return cmd_failed();
	out_list_begin(&o, NULL);
	for (size_t i = 0; i < count; i++)
		context_show(&o, &contexts[i]);
	out_list_end(&o);
	free(contexts);
	return 0;
}

static uint64_t context_id(int argc, char *argv[])
{
	cmd_option(argc, argv, NULL);
	return cmd_number(*cmd_arguments(argc, argv, 1, 1), UINT64_MAX, "id of a context");
}

static int show(int argc, char *argv[])
{
	uint64_t id = context_id(argc, argv);
	struct saxdp_context_info c;
	struct out o = {};
	struct saxdp *s;
	int err;

	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_context_get(s, id, &c);
	saxdp_close(s);
	if (err)
		return cmd_failed();
	context_show(&o, &c);
	return 0;
}

static int delete (int argc, char *argv[])
{
	uint64_t id = context_id(argc, argv);
	HANDLE engine;
	int status = 0;

	/* The call that opens an engine has no place for a name of ours. */
	if (cli.instance && setenv("SAXDP_INSTANCE", cli.instance, 1))
		return cmd_fail("out of memory");
	if (FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine))
		return cmd_failed();
	if (IPsecSaContextDeleteById0(engine, id))
		status = cmd_failed();
	FwpmEngineClose0(engine);
	return status;
}

static const struct cmd cmds[] = {
	{
		.name = "list",
		.help = "SA contexts, and the SPIs of their bundles",
		.run = list,
	},
	{
		.name = "show",
		.args = "ID",
		.help = "all that is known of a context",
		.run = show,
	},
	{
		.name = "delete",
		.args = "ID",
		.help = "delete a context and its SAs",
		.run = delete,
	},
	{},
};

const struct group context_group = { "context", cmds };
