//! The measurements as SVG, for the README.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Disguised;
use super::breakdown::{Breakdown, Group};
use crate::hmm::threshold::Sensitivity;
use crate::lab::train::Error;
use crate::lab::train::sequence::Label;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Failed = Box<dyn std::error::Error>;

/// Recall against the rate of false positives, logarithmic; a dot for each sensitivity.
///
/// # Errors
/// When the library can't draw it.
pub(crate) fn roc(curve: &[(f64, f64)], breakdown: &Breakdown) -> Result<String, Error> {
    document(|area| {
        let mut chart = frame(area).build_cartesian_2d((LOWEST_RATE..1.0).log_scale(), 0.0..1.0)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .max_light_lines(0)
            .x_desc("benign long flows that become suspects")
            .y_desc("mining found");
        mesh.x_label_formatter(&|rate| format!("{} %", rate * 100.0)).y_label_formatter(&percent).draw()?;
        let points = curve.iter().map(|&(mistaken, found)| (mistaken.max(LOWEST_RATE), found));
        chart.draw_series(LineSeries::new(points, COLOURS[0].stroke_width(2)))?;
        let (Some(mining), Some(benign)) = (breakdown.all(Label::Mining), breakdown.all(Label::Benign))
        else {
            return Ok(());
        };
        chart.draw_series(Sensitivity::ALL.map(|sensitivity| {
            let share = |group: &Group| {
                group.suspects[sensitivity as usize].packets.len() as f64 / group.flows as f64
            };
            // Below and above by turns: neighbours may be close.
            let place = if (sensitivity as usize).is_multiple_of(2) { (7, 5) } else { (-24, -18) };
            EmptyElement::at((share(benign).max(LOWEST_RATE), share(mining)))
                + Circle::new((0, 0), 4, BLACK.filled())
                + Text::new(sensitivity.name(), place, FONT)
        }))?;
        Ok(())
    })
}

/// Share of mining sessions that are suspect by then, for each sensitivity.
///
/// # Errors
/// As [`roc`].
pub(crate) fn decision(breakdown: &Breakdown) -> Result<String, Error> {
    document(|area| {
        let (first, last) = (TIMES[0].0, TIMES[TIMES.len() - 1].0);
        let times = (first..last).log_scale().with_key_points(TIMES.map(|(seconds, _)| seconds).to_vec());
        let mut chart = frame(area).build_cartesian_2d(times, 0.0..1.0)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .max_light_lines(0)
            .x_desc("time since the session began")
            .y_desc("mining sessions suspect");
        let name = |seconds: &f64| {
            let named = TIMES.iter().find(|(time, _)| (time - seconds).abs() < 1.0);
            named.map_or_else(String::new, |(_, name)| (*name).to_owned())
        };
        mesh.x_label_formatter(&name).y_label_formatter(&percent).draw()?;
        let Some(mining) = breakdown.all(Label::Mining) else { return Ok(()) };
        for (sensitivity, colour) in Sensitivity::ALL.into_iter().zip(COLOURS) {
            let millis = mining.suspects[sensitivity as usize].millis.iter().enumerate();
            let points = millis.map(|(rank, &ms)| {
                ((f64::from(ms) / 1_000.0).clamp(first, last), (rank + 1) as f64 / mining.flows as f64)
            });
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
        draw_keys(area)
    })
}

/// Recall in every disguise.
///
/// # Errors
/// As [`roc`].
pub(crate) fn evasion(evasions: &[Disguised]) -> Result<String, Error> {
    document(|area| {
        // The axis goes up.
        let names: Vec<String> = evasions.iter().rev().map(|(evasion, _)| evasion.name()).collect();
        let bars = (0..(names.len() * BARS).max(1)).into_segmented();
        let mut chart = frame(area).y_label_area_size(120).build_cartesian_2d(0.0..1.0, bars)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().x_desc("mining found").x_label_formatter(&percent);
        mesh.y_labels(names.len() * BARS).set_tick_mark_size(LabelAreaPosition::Left, 0);
        // Without ticks names touch the axis: a space that is kept.
        let name = |bar: &SegmentValue<usize>| match bar {
            SegmentValue::CenterOf(bar) if bar % BARS == BARS / 2 => format!("{}\u{a0}", names[bar / BARS]),
            _ => String::new(),
        };
        mesh.y_label_formatter(&name).draw()?;
        for (bar, (sensitivity, colour)) in Sensitivity::ALL.into_iter().zip(COLOURS).enumerate() {
            chart.draw_series(evasions.iter().rev().enumerate().map(|(disguise, (_, recall))| {
                let low = disguise * BARS + bar;
                let ends = [(0.0, low), (recall[sensitivity as usize], low + 1)];
                Rectangle::new(ends.map(|(share, bar)| (share, SegmentValue::Exact(bar))), colour.filled())
            }))?;
        }
        draw_keys(area)
    })
}

/// The SVG document that `draw` makes of an empty sheet.
fn document(draw: impl FnOnce(&Area<'_>) -> Result<(), Failed>) -> Result<String, Error> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Failed::from).and_then(|()| draw(&area));
        drawn.and_then(|()| Ok(area.present()?)).map_err(|error| Error::from(error.to_string()))?;
    }
    Ok(svg)
}

/// A chart with room for axes, their names and, above, the keys.
fn frame<'a, 'b>(area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin(12).margin_top(36).margin_right(28).x_label_area_size(44).y_label_area_size(58);
    chart
}

/// The colours' names, in a row above the chart.
fn draw_keys(area: &Area<'_>) -> Result<(), Failed> {
    for (column, (sensitivity, colour)) in (0..).zip(Sensitivity::ALL.into_iter().zip(COLOURS)) {
        let left = 280 + 100 * column;
        area.draw(&Rectangle::new([(left, 12), (left + 12, 24)], colour.filled()))?;
        area.draw(&Text::new(sensitivity.name(), (left + 17, 12), FONT))?;
    }
    Ok(())
}

/// A share on an axis.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what the library calls")]
fn percent(share: &f64) -> String {
    format!("{:.0} %", share * 100.0)
}

const SIZE: (u32, u32) = (720, 420);
const FONT: (&str, u32) = ("sans-serif", 12);
const LOWEST_RATE: f64 = 0.000_1;
/// Names on the axis of time, in seconds.
const TIMES: [(f64, &str); 5] =
    [(30.0, "30 s"), (60.0, "1 min"), (300.0, "5 min"), (1_800.0, "30 min"), (3_600.0, "1 h")];
/// Bars of a disguise, and the space behind them.
const BARS: usize = Sensitivity::ALL.len() + 1;
const COLOURS: [RGBColor; Sensitivity::ALL.len()] =
    [RGBColor(27, 108, 168), RGBColor(209, 73, 91), RGBColor(102, 161, 130), RGBColor(143, 95, 168)];
