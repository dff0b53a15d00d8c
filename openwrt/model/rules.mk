# What OpenWrt's rules.mk gives a package, as far as ours asks: openwrt/pack.py reads the Makefile of
# the feed through this and the two files beside it, so that there is one description of a package.
#
# METADATA: the folder that takes fields and scripts. ROOT: the folder that takes the files.

INCLUDE_DIR:=$(TOPDIR)
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600

all:
