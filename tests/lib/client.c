// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "bpffs.h"
#include "check.h"

/* RFC 5737 and RFC 3849: for documentation. */
enum {
	LOCAL_V4 = 0xc0000201U, /* 192.0.2.1 */
	REMOTE_V4 = 0xc6330000U, /* 198.51.0.0 */
};

#define require_ok(call)                                                           \
	do {                                                                       \
		DWORD result_ = (call);                                            \
		require(!result_, "%s: 0x%08x %s", #call, result_, saxdp_error()); \
	} while (0)

void client_open(struct client *c, const char *label, uint32_t contexts)
{
	char readers[16], writers[16];
	struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.contexts = contexts,
		.filters = CLIENT_FILTERS,
		.readers = readers,
		.writers = writers,
	};
	int err;

	snprintf(readers, sizeof(readers), "%d", CLIENT_READERS);
	snprintf(writers, sizeof(writers), "%d", CLIENT_WRITERS);
	*c = (struct client){ .instance = bpffs_instance(label) };
	opts.instance = c->instance;
	err = saxdp_load(&opts, NULL);
	require(!err, "load: %d %s", err, saxdp_error());
	setenv("SAXDP_INSTANCE", c->instance, 1);
	err = instance_get(c->instance, INSTANCE_READ, &c->maps);
	require(!err, "open: %d %s", err, saxdp_error());
	c->engine = client_session(0, 0);
}

void client_close(struct client *c)
{
	int err;

	if (c->engine)
		client_session_end(c->engine);
	c->engine = NULL;
	instance_put(c->maps);
	c->maps = NULL;
	err = saxdp_unload(c->instance, true);
	require(!err || err == -ENOENT, "unload: %d %s", err, saxdp_error());
}

HANDLE client_session(UINT32 flags, UINT32 wait_ms)
{
	const FWPM_SESSION0 session = { .flags = flags, .txnWaitTimeoutInMSec = wait_ms };
	HANDLE engine;

	require_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine));
	return engine;
}

void client_session_end(HANDLE engine)
{
	require_ok(FwpmEngineClose0(engine));
}

struct dump *client_dump(const struct client *c)
{
	return dump_take(c->maps);
}

void client_same(const struct client *c, struct dump *before, const char *when)
{
	struct dump *after = dump_take(c->maps);

	dump_require_same(before, after, when);
	for (int e = 0; e < SAXDP_EPOCHS; e++)
		require(dump_generation(before, e) == dump_generation(after, e),
			"%s: generation %d has moved", when, e);
	dump_free(before);
	dump_free(after);
}

void client_sound(const struct client *c, const char *when)
{
	dump_require_sound(c->maps, when);
}

/* --- policies ------------------------------------------------------------------------------------------ */

UINT64 filter_make(HANDLE engine, const GUID *layer, const GUID *callout,
		   FWPM_FILTER_CONDITION0 *conditions, UINT32 count, const FWP_VALUE0 *weight)
{
	static wchar_t name[] = L"filter";
	FWPM_FILTER0 filter = {
		.displayData.name = name,
		.layerKey = *layer,
		.action.type = callout ? FWP_ACTION_CALLOUT_TERMINATING : FWP_ACTION_PERMIT,
		.filterCondition = conditions,
		.numFilterConditions = count,
	};
	UINT64 id = 0;

	if (callout)
		filter.action.calloutKey = *callout;
	if (weight)
		filter.weight = *weight;
	require_ok(FwpmFilterAdd0(engine, &filter, NULL, &id));
	return id;
}

UINT64 tunnel_policy_make(HANDLE engine, const IPSEC_TUNNEL_ENDPOINTS0 *ends)
{
	static wchar_t name[] = L"tunnel policy";
	IPSEC_TUNNEL_POLICY0 policy = { .tunnelEndpoints = *ends };
	const FWPM_PROVIDER_CONTEXT0 context = {
		.displayData.name = name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = &policy,
	};
	UINT64 id = 0;

	require_ok(FwpmProviderContextAdd0(engine, &context, NULL, &id));
	return id;
}

