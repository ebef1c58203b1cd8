// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The pins of one instance, opened. All sessions of a process on one instance share the
 * descriptors; an instance that was unloaded and loaded again is another one, known by the id of
 * its `engine` map.
 *
 * What can be opened is what the process may do: the kernel holds that line by the pins'
 * permissions. Who can enter write/ can commit; who cannot only looks.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static pthread_mutex_t instances_lock = PTHREAD_MUTEX_INITIALIZER;
static struct instance *instances;

static const char *const kind_name[SAXDP_KIND_COUNT] = {
#define X(kind, map) [SAXDP_KIND_##kind] = #map,
	SAXDP_KINDS(X)
#undef X
};

static const struct {
	size_t offset;
	const char *name;
} other_maps[] = {
	{ offsetof(struct instance, engine_count), "engine_count" },
	{ offsetof(struct instance, attached), "attached" },
	{ offsetof(struct instance, steer_cpu), "steer_cpu" },
	{ offsetof(struct instance, steer_dev), "steer_dev" },
	{ offsetof(struct instance, steer_xsk), "steer_xsk" },
};

static const struct {
	size_t offset;
	const char *name;
	uint32_t flags;
} write_pins[] = {
	{ offsetof(struct instance, recover), "write/recover", BPF_F_RDONLY },
	{ offsetof(struct instance, tick_arm), "write/tick_arm", BPF_F_RDONLY },
	{ offsetof(struct instance, staging_fd), "write/staging", 0 },
	{ offsetof(struct instance, alive), "write/alive", 0 },
	{ offsetof(struct instance, grace), "write/grace", 0 },
	{ offsetof(struct instance, grace_inner), "write/grace_inner", BPF_F_RDONLY },
	{ offsetof(struct instance, commit), "write/commit", BPF_F_RDONLY },
};

enum { OTHER_MAPS = sizeof(other_maps) / sizeof(*other_maps) };
enum { WRITE_PINS = sizeof(write_pins) / sizeof(*write_pins) };
#define STAGING_SIZE ((size_t)SAXDP_STAGING_OPS * sizeof(struct saxdp_op))

static int *fd_at(struct instance *inst, size_t offset)
{
	return (int *)((char *)inst + offset);
}

int instance_name(const char *name, const char **ret)
{
	if (!name)
		name = secure_getenv("SAXDP_INSTANCE");
	if (!name || !*name)
		name = SAXDP_DEFAULT_INSTANCE;
	if (strlen(name) >= sizeof(((struct instance *)0)->name) || name[0] == '.' ||
	    strchr(name, '/'))
		return fail(-EINVAL, "instance '%s': not a name", name);
	*ret = name;
	return 0;
}

int instance_path(char *buf, size_t size, const char *name, const char *entry)
{
	int n = snprintf(buf, size, "%s/%s%s%s", SAXDP_PIN_ROOT, name, *entry ? "/" : "", entry);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int pin_open(const char *name, const char *entry, uint32_t flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char path[256];
	int err, fd;

	err = instance_path(path, sizeof(path), name, entry);
	if (err)
		return err;
	fd = bpf_obj_get_opts(path, &opts);
	return fd < 0 ? -errno : fd;
}

static int engine_id(int fd, uint32_t *ret)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != sizeof(struct saxdp_engine))
		return -EPROTO;
	*ret = info.id;
	return 0;
}

static void instance_close(struct instance *inst)
{
	for (int i = 0; i < SAXDP_KIND_COUNT; i++)
		if (inst->map[i] >= 0)
			close(inst->map[i]);
	for (int i = 0; i < OTHER_MAPS; i++)
		if (*fd_at(inst, other_maps[i].offset) >= 0)
			close(*fd_at(inst, other_maps[i].offset));
	for (int i = 0; i < WRITE_PINS; i++)
		if (*fd_at(inst, write_pins[i].offset) >= 0)
			close(*fd_at(inst, write_pins[i].offset));
	if (inst->write_dir >= 0)
		close(inst->write_dir);
	if (inst->staging)
		munmap(inst->staging, STAGING_SIZE);
}

static void instance_free(struct instance *inst)
{
	if (!inst)
		return;
	instance_close(inst);
	free(inst);
}

/* What only writers have; that it is not there is no error. */
static int write_open(struct instance *inst)
{
	char path[256];
	int err, fd;
	void *at;

	err = instance_path(path, sizeof(path), inst->name, "write");
	if (err)
		return err;
	inst->write_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inst->write_dir < 0)
		return errno == EACCES || errno == EPERM ? 0 : -errno;
	for (int i = 0; i < WRITE_PINS; i++) {
		fd = pin_open(inst->name, write_pins[i].name, write_pins[i].flags);
		if (fd < 0)
			return fail(fd, "instance %s: %s: %s", inst->name, write_pins[i].name,
				    strerror(-fd));
		*fd_at(inst, write_pins[i].offset) = fd;
	}
	at = mmap(NULL, STAGING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, inst->staging_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	inst->staging = at;
	return 0;
}

