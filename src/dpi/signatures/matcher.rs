//! From a message to the signature that it fits best.

use super::code::{Operations, arguments_of, data, in_long_range, in_range, is_complete, proto, rest_of};
use super::compile::program::{
    Confidence, PIVOTS, Program, Rule, edge, kind, op, path, pivot_of_carrier, shape,
};
use super::shape as text_shape;
use super::thing::Thing;
use super::word;
use crate::parse::tree::{Value, class};
use crate::parse::words::WordId;

#[cfg(test)]
mod tests;

/// The parts of a message that signatures look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// The carrier, a bit of [`super::compile::program::carrier`].
    pub over: u16,
    /// The method; empty in a response.
    pub method: &'a [u8],
    /// Number of the method among the words; 0 if it is not known.
    pub method_word: WordId,
    /// Values of the message, if it has any.
    pub root: Option<Value<'a>>,
    /// The HTTP head around it.
    pub http: Option<Value<'a>>,
    /// Bytes of a message that is no text.
    pub data: &'a [u8],
    /// More bytes may follow, and what hangs on them holds.
    pub is_open: bool,
}

impl Message<'_> {
    /// Kinds of the result and the parameters ([`kind`]).
    fn kinds(&self) -> u8 {
        let of = |word| match self.root.and_then(|root| root.member(word)) {
            None => 0,
            Some(value) if value.is_array() => kind::ARRAY,
            Some(value) if value.is_object() => kind::OBJECT,
            Some(_) => kind::SCALAR,
        };
        of(word::RESULT) | of(word::PARAMS) << kind::PARAMS
    }

    /// The text in which rules ask for a byte: the method; of a message without one, the path of its head.
    fn edge_text(&self) -> &[u8] {
        if !self.method.is_empty() {
            return self.method;
        }
        self.http.and_then(|head| head.member(word::PATH)).map_or(&[], Value::bytes)
    }

    /// Whether the message has the byte that a rule asks for ([`edge`]), or may come to have it.
    fn has_edge(&self, edge: u16) -> bool {
        self.has_edge_in(self.edge_text(), edge)
    }

    fn has_edge_in(&self, text: &[u8], edge: u16) -> bool {
        let place = usize::from(edge >> 8 & edge::PLACE_MAX);
        let byte = match edge & edge::DATA {
            edge::METHOD_BEGINS => text.get(place),
            edge::METHOD_ENDS => text.iter().rev().nth(place),
            edge::DATA => self.data.get(place),
            _ => return true,
        };
        byte.map_or(self.is_open, |byte| u16::from(*byte) == edge & 0xff)
    }
}

/// State of the flow before the message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    /// The message answers the latest strong request of the other side.
    pub answers: bool,
    /// A bit for each phase of which a message was seen.
    pub phases: u8,
    /// Question of the probe that the message answers; none in a flow of a client's.
    pub asked: &'static str,
}

/// A message of a dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match<'a> {
    /// The signature that matches.
    pub rule: &'a Rule,
    /// The tables that the signature is part of.
    pub program: &'a Program,
    /// Certainty of the match.
    pub confidence: Confidence,
}

