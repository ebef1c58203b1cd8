// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * SA bundles: which combinations of algorithms and key lengths there are, and how a bundle is kept.
 * Keys are measured where the caller has them and never copied, so there is nothing to wipe.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sa.h"

enum {
	GCM_SALT = 4, /* RFC 4106 8.1: follows the key */
	FLAGS_TUNNEL_ONLY = IPSEC_SA_BUNDLE_FLAG_CLEAR_DF_ON_TUNNEL |
			    IPSEC_SA_BUNDLE_FLAG_FORCE_OUTBOUND_CONNECTIONS |
			    IPSEC_SA_BUNDLE_FLAG_FORWARD_PATH_INITIATOR,
};

static const UINT32 flags_known =
	IPSEC_SA_BUNDLE_FLAG_ND_SECURE | IPSEC_SA_BUNDLE_FLAG_ND_BOUNDARY |
	IPSEC_SA_BUNDLE_FLAG_ND_PEER_NAT_BOUNDARY | IPSEC_SA_BUNDLE_FLAG_GUARANTEE_ENCRYPTION |
	IPSEC_SA_BUNDLE_FLAG_NLB | IPSEC_SA_BUNDLE_FLAG_NO_MACHINE_LUID_VERIFY |
	IPSEC_SA_BUNDLE_FLAG_NO_IMPERSONATION_LUID_VERIFY |
	IPSEC_SA_BUNDLE_FLAG_NO_EXPLICIT_CRED_MATCH |
	IPSEC_SA_BUNDLE_FLAG_ALLOW_NULL_TARGET_NAME_MATCH |
	IPSEC_SA_BUNDLE_FLAG_CLEAR_DF_ON_TUNNEL | IPSEC_SA_BUNDLE_FLAG_ASSUME_UDP_CONTEXT_OUTBOUND |
	IPSEC_SA_BUNDLE_FLAG_ND_PEER_BOUNDARY | IPSEC_SA_BUNDLE_FLAG_SUPPRESS_DUPLICATE_DELETION |
	IPSEC_SA_BUNDLE_FLAG_PEER_SUPPORTS_GUARANTEE_ENCRYPTION |
	IPSEC_SA_BUNDLE_FLAG_FORCE_INBOUND_CONNECTIONS |
	IPSEC_SA_BUNDLE_FLAG_FORCE_OUTBOUND_CONNECTIONS |
	IPSEC_SA_BUNDLE_FLAG_FORWARD_PATH_INITIATOR |
	IPSEC_SA_BUNDLE_FLAG_ENABLE_OPTIONAL_ASYMMETRIC_IDLE |
	IPSEC_SA_BUNDLE_FLAG_USING_DICTATED_KEYS | IPSEC_SA_BUNDLE_FLAG_LOCALLY_DICTATED_KEYS |
	IPSEC_SA_BUNDLE_FLAG_SA_OFFLOADED | IPSEC_SA_BUNDLE_FLAG_IP_IN_IP_PKT |
	IPSEC_SA_BUNDLE_FLAG_LOW_POWER_MODE_SUPPORT | IPSEC_SA_BUNDLE_FLAG_TUNNEL_BANDWIDTH1 |
	IPSEC_SA_BUNDLE_FLAG_TUNNEL_BANDWIDTH2 | IPSEC_SA_BUNDLE_FLAG_TUNNEL_BANDWIDTH3 |
	IPSEC_SA_BUNDLE_FLAG_TUNNEL_BANDWIDTH4;

struct algorithm {
	uint8_t type, config;
	uint8_t key_bytes;
	uint8_t gcm_bits; /* / 8 of the AES key, 0 = not GCM */
};

static const struct algorithm auth_algorithms[] = {
	{ IPSEC_AUTH_MD5, IPSEC_AUTH_CONFIG_HMAC_MD5_96, 16, 0 }, /* RFC 2403 */
	{ IPSEC_AUTH_SHA_1, IPSEC_AUTH_CONFIG_HMAC_SHA_1_96, 20, 0 }, /* RFC 2404 */
	{ IPSEC_AUTH_SHA_256, IPSEC_AUTH_CONFIG_HMAC_SHA_256_128, 32, 0 }, /* RFC 4868 */
	{ IPSEC_AUTH_AES_128, IPSEC_AUTH_CONFIG_GCM_AES_128, 16 + GCM_SALT, 16 }, /* RFC 4543 */
	{ IPSEC_AUTH_AES_192, IPSEC_AUTH_CONFIG_GCM_AES_192, 24 + GCM_SALT, 24 },
	{ IPSEC_AUTH_AES_256, IPSEC_AUTH_CONFIG_GCM_AES_256, 32 + GCM_SALT, 32 },
};

