// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The platform's statistics, from what packets have counted. SAs say what protected their bytes;
 * tunnels have the totals, also of SAs that are gone; engine_count has what no SA took.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sa_stored.h"

/* --- what there is ----------------------------------------------------------------------------------- */

static bool all_contexts(const void *ctx, const struct saxdp_context *c)
{
	(void)ctx;
	(void)c;
	return true;
}

static int id_compare(const void *key, const void *element)
{
	const struct sa_stored *c = element;
	uint64_t id = *(const uint64_t *)key;

	return (id > c->id) - (id < c->id);
}

/* NULL: the context of an SA that several share may be gone before the others'. */
static const struct saxdp_transform *transform_find(const struct list *contexts,
						    const struct saxdp_sa_info *sa)
{
	const struct sa_stored *c = NULL;
	const struct saxdp_bundle *b;

	if (contexts->count)
		c = bsearch(&sa->context, contexts->element, contexts->count, sizeof(*c),
			    id_compare);
	if (!c || !c->has[sa->direction])
		return NULL;
	b = sa->direction == SAXDP_INBOUND ? &c->fixed.inbound : &c->fixed.outbound;
	for (int i = 0; i < b->sas; i++)
		if (b->spi[i] == sa->spi && transform_protocol(&b->transform[i]) == sa->protocol)
			return &b->transform[i];
	return NULL;
}

static void add_sa(const struct list *contexts, const struct saxdp_sa_info *sa,
		   IPSEC_STATISTICS1 *ret)
{
	const struct saxdp_transform *transform = transform_find(contexts, sa);
	IPSEC_TRAFFIC_STATISTICS1 *t = sa->direction == SAXDP_INBOUND ?
					       &ret->inboundTrafficStatistics :
					       &ret->outboundTrafficStatistics;

	if (!transform)
		return;
	switch (transform->type) {
	case IPSEC_TRANSFORM_AH:
		t->authenticatedAHByteCount += sa->bytes;
		break;
	case IPSEC_TRANSFORM_ESP_AUTH:
	case IPSEC_TRANSFORM_ESP_AUTH_FW:
		t->authenticatedESPByteCount += sa->bytes;
		break;
	case IPSEC_TRANSFORM_ESP_CIPHER:
		t->encryptedByteCount += sa->bytes;
		break;
	case IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER:
		t->authenticatedESPByteCount += sa->bytes;
		t->encryptedByteCount += sa->bytes;
		break;
	}
}

static int add_sas(const struct session *s, IPSEC_STATISTICS1 *ret)
{
	struct view v = VIEW_SESSION_INIT(s);
	struct sa_snapshot snapshot = {};
	const struct saxdp_sa_info *sa;
	const struct sa_stored *c;
	struct list sas = {};
	int err;

	do {
		sa_snapshot_clear(&snapshot);
		list_clear(&sas);
		err = view_begin(&v);
		if (err)
			break;
		err = sa_snapshot_all(&snapshot, &v, all_contexts, NULL);
		if (!err)
			err = sa_info_collect(&v, &sas);
	} while (view_again(&v, &err));

	c = snapshot.contexts.element;
	for (size_t i = 0; !err && i < snapshot.contexts.count; i++) {
		ret->aggregateSaStatistics.activeSas +=
			c[i].has[SAXDP_INBOUND] + c[i].has[SAXDP_OUTBOUND];
		ret->aggregateSaStatistics.pendingSaNegotiations += !c[i].has[SAXDP_OUTBOUND];
	}
	sa = sas.element;
	for (size_t i = 0; !err && i < sas.count; i++)
		add_sa(&snapshot.contexts, &sa[i], ret);
	sa_snapshot_clear(&snapshot);
	list_clear(&sas);
	return err;
}

/* --- totals ----------------------------------------------------------------------------------------- */

