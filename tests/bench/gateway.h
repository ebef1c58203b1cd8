/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A VPN gateway with many peers, through the public API: an instance of its own and a session; one
 * local address, 192.0.2.1, and peers from 10.0.0.1 on, IPv4.
 *
 * In tunnel mode each peer has a tunnel policy of its own. In transport mode all are served by one
 * pair of filters that hold every peer.
 */
#ifndef TESTS_BENCH_GATEWAY_H
#define TESTS_BENCH_GATEWAY_H

#include "bench.h"
#include "bpffs.h"
#include "fwpmu.h"
#include "saxdp.h"

struct gateway {
	const char *instance;
	struct saxdp_load_result loaded;
	HANDLE engine;
	bool tunnel;
	uint32_t peers;
	UINT64 *policy; /* of each peer; transport mode: one outbound filter */
	UINT64 inbound_filter;
};

#define gateway_call(call)                                                                         \
	do {                                                                                       \
		DWORD result_ = (call);                                                            \
		require(result_ == ERROR_SUCCESS, "%s: 0x%08x %s", #call, result_, saxdp_error()); \
	} while (0)

enum { GATEWAY_LOCAL = 0xc0000201, GATEWAY_PEERS = 0x0a000001 };

/* A filter for one address and its mask, with the transport callout; its id. */
static inline UINT64 gateway_filter(const struct gateway *g, bool inbound, UINT32 remote,
				    UINT32 mask)
{
	static wchar_t name[] = L"peers";
	FWP_V4_ADDR_AND_MASK net = { .addr = remote, .mask = mask };
	FWPM_FILTER_CONDITION0 condition = {
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
		.conditionValue = { .type = FWP_V4_ADDR_MASK, .v4AddrMask = &net },
	};
	FWPM_FILTER0 filter = {
		.displayData.name = name,
		.layerKey = inbound ? FWPM_LAYER_INBOUND_TRANSPORT_V4 :
				      FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
		.action.type = FWP_ACTION_CALLOUT_TERMINATING,
		.action.calloutKey = inbound ? FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4 :
					       FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4,
		.numFilterConditions = 1,
		.filterCondition = &condition,
	};
	UINT64 id;

	gateway_call(FwpmFilterAdd0(g->engine, &filter, NULL, &id));
	return id;
}

static inline UINT64 gateway_tunnel_policy(const struct gateway *g, uint32_t peer)
{
	static wchar_t name[] = L"peer";
	IPSEC_AUTH_AND_CIPHER_TRANSFORM0 gcm = {
		.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
		.cipherTransform.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
	};
	IPSEC_SA_TRANSFORM0 transform = {
		.ipsecTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
		.espAuthAndCipherTransform = &gcm,
	};
	IPSEC_PROPOSAL0 proposal = { .numSaTransforms = 1, .saTransforms = &transform };
	IPSEC_TUNNEL_POLICY0 policy = {
		.numIpsecProposals = 1,
		.ipsecProposals = &proposal,
		.tunnelEndpoints = {
			.ipVersion = FWP_IP_VERSION_V4,
			.localV4Address = GATEWAY_LOCAL,
			.remoteV4Address = GATEWAY_PEERS + peer,
		},
	};
	FWPM_PROVIDER_CONTEXT0 context = {
		.displayData.name = name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = &policy,
	};
	UINT64 id;

	gateway_call(FwpmProviderContextAdd0(g->engine, &context, NULL, &id));
	return id;
}

static inline void gateway_open(struct gateway *g, bool tunnel, uint32_t peers, uint32_t contexts)
{
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.contexts = contexts,
		.filters = tunnel ? peers : 2,
	};

	*g = (struct gateway){ .tunnel = tunnel, .peers = peers };
	bpffs_mount();
	g->instance = opts.instance = bpffs_instance("bench");
	require(!saxdp_load(&opts, &g->loaded), "%s", saxdp_error());
	setenv("SAXDP_INSTANCE", g->instance, 1);
	gateway_call(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &g->engine));

	g->policy = calloc(tunnel ? peers : 1, sizeof(*g->policy));
	require(g->policy, "out of memory");
	if (!tunnel) {
		g->policy[0] = gateway_filter(g, false, GATEWAY_PEERS & 0xff000000, 0xff000000);
		g->inbound_filter = gateway_filter(g, true, GATEWAY_PEERS & 0xff000000, 0xff000000);
		return;
	}
	gateway_call(FwpmTransactionBegin0(g->engine, 0));
	for (uint32_t i = 0; i < peers; i++)
		g->policy[i] = gateway_tunnel_policy(g, i);
	gateway_call(FwpmTransactionCommit0(g->engine));
}