static const struct algorithm cipher_algorithms[] = {
	{ IPSEC_CIPHER_TYPE_DES, IPSEC_CIPHER_CONFIG_CBC_DES, 8, 0 }, /* RFC 2405 */
	{ IPSEC_CIPHER_TYPE_3DES, IPSEC_CIPHER_CONFIG_CBC_3DES, 24, 0 }, /* RFC 2451 */
	{ IPSEC_CIPHER_TYPE_AES_128, IPSEC_CIPHER_CONFIG_CBC_AES_128, 16, 0 }, /* RFC 3602 */
	{ IPSEC_CIPHER_TYPE_AES_192, IPSEC_CIPHER_CONFIG_CBC_AES_192, 24, 0 },
	{ IPSEC_CIPHER_TYPE_AES_256, IPSEC_CIPHER_CONFIG_CBC_AES_256, 32, 0 },
	{ IPSEC_CIPHER_TYPE_AES_128, IPSEC_CIPHER_CONFIG_GCM_AES_128, 16 + GCM_SALT, 16 },
	{ IPSEC_CIPHER_TYPE_AES_192, IPSEC_CIPHER_CONFIG_GCM_AES_192, 24 + GCM_SALT, 24 },
	{ IPSEC_CIPHER_TYPE_AES_256, IPSEC_CIPHER_CONFIG_GCM_AES_256, 32 + GCM_SALT, 32 },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct algorithm *algorithm_find(const struct algorithm *table, size_t count, int type,
					      int config)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].type == type && table[i].config == config)
			return &table[i];
	return NULL;
}

/* --- what comes in --------------------------------------------------------------------------------- */

static int auth_check(const IPSEC_SA_AUTH_INFORMATION0 *info, struct saxdp_transform *t,
		      const struct algorithm **ret)
{
	const IPSEC_AUTH_TRANSFORM_ID0 *id = &info->authTransform.authTransformId;
	const struct algorithm *a;

	if ((unsigned int)id->authType >= IPSEC_AUTH_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "SA: authType %d", id->authType);
	a = algorithm_find(auth_algorithms, COUNT(auth_algorithms), id->authType, id->authConfig);
	if (!a)
		return fail(FWP(FWP_E_INVALID_AUTH_TRANSFORM), "SA: authType %d with authConfig %d",
			    id->authType, id->authConfig);
	if (info->authTransform.cryptoModuleId)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "SA: a crypto module for authentication");
	if (info->authKey.size && !info->authKey.data)
		return fail(FWP(FWP_E_NULL_POINTER), "SA: authKey.data: NULL");
	if (info->authKey.size != a->key_bytes)
		return fail(FWP(FWP_E_INVALID_AUTH_TRANSFORM),
			    "SA: authType %d has a key of %u bytes, not %u", id->authType,
			    a->key_bytes, info->authKey.size);
	t->auth_type = id->authType;
	*ret = a;
	return 0;
}

static int cipher_check(const IPSEC_SA_CIPHER_INFORMATION0 *info, struct saxdp_transform *t,
			const struct algorithm **ret)
{
	const IPSEC_CIPHER_TRANSFORM_ID0 *id = &info->cipherTransform.cipherTransformId;
	const struct algorithm *a;

	if (id->cipherType < IPSEC_CIPHER_TYPE_DES || id->cipherType >= IPSEC_CIPHER_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "SA: cipherType %d", id->cipherType);
	a = algorithm_find(cipher_algorithms, COUNT(cipher_algorithms), id->cipherType,
			   id->cipherConfig);
	if (!a)
		return fail(FWP(FWP_E_INVALID_CIPHER_TRANSFORM),
			    "SA: cipherType %d with cipherConfig %d", id->cipherType,
			    id->cipherConfig);
	if (info->cipherTransform.cryptoModuleId)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "SA: a crypto module for encryption");
	if (info->cipherKey.size && !info->cipherKey.data)
		return fail(FWP(FWP_E_NULL_POINTER), "SA: cipherKey.data: NULL");
	if (info->cipherKey.size != a->key_bytes)
		return fail(FWP(FWP_E_INVALID_CIPHER_TRANSFORM),
			    "SA: cipherType %d has a key of %u bytes, not %u", id->cipherType,
			    a->key_bytes, info->cipherKey.size);
	t->cipher_config = id->cipherConfig;
	*ret = a;
	return 0;
}

