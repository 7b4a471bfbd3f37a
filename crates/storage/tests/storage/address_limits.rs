//! Limits by address that replicas share, and what is left of them while Redis is not there.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tessera_common::dialect::{Accident, Limited};
use tessera_common::random::Random;
use tessera_common::server::Caller;
use tessera_storage::cache::RedisSettings;
use tessera_storage::{AddressLimit, Cache};

use crate::redis_server::{Lent, Proxy, Weather, nowhere, on_redis, replica, until};

const HOUR: Duration = Duration::from_secs(3600);

/// What a call may take: the promised tenth of a second, and the rest for a machine that is busy. Dialling alone is given up after a second.
const SOON: Duration = Duration::from_millis(800);

fn limit(cache: &Cache, quota: u32, window: Duration) -> AddressLimit {
    AddressLimit::new(cache, "test.requests", NonZeroU32::new(quota).unwrap(), window)
}

fn caller(last: u8) -> Caller {
    Caller { address: IpAddr::from([192, 0, 2, last]), user_agent: None }
}

/// Counts one request; what it is told if it is refused.
async fn count(limit: &AddressLimit) -> Result<(), Limited> {
    limit.count(&caller(1)).await.map_err(|accident| match accident {
        Accident::RateLimited(limited) => limited,
        other => panic!("{other:?}"),
    })
}

async fn allowed_of(calls: u32, limit: &AddressLimit) -> u32 {
    let mut allowed = 0;
    for _ in 0..calls {
        allowed += u32::from(count(limit).await.is_ok());
    }
    allowed
}

#[expect(clippy::disallowed_methods, reason = "how long a call takes is what these tests are about")]
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let answer = call.await;
    (answer, start.elapsed())
}

