// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Attach and detach.
 *
 *	[ netns a ] va ======== vb [ netns b ]
 *	  attached		  its peer
 *
 * link: -Wl,--wrap=syscall
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "bpffs.h"
#include "check.h"
#include "child.h"
#include "run.h"
#include "saxdp.h"
#include "scratch.h"
#include "netns.h"
#include "veth.h"

enum { SOMEBODY = 61003, READERS = 61001, WRITERS = 61002 };

/* Dies before the k-th bpf() call, 0: never. */
static unsigned int die_at;

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	static unsigned int seen;

	if (number == SYS_bpf && die_at && ++seen == die_at)
		raise(SIGKILL);
	return __real_syscall(number, a, b, c, d, e, f);
}

/* --- helpers ------------------------------------------------------------------------------------ */

struct site {
	const char *a, *b; /* namespaces */
	const char *instance;
	struct saxdp *s;
};

static ino_t own_netns(void)
{
	struct stat st;

	require(!stat("/proc/thread-self/ns/net", &st), "%m");
	return st.st_ino;
}

static void site_make(struct site *site)
{
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.contexts = 16,
		.filters = 16,
		.readers = "61001",
		.writers = "61002",
	};

	site->a = netns_create("a");
	site->b = netns_create("b");
	veth_create(&(struct veth_end){ .netns = site->a, .ifname = "va" },
		    &(struct veth_end){ .netns = site->b, .ifname = "vb" });
	opts.instance = site->instance = bpffs_instance("attach");
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	require(!saxdp_open(site->instance, &site->s), "%s", saxdp_error());
}

static void site_release(struct site *site)
{
	saxdp_close(site->s);
	require(!saxdp_unload(site->instance, false), "%s", saxdp_error());
}

static struct saxdp_attach_opts on(const char *ifname, const char *netns)
{
	return (struct saxdp_attach_opts){
		.size = sizeof(struct saxdp_attach_opts),
		.ifname = ifname,
		.netns = netns,
	};
}

static int attach(struct saxdp *s, const char *ifname, const char *netns)
{
	struct saxdp_attach_opts opts = on(ifname, netns);
	ino_t home = own_netns();
	int err = saxdp_attach(s, &opts);

	assert_int_equal(own_netns(), home);
	return err;
}

static int attach_generic(struct saxdp *s, const char *ifname, const char *netns)
{
	struct saxdp_attach_opts opts = on(ifname, netns);

	opts.mode = SAXDP_XDP_GENERIC;
	return saxdp_attach(s, &opts);
}

static void must_attach(const struct site *site)
{
	require(!attach(site->s, "va", site->a), "%s", saxdp_error());
}

static uint32_t xdp_id(const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	uint32_t id = 0;

	require(!bpf_xdp_query_id(link_index(ifname), 0, &id), "%s: %m", ifname);
	close_netns(token);
	return id;
}

static bool tc_has(const char *netns, const char *ifname, const char *what)
{
	char *text;
	bool has;

	text = run_output("tc -n %s filter show dev %s egress", netns, ifname);
	has = strstr(text, what);
	free(text);
	return has;
}

static bool has_clsact(const char *netns, const char *ifname)
{
	char *text = run_output("tc -n %s qdisc show dev %s", netns, ifname);
	bool has = strstr(text, "clsact");

	free(text);
	return has;
}

static void assert_untouched(const char *netns, const char *ifname)
{
	assert_int_equal(xdp_id(netns, ifname), 0);
	assert_false(has_clsact(netns, ifname));
}

static struct saxdp_attached_info only_one(const struct site *site)
{
	struct saxdp_attached_info *list, info;
	size_t n;

	require(!saxdp_attached_list(site->s, &list, &n), "%s", saxdp_error());
	require(n == 1, "%zu interfaces are attached", n);
	info = list[0];
	free(list);
	return info;
}

static size_t how_many(const struct site *site)
{
	struct saxdp_attached_info *list;
	size_t n;

	require(!saxdp_attached_list(site->s, &list, &n), "%s", saxdp_error());
	free(list);
	return n;
}

/* A program of somebody else: passes everything. */
static int foreign_program(enum bpf_prog_type type)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = type == BPF_PROG_TYPE_XDP ? 2 : -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "foreign", "GPL", code, 2, NULL);

	require(fd >= 0, "%m");
	return fd;
}

static void foreign_xdp(const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	int fd = foreign_program(BPF_PROG_TYPE_XDP);

	require(!bpf_xdp_attach(link_index(ifname), fd, 0, NULL), "%s: %m", ifname);
	close(fd);
	close_netns(token);
}

