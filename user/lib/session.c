// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Sessions and their handles.
 *
 * A handle is a number, not an address: index and age of a place in a table, so that a closed,
 * foreign or garbage handle is found out without touching memory that is not ours. A session is
 * counted; the table has one reference while the handle is open, each call under way another, and
 * the last one out closes it.
 *
 * A session that may write holds a place in the sockmap `alive` with a socket of its own, which the
 * kernel removes when the process dies, however it dies. The order of opening:
 *
 *   1. the socket into a free place of `alive` (BPF_NOEXIST: an atomic claim)
 *   2. what a dead session left under that place is removed, with its `session` entry
 *   3. the `session` entry; from here on an empty place means that the session is dead
 *
 * Killed after 1: the place is free again. Killed after 3: the tick marks the session as dead, its
 * dynamic filters stop judging, and the next writer removes them (session_sweep()).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "enumeration.h"
#include "object.h"
#include "sa.h"

enum {
	INDEX_BITS = 20, /* of a handle; the rest is the age */
	DEFAULT_TXN_WAIT_MS = 15000, /* FWPM_SESSION0: 0 means 15 seconds */
	NSEC_PER_SEC = 1000000000,
};

struct place {
	struct session *session; /* NULL: free */
	uintptr_t age;
};

static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct place *places; /* sessions_lock */
static uintptr_t places_count;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* --- handles --------------------------------------------------------------------------------------- */

static HANDLE handle_of(uintptr_t index)
{
	return (HANDLE)(places[index].age << INDEX_BITS | (index + 1));
}

static struct place *place_of(HANDLE handle)
{
	uintptr_t value = (uintptr_t)handle, index = (value & ((1U << INDEX_BITS) - 1)) - 1;

	if (index >= places_count || !places[index].session ||
	    places[index].age != value >> INDEX_BITS)
		return NULL;
	return &places[index];
}

static int place_take(struct session *s, HANDLE *ret)
{
	uintptr_t i;
	struct place *more;

	for (i = 0; i < places_count; i++)
		if (!places[i].session)
			break;
	if (i == places_count) {
		more = realloc(places, (places_count + 1) * 2 * sizeof(*places));
		if (!more)
			return -ENOMEM;
		places = more;
		memset(places + places_count, 0, (places_count + 2) * sizeof(*places));
		places_count = (places_count + 1) * 2;
	}
	places[i].age++;
	places[i].session = s;
	*ret = handle_of(i);
	return 0;
}

/* --- fork ------------------------------------------------------------------------------------------- */

static void fork_prepare(void)
{
	pthread_mutex_lock(&sessions_lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&sessions_lock);
}

/*
 * The child's copies would keep the parent's socket in `alive` and its lock held after the parent
 * has died. The sessions' memory is leaked: the parent's other threads may have been using it.
 */
static void fork_child(void)
{
	for (uintptr_t i = 0; i < places_count; i++) {
		struct session *s = places[i].session;

		if (!s)
			continue;
		if (s->alive_fd >= 0)
			close(s->alive_fd);
		if (s->write_lock.queue >= 0)
			close(s->write_lock.queue);
		if (s->write_lock.write >= 0)
			close(s->write_lock.write);
		transaction_forked(s);
		places[i].session = NULL;
		places[i].age++;
	}
	instance_forked();
	pthread_mutex_init(&sessions_lock, NULL);
}

