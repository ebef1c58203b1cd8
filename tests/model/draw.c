// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Numbers, filters and contexts; frames are drawn in draw_frame.c. */
#include <string.h>

#include "draw_value.h"
#include "fwp/guid.h"

enum { PORT_MAX = 0xffff };

/* --- numbers ------------------------------------------------------------------------------------------ */

/* splitmix64: every seed is as good as another. */
static uint64_t next(struct draw *d)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t draw_below(struct draw *d, uint64_t bound)
{
	return next(d) % bound;
}

bool draw_once_in(struct draw *d, unsigned int times)
{
	return !draw_below(d, times);
}

void draw_begin(struct draw *d, uint64_t seed)
{
	/* Some at the edges of bytes and of the words that an IPv6 address is cut into. */
	static const UINT8 prefixes4[] = { 1, 8, 9, 15, 16, 20, 23, 24, 25, 28, 30, 31 };
	static const UINT8 prefixes6[] = { 3, 31, 32, 33, 48, 63, 64, 65, 95, 96, 97, 126, 127 };
	static const UINT16 ports[] = {
		0, 1, 3, 8, 22, 53, 128, 443, 500, 4500, 32768, 65534, 65535
	};
	UINT8 base6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	UINT32 base4;

	*d = (struct draw){ .state = seed };
	d->hosts = draw_once_in(d, 3) ? 1 : DRAW_HOSTS;
	d->ports = draw_once_in(d, 3) ? 2 : DRAW_PORTS;
	base4 = 10U << 24 | next(d) >> 40;
	for (int i = 4; i < 16; i++)
		base6[i] = next(d);
	for (int i = 0; i < DRAW_HOSTS; i++) {
		/* Of one family: neighbours, or apart in one bit somewhere. */
		d->host4[i] = base4 ^ draw_below(d, 8);
		memcpy(d->host6[i], base6, 16);
		d->host6[i][15] ^= draw_below(d, 8);
		if (draw_once_in(d, 2))
			continue;
		d->host4[i] ^= 1U << draw_below(d, 29);
		d->host6[i][draw_below(d, 16)] ^= 1U << draw_below(d, 5);
	}
	for (int i = 0; i < DRAW_PREFIXES; i++) {
		d->prefix4[i] = prefixes4[draw_below(d, sizeof(prefixes4))];
		d->prefix6[i] = prefixes6[draw_below(d, sizeof(prefixes6))];
	}
	for (int i = 0; i < DRAW_PORTS; i++) {
		d->port[i] = ports[draw_below(d, sizeof(ports) / sizeof(ports[0]))];
		if (i && draw_once_in(d, 3))
			d->port[i] = d->port[i - 1] + draw_below(d, 4);
		else if (draw_once_in(d, 4))
			d->port[i] = draw_below(d, PORT_MAX + 1);
	}
}

/* --- values ------------------------------------------------------------------------------------------ */

draw_integer draw_of_bytes(const UINT8 bytes[16])
{
	draw_integer n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | bytes[i];
	return n;
}

void draw_to_bytes(draw_integer n, UINT8 ret[16])
{
	for (int i = 15; i >= 0; i--, n >>= 8)
		ret[i] = n;
}

static draw_integer single(const FWP_VALUE0 *v)
{
	switch (v->type) {
	case FWP_UINT8:
		return v->uint8;
	case FWP_UINT16:
		return v->uint16;
	case FWP_UINT32:
		return v->uint32;
	default:
		return draw_of_bytes(v->byteArray16->byteArray16);
	}
}

void draw_bounds(const FWP_CONDITION_VALUE0 *v, draw_integer *low, draw_integer *high)
{
	draw_integer host;

	switch (v->type) {
	case FWP_RANGE_TYPE:
		*low = single(&v->rangeValue->valueLow);
		*high = single(&v->rangeValue->valueHigh);
		return;
	case FWP_V4_ADDR_MASK:
		*low = v->v4AddrMask->addr & v->v4AddrMask->mask;
		*high = v->v4AddrMask->addr | (UINT32)~v->v4AddrMask->mask;
		return;
	case FWP_V6_ADDR_MASK:
		host = v->v6AddrMask->prefixLength == 128 ?
			       0 :
			       ~(draw_integer)0 >> v->v6AddrMask->prefixLength;
		*low = draw_of_bytes(v->v6AddrMask->addr) & ~host;
		*high = *low | host;
		return;
	case FWP_UINT8:
		*low = v->uint8;
		break;
	case FWP_UINT16:
		*low = v->uint16;
		break;
	case FWP_UINT32:
		*low = v->uint32;
		break;
	default:
		*low = draw_of_bytes(v->byteArray16->byteArray16);
	}
	*high = *low;
}

