// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Who can do what: root, a member of the writers' group without any capability, a member of the
 * readers' group, and a stranger, each in a process of his own. First every call of the API, which
 * the library answers; then every pin, which the kernel holds whatever the library thinks.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h" /* before cmocka, which has a macro fail() */

#include "check.h"
#include "child.h"
#include "client.h"
#include "maps.h"
#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXTS = 16, SPI = 0x1000, SOMEBODY = 61029 };

enum who { ROOT, WRITER, READER, STRANGER, EVERYBODY };

static const char *const who_name[EVERYBODY] = { "root", "a writer", "a reader", "a stranger" };

static const gid_t groups[] = { CLIENT_READERS, CLIENT_WRITERS };
static const struct identity identities[EVERYBODY] = {
	[WRITER] = { SOMEBODY, SOMEBODY, groups, 2 },
	[READER] = { SOMEBODY, SOMEBODY, groups, 1 },
	[STRANGER] = { SOMEBODY, SOMEBODY, NULL, 0 },
};

static struct client client;
static struct path path;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "rights", CONTEXTS);
	path_make(&client, PATH_TRANSPORT, 1, &path);
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

static void as_each(child_fn fn)
{
	for (int who = ROOT; who < EVERYBODY; who++) {
		const struct child_opts opts = { .as = who == ROOT ? NULL : &identities[who] };

		child_run(&opts, fn, &who);
	}
}

/* --- calls of fwpmu.h ------------------------------------------------------------------------------------ */

/* What one process has made on its way: later rows use it. */
struct made {
	HANDLE engine;
	UINT64 filter, policy, context, there;
};

static DWORD do_begin(struct made *m)
{
	DWORD result = FwpmTransactionBegin0(m->engine, 0);

	if (!result)
		result = FwpmTransactionAbort0(m->engine);
	return result;
}

static DWORD do_begin_read_only(struct made *m)
{
	DWORD result = FwpmTransactionBegin0(m->engine, FWPM_TXN_READ_ONLY);

	if (!result)
		result = FwpmTransactionCommit0(m->engine);
	return result;
}

static DWORD do_filter_add(struct made *m)
{
	static wchar_t name[] = L"filter";
	const FWPM_FILTER0 filter = {
		.displayData.name = name,
		.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_V4,
		.action.type = FWP_ACTION_PERMIT,
	};

	return FwpmFilterAdd0(m->engine, &filter, NULL, &m->filter);
}

static DWORD do_filter_get(struct made *m)
{
	FWPM_FILTER0 *filter = NULL;
	DWORD result = FwpmFilterGetById0(m->engine, path.outbound, &filter);

	FwpmFreeMemory0((void **)&filter);
	return result;
}

static DWORD do_filter_delete(struct made *m)
{
	return FwpmFilterDeleteById0(m->engine, m->filter);
}

static DWORD do_policy_add(struct made *m)
{
	static wchar_t name[] = L"policy";
	IPSEC_TUNNEL_POLICY0 policy = {
		.tunnelEndpoints = {
			.ipVersion = FWP_IP_VERSION_V4,
			.localV4Address = 1,
			.remoteV4Address = 2,
		},
	};
	const FWPM_PROVIDER_CONTEXT0 context = {
		.displayData.name = name,
		.type = FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
		.ikeQmTunnelPolicy = &policy,
	};

	return FwpmProviderContextAdd0(m->engine, &context, NULL, &m->policy);
}

static DWORD do_policy_delete(struct made *m)
{
	return FwpmProviderContextDeleteById0(m->engine, m->policy);
}

static DWORD do_create(struct made *m)
{
	return IPsecSaContextCreate1(m->engine, &path.traffic, NULL, NULL, &m->context);
}

static DWORD do_get_spi(struct made *m)
{
	IPSEC_SA_SPI spi;

	return IPsecSaContextGetSpi1(m->engine, m->context, &path.get, &spi);
}

