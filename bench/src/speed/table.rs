//! The figures as a table that people read, in a terminal and as Markdown.

use std::fmt::Write as _;

use super::aims::Aim;
use super::series::{Figures, Series};

const HEADINGS: [&str; 6] = ["", "requests/s", "CPU µs each", "p50 µs", "p99 µs", "failed"];

/// Both tables: what was measured, and what was expected.
pub(super) fn markdown(figures: &Figures, aims: &[Aim]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    let mut row = "";
    for series in &figures.series {
        if series.row != row {
            row = series.row;
            let mut heading = vec![format!("**{row}**")];
            heading.resize(HEADINGS.len(), String::new());
            rows.push(heading);
        }
        rows.push(line(series));
    }
    let mut text = align(&rows);
    text.push('\n');
    text.push_str(&align(&memory(figures)));
    text.push('\n');
    text.push_str(&align(&expectations(aims)));
    text
}

fn line(series: &Series) -> Vec<String> {
    let failed = if series.failed == 0 { String::new() } else { series.failed.to_string() };
    vec![
        series.subject.clone(),
        number(series.per_second()),
        number(series.cpu_micros()),
        number(series.p50()),
        number(series.p99()),
        failed,
    ]
}

fn memory(figures: &Figures) -> Vec<Vec<String>> {
    let heading = vec!["Resident at its most".to_owned(), "MiB".to_owned()];
    let lines = figures.memory.iter().map(|(service, most)| vec![service.clone(), number(Some(*most))]);
    std::iter::once(heading).chain(lines).collect()
}

fn expectations(aims: &[Aim]) -> Vec<Vec<String>> {
    let heading = ["Aim", "measured", "", "aim", "met"].map(str::to_owned).to_vec();
    let lines = aims.iter().map(|aim| {
        let sign = if aim.at_least { "≥" } else { "≤" };
        vec![
            aim.what.clone(),
            number(Some(aim.measured)),
            aim.unit.to_owned(),
            format!("{sign} {}", number(Some(aim.bound))),
            if aim.is_met() { "yes".to_owned() } else { "**no**".to_owned() },
        ]
    });
    std::iter::once(heading).chain(lines).collect()
}

/// Three digits that count, and thousands apart.
pub(super) fn number(figure: Option<f64>) -> String {
    let Some(figure) = figure.filter(|figure| figure.is_finite()) else { return String::new() };
    match figure.abs() {
        size if size < 10.0 => format!("{figure:.2}"),
        size if size < 100.0 => format!("{figure:.1}"),
        _ => thousands(&format!("{figure:.0}")),
    }
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A Markdown table whose columns stand under one another: the first to the left, figures to the right.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default().max(3)).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if column == 0 { ("", space.as_str()) } else { (space.as_str(), "") };
            // Writing to a text cannot fail.
            write!(text, "| {before}{cell}{after} ").ok();
        }
        text.push_str("|\n");
        if place == 0 {
            for (column, width) in widths.iter().enumerate() {
                let line = "-".repeat(width - 1);
                let end = if column == 0 { '-' } else { ':' };
                write!(text, "| {line}{end} ").ok();
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let figures = [0.123_4, 12.34, 123.4, 82_300.4, 1_234_567.0].map(|figure| number(Some(figure)));
        assert_eq!(figures, ["0.12", "12.3", "123", "82,300", "1,234,567"]);
        assert_eq!(number(Some(f64::NAN)), "");
    }

    #[test]
    fn columns_stand_under_one_another() {
        let rows = [["", "µs"], ["check", "1,340"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(align(&rows), "|       |    µs |\n| ----- | ----: |\n| check | 1,340 |\n");
    }
}
