/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Winsock's names for what <sys/socket.h> and its neighbours have. Functions of the same name are
 * the C library's.
 *
 * A SOCKET is a descriptor, and WSAE* are the values of errno: a source compares by name, and both
 * go to POSIX calls as they are.
 *
 * Has not: WSASocket() and other calls with overlapped I/O, WSAEventSelect() and WSAPoll() (poll()
 * does it), WSAStringToAddress(). in_addr has s_addr, but not S_un, and in6_addr s6_addr, but not
 * u: these are macros of one struct there and cannot be made from the C library's. The length that
 * accept(), recvfrom() and getsockname() fill in is a socklen_t, which is unsigned.
 *
 * A C source built with -std=c11 needs -D_DEFAULT_SOURCE, which pkg-config saxdp-win32 gives, for
 * u_long and struct addrinfo.
 */
#ifndef FWP_WIN32_WINSOCK2_H
#define FWP_WIN32_WINSOCK2_H

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include "windef.h"

typedef int SOCKET;

#define INVALID_SOCKET (-1)
#define SOCKET_ERROR   (-1)

#define SD_RECEIVE     SHUT_RD
#define SD_SEND	       SHUT_WR
#define SD_BOTH	       SHUT_RDWR

typedef sa_family_t ADDRESS_FAMILY;
typedef struct in_addr IN_ADDR, *PIN_ADDR, *LPIN_ADDR;
typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE, *LPSOCKADDR_STORAGE;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;
typedef fd_set FD_SET, *PFD_SET, *LPFD_SET;

#define WSAEINTR	   EINTR
#define WSAEBADF	   EBADF
#define WSAEACCES	   EACCES
#define WSAEFAULT	   EFAULT
#define WSAEINVAL	   EINVAL
#define WSAEMFILE	   EMFILE
#define WSAEWOULDBLOCK	   EWOULDBLOCK
#define WSAEINPROGRESS	   EINPROGRESS
#define WSAEALREADY	   EALREADY
#define WSAENOTSOCK	   ENOTSOCK
#define WSAEDESTADDRREQ	   EDESTADDRREQ
#define WSAEMSGSIZE	   EMSGSIZE
#define WSAEPROTOTYPE	   EPROTOTYPE
#define WSAENOPROTOOPT	   ENOPROTOOPT
#define WSAEPROTONOSUPPORT EPROTONOSUPPORT
#define WSAEOPNOTSUPP	   EOPNOTSUPP
#define WSAEAFNOSUPPORT	   EAFNOSUPPORT
#define WSAEADDRINUSE	   EADDRINUSE
#define WSAEADDRNOTAVAIL   EADDRNOTAVAIL
#define WSAENETDOWN	   ENETDOWN
#define WSAENETUNREACH	   ENETUNREACH
#define WSAENETRESET	   ENETRESET
#define WSAECONNABORTED	   ECONNABORTED
#define WSAECONNRESET	   ECONNRESET
#define WSAENOBUFS	   ENOBUFS
#define WSAEISCONN	   EISCONN
#define WSAENOTCONN	   ENOTCONN
#define WSAETIMEDOUT	   ETIMEDOUT
#define WSAECONNREFUSED	   ECONNREFUSED
#define WSAEHOSTUNREACH	   EHOSTUNREACH

/* What WSAStartup() alone returns has Windows' number, as errno has none. */
#define WSAVERNOTSUPPORTED 10092

#define WINSOCK_VERSION	   MAKEWORD(2, 2)
#define WSADESCRIPTION_LEN 256
#define WSASYS_STATUS_LEN  128

typedef struct WSAData {
	WORD wVersion;
	WORD wHighVersion;
	unsigned short iMaxSockets;
	unsigned short iMaxUdpDg;
	char *lpVendorInfo;
	char szDescription[WSADESCRIPTION_LEN + 1];
	char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

/**
 * WSAStartup() - agree on a version of Winsock; sockets need no start here
 * @version: the highest that the caller can use: major in the low byte, minor in the high one.
 * @data: receives the version to use, 2.2 or the caller's if that is lower, and 2.2 as the highest
 *	there is. Its other members are zero.
 *
 * Context: Any thread.
 *
 * Return:
 * * 0
 * * WSAVERNOTSUPPORTED - the major version is 0
 * * WSAEFAULT - @data is NULL
 *
 * Source: "WSAStartup function (winsock2.h)".
 */
static inline int WSAStartup(WORD version, WSADATA *data)
{
	int newer = LOBYTE(version) > 2 || (LOBYTE(version) == 2 && HIBYTE(version) > 2);

	if (LOBYTE(version) == 0)
		return WSAVERNOTSUPPORTED;
	if (!data)
		return WSAEFAULT;
	memset(data, 0, sizeof(*data));
	data->wVersion = newer ? WINSOCK_VERSION : version;
	data->wHighVersion = WINSOCK_VERSION;
	return 0;
}

/**
 * WSACleanup() - the end of what WSAStartup() began, which was nothing
 *
 * Sockets stay open. Calls are not counted, and one too many is no error.
 *
 * Context: Any thread.
 *
 * Return: 0.
 *
 * Source: "WSACleanup function (winsock2.h)".
 */
static inline int WSACleanup(void)
{
	return 0;
}

/**
 * WSAGetLastError() - why the last socket call of this thread failed
 *
 * Context: Any thread.
 *
 * Return: errno, as which the WSAE* are defined.
 *
 * Source: "WSAGetLastError function (winsock2.h)".
 */
static inline int WSAGetLastError(void)
{
	return errno;
}

/**
 * WSASetLastError() - set what WSAGetLastError() returns
 * @error: one of WSAE*, or 0.
 *
 * Context: Any thread.
 *
 * Source: "WSASetLastError function (winsock2.h)".
 */
static inline void WSASetLastError(int error)
{
	errno = error;
}

/**
 * closesocket() - close a socket
 * @s: the socket; not valid afterwards.
 *
 * Context: Any thread.
 *
 * Return: 0, or SOCKET_ERROR with WSAGetLastError().
 *
 * Source: "closesocket function (winsock2.h)".
 */
static inline int closesocket(SOCKET s)
{
	return close(s);
}

/**
 * ioctlsocket() - ask about a socket, or change how it works
 * @s: the socket.
 * @cmd: FIONBIO (the socket blocks if the value is 0) or FIONREAD (bytes that can be read).
 * @arg: the value, or receives it; a u_long, which is unsigned long. Untouched on failure.
 *
 * ioctl() takes the same commands, with an int.
 *
 * Context: Any thread.
 *
 * Return: 0, or SOCKET_ERROR with WSAGetLastError(): WSAEOPNOTSUPP for another command, else as
 * ioctl() has it.
 *
 * Source: "ioctlsocket function (winsock2.h)".
 */
static inline int ioctlsocket(SOCKET s, long cmd, unsigned long *arg)
{
	int value = 0;

	if (cmd == FIONBIO) {
		value = *arg != 0;
	} else if (cmd != FIONREAD) {
		errno = EOPNOTSUPP;
		return SOCKET_ERROR;
	}
	if (ioctl(s, (unsigned long)cmd, &value))
		return SOCKET_ERROR;
	if (cmd == FIONREAD)
		*arg = (unsigned int)value;
	return 0;
}

#endif /* FWP_WIN32_WINSOCK2_H */
