// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Packing and unpacking of what has no fixed size. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "blob.h"

#include "check.h"

static void numbers_come_back(void **state)
{
	struct blob b = {};

	(void)state;
	blob_put_u8(&b, 0xfe);
	blob_put_u16(&b, 0xfedc);
	blob_put_u32(&b, 0xfedcba98);
	blob_put_u64(&b, 0xfedcba9876543210);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.size, 15);
	assert_int_equal(blob_get_u8(&b), 0xfe);
	assert_int_equal(blob_get_u16(&b), 0xfedc);
	assert_int_equal(blob_get_u32(&b), 0xfedcba98);
	assert_int_equal(blob_get_u64(&b), 0xfedcba9876543210);
	assert_int_equal(b.err, 0);
	blob_release(&b);
}

static void reading_past_the_end_gives_zeros_and_an_error(void **state)
{
	struct blob b = {};

	(void)state;
	blob_put_u16(&b, 0xffff);
	assert_int_equal(blob_get_u32(&b), 0);
	assert_int_equal(b.err, -EPROTO);
	assert_int_equal(blob_get_u16(&b), 0);
	blob_release(&b);
}

/* One character at each end of each length of UTF-8. */
static void texts_are_kept_as_utf8(void **state)
{
	static const struct {
		wchar_t text[3];
		const char *utf8;
	} rows[] = {
		{ L"", "" },
		{ L"a", "a" },
		{ { 0x7f }, "\x7f" },
		{ { 0x80 }, "\xc2\x80" },
		{ { 0x7ff }, "\xdf\xbf" },
		{ { 0x800 }, "\xe0\xa0\x80" },
		{ { 0xd7ff }, "\xed\x9f\xbf" },
		{ { 0xe000 }, "\xee\x80\x80" },
		{ { 0xffff }, "\xef\xbf\xbf" },
		{ { 0x10000 }, "\xf0\x90\x80\x80" },
		{ { 0x10ffff, 'z' }, "\xf4\x8f\xbf\xbfz" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct blob b = {}, again;
		struct out o = {};
		const char *utf8;
		wchar_t *text;
		size_t size;
		int err;

		blob_put_text(&b, rows[i].text);
		assert_int_equal(b.err, 0);
		again = b;
		utf8 = blob_get_utf8(&again, &size);
		assert_int_equal(size, strlen(rows[i].utf8));
		assert_memory_equal(utf8, rows[i].utf8, size);
		assert_int_equal(again.at, b.size);
		do {
			again = b;
			text = blob_get_text(&again, &o);
			err = text ? again.err : -ENOMEM;
		} while (out_again(&o, &err));
		assert_int_equal(err, 0);
		assert_int_equal(wcscmp((wchar_t *)o.base, rows[i].text), 0);
		free(o.base);
		blob_release(&b);
	}
}

static void null_is_another_text_than_the_empty_one(void **state)
{
	struct blob b = {};
	struct out o = {};

	(void)state;
	blob_put_text(&b, NULL);
	assert_null(blob_get_text(&b, &o));
	assert_int_equal(b.err, 0);
	assert_int_equal(o.used, 0);
	blob_release(&b);
}

static void what_is_no_character_is_refused(void **state)
{
	static const wchar_t rows[][2] = { { 0xd800 }, { 0xdfff }, { 0x110000 }, { -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct blob b = {};

		blob_put_text(&b, rows[i]);
		assert_int_equal(b.err, FWP(FWP_E_INVALID_PARAMETER));
		blob_put_u8(&b, 1);
		assert_int_equal(b.err, FWP(FWP_E_INVALID_PARAMETER));
		blob_release(&b);
	}
}

static void data_comes_back(void **state)
{
	uint8_t bytes[] = { 1, 0, 2 };
	FWP_BYTE_BLOB some = { sizeof(bytes), bytes }, none = {}, ret;
	struct blob b = {}, again;
	struct out o = {};
	int err;

	(void)state;
	blob_put_data(&b, &some);
	blob_put_data(&b, &none);
	do {
		again = b;
		blob_get_data(&again, &o, &ret);
		err = again.err;
	} while (out_again(&o, &err));
	assert_int_equal(ret.size, sizeof(bytes));
	assert_memory_equal(ret.data, bytes, sizeof(bytes));
	blob_get_data(&again, &o, &ret);
	assert_int_equal(again.err, 0);
	assert_int_equal(ret.size, 0);
	assert_null(ret.data);
	free(o.base);
	blob_release(&b);
}

static void more_than_a_blob_holds_is_refused(void **state)
{
	static uint8_t bytes[BLOB_MAX];
	struct blob b = {};

	(void)state;
	blob_put(&b, bytes, BLOB_MAX);
	assert_int_equal(b.err, 0);
	blob_put_u8(&b, 0);
	assert_int_equal(b.err, WIN32(ERROR_NO_SYSTEM_RESOURCES));
	blob_release(&b);
}

/* Memory of the first pass can be written, followed and read, as that of the second. */
static void answers_are_one_allocation(void **state)
{
	struct node {
		struct node *next;
		char text[5];
	} * first, *second;
	struct out o = {};
	int err, passes = 0;

	(void)state;
	do {
		first = out_alloc(&o, sizeof(*first));
		first->next = out_alloc(&o, sizeof(*second));
		second = first->next;
		second->next = out_copy(&o, "tail", 5);
		memcpy(first->text, "head", 5);
		assert_string_equal(first->next->next, "tail");
		assert_int_equal((uintptr_t)second % _Alignof(max_align_t), 0);
		err = 0;
		passes++;
	} while (out_again(&o, &err));
	assert_int_equal(err, 0);
	assert_int_equal(passes, 2);
	assert_ptr_equal(o.base, first);
	assert_true((char *)second > o.base && (char *)second < o.base + o.size);
	free(o.base);
}

static void an_answer_that_grew_between_the_passes_is_an_error(void **state)
{
	struct out o = {};
	size_t size = 16;
	char *p;
	int err;

	(void)state;
	do {
		p = out_alloc(&o, size);
		memset(p, 1, size);
		size = 4096;
		err = 0;
	} while (out_again(&o, &err));
	assert_int_equal(err, -ESTALE);
	assert_null(o.base);
}

static void a_failure_in_either_pass_leaves_nothing(void **state)
{
	(void)state;
	for (int fails = 1; fails <= 2; fails++) {
		struct out o = {};
		int err, pass = 0;

		do {
			assert_non_null(out_alloc(&o, 100));
			err = ++pass == fails ? -EIO : 0;
		} while (out_again(&o, &err));
		assert_int_equal(err, -EIO);
		assert_int_equal(pass, fails);
		assert_null(o.base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(reading_past_the_end_gives_zeros_and_an_error),
		cmocka_unit_test(texts_are_kept_as_utf8),
		cmocka_unit_test(null_is_another_text_than_the_empty_one),
		cmocka_unit_test(what_is_no_character_is_refused),
		cmocka_unit_test(data_comes_back),
		cmocka_unit_test(more_than_a_blob_holds_is_refused),
		cmocka_unit_test(answers_are_one_allocation),
		cmocka_unit_test(an_answer_that_grew_between_the_passes_is_an_error),
		cmocka_unit_test(a_failure_in_either_pass_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
