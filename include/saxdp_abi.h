/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the pinned maps of a saxdp instance hold: the one copy of every key, value and constant that
 * the BPF programs, the library and `bpftool map dump` share.
 *
 * MAPS (/sys/fs/bpf/saxdp/<instance>/)
 *
 *   engine        array[1]       the instance itself: generations, limits, switches, ids
 *   sa4, sa6      hash           destination + SPI + protocol + direction -> SA, with its counters
 *   context       hash           context id -> SA context (both bundles, traffic, tunnel)
 *   tunnel        hash           policy + endpoints (+ ports) -> tunnel, and which context serves it
 *   endpoint      hash           local address -> number of contexts that have it
 *   selector4/6   hash           mask number + masked fields -> a bucket of candidates
 *   mask          array          layer * 2 + parity of the policy generation -> masks to try
 *   mask_use      array          layer -> live candidates per mask number
 *   filter        hash           filter id -> the filter as added: the companion filter map
 *   prov_context  hash           provider context id -> tunnel policy
 *   provider      hash           provider id -> who filters and other objects belong to
 *   sublayer      hash           sublayer id -> sublayer, with its weight
 *   callout       hash           callout id -> callout, which nobody registers with a kernel here
 *   sublayer_order array         parity of the policy generation -> sublayers in use, heaviest first
 *   sublayer_use  array[1]       live filters that packets are judged by, per slot
 *   key           hash           kind + GUID -> id
 *   blob          hash           kind + id + part -> 192 bytes of a longer, immutable text
 *   session       hash           slot of `alive` -> who holds it
 *   virtual_if    hash           virtual interface id -> interface index
 *   attached      hash           network namespace + interface -> how it is attached (root writes)
 *   engine_count  percpu array   enum saxdp_counter -> packets, bytes
 *   steer_cpu, steer_dev, steer_xsk                the redirect targets
 *
 * and for writers only, in write/: the programs `commit`, `recover` and `tick_arm`, `staging`,
 * `alive`, `grace` with its `grace_inner`; for root only: `grave` and `tick`.
 *
 * WHO WRITES
 *
 * Everything that packets or other processes read is written by one program, `commit`
 * (bpf/commit.bpf.c), from a list of operations that user space puts into `staging`. Packets add to
 * counters, and to nothing else. Elements that packets count in are never replaced.
 *
 * VERSIONS
 *
 * A versioned value begins with `struct saxdp_life`. A commit of one epoch stamps what it creates
 * with born = generation + 1 and what it ends with died = generation + 1, and stores the generation
 * last. So whoever has read the generation g sees exactly the entries with born <= g < died.
 * Packets read g once and hold an RCU read lock; the writer waits one grace period between a death
 * and the reuse of the dead (`graced`).
 *
 * READER'S ALGORITHM (another process, no lock)
 *
 *   1. g = engine.epoch[e].generation, r = engine.epoch[e].removed
 *   2. look up or enumerate; keep what is alive at g
 *   3. if engine.epoch[e].reclaimed > g, an entry alive at g may be gone; if .removed != r, memory
 *      may have changed hands while it was copied: start again at 1
 *
 * Byte order: addresses, ports and SPIs are in network order, everything else is the machine's.
 */
#ifndef SAXDP_ABI_H
#define SAXDP_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#ifdef __cplusplus
#define SAXDP_ASSERT_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define SAXDP_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

#define SAXDP_ABI_VERSION 1
#define SAXDP_BPFFS	  "/sys/fs/bpf"
#define SAXDP_PIN_ROOT	  "/sys/fs/bpf/saxdp"
#define SAXDP_NEVER	  (~0ULL) /* `died` of what lives, `last_used` never means this */