/* --- conditions ---------------------------------------------------------------------------------------- */

static void set_range(FWPM_FILTER_CONDITION0 *c, struct drawn_value *v, FWP_DATA_TYPE type)
{
	v->range.valueLow.type = v->range.valueHigh.type = type;
	c->matchType = FWP_MATCH_RANGE;
	c->conditionValue.type = FWP_RANGE_TYPE;
	c->conditionValue.rangeValue = &v->range;
}

/* So many hosts: few, or a power of two, aligned or not. */
static UINT32 span(struct draw *d)
{
	return draw_once_in(d, 2) ? draw_below(d, 4) : (1U << draw_below(d, 8)) - 1;
}

static void address4(struct draw *d, FWPM_FILTER_CONDITION0 *c, struct drawn_value *v)
{
	UINT32 host = d->host4[draw_below(d, d->hosts)], prefix;

	switch (draw_below(d, 8)) {
	case 0 ... 3:
		prefix = draw_once_in(d, 8) ? draw_below(d, 2) * 32 :
					      d->prefix4[draw_below(d, DRAW_PREFIXES)];
		v->subnet4.addr = host;
		v->subnet4.mask = prefix ? ~0U << (32 - prefix) : 0;
		c->conditionValue.type = FWP_V4_ADDR_MASK;
		c->conditionValue.v4AddrMask = &v->subnet4;
		break;
	case 4:
		set_range(c, v, FWP_UINT32);
		v->range.valueLow.uint32 = host;
		v->range.valueHigh.uint32 = host + span(d);
		break;
	default:
		c->conditionValue.type = FWP_UINT32;
		c->conditionValue.uint32 = host;
	}
}

static void address6(struct draw *d, FWPM_FILTER_CONDITION0 *c, struct drawn_value *v)
{
	const UINT8 *host = d->host6[draw_below(d, d->hosts)];

	memcpy(v->low.byteArray16, host, 16);
	switch (draw_below(d, 8)) {
	case 0 ... 3:
		memcpy(v->subnet6.addr, host, 16);
		v->subnet6.prefixLength = draw_once_in(d, 8) ?
						  draw_below(d, 2) * 128 :
						  d->prefix6[draw_below(d, DRAW_PREFIXES)];
		c->conditionValue.type = FWP_V6_ADDR_MASK;
		c->conditionValue.v6AddrMask = &v->subnet6;
		break;
	case 4:
		set_range(c, v, FWP_BYTE_ARRAY16_TYPE);
		draw_to_bytes(draw_of_bytes(host) + span(d), v->high.byteArray16);
		v->range.valueLow.byteArray16 = &v->low;
		v->range.valueHigh.byteArray16 = &v->high;
		break;
	default:
		c->conditionValue.type = FWP_BYTE_ARRAY16_TYPE;
		c->conditionValue.byteArray16 = &v->low;
	}
}

UINT8 draw_protocol(struct draw *d)
{
	/* ICMP of the other version, GRE, no next header and mobility too: protocols without ports. */
	static const UINT8 protocols[] = { 6,  6,  6,	17,  17, 17, 1,	  1,  58,
					   58, 33, 132, 136, 47, 59, 135, 255 };

	return protocols[draw_below(d, sizeof(protocols))];
}

static void protocol(struct draw *d, FWPM_FILTER_CONDITION0 *c, struct drawn_value *v)
{
	UINT8 low = draw_protocol(d);

	if (draw_once_in(d, 12)) {
		set_range(c, v, FWP_UINT8);
		v->range.valueLow.uint8 = low;
		v->range.valueHigh.uint8 = low > 252 ? 255 : low + draw_below(d, 4);
		return;
	}
	c->conditionValue.type = FWP_UINT8;
	c->conditionValue.uint8 = low;
}

