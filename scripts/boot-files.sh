# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How a guest of QEMU gets files of this machine, and how what runs for it ends; for
# scripts/boot and scripts/boot-root. Sets SHARES (QEMU's arguments) and ROOT (the
# kernel's); uses run (a directory), memory (MiB) and pids.

# What all guests have in common: an ordinary machine without extras, and, since an
# emulated CPU may stand still for long, a kernel that bears with it.
MACHINE="-nodefaults -no-user-config -display none -no-reboot -device virtio-rng-pci"
PATIENT="console=ttyS0 tsc=reliable no_timer_check rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60"

# end PID: asks it to end, and after 5 seconds makes it; a guest may not listen.
end() {
	kill "$1"
	for _ in {1..50}; do
		kill -0 "$1" || return 0
		sleep 0.1
	done
	kill -KILL "$1"
} 2>/dev/null

# end_all: the guest, its daemons, and what these leave.
end_all() {
	local pid
	for pid in "${pids[@]}"; do
		if kill -0 "$pid" 2>/dev/null; then
			end "$pid"
			wait "$pid"
		fi
	done 2>/dev/null
	[ -z "${sockets-}" ] || rm -rf "$sockets" /run/virtiofsd/.*"${sockets##*/}".*
}

# share_by_9p: this machine's files for the guest; QEMU itself serves them.
share_by_9p() {
	SHARES="-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=root,mount_tag=/dev/root
		-fsdev local,id=build,path=$TOP/build,security_model=none,multidevs=remap
		-device virtio-9p-pci,fsdev=build,mount_tag=build"
	ROOT="rootfstype=9p root=/dev/root rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose,access=any"
}

# share_by_virtiofs: the same for a packaged kernel, which has no 9p, and of which
# virtiofs is the only built-in file system that needs no disk.
share_by_virtiofs() {
	[ "$(id -u)" -eq 0 ] || die "a guest with a packaged kernel gets its files by virtiofsd, which needs root"
	# The path of a socket must be short.
	sockets=$(mktemp -d)
	SHARES="-object memory-backend-memfd,id=memory,size=${memory}M,share=on -machine memory-backend=memory"
	ROOT="rootfstype=virtiofs root=root"
}

# virtiofs TAG DIR CACHE [--readonly]: serves DIR by one of Debian's two daemons, QEMU's
# own up to Debian 12. Only the newer one can keep the guest from writing; the older
# leaves that to its mount.
virtiofs() {
	local daemon=/usr/libexec/virtiofsd options=(--shared-dir "$2" --cache "$3" --sandbox chroot --no-announce-submounts)
	[ $# -lt 4 ] || options+=("$4")
	if [ ! -x $daemon ]; then
		daemon=/usr/lib/qemu/virtiofsd
		options=(-o source="$2" -o cache="${3/never/none}" -o sandbox=chroot)
	fi
	[ -x $daemon ] || die "virtiofsd is missing" "run: scripts/setup"
	$daemon --socket-path="$sockets/$1" "${options[@]}" </dev/null >"$run/virtiofsd-$1" 2>&1 &
	pids+=($!)
	SHARES+=" -chardev socket,id=$1,path=$sockets/$1 -device vhost-user-fs-pci,chardev=$1,tag=$1"
	for _ in {1..50}; do
		[ ! -S "$sockets/$1" ] || return 0
		sleep 0.1
	done
	die "virtiofsd does not start: $(tail -n 1 "$run/virtiofsd-$1")"
}
