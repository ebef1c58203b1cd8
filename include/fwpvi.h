/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Names without a version, for everything that is declared here and has one: FwpmFilterAdd is
 * FwpmFilterAdd0. fwpmu.h includes this file last, after all that has these names with one.
 *
 * Where there are several versions, a name is the newest that the Windows has which the source is
 * for: NTDDI_VERSION, else _WIN32_WINNT, as they are set before fwpmu.h; without both, the newest.
 * Versions 1 came with Windows 7, versions 2 with Windows 8. What belongs together goes together:
 * a name is never newer than the calls that take it. FWPM_PROVIDER_CONTEXT and the policies that
 * hang on it are those of FwpmProviderContextAdd0, as long as that is the only form of the call.
 *
 * Source: "WFP Version-Independent Names and Targeting Specific Versions of Windows".
 */
#ifndef FWPVI_H
#define FWPVI_H

#if defined(NTDDI_VERSION)
#define FWPVI_TARGET NTDDI_VERSION
#elif defined(_WIN32_WINNT)
#define FWPVI_TARGET (_WIN32_WINNT * 0x10000)
#else
#define FWPVI_TARGET 0x0A000000
#endif

#define FWPVI_WIN7 0x06010000
#define FWPVI_WIN8 0x06020000

/* fwptypes.h */
#define FWP_VALUE	    FWP_VALUE0
#define FWP_RANGE	    FWP_RANGE0
#define FWP_CONDITION_VALUE FWP_CONDITION_VALUE0

/* fwpmtypes.h */
#define FWPM_ACTION			    FWPM_ACTION0
#define FWPM_CALLOUT			    FWPM_CALLOUT0
#define FWPM_CALLOUT_ENUM_TEMPLATE	    FWPM_CALLOUT_ENUM_TEMPLATE0
#define FWPM_CLASSIFY_OPTION		    FWPM_CLASSIFY_OPTION0
#define FWPM_CLASSIFY_OPTIONS		    FWPM_CLASSIFY_OPTIONS0
#define FWPM_DISPLAY_DATA		    FWPM_DISPLAY_DATA0
#define FWPM_FIELD			    FWPM_FIELD0
#define FWPM_FILTER_CONDITION		    FWPM_FILTER_CONDITION0
#define FWPM_FILTER			    FWPM_FILTER0
#define FWPM_FILTER_CHANGE		    FWPM_FILTER_CHANGE0
#define FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0
#define FWPM_FILTER_ENUM_TEMPLATE	    FWPM_FILTER_ENUM_TEMPLATE0
#define FWPM_FILTER_SUBSCRIPTION	    FWPM_FILTER_SUBSCRIPTION0
#define FWPM_LAYER			    FWPM_LAYER0
#define FWPM_LAYER_ENUM_TEMPLATE	    FWPM_LAYER_ENUM_TEMPLATE0
#define FWPM_NET_EVENT_IKEEXT_QM_FAILURE    FWPM_NET_EVENT_IKEEXT_QM_FAILURE0
#define FWPM_NET_EVENT_IPSEC_KERNEL_DROP    FWPM_NET_EVENT_IPSEC_KERNEL_DROP0
#define FWPM_NET_EVENT_IPSEC_DOSP_DROP	    FWPM_NET_EVENT_IPSEC_DOSP_DROP0
#define FWPM_NET_EVENT_CLASSIFY_ALLOW	    FWPM_NET_EVENT_CLASSIFY_ALLOW0
#define FWPM_NET_EVENT_CAPABILITY_DROP	    FWPM_NET_EVENT_CAPABILITY_DROP0
#define FWPM_NET_EVENT_CAPABILITY_ALLOW	    FWPM_NET_EVENT_CAPABILITY_ALLOW0
#define FWPM_NET_EVENT_CLASSIFY_DROP_MAC    FWPM_NET_EVENT_CLASSIFY_DROP_MAC0
#define FWPM_NET_EVENT_ENUM_TEMPLATE	    FWPM_NET_EVENT_ENUM_TEMPLATE0
#define FWPM_NET_EVENT_SUBSCRIPTION	    FWPM_NET_EVENT_SUBSCRIPTION0
#define FWPM_PROVIDER			    FWPM_PROVIDER0
#define FWPM_PROVIDER_ENUM_TEMPLATE	    FWPM_PROVIDER_ENUM_TEMPLATE0
#define FWPM_SESSION			    FWPM_SESSION0
#define FWPM_SESSION_ENUM_TEMPLATE	    FWPM_SESSION_ENUM_TEMPLATE0
#define FWPM_SUBLAYER			    FWPM_SUBLAYER0
#define FWPM_SUBLAYER_ENUM_TEMPLATE	    FWPM_SUBLAYER_ENUM_TEMPLATE0

