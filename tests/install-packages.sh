#!/bin/sh
# tests/install-packages.sh PACKAGE...: installs them, on Debian and as root; elsewhere it says that they are
# missing, and exits with 3.
[ $# -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "not installed: $*" >&2
	exit 3
fi
echo "installing: $*"
# Networks fail now and then; and lists that came but in part are no error, but lack packages.
for pause in 5 20 0; do
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null && exit 0
	sleep "$pause"
done
exit 1
