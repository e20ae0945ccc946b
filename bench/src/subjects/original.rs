//! dgp-oauth2, whose place our program takes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::client::Connection;
use crate::failure::{Failure, Outcome, While};
use crate::process::{Process, command, run};
use crate::request;

use super::{free_address, package, wait_until_it_answers};

/// As many as the machine has processors; the original's own image has as few.
const WORKERS: &str = "2";

/// It, under gunicorn.
pub(crate) struct Original {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// Of a user who is signed in.
    pub(crate) token: String,
}

impl Original {
    /// Installs it below `environments`, if it is not there, and starts it with this pair of keys.
    pub(crate) async fn start(environments: &Path, directory: &Path, keys: &KeyPair) -> Outcome<Self> {
        let programs = install(environments)?;
        let address = free_address()?;
        let settings = |command: &mut Command| {
            let database = format!("sqlite:///{}", directory.join("original.db").display());
            command.current_dir(package().join("original"));
            command.env("PRIVATE_KEY", &keys.private).env("PUBLIC_KEY", &keys.public);
            command.env("DATABASE_URL", database).env("EXTERNAL_ADDRESS", format!("http://{address}"));
            command.env("ALLOWED_SERVICES", "storage:sample_permission_provider");
            command.env("PYTHONDONTWRITEBYTECODE", "1");
        };
        // Its workers would make the table at the same time, and one of them fail.
        let mut prepare = command(programs.join("python"));
        settings(prepare.args(["-c", "import server"]));
        run(&mut prepare)?;
        let mut serve = command(programs.join("gunicorn"));
        let bind = address.to_string();
        settings(serve.args(["--workers", WORKERS, "--no-control-socket", "--bind", &bind, "server:app"]));
        let mut process = Process::start(&mut serve)?;
        wait_until_it_answers(&mut process, address, "/auth/public-key").await?;
        let token = sign_in(address).await?;
        Ok(Self { process, address, token })
    }
}

/// A pair of keys as PEM.
pub(crate) struct KeyPair {
    pub(crate) private: String,
    pub(crate) public: String,
}

/// Without a provider it offers tokens of a person that it made up.
async fn sign_in(address: SocketAddr) -> Outcome<String> {
    let mut connection = Connection::new(address);
    let answer = connection
        .send(&request::get(address, "/auth/check?next=http://localhost/", &[]))
        .await
        .doing("the original's check")?;
    let body: Value = serde_json::from_slice(connection.body(answer)).doing("the original's check")?;
    let offered = body.pointer("/providers/google/url").and_then(Value::as_str).unwrap_or_default();
    let token = offered.split_once("jwt=").map(|(_, token)| token.to_owned());
    token.ok_or_else(|| Failure::new(format!("the original offers no token: {body}")))
}

/// The folder of its programs.
fn install(environments: &Path) -> Outcome<PathBuf> {
    let place = environments.join("dgp-oauth2");
    let requirements = package().join("original/requirements.txt");
    let stamp = place.join("requirements.txt");
    let programs = place.join("bin");
    if fs::read(&stamp).ok() == fs::read(&requirements).ok() {
        return Ok(programs);
    }
    fs::create_dir_all(environments).doing("a folder for Python packages")?;
    run(command("/usr/bin/env").args(["python3", "-m", "venv", "--clear"]).arg(&place))?;
    let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(command(programs.join("python")).args(arguments).arg(&requirements))?;
    fs::copy(&requirements, &stamp).doing("a folder for Python packages")?;
    Ok(programs)
}
