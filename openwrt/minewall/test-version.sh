#!/bin/sh
# SPDX-License-Identifier: MIT

[ "$1" = minewall ] || exit 0
[ "$(minewall --version)" = "minewall $2" ]
