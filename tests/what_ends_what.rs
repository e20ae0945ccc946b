//! What ends what: the table of docs/sessions.md, act by act, at the built program.
//!
//! To add an act: its row in the document, and its arm in [`ask_for`] or [`command`]. To add a thing: its column there, and what stands for it in
//! [`Person::with_everything`].

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_provider_emulator::Persona;
use vestibule_test_support::eventually;

use crate::documents::markdown::Document;
use crate::signed_in::{SESSION_COOKIE, SignedIn};
use crate::world::{World, on_both_databases};

/// The columns of the table, behind the act.
const COLUMNS: [&str; 6] = [
    "the session in that browser",
    "the person's other sessions",
    "grants of those",
    "lasting grants",
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
    /// What came by the provider that is unlinked.
    CameByIt,
    /// Tokens of role accounts that the person made.
    MadeByThem,
    /// What hangs on the session or the role account that the act names.
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
    /// The user token that acts name, and the access token.
    frontend: String,
    program: String,
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
        let text = |made: &Value| made["token"].as_str().map(str::to_owned);
        let thing = |column, marks, what, bearer| Thing { column, marks, what, bearer };
        let by_github = SignedIn::by(world, "github", &persona).await;
        let grants = [
            lend(world, &google).await,
            lend(world, &github).await,
            lend_for_long(&browser).await,
            lend_for_long(&browser).await,
            lend_for_long(&by_github).await,
        ];
        let [of_google, of_github, program, lasting, lasting_by_github] = grants;
        let (frontend, named_program) = (google.clone(), program.clone());
        let things = vec![
            thing(0, &[][..], "the session in the browser", None),
            thing(1, &[Mark::Named], "a session by Google", Some(google)),
            thing(1, &[Mark::CameByIt], "a session by GitHub", Some(github)),
            thing(2, &[Mark::OfIt], "a grant of the session by Google", Some(of_google)),
            thing(2, &[Mark::CameByIt], "a grant of the session by GitHub", Some(of_github)),
            thing(3, &[Mark::Named], "the lasting grant that is named", Some(program)),
            thing(3, &[], "another lasting grant", Some(lasting)),
            thing(3, &[Mark::CameByIt], "a lasting grant by GitHub", Some(lasting_by_github)),
            thing(4, &[Mark::Named], "the token that is named", text(&named)),
            thing(4, &[], "another token", text(&other)),
            thing(
                5,
                &[Mark::OfIt, Mark::MadeByThem],
                "a token of the role account, by its owner",
                Some(made_by_them),
            ),
            thing(5, &[Mark::OfIt], "a token of the role account, by the operator", Some(made_by_operator)),
        ];
        let named = named["id"].as_str().unwrap().to_owned();
        Self { persona, id, role_account, browser, things, named, frontend, program: named_program }
    }

    async fn is_alive(&self, world: &World, thing: &Thing) -> bool {
        match &thing.bearer {
            Some(bearer) => world.get_as(bearer, "/auth/session").await.status == 200,
            None => self.browser.ask(Method::GET, "/auth/session", None).await.status == 200,
        }
    }
}

/// The access token of a pair that a frontend asks for, which hangs on its session.
async fn lend(world: &World, user_token: &str) -> String {
    let fields = [("grant_type", "session"), ("client_name", "Laptop"), ("services", "storage")];
    access_token(&world.post_as(user_token, "/auth/token", &fields).await.json())
}

/// The access token of a pair that a page of the service asks for, which outlives the session.
async fn lend_for_long(browser: &SignedIn) -> String {
    access_token(&browser.make_pair(&[]).await)
}

fn access_token(pair: &Value) -> String {
    pair["access_token"].as_str().unwrap_or_else(|| panic!("{pair}")).to_owned()
}

async fn make_role_token(world: &World, role_account: &str) -> String {
    let command = ["role-accounts", "token", "create", role_account, "--name", "n"];
    world.command(&[&command[..], &["--service", "storage", "--scope", "profile"]].concat()).await
}

/// Does what the table calls by this name. `None`: the test knows no such act.
async fn perform(world: &World, person: &Person, act: &str) -> Option<()> {
    match ask_for(world, person, act).await {
        Some(()) => Some(()),
        None => command(world, person, act).await,
    }
}

