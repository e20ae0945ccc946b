//! Where the database is: `DATABASE_URL`.

mod parameters;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

pub(crate) use self::parameters::{Authorities, Verification};

/// Why a text does not say where a database is. None of these texts holds a part of the text, so none a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseUrlError {
    /// Neither of the two databases.
    #[error("a database address starts with sqlite:// or postgres://")]
    Scheme,
    /// SQLite without a file.
    #[error("sqlite:// is followed by the path of a file, relative or absolute, without parameters")]
    SqlitePath,
    /// SQLite in memory: each connection would have a database of its own.
    #[error("a database in memory cannot be shared by connections; give the path of a file")]
    SqliteMemory,
    /// PostgreSQL, written in a way that it does not understand.
    #[error("the PostgreSQL address is not understood: {0}")]
    Postgres(String),
    /// PostgreSQL, with a password that may end in more than one place: what is behind it would be shown as a host.
    #[error(
        "the PostgreSQL address does not say where its password ends: in a user name, a password or a parameter, @ is written as %40 and ? as %3F"
    )]
    Credentials,
    /// PostgreSQL without a server.
    #[error("the PostgreSQL address names no host")]
    NoHost,
    /// An `sslmode` that is not offered.
    #[error(
        "sslmode is disable, prefer, require, verify-ca or verify-full; in the place of allow it is prefer"
    )]
    SslMode,
    /// The system's authorities, and less than `verify-full`.
    #[error(
        "sslrootcert=system needs sslmode=verify-full, which is then the default: public authorities give certificates to everybody, so the name of the host must be checked"
    )]
    WeakForSystem,
    /// `verify-ca` without an authority.
    #[error(
        "sslmode=verify-ca needs sslrootcert=FILE, the certificate of the authority; with the system's authorities write verify-full"
    )]
    NoAuthority,
    /// `sslrootcert` without a value.
    #[error("sslrootcert is the path of a file, or system")]
    NoAuthorityFile,
    /// A parameter of libpq that is not offered, or not with this value.
    #[error("libpq's parameter {0} is not offered here, or not with this value; leave it out")]
    NotOffered(&'static str),
    /// A parameter with another value than it can have.
    #[error("{parameter} is {values}")]
    Choice {
        /// Its name.
        parameter: &'static str,
        /// The values that it can have.
        values: &'static str,
    },
    /// A parameter whose value is not text.
    #[error("a parameter is not text in UTF-8 once its percent signs are decoded")]
    NoText,
    /// What can only be had with TLS, without TLS.
    #[error("{0} needs TLS: it goes neither with sslmode={1} nor over a socket in the file system")]
    NeedsTls(&'static str, &'static str),
}

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// The embedded one: a file beside the program.
    Sqlite,
    /// A server, for several replicas.
    Postgres,
}

#[derive(Clone)]
pub(crate) struct PostgresTarget {
    pub(crate) config: Config,
    pub(crate) verification: Verification,
}

#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(Box<PostgresTarget>),
}

/// A parsed `DATABASE_URL`. Neither `Display` nor `Debug` shows a password.
#[derive(Clone)]
pub struct DatabaseUrl(Target);

impl DatabaseUrl {
    /// Takes `sqlite://path` or `postgres://user:password@host:port/database?parameters`.
    ///
    /// PostgreSQL's parameters are those of libpq, with the same meaning; one that is not offered is refused by its name. As with
    /// libpq, `sslmode=prefer` (the default) and `require` do not verify who the server is unless `sslrootcert=FILE` stands beside them.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return parse_sqlite(path).map(|path| Self(Target::Sqlite(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return parse_postgres(text).map(|target| Self(Target::Postgres(Box::new(target))));
        }
        Err(DatabaseUrlError::Scheme)
    }

    /// Which of the two databases.
    pub fn kind(&self) -> DatabaseKind {
        match self.0 {
            Target::Sqlite(_) => DatabaseKind::Sqlite,
            Target::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// The file of an SQLite database.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Target::Sqlite(path) => Some(path),
            Target::Postgres(_) => None,
        }
    }

    /// Whether the database is on this machine: a file, a socket in the file system, or a server on loopback.
    pub fn is_on_this_machine(&self) -> bool {
        let Target::Postgres(target) = &self.0 else { return true };
        let is_here = |host: &Host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
            Host::Unix(_) => true,
        };
        // An address that is given as well is the one that is connected to.
        target.config.get_hosts().iter().all(is_here)
            && target.config.get_hostaddrs().iter().all(IpAddr::is_loopback)
    }

    pub(crate) fn target(&self) -> &Target {
        &self.0
    }
}