enum {
	SAXDP_SESSIONS = 512, /* slots of `alive`; a multiple of 64 */
	SAXDP_SESSION_WORDS = SAXDP_SESSIONS / 64,
	SAXDP_SESSION_OPS = 24, /* staging of one session: the longest implicit commit has 20 */
	SAXDP_RUN_OPS = 10000, /* one run of the commit program stalls its CPU for about 3 ms */
	SAXDP_STAGING_HEAD = 1, /* element 0 of `staging` is struct saxdp_mirror */
	SAXDP_STAGING_TXN = SAXDP_STAGING_HEAD + SAXDP_SESSIONS * SAXDP_SESSION_OPS,
	SAXDP_STAGING_OPS = SAXDP_STAGING_TXN + SAXDP_RUN_OPS,
	SAXDP_OP_KEY = 48, /* the longest key */
	SAXDP_OP_VALUE = 256, /* the longest value */
	SAXDP_CANDIDATES = 5, /* of a bucket: the value then is 256 bytes */
	SAXDP_CHAIN = 8, /* buckets of one masked key */
	SAXDP_MASKS = 32, /* of one layer */
	SAXDP_SUBLAYERS = 32, /* with filters that packets are judged by: their slots */
	SAXDP_BLOB_BYTES = 192,
	SAXDP_BUNDLE_SAS = 2, /* ESP at 0, AH at 1 */
	SAXDP_SPREAD_CPUS = 64,
	SAXDP_IFNAME = 16, /* IFNAMSIZ */
	SAXDP_NETNS_NAME = 64,
};

/* Two commit points; a commit moves one of them. */
enum saxdp_epoch_id {
	SAXDP_EPOCH_POLICY, /* filters, masks, provider contexts */
	SAXDP_EPOCH_SA, /* contexts, SAs, tunnels, endpoints */
	SAXDP_EPOCHS,
	SAXDP_EPOCH_NONE = SAXDP_EPOCHS, /* sessions and switches: at once, without a version */
};

struct saxdp_epoch {
	__u64 generation; /* of the newest commit; begins at 1 */
	__u64 graced; /* every packet that saw an older generation than this is done */
	__u64 reclaimed; /* entries that died at this generation or before may be gone */
	__u64 removed; /* how many dead entries were removed */
	__u64 grave_head, grave_tail; /* dead entries that still stand in the maps */
};

enum saxdp_state {
	SAXDP_STATE_LOADING,
	SAXDP_STATE_LOADED,
	SAXDP_STATE_GONE, /* unloaded: every call answers RPC_E_DISCONNECTED */
};

/* Ids with this bit are of what is built in: place in the library's table, + 1. */
#define SAXDP_BUILTIN (1ULL << 63)

enum saxdp_mode {
	SAXDP_MODE_MONITOR, /* counts what it would drop, never drops */
	SAXDP_MODE_ENFORCE,
};

/* Kinds of ids; an id is never given twice while the instance lives. */
enum saxdp_id {
	SAXDP_ID_FILTER,
	SAXDP_ID_PROV_CONTEXT,
	SAXDP_ID_CONTEXT,
	SAXDP_ID_TUNNEL,
	SAXDP_ID_SESSION,
	SAXDP_ID_PROVIDER,
	SAXDP_ID_SUBLAYER,
	SAXDP_ID_CALLOUT,
	SAXDP_IDS,
};

/* Where packets go: kind in the upper 8 bits, argument (CPU, interface index, socket) below. */
enum saxdp_steer_kind {
	SAXDP_STEER_DEFAULT, /* as engine.default_steer says */
	SAXDP_STEER_PASS,
	SAXDP_STEER_CPU,
	SAXDP_STEER_SPREAD, /* over engine.spread_cpu by SPI */
	SAXDP_STEER_DEV,
	SAXDP_STEER_XSK,
	SAXDP_STEER_MISSING, /* a virtual interface that nobody has bound: pass, and count it */
};

#define SAXDP_STEER_SHIFT      24
#define SAXDP_STEER_ARG	       0xffffffU
#define SAXDP_STEER(kind, arg) (((__u32)(kind) << SAXDP_STEER_SHIFT) | ((arg)&SAXDP_STEER_ARG))

struct saxdp_engine {
	/* read for every packet */
	__u32 abi_version;
	__u32 state;
	__u32 mode;
	__be16 encap_port; /* of ESP in UDP beside 4500, 0 = none */
	__u16 spread_cpus;
	__u32 default_steer;
	__u32 tunnel_ports; /* bit per shape of tunnel keys in use (SAXDP_SHAPE_*) */
	__u64 contexts; /* alive */
	struct saxdp_epoch epoch[SAXDP_EPOCHS];
	__u64 dead_session[SAXDP_SESSION_WORDS]; /* the tick sets, the commit program clears */
	__u32 spread_cpu[SAXDP_SPREAD_CPUS];

