/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * SA contexts: the pair of an inbound and an outbound SA bundle that secures some traffic between
 * two addresses. A context is made empty and filled in this order:
 *
 *	err = IPsecSaContextCreate1(engine, &traffic, NULL, &inbound_filter, &id);
 *	err = IPsecSaContextGetSpi1(engine, id, &get_spi, &spi);	or IPsecSaContextSetSpi0()
 *	err = IPsecSaContextAddInbound1(engine, id, &inbound);		its SPI is spi
 *	err = IPsecSaContextAddOutbound1(engine, id, &outbound);	its SPI is the peer's
 *	...
 *	err = IPsecSaContextDeleteById0(engine, id);
 *
 * Every other order is FWP_E_INCOMPATIBLE_SA_STATE. A rekey is a second context for the same policy
 * and addresses, after which the first is deleted: the tunnel, its steering and its totals live on.
 *
 * A context does not belong to the session that made it: it stays until it is deleted or the
 * instance is unloaded. Its policy (the filters or the tunnel policy) cannot be deleted before it.
 *
 * Byte order: IPv4 addresses, ports and SPIs in host order; IPv6 addresses in network order, unless
 * the session was told otherwise (saxdp.h, quirk "v6-reversed").
 *
 * Source: "Manual SA Keying" (Windows Filtering Platform), "IPsec SA Context Access Control".
 */
#ifndef FWP_SA_CONTEXT_H
#define FWP_SA_CONTEXT_H

#include "../ipsectypes.h"
#include "../fwpmtypes.h"
#include "error.h"

FWP_BEGIN_DECLS

/**
 * IPsecSaContextCreate1() - create an SA context, without SAs yet
 * @engineHandle: an open session that is neither dynamic nor in an explicit transaction.
 * @outboundTraffic: the traffic that goes out; copied. Members:
 *	@ipVersion: FWP_IP_VERSION_V4 or FWP_IP_VERSION_V6; in tunnel mode of the outer header;
 *	@localV4Address, @localV6Address, @remoteV4Address, @remoteV6Address: the two ends, in
 *	tunnel mode of the tunnel. Unicast: neither 0.0.0.0, 255.255.255.255, :: nor multicast;
 *	@trafficType: IPSEC_TRAFFIC_TYPE_TRANSPORT or IPSEC_TRAFFIC_TYPE_TUNNEL;
 *	@ipsecFilterId: in transport mode, the id of a filter at the outbound transport layer of the
 *	same family;
 *	@tunnelPolicyId: in tunnel mode, the id of a tunnel policy of the same family;
 *	@localPort, @remotePort, @ipProtocol: in transport mode, narrow the filter, 0 = as the
 *	filter says; a port needs a protocol that has ports (TCP 6, UDP 17, DCCP 33, SCTP 132,
 *	UDP-Lite 136), from @ipProtocol or, where that is 0, from the filter. In tunnel mode 0;
 *	@localIfLuid, @realIfProfileId: kept and returned.
 * @virtualIfTunnelInfo: the virtual interface that inbound packets of the context belong to;
 *	copied. virtualIfTunnelId is the caller's own number, which saxdp_virtual_if_bind() binds to
 *	a network interface; while it is unbound, packets are passed to the stack and counted.
 *	trafficSelectorId is kept and returned. NULL: none.
 * @inboundFilterId: receives the id of the inbound filter that corresponds to @outboundTraffic: at
 *	the inbound transport layer of the same family, with the same conditions, local and remote
 *	as in the outbound one; of several the one of highest weight. 0: there is none. May be NULL.
 * @id: receives the context's id, which is not given again while the instance lives.
 *
 * On failure @inboundFilterId and @id are untouched.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @outboundTraffic or @id is NULL
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic
 * * ERROR_ACCESS_DENIED - the process does not have FWPM_ACTRL_ADD on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_INVALID_ENUMERATOR - @ipVersion or @trafficType is another one
 * * FWP_E_INVALID_PARAMETER - in transport mode, an address is not unicast, or a port is given and
 *   the protocol has none; in tunnel mode, a port or a protocol is given; the filter or the policy
 *   is of the other family
 * * FWP_E_INVALID_TUNNEL_ENDPOINT - in tunnel mode, an address is not unicast
 * * FWP_E_FILTER_NOT_FOUND - @ipsecFilterId is no filter
 * * FWP_E_INCOMPATIBLE_LAYER - the filter is not at an outbound transport layer
 * * FWP_E_PROVIDER_CONTEXT_NOT_FOUND - @tunnelPolicyId is no provider context
 * * FWP_E_PROVIDER_CONTEXT_MISMATCH - the provider context is no tunnel policy
 * * FWP_E_LIFETIME_MISMATCH - the filter or the policy ends with a dynamic session
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full: it holds as many contexts as it was
 *   loaded for
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "IPsecSaContextCreate1 function (fwpmu.h)", "IPSEC_TRAFFIC1 structure (ipsectypes.h)",
 * "IPSEC_VIRTUAL_IF_TUNNEL_INFO0 structure (ipsectypes.h)"; RFC 4301 4.1 and 4.4.1.1 for which
 * traffic an SA can carry.
 */
