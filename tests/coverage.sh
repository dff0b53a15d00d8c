#!/bin/sh
# tests/coverage.sh: lines and functions of the packet's way that the unit tests and the dialogues run, by layer, from
# rustc's own instrumentation and the LLVM tools of the same version as rustc's: rustup's component llvm-tools, or
# Debian's package llvm-N.
set -eu
cd "$(dirname "$0")/.."
version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
tool() {
	for candidate in "$(rustc --print sysroot)"/lib/rustlib/*/bin/"$1" "/usr/bin/$1-$version"; do
		if [ -x "$candidate" ]; then
			echo "$candidate"
			return
		fi
	done
	echo "tests/coverage.sh: no $1 of LLVM $version: rustup component add llvm-tools, or apt install llvm-$version" >&2
	return 1
}
profdata=$(tool llvm-profdata)
cov=$(tool llvm-cov)
out=target/coverage
rm -rf "$out/profiles"
mkdir -p "$out/profiles"
export CARGO_TARGET_DIR=$out/build RUSTFLAGS="-C instrument-coverage" LLVM_PROFILE_FILE="$PWD/$out/profiles/%p-%m.profraw"
set -- --locked --lib --test dialogues
cargo test "$@"
programs=$(cargo test "$@" --no-run --message-format json 2>/dev/null | sed -n 's/.*"executable":"\([^"]*\)".*/--object \1/p')
"$profdata" merge -sparse "$out"/profiles/*.profraw -o "$out/profile"
# shellcheck disable=SC2086 # options
"$cov" export -summary-only -instr-profile "$out/profile" -ignore-filename-regex '/\.cargo/|/rustc/|/tests?[./]' $programs \
	>"$out/summary.json"
python3 - "$out/summary.json" <<'PYTHON'
import collections
import json
import sys

layers = ["net", "flow", "parse", "dpi", "hmm", "intel", "verdict", "engine"]
sums = collections.defaultdict(lambda: [0, 0, 0, 0])
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    _, found, path = file["filename"].partition("/src/")
    layer = path.split("/")[0].removesuffix(".rs")
    if found and layer in layers:
        for name in (layer, "together"):
            for at, kind in ((0, "lines"), (2, "functions")):
                sums[name][at] += file["summary"][kind]["covered"]
                sums[name][at + 1] += file["summary"][kind]["count"]
print(f"{'layer':10}{'lines':>8}{'run':>8}{'functions':>12}{'run':>8}")
for name in [*layers, "together"]:
    covered, lines, called, functions = sums[name]
    print(f"{name:10}{lines:>8}{100 * covered / max(lines, 1):>7.1f}%{functions:>12}{100 * called / max(functions, 1):>7.1f}%")
PYTHON
