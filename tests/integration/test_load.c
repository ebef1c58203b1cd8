// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Load and unload: whole or not at all, to whom it belongs, and what is refused.
 *
 * link: -Wl,--wrap=syscall
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpffs.h"
#include "check.h"
#include "child.h"
#include "fwpmu.h"
#include "run.h"
#include "saxdp.h"
#include "scratch.h"
#include "wait.h"

#define LOAD_DIR SAXDP_PIN_ROOT "/~load"

enum {
	READERS = 61001,
	WRITERS = 61002,
	SOMEBODY = 61003,
	CONTEXTS = 64,
	FILTERS = 16,
};

static const gid_t reader_groups[] = { READERS };
static const gid_t writer_groups[] = { READERS, WRITERS };
static const struct identity stranger = { .uid = SOMEBODY, .gid = SOMEBODY };
static const struct identity reader = {
	.uid = SOMEBODY,
	.gid = SOMEBODY,
	.groups = reader_groups,
	.n_groups = 1,
};
static const struct identity writer = {
	.uid = SOMEBODY,
	.gid = SOMEBODY,
	.groups = writer_groups,
	.n_groups = 2,
};

/* --- faults ------------------------------------------------------------------------------------- */

/* At the k-th bpf() call that is not a run of a program (the clock takes thousands of those). */
static struct {
	unsigned int at; /* 0: none */
	unsigned int seen;
	int error; /* 0: die before the call */
} fault;

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_bpf && fault.at && a != BPF_PROG_TEST_RUN && ++fault.seen == fault.at) {
		if (!fault.error)
			raise(SIGKILL);
		errno = fault.error;
		return -1;
	}
	return __real_syscall(number, a, b, c, d, e, f);
}

/* --- helpers -------------------------------------------------------------------------------------- */

static struct saxdp_load_opts small(const char *instance)
{
	return (struct saxdp_load_opts){
		.size = sizeof(struct saxdp_load_opts),
		.instance = instance,
		.contexts = CONTEXTS,
		.filters = FILTERS,
		.readers = "61001",
		.writers = "61002",
	};
}

static const char *load_small(const char *label)
{
	const char *instance = bpffs_instance(label);
	struct saxdp_load_opts opts = small(instance);
	int err = saxdp_load(&opts, NULL);

	require(!err, "load: %d %s", err, saxdp_error());
	return instance;
}

static const char *pin_path(const char *instance, const char *entry)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/%s", instance, entry);
	return path;
}

static int pin_fd(const char *instance, const char *entry)
{
	int fd = bpf_obj_get(pin_path(instance, entry));

	require(fd >= 0, "%s: %m", pin_path(instance, entry));
	return fd;
}

static struct saxdp_engine engine_of(int fd)
{
	struct saxdp_engine e;
	uint32_t zero = 0;

	require(!bpf_map_lookup_elem(fd, &zero, &e), "engine: %m");
	return e;
}

static struct saxdp_engine engine_read(const char *instance)
{
	int fd = pin_fd(instance, "engine");
	struct saxdp_engine e = engine_of(fd);

	close(fd);
	return e;
}

static uint32_t engine_map_id(const char *instance)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int fd = pin_fd(instance, "engine");

	require(!bpf_obj_get_info_by_fd(fd, &info, &size), "engine: %m");
	close(fd);
	return info.id;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static unsigned int entries_in(const char *path)
{
	unsigned int n = 0;
	struct dirent *entry;
	DIR *dir = opendir(path);

	require(dir, "%s: %m", path);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static bool is_half_made(const char *instance)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), LOAD_DIR "/%s", instance);
	return exists(path);
}

static void assert_nothing_of(const char *instance)
{
	assert_false(exists(pin_path(instance, "")));
	assert_false(is_half_made(instance));
}

/* --- what is made ------------------------------------------------------------------------------ */

