/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How what several commands show is written. */
#ifndef SAXDP_SHOW_H
#define SAXDP_SHOW_H

#include "cmd.h"
#include "output.h"

enum { STEER_TEXT = 32 };

void steer_text(uint32_t word, char ret[STEER_TEXT]);
const char *mode_text(uint32_t traffic_type); /* "transport", "tunnel" */

void show_address(struct out *o, const char *key, const char *title, uint8_t family,
		  const uint32_t address[4]);
/* A port in network order, 0 = none. */
void show_port(struct out *o, const char *key, __be16 port);
void show_protocol(struct out *o, const char *key, uint8_t protocol); /* 0 = none */
void show_spi(struct out *o, const char *key, const char *title, __be32 spi);
void show_steer(struct out *o, const char *key, const char *title, uint32_t word);
/* A time of CLOCK_REALTIME, for people how long ago; 0 = never. */
void show_time(struct out *o, const char *key, const char *title, uint64_t ns);
/* An id that 0 stands for nobody in. */
void show_id(struct out *o, const char *key, const char *title, uint64_t id);

/* { "packets": …, "bytes": … } */
void show_count(struct out *o, const char *key, const char *title,
		const struct saxdp_traffic_count *count);

/* The fields of one SA, but those that its surroundings say. */
void show_sa(struct out *o, const struct saxdp_sa_info *sa);

#endif
