/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an instance has as a whole: enumerations of SA contexts and of SAs, and statistics, of
 * whatever process made them. An enumeration goes:
 *
 *	err = IPsecSaContextCreateEnumHandle0(engine, NULL, &handle);
 *	do {
 *		err = IPsecSaContextEnum1(engine, handle, 100, &entries, &count);
 *		...entries[0] to entries[count - 1]...
 *		FwpmFreeMemory0((void **)&entries);
 *	} while (!err && count == 100);
 *	IPsecSaContextDestroyEnumHandle0(engine, handle);
 *
 * What is enumerated is a snapshot of one moment, taken when the handle is made: nobody else's
 * change after it is seen, and nothing is there in part.
 */
#ifndef FWP_SA_H
#define FWP_SA_H

#include "../ipsectypes.h"
#include "../fwpmtypes.h"
#include "error.h"

FWP_BEGIN_DECLS

/* --- SA contexts ---------------------------------------------------------------------------------- */

/**
 * IPsecSaContextCreateEnumHandle0() - take a snapshot of SA contexts, to be enumerated
 * @engineHandle: an open session.
 * @enumTemplate: which contexts; copied. NULL: all. Members, of which both must hold:
 *	@localSubNet: the subnet that the local address lies on, in one of these forms: FWP_EMPTY:
 *	any; FWP_UINT32: one IPv4 address, host order; FWP_V4_ADDR_MASK: host order;
 *	FWP_BYTE_ARRAY16_TYPE: one IPv6 address; FWP_V6_ADDR_MASK. IPv6 in network order, also in a
 *	session with the quirk "v6-reversed", which is about traffic and endpoints;
 *	@remoteSubNet: likewise of the remote address.
 *	The addresses are those of the context's traffic, which are the same in both directions; in
 *	tunnel mode those of the tunnel. A context without bundles is enumerated too.
 * @enumHandle: receives the handle, which is this session's alone; freed by
 *	IPsecSaContextDestroyEnumHandle0() or with the session.
 *
 * The snapshot takes memory of the calling process: some 500 bytes a context.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the engine handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL; a subnet or an address of @enumTemplate is
 * * FWP_E_TYPE_MISMATCH - a subnet of @enumTemplate is of another type
 * * FWP_E_INVALID_NET_MASK - an IPv4 mask has a gap, or a prefix is longer than 128
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "IPsecSaContextCreateEnumHandle0 function (fwpmu.h)", "IPSEC_SA_CONTEXT_ENUM_TEMPLATE0
 * structure (ipsectypes.h)".
 */
DWORD IPsecSaContextCreateEnumHandle0(HANDLE engineHandle,
				      const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
				      HANDLE *enumHandle);

/**
 * IPsecSaContextEnum1() - return the next SA contexts of a snapshot
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from IPsecSaContextCreateEnumHandle0().
 * @numEntriesRequested: return no more than so many.
 * @entries: receives an array of pointers to contexts, in the order in which they were made, each
 *	as IPsecSaContextGetById1() returns it. The caller's; the array alone is freed, with
 *	FwpmFreeMemory0(), and the contexts with it. NULL when there are none.
 * @numEntriesReturned: receives their number. Fewer than were requested: there are no more.
 *
 * On failure nothing is skipped: the next call returns what this one would have.
 *
 * Context: Any thread. Threads that share @enumHandle get different contexts.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the engine handle is NULL, closed, none of ours, or inherited over
 *   fork(); or @enumHandle is not an open handle of this session that
 *   IPsecSaContextCreateEnumHandle0() made
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "IPsecSaContextEnum1 function (fwpmu.h)".
 */
DWORD IPsecSaContextEnum1(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			  IPSEC_SA_CONTEXT1 ***entries, UINT32 *numEntriesReturned);

