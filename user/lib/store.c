// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Typed reads of the maps, and how a reader without a lock knows that what it read is one state. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

enum {
	BATCH = 1024, /* entries a system call; more gains nothing (18 ms for 100,000 SAs) */
	VIEW_WAIT_MS = 15000, /* as long as a session waits by default */
	LOCK_AT_TRY = 3,
	NSEC_PER_SEC = 1000000000,
	NSEC_PER_MSEC = 1000000,
};

static const struct {
	size_t key, value;
} kinds[SAXDP_KIND_COUNT] = {
	[SAXDP_KIND_SA4] = { sizeof(struct saxdp_sa4_key), sizeof(struct saxdp_sa) },
	[SAXDP_KIND_SA6] = { sizeof(struct saxdp_sa6_key), sizeof(struct saxdp_sa) },
	[SAXDP_KIND_CONTEXT] = { sizeof(uint64_t), sizeof(struct saxdp_context) },
	[SAXDP_KIND_TUNNEL] = { sizeof(struct saxdp_tunnel_key), sizeof(struct saxdp_tunnel) },
	[SAXDP_KIND_ENDPOINT] = { sizeof(struct saxdp_endpoint_key),
				  sizeof(struct saxdp_endpoint) },
	[SAXDP_KIND_FILTER] = { sizeof(uint64_t), sizeof(struct saxdp_filter) },
	[SAXDP_KIND_PROV_CONTEXT] = { sizeof(uint64_t), sizeof(struct saxdp_prov_context) },
	[SAXDP_KIND_BLOB] = { sizeof(struct saxdp_blob_key), sizeof(struct saxdp_blob) },
	[SAXDP_KIND_KEY] = { sizeof(struct saxdp_guid_key), sizeof(struct saxdp_guid) },
	[SAXDP_KIND_SELECTOR4] = { sizeof(struct saxdp_selector4_key),
				   sizeof(struct saxdp_bucket) },
	[SAXDP_KIND_SELECTOR6] = { sizeof(struct saxdp_selector6_key),
				   sizeof(struct saxdp_bucket) },
	[SAXDP_KIND_MASK] = { sizeof(uint32_t), sizeof(struct saxdp_mask_set) },
	[SAXDP_KIND_MASK_USE] = { sizeof(uint32_t), sizeof(struct saxdp_mask_use) },
	[SAXDP_KIND_SESSION] = { sizeof(uint32_t), sizeof(struct saxdp_session) },
	[SAXDP_KIND_VIRTUAL_IF] = { sizeof(uint64_t), sizeof(struct saxdp_virtual_if) },
	[SAXDP_KIND_ENGINE] = { sizeof(uint32_t), sizeof(struct saxdp_engine) },
	[SAXDP_KIND_PROVIDER] = { sizeof(uint64_t), sizeof(struct saxdp_provider) },
	[SAXDP_KIND_SUBLAYER] = { sizeof(uint64_t), sizeof(struct saxdp_sublayer) },
	[SAXDP_KIND_CALLOUT] = { sizeof(uint64_t), sizeof(struct saxdp_callout) },
	[SAXDP_KIND_SUBLAYER_ORDER] = { sizeof(uint32_t), sizeof(struct saxdp_sublayer_order) },
	[SAXDP_KIND_SUBLAYER_USE] = { sizeof(uint32_t), sizeof(struct saxdp_sublayer_use) },
};

size_t kind_key_size(enum saxdp_kind kind)
{
	return kinds[kind].key;
}

size_t kind_value_size(enum saxdp_kind kind)
{
	return kinds[kind].value;
}

int store_lookup(const struct instance *inst, enum saxdp_kind kind, const void *key, void *ret)
{
	return bpf_map_lookup_elem(inst->map[kind], key, ret) ? -errno : 0;
}

int store_engine(const struct instance *inst, struct saxdp_engine *ret)
{
	uint32_t zero = 0;

	return store_lookup(inst, SAXDP_KIND_ENGINE, &zero, ret);
}

