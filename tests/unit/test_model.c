// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The oracle itself: each rule of tests/model/model.h by an example, and frames by hand. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fwp/guid.h"
#include "model.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_GRE = 47,
	PEER = 0xc6336401, /* 198.51.100.1 */
	HOST = 0xc0000201, /* 192.0.2.1 */
	HOST_PORT = 443,
	PEER_PORT = 40000,
};

/* --- frames ------------------------------------------------------------------------------------------ */

struct bytes {
	UINT8 data[1600];
	size_t size;
};

static void append(struct bytes *b, const char *hex)
{
	unsigned int byte;
	int used;

	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		b->data[b->size++] = byte;
		hex += used;
	}
}

static void zeros(struct bytes *b, size_t n)
{
	memset(b->data + b->size, 0, n);
	b->size += n;
}

/* Of what stands behind `from`; the field is two bytes at `at`. */
static void length_set(struct bytes *b, size_t at, size_t from)
{
	b->data[at] = (b->size - from) >> 8;
	b->data[at + 1] = b->size - from;
}

#define ETHERNET "020000000001 020000000002 "
#define PORTS	 "9c40 01bb " /* PEER_PORT to HOST_PORT */
#define IPV4(ihl, fragment, proto) \
	"4" ihl "00 0000 0001 " fragment " 40" proto " 0000 c6336401 c0000201 "
#define IPV6(next)                                                   \
	"60000000 0000 " next "40 20010db8000000000000000000000001 " \
	"20010db8000000000000000000000002 "

/* Ethernet up to the type, then `ip` with its length set; `ip_size` of its bytes are not counted. */
static void frame(struct bytes *b, const char *ethernet, const char *ip, size_t payload)
{
	size_t from;

	*b = (struct bytes){};
	append(b, ethernet);
	from = b->size;
	append(b, ip);
	zeros(b, payload);
	if (b->data[from] >> 4 == 4)
		length_set(b, from + 2, from);
	else
		length_set(b, from + 4, from + 40);
}

static struct model_packet packet(const struct bytes *b)
{
	struct model_packet p;

	model_frame(b->data, b->size, 0, &p);
	return p;
}

struct frame_row {
	const char *what, *ethernet, *ip;
	size_t payload;
	enum model_kind kind;
	int protocol, destination_port; /* of what is clear; -1: no ports */
	int type; /* ICMP's, or -1 */
};

