//! The status as JSON, for programs.

use super::{CollectorUse, Flows, Learned, ListsUse, Probes, QueueUse, Slots, Status};
use crate::daemon::fleet::Router;
use crate::daemon::problems::Problem;
use crate::limits::STATUS_MAX_BYTES;
use crate::util::json_object::{JsonObject, array, of_numbers, texts};

impl Status<'_> {
    /// The status in one line of JSON. Hosts that don't fit are left out, the oldest first.
    pub fn to_json(&self) -> String {
        let mut line = JsonObject::default();
        line.text("version", self.version);
        line.text("mode", self.mode);
        line.numbers(&[
            ("uptime", self.uptime),
            ("packets", self.packets),
            ("packets_minute", self.packets_minute),
            ("payload_packets", self.payload_packets),
            ("not_tcp", self.not_tcp),
            ("malformed", self.malformed),
            ("detections", self.detections.into()),
            ("suspects", self.suspects.into()),
            ("resets", self.resets),
            ("let_go", self.let_go.into()),
        ]);
        line.json("flows", &self.flows.to_json());
        line.json("assembly", &self.assembly.to_json());
        line.json("queue", &self.queue.to_json());
        line.json("probes", &self.probes.to_json());
        line.json("learned", &self.learned.to_json());
        line.json("lists", &self.lists.to_json());
        line.numbers(&[
            ("verdicts_failed", self.verdicts_failed.into()),
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

impl Flows {
    fn to_json(&self) -> String {
        of_numbers(&[
            ("used", self.used as u64),
            ("capacity", self.capacity as u64),
            ("opened", self.opened.into()),
            ("expired", self.expired.into()),
            ("evicted_settled", self.evicted_settled.into()),
            ("evicted_undecided", self.evicted_undecided.into()),
            ("refused", self.refused.into()),
        ])
    }
}

impl Slots {
    fn to_json(&self) -> String {
        of_numbers(&[
            ("used", self.used as u64),
            ("capacity", self.capacity as u64),
            ("taken_away", self.taken_away.into()),
        ])
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

impl Probes {
    fn to_json(&self) -> String {
        of_numbers(&[
            ("pool", self.pool.into()),
            ("not_pool", self.not_pool.into()),
            ("inconclusive", self.inconclusive.into()),
            ("known", self.known.into()),
            ("forbidden", self.forbidden.into()),
            ("too_many", self.too_many.into()),
            ("dry", self.dry.into()),
            ("failed", self.failed.into()),
        ])
    }
}

impl Learned {
    fn to_json(self) -> String {
        of_numbers(&[
            ("probe", self.probe as u64),
            ("operator", self.operator as u64),
            ("fleet", self.fleet as u64),
            ("blocking", self.blocking as u64),
            ("refused_by_kernel", self.refused_by_kernel.into()),
        ])
    }
}

impl ListsUse {
    fn to_json(self) -> String {
        of_numbers(&[
            ("files", self.files as u64),
            ("entries", self.entries as u64),
            ("bytes", self.bytes as u64),
            ("dns_answers", self.dns_answers.into()),
        ])
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