	/* writers */
	__u64 open_session[SAXDP_SESSION_WORDS];
	__u64 next_id[SAXDP_IDS];
	__u32 busy; /* the commit program runs */
	__u32 txn; /* slot + 1 of the session whose explicit transaction holds the lock */
	__u32 txn_dirty; /* runs of it wrote what is to be undone when it does not end */
	__u32 max_contexts;
	__u32 max_filters;
	__u32 grave_size[SAXDP_EPOCHS]; /* powers of two; the policy's ring comes first */
	__u32 hz; /* of jiffies */

	/* jiffies / CLOCK_BOOTTIME, taken together, to turn last_used into a time */
	__u64 clock_jiffies;
	__u64 clock_boot_ns;
	__u64 reclaim_ns; /* CLOCK_MONOTONIC of the last reclaim */
	__u32 readers_gid;
	__u32 writers_gid;
};
SAXDP_ASSERT_SIZE(struct saxdp_engine, 640);

struct saxdp_life {
	__u64 born;
	__u64 died;
};

/* --- security associations ------------------------------------------------------------------ */

enum saxdp_direction {
	SAXDP_INBOUND,
	SAXDP_OUTBOUND,
};

/*
 * RFC 4301 4.1 finds an SA by SPI, destination and protocol. The direction is in the key because an
 * instance may watch both ends of a tunnel. Protocol 0 is a larval SA: an SPI that a context holds
 * before its bundle says whether it is for ESP or AH; no packet has it.
 */
struct saxdp_sa4_key {
	__be32 destination;
	__be32 spi;
	__u8 protocol;
	__u8 direction;
	__u16 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_sa4_key, 12);

struct saxdp_sa6_key {
	__u32 destination[4];
	__be32 spi;
	__u8 protocol;
	__u8 direction;
	__u16 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_sa6_key, 24);

/*
 * The first CPU that sees an SA owns the plain pair of counters, every other CPU adds atomically to
 * the second pair; a reader adds both.
 *
 * What that CPU touches for each packet ends at `steer`, 56 bytes: in an element of sa4 these end
 * where a cache line does, of which a packet then costs two and not three.
 */
struct saxdp_sa {
	struct saxdp_life life;
	__u64 packets, bytes;
	__u64 last_used; /* jiffies, 0 = never */
	__u32 owner_cpu; /* + 1; 0 = no packet yet */
	__u32 users; /* outbound: contexts whose peers behind one NAT chose this SPI; > 1 = ambiguous */
	__u32 tunnel;
	__u32 steer;
	__u64 context; /* the newest of its users */
	__u64 packets_other, bytes_other;
};
SAXDP_ASSERT_SIZE(struct saxdp_sa, 80);

/*
 * What the caller said of one transform of a bundle; never a key. There is one authConfig for each
 * authType, and one cipherType for each cipherConfig, so that three bytes say it all.
 */
struct saxdp_transform {
	__u8 type; /* IPSEC_TRANSFORM_TYPE */
	__u8 auth_type;
	__u8 cipher_config;
};

/*
 * A bundle is filled once: its fields first, then `born`, so that a reader of an older generation
 * does not see it. What is rarely given is in a blob of `rest` parts (sa_bundle.c of the library).
 */
struct saxdp_bundle {
	__u64 born; /* generation of AddInbound/AddOutbound; 0 = not added */
	__be32 spi[SAXDP_BUNDLE_SAS];
	__u64 mm_sa_id;
	__u32 flags;
	__u32 lifetime_seconds, lifetime_kb, lifetime_packets;
	__u32 idle_seconds;
	__u32 qm_sa_id;
	struct saxdp_transform transform[SAXDP_BUNDLE_SAS];
	__u8 sas : 2; /* 1 or 2 */
	__u8 pfs_group : 4;
	__u8 form : 1; /* which struct it was added with: IPSEC_SA_BUNDLE0 or 1 */
	__u8 rest;
};
SAXDP_ASSERT_SIZE(struct saxdp_bundle, 56);