static const struct frame_row frame_rows[] = {
	{ "TCP", ETHERNET "0800", IPV4("5", "4000", "06") PORTS, 16, MODEL_CLEAR, 6, 443, -1 },
	{ "TCP cut", ETHERNET "0800", IPV4("5", "4000", "06") PORTS, 15, MODEL_MALFORMED, 6, 0, 0 },
	{ "a tag", ETHERNET "8100 0001 0800", IPV4("5", "0000", "06") PORTS, 16, MODEL_CLEAR, 6,
	  443, -1 },
	{ "two tags", ETHERNET "88a8 0001 8100 0002 0800", IPV4("5", "0000", "06") PORTS, 16,
	  MODEL_CLEAR, 6, 443, -1 },
	{ "three tags", ETHERNET "88a8 0001 8100 0002 8100 0003 0800",
	  IPV4("5", "0000", "06") PORTS, 16, MODEL_NOT_IP, 0, 0, 0 },
	{ "ARP", ETHERNET "0806", IPV4("5", "0000", "06") PORTS, 16, MODEL_NOT_IP, 0, 0, 0 },
	{ "options", ETHERNET "0800", IPV4("6", "0000", "06") "01010101" PORTS, 16, MODEL_CLEAR, 6,
	  443, -1 },
	{ "header of 16 bytes", ETHERNET "0800", IPV4("4", "0000", "06") PORTS, 16, MODEL_MALFORMED,
	  6, 0, 0 },
	{ "IPv4 as IPv6", ETHERNET "86dd", IPV4("5", "0000", "06") PORTS, 30, MODEL_MALFORMED, 0, 0,
	  0 },
	{ "first fragment", ETHERNET "0800", IPV4("5", "2000", "11") PORTS "0400 0000", 0,
	  MODEL_CLEAR, 17, 443, -1 },
	{ "UDP longer than the packet", ETHERNET "0800", IPV4("5", "0000", "11") PORTS "0400 0000",
	  0, MODEL_MALFORMED, 17, 0, 0 },
	{ "later fragment", ETHERNET "0800", IPV4("5", "0001", "11"), 8, MODEL_LATER_FRAGMENT, 17,
	  0, 0 },
	{ "ICMP", ETHERNET "0800", IPV4("5", "0000", "01") "0800", 6, MODEL_CLEAR, 1, 0, 8 },
	{ "ICMPv6 in IPv4", ETHERNET "0800", IPV4("5", "0000", "3a") "8000", 6, MODEL_CLEAR, 58, -1,
	  -1 },
	{ "GRE", ETHERNET "0800", IPV4("5", "0000", "2f"), 8, MODEL_CLEAR, 47, -1, -1 },
	{ "ESP", ETHERNET "0800", IPV4("5", "0000", "32") "00001000 00000001", 0, MODEL_ESP, 50, 0,
	  0 },
	{ "ESP cut", ETHERNET "0800", IPV4("5", "0000", "32") "00001000 000000", 0, MODEL_MALFORMED,
	  50, 0, 0 },
	{ "AH", ETHERNET "0800", IPV4("5", "0000", "33") "06010000 00001000 00000001", 0, MODEL_AH,
	  51, 0, 0 },
	{ "AH longer than the packet", ETHERNET "0800",
	  IPV4("5", "0000", "33") "06020000 00001000 00000001", 0, MODEL_MALFORMED, 51, 0, 0 },
	{ "IKE", ETHERNET "0800", IPV4("5", "0000", "11") "9c40 01f4 0010 0000", 8, MODEL_IKE, 17,
	  0, 0 },
	{ "IKE behind its marker", ETHERNET "0800",
	  IPV4("5", "0000", "11") "1194 9c40 0010 0000 00000000 01020304", 0, MODEL_IKE, 17, 0, 0 },
	{ "ESP in UDP", ETHERNET "0800",
	  IPV4("5", "0000", "11") "1194 9c40 0010 0000 00001000 00000001", 0, MODEL_ESP_IN_UDP, 17,
	  0, 0 },
	{ "keep-alive", ETHERNET "0800", IPV4("5", "0000", "11") "1194 1194 0009 0000 ff", 0,
	  MODEL_KEEPALIVE, 17, 0, 0 },
	{ "another byte", ETHERNET "0800", IPV4("5", "0000", "11") "1194 1194 0009 0000 fe", 0,
	  MODEL_MALFORMED, 17, 0, 0 },
	{ "IPv6", ETHERNET "86dd", IPV6("06") PORTS, 16, MODEL_CLEAR, 6, 443, -1 },
	{ "ICMPv6", ETHERNET "86dd", IPV6("3a") "8001", 6, MODEL_CLEAR, 58, 0, 128 },
	{ "ICMP in IPv6", ETHERNET "86dd", IPV6("01") "0800", 6, MODEL_CLEAR, 1, -1, -1 },
	{ "options before TCP", ETHERNET "86dd", IPV6("00") "0600010400000000" PORTS, 16,
	  MODEL_CLEAR, 6, 443, -1 },
	{ "options of 16 bytes, routing", ETHERNET "86dd",
	  IPV6("3c") "2b01 0000 00000000 0000000000000000 0600 0000 00000000" PORTS, 16,
	  MODEL_CLEAR, 6, 443, -1 },
	{ "whole fragment", ETHERNET "86dd", IPV6("2c") "0600 0000 00000001" PORTS, 16, MODEL_CLEAR,
	  6, 443, -1 },
	{ "later fragment of IPv6", ETHERNET "86dd", IPV6("2c") "0600 0009 00000001" PORTS, 16,
	  MODEL_LATER_FRAGMENT, 6, 0, 0 },
	{ "nothing next", ETHERNET "86dd", IPV6("3b"), 0, MODEL_CLEAR, 59, -1, -1 },
};

static void frames_are_what_their_headers_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frame_rows); i++) {
		const struct frame_row *row = &frame_rows[i];
		struct model_packet p;
		struct bytes b;

		frame(&b, row->ethernet, row->ip, row->payload);
		p = packet(&b);
		if (p.kind != row->kind)
			fail_msg("%s: kind %d, not %d", row->what, p.kind, row->kind);
		if (p.kind != MODEL_CLEAR)
			continue;
		if (p.protocol != row->protocol || p.has_ports != (row->destination_port >= 0) ||
		    p.is_icmp != (row->type >= 0))
			fail_msg("%s: protocol %u, ports %d, ICMP %d", row->what, p.protocol,
				 p.has_ports, p.is_icmp);
		if (p.is_icmp ? p.icmp_type != row->type :
				p.has_ports && p.destination_port != row->destination_port)
			fail_msg("%s: port %u, type %u", row->what, p.destination_port,
				 p.icmp_type);
	}
}