DWORD IPsecSaContextCreate1(HANDLE engineHandle, const IPSEC_TRAFFIC1 *outboundTraffic,
			    const IPSEC_VIRTUAL_IF_TUNNEL_INFO0 *virtualIfTunnelInfo,
			    UINT64 *inboundFilterId, UINT64 *id);

/**
 * IPsecSaContextCreate0() - create an SA context in its older form
 * @engineHandle: as with IPsecSaContextCreate1().
 * @outboundTraffic: as with IPsecSaContextCreate1(), without localPort, ipProtocol, localIfLuid and
 *	realIfProfileId, which count as 0.
 * @inboundFilterId: as with IPsecSaContextCreate1(). May be NULL.
 * @id: as with IPsecSaContextCreate1().
 *
 * The context has no virtual interface. All other calls, of either form, take it.
 *
 * Context: as IPsecSaContextCreate1().
 *
 * Return: the codes of IPsecSaContextCreate1(), for the same causes.
 *
 * Source: "IPsecSaContextCreate0 function (fwpmu.h)", "IPSEC_TRAFFIC0 structure (ipsectypes.h)".
 */
DWORD IPsecSaContextCreate0(HANDLE engineHandle, const IPSEC_TRAFFIC0 *outboundTraffic,
			    UINT64 *inboundFilterId, UINT64 *id);

/**
 * IPsecSaContextDeleteById0() - delete an SA context and its SAs
 * @engineHandle: an open session that is neither dynamic nor in an explicit transaction.
 * @id: the context's id.
 *
 * Both directions end at once. What the SAs have counted is added to the tunnel's totals.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic
 * * ERROR_ACCESS_DENIED - the process does not have DELETE on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NOT_FOUND - no context has this id
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "IPsecSaContextDeleteById0 function (fwpmu.h)".
 */
DWORD IPsecSaContextDeleteById0(HANDLE engineHandle, UINT64 id);

/**
 * IPsecSaContextGetById1() - return a copy of an SA context
 * @engineHandle: an open session.
 * @id: the context's id.
 * @saContext: receives a pointer to the copy. inboundSa and outboundSa are NULL until their bundle
 *	was added; a bundle that was added with a BUNDLE0 has saLookupContext and qmFilterId 0. Keys
 *	are never returned: authKey and cipherKey are empty (size 0, data NULL). transportFilter is
 *	a copy of the filter of that direction, NULL in tunnel mode. The caller's; freed with
 *	FwpmFreeMemory0().
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @saContext is NULL
 * * ERROR_ACCESS_DENIED - the process does not have FWPM_ACTRL_READ on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_NOT_FOUND - no context has this id
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "IPsecSaContextGetById1 function (fwpmu.h)", "IPSEC_SA_DETAILS1 structure
 * (ipsectypes.h)".
 */
