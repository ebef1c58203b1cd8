// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The saxdp command: what it prints, as tables and as JSON, and how it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "bpffs.h"
#include "check.h"
#include "fill.h"
#include "netns.h"
#include "run.h"
#include "scratch.h"
#include "veth.h"

#define LOCAL	"192.0.2.1"
#define REMOTE	"198.51.100.2"
#define LOCAL6	"2001:db8:1111:2222:3333:4444:5555:6666"
#define REMOTE6 "2001:db8:7777:8888:9999:aaaa:bbbb:cccc"

enum {
	ESP = 50,
	SPI_IN = 0x1001,
	SPI_OUT = 0x2001,
	SPI_AH = 0x3001,
	CONTEXTS = 64,
	MANY = 10000,
	NOBODY = 61003,
	SCREEN_LINES = 24,
	SCREEN_COLUMNS = 80,
	WORDS = 12,
	EXIT_USAGE = 2,
};

/* Beyond what a double can hold. */
#define HUGE_COUNT 9007199254740993ULL

/* --- running it ------------------------------------------------------------------------------------ */

static const char *command_path(void)
{
	static char path[4096];
	const char *build = getenv("BUILD");

	snprintf(path, sizeof(path), "%s/saxdp", build ? build : "build");
	return path;
}

/* Splits at blanks. */
static void cli(struct run_result *ret, const struct run_opts *opts, const char *line)
{
	const char *argv[WORDS + 1] = { command_path() };
	char *words = strdup(line), *save, *word;
	int n = 1;

	require(words, "%m");
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		require(n < WORDS, "too many words: %s", line);
		argv[n++] = word;
	}
	argv[n] = NULL;
	run_argv(argv, opts, ret);
	free(words);
}

/* Its output, to be freed; it must succeed in silence. */
static char *cli_ok(const char *line)
{
	struct run_result r;
	char *out;

	cli(&r, NULL, line);
	require(!r.status && !*r.err, "saxdp %s: %d, %s", line, r.status, r.err);
	out = strdup(r.out);
	run_result_release(&r);
	return out;
}

static void cli_fails(const struct run_opts *opts, const char *line, int status, const char *text)
{
	struct run_result r;

	cli(&r, opts, line);
	require(r.status == status, "saxdp %s: exit %d, not %d: %s", line, r.status, status, r.err);
	require(!*r.out, "saxdp %s: printed %s", line, r.out);
	require(!strncmp(r.err, "saxdp: ", 7) && strchr(r.err, '\n') == r.err + strlen(r.err) - 1,
		"saxdp %s: not one line: %s", line, r.err);
	require(strstr(r.err, text), "saxdp %s: not about '%s': %s", line, text, r.err);
	run_result_release(&r);
}

static void cli_prints(const char *line, const char *text)
{
	char *out = cli_ok(line);

	require(strstr(out, text), "saxdp %s: no '%s' in\n%s", line, text, out);
	free(out);
}

static cJSON *cli_json(const char *line)
{
	char *out = cli_ok(line);
	cJSON *json = cJSON_Parse(out);

	require(json, "saxdp %s: no JSON: %s", line, out);
	free(out);
	return json;
}

/* --- looking into JSON ------------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	require(item, "no key '%s'", key);
	return item;
}

static void number_is(const cJSON *object, const char *key, double wanted)
{
	const cJSON *item = member(object, key);

	require(cJSON_IsNumber(item) && item->valuedouble == wanted, "%s is %s, not %.0f", key,
		cJSON_Print(item), wanted);
}

static void text_is(const cJSON *object, const char *key, const char *wanted)
{
	const cJSON *item = member(object, key);

	require(cJSON_IsString(item) && !strcmp(item->valuestring, wanted), "%s is %s, not %s", key,
		cJSON_Print(item), wanted);
}

static void null_is(const cJSON *object, const char *key)
{
	require(cJSON_IsNull(member(object, key)), "%s is not null", key);
}

static void true_is(const cJSON *object, const char *key, bool wanted)
{
	require(cJSON_IsBool(member(object, key)) && cJSON_IsTrue(member(object, key)) == wanted,
		"%s is not %s", key, wanted ? "true" : "false");
}

/* --- something to look at -------------------------------------------------------------------------------- */

struct shown {
	struct fill fill;
	uint64_t policy, out, in;
	uint64_t both, bare, transport, v6; /* contexts */
};

