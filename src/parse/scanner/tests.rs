use super::*;
use crate::parse::tree::Value;
use crate::parse::words::{Words, WordsBuilder};

fn words() -> Words {
    let mut words = WordsBuilder::new(None);
    for word in ["a", "b", "c", "method", "params", "id"] {
        words.add(word.as_bytes());
    }
    words.build()
}

/// The messages in `text`, cut at `cuts`.
fn messages(text: &[u8], cuts: &[usize]) -> Vec<String> {
    messages_by(Scanner::default(), text, cuts)
}

/// The same by a scanner that knows what messages are.
fn messages_by(mut scanner: Scanner, text: &[u8], cuts: &[usize]) -> Vec<String> {
    let words = words();
    let mut found = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([text.len()]) {
        let mut piece = &text[from..to.max(from)];
        from = to.max(from);
        loop {
            match scanner.feed(&words, piece) {
                ScanProgress::NeedMore => break,
                ScanProgress::Message(len) => {
                    found.push(format!("{:?}", scanner.tree.root(&words).map(shape)));
                    piece = &piece[len..];
                }
                ScanProgress::End(len) => {
                    found.push("end".into());
                    piece = &piece[len..];
                }
                ScanProgress::Anew(len) => {
                    found.push("anew".into());
                    piece = &piece[len..];
                }
                ScanProgress::Broken(_) => {
                    found.push("broken".into());
                    return found;
                }
            }
        }
    }
    found
}

/// All that is known of a value.
fn shape(value: Value<'_>) -> String {
    let inner: Vec<String> = value
        .members()
        .map(|(key, value)| format!("{key}:{}", shape(value)))
        .chain(value.items().map(shape))
        .collect();
    let text = String::from_utf8_lossy(value.bytes()).into_owned();
    let (len, hex) = (value.string_len() + value.len(), value.hex_digits());
    format!("{:?} {text} {len} {hex:?} [{}]", value.kind(), inner.join(" "))
}

const TEXTS: [&str; 9] = [
    r#"{"id":1,"method":"mining.\u0073ubscribe","params":["0x00fF","abc",null,true,-1.5e3,{"a":{}}]}"#,
    r#"[{"id":1},{"id":2,"x":[[[{"a":"}"}]]]},7,{"id":3}]"#,
    r#"["a",["b",{"c":"0x"}],"0"]"#,
    r#"{"x":{"id":{"a":[{"a":[{"a":[{"a":[{"a":[1,2,{"a":"deep"}]}]}]}]}]}},"id":9}"#,
    r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","a":2}"#,
    r#"{ "a" : /* { */ 1 , // "
        "b" : 2 , }"#,
    r#"{"a":NaN,"b":tru,"c":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"}"#,
    r#"{"a":1}}"#,
    r#"{"a"1}"#,
];

#[test]
fn a_message_reads_the_same_wherever_it_is_cut() {
    for text in TEXTS {
        let whole = messages(text.as_bytes(), &[]);
        assert!(!whole.is_empty(), "{text}");
        for first in 0..text.len() {
            assert_eq!(messages(text.as_bytes(), &[first]), whole, "{text} cut at {first}");
            assert_eq!(messages(text.as_bytes(), &[first, first + 1]), whole, "{text} cut at {first}");
        }
        let all: Vec<usize> = (0..text.len()).collect();
        assert_eq!(messages(text.as_bytes(), &all), whole, "{text} in single bytes");
    }
}

/// What a receiver that reads lines refuses, each before a whole message.
const UNFINISHED: [&str; 12] = [
    r#"{"a":"open"#,
    r#"{"open"#,
    r#"{"a":["#,
    r#"{"a":"#,
    r#"{"#,
    r#"["a""#,
    r#"{"a":1, /* open"#,
    r#"{"a":1, // comment"#,
    r#"{"x":{"x":{"x":{"x":{"x":{"x":{"x":{"x":{"x":["open"#,
    r#"{"a":"open {"#,
    r#"{"a":{ "#,
    r#"{"a":tru"#,
];

