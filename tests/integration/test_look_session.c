// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The traffic of an SA, a context and a tunnel as a daemon asks for it that has a session: what
 * frames were counted, told to another process by the session's handle.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_ingress.skel.h" /* before cmocka, which has a macro fail() */

#include "dump.h"

#include "check.h"
#include "child.h"
#include "client.h"
#include "datapath.h"
#include "maps.h"
#include "pin.h"
#include "scratch.h"
#include "testrun.h"

enum { CONTEXTS = 16, SPI = 0x1000, OUT_SPI = 0x2000 };

static struct client client;
static struct path paths[PATH_KINDS];
static struct xdp_ingress_bpf *ingress;

static int setup(void **state)
{
	(void)state;
	client_open(&client, "look-session", CONTEXTS);
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++)
		path_make(&client, kind, kind + 1, &paths[kind]);
	ingress = xdp_ingress_bpf__open();
	require(ingress && !pin_reuse(client.instance, ingress->obj) &&
			!xdp_ingress_bpf__load(ingress),
		"xdp_ingress: %m");
	return 0;
}

static int teardown(void **state)
{
	xdp_ingress_bpf__destroy(ingress);
	ingress = NULL;
	client_close(&client);
	return scratch_teardown(state);
}

/* So many ESP frames arrive; returns the bytes that they count. */
static uint64_t arrive(bool v6, uint32_t spi, unsigned int packets)
{
	const struct frame_spec spec = {
		.src = v6 ? "2001:db8:1::9" : "198.51.0.9",
		.dst = v6 ? "2001:db8::1" : "192.0.2.1",
		.proto = IPPROTO_ESP,
		.spi = spi,
		.payload = 100,
	};
	uint8_t bytes[FRAME_SPEC_MAX];
	struct frame frame = { bytes, frame_build(&spec, bytes) };
	struct testrun run = { .repeat = packets };

	require(!testrun_frame(bpf_program__fd(ingress->progs.xdp_ingress), &frame, &run),
		"BPF_PROG_RUN: %m");
	return packets * frame_counted(&spec);
}

struct expected {
	const struct path *path;
	UINT64 id;
	uint64_t packets, bytes, total_packets, total_bytes;
};

static struct saxdp_sa_name name_of(const struct path *p, uint32_t direction, uint32_t spi)
{
	struct saxdp_sa_name name = {
		.direction = direction,
		.protocol = SA_ESP,
		.family = path_v6(p) ? 6 : 4,
		.spi = htonl(spi),
	};

	if (direction == SAXDP_INBOUND)
		maps_local(p, name.destination);
	else
		maps_remote(p, name.destination);
	return name;
}

/* In a process of its own, that has nothing but a session. */
static int traffic_is(struct child *self, void *arg)
{
	const struct expected *e = arg;
	HANDLE engine = client_session(0, 0);
	struct saxdp_sa_name in = name_of(e->path, SAXDP_INBOUND, SPI);
	struct saxdp_sa_name out = name_of(e->path, SAXDP_OUTBOUND, OUT_SPI);
	struct saxdp_context_info context, *contexts;
	struct saxdp_tunnel_info tunnel, *tunnels;
	struct saxdp_sa_info sa, *sas;
	size_t count, found = 0;
	struct saxdp *s;

	(void)self;
	assert_int_equal(saxdp_open_session(engine, &s), 0);
	client_session_end(engine); /* it stays open */

	assert_int_equal(saxdp_context_get(s, e->id, &context), 0);
	assert_int_equal(context.inbound_sas, 1);
	assert_int_equal(context.inbound[0].packets, e->packets);
	assert_int_equal(context.inbound[0].bytes, e->bytes);
	assert_int_equal(context.outbound[0].packets, 0);

	assert_int_equal(saxdp_sa_get(s, &in, &sa), 0);
	assert_int_equal(sa.packets, e->packets);
	assert_int_equal(sa.bytes, e->bytes);
	assert_int_equal(sa.context, e->id);
	assert_int_equal(sa.direction, SAXDP_INBOUND);
	assert_int_equal(sa.spi, in.spi);
	assert_memory_equal(sa.destination, in.destination, sizeof(sa.destination));
	assert_int_equal(sa.last_used_ns != 0, e->packets != 0);
	assert_int_equal(sa.cpu >= 0, e->packets != 0);
	assert_int_equal(saxdp_sa_get(s, &out, &sa), 0);
	assert_int_equal(sa.packets, 0);
	assert_int_equal(sa.direction, SAXDP_OUTBOUND);

	assert_int_equal(saxdp_tunnel_get(s, context.tunnel, &tunnel), 0);
	assert_int_equal(tunnel.id, context.tunnel);
	assert_int_equal(tunnel.policy, e->path->outbound);
	assert_int_equal(tunnel.inbound.packets, e->total_packets);
	assert_int_equal(tunnel.inbound.bytes, e->total_bytes);
	assert_int_equal(tunnel.serving, e->id);

	/* The lists say the same. */
	assert_int_equal(saxdp_context_list(s, &contexts, &count), 0);
	for (size_t i = 0; i < count; i++)
		found += !memcmp(&contexts[i], &context, sizeof(context));
	assert_int_equal(found, 1);
	assert_int_equal(saxdp_tunnel_list(s, &tunnels, &count), 0);
	for (size_t i = 0; i < count; i++)
		found += !memcmp(&tunnels[i].inbound, &tunnel.inbound, sizeof(tunnel.inbound)) &&
			 tunnels[i].id == tunnel.id;
	assert_int_equal(found, 2);
	assert_int_equal(saxdp_sa_list(s, &sas, &count), 0);
	for (size_t i = 0; i < count; i++)
		found += sas[i].spi == sa.spi && sas[i].context == e->id;
	assert_int_equal(found, 3);
	free(contexts);
	free(tunnels);
	free(sas);
	saxdp_close(s);
	return 0;
}

