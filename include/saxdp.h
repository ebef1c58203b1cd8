/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What Windows has no call for: load an instance, attach it to interfaces, steer, look at it.
 *
 * Functions return 0 or a negative errno value; saxdp_error() says more about the last failure in
 * the calling thread. Structures that come in begin with their size, so that they can grow:
 *
 *	struct saxdp_load_opts opts = { .size = sizeof(opts), .contexts = 1000 };
 *
 * Members left at 0 mean what their comment says. Lists that go out are one allocation each, the
 * caller's to free(). Addresses, ports and SPIs are in network order. All functions may be called
 * from any thread; a `struct saxdp` may be used by several at once.
 */
#ifndef SAXDP_H
#define SAXDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwp/decls.h"
#include "fwp/wintypes.h"
#include "saxdp_abi.h"

FWP_BEGIN_DECLS

/* The instance that FwpmEngineOpen0() opens, unless the environment has SAXDP_INSTANCE. */
#define SAXDP_DEFAULT_INSTANCE "default"

/**
 * saxdp_error() - one line about the last failure of a saxdp_ function in this thread
 *
 * Return: a text that names the thing and the cause, without a newline, valid until the thread's
 * next call; "" when nothing failed yet.
 */
const char *saxdp_error(void);

/* --- load and unload --------------------------------------------------------------------------- */

struct saxdp_load_opts {
	size_t size;
	const char *instance; /* NULL: SAXDP_DEFAULT_INSTANCE */
	uint32_t mode; /* enum saxdp_mode; enforce is refused with -EOPNOTSUPP until it judges */
	uint32_t contexts; /* SA contexts that can exist at once; 0: 16,384 */
	uint32_t filters; /* likewise; 0: 16,384 */
	const char *cpus; /* that steering may use, as in "0-3,6"; NULL: all that are on-line */
	/* Groups, by name or number; NULL: saxdp-read and saxdp if they exist, else root. */
	const char *readers, *writers; /* who writes also reads, so belongs to both */
	uint16_t encap_port; /* host order: a port of ESP in UDP beside 4500; 0: none */
};

struct saxdp_load_result {
	bool already; /* an instance of this ABI was there: nothing was changed */
	uint32_t contexts, filters; /* what it is sized for */
	bool bpffs_opened; /* others than root may pass through /sys/fs/bpf since this call */
	/* As the kernel accounts maps; what its allocator rounds up comes on top. */
	uint32_t context_bytes; /* per context with two SAs, IPv4 */
	uint32_t tunnel_bytes; /* and per tunnel */
	uint64_t fixed_bytes; /* whatever is in it */
};

/**
 * saxdp_load() - make the maps of an instance and pin them
 * @opts: may be NULL for all defaults.
 * @ret: receives what was made; may be NULL.
 *
 * Needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and write permission in bpffs, which is mounted if
 * nothing is. Everything is pinned under a temporary name first, so that an instance is there
 * whole or not at all.
 *
 * Bpffs that only root may enter (systemd mounts it so) is opened for passing through when one of
 * the groups is not root's.
 *
 * Return: 0; -EINVAL (a value or name that cannot be), -ENXIO (a CPU is absent or off-line), -EPERM,
 * -EOPNOTSUPP (mode enforce), -EPROTO (an instance of another ABI version is loaded), or what the
 * kernel said.
 */
int saxdp_load(const struct saxdp_load_opts *opts, struct saxdp_load_result *ret);

/**
 * saxdp_unload() - detach from every interface and remove the pins
 * @instance: NULL: SAXDP_DEFAULT_INSTANCE
 * @force: also while sessions are open; their calls return RPC_E_DISCONNECTED from then on.
 *
 * Takes the writer lock, so a transaction in progress is waited for (15 s). Only the version that
 * loaded an instance can unload it.
 *
 * Return: 0; -ENOENT (not loaded), -EBUSY (sessions are open), -ETIMEDOUT, -EPROTO (of another ABI
 * version), -EPERM, or what the kernel said.
 */
int saxdp_unload(const char *instance, bool force);

/* --- an opened instance -------------------------------------------------------------------------- */

struct saxdp;

