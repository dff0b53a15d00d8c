//! The measurements as JSON.

use std::fmt::Write;

use super::Disguised;
use super::breakdown::{Breakdown, QUANTILES, quantile};
use super::swarms::Swarming;
use crate::hmm::decision::Sensitivity;
use crate::lab::train::sequence::Label;

/// `{"groups": {"application": [{...}]}, "roc": [[false positives, recall], ...], "evasion": [...],
/// "swarms": [...]}`.
pub fn document(
    breakdown: &Breakdown,
    curve: &[(f64, f64)],
    evasions: &[Disguised],
    swarms: &[Swarming],
) -> String {
    let mut out = String::from("{\n\"groups\": {");
    for (at, (grouping, groups)) in breakdown.groupings.iter().enumerate() {
        let _ = write!(out, "{}\n{}: [", comma(at), text(grouping));
        for (at, group) in groups.iter().enumerate() {
            let label = if group.label == Label::Mining { "mining" } else { "benign" };
            let _ = write!(
                out,
                "{}\n{{\"label\": \"{label}\", \"name\": {}, \"flows\": {}",
                comma(at),
                text(&group.name),
                group.flows
            );
            for (sensitivity, suspects) in Sensitivity::ALL.iter().zip(&group.suspects) {
                let [packets, millis] = [&suspects.packets, &suspects.millis].map(|values| {
                    let [median, p90, p99] = QUANTILES.map(|share| quantile(values, share));
                    format!("[{median}, {p90}, {p99}]")
                });
                let _ = write!(
                    out,
                    ", \"{}\": {{\"suspects\": {}, \"packets\": {packets}, \"millis\": {millis}}}",
                    sensitivity.name(),
                    suspects.packets.len(),
                );
            }
            out.push('}');
        }
        out.push(']');
    }
    out.push_str("},\n\"roc\": [");
    for (at, (mistaken, found)) in curve.iter().enumerate() {
        let _ = write!(out, "{}[{mistaken:.6}, {found:.6}]", comma(at));
    }
    out.push_str("],\n\"evasion\": [");
    for (at, (evasion, recall)) in evasions.iter().enumerate() {
        let _ = write!(out, "{}{{\"name\": {}", comma(at), text(&evasion.name()));
        for (sensitivity, recall) in Sensitivity::ALL.iter().zip(recall) {
            let _ = write!(out, ", \"{}\": {recall:.4}", sensitivity.name());
        }
        out.push('}');
    }
    out.push_str("],\n\"swarms\": [");
    for (at, swarming) in swarms.iter().enumerate() {
        let label = if swarming.label == Label::Mining { "mining" } else { "benign" };
        let _ = write!(
            out,
            "{}{{\"label\": \"{label}\", \"name\": {}, \"captures\": {}, \"suspects\": {}}}",
            comma(at),
            text(&swarming.name),
            swarming.captures,
            swarming.suspects
        );
    }
    out.push_str("]\n}\n");
    out
}

fn comma(at: usize) -> &'static str {
    if at == 0 { "" } else { ", " }
}

/// A JSON string (RFC 8259 section 7).
fn text(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_captures_are_escaped() {
        assert_eq!(text("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    }
}