impl Program {
    /// The signature that `message` fits with the highest confidence; of several, one that is not generic, and of
    /// those the one with the most conditions.
    /// `suspects` says of each dialect whether a feed has it, and `of_feeds` which of the two are looked at; empty, all
    /// are.
    pub(super) fn find<'a>(
        &'a self,
        message: &Message<'_>,
        before: Before,
        suspects: &[bool],
        of_feeds: bool,
    ) -> Option<Match<'a>> {
        let with_method = self.rules.get(..usize::from(self.with_method)).unwrap_or_default();
        let (patterns, without) = self.without_method();
        let mut search = Search {
            program: self,
            message,
            before,
            present: message.root.or(message.http).map_or(0, |value| value.tree().present()),
            kinds: message.kinds(),
            text: message.edge_text(),
            suspects,
            of_feeds,
            best: None,
        };
        if !message.method.is_empty() {
            if message.method_word != 0 {
                let from = with_method.partition_point(|rule| rule.method < message.method_word);
                let rest = with_method.get(from..).unwrap_or_default();
                let exact = rest.partition_point(|rule| rule.method == message.method_word);
                search.try_all(rest.get(..exact).unwrap_or_default(), true);
            }
            search.try_all(patterns, false);
            return search.best;
        }
        // A rule can fit only where its pivot is there, so the others are not even looked at.
        let mut members = search.present;
        while members != 0 {
            search.try_all(self.with_pivot(without, members.trailing_zeros()), false);
            members &= members - 1;
        }
        search.try_all(self.with_pivot(without, pivot_of_carrier(message.over)), false);
        search.try_all(self.with_pivot(without, PIVOTS - 1), false);
        search.best
    }

    /// The rules that ask for a part of a method's name, and those that ask for no method.
    fn without_method(&self) -> (&[Rule], &[Rule]) {
        let others = self.rules.get(usize::from(self.with_method)..).unwrap_or_default();
        others.split_at(usize::from(self.with_pattern).min(others.len()))
    }

    fn with_pivot<'a>(&self, without: &'a [Rule], pivot: u32) -> &'a [Rule] {
        let ends = (self.pivots.get(pivot as usize), self.pivots.get(pivot as usize + 1));
        let (Some(&from), Some(&to)) = ends else { return &[] };
        without.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    /// Whether a signature of a binary message may fit `message` once more bytes have come.
    pub(super) fn may_fit(&self, message: &Message<'_>) -> bool {
        let open = Message { is_open: true, ..*message };
        let any_phase = Before { answers: true, phases: u8::MAX, asked: "" };
        let (_, without) = self.without_method();
        let may_fit = |pivot| {
            let mut rules = self.with_pivot(without, pivot).iter();
            rules.any(|rule| {
                u16::from(rule.over) & open.over != 0
                    && open.has_edge(rule.method)
                    && self.grade(rule, &open, any_phase).is_some()
            })
        };
        may_fit(pivot_of_carrier(open.over)) || may_fit(PIVOTS - 1)
    }

    fn is_generic(&self, rule: &Rule) -> bool {
        self.dialects.get(usize::from(rule.dialect)).is_some_and(|dialect| dialect.generic)
    }

    /// Confidence of `message` by `rule`; `None` if it doesn't fit.
    fn grade(&self, rule: &Rule, message: &Message<'_>, before: Before) -> Option<Confidence> {
        let code = self.code.get(usize::from(rule.code.0)..usize::from(rule.code.1))?;
        let mut operations = Operations(code);
        operations.find_map(|(operation, inside)| match (operation, inside.split_first()) {
            (op::GRADE, Some((confidence, inside))) => {
                self.all(inside, message, before).then_some(Some(match confidence {
                    2 => Confidence::Proof,
                    1 => Confidence::Strong,
                    _ => Confidence::Hint,
                }))
            }
            _ => (!self.holds(operation, inside, message, before)).then_some(None),
        })?
    }

    fn all(&self, code: &[u16], message: &Message<'_>, before: Before) -> bool {
        Operations(code).all(|(operation, inside)| self.holds(operation, inside, message, before))
    }

    /// Whether one operation holds. Its nesting is bounded by the compiler.
    fn holds(&self, operation: u16, inside: &[u16], message: &Message<'_>, before: Before) -> bool {
        let holds = |(operation, inside): (u16, &[u16])| self.holds(operation, inside, message, before);
        match operation {
            op::ALL => Operations(inside).all(holds),
            op::ANY => Operations(inside).any(holds),
            op::NOT => message.is_open || !self.all(inside, message, before),
            op::AT_LEAST => inside.split_first().is_some_and(|(count, inside)| {
                Operations(inside).filter(|operation| holds(*operation)).count() >= usize::from(*count)
            }),
            op::ANSWERS => before.answers,
            op::ASKED => {
                inside.iter().any(|name| !before.asked.is_empty() && self.str(*name) == before.asked)
            }
            op::AFTER => inside.first().is_some_and(|phase| before.phases & (1 << phase) != 0),
            op::TEST => {
                let Some((steps, rest)) = inside.split_first() else { return false };
                let (steps, shapes) = rest.split_at(usize::from(*steps).min(rest.len()));
                self.test(steps, shapes, message)
            }
            _ => false,
        }
    }

    fn test(&self, steps: &[u16], shapes: &[u16], message: &Message<'_>) -> bool {
        let Some((base, steps)) = steps.split_first() else { return false };
        match *base {
            path::METHOD => self.fits(Thing::Bytes(message.method), shapes),
            path::DATA if message.is_open && !is_complete(message.data, steps) => {
                self.begins(rest_of(message.data, steps), shapes)
            }
            path::DATA => self.fits(data(message.data, steps).map_or(Thing::Nothing, Thing::Bytes), shapes),
            path::PROTO => self.fits(proto(message.data, steps).map_or(Thing::Nothing, Thing::Bytes), shapes),
            path::HTTP => self.reaches(message.http, steps, shapes),
            _ => self.reaches(message.root, steps, shapes),
        }
    }

    /// Whether bytes that go on may come to have the first of `shapes`: a text that they are part of, or any other.
    fn begins(&self, bytes: &[u8], shapes: &[u16]) -> bool {
        let [1, shape::IS | shape::BEGINS, count, texts @ ..] = shapes else { return true };
        let mut texts = texts.iter().take(usize::from(*count)).map(|id| self.text(*id));
        texts.any(|text| text.starts_with(bytes) || bytes.starts_with(text))
    }

    /// Whether the value that `steps` lead to has the `shapes`.
    fn reaches(&self, value: Option<Value<'_>>, steps: &[u16], shapes: &[u16]) -> bool {
        let Some((step, rest)) = steps.split_first() else {
            return self.fits(value.map_or(Thing::Nothing, Thing::Value), shapes);
        };
        match *step {
            path::SOME => {
                value.is_some_and(|value| value.children().any(|item| self.reaches(Some(item), rest, shapes)))
            }
            path::EVERY => value.is_some_and(|value| {
                value.is_array()
                    && !value.is_empty()
                    && value.items().all(|item| self.reaches(Some(item), rest, shapes))
            }),
            step if step & path::INDEX != 0 => {
                let index = usize::from(step & !path::INDEX);
                self.reaches(value.and_then(|value| value.item(index)), rest, shapes)
            }
            key => self.reaches(value.and_then(|value| value.member(key)), rest, shapes),
        }
    }

    /// Whether a value has all `shapes`: groups of alternatives.
    fn fits(&self, thing: Thing<'_>, shapes: &[u16]) -> bool {
        let mut rest = shapes;
        while let Some((&alternatives, mut group)) = rest.split_first() {
            let mut fits = false;
            for _ in 0..alternatives {
                let Some((&shape, arguments)) = group.split_first() else { return false };
                let count = arguments_of(shape, arguments);
                let (arguments, behind) = arguments.split_at(count.min(arguments.len()));
                fits = fits || self.has_shape(thing, shape, arguments);
                group = behind;
            }
            if !fits {
                return false;
            }
            rest = group;
        }
        true
    }

    fn has_shape(&self, thing: Thing<'_>, shape: u16, arguments: &[u16]) -> bool {
        let texts = || arguments.iter().skip(1).map(|id| self.text(*id));
        let string = thing.string();
        match shape {
            shape::IS => string.is_some_and(|text| texts().any(|known| known == text) && !thing.is_cut()),
            shape::BEGINS => string.is_some_and(|text| texts().any(|known| text.starts_with(known))),
            shape::ENDS => {
                string.is_some_and(|text| texts().any(|known| text.ends_with(known)) && !thing.is_cut())
            }
            shape::HAS => string.is_some_and(|text| texts().any(|known| text_shape::contains(text, known))),
            shape::ONLY => thing.value().is_some_and(|value| {
                let known =
                    |(key, _): &(WordId, Value<'_>)| texts().any(|text| value.words().word(*key) == text);
                value.is_object() && value.members().filter(known).count() == value.len()
            }),
            shape::HEX => thing.hex_digits().is_some_and(|digits| in_range(digits, arguments)),
            shape::DECIMAL..=shape::LOWER => {
                let classes =
                    [class::DECIMAL, class::DIGIT, class::BASE58, class::BASE64, class::UPPER, class::LOWER];
                let class = classes.get(usize::from(shape - shape::DECIMAL)).copied().unwrap_or(0);
                thing.is_all(class) && in_range(thing.len(), arguments)
            }
            shape::LENGTH => string.is_some() && in_range(thing.len(), arguments),
            shape::ITEMS => thing.value().is_some_and(|value| {
                (value.is_array() || value.is_object()) && in_range(value.len(), arguments)
            }),
            shape::INTEGER..=shape::BIG => {
                thing.integer(shape).is_some_and(|number| in_long_range(number, arguments))
            }
            shape::WALLET => string.is_some_and(text_shape::is_wallet),
            shape::MINER => string.is_some_and(text_shape::is_miner),
            shape::ALGORITHM => string.is_some_and(text_shape::is_algorithm),
            _ => thing.is_of_kind(shape),
        }
    }

    /// The first of the paths at `place` that leads to a string.
    pub(crate) fn place<'a>(&self, place: u16, message: &Message<'a>) -> Option<&'a [u8]> {
        let code = self.code.get(usize::from(place)..).filter(|_| place != 0)?;
        let (&paths, mut rest) = code.split_first()?;
        for _ in 0..paths {
            let (&len, behind) = rest.split_first()?;
            let (steps, further) = behind.split_at_checked(usize::from(len))?;
            rest = further;
            let (&base, steps) = steps.split_first()?;
            let text = match base {
                path::DATA => data(message.data, steps),
                path::PROTO => proto(message.data, steps),
                path::METHOD => Some(message.method),
                base => {
                    let root = if base == path::HTTP { message.http } else { message.root };
                    let value = steps.iter().try_fold(root?, |value, &step| match step {
                        path::SOME | path::EVERY => value.item(0),
                        step if step & path::INDEX != 0 => value.item(usize::from(step & !path::INDEX)),
                        key => value.member(key),
                    });
                    value.filter(|value| value.is_string()).map(Value::bytes)
                }
            };
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return Some(text);
            }
        }
        None
    }
}