/**
 * saxdp_open() - open a loaded instance to look at it, and, as root, to administer it
 * @instance: NULL: the environment's SAXDP_INSTANCE, else SAXDP_DEFAULT_INSTANCE
 * @ret: receives the handle.
 *
 * Return: 0; -ENOENT (not loaded), -EPROTO (another ABI version), -EACCES (not in its groups).
 */
int saxdp_open(const char *instance, struct saxdp **ret);

/**
 * saxdp_open_session() - look at the instance of a session of fwpmu.h
 * @engine: from FwpmEngineOpen0()
 * @ret: receives the handle, which stays open when the session ends. Of the same instance also
 *	where another one of its name was loaded since.
 *
 * For a daemon that has set up SAs and wants their traffic, which fwpmu.h cannot say.
 *
 * Return: 0; -EBADF (not an open handle of this process), -ENOMEM.
 */
int saxdp_open_session(HANDLE engine, struct saxdp **ret);
void saxdp_close(struct saxdp *s); /* NULL is allowed */

/* --- interfaces ------------------------------------------------------------------------------------- */

enum saxdp_xdp_mode {
	SAXDP_XDP_AUTO, /* native where the driver has it, else an error that says so */
	SAXDP_XDP_NATIVE,
	SAXDP_XDP_GENERIC,
};

struct saxdp_attach_opts {
	size_t size;
	const char *ifname;
	const char *netns; /* a name of `ip netns`, or NULL: the calling thread's */
	uint32_t mode; /* enum saxdp_xdp_mode */
	uint32_t role; /* enum saxdp_role */
	bool force; /* replace a program that is not ours and cannot be shared with */
};

/**
 * saxdp_attach() - put the XDP program and the TC egress program on an interface
 *
 * Attached by libxdp: beside other XDP programs where the kernel can, else alone.
 * saxdp_attached_list() says which.
 *
 * Return: 0; -EINVAL, -ENODEV (no such interface or namespace), -EEXIST (attached already), -EBUSY
 * (another program is there and @force is not set), -EOPNOTSUPP (not Ethernet, or no native XDP),
 * -EREMOTEIO (as saxdp_steer(), when something is steered to CPUs), -EPERM, -ENOENT (unloaded since
 * saxdp_open()), or what the kernel said; then nothing is attached.
 */
int saxdp_attach(struct saxdp *s, const struct saxdp_attach_opts *opts);

/*
 * Takes away what saxdp_attach() put there and nothing else. Return: 0; -ENOENT (not attached),
 * -ENODEV (the interface is gone: its entry is removed), -EPERM, or what the kernel said.
 */
int saxdp_detach(struct saxdp *s, const char *ifname, const char *netns);

struct saxdp_attached_info {
	uint64_t netns; /* inode */
	uint32_t ifindex;
	uint32_t role; /* enum saxdp_role */
	char ifname[SAXDP_IFNAME];
	char netns_name[SAXDP_NETNS_NAME];
	bool native;
	bool shared; /* by libxdp's dispatcher */
	bool looked; /* false: only root can look, so what follows is unknown */
	bool gone; /* the interface or its namespace vanished; the next list has no entry of it */
	bool xdp_running, tc_running; /* the programs are there now */
};

/* Return: 0; -ENOMEM, or what the kernel said. */
int saxdp_attached_list(struct saxdp *s, struct saxdp_attached_info **ret, size_t *ret_count);

/* --- steering ---------------------------------------------------------------------------------------- */

struct saxdp_steer_target {
	uint32_t kind; /* enum saxdp_steer_kind: PASS, CPU, SPREAD, DEV, XSK; DEFAULT for a tunnel */
	uint32_t cpu; /* CPU */
	/*
	 * DEV: in the calling thread's network namespace. Targets are kept by interface index, so all
	 * of an instance's are of one namespace.
	 */
	const char *ifname;
};

