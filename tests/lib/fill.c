// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "fill.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "bpffs.h"
#include "check.h"

#define require_call(call)                                                                         \
	do {                                                                                       \
		DWORD result_ = (call);                                                            \
		require(result_ == ERROR_SUCCESS, "%s: 0x%08x %s", #call, result_, saxdp_error()); \
	} while (0)

void fill_open(struct fill *f, const char *label, uint32_t contexts)
{
	char readers[16], writers[16];
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.contexts = contexts,
		.filters = 64,
		.readers = readers,
		.writers = writers,
	};

	snprintf(readers, sizeof(readers), "%d", FILL_READERS);
	snprintf(writers, sizeof(writers), "%d", FILL_WRITERS);
	*f = (struct fill){ .instance = bpffs_instance(label) };
	opts.instance = f->instance;
	require(!saxdp_load(&opts, NULL), "%s", saxdp_error());
	setenv("SAXDP_INSTANCE", f->instance, 1);
	require_call(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &f->engine));
}

void fill_close(struct fill *f)
{
	if (f->engine)
		require_call(FwpmEngineClose0(f->engine));
	f->engine = NULL;
	require(!saxdp_unload(f->instance, true), "%s", saxdp_error());
}

/* --- policies ------------------------------------------------------------------------------------- */

/* IPv4 in host order, IPv6 as on the wire: how WFP has them. Returns 4 or 6. */
static int address_of(const char *text, UINT32 *v4, UINT8 v6[16])
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1) {
		*v4 = ntohl(in.s_addr);
		return 4;
	}
	require(inet_pton(AF_INET6, text, v6) == 1, "%s: no address", text);
	return 6;
}

uint64_t fill_tunnel_policy(const struct fill *f, const char *local, const char *remote)
{
	static wchar_t name[] = L"tunnel policy";
	IPSEC_AUTH_TRANSFORM0 gmac = {
		.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
	};
	IPSEC_CIPHER_TRANSFORM0 gcm = {
		.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
	};
	IPSEC_AUTH_AND_CIPHER_TRANSFORM0 both = { gmac, gcm };
	IPSEC_SA_TRANSFORM0 transform = {
		.ipsecTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
		.espAuthAndCipherTransform = &both,
	};
	IPSEC_PROPOSAL0 proposal = { .numSaTransforms = 1, .saTransforms = &transform };
	IPSEC_TUNNEL_POLICY0 policy = { .numIpsecProposals = 1, .ipsecProposals = &proposal };
	FWPM_PROVIDER_CONTEXT0 c = {
		.displayData.name = name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = &policy,
	};
	IPSEC_TUNNEL_ENDPOINTS0 *ends = &policy.tunnelEndpoints;
	UINT64 id;

	ends->ipVersion = address_of(local, &ends->localV4Address, ends->localV6Address) == 4 ?
				  FWP_IP_VERSION_V4 :
				  FWP_IP_VERSION_V6;
	address_of(remote, &ends->remoteV4Address, ends->remoteV6Address);
	require_call(FwpmProviderContextAdd0(f->engine, &c, NULL, &id));
	return id;
}

uint64_t fill_filter(const struct fill *f, const char *name, bool inbound, const char *remote)
{
	wchar_t wide[64];
	FWPM_FILTER_CONDITION0 condition = {
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue.type = FWP_UINT32,
	};
	FWPM_FILTER0 filter = {
		.displayData.name = wide,
		.layerKey = inbound ? FWPM_LAYER_INBOUND_TRANSPORT_V4 :
				      FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
		.action.type = FWP_ACTION_CALLOUT_TERMINATING,
		.action.calloutKey = inbound ? FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4 :
					       FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4,
		.numFilterConditions = 1,
		.filterCondition = &condition,
	};
	UINT64 id;

	swprintf(wide, sizeof(wide) / sizeof(*wide), L"%s", name);
	require(address_of(remote, &condition.conditionValue.uint32, NULL) == 4, "%s", remote);
	require_call(FwpmFilterAdd0(f->engine, &filter, NULL, &id));
	return id;
}

/* --- contexts --------------------------------------------------------------------------------------- */

static void traffic_make(const struct fill_context *c, bool inbound, IPSEC_TRAFFIC1 *ret)
{
	*ret = (IPSEC_TRAFFIC1){
		.trafficType = c->tunnel ? IPSEC_TRAFFIC_TYPE_TUNNEL : IPSEC_TRAFFIC_TYPE_TRANSPORT,
		.ipsecFilterId = inbound && !c->tunnel ? c->inbound_filter : c->policy,
		.localPort = c->local_port,
		.remotePort = c->remote_port,
		.ipProtocol = c->protocol,
	};
	ret->ipVersion = address_of(c->local, &ret->localV4Address, ret->localV6Address) == 4 ?
				 FWP_IP_VERSION_V4 :
				 FWP_IP_VERSION_V6;
	address_of(c->remote, &ret->remoteV4Address, ret->remoteV6Address);
}

