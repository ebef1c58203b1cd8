/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What of RPC a source meets that only uses the filtering platform: UUIDs and the names of
 * authentication services (rpcdce.h).
 *
 * Has not: bindings, servers, stubs, exceptions.
 */
#ifndef FWP_WIN32_RPC_H
#define FWP_WIN32_RPC_H

#include "rpcdce.h"

#endif /* FWP_WIN32_RPC_H */
