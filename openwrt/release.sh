#!/bin/sh
# openwrt/release.sh ADDRESS [FOLDER]: what a release consists of beside the packages, in target/publish/ or FOLDER: the
# source as a tarball, the same bytes for the same commit, and net/minewall as it goes into the packages feed, with the
# tarball's hash and ADDRESS, the folder of the web that will have the tarball. SHA256SUMS has the checksum of each file;
# with keys in MINEWALL_KEYS or target/keys it is signed.
set -eu
cd "$(dirname "$0")/.."
address=${1:?the address that the tarball will have, without its name}
version=$(sed -n 's/^PKG_VERSION:=//p' openwrt/minewall/Makefile)
name=minewall-$version
out=${2:-target/publish}
keys=${MINEWALL_KEYS:-target/keys}
rm -rf "$out"
mkdir -p "$out/net"
git archive --format=tar "--prefix=$name/" HEAD | gzip -n9 >"$out/$name.tar.gz"
cp -R openwrt/minewall "$out/net/"
hash=$(sha256sum "$out/$name.tar.gz" | cut -d' ' -f1)
sed -i -e "s|^PKG_HASH:=.*|PKG_HASH:=$hash|" -e "s|^PKG_SOURCE_URL:=.*|PKG_SOURCE_URL:=$address|" "$out/net/minewall/Makefile"
if [ -e "$keys/minewall.sec" ]; then
	cp "$keys/minewall.pub" "$out/"
	openwrt/seal.sh "$out" "$keys"
else
	echo "no keys in $keys (openwrt/make-keys.sh makes them): SHA256SUMS is not signed" >&2
	openwrt/seal.sh "$out"
fi
cat "$out/SHA256SUMS"
