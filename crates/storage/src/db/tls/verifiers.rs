//! What is asked of the server's certificate where it need not be for the host that is connected to.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Verifies less than that the certificate belongs to the host, as the weaker values of `sslmode` do in libpq.
#[derive(Debug)]
pub(super) struct DangerousVerifier {
    provider: Arc<CryptoProvider>,
    /// The authorities of which one must have made the certificate. `None`: any certificate will do.
    roots: Option<RootCertStore>,
}

impl DangerousVerifier {
    /// Takes every certificate, as `prefer` and `require` do: the connection is encrypted, to whomever.
    pub(super) fn any_server(provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { provider, roots: None })
    }

    /// Takes the certificates of these authorities, whichever host they are for, as `verify-ca` does.
    pub(super) fn any_server_of(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { provider, roots: Some(roots) })
    }
}

impl ServerCertVerifier for DangerousVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
