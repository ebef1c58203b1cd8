/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How benchmarks measure and print.
 *
 * What is compared runs in turn, round by round, so that a machine that changes its speed changes it
 * for both. A ratio is made inside each round; printed are the medians, and in brackets the least
 * and the greatest of all rounds.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

enum { BENCH_ROUNDS = 21 };

/* One value a round. */
struct sample {
	double value[BENCH_ROUNDS];
	unsigned int count;
};

struct summary {
	double median, min, max;
};

static inline double bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* Of this thread alone: what others do meanwhile on the same CPU is not in it. */
static inline double bench_thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* Moving between CPUs would make every counter somebody else's. */
static inline int bench_stay(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	require(cpu >= 0 && !sched_setaffinity(0, sizeof(set), &set), "affinity: %m");
	return cpu;
}

static inline void sample_add(struct sample *s, double value)
{
	require(s->count < BENCH_ROUNDS, "more than %d rounds", BENCH_ROUNDS);
	s->value[s->count++] = value;
}

static inline int sample_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline struct summary sample_summary(const struct sample *s)
{
	double sorted[BENCH_ROUNDS];

	require(s->count, "nothing was measured");
	memcpy(sorted, s->value, s->count * sizeof(*sorted));
	qsort(sorted, s->count, sizeof(*sorted), sample_compare);
	return (struct summary){
		.median = (sorted[(s->count - 1) / 2] + sorted[s->count / 2]) / 2,
		.min = sorted[0],
		.max = sorted[s->count - 1],
	};
}

/* Round by round. */
static inline struct sample sample_ratio(const struct sample *a, const struct sample *b)
{
	struct sample ret = {};

	for (unsigned int i = 0; i < a->count && i < b->count; i++)
		sample_add(&ret, a->value[i] / b->value[i]);
	return ret;
}

static inline struct sample sample_minus(const struct sample *a, const struct sample *b)
{
	struct sample ret = {};

	for (unsigned int i = 0; i < a->count && i < b->count; i++)
		sample_add(&ret, a->value[i] - b->value[i]);
	return ret;
}

/* --- the table: 80 columns ------------------------------------------------------------------------ */

enum {
	BENCH_WHAT = 32, /* columns */
	BENCH_RANGE = 15,
	BENCH_TEXT = 64,
};

/* @ratio: "" when nothing is compared. */
static inline void bench_title(const char *question, const char *unit, const char *ratio)
{
	printf("\n%-*s %7s ", BENCH_WHAT, question, unit);
	if (*ratio)
		printf("%-*s %5s %-*s aim\n", BENCH_RANGE, "[min-max]", ratio, BENCH_RANGE - 4,
		       "[min-max]");
	else
		printf("[min-max]\n");
}

/* Three digits are all that a shared machine can say. */
static inline int summary_digits(const struct summary *s)
{
	return s->median < 10 ? 2 : s->median < 100 ? 1 : 0;
}

static inline void summary_range(char ret[BENCH_TEXT], const struct summary *s)
{
	int digits = summary_digits(s);

	snprintf(ret, BENCH_TEXT, "[%.*f-%.*f]", digits, s->min, digits, s->max);
}

/* @ratio: NULL for what others are compared with; @aim: "" when there is none. */
static inline void bench_row(const char *what, const struct sample *value,
			     const struct sample *ratio, const char *aim)
{
	struct summary s = sample_summary(value);
	char range[BENCH_TEXT];

	summary_range(range, &s);
	printf("  %-*s %7.*f %-*s", BENCH_WHAT - 2, what, summary_digits(&s), s.median,
	       ratio ? BENCH_RANGE : 0, range);
	if (ratio) {
		s = sample_summary(ratio);
		summary_range(range, &s);
		printf(" %5.2f %-*s%s%s", s.median, *aim ? BENCH_RANGE - 4 : 0, range,
		       *aim ? " " : "", aim);
	}
	putchar('\n');
}

static inline void __attribute__((format(printf, 1, 2))) bench_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("  ", stdout);
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

#endif
