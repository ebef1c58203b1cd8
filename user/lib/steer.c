// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Steering.
 *
 * The data path knows one word, in the SA. What an operator sets is a tunnel's word, the binding of
 * a virtual interface, or the default; the SAs that live get theirs in the same call, later ones
 * from steer_effective() when they are added. The two cannot miss each other: what was set is
 * stored before the SAs are listed, and whoever adds an SA expects the tunnel's word in its commit
 * and looks at the virtual interface again after it (steer_settle()).
 *
 * A word is stored together with its neighbour, so each store expects what was there: an SA that
 * ended and another in its place fail the commit, and the SAs are listed again.
 */
#include "steer.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "cpus.h"
#include "load.h"
#include "net_namespace.h"
#include "open.h"
#include "pin.h"

enum {
	/* EXPECT and STORE of each, and of the tunnel: one run, as stores of several are not undone. */
	SAS_PER_COMMIT = (SAXDP_RUN_OPS - 2) / 2,
	TRIES = 100, /* of a list of SAs that changes while it is being stored */
};

static uint32_t kind_of(uint32_t word)
{
	return word >> SAXDP_STEER_SHIFT;
}

/* The two 32-bit members that share a word. */
static uint64_t pair(uint32_t first, uint32_t second)
{
	uint32_t halves[2] = { first, second };
	uint64_t word;

	memcpy(&word, halves, sizeof(word));
	return word;
}

int steer_effective(const struct instance *inst, const struct saxdp_context *context,
		    uint32_t tunnel_steer, uint32_t *ret)
{
	struct saxdp_virtual_if bound;
	int err;

	if (!(context->flags & SAXDP_CONTEXT_VIRTUAL_IF)) {
		*ret = tunnel_steer;
		return 0;
	}
	err = store_lookup(inst, SAXDP_KIND_VIRTUAL_IF, &context->virtual_if, &bound);
	if (err && err != -ENOENT)
		return err;
	*ret = err ? SAXDP_STEER(SAXDP_STEER_MISSING, 0) :
		     SAXDP_STEER(SAXDP_STEER_DEV, bound.ifindex);
	return 0;
}

/* --- what is refused ------------------------------------------------------------------------------ */

int steer_checksum_check(const struct link *l)
{
	int err, ns = -1, home = -1;
	struct link peer;
	bool on = false;

	if (!link_is(l, "veth"))
		return 0;
	err = link_peer(l, &peer, &ns);
	if (err)
		return -EREMOTEIO; /* its text says that the peer is out of sight */
	if (ns >= 0)
		err = ns_enter(ns, &home);
	if (!err)
		err = link_tx_checksum(&peer, &on);
	ns_leave(home);
	ns_close(ns);
	if (!err && on)
		err = fail(
			-EREMOTEIO,
			"interface %s: its peer %s%s leaves checksums to the hardware, and what is "
			"steered to a CPU would be lost: ethtool -K %s tx off",
			l->name, peer.name, l->lower_elsewhere ? " (in its own namespace)" : "",
			peer.name);
	return err;
}

static int attached_check(void *ctx, const struct link *l)
{
	(void)ctx;
	return steer_checksum_check(l);
}

static int cpu_check(const struct saxdp_engine *engine, uint32_t cpu)
{
	uint32_t i = 0;

	while (i < engine->spread_cpus && engine->spread_cpu[i] != cpu)
		i++;
	if (i == engine->spread_cpus)
		return fail(-ENXIO, "CPU %u: not among those that the instance was loaded with",
			    cpu);
	if (!cpu_is_online(cpu))
		return fail(-ENXIO, "CPU %u: off-line", cpu);
	return 0;
}

static int cpus_check(const struct instance *inst, const struct saxdp_steer_target *target)
{
	struct saxdp_engine engine;
	int err;

	err = load_permitted("steering to CPUs");
	if (!err)
		err = store_engine(inst, &engine);
	if (err)
		return err;
	if (target->kind == SAXDP_STEER_CPU)
		err = cpu_check(&engine, target->cpu);
	else
		for (uint32_t i = 0; !err && i < engine.spread_cpus; i++)
			err = cpu_check(&engine, engine.spread_cpu[i]);
	return err ? err : attached_each(inst->attached, attached_check, NULL);
}

/*
 * Puts the interface among the redirect targets. Under its index, which is what a steer word has
 * room for and what anybody who reads it understands.
 */