static void a_session_is_enough_to_see_traffic(void **state)
{
	const struct identity reader = { .uid = 61031, .gid = CLIENT_READERS };
	const struct child_opts as_reader = { .as = &reader };

	(void)state;
	for (unsigned int kind = 0; kind < PATH_KINDS; kind++) {
		const struct path *p = &paths[kind];
		struct expected e = { .path = p, .id = path_context(p, SPI, OUT_SPI) };

		child_run(NULL, traffic_is, &e);
		e.packets = 5;
		e.bytes = arrive(path_v6(p), SPI, 5);
		e.total_packets = e.packets;
		e.total_bytes = e.bytes;
		child_run(NULL, traffic_is, &e);
		child_run(&as_reader, traffic_is, &e);

		/* A rekey: the context begins at 0, the tunnel goes on. */
		context_delete(client.engine, e.id);
		e.id = path_context(p, SPI, OUT_SPI);
		e.packets = e.bytes = 0;
		child_run(NULL, traffic_is, &e);
		e.packets = 2;
		e.bytes = arrive(path_v6(p), SPI, 2);
		e.total_packets += e.packets;
		e.total_bytes += e.bytes;
		child_run(NULL, traffic_is, &e);
		context_delete(client.engine, e.id);
	}
}

static void what_is_no_sa_or_tunnel_is_said(void **state)
{
	const struct path *p = &paths[PATH_TUNNEL];
	struct saxdp_sa_name name = name_of(p, SAXDP_INBOUND, SPI), wrong;
	UINT64 id = path_larval(p, SPI);
	struct saxdp_tunnel_info tunnel;
	struct saxdp_sa_info sa, same;
	struct saxdp *s;

	(void)state;
	memset(&sa, 0x5a, sizeof(sa));
	same = sa;
	assert_int_equal(saxdp_open_session(client.engine, &s), 0);
	assert_int_equal(saxdp_sa_get(s, &name, &sa), -ENOENT);
	assert_string_equal(saxdp_error(), "SA 0x00001000: no such SA");
	wrong = name;
	wrong.protocol = SA_LARVAL; /* as the maps have it */
	assert_int_equal(saxdp_sa_get(s, &wrong, &sa), -EINVAL);
	wrong = name;
	wrong.family = 5;
	assert_int_equal(saxdp_sa_get(s, &wrong, &sa), -EINVAL);
	wrong = name;
	wrong.direction = 2;
	assert_int_equal(saxdp_sa_get(s, &wrong, &sa), -EINVAL);
	path_inbound(p, id, SPI);
	wrong = name;
	wrong.protocol = SA_AH;
	assert_int_equal(saxdp_sa_get(s, &wrong, &sa), -ENOENT);
	wrong = name;
	wrong.direction = SAXDP_OUTBOUND;
	assert_int_equal(saxdp_sa_get(s, &wrong, &sa), -ENOENT);
	assert_memory_equal(&sa, &same, sizeof(sa));
	assert_int_equal(saxdp_sa_get(s, &name, &sa), 0);
	context_delete(client.engine, id);
	assert_int_equal(saxdp_sa_get(s, &name, &sa), -ENOENT);
	assert_int_equal(saxdp_tunnel_get(s, 0, &tunnel), -ENOENT);
	assert_int_equal(saxdp_tunnel_get(s, UINT32_MAX, &tunnel), -ENOENT);
	assert_string_equal(saxdp_error(), "tunnel 4294967295: no such tunnel");
	saxdp_close(s);
}

static void a_handle_that_is_no_session_is_refused(void **state)
{
	struct saxdp *s = (struct saxdp *)&client;
	HANDLE closed = client_session(0, 0);

	(void)state;
	client_session_end(closed);
	assert_int_equal(saxdp_open_session(NULL, &s), -EBADF);
	assert_int_equal(saxdp_open_session(closed, &s), -EBADF);
	assert_int_equal(saxdp_open_session((HANDLE)0x1234, &s), -EBADF);
	assert_ptr_equal(s, &client);
}

/* Another instance of the name is none of the session's. */
static void it_is_the_instance_of_the_session_for_ever(void **state)
{
	struct saxdp_load_opts opts = { .size = sizeof(opts), .contexts = CONTEXTS };
	struct saxdp_status status;
	struct saxdp *before, *after;
	HANDLE old = client.engine;

	(void)state;
	assert_int_equal(saxdp_open_session(old, &before), 0);
	assert_int_equal(saxdp_unload(client.instance, true), 0);
	opts.instance = client.instance;
	assert_int_equal(saxdp_load(&opts, NULL), 0);
	assert_int_equal(saxdp_open_session(old, &after), 0);
	assert_int_equal(saxdp_status_get(before, &status), -ENOENT);
	assert_int_equal(saxdp_status_get(after, &status), -ENOENT);
	saxdp_close(before);
	saxdp_close(after);
	client_session_end(old);
	client.engine = client_session(0, 0);
	assert_int_equal(saxdp_open_session(client.engine, &after), 0);
	assert_int_equal(saxdp_status_get(after, &status), 0);
	saxdp_close(after);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_session_is_enough_to_see_traffic),
		STORY(what_is_no_sa_or_tunnel_is_said),
		STORY(a_handle_that_is_no_session_is_refused),
		STORY(it_is_the_instance_of_the_session_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
