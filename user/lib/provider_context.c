// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Provider contexts: FwpmProviderContextAdd0, FwpmProviderContextDeleteById0,
 * FwpmProviderContextDeleteByKey0. Reading them is provider_context_enum.c's.
 *
 * A provider context is in the maps as its fixed part (`prov_context`), its key (`key`) and its blob
 * (object_put(), then what policy_put() says). Of the policy emPolicy is left out: it may hold
 * secrets, and nobody here negotiates.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "provider.h"
#include "provider_context.h"

enum {
	POLICY_FLAGS = IPSEC_POLICY_FLAG_ND_SECURE | IPSEC_POLICY_FLAG_ND_BOUNDARY |
		       IPSEC_POLICY_FLAG_CLEAR_DF_ON_TUNNEL |
		       IPSEC_POLICY_FLAG_NAT_ENCAP_ALLOW_PEER_BEHIND_NAT |
		       IPSEC_POLICY_FLAG_NAT_ENCAP_ALLOW_GENERAL_NAT_TRAVERSAL |
		       IPSEC_POLICY_FLAG_DONT_NEGOTIATE_SECOND_LIFETIME |
		       IPSEC_POLICY_FLAG_DONT_NEGOTIATE_BYTE_LIFETIME |
		       IPSEC_POLICY_FLAG_ENABLE_V6_IN_V4_TUNNELING |
		       IPSEC_POLICY_FLAG_ENABLE_SERVER_ADDR_ASSIGNMENT |
		       IPSEC_POLICY_FLAG_TUNNEL_ALLOW_OUTBOUND_CLEAR_CONNECTION |
		       IPSEC_POLICY_FLAG_TUNNEL_BYPASS_ALREADY_SECURE_CONNECTION |
		       IPSEC_POLICY_FLAG_TUNNEL_BYPASS_ICMPV6 |
		       IPSEC_POLICY_FLAG_KEY_MANAGER_ALLOW_DICTATE_KEY |
		       IPSEC_POLICY_FLAG_KEY_MANAGER_ALLOW_NOTIFY_KEY |
		       IPSEC_POLICY_FLAG_SITE_TO_SITE_TUNNEL |
		       IPSEC_POLICY_FLAG_POINT_TO_SITE_TUNNEL,
};

static const UINT32 bandwidth_flags = IPSEC_POLICY_FLAG_BANDWIDTH1 | IPSEC_POLICY_FLAG_BANDWIDTH2 |
				      IPSEC_POLICY_FLAG_BANDWIDTH3 | IPSEC_POLICY_FLAG_BANDWIDTH4;

/* --- checking ------------------------------------------------------------------------------------- */

static int auth_check(const IPSEC_AUTH_TRANSFORM0 *t)
{
	if (!t)
		return fail(FWP(FWP_E_NULL_POINTER), "provider context: a transform is NULL");
	if ((unsigned int)t->authTransformId.authType >= IPSEC_AUTH_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "provider context: authType %d",
			    t->authTransformId.authType);
	return 0;
}

static int cipher_check(const IPSEC_CIPHER_TRANSFORM0 *t)
{
	if (!t)
		return fail(FWP(FWP_E_NULL_POINTER), "provider context: a transform is NULL");
	if (t->cipherTransformId.cipherType < IPSEC_CIPHER_TYPE_DES ||
	    t->cipherTransformId.cipherType >= IPSEC_CIPHER_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "provider context: cipherType %d",
			    t->cipherTransformId.cipherType);
	return 0;
}

static int transform_check(const IPSEC_SA_TRANSFORM0 *t)
{
	const IPSEC_AUTH_AND_CIPHER_TRANSFORM0 *both = t->espAuthAndCipherTransform;
	int err;

	switch (t->ipsecTransformType) {
	case IPSEC_TRANSFORM_AH:
	case IPSEC_TRANSFORM_ESP_AUTH:
	case IPSEC_TRANSFORM_ESP_AUTH_FW:
		return auth_check(t->ahTransform);
	case IPSEC_TRANSFORM_ESP_CIPHER:
		return cipher_check(t->espCipherTransform);
	case IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER:
		err = auth_check(both ? &both->authTransform : NULL);
		return err ? err : cipher_check(&both->cipherTransform);
	default:
		return fail(FWP(FWP_E_INVALID_ENUMERATOR),
			    "provider context: ipsecTransformType %d", t->ipsecTransformType);
	}
}

