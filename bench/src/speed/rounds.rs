//! One round: every cell once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::failure::Outcome;
use crate::load::{self, Requests};
use crate::process::processor_seconds;
use crate::request;
use crate::subjects::service::Service;
use crate::subjects::signature;

use super::Speed;
use super::series::{Figures, row, subject};
use super::stage::{PEOPLE, Stage, Trio};

/// Twice as many as there are processors would do; more show how it goes in earnest.
const CONNECTIONS: usize = 16;
/// At a callback each waits for the disk and for the provider.
const CALLBACK_CONNECTIONS: usize = 32;
/// Sign-ins prepared for a second.
const CALLBACKS_PER_SECOND: f64 = 1_500.0;
/// What somebody waits for while others flood.
const TRICKLE: u32 = 400;
const TRICKLE_CONNECTIONS: u32 = 4;

const AUTHORIZE: &str = "/auth/authorize?service=storage";

/// Measures every cell once.
pub(super) async fn measure_all(stage: &Stage, speed: &Speed, figures: &mut Figures) -> Outcome<()> {
    let mut round = Round { stage, duration: speed.duration(), only: &speed.only, figures };
    round.keys().await?;
    round.check().await?;
    round.authorize().await?;
    round.sign_in().await?;
    round.latency().await
}

struct Round<'a> {
    stage: &'a Stage,
    duration: Duration,
    only: &'a str,
    figures: &'a mut Figures,
}

/// Who answers.
struct Target<'a> {
    subject: &'a str,
    address: SocketAddr,
    pid: u32,
}

impl<'a> Target<'a> {
    fn service(subject: &'a str, service: &Service) -> Self {
        Self { subject, address: service.address, pid: service.process.pid() }
    }
}

