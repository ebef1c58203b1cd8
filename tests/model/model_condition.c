// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Conditions. A field of a packet and the value of a condition become bytes, most significant first:
 * so the order of numbers and of addresses is that of their bytes.
 */
#include <string.h>

#include "fwp/guid.h"
#include "model.h"

/* NL_ADDRESS_TYPE of the Windows SDK's nldef.h. */
enum {
	ADDRESS_UNSPECIFIED = 0,
	ADDRESS_UNICAST = 1,
	ADDRESS_MULTICAST = 3,
	ADDRESS_BROADCAST = 4,
};

enum { VALUE_MAX = 16 };

struct value {
	FWP_DATA_TYPE type; /* FWP_EMPTY: the packet does not have it */
	int size;
	UINT8 bytes[VALUE_MAX];
};

static struct value value_number(FWP_DATA_TYPE type, UINT64 n, int size)
{
	struct value v = { .type = type, .size = size };

	for (int i = size - 1; i >= 0; i--, n /= 256)
		v.bytes[i] = n % 256;
	return v;
}

static struct value value_bytes(FWP_DATA_TYPE type, const UINT8 *bytes, int size)
{
	struct value v = { .type = type, .size = size };

	memcpy(v.bytes, bytes, size);
	return v;
}

/* Of a condition, or one end of its range. Rule 17. */
static struct value value_single(const FWP_VALUE0 *given)
{
	switch (given->type) {
	case FWP_UINT8:
		return value_number(FWP_UINT8, given->uint8, 1);
	case FWP_UINT16:
		return value_number(FWP_UINT16, given->uint16, 2);
	case FWP_UINT32:
		return value_number(FWP_UINT32, given->uint32, 4);
	case FWP_UINT64:
		return value_number(FWP_UINT64, *given->uint64, 8);
	case FWP_BYTE_ARRAY16_TYPE:
		return value_bytes(FWP_BYTE_ARRAY16_TYPE, given->byteArray16->byteArray16, 16);
	default: /* no field of a packet has another */
		return (struct value){ .type = FWP_EMPTY };
	}
}

/* --- fields of a packet ---------------------------------------------------------------------------- */

static bool is(const GUID *key, const GUID *other)
{
	return !memcmp(key, other, sizeof(*key));
}

static struct value address(const struct model_packet *p, const UINT8 *bytes)
{
	return p->version == 4 ? value_bytes(FWP_UINT32, bytes, 4) :
				 value_bytes(FWP_BYTE_ARRAY16_TYPE, bytes, 16);
}

static struct value address_type(const struct model_packet *p, const UINT8 *bytes)
{
	static const UINT8 zero[16], ones[4] = { 0xff, 0xff, 0xff, 0xff };
	int size = p->version == 4 ? 4 : 16, type = ADDRESS_UNICAST;

	if (!memcmp(bytes, zero, size))
		type = ADDRESS_UNSPECIFIED;
	else if (size == 4 && !memcmp(bytes, ones, 4))
		type = ADDRESS_BROADCAST;
	else if (size == 4 ? bytes[0] >> 4 == 0xe : bytes[0] == 0xff)
		type = ADDRESS_MULTICAST;
	return value_number(FWP_UINT8, type, 1);
}

static bool is_loopback(const struct model_packet *p, const UINT8 *bytes)
{
	static const UINT8 loopback6[16] = { [15] = 1 };

	return p->version == 4 ? bytes[0] == 127 : !memcmp(bytes, loopback6, 16);
}

static struct value flags(const struct model_packet *p)
{
	UINT32 bits = 0;

	if (is_loopback(p, p->source) || is_loopback(p, p->destination))
		bits |= FWP_CONDITION_FLAG_IS_LOOPBACK;
	if (p->first_fragment)
		bits |= FWP_CONDITION_FLAG_IS_FRAGMENT;
	return value_number(FWP_UINT32, bits, 4);
}

/* The port of this host's side, or in its place ICMP's type; of the other side, ICMP's code. */
static struct value port(const struct model_packet *p, bool local)
{
	if (!p->has_ports)
		return (struct value){ .type = FWP_EMPTY };
	if (p->is_icmp)
		return value_number(FWP_UINT16, local ? p->icmp_type : p->icmp_code, 2);
	return value_number(FWP_UINT16, local ? p->destination_port : p->source_port, 2);
}

static struct value known(FWP_DATA_TYPE type, UINT64 n, int size)
{
	return n ? value_number(type, n, size) : (struct value){ .type = FWP_EMPTY };
}

/* The fields of the transport layers; those that mean nothing for a frame are empty. */
static struct value field(const GUID *key, const struct model_view *view)
{
	static const struct model_interface nothing;
	const struct model_interface *from = view->interface ? view->interface : &nothing;
	const struct model_packet *p = view->packet;

