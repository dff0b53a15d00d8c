#!/bin/sh
# cross/instructions.sh [TARGET...]: counts what a packet of four kinds of sessions costs on TARGET, in instructions of
# an emulated machine, and fails where it is over the budget in cross/instructions.txt. All targets of that file if none
# is named. The same count on every run: nothing else the machine does is in it.
set -eu
cd "$(dirname "$0")/.."
cross/setup.sh
# shellcheck source=cross/env.sh
. cross/env.sh
command -v qemu-mipsel >/dev/null || tests/install-packages.sh qemu-user
plugin=target/cross/instructions.so
mkdir -p target/cross
cc -shared -fPIC -O2 -o "$plugin" cross/instructions.c
[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # a list
	set -- $(awk '!/^#/ && NF && !seen[$1]++ { print $1 }' cross/instructions.txt)
}
cargo fetch --locked

# instructions KIND SESSIONS
instructions() {
	# shellcheck disable=SC2086 # a command with options
	$dynamic -plugin "$plugin" "$program" "$1" "$2" 2>&1 >"target/cross/cost.txt" | sed -n 's/^instructions //p'
}

over=0
for target; do
	choose_target "$target"
	build_router --example cost
	program=$CARGO_TARGET_DIR/$triple/router/examples/cost
	# The emulator that takes plugins is the one that is not static.
	dynamic=$(echo "$emulator" | sed 's/-static//')
	for kind in tls miner web wallet; do
		few=$(instructions "$kind" 20)
		packets=$(sed -n 's/packets //p' target/cross/cost.txt)
		many=$(instructions "$kind" 60)
		packets=$(($(sed -n 's/packets //p' target/cross/cost.txt) - packets))
		each=$(((many - few) / packets))
		budget=$(awk -v name="$target" -v kind="$kind" '$1 == name && $2 == kind { print $3 }' cross/instructions.txt)
		echo "$target: $each instructions a packet of '$kind', of ${budget:-no budget}"
		[ "$each" -le "${budget:-$each}" ] || over=1
	done
done
[ "$over" = 0 ] || {
	echo "over a budget of cross/instructions.txt" >&2
	exit 1
}