static void bundle_add(const struct fill *f, const struct fill_context *c, uint64_t id,
		       bool inbound)
{
	static UINT8 gcm_key[20], sha1_key[20]; /* all zero: nothing here encrypts */
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 esp = {
		.saCipherInformation = {
			.cipherTransform.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
			.cipherKey = { sizeof(gcm_key), gcm_key },
		},
		.saAuthInformation = {
			.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
			.authKey = { sizeof(gcm_key), gcm_key },
		},
	};
	IPSEC_SA_AUTH_INFORMATION0 ah = {
		.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_HMAC_SHA_1_96,
		.authKey = { sizeof(sha1_key), sha1_key },
	};
	IPSEC_SA0 sas[] = {
		{
			.spi = inbound ? c->spi : c->outbound_spi,
			.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
			.espAuthAndCipherInformation = &esp,
		},
		{
			.spi = inbound ? c->ah_spi : c->outbound_ah_spi,
			.saTransformType = IPSEC_TRANSFORM_AH,
			.ahInformation = &ah,
		},
	};
	IPSEC_SA_BUNDLE1 bundle = {
		.numSAs = sas[1].spi ? 2 : 1,
		.saList = sas,
		.ipVersion = strchr(c->local, ':') ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4,
	};

	if (inbound)
		require_call(IPsecSaContextAddInbound1(f->engine, id, &bundle));
	else
		require_call(IPsecSaContextAddOutbound1(f->engine, id, &bundle));
}

uint64_t fill_context(const struct fill *f, const struct fill_context *c)
{
	IPSEC_TRAFFIC1 outbound;
	IPSEC_GETSPI1 get = {};
	UINT64 id;

	traffic_make(c, false, &outbound);
	traffic_make(c, true, &get.inboundIpsecTraffic);
	get.ipVersion = outbound.ipVersion;
	require_call(IPsecSaContextCreate1(f->engine, &outbound, NULL, NULL, &id));
	if (c->spi)
		require_call(IPsecSaContextSetSpi0(f->engine, id, &get, c->spi));
	if (c->spi && !c->no_inbound)
		bundle_add(f, c, id, true);
	if (c->outbound_spi)
		bundle_add(f, c, id, false);
	return id;
}

void fill_context_delete(const struct fill *f, uint64_t id)
{
	require_call(IPsecSaContextDeleteById0(f->engine, id));
}

/* --- counters ----------------------------------------------------------------------------------------- */

void fill_count(const struct fill *f, const struct fill_count *c)
{
	struct saxdp_sa4_key key4 = {
		.spi = htonl(c->spi),
		.protocol = c->protocol,
		.direction = c->direction,
	};
	struct saxdp_sa6_key key6 = {
		.spi = htonl(c->spi),
		.protocol = c->protocol,
		.direction = c->direction,
	};
	bool v4 = inet_pton(AF_INET, c->destination, &key4.destination) == 1;
	const void *key = v4 ? (void *)&key4 : (void *)&key6;
	struct saxdp_engine e;
	char path[256];
	uint32_t zero = 0;
	struct saxdp_sa sa;
	int engine, fd;

	require(v4 || inet_pton(AF_INET6, c->destination, key6.destination) == 1, "%s",
		c->destination);
	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/engine", f->instance);
	engine = bpf_obj_get(path);
	snprintf(path, sizeof(path), SAXDP_PIN_ROOT "/%s/%s", f->instance, v4 ? "sa4" : "sa6");
	fd = bpf_obj_get(path);
	require(engine >= 0 && fd >= 0, "%s: %m", path);
	require(!bpf_map_lookup_elem(engine, &zero, &e), "engine: %m");
	require(!bpf_map_lookup_elem(fd, key, &sa), "SA 0x%x: %m", c->spi);
	sa.packets += c->packets;
	sa.bytes += c->bytes;
	sa.packets_other += c->packets_other;
	sa.bytes_other += c->bytes_other;
	sa.owner_cpu = c->owner_cpu;
	sa.last_used = e.clock_jiffies;
	require(!bpf_map_update_elem(fd, key, &sa, BPF_EXIST), "SA 0x%x: %m", c->spi);
	close(fd);
	close(engine);
}
