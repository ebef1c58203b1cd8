// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Names of what the platform's headers define, from lists made of those headers (names.awk), and a
 * text for each code. A code without a text does not compile: -Wswitch.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "names.h"

/* --- codes -------------------------------------------------------------------------------------------- */

enum code_place {
#define X(name) PLACE_##name,
	SAXDP_CODE_LIST(X)
#undef X
		CODES,
};

static const struct {
	DWORD code;
	const char *name;
} codes[] = {
#define X(name) { name, #name },
	SAXDP_CODE_LIST(X)
#undef X
};

/* clang-format off */
#define TEXTS(T) \
	T(ERROR_SUCCESS, "success") \
	T(ERROR_FILE_NOT_FOUND, "no such file") \
	T(ERROR_ACCESS_DENIED, "the process does not have the right to do this") \
	T(ERROR_INVALID_HANDLE, "not an open handle of this process") \
	T(ERROR_NOT_ENOUGH_MEMORY, "out of memory") \
	T(ERROR_OUTOFMEMORY, "out of memory") \
	T(ERROR_NOT_SUPPORTED, "not supported") \
	T(ERROR_INVALID_PARAMETER, "an argument is not valid") \
	T(ERROR_CALL_NOT_IMPLEMENTED, "the function does not exist here") \
	T(ERROR_INSUFFICIENT_BUFFER, "the buffer is too small") \
	T(ERROR_ALREADY_EXISTS, "it exists already") \
	T(ERROR_SERVICE_DISABLED, "the service is disabled") \
	T(ERROR_SERVICE_NOT_ACTIVE, "the service has not been started") \
	T(ERROR_SERVICE_DEPENDENCY_FAIL, "a service that this one needs has failed") \
	T(ERROR_NOT_FOUND, "no such element") \
	T(ERROR_INVALID_OWNER, "the SID cannot own an object") \
	T(ERROR_PRIVILEGE_NOT_HELD, "the process does not have a privilege that this needs") \
	T(ERROR_INVALID_ACL, "the access control list is malformed") \
	T(ERROR_INVALID_SID, "the SID is malformed") \
	T(ERROR_INVALID_SECURITY_DESCR, "the security descriptor is malformed") \
	T(ERROR_BAD_IMPERSONATION_LEVEL, "the impersonation level is not enough") \
	T(ERROR_NO_SYSTEM_RESOURCES, "the engine is full, or the system has too little left") \
	T(RPC_S_INVALID_BINDING, "the binding to a server is not valid") \
	T(RPC_S_UNKNOWN_IF, "the engine was loaded by another version") \
	T(RPC_S_SERVER_UNAVAILABLE, "there is no engine to be reached") \
	T(RPC_S_CALL_FAILED, "the call failed, and may have been carried out") \
	T(RPC_S_CALL_FAILED_DNE, "the call failed and was not carried out") \
	T(RPC_S_UNKNOWN_AUTHN_SERVICE, "the authentication service is not known") \
	T(EPT_S_NOT_REGISTERED, "nothing is loaded that could be opened") \
	T(RPC_X_NULL_REF_POINTER, "an argument that must be given is NULL") \
	T(RPC_X_BAD_STUB_DATA, "an argument could not be passed on") \
	T(RPC_S_CALL_CANCELLED, "the call was cancelled") \
	T(RPC_S_SEC_PKG_ERROR, "the security package failed") \
	T(ERROR_IPSEC_IKE_TIMED_OUT, "the negotiation timed out") \
	T(ERROR_IPSEC_IKE_SA_DELETED, "the peer deleted the SA") \
	T(ERROR_IPSEC_IKE_SA_REAPED, "the SA was deleted before it was set up") \
	T(ERROR_IPSEC_IKE_ERROR, "the negotiation failed") \
	T(ERROR_IPSEC_IKE_GETSPIFAIL, "no SPI could be had") \
	T(ERROR_IPSEC_IKE_ADD_UPDATE_KEY_FAILED, "the SA could not be added or updated") \
	T(ERROR_IPSEC_BAD_SPI, "no SA has this SPI") \
	T(ERROR_IPSEC_SA_LIFETIME_EXPIRED, "the lifetime of the SA is over") \
	T(ERROR_IPSEC_WRONG_SA, "the packet does not belong in its SA") \
	T(ERROR_IPSEC_REPLAY_CHECK_FAILED, "the packet came again, or too late") \
	T(ERROR_IPSEC_INVALID_PACKET, "the packet is malformed") \
	T(ERROR_IPSEC_INTEGRITY_CHECK_FAILED, "the packet is not authentic") \
	T(ERROR_IPSEC_CLEAR_TEXT_DROP, "a clear packet that must be protected") \
	T(ERROR_IPSEC_AUTH_FIREWALL_DROP, "dropped by the authenticating firewall") \
	T(ERROR_IPSEC_THROTTLE_DROP, "too many such packets") \
	T(ERROR_IPSEC_DOSP_BLOCK, "blocked by denial-of-service protection") \
	T(ERROR_IPSEC_DOSP_RECEIVED_MULTICAST, "denial-of-service protection: multicast") \
	T(ERROR_IPSEC_DOSP_INVALID_PACKET, "denial-of-service protection: malformed packet") \
	T(ERROR_IPSEC_DOSP_STATE_LOOKUP_FAILED, "denial-of-service protection: no state") \
	T(ERROR_IPSEC_DOSP_MAX_ENTRIES, "denial-of-service protection: the state table is full") \
	T(ERROR_IPSEC_DOSP_KEYMOD_NOT_ALLOWED, \
	  "denial-of-service protection: the keying module is not allowed") \
	T(ERROR_IPSEC_DOSP_NOT_INSTALLED, "denial-of-service protection is not installed") \
	T(ERROR_IPSEC_DOSP_MAX_PER_IP_RATELIMIT_QUEUES, \
	  "denial-of-service protection: too many queues of one address") \
	T(RPC_E_CALL_REJECTED, "the call was rejected") \
	T(RPC_E_DISCONNECTED, "the engine was unloaded since the handle was opened") \
	T(RPC_E_INVALID_STD_NAME, "the name is malformed") \
	T(SEC_E_CANNOT_INSTALL, "the security package cannot be used") \
	T(FWP_E_CALLOUT_NOT_FOUND, "no such callout") \
	T(FWP_E_CONDITION_NOT_FOUND, "the layer has no such field") \
	T(FWP_E_FILTER_NOT_FOUND, "no such filter") \
	T(FWP_E_LAYER_NOT_FOUND, "no such layer") \
	T(FWP_E_PROVIDER_NOT_FOUND, "no such provider") \
	T(FWP_E_PROVIDER_CONTEXT_NOT_FOUND, "no such provider context") \
	T(FWP_E_SUBLAYER_NOT_FOUND, "no such sublayer") \
	T(FWP_E_NOT_FOUND, "no such object") \
	T(FWP_E_ALREADY_EXISTS, "an object of this name exists") \
	T(FWP_E_IN_USE, "others refer to the object") \
	T(FWP_E_DYNAMIC_SESSION_IN_PROGRESS, "not in a dynamic session") \
	T(FWP_E_WRONG_SESSION, "the object belongs to another session") \
	T(FWP_E_NO_TXN_IN_PROGRESS, "no transaction is in progress") \
	T(FWP_E_TXN_IN_PROGRESS, "not while a transaction is in progress") \
	T(FWP_E_TXN_ABORTED, "the transaction was aborted") \
	T(FWP_E_SESSION_ABORTED, "the session was aborted") \
	T(FWP_E_INCOMPATIBLE_TXN, "the transaction is read-only") \
	T(FWP_E_TIMEOUT, "others held the engine for too long") \
	T(FWP_E_NET_EVENTS_DISABLED, "network events are not collected") \
	T(FWP_E_INCOMPATIBLE_LAYER, "not at this layer") \
	T(FWP_E_KM_CLIENTS_ONLY, "for kernel-mode callers only") \
	T(FWP_E_LIFETIME_MISMATCH, "it would refer to what ends sooner") \
	T(FWP_E_BUILTIN_OBJECT, "the object is built in") \
	T(FWP_E_TOO_MANY_CALLOUTS, "there are too many callouts") \
	T(FWP_E_NOTIFICATION_DROPPED, "a notification was lost") \
	T(FWP_E_TRAFFIC_MISMATCH, "the traffic is not that of the SA context") \
	T(FWP_E_INCOMPATIBLE_SA_STATE, "not in this state of the SA context") \
	T(FWP_E_NULL_POINTER, "an argument that must be given is NULL") \
	T(FWP_E_INVALID_ENUMERATOR, "a value is outside its enumeration") \
	T(FWP_E_INVALID_FLAGS, "flags are unknown or do not go together") \
	T(FWP_E_INVALID_NET_MASK, "the network mask is not one") \
	T(FWP_E_INVALID_RANGE, "the range is none") \
	T(FWP_E_INVALID_INTERVAL, "the interval of time is none") \
	T(FWP_E_ZERO_LENGTH_ARRAY, "an array that must have elements is empty") \
	T(FWP_E_NULL_DISPLAY_NAME, "the display name is NULL") \
	T(FWP_E_INVALID_ACTION_TYPE, "a filter cannot have this action") \
	T(FWP_E_INVALID_WEIGHT, "a filter cannot have this weight") \
	T(FWP_E_MATCH_TYPE_MISMATCH, "the match type does not suit the values") \
	T(FWP_E_TYPE_MISMATCH, "the value is of another data type") \
	T(FWP_E_OUT_OF_BOUNDS, "a number is out of its range") \
	T(FWP_E_RESERVED, "a reserved field is not zero") \
	T(FWP_E_DUPLICATE_CONDITION, "there are several conditions on one field") \
	T(FWP_E_DUPLICATE_KEYMOD, "the policy names a keying module twice") \
	T(FWP_E_ACTION_INCOMPATIBLE_WITH_LAYER, "the layer does not have this action") \
	T(FWP_E_ACTION_INCOMPATIBLE_WITH_SUBLAYER, "the sublayer does not have this action") \
	T(FWP_E_CONTEXT_INCOMPATIBLE_WITH_LAYER, "the context does not suit the layer") \
	T(FWP_E_CONTEXT_INCOMPATIBLE_WITH_CALLOUT, "the context does not suit the callout") \
	T(FWP_E_INCOMPATIBLE_AUTH_METHOD, "the authentication method does not suit the policy") \
	T(FWP_E_INCOMPATIBLE_DH_GROUP, "the Diffie-Hellman group does not suit the policy") \
	T(FWP_E_EM_NOT_SUPPORTED, "an IKE policy has no extended mode") \
	T(FWP_E_NEVER_MATCH, "nothing can ever match") \
	T(FWP_E_PROVIDER_CONTEXT_MISMATCH, "the provider context is of another type") \
	T(FWP_E_INVALID_PARAMETER, "an argument is not valid") \
	T(FWP_E_TOO_MANY_SUBLAYERS, "there are too many sublayers") \
	T(FWP_E_CALLOUT_NOTIFICATION_FAILED, "the callout refused") \
	T(FWP_E_INVALID_AUTH_TRANSFORM, "no algorithm has this authentication transform") \
	T(FWP_E_INVALID_CIPHER_TRANSFORM, "no algorithm has this cipher transform") \
	T(FWP_E_INCOMPATIBLE_CIPHER_TRANSFORM, "the cipher transform does not suit the policy") \
	T(FWP_E_INVALID_TRANSFORM_COMBINATION, "the transforms do not go together") \
	T(FWP_E_DUPLICATE_AUTH_METHOD, "the policy names an authentication method twice") \
	T(FWP_E_INVALID_TUNNEL_ENDPOINT, "a tunnel cannot end there") \
	T(FWP_E_L2_DRIVER_NOT_READY, "the link layer is not ready") \
	T(FWP_E_KEY_DICTATOR_ALREADY_REGISTERED, "another key manager dictates keys") \
	T(FWP_E_KEY_DICTATION_INVALID_KEYING_MATERIAL, "the key manager dictated bad keys") \
	T(FWP_E_CONNECTIONS_DISABLED, "connections are not tracked") \
	T(FWP_E_INVALID_DNS_NAME, "the DNS name is malformed") \
	T(FWP_E_STILL_ON, "the option stays on for another reason") \
	T(FWP_E_IKEEXT_NOT_RUNNING, "the keying service is not running") \
	T(FWP_E_DROP_NOICMP, "dropped without an ICMP error")
