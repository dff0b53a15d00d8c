# The program is built already, by cross/: no architecture is excluded here.

RUST_ARCH_DEPENDS:=
CARGO_PKG_ARGS:=
CARGO_PKG_PROFILE:=release
RustBinPackage=
