/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From here on DEFINE_GUID defines. If fwpmu.h comes later, the file also gets the well-known GUIDs
 * as its own; any number of files may. No include guard: see fwp/define_guid.h.
 */
#ifndef INITGUID
#define INITGUID
#endif

#include "guiddef.h"
