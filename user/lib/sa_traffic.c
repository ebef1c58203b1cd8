// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The traffic of an SA context: what the caller may say, and which policy it names. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sa.h"

static bool has_ports(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return true;
	}
	return false;
}

static void address_in(uint8_t family, uint32_t v4, const UINT8 v6[16], uint32_t quirks,
		       uint32_t ret[4])
{
	uint8_t bytes[16];

	memset(ret, 0, 16);
	if (family == 4) {
		ret[0] = htonl(v4);
		return;
	}
	for (int i = 0; i < 16; i++)
		bytes[i] = quirks & SAXDP_QUIRK_V6_REVERSED ? v6[15 - i] : v6[i];
	memcpy(ret, bytes, 16);
}

static void address_out(uint8_t family, const uint32_t address[4], uint32_t quirks, UINT32 *v4,
			UINT8 v6[16])
{
	uint8_t bytes[16];

	if (family == 4) {
		*v4 = ntohl(address[0]);
		return;
	}
	memcpy(bytes, address, 16);
	for (int i = 0; i < 16; i++)
		v6[i] = quirks & SAXDP_QUIRK_V6_REVERSED ? bytes[15 - i] : bytes[i];
}

/* An SA has two unicast ends (RFC 4301 4.1; multicast SAs are found otherwise). */
static bool unicast(uint8_t family, const uint32_t address[4])
{
	if (family == 4) {
		uint32_t host = ntohl(address[0]);

		return host && !IN_MULTICAST(host) && host != INADDR_BROADCAST;
	}
	return memcmp(address, &in6addr_any, 16) && *(const uint8_t *)address != 0xff;
}

int traffic_check(const IPSEC_TRAFFIC1 *traffic, uint32_t quirks, struct traffic *ret)
{
	struct traffic t = {};
	bool tunnel;

	if (traffic->ipVersion != FWP_IP_VERSION_V4 && traffic->ipVersion != FWP_IP_VERSION_V6)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "traffic: ipVersion %d",
			    traffic->ipVersion);
	if (traffic->trafficType != IPSEC_TRAFFIC_TYPE_TRANSPORT &&
	    traffic->trafficType != IPSEC_TRAFFIC_TYPE_TUNNEL)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "traffic: trafficType %d",
			    traffic->trafficType);
	tunnel = traffic->trafficType == IPSEC_TRAFFIC_TYPE_TUNNEL;
	t.family = traffic->ipVersion == FWP_IP_VERSION_V4 ? 4 : 6;
	t.type = tunnel ? SAXDP_TUNNEL : SAXDP_TRANSPORT;
	address_in(t.family, traffic->localV4Address, traffic->localV6Address, quirks, t.local);
	address_in(t.family, traffic->remoteV4Address, traffic->remoteV6Address, quirks, t.remote);
	if (!unicast(t.family, t.local) || !unicast(t.family, t.remote))
		return fail(tunnel ? FWP(FWP_E_INVALID_TUNNEL_ENDPOINT) :
				     FWP(FWP_E_INVALID_PARAMETER),
			    "traffic: the %s address is not that of one host",
			    unicast(t.family, t.local) ? "remote" : "local");
	if (tunnel && (traffic->localPort || traffic->remotePort || traffic->ipProtocol))
		return fail(FWP(FWP_E_INVALID_PARAMETER),
			    "traffic: a tunnel has its ports and protocol from its policy");
	if ((traffic->localPort || traffic->remotePort) && traffic->ipProtocol &&
	    !has_ports(traffic->ipProtocol))
		return fail(FWP(FWP_E_INVALID_PARAMETER), "traffic: protocol %u has no ports",
			    traffic->ipProtocol);
	t.local_port = htons(traffic->localPort);
	t.remote_port = htons(traffic->remotePort);
	t.protocol = traffic->ipProtocol;
	t.policy = tunnel ? traffic->tunnelPolicyId : traffic->ipsecFilterId;
	t.if_luid = traffic->localIfLuid;
	t.profile = traffic->realIfProfileId;
	*ret = t;
	return 0;
}

