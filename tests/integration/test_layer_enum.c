// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The calls on layers: every code that their docstrings name, and what another process is told. */
#include <string.h>
#include <wchar.h>

#include "internal.h"

#include "check.h"
#include "child.h"
#include "policy.h"
#include "scratch.h"

static const GUID unknown = { .Data1 = 0x11111111 };
static const char *name;
static HANDLE engine;

static int setup(void **state)
{
	(void)state;
	name = policy_load("layer", 16, 16);
	engine = policy_open(0, 0);
	return 0;
}

static int teardown(void **state)
{
	FwpmEngineClose0(engine);
	return scratch_teardown(state);
}

static const FWPM_FIELD0 *field_find(const FWPM_LAYER0 *layer, const GUID *key)
{
	for (UINT32 i = 0; i < layer->numFields; i++)
		if (!memcmp(layer->field[i].fieldKey, key, sizeof(*key)))
			return &layer->field[i];
	return NULL;
}

static int look(struct child *self, void *arg)
{
	HANDLE session = policy_open(0, 0);
	FWPM_LAYER0 *layer, *again;
	const FWPM_FIELD0 *field;

	(void)self;
	(void)arg;
	assert_int_equal(FwpmLayerGetByKey0(session, &FWPM_LAYER_INBOUND_TRANSPORT_V6, &layer), 0);
	assert_memory_equal(&layer->layerKey, &FWPM_LAYER_INBOUND_TRANSPORT_V6, sizeof(GUID));
	assert_memory_equal(&layer->defaultSubLayerKey, &FWPM_SUBLAYER_UNIVERSAL, sizeof(GUID));
	assert_int_equal(wcscmp(layer->displayData.name, L"FWPM_LAYER_INBOUND_TRANSPORT_V6"), 0);
	assert_int_equal(layer->flags, FWPM_LAYER_FLAG_BUILTIN | FWPM_LAYER_FLAG_KERNEL);
	assert_int_equal(layer->numFields, 15);
	field = field_find(layer, &FWPM_CONDITION_IP_REMOTE_ADDRESS);
	assert_non_null(field);
	assert_int_equal(field->type, FWPM_FIELD_IP_ADDRESS);
	assert_int_equal(field->dataType, FWP_BYTE_ARRAY16_TYPE);
	field = field_find(layer, &FWPM_CONDITION_FLAGS);
	assert_non_null(field);
	assert_int_equal(field->type, FWPM_FIELD_FLAGS);
	assert_int_equal(field->dataType, FWP_UINT32);
	assert_null(field_find(layer, &FWPM_CONDITION_IP_DESTINATION_ADDRESS_TYPE));

	assert_int_equal(FwpmLayerGetById0(session, layer->layerId, &again), 0);
	assert_memory_equal(&again->layerKey, &layer->layerKey, sizeof(GUID));
	assert_int_equal(again->layerId, layer->layerId);
	FwpmFreeMemory0((void **)&again);
	FwpmFreeMemory0((void **)&layer);

	assert_int_equal(FwpmLayerGetByKey0(session, &FWPM_LAYER_IPFORWARD_V4, &layer), 0);
	assert_int_equal(layer->flags, FWPM_LAYER_FLAG_BUILTIN);
	field = field_find(layer, &FWPM_CONDITION_IP_SOURCE_ADDRESS);
	assert_non_null(field);
	assert_int_equal(field->dataType, FWP_UINT32);
	FwpmFreeMemory0((void **)&layer);
	policy_close(session);
	return 0;
}

static void another_process_is_told_what_a_layer_has(void **state)
{
	(void)state;
	child_run(NULL, look, NULL);
}

/* What FwpmFilterAdd0() knows of the fields of a layer must be the same. */
static void filters_can_have_conditions_on_these_fields_alone(void **state)
{
	static const GUID *const condition[] = {
#define X(guid, ...) &(guid),
		FWP_GUID_LIST_CONDITIONS(X)
#undef X
	};
	FWPM_FILTER_CONDITION0 c = { .matchType = FWP_MATCH_EQUAL };
	FWPM_FILTER0 f;
	unsigned int known = 0;

	(void)state;
	for (unsigned int l = 0; layer_at(l); l++) {
		FWPM_LAYER0 *layer;

		if (!layer_at(l)->enforced)
			continue;
		assert_int_equal(FwpmLayerGetByKey0(engine, layer_at(l)->key, &layer), 0);
		f = policy_filter(layer_at(l)->key, &c, 1);
		for (size_t i = 0; i < sizeof(condition) / sizeof(*condition); i++) {
			const FWPM_FIELD0 *field = field_find(layer, condition[i]);
			DWORD err;

			c.fieldKey = *condition[i];
			/* Of no field's type: only where there is a field anything is wrong with it. */
			c.conditionValue.type = FWP_SID;
			err = FwpmFilterAdd0(engine, &f, NULL, NULL);
			assert_int_equal(err,
					 field ? FWP_E_TYPE_MISMATCH : FWP_E_CONDITION_NOT_FOUND);
			known += field != NULL;
		}
		FwpmFreeMemory0((void **)&layer);
	}
	assert_int_equal(known, 2 * (15 + 16));
}

