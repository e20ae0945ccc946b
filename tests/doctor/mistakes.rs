//! The mistakes that people make, each with the line that they get.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use vestibule_provider_emulator::{
    AuthMethod, Clock, Emulator, EmulatorOptions, Endpoint, Fault, Issuer, Lasting, Provider,
};
use vestibule_test_support::{Program, free_port};

use super::{Examined, Ward};
use crate::world::{emulator_options, point_at, registered_at};

/// Sets the stage for one mistake, and says what the line about it has to be.
async fn expect(ward: Ward, line: &str) {
    let examined = ward.examine().await;
    let failures = examined.lines("failure");
    let warnings = examined.lines("warning");
    assert!(failures.contains(&line) || warnings.contains(&line), "{line:?} in {failures:#?} {warnings:#?}");
    let is_failure = line.starts_with("failure");
    assert_eq!(examined.status, Some(i32::from(is_failure)), "{line}");
    // One mistake is one line, but for the user that tests run as, and for the service that does not run.
    let others = |line: &&str| !line.starts_with("warning  user") && !line.starts_with("warning  address");
    let all: Vec<_> = failures.iter().chain(&warnings).copied().filter(others).collect();
    assert_eq!(all, [line]);
}

fn replace(ward: Ward, old: &str, new: &str) -> Ward {
    ward.with(|program| {
        let file = program.directory().join("vestibule.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{old} in {text}");
        program.config(&text.replace(old, new))
    })
}

/// The corporate issuer answers this, in the place of what it would say.
fn answer(ward: Ward, endpoint: Endpoint, answer: &Value) -> Ward {
    let control = ward.emulator.control();
    control.inject(Provider::Corporate, endpoint, Fault::json(answer), Lasting::UntilCleared);
    ward
}

#[tokio::test]
async fn a_client_secret_that_the_issuer_does_not_know() {
    let ward = replace(Ward::new().await, "corp-secret", "another");
    let line = "failure  client corporate: the provider does not know the client (invalid_client, by client_secret_basic); \
                check [providers.corporate] client_id and [providers.corporate] client_secret";
    expect(ward, line).await;
}

#[tokio::test]
async fn a_client_secret_that_github_does_not_know() {
    let line = "failure  client github: the provider does not know the client (incorrect_client_credentials, by \
                client_secret_post); check GITHUB_KEY and GITHUB_SECRET";
    expect(Ward::new().await.setting("GITHUB_SECRET", "another"), line).await;
}

#[tokio::test]
async fn a_client_id_that_github_does_not_know() {
    let line = "failure  client github: the provider does not know the client (Not Found, by client_secret_post); check GITHUB_KEY \
                and GITHUB_SECRET";
    expect(Ward::new().await.setting("GITHUB_KEY", "another"), line).await;
}

#[tokio::test]
async fn a_client_that_is_registered_for_another_method() {
    let ward = Ward::new().await;
    ward.emulator.control().require_auth_method(Issuer::Corporate, Some(AuthMethod::Post));
    let line = "failure  client corporate: the provider knows the client by client_secret_post, and not by client_secret_basic \
                (invalid_client); say token_endpoint_auth_method = \"client_secret_post\" in [providers.corporate]";
    expect(ward, line).await;
    let ward = replace(
        Ward::new().await,
        "[providers.corporate]",
        "[providers.corporate]\ntoken_endpoint_auth_method = \"client_secret_post\"",
    );
    ward.emulator.control().require_auth_method(Issuer::Corporate, Some(AuthMethod::Post));
    let known = "ok       client corporate: the provider knows the client (by client_secret_post)";
    assert!(ward.examine().await.lines.iter().any(|line| line == known));
}

