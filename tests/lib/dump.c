// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "dump.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { SHOWN = 8 }; /* differences of two dumps */

static const char *const kind_name[SAXDP_KIND_COUNT] = {
#define X(kind, map) [SAXDP_KIND_##kind] = #map,
	SAXDP_KINDS(X)
#undef X
};

struct row {
	uint32_t kind;
	_Alignas(uint64_t) uint8_t key[SAXDP_OP_KEY];
	union {
		uint8_t value[sizeof(struct saxdp_engine)];
		struct saxdp_life life;
		struct saxdp_sa sa;
		struct saxdp_context context;
		struct saxdp_tunnel tunnel;
		struct saxdp_endpoint endpoint;
		struct saxdp_filter filter;
		struct saxdp_prov_context prov_context;
		struct saxdp_object object;
		struct saxdp_sublayer_order order;
		struct saxdp_sublayer_use use;
		struct saxdp_blob blob;
		struct saxdp_guid guid;
		struct saxdp_bucket bucket;
		struct saxdp_mask_set masks;
		struct saxdp_mask_use mask_use;
		struct saxdp_engine engine;
	};
};

struct dump {
	struct row *row; /* sorted by kind and key */
	size_t count, room;
	enum saxdp_kind reading;
	uint64_t generation[SAXDP_EPOCHS];
};

static int row_compare(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return memcmp(left->key, right->key, sizeof(left->key));
}

static int row_add(void *ctx, const void *key, const void *value)
{
	struct dump *d = ctx;
	struct row *row;

	if (d->count == d->room) {
		d->room = d->room ? d->room * 2 : 256;
		d->row = realloc(d->row, d->room * sizeof(*d->row));
		require(d->row, "out of memory");
	}
	row = &d->row[d->count++];
	memset(row, 0, sizeof(*row));
	row->kind = d->reading;
	memcpy(row->key, key, kind_key_size(d->reading));
	memcpy(row->value, value, kind_value_size(d->reading));
	return 0;
}

/* Everything, as it is. */
static struct dump *dump_raw(const struct instance *inst)
{
	struct dump *d = calloc(1, sizeof(*d));

	require(d, "out of memory");
	for (d->reading = 0; d->reading < SAXDP_KIND_COUNT; d->reading++) {
		int err = store_each(inst, d->reading, row_add, d);

		require(!err, "%s: %s", kind_name[d->reading], strerror(-err));
	}
	qsort(d->row, d->count, sizeof(*d->row), row_compare);
	return d;
}

void dump_free(struct dump *d)
{
	if (!d)
		return;
	free(d->row);
	free(d);
}

static struct row *row_find(const struct dump *d, enum saxdp_kind kind, const void *key)
{
	struct row wanted = { .kind = kind };

	memcpy(wanted.key, key, kind_key_size(kind));
	return bsearch(&wanted, d->row, d->count, sizeof(wanted), row_compare);
}

static const struct saxdp_engine *engine_of(const struct dump *d)
{
	uint32_t zero = 0;
	const struct row *row = row_find(d, SAXDP_KIND_ENGINE, &zero);

	require(row, "no engine");
	return &row->engine;
}

unsigned int dump_count(const struct dump *d, enum saxdp_kind kind)
{
	unsigned int count = 0;

	for (size_t i = 0; i < d->count; i++)
		count += d->row[i].kind == kind;
	return count;
}

/* Blobs belong to filters and to contexts. */
static enum saxdp_epoch_id epoch_of(const struct row *row)
{
	const struct saxdp_blob_key *blob = (const void *)row->key;

	switch (row->kind) {
	case SAXDP_KIND_SA4:
	case SAXDP_KIND_SA6:
	case SAXDP_KIND_CONTEXT:
	case SAXDP_KIND_TUNNEL:
	case SAXDP_KIND_ENDPOINT:
		return SAXDP_EPOCH_SA;
	case SAXDP_KIND_BLOB:
		return blob->kind >= SAXDP_BLOB_CONTEXT ? SAXDP_EPOCH_SA : SAXDP_EPOCH_POLICY;
	}
	return SAXDP_EPOCH_POLICY;
}