static int dev_add(const struct instance *inst, const char *ifname, uint32_t *ret_word)
{
	struct bpf_devmap_val value = { .bpf_prog.fd = -1 };
	struct link l;
	bool transmits;
	int err, map;

	err = load_permitted("steering to an interface");
	if (!err)
		err = link_get(ifname, &l);
	if (err)
		return err;
	/* A veth without carrier has a peer that is down, and loses what it is given. */
	if (!(l.flags & IFF_UP) || (link_is(&l, "veth") && !(l.flags & IFF_RUNNING)))
		return fail(-ENETDOWN, "interface %s: %s", l.name,
			    l.flags & IFF_UP ? "its peer is down" : "down");
	err = link_xdp_transmits(&l, &transmits);
	if (err)
		return err;
	if (!transmits)
		return fail(-EOPNOTSUPP, "interface %s: cannot transmit for XDP%s", l.name,
			    link_is(&l, "veth") ? ": its peer has neither an XDP program nor GRO" :
						  "");
	if (l.index > SAXDP_STEER_ARG)
		return fail(-EINVAL, "interface %s: index %u is beyond 24 bits", l.name, l.index);

	map = pin_map_open(inst->name, "steer_dev");
	if (map < 0)
		return fail(map, "map steer_dev: %s", strerror(-map));
	value.ifindex = l.index;
	if (bpf_map_update_elem(map, &l.index, &value, BPF_ANY))
		err = fail(-errno, "interface %s: map steer_dev: %s", l.name, strerror(errno));
	else
		*ret_word = SAXDP_STEER(SAXDP_STEER_DEV, l.index);
	close(map);
	return err;
}

static int target_check(const struct instance *inst, uint32_t tunnel,
			const struct saxdp_steer_target *target, uint32_t *ret_word)
{
	int err;

	switch (target->kind) {
	case SAXDP_STEER_DEFAULT:
		if (!tunnel)
			return fail(-EINVAL, "steering: the default cannot be the default");
		*ret_word = SAXDP_STEER(SAXDP_STEER_DEFAULT, 0);
		return 0;
	case SAXDP_STEER_PASS:
	case SAXDP_STEER_XSK:
		*ret_word = SAXDP_STEER(target->kind, 0);
		return 0;
	case SAXDP_STEER_CPU:
	case SAXDP_STEER_SPREAD:
		err = cpus_check(inst, target);
		if (!err)
			*ret_word = SAXDP_STEER(target->kind,
						target->kind == SAXDP_STEER_CPU ? target->cpu : 0);
		return err;
	case SAXDP_STEER_DEV:
		if (!target->ifname)
			return fail(-EINVAL, "steering: to which interface?");
		return dev_add(inst, target->ifname, ret_word);
	}
	return fail(-EINVAL, "steering: kind %u cannot be set", target->kind);
}

/* --- whether anything goes to CPUs ------------------------------------------------------------------ */

static bool word_is_cpu(uint32_t word)
{
	return kind_of(word) == SAXDP_STEER_CPU || kind_of(word) == SAXDP_STEER_SPREAD;
}

static int tunnel_uses_cpu(void *ctx, const void *key, const void *value)
{
	const struct saxdp_tunnel *t = value;

	(void)key;
	/* One that is dead or not yet visible asks for more than is needed, and for a moment. */
	if (word_is_cpu(t->steer))
		*(bool *)ctx = true;
	return 0;
}

int steer_uses_cpus(const struct instance *inst, bool *ret)
{
	struct saxdp_engine engine;
	bool found;
	int err;

	err = store_engine(inst, &engine);
	if (err)
		return err;
	found = word_is_cpu(engine.default_steer);
	if (!found)
		err = store_each(inst, SAXDP_KIND_TUNNEL, tunnel_uses_cpu, &found);
	if (!err)
		*ret = found;
	return err ? fail(err, "instance %s: tunnels: %s", inst->name, strerror(-err)) : 0;
}

/* --- the SAs that live -------------------------------------------------------------------------------- */

struct sa_entry {
	enum saxdp_kind kind;
	uint8_t key[SAXDP_OP_KEY];
	uint64_t context;
	uint32_t tunnel, steer;
};

/* Inbound SAs of a tunnel, or of the contexts that have a virtual interface. */
struct sa_list {
	struct view *view;
	enum saxdp_kind kind; /* that is being read */
	uint32_t tunnel; /* 0: any */
	struct sa_entry *sa;
	size_t count, room;
};

