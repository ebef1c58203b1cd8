// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The three forms of a filter's weight. */
#include "classify.h"

#include "check.h"

static const uint64_t automatic = 0x0123456789abcdef;

static void each_form_of_weight_has_its_effect(void **state)
{
	UINT64 given = 0xfedcba9876543210;
	const struct {
		FWP_VALUE0 weight;
		uint64_t effective;
	} rows[] = {
		{ { .type = FWP_EMPTY }, automatic },
		{ { .type = FWP_UINT8, .uint8 = 0 }, automatic },
		{ { .type = FWP_UINT8, .uint8 = 1 }, 0x1123456789abcdef },
		{ { .type = FWP_UINT8, .uint8 = FWPM_WEIGHT_RANGE_IKE_EXEMPTIONS },
		  0xc123456789abcdef },
		{ { .type = FWP_UINT8, .uint8 = 15 }, 0xf123456789abcdef },
		{ { .type = FWP_UINT64, .uint64 = &given }, 0xfedcba9876543210 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t effective;

		assert_int_equal(classify_weight(&rows[i].weight, automatic, &effective), 0);
		assert_int_equal(effective, rows[i].effective);
	}
}

static void every_other_weight_is_refused(void **state)
{
	const FWP_VALUE0 null = { .type = FWP_UINT64 };
	uint64_t effective = 1;

	(void)state;
	for (int range = 16; range <= UINT8_MAX; range++) {
		const FWP_VALUE0 w = { .type = FWP_UINT8, .uint8 = range };

		assert_int_equal(classify_weight(&w, automatic, &effective),
				 FWP(FWP_E_INVALID_WEIGHT));
	}
	for (int type = -1; type <= FWP_DATA_TYPE_MAX; type++) {
		const FWP_VALUE0 w = { .type = (FWP_DATA_TYPE)type };

		if (type != FWP_EMPTY && type != FWP_UINT8 && type != FWP_UINT64)
			assert_int_equal(classify_weight(&w, automatic, &effective),
					 FWP(FWP_E_INVALID_WEIGHT));
	}
	assert_int_equal(classify_weight(&null, automatic, &effective), FWP(FWP_E_NULL_POINTER));
	assert_int_equal(effective, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_of_weight_has_its_effect),
		cmocka_unit_test(every_other_weight_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