/**
 * saxdp_steer() - where the packets of a tunnel go
 * @tunnel: id, or 0: of all tunnels that are steered by default
 *
 * What the XDP program cannot see is refused here: a CPU that is off-line or not among those of
 * saxdp_load(), an interface that is down or cannot transmit for XDP, and steering to a CPU while a
 * veth pair brings UDP whose checksum its sender leaves to the hardware (each such packet would be
 * lost; `ethtool -K PEER tx off` cures it). Before Linux 6.3 only of a veth is it known whether it
 * can transmit. Members of the writers' group may set PASS, XSK and DEFAULT; the rest needs root.
 *
 * Inbound SAs that live and later ones follow at once; a virtual interface goes before its tunnel.
 *
 * Return: 0; -ENOENT (no such tunnel, or unloaded since saxdp_open()), -ENODEV (no such interface),
 * -EINVAL, -ENXIO (no such CPU), -ENETDOWN (interface or a veth's peer down), -EOPNOTSUPP (cannot
 * transmit for XDP), -EREMOTEIO (checksums of a veth peer, or a peer that cannot be found), -EPERM,
 * -ETIMEDOUT (a transaction holds the engine), -ESHUTDOWN (being unloaded), -EAGAIN (SAs changed
 * faster than they could be stored), or what the kernel said.
 */
int saxdp_steer(struct saxdp *s, uint32_t tunnel, const struct saxdp_steer_target *target);

/**
 * saxdp_virtual_if_bind() - say which interface a virtualIfTunnelId is
 * @id: what IPsecSaContextCreate1() was given in virtualIfTunnelInfo
 * @ifname: in the calling thread's network namespace; NULL unbinds
 *
 * Inbound packets of contexts with that id go to the interface; while it is unbound they pass and
 * are counted as steer_missing. Binding needs root, unbinding what is not bound is no error.
 *
 * Return: as saxdp_steer().
 */
int saxdp_virtual_if_bind(struct saxdp *s, uint64_t id, const char *ifname);

/*
 * Puts an AF_XDP socket into the place of an RX queue, for SAXDP_STEER_XSK; -1 removes it. Return:
 * 0; -EINVAL (no such queue), -EPERM, or what the kernel said.
 */
int saxdp_xsk_set(struct saxdp *s, uint32_t queue, int fd);

/* --- looking -------------------------------------------------------------------------------------------- */

struct saxdp_status {
	uint32_t mode;
	uint32_t abi_version;
	uint64_t policy_generation, sa_generation;
	uint64_t contexts, max_contexts;
	uint64_t filters, max_filters;
	uint64_t tunnels, sas, sessions;
	uint64_t dead_policy, dead_sa; /* entries that wait to be reclaimed */
	uint32_t default_steer; /* SAXDP_STEER() */
	uint16_t encap_port; /* host order */
	uint32_t spread_cpus;
	uint32_t spread_cpu[SAXDP_SPREAD_CPUS];
};

int saxdp_status_get(struct saxdp *s, struct saxdp_status *ret);

/* Of one SA: both pairs of counters added. */
struct saxdp_sa_info {
	uint32_t direction; /* enum saxdp_direction */
	uint8_t protocol; /* 50 or 51 */
	uint8_t family; /* 4 or 6 */
	bool ambiguous; /* two peers behind one NAT chose this SPI */
	uint32_t destination[4];
	__be32 spi;
	uint64_t context;
	uint32_t tunnel;
	uint32_t steer;
	int32_t cpu; /* that saw its first packet, -1 = none yet */
	uint64_t packets, bytes;
	uint64_t last_used_ns; /* CLOCK_REALTIME, 0 = never; as exact as a jiffy */
};

struct saxdp_context_info {
	uint64_t id;
	uint32_t tunnel;
	uint32_t type; /* enum saxdp_traffic_type */
	uint8_t family;
	uint8_t protocol; /* by which transport traffic narrows its filter, 0 = not */
	__be16 local_port, remote_port;
	uint32_t local[4], remote[4];
	uint64_t policy;
	uint64_t inbound_filter_id; /* the inbound filter that fits now, 0 = none */
	bool has_virtual_if;
	uint64_t virtual_if;
	bool has_encap;
	__be16 encap_local, encap_remote;
	__be32 reserved_spi; /* inbound SPI before its bundle, 0 = none */
	uint32_t inbound_sas, outbound_sas; /* 0: no bundle yet */
	struct saxdp_sa_info inbound[SAXDP_BUNDLE_SAS], outbound[SAXDP_BUNDLE_SAS];
	uint32_t steer; /* of its tunnel */
};

