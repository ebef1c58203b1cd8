// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Conditions: which are refused and how, what they compile to, and that they come back as they were.
 * What selectors match is compared with a model that evaluates the conditions themselves.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "condition.h"

#include "check.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct layer *v4_out(void)
{
	return layer_at(layer_find(&FWPM_LAYER_OUTBOUND_TRANSPORT_V4));
}

static const struct layer *v4_in(void)
{
	return layer_at(layer_find(&FWPM_LAYER_INBOUND_TRANSPORT_V4));
}

static const struct layer *v6_out(void)
{
	return layer_at(layer_find(&FWPM_LAYER_OUTBOUND_TRANSPORT_V6));
}

/* --- making conditions -------------------------------------------------------------------------- */

static FWPM_FILTER_CONDITION0 equal8(const GUID *field, UINT8 value)
{
	return (FWPM_FILTER_CONDITION0){ *field,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_UINT8, .uint8 = value } };
}

static FWPM_FILTER_CONDITION0 equal16(const GUID *field, UINT16 value)
{
	return (FWPM_FILTER_CONDITION0){ *field,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_UINT16, .uint16 = value } };
}

static FWPM_FILTER_CONDITION0 equal32(const GUID *field, UINT32 value)
{
	return (FWPM_FILTER_CONDITION0){ *field,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_UINT32, .uint32 = value } };
}

static FWPM_FILTER_CONDITION0 subnet4(const GUID *field, FWP_V4_ADDR_AND_MASK *subnet)
{
	return (FWPM_FILTER_CONDITION0){ *field,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_V4_ADDR_MASK, .v4AddrMask = subnet } };
}

static FWPM_FILTER_CONDITION0 subnet6(const GUID *field, FWP_V6_ADDR_AND_MASK *subnet)
{
	return (FWPM_FILTER_CONDITION0){ *field,
					 FWP_MATCH_EQUAL,
					 { .type = FWP_V6_ADDR_MASK, .v6AddrMask = subnet } };
}

static FWPM_FILTER_CONDITION0 in_range(const GUID *field, FWP_RANGE0 *range)
{
	return (FWPM_FILTER_CONDITION0){ *field,
					 FWP_MATCH_RANGE,
					 { .type = FWP_RANGE_TYPE, .rangeValue = range } };
}

static FWP_RANGE0 range16(UINT16 low, UINT16 high)
{
	return (FWP_RANGE0){ { .type = FWP_UINT16, .uint16 = low },
			     { .type = FWP_UINT16, .uint16 = high } };
}

static FWP_RANGE0 range32(UINT32 low, UINT32 high)
{
	return (FWP_RANGE0){ { .type = FWP_UINT32, .uint32 = low },
			     { .type = FWP_UINT32, .uint32 = high } };
}

static struct selector_set compile(const struct layer *layer, const FWPM_FILTER_CONDITION0 *c,
				   uint32_t count)
{
	struct selector_set set;

	assert_int_equal(conditions_compile(layer, c, count, &set), 0);
	return set;
}

static uint64_t weight_of(const struct layer *layer, const FWPM_FILTER_CONDITION0 *c,
			  uint32_t count)
{
	struct selector_set set = compile(layer, c, count);
	uint64_t weight = set.weight;

	selector_set_release(&set);
	assert_true(weight <= FWPM_AUTO_WEIGHT_MAX);
	return weight;
}

/* --- refusals ------------------------------------------------------------------------------------- */

static FWP_BYTE_ARRAY16 some_v6 = { { 0x20, 1, 0xd, 0xb8 } };
static FWP_V4_ADDR_AND_MASK some_subnet = { 0x0a000000, 0xff000000 };
static FWP_V4_ADDR_AND_MASK gap = { 0x0a000000, 0xff00ff00 }, low_ones = { 0x0a000000, 0xff };
static FWP_V6_ADDR_AND_MASK some_subnet6 = { { 0x20, 1 }, 32 }, prefix_129 = { { 0x20, 1 }, 129 };
static FWP_RANGE0 backwards, other_ends, unknown_end, wide_ends, null_ends, backwards6;
static FWP_BYTE_ARRAY16 low_v6 = { { 1 } }, high_v6 = { { 0, 0xff } };

struct refusal {
	const char *what;
	const GUID *field;
	int match, type; /* of the enumerations, or not */
	void *value;
	int err;
	bool v6;
};

