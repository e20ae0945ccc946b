//! Roles that are assigned in the database: `vestibule roles`.

use serde_json::json;
use vestibule_provider_emulator::{Persona, organization_id};
use vestibule_test_support::{TestDatabase, eventually};

use super::{RulesFile, command, id_of, permissions, told, with_rules};
use crate::world::on_both_databases;

on_both_databases! {
    async fn an_assigned_role_counts_until_it_is_revoked(database) {
        let file = RulesFile::new("database = true\n");
        let world = with_rules(database, &file.path()).start().await;
        let ada = world.sign_in("github", "ada").await;
        let id = id_of(&world, &ada).await;
        assert_eq!(permissions(&world, &ada, "storage").await, json!({}));
        let acme = organization_id("acme");
        let lines = [
            (&["--role", "Reader", "--user", &id][..], format!("Reader  every service  user {id} (-, Ada Moreau)")),
            (&["--role", "Writer", "--email", "ADA.moreau@example.com", "--service", "storage"],
             "Writer  storage  email ada.moreau@example.com".to_owned()),
            (&["--role", "Administrator", "--organization", "Acme", "--service", "reports"],
             format!("Administrator  reports  organization {acme} (acme)")),
            (&["--role", "Moderator", "--domain", "Example.org"], "Moderator  every service  email domain example.org".to_owned()),
        ];
        for (arguments, line) in &lines {
            let grant = [&["roles", "grant"], *arguments].concat();
            assert_eq!(told(&world, &grant).await, format!("{line}: granted\n"));
            assert_eq!(told(&world, &grant).await, format!("{line}: was granted already\n"));
        }
        assert_eq!(permissions(&world, &ada, "storage").await, json!({"read": true, "write": true}));
        assert_eq!(permissions(&world, &ada, "reports").await, json!({"read": true, "write": true, "execute": true}));
        let other = world.sign_in("google", "linus").await;
        assert_eq!(permissions(&world, &other, "storage").await, json!({"read": true, "write": true}), "by the domain");

        let listed = told(&world, &["roles", "list"]).await;
        let mut expected: Vec<_> = lines.iter().map(|(_, line)| line.trim_end_matches(" (-, Ada Moreau)")).collect();
        expected.sort_unstable();
        assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
        let of_ada = told(&world, &["roles", "list", "--user", &id]).await;
        assert_eq!(of_ada.lines().collect::<Vec<_>>(), [expected[0], expected[2], expected[3]]);

        for (arguments, line) in &lines {
            let revoke = [&["roles", "revoke"], *arguments].concat();
            assert_eq!(told(&world, &revoke).await, format!("{line}: revoked\n"));
            let again = command(&world, &revoke).await;
            assert_eq!(again, (Some(1), String::new(), format!("vestibule: {line}: is not granted\n")));
        }
        assert_eq!(permissions(&world, &ada, "reports").await, json!({}));
        assert_eq!(told(&world, &["roles", "list"]).await, "");
    }

    async fn the_roles_of_a_user_go_with_the_user(database) {
        let file = RulesFile::new("database = true\n");
        let world = with_rules(database, &file.path()).start().await;
        let ada = world.sign_in("google", "ada").await;
        world.post_as(&ada, "/auth/update", &[("username", "ada")]).await;
        told(&world, &["roles", "grant", "--role", "Writer", "--user", "ada"]).await;
        assert_eq!(permissions(&world, &ada, "storage").await, json!({"write": true}));
        told(&world, &["users", "delete", "ada"]).await;
        assert_eq!(told(&world, &["roles", "list"]).await, "");
        let again = world.sign_in("google", "ada").await;
        assert_eq!(permissions(&world, &again, "storage").await, json!({}));
    }
}

