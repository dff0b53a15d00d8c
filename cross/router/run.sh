#!/bin/sh
# cross/router/run.sh [TARGET...]: boots a router in full-system emulation and lets a miner meet minewall on
# it: Debian's kernel for mipsel (malta, 24Kc, 128 MB) or armv7 (virt, Cortex-A7), Debian's busybox, nft and
# ip, and the program of cross/build.sh. What `init` beside this file says on the serial console decides.
set -eu
cd "$(dirname "$0")/../.."
DEADLINE_SECONDS=600
work=$PWD/target/cross/router
# What the image is made of, besides the kernel: nft and ip with the libraries that they name.
PACKAGES="busybox-static nftables libnftables1 libc6 libedit2 libgmp10 libjansson4 libmnl0 libnftnl11
	libxtables12 libbsd0 libmd0 libtinfo6 libgcc-s1 iproute2 libbpf1 libelf1 libcap2 libselinux1
	libpcre2-8-0 zlib1g"
MODULES="crc32c_generic nf_tables nfnetlink_queue nft_queue nf_conntrack nft_ct nft_reject_inet nft_limit
	veth"

install_tools() {
	missing=""
	command -v qemu-system-mipsel >/dev/null || missing="$missing qemu-system-mips"
	command -v qemu-system-arm >/dev/null || missing="$missing qemu-system-arm"
	command -v cpio >/dev/null || missing="$missing cpio"
	command -v xz >/dev/null || missing="$missing xz-utils"
	command -v depmod >/dev/null || missing="$missing kmod"
	[ -z "$missing" ] && return
	# shellcheck disable=SC2086 # a list of packages
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >/dev/null
}

# Debian's packages of another architecture, unpacked into $root; this machine's own apt is left alone.
fetch() {
	[ ! -e "$root/fetched" ] || return 0
	rm -rf "$root" "$work/apt-$debian"
	mkdir -p "$root" "$work/apt-$debian/lists/partial" "$work/apt-$debian/archives/partial" "$work/apt-$debian/sources"
	for sources in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		[ ! -e "$sources" ] || cp "$sources" "$work/apt-$debian/sources/$(basename "$sources" | sed 's/^sources.list$/debian.list/')"
	done
	: >"$work/apt-$debian/status"
	cat >"$work/apt-$debian/apt.conf" <<-EOF
		APT::Architecture "$debian";
		APT::Architectures { "$debian"; };
		Dir::State "$work/apt-$debian";
		Dir::State::status "$work/apt-$debian/status";
		Dir::Cache "$work/apt-$debian";
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$work/apt-$debian/sources";
	EOF
	export APT_CONFIG="$work/apt-$debian/apt.conf"
	apt-get update -q >/dev/null || echo "not all of Debian's lists for $debian could be had" >&2
	image=$(apt-cache depends "$kernel" | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	# shellcheck disable=SC2086 # a list of packages
	(cd "$work/apt-$debian/archives" && apt-get download -q -o APT::Sandbox::User=root "$image" $PACKAGES >/dev/null)
	unset APT_CONFIG
	for package in "$work/apt-$debian/archives/"*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	touch "$root/fetched"
}

# The file of Debian's that an image's path comes from; libraries may lie in either folder.
found() {
	find "$root/lib" "$root/usr/lib" -name "$1" -not -path '*/modules/*' | head -n 1
}

# Copies the libraries that program $1 names, and theirs.
copy_libraries() {
	for library in $(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		[ ! -e "$tree/lib/$library" ] || continue
		cp -L "$(found "$library")" "$tree/lib/"
		copy_libraries "$tree/lib/$library"
	done
}

# Copies module $1 after those that it needs, and lists it.
copy_module() {
	file=$(sed -n "s|^\(.*/$1\.ko[.xz]*\):.*|\1|p" "$modules/modules.dep")
	[ -n "$file" ] || return 0 # built in
	# shellcheck disable=SC2013 # words are meant
	for needed in $(sed -n "s|^$file:||p" "$modules/modules.dep"); do
		copy_module "$(basename "$needed" | sed 's/\.ko.*//')"
	done
	file=$(sed -n "s|^\(.*/$1\.ko[.xz]*\):.*|\1|p" "$modules/modules.dep")
	[ ! -e "$tree/modules/$1.ko" ] || return 0
	case $file in
	*.xz) xz -dc "$modules/$file" >"$tree/modules/$1.ko" ;;
	*) cp "$modules/$file" "$tree/modules/" ;;
	esac
	echo "/modules/$1.ko" >>"$tree/modules/list"
}

make_image() {
	tree=$work/tree-$debian
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/lib" "$tree/sbin" "$tree/modules" "$tree/etc/config"
	cp "$root/bin/busybox" "$root/bin/ip" "$root/usr/sbin/nft" "target/cross/$target/minewall" "$tree/bin/"
	cp cross/router/init "$tree/init"
	cp openwrt/minewall/files/minewall.conf "$tree/etc/config/minewall"
	for program in nft ip; do copy_libraries "$tree/bin/$program"; done
	loader=$(readelf -l "$tree/bin/nft" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
	cp -L "$(found "$(basename "$loader")")" "$tree$loader"
	version=$(ls "$root/lib/modules")
	modules=$root/lib/modules/$version
	depmod -b "$root" "$version"
	for module in $MODULES; do copy_module "$module"; done
	(cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/$debian.cpio.gz"
}

boot() {
	console=$work/$debian.console
	# shellcheck disable=SC2086 # a command with options
	timeout "$DEADLINE_SECONDS" $machine -kernel "$root/boot/vmlinuz-$version" -initrd "$work/$debian.cpio.gz" \
		-append "console=$serial rdinit=/init quiet panic=-1" -nographic -vga none -no-reboot -nic none \
		</dev/null >"$console" 2>&1 || true
	tr -d '\r' <"$console" | grep -aE '^(boot|ok|not ok|memory|passed)|panic' || true
	grep -aE '^passed [0-9]+, failed 0' "$console" >/dev/null || {
		echo "$target: see $console" >&2
		exit 1
	}
}

[ $# -gt 0 ] || set -- mipsel armv7
install_tools
for target; do
	case $target in
	mipsel)
		debian=mipsel kernel=linux-image-4kc-malta serial=ttyS0
		machine="qemu-system-mipsel -M malta -cpu 24Kc -m 128"
		;;
	armv7)
		debian=armhf kernel=linux-image-armmp serial=ttyAMA0
		machine="qemu-system-arm -M virt -cpu cortex-a7 -m 128"
		;;
	*)
		echo "no router for '$target'; there are: mipsel armv7" >&2
		exit 1
		;;
	esac
	root=$work/root-$debian
	[ -e "target/cross/$target/minewall" ] || cross/build.sh "$target"
	fetch
	make_image
	boot
done
