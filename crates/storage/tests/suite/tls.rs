//! `sslmode` and `sslrootcert`: who may listen, and whom we talk to. A proxy with a certificate stands before the server, which
//! has none.

mod certificates;
mod channel_binding;

use rcgen::PKCS_ECDSA_P256_SHA256;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use vestibule_storage::{DatabaseUrl, Storage, StorageError, StorageOptions};
use vestibule_test_support::TestDatabase;

use certificates::Authority;

/// How a client begins to speak TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// It asks in words of PostgreSQL.
    Asks,
    /// With the first byte.
    AtOnce,
}

/// A way to a database with TLS, whose certificate is for `localhost` alone.
struct Proxy {
    database: TestDatabase,
    port: u16,
    authority: Authority,
}

impl Proxy {
    async fn start() -> Self {
        Self::start_for(Beginning::Asks, &[]).await
    }

    async fn start_for(beginning: Beginning, protocols: &[&[u8]]) -> Self {
        let database = TestDatabase::postgres();
        let config: tokio_postgres::Config = database.url().parse().expect("an address");
        let server_port = config.get_ports()[0];
        let authority = Authority::new(&PKCS_ECDSA_P256_SHA256);
        let acceptor = authority.identify().acceptor(protocols);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if beginning == Beginning::Asks {
                        agree_to_tls(&mut client).await;
                    }
                    serve(client, acceptor, server_port).await;
                });
            }
        });
        Self { database, port, authority }
    }

    /// The database through the proxy.
    fn url(&self, host: &str, parameters: &str) -> String {
        let name = self.database.url().rsplit('/').next().expect("a name");
        format!("postgres://postgres@{host}:{}/{name}?{parameters}", self.port)
    }

    /// The same, with the proxy's authority.
    fn url_with_authority(&self, host: &str, parameters: &str) -> String {
        self.url(host, &format!("{parameters}&{}", self.authority.parameter()))
    }
}

async fn agree_to_tls(client: &mut TcpStream) {
    let mut request = [0; 8];
    client.read_exact(&mut request).await.expect("a request for TLS");
    assert_eq!(request[4..], 80_877_103_u32.to_be_bytes(), "the first message asks for TLS");
    client.write_all(b"S").await.expect("a client that listens");
}

/// Takes TLS off, and passes on what is inside.
async fn serve(client: TcpStream, acceptor: TlsAcceptor, server_port: u16) {
    if let Ok(mut inside) = acceptor.accept(client).await {
        let mut server = TcpStream::connect(("127.0.0.1", server_port)).await.expect("the server");
        copy_bidirectional(&mut inside, &mut server).await.ok();
    }
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
    migrate(&proxy.url_with_authority("localhost", "sslmode=verify-full")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_full_refuses_another_host_and_an_unknown_authority() {
    let proxy = Proxy::start().await;
    assert_refused(&proxy.url_with_authority("127.0.0.1", "sslmode=verify-full")).await;
    for system in ["sslmode=verify-full", "sslrootcert=system", "sslmode=verify-full&sslrootcert=system"] {
        assert_refused(&proxy.url("localhost", system)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_a_file_is_asked_for_whatever_the_host_is_called() {
    let proxy = Proxy::start().await;
    let other = Authority::new(&PKCS_ECDSA_P256_SHA256);
    for mode in ["sslmode=verify-ca", "sslmode=require", "sslmode=prefer"] {
        migrate(&proxy.url_with_authority("localhost", mode)).await.unwrap();
        migrate(&proxy.url_with_authority("127.0.0.1", mode)).await.unwrap();
        assert_refused(&proxy.url("localhost", &format!("{mode}&{}", other.parameter()))).await;
    }
}

/// As PostgreSQL 17 and later can do it.
#[tokio::test(flavor = "multi_thread")]
async fn tls_may_begin_with_the_first_byte() {
    let proxy = Proxy::start_for(Beginning::AtOnce, &[b"postgresql"]).await;
    migrate(&proxy.url("localhost", "sslmode=require&sslnegotiation=direct")).await.unwrap();
    migrate(&proxy.url_with_authority("localhost", "sslmode=verify-full&sslnegotiation=direct"))
        .await
        .unwrap();
}

async fn assert_refused(url: &str) {
    let refused = migrate(url).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");
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
