//! The measurements as SVG, for the README.

use std::fmt::Write;

use super::Disguised;
use super::breakdown::Breakdown;
use crate::hmm::threshold::Sensitivity;
use crate::lab::train::sequence::Label;

/// Recall against the rate of false positives, logarithmic; a dot for each sensitivity.
pub(crate) fn roc(curve: &[(f64, f64)], breakdown: &Breakdown) -> String {
    let x =
        |rate: f64| ((rate.max(LOWEST_RATE) / LOWEST_RATE).log10() / (1.0 / LOWEST_RATE).log10()).min(1.0);
    let ticks = [0.0001, 0.001, 0.01, 0.1, 1.0].map(|rate| (x(rate), format!("{} %", rate * 100.0)));
    let mut frame = Frame::new("benign long flows that become suspects", "mining found", &ticks);
    let points: Vec<_> = curve.iter().map(|&(mistaken, found)| (x(mistaken), found)).collect();
    frame.line(&points, COLOURS[0]);
    if let (Some(mining), Some(benign)) = (breakdown.all(Label::Mining), breakdown.all(Label::Benign)) {
        for sensitivity in Sensitivity::ALL {
            let share = |group: &super::breakdown::Group| {
                group.suspects[sensitivity as usize].packets.len() as f64 / group.flows as f64
            };
            frame.dot(x(share(benign)), share(mining), sensitivity.name());
        }
    }
    frame.finish()
}

/// Share of mining sessions that are suspect by then, for each sensitivity.
pub(crate) fn decision(breakdown: &Breakdown) -> String {
    let x = |seconds: f64| {
        (seconds.max(FIRST_SECOND) / FIRST_SECOND).log10() / (LAST_SECOND / FIRST_SECOND).log10()
    };
    let ticks = [(30.0, "30 s"), (60.0, "1 min"), (300.0, "5 min"), (1_800.0, "30 min"), (3_600.0, "1 h")];
    let ticks = ticks.map(|(seconds, name)| (x(seconds), name.to_owned()));
    let mut frame = Frame::new("time since the session began", "mining sessions suspect", &ticks);
    if let Some(mining) = breakdown.all(Label::Mining) {
        for (sensitivity, colour) in Sensitivity::ALL.into_iter().zip(COLOURS) {
            let millis = &mining.suspects[sensitivity as usize].millis;
            let share = |rank: usize| (rank + 1) as f64 / mining.flows as f64;
            let step = |(rank, &ms): (usize, &u32)| (x(f64::from(ms) / 1_000.0).min(1.0), share(rank));
            frame.line(&millis.iter().enumerate().map(step).collect::<Vec<_>>(), colour);
            frame.key(sensitivity, colour);
        }
    }
    frame.finish()
}

/// Recall in every disguise.
pub(crate) fn evasion(evasions: &[Disguised]) -> String {
    let slot = 1.0 / evasions.len().max(1) as f64;
    let ticks: Vec<_> = (evasions.iter().enumerate())
        .map(|(at, (evasion, _))| ((at as f64 + 0.5) * slot, evasion.name()))
        .collect();
    let mut frame = Frame::new("", "mining found", &ticks);
    for (at, (_, recall)) in evasions.iter().enumerate() {
        for (bar, (&recall, colour)) in recall.iter().zip(COLOURS).enumerate() {
            frame.bar((at as f64 + 0.15 + bar as f64 * 0.18) * slot, 0.16 * slot, recall, colour);
        }
    }
    for (sensitivity, colour) in Sensitivity::ALL.into_iter().zip(COLOURS) {
        frame.key(sensitivity, colour);
    }
    frame.finish()
}

/// A plot's frame; inside, both axes go from 0 to 1.
struct Frame(String);

impl Frame {
    fn new(x_name: &str, y_name: &str, x_ticks: &[(f64, String)]) -> Self {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
        );
        for tenth in (0..=10).step_by(2) {
            let y = down(f64::from(tenth) / 10.0);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{} %</text>",
                across(1.0),
                LEFT - 6.0,
                y + 4.0,
                tenth * 10
            );
        }
        let slanted = x_ticks.len() > 8;
        for (x, name) in x_ticks {
            let (x, y) = (across(*x), down(0.0) + 16.0);
            let (anchor, turn) = if slanted {
                ("end", format!(" transform=\"rotate(-35 {x:.1} {y:.1})\""))
            } else {
                ("middle", String::new())
            };
            let _ =
                writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{turn}>{name}</text>");
        }
        let (middle, bottom) = (across(0.5), HEIGHT - 8.0);
        let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">{x_name}</text>");
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\">{y_name}</text>", TOP - 10.0);
        Frame(svg)
    }

    fn line(&mut self, points: &[(f64, f64)], colour: &str) {
        let path: Vec<String> =
            points.iter().map(|&(x, y)| format!("{:.1},{:.1}", across(x), down(y))).collect();
        let path = path.join(" ");
        let _ = writeln!(
            self.0,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
    }

    fn dot(&mut self, x: f64, y: f64, name: &str) {
        let (x, y) = (across(x), down(y));
        let _ = writeln!(
            self.0,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/><text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            x + 7.0,
            y + 14.0
        );
    }

    fn bar(&mut self, x: f64, width: f64, height: f64, colour: &str) {
        let (left, top) = (across(x), down(height));
        let _ = writeln!(
            self.0,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
            width * (WIDTH - LEFT - RIGHT),
            down(0.0) - top
        );
    }

    fn key(&mut self, sensitivity: Sensitivity, colour: &str) {
        let x = across(0.4) + 95.0 * f64::from(sensitivity as u8);
        let _ = writeln!(
            self.0,
            "<rect x=\"{x:.1}\" y=\"10\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"20\">{}</text>",
            x + 17.0,
            sensitivity.name()
        );
    }

    fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn across(x: f64) -> f64 {
    LEFT + x * (WIDTH - LEFT - RIGHT)
}

fn down(y: f64) -> f64 {
    HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 80.0;
const LOWEST_RATE: f64 = 0.000_1;
const FIRST_SECOND: f64 = 30.0;
const LAST_SECOND: f64 = 3_600.0;
const COLOURS: [&str; 4] = ["#1b6ca8", "#d1495b", "#66a182", "#8f5fa8"];