static void each_bad_condition_has_its_code(void **state)
{
	const GUID *const local = &FWPM_CONDITION_IP_LOCAL_ADDRESS;
	const GUID *const remote = &FWPM_CONDITION_IP_REMOTE_ADDRESS;
	const GUID *const port = &FWPM_CONDITION_IP_LOCAL_PORT;
	const GUID *const protocol = &FWPM_CONDITION_IP_PROTOCOL;
	const struct refusal rows[] = {
		{ "field of another layer", &FWPM_CONDITION_ALE_APP_ID, FWP_MATCH_EQUAL,
		  FWP_BYTE_BLOB_TYPE, NULL, FWP(FWP_E_CONDITION_NOT_FOUND), false },
		{ "match type 13", port, 13, FWP_UINT16, NULL, FWP(FWP_E_INVALID_ENUMERATOR),
		  false },
		{ "match type -1", port, -1, FWP_UINT16, NULL, FWP(FWP_E_INVALID_ENUMERATOR),
		  false },
		{ "data type 19", port, FWP_MATCH_EQUAL, 19, NULL, FWP(FWP_E_INVALID_ENUMERATOR),
		  false },
		{ "data type 255", port, FWP_MATCH_EQUAL, FWP_SINGLE_DATA_TYPE_MAX, NULL,
		  FWP(FWP_E_INVALID_ENUMERATOR), false },
		{ "data type 259", port, FWP_MATCH_EQUAL, FWP_DATA_TYPE_MAX, NULL,
		  FWP(FWP_E_INVALID_ENUMERATOR), false },
		{ "data type -1", port, FWP_MATCH_EQUAL, -1, NULL, FWP(FWP_E_INVALID_ENUMERATOR),
		  false },
		{ "nothing", port, FWP_MATCH_EQUAL, FWP_EMPTY, NULL, FWP(FWP_E_TYPE_MISMATCH),
		  false },
		{ "port of 8 bits", port, FWP_MATCH_EQUAL, FWP_UINT8, NULL,
		  FWP(FWP_E_TYPE_MISMATCH), false },
		{ "port of 32 bits", port, FWP_MATCH_EQUAL, FWP_UINT32, NULL,
		  FWP(FWP_E_TYPE_MISMATCH), false },
		{ "protocol of 16 bits", protocol, FWP_MATCH_EQUAL, FWP_UINT16, NULL,
		  FWP(FWP_E_TYPE_MISMATCH), false },
		{ "IPv6 address at a V4 layer", local, FWP_MATCH_EQUAL, FWP_BYTE_ARRAY16_TYPE,
		  &some_v6, FWP(FWP_E_TYPE_MISMATCH), false },
		{ "IPv6 subnet at a V4 layer", local, FWP_MATCH_EQUAL, FWP_V6_ADDR_MASK,
		  &some_subnet6, FWP(FWP_E_TYPE_MISMATCH), false },
		{ "IPv4 address at a V6 layer", local, FWP_MATCH_EQUAL, FWP_UINT32, NULL,
		  FWP(FWP_E_TYPE_MISMATCH), true },
		{ "IPv4 subnet at a V6 layer", local, FWP_MATCH_EQUAL, FWP_V4_ADDR_MASK,
		  &some_subnet, FWP(FWP_E_TYPE_MISMATCH), true },
		{ "subnet as a port", port, FWP_MATCH_EQUAL, FWP_V4_ADDR_MASK, &some_subnet,
		  FWP(FWP_E_TYPE_MISMATCH), false },
		{ "range of addresses as ports", port, FWP_MATCH_RANGE, FWP_RANGE_TYPE, &wide_ends,
		  FWP(FWP_E_TYPE_MISMATCH), false },
		{ "equal to a range", local, FWP_MATCH_EQUAL, FWP_RANGE_TYPE, &wide_ends,
		  FWP(FWP_E_MATCH_TYPE_MISMATCH), false },
		{ "range without one", port, FWP_MATCH_RANGE, FWP_UINT16, NULL,
		  FWP(FWP_E_MATCH_TYPE_MISMATCH), false },
		{ "greater than a subnet", local, FWP_MATCH_GREATER, FWP_V4_ADDR_MASK, &some_subnet,
		  FWP(FWP_E_MATCH_TYPE_MISMATCH), false },
		{ "flags of an address", local, FWP_MATCH_FLAGS_ALL_SET, FWP_BYTE_ARRAY16_TYPE,
		  &some_v6, FWP(FWP_E_MATCH_TYPE_MISMATCH), true },
		{ "case of a port", port, FWP_MATCH_EQUAL_CASE_INSENSITIVE, FWP_UINT16, NULL,
		  FWP(FWP_E_MATCH_TYPE_MISMATCH), false },
		{ "prefix of a port", port, FWP_MATCH_PREFIX, FWP_UINT16, NULL,
		  FWP(FWP_E_MATCH_TYPE_MISMATCH), false },
		{ "ends of two types", port, FWP_MATCH_RANGE, FWP_RANGE_TYPE, &other_ends,
		  FWP(FWP_E_INVALID_RANGE), false },
		{ "end of data type 19", port, FWP_MATCH_RANGE, FWP_RANGE_TYPE, &unknown_end,
		  FWP(FWP_E_INVALID_ENUMERATOR), false },
		{ "low above high", port, FWP_MATCH_RANGE, FWP_RANGE_TYPE, &backwards,
		  FWP(FWP_E_INVALID_RANGE), false },
		{ "low above high, IPv6", local, FWP_MATCH_RANGE, FWP_RANGE_TYPE, &backwards6,
		  FWP(FWP_E_INVALID_RANGE), true },
		{ "mask with a gap", remote, FWP_MATCH_EQUAL, FWP_V4_ADDR_MASK, &gap,
		  FWP(FWP_E_INVALID_NET_MASK), false },
		{ "mask of low ones", remote, FWP_MATCH_EQUAL, FWP_V4_ADDR_MASK, &low_ones,
		  FWP(FWP_E_INVALID_NET_MASK), false },
		{ "prefix of 129", remote, FWP_MATCH_EQUAL, FWP_V6_ADDR_MASK, &prefix_129,
		  FWP(FWP_E_INVALID_NET_MASK), true },
		{ "NULL subnet", remote, FWP_MATCH_EQUAL, FWP_V4_ADDR_MASK, NULL,
		  FWP(FWP_E_NULL_POINTER), false },
		{ "NULL IPv6 subnet", remote, FWP_MATCH_EQUAL, FWP_V6_ADDR_MASK, NULL,
		  FWP(FWP_E_NULL_POINTER), true },
		{ "NULL IPv6 address", remote, FWP_MATCH_EQUAL, FWP_BYTE_ARRAY16_TYPE, NULL,
		  FWP(FWP_E_NULL_POINTER), true },
		{ "NULL range", remote, FWP_MATCH_RANGE, FWP_RANGE_TYPE, NULL,
		  FWP(FWP_E_NULL_POINTER), false },
		{ "NULL ends", remote, FWP_MATCH_RANGE, FWP_RANGE_TYPE, &null_ends,
		  FWP(FWP_E_NULL_POINTER), true },
		{ "greater", port, FWP_MATCH_GREATER, FWP_UINT16, NULL, WIN32(ERROR_NOT_SUPPORTED),
		  false },
		{ "not equal", port, FWP_MATCH_NOT_EQUAL, FWP_UINT16, NULL,
		  WIN32(ERROR_NOT_SUPPORTED), false },
		{ "flags of a port", port, FWP_MATCH_FLAGS_ANY_SET, FWP_UINT16, NULL,
		  WIN32(ERROR_NOT_SUPPORTED), false },
		{ "interface index", &FWPM_CONDITION_INTERFACE_INDEX, FWP_MATCH_EQUAL, FWP_UINT32,
		  NULL, WIN32(ERROR_NOT_SUPPORTED), false },
		{ "interface index of 8 bits", &FWPM_CONDITION_INTERFACE_INDEX, FWP_MATCH_EQUAL,
		  FWP_UINT8, NULL, FWP(FWP_E_TYPE_MISMATCH), false },
	};
	size_t wrong = 0;

	(void)state;
	backwards = range16(2, 1);
	other_ends = (FWP_RANGE0){ { .type = FWP_UINT16 }, { .type = FWP_UINT32 } };
	unknown_end = (FWP_RANGE0){ { .type = FWP_UINT16 }, { .type = (FWP_DATA_TYPE)19 } };
	wide_ends = range32(1, 2);
	null_ends = (FWP_RANGE0){ { .type = FWP_BYTE_ARRAY16_TYPE },
				  { .type = FWP_BYTE_ARRAY16_TYPE } };
	backwards6 = (FWP_RANGE0){
		{ .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &low_v6 },
		{ .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &high_v6 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct refusal *r = &rows[i];
		struct selector_set set;
		FWPM_FILTER_CONDITION0 c = {
			*r->field,
			(FWP_MATCH_TYPE)r->match,
			{ .type = (FWP_DATA_TYPE)r->type, .rangeValue = r->value },
		};
		int err = conditions_compile(r->v6 ? v6_out() : v4_out(), &c, 1, &set);

		if (err != r->err || set.selector) {
			print_error("%s: 0x%x instead of 0x%x\n", r->what, err, r->err);
			wrong++;
		}
		selector_set_release(&set);
	}
	assert_int_equal(wrong, 0);
}

/* At each direction just the fields that layers.tsv of the platform has for it. */
static void destination_address_type_is_an_outbound_field(void **state)
{
	FWPM_FILTER_CONDITION0 c = equal8(&FWPM_CONDITION_IP_DESTINATION_ADDRESS_TYPE, 1);
	struct selector_set set;

	(void)state;
	assert_int_equal(conditions_compile(v4_out(), &c, 1, &set), WIN32(ERROR_NOT_SUPPORTED));
	assert_int_equal(conditions_compile(v4_in(), &c, 1, &set), FWP(FWP_E_CONDITION_NOT_FOUND));
}

static void the_text_names_the_condition(void **state)
{
	FWPM_FILTER_CONDITION0 c[] = {
		equal8(&FWPM_CONDITION_IP_PROTOCOL, 6),
		equal8(&FWPM_CONDITION_IP_LOCAL_PORT, 6),
	};
	struct selector_set set;

	(void)state;
	assert_int_equal(conditions_compile(v4_out(), c, 2, &set), FWP(FWP_E_TYPE_MISMATCH));
	assert_non_null(strstr(saxdp_error(), "condition 1: IP_LOCAL_PORT"));
}

/* --- what they compile to ---------------------------------------------------------------------------- */

static void no_condition_is_one_selector_for_everything(void **state)
{
	struct selector_set set = compile(v4_out(), NULL, 0);

	(void)state;
	assert_int_equal(set.count, 1);
	assert_int_equal(set.weight, 0);
	assert_int_equal(set.selector[0].mask.local_prefix, 0);
	assert_int_equal(set.selector[0].mask.remote_prefix, 0);
	assert_int_equal(set.selector[0].mask.fields, 0);
	assert_int_equal(set.selector[0].local_port_low, 0);
	assert_int_equal(set.selector[0].local_port_high, PORT_MAX);
	assert_int_equal(set.selector[0].remote_port_high, PORT_MAX);
	selector_set_release(&set);
}

static void everything_of_a_field_is_no_restriction(void **state)
{
	FWP_V4_ADDR_AND_MASK any = { 0x01020304, 0 };
	FWP_RANGE0 ports = range16(0, 0xffff), lower = range32(0, 0x7fffffff),
		   upper = range32(0x80000000, 0xffffffff);
	FWPM_FILTER_CONDITION0 c[] = {
		subnet4(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &any),
		in_range(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &upper),
		in_range(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &lower),
		in_range(&FWPM_CONDITION_IP_LOCAL_PORT, &ports),
	};
	struct selector_set set = compile(v4_out(), c, ARRAY_SIZE(c));

	(void)state;
	assert_int_equal(set.count, 1);
	assert_int_equal(set.weight, 0);
	assert_int_equal(set.selector[0].mask.local_prefix, 0);
	assert_int_equal(set.selector[0].mask.remote_prefix, 0);
	assert_int_equal(set.selector[0].mask.fields, 0);
	selector_set_release(&set);
}

static void keys_are_in_network_order(void **state)
{
	FWP_V4_ADDR_AND_MASK net = { 0x0a010203, 0xffff0000 };
	FWPM_FILTER_CONDITION0 c[] = {
		equal32(&FWPM_CONDITION_IP_LOCAL_ADDRESS, 0xc0000201),
		subnet4(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &net),
		equal8(&FWPM_CONDITION_IP_PROTOCOL, 17),
		equal16(&FWPM_CONDITION_IP_REMOTE_PORT, 4500),
	};
	const struct saxdp_selector4_key wanted = {
		.layer = SAXDP_OUTBOUND_TRANSPORT_V4,
		.mask = 7,
		.protocol = 17,
		.local = htonl(0xc0000201),
		.remote = htonl(0x0a010000),
		.remote_port = htons(4500),
	};
	struct selector_set set = compile(v4_out(), c, ARRAY_SIZE(c));
	struct saxdp_mask mask;
	union selector_key key;

	(void)state;
	assert_int_equal(set.count, 1);
	mask = set.selector[0].mask;
	assert_int_equal(mask.local_prefix, 32);
	assert_int_equal(mask.remote_prefix, 16);
	assert_int_equal(mask.fields, SAXDP_FIELD_PROTOCOL | SAXDP_FIELD_REMOTE_PORT);
	mask.number = 7;
	assert_int_equal(selector_key(SAXDP_OUTBOUND_TRANSPORT_V4, &mask, &set.selector[0], &key),
			 SAXDP_KIND_SELECTOR4);
	assert_memory_equal(&key.v4, &wanted, sizeof(wanted));
	selector_set_release(&set);
}

static void ipv6_addresses_keep_their_order(void **state)
{
	FWP_V6_ADDR_AND_MASK net = { { 0x20, 0x01, 0x0d, 0xb8, 0xff }, 33 };
	FWP_BYTE_ARRAY16 host = { { 0xfe, 0x80, [15] = 1 } };
	FWPM_FILTER_CONDITION0 c[] = {
		subnet6(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &net),
		{ FWPM_CONDITION_IP_REMOTE_ADDRESS,
		  FWP_MATCH_EQUAL,
		  { .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &host } },
	};
	const uint8_t cut[16] = { 0x20, 0x01, 0x0d, 0xb8, 0x80 };
	struct selector_set set = compile(v6_out(), c, ARRAY_SIZE(c));
	union selector_key key;

	(void)state;
	assert_int_equal(set.count, 1);
	assert_int_equal(set.selector[0].mask.local_prefix, 33);
	assert_int_equal(set.selector[0].mask.remote_prefix, 128);
	assert_int_equal(selector_key(SAXDP_OUTBOUND_TRANSPORT_V6, &set.selector[0].mask,
				      &set.selector[0], &key),
			 SAXDP_KIND_SELECTOR6);
	assert_memory_equal(key.v6.local, cut, sizeof(cut));
	assert_memory_equal(key.v6.remote, host.byteArray16, sizeof(host));
	selector_set_release(&set);
}

static void a_range_of_addresses_is_the_fewest_prefixes(void **state)
{
	static const struct {
		UINT32 low, high;
		uint32_t count;
		uint8_t first, last; /* prefixes */
	} rows[] = {
		{ 0x0a000000, 0x0a0000ff, 1, 24, 24 },	{ 0x0a000001, 0x0a000001, 1, 32, 32 },
		{ 0x0a000001, 0x0a0000fe, 14, 32, 32 }, { 0, 0x7fffffff, 1, 1, 1 },
		{ 1, 0xffffffff, 32, 32, 1 },		{ 0, 0xfffffffe, 32, 1, 32 },
		{ 1, 0xfffffffe, 62, 32, 32 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		FWP_RANGE0 range = range32(rows[i].low, rows[i].high);
		FWPM_FILTER_CONDITION0 c = in_range(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &range);
		struct selector_set set = compile(v4_out(), &c, 1);

		assert_int_equal(set.count, rows[i].count);
		assert_int_equal(set.selector[0].mask.local_prefix, rows[i].first);
		assert_int_equal(set.selector[set.count - 1].mask.local_prefix, rows[i].last);
		selector_set_release(&set);
	}
}

static void a_whole_ipv6_range_less_its_ends_is_254_prefixes(void **state)
{
	FWP_BYTE_ARRAY16 low = { { [15] = 1 } }, high;
	FWP_RANGE0 range = { { .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &low },
			     { .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &high } };
	FWPM_FILTER_CONDITION0 c = in_range(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &range);
	struct selector_set set;

	(void)state;
	memset(&high, 0xff, sizeof(high));
	high.byteArray16[15] = 0xfe;
	set = compile(v6_out(), &c, 1);
	assert_int_equal(set.count, 254);
	selector_set_release(&set);
}

static void a_range_of_ports_is_left_to_the_candidate(void **state)
{
	FWP_RANGE0 range = range16(1024, 2047);
	FWPM_FILTER_CONDITION0 c = in_range(&FWPM_CONDITION_IP_LOCAL_PORT, &range);
	struct selector_set set = compile(v4_out(), &c, 1);

	(void)state;
	assert_int_equal(set.count, 1);
	assert_int_equal(set.selector[0].mask.fields, 0);
	assert_int_equal(set.selector[0].local_port_low, 1024);
	assert_int_equal(set.selector[0].local_port_high, 2047);
	assert_int_equal(set.selector[0].remote_port_high, PORT_MAX);
	selector_set_release(&set);
}

/* FWPM_CONDITION_ICMP_TYPE and _CODE are other names of the ports. */
static void icmp_type_and_code_are_the_ports(void **state)
{
	FWPM_FILTER_CONDITION0 c[] = {
		equal8(&FWPM_CONDITION_IP_PROTOCOL, 1),
		equal16(&FWPM_CONDITION_ICMP_TYPE, 3),
		equal16(&FWPM_CONDITION_ICMP_CODE, 4),
	};
	struct selector_set set = compile(v4_in(), c, ARRAY_SIZE(c));

	(void)state;
	assert_int_equal(set.selector[0].local_port_low, 3);
	assert_int_equal(set.selector[0].remote_port_high, 4);
	assert_int_equal(set.selector[0].mask.fields,
			 SAXDP_FIELD_PROTOCOL | SAXDP_FIELD_LOCAL_PORT | SAXDP_FIELD_REMOTE_PORT);
	selector_set_release(&set);
}

static void equal_sets_make_equal_selectors(void **state)
{
	FWP_V4_ADDR_AND_MASK lower = { 0x0a000000, 0xffffff80 }, upper = { 0x0a000080, 0xffffff80 };
	FWP_V4_ADDR_AND_MASK both = { 0x0a000000, 0xffffff00 };
	FWPM_FILTER_CONDITION0 split[] = {
		subnet4(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &upper),
		equal16(&FWPM_CONDITION_IP_LOCAL_PORT, 80),
		subnet4(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &lower),
		subnet4(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &lower),
	};
	FWPM_FILTER_CONDITION0 whole[] = {
		subnet4(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &both),
		equal16(&FWPM_CONDITION_IP_LOCAL_PORT, 80),
	};
	struct selector_set a = compile(v4_out(), split, ARRAY_SIZE(split));
	struct selector_set b = compile(v4_out(), whole, ARRAY_SIZE(whole));

	(void)state;
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 1);
	assert_memory_equal(a.selector, b.selector, sizeof(*a.selector));
	assert_int_equal(a.weight, b.weight);
	selector_set_release(&a);
	selector_set_release(&b);
}

static void too_many_alternatives_are_refused(void **state)
{
	FWPM_FILTER_CONDITION0 c[32];
	struct selector_set set;

	(void)state;
	for (int i = 0; i < 16; i++) {
		c[i] = equal16(&FWPM_CONDITION_IP_LOCAL_PORT, 2 * i);
		c[16 + i] = equal16(&FWPM_CONDITION_IP_REMOTE_PORT, 2 * i);
	}
	set = compile(v4_out(), c, 32);
	assert_int_equal(set.count, SELECTORS_MAX);
	selector_set_release(&set);
	c[15] = equal8(&FWPM_CONDITION_IP_PROTOCOL, 6);
	c[14] = equal8(&FWPM_CONDITION_IP_PROTOCOL, 17);
	assert_int_equal(conditions_compile(v4_out(), c, 32, &set),
			 WIN32(ERROR_NO_SYSTEM_RESOURCES));
	assert_null(set.selector);
}

/* --- against the conditions themselves --------------------------------------------------------------- */

enum { MODEL_CONDITIONS = 7, MODEL_FLOWS = 200, MODEL_ROUNDS = 2000, MODEL_LONG = 200000 };

struct model_flow {
	UINT8 protocol;
	UINT32 local, remote;
	UINT16 local_port, remote_port;
};

struct model {
	FWPM_FILTER_CONDITION0 condition[MODEL_CONDITIONS];
	FWP_V4_ADDR_AND_MASK subnet[MODEL_CONDITIONS];
	FWP_RANGE0 range[MODEL_CONDITIONS];
	uint32_t count;
};

static const GUID *const model_fields[] = {
	&FWPM_CONDITION_IP_PROTOCOL,	   &FWPM_CONDITION_IP_LOCAL_ADDRESS,
	&FWPM_CONDITION_IP_REMOTE_ADDRESS, &FWPM_CONDITION_IP_LOCAL_PORT,
	&FWPM_CONDITION_IP_REMOTE_PORT,
};

/* Small numbers meet often. */
static UINT32 some(UINT32 below)
{
	return (UINT32)random() % below;
}

static void model_make(struct model *m)
{
	m->count = some(MODEL_CONDITIONS + 1);
	for (uint32_t i = 0; i < m->count; i++) {
		const GUID *field = model_fields[some(ARRAY_SIZE(model_fields))];
		UINT32 a = some(32), b = some(32), low = a < b ? a : b, high = a < b ? b : a;

		m->subnet[i] = (FWP_V4_ADDR_AND_MASK){ some(32), ~0U << some(6) };
		if (field == model_fields[0]) {
			m->condition[i] = equal8(field, some(3));
		} else if (field == model_fields[1] || field == model_fields[2]) {
			m->range[i] = range32(low, high);
			switch (some(3)) {
			case 0:
				m->condition[i] = equal32(field, some(32));
				break;
			case 1:
				m->condition[i] = subnet4(field, &m->subnet[i]);
				break;
			default:
				m->condition[i] = in_range(field, &m->range[i]);
			}
		} else {
			m->range[i] = range16(low, high);
			m->condition[i] = some(2) ? equal16(field, some(32)) :
						    in_range(field, &m->range[i]);
		}
	}
}

static bool model_condition_holds(const FWPM_FILTER_CONDITION0 *c, UINT32 value)
{
	const FWP_CONDITION_VALUE0 *v = &c->conditionValue;

	switch (v->type) {
	case FWP_UINT8:
		return v->uint8 == value;
	case FWP_UINT16:
		return v->uint16 == value;
	case FWP_UINT32:
		return v->uint32 == value;
	case FWP_V4_ADDR_MASK:
		return (v->v4AddrMask->addr & v->v4AddrMask->mask) == (value & v->v4AddrMask->mask);
	default:
		if (v->rangeValue->valueLow.type == FWP_UINT16)
			return v->rangeValue->valueLow.uint16 <= value &&
			       value <= v->rangeValue->valueHigh.uint16;
		return v->rangeValue->valueLow.uint32 <= value &&
		       value <= v->rangeValue->valueHigh.uint32;
	}
}

/* Of conditions on one field any, of fields all. */
static bool model_holds(const struct model *m, const struct model_flow *f)
{
	const UINT32 value[] = { f->protocol, f->local, f->remote, f->local_port, f->remote_port };

	for (size_t n = 0; n < ARRAY_SIZE(model_fields); n++) {
		bool asked = false, holds = false;

		for (uint32_t i = 0; i < m->count; i++) {
			if (memcmp(&m->condition[i].fieldKey, model_fields[n], sizeof(GUID)))
				continue;
			asked = true;
			holds |= model_condition_holds(&m->condition[i], value[n]);
		}
		if (asked && !holds)
			return false;
	}
	return true;
}

/* As a packet looks: cuts its own fields by the mask, compares keys, then the rest. */
static uint32_t selectors_holding(const struct selector_set *set, const struct model_flow *f)
{
	uint32_t holding = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		const struct selector *s = &set->selector[i];
		struct selector packet = {
			.mask = { 0, 32, 32,
				  SAXDP_FIELD_PROTOCOL | SAXDP_FIELD_LOCAL_PORT |
					  SAXDP_FIELD_REMOTE_PORT },
			.protocol = f->protocol,
			.local = { htonl(f->local) },
			.remote = { htonl(f->remote) },
			.local_port_low = f->local_port,
			.local_port_high = f->local_port,
			.remote_port_low = f->remote_port,
			.remote_port_high = f->remote_port,
		};
		union selector_key theirs, ours;
		bool holds;

		selector_key(SAXDP_OUTBOUND_TRANSPORT_V4, &s->mask, s, &ours);
		selector_key(SAXDP_OUTBOUND_TRANSPORT_V4, &s->mask, &packet, &theirs);
		holds = !memcmp(&ours.v4, &theirs.v4, sizeof(ours.v4)) &&
			s->local_port_low <= f->local_port && f->local_port <= s->local_port_high &&
			s->remote_port_low <= f->remote_port &&
			f->remote_port <= s->remote_port_high;
		assert_int_equal(holds, selector_covers(s, &packet));
		holding += holds;
	}
	return holding;
}

