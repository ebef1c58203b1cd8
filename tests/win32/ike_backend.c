// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A part as one writes it on Windows: the side of an IKE daemon that faces the filtering platform.
 * A tunnel has a policy (provider context), filters at the transport and forward layers, an SPI of
 * the daemon's own, and bundles in the old form, AES-GCM, with UDP encapsulation behind a NAT.
 */
#define WIN32_LEAN_AND_MEAN
#define UNICODE
#define _WIN32_WINNT 0x0601

#include <Winsock2.h>
#include <Ws2tcpip.h>
#include <Windows.h>
#include <Rpc.h>
#include <ipsectypes.h>
#include <iketypes.h>
#include <fwpmtypes.h>
#include <Fwpmu.h>
#include <stdlib.h>
#include <stdio.h>

#if _WIN32_WINNT < _WIN32_WINNT_WIN7
#error "needs IPsecSaContextCreate1"
#endif

#define IKE_PORT      500
#define IKE_NATT_PORT 4500
#define GCM_ICV_SALT  4

/* Some SDKs lack these. */
EXTERN_C const GUID FWPM_LAYER_IPFORWARD_V4;
extern const GUID FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4;

/* A REFGUID is a reference in C++ and a pointer in C. */
#ifdef __cplusplus
#define GUID_REF(guid) (guid)
#else
#define GUID_REF(guid) (&(guid))
#endif

typedef enum { TRANSFORM_GCM_16 = 20, TRANSFORM_CBC_SHA2 = 12 } TRANSFORM;

typedef struct _TUNNEL {
	UINT64 policyId;
	UINT64 contextId;
	UINT64 filterIds[4];
	GUID policyKey;
	DWORD64 bytes;
	UINT32 localV4;
	UINT32 remoteV4;
	USHORT remotePort;
	struct _TUNNEL *next;
} TUNNEL, *PTUNNEL;

typedef struct _BACKEND {
	CRITICAL_SECTION lock;
	HANDLE engine;
	SOCKET socket;
	PTUNNEL tunnels;
	GUID provider;
} BACKEND, *PBACKEND;

C_ASSERT(sizeof(DWORD) == 4);
C_ASSERT(FIELD_OFFSET(FWPM_FILTER0, filterKey) == 0);

typedef VOID(CALLBACK *TUNNEL_CALLBACK)(_In_opt_ PVOID context, _In_ const TUNNEL *tunnel);

/* Kept by the daemon; the platform is told once it has the calls for them. */
static FWPM_PROVIDER0 g_provider;
static FWPM_SUBLAYER0 g_sublayer;
static FWPM_NET_EVENT_SUBSCRIPTION0 g_subscription;
static IPSEC_SA_CONTEXT_SUBSCRIPTION0 g_saSubscription;

static wchar_t g_name[] = L"IKE daemon";

static PCWSTR FormatGuid(_In_ const GUID *g, _Out_writes_z_(length) PWSTR text, _In_ SIZE_T length)
{
	swprintf(text, length, L"{%08x-%04x-%04x-%02x%02x}", (unsigned int)g->Data1, g->Data2,
		 g->Data3, g->Data4[0], g->Data4[1]);
	return text;
}

static VOID DescribeObjects(_Inout_ PBACKEND backend)
{
	ZeroMemory(&g_provider, sizeof(g_provider));
	g_provider.providerKey = backend->provider;
	g_provider.displayData.name = g_name;
	g_provider.flags = FWPM_PROVIDER_FLAG_PERSISTENT;

	ZeroMemory(&g_sublayer, sizeof(g_sublayer));
	(void)UuidCreate(&g_sublayer.subLayerKey);
	g_sublayer.displayData.name = g_name;
	g_sublayer.displayData.description = (LPWSTR)TEXT("traps and exemptions");
	g_sublayer.providerKey = &backend->provider;
	g_sublayer.weight = MAXUINT16;

	g_subscription.sessionKey = g_sublayer.subLayerKey;
	g_saSubscription.sessionKey = g_sublayer.subLayerKey;
}

