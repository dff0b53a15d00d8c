#!/bin/sh
# cross/test.sh [--quick] [TARGET...]: the tests of the library (unit and property), of dialogues, packets, rules
# and golden traces, built for TARGET and run under user-mode emulation; then what `minewall replay`
# and `minewall rules` print must be, byte for byte, what they print on this machine. MIPS both ways,
# armv7 and aarch64 if none is named.
#
# --quick is what `make test` has time for: library, rules and golden traces (whose expected verdicts are in
# the repository), without TLS; big-endian MIPS, the strangest of them, if none is named.
#
# Not here: what needs NFQUEUE (no emulator passes it on), tests that start the program itself, and the
# training of the model, which is a desk's work and takes minutes.
#
# First comes copies.c: copies and comparisons by words, which lean.c brings in the place of the runtime's.
set -eu
cd "$(dirname "$0")/.."
quick=""
[ "${1:-}" != --quick ] || {
	quick=1
	shift
}
cross/setup.sh
# shellcheck source=cross/env.sh
. cross/env.sh

[ $# -gt 0 ] || {
	set -- mips
	[ -n "$quick" ] || set -- mipsel mips armv7 aarch64
}

# What the program prints, run by the command in the arguments.
outputs() {
	"$@" replay --json tests/traces/*.pcap
	"$@" replay tests/traces/*.pcap
	"$@" config --default
	for variant in nft iptables; do
		"$@" rules --config target/cross/default.conf --variant "$variant"
	done
}

# Names of tests that are left out on the chosen target: those that run the program, which this machine can't, and others.
skipped() {
	# qemu before 8.0 tells the host's number of a refused connection (SO_ERROR), which is another one on MIPS.
	echo "--skip command:: --skip inputs:: --skip train::baum_welch --skip a_log_that_is_not_read --skip a_dead_collector" \
		"--skip a_list_says_where --skip a_check_names_the_line --skip a_test_shows_what --skip names_that_were_looked_up" \
		"--skip the_number_of_queues_is"
	# pcap-parser 0.17 takes no pcapng on a big-endian machine (it compares swapped block types). Captures are
	# read on desks; pcap, and with it every golden trace, works.
	case $name in
	mips) echo "--skip a_file_cut --skip a_lying_length --skip a_slow_and --skip every_link --skip pcapng --skip simple_packets" ;;
	esac
}

cargo fetch --locked
# Emulated, the split of every dialogue at every byte takes too long unoptimized.
export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0
tests="--lib --test rules --test replay"
if [ -n "$quick" ]; then
	features="--no-default-features --features host"
else
	features=""
	tests="$tests --test alloc --test dialogues --test packets --test openwrt"
	cargo build --locked --bin minewall
	"$CARGO_TARGET_DIR/debug/minewall" config --default >target/cross/default.conf
	outputs "$CARGO_TARGET_DIR/debug/minewall" >target/cross/expected.txt
fi
for target; do
	choose_target "$target"
	export "CARGO_TARGET_${upper}_RUSTFLAGS=$flags" "CARGO_TARGET_${upper}_RUNNER=$emulator"
	echo "$name: tests under $emulator"
	mkdir -p "target/cross/$name"
	"$cross/cc" -static -o "target/cross/$name/copies" "$cross/copies.c" "$cross/lean.c"
	$emulator "target/cross/$name/copies"
	# shellcheck disable=SC2046,SC2086 # options
	cargo test --locked --no-fail-fast -Z build-std -Z build-std-features=panic-unwind --target "$triple" \
		$features $tests -- $(skipped)
	[ -z "$quick" ] || continue
	# shellcheck disable=SC2086 # a command with options
	outputs $emulator "$CARGO_TARGET_DIR/$triple/debug/minewall" >"target/cross/$name.txt"
	cmp target/cross/expected.txt "target/cross/$name.txt"
	echo "$name: $(wc -c <"target/cross/$name.txt") bytes of output as on this machine"
done
