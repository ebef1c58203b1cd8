/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What of kernel32 a WFP program uses: waiting, critical sections, its process's id, memory.
 *
 * Has not:
 * - GetLastError(). No call of fwpmu.h sets it, they return their code; nor does anything here. The
 *   sockets' error is WSAGetLastError().
 * - handles that are waited for: threads, events, mutexes, timers, files; so no CloseHandle() and
 *   no WaitForSingleObject(). Threads are <pthread.h> or <thread>.
 * - heaps, strings (lstr…, FormatMessage), modules, services, the console.
 *
 * Sleep() and critical sections need the names of POSIX.1-2008, which the flags of pkg-config
 * saxdp-win32 ask for; a C compiler with -std=c11 and nothing else has none, and does not get them.
 */
#ifndef FWP_WIN32_WINBASE_H
#define FWP_WIN32_WINBASE_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "windef.h"

/* Of milliseconds, as txnWaitTimeoutInMSec too: wait for ever. */
#define INFINITE		   0xffffffffU

#define ZeroMemory(to, size)	   RtlZeroMemory((to), (size))
#define FillMemory(to, size, byte) RtlFillMemory((to), (size), (byte))
#define CopyMemory(to, from, size) RtlCopyMemory((to), (from), (size))
#define MoveMemory(to, from, size) RtlMoveMemory((to), (from), (size))
#define SecureZeroMemory(to, size) RtlSecureZeroMemory((to), (size))

/**
 * GetCurrentProcessId() - the process's id, as sessions have it in processId
 *
 * Return: the id.
 *
 * Source: "GetCurrentProcessId function (processthreadsapi.h)".
 */
static inline DWORD GetCurrentProcessId(void)
{
	return (DWORD)getpid();
}

#if defined(_POSIX_C_SOURCE) && _POSIX_C_SOURCE >= 200809L

/**
 * Sleep() - let time pass
 * @milliseconds: how much; 0 only lets other threads run, INFINITE never ends.
 *
 * Signals, which Windows has not, do not cut it short, and errno stays as it is.
 *
 * Context: Any thread.
 *
 * Source: "Sleep function (synchapi.h)".
 */
static inline void Sleep(DWORD milliseconds)
{
	struct timespec rest;
	int saved = errno;

	rest.tv_sec = milliseconds / 1000;
	rest.tv_nsec = (long)(milliseconds % 1000) * 1000000;
	if (milliseconds == 0)
		sched_yield();
	while (milliseconds == INFINITE)
		pause();
	while (milliseconds && nanosleep(&rest, &rest) && errno == EINTR)
		;
	errno = saved;
}

/* A lock that its owner may take again. Its members are this file's. */
typedef struct _RTL_CRITICAL_SECTION {
	pthread_mutex_t mutex;
} RTL_CRITICAL_SECTION, CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;

/**
 * InitializeCriticalSectionAndSpinCount() - make a critical section
 * @section: the caller's storage; stays where it is until DeleteCriticalSection().
 * @spins: ignored.
 *
 * Context: Any thread.
 *
 * Return: TRUE, or FALSE if the process is out of memory.
 *
 * Source: "InitializeCriticalSectionAndSpinCount function (synchapi.h)".
 */
static inline BOOL InitializeCriticalSectionAndSpinCount(CRITICAL_SECTION *section, DWORD spins)
{
	pthread_mutexattr_t attr;
	int err = pthread_mutexattr_init(&attr);

	(void)spins;
	if (err)
		return FALSE;
	err = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	if (!err)
		err = pthread_mutex_init(&section->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return err ? FALSE : TRUE;
}

/**
 * InitializeCriticalSection() - make a critical section
 * @section: the caller's storage; stays where it is until DeleteCriticalSection().
 *
 * Context: Any thread. Ends the process if it is out of memory, where Windows raises an exception.
 *
 * Source: "InitializeCriticalSection function (synchapi.h)".
 */
static inline void InitializeCriticalSection(CRITICAL_SECTION *section)
{
	if (!InitializeCriticalSectionAndSpinCount(section, 0))
		abort();
}

/**
 * EnterCriticalSection() - wait until no other thread is inside, and enter
 * @section: the critical section. The thread that is inside may enter again.
 *
 * Context: Any thread. Ends the process if @section is none, as going on without it would do worse.
 *
 * Source: "EnterCriticalSection function (synchapi.h)".
 */
static inline void EnterCriticalSection(CRITICAL_SECTION *section)
{
	if (pthread_mutex_lock(&section->mutex))
		abort();
}

/**
 * TryEnterCriticalSection() - enter if no other thread is inside
 * @section: the critical section.
 *
 * Context: Any thread.
 *
 * Return: TRUE if the thread is inside, else FALSE.
 *
 * Source: "TryEnterCriticalSection function (synchapi.h)".
 */
static inline BOOL TryEnterCriticalSection(CRITICAL_SECTION *section)
{
	return pthread_mutex_trylock(&section->mutex) ? FALSE : TRUE;
}

/**
 * LeaveCriticalSection() - undo one EnterCriticalSection()
 * @section: the critical section.
 *
 * Context: The thread that is inside. Ends the process if it is not.
 *
 * Source: "LeaveCriticalSection function (synchapi.h)".
 */
static inline void LeaveCriticalSection(CRITICAL_SECTION *section)
{
	if (pthread_mutex_unlock(&section->mutex))
		abort();
}

/**
 * DeleteCriticalSection() - give back what a critical section holds
 * @section: the critical section, with no thread inside or waiting.
 *
 * Context: Any thread.
 *
 * Source: "DeleteCriticalSection function (synchapi.h)".
 */
static inline void DeleteCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_destroy(&section->mutex);
}

#endif

#endif /* FWP_WIN32_WINBASE_H */
