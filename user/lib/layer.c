// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What is built in: layers, callouts and sublayers. The maps name each by its place in
 * these tables, which follow the lists of GUIDs: a new one goes to the end of its list.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
#define X(name, ...) INDEX_##name,
	FWP_GUID_LIST_LAYERS(X)
#undef X
};

enum {
#define X(name, ...) INDEX_##name,
	FWP_GUID_LIST_CALLOUTS(X)
#undef X
};

/* Each table is its list, and then the rows that say more take the place of those of the list. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
/* clang-format off */

#define JUDGED(direction, version) \
	[INDEX_FWPM_LAYER_##direction##_TRANSPORT_V##version] = { \
		.key = &FWPM_LAYER_##direction##_TRANSPORT_V##version, \
		.name = "FWPM_LAYER_" #direction "_TRANSPORT_V" #version, \
		.enforced = true, \
		.judged = SAXDP_##direction##_TRANSPORT_V##version, \
		.family = (version), \
		.inbound = SAXDP_##direction == SAXDP_INBOUND, \
	}

/* Of layers that packets are not judged at nothing is asked but whether they exist. */
static const struct layer layers[] = {
#define X(guid, ...) [INDEX_##guid] = { .key = &(guid), .name = #guid },
	FWP_GUID_LIST_LAYERS(X)
#undef X
	JUDGED(INBOUND, 4),
	JUDGED(INBOUND, 6),
	JUDGED(OUTBOUND, 4),
	JUDGED(OUTBOUND, 6),
};

#define IPSEC(direction, mode, version) \
	[INDEX_FWPM_CALLOUT_IPSEC_##direction##_##mode##_V##version] = { \
		.key = &FWPM_CALLOUT_IPSEC_##direction##_##mode##_V##version, \
		.name = "FWPM_CALLOUT_IPSEC_" #direction "_" #mode "_V" #version, \
		.layer = &FWPM_LAYER_##direction##_TRANSPORT_V##version, \
		.action = SAXDP_IPSEC_##mode, \
		.tunnel = SAXDP_IPSEC_##mode == SAXDP_IPSEC_TUNNEL, \
		.inbound = SAXDP_##direction == SAXDP_INBOUND, \
		.family = (version), \
	}

/* For a layer that packets are not judged at. */
#define KNOWN(callout, at, version) \
	[INDEX_FWPM_CALLOUT_##callout##_V##version] = { \
		.key = &FWPM_CALLOUT_##callout##_V##version, \
		.name = "FWPM_CALLOUT_" #callout "_V" #version, \
		.layer = &FWPM_LAYER_##at##_V##version, \
		.action = SAXDP_CALLOUT, \
	}

static const struct callout callouts[] = {
#define X(guid, ...) [INDEX_##guid] = { .key = &(guid), .name = #guid, .action = SAXDP_CALLOUT },
	FWP_GUID_LIST_CALLOUTS(X)
#undef X
	IPSEC(INBOUND, TRANSPORT, 4),
	IPSEC(INBOUND, TRANSPORT, 6),
	IPSEC(OUTBOUND, TRANSPORT, 4),
	IPSEC(OUTBOUND, TRANSPORT, 6),
	IPSEC(INBOUND, TUNNEL, 4),
	IPSEC(INBOUND, TUNNEL, 6),
	IPSEC(OUTBOUND, TUNNEL, 4),
	IPSEC(OUTBOUND, TUNNEL, 6),
	KNOWN(IPSEC_FORWARD_INBOUND_TUNNEL, IPFORWARD, 4),
	KNOWN(IPSEC_FORWARD_INBOUND_TUNNEL, IPFORWARD, 6),
	KNOWN(IPSEC_FORWARD_OUTBOUND_TUNNEL, IPFORWARD, 4),
	KNOWN(IPSEC_FORWARD_OUTBOUND_TUNNEL, IPFORWARD, 6),
	KNOWN(IPSEC_INBOUND_INITIATE_SECURE, ALE_AUTH_RECV_ACCEPT, 4),
	KNOWN(IPSEC_INBOUND_INITIATE_SECURE, ALE_AUTH_RECV_ACCEPT, 6),
	KNOWN(IPSEC_INBOUND_TUNNEL_ALE_ACCEPT, ALE_AUTH_RECV_ACCEPT, 4),
	KNOWN(IPSEC_INBOUND_TUNNEL_ALE_ACCEPT, ALE_AUTH_RECV_ACCEPT, 6),
	KNOWN(IPSEC_ALE_CONNECT, ALE_AUTH_CONNECT, 4),
	KNOWN(IPSEC_ALE_CONNECT, ALE_AUTH_CONNECT, 6),
	KNOWN(IPSEC_DOSP_FORWARD, IPFORWARD, 4),
	KNOWN(IPSEC_DOSP_FORWARD, IPFORWARD, 6),
};

