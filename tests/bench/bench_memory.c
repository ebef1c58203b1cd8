// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What memory does a context with its two SAs take, and a tunnel?
 *
 * 10,000 contexts of as many tunnels are made by the API. Beside each other: what saxdp_load() said,
 * what the kernel accounts to the maps (memlock in fdinfo), and what its allocator gives, as
 * /proc/slabinfo counts objects: elements are rounded up to its classes, so that is what is missing
 * from the machine in the end. The tables of buckets are there before and belong to no entry; their
 * share is what a full instance has of them, here one of the default size. Their number is a power
 * of two: just above one they cost twice as much.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "gateway.h"
#include "wait.h"

enum {
	SIZED = 16384,
	CONTEXTS = 10000,
	SPI_FIRST = 0x1000,
	MAPS_MAX = 64,
	SLABS_MAX = 512,
	NAME_MAX_BYTES = 64,
	NOISE = 100, /* objects between two readings */
	QUIET_READS = 500, /* of about a millisecond: they go in batches, after grace periods */
	SHARE_MIN = CONTEXTS / 10 * 9, /* objects of a class; what is fewer is somebody else's */
};

/* --- maps ------------------------------------------------------------------------------------------------ */

struct map_memory {
	char name[NAME_MAX_BYTES];
	int fd;
	long empty, full; /* bytes */
};

struct maps {
	struct map_memory map[MAPS_MAX];
	unsigned int count;
};

/* Bytes that the kernel accounts to a map, or -1: it is a program. */
static long map_bytes(int fd)
{
	char path[64], line[128];
	bool is_map = false;
	long ret = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	require(f, "%s: %m", path);
	while (fgets(line, sizeof(line), f)) {
		is_map |= !strncmp(line, "map_type:", 9);
		sscanf(line, "memlock: %ld", &ret);
	}
	fclose(f);
	return is_map ? ret : -1;
}

static void maps_open(struct maps *m, const char *dir)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(dir);

	require(d, "%s: %m", dir);
	while ((entry = readdir(d))) {
		struct map_memory *map = &m->map[m->count];

		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		map->fd = entry->d_type == DT_DIR ? -1 : bpf_obj_get(path);
		if (map->fd < 0)
			continue;
		map->empty = map_bytes(map->fd);
		if (map->empty < 0) {
			close(map->fd);
			continue;
		}
		snprintf(map->name, sizeof(map->name), "%.63s", entry->d_name);
		require(++m->count < MAPS_MAX, "more than %d maps", MAPS_MAX);
	}
	closedir(d);
}

static const struct map_memory *map_find(const struct maps *m, const char *name)
{
	for (unsigned int i = 0; i < m->count; i++)
		if (!strcmp(m->map[i].name, name))
			return &m->map[i];
	fail_msg("no map %s", name);
	return NULL;
}

static double grown(const struct maps *m, const char *name)
{
	const struct map_memory *map = map_find(m, name);

	return (double)(map->full - map->empty) / CONTEXTS;
}

static double buckets(const struct maps *m, const char *name)
{
	return (double)map_find(m, name)->empty / SIZED;
}

/* --- the allocator --------------------------------------------------------------------------------------- */

struct slab {
	char name[NAME_MAX_BYTES];
	long objects, bytes;
};

struct slabs {
	struct slab slab[SLABS_MAX];
	unsigned int count;
};

static void slabs_read(struct slabs *s)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512];

	s->count = 0;
	require(f, "/proc/slabinfo: %m");
	while (fgets(line, sizeof(line), f)) {
		struct slab *slab = &s->slab[s->count];

		if (sscanf(line, "%63s %ld %*d %ld", slab->name, &slab->objects, &slab->bytes) == 3)
			require(++s->count < SLABS_MAX, "more than %d classes", SLABS_MAX);
	}
	fclose(f);
}

struct settling {
	struct slabs *now;
	long objects;
	unsigned int quiet;
};

