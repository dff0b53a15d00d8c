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
# shellcheck disable=SC2086 # a list of packages
exec "${0%/*}/../tests/install-packages.sh" $missing