/* clang-format on */

static const char *code_text(enum code_place place)
{
	switch (place) {
#define T(name, text)      \
	case PLACE_##name: \
		return text;
		TEXTS(T)
#undef T
	case CODES:
		break;
	}
	return NULL;
}

static enum code_place code_find(DWORD code)
{
	enum code_place i = 0;

	while (i < CODES && codes[i].code != code)
		i++;
	return i;
}

const char *saxdp_strerror(DWORD code)
{
	static _Thread_local char unknown[32];
	const char *text = code_text(code_find(code));

	if (text)
		return text;
	snprintf(unknown, sizeof(unknown), "unknown code 0x%08x", code);
	return unknown;
}

const char *saxdp_code_name(DWORD code)
{
	enum code_place place = code_find(code);

	return place < CODES ? codes[place].name : NULL;
}

/* --- GUIDs --------------------------------------------------------------------------------------------- */

static const struct {
	const GUID *guid;
	const char *name;
} guids[] = {
#define X(name, data1, data2, data3, data4, data5) { &name, #name },
	FWP_GUID_LIST(X)
#undef X
};

const char *saxdp_guid_name(const GUID *guid)
{
	for (size_t i = 0; i < sizeof(guids) / sizeof(*guids); i++)
		if (!memcmp(guids[i].guid, guid, sizeof(*guid)))
			return guids[i].name;
	return NULL;
}

/* --- enumerations -------------------------------------------------------------------------------------- */

static const struct {
	const char *type, *name;
	uint32_t value;
} enumerators[] = {
#define X(type, name) { #type, #name, name },
	SAXDP_ENUM_LIST(X)
#undef X
};

const char *saxdp_enum_name(const char *type, uint32_t value)
{
	for (size_t i = 0; i < sizeof(enumerators) / sizeof(*enumerators); i++)
		if (enumerators[i].value == value && !strcmp(enumerators[i].type, type))
			return enumerators[i].name;
	return NULL;
}
