#!/bin/sh
# tests/install-packages.sh PACKAGE...: installs them, on Debian and as root; elsewhere it says that they are
# missing, and exits with 3.
[ $# -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "not installed: $*" >&2
	exit 3
fi
echo "installing: $*"
{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } >/dev/null
