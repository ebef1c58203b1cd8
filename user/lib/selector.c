// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* From sets of values to masked keys, and the weight of a filter by what it matches. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "selector.h"

enum {
	WEIGHT_FIELDS_SHIFT = 57, /* FWPM_AUTO_WEIGHT_BITS less three: up to five fields */
	WEIGHT_FRACTION = 44, /* bits of the part of a field's weight that is less than one bit */
	NUMBER_BITS = 128,
};

/* --- sets of values ----------------------------------------------------------------------------- */

int range_set_add(struct range_set *set, integer low, integer high)
{
	uint32_t room = set->room ? set->room * 2 : 4;
	struct range *more;

	if (set->count == set->room) {
		more = realloc(set->range, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		set->range = more;
		set->room = room;
	}
	set->range[set->count++] = (struct range){ low, high };
	return 0;
}

void range_set_release(struct range_set *set)
{
	free(set->range);
	*set = (struct range_set){};
}

static int range_compare(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return left->low < right->low ? -1 : left->low > right->low;
}

static unsigned int field_bits(uint8_t family, enum selector_field field)
{
	switch (field) {
	case SELECTOR_PROTOCOL:
		return 8;
	case SELECTOR_LOCAL_PORT:
	case SELECTOR_REMOTE_PORT:
		return 16;
	default:
		return family == 4 ? 32 : 128;
	}
}

static integer field_max(uint8_t family, enum selector_field field)
{
	return ~(integer)0 >> (NUMBER_BITS - field_bits(family, field));
}

/* In order, apart, and none at all when everything is in it. */
static void range_set_merge(struct range_set *set, integer max)
{
	struct range *last;

	if (!set->count)
		return;
	qsort(set->range, set->count, sizeof(*set->range), range_compare);
	last = set->range;
	for (uint32_t i = 1; i < set->count; i++) {
		struct range *r = &set->range[i];

		if (last->high == max || r->low <= last->high + 1) {
			if (r->high > last->high)
				last->high = r->high;
		} else {
			*++last = *r;
		}
	}
	set->count = last - set->range + 1;
	if (!set->range->low && set->range->high == max)
		set->count = 0;
}

/*
 * How many bits a set fixes: the width of the field less log2 of how many values there are, between
 * two powers of two along a straight line. So a prefix of n bits weighs n, and a set always more
 * than one that holds it, as far as 45 leading bits of their sizes tell them apart.
 */
static uint64_t range_set_weight(const struct range_set *set, unsigned int bits)
{
	unsigned int exponent = NUMBER_BITS - 1;
	integer size = 0, fraction;

	for (uint32_t i = 0; i < set->count; i++)
		size += set->range[i].high - set->range[i].low + 1;
	while (!(size >> exponent))
		exponent--;
	fraction = size - ((integer)1 << exponent);
	if (exponent > WEIGHT_FRACTION)
		fraction >>= exponent - WEIGHT_FRACTION;
	else
		fraction <<= WEIGHT_FRACTION - exponent;
	return ((uint64_t)(bits - exponent) << WEIGHT_FRACTION) - (uint64_t)fraction;
}

/* --- pieces ----------------------------------------------------------------------------------------- */

struct piece {
	integer low, high;
	unsigned int prefix; /* of an address */
};

struct pieces {
	struct piece *piece;
	uint32_t count, room;
};

static int piece_add(struct pieces *p, integer low, integer high, unsigned int prefix)
{
	uint32_t room = p->room ? p->room * 2 : 4;
	struct piece *more;

	if (p->count == SELECTORS_MAX)
		return fail(WIN32(ERROR_NO_SYSTEM_RESOURCES),
			    "filter: its conditions come to more than %d selectors", SELECTORS_MAX);
	if (p->count == p->room) {
		more = realloc(p->piece, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		p->piece = more;
		p->room = room;
	}
	p->piece[p->count++] = (struct piece){ low, high, prefix };
	return 0;
}

/* The fewest prefixes: at each step the largest block that begins here and ends within the range. */
static int prefixes_add(struct pieces *p, struct range r, unsigned int bits)
{
	int err = 0;

	while (!err) {
		unsigned int free_bits = 0;
		integer block = 1;

		while (free_bits < bits && !(r.low & block) && r.high - r.low >= block * 2 - 1) {
			free_bits++;
			block *= 2;
		}
		err = piece_add(p, r.low, r.low + (block - 1), bits - free_bits);
		if (r.high - r.low == block - 1)
			break;
		r.low += block;
	}
	return err;
}

static int pieces_make(struct pieces *p, enum selector_field field, const struct range_set *set,
		       unsigned int bits, integer max)
{
	int err = 0;

	if (!set->count)
		return piece_add(p, 0, max, 0);
	for (uint32_t i = 0; i < set->count && !err; i++) {
		struct range r = set->range[i];

		switch (field) {
		case SELECTOR_PROTOCOL:
			for (integer n = r.low; n <= r.high && !err; n++)
				err = piece_add(p, n, n, 0);
			break;
		case SELECTOR_LOCAL_PORT:
		case SELECTOR_REMOTE_PORT:
			err = piece_add(p, r.low, r.high, 0);
			break;
		default:
			err = prefixes_add(p, r, bits);
		}
	}
	return err;
}

/* --- selectors ------------------------------------------------------------------------------------ */

static void address_of_integer(uint8_t family, integer value, uint32_t ret[4])
{
	memset(ret, 0, 4 * sizeof(*ret));
	if (family == 4) {
		ret[0] = htonl(value);
		return;
	}
	for (int i = 3; i >= 0; i--, value >>= 32)
		ret[i] = htonl((uint32_t)value);
}

void address_cut(const uint32_t address[4], unsigned int prefix, uint32_t ret[4])
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int before = 32 * i;

		if (prefix >= before + 32)
			ret[i] = address[i];
		else if (prefix > before)
			ret[i] = address[i] & htonl(~0U << (32 - (prefix - before)));
		else
			ret[i] = 0;
	}
}