/* The maps of whoever ran before go some time after their process: wait until nothing goes any more. */
static bool slabs_settled(void *arg)
{
	struct settling *s = arg;
	long before = s->objects;

	slabs_read(s->now);
	s->objects = 0;
	for (unsigned int i = 0; i < s->now->count; i++)
		if (!strncmp(s->now->slab[i].name, "kmalloc-cg-", 11))
			s->objects += s->now->slab[i].objects;
	s->quiet = s->objects < before - NOISE ? 0 : s->quiet + 1;
	return s->quiet == QUIET_READS;
}

/* Prints what has grown by so much that it must be ours; returns its bytes for each context. */
static double slabs_grown(const struct slabs *before, const struct slabs *after)
{
	double sum = 0;

	for (unsigned int i = 0; i < after->count; i++) {
		const struct slab *slab = &after->slab[i];
		long objects = slab->objects;

		for (unsigned int k = 0; k < before->count; k++)
			if (!strcmp(before->slab[k].name, slab->name))
				objects -= before->slab[k].objects;
		if (objects < SHARE_MIN)
			continue;
		printf("  %-24s %8.2f x %4ld = %6.0f\n", slab->name, (double)objects / CONTEXTS,
		       slab->bytes, (double)objects * slab->bytes / CONTEXTS);
		sum += (double)objects * slab->bytes / CONTEXTS;
	}
	return sum;
}

/* --- the table ------------------------------------------------------------------------------------------- */

static void row(const char *what, double bytes, const char *aim)
{
	printf("  %-44s %6.0f%s%s\n", what, bytes, *aim ? "      aim " : "", aim);
}

int main(void)
{
	static struct slabs before, after;
	struct settling settling = { .now = &before };
	char path[PATH_MAX], write[PATH_MAX];
	double context, sas, tables, fixed = 0;
	struct saxdp_status st;
	struct maps m = {};
	struct gateway g;
	struct saxdp *s;

	gateway_open(&g, false, CONTEXTS, SIZED);
	bpffs_instance_path(g.instance, path, sizeof(path));
	snprintf(write, sizeof(write), "%.*s/write", PATH_MAX - 8, path);
	maps_open(&m, path);
	maps_open(&m, write);
	for (unsigned int i = 0; i < m.count; i++)
		fixed += m.map[i].empty;

	require(wait_until(slabs_settled, &settling, WAIT_MS), "the allocator does not settle");
	for (uint32_t i = 0; i < CONTEXTS; i++)
		gateway_context(&g, i, SPI_FIRST + i);
	slabs_read(&after);
	for (unsigned int i = 0; i < m.count; i++)
		m.map[i].full = map_bytes(m.map[i].fd);
	require(!saxdp_open(g.instance, &s) && !saxdp_status_get(s, &st), "%s", saxdp_error());
	saxdp_close(s);

	context = grown(&m, "context");
	/* What is dead are SPIs whose bundle came. */
	sas = 2 * grown(&m, "sa4") * CONTEXTS / (2.0 * CONTEXTS + st.dead_sa);
	tables = buckets(&m, "context") + buckets(&m, "sa4") + buckets(&m, "sa6");

	printf("\n%-46s  bytes\n", "memory of a context with two SAs, IPv4");
	row("context", context, "");
	row("two SAs", sas, "");
	row("buckets of context, sa4, sa6", tables, "");
	row("sum, as the kernel accounts it", context + sas + tables, "<=700");
	row("as saxdp_load() says", g.loaded.context_bytes, "");
	printf("%s\n", "memory of a tunnel");
	row("as the kernel accounts it", grown(&m, "tunnel"), "");
	row("as saxdp_load() says", g.loaded.tunnel_bytes, "");
	printf("memory of an empty instance for %d contexts\n", SIZED);
	row("as the kernel accounts it", fixed, "");
	row("as saxdp_load() says, and the buckets above", g.loaded.fixed_bytes + SIZED * tables,
	    "");
	printf("what the allocator gave, for each context of %d\n", CONTEXTS);
	row("sum, with the tunnel, without buckets", slabs_grown(&before, &after), "");
	bench_note("in it are %llu dead SAs that wait to be reclaimed",
		   (unsigned long long)st.dead_sa);

	for (unsigned int i = 0; i < m.count; i++)
		close(m.map[i].fd);
	gateway_close(&g);
	return 0;
}
