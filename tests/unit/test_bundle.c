// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * bundle_check(): every algorithm with every configuration and every key length, in each transform
 * that can have it, against a table written from the RFCs.
 */
#include <string.h>

#include "sa.h"

#include "check.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { KEY_MAX = 40, ENUM_END = 12 };

static UINT8 key[KEY_MAX + 1];

/* Key and, with GCM and GMAC, 4 bytes of salt. */
struct known {
	const char *name;
	int type, config;
	UINT32 key_bytes;
	int gcm; /* bits of the AES key; 0: not GCM */
};

static const struct known auths[] = {
	{ "HMAC-MD5-96 (RFC 2403)", 0, 0, 16, 0 },
	{ "HMAC-SHA-1-96 (RFC 2404)", 1, 1, 20, 0 },
	{ "HMAC-SHA-256-128 (RFC 4868)", 2, 2, 32, 0 },
	{ "AES-GMAC-128 (RFC 4543)", 3, 3, 20, 128 },
	{ "AES-GMAC-192 (RFC 4543)", 4, 4, 28, 192 },
	{ "AES-GMAC-256 (RFC 4543)", 5, 5, 36, 256 },
};

static const struct known ciphers[] = {
	{ "DES-CBC (RFC 2405)", 1, 1, 8, 0 },	     { "3DES-CBC (RFC 2451)", 2, 2, 24, 0 },
	{ "AES-CBC-128 (RFC 3602)", 3, 3, 16, 0 },   { "AES-CBC-192 (RFC 3602)", 4, 4, 24, 0 },
	{ "AES-CBC-256 (RFC 3602)", 5, 5, 32, 0 },   { "AES-GCM-128 (RFC 4106)", 3, 6, 20, 128 },
	{ "AES-GCM-192 (RFC 4106)", 4, 7, 28, 192 }, { "AES-GCM-256 (RFC 4106)", 5, 8, 36, 256 },
};

static const struct known *known_find(const struct known *table, size_t n, int type, int config)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].type == type && table[i].config == config)
			return &table[i];
	return NULL;
}

/* What one SA of the transform is checked to. */
static DWORD check(IPSEC_TRANSFORM_TYPE transform, void *information)
{
	IPSEC_SA0 sa = { .spi = 256, .saTransformType = transform, .ahInformation = information };
	IPSEC_SA_BUNDLE1 b = { .numSAs = 1, .saList = &sa, .ipVersion = FWP_IP_VERSION_V4 };
	struct bundle ret;
	int err = bundle_check(&b, 1, 4, SAXDP_TUNNEL, &ret);

	if (!err)
		bundle_release(&ret);
	return fwp_result(err);
}

static IPSEC_SA_AUTH_INFORMATION0 auth_of(int type, int config, UINT32 size)
{
	return (IPSEC_SA_AUTH_INFORMATION0){
		.authTransform.authTransformId = { type, config },
		.authKey = { size, key },
	};
}

static IPSEC_SA_CIPHER_INFORMATION0 cipher_of(int type, int config, UINT32 size)
{
	return (IPSEC_SA_CIPHER_INFORMATION0){
		.cipherTransform.cipherTransformId = { type, config },
		.cipherKey = { size, key },
	};
}

static DWORD wanted_of(const struct known *k, bool in_enum, UINT32 size, DWORD bad_transform)
{
	if (!in_enum)
		return FWP_E_INVALID_ENUMERATOR;
	return k && k->key_bytes == size ? ERROR_SUCCESS : bad_transform;
}

static void an_authentication_has_its_configuration_and_key(void **state)
{
	static const IPSEC_TRANSFORM_TYPE transforms[] = {
		IPSEC_TRANSFORM_AH,
		IPSEC_TRANSFORM_ESP_AUTH,
		IPSEC_TRANSFORM_ESP_AUTH_FW,
	};
	unsigned int accepted = 0;

	(void)state;
	for (int type = -1; type <= ENUM_END; type++) {
		for (int config = 0; config <= ENUM_END; config++) {
			const struct known *k = known_find(auths, ARRAY_SIZE(auths), type, config);

			for (UINT32 size = 0; size <= KEY_MAX; size++) {
				IPSEC_SA_AUTH_INFORMATION0 auth = auth_of(type, config, size);
				DWORD wanted = wanted_of(k, type >= 0 && type < IPSEC_AUTH_MAX,
							 size, FWP_E_INVALID_AUTH_TRANSFORM);

				for (size_t t = 0; t < ARRAY_SIZE(transforms); t++) {
					DWORD result = check(transforms[t], &auth);

					if (result != wanted)
						fail_msg("transform %d, type %d, config %d (%s), "
							 "key of %u: 0x%08x, not 0x%08x",
							 transforms[t], type, config,
							 k ? k->name : "none", size, result,
							 wanted);
					accepted += !result;
				}
			}
		}
	}
	assert_int_equal(accepted, ARRAY_SIZE(auths) * ARRAY_SIZE(transforms));
}

