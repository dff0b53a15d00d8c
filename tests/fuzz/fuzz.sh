#!/bin/sh
# tests/fuzz/fuzz.sh SECONDS [TARGET...]: runs each fuzz target (all if none is named) for so long under libFuzzer,
# which coverage steers, on one core; then prints a table. On stable Rust: the instrumentation is LLVM's own pass. What
# was found stays in target/fuzz/, inputs that reach new code in target/fuzz/corpus/. Fails if anything was found.
set -u
cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || {
	sed -n '2,4s/^# //p' "$0" >&2
	exit 64
}
seconds=$1
shift
command -v c++ >/dev/null || tests/install-packages.sh g++ || exit 1
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
export RUSTFLAGS
# With a target named, what runs while it is built (macros, build scripts) is not instrumented.
CARGO_TARGET_DIR=target/fuzz/build cargo build --release --manifest-path tests/fuzz/Cargo.toml --target "$host" || exit 1
unset RUSTFLAGS
program=$PWD/target/fuzz/build/$host/release/coverage
[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # a list
	set -- $(sed -n 's/^    target("\([a-z_]*\)".*/\1/p' src/lab/fuzz.rs)
}
found=0
echo "target          executions  edges  corpus  found"
for target; do
	corpus=target/fuzz/corpus/$target
	log=target/fuzz/$target.log
	mkdir -p "$corpus"
	seeds=tests/fuzz/seeds/$target
	case $target in
	capture) seeds="$seeds tests/traces" ;;
	lists) seeds="$seeds src/intel/builtin" ;;
	esac
	# Seeds that stand elsewhere are read, not written.
	places=""
	for place in $seeds; do [ ! -d "$place" ] || places="$places $place"; done
	[ "$target" != model ] || cp src/hmm/*.model "$corpus/"
	[ "$target" != config ] || cp openwrt/minewall/files/minewall.conf "$corpus/"
	# shellcheck disable=SC2086 # a list of folders
	MINEWALL_FUZZ=$target "$program" "$corpus" $places -max_total_time="$seconds" -max_len=32000 -print_final_stats=1 \
		-artifact_prefix="target/fuzz/$target-" >"$log" 2>&1 && status=0 || status=1
	found=$((found + status))
	printf '%-14s %11d %6s %7s  %s\n' "$target" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)" \
		"$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)" \
		"$(find "$corpus" -type f | wc -l)" "$([ "$status" = 0 ] && echo nothing || echo "see $log")"
done
[ "$found" = 0 ]
