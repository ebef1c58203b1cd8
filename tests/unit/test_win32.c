// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What the header files of include/win32/ do, beside being compiled: their functions and the macros
 * that calculate. That sources compile with them is shown by tests/integration/test_win32.sh.
 *
 * link: -Wl,--wrap=getrandom -Wl,--wrap=nanosleep
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "win32/winsock2.h"
#include "win32/ws2tcpip.h"
#include "win32/windows.h"
#include <fwpmu.h>

#include "check.h"

/* --- types and macros -------------------------------------------------------------------------- */

C_ASSERT(sizeof(BYTE) == 1 && sizeof(BOOLEAN) == 1 && sizeof(CHAR) == 1);
C_ASSERT(sizeof(WORD) == 2 && sizeof(USHORT) == 2 && sizeof(SHORT) == 2);
C_ASSERT(sizeof(DWORD) == 4 && sizeof(ULONG) == 4 && sizeof(LONG) == 4 && sizeof(BOOL) == 4);
C_ASSERT(sizeof(UINT) == 4 && sizeof(INT) == 4 && sizeof(HRESULT) == 4);
C_ASSERT(sizeof(DWORD64) == 8 && sizeof(ULONGLONG) == 8 && sizeof(unsigned __int64) == 8);
C_ASSERT(sizeof(LARGE_INTEGER) == 8 && sizeof(ULARGE_INTEGER) == 8);
C_ASSERT(sizeof(SIZE_T) == sizeof(void *) && sizeof(ULONG_PTR) == sizeof(void *));
C_ASSERT((BOOLEAN)-1 > 0 && (LONG)-1 < 0 && (DWORD_PTR)-1 > 0 && (LONG_PTR)-1 < 0);

static void hresults_are_those_of_windows(void **state)
{
	static const struct {
		DWORD code;
		HRESULT hr;
	} rows[] = {
		{ ERROR_SUCCESS, S_OK },
		{ ERROR_ACCESS_DENIED, E_ACCESSDENIED },
		{ ERROR_INVALID_HANDLE, E_HANDLE },
		{ ERROR_OUTOFMEMORY, E_OUTOFMEMORY },
		{ ERROR_INVALID_PARAMETER, E_INVALIDARG },
		{ RPC_S_SERVER_UNAVAILABLE, (HRESULT)0x800706ba },
		{ FWP_E_ALREADY_EXISTS, (HRESULT)0x80320009 },
		{ RPC_E_DISCONNECTED, (HRESULT)0x80010108 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAYSIZE(rows); i++) {
		HRESULT hr = HRESULT_FROM_WIN32(rows[i].code);

		if (hr != rows[i].hr || SUCCEEDED(hr) != (rows[i].code == 0) ||
		    FAILED(hr) == SUCCEEDED(hr) || IS_ERROR(hr) != FAILED(hr))
			fail_msg("row %zu: 0x%08x instead of 0x%08x", i, (unsigned int)hr,
				 (unsigned int)rows[i].hr);
	}
	assert_true(SUCCEEDED(S_FALSE));
	assert_int_equal(HRESULT_FACILITY(E_INVALIDARG), FACILITY_WIN32);
	assert_int_equal(HRESULT_FACILITY(FWP_E_IN_USE), FACILITY_FWP);
	assert_int_equal(HRESULT_CODE(E_INVALIDARG), ERROR_INVALID_PARAMETER);
	assert_int_equal(HRESULT_SEVERITY(E_INVALIDARG), SEVERITY_ERROR);
	assert_int_equal(HRESULT_SEVERITY(S_FALSE), SEVERITY_SUCCESS);
	assert_int_equal(MAKE_HRESULT(SEVERITY_ERROR, FACILITY_WIN32, 5), E_ACCESSDENIED);
}

static void words_are_split_and_joined(void **state)
{
	(void)state;
	assert_int_equal(MAKEWORD(0x02, 0x01), 0x0102);
	assert_int_equal(LOBYTE(0x1234), 0x34);
	assert_int_equal(HIBYTE(0x1234), 0x12);
	assert_int_equal((DWORD)MAKELONG(0x5678, 0x9234), 0x92345678U);
	assert_int_equal(LOWORD(0x92345678U), 0x5678);
	assert_int_equal(HIWORD(0x92345678U), 0x9234);
}

static void halves_of_large_integers_are_its_own(void **state)
{
	ULARGE_INTEGER u = { .QuadPart = UINT64_C(0x0123456789abcdef) };
	LARGE_INTEGER s = { .QuadPart = -2 };

	(void)state;
	assert_int_equal(u.LowPart, 0x89abcdef);
	assert_int_equal(u.u.HighPart, 0x01234567);
	assert_int_equal(s.HighPart, -1);
	assert_int_equal(s.u.LowPart, 0xfffffffe);
}

static void memory_macros_take_size_last_but_fill(void **state)
{
	BYTE a[4] = { 1, 2, 3, 4 }, b[4];

	(void)state;
	FillMemory(b, sizeof(b), 7);
	assert_memory_equal(b, "\7\7\7\7", sizeof(b));
	CopyMemory(b, a, sizeof(b));
	assert_true(RtlEqualMemory(a, b, sizeof(a)));
	MoveMemory(b + 1, b, 3);
	assert_memory_equal(b, "\1\1\2\3", sizeof(b));
	ZeroMemory(b, 2);
	assert_memory_equal(b, "\0\0\2\3", sizeof(b));
	assert_ptr_equal(SecureZeroMemory(b, sizeof(b)), b);
	assert_memory_equal(b, "\0\0\0\0", sizeof(b));
	assert_null(SecureZeroMemory(NULL, 0));
}

/* --- GUIDs ------------------------------------------------------------------------------------- */

static struct {
	int calls;
	int interrupted; /* calls that fail with EINTR first */
	int error; /* errno of every call, or 0 */
} getrandom_fault;

ssize_t __real_getrandom(void *buffer, size_t size, unsigned int flags);
ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned int flags);

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned int flags)
{
	getrandom_fault.calls++;
	if (getrandom_fault.calls <= getrandom_fault.interrupted) {
		errno = EINTR;
		return -1;
	}
	if (getrandom_fault.error) {
		errno = getrandom_fault.error;
		return -1;
	}
	return __real_getrandom(buffer, size, flags);
}

