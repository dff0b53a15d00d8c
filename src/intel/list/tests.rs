use super::*;

fn read(text: &[u8]) -> (Result<ListReport, BadList>, Vec<String>) {
    let mut builder = Builder::new(1 << 20);
    let report = builder.add_text("test", Policy::Suspect, text);
    let mut entries: Vec<String> = builder.build().0.entries().map(|(entry, _)| entry.to_string()).collect();
    entries.sort();
    (report, entries)
}

fn entries(text: &str) -> Vec<String> {
    let (report, entries) = read(text.as_bytes());
    let report = report.unwrap();
    assert_eq!(report.warnings, []);
    entries
}

#[test]
fn our_own_form() {
    let text = "\u{feff}# pools\r\n\npool.test:3333 until=2026-12-31 # a remark\r\n  198.51.100.0/24\t\n;x\n[2001:db8::1]:443 suspect";
    assert_eq!(
        entries(text),
        ["198.51.100.0/24 suspect", "[2001:db8::1]:443 suspect", "pool.test:3333 suspect until=@1798675200"]
    );
}

#[test]
fn hosts_files() {
    let text = "127.0.0.1 localhost\n127.0.0.1\tlocalhost.localdomain\n::1 localhost ip6-localhost\n0.0.0.0 0.0.0.0\n0.0.0.0 a.test b.test # both\n:: c.test\nff02::1 block\n";
    let (report, entries) = read(text.as_bytes());
    assert_eq!(entries, ["a.test suspect", "b.test suspect", "c.test suspect"]);
    assert_eq!(report.unwrap().warnings, [Warning { line: 7, why: BadLine::Entry(BadEntry::TooWide) }]);
    let (report, _) = read(b"192.168.1.5 nas.lan\na.test\n");
    assert_eq!(report.unwrap().warnings, [Warning { line: 1, why: BadLine::Entry(BadEntry::NoSink) }]);
}

#[test]
fn adblock_rules() {
    let text = "[Adblock Plus 2.0]\n! Title: x\n||a.test^\n||b.test^$third-party\n@@||c.test^\n";
    assert_eq!(entries(text), ["a.test suspect", "b.test suspect"]);
    let (report, _) = read(b"||a.test/miner.js\n||b.test^\n");
    assert_eq!(report.unwrap().warnings, [Warning { line: 1, why: BadLine::Entry(BadEntry::PartOfSite) }]);
}

#[test]
fn an_entry_may_lower_what_its_list_is_worth_and_nothing_else() {
    let read = |policy: Policy| {
        let mut builder = Builder::new(1 << 20);
        let text = "a.test\nb.test suspect\nc.test block\nd.test allow\n@@||e.test^\nf.test\ng.test\n";
        let report = builder.add_text("test", policy, text.as_bytes()).unwrap();
        let mut entries: Vec<String> =
            builder.build().0.entries().map(|(entry, _)| entry.to_string()).collect();
        entries.sort();
        (entries.join(", "), report.bad_lines)
    };
    let (suspect, block, allow) = (read(Policy::Suspect), read(Policy::Block), read(Policy::Allow));
    assert_eq!(suspect, ("a.test suspect, b.test suspect, f.test suspect, g.test suspect".into(), 2));
    assert_eq!(block, ("a.test block, b.test suspect, c.test block, f.test block, g.test block".into(), 1));
    assert_eq!(allow, ("a.test allow, d.test allow, e.test allow, f.test allow, g.test allow".into(), 2));
}

#[test]
fn dnsmasq_options() {
    let text = "server=/a.test/\naddress=/b.test/c.test/0.0.0.0\nlocal=/d.test/\naddress=/e.test/#\n";
    assert_eq!(
        entries(text),
        ["a.test", "b.test", "c.test", "d.test", "e.test"].map(|name| format!("{name} suspect"))
    );
}

#[test]
fn addresses_of_pools() {
    let text = "stratum+tcp://a.test:3333\nstratum+ssl://b.test:443/\n*.c.test\n192.0.2.1:14444\n";
    assert_eq!(
        entries(text),
        ["192.0.2.1:14444 suspect", "a.test:3333 suspect", "b.test:443 suspect", "c.test suspect"]
    );
}

