// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Clear packets that arrive: which filters decide, and which tunnel should have protected them.
 * Selectors, filters and tunnels are put into the maps by hand.
 */
#include <string.h>

#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/ip.h>

#include "check.h"
#include "datapath.h"

#define PEER  "192.0.2.1"
#define HOST  "192.0.2.2"
#define PEER6 "2001:db8::1"
#define HOST6 "2001:db8::2"

enum {
	FILTER = 100, /* ids */
	OTHER_FILTER = 200,
	OUTBOUND_FILTER = 300,
	POLICY = 400,
	WEIGHT = 1000,
	PORT = 443,
	OWNER_SLOT = 67, /* in the second word of the bitmap */
	LONG_CHAIN = SAXDP_CANDIDATES * 2 + 3, /* three buckets */
	BEYOND = SAXDP_CANDIDATES * SAXDP_CHAIN, /* candidates of a full chain */
};

static const struct frame_spec clear4 = {
	.src = PEER,
	.dst = HOST,
	.proto = IPPROTO_TCP,
	.sport = 40000,
	.dport = PORT,
	.payload = 10,
};
static const struct frame_spec clear6 = {
	.src = PEER6,
	.dst = HOST6,
	.proto = IPPROTO_UDP,
	.sport = 40000,
	.dport = PORT,
	.payload = 10,
};

static const struct saxdp_mask any = { .number = 0 };
static const struct selector_place inbound4 = { .layer = SAXDP_INBOUND_TRANSPORT_V4 };
static const struct selector_place outbound4 = { .layer = SAXDP_OUTBOUND_TRANSPORT_V4 };

static struct saxdp_candidate candidate(uint64_t filter, enum saxdp_action action)
{
	return (struct saxdp_candidate){
		.life = ALIVE,
		.filter = filter,
		.weight = WEIGHT,
		.local_port_high = 0xffff,
		.remote_port_high = 0xffff,
		.action = action,
	};
}

/* A filter and its only candidate. */
static void rule(struct datapath *d, const struct selector_place *at,
		 const struct saxdp_candidate *c)
{
	const struct saxdp_filter f = { .life = ALIVE };

	filter_put(d, c->filter, &f);
	candidate_put(d, at, c);
}

static void simple_rule(struct datapath *d, const struct selector_place *at, uint64_t filter,
			enum saxdp_action action)
{
	const struct saxdp_candidate c = candidate(filter, action);

	rule(d, at, &c);
}

static int open_outside(void **state)
{
	static struct datapath d;

	datapath_open(&d, SAXDP_ROLE_OUTSIDE);
	for (int layer = 0; layer < SAXDP_LAYERS; layer++)
		masks_put(&d, layer, &any, 1);
	d.engine->contexts = 1;
	datapath_publish(&d);
	*state = &d;
	return 0;
}

static int open_inside(void **state)
{
	static struct datapath d;

	datapath_open(&d, SAXDP_ROLE_INSIDE);
	masks_put(&d, SAXDP_INBOUND_TRANSPORT_V4, &any, 1);
	masks_put(&d, SAXDP_OUTBOUND_TRANSPORT_V4, &any, 1);
	d.engine->contexts = 1;
	datapath_publish(&d);
	*state = &d;
	return 0;
}

static int close_all(void **state)
{
	datapath_close(*state);
	return 0;
}

static void arrive(struct datapath *d, const struct frame_spec *s)
{
	/* Nothing is dropped in monitor mode. */
	assert_int_equal(datapath_arrive(d, s), XDP_PASS);
}

static uint64_t decided(struct datapath *d, uint64_t filter)
{
	return filter_get(d, filter).packets;
}

/* --- what a selector holds ----------------------------------------------------------------------- */

