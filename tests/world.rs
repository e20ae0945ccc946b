//! The stage of every test: a database of its own, the provider emulator, and the program between them, set up as an
//! operator would: by settings, with no development mode.

use std::path::Path;
use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use url::Url;
use vestibule_provider_emulator::{
    Client as EmulatedClient, Clock, Control, Emulator, EmulatorOptions, RedirectPolicy, RedirectUris,
};
use vestibule_test_support::{
    Answer, Client, FaultyDisk, MovableClock, Program, ProgramBuilder, TestDatabase, eventually,
    login_address, sign_in_error, signed_in_token, with_parameter,
};

/// Where the frontend of most tests lives: an allowed origin that nobody listens at.
pub(crate) const APP: &str = "https://app.example.com/welcome";

pub(crate) use vestibule_test_support::on_both_databases;

/// The names of all providers.
pub(crate) const PROVIDERS: [&str; 3] = ["google", "github", "corporate"];

/// What is standing when a test begins.
pub(crate) struct World {
    pub(crate) program: Program,
    pub(crate) emulator: Emulator,
    pub(crate) database: TestDatabase,
}

/// How the stage is to be set, for tests that need something special.
pub(crate) struct WorldBuilder {
    program: ProgramBuilder,
    emulator: EmulatorOptions,
    database: TestDatabase,
    config: String,
    left_out: Vec<String>,
    key_in_environment: bool,
    corporate: String,
}

/// What stands in the table of the corporate issuer unless a test says otherwise: its word about addresses is believed.
pub(crate) const TRUSTED: &str = "trust_email = true";

impl World {
    /// The usual stage.
    pub(crate) async fn on(database: TestDatabase) -> Self {
        Self::builder(database).start().await
    }

