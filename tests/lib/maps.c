// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "maps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

/* --- one map ------------------------------------------------------------------------------------------- */

struct map {
	int fd;
	struct bpf_map_info info;
	char *value; /* as the kernel returns it: for each CPU where there is one per CPU */
	size_t value_size;
};

static void map_open(const char *instance, const char *name, struct map *ret)
{
	__u32 size = sizeof(ret->info);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/%s", instance, name);
	*ret = (struct map){ .fd = bpf_obj_get(path) };
	require(ret->fd >= 0, "%s: %m", path);
	require(!bpf_obj_get_info_by_fd(ret->fd, &ret->info, &size), "%s: %m", path);
	ret->value_size = ret->info.value_size;
	if (ret->info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		ret->value_size = (ret->value_size + 7) / 8 * 8 * libbpf_num_possible_cpus();
	ret->value = calloc(1, ret->value_size);
	require(ret->value, "out of memory");
}

static void map_close(struct map *m)
{
	free(m->value);
	close(m->fd);
}

/* fn(ctx, key, value) for each entry. */
static void map_each(struct map *m, void (*fn)(void *ctx, const void *key, const void *value),
		     void *ctx)
{
	char *key = calloc(2, m->info.key_size), *next = key + m->info.key_size;
	bool first = true;

	require(key, "out of memory");
	while (!bpf_map_get_next_key(m->fd, first ? NULL : key, next)) {
		first = false;
		memcpy(key, next, m->info.key_size);
		if (!bpf_map_lookup_elem(m->fd, key, m->value))
			fn(ctx, key, m->value);
	}
	free(key);
}

/* --- lives --------------------------------------------------------------------------------------------- */

/* The maps whose values begin with their life. */
static bool has_life(const char *map)
{
	static const char *const maps[] = { "sa4",	"sa6",	  "context",	  "tunnel",
					    "endpoint", "filter", "prov_context", "blob" };

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		if (!strcmp(maps[i], map))
			return true;
	return false;
}

static bool alive(const char *map, const void *value)
{
	const struct saxdp_life *life = value;

	return !has_life(map) || life->died == SAXDP_NEVER;
}

bool maps_get(const char *instance, const char *map, const void *key, void *ret)
{
	struct map m;
	bool found;

	map_open(instance, map, &m);
	found = !bpf_map_lookup_elem(m.fd, key, m.value) && alive(map, m.value);
	if (found && ret)
		memcpy(ret, m.value, m.info.value_size);
	map_close(&m);
	return found;
}

void maps_put(const char *instance, const char *map, const void *key, const void *value)
{
	struct map m;

	map_open(instance, map, &m);
	require(!bpf_map_update_elem(m.fd, key, value, BPF_EXIST), "%s: %m", map);
	map_close(&m);
}

struct counting {
	const char *map;
	unsigned int count;
};

static void count_one(void *ctx, const void *key, const void *value)
{
	struct counting *c = ctx;

	(void)key;
	c->count += alive(c->map, value);
}

unsigned int maps_count(const char *instance, const char *map)
{
	struct counting c = { .map = map };
	struct map m;

	map_open(instance, map, &m);
	map_each(&m, count_one, &c);
	map_close(&m);
	return c.count;
}

/* --- by subject ---------------------------------------------------------------------------------------- */

static void words_of(const struct path *p, UINT32 v4, const UINT8 v6[16], uint32_t ret[4])
{
	memset(ret, 0, 16);
	if (path_v6(p))
		memcpy(ret, v6, 16);
	else
		ret[0] = htonl(v4);
}

void maps_local(const struct path *p, uint32_t ret[4])
{
	words_of(p, p->traffic.localV4Address, p->traffic.localV6Address, ret);
}

void maps_remote(const struct path *p, uint32_t ret[4])
{
	words_of(p, p->traffic.remoteV4Address, p->traffic.remoteV6Address, ret);
}

void maps_engine(const char *instance, struct saxdp_engine *ret)
{
	uint32_t zero = 0;

	require(maps_get(instance, "engine", &zero, ret), "no engine");
}

bool maps_context(const char *instance, UINT64 id, struct saxdp_context *ret)
{
	return maps_get(instance, "context", &id, ret);
}

bool maps_tunnel(const char *instance, const struct path *p, struct saxdp_tunnel *ret)
{
	struct saxdp_tunnel_key key = {
		.policy = p->outbound,
		.local_port = htons(p->traffic.localPort),
		.remote_port = htons(p->traffic.remotePort),
		.protocol = p->traffic.ipProtocol,
		.family = path_v6(p) ? 6 : 4,
		.type = path_tunnel(p) ? SAXDP_TUNNEL : SAXDP_TRANSPORT,
	};

	maps_local(p, key.local);
	maps_remote(p, key.remote);
	return maps_get(instance, "tunnel", &key, ret);
}

uint64_t maps_endpoint(const char *instance, const struct path *p)
{
	struct saxdp_endpoint_key key = { .family = path_v6(p) ? 6 : 4 };
	struct saxdp_endpoint e;

	maps_local(p, key.address);
	return maps_get(instance, "endpoint", &key, &e) ? e.contexts : 0;
}

union sa_key {
	struct saxdp_sa4_key v4;
	struct saxdp_sa6_key v6;
};

static const char *sa_key_of(const struct path *p, uint8_t direction, uint8_t protocol, UINT32 spi,
			     union sa_key *ret)
{
	uint32_t destination[4];

	if (direction == SAXDP_INBOUND)
		maps_local(p, destination);
	else
		maps_remote(p, destination);
	memset(ret, 0, sizeof(*ret));
	if (!path_v6(p)) {
		ret->v4 = (struct saxdp_sa4_key){ destination[0], htonl(spi), protocol, direction,
						  0 };
		return "sa4";
	}
	memcpy(ret->v6.destination, destination, sizeof(destination));
	ret->v6.spi = htonl(spi);
	ret->v6.protocol = protocol;
	ret->v6.direction = direction;
	return "sa6";
}

bool maps_sa(const char *instance, const struct path *p, uint8_t direction, uint8_t protocol,
	     UINT32 spi, struct saxdp_sa *ret)
{
	union sa_key key;
	const char *map = sa_key_of(p, direction, protocol, spi, &key);

	return maps_get(instance, map, &key, ret);
}

void maps_sa_put(const char *instance, const struct path *p, uint8_t direction, uint8_t protocol,
		 UINT32 spi, const struct saxdp_sa *sa)
{
	union sa_key key;
	const char *map = sa_key_of(p, direction, protocol, spi, &key);

	maps_put(instance, map, &key, sa);
}

UINT64 maps_serving(const char *instance, const struct path *p)
{
	uint64_t generation, born = 0, id = 0;
	struct saxdp_engine engine;
	struct saxdp_context context;
	struct saxdp_tunnel tunnel;

	maps_engine(instance, &engine);
	generation = engine.epoch[SAXDP_EPOCH_SA].generation;
	if (!maps_tunnel(instance, p, &tunnel))
		return 0;
	for (int i = 0; i < 2; i++) {
		const struct saxdp_serve *s = &tunnel.serve[i];

		if (!s->born || s->born > generation || s->born < born)
			continue;
		if (!maps_context(instance, s->context, &context) || !context.outbound.born)
			continue;
		born = s->born;
		id = s->context;
	}
	return id;
}

/* --- all maps ------------------------------------------------------------------------------------------ */

static const char *const all[] = {
#define X(kind, map) #map,
	SAXDP_KINDS(X)
#undef X
		"engine_count",
	"attached",
};

/* steer_cpu, steer_dev and steer_xsk hold no bytes that were given; grave and staging do. */
static const char *const hidden[] = { "grave", "write/staging" };

struct searching {
	const struct map *m;
	const void *bytes;
	size_t size;
	bool found;
};

static void search_one(void *ctx, const void *key, const void *value)
{
	struct searching *s = ctx;

	s->found |= memmem(key, s->m->info.key_size, s->bytes, s->size) ||
		    memmem(value, s->m->value_size, s->bytes, s->size);
}

static bool map_contains(const char *instance, const char *name, const void *bytes, size_t size)
{
	struct searching s = { .bytes = bytes, .size = size };
	struct map m;

	map_open(instance, name, &m);
	s.m = &m;
	map_each(&m, search_one, &s);
	map_close(&m);
	return s.found;
}

bool maps_contain(const char *instance, const void *bytes, size_t size)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		found |= map_contains(instance, all[i], bytes, size);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		found |= map_contains(instance, hidden[i], bytes, size);
	return found;
}
