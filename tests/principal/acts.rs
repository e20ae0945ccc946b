//! What a credential may be used for: one request each, and how its answer is read.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use vestibule_test_support::Answer;

use super::credentials::{Credential, Way};
use super::stage::{APP_ORIGIN, PERSON, Stage};

/// A column of the table: acts that have the same cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Check,
    Authorize,
    Update,
    Logout,
    SessionRead,
    /// A write of what an app keeps in a session, by a page of the app.
    DataWrite,
    /// The same by a page of no app.
    DataWriteElsewhere,
    /// The person's own tokens and grants are read, narrowed and revoked, and the tokens of the person's role accounts.
    Own,
    /// Tokens are made and replaced; role accounts are made and changed.
    Makes,
    /// A program of the person is lent something.
    Lends,
    /// What was lent is refreshed.
    Refreshes,
    EndsItself,
    /// An administrator reads what others have.
    AdministersReading,
    /// An administrator acts on what others have.
    Administers,
    /// A page shows who is signed in.
    Page,
}

impl Column {
    pub(super) const COUNT: usize = 15;
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did what was asked for, as whoever holds the credential.
    Done,
    /// It did so, and there was nothing that the credential lends.
    Empty,
    /// It was answered as that of nobody who is signed in.
    Nobody,
    /// It was refused.
    Refused(u16, String),
}

impl Outcome {
    pub(super) fn refused(status: u16, error: &str) -> Self {
        Self::Refused(status, error.to_owned())
    }
}

/// One request.
pub(super) struct Act {
    /// The operation, as the document calls it.
    pub(super) operation: &'static str,
    pub(super) column: Column,
    method: Method,
    /// `{id}` is that of a token of the person, `{grant}` that of a grant, `{account}` that of a role account and `{token}` that of its
    /// token, `{another}` that of another person.
    path: &'static str,
    form: &'static [(&'static str, &'static str)],
    json: Option<&'static str>,
    /// The origin that a browser states of the page.
    origin: Option<&'static str>,
    /// Whether it ends what later acts need, where it is done.
    pub(super) ends_something: bool,
}

/// What a user token may lend as well.
const NEW_GRANT: [(&str, &str); 3] =
    [("grant_type", "session"), ("client_name", "made"), ("services", "storage")];