/* ipsectypes.h */
#define IPSEC_SA_CONTEXT_EVENT_TYPE	     IPSEC_SA_CONTEXT_EVENT_TYPE0
#define IPSEC_ADDRESS_INFO		     IPSEC_ADDRESS_INFO0
#define IPSEC_AGGREGATE_SA_STATISTICS	     IPSEC_AGGREGATE_SA_STATISTICS0
#define IPSEC_AH_DROP_PACKET_STATISTICS	     IPSEC_AH_DROP_PACKET_STATISTICS0
#define IPSEC_AUTH_TRANSFORM_ID		     IPSEC_AUTH_TRANSFORM_ID0
#define IPSEC_AUTH_TRANSFORM		     IPSEC_AUTH_TRANSFORM0
#define IPSEC_CIPHER_TRANSFORM_ID	     IPSEC_CIPHER_TRANSFORM_ID0
#define IPSEC_CIPHER_TRANSFORM		     IPSEC_CIPHER_TRANSFORM0
#define IPSEC_AUTH_AND_CIPHER_TRANSFORM	     IPSEC_AUTH_AND_CIPHER_TRANSFORM0
#define IPSEC_ESP_DROP_PACKET_STATISTICS     IPSEC_ESP_DROP_PACKET_STATISTICS0
#define IPSEC_V4_UDP_ENCAPSULATION	     IPSEC_V4_UDP_ENCAPSULATION0
#define IPSEC_TOKEN			     IPSEC_TOKEN0
#define IPSEC_ID			     IPSEC_ID0
#define IPSEC_KEYMODULE_STATE		     IPSEC_KEYMODULE_STATE0
#define IPSEC_SA_LIFETIME		     IPSEC_SA_LIFETIME0
#define IPSEC_SA_TRANSFORM		     IPSEC_SA_TRANSFORM0
#define IPSEC_PROPOSAL			     IPSEC_PROPOSAL0
#define IPSEC_SA_AUTH_INFORMATION	     IPSEC_SA_AUTH_INFORMATION0
#define IPSEC_SA_CIPHER_INFORMATION	     IPSEC_SA_CIPHER_INFORMATION0
#define IPSEC_SA_AUTH_AND_CIPHER_INFORMATION IPSEC_SA_AUTH_AND_CIPHER_INFORMATION0
#define IPSEC_SA			     IPSEC_SA0
#define IPSEC_VIRTUAL_IF_TUNNEL_INFO	     IPSEC_VIRTUAL_IF_TUNNEL_INFO0
#define IPSEC_SA_CONTEXT_CHANGE		     IPSEC_SA_CONTEXT_CHANGE0
#define IPSEC_SA_CONTEXT_ENUM_TEMPLATE	     IPSEC_SA_CONTEXT_ENUM_TEMPLATE0
#define IPSEC_SA_CONTEXT_SUBSCRIPTION	     IPSEC_SA_CONTEXT_SUBSCRIPTION0
#define IPSEC_SA_ENUM_TEMPLATE		     IPSEC_SA_ENUM_TEMPLATE0
#define IPSEC_SA_IDLE_TIMEOUT		     IPSEC_SA_IDLE_TIMEOUT0
#define IPSEC_TRAFFIC_SELECTOR		     IPSEC_TRAFFIC_SELECTOR0
#define IPSEC_TRAFFIC_SELECTOR_POLICY	     IPSEC_TRAFFIC_SELECTOR_POLICY0
#define IPSEC_TUNNEL_ENDPOINT		     IPSEC_TUNNEL_ENDPOINT0