static void each_pin_belongs_to_its_group(void **state)
{
	static const struct {
		const char *entry;
		mode_t mode;
		gid_t gid;
	} pins[] = {
		{ "", S_IFDIR | 0750, READERS },
		{ "write", S_IFDIR | 0750, WRITERS },
		{ "write/queue", S_IFDIR | 0750, WRITERS },
#define X(kind, map) { #map, S_IFREG | 0640, READERS },
		SAXDP_KINDS(X)
#undef X
			{ "engine_count", S_IFREG | 0640, READERS },
		{ "attached", S_IFREG | 0640, READERS },
		{ "steer_cpu", S_IFREG | 0640, READERS },
		{ "steer_dev", S_IFREG | 0640, READERS },
		{ "steer_xsk", S_IFREG | 0640, READERS },
		{ "grave", S_IFREG | 0600, 0 },
		{ "tick", S_IFREG | 0600, 0 },
		{ "write/commit", S_IFREG | 0440, WRITERS },
		{ "write/recover", S_IFREG | 0440, WRITERS },
		{ "write/tick_arm", S_IFREG | 0440, WRITERS },
		{ "write/staging", S_IFREG | 0660, WRITERS },
		{ "write/alive", S_IFREG | 0660, WRITERS },
		{ "write/grace", S_IFREG | 0660, WRITERS },
		{ "write/grace_inner", S_IFREG | 0660, WRITERS },
	};
	enum { PINS = sizeof(pins) / sizeof(*pins), WRITE_PINS = 8 };
	const char *instance = load_small("pins");
	struct stat st;

	(void)state;
	for (size_t i = 0; i < PINS; i++) {
		require(!stat(pin_path(instance, pins[i].entry), &st), "%s: %m", pins[i].entry);
		if (st.st_mode != pins[i].mode || st.st_uid || st.st_gid != pins[i].gid)
			fail_msg("%s: mode %o gid %u", pins[i].entry, st.st_mode, st.st_gid);
	}
	/* And no pin that the table does not know: itself and what is in write/ aside. */
	assert_int_equal(entries_in(pin_path(instance, "write")), WRITE_PINS);
	assert_int_equal(entries_in(pin_path(instance, "")), PINS - 1 - WRITE_PINS);
}

static void engine_starts_as_documented(void **state)
{
	const char *instance = bpffs_instance("engine");
	struct saxdp_load_opts opts = small(instance);
	struct saxdp_load_result result;
	struct saxdp_engine e;

	(void)state;
	opts.encap_port = 12345;
	opts.cpus = "0";
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	assert_false(result.already);
	assert_int_equal(result.contexts, CONTEXTS);
	assert_int_equal(result.filters, FILTERS);
	assert_true(result.tunnel_bytes && result.fixed_bytes);
	e = engine_read(instance);
	assert_int_equal(e.abi_version, SAXDP_ABI_VERSION);
	assert_int_equal(e.state, SAXDP_STATE_LOADED);
	assert_int_equal(e.mode, SAXDP_MODE_MONITOR);
	assert_int_equal(e.encap_port, htons(12345));
	assert_int_equal(e.spread_cpus, 1);
	assert_int_equal(e.spread_cpu[0], 0);
	assert_int_equal(e.default_steer >> SAXDP_STEER_SHIFT, SAXDP_STEER_PASS);
	assert_int_equal(e.max_contexts, CONTEXTS);
	assert_int_equal(e.max_filters, FILTERS);
	assert_int_equal(e.readers_gid, READERS);
	assert_int_equal(e.writers_gid, WRITERS);
	for (int i = 0; i < SAXDP_EPOCHS; i++) {
		assert_int_equal(e.epoch[i].generation, 1);
		assert_int_equal(e.grave_size[i] & (e.grave_size[i] - 1), 0);
	}
	for (int i = 0; i < SAXDP_IDS; i++)
		assert_int_equal(e.next_id[i], 1);
}

/*
 * The kernel's jiffies begin five minutes before they wrap at 32 bits, and count CLOCK_MONOTONIC:
 * so where they stand tells HZ, independently of how load has found it.
 */
static void hz_is_the_kernels(void **state)
{
	enum { BEFORE_WRAP_S = 300, SLACK_S = 5 };
	struct saxdp_engine e = engine_read(load_small("hz"));
	struct timespec boot, mono;
	int64_t up, ticks;

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	up = e.clock_boot_ns / 1000000000 - (boot.tv_sec - mono.tv_sec);
	ticks = e.clock_jiffies - ((1LL << 32) - BEFORE_WRAP_S * (int64_t)e.hz);
	assert_in_range(ticks / e.hz + SLACK_S, up, up + 2 * SLACK_S);
}

