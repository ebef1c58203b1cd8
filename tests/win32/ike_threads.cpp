// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A part as one writes it on Windows in C++: contexts kept by worker threads behind one class, with
 * the standard library beside the Windows names. Standard headers stand on both sides of Windows'.
 */
#include <algorithm>
#include <map>
#include <mutex>

#define NOMINMAX
#include <WinSock2.h>
#include <WS2tcpip.h>
#include <Windows.h>
#include <fwpmu.h>

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std;

namespace
{

class WfpError : public runtime_error {
public:
	WfpError(const char *call, DWORD code)
		: runtime_error(string(call) + " failed"), m_code(HRESULT_FROM_WIN32(code))
	{
	}

	HRESULT Code() const noexcept
	{
		return m_code;
	}

private:
	HRESULT m_code;
};

void Check(const char *call, DWORD code)
{
	if (code != ERROR_SUCCESS)
		throw WfpError(call, code);
}

/* The lock of the platform, for std::lock_guard. */
class Lock {
public:
	Lock()
	{
		if (!InitializeCriticalSectionAndSpinCount(&m_section, 4000))
			throw bad_alloc();
	}

	~Lock()
	{
		DeleteCriticalSection(&m_section);
	}

	Lock(const Lock &) = delete;
	Lock &operator=(const Lock &) = delete;

	void lock()
	{
		EnterCriticalSection(&m_section);
	}

	bool try_lock()
	{
		return TryEnterCriticalSection(&m_section) == TRUE;
	}

	void unlock()
	{
		LeaveCriticalSection(&m_section);
	}

private:
	CRITICAL_SECTION m_section;
};

struct GuidLess {
	bool operator()(REFGUID a, REFGUID b) const
	{
		return memcmp(&a, &b, sizeof(a)) < 0;
	}
};

template <typename T> struct WfpFree {
	void operator()(T *p) const
	{
		FwpmFreeMemory0(reinterpret_cast<void **>(&p));
	}
};

using FilterPtr = unique_ptr<FWPM_FILTER0, WfpFree<FWPM_FILTER0>>;
using ContextPtr = unique_ptr<IPSEC_SA_CONTEXT1, WfpFree<IPSEC_SA_CONTEXT1>>;

class Transaction {
public:
	explicit Transaction(HANDLE engine) : m_engine(engine)
	{
		Check("FwpmTransactionBegin0", FwpmTransactionBegin0(engine, 0));
	}

	~Transaction()
	{
		if (m_engine)
			FwpmTransactionAbort0(m_engine);
	}

	void Commit()
	{
		Check("FwpmTransactionCommit0", FwpmTransactionCommit0(m_engine));
		m_engine = nullptr;
	}

private:
	HANDLE m_engine;
};

}

class SaManager {
public:
	explicit SaManager(_In_ PCWSTR name) : m_name(name)
	{
		FWPM_SESSION0 session = {};

		session.displayData.name = const_cast<PWSTR>(m_name.c_str());
		session.txnWaitTimeoutInMSec = min<DWORD>(5000, INFINITE);
		Check("FwpmEngineOpen0", FwpmEngineOpen0(nullptr, RPC_C_AUTHN_WINNT, nullptr,
							 &session, &m_engine));
	}

	~SaManager()
	{
		Stop();
		FwpmEngineClose0(m_engine);
	}

	void Start(size_t workers)
	{
		for (size_t i = 0; i < workers; i++)
			m_workers.emplace_back(&SaManager::Work, this);
	}

	void Stop()
	{
		m_stop = true;
		for (auto &worker : m_workers)
			worker.join();
		m_workers.clear();
	}

	UINT64 Bypass(const GUID &layer, UINT16 port)
	{
		FWPM_FILTER_CONDITION0 conditions[2] = {};
		FWPM_FILTER0 filter = {};
		UINT64 weight = MAXUINT64, id = 0;

		conditions[0].fieldKey = FWPM_CONDITION_IP_PROTOCOL;
		conditions[0].matchType = FWP_MATCH_EQUAL;
		conditions[0].conditionValue.type = FWP_UINT8;
		conditions[0].conditionValue.uint8 = IPPROTO_UDP;
		conditions[1].fieldKey = FWPM_CONDITION_IP_LOCAL_PORT;
		conditions[1].matchType = FWP_MATCH_EQUAL;
		conditions[1].conditionValue.type = FWP_UINT16;
		conditions[1].conditionValue.uint16 = port;
		filter.displayData.name = const_cast<PWSTR>(m_name.c_str());
		filter.layerKey = layer;
		filter.action.type = FWP_ACTION_PERMIT;
		filter.weight.type = FWP_UINT64;
		filter.weight.uint64 = &weight;
		filter.numFilterConditions = ARRAYSIZE(conditions);
		filter.filterCondition = conditions;

		Transaction transaction(m_engine);
		Check("FwpmFilterAdd0", FwpmFilterAdd0(m_engine, &filter, nullptr, &id));
		transaction.Commit();
		return id;
	}