enum saxdp_traffic_type {
	SAXDP_TRANSPORT, /* as IPSEC_TRAFFIC_TYPE */
	SAXDP_TUNNEL,
};

enum saxdp_context_flags {
	SAXDP_CONTEXT_VIRTUAL_IF = 1, /* virtualIfTunnelInfo was given */
	SAXDP_CONTEXT_REST = 2, /* a blob holds localIfLuid and realIfProfileId */
};

struct saxdp_context {
	struct saxdp_life life;
	__u64 policy; /* transport: outbound filter id; tunnel: provider context id */
	__u32 local[4], remote[4]; /* IPv4 in word 0 */
	__be16 local_port, remote_port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u8 type; /* enum saxdp_traffic_type */
	__u8 flags;
	__u64 virtual_if, traffic_selector;
	__u64 spi_born; /* generation of GetSpi/SetSpi; what follows up to `tunnel` counts from then */
	__u64 inbound_policy;
	__be32 inbound_spi;
	__be16 encap_local, encap_remote;
	__u32 spi_chosen; /* 1: by SetSpi */
	__u32 tunnel;
	struct saxdp_bundle inbound, outbound;
};
SAXDP_ASSERT_SIZE(struct saxdp_context, 224);

/*
 * A tunnel outlives its contexts: a rekey is a new context of the same tunnel. Steering and the
 * totals of SAs that are gone belong here. In transport mode the key has the ports and protocol by
 * which the traffic narrows the filter, else 0; engine.tunnel_ports knows which shapes are in use.
 */
struct saxdp_tunnel_key {
	__u64 policy;
	__u32 local[4], remote[4];
	__be16 local_port, remote_port;
	__u8 protocol;
	__u8 family;
	__u8 type; /* enum saxdp_traffic_type: filters and tunnel policies are numbered apart */
	__u8 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_tunnel_key, 48);

enum saxdp_shape {
	SAXDP_SHAPE_LOCAL_PORT = 1,
	SAXDP_SHAPE_REMOTE_PORT = 2,
	SAXDP_SHAPE_PROTOCOL = 4,
	SAXDP_SHAPES = 8,
};

struct saxdp_traffic_count {
	__u64 packets, bytes;
};

/*
 * One of two places. Of those with born <= generation whose context lives and has an outbound bundle,
 * the newer one serves: so when a context ends the one before it takes over without a write.
 */
struct saxdp_serve {
	__u64 context;
	__u64 born;
};

struct saxdp_tunnel {
	struct saxdp_life life;
	__u32 id;
	__u32 steer;
	__u32 contexts; /* alive */
	__u32 type; /* enum saxdp_traffic_type */
	__u64 first_ns; /* CLOCK_REALTIME of the first context */
	__u64 last_used; /* jiffies, of SAs that are gone */
	struct saxdp_traffic_count gone[2]; /* by enum saxdp_direction: SAs that are gone */
	struct saxdp_traffic_count clear; /* arrived clear and should not have */
	struct saxdp_serve serve[2];
};
SAXDP_ASSERT_SIZE(struct saxdp_tunnel, 128);

struct saxdp_endpoint_key {
	__u32 address[4];
	__u32 family;
};
SAXDP_ASSERT_SIZE(struct saxdp_endpoint_key, 20);

struct saxdp_endpoint {
	struct saxdp_life life;
	__u64 contexts;
};

/* --- filters and selectors ------------------------------------------------------------------- */

/* Layers that packets are judged at, in the order of the `mask` array. */
enum saxdp_layer {
	SAXDP_INBOUND_TRANSPORT_V4,
	SAXDP_INBOUND_TRANSPORT_V6,
	SAXDP_OUTBOUND_TRANSPORT_V4,
	SAXDP_OUTBOUND_TRANSPORT_V6,
	SAXDP_LAYERS,
};

enum saxdp_mask_field {
	SAXDP_FIELD_PROTOCOL = 1,
	SAXDP_FIELD_LOCAL_PORT = 2, /* ICMP: the type */
	SAXDP_FIELD_REMOTE_PORT = 4, /* ICMP: the code */
};

