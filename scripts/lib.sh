# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts share: messages, the cache, locks and live progress.
# Sourced, never run. Results go to stdout, everything meant for people to
# stderr, so that `path=$(scripts/kernel x86)` works.

set -euo pipefail
umask 022
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${FLOWBUCKET_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/flowbucket}
JOBS=${JOBS:-$(( $(nproc) + 1 ))}
ME=${0##*/}

export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say()  { printf '%s: %s\n' "$ME" "$*" >&2; }
die()  { printf '%s: error: %s\n' "$ME" "$1" >&2; shift
	 [ $# -eq 0 ] || printf '    %s\n' "${@//$'\n'/$'\n    '}" >&2
	 exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# version_ge A B: is version A at least B?
version_ge() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# debian_release: which Debian this is, e.g. 13.
debian_release() { sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release; }

# kernel_cc CONFIG: the C compiler that a kernel of this configuration is built by.
kernel_cc() { sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ "]*\).*/\1/p' "$1"; }

# with_lock NAME: hold the cache's lock NAME until this process ends. The
# descriptor must not leak into daemons, so children that stay are started
# with it closed (none are, at present).
with_lock() {
	mkdir -p "$CACHE/locks" ||
		die "cannot write to the cache $CACHE" "set FLOWBUCKET_CACHE to a directory that you own"
	exec {LOCK_FD}>"$CACHE/locks/$1"
	if ! flock -n "$LOCK_FD"; then
		say "waiting for another run that holds the lock '$1' ..."
		flock "$LOCK_FD"
	fi
}

# need_space GIB DIR: refuse to start what would fill the disk.
need_space() {
	local free
	free=$(df -Pk "$2" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -ge "$1" ] ||
		die "only $free GiB free under $2, $1 GiB needed" \
		    "free some space, or set FLOWBUCKET_CACHE to a directory on another disk"
}

# apt_mirrors: the archives in this machine's apt sources, those that call
# themselves Debian's first. (Both styles of sources are read by apt itself.)
apt_mirrors() {
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F '|' '$3 == "main" { print ($1 == "Debian" && $2 == "Debian" ? 0 : 1) "|" $4 }' |
		sort -u | cut -d '|' -f 2
}

elapsed() { printf '%dm%02ds' $((SECONDS / 60)) $((SECONDS % 60)); }

# with_progress LOG LABEL PATTERN EXPECTED COMMAND...: run a long command with
# its output in LOG and report how many lines of it match PATTERN, of about
# EXPECTED (0 = unknown): on a terminal in place, else a line now and then.
with_progress() {
	local log=$1 label=$2 pattern=$3 expected=$4 pid n rc=0 shown=0 every=20 end='\n'
	shift 4
	[ -t 2 ] && every=1 end='\r'
	SECONDS=0
	: >"$log"
	# A process group of its own, so that an interruption ends all of it.
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	# shellcheck disable=SC2064
	trap "set +e; kill -- -$pid 2>/dev/null; wait $pid 2>/dev/null; exit 130" INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		[ $((SECONDS - shown)) -ge $every ] || continue
		shown=$SECONDS
		n=$(grep -cE "$pattern" "$log") || n=0
		[ "$expected" -gt 0 ] && n="$n of about $expected"
		printf "%s: %s: %s, %s   $end" "$ME" "$label" "$n" "$(elapsed)" >&2
	done
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ $rc -ne 0 ]; then
		say "$label failed; the log is $log. What it says:"
		{ grep -nE '(^|[^a-z])([Ee]rror|ERROR|\*\*\*|fatal)' "$log" || tail -n 20 "$log"; } |
			tail -n 25 >&2
		return $rc
	fi
	say "$label: done in $(elapsed)          "
}