struct saxdp_tunnel_info {
	uint32_t id;
	uint32_t type;
	uint8_t family;
	uint8_t protocol;
	__be16 local_port, remote_port;
	uint32_t local[4], remote[4];
	uint64_t policy;
	uint32_t contexts;
	uint64_t serving; /* context whose outbound SA is used, 0 = none */
	uint32_t steer;
	uint64_t first_seen_ns, last_used_ns; /* CLOCK_REALTIME */
	struct saxdp_traffic_count inbound, outbound; /* over all contexts it ever had */
	struct saxdp_traffic_count clear;
};

#define SAXDP_NOT_BUILTIN UINT32_MAX

struct saxdp_filter_info {
	uint64_t id;
	uint8_t key[16];
	const char *name; /* inside the list's allocation */
	uint32_t layer, sublayer; /* saxdp_layer_name(), saxdp_sublayer_name() */
	uint8_t sublayer_key[16]; /* GUID; sublayer is SAXDP_NOT_BUILTIN when a client added it */
	uint32_t action_type; /* FWP_ACTION_* */
	uint32_t callout; /* saxdp_callout_name(), 0 = none, SAXDP_NOT_BUILTIN */
	uint8_t callout_key[16]; /* GUID */
	uint64_t weight; /* effective */
	uint32_t conditions;
	uint32_t selectors;
	bool enforced; /* its layer is judged by packets */
	uint64_t users; /* contexts that name it */
	struct saxdp_traffic_count matched;
};

/*
 * Traffic, of one or of all. A list is a batched read of whole maps, some 1,000 entries in a system
 * call, and shows one state: what was alive at one moment, each thing whole. Counts go on while they
 * are read. Who wants the traffic of more than a few asks for the list; 100,000 contexts take a few
 * tenths of a second.
 *
 * All that follow return 0; -ENOENT (unloaded since saxdp_open(), or, of one, no such thing),
 * -ETIMEDOUT (writers went on changing it), -ENOMEM, or what the kernel said. On failure @ret is
 * untouched.
 */

/**
 * saxdp_context_get() - one SA context with the traffic of its SAs
 * @id: as IPsecSaContextCreate1() returned it
 *
 * A few look-ups, however many contexts there are.
 */
int saxdp_context_get(struct saxdp *s, uint64_t id, struct saxdp_context_info *ret);

/**
 * saxdp_context_list() - all SA contexts with the traffic of their SAs, by id
 * @ret: receives the list, one allocation, to be freed with free(); NULL when it is empty
 * @ret_count: receives their number
 */
int saxdp_context_list(struct saxdp *s, struct saxdp_context_info **ret, size_t *ret_count);

/* What packets find an SA by (RFC 4301 4.1), and its direction. */
struct saxdp_sa_name {
	uint32_t direction; /* enum saxdp_direction */
	uint8_t protocol; /* 50 or 51 */
	uint8_t family; /* 4 or 6 */
	uint32_t destination[4]; /* IPv4 in word 0 */
	__be32 spi;
};

/**
 * saxdp_sa_get() - one SA and its traffic
 *
 * One look-up. An SPI that is got and has no bundle yet is no SA.
 *
 * Return: also -EINVAL (no such family, protocol or direction).
 */
int saxdp_sa_get(struct saxdp *s, const struct saxdp_sa_name *name, struct saxdp_sa_info *ret);

/**
 * saxdp_sa_list() - all SAs and their traffic, by context, inbound first
 * @ret: receives the list, one allocation, to be freed with free(); NULL when it is empty
 * @ret_count: receives their number
 */
int saxdp_sa_list(struct saxdp *s, struct saxdp_sa_info **ret, size_t *ret_count);

/**
 * saxdp_tunnel_get() - one tunnel and the traffic of all SAs it ever had
 * @tunnel: as in struct saxdp_context_info
 *
 * What SAs have counted whose place has not been taken yet is still with them: this reads as much
 * as the list does.
 */
int saxdp_tunnel_get(struct saxdp *s, uint32_t tunnel, struct saxdp_tunnel_info *ret);