/* GCM authenticates too, so it is no cipher alone. */
static void a_cipher_has_its_configuration_and_key(void **state)
{
	unsigned int accepted = 0;

	(void)state;
	for (int type = -1; type <= ENUM_END; type++) {
		for (int config = 0; config <= ENUM_END; config++) {
			const struct known *k =
				known_find(ciphers, ARRAY_SIZE(ciphers), type, config);

			for (UINT32 size = 0; size <= KEY_MAX; size++) {
				IPSEC_SA_CIPHER_INFORMATION0 cipher = cipher_of(type, config, size);
				DWORD result = check(IPSEC_TRANSFORM_ESP_CIPHER, &cipher);
				DWORD wanted = wanted_of(k,
							 type > 0 && type < IPSEC_CIPHER_TYPE_MAX,
							 size, FWP_E_INVALID_CIPHER_TRANSFORM);

				if (!wanted && k->gcm)
					wanted = FWP_E_INVALID_TRANSFORM_COMBINATION;
				if (result != wanted)
					fail_msg("type %d, config %d (%s), key of %u: 0x%08x, not "
						 "0x%08x",
						 type, config, k ? k->name : "none", size, result,
						 wanted);
				accepted += !result;
			}
		}
	}
	assert_int_equal(accepted, 5);
}

static void authentication_and_cipher_go_together(void **state)
{
	unsigned int accepted = 0;

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(ciphers); c++) {
		for (size_t a = 0; a < ARRAY_SIZE(auths); a++) {
			const struct known *cipher = &ciphers[c], *auth = &auths[a];
			DWORD both = cipher->gcm == auth->gcm ? ERROR_SUCCESS :
								FWP_E_INVALID_TRANSFORM_COMBINATION;

			for (int off = 0; off < 9; off++) {
				int cipher_off = off % 3 - 1, auth_off = off / 3 - 1;
				IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 info = {
					.saCipherInformation =
						cipher_of(cipher->type, cipher->config,
							  cipher->key_bytes + cipher_off),
					.saAuthInformation = auth_of(auth->type, auth->config,
								     auth->key_bytes + auth_off),
				};
				DWORD wanted = cipher_off ? FWP_E_INVALID_CIPHER_TRANSFORM :
					       auth_off	  ? FWP_E_INVALID_AUTH_TRANSFORM :
							    both;
				DWORD result = check(IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER, &info);

				if (result != wanted)
					fail_msg(
						"%s, key %+d, with %s, key %+d: 0x%08x, not 0x%08x",
						cipher->name, cipher_off, auth->name, auth_off,
						result, wanted);
				accepted += !result;
			}
		}
	}
	/* Five ciphers with three HMACs, and each GCM with its own. */
	assert_int_equal(accepted, 5 * 3 + 3);
}

/* --- the rest of a bundle ----------------------------------------------------------------------------------- */

struct parts {
	IPSEC_SA_BUNDLE1 b;
	IPSEC_SA0 sa[2];
	IPSEC_SA_AUTH_INFORMATION0 esp, ah;
};

static void parts_make(struct parts *p)
{
	*p = (struct parts){
		.b = { .ipVersion = FWP_IP_VERSION_V4, .numSAs = 2, .saList = p->sa },
		.sa = {
			{ .spi = 256, .saTransformType = IPSEC_TRANSFORM_ESP_AUTH,
			  .espAuthInformation = &p->esp },
			{ .spi = 0xffffffff, .saTransformType = IPSEC_TRANSFORM_AH,
			  .ahInformation = &p->ah },
		},
		.esp = auth_of(1, 1, 20),
		.ah = auth_of(2, 2, 32),
	};
}

static void each_flag_is_for_its_mode(void **state)
{
	/* All that ipsectypes.h has; 0x100, 0x02000000 to 0x08000000 are none. */
	const UINT32 none = 0x00000100 | 0x02000000 | 0x04000000 | 0x08000000 | 0x01000000;
	const UINT32 tunnel_only = IPSEC_SA_BUNDLE_FLAG_CLEAR_DF_ON_TUNNEL |
				   IPSEC_SA_BUNDLE_FLAG_FORCE_OUTBOUND_CONNECTIONS |
				   IPSEC_SA_BUNDLE_FLAG_FORWARD_PATH_INITIATOR;

	(void)state;
	for (int bit = 0; bit < 32; bit++) {
		for (int type = SAXDP_TRANSPORT; type <= SAXDP_TUNNEL; type++) {
			UINT32 flag = 1U << bit;
			bool good = !(flag & none) &&
				    (type == SAXDP_TUNNEL || !(flag & tunnel_only));
			DWORD result, wanted = good ? ERROR_SUCCESS : FWP_E_INVALID_FLAGS;
			struct bundle ret;
			struct parts p;

			parts_make(&p);
			p.b.flags = flag;
			result = fwp_result(bundle_check(&p.b, 1, 4, type, &ret));
			if (result != wanted)
				fail_msg("flag 0x%08x, type %d: 0x%08x, not 0x%08x", flag, type,
					 result, wanted);
			if (!result)
				assert_int_equal(ret.fixed.flags, flag);
		}
	}
}