static void fork_register(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* --- who is alive ----------------------------------------------------------------------------------- */

bool session_alive(const struct instance *inst, const struct saxdp_session *entry)
{
	uint64_t cookie;

	return !bpf_map_lookup_elem(inst->alive, &entry->slot, &cookie) && cookie == entry->cookie;
}

bool session_seen_alive(const struct view *v, const struct saxdp_session *entry)
{
	uint32_t slot = entry->slot;

	if (v->inst->alive >= 0)
		return session_alive(v->inst, entry);
	return slot < SAXDP_SESSIONS && !(v->engine.dead_session[slot / 64] >> slot % 64 & 1);
}

/* --- what the dead leave ------------------------------------------------------------------------------ */

static int session_delete_objects(struct session *s, uint64_t owner)
{
	struct policy p;
	int err;

	err = policy_begin(&p, s);
	if (err)
		return err;
	do {
		err = filter_delete_owned(&p, owner);
		if (!err)
			err = prov_context_delete_owned(&p, owner);
		if (!err)
			err = callout_delete_owned(&p, owner);
		if (!err)
			err = sublayer_delete_owned(&p, owner);
		if (!err)
			err = provider_delete_owned(&p, owner);
	} while (policy_again(&p, &err));
	return err;
}

static int session_entry_remove(struct session *s, uint32_t slot, uint64_t id)
{
	struct change c;
	int err;

	pthread_mutex_lock(&s->lock);
	change_init(&c, s, SAXDP_EPOCH_NONE);
	change_word(&c, SAXDP_OP_REMOVE, SAXDP_KIND_SESSION, &slot, 0, id);
	err = change_commit(&c);
	change_release(&c);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* The entry goes last: until then the dead bit keeps the objects from judging. */
static int session_bury(struct session *s, const struct saxdp_session *dead)
{
	int err = 0;

	if (dead->flags & FWPM_SESSION_FLAG_DYNAMIC)
		err = session_delete_objects(s, dead->id);
	if (!err)
		err = session_entry_remove(s, dead->slot, dead->id);
	return err;
}

struct dead_list {
	const struct instance *inst;
	struct saxdp_session session[SAXDP_SESSIONS];
	unsigned int count;
};

static int dead_collect(void *ctx, const void *key, const void *value)
{
	const struct saxdp_session *entry = value;
	struct dead_list *list = ctx;

	(void)key;
	if (!session_alive(list->inst, entry) && list->count < SAXDP_SESSIONS)
		list->session[list->count++] = *entry;
	return 0;
}

int session_sweep(struct session *s)
{
	struct dead_list *list;
	int err;

	list = calloc(1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	list->inst = s->inst;
	err = store_each(s->inst, SAXDP_KIND_SESSION, dead_collect, list);
	for (unsigned int i = 0; i < list->count && !err; i++) {
		/* Two may sweep at once: the objects are gone, or the entry is, for the second. */
		err = session_bury(s, &list->session[i]);
		if (err == -ENOENT)
			err = 0;
	}
	free(list);
	return err;
}

/* --- opening -------------------------------------------------------------------------------------------- */

static int alive_claim(struct session *s)
{
	uint32_t start, slot;
	uint64_t fd;

	s->alive_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->alive_fd < 0)
		return -errno;
	fd = s->alive_fd;
	/* Anywhere: slots just left still have their entry to be removed. */
	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		start = 0;
	for (uint32_t i = 0; i < SAXDP_SESSIONS; i++) {
		slot = (start + i) % SAXDP_SESSIONS;
		if (!bpf_map_update_elem(s->inst->alive, &slot, &fd, BPF_NOEXIST)) {
			s->slot = slot;
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return fail(WIN32(ERROR_NO_SYSTEM_RESOURCES), "instance %s: %d sessions are open",
		    s->inst->name, SAXDP_SESSIONS);
}

struct key_search {
	const struct session *session;
	bool found;
};

static int key_compare(void *ctx, const void *key, const void *value)
{
	const struct saxdp_session *entry = value;
	struct key_search *search = ctx;

	(void)key;
	if (entry->id != search->session->id &&
	    !memcmp(entry->key, &search->session->key, sizeof(entry->key)) &&
	    session_alive(search->session->inst, entry))
		search->found = true;
	return 0;
}

static int session_register(struct session *s, const FWPM_SESSION0 *wanted)
{
	struct key_search search = { .session = s };
	struct saxdp_session entry = {}, old;
	socklen_t size = sizeof(entry.cookie);
	struct timespec now;
	struct change c;
	int err;

	err = alive_claim(s);
	if (err)
		return err;
	err = id_reserve(s, SAXDP_ID_SESSION, &s->id);
	if (err)
		return err;
	if (!store_lookup(s->inst, SAXDP_KIND_SESSION, &s->slot, &old)) {
		err = session_bury(s, &old);
		if (err && err != -ENOENT) /* a sweep was quicker */
			return err;
	}

	clock_gettime(CLOCK_REALTIME, &now);
	if (getsockopt(s->alive_fd, SOL_SOCKET, SO_COOKIE, &entry.cookie, &size))
		return -errno;
	entry.id = s->id;
	entry.opened_ns = now.tv_sec * (uint64_t)NSEC_PER_SEC + now.tv_nsec;
	entry.slot = s->slot;
	entry.pid = getpid();
	entry.uid = getuid();
	entry.flags = s->dynamic ? FWPM_SESSION_FLAG_DYNAMIC : 0;
	entry.txn_wait_ms = s->txn_wait_ms;
	memcpy(entry.key, &s->key, sizeof(entry.key));
	change_init(&c, s, SAXDP_EPOCH_NONE);
	change_put(&c, SAXDP_KIND_SESSION, &s->slot, &entry);
	err = change_commit(&c);
	change_release(&c);
	if (err)
		return err;

	/* Looked for once ours can be seen: of two that open at once at most one stays. */
	if (wanted && memcmp(&wanted->sessionKey, &(GUID){}, sizeof(GUID)))
		err = store_each(s->inst, SAXDP_KIND_SESSION, key_compare, &search);
	if (!err && search.found)
		err = fail(FWP(FWP_E_ALREADY_EXISTS),
			   "session: its key is that of an open session");
	if (err)
		(void)session_entry_remove(s, s->slot, s->id); /* the first error counts */
	return err;
}

/* Starts the timer again if somebody has stopped it; harmless when it runs. */
static int tick_arm(const struct instance *inst)
{
	char frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(inst->tick_arm, &opts) ? -errno : 0;
}

static uint32_t quirks_of_environment(void)
{
	const char *text = secure_getenv("SAXDP_QUIRKS");

	return text && !strcmp(text, "v6-reversed") ? SAXDP_QUIRK_V6_REVERSED : 0;
}

static void session_free(struct session *s)
{
	if (!s)
		return;
	if (s->slot != SESSION_NO_SLOT)
		bpf_map_delete_elem(s->inst->alive, &s->slot);
	if (s->alive_fd >= 0)
		close(s->alive_fd);
	write_lock_release(&s->write_lock);
	sa_cache_free(s->sa_cache);
	enumeration_close_all(s);
	instance_put(s->inst);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int session_open(const char *instance, const FWPM_SESSION0 *wanted, HANDLE *ret)
{
	struct session *s;
	HANDLE handle;
	int err;

	pthread_once(&fork_once, fork_register);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->refs = 1;
	s->slot = SESSION_NO_SLOT;
	s->alive_fd = -1;
	s->write_lock = (struct write_lock)WRITE_LOCK_INIT;
	s->quirks = quirks_of_environment();
	s->txn_wait_ms = DEFAULT_TXN_WAIT_MS;
	pthread_mutex_init(&s->lock, NULL);
	if (wanted) {
		s->dynamic = wanted->flags & FWPM_SESSION_FLAG_DYNAMIC;
		s->key = wanted->sessionKey;
		if (wanted->txnWaitTimeoutInMSec)
			s->txn_wait_ms = wanted->txnWaitTimeoutInMSec;
	}
	err = memcmp(&s->key, &(GUID){}, sizeof(GUID)) ? 0 : guid_make(&s->key);
	if (!err)
		err = instance_get(instance, INSTANCE_READ, &s->inst);
	if (err)
		goto out;
	if (s->inst->commit >= 0) {
		err = session_register(s, wanted);
		if (!err)
			err = tick_arm(s->inst);
		if (err)
			goto out;
	}
	pthread_mutex_lock(&sessions_lock);
	err = place_take(s, &handle);
	pthread_mutex_unlock(&sessions_lock);
	if (err) {
		if (session_writes(s))
			(void)session_entry_remove(s, s->slot, s->id);
		goto out;
	}
	if (session_writes(s))
		(void)session_sweep(s); /* the next writer's duty, no condition of opening */
	*ret = handle;
	s = NULL;
out:
	session_free(s);
	return err;
}

/* --- closing ---------------------------------------------------------------------------------------------- */

int session_get(HANDLE handle, struct session **ret)
{
	struct place *place;
	int err = WIN32(ERROR_INVALID_HANDLE);

	pthread_mutex_lock(&sessions_lock);
	place = place_of(handle);
	if (place) {
		place->session->refs++;
		*ret = place->session;
		err = 0;
	}
	pthread_mutex_unlock(&sessions_lock);
	return err ? fail(err, "handle %p: not an open session of this process", handle) : 0;
}

/*
 * The last reference. What cannot be removed now, as another writer holds the engine, stops judging
 * with the socket and is removed by the next writer.
 */
static void session_end(struct session *s)
{
	struct saxdp_session entry;

	if (s->txn)
		(void)transaction_abort(s);
	if (session_writes(s) && !store_lookup(s->inst, SAXDP_KIND_SESSION, &s->slot, &entry) &&
	    entry.id == s->id)
		(void)session_bury(s, &entry);
	session_free(s);
}

void session_put(struct session *s)
{
	bool last;

	pthread_mutex_lock(&sessions_lock);
	last = !--s->refs;
	pthread_mutex_unlock(&sessions_lock);
	if (last)
		session_end(s);
}

int session_close(HANDLE handle)
{
	struct session *s = NULL;
	struct place *place;

	pthread_mutex_lock(&sessions_lock);
	place = place_of(handle);
	if (place) {
		s = place->session;
		place->session = NULL;
	}
	pthread_mutex_unlock(&sessions_lock);
	if (!s)
		return fail(WIN32(ERROR_INVALID_HANDLE),
			    "handle %p: not an open session of this process", handle);
	session_put(s);
	return 0;
}

int saxdp_session_quirks(HANDLE engine, uint32_t quirks)
{
	struct session *s;

	if (quirks & ~(uint32_t)SAXDP_QUIRK_V6_REVERSED)
		return fail(-EINVAL, "quirks 0x%x: unknown", quirks);
	if (session_get(engine, &s))
		return -EBADF;
	pthread_mutex_lock(&s->lock);
	s->quirks = quirks;
	pthread_mutex_unlock(&s->lock);
	session_put(s);
	return 0;
}