/**
 * saxdp_tunnel_list() - all tunnels and the traffic of all SAs they ever had, by id
 * @ret: receives the list, one allocation, to be freed with free(); NULL when it is empty
 * @ret_count: receives their number
 */
int saxdp_tunnel_list(struct saxdp *s, struct saxdp_tunnel_info **ret, size_t *ret_count);

/**
 * saxdp_filter_list() - all filters and what matched them, by id
 * @ret: receives the list, one allocation, to be freed with free(); NULL when it is empty
 * @ret_count: receives their number
 */
int saxdp_filter_list(struct saxdp *s, struct saxdp_filter_info **ret, size_t *ret_count);

const char *saxdp_layer_name(uint32_t layer); /* "FWPM_LAYER_INBOUND_TRANSPORT_V4" */
const char *saxdp_sublayer_name(uint32_t sublayer);
const char *saxdp_callout_name(uint32_t callout);

struct saxdp_stats {
	struct saxdp_traffic_count counter[SAXDP_COUNT_COUNT]; /* enum saxdp_counter */
};

int saxdp_stats_get(struct saxdp *s, struct saxdp_stats *ret);
const char *saxdp_counter_key(uint32_t counter); /* "esp_in_udp" */
const char *saxdp_counter_text(uint32_t counter); /* "ESP in UDP" */

/* --- names of what fwpmu.h defines --------------------------------------------------------------------- */

/**
 * saxdp_strerror() - what a code means
 * @code: that a call of fwpmu.h returned
 *
 * What exactly was wrong with the last call in this thread is in saxdp_error().
 *
 * Return: a text without a capital and a full stop, for ever valid; for a code that fwp/error.h does
 * not have, a text with its number, valid until the thread's next call.
 */
const char *saxdp_strerror(DWORD code);

/**
 * saxdp_code_name() - "FWP_E_IN_USE" of 0x8032000a
 * @code: any
 *
 * Return: the name in fwp/error.h, for ever valid; NULL when it has none.
 */
const char *saxdp_code_name(DWORD code);

/**
 * saxdp_guid_name() - "FWPM_LAYER_INBOUND_TRANSPORT_V4" of its GUID
 * @guid: not NULL
 *
 * Return: the name of a well-known GUID (fwp/guid_list.h), for ever valid; NULL when it is none.
 */
const char *saxdp_guid_name(const GUID *guid);

/**
 * saxdp_enum_name() - "FWP_DIRECTION_INBOUND" of "FWP_DIRECTION" and 1
 * @type: the name of an enumeration type of the platform's headers; not NULL
 * @value: of it
 *
 * Return: the enumerator's name, of several the first, for ever valid; NULL when the type has no
 * such value, or no enumeration is called so.
 */
const char *saxdp_enum_name(const char *type, uint32_t value);

/* --- sessions of fwpmu.h ---------------------------------------------------------------------------------- */

enum saxdp_quirks {
	/* IPv6 addresses in IPSEC_TRAFFIC* and IPSEC_TUNNEL_ENDPOINTS* have all 16 bytes reversed. */
	SAXDP_QUIRK_V6_REVERSED = 1,
};

/**
 * saxdp_session_quirks() - what a program written against another reading of the API expects
 * @engine: from FwpmEngineOpen0()
 * @quirks: enum saxdp_quirks
 *
 * A program that cannot be changed gets the same by the environment, SAXDP_QUIRKS=v6-reversed, which
 * is read when a session opens.
 *
 * Return: 0; -EBADF (not an open handle), -EINVAL (unknown quirk).
 */
int saxdp_session_quirks(HANDLE engine, uint32_t quirks);

/* How IPv6 addresses stand in WFP structures without a quirk: the 16 bytes as on the wire. */
static inline void saxdp_in6_to_array(const struct in6_addr *in, UINT8 out[16])
{
	for (int i = 0; i < 16; i++)
		out[i] = in->s6_addr[i];
}

static inline void saxdp_array_to_in6(const UINT8 in[16], struct in6_addr *out)
{
	for (int i = 0; i < 16; i++)
		out->s6_addr[i] = in[i];
}

FWP_END_DECLS

#endif
