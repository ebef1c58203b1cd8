// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A program as one writes it on Windows: manual keying of transport mode between two hosts.
 *
 *	manual_keying add LOCAL REMOTE PEER-SPI
 *	manual_keying delete CONTEXT FILTER...
 *
 * `add` has IKE and ICMP exempted, everything else between the hosts secured, makes the context and
 * prints its id and those of the filters, which `delete` takes. There is nothing of Linux in it.
 */
#define _WIN32_WINNT _WIN32_WINNT_WIN7

#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <fwpmu.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_ON_ERROR(fnName)                                                 \
	if (result != ERROR_SUCCESS) {                                        \
		fprintf(stderr, #fnName " = 0x%08X\n", (unsigned int)result); \
		goto CLEANUP;                                                 \
	}

#define IKE_PORT	     500
#define HMAC_SHA_1_KEY_BYTES 20
#define AES_128_KEY_BYTES    16
#define FILTERS		     6

typedef struct _HOST_PAIR {
	UINT32 localAddr;
	UINT32 remoteAddr;
} HOST_PAIR, *PHOST_PAIR;

static DWORD WINAPI ParseHosts(_In_ PCSTR local, _In_ PCSTR remote, _Out_ PHOST_PAIR hosts)
{
	IN_ADDR addr;

	ZeroMemory(hosts, sizeof(*hosts));
	if (InetPtonA(AF_INET, local, &addr) != 1)
		return ERROR_INVALID_PARAMETER;
	hosts->localAddr = ntohl(addr.s_addr);
	if (InetPtonA(AF_INET, remote, &addr) != 1)
		return ERROR_INVALID_PARAMETER;
	hosts->remoteAddr = ntohl(addr.s_addr);
	return NO_ERROR;
}

static DWORD WINAPI AddFilter(IN HANDLE engine, IN const GUID *layer, IN const HOST_PAIR *hosts,
			      IN UINT8 protocol, IN UINT16 port, IN CONST GUID *callout OPTIONAL,
			      OUT UINT64 *id)
{
	FWPM_FILTER0 filter;
	FWPM_FILTER_CONDITION0 cond[4];
	UINT32 count = 0;

	ZeroMemory(&filter, sizeof(filter));
	ZeroMemory(cond, sizeof(cond));

	cond[count].fieldKey = FWPM_CONDITION_IP_LOCAL_ADDRESS;
	cond[count].matchType = FWP_MATCH_EQUAL;
	cond[count].conditionValue.type = FWP_UINT32;
	cond[count].conditionValue.uint32 = hosts->localAddr;
	count++;
	cond[count].fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS;
	cond[count].matchType = FWP_MATCH_EQUAL;
	cond[count].conditionValue.type = FWP_UINT32;
	cond[count].conditionValue.uint32 = hosts->remoteAddr;
	count++;
	if (protocol) {
		cond[count].fieldKey = FWPM_CONDITION_IP_PROTOCOL;
		cond[count].matchType = FWP_MATCH_EQUAL;
		cond[count].conditionValue.type = FWP_UINT8;
		cond[count].conditionValue.uint8 = protocol;
		count++;
	}
	if (port) {
		cond[count].fieldKey = FWPM_CONDITION_IP_LOCAL_PORT;
		cond[count].matchType = FWP_MATCH_EQUAL;
		cond[count].conditionValue.type = FWP_UINT16;
		cond[count].conditionValue.uint16 = port;
		count++;
	}

	filter.displayData.name = (PWSTR)L"Manual keying";
	filter.layerKey = *layer;
	filter.weight.type = FWP_UINT8;
	filter.numFilterConditions = count;
	filter.filterCondition = cond;
	if (callout) {
		filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
		filter.action.calloutKey = *callout;
		filter.weight.uint8 = FWPM_WEIGHT_RANGE_IPSEC;
	} else {
		filter.action.type = FWP_ACTION_PERMIT;
		filter.weight.uint8 = FWPM_WEIGHT_RANGE_IKE_EXEMPTIONS;
	}
	return FwpmFilterAdd0(engine, &filter, NULL, id);
}

static DWORD WINAPI AddFilters(_In_ HANDLE engine, _In_ const HOST_PAIR *hosts,
			       _Out_writes_(FILTERS) UINT64 *ids)
{
	DWORD result = ERROR_SUCCESS;
	BOOL txnInProgress = FALSE;

	result = FwpmTransactionBegin0(engine, 0);
	EXIT_ON_ERROR(FwpmTransactionBegin0);
	txnInProgress = TRUE;

	result = AddFilter(engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, hosts, IPPROTO_UDP, IKE_PORT,
			   NULL, &ids[0]);
	EXIT_ON_ERROR(AddFilter);
	result = AddFilter(engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4, hosts, IPPROTO_UDP, IKE_PORT,
			   NULL, &ids[1]);
	EXIT_ON_ERROR(AddFilter);
	result = AddFilter(engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, hosts, IPPROTO_ICMP, 0, NULL,
			   &ids[2]);
	EXIT_ON_ERROR(AddFilter);
	result = AddFilter(engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4, hosts, IPPROTO_ICMP, 0, NULL,
			   &ids[3]);
	EXIT_ON_ERROR(AddFilter);
	result = AddFilter(engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4, hosts, 0, 0,
			   &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, &ids[4]);
	EXIT_ON_ERROR(AddFilter);
	result = AddFilter(engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4, hosts, 0, 0,
			   &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, &ids[5]);
	EXIT_ON_ERROR(AddFilter);

	result = FwpmTransactionCommit0(engine);
	EXIT_ON_ERROR(FwpmTransactionCommit0);
	txnInProgress = FALSE;

CLEANUP:
	if (txnInProgress)
		FwpmTransactionAbort0(engine);
	return result;
}

static DWORD WINAPI AddBundle(_In_ HANDLE engine, _In_ UINT64 context, _In_ BOOLEAN inbound,
			      _In_ IPSEC_SA_SPI spi)
{
	BYTE authKey[HMAC_SHA_1_KEY_BYTES];
	BYTE cipherKey[AES_128_KEY_BYTES];
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0 esp;
	IPSEC_SA_BUNDLE1 bundle;
	IPSEC_SA0 sa;
	DWORD result;

	FillMemory(authKey, sizeof(authKey), 0xa5);
	FillMemory(cipherKey, sizeof(cipherKey), 0x5a);

	ZeroMemory(&esp, sizeof(esp));
	esp.saAuthInformation.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_HMAC_SHA_1_96;
	esp.saAuthInformation.authKey.size = ARRAYSIZE(authKey);
	esp.saAuthInformation.authKey.data = authKey;
	esp.saCipherInformation.cipherTransform.cipherTransformId =
		IPSEC_CIPHER_TRANSFORM_ID_AES_128;
	esp.saCipherInformation.cipherKey.size = ARRAYSIZE(cipherKey);
	esp.saCipherInformation.cipherKey.data = cipherKey;

	ZeroMemory(&sa, sizeof(sa));
	sa.spi = spi;
	sa.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER;
	sa.espAuthAndCipherInformation = &esp;

	ZeroMemory(&bundle, sizeof(bundle));
	bundle.lifetime.lifetimeSeconds = 3600;
	bundle.numSAs = 1;
	bundle.saList = &sa;
	bundle.ipVersion = FWP_IP_VERSION_V4;

	if (inbound)
		result = IPsecSaContextAddInbound1(engine, context, &bundle);
	else
		result = IPsecSaContextAddOutbound1(engine, context, &bundle);
	SecureZeroMemory(authKey, sizeof(authKey));
	SecureZeroMemory(cipherKey, sizeof(cipherKey));
	return result;
}

static DWORD WINAPI AddContext(_In_ HANDLE engine, _In_ const HOST_PAIR *hosts,
			       _In_ UINT64 outboundFilter, _In_ IPSEC_SA_SPI peerSpi,
			       _Out_ UINT64 *id)
{
	UINT64 inboundFilter = 0;
	IPSEC_TRAFFIC1 traffic;
	IPSEC_GETSPI1 getSpi;
	IPSEC_SA_SPI spi = 0;
	DWORD result;

	*id = 0;
	ZeroMemory(&traffic, sizeof(traffic));
	traffic.ipVersion = FWP_IP_VERSION_V4;
	traffic.localV4Address = hosts->localAddr;
	traffic.remoteV4Address = hosts->remoteAddr;
	traffic.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT;
	traffic.ipsecFilterId = outboundFilter;
	result = IPsecSaContextCreate1(engine, &traffic, NULL, &inboundFilter, id);
	EXIT_ON_ERROR(IPsecSaContextCreate1);

	ZeroMemory(&getSpi, sizeof(getSpi));
	getSpi.inboundIpsecTraffic = traffic;
	getSpi.inboundIpsecTraffic.ipsecFilterId = inboundFilter;
	getSpi.ipVersion = FWP_IP_VERSION_V4;
	result = IPsecSaContextGetSpi1(engine, *id, &getSpi, &spi);
	EXIT_ON_ERROR(IPsecSaContextGetSpi1);

	result = AddBundle(engine, *id, TRUE, spi);
	EXIT_ON_ERROR(IPsecSaContextAddInbound1);
	result = AddBundle(engine, *id, FALSE, peerSpi);
	EXIT_ON_ERROR(IPsecSaContextAddOutbound1);

CLEANUP:
	if (result != ERROR_SUCCESS && *id)
		(VOID) IPsecSaContextDeleteById0(engine, *id);
	return result;
}

static DWORD WINAPI Add(_In_ HANDLE engine, _In_reads_(3) char *argv[])
{
	UINT64 filters[FILTERS], context = 0;
	HOST_PAIR hosts;
	DWORD result;
	size_t i;

	result = ParseHosts(argv[0], argv[1], &hosts);
	EXIT_ON_ERROR(ParseHosts);
	result = AddFilters(engine, &hosts, filters);
	EXIT_ON_ERROR(AddFilters);
	result = AddContext(engine, &hosts, filters[4], (IPSEC_SA_SPI)strtoul(argv[2], NULL, 0),
			    &context);
	EXIT_ON_ERROR(AddContext);
	printf("%llu", (unsigned long long)context);
	for (i = 0; i < ARRAYSIZE(filters); i++)
		printf(" %llu", (unsigned long long)filters[i]);
	printf("\n");

CLEANUP:
	return result;
}

static DWORD WINAPI Delete(_In_ HANDLE engine, _In_ int argc, _In_reads_(argc) char *argv[])
{
	DWORD result;
	int i;

	result = IPsecSaContextDeleteById0(engine, strtoull(argv[0], NULL, 0));
	EXIT_ON_ERROR(IPsecSaContextDeleteById0);
	for (i = 1; i < argc; i++) {
		result = FwpmFilterDeleteById0(engine, strtoull(argv[i], NULL, 0));
		EXIT_ON_ERROR(FwpmFilterDeleteById0);
	}

CLEANUP:
	return result;
}

int __cdecl main(int argc, char *argv[])
{
	HANDLE engine = NULL;
	FWPM_SESSION0 session;
	WSADATA wsaData;
	DWORD result;

	result = (DWORD)WSAStartup(MAKEWORD(2, 2), &wsaData);
	EXIT_ON_ERROR(WSAStartup);

	ZeroMemory(&session, sizeof(session));
	session.displayData.name = (PWSTR)L"Manual keying";
	session.txnWaitTimeoutInMSec = INFINITE;
	result = (DWORD)UuidCreate(&session.sessionKey);
	EXIT_ON_ERROR(UuidCreate);
	result = FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);
	EXIT_ON_ERROR(FwpmEngineOpen0);

	if (argc == 5 && strcmp(argv[1], "add") == 0)
		result = Add(engine, argv + 2);
	else if (argc >= 3 && strcmp(argv[1], "delete") == 0)
		result = Delete(engine, argc - 2, argv + 2);
	else
		result = ERROR_INVALID_PARAMETER;

CLEANUP:
	if (engine)
		FwpmEngineClose0(engine);
	WSACleanup();
	return FAILED(HRESULT_FROM_WIN32(result)) ? 1 : 0;
}