#[tokio::test]
async fn a_quota_is_shared_by_replicas() {
    on_redis(async |redis| {
        let (one, other) = (limit(&redis.replica(2), 3, HOUR), limit(&redis.replica(2), 3, HOUR));
        assert_eq!([count(&one).await, count(&other).await, count(&one).await], [Ok(()); 3]);
        for used_up in [count(&other).await, count(&one).await] {
            let Err(Limited { retry_after, quota: 3, window: 3600 }) = used_up else { panic!("{used_up:?}") };
            // A third of the window, less what has passed since the first.
            assert!((1190..=1200).contains(&retry_after), "{retry_after}");
        }
        assert!(other.count(&caller(2)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn many_at_once_get_no_more_than_the_quota() {
    on_redis(async |redis| {
        let replicas = [limit(&redis.replica(2), 10, HOUR), limit(&redis.replica(2), 10, HOUR)];
        let calls = replicas.iter().flat_map(|one| (0..20).map(move |_| count(one)));
        let outcomes = futures::future::join_all(calls).await;
        assert_eq!(outcomes.into_iter().filter(Result::is_ok).count(), 10);
    })
    .await;
}

#[tokio::test]
async fn redis_answers_as_memory_does() {
    on_redis(async |redis| {
        for (quota, window) in [(1, HOUR), (4, Duration::from_secs(60)), (7, Duration::from_secs(900))] {
            let (shared, local) = (limit(&redis.replica(1), quota, window), limit(&Cache::Memory, quota, window));
            for _ in 0..quota + 2 {
                assert_eq!(count(&shared).await, count(&local).await);
            }
            redis.empty().await;
        }
    })
    .await;
}

#[tokio::test]
async fn requests_are_earned_back_over_the_window_and_leave_nothing_behind() {
    on_redis(async |redis| {
        let window = Duration::from_secs(2);
        let limit = limit(&redis.replica(1), 2, window);
        let (_, waited) = timed(async {
            assert_eq!([count(&limit).await, count(&limit).await], [Ok(()); 2]);
            assert_eq!(redis.keys().await.len(), 1);
            assert_eq!(count(&limit).await, Err(Limited { retry_after: 1, quota: 2, window: 2 }));
            until("one request is earned back", async || count(&limit).await.is_ok()).await;
        })
        .await;
        assert!(waited >= window / 2, "after {waited:?}");
        until("the key is gone with its window", async || redis.keys().await.is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn without_redis_from_the_start_each_replica_allows_its_part() {
    let cache = replica("tessera_test", &format!("redis://{}", nowhere().await), 4, None);
    let (generous, tight) = (limit(&cache, 8, HOUR), limit(&cache, 2, HOUR));
    for (limit, expected) in [(generous, 2), (tight, 1)] {
        let mut allowed = 0;
        for _ in 0..20 {
            let (outcome, took) = timed(count(&limit)).await;
            assert!(took < SOON, "{took:?}");
            allowed += u32::from(outcome.is_ok());
        }
        assert_eq!(allowed, expected);
    }
}

#[tokio::test]
async fn redis_goes_away_and_comes_back() {
    on_redis(async |redis| {
        let proxy = Proxy::before(redis.address(), Weather::Fine).await;
        let limit = limit(&redis.replica_through(&proxy, 2), 10, HOUR);
        assert_eq!(allowed_of(2, &limit).await, 2);
        proxy.turns(Weather::Down);
        assert_eq!(allowed_of(10, &limit).await, 3, "its half of ten, of which it has allowed two");
        proxy.turns(Weather::Fine);
        until("Redis counts again", async || count(&limit).await.is_ok()).await;
        assert_eq!(allowed_of(20, &limit).await, 7, "Redis knows of three");
    })
    .await;
}

/// What the slowest call takes when Redis begins to hang and when it has hung for some calls. It has begun fine, or hung already.
async fn slowest_of_a_hang(redis: &mut Lent, begins: Weather) -> Duration {
    let proxy = Proxy::before(redis.address(), begins).await;
    let limit = limit(&redis.hasty_replica_through(&proxy), 1000, HOUR);
    count(&limit).await.unwrap();
    proxy.turns(Weather::Hung);
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let (outcome, took) = timed(count(&limit)).await;
        assert!(outcome.is_ok());
        slowest = slowest.max(took);
    }
    // A hundred calls, of which one may be the one that tries.
    let (allowed, took) = timed(allowed_of(100, &limit)).await;
    assert_eq!(allowed, 100);
    redis.empty().await;
    proxy.turns(Weather::Fine);
    until("Redis counts again", async || {
        let _ = count(&limit).await;
        !redis.keys().await.is_empty()
    })
    .await;
    slowest.max(took)
}

#[tokio::test]
async fn a_redis_that_hangs_costs_a_tenth_of_a_second_and_soon_nothing() {
    on_redis(async |redis| {
        for begins in [Weather::Fine, Weather::Hung] {
            let mut slowest = slowest_of_a_hang(redis, begins).await;
            if slowest >= SOON {
                // A busy machine delays one attempt, a missing limit each.
                slowest = slowest_of_a_hang(redis, begins).await;
            }
            assert!(slowest < SOON, "{slowest:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_became_a_replicas_is_left() {
    on_redis(async |redis| {
        let proxy = Proxy::before(redis.address(), Weather::Fine).await;
        let limit = limit(&redis.replica_through(&proxy, 1), 1000, HOUR);
        count(&limit).await.unwrap();
        redis.empty().await;
        proxy.turns(Weather::Demoted);
        count(&limit).await.unwrap();
        assert!(redis.keys().await.is_empty(), "refused, and counted here");
        count(&limit).await.unwrap();
        assert_eq!(redis.keys().await.len(), 1, "the next one reaches the new primary");
    })
    .await;
}

#[tokio::test]
async fn emptied_under_load_it_forgets_and_nothing_fails() {
    on_redis(async |redis| {
        let limits = [limit(&redis.replica(2), 5, HOUR), limit(&redis.replica(2), 5, HOUR)];
        let mut allowed = 0;
        for _ in 0..10 {
            let load = limits.iter().flat_map(|one| (0..10).map(move |_| count(one)));
            let (outcomes, ()) = futures::join!(futures::future::join_all(load), redis.empty());
            allowed += outcomes.into_iter().filter(Result::is_ok).count();
        }
        // Each of the ten may have come in the middle of a round, and the first began with nothing.
        assert!((5..=55).contains(&allowed), "{allowed}");
        redis.empty().await;
        assert_eq!(allowed_of(6, &limits[0]).await, 5, "Redis still counts");
    })
    .await;
}

/// A server of this test, by TLS alone.
struct TlsServer(Child);

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).unwrap();
    }
}

#[tokio::test]
async fn tls_needs_an_authority_that_was_named() {
    if !Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok_and(|it| it.success()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(file("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(file("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let port = nowhere().await.port();
    let server = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", "0", "--save", "", "--tls-auth-clients", "no"])
        .args([
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &file("cert.pem"),
            "--tls-key-file",
            &file("key.pem"),
        ])
        .args(["--dir", folder.path().to_str().unwrap()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _server = TlsServer(server);
    until("the server listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;

    let url = format!("rediss://localhost:{port}");
    let with = |authority: &rcgen::Certificate| {
        limit(&replica("tessera_test", &url, 1000, Some(authority.pem().into_bytes())), 1000, HOUR)
    };
    let trusted = with(&made.cert);
    // Here alone one is allowed; with Redis a thousand are.
    until("Redis counts", async || allowed_of(2, &trusted).await == 2).await;
    let stranger = with(&rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert);
    assert_eq!(allowed_of(20, &stranger).await, 1);
}

#[test]
fn settings_that_cannot_be_read_are_refused() {
    let open = |url: &str, authorities: &str| {
        let settings = RedisSettings {
            url: url.to_owned().into(),
            namespace: "x".to_owned(),
            instances: NonZeroU32::MIN,
            authorities: Some(authorities.to_owned().into_bytes()),
            patience: RedisSettings::PATIENCE,
        };
        Cache::redis(&settings, &Random::system())
    };
    assert!(open("redis://127.0.0.1", "none is needed").is_ok());
    assert!(open("nonsense", "").is_err());
    assert!(open("rediss://127.0.0.1", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
}
