use super::*;

const ADA: u64 = 1;
const BOB: u64 = 2;
/// Longer than the first pause, whatever the jitter, and shorter than twice of it.
const AFTER_FIRST: Duration = Duration::from_millis(6_001);

fn call(breaker: &Breaker, user: u64, ending: Ending, now: Instant) -> Option<Transition> {
    breaker.enter(user, now).unwrap_or_else(|rest| panic!("it rests for {rest:?}")).end(ending, now)
}

/// Calls of two users in turns.
fn calls(breaker: &Breaker, endings: &[Ending], now: Instant) -> Option<Transition> {
    let users = [ADA, BOB].into_iter().cycle();
    endings.iter().zip(users).fold(None, |_, (ending, user)| call(breaker, user, *ending, now))
}

fn open(breaker: &Breaker, now: Instant) {
    assert_eq!(calls(breaker, &[Ending::Failure; 4], now), None);
    // Of five the two of the one count, and as many of the other.
    assert_eq!(call(breaker, ADA, Ending::Failure, now), None);
    assert!(matches!(call(breaker, BOB, Ending::Failure, now), Some(Transition::Opened(_))));
}

#[test]
fn five_failures_in_a_row_open_it_and_a_success_between_does_not() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    calls(&breaker, &[Ending::Failure, Ending::Failure, Ending::Success, Ending::Failure], now);
    assert_eq!(breaker.state(), BreakerState::Closed);
    for user in 3..7 {
        assert_eq!(breaker.state(), BreakerState::Closed);
        call(&breaker, user, Ending::Failure, now);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    let rest = breaker.enter(BOB, now).err().unwrap();
    assert!((Duration::from_secs(4)..=Duration::from_secs(6)).contains(&rest), "{rest:?}");
}

#[test]
fn more_than_half_of_the_last_twenty_open_it_and_half_does_not() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for user in 0..30 {
        call(&breaker, user, Ending::Success, now);
        call(&breaker, user, Ending::Failure, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(matches!(call(&breaker, 30, Ending::Failure, now), Some(Transition::Opened(_))));
}

#[test]
fn fewer_than_ten_calls_say_nothing_unless_five_fail_in_a_row() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for user in 0..3 {
        call(&breaker, user, Ending::Failure, now);
        call(&breaker, user + 10, Ending::Failure, now);
        call(&breaker, user, Ending::Success, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed, "six of nine");
    call(&breaker, 20, Ending::Failure, now);
    assert_eq!(breaker.state(), BreakerState::Open, "seven of ten");
}

#[test]
fn e4_one_user_for_whom_it_fails_locks_nobody_out() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..100 {
        assert_eq!(call(&breaker, ADA, Ending::Failure, now), None);
    }
    for _ in 0..2 {
        assert_eq!(call(&breaker, BOB, Ending::Failure, now), None, "a failure of another makes no five");
    }
    assert!(
        matches!(call(&breaker, BOB, Ending::Failure, now), Some(Transition::Opened(_))),
        "now there are two"
    );
}

#[test]
fn what_says_nothing_about_the_plugin_is_not_remembered() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for user in 0..4 {
        call(&breaker, user, Ending::Failure, now);
        call(&breaker, user, Ending::Neither, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&breaker, 4, Ending::Failure, now);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn e4_neither_the_queue_nor_a_call_without_its_time_says_anything_about_the_plugin() {
    let unavailable = |cause| Err::<(), _>(CallFailure::unavailable("a", cause));
    let queue = [Unavailability::QueueFull, Unavailability::QueueTimeout, Unavailability::Stuck];
    for cause in queue {
        assert_eq!(Ending::of(&unavailable(cause), false), Ending::Neither, "{cause}");
    }
    for cause in [Unavailability::Timeout, Unavailability::Retry, Unavailability::Crashed] {
        assert_eq!(Ending::of(&unavailable(cause), false), Ending::Failure, "{cause}");
        assert_eq!(Ending::of(&unavailable(cause), true), Ending::Neither, "{cause}");
    }
    assert_eq!(Ending::of(&Ok(()), true), Ending::Success, "an answer is an answer");
}

#[test]
fn after_the_pause_exactly_one_call_goes_through_and_its_success_closes() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    let probe = breaker.enter(ADA, later).ok().unwrap();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.enter(BOB, later).err(), Some(PROBE_PAUSE));
    assert_eq!(probe.end(Ending::Success, later), Some(Transition::Closed));
    assert_eq!(call(&breaker, BOB, Ending::Failure, later), None, "the past is forgotten");
}

#[test]
fn when_the_one_call_fails_for_two_users_the_pause_doubles_up_to_a_minute() {
    let (breaker, mut now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    for seconds in [10, 20, 40, 60, 60] {
        now += Duration::from_secs(100);
        let Some(Transition::Opened(rest)) = calls(&breaker, &[Ending::Failure; 2], now) else {
            panic!("it is open again")
        };
        let pause = Duration::from_secs(seconds);
        assert!((pause.mul_f64(0.8)..=pause.mul_f64(1.2)).contains(&rest), "{rest:?}");
    }
}

#[test]
fn a_probe_whose_caller_went_away_makes_room_for_the_next() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    drop(breaker.enter(ADA, later).ok().unwrap());
    assert_eq!(breaker.state(), BreakerState::Open);
    let later = later + Duration::from_secs(1);
    assert_eq!(call(&breaker, ADA, Ending::Neither, later), None, "nor does a full queue decide");
    assert_eq!(call(&breaker, ADA, Ending::Success, later), Some(Transition::Closed));
}

#[test]
fn e4_a_probe_that_fails_for_one_user_leaves_the_next_to_somebody_else() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    assert!(matches!(call(&breaker, ADA, Ending::Failure, later), Some(Transition::Opened(_))));
    assert!(breaker.enter(ADA, later).is_err());
    assert_eq!(call(&breaker, BOB, Ending::Success, later), Some(Transition::Closed));
}

#[test]
fn probes_that_fail_for_two_users_open_it_again() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    let Some(Transition::Opened(rest)) = calls(&breaker, &[Ending::Failure; 2], later) else {
        panic!("it opens")
    };
    assert!(rest >= Duration::from_secs(8), "doubled: {rest:?}");
    assert!(breaker.enter(ADA, later).is_err() && breaker.enter(BOB, later).is_err());
}

#[test]
fn a_user_who_is_alone_may_try_again_after_the_pause() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    call(&breaker, ADA, Ending::Failure, now + AFTER_FIRST);
    let later = now + AFTER_FIRST * 2;
    assert_eq!(call(&breaker, ADA, Ending::Success, later), Some(Transition::Closed));
}

#[test]
fn what_began_before_it_opened_decides_nothing_afterwards() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    let early = breaker.enter(BOB, now).ok().unwrap();
    open(&breaker, now);
    assert_eq!(early.end(Ending::Success, now), None);
    assert_eq!(breaker.state(), BreakerState::Open);
}
