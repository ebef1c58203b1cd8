/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What filters and provider contexts have in common: key, names, data, provider, owner. */
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
int object_check(const char *what, const FWPM_DISPLAY_DATA0 *names, const GUID *provider,
		 const FWP_BYTE_BLOB *data, const void *security_descriptor);

/* The front of its blob. The name comes first, for who wants nothing else. */
void object_put(struct blob *b, const FWPM_DISPLAY_DATA0 *names, const GUID *provider,
		const FWP_BYTE_BLOB *data);
int object_get(struct blob *b, struct out *o, FWPM_DISPLAY_DATA0 *names, GUID **provider,
	       FWP_BYTE_BLOB *data);

/* Version 4: random. */
int guid_make(GUID *ret);
/* The key as given or, where that is null, a new one. FWP_E_ALREADY_EXISTS. */
int object_key(struct policy *p, const char *what, enum saxdp_kind kind, const GUID *given,
	       GUID *ret);

/* Who owns what this session adds: its id if it is dynamic. */
uint64_t object_owner(const struct session *s);
/* May this session delete what `owner` owns? */
int object_owner_check(const char *what, const struct session *s, uint64_t owner);
/* Ends all objects of one kind that a dynamic session owned; `owner_at` is the field's offset. */
int object_each_owned(struct policy *p, enum saxdp_kind kind, size_t owner_at, uint64_t owner,
		      int (*end)(struct policy *p, uint64_t id));

#endif
