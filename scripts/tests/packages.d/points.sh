# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Test points in KTAP, for shell scripts, here and in a guest. A check is a command
# that fails and says what it found.

POINTS=0

# point DESCRIPTION CHECK...
point() {
	local what=$1 said
	shift
	POINTS=$((POINTS + 1))
	if said=$("$@" 2>&1); then
		echo "ok $POINTS - $what"
	else
		sed 's/^/# /' <<<"$said"
		echo "not ok $POINTS - $what"
	fi
}

# must_fail CHECK...: the negative control of a check.
must_fail() {
	! "$@" >/dev/null 2>&1 || { echo "'$*' found nothing wrong"; return 1; }
}

# same WHAT FOUND WANTED
same() { [ "$2" = "$3" ] || { echo "$1 is '$2' and not '$3'"; return 1; }; }

# there PATH..., gone PATH...
there() {
	local path
	for path; do [ -e "$path" ] || { echo "there is no $path"; return 1; }; done
}
gone() {
	local path
	for path; do [ ! -e "$path" ] || { echo "$path is left"; return 1; }; done
}
