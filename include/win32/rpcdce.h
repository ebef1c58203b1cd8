/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * UUIDs, which are GUIDs, and the authentication services that FwpmEngineOpen0() may be asked for.
 *
 * Has not: UUIDs as strings (their type is UTF-16 there), UuidCreateSequential(), UuidCompare().
 */
#ifndef FWP_WIN32_RPCDCE_H
#define FWP_WIN32_RPCDCE_H

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "guiddef.h"
#include "windef.h"
#include "winerror.h"

#define RPC_ENTRY

typedef LONG RPC_STATUS;
typedef GUID UUID;

/* Beside the two of fwp/wintypes.h, those that FwpmEngineOpen0() refuses. */
#define RPC_C_AUTHN_NONE	  0
#define RPC_C_AUTHN_GSS_NEGOTIATE 9
#define RPC_C_AUTHN_GSS_KERBEROS  16

/* SEC_WINNT_AUTH_IDENTITY_W.Flags */
#define SEC_WINNT_AUTH_IDENTITY_UNICODE 0x2

typedef SEC_WINNT_AUTH_IDENTITY_W *PSEC_WINNT_AUTH_IDENTITY_W;
#ifdef UNICODE
#define SEC_WINNT_AUTH_IDENTITY SEC_WINNT_AUTH_IDENTITY_W
#endif

/**
 * UuidCreate() - make a UUID
 * @uuid: receives the UUID; written only on success.
 *
 * Context: Any thread. Waits, early in boot, until the kernel has gathered randomness.
 *
 * Return:
 * * RPC_S_OK
 * * RPC_S_UUID_NO_ADDRESS - the kernel gives no random bytes
 *
 * Source: "UuidCreate function (rpcdce.h)"; RFC 9562 5.4, UUID version 4.
 */
static inline RPC_STATUS UuidCreate(UUID *uuid)
{
	UUID made;
	ssize_t size;

	do {
		size = getrandom(&made, sizeof(made), 0);
	} while (size < 0 && errno == EINTR);
	if (size != (ssize_t)sizeof(made))
		return RPC_S_UUID_NO_ADDRESS;
	made.Data3 = (UINT16)((made.Data3 & 0x0fff) | 0x4000);
	made.Data4[0] = (UINT8)((made.Data4[0] & 0x3f) | 0x80);
	*uuid = made;
	return RPC_S_OK;
}

/**
 * UuidCreateNil() - make the UUID that is all zeros
 * @uuid: receives it.
 *
 * Return: RPC_S_OK.
 *
 * Source: "UuidCreateNil function (rpcdce.h)".
 */
static inline RPC_STATUS UuidCreateNil(UUID *uuid)
{
	memset(uuid, 0, sizeof(*uuid));
	return RPC_S_OK;
}

/**
 * UuidEqual() - whether two UUIDs are the same
 * @a: the one; NULL is the nil UUID.
 * @b: the other; NULL is the nil UUID.
 * @status: receives RPC_S_OK.
 *
 * Return: TRUE or FALSE.
 *
 * Source: "UuidEqual function (rpcdce.h)".
 */
static inline int UuidEqual(const UUID *a, const UUID *b, RPC_STATUS *status)
{
	static const UUID nil = { 0, 0, 0, { 0 } };

	*status = RPC_S_OK;
	return memcmp(a ? a : &nil, b ? b : &nil, sizeof(nil)) ? FALSE : TRUE;
}

/**
 * UuidIsNil() - whether a UUID is all zeros
 * @uuid: the UUID; NULL is the nil UUID.
 * @status: receives RPC_S_OK.
 *
 * Return: TRUE or FALSE.
 *
 * Source: "UuidIsNil function (rpcdce.h)".
 */
static inline int UuidIsNil(const UUID *uuid, RPC_STATUS *status)
{
	return UuidEqual(uuid, NULL, status);
}

#endif /* FWP_WIN32_RPCDCE_H */
