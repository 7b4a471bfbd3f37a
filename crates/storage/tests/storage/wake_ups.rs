//! Waking a loop in another process.

use std::time::Duration;

use tessera_common::server::Stop;
use tessera_storage::{Cache, WakeUp};
use tokio::time::timeout;

use crate::redis_server::{Proxy, Weather, on_redis};

async fn is_woken(wake_up: &WakeUp) -> bool {
    timeout(Duration::from_secs(10), wake_up.notified()).await.is_ok()
}

/// Whether it was woken and nobody has noticed yet.
async fn was_woken(wake_up: &WakeUp) -> bool {
    timeout(Duration::ZERO, wake_up.notified()).await.is_ok()
}

/// A process that listens. It wakes everything once when it begins to.
async fn listening(cache: Cache, stop: &Stop) -> (WakeUp, WakeUp) {
    let (relay, other) = (cache.wake_up("test.relay"), cache.wake_up("test.other"));
    let signal = stop.signal();
    tokio::spawn(async move { cache.run(signal).await });
    assert!(is_woken(&relay).await && is_woken(&other).await);
    (relay, other)
}

#[tokio::test]
async fn a_loop_is_woken_in_every_process_and_twice_in_none() {
    on_redis(async |redis| {
        let stop = Stop::new();
        let (here, here_too) = listening(redis.replica(2), &stop).await;
        let (there, there_too) = listening(redis.replica(2), &stop).await;
        here.notify();
        assert!(is_woken(&there).await);
        assert!(is_woken(&here).await);
        // Messages keep their order: what could still come has come before this one.
        there_too.notify();
        assert!(is_woken(&here_too).await);
        assert!(!was_woken(&here).await, "woken again by its own message");
        assert!(!was_woken(&there).await);
    })
    .await;
}

#[tokio::test]
async fn namespaces_do_not_wake_each_other() {
    on_redis(async |redis| {
        let stop = Stop::new();
        let (ours, ours_too) = listening(redis.replica(1), &stop).await;
        let own = std::mem::replace(&mut redis.namespace, "tessera_test_of_somebody_else".to_owned());
        redis.replica(1).wake_up("test.relay").notify();
        redis.namespace = own;
        redis.replica(1).wake_up("test.other").notify();
        assert!(is_woken(&ours_too).await);
        assert!(!was_woken(&ours).await);
    })
    .await;
}

#[tokio::test]
async fn whoever_listens_again_looks_for_what_was_missed() {
    on_redis(async |redis| {
        let stop = Stop::new();
        let proxy = Proxy::before(redis.address(), Weather::Fine).await;
        let (relay, _) = listening(redis.replica_through(&proxy, 1), &stop).await;
        proxy.turns(Weather::Down);
        redis.replica(1).wake_up("test.relay").notify();
        assert!(!was_woken(&relay).await);
        proxy.turns(Weather::Fine);
        assert!(is_woken(&relay).await);
        redis.replica(1).wake_up("test.relay").notify();
        assert!(is_woken(&relay).await);
    })
    .await;
}

#[tokio::test]
async fn listening_ends_when_told() {
    on_redis(async |redis| {
        let stop = Stop::new();
        let cache = redis.replica(1);
        let running = tokio::spawn({
            let (cache, signal) = (cache.clone(), stop.signal());
            async move { cache.run(signal).await }
        });
        stop.ask();
        timeout(Duration::from_secs(10), running).await.expect("ended").unwrap();
    })
    .await;
}
