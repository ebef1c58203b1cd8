/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Filters: which traffic is meant, and what is to be done with it. In transport mode they are the
 * policy that SA contexts serve.
 */
#ifndef FWP_FILTER_H
#define FWP_FILTER_H

#include "../fwpmtypes.h"
#include "error.h"
#include "guid.h"

FWP_BEGIN_DECLS

/**
 * FwpmFilterAdd0() - add a filter
 * @engineHandle: an open session.
 * @filter: the filter; copied. Members:
 *	@filterKey: null GUID: one is made;
 *	@displayData: name must be given, description may be NULL;
 *	@flags: FWPM_FILTER_FLAG_*; CLEAR_ACTION_RIGHT, HAS_PROVIDER_CONTEXT,
 *	PERMIT_IF_CALLOUT_UNREGISTERED;
 *	@providerKey: NULL, or a provider, built in or added;
 *	@providerData: kept for the caller, may be empty;
 *	@layerKey: FWPM_LAYER_INBOUND_TRANSPORT_V4, FWPM_LAYER_OUTBOUND_TRANSPORT_V4, or V6;
 *	@subLayerKey: null GUID: FWPM_SUBLAYER_UNIVERSAL; else a sublayer, built in or added;
 *	@weight: FWP_EMPTY: automatic; FWP_UINT8 0 to 15: automatic in that range, the upper 4 of
 *	64 bits; FWP_UINT64: as given. Two filters with the same conditions get the same automatic
 *	weight, more and narrower conditions a higher one; the numbers are not those of Windows;
 *	@numFilterConditions, @filterCondition: none means all traffic of the layer. Conditions on
 *	different fields must all hold, of several on one field any. Fields:
 *	FWPM_CONDITION_IP_LOCAL_ADDRESS and FWPM_CONDITION_IP_REMOTE_ADDRESS (equal; address, or
 *	address and mask; range), FWPM_CONDITION_IP_PROTOCOL, FWPM_CONDITION_IP_LOCAL_PORT and
 *	FWPM_CONDITION_IP_REMOTE_PORT, also as FWPM_CONDITION_ICMP_TYPE and _CODE (equal; range).
 *	IPv4 addresses, masks and ports are in host order, IPv6 addresses in network order. Ranges
 *	include both ends;
 *	@action: FWP_ACTION_PERMIT, FWP_ACTION_BLOCK, or FWP_ACTION_CALLOUT_TERMINATING,
 *	FWP_ACTION_CALLOUT_INSPECTION or FWP_ACTION_CALLOUT_UNKNOWN with a callout. One that was
 *	added is registered with no kernel: the filter blocks, with
 *	FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED it permits, and where the callout would
 *	only inspect it does nothing;
 *	@rawContext or, with FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT, @providerContextKey;
 *	@reserved: NULL. @filterId and @effectiveWeight are ignored.
 * @sd: NULL: the default rights. Others cannot be given yet.
 * @id: receives the filter's id, which is not given again while the instance lives. May be NULL.
 *
 * The filter lives until it is deleted or the instance is unloaded, that of a dynamic session not
 * longer than the session. In an explicit transaction it is in force from the commit on, but the
 * transaction's own calls find it at once.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @filter is NULL, @filterCondition is NULL and there are conditions, the
 *   data of @providerData is NULL and its size is not 0, or a weight or condition value that is a
 *   pointer is NULL
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NULL_DISPLAY_NAME - displayData.name is NULL
 * * FWP_E_INVALID_PARAMETER - a text of displayData has a value that is no Unicode character
 * * FWP_E_INVALID_FLAGS - unknown bits; PERSISTENT with BOOTTIME; DISABLED or INDEXED, which are
 *   never set on add; PERMIT_IF_CALLOUT_UNREGISTERED with an action that is neither
 *   CALLOUT_TERMINATING nor CALLOUT_UNKNOWN
 * * FWP_E_RESERVED - @reserved is not NULL
 * * FWP_E_LAYER_NOT_FOUND - @layerKey is no layer
 * * FWP_E_SUBLAYER_NOT_FOUND - @subLayerKey is neither null nor a sublayer
 * * FWP_E_PROVIDER_NOT_FOUND - @providerKey is no provider
 * * FWP_E_PROVIDER_CONTEXT_NOT_FOUND - @providerContextKey is no provider context
 * * FWP_E_TOO_MANY_SUBLAYERS - packets are judged by filters of 32 other sublayers already
 * * FWP_E_LIFETIME_MISMATCH - the provider, the sublayer, the callout or the provider context belongs to a
 *   dynamic session, and the filter to another or to none
 * * FWP_E_INVALID_ACTION_TYPE - action.type is another one
 * * FWP_E_CALLOUT_NOT_FOUND - action.calloutKey is no callout
 * * FWP_E_INCOMPATIBLE_LAYER - it is an IPsec callout of the other direction or family, or an added one
 *   with another applicableLayer
 * * FWP_E_INVALID_WEIGHT - @weight is of another type, or FWP_UINT8 and above 15
 * * FWP_E_CONDITION_NOT_FOUND - a fieldKey is no field of the layer
 * * FWP_E_INVALID_ENUMERATOR - a match type or data type has a value outside its enumeration
 * * FWP_E_TYPE_MISMATCH - the type of a condition's value is not that of its field
 * * FWP_E_MATCH_TYPE_MISMATCH - the match type cannot be used with the value's type
 * * FWP_E_INVALID_RANGE - low above high, or two ends of different types
 * * FWP_E_INVALID_NET_MASK - an IPv4 mask with a gap, or an IPv6 prefix longer than 128
 * * FWP_E_ALREADY_EXISTS - a filter has this @filterKey
 * * ERROR_NOT_SUPPORTED - valid on Windows and not here yet: another layer; another field or match
 *   type; PERSISTENT, BOOTTIME or another flag than those above; an @sd
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full; the conditions come to more than 256
 *   combinations of prefixes, protocols and ports; all filters of the layer together look at more
 *   than 32 combinations of prefix lengths and fields; 40 filters have the same prefixes, protocol
 *   and single ports already; names, data and conditions take more than 1 MiB
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmFilterAdd0 function (fwpmu.h)", "FWPM_FILTER0 structure (fwpmtypes.h)", "Filter
 * Weight Assignment", "FWP_MATCH_TYPE enumeration (fwptypes.h)".
 */
