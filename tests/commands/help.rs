//! What the program says about itself, and the statuses that it ends with.

use vestibule_test_support::Program;

use super::command;
use crate::documents::markdown::{Document, code_spans};
use crate::documents::settings;

/// Every command with what its help must name.
const COMMANDS: [(&[&str], &[&str]); 46] = [
    (
        &[],
        &[
            "serve",
            "keys",
            "migrate",
            "backup",
            "config",
            "openapi",
            "plugin",
            "users",
            "providers",
            "roles",
            "permissions",
            "audit",
            "doctor",
            "healthcheck",
            "--config",
            "--dev",
            "--version",
        ],
    ),
    (&["serve"], &["--listen", "--config", "--dev", "127.0.0.1:8000", "vestibule.toml"]),
    (&["keys"], &["generate", "rotate", "list"]),
    (&["keys", "generate"], &["empty folder"]),
    (&["keys", "rotate"], &["--activate-in"]),
    (&["keys", "list"], &["List the keys"]),
    (&["migrate"], &["schema"]),
    (&["backup"], &["<FILE>", "SQLite", "while the service runs"]),
    (&["config"], &["check"]),
    (&["config", "check"], &["without starting"]),
    (&["openapi"], &["OpenAPI"]),
    (&["plugin"], &["inspect", "check", "header", "new", "reload"]),
    (&["plugin", "reload"], &["requests go on"]),
    (&["plugin", "inspect"], &["<FILE>"]),
    (&["plugin", "check"], &["<FILE>", "--json", "TOML or JSON"]),
    (&["plugin", "new"], &["<NAME>", "--dir <DIR>", "default: here"]),
    (&["users"], &["list", "show", "sign-out", "disable", "enable", "delete"]),
    (&["users", "list"], &["List all users"]),
    (&["users", "show"], &["USER", "id or username, or verified address", "--id", "--username"]),
    (&["users", "sign-out"], &["USER", "--id", "--username", "--all", "End all sessions"]),
    (&["users", "disable"], &["USER", "--id", "--username", "End a person's sessions"]),
    (&["users", "delete"], &["USER", "--id", "--username", "identities, sessions"]),
    (&["users", "unlink"], &["USER", "--id", "--username", "<PROVIDER:SUBJECT>", "github:42"]),
    (&["providers"], &["forget"]),
    (&["providers", "forget"], &["<NAME>", "--dry-run", "not configured any more"]),
    (&["roles"], &["grant", "revoke", "list"]),
    (
        &["roles", "grant"],
        &[
            "--role",
            "--user",
            "--id",
            "--username",
            "--email",
            "--domain",
            "--organization",
            "--provider",
            "--service",
        ],
    ),
    (
        &["roles", "revoke"],
        &[
            "--role",
            "--user",
            "--id",
            "--username",
            "--email",
            "--domain",
            "--organization",
            "--provider",
            "--service",
        ],
    ),
    (&["roles", "list"], &["--user", "--id", "--username"]),
    (&["grants"], &["list", "revoke"]),
    (&["grants", "list"], &["--user", "--id", "--username", "--json"]),
    (&["grants", "revoke"], &["[ID]...", "--all", "--user", "--json", "all tokens of it"]),
    (&["tokens"], &["list", "revoke"]),
    (&["tokens", "list"], &["--user", "--id", "--username", "--json"]),
    (&["tokens", "revoke"], &["[ID]...", "--all", "--stdin", "--user", "--json"]),
    (&["role-accounts"], &["create", "list", "disable", "enable", "token"]),
    (&["role-accounts", "create"], &["<USERNAME>", "--name", "--description", "--owner", "--json"]),
    (&["role-accounts", "token"], &["create", "list", "update", "rotate", "revoke"]),
    (
        &["role-accounts", "token", "create"],
        &["--name", "--service", "--scope", "--expires-in", "never", "--json"],
    ),
    (&["role-accounts", "token", "rotate"], &["<ID>", "--overlap", "--expires-in", "--json"]),
    (&["permissions"], &["explain"]),
    (&["permissions", "explain"], &["--user", "--id", "--username", "--service"]),
    (&["audit"], &["list"]),
    (&["audit", "list"], &["--user", "--id", "--username", "--event", "--since", "--json"]),
    (&["doctor"], &["--json", "--listen", "Changes nothing"]),
    (&["healthcheck"], &["alive"]),
];