static int proposal_check(const IPSEC_PROPOSAL0 *p)
{
	int err = 0;

	if (p->numSaTransforms && !p->saTransforms)
		return fail(FWP(FWP_E_NULL_POINTER), "provider context: saTransforms is NULL");
	if ((unsigned int)p->pfsGroup >= IPSEC_PFS_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "provider context: pfsGroup %d",
			    p->pfsGroup);
	for (UINT32 i = 0; i < p->numSaTransforms && !err; i++)
		err = transform_check(&p->saTransforms[i]);
	return err;
}

/* Into network order; the quirk of a session has IPv6 addresses reversed. */
static int endpoints_get(const IPSEC_TUNNEL_ENDPOINTS0 *e, bool reversed,
			 struct saxdp_prov_context *ret)
{
	uint8_t *local = (uint8_t *)ret->local, *remote = (uint8_t *)ret->remote;

	switch (e->ipVersion) {
	case FWP_IP_VERSION_V4:
		ret->family = 4;
		ret->local[0] = htonl(e->localV4Address);
		ret->remote[0] = htonl(e->remoteV4Address);
		return 0;
	case FWP_IP_VERSION_V6:
		ret->family = 6;
		for (int i = 0; i < FWP_V6_ADDR_SIZE; i++) {
			int from = reversed ? FWP_V6_ADDR_SIZE - 1 - i : i;

			local[i] = e->localV6Address[from];
			remote[i] = e->remoteV6Address[from];
		}
		return 0;
	default:
		return fail(FWP(FWP_E_INVALID_ENUMERATOR),
			    "provider context: ipVersion %d of the endpoints", e->ipVersion);
	}
}

static bool address_is_endpoint(const uint32_t address[4], uint32_t family)
{
	static const uint32_t none[4];
	const uint8_t *byte = (const uint8_t *)address;

	if (!memcmp(address, none, sizeof(none)))
		return false;
	return family == 4 ? (byte[0] & 0xf0) != 0xe0 : byte[0] != 0xff; /* multicast */
}

static int policy_check(const IPSEC_TUNNEL_POLICY0 *policy, bool reversed,
			struct saxdp_prov_context *ret)
{
	int err;

	if (!policy)
		return fail(FWP(FWP_E_NULL_POINTER), "provider context: its policy is NULL");
	if (policy->flags & ~(POLICY_FLAGS | bandwidth_flags))
		return fail(FWP(FWP_E_INVALID_FLAGS), "provider context: policy flags 0x%x",
			    policy->flags);
	if (policy->numIpsecProposals && !policy->ipsecProposals)
		return fail(FWP(FWP_E_NULL_POINTER), "provider context: ipsecProposals is NULL");
	err = endpoints_get(&policy->tunnelEndpoints, reversed, ret);
	for (UINT32 i = 0; i < policy->numIpsecProposals && !err; i++)
		err = proposal_check(&policy->ipsecProposals[i]);
	if (err)
		return err;
	if (!address_is_endpoint(ret->local, ret->family) ||
	    !address_is_endpoint(ret->remote, ret->family))
		return fail(FWP(FWP_E_INVALID_TUNNEL_ENDPOINT),
			    "provider context: an endpoint is unspecified or multicast");
	return 0;
}

static int type_check(const FWPM_PROVIDER_CONTEXT0 *c)
{
	if ((unsigned int)c->type >= FWPM_PROVIDER_CONTEXT_TYPE_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "provider context: type %d", c->type);
	if (c->type != FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT &&
	    c->type != FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT)
		return fail(WIN32(ERROR_NOT_SUPPORTED),
			    "provider context: type %d: not supported yet", c->type);
	if (c->flags & ~(UINT32)FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT)
		return fail(FWP(FWP_E_INVALID_FLAGS),
			    "provider context: flags 0x%x: unknown, or never set on add", c->flags);
	if (c->flags)
		return fail(WIN32(ERROR_NOT_SUPPORTED),
			    "provider context: persistent: not supported yet");
	return 0;
}

/* Both types of tunnel policy have the same form. */
static int prov_context_check(const FWPM_PROVIDER_CONTEXT0 *c, const void *sd, bool reversed,
			      struct saxdp_prov_context *ret)
{
	int err = object_check("provider context", &c->displayData, &c->providerData, sd);

	if (!err)
		err = type_check(c);
	return err ? err : policy_check(c->ikeQmTunnelPolicy, reversed, ret);
}

