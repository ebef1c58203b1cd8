// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The packet parser, compiled for the host, against the frames of tests/frames/: each as it is, cut
 * at each of its bytes, and seen only up to each of its bytes. Prints which header combinations
 * were reached with which outcome, and fails when one that must be reached was not.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "check.h"
#include "frames.h"
#include "parse.bpf.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(class)    (1u << (class))

static struct known_frames known;

/*
 * Sees the first len bytes, on the heap so that ASan sees a read past them. As a driver does
 * (NET_IP_ALIGN), the IP header is aligned, which UBSan sees.
 */
static struct packet parse(const uint8_t *data, size_t len, size_t frame_len, uint16_t encap_port)
{
	uint8_t *copy = malloc(len + 2);
	struct cursor c = { .pos = copy + 2, .end = copy + 2 + len };
	struct packet p;

	require(copy, "%m");
	memcpy(copy + 2, data, len);
	memset(&p, 0xaa, sizeof(p)); /* whatever the parser leaves alone shows */
	packet_parse(&c, frame_len, htons(encap_port), &p);
	free(copy);
	return p;
}

static struct packet parse_known(const struct known_frame *f, size_t seen, size_t frame_len)
{
	return parse(f->data, seen, frame_len, FRAMES_ENCAP_PORT);
}

static void packet_print(const char *what, const struct packet *p)
{
	char saddr[INET6_ADDRSTRLEN] = "", daddr[INET6_ADDRSTRLEN] = "";
	int family = p->family == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, p->saddr, saddr, sizeof(saddr));
	inet_ntop(family, p->daddr, daddr, sizeof(daddr));
	print_error("  %s: %s family %u %s > %s proto %u fragment %u encap %u bytes %u spi 0x%08x "
		    "seq %u ports %u > %u icmp %u/%u l3 %u l4 %u pad %u\n",
		    what, packet_class_name(p->class), p->family, saddr, daddr, p->proto,
		    p->fragment, p->encap, p->bytes, ntohl(p->spi), p->seq, ntohs(p->sport),
		    ntohs(p->dport), p->icmp_type, p->icmp_code, p->l3_off, p->l4_off, p->pad);
}

/* What a malformed or unseen packet says beside its class and family is nobody's business. */
static bool packet_is(const struct packet *found, const struct packet *wanted)
{
	if (wanted->class == CLASS_MALFORMED || wanted->class == CLASS_UNSEEN)
		return found->class == wanted->class && found->family == wanted->family;
	return !memcmp(found, wanted, sizeof(*found));
}

static void frames_are_what_they_were_built_as(void **state)
{
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];
		struct packet p = parse_known(f, f->len, f->frame_len);

		if (packet_is(&p, &f->packet))
			continue;
		print_error("%s\n", f->name);
		packet_print("wanted", &f->packet);
		packet_print("found", &p);
		wrong++;
	}
	if (wrong)
		fail_msg("%zu of %zu frames", wrong, known.count);
}

/* What a sound frame becomes of which so much is left, or seen. */
static unsigned int class_left(const struct known_frame *f, size_t left)
{
	if (left < f->packet.l3_off)
		return CLASS_OTHER;
	return left < f->packet.l3_off + f->packet.bytes ? CLASS_MALFORMED : f->packet.class;
}

static unsigned int class_seen(const struct known_frame *f, size_t seen)
{
	if (seen < f->packet.l3_off)
		return CLASS_OTHER;
	return seen < f->need ? CLASS_UNSEEN : f->packet.class;
}

static void check_class(const struct known_frame *f, const char *how, size_t size,
			const struct packet *p, unsigned int class)
{
	if (p->class != class)
		fail_msg("%s, %zu bytes %s: %s instead of %s", f->name, size, how,
			 packet_class_name(p->class), packet_class_name(class));
	if (class == f->packet.class && !packet_is(p, &f->packet)) {
		packet_print("wanted", &f->packet);
		packet_print("found", p);
		fail_msg("%s, %zu bytes %s", f->name, size, how);
	}
}

static void frames_cut_at_any_byte_are_malformed(void **state)
{
	size_t i, left, cut = 0;

	(void)state;
	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];

		if (!f->need || f->len < f->frame_len)
			continue;
		for (left = 0; left < f->len; left++) {
			struct packet p = parse_known(f, left, left);

			check_class(f, "left", left, &p, class_left(f, left));
			cut++;
		}
	}
	assert_true(cut > 0);
}

static void headers_behind_the_linear_part_are_unseen(void **state)
{
	size_t i, seen, cut = 0;

	(void)state;
	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];

		if (!f->need)
			continue;
		for (seen = 0; seen < f->len; seen++) {
			struct packet p = parse_known(f, seen, f->frame_len);

			check_class(f, "seen", seen, &p, class_seen(f, seen));
			cut++;
		}
	}
	assert_true(cut > 0);
}