static void number_of_contexts_is_exact(void **state)
{
	const char *instance = bpffs_instance("exact");
	struct saxdp_load_opts opts = small(instance);
	struct saxdp_context value = {};
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	uint64_t id;
	int fd;

	(void)state;
	opts.contexts = 4;
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	fd = pin_fd(instance, "context");
	for (id = 1; id <= 4; id++)
		require(!bpf_map_update_elem(fd, &id, &value, BPF_NOEXIST), "%m");
	assert_int_not_equal(bpf_map_update_elem(fd, &id, &value, BPF_NOEXIST), 0);
	assert_int_equal(errno, E2BIG);
	close(fd);
	fd = pin_fd(instance, "sa4");
	require(!bpf_obj_get_info_by_fd(fd, &info, &size), "%m");
	assert_int_equal(info.max_entries, 8);
	close(fd);
}

/* --- what it costs ----------------------------------------------------------------------------- */

static uint64_t memlock(int fd)
{
	char path[64], line[256];
	uint64_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	require(f, "%s: %m", path);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "memlock: %" SCNu64, &bytes);
	fclose(f);
	return bytes;
}

static void cost_is_what_the_kernel_accounts(void **state)
{
	enum { MANY = 16384, HEADS = 3 * 1024 };
	const char *instance = bpffs_instance("cost");
	struct saxdp_load_opts opts = small(instance);
	struct saxdp_sa4_key sa_key = { .protocol = 50 };
	struct saxdp_load_result result;
	struct saxdp_context context = {};
	uint64_t before, after, said;
	struct saxdp_sa sa = {};
	int contexts, sa4, sa6;

	(void)state;
	opts.contexts = MANY;
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	contexts = pin_fd(instance, "context");
	sa4 = pin_fd(instance, "sa4");
	sa6 = pin_fd(instance, "sa6");
	before = memlock(contexts);
	for (uint64_t id = 1; id <= MANY; id++) {
		require(!bpf_map_update_elem(contexts, &id, &context, BPF_NOEXIST), "%m");
		for (int direction = 0; direction < 2; direction++) {
			sa_key.spi = id;
			sa_key.direction = direction;
			require(!bpf_map_update_elem(sa4, &sa_key, &sa, BPF_NOEXIST), "%m");
		}
	}
	after = memlock(contexts) + memlock(sa4) + memlock(sa6);
	if (memlock(contexts) == before) {
		printf("skip: a kernel that accounts the entries of a map (Linux 6.4)\n");
		skip();
	}
	said = (uint64_t)result.context_bytes * MANY;
	/* Each map's own head is in the kernel's figure, and our figure is rounded up to a byte. */
	assert_in_range(after, said - MANY, said + HEADS);
	assert_true(result.context_bytes <= 700);
	close(contexts);
	close(sa4);
	close(sa6);
}

/* --- twice, and at once ------------------------------------------------------------------------- */

static void second_load_changes_nothing(void **state)
{
	const char *instance = load_small("twice");
	struct saxdp_load_opts opts = small(instance);
	struct saxdp_engine before = engine_read(instance), after;
	uint32_t id = engine_map_id(instance);
	struct saxdp_load_result result;

	(void)state;
	opts.contexts = 2 * CONTEXTS;
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	assert_true(result.already);
	assert_int_equal(result.contexts, CONTEXTS);
	assert_int_equal(engine_map_id(instance), id);
	after = engine_read(instance);
	assert_memory_equal(&before, &after, sizeof(before));
}

static int load_when_told(struct child *self, void *arg)
{
	struct saxdp_load_opts opts = small(arg);
	struct saxdp_load_result result;

	child_hold(self);
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	return result.already;
}

static void of_two_loads_at_once_one_makes_it(void **state)
{
	const char *instance = bpffs_instance("race");
	struct child c[2];
	int already = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		child_start(&c[i], NULL, load_when_told, (void *)instance);
		child_await(&c[i]);
	}
	for (int i = 0; i < 2; i++)
		child_go(&c[i]);
	for (int i = 0; i < 2; i++) {
		int status = child_join(&c[i], NULL);

		assert_in_range(status, 0, 1);
		already += status;
	}
	assert_int_equal(already, 1);
	assert_int_equal(engine_read(instance).state, SAXDP_STATE_LOADED);
}

