# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian's archive, for the scripts that fetch from it: the backports to Debian 13,
# from the mirror that this machine's apt already uses; apt verifies the archive's
# signature and, by it, each package. This machine's own apt configuration is read,
# never changed. Sourced after lib.sh; what apt says goes to $log. Whoever calls
# holds the lock `source`.

SUITE=trixie-backports
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
APT=$CACHE/apt

apt_aside() {
	local verb=$1
	shift
	"apt-$verb" -o Dir::Etc::sourcelist="$APT/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$APT/lists" -o Dir::Cache="$APT/cache" -o Acquire::Languages=none \
		-o APT::Sandbox::User= -o Acquire::Retries=3 -o Dir::State::status=/dev/null \
		-o APT::Update::Post-Invoke-Success::= "$@"
}

# find_mirror PACKAGE HINT: the first mirror that has PACKAGE is used from now on.
find_mirror() {
	local mirror
	[ -r $KEYRING ] || die "the archive's keyring is missing" "run: scripts/setup"
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial"
	say "looking for $1 in $SUITE"
	for mirror in $(apt_mirrors); do
		echo "deb [signed-by=$KEYRING] $mirror $SUITE main" >"$APT/sources.list"
		if apt_aside get update >>"$log" 2>&1 && apt_aside cache show "$1" >/dev/null 2>&1; then
			return 0
		fi
	done
	die "no archive in this machine's apt sources has $1 in $SUITE" \
		"see $log; either a Debian mirror must be among the apt sources, $2"
}

# versions PACKAGE: those that the archive has, oldest first.
versions() { apt_aside cache show "$1" | sed -n 's/^Version: //p' | sort -V; }

# download LABEL PACKAGE=VERSION...: into the current directory.
download() {
	local label=$1
	shift
	with_progress "$log" "download of $label" '^Get:' 0 \
		apt_aside get download "$@" || die "the download failed" "see $log, then try again"
}
