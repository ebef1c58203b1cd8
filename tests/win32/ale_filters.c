// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A part as one writes it on Windows, from the samples of the platform: a provider's own block and
 * permit filters at the ALE layers, for a program, for a user's connections and for a subnet.
 */
#include <windows.h>
#include <fwpmu.h>
#include <wchar.h>

#include <initguid.h>

/* {5c1a8f2e-93d0-4b47-8a6d-0e4f7b3c2d19} */
DEFINE_GUID(SAMPLE_PROVIDER, 0x5c1a8f2e, 0x93d0, 0x4b47, 0x8a, 0x6d, 0x0e, 0x4f, 0x7b, 0x3c, 0x2d,
	    0x19);
// {1f0d6b3a-7e55-4c08-b1c9-64a2d58e9071}
DEFINE_GUID(SAMPLE_SUBLAYER, 0x1f0d6b3a, 0x7e55, 0x4c08, 0xb1, 0xc9, 0x64, 0xa2, 0xd5, 0x8e, 0x90,
	    0x71);

typedef struct SAMPLE_SETTINGS_ {
	_Field_z_ PCWSTR appPath;
	UINT32 flags;
	BOOLEAN persistent;
	unsigned __int64 weight;
	const FWP_V4_ADDR_AND_MASK *subnet;
} SAMPLE_SETTINGS;

static const struct {
	const GUID *layer;
	FWP_IP_VERSION ipVersion;
	FWP_DIRECTION direction;
} layers[] = {
	{ &FWPM_LAYER_ALE_AUTH_CONNECT_V4, FWP_IP_VERSION_V4, FWP_DIRECTION_OUTBOUND },
	{ &FWPM_LAYER_ALE_AUTH_CONNECT_V6, FWP_IP_VERSION_V6, FWP_DIRECTION_OUTBOUND },
	{ &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4, FWP_IP_VERSION_V4, FWP_DIRECTION_INBOUND },
	{ &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6, FWP_IP_VERSION_V6, FWP_DIRECTION_INBOUND },
};

#ifndef __cplusplus
/* As the samples of Vista spell it. */
DWORD SampleRemove(__in HANDLE engine, __in_ecount(count) const UINT64 *ids, __in ULONG count,
		   __out_opt ULONG *removed)
{
	ULONG i;

	for (i = 0; i < count; i++) {
		DWORD status = FwpmFilterDeleteById0(engine, ids[i]);

		if (status != ERROR_SUCCESS && status != FWP_E_FILTER_NOT_FOUND)
			return status;
	}
	if (removed)
		*removed = count;
	return NO_ERROR;
}
#endif

/* Once the platform has the calls for them, these are added first. */
void WINAPI SampleDescribe(_Out_ FWPM_PROVIDER0 *provider, _Out_ FWPM_SUBLAYER0 *sublayer)
{
	RtlZeroMemory(provider, sizeof(*provider));
	provider->providerKey = SAMPLE_PROVIDER;
	provider->displayData.name = (LPWSTR)L"Sample provider";
	provider->serviceName = (LPWSTR)L"sample";

	RtlZeroMemory(sublayer, sizeof(*sublayer));
	sublayer->subLayerKey = SAMPLE_SUBLAYER;
	sublayer->displayData.name = (LPWSTR)L"Sample sublayer";
	sublayer->providerKey = (GUID *)&SAMPLE_PROVIDER;
	sublayer->weight = 0x100;
}

