// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What `swanctl --list-sas --raw` says. */
#include "strongswan.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static void set_field(struct strongswan_sa *sa, const char *key, const char *value)
{
	if (strcmp(key, "uniqueid") == 0)
		sa->id = strtoul(value, NULL, 10);
	else if (strcmp(key, "state") == 0)
		sa->installed = strcmp(value, "INSTALLED") == 0;
	else if (strcmp(key, "encap") == 0)
		sa->encap = strcmp(value, "yes") == 0;
	else if (strcmp(key, "spi-in") == 0)
		sa->spi_in = strtoul(value, NULL, 16);
	else if (strcmp(key, "spi-out") == 0)
		sa->spi_out = strtoul(value, NULL, 16);
	else if (strcmp(key, "packets-in") == 0)
		sa->packets_in = strtoull(value, NULL, 10);
	else if (strcmp(key, "packets-out") == 0)
		sa->packets_out = strtoull(value, NULL, 10);
	else if (strcmp(key, "bytes-in") == 0)
		sa->bytes_in = strtoull(value, NULL, 10);
	else if (strcmp(key, "bytes-out") == 0)
		sa->bytes_out = strtoull(value, NULL, 10);
}

/*
 * One line for each IKE_SA: "... child-sas {net-1 {name=net uniqueid=1 ...} net-2 {...}}}}".
 * Returns the number of SAs with those of this line.
 */
static size_t parse_ike_sa(char *line, struct strongswan_sa *ret, size_t n)
{
	char *pos = strstr(line, "child-sas {"), *word, *end, *value;

	if (!pos)
		return n;
	pos += strlen("child-sas {");
	/* Each name opens one, and the brace after the last one closes them all. */
	while (*pos != '}' && (word = strchr(pos, '{')) != NULL) {
		require(n < STRONGSWAN_SAS_MAX, "more than %d CHILD_SAs", STRONGSWAN_SAS_MAX);
		ret[n] = (struct strongswan_sa){};
		end = strchr(++word, '}');
		require(end, "swanctl ends within a CHILD_SA: %s", word);
		*end = '\0';
		for (char *save, *w = strtok_r(word, " ", &save); w;
		     w = strtok_r(NULL, " ", &save)) {
			value = strchr(w, '=');
			if (value) {
				*value = '\0';
				set_field(&ret[n], w, value + 1);
			}
		}
		n++;
		pos = end + 1;
		pos += strspn(pos, " ");
	}
	return n;
}

static int by_id(const void *a, const void *b)
{
	const struct strongswan_sa *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

size_t strongswan_list(struct strongswan *s, int end, struct strongswan_sa ret[STRONGSWAN_SAS_MAX])
{
	struct run_result r;
	size_t n = 0;

	strongswan_swanctl(&s->end[end], &r, "--list-sas --raw");
	for (char *save, *line = strtok_r(r.out, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		n = parse_ike_sa(line, ret, n);
	run_result_release(&r);
	qsort(ret, n, sizeof(*ret), by_id);
	return n;
}

struct strongswan_sa strongswan_current(struct strongswan *s, int end)
{
	struct strongswan_sa sas[STRONGSWAN_SAS_MAX], *found = NULL;
	size_t n = strongswan_list(s, end, sas), installed = 0;

	for (size_t i = 0; i < n; i++) {
		if (sas[i].installed) {
			found = &sas[i];
			installed++;
		}
	}
	require(installed == 1, "%zu of %zu CHILD_SAs are installed", installed, n);
	return *found;
}
