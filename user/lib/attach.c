// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Attach and detach.
 *
 * What is on an interface is ours when it uses the instance's `engine` map; ids of programs say it
 * only until they are given again. So `attached` has an entry before anything is attached, and a
 * process killed in between leaves nothing that detach and unload do not find. Whoever changes
 * something holds the load lock.
 *
 * Pins are opened before a network namespace is entered, where there may be another /sys.
 */
#include "attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "load.h"
#include "netlink.h"
#include "net_namespace.h"
#include "open.h"
#include "pin.h"
#include "quiet.h"
#include "steer.h"
#include "tc_egress.skel.h"
#include "xdp_ingress.skel.h"

enum {
	TC_PRIORITY = 50, /* as libxdp's default; the handle is the engine map's id */
	PROG_MAPS = 64, /* the verifier's own limit */
};

/* --- whose program ------------------------------------------------------------------------------- */

static bool prog_is_ours(uint32_t id, uint32_t engine_id)
{
	uint32_t maps[PROG_MAPS];
	struct bpf_prog_info info = { .nr_map_ids = PROG_MAPS, .map_ids = (uintptr_t)maps };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool ours = false;

	if (fd < 0)
		return false;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		for (uint32_t i = 0; i < info.nr_map_ids && i < PROG_MAPS; i++)
			ours |= maps[i] == engine_id;
	close(fd);
	return ours;
}

static struct xdp_multiprog *multiprog_get(uint32_t ifindex)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);

	return libxdp_get_error(mp) ? NULL : mp;
}

/* The id of our program among those of an interface, 0 when there is none. */
static uint32_t xdp_find(struct xdp_multiprog *mp, uint32_t engine_id)
{
	struct xdp_program *prog = NULL;
	uint32_t id;

	if (!mp)
		return 0;
	if (xdp_multiprog__is_legacy(mp)) {
		prog = xdp_multiprog__main_prog(mp);
		id = prog ? xdp_program__id(prog) : 0;
		return prog_is_ours(id, engine_id) ? id : 0;
	}
	while ((prog = xdp_multiprog__next_prog(prog, mp))) {
		id = xdp_program__id(prog);
		if (prog_is_ours(id, engine_id))
			return id;
	}
	return 0;
}

/* --- TC egress --------------------------------------------------------------------------------------- */

#define TC_HOOK(name, index) \
	LIBBPF_OPTS(bpf_tc_hook, name, .ifindex = (index), .attach_point = BPF_TC_EGRESS)
#define TC_OPTS(name, engine_id, ...) \
	LIBBPF_OPTS(bpf_tc_opts, name, .handle = (engine_id), .priority = TC_PRIORITY, __VA_ARGS__)

static uint32_t tc_find(uint32_t ifindex, uint32_t engine_id)
{
	TC_HOOK(hook, ifindex);
	TC_OPTS(opts, engine_id);

	if (bpf_tc_query(&hook, &opts))
		return 0;
	return prog_is_ours(opts.prog_id, engine_id) ? opts.prog_id : 0;
}

static void filter_count(void *ctx, const struct nlmsghdr *answer)
{
	if (answer->nlmsg_type == RTM_NEWTFILTER)
		++*(unsigned int *)ctx;
}

static bool clsact_empty(uint32_t ifindex)
{
	static const uint32_t parents[] = { TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					    TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS) };
	struct tcmsg body = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex };
	struct netlink_request r;
	unsigned int filters = 0;

	for (size_t i = 0; i < sizeof(parents) / sizeof(*parents); i++) {
		body.tcm_parent = parents[i];
		netlink_request_init(&r, RTM_GETTFILTER, NLM_F_DUMP, &body, sizeof(body));
		if (netlink_ask(NETLINK_ROUTE, &r, filter_count, &filters))
			return false;
	}
	return !filters;
}

struct clsact_search {
	int index;
	bool found;
};

static void clsact_find(void *ctx, const struct nlmsghdr *answer)
{
	const struct tcmsg *qdisc = NLMSG_DATA(answer);
	struct clsact_search *search = ctx;

	if (answer->nlmsg_type == RTM_NEWQDISC && qdisc->tcm_ifindex == search->index &&
	    qdisc->tcm_parent == TC_H_CLSACT)
		search->found = true;
}

