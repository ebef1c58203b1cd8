// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a filter's conditions say, as sets of values.
 *
 * Addresses of IPv4 and ports come in host order, addresses of IPv6 in network order; whatever they
 * are, they become integers here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "condition.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	INBOUND = 1,
	OUTBOUND = 2,
	BOTH = INBOUND | OUTBOUND,
	V4_BITS = 32,
	V6_BITS = 128,
};

/* FWPM_CONDITION_IP_*_ADDRESS: FWP_UINT32 or FWP_BYTE_ARRAY16_TYPE, as the layer's family says. */
#define ADDRESS FWP_SINGLE_DATA_TYPE_MAX

/*
 * The fields of the transport layers. Those with SELECTOR_NONE exist, and cannot be judged by yet.
 * A condition in the maps names its field by the place in this table.
 */
static const struct field {
	const GUID *key;
	const char *name;
	FWP_DATA_TYPE type;
	uint8_t layers;
	enum selector_field selector;
} fields[] = {
#define ROW(name, ...)                                     \
	{                                                  \
		&FWPM_CONDITION_##name, #name, __VA_ARGS__ \
	}
	ROW(IP_PROTOCOL, FWP_UINT8, BOTH, SELECTOR_PROTOCOL),
	ROW(IP_LOCAL_ADDRESS, ADDRESS, BOTH, SELECTOR_LOCAL_ADDRESS),
	ROW(IP_REMOTE_ADDRESS, ADDRESS, BOTH, SELECTOR_REMOTE_ADDRESS),
	ROW(IP_LOCAL_PORT, FWP_UINT16, BOTH, SELECTOR_LOCAL_PORT),
	ROW(IP_REMOTE_PORT, FWP_UINT16, BOTH, SELECTOR_REMOTE_PORT),
	ROW(IP_LOCAL_ADDRESS_TYPE, FWP_UINT8, BOTH, SELECTOR_NONE),
	ROW(IP_DESTINATION_ADDRESS_TYPE, FWP_UINT8, OUTBOUND, SELECTOR_NONE),
	ROW(IP_LOCAL_INTERFACE, FWP_UINT64, BOTH, SELECTOR_NONE),
	ROW(INTERFACE_INDEX, FWP_UINT32, BOTH, SELECTOR_NONE),
	ROW(SUB_INTERFACE_INDEX, FWP_UINT32, BOTH, SELECTOR_NONE),
	ROW(FLAGS, FWP_UINT32, BOTH, SELECTOR_NONE),
	ROW(INTERFACE_TYPE, FWP_UINT32, BOTH, SELECTOR_NONE),
	ROW(TUNNEL_TYPE, FWP_UINT32, BOTH, SELECTOR_NONE),
	ROW(CURRENT_PROFILE_ID, FWP_UINT32, BOTH, SELECTOR_NONE),
	ROW(IPSEC_SECURITY_REALM_ID, FWP_BYTE_BLOB_TYPE, BOTH, SELECTOR_NONE),
	ROW(COMPARTMENT_ID, FWP_UINT32, BOTH, SELECTOR_NONE),
#undef ROW
};

static const struct field *field_find(const GUID *key, uint8_t layers)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].layers & layers && !memcmp(fields[i].key, key, sizeof(*key)))
			return &fields[i];
	return NULL;
}

/* --- checking ------------------------------------------------------------------------------------- */

static bool data_type_exists(FWP_DATA_TYPE type)
{
	return (unsigned int)type <= FWP_BYTE_ARRAY6_TYPE ||
	       (type > FWP_SINGLE_DATA_TYPE_MAX && type < FWP_DATA_TYPE_MAX);
}

static FWP_DATA_TYPE field_type(const struct field *field, uint8_t family)
{
	if (field->type != ADDRESS)
		return field->type;
	return family == 4 ? FWP_UINT32 : FWP_BYTE_ARRAY16_TYPE;
}

/* "No type conversion except": FWP_MATCH_TYPE enumeration. */
static bool type_fits(FWP_DATA_TYPE field, FWP_DATA_TYPE value)
{
	return field == value || (field == FWP_UINT32 && value == FWP_V4_ADDR_MASK) ||
	       (field == FWP_BYTE_ARRAY16_TYPE && value == FWP_V6_ADDR_MASK);
}

static bool type_is_unsigned(FWP_DATA_TYPE type)
{
	return type >= FWP_UINT8 && type <= FWP_UINT64;
}

static bool type_is_sortable(FWP_DATA_TYPE type)
{
	return (type >= FWP_UINT8 && type <= FWP_INT64) || type == FWP_BYTE_ARRAY16_TYPE ||
	       type == FWP_BYTE_BLOB_TYPE || type == FWP_UNICODE_STRING_TYPE;
}

