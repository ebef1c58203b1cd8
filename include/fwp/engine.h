/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Sessions: every other call wants the handle of one.
 *
 *	HANDLE engine;
 *	DWORD err = FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine);
 *
 *	if (err)
 *		return err;
 *	...
 *	FwpmEngineClose0(engine);
 *
 * For all calls: any number of threads may use one handle at once; calls that change something are
 * carried out one after the other, between processes too. A call that fails has changed nothing, in
 * the engine or in what its output parameters point to, unless it says otherwise. What comes in is
 * copied where it is kept: everything passed may be freed as soon as the call is back. No call
 * raises a signal, prints, or sets errno to a meaning.
 */
#ifndef FWP_ENGINE_H
#define FWP_ENGINE_H

#include "../fwpmtypes.h"
#include "error.h"

FWP_BEGIN_DECLS

/**
 * FwpmEngineOpen0() - open a session
 * @serverName: NULL. There are no remote engines.
 * @authnService: RPC_C_AUTHN_WINNT or RPC_C_AUTHN_DEFAULT; both mean the credentials of the
 *	process.
 * @authIdentity: NULL. Other credentials than those of the process are not taken.
 * @session: what the session is to be like, or NULL for a session with all members 0. Read:
 *	@sessionKey (null GUID: one is made), @displayData (may be NULL), @flags (0 or
 *	FWPM_SESSION_FLAG_DYNAMIC: what is added in the session goes with it), @txnWaitTimeoutInMSec
 *	(how long a call waits for other writers, in milliseconds, 0 = 15,000). The other members
 *	are ignored. Not kept.
 * @engineHandle: receives the handle. It is the caller's, who closes it with FwpmEngineClose0().
 *
 * The session is one of the instance "default", unless saxdp.h was used to choose another. It ends
 * with FwpmEngineClose0() or with the process, however that dies. The rights are those that the
 * process has now; a later change of its user or groups does not change what the handle may do.
 *
 * A handle that a child inherits over fork() is not valid there; the child opens its own.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * FWP_E_NULL_POINTER - @engineHandle is NULL
 * * ERROR_INVALID_PARAMETER - @serverName is not NULL
 * * RPC_S_UNKNOWN_AUTHN_SERVICE - @authnService is another one
 * * ERROR_NOT_SUPPORTED - @authIdentity is not NULL
 * * FWP_E_INVALID_FLAGS - @session has other flags
 * * FWP_E_ALREADY_EXISTS - an open session has this sessionKey
 * * RPC_S_SERVER_UNAVAILABLE - no instance is loaded
 * * RPC_S_UNKNOWN_IF - the instance was loaded by a version with another map layout
 * * ERROR_ACCESS_DENIED - the process may not use the instance: it is neither root nor in one of
 *   the instance's groups
 * * ERROR_NO_SYSTEM_RESOURCES - as many sessions are open as an instance can have
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory or descriptors
 * * FWP_E_TIMEOUT - a dead session's objects had to go first, and other writers held the engine for
 *   longer than txnWaitTimeoutInMSec
 *
 * Source: "FwpmEngineOpen0 function (fwpmu.h)", "FWPM_SESSION0 structure (fwpmtypes.h)".
 */
DWORD FwpmEngineOpen0(const wchar_t *serverName, UINT32 authnService,
		      SEC_WINNT_AUTH_IDENTITY_W *authIdentity, const FWPM_SESSION0 *session,
		      HANDLE *engineHandle);

/**
 * FwpmEngineClose0() - close a session
 * @engineHandle: the handle, which is no longer valid afterwards, whatever is returned.
 *
 * An explicit transaction that is open is aborted. The objects of a dynamic session are removed; if
 * another writer keeps the engine, they stop judging packets within a second and the next writer
 * removes them. SA contexts are not objects of a session and stay.
 *
 * Context: Any thread. Calls of other threads that are under way finish as if the handle were open;
 * those that begin later get ERROR_INVALID_HANDLE.
 *
 * Return:
 * * ERROR_SUCCESS - also when the engine was unloaded in the meantime
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 *
 * Source: "FwpmEngineClose0 function (fwpmu.h)".
 */
DWORD FwpmEngineClose0(HANDLE engineHandle);

/**
 * FwpmEngineGetOption0() - return an option of the engine
 * @engineHandle: an open session.
 * @option: one of FWPM_ENGINE_OPTION.
 * @value: receives a pointer to the value, of type FWP_UINT32. The caller's; freed with
 *	FwpmFreeMemory0().
 *
 * Each is 0, which is the truth about this engine: it collects no net events
 * (FWPM_ENGINE_COLLECT_NET_EVENTS, whose default is 1 on Windows;
 * FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS), caches no names (FWPM_ENGINE_NAME_CACHE), makes no
 * connection events (FWPM_ENGINE_MONITOR_IPSEC_CONNECTIONS), queues no packets, as CPUs are chosen
 * by steering (FWPM_ENGINE_PACKET_QUEUING: saxdp_steer() of saxdp.h), and never aborts a
 * transaction because it is old (FWPM_ENGINE_TXN_WATCHDOG_TIMEOUT_IN_MSEC): who waits for one gives
 * up after his own txnWaitTimeoutInMSec.
 *
 * Context: Any thread, also in an explicit transaction.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @value is NULL
 * * FWP_E_INVALID_ENUMERATOR - @option is none
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmEngineGetOption0 function (fwpmu.h)", "FWPM_ENGINE_OPTION enumeration
 * (fwpmtypes.h)".
 */
DWORD FwpmEngineGetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option, FWP_VALUE0 **value);

/**
 * FwpmEngineSetOption0() - set an option of the engine
 * @engineHandle: an open session, not dynamic and not in an explicit transaction.
 * @option: one of FWPM_ENGINE_OPTION.
 * @newValue: of type FWP_UINT32; not kept.
 *
 * Only the value that is in force is accepted, which FwpmEngineGetOption0() returns: nothing of what
 * the options switch on is there yet, and a call that seemed to switch it on would deceive.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS - the option has this value
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @newValue is NULL
 * * FWP_E_TXN_IN_PROGRESS - the session has an explicit transaction, read-only or not
 * * FWP_E_DYNAMIC_SESSION_IN_PROGRESS - the session is dynamic
 * * ERROR_ACCESS_DENIED - the process may only read the instance
 * * FWP_E_INVALID_ENUMERATOR - @option is none
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TYPE_MISMATCH - @newValue is of another type
 * * ERROR_NOT_SUPPORTED - valid on Windows and not here yet: any other value
 *
 * Source: "FwpmEngineSetOption0 function (fwpmu.h)", "FWPM_ENGINE_OPTION enumeration
 * (fwpmtypes.h)". FWP_E_STILL_ON, which it names, is for what can be switched off.
 */
DWORD FwpmEngineSetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
			   const FWP_VALUE0 *newValue);

/**
 * FwpmFreeMemory0() - free what a call has returned
 * @p: address of the pointer that a call has filled in. The one allocation behind it holds
 *	everything that it points to. The pointer becomes NULL. NULL, or the address of a NULL
 *	pointer, is allowed and does nothing.
 *
 * The memory is the process's own and does not belong to a session: it may be freed after
 * FwpmEngineClose0(), and in a child of fork(). Any other pointer is undefined behaviour.
 *
 * Context: Any thread, but not two threads for the same pointer.
 *
 * Source: "FwpmFreeMemory0 function (fwpmu.h)".
 */
void FwpmFreeMemory0(void **p);

FWP_END_DECLS

#endif /* FWP_ENGINE_H */
