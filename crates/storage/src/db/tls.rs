//! TLS to PostgreSQL, with rustls on aws-lc.

mod channel_binding;
mod verifiers;

use std::io::{self, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use vestibule_file_permissions::Rule;

use self::verifiers::DangerousVerifier;
use crate::error::StorageError;
use crate::url::{Authorities, PostgresTarget, Verification};

/// Asked for by servers that are spoken TLS to from the first byte on.
const PROTOCOL: &[u8] = b"postgresql";

/// Makes the TLS connections of one pool.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// `None` when the address says that there is to be no TLS.
    pub(super) fn new(target: &PostgresTarget) -> Result<Option<Self>, StorageError> {
        if target.config.get_ssl_mode() == SslMode::Disable {
            return Ok(None);
        }
        let mut config = client_config(&target.verification)?;
        if target.config.get_ssl_negotiation() == SslNegotiation::Direct {
            config.alpn_protocols.push(PROTOCOL.to_vec());
        }
        Ok(Some(Self(TlsConnector::from(Arc::new(config)))))
    }
}

fn client_config(verification: &Verification) -> Result<ClientConfig, StorageError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| StorageError::open(error.to_string()))?;
    let builder = match verification {
        Verification::None => {
            builder.dangerous().with_custom_certificate_verifier(DangerousVerifier::any_server(provider))
        }
        Verification::Authority(file) => builder
            .dangerous()
            .with_custom_certificate_verifier(DangerousVerifier::any_server_of(read_roots(file)?, provider)),
        Verification::Host(Authorities::File(file)) => builder.with_root_certificates(read_roots(file)?),
        Verification::Host(Authorities::System) => {
            builder.with_platform_verifier().map_err(|error| StorageError::open(error.to_string()))?
        }
    };
    Ok(builder.with_no_client_auth())
}

fn read_roots(path: &Path) -> Result<RootCertStore, StorageError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        StorageError::open(format!("sslrootcert {}: {error}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    let file = Rule::DECIDES.open(path).map_err(|fault| unreadable(fault.reason()))?;
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"no certificate in the file"));
    }
    Ok(roots)
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, InvalidDnsNameError> {
        let server = ServerName::try_from(domain.to_owned())?;
        Ok(Handshake { connector: self.0.clone(), server })
    }
}

/// One handshake to come.
pub(crate) struct Handshake {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.server, socket).await.map(Stream) })
    }
}

/// An encrypted connection.
pub(crate) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Stream {
    /// With it the server proves, by knowing the password, that the certificate is its own: `channel_binding` of the address says
    /// whether it has to.
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        certificate
            .and_then(|certificate| channel_binding::server_end_point(certificate))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