#[tokio::test]
async fn an_issuer_that_differs_in_a_slash_a_tenant_or_a_name() {
    for (stated, message) in [
        (
            "/",
            "the issuer calls itself by this address with a final slash; write issuer in the settings so, too",
        ),
        (
            "/{tenantid}/v2.0",
            "the document is for all tenants and has a place holder in its issuer; set issuer to that of one tenant",
        ),
    ] {
        let ward = Ward::new().await;
        let stated = format!("{}{stated}", ward.emulator.corporate_issuer());
        let members = json!({ "issuer": stated }).as_object().unwrap().clone();
        ward.emulator.control().override_discovery(Issuer::Corporate, members);
        let line =
            format!("failure  issuer corporate: {message}; the setting is [providers.corporate] issuer");
        expect(ward, &line).await;
    }
}

#[tokio::test]
async fn an_issuer_without_an_algorithm_of_ours() {
    let ward = Ward::new().await;
    let listed = json!({ "id_token_signing_alg_values_supported": ["ES512", "HS256"] });
    ward.emulator.control().override_discovery(Issuer::Corporate, listed.as_object().unwrap().clone());
    let line = "failure  issuer corporate: the issuer signs ID tokens in no way that is taken here: it lists ES512; taken are RS256, \
                RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519; let it sign ID tokens in one of these ways";
    expect(ward, line).await;
}

#[tokio::test]
async fn an_issuer_that_takes_no_client_secret() {
    let ward = Ward::new().await;
    let listed = json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] });
    ward.emulator.control().override_discovery(Issuer::Corporate, listed.as_object().unwrap().clone());
    let line = "failure  issuer corporate: the issuer lists neither client_secret_basic nor client_secret_post; register another \
                client, or set token_endpoint_auth_method; the setting is [providers.corporate] token_endpoint_auth_method";
    expect(ward, line).await;
}

