//! Through which forward proxy providers are asked.

use vestibule_upstream::OutboundProxy;

use super::environment;
use super::reader::Reader;
use super::table::{OUTBOUND_NO_PROXY, OUTBOUND_PROXY};

/// Where the address of the proxy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProxyChoice {
    /// From the variables that other programs read, too.
    Environment,
    /// From the setting itself.
    Address(OutboundProxy),
}

impl ProxyChoice {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "environment" => Ok(Self::Environment),
            address => OutboundProxy::parse(address).map(Self::Address).map_err(|error| error.to_string()),
        }
    }
}

/// `None` if providers are asked directly.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<OutboundProxy> {
    let choice = reader.find(&OUTBOUND_PROXY).value();
    let direct = reader.find(&OUTBOUND_NO_PROXY).value().unwrap_or_default();
    match choice? {
        ProxyChoice::Address(proxy) => Some(proxy.except(&direct.join(","))),
        ProxyChoice::Environment => {
            let address = find_either("HTTPS_PROXY", "https_proxy")?;
            let excepted = find_either("NO_PROXY", "no_proxy").into_iter();
            let excepted: Vec<&str> = excepted.chain(direct.iter().map(String::as_str)).collect();
            match OutboundProxy::parse(address) {
                Ok(proxy) => Some(proxy.except(&excepted.join(","))),
                Err(error) => {
                    reader.report("HTTPS_PROXY", &error);
                    None
                }
            }
        }
    }
}

/// The first of two variables that is there and not empty.
fn find_either(name: &str, other: &str) -> Option<&'static str> {
    let present = |name| environment::find(name).map(str::trim).filter(|text| !text.is_empty());
    present(name).or_else(|| present(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_that_of_the_environment() {
        assert_eq!(ProxyChoice::parse("environment"), Ok(ProxyChoice::Environment));
        assert!(matches!(ProxyChoice::parse("http://proxy:3128"), Ok(ProxyChoice::Address(_))));
        for text in ["proxy:3128", "on", "socks5://proxy:1080"] {
            let error = ProxyChoice::parse(text).unwrap_err();
            assert!(error.starts_with("expected http://HOST:PORT"), "{error}");
        }
    }
}