uint64_t dump_generation(const struct dump *d, enum saxdp_epoch_id epoch)
{
	return d->generation[epoch];
}

static bool life_visible(const struct saxdp_life *life, uint64_t generation)
{
	return life->born && life->born <= generation && generation < life->died;
}

/* --- what is seen ------------------------------------------------------------------------------- */

static void context_hide(struct saxdp_context *c)
{
	size_t from = offsetof(struct saxdp_context, inbound_policy);

	if (!c->spi_born)
		memset((char *)c + from, 0, offsetof(struct saxdp_context, tunnel) - from);
	if (!c->inbound.born)
		memset(&c->inbound, 0, sizeof(c->inbound));
	if (!c->outbound.born)
		memset(&c->outbound, 0, sizeof(c->outbound));
}

static void engine_hide(struct saxdp_engine *e)
{
	memset(e->epoch, 0, sizeof(e->epoch));
	e->busy = 0;
	e->txn = 0;
	e->txn_dirty = 0;
	memset(e->dead_session, 0, sizeof(e->dead_session));
	memset(e->open_session, 0, sizeof(e->open_session));
	memset(e->next_id, 0, sizeof(e->next_id));
	e->reclaim_ns = 0;
}

static bool bucket_hide(struct saxdp_bucket *b, uint64_t generation)
{
	bool seen = false;

	b->used = 0;
	b->more = 0;
	for (int i = 0; i < SAXDP_CANDIDATES; i++) {
		if (life_visible(&b->candidate[i].life, generation))
			seen = true;
		else
			memset(&b->candidate[i], 0, sizeof(b->candidate[i]));
	}
	return seen;
}

static bool guid_hide(struct saxdp_guid *g, uint64_t generation)
{
	struct saxdp_guid_version seen = {};

	for (int i = 0; i < 2; i++)
		if (life_visible(&g->version[i].life, generation))
			seen = g->version[i];
	*g = (struct saxdp_guid){ .version = { seen } };
	return seen.life.born;
}

/* Leaves what is seen of it; false: nothing. */
static bool row_hide(struct row *row, const struct saxdp_engine *e)
{
	uint64_t generation = e->epoch[epoch_of(row)].generation;

	switch (row->kind) {
	case SAXDP_KIND_ENGINE:
		engine_hide(&row->engine);
		return true;
	case SAXDP_KIND_SESSION:
		return false;
	case SAXDP_KIND_MASK:
	case SAXDP_KIND_SUBLAYER_ORDER:
		return (*(uint32_t *)row->key & 1) == (generation & 1);
	case SAXDP_KIND_MASK_USE:
	case SAXDP_KIND_SUBLAYER_USE:
	case SAXDP_KIND_VIRTUAL_IF:
		return true;
	case SAXDP_KIND_KEY:
		return guid_hide(&row->guid, generation);
	case SAXDP_KIND_SELECTOR4:
	case SAXDP_KIND_SELECTOR6:
		return bucket_hide(&row->bucket, generation);
	case SAXDP_KIND_CONTEXT:
		context_hide(&row->context);
	}
	return life_visible(&row->life, generation);
}

/* Which context serves is seen, the newest that lives; not in which place it stands and since when. */
static void serve_hide(const struct dump *d, struct saxdp_tunnel *t)
{
	uint64_t generation = d->generation[SAXDP_EPOCH_SA];
	struct saxdp_serve serves = {};

	for (int i = 0; i < 2; i++) {
		const struct row *row = row_find(d, SAXDP_KIND_CONTEXT, &t->serve[i].context);

		if (row && row->context.outbound.born && life_visible(&row->life, generation) &&
		    t->serve[i].born <= generation && t->serve[i].born > serves.born)
			serves = t->serve[i];
		t->serve[i] = (struct saxdp_serve){};
	}
	t->serve[0].context = serves.context;
}

struct dump *dump_take(const struct instance *inst)
{
	struct dump *d = dump_raw(inst);
	struct saxdp_engine engine = *engine_of(d);
	size_t kept = 0;