/* --- killed, failed ------------------------------------------------------------------------------ */

struct attempt {
	const char *instance;
	unsigned int at;
	bool unload;
};

static int attempt_and_die(struct child *self, void *arg)
{
	const struct attempt *a = arg;
	struct saxdp_load_opts opts = small(a->instance);
	int err;

	(void)self;
	fault.seen = 0;
	fault.error = 0;
	fault.at = a->at;
	err = a->unload ? saxdp_unload(a->instance, false) : saxdp_load(&opts, NULL);
	require(!err, "%s", saxdp_error());
	return 0;
}

/* Returns whether it was killed: false once the k-th call no longer comes. */
static bool attempt_killed(struct attempt *a)
{
	struct child c;
	int status;

	child_start(&c, NULL, attempt_and_die, a);
	status = child_join(&c, NULL);
	if (status && status != 128 + SIGKILL)
		fail_msg("call %u: status %d", a->at, status);
	return status;
}

static void killed_load_leaves_no_instance(void **state)
{
	struct attempt a = { .instance = bpffs_instance("killed") };
	struct saxdp_load_opts opts = small(a.instance);
	struct saxdp_load_result result;

	(void)state;
	for (a.at = 1; attempt_killed(&a); a.at++)
		assert_false(exists(pin_path(a.instance, "")));
	assert_true(a.at > SAXDP_KIND_COUNT); /* each map's creation was one of them */
	assert_int_equal(engine_read(a.instance).state, SAXDP_STATE_LOADED);
	require(!saxdp_unload(a.instance, false), "%s", saxdp_error());

	/* The last pin is there and the instance is not: what it left goes with the next load. */
	a.at--;
	assert_true(attempt_killed(&a));
	assert_true(is_half_made(a.instance));
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	assert_false(result.already);
	assert_false(is_half_made(a.instance));
}

static void failed_load_leaves_nothing(void **state)
{
	const char *instance = bpffs_instance("failed");
	struct saxdp_load_opts opts = small(instance);
	struct saxdp_load_result result;
	unsigned int failures = 0, at;
	int err;

	(void)state;
	for (at = 1;; at++) {
		fault.seen = 0;
		fault.error = ENOMEM;
		fault.at = at;
		memset(&result, 0x5a, sizeof(result));
		err = saxdp_load(&opts, &result);
		fault.at = 0;
		if (err) {
			require(fault.seen >= at, "without a fault: %s", saxdp_error());
			failures++;
			assert_string_not_equal(saxdp_error(), "");
			assert_int_equal(((uint8_t *)&result)[0], 0x5a);
			assert_nothing_of(instance);
			continue;
		}
		/* libbpf does without some answers, but what is there is whole. */
		assert_int_equal(engine_read(instance).state, SAXDP_STATE_LOADED);
		if (fault.seen < at)
			break;
		require(!saxdp_unload(instance, false), "%s", saxdp_error());
	}
	assert_true(failures > SAXDP_KIND_COUNT);
}

static void killed_unload_is_finished_by_the_next(void **state)
{
	struct attempt a = { .instance = bpffs_instance("unload"), .unload = true };
	struct saxdp_load_opts opts = small(a.instance);
	struct saxdp_load_result result;
	unsigned int gone = 0;
	int kept;

	(void)state;
	for (a.at = 1;; a.at++) {
		require(!saxdp_load(&opts, &result), "%s", saxdp_error());
		assert_false(result.already);
		kept = pin_fd(a.instance, "engine");
		if (!attempt_killed(&a))
			break;
		/* Before the state is stored all is as it was; after it, any call finishes. */
		if (engine_of(kept).state == SAXDP_STATE_GONE)
			gone++;
		else
			require(!saxdp_unload(a.instance, false), "%s", saxdp_error());
		close(kept);
	}
	assert_int_equal(engine_of(kept).state, SAXDP_STATE_GONE);
	close(kept);
	assert_true(gone > 0);
	assert_nothing_of(a.instance);
}

/* --- what is refused ------------------------------------------------------------------------------ */

