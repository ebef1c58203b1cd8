// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Frames: who speaks to whom, all the headers that may stand around it, and what may be wrong. */
#include <string.h>

#include "draw_value.h"
#include "fwp/guid.h"

enum {
	PORT_MAX = 0xffff,
	PORT_NAT = 4500,
	EXTENSIONS_MAX = 9, /* one more than are believed */
	PAYLOAD_MAX = 24,
};

/* --- who speaks to whom -------------------------------------------------------------------------------- */

struct talk {
	bool v6;
	draw_integer local, remote;
	UINT8 protocol;
	UINT16 local_port, remote_port;
};

/* At the edges of a range, a step beyond them, and within. */
static draw_integer edge(struct draw *d, draw_integer low, draw_integer high)
{
	switch (draw_below(d, 16)) {
	case 0:
		return low - 1;
	case 1:
		return high + 1;
	case 2 ... 7:
		return low;
	case 8 ... 10:
		return high;
	default:
		return low + (high - low ? draw_below(d, high - low) : 0);
	}
}

static draw_integer host(struct draw *d, bool v6)
{
	int i = draw_below(d, d->hosts);

	return v6 ? draw_of_bytes(d->host6[i]) : d->host4[i];
}

static void talk_any(struct draw *d, struct talk *t)
{
	*t = (struct talk){ .v6 = draw_once_in(d, 2) };
	t->local = host(d, t->v6);
	t->remote = host(d, t->v6);
	t->protocol = draw_protocol(d);
	if (draw_once_in(d, 16))
		t->protocol = draw_once_in(d, 2) ? 50 : 51;
	t->local_port = d->port[draw_below(d, d->ports)];
	t->remote_port = d->port[draw_below(d, d->ports)];
}

static void talk_like_filter(struct draw *d, const FWPM_FILTER0 *f, struct talk *t)
{
	draw_integer low, high;

	t->v6 = !memcmp(&f->layerKey, &FWPM_LAYER_INBOUND_TRANSPORT_V6, sizeof(GUID)) ||
		!memcmp(&f->layerKey, &FWPM_LAYER_OUTBOUND_TRANSPORT_V6, sizeof(GUID));
	t->local = host(d, t->v6);
	t->remote = host(d, t->v6);
	if (draw_field(d, f, &FWPM_CONDITION_IP_LOCAL_ADDRESS, &low, &high))
		t->local = edge(d, low, high);
	if (draw_field(d, f, &FWPM_CONDITION_IP_REMOTE_ADDRESS, &low, &high))
		t->remote = edge(d, low, high);
	if (draw_field(d, f, &FWPM_CONDITION_IP_PROTOCOL, &low, &high))
		t->protocol = edge(d, low, high);
	if (draw_field(d, f, &FWPM_CONDITION_IP_LOCAL_PORT, &low, &high))
		t->local_port = edge(d, low, high);
	if (draw_field(d, f, &FWPM_CONDITION_IP_REMOTE_PORT, &low, &high))
		t->remote_port = edge(d, low, high);
}

static void talk_like_traffic(struct draw *d, const IPSEC_TRAFFIC1 *c, struct talk *t)
{
	t->v6 = c->ipVersion == FWP_IP_VERSION_V6;
	t->local = t->v6 ? draw_of_bytes(c->localV6Address) : c->localV4Address;
	t->remote = t->v6 ? draw_of_bytes(c->remoteV6Address) : c->remoteV4Address;
	if (c->ipProtocol)
		t->protocol = c->ipProtocol;
	if (c->localPort)
		t->local_port = c->localPort;
	if (c->remotePort)
		t->remote_port = c->remotePort;
	/* Without one of what narrows it. */
	switch (draw_below(d, 16)) {
	case 0:
		t->protocol = draw_protocol(d);
		break;
	case 1 ... 2:
		t->local_port ^= 1U << draw_below(d, 16);
		break;
	case 3 ... 4:
		t->remote_port ^= 1U << draw_below(d, 16);
		break;
	case 5:
		t->remote ^= 1;
	}
}

/* --- headers ---------------------------------------------------------------------------------------------- */

struct build {
	struct draw *d;
	struct talk talk;
	UINT16 nat_port;
	bool first_fragment, later_fragment;
	UINT8 *data;
	size_t size;
};

