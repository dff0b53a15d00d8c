#!/bin/sh
# tests/mutants.sh [FILE...]: changes the program in many small ways (cargo-mutants) and runs tests on each; lists the
# changes that no test notices. Without FILE all of tests/mutants.txt: the packet's way, stage one, the rules of trust,
# the probe's guard.
#
# A build for each mutant is what takes the time, and then tests that can't notice it. So there are three passes, each for
# the mutants that the one before did not notice: the unit tests of the file's own layer, in a router's build without TLS
# (one crate, without the desk); all unit tests of that build; all unit tests, dialogues, packets and rules. A mutant that
# makes tests run for ever is noticed by that.
#
# JOBS=2 builds two at a time. CONTINUE=1 goes on after an interrupted run: what was noticed is not run again. PASSES=2
# leaves the last pass out: what is listed then is missed by unit tests, maybe not by the rest.
#
# Fails if a survivor is not justified in tests/mutants-accepted.txt (its line as cargo-mutants prints it, without
# line and column).
set -eu
cd "$(dirname "$0")/.."
command -v cargo-mutants >/dev/null || cargo install --locked --quiet cargo-mutants
out=target/mutants.out
# Beside it: each run of cargo-mutants begins a folder of its own.
hung=target/mutants-hung.txt
list=$(mktemp)
trap 'rm -f "$list"' EXIT
grep -v '^#' tests/mutants.txt >"$list"
[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # a list
	set -- $(cut -d' ' -f1 "$list")
}
CARGO_PROFILE_DEV_DEBUG=0
export CARGO_PROFILE_DEV_DEBUG

options() {
	for file; do printf -- '--file %s ' "$file"; done
}

# run FILES [OPTION...]: those of these files that were not noticed before.
# What stands behind -C reaches the build, too; what stands behind -- does not, and every target would be built.
run() {
	files=$1
	shift
	# shellcheck disable=SC2086,SC2046 # lists
	cargo mutants --output target --jobs "${JOBS:-1}" --minimum-test-timeout 60 --timeout-multiplier 5 --no-shuffle \
		--iterate $(options $files) -C=--locked -C=--lib "$@" ||
		case $? in
		# Mutants were missed, or timed out.
		2 | 3) ;;
		*) exit 1 ;;
		esac
	cat "$out/timeout.txt" >>"$hung"
	cat "$out/timeout.txt" >>"$out/caught.txt"
}

[ -n "${CONTINUE:-}" ] || {
	rm -rf "$out" && mkdir -p target && : >"$hung"
}
cut -d' ' -f2 "$list" | sort -u | while read -r tests; do
	files=$(for file; do grep -x "$file $tests" "$list" | cut -d' ' -f1; done)
	[ -z "$files" ] || run "$files" --no-default-features -- -- "$tests"
done
run "$*" --no-default-features
[ "${PASSES:-3}" = 2 ] || run "$*" -C=--test=dialogues -C=--test=packets -C=--test=rules

sed 's/:[0-9]*:[0-9]*:/:/' "$out/missed.txt" | sort -u >"$out/survivors.txt"
sed 's/ *#.*//' tests/mutants-accepted.txt | sort -u >"$out/accepted.txt"
# shellcheck disable=SC2046 # a list
cargo mutants --list $(options "$@") >"$out/all.txt"
echo "mutants  missed  file"
for file; do
	printf '%7d %7d  %s\n' "$(grep -c "^$file:" "$out/all.txt")" "$(grep -c "^$file:" "$out/missed.txt")" "$file"
done
comm -23 "$out/survivors.txt" "$out/accepted.txt" >"$out/unjustified.txt"
[ ! -s "$out/unjustified.txt" ] || {
	echo "no test notices, and no line of tests/mutants-accepted.txt says why:" >&2
	cat "$out/unjustified.txt" >&2
	exit 1
}
