use super::super::{PROGRAM, WORDS, compile::program::carrier};
use super::*;
use crate::parse::http::Head;
use crate::parse::tree::Tree;
use crate::util::random::Random;

#[test]
fn a_message_without_the_byte_of_a_rule_does_not_fit_it() {
    let (mut random, mut fits) = (Random::new(7), 0);
    let before = Before { answers: true, phases: u8::MAX, asked: "" };
    for _ in 0..40_000 {
        let mut data = PROGRAM.text(random.below(PROGRAM.ends.len() as u32) as u16).to_vec();
        data.truncate(random.below(2) as usize * 24);
        data.resize_with(90, || b"\0\0\0\0\0\x01\x02\x10\x80"[random.below(9) as usize]);
        let over = carrier::BINARY;
        let (method, method_word, root, http) = (&[][..], 0, None, None);
        let message = Message { over, method, method_word, root, http, data: &data, is_open: false };
        for rule in PROGRAM.rules.iter().filter(|rule| u16::from(rule.over) == over) {
            let is_fit = PROGRAM.grade(rule, &message, before).is_some();
            assert!(!is_fit || message.has_edge(rule.method), "{}", PROGRAM.str(rule.said));
            fits += u32::from(is_fit);
        }
    }
    assert!(fits > 1_000, "{fits}");
}

#[test]
fn a_head_without_the_byte_of_a_rule_in_its_path_does_not_fit_it() {
    let (mut random, mut fits) = (Random::new(7), 0);
    let before = Before { answers: true, phases: u8::MAX, asked: "" };
    let (_, without) = PROGRAM.without_method();
    let of_path = |rule: &&Rule| matches!(rule.method & edge::DATA, edge::METHOD_BEGINS | edge::METHOD_ENDS);
    let rules: Vec<&Rule> = without.iter().filter(of_path).collect();
    assert!(rules.len() > 10, "{}", rules.len());
    for _ in 0..20_000 {
        let verb = [&b"GET "[..], b"POST "][random.below(2) as usize];
        let is_longer = random.below(4) == 0;
        let mut text = || PROGRAM.text(random.below(PROGRAM.ends.len() as u32) as u16);
        let path = [text(), if is_longer { text() } else { b"" }].concat();
        let mut tree = Tree::default();
        if Head::begin(&[verb, &path[..], b" HTTP/1.1"].concat(), &mut tree, &WORDS).is_none() {
            continue;
        }
        tree.keep_head();
        let (method, method_word, root, http) = (&[][..], 0, None, tree.head(&WORDS));
        let message =
            Message { over: carrier::HTTP, method, method_word, root, http, data: &[], is_open: false };
        for rule in &rules {
            let is_fit = PROGRAM.grade(rule, &message, before).is_some();
            assert!(!is_fit || message.has_edge(rule.method), "{}", PROGRAM.str(rule.said));
            fits += u32::from(is_fit);
        }
    }
    assert!(fits > 10, "{fits}");
}
