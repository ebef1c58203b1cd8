/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * All that packets and readers see of an instance at one moment, to be compared with another, and a
 * look behind it: whether everything in the maps fits together.
 *
 * Left out of a dump is what nobody is to look at, so what a commit that fails may leave behind:
 *  - entries, candidates and names that are dead or not born, and buckets that hold nothing else
 *  - the mask sets of the other parity
 *  - of a context, the words behind a generation that is 0 (a part that is not filled)
 *  - of a tunnel, what its places for serving contexts hold beside the one that serves
 *  - of the engine: ids, `graced`, `reclaimed`, the grave, the time of the last reclaim, whose
 *    transaction it is
 * The generations are asked for apart.
 * Sessions, and the marks of them in the engine, come and go with processes: they are left out too.
 */
#ifndef TESTS_LIB_DUMP_H
#define TESTS_LIB_DUMP_H

#include "internal.h"

struct dump;

struct dump *dump_take(const struct instance *inst);
void dump_free(struct dump *d);

/* Fails the test unless they are the same byte for byte; prints what is not. */
void dump_require_same(const struct dump *before, const struct dump *after, const char *when);

uint64_t dump_generation(const struct dump *d, enum saxdp_epoch_id epoch);

/* How many entries of a kind it has. */
unsigned int dump_count(const struct dump *d, enum saxdp_kind kind);

/*
 * Fails the test unless nobody is in the middle of anything and all that the maps hold agrees:
 * nothing from a generation to come; every count of users, contexts and candidates; masks for what
 * is alive and for nothing else; names, texts and SAs for what is alive; the dead in the grave.
 * Needs root.
 */
void dump_require_sound(const struct instance *inst, const char *when);

#endif
