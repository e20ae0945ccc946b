//! What people and services do all day, in the proportions of a busy one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::client::Connection;
use crate::failure::Outcome;
use crate::request;
use crate::subjects::service::Traveller;

use super::log::Log;

/// Between these many sessions people come and go.
const FEWEST_SESSIONS: usize = 100;
const MOST_SESSIONS: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Check,
    CheckStranger,
    Authorize,
    Keys,
    Update,
    SignIn,
    SignOut,
}

/// What is done in turn: of twenty requests.
const CYCLE: [Action; 20] = {
    use Action::{Authorize, Check, CheckStranger, Keys, SignIn, SignOut, Update};
    [
        Check,
        Authorize,
        Check,
        SignIn,
        Check,
        Keys,
        Check,
        Authorize,
        SignOut,
        Check,
        Check,
        Authorize,
        Check,
        Check,
        Keys,
        Authorize,
        Update,
        Check,
        CheckStranger,
        Check,
    ]
};

/// The sessions that are alive, and whose turn it is.
pub(super) struct Traffic {
    service: SocketAddr,
    people: usize,
    turn: AtomicUsize,
    sessions: Mutex<Vec<String>>,
    log: Arc<Log>,
}

impl Traffic {
    pub(super) fn new(service: SocketAddr, people: u32, log: Arc<Log>) -> Self {
        let people = usize::try_from(people).unwrap_or(1).max(1);
        Self { service, people, turn: AtomicUsize::new(0), sessions: Mutex::default(), log }
    }

    /// How many sessions are alive.
    pub(super) fn sessions(&self) -> usize {
        self.lock().len()
    }

    /// Does one thing after another, at this pace, to the end.
    pub(super) async fn work(
        self: Arc<Self>,
        mut traveller: Traveller,
        pause: Duration,
        end: Instant,
    ) -> Outcome<()> {
        let mut connection = Connection::new(self.service);
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            ticks.tick().await;
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            match self.action(turn) {
                Action::SignIn => self.sign_in(&mut traveller, turn).await,
                action => self.request(&mut connection, action, turn).await,
            }
        }
        Ok(())
    }

    /// Whose turn it is, unless there are too few people for it, or too many.
    fn action(&self, turn: usize) -> Action {
        let action = CYCLE.get(turn % CYCLE.len()).copied().unwrap_or(Action::Check);
        match (action, self.sessions()) {
            (_, 0) | (Action::SignOut, ..FEWEST_SESSIONS) => Action::SignIn,
            (Action::SignIn, MOST_SESSIONS..) => Action::SignOut,
            (action, _) => action,
        }
    }

    async fn sign_in(&self, traveller: &mut Traveller, turn: usize) {
        let provider = if turn.is_multiple_of(3) { "github" } else { "google" };
        let began = Instant::now();
        let outcome = traveller.sign_in(provider, turn % self.people).await;
        self.log.note("sign-in", began.elapsed(), traveller.last_status(), outcome.is_ok());
        if let Ok(token) = outcome {
            self.lock().push(token);
        }
    }

    async fn request(&self, connection: &mut Connection, action: Action, turn: usize) {
        let (kind, request, expected) = self.write(action, turn);
        let began = Instant::now();
        let answer = connection.send(&request).await.ok();
        let waited = began.elapsed();
        let body = answer.map(|answer| connection.body(answer)).unwrap_or_default();
        let is_good = answer.is_some_and(|answer| answer.status == 200) && contains(body, expected);
        self.log.note(kind, waited, answer.map(|answer| answer.status), is_good);
    }

    /// The kind of a request, its bytes, and what its answer must have in it.
    fn write(&self, action: Action, turn: usize) -> (&'static str, Vec<u8>, &'static str) {
        let get = |path: &str| request::get(self.service, path, &[]);
        let get_as = |token: &str, path| request::get(self.service, path, &[("Auth-Token", token)]);
        match action {
            Action::CheckStranger | Action::SignIn => {
                ("check, nobody", get("/auth/check"), "\"authenticated\":false")
            }
            Action::Keys if turn.is_multiple_of(2) => {
                ("public-key", get("/auth/public-key"), "BEGIN PUBLIC KEY")
            }
            Action::Keys => ("JWKS", get("/.well-known/jwks.json"), "\"keys\""),
            Action::Check => ("check", get_as(&self.borrow(turn), "/auth/check"), "\"authenticated\":"),
            Action::Authorize => {
                let request = get_as(&self.borrow(turn), "/auth/authorize?service=storage");
                ("authorize", request, "\"permissions\":")
            }
            Action::Update => {
                let (token, form) = (self.borrow(turn), format!("username=person-{turn}"));
                let headers = [("Auth-Token", token.as_str())];
                ("update", request::post(self.service, "/auth/update", &headers, &form), "\"success\":")
            }
            Action::SignOut => {
                let token = self.take(turn);
                let headers = [("Auth-Token", token.as_str())];
                ("sign-out", request::post(self.service, "/auth/logout", &headers, ""), "\"success\":true")
            }
        }
    }

    /// The token of somebody who is signed in, and who may sign out before the request arrives.
    fn borrow(&self, turn: usize) -> String {
        let sessions = self.lock();
        let place = turn.wrapping_mul(7) % sessions.len().max(1);
        sessions.get(place).cloned().unwrap_or_default()
    }

    fn take(&self, turn: usize) -> String {
        let mut sessions = self.lock();
        if sessions.is_empty() {
            return String::new();
        }
        let place = turn.wrapping_mul(7) % sessions.len();
        sessions.swap_remove(place)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).contains(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_come_while_there_are_few_and_go_when_there_are_many() {
        let traffic = Traffic::new("127.0.0.1:1".parse().unwrap(), 10, Arc::default());
        let place = |action| CYCLE.iter().position(|one| *one == action).unwrap();
        assert_eq!(traffic.action(place(Action::Check)), Action::SignIn);
        traffic.lock().push("token".to_owned());
        assert_eq!(traffic.action(place(Action::Check)), Action::Check);
        assert_eq!(traffic.action(place(Action::SignOut)), Action::SignIn);
        traffic.lock().resize(MOST_SESSIONS, "token".to_owned());
        assert_eq!(traffic.action(place(Action::SignIn)), Action::SignOut);
        assert_eq!(traffic.action(place(Action::SignOut)), Action::SignOut);
    }

    #[test]
    fn whoever_signs_out_is_not_there_any_more() {
        let traffic = Traffic::new("127.0.0.1:1".parse().unwrap(), 10, Arc::default());
        traffic.lock().extend(["a".to_owned(), "b".to_owned()]);
        let gone = traffic.take(3);
        assert_ne!(traffic.borrow(3), gone);
        assert_eq!(traffic.sessions(), 1);
        assert_eq!((traffic.take(0).len(), traffic.take(0).len()), (1, 0));
    }
}
