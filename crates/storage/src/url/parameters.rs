//! The parameters of a PostgreSQL address, with the names and meanings of libpq.
//!
//! What is not offered is refused by its name: a parameter that is left out in silence may be the one that was to protect the
//! connection. No error holds a value, because a password with odd characters may look like a parameter.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::SslMode;

use super::DatabaseUrlError;

/// How the connection to PostgreSQL is protected: the parameter `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    /// Never.
    Disable,
    /// TLS when the server offers it.
    Prefer,
    /// TLS or nothing.
    Require,
    /// TLS with a certificate of a given authority, for whichever host.
    VerifyCa,
    /// TLS with a certificate that a trusted authority gave to this very host.
    VerifyFull,
}

/// The authorities whose certificates count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorities {
    /// Those that the system trusts.
    System,
    /// Those in this file.
    File(PathBuf),
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Nothing. This stops who listens, not who interposes.
    None,
    /// One of these authorities made it, for whichever host.
    Authority(PathBuf),
    /// One of these authorities made it for the host that is connected to.
    Host(Authorities),
}

/// The parameters that say how the connection is protected, and those that are left to the driver.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    pub(super) tls: SslMode,
    pub(super) verification: Verification,
    pub(super) others: Vec<String>,
    /// Whether `channel_binding=require` is among the others, and `sslnegotiation=direct`.
    pub(super) binds: bool,
    pub(super) negotiates_directly: bool,
    fallback_name: Option<&'a str>,
}

/// Parameters of libpq for which the driver has another name.
const RENAMED: &[(&str, &str)] = &[("keepalives_count", "keepalives_retries")];

/// Parameters of libpq with the values that say what is done anyway.
const FIXED: &[(&str, &[&str])] = &[
    ("client_encoding", &["utf8", "UTF8", "UTF-8"]),
    ("gssencmode", &["disable", "prefer"]),
    ("replication", &["false", "off", "no", "0"]),
    ("ssl_max_protocol_version", &["TLSv1.3"]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("sslcertmode", &["disable", "allow"]),
    ("sslcompression", &["0"]),
    ("sslsni", &["1"]),
];

/// Parameters of libpq that are not offered.
const NOT_OFFERED: &[&str] = &[
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "passfile",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "sslcert",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslpassword",
];

/// Parameters that the driver takes with fewer values than libpq, or whose mistakes it does not explain.
const CHOICES: &[(&str, &[&str], &str)] = &[
    ("channel_binding", &["disable", "prefer", "require"], "disable, prefer or require"),
    ("load_balance_hosts", &["disable", "random"], "disable or random"),
    ("sslnegotiation", &["postgres", "direct"], "postgres or direct"),
    (
        "target_session_attrs",
        &["any", "read-write", "read-only"],
        "any, read-write or read-only; in the place of primary it is read-write",
    ),
];

pub(super) fn parse(text: &str) -> Result<Parameters<'_>, DatabaseUrlError> {
    let (mut mode, mut authorities) = (None, None);
    let mut found = Parameters {
        tls: SslMode::Prefer,
        verification: Verification::None,
        others: Vec::new(),
        binds: false,
        negotiates_directly: false,
        fallback_name: None,
    };
    for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(parse_mode(&decode(value)?)?),
            Some(("sslrootcert", value)) => authorities = Some(parse_authorities(&decode(value)?)?),
            Some((name, value)) => found.take(name, value)?,
            None => found.others.push(parameter.to_owned()),
        }
    }
    found.protect(mode, authorities)?;
    found.finish();
    Ok(found)
}

impl<'a> Parameters<'a> {
    fn take(&mut self, name: &'a str, value: &'a str) -> Result<(), DatabaseUrlError> {
        let decoded = decode(value)?;
        if let Some((name, _)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
            return require_fixed(name, &decoded);
        }
        if let Some(name) = NOT_OFFERED.iter().find(|refused| **refused == name) {
            return Err(DatabaseUrlError::NotOffered(name));
        }
        if let Some((name, values, words)) = CHOICES.iter().find(|(choice, _, _)| *choice == name)
            && !values.contains(&&*decoded)
        {
            return Err(DatabaseUrlError::Choice { parameter: name, values: words });
        }
        match name {
            "channel_binding" => self.binds = decoded == "require",
            "sslnegotiation" => self.negotiates_directly = decoded == "direct",
            _ => {}
        }
        if name == "fallback_application_name" {
            self.fallback_name = Some(value);
            return Ok(());
        }
        let renamed = RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
        self.others.push(format!("{renamed}={value}"));
        Ok(())
    }

    fn finish(&mut self) {
        let is_named = self.others.iter().any(|other| other.starts_with("application_name="));
        if let Some(name) = self.fallback_name.filter(|_| !is_named) {
            self.others.push(format!("application_name={name}"));
        }
    }