    pub(crate) fn builder(database: TestDatabase) -> WorldBuilder {
        let program = Program::builder();
        let redirect_uris = registered_at(&program.base_url());
        let program = program
            .setting("DATABASE_URL", database.url())
            .setting("ALLOWED_ORIGINS", "https://app.example.com;http://localhost:3000")
            .setting("ALLOWED_SERVICES", "storage:sample-permissions;reports:sample-permissions")
            .setting("INSTALLED_EXTENSIONS", "sample-extension")
            // Many tests are one person in a great hurry.
            .setting("RATE_LIMIT_SIGN_IN_PER_ACCOUNT", "1000/1m")
            .setting("RATE_LIMIT_UPDATE_PER_ACCOUNT", "1000/1m");
        let emulator = emulator_options(redirect_uris);
        let (config, left_out) = (String::new(), Vec::new());
        let (key_in_environment, corporate) = (false, TRUSTED.to_owned());
        WorldBuilder { program, emulator, database, config, left_out, key_in_environment, corporate }
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Client {
        self.program.client()
    }

    /// A client of the listener for metrics; see [`WorldBuilder::with_metrics`].
    pub(crate) fn admin(&self) -> Client {
        Client::new(&address_of_metrics(&self.program.base_url()))
    }

    pub(crate) fn control(&self) -> Control {
        self.emulator.control()
    }

    /// Goes from our login address to the provider, as this person, and answers the address of the callback that the
    /// provider sends the browser to. The callback itself is left to the caller.
    pub(crate) async fn reach_callback(
        &self,
        browser: &Client,
        provider: &str,
        persona: &str,
        next: &str,
    ) -> Url {
        let answer = self.start_sign_in(browser, provider, next).await;
        let consent = with_parameter(&answer.location(), "persona", persona);
        browser.get(consent.as_str()).await.location()
    }

    /// Asks for our login address.
    pub(crate) async fn start_sign_in(&self, browser: &Client, provider: &str, next: &str) -> Answer {
        let answer = browser.get(login_address(&self.program.base_url(), provider, next).as_str()).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer
    }

    /// A whole sign-in in a browser of its own; the answer of the callback.
    pub(crate) async fn finish_sign_in(&self, provider: &str, persona: &str) -> Answer {
        let browser = self.browser();
        let callback = self.reach_callback(&browser, provider, persona, APP).await;
        browser.get(callback.as_str()).await
    }

    /// A whole sign-in that succeeds; the user token.
    pub(crate) async fn sign_in(&self, provider: &str, persona: &str) -> String {
        signed_in_token(&self.finish_sign_in(provider, persona).await)
    }

    /// A whole sign-in that brings the browser back to the frontend with an `error` and nothing else; which one.
    pub(crate) async fn fail_to_sign_in(&self, provider: &str, persona: &str) -> String {
        sign_in_error(&self.finish_sign_in(provider, persona).await, APP)
    }

    /// GET with a user token in the header.
    pub(crate) async fn get_as(&self, token: &str, address: &str) -> Answer {
        let browser = self.browser();
        browser.send(browser.request(Method::GET, address).bearer_auth(token)).await
    }

    /// POST of a form with a user token in the header.
    pub(crate) async fn post_as(&self, token: &str, address: &str, fields: &[(&str, &str)]) -> Answer {
        let browser = self.browser();
        browser.send(browser.request(Method::POST, address).bearer_auth(token).form(fields)).await
    }

    /// What `/auth/check` says of a token.
    pub(crate) async fn check(&self, token: &str) -> Value {
        let answer = self.get_as(token, "/auth/check").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// The profile of whoever holds a good token.
    pub(crate) async fn profile(&self, token: &str) -> Value {
        let answer = self.check(token).await;
        assert_eq!(answer["authenticated"], true, "{answer}");
        answer["profile"].clone()
    }

    /// Whether a token counts.
    pub(crate) async fn is_signed_in(&self, token: &str) -> bool {
        self.check(token).await["authenticated"] == true
    }
}

impl World {
    /// What is in the database; see [`TestDatabase::contents`].
    pub(crate) fn written(&self) -> Vec<u8> {
        self.database.contents()
    }

    /// Puts another text in the place of the corporate issuer's table, which is the last, and starts the program again.
    pub(crate) async fn replace_corporate(&mut self, table: &str) {
        let file = self.program.directory().join("vestibule.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let rest = text.split_once("[providers.corporate]").map_or(text.as_str(), |(rest, _)| rest);
        std::fs::write(&file, format!("{rest}\n{table}")).unwrap();
        self.program.restart().await;
    }

    /// Runs a command of the program that has to succeed; what it prints.
    pub(crate) async fn command(&self, arguments: &[&str]) -> String {
        let output = self.program.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Waits until a token counts no more, because another process has ended its session.
    pub(crate) async fn until_signed_out(&self, token: &str) {
        eventually("the token is dead", async || !self.is_signed_in(token).await).await;
    }
}

impl WorldBuilder {
    /// A setting of the program.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.program = self.program.setting(name, value);
        self
    }

    /// Opens the listener for metrics, on the port above the program's own, which is kept free as well.
    pub(crate) fn with_metrics(self) -> Self {
        let address = address_of_metrics(&self.program.base_url());
        self.setting("ADMIN_LISTEN", address.trim_start_matches("http://"))
    }

    /// Leaves out a setting that the usual stage has.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.left_out.push(name.to_owned());
        self
    }

    /// Gives the program its key in `PRIVATE_KEY`; it is in the folder as well, where the program does not look then.
    pub(crate) fn with_key_in_environment(mut self) -> Self {
        self.key_in_environment = true;
        self
    }

    /// More of `vestibule.toml`.
    pub(crate) fn config(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self.config.push('\n');
        self
    }

    /// What else stands in the table of the corporate issuer, in place of the trust in its addresses.
    pub(crate) fn corporate(mut self, text: &str) -> Self {
        text.clone_into(&mut self.corporate);
        self
    }

    /// Sends the program's log into a pipe.
    pub(crate) fn log_to(mut self, pipe: std::io::PipeWriter) -> Self {
        self.program = self.program.log_to(pipe);
        self
    }

    /// Puts the program and the emulator under one clock.
    pub(crate) fn clock(mut self, clock: &Arc<MovableClock>) -> Self {
        let shared = Arc::clone(clock);
        self.emulator.clock = Clock::from_fn(move || shared.now_seconds());
        self.program = self.program.clock(clock);
        self
    }

    /// Puts the program on a disk that the test breaks.
    pub(crate) fn disk(mut self, disk: &FaultyDisk) -> Self {
        self.program = self.program.disk(disk);
        self
    }

    /// Starts the program with so many file descriptors.
    pub(crate) fn descriptors(mut self, count: u64) -> Self {
        self.program = self.program.descriptors(count);
        self
    }

    /// Runs the program as a user who is not root.
    pub(crate) fn without_root(mut self) -> Self {
        self.program = self.program.without_root();
        if let Some(file) = self.database.file() {
            self.program.give(file.parent().expect("a directory"));
        }
        self
    }

    /// Takes off the limits of how often one address and one account may ask, for tests that ask hundreds of times at once.
    pub(crate) fn without_limits(self) -> Self {
        ["SIGN_IN", "UPDATE", "AUTHORIZE", "LOOKUP"].iter().fold(self, |stage, what| {
            let stage = stage.setting(&format!("RATE_LIMIT_{what}_PER_ADDRESS"), "off");
            if *what == "LOOKUP" {
                stage
            } else {
                stage.setting(&format!("RATE_LIMIT_{what}_PER_ACCOUNT"), "off")
            }
        })
    }

    /// Where the program will listen.
    pub(crate) fn base_url(&self) -> String {
        self.program.base_url()
    }

    /// Starts the emulator, makes a key and starts the program, with Google, GitHub and a corporate issuer.
    pub(crate) async fn start(self) -> World {
        let emulator = Emulator::start(self.emulator).await.expect("a free port");
        let program = point_at(self.program, &emulator, &self.config, &self.corporate);
        let program = self.left_out.iter().fold(program, |program, name| program.without(name));
        program.share_signing_key().await;
        let keys_dir = program.keys_dir();
        let program = if self.key_in_environment {
            program.setting("PRIVATE_KEY", &pem_in(&keys_dir))
        } else {
            program
        };
        World { program: program.start().await, emulator, database: self.database }
    }
}

/// The issuers' keys are made once for all tests.
pub(crate) fn emulator_options(redirect_uris: RedirectUris) -> EmulatorOptions {
    let keys_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulator-keys");
    EmulatorOptions { redirect_uris, keys_dir: Some(keys_dir), ..EmulatorOptions::default() }
}

/// What an operator registers at each provider for a service at this address. GitHub takes more than that.
pub(crate) fn registered_at(base_url: &str) -> RedirectUris {
    let shared = format!("{base_url}/auth/oauth_callback");
    RedirectUris {
        google: RedirectPolicy::Exact(vec![shared.clone()]),
        github: RedirectPolicy::Below(shared),
        corporate: RedirectPolicy::Exact(vec![format!("{base_url}/auth/callback/corporate")]),
    }
}

/// One request for each operation that needs the database, but for the callback, of which there is one for each sign-in.
pub(crate) fn all_that_need_the_database(browser: &Client, token: &str) -> [RequestBuilder; 7] {
    let get = |address: &str| browser.request(Method::GET, address);
    let post =
        |address: &str| browser.request(Method::POST, address).form(&[("jwt", token), ("username", "ada")]);
    [
        get(&format!("/auth/check?jwt={token}")),
        get(&format!("/auth/authorize?service=storage&jwt={token}")),
        post("/auth/update"),
        post("/auth/logout"),
        get("/auth/resolve?username=ada"),
        get("/auth/get_profile?username=ada"),
        get("/readyz"),
    ]
}

/// The private key in a folder of keys.
pub(crate) fn pem_in(keys_dir: &Path) -> String {
    let files = std::fs::read_dir(keys_dir).unwrap().map(|entry| entry.unwrap().path());
    let pem = files.filter(|path| path.extension().is_some_and(|extension| extension == "pem"));
    std::fs::read_to_string(pem.min().expect("a key in the folder")).unwrap()
}

fn address_of_metrics(base_url: &str) -> String {
    let port = Url::parse(base_url).unwrap().port().unwrap();
    format!("http://127.0.0.1:{}", port + 1)
}

/// The table of a provider at one of the emulator's issuers.
pub(crate) fn provider_table(name: &str, issuer: &str, client: &EmulatedClient, more: &str) -> String {
    let label = if more.contains("label = ") { "" } else { "label = \"Corporate\"\n" };
    format!(
        "[providers.{name}]\nissuer = {issuer:?}\nclient_id = {:?}\nclient_secret = {:?}\n{label}{more}\n",
        client.id, client.secret
    )
}

/// A program whose providers are those of the emulator, with more of `vestibule.toml` and of the corporate issuer's table.
pub(crate) fn point_at(
    program: ProgramBuilder,
    emulator: &Emulator,
    config: &str,
    corporate: &str,
) -> ProgramBuilder {
    let (google, github) = (emulator.google_client(), emulator.github_client());
    let corporate =
        provider_table("corporate", &emulator.corporate_issuer(), emulator.corporate_client(), corporate);
    program
        .setting("GOOGLE_ISSUER", &emulator.google_issuer())
        .setting("GOOGLE_KEY", &google.id)
        .setting("GOOGLE_SECRET", &google.secret)
        .setting("GITHUB_URL", &emulator.github_url())
        .setting("GITHUB_API_URL", &emulator.github_api_url())
        .setting("GITHUB_KEY", &github.id)
        .setting("GITHUB_SECRET", &github.secret)
        .config(&format!("{config}\n{corporate}"))
}