static int sa_check(const IPSEC_SA0 *sa, struct saxdp_transform *t)
{
	static const struct algorithm none;
	const struct algorithm *auth = &none, *cipher = &none;
	int err = 0;

	if (sa->spi < SPI_MIN)
		return fail(FWP(FWP_E_OUT_OF_BOUNDS), "SA: SPI %u is reserved", sa->spi);
	if (sa->saTransformType < IPSEC_TRANSFORM_AH ||
	    sa->saTransformType >= IPSEC_TRANSFORM_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "SA: saTransformType %d",
			    sa->saTransformType);
	if (!sa->ahInformation)
		return fail(FWP(FWP_E_NULL_POINTER), "SA: its information is NULL");
	t->type = sa->saTransformType;
	switch (sa->saTransformType) {
	case IPSEC_TRANSFORM_AH:
	case IPSEC_TRANSFORM_ESP_AUTH:
	case IPSEC_TRANSFORM_ESP_AUTH_FW:
		return auth_check(sa->ahInformation, t, &auth);
	case IPSEC_TRANSFORM_ESP_CIPHER:
		err = cipher_check(sa->espCipherInformation, t, &cipher);
		break;
	default:
		err = cipher_check(&sa->espAuthAndCipherInformation->saCipherInformation, t,
				   &cipher);
		if (!err)
			err = auth_check(&sa->espAuthAndCipherInformation->saAuthInformation, t,
					 &auth);
	}
	/* One algorithm does both, with one key (RFC 4106). */
	if (!err && auth->gcm_bits != cipher->gcm_bits)
		err = fail(FWP(FWP_E_INVALID_TRANSFORM_COMBINATION),
			   "SA: AES-GCM encrypts and authenticates with one key, or not at all");
	return err;
}

uint8_t transform_protocol(const struct saxdp_transform *t)
{
	return t->type == IPSEC_TRANSFORM_AH ? AH : ESP;
}

/* The order is that of bundle_out(). */
static int rest_pack(const IPSEC_SA_BUNDLE1 *b, int form, struct blob *ret)
{
	static const GUID null_guid;
	const GUID *lookup = form ? &b->saLookupContext : &null_guid;
	UINT64 qm_filter = form ? b->qmFilterId : 0;
	UINT32 private = b->ipVersion == FWP_IP_VERSION_V4 ? b->peerV4PrivateAddress : 0;
	const IPSEC_ID0 *id = b->ipsecId;

	if (!b->ndAllowClearTimeoutSeconds && !b->napContext && !private && !qm_filter &&
	    !memcmp(lookup, &null_guid, sizeof(null_guid)) && !id && !b->keyModuleState)
		return 0;
	if (id && id->numTokens && !id->tokens)
		return fail(FWP(FWP_E_NULL_POINTER), "ipsecId: tokens: NULL");
	if (b->keyModuleState && b->keyModuleState->stateBlob.size &&
	    !b->keyModuleState->stateBlob.data)
		return fail(FWP(FWP_E_NULL_POINTER), "keyModuleState: stateBlob.data: NULL");
	blob_put_u32(ret, b->ndAllowClearTimeoutSeconds);
	blob_put_u32(ret, b->napContext);
	blob_put_u32(ret, private);
	blob_put_u64(ret, qm_filter);
	blob_put(ret, lookup, sizeof(*lookup));
	blob_put_u8(ret, id != NULL);
	if (id) {
		blob_put_text(ret, id->mmTargetName);
		blob_put_text(ret, id->emTargetName);
		blob_put_u64(ret, id->explicitCredentials);
		blob_put_u64(ret, id->logonId);
		blob_put_u32(ret, id->numTokens);
		for (UINT32 i = 0; i < id->numTokens && !ret->err; i++) {
			blob_put_u32(ret, id->tokens[i].type);
			blob_put_u32(ret, id->tokens[i].principal);
			blob_put_u32(ret, id->tokens[i].mode);
			blob_put_u64(ret, id->tokens[i].token);
		}
	}
	blob_put_u8(ret, b->keyModuleState != NULL);
	if (b->keyModuleState) {
		blob_put(ret, &b->keyModuleState->keyModuleKey, sizeof(GUID));
		blob_put_data(ret, &b->keyModuleState->stateBlob);
	}
	/* A blob knows a wider bound of its own. */
	if (ret->err == WIN32(ERROR_NO_SYSTEM_RESOURCES) ||
	    (!ret->err && ret->size > UINT8_MAX * SAXDP_BLOB_BYTES))
		return fail(FWP(FWP_E_OUT_OF_BOUNDS),
			    "bundle: its identity and state have more than %d bytes",
			    UINT8_MAX * SAXDP_BLOB_BYTES);
	return ret->err;
}