/* iketypes.h */
#define IKEEXT_CERT_ROOT_CONFIG	       IKEEXT_CERT_ROOT_CONFIG0
#define IKEEXT_NTLM_V2_AUTHENTICATION  IKEEXT_NTLM_V2_AUTHENTICATION0
#define IKEEXT_IPV6_CGA_AUTHENTICATION IKEEXT_IPV6_CGA_AUTHENTICATION0
#define IKEEXT_EAP_AUTHENTICATION      IKEEXT_EAP_AUTHENTICATION0
#define IKEEXT_CERT_EKUS	       IKEEXT_CERT_EKUS0
#define IKEEXT_CERT_NAME	       IKEEXT_CERT_NAME0
#define IKEEXT_CERTIFICATE_CRITERIA    IKEEXT_CERTIFICATE_CRITERIA0
#define IKEEXT_RESERVED_AUTHENTICATION IKEEXT_RESERVED_AUTHENTICATION0
#define IKEEXT_CIPHER_ALGORITHM	       IKEEXT_CIPHER_ALGORITHM0
#define IKEEXT_INTEGRITY_ALGORITHM     IKEEXT_INTEGRITY_ALGORITHM0
#define IKEEXT_PROPOSAL		       IKEEXT_PROPOSAL0

/* The calls. */
#define FwpmCalloutAdd			     FwpmCalloutAdd0
#define FwpmCalloutCreateEnumHandle	     FwpmCalloutCreateEnumHandle0
#define FwpmCalloutDeleteById		     FwpmCalloutDeleteById0
#define FwpmCalloutDeleteByKey		     FwpmCalloutDeleteByKey0
#define FwpmCalloutDestroyEnumHandle	     FwpmCalloutDestroyEnumHandle0
#define FwpmCalloutEnum			     FwpmCalloutEnum0
#define FwpmCalloutGetById		     FwpmCalloutGetById0
#define FwpmCalloutGetByKey		     FwpmCalloutGetByKey0
#define FwpmEngineClose			     FwpmEngineClose0
#define FwpmEngineGetOption		     FwpmEngineGetOption0
#define FwpmEngineOpen			     FwpmEngineOpen0
#define FwpmEngineSetOption		     FwpmEngineSetOption0
#define FwpmFilterAdd			     FwpmFilterAdd0
#define FwpmFilterCreateEnumHandle	     FwpmFilterCreateEnumHandle0
#define FwpmFilterDeleteById		     FwpmFilterDeleteById0
#define FwpmFilterDeleteByKey		     FwpmFilterDeleteByKey0
#define FwpmFilterDestroyEnumHandle	     FwpmFilterDestroyEnumHandle0
#define FwpmFilterEnum			     FwpmFilterEnum0
#define FwpmFilterGetById		     FwpmFilterGetById0
#define FwpmFilterGetByKey		     FwpmFilterGetByKey0
#define FwpmFreeMemory			     FwpmFreeMemory0
#define FwpmLayerCreateEnumHandle	     FwpmLayerCreateEnumHandle0
#define FwpmLayerDestroyEnumHandle	     FwpmLayerDestroyEnumHandle0
#define FwpmLayerEnum			     FwpmLayerEnum0
#define FwpmLayerGetById		     FwpmLayerGetById0
#define FwpmLayerGetByKey		     FwpmLayerGetByKey0
#define FwpmProviderAdd			     FwpmProviderAdd0
#define FwpmProviderContextAdd		     FwpmProviderContextAdd0
#define FwpmProviderContextCreateEnumHandle  FwpmProviderContextCreateEnumHandle0
#define FwpmProviderContextDeleteById	     FwpmProviderContextDeleteById0
#define FwpmProviderContextDeleteByKey	     FwpmProviderContextDeleteByKey0
#define FwpmProviderContextDestroyEnumHandle FwpmProviderContextDestroyEnumHandle0
#define FwpmProviderContextEnum		     FwpmProviderContextEnum0
#define FwpmProviderContextGetById	     FwpmProviderContextGetById0
#define FwpmProviderContextGetByKey	     FwpmProviderContextGetByKey0
#define FwpmProviderCreateEnumHandle	     FwpmProviderCreateEnumHandle0
#define FwpmProviderDeleteByKey		     FwpmProviderDeleteByKey0
#define FwpmProviderDestroyEnumHandle	     FwpmProviderDestroyEnumHandle0
#define FwpmProviderEnum		     FwpmProviderEnum0
#define FwpmProviderGetByKey		     FwpmProviderGetByKey0
#define FwpmSessionCreateEnumHandle	     FwpmSessionCreateEnumHandle0
#define FwpmSessionDestroyEnumHandle	     FwpmSessionDestroyEnumHandle0
#define FwpmSessionEnum			     FwpmSessionEnum0
#define FwpmSubLayerAdd			     FwpmSubLayerAdd0
#define FwpmSubLayerCreateEnumHandle	     FwpmSubLayerCreateEnumHandle0
#define FwpmSubLayerDeleteByKey		     FwpmSubLayerDeleteByKey0
#define FwpmSubLayerDestroyEnumHandle	     FwpmSubLayerDestroyEnumHandle0
#define FwpmSubLayerEnum		     FwpmSubLayerEnum0
#define FwpmSubLayerGetByKey		     FwpmSubLayerGetByKey0
#define FwpmTransactionAbort		     FwpmTransactionAbort0
#define FwpmTransactionBegin		     FwpmTransactionBegin0
#define FwpmTransactionCommit		     FwpmTransactionCommit0
#define IPsecSaContextCreateEnumHandle	     IPsecSaContextCreateEnumHandle0
#define IPsecSaContextDeleteById	     IPsecSaContextDeleteById0
#define IPsecSaContextDestroyEnumHandle	     IPsecSaContextDestroyEnumHandle0
#define IPsecSaContextSetSpi		     IPsecSaContextSetSpi0
#define IPsecSaCreateEnumHandle		     IPsecSaCreateEnumHandle0
#define IPsecSaDestroyEnumHandle	     IPsecSaDestroyEnumHandle0

