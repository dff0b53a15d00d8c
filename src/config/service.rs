//! The part of a configuration that the init script needs, so that it need not read the file itself.

use std::path::Path;

use super::Config;

/// The lines of `minewall config --service`, each a word and its value:
///
/// | word | value |
/// |---|---|
/// | `enabled` | 0 or 1 |
/// | `fixed` | the options that a running daemon can't change, as one text to compare |
/// | `read` | a file that it reads and that may be missing |
/// | `file` | a file that it reads and another program writes: it must be there for a jail to show it |
/// | `folder` | a directory that it reads |
/// | `write` | a directory that it writes to |
///
/// The last four are what a jail has to show it, besides its own.
pub fn describe(config: &Config) -> String {
    let mut text = format!("enabled {}\nfixed {}\n", u8::from(config.enabled), fixed(config));
    let lists = config.intel_lists.iter().chain(&config.signatures);
    let mut reads: Vec<&Path> = lists.map(AsRef::as_ref).collect();
    reads.push(&config.model);
    // odhcpd replaces its file, and a jail shows the old one for ever: it has to show the folder. All of /tmp is too
    // much, and dnsmasq, whose file is there, writes in place.
    let leases = || config.leases_files.iter().map(AsRef::as_ref);
    let mut files: Vec<&Path> = leases().filter(|file| own_folder(file).is_none()).collect();
    let folders = config.intel_lists.iter().chain(&config.signatures).map(AsRef::as_ref);
    let mut folders: Vec<&Path> = folders.chain(leases().filter_map(own_folder)).collect();
    let mut writes: Vec<&Path> = [
        &config.control_socket,
        &config.event_log,
        &config.probe_cache,
        &config.reputation_file,
        &config.hosts_file,
    ]
    .iter()
    .filter_map(|path| path.parent())
    .collect();
    let all = [("read", &mut reads), ("file", &mut files), ("folder", &mut folders), ("write", &mut writes)];
    for (word, paths) in all {
        paths.sort_unstable();
        paths.dedup();
        for path in paths.iter().filter(|path| !path.as_os_str().is_empty()) {
            text += &format!("{word} {}\n", path.display());
        }
    }
    text
}

/// The folder of `file`, unless it is one of the root's, which many programs use.
fn own_folder(file: &Path) -> Option<&Path> {
    let folder = file.parent()?;
    folder.parent()?.parent()?;
    Some(folder)
}

fn fixed(config: &Config) -> String {
    let Config { queue_length, copy_range, max_flows, mark, control_socket, .. } = config;
    let queues = config.queue_numbers();
    let (first, last) = (queues.start(), queues.end());
    format!(
        "{first}-{last} {queue_length} {copy_range} {max_flows} {:#x} {}",
        mark.mask(),
        control_socket.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::{Form, Shape};
    use crate::config::options::OPTIONS;

    fn described(text: &str) -> String {
        describe(&crate::config::parse(Path::new("test"), text.as_bytes()).expect(text).config)
    }

    #[test]
    fn every_path_is_told_whatever_it_is_set_to() {
        let is_path = |shape| matches!(shape, Shape::Path | Shape::List(Form::Path));
        for option in OPTIONS.iter().filter(|option| is_path(option.kind.shape())) {
            let text = described(&format!("config minewall\noption {} '/else/where'\n", option.name));
            let is_told =
                ["\nread /else/where\n", "\nfile /else/where\n", "\nfolder /else/where\n", "\nwrite /else\n"]
                    .iter()
                    .any(|line| text.contains(line));
            assert!(is_told, "{}: {text}", option.name);
        }
    }

    #[test]
    fn a_file_that_is_replaced_is_shown_by_its_folder() {
        let text = described("config minewall\nlist leases_file '/tmp/a'\nlist leases_file '/tmp/hosts/b'\n");
        assert!(text.contains("\nfile /tmp/a\n") && text.contains("\nfolder /tmp/hosts\n"), "{text}");
        assert!(!text.contains("\nfolder /tmp\n"));
    }

    #[test]
    fn what_needs_another_start_is_told_and_nothing_else() {
        let usual = described("config minewall\n");
        let fixed = |text: &str| text.lines().find(|line| line.starts_with("fixed ")).map(str::to_owned);
        for (option, is_fixed) in [
            ("queue 7", true),
            ("queues 7", true),
            ("queue_length 16", true),
            ("copy_range 128", true),
            ("max_flows 256", true),
            ("mark_bit 3", true),
            ("control_socket /a/b", true),
            ("mode monitor", false),
            ("enabled 0", false),
            ("probe 0", false),
        ] {
            let other = described(&format!("config minewall\noption {option}\n"));
            assert_eq!(fixed(&other) != fixed(&usual), is_fixed, "{option}");
        }
        assert!(
            usual.starts_with("enabled 1\n")
                && described("config minewall\noption enabled 0\n").starts_with("enabled 0\n")
        );
    }
}
