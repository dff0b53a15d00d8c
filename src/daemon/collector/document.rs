//! An event with the names of the Elastic Common Schema (ECS 8.11) beside ours.
//!
//! Values are taken from the event's line as they stand there, so that what is escaped stays so. `openwrt/EVENTS.md`
//! has the table.

use crate::parse::json::{Tape, TapeValue};

/// The document for the event `line`, told by the router of that name; none if the line is no event.
pub(super) fn of(line: &str, router: &str) -> Option<String> {
    let mut tape = Tape::default();
    let event = tape.index(line.as_bytes()).filter(|event| event.is_object() && event.is_whole())?;
    let text = |key| event.get(key).and_then(plain);
    let is_proof = event.get("event")?.is("detection");
    let verdict = text("verdict")?;
    let mut document = format!(
        "{{\"@timestamp\":\"{}\",\"ecs\":{{\"version\":\"8.11.0\"}},\"event\":{{\"kind\":\"{}\",\
         \"category\":[\"intrusion_detection\",\"network\"],\"type\":[\"{}\"],\"action\":\"{verdict}\",\
         \"provider\":\"minewall\",\"dataset\":\"minewall.event\"}},\
         \"observer\":{{\"hostname\":\"{router}\",\"product\":\"minewall\",\"type\":\"firewall\"}}",
        text("time")?,
        if is_proof { "alert" } else { "event" },
        if verdict == "blocked" { "denied" } else { "info" },
    );
    let (addr, port) = text("server")?.rsplit_once(':')?;
    let mac = text("mac").map(|mac| mac.replace(':', "-").to_ascii_uppercase());
    object(
        &mut document,
        "source",
        &[("ip", text("client")), ("mac", mac.as_deref()), ("domain", text("host"))],
    );
    let addr = addr.trim_start_matches('[').trim_end_matches(']');
    object(&mut document, "destination", &[("ip", Some(addr)), ("domain", text("server_name"))]);
    // A number.
    document.pop();
    document += &format!(",\"port\":{port}}}");
    object(&mut document, "network", &[("transport", Some("tcp")), ("protocol", text("dialect"))]);
    if let Some(evidence) = text("evidence") {
        document += &format!(",\"message\":\"{evidence}\"");
    }
    Some(format!("{document},\"minewall\":{line}}}"))
}

/// The text of a string, as it stands between its quotes.
fn plain(value: TapeValue<'_>) -> Option<&str> {
    value.is_string().then(|| core::str::from_utf8(value.bytes()).ok())?
}

/// Appends the member `name`: an object of texts; those that are missing are left out.
fn object(document: &mut String, name: &str, members: &[(&str, Option<&str>)]) {
    let members: Vec<String> = (members.iter())
        .filter_map(|(key, value)| value.map(|value| format!("\"{key}\":\"{value}\"")))
        .collect();
    *document += &format!(",\"{name}\":{{{}}}", members.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ecs_stand_beside_ours() {
        let line = r#"{"event":"detection","time":"2026-11-22T06:10:12Z","client":"fd00::50","mac":"02:00:5e:10:00:0a","host":"laptop","server":"[2001:db8::9]:3333","server_is_pool":true,"server_name":null,"dialect":"cryptonote","source":"dpi","evidence":"login \"x\"","verdict":"blocked","payload_packets":1}"#;
        let document = of(line, "router").expect("an event");
        for part in [
            r#"{"@timestamp":"2026-11-22T06:10:12Z","ecs":{"version":"8.11.0"},"event":{"kind":"alert","#,
            r#""type":["denied"],"action":"blocked""#,
            r#""source":{"ip":"fd00::50","mac":"02-00-5E-10-00-0A","domain":"laptop"}"#,
            r#""destination":{"ip":"2001:db8::9","port":3333}"#,
            r#""network":{"transport":"tcp","protocol":"cryptonote"},"message":"login \"x\"","#,
        ] {
            assert!(document.contains(part), "{part}\n{document}");
        }
        assert!(document.ends_with(&format!("\"minewall\":{line}}}")));
        let mut tape = Tape::default();
        assert!(tape.index(document.as_bytes()).is_some_and(|value| value.is_whole()), "{document}");
    }

    #[test]
    fn other_lines_are_no_events() {
        for line in [
            "",
            "{}",
            "[1]",
            "{\"event\":\"detection\"}",
            "{\"event\":\"detection\",\"verdict\":\"blocked\"}x",
        ] {
            assert_eq!(of(line, "router"), None, "{line}");
        }
    }
}