    /// As libpq has it: authorities in a file are asked for whenever there is TLS, and the system's for the very host alone.
    fn protect(
        &mut self,
        mode: Option<TlsMode>,
        authorities: Option<Authorities>,
    ) -> Result<(), DatabaseUrlError> {
        let mode = match (&authorities, mode) {
            (Some(Authorities::System), None | Some(TlsMode::VerifyFull)) => TlsMode::VerifyFull,
            (Some(Authorities::System), Some(_)) => return Err(DatabaseUrlError::WeakForSystem),
            (None, Some(TlsMode::VerifyCa)) => return Err(DatabaseUrlError::NoAuthority),
            (_, mode) => mode.unwrap_or(TlsMode::Prefer),
        };
        self.tls = match mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        };
        self.verification = match (mode, authorities) {
            (TlsMode::VerifyFull, authorities) => {
                Verification::Host(authorities.unwrap_or(Authorities::System))
            }
            (_, Some(Authorities::File(file))) => Verification::Authority(file),
            _ => Verification::None,
        };
        Ok(())
    }
}

fn decode(value: &str) -> Result<String, DatabaseUrlError> {
    let decoded = percent_decode_str(value).decode_utf8().map_err(|_| DatabaseUrlError::NoText)?;
    Ok(decoded.into_owned())
}

fn require_fixed(name: &'static str, value: &str) -> Result<(), DatabaseUrlError> {
    let row = FIXED.iter().find(|(fixed, _)| *fixed == name);
    let is_so = row.is_some_and(|(_, values)| values.contains(&value));
    if is_so { Ok(()) } else { Err(DatabaseUrlError::NotOffered(name)) }
}

fn parse_mode(text: &str) -> Result<TlsMode, DatabaseUrlError> {
    match text {
        "disable" => Ok(TlsMode::Disable),
        "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(DatabaseUrlError::SslMode),
    }
}

fn parse_authorities(text: &str) -> Result<Authorities, DatabaseUrlError> {
    match text {
        "system" => Ok(Authorities::System),
        "" => Err(DatabaseUrlError::NoAuthorityFile),
        path => Ok(Authorities::File(PathBuf::from(path))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection(text: &str) -> Result<(SslMode, Verification), DatabaseUrlError> {
        parse(text).map(|found| (found.tls, found.verification))
    }

    #[test]
    fn l16_sslmode_and_sslrootcert_mean_together_what_they_mean_to_libpq() {
        use DatabaseUrlError::{NoAuthority, WeakForSystem};
        let file = || PathBuf::from("/etc/ca.pem");
        for (text, expected) in [
            ("", Ok((SslMode::Prefer, Verification::None))),
            ("sslmode=disable", Ok((SslMode::Disable, Verification::None))),
            ("sslmode=prefer", Ok((SslMode::Prefer, Verification::None))),
            ("sslmode=require", Ok((SslMode::Require, Verification::None))),
            ("sslmode=verify-ca", Err(NoAuthority)),
            ("sslmode=verify-full", Ok((SslMode::Require, Verification::Host(Authorities::System)))),
            ("sslrootcert=/etc/ca.pem", Ok((SslMode::Prefer, Verification::Authority(file())))),
            (
                "sslmode=require&sslrootcert=/etc/ca.pem",
                Ok((SslMode::Require, Verification::Authority(file()))),
            ),
            (
                "sslrootcert=%2Fetc%2Fca.pem&sslmode=verify-ca",
                Ok((SslMode::Require, Verification::Authority(file()))),
            ),
            (
                "sslmode=verify-full&sslrootcert=/etc/ca.pem",
                Ok((SslMode::Require, Verification::Host(Authorities::File(file())))),
            ),
            ("sslrootcert=system", Ok((SslMode::Require, Verification::Host(Authorities::System)))),
            (
                "sslmode=verify-full&sslrootcert=system",
                Ok((SslMode::Require, Verification::Host(Authorities::System))),
            ),
            ("sslmode=verify-ca&sslrootcert=system", Err(WeakForSystem)),
            ("sslmode=require&sslrootcert=system", Err(WeakForSystem)),
            ("sslmode=disable&sslrootcert=system", Err(WeakForSystem)),
        ] {
            assert_eq!(protection(text), expected, "{text}");
        }
    }

    #[test]
    fn l16_what_libpq_offers_and_we_do_not_is_refused_by_its_name() {
        for name in NOT_OFFERED {
            let text = format!("{name}=x");
            assert_eq!(protection(&text), Err(DatabaseUrlError::NotOffered(name)));
        }
        for (name, values) in FIXED {
            assert_eq!(protection(&format!("{name}=x")), Err(DatabaseUrlError::NotOffered(name)));
            for value in *values {
                assert_eq!(parse(&format!("{name}={value}")).unwrap().others, [""; 0], "{name}={value}");
            }
        }
        for (parameter, values, words) in CHOICES {
            let refused = DatabaseUrlError::Choice { parameter, values: words };
            assert_eq!(protection(&format!("{parameter}=x")), Err(refused));
            for value in *values {
                let text = format!("{parameter}={value}");
                assert_eq!(parse(&text).unwrap().others, [text]);
            }
        }
    }

    #[test]
    fn a_parameter_that_the_driver_knows_by_another_name_is_handed_on_under_that() {
        let others = |text| parse(text).unwrap().others;
        assert_eq!(others("keepalives_count=4&user=ada"), ["keepalives_retries=4", "user=ada"]);
        assert_eq!(others("fallback_application_name=door"), ["application_name=door"]);
        assert_eq!(others("fallback_application_name=door&application_name=gate"), ["application_name=gate"]);
    }
}
