// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a VPN daemon does with saxdp, and nothing else:
 *
 *	demo-client KEYS add <TUNNELS
 *	demo-client KEYS rekey CONTEXT
 *	demo-client KEYS delete CONTEXT
 *
 * `add` reads a tunnel a line, "LOCAL REMOTE LOCAL-NET REMOTE-NET [PEER-PORT]", where PEER-PORT is
 * the UDP port of a peer behind a NAT. It makes the tunnel's policy, the filters that say which
 * traffic belongs in it, and a context with both SA bundles. `rekey` makes a second context for
 * the same traffic, and `delete` ends one.
 *
 * A daemon agrees on the peer's SPI and on keys by IKE. This one makes them up and adds them to the
 * file KEYS, a line for each SA, for whoever encrypts: saxdp does not, and keeps no key.
 *
 * Each run is a process of its own and leaves its work behind: the state is in the pinned maps.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fwpmu.h"
#include "saxdp.h"

enum {
	GCM_KEY_BYTES = 16 + 4, /* AES-128 and the salt, RFC 4106 8.1 */
	SPI_FIRST = 256, /* RFC 4303 2.1 reserves those below */
	ESP_IN_UDP_PORT = 4500, /* RFC 3948 */
};

/* The daemon's own choice where one is needed: here every mistake ends the program. */
static void must(const char *what, DWORD err)
{
	if (err == ERROR_SUCCESS)
		return;
	fprintf(stderr, "demo-client: %s: 0x%08x %s\n", what, err, saxdp_error());
	exit(1);
}

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "demo-client: %s: %s\n", what, why);
	exit(1);
}

static void make_up(void *bytes, size_t size)
{
	if (getrandom(bytes, size, 0) != (ssize_t)size)
		die("getrandom", strerror(errno));
}

/* --- addresses: IPv4 in host order, IPv6 as on the wire -------------------------------------------- */

static FWP_IP_VERSION address_parse(const char *text, UINT32 *v4, UINT8 v6[16])
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1) {
		*v4 = ntohl(in.s_addr);
		return FWP_IP_VERSION_V4;
	}
	if (inet_pton(AF_INET6, text, &in6) != 1)
		die(text, "no address");
	saxdp_in6_to_array(&in6, v6);
	return FWP_IP_VERSION_V6;
}

static const char *address_text(FWP_IP_VERSION version, UINT32 v4, const UINT8 v6[16],
				char text[INET6_ADDRSTRLEN])
{
	struct in_addr in = { htonl(v4) };

	if (version == FWP_IP_VERSION_V4)
		return inet_ntop(AF_INET, &in, text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, v6, text, INET6_ADDRSTRLEN);
}

/* --- policy: what is to be protected ----------------------------------------------------------------- */

/* One side of a filter: all addresses of a network, "10.1.0.0/16". */
struct network {
	FWP_V4_ADDR_AND_MASK v4;
	FWP_V6_ADDR_AND_MASK v6;
};

static FWP_IP_VERSION condition_set(FWPM_FILTER_CONDITION0 *c, const GUID *field, const char *text,
				    struct network *net)
{
	char address[INET6_ADDRSTRLEN] = "";
	FWP_IP_VERSION version;
	unsigned int bits;

	if (sscanf(text, "%45[^/]/%u", address, &bits) != 2)
		die(text, "no network");
	version = address_parse(address, &net->v4.addr, net->v6.addr);
	if (bits < 1 || bits > (version == FWP_IP_VERSION_V4 ? 32 : 128))
		die(text, "no length of a prefix");
	c->fieldKey = *field;
	c->matchType = FWP_MATCH_EQUAL;
	if (version == FWP_IP_VERSION_V4) {
		net->v4.mask = ~0U << (32 - bits);
		c->conditionValue.type = FWP_V4_ADDR_MASK;
		c->conditionValue.v4AddrMask = &net->v4;
	} else {
		net->v6.prefixLength = bits;
		c->conditionValue.type = FWP_V6_ADDR_MASK;
		c->conditionValue.v6AddrMask = &net->v6;
	}
	return version;
}