DWORD FwpmFilterAdd0(HANDLE engineHandle, const FWPM_FILTER0 *filter, PSECURITY_DESCRIPTOR sd,
		     UINT64 *id);

/**
 * FwpmFilterDeleteById0() - delete a filter
 * @engineHandle: an open session. If it is dynamic, the filter must be its own.
 * @id: the filter's id.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_INCOMPATIBLE_TXN - the session is in a read-only transaction
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_FILTER_NOT_FOUND - no filter has this id
 * * FWP_E_IN_USE - SA contexts use the filter, as ipsecFilterId of their outbound or inbound
 *   traffic; delete these first
 * * FWP_E_WRONG_SESSION - the filter belongs to another dynamic session
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic and the filter is not
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "FwpmFilterDeleteById0 function (fwpmu.h)"; "Object Management" (Windows Filtering
 * Platform) for sessions and references.
 */
DWORD FwpmFilterDeleteById0(HANDLE engineHandle, UINT64 id);

/**
 * FwpmFilterDeleteByKey0() - delete a filter
 * @engineHandle: an open session. If it is dynamic, the filter must be its own.
 * @key: the filter's key.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return: the codes of FwpmFilterDeleteById0(), for the same causes, and FWP_E_NULL_POINTER when @key
 * is NULL.
 *
 * Source: "FwpmFilterDeleteByKey0 function (fwpmu.h)".
 */
DWORD FwpmFilterDeleteByKey0(HANDLE engineHandle, const GUID *key);

/**
 * FwpmFilterGetById0() - return a copy of a filter
 * @engineHandle: an open session.
 * @id: the filter's id.
 * @filter: receives a pointer to the copy: what was added, with filterKey, subLayerKey, filterId
 *	and effectiveWeight (FWP_UINT64) filled in. The caller's; freed with FwpmFreeMemory0().
 *
 * In an explicit transaction the filter is as the transaction has left it.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @filter is NULL
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * FWP_E_FILTER_NOT_FOUND - no filter has this id
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmFilterGetById0 function (fwpmu.h)".
 */
DWORD FwpmFilterGetById0(HANDLE engineHandle, UINT64 id, FWPM_FILTER0 **filter);

