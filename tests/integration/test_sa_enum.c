// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 *
 * Enumerations of SA contexts and of SAs: what another process made, page by page, by template, as
 * of one moment, and handles that are none.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"
#include "child.h"
#include "client.h"
#include "scratch.h"

enum { CONTEXTS = 64, PEERS = 3, MADE = PATH_KINDS * PEERS, SPI = 0x1000, MANY = 1000 };

static struct client client;
static struct path paths[PATH_KINDS][PEERS];
static UINT64 made[MADE]; /* kind by kind, in the order of their ids */

static int setup_empty(void **state)
{
	(void)state;
	client_open(&client, "sa-enum", CONTEXTS);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		for (unsigned int peer = 0; peer < PEERS; peer++)
			path_make(&client, kind, peer + 1, &paths[kind][peer]);
	return 0;
}

/* Of each three one is complete, one has its inbound bundle only, one is empty. */
static int setup(void **state)
{
	(void)setup_empty(state);
	for (unsigned int i = 0; i < MADE; i++) {
		const struct path *p = &paths[i / PEERS][i % PEERS];

		made[i] = i % PEERS == 2 ? path_create(p) : path_larval(p, SPI + i);
		if (i % PEERS < 2)
			path_inbound(p, made[i], SPI + i);
		if (i % PEERS < 1)
			path_outbound(p, made[i], SPI + i);
	}
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return scratch_teardown(state);
}

static bool has_inbound(unsigned int i)
{
	return i % PEERS < 2;
}

static bool has_outbound(unsigned int i)
{
	return i % PEERS < 1;
}

static HANDLE contexts_open(HANDLE engine, const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 *t)
{
	HANDLE handle;

	assert_ok(IPsecSaContextCreateEnumHandle0(engine, t, &handle));
	return handle;
}

static HANDLE sas_open(HANDLE engine, const IPSEC_SA_ENUM_TEMPLATE0 *t)
{
	HANDLE handle;

	assert_ok(IPsecSaCreateEnumHandle0(engine, t, &handle));
	return handle;
}

/* --- pages ------------------------------------------------------------------------------------------- */

static void expect_inside(const void *block, const void *pointer, size_t size)
{
	const char *from = block, *at = pointer;

	assert_true(at >= from && at + size <= from + malloc_usable_size((void *)block));
}

/* Pages of so many, the forms taking turns; returns how many pages there were. */
static unsigned int pages_expect(HANDLE engine, UINT32 size)
{
	HANDLE handle = contexts_open(engine, NULL);
	unsigned int seen = 0, pages = 0;
	UINT32 count;

	do {
		IPSEC_SA_CONTEXT0 **older;
		IPSEC_SA_CONTEXT1 **newer;
		unsigned int wanted = MADE - seen < size ? MADE - seen : size;

		if (pages % 2) {
			assert_ok(IPsecSaContextEnum0(engine, handle, size, &older, &count));
			assert_int_equal(count, wanted);
			for (UINT32 i = 0; i < count; i++, seen++) {
				expect_inside(older, older[i], sizeof(**older));
				assert_int_equal(older[i]->saContextId, made[seen]);
				assert_int_equal(!!older[i]->inboundSa, has_inbound(seen));
				assert_int_equal(!!older[i]->outboundSa, has_outbound(seen));
				if (has_inbound(seen))
					assert_int_equal(
						older[i]->inboundSa->saBundle.saList[0].spi,
						SPI + seen);
			}
			assert_int_equal(!older, !count);
			FwpmFreeMemory0((void **)&older);
		} else {
			assert_ok(IPsecSaContextEnum1(engine, handle, size, &newer, &count));
			assert_int_equal(count, wanted);
			for (UINT32 i = 0; i < count; i++, seen++) {
				expect_inside(newer, newer[i], sizeof(**newer));
				assert_int_equal(newer[i]->saContextId, made[seen]);
				assert_int_equal(!!newer[i]->inboundSa, has_inbound(seen));
				assert_int_equal(!!newer[i]->outboundSa, has_outbound(seen));
			}
			assert_int_equal(!newer, !count);
			FwpmFreeMemory0((void **)&newer);
		}
		pages++;
	} while (count == size && size);
	assert_int_equal(seen, size ? MADE : 0);
	assert_ok(IPsecSaContextDestroyEnumHandle0(engine, handle));
	return pages;
}

static int pages_of_another_process(struct child *self, void *arg)
{
	HANDLE engine = client_session(0, 0);

	(void)self;
	(void)arg;
	for (UINT32 size = 0; size <= MADE + 1; size++)
		assert_int_equal(pages_expect(engine, size), size ? MADE / size + 1 : 1);
	assert_int_equal(pages_expect(engine, UINT32_MAX), 1);
	client_session_end(engine);
	return 0;
}