static void prefixes_hold_exactly_their_bits(void **state)
{
	static const uint8_t lengths4[] = { 1, 7, 8, 9, 16, 24, 31, 32 };
	static const uint8_t lengths6[] = {
		1, 31, 32, 33, 48, 63, 64, 65, 95, 96, 97, 100, 127, 128
	};
	struct datapath *d = *state;

	for (int family = 4; family <= 6; family += 2) {
		const uint8_t *lengths = family == 4 ? lengths4 : lengths6;
		size_t n = family == 4 ? sizeof(lengths4) : sizeof(lengths6);
		int bytes = family == 4 ? 4 : 16, af = family == 4 ? AF_INET : AF_INET6;
		enum saxdp_layer layer = family == 4 ? SAXDP_INBOUND_TRANSPORT_V4 :
						       SAXDP_INBOUND_TRANSPORT_V6;

		/* One mask for each length and side, and on each the selector of all ones. */
		for (size_t i = 0; i < 2 * n; i++) {
			uint8_t length = lengths[i / 2], ones[16] = {}, host[16];
			struct saxdp_mask m = { .number = i };
			struct selector_place at = { .layer = layer, .mask = i };
			char text[INET6_ADDRSTRLEN], inside[INET6_ADDRSTRLEN];
			char outside[INET6_ADDRSTRLEN];
			struct frame_spec s = family == 4 ? clear4 : clear6;
			uint64_t id = family * 1000 + i;
			int local = i % 2, last = length - 1;

			for (int bit = 0; bit < length; bit++)
				ones[bit / 8] |= 0x80 >> bit % 8;
			inet_ntop(af, ones, text, sizeof(text));
			*(local ? &m.local_prefix : &m.remote_prefix) = length;
			*(local ? &at.local : &at.remote) = text;
			masks_put(d, layer, &m, 1);
			simple_rule(d, &at, id, SAXDP_PERMIT);

			/* Zeros behind the prefix, and the last bit of the prefix turned. */
			inet_ntop(af, ones, inside, sizeof(inside));
			memcpy(host, ones, bytes);
			host[last / 8] ^= 0x80 >> last % 8;
			inet_ntop(af, host, outside, sizeof(outside));
			*(local ? &s.dst : &s.src) = inside;
			arrive(d, &s);
			*(local ? &s.dst : &s.src) = outside;
			arrive(d, &s);
			if (length < bytes * 8) { /* the first bit behind it is free */
				memcpy(host, ones, bytes);
				host[length / 8] |= 0x80 >> length % 8;
				inet_ntop(af, host, inside, sizeof(inside));
				*(local ? &s.dst : &s.src) = inside;
				arrive(d, &s);
			}
			if (decided(d, id) != 1 + (length < bytes * 8))
				fail_msg("IPv%d, %s /%u: %llu packets", family,
					 local ? "local" : "remote", length,
					 (unsigned long long)decided(d, id));
		}
	}
}

static void fields_of_a_mask_are_exact(void **state)
{
	static const uint8_t fields[] = {
		SAXDP_FIELD_PROTOCOL,
		SAXDP_FIELD_LOCAL_PORT,
		SAXDP_FIELD_REMOTE_PORT,
		SAXDP_FIELD_PROTOCOL | SAXDP_FIELD_LOCAL_PORT | SAXDP_FIELD_REMOTE_PORT,
	};
	struct datapath *d = *state;

	for (int v6 = 0; v6 < 2; v6++) {
		enum saxdp_layer layer = v6 ? SAXDP_INBOUND_TRANSPORT_V6 :
					      SAXDP_INBOUND_TRANSPORT_V4;

		for (size_t i = 0; i < sizeof(fields); i++) {
			struct saxdp_mask m = { .number = i, .fields = fields[i] };
			struct frame_spec s = v6 ? clear6 : clear4, other;
			struct selector_place at = { .layer = layer, .mask = i };
			uint64_t id = 1000 + 10 * i + v6, want = 1;

			if (fields[i] & SAXDP_FIELD_PROTOCOL)
				at.protocol = s.proto;
			if (fields[i] & SAXDP_FIELD_LOCAL_PORT)
				at.local_port = s.dport;
			if (fields[i] & SAXDP_FIELD_REMOTE_PORT)
				at.remote_port = s.sport;
			masks_put(d, layer, &m, 1);
			simple_rule(d, &at, id, SAXDP_PERMIT);

			arrive(d, &s);
			other = s;
			other.proto = IPPROTO_SCTP;
			arrive(d, &other);
			want += !(fields[i] & SAXDP_FIELD_PROTOCOL);
			other = s;
			other.dport++;
			arrive(d, &other);
			want += !(fields[i] & SAXDP_FIELD_LOCAL_PORT);
			other = s;
			other.sport++;
			arrive(d, &other);
			want += !(fields[i] & SAXDP_FIELD_REMOTE_PORT);
			if (decided(d, id) != want)
				fail_msg("IPv%d, fields %u: %llu packets", v6 ? 6 : 4, fields[i],
					 (unsigned long long)decided(d, id));
		}
	}
}

struct range {
	uint16_t low, high;
};