/// The acts of people and programs.
async fn ask_for(world: &World, person: &Person, act: &str) -> Option<()> {
    let Person { persona, id, browser, named, frontend, program, .. } = person;
    let ask = async |method, path: &str, status: u16| {
        let answer = browser.ask(method, path, None).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    };
    match act {
        "sign out" => ask(Method::POST, "/auth/logout?session=cookie", 200).await,
        "a frontend signs out (`POST /auth/logout` with its user token)" => {
            world.post_as(frontend, "/auth/logout", &[]).await;
        }
        "a program signs out (`POST /auth/logout` with its access token)" => {
            world.post_as(program, "/auth/logout", &[]).await;
        }
        "sign out everywhere (`all=true`)" => {
            ask(Method::POST, "/auth/logout?session=cookie&all=true", 200).await;
        }
        "sign in again in that browser, with the same account" => {
            let before = browser.cookie();
            browser.sign_in_again(world, "google", persona).await;
            assert_over(world, &before).await;
        }
        "sign in in that browser with another account" => {
            let before = browser.cookie();
            browser.sign_in_again(world, "google", "linus").await;
            let whose = browser.ask(Method::GET, "/auth/session", None).await.json();
            assert_ne!(whose["uid"], id.as_str());
            assert_over(world, &before).await;
            browser.ask(Method::POST, "/auth/logout?session=cookie", None).await;
        }
        "end one grant (`DELETE /auth/grants/ID`)" => {
            let grants = browser.ask(Method::GET, "/auth/grants", None).await.json();
            // The latest come first; the one that is named was the third of five.
            let id = grants["grants"][2]["id"].as_str().unwrap();
            ask(Method::DELETE, &format!("/auth/grants/{id}"), 204).await;
        }
        "end one token (`DELETE /auth/tokens/ID`)" => {
            ask(Method::DELETE, &format!("/auth/tokens/{named}"), 204).await;
        }
        "end all tokens (`DELETE /auth/tokens`)" => ask(Method::DELETE, "/auth/tokens", 204).await,
        _ => return None,
    }
    Some(())
}

/// That a cookie is of no session any more.
async fn assert_over(world: &World, cookie: &str) {
    let client = world.browser();
    client.set_cookie(&format!("{SESSION_COOKIE}={cookie}; Path=/"));
    assert_eq!(client.get("/auth/session").await.status, 401);
}

/// The acts of operators.
async fn command(world: &World, person: &Person, act: &str) -> Option<()> {
    let Person { id, role_account, named, .. } = person;
    let identity = match act {
        "a way to sign in is unlinked (`vestibule users unlink`)" => {
            let shown = world.command(&["users", "show", id]).await;
            shown.split_whitespace().find(|word| word.starts_with("github:")).expect("an identity").to_owned()
        }
        _ => String::new(),
    };
    let arguments: &[&str] = match act {
        "`vestibule users sign-out`" => &["users", "sign-out", id],
        "`vestibule tokens revoke ID`" => &["tokens", "revoke", named],
        "`vestibule tokens revoke --user U --all`" => &["tokens", "revoke", "--user", id, "--all"],
        "a way to sign in is unlinked (`vestibule users unlink`)" => &["users", "unlink", id, &identity],
        "a person is disabled (`vestibule users disable`)" => &["users", "disable", id],
        "the same with `--with-role-tokens`" => &["users", "disable", id, "--with-role-tokens"],
        "a role account is disabled (`vestibule role-accounts disable`)" => {
            &["role-accounts", "disable", role_account]
        }
        "a person is deleted (`vestibule users delete`)" => &["users", "delete", id],
        "a role account is deleted" => &["users", "delete", role_account],
        "everybody is signed out after a restored backup (`vestibule users sign-out --all`)" => {
            &["users", "sign-out", "--all"]
        }
        _ => return None,
    };
    world.command(arguments).await;
    if arguments == ["users", "delete", id] {
        let accounts = world.command(&["role-accounts", "list"]).await;
        let line = accounts.lines().find(|line| line.contains(&format!("  {role_account}  ")));
        assert!(!line.expect("it lives on").contains(&format!("owner={id}")), "{accounts}");
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
            perform(&world, &person, act).await.unwrap_or_else(|| panic!("{act}: the test knows no such act"));
            expect(&world, &person, act, cells).await;
            let is_about_all = act.starts_with("everybody");
            for thing in &bystander.things {
                assert_eq!(bystander.is_alive(&world, thing).await, !is_about_all, "{act}: {} of another", thing.what);
            }
            acts.push(act.clone());
        }
        assert!(acts.len() == 19 && acts.last().is_some_and(|act| act.starts_with("everybody")), "{acts:?}");
    }
}
