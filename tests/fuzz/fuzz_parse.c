// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Any bytes through the packet parser: nothing is read past what it sees (ASan), and what it says
 * agrees with the bytes, which are looked at again here without it.
 *
 * An input is how many bytes of the frame lie in other buffers (u16, little endian), the configured
 * port (u16, network order), and what is seen of the frame.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parse.bpf.h"

#define check(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *frame;
	size_t seen;
	size_t frame_len;
	__be16 encap_port;
};

static __u16 read16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static __u32 read32(const uint8_t *at)
{
	return (__u32)read16(at) << 16 | read16(at + 2);
}

/* The IP header aligned as a driver aligns it, nothing behind what is seen. */
static struct packet parse(const struct input *in, size_t seen)
{
	uint8_t *copy = malloc(seen + 2);
	struct cursor c = { .pos = copy + 2, .end = copy + 2 + seen };
	struct packet p;

	check(copy);
	memcpy(copy + 2, in->frame, seen);
	memset(&p, 0xaa, sizeof(p));
	packet_parse(&c, in->frame_len, in->encap_port, &p);
	free(copy);
	return p;
}

static void check_ip(const struct input *in, const struct packet *p)
{
	const uint8_t *ip = in->frame + p->l3_off;
	__u32 first = p->family == 4 ? 12 : 8, size = p->family == 4 ? 4 : 16;
	__u32 hdr_len = p->family == 4 ? 20 : 40;

	check(p->l3_off == 14 || p->l3_off == 18 || p->l3_off == 22);
	check(p->l3_off + hdr_len <= in->seen);
	check(read16(ip - 2) == (p->family == 4 ? ETH_P_IP : ETH_P_IPV6));
	check(ip[0] >> 4 == p->family);
	check(p->bytes >= hdr_len && p->l3_off + p->bytes <= in->frame_len);
	check(!memcmp(p->saddr, ip + first, size) && !memcmp(p->daddr, ip + first + size, size));
	if (p->family == 4) {
		check(!p->saddr[1] && !p->saddr[2] && !p->saddr[3]);
		check(!p->daddr[1] && !p->daddr[2] && !p->daddr[3]);
		check(p->bytes == read16(ip + 2) || !read16(ip + 2));
	} else {
		check(p->bytes == 40u + read16(ip + 4) || !read16(ip + 4));
	}
	if (p->class == CLASS_FRAGMENT) {
		check(p->fragment == FRAGMENT_LATER && !p->l4_off);
	} else {
		check(p->fragment != FRAGMENT_LATER);
		check(p->l4_off >= p->l3_off + hdr_len && p->l4_off <= p->l3_off + p->bytes);
		check(p->l4_off <= in->seen);
	}
}

static int is_nat_port(const struct input *in, __be16 port)
{
	return port == htons(4500) || (in->encap_port && port == in->encap_port);
}

static void check_upper(const struct input *in, const struct packet *p)
{
	const uint8_t *upper = in->frame + p->l4_off;
	int nat = is_nat_port(in, p->sport) || is_nat_port(in, p->dport);
	size_t left = p->l3_off + p->bytes - p->l4_off;

	switch (p->class) {
	case CLASS_ESP:
		check(p->proto == IPPROTO_ESP && left >= 8);
		check(ntohl(p->spi) == read32(upper) && p->seq == read32(upper + 4));
		break;
	case CLASS_AH:
		check(p->proto == IPPROTO_AH && left >= 12);
		check(ntohl(p->spi) == read32(upper + 4) && p->seq == read32(upper + 8));
		break;
	case CLASS_ESP_UDP:
		check(p->proto == IPPROTO_ESP && left >= 16 && nat && p->spi);
		check(ntohl(p->spi) == read32(upper + 8) && p->seq == read32(upper + 12));
		break;
	case CLASS_IKE:
		check(p->proto == IPPROTO_UDP && left >= 8);
		check(nat ? left >= 12 && !read32(upper + 8) :
			    p->sport == htons(500) || p->dport == htons(500));
		break;
	case CLASS_KEEPALIVE:
		check(p->proto == IPPROTO_UDP && left >= 9 && nat && upper[8] == 0xff);
		break;
	case CLASS_CLEAR:
		check(p->proto != IPPROTO_ESP && p->proto != IPPROTO_AH);
		check(p->proto != IPPROTO_UDP || !nat);
		break;
	}
	check(p->encap == (p->class == CLASS_ESP_UDP));
	if (p->sport || p->dport) {
		check(ntohs(p->sport) == read16(upper));
		check(ntohs(p->dport) == read16(upper + 2));
	}
	if (p->class != CLASS_ESP && p->class != CLASS_AH && p->class != CLASS_ESP_UDP)
		check(!p->spi && !p->seq);
}

static void check_packet(const struct input *in, const struct packet *p)
{
	static const struct packet other = { .class = CLASS_OTHER };

	check(!p->pad);
	switch (p->class) {
	case CLASS_OTHER:
		check(!memcmp(p, &other, sizeof(other)));
		break;
	case CLASS_MALFORMED:
		check(p->family == 4 || p->family == 6);
		break;
	case CLASS_UNSEEN:
		check(in->seen < in->frame_len);
		break;
	default:
		check(p->class < CLASS_COUNT);
		check_ip(in, p);
		check_upper(in, p);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p, part;
	struct input in;
	size_t seen;

	if (size < 4)
		return 0;
	memcpy(&in.encap_port, data + 2, sizeof(in.encap_port));
	in.frame = data + 4;
	in.seen = size - 4;
	in.frame_len = in.seen + (data[0] | data[1] << 8);
	p = parse(&in, in.seen);
	check_packet(&in, &p);

	/* Told of nothing but what is seen, the parser may find a length too long, no more. */
	part = parse(&(struct input){ in.frame, in.seen, in.seen, in.encap_port }, in.seen);
	if (in.frame_len <= 0xffff && part.class != CLASS_MALFORMED)
		check(!memcmp(&part, &p, sizeof(p)));

	/* Seeing less can only hide something, never change it. */
	for (seen = in.seen; seen-- > 0;) {
		part = parse(&in, seen);
		if (part.class == CLASS_UNSEEN || (part.class == CLASS_OTHER && seen < 22))
			break;
		check(part.class == p.class);
		if (p.class != CLASS_MALFORMED)
			check(!memcmp(&part, &p, sizeof(p)));
	}
	return 0;
}