static void shown_open(struct shown *s)
{
	fill_open(&s->fill, "cli", CONTEXTS);
	s->policy = fill_tunnel_policy(&s->fill, LOCAL, REMOTE);
	s->out = fill_filter(&s->fill, "outbound", false, REMOTE);
	s->in = fill_filter(&s->fill, "in\33[2Jbound", true, REMOTE);
	s->both = fill_context(&s->fill, &(struct fill_context){ .tunnel = true,
								 .local = LOCAL,
								 .remote = REMOTE,
								 .policy = s->policy,
								 .spi = SPI_IN,
								 .outbound_spi = SPI_OUT,
								 .ah_spi = SPI_AH });
	s->bare = fill_context(&s->fill, &(struct fill_context){ .tunnel = true,
								 .local = LOCAL,
								 .remote = REMOTE,
								 .policy = s->policy,
								 .spi = SPI_IN + 1,
								 .no_inbound = true });
	s->transport = fill_context(&s->fill, &(struct fill_context){ .local = LOCAL,
								      .remote = REMOTE,
								      .policy = s->out,
								      .inbound_filter = s->in,
								      .protocol = IPPROTO_UDP,
								      .remote_port = 1701,
								      .spi = SPI_IN + 2 });
	s->v6 = fill_context(&s->fill,
			     &(struct fill_context){
				     .tunnel = true,
				     .local = LOCAL6,
				     .remote = REMOTE6,
				     .policy = fill_tunnel_policy(&s->fill, LOCAL6, REMOTE6),
				     .spi = SPI_IN,
				     .outbound_spi = SPI_OUT,
			     });
	fill_count(&s->fill, &(struct fill_count){ .destination = LOCAL,
						   .spi = SPI_IN,
						   .protocol = ESP,
						   .direction = SAXDP_INBOUND,
						   .packets = HUGE_COUNT,
						   .bytes = 1000,
						   .owner_cpu = 1 });
}

static void shown_close(struct shown *s)
{
	fill_close(&s->fill);
}

/* --- how it is used ----------------------------------------------------------------------------------------- */

static void wrong_use_exits_with_2(void **state)
{
	static const struct {
		const char *line, *about;
	} rows[] = {
		{ "", "no command" },
		{ "-j", "no command" },
		{ "nonsense", "'nonsense'" },
		{ "context nonsense", "'context nonsense'" },
		{ "sa show 1", "'sa show'" },
		{ "--nonsense status", "--nonsense" },
		{ "status --nonsense", "--nonsense" },
		{ "status more", "usage: saxdp status" },
		{ "-i", "requires an argument" },
		{ "load --mode strict", "'strict' is no mode" },
		{ "load --contexts 0", "'0' is no number" },
		{ "load --contexts -1", "'-1' is no number" },
		{ "load --contexts 1x", "'1x' is no number" },
		{ "load --contexts 4294967296", "is no number" },
		{ "load --filters none", "'none' is no number" },
		{ "load --encap-port 65536", "'65536' is no port" },
		{ "load --cpus", "requires an argument" },
		{ "load more", "usage: saxdp load" },
		{ "unload more", "usage: saxdp unload" },
		{ "attach", "usage: saxdp attach" },
		{ "attach a b", "usage: saxdp attach" },
		{ "attach a --native --generic", "exclude" },
		{ "attach a --role middle", "'middle' is no role" },
		{ "detach", "usage: saxdp detach" },
		{ "context show", "usage: saxdp context show ID" },
		{ "context show x", "'x' is no id" },
		{ "context show -- -1", "'-1' is no id" },
		{ "context show 18446744073709551616", "is no id" },
		{ "context delete", "usage: saxdp context delete ID" },
		{ "filter show", "usage: saxdp filter show ID" },
		{ "filter show 1 2", "usage: saxdp filter show ID" },
		{ "steer", "usage: saxdp steer" },
		{ "steer 1", "usage: saxdp steer" },
		{ "steer 0 pass", "'0' is no id" },
		{ "steer all pass", "'all' is no id" },
		{ "steer 1 away", "'away' is no target" },
		{ "steer 1 cpu", "cpu takes an argument" },
		{ "steer 1 cpu x", "'x' is no number" },
		{ "steer 1 pass 2", "pass takes no argument" },
		{ "steer default default", "default" },
		{ "virtual-if 1", "usage: saxdp virtual-if" },
		{ "virtual-if x lo", "'x' is no id" },
		{ "virtual-if 1 lo --unbind", "usage: saxdp virtual-if" },
		{ "help nonsense", "'nonsense'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cli_fails(NULL, rows[i].line, EXIT_USAGE, rows[i].about);
}

static void each_help_fits_one_screen(void **state)
{
	static const char *const lines[] = {
		"help",	     "-h",	   "load -h",	     "unload -h",    "status -h",
		"attach -h", "detach -h",  "context -h",     "context help", "sa -h",
		"tunnel -h", "filter -h",  "filter list -h", "steer -h",     "virtual-if -h",
		"stats -h",  "version -h", "help context",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char *out = cli_ok(lines[i]), *save, *line;
		int count = 0;

		for (line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			count++;
			/* A tab that begins a line is eight. */
			require(strlen(line) + (*line == '\t' ? 7 : 0) <= SCREEN_COLUMNS,
				"saxdp %s: too long: %s", lines[i], line);
		}
		require(count && count <= SCREEN_LINES, "saxdp %s: %d lines", lines[i], count);
		free(out);
	}
}

static char *file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size, room = 1 << 20;
	char *text = calloc(1, room);

	require(file && text, "%s: %m", path);
	size = fread(text, 1, room - 1, file);
	require(size && feof(file), "%s: %m", path);
	fclose(file);
	return text;
}

/* Without the backslashes of roff. */
static char *manual_read(void)
{
	char *text = file_read("user/cli/saxdp.8"), *to = text;

	for (const char *from = text; *from; from++)
		if (*from != '\\' || from[1] != '-')
			*to++ = *from;
	*to = '\0';
	return text;
}

/* What stands first in the indented lines of a help: commands, or options. */
static void everything_is_in(const char *help, const char *manual, const char *completion)
{
	char *out = cli_ok(help), *save, *line, word[64];
	unsigned int found = 0;

	for (line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "  ", 2) || sscanf(line, " %63s", word) != 1)
			continue;
		/* Those of all commands are said as "-j, --json". */
		if (strchr(word, ','))
			continue;
		found++;
		require(strstr(manual, word), "saxdp(8) has no %s", word);
		require(strstr(completion, word), "no completion for %s", word);
	}
	require(found, "saxdp %s: nothing found", help);
	free(out);
}