static int getrandom_reset(void **state)
{
	(void)state;
	memset(&getrandom_fault, 0, sizeof(getrandom_fault));
	return 0;
}

static void guids_differ_in_any_byte(void **state)
{
	GUID changed;
	size_t i;

	(void)state;
	assert_true(IsEqualGUID(&FWPM_LAYER_IPFORWARD_V4, &FWPM_LAYER_IPFORWARD_V4));
	for (i = 0; i < sizeof(changed); i++) {
		changed = FWPM_LAYER_IPFORWARD_V4;
		((BYTE *)&changed)[i] ^= 1;
		assert_false(IsEqualGUID(&changed, &FWPM_LAYER_IPFORWARD_V4));
		assert_false(InlineIsEqualGUID(&FWPM_LAYER_IPFORWARD_V4, &changed));
	}
}

/* Each of 122 random bits is seen in both states; that one is not, by chance, has odds of 2^-56. */
static void made_uuids_are_random_and_of_version_4(void **state)
{
	BYTE set[sizeof(UUID)] = {}, unset[sizeof(UUID)] = {};
	BYTE fixed[sizeof(UUID)] = {};
	UUID uuid;
	size_t i, j;

	(void)state;
	for (i = 0; i < 64; i++) {
		assert_int_equal(UuidCreate(&uuid), RPC_S_OK);
		assert_int_equal(uuid.Data3 >> 12, 4);
		assert_int_equal(uuid.Data4[0] >> 6, 2);
		for (j = 0; j < sizeof(uuid); j++) {
			set[j] |= ((BYTE *)&uuid)[j];
			unset[j] |= (BYTE) ~((BYTE *)&uuid)[j];
		}
	}
	/* Data3 is in the processor's order. */
	uuid.Data3 = 0xf000;
	memcpy(&fixed[offsetof(UUID, Data3)], &uuid.Data3, sizeof(uuid.Data3));
	fixed[offsetof(UUID, Data4)] = 0xc0;
	for (j = 0; j < sizeof(uuid); j++)
		assert_int_equal((set[j] & unset[j]) | fixed[j], 0xff);
}