	for (int e = 0; e < SAXDP_EPOCHS; e++)
		d->generation[e] = engine.epoch[e].generation;
	for (size_t i = 0; i < d->count; i++)
		if (d->row[i].kind == SAXDP_KIND_TUNNEL)
			serve_hide(d, &d->row[i].tunnel);

	for (size_t i = 0; i < d->count; i++)
		if (row_hide(&d->row[i], &engine))
			d->row[kept++] = d->row[i];
	d->count = kept;
	return d;
}

static void bytes_print(const char *label, const uint8_t *bytes, size_t size)
{
	fprintf(stderr, "  %s", label);
	for (size_t i = 0; i < size; i++)
		fprintf(stderr, "%s%02x", i % 8 ? "" : " ", bytes[i]);
	fputc('\n', stderr);
}

static void difference_print(const struct row *before, const struct row *after)
{
	const struct row *any = before ? before : after;

	fprintf(stderr, "%s %s:\n", kind_name[any->kind],
		!before ? "is new" :
		!after	? "is gone" :
			  "differs");
	bytes_print("key   ", any->key, kind_key_size(any->kind));
	if (before)
		bytes_print("before", before->value, kind_value_size(any->kind));
	if (after)
		bytes_print("after ", after->value, kind_value_size(any->kind));
}

void dump_require_same(const struct dump *before, const struct dump *after, const char *when)
{
	size_t i = 0, j = 0;
	unsigned int differ = 0;

	while (i < before->count || j < after->count) {
		const struct row *b = i < before->count ? &before->row[i] : NULL;
		const struct row *a = j < after->count ? &after->row[j] : NULL;
		int order = !b ? 1 : !a ? -1 : row_compare(b, a);

		i += order <= 0;
		j += order >= 0;
		if (order == 0 && !memcmp(b->value, a->value, sizeof(b->value)))
			continue;
		if (differ++ < SHOWN)
			difference_print(order <= 0 ? b : NULL, order >= 0 ? a : NULL);
	}
	require(!differ, "%s: %u entries differ", when, differ);
}

/* --- whether it fits together --------------------------------------------------------------------- */

struct death {
	uint64_t died, word;
	uint32_t kind;
	uint8_t key[SAXDP_OP_KEY];
};

struct sound {
	const struct dump *all;
	const struct saxdp_engine *engine;
	const char *when;
	struct death *grave[SAXDP_EPOCHS]; /* sorted */
	size_t graves[SAXDP_EPOCHS];
};

#define sound_require(s, cond, fmt, ...) require(cond, "%s: " fmt, (s)->when, ##__VA_ARGS__)

static int death_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct death));
}

static void grave_read(struct sound *s, const struct instance *inst)
{
	uint32_t base = 0;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/grave", inst->name);
	fd = bpf_obj_get(path);
	require(fd >= 0, "%s: %m", path);
	for (int e = 0; e < SAXDP_EPOCHS; e++) {
		const struct saxdp_epoch *epoch = &s->engine->epoch[e];
		uint64_t waiting = epoch->grave_head - epoch->grave_tail;
		uint32_t size = s->engine->grave_size[e];

		sound_require(s, waiting <= size, "%llu dead in a grave of %u",
			      (unsigned long long)waiting, size);
		s->grave[e] = calloc(waiting + 1, sizeof(*s->grave[e]));
		require(s->grave[e], "out of memory");
		for (uint64_t at = epoch->grave_tail; at < epoch->grave_head; at++) {
			uint32_t index = base + (at & (size - 1));
			struct death *death = &s->grave[e][s->graves[e]++];
			struct saxdp_grave g;

			require(!bpf_map_lookup_elem(fd, &index, &g), "grave: %m");
			sound_require(s, g.kind < SAXDP_KIND_COUNT, "a grave of kind %u", g.kind);
			sound_require(s, g.died <= epoch->generation,
				      "a grave from generation %llu", (unsigned long long)g.died);
			*death = (struct death){ .died = g.died, .word = g.word, .kind = g.kind };
			memcpy(death->key, g.key, kind_key_size(g.kind));
		}
		qsort(s->grave[e], s->graves[e], sizeof(struct death), death_compare);
		base += size;
	}
	close(fd);
}