static void selector_fill(struct selector *s, uint8_t family, const struct piece *protocol,
			  const struct piece *local, const struct piece *remote,
			  const struct piece *local_port, const struct piece *remote_port)
{
	*s = (struct selector){
		.mask.local_prefix = local->prefix,
		.mask.remote_prefix = remote->prefix,
		.local_port_low = local_port->low,
		.local_port_high = local_port->high,
		.remote_port_low = remote_port->low,
		.remote_port_high = remote_port->high,
	};
	address_of_integer(family, local->low, s->local);
	address_of_integer(family, remote->low, s->remote);
	if (protocol->low == protocol->high) {
		s->mask.fields |= SAXDP_FIELD_PROTOCOL;
		s->protocol = protocol->low;
	}
	if (local_port->low == local_port->high)
		s->mask.fields |= SAXDP_FIELD_LOCAL_PORT;
	if (remote_port->low == remote_port->high)
		s->mask.fields |= SAXDP_FIELD_REMOTE_PORT;
}

static int selector_set_fill(uint8_t family, const struct pieces pieces[SELECTOR_FIELDS],
			     struct selector_set *ret)
{
	const struct piece *chosen[SELECTOR_FIELDS];
	uint64_t count = 1;

	for (int f = 0; f < SELECTOR_FIELDS; f++)
		count *= pieces[f].count; /* each at most 2^8 */
	if (count > SELECTORS_MAX)
		return fail(WIN32(ERROR_NO_SYSTEM_RESOURCES),
			    "filter: its conditions come to %llu selectors, %d are allowed",
			    (unsigned long long)count, SELECTORS_MAX);
	ret->selector = calloc(count, sizeof(*ret->selector));
	if (!ret->selector)
		return -ENOMEM;
	for (ret->count = 0; ret->count < count; ret->count++) {
		uint32_t rest = ret->count;

		for (int f = 0; f < SELECTOR_FIELDS; f++) {
			chosen[f] = &pieces[f].piece[rest % pieces[f].count];
			rest /= pieces[f].count;
		}
		selector_fill(&ret->selector[ret->count], family, chosen[SELECTOR_PROTOCOL],
			      chosen[SELECTOR_LOCAL_ADDRESS], chosen[SELECTOR_REMOTE_ADDRESS],
			      chosen[SELECTOR_LOCAL_PORT], chosen[SELECTOR_REMOTE_PORT]);
	}
	return 0;
}

/*
 * The automatic weight is the number of fields that restrict anything, then how much they do. If all
 * that one filter matches is matched by another too, it restricts at least the same fields, each at
 * least as far: it weighs more.
 */
int selector_set_make(uint8_t family, struct range_set set[SELECTOR_FIELDS],
		      struct selector_set *ret)
{
	struct pieces pieces[SELECTOR_FIELDS] = {};
	int err = 0;

