/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A program that uses the calls on SA contexts, in steps that fail the test when they cannot be
 * done.
 *
 *	client_open(&c, "label", 16);
 *	path_make(&c, PATH_TUNNEL | PATH_V6, 1, &path);	its policy, traffic and SPI request
 *	id = path_context(&path, 0x1000, 0x2000);	create, SetSpi, both bundles
 *	...
 *	client_close(&c);
 */
#ifndef TESTS_LIB_CLIENT_H
#define TESTS_LIB_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "fwpmu.h"
#include "saxdp.h"

enum { CLIENT_READERS = 61021, CLIENT_WRITERS = 61022, CLIENT_FILTERS = 64 };

struct dump;
struct instance;

struct client {
	const char *instance;
	struct instance *maps; /* for what looks at the maps by the library's own means */
	HANDLE engine;
};

/* Loads an instance, which the environment then names, and opens a session. */
void client_open(struct client *c, const char *label, uint32_t contexts);
/* Closes the session, if it is open, and unloads, unless the test has. */
void client_close(struct client *c);

/* Another session of the instance that the environment names; wait_ms 0: the default. */
HANDLE client_session(UINT32 flags, UINT32 wait_ms);
void client_session_end(HANDLE engine);

/*
 * What the maps hold (dump.h), and the failure of the test when it is not the same any more: entries
 * or generations have changed, after @when. Frees the dump.
 */
struct dump *client_dump(const struct client *c);
void client_same(const struct client *c, struct dump *before, const char *when);
/* Fails unless all that the maps hold agrees. Not while a transaction is open. */
void client_sound(const struct client *c, const char *when);

/* The test fails with the text of the call unless it returns that code. */
#define assert_result(call, wanted)                                                      \
	do {                                                                             \
		DWORD result_ = (call), wanted_ = (wanted);                              \
		if (result_ != wanted_)                                                  \
			fail_msg("%s: 0x%08x, not 0x%08x (%s)", #call, result_, wanted_, \
				 saxdp_error());                                         \
	} while (0)
#define assert_ok(call) assert_result(call, ERROR_SUCCESS)

/* --- traffic and its policy ------------------------------------------------------------------------ */

enum path_kind {
	PATH_V4 = 0,
	PATH_TRANSPORT = 0,
	PATH_TUNNEL = 1,
	PATH_V6 = 2,
	PATH_KINDS = 4,
};

const char *path_kind_name(unsigned int kind);

/* What leads to one peer; local is 192.0.2.1 or 2001:db8::1. */
struct path {
	unsigned int kind; /* enum path_kind, or-ed */
	HANDLE engine;
	UINT64 outbound, inbound; /* filters; in tunnel mode twice the policy */
	IPSEC_TRAFFIC1 traffic; /* outbound */
	IPSEC_GETSPI1 get; /* inbound */
};

/*
 * Adds the policy: one filter for each direction with the peer's address and the IPsec callout, or a
 * tunnel policy. The peer is 198.51.0.0 or 2001:db8:1:: plus @peer.
 */
void path_make(const struct client *c, unsigned int kind, unsigned int peer, struct path *ret);
/* Deletes the policy. */
void path_release(const struct path *p);
/* The peer of another path, for traffic under the policy of this one. */
void path_set_peer(struct path *p, unsigned int peer);
void path_set_local(struct path *p, unsigned int host); /* 192.0.2.HOST or 2001:db8::HOST */

bool path_v6(const struct path *p);
bool path_tunnel(const struct path *p);

UINT64 filter_make(HANDLE engine, const GUID *layer, const GUID *callout,
		   FWPM_FILTER_CONDITION0 *conditions, UINT32 count, const FWP_VALUE0 *weight);
UINT64 tunnel_policy_make(HANDLE engine, const IPSEC_TUNNEL_ENDPOINTS0 *ends);

/* --- bundles ------------------------------------------------------------------------------------------ */

enum {
	BUNDLE_SPI = 0x1000,
	BUNDLE_KEY_MAX = 36, /* AES-256 and its salt */
};

/* Points into itself: made in place, never copied. */
struct made_bundle {
	IPSEC_SA_BUNDLE1 bundle;
	IPSEC_SA0 sa[3];
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 esp;
	IPSEC_SA_AUTH_INFORMATION0 ah;
	UINT8 esp_key[BUNDLE_KEY_MAX + 1], ah_key[BUNDLE_KEY_MAX + 1];
};

/* One ESP SA with AES-GCM-128, and unless ah_spi is 0 one of AH with HMAC-SHA-256. */
void made_bundle(struct made_bundle *b, FWP_IP_VERSION version, UINT32 spi, UINT32 ah_spi);
/* The form that AddInbound0 and AddOutbound0 take. */
IPSEC_SA_BUNDLE0 made_bundle_older(const struct made_bundle *b);

/* --- steps of a life cycle ------------------------------------------------------------------------------ */

UINT64 path_create(const struct path *p);
UINT64 path_larval(const struct path *p, UINT32 spi); /* create and SetSpi */
void path_inbound(const struct path *p, UINT64 id, UINT32 spi); /* the bundle alone */
void path_outbound(const struct path *p, UINT64 id, UINT32 spi);
UINT64 path_context(const struct path *p, UINT32 spi_in, UINT32 spi_out);
void context_delete(HANDLE engine, UINT64 id);

#endif