static void port(struct draw *d, FWPM_FILTER_CONDITION0 *c, struct drawn_value *v)
{
	UINT16 a = d->port[draw_below(d, d->ports)], b = d->port[draw_below(d, d->ports)];

	if (draw_once_in(d, 2)) {
		set_range(c, v, FWP_UINT16);
		v->range.valueLow.uint16 = a < b ? a : b;
		v->range.valueHigh.uint16 = a < b ? b : a;
		return;
	}
	c->conditionValue.type = FWP_UINT16;
	c->conditionValue.uint16 = a;
}

/*
 * Do the conditions from @from on hold every port? They would be compiled to none at all, and then
 * hold what has no ports as well, which rule 15 says they do not. So none are drawn.
 */
static bool all_ports(const struct drawn_filter *f, UINT32 from)
{
	draw_integer covered = 0, low, high;

	for (UINT32 i = from; i < f->filter.numFilterConditions; i++) {
		draw_bounds(&f->condition[i].conditionValue, &low, &high);
		if (low > covered || high < covered)
			continue;
		covered = high + 1;
		i = from - 1;
	}
	return covered > PORT_MAX;
}

static void conditions(struct draw *d, bool v6, struct drawn_filter *f)
{
	const struct {
		const GUID *key;
		void (*make)(struct draw *d, FWPM_FILTER_CONDITION0 *c, struct drawn_value *v);
		unsigned int once_in;
	} fields[DRAW_FIELDS] = {
		{ &FWPM_CONDITION_IP_REMOTE_ADDRESS, v6 ? address6 : address4, 2 },
		{ &FWPM_CONDITION_IP_LOCAL_ADDRESS, v6 ? address6 : address4, 3 },
		{ &FWPM_CONDITION_IP_PROTOCOL, protocol, 2 },
		{ &FWPM_CONDITION_IP_LOCAL_PORT, port, 3 },
		{ &FWPM_CONDITION_IP_REMOTE_PORT, port, 4 },
	};
	UINT32 *count = &f->filter.numFilterConditions;

	f->filter.filterCondition = f->condition;
	for (int i = 0; i < DRAW_FIELDS; i++) {
		UINT32 from = *count;
		int alternatives = draw_once_in(d, 3) ? 1 + draw_below(d, DRAW_ALTERNATIVES) : 1;

		if (!draw_once_in(d, fields[i].once_in))
			continue;
		for (; alternatives; alternatives--) {
			f->condition[*count].fieldKey = *fields[i].key;
			f->condition[*count].matchType = FWP_MATCH_EQUAL;
			fields[i].make(d, &f->condition[*count], &f->value[*count]);
			++*count;
		}
		if (fields[i].make == port && all_ports(f, from))
			*count = from;
	}
	/* In any order: those on one field need not be neighbours. */
	for (UINT32 i = *count; i > 1; i--) {
		UINT32 other = draw_below(d, i);
		FWPM_FILTER_CONDITION0 c = f->condition[i - 1];

		f->condition[i - 1] = f->condition[other];
		f->condition[other] = c;
	}
}

/* --- filters --------------------------------------------------------------------------------------------- */

static void weight(struct draw *d, struct drawn_filter *f)
{
	/* Equal ones among them, and such as differ only above or below 32 bits. */
	static const UINT64 weights[] = { 0,	       1,	   1,	       2,    0xffffffff,
					  0x100000000, 1ULL << 59, 1ULL << 63, ~0ULL };

	switch (draw_below(d, 4)) {
	case 0:
		f->filter.weight.type = FWP_UINT8;
		f->filter.weight.uint8 = draw_below(d, 3) * 5;
		break;
	case 1:
		f->weight = weights[draw_below(d, sizeof(weights) / sizeof(weights[0]))];
		f->filter.weight.type = FWP_UINT64;
		f->filter.weight.uint64 = &f->weight;
		break;
	default:
		f->filter.weight.type = FWP_EMPTY;
	}
}

