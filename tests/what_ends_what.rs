//! What ends what: the table of docs/sessions.md, act by act, at the built program.
//!
//! To add an act: its row in the document, and its arm in [`perform`]. To add a thing: its column there, and what stands for it in
//! [`Person::with_everything`].

use reqwest::Method;
use serde_json::json;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::eventually;

use crate::documents::markdown::Document;
use crate::signed_in::{SESSION_COOKIE, SignedIn};
use crate::world::{World, on_both_databases};

/// The columns of the table, behind the act.
const COLUMNS: [&str; 4] = [
    "the session in that browser",
    "the person's other sessions",
    "the person's tokens",
    "tokens of role accounts",
];

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Ends,
    /// It is refused until its role account is enabled.
    Waits,
}

/// Which of the things in a column an act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The one that the act names.
    Named,
    /// Sessions that came by the provider that is unlinked.
    CameByIt,
    /// Tokens of role accounts that the person made.
    MadeByThem,
    /// Tokens of the role account that the act names.
    OfIt,
}

/// What a cell says: what becomes of the things with this mark, or of all.
fn read_cell(cell: &str) -> (Option<Mark>, Fate) {
    match cell {
        "stays" | "stay" => (None, Fate::Stays),
        "ends" | "end" => (None, Fate::Ends),
        "that one ends" => (Some(Mark::Named), Fate::Ends),
        "those that came by it end" => (Some(Mark::CameByIt), Fate::Ends),
        "those that the person made end" => (Some(Mark::MadeByThem), Fate::Ends),
        "those of it end" => (Some(Mark::OfIt), Fate::Ends),
        "those of it wait until it is enabled" => (Some(Mark::OfIt), Fate::Waits),
        other => panic!("the table says {other:?}, which this test cannot read"),
    }
}

/// A credential that an act may end.
struct Thing {
    /// By which column of the table.
    column: usize,
    marks: &'static [Mark],
    what: &'static str,
    /// A bearer; `None`: the cookie of the browser, as it is now.
    bearer: Option<String>,
}

/// Somebody whom nobody else is, with something of everything.
struct Person {
    persona: String,
    id: String,
    role_account: String,
    browser: SignedIn,
    things: Vec<Thing>,
    /// The id of the personal token that acts name.
    named: String,
}

impl Person {
    async fn with_everything(world: &World, number: u32) -> Self {
        let persona = format!("person-{number}");
        world.control().put_persona(Persona::ordinary(&persona, &format!("Person {number}"), number + 1));
        let browser = SignedIn::by(world, "google", &persona).await;
        let (google, github) =
            (world.sign_in("google", &persona).await, world.sign_in("github", &persona).await);
        let id = world.profile(&google).await["id"].as_str().unwrap().to_owned();
        assert_eq!(world.profile(&github).await["id"], id.as_str());
        let asked = json!({"name": "a", "services": ["storage"], "scopes": ["profile"]});
        let (named, other) = (
            browser.make_token("/auth/tokens", &asked).await,
            browser.make_token("/auth/tokens", &asked).await,
        );
        let role_account = format!("role-{number}");
        world.command(&["role-accounts", "create", &role_account, "--owner", &id]).await;
        let made_by_them = make_role_token(world, &role_account).await;
        // As if the owner had asked for it.
        let made_by = format!(
            "UPDATE api_tokens SET created_by = '{id}' WHERE user_id = (SELECT id FROM users WHERE username = '{role_account}')"
        );
        world.database.execute(&made_by);
        let made_by_operator = make_role_token(world, &role_account).await;
        let text = |made: &serde_json::Value| made["token"].as_str().map(str::to_owned);
        let thing = |column, marks, what, bearer| Thing { column, marks, what, bearer };
        let things = vec![
            thing(0, &[][..], "the session in the browser", None),
            thing(1, &[], "a session by Google", Some(google)),
            thing(1, &[Mark::CameByIt], "a session by GitHub", Some(github)),
            thing(2, &[Mark::Named], "the token that is named", text(&named)),
            thing(2, &[], "another token", text(&other)),
            thing(
                3,
                &[Mark::OfIt, Mark::MadeByThem],
                "a token of the role account, by its owner",
                Some(made_by_them),
            ),
            thing(3, &[Mark::OfIt], "a token of the role account, by the operator", Some(made_by_operator)),
        ];
        let named = named["id"].as_str().unwrap().to_owned();
        Self { persona, id, role_account, browser, things, named }
    }

    async fn is_alive(&self, world: &World, thing: &Thing) -> bool {
        match &thing.bearer {
            Some(bearer) => world.get_as(bearer, "/auth/session").await.status == 200,
            None => self.browser.ask(Method::GET, "/auth/session", None).await.status == 200,
        }
    }
}

async fn make_role_token(world: &World, role_account: &str) -> String {
    let command = ["role-accounts", "token", "create", role_account, "--name", "n"];
    world.command(&[&command[..], &["--service", "storage", "--scope", "profile"]].concat()).await
}

