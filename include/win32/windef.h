/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The names of windef.h: what winnt.h has, and the older ones beside them.
 *
 * Has not: handles of windows and modules, POINT and RECT, MAX_PATH (paths are longer here), and
 * the macros min, max, near and far, which break other headers.
 */
#ifndef FWP_WIN32_WINDEF_H
#define FWP_WIN32_WINDEF_H

#include "winnt.h"

#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define FAR
#define NEAR
#define WINAPI
#define WINAPIV
#define APIENTRY
#define CALLBACK
#define PASCAL

typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef float FLOAT, *PFLOAT;
typedef unsigned char UCHAR, *PUCHAR;
typedef uint16_t USHORT, *PUSHORT;
typedef ULONG *PULONG;
typedef BYTE *PBYTE, *LPBYTE;
typedef WORD *PWORD, *LPWORD;
typedef DWORD *PDWORD, *LPDWORD;
typedef LONG *LPLONG;
typedef BOOL *PBOOL, *LPBOOL;
typedef HANDLE *LPHANDLE;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef FILETIME *PFILETIME, *LPFILETIME;

#define LOBYTE(value)	    ((BYTE)((value)&0xff))
#define HIBYTE(value)	    ((BYTE)(((value) >> 8) & 0xff))
#define LOWORD(value)	    ((WORD)((value)&0xffff))
#define HIWORD(value)	    ((WORD)(((value) >> 16) & 0xffff))
#define MAKEWORD(low, high) ((WORD)(((low)&0xff) | ((high)&0xff) << 8))
#define MAKELONG(low, high) ((LONG)(((DWORD)(low)&0xffff) | ((DWORD)(high)&0xffff) << 16))

#endif /* FWP_WIN32_WINDEF_H */
