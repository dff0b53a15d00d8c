#!/bin/sh
# shellcheck disable=SC2317 # what a trap calls is reachable
# tests/install-packages.sh PACKAGE...: installs them, on Debian and as root; elsewhere it says that they are
# missing, and exits with 3. No service of theirs is started, and none is left enabled.
[ $# -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "not installed: $*" >&2
	exit 3
fi

POLICY=/usr/sbin/policy-rc.d
MARK="# minewall's tests install packages"
SECURITY_UPDATES=/etc/apt/sources.list.d/minewall-bootstrap.list

# One installation at a time: the policy below is the machine's.
mkdir -p /run/lock
exec 9>/run/lock/minewall-install
flock 9

# Names Debian's security updates to apt until this script ends, where its sources lack them: the Rust of the
# release itself is older than the program needs, the one of the updates is not; and what a package shares with one
# that came from them (Python's library, say) must be of the same version.
add_security_updates() {
	# shellcheck disable=SC2016 # apt-get's own variables
	sources=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' 'Component: main' 2>/dev/null)
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	case $sources in *"$release-security"*) return 0 ;; esac
	archive=$(printf '%s\n' "$sources" | awk -v release="$release" '$2 == release { print $1; exit }')
	[ -n "$archive" ] || return 0
	echo "  takes Debian's security updates along, which apt's sources lack here; the sources are put back afterwards"
	echo "deb ${archive%/}-security $release-security main" >"$SECURITY_UPDATES"
}

# While packages are installed: their scripts ask it whether a service may start (101: it may not).
forbid_starts() {
	if [ -e "$POLICY" ] && ! grep -q "$MARK" "$POLICY"; then mv "$POLICY" "$POLICY.minewall"; fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" >"$POLICY"
	chmod 755 "$POLICY"
}
allow_starts() {
	rm -f "$POLICY"
	[ ! -e "$POLICY.minewall" ] || mv "$POLICY.minewall" "$POLICY"
}

# What starts at boot: links of systemd's and of init's.
enabled() {
	{
		find /etc/systemd/system -type l 2>/dev/null
		find /etc/rc[S2-5].d -name 'S*' 2>/dev/null
	} | sort
}

# Disables what the installation has enabled: the lines of `enabled` that are not in the file $1.
disable_new() {
	enabled | comm -13 "$1" - | while read -r link; do
		case $link in
		/etc/rc*) update-rc.d "${link##*/S??}" disable ;;
		*)
			deb-systemd-helper disable "${link##*/}"
			# What it leaves: a part of another unit, an alias.
			rm -f "$link"
			;;
		esac
	done >/dev/null 2>&1
	left=$(enabled | comm -13 "$1" - | tr '\n' ' ')
	[ -z "$left" ] || echo "still enabled: $left" >&2
}

before=$(mktemp)
enabled >"$before"
trap 'allow_starts; disable_new "$before"; rm -f "$before" "$SECURITY_UPDATES"' EXIT
trap 'exit 130' INT TERM HUP
forbid_starts
add_security_updates
echo "installing: $*"
# Networks fail now and then; and lists that came but in part are no error, but lack packages.
for pause in 5 20 0; do
	apt-get update -q >/dev/null 9>&-
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null 9>&- && exit 0
	sleep "$pause"
done
exit 1
