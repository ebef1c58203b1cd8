// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* From the top of the sources, where tests are run. */
#define FRAMES_FILE "tests/frames/frames.tsv"

enum column {
	NAME,
	LINK,
	NET,
	UPPER,
	CUT,
	FRAME_LEN,
	CLASS,
	FAMILY,
	PROTO,
	FRAGMENT,
	SRC,
	DST,
	SPI,
	SEQ,
	SPORT,
	DPORT,
	ICMP_TYPE,
	ICMP_CODE,
	BYTES,
	L3_OFF,
	L4_OFF,
	NEED,
	HEX,
	COLUMNS,
};

static const char *const classes[CLASS_COUNT] = {
	[CLASS_OTHER] = "other",
	[CLASS_CLEAR] = "clear",
	[CLASS_ESP] = "esp",
	[CLASS_AH] = "ah",
	[CLASS_ESP_UDP] = "esp_udp",
	[CLASS_IKE] = "ike",
	[CLASS_KEEPALIVE] = "keepalive",
	[CLASS_FRAGMENT] = "fragment",
	[CLASS_MALFORMED] = "malformed",
	[CLASS_UNSEEN] = "unseen",
};

static const char *const fragments[] = {
	[FRAGMENT_NONE] = "none",
	[FRAGMENT_FIRST] = "first",
	[FRAGMENT_LATER] = "later",
};

const char *packet_class_name(unsigned int class)
{
	return class < CLASS_COUNT ? classes[class] : "no class";
}

static unsigned int word_read(const char *text, const char *const words[], unsigned int count,
			      const char *frame)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(words[i], text))
			return i;
	fail_msg("%s: %s: no such word", frame, text);
	return 0;
}

static uint32_t number_read(const char *text, const char *frame)
{
	unsigned long value;
	char *end;

	if (!strcmp(text, "-"))
		return 0;
	errno = 0;
	value = strtoul(text, &end, 0);
	require(!errno && *text && !*end && value <= UINT32_MAX, "%s: %s: no number", frame, text);
	return value;
}

static void address_read(const char *text, uint8_t family, __u32 addr[4], const char *frame)
{
	if (strcmp(text, "-"))
		require(inet_pton(family == 4 ? AF_INET : AF_INET6, text, addr) == 1,
			"%s: %s: no address", frame, text);
}

static void data_read(const char *text, struct known_frame *f)
{
	unsigned int byte;
	size_t i;

	if (!strcmp(text, "-"))
		text = "";
	f->len = strlen(text) / 2;
	f->data = malloc(f->len ? f->len : 1);
	require(f->data, "%s: %m", f->name);
	for (i = 0; i < f->len; i++) {
		require(sscanf(text + 2 * i, "%2x", &byte) == 1, "%s: no bytes", f->name);
		f->data[i] = byte;
	}
}

static void frame_read(char *line, struct known_frame *f)
{
	struct packet *p = &f->packet;
	char *field[COLUMNS];
	int i;

	for (i = 0; i < COLUMNS; i++) {
		field[i] = strsep(&line, "\t");
		require(field[i], "%s: %s has %d fields instead of %d", FRAMES_FILE, field[0], i,
			COLUMNS);
	}
	f->name = field[NAME];
	f->link = field[LINK];
	f->net = field[NET];
	f->upper = field[UPPER];
	f->cut = field[CUT];
	f->frame_len = number_read(field[FRAME_LEN], f->name);
	f->need = number_read(field[NEED], f->name);
	data_read(field[HEX], f);

	p->class = word_read(field[CLASS], classes, CLASS_COUNT, f->name);
	p->family = number_read(field[FAMILY], f->name);
	p->proto = number_read(field[PROTO], f->name);
	if (strcmp(field[FRAGMENT], "-"))
		p->fragment = word_read(field[FRAGMENT], fragments, 3, f->name);
	address_read(field[SRC], p->family, p->saddr, f->name);
	address_read(field[DST], p->family, p->daddr, f->name);
	p->spi = htonl(number_read(field[SPI], f->name));
	p->seq = number_read(field[SEQ], f->name);
	p->sport = htons(number_read(field[SPORT], f->name));
	p->dport = htons(number_read(field[DPORT], f->name));
	p->icmp_type = number_read(field[ICMP_TYPE], f->name);
	p->icmp_code = number_read(field[ICMP_CODE], f->name);
	p->bytes = number_read(field[BYTES], f->name);
	p->l3_off = number_read(field[L3_OFF], f->name);
	p->l4_off = number_read(field[L4_OFF], f->name);
	p->encap = p->class == CLASS_ESP_UDP;
	if (p->class == CLASS_MALFORMED || p->class == CLASS_UNSEEN)
		f->need = 0;
}

void frames_init(struct known_frames *frames)
{
	char *rest, *line;
	size_t size = 0;
	FILE *file;

	*frames = (struct known_frames){};
	file = fopen(FRAMES_FILE, "r");
	require(file, "%s: %m", FRAMES_FILE);
	require(getdelim(&frames->text, &size, '\0', file) > 0, "%s: %m", FRAMES_FILE);
	fclose(file);

	rest = frames->text;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#')
			continue;
		frames->frame =
			realloc(frames->frame, (frames->count + 1) * sizeof(*frames->frame));
		require(frames->frame, "%s: %m", FRAMES_FILE);
		frames->frame[frames->count] = (struct known_frame){};
		frame_read(line, &frames->frame[frames->count++]);
	}
	require(frames->count, "%s: no frame", FRAMES_FILE);
}

void frames_release(struct known_frames *frames)
{
	size_t i;

	for (i = 0; i < frames->count; i++)
		free(frames->frame[i].data);
	free(frames->frame);
	free(frames->text);
	*frames = (struct known_frames){};
}
