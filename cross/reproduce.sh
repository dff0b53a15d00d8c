#!/bin/sh
# cross/reproduce.sh [TARGET...]: builds once more, in another folder from another copy of the crates, and
# compares: the same bytes, or it fails. mipsel if none is named.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- mipsel
# The other folder is no repository.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
cross/build.sh "$@"
other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
mkdir -p "$other/elsewhere/target/cross"
git ls-files -z | xargs -0 cp --parents -t "$other/elsewhere"
# The toolchain is the same one.
cp -a target/cross/python "$other/elsewhere/target/cross/"
cargo_home=${CARGO_HOME:-$HOME/.cargo}
CARGO_HOME=$other/crates
export CARGO_HOME
mkdir "$CARGO_HOME"
# Where crates are fetched from is no part of the build.
for file in config.toml config; do
	[ ! -e "$cargo_home/$file" ] || cp "$cargo_home/$file" "$CARGO_HOME/"
done
"$other/elsewhere/cross/build.sh" "$@"
for target; do
	cmp "target/cross/$target/minewall" "$other/elsewhere/target/cross/$target/minewall"
	echo "$target: twice the same $(wc -c <"target/cross/$target/minewall") bytes"
	! grep -aF -e "$PWD" -e "$HOME" "target/cross/$target/minewall" >/dev/null || {
		echo "$target: a path of this machine is in the program" >&2
		exit 1
	}
done