DWORD IPsecSaContextGetById1(HANDLE engineHandle, UINT64 id, IPSEC_SA_CONTEXT1 **saContext);

/**
 * IPsecSaContextGetById0() - return a copy of an SA context in its older form
 * @engineHandle: as with IPsecSaContextGetById1().
 * @id: as with IPsecSaContextGetById1().
 * @saContext: as with IPsecSaContextGetById1(), without what IPSEC_SA_DETAILS0 and its members do
 *	not have: localPort, ipProtocol, localIfLuid, realIfProfileId, saLookupContext, qmFilterId,
 *	virtualIfTunnelInfo. The context may have been made by either form.
 *
 * Context: Any thread.
 *
 * Return: the codes of IPsecSaContextGetById1(), for the same causes.
 *
 * Source: "IPsecSaContextGetById0 function (fwpmu.h)", "IPSEC_SA_DETAILS0 structure
 * (ipsectypes.h)".
 */
DWORD IPsecSaContextGetById0(HANDLE engineHandle, UINT64 id, IPSEC_SA_CONTEXT0 **saContext);

/**
 * IPsecSaContextGetSpi1() - have an inbound SPI chosen
 * @engineHandle: an open session that is not in an explicit transaction.
 * @id: the context's id.
 * @getSpi: the traffic that comes in; copied. Members:
 *	@inboundIpsecTraffic: as the context's outbound traffic, with this host as local in both:
 *	the same type, family and addresses, in transport mode ports and protocol, in tunnel mode
 *	policy. In transport mode ipsecFilterId is the id of a filter at the inbound transport layer
 *	of the family;
 *	@ipVersion: that of the traffic;
 *	@inboundUdpEncapsulation: with FWP_IP_VERSION_V4, the ports of ESP in UDP in host order, or
 *	NULL where there is no NAT; otherwise ignored;
 *	@rngCryptoModuleID: ignored.
 * @inboundSpi: receives the SPI, in host order: random, at least 256, and no other context's for
 *	this local address.
 *
 * May be repeated before IPsecSaContextAddInbound1() with the same traffic, and then returns the
 * same SPI.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @getSpi or @inboundSpi is NULL
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * ERROR_ACCESS_DENIED - the process does not have FWPM_ACTRL_ADD on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_INVALID_ENUMERATOR - an ipVersion or trafficType is another one
 * * FWP_E_INVALID_PARAMETER - the two ipVersions differ; in transport mode, an address is not
 *   unicast, a port is given and the protocol has none, or the filter is of the other family; in
 *   tunnel mode, a port or a protocol is given
 * * FWP_E_INVALID_TUNNEL_ENDPOINT - in tunnel mode, an address is not unicast
 * * FWP_E_NOT_FOUND - no context has this id
 * * FWP_E_INCOMPATIBLE_SA_STATE - the SPI was set with IPsecSaContextSetSpi0(), or the inbound
 *   bundle was added
 * * FWP_E_TRAFFIC_MISMATCH - the traffic is not the context's, or not that of an earlier call
 * * FWP_E_FILTER_NOT_FOUND - ipsecFilterId is no filter
 * * FWP_E_INCOMPATIBLE_LAYER - the filter is not at an inbound transport layer
 * * FWP_E_LIFETIME_MISMATCH - the filter ends with a dynamic session
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full, or no SPI was found that is free
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "IPsecSaContextGetSpi1 function (fwpmu.h)", "IPSEC_GETSPI1 structure (ipsectypes.h)";
 * RFC 4303 2.1 for the values; RFC 4301 4.1: an SA is found by destination, SPI and protocol.
 */
