#!/bin/sh
# bootstrap.sh [TARGET...]: `make TARGET` (demo if none is named) on a machine that may lack make, a C compiler and
# Rust. Says first what is to be installed and how long it takes. Packages are Debian's; root installs them.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- demo
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Whether version $1 is at least version $2.
at_least() {
	[ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# The version of a Rust program; empty if it is missing or does not start.
version_of() {
	"$1" --version 2>/dev/null | awk '{ print $2; exit }'
}

[ "$(id -u)" = 0 ] || {
	echo "bootstrap.sh: run it as root: '$*' installs packages and makes network namespaces" >&2
	exit 1
}

missing=""
command -v make >/dev/null || missing="$missing make"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
has_rust=""
at_least "$(version_of cargo)" "$wanted" && at_least "$(version_of rustc)" "$wanted" && has_rust=1
if [ -z "$has_rust" ]; then
	# Debian's newest Rust, which its web browser is built with.
	PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
	export PATH
	unset RUSTC CARGO RUSTUP_TOOLCHAIN
	at_least "$(version_of /usr/bin/rustc)" "$wanted" || missing="$missing rustc-web"
	at_least "$(version_of /usr/bin/cargo)" "$wanted" || missing="$missing cargo-web"
fi
# An earlier run for another target may have brought the compiler alone.
if [ "$(command -v cargo || echo /usr/bin/cargo)" = /usr/bin/cargo ]; then
	case " $* " in
	*" test "* | *" check "*)
		[ -x /usr/bin/cargo-clippy ] || missing="$missing rust-web-clippy"
		[ -x /usr/bin/cargo-fmt ] || missing="$missing rustfmt-web"
		;;
	esac
fi

echo "minewall: make $*"
case " $* " in
*" deb "*)
	echo "  installs what is missing of: make, a C compiler, Rust $wanted or newer, python3 (400 MB at most)"
	echo "  takes 1 minute to install and 3 to build, on two idle cores; the package is then in target/packages/"
	;;
*" demo "*)
	echo "  installs what is missing of: make, a C compiler, Rust $wanted or newer, iproute2, nftables, iptables (400 MB at most)"
	echo "  takes 1 minute to install, 2 to build and a quarter of one to show, on two idle cores"
	;;
*" test "*)
	echo "  installs what is missing of: make, a C compiler, Rust $wanted or newer, some 30 servers and tools to test with,"
	echo "  a browser, emulators and cross compilers (3 GB at most)"
	echo "  takes 30 minutes on two idle cores, and as long again the first time"
	;;
esac
echo "  no service of an installed package is started or enabled"
# shellcheck disable=SC2086 # a list of packages
tests/install-packages.sh $missing
if ! at_least "$(version_of cargo)" "$wanted" || ! at_least "$(version_of rustc)" "$wanted"; then
	found=$(version_of rustc)
	echo "bootstrap.sh: Rust $wanted or newer is needed, this machine's packages bring ${found:-none}: install it with rustup" >&2
	exit 1
fi
exec make "$@"
