/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Callouts: what a filter can ask to decide. Those that are built in are part of the engine; one that
 * is added stands for a driver's, and as there are none here it is never registered: a filter that
 * asks it blocks or, with FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED, permits.
 */
#ifndef FWP_CALLOUT_H
#define FWP_CALLOUT_H

#include "../fwpmtypes.h"
#include "error.h"
#include "guid.h"

FWP_BEGIN_DECLS

/**
 * FwpmCalloutAdd0() - add a callout
 * @engineHandle: an open session.
 * @callout: the callout; copied. Members:
 *	@calloutKey: null GUID: one is made;
 *	@displayData: name must be given, description may be NULL;
 *	@flags: 0 or FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT, which is kept;
 *	@providerKey: NULL, or a provider, built in or added;
 *	@providerData: kept for the caller, may be empty;
 *	@applicableLayer: the layer that filters which ask it must be at; @calloutId is ignored.
 * @sd: NULL: the default rights. Others cannot be given yet.
 * @id: receives the callout's id, which is not given again while the instance lives. May be NULL.
 *
 * The callout lives until it is deleted or the instance is unloaded, that of a dynamic session not
 * longer than the session. In an explicit transaction others see it from the commit on, the
 * transaction's own calls at once.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @callout is NULL, or the data of a @providerData with a size is
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NULL_DISPLAY_NAME - displayData.name is NULL
 * * FWP_E_INVALID_PARAMETER - a text has a value that is no Unicode character
 * * FWP_E_INVALID_FLAGS - unknown bits, or REGISTERED, which is never set on add
 * * FWP_E_LAYER_NOT_FOUND - @applicableLayer is no layer
 * * FWP_E_PROVIDER_NOT_FOUND - @providerKey is no provider
 * * FWP_E_LIFETIME_MISMATCH - the provider belongs to a dynamic session, and the callout to another or
 *   to none
 * * FWP_E_ALREADY_EXISTS - a callout, built in or added, has this @calloutKey
 * * ERROR_NOT_SUPPORTED - valid on Windows and not here yet: FWPM_CALLOUT_FLAG_PERSISTENT; an @sd
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full, or texts and data take more than 1 MiB
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmCalloutAdd0 function (fwpmu.h)", "FWPM_CALLOUT0 structure (fwpmtypes.h)".
 */
DWORD FwpmCalloutAdd0(HANDLE engineHandle, const FWPM_CALLOUT0 *callout, PSECURITY_DESCRIPTOR sd,
		      UINT32 *id);

/**
 * FwpmCalloutDeleteByKey0() - delete a callout
 * @engineHandle: an open session. If it is dynamic, the callout must be its own.
 * @key: the callout's key.
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
 * * FWP_E_CALLOUT_NOT_FOUND - no callout has this key
 * * FWP_E_BUILTIN_OBJECT - the callout is built in
 * * FWP_E_IN_USE - filters name it; delete these first
 * * FWP_E_WRONG_SESSION - it belongs to another dynamic session
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic and the callout is not
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmCalloutDeleteByKey0 function (fwpmu.h)"; "Object Management" (Windows Filtering
 * Platform) for sessions and references.
 */
DWORD FwpmCalloutDeleteByKey0(HANDLE engineHandle, const GUID *key);

/**
 * FwpmCalloutDeleteById0() - delete a callout
 * @engineHandle: an open session. If it is dynamic, the callout must be its own.
 * @id: the callout's id.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return: the codes of FwpmCalloutDeleteByKey0() but for FWP_E_NULL_POINTER, for the same causes.
 *
 * Source: "FwpmCalloutDeleteById0 function (fwpmu.h)".
 */
DWORD FwpmCalloutDeleteById0(HANDLE engineHandle, UINT32 id);

/**
 * FwpmCalloutGetById0() - return a copy of a callout
 * @engineHandle: an open session.
 * @id: the callout's id.
 * @callout: as with FwpmCalloutGetByKey0().
 *
 * Context: Any thread.
 *
 * Return: the codes of FwpmCalloutGetByKey0(), for the same causes.
 *
 * Source: "FwpmCalloutGetById0 function (fwpmu.h)".
 */
DWORD FwpmCalloutGetById0(HANDLE engineHandle, UINT32 id, FWPM_CALLOUT0 **callout);

/**
 * FwpmCalloutGetByKey0() - return a copy of a callout
 * @engineHandle: an open session.
 * @key: the callout's key.
 * @callout: receives a pointer to the copy: what was added, with calloutKey and calloutId filled in; or
 *	of a built-in callout its key and id, FWPM_CALLOUT_FLAG_REGISTERED, as displayData.name the
 *	name of that key, and where it is known applicableLayer. The caller's; freed with
 *	FwpmFreeMemory0().
 *
 * In an explicit transaction the callout is as the transaction has left it.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @key or @callout is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * FWP_E_CALLOUT_NOT_FOUND - no callout has this key
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmCalloutGetByKey0 function (fwpmu.h)".
 */
DWORD FwpmCalloutGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_CALLOUT0 **callout);

/**
 * FwpmCalloutCreateEnumHandle0() - begin to enumerate callouts
 * @engineHandle: an open session.
 * @enumTemplate: NULL: all callouts. Members:
 *	@providerKey: NULL, or only those of this provider; built-in ones have none;
 *	@layerKey: null GUID, or only those with this applicableLayer.
 * @enumHandle: receives the handle, to be ended with FwpmCalloutDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * What FwpmCalloutEnum0() returns is decided now: the built-in callouts, then the others in the
 * order they were added. In an explicit transaction they are as the transaction has left them.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL
 * * FWP_E_LAYER_NOT_FOUND - @layerKey is no layer
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmCalloutCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmCalloutCreateEnumHandle0(HANDLE engineHandle,
				   const FWPM_CALLOUT_ENUM_TEMPLATE0 *enumTemplate,
				   HANDLE *enumHandle);

/**
 * FwpmCalloutEnum0() - return the next callouts of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmCalloutCreateEnumHandle0().
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
 *   @enumHandle is no enumeration of callouts of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmCalloutEnum0 function (fwpmu.h)".
 */
DWORD FwpmCalloutEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		       FWPM_CALLOUT0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmCalloutDestroyEnumHandle0() - end an enumeration of callouts
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmCalloutCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of callouts of this session
 *
 * Source: "FwpmCalloutDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmCalloutDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_CALLOUT_H */