DWORD IPsecSaContextGetSpi1(HANDLE engineHandle, UINT64 id, const IPSEC_GETSPI1 *getSpi,
			    IPSEC_SA_SPI *inboundSpi);

/**
 * IPsecSaContextGetSpi0() - have an inbound SPI chosen, in its older form
 * @engineHandle: as with IPsecSaContextGetSpi1().
 * @id: as with IPsecSaContextGetSpi1().
 * @getSpi: as with IPsecSaContextGetSpi1(). What IPSEC_TRAFFIC0 cannot say is as the context has
 *	it: its local port and its protocol.
 * @inboundSpi: as with IPsecSaContextGetSpi1(). Both forms return the same SPI for a context.
 *
 * Context: as IPsecSaContextGetSpi1().
 *
 * Return: the codes of IPsecSaContextGetSpi1(), for the same causes.
 *
 * Source: "IPsecSaContextGetSpi0 function (fwpmu.h)", "IPSEC_GETSPI0 structure (ipsectypes.h)".
 */
DWORD IPsecSaContextGetSpi0(HANDLE engineHandle, UINT64 id, const IPSEC_GETSPI0 *getSpi,
			    IPSEC_SA_SPI *inboundSpi);

/**
 * IPsecSaContextSetSpi0() - choose the inbound SPI
 * @engineHandle: an open session that is not in an explicit transaction.
 * @id: the context's id.
 * @getSpi: as with IPsecSaContextGetSpi1(), whose place this call takes.
 * @inboundSpi: the SPI, in host order, at least 256.
 *
 * Until the inbound bundle says whether the SPI is for ESP or AH, no other context can have it for
 * this local address; from then on one of the other protocol can.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @getSpi is NULL
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * ERROR_ACCESS_DENIED - the process does not have FWPM_ACTRL_ADD on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_OUT_OF_BOUNDS - @inboundSpi is 0 or one of the reserved 1 to 255
 * * FWP_E_INVALID_ENUMERATOR - an ipVersion or trafficType is another one
 * * FWP_E_INVALID_PARAMETER - the two ipVersions differ; in transport mode, an address is not
 *   unicast, a port is given and the protocol has none, or the filter is of the other family; in
 *   tunnel mode, a port or a protocol is given
 * * FWP_E_INVALID_TUNNEL_ENDPOINT - in tunnel mode, an address is not unicast
 * * FWP_E_NOT_FOUND - no context has this id
 * * FWP_E_INCOMPATIBLE_SA_STATE - the context has an SPI
 * * FWP_E_TRAFFIC_MISMATCH - the traffic is not the context's
 * * FWP_E_FILTER_NOT_FOUND - ipsecFilterId is no filter
 * * FWP_E_INCOMPATIBLE_LAYER - the filter is not at an inbound transport layer
 * * FWP_E_LIFETIME_MISMATCH - the filter ends with a dynamic session
 * * FWP_E_ALREADY_EXISTS - another context has this SPI for the local address
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "IPsecSaContextSetSpi0 function (fwpmu.h)", "IPSEC_GETSPI1 structure (ipsectypes.h)";
 * RFC 4303 2.1 for the values.
 */
DWORD IPsecSaContextSetSpi0(HANDLE engineHandle, UINT64 id, const IPSEC_GETSPI1 *getSpi,
			    IPSEC_SA_SPI inboundSpi);

