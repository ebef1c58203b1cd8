// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp stats */
#include <stdio.h>
#include <stdlib.h>

#include "show.h"

/* For JSON each counter is two keys of one object, for people a row. */
static void stats_object(struct out *o, const struct saxdp_stats *stats)
{
	static char bytes_key[SAXDP_COUNT_COUNT][32]; /* keys live as long as the object */

	out_row_begin(o);
	for (uint32_t i = 0; i < SAXDP_COUNT_COUNT; i++) {
		snprintf(bytes_key[i], sizeof(bytes_key[i]), "%s_bytes", saxdp_counter_key(i));
		out_u64(o, saxdp_counter_key(i), NULL, stats->counter[i].packets);
		out_u64(o, bytes_key[i], NULL, stats->counter[i].bytes);
	}
	out_row_end(o);
}

static void stats_table(struct out *o, const struct saxdp_stats *stats)
{
	out_list_begin(o, NULL);
	for (uint32_t i = 0; i < SAXDP_COUNT_COUNT; i++) {
		out_row_begin(o);
		out_text(o, NULL, "COUNTER", saxdp_counter_key(i));
		out_u64(o, NULL, "PACKETS", stats->counter[i].packets);
		out_u64(o, NULL, "BYTES", stats->counter[i].bytes);
		out_text(o, NULL, "MEANING", saxdp_counter_text(i));
		out_row_end(o);
	}
	out_list_end(o);
}

static int stats(int argc, char *argv[])
{
	struct saxdp_stats counted;
	struct out o = {};
	struct saxdp *s;
	int err;

	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	err = saxdp_stats_get(s, &counted);
	saxdp_close(s);
	if (err)
		return cmd_failed();
	if (cli.json)
		stats_object(&o, &counted);
	else
		stats_table(&o, &counted);
	return 0;
}

static const struct cmd cmds[] = {
	{
		.name = "stats",
		.help = "what arrived on all interfaces, by kind",
		.run = stats,
	},
	{},
};

const struct group stats_group = { NULL, cmds };