static void what_cannot_be_is_refused_before_anything_is_made(void **state)
{
	static const struct {
		struct saxdp_load_opts opts;
		int err;
		const char *text; /* that names the thing */
	} rows[] = {
		{ { .size = 8 }, -EINVAL, "size 8" },
		{ { .instance = "a/b" }, -EINVAL, "a/b" },
		{ { .instance = "a.b" }, -EINVAL, "a.b" },
		{ { .instance = ".." }, -EINVAL, ".." },
		{ { .instance = "~load" }, -EINVAL, "~load" },
		{ { .mode = SAXDP_MODE_ENFORCE }, -EOPNOTSUPP, "enforce" },
		{ { .mode = 2 }, -EINVAL, "mode 2" },
		{ { .contexts = (1 << 24) + 1 }, -EINVAL, "16777217" },
		{ { .filters = (1 << 20) + 1 }, -EINVAL, "1048577" },
		{ { .cpus = "" }, -EINVAL, "CPUs" },
		{ { .cpus = "0-" }, -EINVAL, "0-" },
		{ { .cpus = "1-0" }, -EINVAL, "1-0" },
		{ { .cpus = "0,x" }, -EINVAL, "0,x" },
		{ { .cpus = "0 1" }, -EINVAL, "0 1" },
		{ { .cpus = "99999" }, -EINVAL, "99999" },
		{ { .cpus = "0,8191" }, -ENXIO, "CPU 8191" },
		{ { .readers = "no-such-group" }, -EINVAL, "no-such-group" },
		{ { .writers = "" }, -EINVAL, "group" },
		{ { .writers = "4294967295" }, -EINVAL, "4294967295" },
	};
	const char *instance = bpffs_instance("bad");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct saxdp_load_opts opts = rows[i].opts;
		int err;

		if (!opts.size)
			opts.size = sizeof(opts);
		if (!opts.instance)
			opts.instance = instance;
		err = saxdp_load(&opts, NULL);
		if (err != rows[i].err || !strstr(saxdp_error(), rows[i].text))
			fail_msg("row %zu: %d %s", i, err, saxdp_error());
		assert_false(exists(pin_path(instance, "")));
	}
}

static void off_line_cpu_is_refused_by_name(void **state)
{
	int possible = libbpf_num_possible_cpus();
	const char *instance = bpffs_instance("cpu");
	struct saxdp_load_opts opts = small(instance);
	char list[32], text[32];

	(void)state;
	snprintf(list, sizeof(list), "0-%d", possible);
	snprintf(text, sizeof(text), "CPU %d", possible);
	opts.cpus = list;
	assert_int_equal(saxdp_load(&opts, NULL), -ENXIO);
	assert_non_null(strstr(saxdp_error(), text));
	assert_false(exists(pin_path(instance, "")));
}

/* An engine map of another version's size, or of ours with another version in it. */
static void other_abi_version_is_refused_and_left_alone(void **state)
{
	static const uint32_t sizes[] = { sizeof(struct saxdp_engine), 64, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const char *instance = bpffs_instance("abi");
		struct saxdp_load_opts opts = small(instance);
		uint32_t value[1024] = { 999, SAXDP_STATE_LOADED }, after[1024], zero = 0;
		char ours[32];
		int fd, err;

		snprintf(ours, sizeof(ours), "this is version %d", SAXDP_ABI_VERSION);
		bpffs_mount();
		require(!mkdir(SAXDP_PIN_ROOT, 0755) || errno == EEXIST, "%m");
		require(!mkdir(pin_path(instance, ""), 0750), "%m");
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "engine", 4, sizes[i], 1, NULL);
		require(fd >= 0, "%m");
		require(!bpf_map_update_elem(fd, &zero, value, BPF_ANY), "%m");
		require(!bpf_obj_pin(fd, pin_path(instance, "engine")), "%m");
		for (int unload = 0; unload < 2; unload++) {
			err = unload ? saxdp_unload(instance, true) : saxdp_load(&opts, NULL);
			if (err != -EPROTO || !strstr(saxdp_error(), "version 999") ||
			    !strstr(saxdp_error(), ours))
				fail_msg("size %u: %d %s", sizes[i], err, saxdp_error());
		}
		require(!bpf_map_lookup_elem(fd, &zero, after), "%m");
		assert_memory_equal(value, after, sizes[i]);
		assert_true(exists(pin_path(instance, "engine")));
		close(fd);
	}
}

