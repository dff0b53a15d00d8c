//! What `openwrt/` repeats of the program: its default configuration and its version.
//!
//! `MINEWALL_BLESS=1 cargo test --test openwrt` writes the configuration anew.

use std::fs;
use std::path::PathBuf;

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openwrt/minewall")
}

#[test]
fn the_package_brings_the_default_configuration() {
    let file = package().join("files/minewall.conf");
    let default = minewall::config::default_file();
    if std::env::var_os("MINEWALL_BLESS").is_some() {
        fs::write(&file, &default).expect("the repository is writable");
    }
    assert_eq!(
        fs::read_to_string(&file).expect("it is in the repository"),
        default,
        "if meant: MINEWALL_BLESS=1"
    );
}

#[test]
fn the_package_has_the_programs_version_and_profile() {
    let makefile = fs::read_to_string(package().join("Makefile")).expect("it is in the repository");
    assert!(makefile.contains(concat!("\nPKG_VERSION:=", env!("CARGO_PKG_VERSION"), "\n")));
    assert!(makefile.contains("\nCARGO_PKG_PROFILE:=router\n"));
}
