// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A second file with INITGUID: here it comes before fwpmu.h, so the well-known GUIDs are its own. */
#include <windows.h>
#include <initguid.h>
#include <fwpmu.h>

#include "guids.h"

const GUID *other_layer(void)
{
	return &FWPM_LAYER_INBOUND_TRANSPORT_V4;
}

const GUID *other_key(void)
{
	return &OWN_KEY;
}