static void selectors_match_what_conditions_say(void **state)
{
	unsigned int seed = time(NULL);
	int rounds = getenv("SAXDP_TEST_LONG") ? MODEL_LONG : MODEL_ROUNDS;

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < rounds; round++) {
		struct selector_set set;
		struct model m;

		model_make(&m);
		set = compile(v4_out(), m.condition, m.count);
		for (int i = 0; i < MODEL_FLOWS; i++) {
			struct model_flow f = { some(3), some(33), some(33), some(33), some(33) };

			/* Never two: pieces do not overlap. */
			if (selectors_holding(&set, &f) != model_holds(&m, &f))
				fail_msg("seed %u, round %d: %u selectors hold, the model says %d",
					 seed, round, selectors_holding(&set, &f),
					 model_holds(&m, &f));
		}
		selector_set_release(&set);
	}
}

/* --- weight ------------------------------------------------------------------------------------------- */

static void narrower_conditions_weigh_more(void **state)
{
	uint64_t last = 0, weight;

	(void)state;
	for (int prefix = 1; prefix <= 32; prefix++) {
		FWP_V4_ADDR_AND_MASK net = { 0x0a000000, ~0U << (32 - prefix) };
		FWPM_FILTER_CONDITION0 c = subnet4(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &net);

		weight = weight_of(v4_out(), &c, 1);
		assert_true(weight > last);
		last = weight;
	}
	last = 0;
	for (int prefix = 1; prefix <= 128; prefix++) {
		FWP_V6_ADDR_AND_MASK net = { { 0x20 }, prefix };
		FWPM_FILTER_CONDITION0 c = subnet6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &net);

		weight = weight_of(v6_out(), &c, 1);
		assert_true(weight > last);
		last = weight;
	}
	last = 0;
	for (int high = 0xfffe; high >= 0; high--) {
		FWP_RANGE0 range = range16(0, high);
		FWPM_FILTER_CONDITION0 c = in_range(&FWPM_CONDITION_IP_LOCAL_PORT, &range);

		weight = weight_of(v4_out(), &c, 1);
		assert_true(weight > last);
		last = weight;
	}
}