/* Of the form that FwpmProviderContextAdd takes. */
#define FWPM_PROVIDER_CONTEXT		    FWPM_PROVIDER_CONTEXT0
#define IPSEC_KEYING_POLICY		    IPSEC_KEYING_POLICY0
#define IPSEC_TRANSPORT_POLICY		    IPSEC_TRANSPORT_POLICY0
#define IPSEC_TUNNEL_ENDPOINTS		    IPSEC_TUNNEL_ENDPOINTS0
#define IPSEC_TUNNEL_POLICY		    IPSEC_TUNNEL_POLICY0
#define IKEEXT_PRESHARED_KEY_AUTHENTICATION IKEEXT_PRESHARED_KEY_AUTHENTICATION0
#define IKEEXT_CERTIFICATE_AUTHENTICATION   IKEEXT_CERTIFICATE_AUTHENTICATION0
#define IKEEXT_KERBEROS_AUTHENTICATION	    IKEEXT_KERBEROS_AUTHENTICATION0
#define IKEEXT_AUTHENTICATION_METHOD	    IKEEXT_AUTHENTICATION_METHOD0
#define IKEEXT_EM_POLICY		    IKEEXT_EM_POLICY0
#define IKEEXT_POLICY			    IKEEXT_POLICY0

/* In two versions. */
#if FWPVI_TARGET >= FWPVI_WIN7
#define FWPM_NET_EVENT_IKEEXT_MM_FAILURE       FWPM_NET_EVENT_IKEEXT_MM_FAILURE1
#define FWPM_NET_EVENT_IKEEXT_EM_FAILURE       FWPM_NET_EVENT_IKEEXT_EM_FAILURE1
#define IPSEC_AGGREGATE_DROP_PACKET_STATISTICS IPSEC_AGGREGATE_DROP_PACKET_STATISTICS1
#define IPSEC_TRAFFIC			       IPSEC_TRAFFIC1
#define IPSEC_GETSPI			       IPSEC_GETSPI1
#define IPSEC_SA_BUNDLE			       IPSEC_SA_BUNDLE1
#define IPSEC_SA_DETAILS		       IPSEC_SA_DETAILS1
#define IPSEC_SA_CONTEXT		       IPSEC_SA_CONTEXT1
#define IPSEC_TRAFFIC_STATISTICS	       IPSEC_TRAFFIC_STATISTICS1
#define IPSEC_STATISTICS		       IPSEC_STATISTICS1
#define IPsecGetStatistics		       IPsecGetStatistics1
#define IPsecSaContextAddInbound	       IPsecSaContextAddInbound1
#define IPsecSaContextAddOutbound	       IPsecSaContextAddOutbound1
#define IPsecSaContextCreate		       IPsecSaContextCreate1
#define IPsecSaContextEnum		       IPsecSaContextEnum1
#define IPsecSaContextGetById		       IPsecSaContextGetById1
#define IPsecSaContextGetSpi		       IPsecSaContextGetSpi1
#define IPsecSaEnum			       IPsecSaEnum1
#else
#define FWPM_NET_EVENT_IKEEXT_MM_FAILURE       FWPM_NET_EVENT_IKEEXT_MM_FAILURE0
#define FWPM_NET_EVENT_IKEEXT_EM_FAILURE       FWPM_NET_EVENT_IKEEXT_EM_FAILURE0
#define IPSEC_AGGREGATE_DROP_PACKET_STATISTICS IPSEC_AGGREGATE_DROP_PACKET_STATISTICS0
#define IPSEC_TRAFFIC			       IPSEC_TRAFFIC0
#define IPSEC_GETSPI			       IPSEC_GETSPI0
#define IPSEC_SA_BUNDLE			       IPSEC_SA_BUNDLE0
#define IPSEC_SA_DETAILS		       IPSEC_SA_DETAILS0
#define IPSEC_SA_CONTEXT		       IPSEC_SA_CONTEXT0
#define IPSEC_TRAFFIC_STATISTICS	       IPSEC_TRAFFIC_STATISTICS0
#define IPSEC_STATISTICS		       IPSEC_STATISTICS0
#define IPsecGetStatistics		       IPsecGetStatistics0
#define IPsecSaContextAddInbound	       IPsecSaContextAddInbound0
#define IPsecSaContextAddOutbound	       IPsecSaContextAddOutbound0
#define IPsecSaContextCreate		       IPsecSaContextCreate0
#define IPsecSaContextEnum		       IPsecSaContextEnum0
#define IPsecSaContextGetById		       IPsecSaContextGetById0
#define IPsecSaContextGetSpi		       IPsecSaContextGetSpi0
#define IPsecSaEnum			       IPsecSaEnum0
#endif

/* In three versions. */
#if FWPVI_TARGET >= FWPVI_WIN8
#define FWPM_NET_EVENT_HEADER	     FWPM_NET_EVENT_HEADER2
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP2
#define FWPM_NET_EVENT		     FWPM_NET_EVENT2
#elif FWPVI_TARGET >= FWPVI_WIN7
#define FWPM_NET_EVENT_HEADER	     FWPM_NET_EVENT_HEADER1
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP1
#define FWPM_NET_EVENT		     FWPM_NET_EVENT1
#else
#define FWPM_NET_EVENT_HEADER	     FWPM_NET_EVENT_HEADER0
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP0
#define FWPM_NET_EVENT		     FWPM_NET_EVENT0
#endif

#undef FWPVI_TARGET
#undef FWPVI_WIN7
#undef FWPVI_WIN8

#endif /* FWPVI_H */