/* --- rights ------------------------------------------------------------------------------------------ */

static int may_neither_load_nor_unload(struct child *self, void *arg)
{
	struct saxdp_load_opts opts = small(arg);

	(void)self;
	assert_int_equal(saxdp_load(&opts, NULL), -EPERM);
	assert_non_null(strstr(saxdp_error(), "root"));
	assert_int_equal(saxdp_unload(arg, true), -EPERM);
	assert_non_null(strstr(saxdp_error(), "root"));
	return 0;
}

static void only_root_loads_and_unloads(void **state)
{
	const char *instance = load_small("root"), *other = bpffs_instance("root");
	const struct child_opts as[] = { { .as = &stranger },
					 { .as = &reader },
					 { .as = &writer } };

	(void)state;
	for (size_t i = 0; i < sizeof(as) / sizeof(*as); i++) {
		child_run(&as[i], may_neither_load_nor_unload, (void *)instance);
		child_run(&as[i], may_neither_load_nor_unload, (void *)other);
	}
	assert_int_equal(engine_read(instance).state, SAXDP_STATE_LOADED);
	assert_false(exists(pin_path(other, "")));
}

static int try_pin(const char *instance, const char *entry, uint32_t flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	int fd = bpf_obj_get_opts(pin_path(instance, entry), &opts);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static const char *const every_map[] = {
#define X(kind, map) #map,
	SAXDP_KINDS(X)
#undef X
		"engine_count",
	"attached",
	"steer_cpu",
	"steer_dev",
	"steer_xsk",
};
static const char *const write_entries[] = {
	"write/commit", "write/recover", "write/tick_arm",    "write/staging",
	"write/alive",	"write/grace",	 "write/grace_inner",
};

enum {
	MAPS = sizeof(every_map) / sizeof(*every_map),
	WRITE_ENTRIES = sizeof(write_entries) / sizeof(*write_entries),
};

static int reaches_nothing(struct child *self, void *arg)
{
	struct saxdp *s;

	(void)self;
	assert_int_equal(saxdp_open(arg, &s), -EACCES);
	for (int i = 0; i < MAPS; i++)
		assert_int_equal(try_pin(arg, every_map[i], BPF_F_RDONLY), -EACCES);
	for (int i = 0; i < WRITE_ENTRIES; i++)
		assert_int_equal(try_pin(arg, write_entries[i], BPF_F_RDONLY), -EACCES);
	return 0;
}

static int looks_and_runs_nothing(struct child *self, void *arg)
{
	struct saxdp *s;

	(void)self;
	require(!saxdp_open(arg, &s), "%s", saxdp_error());
	saxdp_close(s);
	for (int i = 0; i < MAPS; i++) {
		assert_int_equal(try_pin(arg, every_map[i], BPF_F_RDONLY), 0);
		assert_int_equal(try_pin(arg, every_map[i], 0), -EACCES);
	}
	for (int i = 0; i < WRITE_ENTRIES; i++)
		assert_int_equal(try_pin(arg, write_entries[i], BPF_F_RDONLY), -EACCES);
	assert_int_equal(try_pin(arg, "tick", BPF_F_RDONLY), -EACCES);
	assert_int_equal(try_pin(arg, "grave", BPF_F_RDONLY), -EACCES);
	assert_int_equal(unlink(pin_path(arg, "sa4")), -1);
	assert_int_equal(open(pin_path(arg, "write"), O_RDONLY | O_DIRECTORY), -1);
	return 0;
}

static int writes_by_the_program_alone(struct child *self, void *arg)
{
	(void)self;
	for (int i = 0; i < MAPS; i++) {
		assert_int_equal(try_pin(arg, every_map[i], BPF_F_RDONLY), 0);
		assert_int_equal(try_pin(arg, every_map[i], 0), -EACCES);
	}
	assert_int_equal(try_pin(arg, "write/commit", BPF_F_RDONLY), 0);
	assert_int_equal(try_pin(arg, "write/recover", BPF_F_RDONLY), 0);
	assert_int_equal(try_pin(arg, "write/tick_arm", BPF_F_RDONLY), 0);
	assert_int_equal(try_pin(arg, "write/staging", 0), 0);
	assert_int_equal(try_pin(arg, "write/alive", 0), 0);
	assert_int_equal(try_pin(arg, "write/grace", 0), 0);
	assert_int_equal(try_pin(arg, "tick", BPF_F_RDONLY), -EACCES);
	assert_int_equal(try_pin(arg, "grave", BPF_F_RDONLY), -EACCES);
	assert_int_equal(unlink(pin_path(arg, "sa4")), -1);
	assert_int_equal(unlink(pin_path(arg, "write/commit")), -1);
	assert_int_equal(rmdir(pin_path(arg, "write/queue")), -1);
	return 0;
}

static void kernel_holds_the_line_between_the_groups(void **state)
{
	const char *instance = load_small("rights");

	(void)state;
	child_run(&(struct child_opts){ .as = &stranger }, reaches_nothing, (void *)instance);
	child_run(&(struct child_opts){ .as = &reader }, looks_and_runs_nothing, (void *)instance);
	child_run(&(struct child_opts){ .as = &writer }, writes_by_the_program_alone,
		  (void *)instance);
}

static void groups_are_let_through_bpffs_and_it_is_said(void **state)
{
	const char *instance = bpffs_instance("through");
	struct saxdp_load_opts opts = small(instance);
	struct saxdp_load_result result;
	struct stat before, st;

	(void)state;
	bpffs_mount();
	require(!stat(SAXDP_BPFFS, &before), "%m");
	require(!chmod(SAXDP_BPFFS, 01700), "%m");
	opts.readers = opts.writers = "0";
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	assert_false(result.bpffs_opened);
	require(!stat(SAXDP_BPFFS, &st), "%m");
	assert_int_equal(st.st_mode & 07777, 01700);
	require(!saxdp_unload(instance, false), "%s", saxdp_error());

	opts.readers = "61001";
	require(!saxdp_load(&opts, &result), "%s", saxdp_error());
	assert_true(result.bpffs_opened);
	require(!stat(SAXDP_BPFFS, &st), "%m");
	assert_int_equal(st.st_mode & 07777, 01711); /* through, and no look at what is there */
	require(!chmod(SAXDP_BPFFS, before.st_mode & 07777), "%m");
}

/* --- unload ------------------------------------------------------------------------------------------- */

static void unload_removes_everything(void **state)
{
	const char *instance = load_small("remove");
	int kept = pin_fd(instance, "engine");

	(void)state;
	require(!saxdp_unload(instance, false), "%s", saxdp_error());
	assert_nothing_of(instance);
	assert_int_equal(engine_of(kept).state, SAXDP_STATE_GONE);
	close(kept);
	assert_int_equal(saxdp_unload(instance, false), -ENOENT);
	assert_non_null(strstr(saxdp_error(), "not loaded"));
}

static void leftovers_in_the_work_directory_are_removed(void **state)
{
	const char *instance = load_small("left");
	int fd = pin_fd(instance, "engine");

	(void)state;
	require(!mkdir(LOAD_DIR "/dead", 0700) && !mkdir(LOAD_DIR "/dead/write", 0700), "%m");
	require(!bpf_obj_pin(fd, LOAD_DIR "/dead/write/engine"), "%m");
	close(fd);
	require(!saxdp_unload(instance, false), "%s", saxdp_error());
	assert_nothing_of(instance);
	assert_false(is_half_made("dead"));
}

static int open_and_hold(struct child *self, void *arg)
{
	HANDLE engine;

	setenv("SAXDP_INSTANCE", arg, 1);
	require(FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine) == ERROR_SUCCESS,
		"open");
	child_hold(self);
	/* Unloaded under the handle: any RPC_* code of the documented range. */
	assert_in_range(FwpmTransactionBegin0(engine, 0), 0x80010001, 0x80010122);
	return 0;
}