#[test]
fn where_messages_are_lines_a_line_that_begins_like_one_is_one() {
    let by_line = || {
        let mut scanner = Scanner::default();
        scanner.reset(true);
        scanner
    };
    let message = "{\"id\":1,\"method\":\"m\"}";
    let whole = messages(message.as_bytes(), &[]).pop();
    for text in UNFINISHED {
        for between in ["\n", "\r\n", "\n\n \t", "\n \n"] {
            let text = format!("{text}{between}{message}");
            let found = messages_by(by_line(), text.as_bytes(), &[]);
            assert_eq!(found.first().map(String::as_str), Some("anew"), "{text}");
            assert_eq!(found.last(), whole.as_ref(), "{text}");
            for at in 0..text.len() {
                assert_eq!(messages_by(by_line(), text.as_bytes(), &[at, at + 1]), found, "{text} at {at}");
            }
            let all: Vec<usize> = (0..text.len()).collect();
            assert_eq!(messages_by(by_line(), text.as_bytes(), &all), found, "{text} in single bytes");
        }
    }
    // Neither items of a batch nor members on lines of their own are cut, and nothing is where no lines are.
    for text in ["[{\"id\":1},\n{\"id\":2}]", "{\n\"a\":{\n\"b\":1},\n\"c\":[\n\"{\",\"\n {,\"]\n}"] {
        assert_eq!(messages_by(by_line(), text.as_bytes(), &[]), messages(text.as_bytes(), &[]), "{text}");
    }
    let nested = "{\"params\":[\n{\"a\":\"\n{\"}]}";
    assert_eq!(messages(nested.as_bytes(), &[]).len(), 1);
}

#[test]
fn of_a_batch_each_object_is_a_message() {
    let found = messages(TEXTS[1].as_bytes(), &[]);
    assert_eq!(found.len(), 4);
    assert_eq!(found[3], "end");
}

#[test]
fn what_is_kept_has_bounds_and_what_is_not_is_counted() {
    let words = words();
    let mut scanner = Scanner::default();
    let items = "\"v\",".repeat(1_000);
    let long = "z".repeat(100_000);
    let text = format!(r#"{{"params":[{items}"w"],"a":"{long}","unknown":1,"method":"m"}}"#);
    assert_eq!(scanner.feed(&words, text.as_bytes()), ScanProgress::Message(text.len()));
    let root = scanner.tree.root(&words).unwrap();
    let params = root.get("params").unwrap();
    assert_eq!((params.len(), params.items().count()), (1_001, usize::from(crate::limits::JSON_ITEMS)));
    assert_eq!(root.get("a").unwrap().string_len(), usize::from(u16::MAX));
    assert!(root.get("method").unwrap().is("m"));
    assert_eq!(scanner.tree.unknown_members(), 1);
}

#[test]
fn digits_are_counted_with_a_prefix_or_without() {
    let words = words();
    for (text, digits) in [
        ("0xabcdef", Some(6)),
        ("abc", Some(3)),
        ("0x", None),
        ("0", Some(1)),
        ("0xg", None),
        ("", None),
        ("x0", None),
    ] {
        let json = format!(r#"{{"a":"{text}"}}"#);
        let mut scanner = Scanner::default();
        scanner.feed(&words, json.as_bytes());
        let value = scanner.tree.root(&words).unwrap().get("a").unwrap();
        assert_eq!(value.hex_digits(), digits, "{text}");
        assert_eq!(value.string_len(), text.len());
    }
}

#[test]
fn of_two_members_with_one_name_either_may_count() {
    let words = words();
    let mut scanner = Scanner::default();
    scanner.feed(&words, br#"{"method":"a","id":1,"method":"b"}"#);
    assert!(scanner.tree.has_repeated_members());
    let root = scanner.tree.root(&words).unwrap();
    assert!(root.get("method").unwrap().is("a"));
    assert!(root.with_last_members().get("method").unwrap().is("b"));
}

#[test]
fn an_object_behind_an_unknown_name_is_kept_while_it_stands_alone() {
    let words = words();
    let mut scanner = Scanner::default();
    let mut read = |text: &str| {
        assert_eq!(scanner.feed(&words, text.as_bytes()), ScanProgress::Message(text.len()));
        let root = scanner.tree.root(&words).unwrap();
        (root.members().count(), root.members().find_map(|(_, value)| value.get("a")).is_some())
    };
    assert_eq!(read(r#"{"Submit":{"a":1}}"#), (1, true));
    assert_eq!(read(r#"{"Submit":[{"a":1}]}"#), (0, false));
    assert_eq!(read(r#"{"Submit":{"a":1},"id":1}"#), (1, false));
    assert_eq!(read(r#"{"id":1,"Submit":{"a":1}}"#), (1, false));
    assert_eq!(read(r#"{"Submit":{"Inner":{"a":1}}}"#), (1, false));
}
