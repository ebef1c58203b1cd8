#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""
Compares what the demo sent with what the engine of the environment counted:

	compare.py REPORT CPU STEERED SPREAD

REPORT is from esp.py. STEERED is the outer address of the peer whose packets are steered to CPU,
SPREAD of the one whose SAs have a CPU each. Exits with 1 when anything differs.
"""
import collections
import json
import subprocess
import sys

# Of packets that arrive, all but "other": neighbour discovery and ICMP are not the demo's.
NOT_SENT = ("ah", "ike", "keepalive", "fragment", "malformed", "steer_missing")
differences = 0


def saxdp(*command):
    return json.loads(subprocess.check_output(["saxdp", "-j", *command]))


def fail(text):
    global differences
    differences += 1
    print(f"WRONG: {text}")


def counter(entry, packets, bytes_):
    return {"packets": entry[packets], "bytes": entry[bytes_]}


def total(counts):
    summed = collections.Counter()
    for count in counts:
        summed.update({"packets": count["packets"], "bytes": count["bytes"]})
    return summed


def row(what, sent, counted, cpus=""):
    numbers = [count[unit] for count in (sent, counted) for unit in ("packets", "bytes")]
    print(f"{what:<33}{numbers[0]:>6}{numbers[1]:>9}{numbers[2]:>9}{numbers[3]:>9}  {cpus}".rstrip())
    if numbers[:2] != numbers[2:]:
        fail(what)


def compare_sas(sas):
    """The newest SA of a tunnel and direction lives; those before it ended with their context."""
    alive = {(sa["direction"], sa["destination"], sa["spi"]): sa for sa in saxdp("sa", "list")}
    newest = {(sa["direction"], sa["remote"]): sa for sa in sas}
    for sa in newest.values():
        counted = alive.pop((sa["direction"], sa["destination"], sa["spi"]), None)
        if counted:
            row(f"SA 0x{sa['spi']:08x}, {sa['direction']}", sa, counted, ", ".join(sa["cpus"]))
        else:
            fail(f"SA 0x{sa['spi']:08x} is not listed")
    if alive:
        fail(f"SAs that should not live: {alive}")


def compare_tunnels(sas, clear):
    filters = {entry["id"]: entry for entry in saxdp("filter", "list")}
    inbound_filter = {context["remote"]: context["inbound_filter_id"]
                      for context in saxdp("context", "list")}
    for tunnel in saxdp("tunnel", "list"):
        remote = tunnel["remote"]
        for direction in ("inbound", "outbound"):
            row(f"tunnel to {remote}, {direction}",
                total(sa for sa in sas
                      if sa["remote"] == remote and sa["direction"] == direction),
                tunnel[direction])
        sent = clear.get(remote, total([]))
        row(f"tunnel to {remote}, clear", sent, tunnel["clear"])
        row(f"filter {inbound_filter[remote]}, its inbound filter", sent,
            counter(filters[inbound_filter[remote]], "matched_packets", "matched_bytes"))


def compare_counters(sas, unknown, clear):
    stats = saxdp("stats")
    arrived = [sa for sa in sas if sa["direction"] == "inbound"]
    expected = {name: total([]) for name in NOT_SENT}
    expected["esp"] = total([sa for sa in arrived if not sa["in_udp"]] + [unknown])
    expected["esp_in_udp"] = total(sa for sa in arrived if sa["in_udp"])
    expected["unknown_spi"] = unknown
    expected["clear_matched"] = total(clear.values())
    for name, sent in expected.items():
        row(name, sent, counter(stats, name, name + "_bytes"))


def compare_cpus(sas, cpu, steered, spread):
    for sa in sas:
        if sa["direction"] != "inbound":
            continue
        if sa["remote"] == steered and list(sa["cpus"]) != [cpu]:
            fail(f"SA 0x{sa['spi']:08x} was steered to CPU {cpu} and arrived on {sa['cpus']}")
        if sa["remote"] == spread and len(sa["cpus"]) != 1:
            fail(f"SA 0x{sa['spi']:08x} was spread over {sa['cpus']} and belongs on one CPU")


def main():
    path, cpu, steered, spread = sys.argv[1:]
    with open(path) as report:
        report = json.load(report)
    sas = report["sas"]
    print(f"{'':<33}{'sent':>6}{'bytes':>9}{'counted':>9}{'bytes':>9}  on CPU")
    compare_sas(sas)
    compare_tunnels(sas, report["clear"])
    compare_counters(sas, report["unknown"], report["clear"])
    compare_cpus(sas, cpu, steered, spread)
    if differences:
        sys.exit(f"compare.py: {differences} differences")
    print("All is counted as it was sent.")


main()
