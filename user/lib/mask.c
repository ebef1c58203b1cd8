// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The masks that packets search a layer by.
 *
 * Each generation of the policy has a complete set for each layer, in the element of its parity. A
 * commit that makes generation g + 1 therefore writes the element of that parity where it differs
 * from what g + 1 needs; it was last used by g - 1, so the commit waits for a grace period then, and
 * only then. Most commits change no set, and write none.
 *
 * A mask lives as long as a candidate uses its number; the commit program counts them. A number that
 * is free may be given to another shape at once: what the old one has left in the buckets is dead
 * for whoever sees the new one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "order.h"

struct layer_plan {
	struct saxdp_mask_set set; /* also masks that have lost their last candidate */
	uint64_t candidates[SAXDP_MASKS]; /* by number */
};

struct mask_plan {
	struct layer_plan layer[SAXDP_LAYERS];
	struct order_plan order;
};

static uint32_t element_of(unsigned int layer, uint64_t generation)
{
	return layer * 2 + (generation & 1);
}

static int plan_read(const struct policy *p, struct mask_plan *plan)
{
	const struct instance *inst = p->session->inst;
	uint64_t generation = p->engine.epoch[SAXDP_EPOCH_POLICY].generation;
	int err = 0;

	for (uint32_t i = 0; i < SAXDP_LAYERS && !err; i++) {
		struct layer_plan *l = &plan->layer[i];
		uint32_t element = element_of(i, generation);
		struct saxdp_mask_use use;

		err = store_lookup(inst, SAXDP_KIND_MASK, &element, &l->set);
		if (!err)
			err = store_lookup(inst, SAXDP_KIND_MASK_USE, &i, &use);
		if (!err)
			memcpy(l->candidates, use.candidates, sizeof(use.candidates));
		if (!err && l->set.count > SAXDP_MASKS)
			err = -EPROTO;
	}
	return err ? err : order_read(p, &plan->order);
}

static int plan_get(struct policy *p, struct mask_plan **ret)
{
	struct mask_plan *plan = p->masks;
	int err;

	if (!plan) {
		plan = calloc(1, sizeof(*plan));
		if (!plan)
			return -ENOMEM;
		err = plan_read(p, plan);
		if (err) {
			free(plan);
			return err;
		}
		p->masks = plan;
	}
	*ret = plan;
	return 0;
}

void mask_plan_free(struct mask_plan *plan)
{
	free(plan);
}

struct mask_plan *mask_plan_copy(const struct mask_plan *plan)
{
	struct mask_plan *copy = plan ? malloc(sizeof(*copy)) : NULL;

	if (copy)
		*copy = *plan;
	return copy;
}

static struct saxdp_mask *mask_find(struct layer_plan *l, const struct saxdp_mask *shape)
{
	for (uint32_t i = 0; i < l->set.count; i++) {
		struct saxdp_mask *m = &l->set.mask[i];

		if (m->local_prefix == shape->local_prefix &&
		    m->remote_prefix == shape->remote_prefix && m->fields == shape->fields)
			return m;
	}
	return NULL;
}

static uint8_t number_unused(const struct layer_plan *l)
{
	uint32_t used = 0;
	uint8_t number = 0;

	_Static_assert(SAXDP_MASKS <= 32, "a bit for each number");
	for (uint32_t i = 0; i < l->set.count; i++)
		used |= 1U << l->set.mask[i].number;
	while (used >> number & 1)
		number++;
	return number;
}

static struct saxdp_mask *mask_make(struct layer_plan *l, const struct saxdp_mask *shape)
{
	struct saxdp_mask *m = NULL;

	if (l->set.count < SAXDP_MASKS) {
		uint8_t number = number_unused(l);

		m = &l->set.mask[l->set.count++];
		m->number = number;
	}
	for (uint32_t i = 0; i < l->set.count && !m; i++)
		if (!l->candidates[l->set.mask[i].number])
			m = &l->set.mask[i];
	if (!m)
		return NULL;
	m->local_prefix = shape->local_prefix;
	m->remote_prefix = shape->remote_prefix;
	m->fields = shape->fields;
	return m;
}

int mask_plan_take(struct policy *p, enum saxdp_layer layer, struct saxdp_mask *mask)
{
	const struct saxdp_mask *m;
	struct mask_plan *plan;
	struct layer_plan *l;
	int err;

	err = plan_get(p, &plan);
	if (err)
		return err;
	l = &plan->layer[layer];
	m = mask_find(l, mask);
	if (!m)
		m = mask_make(l, mask);
	if (!m)
		return fail(WIN32(ERROR_NO_SYSTEM_RESOURCES),
			    "filter: the layer's filters look at %d combinations of prefix lengths "
			    "and fields, there is no room for another",
			    SAXDP_MASKS);
	*mask = *m;
	l->candidates[m->number]++;
	return 0;
}

int mask_plan_give(struct policy *p, enum saxdp_layer layer, struct saxdp_mask *mask)
{
	const struct saxdp_mask *m;
	struct mask_plan *plan;
	struct layer_plan *l;
	int err;

	err = plan_get(p, &plan);
	if (err)
		return err;
	l = &plan->layer[layer];
	m = mask_find(l, mask);
	/* Unless somebody commits meanwhile, and then all of this is done again. */
	if (!m || !l->candidates[m->number])
		return fail(-EPROTO, "filter: no mask of its selector is in use");
	*mask = *m;
	l->candidates[m->number]--;
	return 0;
}

int slot_plan_take(struct policy *p, uint64_t sublayer, uint8_t *ret)
{
	struct mask_plan *plan;
	int err = plan_get(p, &plan);

	return err ? err : order_take(p, &plan->order, sublayer, ret);
}

int slot_plan_give(struct policy *p, uint8_t slot)
{
	struct mask_plan *plan;
	int err = plan_get(p, &plan);

	return err ? err : order_give(&plan->order, slot);
}

int mask_plan_commit(struct policy *p)
{
	uint64_t next = p->engine.epoch[SAXDP_EPOCH_POLICY].generation + 1;
	struct saxdp_mask_set wanted, there;
	struct mask_plan *plan;
	int err;

	if (!p->change->count)
		return 0;
	err = plan_get(p, &plan);
	for (uint32_t i = 0; i < SAXDP_LAYERS && !err; i++) {
		const struct layer_plan *l = &plan->layer[i];
		uint32_t element = element_of(i, next);

		wanted = (struct saxdp_mask_set){};
		for (uint32_t m = 0; m < l->set.count; m++)
			if (l->candidates[l->set.mask[m].number])
				wanted.mask[wanted.count++] = l->set.mask[m];
		err = store_lookup(p->session->inst, SAXDP_KIND_MASK, &element, &there);
		if (!err && memcmp(&wanted, &there, sizeof(wanted)))
			change_write(p->change, SAXDP_KIND_MASK, element, 0, &wanted,
				     sizeof(wanted));
	}
	return err ? err : order_commit(p, &plan->order);
}
