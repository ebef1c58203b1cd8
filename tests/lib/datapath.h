/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The programs that packets run, over maps that the test fills by hand: what the commit program
 * would have written, without it. Nothing is pinned and no interface is needed.
 */
#ifndef TESTS_LIB_DATAPATH_H
#define TESTS_LIB_DATAPATH_H

#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>

#include "saxdp_abi.h"
#include "packet.h"

struct xdp_ingress_bpf;
struct tc_egress_bpf;

enum {
	DATAPATH_GENERATION = 10, /* of both epochs, until a test moves one */
	FRAME_SPEC_MAX = 9000,
};

struct datapath {
	struct xdp_ingress_bpf *in;
	struct tc_egress_bpf *out;
	struct saxdp_engine *engine; /* what datapath_publish() writes */
};

/* Loads both programs; the engine is loaded, at DATAPATH_GENERATION, without policy or contexts. */
void datapath_open(struct datapath *d, enum saxdp_role role);
void datapath_close(struct datapath *d);

/* Writes *d->engine to the map. */
void datapath_publish(struct datapath *d);

/* What a frame says; the rest is made up to be valid. */
struct frame_spec {
	const char *src, *dst; /* IPv4 or IPv6 addresses */
	uint8_t proto; /* ESP and AH get an SPI, TCP, UDP and SCTP ports, ICMP type and code */
	uint32_t spi; /* host order; with UDP: ESP in it */
	uint16_t sport, dport;
	uint8_t icmp_type, icmp_code;
	uint16_t fragment; /* IPv4's word, host order */
	uint16_t ethertype; /* instead of IP's */
	uint16_t payload; /* bytes behind the headers */
};

/* Writes the frame and returns its length. */
size_t frame_build(const struct frame_spec *s, uint8_t data[FRAME_SPEC_MAX]);

/* The length that is counted for it: IP's, or the frame's when it is not IP. */
size_t frame_counted(const struct frame_spec *s);

/* Runs the frame through the program and returns its verdict. */
uint32_t datapath_arrive(struct datapath *d, const struct frame_spec *s);
uint32_t datapath_leave(struct datapath *d, const struct frame_spec *s);

/* Over all CPUs. */
struct saxdp_traffic_count datapath_counter(struct datapath *d, enum saxdp_counter which);

/* Fails unless exactly so many packets of s have been counted there. */
void datapath_counted(struct datapath *d, enum saxdp_counter which, const struct frame_spec *s,
		      uint64_t packets);

/* Words of an address as maps have them; returns the family, 4 or 6. */
uint8_t address_words(const char *text, uint32_t ret_words[4]);

/* A life that began long ago and goes on. */
#define ALIVE ((struct saxdp_life){ .born = 1, .died = SAXDP_NEVER })

void sa_put(struct datapath *d, const char *destination, uint32_t spi, uint8_t protocol,
	    enum saxdp_direction direction, const struct saxdp_sa *sa);
struct saxdp_sa sa_get(struct datapath *d, const char *destination, uint32_t spi, uint8_t protocol,
		       enum saxdp_direction direction);

void endpoint_put(struct datapath *d, const char *address, const struct saxdp_endpoint *value);

/* The masks of a layer at the published policy generation; the other parity becomes empty. */
void masks_put(struct datapath *d, enum saxdp_layer layer, const struct saxdp_mask *masks,
	       size_t n);

/* Of sublayers at the published generation; without it slots are gone through by their numbers. */
void sublayer_order_put(struct datapath *d, const struct saxdp_sublayer_order *order);

/* Where a selector stands: its key without the chain. */
struct selector_place {
	enum saxdp_layer layer;
	uint8_t mask;
	uint8_t protocol;
	const char *local, *remote; /* masked already; NULL: any */
	uint16_t local_port, remote_port; /* host order */
};

/* Puts it into the first free place of the chain, which grows when it has none. */
void candidate_put(struct datapath *d, const struct selector_place *at,
		   const struct saxdp_candidate *c);

void filter_put(struct datapath *d, uint64_t id, const struct saxdp_filter *f);
struct saxdp_filter filter_get(struct datapath *d, uint64_t id);
void prov_context_put(struct datapath *d, uint64_t id, const struct saxdp_prov_context *p);

void tunnel_put(struct datapath *d, const struct saxdp_tunnel_key *key,
		const struct saxdp_tunnel *t);
struct saxdp_tunnel tunnel_get(struct datapath *d, const struct saxdp_tunnel_key *key);

#endif