/* The fields that the selectors of one shape look at. */
struct saxdp_mask {
	__u8 number; /* in the selector's key; < SAXDP_MASKS */
	__u8 local_prefix, remote_prefix; /* bits */
	__u8 fields; /* enum saxdp_mask_field */
};

/* Element layer * 2 + (generation & 1): complete for that generation. */
struct saxdp_mask_set {
	__u32 count;
	struct saxdp_mask mask[SAXDP_MASKS];
};
SAXDP_ASSERT_SIZE(struct saxdp_mask_set, 132);

struct saxdp_mask_use {
	__u64 candidates[SAXDP_MASKS]; /* alive, by mask number */
};

struct saxdp_selector4_key {
	__u8 layer;
	__u8 mask;
	__u8 chain; /* 0, or which continuation */
	__u8 protocol;
	__be32 local, remote;
	__be16 local_port, remote_port;
};
SAXDP_ASSERT_SIZE(struct saxdp_selector4_key, 16);

struct saxdp_selector6_key {
	__u8 layer;
	__u8 mask;
	__u8 chain;
	__u8 protocol;
	__be16 local_port, remote_port;
	__u32 local[4], remote[4];
};
SAXDP_ASSERT_SIZE(struct saxdp_selector6_key, 40);

enum saxdp_action {
	SAXDP_PERMIT,
	SAXDP_BLOCK,
	SAXDP_CALLOUT, /* of no meaning to packets */
	SAXDP_IPSEC_TRANSPORT, /* the built-in callouts: must be protected by such an SA */
	SAXDP_IPSEC_TUNNEL,
};

/*
 * One filter in a bucket, with what is left of its condition. A free place is all zero. To fill one
 * the fields are stored first, then born, then died; to free one, died first.
 */
struct saxdp_candidate {
	struct saxdp_life life;
	__u64 filter;
	__u64 weight;
	__u16 local_port_low, local_port_high; /* host order, inclusive */
	__u16 remote_port_low, remote_port_high;
	__u8 slot; /* of its sublayer */
	__u8 action; /* enum saxdp_action */
	__u16 owner; /* slot + 1 of the dynamic session it ends with, 0 = none */
	__u32 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_candidate, 48);

struct saxdp_bucket {
	__u32 used; /* places that are not free */
	__u32 more; /* a continuation follows */
	__u64 zero;
	struct saxdp_candidate candidate[SAXDP_CANDIDATES];
};
SAXDP_ASSERT_SIZE(struct saxdp_bucket, 256);

enum saxdp_filter_flags {
	SAXDP_FILTER_HAS_PROV_CONTEXT = 1, /* `context` is a provider context's id, else raw */
};

/* The fixed part of FWPM_FILTER0; name, data and conditions are its blob. */
struct saxdp_filter {
	struct saxdp_life life;
	__u64 packets, bytes; /* that it decided in its sublayer */
	__u8 key[16]; /* GUID */
	__u64 weight, effective_weight;
	__u64 context;
	__u64 owner; /* session id of the dynamic session it ends with, 0 = none */
	__u64 users; /* contexts that name it */
	__u32 fwp_flags; /* FWPM_FILTER_FLAG_* */
	__u32 action_type; /* FWP_ACTION_* */
	__u16 layer; /* index in the library's table of layers */
	__u16 slot; /* of its sublayer, where it has selectors */
	__u16 zero;
	__u8 weight_type; /* FWP_DATA_TYPE as given */
	__u8 flags; /* enum saxdp_filter_flags */
	__u32 conditions;
	__u32 blob_bytes;
	__u32 selectors; /* candidates it was compiled to */
	__u32 owner_slot; /* + 1 */
	__u64 provider; /* id, 0 = none */
	__u64 sublayer; /* id */
	__u64 callout; /* id, 0 = none */
};
SAXDP_ASSERT_SIZE(struct saxdp_filter, 144);

