/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * An instance filled through the public API, for tests of what looks at it. All calls fail the test
 * when they cannot do their work.
 */
#ifndef TESTS_LIB_FILL_H
#define TESTS_LIB_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "fwpmu.h"
#include "saxdp.h"

struct fill {
	const char *instance;
	HANDLE engine;
};

/* Groups of the instance, by number. */
enum {
	FILL_READERS = 61001,
	FILL_WRITERS = 61002,
};

/* Loads an instance for so many contexts and opens a session; SAXDP_INSTANCE names it. */
void fill_open(struct fill *f, const char *label, uint32_t contexts);
/* Closes the session and unloads. */
void fill_close(struct fill *f);

/* A tunnel policy between two addresses of one family; returns its id. */
uint64_t fill_tunnel_policy(const struct fill *f, const char *local, const char *remote);
/* A filter for one remote IPv4 address, with the transport callout of the layer; returns its id. */
uint64_t fill_filter(const struct fill *f, const char *name, bool inbound, const char *remote);

struct fill_context {
	bool tunnel;
	const char *local, *remote;
	uint64_t policy; /* tunnel policy or outbound filter */
	uint64_t inbound_filter; /* transport mode, when there is an SPI */
	uint16_t local_port, remote_port;
	uint8_t protocol;
	uint32_t spi; /* inbound; 0: it gets none */
	uint32_t outbound_spi; /* 0: no outbound bundle */
	bool no_inbound; /* the SPI is got and the bundle not added */
	uint32_t ah_spi, outbound_ah_spi; /* not 0: a bundle of ESP and AH */
};

/* Returns its id. */
uint64_t fill_context(const struct fill *f, const struct fill_context *c);
void fill_context_delete(const struct fill *f, uint64_t id);

/* The SAs in the maps count: so many packets of so many bytes more, as the data path would. */
struct fill_count {
	const char *destination;
	uint32_t spi;
	uint8_t protocol;
	uint8_t direction;
	uint64_t packets, bytes, packets_other, bytes_other;
	uint32_t owner_cpu; /* + 1 */
};

void fill_count(const struct fill *f, const struct fill_count *c);

#endif