static void uuid_create_outlasts_signals(void **state)
{
	UUID uuid = {};
	RPC_STATUS status;

	(void)state;
	getrandom_fault.interrupted = 3;
	assert_int_equal(UuidCreate(&uuid), RPC_S_OK);
	assert_int_equal(getrandom_fault.calls, 4);
	assert_false(UuidIsNil(&uuid, &status));
}

static void uuid_create_without_randomness_fails_and_writes_nothing(void **state)
{
	UUID uuid = FWPM_LAYER_IPFORWARD_V6;

	(void)state;
	getrandom_fault.error = ENOSYS;
	assert_int_equal(UuidCreate(&uuid), RPC_S_UUID_NO_ADDRESS);
	assert_true(IsEqualGUID(&uuid, &FWPM_LAYER_IPFORWARD_V6));
}

static void nil_uuid_is_also_null(void **state)
{
	UUID nil, other = FWPM_LAYER_IPFORWARD_V6;
	RPC_STATUS status = -1;

	(void)state;
	memset(&nil, 0xff, sizeof(nil));
	assert_int_equal(UuidCreateNil(&nil), RPC_S_OK);
	assert_int_equal(UuidIsNil(&nil, &status), TRUE);
	assert_int_equal(status, RPC_S_OK);
	assert_int_equal(UuidIsNil(NULL, &status), TRUE);
	assert_int_equal(UuidIsNil(&other, &status), FALSE);
	assert_int_equal(UuidEqual(NULL, &nil, &status), TRUE);
	assert_int_equal(UuidEqual(&other, &nil, &status), FALSE);
	assert_int_equal(UuidEqual(&other, NULL, &status), FALSE);
	assert_int_equal(UuidEqual(&other, &FWPM_LAYER_IPFORWARD_V6, &status), TRUE);
}

/* --- time and locks ---------------------------------------------------------------------------- */

static struct {
	int calls;
	int interrupted;
	struct timespec asked;
} nanosleep_fault;

int __wrap_nanosleep(const struct timespec *asked, struct timespec *rest);

/* Takes no time; what is interrupted leaves 7 ns less than was asked. */
int __wrap_nanosleep(const struct timespec *asked, struct timespec *rest)
{
	nanosleep_fault.calls++;
	nanosleep_fault.asked = *asked;
	if (nanosleep_fault.calls > nanosleep_fault.interrupted)
		return 0;
	*rest = *asked;
	rest->tv_nsec -= 7;
	errno = EINTR;
	return -1;
}

static int nanosleep_reset(void **state)
{
	(void)state;
	memset(&nanosleep_fault, 0, sizeof(nanosleep_fault));
	return 0;
}

static void sleep_goes_on_after_signals_and_keeps_errno(void **state)
{
	(void)state;
	nanosleep_fault.interrupted = 2;
	errno = ERANGE;
	Sleep(2345);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(nanosleep_fault.calls, 3);
	assert_int_equal(nanosleep_fault.asked.tv_sec, 2);
	assert_int_equal(nanosleep_fault.asked.tv_nsec, 345000000 - 2 * 7);
}

static void sleep_of_0_only_yields(void **state)
{
	(void)state;
	Sleep(0);
	assert_int_equal(nanosleep_fault.calls, 0);
}

struct visitor {
	CRITICAL_SECTION *section;
	BOOL entered;
};

static void *visit(void *arg)
{
	struct visitor *v = arg;

	v->entered = TryEnterCriticalSection(v->section);
	if (v->entered)
		LeaveCriticalSection(v->section);
	return NULL;
}

static BOOL another_thread_can_enter(CRITICAL_SECTION *section)
{
	struct visitor v = { .section = section };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, visit, &v), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return v.entered;
}