static void port_ranges_hold_their_ends_and_only_ports(void **state)
{
	static const struct {
		struct range local, remote;
		uint8_t proto;
		uint16_t dport, sport; /* ICMP: type, code */
		int holds;
	} rows[] = {
		{ { 100, 200 }, { 0, 0xffff }, IPPROTO_TCP, 99, 7, 0 },
		{ { 100, 200 }, { 0, 0xffff }, IPPROTO_TCP, 100, 7, 1 },
		{ { 100, 200 }, { 0, 0xffff }, IPPROTO_UDP, 200, 7, 1 },
		{ { 100, 200 }, { 0, 0xffff }, IPPROTO_UDP, 201, 7, 0 },
		{ { 0, 0xffff }, { 256, 511 }, IPPROTO_SCTP, 7, 255, 0 },
		{ { 0, 0xffff }, { 256, 511 }, IPPROTO_SCTP, 7, 256, 1 },
		{ { 0, 0xffff }, { 256, 511 }, IPPROTO_TCP, 7, 511, 1 },
		{ { 0, 0xffff }, { 256, 511 }, IPPROTO_TCP, 7, 512, 0 },
		{ { 0xffff, 0xffff }, { 0, 0 }, IPPROTO_TCP, 0xffff, 0, 1 },
		{ { 8, 8 }, { 0, 0 }, IPPROTO_ICMP, 8, 0, 1 },
		{ { 8, 8 }, { 0, 0 }, IPPROTO_ICMP, 0, 8, 0 },
		{ { 3, 3 }, { 4, 4 }, IPPROTO_ICMP, 3, 4, 1 },
		{ { 3, 3 }, { 4, 4 }, IPPROTO_ICMP, 3, 1, 0 },
		{ { 0, 0xffff }, { 0, 0xffff }, IPPROTO_GRE, 0, 0, 1 },
		{ { 0, 0 }, { 0, 0xffff }, IPPROTO_GRE, 0, 0, 0 },
		{ { 0, 0xfffe }, { 0, 0xffff }, IPPROTO_GRE, 0, 0, 0 },
		{ { 0, 0xffff }, { 1, 0xffff }, IPPROTO_GRE, 0, 0, 0 },
	};
	struct datapath *d = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct saxdp_candidate c = candidate(1000 + i, SAXDP_PERMIT);
		struct selector_place at = { .layer = SAXDP_INBOUND_TRANSPORT_V4, .mask = i };
		struct saxdp_mask m = { .number = i };
		struct frame_spec s = {
			.src = PEER,
			.dst = HOST,
			.proto = rows[i].proto,
			.dport = rows[i].dport,
			.sport = rows[i].sport,
			.icmp_type = rows[i].dport,
			.icmp_code = rows[i].sport,
		};

		c.local_port_low = rows[i].local.low;
		c.local_port_high = rows[i].local.high;
		c.remote_port_low = rows[i].remote.low;
		c.remote_port_high = rows[i].remote.high;
		masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, &m, 1);
		rule(d, &at, &c);
		arrive(d, &s);
		if (decided(d, 1000 + i) != (uint64_t)rows[i].holds)
			fail_msg("row %zu", i);
	}
}

static void exact_ports_hold_nothing_that_has_none(void **state)
{
	struct saxdp_mask m = { .fields = SAXDP_FIELD_LOCAL_PORT };
	struct frame_spec gre = { .src = PEER, .dst = HOST, .proto = IPPROTO_GRE };
	struct frame_spec tcp = { .src = PEER, .dst = HOST, .proto = IPPROTO_TCP, .sport = 1 };
	struct datapath *d = *state;

	masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, &m, 1);
	simple_rule(d, &inbound4, FILTER, SAXDP_PERMIT);
	arrive(d, &gre);
	assert_int_equal(decided(d, FILTER), 0);
	arrive(d, &tcp); /* to port 0 */
	assert_int_equal(decided(d, FILTER), 1);
}

static void first_fragments_are_matched_and_later_ones_are_not(void **state)
{
	struct frame_spec first = clear4, later = clear4;
	struct datapath *d = *state;

	first.fragment = IP_MF;
	later.fragment = 10;
	simple_rule(d, &inbound4, FILTER, SAXDP_PERMIT);
	arrive(d, &first);
	arrive(d, &later);
	assert_int_equal(decided(d, FILTER), 1);
	assert_int_equal(filter_get(d, FILTER).bytes, frame_counted(&first));
}

/* --- which candidate wins ------------------------------------------------------------------------ */

static void highest_weight_wins_and_the_older_filter_of_equal_ones(void **state)
{
	static const struct {
		uint64_t filter, weight;
	} rows[] = {
		{ 5, 10 }, { 7, 30 }, { 9, 20 }, { 6, 30 }, { 8, 30 },
	};
	struct datapath *d = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct saxdp_candidate c = candidate(rows[i].filter, SAXDP_PERMIT);

		c.weight = rows[i].weight;
		rule(d, &inbound4, &c);
	}
	arrive(d, &clear4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(decided(d, rows[i].filter), rows[i].filter == 6);
}

