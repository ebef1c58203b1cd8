/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Tables and JSON from the same rows. A field has a key, which JSON knows it by, and a title, which
 * makes it a column of a table; either may be NULL.
 *
 *	out_list_begin(&o, NULL);
 *	for (...) {
 *		out_row_begin(&o);
 *		out_u64(&o, "id", "ID", info->id);
 *		out_row_end(&o);
 *	}
 *	out_list_end(&o);
 *
 * A row without a list around it is a record: a line for each key, and a table for each list in it.
 * JSON is one object a line, written row by row: the longest list needs no memory.
 */
#ifndef SAXDP_OUTPUT_H
#define SAXDP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

enum {
	OUT_DEPTH = 8,
	OUT_COLUMNS = 16,
};

struct out_column {
	const char *title;
	bool number; /* stands to the right */
	size_t width;
};

/* Zeroed to begin with; the last _end() leaves nothing behind. */
struct out {
	/* JSON */
	cJSON *open[OUT_DEPTH]; /* the row, and what is open in it */
	unsigned int depth;
	bool list; /* rows are entries of one */
	size_t rows;

	/* text */
	struct out_column column[OUT_COLUMNS];
	unsigned int columns; /* that the first row had */
	unsigned int cells; /* of this row so far */
	char *text; /* all cells, each with a NUL behind it */
	size_t size, room;
	bool table; /* fields are cells */
	unsigned int inner; /* lists in a row of a table: not shown */
	unsigned int indent; /* of a record's lines */
	const char *list_key; /* of a record's list that has no entry yet */
};

void out_list_begin(struct out *o, const char *key);
void out_list_end(struct out *o);
void out_row_begin(struct out *o);
void out_row_end(struct out *o);
void out_object_begin(struct out *o, const char *key);
void out_object_end(struct out *o);

/* As a list's entry instead of a row: a line for each. */
void out_line(struct out *o, const char *text);

void out_text(struct out *o, const char *key, const char *title, const char *text);
void out_u64(struct out *o, const char *key, const char *title, uint64_t value);
/* JSON has the number, everybody else the text. */
void out_number(struct out *o, const char *key, const char *title, uint64_t value,
		const char *text);
void out_bool(struct out *o, const char *key, const char *title, bool value);
void out_null(struct out *o, const char *key, const char *title);

#endif
