# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Process 1 of the emulated machine, by bash: run.sh puts modules, directory and command before it.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=dumb
exec </dev/null >/dev/ttyS0 2>&1
stty -F /dev/ttyS0 -onlcr
mkdir -p /dev/pts /dev/shm /dev/net /lib/modules
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount --bind "$modules" /lib/modules
# devtmpfs has it only when the module is there, and the module comes when it is opened.
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
ip link set lo up

# Its own session, and not process 1: that one ignores signals and must not end.
(cd "$directory" && exec setsid "${command[@]}")
status=$?

# stty waits until what was written before it is out.
stty -F /dev/ttyS0 sane
printf %s $status >/dev/ttyS1
stty -F /dev/ttyS1 sane
busybox reboot -f