static void weights_are_compared_as_64_bits(void **state)
{
	struct saxdp_candidate low = candidate(FILTER, SAXDP_PERMIT);
	struct saxdp_candidate high = candidate(OTHER_FILTER, SAXDP_PERMIT);
	struct datapath *d = *state;

	low.weight = 0x00000000ffffffff;
	high.weight = 0xf000000000000000;
	rule(d, &inbound4, &low);
	rule(d, &inbound4, &high);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 0);
	assert_int_equal(decided(d, OTHER_FILTER), 1);
}

static void each_sublayer_has_its_own_winner(void **state)
{
	enum { CONTESTED = 8 }; /* a chain holds 40: one for each sublayer, and some to lose */
	struct datapath *d = *state;

	for (int rank = 0; rank < SAXDP_SUBLAYERS; rank++) {
		struct saxdp_candidate c = candidate(1000 + rank, SAXDP_PERMIT);

		c.slot = rank;
		rule(d, &inbound4, &c);
		if (rank >= CONTESTED)
			continue;
		c = candidate(2000 + rank, SAXDP_PERMIT);
		c.slot = rank;
		c.weight--;
		rule(d, &inbound4, &c);
	}
	arrive(d, &clear4);
	for (int rank = 0; rank < SAXDP_SUBLAYERS; rank++) {
		assert_int_equal(decided(d, 1000 + rank), 1);
		assert_int_equal(filter_get(d, 1000 + rank).bytes, frame_counted(&clear4));
		if (rank < CONTESTED)
			assert_int_equal(decided(d, 2000 + rank), 0);
	}
}

static void best_candidate_is_found_wherever_it_stands(void **state)
{
	struct datapath *d = *state;

	/* Of each chain length another place is the best one. */
	for (int n = 1; n <= LONG_CHAIN; n++) {
		struct selector_place at = { .layer = SAXDP_INBOUND_TRANSPORT_V4, .mask = n };
		struct saxdp_mask m = { .number = n };

		masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, &m, 1);
		for (int i = 0; i < LONG_CHAIN; i++) {
			struct saxdp_candidate c = candidate(100 * n + i, SAXDP_PERMIT);

			c.weight += i == n - 1;
			rule(d, &at, &c);
		}
		arrive(d, &clear4);
		for (int i = 0; i < LONG_CHAIN; i++)
			assert_int_equal(decided(d, 100 * n + i), i == n - 1);
	}
}

static void a_full_chain_is_searched_to_its_end(void **state)
{
	struct datapath *d = *state;

	for (int i = 0; i < BEYOND; i++) {
		struct saxdp_candidate c = candidate(1 + i, SAXDP_PERMIT);

		c.weight += i;
		rule(d, &inbound4, &c);
	}
	arrive(d, &clear4);
	assert_int_equal(decided(d, BEYOND), 1);
	assert_int_equal(decided(d, BEYOND - 1), 0);
}

static void every_mask_of_a_layer_is_tried(void **state)
{
	struct saxdp_mask masks[SAXDP_MASKS] = {};
	struct datapath *d = *state;

	for (int i = 0; i < SAXDP_MASKS; i++)
		masks[i].number = SAXDP_MASKS - 1 - i;
	for (int i = 0; i < SAXDP_MASKS; i++) {
		struct selector_place at = { .layer = SAXDP_INBOUND_TRANSPORT_V4, .mask = i };
		struct saxdp_candidate c = candidate(1000 + i, SAXDP_PERMIT);

		c.weight += i;
		rule(d, &at, &c);
		/* The newest has the highest weight: it decides, wherever its mask stands. */
		masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, masks, SAXDP_MASKS);
		arrive(d, &clear4);
		assert_int_equal(decided(d, 1000 + i), 1);
	}
	/* And with a shorter list those behind its end are not. */
	masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, masks + 1, SAXDP_MASKS - 1);
	arrive(d, &clear4);
	assert_int_equal(decided(d, 1000 + SAXDP_MASKS - 1), 1);
	assert_int_equal(decided(d, 1000 + SAXDP_MASKS - 2), 2);
}

static void masks_are_those_of_the_generation(void **state)
{
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_PERMIT);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 1);
	d->engine->epoch[SAXDP_EPOCH_POLICY].generation++; /* its masks are none */
	datapath_publish(d);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 1);
	d->engine->epoch[SAXDP_EPOCH_POLICY].generation++;
	datapath_publish(d);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 2);
}