/* Eight headers are believed; the ninth is one too many. */
static void extension_headers_end(void **state)
{
	(void)state;
	for (int count = 7; count <= 9; count++) {
		struct bytes b;

		frame(&b, ETHERNET "86dd", IPV6("3c"), 0);
		for (int i = 0; i < count; i++)
			append(&b, i + 1 < count ? "3c00010400000000" : "3b00010400000000");
		length_set(&b, 14 + 4, 14 + 40);
		assert_int_equal(packet(&b).kind, count <= 8 ? MODEL_CLEAR : MODEL_MALFORMED);
	}
}

static void every_cut_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frame_rows); i++) {
		struct bytes b;
		size_t whole;

		frame(&b, frame_rows[i].ethernet, frame_rows[i].ip, frame_rows[i].payload);
		for (whole = b.size; b.size--;) {
			struct model_packet p = packet(&b);

			/* IP's length is more than what is left. */
			if (p.kind != MODEL_NOT_IP && p.kind != MODEL_MALFORMED)
				fail_msg("%s: %zu of %zu bytes are of kind %d", frame_rows[i].what,
					 b.size, whole, p.kind);
			assert_int_equal(p.bytes, b.size);
		}
	}
}

static void bytes_are_those_of_ip(void **state)
{
	struct bytes b;

	(void)state;
	frame(&b, ETHERNET "8100 0001 0800", IPV4("5", "0000", "06") PORTS, 16);
	zeros(&b, 20); /* padding */
	assert_int_equal(packet(&b).bytes, 40);
	frame(&b, ETHERNET "86dd", IPV6("06") PORTS, 16);
	assert_int_equal(packet(&b).bytes, 60);
	frame(&b, ETHERNET "0806", IPV6("06") PORTS, 16);
	assert_int_equal(packet(&b).bytes, 74);
}

static void a_configured_port_is_one_of_nat_traversal(void **state)
{
	struct model_packet p;
	struct bytes b;

	(void)state;
	frame(&b, ETHERNET "0800", IPV4("5", "0000", "11") "1000 9c40 0010 0000 00001000 00000001",
	      0);
	assert_int_equal(packet(&b).kind, MODEL_CLEAR);
	model_frame(b.data, b.size, 0x1000, &p);
	assert_int_equal(p.kind, MODEL_ESP_IN_UDP);
}

/* --- conditions --------------------------------------------------------------------------------------- */

static struct model_packet tcp4(void)
{
	struct bytes b;

	frame(&b, ETHERNET "0800", IPV4("5", "0000", "06") PORTS, 16);
	return packet(&b);
}

static FWPM_FILTER_CONDITION0 condition8(const GUID *key, FWP_MATCH_TYPE match, UINT8 n)
{
	return (FWPM_FILTER_CONDITION0){ *key, match, { .type = FWP_UINT8, .uint8 = n } };
}

static FWPM_FILTER_CONDITION0 condition16(const GUID *key, FWP_MATCH_TYPE match, UINT16 n)
{
	return (FWPM_FILTER_CONDITION0){ *key, match, { .type = FWP_UINT16, .uint16 = n } };
}

static FWPM_FILTER_CONDITION0 condition32(const GUID *key, FWP_MATCH_TYPE match, UINT32 n)
{
	return (FWPM_FILTER_CONDITION0){ *key, match, { .type = FWP_UINT32, .uint32 = n } };
}

static bool holds(const struct model_packet *p, const FWPM_FILTER_CONDITION0 *c, UINT32 count)
{
	const struct model_interface interface = { .luid = 7ULL << 40, .index = 3, .type = 6 };
	const struct model_view view = { .packet = p, .interface = &interface };

	return model_conditions_hold(c, count, &view);
}