static void manual_and_completion_have_all_commands_and_options(void **state)
{
	char *completion = file_read("user/cli/saxdp.bash-completion"), *manual = manual_read();
	static const char *const helps[] = {
		"help",	     "load -h",	 "unload -h",	  "attach -h",
		"detach -h", "steer -h", "virtual-if -h",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++)
		everything_is_in(helps[i], manual, completion);
	for (uint32_t i = 0; i < SAXDP_COUNT_COUNT; i++)
		require(strstr(manual, saxdp_counter_key(i)), "saxdp(8) has no counter %s",
			saxdp_counter_key(i));
	free(completion);
	free(manual);
}

static void version_is_said_in_both_forms(void **state)
{
	cJSON *json;

	(void)state;
	cli_prints("version", "saxdp " SAXDP_VERSION);
	cli_prints("-V", "saxdp " SAXDP_VERSION);
	json = cli_json("-j version");
	text_is(json, "version", SAXDP_VERSION);
	number_is(json, "abi_version", SAXDP_ABI_VERSION);
	cJSON_Delete(json);
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
	char line[5000];
	const char *argv[] = { "sh", "-c", line, NULL };
	struct run_result r;

	(void)state;
	snprintf(line, sizeof(line), "%s help >/dev/full", command_path());
	run_argv(argv, NULL, &r);
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "No space left"));
	run_result_release(&r);
}

/* --- load, unload, status ------------------------------------------------------------------------------------ */