	*ret = (struct selector_set){};
	for (int f = 0; f < SELECTOR_FIELDS && !err; f++) {
		unsigned int bits = field_bits(family, f);
		integer max = field_max(family, f);

		range_set_merge(&set[f], max);
		if (set[f].count)
			ret->weight += ((uint64_t)1 << WEIGHT_FIELDS_SHIFT) +
				       range_set_weight(&set[f], bits);
		err = pieces_make(&pieces[f], f, &set[f], bits, max);
	}
	if (!err)
		err = selector_set_fill(family, pieces, ret);
	for (int f = 0; f < SELECTOR_FIELDS; f++)
		free(pieces[f].piece);
	if (err)
		selector_set_release(ret);
	return err;
}

void selector_set_release(struct selector_set *set)
{
	free(set->selector);
	*set = (struct selector_set){};
}

enum saxdp_kind selector_key(enum saxdp_layer layer, const struct saxdp_mask *mask,
			     const struct selector *s, union selector_key *ret)
{
	bool v6 = layer == SAXDP_INBOUND_TRANSPORT_V6 || layer == SAXDP_OUTBOUND_TRANSPORT_V6;
	uint8_t protocol = mask->fields & SAXDP_FIELD_PROTOCOL ? s->protocol : 0;
	__be16 local_port = 0, remote_port = 0;
	uint32_t local[4], remote[4];

	if (mask->fields & SAXDP_FIELD_LOCAL_PORT)
		local_port = htons(s->local_port_low);
	if (mask->fields & SAXDP_FIELD_REMOTE_PORT)
		remote_port = htons(s->remote_port_low);
	address_cut(s->local, mask->local_prefix, local);
	address_cut(s->remote, mask->remote_prefix, remote);
	memset(ret, 0, sizeof(*ret));
	if (!v6) {
		ret->v4 = (struct saxdp_selector4_key){
			.layer = layer,
			.mask = mask->number,
			.protocol = protocol,
			.local = local[0],
			.remote = remote[0],
			.local_port = local_port,
			.remote_port = remote_port,
		};
		return SAXDP_KIND_SELECTOR4;
	}
	ret->v6 = (struct saxdp_selector6_key){
		.layer = layer,
		.mask = mask->number,
		.protocol = protocol,
		.local_port = local_port,
		.remote_port = remote_port,
	};
	memcpy(ret->v6.local, local, sizeof(local));
	memcpy(ret->v6.remote, remote, sizeof(remote));
	return SAXDP_KIND_SELECTOR6;
}

static bool prefix_covers(const uint32_t outer[4], unsigned int outer_prefix,
			  const uint32_t inner[4], unsigned int inner_prefix)
{
	uint32_t cut[4];

	address_cut(inner, outer_prefix, cut);
	return outer_prefix <= inner_prefix && !memcmp(cut, outer, sizeof(cut));
}

bool selector_covers(const struct selector *outer, const struct selector *inner)
{
	bool protocol = outer->mask.fields & SAXDP_FIELD_PROTOCOL;

	return prefix_covers(outer->local, outer->mask.local_prefix, inner->local,
			     inner->mask.local_prefix) &&
	       prefix_covers(outer->remote, outer->mask.remote_prefix, inner->remote,
			     inner->mask.remote_prefix) &&
	       (!protocol || (inner->mask.fields & SAXDP_FIELD_PROTOCOL &&
			      inner->protocol == outer->protocol)) &&
	       outer->local_port_low <= inner->local_port_low &&
	       inner->local_port_high <= outer->local_port_high &&
	       outer->remote_port_low <= inner->remote_port_low &&
	       inner->remote_port_high <= outer->remote_port_high;
}

static bool prefix_meets(const uint32_t a[4], unsigned int a_prefix, const uint32_t b[4],
			 unsigned int b_prefix)
{
	return a_prefix < b_prefix ? prefix_covers(a, a_prefix, b, b_prefix) :
				     prefix_covers(b, b_prefix, a, a_prefix);
}

bool selector_meets(const struct selector *a, const struct selector *b)
{
	bool protocol = a->mask.fields & b->mask.fields & SAXDP_FIELD_PROTOCOL;

	return prefix_meets(a->local, a->mask.local_prefix, b->local, b->mask.local_prefix) &&
	       prefix_meets(a->remote, a->mask.remote_prefix, b->remote, b->mask.remote_prefix) &&
	       (!protocol || a->protocol == b->protocol) &&
	       a->local_port_low <= b->local_port_high && b->local_port_low <= a->local_port_high &&
	       a->remote_port_low <= b->remote_port_high &&
	       b->remote_port_low <= a->remote_port_high;
}