static void a_page_with_fewer_than_asked_for_is_the_last(void **state)
{
	(void)state;
	child_run(NULL, pages_of_another_process, NULL);
}

static void who_may_only_read_enumerates(void **state)
{
	struct identity reader = { .uid = 61031, .gid = CLIENT_READERS };

	(void)state;
	child_run(&(struct child_opts){ .as = &reader }, pages_of_another_process, NULL);
}

static void an_empty_instance_has_none(void **state)
{
	IPSEC_SA_CONTEXT1 **contexts = (IPSEC_SA_CONTEXT1 **)&client;
	IPSEC_SA_DETAILS1 **sas = (IPSEC_SA_DETAILS1 **)&client;
	UINT32 count = MANY;

	(void)state;
	assert_ok(IPsecSaContextEnum1(client.engine, contexts_open(client.engine, NULL), 10,
				      &contexts, &count));
	assert_int_equal(count, 0);
	assert_null(contexts);
	count = MANY;
	assert_ok(IPsecSaEnum1(client.engine, sas_open(client.engine, NULL), 10, &sas, &count));
	assert_int_equal(count, 0);
	assert_null(sas);
}

enum { THREADS = 4 };

struct shared {
	HANDLE handle;
	UINT64 got[MADE + THREADS];
	unsigned int count;
	DWORD result;
};

static void *take_ones(void *arg)
{
	struct shared *s = arg;
	UINT32 count = 1;

	while (count == 1) {
		IPSEC_SA_CONTEXT1 **entries;

		s->result = IPsecSaContextEnum1(client.engine, s->handle, 1, &entries, &count);
		if (s->result)
			return NULL;
		if (count)
			s->got[s->count++] = entries[0]->saContextId;
		FwpmFreeMemory0((void **)&entries);
	}
	return NULL;
}

