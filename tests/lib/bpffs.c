// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "bpffs.h"

#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "check.h"
#include "scratch.h"

#define BPFFS	  "/sys/fs/bpf"
#define INSTANCES BPFFS "/saxdp"

void bpffs_mount(void)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
		return;
	require(mount("bpf", BPFFS, "bpf", 0, "mode=0700") == 0, "cannot mount " BPFFS ": %m");
}

const char *bpffs_instance(const char *label)
{
	static bool swept;
	char name[SCRATCH_NAME_MAX], path[SCRATCH_NAME_MAX + sizeof(INSTANCES)];

	bpffs_mount();
	if (!swept)
		scratch_sweep(INSTANCES, scratch_remove_tree);
	swept = true;
	scratch_name(label, name);
	bpffs_instance_path(name, path, sizeof(path));
	return scratch_register(scratch_remove_tree, path) + strlen(INSTANCES "/");
}

void bpffs_instance_path(const char *instance, char *ret_path, unsigned int size)
{
	require(snprintf(ret_path, size, INSTANCES "/%s", instance) < (int)size,
		"instance name too long: %s", instance);
}
