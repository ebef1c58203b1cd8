/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which sessions are open; engine.h opens and closes them. */
#ifndef FWP_SESSION_H
#define FWP_SESSION_H

#include "../fwpmtypes.h"
#include "error.h"

FWP_BEGIN_DECLS

/**
 * FwpmSessionCreateEnumHandle0() - begin to enumerate the open sessions
 * @engineHandle: an open session.
 * @enumTemplate: NULL or not: all sessions, as the template says nothing.
 * @enumHandle: receives the handle, to be ended with FwpmSessionDestroyEnumHandle0(); it ends with
 *	the session.
 *
 * What FwpmSessionEnum0() returns is decided now: the sessions of all processes that may change the
 * instance, the caller's own included, in the order they were opened. A session of a process that
 * may only read has nothing that others could wait for or that ends with it, and is not among them.
 * A process that has died has no sessions; one that may only read learns this up to a second later.
 *
 * Context: Any thread. Asks the system for the names of users, which can take what a directory
 * service takes.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NULL_POINTER - @enumHandle is NULL
 * * FWP_E_TXN_IN_PROGRESS - the session has an explicit transaction, read-only or not
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 * * FWP_E_TIMEOUT - writers went on changing what was being read for longer than the session waits
 *
 * Source: "FwpmSessionCreateEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmSessionCreateEnumHandle0(HANDLE engineHandle,
				   const FWPM_SESSION_ENUM_TEMPLATE0 *enumTemplate,
				   HANDLE *enumHandle);

/**
 * FwpmSessionEnum0() - return the next sessions of an enumeration
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmSessionCreateEnumHandle0().
 * @numEntriesRequested: at most so many.
 * @entries: receives an array of pointers to copies, in one allocation that FwpmFreeMemory0() frees;
 *	NULL when there are none. Members:
 *	@sessionKey: as FwpmEngineOpen0() was given it or made it;
 *	@displayData: NULL, as it is not kept;
 *	@flags: FWPM_SESSION_FLAG_DYNAMIC or 0;
 *	@txnWaitTimeoutInMSec: what is in force: where 0 was given, 15,000;
 *	@processId: in the PID namespace of that process;
 *	@sid: the user, S-1-22-1-UID;
 *	@username: his name as the caller's system knows it, or the UID in decimal;
 *	@kernelMode: FALSE.
 * @numEntriesReturned: receives their number; less than was asked for means that these were the last.
 *
 * Context: Any thread; calls with one session follow each other.
 *
 * Return:
 * * ERROR_SUCCESS - also when there are none left
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of sessions of this session
 * * FWP_E_NULL_POINTER - @entries or @numEntriesReturned is NULL
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory
 *
 * Source: "FwpmSessionEnum0 function (fwpmu.h)", "FWPM_SESSION0 structure (fwpmtypes.h)".
 */
DWORD FwpmSessionEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		       FWPM_SESSION0 ***entries, UINT32 *numEntriesReturned);

/**
 * FwpmSessionDestroyEnumHandle0() - end an enumeration of sessions
 * @engineHandle: the session that made @enumHandle.
 * @enumHandle: from FwpmSessionCreateEnumHandle0(). What was returned stays valid.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - @engineHandle is NULL, closed, none of ours, or inherited over fork();
 *   @enumHandle is no enumeration of sessions of this session
 *
 * Source: "FwpmSessionDestroyEnumHandle0 function (fwpmu.h)".
 */
DWORD FwpmSessionDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

FWP_END_DECLS

#endif /* FWP_SESSION_H */
