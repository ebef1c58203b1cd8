// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The one translation of errors: to the DWORD of the API and to the text of saxdp_error(). */
#include <errno.h>
#include <stdio.h>

#include "internal.h"

static const struct {
	int err;
	DWORD result;
} errno_results[] = {
	{ 0, ERROR_SUCCESS },
	{ -ENOMEM, ERROR_NOT_ENOUGH_MEMORY },
	{ -EMFILE, ERROR_NOT_ENOUGH_MEMORY },
	{ -ENFILE, ERROR_NOT_ENOUGH_MEMORY },
	{ -EPERM, ERROR_ACCESS_DENIED },
	{ -EACCES, ERROR_ACCESS_DENIED },
	{ -ENOSPC, ERROR_NO_SYSTEM_RESOURCES },
	{ -E2BIG, ERROR_NO_SYSTEM_RESOURCES },
	{ -EBADF, ERROR_INVALID_HANDLE },
	{ -EINVAL, ERROR_INVALID_PARAMETER },
	{ -EOPNOTSUPP, ERROR_NOT_SUPPORTED },
	{ -ENOENT, FWP_E_NOT_FOUND },
	{ -EEXIST, FWP_E_ALREADY_EXISTS },
	{ -EBUSY, FWP_E_IN_USE },
	{ -ETIMEDOUT, FWP_E_TIMEOUT },
	{ -EPROTO, RPC_S_UNKNOWN_IF }, /* loaded by another ABI version */
	{ -ESHUTDOWN, RPC_E_DISCONNECTED }, /* unloaded under the handle */
};

enum {
	LOWEST_ERRNO = -4095,
	WIN32_FORM = 0x80070000, /* HRESULT_FROM_WIN32 */
	WIN32_MASK = 0xffff,
};

DWORD fwp_result(int err)
{
	DWORD code = (DWORD)err;

	if (err >= LOWEST_ERRNO) {
		for (size_t i = 0; i < sizeof(errno_results) / sizeof(*errno_results); i++)
			if (errno_results[i].err == err)
				return errno_results[i].result;
		return RPC_S_CALL_FAILED; /* what no rule foresees: the kernel refused a call */
	}
	if ((code & ~(DWORD)WIN32_MASK) == (DWORD)WIN32_FORM)
		return code & WIN32_MASK;
	return code;
}

static _Thread_local char text[512];

int fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err;
}

const char *saxdp_error(void)
{
	return text;
}
