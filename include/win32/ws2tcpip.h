/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * IPv6 addresses and addresses as text. getaddrinfo(), inet_pton() and inet_ntop() are the C
 * library's.
 *
 * Has not: GetAddrInfoW() and others with wide host names, and the options of multicast.
 */
#ifndef FWP_WIN32_WS2TCPIP_H
#define FWP_WIN32_WS2TCPIP_H

#include "winsock2.h"

typedef struct in6_addr IN6_ADDR, *PIN6_ADDR, *LPIN6_ADDR;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct addrinfo ADDRINFOA, *PADDRINFOA;

#define InetPtonA(family, text, address)       inet_pton((family), (text), (address))
#define InetNtopA(family, address, text, size) inet_ntop((family), (address), (text), (size))

/**
 * InetPtonW() - read an address from text
 * @family: AF_INET or AF_INET6.
 * @text: the text.
 * @address: receives an in_addr or in6_addr, in network order; untouched on failure.
 *
 * Context: Any thread.
 *
 * Return: 1; 0 if @text is no address of the family; -1 with WSAEAFNOSUPPORT for another family.
 *
 * Source: "InetPtonW function (ws2tcpip.h)".
 */
static inline int InetPtonW(int family, const wchar_t *text, void *address)
{
	char narrow[INET6_ADDRSTRLEN + 1];
	size_t i;

	/* What has more characters than fit, or others than ASCII, is cut off and becomes invalid. */
	for (i = 0; i < sizeof(narrow) - 1 && text[i] > 0 && text[i] < 0x80; i++)
		narrow[i] = (char)text[i];
	if (text[i])
		i = 0;
	narrow[i] = '\0';
	return inet_pton(family, narrow, address);
}

/**
 * InetNtopW() - write an address as text
 * @family: AF_INET or AF_INET6.
 * @address: an in_addr or in6_addr, in network order.
 * @text: receives the text.
 * @size: characters that @text has room for; INET6_ADDRSTRLEN is always enough.
 *
 * Context: Any thread.
 *
 * Return: @text, or NULL with WSAGetLastError(): WSAEAFNOSUPPORT for another family, ENOSPC if
 * there is no room.
 *
 * Source: "InetNtopW function (ws2tcpip.h)".
 */
static inline const wchar_t *InetNtopW(int family, const void *address, wchar_t *text, size_t size)
{
	char narrow[INET6_ADDRSTRLEN];
	socklen_t room = size < sizeof(narrow) ? (socklen_t)size : (socklen_t)sizeof(narrow);
	size_t i;

	if (!inet_ntop(family, address, narrow, room))
		return NULL;
	for (i = 0; narrow[i]; i++)
		text[i] = (wchar_t)narrow[i];
	text[i] = L'\0';
	return text;
}

#ifdef UNICODE
#define InetPton InetPtonW
#define InetNtop InetNtopW
#else
#define InetPton InetPtonA
#define InetNtop InetNtopA
#endif

#endif /* FWP_WIN32_WS2TCPIP_H */
