// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tell.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fwp/guid.h"

static void tell_value(const FWP_VALUE0 *v)
{
	char text[INET6_ADDRSTRLEN];

	switch (v->type) {
	case FWP_UINT8:
		fprintf(stderr, "%u", v->uint8);
		break;
	case FWP_UINT16:
		fprintf(stderr, "%u", v->uint16);
		break;
	case FWP_UINT32:
		fprintf(stderr, "%u.%u.%u.%u", v->uint32 >> 24, v->uint32 >> 16 & 0xff,
			v->uint32 >> 8 & 0xff, v->uint32 & 0xff);
		break;
	default:
		fprintf(stderr, "%s", inet_ntop(AF_INET6, v->byteArray16, text, sizeof(text)));
	}
}

static void tell_condition(const FWPM_FILTER_CONDITION0 *c)
{
	static const struct {
		const GUID *key;
		const char *name;
	} names[] = {
		{ &FWPM_CONDITION_IP_LOCAL_ADDRESS, "local" },
		{ &FWPM_CONDITION_IP_REMOTE_ADDRESS, "remote" },
		{ &FWPM_CONDITION_IP_PROTOCOL, "protocol" },
		{ &FWPM_CONDITION_IP_LOCAL_PORT, "local-port" },
		{ &FWPM_CONDITION_IP_REMOTE_PORT, "remote-port" },
	};
	const FWP_CONDITION_VALUE0 *v = &c->conditionValue;
	FWP_VALUE0 one = { .type = v->type };
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!memcmp(names[i].key, &c->fieldKey, sizeof(GUID)))
			fprintf(stderr, " %s ", names[i].name);
	switch (v->type) {
	case FWP_RANGE_TYPE:
		tell_value(&v->rangeValue->valueLow);
		fprintf(stderr, "-");
		tell_value(&v->rangeValue->valueHigh);
		return;
	case FWP_V4_ADDR_MASK:
		one = (FWP_VALUE0){ .type = FWP_UINT32, .uint32 = v->v4AddrMask->addr };
		tell_value(&one);
		fprintf(stderr, "/%d", __builtin_popcount(v->v4AddrMask->mask));
		return;
	case FWP_V6_ADDR_MASK:
		fprintf(stderr, "%s/%u",
			inet_ntop(AF_INET6, v->v6AddrMask->addr, text, sizeof(text)),
			v->v6AddrMask->prefixLength);
		return;
	case FWP_UINT8:
		one.uint8 = v->uint8;
		break;
	case FWP_UINT16:
		one.uint16 = v->uint16;
		break;
	case FWP_UINT32:
		one.uint32 = v->uint32;
		break;
	default:
		one.byteArray16 = v->byteArray16;
	}
	tell_value(&one);
}

static const char *layer_name(const GUID *key)
{
	static const struct {
		const GUID *key;
		const char *name;
	} layers[] = {
		{ &FWPM_LAYER_INBOUND_TRANSPORT_V4, "inbound V4" },
		{ &FWPM_LAYER_INBOUND_TRANSPORT_V6, "inbound V6" },
		{ &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, "outbound V4" },
		{ &FWPM_LAYER_OUTBOUND_TRANSPORT_V6, "outbound V6" },
	};

	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (!memcmp(layers[i].key, key, sizeof(*key)))
			return layers[i].name;
	return "no layer";
}

void tell_filter(const FWPM_FILTER0 *f, UINT16 sublayer_weight, bool marked)
{
	fprintf(stderr, "%c filter %" PRIu64 " %s, sublayer %u, weight 0x%" PRIx64 ", action 0x%x",
		marked ? '*' : ' ', (uint64_t)f->filterId, layer_name(&f->layerKey),
		sublayer_weight, (uint64_t)*f->effectiveWeight.uint64, f->action.type);
	if (f->action.type & FWP_ACTION_FLAG_CALLOUT)
		fprintf(stderr, " callout %x-...", f->action.calloutKey.Data1);
	fprintf(stderr, ", flags 0x%x:", f->flags);
	for (UINT32 i = 0; i < f->numFilterConditions; i++)
		tell_condition(&f->filterCondition[i]);
	fprintf(stderr, "\n");
}

void tell_context(UINT64 id, const IPSEC_TRAFFIC1 *t, bool marked)
{
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	UINT32 v4[2] = { htonl(t->localV4Address), htonl(t->remoteV4Address) };
	bool v6 = t->ipVersion == FWP_IP_VERSION_V6;

	inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? (void *)t->localV6Address : &v4[0], local,
		  sizeof(local));
	inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? (void *)t->remoteV6Address : &v4[1], remote,
		  sizeof(remote));
	fprintf(stderr,
		"%c context %" PRIu64 " of %s %" PRIu64
		": local %s port %u, remote %s port %u, protocol %u\n",
		marked ? '*' : ' ', (uint64_t)id,
		t->trafficType == IPSEC_TRAFFIC_TYPE_TUNNEL ? "tunnel policy" : "filter",
		(uint64_t)t->ipsecFilterId, local, t->localPort, remote, t->remotePort,
		t->ipProtocol);
}

void tell_frame(const UINT8 *frame, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(stderr, "%02x", frame[i]);
	fprintf(stderr, "\n");
}
