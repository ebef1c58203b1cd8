/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Windows' header files for sources that are written for the Windows Filtering Platform, so that
 * they compile on Linux unchanged: the names that such programs use and no others. Each header says
 * what it has not; what is not there does not compile, and nothing that compiles does less than it
 * says.
 *
 *	cc $(pkg-config --cflags saxdp-win32) -c backend.c
 *	cc -o daemon backend.o $(pkg-config --libs saxdp-win32)
 *
 * The flags also find other spellings, <Windows.h> or <Fwpmu.h>, by the folder spelled/.
 *
 * What a source has to know:
 *
 * - DWORD, ULONG and LONG are 32 bits wide, as on Windows, and therefore no longs here: printf()'s
 *   %lu and %lx are wrong for them. -Wformat names each place.
 * - wchar_t has 32 bits. In wprintf(), %s is a char string and %ls a wide one. A program starts at
 *   main(), not at wmain().
 * - _WIN32 is not defined.
 *
 * As on Windows, WIN32_LEAN_AND_MEAN leaves out sockets and RPC.
 */
#ifndef FWP_WIN32_WINDOWS_H
#define FWP_WIN32_WINDOWS_H

#include "sdkddkver.h"
#include "windef.h"
#include "winbase.h"
#include "winerror.h"
#include "guiddef.h"

#ifndef WIN32_LEAN_AND_MEAN
#include "rpc.h"
#include "winsock2.h"
#endif

#endif /* FWP_WIN32_WINDOWS_H */