static void critical_section_keeps_others_out_until_left_as_often_as_entered(void **state)
{
	CRITICAL_SECTION section;

	(void)state;
	InitializeCriticalSection(&section);
	assert_true(another_thread_can_enter(&section));
	EnterCriticalSection(&section);
	assert_true(TryEnterCriticalSection(&section));
	assert_false(another_thread_can_enter(&section));
	LeaveCriticalSection(&section);
	assert_false(another_thread_can_enter(&section));
	LeaveCriticalSection(&section);
	assert_true(another_thread_can_enter(&section));
	DeleteCriticalSection(&section);

	assert_true(InitializeCriticalSectionAndSpinCount(&section, 4000));
	EnterCriticalSection(&section);
	assert_false(another_thread_can_enter(&section));
	LeaveCriticalSection(&section);
	DeleteCriticalSection(&section);
}

enum { ADDERS = 4, ADDITIONS = 20000 };

struct sum {
	CRITICAL_SECTION section;
	volatile unsigned int value;
};

static void *add(void *arg)
{
	struct sum *sum = arg;
	int i;

	for (i = 0; i < ADDITIONS; i++) {
		EnterCriticalSection(&sum->section);
		sum->value = sum->value + 1;
		LeaveCriticalSection(&sum->section);
	}
	return NULL;
}

static void critical_section_loses_no_update(void **state)
{
	struct sum sum = {};
	pthread_t threads[ADDERS];
	int i;

	(void)state;
	InitializeCriticalSection(&sum.section);
	for (i = 0; i < ADDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add, &sum), 0);
	for (i = 0; i < ADDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	DeleteCriticalSection(&sum.section);
	assert_int_equal(sum.value, ADDERS * ADDITIONS);
}

/* --- sockets ----------------------------------------------------------------------------------- */

static void startup_agrees_on_the_lower_version(void **state)
{
	static const struct {
		WORD wanted, version;
		int result;
	} rows[] = {
		{ MAKEWORD(1, 1), MAKEWORD(1, 1), 0 },	   { MAKEWORD(2, 0), MAKEWORD(2, 0), 0 },
		{ MAKEWORD(2, 2), MAKEWORD(2, 2), 0 },	   { MAKEWORD(2, 3), MAKEWORD(2, 2), 0 },
		{ MAKEWORD(3, 0), MAKEWORD(2, 2), 0 },	   { MAKEWORD(1, 9), MAKEWORD(1, 9), 0 },
		{ MAKEWORD(0, 2), 0, WSAVERNOTSUPPORTED },
	};
	WSADATA data;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < ARRAYSIZE(rows); i++) {
		memset(&data, 0, sizeof(data));
		result = WSAStartup(rows[i].wanted, &data);
		if (result != rows[i].result || data.wVersion != rows[i].version ||
		    data.wHighVersion != (result ? 0 : WINSOCK_VERSION))
			fail_msg("row %zu: %d, version 0x%04x", i, result, data.wVersion);
	}
	assert_int_equal(WSAStartup(WINSOCK_VERSION, NULL), WSAEFAULT);
	assert_int_equal(WSACleanup(), 0);
}

static void socket_calls_work_as_on_windows(void **state)
{
	SOCKADDR_IN self = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(self);
	u_long value;
	char data[8];
	SOCKET s;

	(void)state;
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	assert_int_not_equal(s, INVALID_SOCKET);
	assert_int_equal(bind(s, (PSOCKADDR)&self, sizeof(self)), 0);
	assert_int_equal(getsockname(s, (PSOCKADDR)&self, &size), 0);

	value = 1UL << 32; /* not 0, though its lower half is */
	assert_int_equal(ioctlsocket(s, FIONBIO, &value), 0);
	assert_int_equal(recv(s, data, sizeof(data), 0), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);

	assert_int_equal(sendto(s, "hello", 5, 0, (PSOCKADDR)&self, sizeof(self)), 5);
	value = ~0UL;
	assert_int_equal(ioctlsocket(s, FIONREAD, &value), 0);
	assert_int_equal(value, 5);
	value = 0;
	assert_int_equal(ioctlsocket(s, FIONBIO, &value), 0);
	assert_int_equal(recv(s, data, sizeof(data), 0), 5);

	value = 77;
	assert_int_equal(ioctlsocket(s, FIOASYNC, &value), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEOPNOTSUPP);
	assert_int_equal(closesocket(s), 0);
	assert_int_equal(ioctlsocket(s, FIONREAD, &value), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEBADF);
	assert_int_equal(value, 77);
	assert_int_equal(closesocket(s), SOCKET_ERROR);
	WSASetLastError(WSAECONNRESET);
	assert_int_equal(errno, ECONNRESET);
}