static VOID SetSubnet(_Out_ FWPM_FILTER_CONDITION0 *cond, _In_ const GUID *field,
		      _Inout_ FWP_V4_ADDR_AND_MASK *net)
{
	cond->fieldKey = *field;
	cond->matchType = FWP_MATCH_EQUAL;
	cond->conditionValue.type = FWP_V4_ADDR_MASK;
	cond->conditionValue.v4AddrMask = net;
}

static DWORD AddTunnelFilter(_In_ PBACKEND backend, _In_ const TUNNEL *tunnel,
			     _In_ const GUID *layer, _In_ const GUID *callout,
			     _In_ FWP_V4_ADDR_AND_MASK nets[2], _Out_opt_ UINT64 *id)
{
	FWPM_FILTER_CONDITION0 conds[2];
	FWPM_FILTER0 filter;
	BOOL forward = InlineIsEqualGUID(GUID_REF(*layer), GUID_REF(FWPM_LAYER_IPFORWARD_V4));

	memset(conds, 0, sizeof(conds));
	memset(&filter, 0, sizeof(filter));
	SetSubnet(&conds[0],
		  forward ? &FWPM_CONDITION_IP_SOURCE_ADDRESS : &FWPM_CONDITION_IP_LOCAL_ADDRESS,
		  &nets[0]);
	SetSubnet(&conds[1],
		  forward ? &FWPM_CONDITION_IP_DESTINATION_ADDRESS :
			    &FWPM_CONDITION_IP_REMOTE_ADDRESS,
		  &nets[1]);
	filter.displayData.name = g_name;
	filter.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
	filter.layerKey = *layer;
	filter.subLayerKey = FWPM_SUBLAYER_IPSEC_TUNNEL;
	filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
	filter.action.calloutKey = *callout;
	filter.providerContextKey = tunnel->policyKey;
	filter.numFilterConditions = ARRAYSIZE(conds);
	filter.filterCondition = conds;
	return FwpmFilterAdd0(backend->engine, &filter, NULL, id);
}

static DWORD AddPolicy(_In_ PBACKEND backend, _Inout_ PTUNNEL tunnel)
{
	IPSEC_AUTH_AND_CIPHER_TRANSFORM0 transform;
	IPSEC_SA_TRANSFORM0 saTransform;
	IPSEC_PROPOSAL0 proposal;
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 context;

	ZeroMemory(&transform, sizeof(transform));
	transform.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_256;
	transform.cipherTransform.cipherTransformId = IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_256;
	ZeroMemory(&saTransform, sizeof(saTransform));
	saTransform.ipsecTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER;
	saTransform.espAuthAndCipherTransform = &transform;
	ZeroMemory(&proposal, sizeof(proposal));
	proposal.lifetime.lifetimeSeconds = 3600;
	proposal.numSaTransforms = 1;
	proposal.saTransforms = &saTransform;
	proposal.pfsGroup = IPSEC_PFS_NONE;

	ZeroMemory(&policy, sizeof(policy));
	policy.numIpsecProposals = 1;
	policy.ipsecProposals = &proposal;
	policy.tunnelEndpoints.ipVersion = FWP_IP_VERSION_V4;
	policy.tunnelEndpoints.localV4Address = tunnel->localV4;
	policy.tunnelEndpoints.remoteV4Address = tunnel->remoteV4;
	policy.saIdleTimeout.idleTimeoutSeconds = 300;
	policy.saIdleTimeout.idleTimeoutSecondsFailOver = 60;

	ZeroMemory(&context, sizeof(context));
	context.providerContextKey = tunnel->policyKey;
	context.displayData.name = g_name;
	context.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT;
	context.ikeQmTunnelPolicy = &policy;
	return FwpmProviderContextAdd0(backend->engine, &context, NULL, &tunnel->policyId);
}