static void each_version_is_for_its_family(void **state)
{
	(void)state;
	for (int version = -1; version < 4; version++) {
		for (int family = 4; family <= 6; family += 2) {
			bool known = version == FWP_IP_VERSION_V4 || version == FWP_IP_VERSION_V6;
			bool fits = version ==
				    (family == 4 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6);
			struct bundle ret;
			struct parts p;

			parts_make(&p);
			p.b.ipVersion = version;
			assert_int_equal(
				fwp_result(bundle_check(&p.b, 1, family, SAXDP_TUNNEL, &ret)),
				!known ? FWP_E_INVALID_ENUMERATOR :
				!fits  ? FWP_E_INVALID_PARAMETER :
					 ERROR_SUCCESS);
		}
	}
}

static void two_sas_are_esp_and_ah(void **state)
{
	static const IPSEC_TRANSFORM_TYPE esp[] = { IPSEC_TRANSFORM_ESP_AUTH,
						    IPSEC_TRANSFORM_ESP_AUTH_FW };

	(void)state;
	for (IPSEC_TRANSFORM_TYPE first = IPSEC_TRANSFORM_AH; first <= IPSEC_TRANSFORM_ESP_AUTH;
	     first++) {
		for (IPSEC_TRANSFORM_TYPE second = IPSEC_TRANSFORM_AH;
		     second <= IPSEC_TRANSFORM_ESP_AUTH; second++) {
			bool good = first != IPSEC_TRANSFORM_AH && second == IPSEC_TRANSFORM_AH;
			struct bundle ret;
			struct parts p;

			parts_make(&p);
			p.sa[0].saTransformType = first;
			p.sa[1].saTransformType = second;
			assert_int_equal(fwp_result(bundle_check(&p.b, 1, 4, SAXDP_TUNNEL, &ret)),
					 good ? ERROR_SUCCESS :
						FWP_E_INVALID_TRANSFORM_COMBINATION);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(esp); i++) {
		struct bundle ret;
		struct parts p;

		parts_make(&p);
		p.sa[0].saTransformType = esp[i];
		assert_int_equal(bundle_check(&p.b, 1, 4, SAXDP_TUNNEL, &ret), 0);
		assert_int_equal(ret.fixed.sas, 2);
		assert_int_equal(ret.protocol[0], ESP);
		assert_int_equal(ret.protocol[1], AH);
		assert_int_equal(ret.fixed.spi[0], __builtin_bswap32(256));
		assert_int_equal(ret.fixed.spi[1], 0xffffffff);
	}
}

static void spis_begin_at_256(void **state)
{
	(void)state;
	for (UINT32 spi = 0; spi <= 300; spi++) {
		for (int which = 0; which < 2; which++) {
			struct bundle ret;
			struct parts p;

			parts_make(&p);
			p.sa[which].spi = spi;
			assert_int_equal(fwp_result(bundle_check(&p.b, 1, 4, SAXDP_TUNNEL, &ret)),
					 spi < 256 ? FWP_E_OUT_OF_BOUNDS : ERROR_SUCCESS);
		}
	}
}

/* The older form ends before these members: what stands behind it in memory is not the caller's. */
static void the_older_form_is_not_read_past_its_end(void **state)
{
	struct bundle ret;
	struct parts p;

	(void)state;
	parts_make(&p);
	memset((char *)&p.b + sizeof(IPSEC_SA_BUNDLE0), 0x5a,
	       sizeof(IPSEC_SA_BUNDLE1) - sizeof(IPSEC_SA_BUNDLE0));
	assert_int_equal(bundle_check(&p.b, 0, 4, SAXDP_TUNNEL, &ret), 0);
	assert_int_equal(ret.fixed.form, 0);
	assert_int_equal(ret.fixed.rest, 0); /* nothing rare was given */
	bundle_release(&ret);
	assert_int_equal(bundle_check(&p.b, 1, 4, SAXDP_TUNNEL, &ret), 0);
	assert_int_equal(ret.fixed.form, 1);
	assert_int_equal(ret.fixed.rest, 1);
	bundle_release(&ret);
}

/* Of keys only the length is looked at: what is made of a bundle does not depend on their bytes. */
static void what_is_kept_does_not_depend_on_keys(void **state)
{
	struct bundle first, second;
	struct parts p;

	(void)state;
	parts_make(&p);
	memset(key, 0x11, sizeof(key));
	assert_int_equal(bundle_check(&p.b, 1, 4, SAXDP_TUNNEL, &first), 0);
	memset(key, 0xee, sizeof(key));
	assert_int_equal(bundle_check(&p.b, 1, 4, SAXDP_TUNNEL, &second), 0);
	assert_memory_equal(&first.fixed, &second.fixed, sizeof(first.fixed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_authentication_has_its_configuration_and_key),
		cmocka_unit_test(a_cipher_has_its_configuration_and_key),
		cmocka_unit_test(authentication_and_cipher_go_together),
		cmocka_unit_test(each_flag_is_for_its_mode),
		cmocka_unit_test(each_version_is_for_its_family),
		cmocka_unit_test(two_sas_are_esp_and_ah),
		cmocka_unit_test(spis_begin_at_256),
		cmocka_unit_test(the_older_form_is_not_read_past_its_end),
		cmocka_unit_test(what_is_kept_does_not_depend_on_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