/* The fixed part of a provider context that is a tunnel policy; the rest is its blob. */
struct saxdp_prov_context {
	struct saxdp_life life;
	__u8 key[16]; /* GUID */
	__u64 owner;
	__u64 users; /* contexts and filters that name it */
	__u32 local[4], remote[4]; /* tunnelEndpoints */
	__u32 fwp_flags;
	__u32 type; /* FWPM_PROVIDER_CONTEXT_TYPE */
	__u32 family; /* 4 or 6 */
	__u32 blob_bytes;
	__u64 provider; /* id, 0 = none */
};
SAXDP_ASSERT_SIZE(struct saxdp_prov_context, 104);

/* How the fixed parts of the other objects begin. What is built in is in no map. */
struct saxdp_object {
	struct saxdp_life life;
	__u8 key[16]; /* GUID */
	__u64 owner;
	__u64 users; /* objects that name it */
	__u64 provider; /* id, 0 = none */
	__u32 fwp_flags;
	__u32 blob_bytes;
};
SAXDP_ASSERT_SIZE(struct saxdp_object, 64);

struct saxdp_provider {
	struct saxdp_object object;
};

struct saxdp_sublayer {
	struct saxdp_object object;
	__u32 weight;
	__u32 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_sublayer, 72);

struct saxdp_callout {
	struct saxdp_object object;
	__u32 layer; /* its applicableLayer: index in the library's table of layers */
	__u32 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_callout, 72);

/*
 * Element generation & 1: complete for that generation. A sublayer has a slot while a filter of it
 * has candidates; packets have a winner for each slot, and go through them in this order.
 */
struct saxdp_sublayer_order {
	__u32 count;
	__u8 slot[SAXDP_SUBLAYERS]; /* the first `count`: heaviest first, of equals the older one */
	__u32 zero;
	__u64 sublayer[SAXDP_SUBLAYERS]; /* by slot: id, 0 = free */
};
SAXDP_ASSERT_SIZE(struct saxdp_sublayer_order, 296);

struct saxdp_sublayer_use {
	__u64 filters[SAXDP_SUBLAYERS]; /* alive and with selectors, by slot */
};

/* --- names and long texts ---------------------------------------------------------------------- */

/* Every map that the commit program writes, and its number in an operation. */
#define SAXDP_KINDS(X)                    \
	X(SA4, sa4)                       \
	X(SA6, sa6)                       \
	X(CONTEXT, context)               \
	X(TUNNEL, tunnel)                 \
	X(ENDPOINT, endpoint)             \
	X(FILTER, filter)                 \
	X(PROV_CONTEXT, prov_context)     \
	X(BLOB, blob)                     \
	X(KEY, key)                       \
	X(SELECTOR4, selector4)           \
	X(SELECTOR6, selector6)           \
	X(MASK, mask)                     \
	X(MASK_USE, mask_use)             \
	X(SESSION, session)               \
	X(VIRTUAL_IF, virtual_if)         \
	X(ENGINE, engine)                 \
	X(PROVIDER, provider)             \
	X(SUBLAYER, sublayer)             \
	X(SUBLAYER_ORDER, sublayer_order) \
	X(SUBLAYER_USE, sublayer_use)     \
	X(CALLOUT, callout)

enum saxdp_kind {
#define X(name, map) SAXDP_KIND_##name,
	SAXDP_KINDS(X)
#undef X
		SAXDP_KIND_COUNT,
};

struct saxdp_guid_key {
	__u32 kind; /* enum saxdp_kind */
	__u8 guid[16];
};
SAXDP_ASSERT_SIZE(struct saxdp_guid_key, 20);

/* Two versions, so that one commit can replace an object by another of the same GUID. */
struct saxdp_guid_version {
	struct saxdp_life life;
	__u64 id;
};

struct saxdp_guid {
	struct saxdp_guid_version version[2];
};
SAXDP_ASSERT_SIZE(struct saxdp_guid, 48);

enum saxdp_blob_kind {
	SAXDP_BLOB_FILTER,
	SAXDP_BLOB_PROV_CONTEXT,
	SAXDP_BLOB_PROVIDER,
	SAXDP_BLOB_SUBLAYER,
	SAXDP_BLOB_CALLOUT,
	SAXDP_BLOB_CONTEXT, /* enum saxdp_context_flags: SAXDP_CONTEXT_REST */
	SAXDP_BLOB_INBOUND, /* of a context: what its bundle's `rest` says */
	SAXDP_BLOB_OUTBOUND,
};

