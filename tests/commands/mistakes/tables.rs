//! Mistakes in the tables of `vestibule.toml`.

use super::super::with_github;
use super::{mistakes, refused};

#[tokio::test]
async fn l16_the_settings_of_a_provider_belong_together() {
    let google = |name: &str, value: &str| with_github().setting(name, value);
    for (program, reason) in [
        (google("GOOGLE_KEY", "id"), "GOOGLE_SECRET is not set: GOOGLE_KEY is"),
        (google("GOOGLE_SECRET", "s"), "GOOGLE_KEY is not set: GOOGLE_SECRET is"),
        (
            google("GOOGLE_KEY", "id")
                .setting("GOOGLE_SECRET", "s")
                .setting("GOOGLE_ISSUER", "http://accounts.example"),
            "GOOGLE_ISSUER: must be https; http is allowed on loopback only",
        ),
    ] {
        assert_eq!(mistakes(&refused(program).await), [reason]);
    }
    for (table, reason) in [
        (
            "issuer = \"http://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"",
            "[providers.corp] issuer: must be https",
        ),
        ("issuer = \"https://id.example\"\nclient_id = \"a\"", "[providers.corp]: client_secret is not set"),
        ("client_id = \"a\"\nclient_secret = \"b\"", "[providers.corp]: issuer is not set"),
        (
            "isuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"",
            "[providers.corp]: unknown key \"isuer\"; did you mean issuer?",
        ),
        ("issuer = 7\nclient_id = \"a\"\nclient_secret = \"b\"", "[providers.corp]: issuer: expected a text"),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nscopes = [\"email\"]",
            "[providers.corp]: scopes: expected a list",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nclaims = \"groups\"",
            "[providers.corp]: claims: expected a list of texts",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nclaims = [\"\"]",
            "[providers.corp] claims: provider corp: the name of a claim has",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\ntrust_email = \"yes\"",
            "[providers.corp]: trust_email: expected true or false",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\ntrusted_email_domains = [\"@corp\"]",
            "[providers.corp]: trusted_email_domains: \"@corp\": expected the part of an address",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\ntoken_endpoint_auth_method = \"private_key_jwt\"",
            "[providers.corp]: token_endpoint_auth_method: expected client_secret_basic, client_secret_post or",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\ntoken_endpoint_auth_method = \"none\"",
            "[providers.corp] client_secret: would never be sent, because token_endpoint_auth_method is none",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\ndiscovery_url = \"http://keycloak.example:8080\"",
            "[providers.corp] discovery_url: must be https; http is allowed on loopback, at an address of a private",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nauthorization_parameters = { state = \"x\" }",
            "[providers.corp] authorization_parameters: provider corp: \"state\" is not a parameter",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nauthorization_parameters = { prompt = [\"a\"] }",
            "[providers.corp]: authorization_parameters: prompt: expected a text",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nauthorization_parameters = \"prompt=login\"",
            "[providers.corp]: authorization_parameters: expected a table of texts",
        ),
        (
            "issuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\nadditional_audiences = [\"\"]",
            "[providers.corp] additional_audiences: it is empty",
        ),
    ] {
        let text = refused(with_github().config(&format!("[providers.corp]\n{table}\n"))).await;
        let [only] = mistakes(&text).try_into().unwrap_or_else(|all| panic!("{table}: {all:?}"));
        assert!(only.starts_with(reason), "{table}: {only}");
    }
}

#[tokio::test]
async fn l16_the_tables_of_google_and_github_have_the_keys_that_have_no_setting() {
    for (table, reason) in [
        (
            "issuer = \"https://id.example\"",
            "unknown key \"issuer\"; credentials are the settings GITHUB_KEY and so on",
        ),
        ("trusted_email_domains = [\"a.b\"]", "trusted_email_domains: all addresses of this provider count"),
        ("authorization_parameters = [\"x\"]", "authorization_parameters: expected a table of texts"),
    ] {
        let text = refused(with_github().config(&format!("[providers.github]\n{table}\n"))).await;
        let [only] = mistakes(&text).try_into().unwrap_or_else(|all| panic!("{table}: {all:?}"));
        assert!(only.starts_with(&format!("[providers.github]: {reason}")), "{table}: {only}");
    }
}

#[tokio::test]
async fn l16_the_settings_of_a_plugin_are_checked_one_by_one() {
    for (line, reason) in [
        ("isolation = \"none\"", "isolation: "),
        ("timeout = \"soon\"", "timeout: expected a duration such as 30s"),
        ("concurrency = 0", "concurrency: expected a number from 1 to 1024"),
        ("queue = \"long\"", "queue: expected a number from 1 to 1024"),
        ("may_deny = \"perhaps\"", "may_deny: expected on or off"),
        ("sha256 = \"abc\"", "sha256: expected 64 hexadecimal digits"),
        ("config = \"x\"", "config: expected a table"),
        ("may_name_users = \"some\"", "may_name_users: expected on or off"),
        ("may_name_users = true", "may_name_users: it is for what TOKEN_HANDLERS has"),
        ("max_tll = \"5m\"", "unknown key \"max_tll\"; did you mean max_ttl?"),
    ] {
        let program = with_github()
            .setting("ALLOWED_SERVICES", "storage:sample-permissions")
            .config(&format!("[plugin.storage]\n{line}\n"));
        let text = refused(program).await;
        let [only] = mistakes(&text).try_into().unwrap_or_else(|all| panic!("{line}: {all:?}"));
        assert!(only.starts_with(&format!("[plugin.storage]: {reason}")), "{line}: {only}");
    }
    let text = refused(with_github().config("[plugin.storage]\ntimeout = \"1s\"\n")).await;
    assert_eq!(
        mistakes(&text),
        [
            "[plugin.storage]: neither ALLOWED_SERVICES nor INSTALLED_EXTENSIONS nor TOKEN_HANDLERS has this alias"
        ]
    );
}
