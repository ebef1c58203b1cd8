// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "datapath.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tc_egress.skel.h"
#include "testrun.h"
#include "veth.h"
#include "xdp_ingress.skel.h"

enum {
	MAP_ENTRIES = 1024,
	IKE_NAT_PORT = 4500,
};

/* Each map of `obj` that `from` has too becomes that one; the others get a size. */
static void prepare_maps(struct bpf_object *obj, struct bpf_object *from)
{
	struct bpf_map *map, *same;

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__is_internal(map))
			continue;
		same = from ? bpf_object__find_map_by_name(from, bpf_map__name(map)) : NULL;
		if (same)
			require(!bpf_map__reuse_fd(map, bpf_map__fd(same)), "reuse: %m");
		else if (bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			bpf_map__set_max_entries(map, MAP_ENTRIES);
		else if (bpf_map__type(map) == BPF_MAP_TYPE_CPUMAP)
			bpf_map__set_max_entries(map, libbpf_num_possible_cpus());
	}
}

static void map_put(struct bpf_map *map, const void *key, const void *value)
{
	int err = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);

	require(!err, "%s: %m", bpf_map__name(map));
}

/* At both parities: by their numbers. */
static void slots_put(struct datapath *d)
{
	struct saxdp_sublayer_order order = { .count = SAXDP_SUBLAYERS };

	for (int slot = 0; slot < SAXDP_SUBLAYERS; slot++)
		order.slot[slot] = slot;
	for (uint32_t parity = 0; parity < 2; parity++)
		map_put(d->in->maps.sublayer_order, &parity, &order);
}

void datapath_open(struct datapath *d, enum saxdp_role role)
{
	*d = (struct datapath){ .in = xdp_ingress_bpf__open(), .out = tc_egress_bpf__open() };
	require(d->in && d->out, "cannot open the programs: %m");
	d->engine = calloc(1, sizeof(*d->engine));
	require(d->engine, "out of memory");
	d->in->rodata->role = role;
	prepare_maps(d->in->obj, NULL);
	require(!xdp_ingress_bpf__load(d->in), "xdp_ingress: %m");
	prepare_maps(d->out->obj, d->in->obj);
	require(!tc_egress_bpf__load(d->out), "tc_egress: %m");

	d->engine->abi_version = SAXDP_ABI_VERSION;
	d->engine->state = SAXDP_STATE_LOADED;
	d->engine->epoch[SAXDP_EPOCH_POLICY].generation = DATAPATH_GENERATION;
	d->engine->epoch[SAXDP_EPOCH_SA].generation = DATAPATH_GENERATION;
	datapath_publish(d);
	slots_put(d);
}

void datapath_close(struct datapath *d)
{
	xdp_ingress_bpf__destroy(d->in);
	tc_egress_bpf__destroy(d->out);
	free(d->engine);
}

static void map_get(struct bpf_map *map, const void *key, void *ret_value)
{
	int err = bpf_map_lookup_elem(bpf_map__fd(map), key, ret_value);

	require(!err, "%s: %m", bpf_map__name(map));
}

void datapath_publish(struct datapath *d)
{
	uint32_t zero = 0;

	map_put(d->in->maps.engine, &zero, d->engine);
}

uint8_t address_words(const char *text, uint32_t ret_words[4])
{
	memset(ret_words, 0, 4 * sizeof(*ret_words));
	if (inet_pton(AF_INET6, text, ret_words) == 1)
		return 6;
	require(inet_pton(AF_INET, text, ret_words) == 1, "not an address: %s", text);
	return 4;
}

/* --- frames -------------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static uint8_t *put_zeros(uint8_t *at, size_t n)
{
	memset(at, 0, n);
	return at + n;
}

static uint8_t *put_spi(uint8_t *at, uint32_t spi)
{
	uint32_t words[2] = { htonl(spi), htonl(1) };

	return put(at, words, sizeof(words));
}

static uint8_t *put_ports(uint8_t *at, const struct frame_spec *s)
{
	uint16_t ports[2] = { htons(s->sport), htons(s->dport) };

	return put(at, ports, sizeof(ports));
}

static uint8_t *put_upper(uint8_t *at, const struct frame_spec *s)
{
	const uint8_t ah[] = { IPPROTO_IPIP, 4, 0, 0 }; /* (4 + 2) * 4 bytes */
	uint16_t udp[2] = { htons(sizeof(struct udphdr) + s->payload + (s->spi ? 8 : 0)), 0 };

	switch (s->proto) {
	case IPPROTO_ESP:
		return put_zeros(put_spi(at, s->spi), s->payload);
	case IPPROTO_AH:
		at = put_spi(put(at, ah, sizeof(ah)), s->spi);
		return put_zeros(at, 12 + s->payload);
	case IPPROTO_UDP:
		at = put(put_ports(at, s), udp, sizeof(udp));
		if (s->spi)
			at = put_spi(at, s->spi);
		return put_zeros(at, s->payload);
	case IPPROTO_TCP:
		return put_zeros(put_ports(at, s), 16 + s->payload);
	case IPPROTO_SCTP:
		return put_zeros(put_ports(at, s), 8 + s->payload);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = s->icmp_type;
		at[1] = s->icmp_code;
		return put_zeros(at + 2, 6 + s->payload);
	default:
		return put_zeros(at, s->payload);
	}
}

