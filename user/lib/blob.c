// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Packing of what has no fixed size, and its parts in the `blob` map. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"

enum {
	ROOM_MIN = 256,
	UTF8_MAX = 4, /* bytes of a character, RFC 3629 */
	SURROGATE_FIRST = 0xd800,
	SURROGATE_LAST = 0xdfff,
	UNICODE_LAST = 0x10ffff,
	TEXT_NULL = 0, /* else its length + 1 */
};

void blob_release(struct blob *b)
{
	free(b->data);
	*b = (struct blob){};
}

/* --- writing ------------------------------------------------------------------------------------ */

static uint8_t *blob_extend(struct blob *b, size_t size)
{
	size_t room = b->room ? b->room : ROOM_MIN;
	uint8_t *data;

	if (b->err)
		return NULL;
	if (size > BLOB_MAX - b->size) {
		b->err = fail(WIN32(ERROR_NO_SYSTEM_RESOURCES),
			      "names, data and conditions: longer than %d bytes", BLOB_MAX);
		return NULL;
	}
	while (room < b->size + size)
		room *= 2;
	if (room > b->room) {
		data = realloc(b->data, room);
		if (!data) {
			b->err = -ENOMEM;
			return NULL;
		}
		b->data = data;
		b->room = room;
	}
	b->size += size;
	return b->data + b->size - size;
}

void blob_put(struct blob *b, const void *bytes, size_t size)
{
	uint8_t *to = size ? blob_extend(b, size) : NULL;

	if (to)
		memcpy(to, bytes, size);
}

void blob_put_u8(struct blob *b, uint8_t value)
{
	blob_put(b, &value, sizeof(value));
}

void blob_put_u16(struct blob *b, uint16_t value)
{
	blob_put(b, &value, sizeof(value));
}

void blob_put_u32(struct blob *b, uint32_t value)
{
	blob_put(b, &value, sizeof(value));
}

void blob_put_u64(struct blob *b, uint64_t value)
{
	blob_put(b, &value, sizeof(value));
}

