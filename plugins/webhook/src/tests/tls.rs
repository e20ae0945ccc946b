//! Receivers with certificates, and receivers that ask for ours.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{Value, abi::code, json};

use super::server::{Deed, Server};
use super::{SECRET, asking, assert_fatal, permissions};
use crate::webhook::Webhook;

const GOOD: &str = r#"{"permissions":{"read":true}}"#;

/// An authority that no machine trusts.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    /// A certificate for this name, and its key.
    fn certify(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    fn ca_file(&self) -> PathBuf {
        self.write("ca.pem", &self.issuer.pem())
    }

    /// Where our own certificate is.
    fn client_files(&self) -> Value {
        let (certificate, key) = self.certify("vestibule");
        json!({
            "client_certificate_file": self.write("client.pem", &certificate.pem()),
            "client_key_file": self.write("client.key", &key.serialize_pem()),
        })
    }

    /// A server for this name, which asks clients for certificates of `clients`.
    fn server(&self, name: &str, clients: Option<&Self>) -> Server {
        let (certificate, key) = self.certify(name);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Server::start_tls([Deed::json(GOOD)], builder.with_single_cert(chain, key).unwrap())
    }
}

#[test]
fn a_receiver_whose_authority_is_configured_is_trusted() {
    let authority = Authority::new();
    let server = authority.server("localhost", None);
    let plugin = asking(&server.url("/"), &json!({"ca_file": authority.ca_file()}));
    assert_eq!(permissions(&plugin).reply, Some(json!({"read": true})));
}

#[test]
fn every_other_receiver_is_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let stranger = authority.server("localhost", None);
    let misnamed = authority.server("elsewhere.example", None);
    let cases = [
        (&stranger, json!({})),
        (&stranger, json!({"ca_file": other.ca_file()})),
        (&misnamed, json!({"ca_file": authority.ca_file()})),
    ];
    for (server, config) in cases {
        assert_fatal(&permissions(&asking(&server.url("/?hunter2"), &config)), "no trust in the connection");
        assert!(server.requests().is_empty());
    }
}

#[test]
fn a_receiver_that_asks_for_a_certificate_gets_ours() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = servers.server("localhost", Some(&clients));
    let mut config = clients.client_files();
    config["ca_file"] = json!(servers.ca_file());
    assert_eq!(permissions(&asking(&server.url("/"), &config)).reply, Some(json!({"read": true})));

    let without = asking(&server.url("/"), &json!({"ca_file": servers.ca_file()}));
    let refused = permissions(&without);
    // TLS 1.3 asks for the certificate after the client believes the connection to stand: it sees the alert, or only that it broke off.
    let said = refused.error.as_deref().unwrap_or_default();
    assert!(refused.reply.is_none() && [code::FATAL, code::RETRY].contains(&refused.code), "{said}");
    assert!(
        said.contains("no trust in the connection") || said.contains("the connection broke off"),
        "{said}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn files_that_make_no_sense_stop_the_start_and_their_keys_are_named() {
    let authority = Authority::new();
    let (rubbish, ca) = (authority.write("rubbish", "hunter2"), authority.ca_file());
    let swapped = {
        let files = authority.client_files();
        json!({"client_certificate_file": files["client_key_file"], "client_key_file": ca})
    };
    let cases = [
        ("https", json!({"ca_file": "/nonexistent/ca.pem"}), "`ca_file`"),
        ("https", json!({"ca_file": rubbish}), "`ca_file`"),
        ("https", swapped, "`client_certificate_file`"),
        ("https", json!({"client_key_file": rubbish}), "`client_key_file`"),
        (
            "https",
            json!({"client_certificate_file": rubbish, "client_key_file": rubbish}),
            "`client_key_file`",
        ),
        ("http", json!({"ca_file": ca}), "`url` is not https"),
        ("http", authority.client_files(), "`url` is not https"),
    ];
    for (scheme, more, says) in cases {
        let mut config = json!({"url": format!("{scheme}://localhost:9/"), "secrets": [SECRET]});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Err(answer) = Harness::<Webhook>::new(&config) else { panic!("{more}") };
        let text = answer.error.unwrap();
        assert!(text.contains(says) && !text.contains("hunter2"), "{text}");
    }
}