static DWORD do_delete(struct made *m)
{
	return IPsecSaContextDeleteById0(m->engine, m->context);
}

static DWORD do_set_spi(struct made *m)
{
	return IPsecSaContextSetSpi0(m->engine, m->context, &path.get, SPI);
}

static DWORD do_add_inbound(struct made *m)
{
	struct made_bundle b;

	made_bundle(&b, FWP_IP_VERSION_V4, SPI, 0);
	return IPsecSaContextAddInbound1(m->engine, m->context, &b.bundle);
}

static DWORD do_add_outbound(struct made *m)
{
	struct made_bundle b;

	made_bundle(&b, FWP_IP_VERSION_V4, SPI, 0);
	return IPsecSaContextAddOutbound1(m->engine, m->context, &b.bundle);
}

static DWORD do_get_by_id(struct made *m)
{
	IPSEC_SA_CONTEXT1 *copy = NULL;
	DWORD result = IPsecSaContextGetById1(m->engine, m->there, &copy);

	FwpmFreeMemory0((void **)&copy);
	return result;
}

/* Of the path, in the older form. */
static IPSEC_TRAFFIC0 traffic_older(const IPSEC_TRAFFIC1 *t)
{
	return (IPSEC_TRAFFIC0){
		.ipVersion = t->ipVersion,
		.localV4Address = t->localV4Address,
		.remoteV4Address = t->remoteV4Address,
		.trafficType = t->trafficType,
		.ipsecFilterId = t->ipsecFilterId,
	};
}

static DWORD do_create_older(struct made *m)
{
	const IPSEC_TRAFFIC0 traffic = traffic_older(&path.traffic);

	return IPsecSaContextCreate0(m->engine, &traffic, NULL, &m->context);
}

static DWORD do_get_spi_older(struct made *m)
{
	const IPSEC_GETSPI0 get = {
		.inboundIpsecTraffic = traffic_older(&path.get.inboundIpsecTraffic),
		.ipVersion = path.get.ipVersion,
	};
	IPSEC_SA_SPI spi;

	return IPsecSaContextGetSpi0(m->engine, m->context, &get, &spi);
}

static DWORD do_get_by_id_older(struct made *m)
{
	IPSEC_SA_CONTEXT0 *copy = NULL;
	DWORD result = IPsecSaContextGetById0(m->engine, m->there, &copy);

	FwpmFreeMemory0((void **)&copy);
	return result;
}

static DWORD do_enumerate_contexts(struct made *m)
{
	IPSEC_SA_CONTEXT0 **older = NULL;
	IPSEC_SA_CONTEXT1 **newer = NULL;
	HANDLE handle;
	UINT32 count;
	DWORD result;

	result = IPsecSaContextCreateEnumHandle0(m->engine, NULL, &handle);
	if (!result)
		result = IPsecSaContextEnum0(m->engine, handle, 1, &older, &count);
	if (!result)
		result = IPsecSaContextEnum1(m->engine, handle, 1, &newer, &count);
	if (!result)
		result = IPsecSaContextDestroyEnumHandle0(m->engine, handle);
	FwpmFreeMemory0((void **)&older);
	FwpmFreeMemory0((void **)&newer);
	return result;
}

static DWORD do_enumerate_sas(struct made *m)
{
	IPSEC_SA_DETAILS0 **older = NULL;
	IPSEC_SA_DETAILS1 **newer = NULL;
	HANDLE handle;
	UINT32 count;
	DWORD result;

	result = IPsecSaCreateEnumHandle0(m->engine, NULL, &handle);
	if (!result)
		result = IPsecSaEnum0(m->engine, handle, 1, &older, &count);
	if (!result)
		result = IPsecSaEnum1(m->engine, handle, 1, &newer, &count);
	if (!result)
		result = IPsecSaDestroyEnumHandle0(m->engine, handle);
	FwpmFreeMemory0((void **)&older);
	FwpmFreeMemory0((void **)&newer);
	return result;
}

