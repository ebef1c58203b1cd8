// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The well-known GUIDs as objects of the library. They are weak: a program that defines one itself,
 * as those do that were written for an SDK without it, links with the static library too, and the
 * program's is the one that both then have.
 */
#include <fwp/guid.h>

#define GUID_DEFINE(name, data1, data2, data3, data4, data5) \
	__attribute__((weak)) const GUID name = {            \
		data1,                                       \
		data2,                                       \
		data3,                                       \
		{ FWP_GUID_DATA4(data4, UINT64_C(data5)) },  \
	};

FWP_GUID_LIST(GUID_DEFINE)