static void foreign_tc(const char *netns, const char *ifname)
{
	struct nstoken *token = open_netns(netns);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = link_index(ifname),
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	int err = bpf_tc_hook_create(&hook);

	require(!err || err == -EEXIST, "clsact: %d", err);
	opts.prog_fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
	err = bpf_tc_attach(&hook, &opts);
	require(!err, "filter: %d", err);
	close(opts.prog_fd);
	close_netns(token);
}

/* --- what it does ------------------------------------------------------------------------------- */

static void attached_interface_has_both_programs(void **state)
{
	struct saxdp_attached_info info;
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	assert_int_not_equal(xdp_id(site.a, "va"), 0);
	assert_true(tc_has(site.a, "va", "tc_egress"));
	info = only_one(&site);
	assert_string_equal(info.ifname, "va");
	assert_string_equal(info.netns_name, site.a);
	assert_int_equal(info.role, SAXDP_ROLE_OUTSIDE);
	assert_true(info.native && info.looked && info.xdp_running && info.tc_running);
	assert_false(info.gone);

	require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	assert_untouched(site.a, "va");
	assert_int_equal(how_many(&site), 0);
	assert_int_equal(saxdp_detach(site.s, "va", site.a), -ENOENT);
	assert_non_null(strstr(saxdp_error(), "va"));
	site_release(&site);
}

static void own_namespace_needs_no_name(void **state)
{
	struct nstoken *token;
	struct site site;

	(void)state;
	site_make(&site);
	token = open_netns(site.a);
	require(!attach(site.s, "va", NULL), "%s", saxdp_error());
	assert_string_equal(only_one(&site).netns_name, "");
	close_netns(token);
	/* Wherever the caller is, the entry says where the interface is. */
	assert_true(only_one(&site).xdp_running);
	require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	assert_untouched(site.a, "va");
	site_release(&site);
}

static uint32_t role_in_program(uint32_t id)
{
	uint32_t maps[64], role = UINT32_MAX, zero = 0;
	struct bpf_prog_info info = { .nr_map_ids = 64, .map_ids = (uintptr_t)maps };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	require(fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size), "%m");
	close(fd);
	for (uint32_t i = 0; i < info.nr_map_ids; i++) {
		struct bpf_map_info map = {};

		fd = bpf_map_get_fd_by_id(maps[i]);
		size = sizeof(map);
		require(fd >= 0 && !bpf_obj_get_info_by_fd(fd, &map, &size), "%m");
		if (strstr(map.name, "rodata")) {
			uint32_t value[1024];

			require(map.value_size <= sizeof(value), "rodata has %u bytes",
				map.value_size);
			require(!bpf_map_lookup_elem(fd, &zero, value), "%m");
			role = value[0];
		}
		close(fd);
	}
	return role;
}

static void role_reaches_the_program(void **state)
{
	struct saxdp_attach_opts opts;
	struct site site;

	(void)state;
	site_make(&site);
	opts = on("va", site.a);
	for (opts.role = 0; opts.role <= SAXDP_ROLE_TUNNEL; opts.role++) {
		require(!saxdp_attach(site.s, &opts), "%s", saxdp_error());
		assert_int_equal(only_one(&site).role, opts.role);
		assert_int_equal(role_in_program(xdp_id(site.a, "va")), opts.role);
		require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	}
	site_release(&site);
}

static void large_mtu_attaches(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	run("ip -n %s link set va mtu 9000", site.a);
	must_attach(&site);
	site_release(&site);
}

static void attaching_twice_is_refused(void **state)
{
	struct site site;
	uint32_t id;

	(void)state;
	site_make(&site);
	must_attach(&site);
	id = xdp_id(site.a, "va");
	assert_int_equal(attach(site.s, "va", site.a), -EEXIST);
	assert_non_null(strstr(saxdp_error(), "attached already"));
	assert_int_equal(xdp_id(site.a, "va"), id);
	site_release(&site);
}

static void renamed_interface_is_found(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	run("ip -n %s link set va name vc", site.a);
	assert_string_equal(only_one(&site).ifname, "vc");
	require(!saxdp_detach(site.s, "vc", site.a), "%s", saxdp_error());
	assert_untouched(site.a, "vc");
	site_release(&site);
}

/* --- what is refused ----------------------------------------------------------------------------- */

