#!/bin/sh
# Installs the cross toolchain on Debian 12, as root; elsewhere it says what is missing. Does nothing
# where everything is there.
#
# Debian's rustc-web is as new as the Rust of OpenWrt's packages feed and comes with the source of its
# own std, which MIPS needs: nobody ships one built. zig is the linker, and the C compiler of the C
# libraries of musl, soft float included; it goes into a Python environment below target/.
set -eu
cd "$(dirname "$0")/.."
# The newest whose musl is whole: from 0.16 on zig puts an allocator of its own in place of musl's.
ZIG_VERSION=0.15.2
python=target/cross/python

missing=""
need() {
	[ -e "$1" ] || missing="$missing $2"
}
need /usr/bin/rustc rustc-web
need /usr/bin/cargo cargo-web
need /usr/lib/rustlib/src/rust/library/std/Cargo.toml rust-web-src
# The source of std must be the compiler's own.
# shellcheck disable=SC2016 # a field of dpkg's
[ "$(dpkg-query -W -f '${Version}\n' rustc-web rust-web-src 2>/dev/null | sort -u | wc -l)" = 1 ] ||
	missing="$missing rustc-web cargo-web rust-web-src"
need /usr/bin/cc "gcc libc6-dev"
need /usr/lib/python3.11/ensurepip python3-venv
need /usr/bin/qemu-mips-static qemu-user-static
# Its objcopy and readelf know every architecture.
need /usr/share/doc/binutils-multiarch binutils-multiarch
need /usr/bin/xz xz-utils
# shellcheck disable=SC2086 # a list of packages
tests/install-packages.sh $missing
if [ ! -e "$python/zig-$ZIG_VERSION" ]; then
	rm -rf "$python"
	/usr/bin/python3 -m venv "$python"
	cross/try "$python/bin/pip" install -q --disable-pip-version-check "ziglang==$ZIG_VERSION"
	touch "$python/zig-$ZIG_VERSION"
fi
