// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The inbound SPI of a context. Until its bundle says whether it is for ESP or AH, a larval SA
 * (protocol 0 in its key, which no packet has) keeps others from choosing it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "sa.h"

enum { SPI_TRIES = 64 }; /* with a million SAs one of 2^12 tries meets another's SPI */

static int getspi_check(struct sa_call *c, const IPSEC_GETSPI1 *get, struct traffic *ret)
{
	int err;

	err = traffic_check(&get->inboundIpsecTraffic, c->session->quirks, ret);
	if (err)
		return err;
	if (get->ipVersion != FWP_IP_VERSION_V4 && get->ipVersion != FWP_IP_VERSION_V6)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "getSpi: ipVersion %d", get->ipVersion);
	if (get->ipVersion != get->inboundIpsecTraffic.ipVersion)
		return fail(FWP(FWP_E_INVALID_PARAMETER),
			    "getSpi: not of its traffic's IP version");
	return 0;
}

/* Local and remote are the same in both directions; in tunnel mode the policy is too. */
static int traffic_check_mirror(const struct saxdp_context *context, const struct traffic *t)
{
	struct traffic outbound;

	traffic_of_context(context, &outbound);
	if (!traffic_same_ends(&outbound, t) ||
	    (t->type == SAXDP_TUNNEL && t->policy != outbound.policy) ||
	    (context->spi_born && t->policy != context->inbound_policy))
		return fail(FWP(FWP_E_TRAFFIC_MISMATCH), "traffic: not that of the context");
	return 0;
}

static int spi_random(__be32 *ret)
{
	do {
		if (getrandom(ret, sizeof(*ret), 0) != sizeof(*ret))
			return -errno;
	} while (ntohl(*ret) < SPI_MIN);
	return 0;
}

/* An SPI that is neither another's larval SA nor, where it was not chosen by the caller, its SA. */
static void change_spi(struct change *c, uint64_t id, const struct saxdp_context *context,
		       bool chosen)
{
	struct saxdp_sa larval = { .context = id, .tunnel = context->tunnel };
	struct sa_name name = {
		.destination = context->local,
		.spi = context->inbound_spi,
		.family = context->family,
		.direction = SAXDP_INBOUND,
	};

	if (!chosen) {
		name.protocol = ESP;
		change_sa(c, SAXDP_OP_ABSENT, &name, NULL, 0);
		name.protocol = AH;
		change_sa(c, SAXDP_OP_ABSENT, &name, NULL, 0);
	}
	name.protocol = LARVAL;
	change_sa(c, SAXDP_OP_INSERT, &name, &larval, 0);
	if (context->type == SAXDP_TRANSPORT)
		change_word(c, SAXDP_OP_ADD, SAXDP_KIND_FILTER, &context->inbound_policy,
			    offsetof(struct saxdp_filter, users), 1);
	change_fill(c, id, offsetof(struct saxdp_context, spi_born), &context->inbound_policy,
		    offsetof(struct saxdp_context, tunnel) -
			    offsetof(struct saxdp_context, inbound_policy));
}

/*
 * spi 0: choose one, and return that of an earlier call. form 0: what IPSEC_TRAFFIC0 cannot say is
 * as the context has it.
 */
