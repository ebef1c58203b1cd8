// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define ONLINE_CPUS "/sys/devices/system/cpu/online"

enum { CPUS_MAX = 8192 }; /* the highest CONFIG_NR_CPUS that Linux has */

struct cpu_set {
	bool has[CPUS_MAX];
};

/* One number of a list; false when there is none or it is no CPU's. */
static bool number_take(const char **at, uint32_t *ret)
{
	unsigned long n;
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	n = strtoul(*at, &end, 10);
	if (n >= CPUS_MAX)
		return false;
	*at = end;
	*ret = n;
	return true;
}

static bool list_read(const char *list, struct cpu_set *set)
{
	uint32_t first, last;

	do {
		if (!number_take(&list, &first))
			return false;
		last = first;
		if (*list == '-' && (list++, !number_take(&list, &last)))
			return false;
		if (last < first)
			return false;
		for (uint32_t cpu = first; cpu <= last; cpu++)
			set->has[cpu] = true;
	} while (*list++ == ',');
	return list[-1] == '\0' || list[-1] == '\n';
}

static int online_read(struct cpu_set *set)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;
	FILE *f;

	f = fopen(ONLINE_CPUS, "re");
	if (!f)
		return fail(-errno, ONLINE_CPUS ": %s", strerror(errno));
	if (getline(&line, &size, f) < 0 || !list_read(line, set))
		err = fail(-EIO, ONLINE_CPUS ": not a list of CPUs");
	free(line);
	fclose(f);
	return err;
}

int cpus_online(uint32_t *ret_cpu, uint32_t room)
{
	struct cpu_set online = {};
	uint32_t n = 0;
	int err;

	err = online_read(&online);
	if (err)
		return err;
	for (uint32_t cpu = 0; cpu < CPUS_MAX && n < room; cpu++)
		if (online.has[cpu])
			ret_cpu[n++] = cpu;
	return n;
}

bool cpu_is_online(uint32_t cpu)
{
	struct cpu_set online = {};

	return cpu < CPUS_MAX && !online_read(&online) && online.has[cpu];
}

int cpus_parse(const char *list, uint32_t *ret_cpu, uint32_t room)
{
	struct cpu_set online = {}, wanted = {};
	uint32_t n = 0;
	int err;

	if (!list_read(list, &wanted))
		return fail(-EINVAL, "CPUs '%s': not a list such as 0-3,6", list);
	err = online_read(&online);
	if (err)
		return err;
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!wanted.has[cpu])
			continue;
		if (!online.has[cpu])
			return fail(-ENXIO, "CPU %u: absent or off-line", cpu);
		if (n == room)
			return fail(-EINVAL, "CPUs '%s': more than %u", list, room);
		ret_cpu[n++] = cpu;
	}
	return n;
}
