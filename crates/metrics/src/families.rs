//! What families of metrics are made of.

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Names and values of so many labels.
pub(crate) type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
/// Counters with so many labels.
pub(crate) type Counters<const N: usize> = Family<Labels<N>, Counter>;
/// Durations by labels.
pub(crate) type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// From a tenth of a millisecond, which a check does not take, over a quarter and a half of one, which tell whether a
/// signature was made, to the ten seconds that a provider may take.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What a set of labels has to be.
pub(crate) trait LabelSet: EncodeLabelSet + Clone + Hash + Eq + Debug + Send + Sync + 'static {}

impl<L: EncodeLabelSet + Clone + Hash + Eq + Debug + Send + Sync + 'static> LabelSet for L {}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// A family of counters under this name.
pub(crate) fn counters<L: LabelSet>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Counter> {
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

/// A family of durations under this name and the unit.
pub(crate) fn histograms<L: LabelSet>(registry: &mut Registry, name: &str, help: &str) -> Histograms<L> {
    let family = Histograms::new_with_constructor(histogram as fn() -> Histogram);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

/// The value of a label that comes from the settings.
pub(crate) fn of_settings(name: &str) -> Cow<'static, str> {
    Cow::Owned(name.to_owned())
}