static void candidate_decides_from_its_birth_to_its_death(void **state)
{
	static const struct {
		uint64_t born, died;
		int seen;
	} rows[] = {
		{ DATAPATH_GENERATION, SAXDP_NEVER, 1 },
		{ DATAPATH_GENERATION + 1, SAXDP_NEVER, 0 },
		{ 1, DATAPATH_GENERATION, 0 },
		{ 1, DATAPATH_GENERATION + 1, 1 },
		{ 0, 0, 0 },
	};
	struct datapath *d = *state;

	/* The other epoch says nothing about candidates. */
	d->engine->epoch[SAXDP_EPOCH_SA].generation = 1000;
	datapath_publish(d);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct selector_place at = { .layer = SAXDP_INBOUND_TRANSPORT_V4, .mask = i };
		struct saxdp_candidate c = candidate(1000 + i, SAXDP_PERMIT);
		struct saxdp_mask m = { .number = i };

		c.life = (struct saxdp_life){ rows[i].born, rows[i].died };
		masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, &m, 1);
		rule(d, &at, &c);
		arrive(d, &clear4);
		if (decided(d, 1000 + i) != (uint64_t)rows[i].seen)
			fail_msg("row %zu", i);
	}
}

static void candidate_ends_with_the_session_that_owns_it(void **state)
{
	struct saxdp_candidate owned = candidate(FILTER, SAXDP_PERMIT);
	struct saxdp_candidate other = candidate(OTHER_FILTER, SAXDP_PERMIT);
	struct datapath *d = *state;

	owned.owner = OWNER_SLOT + 1;
	owned.weight++;
	rule(d, &inbound4, &owned);
	rule(d, &inbound4, &other);
	for (int word = 0; word < SAXDP_SESSION_WORDS; word++)
		d->engine->dead_session[word] = ~0ULL;
	d->engine->dead_session[OWNER_SLOT / 64] &= ~(1ULL << OWNER_SLOT % 64);
	datapath_publish(d);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 1);

	memset(d->engine->dead_session, 0, sizeof(d->engine->dead_session));
	d->engine->dead_session[OWNER_SLOT / 64] = 1ULL << OWNER_SLOT % 64;
	datapath_publish(d);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 1);
	assert_int_equal(decided(d, OTHER_FILTER), 1);
}

/* --- which tunnel -------------------------------------------------------------------------------- */

static struct saxdp_tunnel_key tunnel_key(uint64_t policy, const char *local, const char *remote)
{
	struct saxdp_tunnel_key key = {
		.policy = policy,
		.type = policy == POLICY ? SAXDP_TUNNEL : SAXDP_TRANSPORT,
	};

	key.family = address_words(local, key.local);
	address_words(remote, key.remote);
	return key;
}

static void tunnel_new(struct datapath *d, const struct saxdp_tunnel_key *key)
{
	const struct saxdp_tunnel t = { .life = ALIVE, .contexts = 1 };

	tunnel_put(d, key, &t);
	d->engine->tunnel_ports |= 1U << ((key->local_port ? SAXDP_SHAPE_LOCAL_PORT : 0) |
					  (key->remote_port ? SAXDP_SHAPE_REMOTE_PORT : 0) |
					  (key->protocol ? SAXDP_SHAPE_PROTOCOL : 0));
	datapath_publish(d);
}

static void tunnel_counted(struct datapath *d, const struct saxdp_tunnel_key *key,
			   const struct frame_spec *s, uint64_t packets)
{
	struct saxdp_tunnel t = tunnel_get(d, key);

	assert_int_equal(t.clear.packets, packets);
	assert_int_equal(t.clear.bytes, packets * frame_counted(s));
}

static void transport_filter_counts_the_tunnel_of_its_outbound_filter(void **state)
{
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	arrive(d, &clear4);
	arrive(d, &clear4);
	tunnel_counted(d, &key, &clear4, 2);
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &clear4, 2);
	datapath_counted(d, SAXDP_COUNT_OTHER, &clear4, 2);
	assert_int_equal(decided(d, FILTER), 2);
	/* It named the policy; nothing was judged at its layer. */
	assert_int_equal(decided(d, OUTBOUND_FILTER), 0);
}

