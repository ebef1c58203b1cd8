// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The public headers against layout.tsv: size and alignment of every structure, offset and size of
 * every field, value of every constant, bytes of every GUID, each printed with its row when wrong.
 *
 * The rows are macro calls made from the table when the test is built, in a directory that is on
 * the test's include path:
 *
 *	awk -F '\t' '!/^#/ { printf "%s_ROW(%s", toupper($1), $2;
 *			     for (i = 3; i <= NF; i++) printf ", %s", $i; print ")" }' \
 *		tests/unit/layout.tsv >layout_rows.h
 *
 * Links with user/lib/guid.c (or the library) and cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fwpmu.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A program may declare a GUID again, as those do whose compiler's headers lack it. */
extern const GUID FWPM_LAYER_INBOUND_TRANSPORT_V4;

/* What a program's own GUIDs go through: a declaration, then with INITGUID the definition. */
DEFINE_GUID(TEST_KEY, 0x01234567, 0x89ab, 0xcdef, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe);
#define INITGUID
#include <fwp/define_guid.h>
DEFINE_GUID(TEST_KEY, 0x01234567, 0x89ab, 0xcdef, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe);

struct row {
	const char *name;
	UINT64 wanted[2];
	UINT64 found[2];
};

/* Compares all rows, so that one run shows everything that is wrong. */
static void check_rows(const struct row *row, size_t rows, const char *first, const char *second)
{
	size_t i, wrong = 0;

	assert_true(rows > 0);
	for (i = 0; i < rows; i++, row++) {
		if (!memcmp(row->wanted, row->found, sizeof(row->wanted)))
			continue;
		print_error("%s: %s 0x%llx instead of 0x%llx", row->name, first,
			    (unsigned long long)row->found[0], (unsigned long long)row->wanted[0]);
		if (second)
			print_error(", %s %llu instead of %llu", second,
				    (unsigned long long)row->found[1],
				    (unsigned long long)row->wanted[1]);
		print_error("\n");
		wrong++;
	}
	if (wrong)
		fail_msg("%zu of %zu rows are wrong", wrong, rows);
}

#define STRUCT_ROW(name, size, align)
#define FIELD_ROW(type, field, offset, size)
#define VALUE_ROW(name, value)
#define AUTH_ID_ROW(name, type, config)
#define CIPHER_ID_ROW(name, type, config)
#define GUID_ROW(name, text)

static void structures_have_size_and_alignment(void **state)
{
#undef STRUCT_ROW
#define STRUCT_ROW(name, size, align) { #name, { size, align }, { sizeof(name), _Alignof(name) } },
	static const struct row rows[] = {
#include "layout_rows.h"
	};
#undef STRUCT_ROW
#define STRUCT_ROW(name, size, align)

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), "size", "alignment");
}

static void fields_have_offset_and_size(void **state)
{
#undef FIELD_ROW
#define FIELD_ROW(type, field, offset, size) \
	{ #type "." #field,                  \
	  { offset, size },                  \
	  { offsetof(type, field), sizeof(((type *)0)->field) } },
	static const struct row rows[] = {
#include "layout_rows.h"
	};
#undef FIELD_ROW
#define FIELD_ROW(type, field, offset, size)

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), "offset", "size");
}

static void constants_have_value(void **state)
{
#undef VALUE_ROW
#define VALUE_ROW(name, value) { #name, { value, 0 }, { name, 0 } },
	static const struct row rows[] = {
#include "layout_rows.h"
	};
#undef VALUE_ROW
#define VALUE_ROW(name, value)

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), "value", NULL);
}

static void transform_ids_have_type_and_configuration(void **state)
{
#undef AUTH_ID_ROW
#define AUTH_ID_ROW(name, type, config) \
	{ #name, { type, config }, { (name).authType, (name).authConfig } },
#undef CIPHER_ID_ROW
#define CIPHER_ID_ROW(name, type, config) \
	{ #name, { type, config }, { (name).cipherType, (name).cipherConfig } },
	const struct row rows[] = {
#include "layout_rows.h"
	};
#undef AUTH_ID_ROW
#define AUTH_ID_ROW(name, type, config)
#undef CIPHER_ID_ROW
#define CIPHER_ID_ROW(name, type, config)

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), "type", "configuration");
}

struct guid_row {
	const char *name;
	const char *text;
	const GUID *guid;
};

#undef GUID_ROW
#define GUID_ROW(name, text) { #name, #text, &(name) },
static const struct guid_row guid_rows[] = {
#include "layout_rows.h"
};

#define GUID_TEXT_SIZE sizeof("00000000-0000-0000-0000-000000000000")

static void guid_print(char *text, const GUID *guid)
{
	const UINT8 *b = guid->Data4;

	snprintf(text, GUID_TEXT_SIZE, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 guid->Data1, guid->Data2, guid->Data3, b[0], b[1], b[2], b[3], b[4], b[5], b[6],
		 b[7]);
}

static void guids_have_their_bytes(void **state)
{
	char text[GUID_TEXT_SIZE];
	size_t i, wrong = 0;

	(void)state;
	assert_true(ARRAY_SIZE(guid_rows) > 0);
	for (i = 0; i < ARRAY_SIZE(guid_rows); i++) {
		guid_print(text, guid_rows[i].guid);
		if (!strcmp(text, guid_rows[i].text))
			continue;
		print_error("%s: %s instead of %s\n", guid_rows[i].name, text, guid_rows[i].text);
		wrong++;
	}
	if (wrong)
		fail_msg("%zu of %zu GUIDs are wrong", wrong, ARRAY_SIZE(guid_rows));
}

/* Otherwise a GUID added to the list alone would go untested. */
static void every_guid_of_the_list_is_in_the_table(void **state)
{
#define GUID_NAME(name, data1, data2, data3, data4, data5) #name,
	static const char *const names[] = { FWP_GUID_LIST(GUID_NAME) };
#undef GUID_NAME
	size_t i, k, missing = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (k = 0; k < ARRAY_SIZE(guid_rows); k++)
			if (!strcmp(names[i], guid_rows[k].name))
				break;
		if (k < ARRAY_SIZE(guid_rows))
			continue;
		print_error("%s: not in layout.tsv\n", names[i]);
		missing++;
	}
	if (missing)
		fail_msg("%zu GUIDs are not in layout.tsv", missing);
}

static void a_program_defines_its_own_guids(void **state)
{
	char text[GUID_TEXT_SIZE];

	(void)state;
	guid_print(text, &TEST_KEY);
	assert_string_equal(text, "01234567-89ab-cdef-1032-547698badcfe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures_have_size_and_alignment),
		cmocka_unit_test(fields_have_offset_and_size),
		cmocka_unit_test(constants_have_value),
		cmocka_unit_test(transform_ids_have_type_and_configuration),
		cmocka_unit_test(guids_have_their_bytes),
		cmocka_unit_test(every_guid_of_the_list_is_in_the_table),
		cmocka_unit_test(a_program_defines_its_own_guids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