	if (is(key, &FWPM_CONDITION_IP_PROTOCOL))
		return value_number(FWP_UINT8, p->protocol, 1);
	if (is(key, &FWPM_CONDITION_IP_LOCAL_ADDRESS))
		return address(p, p->destination);
	if (is(key, &FWPM_CONDITION_IP_REMOTE_ADDRESS))
		return address(p, p->source);
	if (is(key, &FWPM_CONDITION_IP_LOCAL_PORT)) /* and FWPM_CONDITION_ICMP_TYPE */
		return port(p, true);
	if (is(key, &FWPM_CONDITION_IP_REMOTE_PORT)) /* and FWPM_CONDITION_ICMP_CODE */
		return port(p, false);
	if (is(key, &FWPM_CONDITION_IP_LOCAL_ADDRESS_TYPE))
		return address_type(p, p->destination);
	if (is(key, &FWPM_CONDITION_IP_DESTINATION_ADDRESS_TYPE) && view->outbound)
		return address_type(p, p->source); /* of what goes back */
	if (is(key, &FWPM_CONDITION_FLAGS))
		return flags(p);
	if (is(key, &FWPM_CONDITION_IP_LOCAL_INTERFACE))
		return known(FWP_UINT64, from->luid, 8);
	if (is(key, &FWPM_CONDITION_INTERFACE_INDEX))
		return known(FWP_UINT32, from->index, 4);
	if (is(key, &FWPM_CONDITION_INTERFACE_TYPE))
		return known(FWP_UINT32, from->type, 4);
	return (struct value){ .type = FWP_EMPTY };
}

/* --- match types ------------------------------------------------------------------------------------ */

/* Do the first bits agree? */
static bool leading_bits(const UINT8 *a, const UINT8 *b, int bits)
{
	for (int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* Rule 16. */
static bool in_subnet4(const struct value *v, const FWP_V4_ADDR_AND_MASK *subnet)
{
	struct value net = value_number(FWP_UINT32, subnet->addr, 4);
	struct value mask = value_number(FWP_UINT32, subnet->mask, 4);

	if (v->type != FWP_UINT32)
		return false;
	for (int i = 0; i < 4; i++)
		if ((v->bytes[i] & mask.bytes[i]) != (net.bytes[i] & mask.bytes[i]))
			return false;
	return true;
}

static bool in_subnet6(const struct value *v, const FWP_V6_ADDR_AND_MASK *subnet)
{
	return v->type == FWP_BYTE_ARRAY16_TYPE &&
	       leading_bits(v->bytes, subnet->addr, subnet->prefixLength);
}

/* Below 0, 0, above 0; of two of one type. */
static int order(const struct value *a, const struct value *b)
{
	return memcmp(a->bytes, b->bytes, a->size);
}

static bool in_range(const struct value *v, const FWP_RANGE0 *range)
{
	struct value low = value_single(&range->valueLow), high = value_single(&range->valueHigh);

	return low.type == v->type && high.type == v->type && order(&low, v) <= 0 &&
	       order(v, &high) <= 0;
}

static bool any_bit(const struct value *a, const struct value *b)
{
	for (int i = 0; i < a->size; i++)
		if (a->bytes[i] & b->bytes[i])
			return true;
	return false;
}

static bool all_bits(const struct value *v, const struct value *wanted)
{
	for (int i = 0; i < v->size; i++)
		if (wanted->bytes[i] & ~v->bytes[i])
			return false;
	return true;
}

static bool compare(FWP_MATCH_TYPE match, const struct value *v, const struct value *with)
{
	switch (match) {
	case FWP_MATCH_EQUAL:
		return order(v, with) == 0;
	case FWP_MATCH_NOT_EQUAL:
		return order(v, with) != 0;
	case FWP_MATCH_GREATER:
		return order(v, with) > 0;
	case FWP_MATCH_LESS:
		return order(v, with) < 0;
	case FWP_MATCH_GREATER_OR_EQUAL:
		return order(v, with) >= 0;
	case FWP_MATCH_LESS_OR_EQUAL:
		return order(v, with) <= 0;
	case FWP_MATCH_FLAGS_ALL_SET:
		return all_bits(v, with);
	case FWP_MATCH_FLAGS_ANY_SET:
		return any_bit(v, with);
	case FWP_MATCH_FLAGS_NONE_SET:
		return !any_bit(v, with);
	default: /* of strings and blobs, which packets do not have */
		return false;
	}
}

static bool condition_holds(const FWPM_FILTER_CONDITION0 *c, const struct model_view *view)
{
	const FWP_CONDITION_VALUE0 *given = &c->conditionValue;
	struct value v = field(&c->fieldKey, view), with;
	FWP_VALUE0 single = { .type = given->type };

	if (v.type == FWP_EMPTY) /* rule 15 */
		return false;
	switch (given->type) {
	case FWP_V4_ADDR_MASK:
		return c->matchType == FWP_MATCH_EQUAL && in_subnet4(&v, given->v4AddrMask);
	case FWP_V6_ADDR_MASK:
		return c->matchType == FWP_MATCH_EQUAL && in_subnet6(&v, given->v6AddrMask);
	case FWP_RANGE_TYPE:
		return c->matchType == FWP_MATCH_RANGE && in_range(&v, given->rangeValue);
	case FWP_UINT8:
		single.uint8 = given->uint8;
		break;
	case FWP_UINT16:
		single.uint16 = given->uint16;
		break;
	case FWP_UINT32:
		single.uint32 = given->uint32;
		break;
	case FWP_UINT64:
		single.uint64 = given->uint64;
		break;
	case FWP_BYTE_ARRAY16_TYPE:
		single.byteArray16 = given->byteArray16;
		break;
	default:
		return false;
	}
	with = value_single(&single);
	return with.type == v.type && compare(c->matchType, &v, &with);
}

/* Rule 14: for each condition one on its field, itself or another, holds. */
bool model_conditions_hold(const FWPM_FILTER_CONDITION0 *conditions, UINT32 count,
			   const struct model_view *view)
{
	for (UINT32 i = 0; i < count; i++) {
		bool holds = false;

		for (UINT32 j = 0; j < count && !holds; j++)
			holds = is(&conditions[j].fieldKey, &conditions[i].fieldKey) &&
				condition_holds(&conditions[j], view);
		if (!holds)
			return false;
	}
	return true;
}
