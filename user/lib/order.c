// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The order in which packets go through the winners of sublayers.
 *
 * There may be any number of sublayers, and a packet keeps a winner for each that has candidates. So
 * a sublayer has one of SAXDP_SUBLAYERS slots from its first filter with selectors until its last,
 * and candidates carry the slot. Which slots there are and which comes first stands in an element for
 * each parity of the generation, under the rules of the mask sets (mask.c): it is complete, written
 * only where it differs, after a grace period, and a slot that is free may be another's at once, as
 * all that its old candidates say is dead for whoever sees the new one.
 *
 * Of sublayers with equal weights the one that was added first comes first, built-in ones before all
 * others. Windows is said to move a weight that is taken to the nearest free one; then what comes
 * back would not be what was given, and the outcome would be the same as here but for a neighbour.
 */
#include <errno.h>
#include <string.h>

#include "order.h"
#include "sublayer.h"

int order_read(const struct policy *p, struct order_plan *ret)
{
	uint32_t parity = p->engine.epoch[SAXDP_EPOCH_POLICY].generation & 1, zero = 0;
	struct saxdp_sublayer_use use;
	int err;

	err = store_lookup(p->session->inst, SAXDP_KIND_SUBLAYER_ORDER, &parity, &ret->order);
	if (!err)
		err = store_lookup(p->session->inst, SAXDP_KIND_SUBLAYER_USE, &zero, &use);
	if (err)
		return err;
	memcpy(ret->filters, use.filters, sizeof(ret->filters));
	if (ret->order.count > SAXDP_SUBLAYERS)
		return -EPROTO;
	for (uint32_t i = 0; i < ret->order.count; i++)
		if (ret->order.slot[i] >= SAXDP_SUBLAYERS)
			return -EPROTO;
	return 0;
}

/* Without those that have lost their last filter. */
static void order_pack(const struct order_plan *o, struct saxdp_sublayer_order *ret)
{
	struct saxdp_sublayer_order packed = {};

	for (uint32_t i = 0; i < o->order.count; i++) {
		uint8_t slot = o->order.slot[i];

		if (!o->filters[slot])
			continue;
		packed.slot[packed.count++] = slot;
		packed.sublayer[slot] = o->order.sublayer[slot];
	}
	*ret = packed;
}

bool sublayer_before(uint64_t a, uint16_t a_weight, uint64_t b, uint16_t b_weight)
{
	if (a_weight != b_weight)
		return a_weight > b_weight;
	if ((a & SAXDP_BUILTIN) != (b & SAXDP_BUILTIN))
		return a & SAXDP_BUILTIN;
	return a < b;
}

static int order_insert(struct policy *p, struct saxdp_sublayer_order *order, uint64_t sublayer,
			uint8_t slot)
{
	const struct reader r = { .policy = p };
	uint16_t weight, other_weight;
	GUID key;
	uint32_t at;
	int err;

	err = sublayer_read(&r, sublayer, &key, &weight);
	for (at = 0; at < order->count && !err; at++) {
		uint64_t other = order->sublayer[order->slot[at]];

		err = sublayer_read(&r, other, &key, &other_weight);
		if (!err && sublayer_before(sublayer, weight, other, other_weight))
			break;
	}
	if (err)
		return err == -ENOENT ? fail(-EPROTO, "filter: lost a sublayer") : err;
	memmove(&order->slot[at + 1], &order->slot[at], order->count - at);
	order->slot[at] = slot;
	order->sublayer[slot] = sublayer;
	order->count++;
	return 0;
}

int order_take(struct policy *p, struct order_plan *o, uint64_t sublayer, uint8_t *ret_slot)
{
	struct saxdp_sublayer_order packed;
	uint8_t slot = 0;
	int err;

	for (uint32_t i = 0; i < o->order.count; i++) {
		slot = o->order.slot[i];
		if (o->order.sublayer[slot] == sublayer) {
			o->filters[slot]++;
			*ret_slot = slot;
			return 0;
		}
	}
	order_pack(o, &packed);
	if (packed.count == SAXDP_SUBLAYERS)
		return fail(FWP(FWP_E_TOO_MANY_SUBLAYERS),
			    "filter: packets are judged by filters of %d sublayers already",
			    SAXDP_SUBLAYERS);
	for (slot = 0; packed.sublayer[slot];)
		slot++;
	err = order_insert(p, &packed, sublayer, slot);
	if (err)
		return err;
	o->order = packed;
	o->filters[slot]++;
	*ret_slot = slot;
	return 0;
}

int order_give(struct order_plan *o, uint8_t slot)
{
	/* Unless somebody commits meanwhile, and then all of this is done again. */
	if (slot >= SAXDP_SUBLAYERS || !o->filters[slot])
		return fail(-EPROTO, "filter: the slot of its sublayer is not in use");
	o->filters[slot]--;
	return 0;
}

int order_commit(struct policy *p, const struct order_plan *o)
{
	const size_t ids_at = offsetof(struct saxdp_sublayer_order, sublayer);
	uint32_t next = (p->engine.epoch[SAXDP_EPOCH_POLICY].generation + 1) & 1;
	struct saxdp_sublayer_order wanted, there;
	int err;

	order_pack(o, &wanted);
	err = store_lookup(p->session->inst, SAXDP_KIND_SUBLAYER_ORDER, &next, &there);
	if (err || !memcmp(&wanted, &there, sizeof(wanted)))
		return err;
	change_write(p->change, SAXDP_KIND_SUBLAYER_ORDER, next, 0, &wanted, ids_at);
	change_write(p->change, SAXDP_KIND_SUBLAYER_ORDER, next, ids_at, wanted.sublayer,
		     sizeof(wanted.sublayer));
	return 0;
}
