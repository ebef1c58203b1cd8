// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "strongswan.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "netns.h"
#include "packet.h"
#include "scratch.h"
#include "wait.h"

enum {
	SEND_CHUNK = 64, /* the tun device of kernel-libipsec queues 500 and drops in silence */
	SEND_PORT = 9, /* discard */
};

/* kernel-libipsec before kernel-netlink: the first that can handle ESP does. */
static const char *const kernel_plugins[] = {
	[STRONGSWAN_USER_ESP] = "kernel-libipsec kernel-netlink",
	[STRONGSWAN_KERNEL_ESP] = "kernel-netlink",
};

static const char *prefix(const char *addr)
{
	return strchr(addr, ':') ? "/128" : "/32";
}

static void write_config(const struct strongswan_end *e, const struct strongswan_end *peer,
			 enum strongswan_esp esp)
{
	/* swanctl warns about each that it does not find. */
	static const char *const dirs[] = { "x509",    "x509ca", "x509ocsp", "x509aa", "x509ac",
					    "x509crl", "pubkey", "private",  "rsa",    "ecdsa",
					    "bliss",   "pkcs8",	 "pkcs12" };
	char path[SCRATCH_NAME_MAX + 16];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", e->dir, dirs[i]);
		require(mkdir(path, 0700) == 0, "mkdir %s: %m", path);
	}
	scratch_write(
		e->dir, "strongswan.conf",
		"charon-systemd {\n"
		"	load_modular = no\n"
		"	load = random nonce openssl aes sha1 sha2 hmac kdf gcm pem pkcs1 x509 pubkey"
		" curve25519 %s socket-default vici updown counters\n"
		"	delete_rekeyed_delay = %d\n"
		"	filelog {\n"
		"		charon {\n"
		"			path = %s/log\n"
		"			flush_line = yes\n"
		"		}\n"
		"	}\n"
		"	plugins {\n"
		"		vici {\n"
		"			socket = unix://%s/vici\n"
		"		}\n"
		"	}\n"
		"}\n"
		"swanctl {\n"
		"	load = random nonce openssl pem pkcs1 x509 pubkey\n"
		"}\n",
		kernel_plugins[esp], STRONGSWAN_REKEYED_S, e->dir, e->dir);
	scratch_write(e->dir, "swanctl.conf",
		      "connections {\n"
		      "	gw {\n"
		      "		version = 2\n"
		      "		mobike = no\n"
		      "		rekey_time = 0\n"
		      "		proposals = aes128gcm16-prfsha256-x25519\n"
		      "		local_addrs = %s\n"
		      "		remote_addrs = %s\n"
		      "		local {\n"
		      "			auth = psk\n"
		      "		}\n"
		      "		remote {\n"
		      "			auth = psk\n"
		      "		}\n"
		      "		children {\n"
		      "			net {\n"
		      "				local_ts = %s%s\n"
		      "				remote_ts = %s%s\n"
		      "				esp_proposals = aes128gcm16\n"
		      "				rekey_time = 0\n"
		      "			}\n"
		      "		}\n"
		      "	}\n"
		      "}\n"
		      "secrets {\n"
		      "	ike {\n"
		      "		secret = not-a-secret\n"
		      "	}\n"
		      "}\n",
		      e->host.outer, peer->host.outer, e->host.inner, prefix(e->host.inner),
		      peer->host.inner, prefix(peer->host.inner));
}

static void show_log(const struct strongswan_end *e)
{
	char line[1024];
	FILE *f;

	snprintf(line, sizeof(line), "%s/log", e->dir);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "charon: %s", line);
	if (f)
		fclose(f);
}

/* The socket on which systemd would be told that the service is ready. */
static int notify_socket(const struct strongswan_end *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	require(fd >= 0, "socket: %m");
	require(snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", e->dir) <
			(int)sizeof(addr.sun_path),
		"path too long: %s", e->dir);
	require(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "bind: %m");
	return fd;
}

static bool ready(const struct strongswan_end *e, int notify)
{
	int pidfd = pidfd_open(e->charon.pid, 0);
	struct pollfd fds[] = { { .fd = notify, .events = POLLIN },
				{ .fd = pidfd, .events = POLLIN } };
	bool is_ready = false;
	char text[4096];
	ssize_t n;

	require(pidfd >= 0, "pidfd_open: %m");
	while (!is_ready && poll(fds, 2, WAIT_MS) > 0 && (fds[0].revents & POLLIN)) {
		n = recv(notify, text, sizeof(text) - 1, 0);
		require(n >= 0, "notify socket: %m");
		text[n] = '\0';
		is_ready = strstr(text, "READY=1") != NULL;
	}
	close(pidfd);
	return is_ready;
}