static void each_match_type_compares_as_it_says(void **state)
{
	static const struct {
		FWP_MATCH_TYPE match;
		int below, equal, above; /* the packet's value to the condition's */
	} rows[] = {
		{ FWP_MATCH_EQUAL, 0, 1, 0 },	{ FWP_MATCH_NOT_EQUAL, 1, 0, 1 },
		{ FWP_MATCH_GREATER, 0, 0, 1 }, { FWP_MATCH_GREATER_OR_EQUAL, 0, 1, 1 },
		{ FWP_MATCH_LESS, 1, 0, 0 },	{ FWP_MATCH_LESS_OR_EQUAL, 1, 1, 0 },
	};
	struct model_packet p = tcp4();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* 0x01bb and 0xc0000201: 256 away, so that the order is not that of the last byte. */
		int wanted[] = { rows[i].below, rows[i].equal, rows[i].above };

		for (int j = 0; j < 3; j++) {
			FWPM_FILTER_CONDITION0 port = condition16(&FWPM_CONDITION_IP_LOCAL_PORT,
								  rows[i].match,
								  HOST_PORT + 256 * (1 - j));
			FWPM_FILTER_CONDITION0 address =
				condition32(&FWPM_CONDITION_IP_LOCAL_ADDRESS, rows[i].match,
					    HOST + 256 * (1 - j));

			if (holds(&p, &port, 1) != wanted[j] || holds(&p, &address, 1) != wanted[j])
				fail_msg("match type %d, %d", rows[i].match, j);
		}
	}
}

static void flags_match_all_any_or_none(void **state)
{
	static const UINT32 fragment = FWP_CONDITION_FLAG_IS_FRAGMENT;
	static const UINT32 both = FWP_CONDITION_FLAG_IS_FRAGMENT | FWP_CONDITION_FLAG_IS_LOOPBACK;
	static const struct {
		FWP_MATCH_TYPE match;
		const UINT32 *bits;
		int set, clear;
	} rows[] = {
		{ FWP_MATCH_FLAGS_ALL_SET, &fragment, 1, 0 },
		{ FWP_MATCH_FLAGS_ALL_SET, &both, 0, 0 },
		{ FWP_MATCH_FLAGS_ANY_SET, &both, 1, 0 },
		{ FWP_MATCH_FLAGS_NONE_SET, &both, 0, 1 },
	};
	struct model_packet p = tcp4();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		FWPM_FILTER_CONDITION0 c =
			condition32(&FWPM_CONDITION_FLAGS, rows[i].match, *rows[i].bits);

		p.first_fragment = true;
		assert_int_equal(holds(&p, &c, 1), rows[i].set);
		p.first_fragment = false;
		assert_int_equal(holds(&p, &c, 1), rows[i].clear);
	}
}

static void ranges_hold_both_ends_and_subnets_their_prefix(void **state)
{
	FWP_RANGE0 range = {
		{ .type = FWP_UINT32, .uint32 = HOST },
		{ .type = FWP_UINT32, .uint32 = HOST + 2 },
	};
	FWP_V4_ADDR_AND_MASK subnet = { HOST, 0xfffffffe };
	FWPM_FILTER_CONDITION0 c = {
		FWPM_CONDITION_IP_LOCAL_ADDRESS,
		FWP_MATCH_RANGE,
		{ .type = FWP_RANGE_TYPE, .rangeValue = &range },
	};
	struct model_packet p = tcp4();

	(void)state;
	for (int last = 0; last < 5; last++) {
		p.destination[3] = last;
		assert_int_equal(holds(&p, &c, 1), last >= 1 && last <= 3);
	}
	c.matchType = FWP_MATCH_EQUAL;
	c.conditionValue.type = FWP_V4_ADDR_MASK;
	c.conditionValue.v4AddrMask = &subnet;
	for (int last = 0; last < 5; last++) {
		p.destination[3] = last;
		assert_int_equal(holds(&p, &c, 1), last <= 1);
	}
	subnet.mask = 0;
	p.destination[0] = 1;
	assert_true(holds(&p, &c, 1));
}

static void ipv6_compares_as_on_the_wire(void **state)
{
	FWP_V6_ADDR_AND_MASK subnet = { { 0x20, 0x01, 0x0d, 0xb8, 0x40 }, 34 };
	FWP_BYTE_ARRAY16 address = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } };
	FWPM_FILTER_CONDITION0 c = {
		FWPM_CONDITION_IP_LOCAL_ADDRESS,
		FWP_MATCH_EQUAL,
		{ .type = FWP_V6_ADDR_MASK, .v6AddrMask = &subnet },
	};
	struct model_packet p;
	struct bytes b;

	(void)state;
	frame(&b, ETHERNET "86dd", IPV6("06") PORTS, 16);
	p = packet(&b);
	assert_false(holds(&p, &c, 1));
	subnet.prefixLength = 33;
	assert_true(holds(&p, &c, 1));
	c.conditionValue.type = FWP_BYTE_ARRAY16_TYPE;
	c.conditionValue.byteArray16 = &address;
	assert_true(holds(&p, &c, 1));
	c.matchType = FWP_MATCH_GREATER;
	address.byteArray16[15] = 1;
	assert_true(holds(&p, &c, 1));
	address.byteArray16[0] = 0x21;
	assert_false(holds(&p, &c, 1));
}