/* What was malformed stays so, whatever follows it in the frame. */
static void nothing_behind_a_frame_repairs_it(void **state)
{
	uint8_t data[2048];
	size_t i, tried = 0;

	(void)state;
	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];
		struct packet p;

		/* Lengths that lie, or that nothing was cut to, are repaired by more bytes. */
		if (f->packet.class != CLASS_MALFORMED || !strcmp(f->cut, "-") ||
		    !strcmp(f->cut, "ipv4") || !strcmp(f->cut, "ipv6"))
			continue;
		assert_true(f->len + 64 <= sizeof(data));
		memset(data, 0, sizeof(data));
		memcpy(data, f->data, f->len);
		p = parse(data, f->len + 64, f->len + 64, FRAMES_ENCAP_PORT);
		if (p.class != CLASS_MALFORMED)
			fail_msg("%s: %s", f->name, packet_class_name(p.class));
		tried++;
	}
	assert_true(tried > 0);
}

/* No port is configured: then 5500 is a port like any other, and so is 0. */
static void without_a_configured_port_only_4500_is_special(void **state)
{
	size_t i, with_port = 0;

	(void)state;
	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];
		__be16 port = htons(FRAMES_ENCAP_PORT);
		struct packet p;

		if (!f->need)
			continue;
		p = parse(f->data, f->len, f->frame_len, 0);
		if (f->packet.sport != port && f->packet.dport != port) {
			check_class(f, "seen", f->len, &p, f->packet.class);
			continue;
		}
		if (p.class != CLASS_CLEAR || p.proto != IPPROTO_UDP || p.spi || p.seq || p.encap)
			fail_msg("%s: %s proto %u", f->name, packet_class_name(p.class), p.proto);
		with_port++;
	}
	assert_true(with_port > 0);
}

/*
 * The table. Counted are the frames of the file by the outcome found, and besides as "cut" and
 * "unseen" what the two tests above make of them.
 */
struct reached {
	const char *link;
	const char *net;
	size_t class[CLASS_COUNT];
	size_t cut;
};

#define CARRIES_ANY                                                                                \
	(BIT(CLASS_CLEAR) | BIT(CLASS_ESP) | BIT(CLASS_AH) | BIT(CLASS_ESP_UDP) | BIT(CLASS_IKE) | \
	 BIT(CLASS_MALFORMED) | BIT(CLASS_UNSEEN))
#define CARRIES_ALL (CARRIES_ANY | BIT(CLASS_KEEPALIVE))
#define LATER	    (BIT(CLASS_FRAGMENT) | BIT(CLASS_UNSEEN))
#define BUFFERS	    (CARRIES_ANY & ~BIT(CLASS_MALFORMED))

static const char *const links[] = { "-", "vlan", "vlan+vlan" };

static const struct {
	const char *net;
	unsigned int classes;
} required[] = {
	{ "-", BIT(CLASS_OTHER) },
	{ "ipv4", CARRIES_ALL },
	{ "ipv4+options", CARRIES_ALL },
	{ "ipv4+40", CARRIES_ALL },
	{ "ipv4 first", CARRIES_ANY },
	{ "ipv4+options first", CARRIES_ANY },
	{ "ipv4 later", LATER },
	{ "ipv4+options later", LATER | BIT(CLASS_MALFORMED) },
	{ "ipv4 buffers", BUFFERS },
	{ "ipv6", CARRIES_ALL },
	{ "ipv6+hop", CARRIES_ALL },
	{ "ipv6+routing", CARRIES_ALL },
	{ "ipv6+dest", CARRIES_ALL },
	{ "ipv6+fragment", CARRIES_ALL },
	{ "ipv6+hop+dest+routing+dest", CARRIES_ALL },
	{ "ipv6+8", CARRIES_ALL },
	{ "ipv6+9", BIT(CLASS_MALFORMED) },
	{ "ipv6 first", CARRIES_ANY },
	{ "ipv6+hop+dest+routing first", CARRIES_ANY },
	{ "ipv6 later", LATER | BIT(CLASS_MALFORMED) },
	{ "ipv6+hop+dest+routing later", LATER | BIT(CLASS_MALFORMED) },
	{ "ipv6+8 later", LATER | BIT(CLASS_MALFORMED) },
	{ "ipv6 buffers", BUFFERS },
};

