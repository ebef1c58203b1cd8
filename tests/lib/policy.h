/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A loaded instance with a session, and filters made in one line. */
#ifndef TESTS_LIB_POLICY_H
#define TESTS_LIB_POLICY_H

#include "fwpmu.h"
#include "saxdp.h"

/*
 * Loads an instance of the test's own, which the environment then names. READERS and WRITERS are
 * its groups. Returns its name.
 */
enum { POLICY_READERS = 61001, POLICY_WRITERS = 61002, POLICY_STRANGER = 61003 };
const char *policy_load(const char *label, uint32_t contexts, uint32_t filters);

/* flags of FWPM_SESSION0; wait_ms 0: the default. */
HANDLE policy_open(UINT32 flags, UINT32 wait_ms);
void policy_close(HANDLE engine);

/* A filter named "test" with a permit, automatic weight, and the conditions given. */
FWPM_FILTER0 policy_filter(const GUID *layer, FWPM_FILTER_CONDITION0 *conditions, UINT32 count);
/* Its action is one of the built-in callouts, terminating. */
FWPM_FILTER0 policy_ipsec_filter(const GUID *layer, const GUID *callout,
				 FWPM_FILTER_CONDITION0 *conditions, UINT32 count);
UINT64 policy_add(HANDLE engine, const FWPM_FILTER0 *filter);
void policy_delete(HANDLE engine, UINT64 id);

/* A tunnel policy named "test" from 192.0.2.1 to 192.0.2.2; `policy` must live as long. */
FWPM_PROVIDER_CONTEXT0 policy_tunnel(IPSEC_TUNNEL_POLICY0 *policy);
UINT64 policy_tunnel_add(HANDLE engine, const GUID *key);

#endif