/* --- packing -------------------------------------------------------------------------------------- */

static void auth_put(struct blob *b, const IPSEC_AUTH_TRANSFORM0 *t)
{
	blob_put_u8(b, t->authTransformId.authType);
	blob_put_u8(b, t->authTransformId.authConfig);
	blob_put_u8(b, t->cryptoModuleId != NULL);
	if (t->cryptoModuleId)
		blob_put(b, t->cryptoModuleId, sizeof(*t->cryptoModuleId));
}

static void cipher_put(struct blob *b, const IPSEC_CIPHER_TRANSFORM0 *t)
{
	blob_put_u8(b, t->cipherTransformId.cipherType);
	blob_put_u8(b, t->cipherTransformId.cipherConfig);
	blob_put_u8(b, t->cryptoModuleId != NULL);
	if (t->cryptoModuleId)
		blob_put(b, t->cryptoModuleId, sizeof(*t->cryptoModuleId));
}

/*
 * Flags, idle timeouts, number of proposals; each with its lifetimes, PFS group, number of
 * transforms; each with its type and, of its authentication and its cipher, type, configuration,
 * and the module's id after a byte that says whether there is one.
 */
static void policy_put(struct blob *b, const IPSEC_TUNNEL_POLICY0 *policy)
{
	blob_put_u32(b, policy->flags);
	blob_put(b, &policy->saIdleTimeout, sizeof(policy->saIdleTimeout));
	blob_put_u32(b, policy->numIpsecProposals);
	for (UINT32 i = 0; i < policy->numIpsecProposals; i++) {
		const IPSEC_PROPOSAL0 *p = &policy->ipsecProposals[i];

		blob_put(b, &p->lifetime, sizeof(p->lifetime));
		blob_put_u8(b, p->pfsGroup);
		blob_put_u32(b, p->numSaTransforms);
		for (UINT32 j = 0; j < p->numSaTransforms; j++) {
			const IPSEC_SA_TRANSFORM0 *t = &p->saTransforms[j];

			blob_put_u8(b, t->ipsecTransformType);
			if (t->ipsecTransformType == IPSEC_TRANSFORM_ESP_CIPHER) {
				cipher_put(b, t->espCipherTransform);
			} else if (t->ipsecTransformType == IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER) {
				auth_put(b, &t->espAuthAndCipherTransform->authTransform);
				cipher_put(b, &t->espAuthAndCipherTransform->cipherTransform);
			} else {
				auth_put(b, t->ahTransform);
			}
		}
	}
}

/* --- unpacking ------------------------------------------------------------------------------------ */

