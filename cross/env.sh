# shellcheck shell=sh
# Sourced in the root of the repository by the scripts beside it: the targets, and the environment in
# which cargo builds for one.

cross=$PWD/cross
# Debian's cargo and rustc before any other.
PATH=/usr/bin:/bin:/usr/sbin:/sbin
MINEWALL_PYTHON=$PWD/target/cross/python/bin/python
CARGO_TARGET_DIR=$PWD/target/cross/cargo
# build-std is an unstable option; the compiler is a stable one.
RUSTC_BOOTSTRAP=1
export PATH MINEWALL_PYTHON CARGO_TARGET_DIR RUSTC_BOOTSTRAP
# What would change the bytes.
unset RUSTC RUSTC_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CFLAGS

# The names of all targets.
target_names() {
	awk '!/^#/ && NF { print $1 }' "$cross/targets"
}

# Reads the line of target $1 into name, triple, emulator, panic, budget, tls_budget, and sets up cargo for it.
choose_target() {
	line=$(awk -v name="$1" '$1 == name' "$cross/targets")
	[ -n "$line" ] || {
		echo "no target '$1'; there are: $(target_names | tr '\n' ' ')" >&2
		exit 1
	}
	# shellcheck disable=SC2034 # the sourcing scripts read them
	read -r name triple ZIG_TARGET ZIG_CPU emulator panic budget tls_budget <<-EOF
		$line
	EOF
	emulator=$(echo "$emulator" | tr , ' ')
	export ZIG_TARGET ZIG_CPU
	upper=$(echo "$triple" | tr a-z- A-Z_)
	lower=$(echo "$triple" | tr - _)
	export "CARGO_TARGET_${upper}_LINKER=$cross/cc" "CC_$lower=$cross/cc" "AR_$lower=$cross/ar"
	# A static-pie of zig's crashes on MIPS; zig brings the start files.
	flags="-C target-feature=+crt-static -C relocation-model=static -C link-self-contained=no"
	case $name in
	# 25 KB: addresses that cost one instruction each are not computed ahead of a loop, for there are more of
	# them than registers; and a branch's delay slot may be filled from where the branch goes.
	mips*) flags="$flags -C llvm-args=-disable-machine-licm -C llvm-args=-disable-mips-df-succbb-search=false" ;;
	# Thumb-2, which every ARMv7 has: instructions of two bytes where they do. What stands in several functions
	# becomes a function of its own, 10 KB.
	arm*) flags="$flags -C target-feature=+thumb-mode -C llvm-args=-enable-machine-outliner=always" ;;
	esac
}

# Builds for the chosen target as routers want it; the arguments say what. cargo must have fetched everything.
build_router() {
	case $panic in
	silent) on_panic=" -C panic=immediate-abort -Z unstable-options" ;;
	*) on_panic="" ;;
	esac
	# No unwinding, so no tables for it. No text of Debug: what people read is written with Display.
	export "CARGO_TARGET_${upper}_RUSTFLAGS=$flags$on_panic -C force-unwind-tables=no -Z fmt-debug=none$(remapped_paths)"
	LEAN=$cross/lean.c \
		cargo build --locked --no-default-features --profile router --target "$triple" \
		-Z build-std=std,panic_abort -Z build-std-features=optimize_for_size "$@"
}

# The bytes of a program must not depend on where it was built: paths in the messages of panics are cut.
remapped_paths() {
	printf ' --remap-path-prefix=%s=minewall' "$PWD"
	for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
		printf ' --remap-path-prefix=%s=crates/' "$folder"
	done
	printf ' --remap-path-prefix=%s=rust' "$(realpath /usr/lib/rustlib/src/rust)" /usr/lib/rustlib/src/rust
}
