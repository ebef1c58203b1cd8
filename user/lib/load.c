// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Load and unload.
 *
 * An instance is a directory of pins. It is made below the directory ~load, which only root can
 * enter, and renamed into place when it is complete; unload stores the state GONE, then renames it
 * back to ~load and removes it there. So it is there whole or not at all, and whatever is found in
 * ~load is the leftover of somebody who was killed: whoever holds the load lock, a flock on ~load,
 * removes it. An instance whose state is GONE was being unloaded by such a process, and is finished
 * the same way. A name of an instance has no '~', as it has none of the dots that bpffs reserves.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "attach.h"
#include "clock.h"
#include "commit.skel.h"
#include "cpus.h"
#include "internal.h"
#include "load.h"
#include "load.skel.h"
#include "pin.h"
#include "quiet.h"
#include "size.h"
#include "tick.skel.h"

#define LOAD_DIR SAXDP_PIN_ROOT "/~load"

enum {
	CONTEXTS_DEFAULT = 16384,
	FILTERS_DEFAULT = 16384,
	/* 16 bytes a bucket: the kernel makes no hash table of 4 GiB. */
	CONTEXTS_MAX = 1 << 24,
	/* 16 Mi entries in the policy's ring of the grave: 1.2 GiB. */
	FILTERS_MAX = 1 << 20,

	UNLOAD_WAIT_MS = 15000,
};

/* --- rights -------------------------------------------------------------------------------------- */

int load_permitted(const char *what)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	static const struct {
		int bit;
		const char *name;
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		{ CAP_BPF, "CAP_BPF" },
		/* "pointer arithmetic … prohibited for !root": offsets in packets vary. */
		{ CAP_PERFMON, "CAP_PERFMON" },
	};

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!(data[CAP_TO_INDEX(needed[i].bit)].effective & CAP_TO_MASK(needed[i].bit)))
			return fail(-EPERM, "%s: needs root (%s)", what, needed[i].name);
	return 0;
}

/* --- the place ------------------------------------------------------------------------------------- */

static int bpffs_mount(void)
{
	struct statfs fs;

	if (statfs(SAXDP_BPFFS, &fs))
		return fail(-errno, SAXDP_BPFFS ": %s", strerror(errno));
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", SAXDP_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0711"))
		return fail(-errno, SAXDP_BPFFS ": cannot mount bpf: %s", strerror(errno));
	return 0;
}

/*
 * systemd mounts bpffs with mode 0700, where no group of ours gets through. Being let through is
 * all that is added, and only when a group was named to let through: every pin keeps its own mode.
 */
static int bpffs_open_to_groups(const gid_t gid[PIN_GROUPS], bool *ret_opened)
{
	struct stat st;

	*ret_opened = false;
	if (!gid[PIN_READERS] && !gid[PIN_WRITERS])
		return 0;
	if (stat(SAXDP_BPFFS, &st))
		return fail(-errno, SAXDP_BPFFS ": %s", strerror(errno));
	if (st.st_mode & S_IXOTH)
		return 0;
	if (chmod(SAXDP_BPFFS, (st.st_mode & 07777) | S_IXGRP | S_IXOTH))
		return fail(-errno, SAXDP_BPFFS ": %s", strerror(errno));
	*ret_opened = true;
	return 0;
}

static int directory_make(const char *path, mode_t mode)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return fail(-errno, "%s: %s", path, strerror(errno));
	if (chmod(path, mode)) /* mkdir's mode is less the umask */
		return fail(-errno, "%s: %s", path, strerror(errno));
	return 0;
}

