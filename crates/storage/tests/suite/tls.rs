//! `sslmode`: who may listen, and whom we talk to. A proxy with a certificate stands before the server, which has none.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use vestibule_storage::{DatabaseUrl, Storage, StorageError, StorageOptions};
use vestibule_test_support::TestDatabase;

/// A way to a database with TLS, whose certificate is for `localhost` alone.
struct Proxy {
    database: TestDatabase,
    port: u16,
    authority: tempfile::NamedTempFile,
}

impl Proxy {
    async fn start() -> Self {
        let database = TestDatabase::postgres();
        let config: tokio_postgres::Config = database.url().parse().expect("an address");
        let server_port = config.get_ports()[0];
        let (acceptor, authority) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, acceptor.clone(), server_port));
            }
        });
        Self { database, port, authority }
    }

    /// The database through the proxy.
    fn url(&self, host: &str, parameters: &str) -> String {
        let name = self.database.url().rsplit('/').next().expect("a name");
        format!("postgres://postgres@{host}:{}/{name}?{parameters}", self.port)
    }

    fn authority(&self) -> String {
        format!("sslrootcert={}", self.authority.path().display())
    }
}

/// Agrees to TLS, takes it off, and passes on what is inside.
async fn serve(mut client: TcpStream, acceptor: TlsAcceptor, server_port: u16) {
    let mut request = [0; 8];
    client.read_exact(&mut request).await.expect("a request for TLS");
    assert_eq!(request[4..], 80_877_103_u32.to_be_bytes(), "the first message asks for TLS");
    client.write_all(b"S").await.expect("a client that listens");
    if let Ok(mut inside) = acceptor.accept(client).await {
        let mut server = TcpStream::connect(("127.0.0.1", server_port)).await.expect("the server");
        copy_bidirectional(&mut inside, &mut server).await.ok();
    }
}

/// A certificate of an authority that no system trusts, and that authority.
fn certificates() -> (TlsAcceptor, tempfile::NamedTempFile) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

async fn migrate(url: &str) -> Result<Vec<String>, StorageError> {
    let storage = Storage::connect(&DatabaseUrl::parse(url).unwrap(), &StorageOptions::default())?;
    storage.migrate().await
}

#[tokio::test(flavor = "multi_thread")]
async fn require_encrypts_and_does_not_ask_who_it_is() {
    let proxy = Proxy::start().await;
    migrate(&proxy.url("localhost", "sslmode=require")).await.unwrap();
    migrate(&proxy.url("127.0.0.1", "sslmode=require")).await.unwrap();
    migrate(&proxy.url("localhost", "sslmode=prefer")).await.unwrap();
    migrate(&proxy.url("localhost", "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_full_takes_the_named_host_of_the_named_authority() {
    let proxy = Proxy::start().await;
    let parameters = format!("sslmode=verify-full&{}", proxy.authority());
    migrate(&proxy.url("localhost", &parameters)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_full_refuses_another_host_and_an_unknown_authority() {
    let proxy = Proxy::start().await;
    let another_host = format!("sslmode=verify-full&{}", proxy.authority());
    assert!(migrate(&proxy.url("127.0.0.1", &another_host)).await.unwrap_err().is_unavailable());
    assert!(migrate(&proxy.url("localhost", "sslmode=verify-full")).await.unwrap_err().is_unavailable());
}

#[tokio::test(flavor = "multi_thread")]
async fn require_refuses_a_server_without_tls() {
    let database = TestDatabase::postgres();
    let refused = migrate(&format!("{}?sslmode=require", database.url())).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");
    migrate(&format!("{}?sslmode=prefer", database.url())).await.unwrap();
    migrate(&format!("{}?sslmode=disable", database.url())).await.unwrap();
}

#[test]
fn l16_authorities_that_cannot_be_read_stop_the_start() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for path in ["/nowhere/ca.pem", empty.path().to_str().unwrap()] {
        let url = format!("postgres://h/v?sslmode=verify-full&sslrootcert={path}");
        let url = DatabaseUrl::parse(&url).unwrap();
        let refused = Storage::connect(&url, &StorageOptions::default()).unwrap_err();
        assert!(matches!(refused, StorageError::Open(_)), "{refused:?}");
    }
}