static int clsact_there(const struct link *l, bool *ret)
{
	struct tcmsg body = { .tcm_family = AF_UNSPEC, .tcm_ifindex = l->index };
	struct clsact_search search = { .index = l->index };
	struct netlink_request r;
	int err;

	netlink_request_init(&r, RTM_GETQDISC, NLM_F_DUMP, &body, sizeof(body));
	err = netlink_ask(NETLINK_ROUTE, &r, clsact_find, &search);
	if (err)
		return fail(err, "interface %s: clsact: %s", l->name, strerror(-err));
	*ret = search.found;
	return 0;
}

static int tc_attach(const struct link *l, uint32_t engine_id, int prog_fd,
		     struct saxdp_attached *a)
{
	TC_HOOK(hook, l->index);
	TC_OPTS(opts, engine_id, .prog_fd = prog_fd);
	int err;

	err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return fail(err, "interface %s: clsact: %s (%s)", l->name, strerror(-err),
			    quiet_said());
	if (err)
		a->clsact = 0; /* somebody was quicker */
	if (tc_find(l->index, engine_id))
		opts.flags = BPF_TC_F_REPLACE;
	err = bpf_tc_attach(&hook, &opts);
	if (err)
		return fail(err, "interface %s: TC egress: %s (%s)", l->name, strerror(-err),
			    quiet_said());
	a->tc_prog = opts.prog_id;
	return 0;
}

static int tc_detach(const struct link *l, uint32_t engine_id, bool clsact)
{
	TC_HOOK(hook, l->index);
	TC_OPTS(opts, engine_id);
	int err = 0;

	if (tc_find(l->index, engine_id)) {
		err = bpf_tc_detach(&hook, &opts);
		if (err)
			return fail(err, "interface %s: TC egress: %s (%s)", l->name,
				    strerror(-err), quiet_said());
	}
	if (clsact && clsact_empty(l->index)) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		err = bpf_tc_hook_destroy(&hook);
		if (err == -ENOENT || err == -EINVAL)
			err = 0; /* somebody has removed it */
	}
	return err ? fail(err, "interface %s: clsact: %s (%s)", l->name, strerror(-err),
			  quiet_said()) :
		     0;
}

/* --- XDP ------------------------------------------------------------------------------------------------ */

static int xdp_detach(const struct link *l, uint32_t engine_id)
{
	struct xdp_multiprog *mp = multiprog_get(l->index);
	struct xdp_program *prog = NULL;
	uint32_t id = xdp_find(mp, engine_id);
	int err = 0;

	if (!id)
		goto out;
	prog = xdp_program__from_id(id);
	err = libxdp_get_error(prog);
	if (err)
		prog = NULL;
	else
		err = xdp_program__detach(prog, l->index, xdp_multiprog__attach_mode(mp), 0);
	if (err)
		fail(err, "interface %s: XDP: %s (%s)", l->name, strerror(-err), quiet_said());
out:
	xdp_program__close(prog);
	xdp_multiprog__close(mp);
	return err;
}

/* Room for our program: beside others by the dispatcher, else instead of them when forced. */
static int xdp_make_room(const struct link *l, bool force)
{
	struct xdp_multiprog *mp = multiprog_get(l->index);
	struct xdp_program *other;
	int err = 0;

	if (!mp || !xdp_multiprog__is_legacy(mp))
		goto out;
	other = xdp_multiprog__main_prog(mp);
	if (!force) {
		err = fail(-EBUSY,
			   "interface %s: has XDP program %s (id %u) of somebody else; "
			   "--force replaces it",
			   l->name, other ? xdp_program__name(other) : "?",
			   other ? xdp_program__id(other) : 0);
		goto out;
	}
	err = xdp_multiprog__detach(mp);
	if (err)
		fail(err, "interface %s: XDP: %s (%s)", l->name, strerror(-err), quiet_said());
out:
	xdp_multiprog__close(mp);
	return err;
}

