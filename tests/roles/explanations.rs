//! Why somebody may do something: `vestibule permissions explain`.

use std::fs;

use vestibule_test_support::TestDatabase;

use super::{RulesFile, command, id_of, permissions, told, with_rules};
use crate::world::on_both_databases;

const RULES: &str = r#"
default_roles = ["Reader"]

[[rules]]
name = "everybody of the company"
domain = "example.com"
roles = ["Moderator"]

[[rules]]
name = "nobody"
user = "x"
roles = ["Administrator"]
"#;

fn explain<'a>(user: &'a str, service: &'a str) -> [&'a str; 6] {
    ["permissions", "explain", "--user", user, "--service", service]
}

on_both_databases! {
    async fn it_is_said_which_rule_gave_what(database) {
        let file = RulesFile::new(RULES);
        let world = with_rules(database, &file.path()).start().await;
        let ada = world.sign_in("google", "ada").await;
        let id = id_of(&world, &ada).await;
        told(&world, &["roles", "grant", "--role", "Writer", "--user", &id, "--service", "storage"]).await;
        told(&world, &["roles", "grant", "--role", "Odd", "--user", &id]).await;
        world.post_as(&ada, "/auth/update", &[("username", "ada")]).await;
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "user         {id} (ada, Ada Moreau)\n\
             service      storage, answered by roles {version}\n\
             permissions  {{\"read\":true,\"write\":true}}\n\
             because      default_roles: Everybody who is signed in has it.\n\
             \x20            gave {{\"Reader\":[\"read\"]}}\n\
             because      everybody of the company: The verified address ada.moreau@example.com is of the domain example.com.\n\
             \x20            gave {{\"Moderator\":[\"read\",\"write\"]}}\n\
             because      database: Odd at every service is assigned to user {id}. No such role is defined.\n\
             \x20            gave {{}}\n\
             because      database: Writer at storage is assigned to user {id}.\n\
             \x20            gave {{\"Writer\":[\"write\"]}}\n"
        );
        assert_eq!(told(&world, &explain(&id, "storage")).await, expected);
        assert_eq!(told(&world, &explain("ADA", "storage")).await, expected);
        let answered = permissions(&world, &ada, "storage").await;
        assert!(expected.contains(&format!("permissions  {answered}\n")), "as in the token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_nothing_is_told_so_and_a_disabled_user_is_named() {
    let file = RulesFile::new("database = true\n");
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let id = id_of(&world, &world.sign_in("google", "ada").await).await;
    let said = told(&world, &explain(&id, "storage")).await;
    assert!(said.ends_with("permissions  {}\nbecause      no rule applies\n"), "{said}");
    told(&world, &["users", "disable", &id]).await;
    let said = told(&world, &explain(&id, "storage")).await;
    assert!(said.contains("note         the user is disabled and gets no token\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_does_not_explain_still_says_its_permissions() {
    let file = RulesFile::new("database = true\n");
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let id = id_of(&world, &world.sign_in("google", "ada").await).await;
    let (status, out, error) = command(&world, &explain(&id, "plain")).await;
    assert_eq!(status, Some(1));
    assert!(out.ends_with(&format!("permissions  {{\"provider-token\":\"plain-{id}\"}}\n")), "{out}");
    assert_eq!(error, "vestibule: the plugin answers permissions and does not explain them\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_plugin_of_the_service_has_to_be_in_order() {
    let file = RulesFile::new("database = true\n");
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let id = id_of(&world, &world.sign_in("google", "ada").await).await;
    fs::remove_file(file.path()).unwrap();
    let (status, out, error) = command(&world, &explain(&id, "storage")).await;
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(error.contains("roles.toml: cannot be read: "), "{error}");
    assert_eq!(
        command(&world, &explain(&id, "plain")).await.2,
        "vestibule: the plugin answers permissions and does not explain them\n"
    );
    let (status, _, error) = command(&world, &explain(&id, "unknown")).await;
    assert_eq!(
        (status, error.as_str()),
        (Some(1), "vestibule: ALLOWED_SERVICES has no service \"unknown\"\n")
    );
    let (status, _, error) = command(&world, &explain("nobody", "plain")).await;
    assert_eq!((status, error.as_str()), (Some(1), "vestibule: no user has the id or username \"nobody\"\n"));
}
