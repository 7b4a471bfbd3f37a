//! PostgreSQL goes away under load: 503 meanwhile, and never 500, nor a 401 or 404 that would not be true.

use tessera_journeys::seeds;

use crate::row::Row;

/// What a service says that cannot reach its database.
const EXCUSED: [u16; 1] = [503];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f8_a_fast_restart_of_postgres_is_answered_with_503_only() {
    let Some(mut row) = Row::start("F8 fast restart of PostgreSQL").await else { return };
    for seed in seeds(3) {
        row.round(seed, &EXCUSED, async |ground, history, _| {
            ground.engines.postgres.restart().await;
            history.elapsed()
        })
        .await;
    }
    row.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_a_crash_of_postgres_loses_nothing_that_was_acknowledged() {
    let Some(mut row) = Row::start("F9 crash of PostgreSQL").await else { return };
    for seed in seeds(3) {
        row.round(seed, &EXCUSED, async |ground, history, _| {
            ground.engines.postgres.crash().await;
            ground.engines.postgres.launch().await;
            history.elapsed()
        })
        .await;
    }
    row.finish().await;
}
