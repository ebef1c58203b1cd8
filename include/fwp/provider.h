/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Providers: who filters, provider contexts and other objects belong to. */
#ifndef FWP_PROVIDER_H
#define FWP_PROVIDER_H

#include "../fwpmtypes.h"
#include "error.h"
#include "guid.h"

FWP_BEGIN_DECLS

/**
 * FwpmProviderAdd0() - add a provider
 * @engineHandle: an open session.
 * @provider: the provider; copied. Members:
 *	@providerKey: null GUID: one is made, and only enumeration tells it;
 *	@displayData: name must be given, description may be NULL;
 *	@flags: 0;
 *	@providerData: kept for the caller, may be empty;
 *	@serviceName: kept for the caller, may be NULL. On Windows it decides whether persistent
 *	objects come back, which are not supported here yet.
 * @sd: NULL: the default rights. Others cannot be given yet.
 *
 * The provider lives until it is deleted or the instance is unloaded, that of a dynamic session not
 * longer than the session. In an explicit transaction others see it from the commit on, the
 * transaction's own calls at once.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @provider is NULL, or the data of a @providerData with a size is
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NULL_DISPLAY_NAME - displayData.name is NULL
 * * FWP_E_INVALID_PARAMETER - a text has a value that is no Unicode character
 * * FWP_E_INVALID_FLAGS - unknown bits, or DISABLED, which is never set on add
 * * FWP_E_ALREADY_EXISTS - a provider, built in or added, has this @providerKey
 * * ERROR_NOT_SUPPORTED - valid on Windows and not here yet: FWPM_PROVIDER_FLAG_PERSISTENT; an @sd
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full, or texts and data take more than 1 MiB
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmProviderAdd0 function (fwpmu.h)", "FWPM_PROVIDER0 structure (fwpmtypes.h)".
 */
DWORD FwpmProviderAdd0(HANDLE engineHandle, const FWPM_PROVIDER0 *provider,
		       PSECURITY_DESCRIPTOR sd);

/**
 * FwpmProviderDeleteByKey0() - delete a provider
 * @engineHandle: an open session. If it is dynamic, the provider must be its own.
 * @key: the provider's key.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @key is NULL
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_PROVIDER_NOT_FOUND - no provider has this key
 * * FWP_E_BUILTIN_OBJECT - the provider is built in
 * * FWP_E_IN_USE - other objects name it; delete these first
 * * FWP_E_WRONG_SESSION - it belongs to another dynamic session
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic and the provider is not
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmProviderDeleteByKey0 function (fwpmu.h)"; "Object Management" (Windows Filtering
 * Platform) for sessions and references.
 */
DWORD FwpmProviderDeleteByKey0(HANDLE engineHandle, const GUID *key);

/**
 * FwpmProviderGetByKey0() - return a copy of a provider
 * @engineHandle: an open session.
 * @key: the provider's key.
 * @provider: receives a pointer to the copy: what was added, or of a built-in provider its key and,
 *	as displayData.name, the name of that key. The caller's; freed with FwpmFreeMemory0().
 *
 * In an explicit transaction the provider is as the transaction has left it.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @key or @provider is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * FWP_E_PROVIDER_NOT_FOUND - no provider has this key
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmProviderGetByKey0 function (fwpmu.h)".
 */
DWORD FwpmProviderGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_PROVIDER0 **provider);

/**
 * FwpmProviderCreateEnumHandle0() - begin to enumerate providers
 * @engineHandle: an open session.
 * @enumTemplate: NULL or not: all providers, as the template says nothing.
 * @enumHandle: receives the handle, to be ended with FwpmProviderDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * What FwpmProviderEnum0() returns is decided now: the built-in providers, then the others in the
 * order they were added. In an explicit transaction they are as the transaction has left them.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmProviderCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmProviderCreateEnumHandle0(HANDLE engineHandle,
				    const FWPM_PROVIDER_ENUM_TEMPLATE0 *enumTemplate,
				    HANDLE *enumHandle);

/**
 * FwpmProviderEnum0() - return the next providers of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmProviderCreateEnumHandle0().
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
 *   @enumHandle is no enumeration of providers of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmProviderEnum0 function (fwpmu.h)".
 */
DWORD FwpmProviderEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			FWPM_PROVIDER0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmProviderDestroyEnumHandle0() - end an enumeration of providers
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmProviderCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of providers of this session
 *
 * Source: "FwpmProviderDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmProviderDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_PROVIDER_H */
