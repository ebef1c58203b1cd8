/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Explicit transactions: several changes of filters and provider contexts that take effect at once
 * or not at all.
 *
 *	err = FwpmTransactionBegin0(engine, 0);
 *	if (err)
 *		return err;
 *	err = FwpmFilterAdd0(engine, &outbound, NULL, NULL);
 *	if (!err)
 *		err = FwpmFilterAdd0(engine, &inbound, NULL, NULL);
 *	if (err) {
 *		FwpmTransactionAbort0(engine);
 *		return err;
 *	}
 *	return FwpmTransactionCommit0(engine);
 *
 * A session has at most one. It belongs to the session, not to a thread: the calls of all threads
 * that use the handle are part of it. A call that fails inside does not end it; the caller tries
 * again, goes on without, or aborts. Outside of one, every call is a transaction of its own. Calls
 * that change SA contexts are not allowed inside, and those that read SA contexts show the newest.
 *
 * A read-only transaction shows the policy as it was at its beginning, whatever others commit
 * meanwhile. Any number of them go on at once. That of a session that may write keeps explicit
 * transactions of others waiting, not their single calls; that of a process that may only read
 * keeps nobody waiting. When something that was deleted since has had to make room, a call that
 * reads returns FWP_E_TXN_ABORTED rather than part of another state: end the transaction and begin
 * it again. In one that keeps others waiting it takes single calls of others that use a key for the
 * third time or bring new kinds of selectors; in one of a process that may only read, any second
 * commit can do it. Windows keeps single calls waiting too.
 *
 * Source: "Object Management" (Windows Filtering Platform), section on transactions.
 */
#ifndef FWP_TRANSACTION_H
#define FWP_TRANSACTION_H

#include "../fwpmtypes.h"
#include "error.h"

FWP_BEGIN_DECLS

/**
 * FwpmTransactionBegin0() - begin an explicit transaction
 * @engineHandle: an open session.
 * @flags: 0 to read and change, FWPM_TXN_READ_ONLY to read only.
 *
 * A transaction that changes keeps all other writers of the instance waiting until it ends, up to
 * the txnWaitTimeoutInMSec of their sessions, and read-only transactions of those who may write.
 * Packets never wait. In a read-only transaction, calls that change the policy return
 * FWP_E_INCOMPATIBLE_TXN.
 *
 * Context: Any thread. Waits up to the session's txnWaitTimeoutInMSec.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_INVALID_FLAGS - @flags has other bits
 * * FWP_E_TXN_IN_PROGRESS - the session has an explicit transaction
 * * ERROR_ACCESS_DENIED - @flags is 0 and the process may only read the instance
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * FWP_E_TIMEOUT - other writers held the engine for longer than the session waits
 * * ERROR_NOT_ENOUGH_MEMORY - the process is out of memory or descriptors
 *
 * Source: "FwpmTransactionBegin0 function (fwpmu.h)".
 */
DWORD FwpmTransactionBegin0(HANDLE engineHandle, UINT32 flags);

/**
 * FwpmTransactionCommit0() - put the changes of the transaction in force
 * @engineHandle: an open session with an explicit transaction.
 *
 * Packets and other processes see all of the changes from one moment on, and none before.
 *
 * The transaction is over in any case. After a failure none of its changes is in force, as after
 * FwpmTransactionAbort0().
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NO_TXN_IN_PROGRESS - the session has no explicit transaction
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened
 * * ERROR_NO_SYSTEM_RESOURCES - a map of the engine is full
 * * ERROR_NOT_ENOUGH_MEMORY - the process or the kernel is out of memory
 *
 * Source: "FwpmTransactionCommit0 function (fwpmu.h)".
 */
DWORD FwpmTransactionCommit0(HANDLE engineHandle);

/**
 * FwpmTransactionAbort0() - drop the changes of the transaction
 * @engineHandle: an open session with an explicit transaction.
 *
 * Ids that were given in the transaction are not given again.
 *
 * Context: Any thread.
 *
 * Return:
 * * ERROR_SUCCESS
 * * ERROR_INVALID_HANDLE - the handle is NULL, closed, none of ours, or inherited over fork()
 * * FWP_E_NO_TXN_IN_PROGRESS - the session has no explicit transaction
 * * RPC_E_DISCONNECTED - the engine was unloaded since the handle was opened; the transaction is
 *   over
 *
 * Source: "FwpmTransactionAbort0 function (fwpmu.h)".
 */
DWORD FwpmTransactionAbort0(HANDLE engineHandle);

FWP_END_DECLS

#endif /* FWP_TRANSACTION_H */