impl Round<'_> {
    async fn keys(&mut self) -> Outcome<()> {
        for (row, path) in [(row::PUBLIC_KEY, "/auth/public-key"), (row::JWKS, "/.well-known/jwks.json")] {
            self.bare(row).await?;
            for trio in &self.stage.trios {
                let target = Target::service(trio.kind.name(), &trio.usual);
                self.flood(row, &target, vec![trio.usual.request(path)]).await?;
            }
        }
        self.original(row::PUBLIC_KEY, "/auth/public-key").await
    }

    async fn check(&mut self) -> Outcome<()> {
        self.bare(row::CHECK).await?;
        for trio in &self.stage.trios {
            let target = Target::service(trio.kind.name(), &trio.usual);
            self.flood(row::CHECK, &target, trio.usual.requests("/auth/check")).await?;
            self.flood(row::CHECK_COOKIE, &target, trio.usual.cookie_requests("/auth/check")).await?;
            self.flood(row::CHECK_PERSONAL, &target, trio.usual.personal_requests("/auth/check")).await?;
            let target = Target::service(trio.kind.name(), &trio.crowded);
            self.flood(row::CROWDED, &target, trio.crowded.requests("/auth/check")).await?;
        }
        self.original(row::CHECK, "/auth/check").await
    }

    async fn authorize(&mut self) -> Outcome<()> {
        if self.wanted(row::FRESH) {
            let (count, seconds) = signature::measure(self.duration)?;
            self.figures.add_cost(row::FRESH, subject::SIGNATURE, count, seconds);
            self.figures.add_rate(row::FRESH, subject::SIGNATURE, count, seconds);
        }
        for trio in &self.stage.trios {
            let target = Target::service(trio.kind.name(), &trio.fresh);
            self.flood(row::FRESH, &target, trio.fresh.requests(AUTHORIZE)).await?;
        }
        self.original(row::FRESH, AUTHORIZE).await?;
        self.bare(row::REPEATED).await?;
        for trio in &self.stage.trios {
            let target = Target::service(trio.kind.name(), &trio.usual);
            self.flood(row::REPEATED, &target, trio.usual.requests(AUTHORIZE)).await?;
        }
        Ok(())
    }

    async fn sign_in(&mut self) -> Outcome<()> {
        for trio in &self.stage.trios {
            for (row, provider) in [(row::SIGN_IN, "google"), (row::SIGN_IN_GITHUB, "github")] {
                if self.wanted(row) {
                    self.callbacks(row, trio, provider).await?;
                }
            }
        }
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand"
    )]
    async fn callbacks(&mut self, row: &'static str, trio: &Trio, provider: &str) -> Outcome<()> {
        let count = (CALLBACKS_PER_SECOND * self.duration.as_secs_f64()) as usize;
        let callbacks = trio.usual.prepare_callbacks(provider, count, PEOPLE).await?;
        let name = trio.kind.name();
        let others = self.stage.server.iter().filter(|_| trio.usual.database.url.starts_with("postgres"));
        let mut others: Vec<_> =
            others.map(|server| (format!("{name}: the server's part"), server.pid)).collect();
        others.push((format!("{name}: the provider's part"), self.stage.provider.process.pid()));

        let before: Vec<_> = others.iter().map(|(_, pid)| processor_seconds(*pid)).collect();
        let own_before = processor_seconds(trio.usual.process.pid());
        let requests = Requests::once(callbacks, 303);
        let answers =
            load::flood(trio.usual.address, &requests, CALLBACK_CONNECTIONS, self.duration * 4).await?;
        let own = processor_seconds(trio.usual.process.pid()) - own_before;
        self.figures.add(row, name, &answers, own);
        for ((subject, pid), before) in others.into_iter().zip(before) {
            let used = processor_seconds(pid) - before;
            self.figures.add_cost(row, &subject, answers.succeeded() as f64, used);
        }
        Ok(())
    }

    async fn latency(&mut self) -> Outcome<()> {
        if !self.wanted(row::FLOODED) {
            return Ok(());
        }
        for trio in &self.stage.trios {
            let service = &trio.fresh;
            let checks = Requests::repeated(service.requests("/auth/check"), 200);
            let authorize = Requests::repeated(service.requests(AUTHORIZE), 200);
            let garbage = Requests::repeated(service.garbage_requests("/auth/check", PEOPLE), 200);
            let trickle =
                || load::trickle(service.address, &checks, TRICKLE_CONNECTIONS, TRICKLE, self.duration);
            let idle = trickle().await?;
            let flood = load::flood(service.address, &authorize, CALLBACK_CONNECTIONS, self.duration);
            let (flooded, others) = tokio::join!(trickle(), flood);
            let subject = trio.kind.name();
            self.figures.add(row::IDLE, subject, &idle, f64::NAN);
            self.figures.add(row::FLOODED, subject, &flooded?, f64::NAN);
            self.figures.add(row::FLOODED, &format!("{subject}: the flood"), &others?, f64::NAN);
            let flood = load::flood(service.address, &garbage, CALLBACK_CONNECTIONS, self.duration);
            let (flooded, others) = tokio::join!(trickle(), flood);
            self.figures.add(row::GARBAGE, subject, &flooded?, f64::NAN);
            self.figures.add(row::GARBAGE, &format!("{subject}: the flood"), &others?, f64::NAN);
        }
        Ok(())
    }

    async fn bare(&mut self, row: &'static str) -> Outcome<()> {
        let Some(bare) = self.stage.bare.get(row) else { return Ok(()) };
        let target = Target { subject: subject::BARE, address: bare.address, pid: bare.process.pid() };
        self.flood(row, &target, vec![request::get(bare.address, "/", &[])]).await
    }

    async fn original(&mut self, row: &'static str, path: &str) -> Outcome<()> {
        let Some(original) = &self.stage.original else { return Ok(()) };
        let target =
            Target { subject: subject::ORIGINAL, address: original.address, pid: original.process.pid() };
        let request = request::get(original.address, path, &[("Auth-Token", &original.token)]);
        self.flood(row, &target, vec![request]).await
    }

    async fn flood(&mut self, row: &'static str, target: &Target<'_>, requests: Vec<Vec<u8>>) -> Outcome<()> {
        if !self.wanted(row) {
            return Ok(());
        }
        let requests: Arc<Requests> = Requests::repeated(requests, 200);
        requests.warm_up(target.address).await?;
        let before = processor_seconds(target.pid);
        let answers = load::flood(target.address, &requests, CONNECTIONS, self.duration).await?;
        let used = processor_seconds(target.pid) - before;
        self.figures.add(row, target.subject, &answers, used);
        Ok(())
    }

    fn wanted(&self, row: &str) -> bool {
        row.contains(self.only)
    }
}
