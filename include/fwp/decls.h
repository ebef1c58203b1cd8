/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What stands around the declarations of every public header: C linkage in C++, and the default
 * visibility, so that they are exported also when the library is built with -fvisibility=hidden.
 */
#ifndef FWP_DECLS_H
#define FWP_DECLS_H

#ifdef __cplusplus
#define FWP_BEGIN_DECLS                                    \
	_Pragma("GCC visibility push(default)") extern "C" \
	{
#define FWP_END_DECLS \
	}             \
	_Pragma("GCC visibility pop")
#else
#define FWP_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define FWP_END_DECLS	_Pragma("GCC visibility pop")
#endif

#endif /* FWP_DECLS_H */
