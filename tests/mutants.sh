#!/bin/sh
# tests/mutants.sh [FILE...]: changes the program in many small ways (cargo-mutants) and runs the unit and integration
# tests that need no root on each; lists the changes that no test notices. Without FILE those of tests/mutants.txt:
# the packet's way, stage one, the rules of trust, the probe's guard.
#
# Fails if a survivor is not justified in tests/mutants-accepted.txt (its line as cargo-mutants prints it, without
# line and column).
set -eu
cd "$(dirname "$0")/.."
command -v cargo-mutants >/dev/null || cargo install --locked --quiet cargo-mutants
[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # a list
	set -- $(grep -v '^#' tests/mutants.txt)
}
options=""
for file; do options="$options --file $file"; done
# shellcheck disable=SC2086 # options
cargo mutants --output target --jobs "${JOBS:-1}" --timeout-multiplier 5 --no-shuffle $options -- \
	--lib --test dialogues --test packets --test rules || true
out=target/mutants.out
sed 's/:[0-9]*:[0-9]*:/:/' "$out/missed.txt" | sort -u >"$out/survivors.txt"
sed 's/ *#.*//' tests/mutants-accepted.txt | sort -u >"$out/accepted.txt"
echo "$(wc -l <"$out/caught.txt") caught, $(wc -l <"$out/missed.txt") missed, $(wc -l <"$out/timeout.txt") timed out"
comm -23 "$out/survivors.txt" "$out/accepted.txt" >"$out/unjustified.txt"
[ ! -s "$out/unjustified.txt" ] || {
	echo "no test notices, and no line of tests/mutants-accepted.txt says why:" >&2
	cat "$out/unjustified.txt" >&2
	exit 1
}