static const struct {
	const char *header;
	unsigned int outcome;
	bool only_tagged;
} required_cuts[] = {
	{ "ethernet", CLASS_OTHER, false },	{ "tag", CLASS_OTHER, true },
	{ "ipv4", CLASS_MALFORMED, false },	{ "options", CLASS_MALFORMED, false },
	{ "ipv6", CLASS_MALFORMED, false },	{ "hop", CLASS_MALFORMED, false },
	{ "routing", CLASS_MALFORMED, false },	{ "dest", CLASS_MALFORMED, false },
	{ "fragment", CLASS_MALFORMED, false }, { "esp", CLASS_MALFORMED, false },
	{ "ah", CLASS_MALFORMED, false },	{ "udp", CLASS_MALFORMED, false },
	{ "esp-udp", CLASS_MALFORMED, false },	{ "esp-udp-port", CLASS_MALFORMED, false },
	{ "ike", CLASS_MALFORMED, false },	{ "ike-marker", CLASS_MALFORMED, false },
	{ "tcp", CLASS_MALFORMED, false },	{ "icmp", CLASS_MALFORMED, false },
	{ "sctp", CLASS_MALFORMED, false },	{ "udplite", CLASS_MALFORMED, false },
	{ "dccp", CLASS_MALFORMED, false },	{ "keepalive", CLASS_MALFORMED, false },
};

static void reached_count(struct reached *r)
{
	size_t i, size;

	for (i = 0; i < known.count; i++) {
		const struct known_frame *f = &known.frame[i];
		struct packet p;

		if (strcmp(f->link, r->link) || strcmp(f->net, r->net))
			continue;
		p = parse_known(f, f->len, f->frame_len);
		assert_true(p.class < CLASS_COUNT);
		r->class[p.class] += packet_is(&p, &f->packet);
		for (size = f->packet.l3_off; f->need && size < f->len; size++) {
			p = parse_known(f, size, f->frame_len);
			r->class[CLASS_UNSEEN] += p.class == CLASS_UNSEEN;
			p = parse_known(f, size, size);
			r->cut += p.class == CLASS_MALFORMED && f->len == f->frame_len;
		}
	}
}

static void every_header_combination_is_reached(void **state)
{
	size_t i, l, empty = 0;
	unsigned int class;

	(void)state;
	printf("# frames by headers and outcome (cut, unseen: at each byte; !: must not be empty)\n");
	printf("# %-9s %-27s", "link", "net");
	for (class = 0; class < CLASS_COUNT; class ++)
		printf(" %9s", packet_class_name(class));
	printf(" %9s\n", "cut");

	for (l = 0; l < ARRAY_SIZE(links); l++) {
		for (i = 0; i < ARRAY_SIZE(required); i++) {
			struct reached r = { .link = links[l], .net = required[i].net };

			reached_count(&r);
			printf("# %-9s %-27s", r.link, r.net);
			for (class = 0; class < CLASS_COUNT; class ++) {
				bool must = required[i].classes & BIT(class);

				if (r.class[class] || !must)
					printf(" %9zu", r.class[class]);
				else
					printf(" %9s", "!");
				empty += must && !r.class[class];
			}
			printf(" %9zu\n", r.cut);
		}
	}
	if (empty)
		fail_msg("%zu cells of the table are empty", empty);
}

static void a_cut_in_every_header_is_reached(void **state)
{
	size_t i, k, l, empty = 0;

	(void)state;
	printf("# frames that end inside a header though their lengths agree\n");
	printf("# %-14s %-10s", "header", "outcome");
	for (l = 0; l < ARRAY_SIZE(links); l++)
		printf(" %9s", links[l]);
	printf("\n");

	for (i = 0; i < ARRAY_SIZE(required_cuts); i++) {
		unsigned int outcome = required_cuts[i].outcome;

		printf("# %-14s %-10s", required_cuts[i].header, packet_class_name(outcome));
		for (l = 0; l < ARRAY_SIZE(links); l++) {
			bool must = l || !required_cuts[i].only_tagged;
			size_t count = 0;

			for (k = 0; k < known.count; k++) {
				const struct known_frame *f = &known.frame[k];

				if (strcmp(f->link, links[l]) ||
				    strcmp(f->cut, required_cuts[i].header))
					continue;
				count += parse_known(f, f->len, f->frame_len).class == outcome;
			}
			if (count || !must)
				printf(" %9zu", count);
			else
				printf(" %9s", "!");
			empty += must && !count;
		}
		printf("\n");
	}
	if (empty)
		fail_msg("%zu cells of the table are empty", empty);
}

static int load(void **state)
{
	(void)state;
	frames_init(&known);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	frames_release(&known);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_what_they_were_built_as),
		cmocka_unit_test(frames_cut_at_any_byte_are_malformed),
		cmocka_unit_test(headers_behind_the_linear_part_are_unseen),
		cmocka_unit_test(nothing_behind_a_frame_repairs_it),
		cmocka_unit_test(without_a_configured_port_only_4500_is_special),
		cmocka_unit_test(every_header_combination_is_reached),
		cmocka_unit_test(a_cut_in_every_header_is_reached),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
