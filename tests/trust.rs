//! Whose certificates of providers and databases count: those of the system's authorities, or of those that `SSL_CERT_FILE` or
//! `SSL_CERT_DIR` name.

use std::fs;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;
use vestibule_provider_emulator::Emulator;
use vestibule_test_support::{Answer, Client, Program, TestCluster, login_address, with_parameter};

use crate::world::{APP, TRUSTED, emulator_options, point_at, registered_at};

/// TLS before the emulator: its address, and the certificate of an authority that no system trusts.
struct Encrypted {
    url: String,
    authority: String,
}

impl Encrypted {
    async fn before(plain: &str) -> Self {
        let mut url = Url::parse(plain).unwrap();
        let target = url.port().unwrap();
        let (acceptor, authority) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_scheme("https").unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut inside) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                    copy_bidirectional(&mut inside, &mut server).await.ok();
                });
            }
        });
        Self { url: url.as_str().trim_end_matches('/').to_owned(), authority }
    }
}

/// A certificate for a host, its key, and the authority that made it, as PEM.
fn certificate_for(host: &str) -> [String; 3] {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([host.to_owned()]).unwrap();
    [params.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem(), authority.pem()]
}

fn certificates() -> (TlsAcceptor, String) {
    let [certificate, key, authority] = certificate_for("127.0.0.1");
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority)
}

/// Signs in by a GitHub Enterprise Server of a company with an authority of its own; the end of it.
async fn sign_in(variable: Option<&str>) -> Answer {
    let program = Program::builder().setting("ALLOWED_ORIGINS", "https://app.example.com");
    let emulator = Emulator::start(emulator_options(registered_at(&program.base_url()))).await.unwrap();
    let provider = Encrypted::before(&emulator.github_url()).await;
    let store = tempfile::tempdir().unwrap();
    // As `openssl rehash` names it; the name need not be right, only such a name.
    let file = store.path().join("0123abcd.0");
    fs::write(&file, &provider.authority).unwrap();
    let place = if variable == Some("SSL_CERT_DIR") { store.path() } else { &file };
    let mut program = point_at(program, &emulator, "", TRUSTED).setting("GITHUB_URL", &provider.url);
    if let Some(variable) = variable {
        program = program.setting(variable, place.to_str().unwrap());
    }
    program.share_signing_key().await;
    let program = program.start().await;

    let browser = Client::new(&program.base_url());
    let consent = browser.get(login_address(&program.base_url(), "github", APP).as_str()).await.location();
    // The browser need not trust the authority for what is to be seen here.
    let (_, path) = consent.as_str().split_once(&provider.url).expect("the provider's own page");
    let consent = Url::parse(&format!("{}{path}", emulator.github_url())).unwrap();
    let callback = browser.get(with_parameter(&consent, "persona", "ada").as_str()).await.location();
    browser.get(callback.as_str()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_the_environment_names_vouches_for_a_provider() {
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let answer = sign_in(Some(variable)).await;
        assert!(answer.location_parameter("jwt").is_some(), "{variable}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_the_system_does_not_know_vouches_for_nobody() {
    let answer = sign_in(None).await;
    assert_eq!(answer.location_parameter("jwt"), None, "{answer:?}");
    assert!(answer.location_parameter("error").is_some(), "{answer:?}");
}

/// As hosting services hand out their addresses, with a password that is bound to the certificate.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_the_environment_names_vouches_for_the_database() {
    let [certificate, key, authority] = certificate_for("localhost");
    let cluster = TestCluster::start_with_tls(&certificate, &key);
    cluster.execute("CREATE ROLE ada SUPERUSER LOGIN PASSWORD 'lovelace'");
    let database = cluster.create_database();
    let name = database.url().rsplit('/').next().unwrap();
    let store = tempfile::NamedTempFile::new().unwrap();
    fs::write(store.path(), authority).unwrap();
    let migrate = async |host: &str, store: Option<&str>| {
        let port = cluster.port();
        let parameters = "sslrootcert=system&channel_binding=require";
        let url = format!("postgres://ada:lovelace@{host}:{port}/{name}?{parameters}");
        let program = Program::builder().setting("DATABASE_URL", &url);
        let program = store.into_iter().fold(program, |program, file| program.setting("SSL_CERT_FILE", file));
        program.run(&["migrate"]).await.status.success()
    };
    let store = store.path().to_str();
    assert!(!migrate("localhost", None).await, "no system knows this authority");
    assert!(!migrate("127.0.0.1", store).await, "the certificate is for another host");
    assert!(migrate("localhost", store).await);
}
