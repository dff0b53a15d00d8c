#!/bin/sh
# openwrt/make-keys.sh DIR: keys that sign feeds, the private ones for whoever publishes, the public ones
# for routers: minewall.sec and .pub for opkg (usign's and signify's format), minewall.pem and
# minewall.rsa.pub for apk.
set -eu
umask 077
mkdir -p "$1"
cd "$1"
signify-openbsd -G -n -c minewall -p minewall.pub -s minewall.sec
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out minewall.pem
openssl pkey -in minewall.pem -pubout -out minewall.rsa.pub
chmod 644 minewall.pub minewall.rsa.pub
