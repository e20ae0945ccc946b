//! Several servers in one address: the first that accepts a connection is used.
//!
//! tokio-postgres tries them in turn as well, but waits without a limit for one that accepts the connection and is then silent,
//! as a machine is whose database hangs. Here each server gets its share of the time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::LoadBalanceHosts;

/// How long connecting may take, to all servers of the address together.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_800);

/// The servers, and which of them was used last.
pub(super) struct Hosts {
    given: Config,
    configs: Vec<Config>,
    preferred: AtomicUsize,
}

impl Hosts {
    pub(super) fn new(config: &Config) -> Self {
        let configs = one_each(config);
        Self { given: config.clone(), configs, preferred: AtomicUsize::new(0) }
    }

    /// The servers in their order, beginning with the one that was used last.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (usize, &Config)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let indexed = self.configs.iter().enumerate();
        indexed.clone().skip(first).chain(indexed.take(first))
    }

    /// The one that was used last.
    pub(super) fn preferred(&self) -> &Config {
        let index = self.preferred.load(Ordering::Relaxed);
        self.configs.get(index).unwrap_or(&self.given)
    }

    /// Begins with this one from now on.
    pub(super) fn prefer(&self, index: usize) {
        self.preferred.store(index, Ordering::Relaxed);
    }

    /// How long one server may take.
    pub(super) fn share(&self) -> Duration {
        CONNECT_TIMEOUT / u32::try_from(self.configs.len()).unwrap_or(u32::MAX).max(1)
    }
}

/// One configuration for each server. A random order is left to tokio-postgres.
fn one_each(config: &Config) -> Vec<Config> {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    if count < 2 || config.get_load_balance_hosts() != LoadBalanceHosts::Disable {
        return vec![config.clone()];
    }
    (0..count).map(|index| only(config, index)).collect()
}

/// The configuration of one of its servers. There is no way to take hosts out, so the rest is put into a new one.
fn only(config: &Config, index: usize) -> Config {
    use tokio_postgres::config::Host;

    let mut one = Config::new();
    match config.get_hosts().get(index) {
        Some(Host::Tcp(name)) => _ = one.host(name),
        Some(Host::Unix(folder)) => _ = one.host_path(folder),
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    // One port may stand for all.
    if let Some(port) = config.get_ports().get(index).or(config.get_ports().first()) {
        one.port(*port);
    }
    copy_account(config, &mut one);
    copy_connection(config, &mut one);
    one
}

fn copy_account(config: &Config, one: &mut Config) {
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    one.target_session_attrs(config.get_target_session_attrs());
}

fn copy_connection(config: &Config, one: &mut Config) {
    if let Some(limit) = config.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(config.get_keepalives()).keepalives_idle(config.get_keepalives_idle());
    one.ssl_mode(config.get_ssl_mode()).ssl_negotiation(config.get_ssl_negotiation());
    one.channel_binding(config.get_channel_binding());
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::TargetSessionAttrs;

    use super::*;

    fn config(text: &str) -> Config {
        text.parse().unwrap()
    }

    #[test]
    fn each_server_has_the_configuration_that_it_would_have_alone() {
        let parameters = "target_session_attrs=read-write&options=-csearch_path%3Dx&keepalives=1&keepalives_idle=7\
            &keepalives_interval=8&keepalives_retries=9&connect_timeout=3&tcp_user_timeout=4&application_name=door\
            &sslmode=require&channel_binding=disable";
        let address = |hosts: &str| config(&format!("postgres://ada:secret@{hosts}/v?{parameters}"));
        assert_eq!(one_each(&address("one:5433,two:5434")), [address("one:5433"), address("two:5434")]);
        assert_eq!(address("one").get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }

    #[test]
    fn one_server_alone_and_a_random_order_are_left_as_they_are() {
        for text in ["postgres://u@one/v", "postgres://u@one,two/v?load_balance_hosts=random"] {
            assert_eq!(one_each(&config(text)), [config(text)]);
        }
    }

    #[test]
    fn l7_the_server_that_was_good_last_is_asked_first_and_each_has_its_share_of_the_time() {
        let hosts = Hosts::new(&config("postgres://u@one,two,three/v"));
        let order = |hosts: &Hosts| hosts.in_order().map(|(index, _)| index).collect::<Vec<_>>();
        assert_eq!(order(&hosts), [0, 1, 2]);
        hosts.prefer(1);
        assert_eq!(order(&hosts), [1, 2, 0]);
        assert_eq!(hosts.share(), CONNECT_TIMEOUT / 3);
    }
}
