#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""
The ESP implementation of the demo, both ends of it: scapy encrypts what the peer and the gateway
send, and decrypts what arrives.

	esp.py KEYS GATEWAY-NETNS GATEWAY-IF PEER-NETNS PEER-IF

KEYS is the file that demo-client writes. Commands come in on stdin, one a line, and each is
answered by one line when all of its packets have arrived:

	send TUNNEL COUNT	the peer, through the tunnel to the gateway
	answer TUNNEL COUNT	the gateway, the other way
	clear TUNNEL COUNT	the peer, what belongs in the tunnel, without it
	unknown TUNNEL COUNT	the peer, with an SPI that nobody gave
	flow TUNNEL COUNT	as send, but goes on after its answer until the next line, `rekeyed`;
				then as many of COUNT by the old SA as by the new one, in turns
	report FILE		what was sent and on which CPU it arrived, as JSON

TUNNEL is three words: the peer's outer address, its inner one and the gateway's inner one.

Nothing here asks the engine: what it counts is compared with this.
"""
import collections
import ctypes
import json
import logging
import os
import select
import socket
import struct
import sys
import time

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Raw

ARRIVE_SECONDS = 20  # emulated machines are slow; nothing waits so long unless it is lost
ESP_IN_UDP_PORT = 4500
CLONE_NEWNET = 0x40000000
# linux/if_packet.h
ETH_P_ALL, SOL_PACKET, PACKET_FANOUT, PACKET_IGNORE_OUTGOING, FANOUT_CPU = 3, 263, 18, 23, 2
SO_RCVBUFFORCE = 33


def enter_netns(name):
    with open(f"/run/netns/{name}") as netns:
        if ctypes.CDLL(None, use_errno=True).setns(netns.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


def online_cpus():
    """The first and the last, of a list such as "0-3,6"."""
    with open("/sys/devices/system/cpu/online") as cpus:
        numbers = cpus.read().strip().replace("-", ",").split(",")
    return int(numbers[0]), int(numbers[-1])


def ip(src, dst):
    return (IPv6 if ":" in src else IP)(src=src, dst=dst)


class End:
    """
    One end of the veth pair. It has a socket for each CPU, and the kernel gives each packet to the
    socket of the CPU that carries it up the stack (PACKET_FANOUT_CPU): so where a packet was
    steered to is seen from outside.
    """

    def __init__(self, netns, ifname):
        enter_netns(netns)
        self.sockets = []
        for _ in range(online_cpus()[1] + 1):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            s.bind((ifname, ETH_P_ALL))
            s.setsockopt(SOL_PACKET, PACKET_FANOUT, os.getpid() & 0xffff | FANOUT_CPU << 16)
            s.setblocking(False)
            self.sockets.append(s)
        self.mac = self.sockets[0].getsockname()[4]
        self.expected = {}  # frame -> what to do with it and its CPU

    def link(self, other):
        self.other = other
        kind = {IP: b"\x08\x00", IPv6: b"\x86\xdd"}
        self.header = {family: other.mac + self.mac + kind[family] for family in kind}

    def send(self, packet, arrived):
        """Sends an IP packet, and calls `arrived` with the CPU when it is at the other end."""
        frame = self.header[type(packet)] + bytes(packet)
        self.other.expected[frame] = arrived
        self.sockets[0].send(frame)
        self.other.receive()

    def receive(self):
        for cpu, s in enumerate(self.sockets):
            try:
                while True:
                    # Neighbour discovery and ICMP come too, and are nobody's.
                    arrived = self.expected.pop(s.recv(65536), None)
                    if arrived:
                        arrived(cpu)
            except BlockingIOError:
                pass

    def wait(self):
        until = time.monotonic() + ARRIVE_SECONDS
        while self.expected and select.select(self.sockets, [], [], until - time.monotonic())[0]:
            self.receive()
        if self.expected:
            sys.exit(f"esp.py: {len(self.expected)} packets did not arrive")


class SA:
    """An SA with its keys at both ends, and the packets it carried."""

    def __init__(self, direction, local, remote, spi, port, key):
        inbound = direction == "inbound"
        src, dst = (remote, local) if inbound else (local, remote)
        udp = None
        if port != "0":
            sport, dport = (int(port), ESP_IN_UDP_PORT) if inbound else (ESP_IN_UDP_PORT, int(port))
            udp = UDP(sport=sport, dport=dport)
        self.direction, self.remote, self.destination = direction, remote, dst
        self.spi, self.in_udp = int(spi), bool(udp)
        self.packets = self.bytes = 0
        self.cpus = collections.Counter()
        self.ends = [SecurityAssociation(ESP, spi=self.spi, crypt_algo="AES-GCM",
                                         crypt_key=bytes.fromhex(key), tunnel_header=ip(src, dst),
                                         nat_t_header=udp) for _ in range(2)]

    def how(self):
        return " in UDP" if self.in_udp else ""

    def carry(self, sender, inner):
        sealing, opening = self.ends
        outer = sealing.encrypt(inner)
        if self.in_udp:
            outer[UDP].len = None  # scapy 2.5 filled it in before there was a payload
        wire = bytes(outer)

        def arrived(cpu):
            if bytes(opening.decrypt(type(outer)(wire))) != bytes(inner):
                sys.exit(f"esp.py: SPI 0x{self.spi:08x}: decrypted to something else")
            self.cpus[cpu] += 1

        self.packets += 1
        self.bytes += len(wire)
        sender.send(outer, arrived)


class Demo:
    def __init__(self, keys, gateway, peer):
        self.keys, self.gateway, self.peer = keys, gateway, peer
        self.sas = {}
        self.unknown_count = collections.Counter()
        self.clear_counts = collections.defaultdict(collections.Counter)  # by tunnel
        self.number = 0

    def sa(self, direction, remote):
        """The newest SA of a tunnel: a rekey adds another one to the file."""
        with open(self.keys) as lines:
            for line in lines:
                if line not in self.sas:
                    self.sas[line] = SA(*line.split())
        return [sa for sa in self.sas.values()
                if sa.direction == direction and sa.remote == remote][-1]

    def inner(self, src, dst):
        """Clear packets of many sizes, no two of them equal."""
        self.number += 1
        payload = struct.pack("!I", self.number) + bytes(40 + self.number * 37 % 900)
        return ip(src, dst) / UDP(sport=40000, dport=9) / Raw(payload)

    def without_sa(self, counter, packet):
        counter.update(packets=1, bytes=len(packet))
        self.peer.send(packet, lambda cpu: None)

    def send(self, remote, src, dst, count):
        sa = self.sa("inbound", remote)
        for _ in range(int(count)):
            sa.carry(self.peer, self.inner(src, dst))
        return f"{count} packets from {remote}{sa.how()}"

    def answer(self, remote, src, dst, count):
        sa = self.sa("outbound", remote)
        for _ in range(int(count)):
            sa.carry(self.gateway, self.inner(dst, src))
        return f"{count} packets to {remote}{sa.how()}"

    def clear(self, remote, src, dst, count):
        for _ in range(int(count)):
            self.without_sa(self.clear_counts[remote], self.inner(src, dst))
        return f"{count} packets from {src} to {dst}, clear"

    def unknown(self, remote, _src, _dst, count):
        used = {sa.spi for sa in self.sas.values()}
        spi = next(n for n in range(0xdead0000, 0xdead1000) if n not in used)
        destination = self.sa("inbound", remote).destination
        for seq in range(1, int(count) + 1):
            packet = ip(remote, destination) / ESP(spi=spi, seq=seq, data=bytes(64))
            self.without_sa(self.unknown_count, packet)
        return f"{count} packets from {remote} with the unknown SPI 0x{spi:08x}"

    def flow(self, remote, src, dst, count):
        self.send(remote, src, dst, count)
        print("flowing", flush=True)
        old = self.sa("inbound", remote)
        while not select.select([sys.stdin], [], [], 0)[0]:
            old.carry(self.peer, self.inner(src, dst))
        if sys.stdin.readline() != "rekeyed\n":
            sys.exit("esp.py: a flow ends with a rekey")
        new = self.sa("inbound", remote)
        for _ in range(int(count)):
            old.carry(self.peer, self.inner(src, dst))
            new.carry(self.peer, self.inner(src, dst))
        return f"{old.packets} packets from {remote} by the old SA, {new.packets} by the new one"

    def report(self, path):
        sas = [{key: getattr(sa, key) for key in
                ("direction", "remote", "destination", "spi", "in_udp", "packets", "bytes", "cpus")}
               for sa in self.sas.values()]
        with open(path, "w") as out:
            json.dump({"sas": sas, "unknown": self.unknown_count, "clear": self.clear_counts},
                      out, indent=1)
        return "done"

    def run(self):
        for line in iter(sys.stdin.readline, ""):
            command, *args = line.split()
            answer = getattr(self, command)(*args)
            self.gateway.wait()
            self.peer.wait()
            print(answer, flush=True)


def main():
    keys, gateway_netns, gateway_if, peer_netns, peer_if = sys.argv[1:]
    # veth brings a packet in on the CPU that sent it: what is on another one has been steered there.
    os.sched_setaffinity(0, {online_cpus()[0]})
    gateway, peer = End(gateway_netns, gateway_if), End(peer_netns, peer_if)
    gateway.link(peer)
    peer.link(gateway)
    Demo(keys, gateway, peer).run()


main()
