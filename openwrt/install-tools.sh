#!/bin/sh
# Installs what makes, signs and tests packages, on Debian and as root; elsewhere it says what is
# missing. Does nothing where everything is there.
missing=""
need() {
	command -v "$1" >/dev/null || missing="$missing $2"
}
need make make
need git git
need python3 python3
need openssl openssl
need signify-openbsd signify-openbsd
need readelf binutils
need busybox busybox
need unshare util-linux
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing:$missing"
	# shellcheck disable=SC2086 # a list of packages
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >/dev/null
else
	echo "not installed:$missing" >&2
	exit 1
fi