static void no_native_xdp_names_the_alternative(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	run("ip -n %s link add dm link va type macvlan", site.a);
	assert_int_equal(attach(site.s, "dm", site.a), -EOPNOTSUPP);
	assert_non_null(strstr(saxdp_error(), "attach va"));
	run("ip -n %s link del dm", site.a);
	run("ip -n %s link add dm type bridge", site.a);
	assert_int_equal(attach(site.s, "dm", site.a), -EOPNOTSUPP);
	assert_non_null(strstr(saxdp_error(), "--generic"));
	assert_untouched(site.a, "dm");
	assert_int_equal(how_many(&site), 0);
	require(!attach_generic(site.s, "dm", site.a), "%s", saxdp_error());
	assert_false(only_one(&site).native);
	assert_true(only_one(&site).xdp_running);
	site_release(&site);
	assert_untouched(site.a, "dm");
}

static void what_is_not_ethernet_is_refused(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	assert_int_equal(attach_generic(site.s, "lo", site.a), -EOPNOTSUPP);
	assert_non_null(strstr(saxdp_error(), "not Ethernet"));
	run("ip -n %s tuntap add tn mode tun", site.a);
	assert_int_equal(attach_generic(site.s, "tn", site.a), -EOPNOTSUPP);
	assert_non_null(strstr(saxdp_error(), "not Ethernet"));
	assert_untouched(site.a, "tn");
	site_release(&site);
}

static void interface_below_a_tunnel_is_named(void **state)
{
	static const char *const kinds[] = {
		"ipip local 192.0.2.1 remote 192.0.2.2 dev va",
		"gre local 192.0.2.1 remote 192.0.2.2 dev va",
		"vti local 192.0.2.1 remote 192.0.2.2 key 1 dev va",
		"xfrm dev va if_id 1",
	};
	unsigned int tried = 0;
	struct site site;

	(void)state;
	site_make(&site);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (run_try(NULL, NULL, "ip -n %s link add tl type %s", site.a, kinds[i]))
			continue; /* this kernel has no such kind */
		tried++;
		assert_int_equal(attach_generic(site.s, "tl", site.a), -EOPNOTSUPP);
		if (!strstr(saxdp_error(), "attach va"))
			fail_msg("%s: %s", kinds[i], saxdp_error());
		run("ip -n %s link del tl", site.a);
	}
	site_release(&site);
	if (!tried) {
		printf("skip: a kernel with ipip, gre, vti or xfrm interfaces\n");
		skip();
	}
}

static void what_is_not_there_is_refused(void **state)
{
	struct saxdp_attach_opts opts;
	struct site site;

	(void)state;
	site_make(&site);
	assert_int_equal(attach(site.s, "nosuch", site.a), -ENODEV);
	assert_non_null(strstr(saxdp_error(), "nosuch"));
	assert_int_equal(attach(site.s, "", site.a), -ENODEV);
	assert_int_equal(attach(site.s, "a-name-of-16-and-more", site.a), -ENODEV);
	assert_int_equal(attach(site.s, "va", "saxdp-test-no-such-netns"), -ENODEV);
	assert_non_null(strstr(saxdp_error(), "saxdp-test-no-such-netns"));
	assert_int_equal(attach(site.s, "va", "../netns"), -ENODEV);
	assert_int_equal(attach(site.s, "va", ""), -ENODEV);
	opts = on(NULL, site.a);
	assert_int_equal(saxdp_attach(site.s, &opts), -EINVAL);
	opts = on("va", site.a);
	opts.size = 8;
	assert_int_equal(saxdp_attach(site.s, &opts), -EINVAL);
	opts = on("va", site.a);
	opts.role = SAXDP_ROLE_TUNNEL + 1;
	assert_int_equal(saxdp_attach(site.s, &opts), -EINVAL);
	opts = on("va", site.a);
	opts.mode = SAXDP_XDP_GENERIC + 1;
	assert_int_equal(saxdp_attach(site.s, &opts), -EINVAL);
	assert_untouched(site.a, "va");
	site_release(&site);
}

static int attach_as_somebody(struct child *self, void *arg)
{
	struct site *site = arg;
	struct saxdp_attached_info *list;
	struct saxdp *s;
	size_t n;

	(void)self;
	require(!saxdp_open(site->instance, &s), "%s", saxdp_error());
	assert_int_equal(attach(s, "vb", site->b), -EPERM);
	assert_non_null(strstr(saxdp_error(), "root"));
	assert_int_equal(saxdp_detach(s, "va", site->a), -EPERM);
	/* What is recorded may be read; what runs only root can see, and it is said so. */
	require(!saxdp_attached_list(s, &list, &n), "%s", saxdp_error());
	assert_int_equal(n, 1);
	assert_string_equal(list[0].ifname, "va");
	assert_false(list[0].looked);
	free(list);
	saxdp_close(s);
	return 0;
}

