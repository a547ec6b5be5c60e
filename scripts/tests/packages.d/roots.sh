# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Roots with Debian 13 for scripts/tests/packages: in the cache a clean one, as a
# machine has it that runs Debian's newest kernel but one, and over it what the
# packages depend on; over both, layers in which packages come and go. Sourced after
# lib.sh and bootstrap.sh, in a mount namespace of its own.

PACKAGES=$CACHE/debian13/packages
# What a guest is booted with, and what the test uses in there.
IN_BASE=initramfs-tools,iproute2,kmod,procps,systemd-sysv,udev

# chroot_in ROOT COMMAND...
chroot_in() {
	local root=$1
	shift
	chroot "$root" env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
		LC_ALL=C.UTF-8 "$@"
}

# furnish ROOT: what apt and dpkg need to run in there.
furnish() {
	mount -t proc none "$1/proc"
	mount --rbind /dev "$1/dev"
	mount -t tmpfs none "$1/tmp"
	mount --bind "$PACKAGES/archives" "$1/var/cache/apt/archives"
}

# unfurnish ROOT
unfurnish() {
	umount -l "$1/var/cache/apt/archives" "$1/tmp" "$1/proc" "$1/dev"
}

# apt_in LABEL ROOT ARGUMENT...: apt-get there; what it says is in $run/apt.
apt_in() {
	local label=$1 root=$2
	shift 2
	with_progress "$run/apt" "$label; packages" '^(Unpacking|Setting up|Removing|Purging) ' 0 \
		chroot_in "$root" apt-get -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"
}

# make_base: the clean root with the newest kernel but one, once; $PACKAGES/base/.complete
# names both.
make_base() {
	local base=$PACKAGES/base kernels old mirror
	[ ! -s "$base/.complete" ] || return 0
	need_space 12 "$CACHE"
	"$TOP/scripts/fetch-kernel" --newest
	kernels=$(tail -n 2 "$CACHE/debian/list" | cut -d ' ' -f 1)
	old=$(head -n 1 <<<"$kernels")
	mkdir -p "$PACKAGES/archives/partial"
	bootstrap "$base" "$IN_BASE"
	# shellcheck disable=SC2013
	for mirror in $(sed -n 's/^deb \([^ ]*\) trixie main$/\1/p' "$base/etc/apt/sources.list"); do
		echo "deb $mirror trixie-backports main" >>"$base/etc/apt/sources.list"
	done
	echo 'APT::Keep-Downloaded-Packages "true";' >"$base/etc/apt/apt.conf.d/50keep"
	echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/test"
	furnish "$base"
	chroot_in "$base" apt-get update >"$run/apt" 2>&1 || die "'apt-get update' failed in $base" "see $run/apt"
	apt_in "Debian's kernel $old" "$base" install -t trixie-backports "linux-image-$old" "linux-headers-$old" ||
		die "apt could not install Debian's kernel $old" "see $run/apt"
	unfurnish "$base"
	echo $kernels >"$base/.complete"
}

# overlay DIR LOWER: a root at DIR/root, what changes in it at DIR/upper.
overlay() {
	mkdir -p "$1/upper" "$1/work" "$1/root"
	mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" none "$1/root" ||
		die "no overlay can be mounted at $1/root"
}

# make_needs DEPENDS SOURCE: over the clean root, all that the packages depend on, with
# the kernel's source; once.
make_needs() {
	local needs=$PACKAGES/needs for
	for="$1 $2 $(cat "$PACKAGES/base/.complete")"
	[ "$(cat "$needs/.complete" 2>/dev/null)" != "$for" ] || return 0
	rm -rf "$needs"
	overlay "$needs" "$PACKAGES/base"
	furnish "$needs/root"
	apt_in "the kernel's source" "$needs/root" install "$2" libelf-dev/trixie-backports &&
		apt_in "what the packages depend on" "$needs/root" satisfy "$1" ||
		die "apt could not install what the packages depend on" "see $run/apt"
	unfurnish "$needs/root"
	umount "$needs/root"
	echo "$for" >"$needs/.complete"
}

# layer NAME [BELOW]: a root over that; with BELOW what changed in that layer, too.
layer() { overlay "$run/$1" "${2:+$run/$2/upper:}$PACKAGES/needs/upper:$PACKAGES/base"; }