static void more_conditions_weigh_more(void **state)
{
	FWP_V4_ADDR_AND_MASK wide = { 0x80000000, 0x80000000 };
	FWP_RANGE0 ports = range16(1, 0xffff);
	FWPM_FILTER_CONDITION0 narrow[] = {
		equal32(&FWPM_CONDITION_IP_LOCAL_ADDRESS, 1),
		equal32(&FWPM_CONDITION_IP_REMOTE_ADDRESS, 2),
	};
	FWPM_FILTER_CONDITION0 many[] = {
		subnet4(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &wide),
		subnet4(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &wide),
		in_range(&FWPM_CONDITION_IP_LOCAL_PORT, &ports),
	};

	(void)state;
	assert_true(weight_of(v4_out(), many, 3) > weight_of(v4_out(), narrow, 2));
	assert_true(weight_of(v4_out(), narrow, 2) > weight_of(v4_out(), narrow, 1));
}

static void an_alternative_weighs_less(void **state)
{
	FWPM_FILTER_CONDITION0 c[] = {
		equal16(&FWPM_CONDITION_IP_LOCAL_PORT, 80),
		equal16(&FWPM_CONDITION_IP_LOCAL_PORT, 443),
	};

	(void)state;
	assert_true(weight_of(v4_out(), c, 2) < weight_of(v4_out(), c, 1));
}

