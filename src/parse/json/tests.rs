use super::*;

/// Reference for the tape: the tree that the text was printed from.
#[derive(Debug)]
enum ReferenceTree {
    Object(Vec<(String, ReferenceTree)>),
    Array(Vec<ReferenceTree>),
    String(String),
    Scalar(&'static str),
}

/// xorshift32: enough disorder for a test, the same in every run.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % sides
    }

    fn string(&mut self) -> String {
        let letters = ['a', 'm', '.', '0', '"', '\\', '\n', '{', ']', ',', 'ß', '/', ' '];
        (0..self.roll(9)).map(|_| letters[self.roll(letters.len() as u32) as usize]).collect()
    }

    fn tree(&mut self, depth: u32) -> ReferenceTree {
        let width = self.roll(5);
        match self.roll(if depth == 0 { 2 } else { 5 }) {
            0 if depth < 7 => {
                // Distinct keys: what a repeated one means has a test of its own.
                let keys = (0..width).map(|at| format!("{at}{}", self.string())).collect::<Vec<_>>();
                ReferenceTree::Object(keys.into_iter().map(|key| (key, self.tree(depth + 1))).collect())
            }
            1 if depth < 7 => ReferenceTree::Array((0..width).map(|_| self.tree(depth + 1)).collect()),
            2 => ReferenceTree::Scalar(["null", "true", "false", "0", "-1.5e+3"][self.roll(5) as usize]),
            _ => ReferenceTree::String(self.string()),
        }
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(["", "", "", " ", "\r\n", "\t "][self.roll(6) as usize]);
    }

    fn print_string(&mut self, text: &str, out: &mut String) {
        out.push('"');
        for letter in text.chars() {
            match letter {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                _ if self.roll(4) == 0 => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
                _ => out.push(letter),
            }
        }
        out.push('"');
    }

    fn print(&mut self, tree: &ReferenceTree, out: &mut String) {
        self.space(out);
        match tree {
            ReferenceTree::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    self.space(out);
                    self.print_string(key, out);
                    self.space(out);
                    out.push(':');
                    self.print(value, out);
                }
                self.space(out);
                out.push('}');
            }
            ReferenceTree::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    self.print(item, out);
                    self.space(out);
                }
                out.push(']');
            }
            ReferenceTree::String(text) => self.print_string(text, out),
            ReferenceTree::Scalar(text) => out.push_str(text),
        }
    }
}

fn nodes(tree: &ReferenceTree) -> usize {
    1 + match tree {
        ReferenceTree::Object(members) => members.iter().map(|(_, value)| 1 + nodes(value)).sum(),
        ReferenceTree::Array(items) => items.iter().map(nodes).sum(),
        _ => 0,
    }
}

/// Every indexed value is the tree's; with `all`, every value of the tree is indexed.
fn check(value: TapeValue<'_>, tree: &ReferenceTree, all: bool) {
    match tree {
        ReferenceTree::Object(members) => {
            assert!(value.is_object());
            assert!(!all || value.members().count() == members.len());
            for ((name, value), (key, tree)) in value.members().zip(members) {
                assert!(name.is(key), "{name:?} {key:?}");
                check(value, tree, all);
            }
        }
        ReferenceTree::Array(items) => {
            assert!(value.is_array());
            assert!(!all || value.len() == items.len());
            value.items().zip(items).for_each(|(value, tree)| check(value, tree, all));
        }
        ReferenceTree::String(text) => assert!(value.is(text), "{value:?} {text:?}"),
        ReferenceTree::Scalar(text) => {
            assert_eq!(value.bytes(), text.as_bytes());
            assert_eq!(value.is_null(), *text == "null");
            assert_eq!(value.is_bool(), matches!(*text, "true" | "false"));
            assert_eq!(value.is_number(), text.ends_with(|last: char| last.is_ascii_digit()));
        }
    }
}