/* The table of the FWP_MATCH_TYPE enumeration's page. */
static bool match_fits(FWP_MATCH_TYPE match, FWP_DATA_TYPE type)
{
	switch (match) {
	case FWP_MATCH_EQUAL:
		return type != FWP_RANGE_TYPE;
	case FWP_MATCH_RANGE:
		return type == FWP_RANGE_TYPE;
	case FWP_MATCH_GREATER:
	case FWP_MATCH_LESS:
	case FWP_MATCH_GREATER_OR_EQUAL:
	case FWP_MATCH_LESS_OR_EQUAL:
	case FWP_MATCH_NOT_EQUAL:
		return type_is_sortable(type);
	case FWP_MATCH_FLAGS_ALL_SET:
	case FWP_MATCH_FLAGS_ANY_SET:
	case FWP_MATCH_FLAGS_NONE_SET:
		return type_is_unsigned(type);
	case FWP_MATCH_EQUAL_CASE_INSENSITIVE:
		return type == FWP_UNICODE_STRING_TYPE;
	case FWP_MATCH_PREFIX:
	case FWP_MATCH_NOT_PREFIX:
		return type == FWP_BYTE_BLOB_TYPE || type == FWP_UNICODE_STRING_TYPE;
	default:
		return false;
	}
}

/* The type that the field sees: of a range, that of its ends. */
static int value_type(uint32_t i, const FWP_CONDITION_VALUE0 *value, FWP_DATA_TYPE *ret)
{
	const FWP_RANGE0 *range = value->rangeValue;

	*ret = value->type;
	if (value->type != FWP_RANGE_TYPE)
		return 0;
	if (!range)
		return fail(FWP(FWP_E_NULL_POINTER), "filter: condition %u: range is NULL", i);
	if (!data_type_exists(range->valueLow.type) || !data_type_exists(range->valueHigh.type))
		return fail(FWP(FWP_E_INVALID_ENUMERATOR),
			    "filter: condition %u: range of data types %d and %d", i,
			    range->valueLow.type, range->valueHigh.type);
	if (range->valueLow.type != range->valueHigh.type)
		return fail(FWP(FWP_E_INVALID_RANGE),
			    "filter: condition %u: ends of data types %d and %d", i,
			    range->valueLow.type, range->valueHigh.type);
	*ret = range->valueLow.type;
	return 0;
}

static int condition_check(uint32_t i, const FWPM_FILTER_CONDITION0 *c, const struct layer *layer,
			   const struct field **ret)
{
	const struct field *field;
	FWP_DATA_TYPE type;
	int err;

	field = field_find(&c->fieldKey, layer->inbound ? INBOUND : OUTBOUND);
	if (!field)
		return fail(FWP(FWP_E_CONDITION_NOT_FOUND),
			    "filter: condition %u: not a field of %s", i, layer->name);
	if ((unsigned int)c->matchType >= FWP_MATCH_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "filter: condition %u: match type %d", i,
			    c->matchType);
	if (!data_type_exists(c->conditionValue.type))
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "filter: condition %u: data type %d", i,
			    c->conditionValue.type);
	err = value_type(i, &c->conditionValue, &type);
	if (err)
		return err;
	if (!type_fits(field_type(field, layer->family), type))
		return fail(FWP(FWP_E_TYPE_MISMATCH),
			    "filter: condition %u: %s has not data type %d", i, field->name, type);
	if (!match_fits(c->matchType, c->conditionValue.type))
		return fail(FWP(FWP_E_MATCH_TYPE_MISMATCH),
			    "filter: condition %u: match type %d with data type %d", i,
			    c->matchType, c->conditionValue.type);
	if (field->selector == SELECTOR_NONE)
		return fail(WIN32(ERROR_NOT_SUPPORTED),
			    "filter: condition %u: %s is not judged by yet", i, field->name);
	if (c->matchType != FWP_MATCH_EQUAL && c->matchType != FWP_MATCH_RANGE)
		return fail(WIN32(ERROR_NOT_SUPPORTED),
			    "filter: condition %u: match type %d is not judged by yet", i,
			    c->matchType);
	*ret = field;
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------ */

static integer integer_of_bytes(const uint8_t bytes[FWP_V6_ADDR_SIZE])
{
	integer n = 0;

	for (int i = 0; i < FWP_V6_ADDR_SIZE; i++)
		n = n << 8 | bytes[i];
	return n;
}