/* The Ethernet interface that carries this one. */
static bool carrier_find(const struct link *l, struct link *ret)
{
	return l->lower && !l->lower_elsewhere && !link_is(l, "veth") &&
	       !link_get_index(l->lower, ret) && ret->type == ARPHRD_ETHER;
}

static int xdp_failed(const struct link *l, enum xdp_attach_mode mode, int err)
{
	struct link carrier;

	if (err != -EOPNOTSUPP || mode != XDP_MODE_NATIVE)
		return fail(err, "interface %s: XDP: %s (%s)", l->name, strerror(-err),
			    quiet_said());
	if (carrier_find(l, &carrier))
		return fail(err,
			    "interface %s: no native XDP: attach %s, which carries it, or use "
			    "--generic",
			    l->name, carrier.name);
	return fail(err, "interface %s: no native XDP: use --generic", l->name);
}

static int xdp_attach(const struct link *l, enum xdp_attach_mode mode, struct bpf_object *obj,
		      struct saxdp_attached *a)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .obj = obj, .prog_name = "xdp_ingress");
	struct xdp_multiprog *mp = NULL;
	struct xdp_program *prog;
	int err;

	prog = xdp_program__create(&opts);
	err = libxdp_get_error(prog);
	if (err)
		return fail(err, "program xdp_ingress: %s (%s)", strerror(-err), quiet_said());
	err = xdp_program__attach(prog, l->index, mode, 0);
	if (err) {
		err = xdp_failed(l, mode, err);
		goto out;
	}
	mp = multiprog_get(l->index);
	a->xdp_mode = mode;
	a->xdp_prog = xdp_program__id(prog);
	a->dispatcher = mp && !xdp_multiprog__is_legacy(mp);
out:
	xdp_multiprog__close(mp);
	xdp_program__close(prog);
	return err;
}

/* --- one interface -------------------------------------------------------------------------------------- */

static int hooks_remove(const struct link *l, uint32_t engine_id, bool clsact)
{
	int err = xdp_detach(l, engine_id);
	int tc_err = tc_detach(l, engine_id, clsact);

	return err ? err : tc_err;
}

static int ethernet_check(const struct link *l)
{
	struct link carrier;

	if (l->type == ARPHRD_ETHER)
		return 0;
	if (carrier_find(l, &carrier))
		return fail(-EOPNOTSUPP, "interface %s: not Ethernet: attach %s, which carries it",
			    l->name, carrier.name);
	return fail(-EOPNOTSUPP,
		    "interface %s: not Ethernet: attach the Ethernet interface that carries it",
		    l->name);
}

struct attach {
	const struct saxdp_attach_opts *opts;
	struct instance *inst;
	struct xdp_ingress_bpf *xdp;
	struct tc_egress_bpf *tc;
	struct link link;
	struct saxdp_attached_key key;
};

/* Everything that needs the pins, before the namespace is entered. */
static int attach_open(struct attach *a)
{
	int err;

	a->xdp = xdp_ingress_bpf__open();
	a->tc = tc_egress_bpf__open();
	if (!a->xdp || !a->tc)
		return fail(-errno, "programs: %s", quiet_said());
	a->xdp->rodata->role = a->opts->role;
	err = pin_reuse(a->inst->name, a->xdp->obj);
	if (!err)
		err = pin_reuse(a->inst->name, a->tc->obj);
	if (err)
		return err;
	err = tc_egress_bpf__load(a->tc);
	return err ? fail(err, "program tc_egress: %s (%s)", strerror(-err), quiet_said()) : 0;
}

static int attach_check(struct attach *a)
{
	struct xdp_multiprog *mp;
	struct saxdp_attached old;
	bool cpus, running;
	int err;

	err = link_get(a->opts->ifname, &a->link);
	if (!err)
		err = ethernet_check(&a->link);
	if (err)
		return err;
	a->key.ifindex = a->link.index;
	if (!bpf_map_lookup_elem(a->inst->attached, &a->key, &old)) {
		mp = multiprog_get(a->link.index);
		running = xdp_find(mp, a->inst->engine_id);
		xdp_multiprog__close(mp);
		if (running)
			return fail(-EEXIST, "interface %s: attached already", a->link.name);
		/* Half of it was taken away behind our back. */
		err = hooks_remove(&a->link, a->inst->engine_id, old.clsact);
		if (err)
			return err;
	}
	err = steer_uses_cpus(a->inst, &cpus);
	if (!err && cpus)
		err = steer_checksum_check(&a->link);
	return err;
}

