// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy.h"

#include <stdlib.h>

#include "bpffs.h"
#include "check.h"

static wchar_t test_name[] = L"test";

const char *policy_load(const char *label, uint32_t contexts, uint32_t filters)
{
	const char *instance = bpffs_instance(label);
	const struct saxdp_load_opts opts = {
		.size = sizeof(opts),
		.instance = instance,
		.contexts = contexts,
		.filters = filters,
		.readers = "61001",
		.writers = "61002",
	};
	int err = saxdp_load(&opts, NULL);

	require(!err, "load: %d %s", err, saxdp_error());
	setenv("SAXDP_INSTANCE", instance, 1);
	return instance;
}

HANDLE policy_open(UINT32 flags, UINT32 wait_ms)
{
	const FWPM_SESSION0 session = { .flags = flags, .txnWaitTimeoutInMSec = wait_ms };
	HANDLE engine;
	DWORD err = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, &engine);

	require(!err, "open: 0x%x %s", err, saxdp_error());
	return engine;
}

void policy_close(HANDLE engine)
{
	require(!FwpmEngineClose0(engine), "close: %s", saxdp_error());
}

FWPM_FILTER0 policy_filter(const GUID *layer, FWPM_FILTER_CONDITION0 *conditions, UINT32 count)
{
	return (FWPM_FILTER0){
		.displayData.name = test_name,
		.layerKey = *layer,
		.action.type = FWP_ACTION_PERMIT,
		.filterCondition = conditions,
		.numFilterConditions = count,
	};
}

FWPM_FILTER0 policy_ipsec_filter(const GUID *layer, const GUID *callout,
				 FWPM_FILTER_CONDITION0 *conditions, UINT32 count)
{
	FWPM_FILTER0 filter = policy_filter(layer, conditions, count);

	filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
	filter.action.calloutKey = *callout;
	return filter;
}

UINT64 policy_add(HANDLE engine, const FWPM_FILTER0 *filter)
{
	UINT64 id = 0;
	DWORD err = FwpmFilterAdd0(engine, filter, NULL, &id);

	require(!err, "filter: 0x%x %s", err, saxdp_error());
	require(id, "a filter with id 0");
	return id;
}

void policy_delete(HANDLE engine, UINT64 id)
{
	DWORD err = FwpmFilterDeleteById0(engine, id);

	require(!err, "filter %llu: 0x%x %s", (unsigned long long)id, err, saxdp_error());
}

FWPM_PROVIDER_CONTEXT0 policy_tunnel(IPSEC_TUNNEL_POLICY0 *policy)
{
	*policy = (IPSEC_TUNNEL_POLICY0){
		.tunnelEndpoints.ipVersion = FWP_IP_VERSION_V4,
		.tunnelEndpoints.localV4Address = 0xc0000201,
		.tunnelEndpoints.remoteV4Address = 0xc0000202,
	};
	return (FWPM_PROVIDER_CONTEXT0){
		.displayData.name = test_name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = policy,
	};
}

UINT64 policy_tunnel_add(HANDLE engine, const GUID *key)
{
	IPSEC_TUNNEL_POLICY0 policy;
	FWPM_PROVIDER_CONTEXT0 context = policy_tunnel(&policy);
	UINT64 id = 0;
	DWORD err;

	if (key)
		context.providerContextKey = *key;
	err = FwpmProviderContextAdd0(engine, &context, NULL, &id);
	require(!err, "provider context: 0x%x %s", err, saxdp_error());
	require(id, "a provider context with id 0");
	return id;
}