static DWORD AddBundle(_In_ PBACKEND backend, _In_ const TUNNEL *tunnel, _In_ BOOL inbound,
		       _In_ DWORD spi, _In_reads_bytes_(keyLength) PBYTE key, _In_ UINT32 keyLength,
		       _In_ TRANSFORM transform)
{
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 info;
	IPSEC_SA_BUNDLE0 bundle;
	IPSEC_SA0 sa;

	ZeroMemory(&info, sizeof(info));
	switch (transform) {
	case TRANSFORM_GCM_16:
		if (keyLength != 32 + GCM_ICV_SALT)
			return ERROR_INVALID_DATA;
		info.saAuthInformation.authTransform.authTransformId.authType = IPSEC_AUTH_AES_256;
		info.saAuthInformation.authTransform.authTransformId.authConfig =
			IPSEC_AUTH_CONFIG_GCM_AES_256;
		info.saCipherInformation.cipherTransform.cipherTransformId.cipherType =
			IPSEC_CIPHER_TYPE_AES_256;
		info.saCipherInformation.cipherTransform.cipherTransformId.cipherConfig =
			IPSEC_CIPHER_CONFIG_GCM_AES_256;
		break;
	case TRANSFORM_CBC_SHA2:
	default:
		return ERROR_NOT_SUPPORTED;
	}
	info.saAuthInformation.authKey.size = keyLength;
	info.saAuthInformation.authKey.data = key;
	info.saCipherInformation.cipherKey.size = keyLength;
	info.saCipherInformation.cipherKey.data = key;

	ZeroMemory(&sa, sizeof(sa));
	sa.spi = ntohl(spi);
	sa.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER;
	sa.espAuthAndCipherInformation = &info;

	ZeroMemory(&bundle, sizeof(bundle));
	bundle.flags = IPSEC_SA_BUNDLE_FLAG_ND_SECURE;
	bundle.lifetime.lifetimeSeconds = 3600;
	bundle.numSAs = 1;
	bundle.saList = &sa;
	bundle.ipVersion = FWP_IP_VERSION_V4;
	if (tunnel->remotePort != IKE_PORT)
		bundle.flags |= IPSEC_SA_BUNDLE_FLAG_ASSUME_UDP_CONTEXT_OUTBOUND;

	if (inbound)
		return IPsecSaContextAddInbound0(backend->engine, tunnel->contextId, &bundle);
	return IPsecSaContextAddOutbound0(backend->engine, tunnel->contextId, &bundle);
}

static DWORD AddContext(_In_ PBACKEND backend, _Inout_ PTUNNEL tunnel, _In_ DWORD spi)
{
	IPSEC_V4_UDP_ENCAPSULATION0 encap;
	IPSEC_TRAFFIC1 traffic;
	IPSEC_GETSPI1 get;
	DWORD result;

	ZeroMemory(&traffic, sizeof(traffic));
	traffic.ipVersion = FWP_IP_VERSION_V4;
	traffic.localV4Address = tunnel->localV4;
	traffic.remoteV4Address = tunnel->remoteV4;
	traffic.trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL;
	traffic.tunnelPolicyId = tunnel->policyId;
	result = IPsecSaContextCreate1(backend->engine, &traffic, NULL, NULL, &tunnel->contextId);
	if (result != ERROR_SUCCESS)
		return result;

	encap.localUdpEncapPort = IKE_NATT_PORT;
	encap.remoteUdpEncapPort = tunnel->remotePort;
	ZeroMemory(&get, sizeof(get));
	get.inboundIpsecTraffic = traffic;
	get.ipVersion = FWP_IP_VERSION_V4;
	get.inboundUdpEncapsulation = tunnel->remotePort == IKE_PORT ? NULL : &encap;
	return IPsecSaContextSetSpi0(backend->engine, tunnel->contextId, &get, ntohl(spi));
}