static void ipsec_callout(bool v6, bool outbound, bool tunnel, GUID *ret)
{
	static const GUID *const callouts[2][2][2] = {
		{ { &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4,
		    &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4 },
		  { &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4,
		    &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4 } },
		{ { &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V6,
		    &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V6 },
		  { &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V6,
		    &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6 } },
	};

	*ret = *callouts[v6][outbound][tunnel];
}

static void action(struct draw *d, bool v6, bool outbound, FWPM_FILTER0 *f)
{
	switch (draw_below(d, 12)) {
	case 0 ... 1:
		f->action.type = FWP_ACTION_PERMIT;
		return;
	case 2:
		f->action.type = FWP_ACTION_BLOCK;
		return;
	case 3: /* one that nobody has registered */
		f->action.type = FWP_ACTION_CALLOUT_TERMINATING;
		f->action.calloutKey = v6 ? FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V6_SILENT_DROP :
					    FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V4_SILENT_DROP;
		if (draw_once_in(d, 2))
			f->flags |= FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
		return;
	case 4:
		f->action.type = FWP_ACTION_CALLOUT_INSPECTION;
		break;
	case 5:
		f->action.type = FWP_ACTION_CALLOUT_UNKNOWN;
		break;
	default:
		f->action.type = FWP_ACTION_CALLOUT_TERMINATING;
	}
	ipsec_callout(v6, outbound, draw_once_in(d, 3), &f->action.calloutKey);
}

void draw_filter(struct draw *d, const GUID *sublayers, size_t sublayer_count, const GUID *policies,
		 size_t policy_count, struct drawn_filter *ret)
{
	static wchar_t name[] = L"drawn";
	static const GUID *const layers[2][2] = {
		{ &FWPM_LAYER_INBOUND_TRANSPORT_V4, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4 },
		{ &FWPM_LAYER_INBOUND_TRANSPORT_V6, &FWPM_LAYER_OUTBOUND_TRANSPORT_V6 },
	};
	bool v6 = draw_once_in(d, 2), outbound = draw_once_in(d, 2);
	FWPM_FILTER0 *f = &ret->filter;

	*ret = (struct drawn_filter){ .filter.displayData.name = name };
	f->layerKey = *layers[v6][outbound];
	if (!draw_once_in(d, 3))
		f->subLayerKey = sublayers[draw_below(d, sublayer_count)];
	if (draw_once_in(d, 5))
		f->flags |= FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
	conditions(d, v6, ret);
	weight(d, ret);
	action(d, v6, outbound, f);
	if (policy_count && !draw_once_in(d, 3)) {
		f->flags |= FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
		f->providerContextKey = policies[draw_below(d, policy_count)];
	} else {
		f->rawContext = draw_below(d, 4);
	}
}

/* --- contexts --------------------------------------------------------------------------------------------- */

void draw_tunnel_ends(struct draw *d, IPSEC_TUNNEL_ENDPOINTS0 *ret)
{
	*ret = (IPSEC_TUNNEL_ENDPOINTS0){ .ipVersion = draw_once_in(d, 2) ? FWP_IP_VERSION_V6 :
									    FWP_IP_VERSION_V4 };
	if (ret->ipVersion == FWP_IP_VERSION_V4) {
		ret->localV4Address = d->host4[draw_below(d, d->hosts)];
		ret->remoteV4Address = d->host4[draw_below(d, d->hosts)];
	} else {
		memcpy(ret->localV6Address, d->host6[draw_below(d, d->hosts)], 16);
		memcpy(ret->remoteV6Address, d->host6[draw_below(d, d->hosts)], 16);
	}
}

