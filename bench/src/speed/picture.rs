//! The processor time of a request as a picture: bars on a logarithmic scale, readable on light and dark pages.

use std::fmt::Write as _;

use super::aims::Aim;
use super::series::{Figures, Series, row, subject};
use super::table::number;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 270.0;
const RIGHT: f64 = 70.0;
const LINE: f64 = 20.0;
const GAP: f64 = 34.0;
const TOP: f64 = 64.0;

/// Where the scale begins and ends, in microseconds.
const LEAST: f64 = 1.0;
const MOST: f64 = 100_000.0;

const ROWS: [&str; 7] =
    [row::PUBLIC_KEY, row::JWKS, row::CHECK, row::CROWDED, row::FRESH, row::REPEATED, row::SIGN_IN];

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;fill:#24292f}\
.h{font-size:17px}.g{stroke:#8c959f;stroke-opacity:.25}.ours{fill:#2f6feb}.limit{fill:#8c959f}.old{fill:#c4762d}\
.part{fill:#2f6feb;fill-opacity:.35}\
@media(prefers-color-scheme:dark){text{fill:#9198a1}.t{fill:#e6edf3}.ours{fill:#58a6ff}.part{fill:#58a6ff}}";

/// Draws it.
pub(super) fn draw(figures: &Figures, aims: &[Aim]) -> String {
    let mut body = String::new();
    let mut y = TOP;
    for row in ROWS {
        let series: Vec<_> = figures.series.iter().filter(|series| series.row == row).collect();
        let series: Vec<_> = series.into_iter().filter(|series| series.cpu_micros().is_some()).collect();
        if series.is_empty() {
            continue;
        }
        text(&mut body, 12.0, y + 14.0, "t", "start", row);
        y += LINE;
        for one in series {
            bar(&mut body, y, one);
            y += LINE;
        }
        y += GAP - LINE;
    }
    let met = aims.iter().filter(|aim| aim.is_met()).count();
    let caption = format!("Shorter is better. {met} of {} aims are met in this run.", aims.len());
    frame(&body, y, &caption)
}

fn frame(body: &str, bottom: f64, caption: &str) -> String {
    let height = bottom + 30.0;
    let mut all = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>Processor time of a request</title>\n<style>{STYLE}</style>\n"
    );
    text(&mut all, 12.0, 24.0, "t h", "start", "Processor time of one request, in microseconds");
    text(&mut all, 12.0, 44.0, "", "start", caption);
    let mut tick = LEAST;
    while tick <= MOST {
        let x = place(tick);
        // Writing to a text cannot fail.
        writeln!(all, "<line class=\"g\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom:.0}\"/>").ok();
        text(&mut all, x, bottom + 16.0, "", "middle", &number_without_digits(tick));
        tick *= 10.0;
    }
    all.push_str(body);
    all.push_str("</svg>\n");
    all
}

fn bar(body: &mut String, y: f64, series: &Series) {
    let Some(micros) = series.cpu_micros() else { return };
    let end = place(micros);
    text(body, LEFT - 8.0, y + 13.0, "", "end", &series.subject);
    // Writing to a text cannot fail.
    writeln!(
        body,
        "<rect class=\"{}\" x=\"{LEFT}\" y=\"{:.0}\" width=\"{:.1}\" height=\"12\" rx=\"2\"/>",
        class(&series.subject),
        y + 3.0,
        (end - LEFT).max(1.0)
    )
    .ok();
    text(body, end + 6.0, y + 13.0, "", "start", &number(Some(micros)));
}

fn class(name: &str) -> &'static str {
    match name {
        subject::BARE | subject::SIGNATURE => "limit",
        subject::ORIGINAL => "old",
        name if name.contains(':') => "part",
        _ => "ours",
    }
}

fn place(micros: f64) -> f64 {
    let share = (micros.clamp(LEAST, MOST) / LEAST).log10() / (MOST / LEAST).log10();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn number_without_digits(figure: f64) -> String {
    if figure < 100.0 { format!("{figure:.0}") } else { number(Some(figure)) }
}

fn text(all: &mut String, x: f64, y: f64, class: &str, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a text cannot fail.
    writeln!(
        all,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.0}\" text-anchor=\"{anchor}\">{words}</text>"
    )
    .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_ten_times_as_long_in_time_is_one_step_longer() {
        let step = place(100.0) - place(10.0);
        assert!((place(1_000.0) - place(100.0) - step).abs() < 1e-9);
        assert!((place(LEAST) - LEFT).abs() < 1e-9);
        assert!((place(MOST * 9.0) - (WIDTH - RIGHT)).abs() < 1e-9);
    }

    #[test]
    fn every_measured_subject_has_its_bar_and_its_figure() {
        let mut figures = Figures::default();
        figures.add_cost(row::CHECK, subject::BARE, 1.0, 11e-6);
        figures.add_cost(row::CHECK, "SQLite", 1.0, 20e-6);
        figures.add_rate(row::CHECK, "PostgreSQL", 1.0, 1.0);
        let drawing = draw(&figures, &[]);
        assert_eq!(drawing.matches("<rect").count(), 2);
        assert!(drawing.contains(">11.0<") && drawing.contains(">20.0<") && drawing.contains(subject::BARE));
        assert!(drawing.starts_with("<svg") && drawing.ends_with("</svg>\n"));
    }
}