/* The context may have been deleted by the peer's request meanwhile. */
DWORD NTAPI BackendDeleteTunnel(_In_ PBACKEND backend, _In_ _Post_invalid_ PTUNNEL tunnel)
{
	PTUNNEL *at;
	DWORD result;
	SIZE_T i;

	EnterCriticalSection(&backend->lock);
	result = IPsecSaContextDeleteById0(backend->engine, tunnel->contextId);
	switch (result) {
	case ERROR_SUCCESS:
	case FWP_E_NOT_FOUND:
		break;
	default:
		LeaveCriticalSection(&backend->lock);
		return result;
	}
	for (i = 0; i < ARRAYSIZE(tunnel->filterIds); i++)
		if (tunnel->filterIds[i])
			FwpmFilterDeleteById0(backend->engine, tunnel->filterIds[i]);
	FwpmProviderContextDeleteById0(backend->engine, tunnel->policyId);
	for (at = &backend->tunnels; *at; at = &(*at)->next) {
		if (*at != tunnel)
			continue;
		*at = tunnel->next;
		break;
	}
	LeaveCriticalSection(&backend->lock);
	free(tunnel);
	return ERROR_SUCCESS;
}

DWORD NTAPI BackendAddTunnel(_In_ PBACKEND backend, _In_z_ PCWSTR local, _In_z_ PCWSTR remote,
			     _In_reads_bytes_(keyLength) PBYTE key, _In_ UINT32 keyLength,
			     _In_ DWORD spiIn, _In_ DWORD spiOut, _In_opt_ TUNNEL_CALLBACK callback,
			     _In_opt_ PVOID callbackContext, _Outptr_ PTUNNEL *result)
{
	FWP_V4_ADDR_AND_MASK nets[2] = { { 0x0a010000, 0xffff0000 }, { 0x0a020000, 0xffff0000 } };
	PTUNNEL tunnel = (PTUNNEL)calloc(1, sizeof(*tunnel));
	IN_ADDR addr;
	DWORD err;

	if (!tunnel)
		return ERROR_OUTOFMEMORY;
	EnterCriticalSection(&backend->lock);
	tunnel->remotePort = IKE_NATT_PORT;
	err = ERROR_INVALID_PARAMETER;
	if (InetPton(AF_INET, local, &addr) != 1)
		goto DONE;
	tunnel->localV4 = ntohl(addr.s_addr);
	if (InetPton(AF_INET, remote, &addr) != 1)
		goto DONE;
	tunnel->remoteV4 = ntohl(addr.s_addr);
	err = ERROR_GEN_FAILURE;
	if (UuidCreate(&tunnel->policyKey) != RPC_S_OK)
		goto DONE;

	err = FwpmTransactionBegin0(backend->engine, 0);
	if (err)
		goto DONE;
	err = AddPolicy(backend, tunnel);
	if (!err)
		err = AddTunnelFilter(backend, tunnel, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
				      &FWPM_CALLOUT_IPSEC_OUTBOUND_TUNNEL_V4, nets,
				      &tunnel->filterIds[0]);
	if (!err)
		err = AddTunnelFilter(backend, tunnel, &FWPM_LAYER_INBOUND_TRANSPORT_V4,
				      &FWPM_CALLOUT_IPSEC_INBOUND_TUNNEL_V4, nets,
				      &tunnel->filterIds[1]);
	if (!err)
		err = AddTunnelFilter(backend, tunnel, &FWPM_LAYER_IPFORWARD_V4,
				      &FWPM_CALLOUT_IPSEC_FORWARD_OUTBOUND_TUNNEL_V4, nets,
				      &tunnel->filterIds[2]);
	if (err) {
		FwpmTransactionAbort0(backend->engine);
		goto DONE;
	}
	err = FwpmTransactionCommit0(backend->engine);
	if (!err)
		err = AddContext(backend, tunnel, spiIn);
	if (!err)
		err = AddBundle(backend, tunnel, TRUE, spiIn, key, keyLength, TRANSFORM_GCM_16);
	if (!err)
		err = AddBundle(backend, tunnel, FALSE, spiOut, key, keyLength, TRANSFORM_GCM_16);

DONE:
	SecureZeroMemory(key, keyLength);
	if (!err) {
		tunnel->next = backend->tunnels;
		backend->tunnels = tunnel;
		*result = tunnel;
	}
	LeaveCriticalSection(&backend->lock);
	if (!err && callback)
		callback(callbackContext, tunnel);
	if (err)
		free(tunnel);
	return err;
}

