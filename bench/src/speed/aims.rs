//! What is expected, and whether it is so.

use super::series::{Figures, Series, row, subject};

const DATABASES: [&str; 2] = ["SQLite", "PostgreSQL"];

/// One expectation and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aim {
    /// Of what, and on which database.
    pub(super) what: String,
    /// How the figure is to be read.
    pub(super) unit: &'static str,
    pub(super) measured: f64,
    pub(super) bound: f64,
    pub(super) at_least: bool,
}

impl Aim {
    pub(super) fn is_met(&self) -> bool {
        if self.at_least { self.measured >= self.bound } else { self.measured <= self.bound }
    }
}

/// Every expectation for which there are figures. Ratios are of processor time for one request: that is what a request
/// takes from the machine, whatever else runs on it.
pub(super) fn all(figures: &Figures) -> Vec<Aim> {
    let mut aims = Vec::new();
    for database in DATABASES {
        beside_the_limit(figures, database, &mut aims);
        beside_the_original(figures, database, &mut aims);
        under_load(figures, database, &mut aims);
    }
    let most = figures.memory.iter().map(|(_, most)| *most).fold(f64::NAN, f64::max);
    push(&mut aims, "all services: the most that was resident", "MiB", Some(most), 64.0, false);
    aims
}

fn beside_the_limit(figures: &Figures, database: &str, aims: &mut Vec<Aim>) {
    let limits = [(row::PUBLIC_KEY, 0.9), (row::JWKS, 0.9), (row::CHECK, 0.5), (row::REPEATED, 0.4)];
    for (row, bound) in limits {
        let value = ratio(figures.cpu(row, subject::BARE), figures.cpu(row, database));
        push(aims, &format!("{database}: {row}"), "× a bare handler", value, bound, true);
    }
    let value = ratio(figures.cpu(row::FRESH, database), figures.cpu(row::FRESH, subject::SIGNATURE));
    push(aims, &format!("{database}: {} costs", row::FRESH), "× one signature", value, 1.25, false);
}

fn beside_the_original(figures: &Figures, database: &str, aims: &mut Vec<Aim>) {
    for (row, bound) in [(row::CHECK, 25.0), (row::FRESH, 50.0)] {
        let value = ratio(figures.cpu(row, subject::ORIGINAL), figures.cpu(row, database));
        push(aims, &format!("{database}: {row}"), "× dgp-oauth2", value, bound, true);
    }
}

fn under_load(figures: &Figures, database: &str, aims: &mut Vec<Aim>) {
    for row in [row::SIGN_IN, row::SIGN_IN_GITHUB] {
        let rate = figures.find(row, database).and_then(Series::per_second);
        push(aims, &format!("{database}: {row}"), "a second", rate, 1_000.0, true);
    }
    let p99 = |row| figures.find(row, database).and_then(Series::p99);
    let value = ratio(p99(row::FLOODED), p99(row::IDLE));
    push(aims, &format!("{database}: {}, p99", row::FLOODED), "× its idle p99", value, 5.0, false);
    let value = ratio(p99(row::GARBAGE), p99(row::IDLE));
    push(aims, &format!("{database}: {}, p99", row::GARBAGE), "× its idle p99", value, 2.0, false);
    for row in [row::CHECK_COOKIE, row::CHECK_PERSONAL] {
        let value = ratio(figures.cpu(row, database), figures.cpu(row::CHECK, database));
        push(aims, &format!("{database}: {row} costs"), "× with a user token", value, 1.3, false);
    }
    let value = ratio(figures.cpu(row::CROWDED, database), figures.cpu(row::CHECK, database));
    push(aims, &format!("{database}: {} costs", row::CROWDED), "× with few", value, 1.2, false);
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    Some(of? / to?)
}

fn push(
    aims: &mut Vec<Aim>,
    what: &str,
    unit: &'static str,
    measured: Option<f64>,
    bound: f64,
    at_least: bool,
) {
    let Some(measured) = measured.filter(|value| value.is_finite()) else { return };
    aims.push(Aim { what: what.to_owned(), unit, measured, bound, at_least });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_on_its_side_of_the_bound() {
        let aim = |measured, at_least| Aim { what: String::new(), unit: "", measured, bound: 1.0, at_least };
        assert!(aim(1.0, true).is_met() && aim(1.0, false).is_met());
        assert!(aim(1.1, true).is_met() && !aim(1.1, false).is_met());
        assert!(!aim(0.9, true).is_met() && aim(0.9, false).is_met());
    }

    #[test]
    fn what_was_not_measured_has_no_aim() {
        let mut figures = Figures::default();
        assert_eq!(all(&figures), []);
        figures.add_cost(row::CHECK, subject::BARE, 1.0, 10e-6);
        figures.add_cost(row::CHECK, "SQLite", 1.0, 16e-6);
        let aims = all(&figures);
        assert_eq!(aims.len(), 1);
        assert!((aims[0].measured - 0.625).abs() < 1e-9 && aims[0].is_met());
    }
}