static void add_traffic(uint32_t type, const struct saxdp_traffic_count *count,
			IPSEC_TRAFFIC_STATISTICS1 *ret)
{
	if (type == SAXDP_TUNNEL)
		ret->tunnelByteCount += count->bytes;
	else
		ret->transportByteCount += count->bytes;
	ret->totalSuccessfulPackets += count->packets;
}

static int add_tunnels(const struct session *s, IPSEC_STATISTICS1 *ret)
{
	struct view v = VIEW_SESSION_INIT(s);
	const struct saxdp_tunnel_info *t;
	struct list tunnels = {};
	int err;

	err = tunnel_info_collect(&v, &tunnels);
	t = tunnels.element;
	for (size_t i = 0; !err && i < tunnels.count; i++) {
		add_traffic(t[i].type, &t[i].inbound, &ret->inboundTrafficStatistics);
		add_traffic(t[i].type, &t[i].outbound, &ret->outboundTrafficStatistics);
		if (t[i].type == SAXDP_TUNNEL && t[i].contexts)
			ret->aggregateSaStatistics.activeTunnels++;
	}
	list_clear(&tunnels);
	return err;
}

static int add_counters(struct instance *inst, IPSEC_STATISTICS1 *ret)
{
	IPSEC_AGGREGATE_DROP_PACKET_STATISTICS1 *drops = &ret->aggregateDropPacketStatistics;
	struct saxdp look = { .inst = inst };
	struct saxdp_stats stats;
	int err;

	err = saxdp_stats_get(&look, &stats);
	if (err)
		return err;
	drops->invalidSpisOnInbound = stats.counter[SAXDP_COUNT_UNKNOWN_SPI].packets;
	drops->invalidClearTextInbound = stats.counter[SAXDP_COUNT_CLEAR_MATCHED].packets;
	drops->totalDropPacketsInbound =
		drops->invalidSpisOnInbound + drops->invalidClearTextInbound;
	return 0;
}

/* --- the calls --------------------------------------------------------------------------------------- */

/* The older form of each part is the beginning of the newer one. */
static void statistics_to_0(const IPSEC_STATISTICS1 *s, IPSEC_STATISTICS0 *ret)
{
	*ret = (IPSEC_STATISTICS0){
		.aggregateSaStatistics = s->aggregateSaStatistics,
		.espDropPacketStatistics = s->espDropPacketStatistics,
		.ahDropPacketStatistics = s->ahDropPacketStatistics,
	};
	memcpy(&ret->aggregateDropPacketStatistics, &s->aggregateDropPacketStatistics,
	       sizeof(ret->aggregateDropPacketStatistics));
	memcpy(&ret->inboundTrafficStatistics, &s->inboundTrafficStatistics,
	       sizeof(ret->inboundTrafficStatistics));
	memcpy(&ret->outboundTrafficStatistics, &s->outboundTrafficStatistics,
	       sizeof(ret->outboundTrafficStatistics));
}

static DWORD statistics_get(HANDLE engine, bool wanted, IPSEC_STATISTICS1 *ret)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engine, SA_CALL_NO_TXN, wanted ? NULL : "ipsecStatistics");
	if (err)
		return fwp_result(err);
	err = add_sas(c.session, ret);
	if (!err)
		err = add_tunnels(c.session, ret);
	if (!err)
		err = add_counters(c.session->inst, ret);
	return sa_call_end(&c, err);
}

DWORD IPsecGetStatistics1(HANDLE engineHandle, IPSEC_STATISTICS1 *ipsecStatistics)
{
	IPSEC_STATISTICS1 statistics = {};
	DWORD result = statistics_get(engineHandle, ipsecStatistics, &statistics);

	if (!result)
		*ipsecStatistics = statistics;
	return result;
}

DWORD IPsecGetStatistics0(HANDLE engineHandle, IPSEC_STATISTICS0 *ipsecStatistics)
{
	IPSEC_STATISTICS1 statistics = {};
	DWORD result = statistics_get(engineHandle, ipsecStatistics, &statistics);

	if (!result)
		statistics_to_0(&statistics, ipsecStatistics);
	return result;
}