static inline void gateway_close(struct gateway *g)
{
	gateway_call(FwpmEngineClose0(g->engine));
	require(!saxdp_unload(g->instance, true), "%s", saxdp_error());
	free(g->policy);
}

/* --- the calls of one life cycle ----------------------------------------------------------------------- */

static inline IPSEC_TRAFFIC1 gateway_traffic(const struct gateway *g, uint32_t peer, bool inbound)
{
	return (IPSEC_TRAFFIC1){
		.ipVersion = FWP_IP_VERSION_V4,
		.localV4Address = GATEWAY_LOCAL,
		.remoteV4Address = GATEWAY_PEERS + peer,
		.trafficType = g->tunnel ? IPSEC_TRAFFIC_TYPE_TUNNEL : IPSEC_TRAFFIC_TYPE_TRANSPORT,
		.ipsecFilterId = g->tunnel ? g->policy[peer] :
				 inbound   ? g->inbound_filter :
					     g->policy[0],
	};
}

static inline UINT64 gateway_create(const struct gateway *g, uint32_t peer)
{
	IPSEC_TRAFFIC1 traffic = gateway_traffic(g, peer, false);
	UINT64 id, filter;

	gateway_call(IPsecSaContextCreate1(g->engine, &traffic, NULL, &filter, &id));
	return id;
}

static inline void gateway_set_spi(const struct gateway *g, UINT64 id, uint32_t peer, uint32_t spi)
{
	IPSEC_GETSPI1 get = {
		.inboundIpsecTraffic = gateway_traffic(g, peer, true),
		.ipVersion = FWP_IP_VERSION_V4,
	};

	gateway_call(IPsecSaContextSetSpi0(g->engine, id, &get, spi));
}

static inline void gateway_bundle(const struct gateway *g, UINT64 id, uint32_t spi, bool inbound)
{
	static UINT8 key[20]; /* all zero: nothing here encrypts */
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 esp = {
		.saCipherInformation = {
			.cipherTransform.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
			.cipherKey = { sizeof(key), key },
		},
		.saAuthInformation = {
			.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
			.authKey = { sizeof(key), key },
		},
	};
	IPSEC_SA0 sa = {
		.spi = spi,
		.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
		.espAuthAndCipherInformation = &esp,
	};
	IPSEC_SA_BUNDLE1 bundle = {
		.numSAs = 1,
		.saList = &sa,
		.ipVersion = FWP_IP_VERSION_V4,
	};

	if (inbound)
		gateway_call(IPsecSaContextAddInbound1(g->engine, id, &bundle));
	else
		gateway_call(IPsecSaContextAddOutbound1(g->engine, id, &bundle));
}

static inline void gateway_delete(const struct gateway *g, UINT64 id)
{
	gateway_call(IPsecSaContextDeleteById0(g->engine, id));
}

/* A context with both bundles; @spi is that of both directions. */
static inline UINT64 gateway_context(const struct gateway *g, uint32_t peer, uint32_t spi)
{
	UINT64 id = gateway_create(g, peer);

	gateway_set_spi(g, id, peer, spi);
	gateway_bundle(g, id, spi, true);
	gateway_bundle(g, id, spi, false);
	return id;
}

#endif
