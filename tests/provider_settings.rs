//! How a provider is asked, by its table: through which proxy, at which address, by which client authentication, with what besides.

use serde_json::json;
use vestibule_provider_emulator::{AuthMethod, Issuer};
use vestibule_test_support::{TestDatabase, refusing_forward_proxy};

use crate::world::{APP, TRUSTED, World};

/// The value of a parameter of the address that the browser is sent to.
fn parameter(answer: &vestibule_test_support::Answer, name: &str) -> Option<String> {
    let location = answer.location();
    location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_registered_for_the_form_says_so_and_signs_in() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    world.control().require_auth_method(Issuer::Corporate, Some(AuthMethod::Post));
    assert_eq!(world.fail_to_sign_in("corporate", "ada").await, "temporarily_unavailable");
    let logs = world.program.logs();
    assert!(logs.contains("the client authenticated by client_secret_basic"), "{logs}");
    let client = world.emulator.corporate_client().clone();
    let more = format!("{TRUSTED}\ntoken_endpoint_auth_method = \"client_secret_post\"");
    let table = crate::world::provider_table("corporate", &world.emulator.corporate_issuer(), &client, &more);
    world.replace_corporate(&table).await;
    world.sign_in("corporate", "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tables_add_goes_to_the_provider_and_counts_before_the_frontends_wish() {
    let world = World::builder(TestDatabase::sqlite())
        .corporate(
            "authorization_parameters = { prompt = \"login\", domain_hint = \"corp.example\", max_age = 60 }",
        )
        .config("[providers.google]\nauthorization_parameters = { hd = \"corp.example\" }")
        .config("[providers.github]\nauthorization_parameters = { allow_signup = false }")
        .start()
        .await;
    let ask = async |provider: &str| {
        let address = format!("/auth/login/{provider}?prompt=select_account&next={APP}");
        world.browser().get(&address).await
    };
    let corporate = ask("corporate").await;
    assert_eq!(parameter(&corporate, "prompt").as_deref(), Some("login"));
    assert_eq!(parameter(&corporate, "domain_hint").as_deref(), Some("corp.example"));
    assert_eq!(parameter(&corporate, "max_age").as_deref(), Some("60"));
    let google = ask("google").await;
    assert_eq!(parameter(&google, "prompt").as_deref(), Some("select_account"));
    assert_eq!(parameter(&google, "hd").as_deref(), Some("corp.example"));
    let github = ask("github").await;
    assert_eq!(parameter(&github, "allow_signup").as_deref(), Some("false"));
    world.sign_in("google", "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_is_named_by_the_address_of_its_discovery_document_too() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let client = world.emulator.corporate_client().clone();
    let pasted = format!("{}/.well-known/openid-configuration", world.emulator.corporate_issuer());
    world.replace_corporate(&crate::world::provider_table("corporate", &pasted, &client, TRUSTED)).await;
    world.sign_in("corporate", "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_with_another_final_slash_is_told_from_an_outage() {
    let world = World::on(TestDatabase::sqlite()).await;
    let stated = json!({ "issuer": format!("{}/", world.emulator.corporate_issuer()) });
    world.control().override_discovery(Issuer::Corporate, stated.as_object().unwrap().clone());
    let answer = world.start_sign_in(&world.browser(), "corporate", APP).await;
    assert_eq!(parameter(&answer, "error").as_deref(), Some("temporarily_unavailable"));
    let logs = world.program.logs();
    assert!(logs.contains("corporate cannot be used with these settings, at the step discovery"), "{logs}");
    assert!(logs.contains("with a final slash; write issuer in the settings so, too"), "{logs}");
}

/// As the document has it: a name that exists only inside, in plain http, by the issuer's address alone. People still sign in elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_reached_inside_in_the_clear_is_taken_and_told_of() {
    let table = "issuer = \"https://login.corp.example/realms/corp\"\ndiscovery_url = \"http://keycloak.internal:8080/realms/corp\"\n\
                 client_id = \"a\"\nclient_secret = \"b\"";
    let world =
        World::builder(TestDatabase::sqlite()).config(&format!("[providers.inside]\n{table}")).start().await;
    let logs = world.program.logs();
    let caution =
        "the client secret of inside travels in the clear to http://keycloak.internal:8080/realms/corp";
    assert!(logs.contains(caution), "{logs}");
    let answer = world.start_sign_in(&world.browser(), "inside", APP).await;
    assert_eq!(parameter(&answer, "error").as_deref(), Some("temporarily_unavailable"));
    let logs = world.program.logs();
    assert!(
        logs.contains("inside is unavailable at the step discovery"),
        "it was asked, and is not there: {logs}"
    );
    world.sign_in("google", "ada").await;
}

const FAR: &str = "[providers.far]\nissuer = \"https://id.far.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\n\
                   [providers.near]\nissuer = \"https://id.near.example\"\nclient_id = \"a\"\nclient_secret = \"b\"";

#[tokio::test(flavor = "multi_thread")]
async fn providers_elsewhere_are_asked_through_the_forward_proxy_of_the_settings_or_of_the_environment() {
    for by_environment in [false, true] {
        let (address, mut heads) = refusing_forward_proxy().await;
        let proxy = format!("http://user:k4n4ry@{address}");
        let world = World::builder(TestDatabase::sqlite()).config(FAR);
        let world = if by_environment {
            let world = world.setting("OUTBOUND_PROXY", "environment").setting("HTTPS_PROXY", &proxy);
            world.setting("NO_PROXY", "near.example")
        } else {
            world.setting("OUTBOUND_PROXY", &proxy).setting("OUTBOUND_NO_PROXY", "near.example")
        };
        let world = world.start().await;
        let answer = world.start_sign_in(&world.browser(), "far", APP).await;
        assert_eq!(parameter(&answer, "error").as_deref(), Some("temporarily_unavailable"));
        let head = heads.recv().await.unwrap().to_lowercase();
        assert!(head.starts_with("connect id.far.example:443 http/1.1\r\n"), "{head}");
        // user:k4n4ry, as RFC 7617 writes it, without regard to case.
        assert!(head.contains("proxy-authorization: basic dxnlcjprng40cnk="), "{head}");
        world.start_sign_in(&world.browser(), "near", APP).await;
        assert!(heads.try_recv().is_err(), "what is excepted is asked directly");
        world.sign_in("google", "ada").await;
        assert!(heads.try_recv().is_err(), "loopback is asked directly");
        let logs = world.program.logs();
        assert!(!logs.contains("k4n4ry"), "{logs}");
        assert!(logs.contains(&format!("providers are asked through http://{address}")), "{logs}");
    }
}
