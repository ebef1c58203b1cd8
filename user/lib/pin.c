// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "pin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static const struct pin {
	const char *name;
	const char *path; /* below the instance */
	mode_t mode;
	enum pin_group group;
} pins[] = {
#define X(kind, map) { #map, #map, 0640, PIN_READERS },
	SAXDP_KINDS(X)
#undef X
		{ "engine_count", "engine_count", 0640, PIN_READERS },
	{ "attached", "attached", 0640, PIN_READERS },
	{ "steer_cpu", "steer_cpu", 0640, PIN_READERS },
	{ "steer_dev", "steer_dev", 0640, PIN_READERS },
	{ "steer_xsk", "steer_xsk", 0640, PIN_READERS },
	{ "staging", "write/staging", 0660, PIN_WRITERS },
	{ "alive", "write/alive", 0660, PIN_WRITERS },
	{ "grace", "write/grace", 0660, PIN_WRITERS },
	{ "grace_inner", "write/grace_inner", 0660, PIN_WRITERS },
	{ "grave", "grave", 0600, PIN_ROOT },
	{ "tick", "tick", 0600, PIN_ROOT },
};

static const struct pin programs[] = {
	{ "commit", "write/commit", 0440, PIN_WRITERS },
	{ "recover", "write/recover", 0440, PIN_WRITERS },
	{ "tick_arm", "write/tick_arm", 0440, PIN_WRITERS },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct pin *pin_find(const struct pin *pin, size_t n, const char *name)
{
	for (; n; pin++, n--)
		if (!strcmp(pin->name, name))
			return pin;
	return NULL;
}

static int owner_set(const char *path, mode_t mode, gid_t gid)
{
	/* The mode first: at this time only root can reach the file. */
	if (chmod(path, mode) || chown(path, 0, gid))
		return fail(-errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int pin_one(const char *dir, const struct pin *pin, int fd, const gid_t gid[PIN_GROUPS])
{
	char path[PATH_MAX];

	if (fd < 0)
		return fail(-EBADF, "%s: not loaded", pin->name);
	snprintf(path, sizeof(path), "%s/%s", dir, pin->path);
	if (bpf_obj_pin(fd, path))
		return fail(-errno, "%s: %s", path, strerror(errno));
	return owner_set(path, pin->mode, gid[pin->group]);
}

int pin_object(const char *dir, struct bpf_object *obj, const gid_t gid[PIN_GROUPS])
{
	struct bpf_program *prog;
	const struct pin *pin;
	struct bpf_map *map;
	char path[PATH_MAX];
	int err;

	bpf_object__for_each_map(map, obj) {
		pin = pin_find(pins, COUNT(pins), bpf_map__name(map));
		if (!pin)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, pin->path);
		if (!access(path, F_OK))
			continue; /* shared with an object before */
		err = pin_one(dir, pin, bpf_map__fd(map), gid);
		if (err)
			return err;
	}
	bpf_object__for_each_program(prog, obj) {
		pin = pin_find(programs, COUNT(programs), bpf_program__name(prog));
		err = pin ? pin_one(dir, pin, bpf_program__fd(prog), gid) : 0;
		if (err)
			return err;
	}
	return 0;
}

int pin_directories(const char *dir, const gid_t gid[PIN_GROUPS])
{
	static const struct pin dirs[] = {
		{ .path = "", .mode = 0750, .group = PIN_READERS },
		{ .path = "/write", .mode = 0750, .group = PIN_WRITERS },
		{ .path = "/write/queue", .mode = 0750, .group = PIN_WRITERS },
	};
	char path[PATH_MAX];
	int err;

	for (size_t i = 0; i < COUNT(dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, dirs[i].path);
		if (mkdir(path, 0700))
			return fail(-errno, "%s: %s", path, strerror(errno));
		err = owner_set(path, dirs[i].mode, gid[dirs[i].group]);
		if (err)
			return err;
	}
	return 0;
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) && errno != ENOENT ? -errno : 0;
}

int pin_remove_tree(const char *path)
{
	enum { OPEN_DIRECTORIES = 8 };
	int err = nftw(path, entry_remove, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	if (err == -1)
		err = errno == ENOENT ? 0 : -errno;
	return err ? fail(err, "%s: %s", path, strerror(-err)) : 0;
}

int pin_map_open(const char *instance, const char *name)
{
	const struct pin *pin = pin_find(pins, COUNT(pins), name);
	char path[PATH_MAX];
	int err, fd;

	if (!pin)
		return -ENOENT;
	err = instance_path(path, sizeof(path), instance, pin->path);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/*
 * bpf_map__reuse_fd() takes the size of what it is given, whatever the program was written for: so
 * the shape is compared before.
 */
static int map_reuse(struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return fail(-errno, "map %s: %s", bpf_map__name(map), strerror(errno));
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map))
		return fail(-EPROTO, "map %s: has another shape than this version's",
			    bpf_map__name(map));
	if (bpf_map__reuse_fd(map, fd))
		return fail(-errno, "map %s: %s", bpf_map__name(map), strerror(errno));
	return 0;
}

int pin_reuse(const char *instance, struct bpf_object *obj)
{
	struct bpf_map *map;
	int err, fd;

	bpf_object__for_each_map(map, obj) {
		if (!pin_find(pins, COUNT(pins), bpf_map__name(map)))
			continue;
		fd = pin_map_open(instance, bpf_map__name(map));
		if (fd < 0)
			return fail(fd, "instance %s: map %s: %s", instance, bpf_map__name(map),
				    strerror(-fd));
		err = map_reuse(map, fd); /* it keeps a duplicate */
		close(fd);
		if (err)
			return err;
	}
	return 0;
}

int pin_share(const struct bpf_object *from, struct bpf_object *to)
{
	const struct bpf_map *shared;
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, to) {
		shared = bpf_object__find_map_by_name(from, bpf_map__name(map));
		if (!shared || !pin_find(pins, COUNT(pins), bpf_map__name(map)))
			continue;
		err = map_reuse(map, bpf_map__fd(shared));
		if (err)
			return err;
	}
	return 0;
}