/**
 * IPsecSaContextAddInbound1() - add the inbound SA bundle
 * @engineHandle: an open session that is not in an explicit transaction.
 * @id: the id of a context that has an SPI and no inbound bundle.
 * @inboundBundle: the SAs; copied, except the keys, which are checked and forgotten. Members:
 *	@flags: IPSEC_SA_BUNDLE_FLAG_*;
 *	@lifetime, @idleTimeoutSeconds: seconds, kilobytes, packets, seconds; each 0 = no limit;
 *	@numSAs, @saList: one SA, or ESP at 0 and AH at 1. The SPI of the first is the context's;
 *	all are in host order. Transforms and key lengths stand with IPSEC_SA0 in ipsectypes.h;
 *	@ipVersion: that of the context's traffic;
 *	@peerV4PrivateAddress: with FWP_IP_VERSION_V4, the address that a peer behind a NAT has
 *	there, in host order, or 0;
 *	@ndAllowClearTimeoutSeconds, @ipsecId, @napContext, @qmSaId, @keyModuleState, @mmSaId,
 *	@pfsGroup, @saLookupContext, @qmFilterId: kept and returned; pointers may be NULL.
 *
 * From now on packets with this destination, SPI and protocol are counted and steered.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @inboundBundle, its @saList, the information of an SA, the data of a key
 *   or of @keyModuleState that has a size, or the tokens of @ipsecId, if it has some, are NULL
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * ERROR_ACCESS_DENIED - the process does not have FWPM_ACTRL_ADD on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_ZERO_LENGTH_ARRAY - @numSAs is 0
 * * FWP_E_OUT_OF_BOUNDS - @numSAs is above 2; an SPI is 0 or one of the reserved 1 to 255;
 *   @ipsecId and @keyModuleState have more than 48,960 bytes together
 * * FWP_E_INVALID_FLAGS - unknown bits; CLEAR_DF_ON_TUNNEL, FORCE_OUTBOUND_CONNECTIONS or
 *   FORWARD_PATH_INITIATOR in transport mode
 * * FWP_E_INVALID_ENUMERATOR - @ipVersion, @pfsGroup, or the type of an SA or of an algorithm has a
 *   value outside its enumeration
 * * FWP_E_INVALID_AUTH_TRANSFORM - no algorithm has this authType and authConfig, or it has another
 *   key length
 * * FWP_E_INVALID_CIPHER_TRANSFORM - no algorithm has this cipherType and cipherConfig, or it has
 *   another key length
 * * FWP_E_INVALID_TRANSFORM_COMBINATION - AES-GCM without AES-GCM of the same key length on the
 *   other side; two SAs that are not ESP and AH, in this order
 * * FWP_E_INVALID_PARAMETER - @ipVersion is not that of the context; the first SPI is not the
 *   context's; a name in @ipsecId is no Unicode text
 * * ERROR_NOT_SUPPORTED - a cryptoModuleId is not NULL
 * * FWP_E_NOT_FOUND - no context has this id
 * * FWP_E_INCOMPATIBLE_SA_STATE - the context has no SPI yet, or has an inbound bundle
 * * FWP_E_ALREADY_EXISTS - another context has one of the SPIs for the local address and the
 *   protocol
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "IPsecSaContextAddInbound1 function (fwpmu.h)", "IPSEC_SA_BUNDLE1 structure
 * (ipsectypes.h)"; RFC 4303 2.1 and RFC 4302 2.4 for SPIs.
 */
DWORD IPsecSaContextAddInbound1(HANDLE engineHandle, UINT64 id,
				const IPSEC_SA_BUNDLE1 *inboundBundle);

/**
 * IPsecSaContextAddInbound0() - add the inbound SA bundle in its older form
 * @engineHandle: as with IPsecSaContextAddInbound1().
 * @id: as with IPsecSaContextAddInbound1().
 * @inboundBundle: as with IPsecSaContextAddInbound1(), without saLookupContext and qmFilterId,
 *	which count as 0.
 *
 * Context: as IPsecSaContextAddInbound1().
 *
 * Return: the codes of IPsecSaContextAddInbound1(), for the same causes.
 *
 * Source: "IPsecSaContextAddInbound0 function (fwpmu.h)", "IPSEC_SA_BUNDLE0 structure
 * (ipsectypes.h)".
 */
DWORD IPsecSaContextAddInbound0(HANDLE engineHandle, UINT64 id,
				const IPSEC_SA_BUNDLE0 *inboundBundle);

