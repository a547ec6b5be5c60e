# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The guest's NIC for scripts/boot: virtio-net with one queue. Outside it is a
# tap device in a network namespace of its own, where the load client runs too;
# without /dev/net/tun or without root it is QEMU's user networking on this
# machine's loopback address. Addresses are the ones set aside for examples.

# net_up RUNDIR: sets NET_QEMU (QEMU's arguments), NET_PREFIX (how to run a
# command on the outside), NET_GUEST, NET_GUEST6 and NET_ENV.
net_up() {
	local port device="virtio-net-pci,netdev=nic,mq=off,mac=52:54:00:fb:00:01"
	NET_NS=
	if [ "$(id -u)" -eq 0 ] && net_tap "fb-${1##*.}"; then
		NET_PREFIX="ip netns exec $NET_NS"
		NET_QEMU="-netdev tap,id=nic,ifname=tap0,script=no,downscript=no,vhost=off -device $device"
		NET_GUEST=192.0.2.2/24 NET_GUEST6=2001:db8::2/64
		NET_ENV="GUEST=192.0.2.2 GUEST6=2001:db8::2 PORT_80=80 PORT_5201=5201"
		return
	fi
	port=$((20000 + RANDOM % 20000))
	say "no tap device here: QEMU's user networking on 127.0.0.1, ports $port and $((port + 1))"
	NET_QEMU="-netdev user,id=nic,hostfwd=tcp:127.0.0.1:$port-:80,hostfwd=tcp:127.0.0.1:$((port + 1))-:5201 -device $device"
	NET_GUEST=10.0.2.15/24 NET_GUEST6=
	NET_ENV="GUEST=127.0.0.1 GUEST6= PORT_80=$port PORT_5201=$((port + 1))"
}

net_tap() {
	[ -c /dev/net/tun ] || return 1
	ip netns add "$1" 2>/dev/null || return 1
	NET_NS=$1
	if ip -n "$1" link set lo up &&
	   ip -n "$1" tuntap add dev tap0 mode tap 2>/dev/null &&
	   ip -n "$1" addr add 192.0.2.1/24 dev tap0 &&
	   ip -n "$1" -6 addr add 2001:db8::1/64 dev tap0 nodad &&
	   ip -n "$1" link set tap0 up; then
		return 0
	fi
	net_down
	return 1
}

net_down() {
	[ -n "${NET_NS-}" ] || return 0
	ip netns del "$NET_NS"
	NET_NS=
}

net_env() { echo "$NET_ENV"; }
