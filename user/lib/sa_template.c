// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Templates of SA contexts: subnets that their ends lie on. */
#include "sa_template.h"

#include <arpa/inet.h>
#include <string.h>

enum { V6_BITS = 128, V6_BYTES = 16 };

static int check_v4(const char *end, const FWP_V4_ADDR_AND_MASK *subnet, struct sa_subnet *ret)
{
	if (!subnet)
		return fail(FWP(FWP_E_NULL_POINTER), "template: %s: NULL", end);
	/* A one right below a zero. */
	if (subnet->mask & ~subnet->mask >> 1)
		return fail(FWP(FWP_E_INVALID_NET_MASK), "template: %s: mask 0x%08x has a gap", end,
			    subnet->mask);
	ret->family = 4;
	ret->mask[0] = htonl(subnet->mask);
	ret->address[0] = htonl(subnet->addr & subnet->mask);
	return 0;
}

static int check_v6(const char *end, const UINT8 address[V6_BYTES], unsigned int prefix,
		    struct sa_subnet *ret)
{
	UINT8 mask[V6_BYTES] = {}, masked[V6_BYTES];

	if (prefix > V6_BITS)
		return fail(FWP(FWP_E_INVALID_NET_MASK), "template: %s: prefix length %u", end,
			    prefix);
	for (unsigned int bit = 0; bit < prefix; bit++)
		mask[bit / 8] |= 0x80 >> bit % 8;
	for (int i = 0; i < V6_BYTES; i++)
		masked[i] = address[i] & mask[i];
	ret->family = 6;
	memcpy(ret->mask, mask, sizeof(ret->mask));
	memcpy(ret->address, masked, sizeof(ret->address));
	return 0;
}

static int check_subnet(const char *end, const FWP_CONDITION_VALUE0 *value, struct sa_subnet *ret)
{
	const FWP_V4_ADDR_AND_MASK host = { value->uint32, UINT32_MAX };

	*ret = (struct sa_subnet){};
	switch (value->type) {
	case FWP_EMPTY:
		return 0;
	case FWP_UINT32:
		return check_v4(end, &host, ret);
	case FWP_V4_ADDR_MASK:
		return check_v4(end, value->v4AddrMask, ret);
	case FWP_BYTE_ARRAY16_TYPE:
		if (!value->byteArray16)
			break;
		return check_v6(end, value->byteArray16->byteArray16, V6_BITS, ret);
	case FWP_V6_ADDR_MASK:
		if (!value->v6AddrMask)
			break;
		return check_v6(end, value->v6AddrMask->addr, value->v6AddrMask->prefixLength, ret);
	default:
		return fail(FWP(FWP_E_TYPE_MISMATCH), "template: %s: data type %d", end,
			    value->type);
	}
	return fail(FWP(FWP_E_NULL_POINTER), "template: %s: NULL", end);
}

int sa_template_check(const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 *t, struct sa_template *ret)
{
	int err;

	*ret = (struct sa_template){};
	if (!t)
		return 0;
	err = check_subnet("localSubNet", &t->localSubNet, &ret->local);
	return err ? err : check_subnet("remoteSubNet", &t->remoteSubNet, &ret->remote);
}

static bool on_subnet(const struct sa_subnet *s, uint8_t family, const uint32_t address[4])
{
	if (!s->family)
		return true;
	if (s->family != family)
		return false;
	for (int i = 0; i < 4; i++)
		if ((address[i] & s->mask[i]) != s->address[i])
			return false;
	return true;
}

bool sa_template_matches(const struct sa_template *t, const struct saxdp_context *c)
{
	return on_subnet(&t->local, c->family, c->local) &&
	       on_subnet(&t->remote, c->family, c->remote);
}
