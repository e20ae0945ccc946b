//! `vestibule serve --dev` in an empty folder.

use std::fs;

use url::Url;
use vestibule_test_support::{Program, ProgramBuilder};

use super::Outcome;
use crate::documents::markdown::Document;

/// The program with no setting at all but for a port that is free.
fn bare() -> ProgramBuilder {
    let program = Program::builder();
    let address = program.base_url().replace("http://", "");
    let names = ["LISTEN", "EXTERNAL_ADDRESS", "DATABASE_URL", "KEYS_DIR"];
    names
        .into_iter()
        .fold(program, ProgramBuilder::without)
        .argument("--dev")
        .argument("--listen")
        .argument(&address)
}

/// Goes all the way through the emulated provider; the user token.
async fn sign_in(program: &Program, provider: &str) -> String {
    let browser = program.client();
    let started = browser.get(&format!("/auth/login/{provider}")).await;
    let mut consent: Url = started.location();
    consent.query_pairs_mut().append_pair("persona", "ada");
    let callback = browser.get(consent.as_str()).await.location();
    let home = browser.get(callback.as_str()).await;
    assert_eq!(home.location().path(), "/", "without a next it ends at the service's own page");
    home.location_parameter("jwt").expect("a token")
}

#[tokio::test(flavor = "multi_thread")]
async fn development_needs_nothing_and_takes_the_same_path_as_the_real_providers() {
    let mut program = bare().start().await;
    let logs = program.logs();
    assert!(logs.contains("vestibule 0.1.0, development: do not expose it\n"), "{logs}");
    assert!(logs.contains("  providers   google, github (emulated on 127.0.0.1:"), "{logs}");
    assert!(logs.contains(&format!("  address     {} on ", program.base_url())), "{logs}");
    assert!(logs.contains("any on loopback"), "{logs}");
    assert!(logs.contains(&format!("open {} in a browser\n", program.base_url())), "{logs}");
    assert!(program.directory().join("var/vestibule.db").exists());
    assert_eq!(fs::read_dir(program.directory().join("keys")).unwrap().count(), 1);

    let token = sign_in(&program, "google").await;
    let answer = program.client().get(&format!("/auth/check?jwt={token}")).await.json();
    assert_eq!(answer["authenticated"], true, "{answer}");
    let granted = program.client().get(&format!("/auth/authorize?service=storage&jwt={token}")).await.json();
    assert_eq!(
        granted["permissions"]["provider-token"],
        format!("storage-{}", granted["userid"].as_str().unwrap())
    );

    program.restart().await;
    let again = program.client().get(&format!("/auth/check?jwt={token}")).await.json();
    assert_eq!(again, answer, "key and database are still there");
    let second = sign_in(&program, "github").await;
    let other = program.client().get(&format!("/auth/check?jwt={second}")).await.json();
    assert_eq!(other["profile"]["id"], answer["profile"]["id"], "one address, one user");
    assert_eq!(fs::read_dir(program.directory().join("keys")).unwrap().count(), 1, "no second key");
}

/// As the document shows it, with no other change than the port.
#[tokio::test(flavor = "multi_thread")]
async fn the_company_s_issuer_of_the_document_is_there_with_its_client() {
    let fences = Document::read("docs/settings.md").fences();
    let table = fences.into_iter().find(|fence| fence.code.contains("corp-client")).expect("a table").code;
    let program = bare();
    let port = Url::parse(&program.base_url()).unwrap().port().unwrap() + 1;
    let program = program.config(&table.replace(":8001", &format!(":{port}"))).start().await;
    let ways = program.client().get("/auth/check").await.json();
    assert_eq!(ways["providers"]["corp"]["label"], "Corporate account", "{ways}");
    let token = sign_in(&program, "corp").await;
    let answer = program.client().get(&format!("/auth/check?jwt={token}")).await.json();
    assert!(answer["profile"]["provider_id"].as_str().unwrap().starts_with("corp:"), "{answer}");
}

