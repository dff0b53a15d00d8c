//! What `openwrt/` repeats of the program: its default configuration, its table of options and its version.
//!
//! `MINEWALL_BLESS=1 cargo test --test openwrt` writes the first two anew.

use std::fs;
use std::path::PathBuf;

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openwrt/minewall")
}

fn holds(name: &str, text: &str) {
    let file = package().join("files").join(name);
    if std::env::var_os("MINEWALL_BLESS").is_some() {
        fs::write(&file, text).expect("the repository is writable");
    }
    assert_eq!(
        fs::read_to_string(&file).expect("it is in the repository"),
        text,
        "if meant: MINEWALL_BLESS=1"
    );
}

#[test]
fn the_package_brings_the_default_configuration() {
    holds("minewall.conf", &minewall::config::default_file());
}

#[test]
#[cfg(feature = "host")]
fn the_package_validates_by_the_daemons_table() {
    holds("minewall.validate", &minewall::config::validation::script());
}

#[test]
fn the_package_has_the_programs_version_and_profile() {
    let makefile = fs::read_to_string(package().join("Makefile")).expect("it is in the repository");
    assert!(makefile.contains(concat!("\nPKG_VERSION:=", env!("CARGO_PKG_VERSION"), "\n")));
    assert!(makefile.contains("\nCARGO_PKG_PROFILE:=router\n"));
}