static void load_says_its_sizes_and_changes_nothing_the_second_time(void **state)
{
	const char *instance = bpffs_instance("cli");
	cJSON *json, *again;
	char line[512];

	(void)state;
	unsetenv("SAXDP_INSTANCE");
	snprintf(line, sizeof(line), "-j -i %s load --contexts 100 --filters 50 --cpus 0",
		 instance);
	json = cli_json(line);
	text_is(json, "instance", instance);
	true_is(json, "already_loaded", false);
	number_is(json, "contexts", 100);
	number_is(json, "filters", 50);
	assert_true(member(json, "context_bytes")->valuedouble > 0);
	assert_true(member(json, "context_bytes")->valuedouble <= 700);
	assert_true(member(json, "tunnel_bytes")->valuedouble > 0);
	assert_true(member(json, "fixed_bytes")->valuedouble > 0);

	/* Other sizes than those it has. */
	snprintf(line, sizeof(line), "-j -i %s load --contexts 7", instance);
	again = cli_json(line);
	true_is(again, "already_loaded", true);
	number_is(again, "contexts", 100);
	number_is(again, "context_bytes", member(json, "context_bytes")->valuedouble);
	cJSON_Delete(again);
	cJSON_Delete(json);

	snprintf(line, sizeof(line), "load --instance %s", instance);
	cli_prints(line, "already loaded for 100 contexts and 50 filters, nothing was changed");
	cli_prints(line, "bytes for each context with its two SAs");
	snprintf(line, sizeof(line), "-i %s load --mode enforce", instance);
	cli_fails(NULL, line, 1, "enforce");
	snprintf(line, sizeof(line), "-i %s unload", instance);
	free(cli_ok(line));
	cli_fails(NULL, line, 1, "not loaded");
}

static void nothing_works_without_an_instance(void **state)
{
	static const char *const lines[] = {
		"status",	   "context list", "context show 1", "context delete 1",
		"sa list",	   "tunnel list",  "filter list",    "filter show 1",
		"stats",	   "steer 1 pass", "attach lo",	     "detach lo",
		"virtual-if 1 lo", "unload",
	};
	char instance[64], said[128], line[256];

	(void)state;
	scratch_name("none", line);
	snprintf(instance, sizeof(instance), "%.60s", line);
	snprintf(said, sizeof(said), "instance %s: not loaded", instance);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(line, sizeof(line), "-i %s %s", instance, lines[i]);
		cli_fails(NULL, line, 1, said);
	}
}

static void unload_is_refused_while_sessions_are_open(void **state)
{
	struct fill f;

	(void)state;
	fill_open(&f, "cli", CONTEXTS);
	cli_fails(NULL, "unload", 1, "sessions are open");
	free(cli_ok("unload --force"));
	cli_fails(NULL, "status", 1, "not loaded");
	assert_int_equal(FwpmEngineClose0(f.engine), ERROR_SUCCESS);
}

