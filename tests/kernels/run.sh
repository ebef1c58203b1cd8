#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# usage: run.sh VERSION COMMAND...
#
# Boots Debian's own kernel VERSION (6.1 or 6.12) in an emulated machine with two CPUs and runs
# COMMAND there as root, in the directory it was called from. Its output comes out here, its exit
# status is this script's. 125 means that the machine did not get so far.
#
# The machine sees this machine's files, read-only, below a layer of its own memory: it may write
# everywhere, and nothing is kept. It has no network but what it makes itself.
#
# Nothing is installed: the kernel package is unpacked below $BUILD/kernels (build/kernels), and
# fetched only if it is not there. Emulation needs no /dev/kvm; a boot takes seconds.
#
# SECONDS_MAX (900) is the time after which the machine is switched off.

set -e -o pipefail
die() {
	echo "run.sh: $*" >&2
	exit 125
}
usage() {
	echo "usage: run.sh 6.1|6.12 COMMAND..." >&2
	exit 2
}

[ $# -ge 2 ] || usage
version=$1
shift
case $version in
6.1) meta=linux-image-cloud-amd64 ;;
6.12) meta=linux-image-6.12-cloud-amd64 ;;
*) usage ;;
esac

# Anyone may have these; not everyone's path does.
PATH=$PATH:/usr/sbin:/sbin
here=$(dirname "$(realpath "$0")")
kernels=$(realpath -m "${BUILD:-$here/../../build}")/kernels
kernel=$kernels/$version
memory=2G

# The package that a meta package stands for: its name holds the exact version, which moves on.
resolve() {
	apt-cache depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1
}

# Unpacks vmlinuz and lib/modules to $kernel: elsewhere first, and moved there when complete.
fetch() {
	local package new

	mkdir -p "$kernels"
	new=$(mktemp -d "$kernels/new.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	package=$(resolve) || true
	if [ -z "$package" ]; then
		apt-get -q=2 update >&2 || die "cannot update the package lists"
		package=$(resolve) || true
	fi
	[ -n "$package" ] || die "no package $meta: is bookworm-security among apt's sources?"
	echo "run.sh: fetching $package" >&2
	# As root apt warns that it does not become another user here; errors it shows anyway.
	(cd "$new" && apt-get -q=2 -o APT::Sandbox::User=root download "$package" >&2) ||
		die "cannot download $package (if the lists are old: apt-get update)"
	dpkg -x "$new"/*.deb "$new/root"
	mkdir -p "$new/done/lib"
	mv "$new"/root/boot/vmlinuz-* "$new/done/vmlinuz"
	mv "$new/root/lib/modules" "$new/done/lib/modules"
	depmod -b "$new/done" "$(ls "$new/done/lib/modules")"
	mv -T "$new/done" "$kernel"
	rm -rf "$new"
	trap - EXIT
}

# What the kernel needs until it has the root: a shell, and the modules for virtiofs and overlay.
make_initramfs() {
	local root n=10 module

	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root"/{bin,dev,proc,sys,modules}
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$here/init" "$root/init"
	chmod 755 "$root/init"
	for module in virtio_pci virtiofs overlay; do
		modprobe -d "$kernel" -S "$(ls "$kernel/lib/modules")" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
		case $module in
		*.xz) xz -dc "$module" >"$root/modules/$n.ko" ;;
		*) cp "$module" "$root/modules/$n.ko" ;;
		esac
		n=$((n + 1))
	done
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$kernel/initramfs.new"
	mv "$kernel/initramfs.new" "$kernel/initramfs"
	rm -rf "$root"
	trap - EXIT
}

for tool in qemu-system-x86_64 busybox depmod cpio xz; do
	command -v $tool >/dev/null || die "$tool is missing (make check-kernels installs it)"
done
virtiofsd=/usr/lib/qemu/virtiofsd
[ -x $virtiofsd ] || die "$virtiofsd is missing (it comes with qemu-system-common)"
[ "$(id -u)" = 0 ] || die "only root can give the machine this one's files"
[ -d "$kernel" ] || fetch
[ "$kernel/initramfs" -nt "$here/init" ] || make_initramfs

run=$(mktemp -d)
fsd=
machine=
finish() {
	if [ -n "$machine" ] && kill "$machine" 2>/dev/null; then
		wait "$machine" || true
	fi
	[ -z "$fsd" ] || kill "$fsd" 2>/dev/null || true
	rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# The machine's first process, as a second archive behind the first: the kernel unpacks both.
{
	printf 'modules=%q\ndirectory=%q\ncommand=(' "$kernel/lib/modules" "$PWD"
	printf '%q ' "$@"
	echo ')'
	[ -z "$BUILD" ] || printf 'export BUILD=%q\n' "$BUILD"
	cat "$here/guest.sh"
} >"$run/guest"
(cd "$run" && echo guest | cpio -o -H newc -R 0:0 --quiet) >"$run/guest.cpio"
# Its first part may be followed by zeros only up to the next multiple of four.
cat "$kernel/initramfs" >"$run/initramfs"
truncate -s %4 "$run/initramfs"
cat "$run/guest.cpio" >>"$run/initramfs"

$virtiofsd -f --socket-path="$run/fs" -o source=/ -o cache=always -o sandbox=chroot \
	-o log_level=err 2>"$run/fs.log" &
fsd=$!
# It tells nobody when its socket is there, and ends at once if it cannot make it.
until [ -S "$run/fs" ]; do
	kill -0 $fsd 2>/dev/null || die "virtiofsd: $(cat "$run/fs.log")"
	sleep 0.01
done

# The exit status comes by a serial line of its own, where no output can be taken for it. In the
# background, so that a signal is handled at once: timeout passes it on.
timeout -k 10 "${SECONDS_MAX:-900}" qemu-system-x86_64 \
	-M pc -accel tcg,thread=multi -cpu max -smp 2 -m $memory \
	-object memory-backend-memfd,id=memory,size=$memory,share=on -numa node,memdev=memory \
	-chardev socket,id=fs,path="$run/fs" -device vhost-user-fs-pci,chardev=fs,tag=root \
	-nodefaults -display none -no-reboot -serial stdio -serial file:"$run/status" \
	-kernel "$kernel/vmlinuz" -initrd "$run/initramfs" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off" </dev/null &
machine=$!
wait $machine || die "the machine failed or was switched off after ${SECONDS_MAX:-900} seconds"
machine=
status=$(cat "$run/status")
[ -n "$status" ] || die "the machine ended before the command did"
exit "$status"
