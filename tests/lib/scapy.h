/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#ifndef TESTS_LIB_SCAPY_H
#define TESTS_LIB_SCAPY_H

/*
 * Runs a scapy script with Debian's Python inside @netns (NULL: the caller's) and returns its
 * standard output, to be freed. @args: its arguments, NULL at the end, or NULL. Unless it exits
 * with 0 the test fails with the script's own words.
 */
char *scapy_run(const char *netns, const char *script, const char *const args[]);

#endif