static int instance_open(const char *name, enum instance_access access, struct instance **ret)
{
	uint32_t flags = access == INSTANCE_ROOT ? 0 : BPF_F_RDONLY;
	struct saxdp_engine engine;
	struct instance *inst;
	int err, fd;

	inst = calloc(1, sizeof(*inst));
	if (!inst)
		return -ENOMEM;
	for (int i = 0; i < SAXDP_KIND_COUNT; i++)
		inst->map[i] = -1;
	for (int i = 0; i < OTHER_MAPS; i++)
		*fd_at(inst, other_maps[i].offset) = -1;
	for (int i = 0; i < WRITE_PINS; i++)
		*fd_at(inst, write_pins[i].offset) = -1;
	inst->write_dir = -1;
	inst->refs = 1;
	snprintf(inst->name, sizeof(inst->name), "%s", name);

	/* The engine first: what it says decides whether the rest can be understood. */
	fd = pin_open(name, kind_name[SAXDP_KIND_ENGINE], flags);
	if (fd < 0) {
		err = fail(fd, "instance %s: %s", name,
			   fd == -ENOENT ? "not loaded" : strerror(-fd));
		goto out;
	}
	inst->map[SAXDP_KIND_ENGINE] = fd;
	err = engine_id(fd, &inst->engine_id);
	if (!err)
		err = store_engine(inst, &engine);
	if (!err && engine.abi_version != SAXDP_ABI_VERSION)
		err = -EPROTO;
	if (err) {
		if (err == -EPROTO)
			fail(err, "instance %s: loaded by another version", name);
		goto out;
	}
	if (engine.state != SAXDP_STATE_LOADED) {
		err = fail(-ENOENT, "instance %s: not loaded", name);
		goto out;
	}

	for (int i = 0; i < SAXDP_KIND_COUNT; i++) {
		if (i == SAXDP_KIND_ENGINE)
			continue;
		fd = pin_open(name, kind_name[i], flags);
		if (fd < 0) {
			err = fail(fd, "instance %s: %s: %s", name, kind_name[i], strerror(-fd));
			goto out;
		}
		inst->map[i] = fd;
	}
	for (int i = 0; i < OTHER_MAPS; i++) {
		fd = pin_open(name, other_maps[i].name, flags);
		if (fd < 0) {
			err = fail(fd, "instance %s: %s: %s", name, other_maps[i].name,
				   strerror(-fd));
			goto out;
		}
		*fd_at(inst, other_maps[i].offset) = fd;
	}
	err = write_open(inst);
	if (err)
		goto out;
	*ret = inst;
	inst = NULL;
out:
	instance_free(inst);
	return err;
}

/* The open one of that name, if that is still what is pinned. */
static struct instance *instance_find(const char *name)
{
	uint32_t id;
	int fd;

	for (struct instance *i = instances; i; i = i->next) {
		if (strcmp(i->name, name))
			continue;
		fd = pin_open(name, kind_name[SAXDP_KIND_ENGINE], BPF_F_RDONLY);
		if (fd < 0)
			return NULL;
		if (engine_id(fd, &id))
			id = 0;
		close(fd);
		if (id == i->engine_id)
			return i;
	}
	return NULL;
}

int instance_get(const char *name, enum instance_access access, struct instance **ret)
{
	struct instance *inst = NULL;
	int err;

	err = instance_name(name, &name);
	if (err)
		return err;
	/* Root's descriptors write maps directly; they are never shared with a session. */
	if (access == INSTANCE_ROOT)
		return instance_open(name, access, ret);

	pthread_mutex_lock(&instances_lock);
	inst = instance_find(name);
	if (inst) {
		inst->refs++;
	} else {
		err = instance_open(name, access, &inst);
		if (!err) {
			inst->next = instances;
			instances = inst;
		}
	}
	pthread_mutex_unlock(&instances_lock);
	if (!err)
		*ret = inst;
	return err;
}

struct instance *instance_ref(struct instance *inst)
{
	pthread_mutex_lock(&instances_lock);
	inst->refs++;
	pthread_mutex_unlock(&instances_lock);
	return inst;
}

void instance_put(struct instance *inst)
{
	if (!inst)
		return;
	pthread_mutex_lock(&instances_lock);
	if (--inst->refs) {
		inst = NULL;
	} else {
		for (struct instance **i = &instances; *i; i = &(*i)->next) {
			if (*i == inst) {
				*i = inst->next;
				break;
			}
		}
	}
	pthread_mutex_unlock(&instances_lock);
	instance_free(inst);
}

/*
 * A child must not keep the parent's locks and sockets alive. The parent's other threads do not
 * exist here, so nothing is locked; what they were using is leaked rather than freed.
 */
void instance_forked(void)
{
	pthread_mutex_init(&instances_lock, NULL);
	for (struct instance *i = instances; i; i = i->next)
		instance_close(i);
	instances = NULL;
}