int load_lock(void)
{
	int err, fd;

	err = bpffs_mount();
	if (!err)
		err = directory_make(SAXDP_PIN_ROOT, 0755);
	if (!err)
		err = directory_make(LOAD_DIR, 0700);
	if (err)
		return err;
	fd = open(LOAD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		err = fail(-errno, LOAD_DIR ": %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	return fd;
}

static int work_path(char path[PATH_MAX], const char *name)
{
	int n = snprintf(path, PATH_MAX, LOAD_DIR "/%s", name);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The caller holds the load lock, so nobody is at work in what is found. */
static int leftovers_remove(int lock)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0, fd;
	DIR *dir;

	fd = openat(lock, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		err = fail(-errno, LOAD_DIR ": %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		work_path(path, entry->d_name);
		err = pin_remove_tree(path);
	}
	closedir(dir);
	return err;
}

/* --- what was asked for -------------------------------------------------------------------------- */

struct load {
	const char *name;
	struct size size;
	uint32_t cpu[SAXDP_SPREAD_CPUS]; /* size.steer_cpus of them */
	__be16 encap_port;
	gid_t gid[PIN_GROUPS];
	struct commit_bpf *commit;
	struct tick_bpf *tick;
	struct load_bpf *load;
	struct saxdp_load_result result;
};

/* What bpffs, a path and ~load leave of names. */
static int load_name(const char *name, const char **ret)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	int err;

	err = instance_name(name, &name);
	if (err)
		return err;
	if (name[strspn(name, allowed)])
		return fail(-EINVAL, "instance '%s': only letters, digits, '_' and '-'", name);
	*ret = name;
	return 0;
}

static int group_find(const char *wanted, const char *fallback, gid_t *ret)
{
	struct group entry, *found = NULL;
	unsigned long number;
	char buf[4096], *end; /* the name is all that is asked for; more members are no error */
	int err;

	if (wanted && *wanted) {
		number = strtoul(wanted, &end, 10);
		if (wanted[0] >= '0' && wanted[0] <= '9' && !*end && number < (gid_t)-1) {
			*ret = number;
			return 0;
		}
	}
	err = getgrnam_r(wanted ? wanted : fallback, &entry, buf, sizeof(buf), &found);
	if (err)
		return fail(-err, "group %s: %s", wanted ? wanted : fallback, strerror(err));
	if (!found && wanted)
		return fail(-EINVAL, "group '%s': no such group", wanted);
	*ret = found ? found->gr_gid : 0;
	return 0;
}

static int count_check(const char *what, uint32_t wanted, uint32_t preset, uint32_t max,
		       uint32_t *ret)
{
	*ret = wanted ? wanted : preset;
	if (*ret > max)
		return fail(-EINVAL, "%s %u: at most %u", what, wanted, max);
	return 0;
}

static int load_check(struct load *l, const struct saxdp_load_opts *opts)
{
	int err, n;

	if (opts->size < sizeof(*opts))
		return fail(-EINVAL, "load: options of size %zu", opts->size);
	err = load_name(opts->instance, &l->name);
	if (err)
		return err;
	if (opts->mode > SAXDP_MODE_ENFORCE)
		return fail(-EINVAL, "mode %u: no such mode", opts->mode);
	if (opts->mode == SAXDP_MODE_ENFORCE)
		return fail(-EOPNOTSUPP,
			    "mode enforce: policies are counted and not yet judged, so nothing "
			    "would be enforced");
	err = count_check("contexts", opts->contexts, CONTEXTS_DEFAULT, CONTEXTS_MAX,
			  &l->size.contexts);
	if (!err)
		err = count_check("filters", opts->filters, FILTERS_DEFAULT, FILTERS_MAX,
				  &l->size.filters);
	if (!err)
		err = group_find(opts->readers, "saxdp-read", &l->gid[PIN_READERS]);
	if (!err)
		err = group_find(opts->writers, "saxdp", &l->gid[PIN_WRITERS]);
	if (err)
		return err;
	n = opts->cpus ? cpus_parse(opts->cpus, l->cpu, SAXDP_SPREAD_CPUS) :
			 cpus_online(l->cpu, SAXDP_SPREAD_CPUS);
	if (n < 0)
		return n;
	l->size.steer_cpus = n;
	l->encap_port = htons(opts->encap_port);
	return 0;
}

/* --- the tick -------------------------------------------------------------------------------------------- */

int tick_start(int prog_fd)
{
	unsigned char frame[ETH_HLEN] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return fail(-errno, "tick: %s", strerror(errno));
	return opts.retval == XDP_PASS ? 0 : fail(-EIO, "tick: the timer does not start");
}

/* --- making it ------------------------------------------------------------------------------------------ */

static int objects_load(struct load *l)
{
	int err;

	l->commit = commit_bpf__open();
	l->tick = tick_bpf__open();
	l->load = load_bpf__open();
	if (!l->commit || !l->tick || !l->load)
		return fail(-errno, "programs: %s", quiet_said());
	err = size_set(&l->size, l->commit->obj);
	if (err)
		return err;
	err = commit_bpf__load(l->commit);
	if (err)
		return fail(err, "program commit: %s (%s)", strerror(-err), quiet_said());
	err = pin_share(l->commit->obj, l->tick->obj);
	if (!err)
		err = pin_share(l->commit->obj, l->load->obj);
	if (err)
		return err;
	err = tick_bpf__load(l->tick);
	if (err)
		return fail(err, "program tick: %s (%s)", strerror(-err), quiet_said());
	err = load_bpf__load(l->load);
	return err ? fail(err, "program load: %s (%s)", strerror(-err), quiet_said()) : 0;
}

static int cpus_fill(struct load *l)
{
	int fd = bpf_map__fd(l->commit->maps.steer_cpu);
	struct bpf_cpumap_val value = { .qsize = STEER_CPU_QUEUE };

	for (uint32_t i = 0; i < l->size.steer_cpus; i++)
		if (bpf_map_update_elem(fd, &l->cpu[i], &value, BPF_ANY))
			return fail(-errno, "CPU %u: %s", l->cpu[i], strerror(errno));
	return 0;
}

static int engine_fill(struct load *l)
{
	struct saxdp_op first = {};
	struct saxdp_mirror *mirror = (struct saxdp_mirror *)&first;
	struct saxdp_engine e = {
		.abi_version = SAXDP_ABI_VERSION,
		.state = SAXDP_STATE_LOADED,
		.mode = SAXDP_MODE_MONITOR,
		.encap_port = l->encap_port,
		.spread_cpus = l->size.steer_cpus,
		.default_steer = SAXDP_STEER(SAXDP_STEER_PASS, 0),
		.max_contexts = l->size.contexts,
		.max_filters = l->size.filters,
		.grave_size = { size_grave(&l->size, SAXDP_EPOCH_POLICY),
				size_grave(&l->size, SAXDP_EPOCH_SA) },
		.readers_gid = l->gid[PIN_READERS],
		.writers_gid = l->gid[PIN_WRITERS],
	};
	uint32_t zero = 0;
	int err;

	for (int i = 0; i < SAXDP_EPOCHS; i++) {
		e.epoch[i].generation = 1;
		e.epoch[i].graced = 1;
		mirror->generation[i] = 1;
		mirror->graced[i] = 1;
	}
	mirror->state = e.state;
	for (int i = 0; i < SAXDP_IDS; i++)
		e.next_id[i] = 1; /* 0 means none */
	memcpy(e.spread_cpu, l->cpu, sizeof(e.spread_cpu));
	err = clock_note(l->load, &e);
	if (err)
		return err;
	if (bpf_map_update_elem(bpf_map__fd(l->commit->maps.staging), &zero, &first, BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(l->commit->maps.engine), &zero, &e, BPF_ANY))
		return fail(-errno, "map engine: %s", strerror(errno));
	return 0;
}

static int publish(struct load *l)
{
	char work[PATH_MAX], final[PATH_MAX];
	int err;

	err = work_path(work, l->name);
	if (!err)
		err = instance_path(final, sizeof(final), l->name, "");
	if (!err)
		err = pin_directories(work, l->gid);
	if (!err)
		err = pin_object(work, l->commit->obj, l->gid);
	if (!err)
		err = pin_object(work, l->tick->obj, l->gid);
	if (!err)
		err = tick_start(bpf_program__fd(l->tick->progs.tick_arm));
	if (err)
		return err;
	if (renameat2(AT_FDCWD, work, AT_FDCWD, final, RENAME_NOREPLACE))
		return fail(-errno, "%s: %s", final, strerror(errno));
	return 0;
}

static int load_make(struct load *l)
{
	int err;

	err = objects_load(l);
	if (!err)
		err = cpus_fill(l);
	if (!err)
		err = engine_fill(l);
	if (!err)
		err = publish(l);
	if (!err)
		size_cost(&l->size, l->commit->obj, l->tick->obj, &l->result);
	return err;
}

static void load_release(struct load *l)
{
	commit_bpf__destroy(l->commit);
	tick_bpf__destroy(l->tick);
	load_bpf__destroy(l->load);
}

/* --- what is there already --------------------------------------------------------------------------- */

/*
 * The first two words of `engine` mean the same in every ABI version; what follows is read only when
 * the version is this one's.
 */
static int engine_peek(const char *name, struct saxdp_engine *ret)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info), zero = 0;
	char *value = NULL;
	int err = 0, fd;

	fd = pin_map_open(name, "engine");
	if (fd < 0)
		return fd == -ENOENT ? fd : fail(fd, "instance %s: %s", name, strerror(-fd));
	if (bpf_obj_get_info_by_fd(fd, &info, &size)) {
		err = fail(-errno, "instance %s: engine: %s", name, strerror(errno));
		goto out;
	}
	value = calloc(1, info.value_size < sizeof(*ret) ? sizeof(*ret) : info.value_size);
	if (!value)
		err = -ENOMEM;
	else if (bpf_map_lookup_elem(fd, &zero, value))
		err = fail(-errno, "instance %s: engine: %s", name, strerror(errno));
	if (err)
		goto out;
	memcpy(ret, value, sizeof(*ret));
	if (ret->abi_version != SAXDP_ABI_VERSION || info.value_size != sizeof(*ret))
		err = fail(-EPROTO, "instance %s: loaded with ABI version %u, this is version %u",
			   name, ret->abi_version, SAXDP_ABI_VERSION);
out:
	free(value);
	close(fd);
	return err;
}

