// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "quiet.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

static pthread_mutex_t quiet_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int quiet_users; /* quiet_lock */
static libbpf_print_fn_t libbpf_before; /* quiet_lock */
static libxdp_print_fn_t libxdp_before; /* quiet_lock */

static _Thread_local char said[256];

static void keep(const char *format, va_list args)
{
	if (said[0])
		return;
	vsnprintf(said, sizeof(said), format, args);
	said[strcspn(said, "\n")] = '\0';
}

static int libbpf_keep(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		keep(format, args);
	return 0;
}

static int libxdp_keep(enum libxdp_print_level level, const char *format, va_list args)
{
	if (level == LIBXDP_WARN)
		keep(format, args);
	return 0;
}

void quiet_begin(void)
{
	said[0] = '\0';
	pthread_mutex_lock(&quiet_lock);
	if (!quiet_users++) {
		libbpf_before = libbpf_set_print(libbpf_keep);
		libxdp_before = libxdp_set_print(libxdp_keep);
	}
	pthread_mutex_unlock(&quiet_lock);
}

void quiet_end(void)
{
	pthread_mutex_lock(&quiet_lock);
	if (!--quiet_users) {
		libbpf_set_print(libbpf_before);
		libxdp_set_print(libxdp_before);
	}
	pthread_mutex_unlock(&quiet_lock);
}

const char *quiet_said(void)
{
	return said;
}