/* Bytes of one character, or 0 when it is none. */
static size_t utf8_encode(uint32_t c, uint8_t to[UTF8_MAX])
{
	if (c < 0x80) {
		to[0] = c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = 0xc0 | c >> 6;
		to[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	if (c >= SURROGATE_FIRST && c <= SURROGATE_LAST)
		return 0;
	if (c < 0x10000) {
		to[0] = 0xe0 | c >> 12;
		to[1] = 0x80 | (c >> 6 & 0x3f);
		to[2] = 0x80 | (c & 0x3f);
		return 3;
	}
	if (c > UNICODE_LAST)
		return 0;
	to[0] = 0xf0 | c >> 18;
	to[1] = 0x80 | (c >> 12 & 0x3f);
	to[2] = 0x80 | (c >> 6 & 0x3f);
	to[3] = 0x80 | (c & 0x3f);
	return 4;
}

void blob_put_text(struct blob *b, const wchar_t *text)
{
	size_t length_at = b->size, size;
	uint8_t utf8[UTF8_MAX];
	uint32_t length;

	blob_put_u32(b, TEXT_NULL);
	if (!text)
		return;
	for (; *text && !b->err; text++) {
		size = utf8_encode(*text, utf8);
		if (size)
			blob_put(b, utf8, size);
		else
			b->err = fail(FWP(FWP_E_INVALID_PARAMETER),
				      "text: 0x%x is no Unicode character", (unsigned int)*text);
	}
	if (b->err)
		return;
	length = b->size - length_at - sizeof(length) + 1;
	memcpy(b->data + length_at, &length, sizeof(length));
}

void blob_put_data(struct blob *b, const FWP_BYTE_BLOB *data)
{
	blob_put_u32(b, data->size);
	blob_put(b, data->data, data->size);
}

/* --- reading ------------------------------------------------------------------------------------ */

static const uint8_t *blob_take(struct blob *b, size_t size)
{
	const uint8_t *from = b->data + b->at;

	if (b->err || size > b->size - b->at) {
		if (!b->err)
			b->err = -EPROTO;
		return NULL;
	}
	b->at += size;
	return from;
}

void blob_get(struct blob *b, void *bytes, size_t size)
{
	const uint8_t *from = blob_take(b, size);

	if (from)
		memcpy(bytes, from, size);
	else
		memset(bytes, 0, size);
}

uint8_t blob_get_u8(struct blob *b)
{
	uint8_t value;

	blob_get(b, &value, sizeof(value));
	return value;
}

uint16_t blob_get_u16(struct blob *b)
{
	uint16_t value;

	blob_get(b, &value, sizeof(value));
	return value;
}

uint32_t blob_get_u32(struct blob *b)
{
	uint32_t value;

	blob_get(b, &value, sizeof(value));
	return value;
}

uint64_t blob_get_u64(struct blob *b)
{
	uint64_t value;

	blob_get(b, &value, sizeof(value));
	return value;
}

const char *blob_get_utf8(struct blob *b, size_t *ret_size)
{
	uint32_t length = blob_get_u32(b);

	*ret_size = 0;
	if (length == TEXT_NULL || b->err)
		return NULL;
	*ret_size = length - 1;
	return (const char *)blob_take(b, length - 1);
}

/* One character of what utf8_encode() has made; only its first byte says how many there are. */
static size_t utf8_decode(const uint8_t *from, size_t left, wchar_t *ret)
{
	static const uint8_t mask[UTF8_MAX] = { 0x7f, 0x1f, 0x0f, 0x07 };
	size_t size = from[0] < 0x80 ? 1 : from[0] < 0xe0 ? 2 : from[0] < 0xf0 ? 3 : 4;

	if (size > left)
		return 0;
	*ret = from[0] & mask[size - 1];
	for (size_t i = 1; i < size; i++)
		*ret = *ret << 6 | (from[i] & 0x3f);
	return size;
}

wchar_t *blob_get_text(struct blob *b, struct out *o)
{
	size_t size, used, count = 0;
	const char *utf8 = blob_get_utf8(b, &size);
	const uint8_t *at = (const uint8_t *)utf8;
	wchar_t *text, c;

	if (!utf8)
		return NULL;
	for (size_t i = 0; i < size; i++)
		count += (at[i] & 0xc0) != 0x80;
	text = out_alloc(o, (count + 1) * sizeof(*text));
	if (!text)
		return NULL;
	for (size_t i = 0; i < count; i++, size -= used, at += used) {
		used = utf8_decode(at, size, &c);
		if (!used) {
			b->err = -EPROTO;
			break;
		}
		text[i] = c;
	}
	return text;
}

void blob_get_data(struct blob *b, struct out *o, FWP_BYTE_BLOB *ret)
{
	uint32_t size = blob_get_u32(b);
	const uint8_t *from = blob_take(b, size);

	ret->size = from ? size : 0;
	ret->data = from && size ? out_copy(o, from, size) : NULL;
}

/* --- parts -------------------------------------------------------------------------------------- */

static uint32_t part_count(size_t size)
{
	return (size + SAXDP_BLOB_BYTES - 1) / SAXDP_BLOB_BYTES;
}

static size_t part_size(size_t size, uint32_t part)
{
	size_t left = size - (size_t)part * SAXDP_BLOB_BYTES;

	return left < SAXDP_BLOB_BYTES ? left : SAXDP_BLOB_BYTES;
}

void blob_insert(struct blob *b, struct change *c, enum saxdp_blob_kind kind, uint64_t id)
{
	struct saxdp_blob_key key = { .kind = kind, .id = id };

	for (; key.part < part_count(b->size); key.part++) {
		struct saxdp_blob value = {};

		memcpy(value.data, b->data + (size_t)key.part * SAXDP_BLOB_BYTES,
		       part_size(b->size, key.part));
		change_insert(c, SAXDP_KIND_BLOB, &key, &value);
	}
}

void blob_die(struct change *c, enum saxdp_blob_kind kind, uint64_t id, size_t size)
{
	struct saxdp_blob_key key = { .kind = kind, .id = id };

	for (; key.part < part_count(size); key.part++)
		change_die(c, SAXDP_KIND_BLOB, &key);
}

static int blob_room(struct blob *b, size_t size)
{
	*b = (struct blob){ .size = size, .room = size };
	if (size > BLOB_MAX)
		return b->err = -EPROTO;
	if (!size)
		return 0;
	b->data = malloc(size);
	if (!b->data)
		b->err = -ENOMEM;
	return b->err;
}

static enum saxdp_epoch_id blob_epoch(enum saxdp_blob_kind kind)
{
	return kind == SAXDP_BLOB_FILTER || kind == SAXDP_BLOB_PROV_CONTEXT ? SAXDP_EPOCH_POLICY :
									      SAXDP_EPOCH_SA;
}

int blob_read(struct view *v, enum saxdp_blob_kind kind, uint64_t id, size_t size, struct blob *ret)
{
	struct saxdp_blob_key key = { .kind = kind, .id = id };
	struct saxdp_blob value;
	int err = blob_room(ret, size);

	for (; key.part < part_count(size) && !err; key.part++) {
		err = store_lookup(v->inst, SAXDP_KIND_BLOB, &key, &value);
		if (!err && !view_alive(v, blob_epoch(kind), &value.life))
			err = -ENOENT;
		if (!err)
			memcpy(ret->data + (size_t)key.part * SAXDP_BLOB_BYTES, value.data,
			       part_size(size, key.part));
	}
	return err;
}

int blob_policy_read(struct policy *p, enum saxdp_blob_kind kind, uint64_t id, size_t size,
		     struct blob *ret)
{
	struct saxdp_blob_key key = { .kind = kind, .id = id };
	struct saxdp_blob value;
	int err = blob_room(ret, size);

	for (; key.part < part_count(size) && !err; key.part++) {
		err = policy_lookup(p, SAXDP_KIND_BLOB, &key, &value);
		if (!err)
			memcpy(ret->data + (size_t)key.part * SAXDP_BLOB_BYTES, value.data,
			       part_size(size, key.part));
	}
	return err;
}
