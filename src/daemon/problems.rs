//! Problems that the owner of the router should know: each has a code, a sentence and a remedy.
//!
//! What reports a problem may run in any thread, and resolves it when it is over. The log has a line for each
//! new one; status, ubus and LuCI show those that last.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::limits::PROBLEMS;
use crate::util::json_object::JsonObject;
use crate::util::named::named;

named! {
    /// The kinds of problems, by what the owner can do.
    pub(crate) enum Code {
        /// A model file that was not taken.
        Model = "model",
        /// A list that was refused, or doesn't fit.
        List = "list",
        /// A file among the lists whose name has no policy.
        ListName = "list_name",
        /// A flow table that is full.
        TableFull = "table_full",
        /// A file that can't be written.
        File = "file",
        /// A second program overwrites the marks of connections.
        MarkConflict = "mark_conflict",
        /// The kernel's sets of known pools take nothing.
        KernelSets = "kernel_sets",
        /// Signatures that were not taken.
        Signatures = "signatures",
        /// A flowtable of another program that takes connections before they are decided.
        Offload = "offload",
        /// A collector of events that takes none.
        Collector = "collector",
    }
}

impl Code {
    /// Remedy that the owner has.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Code::Model => "Correct option 'model', or remove it to use the built-in model.",
            Code::List => "Correct the list; 'minewall check-list FILE' says what is wrong with it.",
            Code::ListName => "Rename the file: its name ends in .block, .suspect or .allow.",
            Code::TableFull => "Raise option 'max_flows' if the router has memory to spare.",
            Code::MarkConflict => {
                "Install kmod-ipt-conntrack-label and restart minewall, or move option 'mark_bit', or limit the other program to its own bits."
            }
            Code::KernelSets => {
                "Install nft, or set option 'kernel_block' to 0: the daemon blocks known pools by itself."
            }
            Code::Signatures => {
                "Correct the file; 'minewall signatures check FILE' says what is wrong with it."
            }
            Code::Offload => "Reload minewall, or turn the flow offload of the other program off.",
            Code::Collector => {
                "Start the collector, or correct options 'collector' and 'collector_certificate'; the event log has all events."
            }
            Code::File => "Make room on the disk, or choose another path in the configuration.",
        }
    }
}

/// A problem that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Code of the kind.
    pub code: &'static str,
    /// Description of the problem, in one sentence.
    pub text: String,
    /// Remedy that the owner has.
    pub remedy: &'static str,
    /// The file or thing that it is about; one problem of a kind for each.
    subject: String,
}

impl Problem {
    pub(super) fn to_json(&self) -> String {
        let mut line = JsonObject::default();
        line.text("code", self.code);
        line.text("text", &self.text);
        line.text("remedy", self.remedy);
        line.finish()
    }
}

/// The problems at hand; a handle that any thread may have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Arc<Mutex<Vec<Problem>>>);

impl Problems {
    /// Notes a problem with `subject`. A new one is logged.
    pub(crate) fn report(&self, code: Code, subject: &str, text: String) {
        let mut problems = self.lock();
        let problem = Problem { code: code.name(), text, remedy: code.remedy(), subject: subject.into() };
        let is_it = |known: &&mut Problem| known.code == problem.code && known.subject == subject;
        match problems.iter_mut().find(is_it) {
            Some(known) if known.text == problem.text => {}
            Some(known) => {
                log::warn!("{}", problem.text);
                *known = problem;
            }
            None => {
                log::warn!("{}", problem.text);
                if problems.len() < PROBLEMS {
                    problems.push(problem);
                }
            }
        }
    }

    /// All problems of the kind are over.
    pub(crate) fn resolve(&self, code: Code) {
        self.lock().retain(|known| known.code != code.name());
    }

    /// The problem of the kind with `subject` is over.
    pub(crate) fn resolve_of(&self, code: Code, subject: &str) {
        self.lock().retain(|known| known.code != code.name() || known.subject != subject);
    }

    /// The problems at hand, the oldest first.
    pub(crate) fn all(&self) -> Vec<Problem> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Problem>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_for_each_subject_until_it_is_resolved() {
        let problems = Problems::default();
        problems.report(Code::List, "a", "a is bad".into());
        problems.report(Code::List, "a", "a is worse".into());
        problems.report(Code::List, "b", "b is bad".into());
        problems.clone().report(Code::Model, "", "no model".into());
        let texts = || problems.all().into_iter().map(|problem| problem.text).collect::<Vec<_>>();
        assert_eq!(texts(), ["a is worse", "b is bad", "no model"]);
        problems.resolve_of(Code::List, "a");
        assert_eq!(texts(), ["b is bad", "no model"]);
        problems.resolve(Code::List);
        assert_eq!(texts(), ["no model"]);
        (0..99).for_each(|number| problems.report(Code::List, &number.to_string(), "bad".into()));
        assert_eq!(problems.all().len(), PROBLEMS);
    }
}