/// Does what the table calls by this name, in each way that it has. `None`: the test knows no such act.
async fn perform(world: &World, person: &Person, act: &str) -> Option<()> {
    let Person { persona, id, role_account, browser, named, .. } = person;
    let ask = async |method, path: &str, status: u16| {
        let answer = browser.ask(method, path, None).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    };
    match act {
        "sign out" => ask(Method::POST, "/auth/logout?session=cookie", 200).await,
        "sign out everywhere (`all=true`)" => {
            ask(Method::POST, "/auth/logout?session=cookie&all=true", 200).await;
        }
        "`vestibule users sign-out`" => drop(world.command(&["users", "sign-out", id]).await),
        "sign in again in that browser, with the same account" => {
            let before = browser.cookie();
            browser.sign_in_again(world, "google", persona).await;
            let client = world.browser();
            client.set_cookie(&format!("{SESSION_COOKIE}={before}; Path=/"));
            assert_eq!(client.get("/auth/session").await.status, 401, "the cookie is another");
        }
        "sign in in that browser with another account" => {
            let before = browser.cookie();
            browser.sign_in_again(world, "google", "linus").await;
            assert_ne!(browser.cookie(), before);
            let whose = browser.ask(Method::GET, "/auth/session", None).await.json();
            assert_ne!(whose["uid"], id.as_str());
            let client = world.browser();
            client.set_cookie(&format!("{SESSION_COOKIE}={before}; Path=/"));
            assert_eq!(client.get("/auth/session").await.status, 401, "the earlier session is over");
            browser.ask(Method::POST, "/auth/logout?session=cookie", None).await;
        }
        "end one token (`DELETE /auth/tokens/ID`)" => {
            ask(Method::DELETE, &format!("/auth/tokens/{named}"), 204).await;
        }
        "`vestibule tokens revoke ID`" => drop(world.command(&["tokens", "revoke", named]).await),
        "end all tokens (`DELETE /auth/tokens`)" => ask(Method::DELETE, "/auth/tokens", 204).await,
        "`vestibule tokens revoke --user U --all`" => {
            world.command(&["tokens", "revoke", "--user", id, "--all"]).await;
        }
        "a way to sign in is unlinked (`vestibule users unlink`)" => {
            let shown = world.command(&["users", "show", id]).await;
            let github = shown.split_whitespace().find(|word| word.starts_with("github:"));
            world.command(&["users", "unlink", id, github.expect("an identity")]).await;
        }
        "a person is disabled (`vestibule users disable`)" => {
            drop(world.command(&["users", "disable", id]).await);
        }
        "the same with `--with-role-tokens`" => {
            world.command(&["users", "disable", id, "--with-role-tokens"]).await;
        }
        "a role account is disabled (`vestibule role-accounts disable`)" => {
            world.command(&["role-accounts", "disable", role_account]).await;
        }
        "a person is deleted (`vestibule users delete`)" => {
            world.command(&["users", "delete", id]).await;
            let accounts = world.command(&["role-accounts", "list"]).await;
            let line = accounts.lines().find(|line| line.contains(&format!("  {role_account}  ")));
            assert!(!line.expect("it lives on").contains(&format!("owner={id}")), "{accounts}");
        }
        "a role account is deleted" => drop(world.command(&["users", "delete", role_account]).await),
        "everybody is signed out after a restored backup (`vestibule users sign-out --all`)" => {
            world.command(&["users", "sign-out", "--all"]).await;
        }
        _ => return None,
    }
    Some(())
}

/// The rows of the table in the document, behind the names of its columns.
fn rows() -> Vec<Vec<String>> {
    let rows = Document::read("docs/sessions.md").rows();
    let table = rows.into_iter().skip_while(|row| row[0] != "act");
    let table: Vec<_> = table.take_while(|row| row.len() == COLUMNS.len() + 1).collect();
    assert_eq!(table[0][1..], COLUMNS, "the columns");
    table.into_iter().skip(2).collect()
}

async fn expect(world: &World, person: &Person, act: &str, cells: &[String]) {
    for thing in &person.things {
        let (mark, fate) = read_cell(&cells[thing.column]);
        let is_concerned = mark.is_none_or(|mark| thing.marks.contains(&mark));
        let fate = if is_concerned { fate } else { Fate::Stays };
        let what = format!("{act}: {} {fate:?}", thing.what);
        if fate != Fate::Stays {
            eventually(&what, async || !person.is_alive(world, thing).await).await;
        }
    }
    for thing in &person.things {
        let (mark, fate) = read_cell(&cells[thing.column]);
        let stays = fate == Fate::Stays || mark.is_some_and(|mark| !thing.marks.contains(&mark));
        assert_eq!(person.is_alive(world, thing).await, stays, "{act}: {} when all is over", thing.what);
    }
    for thing in &person.things {
        let (mark, fate) = read_cell(&cells[thing.column]);
        if fate == Fate::Waits && mark.is_none_or(|mark| thing.marks.contains(&mark)) {
            world.command(&["role-accounts", "enable", &person.role_account]).await;
            eventually("it counts again", async || person.is_alive(world, thing).await).await;
        }
    }
}

on_both_databases! {
    async fn h12_h17_what_an_act_ends_is_what_the_document_says(database) {
        let world = World::builder(database)
            .without_limits()
            .setting("RATE_LIMIT_TOKEN_CREATE_PER_ACCOUNT", "off")
            .start()
            .await;
        let rows = rows();
        let mut acts = Vec::new();
        let bystander = Person::with_everything(&world, 0).await;
        for (number, row) in (1..).zip(&rows) {
            let (act, cells) = row.split_first().expect("an act");
            let person = Person::with_everything(&world, number).await;
            for thing in &person.things {
                assert!(person.is_alive(&world, thing).await, "{act}: {} before", thing.what);
            }
            perform(&world, &person, act).await.unwrap_or_else(|| panic!("{act}: no arm in `perform`"));
            expect(&world, &person, act, cells).await;
            let is_about_all = act.starts_with("everybody");
            for thing in &bystander.things {
                assert_eq!(bystander.is_alive(&world, thing).await, !is_about_all, "{act}: {} of another", thing.what);
            }
            acts.push(act.clone());
        }
        assert!(acts.len() == 16 && acts.last().is_some_and(|act| act.starts_with("everybody")), "{acts:?}");
    }
}