static DWORD do_statistics(struct made *m)
{
	IPSEC_STATISTICS1 newer;
	IPSEC_STATISTICS0 older;
	DWORD result = IPsecGetStatistics1(m->engine, &newer);

	return result ? result : IPsecGetStatistics0(m->engine, &older);
}

/* What it opens is no more than the session could have opened by itself. */
static DWORD do_look(struct made *m)
{
	struct saxdp_context_info info;
	struct saxdp *s = NULL;
	int err;

	err = saxdp_open_session(m->engine, &s);
	if (!err)
		err = saxdp_context_get(s, m->there, &info);
	saxdp_close(s);
	return err ? ERROR_ACCESS_DENIED : ERROR_SUCCESS;
}

enum { ALLOWED = ERROR_SUCCESS, DENIED = ERROR_ACCESS_DENIED };

/* In the order in which a writer and root can do them all. */
static const struct {
	const char *name;
	DWORD (*fn)(struct made *m);
	DWORD reader;
} calls[] = {
	{ "TransactionBegin0", do_begin, DENIED },
	{ "TransactionBegin0, read-only", do_begin_read_only, ALLOWED },
	{ "FilterAdd0", do_filter_add, DENIED },
	{ "FilterGetById0", do_filter_get, ALLOWED },
	{ "FilterDeleteById0", do_filter_delete, DENIED },
	{ "ProviderContextAdd0", do_policy_add, DENIED },
	{ "ProviderContextDeleteById0", do_policy_delete, DENIED },
	{ "SaContextCreate1", do_create, DENIED },
	{ "SaContextGetSpi1", do_get_spi, DENIED },
	{ "SaContextDeleteById0", do_delete, DENIED },
	{ "SaContextCreate1", do_create, DENIED },
	{ "SaContextSetSpi0", do_set_spi, DENIED },
	{ "SaContextAddInbound1", do_add_inbound, DENIED },
	{ "SaContextAddOutbound1", do_add_outbound, DENIED },
	{ "SaContextGetById1", do_get_by_id, ALLOWED },
	{ "SaContextGetById0", do_get_by_id_older, ALLOWED },
	{ "SaContextEnum0 and 1", do_enumerate_contexts, ALLOWED },
	{ "SaEnum0 and 1", do_enumerate_sas, ALLOWED },
	{ "GetStatistics0 and 1", do_statistics, ALLOWED },
	{ "open_session", do_look, ALLOWED },
	{ "SaContextDeleteById0", do_delete, DENIED },
	{ "SaContextCreate0", do_create_older, DENIED },
	{ "SaContextGetSpi0", do_get_spi_older, DENIED },
	{ "SaContextDeleteById0", do_delete, DENIED },
};

static UINT64 context_there;

static int call_all(struct child *self, void *arg)
{
	enum who who = *(int *)arg;
	struct made m = { .there = context_there };

	(void)self;
	if (who != ROOT)
		assert_false(identity_has_capabilities());
	assert_result(FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &m.engine),
		      who == STRANGER ? DENIED : ALLOWED);
	if (who == STRANGER) {
		assert_null(m.engine);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		DWORD result = calls[i].fn(&m), wanted = who == READER ? calls[i].reader : ALLOWED;

		if (result != wanted)
			fail_msg("%s by %s: 0x%08x, not 0x%08x (%s)", calls[i].name, who_name[who],
				 result, wanted, saxdp_error());
	}
	client_session_end(m.engine);
	return 0;
}

static void each_call_asks_for_its_right(void **state)
{
	(void)state;
	context_there = path_context(&path, SPI + 1, SPI + 1);
	as_each(call_all);
	/* Whatever was made was deleted, and the maps agree. */
	client_sound(&client, "after all");
	assert_int_equal(maps_count(client.instance, "context"), 1);
	assert_int_equal(maps_count(client.instance, "filter"), 2);
	assert_int_equal(maps_count(client.instance, "prov_context"), 0);
}