int bundle_check(const IPSEC_SA_BUNDLE1 *b, int form, uint8_t family, uint8_t type,
		 struct bundle *ret)
{
	struct saxdp_bundle *f = &ret->fixed;
	int err;

	*ret = (struct bundle){};
	if (!b->numSAs)
		return fail(FWP(FWP_E_ZERO_LENGTH_ARRAY), "bundle: no SA");
	if (b->numSAs > SAXDP_BUNDLE_SAS)
		return fail(FWP(FWP_E_OUT_OF_BOUNDS), "bundle: %u SAs", b->numSAs);
	if (!b->saList)
		return fail(FWP(FWP_E_NULL_POINTER), "bundle: saList: NULL");
	if (b->flags & ~flags_known)
		return fail(FWP(FWP_E_INVALID_FLAGS), "bundle: unknown flags 0x%x",
			    b->flags & ~flags_known);
	if (type == SAXDP_TRANSPORT && b->flags & FLAGS_TUNNEL_ONLY)
		return fail(FWP(FWP_E_INVALID_FLAGS), "bundle: flags 0x%x are for tunnels",
			    b->flags & FLAGS_TUNNEL_ONLY);
	if (b->ipVersion != FWP_IP_VERSION_V4 && b->ipVersion != FWP_IP_VERSION_V6)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "bundle: ipVersion %d", b->ipVersion);
	if (b->ipVersion != (family == 4 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6))
		return fail(FWP(FWP_E_INVALID_PARAMETER),
			    "bundle: not of the context's IP version");
	if ((unsigned int)b->pfsGroup >= IPSEC_PFS_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "bundle: pfsGroup %d", b->pfsGroup);
	for (UINT32 i = 0; i < b->numSAs; i++) {
		err = sa_check(&b->saList[i], &f->transform[i]);
		if (err)
			return err;
		f->spi[i] = htonl(b->saList[i].spi);
		ret->protocol[i] = transform_protocol(&f->transform[i]);
	}
	if (b->numSAs == 2 && (ret->protocol[0] != ESP || ret->protocol[1] != AH))
		return fail(FWP(FWP_E_INVALID_TRANSFORM_COMBINATION),
			    "bundle: two SAs are ESP and then AH");
	f->flags = b->flags;
	f->lifetime_seconds = b->lifetime.lifetimeSeconds;
	f->lifetime_kb = b->lifetime.lifetimeKilobytes;
	f->lifetime_packets = b->lifetime.lifetimePackets;
	f->idle_seconds = b->idleTimeoutSeconds;
	f->qm_sa_id = b->qmSaId;
	f->mm_sa_id = b->mmSaId;
	f->sas = b->numSAs;
	f->pfs_group = b->pfsGroup;
	f->form = form;
	err = rest_pack(b, form, &ret->rest);
	if (err) {
		bundle_release(ret);
		return err;
	}
	f->rest = (ret->rest.size + SAXDP_BLOB_BYTES - 1) / SAXDP_BLOB_BYTES;
	return 0;
}

void bundle_release(struct bundle *b)
{
	blob_release(&b->rest);
}

/* --- what goes out ----------------------------------------------------------------------------------- */

static void auth_out(const struct saxdp_transform *t, IPSEC_SA_AUTH_INFORMATION0 *ret)
{
	for (size_t i = 0; i < COUNT(auth_algorithms); i++) {
		if (auth_algorithms[i].type != t->auth_type)
			continue;
		ret->authTransform.authTransformId.authType = auth_algorithms[i].type;
		ret->authTransform.authTransformId.authConfig = auth_algorithms[i].config;
	}
}

static void cipher_out(const struct saxdp_transform *t, IPSEC_SA_CIPHER_INFORMATION0 *ret)
{
	for (size_t i = 0; i < COUNT(cipher_algorithms); i++) {
		if (cipher_algorithms[i].config != t->cipher_config)
			continue;
		ret->cipherTransform.cipherTransformId.cipherType = cipher_algorithms[i].type;
		ret->cipherTransform.cipherTransformId.cipherConfig = cipher_algorithms[i].config;
	}
}

static int sa_out(struct out *o, __be32 spi, const struct saxdp_transform *t, IPSEC_SA0 *ret)
{
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 *both;

	ret->spi = ntohl(spi);
	ret->saTransformType = t->type;
	switch (t->type) {
	case IPSEC_TRANSFORM_ESP_CIPHER:
		ret->espCipherInformation = out_alloc(o, sizeof(*ret->espCipherInformation));
		if (!ret->espCipherInformation)
			return -ENOMEM;
		cipher_out(t, ret->espCipherInformation);
		return 0;
	case IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER:
		both = out_alloc(o, sizeof(*both));
		ret->espAuthAndCipherInformation = both;
		if (!both)
			return -ENOMEM;
		cipher_out(t, &both->saCipherInformation);
		auth_out(t, &both->saAuthInformation);
		return 0;
	}
	ret->ahInformation = out_alloc(o, sizeof(*ret->ahInformation));
	if (!ret->ahInformation)
		return -ENOMEM;
	auth_out(t, ret->ahInformation);
	return 0;
}

static IPSEC_ID0 *id_out(struct out *o, struct blob *rest)
{
	IPSEC_ID0 *id = out_alloc(o, sizeof(*id));

	if (!id)
		return NULL;
	id->mmTargetName = blob_get_text(rest, o);
	id->emTargetName = blob_get_text(rest, o);
	id->explicitCredentials = blob_get_u64(rest);
	id->logonId = blob_get_u64(rest);
	id->numTokens = blob_get_u32(rest);
	if (rest->err || !id->numTokens)
		return id;
	id->tokens = out_alloc(o, id->numTokens * sizeof(*id->tokens));
	for (UINT32 i = 0; id->tokens && i < id->numTokens; i++) {
		id->tokens[i].type = blob_get_u32(rest);
		id->tokens[i].principal = blob_get_u32(rest);
		id->tokens[i].mode = blob_get_u32(rest);
		id->tokens[i].token = blob_get_u64(rest);
	}
	return id->tokens ? id : NULL;
}

static int rest_out(struct out *o, struct blob *rest, IPSEC_SA_BUNDLE1 *ret)
{
	ret->ndAllowClearTimeoutSeconds = blob_get_u32(rest);
	ret->napContext = blob_get_u32(rest);
	ret->peerV4PrivateAddress = blob_get_u32(rest);
	ret->qmFilterId = blob_get_u64(rest);
	blob_get(rest, &ret->saLookupContext, sizeof(ret->saLookupContext));
	if (blob_get_u8(rest)) {
		ret->ipsecId = id_out(o, rest);
		if (!ret->ipsecId)
			return -ENOMEM;
	}
	if (blob_get_u8(rest)) {
		ret->keyModuleState = out_alloc(o, sizeof(*ret->keyModuleState));
		if (!ret->keyModuleState)
			return -ENOMEM;
		blob_get(rest, &ret->keyModuleState->keyModuleKey, sizeof(GUID));
		blob_get_data(rest, o, &ret->keyModuleState->stateBlob);
	}
	return rest->err;
}

int bundle_out(struct out *o, const struct saxdp_bundle *b, uint8_t family, struct blob *rest,
	       IPSEC_SA_BUNDLE1 *ret)
{
	int err = 0;

	ret->flags = b->flags;
	ret->lifetime.lifetimeSeconds = b->lifetime_seconds;
	ret->lifetime.lifetimeKilobytes = b->lifetime_kb;
	ret->lifetime.lifetimePackets = b->lifetime_packets;
	ret->idleTimeoutSeconds = b->idle_seconds;
	ret->qmSaId = b->qm_sa_id;
	ret->mmSaId = b->mm_sa_id;
	ret->pfsGroup = b->pfs_group;
	ret->ipVersion = family == 4 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6;
	ret->numSAs = b->sas;
	ret->saList = out_alloc(o, b->sas * sizeof(*ret->saList));
	if (!ret->saList)
		return -ENOMEM;
	for (int i = 0; i < b->sas && !err; i++)
		err = sa_out(o, b->spi[i], &b->transform[i], &ret->saList[i]);
	return err || !b->rest ? err : rest_out(o, rest, ret);
}
