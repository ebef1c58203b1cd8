/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The part of an object that has no fixed size: names, data, conditions, proposals. It is packed
 * into one run of bytes, which the `blob` map keeps in parts of SAXDP_BLOB_BYTES; the object itself
 * says how many bytes. Numbers are in the machine's order, texts are UTF-8 after their length.
 */
#ifndef SAXDP_BLOB_H
#define SAXDP_BLOB_H

#include "internal.h"

/* Of one object; a commit of one run has 10,000 parts of 192 bytes. */
enum { BLOB_MAX = 1 << 20 };

/* Written and read from the front. `err` keeps the first failure: only the end has to look. */
struct blob {
	uint8_t *data;
	size_t size; /* written, or there to be read */
	size_t room; /* allocated */
	size_t at; /* next to be read */
	int err;
};

void blob_release(struct blob *b);

void blob_put(struct blob *b, const void *bytes, size_t size);
void blob_put_u8(struct blob *b, uint8_t value);
void blob_put_u16(struct blob *b, uint16_t value);
void blob_put_u32(struct blob *b, uint32_t value);
void blob_put_u64(struct blob *b, uint64_t value);
/* FWP_E_INVALID_PARAMETER for what is no Unicode text; NULL is another text than "". */
void blob_put_text(struct blob *b, const wchar_t *text);
void blob_put_data(struct blob *b, const FWP_BYTE_BLOB *data);

/* Past the end everything is 0 and err is -EPROTO. */
void blob_get(struct blob *b, void *bytes, size_t size);
uint8_t blob_get_u8(struct blob *b);
uint16_t blob_get_u16(struct blob *b);
uint32_t blob_get_u32(struct blob *b);
uint64_t blob_get_u64(struct blob *b);
/* Into the allocation that goes out. */
wchar_t *blob_get_text(struct blob *b, struct out *o);
void blob_get_data(struct blob *b, struct out *o, FWP_BYTE_BLOB *ret);
/* UTF-8 where it stands, not terminated; NULL for a NULL text. */
const char *blob_get_utf8(struct blob *b, size_t *ret_size);

/* Its parts in the map. */
void blob_insert(struct blob *b, struct change *c, enum saxdp_blob_kind kind, uint64_t id);
void blob_die(struct change *c, enum saxdp_blob_kind kind, uint64_t id, size_t size);

/* -ENOENT when a part does not live. The caller releases `ret`. */
int blob_read(struct view *v, enum saxdp_blob_kind kind, uint64_t id, size_t size,
	      struct blob *ret);
int blob_policy_read(struct policy *p, enum saxdp_blob_kind kind, uint64_t id, size_t size,
		     struct blob *ret);

#endif
