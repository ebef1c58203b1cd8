// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* saxdp load, unload, status */
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "show.h"

enum { PORT_MAX = 65535 };

static const char *instance_name(void)
{
	const char *name = cli.instance ? cli.instance : getenv("SAXDP_INSTANCE");

	return name && *name ? name : SAXDP_DEFAULT_INSTANCE;
}

/* --- load -------------------------------------------------------------------------------------------- */

static uint32_t mode_of(const char *text)
{
	if (!strcmp(text, "monitor"))
		return SAXDP_MODE_MONITOR;
	if (!strcmp(text, "enforce"))
		return SAXDP_MODE_ENFORCE;
	usage_error("'%s' is no mode: monitor or enforce", text);
}

/* 0 would be the default, which who writes a number does not mean. */
static uint64_t count_of(const char *text, const char *what)
{
	uint64_t count = cmd_number(text, UINT32_MAX, what);

	if (!count)
		usage_error("'%s' is no %s", text, what);
	return count;
}

static void load_show_json(const struct saxdp_load_result *r)
{
	struct out o = {};

	out_row_begin(&o);
	out_text(&o, "instance", NULL, instance_name());
	out_bool(&o, "already_loaded", NULL, r->already);
	out_u64(&o, "contexts", NULL, r->contexts);
	out_u64(&o, "filters", NULL, r->filters);
	out_u64(&o, "context_bytes", NULL, r->context_bytes);
	out_u64(&o, "tunnel_bytes", NULL, r->tunnel_bytes);
	out_u64(&o, "fixed_bytes", NULL, r->fixed_bytes);
	out_bool(&o, "bpffs_opened", NULL, r->bpffs_opened);
	out_row_end(&o);
}

static void load_show(const struct saxdp_load_result *r)
{
	enum { MIB = 1 << 20 };

	printf("instance %s: %sloaded for %u contexts and %u filters%s\n", instance_name(),
	       r->already ? "already " : "", r->contexts, r->filters,
	       r->already ? ", nothing was changed" : "");
	printf("memory: %.1f MiB, and %u bytes for each context with its two SAs, %u for each "
	       "tunnel\n",
	       (double)r->fixed_bytes / MIB, r->context_bytes, r->tunnel_bytes);
	if (r->bpffs_opened)
		printf("/sys/fs/bpf: others than root may pass through it now, for the groups\n");
}

static int load(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "contexts", required_argument, NULL, 'c' },
		{ "filters", required_argument, NULL, 'f' },
		{ "cpus", required_argument, NULL, 'C' },
		{ "readers", required_argument, NULL, 'r' },
		{ "writers", required_argument, NULL, 'w' },
		{ "encap-port", required_argument, NULL, 'e' },
		{},
	};
	struct saxdp_load_opts opts = { .size = sizeof(opts) };
	struct saxdp_load_result result;
	int option;

	while ((option = cmd_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'm':
			opts.mode = mode_of(optarg);
			break;
		case 'c':
			opts.contexts = count_of(optarg, "number of contexts");
			break;
		case 'f':
			opts.filters = count_of(optarg, "number of filters");
			break;
		case 'C':
			opts.cpus = optarg;
			break;
		case 'r':
			opts.readers = optarg;
			break;
		case 'w':
			opts.writers = optarg;
			break;
		case 'e':
			opts.encap_port = cmd_number(optarg, PORT_MAX, "port");
			break;
		}
	}
	cmd_arguments(argc, argv, 0, 0);
	opts.instance = cli.instance;
	if (saxdp_load(&opts, &result))
		return cmd_failed();
	if (cli.json)
		load_show_json(&result);
	else
		load_show(&result);
	return 0;
}

/* --- unload -------------------------------------------------------------------------------------------- */

static int unload(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{},
	};
	bool force = false;

	while (cmd_option(argc, argv, options) == 'f')
		force = true;
	cmd_arguments(argc, argv, 0, 0);
	return saxdp_unload(cli.instance, force) ? cmd_failed() : 0;
}

/* --- what is wrong --------------------------------------------------------------------------------------- */

/* Texts, each with a NUL behind it. */
struct warnings {
	char *text;
	size_t size;
	FILE *to;
};

static void warn(struct warnings *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct warnings *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(w->to, format, args);
	va_end(args);
	fputc('\0', w->to);
}