/* --- paths --------------------------------------------------------------------------------------------- */

const char *path_kind_name(unsigned int kind)
{
	static const char *const name[PATH_KINDS] = {
		[PATH_TRANSPORT | PATH_V4] = "transport V4",
		[PATH_TUNNEL | PATH_V4] = "tunnel V4",
		[PATH_TRANSPORT | PATH_V6] = "transport V6",
		[PATH_TUNNEL | PATH_V6] = "tunnel V6",
	};

	return name[kind];
}

bool path_v6(const struct path *p)
{
	return p->kind & PATH_V6;
}

bool path_tunnel(const struct path *p)
{
	return p->kind & PATH_TUNNEL;
}

static void local_v6(unsigned int host, UINT8 ret[16])
{
	const UINT8 address[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = host };

	memcpy(ret, address, sizeof(address));
}

static void remote_v6(unsigned int peer, UINT8 ret[16])
{
	const UINT8 address[16] = {
		0x20, 0x01, 0x0d, 0xb8, 0, 1, [14] = peer >> 8, [15] = peer & 0xff
	};

	memcpy(ret, address, sizeof(address));
}

/* In both traffics. */
static void addresses_set(struct path *p, unsigned int host, unsigned int peer)
{
	IPSEC_TRAFFIC1 *traffic[] = { &p->traffic, &p->get.inboundIpsecTraffic };

	for (int i = 0; i < 2; i++) {
		if (host && path_v6(p))
			local_v6(host, traffic[i]->localV6Address);
		else if (host)
			traffic[i]->localV4Address = LOCAL_V4 - 1 + host;
		if (peer && path_v6(p))
			remote_v6(peer, traffic[i]->remoteV6Address);
		else if (peer)
			traffic[i]->remoteV4Address = REMOTE_V4 + peer;
	}
}

void path_set_peer(struct path *p, unsigned int peer)
{
	addresses_set(p, 0, peer);
}

void path_set_local(struct path *p, unsigned int host)
{
	addresses_set(p, host, 0);
}

static void filters_make(struct path *p)
{
	FWP_BYTE_ARRAY16 v6;
	FWPM_FILTER_CONDITION0 remote = {
		.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
		.matchType = FWP_MATCH_EQUAL,
	};

	if (path_v6(p)) {
		memcpy(v6.byteArray16, p->traffic.remoteV6Address, sizeof(v6.byteArray16));
		remote.conditionValue.type = FWP_BYTE_ARRAY16_TYPE;
		remote.conditionValue.byteArray16 = &v6;
		p->outbound = filter_make(p->engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V6,
					  &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V6, &remote, 1,
					  NULL);
		p->inbound = filter_make(p->engine, &FWPM_LAYER_INBOUND_TRANSPORT_V6,
					 &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V6, &remote, 1,
					 NULL);
	} else {
		remote.conditionValue.type = FWP_UINT32;
		remote.conditionValue.uint32 = p->traffic.remoteV4Address;
		p->outbound = filter_make(p->engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
					  &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, &remote, 1,
					  NULL);
		p->inbound = filter_make(p->engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4,
					 &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, &remote, 1,
					 NULL);
	}
}

static void tunnel_make(struct path *p)
{
	IPSEC_TUNNEL_ENDPOINTS0 ends = { .ipVersion = p->traffic.ipVersion };

	if (path_v6(p)) {
		memcpy(ends.localV6Address, p->traffic.localV6Address, 16);
		memcpy(ends.remoteV6Address, p->traffic.remoteV6Address, 16);
	} else {
		ends.localV4Address = p->traffic.localV4Address;
		ends.remoteV4Address = p->traffic.remoteV4Address;
	}
	p->outbound = p->inbound = tunnel_policy_make(p->engine, &ends);
}