void traffic_from_0(const IPSEC_TRAFFIC0 *t, IPSEC_TRAFFIC1 *ret)
{
	*ret = (IPSEC_TRAFFIC1){
		.ipVersion = t->ipVersion,
		.trafficType = t->trafficType,
		.ipsecFilterId = t->ipsecFilterId,
		.remotePort = t->remotePort,
	};
	memcpy(ret->localV6Address, t->localV6Address, sizeof(ret->localV6Address));
	memcpy(ret->remoteV6Address, t->remoteV6Address, sizeof(ret->remoteV6Address));
}

void traffic_out(const struct traffic *t, uint32_t quirks, IPSEC_TRAFFIC1 *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->ipVersion = t->family == 4 ? FWP_IP_VERSION_V4 : FWP_IP_VERSION_V6;
	ret->trafficType = t->type == SAXDP_TUNNEL ? IPSEC_TRAFFIC_TYPE_TUNNEL :
						     IPSEC_TRAFFIC_TYPE_TRANSPORT;
	address_out(t->family, t->local, quirks, &ret->localV4Address, ret->localV6Address);
	address_out(t->family, t->remote, quirks, &ret->remoteV4Address, ret->remoteV6Address);
	if (t->type == SAXDP_TUNNEL)
		ret->tunnelPolicyId = t->policy;
	else
		ret->ipsecFilterId = t->policy;
	ret->localPort = ntohs(t->local_port);
	ret->remotePort = ntohs(t->remote_port);
	ret->ipProtocol = t->protocol;
	ret->localIfLuid = t->if_luid;
	ret->realIfProfileId = t->profile;
}

void traffic_of_context(const struct saxdp_context *c, struct traffic *ret)
{
	*ret = (struct traffic){
		.family = c->family,
		.type = c->type,
		.protocol = c->protocol,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.policy = c->policy,
	};
	memcpy(ret->local, c->local, sizeof(ret->local));
	memcpy(ret->remote, c->remote, sizeof(ret->remote));
}

bool traffic_same_ends(const struct traffic *a, const struct traffic *b)
{
	return a->family == b->family && a->type == b->type && a->protocol == b->protocol &&
	       a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       !memcmp(a->local, b->local, sizeof(a->local)) &&
	       !memcmp(a->remote, b->remote, sizeof(a->remote));
}

void tunnel_key_of(const struct saxdp_context *c, struct saxdp_tunnel_key *ret)
{
	*ret = (struct saxdp_tunnel_key){
		.policy = c->policy,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.protocol = c->protocol,
		.family = c->family,
		.type = c->type,
	};
	memcpy(ret->local, c->local, sizeof(ret->local));
	memcpy(ret->remote, c->remote, sizeof(ret->remote));
}

uint32_t tunnel_shape(const struct saxdp_tunnel_key *k)
{
	return (k->local_port ? SAXDP_SHAPE_LOCAL_PORT : 0) |
	       (k->remote_port ? SAXDP_SHAPE_REMOTE_PORT : 0) |
	       (k->protocol ? SAXDP_SHAPE_PROTOCOL : 0);
}

/* The protocol that the filter's own conditions fix, 0 if none. */
static int filter_protocol(struct view *v, uint64_t id, uint8_t *ret)
{
	FWPM_FILTER0 *filter;
	struct out o = {};
	int err;

	do {
		filter = out_alloc(&o, sizeof(*filter));
		err = filter ? filter_out(v, id, &o, filter) : -ENOMEM;
	} while (out_again(&o, &err));
	if (err)
		return err;
	filter = (FWPM_FILTER0 *)o.base;
	for (UINT32 i = 0; i < filter->numFilterConditions; i++) {
		const FWPM_FILTER_CONDITION0 *c = &filter->filterCondition[i];

		if (!memcmp(&c->fieldKey, &FWPM_CONDITION_IP_PROTOCOL, sizeof(GUID)) &&
		    c->matchType == FWP_MATCH_EQUAL && c->conditionValue.type == FWP_UINT8)
			*ret = c->conditionValue.uint8;
	}
	free(o.base);
	return 0;
}