/* Out of sight at once, then bit by bit. */
static int instance_remove(const char *name)
{
	char work[PATH_MAX], final[PATH_MAX];
	int err;

	err = work_path(work, name);
	if (!err)
		err = instance_path(final, sizeof(final), name, "");
	if (err)
		return err;
	if (renameat2(AT_FDCWD, final, AT_FDCWD, work, RENAME_NOREPLACE))
		return errno == ENOENT ? 0 : fail(-errno, "%s: %s", final, strerror(errno));
	return pin_remove_tree(work);
}

/* Of the instance that is there; -ENOENT: none. */
static int load_already(struct load *l)
{
	struct saxdp_engine engine;
	int err;

	err = engine_peek(l->name, &engine);
	if (err && err != -ENOENT)
		return err;
	if (err || engine.state != SAXDP_STATE_LOADED) {
		err = attached_detach_all(l->name);
		if (!err)
			err = instance_remove(l->name);
		return err ? err : -ENOENT;
	}
	l->result.already = true;
	l->size.contexts = engine.max_contexts;
	l->size.filters = engine.max_filters;
	l->size.steer_cpus = engine.spread_cpus;
	/* What it costs follows from the sizes, and they from the limits. */
	l->commit = commit_bpf__open();
	l->tick = tick_bpf__open();
	if (!l->commit || !l->tick)
		return fail(-errno, "programs: %s", quiet_said());
	err = size_set(&l->size, l->commit->obj);
	if (!err)
		size_cost(&l->size, l->commit->obj, l->tick->obj, &l->result);
	return err;
}

