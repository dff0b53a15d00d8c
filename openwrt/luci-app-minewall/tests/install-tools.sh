#!/bin/sh
# Installs what the tests of the pages run, on Debian and as root; elsewhere it says what is missing. Does
# nothing where everything is there.
missing=""
command -v python3 >/dev/null || missing="$missing python3"
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || missing="$missing chromium-headless-shell"
# Without any font a page has no widths to test.
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing="$missing fonts-dejavu-core"
# shellcheck disable=SC2086 # a list of packages
exec "${0%/*}/../../../tests/install-packages.sh" $missing
