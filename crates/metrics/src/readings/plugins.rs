//! The plugins that run.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use vestibule_plugin_host::{BreakerState, PluginGauges, PluginInfo};

use super::{gauges, number};

/// Writes what is true of the instances that are in both lists: they are read one after the other.
pub(super) fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    infos: &[PluginInfo],
    states: &[PluginGauges],
) -> fmt::Result {
    let find = |info: &PluginInfo| states.iter().find(|state| state.alias == info.alias);
    let both: Vec<_> = infos.iter().filter_map(|info| Some((info, find(info)?))).collect();
    let mut gauge = |name, help, value: fn(&PluginGauges) -> i64| {
        let values = both.iter().map(|(info, state)| ([("alias", info.alias.as_str())], value(state)));
        gauges(encoder, name, help, values)
    };
    gauge("plugin_inflight", "Calls of a plugin under way, by alias", |state| number(state.inflight))?;
    gauge("plugin_stuck_threads", "Threads of a plugin that hang, by alias", |state| {
        number(state.stuck_threads)
    })?;
    let breaker = "Whether a plugin is asked: 0 yes, 1 one call at a time, 2 no; by alias";
    gauge("plugin_breaker_state", breaker, |state| match state.breaker {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    })?;
    let mut metric = encoder.encode_descriptor("plugin", "The plugins that run", None, MetricType::Info)?;
    both.iter().try_for_each(|(info, _)| {
        let abi = format!("{}.{}", info.abi.0, info.abi.1);
        metric.encode_info(&[
            ("alias", info.alias.as_str()),
            ("name", &info.name),
            ("version", &info.version),
            ("sha256", &info.sha256),
            ("abi", &abi),
            ("isolation", info.isolation.as_str()),
        ])
    })
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode as write;
    use prometheus_client::registry::Registry;
    use vestibule_plugin_host::Isolation;

    use super::*;
    use crate::readings::Reading;

    fn info(alias: &str) -> PluginInfo {
        PluginInfo {
            alias: alias.into(),
            name: "acl".into(),
            version: "1.0.0".into(),
            abi: (1, 0),
            file: "acl.so".into(),
            sha256: "9f2c".into(),
            isolation: Isolation::Thread,
            capabilities: Vec::new(),
            build_info: String::new(),
        }
    }

    fn state(alias: &str) -> PluginGauges {
        PluginGauges { alias: alias.into(), inflight: 3, stuck_threads: 1, breaker: BreakerState::Open }
    }

    #[test]
    fn instances_that_are_in_both_lists_are_written_under_their_names() {
        let mut registry = Registry::with_prefix("vestibule");
        registry.register_collector(Box::new(Reading(|encoder: &mut DescriptorEncoder<'_>| {
            encode(
                encoder,
                &[info("billing"), info("audit"), info("new")],
                &[state("audit"), state("billing")],
            )
        })));
        let mut text = String::new();
        write(&mut text, &registry).unwrap();
        for line in [
            "# TYPE vestibule_plugin_inflight gauge",
            "vestibule_plugin_inflight{alias=\"billing\"} 3",
            "vestibule_plugin_inflight{alias=\"audit\"} 3",
            "vestibule_plugin_stuck_threads{alias=\"billing\"} 1",
            "vestibule_plugin_breaker_state{alias=\"audit\"} 2",
            "vestibule_plugin_info{alias=\"audit\",name=\"acl\",version=\"1.0.0\",sha256=\"9f2c\",abi=\"1.0\",isolation=\"thread\"} 1",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in {text}");
        }
        assert!(!text.contains("\"new\""), "{text}");
    }
}
