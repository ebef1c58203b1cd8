// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "identity.h"

#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_CANNOT_ASSUME = 125 };

bool identity_has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) != 0)
		return true;
	/* Ambient capabilities are a subset of the permitted ones. */
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return true;
	}
	return false;
}

void identity_assume(const struct identity *who)
{
	const char *failed = NULL;

	if (who->uid == 0)
		failed = "uid 0 would keep its capabilities";
	else if (setgroups(who->n_groups, who->groups) != 0)
		failed = "setgroups";
	else if (setresgid(who->gid, who->gid, who->gid) != 0)
		failed = "setresgid";
	else if (setresuid(who->uid, who->uid, who->uid) != 0)
		failed = "setresuid";
	else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		failed = "PR_SET_NO_NEW_PRIVS";
	else if (identity_has_capabilities())
		failed = "capabilities are left";
	if (failed) {
		dprintf(STDERR_FILENO, "cannot become uid %u: %s: %m\n", who->uid, failed);
		_exit(EXIT_CANNOT_ASSUME);
	}
}
