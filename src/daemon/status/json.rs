//! The status as JSON, for programs.

use super::{CollectorUse, QueueUse, Status};
use crate::daemon::fleet::Router;
use crate::daemon::problems::Problem;
use crate::limits::STATUS_MAX_BYTES;
use crate::util::json_object::{JsonObject, array, of_numbers, texts};

impl Status<'_> {
    /// The status in one line of JSON. Hosts that don't fit are left out, the oldest first.
    pub(in crate::daemon) fn to_json(&self) -> String {
        let counters = &self.usage.counters;
        let mut line = JsonObject::default();
        line.text("version", self.version);
        line.text("mode", self.mode);
        line.numbers(&[
            ("uptime", self.uptime),
            ("packets", counters.packets),
            ("packets_minute", self.packets_minute),
            ("payload_packets", counters.payload_packets),
            ("not_tcp", counters.not_tcp),
            ("malformed", counters.malformed),
            ("detections", counters.detections.into()),
            ("suspects", counters.suspects.into()),
            ("resets", counters.resets),
            ("let_go", counters.bypassed.into()),
        ]);
        line.json("flows", &of_numbers(&self.usage.flows.members()));
        line.json("assembly", &of_numbers(&self.usage.assembly.members()));
        line.json("queue", &self.queue.to_json());
        line.json("probes", &of_numbers(&self.probes.members()));
        line.json("learned", &of_numbers(&self.learned.members()));
        line.json("lists", &of_numbers(&self.lists.members()));
        line.numbers(&[
            ("verdicts_failed", self.usage.verdicts_failed.into()),
            ("unreported", self.unreported.into()),
        ]);
        line.json("collector", &self.collector.as_ref().map_or("null".into(), CollectorUse::to_json));
        line.json("fleet", &array(&self.fleet.iter().map(Router::to_json).collect::<Vec<_>>()));
        line.json("watched", &texts(self.watched));
        let problems: Vec<String> = self.problems.iter().map(Problem::to_json).collect();
        line.json("problems", &array(&problems));
        let mut hosts: Vec<String> = self.hosts.iter().map(|host| host.to_json()).collect();
        loop {
            let mut whole = line.clone();
            whole.json("hosts", &array(&hosts));
            let text = whole.finish();
            if text.len() <= STATUS_MAX_BYTES {
                return text;
            }
            if hosts.pop().is_none() {
                return String::new();
            }
        }
    }
}

impl QueueUse {
    fn to_json(&self) -> String {
        let mut object = JsonObject::default();
        object.numbers(&[
            ("number", self.number.into()),
            ("queues", self.queues as u64),
            ("waiting", self.waiting.into()),
            ("dropped", self.dropped.into()),
            ("user_dropped", self.user_dropped.into()),
            ("facts_lost", self.facts_lost.into()),
        ]);
        object.flag("has_rules", self.has_rules);
        object.finish()
    }
}

impl CollectorUse {
    fn to_json(&self) -> String {
        let mut object = JsonObject::default();
        object.text("address", &self.address);
        object.numbers(&[
            ("sent", self.sent.into()),
            ("waiting", self.waiting.into()),
            ("lost", self.lost.into()),
        ]);
        object.finish()
    }
}