/**
 * IPsecSaContextEnum0() - return the next SA contexts of a snapshot, in their older form
 * @engineHandle: as with IPsecSaContextEnum1().
 * @enumHandle: as with IPsecSaContextEnum1(). Calls of both forms may take turns.
 * @numEntriesRequested: as with IPsecSaContextEnum1().
 * @entries: as with IPsecSaContextEnum1(); each context as IPsecSaContextGetById0() returns it.
 * @numEntriesReturned: as with IPsecSaContextEnum1().
 *
 * Context: as IPsecSaContextEnum1().
 *
 * Return: the codes of IPsecSaContextEnum1(), for the same causes.
 *
 * Source: "IPsecSaContextEnum0 function (fwpmu.h)".
 */
DWORD IPsecSaContextEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			  IPSEC_SA_CONTEXT0 ***entries, UINT32 *numEntriesReturned);

/**
 * IPsecSaContextDestroyEnumHandle0() - free a snapshot of SA contexts
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from IPsecSaContextCreateEnumHandle0(). Invalid from now on; what was returned of it
 *	stays.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS - also when the engine was unloaded
 * * ERROR_INVALID_HANDLE - the engine handle is NULL, closed, none of ours, or inherited over
 *   fork(); or @enumHandle is not an open handle of this session that
 *   IPsecSaContextCreateEnumHandle0() made
 *
 * Source: "IPsecSaContextDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD IPsecSaContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/* --- SAs ------------------------------------------------------------------------------------------- */

/**
 * IPsecSaCreateEnumHandle0() - take a snapshot of SAs, to be enumerated
 * @engineHandle: an open session.
 * @enumTemplate: which SAs; copied. NULL: all. Member @saDirection: FWP_DIRECTION_INBOUND or
 *	FWP_DIRECTION_OUTBOUND.
 * @enumHandle: receives the handle, which is this session's alone; freed by
 *	IPsecSaDestroyEnumHandle0() or with the session.
 *
 * An entry is one direction of a context that has its bundle: ESP and AH in one bundle are one
 * entry. What traffic an SA carried is in saxdp_sa_list().
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the engine handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL
 * * FWP_E_INVALID_ENUMERATOR - saDirection is another one
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "IPsecSaCreateEnumHandle0 function (fwpmu.h)", "IPSEC_SA_ENUM_TEMPLATE0 structure
 * (ipsectypes.h)".
 */
DWORD IPsecSaCreateEnumHandle0(HANDLE engineHandle, const IPSEC_SA_ENUM_TEMPLATE0 *enumTemplate,
			       HANDLE *enumHandle);

/**
 * IPsecSaEnum1() - return the next SAs of a snapshot
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from IPsecSaCreateEnumHandle0().
 * @numEntriesRequested: return no more than so many.
 * @entries: receives an array of pointers to SAs, ordered by context, the inbound one first, each
 *	as in inboundSa or outboundSa of IPsecSaContextGetById1(). The caller's; the array alone is
 *	freed, with FwpmFreeMemory0(), and the SAs with it. NULL when there are none.
 * @numEntriesReturned: receives their number. Fewer than were requested: there are no more.
 *
 * On failure nothing is skipped: the next call returns what this one would have.
 *
 * Context: Any thread. Threads that share @enumHandle get different SAs.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the engine handle is NULL, closed, none of ours, or inherited over
 *   fork(); or @enumHandle is not an open handle of this session that IPsecSaCreateEnumHandle0()
 *   made
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "IPsecSaEnum1 function (fwpmu.h)".
 */
DWORD IPsecSaEnum1(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		   IPSEC_SA_DETAILS1 ***entries, UINT32 *numEntriesReturned);

/**
 * IPsecSaEnum0() - return the next SAs of a snapshot, in their older form
 * @engineHandle: as with IPsecSaEnum1().
 * @enumHandle: as with IPsecSaEnum1(). Calls of both forms may take turns.
 * @numEntriesRequested: as with IPsecSaEnum1().
 * @entries: as with IPsecSaEnum1(); each SA as in IPsecSaContextGetById0().
 * @numEntriesReturned: as with IPsecSaEnum1().
 *
 * Context: as IPsecSaEnum1().
 *
 * Return: the codes of IPsecSaEnum1(), for the same causes.
 *
 * Source: "IPsecSaEnum0 function (fwpmu.h)".
 */