void path_make(const struct client *c, unsigned int kind, unsigned int peer, struct path *ret)
{
	struct path *p = ret;

	*p = (struct path){ .kind = kind, .engine = c->engine };
	p->traffic.ipVersion = path_v6(p) ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4;
	p->traffic.trafficType = path_tunnel(p) ? IPSEC_TRAFFIC_TYPE_TUNNEL :
						  IPSEC_TRAFFIC_TYPE_TRANSPORT;
	p->get.ipVersion = p->traffic.ipVersion;
	p->get.inboundIpsecTraffic = p->traffic;
	addresses_set(p, 1, peer);
	if (path_tunnel(p))
		tunnel_make(p);
	else
		filters_make(p);
	/* ipsecFilterId and tunnelPolicyId are one union. */
	p->traffic.ipsecFilterId = p->outbound;
	p->get.inboundIpsecTraffic.ipsecFilterId = p->inbound;
}

void path_release(const struct path *p)
{
	if (path_tunnel(p)) {
		require_ok(FwpmProviderContextDeleteById0(p->engine, p->outbound));
		return;
	}
	require_ok(FwpmFilterDeleteById0(p->engine, p->outbound));
	require_ok(FwpmFilterDeleteById0(p->engine, p->inbound));
}

/* --- bundles ------------------------------------------------------------------------------------------- */

void made_bundle(struct made_bundle *b, FWP_IP_VERSION version, UINT32 spi, UINT32 ah_spi)
{
	enum { GCM_128_KEY = 20, SHA_256_KEY = 32 };

	*b = (struct made_bundle){
		.bundle = {
			.ipVersion = version,
			.numSAs = ah_spi ? 2 : 1,
			.saList = b->sa,
		},
		.sa = {
			{
				.spi = spi,
				.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
				.espAuthAndCipherInformation = &b->esp,
			},
			{
				.spi = ah_spi,
				.saTransformType = IPSEC_TRANSFORM_AH,
				.ahInformation = &b->ah,
			},
		},
		.esp = {
			.saCipherInformation = {
				.cipherTransform.cipherTransformId =
					IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
				.cipherKey = { GCM_128_KEY, b->esp_key },
			},
			.saAuthInformation = {
				.authTransform.authTransformId =
					IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
				.authKey = { GCM_128_KEY, b->esp_key },
			},
		},
		.ah = {
			.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_HMAC_SHA_256_128,
			.authKey = { SHA_256_KEY, b->ah_key },
		},
	};
	for (UINT8 i = 0; i < BUNDLE_KEY_MAX; i++) {
		b->esp_key[i] = 0xe0 ^ i;
		b->ah_key[i] = 0xa0 ^ i;
	}
}

IPSEC_SA_BUNDLE0 made_bundle_older(const struct made_bundle *b)
{
	IPSEC_SA_BUNDLE0 older;

	/* It is the beginning of the newer form (held by sa_add.c). */
	memcpy(&older, &b->bundle, sizeof(older));
	return older;
}

/* --- steps --------------------------------------------------------------------------------------------- */

UINT64 path_create(const struct path *p)
{
	UINT64 id = 0;

	require_ok(IPsecSaContextCreate1(p->engine, &p->traffic, NULL, NULL, &id));
	return id;
}

UINT64 path_larval(const struct path *p, UINT32 spi)
{
	UINT64 id = path_create(p);

	require_ok(IPsecSaContextSetSpi0(p->engine, id, &p->get, spi));
	return id;
}

void path_inbound(const struct path *p, UINT64 id, UINT32 spi)
{
	struct made_bundle b;

	made_bundle(&b, p->traffic.ipVersion, spi, 0);
	require_ok(IPsecSaContextAddInbound1(p->engine, id, &b.bundle));
}

void path_outbound(const struct path *p, UINT64 id, UINT32 spi)
{
	struct made_bundle b;

	made_bundle(&b, p->traffic.ipVersion, spi, 0);
	require_ok(IPsecSaContextAddOutbound1(p->engine, id, &b.bundle));
}

UINT64 path_context(const struct path *p, UINT32 spi_in, UINT32 spi_out)
{
	UINT64 id = path_larval(p, spi_in);

	path_inbound(p, id, spi_in);
	path_outbound(p, id, spi_out);
	return id;
}

void context_delete(HANDLE engine, UINT64 id)
{
	require_ok(IPsecSaContextDeleteById0(engine, id));
}