static int record(const struct attach *a, const struct saxdp_attached *value)
{
	if (bpf_map_update_elem(a->inst->attached, &a->key, value, BPF_ANY))
		return fail(-errno, "map attached: %s", strerror(errno));
	return 0;
}

static int attach_here(struct attach *a)
{
	struct saxdp_attached value = { .role = a->opts->role };
	enum xdp_attach_mode mode = a->opts->mode == SAXDP_XDP_GENERIC ? XDP_MODE_SKB :
									 XDP_MODE_NATIVE;
	bool clsact = false;
	int err;

	err = attach_check(a);
	if (!err)
		err = clsact_there(&a->link, &clsact);
	if (!err)
		err = xdp_make_room(&a->link, a->opts->force);
	if (err)
		return err;
	value.clsact = !clsact;
	strcpy(value.ifname, a->link.name);
	strcpy(value.netns_name, a->opts->netns ? a->opts->netns : "");
	err = record(a, &value);
	if (err)
		return err;
	err = tc_attach(&a->link, a->inst->engine_id, bpf_program__fd(a->tc->progs.tc_egress),
			&value);
	if (!err)
		err = xdp_attach(&a->link, mode, a->xdp->obj, &value);
	if (!err)
		err = record(a, &value);
	if (err) {
		/* The first error is the one to tell; what cannot be removed keeps its entry. */
		char said[512];

		snprintf(said, sizeof(said), "%s", saxdp_error());
		if (!hooks_remove(&a->link, a->inst->engine_id, value.clsact))
			bpf_map_delete_elem(a->inst->attached, &a->key);
		fail(err, "%s", said);
	}
	return err;
}

/* The instance as root has it, if it is still the one that was opened. */
static int instance_root(const struct saxdp *s, struct instance **ret)
{
	struct instance *inst;
	int err;

	err = instance_get(s->inst->name, INSTANCE_ROOT, &inst);
	if (err)
		return err;
	if (inst->engine_id != s->inst->engine_id) {
		instance_put(inst);
		return fail(-ENOENT, "instance %s: unloaded since it was opened", s->inst->name);
	}
	*ret = inst;
	return 0;
}

int saxdp_attach(struct saxdp *s, const struct saxdp_attach_opts *opts)
{
	struct attach a = { .opts = opts };
	int err, lock = -1, ns = -1, home = -1;
	uint64_t inode = 0;

	if (opts->size < sizeof(*opts) || !opts->ifname || opts->mode > SAXDP_XDP_GENERIC ||
	    opts->role > SAXDP_ROLE_TUNNEL)
		return fail(-EINVAL, "attach: options that cannot be");
	err = load_permitted("attach");
	if (err)
		return err;
	quiet_begin();
	lock = load_lock();
	err = lock < 0 ? lock : instance_root(s, &a.inst);
	if (err)
		goto out;
	ns = ns_open(opts->netns);
	err = ns < 0 ? ns : ns_inode(ns, &inode);
	a.key.netns = inode;
	if (!err)
		err = tick_start(a.inst->tick_arm);
	if (!err)
		err = attach_open(&a);
	if (!err)
		err = ns_enter(ns, &home);
	if (!err)
		err = attach_here(&a);
	ns_leave(home);
out:
	ns_close(ns);
	xdp_ingress_bpf__destroy(a.xdp);
	tc_egress_bpf__destroy(a.tc);
	instance_put(a.inst);
	if (lock >= 0)
		close(lock);
	quiet_end();
	return err;
}

/* --- all of them ------------------------------------------------------------------------------------------ */

struct entries {
	size_t count;
	struct {
		struct saxdp_attached_key key;
		struct saxdp_attached value;
	} entry[];
};

