// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The one translation of errors, row by row, and the text that goes with them. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "internal.h" /* its fail() is called in parentheses: cmocka has a macro of that name */

#include "check.h"

enum { LAST_ERRNO = 4095 };

/* Results as Windows numbers them. */
static const struct {
	int err;
	uint32_t result;
} rows[] = {
	{ 0, 0 },
	{ -ENOMEM, 8 }, /* ERROR_NOT_ENOUGH_MEMORY */
	{ -EMFILE, 8 },
	{ -ENFILE, 8 },
	{ -EPERM, 5 }, /* ERROR_ACCESS_DENIED */
	{ -EACCES, 5 },
	{ -ENOSPC, 1450 }, /* ERROR_NO_SYSTEM_RESOURCES */
	{ -E2BIG, 1450 },
	{ -EBADF, 6 }, /* ERROR_INVALID_HANDLE */
	{ -EINVAL, 87 }, /* ERROR_INVALID_PARAMETER */
	{ -EOPNOTSUPP, 50 }, /* ERROR_NOT_SUPPORTED */
	{ -ENOENT, 0x80320008 }, /* FWP_E_NOT_FOUND */
	{ -EEXIST, 0x80320009 }, /* FWP_E_ALREADY_EXISTS */
	{ -EBUSY, 0x8032000a }, /* FWP_E_IN_USE */
	{ -ETIMEDOUT, 0x80320012 }, /* FWP_E_TIMEOUT */
	{ -EPROTO, 1717 }, /* RPC_S_UNKNOWN_IF */
	{ -ESHUTDOWN, 0x80010108 }, /* RPC_E_DISCONNECTED */
};

/* What no rule foresees: RPC_S_CALL_FAILED. */
enum { UNFORESEEN = 1726 };

static const struct {
	const char *name;
	int err;
	uint32_t result;
} codes[] = {
	/* HRESULT_FROM_WIN32 is taken back. */
	{ "ERROR_ACCESS_DENIED", WIN32(5), 5 },
	{ "ERROR_INVALID_HANDLE", WIN32(6), 6 },
	{ "RPC_S_SERVER_UNAVAILABLE", WIN32(1722), 1722 },
	{ "the highest Win32 code", WIN32(0xffff), 0xffff },
	{ "the lowest", WIN32(0), 0 },
	/* What is a code of its own stays. */
	{ "FWP_E_CALLOUT_NOT_FOUND", FWP(0x80320001), 0x80320001 },
	{ "FWP_E_TXN_IN_PROGRESS", FWP(0x8032000e), 0x8032000e },
	{ "the last of WFP", FWP(0x80320104), 0x80320104 },
	{ "RPC_E_DISCONNECTED", FWP(0x80010108), 0x80010108 },
	{ "before Win32's", FWP(0x8006ffff), 0x8006ffff },
	{ "behind Win32's", FWP(0x80080000), 0x80080000 },
	{ "below errno's", -LAST_ERRNO - 1, 0xfffff000 },
};

static void each_row_has_its_result(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t result = fwp_result(rows[i].err);

		require(result == rows[i].result, "%s: 0x%x, not 0x%x", strerror(-rows[i].err),
			result, rows[i].result);
	}
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		uint32_t result = fwp_result(codes[i].err);

		require(result == codes[i].result, "%s: 0x%x, not 0x%x", codes[i].name, result,
			codes[i].result);
	}
}

static void any_other_errno_is_a_failed_call(void **state)
{
	(void)state;
	for (int err = 1; err <= LAST_ERRNO; err++) {
		bool row = false;

		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			row |= rows[i].err == -err;
		if (!row)
			assert_int_equal(fwp_result(-err), UNFORESEEN);
	}
}

/* So that `if (err)` is the whole test. */
static void codes_are_negative_and_below_errno(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		require(codes[i].err < -LAST_ERRNO, "%s is %d", codes[i].name, codes[i].err);
}

static void failure_returns_its_code_and_keeps_its_text(void **state)
{
	char longer[1000], kept[1000];

	(void)state;
	assert_int_equal((fail)(-EINVAL, "filter %d: %s", 7, "no such layer"), -EINVAL);
	assert_string_equal(saxdp_error(), "filter 7: no such layer");
	assert_int_equal((fail)(FWP(FWP_E_TIMEOUT), "second"), FWP(FWP_E_TIMEOUT));
	assert_string_equal(saxdp_error(), "second");

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	(fail)(-EINVAL, "%s", longer);
	strcpy(kept, saxdp_error());
	assert_true(strlen(kept) > 100 && strlen(kept) < sizeof(longer) - 1);
	assert_memory_equal(kept, longer, strlen(kept));
}

static void *fail_elsewhere(void *arg)
{
	(void)arg;
	/* A thread that has not failed has nothing to say. */
	if (strcmp(saxdp_error(), ""))
		return "a new thread has a text";
	(fail)(-EPERM, "of another thread");
	return strcmp(saxdp_error(), "of another thread") ? "its text is lost" : NULL;
}

static void text_is_the_threads_own(void **state)
{
	pthread_t thread;
	void *wrong;

	(void)state;
	(fail)(-EINVAL, "of this thread");
	require(!pthread_create(&thread, NULL, fail_elsewhere, NULL), "pthread_create");
	require(!pthread_join(thread, &wrong), "pthread_join");
	require(!wrong, "%s", (const char *)wrong);
	assert_string_equal(saxdp_error(), "of this thread");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_its_result),
		cmocka_unit_test(any_other_errno_is_a_failed_call),
		cmocka_unit_test(codes_are_negative_and_below_errno),
		cmocka_unit_test(failure_returns_its_code_and_keeps_its_text),
		cmocka_unit_test(text_is_the_threads_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