/**
 * IPsecSaContextAddOutbound1() - add the outbound SA bundle
 * @engineHandle: an open session that is not in an explicit transaction.
 * @id: the id of a context that has an inbound bundle and no outbound one.
 * @outboundBundle: the SAs, as with IPsecSaContextAddInbound1(); their SPIs are those that the peer
 *	chose.
 *
 * From now on the context is the one that serves its traffic; an older one for the same policy and
 * addresses keeps its SAs until it is deleted. Peers behind one NAT may have chosen the same SPI:
 * their outbound SAs then share one count, which is marked as ambiguous where it is shown.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @outboundBundle, its saList, the information of an SA, the data of a key
 *   or of keyModuleState that has a size, or the tokens of ipsecId, if it has some, are NULL
 * * FWP_E_TXN_IN_PROGRESS - the session is in an explicit transaction
 * * ERROR_ACCESS_DENIED - the process does not have FWPM_ACTRL_ADD on the SA database
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_ZERO_LENGTH_ARRAY - numSAs is 0
 * * FWP_E_OUT_OF_BOUNDS - numSAs is above 2; an SPI is 0 or one of the reserved 1 to 255;
 *   ipsecId and keyModuleState have more than 48,960 bytes together
 * * FWP_E_INVALID_FLAGS - unknown bits; CLEAR_DF_ON_TUNNEL, FORCE_OUTBOUND_CONNECTIONS or
 *   FORWARD_PATH_INITIATOR in transport mode
 * * FWP_E_INVALID_ENUMERATOR - ipVersion, pfsGroup, or the type of an SA or of an algorithm has a
 *   value outside its enumeration
 * * FWP_E_INVALID_AUTH_TRANSFORM - no algorithm has this authType and authConfig, or it has another
 *   key length
 * * FWP_E_INVALID_CIPHER_TRANSFORM - no algorithm has this cipherType and cipherConfig, or it has
 *   another key length
 * * FWP_E_INVALID_TRANSFORM_COMBINATION - AES-GCM without AES-GCM of the same key length on the
 *   other side; two SAs that are not ESP and AH, in this order
 * * FWP_E_INVALID_PARAMETER - ipVersion is not that of the context; a name in ipsecId is no Unicode
 *   text
 * * ERROR_NOT_SUPPORTED - a cryptoModuleId is not NULL
 * * FWP_E_NOT_FOUND - no context has this id
 * * FWP_E_INCOMPATIBLE_SA_STATE - the context has no inbound bundle yet, or has an outbound one
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 *
 * Source: "IPsecSaContextAddOutbound1 function (fwpmu.h)", "IPSEC_SA_BUNDLE1 structure
 * (ipsectypes.h)"; RFC 4303 2.1 and RFC 4302 2.4 for SPIs.
 */
DWORD IPsecSaContextAddOutbound1(HANDLE engineHandle, UINT64 id,
				 const IPSEC_SA_BUNDLE1 *outboundBundle);

/**
 * IPsecSaContextAddOutbound0() - add the outbound SA bundle in its older form
 * @engineHandle: as with IPsecSaContextAddOutbound1().
 * @id: as with IPsecSaContextAddOutbound1().
 * @outboundBundle: as with IPsecSaContextAddOutbound1(), without saLookupContext and qmFilterId,
 *	which count as 0.
 *
 * Context: as IPsecSaContextAddOutbound1().
 *
 * Return: the codes of IPsecSaContextAddOutbound1(), for the same causes.
 *
 * Source: "IPsecSaContextAddOutbound0 function (fwpmu.h)", "IPSEC_SA_BUNDLE0 structure
 * (ipsectypes.h)".
 */
DWORD IPsecSaContextAddOutbound0(HANDLE engineHandle, UINT64 id,
				 const IPSEC_SA_BUNDLE0 *outboundBundle);

FWP_END_DECLS

#endif /* FWP_SA_CONTEXT_H */
