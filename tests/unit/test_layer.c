// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The tables of what is built in, against the public names and the numbers that packets see. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#include "check.h"

static const GUID unknown = { .Data1 = 1 };

static void each_layer_is_found_by_its_key(void **state)
{
	unsigned int i, judged = 0;

	(void)state;
	for (i = 0; layer_at(i); i++) {
		assert_int_equal(layer_find(layer_at(i)->key), i);
		assert_string_equal(saxdp_layer_name(i), layer_at(i)->name);
		judged += layer_at(i)->enforced;
	}
	assert_true(i > 100);
	assert_int_equal(judged, SAXDP_LAYERS);
	assert_int_equal(layer_find(&unknown), -ENOENT);
	assert_null(saxdp_layer_name(i));
}

static void judged_layers_are_those_of_packets(void **state)
{
	static const struct {
		const GUID *key;
		const char *name;
		enum saxdp_layer judged;
		uint8_t family;
		bool inbound;
	} rows[] = {
		{ &FWPM_LAYER_INBOUND_TRANSPORT_V4, "FWPM_LAYER_INBOUND_TRANSPORT_V4",
		  SAXDP_INBOUND_TRANSPORT_V4, 4, true },
		{ &FWPM_LAYER_INBOUND_TRANSPORT_V6, "FWPM_LAYER_INBOUND_TRANSPORT_V6",
		  SAXDP_INBOUND_TRANSPORT_V6, 6, true },
		{ &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, "FWPM_LAYER_OUTBOUND_TRANSPORT_V4",
		  SAXDP_OUTBOUND_TRANSPORT_V4, 4, false },
		{ &FWPM_LAYER_OUTBOUND_TRANSPORT_V6, "FWPM_LAYER_OUTBOUND_TRANSPORT_V6",
		  SAXDP_OUTBOUND_TRANSPORT_V6, 6, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct layer *l = layer_at(layer_find(rows[i].key));

		assert_true(l->enforced);
		assert_int_equal(l->judged, rows[i].judged);
		assert_int_equal(l->family, rows[i].family);
		assert_int_equal(l->inbound, rows[i].inbound);
		assert_string_equal(l->name, rows[i].name);
	}
	assert_false(layer_at(layer_find(&FWPM_LAYER_IPFORWARD_V4))->enforced);
	assert_false(layer_at(layer_find(&FWPM_LAYER_INBOUND_TRANSPORT_V4_DISCARD))->enforced);
}

static void each_callout_is_found_by_its_key(void **state)
{
	unsigned int i, ipsec = 0;

	(void)state;
	for (i = 0; callout_at(i); i++) {
		assert_int_equal(callout_find(callout_at(i)->key), i);
		assert_string_equal(saxdp_callout_name(i + 1), callout_at(i)->name);
		if (callout_at(i)->action != SAXDP_CALLOUT) {
			assert_int_equal(callout_at(i)->tunnel,
					 callout_at(i)->action == SAXDP_IPSEC_TUNNEL);
			ipsec++;
		}
	}
	assert_int_equal(ipsec, 8);
	assert_null(saxdp_callout_name(0));
	assert_null(saxdp_callout_name(i + 1));
	assert_int_equal(callout_find(&unknown), -ENOENT);
}

static void ipsec_callouts_say_mode_direction_and_family(void **state)
{
	static const struct {
		const GUID *key;
		enum saxdp_action action;
		bool inbound;
		uint8_t family;
	} rows[] = {
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, SAXDP_IPSEC_TRANSPORT, true, 4 },
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V6, SAXDP_IPSEC_TRANSPORT, true, 6 },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, SAXDP_IPSEC_TRANSPORT, false, 4 },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V6, SAXDP_IPSEC_TRANSPORT, false, 6 },
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4, SAXDP_IPSEC_TUNNEL, true, 4 },
		{ &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V6, SAXDP_IPSEC_TUNNEL, true, 6 },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4, SAXDP_IPSEC_TUNNEL, false, 4 },
		{ &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6, SAXDP_IPSEC_TUNNEL, false, 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct callout *c = callout_at(callout_find(rows[i].key));

		assert_int_equal(c->action, rows[i].action);
		assert_int_equal(c->inbound, rows[i].inbound);
		assert_int_equal(c->family, rows[i].family);
	}
}

/* Which of two comes first is said by their weights alone. */
static void built_in_sublayers_have_different_weights(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; sublayer_at(i); i++) {
		assert_int_equal(sublayer_find(sublayer_at(i)->key), i);
		assert_string_equal(saxdp_sublayer_name(i), sublayer_at(i)->name);
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(sublayer_at(i)->weight, sublayer_at(j)->weight);
	}
	assert_int_equal(i, SUBLAYERS_BUILTIN);
	assert_null(saxdp_sublayer_name(i));
	assert_int_equal(sublayer_find(&unknown), -ENOENT);
}

/* What the documentation says, and what was seen. */
static void sublayer_weights_are_as_on_windows(void **state)
{
	int inspection = sublayer_find(&FWPM_SUBLAYER_INSPECTION);

	(void)state;
	assert_int_equal(sublayer_at(sublayer_find(&FWPM_SUBLAYER_UNIVERSAL))->weight, 32768);
	assert_int_equal(sublayer_at(sublayer_find(&FWPM_SUBLAYER_RPC_AUDIT))->weight, 49152);
	for (int i = 0; sublayer_at(i); i++)
		if (i != inspection)
			assert_true(sublayer_at(i)->weight > sublayer_at(inspection)->weight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_layer_is_found_by_its_key),
		cmocka_unit_test(judged_layers_are_those_of_packets),
		cmocka_unit_test(each_callout_is_found_by_its_key),
		cmocka_unit_test(ipsec_callouts_say_mode_direction_and_family),
		cmocka_unit_test(built_in_sublayers_have_different_weights),
		cmocka_unit_test(sublayer_weights_are_as_on_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
