/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Provider contexts: data that filters and SA contexts refer to. In tunnel mode a provider context
 * is the policy, a tunnel policy, that SA contexts serve.
 */
#ifndef FWP_PROVIDER_CONTEXT_H
#define FWP_PROVIDER_CONTEXT_H

#include "../fwpmtypes.h"
#include "error.h"

FWP_BEGIN_DECLS

/**
 * FwpmProviderContextAdd0() - add a tunnel policy
 * @engineHandle: an open session.
 * @providerContext: the provider context; copied. Members:
 *	@providerContextKey: null GUID: one is made;
 *	@displayData: name must be given, description may be NULL;
 *	@flags: 0;
 *	@providerKey: NULL, or a provider, built in or added;
 *	@providerData: kept for the caller, may be empty;
 *	@type: FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT with @ikeQmTunnelPolicy, or
 *	FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT with @authipQmTunnelPolicy;
 *	@providerContextId is ignored.
 *
 *	Of the policy, tunnelEndpoints are the outer addresses, IPv4 in host order and IPv6 in
 *	network order. Flags, proposals and idle timeouts are kept for whoever negotiates; saxdp
 *	does not. emPolicy, which may hold secrets, is not kept.
 * @sd: NULL: the default rights. Others cannot be given yet.
 * @id: receives the id, the tunnelPolicyId of an IPSEC_TRAFFIC1, which is not given again while the
 *	instance lives. May be NULL.
 *
 * The policy lives until it is deleted or the instance is unloaded, that of a dynamic session not
 * longer than the session. In an explicit transaction it is in force from the commit on, but the
 * transaction's own calls find it at once.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @providerContext or its policy is NULL, or an array with elements, a
 *   transform, or the data of a @providerData with a size is
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NULL_DISPLAY_NAME - displayData.name is NULL
 * * FWP_E_INVALID_PARAMETER - a text of displayData has a value that is no Unicode character
 * * FWP_E_INVALID_FLAGS - unknown bits in the flags of the context or of the policy
 * * FWP_E_PROVIDER_NOT_FOUND - @providerKey is no provider
 * * FWP_E_LIFETIME_MISMATCH - the provider belongs to a dynamic session, and the provider context to
 *   another or to none
 * * FWP_E_INVALID_ENUMERATOR - @type, the ipVersion of the endpoints, or an enumeration in a
 *   proposal has a value outside its enumeration
 * * FWP_E_INVALID_TUNNEL_ENDPOINT - an endpoint is 0.0.0.0, :: or multicast
 * * FWP_E_ALREADY_EXISTS - a provider context has this @providerContextKey
 * * ERROR_NOT_SUPPORTED - valid on Windows and not here yet: another @type;
 *   FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT; an @sd
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full, or names, data and proposals take more
 *   than 1 MiB
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmProviderContextAdd0 function (fwpmu.h)", "IPSEC_TUNNEL_POLICY0 structure
 * (ipsectypes.h)".
 */
DWORD FwpmProviderContextAdd0(HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT0 *providerContext,
			      PSECURITY_DESCRIPTOR sd, UINT64 *id);

/**
 * FwpmProviderContextDeleteById0() - delete a provider context
 * @engineHandle: an open session. If it is dynamic, the provider context must be its own.
 * @id: the provider context's id.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_PROVIDER_CONTEXT_NOT_FOUND - no provider context has this id
 * * FWP_E_IN_USE - SA contexts or filters refer to it; delete these first
 * * FWP_E_WRONG_SESSION - it belongs to another dynamic session
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic and the provider context is not
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmProviderContextDeleteById0 function (fwpmu.h)"; "Object Management" (Windows
 * Filtering Platform) for sessions and references.
 */
DWORD FwpmProviderContextDeleteById0(HANDLE engineHandle, UINT64 id);

/**
 * FwpmProviderContextDeleteByKey0() - delete a provider context
 * @engineHandle: an open session. If it is dynamic, the provider context must be its own.
 * @key: the provider context's key.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return: the codes of FwpmProviderContextDeleteById0(), for the same causes, and FWP_E_NULL_POINTER
 * when @key is NULL.
 *
 * Source: "FwpmProviderContextDeleteByKey0 function (fwpmu.h)".
 */
DWORD FwpmProviderContextDeleteByKey0(HANDLE engineHandle, const GUID *key);

/**
 * FwpmProviderContextGetById0() - return a copy of a provider context
 * @engineHandle: an open session.
 * @id: the provider context's id.
 * @providerContext: as with FwpmProviderContextGetByKey0().
 *
 * Context: Any thread.
 *
 * Return: the codes of FwpmProviderContextGetByKey0(), for the same causes.
 *
 * Source: "FwpmProviderContextGetById0 function (fwpmu.h)".
 */
DWORD FwpmProviderContextGetById0(HANDLE engineHandle, UINT64 id,
				  FWPM_PROVIDER_CONTEXT0 **providerContext);

/**
 * FwpmProviderContextGetByKey0() - return a copy of a provider context
 * @engineHandle: an open session.
 * @key: the provider context's key.
 * @providerContext: receives a pointer to the copy: what was added, with providerContextKey and
 *	providerContextId filled in, and without emPolicy, which is not kept. The caller's; freed
 *	with FwpmFreeMemory0().
 *
 * In an explicit transaction the provider context is as the transaction has left it.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @key or @providerContext is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * FWP_E_PROVIDER_CONTEXT_NOT_FOUND - no provider context has this key
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmProviderContextGetByKey0 function (fwpmu.h)".
 */
DWORD FwpmProviderContextGetByKey0(HANDLE engineHandle, const GUID *key,
				   FWPM_PROVIDER_CONTEXT0 **providerContext);

/**
 * FwpmProviderContextCreateEnumHandle0() - begin to enumerate provider contexts
 * @engineHandle: an open session.
 * @enumTemplate: NULL: all provider contexts. Members:
 *	@providerKey: NULL, or only those of this provider;
 *	@providerContextType: only those of this type.
 * @enumHandle: receives the handle, to be ended with FwpmProviderContextDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * What FwpmProviderContextEnum0() returns is decided now: the provider contexts in the order they were
 * added. In an explicit transaction they are as the transaction has left them.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL
 * * FWP_E_INVALID_ENUMERATOR - @providerContextType has a value outside its enumeration
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmProviderContextCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmProviderContextCreateEnumHandle0(HANDLE engineHandle,
					   const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
					   HANDLE *enumHandle);

/**
 * FwpmProviderContextEnum0() - return the next provider contexts of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmProviderContextCreateEnumHandle0().
 * @numEntriesRequested: at most so many.
 * @entries: receives an array of pointers to copies, in one allocation that FwpmFreeMemory0() frees;
 *	NULL when there are none.
 * @numEntriesReturned: receives their number; less than was asked for means that these were the last.
 *
 * Context: Any thread; calls with one session follow each other.
 *
 * Return:
 * * ERROR_SUCCESS - also when there are none left
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of provider contexts of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmProviderContextEnum0 function (fwpmu.h)".
 */
DWORD FwpmProviderContextEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			       FWPM_PROVIDER_CONTEXT0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmProviderContextDestroyEnumHandle0() - end an enumeration of provider contexts
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmProviderContextCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of provider contexts of this session
 *
 * Source: "FwpmProviderContextDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmProviderContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_PROVIDER_CONTEXT_H */