on_both_databases! {
    /// GitHub gives the login of an organization that was renamed to whoever asks next.
    async fn c4_who_takes_up_the_login_of_an_organization_inherits_no_role(database) {
        let file = RulesFile::new("[[rules]]\nname = \"acme\"\norganization = \"acme\"\nroles = [\"Reader\"]\n");
        let world = with_rules(database, &file.path()).start().await;
        let grant = ["roles", "grant", "--role", "Writer", "--organization", "acme", "--service", "storage"];
        let (status, _, error) = command(&world, &grant).await;
        assert_eq!(status, Some(1));
        assert!(error.contains("no member of the organization acme has signed in yet"), "{error}");
        let ada = world.sign_in("github", "ada").await;
        told(&world, &grant).await;
        assert_eq!(permissions(&world, &ada, "storage").await, json!({"read": true, "write": true}));

        let mut persona = Persona::ordinary("mallory", "Mallory", 666);
        persona.github.join_renamed(666, "Acme");
        world.control().put_persona(persona);
        let mallory = world.sign_in("github", "mallory").await;
        assert_eq!(permissions(&world, &mallory, "storage").await, json!({}));
        let mut renamed = world.control().find_persona("ada").unwrap();
        renamed.github.join_renamed(organization_id("acme"), "acme-inc");
        world.control().put_persona(renamed);
        let ada = world.sign_in("github", "ada").await;
        assert_eq!(permissions(&world, &ada, "storage").await, json!({"write": true}), "by the number");

        // From now on the login says nothing.
        let (status, _, error) = command(&world, &grant).await;
        assert_eq!(status, Some(1));
        assert!(error.contains(&format!("as acme: 666, {}; name the one", organization_id("acme"))), "{error}");
        file.write(&format!("[[rules]]\nname = \"a\"\norganization = {}\nroles = [\"Reader\"]\n", organization_id("acme")));
        eventually("the new rule", async || {
            permissions(&world, &ada, "storage").await == json!({"read": true, "write": true})
        })
        .await;
        assert_eq!(permissions(&world, &mallory, "storage").await, json!({}));
    }

    /// As an earlier version has left it: the migration marks it, and so does a program that does not know numbers.
    async fn c4_a_role_of_a_login_counts_for_nothing_until_it_is_granted_again(database) {
        let file = RulesFile::new("database = true\n");
        let mut world = with_rules(database, &file.path()).start().await;
        let ada = world.sign_in("github", "ada").await;
        for (id, subject) in [("1", "login:acme"), ("2", "acme")] {
            world.database.execute(&format!(
                "INSERT INTO role_assignments (id, subject_kind, subject, role, service, created_at) \
                 VALUES ('{id}', 'organization', '{subject}', 'Writer', 'storage', 0)"
            ));
        }
        assert_eq!(permissions(&world, &ada, "storage").await, json!({}));
        let listed = told(&world, &["roles", "list"]).await;
        assert_eq!(listed.matches(", counts for nothing until it is granted again\n").count(), 2, "{listed}");
        world.program.restart().await;
        let logs = world.program.logs();
        assert!(logs.contains("Writer at storage for the organization acme, whose number is not known"), "{logs}");

        let grant = ["roles", "grant", "--role", "Writer", "--organization", "acme", "--service", "storage"];
        told(&world, &grant).await;
        assert_eq!(permissions(&world, &ada, "storage").await, json!({"write": true}));
        let listed = told(&world, &["roles", "list"]).await;
        assert_eq!(listed, format!("Writer  storage  organization {} (acme)\n", organization_id("acme")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assignments_count_only_where_the_operator_wants_them() {
    let file = RulesFile::new("database = false\n");
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    told(&world, &["roles", "grant", "--role", "Writer", "--domain", "example.com"]).await;
    let ada = world.sign_in("google", "ada").await;
    assert_eq!(permissions(&world, &ada, "storage").await, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistaken_assignment_is_refused() {
    let file = RulesFile::new("database = true\n");
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    for (arguments, status, reason) in [
        (&["--role", "Writer"][..], 2, "--user"),
        (&["--role", "Writer", "--domain", "a.b", "--email", "a@b.c"], 2, "cannot be used with"),
        (&["--email", "a@b.c"], 2, "--role"),
        (&["--role", "Wri ter", "--email", "a@b.c"], 2, "the name of a role has"),
        (&["--role", "Writer", "--email", "example.org"], 2, "local@domain"),
        (&["--role", "Writer", "--domain", "@example.org"], 2, "behind the @"),
        (&["--role", "Writer", "--domain", "*.example.org"], 2, "behind the @"),
        (&["--role", "Writer", "--organization", "a/b"], 2, "the name of an organization"),
        (&["--role", "Writer", "--domain", "a.b", "--service", "st orage"], 2, "the name of a service"),
        (&["--role", "Writer", "--user", "nobody"], 1, "no user has the id or username \"nobody\""),
    ] {
        let (ended, out, error) = command(&world, &[&["roles", "grant"], arguments].concat()).await;
        assert_eq!((ended, out.as_str()), (Some(status), ""), "{arguments:?}: {error}");
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
    assert_eq!(told(&world, &["roles", "list"]).await, "");
}
