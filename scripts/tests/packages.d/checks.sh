# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What scripts/tests/packages looks at, by the name of a layer.

GUEST_POINTS=0

series() { sed 's/^\([0-9]*\.[0-9]*\).*/\1/' <<<"$1"; }

# list LAYER: all files with kind, mode and owner, but for the books of apt and dpkg,
# caches, logs, and the keys that DKMS draws when it first builds anything.
list() {
	find "$run/$1/root" -xdev -printf '%P %y %m %u\n' | sort |
		grep -vE '^(proc|sys|dev|run|tmp|var/log|var/lib/(apt|dpkg)|var/cache/(apt|debconf|ldconfig))(/| )' |
		grep -vE '^(etc/ld.so.cache|var/lib/dkms/mok\.(key|pub)) '
}

# install_debs LAYER old|new
install_debs() {
	rm -rf "$run/$1/root/tmp/debs"
	cp -r "$run/$2" "$run/$1/root/tmp/debs"
	# shellcheck disable=SC2016
	with_progress "$run/apt" "installing the packages, $2; lines" . 0 chroot_in "$run/$1/root" \
		sh -c 'apt-get -y --no-install-recommends -o Dpkg::Options::=--force-confold install /tmp/debs/*.deb'
}

# has_module LAYER KERNEL VERSION
has_module() {
	local found
	found=$(chroot_in "$run/$1/root" dkms status "flowbucket/$3" -k "$2") || return 1
	grep -q ': installed' <<<"$found" || { echo "DKMS says '$found'"; return 1; }
	found=$(chroot_in "$run/$1/root" modinfo -k "$2" -F vermagic flowbucket) &&
		same "the kernel of the module" "${found%% *}" "$2"
}

has_both() { has_module "$1" "$2" "$4" && has_module "$1" "$3" "$4"; }

# has_command LAYER VERSION
has_command() {
	local root=$run/$1/root
	there "$root"/usr/sbin/flowbucket "$root"/usr/share/man/man1/flowbucket{,-apply}.1.gz \
		"$root"/usr/share/bash-completion/completions/flowbucket "$root"/usr/share/zsh/vendor-completions/_flowbucket \
		"$root"/usr/share/fish/vendor_completions.d/flowbucket.fish "$root"/usr/lib/systemd/system/flowbucket.service \
		"$root"/usr/share/doc/flowbucket/{README.md,Documentation/balancing.rst,contrib/grafana/flowbucket.json} \
		"$root"/usr/share/doc/flowbucket/Documentation/ABI/testing/sysfs-kernel-flowbucket &&
		zgrep -q '^ratatui .*MIT' "$root/usr/share/doc/flowbucket/crate-licences.gz" &&
		same "the version" "$(chroot_in "$root" dpkg-query -W -f '${Version}' flowbucket)" "$2" &&
		grep -q '^ExecStart=/usr/sbin/flowbucket apply' "$root/usr/lib/systemd/system/flowbucket.service" &&
		same "the service" "$(chroot_in "$root" systemctl is-enabled flowbucket)" enabled &&
		chroot_in "$root" flowbucket --help >/dev/null
}

# no_cycle LAYER: can what starts at boot be put in order, the network and cloud-init with it?
no_cycle() {
	local said
	said=$(chroot_in "$run/$1/root" systemd-analyze verify --man=no flowbucket.service cloud-init.target multi-user.target 2>&1)
	! grep "ordering cycle" <<<"$said"
}

# no_version LAYER VERSION
no_version() {
	gone "$run/$1/root/usr/src/flowbucket-$2" "$run/$1/root/var/lib/dkms/flowbucket/$2"
}

# only_settings LAYER KERNEL
only_settings() {
	local root=$run/$1/root
	there "$root/etc/flowbucket.toml" &&
		gone "$root"/var/lib/dkms/flowbucket "$root"/var/cache/flowbucket "$root"/usr/sbin/flowbucket &&
		! find "$root/usr/lib/modules" -name 'flowbucket*' | grep .
}

# nothing_left LAYER: what it has that it had not before, and the other way round.
nothing_left() { diff "$run/before/list" <(list "$1"); }

# no_name LAYER
no_name() { ! list "$1" | grep flowbucket; }

# boot_guest LAYER KERNEL: its points, as it said them.
boot_guest() {
	local root=$run/$1/root
	mkdir "$root/guest"
	cp "$here/in-guest" "$here/points.sh" "$root/guest/"
	echo "$2" >"$root/guest/release"
	printf '[Unit]\nAfter=flowbucket.service\n[Service]\nType=oneshot\nExecStart=/guest/in-guest\n' \
		>"$root/etc/systemd/system/guest.service"
	ln -s ../guest.service "$root/etc/systemd/system/multi-user.target.wants/"
	# What a system does once after its installation takes minutes when the CPU is emulated.
	touch "$root/etc/.updated" "$root/var/.updated"
	say "booting a guest with Debian's kernel $2; some minutes"
	"$TOP/scripts/boot-root" "$root" "$2" "$run/$1/console" 3000 || :
	cp -r "$root/guest" "$run/$1/said"
	cat "$run/$1/said/said"
	GUEST_POINTS=13
}

# doctor LAYER KERNEL: headers of a kernel that there can be no module for.
doctor() {
	local config=$run/$1/root/usr/src/linux-headers-$2/.config
	sed -i 's/^CONFIG_RUSTC_VERSION=.*/CONFIG_RUSTC_VERSION=109600/' "$config"
	echo CONFIG_MODULE_SIG_FORCE=y >>"$config"
}

# refused LAYER KERNEL WORD...: has apt said these words, and is there no module, but else all?
refused() {
	local root=$run/$1/root kernel=$2 word
	shift 2
	for word; do grep -qF "$word" "$run/apt" || { echo "apt said nothing of '$word'"; return 1; }; done
	! find "$root/usr/lib/modules/$kernel" -name 'flowbucket*' | grep . &&
		same "dpkg's complaint" "$(chroot_in "$root" dpkg --audit)" "" &&
		chroot_in "$root" dpkg-query -W flowbucket flowbucket-dkms
}

# kernel_installs LAYER KERNEL: with its initial RAM disk, which comes after DKMS's part.
kernel_installs() {
	rm -f "$run/$1/root/boot/initrd.img-$2"
	apt_in "the kernel again" "$run/$1/root" install --reinstall "linux-image-$2" &&
		there "$run/$1/root/boot/initrd.img-$2"
}

# hook_fails LAYER KERNEL VERSION: the same, were it an error that there is no module.
hook_fails() {
	local script=$run/$1/root/usr/src/flowbucket-$3/scripts/dkms-build result=0
	sed -i 's/^exit 77$/exit 1/' "$script"
	kernel_installs "$1" "$2" || result=$?
	sed -i 's/^exit 1$/exit 77/' "$script"
	chroot_in "$run/$1/root" dpkg --configure -a >>"$run/apt" 2>&1
	return $result
}

# headers_come LAYER KERNEL: from apt's cache, when the source is gone.
headers_come() {
	# shellcheck disable=SC2016
	chroot_in "$run/$1/root" sh -c 'dpkg --force-depends --remove linux-source-$1 &&
		dpkg --force-depends -i /var/cache/apt/archives/linux-headers-$2_*.deb' sh "$(series "$2")" "$2" >"$run/apt" 2>&1
}
