//! The counters in Prometheus's text format (version 0.0.4), for exporters on the router.

use core::fmt::Write;

use super::status::Status;
use super::usage::LoopUsage;

/// `# TYPE` lines, each with its samples. No labels from outside: a series a host would be for the host to
/// multiply.
pub(super) fn to_prometheus(status: &Status<'_>) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, samples: &[(&str, u64)]| {
        let _ = writeln!(text, "# TYPE minewall_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "minewall_{name}{labels} {value}");
        }
    };
    let Status { usage: LoopUsage { counters, flows, assembly, .. }, queue, probes, learned, .. } = status;
    family("uptime_seconds", "gauge", &[("", status.uptime)]);
    family("blocks", "gauge", &[("", u64::from(status.mode == "block"))]);
    family("packets_total", "counter", &[("", counters.packets)]);
    family("payload_packets_total", "counter", &[("", counters.payload_packets)]);
    family("malformed_packets_total", "counter", &[("", counters.malformed)]);
    family("detections_total", "counter", &[("", counters.detections.into())]);
    family("suspects_total", "counter", &[("", counters.suspects.into())]);
    family("resets_total", "counter", &[("", counters.resets)]);
    family("hosts", "gauge", &[("", status.hosts.len() as u64)]);
    family("flows", "gauge", &[("", flows.used as u64)]);
    family("flows_capacity", "gauge", &[("", flows.capacity as u64)]);
    family("flows_opened_total", "counter", &[("", flows.opened.into())]);
    family("flows_let_go_total", "counter", &[("", counters.bypassed.into())]);
    family(
        "flows_evicted_total",
        "counter",
        &[
            ("{state=\"settled\"}", flows.evicted_settled.into()),
            ("{state=\"undecided\"}", flows.evicted_undecided.into()),
        ],
    );
    family("assembly_slots", "gauge", &[("", assembly.used as u64)]);
    family("queue_packets", "gauge", &[("", queue.waiting.into())]);
    family("queue_has_rules", "gauge", &[("", queue.has_rules.into())]);
    family(
        "queue_passed_unseen_total",
        "counter",
        &[("", u64::from(queue.dropped) + u64::from(queue.user_dropped))],
    );
    family(
        "probes_total",
        "counter",
        &[
            ("{outcome=\"pool\"}", probes.pool.into()),
            ("{outcome=\"not_pool\"}", probes.not_pool.into()),
            ("{outcome=\"inconclusive\"}", probes.inconclusive.into()),
        ],
    );
    family("servers_blocked", "gauge", &[("", learned.blocking as u64)]);
    family("refused_by_kernel_total", "counter", &[("", learned.refused_by_kernel.into())]);
    text
}
