// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Frames by their RFCs: Ethernet with up to two VLAN tags (IEEE 802.1Q), IPv4 (RFC 791), IPv6 with
 * up to eight extension headers (RFC 8200), and what is behind them. Offsets into an array of bytes;
 * the packet's end moves inward as lengths are read.
 */
#include <string.h>

#include "model.h"

enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_DESTINATION = 60,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,

	VLAN_TAGS = 2,
	EXTENSIONS = 8,
	PORT_IKE = 500,
	PORT_NAT = 4500,
};

struct bytes {
	const UINT8 *data;
	size_t at, end;
};

static size_t rest(const struct bytes *b)
{
	return b->end - b->at;
}

static UINT32 number(const struct bytes *b, size_t offset, int size)
{
	UINT32 n = 0;

	for (int i = 0; i < size; i++)
		n = n * 256 + b->data[b->at + offset + i];
	return n;
}

static enum model_kind esp(const struct bytes *b, enum model_kind kind)
{
	return rest(b) < 8 ? MODEL_MALFORMED : kind; /* RFC 4303, 2: SPI and sequence number */
}

/* RFC 4302, 2.2: its length is in words of 32 bits less two, and 12 bytes stand before the ICV. */
static enum model_kind ah(const struct bytes *b)
{
	size_t length;

	if (rest(b) < 12)
		return MODEL_MALFORMED;
	length = 4 * (number(b, 1, 1) + 2);
	return length < 12 || length > rest(b) ? MODEL_MALFORMED : MODEL_AH;
}

/* RFC 3948, 2.1 to 2.3: an SPI, four bytes of zero before IKE, or the byte 0xff alone. */
static enum model_kind nat_traversal(const struct bytes *b)
{
	if (rest(b) == 1)
		return number(b, 0, 1) == 0xff ? MODEL_KEEPALIVE : MODEL_MALFORMED;
	if (rest(b) < 4)
		return MODEL_MALFORMED;
	return number(b, 0, 4) ? esp(b, MODEL_ESP_IN_UDP) : MODEL_IKE;
}

static void ports(const struct bytes *b, struct model_packet *p)
{
	p->has_ports = true;
	p->source_port = number(b, 0, 2);
	p->destination_port = number(b, 2, 2);
}

static bool port_is(const struct model_packet *p, UINT16 port)
{
	return p->source_port == port || p->destination_port == port;
}

static enum model_kind udp(struct bytes *b, UINT16 nat_port, struct model_packet *p)
{
	size_t length;

	if (rest(b) < 8)
		return MODEL_MALFORMED;
	length = number(b, 4, 2);
	if (length < 8)
		return MODEL_MALFORMED;
	/* The length is the datagram's, of which a first fragment has only the beginning. */
	if (!p->first_fragment && length > rest(b))
		return MODEL_MALFORMED;
	if (!p->first_fragment)
		b->end = b->at + length;
	ports(b, p);
	b->at += 8;
	if (port_is(p, PORT_NAT) || (nat_port && port_is(p, nat_port)))
		return nat_traversal(b);
	return port_is(p, PORT_IKE) ? MODEL_IKE : MODEL_CLEAR;
}

static enum model_kind with_ports(const struct bytes *b, size_t least, struct model_packet *p)
{
	if (rest(b) < least)
		return MODEL_MALFORMED;
	ports(b, p);
	return MODEL_CLEAR;
}

static enum model_kind icmp(const struct bytes *b, struct model_packet *p)
{
	if (rest(b) < 8)
		return MODEL_MALFORMED;
	p->has_ports = p->is_icmp = true;
	p->icmp_type = number(b, 0, 1);
	p->icmp_code = number(b, 1, 1);
	return MODEL_CLEAR;
}

