//! The devices of the firewall's zones, as firewall4 knows them at the moment.

use std::process::Command;

use minewall::config::Config;

/// Adds the devices of the zones in `config` to those that are watched. A zone without a device is said; rules are made
/// anew whenever an interface comes up.
pub(super) fn resolve(config: &mut Config) {
    for zone in config.watch_zones.clone() {
        // As `fw4 zone` does, without its lock: firewall4 holds that one while it runs the include that asks for rules.
        let mut lookup = Command::new("utpl");
        lookup.args(["-S", FW4]).env("ACTION", "zone").env("OBJECT", zone.as_str());
        match lookup.output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let devices: Vec<_> = text.split_whitespace().filter_map(|name| name.parse().ok()).collect();
                if devices.is_empty() {
                    eprintln!("minewall: zone '{zone}' has no device now: nothing of it is watched");
                }
                config.watch_interfaces.extend(devices);
            }
            Err(error) => {
                eprintln!("minewall: zone '{zone}' is not watched: firewall4 can't be asked: {error}")
            }
        }
    }
    config.watch_interfaces.sort_unstable();
    config.watch_interfaces.dedup();
}

/// firewall4's program, in ucode.
const FW4: &str = "/usr/share/firewall4/main.uc";