/**
 * FwpmFilterGetByKey0() - return a copy of a filter
 * @engineHandle: an open session.
 * @key: the filter's key.
 * @filter: as with FwpmFilterGetById0().
 *
 * Context: Any thread.
 *
 * Return: the codes of FwpmFilterGetById0(), for the same causes, and FWP_E_NULL_POINTER also when @key
 * is NULL.
 *
 * Source: "FwpmFilterGetByKey0 function (fwpmu.h)".
 */
DWORD FwpmFilterGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_FILTER0 **filter);

/**
 * FwpmFilterCreateEnumHandle0() - begin to enumerate filters
 * @engineHandle: an open session.
 * @enumTemplate: NULL: all filters. Members:
 *	@providerKey: NULL, or only filters of this provider;
 *	@layerKey: null GUID, or only filters at this layer;
 *	@numFilterConditions, @filterCondition: none, or conditions as a filter's, one a field;
 *	@enumType: FWP_FILTER_ENUM_FULLY_CONTAINED: only filters that hold for all traffic the
 *	conditions hold for; FWP_FILTER_ENUM_OVERLAPPING: for some of it;
 *	@flags: 0, or FWP_FILTER_ENUM_FLAG_*: SORTED: in the order in which packets are judged, by
 *	layer, heavier sublayers first, then heavier filters; BEST_TERMINATING_MATCH: only, of each
 *	sublayer of each layer, the heaviest filter among those that are meant whose action decides,
 *	sorted as well; BOOTTIME_ONLY: none, as there are no boot-time filters yet;
 *	INCLUDE_BOOTTIME, INCLUDE_DISABLED;
 *	@providerContextTemplate: NULL, or only filters that name a provider context of its
 *	providerContextType and, unless that is NULL, its providerKey;
 *	@actionMask: only filters whose action type has one of these bits; 0xFFFFFFFF: any action;
 *	@calloutKey: NULL, or only filters with this callout.
 * @enumHandle: receives the handle, to be ended with FwpmFilterDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * What FwpmFilterEnum0() returns is decided now: the filters in the order they were added, unless
 * @flags says another. In an explicit transaction they are as the transaction has left them.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL
 * * FWP_E_NULL_POINTER - @filterCondition is NULL and there are conditions, or a value of one that is a
 *   pointer is NULL
 * * FWP_E_LAYER_NOT_FOUND - @layerKey is no layer, or null and there are conditions
 * * FWP_E_INVALID_ENUMERATOR - @enumType, providerContextType, a match type or a data type has a value
 *   outside its enumeration
 * * FWP_E_INVALID_FLAGS - unknown bits in @flags
 * * FWP_E_INVALID_PARAMETER - @calloutKey is given and FWP_ACTION_FLAG_CALLOUT is not in @actionMask
 * * FWP_E_DUPLICATE_CONDITION - two conditions are on one field
 * * FWP_E_CONDITION_NOT_FOUND, FWP_E_TYPE_MISMATCH, FWP_E_MATCH_TYPE_MISMATCH, FWP_E_INVALID_RANGE,
 *   FWP_E_INVALID_NET_MASK - a condition is not one of a filter at the layer, as with
 *   FwpmFilterAdd0()
 * * ERROR_NOT_SUPPORTED - conditions at a layer that packets are not judged at, or on a field or of a
 *   match type that filters cannot have yet
 * * ERROR_NO_SYSTEM_RESOURCES - the conditions come to more than 256 combinations
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TXN_ABORTED - in a read-only transaction: what it may still see was reclaimed
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmFilterCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmFilterCreateEnumHandle0(HANDLE engineHandle,
				  const FWPM_FILTER_ENUM_TEMPLATE0 *enumTemplate,
				  HANDLE *enumHandle);

/**
 * FwpmFilterEnum0() - return the next filters of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmFilterCreateEnumHandle0().
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
 *   @enumHandle is no enumeration of filters of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmFilterEnum0 function (fwpmu.h)".
 */
DWORD FwpmFilterEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		      FWPM_FILTER0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmFilterDestroyEnumHandle0() - end an enumeration of filters
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmFilterCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of filters of this session
 *
 * Source: "FwpmFilterDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmFilterDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_FILTER_H */