struct saxdp_blob_key {
	__u32 kind; /* enum saxdp_blob_kind */
	__u32 part;
	__u64 id;
};
SAXDP_ASSERT_SIZE(struct saxdp_blob_key, 16);

struct saxdp_blob {
	struct saxdp_life life;
	__u8 data[SAXDP_BLOB_BYTES];
};
SAXDP_ASSERT_SIZE(struct saxdp_blob, 208);

/* --- sessions, interfaces ------------------------------------------------------------------------ */

/* Key: slot of `alive`. */
struct saxdp_session {
	__u64 id;
	__u64 cookie; /* of the socket in `alive` */
	__u64 opened_ns; /* CLOCK_REALTIME */
	__u32 slot;
	__u32 pid;
	__u32 uid;
	__u32 flags; /* FWPM_SESSION_FLAG_* */
	__u32 txn_wait_ms;
	__u32 zero;
	__u8 key[16]; /* GUID */
};
SAXDP_ASSERT_SIZE(struct saxdp_session, 64);

/* Key: virtualIfTunnelId. */
struct saxdp_virtual_if {
	__u32 ifindex;
	__u32 zero;
};

enum saxdp_role {
	SAXDP_ROLE_OUTSIDE,
	SAXDP_ROLE_INSIDE,
	SAXDP_ROLE_TUNNEL,
};

struct saxdp_attached_key {
	__u64 netns; /* inode */
	__u32 ifindex;
	__u32 zero;
};
SAXDP_ASSERT_SIZE(struct saxdp_attached_key, 16);

struct saxdp_attached {
	__u32 role;
	__u32 xdp_mode; /* enum xdp_attach_mode of libxdp */
	__u32 xdp_prog, tc_prog; /* program ids */
	__u32 dispatcher; /* 1 = shares the hook by libxdp's dispatcher */
	__u32 clsact; /* 1 = the qdisc was made for us: it goes when nothing else is in it */
	char ifname[SAXDP_IFNAME];
	char netns_name[SAXDP_NETNS_NAME]; /* empty: the one `saxdp attach` ran in */
};
SAXDP_ASSERT_SIZE(struct saxdp_attached, 104);

/* --- counters -------------------------------------------------------------------------------------- */

/*
 * Of packets that arrive. The first group has one entry for each packet: its sum is all packets.
 * The second counts some of them once more, by what was found.
 */
#define SAXDP_COUNTERS(X)                                                                 \
	X(ESP, esp, "ESP")                                                                \
	X(AH, ah, "AH")                                                                   \
	X(ESP_IN_UDP, esp_in_udp, "ESP in UDP")                                           \
	X(IKE, ike, "IKE")                                                                \
	X(KEEPALIVE, keepalive, "NAT keep-alives")                                        \
	X(FRAGMENT, fragment, "fragments after the first")                                \
	X(MALFORMED, malformed, "malformed")                                              \
	X(OTHER, other, "anything else")                                                  \
	X(UNKNOWN_SPI, unknown_spi, "ESP or AH to an endpoint, without an SA")            \
	X(CLEAR_MATCHED, clear_matched, "clear, but a context's selector says protected") \
	X(STEER_MISSING, steer_missing, "passed, as the steering target is missing")

enum saxdp_counter {
#define X(name, key, text) SAXDP_COUNT_##name,
	SAXDP_COUNTERS(X)
#undef X
		SAXDP_COUNT_COUNT,
};

/* --- commit ------------------------------------------------------------------------------------------ */

/*
 * What the operations of a change list do. `offset` is from the start of the value, a multiple of 8;
 * `word` is the operand. An operation that fails undoes those before it.
 */