/* --- as they are kept ----------------------------------------------------------------------------------- */

static void conditions_come_back_as_they_were(void **state)
{
	FWP_V4_ADDR_AND_MASK net4 = { 0x0a010203, 0xffff0000 };
	FWP_V6_ADDR_AND_MASK net6 = { { 0x20, 1, [15] = 9 }, 64 };
	FWP_BYTE_ARRAY16 low = { { 1 } }, high = { { 2 } };
	FWP_RANGE0 ports = range16(1, 2), v6 = {
		{ .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &low },
		{ .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &high },
	};
	FWPM_FILTER_CONDITION0 c[] = {
		equal8(&FWPM_CONDITION_IP_PROTOCOL, 6),
		equal16(&FWPM_CONDITION_IP_REMOTE_PORT, 0xfedc),
		equal32(&FWPM_CONDITION_IP_LOCAL_ADDRESS, 0x01020304),
		subnet4(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &net4),
		subnet6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &net6),
		in_range(&FWPM_CONDITION_IP_LOCAL_PORT, &ports),
		in_range(&FWPM_CONDITION_IP_LOCAL_ADDRESS, &v6),
		{ FWPM_CONDITION_IP_LOCAL_ADDRESS,
		  FWP_MATCH_EQUAL,
		  { .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &high } },
	};
	FWPM_FILTER_CONDITION0 *ret = NULL;
	struct blob b = {}, again;
	struct out o = {};
	int err;

	(void)state;
	conditions_put(&b, c, ARRAY_SIZE(c));
	assert_int_equal(b.err, 0);
	do {
		again = b;
		err = conditions_get(&again, &o, ARRAY_SIZE(c), &ret);
	} while (out_again(&o, &err));
	assert_int_equal(err, 0);
	assert_int_equal(again.at, b.size);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		assert_memory_equal(&ret[i].fieldKey, &c[i].fieldKey, sizeof(GUID));
		assert_int_equal(ret[i].matchType, c[i].matchType);
		assert_int_equal(ret[i].conditionValue.type, c[i].conditionValue.type);
	}
	assert_int_equal(ret[0].conditionValue.uint8, 6);
	assert_int_equal(ret[1].conditionValue.uint16, 0xfedc);
	assert_int_equal(ret[2].conditionValue.uint32, 0x01020304);
	assert_memory_equal(ret[3].conditionValue.v4AddrMask, &net4, sizeof(net4));
	assert_memory_equal(ret[4].conditionValue.v6AddrMask, &net6, sizeof(net6));
	assert_int_equal(ret[5].conditionValue.rangeValue->valueLow.uint16, 1);
	assert_int_equal(ret[5].conditionValue.rangeValue->valueHigh.uint16, 2);
	assert_memory_equal(ret[6].conditionValue.rangeValue->valueLow.byteArray16, &low,
			    sizeof(low));
	assert_memory_equal(ret[6].conditionValue.rangeValue->valueHigh.byteArray16, &high,
			    sizeof(high));
	assert_memory_equal(ret[7].conditionValue.byteArray16, &high, sizeof(high));
	free(o.base);
	blob_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_condition_has_its_code),
		cmocka_unit_test(destination_address_type_is_an_outbound_field),
		cmocka_unit_test(the_text_names_the_condition),
		cmocka_unit_test(no_condition_is_one_selector_for_everything),
		cmocka_unit_test(everything_of_a_field_is_no_restriction),
		cmocka_unit_test(keys_are_in_network_order),
		cmocka_unit_test(ipv6_addresses_keep_their_order),
		cmocka_unit_test(a_range_of_addresses_is_the_fewest_prefixes),
		cmocka_unit_test(a_whole_ipv6_range_less_its_ends_is_254_prefixes),
		cmocka_unit_test(a_range_of_ports_is_left_to_the_candidate),
		cmocka_unit_test(icmp_type_and_code_are_the_ports),
		cmocka_unit_test(equal_sets_make_equal_selectors),
		cmocka_unit_test(too_many_alternatives_are_refused),
		cmocka_unit_test(selectors_match_what_conditions_say),
		cmocka_unit_test(narrower_conditions_weigh_more),
		cmocka_unit_test(more_conditions_weigh_more),
		cmocka_unit_test(an_alternative_weighs_less),
		cmocka_unit_test(conditions_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
