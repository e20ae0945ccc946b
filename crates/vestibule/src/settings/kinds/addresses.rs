//! Addresses: where to listen, and where people and frontends are. What is said of a wrong one says what to write instead.

use std::net::{IpAddr, SocketAddr};

use url::Url;
use vestibule_domain::{ExternalAddress, Origin, OriginError};
use vestibule_http::TrustedProxies;

use super::words::check_word;
use super::{Kind, all, as_text, items_of, listed, parsed};

/// An address and a port to listen at.
pub(in super::super) const LISTENER: Kind<SocketAddr> = parsed(parse_listener);

/// Where people reach the service.
pub(in super::super) const EXTERNAL: Kind<ExternalAddress> = parsed(parse_external);

/// Origins, separated by semicolons.
pub(in super::super) const ORIGINS: Kind<Vec<Origin>> = listed(|text| all(items_of(text).map(parse_origin)));

/// Networks and addresses of proxies.
pub(in super::super) const PROXIES: Kind<TrustedProxies> = listed(|text| {
    let items = text.split([',', ';', ' ', '\n']).filter(|item| !item.is_empty());
    all(items.map(|item| item.parse::<TrustedProxies>().map_err(as_text)))?;
    text.parse().map_err(|error| vec![as_text(error)])
});

/// `ADDRESS:PORT`.
pub(crate) fn parse_listener(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("expected an address and a port: {}", listener_instead(text)))
}

fn listener_instead(text: &str) -> String {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    if bare.parse::<SocketAddr>().is_ok() {
        return format!("write {bare}");
    }
    if let Ok(address) = bare.trim_matches(['[', ']']).parse::<IpAddr>() {
        return missing_port(address);
    }
    let (host, port) =
        bare.rsplit_once(':').unwrap_or(if is_number(bare) { ("", bare) } else { (bare, "8000") });
    match (host, port.parse::<u16>()) {
        (_, Err(_)) if is_number(port) => "a port is at most 65535".to_owned(),
        ("" | "*", Ok(port)) => {
            format!(
                "write 127.0.0.1:{port} for this machine alone, or 0.0.0.0:{port} for all of its addresses"
            )
        }
        ("localhost", Ok(port)) => format!("write 127.0.0.1:{port}, or [::1]:{port}"),
        (_, Ok(port)) => format!("write numbers such as 127.0.0.1:{port}, not a name"),
        (_, Err(_)) => "write one such as 127.0.0.1:8000".to_owned(),
    }
}

fn missing_port(address: IpAddr) -> String {
    let whole = SocketAddr::new(address, 8000);
    match address {
        IpAddr::V4(_) => format!("the port is missing; write {whole}"),
        IpAddr::V6(_) => format!("the port is missing, or the brackets before it; write one such as {whole}"),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_external(text: &str) -> Result<ExternalAddress, String> {
    if text.contains([',', ';']) {
        return Err("expected one address; those of frontends are ALLOWED_ORIGINS".to_owned());
    }
    check_word(text)?;
    ExternalAddress::parse(text).map_err(|error| format!("{error}{}", origin_instead(text, error)))
}

fn parse_origin(item: &str) -> Result<Origin, String> {
    let wrong = |reason: &str| format!("{item}: {reason}");
    if let Some(separated) = with_semicolons(item) {
        return Err(wrong(&format!("origins are separated by semicolons; write {separated}")));
    }
    check_word(item).map_err(|reason| wrong(&reason))?;
    Origin::parse(item).map_err(|error| wrong(&format!("{error}{}", origin_instead(item, error))))
}

/// Several origins with another separator between them, written with the right one.
fn with_semicolons(item: &str) -> Option<String> {
    let parts = || item.split([',', ' ', '\n', '\t', '|']).filter(|part| !part.is_empty());
    let are_origins = parts().all(|part| Origin::parse(part).is_ok() || part.contains("://"));
    (parts().count() > 1 && are_origins).then(|| parts().collect::<Vec<_>>().join(";"))
}

/// What to write in the place of what is no origin, where that can be seen.
fn origin_instead(text: &str, error: OriginError) -> String {
    let origin = match error {
        OriginError::Extra if text.contains('*') => return "; name each origin by itself".to_owned(),
        OriginError::Extra => {
            Url::parse(text).ok().and_then(|url| Origin::parse(&url.origin().ascii_serialization()).ok())
        }
        OriginError::Plaintext => Origin::parse(&text.replacen("http://", "https://", 1)).ok(),
        OriginError::Form if text.contains(['.', ':']) || text == "localhost" => of_host(text),
        OriginError::Form | OriginError::Scheme => None,
    };
    origin.map(|origin| format!("; write {origin}")).unwrap_or_default()
}

/// The origin that a host without a scheme is likely to be.
fn of_host(text: &str) -> Option<Origin> {
    let of_scheme = |scheme: &str| Origin::parse(&format!("{scheme}://{text}")).ok();
    of_scheme("http").or_else(|| of_scheme("https"))
}
