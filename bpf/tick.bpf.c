// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What must happen without a packet and without a process: a timer in the kernel that looks which
 * sessions still have their process, for candidates end with the session that owns them.
 *
 * A session's process holds the only descriptor of the socket in its slot of `alive`; when it ends,
 * however it ends, the kernel empties the slot. The tick sees that a slot that engine.open_session
 * marks is empty and marks it in engine.dead_session, where it stays until the commit program has
 * removed what the session owned.
 *
 * `tick_arm` starts the timer and may be run at any time by anyone: it starts it only once, and
 * starting it again merely runs it now. The timer lives in the element of `tick`: it stops when the
 * map's last reference goes, and would stop by an update of that element.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "proto.bpf.h"
#include "maps.bpf.h"

#define TICK_NS 100000000ULL /* what ends with a session ends within a second; this is well below */

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, SAXDP_SESSIONS);
	__type(key, __u32); /* slot */
	__type(value, __u64);
} alive SEC(".maps");

struct tick {
	struct bpf_timer timer;
	__u64 runs; /* for those who want to know that it goes */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tick);
} tick SEC(".maps");

static __always_inline int slot_empty(__u32 slot)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&alive, &slot);

	if (!sk)
		return 1;
	bpf_sk_release(sk);
	return 0;
}

struct look {
	struct saxdp_engine *engine;
	__u64 open; /* of this word of open_session, less those known to be dead */
	__u32 word;
};

static __always_inline void session_bury(struct saxdp_engine *e, __u32 word, __u32 slot)
{
	__u64 bit = 1ULL << slot % 64;

	__sync_fetch_and_or(&e->dead_session[word], bit);
	/*
	 * Between the look at the slot and the mark it may have been closed and opened again by
	 * another session, which must not inherit the mark.
	 */
	if (!(*(volatile __u64 *)&e->open_session[word] & bit) || !slot_empty(slot))
		__sync_fetch_and_and(&e->dead_session[word], ~bit);
}

static int session_look(__u32 i, void *arg)
{
	struct look *l = arg;
	__u32 slot = l->word * 64 + i;

	if (l->open >> i & 1 && slot_empty(slot))
		session_bury(l->engine, l->word % SAXDP_SESSION_WORDS, slot);
	return 0;
}

static int tick_run(void *map, __u32 *key, struct tick *t)
{
	struct saxdp_engine *e = engine_get();
	struct look l = { .engine = e };

	(void)map;
	(void)key;
	if (!e || e->state == SAXDP_STATE_GONE)
		return 0;
	for (; l.word < SAXDP_SESSION_WORDS; l.word++) {
		l.open = e->open_session[l.word] & ~e->dead_session[l.word];
		if (l.open)
			bpf_loop(64, session_look, &l, 0);
	}
	t->runs++;
	bpf_timer_start(&t->timer, TICK_NS, 0);
	return 0;
}

SEC("xdp")
int tick_arm(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct tick *t = bpf_map_lookup_elem(&tick, &zero);

	(void)ctx;
	if (!t)
		return XDP_ABORTED;
	/* -EBUSY: somebody has. What else may be wrong the calls after it say too. */
	bpf_timer_init(&t->timer, &tick, CLOCK_MONOTONIC);
	if (bpf_timer_set_callback(&t->timer, tick_run) || bpf_timer_start(&t->timer, 0, 0))
		return XDP_ABORTED;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
