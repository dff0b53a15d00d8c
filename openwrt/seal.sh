#!/bin/sh
# openwrt/seal.sh FOLDER [KEYS]: writes FOLDER/SHA256SUMS, the checksum of each file of a release, and, if a folder of
# keys is named (openwrt/make-keys.sh), SHA256SUMS.sig, its signature by the key that signs the feeds of opkg.
set -eu
key=${2:+$(realpath "$2")/minewall.sec}
cd "$1"
rm -f SHA256SUMS SHA256SUMS.sig
find . -type f ! -path ./SHA256SUMS -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS
[ -z "$key" ] || signify-openbsd -S -s "$key" -m SHA256SUMS -x SHA256SUMS.sig