/* clang-format on */
#pragma GCC diagnostic pop

/*
 * Windows documents one weight: that of INSPECTION is the lowest. UNIVERSAL 32768 and RPC_AUDIT
 * 49152 were seen on it. The rest is our choice: what belongs to IPsec is judged before UNIVERSAL,
 * as a tunnel must not be cut by filters without a sublayer, what belongs to the firewall after it.
 */
static const struct sublayer sublayers[] = {
#define ROW(name, weight)                                             \
	{                                                             \
		&FWPM_SUBLAYER_##name, "FWPM_SUBLAYER_" #name, weight \
	}
	ROW(RPC_AUDIT, 49152),
	ROW(IPSEC_TUNNEL, 45056),
	ROW(UNIVERSAL, 32768),
	ROW(LIPS, 36864),
	ROW(SECURE_SOCKET, 34816),
	ROW(TCP_CHIMNEY_OFFLOAD, 4096),
	ROW(INSPECTION, 0),
	ROW(TEREDO, 30720),
	ROW(IPSEC_FORWARD_OUTBOUND_TUNNEL, 43008),
	ROW(IPSEC_DOSP, 47104),
	ROW(TCP_TEMPLATES, 2048),
	ROW(IPSEC_SECURITY_REALM, 40960),
	ROW(MPSSVC_WSH, 28672),
	ROW(MPSSVC_WF, 26624),
	ROW(MPSSVC_QUARANTINE, 24576),
	ROW(MPSSVC_EDP, 22528),
	ROW(MPSSVC_TENANT_RESTRICTIONS, 20480),
	ROW(MPSSVC_APP_ISOLATION, 18432),
#undef ROW
};

_Static_assert(sizeof(sublayers) / sizeof(*sublayers) == SUBLAYERS_BUILTIN, "each has a weight");

const struct layer *layer_at(unsigned int index)
{
	return index < ARRAY_SIZE(layers) ? &layers[index] : NULL;
}

const struct callout *callout_at(unsigned int index)
{
	return index < ARRAY_SIZE(callouts) ? &callouts[index] : NULL;
}

const struct sublayer *sublayer_at(unsigned int index)
{
	return index < ARRAY_SIZE(sublayers) ? &sublayers[index] : NULL;
}

int layer_find(const GUID *key)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(layers); i++)
		if (!memcmp(layers[i].key, key, sizeof(*key)))
			return i;
	return -ENOENT;
}

int callout_find(const GUID *key)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(callouts); i++)
		if (!memcmp(callouts[i].key, key, sizeof(*key)))
			return i;
	return -ENOENT;
}

int sublayer_find(const GUID *key)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sublayers); i++)
		if (!memcmp(sublayers[i].key, key, sizeof(*key)))
			return i;
	return -ENOENT;
}

const char *saxdp_layer_name(uint32_t layer)
{
	return layer < ARRAY_SIZE(layers) ? layers[layer].name : NULL;
}

const char *saxdp_sublayer_name(uint32_t sublayer)
{
	return sublayer < ARRAY_SIZE(sublayers) ? sublayers[sublayer].name : NULL;
}

/* As in struct saxdp_filter: 0 is none. */
const char *saxdp_callout_name(uint32_t callout)
{
	return callout && callout <= ARRAY_SIZE(callouts) ? callouts[callout - 1].name : NULL;
}
