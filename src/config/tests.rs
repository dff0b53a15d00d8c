//! The configuration file, read whole.

use super::*;
use core::time::Duration;

fn read(text: &str) -> Result<Loaded, String> {
    parse(Path::new("minewall.conf"), text.as_bytes()).map_err(|complaint| complaint.to_string())
}

fn refused(option_line: &str) -> String {
    read(&format!("config minewall 'main'\n{option_line}\n")).expect_err(option_line)
}

#[test]
fn the_default_file_says_the_defaults() {
    let text = default_file();
    let bare = text.replace("\t#option", "\toption").replace("\t#list", "\tlist");
    assert_ne!(text, bare);
    for text in ["config minewall", &text, &bare] {
        assert_eq!(read(text), Ok(Loaded { config: Config::default(), warnings: vec![] }), "{text}");
    }
}

#[test]
fn values_reach_their_fields() {
    let loaded = read(
        "config minewall\n option enabled no\n option mode 'monitor'\n option max_flows 256\n option mark_bit 8\n\
         list allow_host 192.168.1.0/24\n list allow_host '02:00:5e:10:00:01'\n\
         option leases_file '/a /b'\n option flow_idle 60\n option flow_idle 120\n option queue ''\n",
    )
    .expect("a good file");
    let config = loaded.config;
    assert!(!config.enabled);
    assert_eq!((config.mode, config.max_flows), (Mode::Monitor, 256));
    assert_eq!(config.mark.mask(), 0x700);
    assert_eq!(config.exempt_hosts.len(), 2);
    assert_eq!(config.leases_files, [Path::new("/a"), Path::new("/b")]);
    assert_eq!(config.flow_idle, Duration::from_secs(120));
    assert_eq!(config.queue, limits::QUEUE_NUMBER_DEFAULT);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_sensitivity_is_chosen_by_its_name() {
    for sensitivity in crate::hmm::threshold::Sensitivity::ALL {
        let text = format!("config minewall\n option sensitivity '{}'\n", sensitivity.name());
        assert_eq!(read(&text).map(|loaded| loaded.config.sensitivity), Ok(Some(sensitivity)), "{text}");
    }
}

#[test]
fn a_refusal_names_file_line_option_and_range() {
    for (line, complaint) in [
        ("option max_flows '99'", "option 'max_flows': '99' is out of range 256..524288 flows"),
        ("option max_flows 'many'", "option 'max_flows': 'many' is not 256..524288 flows"),
        ("option queue -1", "option 'queue': '-1' is not 0..65535"),
        ("option mode 'drop'", "option 'mode': 'drop' is not block|monitor"),
        ("option enabled 2", "option 'enabled': '2' is not 0 or 1"),
        ("list mode block", "option 'mode' takes one value, not a list: block|monitor"),
        (
            "option event_log \"a\tb\"",
            "option 'event_log': 'a\\tb' is not an absolute path of at most 107 bytes",
        ),
    ] {
        assert_eq!(refused(line), format!("minewall.conf:2: {complaint}"));
    }
    assert!(
        refused("list allow_host ::/0\nlist allow_host pool")
            .starts_with("minewall.conf:3: option 'allow_host'")
    );
    assert!(refused("list allow_host a\n").contains("02:00:5e:10:00:01"));
    assert!(refused(&"list allow_host ::1\n".repeat(257)).contains("more than 256 entries"));
    assert!(refused("option mode 'a").starts_with("minewall.conf:2: this quote is never closed"));
    assert!(read("option mode block").expect_err("no section").starts_with("minewall.conf:1: "));
    assert!(read(&"#".repeat(70_000)).expect_err("too large").starts_with("minewall.conf: larger"));
    assert!(refused(&format!("option mode {}", "é".repeat(999))).len() < 250);
}

#[test]
fn sections_for_scripts_are_theirs() {
    let text = "config feed x\n option url y\nconfig minewall main\n option mode monitor\nconfig fleet z\n option host w\n";
    let loaded = read(text).expect("good");
    assert_eq!((loaded.warnings, loaded.config.mode), (vec![], Mode::Monitor));
    // A misspelt option of theirs is told, too.
    let text = "config feed x\n option ulr y\nconfig notifier p\n option type ntfy\n option colour red\nconfig minewall main\n";
    let warnings: Vec<String> = read(text).expect("good").warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "minewall.conf:2: unknown option 'ulr' is ignored; 'url' is probably meant",
            "minewall.conf:5: unknown option 'colour' is ignored",
        ]
    );
}