static void different_fields_must_all_hold_and_equal_ones_any(void **state)
{
	struct model_packet p = tcp4();
	FWPM_FILTER_CONDITION0 c[] = {
		condition16(&FWPM_CONDITION_IP_LOCAL_PORT, FWP_MATCH_EQUAL, 80),
		condition8(&FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, PROTO_TCP),
		condition16(&FWPM_CONDITION_IP_LOCAL_PORT, FWP_MATCH_EQUAL, HOST_PORT),
	};

	(void)state;
	assert_true(holds(&p, c, 0));
	assert_true(holds(&p, c, 3));
	assert_false(holds(&p, c, 2));
	c[1].conditionValue.uint8 = PROTO_UDP;
	assert_false(holds(&p, c, 3));
}

/* Rule 15, with each match type that could hold. */
static void what_a_packet_does_not_have_is_never_matched(void **state)
{
	FWP_RANGE0 all = { { .type = FWP_UINT16, .uint16 = 0 },
			   { .type = FWP_UINT16, .uint16 = 0xffff } };
	FWPM_FILTER_CONDITION0 c[] = {
		condition16(&FWPM_CONDITION_IP_LOCAL_PORT, FWP_MATCH_NOT_EQUAL, 1),
		condition16(&FWPM_CONDITION_IP_LOCAL_PORT, FWP_MATCH_EQUAL, 0),
		condition16(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_GREATER_OR_EQUAL, 0),
		condition32(&FWPM_CONDITION_SUB_INTERFACE_INDEX, FWP_MATCH_FLAGS_NONE_SET, 1),
		{ FWPM_CONDITION_IP_LOCAL_PORT,
		  FWP_MATCH_RANGE,
		  { .type = FWP_RANGE_TYPE, .rangeValue = &all } },
	};
	struct model_packet p;
	struct bytes b;

	(void)state;
	frame(&b, ETHERNET "0800", IPV4("5", "0000", "2f"), 8);
	p = packet(&b);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		assert_false(holds(&p, &c[i], 1));
	p = tcp4();
	assert_true(holds(&p, &c[4], 1));
}