int store_each(const struct instance *inst, enum saxdp_kind kind,
	       int (*fn)(void *ctx, const void *key, const void *value), void *ctx)
{
	size_t key_size = kinds[kind].key, value_size = kinds[kind].value;
	uint32_t in, next, count, room = BATCH;
	bool first = true, last = false;
	char *keys = NULL, *values = NULL;
	int err = 0;

	while (!last) {
		if (!keys) {
			keys = malloc(room * key_size);
			values = malloc(room * value_size);
			if (!keys || !values) {
				err = -ENOMEM;
				break;
			}
		}
		count = room;
		if (bpf_map_lookup_batch(inst->map[kind], first ? NULL : &in, &next, keys, values,
					 &count, NULL)) {
			if (errno == ENOSPC && !count) {
				/* One hash bucket holds more than fits. */
				free(keys);
				free(values);
				keys = values = NULL;
				room *= 2;
				continue;
			}
			if (errno != ENOENT) {
				err = -errno;
				break;
			}
			last = true;
		}
		for (uint32_t i = 0; i < count && !err; i++)
			err = fn(ctx, keys + i * key_size, values + i * value_size);
		if (err)
			break;
		in = next;
		first = false;
	}
	free(keys);
	free(values);
	return err;
}

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

uint64_t store_realtime_ns(const struct saxdp_engine *engine, uint64_t jiffies)
{
	struct timespec real, boot;
	int64_t offset, since;

	if (!jiffies || !engine->hz)
		return 0;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	offset = (real.tv_sec - boot.tv_sec) * (int64_t)NSEC_PER_SEC + real.tv_nsec - boot.tv_nsec;
	/* Two readings are some ns apart: rounded, an idle SA shows the same time at each look. */
	offset = (offset + NSEC_PER_MSEC / 2) / NSEC_PER_MSEC * NSEC_PER_MSEC;
	since = (int64_t)(jiffies - engine->clock_jiffies) * (NSEC_PER_SEC / (int)engine->hz);
	return engine->clock_boot_ns + since + offset;
}

int view_begin(struct view *v)
{
	int err;

	if (!v->tries)
		v->deadline_ns = monotonic_ns() +
				 (v->wait_ms ? v->wait_ms : VIEW_WAIT_MS) * (int64_t)NSEC_PER_MSEC;
	err = store_engine(v->inst, &v->engine);
	if (!err && v->engine.state == SAXDP_STATE_GONE)
		err = FWP(RPC_E_DISCONNECTED);
	if (err)
		lock_close(&v->lock);
	return err;
}

/*
 * Entries alive at the generation of the view are still there as long as nothing that died later
 * was reclaimed. More is asked for: that nothing at all was. What an SA has counted moves to its
 * tunnel when it is reclaimed, and the kernel may give the memory of a removed element to another
 * while a lookup copies it.
 */
bool view_again(struct view *v, int *err)
{
	struct saxdp_engine now;
	bool moved = false;
	int again;

	again = store_engine(v->inst, &now);
	if (!again) {
		for (int i = 0; i < SAXDP_EPOCHS; i++)
			moved |= now.epoch[i].reclaimed > v->engine.epoch[i].generation ||
				 now.epoch[i].removed != v->engine.epoch[i].removed;
	}
	if (!again && now.state == SAXDP_STATE_GONE)
		*err = FWP(RPC_E_DISCONNECTED);
	else if (!again && moved && monotonic_ns() < v->deadline_ns) {
		/* Reclaiming wants the lock alone: held shared, it waits for us. */
		if (++v->tries >= LOCK_AT_TRY && v->lock < 0 && v->inst->commit >= 0)
			v->lock = write_lock_try_shared(v->inst);
		return true;
	} else if (!again && moved) {
		*err = FWP(FWP_E_TIMEOUT);
	}
	lock_close(&v->lock);
	return false;
}