/* The callouts mean: this traffic arrives by, or leaves by, the tunnel of that policy. */
static UINT64 filter_add(HANDLE engine, bool inbound, const GUID *policy, const char *local,
			 const char *remote)
{
	static wchar_t name[] = L"demo";
	struct network networks[2] = {};
	FWPM_FILTER_CONDITION0 conditions[2] = {};
	FWPM_FILTER0 filter = {
		.displayData.name = name,
		.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT,
		.providerContextKey = *policy,
		.subLayerKey = FWPM_SUBLAYER_IPSEC_TUNNEL,
		.action.type = FWP_ACTION_CALLOUT_TERMINATING,
		.filterCondition = conditions,
		.numFilterConditions = 2,
	};
	UINT64 id;

	condition_set(&conditions[0], &FWPM_CONDITION_IP_LOCAL_ADDRESS, local, &networks[0]);
	if (condition_set(&conditions[1], &FWPM_CONDITION_IP_REMOTE_ADDRESS, remote,
			  &networks[1]) == FWP_IP_VERSION_V4) {
		filter.layerKey = inbound ? FWPM_LAYER_INBOUND_TRANSPORT_V4 :
					    FWPM_LAYER_OUTBOUND_TRANSPORT_V4;
		filter.action.calloutKey = inbound ? FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4 :
						     FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4;
	} else {
		filter.layerKey = inbound ? FWPM_LAYER_INBOUND_TRANSPORT_V6 :
					    FWPM_LAYER_OUTBOUND_TRANSPORT_V6;
		filter.action.calloutKey = inbound ? FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V6 :
						     FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V6;
	}
	must("FwpmFilterAdd0", FwpmFilterAdd0(engine, &filter, NULL, &id));
	return id;
}

/* Policy and filters come in force together. A program that ends in between leaves none of them. */
static UINT64 policy_add(HANDLE engine, const char *local, const char *remote,
			 const char *local_net, const char *remote_net)
{
	static wchar_t name[] = L"demo";
	IPSEC_TUNNEL_POLICY0 policy = {};
	IPSEC_TUNNEL_ENDPOINTS0 *ends = &policy.tunnelEndpoints;
	FWPM_PROVIDER_CONTEXT0 context = {
		.displayData.name = name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = &policy,
	};
	UINT64 id, outbound, inbound;

	make_up(&context.providerContextKey, sizeof(context.providerContextKey));
	ends->ipVersion = address_parse(local, &ends->localV4Address, ends->localV6Address);
	if (address_parse(remote, &ends->remoteV4Address, ends->remoteV6Address) != ends->ipVersion)
		die(remote, "not of the family of the local address");

	must("FwpmTransactionBegin0", FwpmTransactionBegin0(engine, 0));
	must("FwpmProviderContextAdd0", FwpmProviderContextAdd0(engine, &context, NULL, &id));
	outbound = filter_add(engine, false, &context.providerContextKey, local_net, remote_net);
	inbound = filter_add(engine, true, &context.providerContextKey, local_net, remote_net);
	must("FwpmTransactionCommit0", FwpmTransactionCommit0(engine));

	printf("policy %llu, filters %llu (outbound) and %llu (inbound)\n", (unsigned long long)id,
	       (unsigned long long)outbound, (unsigned long long)inbound);
	return id;
}

/* --- contexts: what protects it ---------------------------------------------------------------------- */

/* One direction with one ESP SA, AES-GCM. The key goes to whoever encrypts, and is forgotten here. */
static void bundle_add(HANDLE engine, FILE *keys, UINT64 id, bool inbound, IPSEC_SA_SPI spi,
		       const IPSEC_TRAFFIC1 *t, const IPSEC_V4_UDP_ENCAPSULATION0 *encap)
{
	UINT8 key[GCM_KEY_BYTES];
	FWP_BYTE_BLOB blob = { sizeof(key), key };
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 gcm = {
		.saCipherInformation = {
			.cipherTransform.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128,
			.cipherKey = blob,
		},
		.saAuthInformation = {
			.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128,
			.authKey = blob,
		},
	};
	IPSEC_SA0 sa = {
		.spi = spi,
		.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER,
		.espAuthAndCipherInformation = &gcm,
	};
	IPSEC_SA_BUNDLE1 bundle = { .numSAs = 1, .saList = &sa, .ipVersion = t->ipVersion };
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

	make_up(key, sizeof(key));
	if (inbound)
		must("IPsecSaContextAddInbound1", IPsecSaContextAddInbound1(engine, id, &bundle));
	else
		must("IPsecSaContextAddOutbound1", IPsecSaContextAddOutbound1(engine, id, &bundle));

	address_text(t->ipVersion, t->localV4Address, t->localV6Address, local);
	address_text(t->ipVersion, t->remoteV4Address, t->remoteV6Address, remote);
	fprintf(keys, "%s %s %s %u %d ", inbound ? "inbound" : "outbound", local, remote, spi,
		encap ? encap->remoteUdpEncapPort : 0);
	for (size_t i = 0; i < sizeof(key); i++)
		fprintf(keys, "%02x", key[i]);
	fprintf(keys, "\n");
	explicit_bzero(key, sizeof(key));
}

