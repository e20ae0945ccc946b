//! Commands act on whom they name and on nobody who only looks like it.

use vestibule_test_support::TestDatabase;

use super::Outcome;
use crate::world::{World, on_both_databases};

/// Who an operator means, and a stranger whose username is the other's id. Since such names are reserved, that is a row of
/// before.
struct Stage {
    world: World,
    /// Ada's.
    id: String,
    /// That of the stranger, Linus.
    stranger: String,
}

async fn id_of(world: &World, token: &str) -> String {
    world.profile(token).await["id"].as_str().unwrap().to_owned()
}

impl Stage {
    async fn set(database: TestDatabase) -> Self {
        let world = World::on(database).await;
        let id = id_of(&world, &world.sign_in("google", "ada").await).await;
        let stranger = id_of(&world, &world.sign_in("google", "linus").await).await;
        world.database.execute(&format!(
            "UPDATE users SET username = '{id}', username_key = '{id}' WHERE id = '{stranger}'"
        ));
        Self { world, id, stranger }
    }

    async fn run(&self, arguments: &[&str]) -> Outcome {
        self.world.program.run(arguments).await.into()
    }

    async fn assert_refused(&self, arguments: &[&str], reason: &str) {
        let outcome = self.run(arguments).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(outcome.error.contains(reason), "{arguments:?}: {}", outcome.error);
        assert!(outcome.error.contains("--id or --username says which is meant"), "{}", outcome.error);
    }

    async fn told(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments).await;
        assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{arguments:?}");
        outcome.out
    }
}

/// Every command that takes a user, with where the user stands.
fn commands<'a>(name: &[&'a str; 2]) -> Vec<Vec<&'a str>> {
    // The commands of `users` take it without an option.
    let bare = if name[0] == "--user" { &name[1..] } else { &name[..] };
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for command in ["show", "sign-out", "disable", "enable"] {
        commands.push([&["users", command][..], bare].concat());
    }
    commands.push([&["roles", "grant", "--role", "Writer"][..], name].concat());
    commands.push([&["roles", "list"][..], name].concat());
    commands.push([&["roles", "revoke", "--role", "Writer"][..], name].concat());
    commands.push([&["audit", "list"][..], name].concat());
    commands.push([&["users", "delete"][..], bare].concat());
    commands
}

on_both_databases! {
    async fn f5_a_username_that_is_the_id_of_somebody_else_is_refused_until_it_is_said_which_is_meant(database) {
        let stage = Stage::set(database).await;
        let (id, stranger) = (stage.id.as_str(), stage.stranger.as_str());
        let reason = format!("is the id of {id} (-, Ada Moreau) and the username of {stranger} ({id}, Linus");
        for command in commands(&["--user", id]) {
            stage.assert_refused(&command, &reason).await;
        }
        let explain = ["permissions", "explain", "--service", "storage"];
        stage.assert_refused(&[&explain[..], &["--user", id]].concat(), &reason).await;
        let explained = stage.run(&[&explain[..], &["--id", id]].concat()).await;
        assert!(explained.out.starts_with(&format!("user         {id} (-, Ada Moreau)\n")), "{}", explained.out);

        for (option, found) in [("--username", stranger), ("--id", id)] {
            for command in commands(&[option, id]) {
                let told = stage.told(&command).await;
                assert!(told.contains(found), "{command:?}: {told}");
            }
            let left = stage.told(&["users", "list"]).await;
            assert!(!left.lines().any(|line| line.starts_with(found)), "the one who was meant is gone: {left}");
        }
        assert_eq!(stage.told(&["users", "list"]).await, "");
    }

    async fn f5_a_username_that_was_the_id_of_somebody_who_is_gone_leads_nobody_to_a_stranger(database) {
        let stage = Stage::set(database).await;
        let (id, stranger) = (stage.id.as_str(), stage.stranger.as_str());
        stage.told(&["users", "delete", "--id", id]).await;
        let capitals = id.to_ascii_uppercase();
        let reason = format!("looks like an id, but no user has it; it is the username of {stranger} ({id}, Linus");
        for spelling in [id, capitals.as_str()] {
            for command in commands(&["--user", spelling]) {
                stage.assert_refused(&command, &reason).await;
            }
            for path in ["resolve", "get_profile"] {
                let answer = stage.world.browser().get(&format!("/auth/{path}?username={spelling}")).await;
                assert!(!answer.body.contains(stranger), "{path}: {}", answer.body);
            }
        }
        let of_deleted = stage.told(&["audit", "list", "--id", id, "--event", "user.deleted"]).await;
        assert!(of_deleted.contains(&format!("user={id}")), "{of_deleted}");
        let told = stage.told(&["users", "sign-out", "--username", &capitals]).await;
        assert!(told.starts_with(&format!("{stranger} ({id}, Linus")), "{told}");
        for option in ["--id", "--username"] {
            let outcome = stage.run(&["users", "show", option, "ff00"]).await;
            assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""));
            let expected = format!("vestibule: no user has the {} \"ff00\"\n", option.trim_start_matches('-'));
            assert_eq!(outcome.error, expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_named_in_one_way_at_a_time() {
    let world = World::on(TestDatabase::sqlite()).await;
    for arguments in [
        &["users", "disable", "ada", "--id", "ada"][..],
        &["users", "disable", "--id", "ada", "--username", "ada"],
        &["users", "sign-out", "--id", "ada", "--all"],
        &["roles", "grant", "--role", "Writer", "--id", "ada", "--email", "a@b.c"],
        &["audit", "list", "--user", "ada", "--id", "ada"],
    ] {
        let outcome: Outcome = world.program.run(arguments).await.into();
        assert_eq!(outcome.status, Some(2), "{arguments:?}");
        assert!(outcome.error.contains("cannot be used with"), "{arguments:?}: {}", outcome.error);
    }
}