static UINT8 *put(struct build *b, size_t size)
{
	UINT8 *at = b->data + b->size;

	memset(at, 0, size);
	b->size += size;
	return at;
}

static void put_number(UINT8 *at, UINT64 n, int size)
{
	for (int i = size - 1; i >= 0; i--, n >>= 8)
		at[i] = n;
}

static void put_random(struct build *b, size_t size)
{
	UINT8 *at = put(b, size);

	for (size_t i = 0; i < size; i++)
		at[i] = draw_below(b->d, 256);
}

/* SPI and sequence number; some SPIs are 0, which is none. */
static void put_esp(struct build *b)
{
	put_number(put(b, 8), draw_once_in(b->d, 8) ? 0 : 0x10000 + draw_below(b->d, 4), 4);
	put_random(b, draw_below(b->d, PAYLOAD_MAX));
}

static void put_ah(struct build *b)
{
	size_t words = draw_below(b->d, 6);
	UINT8 *at = put(b, 12 + 4 * words);

	at[0] = 6;
	at[1] = words + 1;
	put_number(at + 4, 0x10000, 4);
	if (draw_once_in(b->d, 8))
		at[1] = draw_below(b->d, 16);
}

static void put_nat_payload(struct build *b)
{
	switch (draw_below(b->d, 6)) {
	case 0:
		put(b, 1)[0] = draw_once_in(b->d, 3) ? 0xfe : 0xff;
		break;
	case 1:
		put(b, 4);
		put_random(b, PAYLOAD_MAX);
		break;
	case 2:
		put_random(b, draw_below(b->d, 12));
		break;
	default:
		put_esp(b);
	}
}

static void put_ports(const struct build *b, UINT8 *at)
{
	put_number(at, b->talk.remote_port, 2);
	put_number(at + 2, b->talk.local_port, 2);
}

static bool is_nat(const struct build *b, UINT16 port)
{
	return port == PORT_NAT || (b->nat_port && port == b->nat_port);
}

static void put_udp(struct build *b)
{
	size_t from = b->size;
	UINT8 *at = put(b, 8);

	put_ports(b, at);
	if (is_nat(b, b->talk.local_port) || is_nat(b, b->talk.remote_port))
		put_nat_payload(b);
	else
		put_random(b, draw_below(b->d, PAYLOAD_MAX));
	put_number(at + 4, b->size - from, 2);
	if (b->first_fragment)
		put_number(at + 4, b->size - from + 1000, 2);
	else if (draw_once_in(b->d, 64))
		put_number(at + 4, draw_below(b->d, 64), 2);
}

static void put_upper(struct build *b)
{
	static const struct {
		UINT8 protocol, least;
	} with_ports[] = { { 6, 20 }, { 33, 12 }, { 132, 12 }, { 136, 8 } };
	UINT8 *at;

	if (b->talk.protocol == 50) {
		put_esp(b);
	} else if (b->talk.protocol == 51) {
		put_ah(b);
	} else if (b->talk.protocol == 17) {
		put_udp(b);
	} else if (b->talk.protocol == 1 || b->talk.protocol == 58) {
		at = put(b, 8);
		at[0] = b->talk.local_port;
		at[1] = b->talk.remote_port;
	} else {
		for (size_t i = 0; i < sizeof(with_ports) / sizeof(with_ports[0]); i++)
			if (with_ports[i].protocol == b->talk.protocol)
				put_ports(b, put(b, with_ports[i].least));
		put_random(b, draw_below(b->d, PAYLOAD_MAX));
	}
}

static void put_ipv4(struct build *b)
{
	size_t from = b->size, options = draw_once_in(b->d, 6) ? draw_below(b->d, 11) : 0;
	UINT8 *ip = put(b, 20), *options_at = put(b, 4 * options);
	UINT16 fragment = draw_once_in(b->d, 2) ? 0x4000 : 0; /* do not */

	memset(options_at, 1, 4 * options); /* no operation */
	if (b->first_fragment)
		fragment = 0x2000;
	if (b->later_fragment)
		fragment = 0x2000 * draw_below(b->d, 2) + 1 + draw_below(b->d, 0x1fff);
	ip[0] = 0x45 + options;
	put_number(ip + 6, fragment, 2);
	ip[8] = 64;
	ip[9] = b->talk.protocol;
	put_number(ip + 12, b->talk.remote, 4);
	put_number(ip + 16, b->talk.local, 4);
	put_upper(b);
	put_number(ip + 2, b->size - from, 2);
	if (draw_once_in(b->d, 64))
		put_number(ip + 2, draw_below(b->d, 128), 2);
	if (draw_once_in(b->d, 128))
		ip[0] = draw_below(b->d, 256);
}