/// All of them.
pub(super) fn acts() -> Vec<Act> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let mut acts = vec![
        Act::new("check_session", Column::Check, &get, "/auth/check"),
        Act::new("authorize_service", Column::Authorize, &get, "/auth/authorize?service=storage"),
        Act::new("update_user", Column::Update, &post, "/auth/update").form(&[("username", "ada")]),
        Act::new("end_session", Column::Logout, &post, "/auth/logout").form(&[]).ends(),
        Act::new("end_session", Column::Logout, &post, "/auth/logout").form(&[("all", "true")]).ends(),
        Act::new("read_session", Column::SessionRead, &get, "/auth/session"),
        Act::new("list_tokens", Column::Own, &get, "/auth/tokens"),
        Act::new("update_token", Column::Own, &Method::PATCH, "/auth/tokens/{id}").json(r#"{"name":"b"}"#),
        Act::new("revoke_token", Column::Own, &delete, "/auth/tokens/{id}").ends(),
        Act::new("revoke_tokens", Column::Own, &delete, "/auth/tokens").ends(),
        Act::new("create_token", Column::Makes, &post, "/auth/tokens").json(r#"{"name":"made"}"#).ends(),
        Act::new("rotate_token", Column::Makes, &post, "/auth/tokens/{id}/rotate").json("{}").ends(),
        Act::new("list_grants", Column::Own, &get, "/auth/grants"),
        Act::new("update_grant", Column::Own, &Method::PATCH, "/auth/grants/{grant}").json("{}"),
        Act::new("revoke_grant", Column::Own, &delete, "/auth/grants/{grant}").ends(),
        Act::new("create_token_pair", Column::Lends, &post, "/auth/token").form(&NEW_GRANT).ends(),
        Act::new("refresh_token_pair", Column::Refreshes, &post, "/auth/token/refresh").form(&[]).ends(),
        Act::new("replace_token_pair", Column::Refreshes, &Method::PUT, "/auth/token/refresh").ends(),
        Act::new("revoke_token", Column::EndsItself, &delete, "/auth/tokens/current").ends(),
        Act::new("list_tokens", Column::AdministersReading, &get, "/auth/tokens?all=true"),
        Act::new("list_tokens", Column::AdministersReading, &get, "/auth/tokens?user={another}"),
        Act::new("list_grants", Column::AdministersReading, &get, "/auth/grants?all=true"),
        Act::new("revoke_tokens", Column::Administers, &delete, "/auth/tokens?user={another}"),
        Act::new("list_role_accounts", Column::AdministersReading, &get, "/auth/role_accounts?all=true"),
        Act::new("show_sign_in", Column::Page, &get, "/sign-in"),
    ];
    acts.extend(acts_on_role_accounts());
    for (operation, method) in [
        ("replace_session_data", Method::PUT),
        ("update_session_data", Method::PATCH),
        ("clear_session_data", Method::DELETE),
    ] {
        let write = |column| Act::new(operation, column, &method, "/auth/session/data").json("{}");
        acts.push(write(Column::DataWrite).on_page_of(APP_ORIGIN));
        acts.push(write(Column::DataWriteElsewhere).on_page_of("https://other.example.com"));
    }
    acts
}

fn acts_on_role_accounts() -> [Act; 10] {
    use Column::{Makes, Own};
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    let (all, one) = ("/auth/role_accounts", "/auth/role_accounts/{account}");
    let (tokens, token) =
        ("/auth/role_accounts/{account}/tokens", "/auth/role_accounts/{account}/tokens/{token}");
    let rotate = "/auth/role_accounts/{account}/tokens/{token}/rotate";
    [
        Act::new("list_role_accounts", Own, &get, all),
        Act::new("read_role_account", Own, &get, one),
        Act::new("list_role_tokens", Own, &get, tokens),
        Act::new("update_role_token", Own, &patch, token).json(r#"{"name":"b"}"#),
        Act::new("revoke_role_token", Own, &delete, token).ends(),
        Act::new("revoke_role_tokens", Own, &delete, tokens).ends(),
        Act::new("create_role_account", Makes, &post, all).json(r#"{"username":"made"}"#).ends(),
        Act::new("update_role_account", Makes, &patch, one).json(r#"{"description":"b"}"#),
        Act::new("create_role_token", Makes, &post, tokens).json(r#"{"name":"made"}"#).ends(),
        Act::new("rotate_role_token", Makes, &post, rotate).json("{}").ends(),
    ]
}

impl Act {
    fn new(operation: &'static str, column: Column, method: &Method, path: &'static str) -> Self {
        let method = method.clone();
        Self { operation, column, method, path, form: &[], json: None, origin: None, ends_something: false }
    }

    fn form(self, form: &'static [(&'static str, &'static str)]) -> Self {
        Self { form, ..self }
    }

    fn json(self, json: &'static str) -> Self {
        Self { json: Some(json), ..self }
    }

    fn on_page_of(self, origin: &'static str) -> Self {
        Self { origin: Some(origin), ..self }
    }

    fn ends(self) -> Self {
        Self { ends_something: true, ..self }
    }

    /// Whether it only reads.
    pub(super) fn is_safe(&self) -> bool {
        self.method == Method::GET
    }

    /// The address that is asked for, by this credential.
    pub(super) async fn address(&self, stage: &mut Stage, credential: &Credential, way: Way) -> String {
        let mut path = self.path.replace("{another}", &stage.another);
        if path.contains("{id}") {
            path = path.replace("{id}", &stage.target().await);
        }
        if path.contains("{grant}") {
            path = path.replace("{grant}", &stage.grant().await);
        }
        if path.contains("{account}") {
            let (account, token) = stage.role_target().await;
            path = path.replace("{account}", &account).replace("{token}", &token);
        }
        credential.address(&path, way)
    }

    /// Asks, with this credential.
    pub(super) async fn ask(
        &self,
        stage: &Stage,
        address: &str,
        credential: &Credential,
        way: Way,
    ) -> Outcome {
        let was_alive = stage.is_alive(credential).await;
        let build = |request| self.complete(credential.put(request, way));
        let answer = stage.send(self.method.clone(), address, build).await;
        if self.column == Column::Logout {
            // Whoever wanted to be signed out is told so in any case.
            assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
            let is_over = was_alive && !stage.is_alive(credential).await;
            return if is_over { Outcome::Done } else { Outcome::Nobody };
        }
        self.outcome(&answer)
    }

    fn complete(&self, request: RequestBuilder) -> RequestBuilder {
        let request =
            self.origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        match self.json {
            Some(json) => {
                let request = request.header("content-type", "application/json").header("if-match", "*");
                request.body(json)
            }
            None if self.method == Method::POST => request.form(self.form),
            None => request,
        }
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        let status = answer.status.as_u16();
        let done = |is_done: bool| if is_done { Outcome::Done } else { Outcome::Nobody };
        match self.column {
            Column::Page => done(answer.body.contains(PERSON)),
            // It was made before.
            Column::Makes if answer.json()["error"] == "username_taken" => Outcome::Done,
            _ if status >= 300 => {
                Outcome::refused(status, answer.json()["error"].as_str().unwrap_or_default())
            }
            Column::Check => done(answer.json()["authenticated"] == true),
            // The first who does it has chosen; the others are told so, which nobody is.
            Column::Update => done(answer.json()["error"] != "not signed in"),
            Column::Authorize if answer.json()["token"].is_null() => {
                assert_eq!(answer.json(), json!({"permissions": {}}));
                Outcome::Nobody
            }
            Column::Authorize if answer.json()["permissions"] == json!({}) => Outcome::Empty,
            _ => Outcome::Done,
        }
    }
}
