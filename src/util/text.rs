//! Text from outside, as it can stand in a line of JSON or of a log.

/// `text` with a question mark for each character that is not printable ASCII, or would end a JSON string.
pub(crate) fn printable(text: &str) -> String {
    let is_safe = |c: &char| (' '..='~').contains(c) && !"\"\\".contains(*c);
    text.chars().map(|c| if is_safe(&c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_characters_become_question_marks() {
        assert_eq!(printable("a b\"c\\d\n\u{1b}é~"), "a b?c?d???~");
    }
}
