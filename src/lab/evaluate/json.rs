//! The measurements as JSON.

use serde::Serialize;

use super::beaconing::BeaconCount;
use super::breakdown::{Breakdown, Group, QUANTILES, quantile};
use super::calibration::CalibrationBin;
use super::{Disguised, Measured};
use crate::hmm::threshold::{Sensitivity, Test};
use crate::lab::train::scores::Trace;
use serde_json::{Map, Value, json};

/// A session of `sessions`.
#[derive(Debug, Serialize)]
struct SessionRow<'a> {
    label: &'static str,
    application: &'a str,
    dialect: &'a str,
    transport: &'a str,
    /// The largest value of the statistic that is compared with the threshold, in bits: the session is suspect at
    /// every threshold up to it. Below zero for a session that never comes near.
    peak: f64,
    /// Payload packets to suspicion at the default; null if it never comes.
    packets: Option<u16>,
    /// Seconds to suspicion at the default; null if it never comes.
    seconds: Option<f64>,
}

/// `{"thresholds": {...}, "sessions": [...], "groups": {"application": [...]}, "roc": [[false positives, recall], ...],
/// "evasion": [...], "beacons": [...], "calibration": [...]}`; thresholds and peaks in bits.
pub(super) fn document(measured: &Measured<'_>, test: &Test, traces: &[Trace<'_>]) -> String {
    let default = test.threshold(Sensitivity::default());
    let session = |trace: &Trace<'_>| {
        let sequence = &trace.case.sequence;
        let suspicion = trace.suspicion(default);
        json!(SessionRow {
            label: sequence.label.name(),
            application: &sequence.application,
            dialect: &sequence.dialect,
            transport: &sequence.transport,
            peak: trace.peak(),
            packets: suspicion.map(|suspicion| suspicion.packets),
            seconds: suspicion.map(|suspicion| f64::from(suspicion.age_ms) / 1_000.0),
        })
    };
    let thresholds: Map<String, Value> = Sensitivity::ALL
        .into_iter()
        .map(|sensitivity| (sensitivity.name().to_owned(), json!(super::bits(test.threshold(sensitivity)))))
        .collect();
    let document = json!({
        "thresholds": thresholds,
        "sessions": traces.iter().map(session).collect::<Vec<_>>(),
        "groups": groups(measured.breakdown),
        "roc": measured.curve,
        "evasion": measured.evasions.iter().map(evasion).collect::<Vec<_>>(),
        "beacons": measured.beacons.iter().map(beacon).collect::<Vec<_>>(),
        "calibration": measured.told.iter().map(told).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn groups(breakdown: &Breakdown) -> Value {
    let grouping = |(name, groups): &(&'static str, Vec<Group>)| {
        ((*name).to_owned(), groups.iter().map(group).collect::<Value>())
    };
    Value::Object(breakdown.groupings.iter().map(grouping).collect())
}

fn group(group: &Group) -> Value {
    let mut members = Map::new();
    members.insert("label".into(), group.label.name().into());
    members.insert("name".into(), group.name.as_str().into());
    members.insert("flows".into(), group.flows.into());
    for (sensitivity, suspects) in Sensitivity::ALL.iter().zip(&group.suspects) {
        let [packets, millis] = [&suspects.packets, &suspects.millis]
            .map(|values| QUANTILES.map(|share| quantile(values, share)));
        let found = json!({"suspects": suspects.packets.len(), "packets": packets, "millis": millis});
        members.insert(sensitivity.name().to_owned(), found);
    }
    Value::Object(members)
}

fn evasion((evasion, recall): &Disguised) -> Value {
    let mut members = Map::from_iter([("name".to_owned(), Value::from(evasion.name()))]);
    let recalls = Sensitivity::ALL.iter().zip(recall);
    members.extend(recalls.map(|(sensitivity, recall)| (sensitivity.name().to_owned(), json!(recall))));
    Value::Object(members)
}

fn told(told: &CalibrationBin) -> Value {
    let [benign, mining] = told.suspects;
    json!({"from": told.bounds.0, "below": told.bounds.1, "told": told.mean(), "mining": mining, "benign": benign})
}

fn beacon(count: &BeaconCount) -> Value {
    json!({
        "label": count.label.name(),
        "name": count.name,
        "captures": count.captures,
        "suspects": count.suspects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::model::Model;
    use crate::lab::train::{dataset, generate};

    /// An outside judge reads the rows: a session is suspect exactly where its peak reaches the threshold.
    #[test]
    fn a_session_has_packets_and_seconds_where_its_peak_reaches_the_default() {
        let model = Model::embedded().expect("part of the program");
        let cases = dataset::cases([generate::mining(8, 80, 200), generate::benign(8, 80, 200)].concat());
        let traces = Trace::of_all(&cases, &model);
        let breakdown = Breakdown::of(&traces, &model.test);
        let measured = Measured { breakdown: &breakdown, curve: &[], evasions: &[], beacons: &[], told: &[] };
        let document: Value =
            serde_json::from_str(&document(&measured, &model.test, &traces)).expect("good JSON");
        let threshold = document["thresholds"]["adaptive"].as_f64().expect("a number");
        let sessions = document["sessions"].as_array().expect("rows");
        assert_eq!(sessions.len(), cases.len());
        for (row, case) in sessions.iter().zip(&cases) {
            let keys: Vec<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
            let expected = ["application", "dialect", "label", "packets", "peak", "seconds", "transport"];
            assert_eq!(keys, expected);
            assert_eq!(row["label"], case.label().name());
            let is_suspect = row["peak"].as_f64().expect("a number") >= threshold;
            assert_eq!(row["packets"].is_u64(), is_suspect, "{row}");
            assert_eq!(row["seconds"].is_f64(), is_suspect, "{row}");
            assert!(is_suspect || (row["packets"].is_null() && row["seconds"].is_null()));
        }
        let suspects = sessions.iter().filter(|row| !row["packets"].is_null()).count();
        assert!(suspects > 5 && suspects < sessions.len() - 5, "{suspects}");
    }
}