static void fields_are_seen_from_this_host(void **state)
{
	UINT64 luid = 7ULL << 40;
	struct model_packet p = tcp4();
	FWPM_FILTER_CONDITION0 c[] = {
		condition32(&FWPM_CONDITION_IP_LOCAL_ADDRESS, FWP_MATCH_EQUAL, HOST),
		condition32(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, PEER),
		condition16(&FWPM_CONDITION_IP_LOCAL_PORT, FWP_MATCH_EQUAL, HOST_PORT),
		condition16(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, PEER_PORT),
		condition8(&FWPM_CONDITION_IP_LOCAL_ADDRESS_TYPE, FWP_MATCH_EQUAL, 1),
		condition32(&FWPM_CONDITION_INTERFACE_INDEX, FWP_MATCH_EQUAL, 3),
		condition32(&FWPM_CONDITION_INTERFACE_TYPE, FWP_MATCH_EQUAL, 6),
		{ FWPM_CONDITION_IP_LOCAL_INTERFACE,
		  FWP_MATCH_EQUAL,
		  { .type = FWP_UINT64, .uint64 = &luid } },
	};
	FWPM_FILTER_CONDITION0 destination =
		condition8(&FWPM_CONDITION_IP_DESTINATION_ADDRESS_TYPE, FWP_MATCH_EQUAL, 3);
	struct model_view back = { .packet = &p, .outbound = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		if (!holds(&p, &c[i], 1))
			fail_msg("field %zu", i);
	p.source[0] = 224; /* what would go back goes to many */
	assert_true(model_conditions_hold(&destination, 1, &back));
	assert_false(holds(&p, &destination, 1));
}

/* --- judgement ------------------------------------------------------------------------------------------- */

enum { RULES = 4 };

/* One filter that matches everything at the inbound layer of IPv4, for each step of an arbitration. */
struct rule {
	FWP_ACTION_TYPE action; /* 0: no more */
	const GUID *callout;
	UINT32 flags;
	UINT16 sublayer; /* its weight */
	UINT64 weight;
};

#define HARD	   FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT
#define INSTEAD	   FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED
#define PERMIT	   FWP_ACTION_PERMIT, NULL
#define BLOCK	   FWP_ACTION_BLOCK, NULL
#define IPSEC	   FWP_ACTION_CALLOUT_TERMINATING, &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4
#define NOBODY	   FWP_ACTION_CALLOUT_TERMINATING, &FWPM_CALLOUT_TCP_CHIMNEY_ACCEPT_LAYER_V4
#define INSPECTION FWP_ACTION_CALLOUT_INSPECTION, &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4

static const struct arbitration_row {
	const char *what;
	struct rule rule[RULES];
	FWP_ACTION_TYPE action;
	bool hard, veto;
	int decided[RULES]; /* 1 + place in rule of who decided, by sublayer; 0: no more */
} arbitration_rows[] = {
	{ "nothing matches", {}, FWP_ACTION_NONE_NO_MATCH, 0, 0, {} },
	{ "one that inspects", { { INSPECTION, 0, 9, 1 } }, FWP_ACTION_NONE, 0, 0, {} },
	{ "a permit is soft", { { PERMIT, 0, 9, 1 } }, FWP_ACTION_PERMIT, 0, 0, { 1 } },
	{ "a permit made hard", { { PERMIT, HARD, 9, 1 } }, FWP_ACTION_PERMIT, 1, 0, { 1 } },
	{ "a filter's block is hard", { { BLOCK, 0, 9, 1 } }, FWP_ACTION_BLOCK, 1, 0, { 1 } },
	{ "a callout's block is soft", { { IPSEC, 0, 9, 1 } }, FWP_ACTION_BLOCK, 0, 0, { 1 } },
	{ "a callout's block made hard", { { IPSEC, HARD, 9, 1 } }, FWP_ACTION_BLOCK, 1, 0, { 1 } },
	{ "the heavier filter",
	  { { PERMIT, 0, 9, 1 }, { BLOCK, 0, 9, 2 } },
	  FWP_ACTION_BLOCK,
	  1,
	  0,
	  { 2 } },
	{ "of equal ones the older filter",
	  { { PERMIT, 0, 9, 2 }, { BLOCK, 0, 9, 2 } },
	  FWP_ACTION_PERMIT,
	  0,
	  0,
	  { 1 } },
	{ "one that inspects goes on to the next",
	  { { INSPECTION, 0, 9, 2 }, { BLOCK, 0, 9, 1 } },
	  FWP_ACTION_BLOCK,
	  1,
	  0,
	  { 2 } },
	{ "a block beats a soft permit before",
	  { { PERMIT, 0, 9, 1 }, { BLOCK, 0, 8, 1 } },
	  FWP_ACTION_BLOCK,
	  1,
	  0,
	  { 1, 2 } },
	{ "a permit after a hard block",
	  { { BLOCK, 0, 9, 1 }, { PERMIT, HARD, 8, 1 } },
	  FWP_ACTION_BLOCK,
	  1,
	  0,
	  { 1, 2 } },
	{ "a permit after a soft block",
	  { { IPSEC, 0, 9, 1 }, { PERMIT, 0, 8, 1 } },
	  FWP_ACTION_PERMIT,
	  0,
	  0,
	  { 1, 2 } },
	{ "a filter's block after a hard permit",
	  { { PERMIT, HARD, 9, 1 }, { BLOCK, 0, 8, 1 } },
	  FWP_ACTION_PERMIT,
	  1,
	  0,
	  { 1, 2 } },
	{ "a callout's block after a hard permit is a veto",
	  { { PERMIT, HARD, 9, 1 }, { IPSEC, 0, 8, 1 } },
	  FWP_ACTION_BLOCK,
	  1,
	  1,
	  { 1, 2 } },
	{ "a veto is final",
	  { { PERMIT, HARD, 9, 1 }, { IPSEC, 0, 8, 1 }, { PERMIT, HARD, 7, 1 } },
	  FWP_ACTION_BLOCK,
	  1,
	  1,
	  { 1, 2, 3 } },
	{ "a callout that nobody registered",
	  { { NOBODY, 0, 9, 1 } },
	  FWP_ACTION_BLOCK,
	  1,
	  0,
	  { 1 } },
	{ "the same, to be permitted",
	  { { NOBODY, INSTEAD, 9, 1 } },
	  FWP_ACTION_PERMIT,
	  0,
	  0,
	  { 1 } },
	{ "one that is disabled",
	  { { BLOCK, FWPM_FILTER_FLAG_DISABLED, 9, 2 }, { PERMIT, 0, 9, 1 } },
	  FWP_ACTION_PERMIT,
	  0,
	  0,
	  { 2 } },
};

static struct model_sublayer test_sublayers[] = {
	{ { .Data1 = 7 }, 7 },
	{ { .Data1 = 9 }, 9 },
	{ { .Data1 = 8 }, 8 },
};

/* What the API would have returned of it. */
static void filter_make(const struct rule *r, UINT64 id, UINT64 *weight, FWPM_FILTER0 *ret)
{
	*ret = (FWPM_FILTER0){
		.flags = r->flags,
		.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4,
		.subLayerKey.Data1 = r->sublayer,
		.action.type = r->action,
		.filterId = id,
		.effectiveWeight = { .type = FWP_UINT64, .uint64 = weight },
	};
	if (r->callout)
		ret->action.calloutKey = *r->callout;
	*weight = r->weight;
}

static void sublayers_arbitrate(void **state)
{
	struct bytes b;

	(void)state;
	frame(&b, ETHERNET "0800", IPV4("5", "0000", "06") PORTS, 16);
	for (size_t i = 0; i < ARRAY_SIZE(arbitration_rows); i++) {
		const struct arbitration_row *row = &arbitration_rows[i];
		const FWPM_FILTER0 *list[RULES];
		struct model_policy policy = {
			.filter = list,
			.sublayer = test_sublayers,
			.sublayers = ARRAY_SIZE(test_sublayers),
		};
		FWPM_FILTER0 filter[RULES];
		UINT64 weight[RULES];
		struct model_answer a;

		for (int r = 0; r < RULES && row->rule[r].action; r++) {
			filter_make(&row->rule[r], 100 + r, &weight[r], &filter[r]);
			list[policy.filters++] = &filter[r];
		}
		model_judge(&policy, b.data, b.size, &a);
		if (a.inbound.action != row->action || a.inbound.hard != row->hard ||
		    a.inbound.veto != row->veto)
			fail_msg("%s: action 0x%x, hard %d, veto %d", row->what, a.inbound.action,
				 a.inbound.hard, a.inbound.veto);
		for (int s = 0; s < RULES; s++) {
			const FWPM_FILTER0 *wanted =
				row->decided[s] ? &filter[row->decided[s] - 1] : NULL;

			if (a.inbound.decided[s] != wanted)
				fail_msg("%s: sublayer %d", row->what, s);
		}
		/* Rule 8, and the filters are of no other layer. */
		assert_int_equal(a.outbound.action, FWP_ACTION_NONE_NO_MATCH);
	}
}

/* --- tunnels ----------------------------------------------------------------------------------------------- */

enum { IN = 0, OUT = 1 };

static void tunnel_of(const FWPM_FILTER0 *in, const FWPM_FILTER0 *out,
		      const IPSEC_TRAFFIC1 *context, size_t contexts, int wanted)
{
	IPSEC_TUNNEL_POLICY0 tunnel = {
		.tunnelEndpoints = { .ipVersion = FWP_IP_VERSION_V4,
				     .localV4Address = 0x0a000001,
				     .remoteV4Address = 0x0a000002 },
	};
	const FWPM_PROVIDER_CONTEXT0 tunnel_policy = {
		.providerContextKey.Data1 = 55,
		.providerContextId = 555,
		.ikeQmTunnelPolicy = &tunnel,
	};
	const FWPM_FILTER0 *list[2];
	struct model_policy policy = {
		.filter = list,
		.sublayer = test_sublayers,
		.sublayers = ARRAY_SIZE(test_sublayers),
		.tunnel_policy = &tunnel_policy,
		.tunnel_policies = 1,
		.context = context,
		.contexts = contexts,
	};
	struct model_answer a;
	struct bytes b;

	if (in)
		list[policy.filters++] = in;
	if (out)
		list[policy.filters++] = out;
	frame(&b, ETHERNET "0800", IPV4("5", "0000", "06") PORTS, 16);
	model_judge(&policy, b.data, b.size, &a);
	assert_int_equal(a.tunnel, wanted);
}

/* Rules 18 and 19. */
static void tunnel_is_that_of_the_policy_that_decides(void **state)
{
	const IPSEC_TRAFFIC1 context[] = {
		{ .localV4Address = HOST, .remoteV4Address = PEER, .ipsecFilterId = 201 },
		{ .localV4Address = 0x0a000001,
		  .remoteV4Address = 0x0a000002,
		  .trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL,
		  .tunnelPolicyId = 555 },
	};
	const struct rule ipsec = { IPSEC, 0, 9, 1 }, permit = { PERMIT, 0, 9, 1 };
	FWPM_FILTER0 transport_in, transport_out, tunnel_in, tunnel_out, permits;
	UINT64 weight;

	(void)state;
	filter_make(&ipsec, 200, &weight, &transport_in);
	filter_make(&permit, 202, &weight, &permits);
	transport_out = tunnel_in = tunnel_out = transport_in;
	transport_out.filterId = 201;
	transport_out.layerKey = tunnel_out.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	transport_out.action.calloutKey = FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4;
	tunnel_in.action.calloutKey = FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4;
	tunnel_out.action.calloutKey = FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4;
	tunnel_in.flags = tunnel_out.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	tunnel_in.providerContextKey.Data1 = tunnel_out.providerContextKey.Data1 = 55;

	tunnel_of(&transport_in, &transport_out, context, 2, 0);
	tunnel_of(&transport_in, NULL, context, 2, -1);
	tunnel_of(NULL, &transport_out, context, 2, 0);
	tunnel_of(NULL, NULL, context, 2, -1);
	tunnel_of(&permits, &transport_out, context, 2, -1);
	tunnel_of(&tunnel_in, &transport_out, context, 2, 1);
	tunnel_of(&tunnel_in, NULL, context, 1, -1);
	tunnel_of(NULL, &tunnel_out, context, 2, 1);
	tunnel_of(&transport_in, &tunnel_out, context, 2, 1);
	tunnel_in.flags = 0;
	tunnel_of(&tunnel_in, NULL, context, 2, -1);
}

/* Rule 20: each of them serves the packet, and the first before those behind it. */
static void narrowest_context_is_meant(void **state)
{
#define CONTEXT(local, remote, protocol)  \
	{                                 \
		.localV4Address = HOST,   \
		.remoteV4Address = PEER,  \
		.ipsecFilterId = 201,     \
		.localPort = (local),     \
		.remotePort = (remote),   \
		.ipProtocol = (protocol), \
	}
	IPSEC_TRAFFIC1 context[] = {
		CONTEXT(HOST_PORT, PEER_PORT, PROTO_TCP),
		CONTEXT(HOST_PORT, PEER_PORT, 0),
		CONTEXT(0, PEER_PORT, PROTO_TCP),
		CONTEXT(0, PEER_PORT, 0),
		CONTEXT(HOST_PORT, 0, PROTO_TCP),
		CONTEXT(HOST_PORT, 0, 0),
		CONTEXT(0, 0, PROTO_TCP),
		CONTEXT(0, 0, 0),
		/* None of these does. */
		CONTEXT(HOST_PORT + 1, 0, PROTO_TCP),
		CONTEXT(0, PEER_PORT + 1, 0),
		CONTEXT(0, 0, PROTO_UDP),
		CONTEXT(0, 0, 0),
	};
#undef CONTEXT
	enum { GOOD = 8, ALL = ARRAY_SIZE(context) };
	const struct rule ipsec = { IPSEC, 0, 9, 1 };
	IPSEC_TRAFFIC1 turned[ALL];
	FWPM_FILTER0 out;
	UINT64 weight;

	(void)state;
	context[ALL - 1].ipsecFilterId = 202;
	filter_make(&ipsec, 201, &weight, &out);
	out.layerKey = FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
	out.action.calloutKey = FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4;
	for (int i = 0; i < ALL; i++)
		turned[i] = context[ALL - 1 - i];
	for (int i = 0; i < GOOD; i++) {
		tunnel_of(NULL, &out, context + i, ALL - i, 0);
		tunnel_of(NULL, &out, turned, ALL - i, ALL - 1 - i);
	}
	tunnel_of(NULL, &out, context + GOOD, ALL - GOOD, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_what_their_headers_say),
		cmocka_unit_test(extension_headers_end),
		cmocka_unit_test(every_cut_is_survived),
		cmocka_unit_test(bytes_are_those_of_ip),
		cmocka_unit_test(a_configured_port_is_one_of_nat_traversal),
		cmocka_unit_test(each_match_type_compares_as_it_says),
		cmocka_unit_test(flags_match_all_any_or_none),
		cmocka_unit_test(ranges_hold_both_ends_and_subnets_their_prefix),
		cmocka_unit_test(ipv6_compares_as_on_the_wire),
		cmocka_unit_test(different_fields_must_all_hold_and_equal_ones_any),
		cmocka_unit_test(what_a_packet_does_not_have_is_never_matched),
		cmocka_unit_test(fields_are_seen_from_this_host),
		cmocka_unit_test(sublayers_arbitrate),
		cmocka_unit_test(tunnel_is_that_of_the_policy_that_decides),
		cmocka_unit_test(narrowest_context_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
