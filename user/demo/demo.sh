#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# usage: BUILD=DIR demo.sh (`make demo` does that, as root)
#
# A gateway and its peer in two network namespaces. The engine is attached to the gateway's
# interface; demo-client plays the VPN daemon, esp.py encrypts and decrypts for both ends.
#
#	peer                                         gateway
#	192.0.2.2, 192.0.2.3, 2001:db8::2            192.0.2.1, 2001:db8::1
#	[esp.py] px ============ veth ============ gx [esp.py]
#	                                    XDP in, TC out
#
# What was sent is compared with what was counted: exact, or the exit status is 1.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
PATH=$(realpath "$BUILD"):$PATH:/usr/local/sbin:/usr/sbin:/sbin
export SAXDP_INSTANCE=demo-$$
gateway=demo-$$-gw
peer=demo-$$-peer
dir=$(mktemp -d)
mounted=
coproc_pid=

finish() {
	status=$?
	trap - EXIT
	set +e
	[ -z "$coproc_pid" ] || kill "$coproc_pid" 2>/dev/null
	[ ! -e "/sys/fs/bpf/saxdp/$SAXDP_INSTANCE" ] || saxdp unload --force >/dev/null || status=1
	ip netns delete "$gateway" 2>/dev/null
	ip netns delete "$peer" 2>/dev/null
	[ -z "$mounted" ] || umount /sys/fs/bpf
	rm -rf "$dir"
	[ "$status" = 0 ] || echo "demo: ended with status $status" >&2
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP PIPE

die() {
	echo "demo: $*" >&2
	exit 1
}
heading() {
	printf '\n== %s\n' "$*"
}
show() {
	echo "# $*"
	"$@"
}
# Tells esp.py a line, and prints what it answers once the packets have arrived.
esp() {
	echo "$*" >&"$to_esp"
	read -r answer <&"$from_esp" || die "esp.py ended"
	echo "$answer"
}

[ "$(id -u)" = 0 ] || die "needs root: sudo make demo"
cd "$dir"
umask 077
if ! findmnt -n -t bpf /sys/fs/bpf >/dev/null; then
	mount -t bpf bpf /sys/fs/bpf
	mounted=1
fi

ip netns add "$gateway"
ip netns add "$peer"
ip link add gx netns "$gateway" type veth peer name px netns "$peer"
ip -n "$gateway" address add 192.0.2.1/24 dev gx
ip -n "$gateway" address add 2001:db8::1/64 dev gx nodad
ip -n "$peer" address add 192.0.2.2/24 dev px
ip -n "$peer" address add 192.0.2.3/24 dev px
ip -n "$peer" address add 2001:db8::2/64 dev px nodad
# A CPU that packets are steered to cannot make up for a checksum that the sender left to veth.
ip netns exec "$peer" ethtool -K px tx off >/dev/null
ip -n "$gateway" link set gx up
ip -n "$peer" link set px up

cpus=$(cat /sys/devices/system/cpu/online)
cpu=${cpus##*[,-]}

heading "An instance of the engine, on the gateway's interface"
echo "# export SAXDP_INSTANCE=$SAXDP_INSTANCE"
show saxdp load --contexts 64 --filters 64
show saxdp attach gx --native --netns "$gateway"

heading "A VPN daemon makes three tunnels, the second to a peer behind a NAT"
cat >tunnels <<-END
	192.0.2.1 192.0.2.2 10.1.0.0/16 10.2.0.0/16
	192.0.2.1 192.0.2.3 10.1.0.0/16 10.3.0.0/16 61000
	2001:db8::1 2001:db8::2 fd00:1::/32 fd00:2::/32
END
show cat tunnels
echo "# demo-client keys add <tunnels"
demo-client keys add <tunnels

heading "Where their packets go"
show saxdp steer 1 cpu "$cpu"
show saxdp steer 2 spread

coproc ESP { exec /usr/bin/python3 "$here/esp.py" keys "$gateway" gx "$peer" px; }
coproc_pid=$ESP_PID
exec {from_esp}<&"${ESP[0]}" {to_esp}>&"${ESP[1]}"

one="192.0.2.2 10.2.0.7 10.1.0.7"
two="192.0.2.3 10.3.0.7 10.1.0.7"
three="2001:db8::2 fd00:2::7 fd00:1::7"

heading "Traffic: encrypted by scapy, decrypted by scapy where it arrives"
esp send $one 120
esp send $two 90
esp send $three 60
esp answer $one 50
esp answer $two 40
esp answer $three 30
esp unknown $one 7
esp unknown $three 5
esp clear $one 9
esp clear $three 4

heading "Tunnel 1 is rekeyed under traffic"
echo "flow $one 40" >&"$to_esp"
read -r answer <&"$from_esp" || die "esp.py ended"
show demo-client keys rekey 1
esp rekeyed
esp answer $one 20
show demo-client keys delete 1
esp report sent.json >/dev/null

heading "What the engine saw"
show saxdp tunnel list
show saxdp context list
show saxdp sa list
show saxdp filter list
show saxdp stats

heading "The newest SA as the map has it"
# Destination, SPI, protocol 50, inbound.
spi=$(awk '$1 == "inbound" && $3 == "192.0.2.2" { spi = $4 } END { printf "%08x", spi }' keys)
key="c0 00 02 01 ${spi:0:2} ${spi:2:2} ${spi:4:2} ${spi:6:2} 32 00 00 00"
show cd "/sys/fs/bpf/saxdp/$SAXDP_INSTANCE"
show bpftool map lookup pinned sa4 key hex $key
cd "$dir"

heading "Sent and counted"
"$here/compare.py" sent.json "$cpu" 192.0.2.2 192.0.2.3