/* From no generation to come; what is dead is in the grave. True: it lives. */
static bool sound_life(const struct sound *s, const struct row *row, const struct saxdp_life *life,
		       uint64_t word)
{
	enum saxdp_epoch_id epoch = epoch_of(row);
	uint64_t generation = s->engine->epoch[epoch].generation;
	struct death death = { .died = life->died, .word = word, .kind = row->kind };

	sound_require(s, life->born && life->born <= generation, "%s born at %llu of %llu",
		      kind_name[row->kind], (unsigned long long)life->born,
		      (unsigned long long)generation);
	if (life->died == SAXDP_NEVER)
		return true;
	sound_require(s, life->died <= generation, "%s dies at %llu after %llu",
		      kind_name[row->kind], (unsigned long long)life->died,
		      (unsigned long long)generation);
	memcpy(death.key, row->key, kind_key_size(row->kind));
	sound_require(
		s, bsearch(&death, s->grave[epoch], s->graves[epoch], sizeof(death), death_compare),
		"%s that died at %llu is not in the grave", kind_name[row->kind],
		(unsigned long long)life->died);
	return false;
}

static uint64_t live_contexts(const struct sound *s,
			      bool (*counts)(const struct saxdp_context *c, const struct row *of),
			      const struct row *of)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		n += row->kind == SAXDP_KIND_CONTEXT && row->life.died == SAXDP_NEVER &&
		     counts(&row->context, of);
	}
	return n;
}

static bool context_any(const struct saxdp_context *c, const struct row *of)
{
	(void)c;
	(void)of;
	return true;
}

static bool context_in_tunnel(const struct saxdp_context *c, const struct row *of)
{
	return c->tunnel == of->tunnel.id;
}

static bool context_at_endpoint(const struct saxdp_context *c, const struct row *of)
{
	const struct saxdp_endpoint_key *k = (const void *)of->key;

	return c->family == k->family && !memcmp(c->local, k->address, sizeof(c->local));
}

static bool context_of_policy(const struct saxdp_context *c, const struct row *of)
{
	bool tunnel = of->kind == SAXDP_KIND_PROV_CONTEXT;

	return (c->type == SAXDP_TUNNEL) == tunnel && c->policy == *(const uint64_t *)of->key;
}

static bool context_of_inbound(const struct saxdp_context *c, const struct row *of)
{
	return c->type == SAXDP_TRANSPORT && c->spi_born &&
	       c->inbound_policy == *(const uint64_t *)of->key;
}

static uint64_t filters_of(const struct sound *s, uint64_t prov_context)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		n += row->kind == SAXDP_KIND_FILTER && row->life.died == SAXDP_NEVER &&
		     row->filter.flags & SAXDP_FILTER_HAS_PROV_CONTEXT &&
		     row->filter.context == prov_context;
	}
	return n;
}

static uint64_t provider_users(const struct sound *s, uint64_t provider)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		if (row->life.died != SAXDP_NEVER)
			continue;
		n += row->kind == SAXDP_KIND_FILTER && row->filter.provider == provider;
		n += row->kind == SAXDP_KIND_PROV_CONTEXT && row->prov_context.provider == provider;
		n += (row->kind == SAXDP_KIND_SUBLAYER || row->kind == SAXDP_KIND_CALLOUT) &&
		     row->object.provider == provider;
	}
	return n;
}

static uint64_t callout_users(const struct sound *s, uint64_t callout)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		n += row->kind == SAXDP_KIND_FILTER && row->life.died == SAXDP_NEVER &&
		     row->filter.callout == callout;
	}
	return n;
}

static uint64_t sublayer_users(const struct sound *s, uint64_t sublayer)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		n += row->kind == SAXDP_KIND_FILTER && row->life.died == SAXDP_NEVER &&
		     row->filter.sublayer == sublayer;
	}
	return n;
}

#define sound_equal(s, what, there, counted)                                  \
	sound_require(s, (there) == (counted), "%s %llu, counted %llu", what, \
		      (unsigned long long)(there), (unsigned long long)(counted))