enum saxdp_op_code {
	SAXDP_OP_INSERT, /* key, value: absent or reclaimable, else EEXIST; stamps its life */
	SAXDP_OP_ENSURE, /* the same, but one that lives stays; an SA gets one user more */
	SAXDP_OP_ABSENT, /* key: EEXIST when it lives */
	SAXDP_OP_DIE, /* key: ESTALE when it does not live; an SA with more users loses one, see below */
	SAXDP_OP_EXPECT, /* key, offset, word: ESTALE when it differs or nothing lives there */
	SAXDP_OP_STORE, /* key, offset, word */
	SAXDP_OP_ADD, /* key, offset, word */
	SAXDP_OP_FILL, /* key, offset, length, value: a part of a context, once; else ESTALE */
	SAXDP_OP_WRITE, /* index of the next generation's mask set or order, offset, length, value */
	SAXDP_OP_SERVE, /* tunnel key, word: this context serves from now on */
	SAXDP_OP_SERVED, /* tunnel key, word: ENODATA when no place serves once this context is gone */
	SAXDP_OP_CANDIDATE_ADD, /* selector key, value = a bucket with the candidate in place 0 */
	SAXDP_OP_CANDIDATE_DIE, /* selector key, word: the filter */
	SAXDP_OP_GUID_ADD, /* struct saxdp_guid_key, word: the id; EEXIST when the name lives */
	SAXDP_OP_GUID_DIE, /* struct saxdp_guid_key, word: the id */
	SAXDP_OP_PUT, /* SAXDP_EPOCH_NONE: key, value, replaces */
	SAXDP_OP_REMOVE, /* SAXDP_EPOCH_NONE: key; of a session, word: its id, else ENOENT */
};

/*
 * The death of an SA: word is the context that leaves it. Where others use it too and its counts are
 * that context's, the value is a struct saxdp_sa whose context and tunnel inherit them; ENODATA when
 * it names none.
 */
struct saxdp_op {
	__u8 code; /* enum saxdp_op_code */
	__u8 kind; /* enum saxdp_kind */
	__u16 offset;
	__u16 length; /* FILL, WRITE: bytes, a multiple of 4 */
	__u8 done; /* the program's: what undo has to take back */
	__u8 place; /* the program's: candidate or version */
	__u64 word;
	__u64 saved; /* the program's: what stood there before */
	__u8 key[SAXDP_OP_KEY];
	__u8 value[SAXDP_OP_VALUE];
};
SAXDP_ASSERT_SIZE(struct saxdp_op, 328);

/* Element 0 of `staging`: what a writer wants to know without a system call. Hints only. */
struct saxdp_mirror {
	__u64 generation[SAXDP_EPOCHS];
	__u64 graced[SAXDP_EPOCHS];
	__u64 dead[SAXDP_EPOCHS]; /* entries in the grave rings */
	__u64 reclaim_ns;
	__u32 txn;
	__u32 state;
};

enum saxdp_commit_flags {
	SAXDP_COMMIT_BEGIN = 1, /* take engine.txn: the caller holds the write lock */
	SAXDP_COMMIT_END = 2, /* give it back with this run */
	SAXDP_COMMIT_MORE = 4, /* not the last run: leave the generation as it is */
};

/* Argument and result of one run. */
struct saxdp_commit {
	__u32 epoch; /* enum saxdp_epoch_id */
	__u32 flags;
	__u32 first, count; /* operations in `staging` */
	__u32 txn; /* engine.txn of the caller: slot + 1 inside a transaction, else 0 */
	__u32 session; /* slot + 1 of the caller */
	__u64 expect_policy; /* generation that the checks were made against, 0 = any */
	__u64 graced; /* a grace period has passed since this generation was read, 0 = none */
	__u32 reclaim; /* up to so many dead entries */
	__u32 id_kind, id_count; /* ids to reserve: without operations, needs no transaction */
	__s32 error; /* out: 0 or -errno */
	__u32 failed; /* out: index of the operation */
	__u32 zero;
	__u64 generation; /* out: of this commit */
	__u64 id; /* out: first of the reserved ids */
};
SAXDP_ASSERT_SIZE(struct saxdp_commit, 80);

/* An entry of the grave: died at this generation, to be removed once that is graced. */
struct saxdp_grave {
	__u64 died;
	__u64 word; /* candidate: the filter; GUID: the id */
	__u32 kind;
	__u32 zero;
	__u8 key[SAXDP_OP_KEY];
};
SAXDP_ASSERT_SIZE(struct saxdp_grave, 72);

#endif