DWORD IPsecSaEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		   IPSEC_SA_DETAILS0 ***entries, UINT32 *numEntriesReturned);

/**
 * IPsecSaDestroyEnumHandle0() - free a snapshot of SAs
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from IPsecSaCreateEnumHandle0(). Invalid from now on; what was returned of it stays.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS - also when the engine was unloaded
 * * ERROR_INVALID_HANDLE - the engine handle is NULL, closed, none of ours, or inherited over
 *   fork(); or @enumHandle is not an open handle of this session that IPsecSaCreateEnumHandle0()
 *   made
 *
 * Source: "IPsecSaDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD IPsecSaDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/* --- statistics ------------------------------------------------------------------------------------ */

/**
 * IPsecGetStatistics1() - return counts of the whole instance
 * @engineHandle: an open session that is not in an explicit transaction.
 * @ipsecStatistics: receives the counts. Bytes are those of whole IP packets. UINT32 members go on
 *	from 0 after 4,294,967,295. Members that the engine cannot know are 0: it decrypts nothing,
 *	so sees no failure to, and keeps no history of SAs.
 *	@aggregateSaStatistics:
 *	  activeSas: SAs, as many as IPsecSaEnum1() returns;
 *	  pendingSaNegotiations: contexts without an outbound bundle;
 *	  activeTunnels: tunnels in tunnel mode that have a context;
 *	  totalSasAdded, totalSasDeleted, successfulRekeys, offloadedSas: 0.
 *	@espDropPacketStatistics, @ahDropPacketStatistics: 0; an unknown SPI is counted for both
 *	together.
 *	@aggregateDropPacketStatistics: what is counted here was passed on in monitor mode;
 *	  invalidSpisOnInbound: ESP and AH packets to an address that contexts have, without an SA;
 *	  invalidClearTextInbound: clear packets that a filter says must have arrived protected;
 *	  totalDropPacketsInbound: the sum of both;
 *	  the others: 0.
 *	@inboundTrafficStatistics, @outboundTrafficStatistics:
 *	  encryptedByteCount, authenticatedAHByteCount, authenticatedESPByteCount: by SAs that exist,
 *	  whose transform says so; what an SA has counted leaves them when it is deleted;
 *	  transportByteCount, tunnelByteCount, totalSuccessfulPackets: by all SAs, also deleted ones;
 *	  what has gone by in tunnels without contexts is forgotten when their place is needed;
 *	  offloadByteCount: 0.
 *
 * The counts go on while they are read, so those of two members need not be of one moment.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @ipsecStatistics is NULL
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * ERROR_ACCESS_DENIED - the process may not read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "IPsecGetStatistics1 function (fwpmu.h)", "IPSEC_STATISTICS1 structure (ipsectypes.h)".
 */
DWORD IPsecGetStatistics1(HANDLE engineHandle, IPSEC_STATISTICS1 *ipsecStatistics);

/**
 * IPsecGetStatistics0() - return counts of the whole instance in their older form
 * @engineHandle: as with IPsecGetStatistics1().
 * @ipsecStatistics: as with IPsecGetStatistics1(), without totalDropPacketsInbound and
 *	totalSuccessfulPackets.
 *
 * Context: as IPsecGetStatistics1().
 *
 * Return: the codes of IPsecGetStatistics1(), for the same causes.
 *
 * Source: "IPsecGetStatistics0 function (fwpmu.h)", "IPSEC_STATISTICS0 structure (ipsectypes.h)".
 */
DWORD IPsecGetStatistics0(HANDLE engineHandle, IPSEC_STATISTICS0 *ipsecStatistics);

FWP_END_DECLS

#endif /* FWP_SA_H */