static void status_counts_what_there_is(void **state)
{
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	json = cli_json("status -j");
	text_is(json, "instance", s.fill.instance);
	number_is(json, "abi_version", SAXDP_ABI_VERSION);
	text_is(json, "mode", "monitor");
	number_is(json, "contexts", 4);
	number_is(json, "max_contexts", CONTEXTS);
	number_is(json, "filters", 2);
	number_is(json, "tunnels", 3);
	number_is(json, "sas", 6);
	number_is(json, "sessions", 1);
	text_is(json, "default_steer", "pass");
	null_is(json, "encap_port");
	assert_int_equal(cJSON_GetArraySize(member(json, "interfaces")), 0);
	assert_int_equal(cJSON_GetArraySize(member(json, "warnings")), 1);
	cJSON_Delete(json);
	cli_prints("status", "max contexts        64\n");
	cli_prints("status", "no interface is attached");
	shown_close(&s);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static void context_list_has_its_keys(void **state)
{
	const cJSON *c, *inbound;
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	json = cli_json("-j context list");
	assert_int_equal(cJSON_GetArraySize(json), 4);

	c = cJSON_GetArrayItem(json, 0);
	number_is(c, "id", s.both);
	number_is(c, "tunnel_id", 1);
	text_is(c, "mode", "tunnel");
	text_is(c, "local", LOCAL);
	text_is(c, "remote", REMOTE);
	number_is(c, "policy_id", s.policy);
	number_is(c, "inbound_filter_id", 0);
	text_is(c, "steer", "default");
	null_is(c, "protocol");
	null_is(c, "reserved_spi");
	inbound = member(c, "inbound");
	number_is(inbound, "spi", SPI_IN);
	number_is(inbound, "packets", (double)HUGE_COUNT);
	number_is(inbound, "bytes", 1000);
	assert_true(member(inbound, "last_used_ns")->valuedouble > 0);
	assert_int_equal(cJSON_GetArraySize(member(inbound, "sas")), 2);
	number_is(cJSON_GetArrayItem(member(inbound, "sas"), 1), "spi", SPI_AH);
	text_is(cJSON_GetArrayItem(member(inbound, "sas"), 1), "protocol", "ah");
	number_is(member(c, "outbound"), "spi", SPI_OUT);
	number_is(member(c, "outbound"), "last_used_ns", 0);
	assert_null(cJSON_GetObjectItem(member(c, "outbound"), "sas"));

	c = cJSON_GetArrayItem(json, 1);
	number_is(c, "id", s.bare);
	number_is(c, "reserved_spi", SPI_IN + 1);
	null_is(c, "inbound");
	null_is(c, "outbound");

	c = cJSON_GetArrayItem(json, 2);
	number_is(c, "id", s.transport);
	text_is(c, "mode", "transport");
	number_is(c, "policy_id", s.out);
	number_is(c, "inbound_filter_id", s.in);
	number_is(c, "protocol", IPPROTO_UDP);
	number_is(c, "remote_port", 1701);
	null_is(c, "local_port");
	null_is(c, "outbound");

	c = cJSON_GetArrayItem(json, 3);
	text_is(c, "local", LOCAL6);
	text_is(c, "remote", REMOTE6);
	cJSON_Delete(json);
	/* The word alone lists. */
	json = cli_json("context -j");
	assert_int_equal(cJSON_GetArraySize(json), 4);
	cJSON_Delete(json);
	shown_close(&s);
}

static void numbers_are_exact_to_64_bits(void **state)
{
	struct shown s;

	(void)state;
	shown_open(&s);
	cli_prints("-j context list", "\"packets\":9007199254740993,");
	cli_prints("-j sa list", "\"packets\":9007199254740993,");
	cli_prints("-j tunnel list", "\"packets\":9007199254740993,");
	cli_prints("sa list", " 9007199254740993 ");
	shown_close(&s);
}

static void sa_list_has_its_keys(void **state)
{
	const cJSON *sa;
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	json = cli_json("-j sa list");
	assert_int_equal(cJSON_GetArraySize(json), 6);
	sa = cJSON_GetArrayItem(json, 0);
	text_is(sa, "direction", "inbound");
	text_is(sa, "protocol", "esp");
	text_is(sa, "destination", LOCAL);
	number_is(sa, "spi", SPI_IN);
	number_is(sa, "context_id", s.both);
	number_is(sa, "tunnel_id", 1);
	number_is(sa, "bytes", 1000);
	number_is(sa, "cpu", 0);
	true_is(sa, "ambiguous", false);
	text_is(sa, "steer", "default");
	text_is(cJSON_GetArrayItem(json, 1), "protocol", "ah");
	sa = cJSON_GetArrayItem(json, 2);
	text_is(sa, "direction", "outbound");
	text_is(sa, "destination", REMOTE);
	null_is(sa, "cpu");
	number_is(sa, "last_used_ns", 0);
	text_is(cJSON_GetArrayItem(json, 5), "destination", REMOTE6);
	cJSON_Delete(json);
	cli_prints("sa list", "0x00001001");
	shown_close(&s);
}

static void tunnel_list_has_its_keys(void **state)
{
	const cJSON *t;
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	json = cli_json("-j tunnel list");
	assert_int_equal(cJSON_GetArraySize(json), 3);
	t = cJSON_GetArrayItem(json, 0);
	number_is(t, "id", 1);
	text_is(t, "mode", "tunnel");
	number_is(t, "contexts", 2);
	number_is(t, "serving_context_id", s.both);
	text_is(t, "local", LOCAL);
	number_is(member(t, "inbound"), "bytes", 1000);
	number_is(member(t, "outbound"), "packets", 0);
	number_is(member(t, "clear"), "packets", 0);
	assert_true(member(t, "first_seen_ns")->valuedouble > 0);
	null_is(cJSON_GetArrayItem(json, 1), "serving_context_id");
	cJSON_Delete(json);
	shown_close(&s);
}

static void filter_list_has_its_keys(void **state)
{
	const cJSON *f;
	char line[64];
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	json = cli_json("-j filter list");
	assert_int_equal(cJSON_GetArraySize(json), 2);
	f = cJSON_GetArrayItem(json, 0);
	number_is(f, "id", s.out);
	text_is(f, "name", "outbound");
	text_is(f, "layer", "FWPM_LAYER_OUTBOUND_TRANSPORT_V4");
	text_is(f, "sublayer", "FWPM_SUBLAYER_UNIVERSAL");
	text_is(f, "action", "callout_terminating");
	text_is(f, "callout", "FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4");
	true_is(f, "enforced", true);
	number_is(f, "contexts", 1);
	number_is(f, "matched_packets", 0);
	number_is(f, "matched_bytes", 0);
	assert_int_equal(strlen(member(f, "key")->valuestring), 36);
	assert_true(member(f, "weight")->valuedouble > 0);
	text_is(cJSON_GetArrayItem(json, 1), "name", "in\33[2Jbound");
	cJSON_Delete(json);

	snprintf(line, sizeof(line), "-j filter show %llu", (unsigned long long)s.in);
	json = cli_json(line);
	number_is(json, "id", s.in);
	cJSON_Delete(json);
	cli_fails(NULL, "filter show 4711", 1, "saxdp: filter 4711: no such filter\n");
	shown_close(&s);
}

/* A terminal must not obey what somebody has called his filter. */
static void control_characters_of_names_are_not_printed(void **state)
{
	struct shown s;

	(void)state;
	shown_open(&s);
	cli_prints("filter list", "in?[2Jbound");
	cli_prints("filter show 2", "in?[2Jbound");
	shown_close(&s);
}

static void stats_is_one_object_with_a_number_for_each_counter(void **state)
{
	struct fill f;
	char key[64];
	cJSON *json;

	(void)state;
	fill_open(&f, "cli", CONTEXTS);
	json = cli_json("-j stats");
	assert_int_equal(cJSON_GetArraySize(json), 2 * SAXDP_COUNT_COUNT);
	for (uint32_t i = 0; i < SAXDP_COUNT_COUNT; i++) {
		number_is(json, saxdp_counter_key(i), 0);
		snprintf(key, sizeof(key), "%s_bytes", saxdp_counter_key(i));
		number_is(json, key, 0);
		cli_prints("stats", saxdp_counter_text(i));
	}
	cJSON_Delete(json);
	fill_close(&f);
}

static void lists_of_nothing_are_empty(void **state)
{
	static const char *const lists[] = { "context", "sa", "tunnel", "filter" };
	struct fill f;
	char line[64];

	(void)state;
	fill_open(&f, "cli", CONTEXTS);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		cJSON *json;
		char *out;

		snprintf(line, sizeof(line), "-j %s list", lists[i]);
		json = cli_json(line);
		assert_true(cJSON_IsArray(json));
		assert_int_equal(cJSON_GetArraySize(json), 0);
		cJSON_Delete(json);
		snprintf(line, sizeof(line), "%s list", lists[i]);
		out = cli_ok(line);
		assert_string_equal(out, "");
		free(out);
	}
	fill_close(&f);
}