static void ipv6_is_judged_by_its_own_layers(void **state)
{
	struct selector_place in = { .layer = SAXDP_INBOUND_TRANSPORT_V6 };
	struct selector_place out = { .layer = SAXDP_OUTBOUND_TRANSPORT_V6 };
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST6, PEER6);
	struct datapath *d = *state;

	simple_rule(d, &inbound4, OTHER_FILTER, SAXDP_PERMIT);
	simple_rule(d, &in, FILTER, SAXDP_IPSEC_TRANSPORT);
	simple_rule(d, &out, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	arrive(d, &clear6);
	tunnel_counted(d, &key, &clear6, 1);
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &clear6, 1);
	assert_int_equal(decided(d, FILTER), 1);
	assert_int_equal(decided(d, OTHER_FILTER), 0);
}

static void tunnel_filter_counts_the_tunnel_of_its_provider_context(void **state)
{
	static const char *const inner[] = { "10.1.0.1", "10.2.0.1" };
	struct saxdp_tunnel_key key = tunnel_key(POLICY, HOST, PEER), key6;
	struct saxdp_candidate c = candidate(FILTER, SAXDP_IPSEC_TUNNEL);
	struct saxdp_prov_context policy = { .life = ALIVE };
	struct saxdp_filter f = { .life = ALIVE, .context = POLICY };
	struct frame_spec s = clear4;
	struct datapath *d = *state;

	s.src = inner[0];
	s.dst = inner[1];
	policy.family = key.family;
	memcpy(policy.local, key.local, sizeof(key.local));
	memcpy(policy.remote, key.remote, sizeof(key.remote));
	prov_context_put(d, POLICY, &policy);
	tunnel_new(d, &key);
	candidate_put(d, &inbound4, &c);

	filter_put(d, FILTER, &f); /* a raw context, which names nothing */
	arrive(d, &s);
	tunnel_counted(d, &key, &s, 0);
	f.flags = SAXDP_FILTER_HAS_PROV_CONTEXT;
	filter_put(d, FILTER, &f);
	arrive(d, &s);
	tunnel_counted(d, &key, &s, 1);

	/* An IPv6 tunnel that carries IPv4. */
	key6 = tunnel_key(POLICY, HOST6, PEER6);
	policy.family = key6.family;
	memcpy(policy.local, key6.local, sizeof(key6.local));
	memcpy(policy.remote, key6.remote, sizeof(key6.remote));
	prov_context_put(d, POLICY, &policy);
	tunnel_new(d, &key6);
	arrive(d, &s);
	tunnel_counted(d, &key, &s, 1);
	tunnel_counted(d, &key6, &s, 1);
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &s, 2);
}

static void context_without_an_inbound_filter_counts(void **state)
{
	struct saxdp_tunnel_key transport = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct datapath *d = *state;

	masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, &any, 0);
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &transport);
	arrive(d, &clear4);
	tunnel_counted(d, &transport, &clear4, 1);
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &clear4, 1);
}

static void outbound_tunnel_filter_names_its_provider_context(void **state)
{
	struct saxdp_tunnel_key key = tunnel_key(POLICY, "203.0.113.2", "203.0.113.1");
	struct saxdp_candidate c = candidate(OUTBOUND_FILTER, SAXDP_IPSEC_TUNNEL);
	const struct saxdp_filter f = {
		.life = ALIVE,
		.context = POLICY,
		.flags = SAXDP_FILTER_HAS_PROV_CONTEXT,
	};
	struct saxdp_prov_context policy = { .life = ALIVE, .family = 4 };
	struct datapath *d = *state;

	memcpy(policy.local, key.local, sizeof(key.local));
	memcpy(policy.remote, key.remote, sizeof(key.remote));
	prov_context_put(d, POLICY, &policy);
	candidate_put(d, &outbound4, &c);
	filter_put(d, OUTBOUND_FILTER, &f);
	tunnel_new(d, &key);
	arrive(d, &clear4);
	tunnel_counted(d, &key, &clear4, 1);
}

static void permit_or_block_alone_leaves_it_clear(void **state)
{
	static const enum saxdp_action actions[] = { SAXDP_PERMIT, SAXDP_BLOCK, SAXDP_CALLOUT };
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct datapath *d = *state;

	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct selector_place at = { .layer = SAXDP_INBOUND_TRANSPORT_V4, .mask = i };
		struct saxdp_mask m = { .number = i };

		masks_put(d, SAXDP_INBOUND_TRANSPORT_V4, &m, 1);
		simple_rule(d, &at, 1000 + i, actions[i]);
		arrive(d, &clear4);
		assert_int_equal(decided(d, 1000 + i), 1);
	}
	tunnel_counted(d, &key, &clear4, 0);
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &clear4, 0);
}

