/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * HRESULTs, their macros, and the codes that programs use beside those that the calls of fwpmu.h
 * return (fwp/error.h). An FWP_E_* code is unsigned, to compare with a DWORD; as an HRESULT it is
 * cast, which HRESULT_FROM_WIN32() does too.
 *
 * Source: "Structure of COM error codes", "HRESULT_FROM_WIN32 macro (winerror.h)", "System Error
 * Codes".
 */
#ifndef FWP_WIN32_WINERROR_H
#define FWP_WIN32_WINERROR_H

#include "../fwp/error.h"
#include "winnt.h"

#define NO_ERROR		    0
#define ERROR_INVALID_FUNCTION	    1
#define ERROR_PATH_NOT_FOUND	    3
#define ERROR_INVALID_DATA	    13
#define ERROR_NOT_READY		    21
#define ERROR_GEN_FAILURE	    31
#define ERROR_BUFFER_OVERFLOW	    111
#define ERROR_INVALID_NAME	    123
#define ERROR_BAD_ARGUMENTS	    160
#define ERROR_BUSY		    170
#define ERROR_MORE_DATA		    234
#define WAIT_TIMEOUT		    258
#define ERROR_NO_MORE_ITEMS	    259
#define ERROR_ARITHMETIC_OVERFLOW   534
#define ERROR_OPERATION_ABORTED	    995
#define ERROR_INVALID_FLAGS	    1004
#define ERROR_CANCELLED		    1223
#define ERROR_ALREADY_INITIALIZED   1247
#define ERROR_INTERNAL_ERROR	    1359
#define ERROR_TIMEOUT		    1460
#define ERROR_OBJECT_ALREADY_EXISTS 5010
#define ERROR_INVALID_STATE	    5023

#define RPC_S_OK		    ERROR_SUCCESS
#define RPC_S_OUT_OF_MEMORY	    ERROR_OUTOFMEMORY
#define RPC_S_INVALID_ARG	    ERROR_INVALID_PARAMETER
#define RPC_S_INVALID_STRING_UUID   1705
#define RPC_S_UUID_NO_ADDRESS	    1739
#define RPC_S_UUID_LOCAL_ONLY	    1824

#define S_OK			    ((HRESULT)0)
#define S_FALSE			    ((HRESULT)1)
#define E_NOTIMPL		    ((HRESULT)0x80004001U)
#define E_NOINTERFACE		    ((HRESULT)0x80004002U)
#define E_POINTER		    ((HRESULT)0x80004003U)
#define E_ABORT			    ((HRESULT)0x80004004U)
#define E_FAIL			    ((HRESULT)0x80004005U)
#define E_UNEXPECTED		    ((HRESULT)0x8000ffffU)
#define E_ACCESSDENIED		    ((HRESULT)0x80070005U)
#define E_HANDLE		    ((HRESULT)0x80070006U)
#define E_OUTOFMEMORY		    ((HRESULT)0x8007000eU)
#define E_INVALIDARG		    ((HRESULT)0x80070057U)

#define SEVERITY_SUCCESS	    0
#define SEVERITY_ERROR		    1

#define FACILITY_NULL		    0
#define FACILITY_RPC		    1
#define FACILITY_ITF		    4
#define FACILITY_WIN32		    7
#define FACILITY_FWP		    50

#define SUCCEEDED(hr)		    ((HRESULT)(hr) >= 0)
#define FAILED(hr)		    ((HRESULT)(hr) < 0)
#define IS_ERROR(status)	    ((DWORD)(status) >> 31 == SEVERITY_ERROR)
#define HRESULT_CODE(hr)	    ((hr)&0xffff)
#define HRESULT_FACILITY(hr)	    (((hr) >> 16) & 0x1fff)
#define HRESULT_SEVERITY(hr)	    (((hr) >> 31) & 1)
#define MAKE_HRESULT(severity, facility, code) \
	((HRESULT)((DWORD)(severity) << 31 | (DWORD)(facility) << 16 | (DWORD)(code)))

/**
 * HRESULT_FROM_WIN32() - the HRESULT of a code that a call has returned
 * @code: a Win32 code, or a code that is an HRESULT already (FWP_E_*).
 *
 * Return: S_OK for ERROR_SUCCESS, @code itself if its upper bit is set, else the code with
 * FACILITY_WIN32.
 */
static inline HRESULT HRESULT_FROM_WIN32(DWORD code)
{
	if ((HRESULT)code <= 0)
		return (HRESULT)code;
	return MAKE_HRESULT(SEVERITY_ERROR, FACILITY_WIN32, code & 0xffff);
}

#endif /* FWP_WIN32_WINERROR_H */