static int sa_collect(void *ctx, const void *key, const void *value)
{
	uint8_t direction;
	const struct saxdp_sa *sa = value;
	struct sa_list *list = ctx;
	struct sa_entry *more;

	direction = list->kind == SAXDP_KIND_SA4 ? ((const struct saxdp_sa4_key *)key)->direction :
						   ((const struct saxdp_sa6_key *)key)->direction;
	if (direction != SAXDP_INBOUND || !view_alive(list->view, SAXDP_EPOCH_SA, &sa->life) ||
	    (list->tunnel && sa->tunnel != list->tunnel))
		return 0;
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		more = reallocarray(list->sa, list->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->sa = more;
	}
	more = &list->sa[list->count++];
	*more = (struct sa_entry){
		.kind = list->kind,
		.context = sa->context,
		.tunnel = sa->tunnel,
		.steer = sa->steer,
	};
	memcpy(more->key, key, kind_key_size(list->kind));
	return 0;
}

static int sas_read(struct sa_list *list)
{
	static const enum saxdp_kind kinds[] = { SAXDP_KIND_SA4, SAXDP_KIND_SA6 };
	int err = 0;

	list->count = 0;
	for (size_t i = 0; !err && i < sizeof(kinds) / sizeof(*kinds); i++) {
		list->kind = kinds[i];
		err = store_each(list->view->inst, kinds[i], sa_collect, list);
	}
	return err;
}

struct tunnel_search {
	struct view *view;
	uint32_t id;
	bool found;
	struct saxdp_tunnel_key key;
	uint32_t steer;
};

static int tunnel_compare(void *ctx, const void *key, const void *value)
{
	const struct saxdp_tunnel *t = value;
	struct tunnel_search *search = ctx;

	if (t->id != search->id || !view_alive(search->view, SAXDP_EPOCH_SA, &t->life))
		return 0;
	search->found = true;
	search->key = *(const struct saxdp_tunnel_key *)key;
	search->steer = t->steer;
	return 0;
}

/* What an SA's word should be now; the context may be gone meanwhile (-ENOENT). */
static int sa_wanted(const struct instance *inst, const struct sa_entry *sa, uint32_t tunnel_steer,
		     uint32_t *ret)
{
	struct saxdp_context context;
	int err;

	err = store_lookup(inst, SAXDP_KIND_CONTEXT, &sa->context, &context);
	return err ? err : steer_effective(inst, &context, tunnel_steer, ret);
}

static void sa_store(struct change *c, const struct sa_entry *sa, uint32_t steer)
{
	size_t offset = offsetof(struct saxdp_sa, tunnel);

	change_word(c, SAXDP_OP_EXPECT, sa->kind, sa->key, offset, pair(sa->tunnel, sa->steer));
	change_word(c, SAXDP_OP_STORE, sa->kind, sa->key, offset, pair(sa->tunnel, steer));
}

static void tunnel_store(struct change *c, const struct tunnel_search *t, uint32_t steer)
{
	size_t offset = offsetof(struct saxdp_tunnel, id);

	change_word(c, SAXDP_OP_EXPECT, SAXDP_KIND_TUNNEL, &t->key, offset, pair(t->id, t->steer));
	change_word(c, SAXDP_OP_STORE, SAXDP_KIND_TUNNEL, &t->key, offset, pair(t->id, steer));
}

/* --- setting ------------------------------------------------------------------------------------------- */

/* A place in `staging` for one call: nobody needs a handle to steer. */
struct work {
	HANDLE handle;
	struct session *session;
};

static int work_begin(struct work *w, const struct saxdp *s, const char *what)
{
	int err;

	w->session = NULL;
	err = session_open(s->inst->name, NULL, &w->handle);
	if (err)
		return err;
	err = session_get(w->handle, &w->session);
	if (!err && !session_writes(w->session))
		err = fail(-EPERM, "instance %s: %s: not in the writers' group", s->inst->name,
			   what);
	if (!err && w->session->inst->engine_id != s->inst->engine_id)
		err = fail(-ENOENT, "instance %s: unloaded since it was opened", s->inst->name);
	if (err)
		goto out;
	pthread_mutex_lock(&w->session->lock);
	return 0;
out:
	if (w->session)
		session_put(w->session);
	(void)session_close(w->handle); /* the first error is the one to tell */
	return err;
}

static void work_end(struct work *w)
{
	pthread_mutex_unlock(&w->session->lock);
	session_put(w->session);
	(void)session_close(w->handle); /* open since work_begin() */
}

/* What a commit says, as saxdp.h says it. */
static int commit_errno(int err)
{
	if (err == FWP(FWP_E_TIMEOUT))
		return fail(-ETIMEDOUT, "steering: a transaction holds the engine");
	if (err == FWP(RPC_E_DISCONNECTED))
		return fail(-ESHUTDOWN, "steering: the instance was unloaded");
	if (err == -ESTALE)
		return fail(-EAGAIN, "steering: SAs come and go too fast");
	if (err < 0 && err >= -4095)
		return err;
	return err ? fail(-EIO, "steering: error 0x%x", (unsigned int)err) : 0;
}