#[test]
fn what_is_unknown_is_a_warning() {
    let text = "config other\n option mode 3\nconfig fleet\n option host x\nconfig minewall main\n option colour red\nconfig minewall two\n option \
                mode x\nconfig minewall main\n option mode monitor\n";
    let loaded = read(text).expect("only warnings");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "minewall.conf:1: unknown section 'other' is ignored",
            "minewall.conf:6: unknown option 'colour' is ignored",
            "minewall.conf:7: a second section of type 'minewall' is ignored",
        ]
    );
    assert_eq!(loaded.config.mode, Mode::Monitor);
}

#[test]
fn a_rejected_file_s_warnings_are_reported_too() {
    let text = "config minewall main\n option max_flow 12\n option mode monitr\nconfig lists\n";
    assert_eq!(
        read(text).expect_err("no such mode"),
        "minewall.conf:2: unknown option 'max_flow' is ignored; 'max_flows' is probably meant\n\
         minewall.conf:3: option 'mode': 'monitr' is not block|monitor\n\
         minewall.conf:4: unknown section 'lists' is ignored"
    );
    // Where there is no room for all of them, no warning takes the place of the error.
    let text = format!("config minewall main\n{} option mode monitr\n", " option colour red\n".repeat(99));
    assert!(read(&text).expect_err("no such mode").contains("'monitr' is not"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let complaint = load(Path::new("/nonexistent/minewall")).expect_err("no such file").to_string();
    assert!(complaint.starts_with("/nonexistent/minewall: can't be read"), "{complaint}");
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let text = "config minewall main\n option queue x\n bogus\n option mode drop\n list allow_host ::1\n list allow_host a\n";
    let rejected = read(text).expect_err("four mistakes");
    let lines: Vec<&str> = rejected.lines().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(lines, [2, 3, 4, 6].map(|line| format!("minewall.conf:{line}")));
    let many = format!("config minewall main\n{}", " bogus\n".repeat(99));
    assert_eq!(read(&many).expect_err("99 mistakes").lines().count(), limits::CONFIG_COMPLAINTS);
}

/// An empty file would leave the defaults: blocking instead of monitoring, and no exemption.
#[test]
fn a_file_without_the_section_is_rejected() {
    for text in ["", "\n\n", "# nothing\n", "config feed x\n option url y\n", "config minewal main\n"] {
        assert!(read(text).expect_err(text).contains("no section 'config minewall'"), "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let loaded = read("\u{feff}config minewall main\n option mode monitor\n").expect("good");
    assert_eq!((loaded.config.mode, loaded.warnings), (Mode::Monitor, vec![]));
}

/// Any bytes give a configuration in range, or complaints with lines of the file.
#[test]
fn no_bytes_upset_it() {
    let good = default_file().replace("\t#option", "\toption").replace("\t#list", "\tlist");
    let mut source = crate::util::random::Random::new(7);
    let mut random = |below: usize| source.below(below as u32) as usize;
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..4_000 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=random(6) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] = random(256) as u8,
                1 => bytes[at] = b"'\"\\;#\n \0"[random(8)],
                2 => drop(bytes.drain(at..(at + random(40)).min(bytes.len()))),
                _ => {
                    let piece = bytes[at..(at + random(40)).min(bytes.len())].to_vec();
                    let to = random(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        let lines = 1 + bytes.iter().filter(|&&byte| byte == b'\n').count();
        match parse(Path::new("f"), &bytes) {
            Ok(loaded) => {
                accepted += 1;
                assert!((limits::FLOWS_MIN..=limits::FLOWS_MAX).contains(&loaded.config.max_flows));
            }
            Err(Rejected(complaints)) => {
                refused += 1;
                assert!((1..=limits::CONFIG_COMPLAINTS).contains(&complaints.len()));
                for complaint in complaints {
                    assert!(
                        complaint.line.is_none_or(|line| (1..=lines).contains(&(line as usize))),
                        "{complaint}"
                    );
                    assert!(!complaint.text.contains(char::is_control), "{complaint}");
                }
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused: no test of both");
}

/// One a core, at most four, unless the configuration says how many; and no more than there are numbers.
#[test]
fn queues_have_numbers_in_a_row() {
    let numbers = |options: &str| {
        let text = format!("config minewall\n{options}");
        let numbers = parse(Path::new("test"), text.as_bytes()).expect(options).config.queue_numbers();
        (*numbers.start(), *numbers.end())
    };
    assert_eq!(numbers("option queues 1\n"), (1_330, 1_330));
    assert_eq!(numbers("option queues 3\noption queue 7\n"), (7, 9));
    assert_eq!(numbers("option queues 16\noption queue 65530\n"), (65_530, 65_535));
    let (first, last) = numbers("option queues 0\n");
    assert!(first == 1_330 && (1_330..1_334).contains(&last));
    let stat = "cpu  9 9\ncpu0 4 4\ncpu1 4 4\ncpu3 1 1\nintr 5\ncpufreq 1\n";
    assert_eq!((super::cores_in(stat), super::cores_in("")), (3, 1));
}
