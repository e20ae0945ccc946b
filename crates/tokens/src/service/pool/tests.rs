use std::sync::mpsc;

use super::*;

/// Blocks every thread of a pool until the returned senders are dropped.
fn occupy(pool: &Arc<SigningPool>) -> Vec<mpsc::Sender<()>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let hold = |_| {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let job = move || {
            begun.send(()).unwrap();
            released.recv().unwrap_err();
        };
        pool.put(Priority::SignIn, Box::new(job), 1).unwrap();
        has_begun.recv().unwrap();
        release
    };
    (0..thread_count(processors)).map(hold).collect()
}

#[tokio::test]
async fn k6_a_full_queue_refuses_at_once_and_permissions_take_no_place_from_sign_ins() {
    let pool = Arc::new(SigningPool::with_limit(2));
    let held = occupy(&pool);
    let waiting: Vec<_> = (0..2)
        .map(|number| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(Priority::Permission, 1, move || number).await })
        })
        .collect();
    while pool.queue.lock().permission.jobs.len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.run(Priority::Permission, 1, || 2).await, Err(Busy));
    let sign_in = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.run(Priority::SignIn, 1, || 3).await }
    });
    while pool.queue.lock().sign_in.jobs.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(held);
    assert_eq!(sign_in.await.unwrap(), Ok(Some(3)));
    for (number, job) in waiting.into_iter().enumerate() {
        assert_eq!(job.await.unwrap(), Ok(Some(number)));
    }
}

#[tokio::test]
async fn a_sign_in_goes_before_a_permission_that_has_waited_longer() {
    let pool = Arc::new(SigningPool::new());
    let held = occupy(&pool);
    let (order, ordered) = mpsc::channel();
    for priority in [Priority::Permission, Priority::SignIn] {
        let order = order.clone();
        pool.put(priority, Box::new(move || order.send(priority).unwrap()), 1).unwrap();
    }
    let mut lanes = pool.queue.lock();
    if let Some(first) = lanes.next() {
        first();
    }
    drop(lanes);
    assert_eq!(ordered.recv().unwrap(), Priority::SignIn);
    drop(held);
    assert_eq!(ordered.recv().unwrap(), Priority::Permission);
}

#[tokio::test]
async fn a_token_whose_caller_has_gone_is_not_signed() {
    let pool = Arc::new(SigningPool::new());
    let held = occupy(&pool);
    let (begun, has_begun) = mpsc::channel();
    let given_up = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.run(Priority::Permission, 1, move || begun.send(()).unwrap()).await }
    });
    while pool.queue.lock().permission.jobs.is_empty() {
        tokio::task::yield_now().await;
    }
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    drop(held);
    assert_eq!(pool.run(Priority::Permission, 1, || ()).await, Ok(Some(())));
    assert!(has_begun.try_recv().is_err());
}

#[tokio::test]
async fn a_job_that_panics_costs_no_thread() {
    let pool = SigningPool::new();
    for _ in 0..64 {
        assert_eq!(pool.run(Priority::Permission, 1, || panic!("a bug")).await, Ok(None::<()>));
    }
    assert_eq!(pool.run(Priority::Permission, 1, || 1).await, Ok(Some(1)));
}

#[tokio::test]
async fn k6_a_few_large_tokens_of_8_mib_fill_the_queue_as_many_small_ones_do() {
    let pool = Arc::new(SigningPool::new());
    let held = occupy(&pool);
    let large = 2 * 1024 * 1024;
    for _ in 0..4 {
        pool.put(Priority::Permission, Box::new(|| ()), large).unwrap();
    }
    assert_eq!(pool.run(Priority::Permission, large, || ()).await, Err(Busy));
    assert!(pool.put(Priority::SignIn, Box::new(|| ()), large).is_ok(), "theirs is another");
    drop(held);
    while !pool.queue.lock().permission.jobs.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.queue.lock().permission.bytes, 0);
    assert_eq!(pool.run(Priority::Permission, large, || 1).await, Ok(Some(1)));
}

#[test]
fn half_of_the_processors_sign_and_at_least_one() {
    assert_eq!([1, 2, 3, 4, 9, 64].map(thread_count), [1, 1, 1, 2, 4, 32]);
}

#[test]
fn k6_a_signature_waits_two_seconds_and_no_longer() {
    assert!(!is_too_late(Duration::from_secs(2)));
    assert!(is_too_late(Duration::from_millis(2001)));
}

#[tokio::test]
async fn the_threads_end_with_the_pool() {
    let pool = SigningPool::new();
    assert_eq!(pool.run(Priority::SignIn, 1, || 1).await, Ok(Some(1)));
    let queue = Arc::downgrade(&pool.queue);
    drop(pool);
    // Each thread holds the queue for as long as it runs.
    while queue.strong_count() > 0 {
        thread::yield_now();
    }
}
