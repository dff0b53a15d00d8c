#!/bin/sh
# cross/build.sh [TARGET...]: static, stripped programs in target/cross/TARGET/minewall, all targets of
# cross/targets if none is named. Fails where one is over its size budget.
set -eu
cd "$(dirname "$0")/.."
cross/setup.sh
# shellcheck source=cross/env.sh
. cross/env.sh

[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # a list
	set -- $(target_names)
}
cargo fetch --locked
too_large=0
for target; do
	choose_target "$target"
	build_router
	mkdir -p "target/cross/$name"
	# MIPS keeps a table for debuggers that strip leaves.
	objcopy -R .pdr -R .comment "$CARGO_TARGET_DIR/$triple/router/minewall" "target/cross/$name/minewall"
	size=$(wc -c <"target/cross/$name/minewall")
	echo "$name: $size bytes of $budget"
	if [ "$size" -gt "$budget" ]; then
		echo "$name: over its budget" >&2
		too_large=1
	fi
done
exit "$too_large"
