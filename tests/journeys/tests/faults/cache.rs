//! Redis goes away or forgets under load: callers see nothing of it.

use std::time::Duration;

use tessera_journeys::seeds;

use crate::row::Row;

/// Between two faults of a round.
const PAUSE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_without_redis_from_the_start_and_later_everything_works() {
    let Some(mut row) = Row::start_with("F12 Redis away", async |engines| engines.redis.kill9()).await else { return };
    for seed in seeds(2) {
        row.round(seed, &[], async |ground, history, _| {
            ground.engines.redis.launch().await;
            tokio::time::sleep(PAUSE).await;
            ground.engines.redis.kill9();
            history.elapsed()
        })
        .await;
    }
    let figures = row.finish().await;
    assert_eq!(figures.unknown, 0, "callers see nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_flushing_redis_under_load_is_not_noticed() {
    let Some(mut row) = Row::start("F13 FLUSHALL of Redis").await else { return };
    for seed in seeds(2) {
        row.round(seed, &[], async |ground, history, _| {
            for _ in 0..4 {
                assert_eq!(ground.engines.redis.command("FLUSHALL").await, "+OK");
                tokio::time::sleep(PAUSE).await;
            }
            history.elapsed()
        })
        .await;
    }
    let figures = row.finish().await;
    assert_eq!(figures.unknown, 0, "callers see nothing of it");
}