static int entries_read(int attached_fd, struct entries **ret)
{
	struct saxdp_attached_key key, *at = NULL;
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	struct entries *e;

	if (bpf_obj_get_info_by_fd(attached_fd, &info, &size))
		return fail(-errno, "map attached: %s", strerror(errno));
	e = calloc(1, sizeof(*e) + info.max_entries * sizeof(e->entry[0]));
	if (!e)
		return fail(-ENOMEM, "map attached: out of memory");
	while (e->count < info.max_entries && !bpf_map_get_next_key(attached_fd, at, &key)) {
		e->entry[e->count].key = key;
		if (!bpf_map_lookup_elem(attached_fd, &key, &e->entry[e->count].value))
			e->count++;
		at = &key;
	}
	*ret = e;
	return 0;
}

/* Into the namespace of an entry: -ENODEV when it or the interface is gone. */
static int entry_enter(const struct saxdp_attached_key *key, struct link *ret, int *ret_home)
{
	int err, ns, home = -1;

	ns = ns_find(key->netns);
	err = ns < 0 ? ns : ns_enter(ns, &home);
	ns_close(ns);
	if (!err)
		err = link_get_index(key->ifindex, ret);
	if (err)
		ns_leave(home);
	else
		*ret_home = home;
	return err;
}

int attached_each(int attached_fd, int (*fn)(void *ctx, const struct link *l), void *ctx)
{
	struct entries *e = NULL;
	struct link l;
	int err, home;

	err = entries_read(attached_fd, &e);
	for (size_t i = 0; !err && i < e->count; i++) {
		err = entry_enter(&e->entry[i].key, &l, &home);
		if (err == -ENODEV) {
			err = 0;
			continue;
		}
		if (err)
			break;
		err = fn(ctx, &l);
		ns_leave(home);
	}
	free(e);
	return err;
}

static int entry_detach(int attached_fd, const struct saxdp_attached_key *key,
			const struct saxdp_attached *value, uint32_t engine_id)
{
	struct link l;
	int err, home;

	err = entry_enter(key, &l, &home);
	if (!err) {
		err = hooks_remove(&l, engine_id, value->clsact);
		ns_leave(home);
	}
	/* What cannot be detached keeps its entry; what is gone needs none. */
	if (!err || err == -ENODEV)
		bpf_map_delete_elem(attached_fd, key);
	return err;
}

int attached_detach_all(const char *instance)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int err = 0, engine = -1, attached = -1;
	struct entries *e = NULL;

	engine = pin_map_open(instance, "engine");
	attached = pin_map_open(instance, "attached");
	if (engine < 0 || attached < 0)
		goto out; /* an instance that is not whole has nothing attached */
	if (bpf_obj_get_info_by_fd(engine, &info, &size)) {
		err = fail(-errno, "instance %s: engine: %s", instance, strerror(errno));
		goto out;
	}
	err = entries_read(attached, &e);
	for (size_t i = 0; !err && i < e->count; i++) {
		err = entry_detach(attached, &e->entry[i].key, &e->entry[i].value, info.id);
		if (err == -ENODEV)
			err = 0;
	}
out:
	free(e);
	if (engine >= 0)
		close(engine);
	if (attached >= 0)
		close(attached);
	return err;
}

/* The entry of an interface, by index while it is there, by name when it is gone. */
static int entry_find(const struct instance *inst, const char *ifname, const char *netns,
		      struct saxdp_attached_key *ret_key, struct saxdp_attached *ret)
{
	int err, ns = -1, home = -1;
	struct entries *e = NULL;
	uint64_t inode = 0;
	struct link l = {};

	ns = ns_open(netns);
	if (ns >= 0 && !ns_inode(ns, &inode) && !ns_enter(ns, &home)) {
		(void)link_get(ifname, &l); /* gone: its entry may be there */
		ns_leave(home);
	}
	ns_close(ns);
	err = entries_read(inst->attached, &e);
	if (err)
		return err;
	err = -ENOENT;
	for (size_t i = 0; err && i < e->count; i++) {
		const struct saxdp_attached_key *key = &e->entry[i].key;
		const struct saxdp_attached *value = &e->entry[i].value;
		bool here = inode ? key->netns == inode :
				    netns && !strcmp(value->netns_name, netns);

		if (!here || (l.index ? key->ifindex != l.index : strcmp(value->ifname, ifname)))
			continue;
		*ret_key = *key;
		*ret = *value;
		err = 0;
	}
	free(e);
	return err;
}