static void sound_guid(const struct sound *s, enum saxdp_kind kind, const uint8_t guid[16],
		       uint64_t id)
{
	struct saxdp_guid_key key = { .kind = kind };
	const struct row *row;
	bool named = false;

	memcpy(key.guid, guid, sizeof(key.guid));
	row = row_find(s->all, SAXDP_KIND_KEY, &key);
	for (int i = 0; row && i < 2; i++)
		named |= row->guid.version[i].life.died == SAXDP_NEVER &&
			 row->guid.version[i].id == id;
	sound_require(s, named, "%s %llu has no name", kind_name[kind], (unsigned long long)id);
}

static void sound_blob(const struct sound *s, enum saxdp_blob_kind kind, uint64_t id,
		       uint32_t parts)
{
	struct saxdp_blob_key key = { .kind = kind, .id = id };

	for (; key.part < parts; key.part++) {
		const struct row *row = row_find(s->all, SAXDP_KIND_BLOB, &key);

		sound_require(s, row && row->life.died == SAXDP_NEVER,
			      "blob %u of %llu lacks part %u", kind, (unsigned long long)id,
			      key.part);
	}
}

static uint32_t parts_of(uint32_t bytes)
{
	return (bytes + SAXDP_BLOB_BYTES - 1) / SAXDP_BLOB_BYTES;
}

static void sound_sas(const struct sound *s, uint64_t id, const struct saxdp_context *c,
		      const struct saxdp_bundle *b, enum saxdp_direction direction)
{
	const uint32_t *address = direction == SAXDP_INBOUND ? c->local : c->remote;

	for (unsigned int i = 0; b->born && i < b->sas; i++) {
		unsigned int found = 0;

		for (size_t r = 0; r < s->all->count; r++) {
			const struct row *row = &s->all->row[r];
			const struct saxdp_sa4_key *k4 = (const void *)row->key;
			const struct saxdp_sa6_key *k6 = (const void *)row->key;

			if (row->kind == SAXDP_KIND_SA4 && c->family == 4)
				found += row->life.died == SAXDP_NEVER &&
					 k4->destination == address[0] && k4->spi == b->spi[i] &&
					 k4->direction == direction && k4->protocol;
			else if (row->kind == SAXDP_KIND_SA6 && c->family == 6)
				found += row->life.died == SAXDP_NEVER &&
					 !memcmp(k6->destination, address, 16) &&
					 k6->spi == b->spi[i] && k6->direction == direction &&
					 k6->protocol;
		}
		sound_require(s, found, "context %llu lacks an SA of direction %d",
			      (unsigned long long)id, direction);
	}
}

static void sound_bucket(const struct sound *s, const struct row *row)
{
	const struct saxdp_bucket *b = &row->bucket;
	struct row next = *row;
	uint32_t used = 0;

	for (int i = 0; i < SAXDP_CANDIDATES; i++) {
		const struct saxdp_candidate *c = &b->candidate[i];
		const struct row *filter;

		if (!c->life.born && !c->life.died)
			continue;
		used++;
		if (!sound_life(s, row, &c->life, c->filter))
			continue;
		filter = row_find(s->all, SAXDP_KIND_FILTER, &c->filter);
		sound_require(s, filter && filter->life.died == SAXDP_NEVER,
			      "a candidate of filter %llu, which does not live",
			      (unsigned long long)c->filter);
		sound_equal(s, "slot of a candidate:", c->slot, filter->filter.slot);
	}
	sound_equal(s, "candidates of a bucket:", b->used, used);
	next.key[2]++; /* the chain: the third byte of both kinds of keys */
	sound_require(s, !b->more == !row_find(s->all, row->kind, next.key),
		      "a bucket's continuation");
}