/* The calls in the only order there is. `t` is the traffic with this host as local. */
static void context_add(HANDLE engine, FILE *keys, const IPSEC_TRAFFIC1 *t,
			IPSEC_V4_UDP_ENCAPSULATION0 *encap)
{
	IPSEC_GETSPI1 get = {
		.inboundIpsecTraffic = *t,
		.ipVersion = t->ipVersion,
		.inboundUdpEncapsulation = encap,
	};
	UINT64 id, inbound_filter;
	IPSEC_SA_SPI spi, peer_spi;

	must("IPsecSaContextCreate1", IPsecSaContextCreate1(engine, t, NULL, &inbound_filter, &id));
	must("IPsecSaContextGetSpi1", IPsecSaContextGetSpi1(engine, id, &get, &spi));
	/* Here a daemon tells its peer the SPI, and gets the peer's. */
	make_up(&peer_spi, sizeof(peer_spi));
	peer_spi |= SPI_FIRST;
	bundle_add(engine, keys, id, true, spi, t, encap);
	bundle_add(engine, keys, id, false, peer_spi, t, encap);
	printf("context %llu, inbound filter %llu, SPI in 0x%08x, out 0x%08x\n",
	       (unsigned long long)id, (unsigned long long)inbound_filter, spi, peer_spi);
}

/* --- commands ------------------------------------------------------------------------------------------ */

static void tunnels_add(HANDLE engine, FILE *keys)
{
	char line[256], local[64], remote[64], local_net[64], remote_net[64];
	IPSEC_V4_UDP_ENCAPSULATION0 encap = { .localUdpEncapPort = ESP_IN_UDP_PORT };
	IPSEC_TRAFFIC1 t;
	int fields;

	while (fgets(line, sizeof(line), stdin)) {
		fields = sscanf(line, "%63s %63s %63s %63s %hu", local, remote, local_net,
				remote_net, &encap.remoteUdpEncapPort);
		if (fields < 4)
			die(line, "no tunnel");
		t = (IPSEC_TRAFFIC1){ .trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL };
		t.ipVersion = address_parse(local, &t.localV4Address, t.localV6Address);
		address_parse(remote, &t.remoteV4Address, t.remoteV6Address);
		t.tunnelPolicyId = policy_add(engine, local, remote, local_net, remote_net);
		context_add(engine, keys, &t, fields == 5 ? &encap : NULL);
	}
}

/*
 * A second context for the same traffic. The old one keeps its SAs: packets that are under way are
 * still counted and steered. It is deleted when the peer uses the new one.
 */
static void context_rekey(HANDLE engine, FILE *keys, UINT64 id)
{
	IPSEC_SA_CONTEXT1 *old;

	must("IPsecSaContextGetById1", IPsecSaContextGetById1(engine, id, &old));
	if (!old->outboundSa)
		die("rekey", "the context has no SAs yet");
	context_add(engine, keys, &old->outboundSa->traffic, old->inboundSa->udpEncapsulation);
	FwpmFreeMemory0((void **)&old);
}

static int usage(void)
{
	fprintf(stderr, "usage: demo-client KEYS add <TUNNELS\n"
			"       demo-client KEYS rekey CONTEXT\n"
			"       demo-client KEYS delete CONTEXT\n");
	return 2;
}

int main(int argc, char *argv[])
{
	const char *command = argc > 2 ? argv[2] : "";
	UINT64 id = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	HANDLE engine;
	FILE *keys;

	if (strcmp(command, "add") == 0 ? argc != 3 : argc != 4)
		return usage();
	keys = fopen(argv[1], "ae");
	if (!keys)
		die(argv[1], strerror(errno));
	must("FwpmEngineOpen0", FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine));
	if (strcmp(command, "add") == 0)
		tunnels_add(engine, keys);
	else if (strcmp(command, "rekey") == 0)
		context_rekey(engine, keys, id);
	else if (strcmp(command, "delete") == 0)
		must("IPsecSaContextDeleteById0", IPsecSaContextDeleteById0(engine, id));
	else
		return usage();
	must("FwpmEngineClose0", FwpmEngineClose0(engine));
	if (fclose(keys))
		die(argv[1], strerror(errno));
	return 0;
}
