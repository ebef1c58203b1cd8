/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of the SA database share: sa_traffic.c, sa_bundle.c, sa_context.c, sa_spi.c. */
#ifndef SAXDP_SA_H
#define SAXDP_SA_H

#include "blob.h"
#include "internal.h"
#include "sa_cache.h"

/* RFC 4303 2.1, RFC 4302 2.4: 0 is for local use, 1 to 255 are reserved. */
enum { SPI_MIN = 256 };

enum { ESP = 50, AH = 51, LARVAL = 0 }; /* the protocol in an SA's key */

/* --- sa_traffic.c ------------------------------------------------------------------------------------ */

/* IPSEC_TRAFFIC1, checked, in the order and form that the maps have. */
struct traffic {
	uint8_t family; /* 4 or 6 */
	uint8_t type; /* enum saxdp_traffic_type */
	uint8_t protocol;
	__be16 local_port, remote_port;
	uint32_t local[4], remote[4];
	uint64_t policy;
	uint64_t if_luid;
	uint32_t profile;
};

/* All that can be said without looking at a map. */
int traffic_check(const IPSEC_TRAFFIC1 *traffic, uint32_t quirks, struct traffic *ret);
/* What the older form cannot say is 0. */
void traffic_from_0(const IPSEC_TRAFFIC0 *traffic, IPSEC_TRAFFIC1 *ret);
void traffic_out(const struct traffic *t, uint32_t quirks, IPSEC_TRAFFIC1 *ret);
void traffic_of_context(const struct saxdp_context *c, struct traffic *ret);
bool traffic_same_ends(const struct traffic *a, const struct traffic *b); /* all but the policy */
void tunnel_key_of(const struct saxdp_context *c, struct saxdp_tunnel_key *ret);
uint32_t tunnel_shape(const struct saxdp_tunnel_key *k); /* enum saxdp_shape */

/* The filter or tunnel policy that the traffic names exists and fits, seen at the view. */
int traffic_check_policy(struct view *v, const struct traffic *t, bool inbound);
/* The inbound filter that corresponds to outbound traffic, or 0. */
int traffic_inbound_filter(struct view *v, const struct traffic *t, uint64_t *ret);

/* --- sa_bundle.c --------------------------------------------------------------------------------------- */

/* IPSEC_SA_BUNDLE0 and 1, checked; keys are looked at and never copied. */
struct bundle {
	struct saxdp_bundle fixed; /* born = 0 */
	struct blob rest; /* what is rarely given; size 0 when none of it is */
	uint8_t protocol[SAXDP_BUNDLE_SAS]; /* ESP or AH */
};

/* form 0 or 1: IPSEC_SA_BUNDLE0 is the beginning of IPSEC_SA_BUNDLE1. */
int bundle_check(const IPSEC_SA_BUNDLE1 *bundle, int form, uint8_t family, uint8_t type,
		 struct bundle *ret);
void bundle_release(struct bundle *b);
uint8_t transform_protocol(const struct saxdp_transform *t);
/* The bundle as it was added, without keys; rest is NULL when b->rest is 0. */
int bundle_out(struct out *o, const struct saxdp_bundle *b, uint8_t family, struct blob *rest,
	       IPSEC_SA_BUNDLE1 *ret);

/* --- sa_call.c: the frame of a call on the SA database -------------------------------------------------- */

/*
 * Such a call takes no lock and usually one system call: what it knows of contexts, tunnels and the
 * policy comes from the session's cache or the maps, goes along as expectations, and is read again
 * from the maps when one no longer holds.
 *
 *	err = sa_call_begin(&c, handle, flags, missing);
 *	if (err)
 *		return fwp_result(err);
 *	do
 *		err = ...sa_call_context(&c, id), checks, change_*(&c.change, …)...;
 *	while (sa_call_again(&c, &err));
 *	return sa_call_end(&c, err);
 */
struct sa_call {
	struct session *session; /* locked */
	struct change change;
	struct saxdp_context context;
	uint64_t id;
	bool fresh; /* what the cache had was out of date */
	uint8_t collected; /* maps in which room was made, by a bit each */
	unsigned int tries;
};

enum sa_call_flags {
	SA_CALL_WRITES = 1, /* not in a transaction; the right to add or delete */
	SA_CALL_NOT_DYNAMIC = 2,
	SA_CALL_NO_TXN = 4, /* reads, and not in a transaction either */
};

/*
 * missing: the name of an argument that is NULL and must not be, or NULL. The checks are in the order
 * that the documentation promises: handle, arguments, transaction, dynamic session, rights, unload.
 */
int sa_call_begin(struct sa_call *c, HANDLE handle, unsigned int flags, const char *missing);
bool sa_call_again(struct sa_call *c, int *err);
DWORD sa_call_end(struct sa_call *c, int err);

/* The context into c->context; FWP_E_NOT_FOUND. */
int sa_call_context(struct sa_call *c, uint64_t id);
/*
 * The policy that the traffic names exists and fits; for outbound traffic (ret not NULL) also the
 * inbound filter that corresponds, or 0. The commit expects the policy's generation of this answer.
 */
int sa_call_policy(struct sa_call *c, const struct traffic *t, uint64_t *ret_inbound_filter);

int sa_call_tunnel(struct sa_call *c, const struct saxdp_tunnel_key *key, struct tunnel_known *ret);

/* --- operations on SAs, common to several calls --------------------------------------------------------- */

struct sa_name {
	const uint32_t *destination;
	__be32 spi;
	uint8_t family, protocol, direction;
};

/* sa NULL where the operation has no value. */
void change_sa(struct change *c, enum saxdp_op_code code, const struct sa_name *name,
	       const struct saxdp_sa *sa, uint64_t word);
/* Two 32-bit fields that share a word, as an operand. */
uint64_t word_of(uint32_t first, uint32_t second);

#endif