static void list_of_many_contexts_is_that_of_the_library(void **state)
{
	struct saxdp_context_info *list;
	struct fill_context spec;
	const cJSON *c;
	struct saxdp *s;
	struct fill f;
	char remote[16];
	uint64_t policy;
	size_t count, i = 0;
	cJSON *json;

	(void)state;
	fill_open(&f, "cli", MANY);
	policy = fill_tunnel_policy(&f, LOCAL, REMOTE);
	for (uint32_t n = 0; n < MANY; n++) {
		snprintf(remote, sizeof(remote), "10.0.%u.%u", n / 250, n % 250 + 1);
		spec = (struct fill_context){
			.tunnel = true,
			.local = LOCAL,
			.remote = remote,
			.policy = policy,
			.spi = 0x10000 + n,
			.outbound_spi = 0x20000 + n,
		};
		fill_context(&f, &spec);
	}
	assert_int_equal(saxdp_open(NULL, &s), 0);
	assert_int_equal(saxdp_context_list(s, &list, &count), 0);
	assert_int_equal(count, MANY);
	json = cli_json("-j context list");
	assert_int_equal(cJSON_GetArraySize(json), MANY);
	cJSON_ArrayForEach(c, json) {
		number_is(c, "id", list[i].id);
		number_is(member(c, "inbound"), "spi", ntohl(list[i].inbound[0].spi));
		number_is(member(c, "outbound"), "spi", ntohl(list[i].outbound[0].spi));
		i++;
	}
	cJSON_Delete(json);
	free(list);
	saxdp_close(s);
	fill_close(&f);
}

/* --- one context ----------------------------------------------------------------------------------------------- */

