//! The files of `openwrt/` that follow from the program: default configuration, validation, the options of the
//! settings page, the reference of all options, and the version.
//!
//! `MINEWALL_BLESS=1 cargo test --test openwrt` writes all but the last.

use std::fs;
use std::path::PathBuf;

#[cfg(feature = "host")]
use minewall::config::schema;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openwrt")
}

fn holds(name: &str, text: &str) {
    let file = folder().join(name);
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
    holds("minewall/files/minewall.conf", &minewall::config::default_file());
}

#[test]
#[cfg(feature = "host")]
fn the_package_validates_by_the_daemons_table() {
    holds("minewall/files/minewall.validate", &schema::validation());
}

#[test]
#[cfg(feature = "host")]
fn the_settings_page_has_the_daemons_options() {
    let module = "luci-app-minewall/htdocs/luci-static/resources/minewall/options.js";
    holds(module, &schema::settings_page());
}

#[test]
#[cfg(feature = "host")]
fn the_reference_has_the_daemons_options() {
    holds("OPTIONS.md", &schema::reference());
}

/// What `validate_data` of OpenWrt's ubox makes of `value`, as far as our types go.
#[cfg(feature = "host")]
fn is_valid(datatype: &str, value: &str) -> bool {
    let (name, arguments) = datatype.split_once('(').unwrap_or((datatype, ""));
    let mut arguments = arguments.trim_end_matches(')').split(',');
    let mut number = || arguments.next()?.parse::<u64>().ok();
    match name {
        "or" => arguments.any(|one| is_valid(one, value)),
        "bool" => ["0", "off", "false", "no", "1", "on", "true", "yes"].contains(&value),
        "range" => {
            let (min, max) = (number(), number());
            value.parse().is_ok_and(|value: u64| Some(value) >= min && Some(value) <= max)
        }
        "maxlength" => Some(value.len() as u64) <= number(),
        "list" | "string" => true,
        word => word.trim_matches('"') == value,
    }
}

/// Both say the same of numbers and words. Of paths and addresses the daemon alone says all, and the
/// other refuses nothing that it takes.
#[test]
#[cfg(feature = "host")]
fn the_validation_agrees_with_the_daemon() {
    let script = schema::validation();
    let mut options = 0;
    for line in script.lines().filter_map(|line| line.trim().strip_prefix('\'')) {
        let (name, rest) = line.split_once(':').expect("a name");
        let datatype = rest.trim_end_matches(['\\', ' ', '\'']).split(':').next().expect("a type");
        let mut values =
            vec!["0", "1", "2", "yes", "off", "enabled", "never", "-1", "1.5", "/a", "a b", "192.0.2.1"];
        let edges: Vec<String> = datatype
            .split(['(', ',', ')'])
            .filter_map(|word| word.parse::<u64>().ok())
            .flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1])
            .map(|number| number.to_string())
            .collect();
        values.extend(edges.iter().map(String::as_str));
        values.extend(
            datatype.split(['(', ',', ')']).filter_map(|word| word.strip_prefix('"')?.strip_suffix('"')),
        );
        let long = format!("/{}", "a".repeat(107));
        values.push(&long);
        for value in values {
            let text = format!("config minewall\n\toption {name} '{value}'\n");
            let is_taken = minewall::config::parse(std::path::Path::new("test"), text.as_bytes()).is_ok();
            let is_valid = is_valid(datatype, value);
            let is_exact = datatype.starts_with("or(") || datatype.starts_with("range(");
            assert!(
                is_taken == is_valid || (is_valid && !is_exact),
                "{name} '{value}': {is_taken}, {is_valid}"
            );
        }
        options += 1;
    }
    assert_eq!(options, minewall::config::options::OPTIONS.len());
}

/// The options of a section that a script reads, and the program's own list of them.
#[test]
fn the_options_of_the_scripts_are_known() {
    let read = |name: &str| {
        let file = folder().join("minewall/files").join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let notifiers: String = ["common.sh", "mail", "mqtt", "notifiers", "ntfy", "telegram", "webhook"]
        .map(|name| read(&format!("notifiers/{name}")))
        .concat();
    let fleet = read("fleet/minewall-fleet") + &read("fleet/minewall-fleet.init");
    // The word behind a call that reads an option, and its place among the words of the call.
    let calls = [("setting", 1), ("needed", 1), ("option", 1), ("config_get", 3), ("config_get_bool", 3)];
    for (section, text) in
        [("feed", read("minewall-update-lists")), ("fleet", fleet), ("notifier", notifiers)]
    {
        let mut options = 0;
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let words: Vec<&str> =
                line.split([' ', '\t', '(', ')', ';', '"', '`']).filter(|word| !word.is_empty()).collect();
            for (at, word) in words.iter().enumerate() {
                let Some((_, place)) = calls.iter().find(|(call, _)| call == word) else { continue };
                let Some(name) = words.get(at + place) else { continue };
                if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                    continue;
                }
                options += 1;
                let config = format!("config minewall main\nconfig {section} x\n\toption {name} '1'\n");
                let loaded =
                    minewall::config::parse(std::path::Path::new("test"), config.as_bytes()).expect("good");
                assert_eq!(loaded.warnings, [], "{section}: {line}");
            }
        }
        assert!(options > 4, "{section}: {options}");
    }
}

#[test]
fn the_package_has_the_programs_version_and_profile() {
    let makefile = fs::read_to_string(folder().join("minewall/Makefile")).expect("it is in the repository");
    assert!(makefile.contains(concat!("\nPKG_VERSION:=", env!("CARGO_PKG_VERSION"), "\n")));
    assert!(makefile.contains("\nCARGO_PKG_PROFILE:=router\n"));
}
