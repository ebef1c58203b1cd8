// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The enumeration of sessions: those of all processes that have an entry in the `session` map and
 * live. The map is read in batches, under the locks of its buckets, so that no entry is half of an
 * older one.
 */
#include <errno.h>
#include <iconv.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "object_enum.h"

enum {
	NAME_CHARACTERS = 256, /* LOGIN_NAME_MAX and more than useradd(8) allows */
	PASSWD_BYTES = 16384, /* more than any directory service is known to want for one user */
	SID_UNIX_USERS = 1, /* S-1-22-1-UID: how Samba names users that have no other SID */
};

static const SID_IDENTIFIER_AUTHORITY sid_unix = { { 0, 0, 0, 0, 0, 22 } };

struct session_item {
	struct saxdp_session entry;
	wchar_t user[NAME_CHARACTERS];
};

struct session_list {
	const struct view *view; /* while it is being filled */
	struct session_item *item; /* SAXDP_SESSIONS */
	size_t count;
};

static void session_list_free(void *list)
{
	struct session_list *l = list;

	if (!l)
		return;
	free(l->item);
	free(l);
}

static int session_take(void *ctx, const void *key, const void *value)
{
	struct session_list *l = ctx;

	(void)key;
	if (l->count < SAXDP_SESSIONS && session_seen_alive(l->view, value))
		l->item[l->count++].entry = *(const struct saxdp_session *)value;
	return 0;
}

static int session_order(const void *a, const void *b)
{
	const struct session_item *x = a, *y = b;

	return x->entry.id < y->entry.id ? -1 : x->entry.id > y->entry.id;
}

/* False where it is no UTF-8 or too long. */
static bool name_widen(const char *name, wchar_t ret[NAME_CHARACTERS])
{
	char *from = (char *)name, *to = (char *)ret;
	size_t left = strlen(name) + 1, room = NAME_CHARACTERS * sizeof(*ret);
	iconv_t cd = iconv_open("WCHAR_T", "UTF-8");
	bool done;

	if (cd == (iconv_t)-1)
		return false;
	done = iconv(cd, &from, &left, &to, &room) != (size_t)-1;
	iconv_close(cd);
	return done;
}

/* As the process that asks knows them; who has no name there is shown by number, as ls(1) does. */
static int user_name(uint32_t uid, wchar_t ret[NAME_CHARACTERS])
{
	char *buf = malloc(PASSWD_BYTES);
	struct passwd entry, *found = NULL;

	if (!buf)
		return -ENOMEM;
	if (getpwuid_r(uid, &entry, buf, PASSWD_BYTES, &found) || !found ||
	    !name_widen(found->pw_name, ret))
		swprintf(ret, NAME_CHARACTERS, L"%u", uid);
	free(buf);
	return 0;
}

static int user_names(struct session_list *l)
{
	int err = 0;

	for (size_t i = 0; i < l->count && !err; i++) {
		struct session_item *item = &l->item[i];
		size_t same = 0;

		while (l->item[same].entry.uid != item->entry.uid)
			same++;
		if (same < i)
			wcscpy(item->user, l->item[same].user);
		else
			err = user_name(item->entry.uid, item->user);
	}
	return err;
}

static int session_list_new(struct session *s, struct session_list **ret)
{
	struct view v = VIEW_SESSION_INIT(s);
	struct session_list *l = calloc(1, sizeof(*l));
	int err = 0;

	if (l)
		l->item = calloc(SAXDP_SESSIONS, sizeof(*l->item));
	if (!l || !l->item) {
		session_list_free(l);
		return -ENOMEM;
	}
	l->view = &v;
	do {
		l->count = 0;
		err = view_begin(&v);
		if (err)
			break;
		err = store_each(s->inst, SAXDP_KIND_SESSION, session_take, l);
	} while (view_again(&v, &err));
	l->view = NULL;
	if (!err) {
		qsort(l->item, l->count, sizeof(*l->item), session_order);
		err = user_names(l);
	}
	if (err)
		session_list_free(l);
	else
		*ret = l;
	return err;
}

static SID *user_sid(uint32_t uid, struct out *o)
{
	SID *sid = out_alloc(o, sizeof(*sid) + sizeof(sid->SubAuthority[0]));
	DWORD *part = sid ? sid->SubAuthority : NULL;

	if (!sid)
		return NULL;
	sid->Revision = 1;
	sid->SubAuthorityCount = 2;
	sid->IdentifierAuthority = sid_unix;
	part[0] = SID_UNIX_USERS;
	part[1] = uid;
	return sid;
}

static int session_out(const void *list, size_t index, unsigned int form, struct out *o, void **ret)
{
	const struct session_list *l = list;
	const struct session_item *item = &l->item[index];
	FWPM_SESSION0 *to = out_alloc(o, sizeof(*to));

	(void)form;
	if (!to)
		return -ENOMEM;
	memcpy(&to->sessionKey, item->entry.key, sizeof(to->sessionKey));
	to->flags = item->entry.flags;
	to->txnWaitTimeoutInMSec = item->entry.txn_wait_ms;
	to->processId = item->entry.pid;
	to->sid = user_sid(item->entry.uid, o);
	to->username = out_copy(o, item->user, (wcslen(item->user) + 1) * sizeof(*item->user));
	*ret = to;
	return to->sid && to->username ? 0 : -ENOMEM;
}

static const struct object_type sessions = {
	.ops = { session_out, session_list_free },
	.what = "session",
};

static int sessions_open(struct session *s, HANDLE *ret)
{
	struct session_list *l;
	bool txn;
	int err;

	if (!ret)
		return fail(FWP(FWP_E_NULL_POINTER), "session: enumHandle is NULL");
	pthread_mutex_lock(&s->lock);
	txn = transaction_open(s);
	pthread_mutex_unlock(&s->lock);
	if (txn)
		return fail(FWP(FWP_E_TXN_IN_PROGRESS), "session: a transaction is in progress");
	err = session_list_new(s, &l);
	if (err)
		return err;
	pthread_mutex_lock(&s->lock);
	err = enumeration_open(s, &sessions.ops, l, l->count, ret);
	pthread_mutex_unlock(&s->lock);
	if (err)
		session_list_free(l);
	return err;
}

DWORD FwpmSessionCreateEnumHandle0(HANDLE engineHandle,
				   const FWPM_SESSION_ENUM_TEMPLATE0 *enumTemplate,
				   HANDLE *enumHandle)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	(void)enumTemplate; /* it says nothing */
	if (err)
		return fwp_result(err);
	err = sessions_open(s, enumHandle);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmSessionEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		       FWPM_SESSION0 ***entries, UINT32 *numEntriesReturned)
{
	return object_enum(engineHandle, &sessions, 0, enumHandle, numEntriesRequested,
			   (void **)entries, numEntriesReturned);
}

DWORD FwpmSessionDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &sessions, enumHandle);
}
