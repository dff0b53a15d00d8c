#!/bin/sh
# openwrt/release.sh ADDRESS: what a release consists of, in target/publish/: the source as a tarball, the
# same bytes for the same commit, and net/minewall as it goes into the packages feed, with the tarball's
# hash and ADDRESS, the folder of the web that will have the tarball.
set -eu
cd "$(dirname "$0")/.."
address=${1:?the address that the tarball will have, without its name}
version=$(sed -n 's/^PKG_VERSION:=//p' openwrt/minewall/Makefile)
name=minewall-$version
out=target/publish
rm -rf "$out"
mkdir -p "$out/net"
git archive --format=tar "--prefix=$name/" HEAD | gzip -n9 >"$out/$name.tar.gz"
cp -R openwrt/minewall "$out/net/"
hash=$(sha256sum "$out/$name.tar.gz" | cut -d' ' -f1)
sed -i -e "s|^PKG_HASH:=.*|PKG_HASH:=$hash|" -e "s|^PKG_SOURCE_URL:=.*|PKG_SOURCE_URL:=$address|" "$out/net/minewall/Makefile"
ls -l "$out/$name.tar.gz"
