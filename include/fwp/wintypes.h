/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The base types of Windows that the filtering platform's structures are made of, with the sizes
 * they have there: DWORD, ULONG and BOOL are 32 bits wide. The one difference is wchar_t, which is
 * the compiler's; the structures only point to it. They are the types of <stdint.h>, so that a
 * uint64_t can be passed where a UINT64 is wanted.
 *
 * A windows.h for Linux includes this file instead of defining them again.
 */
#ifndef FWP_WINTYPES_H
#define FWP_WINTYPES_H

#include <stddef.h>
#include <stdint.h>

#include "decls.h"

FWP_BEGIN_DECLS

typedef int8_t INT8;
typedef int16_t INT16;
typedef int32_t INT32;
typedef int64_t INT64;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32;
typedef uint64_t UINT64;

typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef int BOOL;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif

typedef void *HANDLE;
typedef char *LPSTR;
typedef wchar_t *LPWSTR;
typedef const wchar_t *LPCWSTR;

typedef struct _GUID {
	UINT32 Data1;
	UINT16 Data2;
	UINT16 Data3;
	UINT8 Data4[8];
} GUID;

typedef struct _LUID {
	DWORD LowPart;
	LONG HighPart;
} LUID;

/* 100-nanosecond intervals since 1601-01-01 00:00 UTC. */
typedef struct _FILETIME {
	DWORD dwLowDateTime;
	DWORD dwHighDateTime;
} FILETIME;

typedef struct _SID_IDENTIFIER_AUTHORITY {
	BYTE Value[6];
} SID_IDENTIFIER_AUTHORITY;

/* SubAuthority has SubAuthorityCount elements, at most 15. */
typedef struct _SID {
	BYTE Revision;
	BYTE SubAuthorityCount;
	SID_IDENTIFIER_AUTHORITY IdentifierAuthority;
	DWORD SubAuthority[1];
} SID;

typedef void *PSID;

typedef struct _SID_AND_ATTRIBUTES {
	PSID Sid;
	DWORD Attributes;
} SID_AND_ATTRIBUTES, *PSID_AND_ATTRIBUTES;

typedef struct _ACL {
	BYTE AclRevision;
	BYTE Sbz1;
	WORD AclSize;
	WORD AceCount;
	WORD Sbz2;
} ACL, *PACL;

typedef WORD SECURITY_DESCRIPTOR_CONTROL;
typedef DWORD SECURITY_INFORMATION;

typedef struct _SECURITY_DESCRIPTOR {
	BYTE Revision;
	BYTE Sbz1;
	SECURITY_DESCRIPTOR_CONTROL Control;
	PSID Owner;
	PSID Group;
	PACL Sacl;
	PACL Dacl;
} SECURITY_DESCRIPTOR;

typedef void *PSECURITY_DESCRIPTOR;

/* The strings are UTF-16 and counted, whatever wchar_t is. */
typedef struct _SEC_WINNT_AUTH_IDENTITY_W {
	unsigned short *User;
	ULONG UserLength;
	unsigned short *Domain;
	ULONG DomainLength;
	unsigned short *Password;
	ULONG PasswordLength;
	ULONG Flags;
} SEC_WINNT_AUTH_IDENTITY_W;

/* Standard access rights. */
#ifndef DELETE
#define DELETE 0x00010000
#endif
#define READ_CONTROL		 0x00020000
#define WRITE_DAC		 0x00040000
#define WRITE_OWNER		 0x00080000
#define STANDARD_RIGHTS_REQUIRED 0x000f0000
#define STANDARD_RIGHTS_READ	 READ_CONTROL
#define STANDARD_RIGHTS_WRITE	 READ_CONTROL
#define STANDARD_RIGHTS_EXECUTE	 READ_CONTROL

/* SECURITY_INFORMATION */
#define OWNER_SECURITY_INFORMATION 0x00000001
#define GROUP_SECURITY_INFORMATION 0x00000002
#define DACL_SECURITY_INFORMATION  0x00000004
#define SACL_SECURITY_INFORMATION  0x00000008

/* Authentication services, of which FwpmEngineOpen0 takes these two. */
#define RPC_C_AUTHN_WINNT   10
#define RPC_C_AUTHN_DEFAULT 0xffffffffU

FWP_END_DECLS

#endif /* FWP_WINTYPES_H */