/* The members that FWP_VALUE0 and FWP_CONDITION_VALUE0 share. */
static int single_value(uint32_t i, const FWP_VALUE0 *value, integer *ret)
{
	switch (value->type) {
	case FWP_UINT8:
		*ret = value->uint8;
		return 0;
	case FWP_UINT16:
		*ret = value->uint16;
		return 0;
	case FWP_UINT32:
		*ret = value->uint32;
		return 0;
	default: /* FWP_BYTE_ARRAY16_TYPE: the checks leave no other */
		if (!value->byteArray16)
			return fail(FWP(FWP_E_NULL_POINTER),
				    "filter: condition %u: address is NULL", i);
		*ret = integer_of_bytes(value->byteArray16->byteArray16);
		return 0;
	}
}

static void prefix_range(integer address, unsigned int prefix, unsigned int bits, struct range *ret)
{
	integer host = prefix == bits ? 0 : ~(integer)0 >> (V6_BITS - bits) >> prefix;

	*ret = (struct range){ address & ~host, address | host };
}

static int v4_subnet(uint32_t i, const FWP_V4_ADDR_AND_MASK *subnet, struct range *ret)
{
	if (!subnet)
		return fail(FWP(FWP_E_NULL_POINTER), "filter: condition %u: subnet is NULL", i);
	/* A one right below a zero. */
	if (subnet->mask & ~subnet->mask >> 1)
		return fail(FWP(FWP_E_INVALID_NET_MASK),
			    "filter: condition %u: mask 0x%08x has a gap", i, subnet->mask);
	prefix_range(subnet->addr, __builtin_popcount(subnet->mask), V4_BITS, ret);
	return 0;
}

static int v6_subnet(uint32_t i, const FWP_V6_ADDR_AND_MASK *subnet, struct range *ret)
{
	if (!subnet)
		return fail(FWP(FWP_E_NULL_POINTER), "filter: condition %u: subnet is NULL", i);
	if (subnet->prefixLength > V6_BITS)
		return fail(FWP(FWP_E_INVALID_NET_MASK), "filter: condition %u: prefix length %u",
			    i, subnet->prefixLength);
	prefix_range(integer_of_bytes(subnet->addr), subnet->prefixLength, V6_BITS, ret);
	return 0;
}

static int condition_range(uint32_t i, const FWP_CONDITION_VALUE0 *value, struct range *ret)
{
	int err;

	switch (value->type) {
	case FWP_V4_ADDR_MASK:
		return v4_subnet(i, value->v4AddrMask, ret);
	case FWP_V6_ADDR_MASK:
		return v6_subnet(i, value->v6AddrMask, ret);
	case FWP_RANGE_TYPE:
		err = single_value(i, &value->rangeValue->valueLow, &ret->low);
		if (!err)
			err = single_value(i, &value->rangeValue->valueHigh, &ret->high);
		if (!err && ret->low > ret->high)
			err = fail(FWP(FWP_E_INVALID_RANGE),
				   "filter: condition %u: its low end is above its high end", i);
		return err;
	default:
		err = single_value(i, (const FWP_VALUE0 *)value, &ret->low);
		ret->high = ret->low;
		return err;
	}
}

_Static_assert(sizeof(FWP_VALUE0) == sizeof(FWP_CONDITION_VALUE0) &&
		       offsetof(FWP_VALUE0, byteArray16) ==
			       offsetof(FWP_CONDITION_VALUE0, byteArray16),
	       "a single value is read through FWP_VALUE0");

int conditions_compile(const struct layer *layer, const FWPM_FILTER_CONDITION0 *conditions,
		       uint32_t count, struct selector_set *ret)
{
	struct range_set sets[SELECTOR_FIELDS] = {};
	const struct field *field = NULL;
	struct range range = {};
	int err = 0;

	*ret = (struct selector_set){};
	for (uint32_t i = 0; i < count && !err; i++) {
		err = condition_check(i, &conditions[i], layer, &field);
		if (!err)
			err = condition_range(i, &conditions[i].conditionValue, &range);
		if (!err)
			err = range_set_add(&sets[field->selector], range.low, range.high);
	}
	if (!err)
		err = selector_set_make(layer->family, sets, ret);
	for (int f = 0; f < SELECTOR_FIELDS; f++)
		range_set_release(&sets[f]);
	return err;
}

/* --- as they are kept --------------------------------------------------------------------------------- */

/*
 * Field and match type, 8 bits each, data type, 16 bits, and then the value: 1, 2, 4 or 16 bytes;
 * of a subnet the address and 4 bytes of mask or 1 of prefix length; of a range the 16 bits of its
 * ends' type and both.
 */
