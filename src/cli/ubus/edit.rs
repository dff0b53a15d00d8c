//! Changes of UCI for `allow`, for a script that has `uci`: the arguments become words that a shell may see.

use std::process::ExitCode;

use minewall::config::options::OPTIONS;
use minewall::intel::exemptions;
use minewall::parse::json::{Tape, TapeValue};

use super::super::show;
use super::{read_arguments, refusal, string};

/// Prints the change of UCI for `allow`: `add_list allow_host 192.168.1.50`, for a script that has `uci`. On
/// bad arguments the exit status is 1, and the line the error.
pub(super) fn run() -> Result<ExitCode, String> {
    let input = read_arguments()?;
    let mut tape = Tape::default();
    let edit = match tape.index(&input).filter(|value| value.is_object() && value.is_whole()) {
        Some(arguments) => edit_of(arguments),
        None => Err("the arguments are no JSON object of reasonable size".into()),
    };
    match edit {
        Ok(words) => show(&(words + "\n")),
        Err(complaint) => {
            show(&refusal(&complaint))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The arguments `names`, a line each, for a script: texts, numbers and booleans without a character that means
/// anything to a shell, none of them longer than a name. An argument that is not given is an empty line. The exit
/// status is 1, and the line the answer, if one of them is no good.
pub(super) fn plain(names: &[&str]) -> Result<ExitCode, String> {
    let input = read_arguments()?;
    let mut tape = Tape::default();
    let arguments = tape.index(&input).filter(|value| value.is_object() && value.is_whole());
    let mut lines = String::new();
    for name in names {
        let value = arguments.and_then(|arguments| arguments.get(name));
        let text = value.map_or(Some(""), |value| core::str::from_utf8(value.bytes()).ok());
        match text.filter(|text| arguments.is_some() && is_plain(text)) {
            Some(text) => lines = lines + text + "\n",
            None => {
                show(&refusal(&format!("'{name}' has characters that no such argument has")))?;
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    show(&lines)
}

fn is_plain(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@[]-".contains(&byte);
    text.len() <= 255 && !text.starts_with('-') && text.bytes().all(is_sign)
}

fn edit_of(arguments: TapeValue<'_>) -> Result<String, String> {
    let text = |key: &str| arguments.get(key).and_then(string).filter(|text| !text.is_empty());
    let removes = arguments.get("remove").is_some_and(|value| matches!(value.bytes(), b"true" | b"1"));
    let command = if removes { "del_list" } else { "add_list" };
    let (option, value, is_good) = match (text("host"), text("endpoint")) {
        (Some(host), None) => ("allow_host", host, host.parse::<exemptions::ExemptHost>().is_ok()),
        (None, Some(server)) => ("allow_endpoint", server, server.parse::<exemptions::Server>().is_ok()),
        _ => return Err("one of 'host' and 'endpoint' is wanted".into()),
    };
    if is_good {
        // Digits, letters and the signs of addresses are all that can be in it.
        Ok(format!("{command} {option} {value}"))
    } else {
        let short: String = value.chars().take(64).collect();
        let form = OPTIONS
            .iter()
            .find(|known| known.name == option)
            .map_or(String::new(), |known| known.kind.shape().to_string());
        Err(format!("'{short}' is not {form}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(json: &str) -> Result<String, String> {
        let mut tape = Tape::default();
        edit_of(tape.index(json.as_bytes()).expect(json))
    }

    #[test]
    fn plain_texts_mean_nothing_to_a_shell() {
        for text in ["", "phone", "02:00:5e:10:00:01", "[2001:db8::1]:3333", "192.0.2.0/24", "30", "true"] {
            assert!(is_plain(text), "{text}");
        }
        for text in
            ["-h", "a b", "$(reboot)", "a;b", "a'b", "a\\n", "a\n", "*", "a|b", "\u{e9}", &"a".repeat(256)]
        {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn an_edit_holds_nothing_but_an_option_and_an_address() {
        for (json, words) in [
            (r#"{"host":"192.168.1.50"}"#, "add_list allow_host 192.168.1.50"),
            (
                r#"{"host":"02:00:5e:10:00:01","ubus_rpc_session":"0"}"#,
                "add_list allow_host 02:00:5e:10:00:01",
            ),
            (r#"{"endpoint":"[2001:db8::1]:3333","host":""}"#, "add_list allow_endpoint [2001:db8::1]:3333"),
            (r#"{"endpoint":"192.0.2.0/24","remove":true}"#, "del_list allow_endpoint 192.0.2.0/24"),
            (r#"{"endpoint":"192.0.2.0/24","remove":false}"#, "add_list allow_endpoint 192.0.2.0/24"),
        ] {
            assert_eq!(edited(json).as_deref(), Ok(words));
        }
        for json in [
            r#"{}"#,
            r#"{"host":7}"#,
            r#"{"host":"192.168.1.50","endpoint":"192.0.2.1"}"#,
            r#"{"host":"192.168.1.50; reboot"}"#,
            r#"{"host":"$(reboot)"}"#,
            r#"{"host":"192.168.1.50\u000a"}"#,
            r#"{"endpoint":"pool.example:3333"}"#,
        ] {
            let complaint = edited(json).expect_err(json);
            assert!(!complaint.is_empty() && complaint.len() < 200, "{complaint}");
        }
    }
}