/// The search for the rule that a message fits best.
struct Search<'a, 'm> {
    program: &'a Program,
    message: &'m Message<'m>,
    before: Before,
    /// A bit for each member of the message.
    present: u64,
    /// Kinds of its result and parameters.
    kinds: u8,
    /// See [`Message::edge_text`].
    text: &'m [u8],
    /// Whether each dialect is a feed's, and which of the two are searched; all where nothing is said.
    suspects: &'m [bool],
    of_feeds: bool,
    best: Option<Match<'a>>,
}

impl<'a> Search<'a, '_> {
    fn try_all(&mut self, rules: &'a [Rule], is_exact: bool) {
        let Search { program, message, before, present, kinds, text, suspects, of_feeds, .. } = *self;
        let is_wanted =
            |rule: &Rule| suspects.get(usize::from(rule.dialect)).is_none_or(|feed| *feed == of_feeds);
        for rule in rules {
            if u16::from(rule.over) & message.over == 0
                || rule.needs & !present != 0
                || rule.kinds & !kinds != 0
                || (!is_exact && !message.has_edge_in(text, rule.method))
                || !is_wanted(rule)
            {
                continue;
            }
            let Some(confidence) = program.grade(rule, message, before) else { continue };
            let found = Match { rule, program, confidence };
            if self.best.is_none_or(|best| (best.order(), rule.order) < (found.order(), best.rule.order)) {
                self.best = Some(found);
            }
        }
    }
}

impl Match<'_> {
    fn order(&self) -> (Confidence, bool, u8) {
        (self.confidence, !self.program.is_generic(self.rule), self.rule.rank)
    }

    /// Whether this match says more than `other` does.
    pub(super) fn beats(&self, other: &Match<'_>) -> bool {
        self.order() > other.order()
    }
}