static void all_layers_are_enumerated_once(void **state)
{
	const FWPM_LAYER_ENUM_TEMPLATE0 template = {};
	unsigned char seen[LAYERS_BUILTIN] = {};
	FWPM_LAYER0 **entries;
	HANDLE handle;
	UINT32 got;

	(void)state;
	assert_int_equal(FwpmLayerCreateEnumHandle0(engine, &template, &handle), 0);
	do {
		assert_int_equal(FwpmLayerEnum0(engine, handle, 7, &entries, &got), 0);
		for (UINT32 i = 0; i < got; i++) {
			int place = layer_find(&entries[i]->layerKey);

			assert_in_range(place, 0, LAYERS_BUILTIN - 1);
			assert_int_equal(seen[place]++, 0);
			for (UINT32 f = 0; f < entries[i]->numFields; f++)
				assert_true(entries[i]->field[f].dataType <
					    FWP_SINGLE_DATA_TYPE_MAX);
		}
		FwpmFreeMemory0((void **)&entries);
	} while (got == 7);
	for (size_t i = 0; i < LAYERS_BUILTIN; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(FwpmLayerDestroyEnumHandle0(engine, handle), 0);
	assert_int_equal(FwpmLayerDestroyEnumHandle0(engine, handle), ERROR_INVALID_HANDLE);
}

static void each_mistake_has_its_code(void **state)
{
	HANDLE closed = policy_open(0, 0), handle = NULL, providers;
	FWPM_LAYER0 *layer = NULL, **entries = NULL;
	UINT32 got = 77;

	(void)state;
	policy_close(closed);
	assert_int_equal(FwpmLayerGetByKey0(engine, &unknown, &layer), FWP_E_LAYER_NOT_FOUND);
	assert_int_equal(FwpmLayerGetById0(engine, LAYERS_BUILTIN, &layer), FWP_E_LAYER_NOT_FOUND);
	assert_int_equal(FwpmLayerGetById0(engine, 0xffff, &layer), FWP_E_LAYER_NOT_FOUND);
	assert_int_equal(FwpmLayerGetByKey0(engine, NULL, &layer), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmLayerGetByKey0(engine, &FWPM_LAYER_IPSEC_V4, NULL),
			 FWP_E_NULL_POINTER);
	assert_int_equal(FwpmLayerGetById0(engine, 0, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmLayerGetByKey0(closed, &FWPM_LAYER_IPSEC_V4, &layer),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmLayerGetById0(closed, 0, &layer), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmLayerCreateEnumHandle0(closed, NULL, &handle), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmLayerCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmProviderCreateEnumHandle0(engine, NULL, &providers), 0);
	assert_int_equal(FwpmLayerEnum0(engine, providers, 1, &entries, &got),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmLayerDestroyEnumHandle0(engine, providers), ERROR_INVALID_HANDLE);
	assert_int_equal(FwpmLayerCreateEnumHandle0(engine, NULL, &handle), 0);
	assert_int_equal(FwpmLayerEnum0(engine, handle, 1, NULL, &got), FWP_E_NULL_POINTER);
	assert_int_equal(FwpmLayerEnum0(engine, handle, 1, &entries, NULL), FWP_E_NULL_POINTER);
	assert_int_equal(saxdp_unload(name, true), 0);
	assert_int_equal(FwpmLayerGetByKey0(engine, &FWPM_LAYER_IPSEC_V4, &layer),
			 RPC_E_DISCONNECTED);
	assert_int_equal(FwpmLayerGetById0(engine, 0, &layer), RPC_E_DISCONNECTED);
	assert_int_equal(FwpmLayerCreateEnumHandle0(engine, NULL, &handle), RPC_E_DISCONNECTED);
	assert_null(layer);
	assert_null(entries);
	assert_int_equal(got, 77);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_process_is_told_what_a_layer_has),
		TEST(filters_can_have_conditions_on_these_fields_alone),
		TEST(all_layers_are_enumerated_once),
		TEST(each_mistake_has_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
