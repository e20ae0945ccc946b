//! Many connections that ask at once, and how long they waited.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::client::Connection;
use crate::failure::{Failure, Outcome, While};

/// Two digits of a latency are more than a machine repeats.
const DIGITS: u8 = 2;
/// An answer that takes longer is counted as this long: a minute, in microseconds.
const LONGEST: u64 = 60_000_000;

/// Requests in turn, all of which are answered by one status.
pub(crate) struct Requests {
    list: Vec<Vec<u8>>,
    next: AtomicUsize,
    once: bool,
    status: u16,
}

impl Requests {
    /// Each over and over.
    pub(crate) fn repeated(list: Vec<Vec<u8>>, status: u16) -> Arc<Self> {
        Arc::new(Self { list, next: AtomicUsize::new(0), once: false, status })
    }

    /// Each once, and then it is over.
    pub(crate) fn once(list: Vec<Vec<u8>>, status: u16) -> Arc<Self> {
        Arc::new(Self { list, next: AtomicUsize::new(0), once: true, status })
    }

    fn next(&self) -> Option<&[u8]> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let place = if self.once { place } else { place % self.list.len().max(1) };
        self.list.get(place).map(Vec::as_slice)
    }

    /// Sends each once, one after another: whatever is made at a first use is there afterwards.
    pub(crate) async fn warm_up(&self, address: SocketAddr) -> Outcome<()> {
        let mut connection = Connection::new(address);
        for request in &self.list {
            let answer = connection.send(request).await.doing("a first request")?;
            if answer.status != self.status {
                let body = String::from_utf8_lossy(connection.body(answer)).into_owned();
                return Err(Failure::new(format!("{} instead of {}: {body}", answer.status, self.status)));
            }
        }
        Ok(())
    }
}

/// How it went.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    pub(crate) seconds: f64,
    /// Other than with the expected status, or not at all.
    pub(crate) failed: u64,
    /// Of the answers that came as expected, in microseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Answers {
    fn none() -> Outcome<Self> {
        let latencies = Histogram::new_with_max(LONGEST, DIGITS).doing("a histogram")?;
        Ok(Self { seconds: 0.0, failed: 0, latencies })
    }

    pub(crate) fn succeeded(&self) -> u64 {
        self.latencies.len()
    }

    /// Microseconds within which this share of the answers came.
    #[expect(clippy::cast_precision_loss, reason = "a minute at most")]
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.latencies.value_at_percentile(percent) as f64
    }

    pub(crate) fn record(&mut self, waited: Duration, is_good: bool) {
        if is_good {
            let micros = u64::try_from(waited.as_micros()).unwrap_or(LONGEST);
            self.latencies.saturating_record(micros);
        } else {
            self.failed += 1;
        }
    }

    fn add(&mut self, other: &Self) -> Outcome<()> {
        self.failed += other.failed;
        self.latencies.add(&other.latencies).doing("two histograms")
    }
}

/// Keeps so many connections busy for so long, or until there is nothing left to ask.
pub(crate) async fn flood(
    address: SocketAddr,
    requests: &Arc<Requests>,
    connections: usize,
    duration: Duration,
) -> Outcome<Answers> {
    let started = Instant::now();
    let end = started + duration;
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        workers.spawn(work(address, Arc::clone(requests), end));
    }
    gather(workers, started).await
}

/// Asks at a steady rate over so many connections; what waits is the answer alone, not the request for its turn.
pub(crate) async fn trickle(
    address: SocketAddr,
    requests: &Arc<Requests>,
    connections: u32,
    per_second: u32,
    duration: Duration,
) -> Outcome<Answers> {
    let started = Instant::now();
    let end = started + duration;
    let pause = Duration::from_secs(1) * connections / per_second.max(1);
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        workers.spawn(stroll(address, Arc::clone(requests), pause, end));
    }
    gather(workers, started).await
}

async fn gather(mut workers: JoinSet<Outcome<Answers>>, started: Instant) -> Outcome<Answers> {
    let mut all = Answers::none()?;
    while let Some(answers) = workers.join_next().await {
        all.add(&answers.doing("a worker")??)?;
    }
    all.seconds = started.elapsed().as_secs_f64();
    Ok(all)
}

async fn work(address: SocketAddr, requests: Arc<Requests>, end: Instant) -> Outcome<Answers> {
    let mut connection = Connection::new(address);
    let mut answers = Answers::none()?;
    let mut now = Instant::now();
    while now < end {
        let Some(request) = requests.next() else { break };
        let outcome = connection.send(request).await;
        let then = std::mem::replace(&mut now, Instant::now());
        answers.record(now - then, outcome.is_ok_and(|answer| answer.status == requests.status));
    }
    Ok(answers)
}

async fn stroll(
    address: SocketAddr,
    requests: Arc<Requests>,
    pause: Duration,
    end: Instant,
) -> Outcome<Answers> {
    let mut connection = Connection::new(address);
    let mut answers = Answers::none()?;
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        ticks.tick().await;
        let Some(request) = requests.next() else { break };
        let sent = Instant::now();
        let outcome = connection.send(request).await;
        answers.record(sent.elapsed(), outcome.is_ok_and(|answer| answer.status == requests.status));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_in_turn_and_end_when_each_is_good_once() {
        let list = vec![b"a".to_vec(), b"b".to_vec()];
        let (repeated, once) = (Requests::repeated(list.clone(), 200), Requests::once(list, 200));
        let three = |requests: &Requests| [0; 3].map(|_| requests.next().map(<[u8]>::to_vec));
        assert_eq!(three(&repeated), [Some(b"a".to_vec()), Some(b"b".to_vec()), Some(b"a".to_vec())]);
        assert_eq!(three(&once), [Some(b"a".to_vec()), Some(b"b".to_vec()), None]);
    }

    #[test]
    fn percentiles_are_of_good_answers_alone() {
        let mut answers = Answers::none().unwrap();
        for micros in 1..=100 {
            answers.record(Duration::from_micros(micros), true);
        }
        answers.record(Duration::from_secs(9), false);
        assert_eq!((answers.succeeded(), answers.failed), (100, 1));
        assert!((answers.percentile(50.0) - 50.0).abs() <= 1.0);
        assert!((answers.percentile(99.0) - 99.0).abs() <= 1.0);
    }
}