static void only_root_attaches(void **state)
{
	static const gid_t groups[] = { READERS, WRITERS };
	const struct identity reader = { SOMEBODY, SOMEBODY, groups, 1 };
	const struct identity writer = { SOMEBODY, SOMEBODY, groups, 2 };
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	child_run(&(struct child_opts){ .as = &reader }, attach_as_somebody, &site);
	child_run(&(struct child_opts){ .as = &writer }, attach_as_somebody, &site);
	assert_untouched(site.b, "vb");
	site_release(&site);
}

static void handle_of_an_unloaded_instance_is_refused(void **state)
{
	struct saxdp_load_opts opts = { .size = sizeof(opts), .contexts = 16, .filters = 16 };
	struct site site;

	(void)state;
	site_make(&site);
	require(!saxdp_unload(site.instance, false), "%s", saxdp_error());
	assert_int_equal(attach(site.s, "va", site.a), -ENOENT);
	assert_int_equal(saxdp_detach(site.s, "va", site.a), -ENOENT);
	opts.instance = site.instance;
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	assert_int_equal(attach(site.s, "va", site.a), -ENOENT);
	assert_untouched(site.a, "va");
	site_release(&site);
}

/* --- others on the same interface ---------------------------------------------------------------- */

static void program_of_somebody_else_is_replaced_only_by_force(void **state)
{
	struct saxdp_attach_opts opts;
	struct site site;
	uint32_t id;

	(void)state;
	site_make(&site);
	foreign_xdp(site.a, "va");
	id = xdp_id(site.a, "va");
	assert_int_equal(attach(site.s, "va", site.a), -EBUSY);
	assert_non_null(strstr(saxdp_error(), "foreign"));
	assert_int_equal(xdp_id(site.a, "va"), id);
	assert_false(has_clsact(site.a, "va"));
	assert_int_equal(how_many(&site), 0);

	opts = on("va", site.a);
	opts.force = true;
	require(!saxdp_attach(site.s, &opts), "%s", saxdp_error());
	assert_int_not_equal(xdp_id(site.a, "va"), id);
	assert_true(only_one(&site).xdp_running);
	site_release(&site);
	assert_untouched(site.a, "va");
}

static void another_instance_is_somebody_else(void **state)
{
	struct saxdp_load_opts opts = { .size = sizeof(opts), .contexts = 16, .filters = 16 };
	struct site site;
	struct saxdp *s;
	int err;

	(void)state;
	site_make(&site);
	must_attach(&site);
	opts.instance = bpffs_instance("other");
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	require(!saxdp_open(opts.instance, &s), "%s", saxdp_error());
	err = attach(s, "va", site.a);
	/* Beside it where the kernel lets libxdp share, else refused. */
	if (only_one(&site).shared)
		assert_int_equal(err, 0);
	else
		assert_int_equal(err, -EBUSY);
	saxdp_close(s);
	require(!saxdp_unload(opts.instance, false), "%s", saxdp_error());
	assert_true(only_one(&site).xdp_running && only_one(&site).tc_running);
	site_release(&site);
	assert_untouched(site.a, "va");
}

static void detach_takes_only_what_is_ours(void **state)
{
	struct site site;
	uint32_t id;

	(void)state;
	site_make(&site);
	/* A filter and its qdisc that were there before. */
	foreign_tc(site.a, "va");
	must_attach(&site);
	require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	assert_true(tc_has(site.a, "va", "foreign"));
	assert_false(tc_has(site.a, "va", "tc_egress"));
	run("tc -n %s qdisc del dev va clsact", site.a);

	/* One that came into our qdisc later: it stays, and the qdisc with it. */
	must_attach(&site);
	foreign_tc(site.a, "va");
	require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	assert_true(tc_has(site.a, "va", "foreign"));
	assert_false(tc_has(site.a, "va", "tc_egress"));
	run("tc -n %s qdisc del dev va clsact", site.a);

	/* An XDP program that somebody put in the place of ours. */
	must_attach(&site);
	foreign_xdp(site.a, "va");
	id = xdp_id(site.a, "va");
	assert_false(only_one(&site).xdp_running);
	assert_true(only_one(&site).tc_running);
	require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	assert_int_equal(xdp_id(site.a, "va"), id);
	assert_false(has_clsact(site.a, "va"));
	site_release(&site);
}

