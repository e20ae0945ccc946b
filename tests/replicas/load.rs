//! People who sign in, are checked, get permission tokens and sign out, a few hundred requests a second together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use vestibule_test_support::{Answer, Client, eventually};

use super::stage::{Site, reach_callback, with_status};

/// Each has one request under way at most.
pub(super) const CALLERS: u32 = 24;
/// Between two requests of one caller: together they ask for three hundred in a second.
const PACE: Duration = Duration::from_millis(80);

/// Requests that go on until [`Load::stop`].
pub(super) struct Load {
    callers: JoinSet<Vec<Lost>>,
    answered: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    began: Instant,
}

/// A request that was not answered as it should be.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) what: &'static str,
    pub(super) why: String,
}

impl Load {
    /// Begins, through the proxy.
    pub(super) fn start(site: &Site) -> Self {
        let (stop, stopped) = watch::channel(false);
        let answered = Arc::new(AtomicU64::new(0));
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let caller = Caller {
                browser: site.browser(),
                base_url: site.proxy.base_url(),
                persona: site.person(number),
                answered: Arc::clone(&answered),
                stopped: stopped.clone(),
            };
            callers.spawn(caller.live());
        }
        Self { callers, answered, stop, began: Instant::now() }
    }

    /// Waits until so many more requests have been answered.
    pub(super) async fn go_on_for(&self, requests: u64) {
        let goal = self.answered.load(Ordering::Relaxed) + requests;
        let reached = async || self.answered.load(Ordering::Relaxed) >= goal;
        eventually("requests are answered", reached).await;
    }

    /// Ends; what was lost.
    pub(super) async fn stop(self) -> Vec<Lost> {
        self.stop.send_replace(true);
        let lost: Vec<_> = self.callers.join_all().await.into_iter().flatten().collect();
        tell(self.answered.load(Ordering::Relaxed), self.began.elapsed(), lost.len());
        lost
    }
}

fn tell(answered: u64, time: Duration, lost: usize) {
    let milliseconds = u64::try_from(time.as_millis()).unwrap().max(1);
    eprintln!("{answered} requests in {milliseconds} ms: {}/s, {lost} lost", answered * 1000 / milliseconds);
}

struct Caller {
    browser: Client,
    base_url: String,
    persona: String,
    answered: Arc<AtomicU64>,
    stopped: watch::Receiver<bool>,
}

impl Caller {
    async fn live(self) -> Vec<Lost> {
        let mut lost = Vec::new();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*self.stopped.borrow() {
            // What one visit loses, the next one begins anew.
            lost.extend(self.visit(&mut pace).await.err());
        }
        lost
    }

    /// Signs in, looks around and signs out: twelve requests.
    async fn visit(&self, pace: &mut tokio::time::Interval) -> Result<(), Lost> {
        pace.tick().await;
        let callback = reach_callback(&self.browser, &self.base_url, &self.persona).await;
        let callback = self.note("login", callback)?;
        pace.tick().await;
        let answer = self.ask("callback", self.browser.request(Method::GET, callback.as_str()), 303).await?;
        let token = answer.location_parameter("jwt").ok_or_else(|| answer.clone());
        let token = token.map_err(|answer| Lost { what: "callback", why: format!("{answer:?}") })?;
        for step in 0..9 {
            pace.tick().await;
            self.look(step, &token).await?;
        }
        pace.tick().await;
        let sign_out = self.browser.request(Method::POST, "/auth/logout").bearer_auth(&token);
        self.ask("logout", sign_out, 200).await.map(drop)
    }

    async fn look(&self, step: u32, token: &str) -> Result<(), Lost> {
        let (what, path, status, part) = match step % 3 {
            0 => ("check", "/auth/check", 200, "\"authenticated\":true"),
            1 => ("authorize", "/auth/authorize?service=storage", 200, "\"token\":"),
            _ => ("login", "/auth/login/github", 303, ""),
        };
        let request = self.browser.request(Method::GET, path).bearer_auth(token);
        let answer = self.ask(what, request, status).await?;
        if answer.body.contains(part) { Ok(()) } else { Err(Lost { what, why: answer.body }) }
    }

    async fn ask(&self, what: &'static str, request: RequestBuilder, status: u16) -> Result<Answer, Lost> {
        let answer = self.browser.try_send(request).await.map_err(|error| format!("{error:?}"));
        self.note(what, answer.and_then(|answer| with_status(answer, status)))
    }

    fn note<T>(&self, what: &'static str, outcome: Result<T, String>) -> Result<T, Lost> {
        self.answered.fetch_add(1, Ordering::Relaxed);
        outcome.map_err(|why| Lost { what, why })
    }
}
