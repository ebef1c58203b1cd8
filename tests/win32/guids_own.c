// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A source that defines well-known GUIDs itself, without INITGUID: one as the library has it and
 * one with another value, so that it can be told whose is used. Exits with the number of what is
 * wrong.
 */
#include <windows.h>
#include <fwpmu.h>

const GUID FWPM_LAYER_INBOUND_TRANSPORT_V4 = { 0x5926dfc8,
					       0xe3cf,
					       0x4426,
					       { 0xa2, 0x83, 0xdc, 0x39, 0x3f, 0x5d, 0x0f, 0x9d } };
const GUID FWPM_LAYER_IPFORWARD_V6 = { 0x5926dfc8, 0, 0, { 0 } };

int main(void)
{
	/* Not this program's: the library's objects are linked in for it. */
	if (FWPM_LAYER_INBOUND_TRANSPORT_V6.Data1 != 0x634a869f)
		return 1;
	if (FWPM_LAYER_INBOUND_TRANSPORT_V4.Data2 != 0xe3cf)
		return 2;
	if (FWPM_LAYER_IPFORWARD_V6.Data1 != 0x5926dfc8 || FWPM_LAYER_IPFORWARD_V6.Data2)
		return 3;
	return 0;
}