/* A chain of extension headers; *next is where the first of them is named. */
static void put_extensions(struct build *b, UINT8 *next)
{
	static const UINT8 kinds[] = { 0, 43, 60 };
	int count = draw_once_in(b->d, 4) ? draw_below(b->d, 4) : 0;
	int fragment = -1;

	if (draw_once_in(b->d, 64))
		count = EXTENSIONS_MAX - draw_below(b->d, 3);
	if (b->first_fragment || b->later_fragment || draw_once_in(b->d, 32))
		fragment = draw_below(b->d, ++count);
	for (int i = 0; i < count; i++) {
		size_t words = i == fragment ? 0 : draw_below(b->d, 3);
		UINT8 *at = put(b, 8 + 8 * words);

		*next = i == fragment ? 44 : kinds[draw_below(b->d, sizeof(kinds))];
		next = at;
		if (i != fragment)
			at[1] = words;
		else if (b->first_fragment)
			put_number(at + 2, 1, 2);
		else if (b->later_fragment)
			put_number(at + 2, 8 * (1 + draw_below(b->d, 0x1fff)) + draw_below(b->d, 2),
				   2);
	}
	*next = b->talk.protocol;
}

static void put_ipv6(struct build *b)
{
	UINT8 *ip = put(b, 40);
	size_t from = b->size;

	ip[0] = 0x60;
	ip[7] = 64;
	draw_to_bytes(b->talk.remote, ip + 8);
	draw_to_bytes(b->talk.local, ip + 24);
	put_extensions(b, ip + 6);
	put_upper(b);
	put_number(ip + 4, b->size - from, 2);
	if (draw_once_in(b->d, 64))
		put_number(ip + 4, draw_below(b->d, 128), 2);
	if (draw_once_in(b->d, 128))
		ip[0] = draw_below(b->d, 256);
}

static void put_ethernet(struct build *b)
{
	int tags = draw_once_in(b->d, 6) ? draw_below(b->d, 4) : 0;
	UINT16 type = b->talk.v6 ? 0x86dd : 0x0800;

	put(b, 12)[0] = 2;
	for (int i = 0; i < tags; i++) {
		UINT8 *at = put(b, 4);

		put_number(at, draw_once_in(b->d, 2) ? 0x8100 : 0x88a8, 2);
		put_number(at + 2, draw_below(b->d, PORT_MAX + 1), 2);
	}
	if (draw_once_in(b->d, 64))
		type = draw_once_in(b->d, 2) ? 0x0806 : type ^ 0x8edd; /* the other version's */
	put_number(put(b, 2), type, 2);
}

size_t draw_frame(struct draw *d, const FWPM_FILTER0 *filter, const IPSEC_TRAFFIC1 *traffic,
		  UINT16 nat_port, UINT8 ret[DRAW_FRAME_MAX])
{
	enum { ETHERNET = 14 };
	struct build b = { .d = d, .nat_port = nat_port, .data = ret };

	talk_any(d, &b.talk);
	if (filter)
		talk_like_filter(d, filter, &b.talk);
	if (traffic)
		talk_like_traffic(d, traffic, &b.talk);
	b.first_fragment = draw_once_in(d, 24);
	b.later_fragment = !b.first_fragment && draw_once_in(d, 32);
	put_ethernet(&b);
	if (b.talk.v6)
		put_ipv6(&b);
	else
		put_ipv4(&b);
	if (draw_once_in(d, 6))
		put_random(&b, draw_below(d, PAYLOAD_MAX)); /* padding */
	if (draw_once_in(d, 32))
		b.size = ETHERNET + draw_below(d, b.size - ETHERNET + 1);
	return b.size;
}