static int spi_take(struct sa_call *c, uint64_t id, const IPSEC_GETSPI1 *get, unsigned int form,
		    IPSEC_SA_SPI spi, IPSEC_SA_SPI *ret)
{
	const IPSEC_V4_UDP_ENCAPSULATION0 *encap;
	struct saxdp_context *context = &c->context;
	struct traffic t;
	int err, tries = 0;

	err = getspi_check(c, get, &t);
	if (err)
		return err;
	encap = t.family == 4 ? get->inboundUdpEncapsulation : NULL;
	do {
		err = sa_call_context(c, id);
		if (err)
			continue;
		if (context->inbound.born || (context->spi_born && (spi || context->spi_chosen))) {
			err = fail(FWP(FWP_E_INCOMPATIBLE_SA_STATE), "context %llu: it has %s",
				   (unsigned long long)id,
				   context->inbound.born ? "an inbound bundle" : "an SPI");
			continue;
		}
		if (!form) {
			t.local_port = context->local_port;
			t.protocol = context->protocol;
		}
		err = traffic_check_mirror(context, &t);
		if (err)
			continue;
		if (context->spi_born && !c->fresh) {
			err = -ESTALE; /* without a commit nothing would find a stale cache out */
			continue;
		}
		if (context->spi_born) {
			*ret = ntohl(context->inbound_spi);
			return 0;
		}
		err = sa_call_policy(c, &t, NULL);
		if (err)
			continue;
		context->inbound_spi = htonl(spi);
		if (!spi)
			err = spi_random(&context->inbound_spi);
		context->inbound_policy = t.policy;
		context->encap_local = encap ? htons(encap->localUdpEncapPort) : 0;
		context->encap_remote = encap ? htons(encap->remoteUdpEncapPort) : 0;
		context->spi_chosen = spi != 0;
		if (err)
			continue;
		change_spi(&c->change, id, context, spi);
		err = change_commit(&c->change);
		if (err == -EEXIST && !spi && ++tries < SPI_TRIES)
			err = -ESTALE; /* another one */
	} while (err && sa_call_again(c, &err));
	if (err == -EEXIST && !spi)
		return fail(WIN32(ERROR_NO_SYSTEM_RESOURCES), "context %llu: no SPI is free",
			    (unsigned long long)id);
	if (err == -EEXIST)
		return fail(FWP(FWP_E_ALREADY_EXISTS),
			    "SPI %u: another context has it for this address", spi);
	if (err)
		return err;
	context->spi_born = c->change.generation;
	sa_cache_add_context(c->session->sa_cache, id, context);
	*ret = ntohl(context->inbound_spi);
	return 0;
}

static DWORD spi_get(HANDLE engine, UINT64 id, const IPSEC_GETSPI1 *get, unsigned int form,
		     IPSEC_SA_SPI *ret)
{
	IPSEC_SA_SPI spi;
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engine, SA_CALL_WRITES,
			    !get ? "getSpi" :
			    !ret ? "inboundSpi" :
				   NULL);
	if (err)
		return fwp_result(err);
	err = spi_take(&c, id, get, form, 0, &spi);
	if (!err)
		*ret = spi;
	return sa_call_end(&c, err);
}

DWORD IPsecSaContextGetSpi1(HANDLE engineHandle, UINT64 id, const IPSEC_GETSPI1 *getSpi,
			    IPSEC_SA_SPI *inboundSpi)
{
	return spi_get(engineHandle, id, getSpi, 1, inboundSpi);
}

DWORD IPsecSaContextGetSpi0(HANDLE engineHandle, UINT64 id, const IPSEC_GETSPI0 *getSpi,
			    IPSEC_SA_SPI *inboundSpi)
{
	IPSEC_GETSPI1 get = {};

	if (getSpi) {
		traffic_from_0(&getSpi->inboundIpsecTraffic, &get.inboundIpsecTraffic);
		get.ipVersion = getSpi->ipVersion;
		get.inboundUdpEncapsulation = getSpi->inboundUdpEncapsulation;
	}
	return spi_get(engineHandle, id, getSpi ? &get : NULL, 0, inboundSpi);
}

DWORD IPsecSaContextSetSpi0(HANDLE engineHandle, UINT64 id, const IPSEC_GETSPI1 *getSpi,
			    IPSEC_SA_SPI inboundSpi)
{
	IPSEC_SA_SPI spi;
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engineHandle, SA_CALL_WRITES, getSpi ? NULL : "getSpi");
	if (err)
		return fwp_result(err);
	if (inboundSpi < SPI_MIN)
		err = fail(FWP(FWP_E_OUT_OF_BOUNDS), "SPI %u: reserved", inboundSpi);
	else
		err = spi_take(&c, id, getSpi, 1, inboundSpi, &spi);
	return sa_call_end(&c, err);
}
