#!/bin/sh
# cross/sizes.sh TARGET [OPTION...]: what takes the space in minewall for TARGET, by crate, from its symbols;
# the options are cargo's (--features tls).
# Constants that have no symbol of their own (texts, mostly) are the difference to the section's size.
set -eu
cd "$(dirname "$0")/.."
cross/setup.sh
# shellcheck source=cross/env.sh
. cross/env.sh
choose_target "$1"
shift
CARGO_PROFILE_ROUTER_STRIP=none
# Without debugging information zig leaves the symbols out, too.
ZIG_SYMBOLS=1
export CARGO_PROFILE_ROUTER_STRIP ZIG_SYMBOLS
build_router --bin minewall "$@"
program=$CARGO_TARGET_DIR/$triple/router/minewall
readelf -SW "$program" | awk '$2 ~ /^\./ || $3 ~ /^\./ {
	sub(/^ *\[ *[0-9]+\] */, "")
	if ($7 ~ /A/) printf "section %s 0x%s\n", $1, $5
}'
nm -C --print-size --size-sort --radix=d "$program" | awk '{
	name = $4
	for (field = 5; field <= NF; field++) name = name " " $field
	sub(/^</, "", name); sub(/^&?(mut )?/, "", name)
	crate = name ~ /::/ ? name : "musl, compiler runtime"
	sub(/::.*/, "", crate); sub(/^.* as /, "", crate)
	size[crate] += $2
} END { for (crate in size) printf "%8d %s\n", size[crate], crate }' | sort -rn
