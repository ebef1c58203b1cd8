/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * GUIDs: their names, how they are compared, and DEFINE_GUID (fwp/define_guid.h), which stands
 * outside of the include guard: a source may define INITGUID and include this file again.
 *
 * In C the functions take pointers, in C++ references, as on Windows.
 *
 * Has not: GUID_NULL (cguid.h), CLSIDFromString() and others of ole32.
 */
#include "../fwp/define_guid.h"

#ifndef FWP_WIN32_GUIDDEF_H
#define FWP_WIN32_GUIDDEF_H

#include <string.h>

typedef GUID *LPGUID;
typedef const GUID *LPCGUID;
typedef GUID IID, *LPIID;
typedef GUID CLSID, *LPCLSID;

#ifdef __cplusplus

typedef const GUID &REFGUID;
typedef const IID &REFIID;
typedef const CLSID &REFCLSID;

/**
 * IsEqualGUID() - whether two GUIDs are the same
 * @a: the one.
 * @b: the other.
 *
 * Return: 1 or 0.
 */
static inline int IsEqualGUID(REFGUID a, REFGUID b)
{
	return !memcmp(&a, &b, sizeof(GUID));
}

/* A source may have its own. */
#ifndef _SYS_GUID_OPERATOR_EQ_
#define _SYS_GUID_OPERATOR_EQ_
static inline bool operator==(REFGUID a, REFGUID b)
{
	return IsEqualGUID(a, b);
}

static inline bool operator!=(REFGUID a, REFGUID b)
{
	return !IsEqualGUID(a, b);
}
#endif

#else

typedef const GUID *REFGUID;
typedef const IID *REFIID;
typedef const CLSID *REFCLSID;

/**
 * IsEqualGUID() - whether two GUIDs are the same
 * @a: the one.
 * @b: the other.
 *
 * Return: 1 or 0.
 */
static inline int IsEqualGUID(REFGUID a, REFGUID b)
{
	return !memcmp(a, b, sizeof(GUID));
}

#endif

#define InlineIsEqualGUID(a, b) IsEqualGUID(a, b)
#define IsEqualIID(a, b)	IsEqualGUID(a, b)
#define IsEqualCLSID(a, b)	IsEqualGUID(a, b)

#endif /* FWP_WIN32_GUIDDEF_H */
