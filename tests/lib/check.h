/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cmocka with what it wants included before it, and require(): how the helpers of tests/lib fail.
 * A helper that cannot do its work fails the running test, so that callers check nothing; outside
 * of a cmocka test (benchmarks) the same call prints the text and ends the program.
 */
#ifndef TESTS_LIB_CHECK_H
#define TESTS_LIB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* @fmt may use %m: errno is still that of @cond. */
#define require(cond, fmt, ...)                       \
	do {                                          \
		if (!(cond))                          \
			fail_msg(fmt, ##__VA_ARGS__); \
	} while (0)

#endif
