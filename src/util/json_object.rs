//! A JSON object in one line, written member by member (RFC 8259).
//!
//! Not by serde, whose derived code writes each type anew: 10 KB of flash on MIPS for six of them.

/// An object that is being written.
#[derive(Clone, Debug, Default)]
pub struct JsonObject {
    /// The members so far, each with a comma behind.
    members: String,
}

impl JsonObject {
    /// A member whose value, `json`, is JSON already.
    pub fn json(&mut self, key: &str, json: &str) {
        for part in ["\"", key, "\":", json, ","] {
            self.members += part;
        }
    }

    /// A text.
    pub fn text(&mut self, key: &str, text: &str) {
        self.json(key, &quoted(text));
    }

    /// A text, or `null`.
    pub fn text_or_null(&mut self, key: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text(key, text),
            None => self.json(key, "null"),
        }
    }

    /// Numbers.
    pub fn numbers(&mut self, members: &[(&str, u64)]) {
        for (key, number) in members {
            self.json(key, &number.to_string());
        }
    }

    /// True or false.
    pub fn flag(&mut self, key: &str, flag: bool) {
        self.json(key, if flag { "true" } else { "false" });
    }

    /// The object, in braces.
    pub fn finish(mut self) -> String {
        self.members.pop();
        format!("{{{}}}", self.members)
    }
}

/// An object of numbers only.
pub fn of_numbers(members: &[(&str, u64)]) -> String {
    let mut object = JsonObject::default();
    object.numbers(members);
    object.finish()
}

/// An array of values that are JSON already.
pub fn array(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// An array of texts.
pub fn texts(texts: &[String]) -> String {
    array(&texts.iter().map(|text| quoted(text)).collect::<Vec<_>>())
}

/// `text` as a string (section 7).
pub fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json += "\\n",
            '\t' => json += "\\t",
            '\r' => json += "\\r",
            '\0'..='\x1f' => json += &format!("\\u{:04x}", u32::from(c)),
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::json::Tape;

    #[test]
    fn members_stand_in_their_order() {
        let mut object = JsonObject::default();
        object.text("a", "b\"\\\n\u{1b}é");
        object.text_or_null("none", None);
        object.numbers(&[("n", u64::MAX), ("zero", 0)]);
        object.flag("yes", true);
        object.json("list", &array(&["1".into(), of_numbers(&[])]));
        let text = object.finish();
        assert_eq!(
            text,
            "{\"a\":\"b\\\"\\\\\\n\\u001bé\",\"none\":null,\"n\":18446744073709551615,\"zero\":0,\"yes\":true,\"list\":[1,{}]}"
        );
        assert!(Tape::default().index(text.as_bytes()).is_some_and(|object| object.is_whole()));
    }
}
