/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the objects of the policy have in common: key, names, data, owner, users. */
#ifndef SAXDP_OBJECT_H
#define SAXDP_OBJECT_H

#include "blob.h"

/* Who reads an object: by the view of a reader, or as a call on the policy sees it. */
struct reader {
	struct view *view;
	struct policy *policy; /* NULL: view */
};

/* Of the policy's kinds; -ENOENT when it does not live. */
int reader_lookup(const struct reader *r, enum saxdp_kind kind, const void *key, void *ret);
/* The caller releases `ret`. */
int reader_blob(const struct reader *r, enum saxdp_blob_kind kind, uint64_t id, size_t size,
		struct blob *ret);

/* Of an object that is to be added; `what` begins the text of saxdp_error(). */
int object_check(const char *what, const FWPM_DISPLAY_DATA0 *names, const FWP_BYTE_BLOB *data,
		 const void *security_descriptor);

/* The front of its blob. The name comes first, for who wants nothing else. */
void object_put(struct blob *b, const FWPM_DISPLAY_DATA0 *names, const FWP_BYTE_BLOB *data);
int object_get(struct blob *b, struct out *o, FWPM_DISPLAY_DATA0 *names, FWP_BYTE_BLOB *data);

/* Version 4: random. */
int guid_make(GUID *ret);
/* The key as given or, where that is null, a new one. FWP_E_ALREADY_EXISTS. */
int object_key(struct policy *p, const char *what, enum saxdp_kind kind, const GUID *given,
	       GUID *ret);

/* Who owns what this session adds: its id if it is dynamic. */
uint64_t object_owner(const struct session *s);
/* May this session delete what `owner` owns? */
int object_owner_check(const char *what, const struct session *s, uint64_t owner);
/* FWP_E_LIFETIME_MISMATCH: what is named ends with another session than what names it. */
int object_lifetime_check(const char *what, const char *named, uint64_t id, uint64_t named_owner,
			  uint64_t owner);

/*
 * Users that the open transaction adds and ends are not yet among those that are counted: how many
 * more there will be of an object that filters or provider contexts name.
 */
int object_users_pending(struct policy *p, enum saxdp_kind kind, uint64_t id, int64_t *ret);

struct id_list {
	uint64_t *id; /* the caller frees it, also after a failure */
	uint32_t count, room;
};

/* All that live, in order. */
int object_ids(struct policy *p, enum saxdp_kind kind, struct id_list *ret);

/* Ends all objects of one kind that a dynamic session owned; `owner_at` is the field's offset. */
int object_each_owned(struct policy *p, enum saxdp_kind kind, size_t owner_at, uint64_t owner,
		      int (*end)(struct policy *p, uint64_t id, const void *ctx), const void *ctx);

#endif