#[test]
fn the_tape_agrees_with_the_tree_it_was_printed_from() {
    let mut dice = Dice(0x9e37_79b9);
    let mut tape = Tape::default();
    let (mut small, mut large) = (0, 0);
    for _ in 0..4_000 {
        let tree = dice.tree(0);
        let mut text = String::new();
        dice.print(&tree, &mut text);
        let fits = nodes(&tree) <= JSON_NODES - 24;
        small += usize::from(fits);
        large += usize::from(!fits);
        let root = tape.index(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
        check(root, &tree, fits);
        assert!(root.is_whole());
        assert_eq!(end_of_value(text.as_bytes()), ValueEnd::Complete(text.len()), "{text}");

        // Cut anywhere, it stays readable; its end is not yet in sight.
        let cut = dice.roll(text.len() as u32) as usize;
        let cut = (0..=cut).rev().find(|&at| text.is_char_boundary(at)).unwrap();
        assert_eq!(end_of_value(&text.as_bytes()[..cut]), ValueEnd::NeedMore);
        let begun = !text[..cut].trim_start().is_empty();
        let root = tape.index(&text.as_bytes()[..cut]);
        assert_eq!(root.map(TapeValue::is_whole), begun.then_some(false), "{}", &text[..cut]);
    }
    assert!(small > 1_000 && large > 50, "{small} small, {large} large");
}

#[test]
fn no_mutation_makes_it_panic() {
    let mut dice = Dice(7);
    let mut tape = Tape::default();
    let noise = b"{}[]\",:\\u0\x00\xff\n";
    for _ in 0..20_000 {
        let tree = dice.tree(0);
        let mut text = String::new();
        dice.print(&tree, &mut text);
        let mut bytes = text.into_bytes();
        for _ in 0..=dice.roll(4) {
            let at = dice.roll(bytes.len() as u32) as usize;
            bytes[at] = noise[dice.roll(noise.len() as u32) as usize];
        }
        let mut walk = vec![];
        let root = tape.index(&bytes);
        walk.extend(root);
        while let Some(value) = walk.pop() {
            let _ = (value.is("mining.subscribe"), value.get("m"), value.bytes());
            walk.extend(value.members().flat_map(|(key, value)| [key, value]));
            walk.extend(value.items());
        }
        let end = end_of_value(&bytes);
        if let ValueEnd::Complete(len) = end {
            assert!(len <= bytes.len());
        }
        if root.is_some_and(TapeValue::is_whole) {
            assert!(matches!(end, ValueEnd::Complete(_)), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn strings_are_seen_through_their_escapes() {
    let mut tape = Tape::default();
    let text = br#"{"m\u0065thod":"mining\u002Esubscribe","url":"a\/b","odd":"\ud800","cut":"x\"#;
    let root = tape.index(text).unwrap();
    assert!(root.get("method").unwrap().is("mining.subscribe"));
    assert!(root.get("url").unwrap().is("a/b"));
    assert!(!root.get("odd").unwrap().is("x"));
    assert!(!root.get("cut").unwrap().is("x"));
}

#[test]
fn of_repeated_keys_either_can_be_read() {
    let mut tape = Tape::default();
    let root = tape.index(br#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!(root.get("a").unwrap().bytes(), b"1");
    assert_eq!(root.with_last_keys().get("a").unwrap().bytes(), b"3");
    assert!(root.has_repeated_keys());
    assert!(tape.index(br#"{"a":1,"\u0061":3}"#).unwrap().has_repeated_keys());
    assert!(!tape.index(br#"{"a":1,"b":{"a":3}}"#).unwrap().has_repeated_keys());
}

#[test]
fn a_long_list_does_not_hide_what_follows_it() {
    let mut tape = Tape::default();
    let long = vec!["1"; 500].join(",");
    for text in [
        format!(r#"{{"params":[{long}],"method":"m"}}"#),
        format!(r#"{{"params":{{"algo":[{long}],"pass":"x"}},"method":"m"}}"#),
        format!(r#"{{"deep":{}1{},"method":"m"}}"#, "[".repeat(40), "]".repeat(40)),
    ] {
        let root = tape.index(text.as_bytes()).unwrap();
        assert!(root.get("method").unwrap().is("m"), "{text}");
        let params = root.get("params").filter(|params| params.is_object());
        assert!(params.is_none_or(|params| params.get("pass").unwrap().is("x")));
    }
}

#[test]
fn what_is_no_object_or_array_is_refused() {
    let mut tape = Tape::default();
    for text in [
        "",
        " ",
        "GET / HTTP/1.1",
        "1",
        "\"a\"",
        "{]",
        "[}",
        "{\"a\" 1}",
        "{,}",
        "[1 2]",
        "{'a':1}",
        "}",
        "{a:1}",
    ] {
        assert!(tape.index(text.as_bytes()).is_none(), "{text}");
    }
    for text in ["GET", "x{", "{]", "[}", "{\u{1}}", "}", ":", "1"] {
        assert_eq!(end_of_value(text.as_bytes()), ValueEnd::Invalid, "{text}");
    }
    let deep = "[".repeat(JSON_NESTING + 1);
    assert!(tape.index(deep.as_bytes()).is_none());
    assert_eq!(end_of_value(deep.as_bytes()), ValueEnd::Invalid);
}

#[test]
fn a_value_ends_at_its_bracket_whatever_follows() {
    assert_eq!(end_of_value(br#" {"a":"}\"]"}{"b":1}"#), ValueEnd::Complete(13));
    assert_eq!(end_of_value(b"[[],{}]\r\n[]"), ValueEnd::Complete(7));
    assert_eq!(end_of_value(br#"{"a":"\"#), ValueEnd::NeedMore);
    let mut tape = Tape::default();
    let root = tape.index(br#"{"a":1}{"b""#).unwrap();
    assert!(root.get("a").is_some() && root.is_whole());
}
