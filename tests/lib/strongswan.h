/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Two strongSwan daemons that make real SAs and send real ESP.
 *
 *	 inner a -- [ charon in netns a ] outer a ==== veth ==== outer b [ charon in netns b ] -- inner b
 *
 * IKEv2 with a pre-shared key, one CHILD_SA "net" in tunnel mode from inner to inner. The daemons
 * keep their own exact counters: an oracle that shares nothing with ours.
 */
#ifndef TESTS_LIB_STRONGSWAN_H
#define TESTS_LIB_STRONGSWAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run.h"

enum strongswan_esp {
	STRONGSWAN_USER_ESP, /* in the daemon (kernel-libipsec): ESP in UDP 4500 only */
	STRONGSWAN_KERNEL_ESP, /* XFRM: plain ESP; the kernel must have it */
};

struct strongswan_host {
	const char *netns;
	const char *outer; /* its address on the wire, there already */
	const char *inner; /* another address, which is added to its loopback; not of outer's net */
};

struct strongswan_end {
	struct strongswan_host host;
	const char *dir; /* configuration, sockets and log */
	struct process charon;
};

enum { STRONGSWAN_A, STRONGSWAN_B, STRONGSWAN_ENDS };

struct strongswan {
	struct strongswan_end end[STRONGSWAN_ENDS];
};

/*
 * Starts both daemons and returns when both are ready. The host strings must live as long as the
 * pair. Nothing to release: scratch_teardown() ends the daemons and removes their files.
 */
void strongswan_start(struct strongswan *s, const struct strongswan_host *a,
		      const struct strongswan_host *b, enum strongswan_esp esp);

/* Negotiates; returns when the tunnel stands at both ends. */
void strongswan_up(struct strongswan *s);

/*
 * Replaces the CHILD_SA; returns when both ends send by the new one. The old one stays listed, so
 * that its counters can be read, and answers late packets for STRONGSWAN_REKEYED_S.
 */
void strongswan_rekey(struct strongswan *s);
enum { STRONGSWAN_REKEYED_S = 60 };

/* Ends the tunnel and both daemons, as an administrator would. */
void strongswan_stop(struct strongswan *s);

/*
 * Sends @n UDP datagrams of @len bytes from one end's inner address (@from: STRONGSWAN_A or _B) to
 * the other's and returns how many arrived. No more are on their way than the daemon's queue holds.
 */
size_t strongswan_send(struct strongswan *s, int from, size_t n, size_t len);

/*
 * Any other swanctl command ("--list-conns"), which must succeed; it returns when the daemon has
 * done it. @ret, unless NULL, is to be released.
 */
void strongswan_swanctl(struct strongswan_end *e, struct run_result *ret, const char *command);

/* A CHILD_SA as one end lists it. */
struct strongswan_sa {
	uint32_t id; /* unique at that end, grows with each rekey */
	bool installed; /* false: replaced or on its way out */
	bool encap; /* in UDP */
	uint32_t spi_in, spi_out; /* host order */
	uint64_t packets_in, packets_out;
	uint64_t bytes_in, bytes_out; /* as that end counts: whole inner IP packets */
};

enum { STRONGSWAN_SAS_MAX = 16 };

/* Fills @ret in the order of their ids and returns the number. */
size_t strongswan_list(struct strongswan *s, int end, struct strongswan_sa ret[STRONGSWAN_SAS_MAX]);

/* The one that is installed; fails the test if there is not exactly one. */
struct strongswan_sa strongswan_current(struct strongswan *s, int end);

#endif