static enum model_kind upper(struct bytes *b, UINT16 nat_port, struct model_packet *p)
{
	if (p->protocol == PROTO_ESP)
		return esp(b, MODEL_ESP);
	if (p->protocol == PROTO_AH)
		return ah(b);
	if (p->protocol == PROTO_UDP)
		return udp(b, nat_port, p);
	if (p->protocol == PROTO_TCP)
		return with_ports(b, 20, p); /* RFC 9293, 3.1 */
	if (p->protocol == PROTO_UDPLITE)
		return with_ports(b, 8, p); /* RFC 3828, 3 */
	if (p->protocol == PROTO_SCTP)
		return with_ports(b, 12, p); /* RFC 9260, 3.1 */
	if (p->protocol == PROTO_DCCP)
		return with_ports(b, 12, p); /* RFC 4340, 5.1 */
	/* Each of them belongs to one version: the other has no meaning for it. */
	if (p->protocol == (p->version == 4 ? PROTO_ICMP : PROTO_ICMPV6))
		return icmp(b, p);
	return MODEL_CLEAR;
}

static enum model_kind ipv4(struct bytes *b, UINT16 nat_port, struct model_packet *p)
{
	size_t header, total;

	p->version = 4;
	if (rest(b) < 20 || number(b, 0, 1) >> 4 != 4)
		return MODEL_MALFORMED;
	header = 4 * (number(b, 0, 1) & 0xf);
	total = number(b, 2, 2);
	if (header < 20 || total < header || total > rest(b))
		return MODEL_MALFORMED;
	p->bytes = total;
	p->protocol = number(b, 9, 1);
	memcpy(p->source, b->data + b->at + 12, 4);
	memcpy(p->destination, b->data + b->at + 16, 4);
	if (number(b, 6, 2) & 0x1fff)
		return MODEL_LATER_FRAGMENT;
	p->first_fragment = number(b, 6, 2) & 0x2000;
	b->end = b->at + total;
	b->at += header;
	return upper(b, nat_port, p);
}

static bool is_extension(UINT8 protocol)
{
	return protocol == PROTO_HOP_BY_HOP || protocol == PROTO_ROUTING ||
	       protocol == PROTO_FRAGMENT || protocol == PROTO_DESTINATION;
}

static enum model_kind ipv6(struct bytes *b, UINT16 nat_port, struct model_packet *p)
{
	size_t payload, size;

	p->version = 6;
	if (rest(b) < 40 || number(b, 0, 1) >> 4 != 6)
		return MODEL_MALFORMED;
	payload = number(b, 4, 2);
	if (payload > rest(b) - 40)
		return MODEL_MALFORMED;
	p->bytes = 40 + payload;
	p->protocol = number(b, 6, 1);
	memcpy(p->source, b->data + b->at + 8, 16);
	memcpy(p->destination, b->data + b->at + 24, 16);
	b->at += 40;
	b->end = b->at + payload;

	for (int headers = 0; is_extension(p->protocol); headers++) {
		bool fragment = p->protocol == PROTO_FRAGMENT;

		if (headers == EXTENSIONS || rest(b) < 2)
			return MODEL_MALFORMED;
		size = fragment ? 8 : 8 * (number(b, 1, 1) + 1);
		if (size > rest(b))
			return MODEL_MALFORMED;
		p->protocol = number(b, 0, 1);
		if (fragment && number(b, 2, 2) >> 3)
			return MODEL_LATER_FRAGMENT;
		/* Without either it is the whole packet (RFC 6946). */
		if (fragment && number(b, 2, 2) & 1)
			p->first_fragment = true;
		b->at += size;
	}
	return upper(b, nat_port, p);
}

void model_frame(const void *frame, size_t length, UINT16 nat_port, struct model_packet *ret)
{
	struct bytes b = { frame, 12, length };
	UINT32 type = 0;

	*ret = (struct model_packet){ .kind = MODEL_NOT_IP, .bytes = length };
	if (length < b.at)
		return;
	for (int tags = 0; rest(&b) >= 2; tags++) {
		type = number(&b, 0, 2);
		b.at += 2;
		if ((type != 0x8100 && type != 0x88a8) || tags == VLAN_TAGS)
			break;
		if (rest(&b) < 4)
			return;
		b.at += 2;
	}
	if (type == 0x0800)
		ret->kind = ipv4(&b, nat_port, ret);
	else if (type == 0x86dd)
		ret->kind = ipv6(&b, nat_port, ret);
	if (ret->kind == MODEL_MALFORMED)
		ret->bytes = length;
}
