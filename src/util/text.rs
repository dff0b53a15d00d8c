//! Words: text from outside, as it can stand in a line of JSON or of a log, and nouns behind numbers.

/// `text` with a question mark for each character that is not printable ASCII, or would end a JSON string.
pub(crate) fn printable(text: &str) -> String {
    let is_safe = |c: &char| (' '..='~').contains(c) && !"\"\\".contains(*c);
    text.chars().map(|c| if is_safe(&c) { c } else { '?' }).collect()
}

/// The noun to stand behind `count`.
pub fn one_or_many(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_none_is_not() {
        let entries = [0, 1, 2].map(|count| one_or_many(count, "entry", "entries"));
        assert_eq!(entries, ["entries", "entry", "entries"]);
    }

    #[test]
    fn other_characters_become_question_marks() {
        assert_eq!(printable("a b\"c\\d\n\u{1b}é~"), "a b?c?d???~");
    }
}
