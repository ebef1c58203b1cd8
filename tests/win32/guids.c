// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * GUIDs in every way a source may have them: declared a second time, defined by initguid.h before
 * fwpmu.h in two files of one program, and compared. Exits with the number of what is wrong.
 */
#include <initguid.h>
#include <fwpmu.h>
#include <windows.h>

#include "guids.h"

/* For SDKs that lack them. */
extern const GUID FWPM_LAYER_INBOUND_TRANSPORT_V4;
extern const GUID FWPM_CONDITION_IP_REMOTE_ADDRESS;
EXTERN_C const GUID FWPM_SUBLAYER_UNIVERSAL;

#ifdef __cplusplus
#define SAME(a, b) (IsEqualGUID(*(a), *(b)) && *(a) == *(b) && !(*(a) != *(b)))
#else
#define SAME(a, b) (IsEqualGUID(a, b) && InlineIsEqualGUID(a, b))
#endif

int main(void)
{
	static const GUID layer = {
		0x5926dfc8, 0xe3cf, 0x4426, { 0xa2, 0x83, 0xdc, 0x39, 0x3f, 0x5d, 0x0f, 0x9d }
	};
	static const GUID key = {
		0x8e0b4f6a, 0x2c7d, 0x4d15, { 0x9e, 0x83, 0xb5, 0xf1, 0xa6, 0xc0, 0xd7, 0x42 }
	};

	if (!SAME(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &layer))
		return 1;
	if (!SAME(&OWN_KEY, &key))
		return 2;
	if (other_layer() != &FWPM_LAYER_INBOUND_TRANSPORT_V4)
		return 3;
	if (other_key() != &OWN_KEY)
		return 4;
	if (SAME(&FWPM_LAYER_INBOUND_TRANSPORT_V4, &FWPM_LAYER_INBOUND_TRANSPORT_V6))
		return 5;
	if (SAME(&FWPM_CONDITION_IP_REMOTE_ADDRESS, &FWPM_SUBLAYER_UNIVERSAL))
		return 6;
	return 0;
}