/* What the platform says of a context; its algorithms are shown, its keys are not there. */
DWORD NTAPI BackendDump(_In_ PBACKEND backend, _In_ const TUNNEL *tunnel)
{
	IPSEC_SA_CONTEXT1 *context = NULL;
	WCHAR key[64], peer[INET6_ADDRSTRLEN];
	IN_ADDR addr;
	DWORD result;
	UINT32 i;

	result = IPsecSaContextGetById1(backend->engine, tunnel->contextId, &context);
	if (result != ERROR_SUCCESS)
		return result;
	addr.s_addr = htonl(context->outboundSa->traffic.remoteV4Address);
	wprintf(L"context %llu to %ls\n", (unsigned long long)context->saContextId,
		InetNtopW(AF_INET, &addr, peer, ARRAYSIZE(peer)));
	for (i = 0; i < context->inboundSa->saBundle.numSAs; i++)
		wprintf(L"  SPI 0x%08x\n",
			(unsigned int)context->inboundSa->saBundle.saList[i].spi);
	wprintf(L"  policy %ls\n", FormatGuid(&tunnel->policyKey, key, ARRAYSIZE(key)));
	FwpmFreeMemory0((void **)&context);
	return ERROR_SUCCESS;
}

/* Where the peers' IKE messages arrive, on this host only. */
static DWORD OpenSocket(_Inout_ PBACKEND backend)
{
	SOCKADDR_IN self;
	u_long nonBlocking = 1;
	int on = 1;

	backend->socket = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	if (backend->socket == INVALID_SOCKET)
		return (DWORD)WSAGetLastError();
	ZeroMemory(&self, sizeof(self));
	self.sin_family = AF_INET;
	self.sin_port = htons(IKE_NATT_PORT);
	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setsockopt(backend->socket, SOL_SOCKET, SO_REUSEADDR, (const char *)&on, sizeof(on)) ==
		    SOCKET_ERROR ||
	    ioctlsocket(backend->socket, FIONBIO, &nonBlocking) == SOCKET_ERROR ||
	    bind(backend->socket, (LPSOCKADDR)&self, sizeof(self)) == SOCKET_ERROR) {
		closesocket(backend->socket);
		backend->socket = INVALID_SOCKET;
		return (DWORD)WSAGetLastError();
	}
	return NO_ERROR;
}

DWORD NTAPI BackendOpen(_Outptr_ PBACKEND *result)
{
	PBACKEND backend = (PBACKEND)calloc(1, sizeof(*backend));
	FWPM_SESSION0 session;
	WSADATA data;
	DWORD err;

	if (!backend)
		return ERROR_OUTOFMEMORY;
	InitializeCriticalSection(&backend->lock);
	backend->socket = INVALID_SOCKET;
	err = (DWORD)WSAStartup(WINSOCK_VERSION, &data);
	if (!err)
		err = OpenSocket(backend);
	if (!err)
		err = (DWORD)UuidCreate(&backend->provider);
	if (!err) {
		DescribeObjects(backend);
		ZeroMemory(&session, sizeof(session));
		session.displayData.name = g_name;
		err = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, &backend->engine);
	}
	if (!err) {
		*result = backend;
		return ERROR_SUCCESS;
	}
	if (backend->socket != INVALID_SOCKET)
		closesocket(backend->socket);
	DeleteCriticalSection(&backend->lock);
	free(backend);
	return err;
}

VOID NTAPI BackendClose(_In_ _Post_ptr_invalid_ PBACKEND backend)
{
	FwpmEngineClose0(backend->engine);
	shutdown(backend->socket, SD_BOTH);
	closesocket(backend->socket);
	WSACleanup();
	DeleteCriticalSection(&backend->lock);
	free(backend);
}
