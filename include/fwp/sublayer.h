/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Sublayers: of each that has filters at a layer packets get a decision of their own, the heaviest
 * sublayer's first.
 */
#ifndef FWP_SUBLAYER_H
#define FWP_SUBLAYER_H

#include "../fwpmtypes.h"
#include "error.h"
#include "guid.h"

FWP_BEGIN_DECLS

/**
 * FwpmSubLayerAdd0() - add a sublayer
 * @engineHandle: an open session.
 * @subLayer: the sublayer; copied. Members:
 *	@subLayerKey: null GUID: one is made, and only enumeration tells it;
 *	@displayData: name must be given, description may be NULL;
 *	@flags: 0;
 *	@providerKey: NULL, or a provider, built in or added;
 *	@providerData: kept for the caller, may be empty;
 *	@weight: kept as it is, also when another sublayer has the same; then the one that was
 *	added first comes first, and a built-in one before all others.
 * @sd: NULL: the default rights. Others cannot be given yet.
 *
 * The sublayer lives until it is deleted or the instance is unloaded, that of a dynamic session not
 * longer than the session. In an explicit transaction others see it from the commit on, the
 * transaction's own calls at once.
 *
 * There may be as many sublayers as filters. Packets are judged by 32 of them at once, those with
 * filters that decide: the first filter of one more is refused (FwpmFilterAdd0()).
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @subLayer is NULL, or the data of a @providerData with a size is
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NULL_DISPLAY_NAME - displayData.name is NULL
 * * FWP_E_INVALID_PARAMETER - a text has a value that is no Unicode character
 * * FWP_E_INVALID_FLAGS - unknown bits
 * * FWP_E_PROVIDER_NOT_FOUND - @providerKey is no provider
 * * FWP_E_LIFETIME_MISMATCH - the provider belongs to a dynamic session, and the sublayer to another or
 *   to none
 * * FWP_E_ALREADY_EXISTS - a sublayer, built in or added, has this @subLayerKey
 * * ERROR_NOT_SUPPORTED - valid on Windows and not here yet: FWPM_SUBLAYER_FLAG_PERSISTENT; an @sd
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full, or texts and data take more than 1 MiB
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmSubLayerAdd0 function (fwpmu.h)", "FWPM_SUBLAYER0 structure (fwpmtypes.h)".
 */
DWORD FwpmSubLayerAdd0(HANDLE engineHandle, const FWPM_SUBLAYER0 *subLayer,
		       PSECURITY_DESCRIPTOR sd);

/**
 * FwpmSubLayerDeleteByKey0() - delete a sublayer
 * @engineHandle: an open session. If it is dynamic, the sublayer must be its own.
 * @key: the sublayer's key.
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
 * * FWP_E_SUBLAYER_NOT_FOUND - no sublayer has this key
 * * FWP_E_BUILTIN_OBJECT - the sublayer is built in
 * * FWP_E_IN_USE - filters name it; delete these first
 * * FWP_E_WRONG_SESSION - it belongs to another dynamic session
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic and the sublayer is not
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmSubLayerDeleteByKey0 function (fwpmu.h)"; "Object Management" (Windows Filtering
 * Platform) for sessions and references.
 */
DWORD FwpmSubLayerDeleteByKey0(HANDLE engineHandle, const GUID *key);

/**
 * FwpmSubLayerGetByKey0() - return a copy of a sublayer
 * @engineHandle: an open session.
 * @key: the sublayer's key.
 * @subLayer: receives a pointer to the copy: what was added, or of a built-in sublayer its key,
 *	weight and, as displayData.name, the name of that key. The caller's; freed with FwpmFreeMemory0().
 *
 * In an explicit transaction the sublayer is as the transaction has left it.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @key or @subLayer is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * FWP_E_SUBLAYER_NOT_FOUND - no sublayer has this key
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmSubLayerGetByKey0 function (fwpmu.h)".
 */
DWORD FwpmSubLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_SUBLAYER0 **subLayer);

/**
 * FwpmSubLayerCreateEnumHandle0() - begin to enumerate sublayers
 * @engineHandle: an open session.
 * @enumTemplate: NULL or with providerKey NULL: all sublayers; else those of that provider. Built-in
 *	ones have none.
 * @enumHandle: receives the handle, to be ended with FwpmSubLayerDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * What FwpmSubLayerEnum0() returns is decided now: the built-in sublayers, then the others in the
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
 * Source: "FwpmSubLayerCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmSubLayerCreateEnumHandle0(HANDLE engineHandle,
				    const FWPM_SUBLAYER_ENUM_TEMPLATE0 *enumTemplate,
				    HANDLE *enumHandle);

/**
 * FwpmSubLayerEnum0() - return the next sublayers of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmSubLayerCreateEnumHandle0().
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
 *   @enumHandle is no enumeration of sublayers of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmSubLayerEnum0 function (fwpmu.h)".
 */
DWORD FwpmSubLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			FWPM_SUBLAYER0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmSubLayerDestroyEnumHandle0() - end an enumeration of sublayers
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmSubLayerCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of sublayers of this session
 *
 * Source: "FwpmSubLayerDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmSubLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_SUBLAYER_H */
