// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "output.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd.h"

enum {
	GAP = 2, /* between columns */
	INDENT = 2, /* of what belongs to the line above */
	LABEL = 20, /* of a record's lines */
};

/* A list that is cut short must not look whole. */
static void *needed(void *pointer)
{
	if (!pointer)
		exit(cmd_fail("out of memory"));
	return pointer;
}

/* --- JSON ------------------------------------------------------------------------------------------ */

/* Keys are constants, so they are not copied. */
static void json_add(struct out *o, const char *key, cJSON *item)
{
	cJSON *parent = o->open[o->depth - 1];

	needed(item);
	if (cJSON_IsArray(parent))
		cJSON_AddItemToArray(parent, item);
	else
		cJSON_AddItemToObjectCS(parent, key, item);
}

static void json_open(struct out *o, const char *key, cJSON *item)
{
	needed(item);
	assert(o->depth < OUT_DEPTH);
	if (o->depth)
		json_add(o, key, item);
	o->open[o->depth++] = item;
}

static void json_close(struct out *o)
{
	char *text;

	if (--o->depth)
		return;
	text = needed(cJSON_PrintUnformatted(o->open[0]));
	if (o->list)
		fputs(o->rows++ ? ",\n" : "\n", stdout);
	fputs(text, stdout);
	if (!o->list)
		putchar('\n');
	cJSON_free(text);
	cJSON_Delete(o->open[0]);
}

/* --- tables ----------------------------------------------------------------------------------------- */

static void cell_add(struct out *o, const char *title, const char *text, bool number)
{
	size_t size = strlen(text) + 1;
	struct out_column *column;

	assert(o->cells < OUT_COLUMNS);
	column = &o->column[o->cells++];
	if (o->cells > o->columns) {
		o->columns = o->cells;
		*column = (struct out_column){ .title = title, .width = strlen(title) };
	}
	assert(!strcmp(column->title, title));
	/* A column of numbers may have "-" in it. */
	column->number |= number;
	if (column->width < size - 1)
		column->width = size - 1;
	while (o->room - o->size < size) {
		o->room = o->room ? o->room * 2 : BUFSIZ;
		o->text = needed(realloc(o->text, o->room));
	}
	memcpy(o->text + o->size, text, size);
	o->size += size;
}

/* Columns of a terminal; what is no terminal has no end. */
static size_t line_width(void)
{
	struct winsize w;

	return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col ?
		       w.ws_col :
		       SIZE_MAX;
}

/* One row; cell by cell from `text`, or the titles. Returns where the next row begins. */
static const char *row_print(const struct out *o, const char *text, size_t width)
{
	size_t at = o->indent;
	unsigned int blanks = o->indent;

	for (unsigned int i = 0; i < o->columns; i++) {
		const struct out_column *c = &o->column[i];
		const char *cell = text ? text : c->title;
		size_t length = strlen(cell);
		/* What ends a line needs no more than it is long. */
		size_t wanted = i + 1 == o->columns && !c->number ? length : c->width;

		if (i && at + GAP + wanted > width) {
			putchar('\n');
			at = blanks = o->indent + 2 * INDENT;
		} else if (i) {
			blanks += GAP;
			at += GAP;
		}
		if (c->number)
			blanks += c->width - length;
		/* Blanks are written before what follows them: no line ends with any. */
		printf("%*s%s", (int)blanks, "", cell);
		blanks = c->number ? 0 : c->width - length;
		at += c->width;
		if (text)
			text += length + 1;
	}
	putchar('\n');
	return text;
}

static void table_print(struct out *o)
{
	size_t width = line_width();
	const char *at = o->text;

	if (o->columns)
		row_print(o, NULL, width);
	while (at && at < o->text + o->size)
		at = row_print(o, at, width);
	free(o->text);
	o->text = NULL;
	o->size = o->room = 0;
	o->columns = o->cells = 0;
}

/* --- records ------------------------------------------------------------------------------------------ */

