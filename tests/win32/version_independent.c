// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Names without a version, from the engine to a pair of SAs and back. For Windows Vista the same
 * names are older calls, of which one has other parameters. Exits with the number of the step that
 * failed.
 */
#include <winsock2.h>
#include <windows.h>
#include <fwpmu.h>
#include <string.h>

static wchar_t name[] = L"version independent";

static DWORD filter_add(HANDLE engine, const GUID *layer, const GUID *callout, UINT64 *id)
{
	FWPM_FILTER filter;

	memset(&filter, 0, sizeof(filter));
	filter.displayData.name = name;
	filter.layerKey = *layer;
	filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
	filter.action.calloutKey = *callout;
	return FwpmFilterAdd(engine, &filter, NULL, id);
}

static DWORD context_create(HANDLE engine, const IPSEC_TRAFFIC *traffic, UINT64 *id)
{
#if NTDDI_VERSION >= NTDDI_WIN7
	return IPsecSaContextCreate(engine, traffic, NULL, NULL, id);
#else
	return IPsecSaContextCreate(engine, traffic, NULL, id);
#endif
}

static DWORD bundles_add(HANDLE engine, UINT64 context, IPSEC_SA_SPI inbound)
{
	UINT8 key[20] = { 1, 2, 3 };
	IPSEC_SA_AUTH_AND_CIPHER_INFORMATION both;
	IPSEC_SA sa;
	IPSEC_SA_BUNDLE bundle;
	DWORD err;

	memset(&both, 0, sizeof(both));
	memset(&sa, 0, sizeof(sa));
	memset(&bundle, 0, sizeof(bundle));
	both.saCipherInformation.cipherTransform.cipherTransformId =
		IPSEC_CIPHER_TRANSFORM_ID_GCM_AES_128;
	both.saCipherInformation.cipherKey.size = sizeof(key);
	both.saCipherInformation.cipherKey.data = key;
	both.saAuthInformation.authTransform.authTransformId = IPSEC_AUTH_TRANSFORM_ID_GCM_AES_128;
	both.saAuthInformation.authKey = both.saCipherInformation.cipherKey;
	sa.spi = inbound;
	sa.saTransformType = IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER;
	sa.espAuthAndCipherInformation = &both;
	bundle.lifetime.lifetimeSeconds = 3600;
	bundle.lifetime.lifetimeKilobytes = 100000;
	bundle.lifetime.lifetimePackets = 0x7fffffff;
	bundle.numSAs = 1;
	bundle.saList = &sa;
	bundle.ipVersion = FWP_IP_VERSION_V4;
	err = IPsecSaContextAddInbound(engine, context, &bundle);
	if (err)
		return err;
	sa.spi = 0x20000;
	return IPsecSaContextAddOutbound(engine, context, &bundle);
}

/* The context is among those that are enumerated, with the SPI that it got. */
static int is_found(HANDLE engine, UINT64 context, IPSEC_SA_SPI spi)
{
	IPSEC_SA_CONTEXT **entries;
	HANDLE handle;
	UINT32 count, i;
	int found = 0;

	if (IPsecSaContextCreateEnumHandle(engine, NULL, &handle))
		return 0;
	if (!IPsecSaContextEnum(engine, handle, 100, &entries, &count)) {
		for (i = 0; i < count; i++)
			found |= entries[i]->saContextId == context &&
				 entries[i]->inboundSa->saBundle.saList[0].spi == spi;
		FwpmFreeMemory((void **)&entries);
	}
	IPsecSaContextDestroyEnumHandle(engine, handle);
	return found;
}

int main(void)
{
	FWPM_SESSION session;
	FWPM_FILTER *filter;
	IPSEC_TRAFFIC traffic;
	IPSEC_GETSPI get;
	IPSEC_SA_SPI spi;
	UINT64 outbound, inbound, context;
	HANDLE engine;

	memset(&session, 0, sizeof(session));
	session.displayData.name = name;
	if (FwpmEngineOpen(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine))
		return 1;
	if (FwpmTransactionBegin(engine, 0) ||
	    filter_add(engine, &FWPM_LAYER_OUTBOUND_TRANSPORT_V4,
		       &FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4, &outbound) ||
	    filter_add(engine, &FWPM_LAYER_INBOUND_TRANSPORT_V4,
		       &FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4, &inbound) ||
	    FwpmTransactionCommit(engine))
		return 2;
	if (FwpmFilterGetById(engine, inbound, &filter) || wcscmp(filter->displayData.name, name))
		return 3;
	FwpmFreeMemory((void **)&filter);

	memset(&traffic, 0, sizeof(traffic));
	traffic.ipVersion = FWP_IP_VERSION_V4;
	traffic.localV4Address = 0xc0000201;
	traffic.remoteV4Address = 0xc6336401;
	traffic.trafficType = IPSEC_TRAFFIC_TYPE_TRANSPORT;
	traffic.ipsecFilterId = outbound;
	if (context_create(engine, &traffic, &context))
		return 4;
	memset(&get, 0, sizeof(get));
	get.inboundIpsecTraffic = traffic;
	get.inboundIpsecTraffic.ipsecFilterId = inbound;
	get.ipVersion = FWP_IP_VERSION_V4;
	if (IPsecSaContextGetSpi(engine, context, &get, &spi))
		return 5;
	if (bundles_add(engine, context, spi))
		return 6;
	if (!is_found(engine, context, spi))
		return 7;
	if (IPsecSaContextDeleteById(engine, context))
		return 8;
	if (FwpmFilterDeleteById(engine, outbound) || FwpmFilterDeleteById(engine, inbound))
		return 9;
	return FwpmEngineClose(engine) ? 10 : 0;
}
