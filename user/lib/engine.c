// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * FwpmEngineOpen0 and FwpmEngineClose0: the checks; session.c has the rest. And the options of the
 * engine.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* --- open and close --------------------------------------------------------------------------------- */

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

/* --- options ---------------------------------------------------------------------------------------- */

/*
 * What every option says, as none of what they switch on is there: no events are collected, no
 * connections watched, no packets queued, no names cached and no transactions cut off.
 */
enum { OPTION_IN_FORCE = 0 };

static int option_check(const struct session *s, FWPM_ENGINE_OPTION option)
{
	struct saxdp_engine engine;
	int err;

	if ((unsigned int)option >= FWPM_ENGINE_OPTION_MAX)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "option %d: unknown", (int)option);
	err = store_engine(s->inst, &engine);
	if (!err && engine.state == SAXDP_STATE_GONE)
		err = fail(FWP(RPC_E_DISCONNECTED), "instance %s: unloaded", s->inst->name);
	return err;
}

static int option_get(const struct session *s, FWPM_ENGINE_OPTION option, FWP_VALUE0 **ret)
{
	FWP_VALUE0 *value;
	int err;

	if (!ret)
		return fail(FWP(FWP_E_NULL_POINTER), "value: NULL");
	err = option_check(s, option);
	if (err)
		return err;
	value = calloc(1, sizeof(*value));
	if (!value)
		return -ENOMEM;
	value->type = FWP_UINT32;
	value->uint32 = OPTION_IN_FORCE;
	*ret = value;
	return 0;
}

static int option_set(struct session *s, FWPM_ENGINE_OPTION option, const FWP_VALUE0 *value)
{
	int err = 0;

	if (!value)
		return fail(FWP(FWP_E_NULL_POINTER), "newValue: NULL");
	pthread_mutex_lock(&s->lock);
	if (transaction_open(s))
		err = fail(FWP(FWP_E_TXN_IN_PROGRESS), "session: a transaction is in progress");
	else if (s->dynamic)
		err = fail(FWP(FWP_E_DYNAMIC_SESSION_IN_PROGRESS), "session: it is dynamic");
	else if (!session_writes(s))
		err = fail(WIN32(ERROR_ACCESS_DENIED), "session: may only read");
	pthread_mutex_unlock(&s->lock);
	if (!err)
		err = option_check(s, option);
	if (err)
		return err;
	if (value->type != FWP_UINT32)
		return fail(FWP(FWP_E_TYPE_MISMATCH), "option %d: not FWP_UINT32", (int)option);
	if (value->uint32 != OPTION_IN_FORCE)
		return fail(WIN32(ERROR_NOT_SUPPORTED), "option %d: stays %d", (int)option,
			    OPTION_IN_FORCE);
	return 0;
}

DWORD FwpmEngineGetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option, FWP_VALUE0 **value)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = option_get(s, option, value);
	session_put(s);
	return fwp_result(err);
}

DWORD FwpmEngineSetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
			   const FWP_VALUE0 *newValue)
{
	struct session *s;
	int err = session_get(engineHandle, &s);

	if (err)
		return fwp_result(err);
	err = option_set(s, option, newValue);
	session_put(s);
	return fwp_result(err);
}

/* --- memory ------------------------------------------------------------------------------------------ */

void FwpmFreeMemory0(void **p)
{
	if (!p)
		return;
	free(*p);
	*p = NULL;
}
