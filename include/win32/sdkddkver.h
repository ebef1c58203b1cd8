/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Versions of Windows, for sources that ask which one they are built for. A source that sets none
 * gets Windows 10, the oldest that has everything fwpmu.h declares. _WIN32 is not defined: this is
 * not Windows, and C libraries would believe it.
 *
 * Source: "Update WINVER and _WIN32_WINNT".
 */
#ifndef FWP_WIN32_SDKDDKVER_H
#define FWP_WIN32_SDKDDKVER_H

#define _WIN32_WINNT_VISTA    0x0600
#define _WIN32_WINNT_WIN6     0x0600
#define _WIN32_WINNT_WS08     0x0600
#define _WIN32_WINNT_LONGHORN 0x0600
#define _WIN32_WINNT_WIN7     0x0601
#define _WIN32_WINNT_WIN8     0x0602
#define _WIN32_WINNT_WINBLUE  0x0603
#define _WIN32_WINNT_WIN10    0x0A00

#define NTDDI_VISTA	      0x06000000
#define NTDDI_WIN6	      0x06000000
#define NTDDI_WS08	      0x06000100
#define NTDDI_LONGHORN	      0x06000000
#define NTDDI_WIN7	      0x06010000
#define NTDDI_WIN8	      0x06020000
#define NTDDI_WINBLUE	      0x06030000
#define NTDDI_WIN10	      0x0A000000

#ifndef _WIN32_WINNT
#define _WIN32_WINNT _WIN32_WINNT_WIN10
#endif
#ifndef WINVER
#define WINVER _WIN32_WINNT
#endif
/* _WIN32_WINNT has the upper half of it. */
#ifndef NTDDI_VERSION
#define NTDDI_VERSION (_WIN32_WINNT * 0x10000)
#endif

#endif /* FWP_WIN32_SDKDDKVER_H */