/// Lists of browsers' miners and of malware's servers have whole URLs.
#[test]
fn urls_count_by_their_host() {
    let text = "http://a.test/miner.js\nhttps://b.test:8443/x?y#z\nhttps://user:word@c.test/\nwss://d.test/proxy block\nhttp://192.0.2.1/xmrig\nhttp://[2001:db8::1]:3333/\n";
    let (report, entries) = read(text.as_bytes());
    assert_eq!(
        entries,
        [
            "192.0.2.1 suspect",
            "[2001:db8::1]:3333 suspect",
            "a.test suspect",
            "b.test:8443 suspect",
            "c.test suspect"
        ]
    );
    assert_eq!(report.unwrap().warnings, [Warning { line: 4, why: BadLine::Entry(BadEntry::TooMuch) }]);
    let (report, _) = read(b"http:///x\nhttp://\nhttp://com/\na.test\nb.test\nc.test\n");
    assert_eq!(report.unwrap().bad_lines, 3);
}

#[test]
fn bad_lines_are_passed_over_and_few_are_told() {
    let mut text = "a.test\n".repeat(100).into_bytes();
    text.extend("x".repeat(INTEL_LINE_BYTES + 1).bytes());
    text.extend(b"\n\xff\xfe\nb.test\n\0\n");
    text.extend(b"com\n".repeat(INTEL_WARNINGS));
    let (report, entries) = read(&text);
    let report = report.unwrap();
    assert_eq!(entries, ["a.test suspect", "b.test suspect"]);
    assert_eq!(
        (report.entries, report.bad_lines, report.warnings.len()),
        (101, 3 + INTEL_WARNINGS as u32, INTEL_WARNINGS)
    );
    let first: Vec<_> = report.warnings.iter().take(3).map(|warning| (warning.line, warning.why)).collect();
    assert_eq!(first, [(101, BadLine::TooLong), (102, BadLine::NotText), (104, BadLine::NotText)]);
}

#[test]
fn what_is_no_list_is_refused_whole() {
    for text in [
        &b"<!DOCTYPE html>\n<html><head>\n<title>404</title>\n"[..],
        b"\x7fELF\x02\x01\n\0\0\n",
        b"a.test\nx\ny\n",
    ] {
        let (report, entries) = read(text);
        assert!(matches!(report, Err(BadList::Garbage(_))), "{text:?}");
        assert!(entries.is_empty());
    }
    assert_eq!(read(b"").0.unwrap(), ListReport::default());
}

/// Lines don't depend on how the file's bytes come.
#[test]
fn buffers_of_any_size_give_the_same() {
    let text = "a.test\n\nb.test suspect\r\nc.test";
    for size in 1..text.len() {
        let mut builder = Builder::new(1 << 20);
        let buffered = io::BufReader::with_capacity(size, text.as_bytes());
        assert_eq!(builder.add_text("test", Policy::Suspect, buffered).unwrap().entries, 3);
    }
}

/// Entries taken from any bytes are written in the form that is read.
#[test]
fn what_is_taken_is_written_as_it_is_read() {
    use crate::util::random::Random;
    let words = [
        "a.test",
        ".b.test",
        "*.",
        "192.0.2.1",
        "/24",
        "::",
        "2001:db8::1",
        "[",
        "]",
        ":",
        ":443",
        ":nonweb",
        " ",
        " #",
        "||",
        "^",
        "$x",
        "@@",
        "server=/",
        "/",
        "0.0.0.0 ",
        " block",
        " allow",
        " until=2026-12-31",
        " until=@9",
        "\n",
        "\r\n",
        "\0",
        "é",
        "com",
    ];
    let mut random = Random::new(4);
    let mut taken = 0;
    for _ in 0..3_000 {
        let text: String =
            (0..random.below(40)).map(|_| words[random.below(words.len() as u32) as usize]).collect();
        // Few of its lines make sense; with others that do it is a list still.
        let text = (0..40).map(|number| format!("good{number}.test\n")).collect::<String>() + &text;
        let mut builder = Builder::new(1 << 20);
        builder.add_text("test", Policy::Suspect, text.as_bytes()).unwrap();
        for (entry, _) in builder.build().0.entries() {
            taken += u32::from(!entry.to_string().starts_with("good"));
            assert_eq!(ListEntry::parse(&entry.to_string(), Policy::Allow).as_ref(), Ok(&entry));
        }
    }
    assert!(taken > 100, "{taken}");
}