static void exempting_filter_of_the_same_sublayer_leaves_it_clear(void **state)
{
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct saxdp_candidate permit = candidate(OTHER_FILTER, SAXDP_PERMIT);
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	permit.weight++;
	rule(d, &inbound4, &permit);
	arrive(d, &clear4);
	tunnel_counted(d, &key, &clear4, 0);
	assert_int_equal(decided(d, OTHER_FILTER), 1);
	assert_int_equal(decided(d, FILTER), 0);
}

static void first_ipsec_sublayer_names_the_policy(void **state)
{
	struct saxdp_candidate first = candidate(OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	struct saxdp_candidate later = candidate(OUTBOUND_FILTER + 1, SAXDP_IPSEC_TRANSPORT);
	struct saxdp_candidate permit = candidate(OUTBOUND_FILTER + 2, SAXDP_PERMIT);
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct saxdp_tunnel_key wrong = tunnel_key(OUTBOUND_FILTER + 1, HOST, PEER);
	struct datapath *d = *state;

	permit.slot = 2;
	first.slot = 5;
	later.slot = 9;
	later.weight += 1000; /* weights count within a sublayer only */
	rule(d, &outbound4, &later);
	rule(d, &outbound4, &permit);
	rule(d, &outbound4, &first);
	tunnel_new(d, &key);
	tunnel_new(d, &wrong);
	arrive(d, &clear4);
	tunnel_counted(d, &key, &clear4, 1);
	tunnel_counted(d, &wrong, &clear4, 0);
}

/* Slots say nothing: which sublayer is the heavier one stands in the order of the generation. */
static void sublayers_are_gone_through_in_the_order_of_the_generation(void **state)
{
	const struct saxdp_sublayer_order order = { .count = 3, .slot = { 9, 2, 5 } };
	struct saxdp_candidate first = candidate(OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	struct saxdp_candidate later = candidate(OUTBOUND_FILTER + 1, SAXDP_IPSEC_TRANSPORT);
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct saxdp_tunnel_key wrong = tunnel_key(OUTBOUND_FILTER + 1, HOST, PEER);
	struct datapath *d = *state;

	first.slot = 9;
	later.slot = 5;
	rule(d, &outbound4, &later);
	rule(d, &outbound4, &first);
	tunnel_new(d, &key);
	tunnel_new(d, &wrong);
	sublayer_order_put(d, &order);
	arrive(d, &clear4);
	tunnel_counted(d, &key, &clear4, 1);
	tunnel_counted(d, &wrong, &clear4, 0);
	/* The other parity is the identity, where 5 comes before 9. */
	d->engine->epoch[SAXDP_EPOCH_POLICY].generation++;
	datapath_publish(d);
	masks_put(d, SAXDP_OUTBOUND_TRANSPORT_V4, &any, 1);
	arrive(d, &clear4);
	tunnel_counted(d, &key, &clear4, 1);
	tunnel_counted(d, &wrong, &clear4, 1);
}

static void most_specific_tunnel_of_a_filter_counts(void **state)
{
	struct saxdp_tunnel_key all = tunnel_key(OUTBOUND_FILTER, HOST, PEER), protocol = all;
	struct saxdp_tunnel_key port = all, both = all;
	struct frame_spec other_peer_port = clear4, other_port = clear4, udp = clear4;
	struct frame_spec gre = { .src = PEER, .dst = HOST, .proto = IPPROTO_GRE };
	struct datapath *d = *state;

	protocol.protocol = port.protocol = both.protocol = IPPROTO_TCP;
	port.local_port = both.local_port = htons(clear4.dport);
	both.remote_port = htons(clear4.sport);
	other_peer_port.sport++;
	other_port.dport++;
	udp.proto = IPPROTO_UDP;
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &all);
	tunnel_new(d, &protocol);
	tunnel_new(d, &port);
	tunnel_new(d, &both);

	arrive(d, &clear4);
	tunnel_counted(d, &both, &clear4, 1);
	arrive(d, &other_peer_port);
	tunnel_counted(d, &port, &other_peer_port, 1);
	arrive(d, &other_port);
	tunnel_counted(d, &protocol, &other_port, 1);
	arrive(d, &udp);
	tunnel_counted(d, &all, &udp, 1);
	arrive(d, &gre);
	assert_int_equal(tunnel_get(d, &all).clear.packets, 2);
	assert_int_equal(datapath_counter(d, SAXDP_COUNT_CLEAR_MATCHED).packets, 5);
}

static void tunnel_by_the_peers_port_counts(void **state)
{
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct frame_spec other = clear4;
	struct datapath *d = *state;

	key.protocol = IPPROTO_TCP;
	key.remote_port = htons(clear4.sport);
	other.sport++;
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	arrive(d, &clear4);
	arrive(d, &other);
	tunnel_counted(d, &key, &clear4, 1);
}

static void tunnel_that_serves_nobody_counts_nothing(void **state)
{
	static const struct saxdp_tunnel rows[] = {
		{ .life = { 1, SAXDP_NEVER }, .contexts = 0 },
		{ .life = { 1, DATAPATH_GENERATION }, .contexts = 1 },
		{ .life = { DATAPATH_GENERATION + 1, SAXDP_NEVER }, .contexts = 1 },
	};
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tunnel_put(d, &key, &rows[i]);
		arrive(d, &clear4);
		tunnel_counted(d, &key, &clear4, 0);
		assert_int_equal(decided(d, FILTER), i + 1);
	}
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &clear4, 0);
}