int saxdp_detach(struct saxdp *s, const char *ifname, const char *netns)
{
	struct saxdp_attached_key key;
	struct instance *inst = NULL;
	struct saxdp_attached value;
	int err, lock = -1;

	err = load_permitted("detach");
	if (err)
		return err;
	quiet_begin();
	lock = load_lock();
	err = lock < 0 ? lock : instance_root(s, &inst);
	if (err)
		goto out;
	err = entry_find(inst, ifname, netns, &key, &value);
	if (err == -ENOENT)
		fail(err, "interface %s: not attached", ifname);
	if (err)
		goto out;
	err = entry_detach(inst->attached, &key, &value, inst->engine_id);
	if (err == -ENODEV)
		fail(err, "interface %s: gone; its entry is removed", ifname);
out:
	instance_put(inst);
	if (lock >= 0)
		close(lock);
	quiet_end();
	return err;
}

static int entry_show(const struct saxdp *s, const struct saxdp_attached_key *key,
		      const struct saxdp_attached *value, bool look,
		      struct saxdp_attached_info *ret)
{
	struct xdp_multiprog *mp;
	int err, home;
	struct link l;

	*ret = (struct saxdp_attached_info){
		.netns = key->netns,
		.ifindex = key->ifindex,
		.role = value->role,
		.native = value->xdp_mode == XDP_MODE_NATIVE,
		.shared = value->dispatcher,
	};
	memcpy(ret->ifname, value->ifname, sizeof(ret->ifname));
	memcpy(ret->netns_name, value->netns_name, sizeof(ret->netns_name));
	if (!look)
		return 0;
	ret->looked = true;
	err = entry_enter(key, &l, &home);
	ret->gone = err == -ENODEV;
	if (err)
		return ret->gone ? 0 : err;
	memcpy(ret->ifname, l.name, sizeof(ret->ifname));
	mp = multiprog_get(l.index);
	ret->xdp_running = xdp_find(mp, s->inst->engine_id);
	ret->tc_running = tc_find(l.index, s->inst->engine_id);
	if (ret->xdp_running)
		ret->shared = !xdp_multiprog__is_legacy(mp);
	xdp_multiprog__close(mp);
	ns_leave(home);
	return 0;
}

/* What is gone needs no entry; looked at once more, as only now nobody can attach it again. */
static int entry_prune(const struct saxdp *s, const struct saxdp_attached_key *key)
{
	struct instance *inst = NULL;
	int err, home, lock;
	struct link l;

	lock = load_lock();
	err = lock < 0 ? lock : instance_root(s, &inst);
	if (err)
		goto out;
	err = entry_enter(key, &l, &home);
	if (!err)
		ns_leave(home);
	else if (err == -ENODEV)
		bpf_map_delete_elem(inst->attached, key);
	err = 0;
out:
	instance_put(inst);
	if (lock >= 0)
		close(lock);
	return err;
}

int saxdp_attached_list(struct saxdp *s, struct saxdp_attached_info **ret, size_t *ret_count)
{
	bool look = !load_permitted("list of interfaces");
	struct saxdp_attached_info *list = NULL;
	struct entries *e = NULL;
	int err;

	quiet_begin();
	err = entries_read(s->inst->attached, &e);
	if (err)
		goto out;
	list = calloc(e->count ? e->count : 1, sizeof(*list));
	if (!list)
		err = fail(-ENOMEM, "list of interfaces: out of memory");
	for (size_t i = 0; !err && i < e->count; i++) {
		err = entry_show(s, &e->entry[i].key, &e->entry[i].value, look, &list[i]);
		if (!err && list[i].gone)
			err = entry_prune(s, &e->entry[i].key);
	}
	if (err)
		goto out;
	*ret_count = e->count;
	*ret = list;
	list = NULL;
out:
	free(list);
	free(e);
	quiet_end();
	return err;
}
