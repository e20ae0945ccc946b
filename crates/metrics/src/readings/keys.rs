//! The signing keys.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use vestibule_domain::Timestamp;
use vestibule_tokens::{KeyInfo, KeyState};

use super::{gauges, number};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, keys: &[KeyInfo], now: Timestamp) -> fmt::Result {
    let count = |state: &str| keys.iter().filter(|key| label_of(&key.state) == state).count();
    let counts = ["signing", "next", "verifying", "retired"];
    let counts = counts.map(|state| ([("state", state)], number(count(state))));
    gauges(encoder, "keys", "Keys by what they do: signing, next, verifying, retired", counts)?;
    let find = |state| keys.iter().find(|key| label_of(&key.state) == state);
    // A key of the settings has no time of activation.
    let signing = find("signing").filter(|key| key.active_from > Timestamp::from_seconds(0));
    let age = signing.map(|key| now.since(key.active_from));
    encode_seconds(encoder, "signing_key_age", "How long ago the key that signs became active", age)?;
    let next = find("next").map(|key| key.active_from.since(now));
    let help = "In how long the next key will sign; absent without one";
    encode_seconds(encoder, "next_key_activation", help, next)
}

fn encode_seconds(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: Option<Duration>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    let mut gauge = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    gauge.encode_gauge(&value.as_secs_f64())
}

fn label_of(state: &KeyState) -> &'static str {
    match state {
        KeyState::Signing => "signing",
        KeyState::Next => "next",
        KeyState::Verifying { .. } => "verifying",
        KeyState::Retired => "retired",
    }
}