static int reader_changes_nothing(struct child *self, void *arg)
{
	struct made m = { .there = context_there,
			  .filter = path.outbound,
			  .context = context_there };

	(void)self;
	(void)arg;
	if (FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &m.engine))
		return 0; /* the stranger */
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		(void)calls[i].fn(&m);
	client_session_end(m.engine);
	return 0;
}

static void readers_and_strangers_change_nothing(void **state)
{
	struct dump *before;

	(void)state;
	context_there = path_context(&path, SPI + 1, SPI + 1);
	before = client_dump(&client);
	for (int who = READER; who <= STRANGER; who++) {
		const struct child_opts opts = { .as = &identities[who] };

		child_run(&opts, reader_changes_nothing, NULL);
	}
	client_same(&client, before, "what readers and strangers do");
}

/* --- calls of saxdp.h ----------------------------------------------------------------------------------- */

static int look_status(struct saxdp *s)
{
	struct saxdp_status status;

	return saxdp_status_get(s, &status);
}

static int look_contexts(struct saxdp *s)
{
	struct saxdp_context_info *list = NULL;
	size_t count;
	int err = saxdp_context_list(s, &list, &count);

	free(list);
	return err;
}

static int look_context(struct saxdp *s)
{
	struct saxdp_context_info info;

	return saxdp_context_get(s, context_there, &info);
}

static int look_sa(struct saxdp *s)
{
	struct saxdp_sa_name name = {
		.direction = SAXDP_INBOUND,
		.protocol = SA_ESP,
		.family = 4,
		.spi = htonl(SPI + 1),
	};
	struct saxdp_sa_info info;

	maps_local(&path, name.destination);
	return saxdp_sa_get(s, &name, &info);
}

static int look_tunnel(struct saxdp *s)
{
	struct saxdp_context_info context;
	struct saxdp_tunnel_info tunnel;
	int err = saxdp_context_get(s, context_there, &context);

	return err ? err : saxdp_tunnel_get(s, context.tunnel, &tunnel);
}

static int look_sas(struct saxdp *s)
{
	struct saxdp_sa_info *list = NULL;
	size_t count;
	int err = saxdp_sa_list(s, &list, &count);

	free(list);
	return err;
}

static int look_tunnels(struct saxdp *s)
{
	struct saxdp_tunnel_info *list = NULL;
	size_t count;
	int err = saxdp_tunnel_list(s, &list, &count);

	free(list);
	return err;
}

static int look_filters(struct saxdp *s)
{
	struct saxdp_filter_info *list = NULL;
	size_t count;
	int err = saxdp_filter_list(s, &list, &count);

	free(list);
	return err;
}

static int look_attached(struct saxdp *s)
{
	struct saxdp_attached_info *list = NULL;
	size_t count;
	int err = saxdp_attached_list(s, &list, &count);

	free(list);
	return err;
}

static int look_stats(struct saxdp *s)
{
	struct saxdp_stats stats;

	return saxdp_stats_get(s, &stats);
}

static int steer_pass(struct saxdp *s)
{
	const struct saxdp_steer_target pass = { .kind = SAXDP_STEER_PASS };

	return saxdp_steer(s, 0, &pass);
}

static int steer_dev(struct saxdp *s)
{
	const struct saxdp_steer_target dev = { .kind = SAXDP_STEER_DEV, .ifname = "lo" };
	int err = saxdp_steer(s, 0, &dev);

	return err == -EOPNOTSUPP ?
		       0 :
		       err; /* loopback has no XDP transmit: that far only root comes */
}

static int virtual_if_bind(struct saxdp *s)
{
	int err = saxdp_virtual_if_bind(s, 5, "lo");

	return err == -EOPNOTSUPP ? 0 : err;
}