static void unload_is_refused_while_a_session_is_open(void **state)
{
	const char *instance = load_small("busy");
	char pid[32];
	struct child c;

	(void)state;
	child_start(&c, NULL, open_and_hold, (void *)instance);
	child_await(&c);
	assert_int_equal(saxdp_unload(instance, false), -EBUSY);
	snprintf(pid, sizeof(pid), "process %d", c.pid);
	assert_non_null(strstr(saxdp_error(), pid));
	assert_int_equal(engine_read(instance).state, SAXDP_STATE_LOADED);

	require(!saxdp_unload(instance, true), "%s", saxdp_error());
	assert_nothing_of(instance);
	child_go(&c);
	child_finish(&c);
}

static void dead_session_does_not_hold_unload_up(void **state)
{
	const char *instance = load_small("dead");
	struct child c;

	(void)state;
	child_start(&c, NULL, open_and_hold, (void *)instance);
	child_await(&c);
	child_kill(&c);
	require(!saxdp_unload(instance, false), "%s", saxdp_error());
	assert_nothing_of(instance);
}

static int begin_and_hold(struct child *self, void *arg)
{
	HANDLE engine;

	setenv("SAXDP_INSTANCE", arg, 1);
	require(FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine) == ERROR_SUCCESS,
		"open");
	require(FwpmTransactionBegin0(engine, 0) == ERROR_SUCCESS, "begin");
	child_hold(self);
	require(FwpmTransactionAbort0(engine) == ERROR_SUCCESS, "abort");
	return 0;
}

