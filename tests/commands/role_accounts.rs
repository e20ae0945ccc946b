//! `vestibule role-accounts` and `vestibule tokens`.

use serde_json::Value;

use super::Outcome;
use crate::world::{World, on_both_databases};

pub(super) async fn outcome_of(world: &World, arguments: &[&str]) -> Outcome {
    world.program.run(arguments).await.into()
}

/// The output of a command that succeeds.
pub(super) async fn told(world: &World, arguments: &[&str]) -> String {
    let outcome = outcome_of(world, arguments).await;
    assert_eq!(outcome.status, Some(0), "{arguments:?}: {}", outcome.error);
    outcome.out
}

/// What a command prints as JSON, an object a line.
pub(super) async fn objects(world: &World, arguments: &[&str]) -> Vec<Value> {
    let out = told(world, &[arguments, &["--json"]].concat()).await;
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn object(world: &World, arguments: &[&str]) -> Value {
    let [object] = objects(world, arguments).await.try_into().expect("one object");
    object
}

/// What a command that fails says.
pub(super) async fn refused(world: &World, arguments: &[&str]) -> String {
    let outcome = outcome_of(world, arguments).await;
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{arguments:?}");
    outcome.error
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

on_both_databases! {
    async fn a_role_account_is_made_listed_disabled_and_enabled(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
        let ada = text(&world.profile(&token).await["id"]).to_owned();
        let made = object(&world, &[
            "role-accounts", "create", "Backup", "--name", "Nightly", "--description", "copies", "--owner", "ada",
        ]).await;
        assert_eq!(
            (text(&made["username"]), text(&made["name"]), text(&made["description"]), text(&made["owner"])),
            ("backup", "Nightly", "copies", ada.as_str())
        );
        assert_eq!((text(&made["created_by"]), &made["disabled_at"]), ("operator", &Value::Null));
        assert_eq!(object(&world, &["role-accounts", "list"]).await, made);
        assert!(object(&world, &["role-accounts", "disable", "backup"]).await["disabled_at"].is_string());
        assert_eq!(object(&world, &["role-accounts", "enable", "backup"]).await, made);
        let list = told(&world, &["role-accounts", "list"]).await;
        assert!(list.starts_with(text(&made["id"])) && list.contains(&format!("  backup  owner={ada}  ")), "{list}");
        assert!(told(&world, &["users", "list"]).await.contains("  role account"));
        assert!(told(&world, &["users", "disable", "backup"]).await.ends_with("its tokens wait until it is enabled\n"));
        let events = objects(&world, &["audit", "list", "--user", "backup"]).await;
        let names: Vec<_> = events.iter().map(|event| text(&event["event"])).collect();
        assert_eq!(
            names,
            ["role_account.created", "role_account.disabled", "role_account.enabled", "role_account.disabled"]
        );
    }

    async fn h12_a_name_that_is_taken_or_reserved_makes_no_role_account(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
        assert_eq!(refused(&world, &["role-accounts", "create", "ADA"]).await, "vestibule: another user is called ada\n");
        assert_eq!(outcome_of(&world, &["role-accounts", "create", "admin"]).await.status, Some(2));
        let error = refused(&world, &["role-accounts", "token", "list", "ada"]).await;
        assert!(error.ends_with("is a person, no role account\n"), "{error}");
        told(&world, &["role-accounts", "create", "backup"]).await;
        let other = world.sign_in("google", "no-name").await;
        let taken = world.post_as(&other, "/auth/update", &[("username", "backup")]).await;
        assert!(taken.body.contains("\"success\":false"), "{}", taken.body);
        let error = refused(&world, &["role-accounts", "create", "deploy", "--owner", "backup"]).await;
        assert!(error.contains("the owner of a role account is a person who is not disabled"), "{error}");
    }

    async fn a_token_of_a_role_account_is_printed_once_alone(database) {
        let world = World::on(database).await;
        told(&world, &["role-accounts", "create", "backup"]).await;
        let create = &["role-accounts", "token", "create", "backup", "--name", "nightly", "--service", "*", "--scope", "read"];
        let made = outcome_of(&world, create).await;
        assert_eq!(made.status, Some(0), "{}", made.error);
        let secret = made.out.trim_end();
        assert!(secret.starts_with("vstr_") && secret.len() == 43, "{secret}");
        assert!(made.error.contains("nightly") && !made.error.contains(secret));
        let listed = object(&world, &["role-accounts", "token", "list", "backup"]).await;
        assert_eq!((text(&listed["kind"]), text(&listed["hint"])), ("role", secret.get(39..).unwrap()));
        assert_eq!((&listed["services"][0], &listed["scopes"][0]), (&Value::from("*"), &Value::from("read")));
        assert!(listed["expires_at"].is_string() && listed["last_used_at"].is_null());
        assert!(listed.get("token").is_none());
        let id = text(&listed["id"]).to_owned();

        let narrowed = object(&world, &["role-accounts", "token", "update", &id, "--expires-in", "1d"]).await;
        assert!(text(&narrowed["expires_at"]) < text(&listed["expires_at"]));
        let error = refused(&world, &["role-accounts", "token", "update", &id, "--scope", "write"]).await;
        assert_eq!(error, "vestibule: the scopes may only become fewer\n");
        let error = refused(&world, &["role-accounts", "token", "update", &id, "--expires-in", "30d"]).await;
        assert_eq!(error, "vestibule: the end may only come earlier\n");

        let next = object(&world, &["role-accounts", "token", "rotate", &id, "--overlap", "1h", "--expires-in", "never"]).await;
        assert!(text(&next["token"]).starts_with("vstr_") && next["expires_at"].is_null());
        let error = refused(&world, &["role-accounts", "token", "rotate", &id]).await;
        assert!(error.contains("was replaced already"), "{error}");
        let error = refused(&world, &["role-accounts", "token", "rotate", text(&next["id"]), "--overlap", "8d"]).await;
        assert_eq!(error, "vestibule: both tokens may count together for 7days at most\n");
        told(&world, &["role-accounts", "token", "revoke", text(&next["id"])]).await;
        let left = objects(&world, &["role-accounts", "token", "list", "backup"]).await;
        assert_eq!(left.len(), 1, "the one before it has its hour");
        let error = refused(&world, &["role-accounts", "token", "revoke", text(&next["id"])]).await;
        assert!(error.contains("no living token has the id"), "{error}");
    }

    async fn h13_a_token_names_services_that_there_are(database) {
        let world = World::on(database).await;
        told(&world, &["role-accounts", "create", "backup"]).await;
        for unknown in ["nowhere", "vestibule"] {
            let create = ["role-accounts", "token", "create", "backup", "--name", "x", "--service", unknown];
            assert_eq!(refused(&world, &create).await, format!("vestibule: there is no service {unknown:?}\n"));
        }
    }

    async fn h20_a_token_that_judges_others_names_its_services(database) {
        let world = World::on(database).await;
        told(&world, &["role-accounts", "create", "judge"]).await;
        for word in ["introspect", "oauth1:verify"] {
            let create = ["role-accounts", "token", "create", "judge", "--name", "x", "--service", "*", "--scope", word];
            assert!(refused(&world, &create).await.contains("names its services"));
        }
    }

    async fn leaked_tokens_are_found_in_any_text_and_revoked(database) {
        let world = World::on(database).await;
        told(&world, &["role-accounts", "create", "backup"]).await;
        let mut secrets = Vec::new();
        for name in ["one", "other"] {
            let create = ["role-accounts", "token", "create", "backup", "--name", name];
            secrets.push(told(&world, &create).await.trim_end().to_owned());
        }
        let log = format!("GET /x?token%3D{}&{} HTTP/1.1\nvstr_broken", secrets[0], secrets[0]);
        let revoked = world.program.run_with_input(&["tokens", "revoke", "--stdin"], log.as_bytes()).await;
        let revoked = Outcome::from(revoked);
        assert_eq!(revoked.status, Some(0), "{}", revoked.error);
        assert!(revoked.out.ends_with("texts of the form of a secret: 1; living tokens among them: 1; grants by an access or refresh token: 0\n"), "{}", revoked.out);
        assert!(!revoked.out.contains(&secrets[0]));
        let left = objects(&world, &["tokens", "list", "--user", "backup"]).await;
        assert_eq!(left.iter().map(|token| text(&token["name"])).collect::<Vec<_>>(), ["other"]);
        assert_eq!(told(&world, &["tokens", "revoke", "--user", "backup", "--all"]).await.lines().count(), 1);
        assert!(objects(&world, &["tokens", "list", "--user", "backup"]).await.is_empty());
        for wrong in [&["--all"][..], &[], &["--user", "backup"], &["x", "--stdin"], &["x", "--all", "--user", "backup"]] {
            assert_eq!(outcome_of(&world, &[&["tokens", "revoke"], wrong].concat()).await.status, Some(2), "{wrong:?}");
        }
    }

    async fn no_secret_is_in_the_trail_or_the_database(database) {
        let world = World::on(database).await;
        told(&world, &["role-accounts", "create", "backup"]).await;
        let secret = told(&world, &["role-accounts", "token", "create", "backup", "--name", "x"]).await;
        let (secret, hint) = (secret.trim_end(), secret.trim_end().get(39..).unwrap());
        let events = told(&world, &["audit", "list", "--json"]).await;
        assert!(events.contains("token.created") && !events.contains(secret) && !events.contains(hint), "{events}");
    }
}
