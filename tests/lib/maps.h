/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The maps of an instance, read through their pins and without the library: what is true whatever
 * a call says. Everything here fails the test when it cannot do its work.
 */
#ifndef TESTS_LIB_MAPS_H
#define TESTS_LIB_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "saxdp_abi.h"

enum { SA_ESP = 50, SA_AH = 51, SA_LARVAL = 0 };

/* One value; false when the key is not there or its life is over. */
bool maps_get(const char *instance, const char *map, const void *key, void *ret);
void maps_put(const char *instance, const char *map, const void *key, const void *value);
/* Entries that live; of maps whose values have no life, entries. */
unsigned int maps_count(const char *instance, const char *map);

void maps_engine(const char *instance, struct saxdp_engine *ret);
bool maps_context(const char *instance, UINT64 id, struct saxdp_context *ret);
bool maps_tunnel(const char *instance, const struct path *p, struct saxdp_tunnel *ret);
/* Contexts that have the local address of the path. */
uint64_t maps_endpoint(const char *instance, const struct path *p);

/* An SA of the path by its direction, protocol and SPI (host order). */
bool maps_sa(const char *instance, const struct path *p, uint8_t direction, uint8_t protocol,
	     UINT32 spi, struct saxdp_sa *ret);
void maps_sa_put(const char *instance, const struct path *p, uint8_t direction, uint8_t protocol,
		 UINT32 spi, const struct saxdp_sa *sa);

/* The addresses of a path as the maps have them: network order, IPv4 in word 0. */
void maps_local(const struct path *p, uint32_t ret[4]);
void maps_remote(const struct path *p, uint32_t ret[4]);

/* Which context serves the path, by the rule at struct saxdp_serve; 0: none. */
UINT64 maps_serving(const char *instance, const struct path *p);

/* Whether the bytes stand anywhere in a map, dead entries and the writers' own maps included. */
bool maps_contain(const char *instance, const void *bytes, size_t size);

#endif
