/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * DEFINE_GUID, as guiddef.h has it: it declares a GUID or, where INITGUID is defined, defines it.
 * There is no include guard, so that a program can define INITGUID and include this file again
 * before its own GUIDs. A definition is weak: many files may have the same one, and the library's
 * objects of the same names do not clash with it.
 */
#include "wintypes.h"

#ifdef __cplusplus
#define FWP_EXTERN_GUID extern "C" const GUID
#else
#define FWP_EXTERN_GUID extern const GUID
#endif

#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
	FWP_EXTERN_GUID name __attribute__((weak));                  \
	const GUID name = { l, w1, w2, { b1, b2, b3, b4, b5, b6, b7, b8 } }
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) FWP_EXTERN_GUID name
#endif