#[tokio::test]
async fn every_command_explains_itself() {
    let program = Program::builder();
    for (words, parts) in COMMANDS {
        let outcome = command(&program, &[words, &["--help"]].concat()).await;
        assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{words:?}");
        for part in parts.iter().chain(&["Usage: vestibule", "--config <FILE>"]) {
            assert!(outcome.out.contains(part), "{words:?}: {part:?} in {}", outcome.out);
        }
        let listed = outcome.out.lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in listed.take_while(|line| !line.is_empty()) {
            assert!(line.split_whitespace().count() > 2, "{words:?}: {line:?} says nothing");
        }
    }
}

/// Each setting, its default and what it is, in the words of the document.
#[tokio::test]
async fn the_help_of_serve_lists_every_setting_with_its_default() {
    let outcome = command(&Program::builder(), &["serve", "--help"]).await;
    let lines: Vec<_> = outcome.out.lines().collect();
    for row in Document::read("docs/settings.md").rows() {
        let Some(name) = code_spans(&row[0]).into_iter().find(|name| settings().contains(name)) else {
            continue;
        };
        let default = row[2].replace('`', "");
        let listed = lines.iter().position(|line| *line == format!("  {name} [{default}]"));
        let sentence = lines[listed.unwrap_or_else(|| panic!("{name} [{default}]")) + 1].trim();
        assert!(row[1].trim_start_matches("*secret*. ").starts_with(sentence), "{name}: {sentence}");
    }
    assert!(
        lines.contains(&"          The address of the listener [default: 127.0.0.1:8000]"),
        "{}",
        outcome.out
    );
}

#[tokio::test]
async fn wrong_usage_ends_with_status_two_and_says_what_would_be_right() {
    let program = Program::builder();
    for (arguments, part) in [
        (&[][..], "Usage: vestibule"),
        (&["sreve"], "serve"),
        (&["serve", "--lisen", "127.0.0.1:1"], "--listen"),
        (&["serve", "--listen", "everywhere"], "--listen"),
        (&["serve", "--listen"], "--listen"),
        (&["serve", "now"], "unexpected argument"),
        (&["doctor", "--listen", "everywhere"], "--listen"),
        (&["doctor", "now"], "unexpected argument"),
        (&["keys"], "generate"),
        (&["config"], "check"),
        (&["plugin", "inspect"], "<FILE>"),
        (&["plugin", "check"], "<FILE>"),
        (&["plugin", "check", "libx.so", "--config", "x.yaml"], ".toml or .json"),
        (&["plugin", "new"], "<NAME>"),
        (&["users", "show"], "USER|--id <ID>|--username <NAME>"),
        (&["backup"], "<FILE>"),
        (&["users", "sign-out"], "--all"),
        (&["users", "sign-out", "ada", "--all"], "cannot be used with"),
        (&["users", "rename", "ada"], "unrecognized subcommand"),
        (&["--config"], "--config"),
    ] {
        let outcome = command(&program, arguments).await;
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {}", outcome.error);
        assert_eq!(outcome.out, "", "{arguments:?}");
        assert!(outcome.error.contains(part), "{arguments:?}: {part:?} in {}", outcome.error);
    }
}

#[tokio::test]
async fn the_version_is_told() {
    let outcome = command(&Program::builder(), &["--version"]).await;
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(0), "vestibule 0.1.0\n"));
}

#[tokio::test]
async fn the_document_of_the_interface_is_printed_without_any_setting() {
    let program = super::ready_to_start().await;
    let bare = Program::builder().without("EXTERNAL_ADDRESS").without("DATABASE_URL");
    let outcome = command(&bare, &["openapi"]).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""));
    assert!(outcome.out.starts_with("openapi: 3."), "{}", &outcome.out[..100]);
    for path in ["/auth/check", "/auth/authorize", "/auth/logout", "/.well-known/jwks.json"] {
        assert!(outcome.out.contains(&format!("  {path}:\n")), "{path}");
    }
    let served = program.start().await.client().get("/openapi.yaml").await.body;
    assert_eq!(outcome.out.trim_end(), served.trim_end());
}