HRESULT WINAPI SampleAddFilters(_In_ HANDLE engine, _In_ const SAMPLE_SETTINGS *settings,
				_Out_writes_to_(count, *added) UINT64 *ids, _In_ ULONG count,
				_Out_ ULONG *added)
{
	FWPM_FILTER_CONDITION0 conditions[4];
	FWP_V4_ADDR_AND_MASK subnet;
	FWP_BYTE_BLOB appId;
	FWP_RANGE0 ports;
	FWPM_FILTER0 filter;
	UINT64 weight;
	DWORD status = ERROR_SUCCESS;
	ULONG i;

	*added = 0;
	if (count < ARRAYSIZE(layers))
		return E_INVALIDARG;

	appId.size = (UINT32)((wcslen(settings->appPath) + 1) * sizeof(WCHAR));
	appId.data = (UINT8 *)settings->appPath;
	ports.valueLow.type = FWP_UINT16;
	ports.valueLow.uint16 = 1024;
	ports.valueHigh.type = FWP_UINT16;
	ports.valueHigh.uint16 = MAXUINT16;
	subnet = *settings->subnet;
	weight = settings->weight;

	for (i = 0; i < ARRAYSIZE(layers); i++) {
		ULONG used = 0;

		ZeroMemory(conditions, sizeof(conditions));
		conditions[used].fieldKey = FWPM_CONDITION_ALE_APP_ID;
		conditions[used].matchType = FWP_MATCH_EQUAL;
		conditions[used].conditionValue.type = FWP_BYTE_BLOB_TYPE;
		conditions[used++].conditionValue.byteBlob = &appId;
		conditions[used].fieldKey = FWPM_CONDITION_FLAGS;
		conditions[used].matchType = FWP_MATCH_FLAGS_NONE_SET;
		conditions[used].conditionValue.type = FWP_UINT32;
		conditions[used++].conditionValue.uint32 = FWP_CONDITION_FLAG_IS_LOOPBACK;
		conditions[used].fieldKey = FWPM_CONDITION_IP_REMOTE_PORT;
		conditions[used].matchType = FWP_MATCH_RANGE;
		conditions[used].conditionValue.type = FWP_RANGE_TYPE;
		conditions[used++].conditionValue.rangeValue = &ports;
		if (layers[i].ipVersion == FWP_IP_VERSION_V4) {
			conditions[used].fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS;
			conditions[used].matchType = FWP_MATCH_EQUAL;
			conditions[used].conditionValue.type = FWP_V4_ADDR_MASK;
			conditions[used++].conditionValue.v4AddrMask = &subnet;
		}

		ZeroMemory(&filter, sizeof(filter));
		filter.displayData.name = (LPWSTR)L"Sample filter";
		filter.providerKey = (GUID *)&SAMPLE_PROVIDER;
		filter.subLayerKey = SAMPLE_SUBLAYER;
		filter.layerKey = *layers[i].layer;
		filter.flags = settings->persistent ? FWPM_FILTER_FLAG_PERSISTENT :
						      FWPM_FILTER_FLAG_NONE;
		filter.action.type = layers[i].direction == FWP_DIRECTION_INBOUND ?
					     FWP_ACTION_BLOCK :
					     FWP_ACTION_PERMIT;
		filter.weight.type = FWP_UINT64;
		filter.weight.uint64 = &weight;
		filter.numFilterConditions = used;
		filter.filterCondition = conditions;
		status = FwpmFilterAdd0(engine, &filter, NULL, &ids[i]);
		if (FAILED(HRESULT_FROM_WIN32(status)))
			break;
		(*added)++;
	}
	if (status == FWP_E_ALREADY_EXISTS)
		status = NO_ERROR;
	return HRESULT_FROM_WIN32(status);
}

VOID CALLBACK SampleOnEvent(_Inout_ PVOID context, _In_ const FWPM_NET_EVENT1 *event)
{
	ULARGE_INTEGER when;

	UNREFERENCED_PARAMETER(context);
	when.LowPart = event->header.timeStamp.dwLowDateTime;
	when.HighPart = event->header.timeStamp.dwHighDateTime;
	switch (event->type) {
	case FWPM_NET_EVENT_TYPE_CLASSIFY_DROP:
		wprintf(L"%llu: dropped by %llu, port %hu\n", (unsigned long long)when.QuadPart,
			(unsigned long long)event->classifyDrop->filterId, event->header.localPort);
		break;
	case FWPM_NET_EVENT_TYPE_IPSEC_KERNEL_DROP:
		wprintf(L"%llu: SPI 0x%x\n", (unsigned long long)when.QuadPart,
			(unsigned int)event->ipsecDrop->spi);
		break;
	default:
		break;
	}
}
