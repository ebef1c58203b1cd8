/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Characters, strings, booleans and integers under the names that winnt.h gives them, calling
 * conventions, and the macros for memory and structures that any Windows source may use.
 *
 * Has not: access tokens, SID and ACL functions, the registry's and the executable's formats,
 * threads, fibres, Interlocked functions (the compiler's __atomic ones or <stdatomic.h> do it),
 * structured exceptions (__try). A word that has no meaning here is not defined, so that the
 * compiler names each place.
 */
#ifndef FWP_WIN32_WINNT_H
#define FWP_WIN32_WINNT_H

#include <stddef.h>
#include <string.h>
#include <wchar.h>

#include "../fwp/wintypes.h"
#include "basetsd.h"
#include "sal.h"
#include "sdkddkver.h"

/* Calling conventions: a target of Linux has one. */
#define __cdecl
#define __stdcall
#define __fastcall
#define __vectorcall
#define _cdecl
#define _stdcall
#define NTAPI

/* Types that are words of Microsoft's compiler; with "unsigned" before them they are one type. */
#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 __INT64_TYPE__

/*
 * The declaration words that mean something here. Another one is a compiler's error, never lost:
 * thread is __thread or thread_local, which stand elsewhere in a declaration.
 */
#define __declspec(word) FWP_DECLSPEC_##word
#define FWP_DECLSPEC_dllexport __attribute__((visibility("default")))
#define FWP_DECLSPEC_dllimport
#define FWP_DECLSPEC_noreturn	  __attribute__((noreturn))
#define FWP_DECLSPEC_noinline	  __attribute__((noinline))
#define FWP_DECLSPEC_selectany	  __attribute__((weak))
#define FWP_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))
#define DECLSPEC_NORETURN	  __attribute__((noreturn))
#define DECLSPEC_ALIGN(bytes)	  __attribute__((aligned(bytes)))

#define __forceinline __inline __attribute__((always_inline))
#define FORCEINLINE static __forceinline

#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif

#define VOID void

typedef char CHAR, *PCHAR;
typedef int16_t SHORT, *PSHORT;
typedef LONG *PLONG;
typedef int64_t LONGLONG, *PLONGLONG;
typedef uint64_t ULONGLONG, *PULONGLONG;
typedef uint64_t DWORDLONG, *PDWORDLONG;
typedef BYTE BOOLEAN, *PBOOLEAN;
typedef void *PVOID;
typedef HANDLE *PHANDLE;
typedef LONG HRESULT;
typedef GUID *PGUID;
typedef LUID *PLUID;

/* Wide ones are the compiler's wchar_t, which functions of the C library take. */
typedef wchar_t WCHAR, *PWCHAR;
typedef wchar_t *PWSTR;
typedef const wchar_t *PCWSTR;
typedef char *PSTR;
typedef const char *PCSTR, *LPCSTR;

#ifdef UNICODE
typedef wchar_t TCHAR, *PTCHAR, *PTSTR, *LPTSTR;
typedef const wchar_t *PCTSTR, *LPCTSTR;
#define FWP_TEXT(literal) L##literal
#else
typedef char TCHAR, *PTCHAR, *PTSTR, *LPTSTR;
typedef const char *PCTSTR, *LPCTSTR;
#define FWP_TEXT(literal) literal
#endif
/* In two steps, so that the literal may be a macro. */
#define TEXT(literal) FWP_TEXT(literal)

/* A FILETIME as a number is one of these with both halves copied. */
typedef union _ULARGE_INTEGER {
	__extension__ struct {
		DWORD LowPart;
		DWORD HighPart;
	};
	struct {
		DWORD LowPart;
		DWORD HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef union _LARGE_INTEGER {
	__extension__ struct {
		DWORD LowPart;
		LONG HighPart;
	};
	struct {
		DWORD LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

#define MAXBYTE					0xff
#define MAXWORD					0xffff
#define MAXDWORD				0xffffffffU

#define ANYSIZE_ARRAY				1

#define ARRAYSIZE(array)			(sizeof(array) / sizeof((array)[0]))
#define RTL_NUMBER_OF(array)			ARRAYSIZE(array)
#define FIELD_OFFSET(type, field)		((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field)		((DWORD)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field) ((type *)((char *)(address)-offsetof(type, field)))
#define RTL_FIELD_SIZE(type, field)		(sizeof(((type *)0)->field))

#ifdef __cplusplus
#define C_ASSERT(condition) static_assert(condition, #condition)
#else
#define C_ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define UNREFERENCED_PARAMETER(name)	  ((void)(name))
#define UNREFERENCED_LOCAL_VARIABLE(name) ((void)(name))
#define DBG_UNREFERENCED_PARAMETER(name)  ((void)(name))

#define RtlZeroMemory(to, size)		  ((void)memset((to), 0, (size)))
#define RtlFillMemory(to, size, byte)	  ((void)memset((to), (byte), (size)))
#define RtlCopyMemory(to, from, size)	  ((void)memcpy((to), (from), (size)))
#define RtlMoveMemory(to, from, size)	  ((void)memmove((to), (from), (size)))
#define RtlEqualMemory(one, other, size)  (!memcmp((one), (other), (size)))

/**
 * RtlSecureZeroMemory() - set memory to zero, also where the compiler sees no one read it
 * @to: the memory; may be NULL if @size is 0.
 * @size: bytes.
 *
 * explicit_bzero() would do, but plain C11 hides it.
 *
 * Context: Any thread.
 *
 * Return: @to.
 *
 * Source: "RtlSecureZeroMemory function (wdm.h)".
 */
static inline void *RtlSecureZeroMemory(void *to, size_t size)
{
	if (size)
		memset(to, 0, size);
	__asm__ __volatile__("" : : "r"(to) : "memory");
	return to;
}

#endif /* FWP_WIN32_WINNT_H */
