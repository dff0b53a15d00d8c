#!/bin/sh
# SPDX-License-Identifier: MIT

[ "$1" = minewall ] || exit 0

minewall --version | grep -F "minewall $2" || exit 1

# The installed configuration is good, says what the program's own default says, and gives rules.
minewall config | grep -F 'is fine' || exit 1
minewall config --default | cmp - /etc/config/minewall || exit 1
minewall rules | grep -F 'queue num' || exit 1

# A mistake is refused, with the line it is in.
printf "config minewall\n\toption queue 'many'\n" >/tmp/minewall-mistake
if minewall config --config /tmp/minewall-mistake 2>/tmp/minewall-said; then
	exit 1
fi
grep -F 'minewall-mistake:2' /tmp/minewall-said