/* The fields in front of the module's id are the caller's. */
static int module_get(struct blob *b, struct out *o, IPSEC_CRYPTO_MODULE_ID **ret)
{
	if (!blob_get_u8(b))
		return 0;
	*ret = out_alloc(o, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	blob_get(b, *ret, sizeof(**ret));
	return 0;
}

static int auth_get(struct blob *b, struct out *o, IPSEC_AUTH_TRANSFORM0 *ret)
{
	ret->authTransformId.authType = blob_get_u8(b);
	ret->authTransformId.authConfig = blob_get_u8(b);
	return module_get(b, o, &ret->cryptoModuleId);
}

static int cipher_get(struct blob *b, struct out *o, IPSEC_CIPHER_TRANSFORM0 *ret)
{
	ret->cipherTransformId.cipherType = blob_get_u8(b);
	ret->cipherTransformId.cipherConfig = blob_get_u8(b);
	return module_get(b, o, &ret->cryptoModuleId);
}

static int transform_get(struct blob *b, struct out *o, IPSEC_SA_TRANSFORM0 *ret)
{
	IPSEC_AUTH_AND_CIPHER_TRANSFORM0 *both;
	int err;

	ret->ipsecTransformType = blob_get_u8(b);
	switch (ret->ipsecTransformType) {
	case IPSEC_TRANSFORM_ESP_CIPHER:
		ret->espCipherTransform = out_alloc(o, sizeof(*ret->espCipherTransform));
		return ret->espCipherTransform ? cipher_get(b, o, ret->espCipherTransform) :
						 -ENOMEM;
	case IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER:
		both = ret->espAuthAndCipherTransform = out_alloc(o, sizeof(*both));
		if (!both)
			return -ENOMEM;
		err = auth_get(b, o, &both->authTransform);
		return err ? err : cipher_get(b, o, &both->cipherTransform);
	default:
		ret->ahTransform = out_alloc(o, sizeof(*ret->ahTransform));
		return ret->ahTransform ? auth_get(b, o, ret->ahTransform) : -ENOMEM;
	}
}

static int proposal_get(struct blob *b, struct out *o, IPSEC_PROPOSAL0 *ret)
{
	int err = 0;

	blob_get(b, &ret->lifetime, sizeof(ret->lifetime));
	ret->pfsGroup = blob_get_u8(b);
	ret->numSaTransforms = blob_get_u32(b);
	if (b->err || !ret->numSaTransforms)
		return b->err;
	ret->saTransforms = out_alloc(o, ret->numSaTransforms * sizeof(*ret->saTransforms));
	if (!ret->saTransforms)
		return -ENOMEM;
	for (UINT32 i = 0; i < ret->numSaTransforms && !err; i++)
		err = b->err ? b->err : transform_get(b, o, &ret->saTransforms[i]);
	return err;
}

static void endpoints_put(const struct saxdp_prov_context *c, bool reversed,
			  IPSEC_TUNNEL_ENDPOINTS0 *ret)
{
	const uint8_t *local = (const uint8_t *)c->local, *remote = (const uint8_t *)c->remote;

	if (c->family == 4) {
		ret->ipVersion = FWP_IP_VERSION_V4;
		ret->localV4Address = ntohl(c->local[0]);
		ret->remoteV4Address = ntohl(c->remote[0]);
		return;
	}
	ret->ipVersion = FWP_IP_VERSION_V6;
	for (int i = 0; i < FWP_V6_ADDR_SIZE; i++) {
		int to = reversed ? FWP_V6_ADDR_SIZE - 1 - i : i;

		ret->localV6Address[to] = local[i];
		ret->remoteV6Address[to] = remote[i];
	}
}

int prov_context_policy_get(const struct saxdp_prov_context *c, bool reversed, struct blob *b,
			    struct out *o, IPSEC_TUNNEL_POLICY0 **ret)
{
	IPSEC_TUNNEL_POLICY0 *policy = out_alloc(o, sizeof(*policy));
	int err = 0;

	if (!policy)
		return -ENOMEM;
	policy->flags = blob_get_u32(b);
	blob_get(b, &policy->saIdleTimeout, sizeof(policy->saIdleTimeout));
	policy->numIpsecProposals = blob_get_u32(b);
	endpoints_put(c, reversed, &policy->tunnelEndpoints);
	if (!b->err && policy->numIpsecProposals) {
		policy->ipsecProposals =
			out_alloc(o, policy->numIpsecProposals * sizeof(*policy->ipsecProposals));
		if (!policy->ipsecProposals)
			return -ENOMEM;
	}
	for (UINT32 i = 0; i < policy->numIpsecProposals && !err; i++)
		err = b->err ? b->err : proposal_get(b, o, &policy->ipsecProposals[i]);
	*ret = policy;
	return err ? err : b->err;
}

/* --- adding --------------------------------------------------------------------------------------- */

static int prov_context_insert(struct policy *p, const FWPM_PROVIDER_CONTEXT0 *c,
			       const struct saxdp_prov_context *value, struct blob *b, uint64_t id)
{
	struct saxdp_prov_context fixed = *value;
	GUID key;
	int err = object_key(p, "provider context", SAXDP_KIND_PROV_CONTEXT, &c->providerContextKey,
			     &key);

	if (!err)
		err = provider_name(p, "provider context", c->providerKey, fixed.owner,
				    &fixed.provider);
	if (err)
		return err;
	memcpy(fixed.key, &key, sizeof(fixed.key));
	change_insert(p->change, SAXDP_KIND_PROV_CONTEXT, &id, &fixed);
	change_guid(p->change, SAXDP_OP_GUID_ADD, SAXDP_KIND_PROV_CONTEXT, &key, id);
	blob_insert(b, p->change, SAXDP_BLOB_PROV_CONTEXT, id);
	return 0;
}

static int prov_context_add(struct session *s, const FWPM_PROVIDER_CONTEXT0 *c, const void *sd,
			    uint64_t *ret)
{
	struct saxdp_prov_context fixed = {};
	struct blob b = {};
	struct policy p;
	uint64_t id = 0;
	int err, early;

	if (!c)
		return fail(FWP(FWP_E_NULL_POINTER), "provider context: NULL");
	err = policy_begin(&p, s);
	if (err)
		return err;
	early = prov_context_check(c, sd, s->quirks & SAXDP_QUIRK_V6_REVERSED, &fixed);
	if (!early) {
		object_put(&b, &c->displayData, &c->providerData);
		policy_put(&b, c->ikeQmTunnelPolicy);
		fixed.owner = object_owner(s);
		fixed.type = c->type;
		fixed.fwp_flags = c->flags;
		fixed.blob_bytes = b.size;
		early = b.err;
	}
	if (!early)
		early = id_reserve(s, SAXDP_ID_PROV_CONTEXT, &id);
	do {
		err = early;
		if (!err)
			err = prov_context_insert(&p, c, &fixed, &b, id);
	} while (policy_again(&p, &err));
	blob_release(&b);
	if (err == -ENOSPC)
		fail(err, "provider context: the maps of instance %s are full", s->inst->name);
	if (!err && ret)
		*ret = id;
	return err;
}

DWORD FwpmProviderContextAdd0(HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT0 *providerContext,
			      PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = prov_context_add(s, providerContext, sd, id);
	session_put(s);
	return fwp_result(err);
}

/* --- deleting ------------------------------------------------------------------------------------- */

static void prov_context_end(struct policy *p, uint64_t id, const struct saxdp_prov_context *c)
{
	GUID key;

	memcpy(&key, c->key, sizeof(key));
	change_word(p->change, SAXDP_OP_EXPECT, SAXDP_KIND_PROV_CONTEXT, &id,
		    offsetof(struct saxdp_prov_context, users), 0);
	change_guid(p->change, SAXDP_OP_GUID_DIE, SAXDP_KIND_PROV_CONTEXT, &key, id);
	blob_die(p->change, SAXDP_BLOB_PROV_CONTEXT, id, c->blob_bytes);
	change_die(p->change, SAXDP_KIND_PROV_CONTEXT, &id);
}

/* key NULL: by id. */
static int prov_context_remove(struct policy *p, const GUID *key, uint64_t id)
{
	struct saxdp_prov_context c = {};
	int64_t pending = 0;
	int err = 0;

	if (key)
		err = policy_guid(p, SAXDP_KIND_PROV_CONTEXT, key, &id);
	if (!err)
		err = policy_lookup(p, SAXDP_KIND_PROV_CONTEXT, &id, &c);
	if (err == -ENOENT)
		err = fail(FWP(FWP_E_PROVIDER_CONTEXT_NOT_FOUND),
			   "provider context: no such provider context");
	if (!err)
		err = object_owner_check("provider context", p->session, c.owner);
	if (!err)
		err = object_users_pending(p, SAXDP_KIND_PROV_CONTEXT, id, &pending);
	if (err)
		return err;
	if (c.users + pending)
		return fail(FWP(FWP_E_IN_USE),
			    "provider context %llu: filters or SA contexts use it",
			    (unsigned long long)id);
	prov_context_end(p, id, &c);
	return 0;
}

static int prov_context_delete(struct session *s, const GUID *key, uint64_t id)
{
	struct policy p;
	int err;

	err = policy_begin(&p, s);
	if (err)
		return err;
	do {
		err = prov_context_remove(&p, key, id);
	} while (policy_again(&p, &err));
	return err;
}

DWORD FwpmProviderContextDeleteById0(HANDLE engineHandle, UINT64 id)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = prov_context_delete(s, NULL, id);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmProviderContextDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = key ? prov_context_delete(s, key, 0) :
		    fail(FWP(FWP_E_NULL_POINTER), "provider context: key is NULL");
	session_put(s);
	return fwp_result(err);
}

static int owned_end(struct policy *p, uint64_t id, const void *ctx)
{
	struct saxdp_prov_context c;
	int64_t pending;
	int err;

	(void)ctx;
	err = policy_lookup(p, SAXDP_KIND_PROV_CONTEXT, &id, &c);
	if (!err)
		err = object_users_pending(p, SAXDP_KIND_PROV_CONTEXT, id, &pending);
	if (!err && !(c.users + pending))
		prov_context_end(p, id, &c);
	return err;
}

int prov_context_delete_owned(struct policy *p, uint64_t owner)
{
	return object_each_owned(p, SAXDP_KIND_PROV_CONTEXT,
				 offsetof(struct saxdp_prov_context, owner), owner, owned_end,
				 NULL);
}
