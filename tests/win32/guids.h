// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* GUIDs of two files that both define them: which is whose must not matter. */
#ifndef TESTS_WIN32_GUIDS_H
#define TESTS_WIN32_GUIDS_H

#include <guiddef.h>

/* {8e0b4f6a-2c7d-4d15-9e83-b5f1a6c0d742} */
DEFINE_GUID(OWN_KEY, 0x8e0b4f6a, 0x2c7d, 0x4d15, 0x9e, 0x83, 0xb5, 0xf1, 0xa6, 0xc0, 0xd7, 0x42);

#ifdef __cplusplus
extern "C" {
#endif

const GUID *other_layer(void);
const GUID *other_key(void);

#ifdef __cplusplus
}
#endif

#endif