/*
 * Stores until a list of the SAs shows nothing more to store. @list: with what was asked for filled
 * in by read(), which adds its own operations to the change as well.
 */
struct setting {
	struct work *work;
	struct sa_list list;
	struct tunnel_search tunnel;
	uint32_t word; /* of the tunnel, or of the virtual interface */
	uint64_t virtual_if;
	uint64_t *context; /* those with the virtual interface, ascending */
	size_t contexts, context_room;
};

typedef int (*setting_read_fn)(struct setting *set);
typedef int (*setting_fill_fn)(struct setting *set, struct change *c);

static int setting_look(struct setting *set, setting_read_fn read)
{
	struct view v = VIEW_INIT(set->work->session->inst);
	int err;

	set->list.view = &v;
	do {
		err = view_begin(&v);
		if (err)
			break;
		err = read(set);
	} while (view_again(&v, &err));
	return err;
}

static int setting_apply(struct setting *set, setting_read_fn read, setting_fill_fn fill)
{
	struct change c;
	uint32_t count;
	int err;

	for (int i = 0; i < TRIES; i++) {
		err = setting_look(set, read);
		if (err)
			return err;
		change_init(&c, set->work->session, SAXDP_EPOCH_SA);
		err = fill(set, &c);
		count = c.count;
		if (!err)
			err = change_commit(&c);
		change_release(&c);
		if (err && err != -ESTALE)
			return err;
		if (!err && !count)
			return 0;
	}
	return -ESTALE;
}

/* --- a tunnel ---------------------------------------------------------------------------------------------- */

static int tunnel_read(struct setting *set)
{
	int err;

	set->tunnel.view = set->list.view;
	set->tunnel.found = false;
	err = store_each(set->list.view->inst, SAXDP_KIND_TUNNEL, tunnel_compare, &set->tunnel);
	return err ? err : sas_read(&set->list);
}

static int tunnel_fill(struct setting *set, struct change *c)
{
	uint32_t wanted;
	int err;

	if (!set->tunnel.found)
		return fail(-ENOENT, "tunnel %u: no such tunnel", set->tunnel.id);
	if (set->tunnel.steer != set->word)
		tunnel_store(c, &set->tunnel, set->word);
	for (size_t i = 0; i < set->list.count && c->count < 2 * SAS_PER_COMMIT; i++) {
		const struct sa_entry *sa = &set->list.sa[i];

		err = sa_wanted(set->work->session->inst, sa, set->word, &wanted);
		if (err == -ENOENT)
			continue; /* ended meanwhile */
		if (err)
			return err;
		if (wanted != sa->steer)
			sa_store(c, sa, wanted);
	}
	return 0;
}

static int tunnel_set(struct work *w, uint32_t id, uint32_t word)
{
	struct setting set = {
		.work = w,
		.list.tunnel = id,
		.tunnel.id = id,
		.word = word,
	};
	int err = setting_apply(&set, tunnel_read, tunnel_fill);

	free(set.list.sa);
	return err;
}

static int default_set(struct work *w, uint32_t word)
{
	size_t offset = offsetof(struct saxdp_engine, default_steer);
	const struct instance *inst = w->session->inst;
	struct saxdp_engine engine;
	uint32_t zero = 0;
	struct change c;
	int err;

	for (int i = 0; i < TRIES; i++) {
		err = store_engine(inst, &engine);
		if (err)
			return err;
		change_init(&c, w->session, SAXDP_EPOCH_NONE);
		change_word(&c, SAXDP_OP_EXPECT, SAXDP_KIND_ENGINE, &zero, offset,
			    pair(engine.default_steer, engine.tunnel_ports));
		change_word(&c, SAXDP_OP_STORE, SAXDP_KIND_ENGINE, &zero, offset,
			    pair(word, engine.tunnel_ports));
		err = change_commit(&c);
		change_release(&c);
		if (err != -ESTALE)
			return err;
	}
	return err;
}

int saxdp_steer(struct saxdp *s, uint32_t tunnel, const struct saxdp_steer_target *target)
{
	struct work w;
	uint32_t word;
	int err;

	err = target_check(s->inst, tunnel, target, &word);
	if (!err)
		err = work_begin(&w, s, "steering");
	if (err)
		return commit_errno(err);
	err = tunnel ? tunnel_set(&w, tunnel, word) : default_set(&w, word);
	work_end(&w);
	return commit_errno(err);
}

/* --- a virtual interface ------------------------------------------------------------------------------------- */

