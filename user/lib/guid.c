// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The well-known GUIDs as objects of the library. */
#include <fwp/guid.h>

#define GUID_DEFINE(name, data1, data2, data3, data4, data5) \
	const GUID name = { data1, data2, data3, { FWP_GUID_DATA4(data4, UINT64_C(data5)) } };

FWP_GUID_LIST(GUID_DEFINE)
