// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "show.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <time.h>

enum { NSEC_PER_SEC = 1000000000 };

void steer_text(uint32_t word, char ret[STEER_TEXT])
{
	uint32_t arg = word & SAXDP_STEER_ARG;
	char ifname[IF_NAMESIZE];

	switch (word >> SAXDP_STEER_SHIFT) {
	case SAXDP_STEER_DEFAULT:
		snprintf(ret, STEER_TEXT, "default");
		break;
	case SAXDP_STEER_PASS:
		snprintf(ret, STEER_TEXT, "pass");
		break;
	case SAXDP_STEER_CPU:
		snprintf(ret, STEER_TEXT, "cpu %u", arg);
		break;
	case SAXDP_STEER_SPREAD:
		snprintf(ret, STEER_TEXT, "spread");
		break;
	case SAXDP_STEER_DEV:
		/* It may be one of another network namespace. */
		if (if_indextoname(arg, ifname))
			snprintf(ret, STEER_TEXT, "dev %s", ifname);
		else
			snprintf(ret, STEER_TEXT, "dev #%u", arg);
		break;
	case SAXDP_STEER_XSK:
		snprintf(ret, STEER_TEXT, "xsk");
		break;
	case SAXDP_STEER_MISSING:
		snprintf(ret, STEER_TEXT, "unbound");
		break;
	default:
		snprintf(ret, STEER_TEXT, "0x%08x", word);
	}
}

const char *mode_text(uint32_t traffic_type)
{
	return traffic_type == SAXDP_TUNNEL ? "tunnel" : "transport";
}

void show_address(struct out *o, const char *key, const char *title, uint8_t family,
		  const uint32_t address[4])
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	out_text(o, key, title, text);
}

void show_port(struct out *o, const char *key, __be16 port)
{
	if (port)
		out_u64(o, key, NULL, ntohs(port));
	else
		out_null(o, key, NULL);
}

void show_protocol(struct out *o, const char *key, uint8_t protocol)
{
	if (protocol)
		out_u64(o, key, NULL, protocol);
	else
		out_null(o, key, NULL);
}

void show_spi(struct out *o, const char *key, const char *title, __be32 spi)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", ntohl(spi));
	out_number(o, key, title, ntohl(spi), text);
}

void show_steer(struct out *o, const char *key, const char *title, uint32_t word)
{
	char text[STEER_TEXT];

	steer_text(word, text);
	out_text(o, key, title, text);
}

void show_time(struct out *o, const char *key, const char *title, uint64_t ns)
{
	enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
	struct timespec now;
	char text[32] = "-";
	uint64_t now_ns, s;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = now.tv_sec * (uint64_t)NSEC_PER_SEC + now.tv_nsec;
	s = now_ns > ns ? (now_ns - ns) / NSEC_PER_SEC : 0;
	if (!ns)
		out_number(o, key, title, 0, text);
	else if (s < 2 * MINUTE)
		snprintf(text, sizeof(text), "%us", (unsigned int)s);
	else if (s < 2 * HOUR)
		snprintf(text, sizeof(text), "%um", (unsigned int)(s / MINUTE));
	else if (s < 2 * DAY)
		snprintf(text, sizeof(text), "%uh", (unsigned int)(s / HOUR));
	else
		snprintf(text, sizeof(text), "%ud", (unsigned int)(s / DAY));
	if (ns)
		out_number(o, key, title, ns, text);
}

void show_id(struct out *o, const char *key, const char *title, uint64_t id)
{
	if (id)
		out_u64(o, key, title, id);
	else
		out_null(o, key, title);
}

void show_count(struct out *o, const char *key, const char *title,
		const struct saxdp_traffic_count *count)
{
	out_object_begin(o, key);
	out_u64(o, "packets", title, count->packets);
	out_u64(o, "bytes", NULL, count->bytes);
	out_object_end(o);
}

void show_sa(struct out *o, const struct saxdp_sa_info *sa)
{
	char spi[16];

	out_text(o, "protocol", "SA", sa->protocol == IPPROTO_AH ? "ah" : "esp");
	snprintf(spi, sizeof(spi), "0x%08x%s", ntohl(sa->spi), sa->ambiguous ? "*" : "");
	out_number(o, "spi", "SPI", ntohl(sa->spi), spi);
	out_u64(o, "packets", "PACKETS", sa->packets);
	out_u64(o, "bytes", "BYTES", sa->bytes);
	show_time(o, "last_used_ns", "IDLE", sa->last_used_ns);
	if (sa->cpu >= 0)
		out_u64(o, "cpu", "CPU", sa->cpu);
	else
		out_null(o, "cpu", "CPU");
	show_steer(o, "steer", "STEER", sa->steer);
	out_bool(o, "ambiguous", NULL, sa->ambiguous);
}