static void context_can_be_shown_and_deleted(void **state)
{
	char line[128], said[128];
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	snprintf(line, sizeof(line), "-j context show %llu", (unsigned long long)s.both);
	json = cli_json(line);
	number_is(json, "id", s.both);
	number_is(member(json, "inbound"), "spi", SPI_IN);
	cJSON_Delete(json);
	cli_prints(line + strlen("-j "), "0x00003001");

	snprintf(line, sizeof(line), "context delete %llu", (unsigned long long)s.both);
	free(cli_ok(line));
	snprintf(said, sizeof(said), "saxdp: context %llu: no such context\n",
		 (unsigned long long)s.both);
	cli_fails(NULL, line, 1, said);
	snprintf(line, sizeof(line), "context show %llu", (unsigned long long)s.both);
	cli_fails(NULL, line, 1, said);
	json = cli_json("-j sa list");
	assert_int_equal(cJSON_GetArraySize(json), 3);
	cJSON_Delete(json);

	/* Of the instance that -i names, not the environment's. */
	unsetenv("SAXDP_INSTANCE");
	snprintf(line, sizeof(line), "-i %s context delete %llu", s.fill.instance,
		 (unsigned long long)s.bare);
	free(cli_ok(line));
	snprintf(line, sizeof(line), "-i %s -j context list", s.fill.instance);
	json = cli_json(line);
	assert_int_equal(cJSON_GetArraySize(json), 2);
	cJSON_Delete(json);
	shown_close(&s);
}

/* --- steering and interfaces ------------------------------------------------------------------------------------ */

static void steering_is_set_and_shown(void **state)
{
	struct shown s;
	cJSON *json;

	(void)state;
	shown_open(&s);
	free(cli_ok("steer 1 cpu 0"));
	free(cli_ok("steer 2 spread"));
	json = cli_json("-j tunnel list");
	text_is(cJSON_GetArrayItem(json, 0), "steer", "cpu 0");
	text_is(cJSON_GetArrayItem(json, 1), "steer", "spread");
	text_is(cJSON_GetArrayItem(json, 2), "steer", "default");
	cJSON_Delete(json);
	cli_prints("tunnel list", "cpu 0");
	json = cli_json("-j context list");
	text_is(cJSON_GetArrayItem(json, 0), "steer", "cpu 0");
	cJSON_Delete(json);
	free(cli_ok("steer 1 default"));
	free(cli_ok("steer default spread"));
	json = cli_json("-j status");
	text_is(json, "default_steer", "spread");
	cJSON_Delete(json);
	cli_fails(NULL, "steer 4711 pass", 1, "4711");
	cli_fails(NULL, "steer 1 cpu 4095", 1, "CPU 4095");
	cli_fails(NULL, "steer 1 dev saxdp-none", 1, "saxdp-none");
	cli_fails(NULL, "virtual-if 1 saxdp-none", 1, "saxdp-none");
	shown_close(&s);
}

static void interface_is_attached_shown_and_detached(void **state)
{
	const char *a = netns_create("a"), *b = netns_create("b");
	char line[256];
	const cJSON *i;
	struct fill f;
	cJSON *json;

	(void)state;
	veth_create(&(struct veth_end){ .netns = a, .ifname = "va" },
		    &(struct veth_end){ .netns = b, .ifname = "vb" });
	fill_open(&f, "cli", CONTEXTS);
	snprintf(line, sizeof(line), "attach va --native --role inside --netns %s", a);
	free(cli_ok(line));
	cli_fails(NULL, line, 1, "va: attached already");
	json = cli_json("-j status");
	i = cJSON_GetArrayItem(member(json, "interfaces"), 0);
	assert_non_null(i);
	text_is(i, "interface", "va");
	text_is(i, "netns", a);
	text_is(i, "role", "inside");
	text_is(i, "mode", "native");
	true_is(i, "gone", false);
	true_is(i, "xdp_running", true);
	true_is(i, "tc_running", true);
	assert_int_equal(cJSON_GetArraySize(member(json, "warnings")), 0);
	cJSON_Delete(json);
	cli_prints("status", "INTERFACE");

	/* Somebody takes the program away. */
	run_in(a, "ip link set va xdp off");
	run_in(a, "tc qdisc del dev va clsact");
	cli_prints("status", "va: somebody has removed the XDP program");
	cli_prints("status", "va: somebody has removed the TC program");
	snprintf(line, sizeof(line), "detach va --netns %s", a);
	free(cli_ok(line));
	cli_fails(NULL, line, 1, "va: not attached");

	snprintf(line, sizeof(line), "attach va --generic --netns %s", a);
	free(cli_ok(line));
	run_in(a, "ip link del va");
	cli_prints("status", "interface va is gone");
	cli_fails(NULL, "attach saxdp-none", 1, "saxdp-none");
	cli_fails(NULL, "attach lo", 1, "lo: not Ethernet");
	fill_close(&f);
}

