/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The well-known GUIDs: layers, sublayers, condition fields, callouts, providers, keying modules.
 * They are objects of the library. With INITGUID defined, the including file gets definitions of
 * its own, as on Windows, and needs the library for none of them.
 */
#ifndef FWP_GUID_H
#define FWP_GUID_H

#include "decls.h"
#include "define_guid.h"
#include "guid_list.h"

/* The 16 bits of a GUID's fourth and the 48 bits of its fifth group, as Data4 has them. */
#define FWP_GUID_DATA4(data4, data5)                                                           \
	(UINT8)((data4) >> 8), (UINT8)(data4), (UINT8)((data5) >> 40), (UINT8)((data5) >> 32), \
		(UINT8)((data5) >> 24), (UINT8)((data5) >> 16), (UINT8)((data5) >> 8),         \
		(UINT8)(data5)

FWP_BEGIN_DECLS

#ifdef INITGUID
#define FWP_GUID_DEFINE(name, data1, data2, data3, data4, data5) \
	extern const GUID name __attribute__((weak));            \
	const GUID name = { data1, data2, data3, { FWP_GUID_DATA4(data4, UINT64_C(data5)) } };
FWP_GUID_LIST(FWP_GUID_DEFINE)
#undef FWP_GUID_DEFINE
#else
#define FWP_GUID_DECLARE(name, data1, data2, data3, data4, data5) extern const GUID name;
FWP_GUID_LIST(FWP_GUID_DECLARE)
#undef FWP_GUID_DECLARE
#endif

FWP_END_DECLS

#endif /* FWP_GUID_H */
