#!/bin/sh
# tests/deny.sh: cargo deny with deny.toml: licences, sources, repeated and yanked versions of all dependencies, and
# advisories. The registry does not serve the database of advisories (RustSec's, a git repository): it is fetched, or is
# the copy in the folder that ADVISORIES names. Where it can be had in neither way, that is said, and is no failure.
set -eu
cd "$(dirname "$0")/.."
command -v cargo-deny >/dev/null || cargo install --locked --quiet cargo-deny
cargo deny --all-features check bans licenses sources
database=https://github.com/RustSec/advisory-db
[ -z "${ADVISORIES:-}" ] || {
	GIT_CONFIG_COUNT=2
	GIT_CONFIG_KEY_0=url.file://$(realpath "$ADVISORIES").insteadOf
	GIT_CONFIG_VALUE_0=$database
	GIT_CONFIG_KEY_1=safe.directory
	GIT_CONFIG_VALUE_1=$(realpath "$ADVISORIES")
	export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GIT_CONFIG_KEY_1 GIT_CONFIG_VALUE_1
}
git ls-remote --quiet "$database" main >/dev/null 2>&1 || {
	echo "advisories not checked: their database can't be fetched here; ADVISORIES=FOLDER names a copy of it" >&2
	exit 0
}
cargo deny --all-features check advisories