static int virtual_if_unbind(struct saxdp *s)
{
	return saxdp_virtual_if_bind(s, 5, NULL);
}

static int xsk_remove(struct saxdp *s)
{
	return saxdp_xsk_set(s, 0, -1);
}

static int attach_lo(struct saxdp *s)
{
	const struct saxdp_attach_opts opts = { .size = sizeof(opts), .ifname = "lo" };
	int err = saxdp_attach(s, &opts);

	return err == -EOPNOTSUPP ? 0 : err; /* not Ethernet, says who may ask */
}

static int detach_lo(struct saxdp *s)
{
	int err = saxdp_detach(s, "lo", NULL);

	return err == -ENOENT ? 0 : err;
}

static int load_again(struct saxdp *s)
{
	struct saxdp_load_opts opts = { .size = sizeof(opts), .instance = client.instance };

	(void)s;
	return saxdp_load(&opts, NULL);
}

static int unload_in_use(struct saxdp *s)
{
	int err = saxdp_unload(client.instance, false);

	(void)s;
	return err == -EBUSY ? 0 : err;
}

static const struct {
	const char *name;
	int (*fn)(struct saxdp *s);
	enum who last; /* who can still do it */
} admin_calls[] = {
	{ "status_get", look_status, READER },
	{ "context_list", look_contexts, READER },
	{ "context_get", look_context, READER },
	{ "sa_get", look_sa, READER },
	{ "sa_list", look_sas, READER },
	{ "tunnel_get", look_tunnel, READER },
	{ "tunnel_list", look_tunnels, READER },
	{ "filter_list", look_filters, READER },
	{ "attached_list", look_attached, READER },
	{ "stats_get", look_stats, READER },
	{ "steer pass", steer_pass, WRITER },
	{ "steer dev", steer_dev, ROOT },
	{ "virtual_if_bind", virtual_if_bind, ROOT },
	{ "virtual_if_bind NULL", virtual_if_unbind, WRITER },
	{ "xsk_set", xsk_remove, ROOT },
	{ "attach", attach_lo, ROOT },
	{ "detach", detach_lo, ROOT },
	{ "load", load_again, ROOT },
	{ "unload", unload_in_use, ROOT },
};

static int administer(struct child *self, void *arg)
{
	enum who who = *(int *)arg;
	struct saxdp *s = NULL;
	int err;

	(void)self;
	err = saxdp_open(client.instance, &s);
	assert_int_equal(err, who == STRANGER ? -EACCES : 0);
	for (size_t i = 0; i < ARRAY_SIZE(admin_calls); i++) {
		/* Load and unload need no open instance. */
		if (!s && admin_calls[i].fn != load_again && admin_calls[i].fn != unload_in_use)
			continue;
		err = admin_calls[i].fn(s);
		if (who <= admin_calls[i].last ? err : err != -EPERM && err != -EACCES)
			fail_msg("%s by %s: %d (%s)", admin_calls[i].name, who_name[who], err,
				 saxdp_error());
	}
	saxdp_close(s);
	return 0;
}

static void each_look_and_each_setting_asks_for_its_right(void **state)
{
	(void)state;
	context_there = path_context(&path, SPI + 1, SPI + 1);
	as_each(administer);
}

/* --- pins ------------------------------------------------------------------------------------------------- */

enum access { NOTHING, READS, WRITES, RUNS };

static const struct pin {
	const char *path;
	bool program;
	enum access writer, reader; /* root can do all, a stranger nothing */
} pins[] = {
#define X(kind, map) { #map, false, READS, READS },
	SAXDP_KINDS(X)
#undef X
		{ "engine_count", false, READS, READS },
	{ "attached", false, READS, READS },
	{ "steer_cpu", false, READS, READS },
	{ "steer_dev", false, READS, READS },
	{ "steer_xsk", false, READS, READS },
	{ "write/staging", false, WRITES, NOTHING },
	{ "write/alive", false, WRITES, NOTHING },
	{ "write/grace", false, WRITES, NOTHING },
	{ "write/grace_inner", false, WRITES, NOTHING },
	{ "write/commit", true, RUNS, NOTHING },
	{ "write/recover", true, RUNS, NOTHING },
	{ "write/tick_arm", true, RUNS, NOTHING },
	{ "grave", false, NOTHING, NOTHING },
	{ "tick", false, NOTHING, NOTHING },
};