/// Settings, and the names of those that are reported.
type Dangerous = (&'static [(&'static str, &'static str)], &'static [&'static str]);

/// What lets others in, or what counts elsewhere: each stops the start, and `config check` says the same.
const DANGEROUS: [Dangerous; 14] = [
    (&[("EXTERNAL_ADDRESS", "https://auth.example.com")], &["EXTERNAL_ADDRESS"]),
    (&[("EXTERNAL_ADDRESS", "auth.example.com")], &["EXTERNAL_ADDRESS"]),
    (&[("LISTEN", "0.0.0.0:0")], &["LISTEN"]),
    (&[("LISTEN", "[::]:0")], &["LISTEN"]),
    (&[("LISTEN", "0.0.0.0:0"), ("EXTERNAL_ADDRESS", "http://localhost:8000")], &["LISTEN"]),
    (&[("GITHUB_KEY", "id"), ("GITHUB_SECRET", "secret")], &["GITHUB_KEY"]),
    (&[("GOOGLE_KEY", "id"), ("GOOGLE_SECRET", "secret")], &["GOOGLE_KEY"]),
    (
        &[("GITHUB_KEY", "id"), ("GITHUB_SECRET", "s"), ("GITHUB_URL", "https://github.corp.example")],
        &["GITHUB_KEY"],
    ),
    (&[("ADMIN_LISTEN", "0.0.0.0:0")], &["ADMIN_LISTEN"]),
    (&[("ADMIN_LISTEN", "[2001:db8::1]:9")], &["ADMIN_LISTEN"]),
    (&[("DATABASE_URL", "postgres://vestibule:secret@db.example/vestibule")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "postgres://v@localhost/v?hostaddr=192.0.2.1")], &["DATABASE_URL"]),
    (&[("PRIVATE_KEY", "a key, or what is none")], &["PRIVATE_KEY"]),
    (
        &[
            ("LISTEN", "192.0.2.1:1"),
            ("EXTERNAL_ADDRESS", "https://a.example"),
            ("GOOGLE_KEY", "i"),
            ("GOOGLE_SECRET", "s"),
        ],
        &["LISTEN", "EXTERNAL_ADDRESS", "GOOGLE_KEY"],
    ),
];

#[tokio::test]
async fn m7_what_would_let_others_sign_in_as_anybody_does_not_start_in_development() {
    for (settings, names) in DANGEROUS {
        let program =
            Program::builder().without("EXTERNAL_ADDRESS").without("DATABASE_URL").argument("--dev");
        let program = settings.iter().fold(program, |program, (name, value)| program.setting(name, value));
        let check = Outcome::from(program.run(&["--dev", "config", "check"]).await);
        let folder = program.directory().to_owned();
        let mut program = program.ready_at(None).start().await;
        assert_eq!(program.ended().await.code(), Some(1), "{settings:?}: {}", program.logs());
        assert_eq!((check.status, &check.error), (Some(1), &program.logs()), "{settings:?}");
        let reported: Vec<_> = check.error.lines().collect();
        assert_eq!(reported.len(), names.len(), "{settings:?}: {reported:?}");
        for (line, name) in reported.iter().zip(names) {
            assert!(
                line.starts_with(&format!("vestibule: {name}: with --dev each person who reaches")),
                "{line}"
            );
        }
        assert!(!folder.join("keys").exists() && !folder.join("var").exists(), "{settings:?}");
    }
    let table =
        "[providers.corp]\nissuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\n";
    let ended = bare().config(table).try_start().await.expect_err("an issuer of the real world");
    assert!(ended.logs.contains("[providers.corp]: with --dev each person who reaches"), "{}", ended.logs);
}

/// An issuer that runs here for development is welcome.
#[tokio::test]
async fn providers_on_loopback_may_stand_beside_the_emulated_ones() {
    let table =
        "[providers.local]\nissuer = \"http://127.0.0.1:1\"\nclient_id = \"a\"\nclient_secret = \"b\"\n";
    let program = bare().config(table).start().await;
    assert!(program.logs().contains("google, github, local"), "{}", program.logs());
}

/// Every socket that the process listens at, by the tables of the kernel.
#[tokio::test(flavor = "multi_thread")]
async fn m7_neither_the_service_nor_the_emulator_can_be_reached_from_outside() {
    let program = bare().start().await;
    let descriptors = fs::read_dir(format!("/proc/{}/fd", program.pid())).unwrap();
    let links = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let sockets: Vec<_> = links
        .filter_map(|link| {
            let text = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(text.to_owned())
        })
        .collect();
    let mut listening = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{}/net/{table}", program.pid())).unwrap();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            if fields[3] == "0A" && sockets.iter().any(|socket| socket == fields[9]) {
                listening.push(fields[1].to_owned());
            }
        }
    }
    assert_eq!(listening.len(), 2, "the service and the emulator: {listening:?}");
    for address in &listening {
        assert!(address.starts_with("0100007F:"), "{address} is not 127.0.0.1");
    }
}

#[tokio::test]
async fn the_same_folder_without_dev_does_not_start() {
    let program = Program::builder().without("EXTERNAL_ADDRESS").without("DATABASE_URL");
    let ended = program.try_start().await.expect_err("nothing is configured");
    assert_eq!(ended.status.code(), Some(1));
    for part in ["EXTERNAL_ADDRESS is not set", "GOOGLE_KEY"] {
        assert!(ended.logs.contains(part), "{part:?} in {}", ended.logs);
    }
}
