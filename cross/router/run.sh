#!/bin/sh
# cross/router/run.sh [--quick] [TARGET...]: boots routers in full-system emulation and lets miners meet
# minewall on them: Debian's kernel for mipsel (malta, 24Kc, 128 MB), armv7 (virt, Cortex-A7, 128 MB),
# aarch64 (virt, Cortex-A53) and x86_64 (q35), Debian's busybox, nft, ip and socat, and the program of
# cross/build.sh with TLS. What `init` beside this file says on the serial console decides. --quick leaves
# the full flow table out.
set -eu
cd "$(dirname "$0")/../.."
DEADLINE_SECONDS=900
# The encrypted miner before the others, whose pools are asked, too: a network of servers is asked six times an hour.
SECTIONS="boot_to_block encrypted_miner plain_miners offload full_connection_table full_table failure"
work=$PWD/target/cross/router
# What the image is made of, besides the kernel: nft, ip and socat with the libraries that they name.
PACKAGES="busybox-static nftables libnftables1 libc6 libedit2 libgmp10 libjansson4 libmnl0 libnftnl11
	libxtables12 libbsd0 libmd0 libtinfo6 libgcc-s1 iproute2 libbpf1 libelf1 libcap2 libselinux1
	libpcre2-8-0 zlib1g socat libssl3 libwrap0 libnsl2 libtirpc3 libgssapi-krb5-2 libkrb5-3 libk5crypto3
	libcom-err2 libkrb5support0 libkeyutils1 libatomic1"
MODULES="crc32c_generic nf_tables nfnetlink_queue nft_queue nf_conntrack nft_ct nft_fib_inet nft_reject_inet nft_limit
	nf_flow_table nf_flow_table_inet nft_flow_offload veth"

install_tools() {
	missing=""
	for tool in "qemu-system-mipsel qemu-system-mips" "qemu-system-arm qemu-system-arm" "qemu-system-aarch64 qemu-system-arm" \
		"qemu-system-x86_64 qemu-system-x86" "cpio cpio" "xz xz-utils" "depmod kmod" "openssl openssl"; do
		# Only the emulators that are asked for.
		case $tool in
		qemu*) [ "${tool% *}" = "${machine%% *}" ] || continue ;;
		esac
		command -v "${tool% *}" >/dev/null || missing="$missing ${tool#* }"
	done
	# shellcheck disable=SC2086 # a list of packages
	tests/install-packages.sh $missing
}

# Debian's packages of another architecture, unpacked into $root; this machine's own apt is left alone.
fetch() {
	[ "$(cat "$root/fetched" 2>/dev/null)" != "$PACKAGES" ] || return 0
	rm -rf "$root" "$work/apt-$debian"
	mkdir -p "$root" "$work/apt-$debian/lists/partial" "$work/apt-$debian/archives/partial" "$work/apt-$debian/sources"
	# The release alone: lists that change daily are not always whole.
	[ ! -e /etc/apt/sources.list.d/debian.sources ] ||
		awk 'BEGIN { RS = ""; ORS = "\n\n" } !/-security/ { sub(/\nSuites:[^\n]*/, "\nSuites: bookworm"); print }' \
			/etc/apt/sources.list.d/debian.sources >"$work/apt-$debian/sources/debian.sources"
	[ ! -e /etc/apt/sources.list ] ||
		grep -E '^deb [^#]* bookworm ' /etc/apt/sources.list >"$work/apt-$debian/sources/debian.list" || true
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
	cross/try apt-get update -q --error-on=any >/dev/null || echo "not all of Debian's lists for $debian could be had" >&2
	image=$(apt-cache depends "$kernel" | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	# shellcheck disable=SC2086 # a list of packages
	(cd "$work/apt-$debian/archives" && "$OLDPWD/cross/try" apt-get download -q -o APT::Sandbox::User=root "$image" $PACKAGES >/dev/null)
	unset APT_CONFIG
	for package in "$work/apt-$debian/archives/"*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	printf '%s\n' "$PACKAGES" >"$root/fetched"
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
	cp "$root/bin/busybox" "$root/bin/ip" "$root/usr/sbin/nft" "$root/usr/bin/socat" "target/cross/$target/lab" \
		cross/router/pool cross/router/miner "$tree/bin/"
	cp "target/cross/$target/minewall-tls" "$tree/bin/minewall"
	cp cross/router/init "$tree/init"
	# shellcheck disable=SC2086 # a list
	printf '%s\n' $sections >"$tree/sections"
	# A miner's rhythm is no two times the same: what is shown is that a suspect's server is asked.
	# Two queues, though there is one core: the rules have a range.
	sed "s/#option sensitivity 'adaptive'/option sensitivity 'eager'/; s/#option queues '0'/option queues '2'/" \
		openwrt/minewall/files/minewall.conf >"$tree/etc/config/minewall"
	grep -q "^	option sensitivity 'eager'" "$tree/etc/config/minewall"
	grep -q "^	option queues '2'" "$tree/etc/config/minewall"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=pool.example \
		-keyout "$tree/tls.pem" -out "$tree/certificate" 2>/dev/null
	cat "$tree/certificate" >>"$tree/tls.pem"
	for program in nft ip socat; do copy_libraries "$tree/bin/$program"; done
	loader=$(readelf -l "$tree/bin/nft" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
	mkdir -p "$tree$(dirname "$loader")"
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
	timeout "$DEADLINE_SECONDS" $machine -accel tcg -kernel "$root/boot/vmlinuz-$version" -initrd "$work/$debian.cpio.gz" \
		-append "console=$serial rdinit=/init quiet panic=-1" -nographic -vga none -no-reboot -nic none \
		</dev/null >"$console" 2>&1 || true
	tr -d '\r' <"$console" | grep -aE '^(boot|ok|not ok|memory|with|passed)|panic' || true
	grep -aE '^passed [0-9]+, failed 0' "$console" >/dev/null || {
		tail -n 40 "$console" >&2
		echo "$target: see $console" >&2
		exit 1
	}
}

sections=$SECTIONS
[ "${1:-}" != --quick ] || {
	sections=$(echo "$SECTIONS" | sed 's/ full_table//')
	shift
}
[ $# -gt 0 ] || set -- mipsel armv7 aarch64 x86_64
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
	aarch64)
		debian=arm64 kernel=linux-image-arm64 serial=ttyAMA0
		machine="qemu-system-aarch64 -M virt -cpu cortex-a53 -m 256"
		;;
	x86_64)
		debian=amd64 kernel=linux-image-amd64 serial=ttyS0
		machine="qemu-system-x86_64 -M q35 -cpu qemu64 -m 256"
		;;
	*)
		echo "no router for '$target'; there are: mipsel armv7 aarch64 x86_64" >&2
		exit 1
		;;
	esac
	root=$work/root-$debian
	install_tools
	fetch
	cross/build.sh --for-emulation "$target"
	make_image
	echo "router $target: $machine"
	boot
done