static void sound_row(const struct sound *s, const struct row *row)
{
	uint64_t id = *(const uint64_t *)row->key;

	switch (row->kind) {
	case SAXDP_KIND_SELECTOR4:
	case SAXDP_KIND_SELECTOR6:
		sound_bucket(s, row);
		return;
	case SAXDP_KIND_KEY:
		for (int i = 0; i < 2; i++)
			if (row->guid.version[i].life.born)
				sound_life(s, row, &row->guid.version[i].life,
					   row->guid.version[i].id);
		return;
	case SAXDP_KIND_MASK:
	case SAXDP_KIND_MASK_USE:
	case SAXDP_KIND_SUBLAYER_ORDER:
	case SAXDP_KIND_SUBLAYER_USE:
	case SAXDP_KIND_SESSION:
	case SAXDP_KIND_VIRTUAL_IF:
	case SAXDP_KIND_ENGINE:
		return;
	}
	if (!sound_life(s, row, &row->life, 0))
		return;
	switch (row->kind) {
	case SAXDP_KIND_CONTEXT:
		sound_sas(s, id, &row->context, &row->context.inbound, SAXDP_INBOUND);
		sound_sas(s, id, &row->context, &row->context.outbound, SAXDP_OUTBOUND);
		break;
	case SAXDP_KIND_TUNNEL:
		sound_equal(s, "contexts of a tunnel:", row->tunnel.contexts,
			    live_contexts(s, context_in_tunnel, row));
		break;
	case SAXDP_KIND_ENDPOINT:
		sound_equal(s, "contexts of an endpoint:", row->endpoint.contexts,
			    live_contexts(s, context_at_endpoint, row));
		break;
	case SAXDP_KIND_FILTER:
		sound_equal(s, "users of a filter:", row->filter.users,
			    live_contexts(s, context_of_policy, row) +
				    live_contexts(s, context_of_inbound, row));
		sound_guid(s, SAXDP_KIND_FILTER, row->filter.key, id);
		sound_blob(s, SAXDP_BLOB_FILTER, id, parts_of(row->filter.blob_bytes));
		break;
	case SAXDP_KIND_PROV_CONTEXT:
		sound_equal(s, "users of a provider context:", row->prov_context.users,
			    live_contexts(s, context_of_policy, row) + filters_of(s, id));
		sound_guid(s, SAXDP_KIND_PROV_CONTEXT, row->prov_context.key, id);
		sound_blob(s, SAXDP_BLOB_PROV_CONTEXT, id, parts_of(row->prov_context.blob_bytes));
		break;
	case SAXDP_KIND_PROVIDER:
		sound_equal(s, "users of a provider:", row->object.users, provider_users(s, id));
		sound_guid(s, SAXDP_KIND_PROVIDER, row->object.key, id);
		sound_blob(s, SAXDP_BLOB_PROVIDER, id, parts_of(row->object.blob_bytes));
		break;
	case SAXDP_KIND_CALLOUT:
		sound_equal(s, "users of a callout:", row->object.users, callout_users(s, id));
		sound_guid(s, SAXDP_KIND_CALLOUT, row->object.key, id);
		sound_blob(s, SAXDP_BLOB_CALLOUT, id, parts_of(row->object.blob_bytes));
		break;
	case SAXDP_KIND_SUBLAYER:
		sound_equal(s, "users of a sublayer:", row->object.users, sublayer_users(s, id));
		sound_guid(s, SAXDP_KIND_SUBLAYER, row->object.key, id);
		sound_blob(s, SAXDP_BLOB_SUBLAYER, id, parts_of(row->object.blob_bytes));
		break;
	}
}

static void sound_masks(const struct sound *s)
{
	uint64_t generation = s->engine->epoch[SAXDP_EPOCH_POLICY].generation;
	uint64_t counted[SAXDP_LAYERS][SAXDP_MASKS] = {};

	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		if (row->kind != SAXDP_KIND_SELECTOR4 && row->kind != SAXDP_KIND_SELECTOR6)
			continue;
		sound_require(s, row->key[0] < SAXDP_LAYERS && row->key[1] < SAXDP_MASKS,
			      "a selector of layer %u, mask %u", row->key[0], row->key[1]);
		for (int c = 0; c < SAXDP_CANDIDATES; c++)
			counted[row->key[0]][row->key[1]] += row->bucket.candidate[c].life.died ==
							     SAXDP_NEVER;
	}
	for (uint32_t layer = 0; layer < SAXDP_LAYERS; layer++) {
		uint32_t element = layer * 2 + (generation & 1), used = 0;
		const struct row *set = row_find(s->all, SAXDP_KIND_MASK, &element);
		const struct row *use = row_find(s->all, SAXDP_KIND_MASK_USE, &layer);

		require(set && use, "no masks");
		for (int n = 0; n < SAXDP_MASKS; n++) {
			sound_equal(s, "candidates of a mask:", use->mask_use.candidates[n],
				    counted[layer][n]);
			used += counted[layer][n] != 0;
		}
		sound_equal(s, "masks of a layer:", set->masks.count, used);
		for (uint32_t m = 0; m < set->masks.count; m++) {
			uint8_t number = set->masks.mask[m].number;

			sound_require(s, number < SAXDP_MASKS && counted[layer][number],
				      "mask %u of layer %u has no candidate", number, layer);
		}
	}
}