int saxdp_load(const struct saxdp_load_opts *opts, struct saxdp_load_result *ret)
{
	static const struct saxdp_load_opts defaults = { .size = sizeof(defaults) };
	struct load l = {};
	int err, lock = -1;

	err = load_check(&l, opts ? opts : &defaults);
	if (!err)
		err = load_permitted("load");
	if (err)
		return err;
	quiet_begin();
	lock = load_lock();
	err = lock < 0 ? lock : leftovers_remove(lock);
	if (err)
		goto out;
	err = load_already(&l);
	if (err == -ENOENT) {
		err = bpffs_open_to_groups(l.gid, &l.result.bpffs_opened);
		if (!err)
			err = load_make(&l);
	}
	if (err) {
		(void)leftovers_remove(
			lock); /* else the next load does it; the first error counts */
		goto out;
	}
	l.result.contexts = l.size.contexts;
	l.result.filters = l.size.filters;
	if (ret)
		*ret = l.result;
out:
	load_release(&l);
	if (lock >= 0)
		close(lock);
	quiet_end();
	return err;
}

/* --- unload ----------------------------------------------------------------------------------------------- */

struct open_sessions {
	const struct instance *inst;
	unsigned int count;
	uint32_t pid; /* of one of them */
};

static int session_count(void *ctx, const void *key, const void *value)
{
	const struct saxdp_session *s = value;
	struct open_sessions *o = ctx;

	(void)key;
	if (session_alive(o->inst, s)) {
		o->count++;
		o->pid = s->pid;
	}
	return 0;
}