static void label_print(const struct out *o, const char *key, const char *text)
{
	char label[LABEL + 1];
	size_t i;

	/* Nanoseconds are for JSON. */
	for (i = 0; key[i] && i < LABEL && strcmp(key + i, "_ns"); i++)
		label[i] = key[i] == '_' ? ' ' : key[i];
	label[i] = '\0';
	if (text)
		printf("%*s%-*s%s\n", (int)o->indent, "", LABEL - (int)o->indent, label, text);
	else
		printf("%*s%s\n", (int)o->indent, "", label);
}

/* Above the first entry; what has none is said to be so at its end. */
static void list_label(struct out *o)
{
	if (!o->list_key)
		return;
	o->indent -= INDENT;
	label_print(o, o->list_key, NULL);
	o->indent += INDENT;
	o->list_key = NULL;
}

/* --- all forms ------------------------------------------------------------------------------------------ */

void out_list_begin(struct out *o, const char *key)
{
	if (cli.json && !o->depth) {
		o->list = true;
		putchar('[');
	} else if (cli.json) {
		json_open(o, key, cJSON_CreateArray());
	} else if (o->table) {
		o->inner++;
	} else {
		o->list_key = key;
		if (key)
			o->indent += INDENT;
		o->list = key;
		o->table = true;
	}
}

void out_list_end(struct out *o)
{
	if (cli.json && !o->depth) {
		fputs(o->rows ? "\n]\n" : "]\n", stdout);
		*o = (struct out){};
	} else if (cli.json) {
		json_close(o);
	} else if (o->inner) {
		o->inner--;
	} else {
		if (o->columns)
			list_label(o);
		table_print(o);
		if (o->list)
			o->indent -= INDENT;
		if (o->list_key)
			label_print(o, o->list_key, "none");
		o->list_key = NULL;
		o->list = o->table = false;
	}
}

void out_row_begin(struct out *o)
{
	if (cli.json)
		json_open(o, NULL, cJSON_CreateObject());
	else if (!o->inner)
		o->cells = 0;
}

void out_row_end(struct out *o)
{
	if (cli.json)
		json_close(o);
	else if (o->table && !o->inner)
		assert(o->cells == o->columns);
}

void out_object_begin(struct out *o, const char *key)
{
	if (cli.json) {
		json_open(o, key, cJSON_CreateObject());
	} else if (!o->table) {
		label_print(o, key, NULL);
		o->indent += INDENT;
	}
}

void out_object_end(struct out *o)
{
	if (cli.json)
		json_close(o);
	else if (!o->table)
		o->indent -= INDENT;
}

static void field(struct out *o, const char *key, const char *title, const char *json,
		  const char *text, bool number)
{
	if (cli.json) {
		if (key)
			json_add(o, key, json ? cJSON_CreateRaw(json) : cJSON_CreateString(text));
	} else if (o->table) {
		if (title && !o->inner)
			cell_add(o, title, text, number);
	} else if (key) {
		label_print(o, key, text);
	}
}

void out_line(struct out *o, const char *text)
{
	if (cli.json) {
		json_add(o, NULL, cJSON_CreateString(text));
		return;
	}
	list_label(o);
	printf("%*s%s\n", (int)o->indent, "", text);
}

/* Some texts are names that others chose: a terminal must not obey them. JSON has escapes. */
void out_text(struct out *o, const char *key, const char *title, const char *text)
{
	char *shown = NULL;

	if (!cli.json) {
		shown = needed(strdup(text));
		for (char *c = shown; *c; c++)
			if (iscntrl((unsigned char)*c))
				*c = '?';
	}
	field(o, key, title, NULL, shown ? shown : text, false);
	free(shown);
}

void out_number(struct out *o, const char *key, const char *title, uint64_t value, const char *text)
{
	char json[24];

	/* cJSON's own numbers are doubles: exact up to 2^53. */
	snprintf(json, sizeof(json), "%" PRIu64, value);
	field(o, key, title, json, text, false);
}

void out_u64(struct out *o, const char *key, const char *title, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	field(o, key, title, text, text, true);
}

void out_bool(struct out *o, const char *key, const char *title, bool value)
{
	field(o, key, title, value ? "true" : "false", value ? "yes" : "no", false);
}

void out_null(struct out *o, const char *key, const char *title)
{
	field(o, key, title, "null", "-", false);
}