static bool pin_opens(const char *name, __u32 flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char pin[256];
	int fd;

	snprintf(pin, sizeof(pin), SAXDP_PIN_ROOT "/%s/%s", client.instance, name);
	fd = bpf_obj_get_opts(pin, &opts);
	if (fd < 0 && errno != EACCES)
		fail_msg("%s: %s", pin, strerror(errno));
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int open_pins(struct child *self, void *arg)
{
	enum who who = *(int *)arg;

	(void)self;
	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		const struct pin *pin = &pins[i];
		enum access can = who == ROOT	? pin->program ? RUNS : WRITES :
				  who == WRITER ? pin->writer :
				  who == READER ? pin->reader :
						  NOTHING;
		bool reads, writes;

		if (pin->program) {
			/* Whoever opens a program can run it. */
			if (pin_opens(pin->path, BPF_F_RDONLY) != (can == RUNS))
				fail_msg("%s by %s", pin->path, who_name[who]);
			continue;
		}
		reads = pin_opens(pin->path, BPF_F_RDONLY);
		writes = pin_opens(pin->path, BPF_F_WRONLY) || pin_opens(pin->path, 0);
		if (reads != (can == READS || can == WRITES) || writes != (can == WRITES))
			fail_msg("%s by %s: reads %d, writes %d", pin->path, who_name[who], reads,
				 writes);
	}
	return 0;
}

static void the_kernel_holds_each_pin(void **state)
{
	(void)state;
	as_each(open_pins);
}

/* What may be opened may not be written, by no kind of update. */
static int write_by_hand(struct child *self, void *arg)
{
	enum who who = *(int *)arg;

	(void)self;
	for (size_t i = 0; i < ARRAY_SIZE(pins) && (who == WRITER || who == READER); i++) {
		LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
		char pin[256], key[64] = {}, value[1024] = {};
		__u32 one = 1;
		int fd;

		if (pins[i].program || pins[i].reader != READS)
			continue;
		snprintf(pin, sizeof(pin), SAXDP_PIN_ROOT "/%s/%s", client.instance, pins[i].path);
		fd = bpf_obj_get_opts(pin, &opts);
		require(fd >= 0, "%s: %m", pin);
		if (!bpf_map_update_elem(fd, key, value, BPF_ANY) || errno != EPERM)
			fail_msg("%s: update by %s: %s", pin, who_name[who], strerror(errno));
		if (!bpf_map_delete_elem(fd, key) || errno != EPERM)
			fail_msg("%s: delete by %s: %s", pin, who_name[who], strerror(errno));
		if (!bpf_map_update_batch(fd, key, value, &one, NULL))
			fail_msg("%s: batch by %s", pin, who_name[who]);
		if (!bpf_map_freeze(fd))
			fail_msg("%s: freeze by %s", pin, who_name[who]);
		close(fd);
	}
	return 0;
}

static void nobody_but_root_writes_a_map_by_hand(void **state)
{
	struct dump *before;

	(void)state;
	(void)path_context(&path, SPI, SPI);
	before = client_dump(&client);
	as_each(write_by_hand);
	client_same(&client, before, "writes by hand");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(each_call_asks_for_its_right),
		STORY(readers_and_strangers_change_nothing),
		STORY(each_look_and_each_setting_asks_for_its_right),
		STORY(the_kernel_holds_each_pin),
		STORY(nobody_but_root_writes_a_map_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