static uint16_t ip_checksum(const struct iphdr *ip)
{
	const uint16_t *words = (const uint16_t *)ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

size_t frame_build(const struct frame_spec *s, uint8_t data[FRAME_SPEC_MAX])
{
	static const uint8_t macs[] = { 2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a }; /* A to B */
	uint8_t *end, *l3 = data + ETH_HLEN, family;
	uint32_t src[4], dst[4];
	uint16_t type;

	family = address_words(s->dst, dst);
	require(address_words(s->src, src) == family, "two families in one frame");
	require(s->payload < FRAME_SPEC_MAX - 100, "frame too long");
	type = s->ethertype ? s->ethertype : family == 4 ? ETH_P_IP : ETH_P_IPV6;
	type = htons(type);
	put(put(data, macs, sizeof(macs)), &type, sizeof(type));
	if (family == 4) {
		struct iphdr ip = {
			.version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = s->proto,
			.frag_off = htons(s->fragment),
			.saddr = src[0],
			.daddr = dst[0],
		};

		end = put_upper(l3 + sizeof(ip), s);
		ip.tot_len = htons(end - l3);
		ip.check = ip_checksum(&ip);
		memcpy(l3, &ip, sizeof(ip));
	} else {
		struct ip6_hdr ip = { .ip6_flow = htonl(6U << 28), .ip6_hlim = 64 };

		end = put_upper(l3 + sizeof(ip), s);
		ip.ip6_nxt = s->proto;
		ip.ip6_plen = htons(end - l3 - sizeof(ip));
		memcpy(&ip.ip6_src, src, sizeof(src));
		memcpy(&ip.ip6_dst, dst, sizeof(dst));
		memcpy(l3, &ip, sizeof(ip));
	}
	return end - data;
}

size_t frame_counted(const struct frame_spec *s)
{
	uint8_t data[FRAME_SPEC_MAX];
	size_t len = frame_build(s, data);

	return s->ethertype ? len : len - ETH_HLEN;
}

static uint32_t run_frame(int prog_fd, const struct frame_spec *s)
{
	uint8_t data[FRAME_SPEC_MAX];
	struct frame frame = { .data = data, .len = frame_build(s, data) };

	return testrun_verdict(prog_fd, &frame);
}

uint32_t datapath_arrive(struct datapath *d, const struct frame_spec *s)
{
	return run_frame(bpf_program__fd(d->in->progs.xdp_ingress), s);
}

uint32_t datapath_leave(struct datapath *d, const struct frame_spec *s)
{
	return run_frame(bpf_program__fd(d->out->progs.tc_egress), s);
}

/* --- counters ------------------------------------------------------------------------------------ */

struct saxdp_traffic_count datapath_counter(struct datapath *d, enum saxdp_counter which)
{
	int cpus = libbpf_num_possible_cpus();
	struct saxdp_traffic_count sum = {}, *each = calloc(cpus, sizeof(*each));
	uint32_t key = which;

	require(each, "out of memory");
	map_get(d->in->maps.engine_count, &key, each);
	for (int i = 0; i < cpus; i++) {
		sum.packets += each[i].packets;
		sum.bytes += each[i].bytes;
	}
	free(each);
	return sum;
}

void datapath_counted(struct datapath *d, enum saxdp_counter which, const struct frame_spec *s,
		      uint64_t packets)
{
	struct saxdp_traffic_count count = datapath_counter(d, which);

	assert_int_equal(count.packets, packets);
	assert_int_equal(count.bytes, packets * frame_counted(s));
}

/* --- entries ------------------------------------------------------------------------------------- */

union sa_key {
	struct saxdp_sa4_key v4;
	struct saxdp_sa6_key v6;
};

static struct bpf_map *sa_locate(struct datapath *d, const char *destination, uint32_t spi,
				 uint8_t protocol, enum saxdp_direction direction,
				 union sa_key *ret_key)
{
	uint32_t words[4];

	memset(ret_key, 0, sizeof(*ret_key));
	if (address_words(destination, words) == 4) {
		ret_key->v4.destination = words[0];
		ret_key->v4.spi = htonl(spi);
		ret_key->v4.protocol = protocol;
		ret_key->v4.direction = direction;
		return d->in->maps.sa4;
	}
	memcpy(ret_key->v6.destination, words, sizeof(words));
	ret_key->v6.spi = htonl(spi);
	ret_key->v6.protocol = protocol;
	ret_key->v6.direction = direction;
	return d->in->maps.sa6;
}

void sa_put(struct datapath *d, const char *destination, uint32_t spi, uint8_t protocol,
	    enum saxdp_direction direction, const struct saxdp_sa *sa)
{
	union sa_key key;

	map_put(sa_locate(d, destination, spi, protocol, direction, &key), &key, sa);
}

struct saxdp_sa sa_get(struct datapath *d, const char *destination, uint32_t spi, uint8_t protocol,
		       enum saxdp_direction direction)
{
	struct saxdp_sa sa;
	union sa_key key;

	map_get(sa_locate(d, destination, spi, protocol, direction, &key), &key, &sa);
	return sa;
}

void endpoint_put(struct datapath *d, const char *address, const struct saxdp_endpoint *value)
{
	struct saxdp_endpoint_key key = {};

	key.family = address_words(address, key.address);
	map_put(d->in->maps.endpoint, &key, value);
}

void sublayer_order_put(struct datapath *d, const struct saxdp_sublayer_order *order)
{
	uint32_t parity = d->engine->epoch[SAXDP_EPOCH_POLICY].generation & 1;

	map_put(d->in->maps.sublayer_order, &parity, order);
}

void masks_put(struct datapath *d, enum saxdp_layer layer, const struct saxdp_mask *masks, size_t n)
{
	uint32_t parity = d->engine->epoch[SAXDP_EPOCH_POLICY].generation & 1;
	uint32_t index = layer * 2 + parity, other = layer * 2 + !parity;
	struct saxdp_mask_set set = {}, empty = {};

	require(n <= SAXDP_MASKS, "too many masks");
	set.count = n;
	memcpy(set.mask, masks, n * sizeof(*masks));
	map_put(d->in->maps.mask, &index, &set);
	map_put(d->in->maps.mask, &other, &empty);
}

union selector_key {
	struct saxdp_selector4_key v4;
	struct saxdp_selector6_key v6;
};

static void words_of(const char *text, uint32_t ret_words[4])
{
	memset(ret_words, 0, 4 * sizeof(*ret_words));
	if (text)
		address_words(text, ret_words);
}

static struct bpf_map *selector_locate(struct datapath *d, const struct selector_place *at,
				       uint8_t chain, union selector_key *ret_key)
{
	uint32_t local[4], remote[4];

	memset(ret_key, 0, sizeof(*ret_key));
	words_of(at->local, local);
	words_of(at->remote, remote);
	if (at->layer == SAXDP_INBOUND_TRANSPORT_V4 || at->layer == SAXDP_OUTBOUND_TRANSPORT_V4) {
		ret_key->v4 = (struct saxdp_selector4_key){
			.layer = at->layer,
			.mask = at->mask,
			.chain = chain,
			.protocol = at->protocol,
			.local = local[0],
			.remote = remote[0],
			.local_port = htons(at->local_port),
			.remote_port = htons(at->remote_port),
		};
		return d->in->maps.selector4;
	}
	ret_key->v6 = (struct saxdp_selector6_key){
		.layer = at->layer,
		.mask = at->mask,
		.chain = chain,
		.protocol = at->protocol,
		.local_port = htons(at->local_port),
		.remote_port = htons(at->remote_port),
	};
	memcpy(ret_key->v6.local, local, sizeof(local));
	memcpy(ret_key->v6.remote, remote, sizeof(remote));
	return d->in->maps.selector6;
}

void candidate_put(struct datapath *d, const struct selector_place *at,
		   const struct saxdp_candidate *c)
{
	struct saxdp_bucket b;
	union selector_key key;
	struct bpf_map *map;

	for (uint8_t chain = 0; chain < SAXDP_CHAIN; chain++) {
		map = selector_locate(d, at, chain, &key);
		if (bpf_map_lookup_elem(bpf_map__fd(map), &key, &b))
			b = (struct saxdp_bucket){};
		if (b.used == SAXDP_CANDIDATES) {
			b.more = 1;
			map_put(map, &key, &b);
			continue;
		}
		b.candidate[b.used++] = *c;
		map_put(map, &key, &b);
		return;
	}
	fail_msg("the chain is full");
}

void filter_put(struct datapath *d, uint64_t id, const struct saxdp_filter *f)
{
	map_put(d->in->maps.filter, &id, f);
}

struct saxdp_filter filter_get(struct datapath *d, uint64_t id)
{
	struct saxdp_filter f;

	map_get(d->in->maps.filter, &id, &f);
	return f;
}

void prov_context_put(struct datapath *d, uint64_t id, const struct saxdp_prov_context *p)
{
	map_put(d->in->maps.prov_context, &id, p);
}

void tunnel_put(struct datapath *d, const struct saxdp_tunnel_key *key,
		const struct saxdp_tunnel *t)
{
	map_put(d->in->maps.tunnel, key, t);
}

struct saxdp_tunnel tunnel_get(struct datapath *d, const struct saxdp_tunnel_key *key)
{
	struct saxdp_tunnel t;

	map_get(d->in->maps.tunnel, key, &t);
	return t;
}