static int context_collect(void *ctx, const void *key, const void *value)
{
	const struct saxdp_context *context = value;
	struct setting *set = ctx;
	uint64_t *more;

	if (!(context->flags & SAXDP_CONTEXT_VIRTUAL_IF) || context->virtual_if != set->virtual_if)
		return 0;
	if (set->contexts == set->context_room) {
		set->context_room = set->context_room ? 2 * set->context_room : 16;
		more = reallocarray(set->context, set->context_room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		set->context = more;
	}
	memcpy(&set->context[set->contexts++], key, sizeof(*set->context));
	return 0;
}

static int id_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int virtual_if_read(struct setting *set)
{
	int err;

	set->contexts = 0;
	set->list.count = 0;
	err = store_each(set->list.view->inst, SAXDP_KIND_CONTEXT, context_collect, set);
	if (err || !set->contexts)
		return err;
	qsort(set->context, set->contexts, sizeof(*set->context), id_compare);
	return sas_read(&set->list);
}

static int virtual_if_fill(struct setting *set, struct change *c)
{
	for (size_t i = 0; i < set->list.count && c->count < 2 * SAS_PER_COMMIT; i++) {
		const struct sa_entry *sa = &set->list.sa[i];

		if (sa->steer != set->word && bsearch(&sa->context, set->context, set->contexts,
						      sizeof(*set->context), id_compare))
			sa_store(c, sa, set->word);
	}
	return 0;
}

static int binding_store(struct work *w, uint64_t id, uint32_t word)
{
	struct saxdp_virtual_if value = { .ifindex = word & SAXDP_STEER_ARG };
	struct change c;
	int err;

	change_init(&c, w->session, SAXDP_EPOCH_NONE);
	if (kind_of(word) == SAXDP_STEER_DEV)
		change_put(&c, SAXDP_KIND_VIRTUAL_IF, &id, &value);
	else
		change_remove(&c, SAXDP_KIND_VIRTUAL_IF, &id);
	err = change_commit(&c);
	change_release(&c);
	/* Unbinding what is not bound leaves what was asked for. */
	return err == -ENOENT && kind_of(word) != SAXDP_STEER_DEV ? 0 : err;
}

int saxdp_virtual_if_bind(struct saxdp *s, uint64_t id, const char *ifname)
{
	struct setting set = {
		.virtual_if = id,
		.word = SAXDP_STEER(SAXDP_STEER_MISSING, 0),
	};
	struct work w;
	int err = 0;

	if (ifname)
		err = dev_add(s->inst, ifname, &set.word);
	if (!err)
		err = work_begin(&w, s, "binding a virtual interface");
	if (err)
		return commit_errno(err);
	set.work = &w;
	err = binding_store(&w, id, set.word);
	if (!err)
		err = setting_apply(&set, virtual_if_read, virtual_if_fill);
	work_end(&w);
	free(set.list.sa);
	free(set.context);
	return commit_errno(err);
}

int steer_settle(struct session *s, const struct saxdp_context *context, enum saxdp_kind kind,
		 const void *sa_key)
{
	struct sa_entry entry = { .kind = kind };
	struct saxdp_sa sa;
	struct change c;
	uint32_t wanted;
	int err;

	memcpy(entry.key, sa_key, kind_key_size(kind));
	for (int i = 0; i < TRIES; i++) {
		err = store_lookup(s->inst, kind, sa_key, &sa);
		if (!err)
			err = steer_effective(s->inst, context, sa.steer, &wanted);
		if (err || wanted == sa.steer)
			return err;
		entry.tunnel = sa.tunnel;
		entry.steer = sa.steer;
		change_init(&c, s, SAXDP_EPOCH_SA);
		sa_store(&c, &entry, wanted);
		err = change_commit(&c);
		change_release(&c);
		if (err && err != -ESTALE)
			return err;
	}
	return -ESTALE;
}

/* --- sockets --------------------------------------------------------------------------------------------------- */

int saxdp_xsk_set(struct saxdp *s, uint32_t queue, int fd)
{
	int err, map;

	err = load_permitted("AF_XDP sockets");
	if (err)
		return err;
	map = pin_map_open(s->inst->name, "steer_xsk");
	if (map < 0)
		return fail(map, "map steer_xsk: %s", strerror(-map));
	if (fd >= 0)
		err = bpf_map_update_elem(map, &queue, &fd, BPF_ANY) ? -errno : 0;
	else
		err = bpf_map_delete_elem(map, &queue) && errno != ENOENT ? -errno : 0;
	close(map);
	if (err == -E2BIG)
		err = -EINVAL; /* beyond the map */
	return err ? fail(err, "queue %u: %s", queue, strerror(-err)) : 0;
}
