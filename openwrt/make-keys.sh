#!/bin/sh
# openwrt/make-keys.sh DIR: keys that sign feeds, the private ones for whoever publishes, the public ones
# for routers: minewall.sec and .pub for opkg (usign's and signify's format), minewall.pem and
# minewall.pub.pem for apk, on the curve that OpenWrt's own are on.
set -eu
umask 077
mkdir -p "$1"
cd "$1"
signify-openbsd -G -n -c minewall -p minewall.pub -s minewall.sec
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out minewall.pem
openssl pkey -in minewall.pem -pubout -out minewall.pub.pem
chmod 644 minewall.pub minewall.pub.pem
