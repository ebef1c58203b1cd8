/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The pins of an instance: which there are, and whose they are. The kernel holds the line between
 * readers, writers and root by nothing but these permissions.
 *
 *	<instance>/		0750 READERS	every map that is looked at
 *	<instance>/write/	0750 WRITERS	the programs, and the maps that a writer's process changes
 *
 * Whoever can read the pin of a program can run it, so none lies outside write/. A writer also
 * reads, so he belongs to both groups.
 */
#ifndef SAXDP_PIN_H
#define SAXDP_PIN_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <sys/types.h>

enum pin_group {
	PIN_ROOT,
	PIN_READERS,
	PIN_WRITERS,
	PIN_GROUPS,
};

/* Pins every known map and program of a loaded object below the directory. */
int pin_object(const char *dir, struct bpf_object *obj, const gid_t gid[PIN_GROUPS]);
int pin_directories(const char *dir, const gid_t gid[PIN_GROUPS]);
/* A directory and everything in it; that it is not there is no error. */
int pin_remove_tree(const char *path);

/*
 * Makes an object that is opened and not yet loaded use the pinned maps of an instance instead of
 * its own; maps that are not pinned stay its own. -EPROTO when one of another shape is pinned.
 */
int pin_reuse(const char *instance, struct bpf_object *obj);
/* The same with the maps of another object, which is loaded. */
int pin_share(const struct bpf_object *from, struct bpf_object *to);

/* Opens the pin of a map for reading and writing, or -errno. */
int pin_map_open(const char *instance, const char *name);

#endif