/* What is not there in wide characters is what inet_pton() and inet_ntop() do not know either. */
static void wide_addresses_are_read_and_written(void **state)
{
	static const struct {
		int family, result;
		const wchar_t *text;
	} rows[] = {
		{ AF_INET, 1, L"192.0.2.1" },
		{ AF_INET, 1, L"255.255.255.255" },
		{ AF_INET6, 1, L"2001:db8::1" },
		{ AF_INET6, 1, L"1111:2222:3333:4444:5555:6666:7777:8888" },
		{ AF_INET6, 1, L"::ffff:255.255.255.255" },
		{ AF_INET, 0, L"" },
		{ AF_INET, 0, L"192.0.2" },
		{ AF_INET, 0, L"2001:db8::1" },
		{ AF_INET6, 0, L"192.0.2.1" },
		{ AF_INET, 0, L"192.0.2.1\x100" },
		{ AF_INET, 0, L"192.0.2.\x131" },
		{ AF_INET6, 0, L"2001:db8::1                                    2" },
		{ AF_UNIX, -1, L"192.0.2.1" },
	};
	BYTE address[16], before[16];
	wchar_t text[INET6_ADDRSTRLEN];
	size_t i;
	int result;

	(void)state;
	memset(before, 0xee, sizeof(before));
	for (i = 0; i < ARRAYSIZE(rows); i++) {
		memcpy(address, before, sizeof(address));
		result = InetPtonW(rows[i].family, rows[i].text, address);
		if (result != rows[i].result)
			fail_msg("row %zu: %d", i, result);
		if (result != 1) {
			assert_memory_equal(address, before, sizeof(address));
			continue;
		}
		assert_ptr_equal(InetNtopW(rows[i].family, address, text, ARRAYSIZE(text)), text);
		if (wcscmp(text, rows[i].text))
			fail_msg("row %zu: %ls", i, text);
	}
}

static void wide_address_that_has_no_room_is_not_written(void **state)
{
	wchar_t text[INET6_ADDRSTRLEN] = L"before";
	IN_ADDR address = { htonl(INADDR_LOOPBACK) };

	(void)state;
	assert_null(InetNtopW(AF_INET, &address, text, ARRAYSIZE("127.0.0.1") - 1));
	assert_int_equal(WSAGetLastError(), ENOSPC);
	assert_int_equal(wcscmp(text, L"before"), 0);
	assert_non_null(InetNtopW(AF_INET, &address, text, ARRAYSIZE("127.0.0.1")));
	assert_null(InetNtopW(AF_UNIX, &address, text, ARRAYSIZE(text)));
	assert_int_equal(WSAGetLastError(), WSAEAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hresults_are_those_of_windows),
		cmocka_unit_test(words_are_split_and_joined),
		cmocka_unit_test(halves_of_large_integers_are_its_own),
		cmocka_unit_test(memory_macros_take_size_last_but_fill),
		cmocka_unit_test(guids_differ_in_any_byte),
		cmocka_unit_test_setup(made_uuids_are_random_and_of_version_4, getrandom_reset),
		cmocka_unit_test_setup(uuid_create_outlasts_signals, getrandom_reset),
		cmocka_unit_test_setup(uuid_create_without_randomness_fails_and_writes_nothing,
				       getrandom_reset),
		cmocka_unit_test(nil_uuid_is_also_null),
		cmocka_unit_test_setup(sleep_goes_on_after_signals_and_keeps_errno,
				       nanosleep_reset),
		cmocka_unit_test_setup(sleep_of_0_only_yields, nanosleep_reset),
		cmocka_unit_test(critical_section_keeps_others_out_until_left_as_often_as_entered),
		cmocka_unit_test(critical_section_loses_no_update),
		cmocka_unit_test(startup_agrees_on_the_lower_version),
		cmocka_unit_test(socket_calls_work_as_on_windows),
		cmocka_unit_test(wide_addresses_are_read_and_written),
		cmocka_unit_test(wide_address_that_has_no_room_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