static void warn_interface(struct warnings *w, const struct saxdp_attached_info *a)
{
	if (!a->looked)
		return;
	if (a->gone) {
		warn(w, "interface %s is gone: no more is attached to it", a->ifname);
		return;
	}
	if (!a->xdp_running)
		warn(w, "interface %s: somebody has removed the XDP program: nothing is counted",
		     a->ifname);
	if (!a->tc_running)
		warn(w,
		     "interface %s: somebody has removed the TC program: nothing is counted "
		     "that leaves",
		     a->ifname);
}

/* Of CPU 0 there is often no file, as it cannot be taken off-line. */
static bool cpu_is_offline(uint32_t cpu)
{
	char path[64];
	bool offline;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	file = fopen(path, "re");
	if (!file)
		return false;
	offline = fgetc(file) == '0';
	fclose(file);
	return offline;
}

static bool interface_is_down(uint32_t index)
{
	struct ifreq request = {};
	bool down = false;
	int fd;

	if (!if_indextoname(index, request.ifr_name))
		return false; /* of another namespace, as far as we can see */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	down = !ioctl(fd, SIOCGIFFLAGS, &request) && !(request.ifr_flags & IFF_UP);
	close(fd);
	return down;
}

/* What was refused when it was set, and has become so since. */
static void warn_steer(struct warnings *w, const char *who, uint32_t word,
		       const struct saxdp_status *st)
{
	uint32_t arg = word & SAXDP_STEER_ARG;
	char text[STEER_TEXT];

	steer_text(word, text);
	switch (word >> SAXDP_STEER_SHIFT) {
	case SAXDP_STEER_CPU:
		if (cpu_is_offline(arg))
			warn(w, "%s: steered to CPU %u, which is off-line", who, arg);
		break;
	case SAXDP_STEER_SPREAD:
		for (uint32_t i = 0; i < st->spread_cpus; i++)
			if (cpu_is_offline(st->spread_cpu[i]))
				warn(w, "%s: spread over CPU %u too, which is off-line", who,
				     st->spread_cpu[i]);
		break;
	case SAXDP_STEER_DEV:
		if (interface_is_down(arg))
			warn(w, "%s: steered to %s, which is down", who, text);
		break;
	}
}

static void warnings_collect(struct warnings *w, const struct saxdp_status *st,
			     const struct saxdp_attached_info *attached, size_t attached_count,
			     const struct saxdp_tunnel_info *tunnels, size_t tunnel_count)
{
	char who[32];

	if (!attached_count)
		warn(w, "no interface is attached: nothing is counted");
	for (size_t i = 0; i < attached_count; i++)
		warn_interface(w, &attached[i]);
	warn_steer(w, "default", st->default_steer, st);
	for (size_t i = 0; i < tunnel_count; i++) {
		snprintf(who, sizeof(who), "tunnel %u", tunnels[i].id);
		warn_steer(w, who, tunnels[i].steer, st);
	}
}

/* --- status --------------------------------------------------------------------------------------------- */

static const char *role_text(uint32_t role)
{
	static const char *const roles[] = {
		[SAXDP_ROLE_OUTSIDE] = "outside",
		[SAXDP_ROLE_INSIDE] = "inside",
		[SAXDP_ROLE_TUNNEL] = "tunnel",
	};

	return role < sizeof(roles) / sizeof(*roles) ? roles[role] : "unknown";
}

/* Only root can look, so it may be unknown. */
static void running_show(struct out *o, const char *key, const char *title,
			 const struct saxdp_attached_info *a, bool running)
{
	if (a->looked)
		out_bool(o, key, title, running);
	else
		out_null(o, key, title);
}

static void interface_show(struct out *o, const struct saxdp_attached_info *a)
{
	out_row_begin(o);
	out_text(o, "interface", "INTERFACE", a->ifname);
	out_u64(o, "ifindex", NULL, a->ifindex);
	if (*a->netns_name)
		out_text(o, "netns", "NETNS", a->netns_name);
	else
		out_null(o, "netns", "NETNS");
	out_text(o, "role", "ROLE", role_text(a->role));
	out_text(o, "mode", "MODE", a->native ? "native" : "generic");
	out_bool(o, "shared", "SHARED", a->shared);
	running_show(o, "gone", NULL, a, a->gone);
	running_show(o, "xdp_running", "XDP", a, a->xdp_running);
	running_show(o, "tc_running", "TC", a, a->tc_running);
	out_row_end(o);
}