static void filters_count_without_any_context(void **state)
{
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	d->engine->contexts = 0;
	tunnel_new(d, &key);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 1);
	tunnel_counted(d, &key, &clear4, 0);
}

static void inbound_filters_count_without_outbound_ones(void **state)
{
	struct datapath *d = *state;

	masks_put(d, SAXDP_OUTBOUND_TRANSPORT_V4, &any, 0);
	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 1);
	datapath_counted(d, SAXDP_COUNT_CLEAR_MATCHED, &clear4, 0);
}

static void protected_and_keying_packets_are_not_judged(void **state)
{
	struct frame_spec esp = { .src = PEER, .dst = HOST, .proto = IPPROTO_ESP, .spi = 300 };
	struct frame_spec ike = { .src = PEER,
				  .dst = HOST,
				  .proto = IPPROTO_UDP,
				  .sport = 500,
				  .dport = 500,
				  .payload = 40 };
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	arrive(d, &esp);
	arrive(d, &ike);
	assert_int_equal(decided(d, FILTER), 0);
}

static void only_the_outside_is_judged(void **state)
{
	struct saxdp_tunnel_key key = tunnel_key(OUTBOUND_FILTER, HOST, PEER);
	struct datapath *d = *state;

	simple_rule(d, &inbound4, FILTER, SAXDP_IPSEC_TRANSPORT);
	simple_rule(d, &outbound4, OUTBOUND_FILTER, SAXDP_IPSEC_TRANSPORT);
	tunnel_new(d, &key);
	arrive(d, &clear4);
	assert_int_equal(decided(d, FILTER), 0);
	tunnel_counted(d, &key, &clear4, 0);
	datapath_counted(d, SAXDP_COUNT_OTHER, &clear4, 1);
}

#define outside(test) cmocka_unit_test_setup_teardown(test, open_outside, close_all)
#define inside(test)  cmocka_unit_test_setup_teardown(test, open_inside, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		outside(prefixes_hold_exactly_their_bits),
		outside(fields_of_a_mask_are_exact),
		outside(port_ranges_hold_their_ends_and_only_ports),
		outside(exact_ports_hold_nothing_that_has_none),
		outside(first_fragments_are_matched_and_later_ones_are_not),
		outside(highest_weight_wins_and_the_older_filter_of_equal_ones),
		outside(weights_are_compared_as_64_bits),
		outside(each_sublayer_has_its_own_winner),
		outside(best_candidate_is_found_wherever_it_stands),
		outside(a_full_chain_is_searched_to_its_end),
		outside(every_mask_of_a_layer_is_tried),
		outside(masks_are_those_of_the_generation),
		outside(candidate_decides_from_its_birth_to_its_death),
		outside(candidate_ends_with_the_session_that_owns_it),
		outside(transport_filter_counts_the_tunnel_of_its_outbound_filter),
		outside(ipv6_is_judged_by_its_own_layers),
		outside(tunnel_filter_counts_the_tunnel_of_its_provider_context),
		outside(context_without_an_inbound_filter_counts),
		outside(outbound_tunnel_filter_names_its_provider_context),
		outside(permit_or_block_alone_leaves_it_clear),
		outside(exempting_filter_of_the_same_sublayer_leaves_it_clear),
		outside(first_ipsec_sublayer_names_the_policy),
		outside(sublayers_are_gone_through_in_the_order_of_the_generation),
		outside(most_specific_tunnel_of_a_filter_counts),
		outside(tunnel_by_the_peers_port_counts),
		outside(tunnel_that_serves_nobody_counts_nothing),
		outside(filters_count_without_any_context),
		outside(inbound_filters_count_without_outbound_ones),
		outside(protected_and_keying_packets_are_not_judged),
		inside(only_the_outside_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