static bool is(const GUID *a, const GUID *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool draw_field(struct draw *d, const FWPM_FILTER0 *f, const GUID *key, draw_integer *low,
		draw_integer *high)
{
	const FWPM_FILTER_CONDITION0 *found = NULL;
	UINT32 seen = 0;

	for (UINT32 i = 0; i < f->numFilterConditions; i++)
		if (is(&f->filterCondition[i].fieldKey, key) && draw_once_in(d, ++seen))
			found = &f->filterCondition[i];
	if (found)
		draw_bounds(&found->conditionValue, low, high);
	return found;
}

/* In the filter's range most of the time, and of the hosts where there is none. */
static draw_integer end_of(struct draw *d, const FWPM_FILTER0 *f, const GUID *key, bool v6)
{
	draw_integer low, high;
	int host = draw_below(d, d->hosts);

	if (draw_field(d, f, key, &low, &high) && high - low < 256 && !draw_once_in(d, 8))
		return low + draw_below(d, high - low + 1);
	return v6 ? draw_of_bytes(d->host6[host]) : d->host4[host];
}

static bool one_protocol(const FWPM_FILTER0 *f, UINT8 *ret)
{
	UINT32 count = 0;

	for (UINT32 i = 0; i < f->numFilterConditions; i++) {
		const FWPM_FILTER_CONDITION0 *c = &f->filterCondition[i];

		if (!is(&c->fieldKey, &FWPM_CONDITION_IP_PROTOCOL))
			continue;
		count += c->matchType == FWP_MATCH_EQUAL ? 1 : 2;
		*ret = c->conditionValue.uint8;
	}
	return count == 1;
}

bool draw_has_ports(UINT8 protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 ||
	       protocol == 136;
}

void draw_narrow(struct draw *d, const FWPM_FILTER0 *f, IPSEC_TRAFFIC1 *t)
{
	draw_integer low, high;
	UINT8 said = 0;
	bool one = one_protocol(f, &said);

	t->ipProtocol = 0;
	t->localPort = t->remotePort = 0;
	if (!one || draw_once_in(d, 2))
		t->ipProtocol = draw_field(d, f, &FWPM_CONDITION_IP_PROTOCOL, &low, &high) &&
						!draw_once_in(d, 8) ?
					low :
					draw_protocol(d);
	/* The protocol of a port may be left to the filter, if that says one. */
	if (!draw_has_ports(t->ipProtocol ? t->ipProtocol : said))
		return;
	if (draw_once_in(d, 2))
		t->localPort = draw_field(d, f, &FWPM_CONDITION_IP_LOCAL_PORT, &low, &high) ?
				       low :
				       d->port[draw_below(d, d->ports)];
	if (draw_once_in(d, 2))
		t->remotePort = draw_field(d, f, &FWPM_CONDITION_IP_REMOTE_PORT, &low, &high) ?
					high :
					d->port[draw_below(d, d->ports)];
}

void draw_transport(struct draw *d, const FWPM_FILTER0 *f, IPSEC_TRAFFIC1 *ret)
{
	bool v6 = is(&f->layerKey, &FWPM_LAYER_OUTBOUND_TRANSPORT_V6);
	draw_integer local = end_of(d, f, &FWPM_CONDITION_IP_LOCAL_ADDRESS, v6);
	draw_integer remote = end_of(d, f, &FWPM_CONDITION_IP_REMOTE_ADDRESS, v6);

	*ret = (IPSEC_TRAFFIC1){
		.ipVersion = v6 ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4,
		.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT,
		.ipsecFilterId = f->filterId,
	};
	if (v6) {
		draw_to_bytes(local, ret->localV6Address);
		draw_to_bytes(remote, ret->remoteV6Address);
	} else {
		ret->localV4Address = local;
		ret->remoteV4Address = remote;
	}
	if (!draw_once_in(d, 3))
		draw_narrow(d, f, ret);
}

void draw_tunnel(struct draw *d, UINT64 policy, const IPSEC_TUNNEL_ENDPOINTS0 *ends,
		 IPSEC_TRAFFIC1 *ret)
{
	IPSEC_TUNNEL_ENDPOINTS0 other;

	/* Now and then one between other ends than its policy's. */
	while (draw_once_in(d, 8)) {
		draw_tunnel_ends(d, &other);
		if (other.ipVersion != ends->ipVersion)
			continue;
		ends = &other;
		break;
	}
	*ret = (IPSEC_TRAFFIC1){
		.ipVersion = ends->ipVersion,
		.trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL,
		.tunnelPolicyId = policy,
	};
	memcpy(ret->localV6Address, ends->localV6Address, 16); /* the unions' larger members */
	memcpy(ret->remoteV6Address, ends->remoteV6Address, 16);
}