static int sessions_refuse(const struct instance *inst)
{
	struct open_sessions o = { .inst = inst };
	int err;

	err = store_each(inst, SAXDP_KIND_SESSION, session_count, &o);
	if (err)
		return fail(err, "instance %s: sessions: %s", inst->name, strerror(-err));
	if (o.count)
		return fail(-EBUSY, "instance %s: %u sessions are open, one by process %u",
			    inst->name, o.count, o.pid);
	return 0;
}

static int engine_retire(const struct instance *inst)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct load_bpf *load;
	int err;

	load = load_bpf__open();
	if (!load)
		return fail(-errno, "programs: %s", quiet_said());
	err = pin_reuse(inst->name, load->obj);
	if (err)
		goto out;
	err = load_bpf__load(load);
	if (err) {
		fail(err, "program load: %s (%s)", strerror(-err), quiet_said());
		goto out;
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(load->progs.retire), &opts))
		err = fail(-errno, "instance %s: retire: %s", inst->name, strerror(errno));
	else if (opts.retval)
		err = fail((int)opts.retval, "instance %s: retire: %s", inst->name,
			   strerror(-(int)opts.retval));
	else
		((volatile struct saxdp_mirror *)inst->staging)->state = SAXDP_STATE_GONE;
out:
	load_bpf__destroy(load);
	return err;
}

/* Nobody commits from here on; the lock goes back, and who waited for it finds the state. */
static int instance_retire(const char *name, bool force)
{
	struct write_lock lock = WRITE_LOCK_INIT;
	struct instance *inst = NULL;
	int err;

	err = instance_get(name, INSTANCE_ROOT, &inst);
	if (err)
		return err;
	err = write_lock_take(&lock, inst, UNLOAD_WAIT_MS);
	if (err == FWP(FWP_E_TIMEOUT))
		err = fail(-ETIMEDOUT, "instance %s: a transaction has not ended for %d s", name,
			   UNLOAD_WAIT_MS / 1000);
	if (!err && !force)
		err = sessions_refuse(inst);
	if (!err)
		err = engine_retire(inst);
	write_lock_release(&lock);
	instance_put(inst);
	return err;
}

int saxdp_unload(const char *instance, bool force)
{
	struct saxdp_engine engine;
	int err, lock = -1;

	err = load_name(instance, &instance);
	if (!err)
		err = load_permitted("unload");
	if (err)
		return err;
	quiet_begin();
	lock = load_lock();
	err = lock < 0 ? lock : leftovers_remove(lock);
	if (!err)
		err = engine_peek(instance, &engine);
	if (err == -ENOENT)
		fail(err, "instance %s: not loaded", instance);
	if (!err && engine.state == SAXDP_STATE_LOADED)
		err = instance_retire(instance, force);
	if (!err)
		err = attached_detach_all(instance);
	if (!err)
		err = instance_remove(instance);
	if (lock >= 0)
		close(lock);
	quiet_end();
	return err;
}
