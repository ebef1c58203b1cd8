/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Integers of a stated width, and those that are as wide as a pointer, in addition to what
 * fwp/wintypes.h has.
 */
#ifndef FWP_WIN32_BASETSD_H
#define FWP_WIN32_BASETSD_H

#include <stddef.h>
#include <stdint.h>

#include "../fwp/wintypes.h"

typedef int32_t LONG32, *PLONG32;
typedef int64_t LONG64, *PLONG64;
typedef uint32_t ULONG32, *PULONG32;
typedef uint64_t ULONG64, *PULONG64;
typedef uint32_t DWORD32, *PDWORD32;
typedef uint64_t DWORD64, *PDWORD64;

typedef INT8 *PINT8;
typedef INT16 *PINT16;
typedef INT32 *PINT32;
typedef INT64 *PINT64;
typedef UINT8 *PUINT8;
typedef UINT16 *PUINT16;
typedef UINT32 *PUINT32;
typedef UINT64 *PUINT64;

typedef intptr_t INT_PTR, *PINT_PTR;
typedef uintptr_t UINT_PTR, *PUINT_PTR;
typedef intptr_t LONG_PTR, *PLONG_PTR;
typedef uintptr_t ULONG_PTR, *PULONG_PTR;
typedef uintptr_t DWORD_PTR, *PDWORD_PTR;
typedef size_t SIZE_T, *PSIZE_T;
typedef ptrdiff_t SSIZE_T, *PSSIZE_T;

#define MAXUINT8  UINT8_MAX
#define MAXUINT16 UINT16_MAX
#define MAXUINT32 UINT32_MAX
#define MAXUINT64 UINT64_MAX
#define MAXINT8	  INT8_MAX
#define MAXINT16  INT16_MAX
#define MAXINT32  INT32_MAX
#define MAXINT64  INT64_MAX

#endif /* FWP_WIN32_BASETSD_H */
