//! The figures of all rounds.

use crate::load::Answers;
use crate::statistics::median;

/// Names of rows, which aims and table refer to.
pub(super) mod row {
    pub(in crate::speed) const PUBLIC_KEY: &str = "public-key";
    pub(in crate::speed) const JWKS: &str = "JWKS";
    pub(in crate::speed) const CHECK: &str = "check, valid token";
    pub(in crate::speed) const CHECK_COOKIE: &str = "check, session cookie";
    pub(in crate::speed) const CHECK_PERSONAL: &str = "check, personal token";
    pub(in crate::speed) const FRESH: &str = "authorize, fresh signature";
    pub(in crate::speed) const REPEATED: &str = "authorize, repeated";
    pub(in crate::speed) const SIGN_IN: &str = "sign-in callback, OpenID Connect";
    pub(in crate::speed) const SIGN_IN_GITHUB: &str = "sign-in callback, GitHub";
    pub(in crate::speed) const IDLE: &str = "check, nothing else";
    pub(in crate::speed) const FLOODED: &str = "check, in a flood of authorize";
    pub(in crate::speed) const GARBAGE: &str = "check, in a flood of texts that are no tokens";
    pub(in crate::speed) const CROWDED: &str = "check, many users";
}

/// Names of subjects.
pub(super) mod subject {
    pub(in crate::speed) const BARE: &str = "bare poem handler";
    pub(in crate::speed) const SIGNATURE: &str = "one RSA-2048 signature, one thread";
    pub(in crate::speed) const ORIGINAL: &str = "dgp-oauth2, 2 workers";
}

/// All figures of one row and subject.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) row: &'static str,
    pub(super) subject: String,
    per_second: Vec<f64>,
    cpu_micros: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    pub(super) failed: u64,
}

impl Series {
    pub(super) fn per_second(&self) -> Option<f64> {
        median(&self.per_second)
    }

    pub(super) fn cpu_micros(&self) -> Option<f64> {
        median(&self.cpu_micros)
    }

    pub(super) fn p50(&self) -> Option<f64> {
        median(&self.p50)
    }

    pub(super) fn p99(&self) -> Option<f64> {
        median(&self.p99)
    }
}

/// Everything that was measured, in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) series: Vec<Series>,
    /// Which service, and the most that was resident, in MiB.
    pub(super) memory: Vec<(String, f64)>,
}

impl Figures {
    /// Adds what a flood or a trickle brought, and the processor seconds that the subject used for it.
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    pub(super) fn add(&mut self, row: &'static str, subject: &str, answers: &Answers, cpu_seconds: f64) {
        let count = answers.succeeded() as f64;
        let series = self.series_of(row, subject);
        series.per_second.push(count / answers.seconds);
        if count > 0.0 {
            series.cpu_micros.push(cpu_seconds * 1e6 / count);
            series.p50.push(answers.percentile(50.0));
            series.p99.push(answers.percentile(99.0));
        }
        series.failed += answers.failed;
    }

    /// Adds only what was done in some seconds of processor time.
    pub(super) fn add_cost(&mut self, row: &'static str, subject: &str, count: f64, cpu_seconds: f64) {
        if count > 0.0 {
            self.series_of(row, subject).cpu_micros.push(cpu_seconds * 1e6 / count);
        }
    }

    /// Adds only how often something was done in some seconds.
    pub(super) fn add_rate(&mut self, row: &'static str, subject: &str, count: f64, seconds: f64) {
        self.series_of(row, subject).per_second.push(count / seconds);
    }

    pub(super) fn find(&self, row: &str, subject: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.row == row && series.subject == subject)
    }

    pub(super) fn cpu(&self, row: &str, subject: &str) -> Option<f64> {
        self.find(row, subject)?.cpu_micros()
    }

    /// Puts the subjects of one row together, in the order in which rows were first measured.
    pub(super) fn arrange(&mut self) {
        let rows: Vec<_> = self.series.iter().map(|series| series.row).collect();
        self.series.sort_by_key(|series| rows.iter().position(|row| *row == series.row));
    }

    fn series_of(&mut self, row: &'static str, subject: &str) -> &mut Series {
        let place = self.series.iter().position(|series| series.row == row && series.subject == subject);
        let place = place.unwrap_or_else(|| {
            self.series.push(Series { row, subject: subject.to_owned(), ..Series::default() });
            self.series.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or added just now")]
        &mut self.series[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_all_rounds_come_together_by_row_and_subject() {
        let mut figures = Figures::default();
        for (count, seconds) in [(100.0, 0.001), (100.0, 0.003), (100.0, 0.5)] {
            figures.add_cost(row::CHECK, subject::BARE, count, seconds);
        }
        figures.add_cost(row::CHECK, subject::ORIGINAL, 1.0, 1.0);
        figures.add_cost(row::CHECK, subject::ORIGINAL, 0.0, 1.0);
        assert_eq!(figures.series.len(), 2);
        assert_eq!(figures.cpu(row::CHECK, subject::BARE), Some(30.0));
        assert_eq!(figures.cpu(row::CHECK, subject::ORIGINAL), Some(1e6));
        assert_eq!(figures.cpu(row::JWKS, subject::BARE), None);
    }
}