static void single_put(struct blob *b, const FWP_VALUE0 *value)
{
	switch (value->type) {
	case FWP_UINT8:
		blob_put_u8(b, value->uint8);
		break;
	case FWP_UINT16:
		blob_put_u16(b, value->uint16);
		break;
	case FWP_UINT32:
		blob_put_u32(b, value->uint32);
		break;
	default:
		blob_put(b, value->byteArray16, sizeof(*value->byteArray16));
	}
}

void conditions_put(struct blob *b, const FWPM_FILTER_CONDITION0 *conditions, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const FWP_CONDITION_VALUE0 *value = &conditions[i].conditionValue;

		blob_put_u8(b, field_find(&conditions[i].fieldKey, BOTH) - fields);
		blob_put_u8(b, conditions[i].matchType);
		blob_put_u16(b, value->type);
		switch (value->type) {
		case FWP_V4_ADDR_MASK:
			blob_put_u32(b, value->v4AddrMask->addr);
			blob_put_u32(b, value->v4AddrMask->mask);
			break;
		case FWP_V6_ADDR_MASK:
			blob_put(b, value->v6AddrMask->addr, FWP_V6_ADDR_SIZE);
			blob_put_u8(b, value->v6AddrMask->prefixLength);
			break;
		case FWP_RANGE_TYPE:
			blob_put_u16(b, value->rangeValue->valueLow.type);
			single_put(b, &value->rangeValue->valueLow);
			single_put(b, &value->rangeValue->valueHigh);
			break;
		default:
			single_put(b, (const FWP_VALUE0 *)value);
		}
	}
}

static int single_get(struct blob *b, struct out *o, FWP_DATA_TYPE type, FWP_VALUE0 *ret)
{
	ret->type = type;
	switch (type) {
	case FWP_UINT8:
		ret->uint8 = blob_get_u8(b);
		return 0;
	case FWP_UINT16:
		ret->uint16 = blob_get_u16(b);
		return 0;
	case FWP_UINT32:
		ret->uint32 = blob_get_u32(b);
		return 0;
	case FWP_BYTE_ARRAY16_TYPE:
		ret->byteArray16 = out_alloc(o, sizeof(*ret->byteArray16));
		if (!ret->byteArray16)
			return -ENOMEM;
		blob_get(b, ret->byteArray16, sizeof(*ret->byteArray16));
		return 0;
	default:
		return -EPROTO;
	}
}

static int condition_value_get(struct blob *b, struct out *o, FWP_CONDITION_VALUE0 *ret)
{
	FWP_DATA_TYPE type = blob_get_u16(b);
	int err;

	ret->type = type;
	switch (type) {
	case FWP_V4_ADDR_MASK:
		ret->v4AddrMask = out_alloc(o, sizeof(*ret->v4AddrMask));
		if (!ret->v4AddrMask)
			return -ENOMEM;
		ret->v4AddrMask->addr = blob_get_u32(b);
		ret->v4AddrMask->mask = blob_get_u32(b);
		return 0;
	case FWP_V6_ADDR_MASK:
		ret->v6AddrMask = out_alloc(o, sizeof(*ret->v6AddrMask));
		if (!ret->v6AddrMask)
			return -ENOMEM;
		blob_get(b, ret->v6AddrMask->addr, FWP_V6_ADDR_SIZE);
		ret->v6AddrMask->prefixLength = blob_get_u8(b);
		return 0;
	case FWP_RANGE_TYPE:
		ret->rangeValue = out_alloc(o, sizeof(*ret->rangeValue));
		if (!ret->rangeValue)
			return -ENOMEM;
		type = blob_get_u16(b);
		err = single_get(b, o, type, &ret->rangeValue->valueLow);
		return err ? err : single_get(b, o, type, &ret->rangeValue->valueHigh);
	default:
		return single_get(b, o, type, (FWP_VALUE0 *)ret);
	}
}

int conditions_get(struct blob *b, struct out *o, uint32_t count, FWPM_FILTER_CONDITION0 **ret)
{
	FWPM_FILTER_CONDITION0 *conditions;
	uint8_t field;
	int err = 0;

	*ret = NULL;
	if (!count)
		return 0;
	conditions = out_alloc(o, count * sizeof(*conditions));
	if (!conditions)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && !err; i++) {
		field = blob_get_u8(b);
		if (field >= ARRAY_SIZE(fields))
			return -EPROTO;
		conditions[i].fieldKey = *fields[field].key;
		conditions[i].matchType = blob_get_u8(b);
		err = condition_value_get(b, o, &conditions[i].conditionValue);
	}
	if (!err)
		err = b->err;
	if (!err)
		*ret = conditions;
	return err;
}