/* A context outlives every session, so it cannot hang on what ends with one. */
static int fail_lifetime(const char *what, uint64_t id)
{
	return fail(FWP(FWP_E_LIFETIME_MISMATCH), "%s %llu: it ends with a dynamic session", what,
		    (unsigned long long)id);
}

static int check_filter(struct view *v, const struct traffic *t, bool inbound)
{
	const struct layer *layer;
	struct saxdp_filter f;
	uint8_t protocol = 0;
	int err;

	err = store_lookup(v->inst, SAXDP_KIND_FILTER, &t->policy, &f);
	if (err == -ENOENT || (!err && !view_alive(v, SAXDP_EPOCH_POLICY, &f.life)))
		return fail(FWP(FWP_E_FILTER_NOT_FOUND), "filter %llu: no such filter",
			    (unsigned long long)t->policy);
	if (err)
		return err;
	if (f.owner)
		return fail_lifetime("filter", t->policy);
	layer = layer_at(f.layer);
	if (!layer || !layer->enforced || layer->inbound != inbound)
		return fail(FWP(FWP_E_INCOMPATIBLE_LAYER),
			    "filter %llu: not at an %sbound transport layer",
			    (unsigned long long)t->policy, inbound ? "in" : "out");
	if (layer->family != t->family)
		return fail(FWP(FWP_E_INVALID_PARAMETER), "filter %llu: of the other IP version",
			    (unsigned long long)t->policy);
	if ((t->local_port || t->remote_port) && !t->protocol) {
		err = filter_protocol(v, t->policy, &protocol);
		if (!err && !has_ports(protocol))
			err = fail(
				FWP(FWP_E_INVALID_PARAMETER),
				"traffic: a port, but neither it nor filter %llu names a protocol "
				"with ports",
				(unsigned long long)t->policy);
	}
	return err;
}

static int check_tunnel_policy(struct view *v, const struct traffic *t)
{
	struct saxdp_prov_context p;
	int err;

	err = store_lookup(v->inst, SAXDP_KIND_PROV_CONTEXT, &t->policy, &p);
	if (err == -ENOENT || (!err && !view_alive(v, SAXDP_EPOCH_POLICY, &p.life)))
		return fail(FWP(FWP_E_PROVIDER_CONTEXT_NOT_FOUND),
			    "provider context %llu: no such provider context",
			    (unsigned long long)t->policy);
	if (err)
		return err;
	if (p.owner)
		return fail_lifetime("provider context", t->policy);
	if (p.type != FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT &&
	    p.type != FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT)
		return fail(FWP(FWP_E_PROVIDER_CONTEXT_MISMATCH),
			    "provider context %llu: not a tunnel policy",
			    (unsigned long long)t->policy);
	if (p.family != t->family)
		return fail(FWP(FWP_E_INVALID_PARAMETER),
			    "provider context %llu: of the other IP version",
			    (unsigned long long)t->policy);
	return 0;
}

int traffic_check_policy(struct view *v, const struct traffic *t, bool inbound)
{
	return t->type == SAXDP_TUNNEL ? check_tunnel_policy(v, t) : check_filter(v, t, inbound);
}

int traffic_inbound_filter(struct view *v, const struct traffic *t, uint64_t *ret)
{
	struct flow flow = {
		.family = t->family,
		.protocol = t->protocol,
		.has_local_port = t->local_port,
		.has_remote_port = t->remote_port,
		.local_port = ntohs(t->local_port),
		.remote_port = ntohs(t->remote_port),
	};

	if (t->type == SAXDP_TUNNEL)
		return classify_inbound_tunnel(v, t->policy, ret);
	memcpy(flow.local, t->local, sizeof(flow.local));
	memcpy(flow.remote, t->remote, sizeof(flow.remote));
	return classify_inbound_transport(v, t->policy, &flow, ret);
}