static void cpus_text(const struct saxdp_status *st, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < st->spread_cpus && used < size; i++)
		used += snprintf(ret + used, size - used, "%s%u", i ? "," : "", st->spread_cpu[i]);
}

static void status_show(const struct saxdp_status *st, const struct saxdp_attached_info *attached,
			size_t count, const struct warnings *w)
{
	char cpus[SAXDP_SPREAD_CPUS * 12];
	struct out o = {};

	cpus_text(st, cpus, sizeof(cpus));
	out_row_begin(&o);
	out_text(&o, "instance", NULL, instance_name());
	out_u64(&o, "abi_version", NULL, st->abi_version);
	out_text(&o, "mode", NULL, st->mode == SAXDP_MODE_ENFORCE ? "enforce" : "monitor");
	out_u64(&o, "contexts", NULL, st->contexts);
	out_u64(&o, "max_contexts", NULL, st->max_contexts);
	out_u64(&o, "filters", NULL, st->filters);
	out_u64(&o, "max_filters", NULL, st->max_filters);
	out_u64(&o, "tunnels", NULL, st->tunnels);
	out_u64(&o, "sas", NULL, st->sas);
	out_u64(&o, "sessions", NULL, st->sessions);
	out_u64(&o, "policy_generation", NULL, st->policy_generation);
	out_u64(&o, "sa_generation", NULL, st->sa_generation);
	out_u64(&o, "dead_policy", NULL, st->dead_policy);
	out_u64(&o, "dead_sa", NULL, st->dead_sa);
	show_steer(&o, "default_steer", NULL, st->default_steer);
	out_text(&o, "cpus", NULL, cpus);
	show_id(&o, "encap_port", NULL, st->encap_port);
	out_list_begin(&o, "interfaces");
	for (size_t i = 0; i < count; i++)
		interface_show(&o, &attached[i]);
	out_list_end(&o);
	out_list_begin(&o, "warnings");
	for (const char *text = w->text; text < w->text + w->size; text += strlen(text) + 1)
		out_line(&o, text);
	out_list_end(&o);
	out_row_end(&o);
}

static int status(int argc, char *argv[])
{
	struct saxdp_attached_info *attached = NULL;
	struct saxdp_tunnel_info *tunnels = NULL;
	size_t attached_count, tunnel_count;
	struct warnings w = {};
	struct saxdp_status st;
	struct saxdp *s;
	int ret = 0;

	cmd_option(argc, argv, NULL);
	cmd_arguments(argc, argv, 0, 0);
	s = cmd_open();
	if (!s)
		return EXIT_FAILURE;
	if (saxdp_status_get(s, &st) || saxdp_attached_list(s, &attached, &attached_count) ||
	    saxdp_tunnel_list(s, &tunnels, &tunnel_count)) {
		ret = cmd_failed();
		goto out;
	}
	w.to = open_memstream(&w.text, &w.size);
	if (w.to) {
		warnings_collect(&w, &st, attached, attached_count, tunnels, tunnel_count);
		if (fclose(w.to) == 0)
			status_show(&st, attached, attached_count, &w);
	}
	if (!w.text)
		ret = cmd_fail("out of memory");
out:
	free(w.text);
	free(tunnels);
	free(attached);
	saxdp_close(s);
	return ret;
}

/* --- the commands --------------------------------------------------------------------------------------- */

static const struct cmd cmds[] = {
	{
		.name = "load",
		.args = "[OPTIONS]",
		.help = "make an instance: its maps, and the program that changes them",
		.options =
			"\n"
			"  --mode MODE       monitor (the default): never drop; enforce\n"
			"  --contexts N      that can exist at once, 16384 unless given\n"
			"  --filters N       likewise\n"
			"  --cpus LIST       that steering may use, as 0-3,6; else all on-line\n"
			"  --readers GROUP   may look; else saxdp-read if there is one, else root\n"
			"  --writers GROUP   may make contexts; else saxdp, else root\n"
			"  --encap-port N    a port of ESP in UDP beside 4500\n",
		.run = load,
	},
	{
		.name = "unload",
		.args = "[--force]",
		.help = "detach from every interface and remove the instance",
		.options = "\n"
			   "  --force           also while sessions are open\n",
		.run = unload,
	},
	{
		.name = "status",
		.help = "what is loaded and attached, and what is wrong with it",
		.run = status,
	},
	{},
};

const struct group engine_group = { NULL, cmds };