/* Weights are compared by the test of sublayers. */
static void sound_order(const struct sound *s)
{
	uint32_t parity = s->engine->epoch[SAXDP_EPOCH_POLICY].generation & 1, zero = 0, used = 0;
	const struct row *order = row_find(s->all, SAXDP_KIND_SUBLAYER_ORDER, &parity);
	const struct row *use = row_find(s->all, SAXDP_KIND_SUBLAYER_USE, &zero);
	uint64_t counted[SAXDP_SUBLAYERS] = {};

	require(order && use, "no order of sublayers");
	for (size_t i = 0; i < s->all->count; i++) {
		const struct row *row = &s->all->row[i];

		if (row->kind != SAXDP_KIND_FILTER || row->life.died != SAXDP_NEVER ||
		    !row->filter.selectors)
			continue;
		sound_require(s, row->filter.slot < SAXDP_SUBLAYERS, "a filter of slot %u",
			      row->filter.slot);
		sound_equal(s, "sublayer of a slot:", order->order.sublayer[row->filter.slot],
			    row->filter.sublayer);
		counted[row->filter.slot]++;
	}
	for (int slot = 0; slot < SAXDP_SUBLAYERS; slot++) {
		sound_equal(s, "filters of a slot:", use->use.filters[slot], counted[slot]);
		sound_require(s, !counted[slot] == !order->order.sublayer[slot],
			      "slot %d is in use and is not", slot);
		used += counted[slot] != 0;
	}
	sound_equal(s, "slots in order:", order->order.count, used);
	for (uint32_t i = 0, seen = 0; i < used; i++) {
		uint8_t slot = order->order.slot[i];

		sound_require(s, slot < SAXDP_SUBLAYERS && counted[slot] && !(seen >> slot & 1),
			      "slot %u is out of order", slot);
		seen |= 1U << slot;
	}
}

void dump_require_sound(const struct instance *inst, const char *when)
{
	struct dump *all = dump_raw(inst);
	struct sound s = { .all = all, .engine = engine_of(all), .when = when };
	const volatile struct saxdp_mirror *mirror = instance_mirror(inst);

	sound_require(&s, !s.engine->busy, "the engine is busy");
	sound_require(&s, !s.engine->txn && !s.engine->txn_dirty, "a transaction (%u, %u)",
		      s.engine->txn, s.engine->txn_dirty);
	grave_read(&s, inst);
	for (size_t i = 0; i < all->count; i++)
		sound_row(&s, &all->row[i]);
	sound_masks(&s);
	sound_order(&s);
	sound_equal(&s, "contexts:", s.engine->contexts, live_contexts(&s, context_any, NULL));
	for (int e = 0; mirror && e < SAXDP_EPOCHS; e++) {
		sound_equal(&s, "mirrored generation", mirror->generation[e],
			    s.engine->epoch[e].generation);
		sound_equal(&s, "mirrored dead", mirror->dead[e], s.graves[e]);
		sound_require(&s,
			      s.engine->epoch[e].graced <= s.engine->epoch[e].generation &&
				      s.engine->epoch[e].reclaimed <= s.engine->epoch[e].graced,
			      "generations out of order");
	}
	for (int e = 0; e < SAXDP_EPOCHS; e++)
		free(s.grave[e]);
	dump_free(all);
}
