// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp filter */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fwpmu.h"
#include "show.h"

static const char *action_text(uint32_t type)
{
	switch (type) {
	case FWP_ACTION_PERMIT:
		return "permit";
	case FWP_ACTION_BLOCK:
		return "block";
	case FWP_ACTION_CALLOUT_TERMINATING:
		return "callout_terminating";
	case FWP_ACTION_CALLOUT_INSPECTION:
		return "callout_inspection";
	case FWP_ACTION_CALLOUT_UNKNOWN:
		return "callout_unknown";
	}
	return "unknown";
}

/* The table has room for one word. */
static const char *action_word(uint32_t type)
{
	return type == FWP_ACTION_PERMIT || type == FWP_ACTION_BLOCK ? action_text(type) :
								       "callout";
}

static void key_show(struct out *o, const char *name, const uint8_t key[16])
{
	char text[40];
	GUID g;

	memcpy(&g, key, sizeof(g));
	snprintf(text, sizeof(text), "%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 g.Data1, g.Data2, g.Data3, g.Data4[0], g.Data4[1], g.Data4[2], g.Data4[3],
		 g.Data4[4], g.Data4[5], g.Data4[6], g.Data4[7]);
	out_text(o, name, NULL, text);
}

/* A name of the library's tables; the table leaves out what they all begin with. */
static void name_show(struct out *o, const char *key, const char *title, const char *name)
{
	static const char layer[] = "FWPM_LAYER_";

	if (!name)
		out_null(o, key, title);
	else
		out_text(o, key, NULL, name);
	if (name && title)
		out_text(o, NULL, title,
			 strncmp(name, layer, strlen(layer)) ? name : name + strlen(layer));
}

static void filter_show(struct out *o, const struct saxdp_filter_info *f)
{
	out_row_begin(o);
	out_u64(o, "id", "ID", f->id);
	key_show(o, "key", f->key);
	out_text(o, "action", NULL, action_text(f->action_type));
	out_text(o, NULL, "ACTION", action_word(f->action_type));
	name_show(o, "callout", NULL, f->callout ? saxdp_callout_name(f->callout) : NULL);
	if (f->callout)
		key_show(o, "callout_key", f->callout_key);
	else
		out_null(o, "callout_key", NULL);
	name_show(o, "layer", "LAYER", saxdp_layer_name(f->layer));
	name_show(o, "sublayer", NULL, saxdp_sublayer_name(f->sublayer));
	key_show(o, "sublayer_key", f->sublayer_key);
	out_u64(o, "weight", NULL, f->weight);
	out_u64(o, "conditions", NULL, f->conditions);
	out_u64(o, "selectors", NULL, f->selectors);
	out_bool(o, "enforced", "ENFORCED", f->enforced);
	out_u64(o, "contexts", "CONTEXTS", f->users);
	out_u64(o, "matched_packets", "PACKETS", f->matched.packets);
	out_u64(o, "matched_bytes", "BYTES", f->matched.bytes);
	out_text(o, "name", "NAME", f->name);
	out_row_end(o);
}

static int filters_get(struct saxdp_filter_info **ret, size_t *ret_count)
{
	struct saxdp *s = cmd_open();
	int err;

	if (!s)
		return EXIT_FAILURE;
	err = saxdp_filter_list(s, ret, ret_count);
	saxdp_close(s);
	return err ? cmd_failed() : 0;
}

static int list(int argc, char *argv[])
{
	struct saxdp_filter_info *filters;
	struct out o = {};
	size_t count;
	int status;

	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	status = filters_get(&filters, &count);
	if (status)
		return status;
	out_list_begin(&o, NULL);
	for (size_t i = 0; i < count; i++)
		filter_show(&o, &filters[i]);
	out_list_end(&o);
	free(filters);
	return 0;
}

static int show(int argc, char *argv[])
{
	struct saxdp_filter_info *filters;
	struct out o = {};
	size_t count, i;
	uint64_t id;
	int status;

	cmd_option(argc, argv, NULL);
	id = cmd_number(*cmd_arguments(argc, argv, 1, 1), UINT64_MAX, "id of a filter");
	status = filters_get(&filters, &count);
	if (status)
		return status;
	for (i = 0; i < count && filters[i].id != id; i++)
		;
	if (i < count)
		filter_show(&o, &filters[i]);
	else
		status = cmd_fail("filter %" PRIu64 ": no such filter", id);
	free(filters);
	return status;
}

static const struct cmd cmds[] = {
	{
		.name = "list",
		.help = "filters, with what each has matched",
		.run = list,
	},
	{
		.name = "show",
		.args = "ID",
		.help = "all that is known of a filter",
		.run = show,
	},
	{},
};

const struct group filter_group = { "filter", cmds };
