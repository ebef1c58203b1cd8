// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Names of codes, GUIDs and enumerators: rows from the platform's documentation, and all there are. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fwpmu.h"
#include "names.h"
#include "saxdp.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void a_code_has_its_documented_name(void **state)
{
	static const struct {
		DWORD code;
		const char *name;
	} rows[] = {
		{ 0, "ERROR_SUCCESS" },
		{ 5, "ERROR_ACCESS_DENIED" },
		{ 6, "ERROR_INVALID_HANDLE" },
		{ 8, "ERROR_NOT_ENOUGH_MEMORY" },
		{ 1450, "ERROR_NO_SYSTEM_RESOURCES" },
		{ 1753, "EPT_S_NOT_REGISTERED" },
		{ 13910, "ERROR_IPSEC_BAD_SPI" },
		{ 0x80010108, "RPC_E_DISCONNECTED" },
		{ 0x80320001, "FWP_E_CALLOUT_NOT_FOUND" },
		{ 0x80320008, "FWP_E_NOT_FOUND" },
		{ 0x8032000a, "FWP_E_IN_USE" },
		{ 0x8032000e, "FWP_E_TXN_IN_PROGRESS" },
		{ 0x8032001b, "FWP_E_INCOMPATIBLE_SA_STATE" },
		{ 0x8032003d, "FWP_E_INVALID_TUNNEL_ENDPOINT" },
		{ 0x80320044, "FWP_E_IKEEXT_NOT_RUNNING" },
		{ 0x80320104, "FWP_E_DROP_NOICMP" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(saxdp_code_name(rows[i].code), rows[i].name);
	assert_null(saxdp_code_name(0x80320000));
	assert_null(saxdp_code_name(0x80320045));
	assert_null(saxdp_code_name(1));
	assert_null(saxdp_code_name(UINT32_MAX));
}

static void every_code_has_a_name_and_a_text_of_one_line(void **state)
{
	static const struct {
		DWORD code;
		const char *name;
	} codes[] = {
#define X(name) { name, #name },
		SAXDP_CODE_LIST(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		const char *text = saxdp_strerror(codes[i].code);

		assert_string_equal(saxdp_code_name(codes[i].code), codes[i].name);
		if (!*text || strchr(text, '\n') || strstr(text, "unknown code") ||
		    text[strlen(text) - 1] == '.')
			fail_msg("%s: \"%s\"", codes[i].name, text);
	}
	/* The platform's own codes have no gap. */
	for (DWORD code = FWP_E_CALLOUT_NOT_FOUND; code <= FWP_E_IKEEXT_NOT_RUNNING; code++)
		assert_non_null(saxdp_code_name(code));
}

static void an_unknown_code_is_told_by_its_number(void **state)
{
	(void)state;
	assert_string_equal(saxdp_strerror(0x80320999), "unknown code 0x80320999");
	assert_string_equal(saxdp_strerror(3), "unknown code 0x00000003");
	assert_string_equal(saxdp_strerror(FWP_E_IN_USE), "others refer to the object");
}

static void every_guid_has_its_name(void **state)
{
	static const struct {
		const GUID *guid;
		const char *name;
	} guids[] = {
#define X(name, data1, data2, data3, data4, data5) { &name, #name },
		FWP_GUID_LIST(X)
#undef X
	};
	/* fwpmu.h: DEFINE_GUID(FWPM_LAYER_INBOUND_TRANSPORT_V4, ...) */
	GUID known = {
		0x5926dfc8, 0xe3cf, 0x4426, { 0xa2, 0x83, 0xdc, 0x39, 0x3f, 0x5d, 0x0f, 0x9d }
	};

	(void)state;
	assert_string_equal(saxdp_guid_name(&known), "FWPM_LAYER_INBOUND_TRANSPORT_V4");
	known.Data4[7] ^= 1;
	assert_null(saxdp_guid_name(&known));
	assert_null(saxdp_guid_name(&(GUID){}));
	for (size_t i = 0; i < ARRAY_SIZE(guids); i++) {
		const char *name = saxdp_guid_name(guids[i].guid);
		size_t first = 0;

		/* Of two names of one GUID the first. */
		while (memcmp(guids[first].guid, guids[i].guid, sizeof(GUID)))
			first++;
		assert_non_null(name);
		assert_string_equal(name, guids[first].name);
	}
}

static void an_enumerator_has_its_documented_name(void **state)
{
	static const struct {
		const char *type;
		uint32_t value;
		const char *name;
	} rows[] = {
		{ "FWP_DIRECTION", 0, "FWP_DIRECTION_OUTBOUND" },
		{ "FWP_DIRECTION", 1, "FWP_DIRECTION_INBOUND" },
		{ "FWP_IP_VERSION", 1, "FWP_IP_VERSION_V6" },
		{ "IPSEC_TRAFFIC_TYPE", 1, "IPSEC_TRAFFIC_TYPE_TUNNEL" },
		{ "IPSEC_TRANSFORM_TYPE", 4, "IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER" },
		{ "FWP_DATA_TYPE", 256, "FWP_V4_ADDR_MASK" },
		{ "IKEEXT_SA_ROLE", 1, "IKEEXT_SA_ROLE_RESPONDER" },
		{ "FWPM_PROVIDER_CONTEXT_TYPE", 0, "FWPM_IPSEC_KEYING_CONTEXT" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = saxdp_enum_name(rows[i].type, rows[i].value);

		if (!name || strcmp(name, rows[i].name))
			fail_msg("%s %u: %s, not %s", rows[i].type, rows[i].value,
				 name ? name : "NULL", rows[i].name);
	}
	assert_null(saxdp_enum_name("FWP_DIRECTION", 3));
	assert_null(saxdp_enum_name("FWP_DIRECTION", UINT32_MAX));
	assert_null(saxdp_enum_name("FWP_DIRECTIO", 0));
	assert_null(saxdp_enum_name("", 0));
}

static void every_enumerator_has_its_name(void **state)
{
	static const struct {
		const char *type, *name;
		uint32_t value;
	} all[] = {
#define X(type, name) { #type, #name, name },
		SAXDP_ENUM_LIST(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		size_t first = 0;

		while (strcmp(all[first].type, all[i].type) || all[first].value != all[i].value)
			first++;
		assert_string_equal(saxdp_enum_name(all[i].type, all[i].value), all[first].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_has_its_documented_name),
		cmocka_unit_test(every_code_has_a_name_and_a_text_of_one_line),
		cmocka_unit_test(an_unknown_code_is_told_by_its_number),
		cmocka_unit_test(every_guid_has_its_name),
		cmocka_unit_test(an_enumerator_has_its_documented_name),
		cmocka_unit_test(every_enumerator_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
