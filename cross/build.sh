#!/bin/sh
# cross/build.sh [--for-emulation] [TARGET...]: static, stripped programs in target/cross/TARGET: minewall, and
# minewall-tls, whose probe speaks TLS; all targets of cross/targets if none is named. Fails where one is
# over its size budget. --for-emulation: what cross/router/run.sh needs, minewall-tls and lab.
set -eu
cd "$(dirname "$0")/.."
emulation=""
[ "${1:-}" != --for-emulation ] || {
	emulation=1
	shift
}
cross/setup.sh
# shellcheck source=cross/env.sh
. cross/env.sh

[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # a list
	set -- $(target_names)
}
# By the age of its sources the program tells a clock that was never set.
[ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || unset SOURCE_DATE_EPOCH
export ${SOURCE_DATE_EPOCH:+SOURCE_DATE_EPOCH}
cargo fetch --locked
too_large=0

# install NAME BYTES: of what was built, without what strip leaves. What squashfs makes of it is said, too: blocks of
# 256 KiB in xz, OpenWrt's default.
install() {
	out=target/cross/$name/$1
	# MIPS keeps a table for debuggers.
	objcopy -R .pdr -R .comment "$CARGO_TARGET_DIR/$triple/router/minewall" "$out"
	size=$(wc -c <"$out")
	squashed=$(xz --check=crc32 --lzma2=preset=9,dict=256KiB --block-size=256KiB <"$out" | wc -c)
	echo "$name: $1, $size bytes of $2, $squashed compressed"
	[ "$size" -le "$2" ] || {
		echo "$name: over its budget" >&2
		too_large=1
	}
}

for target; do
	choose_target "$target"
	mkdir -p "target/cross/$name"
	build_router --bin minewall --features tls
	install minewall-tls "$tls_budget"
	if [ -n "$emulation" ]; then
		build_router --example lab
		cp "$CARGO_TARGET_DIR/$triple/router/examples/lab" "target/cross/$name/lab"
	else
		build_router --bin minewall
		install minewall "$budget"
	fi
done
exit "$too_large"