/// It is understood, so that nothing is wrong.
#[tokio::test]
async fn a_pasted_address_of_a_discovery_document() {
    let ward = Ward::new().await;
    let issuer = ward.emulator.corporate_issuer();
    let ward = replace(ward, &issuer, &format!("{issuer}/.well-known/openid-configuration"));
    let examined = ward.examine().await;
    let found = "ok       issuer corporate: its discovery document can be read, and is its own";
    assert!(examined.lines.iter().any(|line| line == found), "{:?}", examined.lines);
    assert_eq!((examined.status, examined.lines("failure")), (Some(0), Vec::new()));
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_registered() {
    let refusal = json!({ "error": "redirect_uri_mismatch", "error_description": "hunter2" });
    let ward = answer(Ward::new().await, Endpoint::Token, &refusal);
    let line = format!(
        "failure  redirect_uri corporate: {}/auth/callback/corporate is not registered; register it at the provider",
        ward.program.base_url()
    );
    expect(ward, &line).await;
}

#[tokio::test]
async fn an_answer_of_the_token_endpoint_that_says_nothing_of_the_client() {
    let ward = answer(Ward::new().await, Endpoint::Token, &json!({ "error": "odd" }));
    let line = "warning  client corporate: unclear (by client_secret_basic): the provider says no, with an error code that is \
                not known here; sign in once to see whether the client is known";
    expect(ward, line).await;
}

#[tokio::test]
async fn keys_of_which_none_can_check_a_signature() {
    let ward = answer(Ward::new().await, Endpoint::Jwks, &json!({ "keys": [] }));
    let line = "failure  issuer_keys corporate: no published key can check a signature of RS256; let the provider sign ID \
                tokens with one of the algorithms of docs/settings.md";
    expect(ward, line).await;
}

#[tokio::test]
async fn a_provider_whose_clock_is_ten_minutes_off() {
    for (seconds, apart) in [(600, "10m ahead of"), (-600, "10m behind")] {
        let program = Program::builder();
        let system = Clock::system();
        let clock = Clock::from_fn(move || system.now() + seconds);
        let options = EmulatorOptions { clock, ..emulator_options(registered_at(&program.base_url())) };
        let emulator = Emulator::start(options).await.unwrap();
        let program = point_at(program, &emulator, "", "").without("GOOGLE_KEY").without("GOOGLE_SECRET");
        program.share_signing_key().await;
        let database = vestibule_test_support::TestDatabase::sqlite();
        let program = program.setting("DATABASE_URL", database.url());
        let examined = Ward { program, emulator, database }.examine().await;
        let mending = "let both machines keep time, by chrony or systemd-timesyncd";
        let line = format!(
            "failure  provider_clock corporate: its clock is {apart} ours: ID tokens are refused beyond 1m; {mending}"
        );
        assert_eq!(examined.lines("failure"), [line]);
        let line = format!("warning  provider_clock github: its clock is {apart} ours; {mending}");
        assert_eq!(examined.lines("warning  provider_clock"), [line]);
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer() {
    let port = free_port();
    let ward = Ward::new().await.setting("GOOGLE_ISSUER", &format!("http://127.0.0.1:{port}"));
    let line = "failure  issuer google: no connection (name, network or certificate); see that this machine reaches it: name, \
                network, certificate";
    expect(ward, line).await;
}

#[tokio::test]
async fn an_api_address_that_is_not_the_one_of_github() {
    let ward = Ward::new().await;
    let wrong = ward.emulator.github_url();
    let line =
        "failure  api github: the answer has the status 404; GITHUB_API_URL must be the API of GITHUB_URL";
    expect(ward.setting("GITHUB_API_URL", &wrong), line).await;
}

#[tokio::test]
async fn a_key_file_that_others_may_read() {
    let ward = Ward::new().await;
    let mut files = fs::read_dir(ward.program.keys_dir()).unwrap();
    let file = files.next().unwrap().unwrap().path();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let line = format!(
        "failure  signing_key KEYS_DIR: {}: its mode is 0644, which lets others read or change it; use 0600 for a private \
         key, 0644 for a public one; `vestibule serve` does not start with it",
        file.display()
    );
    expect(ward, &line).await;
}

#[tokio::test]
async fn a_plugin_that_is_nowhere() {
    let ward =
        Ward::new().await.setting("ALLOWED_SERVICES", "storage:nowhere").setting("PLUGIN_PATH", "/usr/lib");
    // Behind the folder of the setting come those of the program, where the tests' program has its plugins.
    let examined = ward.examine().await;
    let [line] = examined.lines("failure").try_into().unwrap();
    let (folders, rest) = line
        .strip_prefix(
            "failure  plugin storage: ALLOWED_SERVICES: plugin \"storage\": no libnowhere.so in /usr/lib, ",
        )
        .and_then(|rest| rest.split_once("; "))
        .unwrap_or_else(|| panic!("{line}"));
    assert!(folders.split(", ").all(|folder| folder.starts_with('/')), "{folders}");
    let mending = "PLUGIN_PATH names the folders that are searched; `vestibule serve` does not start with it";
    assert_eq!((rest, examined.status), (mending, Some(1)));
}

#[tokio::test]
async fn a_plugin_that_hangs_when_it_is_asked() {
    let health = "it did not answer in time";
    for isolation in ["thread", "process"] {
        let ward = Ward::new().await.setting("ALLOWED_SERVICES", "storage:faulty-plugin");
        let table = format!("[plugin.storage]\ntimeout = \"200ms\"\nisolation = \"{isolation}\"\n");
        let config = "config = { fault = \"sleep-in-health\", seconds = 60 }\n";
        let ward = replace(ward, "[providers", &format!("{table}{config}[providers"));
        let line = format!(
            "failure  plugin storage: faulty-plugin 0.1.0 is loaded, and not able to work: {health}; see what it depends on; \
             until then /readyz says no, and what it decides is refused"
        );
        expect(ward, &line).await;
    }
}

#[tokio::test]
async fn open_files_that_are_too_few() {
    let ward = Ward::new().await.with(|program| program.descriptors(1024));
    let examined = ward.examine().await;
    let [line] = examined.lines("warning  open_files")[..] else { panic!("{:?}", examined.lines) };
    let start = "warning  open_files ulimit -n: the limit of 1024 leaves room for ";
    let end = " connections of clients, and MAX_CONNECTIONS is 4096; raise it (LimitNOFILE of systemd, ulimits of a container), or \
               lower MAX_CONNECTIONS";
    let room = line.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).expect(line);
    assert!((100..1024).contains(&room.parse::<u32>().unwrap()), "{line}");
    assert_eq!(examined.status, Some(0));
}

/// What the settings say wrong is a line, and everything else is still looked at.
#[tokio::test]
async fn a_mistake_in_the_settings() {
    let ward = Ward::new()
        .await
        .setting("PERMISSION_TOKEN_TTL", "soon")
        .with(|program| program.without("EXTERNAL_ADDRESS"));
    let examined = ward.examine().await;
    let failures = examined.lines("failure");
    let [address, life] = failures[..] else { panic!("{failures:?}") };
    assert_eq!(
        address,
        "failure  settings EXTERNAL_ADDRESS: not set: where the service is reachable from outside, such as \
         https://auth.example.com; `vestibule serve` does not start with it"
    );
    assert!(life.starts_with("failure  settings PERMISSION_TOKEN_TTL: "), "{life}");
    assert_eq!(examined.status, Some(1));
    expect_the_rest(&examined);
}

#[tokio::test]
async fn a_settings_file_with_a_key_that_is_not_known() {
    let ward =
        replace(Ward::new().await, "[providers.corporate]", "listen_on = \"x\"\n[providers.corporate]");
    let examined = ward.examine().await;
    assert_eq!(examined.status, Some(1));
    let [line] = &examined.lines("failure")[..] else { panic!("{:?}", examined.lines) };
    assert!(line.starts_with("failure  settings ") && line.contains("listen_on"), "{line}");
    expect_the_rest(&examined);
}

#[tokio::test]
async fn a_settings_file_that_others_may_read() {
    let ward = Ward::new().await;
    let file = ward.program.directory().join("vestibule.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let examined = ward.examine().await;
    let [line] = &examined.lines("failure")[..] else { panic!("{:?}", examined.lines) };
    assert!(line.starts_with("failure  settings ") && line.contains("others may read it"), "{line}");
    expect_the_rest(&examined);
}

/// The settings have a mistake, and everything else is looked at.
fn expect_the_rest(examined: &Examined) {
    assert!(examined.lines("ok       settings").is_empty());
    for line in [
        "ok       client corporate: the provider knows the client (by client_secret_basic)",
        "ok       client github: the provider knows the client (by client_secret_post)",
        "ok       plugin storage: sample-permissions 0.1.0 is loaded (isolation thread)",
    ] {
        assert!(examined.lines.iter().any(|found| found == line), "{line:?} in {:?}", examined.lines);
    }
}

/// Of a file that is no TOML nothing is known.
#[tokio::test]
async fn a_settings_file_that_is_no_toml() {
    let ward = replace(Ward::new().await, "[providers.corporate]", "[providers.corporate");
    let examined = ward.examine().await;
    assert_eq!(examined.status, Some(1));
    let [line] = &examined.lines[..] else { panic!("{:?}", examined.lines) };
    assert!(line.starts_with("failure  settings ") && line.contains("line "), "{line}");
}

/// Who must go through a proxy must not go around it.
#[tokio::test]
async fn a_proxy_to_the_providers_that_is_a_mistake() {
    let ward = Ward::new().await.setting("OUTBOUND_PROXY", "socks5://proxy:1080");
    let examined = ward.examine().await;
    let [line] = &examined.lines("failure")[..] else { panic!("{:?}", examined.lines) };
    assert!(line.starts_with("failure  settings OUTBOUND_PROXY: "), "{line}");
    let line = "warning  issuer providers: no provider is asked: through which proxy is not known; mend OUTBOUND_PROXY first; its \
                own line says what is wrong";
    assert_eq!(examined.lines("warning  issuer"), [line]);
    for (provider, endpoint) in [
        (Provider::Google, Endpoint::Discovery),
        (Provider::Corporate, Endpoint::Discovery),
        (Provider::Github, Endpoint::Token),
    ] {
        assert_eq!(ward.emulator.control().requests(provider, endpoint), 0, "{provider:?}");
    }
}
