/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers and layouts of protocols that vmlinux.h cannot have: BTF knows no macros, and not every
 * header has a struct that kernel and user space share.
 */
#ifndef SAXDP_PROTO_BPF_H
#define SAXDP_PROTO_BPF_H

/*
 * What the kernel's UAPI headers have too is spelled exactly as there: the host's build sees both
 * and refuses a difference.
 */
#define ETH_P_IP     0x0800
#define ETH_P_8021Q  0x8100
#define ETH_P_8021AD 0x88A8
#define ETH_P_IPV6   0x86DD

#ifdef __bpf__
#define AF_INET		2
#define AF_INET6	10
#define CLOCK_MONOTONIC 1
#define TC_ACT_UNSPEC	(-1)
#define TC_ACT_OK	0
#define TC_ACT_SHOT	2
#endif

/* RFC 791, 3.1: the fragment word of IPv4. */
#define IPV4_MF	    0x2000
#define IPV4_OFFSET 0x1fff

/* RFC 8200, 4.5: the fragment word of IPv6, offset in units of 8 bytes as it stands. */
#define IPV6_MF	    0x0001
#define IPV6_OFFSET 0xfff8

/* https://www.iana.org/assignments/protocol-numbers, the rows that only IPv6 uses. */
#define NEXTHDR_HOP	 0
#define NEXTHDR_ROUTING	 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_ICMP	 58
#define NEXTHDR_NONE	 59
#define NEXTHDR_DEST	 60

#define IKE_PORT	 500 /* RFC 7296, 2 */
#define IKE_NAT_PORT	 4500 /* RFC 3948, 2: IKE behind its marker, ESP and keep-alives */
#define NAT_KEEPALIVE	 0xff /* RFC 3948, 2.3 */

/* IEEE 802.1Q: what follows the two addresses or the tag before. */
struct vlan_tag {
	__be16 tci;
	__be16 inner_proto;
};

/* RFC 8200, 4.5 */
struct ipv6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off;
	__be32 identification;
};

/* The first four bytes of TCP, UDP, UDP-Lite, SCTP and DCCP alike. */
struct l4_ports {
	__be16 source;
	__be16 dest;
};

/* RFC 792 and RFC 4443, 2.1 */
struct icmp_start {
	__u8 type;
	__u8 code;
};

/* The least that a header of these has: a receiver drops what is shorter. */
enum {
	TCP_MIN_SIZE = 20, /* RFC 9293, 3.1 */
	UDPLITE_MIN_SIZE = 8, /* RFC 3828, 3 */
	DCCP_MIN_SIZE = 12, /* RFC 4340, 5.1: with short sequence numbers */
	SCTP_MIN_SIZE = 12, /* RFC 9260, 3.1 */
	ICMP_MIN_SIZE = 8, /* RFC 792; RFC 4443: no ICMPv6 message is shorter either */
	AH_MIN_SIZE = 12, /* RFC 4302, 2: all but the ICV */
};

#endif /* SAXDP_PROTO_BPF_H */