	wstring Describe(UINT64 filterId)
	{
		FWPM_FILTER0 *found = nullptr;
		wostringstream text;

		Check("FwpmFilterGetById0", FwpmFilterGetById0(m_engine, filterId, &found));
		FilterPtr filter(found);
		text << filter->displayData.name;
		if (filter->layerKey == FWPM_LAYER_INBOUND_TRANSPORT_V4 ||
		    filter->layerKey == FWPM_LAYER_INBOUND_TRANSPORT_V6)
			text << L" in";
		if (filter->subLayerKey != FWPM_SUBLAYER_UNIVERSAL)
			text << L" elsewhere";
		return text.str();
	}

	/* IPv6 addresses go as they are, IPv4 addresses in host order. */
	UINT64 Add(const SOCKADDR_STORAGE &local, const SOCKADDR_STORAGE &remote, UINT64 policy)
	{
		IPSEC_TRAFFIC1 traffic = {};
		UINT64 id = 0;

		if (local.ss_family == AF_INET6) {
			traffic.ipVersion = FWP_IP_VERSION_V6;
			CopyMemory(traffic.localV6Address,
				   &reinterpret_cast<const SOCKADDR_IN6 &>(local).sin6_addr,
				   sizeof(traffic.localV6Address));
			CopyMemory(traffic.remoteV6Address,
				   &reinterpret_cast<const SOCKADDR_IN6 &>(remote).sin6_addr,
				   sizeof(traffic.remoteV6Address));
		} else {
			traffic.ipVersion = FWP_IP_VERSION_V4;
			traffic.localV4Address =
				ntohl(reinterpret_cast<const SOCKADDR_IN &>(local).sin_addr.s_addr);
			traffic.remoteV4Address = ntohl(
				reinterpret_cast<const SOCKADDR_IN &>(remote).sin_addr.s_addr);
		}
		traffic.trafficType = IPSEC_TRAFFIC_TYPE_TUNNEL;
		traffic.tunnelPolicyId = policy;
		Check("IPsecSaContextCreate1",
		      IPsecSaContextCreate1(m_engine, &traffic, nullptr, nullptr, &id));
		lock_guard<Lock> guard(m_lock);
		m_contexts.push_back(id);
		return id;
	}

	SIZE_T Bundles(UINT64 id)
	{
		IPSEC_SA_CONTEXT1 *found = nullptr;

		Check("IPsecSaContextGetById1", IPsecSaContextGetById1(m_engine, id, &found));
		ContextPtr context(found);
		return (context->inboundSa ? 1U : 0U) + (context->outboundSa ? 1U : 0U);
	}

private:
	static DWORD WINAPI Collect(LPVOID self)
	{
		auto manager = static_cast<SaManager *>(self);
		lock_guard<Lock> guard(manager->m_lock);

		for (auto id : manager->m_contexts)
			IPsecSaContextDeleteById0(manager->m_engine, id);
		manager->m_contexts.clear();
		return NO_ERROR;
	}

	void Work()
	{
		while (!m_stop) {
			Collect(this);
			Sleep(100);
		}
	}

	wstring m_name;
	HANDLE m_engine = nullptr;
	Lock m_lock;
	atomic<bool> m_stop{ false };
	once_flag m_once;
	vector<UINT64> m_contexts;
	map<GUID, UINT64, GuidLess> m_policies;
	vector<thread> m_workers;
};

int __cdecl main(int argc, char **argv)
{
	try {
		SaManager manager(L"IKE daemon");
		SOCKADDR_STORAGE local = {}, remote = {};

		if (argc > 1)
			manager.Start(static_cast<size_t>(atoi(argv[1])));
		local.ss_family = remote.ss_family = AF_INET;
		wcout << manager.Describe(manager.Bypass(FWPM_LAYER_INBOUND_TRANSPORT_V4, 4500));
		cout << manager.Bundles(manager.Add(local, remote, 0)) << endl;
	} catch (const WfpError &error) {
		cerr << error.what() << ": 0x" << hex << error.Code() << endl;
		return FAILED(error.Code()) ? 1 : 0;
	}
	return 0;
}
