//! Several mistakes at once: all are named, and nothing that follows from one.

use super::super::with_github;
use super::{mistakes, refused};

#[tokio::test]
async fn l16_every_mistake_is_reported_and_not_only_the_first() {
    let program = with_github()
        .without("EXTERNAL_ADDRESS")
        .setting("LISTEN", "everywhere")
        .setting("USER_TOKEN_TTL", "soon")
        .setting("LOG_FORMAT", "xml")
        .setting("ALLOWED_ORIGINS", "*")
        .setting("GITHUB_URL", "http://github.example");
    let text = refused(program).await;
    let names: Vec<_> =
        mistakes(&text).iter().map(|line| line.split([':', ' ']).next().unwrap().to_owned()).collect();
    let expected =
        ["LISTEN", "EXTERNAL_ADDRESS", "ALLOWED_ORIGINS", "USER_TOKEN_TTL", "GITHUB_URL", "LOG_FORMAT"];
    assert_eq!(names, expected, "{text}");
}

/// What is found late, in a library or a key, is reported with what is found early, in a text.
#[tokio::test]
async fn l16_every_mistake_of_a_list_a_table_and_a_later_stage_is_reported_and_nothing_that_follows_from_one()
{
    let program = with_github()
        .setting("ALLOWED_ORIGINS", "https://a.example;http://b.example;https://*.c.example;d.example")
        .setting("ALLOWED_SERVICES", "storage:sample-permissions;one:absent;../x:../y")
        .setting("INSTALLED_EXTENSIONS", "two:missing")
        .setting("TRUSTED_PROXIES", "10.0.0.0/8,proxy.local,10.0.0.0/40")
        .setting("PRIVATE_KEY", "nonsense")
        .config(
            "[plugin.storage]\ntimout = \"3s\"\nisolation = \"none\"\nqueue = 0\n\
             [plugin.on]\nmax_tll = \"1m\"\n\
             [providers.corp]\nisuer = \"https://id.example\"\nlabel = 7\nclient_secret = \"a\\nb\"\n",
        );
    let text = refused(program).await;
    let (found, plugins): (Vec<_>, Vec<_>) =
        mistakes(&text).into_iter().partition(|line| !line.contains("PLUGIN_PATH names the folders"));
    let expected = [
        "ALLOWED_ORIGINS: http://b.example: http is allowed on loopback only; use https; write https://b.example",
        "ALLOWED_ORIGINS: https://*.c.example: an origin has no wildcard",
        "ALLOWED_ORIGINS: d.example: not an origin",
        "[providers.corp]: unknown key \"isuer\"; did you mean issuer?",
        "[providers.corp]: label: expected a text",
        "[providers.corp]: client_id is not set",
        "[providers.corp]: client_secret: has a line break inside, as character 2",
        "[plugin.on]: unknown key \"max_tll\"; did you mean max_ttl?",
        "[plugin.storage]: unknown key \"timout\"; did you mean timeout?",
        "[plugin.storage]: isolation: there is no such isolation",
        "[plugin.storage]: queue: expected a number from 1 to 1024",
        "ALLOWED_SERVICES: ../x:../y: \"../x\": the name of a service",
        "ALLOWED_SERVICES: ../x:../y: a plugin's name",
        "[plugin.on]: neither ALLOWED_SERVICES nor INSTALLED_EXTENSIONS nor TOKEN_HANDLERS has this alias",
        "TRUSTED_PROXIES: \"proxy.local\" is neither",
        "TRUSTED_PROXIES: \"10.0.0.0/40\" is neither",
        "PRIVATE_KEY: private key: this is not a PEM text",
    ];
    assert_eq!(found.len(), expected.len(), "{text}");
    for (line, start) in found.iter().zip(expected) {
        assert!(line.starts_with(start), "{start}: {text}");
    }
    assert_eq!(plugins, [""; 0], "a plan with a mistake is not tried");
}

#[tokio::test]
async fn l16_every_plugin_that_is_missing_is_named_beside_the_mistakes_of_other_parts() {
    let program = with_github()
        .setting("ALLOWED_SERVICES", "one:absent;two:sample-extension")
        .setting("INSTALLED_EXTENSIONS", "three:missing")
        .setting("LOG_FORMAT", "xml")
        .setting("KEYS_DIR", "/absent");
    let text = refused(program).await;
    for (line, start) in mistakes(&text).into_iter().zip([
        "LOG_FORMAT: expected text or json",
        "ALLOWED_SERVICES: plugin \"one\": no libabsent.so in ",
        "ALLOWED_SERVICES: plugin \"two\": ",
        "INSTALLED_EXTENSIONS: plugin \"three\": no libmissing.so in ",
        "KEYS_DIR: there is no key in /absent",
    ]) {
        assert!(line.starts_with(start), "{start}: {text}");
    }
    assert_eq!(mistakes(&text).len(), 5, "{text}");
}

#[tokio::test]
async fn a_table_whose_alias_is_misspelt_is_told_the_nearest() {
    let program = with_github().setting("ALLOWED_SERVICES", "storage:sample-permissions");
    let text = refused(program.config("[plugin.storge]\ntimeout = \"1s\"\n")).await;
    let expected = "[plugin.storge]: neither ALLOWED_SERVICES nor INSTALLED_EXTENSIONS nor TOKEN_HANDLERS has this alias; did you mean \
                    [plugin.storage]?";
    assert_eq!(mistakes(&text), [expected]);
}
