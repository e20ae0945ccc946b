use super::*;

const ADA: u64 = 1;
const BOB: u64 = 2;
/// Longer than the first pause, whatever the jitter, and shorter than twice of it.
const AFTER_FIRST: Duration = Duration::from_millis(6_001);

fn call(breaker: &Breaker, user: u64, ending: Ending, now: Instant) -> Option<Change> {
    breaker.enter(user, now).unwrap_or_else(|rest| panic!("it rests for {rest:?}")).end(ending, now)
}

fn open(breaker: &Breaker, now: Instant) {
    for _ in 0..4 {
        assert_eq!(call(breaker, ADA, Ending::Unavailable, now), None);
    }
    assert!(matches!(call(breaker, ADA, Ending::Unavailable, now), Some(Change::Opened(_))));
}

#[test]
fn five_failures_in_a_row_open_it_and_a_success_between_does_not() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for ending in [Ending::Unavailable, Ending::Unavailable, Ending::Success, Ending::Unavailable] {
        call(&breaker, ADA, ending, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    for _ in 0..4 {
        call(&breaker, ADA, Ending::Unavailable, now);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    let rest = breaker.enter(BOB, now).err().unwrap();
    assert!((Duration::from_secs(4)..=Duration::from_secs(6)).contains(&rest), "{rest:?}");
}

#[test]
fn more_than_half_of_the_last_twenty_open_it_and_half_does_not() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..30 {
        call(&breaker, ADA, Ending::Success, now);
        call(&breaker, ADA, Ending::Unavailable, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(matches!(call(&breaker, ADA, Ending::Unavailable, now), Some(Change::Opened(_))));
}

#[test]
fn fewer_than_ten_calls_say_nothing_unless_five_fail_in_a_row() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..3 {
        for ending in [Ending::Unavailable, Ending::Unavailable, Ending::Success] {
            call(&breaker, ADA, ending, now);
        }
    }
    assert_eq!(breaker.state(), BreakerState::Closed, "six of nine");
    call(&breaker, ADA, Ending::Unavailable, now);
    assert_eq!(breaker.state(), BreakerState::Open, "seven of ten");
}

#[test]
fn e4_one_user_whose_data_make_it_fail_locks_nobody_out() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..100 {
        assert_eq!(call(&breaker, ADA, Ending::Faulty, now), None);
    }
    assert!(matches!(call(&breaker, BOB, Ending::Faulty, now), Some(Change::Opened(_))), "now there are two");
}

#[test]
fn failures_of_availability_count_whoever_asked_and_beside_the_faults_of_one() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..4 {
        call(&breaker, ADA, Ending::Unavailable, now);
        call(&breaker, ADA, Ending::Faulty, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed, "four that count");
    assert!(matches!(call(&breaker, ADA, Ending::Unavailable, now), Some(Change::Opened(_))));
}

#[test]
fn what_says_nothing_about_the_plugin_is_not_remembered() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..4 {
        call(&breaker, ADA, Ending::Unavailable, now);
        call(&breaker, ADA, Ending::Neither, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&breaker, ADA, Ending::Unavailable, now);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn after_the_pause_exactly_one_call_goes_through_and_its_success_closes() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    let probe = breaker.enter(ADA, later).ok().unwrap();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.enter(BOB, later).err(), Some(PROBE_PAUSE));
    assert_eq!(probe.end(Ending::Success, later), Some(Change::Closed));
    assert_eq!(call(&breaker, BOB, Ending::Unavailable, later), None, "the past is forgotten");
}

#[test]
fn each_failure_of_the_one_call_doubles_the_pause_up_to_a_minute() {
    let (breaker, mut now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    for seconds in [10, 20, 40, 60, 60] {
        now += Duration::from_secs(100);
        let Some(Change::Opened(rest)) = call(&breaker, ADA, Ending::Unavailable, now) else {
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
    assert_eq!(call(&breaker, ADA, Ending::Success, later), Some(Change::Closed));
}

#[test]
fn e4_a_probe_that_fails_for_one_user_leaves_the_next_to_somebody_else() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    assert!(matches!(call(&breaker, ADA, Ending::Faulty, later), Some(Change::Opened(_))));
    assert!(breaker.enter(ADA, later).is_err());
    assert_eq!(call(&breaker, BOB, Ending::Success, later), Some(Change::Closed));
}

#[test]
fn probes_that_fail_for_two_users_open_it_again() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    let later = now + AFTER_FIRST;
    call(&breaker, ADA, Ending::Faulty, later);
    let Some(Change::Opened(rest)) = call(&breaker, BOB, Ending::Faulty, later) else { panic!("it opens") };
    assert!(rest >= Duration::from_secs(8), "doubled: {rest:?}");
    assert!(breaker.enter(ADA, later).is_err() && breaker.enter(BOB, later).is_err());
}

#[test]
fn a_user_who_is_alone_may_try_again_after_the_pause() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    open(&breaker, now);
    call(&breaker, ADA, Ending::Faulty, now + AFTER_FIRST);
    let later = now + AFTER_FIRST * 2;
    assert_eq!(call(&breaker, ADA, Ending::Success, later), Some(Change::Closed));
}

#[test]
fn what_began_before_it_opened_decides_nothing_afterwards() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    let early = breaker.enter(BOB, now).ok().unwrap();
    open(&breaker, now);
    assert_eq!(early.end(Ending::Success, now), None);
    assert_eq!(breaker.state(), BreakerState::Open);
}
