/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Layers: the points where traffic can be judged. All are built in. */
#ifndef FWP_LAYER_H
#define FWP_LAYER_H

#include "../fwpmtypes.h"
#include "error.h"
#include "guid.h"

FWP_BEGIN_DECLS

/**
 * FwpmLayerGetByKey0() - return a copy of a layer
 * @engineHandle: an open session.
 * @key: the layer's key.
 * @layer: receives a pointer to the copy. The caller's; freed with FwpmFreeMemory0(). Members:
 *	@layerKey, @layerId; displayData.name is the name of the key;
 *	@flags: FWPM_LAYER_FLAG_BUILTIN, as all are, and FWPM_LAYER_FLAG_KERNEL where packets are
 *	judged;
 *	@field: what a condition can look at, for the layers of IP packets, of forwarding, of the
 *	transport layers, and of key negotiation; those of other layers are not known, and
 *	@numFields is 0;
 *	@defaultSubLayerKey: FWPM_SUBLAYER_UNIVERSAL.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @key or @layer is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * FWP_E_LAYER_NOT_FOUND - no layer has this key
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmLayerGetByKey0 function (fwpmu.h)".
 */
DWORD FwpmLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_LAYER0 **layer);

/**
 * FwpmLayerGetById0() - return a copy of a layer
 * @engineHandle: an open session.
 * @id: the layer's number, layerId of another call. It is this library's own, and means the same as
 *	long as the library is of one version.
 * @layer: as with FwpmLayerGetByKey0().
 *
 * Context: Any thread.
 *
 * Return: the codes of FwpmLayerGetByKey0(), for the same causes; FWP_E_LAYER_NOT_FOUND when no layer
 * has this number.
 *
 * Source: "FwpmLayerGetById0 function (fwpmu.h)".
 */
DWORD FwpmLayerGetById0(HANDLE engineHandle, UINT16 id, FWPM_LAYER0 **layer);

/**
 * FwpmLayerCreateEnumHandle0() - begin to enumerate layers
 * @engineHandle: an open session.
 * @enumTemplate: NULL or not: all layers, as the template says nothing.
 * @enumHandle: receives the handle, to be ended with FwpmLayerDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * Layers never change.
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
 * Source: "FwpmLayerCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmLayerCreateEnumHandle0(HANDLE engineHandle, const FWPM_LAYER_ENUM_TEMPLATE0 *enumTemplate,
				 HANDLE *enumHandle);

/**
 * FwpmLayerEnum0() - return the next layers of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmLayerCreateEnumHandle0().
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
 *   @enumHandle is no enumeration of layers of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmLayerEnum0 function (fwpmu.h)".
 */
DWORD FwpmLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		     FWPM_LAYER0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmLayerDestroyEnumHandle0() - end an enumeration of layers
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmLayerCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of layers of this session
 *
 * Source: "FwpmLayerDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_LAYER_H */