fn parse_sqlite(path: &str) -> Result<PathBuf, DatabaseUrlError> {
    if path.contains(":memory:") {
        return Err(DatabaseUrlError::SqliteMemory);
    }
    let odd = path.is_empty() || path.ends_with('/') || path.contains(['?', '#', '\0']);
    if odd { Err(DatabaseUrlError::SqlitePath) } else { Ok(Path::new(path).to_owned()) }
}

fn parse_postgres(text: &str) -> Result<PostgresTarget, DatabaseUrlError> {
    require_one_end_of_credentials(text)?;
    let (address, parameters) = split_parameters(text);
    let parameters = parameters::parse(parameters)?;
    let address = format!("{address}?{}", parameters.others.join("&"));
    let mut config = Config::from_str(&address).map_err(|error| {
        DatabaseUrlError::Postgres(
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
        )
    })?;
    if config.get_hosts().is_empty() {
        return Err(DatabaseUrlError::NoHost);
    }
    let has_sockets_alone = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    let tls = if has_sockets_alone { SslMode::Disable } else { parameters.tls };
    if parameters.binds && tls == SslMode::Disable {
        return Err(DatabaseUrlError::NeedsTls("channel_binding=require", "disable"));
    }
    if parameters.negotiates_directly && tls != SslMode::Require {
        return Err(DatabaseUrlError::NeedsTls("sslnegotiation=direct", "prefer"));
    }
    config.ssl_mode(tls);
    Ok(PostgresTarget { config, verification: parameters.verification })
}

/// Everything up to the first `@` is credentials, and is never shown.
fn require_one_end_of_credentials(text: &str) -> Result<(), DatabaseUrlError> {
    let Some((credentials, behind)) = text.split_once('@') else { return Ok(()) };
    let has_parameters = credentials.split_once('?').is_some_and(|(_, rest)| rest.contains('='));
    if has_parameters || behind.contains('@') { Err(DatabaseUrlError::Credentials) } else { Ok(()) }
}

