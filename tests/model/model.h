/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the rules say about one frame: slow, in their own order, and with nothing in common with the
 * engine. It works on what callers of the API have in their hands (filters as FwpmFilterGetById0()
 * returns them, the traffic that contexts were made for) and on the bytes of a frame, and includes
 * no header of the project but include/fwp*.
 *
 * "Rule n" is the nth of the rules of arbitration of the Windows Filtering Platform ("Filter
 * Arbitration", "FWPS_FILTER0", "FWP_MATCH_TYPE", "FWPM_FILTER0"), which stand here once in full, as
 * far as packets are concerned:
 *
 *   1  One classification is of one layer, which is cut into sublayers, run from high weight to low.
 *   2  In a sublayer the matching filters are taken from high effective weight to low, each is run,
 *	and the first that gives permit or block is the sublayer's result. No match: no opinion.
 *   3  Every sublayer runs, also after a block.
 *   4  Between sublayers goes the action so far and the right to change it. A later sublayer may
 *	block what is softly permitted and permit what is softly blocked. What is permitted hard only
 *	a veto blocks; what is blocked hard stays so.
 *   5  A filter's permit is soft and its block hard; a callout's permit and block are soft.
 *   6  FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT makes permit and block hard.
 *   7  A veto is a block by a callout after the right has gone.
 *   8  Layers do not know of each other.
 *   9  No decision: FWP_ACTION_NONE when a filter matched, else FWP_ACTION_NONE_NO_MATCH.
 *  10  BLOCK and PERMIT decide; so does CALLOUT_TERMINATING; CALLOUT_INSPECTION never does;
 *	CALLOUT_UNKNOWN may.
 *  11  A callout that is not registered blocks, with FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED
 *	it permits; one that inspects is passed over.
 *  12  Of equal weights there is no order. Here the filter that was added first is taken: so the
 *	engine promises it (bpf/match.bpf.h).
 *
 * and of conditions:
 *
 *  13  Without conditions everything matches.
 *  14  Conditions on different fields must all hold; of those on one field any, adjacent or not.
 *  15  What the packet does not have compares as false, whatever the comparison.
 *  16  An address with a mask, and EQUAL, is a subnet. A range includes both ends.
 *  17  Conditions have IPv4 addresses and ports in host order, IPv6 addresses as on the wire.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "fwpmtypes.h"

/* --- frames (model_frame.c) ------------------------------------------------------------------------ */

enum model_kind {
	MODEL_NOT_IP,
	MODEL_CLEAR, /* the only one that is judged */
	MODEL_ESP,
	MODEL_AH,
	MODEL_ESP_IN_UDP,
	MODEL_IKE,
	MODEL_KEEPALIVE,
	MODEL_LATER_FRAGMENT,
	MODEL_MALFORMED,
	MODEL_KINDS,
};

/* Only what its kind is known by is to be relied on where that is not MODEL_CLEAR. */
struct model_packet {
	enum model_kind kind;
	UINT32 bytes; /* IP's total length; of what has none to believe, the frame's */
	int version; /* 4 or 6 */
	UINT8 source[16], destination[16]; /* as on the wire; IPv4 in the first four */
	UINT8 protocol;
	bool first_fragment;
	bool has_ports; /* or ICMP's type and code, in their place */
	bool is_icmp;
	UINT16 source_port, destination_port;
	UINT8 icmp_type, icmp_code;
};

/* nat_port: where ESP in UDP is expected beside 4500, host order; 0: nowhere. */
void model_frame(const void *frame, size_t length, UINT16 nat_port, struct model_packet *ret);

/* --- conditions (model_condition.c) ---------------------------------------------------------------- */

/* What frames do not say; members that are 0 are not known. */
struct model_interface {
	UINT64 luid;
	UINT32 index;
	UINT32 type; /* IANA ifType */
};

/* A packet as a layer sees it from this host, which is its destination: local is what it came to. */
struct model_view {
	const struct model_packet *packet;
	const struct model_interface *interface; /* NULL: nothing is known */
	bool outbound; /* the same conversation, as what would go back */
};

/* Rule 13 to 17. The filter is one of the view's layer. */
bool model_conditions_hold(const FWPM_FILTER_CONDITION0 *conditions, UINT32 count,
			   const struct model_view *view);

/* --- judgement (model.c) ---------------------------------------------------------------------------- */

enum { MODEL_SUBLAYERS = 32 };

struct model_sublayer {
	GUID key;
	UINT16 weight;
};

struct model_policy {
	/* As the API returned them: with ids, effective weights and their sublayer's key. */
	const FWPM_FILTER0 *const *filter;
	size_t filters;
	const struct model_sublayer *sublayer; /* no two of one weight */
	size_t sublayers;
	/* Tunnel policies by their key, with their ids. */
	const FWPM_PROVIDER_CONTEXT0 *tunnel_policy;
	size_t tunnel_policies;
	/* The outbound traffic of the SA contexts that exist. */
	const IPSEC_TRAFFIC1 *context;
	size_t contexts;
	const struct model_interface *interface;
	UINT16 nat_port;
};

/* The result of one layer. */
struct model_decision {
	/* The filter that decided in each sublayer, from the highest weight down; NULL: none did. */
	const FWPM_FILTER0 *decided[MODEL_SUBLAYERS];
	bool any; /* of them */
	FWP_ACTION_TYPE action; /* PERMIT, BLOCK, NONE, NONE_NO_MATCH */
	bool hard;
	bool veto;
};

struct model_answer {
	struct model_packet packet;
	struct model_decision inbound, outbound; /* of what is MODEL_CLEAR */
	/*
	 * The first of the contexts that have the traffic which should have arrived protected, or -1. They
	 * are those of one tunnel.
	 */
	int tunnel;
	bool unknown_spi; /* to the local address of a context; no SA is known to the model */
};

void model_judge(const struct model_policy *policy, const void *frame, size_t length,
		 struct model_answer *ret);

#endif