void strongswan_swanctl(struct strongswan_end *e, struct run_result *ret, const char *command)
{
	char conf[SCRATCH_NAME_MAX + 64], dir[SCRATCH_NAME_MAX + 64];
	const char *const env[] = { conf, dir, NULL };
	const struct run_opts opts = { .netns = e->host.netns, .env = env };
	struct run_result r;

	snprintf(conf, sizeof(conf), "STRONGSWAN_CONF=%s/strongswan.conf", e->dir);
	snprintf(dir, sizeof(dir), "SWANCTL_DIR=%s", e->dir);
	run_try(&r, &opts, "swanctl %s --uri unix://%s/vici", command, e->dir);
	if (r.status != 0) {
		fprintf(stderr, "$ swanctl %s\n%s%s", command, r.out, r.err);
		show_log(e);
		run_result_release(&r);
		fail_msg("swanctl %s failed", command);
	}
	if (ret)
		*ret = r;
	else
		run_result_release(&r);
}

static void start_charon(struct strongswan_end *e, const struct strongswan_end *peer,
			 enum strongswan_esp esp)
{
	char conf[SCRATCH_NAME_MAX + 64], notify[SCRATCH_NAME_MAX + 64];
	char output[SCRATCH_NAME_MAX + 64];
	const char *const argv[] = { "charon-systemd", NULL };
	const char *const env[] = { conf, notify, NULL };
	const struct run_opts opts = { .netns = e->host.netns, .env = env };
	int fd;

	run("ip -n %s address add %s%s dev lo", e->host.netns, e->host.inner,
	    prefix(e->host.inner));
	e->dir = scratch_dir("charon");
	write_config(e, peer, esp);
	fd = notify_socket(e);
	snprintf(conf, sizeof(conf), "STRONGSWAN_CONF=%s/strongswan.conf", e->dir);
	snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=%s/notify", e->dir);
	snprintf(output, sizeof(output), "%s/output", e->dir);
	process_start(&e->charon, argv, &opts, output);
	if (!ready(e, fd)) {
		show_log(e);
		fail_msg("charon did not become ready");
	}
	close(fd);
	strongswan_swanctl(e, NULL, "--load-all");
}

void strongswan_start(struct strongswan *s, const struct strongswan_host *a,
		      const struct strongswan_host *b, enum strongswan_esp esp)
{
	struct strongswan_end *end = s->end;

	end[STRONGSWAN_A].host = *a;
	end[STRONGSWAN_B].host = *b;
	start_charon(&end[STRONGSWAN_A], &end[STRONGSWAN_B], esp);
	start_charon(&end[STRONGSWAN_B], &end[STRONGSWAN_A], esp);
}

void strongswan_up(struct strongswan *s)
{
	strongswan_swanctl(&s->end[STRONGSWAN_A], NULL, "--initiate --child net");
}

void strongswan_rekey(struct strongswan *s)
{
	struct strongswan_end *a = &s->end[STRONGSWAN_A];
	struct strongswan_sa old = strongswan_current(s, STRONGSWAN_A);
	char log[SCRATCH_NAME_MAX + 16], done[64];

	/* Only asks for it. It is done when the peer, which installs its outbound SA last, answers. */
	strongswan_swanctl(a, NULL, "--rekey --child net");
	snprintf(log, sizeof(log), "%s/log", a->dir);
	snprintf(done, sizeof(done), "received DELETE for ESP CHILD_SA with SPI %08x", old.spi_out);
	if (!wait_text(log, done, WAIT_MS)) {
		show_log(a);
		fail_msg("no rekey in %d ms", WAIT_MS);
	}
}

void strongswan_stop(struct strongswan *s)
{
	strongswan_swanctl(&s->end[STRONGSWAN_A], NULL, "--terminate --ike gw");
	for (int i = 0; i < STRONGSWAN_ENDS; i++) {
		int status = process_stop(&s->end[i].charon, SIGTERM);

		require(status == 0, "charon ended with status %d", status);
	}
}

size_t strongswan_send(struct strongswan *s, int from, size_t n, size_t len)
{
	const struct strongswan_host *src = &s->end[from].host;
	const struct strongswan_host *dst = &s->end[!from].host;
	struct nstoken *token = open_netns(dst->netns);
	int fd = udp_receiver(dst->inner, SEND_PORT);
	size_t arrived = 0;

	close_netns(token);
	token = open_netns(src->netns);
	for (size_t sent = 0; sent < n && arrived == sent;) {
		size_t chunk = n - sent < SEND_CHUNK ? n - sent : SEND_CHUNK;

		udp_send(src->inner, dst->inner, SEND_PORT, chunk, len);
		arrived += receiver_count(fd, chunk, NULL, NULL, WAIT_MS);
		sent += chunk;
	}
	close_netns(token);
	close(fd);
	return arrived;
}