/// Splits at the question mark that starts the parameters: the first one behind the credentials.
fn split_parameters(text: &str) -> (&str, &str) {
    let credentials = text.find('@').unwrap_or(0);
    let (head, tail) = text.split_at(credentials);
    match tail.find('?') {
        Some(at) => {
            let (address, parameters) = text.split_at(head.len() + at);
            (address, parameters.trim_start_matches('?'))
        }
        None => (text, ""),
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.0 {
            Target::Sqlite(path) => return write!(formatter, "sqlite://{}", path.display()),
            Target::Postgres(target) => target,
        };
        formatter.write_str("postgres://")?;
        for (index, host) in target.config.get_hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(formatter, "{comma}{name}")?,
                Host::Unix(folder) => write!(formatter, "{comma}{}", folder.display())?,
            }
            if let Some(port) = target.config.get_ports().get(index) {
                write!(formatter, ":{port}")?;
            }
        }
        write!(formatter, "/{}", target.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::ChannelBinding;

    use super::*;

    #[test]
    fn a_path_may_be_relative_or_absolute() {
        for (text, path) in
            [("sqlite://vestibule.db", "vestibule.db"), ("sqlite:///var/lib/v.db", "/var/lib/v.db")]
        {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.kind(), DatabaseKind::Sqlite);
            assert_eq!(url.to_string(), text);
            assert!(matches!(url.target(), Target::Sqlite(found) if found == Path::new(path)));
        }
    }

    #[test]
    fn only_files_sockets_and_loopback_are_on_this_machine() {
        for (text, expected) in [
            ("sqlite://v.db", true),
            ("postgres://u@127.0.0.1:5432/x", true),
            ("postgres://u@localhost/x", true),
            ("postgres://u@%2Frun%2Fpostgresql/x", true),
            ("postgres://u@[::1]/x", true),
            ("postgres://u@db.example/x", false),
            ("postgres://u@192.0.2.1/x", false),
            ("postgres://u@localhost,db.example/x", false),
            ("postgres://u@localhost.example/x", false),
            ("postgres://u@localhost/x?hostaddr=192.0.2.1", false),
            ("postgres://u@localhost/x?host=db.example", false),
        ] {
            assert_eq!(DatabaseUrl::parse(text).unwrap().is_on_this_machine(), expected, "{text}");
        }
    }

    #[test]
    fn l16_an_address_that_makes_no_sense_is_refused() {
        use DatabaseUrlError::{NeedsTls, NoHost, Scheme, SqliteMemory, SqlitePath, SslMode};
        for (text, expected) in [
            ("", Scheme),
            ("vestibule.db", Scheme),
            ("mysql://host/db", Scheme),
            ("sqlite:vestibule.db", Scheme),
            ("sqlite://", SqlitePath),
            ("sqlite://folder/", SqlitePath),
            ("sqlite://v.db?mode=ro", SqlitePath),
            ("sqlite://:memory:", SqliteMemory),
            ("sqlite://file::memory:", SqliteMemory),
            ("postgres://", NoHost),
            ("postgres:///db", NoHost),
            ("postgres://host/db?sslmode=allow", SslMode),
            ("postgres://host/db?sslmode=", SslMode),
            (
                "postgres://host/db?sslmode=disable&channel_binding=require",
                NeedsTls("channel_binding=require", "disable"),
            ),
            (
                "postgres://u@%2Frun/db?channel_binding=require",
                NeedsTls("channel_binding=require", "disable"),
            ),
            ("postgres://host/db?sslnegotiation=direct", NeedsTls("sslnegotiation=direct", "prefer")),
        ] {
            assert_eq!(DatabaseUrl::parse(text).unwrap_err(), expected, "{text}");
        }
        let unknown = DatabaseUrl::parse("postgres://u:secret@host/db?flavour=x").unwrap_err();
        assert!(matches!(&unknown, DatabaseUrlError::Postgres(why) if why.contains("flavour")), "{unknown}");
    }

    #[test]
    fn n5_the_password_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://ada:se?cr%40t@db.example:5433/v?sslmode=require").unwrap();
        assert_eq!(url.to_string(), "postgres://db.example:5433/v");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://db.example:5433/v)");
        let Target::Postgres(target) = url.target() else { panic!("PostgreSQL") };
        assert_eq!(target.config.get_password(), Some(b"se?cr@t".as_slice()));
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn n5_a_password_that_may_end_in_two_places_is_refused_and_not_shown() {
        for unclear in [
            "postgres://ada:p@hunter2@db.example/v",
            "postgres://ada:p@?hunter2@db.example/v",
            "postgres://db.example/v?user=ada&password=p@hunter2",
            "postgres://db.example/v?user=ada&password=p@x@hunter2",
        ] {
            let error = DatabaseUrl::parse(unclear).unwrap_err();
            assert_eq!(error, DatabaseUrlError::Credentials, "{unclear}");
            assert!(!error.to_string().contains("hunter2"));
        }
        let encoded = "postgres://db.example/v?user=ada&password=p%40hunter2";
        assert_eq!(DatabaseUrl::parse(encoded).unwrap().to_string(), "postgres://db.example:5432/v");
    }

    #[test]
    fn a_socket_needs_no_tls() {
        let url = DatabaseUrl::parse("postgres://u@%2Frun%2Fpostgresql/v?sslmode=require").unwrap();
        let Target::Postgres(target) = url.target() else { panic!("PostgreSQL") };
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(url.to_string(), "postgres:///run/postgresql:5432/v");
    }

    #[test]
    fn an_address_as_providers_hand_it_out_is_taken() {
        let url = DatabaseUrl::parse("postgresql://u:p@h/v?sslmode=require&channel_binding=require").unwrap();
        let Target::Postgres(target) = url.target() else { panic!("PostgreSQL") };
        assert_eq!(target.config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(target.verification, Verification::None);
    }
}