/* --- who ------------------------------------------------------------------------------------------------------------ */

static void readers_may_look_and_change_nothing(void **state)
{
	static const gid_t groups[] = { FILL_READERS };
	static const struct identity reader = { NOBODY, NOBODY, groups, 1 };
	static const struct identity stranger = { .uid = NOBODY, .gid = NOBODY };
	static const struct run_opts as_reader = { .as = &reader };
	static const char *const looks[] = {
		"status",      "context list",	"context show 1", "sa list",   "tunnel list",
		"filter list", "filter show 1", "stats",	  "-j status",
	};
	static const char *const changes[] = {
		"load", "unload", "attach lo", "detach lo", "steer 1 pass", "context delete 1",
	};
	struct run_result r;
	struct shown s;

	(void)state;
	shown_open(&s);
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		cli(&r, &as_reader, looks[i]);
		require(!r.status && *r.out && !*r.err, "saxdp %s: %d %s", looks[i], r.status,
			r.err);
		run_result_release(&r);
		cli_fails(&(struct run_opts){ .as = &stranger }, looks[i], 1, s.fill.instance);
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		cli_fails(&as_reader, changes[i], 1, "");
	shown_close(&s);
}

/* --- on a terminal ---------------------------------------------------------------------------------------------------- */

static char *on_terminal(const char *a, const char *b)
{
	struct winsize size = { .ws_row = SCREEN_LINES, .ws_col = SCREEN_COLUMNS };
	char *text = calloc(1, 65536);
	size_t used = 0;
	int fd, status;
	ssize_t n;
	pid_t pid;

	pid = forkpty(&fd, NULL, NULL, &size);
	require(pid >= 0 && text, "%m");
	if (!pid) {
		execl(command_path(), command_path(), a, b, (char *)NULL);
		_exit(127);
	}
	/* EIO is how a terminal ends. */
	while ((n = read(fd, text + used, 65535 - used)) > 0)
		used += n;
	close(fd);
	require(waitpid(pid, &status, 0) == pid && !status, "saxdp %s %s: %x: %s", a, b, status,
		text);
	return text;
}

static void tables_fit_a_terminal(void **state)
{
	static const char *const lists[] = { "context", "sa", "tunnel", "filter" };
	struct shown s;

	(void)state;
	shown_open(&s);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		char *text = on_terminal(lists[i], "list"), *save, *line;
		int lines = 0;

		for (line = strtok_r(text, "\r\n", &save); line;
		     line = strtok_r(NULL, "\r\n", &save)) {
			lines++;
			require(strlen(line) <= SCREEN_COLUMNS, "saxdp %s list: too long: %s",
				lists[i], line);
		}
		assert_true(lines >= 3);
		free(text);
	}
	shown_close(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(wrong_use_exits_with_2),
		TEST(each_help_fits_one_screen),
		TEST(manual_and_completion_have_all_commands_and_options),
		TEST(version_is_said_in_both_forms),
		TEST(output_that_cannot_be_written_is_a_failure),
		TEST(load_says_its_sizes_and_changes_nothing_the_second_time),
		TEST(nothing_works_without_an_instance),
		TEST(unload_is_refused_while_sessions_are_open),
		TEST(status_counts_what_there_is),
		TEST(context_list_has_its_keys),
		TEST(numbers_are_exact_to_64_bits),
		TEST(sa_list_has_its_keys),
		TEST(tunnel_list_has_its_keys),
		TEST(filter_list_has_its_keys),
		TEST(control_characters_of_names_are_not_printed),
		TEST(stats_is_one_object_with_a_number_for_each_counter),
		TEST(lists_of_nothing_are_empty),
		TEST(list_of_many_contexts_is_that_of_the_library),
		TEST(context_can_be_shown_and_deleted),
		TEST(steering_is_set_and_shown),
		TEST(interface_is_attached_shown_and_detached),
		TEST(readers_may_look_and_change_nothing),
		TEST(tables_fit_a_terminal),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
