/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Enumerations of any kind of object. A kind makes a snapshot under one view when the handle is
 * made, in whatever form suits it, and says how to make an entry of it; pages, their memory and the
 * handles are common.
 *
 *	create:   make the snapshot; enumeration_open(s, &filter_snapshots, snapshot, count, &handle)
 *	enum:     enumeration_next(s, &filter_snapshots, handle, form, requested, &entries, &returned)
 *	destroy:  enumeration_close(s, &filter_snapshots, handle)
 *
 * A handle is a number of the process that is never given twice and is no session's: closed,
 * garbage, another session's, another kind's and inherited ones are found out without touching
 * memory.
 */
#ifndef SAXDP_ENUMERATION_H
#define SAXDP_ENUMERATION_H

#include "internal.h"

struct snapshot_ops {
	/*
	 * The entry at index, allocated from o, in the form of the call (the number in its name).
	 * Runs twice (struct out), reads nothing but the snapshot.
	 */
	int (*out)(const void *snapshot, size_t index, unsigned int form, struct out *o,
		   void **ret);
	void (*free)(void *snapshot);
};

/* All with the session locked. The snapshot is the enumeration's from success on. */
int enumeration_open(struct session *s, const struct snapshot_ops *ops, void *snapshot,
		     size_t count, HANDLE *ret);
/*
 * The next entries, one allocation that begins with the array of pointers; NULL when there are none
 * left. A failure leaves the place where it was.
 */
int enumeration_next(struct session *s, const struct snapshot_ops *ops, HANDLE handle,
		     unsigned int form, UINT32 requested, void ***ret, UINT32 *ret_count);
int enumeration_close(struct session *s, const struct snapshot_ops *ops, HANDLE handle);
void enumeration_close_all(struct session *s); /* with the session */

#endif
