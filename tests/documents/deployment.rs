//! The files that operators start from: they name what there is, agree with each other and hold no secret.

use std::fs;

use serde_yaml::{Mapping, Value};

use super::markdown::repository;
use super::settings;

fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `docker-compose.yml`, with its anchors followed.
fn compose() -> Value {
    let mut file: Value = serde_yaml::from_str(&text("docker-compose.yml")).unwrap();
    // Once for each anchor that stands within another.
    for _ in 0..3 {
        file.apply_merge().unwrap();
    }
    file
}

fn services(file: &Value) -> impl Iterator<Item = (&str, &Mapping)> {
    let services = file["services"].as_mapping().unwrap().iter();
    services.map(|(name, service)| (name.as_str().unwrap(), service.as_mapping().unwrap()))
}

fn is_ours(service: &Mapping) -> bool {
    service.get("image").and_then(Value::as_str) == Some("vestibule")
}

fn seconds(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.strip_suffix('s')).and_then(|text| text.parse().ok()).unwrap()
}

#[test]
fn the_containers_are_told_of_settings_alone_that_exist_and_of_no_secret() {
    let (file, known) = (compose(), settings());
    for (name, service) in services(&file).filter(|(_, service)| is_ours(service)) {
        for (setting, value) in service["environment"].as_mapping().unwrap() {
            let setting = setting.as_str().unwrap();
            assert!(known.contains(&setting.to_owned()), "{name}: {setting}");
            let is_secret = ["KEY", "SECRET", "PASSWORD"].iter().any(|word| setting.ends_with(word));
            assert!(!is_secret || value.is_null(), "{name}: {setting} has a value");
        }
    }
    for line in text("docker-compose.yml").lines().filter(|line| line.contains("PASSWORD")) {
        assert!(line.trim_start().starts_with('#') || line.contains("${POSTGRES_PASSWORD:-}"), "{line}");
    }
}

#[test]
fn every_container_is_watched_and_bounded_and_comes_back() {
    let file = compose();
    for (name, service) in services(&file) {
        let limits = &service["deploy"]["resources"]["limits"];
        for limit in ["cpus", "memory", "pids"] {
            assert!(!limits[limit].is_null(), "{name}: {limit}");
        }
        assert!(!service["healthcheck"]["test"].is_null(), "{name}");
        assert_eq!(service["restart"].as_str(), Some("unless-stopped"), "{name}");
        for volume in service["volumes"].as_sequence().unwrap() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let declared = file["volumes"].as_mapping().unwrap().contains_key(source);
            assert!(declared || repository().join(source).is_file(), "{name}: {source}");
        }
        let awaited = service.get("depends_on").and_then(Value::as_mapping);
        for (other, _) in awaited.into_iter().flatten() {
            assert!(!file["services"][other].is_null(), "{name}: {other:?}");
        }
    }
}

#[test]
fn the_proxy_shares_the_work_among_replicas_that_are_alike() {
    let file = compose();
    let proxied = text("deploy/haproxy.cfg");
    let servers = proxied.lines().filter_map(|line| line.strip_prefix("    server "));
    let servers: Vec<_> = servers.map(|server| server.split_once(' ').unwrap()).collect();
    assert_eq!(servers.len(), 4, "two in each backend");
    assert!(text("Dockerfile").contains("LISTEN=0.0.0.0:8000"));
    for (name, address) in servers {
        assert_eq!(address, format!("{name}:8000"));
        let replica = &file["services"][name];
        assert_eq!(replica, &file["services"]["vestibule-1"], "they differ in nothing");
        assert!(replica["ports"].is_null(), "nobody gets past the proxy");
        assert!(!file["services"]["proxy"]["depends_on"][name].is_null());
        let environment = &replica["environment"];
        assert_eq!(
            environment["TRUSTED_PROXIES"],
            file["networks"]["default"]["ipam"]["config"][0]["subnet"]
        );
        let stop = seconds(&environment["DRAIN_DELAY"]) + 10;
        assert!(seconds(&replica["stop_grace_period"]) > stop, "it is not killed while it drains");
    }
    let port = file["services"]["proxy"]["ports"][0].as_str().unwrap();
    assert!(port.ends_with(":8080") && proxied.contains("bind :8080\n"), "{port}");
}

#[test]
fn the_unit_starts_the_program_with_settings_that_exist() {
    let (unit, known) = (text("deploy/vestibule.service"), settings());
    let values = |key: &str| {
        let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        values("ExecStart"),
        ["/usr/local/lib/vestibule/vestibule serve --config /etc/vestibule/vestibule.toml"]
    );
    for variable in values("Environment") {
        let name = variable.split('=').next().unwrap();
        assert!(known.contains(&name.trim_end_matches("_FILE").to_owned()), "{name}");
    }
    let credentials = values("LoadCredential");
    assert_eq!(credentials.len(), 2);
    for credential in credentials {
        let name = credential.split(':').next().unwrap();
        assert!(unit.contains(&format!("/run/credentials/vestibule.service/{name}\n")));
        // Without a default a file that is not there stops the start (systemd.exec(5), SetCredential).
        assert!(values("SetCredential").contains(&format!("{name}:\\n")), "{name}");
    }
}

/// A variable of the unit would count more than the settings file, without a word.
#[test]
fn the_unit_sets_nothing_that_the_settings_file_says() {
    let unit = text("deploy/vestibule.service");
    let set: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("Environment=")).collect();
    assert!(set.iter().all(|variable| variable.contains("_SECRET_FILE=/run/credentials/")), "{set:?}");
    assert!(
        unit.contains("\nWorkingDirectory=/var/lib/vestibule\n"),
        "where keys and database are by default"
    );
}

/// The program of the unit is found by its name, as the commands of the documents have it.
#[test]
fn the_unit_puts_the_program_on_the_path() {
    let unit = text("deploy/vestibule.service");
    assert!(unit.contains("ln --symbolic ../lib/vestibule/vestibule /usr/local/bin/vestibule"));
}