static int unload_by_force(struct child *self, void *arg)
{
	child_reach(self);
	require(!saxdp_unload(arg, true), "%s", saxdp_error());
	return 0;
}

static void unload_waits_for_a_transaction(void **state)
{
	const char *instance = load_small("waits");
	struct child holder, unloader;

	(void)state;
	child_start(&holder, NULL, begin_and_hold, (void *)instance);
	child_await(&holder);
	child_start(&unloader, NULL, unload_by_force, (void *)instance);
	child_await(&unloader);
	/* It polls the lock; at this time it can only be waiting. */
	assert_int_equal(engine_read(instance).state, SAXDP_STATE_LOADED);
	child_go(&holder);
	child_finish(&holder);
	child_finish(&unloader);
	assert_nothing_of(instance);
}

static void unload_gives_up_on_a_transaction_that_does_not_end(void **state)
{
	const char *instance = load_small("stuck");
	struct child holder;

	(void)state;
	child_start(&holder, NULL, begin_and_hold, (void *)instance);
	child_await(&holder);
	assert_int_equal(saxdp_unload(instance, true), -ETIMEDOUT);
	assert_non_null(strstr(saxdp_error(), "transaction"));
	assert_int_equal(engine_read(instance).state, SAXDP_STATE_LOADED);
	child_go(&holder);
	child_finish(&holder);
}

/* Groups of this test pass through bpffs; afterwards it is as it was. */
static mode_t bpffs_mode;

static int setup(void **state)
{
	struct stat st;

	(void)state;
	bpffs_mount();
	if (stat(SAXDP_BPFFS, &st))
		return -1;
	bpffs_mode = st.st_mode & 07777;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return chmod(SAXDP_BPFFS, bpffs_mode);
}

#define TEST(name) cmocka_unit_test_teardown(name, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_pin_belongs_to_its_group),
		TEST(engine_starts_as_documented),
		TEST(hz_is_the_kernels),
		TEST(number_of_contexts_is_exact),
		TEST(cost_is_what_the_kernel_accounts),
		TEST(second_load_changes_nothing),
		TEST(of_two_loads_at_once_one_makes_it),
		TEST(killed_load_leaves_no_instance),
		TEST(failed_load_leaves_nothing),
		TEST(killed_unload_is_finished_by_the_next),
		TEST(what_cannot_be_is_refused_before_anything_is_made),
		TEST(off_line_cpu_is_refused_by_name),
		TEST(other_abi_version_is_refused_and_left_alone),
		TEST(only_root_loads_and_unloads),
		TEST(kernel_holds_the_line_between_the_groups),
		TEST(groups_are_let_through_bpffs_and_it_is_said),
		TEST(unload_removes_everything),
		TEST(leftovers_in_the_work_directory_are_removed),
		TEST(unload_is_refused_while_a_session_is_open),
		TEST(dead_session_does_not_hold_unload_up),
		TEST(unload_waits_for_a_transaction),
		TEST(unload_gives_up_on_a_transaction_that_does_not_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
