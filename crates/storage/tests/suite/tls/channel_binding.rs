//! `channel_binding`: a server with TLS and passwords, and one that stands between us and it.

use std::error::Error as _;
use std::sync::Arc;

use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use vestibule_storage::StorageError;
use vestibule_test_support::{TestCluster, TestDatabase};

use super::certificates::Authority;
use super::{agree_to_tls, migrate};

/// A server, and a role that has a password.
struct Server {
    cluster: TestCluster,
    database: TestDatabase,
    authority: Authority,
}

impl Server {
    /// One whose certificate is signed by this algorithm.
    fn start(algorithm: &'static SignatureAlgorithm) -> Self {
        let authority = Authority::new(algorithm);
        let identity = authority.identify();
        let cluster = TestCluster::start_with_tls(&identity.certificate.pem(), &identity.key.serialize_pem());
        cluster.execute("CREATE ROLE ada SUPERUSER LOGIN PASSWORD 'lovelace'");
        let database = cluster.create_database();
        Self { cluster, database, authority }
    }

    /// The database by the role with the password, at a port.
    fn url(&self, port: u16, parameters: &str) -> String {
        let name = self.database.url().rsplit('/').next().expect("a name");
        format!("postgres://ada:lovelace@localhost:{port}/{name}?{parameters}")
    }

    async fn migrate(&self, parameters: &str) -> Result<Vec<String>, StorageError> {
        migrate(&self.url(self.cluster.port(), parameters)).await
    }

    async fn migrate_through(
        &self,
        interposer: &Interposer,
        parameters: &str,
    ) -> Result<Vec<String>, StorageError> {
        migrate(&self.url(interposer.port, parameters)).await
    }
}

/// Stands between, with a certificate of its own, and passes on what it reads.
struct Interposer {
    port: u16,
}

impl Interposer {
    /// Speaks TLS to the server as well, so that the server offers to bind.
    async fn with_tls(server: &Server) -> Self {
        Self::start(server, Some(server.authority.certificate())).await
    }

    /// Speaks to the server without TLS, so that the server does not offer to bind.
    async fn without_tls(server: &Server) -> Self {
        Self::start(server, None).await
    }

    async fn start(server: &Server, trusted: Option<CertificateDer<'static>>) -> Self {
        let server_port = server.cluster.port();
        let acceptor = Authority::new(&PKCS_ECDSA_P256_SHA256).identify().acceptor(&[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (acceptor, trusted) = (acceptor.clone(), trusted.clone());
                tokio::spawn(async move {
                    agree_to_tls(&mut client).await;
                    let Ok(mut inside) = acceptor.accept(client).await else { return };
                    let mut outside =
                        TcpStream::connect(("127.0.0.1", server_port)).await.expect("the server");
                    if let Some(trusted) = trusted {
                        let mut outside = encrypt(outside, trusted).await;
                        copy_bidirectional(&mut inside, &mut outside).await.ok();
                    } else {
                        copy_bidirectional(&mut inside, &mut outside).await.ok();
                    }
                });
            }
        });
        Self { port }
    }
}

/// Speaks TLS to a server whose authority is known.
async fn encrypt(
    mut server: TcpStream,
    authority: CertificateDer<'static>,
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let request = [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat();
    server.write_all(&request).await.expect("a server that listens");
    assert_eq!(server.read_u8().await.expect("an answer"), b'S', "the server has TLS");
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions that there are")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, server).await.expect("the server's certificate")
}

fn assert_refused(outcome: Result<Vec<String>, StorageError>, why: &str) {
    let refused = outcome.unwrap_err();
    let cause = refused.source().expect("the server's or the driver's words").to_string();
    assert!(cause.contains(why), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_bound_to_the_certificate_of_the_server() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
        let server = Server::start(algorithm);
        for binding in ["require", "prefer", "disable"] {
            for mode in ["require", "prefer"] {
                server.migrate(&format!("sslmode={mode}&channel_binding={binding}")).await.unwrap();
            }
        }
        server.migrate("sslmode=require").await.unwrap();
        server.migrate("sslmode=disable&channel_binding=prefer").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_between_cannot_pass_on_what_was_bound_to_its_own_certificate() {
    let server = Server::start(&PKCS_ECDSA_P256_SHA256);
    let interposer = Interposer::with_tls(&server).await;
    for binding in ["channel_binding=require", "channel_binding=prefer", ""] {
        let outcome = server.migrate_through(&interposer, &format!("sslmode=require&{binding}")).await;
        assert_refused(outcome, "channel binding check failed");
    }
    server.migrate_through(&interposer, "sslmode=require&channel_binding=disable").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn require_refuses_what_is_not_bound() {
    let server = Server::start(&PKCS_ECDSA_P256_SHA256);
    let interposer = Interposer::without_tls(&server).await;
    let bound = "sslmode=require&channel_binding=require";
    let unbound = "server did not use channel binding";
    assert_refused(server.migrate_through(&interposer, bound).await, unbound);
    server.migrate_through(&interposer, "sslmode=require&channel_binding=prefer").await.unwrap();
    // A server that asks for no password proves nothing.
    let trusting = server.url(server.cluster.port(), bound).replace("ada:lovelace@", "postgres@");
    assert_refused(migrate(&trusting).await, unbound);
}

/// No hash function is defined for the certificate, so there is nothing to bind to.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_bound_to_is_refused_by_require_alone() {
    let server = Server::start(&PKCS_ED25519);
    server.migrate("sslmode=require&channel_binding=prefer").await.unwrap();
    let outcome = server.migrate("sslmode=require&channel_binding=require").await;
    assert_refused(outcome, "server did not use channel binding");
}