static void what_was_taken_away_can_be_attached_again(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	run("ip -n %s link set va xdp off", site.a);
	assert_false(only_one(&site).xdp_running);
	must_attach(&site);
	run("tc -n %s qdisc del dev va clsact", site.a);
	assert_false(only_one(&site).tc_running);
	require(!saxdp_detach(site.s, "va", site.a), "%s", saxdp_error());
	assert_untouched(site.a, "va");
	site_release(&site);
}

/* --- what vanishes ---------------------------------------------------------------------------------- */

static void vanished_interface_is_shown_once_and_forgotten(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	run("ip -n %s link del va", site.a);
	assert_true(only_one(&site).gone);
	assert_int_equal(how_many(&site), 0);
	site_release(&site);
}

static void detach_of_a_vanished_interface_removes_its_entry(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	run("ip -n %s link del va", site.a);
	assert_int_equal(saxdp_detach(site.s, "va", site.a), -ENODEV);
	assert_non_null(strstr(saxdp_error(), "gone"));
	assert_int_equal(saxdp_detach(site.s, "va", site.a), -ENOENT);
	site_release(&site);
}

static void vanished_namespace_holds_nothing_up(void **state)
{
	struct site site;

	(void)state;
	site_make(&site);
	must_attach(&site);
	netns_remove(site.a);
	assert_int_equal(saxdp_detach(site.s, "va", site.a), -ENODEV);
	assert_int_equal(how_many(&site), 0);
	site_release(&site);
}

static void unload_detaches_in_every_namespace(void **state)
{
	struct site site;
	ino_t home;

	(void)state;
	site_make(&site);
	must_attach(&site);
	require(!attach(site.s, "vb", site.b), "%s", saxdp_error());
	assert_int_equal(how_many(&site), 2);
	home = own_netns();
	site_release(&site);
	assert_int_equal(own_netns(), home);
	assert_untouched(site.a, "va");
	assert_untouched(site.b, "vb");
}

/* --- killed ---------------------------------------------------------------------------------------- */

struct attempt {
	const struct site *site;
	unsigned int at;
};

static int attach_and_die(struct child *self, void *arg)
{
	const struct attempt *attempt = arg;

	(void)self;
	die_at = attempt->at;
	return attach(attempt->site->s, "va", attempt->site->a) != 0;
}

static void killed_attach_is_found_and_removed(void **state)
{
	struct attempt attempt;
	unsigned int half = 0;
	struct site site;
	struct child c;
	int status;

	(void)state;
	site_make(&site);
	attempt.site = &site;
	for (attempt.at = 1;; attempt.at++) {
		child_start(&c, NULL, attach_and_die, &attempt);
		status = child_join(&c, NULL);
		if (!status)
			break;
		require(status == 128 + SIGKILL, "call %u: status %d", attempt.at, status);
		half += has_clsact(site.a, "va");
		/* What it left is found by its entry, and an attach makes it whole. */
		if (attempt.at % 2) {
			status = attach(site.s, "va", site.a);
			assert_true(!status || status == -EEXIST);
			assert_true(only_one(&site).xdp_running && only_one(&site).tc_running);
		}
		status = saxdp_detach(site.s, "va", site.a);
		assert_true(!status || (status == -ENOENT && attempt.at % 2 == 0));
		assert_untouched(site.a, "va");
	}
	assert_true(half > 0);
	site_release(&site);
	assert_untouched(site.a, "va");
}

#define TEST(name) cmocka_unit_test_teardown(name, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attached_interface_has_both_programs),
		TEST(own_namespace_needs_no_name),
		TEST(role_reaches_the_program),
		TEST(large_mtu_attaches),
		TEST(attaching_twice_is_refused),
		TEST(renamed_interface_is_found),
		TEST(no_native_xdp_names_the_alternative),
		TEST(what_is_not_ethernet_is_refused),
		TEST(interface_below_a_tunnel_is_named),
		TEST(what_is_not_there_is_refused),
		TEST(only_root_attaches),
		TEST(handle_of_an_unloaded_instance_is_refused),
		TEST(program_of_somebody_else_is_replaced_only_by_force),
		TEST(another_instance_is_somebody_else),
		TEST(detach_takes_only_what_is_ours),
		TEST(what_was_taken_away_can_be_attached_again),
		TEST(vanished_interface_is_shown_once_and_forgotten),
		TEST(detach_of_a_vanished_interface_removes_its_entry),
		TEST(vanished_namespace_holds_nothing_up),
		TEST(unload_detaches_in_every_namespace),
		TEST(killed_attach_is_found_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
