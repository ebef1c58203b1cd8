// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* FwpmEngineOpen0 and FwpmEngineClose0: the checks; session.c has the rest. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

static int engine_open(const wchar_t *server, UINT32 authn,
		       const SEC_WINNT_AUTH_IDENTITY_W *identity, const FWPM_SESSION0 *session,
		       HANDLE *ret)
{
	int err;

	if (!ret)
		return fail(FWP(FWP_E_NULL_POINTER), "engineHandle: NULL");
	if (server)
		return fail(WIN32(ERROR_INVALID_PARAMETER),
			    "serverName: there are no remote engines");
	if (authn != RPC_C_AUTHN_WINNT && authn != RPC_C_AUTHN_DEFAULT)
		return fail(WIN32(RPC_S_UNKNOWN_AUTHN_SERVICE), "authnService %u: unknown", authn);
	if (identity)
		return fail(WIN32(ERROR_NOT_SUPPORTED),
			    "authIdentity: only the process's own credentials count");
	if (session && session->flags & ~(UINT32)FWPM_SESSION_FLAG_DYNAMIC)
		return fail(FWP(FWP_E_INVALID_FLAGS), "session flags 0x%x: unknown",
			    session->flags);
	err = session_open(NULL, session, ret);
	return err == -ENOENT ? WIN32(RPC_S_SERVER_UNAVAILABLE) : err;
}

DWORD FwpmEngineOpen0(const wchar_t *serverName, UINT32 authnService,
		      SEC_WINNT_AUTH_IDENTITY_W *authIdentity, const FWPM_SESSION0 *session,
		      HANDLE *engineHandle)
{
	return fwp_result(
		engine_open(serverName, authnService, authIdentity, session, engineHandle));
}

DWORD FwpmEngineClose0(HANDLE engineHandle)
{
	return fwp_result(session_close(engineHandle));
}

void FwpmFreeMemory0(void **p)
{
	if (!p)
		return;
	free(*p);
	*p = NULL;
}
