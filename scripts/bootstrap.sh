# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A Debian 13 of its own in a directory, by debootstrap, from the mirror that this
# machine's apt already uses. Sourced after lib.sh.

# try_mirrors ROOT PACKAGES
try_mirrors() {
	local mirror
	for mirror in $(apt_mirrors); do
		rm -rf "$1"
		if debootstrap --variant=minbase --include="$2" trixie "$1" "$mirror" /usr/share/debootstrap/scripts/sid; then
			return 0
		fi
	done
	return 1
}

# bootstrap ROOT PACKAGES: the smallest Debian 13 with these, divided by commas.
bootstrap() {
	local log=$CACHE/log/debootstrap
	mkdir -p "$CACHE/log"
	with_progress "$log" "debootstrap of Debian 13, 1 to 2 minutes; steps" '^I:' 420 try_mirrors "$@" ||
		die "no mirror in this machine's apt sources gave a Debian 13" "see $log"
	cp -L /etc/resolv.conf "$1/etc/"
	apt-config dump | grep -E '^Acquire::(http|https|ftp)::Proxy' >"$1/etc/apt/apt.conf.d/50proxy" || :
}