static void threads_that_share_a_handle_get_different_contexts(void **state)
{
	HANDLE handle = contexts_open(client.engine, NULL);
	struct shared shared[THREADS] = {};
	pthread_t thread[THREADS];
	unsigned int count = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		shared[i].handle = handle;
		assert_int_equal(pthread_create(&thread[i], NULL, take_ones, &shared[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(shared[i].result, ERROR_SUCCESS);
		count += shared[i].count;
	}
	assert_int_equal(count, MADE);
	for (unsigned int i = 0; i < MADE; i++) {
		unsigned int found = 0;

		for (int j = 0; j < THREADS; j++)
			for (unsigned int k = 0; k < shared[j].count; k++)
				found += shared[j].got[k] == made[i];
		assert_int_equal(found, 1);
	}
}

/* --- one moment -------------------------------------------------------------------------------------------- */

static void expect_same_details(const void *block, const IPSEC_SA_DETAILS1 *a,
				const IPSEC_SA_DETAILS1 *b)
{
	assert_int_equal(!a, !b);
	if (!a)
		return;
	expect_inside(block, a, sizeof(*a));
	assert_memory_equal(&a->traffic, &b->traffic, sizeof(a->traffic));
	assert_int_equal(a->ipVersion, b->ipVersion);
	assert_int_equal(a->saDirection, b->saDirection);
	assert_int_equal(a->saBundle.numSAs, b->saBundle.numSAs);
	expect_inside(block, a->saBundle.saList, sizeof(IPSEC_SA0));
	assert_int_equal(a->saBundle.saList[0].spi, b->saBundle.saList[0].spi);
	assert_int_equal(!a->transportFilter, !b->transportFilter);
	if (!a->transportFilter)
		return;
	expect_inside(block, a->transportFilter, sizeof(FWPM_FILTER0));
	assert_int_equal(a->transportFilter->filterId, b->transportFilter->filterId);
	assert_int_equal(a->transportFilter->numFilterConditions, 1);
	expect_inside(block, a->transportFilter->filterCondition, sizeof(FWPM_FILTER_CONDITION0));
	expect_inside(block, a->transportFilter->displayData.name, sizeof(wchar_t));
}

static int all_deleted(struct child *self, void *arg)
{
	HANDLE engine = client_session(0, 0);

	(void)self;
	(void)arg;
	for (unsigned int i = 0; i < MADE; i++)
		context_delete(engine, made[i]);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		for (unsigned int peer = 0; peer < PEERS; peer++) {
			struct path p = paths[kind][peer];

			p.engine = engine;
			path_release(&p);
		}
	}
	client_session_end(engine);
	return 0;
}

static void what_is_enumerated_is_that_of_one_moment(void **state)
{
	HANDLE handle = contexts_open(client.engine, NULL), sas = sas_open(client.engine, NULL);
	HANDLE later;
	IPSEC_SA_CONTEXT1 *before[MADE], **entries;
	IPSEC_SA_DETAILS1 **details;
	UINT32 count;
	struct path p;
	UINT64 newer;

	(void)state;
	for (unsigned int i = 0; i < MADE; i++)
		assert_ok(IPsecSaContextGetById1(client.engine, made[i], &before[i]));
	/* Others delete all, the policy too, and something new comes. */
	child_run(NULL, all_deleted, NULL);
	path_make(&client, PATH_TUNNEL, 9, &p);
	newer = path_context(&p, SPI, SPI);

	assert_ok(IPsecSaContextEnum1(client.engine, handle, MANY, &entries, &count));
	assert_int_equal(count, MADE);
	for (unsigned int i = 0; i < MADE; i++) {
		assert_int_equal(entries[i]->saContextId, made[i]);
		expect_same_details(entries, entries[i]->inboundSa, before[i]->inboundSa);
		expect_same_details(entries, entries[i]->outboundSa, before[i]->outboundSa);
		FwpmFreeMemory0((void **)&before[i]);
	}
	FwpmFreeMemory0((void **)&entries);
	assert_ok(IPsecSaEnum1(client.engine, sas, MANY, &details, &count));
	assert_int_equal(count, PATH_KINDS * 3);
	FwpmFreeMemory0((void **)&details);

	later = contexts_open(client.engine, NULL);
	assert_ok(IPsecSaContextEnum1(client.engine, later, MANY, &entries, &count));
	assert_int_equal(count, 1);
	assert_int_equal(entries[0]->saContextId, newer);
	/* What was given out stays when the handle goes. */
	assert_ok(IPsecSaContextDestroyEnumHandle0(client.engine, later));
	assert_int_equal(entries[0]->outboundSa->saBundle.saList[0].spi, SPI);
	FwpmFreeMemory0((void **)&entries);
}

enum { REKEYS = 100 };

/* Rekeys: each context is complete before the one before it is deleted. */
static int rekey(struct child *self, void *arg)
{
	struct path p[] = { paths[PATH_TRANSPORT][0], paths[PATH_TUNNEL | PATH_V6][1] };
	UINT64 last[2];

	(void)arg;
	for (int i = 0; i < 2; i++)
		p[i].engine = client_session(0, 0);
	for (UINT32 n = 0; n < REKEYS; n++) {
		for (int i = 0; i < 2; i++) {
			UINT64 id = path_context(&p[i], SPI + n, SPI + n);

			if (n)
				context_delete(p[i].engine, last[i]);
			last[i] = id;
		}
		if (!n)
			child_reach(self);
	}
	return 0;
}

static bool has_ended(const struct child *c)
{
	siginfo_t info = {};

	assert_int_equal(waitid(P_PID, c->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid;
}

static void beside_a_writer_nothing_is_there_in_part(void **state)
{
	enum { KEPT = 2 };
	UINT64 first = 0, last = 0;
	struct child writer;

	(void)state;
	child_start(&writer, NULL, rekey, NULL);
	child_await(&writer);
	while (!has_ended(&writer)) {
		HANDLE handle = contexts_open(client.engine, NULL);
		IPSEC_SA_CONTEXT1 **entries;
		unsigned int complete = 0;
		UINT32 count;

		assert_ok(IPsecSaContextEnum1(client.engine, handle, MANY, &entries, &count));
		assert_true(count == KEPT || count == KEPT + 1);
		for (UINT32 i = 0; i < count; i++) {
			const IPSEC_SA_CONTEXT1 *c = entries[i];

			assert_true(c->inboundSa || !c->outboundSa);
			complete += c->outboundSa != NULL;
			if (!c->outboundSa)
				continue;
			assert_int_equal(c->inboundSa->saBundle.saList[0].spi,
					 c->outboundSa->saBundle.saList[0].spi);
			assert_int_equal(!!c->outboundSa->transportFilter,
					 c->outboundSa->traffic.trafficType ==
						 IPSEC_TRAFFIC_TYPE_TRANSPORT);
		}
		assert_true(complete >= KEPT);
		last = entries[count - 1]->saContextId;
		first = first ? first : last;
		FwpmFreeMemory0((void **)&entries);
		assert_ok(IPsecSaContextDestroyEnumHandle0(client.engine, handle));
	}
	child_finish(&writer);
	assert_true(last > first); /* both went on meanwhile */
}

static void addresses_are_in_the_order_that_the_session_wants(void **state)
{
	IPSEC_SA_CONTEXT1 **entries;
	IPSEC_SA_DETAILS0 **sas;
	UINT32 count;
	HANDLE handle;

	(void)state;
	assert_int_equal(saxdp_session_quirks(client.engine, SAXDP_QUIRK_V6_REVERSED), 0);
	handle = contexts_open(client.engine, NULL);
	assert_ok(IPsecSaContextEnum1(client.engine, handle, MANY, &entries, &count));
	assert_int_equal(count, MADE);
	for (unsigned int i = 0; i < MADE; i++) {
		const struct path *p = &paths[i / PEERS][i % PEERS];
		const IPSEC_SA_DETAILS1 *d = entries[i]->inboundSa;

		for (int byte = 0; d && path_v6(p) && byte < 16; byte++)
			assert_int_equal(d->traffic.remoteV6Address[byte],
					 p->traffic.remoteV6Address[15 - byte]);
		if (d && !path_v6(p))
			assert_int_equal(d->traffic.remoteV4Address, p->traffic.remoteV4Address);
	}
	FwpmFreeMemory0((void **)&entries);
	handle = sas_open(client.engine, NULL);
	assert_ok(IPsecSaEnum0(client.engine, handle, MANY, &sas, &count));
	assert_int_equal(sas[count - 1]->ipVersion, FWP_IP_VERSION_V6);
	assert_int_equal(sas[count - 1]->traffic.localV6Address[15], 0x20);
	assert_int_equal(sas[count - 1]->traffic.localV6Address[0], 1);
	FwpmFreeMemory0((void **)&sas);
}

/* --- templates ----------------------------------------------------------------------------------------------- */

static FWP_V4_ADDR_AND_MASK v4(UINT32 address, UINT32 mask)
{
	return (FWP_V4_ADDR_AND_MASK){ address, mask };
}

static FWP_V6_ADDR_AND_MASK v6(UINT8 third, UINT8 last, UINT8 prefix)
{
	return (FWP_V6_ADDR_AND_MASK){
		.addr = { 0x20, 0x01, 0x0d, 0xb8, 0, third, [15] = last },
		.prefixLength = prefix,
	};
}

static FWP_CONDITION_VALUE0 on_v4(FWP_V4_ADDR_AND_MASK *subnet)
{
	return (FWP_CONDITION_VALUE0){ .type = FWP_V4_ADDR_MASK, .v4AddrMask = subnet };
}

static FWP_CONDITION_VALUE0 on_v6(FWP_V6_ADDR_AND_MASK *subnet)
{
	return (FWP_CONDITION_VALUE0){ .type = FWP_V6_ADDR_MASK, .v6AddrMask = subnet };
}

enum { ALL_V4 = 1 << 0 | 1 << 1, ALL_V6 = 1 << 2 | 1 << 3 }; /* kinds */

/* Of the kinds in the mask exactly the peers in the other mask are enumerated. */
static void expect_matches(const char *what, FWP_CONDITION_VALUE0 local,
			   FWP_CONDITION_VALUE0 remote, unsigned int kinds, unsigned int peers)
{
	const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 t = { local, remote };
	HANDLE handle = contexts_open(client.engine, &t);
	IPSEC_SA_CONTEXT1 **entries;
	UINT32 count, at = 0;

	assert_ok(IPsecSaContextEnum1(client.engine, handle, MANY, &entries, &count));
	for (unsigned int i = 0; i < MADE; i++) {
		bool wanted = kinds & 1U << i / PEERS && peers & 1U << i % PEERS;
		bool got = at < count && entries[at]->saContextId == made[i];

		if (wanted != got)
			fail_msg("%s: %s, peer %u: %s", what, path_kind_name(i / PEERS),
				 i % PEERS + 1, got ? "matches" : "does not match");
		at += got;
	}
	assert_int_equal(at, count);
	FwpmFreeMemory0((void **)&entries);
	assert_ok(IPsecSaContextDestroyEnumHandle0(client.engine, handle));
}

#define EXPECT(local, remote, kinds, peers) \
	expect_matches(#local ", " #remote, local, remote, kinds, peers)

static void a_template_picks_the_ends_that_lie_on_its_subnets(void **state)
{
	FWP_V4_ADDR_AND_MASK local4 = v4(0xc0000201, 0xffffffff),
			     local4_net = v4(0xc00002ff, ~255U);
	FWP_V4_ADDR_AND_MASK other4 = v4(0xc0000202, 0xffffffff), any4 = v4(0x01020304, 0);
	FWP_V4_ADDR_AND_MASK two4 = v4(0xc6330003, 0xfffffffe), far4 = v4(0xc6340000, 0xffff0000);
	FWP_V6_ADDR_AND_MASK local6 = v6(0, 1, 128), net6 = v6(0, 0xff, 64), any6 = v6(7, 7, 0);
	FWP_V6_ADDR_AND_MASK two6 = v6(1, 3, 127), near6 = v6(1, 0x80, 121), both6 = v6(1, 0, 47);
	FWP_BYTE_ARRAY16 peer6 = { { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 2 } };
	const FWP_CONDITION_VALUE0 any = { .type = FWP_EMPTY };
	const FWP_CONDITION_VALUE0 one4 = { .type = FWP_UINT32, .uint32 = 0xc6330002 };
	const FWP_CONDITION_VALUE0 one6 = { .type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &peer6 };
	enum { ALL = 7, PEER_1 = 1, PEER_2 = 2, PEER_3 = 4 };

	(void)state;
	EXPECT(any, any, ALL_V4 | ALL_V6, ALL);
	EXPECT(on_v4(&local4), any, ALL_V4, ALL);
	EXPECT(on_v4(&local4_net), any, ALL_V4, ALL);
	EXPECT(on_v4(&other4), any, 0, 0);
	EXPECT(on_v4(&any4), any, ALL_V4, ALL);
	EXPECT(any, on_v4(&any4), ALL_V4, ALL);
	EXPECT(any, one4, ALL_V4, PEER_2);
	EXPECT(any, on_v4(&two4), ALL_V4, PEER_2 | PEER_3);
	EXPECT(any, on_v4(&far4), 0, 0);
	EXPECT(on_v4(&local4), on_v4(&two4), ALL_V4, PEER_2 | PEER_3);
	EXPECT(on_v4(&other4), on_v4(&two4), 0, 0);
	EXPECT(on_v4(&local4), on_v4(&far4), 0, 0);
	EXPECT(on_v4(&two4), on_v4(&local4), 0, 0); /* each subnet is for its own end */
	EXPECT(on_v6(&local6), any, ALL_V6, ALL);
	EXPECT(on_v6(&any6), any, ALL_V6, ALL);
	EXPECT(any, one6, ALL_V6, PEER_2);
	EXPECT(any, on_v6(&two6), ALL_V6, PEER_2 | PEER_3);
	EXPECT(any, on_v6(&near6), 0, 0);
	EXPECT(any, on_v6(&net6), 0, 0);
	EXPECT(on_v6(&net6), on_v6(&both6), ALL_V6, ALL);
	EXPECT(on_v6(&both6), on_v6(&two6), ALL_V6, PEER_2 | PEER_3);
	EXPECT(on_v4(&local4), one6, 0, 0); /* no context has ends of two families */
	/* The bytes of a template are not those of traffic. */
	assert_int_equal(saxdp_session_quirks(client.engine, SAXDP_QUIRK_V6_REVERSED), 0);
	EXPECT(any, one6, ALL_V6, PEER_2);
}

static void a_template_that_makes_no_sense_is_refused(void **state)
{
	FWP_V4_ADDR_AND_MASK gap = { 0xc0000201, 0xff00ff00 };
	FWP_V6_ADDR_AND_MASK longer = { .prefixLength = 129 };
	const struct row {
		const char *name;
		FWP_CONDITION_VALUE0 value;
		DWORD wanted;
	} rows[] = {
		{ "a port", { .type = FWP_UINT16, .uint16 = 1 }, FWP_E_TYPE_MISMATCH },
		{ "a range", { .type = FWP_RANGE_TYPE }, FWP_E_TYPE_MISMATCH },
		{ "no type", { .type = (FWP_DATA_TYPE)-1 }, FWP_E_TYPE_MISMATCH },
		{ "a gap",
		  { .type = FWP_V4_ADDR_MASK, .v4AddrMask = &gap },
		  FWP_E_INVALID_NET_MASK },
		{ "129 bits",
		  { .type = FWP_V6_ADDR_MASK, .v6AddrMask = &longer },
		  FWP_E_INVALID_NET_MASK },
		{ "no V4 subnet", { .type = FWP_V4_ADDR_MASK }, FWP_E_NULL_POINTER },
		{ "no V6 subnet", { .type = FWP_V6_ADDR_MASK }, FWP_E_NULL_POINTER },
		{ "no V6 address", { .type = FWP_BYTE_ARRAY16_TYPE }, FWP_E_NULL_POINTER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) * 2; i++) {
		const struct row *r = &rows[i / 2];
		IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 t = {};
		HANDLE handle = &t;
		DWORD result;

		*(i % 2 ? &t.localSubNet : &t.remoteSubNet) = r->value;
		result = IPsecSaContextCreateEnumHandle0(client.engine, &t, &handle);
		if (result != r->wanted || handle != (HANDLE)&t)
			fail_msg("%s, %s: 0x%08x, not 0x%08x", r->name, i % 2 ? "local" : "remote",
				 result, r->wanted);
	}
}

/* --- SAs ------------------------------------------------------------------------------------------------------- */

static void expect_sas(const IPSEC_SA_ENUM_TEMPLATE0 *t, bool inbound, bool outbound)
{
	HANDLE handle = sas_open(client.engine, t), older = sas_open(client.engine, t);
	IPSEC_SA_DETAILS1 **entries;
	IPSEC_SA_DETAILS0 **entries0;
	UINT32 count, count0, at = 0;

	assert_ok(IPsecSaEnum1(client.engine, handle, MANY, &entries, &count));
	assert_ok(IPsecSaEnum0(client.engine, older, MANY, &entries0, &count0));
	assert_int_equal(count, count0);
	for (unsigned int i = 0; i < MADE; i++) {
		IPSEC_SA_CONTEXT1 *c;

		assert_ok(IPsecSaContextGetById1(client.engine, made[i], &c));
		for (int direction = 0; direction < 2; direction++) {
			const IPSEC_SA_DETAILS1 *d = direction ? c->outboundSa : c->inboundSa;

			if (!d || !(direction ? outbound : inbound))
				continue;
			assert_true(at < count);
			expect_same_details(entries, entries[at], d);
			expect_inside(entries0, entries0[at], sizeof(**entries0));
			assert_int_equal(entries0[at]->saDirection, d->saDirection);
			assert_int_equal(entries0[at]->traffic.ipsecFilterId,
					 d->traffic.ipsecFilterId);
			assert_int_equal(entries0[at]->saBundle.saList[0].spi,
					 d->saBundle.saList[0].spi);
			at++;
		}
		FwpmFreeMemory0((void **)&c);
	}
	assert_int_equal(at, count);
	FwpmFreeMemory0((void **)&entries);
	FwpmFreeMemory0((void **)&entries0);
	assert_ok(IPsecSaEnum1(client.engine, handle, MANY, &entries, &count));
	assert_int_equal(count, 0);
	assert_ok(IPsecSaDestroyEnumHandle0(client.engine, handle));
	assert_ok(IPsecSaDestroyEnumHandle0(client.engine, older));
}

static void sas_are_enumerated_by_direction(void **state)
{
	const IPSEC_SA_ENUM_TEMPLATE0 inbound = { FWP_DIRECTION_INBOUND };
	const IPSEC_SA_ENUM_TEMPLATE0 outbound = { FWP_DIRECTION_OUTBOUND };
	IPSEC_SA_ENUM_TEMPLATE0 wrong = { FWP_DIRECTION_MAX };
	HANDLE handle = &wrong;

	(void)state;
	expect_sas(NULL, true, true);
	expect_sas(&inbound, true, false);
	expect_sas(&outbound, false, true);
	assert_result(IPsecSaCreateEnumHandle0(client.engine, &wrong, &handle),
		      FWP_E_INVALID_ENUMERATOR);
	wrong.saDirection = (FWP_DIRECTION)-1;
	assert_result(IPsecSaCreateEnumHandle0(client.engine, &wrong, &handle),
		      FWP_E_INVALID_ENUMERATOR);
	assert_ptr_equal(handle, &wrong);
}

/* --- handles ----------------------------------------------------------------------------------------------------- */

/* All calls of both kinds refuse it and touch nothing. */
static void expect_no_handle(const char *what, HANDLE engine, HANDLE contexts, HANDLE sas)
{
	void **untouched = (void **)&client, **entries = untouched;
	UINT32 count = MANY;
	const DWORD results[] = {
		IPsecSaContextEnum0(engine, contexts, 1, (IPSEC_SA_CONTEXT0 ***)&entries, &count),
		IPsecSaContextEnum1(engine, contexts, 1, (IPSEC_SA_CONTEXT1 ***)&entries, &count),
		IPsecSaContextDestroyEnumHandle0(engine, contexts),
		IPsecSaEnum0(engine, sas, 1, (IPSEC_SA_DETAILS0 ***)&entries, &count),
		IPsecSaEnum1(engine, sas, 1, (IPSEC_SA_DETAILS1 ***)&entries, &count),
		IPsecSaDestroyEnumHandle0(engine, sas),
	};

	for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
		if (results[i] != ERROR_INVALID_HANDLE)
			fail_msg("%s: call %zu: 0x%08x", what, i, results[i]);
	assert_ptr_equal(entries, untouched);
	assert_int_equal(count, MANY);
}

struct inherited {
	HANDLE contexts, sas;
};

static int inherited_handles(struct child *self, void *arg)
{
	const struct inherited *h = arg;
	HANDLE engine = client_session(0, 0);

	(void)self;
	expect_no_handle("inherited, with the parent's engine", client.engine, h->contexts, h->sas);
	expect_no_handle("inherited", engine, h->contexts, h->sas);
	/* Those that the child makes are none of the parent's. */
	assert_ptr_not_equal(contexts_open(engine, NULL), h->contexts);
	assert_ptr_not_equal(sas_open(engine, NULL), h->sas);
	expect_no_handle("inherited, beside its own", engine, h->contexts, h->sas);
	return 0;
}

static void a_handle_that_is_none_is_refused(void **state)
{
	HANDLE other = client_session(0, 0);
	HANDLE contexts = contexts_open(client.engine, NULL), sas = sas_open(client.engine, NULL);
	HANDLE closed = contexts_open(client.engine, NULL), closed_sas;
	struct inherited h = { contexts, sas };
	IPSEC_SA_CONTEXT1 **entries;
	IPSEC_SA_DETAILS1 **details;
	UINT32 count;

	(void)state;
	closed_sas = sas_open(client.engine, NULL);
	assert_ok(IPsecSaContextDestroyEnumHandle0(client.engine, closed));
	assert_ok(IPsecSaDestroyEnumHandle0(client.engine, closed_sas));
	expect_no_handle("NULL", client.engine, NULL, NULL);
	expect_no_handle("garbage", client.engine, (HANDLE)0x1234, (HANDLE)UINTPTR_MAX);
	expect_no_handle("a session", client.engine, client.engine, client.engine);
	expect_no_handle("closed", client.engine, closed, closed_sas);
	expect_no_handle("the other kind's", client.engine, sas, contexts);
	expect_no_handle("another session's", other, contexts, sas);
	expect_no_handle("no session's", NULL, contexts, sas);
	/* Nor is an enumeration a session. */
	assert_result(FwpmEngineClose0(contexts), ERROR_INVALID_HANDLE);
	assert_result(FwpmEngineClose0(sas), ERROR_INVALID_HANDLE);
	child_run(NULL, inherited_handles, &h);

	/* None of it has harmed those that are. */
	assert_ok(IPsecSaContextEnum1(client.engine, contexts, MANY, &entries, &count));
	assert_int_equal(count, MADE);
	FwpmFreeMemory0((void **)&entries);
	assert_ok(IPsecSaEnum1(client.engine, sas, MANY, &details, &count));
	assert_int_equal(count, PATH_KINDS * 3);
	FwpmFreeMemory0((void **)&details);

	/* They end with their session. */
	client_session_end(client.engine);
	expect_no_handle("its session is closed", client.engine, contexts, sas);
	client.engine = client_session(0, 0);
	expect_no_handle("its session is closed", client.engine, contexts, sas);
	client_session_end(other);
}

static void null_is_refused_and_moves_nothing(void **state)
{
	HANDLE contexts = contexts_open(client.engine, NULL), sas = sas_open(client.engine, NULL);
	IPSEC_SA_CONTEXT0 **contexts0;
	IPSEC_SA_CONTEXT1 **contexts1;
	IPSEC_SA_DETAILS0 **sas0;
	IPSEC_SA_DETAILS1 **sas1;
	UINT32 count;

	(void)state;
	assert_result(IPsecSaContextCreateEnumHandle0(client.engine, NULL, NULL),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaCreateEnumHandle0(client.engine, NULL, NULL), FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextCreateEnumHandle0(NULL, NULL, &contexts), ERROR_INVALID_HANDLE);
	assert_result(IPsecSaCreateEnumHandle0(NULL, NULL, &sas), ERROR_INVALID_HANDLE);
	assert_result(IPsecSaContextEnum0(client.engine, contexts, 1, NULL, &count),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextEnum0(client.engine, contexts, 1, &contexts0, NULL),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextEnum1(client.engine, contexts, 1, NULL, &count),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaContextEnum1(client.engine, contexts, 1, &contexts1, NULL),
		      FWP_E_NULL_POINTER);
	assert_result(IPsecSaEnum0(client.engine, sas, 1, NULL, &count), FWP_E_NULL_POINTER);
	assert_result(IPsecSaEnum0(client.engine, sas, 1, &sas0, NULL), FWP_E_NULL_POINTER);
	assert_result(IPsecSaEnum1(client.engine, sas, 1, NULL, &count), FWP_E_NULL_POINTER);
	assert_result(IPsecSaEnum1(client.engine, sas, 1, &sas1, NULL), FWP_E_NULL_POINTER);
	assert_ok(IPsecSaContextEnum1(client.engine, contexts, MANY, &contexts1, &count));
	assert_int_equal(count, MADE);
	FwpmFreeMemory0((void **)&contexts1);
}

static void an_engine_that_is_gone_enumerates_nothing(void **state)
{
	HANDLE contexts = contexts_open(client.engine, NULL), sas = sas_open(client.engine, NULL);
	HANDLE more = NULL;
	IPSEC_SA_CONTEXT1 **contexts1;
	IPSEC_SA_DETAILS1 **sas1;
	UINT32 count;

	(void)state;
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	assert_result(IPsecSaContextCreateEnumHandle0(client.engine, NULL, &more),
		      RPC_E_DISCONNECTED);
	assert_result(IPsecSaCreateEnumHandle0(client.engine, NULL, &more), RPC_E_DISCONNECTED);
	assert_result(IPsecSaContextEnum1(client.engine, contexts, 1, &contexts1, &count),
		      RPC_E_DISCONNECTED);
	assert_result(IPsecSaEnum1(client.engine, sas, 1, &sas1, &count), RPC_E_DISCONNECTED);
	assert_null(more);
	assert_ok(IPsecSaContextDestroyEnumHandle0(client.engine, contexts));
	assert_ok(IPsecSaDestroyEnumHandle0(client.engine, sas));
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static unsigned int allocation, fails_at; /* from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool refuse(void)
{
	return fails_at && ++allocation == fails_at;
}

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return refuse() ? NULL : __real_realloc(p, size);
}

/* Whether the call came that far. */
static bool disarm(void)
{
	bool hit = allocation >= fails_at;

	allocation = fails_at = 0;
	return hit;
}

static void out_of_memory_a_handle_is_not_made(void **state)
{
	unsigned int refused = 0;
	bool hit = true;

	(void)state;
	for (unsigned int k = 1; hit; k++) {
		HANDLE contexts = &k, sas = &k;
		DWORD results[2];

		fails_at = k;
		results[0] = IPsecSaContextCreateEnumHandle0(client.engine, NULL, &contexts);
		hit = disarm();
		fails_at = k;
		results[1] = IPsecSaCreateEnumHandle0(client.engine, NULL, &sas);
		hit |= disarm();
		for (int i = 0; i < 2; i++) {
			HANDLE handle = i ? sas : contexts;

			refused += results[i] != ERROR_SUCCESS;
			if (results[i] == ERROR_SUCCESS)
				assert_ok(i ? IPsecSaDestroyEnumHandle0(client.engine, handle) :
					      IPsecSaContextDestroyEnumHandle0(client.engine,
									       handle));
			else
				assert_int_equal(results[i], ERROR_NOT_ENOUGH_MEMORY);
			if (results[i] != ERROR_SUCCESS)
				assert_ptr_equal(handle, &k);
		}
	}
	assert_true(refused > 10);
}

static void out_of_memory_no_page_is_skipped(void **state)
{
	HANDLE handle = contexts_open(client.engine, NULL);
	unsigned int seen = 0, refused = 0;

	(void)state;
	while (seen < MADE) {
		IPSEC_SA_CONTEXT1 **entries = (IPSEC_SA_CONTEXT1 **)&client;
		UINT32 count = MANY;
		DWORD result = ERROR_NOT_ENOUGH_MEMORY;

		for (unsigned int k = 1; result; k++) {
			fails_at = k;
			result = IPsecSaContextEnum1(client.engine, handle, 2, &entries, &count);
			if (!disarm())
				assert_int_equal(result, ERROR_SUCCESS);
			if (!result)
				break;
			assert_int_equal(result, ERROR_NOT_ENOUGH_MEMORY);
			assert_ptr_equal(entries, &client);
			assert_int_equal(count, MANY);
			refused++;
		}
		assert_int_equal(count, 2);
		assert_int_equal(entries[0]->saContextId, made[seen]);
		assert_int_equal(entries[1]->saContextId, made[seen + 1]);
		seen += count;
		FwpmFreeMemory0((void **)&entries);
	}
	assert_true(refused > MADE);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_page_with_fewer_than_asked_for_is_the_last),
		STORY(who_may_only_read_enumerates),
		STORY(threads_that_share_a_handle_get_different_contexts),
		cmocka_unit_test_setup_teardown(an_empty_instance_has_none, setup_empty, teardown),
		STORY(what_is_enumerated_is_that_of_one_moment),
		cmocka_unit_test_setup_teardown(beside_a_writer_nothing_is_there_in_part,
						setup_empty, teardown),
		STORY(addresses_are_in_the_order_that_the_session_wants),
		STORY(a_template_picks_the_ends_that_lie_on_its_subnets),
		STORY(a_template_that_makes_no_sense_is_refused),
		STORY(sas_are_enumerated_by_direction),
		STORY(a_handle_that_is_none_is_refused),
		STORY(null_is_refused_and_moves_nothing),
		STORY(an_engine_that_is_gone_enumerates_nothing),
		STORY(out_of_memory_a_handle_is_not_made),
		STORY(out_of_memory_no_page_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
